//! What led to what, drawn: causes as boxes, arrows between them. A click on one and then on another draws the arrow, or
//! takes it away; the words below do the same by keys.

use bevy_egui::egui::{self, Align2, Color32, FontId, Painter, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use crate::gui::kit::{Cx, low};
use crate::gui::theme::heading;

/// A box.
const BOX: egui::Vec2 = vec2(190.0, 44.0);
/// Height of the drawing: with two causes in a row, and with more.
const HIGH: (f32, f32) = (76.0, 150.0);

/// Where each of so many boxes is: two beside each other, more in two rows, one above and one below in turn.
pub fn places(count: usize, rect: Rect) -> Vec<Rect> {
    let (w, gaps) = (rect.width(), count.saturating_sub(1).max(1) as f32);
    // Those of one row are two steps apart, and that far no box is wide.
    let most = if count <= 2 { (w - 12.0) / 2.0 } else { (2.0 * w - 12.0 * gaps) / (gaps + 2.0) };
    let wide = BOX.x.min(most);
    let step = (w - wide) / gaps;
    let row = |n: usize| match (count, n % 2) {
        (0..=2, _) => rect.center().y,
        (_, 0) => rect.top() + BOX.y / 2.0 + 8.0,
        _ => rect.bottom() - BOX.y / 2.0 - 8.0,
    };
    let at = |n: usize| pos2(rect.left() + wide / 2.0 + step * n as f32, row(n));
    (0..count).map(|n| Rect::from_center_size(at(n), vec2(wide, BOX.y))).collect()
}

/// Draws them.
pub fn causes_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let form = &cx.state.commit;
    let count = form.causes.len();
    let high = if count <= 2 { HIGH.0 } else { HIGH.1 };
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width() - 10.0, high), Sense::hover());
    let boxes = places(count, rect);
    let theme = cx.theme;
    for (from, to) in &form.links {
        let ends = boxes.get(usize::from(*from)).zip(boxes.get(usize::from(*to)));
        let both = form.links.contains(&(*to, *from));
        ends.inspect(|(a, b)| arrow(ui.painter(), **a, **b, both, theme.text_high.c()));
    }
    let mut clicked = None;
    for (n, (cause, at)) in form.causes.iter().zip(&boxes).enumerate() {
        let response = ui.interact(*at, egui::Id::new(("cause box", n)), Sense::click());
        let leads: Vec<String> =
            form.links.iter().filter(|l| usize::from(l.0) == n).map(|l| (l.1 + 1).to_string()).collect();
        let leads = if leads.is_empty() { "nothing".to_string() } else { leads.join(", ") };
        let says = format!("cause {}: {}, led to {leads}", n + 1, cause.mechanism);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &says));
        let chosen = form.from == Some(n as u8);
        let line = if chosen { theme.you } else { theme.hairline };
        ui.painter().rect_filled(*at, 6, if response.hovered() { theme.hairline.c() } else { theme.raised.c() });
        ui.painter().rect_stroke(*at, 6, Stroke::new(if chosen { 2.0 } else { 1.0 }, line.c()), StrokeKind::Inside);
        let inside = ui.painter().with_clip_rect(at.shrink(4.0));
        let name = format!("{}  {}", n + 1, cause.mechanism);
        let top = at.left_center() + vec2(10.0, -9.0);
        inside.text(top, Align2::LEFT_CENTER, name, FontId::monospace(12.0), theme.text_high.c());
        let below = at.left_center() + vec2(10.0, 10.0);
        inside.text(below, Align2::LEFT_CENTER, cause.role.word(), heading(12.0), theme.text_mid.c());
        if response.on_hover_text(says).clicked() {
            clicked = Some(n as u8);
        }
    }
    let says = match form.from {
        Some(n) => format!("{} led to ... choose the other", n + 1),
        None => "Click a cause, then what it led to; again takes the arrow away.".to_string(),
    };
    ui.label(low(theme, says));
    let form = &mut cx.state.commit;
    match (clicked, form.from) {
        (Some(n), None) => form.from = Some(n),
        (Some(n), Some(from)) => {
            form.from = None;
            if n != from {
                toggle(&mut form.links, (from, n));
            }
        }
        _ => {}
    }
}

/// Draws an arrow, or takes it away.
pub fn toggle(links: &mut Vec<(u8, u8)>, link: (u8, u8)) {
    let before = links.len();
    links.retain(|l| *l != link);
    if links.len() == before {
        links.push(link);
    }
}

/// From box to box; where there is one each way, they keep apart.
fn arrow(painter: &Painter, from: Rect, to: Rect, both: bool, ink: Color32) {
    let way = (to.center() - from.center()).normalized();
    let aside = if both { egui::vec2(-way.y, way.x) * 7.0 } else { egui::Vec2::ZERO };
    let start = edge(from, way) + aside;
    let end = edge(to, -way) + aside - way * 2.0;
    painter.line_segment([start, end - way * 8.0], Stroke::new(1.8, ink));
    let across = egui::vec2(-way.y, way.x) * 4.5;
    let head = vec![end, end - way * 10.0 + across, end - way * 10.0 - across];
    painter.add(egui::Shape::convex_polygon(head, ink, Stroke::NONE));
}

/// Where a ray from a box's middle leaves it.
fn edge(rect: Rect, way: egui::Vec2) -> Pos2 {
    let half = rect.size() / 2.0;
    let reach = |half: f32, way: f32| if way.abs() < 1e-6 { f32::INFINITY } else { half / way.abs() };
    rect.center() + way * reach(half.x, way.x).min(reach(half.y, way.y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_lie_inside_and_apart_and_an_arrow_comes_and_goes() {
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(540.0, HIGH.1));
        for count in 1..=6 {
            let boxes = places(count, rect);
            assert!(boxes.iter().all(|b| rect.expand(1.0).contains_rect(*b)), "{count}: {boxes:?}");
            for (n, one) in boxes.iter().enumerate() {
                assert!(!boxes[n + 1..].iter().any(|other| one.shrink(1.0).intersects(*other)), "{count}: {boxes:?}");
            }
        }
        let mut links = Vec::new();
        toggle(&mut links, (0, 1));
        toggle(&mut links, (1, 0));
        toggle(&mut links, (0, 1));
        assert_eq!(links, [(1, 0)]);
    }
}
