//! Programs that play: every tool's answer fits its schema, what is wrong is said with the way out, a run outlives the
//! server, and nothing that is true can be reached.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::check::seen::authors_words;
use scartissue::session::Session;
use scartissue::session::case::{Case, case};
use scartissue::session::clock::{Seat, Terms};
use scartissue::session::log::Header;
use scartissue::session::seal::{self, Seal};
use scartissue::session::store::{OpenSession, Store};
use scartissue::telemetry::watch::Watch;
use scartissue::tools::desk::Room;
use scartissue::tools::{Cabinet, Caller, Desk, Tools, Wrong};
use scartissue::wire::mcp::{Handler, routes, serve_http};
use scartissue::wire::{Guard, Limits, Tokens};
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use crate::wire::{Hand, asked_often, run};

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");
/// No number that an answer could have by chance.
const SEED: u64 = 918_273_645_546;
const SALT: u64 = 192_837_465_564;

/// Sessions of the small scenario in a folder of the test's own.
struct Folder {
    data: PathBuf,
    number: AtomicU64,
}

impl Folder {
    fn named(name: &str) -> PathBuf {
        let data = std::env::temp_dir().join(format!("scartissue-mcp-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&data);
        data
    }

    fn desk(data: &Path, limits: Room) -> Arc<Desk> {
        // Another process would not give the same ids again.
        static PROCESS: AtomicU64 = AtomicU64::new(0);
        let number = AtomicU64::new(PROCESS.fetch_add(1, Ordering::SeqCst) << 32);
        Arc::new(Desk::new(Box::new(Folder { data: data.to_path_buf(), number }), limits))
    }
}

impl Cabinet for Folder {
    fn cases(&self) -> Result<Vec<Case>, Wrong> {
        Ok(vec![case(&Scenario::open(&Catalogue::built_in(), SMALL).expect("it loads"))])
    }

    fn begin(&self, who: &Caller, _: Option<&str>, _: Option<u64>, name: &str) -> Result<OpenSession, Wrong> {
        let scenario = Scenario::open(&Catalogue::built_in(), SMALL).expect("it loads");
        let variant = scenario.file.variants[0].name.clone();
        let watch = Watch::new(&scenario.file, &variant, SEED, SALT).expect("a world");
        let paged_at = { watch }.run_to_first_page();
        let (terms, build) = (Terms::default(), "test".to_string());
        let (v, scenario_hash) = (seal::VERSION, scenario.fingerprint());
        let (text, paged_at_ns) = (SMALL.to_string(), paged_at.0);
        let seal = Seal { v, scenario: text, variant, seed: SEED, salt: SALT, scenario_hash, paged_at_ns, build };
        let header = Header {
            v: 1,
            session: "s".to_string(),
            case: "INC-1001".to_string(),
            terms: terms.clone(),
            by: who.by.clone(),
            build: "test".to_string(),
            forked_from: None,
        };
        let session = Session::open(scenario, seal.clone(), terms).expect("a session");
        Ok(Store::new(&self.data).create(name, &seal, header, session).expect("it can be kept"))
    }

    fn open(&self, name: &str) -> Result<OpenSession, Wrong> {
        Store::new(&self.data).open_with_answers(name, &Catalogue::built_in()).map_err(|why| Wrong(why.to_string()))
    }

    fn unguessable(&self) -> u64 {
        self.number.fetch_add(1, Ordering::SeqCst)
    }
}

/// A client of a desk.
struct Player {
    desk: Arc<Desk>,
    run_id: String,
}

impl Player {
    fn new(data: &Path) -> Player {
        Player::at(Folder::desk(data, Room::default()))
    }

    fn at(desk: Arc<Desk>) -> Player {
        let begun = desk.call(&Caller::plays("tester"), "start_incident", Map::new()).expect("a run");
        let run_id = begun["run_id"].as_str().expect("an id").to_string();
        Player { desk, run_id }
    }

    fn call(&self, tool: &str, arguments: Value) -> Result<Value, String> {
        let Value::Object(mut arguments) = arguments else { panic!("{arguments} is no object") };
        arguments.entry("run_id").or_insert(json!(self.run_id));
        self.desk.call(&Caller::plays("tester"), tool, arguments).map_err(|why| why.to_string())
    }

    fn get(&self, tool: &str, arguments: Value) -> Value {
        self.call(tool, arguments.clone()).unwrap_or_else(|why| panic!("{tool} {arguments}: {why}"))
    }
}

/// A whole incident, with every tool: name, arguments, what it costs.
fn incident() -> Vec<(&'static str, Value, f64)> {
    vec![
        ("get_brief", json!({}), 0.0),
        ("wait", json!({"seconds": 300}), 300.0),
        ("acknowledge_page", json!({}), 0.0),
        ("get_status", json!({}), 0.0),
        ("set_severity", json!({"level": 2}), 0.0),
        ("page_team", json!({"team": "gateway"}), 0.0),
        ("get_topology", json!({}), 0.0),
        ("search_dashboards", json!({"words": "cache"}), 0.0),
        ("get_dashboard_panel_queries", json!({"board": "overview"}), 0.0),
        ("look_at_dashboard", json!({"board": "overview", "window_s": 600, "limit": 3}), 5.0),
        ("glance_at_dashboard", json!({"board": "overview"}), 0.0),
        ("list_prometheus_metric_names", json!({"contains": "rq"}), 0.0),
        ("query_prometheus", json!({"expr": "up"}), 10.0),
        (
            "query_prometheus",
            json!({"expr": "sum by (pod) (rate(envoy_http_downstream_rq_total[1m]))", "window_s": 600, "step_s": 30}),
            10.0,
        ),
        ("query_prometheus", json!({"expr": "scalar(sum(up))"}), 10.0),
        ("query_prometheus", json!({"expr": "nothing_at_all"}), 10.0),
        ("list_prometheus_label_names", json!({"selector": "up"}), 5.0),
        ("list_prometheus_label_values", json!({"label": "pod", "selector": "up{job=\"gateway\"}"}), 5.0),
        ("query_loki_logs", json!({"service": "gateway", "since_s": 600, "limit": 5}), 20.0),
        ("list_sql_tables", json!({}), 0.0),
        (
            "query_sql",
            json!({"sql": "select status, count(*) as n, avg(row), null from requests group by status order by n desc"}),
            20.0,
        ),
        ("query_sql", json!({"sql": "select * from requests order by time limit 120", "limit": 20}), 20.0),
        ("compare_requests", json!({"condition": "status >= 500"}), 20.0),
        ("search_traces", json!({"errors_only": true, "since_s": 600}), 10.0),
        ("list_changes", json!({"hours": 48}), 5.0),
        ("list_alerts", json!({}), 0.0),
        ("list_tickets", json!({}), 5.0),
        ("search_archive", json!({"words": "cache"}), 5.0),
        ("kubectl", json!({"command": "kubectl get pods"}), 5.0),
        ("kubectl", json!({"command": "get deployments -o json"}), 5.0),
        ("ask_colleague", json!({"who": "gateway", "about": "errors"}), 120.0),
        ("get_observation", json!({"observation": "E1"}), 0.0),
        ("list_mechanisms", json!({"words": "", "limit": 10}), 0.0),
        ("explain_mechanism", json!({"mechanism": "api.flag"}), 0.0),
        ("believe", json!({"points": {"api.flag": 60, "other": 40}}), 0.0),
        ("pin_evidence", json!({"observation": "E2", "note": "up", "speaks_against": ["network.loss"]}), 0.0),
        ("pin_evidence", json!({"observation": 3, "speaks_for": ["api.flag"]}), 0.0),
        ("mark_contradiction", json!({"one": "E2", "other": "E3", "why": "both at once"}), 0.0),
        ("plan_next_test", json!({"text": "the errors stay when the flag is off"}), 0.0),
        (
            "post_update",
            json!({"impact_percent": 30, "hypothesis": "api.flag", "sure_percent": 60, "doing": "flag off", "next_minutes": 10}),
            15.0,
        ),
        ("say", json!({"text": "turning the flag off"}), 0.0),
        ("bookmark", json!({"text": "here"}), 0.0),
        ("list_actions", json!({}), 0.0),
        ("preview_action", json!({"action": "flag-off:fast-headers"}), 0.0),
        ("preview_action", json!({"action": "shed", "value": 0.25}), 0.0),
        ("preview_action", json!({"action": "scale", "target": "only", "value": 3}), 0.0),
        ("preview_action", json!({"action": "router", "target": "only", "value": "round-robin"}), 0.0),
        ("arm", json!({"armed": true}), 0.0),
        ("take_action", json!({"action": "flag-off:fast-headers"}), 10.0),
        (
            "submit_diagnosis",
            json!({
                "points": {"api.flag": 90, "other": 10}, "evidence": ["E2", 3], "last": true,
                "causes": [{"mechanism": "api.flag", "component": "gateway", "role": "root"}, {"mechanism": "sdk.retries", "role": "sustaining"}],
                "links": [{"cause": "api.flag", "effect": "sdk.retries"}],
            }),
            0.0,
        ),
        ("end_incident", json!({}), 0.0),
        ("get_postmortem", json!({}), 0.0),
        ("write_postmortem", json!({"sections": {"impact": "A third of the requests failed."}}), 0.0),
    ]
}

/// Where a value does not fit a schema, for what schemars writes.
fn misfit(schema: &Value, value: &Value, place: &str) -> Option<String> {
    let bad = |why: &str| Some(format!("{place}: {why}: {}", value.to_string().chars().take(120).collect::<String>()));
    if let Some(any) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
        let fits = any.iter().any(|schema| misfit(schema, value, place).is_none());
        return if fits { None } else { bad("fits none") };
    }
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    };
    let fits = match &schema["type"] {
        Value::String(kind) => is(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).any(is),
        _ => true,
    };
    if !fits {
        return bad(&format!("is no {}", schema["type"]));
    }
    if value.is_null() {
        return None;
    }
    if let Some(names) = schema["required"].as_array()
        && let Some(missing) = names.iter().filter_map(Value::as_str).find(|name| value.get(name).is_none())
    {
        return bad(&format!("has no {missing}"));
    }
    if let (Some(fields), Some(object)) = (schema["properties"].as_object(), value.as_object()) {
        for (name, inner) in object {
            let known = fields.get(name).or(schema.get("additionalProperties"));
            match known {
                Some(schema) => {
                    if let Some(why) = misfit(schema, inner, &format!("{place}.{name}")) {
                        return Some(why);
                    }
                }
                None => return bad(&format!("{name} is not in the schema")),
            }
        }
    }
    let items = value.as_array().into_iter().flatten().enumerate();
    for (at, item) in items {
        let schema = schema["prefixItems"].get(at).or(schema.get("items")).unwrap_or(&Value::Null);
        if let Some(why) = misfit(schema, item, &format!("{place}[{at}]")) {
            return Some(why);
        }
    }
    None
}

