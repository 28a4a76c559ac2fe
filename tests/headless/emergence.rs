//! The founding incident happens by mechanism: signs, orders and ratios over several seeds, never exact values.

use rayon::prelude::*;

use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::scenario::Scenario;
use scartissue::sim::client::Outcome;
use scartissue::sim::rng::mix;
use scartissue::sim::series::Series;




use scartissue::sim::spec::WorldSpec;
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::sim::workload::WorkloadSpec;
use scartissue::sim::world::{Ended, World};

const SEEDS: [u64; 3] = [1, 2, 3];
/// Seconds after the opening at which causes of the flagship set in.
const ONSET_S: f64 = 300.0;
/// Enough to see everything leave its place.
const SHORT: SimDuration = SimDuration::from_secs(720);

/// A run that was watched on its way: counts at the end of each bucket, and books that balanced at odd moments.
struct Watched {
    ended: Ended,
    /// Answers with a status of 500 and above, per second.
    server_errors_per_s: Vec<f64>,
    /// Intents that failed for good, per second.
    intents_failed_per_s: Vec<f64>,
}

impl Watched {
    fn series(&self) -> &Series {
        &self.ended.series
    }
}

fn flagship(length: SimDuration) -> Scenario {
    let mut scenario = Scenario::open(&Catalogue::built_in(), "empty-spares").expect("the flagship is built in");
    std::sync::Arc::make_mut(&mut scenario.file).length_s = length;
    scenario
}

fn flagship_spec(variant: &str, length: SimDuration) -> WorldSpec {
    let setup = Setup { variant: Some(variant.to_string()), ..Setup::default() };
    flagship(length).file.world(&setup).expect("the variant is there")
}

fn watch(spec: &WorldSpec, seed: u64) -> Watched {
    let mut world = World::new(spec, seed).unwrap_or_else(|e| panic!("{e:?}"));
    let mut counts = Vec::new();
    let mut at = spec.open_at;
    world.advance_to(at);
    let count = |world: &World| {
        let server = |o: &Outcome| o.status().is_some_and(|s| 500 <= s);
        let tally = world.tally();
        (tally.outcomes.iter().filter(|(o, _)| server(o)).map(|(_, n)| n).sum::<u64>(), tally.intents_failed)
    };
    let mut before = count(&world);
    while at < spec.horizon {
        let odd = SimDuration(mix(seed, at.0) % spec.bucket.0);
        if mix(seed, at.0).is_multiple_of(8) {
            world.advance_to((at + odd).min(spec.horizon));
            world.conservation().unwrap_or_else(|e| panic!("seed {seed}, {}: {e}", world.now()));
        }
        at = (at + spec.bucket).min(spec.horizon);
        world.advance_to(at);
        let now = count(&world);
        let per_s = |a: u64, b: u64| (b - a) as f64 / spec.bucket.as_secs_f64();
        counts.push((per_s(before.0, now.0), per_s(before.1, now.1)));
        before = now;
    }
    let ended = world.finish();
    ended.conservation.clone().unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    let (server_errors_per_s, intents_failed_per_s) = counts.into_iter().unzip();
    Watched { ended, server_errors_per_s, intents_failed_per_s }
}

fn finish(spec: &WorldSpec, seed: u64) -> Ended {
    let ended = World::new(spec, seed).unwrap_or_else(|e| panic!("{e:?}")).finish();
    ended.conservation.clone().unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    ended
}

/// Mean of a column over the buckets that end in (from, to].
fn mean(series: &Series, column: &[f64], from_s: f64, to_s: f64) -> f64 {
    let inside: Vec<f64> = series.t_s.iter().zip(column).filter(|(t, _)| from_s < **t && **t <= to_s).map(|(_, v)| *v).collect();
    inside.iter().sum::<f64>() / inside.len().max(1) as f64
}

/// As [`mean`], over the buckets in which something was measured.
fn mean_some(series: &Series, column: &[Option<f64>], from_s: f64, to_s: f64) -> f64 {
    let pairs = series.t_s.iter().zip(column).filter(|(t, _)| from_s < **t && **t <= to_s);
    let inside: Vec<f64> = pairs.filter_map(|(_, v)| *v).collect();
    inside.iter().sum::<f64>() / inside.len().max(1) as f64
}

fn before(series: &Series, column: &[Option<f64>]) -> f64 {
    mean_some(series, column, 60.0, ONSET_S)
}

/// End of the first of two buckets in a row after the onset in which `moved` holds.
fn departure(series: &Series, moved: impl Fn(usize) -> bool) -> Option<f64> {
    (1..series.t_s.len()).find(|i| ONSET_S < series.t_s[i - 1] && moved(i - 1) && moved(*i)).map(|i| series.t_s[i - 1])
}

/// When each signal leaves its place, and when the alerts that people get would ring.
#[derive(Debug)]
struct Departures {
    hit: f64,
    prefill: f64,
    ttft: f64,
    goodput: f64,
    attempts: f64,
    volume_alert: f64,
    server_errors: f64,
    intents_failed: f64,
}

