//! The title: one button, sessions to go on with, the cases, and the map of mechanisms that fills in as debriefs are read.

use bevy_egui::egui::{self, Align2, FontId, Rect, RichText, Sense, Stroke, Ui, UiBuilder, pos2, vec2};

use crate::gui::kit::{Shape, chip, frame, head, key_cap, low, mid, primary, shape};
use crate::gui::state::State;
use crate::gui::theme::{Theme, heading};
use crate::gui::worker::Ask;
use crate::scenario::mechanisms::MECHANISMS;

/// Lines of the map: a family of mechanisms and its name.
const LINES: [(&str, &str); 8] = [
    ("demand", "Demand"),
    ("sdk", "SDK"),
    ("network", "Network"),
    ("api", "API"),
    ("serving", "Serving"),
    ("accelerator", "Accelerator"),
    ("kv_cache", "KV cache"),
    ("control", "Control loops"),
];

/// Draws it.
pub fn title_ui(ui: &mut Ui, theme: &Theme, state: &mut State, asks: &mut Vec<Ask>) {
    let whole = ui.available_rect_before_wrap().shrink(28.0);
    ui.painter().rect_filled(ui.available_rect_before_wrap(), 0, theme.deep.c());
    let left_w = (whole.width() * 0.34).clamp(330.0, 520.0);
    let left = Rect::from_min_size(whole.min, vec2(left_w, whole.height()));
    ui.scope_builder(UiBuilder::new().max_rect(left).id_salt("begin"), |ui| begin(ui, theme, state, asks));
    let right = Rect::from_min_max(pos2(left.right() + 36.0, whole.top()), whole.max);
    map(ui, theme, state, right);
}

fn begin(ui: &mut Ui, theme: &Theme, state: &mut State, asks: &mut Vec<Ask>) {
    ui.add_space(10.0);
    ui.label(RichText::new("Scar Tissue").font(heading(40.0)).color(theme.text_high.c()));
    ui.label(mid(theme, "A flight simulator for people on call").size(16.0));
    ui.add_space(26.0);
    let run = std::mem::take(&mut state.run);
    let button = egui::Button::new(RichText::new("Take the pager").font(heading(19.0)).color(if theme.dark {
        theme.deep.c()
    } else {
        theme.raised.c()
    }))
    .fill(if theme.dark { theme.flow.c() } else { theme.focus.c() })
    .min_size(vec2(230.0, 52.0));
    ui.horizontal(|ui| {
        let clicked = ui.add_enabled(!state.beginning, button).clicked();
        if (clicked || run) && !state.beginning {
            start(state, asks, Ask::Begin(None));
        }
        ui.add_space(6.0);
        key_cap(ui, theme, "Enter");
    });
    ui.add_space(6.0);
    let says = if state.beginning { "The world is warming up ..." } else { "The easiest case that you have not met." };
    ui.label(low(theme, says));
    if let Some(why) = state.failed.clone() {
        ui.horizontal_wrapped(|ui| {
            shape(ui, Shape::Square, theme.failing.c());
            ui.label(mid(theme, why));
        });
    }
    if !state.sessions.is_empty() {
        ui.add_space(18.0);
        ui.label(head(theme, "Go on, at the second where you left"));
        let sessions = state.sessions.clone();
        ui.horizontal_wrapped(|ui| {
            for (name, _) in sessions.iter().take(6) {
                if chip(ui, theme, name, theme.text_high.c()).clicked() {
                    start(state, asks, Ask::Resume(name.clone()));
                }
            }
        });
    }
    ui.add_space(18.0);
    ui.label(head(theme, "Cases"));
    let bottom = 46.0;
    let high = (ui.available_height() - bottom).max(80.0);
    egui::ScrollArea::vertical().id_salt("cases").max_height(high).auto_shrink([false, false]).show(ui, |ui| {
        let cases = state.cases.clone();
        for (case, met) in &cases {
            let width = ui.available_width() - 8.0;
            let (rect, response) = ui.allocate_exact_size(vec2(width, 54.0), Sense::click());
            response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &case.id));
            let fill = if response.hovered() { theme.raised } else { theme.ground };
            ui.painter().rect_filled(rect, 6, fill.c());
            ui.painter().rect_stroke(rect, 6, Stroke::new(1.0, theme.hairline.c()), egui::StrokeKind::Inside);
            let at = rect.left_top() + vec2(12.0, 16.0);
            ui.painter().text(at, Align2::LEFT_CENTER, &case.id, heading(13.5), theme.text_high.c());
            for n in 0..5u8 {
                let c = at + vec2(92.0 + 12.0 * f32::from(n), 0.0);
                if n < case.difficulty {
                    ui.painter().circle_filled(c, 3.5, theme.text_mid.c());
                } else {
                    ui.painter().circle_stroke(c, 3.5, Stroke::new(1.0, theme.unknown.c()));
                }
            }
            let says = format!("{} min{}", case.minutes, if *met { "  ·  met" } else { "" });
            ui.painter().text(
                rect.right_top() + vec2(-12.0, 16.0),
                Align2::RIGHT_CENTER,
                says,
                FontId::proportional(12.5),
                theme.text_low.c(),
            );
            let mut job = egui::text::LayoutJob::simple_singleline(
                case.page.clone(),
                FontId::proportional(13.0),
                theme.text_mid.c(),
            );
            job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 24.0);
            let galley = ui.painter().layout_job(job);
            ui.painter().galley(rect.left_top() + vec2(12.0, 29.0), galley, theme.text_mid.c());
            if response.clicked() {
                start(state, asks, Ask::Begin(Some(case.id.clone())));
            }
        }
    });
    ui.horizontal(|ui| {
        if ui.button("Settings").clicked() {
            state.settings_open = true;
        }
        if ui.button("Keys").clicked() {
            state.help = true;
        }
        ui.label(low(theme, "works offline"));
    });
}