#[test]
fn a_whole_incident_is_played_and_every_answer_fits_its_schema_and_price() {
    let data = Folder::named("whole");
    let player = Player::new(&data);
    let tools = player.desk.list();
    let schema = |name: &str| tools.iter().find(|tool| tool.name == name).unwrap_or_else(|| panic!("no {name}"));
    let mut called: BTreeSet<&str> = ["list_cases", "start_incident"].into();
    let cases = player.desk.call(&Caller::plays("tester"), "list_cases", Map::new()).expect("cases");
    assert_eq!(misfit(&Value::Object(schema("list_cases").output.clone()), &cases, ""), None);
    let mut elapsed_s = 0.0;
    for (name, arguments, price_s) in incident() {
        called.insert(name);
        let answer = player.get(name, arguments.clone());
        let tool = schema(name);
        assert_eq!(misfit(&Value::Object(tool.output.clone()), &answer, name), None, "{arguments}");
        assert_eq!(answer["price_s"], json!(price_s), "{name} {arguments}");
        assert_eq!(answer["run_id"], json!(player.run_id));
        elapsed_s += price_s;
        assert_eq!(answer["clock"]["elapsed_s"], json!(elapsed_s), "{name}");
        let said = match price_s {
            0.0 => "Free".to_string(),
            price => format!("Price: {price:.0} s"),
        };
        assert!(tool.about.contains(&said) || name == "wait", "{name} says \"{}\", and costs {price_s} s", tool.about);
        assert!(answer.to_string().len() < 40_000, "{name} {arguments}: {} bytes", answer.to_string().len());
    }
    // What needs a name from an answer, or an incident that goes on.
    let player = Player::new(&data);
    player.get("wait", json!({"seconds": 240}));
    player.get("wait_for_news", json!({}));
    let traces = player.get("search_traces", json!({}));
    let trace = player.get("get_trace", json!({"id": traces["result"]["traces"][0]["trace"]}));
    assert_eq!(misfit(&Value::Object(schema("get_trace").output.clone()), &trace, ""), None);
    // An order is a change, and the small cell knows no others.
    player.get("arm", json!({"armed": true}));
    player.get("take_action", json!({"action": "flag-off:fast-headers"}));
    let changes = player.get("list_changes", json!({"hours": 400}));
    let change = player.get("get_change", json!({"id": changes["result"]["changes"][0]["id"]}));
    assert_eq!(misfit(&Value::Object(schema("get_change").output.clone()), &change, ""), None);
    let found = player.get("search_archive", json!({"words": "cache"}));
    let document = player.get("get_runbook", json!({"id": found["result"]["documents"][0]["id"]}));
    assert_eq!(misfit(&Value::Object(schema("get_runbook").output.clone()), &document, ""), None);
    let hint = player.call("request_hint", json!({})).expect_err("this run has none");
    assert!(hint.contains("--mode A1"), "{hint}");
    called.extend(["wait_for_news", "get_trace", "get_change", "get_runbook", "request_hint"]);
    let all: BTreeSet<&str> = tools.iter().map(|tool| tool.name).collect();
    assert_eq!(called, all, "every tool is called here");
    for tool in &tools {
        let needs_run = !["list_cases", "start_incident"].contains(&tool.name);
        let required =
            tool.input.get("required").and_then(Value::as_array).is_some_and(|names| names.contains(&json!("run_id")));
        assert_eq!(required, needs_run, "{}", tool.name);
        assert_eq!((&tool.input["type"], &tool.output["type"]), (&json!("object"), &json!("object")), "{}", tool.name);
        let written = format!("{}{}", json!(tool.input), json!(tool.output));
        assert!(!written.contains("$ref"), "{} refers to what some clients do not read", tool.name);
    }
    let _ = std::fs::remove_dir_all(&data);
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_the_way_out() {
    let data = Folder::named("wrong");
    let player = Player::new(&data);
    player.get("wait", json!({"seconds": 120}));
    let before = player.get("get_status", json!({}));
    for (tool, arguments, says) in [
        ("query_promtheus", json!({}), "did you mean \"query_prometheus\"?"),
        ("query_prometheus", json!({}), "query_prometheus needs \"expr\". query_prometheus takes: "),
        ("query_prometheus", json!({"expr": 5}), "argument \"expr\": invalid type: integer `5`, expected a string"),
        (
            "query_prometheus",
            json!({"expr": "up", "windows_s": 5}),
            "no argument \"windows_s\"; did you mean \"window_s\"?",
        ),
        ("query_prometheus", json!({"expr": "sum(up"}), "sum(up\n          ^"),
        ("query_prometheus", json!({"expr": "rrate(up[5m])"}), "did you mean `rate`"),
        (
            "query_prometheus",
            json!({"expr": "up", "window_s": 86000, "step_s": 1}),
            "more than 240 points: at least 359",
        ),
        ("query_prometheus", json!({"expr": "up", "step_s": 1}), "it needs window_s"),
        ("query_prometheus", json!({"expr": "up offset 3d"}), "beyond retention"),
        ("look_at_dashboard", json!({"board": "kvcache"}), "did you mean"),
        ("glance_at_dashboard", json!({"board": "overview"}), "no board is open"),
        ("query_loki_logs", json!({"since_s": -5}), "argument \"since_s\": invalid value: integer `-5`, expected u32"),
        ("get_change", json!({"id": "CHG-1"}), "no change in the log is called \"CHG-1\""),
        ("get_change", json!({"id": ""}), "argument \"id\" is empty"),
        ("get_runbook", json!({"id": "rb-shed-loat"}), "did you mean"),
        ("kubectl", json!({"command": "rollout undo gateway"}), "is an order"),
        ("ask_colleague", json!({"who": "nobody", "about": "x"}), "nobody"),
        ("search_traces", json!({"service": "a b=c"}), "is no name of a service"),
        ("get_observation", json!({"observation": "E9"}), "there is no E9: nothing was looked at yet"),
        ("get_observation", json!({"observation": "last"}), "they are called E1, E2"),
        ("set_severity", json!({"level": 7}), "1 (worst) to 4"),
        ("page_team", json!({"team": "kv-cach"}), "did you mean"),
        ("take_action", json!({"action": "restart-gateways"}), "`arm` first"),
        ("preview_action", json!({"action": "scale:onyl=3"}), "did you mean"),
        ("believe", json!({"points": {"api.flag": 60}}), "points sum to 60, and have to sum to 100"),
        ("believe", json!({"points": {"api.flags": 100}}), "did you mean"),
        ("believe", json!({"points": {"api.flag": 300}}), "argument \"points.api.flag\": invalid value"),
        ("pin_evidence", json!({"observation": "E1"}), "there is no E1"),
        ("submit_diagnosis", json!({"points": {"api.flag": 100}, "evidence": ["E4"]}), "there is no E4"),
        (
            "submit_diagnosis",
            json!({"points": {"api.flag": 100}, "causes": [{"mechanism": "api.flag"}], "links": [{"cause": "api.flg", "effect": "api.flag"}]}),
            "argument \"links\", cause: \"api.flg\" is none of `causes`; did you mean \"api.flag\"?",
        ),
        (
            "submit_diagnosis",
            json!({"points": {"api.flag": 100}, "causes": [{"mechanism": "api.flag", "role": "main"}]}),
            "argument \"causes[0].role\": unknown variant `main`, expected one of",
        ),
        ("wait", json!({"seconds": 1e9}), "0 to 3600"),
        ("write_postmortem", json!({"sections": {"impact": "x"}}), "`end_incident` it first"),
        ("list_mechanisms", json!({"limit": 0}), "argument \"limit\": 0 is no number of rows: 1 to 200"),
        ("list_mechanisms", json!({"cursor": "next"}), "\"next\" is no cursor"),
        ("query_sql", json!({"sql": "x", "cursor": "E5+50"}), "there is no E5"),
        ("get_status", json!({"run_id": 7}), "argument \"run_id\": 7 is no text"),
        ("get_status", json!({"run_id": "run-1"}), "\"run-1\" is no run_id: copy it from the answer of start_incident"),
    ] {
        let why = player.call(tool, arguments.clone()).expect_err(&format!("{tool} {arguments}"));
        assert!(why.contains(says), "{tool} {arguments}: {why}");
    }
    let without = player.desk.call(&Caller::plays("tester"), "get_status", Map::new()).expect_err("no run");
    assert!(without.to_string().contains("get_status needs \"run_id\""), "{without}");
    let after = player.get("get_status", json!({}));
    assert_eq!(before["clock"], after["clock"], "nothing that was refused cost anything");
    // What turns out to have no answer was looked at all the same, and says what it cost.
    let sql = "select json_extract(idempotency_key, '$') from requests";
    let why = player.call("query_sql", json!({"sql": sql})).expect_err("no JSON");
    assert!(why.contains("E1: no answer: ") && why.contains("(this took 20 s; it is "), "{why}");
    let before = player.get("get_status", json!({}));
    let why = player.call("query_sql", json!({"sql": "select typo from requests"})).expect_err("no such column");
    assert!(why.contains("no column is called \"typo\"") && !why.contains("this took"), "{why}");
    assert_eq!(player.get("get_status", json!({}))["clock"], before["clock"], "a slip of the pen costs nothing");
    let _ = std::fs::remove_dir_all(&data);
}

/// Whoever mistypes hears of the page all the same, once; and every message names tools, not words of the console.
#[test]
fn an_error_carries_what_came_to_be_seen_and_speaks_of_tools() {
    let data = Folder::named("news");
    let player = Player::new(&data);
    let sql = "select json_extract(idempotency_key, '$') from requests";
    let typos = || player.call("query_sql", json!({"sql": sql})).expect_err("a mistake");
    let (mut heard, mut said) = (0, String::new());
    for _ in 0..30 {
        said = typos();
        heard += said.lines().filter(|line| line.contains("PAGE INC-1001")).count();
    }
    assert!(heard == 1 && said.contains("this took 20 s"), "{heard} times: {said}");
    let told = player.get("get_status", json!({}));
    assert_eq!((&told["news"], told["price_s"].as_f64()), (&json!([]), Some(0.0)), "told once: {told}");
    for (tool, arguments, says) in [
        ("pin_evidence", json!({"observation": 99}), "`get_status` lists what was looked at"),
        ("take_action", json!({"action": "shed=0.5"}), "`arm` first"),
        ("explain_mechanism", json!({"mechanism": "api.falg"}), "`list_mechanisms` lists them all"),
        ("glance_at_dashboard", json!({"board": "api"}), "look_at_dashboard"),
        ("write_postmortem", json!({"sections": {"impact": "none"}}), "`end_incident` it first"),
    ] {
        let why = player.call(tool, arguments).expect_err("it is refused");
        assert!(why.contains(says), "{tool}: {why}");
    }
    let closed = player.get("end_incident", json!({})).to_string();
    assert!(closed.contains("`write_postmortem`") && !closed.contains("`quit`"), "{closed}");
    let unknown = player.call("start_incidnet", json!({})).expect_err("no tool");
    assert!(unknown.contains("start_incident") && unknown.contains("list_cases"), "{unknown}");
    let _ = std::fs::remove_dir_all(&data);
}

/// What a participant is worth that sees nothing: with these tools it has the words of the page, and can only say what it
/// believes.
#[test]
fn the_control_arm_has_the_words_of_the_page_and_no_telemetry() {
    let data = Folder::named("words");
    let desk = Arc::into_inner(Folder::desk(&data, Room::default())).expect("nobody else has it");
    let player = Player::at(Arc::new(desk.with_tools(Tools::alert_text())));
    let names: Vec<&str> = player.desk.list().iter().map(|tool| tool.name).collect();
    assert_eq!(names.len(), 8, "{names:?}");
    for tool in ["query_prometheus", "query_sql", "look_at_dashboard", "get_status", "wait_for_news", "get_topology"] {
        let why = player.call(tool, json!({})).expect_err("there is none");
        assert!(why.starts_with(&format!("no tool is called \"{tool}\"")), "{why}");
    }
    let brief = player.get("get_brief", json!({}));
    assert_eq!(brief["result"]["page"], json!("API errors above objective, small cell"), "{brief}");
    player.get("submit_diagnosis", json!({"points": {"api.flag": 70, "other": 30}, "last": true}));
    let ended = player.get("end_incident", json!({}));
    assert_eq!((&ended["news"], &ended["observation"]), (&json!([]), &Value::Null), "{ended}");
    let _ = std::fs::remove_dir_all(&data);
}

/// A run belongs to whoever began it; other seats join it, and begin none.
#[test]
fn a_run_is_its_players_and_other_seats_join_it() {
    let data = Folder::named("theirs");
    let player = Player::new(&data);
    let call = |seat: Seat, by: &str, tool: &str| {
        let arguments = json!({ "run_id": player.run_id }).as_object().expect("an object").clone();
        player.desk.call(&Caller { seat, by: by.to_string() }, tool, arguments).map_err(|why| why.to_string())
    };
    for tool in ["get_status", "end_incident"] {
        let why = call(Seat::Participant, "ben", tool).expect_err("another's run");
        assert!(why.contains("was begun by somebody else") && !why.contains("tester"), "{why}");
    }
    assert!(call(Seat::Assistant, "helper", "get_status").is_ok());
    let helper = Caller { seat: Seat::Assistant, by: "helper".to_string() };
    let why = player.desk.call(&helper, "start_incident", Map::new()).expect_err("no player").to_string();
    assert!(why.contains("token of a participant"), "{why}");
    assert!(call(Seat::Participant, "tester", "end_incident").is_ok());
    let _ = std::fs::remove_dir_all(&data);
}

#[test]
fn reading_on_gives_every_row_once_free_of_charge_and_after_another_start() {
    let data = Folder::named("pages");
    let mut player = Player::new(&data);
    player.get("wait", json!({"seconds": 300}));
    let ask = "select row from requests order by row limit 200";
    let first = player.get("query_sql", json!({"sql": ask, "limit": 60}));
    assert_eq!(first["page"]["total"], json!(200));
    let mut rows: Vec<i64> = Vec::new();
    let mut page = first.clone();
    loop {
        rows.extend(page["result"]["rows"].as_array().expect("rows").iter().filter_map(|row| row[0].as_i64()));
        let Some(cursor) = page["page"]["next_cursor"].as_str().map(str::to_string) else { break };
        // The server ends and another begins.
        let (desk, run_id) = (Folder::desk(&data, Room::default()), player.run_id.clone());
        drop(std::mem::replace(&mut player, Player { desk, run_id }));
        page = player.get("query_sql", json!({"sql": "anything", "limit": 60, "cursor": cursor}));
        assert_eq!((&page["price_s"], &page["clock"]), (&json!(0.0), &first["clock"]));
        assert_eq!(page["observation"], first["observation"]);
    }
    assert_eq!(rows, (0..200).collect::<Vec<i64>>());
    let cursor = first["page"]["next_cursor"].clone();
    let why = player.call("list_changes", json!({ "cursor": cursor })).expect_err("another tool's");
    assert!(why.contains("a cursor goes to the tool that gave it"), "{why}");
    let _ = std::fs::remove_dir_all(&data);
}

#[test]
fn more_runs_than_are_kept_in_memory_go_on_where_they_were() {
    let data = Folder::named("many");
    let desk = Folder::desk(&data, Room { open: 1, begun: 3 });
    let players: Vec<Player> = (0..3).map(|_| Player::at(Arc::clone(&desk))).collect();
    let why = desk.call(&Caller::plays("tester"), "start_incident", Map::new()).expect_err("too many");
    assert!(why.to_string().contains("3 runs were begun here"), "{why}");
    for turn in 1..=2 {
        for (place, player) in players.iter().enumerate() {
            let seconds = 10.0 * (place + 1) as f64;
            let waited = player.get("wait", json!({ "seconds": seconds }));
            assert_eq!(waited["clock"]["elapsed_s"], json!(seconds * f64::from(turn)));
        }
    }
    std::thread::scope(|scope| {
        for player in &players {
            for _ in 0..3 {
                scope.spawn(|| player.get("query_prometheus", json!({"expr": "sum(up)"})));
            }
        }
    });
    for (place, player) in players.iter().enumerate() {
        let status = player.get("get_status", json!({}));
        assert_eq!(status["result"]["looks"], json!(3), "run {place}: every look once");
    }
    let _ = std::fs::remove_dir_all(&data);
}

#[test]
fn nothing_that_is_true_is_reached_by_any_tool_path_id_statement_or_error() {
    let data = Folder::named("leak");
    let player = Player::new(&data);
    let scenario = Scenario::open(&Catalogue::built_in(), SMALL).expect("it loads");
    let mut secrets = authors_words(&scenario);
    secrets.extend([SEED.to_string(), SALT.to_string(), scenario.fingerprint()]);
    secrets.extend(["canary", "small.ron", "seal.json", "log.jsonl", "src/"].map(str::to_string));
    secrets.push(env!("CARGO_MANIFEST_DIR").to_lowercase());
    secrets.push(std::env::temp_dir().display().to_string().to_lowercase());
    secrets.push(data.display().to_string().to_lowercase());
    let mut shown: Vec<(String, String)> = Vec::new();
    let mut tell = |what: String, told: Result<Value, String>| {
        shown.push((what, told.map_or_else(|why| why, |value| value.to_string())));
    };
    for tool in player.desk.list() {
        tell(format!("tool {}", tool.name), Ok(json!([tool.about, tool.input, tool.output])));
    }
    let texts = [
        "",
        "*",
        "..",
        "../../seal.json",
        "/etc/passwd",
        "file:///etc/passwd",
        "seal",
        "seal.json",
        "log.jsonl",
        "small",
        "canary-flag-cause",
        "variant",
        "seed",
        "scenario",
        "'; select * from sqlite_master; --",
        "{{7*7}}",
        "$HOME",
        "\u{0}",
        "\u{202e}x",
        "%2e%2e%2fseal.json",
        "INC-1001",
        "run-00000000000000000000",
    ];
    let statements = [
        "select * from sqlite_master",
        "select * from sqlite_schema",
        "attach 'seal.json' as s",
        "pragma database_list",
        "select readfile('seal.json')",
        "select load_extension('x')",
        "select * from pragma_table_info('requests')",
        "select writefile('x', 'y')",
        "select * from fsdir('.')",
        "vacuum into 'x'",
        "select edit('x')",
        "select sql from sqlite_master",
        "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t",
        "select randomblob(1000000000)",
        "select * from seal",
        "select * from causes",
        "select fts5_source_id()",
        "explain select * from requests",
    ];
    let calls = |player: &Player, tell: &mut dyn FnMut(String, Result<Value, String>)| {
        for tool in player.desk.list() {
            let fields = tool.input["properties"].as_object().cloned().unwrap_or_default();
            let words: Vec<&str> =
                fields.iter().filter(|(_, f)| f["type"] == json!("string")).map(|(n, _)| n.as_str()).collect();
            if tool.name == "start_incident" || tool.name == "end_incident" {
                continue;
            }
            for text in texts {
                for word in &words {
                    let mut arguments: Map<String, Value> = words
                        .iter()
                        .filter(|w| **w != "cursor" && **w != "run_id")
                        .map(|w| (w.to_string(), json!("x")))
                        .collect();
                    arguments.insert(word.to_string(), json!(text));
                    let told = player.call(tool.name, Value::Object(arguments));
                    tell(format!("{} {word}={text:?}", tool.name), told);
                }
            }
        }
    };
    for (name, arguments, _) in incident() {
        if name == "end_incident" {
            // While it goes on, everything that can be asked is asked wrongly too; of looks there is time for some.
            for statement in statements {
                tell(statement.to_string(), player.call("query_sql", json!({ "sql": statement })));
            }
        }
        tell(format!("{name} {arguments}"), player.call(name, arguments));
    }
    let odd = Player::new(&data);
    calls(&odd, &mut tell);
    let found: Vec<String> = shown
        .iter()
        .flat_map(|(what, text)| {
            // What one said oneself may be said back.
            let text = text.to_lowercase().replace("canary-flag-cause", "").replace("seal.json", "");
            let own = what.to_lowercase();
            secrets
                .iter()
                .filter(move |s| text.contains(s.as_str()) && !own.contains(s.as_str()))
                .map(move |s| format!("{what} shows \"{s}\""))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(1000 < shown.len(), "{} things were tried", shown.len());
    let _ = std::fs::remove_dir_all(&data);
}

/// The program, as a client starts it.
struct Server {
    process: Child,
    answers: BufReader<std::process::ChildStdout>,
    number: u64,
}

impl Server {
    fn new(data: &Path, more: &[&str]) -> Server {
        let mut process = Process::new(env!("CARGO_BIN_EXE_scartissue"))
            .args(["mcp", "--data-dir"])
            .arg(data)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut server = Server { process, answers, number: 0 };
        let client = json!({"name": "test", "version": "1"});
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
        let info = server.ask("initialize", hello);
        assert_eq!(info["result"]["serverInfo"]["name"], json!("scartissue"), "{info}");
        server.tell(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        server
    }

    fn tell(&mut self, message: &Value) {
        let pipe = self.process.stdin.as_mut().expect("a pipe");
        writeln!(pipe, "{message}").expect("it listens");
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let number = self.number;
        self.tell(&json!({"jsonrpc": "2.0", "id": number, "method": method, "params": params}));
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert_eq!(answer["id"], json!(number), "{answer}");
        answer
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments}))["result"].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_run_outlives_the_server_that_is_killed_in_the_middle_of_it() {
    let data = Folder::named("killed");
    let mut server = Server::new(&data, &[]);
    let cases = server.call("list_cases", json!({}));
    let ids = cases["structuredContent"]["result"]["cases"]
        .as_array()
        .map(|all| all.iter().map(|c| c["id"].clone()).collect::<Vec<_>>());
    assert!(ids.is_some_and(|ids| ids.contains(&json!("INC-1001"))), "{cases}");
    for (case, says) in [
        (json!("small"), "\"small\" is no case"),
        (json!("/etc/passwd"), "is no case"),
        (json!(SMALL), "is no case"),
        (json!("INC-0000"), "there is no case 0; there are: INC-1001"),
        (json!("../small"), "is no case"),
    ] {
        let refused = server.call("start_incident", json!({ "case": case }));
        let text = refused["content"][0]["text"].as_str().unwrap_or_default();
        assert!(refused["isError"] == json!(true) && text.contains(says), "{case}: {refused}");
        assert!(!text.contains("canary") && !text.contains("root:"), "{text}");
    }
    let begun = server.call("start_incident", json!({"case": "INC-1001", "seed": 5}));
    let run_id = begun["structuredContent"]["run_id"].clone();
    assert_eq!(begun["content"][0]["text"].as_str(), Some(begun["structuredContent"].to_string().as_str()));
    let seen = server.call("query_prometheus", json!({"run_id": run_id, "expr": "sum(up)"}));
    assert_eq!(seen["structuredContent"]["observation"], json!("E1"), "{seen}");
    let status = server.call("get_status", json!({ "run_id": run_id }));

    // A second server finds the run taken; when the first was killed, it is free.
    let mut second = Server::new(&data, &[]);
    let busy = second.call("get_status", json!({ "run_id": run_id }));
    assert!(busy["isError"] == json!(true) && busy.to_string().contains("open in another process"), "{busy}");
    drop(server);
    assert_eq!(second.call("get_status", json!({ "run_id": run_id })), status);
    let again = second.call("get_observation", json!({"run_id": run_id, "observation": "E1"}));
    assert_eq!(again["structuredContent"]["result"]["what"], json!("explore sum(up)"), "{again}");
    let guide = second.ask("resources/read", json!({"uri": "scartissue://guide"}));
    assert!(guide["result"]["contents"][0]["text"].as_str().is_some_and(|t| t.contains("run_id")), "{guide}");
    let id = run_id.as_str().unwrap_or_default();
    for (path, says) in [
        ("brief", "small general cell"),
        ("topology", "lines"),
        ("dashboards", "overview"),
        ("dashboards/overview", "rate("),
    ] {
        let read = second.ask("resources/read", json!({"uri": format!("scartissue://run/{id}/{path}")}));
        assert!(read["result"]["contents"][0]["text"].as_str().is_some_and(|t| t.contains(says)), "{path}: {read}");
    }
    for uri in ["scartissue://run/../brief", "file:///etc/passwd", "scartissue://run/", "x"] {
        let refused = second.ask("resources/read", json!({ "uri": uri }));
        assert!(refused["error"]["code"].is_i64(), "{uri}: {refused}");
    }
    let prompt = second.ask("prompts/get", json!({"name": "take_over", "arguments": {"run_id": id}}));
    assert!(prompt["result"]["messages"][0]["content"]["text"].as_str().is_some_and(|t| t.contains(id)), "{prompt}");
    drop(second);

    let mut one = Server::new(&data, &["--case", "INC-1001", "--seed", "5", "--runs", "1"]);
    let refused = one.call("start_incident", json!({"seed": 6}));
    assert!(refused.to_string().contains("the seed is not yours to choose"), "{refused}");
    assert_eq!(one.call("start_incident", json!({}))["isError"], json!(false));
    assert!(one.call("start_incident", json!({})).to_string().contains("1 runs were begun here"));
    let _ = std::fs::remove_dir_all(&data);
}

/// What a command of the program says, and its exit code.
fn said(arguments: &[&str], key: &str) -> (Option<i32>, String) {
    let mut process = Process::new(env!("CARGO_BIN_EXE_scartissue"));
    let done =
        process.args(arguments).env("SCARTISSUE_PACK_KEY", key).stdin(Stdio::null()).output().expect("it starts");
    let text = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_string());
    (done.status.code(), text.join("\n"))
}

#[test]
fn a_sealed_pack_is_opened_by_the_serving_process_and_by_nobody_without_the_key() {
    let data = Folder::named("sealed");
    std::fs::create_dir_all(&data).expect("a folder");
    let pack = data.join("own.pack").display().to_string();
    let key = said(&["pack", "key"], "").1.trim().to_string();
    assert_eq!(key.len(), 64, "{key}");
    let sealed =
        said(&["pack", "seal", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios"), "--out", &pack], &key);
    assert_eq!(sealed.0, Some(0), "{}", sealed.1);
    let bytes = std::fs::read(&pack).expect("a pack");
    assert!(!bytes.windows(6).any(|bytes| bytes == b"canary" || bytes == b"causes"), "it can be read");
    for (wrong, says) in [("0".repeat(64), "the key is another"), ("x".to_string(), "64 hexadecimal digits")] {
        let refused = said(&["mcp", "--pack", &pack, "--case", "INC-1902"], &wrong);
        assert!(refused.0 != Some(0) && refused.1.contains(says), "{refused:?}");
    }
    let keyed = data.join("key");
    std::fs::write(&keyed, &key).expect("a key");
    let keyed = keyed.display().to_string();
    let mut server = Server::new(&data, &["--pack", &pack, "--pack-key", &keyed, "--case", "INC-1902"]);
    let begun = server.call("start_incident", json!({}));
    assert_eq!(begun["structuredContent"]["result"]["marks"], json!(["sealed"]), "{begun}");
    let run_id = begun["structuredContent"]["run_id"].as_str().unwrap_or_default().to_string();
    for tool in ["wait_for_news", "end_incident"] {
        assert_eq!(server.call(tool, json!({ "run_id": run_id }))["isError"], json!(false));
    }
    drop(server);
    let place = ["debrief", &run_id, "--profile", "assistants", "--data-dir"];
    let data_dir = data.display().to_string();
    let with = [&place[..], &[&data_dir, "--pack", &pack]].concat();
    let told = said(&with, &key);
    assert!(told.0 == Some(0) && told.1.contains("Sealed: the scenario came from a pack"), "{told:?}");
    let without = said(&[&place[..], &[&data_dir]].concat(), "");
    assert!(without.0 == Some(2) && without.1.contains("INC-1902") && without.1.contains("--pack FILE"), "{without:?}");
    let listed = said(&["cases", "--pack", &pack, "--pack-key", &keyed], "");
    assert!(listed.0 == Some(0) && listed.1.contains("INC-1902"), "{listed:?}");
    let played = said(&["run", "INC-1902", "--as", "do-nothing", "--json", "--pack", &pack, "--pack-key", &keyed], "");
    assert!(played.0 == Some(0) && played.1.contains("\"participant\": \"do-nothing\""), "{played:?}");
    let _ = std::fs::remove_dir_all(&data);
}

async fn post(routes: &Router, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let mut request = Request::builder().method("POST").uri("/mcp").header("content-type", "application/json");
    request = request.header("accept", "application/json, text/event-stream");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:7070");
    }
    let request = headers.iter().fold(request, |r, (name, value)| r.header(*name, *value));
    let response =
        routes.clone().oneshot(request.body(Body::from(body.to_string())).expect("sound")).await.expect("it answers");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 100_000_000).await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))))
}

