//! Serving replicas: how calls reach them, what their engines do, how they start, drain, die and come back.

use crate::sim::client::Outcome;
use crate::sim::connection::Acquired;
use crate::sim::ids::{AccountId, GatewayId, PoolId, ReplicaId};
use crate::sim::prompt::Prompt;
use crate::sim::rng::{Purpose, draw, mix};
use crate::sim::series::ReplicaLoad;
use crate::sim::serving::engine::{ExternalTiers, Happening, Job};
use crate::sim::slab::Key;
use crate::sim::spec::fault::Hop;
use crate::sim::spec::stack::{Affinity, PoolSpec, RouterPolicy};
use crate::sim::station::{Abandoned, Offer};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::Affinities;
use crate::sim::world::recording::Reason;
use crate::sim::world::request_times::Passage;
use crate::sim::world::state::{Call, CallStage, Life, Recent, SharedCache, Stage, milliseconds};
use crate::sim::world::wires::request_bytes;
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
        let pool = &mut self.pools[pool_id.index()];
        let affinity = match pool.router.policy() {
            RouterPolicy::Pinned { connections, .. } => {
                (u64::from(gateway.0) << 32) | (serial % u64::from(connections.max(1))) // a connection of this gateway
            }
            _ => affinity_of(&pool.spec, &attempt.affinity, attempt.account),
        };
        let Some(place) = pool.router.pick(now, affinity, &attempt.prompt, except) else {
            self.tally.no_replica += 1;
            self.because(key, Reason::NoReplica);
            return self.refuse(key, Outcome::Unavailable, None);
        };
        let replica = pool.members[place];
        let Some(connection) = self.reach(gateway, pool_id, replica) else {
            self.because(key, Reason::Certificate);
            return self.without_connection(key, place);
        };
        let is_retry = 0 < tries;
        let Some(attempt) = self.attempts.get(key) else { return };
        let call = self.calls.insert(Call {
            connection,
            attempt: Some(key),
            serial,
            gateway,
            pool: pool_id,
            replica,
            epoch: self.replicas[replica.index()].epoch,
            stage: CallStage::Travelling,
            outcome: Outcome::Ok,
            reason: Reason::None,
            flows: 0,
            first_token_sent: false,
            uploading: None,
            is_retry,
            cancelled: false,
            entered: false,
            passage: Passage::default(),
            sent_at: now,
            preemptions: 0,
            cached_tokens: [0; 3],
            prompt: attempt.prompt.clone(),
            output_tokens: attempt.output_tokens,
            output_key: attempt.output_key,
            params: attempt.params,
            priority: attempt.tier.priority(),
        });
        self.gateways[gateway.index()].retries_in_flight += u32::from(is_retry);
        let counts = self.gateways[gateway.index()].counts.cluster(pool_id);
        counts.requests += 1;
        counts.retries += u64::from(is_retry);
        self.tally.calls_begun += 1;
        if let Some(attempt) = self.attempts.get_mut(key) {
            attempt.tries = tries.saturating_add(1);
            attempt.call = Some(call);
            attempt.stage = Stage::Upstream;
        }
        self.write_row(key, |row, _| (row.replica, row.calls) = (Some(replica), row.calls.saturating_add(1)));
        let delay = self.serving_delay(serial, u64::from(tries)) + self.loop_lag(key);
        let bytes = self.attempts.get(key).map_or(0, |a| request_bytes(&a.prompt, a.images, a.megapixels));
        if self.upload(Hop::Serving, call, serial, bytes) {
            self.calls.get_mut(call).into_iter().for_each(|c| c.uploading = Some(delay));
        } else {
            self.schedule(now + delay, Event::AtReplica(call));
        }
        let per_try = self.api_spec.retry.per_try_timeout_s.unwrap_or(SimDuration::FOREVER);
        self.start_timer(now + per_try.min(self.api_spec.upstream_timeout_s), Event::CallTimeout(call), 0);
    }

    /// No connection to a replica came up: another one is tried, as after any call that failed.
    fn without_connection(&mut self, key: Key, place: usize) {
        if let Some(attempt) = self.attempts.get_mut(key) {
            attempt.tries = attempt.tries.saturating_add(1);
        }
        if self.may_retry(key) {
            self.tally.gateway_retries += 1;
            return self.call_replica(key, Some(place));
        }
        self.refuse(key, Outcome::Unavailable, None);
    }

    /// The gateway's connection to a replica, or a new one; none if the handshake fails.
    fn reach(&mut self, gateway: GatewayId, pool: PoolId, replica: ReplicaId) -> Option<u64> {
        let state = &mut self.gateways[gateway.index()];
        let to = u32::from(replica.0);
        match state.upstream.acquire(self.now, to, &mut || Some(to)) {
            Acquired::Reused(held) | Acquired::Opened(held) => Some(held.connection),
            Acquired::Refused(_) => {
                state.counts.cluster(pool).connect_failures += 1;
                self.tally.tls_failures += 1;
                let place = self.replicas[replica.index()].place;
                self.pools[pool.index()].router.answered(self.now, place, false);
                None
            }
        }
    }

    /// The last byte of a call has left its gateway.
    pub(super) fn on_call_uploaded(&mut self, key: Key) {
        if let Some(delay) = self.calls.get_mut(key).and_then(|c| c.uploading.take()) {
            self.schedule(self.now + delay, Event::AtReplica(key));
        }
    }

    pub(super) fn on_at_replica(&mut self, key: Key) {
        let now = self.now;
        let Some(call) = self.calls.get(key) else { return };
        let (id, epoch) = (call.replica, call.epoch);
        let replica = &mut self.replicas[id.index()];
        if !matches!(replica.life, Life::Up | Life::Draining) || replica.epoch != epoch {
            return self.fail_call(key, Outcome::Unavailable, Reason::ReplicaGone, SimDuration::ZERO);
        }
        if replica.fail_fast {
            return self.fail_call(key, Outcome::InternalError, Reason::ReplicaError, FAIL_FAST);
        }
        let waiting = replica.engine.waiting() + replica.tokenizer.waiting();
        if self.pools[replica.pool.index()].spec.max_waiting <= waiting {
            self.tally.overloaded += 1;
            return self.fail_call(key, Outcome::Overloaded, Reason::ReplicaFull, SimDuration::ZERO);
        }
        if 0.0 < replica.leak_mib && self.leave_memory_behind(id) {
            return self.fail_call(key, Outcome::BadGateway, Reason::ReplicaGone, SimDuration::ZERO);
        }
        let replica = &mut self.replicas[id.index()];
        replica.calls += 1;
        let offer = replica.tokenizer.offer(now, key.slot);
        if let Some(call) = self.calls.get_mut(key) {
            call.stage = CallStage::Tokenizing;
            call.entered = true;
            call.passage.arrived = now;
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
        call.passage.queued = now;
        let index = call.replica.index();
        let factor = self.pools[call.pool.index()].answer_factor;
        let room = self.pools[call.pool.index()].spec.context_window().saturating_sub(call.prompt.tokens());
        let spec = &self.pools[call.pool.index()].spec;
        let micros = |asked: bool, us: f64| if asked { us } else { 0.0 };
        let micros = micros(call.params.logprobs, spec.logprobs_us) + micros(call.params.schema, spec.schema_us);
        let host = SimDuration::from_secs_f64(micros * 1e-6);
        let wanted = (f64::from(call.output_tokens) * factor).round() as u32;
        call.passage.cut_short = room.max(1) < wanted;
        let job = Job {
            key: key.slot,
            prompt: call.prompt.clone(),
            output_tokens: wanted.clamp(1, room.max(1)),
            output_key: call.output_key,
            priority: call.priority,
        };
        let next = self.replicas[index].tokenizer.finish(now, key.slot);
        if let Some(next) = next.and_then(|slot| self.calls.key_at(slot)) {
            self.start_tokenizing(next);
        }
        self.replicas[index].engine.submit_with(now, job, host);
        self.rewake(index);
    }

    /// A call fails at its replica; the gateway learns of it after `after` and the way back.
    pub(super) fn fail_call(&mut self, key: Key, outcome: Outcome, reason: Reason, after: SimDuration) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.stage = CallStage::Failing;
        (call.outcome, call.reason) = (outcome, reason);
        let serial = call.serial;
        let delay = self.serving_delay(serial, 40);
        self.schedule(self.now + after + delay, Event::CallFailed(key));
    }

    /// A call is over, for its gateway and its replica.
    pub(super) fn end_call(&mut self, key: Key, ok: bool) {
        self.release_retry_slot(key);
        self.write_call(key);
        if self.calls.get(key).is_some_and(|c| c.uploading.is_some()) {
            self.stop_upload(Hop::Serving, key);
        }
        let Some(call) = self.calls.remove(key) else { return };
        self.tally.calls_ended += 1;
        let gateway = &mut self.gateways[call.gateway.index()];
        gateway.upstream.release(self.now, call.connection);
        if call.attempt.is_some() {
            gateway.counts.cluster(call.pool).times_ms.observe(milliseconds(call.sent_at, self.now));
        }
        let replica = &mut self.replicas[call.replica.index()];
        replica.calls -= u32::from(call.entered);
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
        let Some(call) = self.calls.get_mut(key) else { return };
        call.cancelled = true;
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
        let cache = self.cache.as_mut();
        let mut tiers = Tiers { cache, key_seed: replica.key_seed, seed: self.seed, now, serial: 0 };
        replica.engine.wake(now, &mut tiers, &mut happenings);
        for happening in happenings.drain(..) {
            self.on_happening(index, happening);
        }
        self.happenings = happenings;
        self.rewake(index);
    }

    fn on_happening(&mut self, index: usize, happening: Happening) {
        match happening {
            Happening::Admitted { key, prompt_tokens, from_hbm, from_host, from_shared, .. } => {
                let (wide, now) = (u64::from, self.now);
                let found = [from_hbm, from_host, from_shared];
                if let Some(call) = self.calls.key_at(key).and_then(|key| self.calls.get_mut(key)) {
                    call.passage.scheduled = now;
                    call.cached_tokens = found;
                    if let Some(attempt) = call.attempt {
                        self.write_row(attempt, |row, _| row.cached_tokens = found);
                    }
                }
                self.record(|series, at| {
                    series.admitted(at, wide(prompt_tokens), wide(from_hbm), wide(from_host), wide(from_shared));
                });
            }
            Happening::Prefilled { tokens } => self.record(|series, at| series.computed_prefill(at, tokens)),
            Happening::NeedsLoad { key, host_tokens, shared_from, shared_tokens } => {
                self.start_load(index, key, host_tokens, shared_from, shared_tokens);
            }
            Happening::FirstToken { key } => self.on_first_token(key),
            Happening::Finished { key, output_tokens, longest_gap } => {
                self.on_finished(key, output_tokens, longest_gap)
            }
            Happening::Preempted { key } => {
                self.tally.preemptions += 1;
                if let Some(call) = self.calls.key_at(key).and_then(|key| self.calls.get_mut(key)) {
                    call.preemptions = call.preemptions.saturating_add(1);
                }
            }
            Happening::Aborted { key } => {
                self.replicas[index].request_times.aborted();
                if let Some(call) = self.calls.key_at(key) {
                    self.end_call(call, true);
                }
            }
            Happening::LoadFailed { key } => {
                self.tally.load_failures += 1;
                if let Some(call) = self.calls.key_at(key) {
                    self.fail_call(call, Outcome::InternalError, Reason::LoadFailed, SimDuration::ZERO);
                }
            }
        }
    }

    fn on_first_token(&mut self, slot: u32) {
        let Some(key) = self.calls.key_at(slot) else { return };
        let Some(call) = self.calls.get_mut(key) else { return };
        call.first_token_sent = true;
        call.passage.first_token = self.now;
        let (attempt, serial) = (call.attempt, call.serial);
        self.replicas[call.replica.index()].request_times.first_token(&call.passage);
        self.release_retry_slot(key);
        if let Some(attempt) = attempt {
            self.write_row(attempt, |row, now| row.first_token = Some(now));
            self.begin_stream(attempt);
            let delay = self.serving_delay(serial, 20) + self.answer_delay(attempt, 3);
            self.schedule(self.now + delay, Event::FirstByte(attempt));
        }
    }

    fn on_finished(&mut self, slot: u32, output_tokens: u32, longest_gap: SimDuration) {
        let Some(key) = self.calls.key_at(slot) else { return };
        let Some(call) = self.calls.get(key) else { return };
        let (attempt, serial) = (call.attempt, call.serial);
        let recent =
            Recent { prompt: call.prompt.clone(), output_tokens: call.output_tokens, output_key: call.output_key };
        let replica = &mut self.replicas[call.replica.index()];
        replica.request_times.finished(self.now, &call.passage, call.prompt.tokens(), output_tokens);
        replica.remember(recent);
        self.end_call(key, true);
        let Some(attempt) = attempt else { return };
        let delay = self.serving_delay(serial, 20) + self.answer_delay(attempt, 3);
        self.write_row(attempt, |row, _| (row.output_tokens, row.longest_gap) = (output_tokens, longest_gap));
        self.end_at_gateway(attempt);
        self.schedule(self.now + delay, Event::Done(attempt));
    }

    /// Blocks travel from lower tiers: from the host over its bus, from each node of the shared tier over its wire.
    fn start_load(&mut self, index: usize, slot: u32, host_tokens: u32, shared_from: u32, shared_tokens: u32) {
        let now = self.now;
        let Some(key) = self.calls.key_at(slot) else { return };
        let Some(call) = self.calls.get(key) else { return };
        let pool = &self.pools[call.pool.index()].spec;
        let (bytes, timeout, prompt) = (pool.kv_bytes_per_token, pool.load_timeout_s, call.prompt.clone());
        let replica = &mut self.replicas[index];
        let mut flows = 0;
        if 0 < host_tokens {
            replica.host_link.start(now, slot, bytes * u64::from(host_tokens));
            flows += 1;
        }
        let key_seed = replica.key_seed;
        let mut parts = Vec::new();
        if let Some(cache) = &mut self.cache {
            parts = cache.tier.parts(key_seed, &prompt, shared_from, shared_from + shared_tokens);
            for part in &parts {
                cache.links[part.node].start(now, slot, bytes * u64::from(part.tokens));
                flows += 1;
            }
        }
        if let Some(call) = self.calls.get_mut(key) {
            call.flows = flows;
        }
        if 0 < host_tokens {
            self.arm_host_link(index);
        }
        parts.iter().for_each(|part| self.arm_cache_link(part.node));
        if let Some(timeout) = timeout {
            self.start_timer(now + timeout, Event::LoadTimeout(key), 0);
        }
    }

    pub(super) fn arm_host_link(&mut self, index: usize) {
        let replica = &mut self.replicas[index];
        replica.host_link_epoch += 1;
        let epoch = replica.host_link_epoch;
        if let Some(at) = replica.host_link.next_done() {
            self.schedule(at, Event::HostLink(ReplicaId(index as u16), epoch));
        }
    }

    pub(super) fn on_host_link(&mut self, id: ReplicaId, epoch: u32) {
        let replica = &mut self.replicas[id.index()];
        if replica.host_link_epoch != epoch {
            return;
        }
        let done = replica.host_link.advance(self.now);
        self.arm_host_link(id.index());
        for slot in done {
            if let Some(call) = self.calls.key_at(slot) {
                self.flow_done(call);
            }
        }
    }

    /// All of a call's transfers have ended, or have been given up.
    pub(super) fn load_ended(&mut self, key: Key, ok: bool) {
        let Some(call) = self.calls.get(key) else { return };
        let index = call.replica.index();
        self.replicas[index].engine.loaded(self.now, key.slot, ok);
        self.rewake(index);
    }

    pub(super) fn on_load_timeout(&mut self, key: Key) {
        if self.calls.get(key).is_some_and(|c| 0 < c.flows) {
            self.tally.load_timeouts += 1;
            self.cancel_flows(key);
            self.load_ended(key, false);
        }
    }
}

