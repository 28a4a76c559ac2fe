//! The bar at the top: clock and speed, severity, users in pain, what looking has cost, the next promise.

use bevy_egui::egui::{self, Align, Color32, FontId, Layout, Rect, RichText, Sense, Stroke, Ui, vec2};

use crate::gui::kit::{Cx, chip, key_cap, low, minutes};
use crate::gui::theme::heading;
use crate::session::command::Command;
use crate::session::view::in_pain;

/// Draws it. Returns whether the palette, the keys or the settings were asked for.
pub fn top_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let narrow = ui.available_width() < 1000.0;
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        clock(ui, cx);
        divider(ui, cx);
        severity(ui, cx);
        pain(ui, cx, if narrow { 60.0 } else { 150.0 });
        divider(ui, cx);
        promise(ui, cx);
        if !narrow {
            let view = &cx.snap.view;
            let says = format!("{} looks, {} spent", view.looks.len(), minutes(looked_s(cx)));
            ui.label(low(cx.theme, says)).on_hover_text("seconds of the clock that looks have cost");
        }
        if cx.snap.view.armed {
            chip(ui, cx.theme, "ARMED", cx.theme.degraded.c());
        }
        let (free, whole) = (ui.cursor().left() + 8.0, ui.max_rect());
        let taken = ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            right(ui, cx, narrow);
            ui.min_rect().left()
        });
        cx.state.toast_room =
            Some(Rect::from_x_y_ranges(free..=(taken.inner - 18.0).max(free), whole.y_range()).expand2(vec2(0.0, 3.0)));
    });
}

fn looked_s(cx: &Cx<'_>) -> f64 {
    cx.snap.looked.iter().map(|l| l.price_s).sum()
}

fn divider(ui: &mut Ui, cx: &Cx<'_>) {
    let (rect, _) = ui.allocate_exact_size(vec2(1.0, 20.0), Sense::hover());
    ui.painter().vline(rect.center().x, rect.y_range(), Stroke::new(1.0, cx.theme.hairline.c()));
}

fn clock(ui: &mut Ui, cx: &mut Cx<'_>) {
    let view = &cx.snap.view;
    let text = RichText::new(&cx.snap.clock).font(FontId::monospace(18.0)).color(cx.theme.text_high.c());
    ui.label(text);
    let (rect, response) = ui.allocate_exact_size(vec2(24.0, 24.0), Sense::click());
    let says = if view.stopped { "start the clock (Space)" } else { "stop the clock (Space)" };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, says));
    let ink: Color32 = if response.hovered() { cx.theme.text_high.c() } else { cx.theme.text_mid.c() };
    let c = rect.center();
    if view.stopped {
        let points = vec![c + vec2(-4.0, -6.0), c + vec2(7.0, 0.0), c + vec2(-4.0, 6.0)];
        ui.painter().add(egui::Shape::convex_polygon(points, cx.theme.degraded.c(), Stroke::NONE));
    } else {
        for x in [-4.0, 2.0] {
            ui.painter().rect_filled(Rect::from_min_size(c + vec2(x, -6.0), vec2(3.0, 12.0)), 0, ink);
        }
    }
    if response.on_hover_text(says).clicked() {
        cx.command(Command::Pause { stopped: !view.stopped });
    }
    let says = if view.stopped { "paused".to_string() } else { format!("{}x", view.speed) };
    ui.label(low(cx.theme, says));
}

fn severity(ui: &mut Ui, cx: &Cx<'_>) {
    let view = &cx.snap.view;
    let (text, ink) = match view.severity {
        Some(level) => (format!("SEV{level}"), cx.theme.text_high),
        None => ("SEV ?".to_string(), cx.theme.text_low),
    };
    ui.label(RichText::new(text).font(heading(14.0)).color(ink.c()));
    ui.label(low(cx.theme, format!("{:?}", view.mode)));
}

fn pain(ui: &mut Ui, cx: &Cx<'_>, width: f32) {
    let (text, ink) = match cx.snap.view.pain_percent {
        None => ("-".to_string(), cx.theme.text_low),
        Some(p) if 20.0 <= p => (in_pain(p), cx.theme.failing),
        Some(p) if 5.0 <= p => (in_pain(p), cx.theme.degraded),
        Some(p) => (in_pain(p), cx.theme.text_high),
    };
    ui.label(low(cx.theme, "users in pain"))
        .on_hover_text("as the indicator has it: two minutes late, when all reports are in");
    ui.label(RichText::new(text).font(heading(16.0)).color(ink.c()));
    let (rect, _) = ui.allocate_exact_size(vec2(width, 22.0), Sense::hover());
    ui.painter().rect_filled(rect, 3, cx.theme.deep.c());
    let points = &cx.snap.pain;
    let to = cx.snap.view.elapsed_s.max(60.0);
    let from = (to - 900.0).max(0.0);
    let at = |[s, p]: [f64; 2]| {
        let x = rect.left() + rect.width() * ((s - from) / (to - from)) as f32;
        egui::pos2(x, rect.bottom() - 2.0 - (rect.height() - 4.0) * (p / 100.0).clamp(0.0, 1.0) as f32)
    };
    let line: Vec<egui::Pos2> = points.iter().filter(|p| from <= p[0]).map(|p| at(*p)).collect();
    ui.painter().add(egui::Shape::line(line, Stroke::new(1.5, ink.c())));
}

fn promise(ui: &mut Ui, cx: &Cx<'_>) {
    let (text, ink) = match cx.snap.view.next_update_s {
        None => ("no update promised".to_string(), cx.theme.text_low),
        Some(s) if s < 0.0 => (format!("update overdue by {}", minutes(-s)), cx.theme.failing),
        Some(s) if s < 60.0 => (format!("next update in {}", minutes(s)), cx.theme.degraded),
        Some(s) => (format!("next update in {}", minutes(s)), cx.theme.text_mid),
    };
    ui.label(RichText::new(text).size(13.0).color(ink.c()));
}

fn right(ui: &mut Ui, cx: &mut Cx<'_>, narrow: bool) {
    if ui.add(egui::Button::new(RichText::new("Settings").size(13.0)).frame(false)).clicked() {
        cx.state.settings_open = true;
    }
    if ui.add(egui::Button::new(RichText::new("Keys").size(13.0)).frame(false)).clicked() {
        cx.state.help = true;
    }
    key_cap(ui, cx.theme, "?");
    if !narrow {
        if ui.add(egui::Button::new(RichText::new("Palette").size(13.0)).frame(false)).clicked() {
            cx.state.palette = Some(Default::default());
        }
        key_cap(ui, cx.theme, "Ctrl+K");
        let left = cx.snap.view.left_s;
        ui.label(low(cx.theme, format!("shift ends in {}", minutes(left))));
    }
}
