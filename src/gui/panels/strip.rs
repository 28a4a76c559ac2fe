//! The strip at the bottom: the session so far, with pain, alerts, looks, orders and commits at their moments.

use bevy_egui::egui::{self, Align2, FontId, Sense, Stroke, Ui, pos2, vec2};

use crate::gui::answers::seconds_of_day;
use crate::gui::kit::Cx;

/// Draws it.
pub fn strip_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let theme = cx.theme;
    let view = &cx.snap.view;
    let now_s = view.elapsed_s;
    let whole = (now_s + view.left_s).clamp(60.0, f64::MAX);
    let shown = whole.min((now_s * 1.15).max(300.0));
    let (left, right) = (rect.left() + 64.0, rect.right() - 12.0);
    let x = |s: f64| left + (right - left) * (s / shown).clamp(0.0, 1.0) as f32;
    let base = rect.bottom() - 20.0;
    let top = rect.top() + 4.0;
    let painter = ui.painter();
    // One mesh: of polygons beside each other the edges would be seen.
    let mut pain = egui::Mesh::default();
    let high = |p: f64| base - (base - top) * (p / 100.0).clamp(0.0, 1.0) as f32;
    for (n, [at_s, percent]) in cx.snap.pain.iter().enumerate() {
        for y in [base, high(*percent)] {
            pain.colored_vertex(pos2(x(*at_s), y), theme.tint(theme.failing, 0.16));
        }
        if let Some(last) = (2 * n as u32).checked_sub(2) {
            pain.add_triangle(last, last + 1, last + 2);
            pain.add_triangle(last + 1, last + 3, last + 2);
        }
    }
    painter.add(egui::Shape::mesh(pain));
    painter.text(
        pos2(rect.left() + 10.0, (top + base) / 2.0),
        Align2::LEFT_CENTER,
        "in pain",
        FontId::proportional(11.5),
        theme.text_low.c(),
    );
    painter.hline(left..=right, base, Stroke::new(1.0, theme.hairline.c()));
    let day = seconds_of_day(&cx.snap.clock).unwrap_or(0.0) - now_s;
    let step = if shown < 900.0 { 60.0 } else { 300.0 };
    let mut mark = (day / step).ceil() * step;
    while mark <= day + shown {
        let at = x(mark - day);
        painter.vline(at, base..=base + 3.0, Stroke::new(1.0, theme.text_low.c()));
        if at < right - 24.0 {
            let text = crate::gui::answers::clock_of(mark);
            painter.text(
                pos2(at + 3.0, base + 8.0),
                Align2::LEFT_CENTER,
                &text[..5],
                FontId::monospace(11.0),
                theme.text_low.c(),
            );
        }
        mark += step;
    }
    let second = |clock: &str| seconds_of_day(clock).map(|s| s - day);
    for alert in &cx.snap.alerts {
        let Some(s) = second(&alert.fired).filter(|s| 0.0 <= *s) else { continue };
        let c = pos2(x(s), top + 6.0);
        if alert.pages {
            painter.rect_filled(egui::Rect::from_center_size(c, vec2(8.0, 8.0)), 1, theme.failing.c());
        } else {
            let points = vec![c + vec2(0.0, -5.0), c + vec2(5.0, 4.0), c + vec2(-5.0, 4.0)];
            painter.add(egui::Shape::convex_polygon(points, theme.degraded.c(), Stroke::NONE));
        }
    }
    let mut named = f32::NEG_INFINITY;
    for looked in &cx.snap.looked {
        let pinned = view.board.pins.iter().any(|p| p.observation == looked.number);
        let c = pos2(x(looked.at_s), base - 8.0);
        if pinned {
            painter.circle_filled(c, 3.5, theme.you.c());
            if c.x < named + 24.0 {
                continue; // two names would lie over each other
            }
            named = c.x;
            painter.text(
                c + vec2(0.0, -9.0),
                Align2::CENTER_CENTER,
                format!("E{}", looked.number),
                FontId::monospace(10.5),
                theme.text_high.c(),
            );
        } else {
            painter.circle_stroke(c, 2.5, Stroke::new(1.0, theme.text_low.c()));
        }
    }
    let since = |at: crate::sim::time::SimTime| now_s - (cx.snap.now.as_secs_f64() - at.as_secs_f64());
    for order in &view.orders {
        let c = pos2(x(since(order.at)), base - 20.0);
        let points = vec![c + vec2(0.0, 5.0), c + vec2(5.0, -4.0), c + vec2(-5.0, -4.0)];
        painter.add(egui::Shape::convex_polygon(points, theme.you.c(), Stroke::NONE));
    }
    for commit in &view.board.commits {
        let c = pos2(x(since(commit.at)), base - 8.0);
        painter.circle_stroke(c, 6.0, Stroke::new(1.5, theme.you.c()));
        painter.circle_stroke(c, 3.0, Stroke::new(1.5, theme.you.c()));
    }
    if let Some((from, to)) = cx.state.brush {
        let stretch = egui::Rect::from_x_y_ranges(x(from - day)..=x(to - day), top..=base);
        painter.rect_filled(stretch, 0, theme.you.alpha(0.10));
        painter.rect_stroke(stretch, 0, Stroke::new(1.0, theme.text_mid.c()), egui::StrokeKind::Inside);
    }
    if let Some(cursor) = cx.state.cursor.map(|c| c - day).filter(|c| 0.0 <= *c && *c <= shown) {
        painter.vline(x(cursor), top..=base, Stroke::new(1.0, theme.text_low.c()));
    }
    painter.vline(x(now_s), top..=base + 3.0, Stroke::new(1.5, theme.text_high.c()));
    let says = format!(
        "{} alerts, {} looks, {} orders, {} commits since the beginning",
        cx.snap.alerts.len(),
        cx.snap.looked.len(),
        view.orders.len(),
        view.board.commits.len()
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, &says));
    response.on_hover_text(
        "square: page  ·  triangle: alert  ·  circle: look, filled if pinned  ·  down: order  ·  double: commit",
    );
}
