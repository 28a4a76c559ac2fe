//! The commit: probabilities, causes with their parts, what led to what, and what it rests on. Asked twice, never held down.

use bevy_egui::egui::{self, ComboBox, Rect, RichText, TextEdit, Ui, UiBuilder, vec2};

use crate::gui::kit::{Cx, bar, chip, frame, head, low, mid, primary};
use crate::gui::panels::case_board::is;
use crate::gui::screens::causes::{causes_ui, toggle};
use crate::gui::state::Screen;
use crate::gui::theme::heading;
use crate::session::command::{Command, Commit, DeclaredCause, DeclaredRole};

/// Components that a cause can be in.
const COMPONENTS: &[&str] = &[
    "",
    "clients",
    "network",
    "gateway",
    "auth",
    "router",
    "serving",
    "accelerators",
    "kv-cache",
    "autoscaler",
    "monitoring",
];
/// Causes that a commit may name.
const MOST: usize = 6;

/// Draws it.
pub fn commit_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let whole = ui.available_rect_before_wrap();
    ui.painter().rect_filled(whole, 0, cx.theme.deep.c());
    let size = vec2((whole.width() - 48.0).min(1180.0), (whole.height() - 48.0).min(820.0));
    let sheet = Rect::from_center_size(whole.center(), size);
    frame(ui, sheet, cx.theme, false, true);
    fill_in(cx);
    let inner = sheet.shrink2(vec2(30.0, 22.0));
    let foot = Rect::from_min_max(egui::pos2(inner.left(), inner.bottom() - 74.0), inner.max);
    let upper = inner.with_max_y(foot.top() - 8.0);
    ui.scope_builder(UiBuilder::new().max_rect(upper).id_salt("commit"), |ui| {
        ui.label(RichText::new("Commit").font(heading(24.0)).color(cx.theme.text_high.c()));
        ui.label(mid(cx.theme, "It is put on record with the time. Nothing is said of it before the debrief."));
        ui.add_space(8.0);
        egui::ScrollArea::vertical().id_salt("commit scroll").auto_shrink([false, false]).show(ui, |ui| {
            ui.columns(2, |columns| {
                points(&mut columns[0], cx);
                rests_on(&mut columns[0], cx);
                causes(&mut columns[1], cx);
                links(&mut columns[1], cx);
                unchecked(&mut columns[1], cx);
            });
        });
    });
    ui.scope_builder(UiBuilder::new().max_rect(foot).id_salt("commit foot"), |ui| foot_ui(ui, cx));
}

/// The first time, causes are what leads, and what is cited is what was pinned.
fn fill_in(cx: &mut Cx<'_>) {
    if !cx.state.commit.causes.is_empty() {
        return;
    }
    let lead = crate::session::belief::lead(&cx.state.points).map(|(m, _)| m.to_string());
    let cause = |mechanism| DeclaredCause { mechanism, component: String::new(), role: DeclaredRole::Root };
    cx.state.commit.causes = lead.into_iter().map(cause).collect();
    cx.state.commit.cites = cx.snap.view.board.pins.iter().map(|p| p.observation).collect();
}

fn points(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.label(head(cx.theme, "Probabilities"));
    let mut order: Vec<_> = cx.state.points.clone().into_iter().collect();
    order.sort_by_key(|(_, p)| std::cmp::Reverse(*p));
    for (mechanism, points) in order {
        ui.horizontal(|ui| {
            ui.label(RichText::new(format!("{points:>3}")).font(heading(16.0)).color(cx.theme.text_high.c()));
            bar(ui, cx.theme, f32::from(points) / 100.0, 120.0, 8.0, cx.theme.flow.c());
            ui.label(RichText::new(&mechanism).monospace().color(cx.theme.text_high.c()));
        });
        ui.label(low(cx.theme, is(&mechanism)));
    }
    ui.label(low(cx.theme, "Change them on the case board."));
    ui.add_space(10.0);
}

fn rests_on(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.label(head(cx.theme, "It rests on"));
    if cx.snap.looked.is_empty() {
        ui.label(low(cx.theme, "Nothing was looked at."));
    }
    for looked in cx.snap.looked.iter().filter(|l| l.answer.is_some()) {
        let mut cited = cx.state.commit.cites.contains(&looked.number);
        let text = format!("E{}  {}", looked.number, looked.title);
        let long = 60 < text.chars().count();
        let short: String = text
            .chars()
            .take(if long { 57 } else { 60 })
            .chain(long.then_some("...").into_iter().flat_map(str::chars))
            .collect();
        let response = ui.checkbox(&mut cited, RichText::new(short).monospace().size(12.5)).on_hover_text(&text);
        if response.changed() {
            cx.state.commit.cites.retain(|c| *c != looked.number);
            if cited {
                cx.state.commit.cites.push(looked.number);
            }
        }
    }
}