impl Departures {
    fn of(run: &Watched) -> Departures {
        let s = run.series();
        let never = f64::INFINITY;
        let (hit, prefill) = (before(s, &s.hit_ratio), before(s, &s.prefill_tokens_per_request));
        let (ttft, goodput) = (before(s, &s.ttft_p99_s), mean(s, &s.goodput_per_s, 60.0, ONSET_S));
        let attempts = mean(s, &s.attempts_per_s, 60.0, ONSET_S);
        let some = |column: &[Option<f64>], i: usize, moved: &dyn Fn(f64) -> bool| column[i].is_some_and(moved);
        Departures {
            hit: departure(s, |i| some(&s.hit_ratio, i, &|v| v < hit - 0.05)).unwrap_or(never),
            prefill: departure(s, |i| some(&s.prefill_tokens_per_request, i, &|v| 1.5 * prefill < v)).unwrap_or(never),
            ttft: departure(s, |i| some(&s.ttft_p99_s, i, &|v| 2.0 * ttft < v)).unwrap_or(never),
            goodput: departure(s, |i| s.goodput_per_s[i] < 0.6 * goodput).unwrap_or(never),
            // One bucket of ordinary traffic reaches 1.4 times the mean.
            attempts: departure(s, |i| s.intents_per_s[i] + 0.1 * attempts < s.attempts_per_s[i]).unwrap_or(never),
            volume_alert: departure(s, |i| 2.0 * attempts < s.attempts_per_s[i]).unwrap_or(never),
            server_errors: departure(s, |i| 0.01 * attempts < run.server_errors_per_s[i]).unwrap_or(never),
            intents_failed: departure(s, |i| 0.01 * attempts < run.intents_failed_per_s[i]).unwrap_or(never),
        }
    }
}

/// What the panels show before and at their worst after the onset.
#[derive(Debug)]
struct Panels {
    intents: f64,
    attempts: f64,
    queue: f64,
    ttft_p50: f64,
    errors: f64,
    hit_left: f64,
    prefill_peak: f64,
}

impl Panels {
    /// Ratios after to before; `hit_left` is the hit ratio after over the one before.
    fn of(s: &Series) -> Panels {
        let end = *s.t_s.last().expect("a run has buckets");
        let ratio = |column: &[f64]| mean(s, column, 420.0, end) / mean(s, column, 60.0, ONSET_S).max(0.01);
        let some = |column: &[Option<f64>]| mean_some(s, column, 390.0, end) / before(s, column);
        let peak = (0..s.t_s.len().saturating_sub(2))
            .filter(|i| ONSET_S <= s.t_s[*i])
            .map(|i| s.prefill_tokens_per_request[i..i + 3].iter().flatten().sum::<f64>() / 3.0)
            .fold(0.0, f64::max);
        // First tokens only speak of attempts that got one: the worst half minute tells.
        let slow = s.t_s.iter().zip(&s.ttft_p50_s).filter(|(t, _)| ONSET_S < **t).filter_map(|(_, v)| *v);
        Panels {
            intents: ratio(&s.intents_per_s),
            attempts: ratio(&s.attempts_per_s),
            queue: some(&s.queue),
            ttft_p50: slow.fold(0.0, f64::max) / before(s, &s.ttft_p50_s),
            errors: mean(s, &s.errors_per_s, 420.0, end),
            hit_left: some(&s.hit_ratio),
            prefill_peak: peak / before(s, &s.prefill_tokens_per_request),
        }
    }
}

fn watch_variant(variant: &str) -> Vec<(u64, Watched)> {
    let spec = flagship_spec(variant, SHORT);
    SEEDS.par_iter().map(|seed| (*seed, watch(&spec, *seed))).collect()
}

#[test]
fn a_lost_cache_shows_as_volume_in_the_order_of_life() {
    for (seed, run) in ["membership", "flush", "invalidation"].iter().flat_map(|v| {
        watch_variant(v).into_iter().inspect(move |(seed, run)| {
            println!("{v}, seed {seed}: {:?}", Panels::of(run.series()));
        })
    }) {
        let s = run.series();
        println!("  {}", hits_by_source(s));
        let panels = Panels::of(s);
        let d = Departures::of(&run);
        println!("  {d:?}");
        assert!((0.9..1.1).contains(&panels.intents), "intents flat: {panels:?}");
        assert!(2.0 <= panels.attempts, "attempts at least double: {panels:?}");
        assert!(5.0 <= panels.prefill_peak, "seed {seed}: {panels:?}");
        assert!(d.hit <= d.prefill && d.prefill <= d.ttft, "{d:?}");
        assert!(d.ttft <= d.goodput && d.goodput < d.attempts, "{d:?}");
        // Nothing can be tried again before something has timed out, and that takes the agents' own 30 s.
        assert!((ONSET_S + 30.0..).contains(&d.attempts) && d.attempts.is_finite(), "{d:?}");
        assert!(d.attempts < d.volume_alert && d.volume_alert.is_finite(), "{d:?}");
        assert!(d.attempts < d.server_errors && d.attempts < d.intents_failed, "{d:?}");
        assert!(d.intents_failed.is_finite(), "{d:?}");
    }
}

/// What is left of the hits, by source, before, in the first minute and a half, and later.
fn hits_by_source(s: &Series) -> String {
    let window = |name: &str, from: f64, to: f64| {
        let of = |column: &[Option<f64>]| mean_some(s, column, from, to);
        let (hbm, host, remote) = (of(&s.hit_hbm), of(&s.hit_host), of(&s.hit_remote));
        format!("{name}: hit {:.2} (hbm {hbm:.2}, host {host:.2}, remote {remote:.2})", of(&s.hit_ratio))
    };
    [window("before", 60.0, ONSET_S), window("300-390 s", 300.0, 390.0), window("390-720 s", 390.0, 720.0)].join("; ")
}
