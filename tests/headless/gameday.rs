//! Game days: codes, a host at the same console, what the playing side may see of it, the wheel, the host's kit, and several
//! teams on one page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};

use scartissue::console::host::{HostLine, read};
use scartissue::console::parse::{Said, parse};
use scartissue::console::{ask, shell};
use scartissue::report::hostkit;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::check::seen::authors_words;
use scartissue::score::debrief::debrief;
use scartissue::session::clock::{ClockKind, Seat, Terms};
use scartissue::session::log::Event;
use scartissue::session::roles::Role;
use scartissue::session::seal::{self, Seal};
use scartissue::session::{Command, Session};
use scartissue::telemetry::watch::Watch;
use serde_json::Value;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios");
const PASSPHRASE: &str = "three old boots";

fn small() -> Scenario {
    Scenario::open(&Catalogue::built_in(), &format!("{SCENARIOS}/small.ron")).expect("the test's scenario loads")
}

fn session(clock: ClockKind, roles: &[&str]) -> Session {
    let scenario = small();
    let variant = scenario.file.variants[0].name.clone();
    let paged_at = Watch::new(&scenario.file, &variant, 4, 7).expect("a world").run_to_first_page();
    let seal = Seal {
        v: seal::VERSION,
        scenario: format!("{SCENARIOS}/small.ron"),
        variant,
        seed: 4,
        salt: 7,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    let roles = roles.iter().map(|text| Role::read(text, &["overview", "serving"]).expect("a role")).collect();
    Session::open(scenario, seal, Terms { clock, roles, ..Terms::default() }).expect("a session")
}

/// A line as it is typed, and whose it is.
fn said(line: &str) -> (Seat, Command) {
    match parse(line) {
        Ok(Said::Command(command)) => (Seat::Participant, command),
        Ok(Said::Host(HostLine::Command(command))) => (Seat::Host, command),
        other => panic!("{line}: {other:?}"),
    }
}

fn say(session: &mut Session, by: &str, line: &str) -> Result<String, String> {
    let (seat, command) = said(line);
    session.apply_by(seat, by, &command).map(|reply| shell::told(&reply)).map_err(|e| e.to_string())
}

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("scartissue-gameday-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a temporary directory can be made");
    path
}

fn run(data: &Path, scenarios: &str, arguments: &[&str]) -> Output {
    // Options stand before what is said to a session.
    let at = if arguments[0] == "gameday" { 2 } else { 1 };
    Process::new(env!("CARGO_BIN_EXE_scartissue"))
        .args(&arguments[..at])
        .args(["--scenarios", scenarios, "--data-dir"])
        .arg(data)
        .args(&arguments[at..])
        .env("NO_COLOR", "1")
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command that does well prints.
fn told(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, SCENARIOS, arguments);
    assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout).trim_end().to_string()
}

/// What a command that is refused says, with its exit code.
fn refused(data: &Path, scenarios: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(data, scenarios, arguments);
    assert!(!output.status.success(), "{arguments:?} was not refused: {}", text(&output.stdout));
    (output.status.code(), text(&output.stderr))
}

fn passphrase_file(data: &Path) -> String {
    let file = data.join("passphrase");
    fs::write(&file, format!("{PASSPHRASE}\n")).expect("it can be written");
    file.display().to_string()
}

#[test]
fn two_sessions_by_one_code_are_the_same_until_somebody_does_something_else() {
    let data = directory("code");
    let code = told(&data, &["gameday", "code", "small", "--seed", "4"]);
    let new = |name: &str| told(&data, &["new", "--code", &code, "--as", name]);
    assert_eq!(new("one"), new("two"), "the first screen");
    let lines = [vec!["next"], vec!["ack"], vec!["board", "api"], vec!["sql", "select * from requests limit 3"]];
    for line in lines {
        let of = |name| told(&data, &[&["do", name][..], &line].concat());
        assert_eq!(of("one"), of("two"), "{line:?}");
    }
    let log = |name: &str| fs::read_to_string(data.join("sessions").join(name).join("log.jsonl")).expect("a log");
    assert_eq!(log("one"), log("two"), "logs to the byte");
    let (one, two) = (told(&data, &["do", "one", "wait", "30s"]), told(&data, &["do", "two", "wait", "31s"]));
    assert_ne!(one, two, "and then they part");
    let (one, two) = (log("one"), log("two"));
    let (one, two): (Vec<&str>, Vec<&str>) = (one.lines().collect(), two.lines().collect());
    assert_eq!((&one[..5], one.len()), (&two[..5], 6));
    assert_ne!(one[5], two[5]);
    assert!(!told(&data, &["sessions"]).contains("named"), "a code is no author's name");
}

