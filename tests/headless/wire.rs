//! A session over HTTP: every endpoint in Prometheus' envelope, who may ask, what a question costs, and what is kept of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use proptest::prelude::*;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::session::clock::{ClockKind, Mode, Seat, Terms};
use scartissue::session::command::{Command, Look};
use scartissue::session::live::{Clock, Live};
use scartissue::session::log::{Header, Log};
use scartissue::session::seal::{self, Seal};
use scartissue::session::store::Store;
use scartissue::session::{Session, look};
use scartissue::telemetry::watch::Watch;
use scartissue::wire::{Guard, Limits, Served, Tokens, WireError, grafana, routes, serve};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::promql_server::escaped;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");
/// The wall clock of the tests when it begins, in milliseconds after 1970.
const BEGAN_MS: i64 = 1_800_000_000_000;
const TOKENS: &str = "participant 0123456789abcdef ana\nassistant fedcba9876543210";

/// A wall clock that goes when it is told to.
#[derive(Default)]
pub struct Hand {
    ns: AtomicU64,
    began_ms: AtomicU64,
}

impl Hand {
    pub fn go(&self, seconds: f64) {
        self.ns.fetch_add((seconds * 1e9) as u64, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now_ns(&self) -> u64 {
        self.ns.load(Ordering::SeqCst)
    }

    fn began_unix_ms(&self) -> i64 {
        self.began_ms.load(Ordering::SeqCst) as i64
    }
}

/// A session of the small scenario that is served, and the clock that it goes by.
pub struct Bench {
    pub live: Arc<Mutex<Live>>,
    pub clock: Arc<Hand>,
    data: PathBuf,
}

impl Bench {
    pub fn new(name: &str, unpriced: bool) -> Bench {
        Bench::of(SMALL, name, unpriced)
    }

    /// The same for another scenario.
    fn of(scenario: &str, name: &str, unpriced: bool) -> Bench {
        let path = scenario;
        let scenario = Scenario::open(&Catalogue::built_in(), path).expect("the test's scenario loads");
        let variant = scenario.file.variants[0].name.clone();
        let paged_at = Watch::new(&scenario.file, &variant, 4, 7).expect("a world").run_to_first_page();
        let seal = Seal {
            v: seal::VERSION,
            scenario: path.to_string(),
            variant,
            seed: 4,
            salt: 7,
            scenario_hash: scenario.fingerprint(),
            paged_at_ns: paged_at.0,
            build: "test".to_string(),
        };
        let terms =
            Terms { clock: ClockKind::Live, external_tools: true, unpriced, mode: Mode::A3, ..Terms::default() };
        let header = Header {
            v: 1,
            session: "s".to_string(),
            case: "INC-1001".to_string(),
            terms: terms.clone(),
            by: "you".to_string(),
            build: "test".to_string(),
            forked_from: None,
        };
        let data = std::env::temp_dir().join(format!("scartissue-wire-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&data);
        let session = Session::open(scenario, seal.clone(), terms).expect("a session");
        let open = Store::new(&data).create("one", &seal, header, session).expect("it can be kept");
        let clock = Arc::new(Hand::default());
        clock.began_ms.store(BEGAN_MS as u64, Ordering::SeqCst);
        Bench { live: Arc::new(Mutex::new(Live::new(open, 0))), clock, data }
    }

    /// Sets the wall clock so that the world began at a moment, in milliseconds after 1970.
    pub fn world_began_at(&self, unix_ms: i64) {
        let now_ms = self.live.lock().expect("sound").open.session.now().0 / 1_000_000;
        self.clock.began_ms.store(unix_ms as u64 + now_ms, Ordering::SeqCst);
    }

    pub fn served(&self) -> Served {
        Served::new(self.live.clone(), self.clock.clone())
    }

    pub fn routes(&self) -> Router {
        routes(self.served(), Guard::new(Tokens::none("ana"), &[], Limits::default()))
    }

    /// Waits until so many looks have been asked.
    async fn until_looks(&self, looks: usize) {
        for _ in 0..3000 {
            if looks <= self.live.lock().expect("sound").open.session.observations().len() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{looks} looks were not asked within half a minute");
    }

    fn log(&self) -> Log {
        Log::read(&self.data.join("sessions/one/log.jsonl")).expect("the log is sound")
    }

    fn command(&self, command: &Command) {
        let mut live = self.live.lock().expect("sound");
        live.apply(self.clock.now_ns(), Seat::Participant, "you", command).expect("it is taken");
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// Does what waits for answers.
pub fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], form: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:9090");
    }
    if !form.is_empty() {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    let headers = headers.iter().filter(|(_, value)| !value.is_empty());
    headers.fold(request, |r, (name, value)| r.header(*name, *value)).body(Body::from(form.to_string())).expect("sound")
}

async fn ask(routes: &Router, request: Request<Body>) -> (u16, Value) {
    let response = routes.clone().oneshot(request).await.expect("it answers");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 100_000_000).await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))))
}

