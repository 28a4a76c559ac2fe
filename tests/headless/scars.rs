//! Profiles: the folders are the truth, whatever happens to the projection; records go out and come back; a first hour from
//! a burn to its retest.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use proptest::prelude::*;
use rusqlite::Connection;
use scartissue::scar::exchange::{read, take_in, to_csv, to_json};
use scartissue::scar::graded::Graded;
use scartissue::scar::memory::{DAY_S, Rating};
use scartissue::scar::occasion::{Drill, OCCASION, Occasion};
use scartissue::scar::profile::{PROJECTION, Profile, SCORECARD, SESSIONS, Settings, write_scorecard};
use scartissue::scar::rating::Grade;
use scartissue::scar::records::{MIGRATIONS, Row};
use scartissue::scar::team::{Cell, Person, team};
use scartissue::score::debrief::Verdict;
use scartissue::session::clock::Mode;
use serde_json::Value;

const CACHE: &str = "kv_cache.membership";
const PAIR: &str = "demand.growth|kv_cache.membership";

/// A graded session, as a right one.
pub fn graded(name: &str, at_s: i64) -> Graded {
    Graded {
        v: 1,
        session: format!("id-{name}"),
        name: name.to_string(),
        by: "you".to_string(),
        at_s,
        moved_days: 0.0,
        case: "INC-4127".to_string(),
        scenario: "empty-spares".to_string(),
        variant: "membership".to_string(),
        foil: false,
        seed: at_s as u64,
        mode: Mode::A2,
        practice: String::new(),
        difficulty: 3,
        was: vec![CACHE.to_string()],
        said: Some(CACHE.to_string()),
        percent: Some(85),
        said_last: Some(CACHE.to_string()),
        truth_first: Some(20),
        truth_percent: Some(85),
        fooled_by: None,
        verdict: Verdict::Right,
        right: true,
        proved: None,
        found_s: Some(400.0),
        most_s: 1500.0,
        followed: None,
        facts: None,
        hints: 0,
        drill: None,
        exercised: vec![CACHE.to_string(), PAIR.to_string()],
        grades: vec![grade(PAIR, Rating::Good), grade(CACHE, Rating::Hard)],
        model: "st-1".to_string(),
        build: "test".to_string(),
    }
}

fn grade(item: &str, rating: Rating) -> Grade {
    Grade { item: item.to_string(), rating, target: true, with_ai: false, why: "right; late".to_string() }
}

/// A directory of this test's own, empty.
fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("scartissue-scars-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a temporary directory can be made");
    path
}

fn put(folder: &Path, graded: &Graded) {
    let session = folder.join(SESSIONS).join(&graded.name);
    fs::create_dir_all(&session).expect("a directory can be made");
    write_scorecard(&session.join(SCORECARD), graded, None).expect("a file can be written");
}

fn with_sessions(name: &str, n: i64) -> PathBuf {
    let folder = directory(name);
    (0..n).for_each(|i| put(&folder, &graded(&format!("s{i:03}"), 1_700_000_000 + i * 100_000)));
    folder
}

fn rows(folder: &Path) -> Vec<Row> {
    Profile::open(folder).and_then(|p| p.rows()).expect("a profile opens")
}

#[test]
fn to_read_a_profile_leaves_nothing_in_it() {
    let folder = with_sessions("read", 3);
    let read = Profile::read(&folder).and_then(|p| p.rows()).expect("a profile is read");
    let names: Vec<_> = fs::read_dir(&folder).expect("a folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!((read.len(), names), (3, vec![SESSIONS.into()]));
    assert_eq!(read, rows(&folder));
}

#[test]
fn a_projection_is_made_kept_up_and_made_anew_alike() {
    let folder = with_sessions("kept-up", 5);
    assert_eq!(rows(&folder).len(), 5);
    put(&folder, &graded("later", 1_800_000_000));
    fs::remove_dir_all(folder.join(SESSIONS).join("s001")).expect("it is there");
    let mut changed = graded("s002", 1_700_200_000);
    changed.hints = 2;
    put(&folder, &changed);
    let kept_up = rows(&folder);
    let names: Vec<&str> = kept_up.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["s000", "s002", "s003", "s004", "later"], "oldest first, what is gone is gone");
    assert_eq!(kept_up[1].graded, changed);
    let (anew, count) = Profile::rebuild(&folder).expect("it can be rebuilt");
    assert_eq!((count, anew.rows().expect("rows")), (5, kept_up.clone()));
    drop(anew);
    fs::remove_file(folder.join(PROJECTION)).expect("it is there");
    assert_eq!(rows(&folder), kept_up, "a missing one is made");
}

