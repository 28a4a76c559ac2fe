//! The program as a user meets it: messages say where, what and the way out; exit codes and JSON are as documented.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

const SERIES: [&str; 11] = [
    "t_s",
    "intents_per_s",
    "attempts_per_s",
    "hit_ratio",
    "prefill_tokens_per_request",
    "ttft_p50_s",
    "ttft_p99_s",
    "queue",
    "errors_per_s",
    "goodput_per_s",
    "gpu_busy",
];

fn scartissue(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scartissue"));
    command.args(arguments).env_remove("COLUMNS").env("NO_COLOR", "1").output().expect("the program starts")
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn data(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A directory of this test's own, empty.
fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("scartissue-commands-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a temporary directory can be made");
    path
}

/// A scenario of two minutes and its presets, small enough to run in a debug build.
fn small_scenario(directory: &std::path::Path) -> String {
    let presets = directory.join("presets");
    fs::create_dir_all(&presets).expect("a directory can be made");
    let cell = r#"(
        clients: [(name: "sdk", hosts: 8)],
        api: (gateways: 2),
        pools: [(name: "only", model: "m", replicas: 2, hardware: Preset("llama-8b-bf16-h100-tp1"), gpus: 1,
                 kv_bytes_per_token: 131072, kv_blocks: 20000)],
    )"#;
    fs::write(presets.join("tiny-cell.ron"), cell).expect("a file can be written");
    let scenario = r#"(
        title: "t", story: "s", case: 1234, page: "p", briefing: "b", difficulty: 1, length_s: 120, warm_up_s: 10,
        stack: (base: "tiny-cell"),
        workload: (
            cohorts: [(name: "all", accounts: 10, tier: Paid, created_from_days: 9, created_to_days: 1)],
            sources: [(name: "api", client: "sdk", model: "m", cohort: "all", arrivals: Open((per_s: 2)),
                       prompt: (template_tokens: (median: 500), new_tokens: (median: 100)),
                       output_tokens: (median: 20))],
        ),
        causes: [(id: "crash", says: "a replica dies", faults: [(at_s: Some(30), fault: ReplicaCrash(pool: "only", replica: 0))])],
        decoys: [(id: "talk", says: "a footer", faults: [(at_s: Some(20), fault: Benign(what: "footer"))])],
        variants: [(name: "one", causes: ["crash"], decoys: ["talk"])],
    )"#;
    let path = directory.join("small.ron");
    fs::write(&path, scenario).expect("a file can be written");
    path.display().to_string()
}

#[test]
fn the_json_of_a_run_keeps_its_contract() {
    let path = small_scenario(&directory("json"));
    let output = scartissue(&["run", &path, "--seed", "9", "--json"]);
    assert_eq!((output.status.code(), talk(&output)), (Some(0), String::new()));
    let report: Value = serde_json::from_str(&data(&output)).expect("standard output is JSON");
    assert_eq!((&report["scenario"], &report["variant"]), (&Value::from("small"), &Value::from("one")));
    assert_eq!(report["seed"], 9);
    assert!(report["event_hash"].as_str().is_some_and(|hash| hash.len() == 16));
    assert!(report["harm"].is_number() && report["cost"].is_number());
    let series = report["series"].as_object().expect("series is an object");
    for name in SERIES {
        let column = series.get(name).and_then(Value::as_array).unwrap_or_else(|| panic!("{name} is an array"));
        assert_eq!(column.len(), 24, "{name}: buckets of five seconds");
        assert!(column.iter().all(|v| v.is_number() || v.is_null()), "{name}");
    }
    assert!(series.values().all(|column| column.as_array().is_some_and(|c| c.len() == 24)));
    let ends: Vec<f64> = series["t_s"].as_array().expect("an array").iter().filter_map(Value::as_f64).collect();
    assert_eq!((ends[0], ends[23]), (5.0, 120.0));
}

