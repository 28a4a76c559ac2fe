//! The serving layers alone: a router and engines under a recorded trace, without clients, network or gateways.

use std::sync::Arc;

use scartissue::scenario::trace;
use scartissue::sim::prompt::{Prompt, Segment};
use scartissue::sim::rng::mix;
use scartissue::sim::serving::engine::{Engine, EngineConfig, Happening, Job, NoTiers};
use scartissue::sim::serving::router::Router;
use scartissue::sim::serving::step_time::StepCost;
use scartissue::sim::spec::stack::RouterPolicy;
use scartissue::sim::time::{SimDuration, SimTime};

/// Step times for comparison with others: a fixed part, tokens of prefill, tokens of context; milliseconds.
pub const DECODE_MS: f64 = 2.0;
/// Of a step with prefill, in all but what its tokens cost.
pub const PREFILL_MS: f64 = 8.0;
/// Per token of prefill.
pub const PREFILL_TOKEN_MS: f64 = 0.03;
/// Per token of context of decoding sequences.
pub const CONTEXT_TOKEN_MS: f64 = 1.4e-5;

/// A request of the trace, ready to be sent again and again.
#[derive(Clone)]
pub struct Request {
    at: SimTime,
    prompt: Prompt,
    output_tokens: u32,
    output_key: u64,
}

/// The requests of a trace, by name or path.
pub fn requests(name_or_path: &str) -> Result<Arc<[Request]>, trace::TraceError> {
    let rows = trace::open(name_or_path)?;
    let request = |(index, row): (usize, &scartissue::sim::workload::TraceRow)| {
        let own = mix(1, index as u64);
        let covered: u32 = row.segments.iter().map(|s| s.tokens).sum();
        let rest = Segment { key: own, tokens: row.input_tokens.saturating_sub(covered) };
        let prompt = Prompt::new(row.segments.iter().copied().chain([rest]));
        let (output_tokens, output_key) = (row.output_tokens, mix(own, 1));
        Request { at: SimTime::ZERO + row.at, prompt, output_tokens, output_key }
    };
    Ok(rows.iter().enumerate().map(request).collect())
}

/// Engines as the comparison has them: blocks of 512 tokens, 6,000 of them.
pub fn config(stepwise: bool) -> EngineConfig {
    let decode = [DECODE_MS, 0.0, CONTEXT_TOKEN_MS];
    let cost = StepCost::from_fit(decode, [PREFILL_MS, PREFILL_TOKEN_MS, 0.0], 0.0, 0.0, 0.0);
    EngineConfig {
        cost,
        kv_blocks: 6000,
        block_tokens: 512,
        host_blocks: 0,
        max_num_seqs: 256,
        max_num_batched_tokens: 8192,
        keep_aborted: true,
        fail_on_load_failure: false,
        stepwise,
    }
}

/// Cache-aware routing with SGLang's defaults.
pub fn cache_aware() -> RouterPolicy {
    RouterPolicy::CacheAware { threshold: 0.5, balance_abs: 32, balance_rel: 1.0001 }
}

/// What came of a replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Requests answered.
    pub finished: u64,
    /// Times an engine was woken, and arrivals.
    pub events: u64,
    /// Mean time to first token, in milliseconds.
    pub mean_ttft_ms: f64,
    /// Mean time per further token, in milliseconds, of answers of at least two.
    pub mean_tpot_ms: f64,
    /// Mean time from arrival to the last token, in milliseconds.
    pub mean_e2e_ms: f64,
    /// Share of prompt tokens found cached.
    pub hit_ratio: f64,
    /// Seconds simulated.
    pub simulated_s: f64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// A hash of every first and last token's moment, in order.
    pub hash: u64,
}

/// Replays the requests on `replicas` engines.
pub fn replay(requests: &[Request], replicas: usize, policy: RouterPolicy, config: &EngineConfig) -> Outcome {
    let mut engines: Vec<Engine> = (0..replicas).map(|_| Engine::new(config.clone())).collect();
    let mut router = Router::new(policy, 0, SimDuration::ZERO);
    (0..replicas).for_each(|place| router.set_ready(place, true));
    let mut first_token = vec![SimTime::ZERO; requests.len()];
    let (mut outcome, mut answers_of_two) = (Outcome::default(), 0u64);
    let mut next_request = 0;
    let mut happenings = Vec::new();
    loop {
        let wake = (0..replicas).filter_map(|e| engines[e].next_wake().map(|at| (at, e))).min();
        let arrival = requests.get(next_request);
        outcome.events += 1;
        let (now, engine) = match (arrival, wake) {
            (Some(request), wake) if wake.is_none_or(|(at, _)| request.at <= at) => {
                let affinity = request.prompt.segments().first().map_or(0, |s| s.key);
                let place = router.pick(request.at, affinity, &request.prompt, None).expect("all replicas are ready");
                let Request { at, prompt, output_tokens, output_key } = request.clone();
                engines[place]
                    .submit(at, Job { key: next_request as u32, prompt, output_tokens, output_key, priority: 0 });
                next_request += 1;
                continue;
            }
            (_, Some(wake)) => wake,
            (_, None) => break,
        };
        engines[engine].wake(now, &mut NoTiers, &mut happenings);
        for happening in happenings.drain(..) {
            match happening {
                Happening::FirstToken { key } => {
                    first_token[key as usize] = now;
                    outcome.mean_ttft_ms += milliseconds(requests[key as usize].at, now);
                    outcome.hash = mix(outcome.hash ^ now.0, u64::from(key));
                }
                Happening::Finished { key, .. } => {
                    router.answered(now, engine, true);
                    let request = &requests[key as usize];
                    outcome.finished += 1;
                    outcome.output_tokens += u64::from(request.output_tokens);
                    outcome.mean_e2e_ms += milliseconds(request.at, now);
                    outcome.hash = mix(outcome.hash ^ now.0, u64::from(key) + 1);
                    if 1 < request.output_tokens {
                        let after_first = milliseconds(first_token[key as usize], now);
                        outcome.mean_tpot_ms += after_first / f64::from(request.output_tokens - 1);
                        answers_of_two += 1;
                    }
                }
                _ => {}
            }
        }
        outcome.simulated_s = now.as_secs_f64();
    }
    let counts: Vec<_> = engines.iter().map(|e| e.counts_at(SimTime::NEVER)).collect();
    let sum =
        |what: fn(&scartissue::sim::serving::engine::EngineCounts) -> u64| counts.iter().map(what).sum::<u64>() as f64;
    outcome.hit_ratio = sum(|c| c.hit_tokens) / sum(|c| c.queried_tokens);
    outcome.mean_ttft_ms /= outcome.finished as f64;
    outcome.mean_e2e_ms /= outcome.finished as f64;
    outcome.mean_tpot_ms /= answers_of_two as f64;
    outcome
}

fn milliseconds(from: SimTime, to: SimTime) -> f64 {
    to.since(from).as_secs_f64() * 1e3
}
