//! Whether texts fit: what is cut off at a side, and what lies over other text. For tests and for those who look at pictures.

use bevy_egui::egui::{self, LayerId, Order, Rect, Shape};

/// Pixels by which a text may reach beyond its clip.
const SLACK: f32 = 2.5;
/// The share of the smaller of two texts that may be covered by the other.
const COVERED: f32 = 0.22;

/// What does not fit in the frame that was just drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfits {
    /// Texts that are cut off at their left or right, or lie beyond the window.
    pub cut: Vec<String>,
    /// Pairs of texts of which one covers the other.
    pub covered: Vec<(String, String)>,
}

struct Shown {
    text: String,
    /// As much of it as is to be seen.
    seen: Rect,
    layer: Order,
}

/// Looks at every text of the frame. Texts that machines wrote may scroll sideways, and are let off.
pub fn misfits(ctx: &egui::Context) -> Misfits {
    let window = ctx.viewport_rect();
    let mut found = Misfits::default();
    let mut shown: Vec<Shown> = Vec::new();
    let layers: Vec<LayerId> = ctx.memory(|m| m.layer_ids().collect());
    ctx.graphics(|graphics| {
        for layer in layers.iter().chain([&LayerId::background()]) {
            let Some(list) = graphics.get(*layer) else { continue };
            for clipped in list.all_entries() {
                one(&clipped.shape, clipped.clip_rect, window, layer.order, &mut shown, &mut found);
            }
        }
    });
    shown.dedup_by(|a, b| a.text == b.text && a.seen == b.seen);
    for (place, a) in shown.iter().enumerate() {
        for b in shown[place + 1..].iter().filter(|b| b.layer == a.layer && b.text != a.text) {
            let both = a.seen.intersect(b.seen);
            if both.is_positive() && COVERED * a.seen.area().min(b.seen.area()) < both.area() {
                found.covered.push((a.text.clone(), b.text.clone()));
            }
        }
    }
    found
}

fn one(shape: &Shape, clip: Rect, window: Rect, layer: Order, shown: &mut Vec<Shown>, found: &mut Misfits) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|s| one(s, clip, window, layer, shown, found)),
        Shape::Text(text) => {
            let rect = Rect::from_min_size(text.pos, text.galley.size()).translate(text.galley.rect.min.to_vec2());
            let words: String = text.galley.text().chars().take(60).collect();
            let seen = rect.intersect(clip);
            if words.trim().is_empty() || !seen.is_positive() || seen.height() < rect.height() * 0.5 {
                return; // scrolled away
            }
            let mono = text.galley.job.sections.iter().any(|s| s.format.font_id.family == egui::FontFamily::Monospace);
            let sides = rect.left() < clip.left() - SLACK || clip.right() + SLACK < rect.right();
            if (sides && !mono) || !window.expand(SLACK).contains_rect(seen) {
                found.cut.push(words.clone());
            }
            // Line by line: a text that goes on after another begins in the middle of a line.
            for row in &text.galley.rows {
                let rect = row.rect_without_leading_space().translate(text.pos.to_vec2()).intersect(clip);
                let seen = rect.shrink2(egui::vec2(1.0, rect.height() * 0.18));
                shown.push(Shown { text: words.clone(), seen, layer });
            }
        }
        _ => {}
    }
}
