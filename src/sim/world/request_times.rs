//! What a replica observes of the requests that it answers, in the histograms that vLLM has for it.
//!
//! A request's first token is observed when it comes; all else when it has finished. One that is aborted never
//! finishes: it is in none of those, however long it waited.

use serde::{Deserialize, Serialize};

use crate::metrics::histogram::Histogram;
use crate::sim::serving::token_gaps::TOKEN_GAP_S;
use crate::sim::time::SimTime;

/// Edges of the time to first token, in seconds, as vLLM v1 has them.
const FIRST_TOKEN_S: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
];
/// Edges of the times of a request's stages, in seconds, as vLLM v1 has them.
const REQUEST_S: [f64; 21] = [
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
];

/// A family of histograms, one for each replica.
pub(super) struct HistogramFamily {
    /// Its name, without the suffixes of its series.
    pub name: &'static str,
    /// What it observes.
    pub about: &'static str,
    /// Reads it off a replica.
    pub read: fn(&RequestTimes) -> &Histogram,
}

/// All of them.
pub(super) const HISTOGRAMS: [HistogramFamily; 9] = [
    HistogramFamily {
        name: "vllm:time_to_first_token_seconds",
        about: "from arrival at the replica to the first token",
        read: |t| &t.first_token,
    },
    HistogramFamily {
        name: "vllm:e2e_request_latency_seconds",
        about: "from arrival at the replica to the last token",
        read: |t| &t.end_to_end,
    },
    HistogramFamily { name: "vllm:request_queue_time_seconds", about: "in the engine's line", read: |t| &t.queue },
    HistogramFamily {
        name: "vllm:request_prefill_time_seconds",
        about: "from admission to the first token",
        read: |t| &t.prefill,
    },
    HistogramFamily {
        name: "vllm:request_decode_time_seconds",
        about: "from the first token to the last",
        read: |t| &t.decode,
    },
    HistogramFamily {
        name: "vllm:request_inference_time_seconds",
        about: "from admission to the last token",
        read: |t| &t.inference,
    },
    HistogramFamily {
        name: "vllm:request_time_per_output_token_seconds",
        about: "mean time between tokens of a request",
        read: |t| &t.per_token,
    },
    HistogramFamily {
        name: "vllm:request_prompt_tokens",
        about: "tokens of a request's prompt",
        read: |t| &t.prompt_tokens,
    },
    HistogramFamily {
        name: "vllm:request_generation_tokens",
        about: "tokens that a request wrote",
        read: |t| &t.generation_tokens,
    },
];

/// The histograms of one replica's process.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct RequestTimes {
    first_token: Histogram,
    end_to_end: Histogram,
    queue: Histogram,
    prefill: Histogram,
    decode: Histogram,
    inference: Histogram,
    per_token: Histogram,
    prompt_tokens: Histogram,
    generation_tokens: Histogram,
    /// Requests that ended, by how: see [`REASONS`].
    pub ended: [u64; 3],
}

/// How a request ends: it said what it had to say, it ran into a limit of tokens, or nobody waited for it any more.
pub(super) const REASONS: [&str; 3] = ["stop", "length", "abort"];

/// When a request reached the stages of its way through a replica.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Passage {
    /// It arrived; its prompt was not yet tokenized.
    pub arrived: SimTime,
    /// It stood in the engine's line.
    pub queued: SimTime,
    /// It was admitted, for the first time.
    pub scheduled: SimTime,
    /// Its first token was there.
    pub first_token: SimTime,
    /// Its answer is longer than the model's window has room for, and ends there.
    pub cut_short: bool,
}

impl RequestTimes {
    /// Empty ones of a process that reads and writes up to `context_window` tokens.
    pub fn new(context_window: u32) -> RequestTimes {
        let tokens = Histogram::new(token_edges(context_window));
        let times = Histogram::new(REQUEST_S);
        RequestTimes {
            first_token: Histogram::new(FIRST_TOKEN_S),
            end_to_end: times.clone(),
            queue: times.clone(),
            prefill: times.clone(),
            decode: times.clone(),
            inference: times,
            per_token: Histogram::new(TOKEN_GAP_S),
            prompt_tokens: tokens.clone(),
            generation_tokens: tokens,
            ended: [0; 3],
        }
    }

    /// A first token came.
    pub fn first_token(&mut self, passage: &Passage) {
        self.first_token.observe(passage.first_token.since(passage.arrived).as_secs_f64());
    }

    /// A request was aborted.
    pub fn aborted(&mut self) {
        self.ended[2] += 1;
    }

    /// A request finished.
    pub fn finished(&mut self, now: SimTime, passage: &Passage, prompt_tokens: u32, generated_tokens: u32) {
        self.ended[usize::from(passage.cut_short)] += 1;
        let span = |from: SimTime, to: SimTime| to.since(from).as_secs_f64();
        let decode_s = span(passage.first_token, now);
        self.end_to_end.observe(span(passage.arrived, now));
        self.queue.observe(span(passage.queued, passage.scheduled));
        self.prefill.observe(span(passage.scheduled, passage.first_token));
        self.decode.observe(decode_s);
        self.inference.observe(span(passage.scheduled, now));
        self.per_token.observe(decode_s / f64::from(generated_tokens.saturating_sub(1).max(1)));
        self.prompt_tokens.observe(f64::from(prompt_tokens));
        self.generation_tokens.observe(f64::from(generated_tokens));
    }
}

/// 1, 2, 5, 10 and so on, up to the most that there can be, as vLLM makes them.
fn token_edges(most: u32) -> impl Iterator<Item = f64> {
    let decades = (0..10).map(|power| 10_u64.pow(power));
    let edges = decades.flat_map(|decade| [decade, 2 * decade, 5 * decade]);
    edges.take_while(move |edge| *edge <= u64::from(most)).map(|edge| edge as f64)
}
