//! Truth and score: the founding case from command to debrief, what a debrief owes to its session, and the published vectors.

mod vectors; // the measures, to the digits in which they are stated

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::atomic::{AtomicUsize, Ordering};

use scartissue::console::parse::{Said, parse};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::composite::Gate;
use scartissue::score::debrief::{Debrief, DebriefError, Verdict, debrief, debrief_among, debrief_with, prepare};
use scartissue::score::runs::{Ask, KEPT, Runs};
use scartissue::score::tell;
use scartissue::score::truth::prove;
use scartissue::session::Session;
use scartissue::session::clock::{Mode, Seat, Terms};
use scartissue::session::log::Event;
use scartissue::session::seal::{self, Seal};
use scartissue::sim::time::SimDuration;
use serde_json::Value;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");
const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios");

fn small() -> Scenario {
    Scenario::open(&Catalogue::built_in(), SMALL).expect("the test's scenario loads")
}

/// A session of a variant that was paged so many seconds after the opening.
pub(crate) fn begin(scenario: &Scenario, variant: &str, paged_s: u64, mode: Mode) -> Session {
    let paged_at = scenario.file.open_at() + SimDuration::from_secs(paged_s);
    let seal = Seal {
        v: seal::VERSION,
        scenario: scenario.name.clone(),
        variant: variant.to_string(),
        seed: 3,
        salt: 7,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    Session::open(scenario.clone(), seal, Terms { mode, ..Terms::default() }).expect("a session")
}

/// Says lines to a session, and keeps its log.
pub(crate) fn say(session: &mut Session, lines: &[&str]) -> Vec<Event> {
    let mut events = Vec::new();
    for line in lines {
        let Ok(Said::Command(command)) = parse(line) else { panic!("{line} is no command") };
        let at = session.now().0;
        session.apply(Seat::Participant, &command).unwrap_or_else(|e| panic!("{line}: {e}"));
        let n = events.len() as u64 + 1;
        events.push(Event { n, at, seat: Seat::Participant, by: String::new(), command, saw: String::new() });
    }
    events
}

fn played(scenario: &Scenario, variant: &str, paged_s: u64, lines: &[&str]) -> Debrief {
    let mut session = begin(scenario, variant, paged_s, Mode::A0);
    let events = say(&mut session, lines);
    debrief_with(&session, &events, None, &|_, _| {}).expect("a debrief")
}

pub(crate) fn measure<'a>(debrief: &'a Debrief, id: &str) -> &'a scartissue::score::card::Measure {
    debrief.card.measures.iter().find(|m| m.id == id).expect("a measure")
}

#[test]
fn a_session_that_goes_on_has_no_debrief_and_one_that_ended_has_its_own_history() {
    let scenario = small();
    let mut session = begin(&scenario, "canary-flag-variant", 240, Mode::A0);
    let mut events = say(&mut session, &["wait 70s", "ack", "arm", "act shed=0.2", "commit api.auth_shard 70"]);
    assert!(matches!(debrief(&session, &events, &|_, _| {}), Err(DebriefError::GoesOn)));
    let more =
        say(&mut session, &["act flag-off:fast-headers", "believe api.flag=90 other=10", "commit api.flag 90", "end"]);
    events.extend(more.into_iter().map(|e| Event { n: e.n + 5, ..e }));
    let told = debrief(&session, &events, &|_, _| {}).expect("a debrief");
    assert_eq!(told.cause.verdict, Verdict::Right, "the last word counts");
    let [shed, flag] = told.users.orders.as_slice() else { panic!("two orders") };
    assert!(0.0 < shed.effect, "it refused people who would have been served: {}", shed.effect);
    assert!(flag.effect < -10.0 && flag.lost_at_first_chance <= told.users.lost, "{flag:?}");
    assert!(told.users.lost < told.users.lost_if_nothing);
    assert!(0.0 < measure(&told, "M10").value.expect("harm is judged"));
    let led = measure(&told, "M8").inputs["cause_led_since_s"];
    assert!((20.0..60.0).contains(&led), "{led}");
    // In order, each resting on its event; the same record always tells the same.
    assert!(told.timeline.is_sorted_by_key(|l| l.at));
    assert_eq!(told.timeline.iter().filter(|l| l.event.is_some()).count(), 7);
    assert_eq!(debrief(&session, &events, &|_, _| {}).expect("a debrief"), told);
}