#[test]
fn over_http_both_eras_are_served_and_only_who_may_is_let_in() {
    let data = Folder::named("http");
    let desk = Folder::desk(&data, Room::default());
    let tokens = Tokens::parse("participant 0123456789abcdef ana\nassistant fedcba9876543210").expect("a list");
    let guard =
        Guard::new(tokens, &["game.example".to_string()], Limits { per_second: 0, burst: 13, ..Limits::default() });
    let routes = routes(Handler::new(desk, Caller::plays("nobody")), Arc::new(Hand::default()), guard);
    let ana = ("authorization", "Bearer 0123456789abcdef");
    let call = |number: u32, method: &str, params: Value| {
        json!({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).to_string()
    };
    let client = json!({"name": "test", "version": "1"});
    let hello =
        call(1, "initialize", json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}));
    run(async {
        for (headers, status) in [
            (vec![], 401),
            (vec![("authorization", "Bearer 0123456789abcdeX")], 401),
            (vec![ana, ("host", "evil.example")], 403),
            (vec![ana, ("origin", "https://evil.example")], 403),
            (vec![ana, ("host", "game.example")], 200),
            (vec![ana], 200),
        ] {
            let (is, body) = post(&routes, &headers, &hello).await;
            assert_eq!(is, status, "{headers:?}: {body}");
        }
        let (_, body) = post(&routes, &[ana], &hello).await;
        assert_eq!(body["result"]["protocolVersion"], json!("2025-11-25"), "{body}");
        let begin = call(2, "tools/call", json!({"name": "start_incident", "arguments": {}}));
        let (_, begun) = post(&routes, &[ana, ("mcp-protocol-version", "2025-11-25")], &begin).await;
        let run_id = begun["result"]["structuredContent"]["run_id"].clone();
        assert!(run_id.is_string(), "{begun}");

        // The era without sessions: what the client is stands beside each call.
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": client, "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"name": "get_brief", "arguments": {"run_id": run_id}, "_meta": meta});
        let now =
            [ana, ("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "get_brief")];
        let (status, body) = post(&routes, &now, &call(3, "tools/call", params)).await;
        assert_eq!(
            (status, &body["result"]["structuredContent"]["result"]["case"]),
            (200, &json!("INC-1001")),
            "{body}"
        );

        // An assistant's token has an assistant's seat: it looks and says, and nothing else.
        let helper = [("authorization", "Bearer fedcba9876543210")];
        let act = call(4, "tools/call", json!({"name": "arm", "arguments": {"run_id": run_id, "armed": true}}));
        let (_, body) = post(&routes, &helper, &act).await;
        assert!(
            body["result"]["isError"] == json!(true) && body.to_string().contains("an assistant looks and says"),
            "{body}"
        );

        let large = call(5, "tools/call", json!({"name": "say", "arguments": {"text": "x".repeat(300_000)}}));
        assert_eq!(post(&routes, &[ana], &large).await.0, 413);
        let (status, body) = post(&routes, &[ana], "{\"jsonrpc\": ").await;
        assert!((400..500).contains(&status), "{status} {body}");
        let (status, _) = post(&routes, &[ana], &call(6, "tools/call", json!({"name": "no_tool"}))).await;
        assert_eq!(status, 200);
        for _ in 0..2 {
            post(&routes, &[ana], &hello).await;
        }
        assert_eq!(post(&routes, &[ana], &hello).await.0, 429, "more than the burst");
    });
    let _ = std::fs::remove_dir_all(&data);
}

/// The limits that a server has if nobody sets others, by real requests.
#[test]
fn over_a_socket_a_burst_of_calls_passes_and_more_is_refused_until_a_second_has_passed() {
    let data = Folder::named("often");
    let (limits, guard) = (Limits::default(), Guard::new(Tokens::none("ana"), &[], Limits::default()));
    let (burst, rate) = (limits.burst as usize, limits.per_second as usize);
    let (clock, listener) = (Arc::new(Hand::default()), TcpListener::bind("127.0.0.1:0").expect("a port"));
    let handler = Handler::new(Folder::desk(&data, Room::default()), Caller::plays("nobody"));
    let serving = serve_http(listener, handler, clock.clone(), guard).expect("it serves");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let often = |times| asked_often(serving.address(), &request, times);
    assert_eq!(often(burst + 7), BTreeMap::from([(200, burst), (429, 7)]));
    clock.go(1.0);
    assert_eq!(often(rate + 1), BTreeMap::from([(200, rate), (429, 1)]));
}