fn causes(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.label(head(cx.theme, "Causes, the weightiest first"));
    let named: Vec<String> = cx.state.points.keys().cloned().collect();
    let mut gone = None;
    for place in 0..cx.state.commit.causes.len() {
        ui.horizontal(|ui| {
            ui.label(RichText::new(format!("{}", place + 1)).font(heading(14.0)).color(cx.theme.text_mid.c()));
            let cause = &mut cx.state.commit.causes[place];
            let text = RichText::new(&cause.mechanism).monospace().size(12.5);
            ComboBox::from_id_salt(("cause", place)).selected_text(text).width(190.0).show_ui(ui, |ui| {
                for id in &named {
                    ui.selectable_value(&mut cause.mechanism, id.clone(), id);
                }
            });
            let at = if cause.component.is_empty() { "where?" } else { &cause.component };
            ComboBox::from_id_salt(("component", place)).selected_text(at.to_string()).width(96.0).show_ui(ui, |ui| {
                for component in COMPONENTS {
                    ui.selectable_value(
                        &mut cause.component,
                        component.to_string(),
                        if component.is_empty() { "not said" } else { component },
                    );
                }
            });
            let role = cause.role.word();
            ComboBox::from_id_salt(("role", place)).selected_text(role).width(96.0).show_ui(ui, |ui| {
                for value in DeclaredRole::ALL {
                    ui.selectable_value(&mut cause.role, value, value.word());
                }
            });
            if ui.small_button("remove").clicked() {
                gone = Some(place);
            }
        });
    }
    if let Some(place) = gone {
        cx.state.commit.causes.remove(place);
        (cx.state.commit.links, cx.state.commit.from) = (Vec::new(), None);
    }
    let first = named.first().cloned();
    let room = cx.state.commit.causes.len() < MOST;
    if let Some(first) = first
        && ui.horizontal(|ui| ui.add_enabled(room, egui::Button::new("add a cause")).clicked()).inner
    {
        let free = named.iter().find(|n| !cx.state.commit.causes.iter().any(|c| &c.mechanism == *n)).cloned();
        let mechanism = free.unwrap_or(first);
        cx.state.commit.causes.push(DeclaredCause {
            mechanism,
            component: String::new(),
            role: DeclaredRole::Contributing,
        });
    }
    ui.add_space(10.0);
}

fn links(ui: &mut Ui, cx: &mut Cx<'_>) {
    let count = cx.state.commit.causes.len();
    if count < 2 {
        return;
    }
    ui.label(head(cx.theme, "What led to what"));
    causes_ui(ui, cx);
    ui.horizontal_wrapped(|ui| {
        for from in 0..count as u8 {
            for to in (0..count as u8).filter(|to| *to != from) {
                let on = cx.state.commit.links.contains(&(from, to));
                if ui.selectable_label(on, format!("{} to {}", from + 1, to + 1)).clicked() {
                    toggle(&mut cx.state.commit.links, (from, to));
                }
            }
        }
    });
    ui.add_space(10.0);
}

fn unchecked(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.label(head(cx.theme, "What would change my mind, and was not checked"));
    let edit = TextEdit::multiline(&mut cx.state.commit.unchecked).desired_rows(2).desired_width(f32::INFINITY);
    ui.add(edit.id(egui::Id::new("unchecked")));
}

fn foot_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.horizontal(|ui| {
        let says = "This is my last word: the incident ends, and the postmortem begins";
        ui.checkbox(&mut cx.state.commit.last, says);
        crate::gui::kit::key_cap(ui, cx.theme, "e");
    });
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        let run = std::mem::take(&mut cx.state.run);
        let text = match (cx.state.commit.sure, cx.state.commit.last) {
            (false, _) => "Commit",
            (true, false) => "Yes, commit",
            (true, true) => "Yes, commit and end",
        };
        if primary(ui, cx.theme, text, cx.state.unassigned() == 0) || run {
            if cx.state.commit.sure {
                send(cx);
            } else {
                cx.state.commit.sure = true;
            }
        }
        crate::gui::kit::key_cap(ui, cx.theme, "Ctrl+Enter");
        if cx.state.commit.sure {
            chip(ui, cx.theme, "asked once: once more commits", cx.theme.you.c());
        }
        if ui.button("Back to the console").clicked() {
            cx.state.commit.sure = false;
            cx.state.go = Some(Screen::Console);
        }
    });
}

fn send(cx: &mut Cx<'_>) {
    let form = cx.state.commit.clone();
    if !form.unchecked.trim().is_empty() {
        cx.command(Command::NextTest { text: form.unchecked.trim().to_string() });
    }
    let commit = Commit {
        points: cx.state.points.clone(),
        causes: form.causes,
        links: form.links,
        cites: form.cites,
        last: form.last,
    };
    cx.command(Command::Commit(commit));
    cx.state.commit.sure = false;
    if form.last {
        cx.command(Command::End);
        cx.state.go = Some(Screen::Postmortem);
    } else {
        cx.state.go = Some(Screen::Console);
    }
}
