//! Studies: parts, kills, merging, and what the report says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use scartissue::report::pair::html;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
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
    // What has not been played yet is said to a build server too.
    let junit = place("half.xml");
    done(&["study", "report", &parts, "--junit", &junit]);
    let half = fs::read_to_string(&junit).expect("XML");
    assert_eq!((half.matches("<testcase").count(), half.matches("<skipped").count()), (16, 8), "{half}");
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

/// People play what a study plays: the variant that a seed draws follows from the lots of the file in both, each has an
/// order of their own, and a session of other incidents is said to be one.
#[test]
fn people_of_a_plan_join_in_whatever_lots_their_case_has() {
    let directory = directory("people");
    let place = |name: &str| directory.join(name).display().to_string();
    let own = place("own");
    fs::create_dir_all(&own).expect("a directory can be made");
    let text = fs::read_to_string(SMALL).expect("the small cell");
    let text = text
        .replace("case: 1001", "case: 1009")
        .replace("(name: \"canary-flag-variant\",", "(name: \"canary-flag-variant\", lots: 3,");
    fs::write(directory.join("own/lots.ron"), text).expect("a file can be written");
    let plan = place("plan.ron");
    let people = "people: [(name: \"ana\", profile: \"ana\"), (name: \"ben\", profile: \"ben\"), (name: \"cy\", profile: \"cy\", mode: A3)]";
    fs::write(
        &plan,
        format!("(scenarios: [\"lots\"], seeds: (first: 1, count: 6), participants: [\"last-deploy\"], {people})"),
    )
    .expect("a file can be written");
    let (out, data) = (place("out"), place("data"));
    done(&["study", "run", &plan, "--out", &out, "--scenarios", &own]);
    let sheets: Value =
        serde_json::from_str(&done(&["study", "people", &plan, "--json", "--scenarios", &own])).expect("JSON");
    let commands = |place: usize| -> Vec<String> {
        sheets[place]["commands"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|c| c.as_str().expect("text").to_string())
            .collect()
    };
    let codes = |place: usize| -> Vec<String> {
        commands(place)
            .iter()
            .map(|c| c.split_whitespace().skip_while(|w| *w != "--code").nth(1).expect("a code").to_string())
            .collect()
    };
    let (ana, ben) = (codes(0), codes(1));
    assert!(ana.len() == 6 && ana[0] != ben[0] && ana.iter().all(|code| ben.contains(code)), "{sheets}");
    for (name, code, clock) in ana.iter().map(|c| ("ana", c, "metered")).chain([("ben", &ben[0], "live")]) {
        let session = format!("{name}-{code}");
        let at = ["--data-dir", &data, "--profile", name, "--scenarios", &own];
        let with = |head: &[&str], tail: &[&str]| done(&[head, &at, tail].concat());
        with(
            &["new", "--code", code, "--clock", clock, "--ranked", "--mode", "A0", "--by", name, "--as", &session],
            &[],
        );
        if clock == "metered" {
            for line in ["next", "commit api.flag 70 last", "end"] {
                with(
                    &["do", "--by", name],
                    &[&[session.as_str()], line.split(' ').collect::<Vec<_>>().as_slice()].concat(),
                );
            }
        }
    }
    // Whoever plays with other help than was planned does not join in.
    assert!(commands(2)[0].contains("--mode A3") && commands(0)[0].contains("--mode A0"), "{sheets}");
    let cy = ["--data-dir", data.as_str(), "--profile", "cy", "--scenarios", own.as_str()];
    done(&[&["new", "--code", &ana[0], "--mode", "A0", "--by", "cy", "--as", "cy"], &cy[..]].concat());
    done(&[&["do"], &cy[..], &["--by", "cy", "cy", "end"]].concat());
    // Somebody who is not in the plan has played elsewhere.
    done(&["new", SMALL, "--data-dir", &data, "--profile", "ana", "--seed", "77", "--by", "ana", "--as", "other"]);
    let told: Value =
        serde_json::from_str(&done(&["study", "report", &out, "--json", "--data-dir", &data, "--scenarios", &own]))
            .expect("JSON");
    assert_eq!(told["joined"][0]["participant"], "ana");
    assert_eq!(told["joined"][0]["incidents"], 6, "none is left out: {}", told["left_out"]);
    assert_eq!(told["compared"][0]["second"], "ana", "{}", told["compared"]);
    let left_out = told["left_out"].to_string();
    assert!(left_out.contains("1 sessions of ana are of other incidents"), "{left_out}");
    assert!(left_out.contains("of ben goes on"), "{left_out}");
    assert!(left_out.contains("of cy: it was played in mode A0, and the plan has A3"), "{left_out}");
    let parity = told["parity"].to_string();
    assert!(parity.contains("ben is in the plan, and has no session"), "{parity}");
    let page = place("r.html");
    done(&["study", "report", &out, "--data-dir", &data, "--scenarios", &own, "--html", &page]);
    let page = fs::read_to_string(&page).expect("a page");
    assert!(page.contains("class=\"believed\"") && page.contains("nobody built an ideal observer here"));
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

/// A provider of chat completions on loopback, for as long as the test runs. What it answers follows from how much has been
/// said: it takes the page, blames the flag, and closes; `turns` may make it stop before.
#[cfg(feature = "wire")]
fn provider(broken: bool) -> String {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    let answer = move |asked: &Value| {
        let calls = [
            ("wait_for_news", serde_json::json!({})),
            ("acknowledge_page", serde_json::json!({})),
            ("submit_diagnosis", serde_json::json!({ "points": { "api.flag": 80, "other": 20 }, "last": true })),
            ("end_incident", serde_json::json!({})),
        ];
        let said = asked["messages"].as_array().into_iter().flatten().filter(|m| m["role"] == "assistant").count();
        let (name, arguments) = &calls[said.min(calls.len() - 1)];
        let function = serde_json::json!({ "name": name, "arguments": arguments.to_string() });
        let call = serde_json::json!({ "id": format!("call-{said}"), "type": "function", "function": function });
        let message = match broken && 1 < said {
            true => serde_json::json!({ "role": "assistant", "content": "I would rather not." }),
            false => serde_json::json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
        };
        let usage = serde_json::json!({ "prompt_tokens": 1000, "completion_tokens": 50 });
        serde_json::json!({ "choices": [{ "message": message, "finish_reason": "stop" }], "usage": usage }).to_string()
    };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 {
                        return;
                    }
                    if let Some((name, value)) = line.split_once(':')
                        && name.eq_ignore_ascii_case("content-length")
                    {
                        length = value.trim().parse().unwrap_or(0);
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("all of it");
                let told = answer(&serde_json::from_slice(&body).expect("JSON"));
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", told.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(told.as_bytes()));
            });
        }
    });
    format!("http://{address}")
}

