//! Whatever bytes come as commands, statements, queries, logs or scenario files, the program answers or refuses, and
//! never panics. Each file of `tests/corpus` is tried as it is, and after changes drawn by chance from a fixed seed;
//! with `SCARTISSUE_FUZZ=SECONDS` for so long, from another seed. What it found first: `1.5m` in a query was read for
//! ever.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use scartissue::console::parse::parse;
use scartissue::metrics::promql::Query;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::file::ScenarioFile;
use scartissue::scenario::load::load;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::names;
use scartissue::scenario::opened::Scenario;
use scartissue::scenario::source::Source;
use scartissue::session::Command;
use scartissue::session::log::Log;
use scartissue::sim::time::SimDuration;
use scartissue::telemetry::watch::Watch;

/// Changed copies of each file that every run tries.
const COPIES: u64 = 60;

fn corpus(kind: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(kind);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    assert!(10 <= files.len(), "{kind} has {} seeds", files.len());
    files.into_iter().map(|path| (path.clone(), std::fs::read(&path).expect("it can be read"))).collect()
}

/// A copy of some bytes with a few changes: a bit, a byte, a piece cut out, doubled, or taken from elsewhere.
fn changed(rng: &mut ChaCha8Rng, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    const ODD: [&[u8]; 12] = [
        b"\0",
        b"\xff",
        b"(",
        b")",
        b"\"",
        b"'",
        b"[",
        b"-",
        b"99999999999999999999",
        b"\n",
        b"{",
        "\u{202e}".as_bytes(),
    ];
    let mut bytes = bytes.to_vec();
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..=bytes.len());
        let to = (at + rng.random_range(0..9)).min(bytes.len());
        match rng.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => drop(bytes.drain(at..to)),
            2 => {
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
            3 if !other.is_empty() => {
                let from = rng.random_range(0..other.len());
                let piece = other[from..(from + rng.random_range(1..40)).min(other.len())].to_vec();
                bytes.splice(at..to, piece);
            }
            4 => bytes.truncate(at),
            _ => drop(bytes.splice(at..to, ODD[rng.random_range(0..ODD.len())].iter().copied())),
        }
    }
    bytes
}

/// Tries every seed of a kind and changed copies of it.
fn try_all(kind: &str, copies: u64, mut take: impl FnMut(&[u8])) {
    let seeds = corpus(kind);
    let tried = |seed: u64, copy: Option<u64>, bytes: &[u8], take: &mut dyn FnMut(&[u8])| {
        let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| take(bytes)));
        let of = copy.map_or(String::new(), |copy| format!(", copy {copy} of seed {seed}"));
        assert!(taken.is_ok(), "{kind}{of} panics; add it to tests/corpus: {:?}", String::from_utf8_lossy(bytes));
    };
    for (_, bytes) in &seeds {
        tried(0, None, bytes, &mut take);
    }
    let budget = std::env::var("SCARTISSUE_FUZZ").ok().and_then(|s| s.parse().ok()).map(Duration::from_secs);
    #[allow(clippy::disallowed_methods, reason = "how long a person let it run; nothing that is tested reads it")]
    let begun = Instant::now();
    let first = if budget.is_some() { RandomState::new().build_hasher().finish() } else { 1 };
    for round in 0.. {
        let seed = first.wrapping_add(round);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for (place, (_, bytes)) in seeds.iter().enumerate() {
            let other = &seeds[rng.random_range(0..seeds.len())].1;
            let copy = changed(&mut rng, bytes, other);
            tried(seed, Some(place as u64), &copy, &mut take);
        }
        match budget {
            Some(budget) if begun.elapsed() < budget => {}
            None if round + 1 < copies => {}
            _ => return,
        }
    }
}

fn watch() -> Watch {
    const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");
    let scenario = Scenario::open(&Catalogue::built_in(), SMALL).expect("the test's scenario loads");
    let variant = scenario.file.variants[0].name.clone();
    let mut watch = Watch::new(&scenario.file, &variant, 3, 7).expect("a world");
    let (open_at, _) = watch.world.window();
    watch.advance_to(open_at + SimDuration::from_secs(200));
    watch
}

#[test]
fn bytes_as_commands() {
    try_all("commands", 20 * COPIES, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = parse(&text);
        let _ = serde_json::from_str::<Command>(&text);
    });
}

#[test]
fn bytes_as_queries() {
    let watch = watch();
    let (store, now_ms) = (watch.world.scraped(), watch.now_ms());
    try_all("promql", COPIES, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(query) = Query::parse(&text) {
            let _ = query.eval_at(store, now_ms);
            let _ = query.eval_range(store, now_ms - 120_000, now_ms, 15_000);
        }
    });
}

#[test]
fn bytes_as_statements() {
    let mut watch = watch();
    try_all("sql", COPIES / 6, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = watch.with_tables(&text, |sql, tables| sql.query(tables, &text));
    });
}

#[test]
fn bytes_as_logs_of_sessions() {
    try_all("sessions", 20 * COPIES, |bytes| {
        let _ = Log::parse(bytes, "bytes");
        let _ = Log::salvage(bytes, "bytes");
    });
}

#[test]
fn bytes_as_scenario_files() {
    let catalogue = Catalogue::built_in();
    try_all("scenarios", COPIES / 6, |bytes| {
        let source = Arc::new(Source::from_bytes("bytes.ron", bytes));
        match load::<ScenarioFile>(source, catalogue.presets(), names::check) {
            Ok(loaded) => drop(loaded.value.world(&Setup::default())),
            Err(mistakes) => assert!(!mistakes.render(false).is_empty()),
        }
    });
}

#[test]
fn a_whole_log_of_the_corpus_is_one() {
    let (_, bytes) = corpus("sessions").into_iter().find(|(path, _)| path.ends_with("whole.jsonl")).expect("a seed");
    assert_eq!(Log::parse(&bytes, "whole").expect("it is sound").events.len(), 4);
}
