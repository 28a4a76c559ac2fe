//! The assistant: it looks where it is sent, and judges when it is asked. Two things, and they stay apart: facts come with
//! their queries, a claim with what it cites and what would refute it.

use std::sync::Arc;

use bevy_egui::egui::{self, RichText, ScrollArea, TextEdit, Ui};

use crate::gui::kit::{Cx, empty, head, high, inset, low, mid, priced, primary};
use crate::gui::panels::logs::under_way;
use crate::gui::snapshot::Looked;
use crate::session::advice::{Advice, Asking, Given};
use crate::session::command::{Command, Look, Speaks};
use crate::session::look::title;
use crate::session::prices::{ADVICE, price};

/// Why it says nothing; none: it may be asked.
pub fn silent(cx: &Cx<'_>) -> Option<&'static str> {
    match cx.snap.view.assistant {
        None => Some("not in this session: it is played alone"),
        Some(false) => Some("locked until your first commit"),
        Some(true) => None,
    }
}

/// Draws it.
pub fn assistant_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    if let Some(why) = silent(cx) {
        empty(ui, cx.theme, why);
        return;
    }
    look_ui(ui, cx);
    ScrollArea::vertical().id_salt("assistant").auto_shrink([false, false]).show(ui, |ui| {
        match cx.snap.view.advice.clone() {
            None => nothing_yet(ui, cx),
            Some(given) => advice_ui(ui, cx, &given),
        }
        if let Some(found) = last_found(cx) {
            ui.add_space(6.0);
            facts_ui(ui, cx, &found);
        }
    });
}

fn look_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let wants = std::mem::take(&mut cx.state.wants_filter);
    let run = std::mem::take(&mut cx.state.run);
    ui.horizontal(|ui| {
        let edit = TextEdit::singleline(&mut cx.state.delegated)
            .desired_width((ui.available_width() - 92.0).max(80.0))
            .hint_text("have it look: who sends it?")
            .id(egui::Id::new("delegated"));
        let response = ui.add(edit);
        if wants {
            response.request_focus();
        }
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let look = Look::Delegated { question: cx.state.delegated.trim().to_string() };
        let asked = priced(ui, cx.theme, "Look", &look) || entered || run;
        if asked && !cx.state.delegated.trim().is_empty() {
            cx.look(look);
        }
    });
}

fn last_found(cx: &Cx<'_>) -> Option<Arc<Looked>> {
    cx.snap.looked.iter().rev().find(|l| matches!(l.look, Look::Delegated { .. })).cloned()
}

fn facts_ui(ui: &mut Ui, cx: &mut Cx<'_>, found: &Looked) {
    ui.horizontal_wrapped(|ui| {
        ui.label(head(cx.theme, format!("E{}  What it found", found.number)));
        if found.answer.is_some() && ui.small_button("pin").clicked() {
            cx.command(Command::Pin { observation: found.number, note: String::new() });
        }
    });
    let Some(answer) = &found.answer else {
        under_way(ui, cx, found);
        return;
    };
    inset(cx.theme).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        let facts = answer.data["facts"].as_array().cloned().unwrap_or_default();
        if let Some(read_as) = answer.data["read_as"].as_str() {
            ui.add(egui::Label::new(low(cx.theme, read_as)).wrap());
        }
        for fact in &facts {
            ui.add(egui::Label::new(high(cx.theme, fact["says"].as_str().unwrap_or_default()).size(13.5)).wrap());
            let query = fact["query"].as_str().unwrap_or_default();
            ui.add(egui::Label::new(RichText::new(query).monospace().size(11.0).color(cx.theme.text_low.c())).wrap());
            ui.add_space(4.0);
        }
        if facts.is_empty() {
            ui.add(egui::Label::new(mid(cx.theme, &answer.text).size(13.0)).wrap());
        }
    });
}

fn nothing_yet(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.horizontal_wrapped(|ui| {
        if primary(ui, cx.theme, &format!("What is it?  {:.0} s", ADVICE.as_secs_f64()), true) {
            cx.command(Command::Advise { asking: Asking::Plain });
        }
    });
    ui.add(
        egui::Label::new(low(
            cx.theme,
            "It counts well. What it makes of what it counted may be wrong, and sounds the same.",
        ))
        .wrap(),
    );
}

fn advice_ui(ui: &mut Ui, cx: &mut Cx<'_>, given: &Given) {
    let advice = &given.advice;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(&advice.mechanism).monospace().size(14.0).color(cx.theme.text_high.c()));
        ui.label(head(cx.theme, format!("{} %", advice.percent)));
        match given.taken {
            Some(true) => drop(ui.label(low(cx.theme, "taken"))),
            Some(false) => drop(ui.label(low(cx.theme, "left"))),
            None => {}
        }
    });
    answers_ui(ui, cx, advice);
    ui.add_space(3.0);
    ui.add(egui::Label::new(mid(cx.theme, &advice.claim)).wrap());
    ui.add_space(3.0);
    for (number, citation) in (1..).zip(&advice.citations) {
        ui.horizontal_wrapped(|ui| {
            let opened = if given.opened.contains(&number) { "again" } else { "open" };
            let says = format!("{opened} {number}, {:.0} s", price(&citation.look).as_secs_f64());
            if ui.small_button(says).on_hover_text(title(&citation.look)).clicked() {
                let panel = crate::gui::state::panel_of(&citation.look);
                cx.command(Command::Verify { citation: number });
                cx.state.go_to(panel);
            }
            ui.add(egui::Label::new(low(cx.theme, format!("{}: {}", citation.shows, citation.says))).wrap());
        });
    }
    ui.add_space(3.0);
    ui.add(egui::Label::new(mid(cx.theme, format!("Would refute it: {}", advice.refute)).size(13.0)).wrap());
}

/// What may be said to it: in sight however long it spoke.
fn answers_ui(ui: &mut Ui, cx: &mut Cx<'_>, advice: &Advice) {
    ui.horizontal_wrapped(|ui| {
        if ui.button("Adopt").clicked() {
            cx.command(Command::Adopt);
        }
        if ui.button("Reject").clicked() {
            cx.command(Command::Reject);
        }
        if ui.button("Are you sure?").clicked() {
            cx.command(Command::Advise { asking: Asking::Sure });
        }
        if let Some(observation) = against(cx, &advice.mechanism)
            && ui.button(format!("But E{observation}")).on_hover_text("this pin speaks against it").clicked()
        {
            cx.command(Command::Advise { asking: Asking::Against { observation } });
        }
        if ui.button("Ask anew").clicked() {
            cx.command(Command::Advise { asking: Asking::Plain });
        }
    });
}

/// The last pin that speaks against a mechanism on one's own board.
fn against(cx: &Cx<'_>, mechanism: &str) -> Option<u32> {
    let pins = cx.snap.view.board.pins.iter().rev();
    pins.filter(|pin| pin.links.get(mechanism) == Some(&Speaks::Against)).map(|pin| pin.observation).next()
}
