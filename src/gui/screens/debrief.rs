//! The debrief: one minute first, then what happened when, the flip, what would have been, and the score.

use bevy_egui::egui::{
    self, Align2, FontId, Rect, RichText, ScrollArea, Sense, Slider, Stroke, Ui, UiBuilder, pos2, vec2,
};

use crate::gui::desk::Told;
use crate::gui::kit::{Shape, frame, head, high, key_cap, low, mid, primary, shape, whole};
use crate::gui::screens::belief::belief_chart;
use crate::gui::screens::healing::healing_ui;
use crate::gui::screens::others::others_ui;
use crate::gui::screens::turning::turning_ui;
use crate::gui::screens::what_if::what_if_ui;
use crate::gui::state::{DebriefTab, Screen, State};
use crate::gui::theme::{Theme, heading};
use crate::gui::worker::Ask;
use crate::score::debrief::Verdict;
use crate::score::tell;

const TABS: [(DebriefTab, &str); 6] = [
    (DebriefTab::Minute, "One minute"),
    (DebriefTab::Turning, "Turning points"),
    (DebriefTab::Flip, "Flip"),
    (DebriefTab::WhatIf, "What if"),
    (DebriefTab::Score, "Score"),
    (DebriefTab::Scar, "Scar"),
];

/// Height of the headline.
const HEADLINE: f32 = 60.0;
/// Prose is no wider.
const WIDEST: f32 = 1240.0;

/// Draws it; returns where the map belongs, while the flip is open.
pub fn debrief_ui(ui: &mut Ui, theme: &Theme, state: &mut State, asks: &mut Vec<Ask>) -> Option<Rect> {
    let whole = ui.available_rect_before_wrap();
    let Some(told) = state.debrief.told.clone() else {
        ui.painter().rect_filled(whole, 0, theme.deep.c());
        waiting(ui, theme, state, asks, whole);
        return None;
    };
    let bar = Rect::from_min_size(whole.min, vec2(whole.width(), 48.0));
    ui.painter().rect_filled(bar, 0, theme.ground.c());
    ui.painter().hline(bar.x_range(), bar.bottom(), Stroke::new(1.0, theme.hairline.c()));
    ui.scope_builder(UiBuilder::new().max_rect(bar.shrink2(vec2(18.0, 8.0))).id_salt("debrief bar"), |ui| {
        ui.horizontal_centered(|ui| {
            ui.label(
                RichText::new(format!("Debrief  {}", told.debrief.case)).font(heading(18.0)).color(theme.text_high.c()),
            );
            ui.add_space(14.0);
            for (place, (tab, name)) in TABS.into_iter().enumerate() {
                key_cap(ui, theme, &(place + 1).to_string());
                if ui.selectable_label(state.debrief.tab == tab, RichText::new(name).size(14.0)).clicked() {
                    state.debrief.tab = tab;
                }
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.button("Back to the cases").clicked() {
                    leave(state, asks);
                }
            });
        });
    });
    let rest = Rect::from_min_max(pos2(whole.left(), bar.bottom()), whole.max).shrink(14.0);
    if state.debrief.tab != DebriefTab::Flip {
        let ground = Rect::from_min_max(pos2(whole.left(), bar.bottom() + 1.0), whole.max);
        ui.painter().rect_filled(ground, 0, theme.deep.c());
    }
    let inside = rest.shrink(10.0);
    match state.debrief.tab {
        DebriefTab::Flip => return Some(flip(ui, theme, state, &told, rest)),
        DebriefTab::Minute => minute(ui, theme, state, &told, rest),
        tab => {
            frame(ui, rest, theme, false, true);
            let page = inside.shrink(12.0);
            let page = Rect::from_center_size(page.center(), vec2(page.width().min(WIDEST), page.height()));
            ui.scope_builder(UiBuilder::new().max_rect(page).id_salt("debrief body"), |ui| {
                ScrollArea::vertical().id_salt(("debrief", tab as u8)).auto_shrink([false, false]).show(ui, |ui| {
                    match tab {
                        DebriefTab::Turning => turning_ui(ui, theme, state, &told),
                        DebriefTab::WhatIf => what_if_ui(ui, theme, &told),
                        DebriefTab::Scar => healing_ui(ui, theme, state, told.healing.as_ref(), asks),
                        _ => score(ui, theme, &told),
                    }
                });
            });
        }
    }
    None
}

/// Leaves for the title.
pub fn leave(state: &mut State, asks: &mut Vec<Ask>) {
    asks.push(Ask::Leave);
    state.forget_session();
    state.go = Some(Screen::Title);
}

