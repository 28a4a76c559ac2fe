//! The channel: what people and bots say, what one says oneself, and updates with their promise.

use bevy_egui::egui::{self, Rect, RichText, TextEdit, Ui, UiBuilder};

use crate::gui::kit::{Cx, low, mid, primary};
use crate::gui::worker::Ask;
use crate::session::command::{Command, Update};
use crate::telemetry::colleagues::colleagues;

/// Draws it.
pub fn channel_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let run = std::mem::take(&mut cx.state.run);
    let sends = run && cx.state.update.open;
    cx.state.update.open |= run;
    let whole = ui.available_rect_before_wrap();
    let form = if cx.state.update.open { 196.0 } else { 62.0 };
    let lines = Rect::from_min_max(whole.min, egui::pos2(whole.right(), whole.bottom() - form));
    ui.scope_builder(UiBuilder::new().max_rect(lines).id_salt("lines"), |ui| lines_ui(ui, cx));
    let below = Rect::from_min_max(egui::pos2(whole.left(), lines.bottom() + 4.0), whole.max);
    ui.scope_builder(UiBuilder::new().max_rect(below).id_salt("say"), |ui| {
        if cx.state.update.open {
            update_ui(ui, cx, sends);
        } else {
            say_ui(ui, cx);
        }
    });
}

fn lines_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    egui::ScrollArea::vertical().id_salt("channel").auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        if cx.snap.view.channel.is_empty() {
            ui.label(low(cx.theme, "It is quiet."));
        }
        for (at, line) in &cx.snap.view.channel {
            let mine = line.from == "you";
            ui.horizontal(|ui| {
                let ink = if mine { cx.theme.you } else { cx.theme.text_mid };
                ui.label(RichText::new(&line.from).size(13.0).font(crate::gui::theme::heading(12.5)).color(ink.c()));
                ui.label(low(cx.theme, at.chars().take(8).collect::<String>()).size(11.5));
            });
            ui.label(mid(cx.theme, &line.text).size(13.5));
            ui.add_space(5.0);
        }
    });
}

fn say_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let wants = std::mem::take(&mut cx.state.wants_filter);
    let edit = TextEdit::singleline(&mut cx.state.chat)
        .desired_width(f32::INFINITY)
        .hint_text("say, or /verb")
        .id(egui::Id::new("chat"));
    let response = ui.add(edit);
    if wants {
        response.request_focus();
    }
    if response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter)) {
        let text = std::mem::take(&mut cx.state.chat);
        match text.trim() {
            "" => {}
            line if line.starts_with('/') => cx.asks.push(Ask::Line(line.to_string())),
            line => cx.command(Command::Say { text: line.to_string() }),
        }
        response.request_focus();
    }
    ui.horizontal(|ui| {
        if ui.small_button("update, 15 s").clicked() {
            cx.state.update.open = true;
        }
        ui.menu_button(RichText::new("ask, 2 min").size(12.5), |ui| {
            for person in colleagues() {
                let says = format!("{}, {}", person.name, person.team);
                if ui.button(says).on_hover_text(&person.role).clicked() {
                    cx.state.chat = format!("/ask {} ", person.handle);
                    cx.state.wants_filter = true;
                    ui.close();
                }
            }
        });
    });
}

fn update_ui(ui: &mut Ui, cx: &mut Cx<'_>, sends: bool) {
    let lead = crate::session::belief::lead(&cx.state.points).map(|(m, p)| (m.to_string(), p));
    let form = &mut cx.state.update;
    ui.spacing_mut().item_spacing.y = 4.0;
    egui::Grid::new("update").num_columns(2).spacing([8.0, 4.0]).show(ui, |ui| {
        ui.label(low(cx.theme, "users hit"));
        ui.add(egui::Slider::new(&mut form.impact, 0.0..=100.0).suffix(" %").fixed_decimals(0));
        ui.end_row();
        ui.label(low(cx.theme, "lead"));
        let says = lead.as_ref().map_or("none yet".to_string(), |(m, p)| format!("{m}, {p} %"));
        ui.label(mid(cx.theme, says).size(13.0));
        ui.end_row();
        ui.label(low(cx.theme, "doing"));
        ui.add(TextEdit::singleline(&mut form.action).desired_width(f32::INFINITY).id(egui::Id::new("update action")));
        ui.end_row();
        ui.label(low(cx.theme, "next in"));
        ui.add(egui::Slider::new(&mut form.minutes, 0.0..=30.0).suffix(" min").fixed_decimals(0));
        ui.end_row();
    });
    ui.horizontal(|ui| {
        if primary(ui, cx.theme, "Send", true) || sends {
            let (hypothesis, percent) = lead.unwrap_or_default();
            let update = Update {
                impact_percent: cx.state.update.impact,
                hypothesis,
                percent,
                action: cx.state.update.action.clone(),
                next_minutes: cx.state.update.minutes,
            };
            cx.state.update.open = false;
            cx.command(Command::Update(update));
        }
        if ui.button("Not now").clicked() {
            cx.state.update.open = false;
        }
    });
}
