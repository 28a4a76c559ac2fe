//! A real Prometheus holds the telemetry of real scenarios and is asked thousands of queries made by chance; we must say
//! the same, and refuse what it refuses.
//!
//! Its marks of ends cannot be handed to it in a file, so neither side has them here; the scripts cover those.

use std::collections::BTreeMap;

use scartissue::metrics::labels::{Labels, NAME};
use scartissue::metrics::promql::{Query, Value};
use scartissue::metrics::store::Store;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::rng::{Purpose, Stream};

use crate::promql_queries::{Asked, Maker};
use crate::promql_server::{BASE_MS, Rows, Server, exposed, seconds};

/// Instants and ranges asked of each store.
const INSTANTS: usize = 2000;
const RANGES: usize = 500;

#[test]
fn prometheus_agrees_on_queries_made_by_chance() {
    if std::env::var_os("SCARTISSUE_PEERS").is_none() {
        println!("SKIPPED: set SCARTISSUE_PEERS=1 to ask a real Prometheus");
        return;
    }
    let mut asked = 0;
    for (name, store) in [("chance", by_chance()), ("empty-spares", telemetry("empty-spares"))] {
        match compare(name, &store) {
            Ok(tally) => {
                println!("{name}: {tally}");
                asked += 1;
            }
            Err(why) => println!("SKIPPED: {why}"),
        }
    }
    if 0 < asked {
        println!("{asked} stores of 2");
    }
}

/// Asks both about a store; what came of it, or why the peer cannot be had.
fn compare(name: &str, store: &Store) -> Result<String, String> {
    let (text, store, span_ms) = exposed(store);
    let server = Server::start(name, &text)?;
    let seed = std::env::var("SCARTISSUE_PEER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut maker = Maker::new(&store, seed);
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for number in 0..INSTANTS + RANGES {
        let asked = maker.make();
        let mut chance = Stream::new(seed, number as u64, Purpose::Sensor, 1);
        let moment = BASE_MS + (chance.unit() * span_ms as f64) as i64 / 1000 * 1000;
        let verdict = if number < INSTANTS {
            instant(&server, &store, &asked, moment)
        } else {
            let (steps, step_s) = (1 + chance.below(30) as i64, 1 + chance.below(40) as i64);
            range(&server, &store, &asked, moment, steps, step_s)
        };
        match verdict {
            Ok(kind) => *tally.entry(kind).or_default() += 1,
            Err(why) => wrong.push(format!("{} at {moment}: {why}", asked.query)),
        }
    }
    assert!(wrong.is_empty(), "{name}, seed {seed}: {} differ:\n{}", wrong.len(), wrong.join("\n"));
    Ok(format!("{tally:?} of {} queries, none differs", INSTANTS + RANGES))
}

fn instant(server: &Server, store: &Store, asked: &Asked, t_ms: i64) -> Result<&'static str, String> {
    let theirs = server.ask("query", &[("query", asked.query.clone()), ("time", seconds(t_ms))])?;
    let ours = Query::parse(&asked.query).and_then(|query| query.eval_at(store, t_ms)).map(|value| match value {
        Value::Scalar(number) => Rows::from([(Labels::default(), vec![(t_ms, number)])]),
        Value::Vector(samples) => samples.into_iter().map(|s| (s.labels, vec![(t_ms, s.value)])).collect(),
        Value::Range(lines) => lines
            .into_iter()
            .map(|line| (line.labels, line.points.iter().map(|p| (p.t_ms, p.value)).collect()))
            .collect(),
        Value::Text(_) => Rows::new(),
    });
    judge(asked, ours.map_err(|e| e.to_string()), theirs)
}

fn range(
    server: &Server,
    store: &Store,
    asked: &Asked,
    end_ms: i64,
    steps: i64,
    step_s: i64,
) -> Result<&'static str, String> {
    let start_ms = end_ms - steps * step_s * 1000;
    let parameters = [
        ("query", asked.query.clone()),
        ("start", seconds(start_ms)),
        ("end", seconds(end_ms)),
        ("step", step_s.to_string()),
    ];
    let theirs = server.ask("query_range", &parameters)?;
    let ours = Query::parse(&asked.query).and_then(|q| q.eval_range(store, start_ms, end_ms, step_s * 1000));
    let ours = ours.map(|lines| {
        let points = |line: &scartissue::metrics::promql::Line| line.points.iter().map(|p| (p.t_ms, p.value)).collect();
        lines.iter().map(|line| (line.labels.clone(), points(line))).collect()
    });
    judge(asked, ours.map_err(|e| e.to_string()), theirs)
}

