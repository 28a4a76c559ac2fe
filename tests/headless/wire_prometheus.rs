//! A real Prometheus of the same version answers the same requests, and its tools ask the program: same status, same kind
//! of error, same keys, and where both have the same samples, the same answer.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::promql_server::{BASE_MS, Server, escaped, exposed, seconds};
use crate::wire::{Bench, plain, run};

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios");

fn peers() -> bool {
    let wanted = std::env::var_os("SCARTISSUE_PEERS").is_some();
    if !wanted {
        println!("SKIPPED: set SCARTISSUE_PEERS=1 to ask a real Prometheus");
    }
    wanted
}

/// How far two answers must agree.
#[derive(Clone, Copy, PartialEq)]
enum Alike {
    /// The same JSON.
    Whole,
    /// The same keys everywhere, as far as both have values.
    Keys,
    /// The same status and kind of error.
    Refusal,
}

#[test]
fn prometheus_answers_the_same_requests_alike() {
    if !peers() {
        return;
    }
    let bench = Bench::new("peer", true);
    let (text, first_ms) = {
        let live = bench.live.lock().expect("sound");
        let store = live.open.session.watch().world.scraped().clone();
        let first_ms = store.all().filter_map(|id| store.points(id).next()).map(|p| p.t_ms).min().unwrap_or(0);
        (exposed(&store).0, first_ms)
    };
    let server = match Server::start("wire", &text) {
        Ok(server) => server,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    bench.world_began_at(BASE_MS - first_ms);
    let routes = bench.routes();
    let at = BASE_MS + 120_000;
    let (from, to) = (seconds(at - 60_000), seconds(at));
    let instant = |query: &str| format!("query={}&time={to}", escaped(query));
    let range = |query: &str, step: &str| format!("query={}&start={from}&end={to}&step={step}", escaped(query));
    let whole = [
        ("query", instant("up")),
        ("query", instant("sum by (job) (up) * 1e-9")),
        ("query", instant("sum(envoy_http_downstream_rq_total) * 1e20")),
        ("query", instant("up{job=\"gateway\"}[45s]")),
        ("query", instant("time()")),
        ("query", instant("\"a text\"")),
        ("query", instant("vector(1) / 0")),
        ("query", instant("-vector(1) / 0 or absent(up)")),
        ("query", instant("nothing_at_all")),
        ("query", instant("vllm:kv_cache_usage_perc")),
        ("query", "query=1%2B1&time=4".to_string()),
        ("query", format!("query=up&time={}", escaped("2023-11-15T00:02:00Z"))),
        ("query_range", range("sum by (job) (up)", "15")),
        ("query_range", range("rate(envoy_http_downstream_rq_total[30s])", "7.5")),
        (
            "query_range",
            range("histogram_quantile(0.9, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[1m])))", "15s"),
        ),
        ("query_range", range("vector(time()) > 5", "20")),
        ("query_range", range("nothing_at_all", "15")),
        ("series", format!("match[]={}&start={from}&end={to}", escaped("up{job=~\"vllm|gateway\"}"))),
        ("series", format!("match[]=up&match[]=scrape_duration_seconds&start={from}&end={to}")),
        ("series", "match[]=nothing_at_all".to_string()),
        ("labels", format!("start={from}&end={to}")),
        ("labels", format!("match[]=up&start={from}&end={to}")),
        (
            "format_query",
            format!("query={}", escaped("sum by(le)(rate(x_bucket{a=~'b|c'}[90s] offset 1w)) / 2 > bool 1")),
        ),
        (
            "format_query",
            format!(
                "query={}",
                escaped(&format!(
                    "sum by (a) (rate({}[5m])) / on (a) group_left (b) topk(3, max_over_time({}[5m:1m])) unless label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")",
                    "x".repeat(60),
                    "y".repeat(40)
                ))
            ),
        ),
    ];
    let refused = [
        ("query", String::new()),
        ("query", instant("sum(up")),
        ("query", instant("rate(up)")),
        ("query", instant("nofunction(up)")),
        ("query", instant("up + on() up")),
        ("query", instant("{a=~\".*\"}")),
        ("query", instant("label_replace(up, \"pod\", \"\", \"pod\", \".*\")")),
        ("query", format!("{}&timeout=x", instant("up"))),
        ("query", "query=up&time=soon".to_string()),
        ("query", "query=up&time=2023-11-15".to_string()),
        ("query_range", range("up", "")),
        ("query_range", range("up", "0")),
        ("query_range", range("up", "-5s")),
        ("query_range", range("up", "x")),
        ("query_range", range("up[1m]", "15")),
        ("query_range", range("up", "0.001")),
        ("query_range", format!("query=up&start={to}&end={from}&step=15")),
        ("query_range", "query=up&step=15".to_string()),
        ("query_range", format!("query=sum(&start={from}&end={to}&step=15")),
        ("series", String::new()),
        ("series", format!("match[]={}", escaped("sum(up)"))),
        ("series", "match[]=up&start=x".to_string()),
        ("labels", "match[]=%7B".to_string()),
        ("label/a-b/values", String::new()),
        ("label/pod/values", "end=x".to_string()),
        ("query_exemplars", "query=up&start=2&end=1".to_string()),
        ("query_exemplars", format!("query=sum(&start={from}&end={to}")),
        ("metadata", "limit=x".to_string()),
        ("rules", "type=x".to_string()),
        ("format_query", "query=%28".to_string()),
        ("nowhere", String::new()),
    ];
    let keys = [
        ("status/buildinfo", String::new()),
        ("alerts", String::new()),
        ("alertmanagers", String::new()),
        ("rules", String::new()),
        ("metadata", "metric=up".to_string()),
        ("query_exemplars", format!("query=up&start={from}&end={to}")),
        ("targets", "state=dropped".to_string()),
    ];
    let kinds = [(&whole[..], Alike::Whole), (&refused[..], Alike::Refusal), (&keys[..], Alike::Keys)];
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for (requests, alike) in kinds {
        for (endpoint, parameters) in requests {
            let by_form =
                ["query", "query_range", "series", "labels", "query_exemplars", "format_query"].contains(endpoint);
            for method in if by_form { &["GET", "POST"][..] } else { &["GET"] } {
                let path = format!("/api/v1/{endpoint}");
                let (path, form) = match *method {
                    "GET" => (format!("{path}?{parameters}"), ""),
                    _ => (path, parameters.as_str()),
                };
                let theirs = server.raw(method, &path, form).expect("it answers");
                let ours = run(plain(&routes, method, &path, form));
                asked += 1;
                wrong.extend(differing(alike, &ours, &theirs).map(|why| format!("{method} {path} {form}\n  {why}")));
            }
        }
    }
    println!("wire: {asked} requests, {} answered otherwise than by prometheus 2.42", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn differing(alike: Alike, ours: &(u16, Value), theirs: &(u16, Value)) -> Option<String> {
    let same = ours.0 == theirs.0
        && (theirs.1.is_null() || ours.1["errorType"] == theirs.1["errorType"])
        && match alike {
            Alike::Whole => without_warnings(&ours.1) == theirs.1,
            Alike::Keys => same_keys(&ours.1, &theirs.1),
            Alike::Refusal => 400 <= theirs.0 && ours.1["status"] == "error",
        };
    (!same).then(|| format!("{} {}\n  {} {}", ours.0, ours.1, theirs.0, theirs.1))
}

/// What Prometheus 2.42 has no word for.
fn without_warnings(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("warnings");
    }
    body
}

fn same_keys(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys = |of: &serde_json::Map<String, Value>| of.keys().cloned().collect::<BTreeSet<_>>();
            let by_name = theirs.is_empty() || ours.is_empty();
            by_name || keys(ours) == keys(theirs) && ours.iter().all(|(key, value)| same_keys(value, &theirs[key]))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.iter().zip(theirs).all(|(ours, theirs)| same_keys(ours, theirs))
        }
        (ours, theirs) => std::mem::discriminant(ours) == std::mem::discriminant(theirs),
    }
}

