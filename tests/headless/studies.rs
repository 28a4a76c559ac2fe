//! Studies: parts, kills, merging, and what the report says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use scartissue::report::pair::html;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::audit::{Mark, draft};
use scartissue::study::pair::pair;
use serde_json::Value;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");

fn scartissue(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scartissue")).args(arguments).output().expect("the program starts")
}

fn done(arguments: &[&str]) -> String {
    let output = scartissue(arguments);
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "scartissue {}: {talk}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("scartissue-studies-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a temporary directory can be made");
    path
}

fn plan(directory: &Path) -> String {
    let path = directory.join("plan.ron");
    let text = format!(
        "(scenarios: [{SMALL:?}], seeds: (first: 1, count: 4), participants: [\"last-deploy\", \"good-sre\"], repeats: 2)"
    );
    fs::write(&path, text).expect("a file can be written");
    path.display().to_string()
}

/// A report without what the wall clock says.
fn report(out: &str) -> Value {
    let mut told: Value = serde_json::from_str(&done(&["study", "report", out, "--json"])).expect("JSON");
    for one in told["alone"].as_array_mut().expect("a list") {
        one["wall_s"] = Value::Null;
    }
    told
}

#[test]
fn parts_kills_and_repetitions_lose_nothing_and_double_nothing() {
    let directory = directory("parts");
    let plan = plan(&directory);
    let place = |name: &str| directory.join(name).display().to_string();
    let (whole, parts) = (place("whole"), place("parts"));
    done(&["study", "run", &plan, "--out", &whole]);
    done(&["study", "run", &plan, "--out", &parts, "--shard", "1/2"]);
    // A kill in the middle of a line.
    let file = directory.join("parts/outcomes-1-of-2.jsonl");
    let text = fs::read_to_string(&file).expect("outcomes");
    fs::write(&file, &text[..text.len() * 2 / 3]).expect("a file can be written");
    done(&["study", "run", &plan, "--out", &parts, "--shard", "1/2"]);
    assert_eq!(fs::read_to_string(&file).expect("outcomes").lines().count(), text.lines().count());
    done(&["study", "run", &plan, "--out", &parts, "--shard", "2/2"]);
    done(&["study", "run", &plan, "--out", &parts]);
    let told = report(&whole);
    assert_eq!(told, report(&parts));
    assert_eq!((told["planned"].as_u64(), told["done"].as_u64()), (Some(16), Some(16)));
    assert_eq!(told["compared"][0]["verdict"], "cannot_tell", "four incidents tell nothing");
    assert!(told["parity"].as_array().expect("a list").iter().all(|held| held[1] == true), "{}", told["parity"]);
}

#[test]
fn the_report_comes_in_every_form() {
    let directory = directory("forms");
    let plan = plan(&directory);
    let place = |name: &str| directory.join(name).display().to_string();
    let (out, html, csv, junit) = (place("out"), place("r.html"), place("r.csv"), place("r.xml"));
    done(&["study", "run", &plan, "--out", &out]);
    let text = done(&["study", "report", &out, "--html", &html, "--csv", &csv, "--junit", &junit]);
    assert!(text.contains("cannot tell last-deploy and good-sre apart at 4 incidents"), "{text}");
    let page = fs::read_to_string(&html).expect("a page");
    assert!(page.contains("cannot tell") && !page.contains("http"), "self-contained");
    assert_eq!(fs::read_to_string(&csv).expect("rows").lines().count(), 17);
    let xml = fs::read_to_string(&junit).expect("XML");
    assert_eq!(xml.matches("<testcase").count(), 16);
}