fn waiting(ui: &mut Ui, theme: &Theme, state: &mut State, asks: &mut Vec<Ask>, whole: Rect) {
    let sheet = Rect::from_center_size(whole.center(), vec2(520.0, 200.0));
    frame(ui, sheet, theme, false, true);
    ui.scope_builder(UiBuilder::new().max_rect(sheet.shrink(28.0)).id_salt("waiting"), |ui| {
        let title = if state.debrief.failed.is_some() { "There is no debrief" } else { "Running what would have been" };
        ui.label(RichText::new(title).font(heading(20.0)).color(theme.text_high.c()));
        ui.add_space(8.0);
        if let Some(why) = state.debrief.failed.clone() {
            ui.label(mid(theme, why));
            if ui.button("Back to the cases").clicked() {
                leave(state, asks);
            }
            return;
        }
        let (done, total) = state.debrief.progress;
        ui.label(mid(theme, "The same users, with each order taken away, moved forward, and nothing done at all."));
        ui.add_space(8.0);
        let share = if total == 0 { 0.0 } else { done as f32 / total as f32 };
        crate::gui::kit::bar(ui, theme, share, ui.available_width(), 8.0, theme.flow.c());
        let says = if total == 0 { "beginning ...".to_string() } else { format!("{done} of {total} runs") };
        ui.label(low(theme, says));
    });
}

fn minute(ui: &mut Ui, theme: &Theme, state: &mut State, told: &Told, rest: Rect) {
    let debrief = &told.debrief;
    let head_rect = rest.with_max_y(rest.top() + HEADLINE);
    ui.scope_builder(UiBuilder::new().max_rect(head_rect.shrink2(vec2(10.0, 4.0))).id_salt("headline"), |ui| {
        ui.set_max_width(1180.0);
        ui.label(RichText::new(tell::headline(debrief)).font(heading(21.0)).color(theme.text_high.c()));
    });
    let gap = 14.0;
    let left_w = (rest.width() - gap) * 0.5;
    let verdicts_h = ((rest.height() - HEADLINE) * 0.30).clamp(150.0, 230.0);
    let top = head_rect.bottom() + 4.0;
    let users = Rect::from_min_size(pos2(rest.left(), top), vec2(left_w, verdicts_h));
    let cause = Rect::from_min_size(pos2(users.right() + gap, top), vec2(left_w, verdicts_h));
    users_verdict(ui, theme, told, users);
    cause_verdict(ui, theme, told, cause);
    let lower = Rect::from_min_max(pos2(rest.left(), users.bottom() + gap), rest.max);
    let chart = lower.with_max_x(lower.left() + left_w);
    frame(ui, chart, theme, false, true);
    belief_chart(ui, theme, told, chart.shrink2(vec2(20.0, 16.0)));
    let right = lower.with_min_x(chart.right() + gap);
    frame(ui, right, theme, false, true);
    ui.scope_builder(UiBuilder::new().max_rect(right.shrink2(vec2(22.0, 16.0))).id_salt("story"), |ui| {
        ScrollArea::vertical().id_salt("story").auto_shrink([false, false]).show(ui, |ui| {
            ui.label(head(theme, &debrief.title).size(16.0));
            ui.label(mid(theme, &debrief.story));
            ui.add_space(8.0);
            for cause in &debrief.truth.causes {
                ui.horizontal_wrapped(|ui| {
                    let share = format!("{:.0} %", cause.share * 100.0);
                    ui.label(RichText::new(share).font(heading(14.0)).color(theme.text_high.c()));
                    ui.label(low(theme, cause.role.word()));
                    ui.label(mid(theme, &cause.says));
                });
            }
            if let Some(observer) = &debrief.observer {
                ui.add_space(6.0);
                ui.label(head(theme, "What would have told"));
                for line in tell::looks(observer, &debrief.cause).into_iter().chain(tell::hints(debrief)) {
                    ui.label(mid(theme, line));
                }
                ui.add_space(6.0);
            }
            for decoy in debrief.truth.decoys.iter().filter(|d| d.harmless) {
                ui.horizontal_wrapped(|ui| {
                    shape(ui, Shape::Hollow, theme.text_low.c());
                    ui.label(mid(theme, format!("{}: true, and harmless", decoy.says)));
                });
            }
            ui.add_space(12.0);
            ui.horizontal(|ui| {
                if primary(ui, theme, "Flip the map  (f)", true) {
                    state.debrief.tab = DebriefTab::Flip;
                }
                if ui.button("What if").clicked() {
                    state.debrief.tab = DebriefTab::WhatIf;
                }
            });
        });
    });
}