/// The program with a session that it serves, until this is dropped.
struct Program(Child, String);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    /// Starts one without a terminal; its input stays open, so that it goes on.
    fn start() -> Program {
        let data = std::env::temp_dir().join(format!("scartissue-promtool-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&data);
        let mut child = Command::new(env!("CARGO_BIN_EXE_scartissue"))
            .args([
                "play",
                "1001",
                "--seed",
                "4",
                "--prometheus",
                "127.0.0.1:0",
                "--unpriced",
                "--scenarios",
                SCENARIOS,
            ])
            .arg("--data-dir")
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut said = lines.map_while(Result::ok);
        let address = said.find_map(|line| Some(line.split_once("http://")?.1.to_string())).expect("it says where");
        std::thread::spawn(move || said.for_each(drop));
        Program(child, format!("http://{address}"))
    }
}

#[test]
fn promtool_of_prometheus_asks_the_program() {
    if !peers() {
        return;
    }
    if Command::new("promtool").arg("--version").output().is_err() {
        return println!("SKIPPED: promtool does not run here");
    }
    let program = Program::start();
    let promtool = |arguments: &[&str]| {
        let output = Command::new("promtool").arg("query").args(arguments).output().expect("promtool runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    let url = program.1.as_str();
    let mut passed = 0;
    for (arguments, fine, says) in [
        (&["instant", url, "count(up{job=\"gateway\"})"][..], true, "=> 6 @["),
        (&["instant", url, "up{pod=\"gateway-0\"}[30s]"], true, "1 @["),
        (&["instant", url, "sum(up"], false, "bad_data: invalid parameter \"query\": 1:7: parse error"),
        (&["instant", url, "up + on() up"], false, "execution: several series"),
        (&["range", "--step=15s", url, "sum(rate(envoy_http_downstream_rq_total[1m]))"], true, "@["),
        (
            &["series", "--match=up{job=\"gateway\"}", url],
            true,
            "{__name__=\"up\", job=\"gateway\", pod=\"gateway-1\"}",
        ),
        (&["labels", url, "job"], true, "gateway\n"),
        (&["labels", url, "no-label"], false, "invalid label name"),
    ] {
        let (was_fine, said) = promtool(arguments);
        assert_eq!(was_fine, fine, "promtool query {arguments:?}: {said}");
        assert!(said.contains(says), "promtool query {arguments:?}: {said}");
        passed += 1;
    }
    println!("promtool: {passed} questions to the program, all answered as to a prometheus");
}