fn judge(asked: &Asked, ours: Result<Rows, String>, theirs: Result<Rows, String>) -> Result<&'static str, String> {
    let (mut ours, mut theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(_), Err(_)) => return Ok("refused"),
        (Err(ours), Ok(theirs)) => return Err(format!("refused here alone: {ours}; there {} rows", theirs.len())),
        (Ok(_), Err(theirs)) => return Err(format!("refused there alone: {theirs}")),
    };
    if asked.ties {
        // Which of several equal values is chosen is nobody's promise: the values count.
        (ours, theirs) = (nameless(ours), nameless(theirs));
    }
    if ours.keys().ne(theirs.keys()) {
        let only = |a: &Rows, b: &Rows| a.keys().find(|labels| !b.contains_key(labels)).map(|l| l.to_string());
        return Err(format!(
            "{} rows and {}; only here {:?}, only there {:?}",
            ours.len(),
            theirs.len(),
            only(&ours, &theirs),
            only(&theirs, &ours)
        ));
    }
    for ((labels, ours), theirs) in ours.iter().zip(theirs.values()) {
        if ours.len() != theirs.len() {
            return Err(format!("{labels} has {} values and {}: {ours:?} {theirs:?}", ours.len(), theirs.len()));
        }
        for ((t_ms, our), (their_ms, their)) in ours.iter().zip(theirs) {
            if t_ms != their_ms || !alike(*our, *their, asked.scale) {
                return Err(format!("{labels} at {t_ms} is {our}, there {their} at {their_ms}"));
            }
        }
    }
    Ok(if ours.is_empty() { "empty" } else { "equal" })
}

/// All values of each moment in order, whatever they are called.
fn nameless(rows: Rows) -> Rows {
    let mut values: Vec<(i64, f64)> = rows.into_values().flatten().collect();
    values.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.is_nan().cmp(&b.1.is_nan())).then(a.1.total_cmp(&b.1)));
    Rows::from([(Labels::default(), values)])
}

/// To 1e-9 of the value, or of what it was made of: a difference of large numbers has their error.
fn alike(a: f64, b: f64, scale: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(scale * 1e-3)
}

/// What the monitoring system of a scenario has scraped by the end.
fn telemetry(name: &str) -> Store {
    let scenario = Scenario::open(&Catalogue::built_in(), name).expect("it is built in");
    let mut world = scenario.world(&Setup::default(), 5).expect("a world");
    world.scrape_everything();
    let end = world.window().1;
    world.advance_to(end);
    world.scraped().clone()
}

/// Ten minutes of counters with resets, gauges with every kind of value, and buckets, with gaps.
fn by_chance() -> Store {
    let mut store = Store::default();
    let mut add = |labels: &[(&str, &str)], values: &[(i64, f64)]| {
        let id = store.series(&Labels::new(labels.iter().copied()));
        values.iter().for_each(|(t_ms, value)| assert!(store.append(id, *t_ms, *value)));
    };
    for (number, (pod, pool)) in [("a", "x"), ("b", "x"), ("c", "y"), ("d", "z")].into_iter().enumerate() {
        let mut chance = Stream::new(11, number as u64, Purpose::Sensor, 0);
        let (mut counter, mut counts, mut gauges) = (0.0, Vec::new(), Vec::new());
        let mut edges: [Vec<(i64, f64)>; 4] = Default::default();
        let mut buckets = [0.0f64; 4];
        for step in 0..=40 {
            let t_ms = step * 15_000 + if chance.chance(0.1) { chance.below(9000) as i64 } else { 0 };
            if chance.chance(0.06) {
                counter = 0.0;
            }
            counter += (chance.unit() * 100.0).floor();
            let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.5][chance.below(5) as usize];
            gauges.push((t_ms, if chance.chance(0.04) { odd } else { (chance.unit() * 200.0).floor() - 50.0 }));
            let seen: Vec<f64> = (0..4).map(|_| chance.below(4) as f64).collect();
            (0..4).for_each(|n| buckets[n] += seen[..=n].iter().sum::<f64>());
            (0..4).for_each(|n| edges[n].push((t_ms, buckets[n])));
            if !chance.chance(0.1) {
                counts.push((t_ms, counter)); // else a scrape is missed
            }
        }
        let gauges: Vec<_> = gauges.into_iter().filter(|_| !chance.chance(0.1)).collect();
        add(&[(NAME, "c_total"), ("pod", pod), ("pool", pool)], &counts);
        add(&[(NAME, "g"), ("pod", pod), ("pool", pool)], &gauges);
        for (edge, values) in ["0.1", "0.5", "2", "+Inf"].into_iter().zip(&edges) {
            add(&[(NAME, "h_bucket"), ("le", edge), ("pod", pod), ("pool", pool)], values);
        }
    }
    store
}
