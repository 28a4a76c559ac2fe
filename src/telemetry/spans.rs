//! Spans of traces: what one attempt waited for and what worked on it. The tries of an intent are siblings.
//!
//! Traces are sampled at the head, by intent; of the attempts that failed some more are kept.

mod waterfall; // a trace as text

use std::collections::BTreeMap;

use crate::sim::client::Outcome;
use crate::sim::rng::mix;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::World;
use crate::sim::world::recording::{AttemptRow, CallRow, Recording};
use crate::telemetry::scene::Scene;

pub use waterfall::waterfall;

/// Of so many intents, one is traced.
pub const HEAD_SAMPLE: u64 = 10;
/// Attempts that failed and that a gateway keeps beside those, in each second.
pub const ERRORS_PER_SECOND: u32 = 1;
/// The version of the conventions whose names the attributes have.
pub const SCHEMA: &str = "https://opentelemetry.io/schemas/1.38.0";

/// One span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace: 16 bytes in hexadecimal, one for all tries of an intent.
    pub trace: String,
    /// The span: 8 bytes in hexadecimal.
    pub span: String,
    /// The span that it is a part of.
    pub parent: Option<String>,
    /// The service, as in `gateway`.
    pub service: &'static str,
    /// The pod.
    pub pod: String,
    /// What was done, as in `POST /v1/messages` or `prefill`.
    pub name: String,
    /// It began.
    pub start: SimTime,
    /// How long it took.
    pub duration: SimDuration,
    /// Whether it failed.
    pub error: bool,
    /// Attributes, in order of their names.
    pub attributes: Vec<(&'static str, String)>,
}

impl Span {
    /// It ended.
    pub fn end(&self) -> SimTime {
        self.start + self.duration
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }
}

/// All that was recorded of an intent, sampled or not: the spans of its attempts that are over and of their calls.
pub fn trace_of(scene: &Scene, recording: &Recording, intent: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    let rows: Vec<&AttemptRow> = recording.attempts().iter().filter(|a| a.intent == intent).collect();
    let (first, serials) = (rows.iter().map(|r| r.arrived).min(), rows.iter().map(|r| r.serial).collect::<Vec<_>>());
    let Some(first) = first else { return spans };
    rows.iter().for_each(|row| attempt_spans(scene, row, &mut spans));
    let calls = &recording.calls()[recording.calls().partition_point(|c| c.ended < first)..];
    for call in calls.iter().filter(|c| serials.contains(&c.serial)) {
        call_spans(scene, intent, call, &mut spans);
    }
    spans
}

/// The spans that were kept so far.
#[derive(Debug, Default)]
pub struct SpanBook {
    spans: Vec<Span>,
    by_trace: BTreeMap<String, Vec<usize>>,
    calls_read: usize,
    attempts_read: usize,
    /// Calls whose attempt is not over, by its serial: their places in the recording.
    early: BTreeMap<u64, Vec<usize>>,
    /// Attempts that are over and have calls that are not: the intent where it was kept, and how many calls.
    late: BTreeMap<u64, (Option<u64>, usize)>,
    /// Failed attempts kept in the present second, by gateway.
    errors: BTreeMap<u16, (u64, u32)>,
}

/// A trace among others.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceLine {
    /// The trace.
    pub trace: String,
    /// Its first span's name.
    pub name: String,
    /// It began.
    pub start: SimTime,
    /// From its first beginning to its last end.
    pub duration: SimDuration,
    /// Its spans.
    pub spans: usize,
    /// Tries that it shows.
    pub tries: usize,
    /// Spans that failed.
    pub errors: usize,
}

/// What to look for among traces.
#[derive(Clone, Debug, Default)]
pub struct SpanQuery {
    /// A span of this service; none: of any.
    pub service: Option<String>,
    /// A span that took at least so long.
    pub at_least: SimDuration,
    /// Whether a span must have failed.
    pub error: bool,
    /// A span that ended at or after this moment.
    pub since: SimTime,
}

impl SpanBook {
    /// An empty book.
    pub fn new() -> SpanBook {
        SpanBook::default()
    }

    /// Adds the spans of what ended before the world's present moment, in the order in which it ended.
    pub fn advance(&mut self, scene: &Scene, world: &World) {
        let (now, recording) = (world.now(), world.recording());
        let (calls, attempts) = (recording.calls(), recording.attempts());
        loop {
            let call = calls.get(self.calls_read).filter(|c| c.ended < now);
            let attempt = attempts.get(self.attempts_read).filter(|a| a.ended < now);
            match (call, attempt) {
                (Some(call), attempt) if attempt.is_none_or(|a| call.ended <= a.ended) => {
                    self.calls_read += 1;
                    let Some((intent, left)) = self.late.get_mut(&call.serial) else {
                        self.early.entry(call.serial).or_default().push(self.calls_read - 1);
                        continue;
                    };
                    let intent = *intent;
                    *left -= 1;
                    if *left == 0 {
                        self.late.remove(&call.serial);
                    }
                    if let Some(intent) = intent {
                        self.add(|spans| call_spans(scene, intent, call, spans));
                    }
                }
                (_, Some(row)) => {
                    self.attempts_read += 1;
                    let early = self.early.remove(&row.serial).unwrap_or_default();
                    let keeps = self.keeps(row);
                    let left = usize::from(row.calls).saturating_sub(early.len());
                    if 0 < left {
                        self.late.insert(row.serial, (keeps.then_some(row.intent), left));
                    }
                    if keeps {
                        self.add(|spans| {
                            attempt_spans(scene, row, spans);
                            early.iter().for_each(|n| call_spans(scene, row.intent, &calls[*n], spans));
                        });
                    }
                }
                _ => return,
            }
        }
    }

