//! A tour of the real program: it plays a case by the same asks as a player, and takes a picture of every screen. For those
//! who look at the pictures, and for a machine that checks that none is blank.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use bevy::prelude::*;
use bevy::render::view::screenshot::{Screenshot, save_to_disk};
use bevy::window::PrimaryWindow;

use crate::gui::app::{Asks, Latest};
use crate::gui::brush::comparison;
use crate::gui::buckets::Band;
use crate::gui::keys::Panel;
use crate::gui::map::{layer, unit};
use crate::gui::panels::context;
use crate::gui::snapshot::{RETRIES, Snapshot};
use crate::gui::state::{DebriefTab, Language, Screen, State};
use crate::gui::worker::Ask;
use crate::session::command::{Command as Say, DeclaredCause, DeclaredRole, Look, Speaks};

/// First tokens, as a map of heat.
const SPREAD: &str = "sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[2m]))";
/// The question that a player asks who wonders whether people want more.
const WISHES: &str = "SELECT client, client_version, status, count(*) AS requests, count(DISTINCT idempotency_key) AS wishes, round(avg(prompt_tokens)) AS prompt, round(avg(ttft_ms)) AS ttft_ms FROM requests GROUP BY 1, 2, 3 ORDER BY requests DESC";

/// Something that a player would do.
type Deed = dyn Fn(&mut State, &mut Vec<Ask>) + Send + Sync;

