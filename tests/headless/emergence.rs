//! The founding incident happens by mechanism: signs, orders and ratios over several seeds, never exact values.

use rayon::prelude::*;

use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::client::Outcome;
use scartissue::sim::rng::mix;
use scartissue::sim::series::Series;
use scartissue::sim::spec::action::Action;
use scartissue::sim::spec::fault::Fault;
use scartissue::sim::spec::stack::{Affinity, RouterPolicy};
use scartissue::sim::spec::{TimedAction, TimedFault, WorldSpec};
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
    let inside: Vec<f64> =
        series.t_s.iter().zip(column).filter(|(t, _)| from_s < **t && **t <= to_s).map(|(_, v)| *v).collect();
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

fn watch_variant(variant: &str, seeds: &[u64]) -> Vec<(u64, Watched)> {
    let spec = flagship_spec(variant, SHORT);
    seeds.par_iter().map(|seed| (*seed, watch(&spec, *seed))).collect()
}

#[test]
fn a_lost_cache_shows_as_volume_in_the_order_of_life() {
    for (seed, run) in ["membership", "flush", "invalidation"].iter().flat_map(|v| {
        watch_variant(v, &SEEDS).into_iter().inspect(move |(seed, run)| {
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
        assert!(d.hit <= d.prefill, "{d:?}");
        // A first token's time is known when it comes, but that none came at once; and a ratio needs more of a bucket
        // than a time does to leave its range: a bucket of 5 s may pass between.
        assert!(d.prefill <= d.ttft + 5.0, "{d:?}");
        assert!(d.ttft <= d.goodput + 5.0 && d.goodput < d.attempts, "{d:?}");
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

fn fault(id: &str, at: SimTime, until: Option<SimTime>, ron: &str) -> TimedFault {
    let fault: Fault = ron::from_str(ron).unwrap_or_else(|e| panic!("{ron}: {e}"));
    TimedFault { id: id.to_string(), at, until, fault }
}

fn after(spec: &WorldSpec, seconds: u64) -> SimTime {
    spec.open_at + SimDuration::from_secs(seconds)
}

#[test]
fn the_foil_moves_the_same_loud_panels_and_differs_on_the_trio() {
    let pairs: Vec<_> =
        ["invalidation", "surge"].map(|variant| watch_variant(variant, &SEEDS[..2])).into_iter().collect();
    for ((seed, lost), (_, surge)) in pairs[0].iter().zip(&pairs[1]) {
        let (lost, surge) = (Panels::of(lost.series()), Panels::of(surge.series()));
        println!("seed {seed}: lost cache {lost:?}\n        surge {surge:?}");
        for loud in [&lost, &surge] {
            assert!(
                2.0 <= loud.attempts && 10.0 <= loud.queue && 10.0 <= loud.ttft_p50 && 20.0 <= loud.errors,
                "{loud:?}"
            );
        }
        assert!((0.9..1.1).contains(&lost.intents) && (1.7..2.5).contains(&surge.intents), "{lost:?} {surge:?}");
        assert!(lost.hit_left < 0.6 && (0.85..1.1).contains(&surge.hit_left), "{lost:?} {surge:?}");
        assert!(5.0 <= lost.prefill_peak && surge.prefill_peak < 2.5, "{lost:?} {surge:?}");
    }
}

#[test]
fn without_its_cause_harm_goes_and_without_a_decoy_it_stays() {
    let cases: [(&str, &[&str], &[&str]); 4] = [
        ("membership", &["agent-roll", "fast-controller"], &["sdk-release"]),
        ("flush", &["tier-flush"], &["sdk-release", "agent-roll-patient"]),
        ("invalidation", &["validator"], &["sdk-release", "agent-roll-patient"]),
        ("surge", &["launch"], &["sdk-release", "agent-roll-patient"]),
    ];
    let scenario = flagship(SimDuration::from_secs(540));
    let harm = |variant: &str, without: &[&str], seed| {
        let without = without.iter().map(|id| id.to_string()).collect();
        let setup = Setup { variant: Some(variant.to_string()), without, ..Setup::default() };
        let ended = scenario.run(&setup, seed).expect("the ids are there");
        ended.conservation.clone().unwrap_or_else(|e| panic!("{variant}, seed {seed}: {e}"));
        ended.harm.user_minutes_lost
    };
    let jobs: Vec<_> = cases.iter().flat_map(|case| SEEDS[..2].iter().map(move |seed| (case, *seed))).collect();
    jobs.par_iter().for_each(|((variant, causes, decoys), seed)| {
        let whole = harm(variant, &[], *seed);
        for cause in *causes {
            let left = harm(variant, &[cause], *seed);
            println!("{variant}, seed {seed}: harm {whole:.0}, without {cause} {left:.0}");
            assert!(left < 0.1 * whole, "{variant} without {cause}: {left} of {whole}");
        }
        for decoy in decoys.iter().filter(|_| *seed == SEEDS[0]) {
            let left = harm(variant, &[decoy], *seed);
            assert!((left / whole - 1.0).abs() < 0.02, "{variant} without {decoy}: {left} of {whole}");
        }
    });
}

#[test]
fn one_history_in_any_chunks_on_any_number_of_threads() {
    let spec = flagship_spec("membership", SimDuration::from_secs(450));
    let whole = finish(&spec, 5).event_hash;
    let setup = Setup { variant: Some("membership".to_string()), without: Vec::new(), actions: Vec::new() };
    let again = flagship(SimDuration::from_secs(450)).run(&setup, 5).expect("it ran before").event_hash;
    assert_eq!(whole, again, "without nothing is bit-identical");
    let mut world = World::new(&spec, 5).expect("it was built before");
    let mut at = spec.warm_until;
    for step in 0.. {
        at += SimDuration(mix(step, 9) % SimDuration::from_secs(7).0);
        world.advance_to(at);
        if spec.horizon <= at {
            break;
        }
    }
    assert_eq!(whole, world.finish().event_hash, "any chunking of time");
    let hashes = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be had");
        pool.install(|| [5, 6, 7, 8].par_iter().map(|seed| finish(&spec, *seed).event_hash).collect::<Vec<_>>())
    };
    let (one, many) = (hashes(1), hashes(4));
    assert_eq!(one, many, "any number of threads");
    assert_eq!(one[0], whole);
    assert_ne!(one[0], one[1], "seeds differ");
}

/// Only chats, with long contexts, on the big pool: they come back after a minute and a half of thought.
fn chat_world(sessions_per_s: f64, length_s: u64) -> WorldSpec {
    let mut spec = flagship_spec("membership", SHORT);
    spec.faults.clear();
    spec.stack.pools[0].replicas = 4;
    spec.stack.pools[0].autoscaler = None;
    let workload = format!(
        r#"(
        cohorts: [(name: "people", accounts: 20000, tier: Paid, created_from_days: 900, created_to_days: 0)],
        sources: [(
            name: "chats", client: "agent-sdk", model: "sonata-70b", cohort: "people",
            slo_ttft_s: 3, patience_s: 240,
            arrivals: Chat(sessions: (per_s: {sessions_per_s}), turns: 6, think_s: (median: 70, sigma: 0.6)),
            prompt: (templates: 400, zipf: 0.6, template_tokens: (median: 9000, sigma: 0.3), new_tokens: (median: 900, sigma: 0.5)),
            output_tokens: (median: 220, sigma: 0.5),
        )],
    )"#
    );
    spec.workload = ron::from_str::<WorkloadSpec>(&workload).unwrap_or_else(|e| panic!("{e}"));
    spec.warm_until = SimTime::ZERO;
    spec.open_at = SimTime::from_secs_f64(900.0);
    spec.horizon = after(&spec, length_s);
    spec
}

fn goodput(ended: &Ended, from_s: f64, to_s: f64) -> f64 {
    mean(&ended.series, &ended.series.goodput_per_s, from_s, to_s)
}

#[test]
fn with_chats_alone_attempts_fall_when_the_cache_is_lost() {
    SEEDS.par_iter().for_each(|seed| {
        let mut spec = chat_world(2.0, 720);
        spec.workload.sources[0].client = "chat-web".to_string();
        spec.faults = vec![fault("lost", after(&spec, 300), None, "CacheValidation(invalid: 1)")];
        let ended = finish(&spec, *seed);
        let s = &ended.series;
        let attempts = mean(s, &s.attempts_per_s, 360.0, 720.0) / mean(s, &s.attempts_per_s, 60.0, ONSET_S);
        let prefill =
            mean_some(s, &s.prefill_tokens_per_request, 360.0, 720.0) / before(s, &s.prefill_tokens_per_request);
        println!("chats, seed {seed}: attempts x{attempts:.2}, prefill per request x{prefill:.1}");
        assert!(attempts < 0.85 && 5.0 <= prefill, "attempts x{attempts}, prefill x{prefill}");
    });
}

/// Chats on replicas that keep their contexts in their own memory, and lose them all at once when they restart. Users
/// do not give up, they press the button again.
fn flushed_chats(sessions_per_s: f64, keep_aborted_prefill: bool, seed: u64) -> Ended {
    let mut spec = chat_world(sessions_per_s, 960);
    spec.open_at = SimTime::from_secs_f64(1200.0);
    spec.horizon = after(&spec, 960);
    let source = &mut spec.workload.sources[0];
    let arrivals = format!("Chat(sessions: (per_s: {sessions_per_s}), turns: 12, think_s: (median: 50, sigma: 0.6))");
    source.arrivals = ron::from_str(&arrivals).unwrap_or_else(|e| panic!("{arrivals}: {e}"));
    source.prompt = ron::from_str(
        "(templates: 50, template_tokens: (median: 2000, sigma: 0.3), new_tokens: (median: 5000, sigma: 0.5))",
    )
    .unwrap_or_else(|e| panic!("{e}"));
    source.patience_s = SimDuration::from_secs(1200);
    let policy = &mut spec.stack.clients[0].policy;
    policy.first_token_timeout = Some(SimDuration::from_secs(20));
    (policy.retries, policy.turn_restarts) = (60, None);
    let pool = &mut spec.stack.pools[0];
    (pool.keep_aborted_prefill, pool.kv_blocks, pool.host_blocks) = (keep_aborted_prefill, 400_000, 0);
    spec.stack.shared_cache = None;
    spec.stack.fleet.schedule_s = SimDuration::from_secs(1);
    spec.stack.fleet.load_weights_s = SimDuration::from_secs(1);
    let at = after(&spec, 300);
    let crash = |replica| fault("loss", at, None, &format!("ReplicaCrash(pool: \"agents-70b\", replica: {replica})"));
    spec.faults = (0..4).map(crash).collect();
    finish(&spec, seed)
}

#[test]
fn a_one_off_loss_heals_unless_timed_out_prefill_is_thrown_away_under_load() {
    let cases = [(0.5, true, true), (0.5, false, false), (0.1, false, true)];
    let jobs: Vec<_> = cases.iter().flat_map(|case| SEEDS[..2].iter().map(move |seed| (*case, *seed))).collect();
    jobs.par_iter().for_each(|((rate, keep, heals), seed)| {
        let ended = flushed_chats(*rate, *keep, *seed);
        let share = goodput(&ended, 720.0, 960.0) / goodput(&ended, 60.0, ONSET_S);
        println!(
            "one-off loss, {rate} sessions/s, keep {keep}, seed {seed}: goodput share after 7 to 11 min {share:.2}"
        );
        assert!(if *heals { 0.7 < share } else { share < 0.2 }, "{rate} sessions/s, keep {keep}, seed {seed}: {share}");
    });
}

#[test]
fn with_cancellation_lost_restoring_the_cache_does_not_restore_goodput() {
    let jobs: Vec<_> = [false, true].into_iter().flat_map(|lost| SEEDS[..2].iter().map(move |s| (lost, *s))).collect();
    jobs.par_iter().for_each(|(lost, seed)| {
        let mut spec = flagship_spec("membership", SimDuration::from_secs(1200));
        if *lost {
            spec.faults.push(fault("zombies", SimTime::ZERO, None, "CancellationLost(gateway_to_engine: true)"));
        }
        spec.actions = vec![TimedAction { at: after(&spec, 420), action: Action::RestoreCacheMembers }];
        let ended = finish(&spec, *seed);
        let hit = mean_some(&ended.series, &ended.series.hit_ratio, 900.0, 1200.0);
        let share = goodput(&ended, 900.0, 1200.0) / goodput(&ended, 60.0, ONSET_S);
        println!("restored, cancellation lost {lost}, seed {seed}: hit {hit:.2}, goodput share {share:.2}");
        assert!(0.8 < hit, "the cache is back: {hit}");
        assert!(if *lost { share < 0.2 } else { 0.5 < share }, "cancellation lost {lost}: {share}");
    });
}

#[test]
fn servers_mask_a_persistent_loss_only_at_several_times_the_fleet() {
    let share_of = |replicas: u16, seed: u64| {
        let mut spec = flagship_spec("invalidation", SimDuration::from_secs(600));
        spec.stack.pools[0].replicas = replicas;
        spec.stack.pools[0].autoscaler = None;
        let ended = finish(&spec, seed);
        goodput(&ended, 420.0, 600.0) / goodput(&ended, 60.0, ONSET_S)
    };
    let shares: Vec<(u16, f64)> = [8, 12, 16, 24, 32, 48].par_iter().map(|n| (*n, share_of(*n, 1))).collect();
    println!("goodput share with a persistent loss, by replicas (was 8): {shares:.2?}");
    assert!(shares.iter().filter(|(n, _)| *n <= 16).all(|(_, share)| *share < 0.5), "{shares:?}");
    assert!(shares.iter().filter(|(n, _)| 32 <= *n).all(|(_, share)| 0.8 < *share), "{shares:?}");
}

/// One more replica for a cell whose working set fits into its replicas' own memory; hit ratio before and after.
fn one_more(policy: RouterPolicy, seed: u64) -> (f64, f64) {
    let mut spec = flagship_spec("membership", SimDuration::from_secs(600));
    spec.faults.clear();
    spec.stack.shared_cache = None;
    for (source, rate) in [(0, 18), (1, 6)] {
        let open = format!("Open((per_s: {rate}, burstiness: 0.08))");
        spec.workload.sources[source].arrivals = ron::from_str(&open).unwrap_or_else(|e| panic!("{open}: {e}"));
    }
    let pool = &mut spec.stack.pools[0];
    (pool.autoscaler, pool.kv_blocks, pool.host_blocks) = (None, 840_000, 0);
    (pool.router.policy, pool.router.affinity) = (policy, Affinity::Session);
    spec.stack.fleet.schedule_s = SimDuration::from_secs(5);
    spec.stack.fleet.load_weights_s = SimDuration::from_secs(20);
    let action = Action::Scale { pool: pool.name.clone(), replicas: pool.replicas + 1 };
    spec.actions = vec![TimedAction { at: after(&spec, 180), action }];
    let ended = finish(&spec, seed);
    let hit = |from, to| mean_some(&ended.series, &ended.series.hit_ratio, from, to);
    (hit(60.0, 180.0), hit(240.0, 360.0))
}

#[test]
fn one_server_more_costs_hits_for_minutes_under_mod_n_and_hardly_under_a_ring() {
    SEEDS.par_iter().for_each(|seed| {
        let (mod_n, ring) = (one_more(RouterPolicy::ModN, *seed), one_more(RouterPolicy::ConsistentHash, *seed));
        println!("one more replica, seed {seed}: hit {mod_n:.2?} under mod-N, {ring:.2?} on a ring (before, two minutes after)");
        assert!(mod_n.1 < mod_n.0 - 0.2, "{mod_n:?}");
        assert!(ring.0 - 0.12 < ring.1, "{ring:?}");
    });
}

#[test]
fn what_lists_a_sound_pool_shows_nothing_of_the_sick_one() {
    let of = |name: &str, variant: &str| {
        let scenario = Scenario::open(&Catalogue::built_in(), name).expect("it loads");
        scenario.file.healthy_pools(variant)
    };
    assert_eq!(of("empty-spares", "flush"), [""; 0], "a cache is in no pool");
    assert_eq!(of("empty-spares", "surge"), [""; 0], "a crowd may show anywhere");
    let scenario = Scenario::open(&Catalogue::built_in(), "fastest-replica").expect("it loads");
    let variants: Vec<&str> = scenario.file.variants.iter().map(|v| v.name.as_str()).collect();
    assert!(variants.iter().any(|v| !scenario.file.healthy_pools(v).is_empty()), "{variants:?}");
}
