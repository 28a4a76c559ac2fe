//! What if: how many users were not served over time, here, with nothing done, and with the best that was found; and what each
//! order did by itself.

use bevy_egui::egui::{self, Align2, Color32, FontId, Rect, RichText, Sense, Shape, Stroke, Ui, pos2, vec2};

use crate::gui::answers::{clock_of, seconds_of_day};
use crate::gui::desk::Told;
use crate::gui::kit::{head, inset, low, mid, whole};
use crate::gui::theme::Theme;
use crate::score::tell;
use crate::score::whatif::Curve;

/// Height of the curves.
const HIGH: f32 = 300.0;

/// Draws it.
pub fn what_if_ui(ui: &mut Ui, theme: &Theme, told: &Told) {
    ui.label(head(theme, "Users who were not served").size(16.0));
    ui.label(low(theme, "share of what they wanted, over a minute each; triangles: your orders"));
    curves(ui, theme, told);
    ui.add_space(12.0);
    orders(ui, theme, told);
}

/// Colour, width and dashes of a curve; the same as the bars of the first minute.
fn pen(theme: &Theme, curve: &Curve) -> (Color32, f32, Option<(f32, f32)>) {
    match curve.name {
        "you" => (theme.flow.c(), 2.6, None),
        "nothing done" => (theme.text_low.c(), 1.8, Some((7.0, 5.0))),
        _ => (theme.text_high.c(), 1.8, Some((2.0, 4.0))),
    }
}

fn curves(ui: &mut Ui, theme: &Theme, told: &Told) {
    let whatif = &told.debrief.whatif;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width() - 8.0, HIGH), Sense::hover());
    response.widget_info(|| {
        let most = |c: &Curve| c.unserved.iter().copied().fold(0.0, f64::max) * 100.0;
        let of = |c: &Curve| format!("{}: {:.0} % at most, {} user-minutes lost", c.name, most(c), whole(c.lost));
        let says = whatif.curves.iter().map(of).collect::<Vec<_>>().join("; ");
        egui::WidgetInfo::labeled(egui::WidgetType::Image, true, says)
    });
    let plot = Rect::from_min_max(rect.min + vec2(44.0, 12.0), rect.max - vec2(150.0, 24.0));
    let painter = ui.painter();
    let end = whatif.t_s.last().copied().unwrap_or(0.0).max(60.0);
    let x = |s: f64| plot.left() + plot.width() * (s / end).clamp(0.0, 1.0) as f32;
    let y = |share: f64| plot.bottom() - plot.height() * share.clamp(0.0, 1.0) as f32;
    for percent in [0.0, 50.0, 100.0] {
        let at = y(percent / 100.0);
        painter.hline(plot.x_range(), at, Stroke::new(1.0, theme.hairline.c()));
        let font = FontId::monospace(11.5);
        let text = format!("{percent:.0} %");
        painter.text(pos2(plot.left() - 6.0, at), Align2::RIGHT_CENTER, text, font, theme.text_low.c());
    }
    let opened = seconds_of_day(&told.opened).unwrap_or(0.0);
    let step = if end < 1500.0 { 300.0 } else { 600.0 };
    let mut mark = (opened / step).ceil() * step;
    while mark <= opened + end {
        let at = pos2(x(mark - opened), plot.bottom() + 12.0);
        painter.text(at, Align2::CENTER_CENTER, &clock_of(mark)[..5], FontId::monospace(11.5), theme.text_low.c());
        mark += step;
    }
    for order in &told.debrief.users.orders {
        let Some(at) = seconds_of_day(&order.time).map(|s| s - opened).filter(|s| (0.0..=end).contains(s)) else {
            continue;
        };
        let c = pos2(x(at), plot.top() - 4.0);
        painter.vline(c.x, plot.y_range(), Stroke::new(1.0, theme.hairline.c()));
        let points = vec![c + vec2(0.0, 5.0), c + vec2(5.0, -4.0), c + vec2(-5.0, -4.0)];
        painter.add(Shape::convex_polygon(points, theme.you.c(), Stroke::NONE));
    }
    let mut named: Vec<f32> = Vec::new();
    // One's own lies over the others.
    for curve in whatif.curves.iter().rev() {
        let (colour, width, dashes) = pen(theme, curve);
        let points: Vec<_> = whatif.t_s.iter().zip(&curve.unserved).map(|(s, share)| pos2(x(*s), y(*share))).collect();
        let last = points.last().map_or(plot.bottom(), |p| p.y);
        match dashes {
            Some((dash, gap)) => drop(painter.add(Shape::dashed_line(&points, Stroke::new(width, colour), dash, gap))),
            None => drop(painter.add(Shape::line(points, Stroke::new(width, colour)))),
        }
        let mut at = last;
        while named.iter().any(|n| (n - at).abs() < 17.0) {
            at -= 17.0;
        }
        named.push(at);
        let text = format!("{}, {}", curve.name, whole(curve.lost));
        painter.text(pos2(plot.right() + 10.0, at), Align2::LEFT_CENTER, text, FontId::proportional(13.0), colour);
    }
}