#[test]
fn a_code_that_opens_nothing_says_why_and_what_to_do() {
    let data = directory("codes");
    let code = told(&data, &["gameday", "code", "small", "--seed", "4"]);
    let spoken = code.to_lowercase().replace('-', " ");
    told(&data, &["new", "--code", &spoken, "--as", "typed"]);
    let read: Value =
        serde_json::from_str(&told(&data, &["gameday", "code", "--read", &code, "--json"])).expect("JSON");
    assert_eq!((&read["case"], &read["seed"]), (&Value::from("INC-1001"), &Value::from(4)));

    // A symbol that was misheard, and two that changed places.
    let other = if code.starts_with('7') { "8" } else { "7" };
    let mut swapped: Vec<char> = code.chars().collect();
    let place = (0..3).find(|i| swapped[*i] != swapped[i + 1]).expect("two that differ");
    swapped.swap(place, place + 1);
    for slip in [format!("{other}{}", &code[1..]), swapped.into_iter().collect()] {
        let (exit, says) = refused(&data, SCENARIOS, &["play", "--code", &slip]);
        assert!(exit == Some(2) && says.contains(&format!("did you mean {code}?")), "{slip}: {says}");
    }
    let (exit, says) = refused(&data, SCENARIOS, &["new", "--code", "K7F3"]);
    assert!(exit == Some(2) && says.contains("twelve letters and digits"), "{says}");

    // The same case in a catalogue in which it is another.
    let elsewhere = directory("elsewhere");
    let small = fs::read_to_string(format!("{SCENARIOS}/small.ron")).expect("it is there");
    fs::write(elsewhere.join("small.ron"), small.replace("share: 0.35", "share: 0.36")).expect("it can be written");
    let (exit, says) = refused(&data, &elsewhere.display().to_string(), &["new", "--code", &code]);
    let made = format!("made by build {}", env!("CARGO_PKG_VERSION"));
    assert!(exit == Some(2) && says.contains(&made) && says.contains("case 1001 is another than here"), "{says}");
    let (_, says) = refused(&data, SCENARIOS, &["new", "--code", &code, "--seed", "3"]);
    assert!(says.contains("cannot be used with"), "{says}");
    let (exit, says) = refused(&data, SCENARIOS, &["gameday", "code", "small", "--seed", "99999"]);
    assert!(exit == Some(2) && says.contains("seeds up to 32767"), "{says}");
}