#[test]
fn a_damaged_or_foreign_projection_is_set_aside_and_made_anew() {
    type Damage = fn(&Path);
    let damage: [(&str, Damage); 5] = [
        ("no database", |path| fs::write(path, "not a database, but long enough to be looked at").expect("written")),
        ("an empty file", |path| fs::write(path, "").expect("written")),
        ("bytes changed", |path| {
            let mut bytes = fs::read(path).expect("read");
            let middle = bytes.len() / 2;
            bytes[middle..].iter_mut().for_each(|b| *b ^= 0x5a);
            fs::write(path, bytes).expect("written");
        }),
        ("a later version", |path| {
            Connection::open(path).and_then(|c| c.pragma_update(None, "user_version", 99)).expect("updated");
        }),
        ("other tables", |path| {
            Connection::open(path)
                .and_then(|c| c.execute_batch("DROP TABLE runs; CREATE TABLE runs (x)"))
                .expect("done");
        }),
    ];
    for (what, damage) in damage {
        let folder = with_sessions("damaged", 40);
        let before = rows(&folder);
        damage(&folder.join(PROJECTION));
        let profile = Profile::open(&folder).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(profile.rows().expect("rows"), before, "{what}");
        let aside = folder.join(format!("{PROJECTION}.damaged-1"));
        let said = profile.notes.iter().any(|n| n.contains("damaged-1") && n.contains("made anew"));
        assert_eq!(
            (aside.exists(), said),
            (what != "an empty file", what != "an empty file"),
            "{what}: {:?}",
            profile.notes
        );
    }
}

#[test]
fn a_damaged_scorecard_is_named_and_counts_for_nothing() {
    let folder = with_sessions("scorecard", 3);
    let path = folder.join(SESSIONS).join("s001").join(SCORECARD);
    for text in ["{", "{}", "[1]", "{\"v\": 7}"] {
        fs::write(&path, text).expect("written");
        let profile = Profile::open(&folder).expect("the others are sound");
        assert_eq!(profile.rows().expect("rows").len(), 2);
        assert!(profile.notes.iter().any(|n| n.contains("s001") && n.contains("left alone")), "{:?}", profile.notes);
    }
}

#[test]
fn every_older_version_migrates() {
    for version in 1..MIGRATIONS.len() {
        let folder = with_sessions("older", 4);
        let wanted = rows(&folder);
        let path = folder.join(PROJECTION);
        fs::remove_file(&path).expect("it is there");
        let old = Connection::open(&path).expect("a database");
        MIGRATIONS[..version].iter().for_each(|step| old.execute_batch(step).expect("an older form"));
        for row in &wanted[..2] {
            let record = serde_json::to_string(&row.graded).expect("plain data");
            old.execute(
                "INSERT INTO runs (name, stamp, at_s, record) VALUES (?1, ?2, ?3, ?4)",
                rusqlite::params![row.name, row.stamp, row.graded.at_s, record],
            )
            .expect("a row of then");
        }
        old.pragma_update(None, "user_version", version as i64).expect("updated");
        drop(old);
        let profile = Profile::open(&folder).expect("it opens");
        assert_eq!((profile.rows().expect("rows"), profile.notes.len()), (wanted, 0), "version {version}");
    }
}

fn scartissue(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scartissue"));
    // After the command's name: what `do` and `rule` are told runs to the end of the line.
    command.arg(arguments[0]).arg("--data-dir").arg(data).args(&arguments[1..]).env_remove("SCARTISSUE_DATA");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn two_processes_killed_at_random_leave_what_a_rebuild_makes() {
    let source = with_sessions("source", 30);
    let file = directory("file").join("records.json");
    fs::write(&file, to_json(&rows(&source))).expect("written");
    let folder = directory("killed");
    let import = ["profile", "import", file.to_str().expect("text")];
    for round in 0u64..10 {
        let mut first = scartissue(&folder, &import).spawn().expect("it starts");
        let mut second = scartissue(&folder, &["profile", "rebuild"]).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(5 + (round * 37) % 90));
        first.kill().expect("killed or over");
        let over = second.wait_with_timeout(round);
        assert!(over.is_none_or(|ok| ok), "round {round}: the other process failed");
        drop(first.wait());
    }
    let done = scartissue(&folder, &import).output().expect("it runs");
    assert!(done.status.success(), "{done:?}");
    let kept = rows(&folder);
    assert_eq!(kept.len(), 30, "each session once");
    let (anew, _) = Profile::rebuild(&folder).expect("it can be rebuilt");
    assert_eq!(anew.rows().expect("rows"), kept);
    let strip = |rows: Vec<Row>| -> Vec<Graded> { rows.into_iter().map(|r| r.graded).collect() };
    assert_eq!(strip(kept), strip(rows(&source)));
}

