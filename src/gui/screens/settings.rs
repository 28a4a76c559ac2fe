//! Settings, over any screen: every option says what it does and can be put back.

use bevy_egui::egui::{
    self, Align2, Area, Frame, Id, Margin, Order, RichText, ScrollArea, Slider, Stroke, TextEdit, Ui, vec2,
};

use crate::gui::keys::VERBS;
use crate::gui::kit::{head, key_cap, low, mid};
use crate::gui::settings::{Motion, Settings, TEXT};
use crate::gui::state::State;
use crate::gui::theme::{Theme, heading};

/// Draws them.
pub fn settings_ui(ctx: &egui::Context, theme: &Theme, state: &mut State) {
    if !state.settings_open {
        return;
    }
    let room = ctx.viewport_rect().size();
    Area::new(Id::new("settings")).order(Order::Foreground).anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(
        ctx,
        |ui| {
            Frame::NONE
                .fill(theme.ground.c())
                .stroke(Stroke::new(1.0, theme.text_low.c()))
                .corner_radius(9)
                .inner_margin(Margin::same(22))
                .show(ui, |ui| {
                    ui.set_width(720.0_f32.min(room.x - 80.0));
                    ui.horizontal(|ui| {
                        ui.label(RichText::new("Settings").font(heading(22.0)).color(theme.text_high.c()));
                        ui.add(
                            TextEdit::singleline(&mut state.settings_filter).hint_text("search").desired_width(200.0),
                        );
                        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                            if ui.button("Close").clicked() {
                                state.settings_open = false;
                            }
                        });
                    });
                    ui.add_space(8.0);
                    ScrollArea::vertical()
                        .max_height(room.y - 190.0)
                        .min_scrolled_height((room.y - 190.0).min(620.0))
                        .auto_shrink([false, true])
                        .show(ui, |ui| {
                            options(ui, theme, state);
                            keys(ui, theme, state);
                        });
                });
        },
    );
}

fn wanted(state: &State, words: &str) -> bool {
    let filter = state.settings_filter.to_lowercase();
    filter.split_whitespace().all(|w| words.to_lowercase().contains(w))
}

fn option(ui: &mut Ui, theme: &Theme, name: &str, does: &str, add: impl FnOnce(&mut Ui)) {
    ui.label(head(theme, name));
    ui.label(low(theme, does));
    ui.horizontal(add);
    ui.add_space(9.0);
}

fn options(ui: &mut Ui, theme: &Theme, state: &mut State) {
    if wanted(state, "text size font") {
        option(ui, theme, "Text", "80 to 200 per cent; Ctrl with + and - anywhere", |ui| {
            let before = state.settings.text_percent;
            let slider = Slider::new(&mut state.settings.text_percent, TEXT.0..=TEXT.1).suffix(" %").step_by(5.0);
            // The scale changes once the slider is let go, or it would move under the pointer.
            let response = ui.add(slider);
            if response.dragged() {
                ui.data_mut(|d| d.insert_temp(Id::new("text percent"), state.settings.text_percent));
                state.settings.text_percent = before;
            } else if let Some(wanted) = ui.data_mut(|d| d.remove_temp::<u32>(Id::new("text percent"))) {
                state.settings.text_percent = wanted;
            }
            if ui.small_button("usual").clicked() {
                state.settings.text_percent = 100;
            }
        });
        ui.label(
            RichText::new("TTFT p99 11.8 s   queue 960   429 9 %   KV blocks 97 %")
                .monospace()
                .color(theme.text_mid.c()),
        );
        ui.add_space(9.0);
    }
    if wanted(state, "theme light night day high contrast colours") {
        option(ui, theme, "Light", "Night for desks, Day for bright rooms and projectors", |ui| themes(ui, state));
        swatches(ui, theme);
        ui.add_space(9.0);
    }
    if wanted(state, "motion calm none") {
        option(ui, theme, "Motion", "calm: dots step once a second; none: nothing moves. Nothing ever flashes", |ui| {
            motion(ui, state)
        });
    }
    if wanted(state, "reset usual") {
        option(ui, theme, "All of it", "put everything back as it was at the first start", |ui| {
            if ui.button("Put back").clicked() {
                state.settings = Settings { greeted: true, ..Settings::default() };
            }
        });
    }
}

/// The themes to choose from.
pub fn themes(ui: &mut Ui, state: &mut State) {
    for (place, theme) in crate::gui::theme::themes().iter().enumerate() {
        ui.selectable_value(&mut state.settings.theme, place, &theme.name);
    }
}

/// How much moves.
pub fn motion(ui: &mut Ui, state: &mut State) {
    for (value, name) in [(Motion::Full, "Full"), (Motion::Calm, "Calm"), (Motion::None, "None")] {
        ui.selectable_value(&mut state.settings.motion, value, name);
    }
}

fn swatches(ui: &mut Ui, theme: &Theme) {
    ui.horizontal(|ui| {
        for (colour, name) in [
            (theme.flow, "flow"),
            (theme.degraded, "degraded"),
            (theme.failing, "failing"),
            (theme.retry, "retry"),
            (theme.change, "change"),
            (theme.unknown, "no data"),
        ] {
            let (rect, _) = ui.allocate_exact_size(vec2(14.0, 14.0), egui::Sense::hover());
            ui.painter().rect_filled(rect, 3, colour.c());
            ui.label(low(theme, name));
        }
    });
}

fn keys(ui: &mut Ui, theme: &Theme, state: &mut State) {
    ui.label(head(theme, "Keys"));
    ui.label(low(theme, "type another key; a conflict names the verb that holds it"));
    for entry in VERBS {
        if !wanted(state, &format!("keys {} {}", entry.label, entry.does)) {
            continue;
        }
        ui.horizontal(|ui| {
            ui.allocate_ui_with_layout(vec2(110.0, 22.0), egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.set_min_width(110.0);
                key_cap(ui, theme, &state.settings.keys.of(entry))
            });
            let id = Id::new(("key", entry.id));
            let mut typed: String = ui.data_mut(|d| d.get_temp(id).unwrap_or_default());
            let edit = ui
                .add(TextEdit::singleline(&mut typed).desired_width(110.0).hint_text("other key").id(id.with("edit")));
            if edit.lost_focus() && !typed.is_empty() && ui.input(|i| i.key_pressed(egui::Key::Enter)) {
                match state.settings.keys.change(entry, typed.trim()) {
                    Ok(()) => typed.clear(),
                    Err(why) => {
                        let now = ui.input(|i| i.time);
                        state.toast(why, true, now);
                    }
                }
            }
            ui.data_mut(|d| d.insert_temp(id, typed));
            ui.label(mid(theme, entry.label).size(13.5));
            ui.label(low(theme, entry.does));
        });
    }
}