#[test]
fn what_cannot_be_is_said() {
    let directory = directory("wrong");
    let plan = plan(&directory);
    let place = |name: &str| directory.join(name).display().to_string();
    let out = place("out");
    let says = |arguments: &[&str], code: i32, words: &str| {
        let output = scartissue(arguments);
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{talk}");
        assert!(talk.contains(words), "{talk}");
    };
    says(&["study", "run", &plan, "--out", &out, "--shard", "3/2"], 2, "1/8");
    says(&["study", "report", &out], 2, "is no study");
    done(&["study", "run", &plan, "--out", &out, "--shard", "4/4"]);
    let other = directory.join("other.ron");
    let text = fs::read_to_string(&plan).expect("a plan").replace("count: 4", "count: 5");
    fs::write(&other, text).expect("a file can be written");
    says(&["study", "run", &other.display().to_string(), "--out", &out], 3, "another plan");
    fs::write(directory.join("out/outcomes-9-of-9.jsonl"), "{\"scenario\": 1}\n").expect("a file can be written");
    assert!(done(&["study", "report", &out]).contains("outcomes-9-of-9.jsonl, line 1"));
}

/// Whatever the scenario, the two are told by the same runs; nothing of the truth stands on the panes before the vote.
#[test]
fn a_pair_is_told_of_any_scenario_with_a_twin() {
    let scenario = Scenario::open(&Catalogue::built_in(), SMALL).expect("it can be read");
    for seed in 1..=4 {
        let pair = pair(&scenario, seed, &|_, _| {}).expect("it has a twin");
        let variants: Vec<&str> = pair.cases.iter().map(|c| c.variant.as_str()).collect();
        assert!(
            variants.contains(&"canary-flag-variant") && variants.contains(&"canary-shard-variant"),
            "{variants:?}"
        );
        for case in &pair.cases {
            assert_eq!(case.right, case.truth.contains(&case.blamed), "seed {seed}: {}", case.variant);
            let (nothing, spared) = (&case.bars[0], case.bars.last().expect("a bar"));
            // The shard of this small cell hurts nobody.
            let spares = if case.variant == "canary-flag-variant" {
                spared.lost < nothing.lost
            } else {
                spared.lost <= nothing.lost
            };
            assert!(spares, "seed {seed}: {nothing:?} {spared:?}");
        }
        let page = html(&pair);
        let vote = page.find("id=\"vote\"").expect("a vote");
        for case in &pair.cases {
            let told = page.find(case.is[0].as_str()).expect("what was true");
            assert!(vote < told, "seed {seed}: told before the vote");
        }
        assert!(!page.contains("http"), "self-contained");
    }
}

#[test]
fn an_audit_pays_for_the_false_link_and_the_missing_condition_and_for_nothing_else() {
    for name in ["first-shift-1", "quiet-tuesday"] {
        let scenario = Scenario::open(&Catalogue::built_in(), name).expect("it can be read");
        for seed in 1..=3 {
            let replay = format!("scartissue audit {name} --seed {seed}");
            let draft = draft(&scenario, seed, &|_, _| {}).expect("it can be drafted");
            let n = draft.sentences.len();
            assert!((4..=9).contains(&n), "{replay}: {n} sentences");
            assert!(2 < draft.conditions.len(), "{replay}: {:?}", draft.conditions);
            let all = |mark: Mark| vec![mark; n];
            let blind = draft.score(&all(Mark::Sound), 0).expect("marks");
            let mut marks = all(Mark::Sound);
            marks[blind.false_sentence - 1] = Mark::False;
            assert_eq!(draft.score(&marks, blind.missing).expect("marks").score, 100.0, "{replay}");
            let paranoid = draft.score(&all(Mark::False), blind.missing).expect("marks");
            assert!(paranoid.score <= 10.0 && paranoid.hit, "{replay}: {paranoid:?}");
            let silent = draft.score(&all(Mark::CannotTell), draft.conditions.len() - 1).expect("marks");
            assert!(silent.score <= 30.0, "{replay}: {silent:?}");
            assert!(blind.score <= 60.0, "{replay}: {blind:?}");
            assert!(draft.score(&marks[1..], 0).is_err() && draft.score(&marks, 99).is_err());
            let told = serde_json::to_string(&draft).expect("JSON");
            assert!(!told.contains("false_sentence") && !told.contains(&blind.reasons[0]), "{replay}: it tells");
        }
    }
}