#[test]
fn a_host_holds_freezes_says_pages_and_takes_people_away() {
    let mut played = session(ClockKind::Live, &["ana=ic:overview", "ben=ops:serving", "cy=comms"]);
    let from = played.now();
    say(&mut played, "", "host pause").expect("held");
    assert!(played.is_stopped());
    let again = say(&mut played, "ana", "resume").expect_err("not theirs");
    assert!(again.contains("the host holds the clock"), "{again}");
    assert_eq!(played.now(), from);
    say(&mut played, "", "host resume").expect("let go");
    assert!(!played.is_stopped());

    let mut played = session(ClockKind::Metered, &["ana=ic:overview", "ben=ops:serving", "cy=comms"]);
    let no = say(&mut played, "", "host pause").expect_err("a metered clock stands by itself");
    assert!(no.contains("metered"), "{no}");
    say(&mut played, "ben", "wait 2m").expect("time passes");
    say(&mut played, "ana", "ack").expect("the page came");
    say(&mut played, "ben", "board serving").expect("it is his to see");
    assert!(ask::answer_to(&mut played, "ben", "map", "").is_err(), "who sees one board does not see all layers");

    say(&mut played, "", "host freeze \"Is demand up?\"").expect("frozen");
    for (by, line) in
        [("ana", "board overview"), ("ben", "wait 10s"), ("cy", "explore up"), ("ana", "commit api.flag 70 E1")]
    {
        let no = say(&mut played, by, line).expect_err("blank");
        assert!(no.contains("Is demand up?") && no.contains("`say`"), "{no}");
    }
    for question in ["status", "looks", "case", "map", "channel", "glance", "brief"] {
        let no = ask::answer_to(&mut played, "cy", question, "").expect_err("blank");
        assert!(no.contains("frozen every screen"), "{question}: {no}");
    }
    let view = played.view_of("cy");
    let blank = view.looks.is_empty() && view.channel.is_empty() && view.pain_percent.is_none() && view.page.is_empty();
    assert!(blank && view.frozen.as_deref() == Some("Is demand up?"), "{view:?}");
    assert!(!played.status_line().contains("pain"), "{}", played.status_line());
    say(&mut played, "ana", "say as usual, it is errors").expect("answers are taken");
    say(&mut played, "", "host release").expect("released");
    assert_eq!(played.probes()[0].answers, [("ana".to_string(), "as usual, it is errors".to_string())]);

    say(&mut played, "", "host say cto \"numbers, please\"").expect("said");
    let news = say(&mut played, "cy", "bookmark now").expect("marked");
    assert!(news.contains("cto: numbers, please"), "what a host did is told with the next answer: {news}");
    for (line, why) in [("host say pager hello", "nobody speaks as pager"), ("host say ana hello", "sits at the table")]
    {
        assert!(say(&mut played, "", line).expect_err("not as those").contains(why));
    }
    say(&mut played, "", "host page customer bridge is open").expect("paged");
    assert!(say(&mut played, "ben", "ack").expect("the second page").contains("customer bridge"));

    assert!(say(&mut played, "ben", "commit api.flag 70 E1").expect_err("ana's").contains("commander's"));
    say(&mut played, "", "host leave ana").expect("gone");
    assert!(say(&mut played, "ana", "board overview").expect_err("gone").contains("dropped out"));
    say(&mut played, "ben", "commit api.flag 70 E1").expect("what she was there for falls to who is there");
    assert!(say(&mut played, "", "host leave anna").expect_err("a slip").contains("there are: ana, ben, cy"));
    say(&mut played, "", "host return ana").expect("back");
    say(&mut played, "", "host role ben=scribe:overview").expect("a host sets who sees what");
    assert!(say(&mut played, "ben", "board serving").expect_err("no more").contains("you see overview"));
    say(&mut played, "ben", "board overview").expect("his to see");
    for line in ["host pause", "host note - anchors", "host freeze", "inject api.auth_shard AuthShardDown(shard: 1)"] {
        let (_, command) = said(line);
        let no = played.apply_by(Seat::Participant, "ben", &command).expect_err("the host's").to_string();
        assert!(no.contains("host"), "{line}: {no}");
    }
}