fn users_verdict(ui: &mut Ui, theme: &Theme, told: &Told, rect: Rect) {
    frame(ui, rect, theme, false, true);
    let users = &told.debrief.users;
    ui.scope_builder(UiBuilder::new().max_rect(rect.shrink2(vec2(20.0, 14.0))).id_salt("users"), |ui| {
        ui.label(head(theme, "For users"));
        let most = users.lost.max(users.lost_if_nothing).max(1.0);
        let rows = [
            ("nothing done", users.lost_if_nothing, theme.unknown),
            ("you", users.lost, theme.flow),
            ("best found", users.lost_at_best, theme.fill_edge),
        ];
        ui.spacing_mut().item_spacing.y = 3.0;
        for (name, lost, colour) in rows {
            ui.horizontal(|ui| {
                let (label, _) = ui.allocate_exact_size(vec2(92.0, 22.0), Sense::hover());
                ui.painter().text(
                    label.left_center(),
                    Align2::LEFT_CENTER,
                    name,
                    FontId::proportional(13.5),
                    theme.text_mid.c(),
                );
                let width = ui.available_width() - 120.0;
                crate::gui::kit::bar(ui, theme, (lost / most) as f32, width.max(40.0), 14.0, colour.c());
                ui.label(RichText::new(whole(lost)).font(heading(15.0)).color(theme.text_high.c()));
            });
        }
        ui.label(low(theme, "user-minutes lost"));
        ui.label(mid(theme, tell::pain(users)));
    });
}

fn cause_verdict(ui: &mut Ui, theme: &Theme, told: &Told, rect: Rect) {
    frame(ui, rect, theme, false, true);
    let cause = &told.debrief.cause;
    ui.scope_builder(UiBuilder::new().max_rect(rect.shrink2(vec2(20.0, 14.0))).id_salt("cause"), |ui| {
        ui.label(head(theme, "Of the cause"));
        let (word, kind) = match cause.verdict {
            Verdict::Right => ("Right", Shape::Dot),
            Verdict::Half => ("Half right: the family, not the mechanism", Shape::Up),
            Verdict::Wrong => ("Wrong", Shape::Square),
            Verdict::LeftOpen => ("Left open", Shape::Hollow),
            Verdict::Silent => ("Nothing committed", Shape::Hollow),
        };
        ui.horizontal(|ui| {
            shape(ui, kind, theme.text_high.c());
            ui.label(RichText::new(word).font(heading(22.0)).color(theme.text_high.c()));
        });
        let said = cause.said.clone().unwrap_or("nothing".to_string());
        let percent = cause.percent.map_or(String::new(), |p| format!(" at {p} %"));
        ui.label(mid(theme, format!("You said {said}{percent}.")));
        ui.label(mid(theme, format!("It was {}.", cause.was.join(" and "))));
        if cause.blamed_decoy {
            ui.label(high(theme, "What you blamed only seemed to be the cause."));
        }
        let proved = match cause.proved {
            Some(true) => "Right and proved: what you cited carries it.",
            Some(false) => "Not proved: what you cited does not carry it.",
            None => cause.grounding.as_str(),
        };
        ui.label(mid(theme, proved));
        if let Some((when, what, more)) = told.healing.as_ref().and_then(next_due) {
            let more = if more == 0 { String::new() } else { format!(", and {more} more") };
            ui.label(low(theme, format!("Comes back on {when}: {what}{more}.")));
        }
    });
}

/// When the first of what was graded comes back, what it is, and how many more do.
fn next_due(healing: &crate::scar::healing::Healing) -> Option<(String, String, usize)> {
    let mut due: Vec<_> = healing.items.iter().filter_map(|i| Some((i.due.clone()?, !i.target, &i.item))).collect();
    due.sort();
    let (when, _, item) = due.first()?;
    Some((when.clone(), crate::gui::career::name(item), due.len() - 1))
}

