//! Turning points: the moments that decided most, each with what was seen and what was happening; then a question, whose answer
//! comes after one's own; then everything that was done and said.

use bevy_egui::egui::{self, Align2, FontId, RichText, Sense, Ui, vec2};

use crate::gui::desk::Told;
use crate::gui::kit::{Shape, chip, head, high, inset, low, mid, shape};
use crate::gui::state::{DebriefTab, State};
use crate::gui::theme::{Theme, heading};
use crate::report::debrief::turning_points;
use crate::score::observer::judge::Judgement;
use crate::score::story::{Kind, Line};

/// Draws them.
pub fn turning_ui(ui: &mut Ui, theme: &Theme, state: &mut State, told: &Told) {
    let points = turning_points(&told.debrief);
    ui.label(head(theme, "What decided most").size(16.0));
    ui.add_space(4.0);
    ui.columns(points.len().max(1), |columns| {
        for (place, (point, ui)) in points.iter().zip(columns).enumerate() {
            point_ui(ui, theme, state, told, place + 1, point);
        }
    });
    ui.add_space(10.0);
    if let Some(observer) = &told.debrief.observer {
        question_ui(ui, theme, state, observer);
        ui.add_space(10.0);
    }
    ui.label(head(theme, "What was done and said, beside what was true then").size(16.0));
    ui.add_space(4.0);
    ui.spacing_mut().item_spacing.y = 2.0;
    told.debrief.timeline.iter().for_each(|line| line_ui(ui, theme, line));
}

/// A moment, as it was seen and as it was.
fn point_ui(ui: &mut Ui, theme: &Theme, state: &mut State, told: &Told, number: usize, point: &Line) {
    let frame = told.film.iter().rposition(|f| f.at <= point.at).unwrap_or(0);
    inset(theme).inner_margin(egui::Margin::symmetric(16, 12)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.set_min_height(176.0);
        // Columns stretch what is in them; words and buttons keep their width.
        ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(number.to_string()).font(heading(22.0)).color(theme.text_high.c()));
                ui.label(RichText::new(&point.time).monospace().color(theme.text_mid.c()));
                ui.label(low(theme, point.kind.word()));
            });
            ui.label(high(theme, &point.text));
            if let Some(moment) = told.film.get(frame) {
                ui.add_space(4.0);
                for (name, says) in [("seen", &moment.seen.says), ("happening", &moment.happening.says)] {
                    ui.horizontal_top(|ui| {
                        let (rect, _) = ui.allocate_exact_size(vec2(74.0, 18.0), Sense::hover());
                        let font = FontId::proportional(12.5);
                        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, font, theme.text_low.c());
                        ui.add(egui::Label::new(mid(theme, says).size(13.5)).wrap());
                    });
                }
                ui.add_space(4.0);
                if ui.small_button("See it on the map").clicked() {
                    (state.debrief.tab, state.debrief.frame, state.debrief.truth) = (DebriefTab::Flip, frame, false);
                }
            }
        });
    });
}

/// Looks to choose from: what would have told, among what was opened. Whether it tells the truth from its look-alike is said
/// of each after one was chosen.
fn choices(observer: &Judgement) -> Vec<(String, bool)> {
    const OPENED: usize = 4;
    let told = observer.settled.iter().chain(&observer.refuted).map(|s| (s.item.title.clone(), true));
    let opened = observer.looks.iter().map(|l| (l.title.clone(), l.tells_apart));
    let mut all: Vec<(String, bool)> = Vec::new();
    for (title, tells) in told.chain(opened.filter(|(_, tells)| !tells).take(OPENED)) {
        let short: String = crate::score::tell::readable(&title).chars().take(64).collect();
        if !all.iter().any(|(t, _)| *t == short) {
            all.push((short, tells));
        }
    }
    all.sort();
    all
}

fn question_ui(ui: &mut Ui, theme: &Theme, state: &mut State, observer: &Judgement) {
    let all = choices(observer);
    if !all.iter().any(|(_, tells)| *tells) || all.len() < 2 {
        return;
    }
    inset(theme).inner_margin(egui::Margin::symmetric(16, 12)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(head(theme, "Which of these would you open first, if the page came again?").size(15.0));
        ui.horizontal_wrapped(|ui| {
            for (place, (title, tells)) in all.iter().enumerate() {
                let chosen = state.debrief.guess == Some(place);
                let ink = if chosen { theme.you } else { theme.text_mid };
                let says = match state.debrief.guess {
                    None => title.clone(),
                    Some(_) => format!("{title}: {}", if *tells { "tells" } else { "cannot tell" }),
                };
                if chip(ui, theme, &says, ink.c()).clicked() && state.debrief.guess.is_none() {
                    state.debrief.guess = Some(place);
                }
            }
        });
        let Some((_, tells)) = state.debrief.guess.and_then(|g| all.get(g)) else {
            ui.label(low(theme, "Choose first; what each of them tells is said then."));
            return;
        };
        ui.label(high(
            theme,
            match tells {
                true => "Yes: it tells what happened from what only looks like it.",
                false => "That looks the same either way. What tells is marked above.",
            },
        ));
    });
}

fn line_ui(ui: &mut Ui, theme: &Theme, line: &Line) {
    let (kind, colour) = match line.kind {
        Kind::Cause => (Shape::Square, theme.failing),
        Kind::Decoy => (Shape::Hollow, theme.degraded),
        Kind::Page => (Shape::Square, theme.text_mid),
        Kind::Look => (Shape::Hollow, theme.flow),
        Kind::Order => (Shape::Down, theme.you),
        Kind::Belief => (Shape::Dot, theme.you),
        Kind::Said => (Shape::Dot, theme.unknown),
    };
    ui.horizontal_top(|ui| {
        ui.label(RichText::new(&line.time).monospace().color(theme.text_low.c()));
        shape(ui, kind, colour.c());
        let (rect, _) = ui.allocate_exact_size(vec2(64.0, 18.0), Sense::hover());
        let font = FontId::proportional(12.5);
        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, line.kind.word(), font, theme.text_low.c());
        let truth = matches!(line.kind, Kind::Cause | Kind::Decoy);
        let ink = if truth { theme.text_high } else { theme.text_mid };
        ui.add(egui::Label::new(RichText::new(line.text.replace('\n', " ")).color(ink.c())).wrap());
    });
}
