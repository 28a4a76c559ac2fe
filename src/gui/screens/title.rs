//! The title: one button, sessions to go on with, the cases, and the map of mechanisms that fills in as debriefs are read.

use bevy_egui::egui::{self, Align2, FontId, Rect, RichText, Sense, Stroke, Ui, UiBuilder, pos2, vec2};

use crate::gui::keys::Verb;
use crate::gui::kit::{Shape, chip, counted, frame, head, key_cap, low, mid, primary, shape};
use crate::gui::screens::metro::metro_ui;
use crate::gui::state::{Screen, State};
use crate::gui::theme::{Theme, heading};
use crate::gui::worker::Ask;

/// Draws it.
pub fn title_ui(ui: &mut Ui, theme: &Theme, state: &mut State, asks: &mut Vec<Ask>) {
    let whole = ui.available_rect_before_wrap().shrink(28.0);
    ui.painter().rect_filled(ui.available_rect_before_wrap(), 0, theme.deep.c());
    let left_w = (whole.width() * 0.34).clamp(330.0, 520.0);
    let left = Rect::from_min_size(whole.min, vec2(left_w, whole.height()));
    ui.scope_builder(UiBuilder::new().max_rect(left).id_salt("begin"), |ui| begin(ui, theme, state, asks));
    let right = Rect::from_min_max(pos2(left.right() + 36.0, whole.top()), whole.max);
    metro_ui(ui, theme, state, right);
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
    let says = if state.beginning { "The world is warming up ..." } else { "The next case that you have not met." };
    ui.label(low(theme, says));
    if let Some(why) = state.failed.clone() {
        ui.horizontal_wrapped(|ui| {
            shape(ui, Shape::Square, theme.failing.c());
            ui.label(mid(theme, why));
        });
    }
    ui.add_space(14.0);
    ways_in(ui, theme, state, asks);
    ui.add_space(18.0);
    ui.label(head(theme, "Cases"));
    let bottom = 46.0;
    let high = (ui.available_height() - bottom).max(80.0);
    egui::ScrollArea::vertical().id_salt("cases").max_height(high).auto_shrink([false, false]).show(ui, |ui| {
        let cases = state.cases.clone();
        for (case, met) in &cases {
            let width = ui.available_width() - 8.0;
            let font = FontId::proportional(13.0);
            let page = ui.painter().layout(case.page.clone(), font, theme.text_mid.c(), width - 24.0);
            let (rect, response) = ui.allocate_exact_size(vec2(width, 38.0 + page.size().y), Sense::click());
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
            ui.painter().galley(rect.left_top() + vec2(12.0, 29.0), page, theme.text_mid.c());
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

/// Other ways to begin: today's page, what is due, what was left, what is over.
fn ways_in(ui: &mut Ui, theme: &Theme, state: &mut State, asks: &mut Vec<Ask>) {
    let career = std::sync::Arc::clone(&state.career);
    let mut done = None;
    let today = &career.today;
    let says = match &today.met {
        None => format!("{} min, the same for everybody", today.minutes),
        Some((_, false)) => "begun: goes on where you left".to_string(),
        Some((_, true)) => "played; only the first attempt counts".to_string(),
    };
    way(ui, theme, "t", "Today's page", &says, &mut done, Verb::Today);
    let says = match career.due() {
        0 => "nothing is due; something to practise on".to_string(),
        1 => format!("1 is due, {} min", career.due_minutes),
        n => format!("{n} are due, {} min", career.due_minutes),
    };
    way(ui, theme, "r", "Retest", &says, &mut done, Verb::Retest);
    let [patterns, pairs, traps] = career.counts();
    let says = [counted(patterns, "pattern"), counted(pairs, "pair"), counted(traps, "trap")].join(", ");
    way(ui, theme, "s", "Scar tissue", &says, &mut done, Verb::Scars);
    if let Some(verb) = done {
        go_in(verb, state, asks);
    }
    let open: Vec<&String> =
        state.sessions.iter().map(|(name, _)| name).filter(|n| !career.graded.contains(*n)).collect();
    let read: Vec<&String> =
        state.sessions.iter().map(|(name, _)| name).filter(|n| career.graded.contains(*n)).collect();
    let mut resumed = None;
    for (title, names) in [("Go on, at the second where you left", open), ("Read a debrief again", read)] {
        if names.is_empty() {
            continue;
        }
        ui.add_space(10.0);
        ui.label(head(theme, title));
        ui.horizontal_wrapped(|ui| {
            for name in names.into_iter().take(5) {
                if chip(ui, theme, name, theme.text_high.c()).clicked() {
                    resumed = Some(name.clone());
                }
            }
        });
    }
    if let Some(name) = resumed {
        start(state, asks, Ask::Resume(name));
    }
}

fn way(ui: &mut Ui, theme: &Theme, key: &str, name: &str, says: &str, done: &mut Option<Verb>, verb: Verb) {
    let width = ui.available_width() - 8.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, 34.0), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, format!("{name}: {says}")));
    if response.hovered() {
        ui.painter().rect_filled(rect, 6, theme.ground.c());
    }
    ui.scope_builder(UiBuilder::new().max_rect(rect.shrink2(vec2(6.0, 4.0))).id_salt(name), |ui| {
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            key_cap(ui, theme, key);
            ui.label(RichText::new(name).font(heading(14.5)).color(theme.text_high.c()));
            ui.add(egui::Label::new(low(theme, says)).truncate());
        });
    });
    if response.clicked() {
        *done = Some(verb);
    }
}

/// Does what a key of the title does.
pub fn go_in(verb: Verb, state: &mut State, asks: &mut Vec<Ask>) {
    match verb {
        _ if state.beginning => {}
        Verb::Today => match state.career.today.met.clone() {
            Some((name, _)) => start(state, asks, Ask::Resume(name)),
            None => start(state, asks, Ask::Today),
        },
        Verb::Retest => start(state, asks, Ask::Drill(false)),
        Verb::GoOn => {
            let left = state.sessions.iter().map(|(name, _)| name).find(|n| !state.career.graded.contains(*n)).cloned();
            match left {
                Some(name) => start(state, asks, Ask::Resume(name)),
                None => state.failed = Some("there is no session to go on with".to_string()),
            }
        }
        Verb::Scars => state.go = Some(Screen::Scars),
        _ => {}
    }
}

/// Begins; what was open before is forgotten.
pub fn start(state: &mut State, asks: &mut Vec<Ask>, ask: Ask) {
    state.forget_session();
    state.beginning = true;
    asks.push(ask);
}

/// The first start: three questions, then the pager.
pub fn greet_ui(ui: &mut Ui, theme: &Theme, state: &mut State) {
    let whole = ui.available_rect_before_wrap();
    ui.painter().rect_filled(whole, 0, theme.deep.c());
    let sheet = Rect::from_center_size(whole.center() + vec2(0.0, 40.0), vec2(560.0, 390.0));
    let above = sheet.center_top() - vec2(0.0, 92.0);
    ui.painter().text(above, Align2::CENTER_CENTER, "Scar Tissue", heading(44.0), theme.text_high.c());
    let says = "A flight simulator for people on call";
    let font = FontId::proportional(16.0);
    ui.painter().text(above + vec2(0.0, 42.0), Align2::CENTER_CENTER, says, font, theme.text_mid.c());
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
        ui.horizontal(|ui| {
            let clicked = primary(ui, theme, "Ready", true);
            key_cap(ui, theme, "Enter");
            if clicked || std::mem::take(&mut state.run) {
                state.settings.greeted = true;
            }
        });
    });
}