#[test]
fn what_a_host_did_is_played_again_and_kept_apart_from_what_counts() {
    let mut played = session(ClockKind::Metered, &[]);
    let lines = [
        "host note + reads the page aloud",
        "wait 2m",
        "host inject api.auth_shard AuthShardDown(shard: 1) for 5m",
        "host say cto \"how bad?\"",
        "next",
        "alerts",
        "commit api.flag 70 E1 last",
        "end",
        "host note - nobody told support",
    ];
    let mut events: Vec<Event> = Vec::new();
    for line in lines {
        let ((seat, command), at) = (said(line), played.now().0);
        played.apply_by(seat, "", &command).unwrap_or_else(|e| panic!("{line}: {e}"));
        let n = events.len() as u64 + 1;
        events.push(Event { n, at, seat, by: String::new(), command, saw: String::new() });
    }
    let mut again = session(ClockKind::Metered, &[]);
    for event in &events {
        let reply = again.apply_by(event.seat, "", &event.command).expect("what was taken is taken again");
        assert!(event.at <= again.now().0, "{}", reply.text);
    }
    assert_eq!(again.watch().world.event_hash(), played.watch().world.event_hash());
    let view = |s: &Session| serde_json::to_string(&s.view()).expect("plain data");
    assert_eq!((view(&again), again.notes()), (view(&played), played.notes()));
    let told = debrief(&played, &events, &|_, _| {}).expect("its history is made again, inject included");
    let gates = serde_json::to_string(&told.card.composite.gates).expect("plain data");
    assert!(gates.contains("hosted"), "{gates}");

    // Notes alone move nothing.
    let mut noted = session(ClockKind::Metered, &[]);
    say(&mut noted, "", "host note quiet team").expect("noted");
    assert!(!noted.is_hosted());
}

#[test]
fn nothing_of_the_hosts_own_is_to_be_seen_where_people_play() {
    let data = directory("leak");
    let file = passphrase_file(&data);
    let host = |words: &[&str]| told(&data, &[&["do", "--host-file", &file, "one", "host"][..], words].concat());
    let code = told(&data, &["gameday", "code", "small", "--seed", "4"]);
    let mut shown = vec![code.clone()];
    shown.push(told(&data, &["new", "--code", &code, "--as", "one", "--host-file", &file, "--role", "ana=ic"]));
    let (exit, says) = refused(&data, SCENARIOS, &["do", "one", "host", "say", "cto", "hello"]);
    assert!(exit == Some(1) && says.contains("--host-file"), "{says}");
    let wrong = data.join("wrong");
    fs::write(&wrong, "three new boots").expect("it can be written");
    let wrong = wrong.display().to_string();
    let (_, says) = refused(&data, SCENARIOS, &["do", "--host-file", &wrong, "one", "host", "freeze"]);
    assert!(says.contains("not the host's passphrase"), "{says}");
    let (exit, says) = refused(&data, SCENARIOS, &["new", "small", "--host-file", &file, "--ranked"]);
    assert!(exit == Some(2) && says.contains("compared with nothing"), "{says}");

    shown.push(told(&data, &["do", "one", "wait", "2m"]));
    host(&["note", "-", "zanzibar"]);
    host(&["inject", "api.auth_shard", "AuthShardDown(shard: 1)"]);
    host(&["say", "cto", "numbers, please"]);
    host(&["leave", "ana"]);
    // Each of these is a process of its own: what the host did is still so.
    let (_, says) = refused(&data, SCENARIOS, &["do", "--by", "ana", "one", "alerts"]);
    assert!(says.contains("dropped out"), "{says}");
    let news = told(&data, &["do", "one", "bookmark", "now"]);
    assert!(news.contains("cto: numbers, please"), "{news}");
    host(&["freeze", "up", "or", "down?"]);
    let (_, says) = refused(&data, SCENARIOS, &["do", "one", "alerts"]);
    assert!(says.contains("up or down?"), "{says}");
    host(&["release"]);
    shown.push(told(&data, &["do", "one", "channel"]));
    assert!(shown.last().is_some_and(|s| s.contains("numbers, please")), "what a host says to people is there");
    for line in
        [vec!["wait", "2m"], vec!["alerts"], vec!["changes"], vec!["get", "events"], vec!["logs"], vec!["looks"]]
    {
        shown.push(told(&data, &[&["do", "one"][..], &line].concat()));
    }
    shown.push(told(&data, &["do", "--json", "one", "status"]));
    shown.push(told(&data, &["replay", "one"]));
    shown.push(told(&data, &["replay", "--json", "one"]));
    shown.push(told(&data, &["sessions", "--json"]).replace("host", ""));
    // The same at a console that a host uses: what is typed after `host` is neither echoed nor answered in full.
    let typed = format!(
        "host note closed\nhost open wrong boots here\nhost open {PASSPHRASE}\nhost note + zanzibar\nhost inject api.auth_shard AuthShardDown(shard: 0)\nhost page customer bridge\nhost close\nhost page late\nquit\n"
    );
    let mut play = Process::new(env!("CARGO_BIN_EXE_scartissue"));
    let arguments = ["play", "--code", &code, "--as", "console", "--host-file", &file, "--scenarios", SCENARIOS];
    let mut child = play
        .args(arguments)
        .arg("--data-dir")
        .arg(&data)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), typed.as_bytes()).expect("it listens");
    let output = child.wait_with_output().expect("it ends");
    let console = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{console}");
    for (what, times) in
        [("PAGE INC-1001: customer bridge", 1), ("seat is closed: `host open", 2), ("not the passphrase", 1)]
    {
        assert_eq!(console.matches(what).count(), times, "{what}: {console}");
    }
    shown.push(console);

    let mut words = authors_words(&small());
    words.extend(["zanzibar", "authshard", "auth_shard", "injected", "boots", "canary", "shard: 0"].map(String::from));
    for text in &shown {
        let small_letters = text.to_lowercase();
        let found: Vec<&String> = words.iter().filter(|word| small_letters.contains(word.as_str())).collect();
        assert!(found.is_empty(), "{found:?} in: {text}");
    }
    let log = fs::read_to_string(data.join("sessions/one/log.jsonl")).expect("a log");
    assert!(!log.contains("boots") && log.contains("zanzibar"), "the log has what was done, and no passphrase");
    let seal = fs::read_to_string(data.join("sessions/one/seal.json")).expect("a seal");
    assert!(!seal.contains("boots"));
}

