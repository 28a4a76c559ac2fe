//! What is said before and after a session: the title, scars, settings and every part of a debrief, in words, of one session
//! that is played the same every time.

use scartissue::cli::window::Here;
use scartissue::console::parse::{Said, parse};
use scartissue::gui::career::Today;
use scartissue::gui::desk::Desk;
use scartissue::gui::screens::{debrief, scars, settings, title};
use scartissue::gui::state::{DebriefTab, State};
use scartissue::session::clock::Seat;
use scartissue::sim::time::SimDuration;

use super::desktop::folder;
use super::stand::{beyond, session, stand, words};
use super::words::Kept;

/// What is done, and how many seconds after the beginning. The first commit is the one that is judged for its evidence.
const PLAYED: [(u64, &str); 10] = [
    (65, "ack"),
    (70, "board api 15m"),
    (80, "board overview 15m"),
    (120, "changes 24h"),
    (140, "pin E1 errors since the flag"),
    (150, "believe api.flag=80 other=20"),
    (160, "link E1 for api.flag"),
    (170, "commit api.flag 70 E1 E3"),
    (175, "arm"),
    (180, "commit api.flag 90 E1 E3 last"),
];

type Draw = fn(&mut bevy_egui::egui::Ui, &mut scartissue::gui::kit::Cx<'_>);

#[test]
fn screens_around_a_session_read_as_they_did_and_stay_inside_their_edges() {
    let home = folder("afterwards");
    let here = Here::at(&home, 7);
    let mut open = here.begin(Some("INC-1001")).expect("a session");
    let begun = open.session.now();
    for (after_s, line) in PLAYED {
        open.advance_to(begun + SimDuration::from_secs(after_s));
        let Ok(Said::Command(command)) = parse(line) else { panic!("{line}: no command") };
        open.apply(Seat::Participant, "you", &command).unwrap_or_else(|why| panic!("{line}: {why}"));
    }
    let Ok(Said::Command(end)) = parse("end") else { panic!("no command") };
    open.apply(Seat::Participant, "you", &end).expect("it ends");
    let name = open.folder().file_name().expect("a name").to_string_lossy().into_owned();
    drop(open);
    let before = Today { date: "2026-03-03".to_string(), case: "INC-1001".to_string(), minutes: 10, met: None };
    let told = std::sync::Arc::new(here.debrief(&name, &|_, _| {}).expect("a debrief"));
    let (cases, mut career) = (here.cases().expect("cases"), here.career().expect("a career"));
    assert!(!career.seams.is_empty() && told.healing.is_some());
    career.today = before;

    // Panels are drawn from a session of their own; these screens read none.
    let any = session("first-shift-1", &["wait 60s"]);
    let mut kept = Kept::default();
    let mut screen = |name: &str, size: (f32, f32), draw: Draw, prepare: &dyn Fn(&mut State)| {
        let mut shown = stand(&any, size, draw);
        prepare(&mut shown.state_mut().state);
        shown.run_steps(3);
        let out = beyond(&shown, size);
        assert!(out.is_empty(), "{name}: drawn beyond its edge: {out:?}");
        kept.hold(name, &words(&shown));
    };
    let whole = (1600.0, 900.0);
    let title_draw: Draw = |ui, cx| title::title_ui(ui, cx.theme, cx.state, cx.asks);
    screen("title-at-first", whole, title_draw, &|state| state.cases.clone_from(&cases));
    screen("title-afterwards", whole, title_draw, &|state| {
        state.cases.clone_from(&cases);
        state.career = std::sync::Arc::new(career.clone());
        state.sessions = vec![(name.clone(), "INC-1001".to_string())];
    });
    let scars_draw: Draw = |ui, cx| scars::scars_ui(ui, cx.theme, cx.state, cx.asks);
    screen("scars", whole, scars_draw, &|state| state.career = std::sync::Arc::new(career.clone()));
    let settings_draw: Draw = |ui, cx| settings::settings_ui(ui.ctx(), cx.theme, cx.state);
    screen("settings", whole, settings_draw, &|state| state.settings_open = true);
    let debrief_draw: Draw = |ui, cx| _ = debrief::debrief_ui(ui, cx.theme, cx.state, cx.asks);
    for (tab, name) in [
        (DebriefTab::Minute, "debrief-minute"),
        (DebriefTab::Turning, "debrief-turning"),
        (DebriefTab::Flip, "debrief-flip"),
        (DebriefTab::WhatIf, "debrief-what-if"),
        (DebriefTab::Score, "debrief-score"),
        (DebriefTab::Scar, "debrief-scar"),
    ] {
        screen(name, whole, debrief_draw, &|state| {
            state.debrief.told = Some(told.clone());
            (state.debrief.tab, state.debrief.asked) = (tab, true);
        });
    }
    drop(std::fs::remove_dir_all(&home));
    kept.done();
}