/// Ends a process: every other round by a kill, else by waiting for it.
trait Ends {
    fn wait_with_timeout(&mut self, round: u64) -> Option<bool>;
}

impl Ends for std::process::Child {
    fn wait_with_timeout(&mut self, round: u64) -> Option<bool> {
        if round.is_multiple_of(2) {
            self.kill().expect("killed or over");
            drop(self.wait());
            return None;
        }
        Some(self.wait().expect("it ends").success())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn records_come_back_as_they_went_out(
        texts in prop::collection::vec("[ -~\n\u{e4}\u{2014}]{0,30}", 4),
        numbers in (any::<u64>(), -1e9f64..1e9, any::<Option<bool>>(), prop::option::of(0u8..=100)),
    ) {
        let mut full = graded("full", 1_700_000_000);
        full.by = texts[0].clone();
        full.practice = texts[1].clone();
        full.seed = numbers.0;
        full.found_s = Some(numbers.1);
        full.proved = numbers.2;
        full.percent = numbers.3;
        full.grades[0].why = texts[2].clone();
        full.drill = Some(Drill { item: PAIR.to_string(), why: texts[3].clone(), due: true, other: false });
        let mut bare = graded("bare", 1_700_000_001);
        (bare.grades, bare.exercised, bare.said, bare.found_s) = (Vec::new(), Vec::new(), None, None);
        let row = |graded: Graded, rule: &str| Row { name: graded.name.clone(), stamp: String::new(), graded, rule: rule.to_string() };
        let rows = vec![row(full, &texts[3]), row(bare, "")];
        for text in [to_json(&rows), to_csv(&rows).expect("CSV")] {
            let back = read(&text, "test").unwrap_or_else(|e| panic!("{e}\n{text}"));
            let back: Vec<(Graded, String)> = back.into_iter().map(|h| (h.graded, h.rule)).collect();
            let out: Vec<(Graded, String)> = rows.iter().map(|r| (r.graded.clone(), r.rule.clone())).collect();
            prop_assert_eq!(back, out);
        }
    }

    #[test]
    fn no_text_read_as_records_panics(text in ".{0,200}") {
        drop(read(&text, "test"));
        drop(read(&format!("[{text}]"), "test"));
    }
}

#[test]
fn what_is_no_record_is_named_with_its_line() {
    let csv =
        to_csv(&[Row { name: "a".to_string(), stamp: String::new(), graded: graded("a", 1), rule: String::new() }])
            .expect("CSV");
    let cases = [
        ("item,rating\n".to_string(), "no column \"v\""),
        (csv.replace(",3,true,", ",9,true,"), "line 2: \"9\" is no rating"),
        (csv.replace(PAIR, "demand.growth|nothing"), "no item \"demand.growth|nothing\""),
        (csv.replace("1,id-a,", "8,id-a,"), "version 8"),
        ("[{}]".to_string(), "no records"),
    ];
    for (text, why) in cases {
        let error = read(&text, "x.csv").expect_err(why).to_string();
        assert!(error.starts_with("x.csv: ") && error.contains(why), "{error}");
    }
}

#[test]
fn a_name_from_outside_is_one_folder_below_the_profile() {
    let folder = directory("names");
    for (name, session) in [("../../evil", "1"), ("/etc", "2"), ("", "3"), ("..", "4"), ("evil", "5")] {
        let mut one = graded(name, 1);
        one.session = session.to_string();
        let text = to_json(&[Row { name: name.to_string(), stamp: String::new(), graded: one, rule: String::new() }]);
        take_in(&folder, &rows(&folder), &read(&text, "x").expect("records")).expect("taken in");
    }
    let mut names: Vec<String> = rows(&folder).into_iter().map(|r| r.name).collect();
    names.sort();
    assert_eq!(names, ["etc", "evil", "evil-2", "imported", "imported-2"]);
}

#[test]
fn a_team_is_as_good_as_its_least_and_few_are_not_named() {
    let now = 1_700_000_000 + 3 * DAY_S as i64;
    let person = |name: &str, shares: bool, on_call: bool, reviews: i64, rating: Rating| {
        let row = |i: i64| {
            let mut graded = graded(&format!("{name}{i}"), 1_700_000_000 + (i - reviews) * 4 * DAY_S as i64);
            graded.grades = vec![grade(CACHE, rating)];
            Row { name: graded.name.clone(), stamp: String::new(), graded, rule: String::new() }
        };
        let settings = Settings { name: name.to_string(), shares_name: shares, on_call, ..Settings::default() };
        Person { settings, rows: (0..reviews).map(row).collect() }
    };
    let few = vec![
        person("anna", false, true, 4, Rating::Good),
        person("bert", true, true, 3, Rating::Hard),
        person("cleo", false, false, 0, Rating::Good),
    ];
    let seen = team(few, &["sdk.retries".to_string()], now);
    assert_eq!(seen.people[0], "bert", "who shares a name is named");
    assert!(seen.people[1..].iter().all(|p| p.starts_with("person ")), "{:?}", seen.people);
    assert_eq!(seen.coverage.iter().map(|c| c.mechanism.as_str()).collect::<Vec<_>>(), [CACHE, "sdk.retries"]);
    let known: Vec<f64> =
        seen.coverage[0].cells.iter().filter_map(|c| if let Cell::Forecast(p) = c { Some(*p) } else { None }).collect();
    assert_eq!(seen.coverage[0].least, known.iter().copied().min_by(f64::total_cmp), "off call counts for nothing");
    assert_eq!((seen.coverage[1].least, seen.coverage[1].without), (None, 2), "no evidence is not zero");
    assert!(seen.would_miss.contains(&"sdk.retries".to_string()));
    let many = (0..5).map(|i| person(&format!("p{i}"), false, true, 1, Rating::Again)).collect();
    let seen = team(many, &[], now);
    assert_eq!(seen.people, ["p0", "p1", "p2", "p3", "p4"]);
    assert!(seen.coverage[0].cells.iter().all(|c| *c == Cell::Failed));
}

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios");

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_first_hour_from_a_burn_to_its_retest() {
    let data = directory("hour");
    let run = |arguments: &[&str]| {
        let mut all = vec![arguments[0], "--profile", "demo"];
        if arguments[0] != "profile" {
            all.extend(["--scenarios", SCENARIOS]);
        }
        all.extend(&arguments[1..]);
        scartissue(&data, &all).output().expect("it runs")
    };
    let command = |session: &str, line: &str| {
        let output = run(&["do", session, line]);
        assert!(output.status.success(), "{line}: {}", told(&output));
    };
    let play = |session: &str, mechanism: &str| {
        command(session, "next");
        command(session, &format!("commit {mechanism} 90"));
        command(session, "end");
        let output = run(&["debrief", session, "--json"]);
        assert!(output.status.success(), "{}", told(&output));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let variant = |session: &str| -> Value {
        let seal =
            fs::read_to_string(data.join("profiles/demo/sessions").join(session).join("seal.json")).expect("a seal");
        serde_json::from_str(&seal).expect("JSON")
    };
    // A seed that draws the variant in which the flag did it.
    let seed = (1..).find(|s| scartissue::session::seal::drawn(*s, 2) == 0).expect("there is one").to_string();
    let began = run(&["new", "INC-1001", "--as", "burn", "--seed", &seed]);
    assert!(began.status.success(), "{}", told(&began));
    let debrief = play("burn", "api.auth_shard");
    let scar = &debrief["scar"];
    let pair = scar["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|i| i["item"] == "api.auth_shard|api.flag")
        .expect("the pair");
    assert_eq!((&pair["rating"], &pair["before"]), (&Value::from("again"), &Value::Null));
    assert!(pair["due"].is_string() && pair["due_until"].is_string() && pair["after"][0] == 1.0, "{pair}");
    let kept = fs::read(data.join("profiles/demo/sessions/burn").join(SCORECARD)).expect("a scorecard");
    assert_eq!(run(&["debrief", "burn", "--json"]).status.code(), Some(0));
    assert_eq!(
        fs::read(data.join("profiles/demo/sessions/burn").join(SCORECARD)).expect("it stays"),
        kept,
        "graded once"
    );
    assert!(run(&["rule", "burn", "which", "accounts", "fail?"]).status.success());
    let scars = told(&run(&["scars"]));
    for part in
        ["raw: confident error", "too few reviews", "which accounts fail?", "not yet tried again", "Nothing is due"]
    {
        assert!(scars.contains(part), "{part}:\n{scars}");
    }
    // Two days on it is due; before the run nothing is said of what.
    let drill = run(&["drill", "--leave", "--as", "again", "--seed", "1", "--days-later", "3"]);
    assert!(drill.status.success(), "{}", told(&drill));
    let said = told(&drill);
    assert!(said.contains("something is due: about 20 minutes"), "{said}");
    assert!(!said.contains("api.flag") && !said.contains("auth_shard") && !said.contains("canary"), "{said}");
    let occasion = Occasion::read(&data.join("profiles/demo/sessions/again")).expect("an occasion");
    assert_eq!(occasion.drill.as_ref().map(|d| (d.due, d.other)), Some((true, false)), "{OCCASION}");
    assert_ne!(variant("again")["seed"], variant("burn")["seed"], "another seed");
    let truth = if variant("again")["variant"] == "canary-flag-variant" { "api.flag" } else { "api.auth_shard" };
    let debrief = play("again", truth);
    let items = debrief["scar"]["items"].as_array().expect("items").clone();
    let pair = items.iter().find(|i| i["item"] == "api.auth_shard|api.flag").expect("the pair came back");
    assert_eq!(
        (&pair["rating"], pair["before"].is_array()),
        (&Value::from("hard"), true),
        "right; nobody judged the proof"
    );
    assert!(debrief["scar"]["drill"]["why"].as_str().is_some_and(|w| !w.is_empty()), "after the run it is said why");
    // The case that is drilled may be one whose observer comes with the program.
    let unjudged = debrief["cause"]["proved"].is_null();
    assert_eq!(debrief["scar"]["caveat"].as_str().is_some_and(|c| c.contains("not judged")), unjudged);
    // What was known before the advice counts; what came after it is kept apart, and so is how the advice was met.
    let other =
        (1..).filter(|s| scartissue::session::seal::drawn(*s, 2) == 0).nth(3).expect("there is one").to_string();
    assert!(run(&["new", "INC-1001", "--as", "advised", "--seed", &other, "--days-later", "5"]).status.success());
    command("advised", "next");
    command("advised", "commit api.flag 90");
    let advice = run(&["do", "--seat", "assistant", "advised", "say clearly api.auth_shard."]);
    assert!(advice.status.success(), "{}", told(&advice));
    let debrief = play("advised", "api.auth_shard");
    let items = debrief["scar"]["items"].as_array().expect("items");
    let of = |item: &str, with_ai: bool| {
        items
            .iter()
            .find(|i| i["item"] == item && i["with_ai"] == with_ai)
            .map(|i| i["rating"].clone())
            .unwrap_or_default()
    };
    assert_eq!(
        (of("api.flag", false), of("api.flag", true)),
        (Value::from("hard"), Value::from("again")),
        "{items:#?}"
    );
    assert_eq!(of("trap:wrong_advice", false), "again", "advice that named the wrong mechanism was taken");
    // The truth by the one that was named, and what cannot be told yet.
    let progress = told(&run(&["progress", "--days-later", "4"]));
    assert!(progress.contains("cannot tell yet") && progress.contains("* api.flag"), "{progress}");
    let csv = data.join("out.csv");
    assert!(run(&["profile", "export", csv.to_str().expect("text")]).status.success());
    let there = scartissue(&data, &["profile", "--profile", "other", "import", csv.to_str().expect("text")])
        .output()
        .expect("it runs");
    assert!(told(&there).contains("3 sessions were taken in"), "{}", told(&there));
    assert_eq!(run(&["profile", "erase"]).status.code(), Some(1));
    assert!(run(&["profile", "erase", "--confirm", "demo"]).status.success());
    assert!(!data.join("profiles/demo").exists());
}

#[test]
fn help_at_once_is_no_review() {
    let mut assisted = graded("helped", 1_700_000_000);
    assisted.mode = Mode::A3;
    assisted.grades.iter_mut().for_each(|g| g.with_ai = true);
    let row = |graded: Graded| Row { name: graded.name.clone(), stamp: String::new(), graded, rule: String::new() };
    let before = vec![row(graded("alone", 1_699_000_000))];
    let after = vec![before[0].clone(), row(assisted)];
    let of = |rows: &[Row]| -> BTreeMap<String, Option<f64>> {
        let standings = scartissue::scar::standing::standings(rows, i64::MAX);
        standings.into_iter().map(|(item, s)| (item, s.forecast(1_702_000_000))).collect()
    };
    assert_eq!(of(&before), of(&after), "the clock of what is known alone runs on");
}
