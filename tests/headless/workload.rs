//! What users want: calibration of the presets against recorded agents, and laws that every workload keeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::scenario::trace;
use scartissue::sim::ids::SourceId;
use scartissue::sim::kv::run_cache::RunCache;
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::sim::workload::spec::{Arrivals, Lengths, OpenArrivals, TraceArrivals};
use scartissue::sim::workload::{Intent, Workload, WorkloadSpec};

const BLOCK: u32 = 16;

/// What a stream of prompts asks of caches.
#[derive(Debug)]
struct Asks {
    requests: usize,
    mean_prompt: f64,
    mean_new: f64,
    mean_output: f64,
    /// Share of prompt tokens that an endless cache would have.
    ideal_hit: f64,
    /// Share of prompt tokens that least-recently-used caches of so many tokens have.
    lru_hit: Vec<(u64, f64)>,
    /// Seconds since what is found was last used, weighted by tokens: 50, 75, 90, 99 %.
    reuse_gap_s: [f64; 4],
}

/// Measures what comes in `from..to` after everything before has filled the caches. `sizes` in tokens.
fn measure(intents: &[Intent], from: SimTime, to: SimTime, sizes: &[u64]) -> Asks {
    let mut endless: FxHashMap<u64, SimTime> = FxHashMap::default();
    let mut caches: Vec<RunCache> = sizes.iter().map(|t| RunCache::new((t / u64::from(BLOCK)) as u32)).collect();
    let mut found_by = vec![0u64; sizes.len()];
    let (mut requests, mut tokens, mut found, mut answers) = (0, 0u64, 0u64, 0u64);
    let mut gaps: Vec<(f64, u64)> = Vec::new();
    for intent in intents.iter().filter(|i| i.at < to) {
        let counts = from <= intent.at;
        for (cache, found) in caches.iter_mut().zip(&mut found_by) {
            if counts {
                *found += u64::from(cache.matched_blocks(&intent.prompt, BLOCK) * BLOCK);
            }
            use_cache(cache, intent);
        }
        let mut matching = true;
        for segment in intent.prompt.segments() {
            let before = endless.insert(segment.key, intent.at);
            matching &= before.is_some();
            if let Some(before) = before.filter(|_| matching && counts) {
                found += u64::from(segment.tokens);
                gaps.push((intent.at.since(before).as_secs_f64(), u64::from(segment.tokens)));
            }
        }
        endless.insert(intent.output_key, intent.at);
        if counts {
            requests += 1;
            tokens += u64::from(intent.prompt.tokens());
            answers += u64::from(intent.output_tokens);
        }
    }
    let each = |sum: u64| sum as f64 / f64::from(requests);
    Asks {
        requests: requests as usize,
        mean_prompt: each(tokens),
        mean_new: each(tokens - found),
        mean_output: each(answers),
        ideal_hit: found as f64 / tokens as f64,
        lru_hit: sizes.iter().zip(found_by).map(|(s, f)| (*s, f as f64 / tokens as f64)).collect(),
        reuse_gap_s: [0.5, 0.75, 0.9, 0.99].map(|q| quantile(&mut gaps, q)),
    }
}

fn use_cache(cache: &mut RunCache, intent: &Intent) {
    let spans: Vec<_> = scartissue::sim::kv::run_cache::blocks_of(&intent.prompt, BLOCK).collect();
    for (segment, _, blocks) in spans.iter().rev() {
        cache.store(segment.key, *blocks, intent.at);
    }
}

fn quantile(weighted: &mut [(f64, u64)], q: f64) -> f64 {
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: u64 = weighted.iter().map(|(_, w)| w).sum();
    let mut sum = 0;
    let at = |w: &&(f64, u64)| {
        sum += w.1;
        q * total as f64 <= sum as f64
    };
    weighted.iter().find(at).map_or(f64::NAN, |w| w.0)
}

fn workload(spec: &WorkloadSpec, seed: u64, open_at: SimTime) -> Workload {
    let list = |pick: fn(&scartissue::sim::workload::spec::SourceSpec) -> &String| {
        let mut names: Vec<String> = spec.sources.iter().map(|s| pick(s).clone()).collect();
        names.sort();
        names.dedup();
        names
    };
    Workload::new(spec, &list(|s| &s.client), &list(|s| &s.model), seed, open_at).expect("every name has a bearer")
}

