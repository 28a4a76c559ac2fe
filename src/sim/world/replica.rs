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
    pub(super) fn call_replica(&mut self, key: Key, except: Option<usize>) {
        let now = self.now;
        let Some(attempt) = self.attempts.get(key) else { return };
        let pool_id = self.pool_of(attempt.model);
        let (gateway, serial, tries) = (attempt.gateway, attempt.serial, attempt.tries);
        if self.network.serving_certificate_ends <= now {
            self.tally.tls_failures += 1;
            return self.refuse(key, Outcome::Unavailable, None);
        }
        let pool = &mut self.pools[pool_id.index()];
        let affinity = match pool.spec.router.affinity {
            Affinity::Prefix => attempt.affinity.prefix,
            Affinity::Session => attempt.affinity.session,
            Affinity::Account => u64::from(attempt.account.0),
        };
        let Some(place) = pool.router.pick(now, affinity, &attempt.prompt, except) else {
            self.tally.no_replica += 1;
            return self.refuse(key, Outcome::Unavailable, None);
        };
        let replica = pool.members[place];
        let is_retry = 0 < tries;
        let call = self.calls.insert(Call {
            attempt: Some(key),
            serial,
            gateway,
            pool: pool_id,
            replica,
            epoch: self.replicas[replica.index()].epoch,
            stage: CallStage::Travelling,
            outcome: Outcome::Ok,
            flows: 0,
            first_token_sent: false,
            is_retry,
            prompt: attempt.prompt.clone(),
            output_tokens: attempt.output_tokens,
            output_key: attempt.output_key,
            priority: attempt.tier.priority(),
        });
        self.gateways[gateway.index()].retries_in_flight += u32::from(is_retry);
        self.tally.calls_begun += 1;
        if let Some(attempt) = self.attempts.get_mut(key) {
            attempt.tries = tries.saturating_add(1);
            attempt.call = Some(call);
            attempt.stage = Stage::Upstream;
        }
        let delay = self.serving_delay(serial, u64::from(tries));
        self.schedule(now + delay, Event::AtReplica(call));
        let per_try = self.api_spec.retry.per_try_timeout_s.unwrap_or(SimDuration::FOREVER);
        self.schedule(now + per_try.min(self.api_spec.upstream_timeout_s), Event::CallTimeout(call));
    }

    pub(super) fn on_at_replica(&mut self, key: Key) {
        let now = self.now;
        let Some(call) = self.calls.get(key) else { return };
        let (id, epoch) = (call.replica, call.epoch);
        let replica = &mut self.replicas[id.index()];
        if !matches!(replica.life, Life::Up | Life::Draining) || replica.epoch != epoch {
            return self.fail_call(key, Outcome::Unavailable, SimDuration::ZERO);
        }
        if replica.fail_fast {
            return self.fail_call(key, Outcome::InternalError, FAIL_FAST);
        }
        let waiting = replica.engine.waiting() + replica.tokenizer.waiting();
        if self.pools[replica.pool.index()].spec.max_waiting <= waiting {
            self.tally.overloaded += 1;
            return self.fail_call(key, Outcome::Overloaded, SimDuration::ZERO);
        }
        replica.calls.insert(key);
        let offer = replica.tokenizer.offer(now, key.slot);
        if let Some(call) = self.calls.get_mut(key) {
            call.stage = CallStage::Tokenizing;
        }
        if offer == Offer::Started {
            self.start_tokenizing(key);
        }
        self.report_load(id.index());
    }

    fn start_tokenizing(&mut self, key: Key) {
        let Some(call) = self.calls.get(key) else { return };
        let pool = &self.pools[call.pool.index()];
        let micros = pool.spec.tokenize_us_per_token * pool.tokenizer_factor * f64::from(call.prompt.tokens());
        self.schedule(self.now + SimDuration::from_secs_f64(micros * 1e-6), Event::Tokenized(key));
    }

    pub(super) fn on_tokenized(&mut self, key: Key) {
        let now = self.now;
        let Some(call) = self.calls.get_mut(key).filter(|c| c.stage == CallStage::Tokenizing) else { return };
        call.stage = CallStage::Engine;
        let index = call.replica.index();
        let factor = self.pools[call.pool.index()].answer_factor;
        let job = Job {
            key: key.slot,
            prompt: call.prompt.clone(),
            output_tokens: ((f64::from(call.output_tokens) * factor).round() as u32).max(1),
            output_key: call.output_key,
            priority: call.priority,
        };
        let next = self.replicas[index].tokenizer.finish(now, key.slot);
        if let Some(next) = next.and_then(|slot| self.calls.key_at(slot)) {
            self.start_tokenizing(next);
        }
        self.replicas[index].engine.submit(now, job);
        self.rewake(index);
    }

    /// A call fails at its replica; the gateway learns of it after `after` and the way back.
    fn fail_call(&mut self, key: Key, outcome: Outcome, after: SimDuration) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.stage = CallStage::Failing;
        call.outcome = outcome;
        let serial = call.serial;
        let delay = self.serving_delay(serial, 40);
        self.schedule(self.now + after + delay, Event::CallFailed(key));
    }

    /// A call is over, for its gateway and its replica.
    pub(super) fn end_call(&mut self, key: Key, ok: bool) {
        self.release_retry_slot(key);
        let Some(call) = self.calls.remove(key) else { return };
        self.tally.calls_ended += 1;
        let replica = &mut self.replicas[call.replica.index()];
        replica.calls.remove(&key);
        let place = replica.place;
        self.pools[call.pool.index()].router.answered(self.now, place, ok);
        if let Some(attempt) = call.attempt.and_then(|a| self.attempts.get_mut(a)) {
            attempt.call = None;
        }
        self.end_if_drained(call.replica);
    }

    /// A retry no longer counts against its gateway's budget.
    pub(super) fn release_retry_slot(&mut self, key: Key) {
        if let Some(call) = self.calls.get_mut(key).filter(|c| c.is_retry) {
            call.is_retry = false;
            let gateway = &mut self.gateways[call.gateway.index()];
            gateway.retries_in_flight = gateway.retries_in_flight.saturating_sub(1);
        }
    }

    /// The gateway's cancellation reaches the replica.
    pub(super) fn on_cancel_call(&mut self, key: Key) {
        let now = self.now;
        let Some(call) = self.calls.get(key) else { return };
        let index = call.replica.index();
        match call.stage {
            CallStage::Travelling | CallStage::Failing => {
                self.end_call(key, true);
            }
            CallStage::Tokenizing => {
                if let Abandoned::WasRunning(Some(next)) = self.replicas[index].tokenizer.abandon(now, key.slot)
                    && let Some(next) = self.calls.key_at(next)
                {
                    self.start_tokenizing(next);
                }
                self.end_call(key, true);
            }
            CallStage::Engine => {
                self.cancel_flows(key);
                self.replicas[index].engine.cancel(now, key.slot);
                self.rewake(index);
            }
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
            waiting: replica.engine.waiting() + replica.tokenizer.waiting(),
        };
        let moment = SimTime(self.now.since(self.open_at).0);
        self.series.replica(moment, ReplicaId(index as u16), load);
    }

    pub(super) fn on_engine_wake(&mut self, id: ReplicaId, epoch: u32) {
        let (now, index) = (self.now, id.index());
        if self.replicas[index].wake_epoch != epoch {
            return;
        }
        self.replicas[index].wake_at = None;
        let mut happenings = std::mem::take(&mut self.happenings);
        let replica = &mut self.replicas[index];
        let mut tiers = Tiers::of(&mut self.cache, replica.key_seed, self.seed, now);
        replica.engine.wake(now, &mut tiers, &mut happenings);
        for happening in happenings.drain(..) {
            self.on_happening(index, happening);
        }
        self.happenings = happenings;
        self.rewake(index);
    }
}