/// The shared tier as one replica's engine sees it at one moment.
struct Tiers<'a> {
    cache: Option<&'a mut SharedCache>,
    key_seed: u64,
    seed: u64,
    now: SimTime,
    serial: u64,
}

impl ExternalTiers for Tiers<'_> {
    fn lookup(&mut self, prompt: &Prompt, have: u32) -> u32 {
        let Some(cache) = self.cache.as_mut().filter(|c| !c.off) else { return have };
        let (invalid, seed, now) = (cache.invalid, self.seed, self.now);
        let serial = &mut self.serial;
        cache.tier.lookup(now, self.key_seed, prompt, have, |key| {
            *serial += 1;
            0.0 < invalid && draw(seed, key ^ now.0, Purpose::Fault, *serial) < invalid
        })
    }

    fn store(&mut self, prompt: &Prompt, output_tokens: u32, output_key: u64) {
        if let Some(cache) = self.cache.as_mut().filter(|c| !c.off) {
            cache.tier.store(self.now, self.key_seed, prompt, output_tokens, output_key);
        }
    }
}

/// What a pool's rule hashes of a request.
pub(super) fn affinity_of(pool: &PoolSpec, affinity: &Affinities, account: AccountId) -> u64 {
    match pool.router.affinity {
        Affinity::Prefix => affinity.prefix,
        Affinity::Session => affinity.session,
        Affinity::Account => mix(u64::from(account.0), 5),
    }
}