#[test]
fn a_kit_has_what_is_needed_and_its_commands_are_taken() {
    let scenario = small();
    let kit = hostkit::kit(&scenario, "canary-flag-variant", 4).expect("a kit");
    assert_eq!(kit.injects.len(), 6);
    assert!(kit.injects.iter().all(|i| !i.commands.is_empty()), "{:?}", kit.injects);
    let lines: Vec<String> = kit.expect.iter().map(|e| format!("{}: {}", e.kind, e.text)).collect();
    let place =
        |begins: &str| lines.iter().position(|line| line.starts_with(begins)).unwrap_or_else(|| panic!("{lines:#?}"));
    assert!(place("cause: a flag turns on") < place("symptom: errors rise"), "{lines:#?}");
    assert!(place("symptom: errors rise") < place("page: the page: API errors"), "{lines:#?}");
    assert_eq!(kit.phases.len(), 4);
    // Each command is taken by a session of that very world.
    let mut played = session(ClockKind::Metered, &["ana=commander", "ben=operator"]);
    say(&mut played, "ana", "wait 3m").expect("time passes");
    let freezes = kit.freezes.iter().flat_map(|f| &f.commands);
    for line in kit.injects.iter().flat_map(|i| &i.commands).chain(freezes) {
        say(&mut played, "", line).unwrap_or_else(|why| panic!("{line}: {why}"));
    }
    let page = hostkit::html(&kit);
    let spoils = "a flag turns on a path that throws";
    assert!(page.contains(spoils) && page.contains(&kit.code) && page.contains("Host only"), "what a host needs");
    assert!(page.matches("class=\"phase\"").count() == 4 && page.matches("role=\"timer\"").count() == 4);
    for outside in ["http://", "https://", "src=", "@import", "url(http"] {
        assert!(!page.contains(outside), "the page needs {outside}");
    }

    let data = directory("kit");
    let html = data.join("kit.html").display().to_string();
    let printed = told(&data, &["hostkit", "small", "--seed", "4", "--html", &html]);
    assert!(printed.starts_with(&kit.code) || printed.contains("--code"), "{printed}");
    assert!(!printed.contains(spoils), "what is printed may stand on a projector");
    assert!(fs::read_to_string(&html).expect("a page").contains("Host only"));
    let json: Value = serde_json::from_str(&told(&data, &["hostkit", "small", "--seed", "4", "--json"])).expect("JSON");
    assert!(json["injects"].as_array().is_some_and(|i| i.len() == 6), "{json}");
    let (exit, says) =
        refused(&data, SCENARIOS, &["hostkit", "small", "--seed", "4", "--variant", "canary-flg-variant"]);
    assert!(exit == Some(2) && says.contains("canary-flag-variant"), "{says}");
}

