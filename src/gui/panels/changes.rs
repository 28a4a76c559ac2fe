//! Changes: the log with its base rate, and one with its diff.

use std::sync::Arc;

use bevy_egui::egui::{self, Rect, RichText, Ui, UiBuilder, vec2};

use crate::gui::answers::Shown;
use crate::gui::keys::Panel;
use crate::gui::kit::{Cx, empty, head, inset, low, outside, priced};
use crate::gui::panels::grid::grid_ui;
use crate::gui::panels::logs::under_way;
use crate::gui::snapshot::Looked;
use crate::session::command::{Command, Look};

/// Draws them.
pub fn changes_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let run = std::mem::take(&mut cx.state.run);
    ui.horizontal(|ui| {
        for (hours, name) in [(2, "2 hours"), (24, "24 hours"), (72, "3 days")] {
            let look = Look::Changes { id: String::new(), hours };
            if priced(ui, cx.theme, name, &look) || (run && hours == 24) {
                cx.look(look);
            }
        }
    });
    ui.add_space(2.0);
    let list =
        cx.snap.looked.iter().rev().find(|l| matches!(&l.look, Look::Changes { id, .. } if id.is_empty())).cloned();
    let one =
        cx.snap.looked.iter().rev().find(|l| matches!(&l.look, Look::Changes { id, .. } if !id.is_empty())).cloned();
    let Some(list) = list else {
        empty(ui, cx.theme, "What was changed, when and by whom. Looked up, changes are marked on every chart.");
        return;
    };
    let (Shown::Rows(table), Some(answer)) = (&list.shown, &list.answer) else {
        under_way(ui, cx, &list);
        return;
    };
    ui.horizontal(|ui| {
        ui.label(head(
            cx.theme,
            format!("E{}  {}", list.number, answer.data["base_rate"].as_str().unwrap_or_default()),
        ));
        ui.label(low(cx.theme, format!("at {}; j, k and Enter, or a click: its diff, 5 s", list.at)));
        if ui.small_button("pin").clicked() {
            cx.command(Command::Pin { observation: list.number, note: String::new() });
        }
    });
    let whole = ui.available_rect_before_wrap();
    let list_w = if one.is_some() { whole.width() * 0.58 } else { whole.width() };
    let rect = Rect::from_min_size(whole.min, vec2(list_w, whole.height()));
    let pick = cx.pick(Panel::Changes, table.rows.len());
    let clicked = ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt("changes"), |ui| {
        let change = cx.theme.change.c();
        let (brush, quiet) = (cx.state.brush, cx.theme.unknown.c());
        let ink = |row: usize, column: usize| match table.rows[row].get(1).is_some_and(|at| outside(brush, at)) {
            true => Some(quiet),
            false => (column == 2).then_some(change),
        };
        grid_ui(ui, cx.theme, "changes", table, pick, ink)
    });
    if let Some(row) = clicked.inner {
        cx.state.picked.insert(Panel::Changes, row);
        cx.look(Look::Changes { id: table.rows[row][0].clone(), hours: 24 });
    }
    if let Some(one) = one {
        let rect = Rect::from_min_max(egui::pos2(whole.left() + list_w + 12.0, whole.top()), whole.max);
        ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt("change"), |ui| diff_ui(ui, cx, &one));
    }
}

fn diff_ui(ui: &mut Ui, cx: &mut Cx<'_>, looked: &Arc<Looked>) {
    let Some(answer) = &looked.answer else {
        under_way(ui, cx, looked);
        return;
    };
    inset(cx.theme).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        egui::ScrollArea::both().id_salt("diff").auto_shrink([false, false]).show(ui, |ui| {
            for line in answer.text.lines() {
                let colour = match line.chars().next() {
                    Some('+') => cx.theme.flow,
                    Some('-') => cx.theme.degraded,
                    Some('@') => cx.theme.text_low,
                    _ => cx.theme.text_mid,
                };
                let text = RichText::new(line).monospace().color(colour.c());
                ui.add(egui::Label::new(text).wrap_mode(egui::TextWrapMode::Extend));
            }
        });
    });
}