/// The answer to a request without a token.
pub async fn plain(routes: &Router, method: &str, path: &str, form: &str) -> (u16, Value) {
    ask(routes, request(method, path, &[], form)).await
}

#[test]
fn every_endpoint_answers_in_the_envelope() {
    let bench = Bench::new("every", true);
    let routes = bench.routes();
    bench.clock.go(30.0);
    let now = BEGAN_MS / 1000 + 30;
    let window = format!("start={}&end={now}", now - 600);
    run(async {
        for (method, path, form, pointer, wanted) in [
            ("GET", "/api/v1/query?query=up", "", "/data/resultType", json!("vector")),
            ("POST", "/api/v1/query", "query=up", "/data/result/0/value/1", json!("1")),
            ("GET", "/api/v1/query?query=up", "", "/data/result/0/value/0", json!(now)),
            ("GET", "/api/v1/query?query=up[1m]", "", "/data/resultType", json!("matrix")),
            (
                "GET",
                "/api/v1/query?query=scalar(sum(up))*0",
                "",
                "/data",
                json!({"resultType": "scalar", "result": [now, "0"]}),
            ),
            (
                "GET",
                "/api/v1/query?query=%22x%22&time=5",
                "",
                "/data",
                json!({"resultType": "string", "result": [5, "x"]}),
            ),
            (
                "GET",
                &format!("/api/v1/query_range?query=sum(up)&{window}&step=60"),
                "",
                "/data/resultType",
                json!("matrix"),
            ),
            (
                "POST",
                "/api/v1/query_range",
                &format!("query=sum(up)&{window}&step=1m"),
                "/data/result/0/metric",
                json!({}),
            ),
            ("GET", "/api/v1/series?match[]=up{job=%22gateway%22}", "", "/data/1/pod", json!("gateway-1")),
            (
                "POST",
                "/api/v1/series",
                "match[]=up{pod=\"gateway-0\"}&match[]=nothing",
                "/data/0/job",
                json!("gateway"),
            ),
            ("GET", "/api/v1/labels?match[]=up", "", "/data", json!(["__name__", "job", "model_name", "pod", "pool"])),
            ("POST", "/api/v1/labels", "match[]=up{job=\"gateway\"}", "/data", json!(["__name__", "job", "pod"])),
            (
                "GET",
                "/api/v1/label/pod/values?match[]=up{job=%22gateway%22}",
                "",
                "/data",
                json!(["gateway-0", "gateway-1"]),
            ),
            ("GET", "/api/v1/label/pod/values?start=5&end=6", "", "/data", json!([])),
            ("GET", "/api/v1/metadata?metric=up", "", "/data/up/0/type", json!("gauge")),
            ("GET", "/api/v1/rules?type=record", "", "/data/groups/0/rules", json!([])),
            ("GET", "/api/v1/alerts", "", "/status", json!("success")),
            ("GET", "/api/v1/targets", "", "/data/activeTargets/0/health", json!("up")),
            ("GET", "/api/v1/targets?state=dropped", "", "/data/activeTargets", json!([])),
            ("GET", "/api/v1/alertmanagers", "", "/data/activeAlertmanagers", json!([])),
            ("GET", "/api/v1/status/buildinfo", "", "/data/version", json!("2.42.0")),
            ("POST", "/api/v1/format_query", "query=sum by(a)(up)", "/data", json!("sum by (a) (up)")),
            ("GET", "/api/v1/query_exemplars?query=up", "", "/data", json!([])),
        ] {
            let (status, body) = plain(&routes, method, path, form).await;
            assert_eq!((status, &body["status"]), (200, &json!("success")), "{method} {path}: {body}");
            assert_eq!(body.pointer(pointer), Some(&wanted), "{method} {path} {pointer}: {body}");
        }
        for path in ["/-/healthy", "/-/ready"] {
            assert_eq!(plain(&routes, "GET", path, "").await.0, 200);
        }
    });
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_the_way_out() {
    let bench = Bench::new("wrong", true);
    let routes = bench.routes();
    run(async {
        for (method, path, form, status, kind, says) in [
            ("GET", "/api/v1/query", "", 400, "bad_data", "1:1: parse error: not PromQL: there is no expression"),
            ("GET", "/api/v1/query?query=sum(up", "", 400, "bad_data", "invalid parameter \"query\": 1:7: parse error"),
            ("GET", "/api/v1/query?query=rate(up)", "", 400, "bad_data", "write the range"),
            ("GET", "/api/v1/query?query=rrate(up[5m])", "", 400, "bad_data", "did you mean `rate`"),
            (
                "GET",
                "/api/v1/query?query=up&time=soon",
                "",
                400,
                "bad_data",
                "invalid parameter \"time\": cannot parse \"soon\"",
            ),
            ("GET", "/api/v1/query?query=up&timeout=x", "", 400, "bad_data", "invalid parameter \"timeout\""),
            ("GET", "/api/v1/query?query=info(up)", "", 400, "bad_data", "is not supported here"),
            ("GET", "/api/v1/query?query=up+%2B+on()+up", "", 422, "execution", "several series"),
            ("GET", "/api/v1/query?query=up+offset+3d", "", 422, "execution", "beyond retention"),
            (
                "GET",
                "/api/v1/query?query=max_over_time(vector(1)[100y:1ms])",
                "",
                422,
                "execution",
                "more than 50000000 samples",
            ),
            ("GET", "/api/v1/query_range?query=up&start=1&end=2", "", 400, "bad_data", "invalid parameter \"step\""),
            (
                "GET",
                "/api/v1/query_range?query=up&start=2&end=1&step=1",
                "",
                400,
                "bad_data",
                "must not be before start",
            ),
            ("GET", "/api/v1/query_range?query=up&start=1&end=2&step=0", "", 400, "bad_data", "zero or negative"),
            ("GET", "/api/v1/query_range?query=up&start=1&end=20000&step=1", "", 400, "bad_data", "11,000 points"),
            (
                "GET",
                "/api/v1/query_range?query=up[1m]&start=1&end=2&step=1",
                "",
                400,
                "bad_data",
                "a scalar or an instant vector",
            ),
            ("GET", "/api/v1/series", "", 400, "bad_data", "no match[] parameter provided"),
            ("GET", "/api/v1/series?match[]=sum(up)", "", 400, "bad_data", "more than a selector"),
            ("GET", "/api/v1/series?match[]=up&start=5&end=4", "", 400, "bad_data", "must not be before start"),
            ("GET", "/api/v1/label/a-b/values", "", 400, "bad_data", "invalid label name: \"a-b\""),
            ("GET", "/api/v1/metadata?limit=some", "", 400, "bad_data", "limit must be a number"),
            ("GET", "/api/v1/rules?type=odd", "", 400, "bad_data", "not supported value \"odd\""),
            ("POST", "/api/v1/format_query", "query=sum(", 400, "bad_data", "1:5: parse error"),
            ("GET", "/api/v1/quer", "", 404, "not_found", "did you mean /api/v1/query?"),
            ("PUT", "/api/v1/query", "", 405, "bad_data", "GET, or POST"),
        ] {
            let (was, body) = plain(&routes, method, path, form).await;
            assert_eq!(
                (was, body["status"].as_str(), body["errorType"].as_str()),
                (status, Some("error"), Some(kind)),
                "{path}: {body}"
            );
            assert!(body["error"].as_str().expect("text").contains(says), "{path}: {body}");
        }
        let (_, body) = plain(&routes, "GET", "/api/v1/query?query=rate(vllm:num_requests_runnin[5m])", "").await;
        assert!(
            body["warnings"][0].as_str().expect("a warning").contains("did you mean `vllm:num_requests_running`"),
            "{body}"
        );
        let (_, body) = plain(&routes, "GET", "/api/v1/query?query=rate(vllm:num_requests_running[5m])", "").await;
        assert!(body["warnings"][0].as_str().expect("a warning").contains("is a gauge"), "{body}");
        let (_, body) = plain(&routes, "GET", "/api/v1/query?query=up&time=5", "").await;
        assert_eq!(body["data"]["result"], json!([]));
        assert!(body["warnings"][0].as_str().expect("a warning").contains("beyond retention"), "{body}");
    });
    assert_eq!(bench.log().events.len(), 4, "what is refused for its form is no look: {:?}", bench.log().events);
}

#[test]
fn simulated_now_is_wall_now_at_any_speed() {
    let bench = Bench::new("now", true);
    let routes = bench.routes();
    // The age of the newest sample, and how long ago the world began, as the asker's clock has it.
    let ages = || {
        let begun = bench.live.lock().expect("sound").open.session.now().as_secs_f64();
        let (_, body) = run(plain(&routes, "GET", "/api/v1/query?query=timestamp(up{pod=%22gateway-0%22})", ""));
        let result = &body["data"]["result"][0]["value"];
        let (at, sampled) = (
            result[0].as_f64().expect("seconds"),
            result[1].as_str().expect("a value").parse::<f64>().expect("a number"),
        );
        assert_eq!(at, BEGAN_MS as f64 / 1000.0 + bench.clock.now_ns() as f64 / 1e9, "no time is now");
        (at - sampled, begun)
    };
    let (age, begun) = ages();
    assert!((0.0..20.0).contains(&age), "{age}");
    bench.clock.go(60.0);
    let (age, later) = (ages().0, ages().1);
    assert!((0.0..20.0).contains(&age) && (later - begun - 60.0).abs() < 1e-6, "{age} {begun} {later}");
    bench.command(&Command::Pause { stopped: true });
    let before = ages();
    bench.clock.go(3600.0);
    let after = ages();
    assert!((after.0 - before.0).abs() < 1e-3 && after.1 == before.1, "what is seen comes along: {before:?} {after:?}");
    bench.command(&Command::Pause { stopped: false });
    bench.command(&Command::Speed { times: 4 });
    bench.clock.go(15.0);
    run(plain(&routes, "GET", "/api/v1/query?query=up", ""));
    let (age, fast) = ages();
    assert!((0.0..20.0).contains(&age) && (fast - later - 60.0).abs() < 1e-6, "{age} {fast} {later}");
}

#[test]
fn a_question_is_a_look_in_the_seat_of_its_token_and_is_answered_when_its_price_has_passed() {
    let bench = Bench::new("price", false);
    let tokens = Tokens::parse(TOKENS).expect("tokens");
    let routes = routes(bench.served(), Guard::new(tokens, &[], Limits::default()));
    let (first, second) = run(async {
        let of = |token: &str, path: &str| request("GET", path, &[("authorization", &format!("Bearer {token}"))], "");
        let path = "/api/v1/query?query=sum(rate(envoy_http_downstream_rq_total[1m]))";
        let (one, other) = (routes.clone(), routes.clone());
        let (ana, helper) = (of("0123456789abcdef", path), of("fedcba9876543210", "/api/v1/labels"));
        let ana = tokio::spawn(async move { ask(&one, ana).await });
        let helper = tokio::spawn(async move { ask(&other, helper).await });
        bench.until_looks(2).await;
        bench.clock.go(5.01);
        let second = helper.await.expect("it is answered");
        assert!(!ana.is_finished(), "a query costs ten seconds");
        bench.clock.go(5.0);
        (ana.await.expect("it is answered"), second)
    });
    assert_eq!((first.0, second.0), (200, 200), "{first:?} {second:?}");
    bench.command(&Command::End);
    let log = bench.log();
    let mut seats: Vec<(Seat, &str)> = log.events[..2].iter().map(|e| (e.seat, e.by.as_str())).collect();
    seats.sort();
    assert_eq!(seats, [(Seat::Participant, "ana"), (Seat::Assistant, "assistant")]);
    assert!(log.header.terms.external_tools && log.header.terms.clock == ClockKind::Live);

    // A replay answers the same, though there is no server.
    let store = Store::new(&bench.data);
    let replayed = store.replay("one", &Catalogue::built_in(), None).expect("it is replayed");
    assert_eq!(replayed.differing, Vec::<u64>::new());
    let answered: Vec<&Value> =
        replayed.session.observations().iter().map(|o| &o.answer.as_ref().expect("answered").data).collect();
    assert!(answered.contains(&&first.1["data"]) && answered.contains(&&second.1["data"]), "{answered:?}");
    let live = bench.live.lock().expect("sound");
    assert_eq!(replayed.session.view(), live.open.session.view());
    let Look::Prometheus(asked) = &live.open.session.observations()[0].look else { panic!("a look over the wire") };
    assert!(look::prometheus::title(asked).starts_with("api "));
}

#[test]
fn a_question_that_waits_too_long_or_beyond_the_end_is_refused() {
    let bench = Bench::new("late", false);
    let routes = bench.routes();
    bench.command(&Command::Pause { stopped: true });
    run(async {
        let one = routes.clone();
        let late = tokio::spawn(async move { plain(&one, "GET", "/api/v1/query?query=up&timeout=1s", "").await });
        bench.until_looks(1).await;
        bench.clock.go(2.0);
        let (status, body) = late.await.expect("it ends");
        assert_eq!((status, body["errorType"].as_str()), (503, Some("timeout")), "{body}");
        bench.command(&Command::End);
        let (status, body) = plain(&routes, "GET", "/api/v1/query?query=up", "").await;
        assert_eq!((status, body["errorType"].as_str()), (503, Some("unavailable")), "{body}");
        let (status, body) = plain(&routes, "GET", "/api/v1/query?query=1%2B1", "").await;
        assert_eq!((status, &body["data"]["result"][1]), (200, &json!("2")), "a sum on a slip of paper is no look");
    });
    assert_eq!(bench.log().events.len(), 3);
}

#[test]
fn only_who_may_asks_and_not_from_pages_of_others() {
    let bench = Bench::new("who", true);
    let hosts = ["grafana.test".to_string()];
    let tokens = Tokens::parse(TOKENS).expect("tokens");
    let routes = routes(bench.served(), Guard::new(tokens, &hosts, Limits::default()));
    const TOKEN: (&str, &str) = ("authorization", "Bearer 0123456789abcdef");
    run(async {
        for (headers, status) in [
            (&[TOKEN][..], 200),
            (&[("authorization", "Basic eDowMTIzNDU2Nzg5YWJjZGVm")], 200),
            (&[], 401),
            (&[("authorization", "Bearer 0123456789abcdeX")], 401),
            (&[TOKEN, ("host", "localhost:1")], 200),
            (&[TOKEN, ("host", "[::1]:9090")], 200),
            (&[TOKEN, ("host", "192.168.7.7:9090")], 200),
            (&[TOKEN, ("host", "Grafana.test:9090")], 200),
            (&[TOKEN, ("host", "evil.test:9090")], 403),
            (&[TOKEN, ("host", "localhost.evil.test")], 403),
            (&[TOKEN, ("host", "")], 400),
            (&[TOKEN, ("origin", "http://127.0.0.1:9090")], 200),
            (&[TOKEN, ("origin", "http://evil.test")], 403),
            (&[TOKEN, ("origin", "http://127.0.0.1:9091")], 403),
            (&[TOKEN, ("origin", "null")], 403),
        ] {
            let (was, body) = ask(&routes, request("GET", "/api/v1/query?query=up", headers, "")).await;
            assert_eq!(was, status, "{headers:?}: {body}");
            assert_eq!(body["status"], json!(if status == 200 { "success" } else { "error" }));
        }
        assert_eq!(
            ask(&routes, request("GET", "/-/healthy", &[], "")).await.0,
            200,
            "whether it lives anybody may ask"
        );
        assert_eq!(ask(&routes, request("GET", "/-/healthy", &[("host", "evil.test")], "")).await.0, 403);
    });
}

#[test]
fn sizes_and_rates_are_limited() {
    let bench = Bench::new("much", false);
    let limits = Limits { parameters: 1000, per_second: 1, burst: 6, waiting: 1, ..Limits::default() };
    let routes = routes(bench.served(), Guard::new(Tokens::none("ana"), &[], limits));
    let long = "a".repeat(1001);
    run(async {
        assert_eq!(plain(&routes, "GET", &format!("/api/v1/query?query={long}"), "").await.0, 414);
        assert_eq!(plain(&routes, "POST", "/api/v1/query", &format!("query={long}")).await.0, 413);
        let one = routes.clone();
        let first = tokio::spawn(async move { plain(&one, "GET", "/api/v1/query?query=up", "").await });
        bench.until_looks(1).await;
        let (status, body) = plain(&routes, "GET", "/api/v1/query?query=up", "").await;
        assert_eq!(status, 503, "one waits already: {body}");
        bench.clock.go(10.1);
        assert_eq!(first.await.expect("it is answered").0, 200);
        for _ in 0..6 {
            assert_eq!(plain(&routes, "GET", "/api/v1/status/buildinfo", "").await.0, 200);
        }
        assert_eq!(plain(&routes, "GET", "/api/v1/status/buildinfo", "").await.0, 429);
        bench.clock.go(1.0);
        assert_eq!(plain(&routes, "GET", "/api/v1/status/buildinfo", "").await.0, 200);
    });
}

#[test]
fn over_a_socket_it_answers_and_lets_nobody_in_from_elsewhere_without_a_token() {
    let bench = Bench::new("socket", true);
    let guard = || Guard::new(Tokens::none("ana"), &[], Limits::default());
    let everywhere = TcpListener::bind("0.0.0.0:0").expect("a port");
    assert!(matches!(serve(everywhere, bench.served(), guard()), Err(WireError::Open(_))));
    let serving = serve(TcpListener::bind("127.0.0.1:0").expect("a port"), bench.served(), guard()).expect("it serves");
    let said = |text: &str| {
        let mut stream = TcpStream::connect(serving.address()).expect("it listens");
        let _ = stream.write_all(text.as_bytes()); // it may hang up before the end
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    let get = |path: &str| said(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    let answer = get("/api/v1/query?query=sum(up)");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("application/json"), "{answer}");
    assert!(answer.contains("\"status\":\"success\""), "{answer}");
    assert!(said("nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(300_000));
    assert!(!said(&head).starts_with("HTTP/1.1 200"));
    let address = serving.address();
    drop(serving);
    assert!(TcpStream::connect(address).is_err(), "it has stopped");
}

/// Sends a request so many times over one connection, and counts the answers by their status.
pub fn asked_often(address: SocketAddr, request: &str, times: usize) -> BTreeMap<u16, usize> {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let last = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let all = request.repeat(times - 1) + &last;
    let mut writer = stream.try_clone().expect("a second handle");
    let writing = std::thread::spawn(move || writer.write_all(all.as_bytes()));
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("text");
    writing.join().expect("it wrote").expect("it was read");
    let mut counted = BTreeMap::new();
    for part in answers.split("HTTP/1.1 ").skip(1) {
        *counted.entry(part[..3].parse().expect("a status")).or_default() += 1;
    }
    counted
}

/// The limits that a server has if nobody sets others, by real requests.
#[test]
fn over_a_socket_a_burst_passes_and_more_is_refused_until_a_second_has_passed() {
    let bench = Bench::new("often", true);
    let (limits, guard) = (Limits::default(), Guard::new(Tokens::none("ana"), &[], Limits::default()));
    let (burst, rate) = (limits.burst as usize, limits.per_second as usize);
    let serving = serve(TcpListener::bind("127.0.0.1:0").expect("a port"), bench.served(), guard).expect("it serves");
    let request = "GET /api/v1/status/buildinfo HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let often = |times| asked_often(serving.address(), request, times);
    assert_eq!(often(burst + 7), BTreeMap::from([(200, burst), (429, 7)]));
    bench.clock.go(1.0);
    assert_eq!(often(rate + 1), BTreeMap::from([(200, rate), (429, 1)]));
}

/// What Grafana asks of a data source before it takes it, and when a query is being written.
#[test]
fn what_grafana_asks_to_check_a_data_source_is_answered() {
    let bench = Bench::new("health", true);
    let routes = bench.routes();
    let now = BEGAN_MS / 1000;
    run(async {
        let (status, body) = plain(&routes, "POST", "/api/v1/query", "query=1%2B1&time=4").await;
        assert_eq!((status, &body["data"]), (200, &json!({ "resultType": "scalar", "result": [4, "2"] })));
        let range = format!("query=1%2B1&start={}&end={now}&step=15", now - 30);
        let (_, body) = plain(&routes, "POST", "/api/v1/query_range", &range).await;
        assert_eq!(body["data"]["result"][0]["values"].as_array().map(Vec::len), Some(3), "{body}");
        let (_, body) = plain(&routes, "GET", "/api/v1/status/buildinfo", "").await;
        assert_eq!(body["data"]["version"], json!("2.42.0"));
        let (_, body) =
            plain(&routes, "GET", &format!("/api/v1/label/__name__/values?start={}&end={now}", now - 900), "").await;
        let names = body["data"].as_array().expect("names");
        assert!(names.contains(&json!("vllm:num_requests_running")), "{body}");
        let (_, body) = plain(&routes, "POST", "/api/v1/labels", &format!("start={}&end={now}", now - 900)).await;
        assert!(body["data"].as_array().expect("labels").contains(&json!("pod")), "{body}");
        let (_, body) = plain(&routes, "GET", "/api/v1/metadata", "").await;
        assert_eq!(body["data"]["vllm:prompt_tokens_total"][0]["type"], json!("counter"), "{body}");
    });
    let looks = bench.log().events.len();
    assert_eq!(looks, 2, "names and labels are looks, the rest is the same for everybody");
}

#[test]
fn exemplars_are_traces_of_requests_that_their_bucket_counts() {
    let bench = Bench::new("exemplars", true);
    let routes = bench.routes();
    bench.clock.go(120.0);
    let mut seen = 0;
    for name in ["envoy_http_downstream_rq_time", "envoy_cluster_upstream_rq_time", "vllm:time_to_first_token_seconds"]
    {
        let path = format!("/api/v1/query_exemplars?query=rate({name}_bucket[5m])");
        let (status, body) = run(plain(&routes, "GET", &path, ""));
        assert_eq!(status, 200, "{body}");
        for row in body["data"].as_array().expect("rows") {
            let edge: f64 = row["seriesLabels"]["le"].as_str().expect("an edge").parse().expect("a number");
            for exemplar in row["exemplars"].as_array().expect("exemplars") {
                let value: f64 = exemplar["value"].as_str().expect("text").parse().expect("a number");
                assert!(0.0 <= value && value <= edge, "{exemplar} in {row}");
                let trace = exemplar["labels"]["trace_id"].as_str().expect("a trace");
                let live = bench.live.lock().expect("sound");
                let spans = live.open.session.watch().spans.trace(trace);
                let took = |span: &scartissue::telemetry::spans::Span| span.duration.as_secs_f64();
                let known = match name {
                    "vllm:time_to_first_token_seconds" => true,
                    _ => spans.iter().any(|span| (took(span) * 1000.0 - value).abs() < 1e-6),
                };
                assert!(!spans.is_empty() && known, "{name}: {exemplar}");
                seen += 1;
            }
        }
    }
    assert!(10 < seen, "{seen}");
}

#[test]
fn alerts_are_told_as_they_stand() {
    let bench = Bench::of("quiet-tuesday", "alerts", true);
    let routes = bench.routes();
    bench.clock.go(90.0);
    let (_, told) = run(plain(&routes, "GET", "/api/v1/alerts", ""));
    let (_, rules) = run(plain(&routes, "GET", "/api/v1/rules", ""));
    let live = bench.live.lock().expect("sound");
    let book = &live.open.session.watch().alerts;
    let firing: BTreeSet<&str> = book.firing().map(|alert| alert.name.as_str()).collect();
    let alerts = told["data"]["alerts"].as_array().expect("alerts").iter();
    let names = |state: &'static str| {
        alerts.clone().filter(move |a| a["state"] == state).map(|a| a["labels"]["alertname"].as_str().expect("named"))
    };
    assert!(!firing.is_empty(), "half a minute after the page: {told}");
    assert_eq!(names("firing").collect::<BTreeSet<_>>(), firing);
    let mut of_rules = BTreeSet::new();
    for rule in rules["data"]["groups"][0]["rules"].as_array().expect("rules") {
        let name = rule["name"].as_str().expect("named");
        let state = match (names("firing").any(|n| n == name), names("pending").any(|n| n == name)) {
            (true, _) => "firing",
            (false, true) => "pending",
            (false, false) => "inactive",
        };
        assert_eq!(rule["state"], json!(state), "{rule}");
        of_rules.insert(name);
    }
    assert_eq!(of_rules, book.rules().map(|rule| rule.name.as_str()).collect());
    assert_eq!(bench.log().events.len(), 2, "each is a look, though it costs nothing");
}

#[test]
fn the_files_for_grafana_are_those_of_the_panels() {
    let committed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/grafana");
    let files = grafana::files();
    for (path, text) in &files {
        let found = std::fs::read_to_string(committed.join(path)).unwrap_or_default();
        assert_eq!(&found, text, "{path} is not what `scartissue grafana assets/grafana` writes");
    }
    let there = std::fs::read_dir(committed.join("dashboards/scartissue")).expect("dashboards").count();
    assert_eq!(there + 2, files.len(), "a dashboard without a board");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn no_request_makes_it_fail(seeds in prop::collection::vec((0usize..10, "\\PC{0,30}", "\\PC{0,12}", any::<bool>()), 60)) {
        const PATHS: [&str; 10] = [
            "query", "query_range", "query_exemplars", "format_query", "series", "labels", "label/x/values", "metadata", "rules", "targets",
        ];
        let bench = Bench::new("fuzz", true);
        let routes = bench.routes();
        for (place, text, other, form) in seeds {
            let (query, moment) = (escaped(&text), escaped(&other));
            let parameters = format!("query={query}&match[]={query}&time={moment}&start={moment}&end={moment}&step={moment}&limit={moment}&type={moment}");
            let path = format!("/api/v1/{}", PATHS[place]);
            let (status, body) = match form {
                true => run(plain(&routes, "POST", &path, &parameters)),
                false => run(plain(&routes, "GET", &format!("{path}?{parameters}"), "")),
            };
            prop_assert!(status < 500 && body["status"].is_string(), "{path} {parameters}: {status} {body}");
        }
    }
}
