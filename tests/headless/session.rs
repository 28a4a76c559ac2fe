//! Sessions: any commands keep the invariants, a replay is the same session, and what was acknowledged is kept.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use proptest::prelude::*;
use scartissue::console::parse::{Said, parse};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::session::clock::{ClockKind, Seat, Terms};
use scartissue::session::log::{Event, Header, Log, LogError, LogWriter};
use scartissue::session::seal::{self, Seal};
use scartissue::session::{Command, Session};
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::telemetry::watch::Watch;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");
const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios");

fn small() -> Scenario {
    Scenario::open(&Catalogue::built_in(), SMALL).expect("the test's scenario loads")
}

fn session(seed: u64, clock: ClockKind) -> Session {
    let scenario = small();
    let variant = scenario.file.variants[0].name.clone();
    let paged_at = Watch::new(&scenario.file, &variant, seed, 7).expect("a world").run_to_first_page();
    let seal = Seal {
        v: seal::VERSION,
        scenario: SMALL.to_string(),
        variant,
        seed,
        salt: 7,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    Session::open(scenario, seal, Terms { clock, ..Terms::default() }).expect("a session")
}

/// A directory of this test's own, empty.
fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("scartissue-session-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a temporary directory can be made");
    path
}

/// Lines that somebody may type, sensible and not.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        Just("ack"),
        Just("next"),
        Just("wait 45s"),
        Just("explore sum(rate(envoy_http_downstream_rq_total[1m]))"),
        Just("explore sum(("),
        Just("believe api.flag=60 other=40"),
        Just("believe api.flag=60"),
        Just("pin E1 odd"),
        Just("link E1 for api.flag"),
        Just("commit api.flag 70 E1"),
        Just("commit demand.growth 50"),
        Just("arm"),
        Just("safe"),
        Just("act shed=0.2"),
        Just("act flag-off:fast-headers"),
        Just("act restart:only"),
        Just("act restart:only/1 confirm only"),
        Just("act shed=7"),
        Just("update 20% api.flag 60 looking 10"),
        Just("sev 2"),
        Just("page gateway"),
        Just("page nobody"),
        Just("bookmark here"),
        Just("end"),
    ];
    prop::collection::vec(line.prop_map(str::to_string), 0..14)
}

/// What the commands of some lines came to: time, answers, board.
fn play(session: &mut Session, lines: &[String]) -> Vec<String> {
    let mut told = Vec::new();
    for line in lines {
        let Ok(Said::Command(command)) = parse(line) else { continue };
        let before = session.now();
        let reply = session.apply(Seat::Participant, &command);
        assert!(before <= session.now(), "time ran backwards at {line}");
        assert!(session.now() <= session.horizon());
        if let Err(refusal) = &reply {
            assert_eq!(before, session.now(), "a refused command cost time: {line}: {refusal}");
            assert!(!refusal.0.is_empty());
        }
        let points: u32 = session.board().points.values().map(|p| u32::from(*p)).sum();
        assert!(points == 0 || points == 100, "{points} points after {line}");
        told.push(format!("{:?} {:?}", session.now(), reply));
    }
    told.push(serde_json::to_string(&session.view()).expect("a view is plain data"));
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_commands_keep_the_invariants_and_play_alike_again(lines in lines(), seed in 0u64..3) {
        let once = play(&mut session(seed, ClockKind::Metered), &lines);
        let again = play(&mut session(seed, ClockKind::Metered), &lines);
        prop_assert_eq!(once, again);
    }

    #[test]
    fn a_live_clock_may_be_advanced_in_any_chunks(chunks in prop::collection::vec(1u64..90, 1..8)) {
        let total: u64 = chunks.iter().sum();
        let (mut whole, mut parts) = (session(1, ClockKind::Live), session(1, ClockKind::Live));
        let from = whole.now();
        let mut at_once = whole.advance_to(from + SimDuration::from_secs(total));
        let mut bit_by_bit = Vec::new();
        let mut passed = 0;
        for chunk in chunks {
            passed += chunk;
            bit_by_bit.extend(parts.advance_to(from + SimDuration::from_secs(passed)));
        }
        at_once.sort_by(|a, b| (a.at, &a.text).cmp(&(b.at, &b.text)));
        bit_by_bit.sort_by(|a, b| (a.at, &a.text).cmp(&(b.at, &b.text)));
        prop_assert_eq!(at_once, bit_by_bit);
        prop_assert_eq!(whole.view(), parts.view());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes_are_no_log_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Log::parse(&bytes, "bytes");
        let _ = Log::salvage(&bytes, "bytes");
    }

    #[test]
    fn arbitrary_lines_are_commands_or_are_refused(line in ".{0,120}") {
        let _ = parse(&line);
    }

    #[test]
    fn a_log_with_one_byte_changed_is_found_out(place in 0usize..10_000, bit in 0u8..8) {
        let path = directory("edited").join("log.jsonl");
        let mut bytes = written(&path, 5);
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        match Log::parse(&bytes, "edited") {
            Err(_) => {}
            // A torn end is what a kill leaves; then what was cut off is missing.
            Ok(log) => prop_assert!(log.torn || log.events.len() < 5),
        }
    }
}

