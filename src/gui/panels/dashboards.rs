//! Dashboards: a board costs five seconds, is live for a minute, and ages. Two are open at most.

use std::sync::Arc;

use bevy_egui::egui::{self, Align, Layout, Rect, Ui, UiBuilder, vec2};

use crate::gui::answers::Shown;
use crate::gui::buckets::spread_of;
use crate::gui::keys::Panel;
use crate::gui::kit::{Cx, Pick, empty, head, low, minutes, priced, ring};
use crate::gui::panels::chart::{Axis, Moment, Wish, chart_ui};
use crate::gui::snapshot::Looked;
use crate::gui::state::Language;
use crate::session::command::{Command, Look};
use crate::telemetry::panels::BOARDS;

/// Boards that are open at once.
const OPEN: usize = 2;
/// From this age on a board is shown greyed.
const OLD_S: f64 = 60.0;
/// Windows to choose from, in minutes.
const WINDOWS: [u32; 5] = [5, 15, 30, 60, 180];
/// A chart is no narrower than this.
const NARROWEST: f32 = 250.0;

/// Draws them.
pub fn dashboards_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    choose(ui, cx);
    ui.add_space(2.0);
    let open = open_boards(cx);
    if open.is_empty() {
        empty(ui, cx.theme, "No board is open. Each costs 5 s, is live for a minute, and grey after it.");
        return;
    }
    let whole = ui.available_rect_before_wrap();
    let side_by_side = 2.0 * (2.0 * NARROWEST) < whole.width();
    let shown = if side_by_side { &open[..] } else { &open[open.len() - 1..] };
    let width = (whole.width() - 12.0 * (shown.len() as f32 - 1.0)) / shown.len() as f32;
    let charts = |looked: &Looked| if let Shown::Charts(charts) = &looked.shown { charts.len() } else { 0 };
    let pick = cx.pick(Panel::Dashboards, shown.iter().map(|l| charts(l)).sum());
    let mut first = 0;
    for (place, looked) in shown.iter().enumerate() {
        let left = whole.left() + place as f32 * (width + 12.0);
        let rect = Rect::from_min_size(egui::pos2(left, whole.top()), vec2(width, whole.height()));
        ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt(("board", looked.number)), |ui| {
            board(ui, cx, looked, pick, first);
        });
        first += charts(looked);
    }
    ui.allocate_rect(whole, egui::Sense::hover());
}

fn choose(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for board in BOARDS {
            let look = Look::Board { board: board.id.to_string(), window_s: cx.state.window_min * 60 };
            if priced(ui, cx.theme, &board.id.replace('_', " "), &look) {
                cx.look(look);
            }
        }
        ui.separator();
        for window in WINDOWS {
            let label = if window < 60 { format!("{window}m") } else { format!("{}h", window / 60) };
            if ui.selectable_label(cx.state.window_min == window, label).clicked() {
                cx.state.window_min = window;
            }
        }
    });
}

/// The latest looks at boards, one for each, the oldest first; at most two.
fn open_boards(cx: &Cx<'_>) -> Vec<Arc<Looked>> {
    let mut open: Vec<Arc<Looked>> = Vec::new();
    for looked in cx.snap.looked.iter().rev() {
        let Look::Board { board, .. } = &looked.look else { continue };
        let same = |o: &Arc<Looked>| matches!(&o.look, Look::Board { board: b, .. } if b == board);
        let closed = cx.state.boards.contains(&looked.number);
        if !open.iter().any(same) && !closed {
            open.push(Arc::clone(looked));
        }
        if open.len() == OPEN {
            break;
        }
    }
    open.reverse();
    open
}

