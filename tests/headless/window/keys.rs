//! By the keyboard alone, through the app's own frames: from screen to screen, and the flagship from its page to its
//! debrief.

use scartissue::gui::answers::Shown;
use scartissue::gui::keys::Panel;
use scartissue::gui::state::{DebriefTab, Screen};
use scartissue::score::debrief::Verdict;

use super::desktop::Desktop;

#[test]
fn screens_follow_one_another_and_a_session_goes_on_at_the_second_where_it_was_left() {
    let mut desk = Desktop::open("screens", 7, (1600, 900));
    desk.standing("the cases", |d| !d.state().cases.is_empty());
    assert_eq!(desk.screen(), Screen::Title);
    desk.press("Right");
    desk.press("Down");
    assert_eq!(desk.state().station, Some((1, 0)), "arrows walk the lines");
    desk.press("s");
    desk.standing("the scars", |d| d.screen() == Screen::Scars);
    desk.press("Esc");
    desk.standing("the title again", |d| d.screen() == Screen::Title);
    desk.press("Enter");
    desk.standing("a briefing", |d| d.screen() == Screen::Briefing);
    let held = desk.snapshot().expect("a session").view.elapsed_s;
    desk.until("nothing: the clock stands while one reads", |d| d.screen() == Screen::Briefing);
    assert_eq!(desk.snapshot().expect("a session").view.elapsed_s, held);
    desk.press("Enter");
    desk.standing("the console", |d| d.screen() == Screen::Console);
    for (key, panel) in [("E", Panel::Explore), ("L", Panel::Logs), ("H", Panel::CaseBoard), ("M", Panel::Map)] {
        desk.press(key);
        assert_eq!(desk.state().focus, panel, "{key}");
    }
    desk.press("d");
    assert!(desk.state().toasts.back().is_some_and(|t| t.refused), "nothing is brushed yet");
    desk.press("Ctrl+,");
    assert!(desk.state().settings_open);
    desk.press("Esc");
    desk.press("?");
    assert!(desk.state().help && !desk.state().settings_open);
    desk.press("Esc");
    desk.press("F8");
    assert!(desk.state().stage && !desk.state().help);
    desk.press("F8");
    desk.press("Alt+Up");
    assert!(desk.state().brush.is_some_and(|(from, to)| to - from == 120.0), "{:?}", desk.state().brush);
    desk.press("d");
    desk.answers(1);
    let compared = desk.snapshot().expect("a session").looked[0].clone();
    assert!(compared.title.starts_with("compare time(ended) BETWEEN"), "{}", compared.title);
    assert!(matches!(&compared.shown, Shown::Differs(found) if !found.rows.is_empty()), "{:?}", compared.shown);
    desk.press("Esc");
    assert_eq!(desk.state().brush, None);
    desk.press("M");
    desk.press("4");
    desk.press("u");
    desk.answers(2);
    desk.standing("units", |d| !d.state().units.is_empty());
    desk.press("Right");
    desk.press("Enter");
    desk.answers(3);
    let unit = desk.state().unit.clone().expect("a replica from near");
    let answer = desk.snapshot().expect("a session").looked[2].answer.clone().expect("an answer");
    let found = scartissue::gui::map::unit::read(&answer.data);
    assert!(found.running.is_some() && found.blocks.is_some() && found.busy.is_some(), "{unit}: {found:?}");
    desk.press("Esc");
    assert!(desk.state().unit.is_none() && desk.state().zoom == Some(3), "back to the layer");
    desk.press("Esc");
    assert_eq!(desk.state().zoom, None);
    desk.until("a minute", |d| d.snapshot().is_some_and(|s| 60.0 <= s.view.elapsed_s));
    desk.press("Space");
    desk.standing("a pause", |d| d.snapshot().is_some_and(|s| s.view.stopped));
    let left = desk.snapshot().expect("a session");
    let folder = desk.folder.clone();
    let kept = super::desktop::folder("screens-kept");
    copy(&folder, &kept);
    drop(desk);

    let settings = scartissue::gui::settings::Settings { greeted: true, ..Default::default() };
    let mut again = Desktop::on(&kept, 7, (1600, 900), settings);
    again.standing("the sessions", |d| !d.state().sessions.is_empty());
    again.press("c");
    again.standing("a briefing", |d| d.screen() == Screen::Briefing);
    let found = again.snapshot().expect("a session");
    assert_eq!((&found.name, found.view.elapsed_s), (&left.name, left.view.elapsed_s));
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let into = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&into).expect("a folder");
            copy(&entry.path(), &into);
        } else {
            std::fs::copy(entry.path(), into).expect("a copy");
        }
    }
}

/// A log line to the lines around it, and a request of the map to its trace.
fn lines_and_dots(desk: &mut Desktop) {
    desk.press("L");
    desk.press("Ctrl+Enter");
    desk.answers(3);
    desk.press("j");
    desk.press("j");
    assert_eq!(desk.state().picked.get(&Panel::Logs), Some(&1));
    desk.press("Enter");
    desk.answers(4);
    let around = desk.snapshot().expect("a session").looked[3].clone();
    let Shown::Rows(lines) = &around.shown else { panic!("{}: {:?}", around.title, around.answer) };
    assert!(around.title.contains("FROM logs WHERE pod = ") && !lines.rows.is_empty(), "{}", around.title);
    desk.press("M");
    desk.until("requests on the map", |d| !d.snapshot().expect("a session").seen.journeys.is_empty());
    desk.frame();
    desk.press("j");
    assert!(desk.state().dot.is_some(), "a request is chosen");
    desk.press("Enter");
    desk.answers(5);
    let trace = desk.snapshot().expect("a session").looked[4].clone();
    assert!(trace.title.starts_with("trace ") && matches!(trace.shown, Shown::Waterfall(_)), "{}", trace.title);
    assert_eq!(desk.state().focus, Panel::Traces);
}