fn header() -> Header {
    Header {
        v: 1,
        session: "s".to_string(),
        case: "INC-1001".to_string(),
        terms: Terms::default(),
        by: "you".to_string(),
        build: "test".to_string(),
        forked_from: None,
    }
}

fn event(n: u64) -> Event {
    Event {
        n,
        at: n * 1000,
        seat: Seat::Participant,
        by: "you".to_string(),
        command: Command::Bookmark { text: format!("mark {n}") },
        saw: "00".to_string(),
    }
}

fn written(path: &Path, events: u64) -> Vec<u8> {
    let _ = std::fs::remove_file(path);
    let mut writer = LogWriter::create(path, &header()).expect("a log can be written");
    (1..=events).for_each(|n| writer.write(&event(n)).expect("an event can be written"));
    std::fs::read(path).expect("it is there")
}

#[test]
fn a_log_cut_anywhere_keeps_its_whole_lines() {
    let path = directory("cut").join("log.jsonl");
    let bytes = written(&path, 6);
    let first = bytes.iter().position(|b| *b == b'\n').expect("a line") + 1;
    for end in first..=bytes.len() {
        let log = Log::parse(&bytes[..end], "cut").expect("a torn end is no damage");
        let lines = bytes[..end].iter().filter(|b| **b == b'\n').count();
        assert_eq!(log.events.len(), lines - 1);
        assert_eq!(log.torn, bytes[end - 1] != b'\n');
    }
}

#[test]
fn a_torn_log_goes_on_where_it_was_sound() {
    let path = directory("torn").join("log.jsonl");
    let bytes = written(&path, 3);
    std::fs::write(&path, &bytes[..bytes.len() - 7]).expect("it can be cut");
    let log = Log::read(&path).expect("a torn end is no damage");
    assert_eq!((log.events.len(), log.torn), (2, true));
    let mut writer = LogWriter::resume(&path, &log).expect("it goes on");
    assert_eq!(writer.next(), 3);
    writer.write(&event(3)).expect("an event can be written");
    assert_eq!(Log::read(&path).expect("it is whole").events.len(), 3);
}

#[test]
fn what_is_wrong_with_a_log_is_said() {
    let path = directory("wrong").join("log.jsonl");
    let bytes = written(&path, 3);
    let text = String::from_utf8(bytes.clone()).expect("text");
    let edited = text.replace("mark 2", "mark 9");
    let Err(LogError::Damaged { line: 3, sound: 1, .. }) = Log::parse(edited.as_bytes(), "x") else {
        panic!("line 3 was edited")
    };
    assert_eq!(Log::salvage(edited.as_bytes(), "x").expect("its beginning is sound").events.len(), 1);
    let later = text.replacen("\"v\":1", "\"v\":99", 1);
    assert!(matches!(Log::parse(later.as_bytes(), "x"), Err(LogError::Version { found: 99, .. })));
    assert!(matches!(Log::parse(b"{}\n", "x"), Err(LogError::Foreign { .. })));
    assert!(LogWriter::create(&path, &header()).is_err(), "a log is never written over");
}

fn scartissue(data: &Path, arguments: &[&str]) -> Process {
    let mut process = Process::new(env!("CARGO_BIN_EXE_scartissue"));
    process.args(arguments).args(["--scenarios", SCENARIOS, "--data-dir"]).arg(data).env("NO_COLOR", "1");
    process
}

