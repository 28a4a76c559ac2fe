//! Logs: lines by service and text, with counts of what they have in common.

use std::sync::Arc;

use bevy_egui::egui::{self, Rect, TextEdit, Ui, UiBuilder, vec2};

use crate::gui::answers::Shown;
use crate::gui::kit::{Cx, brushed, chip, empty, head, inset, low, outside, priced, ring};
use crate::gui::panels::grid::grid_ui;
use crate::gui::snapshot::Looked;
use crate::session::command::{Command, Look};

/// Width of the counts.
const SIDE: f32 = 200.0;

/// Draws them.
pub fn logs_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let run = std::mem::take(&mut cx.state.run);
    let wants = std::mem::take(&mut cx.state.wants_filter);
    ui.horizontal(|ui| {
        let (service, since, grep) = &mut cx.state.logs;
        ui.label(low(cx.theme, "service or pod"));
        ui.add(TextEdit::singleline(service).desired_width(120.0).hint_text("all").id(egui::Id::new("log service")));
        ui.label(low(cx.theme, "since"));
        ui.add(TextEdit::singleline(since).desired_width(52.0).id(egui::Id::new("log since")));
        ui.label(low(cx.theme, "text or /regex/"));
        let edit = TextEdit::singleline(grep).desired_width(220.0).id(egui::Id::new("log text"));
        let response = ui.add(edit);
        if wants {
            response.request_focus();
        }
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let since_s = crate::console::words::seconds(since).unwrap_or(300);
        let look = Look::Logs { service: service.trim().to_string(), since_s, grep: grep.clone() };
        if priced(ui, cx.theme, "Search", &look) || entered || run {
            cx.look(look);
        }
    });
    ui.add_space(2.0);
    let mine = |l: &&Arc<Looked>| matches!(l.look, Look::Logs { .. });
    let Some(looked) = cx.snap.looked.iter().rev().find(mine).cloned() else {
        empty(ui, cx.theme, "What processes said, by service and text. A search costs 20 s.");
        return;
    };
    let Some(answer) = &looked.answer else {
        under_way(ui, cx, &looked);
        return;
    };
    ui.horizontal(|ui| {
        let data = &answer.data;
        ui.label(head(cx.theme, format!("E{}  {}", looked.number, looked.title)));
        let total = data["total"].as_u64().unwrap_or(0);
        let searched = data["searched"].as_u64().unwrap_or(0);
        ui.label(low(cx.theme, format!("{total} of {searched} lines, at {}", looked.at)));
        if let Shown::Rows(table) = &looked.shown {
            ui.label(low(cx.theme, brushed(cx.state.brush, table.rows.iter().map(|r| r[0].clone()))));
        }
        if ui.small_button("pin").clicked() {
            cx.command(Command::Pin { observation: looked.number, note: String::new() });
        }
    });
    let whole = ui.available_rect_before_wrap();
    let main = Rect::from_min_size(whole.min, vec2(whole.width() - SIDE - 12.0, whole.height()));
    if let Shown::Rows(table) = &looked.shown {
        ui.scope_builder(UiBuilder::new().max_rect(main).id_salt("lines"), |ui| {
            let brush = cx.state.brush;
            let ink = |row: usize, column: usize| {
                if outside(brush, &table.rows[row][0]) {
                    return Some(cx.theme.unknown.c());
                }
                let level = table.rows[row].get(1).map(String::as_str);
                match (column, level) {
                    (1 | 3, Some("error" | "ERROR" | "fatal" | "FATAL")) => Some(cx.theme.failing.c()),
                    (1, Some("warn" | "WARN")) => Some(cx.theme.degraded.c()),
                    (3, _) => Some(cx.theme.text_high.c()),
                    _ => Some(cx.theme.text_low.c()),
                }
            };
            grid_ui(ui, cx.theme, "logs", table, ink);
        });
    }
    let side = Rect::from_min_max(egui::pos2(main.right() + 12.0, whole.top()), whole.max);
    let facets = answer.data["facets"].clone();
    ui.scope_builder(UiBuilder::new().max_rect(side).id_salt("facets"), |ui| facets_ui(ui, cx, &facets));
}

fn facets_ui(ui: &mut Ui, cx: &mut Cx<'_>, facets: &serde_json::Value) {
    inset(cx.theme).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        egui::ScrollArea::vertical().id_salt("facet list").auto_shrink([false, false]).show(ui, |ui| {
            for facet in facets.as_array().into_iter().flatten() {
                let values = facet["values"].as_array().map_or(&[][..], Vec::as_slice);
                if values.is_empty() {
                    continue;
                }
                ui.label(head(cx.theme, facet["name"].as_str().unwrap_or_default()));
                for value in values.iter().take(8) {
                    let (name, count) = (value[0].as_str().unwrap_or_default(), value[1].as_u64().unwrap_or(0));
                    ui.horizontal(|ui| {
                        let short: String = name.chars().take(18).collect();
                        if chip(ui, cx.theme, &short, cx.theme.text_mid.c()).on_hover_text(name).clicked() {
                            match facet["name"].as_str() {
                                Some("service" | "pod") => cx.state.logs.0 = name.to_string(),
                                _ => cx.state.logs.2 = name.to_string(),
                            }
                        }
                        ui.label(low(cx.theme, count.to_string()));
                    });
                }
                ui.add_space(4.0);
            }
        });
    });
}

/// What is said of a look that has not been answered yet.
pub fn under_way(ui: &mut Ui, cx: &mut Cx<'_>, looked: &Looked) {
    let left = looked.at_s - cx.snap.view.elapsed_s;
    ui.horizontal(|ui| {
        ring(ui, cx.theme, (1.0 - left / looked.price_s.max(1.0)) as f32);
        let back = left < -1.0;
        let says = if back {
            format!("E{} was answered before you left: look again", looked.number)
        } else {
            format!("E{} is under way, {:.0} s to go", looked.number, left.max(0.0))
        };
        ui.label(low(cx.theme, says));
    });
}
