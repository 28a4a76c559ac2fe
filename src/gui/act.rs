//! Keys into deeds: what each verb does, on each screen.

use bevy_egui::egui::{self, Event, Key};

use crate::gui::brush::{Step, step};
use crate::gui::keys::{Panel, VERBS, Verb};
use crate::gui::kit::Cx;
use crate::gui::map_view::open_unit;
use crate::gui::panels::case_board;
use crate::gui::panels::compare::compare;
use crate::gui::screens::title;
use crate::gui::snapshot::Snapshot;
use crate::gui::state::{DebriefTab, Screen, State, panel_of};
use crate::gui::worker::Ask;
use crate::session::command::{Command, Speaks};

/// Reads the keys of a frame.
pub fn keys(ctx: &egui::Context, screen: Screen, state: &mut State, snap: Option<&Snapshot>, asks: &mut Vec<Ask>) {
    if state.palette.is_some() {
        return; // it reads its own
    }
    let pressed = state.settings.keys.clone().pressed(ctx);
    for verb in pressed {
        act(verb, ctx, screen, state, snap, asks);
    }
    if ctx.egui_wants_keyboard_input() {
        return;
    }
    let enter = ctx.input(|i| i.key_pressed(Key::Enter) && i.modifiers.is_none());
    let greeting = !state.settings.greeted;
    if enter && !state.settings_open && (greeting || matches!(screen, Screen::Title | Screen::Briefing)) {
        state.run = true;
    }
    state.opens = enter && screen == Screen::Console;
    let asleep = snap.is_some_and(|s| s.view.acknowledged.is_none());
    if enter && screen == Screen::Console && state.focus == Panel::Pager && asleep {
        state.opens = false;
        act(Verb::Acknowledge, ctx, screen, state, snap, asks);
    }
    if screen == Screen::Console
        && let Some(n) = digit(ctx)
    {
        (state.zoom, state.unit, state.unit_at) = (n.checked_sub(1).filter(|n| *n < 6), None, 0);
    }
    if screen == Screen::Console && state.focus == Panel::Map && !state.units.is_empty() {
        let (along, across) = arrows(ctx);
        let last = state.units.len() as i32 - 1;
        state.unit_at = (state.unit_at as i32 + along + across).clamp(0, last) as usize;
        if enter {
            let pod = state.units[state.unit_at].clone();
            open_unit(state, snap, asks, pod);
        }
    }
    if screen == Screen::Console && state.focus == Panel::CaseBoard {
        choose(ctx, state);
    }
    if screen == Screen::Commit && ctx.input(|i| i.events.iter().any(|e| matches!(e, Event::Text(t) if t == LAST_WORD)))
    {
        state.commit.last = !state.commit.last;
    }
    if screen == Screen::Debrief {
        debrief_keys(ctx, state);
    }
    if screen == Screen::Title && !state.settings_open {
        let (along, across) = arrows(ctx);
        if (along, across) != (0, 0) {
            crate::gui::screens::metro::walk(state, along, across);
        }
    }
    if screen == Screen::Scars {
        let across = arrows(ctx).1 + std::mem::take(&mut state.step);
        let last = state.career.seams.len().saturating_sub(1) as i32;
        state.seam = (state.seam as i32 + across).clamp(0, last.max(0)) as usize;
    }
}

/// A digit that was typed.
fn digit(ctx: &egui::Context) -> Option<usize> {
    ctx.input(|i| {
        i.events.iter().find_map(|e| match e {
            Event::Text(t) => t.parse::<usize>().ok(),
            _ => None,
        })
    })
}

/// On the commit's sheet: whether it is the last word.
const LAST_WORD: &str = "e";

/// Steps to the right and downwards.
fn arrows(ctx: &egui::Context) -> (i32, i32) {
    ctx.input(|i| {
        let by = |more, less| i32::from(i.key_pressed(more)) - i32::from(i.key_pressed(less));
        (by(Key::ArrowRight, Key::ArrowLeft), by(Key::ArrowDown, Key::ArrowUp))
    })
}

