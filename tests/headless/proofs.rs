//! What a score may not reward, and may not depend on: names, prose, the order of mitigation and diagnosis, and every way
//! to look busy without knowing.

use scartissue::console::parse::{Said, parse};
use scartissue::scenario::apply::parse as action;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::debrief::{Debrief, Verdict, debrief, debrief_with};
use scartissue::score::runs::{Ask, Runs};
use scartissue::session::Session;
use scartissue::session::clock::{Mode, Seat, Terms};
use scartissue::session::log::Event;
use scartissue::session::seal::{self, Seal};
use scartissue::sim::spec::TimedAction;
use scartissue::sim::time::SimDuration;

const SMALL: &str = include_str!("../data/scenarios/small.ron");
const VARIANT: &str = "canary-flag-variant";

fn small(text: &str) -> Scenario {
    Scenario::open(&Catalogue::from_texts(&[("small.ron", text)]), "small").unwrap_or_else(|e| panic!("{e}"))
}

/// Plays lines on the small cell, paged four minutes after the opening.
fn session(scenario: &Scenario, mode: Mode, lines: &[&str]) -> (Session, Vec<Event>) {
    session_paged(scenario, mode, 240, lines)
}

/// The same, paged so many seconds after the opening.
fn session_paged(scenario: &Scenario, mode: Mode, paged_s: u64, lines: &[&str]) -> (Session, Vec<Event>) {
    let paged_at = scenario.file.open_at() + SimDuration::from_secs(paged_s);
    let seal = Seal {
        v: seal::VERSION,
        scenario: scenario.name.clone(),
        variant: VARIANT.to_string(),
        seed: 3,
        salt: 7,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    let mut session = Session::open(scenario.clone(), seal, Terms { mode, ..Terms::default() }).expect("a session");
    let mut events: Vec<Event> = Vec::new();
    for line in lines {
        let Ok(Said::Command(command)) = parse(line) else { panic!("{line} is no command") };
        let at = session.now().0;
        session.apply(Seat::Participant, &command).unwrap_or_else(|e| panic!("{line}: {e}"));
        let n = events.len() as u64 + 1;
        events.push(Event { n, at, seat: Seat::Participant, by: String::new(), command, saw: String::new() });
    }
    (session, events)
}

fn played(scenario: &Scenario, lines: &[&str]) -> Debrief {
    let (session, events) = session(scenario, Mode::A0, lines);
    debrief(&session, &events, &|_, _| {}).expect("a debrief")
}

fn points(debrief: &Debrief) -> f64 {
    debrief.card.composite.points
}

/// The composite of lines on the small cell, judged by its ideal observer.
fn total(lines: &[&str]) -> f64 {
    let (scenario, observer) = crate::observer::small();
    let (session, events) = session_paged(scenario, Mode::A0, 420, lines);
    let told = debrief_with(&session, &events, Some(observer.clone()), &|_, _| {}).expect("a debrief");
    told.card.composite.total.expect("all parts but awareness are judged")
}

/// Looks a little, is fairly sure, is slow to act.
const MEDIOCRE: [&str; 12] = [
    "wait 70s",
    "ack",
    "board overview",
    "logs gateway",
    "believe api.flag=40 demand.growth=30 other=30",
    "changes",
    "board api",
    "commit api.flag 70 E2",
    "arm",
    "wait 60s",
    "act flag-off:fast-headers",
    "end",
];

#[test]
fn whoever_games_the_score_gets_less_than_an_honest_mediocre_run() {
    let honest = total(&MEDIOCRE);
    let every_board = ["overview", "sdk", "network", "api", "serving", "accelerator", "kv_cache"];
    let panels: Vec<String> = every_board.iter().map(|b| format!("board {b}")).cycle().take(42).collect();
    let mut all_panels = vec!["wait 70s", "ack"];
    all_panels.extend(panels.iter().map(String::as_str));
    all_panels.extend(["sql select * from requests limit 5"; 12]);
    all_panels.extend(["commit api.flag 70 E2", "arm", "act flag-off:fast-headers", "end"]);
    let mut oscillate = vec!["wait 70s", "ack", "board overview", "logs gateway"];
    for _ in 0..8 {
        oscillate.extend(["believe demand.growth=90 other=10", "wait 20s", "believe api.flag=90 other=10", "wait 20s"]);
    }
    oscillate.extend([
        "believe demand.growth=90 other=10",
        "wait 60s",
        "commit api.flag 70 E2",
        "arm",
        "act flag-off:fast-headers",
        "end",
    ]);
    // Each gets at least so many points of 100 less than the honest run.
    let gamers: [(&str, Vec<&str>, f64); 6] = [
        (
            "lists every cause",
            vec![
                "wait 70s",
                "ack",
                "commit cause api.flag cause demand.growth cause serving.capacity cause kv_cache.flush cause network.loss cause sdk.retries api.flag=20 demand.growth=16 serving.capacity=16 kv_cache.flush=16 network.loss=16 sdk.retries=16",
                "arm",
                "act flag-off:fast-headers",
                "end",
            ],
            10.0,
        ),
        ("commits before looking", vec!["wait 70s", "ack", "commit demand.growth=100", "end"], 40.0),
        ("opens all panels", all_panels, 5.0),
        (
            "sandbags the first commit",
            vec![
                "wait 70s",
                "ack",
                "commit demand.growth=100",
                "board overview",
                "logs gateway",
                "changes",
                "board api",
                "wait 240s",
                "commit api.flag 70 E2",
                "arm",
                "wait 60s",
                "act flag-off:fast-headers",
                "end",
            ],
            5.0,
        ),
        ("oscillates", oscillate, 5.0),
        (
            "acts without looking",
            vec!["wait 70s", "ack", "arm", "act shed=0.5", "act scale:only=4", "act flag-off:fast-headers", "end"],
            50.0,
        ),
    ];
    for (who, lines, margin) in gamers {
        let got = total(&lines);
        println!("{who}: {got:.1}, {:.1} less than the honest run's {honest:.1}", honest - got);
        assert!(got + margin <= honest, "{who} gets {got:.1}, the honest run {honest:.1}");
    }
}

#[test]
fn who_mitigates_at_minute_3_and_proves_at_minute_12_scores_no_lower_than_the_reverse() {
    let look = ["wait 60s", "ack", "board api", "wait 105s"];
    let (order, proof) = (["arm", "act flag-off:fast-headers"], ["commit api.flag 90 E1"]);
    let with = |first: &[&'static str], later: &[&'static str], wait: &'static str| -> Vec<&str> {
        look.iter().chain(first).chain(&[wait]).chain(later).chain(&["end"]).copied().collect()
    };
    // An order takes ten seconds: it is carried out at minute 3 and the commit made at minute 12, or the other way round.
    let first = total(&with(&order, &proof, "wait 540s"));
    let later = total(&with(&proof, &order, "wait 540s"));
    println!("users first {first:.1}, proof first {later:.1}");
    assert!(later <= first, "{first} after {later}");
}