/// One step.
enum Step {
    /// Change what is open, and ask.
    Do(Box<Deed>),
    /// Go on once this holds, or after so many frames.
    Until(fn(&State, Option<&Snapshot>) -> bool, u32),
    /// Let frames pass.
    Frames(u32),
    /// Take a picture.
    Shot(&'static str),
    /// Give the window another size.
    Size(u32, u32),
}

/// A tour that is under way.
#[derive(Resource)]
pub struct Tour {
    /// The window's size at the beginning.
    pub size: (u32, u32),
    folder: PathBuf,
    steps: VecDeque<Step>,
    waited: u32,
    frame_ms: Vec<f32>,
    misfits: usize,
}

impl Tour {
    /// A tour of a case whose pictures go into a folder.
    pub fn new(folder: &Path, case: &str, size: (u32, u32)) -> Tour {
        Tour { size, folder: folder.to_path_buf(), steps: steps(case), waited: 0, frame_ms: Vec::new(), misfits: 0 }
    }
}

fn look(look: Look) -> Ask {
    Ask::Do(Say::Look(look))
}

/// A question about this moment.
fn now(query: &str) -> Ask {
    look(Look::Promql { query: query.to_string(), window_s: None, step_s: None })
}

fn board(name: &str) -> Ask {
    look(Look::Board { board: name.to_string(), window_s: 900 })
}

fn answered(_: &State, snap: Option<&Snapshot>) -> bool {
    snap.is_some_and(|s| s.looked.iter().all(|l| l.answer.is_some()))
}

fn go(panel: Panel) -> Step {
    Step::Do(Box::new(move |state, _| state.go_to(panel)))
}

fn ask(make: impl Fn() -> Vec<Ask> + Send + Sync + 'static) -> Step {
    Step::Do(Box::new(move |_, asks| asks.extend(make())))
}

fn screen(to: Screen) -> Step {
    Step::Do(Box::new(move |state, _| state.go = Some(to)))
}

fn light(theme: usize, text: u32) -> Step {
    Step::Do(Box::new(move |state, _| (state.settings.theme, state.settings.text_percent) = (theme, text)))
}

fn steps(case: &str) -> VecDeque<Step> {
    let case = case.to_string();
    let mut steps = VecDeque::new();
    let mut add = |some: Vec<Step>| steps.extend(some);
    add(vec![Step::Frames(4), Step::Shot("00-greeting")]);
    let chosen = Step::Do(Box::new(|state: &mut State, _: &mut Vec<Ask>| {
        (state.settings.greeted, state.station) = (true, Some((6, 0)));
    }));
    add(vec![chosen, Step::Until(|state, _| !state.cases.is_empty(), 600), Step::Frames(5), Step::Shot("01-title")]);
    add(vec![
        Step::Do(Box::new(move |state, asks| {
            state.beginning = true;
            asks.push(Ask::Begin(Some(case.clone())));
        })),
        Step::Until(|_, snap| snap.is_some_and(|s| s.seen.stack.is_some()), 4000),
        Step::Frames(5),
        Step::Shot("02-briefing"),
        ask(|| vec![Ask::Hold(false), Ask::Do(Say::Speed { times: 8 })]),
        screen(Screen::Console),
        Step::Until(|_, snap| snap.is_some_and(|s| 40.0 < s.view.elapsed_s), 400),
        Step::Shot("03-console-before"),
        Step::Until(|_, snap| snap.is_some_and(|s| !s.view.page.is_empty()), 600),
        Step::Frames(3),
        Step::Shot("03-console-page"),
        ask(|| vec![Ask::Do(Say::Acknowledge), Ask::Do(Say::Severity { level: 2 }), board("overview")]),
        ask(|| vec![board("serving"), look(Look::Changes { id: String::new(), hours: 24 })]),
        Step::Until(answered, 600),
        Step::Frames(5),
        go(Panel::Dashboards),
        Step::Until(|_, snap| snap.is_some_and(|s| 150.0 < s.view.elapsed_s), 600),
        ask(|| vec![Ask::Do(Say::Speed { times: 2 })]),
        ask(|| vec![board("overview"), board("serving")]),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Frames(5),
        Step::Shot("04-console-peak"),
        ask(|| vec![look(Look::Sql { query: RETRIES.to_string() })]),
        Step::Frames(10),
        Step::Until(answered, 600),
        Step::Frames(5),
        Step::Shot("04-retries"),
        // One layer from near, and the replica with the longest line.
        go(Panel::Map),
        Step::Do(Box::new(|state, asks| {
            state.zoom = Some(3);
            asks.extend(layer::question(3).map(|(query, _)| now(query)));
        })),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Frames(4),
        Step::Shot("04-layer"),
        Step::Do(Box::new(|state, asks| {
            state.unit = state.units.first().cloned();
            asks.extend(state.unit.as_deref().map(|pod| look(unit::look(pod))));
        })),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Frames(4),
        Step::Shot("04-unit"),
        Step::Do(Box::new(|state, _| (state.zoom, state.unit) = (None, None))),
        go(Panel::Explore),
        Step::Do(Box::new(|state, _| {
            let question = "sum by (pod) (vllm:num_requests_waiting)".to_string();
            state.questions.insert(Language::Promql, question);
            state.run = true;
        })),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Frames(4),
        Step::Shot("05-explore"),
        ask(|| vec![look(Look::Promql { query: SPREAD.to_string(), window_s: Some(900), step_s: None })]),
        Step::Do(Box::new(|state, _| drop(state.questions.insert(Language::Promql, SPREAD.to_string())))),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Do(Box::new(|state, _| {
            // What a player drags a box around: first tokens that came late, after what was changed.
            state.brush = Some((50_760.0, 50_940.0));
            state.band = Some(Band { column: "ttft_ms", from_ms: 10_000.0, to_ms: 80_000.0 });
        })),
        Step::Frames(6),
        Step::Shot("05-spread"),
        Step::Do(Box::new(|state, asks| asks.extend(comparison(state).map(look)))),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Frames(6),
        Step::Shot("05-compare"),
        Step::Do(Box::new(|state, _| (state.brush, state.band) = (None, None))),
        Step::Do(Box::new(|state, _| (state.language, state.run) = (Language::Sql, false))),
        ask(|| vec![look(Look::Sql { query: WISHES.to_string() })]),
        Step::Do(Box::new(|state, _| drop(state.questions.insert(Language::Sql, WISHES.to_string())))),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Frames(4),
        Step::Shot("06-explore-sql"),
        Step::Do(Box::new(|state, asks| {
            state.language = Language::Promql;
            state.questions.insert(Language::Promql, "sum(rate(envoy_http_downstream_rq_total[2m])".to_string());
            let query = "sum(rate(envoy_http_downstream_rq_total[2m])".to_string();
            asks.push(look(Look::Promql { query, window_s: Some(900), step_s: None }));
        })),
        Step::Frames(5),
        Step::Shot("07-explore-error"),
        go(Panel::Logs),
        ask(|| vec![look(Look::Logs { service: "gateway".to_string(), since_s: 300, grep: String::new() })]),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Frames(4),
        Step::Shot("08-logs"),
        Step::Do(Box::new(|state, _| state.tour_click = 3)),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Do(Box::new(|state, _| {
            state.picked.insert(Panel::Logs, 4);
        })),
        Step::Frames(4),
        Step::Shot("08-logs-around"),
        go(Panel::Traces),
        ask(|| vec![look(Look::Traces { filter: "min_ms=5000".to_string() })]),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Do(Box::new(|state, _| state.tour_click = 1)),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Frames(4),
        Step::Shot("09-traces"),
        go(Panel::Changes),
        Step::Frames(5),
        Step::Shot("10-changes"),
        go(Panel::Archive),
        ask(|| vec![look(Look::Archive { words: "cache".to_string() })]),
        Step::Frames(4),
        Step::Until(answered, 600),
        Step::Do(Box::new(|state, _| state.tour_click = 2)),
        Step::Frames(5),
        Step::Shot("11-archive"),
        go(Panel::CaseBoard),
        Step::Do(Box::new(|state, asks| {
            state.points = BTreeMap::from([
                ("demand.growth".to_string(), 20),
                ("sdk.retries".to_string(), 25),
                ("kv_cache.membership".to_string(), 45),
                ("other".to_string(), 10),
            ]);
            state.chosen = Some("kv_cache.membership".to_string());
            asks.push(Ask::Do(Say::Believe { points: state.points.clone() }));
            for observation in [1, 2, 6] {
                asks.push(Ask::Do(Say::Pin { observation, note: String::new() }));
            }
            let mechanism = "kv_cache.membership".to_string();
            asks.push(Ask::Do(Say::Link { observation: 2, mechanism, speaks: Speaks::For }));
            let why = "more requests, as many wishes".to_string();
            asks.push(Ask::Do(Say::Contradict { one: 1, other: 6, why }));
        })),
        Step::Frames(5),
        Step::Shot("12-case-board"),
        go(Panel::Actions),
        Step::Do(Box::new(|state, asks| {
            let place = crate::scenario::apply::FORMS.iter().position(|f| f.name == "shed");
            state.action.chosen = place;
            state.action.value = "0.3".to_string();
            asks.push(Ask::Preview("shed=0.3".to_string()));
            asks.push(Ask::Do(Say::Arm));
        })),
        Step::Frames(5),
        Step::Shot("13-actions"),
        ask(|| vec![Ask::Do(Say::Act { action: "shed=0.3".to_string(), confirm: None })]),
        go(Panel::Dashboards),
        Step::Do(Box::new(|state, _| {
            state.palette = Some(crate::gui::state::Palette { text: "ca".to_string(), place: 0 })
        })),
        Step::Frames(5),
        Step::Shot("14-palette"),
        Step::Do(Box::new(|state, _| (state.palette, state.help) = (None, true))),
        Step::Frames(5),
        Step::Shot("15-keys"),
        Step::Do(Box::new(|state, _| (state.help, state.settings_open) = (false, true))),
        Step::Frames(5),
        Step::Shot("16-settings"),
        Step::Do(Box::new(|state, _| state.settings_open = false)),
        ask(|| vec![board("api"), board("kv_cache")]),
        Step::Frames(4),
        Step::Until(answered, 600),
    ]);
    add(vec![
        light(1, 100),
        Step::Frames(4),
        Step::Shot("17-day"),
        light(2, 100),
        Step::Frames(4),
        Step::Shot("18-high-contrast"),
    ]);
    add(vec![light(0, 200), Step::Frames(5), Step::Shot("19-text-200"), light(0, 100)]);
    add(vec![
        Step::Size(1280, 720),
        Step::Frames(5),
        Step::Shot("20-1280x720"),
        Step::Size(1920, 1080),
        Step::Frames(5),
    ]);
    let stage = |on: bool| Step::Do(Box::new(move |state: &mut State, _: &mut Vec<Ask>| state.stage = on));
    add(vec![stage(true), Step::Frames(5), Step::Shot("20-stage"), stage(false), Step::Frames(3)]);
    add(vec![
        // The assistant opens with the first commit: it looks, and it judges.
        Step::Do(Box::new(|state, asks| {
            let points = state.points.clone();
            asks.push(Ask::Do(Say::Commit(crate::session::command::Commit { points, ..Default::default() })));
            asks.push(look(Look::Delegated { question: "who sends it, and what do they share?".to_string() }));
        })),
        Step::Frames(4),
        Step::Until(answered, 600),
        ask(|| vec![Ask::Do(Say::Advise { asking: crate::session::advice::Asking::Plain })]),
        go(Panel::Assistant),
        Step::Until(|_, snap| snap.is_some_and(|s| s.view.advice.is_some()), 600),
        Step::Frames(6),
        Step::Shot("20-assistant"),
        screen(Screen::Commit),
        Step::Frames(2),
        Step::Do(Box::new(|state, _| {
            state.commit.last = true;
            let cause = |mechanism: &str, role| DeclaredCause {
                mechanism: mechanism.to_string(),
                component: String::new(),
                role,
            };
            state.commit.causes = vec![
                cause("kv_cache.membership", DeclaredRole::Root),
                cause("sdk.retries", DeclaredRole::Sustaining),
                cause("demand.growth", DeclaredRole::Contributing),
            ];
            state.commit.links = vec![(0, 1), (2, 1)];
        })),
        Step::Frames(4),
        Step::Shot("21-commit"),
        Step::Do(Box::new(|state, asks| {
            let commit = crate::session::command::Commit {
                points: state.points.clone(),
                causes: state.commit.causes.clone(),
                cites: vec![1, 2, 6],
                last: true,
                ..Default::default()
            };
            asks.push(Ask::Do(Say::Commit(commit)));
            asks.push(Ask::Do(Say::End));
            state.go = Some(Screen::Postmortem);
        })),
        Step::Frames(5),
        Step::Shot("22-postmortem"),
        screen(Screen::Debrief),
        Step::Frames(5),
        Step::Shot("23-debrief-waiting"),
        Step::Until(|state, _| state.debrief.told.is_some() || state.debrief.failed.is_some(), 6000),
        Step::Frames(4),
        Step::Shot("24-debrief"),
    ]);
    for (tab, name) in [
        (DebriefTab::Turning, "25-turning-points"),
        (DebriefTab::Flip, "26-flip-seen"),
        (DebriefTab::WhatIf, "28-what-if"),
        (DebriefTab::Score, "29-score"),
        (DebriefTab::Scar, "30-scar"),
    ] {
        add(vec![Step::Do(Box::new(move |state, _| state.debrief.tab = tab)), Step::Frames(4), Step::Shot(name)]);
        if tab == DebriefTab::Flip {
            let truth = Step::Do(Box::new(|state: &mut State, _: &mut Vec<Ask>| state.debrief.truth = true));
            add(vec![truth, Step::Frames(4), Step::Shot("27-flip-happening")]);
        }
    }
    let truth =
        Step::Do(Box::new(|state: &mut State, _: &mut Vec<Ask>| (state.stage, state.debrief.truth) = (true, true)));
    add(vec![truth, Step::Frames(5), Step::Shot("31-stage-truth"), stage(false)]);
    let home = Step::Do(Box::new(|state: &mut State, asks: &mut Vec<Ask>| {
        crate::gui::screens::debrief::leave(state, asks);
        state.measures = true;
    }));
    add(vec![home, Step::Until(|state, _| !state.career.seams.is_empty(), 400), Step::Frames(4)]);
    add(vec![Step::Shot("32-title-after"), screen(Screen::Scars), Step::Frames(5), Step::Shot("33-scars")]);
    add(vec![Step::Frames(20)]);
    steps
}

/// Between frames while a debrief is made.
const PACE: std::time::Duration = std::time::Duration::from_millis(700);

/// Takes the next step.
#[allow(clippy::too_many_arguments, reason = "a system has as many parameters as it reads")]
pub fn step(
    mut tour: ResMut<Tour>,
    mut state: ResMut<State>,
    mut asks: ResMut<Asks>,
    latest: Res<Latest>,
    mut window: Query<&mut Window, With<PrimaryWindow>>,
    time: Res<Time<Real>>,
    mut commands: Commands,
    mut exit: MessageWriter<AppExit>,
) {
    state.measures = true;
    if tour.frame_ms.is_empty() {
        // In a corner, so that nothing is shown as hovered.
        if let Ok(mut window) = window.single_mut() {
            window.set_cursor_position(Some(Vec2::new(1.0, 1.0)));
        }
        eprintln!("the first frame after {:.2} s", time.elapsed_secs());
    }
    tour.frame_ms.push(time.delta_secs() * 1000.0);
    opened_by_click(&mut state, latest.0.as_deref(), &mut asks.0);
    if state.debrief.asked && state.debrief.told.is_none() && state.debrief.failed.is_none() {
        std::thread::sleep(PACE); // software rendering and the runs of a debrief want the same cores
    }
    let snap = latest.0.as_deref();
    let waited = tour.waited;
    let mut misfitting = 0;
    let done = match tour.steps.front() {
        None => {
            report(&mut tour.frame_ms);
            if 0 < tour.misfits {
                eprintln!("{} texts do not fit", tour.misfits);
            }
            exit.write(if tour.misfits == 0 { AppExit::Success } else { AppExit::error() });
            return;
        }
        Some(Step::Frames(n)) => *n <= waited,
        Some(Step::Until(holds, most)) => holds(&state, snap) || *most <= waited,
        Some(Step::Do(deed)) => {
            deed(&mut state, &mut asks.0);
            true
        }
        Some(Step::Size(w, h)) => {
            if let Ok(mut window) = window.single_mut() {
                window.resolution.set(*w as f32, *h as f32);
            }
            true
        }
        // The clock is held meanwhile: a digit that is drawn for the first time is there a frame later.
        Some(Step::Shot(_)) if waited < 2 => {
            asks.0.push(Ask::Hold(true));
            false
        }
        Some(Step::Shot(name)) => {
            asks.0.push(Ask::Hold(snap.is_some_and(|s| s.view.elapsed_s < 1.0)));
            let misfits = &state.misfits;
            misfits.cut.iter().for_each(|text| eprintln!("{name}: cut off: {text}"));
            misfits.covered.iter().for_each(|(a, b)| eprintln!("{name}: covered: {a} / {b}"));
            misfitting = misfits.cut.len() + misfits.covered.len();
            let file = tour.folder.join(format!("{name}.png"));
            commands.spawn(Screenshot::primary_window()).observe(save_to_disk(file));
            true
        }
    };
    tour.misfits += misfitting;
    tour.waited += 1;
    if done {
        tour.waited = 0;
        tour.steps.pop_front();
    }
}

/// What a player would click on: the first trace that was found, the first document.
fn opened_by_click(state: &mut State, snap: Option<&Snapshot>, asks: &mut Vec<Ask>) {
    let Some(snap) = snap else { return };
    let found =
        |list: fn(&Look) -> bool| snap.looked.iter().rev().find(|l| list(&l.look)).and_then(|l| l.answer.clone());
    match std::mem::take(&mut state.tour_click) {
        1 => {
            let answer = found(|l| matches!(l, Look::Traces { .. }));
            let id = answer.and_then(|a| a.data["traces"][0]["trace"].as_str().map(str::to_string));
            asks.extend(id.map(|id| look(Look::Trace { id })));
        }
        3 => {
            let line = |a: &crate::session::look::Answer| {
                let line = &a.data["lines"][2];
                Some(context::around(line["pod"].as_str()?, line["time"].as_str()?))
            };
            asks.extend(found(|l| matches!(l, Look::Logs { .. })).and_then(|a| line(&a)).map(look));
        }
        2 => {
            let answer = found(|l| matches!(l, Look::Archive { .. }));
            let id = answer.and_then(|a| a.data["found"][0]["document"]["id"].as_str().map(str::to_string));
            asks.extend(id.map(|id| look(Look::Document { id })));
        }
        _ => {}
    }
}

fn report(frame_ms: &mut [f32]) {
    frame_ms.sort_by(f32::total_cmp);
    let at = |share: f32| frame_ms.get((frame_ms.len() as f32 * share) as usize).copied().unwrap_or(0.0);
    eprintln!(
        "{} frames, from one to the next {:.1} ms at the median, {:.1} ms at p95",
        frame_ms.len(),
        at(0.5),
        at(0.95)
    );
}
