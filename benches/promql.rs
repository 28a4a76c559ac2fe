//! How fast queries are: panels of an incident and heavy queries, over the flagship's telemetry and over 3,000 series of
//! 2,000 samples; and how many bytes a sample takes.
//!
//! `cargo bench --no-default-features --bench promql`. A panel is to take less than 50 ms. With `SCARTISSUE_PEERS=1` a
//! real Prometheus holds the same samples (500 of each series), and its own time for each query is printed beside ours, as a ratio.

#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/headless/promql_server.rs"]
mod promql_server;

use std::time::Instant;

use divan::{Bencher, black_box};
use promql_server::{Server, exposed, seconds};
use scartissue::metrics::labels::{Labels, NAME};
use scartissue::metrics::promql::Query;
use scartissue::metrics::store::Store;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;

/// What a person looks at first, over the whole incident at the resolution of a chart.
const PANELS: [&str; 8] = [
    "sum by (pool) (vllm:num_requests_waiting)",
    "sum by (pool) (rate(vllm:request_success_total[1m]))",
    "histogram_quantile(0.99, sum by (pool, le) (rate(vllm:time_to_first_token_seconds_bucket[2m])))",
    "sum(rate(vllm:prefix_cache_hits_total[2m])) / sum(rate(vllm:prefix_cache_queries_total[2m]))",
    "max by (pool) (vllm:kv_cache_usage_perc)",
    "sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx[1m]))",
    "sum(rate(envoy_cluster_upstream_rq_retry[1m])) / sum(rate(envoy_cluster_upstream_rq_total[1m]))",
    "avg(DCGM_FI_DEV_POWER_USAGE)",
];

/// Queries over every series of the large store.
const HEAVY: [&str; 10] = [
    "sum by (pool) (rate(requests_total[5m]))",
    "sum(requests_total)",
    "topk(5, rate(requests_total[5m]))",
    "histogram_quantile(0.99, sum by (le, pool) (rate(latency_bucket[5m])))",
    "quantile_over_time(0.9, queue[10m])",
    "max_over_time(sum by (pool) (rate(requests_total[1m]))[10m:30s])",
    "rate(requests_total[1m]) / on (pod, pool) group_left () queue",
    "{__name__=~\"requests.*|queue\", pod=~\".*1.*\"} > 10",
    "avg_over_time(queue[1h])",
    "count_values(\"value\", floor(queue / 10))",
];

fn main() {
    let peers = std::env::var_os("SCARTISSUE_PEERS").is_some();
    let large = large(if peers { 500 } else { 2000 });
    println!("large store: {}", size(&large));
    let incident = incident();
    println!("flagship: {}", size(&incident));
    if peers {
        against_prometheus("flagship", &incident, &PANELS);
        against_prometheus("large", &large, &HEAVY);
    } else {
        divan::main();
    }
}

fn size(store: &Store) -> String {
    let (series, samples, bytes) = (store.all().count(), store.len(), store.bytes());
    format!("{series} series, {samples} samples, {:.2} bytes each", bytes as f64 / samples as f64)
}

/// The flagship's telemetry with every metric.
fn incident() -> Store {
    let scenario = Scenario::open(&Catalogue::built_in(), "empty-spares").expect("built in");
    let mut world = scenario.world(&Setup::default(), 1).expect("a world");
    world.scrape_everything();
    let end = world.window().1;
    world.advance_to(end);
    world.scraped().clone()
}

/// 3,000 series of so many samples: 200 pods with a counter, a gauge and a histogram of 13 buckets.
fn large(samples: i64) -> Store {
    let mut store = Store::default();
    let mut random = 1u64;
    let mut below = |n: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % n
    };
    for pod in 0..200 {
        let (pod, pool) = (format!("pod-{pod}"), format!("pool-{}", pod % 8));
        let mut add = |name: &str, more: &[(&str, &str)], value: &mut dyn FnMut() -> f64| {
            let pairs = [(NAME, name), ("job", "service"), ("pod", pod.as_str()), ("pool", pool.as_str())];
            let id = store.series(&Labels::new(pairs.into_iter().chain(more.iter().copied())));
            for step in 0..samples {
                store.append(id, step * 15_000, value());
            }
        };
        let mut total = 0;
        add("requests_total", &[], &mut || {
            total += below(900);
            total as f64
        });
        add("queue", &[], &mut || below(100_000) as f64 / 1000.0);
        for bucket in 0..13u64 {
            let edge =
                if bucket == 12 { "+Inf".to_string() } else { format!("{}", 0.01 * f64::powi(2.0, bucket as i32)) };
            let mut count = 0;
            add("latency_bucket", &[("le", edge.as_str())], &mut || {
                count += (bucket + 1) * 10 + below(10);
                count as f64
            });
        }
    }
    store
}

/// First and last sample of a store, and a step that makes a chart of 120 points of its last half hour.
fn chart(store: &Store) -> (i64, i64, i64) {
    let last_ms = store.all().filter_map(|id| store.last(id)).map(|p| p.t_ms).max().unwrap_or(0);
    (last_ms - 1_800_000, last_ms, 15_000)
}

#[divan::bench(args = PANELS)]
fn panel(bencher: Bencher<'_, '_>, query: &str) {
    let (store, query) = (incident(), Query::parse(query).expect("a query"));
    let (start, end, step) = chart(&store);
    bencher.bench_local(|| query.eval_range(black_box(&store), start, end, step).expect("it is answered"));
}

#[divan::bench(args = HEAVY, sample_count = 10)]
fn heavy(bencher: Bencher<'_, '_>, query: &str) {
    let (store, query) = (large(2000), Query::parse(query).expect("a query"));
    let (start, end, step) = chart(&store);
    bencher.bench_local(|| query.eval_range(black_box(&store), start, end, step).expect("it is answered"));
}

/// An autoscaler's look.
#[divan::bench]
fn instant(bencher: Bencher<'_, '_>) {
    let store = incident();
    let query = Query::parse("sum(vllm:num_requests_waiting{pool=\"agents-70b\"})").expect("a query");
    let end = chart(&store).1;
    bencher.bench_local(|| query.eval_at(black_box(&store), end).expect("it is answered"));
}

#[expect(clippy::disallowed_methods, reason = "two programs are timed in turns; no result depends on the clock")]
fn against_prometheus(name: &str, store: &Store, queries: &[&str]) {
    let (text, store, _) = exposed(store);
    let server = match Server::start(name, &text) {
        Ok(server) => server,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let (start, end, step) = chart(&store);
    println!("\n{:>10} {:>14} {:>8}  {name}: medians of 5 turns", "ours", "Prometheus", "ratio");
    for query in queries {
        let parsed = Query::parse(query).expect("a query");
        let parameters = [
            ("query", query.to_string()),
            ("start", seconds(start)),
            ("end", seconds(end)),
            ("step", (step / 1000).to_string()),
            ("stats", "all".to_string()),
        ];
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            let begun = Instant::now();
            black_box(parsed.eval_range(&store, start, end, step).expect("it is answered"));
            ours.push(begun.elapsed().as_secs_f64() * 1e3);
            // Its own time from the beginning of the execution to the result, without JSON and the network.
            let data = server.data("query_range", &parameters).expect("it answers").expect("it is a query");
            theirs.push(data["stats"]["timings"]["execTotalTime"].as_f64().expect("it says how long it took") * 1e3);
        }
        let [ours, theirs] = [ours, theirs].map(median);
        println!("{ours:>7.2} ms {theirs:>11.2} ms {:>8.1}  {query}", theirs / ours);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
