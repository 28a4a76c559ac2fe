//! How long a debrief takes: a session of the flagship with orders, the runs that prove what was true and what could have
//! been done, and the ideal observer's reading of its world.
//!
//! `cargo bench --no-default-features --bench debrief`. Budget: 3 s on two cores for up to 16 runs.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use scartissue::console::parse::{Said, parse};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::score::debrief::debrief_among;
use scartissue::score::observer::Observer;
use scartissue::score::observer::reading::Reading;
use scartissue::score::runs::{Ask, Runs, paged};
use scartissue::session::Session;
use scartissue::session::clock::{Mode, Seat, Terms};
use scartissue::session::log::Event;
use scartissue::session::seal::{self, Seal};
use scartissue::sim::time::SimDuration;

fn main() {
    divan::main();
}

const SEED: u64 = 3;
/// What was done: two orders and a commit.
const LINES: [&str; 8] = [
    "next",
    "ack",
    "board overview",
    "arm",
    "act scale:agents-70b=12",
    "wait 3m",
    "act shed=0.2",
    "commit demand.growth 70",
];

fn flagship() -> Scenario {
    Scenario::open(&Catalogue::built_in(), "empty-spares").expect("built in")
}

fn played(scenario: &Scenario, variant: &str) -> (Session, Vec<Event>) {
    let paged_at = paged(scenario, variant, SEED).expect("a variant").expect("somebody is paged");
    let seal = Seal {
        v: seal::VERSION,
        scenario: scenario.name.clone(),
        variant: variant.to_string(),
        seed: SEED,
        salt: 7,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "bench".to_string(),
    };
    let terms = Terms { mode: Mode::A0, ..Terms::default() };
    let mut session = Session::open(scenario.clone(), seal, terms).expect("a session");
    let mut events = Vec::new();
    for line in LINES.into_iter().chain(["end"]) {
        let Ok(Said::Command(command)) = parse(line) else { panic!("{line} is no command") };
        let (n, at) = (events.len() as u64 + 1, session.now().0);
        session.apply(Seat::Participant, &command).unwrap_or_else(|e| panic!("{line}: {e}"));
        events.push(Event { n, at, seat: Seat::Participant, by: String::new(), command, saw: String::new() });
    }
    (session, events)
}

/// A debrief with all its runs; items are runs.
#[divan::bench(args = ["membership", "surge"], sample_count = 1, sample_size = 1)]
fn whole(bencher: Bencher<'_, '_>, variant: &str) {
    let scenario = flagship();
    let (session, events) = played(&scenario, variant);
    let made = Cell::new(0);
    let once = || {
        let runs = AtomicUsize::new(0);
        let count = |_: usize, _: usize| {
            runs.fetch_add(1, Ordering::Relaxed);
        };
        let observer = Observer::built_in(&scenario).ok();
        let told = debrief_among(&session, &events, observer, &Runs::new(&scenario), &count).expect("a debrief");
        made.set(runs.load(Ordering::Relaxed));
        told
    };
    bencher.bench_local(once);
    println!("{variant}: {} runs", made.get());
}

/// Sixteen runs of one world with one order each, from the page on: what a debrief is made of.
#[divan::bench(args = ["membership", "surge"], sample_count = 1, sample_size = 1)]
fn sixteen_runs(bencher: Bencher<'_, '_>, variant: &str) {
    let scenario = flagship();
    let paged_at = paged(&scenario, variant, SEED).expect("a variant").expect("somebody is paged");
    let ask = |n: u64| Ask {
        variant: variant.to_string(),
        seed: SEED,
        orders: vec![scartissue::sim::spec::TimedAction {
            at: paged_at + SimDuration::from_secs(10 + n),
            action: scartissue::sim::spec::action::Action::Shed { share: 0.02 * (n + 1) as f64 },
        }],
        ..Ask::default()
    };
    let asks: Vec<Ask> = (0..16).map(ask).collect();
    bencher
        .counter(ItemsCount::new(asks.len()))
        .bench_local(|| Runs::new(&scenario).all(black_box(&asks), &|_, _| {}).expect("they run"));
}

/// The ideal observer's reading of one world, up to ten minutes after the page.
#[divan::bench(args = ["empty-spares", "midnight", "silent-scaler", "twenty-two-images"], sample_count = 1, sample_size = 1)]
fn reading(bencher: Bencher<'_, '_>, name: &str) {
    let scenario = Scenario::open(&Catalogue::built_in(), name).expect("built in");
    bencher.bench_local(|| Reading::of(&scenario.file, &Setup::default(), black_box(SEED)).expect("a reading"));
}