/// Arrows on the case board.
fn choose(ctx: &egui::Context, state: &mut State) {
    let by = std::mem::take(&mut state.step)
        + ctx.input(|i| i32::from(i.key_pressed(Key::ArrowDown)) - i32::from(i.key_pressed(Key::ArrowUp)));
    if by == 0 || state.points.is_empty() {
        return;
    }
    let mut order: Vec<(String, u8)> = state.points.iter().map(|(m, p)| (m.clone(), *p)).collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let at = order.iter().position(|(m, _)| Some(m) == state.chosen.as_ref());
    let next = at.map_or(0, |at| (at as i32 + by).clamp(0, order.len() as i32 - 1) as usize);
    state.chosen = Some(order[next].0.clone());
}

fn debrief_keys(ctx: &egui::Context, state: &mut State) {
    const TABS: [DebriefTab; 6] = [
        DebriefTab::Minute,
        DebriefTab::Turning,
        DebriefTab::Flip,
        DebriefTab::WhatIf,
        DebriefTab::Score,
        DebriefTab::Scar,
    ];
    let typed = digit(ctx);
    if let Some(tab) = typed.and_then(|n| TABS.get(n.wrapping_sub(1))) {
        state.debrief.tab = *tab;
    }
    let by = ctx.input(|i| i32::from(i.key_pressed(Key::ArrowRight)) - i32::from(i.key_pressed(Key::ArrowLeft)));
    let last = state.debrief.told.as_ref().map_or(0, |t| t.film.len().saturating_sub(1));
    state.debrief.frame = (state.debrief.frame as i32 + by).clamp(0, last as i32) as usize;
}

/// Does a verb.
pub fn act(
    verb: Verb,
    ctx: &egui::Context,
    screen: Screen,
    state: &mut State,
    snap: Option<&Snapshot>,
    asks: &mut Vec<Ask>,
) {
    let now = ctx.input(|i| i.time);
    match verb {
        Verb::Palette => state.palette = Some(Default::default()),
        Verb::Help => state.help = !state.help,
        Verb::Settings => state.settings_open = !state.settings_open,
        Verb::Bigger => state.settings.resize_text(10),
        Verb::Smaller => state.settings.resize_text(-10),
        Verb::Still => state.still = true,
        Verb::Outline if screen == Screen::Scars => state.seams_as_table = !state.seams_as_table,
        Verb::Outline => state.outline = !state.outline,
        Verb::Onward => state.step = 1,
        Verb::Backward => state.step = -1,
        Verb::Run => state.run = true,
        Verb::Back => back(ctx, screen, state),
        Verb::Stage => (state.stage, state.debrief.truth) = (!state.stage, false),
        Verb::Today | Verb::Retest | Verb::GoOn | Verb::Scars if screen == Screen::Title && !state.settings_open => {
            title::go_in(verb, state, asks);
        }
        Verb::Retest if screen == Screen::Scars => title::go_in(verb, state, asks),
        Verb::Flip if screen == Screen::Debrief => {
            if state.debrief.tab == DebriefTab::Flip || state.stage {
                state.debrief.truth = !state.debrief.truth;
            }
            state.debrief.tab = DebriefTab::Flip;
        }
        _ => {
            if let Some(snap) = snap.filter(|_| screen == Screen::Console) {
                on_call(verb, state, snap, asks, now);
            }
        }
    }
}

/// Closes what is on top.
fn back(ctx: &egui::Context, screen: Screen, state: &mut State) {
    if state.settings_open {
        state.settings_open = false;
    } else if state.help {
        state.help = false;
    } else if state.primer.is_some() {
        state.primer = None;
    } else if let Some(focused) = ctx.memory(|m| m.focused()) {
        ctx.memory_mut(|m| m.surrender_focus(focused));
    } else if state.unit.is_some() {
        state.unit = None;
    } else if state.dot.is_some() {
        state.dot = None;
    } else if state.zoom.is_some() {
        state.zoom = None;
    } else if state.brush.is_some() {
        (state.brush, state.band) = (None, None);
    } else if state.full {
        state.full = false;
    } else if screen == Screen::Commit {
        state.go = Some(Screen::Console);
    } else if screen == Screen::Scars {
        state.go = Some(Screen::Title);
    }
}