#[test]
fn what_each_order_leaves_behind_is_told_of_fleet_limits_retries_and_flags() {
    let orders =
        ["act scale:only=6", "act retry-budget=0.05", "act rate-limit:paid=30", "act flag-off:fast-headers", "end"];
    let told = played(&small(), "canary-flag-variant", 240, &[&["arm"], &orders[..]].concat());
    let leaves = |i: usize| -> BTreeSet<String> {
        told.users.orders[i].leaves.iter().map(|left| format!("{}: {:?}", left.what, left.now)).collect()
    };
    let has = |i: usize, what: &str| assert!(leaves(i).iter().any(|l| l.starts_with(what)), "{what}: {:?}", leaves(i));
    has(0, "only replicas wanted: Some(\"6\")");
    has(1, "gateway retry_budget: Some(\"0.05\")");
    has(2, "gateway limit for paid accounts: Some(\"30 requests a minute\")");
    has(3, "gateway flag.fast-headers: None");
    assert!(!leaves(1).iter().any(|l| l.contains("flag")), "an order answers for its own: {:?}", leaves(1));
    let text = tell::markdown(&told);
    assert!(text.contains("it leaves behind gateway retry_budget 0.05, usually"), "{text}");
}

#[test]
fn an_order_that_was_given_twice_is_told_with_all_of_them() {
    let scenario = small();
    let twice = ["wait 70s", "arm", "act flag-off:fast-headers", "act flag-off:fast-headers", "end"];
    let told = played(&scenario, "canary-flag-variant", 240, &twice);
    let orders = &told.users.orders;
    let all = orders[0].together.expect("it was given twice");
    assert_eq!((all.orders, orders[1].together), (2, Some(all)));
    assert!(all.effect < -1.0, "both of them: {all:?}");
    assert!(all.effect < orders[0].effect && all.effect < orders[1].effect, "either stands in for the other");
    assert!(tell::markdown(&told).contains("was given 2 times, which saved"), "{}", tell::markdown(&told));
    let once = played(&scenario, "canary-flag-variant", 240, &["wait 70s", "arm", "act flag-off:fast-headers", "end"]);
    assert_eq!(once.users.orders[0].together, None);
    assert!(once.users.lost_at_best <= told.users.lost, "what was done is among what could be done");
}

#[test]
fn the_family_alone_is_half_leaving_it_open_and_saying_nothing_are_no_errors() {
    let scenario = small();
    let told = |lines: &[&str]| played(&scenario, "canary-flag-variant", 240, lines);
    let half = told(&["commit api.validator 70", "end"]);
    assert_eq!((half.cause.verdict, half.cause.credit, measure(&half, "M2").value), (Verdict::Half, 0.5, Some(0.5)));
    assert!(!half.cause.blamed_decoy, "the right family is no decoy");
    let open = told(&["commit not_provable 70", "end"]);
    assert_eq!((open.cause.verdict, measure(&open, "M12").value), (Verdict::LeftOpen, Some(0.0)));
    // Without an ideal observer nobody judges grounding, and nobody pretends to.
    assert_eq!((half.cause.proved, half.card.composite.total), (None, None));
    for id in ["M1", "M3", "M4", "M5", "M14"] {
        let measure = measure(&half, id);
        assert_eq!((measure.value, measure.why_none), (None, "no ideal observer was built for this scenario"), "{id}");
    }
    assert!(tell::markdown(&half).contains("is not judged"));
    let silent = told(&["end"]);
    assert_eq!((silent.cause.verdict, silent.cause.said.clone()), (Verdict::Silent, None));
    assert!(silent.users.orders.is_empty() && silent.users.lost == silent.users.lost_if_nothing);
    let wrong = told(&["commit demand.growth 90", "end"]);
    assert_eq!(wrong.cause.verdict, Verdict::Wrong);
    let points = |d: &Debrief| d.card.composite.points;
    assert!(points(&wrong) <= points(&silent) && points(&silent) < points(&half));
}