/// Plays a case from the title to its debrief: looks, pins, believes, acts, commits, hands in.
fn play(desk: &mut Desktop, case: &str, mechanism: &str, action: &str) {
    desk.standing("the cases", |d| !d.state().cases.is_empty());
    desk.say(case);
    desk.standing("a briefing", |d| d.screen() == Screen::Briefing);
    desk.press("Enter");
    desk.standing("the console", |d| d.screen() == Screen::Console);
    desk.until("the page", |d| d.snapshot().is_some_and(|s| !s.view.page.is_empty()));
    desk.press("a");
    desk.standing("acknowledged", |d| d.snapshot().is_some_and(|s| s.view.acknowledged.is_some()));
    desk.say("board overview 15m");
    desk.answers(1);
    desk.press("D");
    desk.press("p");
    desk.standing("a pin", |d| d.snapshot().is_some_and(|s| s.view.board.pins.len() == 1));
    desk.press("E");
    desk.press("/");
    desk.frame();
    desk.press("Ctrl+a");
    desk.type_in("sum(up)");
    desk.press("Ctrl+Enter");
    desk.press("Esc");
    desk.answers(2);
    assert_eq!(desk.snapshot().expect("a session").looked[1].title, "explore sum(up)");
    lines_and_dots(desk);
    desk.press("H");
    desk.press("/");
    desk.frame();
    desk.type_in(mechanism);
    desk.press("Enter");
    desk.press("Esc");
    assert_eq!(desk.state().points.keys().collect::<Vec<_>>(), [mechanism]);
    for _ in 0..10 {
        desk.press("+");
    }
    desk.standing("a belief", |d| d.snapshot().is_some_and(|s| s.view.board.points.get(mechanism) == Some(&100)));
    desk.press("l");
    desk.standing("a link", |d| d.snapshot().is_some_and(|s| !s.view.board.pins[0].links.is_empty()));
    desk.press("Ctrl+Shift+a");
    desk.standing("armed", |d| d.snapshot().is_some_and(|s| s.view.armed));
    desk.say(action);
    desk.until("an order", |d| d.snapshot().is_some_and(|s| !s.view.orders.is_empty()));
    desk.press("H");
    desk.press("Ctrl+Enter");
    desk.standing("the sheet", |d| d.screen() == Screen::Commit);
    desk.press("e");
    assert!(desk.state().commit.last, "the last word");
    desk.press("Ctrl+Enter");
    desk.press("Ctrl+Enter");
    desk.standing("the postmortem", |d| d.screen() == Screen::Postmortem);
    desk.standing("its draft", |d| !d.state().sections.is_empty());
    desk.press("Ctrl+Enter");
    desk.standing("the debrief's screen", |d| d.screen() == Screen::Debrief);
    desk.until("the debrief", |d| d.state().debrief.told.is_some() || d.state().debrief.failed.is_some());
    assert_eq!(desk.state().debrief.failed, None);
    for (key, tab) in
        [("2", DebriefTab::Turning), ("4", DebriefTab::WhatIf), ("5", DebriefTab::Score), ("6", DebriefTab::Scar)]
    {
        desk.press(key);
        assert_eq!(desk.state().debrief.tab, tab);
    }
    desk.press("f");
    assert_eq!((desk.state().debrief.tab, desk.state().debrief.truth), (DebriefTab::Flip, false));
    desk.press("f");
    assert!(desk.state().debrief.truth, "once more, and it is the truth");
}

#[test]
fn a_first_shift_is_played_by_keys_alone_to_its_debrief_and_scar() {
    let mut desk = Desktop::open("shift", 7, (1600, 900));
    play(&mut desk, "INC-1001", "api.flag", "act shed=0.1");
    let told = desk.state().debrief.told.clone().expect("a debrief");
    assert!(told.healing.as_ref().is_some_and(|h| !h.items.is_empty() && h.practice.is_empty()), "{:?}", told.healing);
    assert!(!told.film.is_empty() && told.debrief.cause.said.as_deref() == Some("api.flag"));
}

/// A minute on two cores, most of it the debrief's runs.
#[test]
fn the_flagship_is_played_by_keys_alone_to_its_debrief() {
    let mut desk = Desktop::open("flagship", 7, (1920, 1080));
    play(&mut desk, "INC-4127", "kv_cache.membership", "act shed=0.3");
    let told = desk.state().debrief.told.clone().expect("a debrief");
    assert_eq!(told.debrief.cause.said.as_deref(), Some("kv_cache.membership"));
    assert!(matches!(told.debrief.cause.verdict, Verdict::Right | Verdict::Wrong | Verdict::Half));
    let seen_lies = told.film.iter().any(|f| f.seen.retries.is_none() && f.happening.retries.is_some());
    assert!(seen_lies, "the flip shows retries that nobody saw");
}
