//! The bar at the top: clock and speed, severity, error budget, users in pain, cost, the next promise.

use bevy_egui::egui::{self, Align, Color32, FontId, Layout, Rect, RichText, Sense, Stroke, Ui, vec2};

use crate::gui::kit::{Cx, chip, key_cap, low, minutes};
use crate::gui::theme::heading;
use crate::session::command::Command;
use crate::session::prices;
use crate::session::spend::{ALLOWED, DAYS};
use crate::session::view::{burnt, in_pain};

/// Below this width of the bar only what cannot wait is in it; from the other on all of it.
const NARROW: f32 = 1000.0;
/// See [`NARROW`].
const ROOMY: f32 = 1400.0;

/// Draws it. Returns whether the palette, the keys or the settings were asked for.
pub fn top_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let narrow = ui.available_width() < NARROW;
    let roomy = ROOMY < ui.available_width();
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        clock(ui, cx);
        divider(ui, cx);
        severity(ui, cx);
        pain(ui, cx, if roomy { 150.0 } else { 60.0 });
        divider(ui, cx);
        if !narrow {
            budget(ui, cx);
        }
        cost(ui, cx);
        divider(ui, cx);
        promise(ui, cx);
        if cx.snap.view.armed {
            chip(ui, cx.theme, "ARMED", cx.theme.degraded.c());
        }
        let (free, whole) = (ui.cursor().left() + 8.0, ui.max_rect());
        let taken = ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            right(ui, cx, narrow, roomy);
            ui.min_rect().left()
        });
        cx.state.toast_room =
            Some(Rect::from_x_y_ranges(free..=(taken.inner - 18.0).max(free), whole.y_range()).expand2(vec2(0.0, 3.0)));
    });
}

/// A quiet name with a number that stands out.
fn told(ui: &mut Ui, cx: &Cx<'_>, name: &str, value: &str, hover: &str) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(low(cx.theme, name)).on_hover_text(hover);
        ui.label(RichText::new(value).font(heading(14.0)).color(cx.theme.text_high.c())).on_hover_text(hover);
    });
}

fn budget(ui: &mut Ui, cx: &Cx<'_>) {
    let says = cx.snap.view.budget_burnt_percent.map_or("-".to_string(), burnt);
    let hover = format!(
        "since you came on, of the error budget: {:.1} % of the requests of {DAYS:.0} days; \
         by the same indicator, two minutes late, under level traffic",
        ALLOWED * 100.0
    );
    told(ui, cx, "error budget", &says, &hover);
}

fn cost(ui: &mut Ui, cx: &Cx<'_>) {
    let cost = cx.snap.view.cost;
    let hover = format!(
        "minutes of people, as the score counts them\n{} looks: {}\n{} teams woken: {:.0} min each\n\
         {:.1} accelerator-hours ordered: {:.0} min each",
        cx.snap.view.looks.len(),
        minutes(cost.looks_s),
        cost.teams,
        prices::PER_TEAM,
        cost.gpu_hours,
        prices::PER_GPU_HOUR
    );
    told(ui, cx, "cost", &format!("{:.0} min", cost.minutes()), &hover);
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
    let faster = if view.speed < 8 { view.speed * 2 } else { 1 };
    let hover = format!("{faster}x  (comma slower, full stop faster)");
    if ui.add(egui::Button::new(low(cx.theme, says)).frame(false)).on_hover_text(hover).clicked() {
        cx.command(Command::Speed { times: faster });
    }
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

fn right(ui: &mut Ui, cx: &mut Cx<'_>, narrow: bool, roomy: bool) {
    if ui.add(egui::Button::new(RichText::new("Settings").size(13.0)).frame(false)).clicked() {
        cx.state.settings_open = true;
    }
    if ui.add(egui::Button::new(RichText::new("Keys").size(13.0)).frame(false)).clicked() {
        cx.state.help = true;
    }
    key_cap(ui, cx.theme, "?");
    if roomy {
        if ui.add(egui::Button::new(RichText::new("Palette").size(13.0)).frame(false)).clicked() {
            cx.state.palette = Some(Default::default());
        }
        key_cap(ui, cx.theme, "Ctrl+K");
    }
    if !narrow {
        let left = cx.snap.view.left_s;
        ui.label(low(cx.theme, format!("shift ends in {}", minutes(left))));
    }
}