/// A board; its charts are counted from `first` on.
fn board(ui: &mut Ui, cx: &mut Cx<'_>, looked: &Looked, pick: Pick, first: usize) {
    let Look::Board { board, window_s } = &looked.look else { return };
    let title = BOARDS.iter().find(|b| b.id == board).map_or(board.as_str(), |b| b.title);
    let age = cx.snap.view.elapsed_s - looked.at_s;
    ui.horizontal(|ui| {
        ui.label(head(cx.theme, format!("E{}  {title}", looked.number)));
        if looked.answer.is_none() {
            ring(ui, cx.theme, 1.0 + (age / looked.price_s.max(1.0)) as f32);
            ui.label(low(cx.theme, format!("{:.0} s to go", -age)));
            return;
        }
        let (old, says) = match age - OLD_S {
            left if left <= 0.0 => (cx.theme.text_low, format!("live for {:.0} s more", -left)),
            grey => (cx.theme.degraded, format!("{} old", minutes(grey))),
        };
        ui.label(egui::RichText::new(says).size(12.5).color(old.c()));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.small_button("close").clicked() {
                cx.state.boards.push(looked.number);
            }
            if ui.small_button("pin").clicked() {
                cx.command(Command::Pin { observation: looked.number, note: String::new() });
            }
            let again = Look::Board { board: board.clone(), window_s: *window_s };
            if ui.small_button("again, 5 s").clicked() {
                cx.look(again);
            }
        });
    });
    let Shown::Charts(charts) = &looked.shown else { return };
    let faded = (OLD_S < age).then(|| cx.theme.faded(0.5));
    let theme = faded.as_ref().unwrap_or(cx.theme);
    let columns = ((ui.available_width() + 14.0) / (NARROWEST + 14.0)).floor().clamp(1.0, 4.0) as usize;
    let rows = charts.len().div_ceil(columns);
    let room = (ui.available_height() - 8.0) / rows as f32 - 46.0;
    let high = room.clamp(84.0, 190.0);
    let mut axis = axis(cx);
    let mut question = None;
    egui::ScrollArea::vertical().id_salt(("charts", looked.number)).auto_shrink([false, false]).show(ui, |ui| {
        let width = (ui.available_width() - 14.0 * (columns as f32 - 1.0) - 6.0) / columns as f32;
        for (line, row) in charts.chunks(columns).enumerate() {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = 14.0;
                for (column, chart) in row.iter().enumerate() {
                    let chosen = pick.at == Some(first + line * columns + column);
                    let drawn = ui.allocate_ui(vec2(width, high + 42.0), |ui| {
                        ui.set_width(width);
                        let wish = chart_ui(ui, theme, chart, high, &mut axis, &format!("board {}", looked.number));
                        let wish = wish.or((chosen && pick.opens).then_some(Wish::Explore));
                        match wish {
                            Some(Wish::Spread) => question = chart.queries.iter().find_map(|q| spread_of(q)),
                            Some(Wish::Explore) => question = chart.queries.first().cloned(),
                            None => {}
                        }
                    });
                    if chosen {
                        let around = drawn.response.rect.expand(3.0);
                        if pick.moved {
                            ui.scroll_to_rect(around, None);
                        }
                        let line = egui::Stroke::new(1.0, cx.theme.text_low.c());
                        ui.painter().rect_stroke(around, 4, line, egui::StrokeKind::Inside);
                    }
                }
            });
        }
    });
    share(cx, axis);
    if let Some(query) = question {
        cx.state.language = Language::Promql;
        cx.state.questions.insert(Language::Promql, query.clone());
        cx.state.shown.remove(&Panel::Explore);
        cx.state.go_to(Panel::Explore);
        cx.look(Look::Promql { query, window_s: Some(*window_s), step_s: None });
    }
}

/// What all axes of time share, for this frame.
pub fn axis(cx: &Cx<'_>) -> Axis {
    Axis {
        moments: moments(cx),
        cursor: cx.state.cursor,
        found: None,
        brush: cx.state.brush,
        band: cx.state.band.clone(),
        table: cx.state.outline,
    }
}

/// Keeps what the pointer has made of it.
pub fn share(cx: &mut Cx<'_>, axis: Axis) {
    (cx.state.brush, cx.state.band) = (axis.brush, axis.band);
    cx.state.cursor_found = axis.found.or(cx.state.cursor_found);
}

/// Changes that were looked up, and orders, as marks on every axis of time.
pub fn moments(cx: &Cx<'_>) -> Vec<Moment> {
    let mut moments = Vec::new();
    let latest = cx.snap.looked.iter().rev().find(|l| matches!(&l.look, Look::Changes { id, .. } if id.is_empty()));
    if let Some(Shown::Rows(table)) = latest.map(|l| &l.shown) {
        let at = table.rows.iter().filter_map(|r| crate::gui::answers::seconds_of_day(r.get(1)?));
        moments.extend(at.map(|at_s| Moment { at_s, colour: cx.theme.change.c() }));
    }
    let now = crate::gui::answers::seconds_of_day(&cx.snap.clock).unwrap_or(0.0);
    let ago = |at: crate::sim::time::SimTime| now - (cx.snap.now.as_secs_f64() - at.as_secs_f64());
    let orders = cx.snap.view.orders.iter().map(|o| Moment { at_s: ago(o.at), colour: cx.theme.you.c() });
    moments.extend(orders);
    moments
}
