//! How fast worlds run: the flagship, the flagship on recorded traffic, the serving layers alone, and longer workloads.
//!
//! `cargo bench --no-default-features --bench world`. Budgets: the flagship's half hour in 300 ms, 100 ms to be good; an
//! hour of Mooncake's chat on four replicas in 350 ms, 70 ms to be good.

mod serving;

use std::sync::Arc;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::spec::stack::RouterPolicy;
use scartissue::sim::time::SimDuration;

fn main() {
    divan::main();
}

fn scenario(name: &str) -> Scenario {
    Scenario::open(&Catalogue::built_in(), name).expect("built in")
}

/// One whole run: caches filled with history, warm-up, incident.
#[divan::bench(args = ["empty-spares", "empty-spares-replay"], sample_count = 10, sample_size = 1)]
fn incident(bencher: Bencher<'_, '_>, name: &str) {
    let scenario = scenario(name);
    let events = scenario.run(&Setup::default(), 1).expect("it runs").events;
    bencher.counter(ItemsCount::new(events)).bench(|| scenario.run(&Setup::default(), black_box(1)));
}

/// The same users with nothing wrong.
#[divan::bench(args = ["empty-spares", "empty-spares-replay"], sample_count = 10, sample_size = 1)]
fn calm(bencher: Bencher<'_, '_>, name: &str) {
    let scenario = scenario(name);
    let setup = Setup { without: scenario.file.variants[0].causes.clone(), ..Setup::default() };
    let events = scenario.run(&setup, 1).expect("it runs").events;
    bencher.counter(ItemsCount::new(events)).bench(|| scenario.run(&setup, black_box(1)));
}

/// Calm hours until so many intents have come: the cost of an event must not grow with them.
#[divan::bench(args = [100_000, 1_000_000], sample_count = 2, sample_size = 1)]
fn calm_until_intents(bencher: Bencher<'_, '_>, intents: u64) {
    let mut scenario = scenario("empty-spares");
    let mut file = (*scenario.file).clone();
    file.length_s = SimDuration::from_secs(intents / 52);
    scenario.file = Arc::new(file);
    let setup = Setup { without: scenario.file.variants[0].causes.clone(), ..Setup::default() };
    let events = scenario.run(&setup, 1).expect("it runs").events;
    bencher.counter(ItemsCount::new(events)).bench(|| scenario.run(&setup, black_box(1)));
}

/// An hour of Mooncake's chat on four replicas, without anything around them; items are requests.
#[divan::bench(args = ["round robin", "cache aware"], sample_count = 10, sample_size = 1)]
fn serving_layers(bencher: Bencher<'_, '_>, router: &str) {
    let requests = serving::requests("mooncake-conversation").expect("built in");
    let policy = if router == "round robin" { RouterPolicy::RoundRobin } else { serving::cache_aware() };
    let config = serving::config(false);
    let count = ItemsCount::new(requests.len());
    bencher.counter(count).bench(|| serving::replay(black_box(&requests), 4, policy, &config));
}

/// Reading that hour.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn reading_a_trace() {
    black_box(serving::requests("mooncake-conversation").expect("built in"));
}
