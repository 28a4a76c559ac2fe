//! Traces: those that were kept, and one as a waterfall with what its end waited for.

use std::sync::Arc;

use bevy_egui::egui::{self, FontId, Rect, Sense, TextEdit, Ui, UiBuilder, vec2};

use crate::gui::answers::{Bar, Shown};
use crate::gui::keys::Panel;
use crate::gui::kit::{Cx, empty, head, low, outside, priced};
use crate::gui::panels::grid::grid_ui;
use crate::gui::panels::logs::under_way;
use crate::gui::snapshot::Looked;
use crate::session::command::{Command, Look};

/// Height of a span.
const ROW: f32 = 22.0;

/// Draws them.
pub fn traces_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let run = std::mem::take(&mut cx.state.run);
    let wants = std::mem::take(&mut cx.state.wants_filter);
    ui.horizontal(|ui| {
        let (service, least, failed) = &mut cx.state.traces;
        ui.label(low(cx.theme, "service"));
        let response = ui.add(
            TextEdit::singleline(service).desired_width(110.0).hint_text("any").id(egui::Id::new("trace service")),
        );
        if wants {
            response.request_focus();
        }
        ui.label(low(cx.theme, "at least, ms"));
        ui.add(TextEdit::singleline(least).desired_width(70.0).hint_text("0").id(egui::Id::new("trace least")));
        ui.checkbox(failed, "failed only");
        let mut filter = Vec::new();
        if !service.trim().is_empty() {
            filter.push(format!("service={}", service.trim()));
        }
        if !least.trim().is_empty() {
            filter.push(format!("min_ms={}", least.trim()));
        }
        if *failed {
            filter.push("error".to_string());
        }
        let look = Look::Traces { filter: filter.join(" ") };
        if priced(ui, cx.theme, "Search", &look) || run {
            cx.look(look);
        }
    });
    ui.add_space(2.0);
    let list = cx.snap.looked.iter().rev().find(|l| matches!(l.look, Look::Traces { .. })).cloned();
    let one = cx.snap.looked.iter().rev().find(|l| matches!(l.look, Look::Trace { .. })).cloned();
    if list.is_none() && one.is_none() {
        empty(ui, cx.theme, "One request in ten is traced. A search and a trace cost 10 s each.");
        return;
    }
    let whole = ui.available_rect_before_wrap();
    let split =
        if one.is_some() && list.is_some() { whole.top() + (whole.height() * 0.36).max(90.0) } else { whole.top() };
    if let Some(list) = list {
        let bottom = if one.is_some() { split } else { whole.bottom() };
        let rect = Rect::from_min_max(whole.min, egui::pos2(whole.right(), bottom));
        ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt("traces"), |ui| list_ui(ui, cx, &list));
    }
    if let Some(one) = one {
        let rect = Rect::from_min_max(egui::pos2(whole.left(), split + 6.0), whole.max);
        ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt("trace"), |ui| trace_ui(ui, cx, &one));
    }
}

fn list_ui(ui: &mut Ui, cx: &mut Cx<'_>, looked: &Arc<Looked>) {
    let Shown::Rows(table) = &looked.shown else {
        under_way(ui, cx, looked);
        return;
    };
    ui.horizontal(|ui| {
        ui.label(head(cx.theme, format!("E{}  {}", looked.number, looked.title)));
        ui.label(low(cx.theme, format!("at {}; j, k and Enter, or a click: its waterfall, 10 s", looked.at)));
        if ui.small_button("pin").clicked() {
            cx.command(Command::Pin { observation: looked.number, note: String::new() });
        }
    });
    let failing = cx.theme.failing.c();
    let (brush, quiet) = (cx.state.brush, cx.theme.unknown.c());
    let ink = |row: usize, column: usize| match outside(brush, &table.rows[row][0]) {
        true => Some(quiet),
        false => (column == 3 && table.rows[row][3] != "0").then_some(failing),
    };
    let pick = cx.pick(Panel::Traces, table.rows.len());
    if let Some(row) = grid_ui(ui, cx.theme, "traces", table, pick, ink) {
        cx.state.picked.insert(Panel::Traces, row);
        let id = table.rows[row][4].clone();
        cx.look(Look::Trace { id });
    }
}