fn on_call(verb: Verb, state: &mut State, snap: &Snapshot, asks: &mut Vec<Ask>, now: f64) {
    if let Verb::Go(panel) = verb {
        state.go_to(panel);
        if panel == Panel::Chat {
            asks.push(Ask::Heard("channel"));
        }
        return;
    }
    let mut say = |command: Command| asks.push(Ask::Do(command));
    match verb {
        Verb::Pause => say(Command::Pause { stopped: !snap.view.stopped }),
        Verb::Slower => say(Command::Speed { times: (snap.view.speed / 2).max(1) }),
        Verb::Faster => say(Command::Speed { times: (snap.view.speed * 2).min(8) }),
        Verb::Next => say(Command::Next),
        Verb::Filter => state.wants_filter = true,
        Verb::Full => state.full = !state.full,
        Verb::LargerMap => state.settings.panes.map = (state.settings.panes.map + 0.05).min(0.75),
        Verb::SmallerMap => state.settings.panes.map = (state.settings.panes.map - 0.05).max(0.2),
        Verb::Acknowledge => say(Command::Acknowledge),
        Verb::Bookmark => say(Command::Bookmark { text: String::new() }),
        Verb::Arm if snap.view.armed => say(Command::Safe),
        Verb::Arm => say(Command::Arm),
        Verb::Pin => match to_pin(state, snap) {
            Some(observation) => say(Command::Pin { observation, note: String::new() }),
            None => state.toast("nothing has been answered yet that could be pinned", true, now),
        },
        Verb::Link | Verb::Against => match (snap.view.board.pins.last(), state.chosen.clone()) {
            (Some(pin), Some(mechanism)) => {
                let speaks = if verb == Verb::Link { Speaks::For } else { Speaks::Against };
                say(Command::Link { observation: pin.observation, mechanism, speaks });
            }
            (None, _) => state.toast("pin something first: p", true, now),
            (_, None) => state.toast("choose a hypothesis first: H and arrows", true, now),
        },
        Verb::Contradict => match snap.view.board.pins.as_slice() {
            [.., one, other] => say(Command::Contradict {
                one: one.observation,
                other: other.observation,
                why: case_board::NO_WHY.to_string(),
            }),
            _ => state.toast("two pins are needed for a contradiction", true, now),
        },
        Verb::More | Verb::Less | Verb::Rebalance => points(verb, state, snap, asks),
        Verb::Primer => state.primer = state.chosen.clone(),
        Verb::BrushLonger => step(state, Step::Longer, &snap.clock),
        Verb::BrushShorter => step(state, Step::Shorter, &snap.clock),
        Verb::BrushEarlier => step(state, Step::Earlier, &snap.clock),
        Verb::BrushLater => step(state, Step::Later, &snap.clock),
        Verb::Compare if state.brush.is_none() => {
            state.toast("brush something first: drag on a chart, or Alt and arrow up", true, now);
        }
        Verb::Compare => with_context(state, snap, asks, compare),
        Verb::Retries => {
            let query = crate::gui::snapshot::RETRIES.to_string();
            say(Command::Look(crate::session::command::Look::Sql { query }));
        }
        Verb::Reuse => {
            let near = state.zoom.and_then(crate::gui::map::layer::question);
            let query = near.map_or(crate::gui::snapshot::REUSE, |(query, _)| query).to_string();
            say(Command::Look(crate::session::command::Look::Promql { query, window_s: None, step_s: None }));
        }
        _ => {
            let label = VERBS.iter().find(|e| e.verb == verb).map_or("this", |e| e.label);
            state.toast(format!("{label} has its place on another screen"), true, now);
        }
    }
}

/// Does what a panel does, where it is not drawn.
fn with_context(state: &mut State, snap: &Snapshot, asks: &mut Vec<Ask>, deed: impl FnOnce(&mut Cx<'_>)) {
    let themes = crate::gui::theme::themes();
    deed(&mut Cx { snap, theme: &themes[0], state, asks });
}

fn points(verb: Verb, state: &mut State, snap: &Snapshot, asks: &mut Vec<Ask>) {
    with_context(state, snap, asks, |cx| match verb {
        Verb::More => case_board::change(cx, 5),
        Verb::Less => case_board::change(cx, -5),
        _ => case_board::rebalance(cx),
    });
}

/// What is open in the panel in focus, or what was answered last.
fn to_pin(state: &State, snap: &Snapshot) -> Option<u32> {
    let answered = || snap.looked.iter().rev().filter(|l| l.answer.is_some());
    let open = state.shown.get(&state.focus).copied();
    open.or_else(|| answered().find(|l| panel_of(&l.look) == state.tab).map(|l| l.number))
        .or_else(|| answered().next().map(|l| l.number))
}