#[test]
fn a_kit_says_when_the_cache_is_lost_who_is_paged_and_what_is_true_then() {
    let scenario = Scenario::open(&Catalogue::built_in(), "first-shift-3").expect("it ships");
    let lost = scenario.file.variants.iter().find(|v| !v.causes.is_empty()).expect("something is wrong in one");
    let kit = hostkit::kit(&scenario, &lost.name, 7).expect("a kit");
    let place = |wanted: &dyn Fn(&hostkit::Expect) -> bool| kit.expect.iter().position(wanted);
    let falls = place(&|e| e.kind == "symptom" && e.text.starts_with("hit ratio falls"));
    let (alert, page) = (place(&|e| e.kind == "alert"), place(&|e| e.kind == "page"));
    let told: Vec<&String> = kit.expect.iter().map(|e| &e.text).collect();
    assert!(falls.is_some() && alert.is_some() && falls < page, "{told:#?}");
    assert!(kit.injects.iter().all(|i| !i.commands.is_empty()), "{:?}", kit.injects);
    let truth = &kit.freezes[0].truth;
    assert!(truth[0].starts_with("unique requests: as usual"), "{truth:?}");
    assert!(truth[2].starts_with("hit ratio: ") && truth.len() == 5, "{truth:?}");
}

#[test]
fn the_wheel_is_fair_seeded_and_gives_a_code_that_opens() {
    let data = directory("wheel");
    let spin = |seed: &str| -> Value {
        let arguments = ["gameday", "wheel", "ana", "ben", "cy", "--case", "small", "--seed", seed, "--json"];
        serde_json::from_str(&told(&data, &arguments)).expect("JSON")
    };
    assert_eq!(spin("7"), spin("7"));
    let who: std::collections::BTreeSet<String> =
        ["1", "2", "3", "4", "5", "6", "7", "8"].iter().map(|seed| spin(seed)["who"].to_string()).collect();
    assert_eq!(who.len(), 3, "{who:?}");
    let code = spin("7")["code"].as_str().expect("a code").to_string();
    told(&data, &["new", "--code", &code, "--as", "spun"]);
    let (exit, says) = refused(&data, SCENARIOS, &["gameday", "wheel", "ana", "ana", "--case", "small"]);
    assert!(exit == Some(2) && says.contains("twice"), "{says}");
}

/// Plays a session of a code by lines of the console; those of the host need its file.
fn play(data: &Path, name: &str, code: &str, by: &str, file: &str, lines: &[&str]) {
    told(data, &["new", "--code", code, "--as", name, "--by", by, "--host-file", file]);
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        told(data, &[&["do", "--by", by, "--host-file", file, name][..], &words].concat());
    }
}

