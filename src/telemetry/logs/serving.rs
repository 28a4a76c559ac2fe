//! What the processes of serving replicas write: statistics at intervals, aborted and failed requests.

use std::collections::BTreeMap;

use crate::sim::client::Outcome;
use crate::sim::ids::ReplicaId;
use crate::sim::time::SimTime;
use crate::sim::world::fact::{Fact, What};
use crate::sim::world::recording::{CallRow, EngineState};
use crate::telemetry::logs::{Desk, Level, LogLine, Pod, Words};
use crate::telemetry::scene::Scene;

/// The last state that each engine's process wrote.
#[derive(Debug, Default)]
pub(super) struct Engines {
    last: BTreeMap<ReplicaId, EngineState>,
}

impl Engines {
    /// A process that ended takes its counters with it.
    pub(super) fn note(&mut self, fact: &Fact) {
        if let What::ReplicaDown(_, replica, _) | What::ReplicaReady(_, replica) = &fact.what {
            self.last.remove(replica);
        }
    }

    /// The line of statistics, in the form that vLLM gives it: rates over the interval since the last one.
    pub(super) fn state(&mut self, desk: &mut Desk, scene: &Scene, state: &EngineState) {
        let Some(before) = self.last.insert(state.replica, *state) else { return };
        let seconds = state.at.since(before.at).as_secs_f64().max(1e-3);
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        let asked = state.queried_tokens.saturating_sub(before.queried_tokens);
        let share = |now: u64, then: u64, of: u64| 100.0 * now.saturating_sub(then) as f64 / of.max(1) as f64;
        let found = state.hit_tokens.saturating_sub(before.hit_tokens);
        let body = format!(
            "Engine 000: Avg prompt throughput: {:.1} tokens/s, Avg generation throughput: {:.1} tokens/s, \
             Running: {} reqs, Waiting: {} reqs, GPU KV cache usage: {:.1}%, Prefix cache hit rate: {:.1}%, \
             External prefix cache hit rate: {:.1}%",
            rate(state.queried_tokens, before.queried_tokens),
            rate(state.generated_tokens, before.generated_tokens),
            state.running,
            state.waiting,
            100.0 * state.kv_usage,
            share(state.hit_tokens, before.hit_tokens, asked),
            share(state.external_hit_tokens, before.external_hit_tokens, asked.saturating_sub(found)),
        );
        let pod = scene.pod(state.replica);
        desk.write(LogLine::new(state.at, "serving", pod.clone(), Level::Info, body));
        let preempted = state.preemptions.saturating_sub(before.preemptions);
        if 0 < preempted {
            let body = format!(
                "{preempted} sequences preempted in the last {seconds:.0} s: not enough KV blocks, they are recomputed \
                 (total {})",
                state.preemptions
            );
            desk.write(LogLine::new(state.at, "serving", pod, Level::Warn, body));
        }
    }
}

/// What a replica writes of a call that did not end as it should.
pub(super) fn call(desk: &mut Desk, scene: &Scene, row: &CallRow) {
    let entered = SimTime::ZERO < row.arrived;
    let (kind, level, body): (&'static str, Level, fn(&CallRow, &str) -> String) = match row.outcome {
        Outcome::Ok if row.cancelled && entered => ("aborted", Level::Info, |_, id| format!("Aborted request {id}.")),
        Outcome::InternalError if entered => ("kv_load_failed", Level::Error, |row, id| {
            format!(
                "KV connector: blocks of request {id} could not be loaded ({} of {} prompt tokens were to come from \
                 outside); request failed",
                row.cached_tokens[1] + row.cached_tokens[2],
                row.prompt_tokens
            )
        }),
        Outcome::InternalError => ("engine_dead", Level::Error, |_, id| {
            format!(
                "POST /v1/completions 500 ({id})\n\
                 Traceback (most recent call last):\n  \
                 File \"/opt/vllm/entrypoints/serving_completion.py\", line 164, in create_completion\n    \
                 raise EngineDeadError()\n\
                 EngineDeadError: engine core is gone: CUDA error: no CUDA-capable device is detected"
            )
        }),
        Outcome::Overloaded => ("queue_full", Level::Warn, |_, id| format!("request {id} rejected: queue is full")),
        _ => return,
    };
    desk.write_some(scene, kind, (row.ended, Pod::Replica(row.replica), level), || {
        let id = scene.request(row.serial);
        Words { trace: None, body: body(row, &id), request: Some(id) }
    });
}