/// All intents of one model's sources up to `to`; chats as if every answer met its objective.
fn intents(workload: &mut Workload, of: impl Fn(usize) -> bool, to: SimTime) -> Vec<Intent> {
    let mut all = Vec::new();
    for source in (0..workload.sources()).filter(|s| of(*s)) {
        while let Some(arrival) = workload.next_arrival(SourceId(source as u16)).filter(|a| a.at < to) {
            let (mut turn, mut at) = (0, arrival.at);
            while let Some(intent) = workload.turn(&arrival, turn, at).filter(|i| i.at < to) {
                all.push(intent);
                let Some((answer, think)) = workload.after_turn(&arrival, turn) else { break };
                (turn, at) = (turn + 1, at + answer + think);
            }
        }
    }
    all.sort_by_key(|i| (i.at, i.source, i.identity));
    all
}

fn flagship() -> Scenario {
    Scenario::open(&Catalogue::built_in(), "empty-spares").expect("the flagship is built in")
}

fn in_words(asks: &Asks) -> String {
    let lru: Vec<String> = asks.lru_hit.iter().map(|(t, h)| format!("{} M {h:.3}", t / 1_000_000)).collect();
    format!(
        "{} requests, prompt {:.0}, new {:.0}, answer {:.0}; endless cache {:.3}; LRU {}; reuse gap p50 {:.0} s, p75 {:.0}, p90 {:.0}, p99 {:.0}",
        asks.requests,
        asks.mean_prompt,
        asks.mean_new,
        asks.mean_output,
        asks.ideal_hit,
        lru.join(", "),
        asks.reuse_gap_s[0],
        asks.reuse_gap_s[1],
        asks.reuse_gap_s[2],
        asks.reuse_gap_s[3],
    )
}

const SIZES: [u64; 4] = [10_000_000, 20_000_000, 40_000_000, 160_000_000];

/// What the half hour of a scenario asks of the model that its first source asks.
fn asks_of(scenario: &Scenario, seed: u64) -> Asks {
    let spec = &scenario.file.workload;
    let open = scenario.file.open_at();
    let to = open + SimDuration::from_secs(1800);
    let mut users = workload(spec, seed, open);
    let launch = |s: usize| spec.sources[s].name == "launch";
    let model = &spec.sources[0].model;
    let all = intents(&mut users, |s| spec.sources[s].model == *model && !launch(s), to);
    measure(&all, open, to, &SIZES)
}

#[test]
fn the_agentic_cell_is_as_cacheable_as_recorded_agents() {
    let open = |name| Scenario::open(&Catalogue::built_in(), name).expect("built in");
    let flagship = asks_of(&open("empty-spares"), 1);
    println!("agentic-workload: {}", in_words(&flagship));
    let replay = asks_of(&open("empty-spares-replay"), 1);
    println!("real-traffic: {}", in_words(&replay));
    let recorded = recorded_agents();
    println!("kv-cache-tester, 60 sessions: {}", in_words(&recorded));
    for (name, asks) in [("agentic-workload", &flagship), ("kv-cache-tester", &recorded)] {
        assert!((0.85..=0.92).contains(&asks.ideal_hit), "{name}: {}", in_words(asks));
    }
    assert!((0.88..0.95).contains(&replay.ideal_hit), "{}", in_words(&replay));
    // What outlives the replicas' own memory (8 x 1.34 M tokens) is what the shared tier is for.
    let (own, shared) = (flagship.lru_hit[0].1, flagship.lru_hit[3].1);
    assert!(own < 0.5 && 0.84 < shared, "{}", in_words(&flagship));
}

/// Operators have published what an endless cache would find of general traffic: 54 and 62 % of prompt tokens; in an API
/// 80 % of it is used again within ten seconds, in chat within ten minutes (arXiv 2506.02634).
#[test]
fn the_general_workload_is_as_cacheable_as_operators_say() {
    let scenario = Scenario::open(&Catalogue::built_in(), "quiet-tuesday").expect("built in");
    let spec = &scenario.file.workload;
    let open = scenario.file.open_at();
    let to = open + SimDuration::from_secs(1800);
    let asks = |of: &dyn Fn(&str) -> bool, seed: u64| {
        let all = intents(&mut workload(spec, seed, open), |s| of(&spec.sources[s].name), to);
        measure(&all, open, to, &SIZES)
    };
    for seed in 1..=3 {
        let all = asks(&|_| true, seed);
        println!("general-workload, seed {seed}: {}", in_words(&all));
        assert!((0.54..=0.62).contains(&all.ideal_hit), "{}", in_words(&all));
    }
    for source in &spec.sources {
        println!("  {}: {}", source.name, in_words(&asks(&|name| name == source.name, 1)));
    }
}