#[test]
fn near_misses_are_not_right() {
    let scenario = small(SMALL);
    // The right component and blast radius, and not the mechanism.
    let near = played(&scenario, &["wait 70s", "commit api.validator=90 other=10", "end"]);
    assert_eq!((near.cause.verdict, near.cause.credit), (Verdict::Half, 0.5));
    assert!(near.card.measures.iter().find(|m| m.id == "M1").and_then(|m| m.value).is_none_or(|v| v == 0.0));
    // The fault injector is no mechanism of a stack.
    let injector = ["fault_injector", "chaos.experiment", "api.injected"];
    let (mut session, _) = session(&scenario, Mode::A0, &["wait 70s"]);
    for name in injector {
        let Ok(Said::Command(command)) = parse(&format!("commit {name}=90 other=10")) else { continue };
        let refused = session.apply(Seat::Participant, &command).expect_err("it is no mechanism").to_string();
        assert!(refused.contains("no mechanism is called"), "{refused}");
    }
}

#[test]
fn other_names_for_everything_change_nothing() {
    let names = [
        ("\"sdk\"", "\"velvet\""),
        ("\"only\"", "\"quarry\""),
        ("\"m\"", "\"brine-9\""),
        ("\"all\"", "\"herons\""),
        ("\"api\"", "\"tin\""),
        ("fast-headers", "umber-gate"),
        ("canary-flag-cause", "k7-marsh"),
        ("canary-shard-cause", "q2-fern"),
    ];
    let renamed = names.iter().fold(SMALL.to_string(), |text, (old, new)| {
        assert!(text.contains(old), "{old} is not in the file");
        text.replace(old, new)
    });
    let (plain, other) = (small(SMALL), small(&renamed));
    let lines =
        |flag: &str| -> Vec<String> { MEDIOCRE.iter().map(|line| line.replace("fast-headers", flag)).collect() };
    let told = |scenario: &Scenario, flag: &str| {
        let lines = lines(flag);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let told = played(scenario, &lines);
        let harms: Vec<f64> = told.truth.harm.iter().map(|(_, harm)| *harm).collect();
        let shares: Vec<f64> = told.truth.causes.iter().map(|c| c.share).collect();
        (harms, shares, told.card.clone(), told.users.lost, told.cause.clone())
    };
    assert_eq!(told(&plain, "fast-headers"), told(&other, "umber-gate"));
}