#[test]
fn a_true_cause_that_is_not_the_weightiest_is_half_right_and_told_so() {
    let text = std::fs::read_to_string(SMALL).expect("the test's scenario");
    let second = r#"
        (
            id: "canary-second-cause",
            says: "another flag turns on a path that throws",
            mechanism: "sdk.release",
            role: Contributing,
            faults: [(at_s: Some(120), fault: BadFlag(flag: "slow-headers", share: 0.15))],
        ),
    ],
    variants: [
        (name: "canary-both-variant", causes: ["canary-flag-cause", "canary-second-cause"]),"#;
    let text = text.replacen("    ],\n    variants: [", second, 1);
    let scenario = Scenario::open(&Catalogue::from_texts(&[("small.ron", &text)]), "small").expect("it loads");
    let told = |line: &str| played(&scenario, "canary-both-variant", 240, &[line, "end"]);
    for (line, verdict, says, headline) in [
        ("commit api.flag 70", Verdict::Right, "right", "That was it."),
        (
            "commit sdk.release 70",
            Verdict::Half,
            "half right: a cause, not the weightiest",
            "That is true, and it is not what weighed most. It was the API layer",
        ),
        (
            "commit api.validator 70",
            Verdict::Half,
            "half right: the family, not the mechanism",
            "The right place, and not what happened there.",
        ),
        ("commit demand.growth 70", Verdict::Wrong, "wrong", "It was the API layer"),
    ] {
        let told = told(line);
        assert_eq!((told.cause.verdict, tell::verdict(&told)), (verdict, says), "{line}: {:?}", told.truth.causes);
        assert!(tell::headline(&told).contains(headline), "{line}: {}", tell::headline(&told));
    }
}

#[test]
fn help_from_the_beginning_marks_a_run_as_assisted() {
    let scenario = small();
    let mut session = begin(&scenario, "canary-flag-variant", 240, Mode::A3);
    let events = say(&mut session, &["commit api.flag 90", "end"]);
    let told = debrief(&session, &events, &|_, _| {}).expect("a debrief");
    assert_eq!(told.card.composite.gates, [Gate::Assisted]);
}

#[test]
fn doing_nothing_to_the_causes_is_the_same_run_and_runs_are_made_once() {
    let scenario = small();
    let runs = Runs::new(&scenario);
    let made = AtomicUsize::new(0);
    let count = |_: usize, _: usize| {
        made.fetch_add(1, Ordering::Relaxed);
    };
    let truth = prove(&runs, Some("canary-flag-variant"), 5, 3, &count).expect("a truth");
    assert_eq!(made.load(Ordering::Relaxed), 6, "two subsets under three seeds");
    assert_eq!((truth.seeds.as_slice(), truth.causes[0].share), ([5, 6, 7].as_slice(), 1.0));
    let ask = Ask { variant: "canary-flag-variant".to_string(), seed: 5, ..Ask::default() };
    let again = runs.all(&[ask.clone(), ask], &count).expect("a run");
    assert_eq!(made.load(Ordering::Relaxed), 6, "it was made before");
    assert_eq!(again[0].lost(), truth.harm[1].1);
    assert_eq!(again[0].event_hash, scenario_hash(&scenario));
}

#[test]
fn runs_kept_beside_a_session_are_not_made_again_and_a_damaged_file_only_costs_time() {
    let scenario = small();
    let folder = directory("kept");
    let mut session = begin(&scenario, "canary-flag-variant", 240, Mode::A0);
    let events = say(&mut session, &["wait 70s", "arm", "act shed=0.2", "commit api.flag 90", "end"]);
    let told = || {
        let made = AtomicUsize::new(0);
        let runs = Runs::kept_in(&scenario, &folder);
        let count = |_: usize, _: usize| {
            made.fetch_add(1, Ordering::Relaxed);
        };
        let told = debrief_among(&session, &events, None, &runs, &count).expect("a debrief");
        (told, made.into_inner())
    };
    prepare(session.seal(), &Runs::kept_in(&scenario, &folder)).expect("it can be prepared");
    let (first, made) = told();
    assert_eq!(made, 2, "its own run, and that with its order at the first chance; without it nothing is done");
    let (again, made) = told();
    assert_eq!((&again, made), (&first, 0));
    assert_eq!(debrief_with(&session, &events, None, &|_, _| {}).expect("a debrief"), first, "kept or not");
    let file = folder.join(KEPT);
    let whole = std::fs::read(&file).expect("it was written");
    let flipped = |place: usize| {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        bytes
    };
    let damaged = [Vec::new(), flipped(3), flipped(100), flipped(whole.len() / 2), whole[..whole.len() - 7].to_vec()];
    for (n, bytes) in damaged.into_iter().enumerate() {
        std::fs::write(&file, bytes).expect("it can be damaged");
        let (again, made) = told();
        assert_eq!(again, first, "damage {n}");
        assert!(0 < made, "damage {n} went unnoticed");
        assert_eq!(told().1, 0, "damage {n} was not mended");
    }
}

