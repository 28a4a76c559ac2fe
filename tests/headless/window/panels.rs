//! Panels by label, as a screen reader finds them: find, type, click, and read what was asked of the session.

use bevy_egui::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use scartissue::console::parse::{Said, parse};
use scartissue::gui::answers::{Shown, clock_of};
use scartissue::gui::keys::Panel;
use scartissue::gui::panels::{actions, archive, case_board, changes, channel, dashboards, explore, logs, pager, top};
use scartissue::gui::screens::{commit, console};
use scartissue::gui::state::{Language, Screen};
use scartissue::gui::worker::Ask;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::session::clock::Seat;
use scartissue::session::command::{Command, Look, Speaks};

use super::stand::{Stand, session, stand};

/// What the panel has asked for since the last time.
fn asked(harness: &mut Harness<'_, Stand>) -> Vec<String> {
    let asks = std::mem::take(&mut harness.state_mut().asks);
    asks.into_iter().map(|ask| format!("{ask:?}")).collect()
}

fn said(command: Command) -> String {
    format!("{:?}", Ask::Do(command))
}

fn click(harness: &mut Harness<'_, Stand>, label: &str) {
    harness.get_by_label(label).click();
    harness.run_steps(2);
}

/// Whether some text of the panel has these words.
fn has(harness: &Harness<'_, Stand>, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

/// Clicks on the first thing whose label has these words.
fn click_first(harness: &mut Harness<'_, Stand>, words: &str) {
    harness.query_all_by_label_contains(words).next().expect("something of that name").click();
    harness.run_steps(2);
}

#[test]
fn the_page_is_acknowledged_and_severity_said() {
    let session = session("first-shift-1", &["wait 60s"]);
    let mut pager = stand(&session, (290.0, 420.0), pager::pager_ui);
    assert!(has(&pager, "5xx at the gateways"), "the page's own words");
    click(&mut pager, "Acknowledge  (a)");
    assert_eq!(asked(&mut pager), [said(Command::Acknowledge)]);
    click(&mut pager, "2");
    assert_eq!(asked(&mut pager), [said(Command::Severity { level: 2 })]);
}

#[test]
fn a_board_is_asked_for_pinned_and_asked_for_again() {
    let session = session("first-shift-1", &["board api 15m"]);
    let mut boards = stand(&session, (1200.0, 420.0), dashboards::dashboards_ui);
    click(&mut boards, "pin");
    assert_eq!(asked(&mut boards), [said(Command::Pin { observation: 1, note: String::new() })]);
    click(&mut boards, "again, 5 s");
    let board = |name: &str| said(Command::Look(Look::Board { board: name.to_string(), window_s: 900 }));
    assert_eq!(asked(&mut boards), [board("api")]);
    click(&mut boards, "5m");
    click_first(&mut boards, "serving");
    assert_eq!(asked(&mut boards), [board("serving").replace("900", "300")]);
    assert!(has(&boards, "Requests that failed"), "a chart says what it shows");
    (boards.state_mut().state.step, boards.state_mut().state.opens) = (1, true);
    boards.run_steps(1);
    let [question] = &asked(&mut boards)[..] else { panic!("one look") };
    assert!(question.contains("Promql") && boards.state().state.focus == Panel::Explore, "{question}");
}

#[test]
fn questions_are_typed_and_run_and_a_mistake_is_shown_under_its_token() {
    let session = session("first-shift-1", &["explore sum(up) over 15m"]);
    let mut explore = stand(&session, (1200.0, 420.0), explore::explore_ui);
    explore.state_mut().state.questions.insert(Language::Promql, "up".to_string());
    explore.state_mut().state.focus = Panel::Explore;
    explore.state_mut().state.run = true;
    explore.run_steps(1);
    let query = Look::Promql { query: "up".to_string(), window_s: Some(900), step_s: None };
    assert_eq!(asked(&mut explore), [said(Command::Look(query))]);
    click(&mut explore, "SQL");
    assert_eq!(explore.state().state.language, Language::Sql);
    explore.state_mut().state.error = Some("sum(up\n      ^ expected )".to_string());
    explore.run_steps(2);
    assert!(has(&explore, "expected )"));
}

/// A box on a map of heat, dragged with the pointer, is compared with the rest by a button; the answer has a row for each
/// dimension.
#[test]
fn a_box_on_a_map_of_heat_is_brushed_and_compared_with_the_rest() {
    let spread = "explore sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[2m])) over 15m";
    let mut session = session("first-shift-3", &["wait 90s", spread]);
    let mut console = stand(&session, (1600.0, 900.0), |ui, cx| _ = console::console_ui(ui, cx));
    console.state_mut().state.go_to(Panel::Explore);
    console.run_steps(2);
    let map = console.query_all_by_label_contains("spread at the end").next().expect("a map of heat").rect();
    let at = |x: f32, y: f32| map.min + map.size() * egui::vec2(x, y);
    console.drag_at(at(0.72, 0.1));
    console.run_steps(1);
    console.hover_at(at(0.85, 0.3));
    console.run_steps(1);
    console.drop_at(at(0.97, 0.5));
    console.run_steps(2);
    let (from, to) = console.state().state.brush.expect("a stretch");
    let band = console.state().state.band.clone().expect("a band of latency");
    assert!(60.0 < to - from && to - from < 600.0, "{from} to {to}");
    assert!(band.column == "ttft_ms" && 0.0 < band.from_ms && band.from_ms < band.to_ms, "{band:?}");
    assert!(has(&console, "ttft_ms"), "what is brushed is told");
    click_first(&mut console, "Compare 20 s");
    let asked = asked(&mut console);
    let selection = format!("time(ended) BETWEEN '{}' AND '{}' AND ttft_ms", clock_of(from), clock_of(to));
    let compare = asked.iter().find(|a| a.contains("Compare")).expect("a look");
    assert!(compare.contains(&selection), "{compare}");

    let Ok(Said::Command(command)) = parse("compare time(ended) BETWEEN '14:00:00' AND '14:05:00'") else {
        panic!("a command")
    };
    session.apply(Seat::Participant, &command).expect("it is a condition on requests");
    let mut explore = stand(&session, (1200.0, 520.0), explore::explore_ui);
    explore.run_steps(2);
    assert!(has(&explore, "rows inside") && has(&explore, "% inside, "), "{}", super::stand::words(&explore));
}

#[test]
fn a_hypothesis_is_found_by_a_word_weighed_linked_and_committed() {
    let session = session("first-shift-1", &["board api 15m", "pin E1 errors", "believe api.flag=60 other=40"]);
    let mut board = stand(&session, (360.0, 560.0), case_board::case_board_ui);
    click(&mut board, "api.flag 60");
    assert_eq!(board.state().state.chosen.as_deref(), Some("api.flag"));
    click(&mut board, "for");
    let link = Command::Link { observation: 1, mechanism: "api.flag".to_string(), speaks: Speaks::For };
    assert_eq!(asked(&mut board), [said(link)]);
    click(&mut board, "+ api.flag");
    assert!(asked(&mut board).is_empty(), "points that do not sum to 100 are no belief");
    assert!(has(&board, "5 points too many"));
    click(&mut board, "rebalance  =");
    let [believed] = &asked(&mut board)[..] else { panic!("one belief") };
    assert!(believed.contains("Believe") && board.state().state.unassigned() == 0, "{believed}");
    board.state_mut().state.mechanism_filter = "membership".to_string();
    board.run_steps(2);
    click(&mut board, "kv_cache.membership");
    assert!(board.state().state.points.contains_key("kv_cache.membership"));
    board.state_mut().state.points = [("api.flag".to_string(), 100)].into();
    board.run_steps(2);
    click(&mut board, "Commit");
    assert_eq!(board.state().state.go, Some(Screen::Commit));
}

#[test]
fn an_action_shows_its_scope_wants_arming_and_its_target_typed_where_there_is_no_way_back() {
    let mut quiet = session("first-shift-1", &["wait 60s"]);
    let mut actions = stand(&quiet, (348.0, 420.0), actions::actions_ui);
    actions.state_mut().state.action.filter = "shed".to_string();
    actions.run_steps(2);
    click(&mut actions, "shed");
    actions.state_mut().state.action.value = "0.3".to_string();
    actions.run_steps(2);
    click(&mut actions, "Preview");
    assert_eq!(asked(&mut actions), [format!("{:?}", Ask::Preview("shed=0.3".to_string()))]);
    let preview = quiet.preview("shed=0.3").expect("an action");
    actions.state_mut().state.action.preview = Some(preview.clone());
    actions.run_steps(2);
    assert!(actions.query_by_label(&format!("touches {}", preview.scope)).is_some());
    click(&mut actions, "Arm");
    assert_eq!(asked(&mut actions), [said(Command::Arm)]);

    let armed = session("first-shift-1", &["wait 60s", "arm"]);
    let mut actions = stand(&armed, (348.0, 420.0), actions::actions_ui);
    let place = scartissue::scenario::apply::FORMS.iter().position(|f| f.name == "shed");
    actions.state_mut().state.action.chosen = place;
    actions.state_mut().state.action.value = "0.3".to_string();
    actions.state_mut().state.action.preview = Some(preview);
    actions.run_steps(2);
    click(&mut actions, "Order, 10 s");
    assert_eq!(asked(&mut actions), [said(Command::Act { action: "shed=0.3".to_string(), confirm: None })]);
}

#[test]
fn logs_changes_and_the_archive_are_searched() {
    let session = session("first-shift-1", &["changes 24h", "search cache", "logs gateway since 5m"]);
    let mut logs = stand(&session, (1200.0, 420.0), logs::logs_ui);
    logs.state_mut().state.logs = ("gateway".to_string(), "5m".to_string(), "Error".to_string());
    logs.state_mut().state.run = true;
    logs.run_steps(1);
    let look = Look::Logs { service: "gateway".to_string(), since_s: 300, grep: "Error".to_string() };
    assert_eq!(asked(&mut logs), [said(Command::Look(look))]);

    logs.run_steps(2);
    click_first(&mut logs, "  gateway-");
    assert!(logs.state().state.picked.contains_key(&Panel::Logs), "a line is chosen");
    click(&mut logs, "30 s around it 20 s");
    let [around] = &asked(&mut logs)[..] else { panic!("one look") };
    assert!(around.contains("FROM logs WHERE pod = 'gateway-") && around.contains("time_ms BETWEEN"), "{around}");

    let mut changes = stand(&session, (1200.0, 420.0), changes::changes_ui);
    click_first(&mut changes, "2 hours");
    assert_eq!(asked(&mut changes), [said(Command::Look(Look::Changes { id: String::new(), hours: 2 }))]);

    let mut archive = stand(&session, (1200.0, 420.0), archive::archive_ui);
    archive.state_mut().state.words = "rollback".to_string();
    archive.state_mut().state.run = true;
    archive.run_steps(1);
    assert_eq!(asked(&mut archive), [said(Command::Look(Look::Archive { words: "rollback".to_string() }))]);
}

/// Two pins are marked one after the other; an update is opened and sent by the key that a panel is for; a change is gone to
/// by steps and opened.
#[test]
fn contradictions_updates_and_diffs_are_there_for_pointer_and_keys() {
    let session = session(
        "first-shift-1",
        &["board api 15m", "board overview 15m", "changes 24h", "pin E1", "pin E2", "believe api.flag=60 other=40"],
    );
    let mut board = stand(&session, (360.0, 700.0), case_board::case_board_ui);
    click(&mut board, "! E1");
    assert!(has(&board, "E1 cannot be true together with"));
    click(&mut board, "! E2");
    let why = case_board::NO_WHY.to_string();
    assert_eq!(asked(&mut board), [said(Command::Contradict { one: 1, other: 2, why })]);

    let mut channel = stand(&session, (290.0, 420.0), channel::channel_ui);
    for _ in 0..2 {
        assert!(asked(&mut channel).is_empty());
        channel.state_mut().state.run = true;
        channel.run_steps(1);
    }
    let [update] = &asked(&mut channel)[..] else { panic!("one update") };
    assert!(
        update.contains("Update") && update.contains("api.flag") && update.contains("next_minutes: 10"),
        "{update}"
    );

    let mut changes = stand(&session, (1200.0, 420.0), changes::changes_ui);
    for _ in 0..2 {
        changes.state_mut().state.step = 1;
        changes.run_steps(1);
    }
    changes.state_mut().state.opens = true;
    changes.run_steps(1);
    let Some(Shown::Rows(list)) = changes.state().snap.looked.last().map(|l| &l.shown) else { panic!("a list") };
    let second = list.rows[1][0].clone();
    assert_eq!(asked(&mut changes), [said(Command::Look(Look::Changes { id: second, hours: 24 }))]);
}

/// Arrows between causes are drawn by clicking on one and then on the other, or by their words.
#[test]
fn what_led_to_what_is_drawn() {
    let session = session("first-shift-1", &["board api 15m", "believe api.flag=60 other=40"]);
    let mut sheet = stand(&session, (1600.0, 900.0), commit::commit_ui);
    click(&mut sheet, "add a cause");
    click(&mut sheet, "cause 1: api.flag, led to nothing");
    click(&mut sheet, "cause 2: other, led to nothing");
    assert_eq!(sheet.state().state.commit.links, [(0, 1)]);
    assert!(sheet.query_by_label("cause 1: api.flag, led to 2").is_some());
    click(&mut sheet, "1 to 2");
    assert!(sheet.state().state.commit.links.is_empty(), "the words take it away again");
}

/// What an incident has cost is told as far as whoever plays can know it: by the indicator, and by what was asked.
#[test]
fn budget_and_cost_are_those_of_the_indicator_and_of_what_was_asked() {
    let quiet = session("quiet-tuesday", &["wait 6m"]).view();
    assert_eq!((quiet.budget_burnt_percent, quiet.cost.minutes()), (Some(0.0), 0.0));
    let file = Scenario::open(&Catalogue::built_in(), "first-shift-3").expect("a built-in scenario").file;
    let pool = file.world(&Default::default()).expect("a world").stack.pools[0].clone();
    let with = |replicas: u16| {
        let scale = format!("act scale:{}={replicas}", pool.name);
        session("first-shift-3", &["wait 2m", "arm", &scale, "wait 6m", "board api 15m", "page serving"])
    };
    let (one, other) = (with(pool.replicas), with(pool.replicas + 2));
    let (view, watch) = (one.view(), one.watch());
    let begins_ms = one.seal().begins_at().0 as i64 / 1_000_000;
    let grid = (1..).map(|n| begins_ms + n * 30_000).take_while(|at| *at <= watch.now_ms());
    let pain_s: f64 = grid.map(|at| watch.pain_at(at).unwrap_or(0.0) * 30.0).sum();
    let wanted = pain_s / (0.005 * 28.0 * 86_400.0) * 100.0;
    let burnt = view.budget_burnt_percent.expect("it is measured");
    assert!((burnt - wanted).abs() < 0.01 && 0.0 < burnt, "{burnt} for {wanted}");
    assert_eq!((view.cost.looks_s, view.cost.teams), (5.0, 1));
    let (more, wanted) = (other.view().cost.gpu_hours - view.cost.gpu_hours, 2.0 * f64::from(pool.gpus) * 0.1);
    assert!((more - wanted).abs() < 0.05 * wanted, "two replicas more for a tenth of an hour: {more}, not {wanted}");
    let line = one.status_line();
    assert!(line.contains(&format!("budget -{burnt:.2} % | cost {:.0} min", view.cost.minutes())), "{line}");
}

#[test]
fn the_bar_stops_the_clock_and_the_channel_takes_words() {
    let session = session("first-shift-1", &["wait 60s"]);
    let mut bar = stand(&session, (1600.0, 44.0), top::top_ui);
    click(&mut bar, "stop the clock (Space)");
    assert_eq!(asked(&mut bar), [said(Command::Pause { stopped: true })]);
    click(&mut bar, "Settings");
    assert!(bar.state().state.settings_open);
    let channel = stand(&session, (290.0, 420.0), channel::channel_ui);
    assert!(!super::stand::words(&channel).trim().is_empty());
}
