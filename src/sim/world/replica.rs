//! Serving replicas: how calls reach them, what their engines do, how they start, drain, die and come back.

use crate::sim::client::Outcome;
use crate::sim::ids::{PoolId, ReplicaId};
use crate::sim::rng::{Purpose, draw};
use crate::sim::series::ReplicaLoad;
use crate::sim::serving::engine::{ExternalTiers, FetchFailed, Happening, Job};
use crate::sim::slab::Key;
use crate::sim::spec::stack::Affinity;
use crate::sim::station::Offer;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::fact::{What, Why};
use crate::sim::world::state::{Call, CallStage, Life, Stage};
use crate::sim::world::{Event, World};

/// How fast a replica that has lost its accelerator says so.
const FAIL_FAST: SimDuration = SimDuration::from_millis(3);

impl World {
    /// Sends an attempt to a replica of its model's pool; never to `except` if another is ready.
    pub(super) fn call_replica(&mut self, attempt_key: Key, except: Option<usize>) {
        let now = self.now;
        let Some(attempt) = self.attempts.get(attempt_key) else { return };
        let (intent, serial, gateway, tries) = (attempt.intent, attempt.serial, attempt.gateway, attempt.tries);
        let (pool_id, affinity, prompt) = (attempt.pool, attempt.affinity, attempt.prompt.clone());
        if self.network.serving_certificate_ends <= now {
            return self.refuse(attempt_key, Outcome::Status(503), None);
        }
        let pool = &mut self.pools[pool_id.index()];
        let Some(place) = pool.router.pick(now, affinity, &prompt, except) else {
            return self.refuse(attempt_key, Outcome::Status(503), None);
        };
        let replica = pool.members[place];
        let is_retry = 0 < tries;
        if is_retry {
            self.gateways[gateway.index()].retries_in_flight += 1;
        }
        let call = self.calls.insert(Call {
            attempt: Some(attempt_key),
            intent,
            pool: pool_id,
            replica,
            epoch: self.replicas[replica.index()].epoch,
            stage: CallStage::Travelling,
            outcome: Outcome::Ok,
            flows: 0,
            first_token_sent: false,
            retry_budgeted: is_retry,
            gateway,
        });
        self.tally.calls_begun += 1;
        if let Some(attempt) = self.attempts.get_mut(attempt_key) {
            attempt.tries = attempt.tries.saturating_add(1);
            attempt.call = Some(call);
            attempt.stage = Stage::Upstream;
        }
        let delay = self.serving_delay(serial, tries as u64);
        self.schedule(now + delay, Event::AtReplica(call));
        let timeout = self.api_spec.retry.per_try_timeout_s.unwrap_or(self.upstream_timeout).min(self.upstream_timeout);
        self.schedule(now + timeout, Event::CallTimeout(call));
    }

    pub(super) fn on_at_replica(&mut self, key: Key) {
        let now = self.now;
        let Some(call) = self.calls.get(key) else { return };
        let (id, epoch) = (call.replica, call.epoch);
        let Some(tokens) = self.call_prompt_tokens(key) else { return self.end_call(key, true) };
        let replica = &mut self.replicas[id.index()];
        if !matches!(replica.life, Life::Up | Life::Draining) || replica.epoch != epoch {
            return self.fail_call(key, Outcome::Status(503), SimDuration::ZERO);
        }
        if replica.fail_fast {
            return self.fail_call(key, Outcome::Status(500), FAIL_FAST);
        }
        let pool = &self.pools[replica.pool.index()];
        if pool.spec.max_waiting <= replica.engine.waiting() {
            self.tally.overloaded += 1;
            return self.fail_call(key, Outcome::Status(529), SimDuration::ZERO);
        }
        replica.calls.insert(key.slot, key);
        if let Some(call) = self.calls.get_mut(key) {
            call.stage = CallStage::Tokenizing;
        }
        if self.replicas[id.index()].tokenizer.offer(now, key.slot) == Offer::Started {
            self.start_tokenizing(key, tokens);
        }
    }

    fn call_prompt_tokens(&self, key: Key) -> Option<u32> {
        let call = self.calls.get(key)?;
        Some(call.prompt.tokens())
    }

    fn start_tokenizing(&mut self, key: Key, tokens: u32) {
        let Some(call) = self.calls.get(key) else { return };
        let pool = &self.pools[call.pool.index()];
        let micros = pool.spec.tokenize_us_per_token * pool.tokenizer_factor * tokens as f64;
        self.schedule(self.now + SimDuration::from_secs_f64(micros * 1e-6), Event::Tokenized(key));
    }

    pub(super) fn on_tokenized(&mut self, key: Key) {
        let now = self.now;
        let Some(call) = self.calls.get(key) else { return };
        let (id, stage) = (call.replica, call.stage);
        if stage != CallStage::Tokenizing {
            return;
        }
        self.leave_tokenizer(id, key);
        let Some(call) = self.calls.get_mut(key) else { return };
        call.stage = CallStage::Engine;
        let factor = self.pools[call.pool.index()].answer_factor;
        let output_tokens = ((call.output_tokens as f64 * factor).round() as u32).max(1);
        let job = Job {
            key: key.slot,
            prompt: call.prompt.clone(),
            output_tokens,
            output_key: call.output_key,
            priority: call.priority,
        };
        self.replicas[id.index()].engine.submit(now, job);
        self.rewake(id.index());
    }

    fn leave_tokenizer(&mut self, id: ReplicaId, key: Key) {
        let next = self.replicas[id.index()].tokenizer.finish_if_running(self.now, key.slot).flatten();
        let Some(next) = next.and_then(|slot| self.calls.key_at(slot)) else { return };
        if let Some(tokens) = self.call_prompt_tokens(next) {
            self.start_tokenizing(next, tokens);
        }
    }

    /// Schedules the engine's next decision where the engine says it is.
    pub(super) fn rewake(&mut self, index: usize) {
        let now = self.now;
        let replica = &mut self.replicas[index];
        let due = replica.engine.next_wake();
        if due != replica.wake_at {
            replica.wake_at = due;
            replica.wake_epoch += 1;
            let (id, epoch) = (ReplicaId(index as u16), replica.wake_epoch);
            if let Some(at) = due {
                self.schedule(at.max(now), Event::EngineWake(id, epoch));
            }
        }
        self.report_load(index);
    }

    fn report_load(&mut self, index: usize) {
        let replica = &self.replicas[index];
        let load = ReplicaLoad {
            ready: replica.life == Life::Up,
            busy: replica.engine.is_busy(),
            waiting: replica.engine.waiting() + replica.tokenizer.waiting() as u32,
        };
        let since_open = SimTime(self.now.since(self.open_at).0);
        self.series.replica(since_open, ReplicaId(index as u16), load);
    }

    pub(super) fn on_engine_wake(&mut self, id: ReplicaId, epoch: u32) {
        let index = id.index();
        if self.replicas[index].wake_epoch != epoch {
            return;
        }
        self.replicas[index].wake_at = None;
        let mut happenings = std::mem::take(&mut self.happenings);
        self.wake_engine(index, &mut happenings);
        for happening in happenings.drain(..) {
            self.on_happening(index, happening);
        }
        self.happenings = happenings;
        self.rewake(index);
    }
}
