//! Several in one session: seats and roles, what each may see and say, and faults that a host injects.

use std::path::{Path, PathBuf};
use std::process::Command as Process;

use scartissue::console::parse::{Said, parse};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::debrief::debrief;
use scartissue::session::clock::{Seat, Terms};
use scartissue::session::log::Event;
use scartissue::session::roles::Role;
use scartissue::session::seal::{self, Seal};
use scartissue::session::{Command, Session};
use scartissue::telemetry::watch::Watch;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios");

fn session(roles: &[&str]) -> Session {
    let path = format!("{SCENARIOS}/small.ron");
    let scenario = Scenario::open(&Catalogue::built_in(), &path).expect("the test's scenario loads");
    let variant = scenario.file.variants[0].name.clone();
    let paged_at = Watch::new(&scenario.file, &variant, 4, 7).expect("a world").run_to_first_page();
    let seal = Seal {
        v: seal::VERSION,
        scenario: path,
        variant,
        seed: 4,
        salt: 7,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    let boards = ["overview", "serving", "kv_cache"];
    let roles = roles.iter().map(|text| Role::read(text, &boards).expect("a role")).collect();
    Session::open(scenario, seal, Terms { roles, ..Terms::default() }).expect("a session")
}

fn command(line: &str) -> Command {
    match parse(line) {
        Ok(Said::Command(command)) => command,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn each_seat_and_each_role_says_what_is_its_own() {
    let mut session = session(&["ana=operator:serving", "ben=communicator:overview", "cy=commander", "dee=scribe"]);
    let mut said = |seat, by: &str, line: &str| session.apply_by(seat, by, &command(line)).map_err(|e| e.to_string());
    for (seat, by, line, says) in [
        (Seat::Participant, "ana", "board serving", Ok(())),
        (Seat::Participant, "ana", "board kv_cache", Err("you see serving")),
        (Seat::Participant, "ana", "explore up", Err("you see serving")),
        (Seat::Participant, "ana", "arm", Ok(())),
        (Seat::Participant, "ana", "commit api.flag 70 E1", Err("the commander's to say")),
        (Seat::Participant, "ben", "board overview", Ok(())),
        (Seat::Participant, "ben", "act shed=0.2", Err("the commander's or the operator's")),
        (Seat::Participant, "ben", "sev 2", Ok(())),
        (Seat::Participant, "dee", "sev 3", Err("and you are the scribe")),
        (Seat::Participant, "dee", "bookmark first look", Ok(())),
        (Seat::Participant, "cy", "explore up", Ok(())),
        (Seat::Participant, "cy", "commit api.flag 70 E3", Ok(())),
        (Seat::Participant, "cy", "inject api.auth_shard AuthShardDown(shard: 1)", Err("only the host")),
        (Seat::Assistant, "bot", "alerts", Ok(())),
        (Seat::Assistant, "bot", "act shed=0.2", Err("the participant's")),
        (Seat::Examiner, "eve", "say which board would tell?", Ok(())),
        (Seat::Examiner, "eve", "alerts", Err("the participant's")),
        (Seat::Host, "hal", "commit api.flag 70 E1", Err("the participant's")),
        (Seat::Host, "hal", "inject api.auth_shrd AuthShardDown(shard: 1)", Err("api.auth_shard")),
    ] {
        if parse(line).is_err() {
            continue; // a name that is none is refused before it is a command
        }
        match (said(seat, by, line), says) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(says)) => assert!(error.contains(says), "{by}: {line}: {error}"),
            (was, _) => panic!("{by}: {line}: {was:?}"),
        }
    }
    let looks = |by: &str| session.view_of(by).looks.into_iter().map(|(_, _, what)| what).collect::<Vec<_>>();
    assert_eq!(looks("ana"), ["board serving", "alerts"]);
    assert_eq!(looks("ben"), ["board overview", "alerts"]);
    assert_eq!(looks("cy").len(), 4);
    assert_eq!(session.view_of("ana").role.map(|role| role.boards), Some(vec!["serving".to_string()]));
}

#[test]
fn an_injected_fault_is_a_cause_of_that_session_and_its_history_is_played_again() {
    let mut session = session(&[]);
    let lines = [
        (Seat::Participant, "wait 2m"),
        (Seat::Host, "inject api.auth_shard AuthShardDown(shrd: 1)"),
        (Seat::Host, "inject api.auth_shard AuthShardDown(shard: 1) for 5m"),
        (Seat::Participant, "wait 4m"),
        (Seat::Participant, "alerts"),
        (Seat::Participant, "commit api.flag 70 E1 last"),
        (Seat::Participant, "end"),
    ];
    let mut events: Vec<Event> = Vec::new();
    for (seat, line) in lines {
        let (at, command) = (session.now().0, command(line));
        match session.apply_by(seat, "", &command) {
            Ok(_) => {
                let n = events.len() as u64 + 1;
                events.push(Event { n, at, seat, by: String::new(), command, saw: String::new() });
            }
            Err(error) => assert!(error.0.contains("shrd") && error.0.contains("shard"), "{line}: {error}"),
        }
    }
    assert_eq!(events.len(), lines.len() - 1, "only the slip was refused");
    let view = serde_json::to_string(&session.view()).expect("plain data");
    assert!(!view.contains("AuthShard") && !view.contains("injected"), "whoever plays is not told: {view}");
    assert!(session.injected()[0].id == "injected-1");
    let debrief = debrief(&session, &events, &|_, _| {}).expect("its history is made again, injection included");
    let causes = serde_json::to_string(&debrief).expect("plain data");
    assert!(causes.contains("injected-1") && causes.contains("canary-flag-cause"), "{causes}");
}

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("scartissue-seats-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a temporary directory can be made");
    path
}

fn scartissue(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let (first, rest) = arguments.split_first().expect("a command");
    let output = Process::new(env!("CARGO_BIN_EXE_scartissue"))
        .args([first, "--scenarios", SCENARIOS, "--data-dir"])
        .arg(data)
        .args(rest)
        .output()
        .expect("the program starts");
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

#[test]
fn a_team_plays_from_the_command_line_and_forks_with_what_was_injected() {
    let data = directory("team");
    let new = ["new", "1001", "--as", "one", "--seed", "4", "--role", "ana=operator:serving", "--role", "cy=commander"];
    assert_eq!(scartissue(&data, &new).0, Some(0));
    let (code, told) = scartissue(&data, &["new", "1001", "--as", "two", "--role", "ana=oprator"]);
    assert!(code == Some(2) && told.contains("operator"), "{told}");
    let (code, told) = scartissue(&data, &["do", "--by", "ana", "one", "board", "network"]);
    assert!(code == Some(1) && told.contains("you see serving"), "{told}");
    let inject = ["do", "--by", "hal", "--seat", "host", "one", "inject", "api.auth_shard", "AuthShardDown(shard: 1)"];
    assert_eq!(scartissue(&data, &inject).0, Some(0));
    assert_eq!(scartissue(&data, &["do", "--by", "cy", "one", "wait", "3m"]).0, Some(0));
    let (code, replay) = scartissue(&data, &["replay", "one"]);
    assert_eq!(code, Some(0), "{replay}");
    let at = replay.lines().last().and_then(|l| l.strip_prefix("-- ")).map(|l| l[..8].to_string()).expect("a time");
    assert_eq!(scartissue(&data, &["fork", "one", "--at", &at, "--as", "forked"]).0, Some(0));
    let forked = scartissue(&data, &["replay", "forked"]);
    assert_eq!((forked.0, forked.1), (Some(0), replay), "the same prefix plays the same");
}