fn start(state: &mut State, asks: &mut Vec<Ask>, ask: Ask) {
    state.forget_session();
    state.beginning = true;
    asks.push(ask);
}

/// Lines and their stations. A station is filled only by a debrief: before a run the map must not name the answer.
fn map(ui: &mut Ui, theme: &Theme, state: &State, rect: Rect) {
    frame(ui, rect, theme, false, true);
    let inner = rect.shrink2(vec2(26.0, 20.0));
    let painter = ui.painter();
    painter.text(inner.left_top(), Align2::LEFT_TOP, "What you can tell", heading(17.0), theme.text_high.c());
    let says = "A station is a mechanism. It fills in when you have read a debrief of it.";
    painter.text(
        inner.left_top() + vec2(0.0, 26.0),
        Align2::LEFT_TOP,
        says,
        FontId::proportional(13.0),
        theme.text_mid.c(),
    );
    let top = inner.top() + 74.0;
    let gap = ((inner.bottom() - 30.0 - top) / (LINES.len() as f32 - 1.0)).min(104.0);
    let names = 112.0;
    for (row, (family, name)) in LINES.iter().enumerate() {
        let y = top + gap * row as f32;
        let stations: Vec<_> = MECHANISMS.iter().filter(|m| m.family() == *family).collect();
        let colour = theme.series(row);
        let from = inner.left() + names;
        let step = ((inner.width() - names - 10.0) / 7.0).min(120.0);
        let to = from + step * (stations.len().max(1) as f32 - 1.0);
        painter.text(pos2(inner.left(), y), Align2::LEFT_CENTER, name, heading(13.5), theme.text_high.c());
        painter.line_segment([pos2(from, y), pos2(to, y)], Stroke::new(5.0, colour.gamma_multiply(0.75)));
        for (place, mechanism) in stations.iter().enumerate() {
            let c = pos2(from + step * place as f32, y);
            painter.circle_filled(c, 8.0, theme.ground.c());
            match state.settings.met.get(mechanism.id) {
                Some(true) => drop(painter.circle_filled(c, 7.0, theme.text_high.c())),
                Some(false) => {
                    painter.circle_stroke(c, 7.0, Stroke::new(2.0, theme.text_high.c()));
                    let half = Rect::from_min_max(c - vec2(7.0, 7.0), c + vec2(0.0, 7.0));
                    painter.with_clip_rect(half).circle_filled(c, 7.0, theme.text_high.c());
                }
                None => drop(painter.circle_stroke(c, 7.0, Stroke::new(2.0, theme.text_low.c()))),
            }
            if 34.0 < gap {
                let short = mechanism.id.split('.').nth(1).unwrap_or(mechanism.id).replace('_', " ");
                let cut: String = short.chars().take((step / 6.6) as usize).collect();
                painter.text(
                    c + vec2(0.0, 20.0),
                    Align2::CENTER_CENTER,
                    cut,
                    FontId::proportional(11.5),
                    theme.text_low.c(),
                );
            }
            let near = Rect::from_center_size(c, vec2(22.0, 22.0));
            let response = ui.interact(near, egui::Id::new(("station", mechanism.id)), Sense::hover());
            response.on_hover_text(format!("{}\n{}", mechanism.id, mechanism.is));
        }
    }
    let foot = inner.left_bottom() - vec2(0.0, 2.0);
    let key = "hollow: not met   ·   half: met, and told wrongly   ·   filled: told rightly";
    painter.text(foot, Align2::LEFT_BOTTOM, key, FontId::proportional(12.5), theme.text_low.c());
}

/// The first start: three questions, then the pager.
pub fn greet_ui(ui: &mut Ui, theme: &Theme, state: &mut State) {
    let whole = ui.available_rect_before_wrap();
    ui.painter().rect_filled(whole, 0, theme.deep.c());
    let sheet = Rect::from_center_size(whole.center(), vec2(560.0, 380.0));
    frame(ui, sheet, theme, false, true);
    ui.scope_builder(UiBuilder::new().max_rect(sheet.shrink(30.0)).id_salt("greet"), |ui| {
        ui.label(RichText::new("Before the pager goes off").font(heading(24.0)).color(theme.text_high.c()));
        ui.add_space(14.0);
        ui.label(head(theme, "Text"));
        let mut percent = state.settings.text_percent;
        ui.horizontal(|ui| {
            for (value, name) in [(100, "Usual"), (125, "Comfort"), (150, "Large")] {
                ui.selectable_value(&mut percent, value, name);
            }
        });
        state.settings.text_percent = percent;
        ui.label(RichText::new("TTFT p99 11.8 s   queue 960   429 9 %").monospace().color(theme.text_mid.c()));
        ui.add_space(8.0);
        ui.label(head(theme, "Motion"));
        ui.horizontal(|ui| super::settings::motion(ui, state));
        ui.add_space(8.0);
        ui.label(head(theme, "Light"));
        ui.horizontal(|ui| super::settings::themes(ui, state));
        ui.add_space(20.0);
        if primary(ui, theme, "Ready", true) || std::mem::take(&mut state.run) {
            state.settings.greeted = true;
        }
    });
}