/// The sixty recorded sessions, each as if the others did not exist.
fn recorded_agents() -> Asks {
    let bytes = include_bytes!("../data/kv-cache-tester/sessions.jsonl.gz");
    let rows = trace::read("sessions.jsonl.gz", bytes).expect("committed rows are good");
    assert_eq!(rows.len(), 1145);
    let mut spec = flagship().file.workload.clone();
    spec.sources.truncate(1);
    spec.sources[0].arrivals = Arrivals::Trace(TraceArrivals { rows: Arc::new(rows), ..replay_of("") });
    let all = intents(&mut workload(&spec, 1, SimTime::ZERO), |_| true, SimTime::NEVER);
    measure(&all, SimTime::ZERO, SimTime::NEVER, &SIZES)
}

fn replay_of(file: &str) -> TraceArrivals {
    let rows = if file.is_empty() { Vec::new() } else { trace::open(file).expect("built in") };
    let (file, rows) = (file.to_string(), Arc::new(rows));
    TraceArrivals { file, speed: 1.0, lead_s: SimDuration::ZERO, repeat: false, sessions: None, rows }
}

/// A workload of one source with these arrivals, otherwise like the flagship's agents.
fn single(arrivals: Arrivals) -> WorkloadSpec {
    let mut spec = flagship().file.workload.clone();
    spec.sources.truncate(1);
    spec.sources[0].arrivals = arrivals;
    spec
}

fn steady(per_s: f64) -> OpenArrivals {
    let zero = SimDuration::ZERO;
    OpenArrivals { per_s, diurnal: 0.0, burstiness: 0.0, from_s: None, ramp_s: zero, until_s: None }
}

fn after(seconds: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(seconds)
}

#[test]
fn taking_a_source_away_leaves_all_others_as_they_were() {
    for name in ["empty-spares", "empty-spares-replay"] {
        let scenario = Scenario::open(&Catalogue::built_in(), name).expect("built in");
        let full = &scenario.file.workload;
        let of = |spec: &WorkloadSpec, source: usize| {
            let mut users = workload(spec, 5, after(60));
            (source < users.sources()).then(|| intents(&mut users, |s| s == source, after(90)))
        };
        for taken in 0..full.sources.len() {
            let mut less = full.clone();
            less.sources[taken].absent = true;
            assert!(of(&less, taken).expect("it keeps its number").is_empty());
            for source in (0..full.sources.len()).filter(|s| *s != taken) {
                let before = of(full, source).expect("a source");
                assert!(!before.is_empty() || full.sources[source].name == "launch");
                assert_eq!(Some(before), of(&less, source), "{name}: without {taken}");
            }
        }
    }
}

#[test]
fn an_intent_is_the_same_whenever_and_in_whatever_order_it_is_asked_for() {
    let spec = &flagship().file.workload.clone();
    let forwards = intents(&mut workload(spec, 9, after(60)), |_| true, after(90));
    let mut users = workload(spec, 9, after(60));
    let mut arrivals = Vec::new();
    for source in (0..users.sources()).rev() {
        while let Some(arrival) = users.next_arrival(SourceId(source as u16)).filter(|a| a.at < after(90)) {
            arrivals.push(arrival);
        }
    }
    let backwards: Vec<Intent> = arrivals.iter().rev().map(|a| users.intent(a)).collect();
    let first_turns: BTreeMap<u64, &Intent> = forwards.iter().map(|i| (i.identity, i)).collect();
    assert_eq!(first_turns.len(), forwards.len(), "identities are distinct");
    assert!(1000 < backwards.len());
    for intent in &backwards {
        assert_eq!(first_turns.get(&intent.identity), Some(&intent));
    }
}

#[test]
fn rates_are_as_stated() {
    for (per_s, seed) in [(0.7, 1), (12.0, 2), (300.0, 3)] {
        let mut users = workload(&single(Arrivals::Open(steady(per_s))), seed, after(0));
        let count = intents(&mut users, |_| true, after(600)).len() as f64;
        let mean = per_s * 600.0;
        assert!((count - mean).abs() < 3.0 * mean.sqrt(), "{count} intents where {mean} were expected");
    }
    // A day's curve and bursts change when, not how many: in 24 h their mean is one.
    let mut day = steady(2.0);
    (day.diurnal, day.burstiness) = (0.6, 0.5);
    let mut users = workload(&single(Arrivals::Open(day)), 4, after(0));
    let count = intents(&mut users, |_| true, after(86_400)).len() as f64;
    let mean: f64 = 2.0 * 86_400.0;
    let bursts = 2.0 * 10.0 * (f64::exp_m1(0.25) * 8640.0).sqrt() * (1.0 + 0.6 * 0.6 / 2.0_f64).sqrt();
    assert!((count - mean).abs() < 3.0 * (mean + bursts * bursts).sqrt(), "{count} where {mean} were expected");
}

