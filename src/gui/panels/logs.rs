//! Logs: lines by service and text, with counts of what they have in common.

use std::sync::Arc;

use bevy_egui::egui::{self, Rect, TextEdit, Ui, UiBuilder, vec2};

use crate::gui::answers::{Shown, clock_of, seconds_of_day};
use crate::gui::keys::Panel;
use crate::gui::kit::{Cx, Pick, brushed, chip, empty, head, inset, low, outside, priced, ring};
use crate::gui::panels::context;
use crate::gui::panels::grid::grid_ui;
use crate::gui::snapshot::Looked;
use crate::gui::state::panel_of;
use crate::session::command::{Command, Look};

/// Width of the counts.
const SIDE: f32 = 200.0;
/// Height of the line that is chosen.
const LINE: f32 = 84.0;

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
            cx.state.shown.remove(&Panel::Logs);
            cx.state.picked.remove(&Panel::Logs);
        }
    });
    ui.add_space(2.0);
    let mine = |l: &&Arc<Looked>| panel_of(&l.look) == Panel::Logs;
    let chosen = cx.state.shown.get(&Panel::Logs).copied();
    let all = || cx.snap.looked.iter().rev().filter(mine);
    let Some(looked) = all().find(|l| Some(l.number) == chosen).or(all().next()).cloned() else {
        empty(ui, cx.theme, "What processes said, by service and text. A search costs 20 s.");
        return;
    };
    let Some(answer) = &looked.answer else {
        under_way(ui, cx, &looked);
        return;
    };
    ui.horizontal(|ui| {
        said(ui, cx, &looked, &answer.data);
        if let Shown::Rows(table) = &looked.shown {
            ui.label(low(cx.theme, brushed(cx.state.brush, table.rows.iter().map(|r| r[0].clone()))));
        }
        if ui.small_button("pin").clicked() {
            cx.command(Command::Pin { observation: looked.number, note: String::new() });
        }
    });
    let Shown::Rows(table) = &looked.shown else { return };
    let pick = cx.pick(Panel::Logs, table.rows.len());
    let line = pick.at.and_then(|row| context::line(&answer.data, row));
    let mut whole = ui.available_rect_before_wrap();
    if let Some(line) = line {
        let below = whole.with_min_y(whole.bottom() - LINE);
        whole = whole.with_max_y(below.top() - 6.0);
        ui.scope_builder(UiBuilder::new().max_rect(below).id_salt("line"), |ui| {
            context::line_ui(ui, cx, &line, pick.opens);
        });
    }
    let facets = &answer.data["facets"];
    let side_w = if facets.is_array() { SIDE + 12.0 } else { 0.0 };
    let main = Rect::from_min_size(whole.min, vec2(whole.width() - side_w, whole.height()));
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
        let rows = Pick { opens: false, ..pick };
        if let Some(row) = grid_ui(ui, cx.theme, "logs", table, rows, ink) {
            cx.state.picked.insert(Panel::Logs, row);
        }
    });
    if facets.is_array() {
        let side = Rect::from_min_max(egui::pos2(main.right() + 12.0, whole.top()), whole.max);
        ui.scope_builder(UiBuilder::new().max_rect(side).id_salt("facets"), |ui| facets_ui(ui, cx, facets));
    }
}

/// What was asked, and the way back to the search from the lines around one.
fn said(ui: &mut Ui, cx: &mut Cx<'_>, looked: &Looked, data: &serde_json::Value) {
    let Some((pod, time)) = context::of(&looked.look) else {
        ui.label(head(cx.theme, format!("E{}  {}", looked.number, looked.title)));
        let (total, searched) = (data["total"].as_u64().unwrap_or(0), data["searched"].as_u64().unwrap_or(0));
        ui.label(low(cx.theme, format!("{total} of {searched} lines, at {}; j, k or a click choose one", looked.at)));
        return;
    };
    let clock = seconds_of_day(time).map(clock_of).unwrap_or_default();
    ui.label(head(cx.theme, format!("E{}  {pod}, 30 s around {clock}", looked.number)));
    let count = data["rows"].as_array().map_or(0, Vec::len);
    ui.label(low(cx.theme, format!("{count} lines, at {}", looked.at)));
    let search = cx.snap.looked.iter().rev().find(|l| matches!(l.look, Look::Logs { .. })).map(|l| l.number);
    if let Some(search) = search.filter(|_| ui.small_button("back to the search").clicked()) {
        cx.state.shown.insert(Panel::Logs, search);
        cx.state.picked.remove(&Panel::Logs);
    }
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