fn scenario_hash(scenario: &Scenario) -> u64 {
    let setup = scartissue::scenario::lower::Setup {
        variant: Some("canary-flag-variant".to_string()),
        ..scartissue::scenario::lower::Setup::default()
    };
    scenario.run(&setup, 5).expect("a run").event_hash
}

#[test]
fn a_variant_of_five_causes_is_refused_when_it_is_read() {
    let text = std::fs::read_to_string(SMALL).expect("it is there");
    let five = ["\"canary-flag-cause\""; 5].join(", ");
    let text = text.replacen("causes: [\"canary-flag-cause\"]", &format!("causes: [{five}]"), 1);
    let error = Scenario::open(&Catalogue::from_texts(&[("five.ron", &text)]), "five").expect_err("too many causes");
    assert!(error.to_string().contains("5 causes are too many for one variant"), "{error}");
}

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("scartissue-score-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a temporary directory can be made");
    path
}

fn scartissue(data: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut process = Process::new(env!("CARGO_BIN_EXE_scartissue"));
    process.args(arguments).args(["--scenarios", SCENARIOS]).env("SCARTISSUE_DATA", data).env("NO_COLOR", "1");
    let output = process.output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn truth_and_debrief_keep_their_contracts_on_the_command_line() {
    let data = directory("contract");
    let (code, json, talk) = scartissue(&data, &["truth", "small", "--seed", "4", "--seeds", "2", "--json"]);
    assert_eq!(code, Some(0), "{talk}");
    assert!(talk.contains("4 of 4 runs"), "{talk}");
    let truth: Value = serde_json::from_str(&json).expect("JSON");
    let harm = truth["harm"].as_object().expect("harm by subset");
    assert_eq!(harm.keys().map(String::as_str).collect::<Vec<_>>(), ["", "canary-flag-cause"]);
    let cause = &truth["causes"][0];
    assert_eq!((&cause["id"], &cause["role"]), (&Value::from("canary-flag-cause"), &Value::from("root")));
    assert_eq!(
        (&cause["share"], &cause["pn"], &cause["ps"]),
        (&Value::from(1.0), &Value::from(1.0), &Value::from(1.0))
    );
    assert_eq!(truth["decoys"], Value::Array(Vec::new()));
    let (code, text, _) = scartissue(&data, &["truth", "small"]);
    assert!(code == Some(0) && text.contains("It was canary-flag-cause"), "{text}");
    let (code, text, _) = scartissue(&data, &["truth", "small", "--variant", "canary-shard-variant"]);
    assert!(code == Some(0) && text.contains("Nothing was wrong"), "a claim that the runs do not bear out: {text}");
    assert_eq!(scartissue(&data, &["truth", "small", "--variant", "canary"]).0, Some(2));

    assert_eq!(
        scartissue(&data, &["new", "small", "--variant", "canary-flag-variant", "--as", "one", "--seed", "4"]).0,
        Some(0)
    );
    let run = |line: &[&str]| {
        let mut arguments = vec!["do", "--scenarios", SCENARIOS, "--data-dir", data.to_str().expect("text"), "one"];
        arguments.extend(line);
        let output = Process::new(env!("CARGO_BIN_EXE_scartissue")).args(arguments).output().expect("it starts");
        assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["commit", "demand.growth=85", "other=15"]);
    let (code, _, talk) = scartissue(&data, &["debrief", "one"]);
    assert!(code == Some(1) && talk.contains("`end` it first"), "{talk}");
    run(&["end"]);
    let file = data.join("debrief.md");
    let (code, json, talk) = scartissue(&data, &["debrief", "one", "--json", "--md", file.to_str().expect("text")]);
    assert_eq!(code, Some(0), "{talk}");
    let told: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(told["cause"]["verdict"], "wrong");
    assert_eq!(told["cause"]["proved"], Value::Null);
    let text = std::fs::read_to_string(&file).expect("it was written");
    assert!(text.contains("You said demand, 85 %. It was the API layer"), "{text}");
    assert_eq!(scartissue(&data, &["debrief", "oen"]).0, Some(2));
}
