//! Studies: parts, kills, merging, and what the report says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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