    /// All spans so far, in the order in which their attempts and calls ended.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The spans of a trace, as far as they were kept.
    pub fn trace(&self, trace: &str) -> Vec<Span> {
        self.by_trace.get(trace).map_or(Vec::new(), |own| own.iter().map(|n| self.spans[*n].clone()).collect())
    }

    /// Traces of which one span fits, the latest first, at most `limit`.
    pub fn search(&self, query: &SpanQuery, limit: usize) -> Vec<TraceLine> {
        let fits = |span: &&Span| {
            query.service.as_deref().is_none_or(|s| s == span.service)
                && query.at_least <= span.duration
                && (!query.error || span.error)
                && query.since <= span.end()
        };
        let mut seen = std::collections::BTreeSet::new();
        let hits = self.spans.iter().rev().filter(fits).filter(|span| seen.insert(span.trace.clone()));
        hits.take(limit).map(|span| self.line(&span.trace)).collect()
    }

    fn line(&self, trace: &str) -> TraceLine {
        let spans = self.trace(trace);
        let start = spans.iter().map(|s| s.start).min().unwrap_or_default();
        let end = spans.iter().map(Span::end).max().unwrap_or_default();
        let first = spans.iter().find(|s| s.parent.is_none() && s.start == start).or(spans.first());
        TraceLine {
            trace: trace.to_string(),
            name: first.map_or(String::new(), |s| s.name.clone()),
            start,
            duration: end.since(start),
            spans: spans.len(),
            tries: spans.iter().filter(|s| s.parent.is_none()).count(),
            errors: spans.iter().filter(|s| s.error).count(),
        }
    }

    fn add(&mut self, make: impl FnOnce(&mut Vec<Span>)) {
        let from = self.spans.len();
        make(&mut self.spans);
        for n in from..self.spans.len() {
            self.by_trace.entry(self.spans[n].trace.clone()).or_default().push(n);
        }
    }

    /// By intent, so that all its tries are kept or none; a failed attempt may be kept alone.
    fn keeps(&mut self, row: &AttemptRow) -> bool {
        if mix(row.intent, 0x7ace).is_multiple_of(HEAD_SAMPLE) {
            return true;
        }
        if row.answered_in_full() {
            return false;
        }
        let second = row.ended.0 / 1_000_000_000;
        let (present, kept) = self.errors.entry(row.gateway.0).or_default();
        if *present != second {
            (*present, *kept) = (second, 0);
        }
        *kept += 1;
        *kept <= ERRORS_PER_SECOND
    }
}

/// A span to be, with what all spans of its attempt have in common.
struct Maker<'a> {
    scene: &'a Scene,
    trace: String,
    serial: u64,
}

impl Maker<'_> {
    fn id(&self, part: u64) -> String {
        self.scene.span(self.serial, part)
    }

    /// A part of the span numbered `of`, if it began.
    #[allow(clippy::too_many_arguments, reason = "a span has as many fields")]
    fn part(
        &self,
        of: u64,
        part: u64,
        service: &'static str,
        pod: String,
        name: &str,
        from: SimTime,
        to: SimTime,
        attributes: Vec<(&'static str, String)>,
    ) -> Span {
        Span {
            trace: self.trace.clone(),
            span: self.id(part),
            parent: Some(self.id(of)),
            service,
            pod,
            name: name.to_string(),
            start: from,
            duration: to.since(from),
            error: false,
            attributes,
        }
    }
}

