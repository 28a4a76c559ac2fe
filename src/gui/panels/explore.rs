//! Explore: questions in PromQL, SQL and kubectl's words, with what can be asked beside them, and errors at their place.

use std::sync::Arc;

use bevy_egui::egui::{self, Align, Layout, Rect, RichText, TextEdit, Ui, UiBuilder, vec2};

use crate::gui::answers::Shown;
use crate::gui::keys::Panel;
use crate::gui::kit::{Cx, chip, empty, head, inset, key_cap, low, mono, printout, ring};
use crate::gui::panels::chart::chart_ui;
use crate::gui::panels::compare::differences_ui;
use crate::gui::panels::dashboards::{axis, share};
use crate::gui::panels::grid::grid_ui;
use crate::gui::snapshot::Looked;
use crate::gui::state::{Language, panel_of};
use crate::session::command::{Command, Look};
use crate::session::prices::price;
use crate::sim::world::exposition::metrics;
use crate::telemetry::sql::schema;

/// Width of what can be asked.
const SIDE: f32 = 236.0;
/// Windows of a range, in minutes; none: this moment.
const WINDOWS: [u32; 4] = [0, 5, 15, 60];
/// Words of control planes, to begin with.
const WORDS: &[&str] = &[
    "get pods",
    "get nodes",
    "get endpoints",
    "get hpa",
    "get events",
    "top pods",
    "top nodes",
    "rollout history gateway",
    "config gateway",
    "ring",
];

const LANGUAGES: [(Language, &str); 3] =
    [(Language::Promql, "PromQL"), (Language::Sql, "SQL"), (Language::Kubectl, "kubectl")];

/// Draws it.
pub fn explore_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let whole = ui.available_rect_before_wrap();
    let wide = 760.0 < whole.width();
    let main_w = if wide { whole.width() - SIDE - 12.0 } else { whole.width() };
    let main = Rect::from_min_size(whole.min, vec2(main_w, whole.height()));
    ui.scope_builder(UiBuilder::new().max_rect(main).id_salt("ask"), |ui| {
        question(ui, cx);
        if let Some(error) = cx.state.error.clone() {
            error_ui(ui, cx, &error);
        }
        answer(ui, cx);
    });
    if wide {
        let side = Rect::from_min_max(egui::pos2(main.right() + 12.0, whole.top()), whole.max);
        ui.scope_builder(UiBuilder::new().max_rect(side).id_salt("what"), |ui| what_can_be_asked(ui, cx));
    }
    ui.allocate_rect(whole, egui::Sense::hover());
}

/// The look that is typed.
fn look(cx: &Cx<'_>) -> Look {
    let text = cx.state.questions.get(&cx.state.language).cloned().unwrap_or_default().trim().to_string();
    match cx.state.language {
        Language::Promql => {
            let window_s = Some(cx.state.window_min * 60).filter(|w| 0 < *w);
            Look::Promql { query: text, window_s, step_s: None }
        }
        Language::Sql => Look::Sql { query: text },
        Language::Kubectl => Look::Fleet { line: text.strip_prefix("kubectl ").unwrap_or(&text).to_string() },
    }
}

fn question(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.horizontal(|ui| {
        for (language, name) in LANGUAGES {
            if ui.selectable_label(cx.state.language == language, name).clicked() {
                cx.state.language = language;
                cx.state.error = None;
            }
        }
        if cx.state.language == Language::Promql {
            ui.separator();
            for window in WINDOWS {
                let name = if window == 0 { "now".to_string() } else { format!("{window}m") };
                if ui.selectable_label(cx.state.window_min == window, name).clicked() {
                    cx.state.window_min = window;
                }
            }
        }
        let look = look(cx);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let text = format!("Run, {:.0} s", price(&look).as_secs_f64());
            let empty = cx.state.questions.get(&cx.state.language).is_none_or(|q| q.trim().is_empty());
            let clicked = ui.add_enabled(!empty, egui::Button::new(text)).clicked();
            key_cap(ui, cx.theme, "Ctrl+Enter");
            if clicked || (std::mem::take(&mut cx.state.run) && !empty) {
                cx.state.error = None;
                cx.state.shown.remove(&Panel::Explore);
                cx.look(look);
            }
        });
    });
    let wants = std::mem::take(&mut cx.state.wants_filter);
    let language = cx.state.language;
    let text = cx.state.questions.entry(language).or_default();
    let edit = TextEdit::multiline(text)
        .font(egui::TextStyle::Monospace)
        .desired_rows(2)
        .desired_width(f32::INFINITY)
        .hint_text("a question")
        .id(egui::Id::new("question"));
    let response = ui.add(edit);
    if wants {
        response.request_focus();
    }
}

fn error_ui(ui: &mut Ui, cx: &mut Cx<'_>, error: &str) {
    let frame = inset(cx.theme).stroke(egui::Stroke::new(1.0, cx.theme.failing.c()));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let text = RichText::new(error).monospace().color(cx.theme.text_high.c());
        ui.add(egui::Label::new(text).wrap_mode(egui::TextWrapMode::Wrap).selectable(true));
    });
}

fn answers(cx: &Cx<'_>) -> Vec<Arc<Looked>> {
    let mine = |l: &&Arc<Looked>| panel_of(&l.look) == Panel::Explore;
    cx.snap.looked.iter().filter(mine).cloned().collect()
}