fn trace_ui(ui: &mut Ui, cx: &mut Cx<'_>, looked: &Arc<Looked>) {
    if looked.answer.is_none() {
        under_way(ui, cx, looked);
        return;
    }
    let Shown::Waterfall(bars) = &looked.shown else { return };
    let whole_s = bars.iter().map(|b| b.from_s + b.took_s).fold(0.0, f64::max).max(1e-9);
    let tries = bars.iter().filter(|b| b.depth == 0).count();
    ui.horizontal(|ui| {
        ui.label(head(cx.theme, format!("E{}  {}", looked.number, looked.title)));
        let plural = if tries == 1 { "try" } else { "tries" };
        ui.label(low(cx.theme, format!("{tries} {plural}, {whole_s:.2} s; filled: what the end waited for")));
        if ui.small_button("pin").clicked() {
            cx.command(Command::Pin { observation: looked.number, note: String::new() });
        }
    });
    egui::ScrollArea::vertical().id_salt("waterfall").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        bars.iter().for_each(|bar| bar_ui(ui, cx, bar, whole_s));
    });
}

fn bar_ui(ui: &mut Ui, cx: &mut Cx<'_>, bar: &Bar, whole_s: f64) {
    let width = ui.available_width() - 8.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, ROW), Sense::hover());
    if !ui.is_rect_visible(rect) {
        return;
    }
    let theme = cx.theme;
    response.widget_info(|| {
        let waits = if bar.critical { ", the end waits for it" } else { "" };
        let failed = if bar.error { ", failed" } else { "" };
        let says = format!("{}, from {:.2} s, {:.2} s{waits}{failed}", bar.name, bar.from_s, bar.took_s);
        egui::WidgetInfo::labeled(egui::WidgetType::Label, true, says)
    });
    if response.hovered() {
        ui.painter().rect_filled(rect, 3, theme.raised.c());
    }
    let names = (width * 0.34).clamp(160.0, 330.0);
    let name_rect = Rect::from_min_size(rect.min, vec2(names - 8.0, ROW));
    let painter = ui.painter().with_clip_rect(name_rect);
    let at = egui::pos2(rect.left() + 14.0 * bar.depth as f32 + 2.0, rect.center().y);
    let ink = if bar.depth == 0 { theme.text_high } else { theme.text_mid };
    painter.text(at, egui::Align2::LEFT_CENTER, &bar.name, FontId::monospace(12.5), ink.c());
    let lane = Rect::from_min_max(
        egui::pos2(rect.left() + names, rect.top() + 4.0),
        egui::pos2(rect.right() - 64.0, rect.bottom() - 4.0),
    );
    ui.painter().hline(lane.x_range(), rect.bottom() - 0.5, egui::Stroke::new(1.0, theme.tint(theme.hairline, 0.6)));
    let x = |s: f64| lane.left() + lane.width() * (s / whole_s) as f32;
    let body = Rect::from_min_max(
        egui::pos2(x(bar.from_s), lane.top()),
        egui::pos2(x(bar.from_s + bar.took_s).max(x(bar.from_s) + 2.0), lane.bottom()),
    );
    let colour = if bar.error { theme.failing } else { theme.flow };
    if bar.critical {
        ui.painter().rect_filled(body, 2, colour.c());
    } else {
        ui.painter().rect_filled(body, 2, theme.tint(colour, 0.22));
        ui.painter().rect_stroke(body, 2, egui::Stroke::new(1.0, theme.tint(colour, 0.8)), egui::StrokeKind::Inside);
    }
    let took = if bar.took_s < 1.0 { format!("{:.0} ms", bar.took_s * 1000.0) } else { format!("{:.2} s", bar.took_s) };
    ui.painter().text(
        rect.right_center() - vec2(2.0, 0.0),
        egui::Align2::RIGHT_CENTER,
        took,
        FontId::monospace(12.0),
        theme.text_mid.c(),
    );
    let attributes = || {
        let lines = bar.attributes.iter().map(|(k, v)| format!("{k} = {v}"));
        [format!("pod = {}", bar.pod)].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    };
    if response.hovered() {
        response.on_hover_text(attributes());
    }
}