fn attempt_spans(scene: &Scene, row: &AttemptRow, spans: &mut Vec<Span>) {
    let maker = Maker { scene, trace: scene.trace(row.intent), serial: row.serial };
    let pod = scene.gateway(row.gateway);
    let (client, version) = scene.client(row.client, row.released);
    let status = row.status();
    let failed = !row.answered_in_full();
    let kind = match row.outcome {
        Outcome::StreamCut if row.client_waited => "stream_cut".to_string(),
        _ => status.to_string(),
    };
    let mut attributes = Vec::with_capacity(16);
    attributes.push(("enduser.id", scene.account(row.account)));
    attributes.extend(failed.then_some(("error.type", kind)));
    attributes.extend([
        ("gen_ai.operation.name", "chat".to_string()),
        ("gen_ai.request.model", scene.model(row.model).to_string()),
        ("gen_ai.usage.cache_read.input_tokens", row.cached_tokens.iter().sum::<u32>().to_string()),
        ("gen_ai.usage.input_tokens", row.prompt_tokens.to_string()),
        ("gen_ai.usage.output_tokens", row.output_tokens.to_string()),
        ("http.request.header.idempotency-key", scene.intent(row.intent)),
        ("http.request.method", "POST".to_string()),
        ("http.response.status_code", status.to_string()),
        ("request.id", scene.request(row.serial)),
        ("retry.count", row.retry_count.to_string()),
        ("turn.restart.count", row.restarts.to_string()),
        ("upstream.calls", row.calls.to_string()),
        ("url.path", "/v1/messages".to_string()),
        ("user_agent.original", format!("{client}/{version}")),
    ]);
    spans.push(Span {
        trace: maker.trace.clone(),
        span: maker.id(0),
        parent: None,
        service: "gateway",
        pod: pod.clone(),
        name: "POST /v1/messages".to_string(),
        start: row.arrived,
        duration: row.ended.since(row.arrived),
        error: failed,
        attributes,
    });
    // Each stage ends where the next begins; the last one that began ends with the attempt.
    let decoded = row.forwarded.filter(|_| 0 < row.images);
    let stages = [
        (1, "gateway", pod.clone(), "wait for worker", Some(row.arrived), row.started),
        (2, "gateway", pod.clone(), "parse", row.started, row.parsed),
        (3, "auth", "auth-0".to_string(), "lookup credentials", row.parsed, row.authenticated),
        (4, "gateway", pod, "decode images", row.authenticated.filter(|_| 0 < row.images), decoded),
    ];
    for (part, service, pod, name, from, to) in stages {
        if let Some(from) = from.filter(|from| to != Some(*from)) {
            let attributes = match part {
                4 => vec![("images", row.images.to_string())],
                _ => Vec::new(),
            };
            let mut span = maker.part(0, part, service, pod, name, from, to.unwrap_or(row.ended), attributes);
            span.error = to.is_none() && failed;
            spans.push(span);
        }
    }
}

fn call_spans(scene: &Scene, intent: u64, row: &CallRow, spans: &mut Vec<Span>) {
    let maker = Maker { scene, trace: scene.trace(intent), serial: row.serial };
    let pod = scene.pod(row.replica);
    let own = mix(row.sent.0, 0xca11);
    let pool = scene.pools[usize::from(row.pool.0)].0.clone();
    let attributes = vec![
        ("gen_ai.request.model", scene.pools[usize::from(row.pool.0)].1.clone()),
        ("gen_ai.usage.input_tokens", row.prompt_tokens.to_string()),
        ("server.address", pod.clone()),
        ("upstream.abandoned", row.abandoned.to_string()),
        ("upstream.cluster", pool),
    ];
    let mut call = maker.part(
        0,
        own,
        "gateway",
        scene.gateway(row.gateway),
        "POST /v1/completions",
        row.sent,
        row.ended,
        attributes,
    );
    call.error = row.outcome != Outcome::Ok || row.abandoned;
    spans.push(call);
    if row.arrived == SimTime::ZERO {
        return;
    }
    let [hbm, host, shared] = row.cached_tokens;
    let prefill = || {
        vec![
            ("kv.cached_tokens.gpu", hbm.to_string()),
            ("kv.cached_tokens.host", host.to_string()),
            ("kv.cached_tokens.shared", shared.to_string()),
            ("kv.computed_tokens", row.prompt_tokens.saturating_sub(hbm + host + shared).to_string()),
        ]
    };
    let preempted = || vec![("vllm.preemptions", row.preemptions.to_string())];
    let moment = |at: SimTime| Some(at).filter(|at| SimTime::ZERO < *at);
    let (queued, scheduled, first) = (moment(row.queued), moment(row.scheduled), moment(row.first_token));
    // A request that was preempted after its first token was scheduled again later: its first queue is not known.
    let again = matches!((scheduled, first), (Some(scheduled), Some(first)) if first < scheduled);
    let stages = if again {
        [
            (1, "tokenize", Some(row.arrived), queued),
            (2, "queue and prefill", queued, first),
            (4, "decode", first, None),
            (3, "", None, None),
        ]
    } else {
        [
            (1, "tokenize", Some(row.arrived), queued),
            (2, "queue", queued, scheduled),
            (3, "prefill", scheduled, first),
            (4, "decode", first, None),
        ]
    };
    for (part, name, from, to) in stages {
        let Some(from) = from else { continue };
        let attributes = match part {
            2 if again => prefill(),
            3 => prefill(),
            4 if 0 < row.preemptions => preempted(),
            _ => Vec::new(),
        };
        let to = to.unwrap_or(row.ended);
        spans.push(maker.part(own, own.wrapping_add(part), "serving", pod.clone(), name, from, to, attributes));
    }
}