fn answer(ui: &mut Ui, cx: &mut Cx<'_>) {
    let answers = answers(cx);
    if answers.is_empty() {
        empty(ui, cx.theme, "Ask, and the answer stays here as evidence: E1, E2 and so on.");
        return;
    }
    let chosen = cx.state.shown.get(&Panel::Explore).copied();
    let looked = answers.iter().rev().find(|l| chosen.is_none_or(|n| n == l.number)).unwrap_or(&answers[0]);
    ui.horizontal(|ui| {
        for old in answers.iter().rev().take(8) {
            let ink = if old.number == looked.number { cx.theme.text_high } else { cx.theme.text_low };
            if chip(ui, cx.theme, &format!("E{}", old.number), ink.c()).on_hover_text(&old.title).clicked() {
                cx.state.shown.insert(Panel::Explore, old.number);
                recall(cx, &old.look);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if looked.answer.is_some() && ui.small_button("pin").clicked() {
                cx.command(Command::Pin { observation: looked.number, note: String::new() });
            }
            ui.label(low(cx.theme, format!("at {}", looked.at)));
        });
    });
    show(ui, cx, looked);
}

/// Puts an old question back where it can be changed.
fn recall(cx: &mut Cx<'_>, look: &Look) {
    let (language, text) = match look {
        Look::Promql { query, window_s, .. } => {
            cx.state.window_min = window_s.unwrap_or(0) / 60;
            (Language::Promql, query.clone())
        }
        Look::Sql { query } => (Language::Sql, query.clone()),
        Look::Fleet { line } => (Language::Kubectl, line.clone()),
        _ => return,
    };
    cx.state.language = language;
    cx.state.questions.insert(language, text);
}

fn show(ui: &mut Ui, cx: &mut Cx<'_>, looked: &Looked) {
    let Some(answer) = &looked.answer else {
        let left = looked.at_s - cx.snap.view.elapsed_s;
        ui.horizontal(|ui| {
            ring(ui, cx.theme, (1.0 - left / looked.price_s.max(1.0)) as f32);
            ui.label(low(cx.theme, format!("E{} is under way, {:.0} s to go", looked.number, left.max(0.0))));
        });
        return;
    };
    match &looked.shown {
        Shown::Charts(charts) => {
            let mut axis = axis(cx);
            for chart in charts {
                let high = (ui.available_height() - 50.0).clamp(100.0, 420.0);
                chart_ui(ui, cx.theme, chart, high, &mut axis, "explore");
            }
            share(cx, axis);
        }
        Shown::Differs(found) => differences_ui(ui, cx.theme, found),
        Shown::Rows(table) => {
            let pick = cx.pick(Panel::Explore, table.rows.len());
            if let Some(row) = grid_ui(ui, cx.theme, &format!("E{}", looked.number), table, pick, |_, _| None) {
                cx.state.picked.insert(Panel::Explore, row);
            }
        }
        _ => printout(ui, cx.theme, ("explore", looked.number), &answer.text),
    }
}

fn what_can_be_asked(ui: &mut Ui, cx: &mut Cx<'_>) {
    inset(cx.theme).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        egui::ScrollArea::vertical().id_salt("schema").auto_shrink([false, false]).show(ui, |ui| {
            match cx.state.language {
                Language::Promql => promql_words(ui, cx),
                Language::Sql => sql_words(ui, cx),
                Language::Kubectl => {
                    ui.label(head(cx.theme, "To begin with"));
                    for word in WORDS {
                        if ui.add(egui::Button::new(mono(cx.theme, *word).size(12.5)).frame(false)).clicked() {
                            cx.state.questions.insert(Language::Kubectl, word.to_string());
                        }
                    }
                }
            }
        });
    });
}

fn promql_words(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.label(head(cx.theme, "Metrics"));
    let mut targets: Vec<&str> = Vec::new();
    let all = metrics();
    for metric in &all {
        let group = metric.name.split([':', '_']).next().unwrap_or_default();
        if !targets.contains(&group) {
            targets.push(group);
        }
    }
    for group in targets {
        let of = |name: &str| name.split([':', '_']).next() == Some(group);
        egui::CollapsingHeader::new(RichText::new(group).size(13.0)).id_salt(("metrics", group)).show(ui, |ui| {
            for metric in all.iter().filter(|m| of(m.name)) {
                let text = mono(cx.theme, metric.name).size(11.5);
                if ui.add(egui::Button::new(text).frame(false).truncate()).on_hover_text(metric.about).clicked() {
                    let question = cx.state.questions.entry(Language::Promql).or_default();
                    *question = format!("sum(rate({}[2m]))", metric.name);
                    if !metric.name.ends_with("_total") {
                        *question = format!("sum({})", metric.name);
                    }
                }
            }
        });
    }
}

fn sql_words(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.label(head(cx.theme, "Tables"));
    for table in schema() {
        let title = RichText::new(table.name).size(13.0);
        egui::CollapsingHeader::new(title).id_salt(("table", table.name)).show(ui, |ui| {
            ui.label(low(cx.theme, table.meaning));
            for column in &table.columns {
                let text = mono(cx.theme, column.name).size(11.5);
                if ui.add(egui::Button::new(text).frame(false).truncate()).on_hover_text(column.meaning).clicked() {
                    cx.state.questions.entry(Language::Sql).or_default().push_str(&format!(" {}", column.name));
                }
            }
        });
    }
}