#[test]
fn a_session_goes_on_from_call_to_call_and_replays_to_the_byte() {
    let data = directory("calls");
    let run = |arguments: &[&str]| {
        let output = scartissue(&data, arguments).output().expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(run(&["new", "1001", "--as", "one", "--seed", "4"]).0, Some(0));
    let steps: [&[&str]; 5] = [
        &["do", "--by", "ana", "one", "wait", "2m"],
        &["do", "one", "ack"],
        &["do", "one", "explore", "sum(rate(envoy_http_downstream_rq_total[1m]))"],
        &["do", "one", "commit", "api.flag", "70", "E1"],
        &["do", "one", "{\"bookmark\":{\"text\":\"as JSON\"}}"],
    ];
    for step in steps {
        // Options of the program stand before what is said to the session.
        let mut arguments = vec!["do", "--scenarios", SCENARIOS, "--data-dir", data.to_str().expect("text")];
        arguments.extend(&step[1..]);
        let output = Process::new(env!("CARGO_BIN_EXE_scartissue")).args(arguments).output().expect("it starts");
        assert!(output.status.success(), "{step:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let (code, first) = run(&["replay", "one"]);
    assert_eq!(code, Some(0));
    assert_eq!(run(&["replay", "one"]).1, first);
    assert!(first.contains("as JSON"));
    let (code, half) = run(&["replay", "one", "--at", "09:04:00"]);
    assert!(code == Some(0) && half.contains("-- 09:04:00 |") && !half.contains("{\"wait\""), "{half}");
    assert_eq!(run(&["fork", "one", "--at", "14:08:30", "--as", "two"]).0, Some(0));
    assert_eq!(run(&["new", "1001", "--as", "one"]).0, Some(2), "a session is never begun over another");
    assert_eq!(run(&["replay", "oen"]).0, Some(2));
}

/// Each call is a process of its own: what an earlier one was answered is found again, free of charge; and who leaves out
/// where the scenario came from is told the way out, and no author's word.
#[test]
fn an_answer_is_shown_again_in_another_call_and_a_session_from_elsewhere_says_so() {
    let data = directory("again");
    let place = ["--data-dir", data.to_str().expect("text")];
    let run = |arguments: &[&[&str]]| {
        let output = Process::new(env!("CARGO_BIN_EXE_scartissue"))
            .args(arguments.concat())
            .env("NO_COLOR", "1")
            .output()
            .expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let of_ours = |line: &[&str]| run(&[&["do", "--scenarios", SCENARIOS], &place, &["one"], line]);
    let begun = run(&[&["new", "1902", "--as", "one", "--seed", "4", "--scenarios", SCENARIOS], &place]);
    assert_eq!(begun.0, Some(0), "{begun:?}");
    let (_, asked, _) = of_ours(&["explore", "sum(up)"]);
    let answer = asked.lines().nth(1).unwrap_or_default();
    assert!(answer.contains("{}"), "a number without a label: {asked}");
    let status = |text: &str| text.lines().find(|line| line.starts_with("-- ")).unwrap_or_default().to_string();
    let (code, shown, talk) = of_ours(&["show", "E1"]);
    assert_eq!((code, status(&shown)), (Some(0), status(&asked)), "{shown}{talk}");
    assert!(shown.contains(answer), "{shown} has no {answer}");
    let (code, _, talk) = of_ours(&["show", "E7"]);
    assert!(code == Some(1) && talk.contains("there is no E7"), "{code:?} {talk}");

    for command in [&["do"][..], &["debrief"], &["replay"]] {
        let rest: &[&str] = if command == ["do"] { &["one", "status"] } else { &["one"] };
        let (code, data, talk) = run(&[command, &place, rest]);
        assert!(code != Some(0) && data.is_empty(), "{command:?}: {code:?} {data}");
        assert!(
            talk.contains("INC-1902") && talk.contains("--pack FILE") && talk.contains("--scenarios DIR"),
            "{talk}"
        );
        assert!(!talk.contains("planted") && !talk.contains("canary"), "{talk}");
    }
}

/// Kills the program at moments that differ; what it had acknowledged must be in the log, and it must go on.
#[test]
fn what_was_acknowledged_survives_a_kill() {
    const KILLS: u64 = 100;
    let data = directory("kill");
    let begun = scartissue(&data, &["new", "1001", "--as", "one", "--seed", "4"]).output().expect("it starts");
    assert!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));
    let log = data.join("sessions/one/log.jsonl");
    let mut acknowledged = 0;
    let mut said = 0u64;
    for kill in 0..KILLS {
        let mut process = scartissue(&data, &["play", "--resume", "one"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut input = process.stdin.take().expect("piped");
        let from = said;
        said += 40;
        let writer = std::thread::spawn(move || {
            for n in from..from + 40 {
                if writeln!(input, "bookmark mark {n}").is_err() {
                    return;
                }
            }
        });
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let wanted = (kill * 7) % 38;
        let mut answers = 0;
        for line in output.lines() {
            let Ok(line) = line else { break };
            answers += u64::from(line == "noted");
            if wanted < answers {
                break;
            }
        }
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
        writer.join().expect("the writer ends");
        acknowledged += answers;
        let kept = Log::read(&log).expect("the log is sound").events.len() as u64;
        assert!(acknowledged <= kept, "kill {kill}: {acknowledged} were acknowledged and {kept} are kept");
        acknowledged = kept;
    }
    let replayed = scartissue(&data, &["replay", "one"]).output().expect("it starts");
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
}

#[test]
fn two_processes_cannot_have_one_session() {
    let data = directory("two");
    assert!(
        scartissue(&data, &["new", "1001", "--as", "one", "--seed", "4"]).output().expect("it starts").status.success()
    );
    let mut first = scartissue(&data, &["play", "--resume", "one"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(first.stdout.as_mut().expect("piped")).read_line(&mut line).expect("it talks");
    let second = scartissue(&data, &["play", "--resume", "one"]).output().expect("it starts");
    assert_eq!(second.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another process"));
    first.kill().expect("it can be killed");
    first.wait().expect("it ends");
    let third = scartissue(&data, &["play", "--resume", "one"]).stdin(Stdio::null()).output().expect("it starts");
    assert!(third.status.success(), "the lock goes with its process");
}

#[test]
fn a_live_look_is_answered_when_its_price_has_passed() {
    let mut session = session(2, ClockKind::Live);
    let from = session.now();
    let Ok(Said::Command(look)) = parse("explore sum(rate(envoy_http_downstream_rq_total[1m]))") else {
        panic!("a look")
    };
    session.apply(Seat::Participant, &look).expect("it is asked");
    assert_eq!(session.now(), from, "a live clock is not moved by prices");
    assert!(session.advance_to(from + SimDuration::from_secs(9)).is_empty());
    let notices = session.advance_to(from + SimDuration::from_secs(11));
    assert!(notices[0].text.starts_with("E1 "), "{notices:?}");
    assert_eq!(notices[0].at, SimTime(from.0) + SimDuration::from_secs(10));
}

fn say(session: &mut Session, line: &str) -> Result<String, String> {
    let Ok(Said::Command(command)) = parse(line) else { panic!("{line} is a command") };
    session.apply(Seat::Participant, &command).map(|reply| reply.text).map_err(|e| e.to_string())
}

#[test]
fn an_open_board_is_live_for_a_minute_and_grey_afterwards_and_two_are_open() {
    let mut session = session(2, ClockKind::Metered);
    assert!(session.glance("serving").expect_err("none is open").contains("`board serving`"));
    let first = say(&mut session, "board serving 10m").expect("a board");
    assert_eq!(session.glance("serving").map(|(text, _)| text), Ok(first.clone()));
    let (from, spent) = (session.now(), session.view().spent_s);
    say(&mut session, "wait 40s").expect("time passes");
    let (live, _) = session.glance("serving").expect("it is open");
    assert!(live != first && !live.contains("grey"), "{live}");
    say(&mut session, "wait 40s").expect("time passes");
    let (grey, _) = session.glance("serving").expect("it is open");
    assert!(grey.starts_with("(grey: 20 s old; `board serving` looks again)"), "{grey}");
    assert_eq!(session.view().spent_s, spent + 80.0, "a glance costs nothing");
    assert_eq!(session.view().open_boards[0].age_s, 20.0);
    let seen = session.observations()[0].answer.as_ref().map(|answer| answer.seen.to);
    assert_eq!(seen, Some(from + SimDuration::from_secs(60)), "what stood on it was seen");
    say(&mut session, "board overview").expect("a board");
    say(&mut session, "board kv_cache").expect("a board");
    let open: Vec<String> = session.view().open_boards.into_iter().map(|open| open.board).collect();
    assert_eq!(open, ["overview", "kv_cache"]);
}

#[test]
fn what_nobody_acknowledges_goes_to_the_secondary_and_bots_tell_the_channel() {
    let mut session = session(2, ClockKind::Metered);
    say(&mut session, "wait 70s").expect("the page comes");
    assert!(say(&mut session, "page gatewy").expect_err("a slip").contains("gateway"));
    say(&mut session, "/page gateway").expect("a team");
    let Ok(Said::Command(wait)) = parse("wait 5m") else { panic!("a command") };
    let reply = session.apply(Seat::Participant, &wait).expect("time passes");
    assert!(reply.notices.iter().any(|notice| notice.text.contains("the secondary was paged")), "{reply:?}");
    say(&mut session, "ack").expect("it is acknowledged at last");
    say(&mut session, "sev 2").expect("a severity");
    let channel: Vec<String> =
        session.comms().channel.iter().map(|line| format!("{}: {}", line.from, line.text)).collect();
    for says in
        ["pager: PAGE INC-1001", "gateway on call was paged", "the secondary was paged", "was acknowledged", "SEV2"]
    {
        assert!(channel.iter().any(|line| line.contains(says)), "{says}: {channel:?}");
    }
    assert!(session.status_line().contains("SEV2") && session.status_line().contains("users in pain"));
}

/// A subquery may hold millions of samples; nobody is shown them, and nobody's memory has to hold them as an answer.
#[test]
fn a_range_that_no_screen_can_show_is_refused() {
    let mut session = session(5, ClockKind::Metered);
    let ask = |session: &mut Session, query: &str| say(session, &format!("explore {query}"));
    let few = ask(&mut session, "vector(1)[5m:30s]").expect("eleven samples or so");
    assert!(!few.contains("can be shown"), "{few}");
    let many = ask(&mut session, "vector(1)[20d:5s]").expect("a look with no answer");
    assert!(many.contains("its range holds 345601 samples") && many.contains("shorter"), "{many}");
}

#[test]
fn a_live_clock_stops_and_has_four_speeds() {
    let mut session = session(2, ClockKind::Live);
    say(&mut session, "pause").expect("it stops");
    assert!(session.is_stopped());
    say(&mut session, "resume").expect("it goes on");
    say(&mut session, "speed 8").expect("a speed");
    assert_eq!((session.is_stopped(), session.speed()), (false, 8));
    assert!(say(&mut session, "speed 3").expect_err("no speed").contains("1, 2, 4 or 8"));
    let mut metered = self::session(2, ClockKind::Metered);
    assert!(say(&mut metered, "pause").expect_err("it stands anyway").contains("metered"));
}

/// The world that was kept when the paging rule began to hold is the one that a session would have played from its
/// beginning.
#[test]
fn a_session_begun_from_the_run_to_its_page_is_the_same() {
    let scenario = Scenario::open(&Catalogue::built_in(), "quiet-tuesday").expect("the scenario loads");
    let variant = scenario.file.variants[0].name.clone();
    let watch = || Watch::new(&scenario.file, &variant, 3, 7).expect("a world");
    let paged_at = watch().run_to_first_page();
    let (again, kept) = watch().before_first_page(SimDuration(seal::LEAD_NS));
    assert_eq!(again, paged_at);
    let seal = Seal {
        v: seal::VERSION,
        scenario: "quiet-tuesday".to_string(),
        variant: variant.clone(),
        seed: 3,
        salt: 7,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    let mut sessions = vec![Session::open(scenario.clone(), seal.clone(), Terms::default()).expect("a session")];
    let kept = kept.expect("its rule holds for a minute before it pages");
    sessions.push(Session::watching(scenario.clone(), seal, Terms::default(), kept));
    let told = |session: &mut Session| {
        let lines = [
            "next",
            "explore sum by (pod) (vllm:prompt_tokens_total) over 5m",
            "sql select count(*), max(time) from requests",
        ];
        let said: Vec<_> = lines.map(|line| say(session, line)).into();
        (said, serde_json::to_string(&session.view()).expect("plain data"))
    };
    let told: Vec<_> = sessions.iter_mut().map(told).collect();
    assert_eq!(told[0], told[1]);
}