#[test]
fn what_was_not_measured_is_null_and_not_zero() {
    let here = directory("null");
    let path = small_scenario(&here);
    let text = fs::read_to_string(&path).expect("written above").replace("per_s: 2)", "per_s: 0)");
    fs::write(&path, text).expect("a file can be written");
    let report: Value = serde_json::from_str(&data(&scartissue(&["run", &path, "--json"]))).expect("JSON");
    let first = |name: &str| report["series"][name][3].clone();
    for name in ["hit_ratio", "prefill_tokens_per_request", "ttft_p50_s", "ttft_p99_s"] {
        assert_eq!(first(name), Value::Null, "{name}");
    }
    assert_eq!(first("attempts_per_s"), 0.0);
    assert_eq!(report["harm"], 0.0);
}

#[test]
fn the_same_command_gives_the_same_bytes_and_taking_a_decoy_away_changes_no_user() {
    let path = small_scenario(&directory("same"));
    let run = |more: &[&str]| data(&scartissue(&[&["run", &path, "--json"], more].concat()));
    assert_eq!(run(&[]), run(&[]));
    let harm = |text: &str| serde_json::from_str::<Value>(text).expect("JSON")["harm"].clone();
    assert_eq!(harm(&run(&[])), harm(&run(&["--without", "talk"])));
    assert_ne!(run(&[]), run(&["--seed", "2"]));
}