/// What each order did, and the best that was found.
fn orders(ui: &mut Ui, theme: &Theme, told: &Told) {
    let users = &told.debrief.users;
    ui.label(head(theme, "What each order did").size(16.0));
    ui.label(low(theme, "user-minutes, all other orders kept; right of the line: it cost users, left: it spared them"));
    ui.add_space(6.0);
    if users.orders.is_empty() {
        ui.label(mid(theme, "You ordered nothing."));
    }
    let most = users.orders.iter().map(|o| o.effect.abs()).fold(1.0, f64::max);
    for order in &users.orders {
        inset(theme).show(ui, |ui| {
            ui.set_width(ui.available_width() - 8.0);
            ui.horizontal(|ui| {
                ui.label(
                    RichText::new(format!("{}  {}", order.time, order.action)).monospace().color(theme.text_high.c()),
                );
                if let Some(why) = &order.refused {
                    ui.label(low(theme, format!("not carried out: {why}")));
                }
            });
            let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::hover());
            let middle = rect.center().x;
            let reach = rect.width() / 2.0 - 90.0;
            let end = middle + reach * (order.effect / most) as f32;
            let colour = if order.effect < 0.0 { theme.flow } else { theme.degraded };
            ui.painter().rect_filled(
                Rect::from_two_pos(pos2(middle, rect.top() + 2.0), pos2(end, rect.bottom() - 2.0)),
                2,
                colour.c(),
            );
            ui.painter().vline(middle, rect.y_range(), Stroke::new(1.5, theme.text_low.c()));
            let says = match order.effect {
                e if e.abs() < 0.5 => "changed nothing".to_string(),
                e if e < 0.0 => format!("spared {}", whole(e)),
                e => format!("cost {}", whole(e)),
            };
            let (at, hang) =
                if order.effect < 0.0 { (end - 8.0, Align2::RIGHT_CENTER) } else { (end + 8.0, Align2::LEFT_CENTER) };
            ui.painter().text(pos2(at, rect.center().y), hang, says, FontId::proportional(13.0), theme.text_high.c());
            let sooner = users.lost - order.lost_at_first_chance;
            if 0.5 <= sooner {
                ui.label(low(
                    theme,
                    format!("at the first chance it would have spared {} more: the cost of delay", whole(sooner)),
                ));
            }
            if let Some(leaves) = tell::leaves(order) {
                ui.label(low(theme, leaves));
            }
        });
    }
    ui.add_space(10.0);
    ui.label(head(theme, "The best that was found").size(16.0));
    if users.was_best {
        ui.label(mid(theme, format!("Nothing better than yours was found in {} tries.", users.tried)));
    }
    for order in &users.best {
        ui.label(RichText::new(format!("{}  {}", order.time, order.action)).monospace().color(theme.text_high.c()));
    }
    ui.label(low(
        theme,
        format!(
            "{} user-minutes lost with it, {} with nothing done",
            whole(users.lost_at_best),
            whole(users.lost_if_nothing)
        ),
    ));
}