#[test]
fn three_teams_stand_on_one_page_and_nobody_is_put_to_shame() {
    let data = directory("report");
    let file = passphrase_file(&data);
    let code = told(&data, &["gameday", "code", "small", "--seed", "4", "--variant", "canary-flag-variant"]);
    let red = [
        "next",
        "board api",
        "host note + zoe reads the page aloud",
        "believe demand.growth=80 other=20",
        "commit demand.growth 70 E1",
        "wait 3m",
        "end",
    ];
    let blue = [
        "next",
        "ack",
        "changes",
        "logs",
        "host note - silent for three minutes",
        "commit api.flag 90 E2",
        "arm",
        "act flag-off:fast-headers",
        "update 30% api.flag 90% \"off with it\" 10",
        "wait 5m",
        "end",
    ];
    let green =
        ["next", "host freeze Is demand up?", "say no", "host release", "alerts", "commit api.validator 50 E1", "end"];
    play(&data, "red", &code, "zoe", &file, &red);
    play(&data, "blue", &code, "yan", &file, &blue);
    play(&data, "green", &code, "xia", &file, &green);
    told(&data, &["new", "--code", &code, "--as", "slow"]);
    play(&data, "torn", &code, "wim", &file, &["next", "end"]);
    let log = data.join("sessions/torn/log.jsonl");
    let damaged = fs::read_to_string(&log).expect("a log").replacen("next", "nxet", 1);
    fs::write(&log, damaged).expect("it can be written");

    let html = data.join("report.html").display().to_string();
    let report = ["gameday", "report", "red", "blue", "green", "slow", "torn", "--html", &html];
    let output = run(&data, SCENARIOS, &report);
    let (printed, talk) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{talk}");
    assert!(talk.contains("torn is left out") && talk.contains("recover"), "{talk}");
    let page = fs::read_to_string(&html).expect("a page");
    for shown in [&printed, &page] {
        let words = shown.rsplit("</style>").next().unwrap_or(shown).split(|c: char| !c.is_alphanumeric());
        let told: Vec<&str> =
            words.filter(|w| "zoe yan xia wim red blue green slow torn".split(' ').any(|n| n == *w)).collect();
        assert!(told.is_empty(), "put to shame: {told:?}");
        for team in ["Avocet", "Bittern", "Curlew"] {
            assert!(shown.contains(team), "{team} is missing: {printed}");
        }
        assert!(shown.contains("it goes on"), "what is left out is said");
        assert!(shown.contains("What had each seen by then"), "a question on which they parted: {printed}");
    }
    assert!(
        page.contains("somebody reads the page aloud") && page.contains("silent for three minutes"),
        "notes beside"
    );
    assert!(page.contains("Is demand up?") && page.contains("the cause taken away"), "a probe, and one counterfactual");
    assert_eq!(page.matches("<article class=\"lane\">").count(), 3);
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src="));

    let named = told(&data, &["gameday", "report", "red", "blue", "green", "--named", "--json"]);
    let named: Value = serde_json::from_str(&named).expect("JSON");
    let teams: Vec<&str> =
        named["teams"].as_array().expect("teams").iter().filter_map(|t| t["name"].as_str()).collect();
    assert_eq!(teams, ["red", "blue", "green"]);
    let right: Vec<bool> = named["teams"].as_array().expect("teams").iter().map(|t| t["right"] == true).collect();
    assert_eq!(right, [false, true, false]);
    let lost = |i: usize| named["teams"][i]["lost"].as_f64().expect("a number");
    assert!(
        lost(1) < lost(0) && lost(0) == lost(2),
        "who switched it off saved users: {} {} {}",
        lost(0),
        lost(1),
        lost(2)
    );
    assert!(named["otherwise"]["lost"].as_f64().expect("a number") < lost(1));

    told(&data, &["new", "small", "--seed", "5", "--as", "other"]);
    told(&data, &["do", "other", "end"]);
    let (exit, says) = refused(&data, SCENARIOS, &["gameday", "report", "red", "other"]);
    assert!(exit == Some(1) && says.contains("did not meet the same world"), "{says}");
    let (exit, says) = refused(&data, SCENARIOS, &["gameday", "report", "torn"]);
    assert!(exit == Some(1) && says.contains("no session is left"), "{says}");
    let (exit, says) = refused(&data, SCENARIOS, &["gameday", "report", "rde"]);
    assert!(exit == Some(2) && says.contains("did you mean `red`"), "{says}");
}

#[test]
fn the_hosts_words_are_read_like_any_others() {
    assert!(read("leave").expect_err("a name is missing").contains("Usage: host leave NAME"));
    assert!(matches!(parse("host open three old boots"), Ok(Said::Host(HostLine::Open(words))) if words == PASSPHRASE));
    let help = scartissue::console::verbs::help(Some("host")).expect("it is a verb");
    assert!(["pause", "freeze", "say", "page", "note", "leave"].iter().all(|verb| help.contains(verb)), "{help}");
}