#[test]
fn a_summary_fits_eighty_columns() {
    let path = small_scenario(&directory("width"));
    for arguments in [&["run", &path][..], &["list"], &["metrics"], &["show", "record-day", "--spoil"]] {
        let output = scartissue(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", talk(&output));
        let wide: Vec<String> = data(&output).lines().filter(|l| 80 < l.chars().count()).map(str::to_owned).collect();
        assert!(wide.is_empty(), "{arguments:?}: {wide:#?}");
    }
}

#[test]
fn the_page_is_written_and_loads_nothing() {
    let here = directory("page");
    let file = here.join("page.html");
    let output = scartissue(&["run", &small_scenario(&here), "--html", &file.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let page = fs::read_to_string(&file).expect("the page was written");
    assert!(page.starts_with("<!") && page.contains("a replica dies"));
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"));
}

#[test]
fn wrong_command_lines_say_what_is_wrong_and_the_nearest_name() {
    let path = small_scenario(&directory("wrong"));
    let run = |more: &[&'static str]| {
        let mut all = vec!["run".to_string(), path.clone()];
        all.extend(more.iter().map(|m| (*m).to_string()));
        all
    };
    let named = |words: &[&str]| words.iter().map(|w| (*w).to_string()).collect::<Vec<_>>();
    for (arguments, code, says) in [
        (named(&["run", "record-dya"]), 2, "did you mean `record-day`?"),
        (named(&["run", "nothing.ron"]), 3, "nothing.ron: there is no such file"),
        (named(&["list", "--scenarios", "/nonexistent"]), 3, "/nonexistent"),
        (named(&["shwo", "record-day"]), 2, "show"),
        (named(&["run"]), 2, "<SCENARIO>"),
        (named(&["check-files", "record-dya"]), 2, "did you mean `record-day`?"),
        (run(&["--variant", "onne"]), 2, "did you mean \"one\"?"),
        (run(&["--without", "crsh"]), 2, "did you mean \"crash\"?"),
        (run(&["--seed", "-3"]), 2, "--seed"),
        (run(&["--apply", "scale:only=3"]), 2, "when?"),
        (run(&["--apply", "scael:only=3@1"]), 2, "did you mean \"scale\"?"),
        (run(&["--apply", "scale:onyl=3@1"]), 2, "scale:onyl=3@1: no pool is called \"onyl\"; there are: only"),
        (run(&["--apply", "drain:only/9@1"]), 2, "only has replicas 0 to 1, and no 9"),
        (run(&["--apply", "flush-cache@1"]), 2, "this stack has no shared cache"),
        (run(&["--apply", "block-cohort:al@1"]), 2, "did you mean \"all\"?"),
        (run(&["--apply", "block-account:10@1"]), 2, "accounts 0 to 9"),
        (run(&["--apply", "flag-off:x@1"]), 2, "no flag"),
        (run(&["--apply", "rollback:crush@1"]), 2, "did you mean \"crash\"?"),
        (run(&["--apply", "shed=0.5@2:00"]), 2, "the scenario ends at 2:00"),
        (run(&["--html", "/nonexistent/page.html"]), 3, "/nonexistent/page.html"),
    ] {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = scartissue(&words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", talk(&output));
        assert!(talk(&output).contains(says), "{words:?} should say {says:?}: {}", talk(&output));
        assert_eq!(data(&output), "", "{words:?}: no data beside a refusal");
    }
}

#[test]
fn all_mistakes_on_one_command_line_are_told_at_once() {
    let path = small_scenario(&directory("several"));
    let output = scartissue(&["run", &path, "--apply", "drain:only/9@1", "--apply", "shed=2@1"]);
    let talk = talk(&output);
    assert!(talk.contains("no 9") && talk.contains("share from 0 to 1"), "{talk}");
}

#[test]
fn a_broken_file_is_drawn_with_every_mistake_and_the_code_is_one() {
    let here = directory("broken");
    let path = small_scenario(&here);
    let text = fs::read_to_string(&path).expect("written above");
    let text = text.replace("difficulty: 1", "difficulty: 9").replace("pool: \"only\"", "pool: \"onyl\"");
    let text = text.replace("causes: [\"crash\"]", "causes: [\"crush\"]").replace("client: \"sdk\"", "clinet: \"sdk\"");
    fs::write(&path, text).expect("a file can be written");
    let output = scartissue(&["check-files", &path]);
    let told = talk(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("small.ron:2:") && told.contains("clinet") && told.contains("client"), "{told}");
    assert!(told.matches("small.ron:").count() >= 2, "more than one mistake in a go: {told}");
    for rubbish in ["", "(", "(((((((((((((((", "\u{0}", "(title: 1e999)", "𝄞"] {
        fs::write(&path, rubbish).expect("a file can be written");
        let output = scartissue(&["check-files", &path]);
        assert_eq!(output.status.code(), Some(1), "{rubbish:?}: {}", talk(&output));
    }
}

#[test]
fn show_spoils_only_when_asked() {
    let plain = scartissue(&["show", "record-day", "--json"]);
    let value: Value = serde_json::from_str(&data(&plain)).expect("JSON");
    assert!(value.get("variants").is_none() && value.get("title").is_none() && value.get("story").is_none());
    let spoilt: Value =
        serde_json::from_str(&data(&scartissue(&["show", "record-day", "--spoil", "--json"]))).expect("JSON");
    let names = |list: &str, field: &str| -> Vec<String> {
        let rows = spoilt[list].as_array().expect("a list");
        rows.iter().filter_map(|row| row[field].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(names("variants", "name"), ["serving", "router", "blocks"]);
    assert!(names("causes", "id").contains(&"record-demand".to_string()));
    assert!(names("decoys", "id").contains(&"sdk-release".to_string()));
    assert!(names("actions", "name").contains(&"scale".to_string()));
    assert!(!data(&scartissue(&["show", "record-day"])).contains("memory"));
}

#[test]
fn the_schema_is_json_and_names_the_fields_of_a_scenario() {
    let output = scartissue(&["schema"]);
    let schema: Value = serde_json::from_str(&data(&output)).expect("JSON");
    for field in ["title", "stack", "workload", "causes", "decoys", "variants"] {
        assert!(schema["properties"].get(field).is_some(), "{field}");
    }
}

#[test]
fn a_query_is_answered_by_the_monitoring_system_of_the_run() {
    let path = small_scenario(&directory("query"));
    let ask = |more: &[&str]| scartissue(&[&["query", &path], more].concat());
    let output = ask(&["sum by (pool) (vllm:prompt_tokens_total)", "--every", "30", "--json"]);
    assert_eq!((output.status.code(), talk(&output)), (Some(0), String::new()));
    let answer: Value = serde_json::from_str(&data(&output)).expect("standard output is JSON");
    assert_eq!(answer["t_s"], serde_json::json!([0, 30, 60, 90, 120]));
    assert_eq!(answer["series"][0]["labels"], serde_json::json!({ "pool": "only" }));
    let tokens = answer["series"][0]["values"].as_array().expect("an array");
    assert!(tokens[4].as_f64() > Some(0.0), "prompts were read: {tokens:?}");

    let one = data(&ask(&["vllm:num_requests_running", "--every", "60"]));
    assert!(one.contains("pod=\"only-0\"") && one.contains("pod=\"only-1\""), "{one}");
    let dead = one.lines().last().expect("a line").split_whitespace().nth(1);
    let alive = data(&ask(&["vllm:num_requests_running", "--every", "60", "--without", "crash"]));
    assert_ne!(one, alive, "a replica that died answers otherwise than one that lives: {dead:?}");
}

#[test]
fn a_query_that_cannot_be_answered_says_why() {
    let path = small_scenario(&directory("query-wrong"));
    for (query, says) in [
        ("vllm:num_request_running", "vllm:num_requests_running"),
        ("sum(", "not PromQL"),
        ("limitk(3, vllm:num_requests_running)", "limitk"),
        ("rat(vllm:num_requests_running[1m])", "did you mean `rate`?"),
        ("vllm:num_requests_running[1m]", "a range vector"),
    ] {
        let output = scartissue(&["query", &path, query]);
        assert_eq!((output.status.code(), data(&output)), (Some(2), String::new()), "{query}");
        assert!(talk(&output).contains(says), "{query}: {}", talk(&output));
    }
}

#[test]
fn scraping_everything_changes_nothing_that_happens() {
    use scartissue::scenario::catalogue::Catalogue;
    use scartissue::scenario::lower::Setup;
    use scartissue::scenario::opened::Scenario;
    let here = directory("everything");
    let path = small_scenario(&here);
    let cell = here.join("presets/tiny-cell.ron");
    let text = fs::read_to_string(&cell).expect("written above");
    let with_cache = "shared_cache: Some((nodes: 2, node_tokens: 100000, node_gb_per_s: 10)), clients:";
    fs::write(&cell, text.replacen("clients:", with_cache, 1)).expect("a file can be written");
    let scenario = {
        let mut catalogue = Catalogue::built_in();
        let beside = std::path::Path::new(&path).parent().expect("it lies in a directory");
        catalogue.add_directory(beside).expect("a directory of scenarios");
        Scenario::open(&catalogue, &path).expect("a scenario")
    };
    let hash = |everything: bool| {
        let mut world = scenario.world(&Setup::default(), 5).expect("a world");
        if everything {
            world.scrape_everything();
        }
        let names = |world: &scartissue::sim::world::World| {
            world.scraped().names().map(str::to_string).collect::<std::collections::BTreeSet<String>>()
        };
        let end = world.window().1;
        world.advance_to(end);
        (names(&world), world.finish().event_hash)
    };
    let (few, plain) = hash(false);
    let (many, scraped) = hash(true);
    assert_eq!(plain, scraped);
    assert!(few.is_empty(), "no control loop of it asks for anything: {few:?}");
    let listed: Value = serde_json::from_str(&data(&scartissue(&["metrics", "--json"]))).expect("JSON");
    let mut said = std::collections::BTreeSet::new();
    for metric in listed.as_array().expect("an array") {
        let name = metric["name"].as_str().expect("a name");
        match metric["kind"].as_str() {
            Some("histogram") => said.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}"))),
            _ => drop(said.insert(name.to_string())),
        }
    }
    assert_eq!(many, said, "what is scraped is what the list says");
}

#[test]
fn histograms_of_requests_agree_with_the_counters_beside_them() {
    let path = small_scenario(&directory("histograms"));
    let last = |query: &str| {
        let output = scartissue(&["query", &path, query, "--every", "120", "--json", "--without", "crash"]);
        let answer: Value = serde_json::from_str(&data(&output)).expect("standard output is JSON");
        answer["series"][0]["values"][1].as_f64().expect("a number at the end")
    };
    let finished = last("sum(vllm:request_success_total{finished_reason!=\"abort\"})");
    assert!(100.0 < finished, "{finished} requests");
    for family in ["e2e_request_latency_seconds", "request_queue_time_seconds", "request_prompt_tokens"] {
        assert_eq!(last(&format!("sum(vllm:{family}_count)")), finished, "{family}");
        assert_eq!(last(&format!("sum(vllm:{family}_bucket{{le=\"+Inf\"}})")), finished, "{family}");
    }
    let (of_finished, of_all) =
        (last("sum(vllm:request_generation_tokens_sum)"), last("sum(vllm:generation_tokens_total)"));
    assert!(
        of_finished <= of_all && of_all < of_finished * 1.02,
        "but for what is under way: {of_finished} of {of_all}"
    );
    let parts = last("sum(vllm:request_queue_time_seconds_sum) + sum(vllm:request_inference_time_seconds_sum)");
    let whole = last("sum(vllm:e2e_request_latency_seconds_sum)");
    assert!(parts <= whole && whole < parts * 1.05, "only tokenizing lies outside: {parts} of {whole}");
    let median = last("histogram_quantile(0.5, sum by (le) (vllm:time_to_first_token_seconds_bucket))");
    assert!((0.005..0.5).contains(&median), "an idle 8B model answers in tens of milliseconds: {median}");
}

#[test]
fn gateways_count_what_came_and_how_it_ended() {
    let path = small_scenario(&directory("gateways"));
    let at_the_end = |query: &str| {
        let output = scartissue(&["query", &path, query, "--every", "120", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{query}: {}", talk(&output));
        let answer: Value = serde_json::from_str(&data(&output)).expect("standard output is JSON");
        answer["series"][0]["values"][1].as_f64().unwrap_or_else(|| panic!("{query} answers: {answer}"))
    };
    let came = at_the_end("sum(envoy_http_downstream_rq_total)");
    let ended = at_the_end("sum(envoy_http_downstream_rq_xx) + sum(envoy_http_downstream_rq_rx_reset)");
    let inside = at_the_end("sum(envoy_http_downstream_rq_active)");
    assert!(100.0 < came && came == ended + inside, "{came} came, {ended} ended, {inside} are inside");
    let sent_on = at_the_end("sum(envoy_cluster_upstream_rq_total{envoy_cluster_name=\"only\"})");
    let retries = at_the_end("sum(envoy_cluster_upstream_rq_retry)");
    assert!(sent_on <= came + retries && came <= sent_on + inside, "{sent_on} sent on, {retries} of them again");
    assert_eq!(at_the_end("count(up{job=\"gateway\"} == 1)"), 2.0);
    assert!((20.0..95.0).contains(&at_the_end("max(DCGM_FI_DEV_GPU_TEMP)")));
}

#[test]
fn a_replica_that_is_down_leaves_a_gap_and_never_a_zero() {
    let path = small_scenario(&directory("up"));
    let values = |query: &str| {
        let output = scartissue(&["query", &path, query, "--every", "5", "--json"]);
        let answer: Value = serde_json::from_str(&data(&output)).expect("standard output is JSON");
        let values = answer["series"][0]["values"].as_array().expect("an array").clone();
        values.iter().map(Value::as_f64).collect::<Vec<_>>()
    };
    let up = values("up{job=\"vllm\",pod=\"only-0\"}");
    assert!(up.contains(&Some(1.0)) && up.iter().any(|v| *v != Some(1.0)), "{up:?}");
    let running = values("vllm:num_requests_running{pod=\"only-0\"}");
    for (up, running) in up.iter().zip(&running) {
        assert_eq!(*up == Some(1.0), running.is_some(), "up {up:?}, running {running:?}");
    }
}