/// A model is a participant of a plan like those of the program: it meets the same variants on the same terms, its tries
/// are counted, what it used is told, and what came to no end is no result and is tried again.
#[test]
#[cfg(feature = "wire")]
fn a_model_of_a_plan_plays_what_the_others_play() {
    let directory = directory("models");
    let place = |name: &str| directory.join(name).display().to_string();
    let plan = place("plan.ron");
    let model = "models: [(name: \"the-model\", provider: \"openai-compatible\", model: \"model-a\", most_tokens: 90000, \
                 dollars_in: 3, dollars_out: 15)]";
    let seeds = "seeds: (first: 1, count: 2), repeats: 2";
    fs::write(&plan, format!("(scenarios: [{SMALL:?}], participants: [\"last-deploy\"], {model}, {seeds})"))
        .expect("a file can be written");
    let key = "sk-study-0123456789";
    let run = |out: &str, base: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scartissue"));
        command.args(["study", "run", &plan, "--out", out]).env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL");
        if let Some(base) = base {
            command.env("OPENAI_BASE_URL", base).env("OPENAI_API_KEY", key);
        }
        command.output().expect("the program starts")
    };
    let talk = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let out = place("out");
    let without = run(&out, None);
    assert_eq!(without.status.code(), Some(3), "{}", talk(&without));
    assert!(
        talk(&without).contains("OPENAI_API_KEY")
            && !directory.join("out/outcomes-1-of-1.jsonl").metadata().is_ok_and(|m| 0 < m.len())
    );
    let silent = run(&out, Some(&provider(true)));
    assert_eq!(silent.status.code(), Some(1), "{}", talk(&silent));
    assert!(talk(&silent).contains("4 runs of the-model came to no result"), "{}", talk(&silent));
    let whole = run(&out, Some(&provider(false)));
    assert!(whole.status.success(), "{}", talk(&whole));
    assert!(talk(&whole).contains("4 runs to go, 4 there"), "{}", talk(&whole));
    let told: Value = serde_json::from_str(&done(&["study", "report", &out, "--json"])).expect("JSON");
    let held = |said: &str| {
        let parity = told["parity"].as_array().expect("a list");
        let line = parity.iter().find(|held| held[0].as_str().is_some_and(|says| says.contains(said)));
        line.unwrap_or_else(|| panic!("{said}: {parity:?}"))[1] == true
    };
    assert!(held("every participant met the same incidents") && held("model-a, prompt "), "{}", told["parity"]);
    let one = &told["alone"][1];
    assert_eq!((one["participant"].as_str(), one["runs"].as_u64()), (Some("the-model"), Some(4)));
    assert_eq!(one["spent"][0], 16_000, "{one}");
    assert!((one["spent"][2].as_f64().expect("dollars") - 0.06).abs() < 1e-9, "{one}");
    assert_eq!(told["compared"][0]["second"], "the-model");
    assert_eq!(told["compared"][0]["endpoint"], "Named", "nobody built an observer for the small cell");
    for entry in fs::read_dir(directory.join("out/sessions/profiles/assistants/sessions")).expect("sessions") {
        for file in fs::read_dir(entry.expect("a session").path()).expect("files") {
            let bytes = fs::read(file.expect("a file").path()).expect("bytes");
            assert!(!bytes.windows(key.len()).any(|w| w == key.as_bytes()), "the key is on the disk");
        }
    }
}
