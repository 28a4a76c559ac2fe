//! How long looks take over a whole incident: one statement of SQL, one comparison, one search of logs.
//!
//! `cargo bench --no-default-features --bench looks`. Budget: 50 ms at the 95th percentile.

use divan::{Bencher, black_box};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::world::World;
use scartissue::telemetry::calendar::Calendar;
use scartissue::telemetry::compare::compare;
use scartissue::telemetry::log_search::{LogSearch, search};
use scartissue::telemetry::logs::LogBook;
use scartissue::telemetry::scene::Scene;
use scartissue::telemetry::sql::{Sql, Tables};

fn main() {
    divan::main();
}

/// What is asked in the course of an incident, over all of it unless it says otherwise.
const STATEMENTS: [&str; 13] = [
    "SELECT count(*) FROM requests",
    "SELECT * FROM requests ORDER BY time DESC LIMIT 20",
    "SELECT * FROM requests WHERE status >= 400 LIMIT 20",
    "SELECT * FROM requests WHERE request_id = 'req_000000000000'",
    "SELECT status, count(*) FROM requests WHERE time > ago('5m') GROUP BY status",
    "SELECT status, count(*) FROM requests GROUP BY status",
    "SELECT bucket(time, 60) AS minute, count(*), avg(status >= 400), p95(ttft_ms) FROM requests GROUP BY minute",
    "SELECT pool, replica, count(*), p95(ttft_ms) FROM requests WHERE time > ago('5m') GROUP BY pool, replica",
    "SELECT account, count(*) AS n FROM requests GROUP BY account ORDER BY n DESC LIMIT 10",
    "SELECT substr(a.created_at, 1, 10) AS day, count(*) AS n FROM requests r JOIN accounts a USING (account) \
     WHERE r.time > ago('5m') GROUP BY day ORDER BY n DESC LIMIT 10",
    "SELECT retry_count, sum(prompt_tokens), sum(cached_tokens) FROM requests GROUP BY retry_count",
    "SELECT pod, count(*) FROM logs WHERE level = 'ERROR' GROUP BY pod",
    "SELECT time, pod, body FROM logs_fts WHERE logs_fts MATCH 'upstream' ORDER BY time DESC LIMIT 20",
];

/// The whole flagship, with its logs.
fn incident() -> (World, Scene, LogBook) {
    let scenario = Scenario::open(&Catalogue::built_in(), "empty-spares").expect("built in");
    let setup = Setup::default();
    let spec = scenario.file.world(&setup).expect("a world");
    let mut world = scenario.world(&setup, 1).expect("a world");
    world.record_everything();
    world.advance_to(world.window().1);
    let mut scene = Scene::new(&spec, 1, Calendar::new("", "", spec.open_at).expect("a date"), 7);
    scene.refresh(&world);
    let mut logs = LogBook::new();
    logs.advance(&scene, &world);
    (world, scene, logs)
}

fn tables<'a>(world: &'a World, scene: &'a Scene, logs: &'a LogBook) -> Tables<'a> {
    Tables {
        scene,
        requests: world.recording().attempts(),
        logs: logs.lines(),
        spans: &[],
        changes: &[],
        alerts: &[],
        tickets: &[],
        now: world.now(),
    }
}

/// One statement, the index being there.
#[divan::bench(args = STATEMENTS, sample_count = 20, sample_size = 1)]
fn statement(bencher: Bencher<'_, '_>, text: &str) {
    let (world, scene, logs) = incident();
    let tables = tables(&world, &scene, &logs);
    let mut sql = Sql::new().expect("an engine");
    sql.query(&tables, text).expect("an answer");
    bencher.bench_local(|| sql.query(&tables, black_box(text)));
}

/// The first statement of a process over a whole incident: the index of what it reads is made, by moments where it names one.
#[divan::bench(
    args = ["status FROM requests", "time FROM requests", "account FROM accounts", "level FROM logs", "time FROM logs",
        "body FROM logs_fts"],
    sample_count = 5,
    sample_size = 1
)]
fn first_statement(bencher: Bencher<'_, '_>, what: &str) {
    let (world, scene, logs) = incident();
    let tables = tables(&world, &scene, &logs);
    bencher.bench_local(|| Sql::new().and_then(|mut sql| sql.query(&tables, &format!("SELECT {what} LIMIT 1"))));
}

/// What rows with errors have in common.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn comparison(bencher: Bencher<'_, '_>) {
    let (world, scene, logs) = incident();
    let tables = tables(&world, &scene, &logs);
    let mut sql = Sql::new().expect("an engine");
    compare(&mut sql, &tables, "status >= 400", "", 10).expect("a comparison");
    bencher.bench_local(|| compare(&mut sql, &tables, "status >= 400", "", 10));
}

/// All lines with a word.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn log_search(bencher: Bencher<'_, '_>) {
    let (world, _, logs) = incident();
    let ask = LogSearch { grep: Some("timeout".to_string()), context: 2, ..LogSearch::default() };
    bencher.bench_local(|| search(logs.lines(), world.now(), black_box(&ask)).map(|a| a.total));
}