#[test]
fn prose_earns_nothing() {
    let scenario = small(SMALL);
    let silent = played(&scenario, &MEDIOCRE);
    let mut wordy = MEDIOCRE.to_vec();
    wordy.insert(3, "say it is certainly the flag fast-headers, right and proved, all of it");
    wordy.insert(4, "bookmark api.flag");
    wordy.insert(7, "pin E1 this proves api.flag beyond doubt");
    let told = played(&scenario, &wordy);
    assert_eq!(points(&told), points(&silent));
    let values = |d: &Debrief| d.card.measures.iter().map(|m| m.value).collect::<Vec<_>>();
    assert_eq!(values(&told), values(&silent));
}

#[test]
fn where_nothing_is_wrong_to_do_harm_is_what_counts() {
    // The same cell with a flag that fails nobody: nothing is wrong.
    let text = SMALL.replace("causes: [\"canary-flag-cause\"]", "causes: []");
    let scenario = small(&text);
    let left_alone = played(&scenario, &["wait 70s", "ack", "board overview", "commit no_fault 90 E1", "end"]);
    assert_eq!((left_alone.cause.verdict, left_alone.cause.credit), (Verdict::Right, 1.0));
    let value = |d: &Debrief, id: &str| d.card.measures.iter().find(|m| m.id == id).and_then(|m| m.value);
    assert_eq!((value(&left_alone, "M9"), value(&left_alone, "M10")), (Some(1.0), Some(0.0)));
    let meddled = played(&scenario, &["wait 70s", "ack", "arm", "act shed=0.5", "commit no_fault=90 other=10", "end"]);
    assert_eq!(value(&meddled, "M9"), Some(0.0), "harm beyond the tolerance is no mitigation");
    assert!(
        value(&meddled, "M10").is_some_and(|h| 1.0 < h),
        "harm is counted in budgets: {:?}",
        value(&meddled, "M10")
    );
    assert!(points(&meddled) < points(&left_alone) - 30.0, "{} {}", points(&meddled), points(&left_alone));
    assert!(value(&meddled, "M1").is_none_or(|v| v == 0.0), "who does harm is not right and proved");
}

#[test]
fn hints_come_rung_by_rung_where_there_are_any_and_replay_the_same() {
    let scenario = small(SMALL);
    let ask = |mode: Mode| {
        let (mut session, _) = session(&scenario, mode, &["wait 70s"]);
        let Ok(Said::Command(hint)) = parse("hint") else { panic!("a command") };
        let texts: Vec<Result<String, String>> = (0..4)
            .map(|_| session.apply(Seat::Participant, &hint).map(|r| r.text).map_err(|e| e.to_string()))
            .collect();
        (texts, session.hints_taken())
    };
    let (texts, taken) = ask(Mode::A1);
    let said: Vec<&str> = texts.iter().filter_map(|t| t.as_deref().ok()).collect();
    assert_eq!(said.len(), 3);
    assert!(said[0].ends_with('?') && said[1].contains("board overview") && said[2].contains("api.flag"), "{said:?}");
    assert!(texts[3].as_ref().is_err_and(|e| e.contains("last")), "{texts:?}");
    assert_eq!((taken, ask(Mode::A1).0), (3, texts));
    let (alone, taken) = ask(Mode::A0);
    assert!(taken == 0 && alone.iter().all(|t| t.as_ref().is_err_and(|e| e.contains("--mode A1"))), "{alone:?}");
    let own = SMALL.replace(
        "causes: [\"canary-flag-cause\"]",
        "causes: [\"canary-flag-cause\"], hints: [\"Who is refused, and since when?\"]",
    );
    let (mut session, _) = session(&small(&own), Mode::A1, &[]);
    let Ok(Said::Command(hint)) = parse("hint") else { panic!("a command") };
    assert_eq!(session.apply(Seat::Participant, &hint).expect("a hint").text, "Who is refused, and since when?");
}