fn flip(ui: &mut Ui, theme: &Theme, state: &mut State, told: &Told, rest: Rect) -> Rect {
    let foot = rest.with_min_y(rest.bottom() - 92.0);
    let map = rest.with_max_y(foot.top() - 12.0);
    frame(ui, foot, theme, false, true);
    let last = told.film.len().saturating_sub(1);
    ui.scope_builder(UiBuilder::new().max_rect(foot.shrink2(vec2(18.0, 12.0))).id_salt("film"), |ui| {
        ui.horizontal(|ui| {
            for (truth, name) in [(false, "Seen"), (true, "Happening")] {
                let text = RichText::new(name).font(heading(15.0));
                if ui.selectable_label(state.debrief.truth == truth, text).clicked() {
                    state.debrief.truth = truth;
                }
            }
            key_cap(ui, theme, "f");
            ui.add_space(8.0);
            let name = if state.debrief.playing { "Stop" } else { "Play" };
            if ui.button(name).clicked() {
                state.debrief.playing = !state.debrief.playing;
            }
            ui.spacing_mut().slider_width = (ui.available_width() - 90.0).max(120.0);
            ui.add(Slider::new(&mut state.debrief.frame, 0..=last).show_value(false));
            if let Some(frame) = told.film.get(state.debrief.frame) {
                ui.label(RichText::new(&frame.clock).monospace().color(theme.text_high.c()));
            }
        });
        ui.horizontal(|ui| {
            let differs =
                told.film.get(state.debrief.frame).map(|f| differences(&f.seen, &f.happening)).unwrap_or_default();
            let says = if differs.is_empty() {
                "What was seen is what was happening.".to_string()
            } else {
                format!("Hidden then: {}", differs.join("; "))
            };
            ui.add(egui::Label::new(mid(theme, says)).truncate());
        });
    });
    map
}

/// What the picture of what was happening has that the other has not.
fn differences(seen: &crate::gui::map::picture::Picture, happening: &crate::gui::map::picture::Picture) -> Vec<String> {
    let mut differs = Vec::new();
    if let (Some(retries), None) = (happening.retries, seen.retries) {
        differs.push(format!("{:.0} % of requests were retries", retries.share * 100.0));
    }
    if let (Some(reuse), None) = (happening.reuse, seen.reuse) {
        differs.push(format!("{:.0} % of prompt tokens came from a cache", reuse * 100.0));
    }
    differs.extend(
        happening.notes.iter().map(|(at, note)| format!("{}: {note}", happening.tanks[*at].title.to_lowercase())),
    );
    differs
}

fn score(ui: &mut Ui, theme: &Theme, told: &Told) {
    if 900.0 < ui.available_width() {
        ui.columns(2, |columns| {
            parts(&mut columns[0], theme, told);
            others_ui(&mut columns[0], theme, &told.mine, &told.others);
            measures(&mut columns[1], theme, told);
        });
        return;
    }
    parts(ui, theme, told);
    others_ui(ui, theme, &told.mine, &told.others);
    ui.add_space(10.0);
    measures(ui, theme, told);
}

fn parts(ui: &mut Ui, theme: &Theme, told: &Told) {
    let card = &told.debrief.card;
    ui.label(head(theme, "Parts").size(16.0));
    for part in &card.composite.parts {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(150.0, 20.0), Sense::hover());
            ui.painter().text(
                rect.left_center(),
                Align2::LEFT_CENTER,
                part.name,
                FontId::proportional(14.0),
                theme.text_mid.c(),
            );
            let share = part.points.map_or(0.0, |p| p / part.weight.max(1e-9)) as f32;
            crate::gui::kit::bar(ui, theme, share, 220.0, 10.0, theme.flow.c());
            let says = part.points.map_or("not judged".to_string(), |p| format!("{p:.1} of {:.0}", part.weight));
            ui.label(mid(theme, says).size(13.5));
        });
    }
    let composite = &card.composite;
    let total = match composite.total {
        Some(total) => format!("{total:.1} of 100, {:.1} taken off for harm", composite.lost),
        None => format!("{:.1} of the {:.0} points that this build can judge", composite.points, composite.out_of),
    };
    ui.label(low(theme, total));
    for gate in &composite.gates {
        ui.label(mid(theme, gate.says()));
    }
}

fn measures(ui: &mut Ui, theme: &Theme, told: &Told) {
    let card = &told.debrief.card;
    ui.label(head(theme, "Measures").size(16.0));
    for measure in &card.measures {
        let value = measure.value.map_or(format!("not judged: {}", measure.why_none), |v| format!("{v:.3}"));
        egui::CollapsingHeader::new(RichText::new(format!("{}  {}   {value}", measure.id, measure.name)).size(14.0))
            .id_salt(("measure", measure.id))
            .show(ui, |ui| {
                ui.label(RichText::new(measure.formula).monospace().color(theme.text_mid.c()));
                for (name, v) in &measure.inputs {
                    ui.label(low(theme, format!("{name} = {v:.3}")));
                }
                if !measure.log.is_empty() {
                    let log: Vec<String> = measure.log.iter().map(u64::to_string).collect();
                    ui.label(low(theme, format!("events {} of the log", log.join(", "))));
                }
            });
    }
}
