//! The postmortem: opinions first, truth second. Filled in from the log, finished by whoever was there.

use bevy_egui::egui::{self, Rect, RichText, ScrollArea, TextEdit, Ui, UiBuilder, vec2};

use crate::gui::kit::{Cx, frame, head, low, mid, primary};
use crate::gui::state::Screen;
use crate::gui::theme::heading;
use crate::session::command::Command;
use crate::session::postmortem::{SECTIONS, blame};

/// Draws it.
pub fn postmortem_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let whole = ui.available_rect_before_wrap();
    ui.painter().rect_filled(whole, 0, cx.theme.deep.c());
    let size = vec2((whole.width() - 48.0).min(1080.0), whole.height() - 48.0);
    let sheet = Rect::from_center_size(whole.center(), size);
    frame(ui, sheet, cx.theme, false, true);
    if cx.state.sections.is_empty() {
        cx.state.sections = cx.snap.draft.clone();
    }
    let inner = sheet.shrink2(vec2(30.0, 22.0));
    let foot = Rect::from_min_max(egui::pos2(inner.left(), inner.bottom() - 40.0), inner.max);
    ui.scope_builder(UiBuilder::new().max_rect(inner.with_max_y(foot.top() - 8.0)).id_salt("postmortem"), |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Postmortem").font(heading(24.0)).color(cx.theme.text_high.c()));
            ui.label(mid(cx.theme, format!("{}, ended at {}", cx.snap.view.case, cx.snap.clock)));
        });
        ui.label(mid(cx.theme, "What you believe now, before anybody tells you what was true."));
        ui.add_space(6.0);
        ScrollArea::vertical().id_salt("sections").auto_shrink([false, false]).show(ui, |ui| {
            for (key, title, belongs) in SECTIONS {
                ui.horizontal(|ui| {
                    ui.label(head(cx.theme, *title));
                    ui.label(low(cx.theme, *belongs));
                });
                let text = cx.state.sections.entry(key.to_string()).or_default();
                let rows = if *key == "timeline" { 6 } else { 2 };
                let edit = TextEdit::multiline(text).desired_rows(rows).desired_width(ui.available_width() - 10.0);
                ui.add(edit.id(egui::Id::new(("section", *key))));
                for (phrase, ask) in blame(text) {
                    let says = format!("\"{phrase}\": {ask}");
                    ui.label(RichText::new(says).size(12.5).color(cx.theme.degraded.c()));
                }
                ui.add_space(6.0);
            }
        });
    });
    ui.scope_builder(UiBuilder::new().max_rect(foot).id_salt("postmortem foot"), |ui| {
        ui.horizontal(|ui| {
            let run = std::mem::take(&mut cx.state.run);
            if primary(ui, cx.theme, "Hand in, and see what was true", true) || run {
                let sections = cx.state.sections.iter().filter(|(_, t)| !t.trim().is_empty());
                let sections = sections.map(|(k, t)| (k.clone(), t.clone())).collect();
                cx.command(Command::Postmortem { sections });
                cx.state.go = Some(Screen::Debrief);
            }
            let words: usize = cx.state.sections.values().map(|t| t.split_whitespace().count()).sum();
            ui.label(low(cx.theme, format!("{words} words")));
            if ui.button("Skip").clicked() {
                cx.state.go = Some(Screen::Debrief);
            }
        });
    });
}