#[test]
fn the_debrief_is_one_page_that_needs_nothing_else_and_escapes_what_people_wrote() {
    let scenario = small(SMALL);
    let mut lines = MEDIOCRE.to_vec();
    lines.insert(3, "bookmark </script><b>bold & brash");
    let (session, events) = session(&scenario, Mode::A0, &lines);
    let told = debrief(&session, &events, &|_, _| {}).expect("a debrief");
    let page = scartissue::report::debrief::html(&session, &told, &["A lesson.".to_string()]);
    for part in
        ["<h2>Users</h2>", "<h2>Cause</h2>", "A lesson.", "id=\"turn1\"", "id=\"turn3\"", "flag-off:fast-headers"]
    {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(!page.contains("id=\"turn4\"") && !page.contains("<b>bold"));
    for outside in ["http://", "https://", "src=", "@import", "<link"] {
        assert!(!page.contains(outside), "the page wants {outside}");
    }
    // Drawn without a script too: six layers, twice, for each turning point.
    assert_eq!(page.matches("class=\"layer\"").count(), 36);
    // The curves end where the harms are.
    let [you, nothing, ..] = told.whatif.curves.as_slice() else { panic!("two curves at least") };
    assert_eq!((you.lost, nothing.lost), (told.users.lost, told.users.lost_if_nothing));
    assert!(you.unserved.iter().all(|share| (0.0..=1.0).contains(share)));
}

#[test]
fn whoever_draws_what_was_seen_knows_nothing_of_the_truth() {
    let source = include_str!("../../src/report/flip/seen.rs");
    let allowed = ["crate::metrics::", "crate::report::flip::"];
    for line in source.lines().filter(|line| line.contains("crate::")) {
        assert!(allowed.iter().any(|a| line.contains(a)), "{line}");
    }
}

#[test]
fn runs_that_begin_together_end_as_each_does_alone() {
    let scenario = small(SMALL);
    let moment = |at_s: u64| scenario.file.open_at() + SimDuration::from_secs(at_s);
    let ask = |orders: &[(u64, &str)], mark: Option<u64>| Ask {
        variant: VARIANT.to_string(),
        seed: 4,
        orders: (orders.iter())
            .map(|(at_s, text)| TimedAction { at: moment(*at_s), action: action(text).expect("an action") })
            .collect(),
        mark: mark.map(moment),
        ..Ask::default()
    };
    let asks = [
        ask(&[], None),
        ask(&[(200, "shed=0.3")], None),
        ask(&[(300, "flag-off:fast-headers"), (310, "scale:only=3")], Some(305)),
        ask(&[(250, "flag-off:fast-headers")], Some(220)),
    ];
    let together = Runs::new(&scenario);
    let first = together.all(&asks, &|_, _| {}).expect("they run");
    // A later call goes on from where the first one's runs parted.
    let later = [ask(&[(210, "shed=0.5")], None), ask(&[(400, "restart:only")], None)];
    let second = together.all(&later, &|_, _| {}).expect("they run");
    for (ask, ran) in asks.iter().chain(&later).zip(first.iter().chain(&second)) {
        let alone = Runs::new(&scenario).one(ask).expect("it runs");
        assert_eq!((ran.event_hash, &ran.marked, ran.harm), (alone.event_hash, &alone.marked, alone.harm), "{ask:?}");
    }
}