#[test]
fn sessions_of_a_trace_bring_as_many_requests_as_they_recorded() {
    let trace = TraceArrivals { sessions: Some(steady(0.5)), ..replay_of("agent-sessions") };
    let (rows, sessions) =
        (trace.rows.len() as f64, f64::from(trace.rows.iter().map(|r| r.session).max().unwrap() + 1));
    let per_session: Vec<f64> =
        (0..sessions as u32).map(|s| trace.rows.iter().filter(|r| r.session == s).count() as f64).collect();
    let second_moment = per_session.iter().map(|n| n * n).sum::<f64>() / sessions;
    let mut users = workload(&single(Arrivals::Trace(trace)), 11, after(0));
    let hours = 4.0;
    let count = intents(&mut users, |_| true, after(4 * 3600)).len() as f64;
    let begun = 0.5 * 3600.0 * hours;
    let (mean, sigma) = (begun * rows / sessions, (begun * second_moment).sqrt());
    assert!((count - mean).abs() < 3.0 * sigma, "{count} where {mean} +- {sigma} were expected");
}

/// Critical value of chi-square at 0.001 by Wilson and Hilferty's approximation.
fn chi_square_limit(freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + 3.090 * spread.sqrt()).powi(3)
}

#[test]
fn templates_are_as_popular_as_zipf_has_it() {
    let mut spec = single(Arrivals::Open(steady(100.0)));
    let prompt = &mut spec.sources[0].prompt;
    (prompt.templates, prompt.zipf, prompt.runs) = (200, 0.9, None);
    let all = intents(&mut workload(&spec, 7, after(0)), |_| true, after(500));
    let weights: Vec<f64> = (1..=200).map(|rank| libm::pow(f64::from(rank), -0.9)).collect();
    let total: f64 = weights.iter().sum();
    let mut seen = vec![0.0; 200];
    all.iter().for_each(|intent| seen[intent.template as usize] += 1.0);
    let expected = |rank: usize| all.len() as f64 * weights[rank] / total;
    let chi_square: f64 = (0..200).map(|r| (seen[r] - expected(r)).powi(2) / expected(r)).sum();
    assert!(chi_square < chi_square_limit(199.0), "chi-square {chi_square} over 199 degrees of freedom");
    // The test can tell: a slightly different exponent is refused.
    let other: Vec<f64> = (1..=200).map(|rank| libm::pow(f64::from(rank), -0.95)).collect();
    let sum: f64 = other.iter().sum();
    let off: f64 = (0..200)
        .map(|r| (seen[r] / all.len() as f64 - other[r] / sum).powi(2) * all.len() as f64 / (other[r] / sum))
        .sum();
    assert!(chi_square_limit(199.0) < off, "an exponent of 0.95 would pass: {off}");
}

#[test]
fn batch_jobs_start_on_the_hour() {
    let (hour, spread) = (SimDuration::from_secs(3600), SimDuration::from_secs(120));
    let job = Arrivals::Batch {
        every_s: hour,
        offset_s: SimDuration::from_secs(30),
        intents: 50,
        spread_s: spread,
        from_s: None,
    };
    let all = intents(&mut workload(&single(job), 3, after(1620)), |_| true, after(3 * 3600));
    assert_eq!(all.len(), 150);
    for intent in &all {
        let after_hour = (intent.at.as_secs_f64() - 1620.0).rem_euclid(3600.0);
        assert!((30.0..=150.0).contains(&after_hour), "{after_hour} s after the hour");
    }
}

#[test]
fn turns_of_a_chat_depend_on_the_seed_alone() {
    let chat = Arrivals::Chat { sessions: steady(1.0), turns: 5.0, think_s: Lengths { median: 25.0, sigma: 0.8 } };
    let spec = single(chat);
    let mut users = workload(&spec, 3, after(0));
    let starts: Vec<_> = std::iter::from_fn(|| users.next_arrival(SourceId(0))).take(2000).collect();
    let again = workload(&spec, 3, after(0));
    let mut turns = 0.0;
    for start in &starts {
        let wanted = users.turns(start);
        turns += f64::from(wanted);
        // Asked late, early, or out of order: the same number, the same prompts.
        let late = again.turn(start, wanted - 1, start.at + SimDuration::from_secs(9000)).expect("the last turn");
        let early = users.turn(start, wanted - 1, start.at).expect("the last turn");
        assert_eq!((late.prompt.clone(), late.output_tokens), (early.prompt.clone(), early.output_tokens));
        assert_eq!(users.after_turn(start, 0), again.after_turn(start, 0));
        assert!(users.turn(start, wanted, start.at).is_none());
    }
    let (mean, sigma) = (5.0, (5.0_f64 * 4.0 / 2000.0).sqrt());
    assert!((turns / 2000.0 - mean).abs() < 3.0 * sigma, "{} turns on average", turns / 2000.0);
}
