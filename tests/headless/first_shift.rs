//! The first shift: who only does what the coach says gets through all four cases, and has used every verb twice.

use std::collections::BTreeMap;
use std::process::{Command as Process, Stdio};

use scartissue::console::parse::{Said, parse};
use scartissue::console::{ask, shell};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lesson::CoachLine;
use scartissue::scenario::opened::Scenario;
use scartissue::score::debrief::{Verdict, debrief_with};
use scartissue::session::Session;
use scartissue::session::clock::{Seat, Terms};
use scartissue::session::coach::{Coach, PATIENCE};
use scartissue::session::log::Event;
use scartissue::session::seal::{self, Seal};
use scartissue::telemetry::watch::Watch;

/// The cases in order, each with its true cause.
const CASES: [(&str, &str); 4] = [
    ("first-shift-1", "api.flag"),
    ("first-shift-2", "api.image_decoder"),
    ("first-shift-3", "kv_cache.invalidation"),
    ("first-shift-4", "demand.growth"),
];

fn begin(name: &str) -> Session {
    let scenario = Scenario::open(&Catalogue::built_in(), name).expect("a built-in scenario");
    let variant = scenario.file.variants[0].name.clone();
    let paged_at = Watch::new(&scenario.file, &variant, 4, 3).expect("a world").run_to_first_page();
    let seal = Seal {
        v: seal::VERSION,
        scenario: name.to_string(),
        variant,
        seed: 4,
        salt: 3,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    Session::open(scenario, seal, Terms::default()).expect("a session")
}

/// The last change that a list of changes names.
fn last_change(text: &str) -> Option<String> {
    let ids = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|w| w.starts_with("CHG-"));
    ids.max().map(str::to_string)
}

#[test]
fn who_only_follows_the_coach_reaches_every_debrief_and_has_used_every_verb_twice() {
    let mut used: BTreeMap<String, u32> = BTreeMap::new();
    for (name, truth) in CASES {
        let mut session = begin(name);
        let mut coach = Coach::of(&session);
        let mut change = String::new();
        let mut events: Vec<Event> = Vec::new();
        while let Some(said) = coach.says(&session) {
            let line = coach.next_line().expect("what was said").clone();
            assert!(line.says.split_whitespace().count() <= 12 && said.contains(&line.says), "{name}: {said}");
            let typed = said.rsplit_once("  [").map_or("", |(_, typed)| typed.trim_end_matches(']'));
            let typed = typed.replace("CHANGE", &change).replace("MECHANISM", "other");
            let answer = match parse(&typed).unwrap_or_else(|why| panic!("{name}: {typed}: {why}")) {
                Said::Command(command) => {
                    let (n, at) = (events.len() as u64 + 1, session.now().0);
                    let reply = session.apply(Seat::Participant, &command);
                    let (by, saw) = (String::new(), String::new());
                    events.push(Event { n, at, seat: Seat::Participant, by, command, saw });
                    shell::told(&reply.unwrap_or_else(|why| panic!("{name}: {typed}: {why}")))
                }
                Said::Question(question, rest) => {
                    ask::answer(&mut session, question, &rest).unwrap_or_else(|why| panic!("{name}: {typed}: {why}"))
                }
                Said::Nothing | Said::Host(_) => panic!("{name}: the coach has nothing to type for who plays"),
            };
            change = Some(line.verb.as_str()).filter(|v| *v == "changes").and(last_change(&answer)).unwrap_or(change);
            *used.entry(line.verb.clone()).or_default() += 1;
            coach.heard(typed.split_whitespace().next().unwrap_or_default());
        }
        assert!(coach.next_line().is_none(), "{name}: the coach is not done");
        assert!(session.ended().is_some(), "{name} has ended, so that its debrief can be read");
        let pain = session.watch().now_s();
        assert!(pain < 840.0, "{name}: over at {pain} s");
        assert_eq!((session.orders().len(), session.board().commits.is_empty()), (1, false), "{name}");
        let told = debrief_with(&session, &events, None, &|_, _| {}).expect("a debrief");
        // Who has only done what was said has judged nothing: the answer is open. The fourth time the assistant was there,
        // and wrong about the twin.
        let was: &[String] = &told.cause.was;
        assert_eq!((told.cause.verdict, was), (Verdict::LeftOpen, &[truth.to_string()][..]), "{name}");
        assert!(told.users.lost <= told.users.lost_if_nothing, "{name}: {:?}", told.users);
        assert!(told.lesson.is_some() && !told.timeline.is_empty(), "{name}");
    }
    assert!(used.values().all(|times| 2 <= *times), "{used:?}");
}

#[test]
fn the_coach_never_names_a_cause_speaks_again_after_a_minute_and_can_be_sent_away() {
    for (name, _) in CASES {
        let scenario = Scenario::open(&Catalogue::built_in(), name).expect("a built-in scenario");
        let spoils = scenario.file.causes.iter().flat_map(|c| [c.id.clone(), c.says.clone(), c.mechanism.clone()]);
        for word in spoils.chain(["flag".into(), "decoder".into(), "launch".into()]) {
            let says = |line: &CoachLine| format!("{} {}", line.says, line.line).to_lowercase();
            let told = scenario.file.coach.iter().find(|line| says(line).contains(&word.to_lowercase()));
            assert!(told.is_none(), "{name}: {told:?} says {word}");
        }
    }
    let mut session = begin("first-shift-1");
    let mut coach = Coach::of(&session);
    assert!(coach.says(&session).is_some() && coach.says(&session).is_none());
    let Ok(Said::Command(minute)) = parse("wait 60s") else { panic!("a command") };
    session.apply(Seat::Participant, &minute).expect("a minute");
    assert_eq!(PATIENCE.as_secs_f64(), 60.0);
    assert!(coach.says(&session).is_some(), "once more after a minute");
    coach.set_present(false);
    session.apply(Seat::Participant, &minute).expect("a minute");
    assert!(coach.says(&session).is_none());
}

/// A process of its own for each call: the coach knows from the log what was said to it.
#[test]
fn the_coach_goes_on_where_it_was_in_a_session_that_is_resumed() {
    let data = std::env::temp_dir().join(format!("scartissue-coach-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&data);
    let place = ["--data-dir", data.to_str().expect("text")];
    let run = |arguments: &[&[&str]]| {
        let mut process = Process::new(env!("CARGO_BIN_EXE_scartissue"));
        process.args(arguments.concat()).env("NO_COLOR", "1").stdin(Stdio::null());
        let output = process.output().expect("it starts");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    };
    let scenario = Scenario::open(&Catalogue::built_in(), "first-shift-1").expect("a built-in scenario");
    let coach = &scenario.file.coach;
    run(&[&["new", "INC-1001", "--as", "one", "--seed", "4"], &place]);
    for (used, wanted) in coach.iter().enumerate().take(4) {
        let said = run(&[&["play", "--resume", "one"], &place]);
        let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("coach: ")).collect();
        assert!(lines.len() == 1 && lines[0].contains(&wanted.says), "after {used}: {lines:?}, not {}", wanted.says);
        let typed = wanted.line.replace("{look}", "E1");
        let words: Vec<&str> = typed.split_whitespace().collect();
        run(&[&["do"], &place, &["one"], &words]);
    }
    let _ = std::fs::remove_dir_all(&data);
}
