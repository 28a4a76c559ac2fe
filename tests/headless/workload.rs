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
use scartissue::sim::workload::spec::{Arrivals, OpenArrivals};
use scartissue::sim::workload::{Intent, TraceRow, Workload, WorkloadSpec};

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

#[test]
#[ignore = "prints"]
fn explore() {
    let catalogue = Catalogue::built_in();
    for path in std::env::var("SCENARIOS").expect("set").split(',') {
        let scenario = Scenario::open(&catalogue, path).expect("opens");
        let spec = &scenario.file.workload;
        let open = scenario.file.open_at();
        let to = open + SimDuration::from_secs(1800);
        let mut users = workload(spec, 1, open);
        let model = spec.sources[0].model.clone();
        let all = intents(&mut users, |s| spec.sources[s].model == model, to);
        println!("{path} {:?}", measure(&all, open, to, &[10_000_000, 20_000_000, 40_000_000, 160_000_000]));
    }
    let _: Option<(BTreeMap<u8, u8>, Arc<Vec<TraceRow>>, Arrivals, OpenArrivals)> = None;
    let _ = (trace::names(), flagship());
}
