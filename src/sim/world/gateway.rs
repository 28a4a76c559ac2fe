//! The API layer: worker threads, who is asking, limits, images, the gateway's own retries, lost cancellations.

use crate::sim::client::Outcome;
use crate::sim::ids::{AccountId, GatewayId};
use crate::sim::keyed_cache::Lookup;
use crate::sim::rate_limit::TokenBucket;
use crate::sim::rng::{Purpose, draw};
use crate::sim::slab::Key;
use crate::sim::station::{Abandoned, Offer};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::Tier;
use crate::sim::world::fact::What;
use crate::sim::world::recording::Reason;
use crate::sim::world::state::{CallStage, GatewayCounts, Stage, milliseconds};
use crate::sim::world::wires::request_bytes;
use crate::sim::world::{Event, World};

/// Bursts that a limit per minute lets pass: ten seconds' worth.
const BURST_SHARE: f64 = 1.0 / 6.0;
/// What an overloaded service asks clients to wait.
const SHED_RETRY_AFTER: SimDuration = SimDuration::from_secs(5);

impl World {
    pub(super) fn on_at_gateway(&mut self, key: Key) {
        let now = self.now;
        let Some(attempt) = self.attempts.get(key) else { return };
        let gateway = attempt.gateway;
        if !self.gateways[gateway.index()].up {
            return self.refuse(key, Outcome::ConnectionRefused, None);
        }
        self.gateways[gateway.index()].in_flight += 1;
        let counts = &mut self.gateways[gateway.index()].counts;
        counts.requests += 1;
        if let Some(attempt) = self.attempts.get_mut(key) {
            attempt.entered = true;
            attempt.arrived_at = now;
            counts.received_bytes += request_bytes(&attempt.prompt, attempt.images, attempt.megapixels);
            counts.by_retry_count[usize::from(attempt.retry_count.min(3))] += 1;
        }
        self.open_row(key);
        if self.out_of_memory(gateway) {
            return self.kill_gateway(gateway);
        }
        let done = self.loop_until(key);
        if done == now {
            return self.take_in(key);
        }
        self.set_stage(key, Stage::Reading);
        self.schedule(done, Event::Read(key));
    }

    /// When the gateway's loop thread will have read this request, and all that came before it.
    fn loop_until(&mut self, key: Key) -> SimTime {
        let spec = &self.api_spec;
        let Some(attempt) = self.attempts.get(key) else { return self.now };
        let micros = spec.loop_us_per_token * f64::from(attempt.prompt.tokens());
        let work = spec.loop_s + SimDuration::from_secs_f64(micros * 1e-6);
        self.gateways[attempt.gateway.index()].loop_thread.run(self.now, work)
    }

    /// How long whatever passes this attempt's gateway waits for the loop thread.
    pub(super) fn loop_lag(&self, key: Key) -> SimDuration {
        self.attempts.get(key).map_or(SimDuration::ZERO, |a| self.gateways[a.gateway.index()].loop_thread.lag(self.now))
    }

    pub(super) fn on_read(&mut self, key: Key) {
        if self.stage_of(key) == Some(Stage::Reading) && !self.gone_while_working(key) {
            self.take_in(key);
        }
    }

    /// The request has been read: a worker takes it up, unless it is turned away.
    fn take_in(&mut self, key: Key) {
        let now = self.now;
        let Some(gateway) = self.attempts.get(key).map(|a| a.gateway) else { return };
        if let Some((outcome, reason, retry_after)) = self.turned_away(key) {
            self.because(key, reason);
            return self.refuse(key, outcome, retry_after);
        }
        let offer = self.gateways[gateway.index()].workers.offer(now, key.slot);
        match offer {
            Offer::Started => self.start_parsing(key),
            Offer::Queued => self.set_stage(key, Stage::WaitingForWorker),
            Offer::Rejected => {
                self.because(key, Reason::WorkersBusy);
                self.refuse(key, Outcome::Unavailable, Some(SHED_RETRY_AFTER));
            }
        }
    }

    fn set_stage(&mut self, key: Key, stage: Stage) {
        if let Some(attempt) = self.attempts.get_mut(key) {
            attempt.stage = stage;
        }
    }

    pub(super) fn start_parsing(&mut self, key: Key) {
        self.set_stage(key, Stage::Parsing);
        self.write_row(key, |row, now| row.started = Some(now));
        let Some(attempt) = self.attempts.get(key) else { return };
        let serial = attempt.serial;
        let service = self.api_spec.parse_s.mul_f64(exponential(draw(self.seed, serial, Purpose::Service, 1)));
        self.schedule(self.now + service, Event::Parsed(key));
    }

    /// Shedding, blocks and limits: what is refused before any work.
    fn turned_away(&mut self, key: Key) -> Option<(Outcome, Reason, Option<SimDuration>)> {
        let now = self.now;
        let attempt = self.attempts.get(key)?;
        let (account, tier, cohort) = (attempt.account, attempt.tier, attempt.cohort);
        let tokens = u64::from(attempt.prompt.tokens());
        if self.api.blocked_accounts.contains(&account) || self.api.blocked_cohorts.contains(&cohort) {
            return Some((Outcome::Forbidden, Reason::Blocked, None));
        }
        if 0.0 < self.api.shed && draw(self.seed, attempt.serial, Purpose::Fault, 7) < self.api.shed {
            return Some((Outcome::TooManyRequests, Reason::Shed, Some(SHED_RETRY_AFTER)));
        }
        let (requests, prompt_tokens) = self.limit_of(account, tier)?;
        let buckets = self.api.buckets.entry((account, tier as u8)).or_insert_with(|| {
            let bucket = |per_min: f64| {
                let per_hour = (per_min * 60.0) as u64; // whole tokens: a limit below one per hour is none at all
                let depth = (per_min * BURST_SHARE).max(1.0) as u64;
                TokenBucket::new(now, per_hour, SimDuration::from_secs(3600), depth)
            };
            (bucket(requests), bucket(prompt_tokens))
        });
        let tokens = tokens.min(buckets.1.depth()); // one request larger than the burst may still pass on its own
        let wait = buckets.0.retry_after(now, 1).max(buckets.1.retry_after(now, tokens));
        if SimDuration::ZERO < wait {
            return Some((Outcome::TooManyRequests, Reason::RateLimited, Some(wait)));
        }
        let taken = buckets.0.take(now, 1).and(buckets.1.take(now, tokens));
        debug_assert!(taken.is_ok(), "both were asked just now");
        None
    }

    /// Requests and tokens per minute for an account, if it is limited at all.
    fn limit_of(&self, account: AccountId, tier: Tier) -> Option<(f64, f64)> {
        if let Some(requests) = self.api.account_limits.get(&account) {
            return Some((*requests, 1e9));
        }
        let limit = self.api_spec.limits.iter().rev().find(|l| l.tier == tier)?;
        Some((limit.requests_per_min, limit.tokens_per_min))
    }

    pub(super) fn on_parsed(&mut self, key: Key) {
        let now = self.now;
        if self.gone_while_working(key) {
            return;
        }
        self.set_stage(key, Stage::Authenticating);
        self.write_row(key, |row, now| row.parsed = Some(now));
        let Some(account) = self.account_of(key) else { return };
        match self.api.auth.lookup(now, account.0 as u64) {
            Lookup::Hit(()) => self.schedule(now + self.api_spec.auth.lookup_s, Event::AuthAnswered(key)),
            Lookup::Miss => {
                self.start_timer(now + self.api_spec.auth.timeout_s, Event::AuthTimeout(key), 0);
                self.schedule(now + self.api_spec.auth.lookup_s, Event::AskAuthStore(key));
            }
            Lookup::ShardDown => {
                self.start_timer(now + self.api_spec.auth.timeout_s, Event::AuthTimeout(key), 0);
                self.schedule(now + self.api_spec.auth.lookup_timeout_s, Event::AskAuthStore(key));
            }
        }
    }

    pub(super) fn ask_auth_store(&mut self, key: Key) {
        let now = self.now;
        if self.stage_of(key) != Some(Stage::Authenticating) {
            return;
        }
        match self.api.store.offer(now, key.slot) {
            Offer::Started => self.start_auth_query(key),
            Offer::Queued => {}
            Offer::Rejected => self.fail_authentication(key),
        }
    }

    fn start_auth_query(&mut self, key: Key) {
        let Some(attempt) = self.attempts.get(key) else { return };
        let draw = draw(self.seed, attempt.serial, Purpose::Service, 2);
        let service = self.api_spec.auth.store_query_s.mul_f64(exponential(draw) * self.api.store_factor);
        self.schedule(self.now + service, Event::AuthAnswered(key));
    }

    pub(super) fn on_auth_answered(&mut self, key: Key) {
        let now = self.now;
        if self.api.store.is_running(key.slot) {
            let next = self.api.store.finish(now, key.slot).and_then(|slot| self.attempts.key_at(slot));
            if let Some(next) = next {
                self.start_auth_query(next);
            }
            if let Some(account) = self.account_of(key) {
                self.api.auth.insert(now, u64::from(account.0), ());
            }
        }
        if self.stage_of(key) != Some(Stage::Authenticating) || self.gone_while_working(key) {
            return;
        }
        self.write_row(key, |row, now| row.authenticated = Some(now));
        self.check_and_decode(key);
    }

    pub(super) fn on_auth_timeout(&mut self, key: Key) {
        if self.stage_of(key) == Some(Stage::Authenticating) {
            self.leave_auth_store(key);
            self.fail_authentication(key);
        }
    }

    fn leave_auth_store(&mut self, key: Key) {
        if let Abandoned::WasRunning(Some(next)) = self.api.store.abandon(self.now, key.slot)
            && let Some(next) = self.attempts.key_at(next)
        {
            self.start_auth_query(next);
        }
    }

    fn fail_authentication(&mut self, key: Key) {
        self.tally.auth_failures += 1;
        self.because(key, Reason::AuthTimeout);
        self.release_worker(key);
        self.refuse(key, Outcome::Unavailable, None);
    }

    /// Flags, image limits and decoding; then the request goes on to a replica.
    fn check_and_decode(&mut self, key: Key) {
        let Some(attempt) = self.attempts.get(key) else { return };
        let (serial, images, gateway) = (attempt.serial, attempt.images, attempt.gateway);
        let language = self.workload.language_code(attempt.cohort, attempt.language);
        for (index, flag) in self.api.flags.iter().enumerate() {
            let concerned = flag.language.as_deref().is_none_or(|only| only == language);
            if concerned && draw(self.seed, serial, Purpose::Fault, 20 + index as u64) < flag.share {
                let reason = self.recording.flag_exception(&flag.name);
                self.tally.flag_exceptions += 1;
                self.because(key, reason);
                self.release_worker(key);
                return self.refuse(key, Outcome::InternalError, None);
            }
        }
        let window = self.pools[self.pool_of(attempt.model).index()].spec.context_window();
        if window <= attempt.prompt.tokens() {
            self.tally.too_long += 1;
            self.because(key, Reason::TooLong);
            self.release_worker(key);
            return self.refuse(key, Outcome::BadRequest, None);
        }
        let spec = &self.api_spec.images;
        if images == 0 {
            return self.forward(key);
        }
        let too_many = spec.limit_checked_first && spec.limit < images;
        if self.api.images_off || too_many {
            self.because(key, if self.api.images_off { Reason::ImagesOff } else { Reason::ImageLimit });
            self.release_worker(key);
            return self.refuse(key, Outcome::BadRequest, None);
        }
        self.set_stage(key, Stage::DecodingImages);
        match self.gateways[gateway.index()].images.offer(self.now, key.slot) {
            Offer::Started => self.start_decoding(key),
            Offer::Queued => {}
            Offer::Rejected => {
                self.because(key, Reason::DecodersBusy);
                self.release_worker(key);
                self.refuse(key, Outcome::Unavailable, None);
            }
        }
    }

    fn start_decoding(&mut self, key: Key) {
        let Some(attempt) = self.attempts.get(key) else { return };
        let spec = &self.api_spec.images;
        let per_image = spec.per_image_s + spec.per_megapixel_s.mul_f64(attempt.megapixels);
        // The decoder works through what its table holds before it meets the image that it does not.
        let decoded = attempt.images.min(spec.decoder_table + 1);
        self.schedule(self.now + per_image.mul_f64(f64::from(decoded)), Event::ImagesDone(key));
    }

    pub(super) fn on_images_done(&mut self, key: Key) {
        let now = self.now;
        let Some(attempt) = self.attempts.get(key) else { return };
        let (gateway, images) = (attempt.gateway, attempt.images);
        let next = self.gateways[gateway.index()].images.finish(now, key.slot);
        if let Some(next) = next.and_then(|slot| self.attempts.key_at(slot)) {
            self.start_decoding(next);
        }
        if self.stage_of(key) != Some(Stage::DecodingImages) || self.gone_while_working(key) {
            return;
        }
        let spec = &self.api_spec.images;
        if spec.decoder_table < images {
            self.tally.decoder_exceptions += 1;
            self.because(key, Reason::DecoderException);
            self.release_worker(key);
            return self.refuse(key, Outcome::InternalError, None);
        }
        if spec.limit < images {
            self.because(key, Reason::ImageLimit);
            self.release_worker(key);
            return self.refuse(key, Outcome::BadRequest, None);
        }
        self.forward(key);
    }

    /// Hands the request to a replica; the worker is free for the next one.
    fn forward(&mut self, key: Key) {
        self.release_worker(key);
        self.set_stage(key, Stage::Upstream);
        self.write_row(key, |row, now| row.forwarded = Some(now));
        self.call_replica(key, None);
    }

    fn release_worker(&mut self, key: Key) {
        let Some(gateway) = self.attempts.get(key).map(|a| a.gateway) else { return };
        let next = self.gateways[gateway.index()].workers.finish(self.now, key.slot);
        if let Some(next) = next.and_then(|slot| self.attempts.key_at(slot)) {
            self.start_parsing(next);
        }
    }

    /// Whether the client left while the gateway worked on its request, which then ends here.
    fn gone_while_working(&mut self, key: Key) -> bool {
        let Some(attempt) = self.attempts.get(key) else { return true };
        if attempt.stage == Stage::Over {
            return true;
        }
        let known = self.api_spec.cancellation.client_to_gateway;
        if attempt.at_client || !known {
            return false;
        }
        self.release_worker(key);
        self.end_at_gateway(key);
        true
    }

    fn stage_of(&self, key: Key) -> Option<Stage> {
        self.attempts.get(key).filter(|a| a.at_gateway).map(|a| a.stage)
    }

    fn account_of(&self, key: Key) -> Option<AccountId> {
        self.attempts.get(key).map(|a| a.account)
    }

    /// An error answer leaves the gateway.
    pub(super) fn refuse(&mut self, key: Key, outcome: Outcome, retry_after: Option<SimDuration>) {
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        attempt.outcome = outcome;
        attempt.retry_after = retry_after;
        let at_client = attempt.at_client;
        let delay = self.answer_delay(key, 2);
        self.end_at_gateway(key);
        if at_client {
            self.schedule(self.now + delay, Event::Answer(key));
        }
    }

    /// The gateway forgets an attempt.
    pub(super) fn end_at_gateway(&mut self, key: Key) {
        let now = self.now;
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        if !attempt.at_gateway {
            return;
        }
        attempt.at_gateway = false;
        attempt.stage = Stage::Over;
        self.close_row(key);
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        let at_client = attempt.at_client;
        if std::mem::take(&mut attempt.entered) {
            let gateway = &mut self.gateways[attempt.gateway.index()];
            gateway.in_flight -= 1;
            if std::mem::take(&mut attempt.streams) {
                gateway.streamed_tokens -= u64::from(attempt.output_tokens);
            }
            gateway.counts.ended(attempt.outcome, at_client);
            gateway.counts.times_ms.observe(milliseconds(attempt.arrived_at, now));
        }
        if !at_client {
            self.attempts.remove(key);
            self.tally.attempts_ended += 1;
        }
    }

    /// An answer begins to stream through the gateway.
    pub(super) fn begin_stream(&mut self, key: Key) {
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        if attempt.entered && !std::mem::replace(&mut attempt.streams, true) {
            self.gateways[attempt.gateway.index()].streamed_tokens += u64::from(attempt.output_tokens);
        }
    }

    /// A call to a replica failed before its first token: another try, or an error to the client.
    pub(super) fn on_call_failed(&mut self, key: Key) {
        let Some(call) = self.calls.get(key) else { return };
        let (attempt, outcome, reason, begun) = (call.attempt, call.outcome, call.reason, call.first_token_sent);
        let place = self.replicas[call.replica.index()].place;
        self.end_call(key, false);
        let Some(attempt) = attempt else { return };
        if begun {
            self.because(attempt, reason);
            return self.refuse(attempt, Outcome::StreamCut, None);
        }
        if self.may_retry(attempt) {
            self.tally.gateway_retries += 1;
            return self.call_replica(attempt, Some(place));
        }
        self.because(attempt, reason);
        let retry_after = (outcome == Outcome::Overloaded).then_some(SHED_RETRY_AFTER);
        self.refuse(attempt, outcome, retry_after);
    }

    pub(super) fn may_retry(&mut self, key: Key) -> bool {
        let spec = &self.api_spec.retry;
        let Some(attempt) = self.attempts.get_mut(key) else { return false };
        if spec.retries < attempt.tries {
            return false;
        }
        let (id, model) = (attempt.gateway, attempt.model);
        let gateway = &self.gateways[id.index()];
        let allowed = spec.budget_floor.max((spec.budget * gateway.in_flight as f64) as u32);
        if allowed <= gateway.retries_in_flight {
            self.tally.retries_over_budget += 1;
            let pool = self.pool_of(model);
            self.gateways[id.index()].counts.cluster(pool).retry_overflows += 1;
            return false;
        }
        true
    }

    pub(super) fn on_call_timeout(&mut self, key: Key) {
        let Some(call) = self.calls.get(key) else { return };
        if call.first_token_sent || call.stage == CallStage::Failing {
            return;
        }
        let Some(attempt) = call.attempt else { return };
        let (place, gateway, pool) = (self.replicas[call.replica.index()].place, call.gateway, call.pool);
        self.tally.upstream_timeouts += 1;
        let of_one_try = self.api_spec.retry.per_try_timeout_s.is_some_and(|t| t < self.api_spec.upstream_timeout_s);
        let counts = self.gateways[gateway.index()].counts.cluster(pool);
        *(if of_one_try { &mut counts.per_try_timeouts } else { &mut counts.timeouts }) += 1;
        self.let_go_of_call(key);
        if self.may_retry(attempt) {
            self.tally.gateway_retries += 1;
            return self.call_replica(attempt, Some(place));
        }
        self.because(attempt, Reason::UpstreamTimeout);
        self.refuse(attempt, Outcome::GatewayTimeout, None);
    }

    /// The news that a client has closed its stream reaches the gateway.
    pub(super) fn on_client_gone(&mut self, key: Key) {
        let Some(attempt) = self.attempts.get(key) else { return };
        let (stage, gateway, call) = (attempt.stage, attempt.gateway, attempt.call);
        match stage {
            Stage::WaitingForWorker => {
                self.gateways[gateway.index()].workers.abandon(self.now, key.slot);
                self.end_at_gateway(key);
            }
            Stage::Upstream => {
                if let Some(call) = call {
                    self.let_go_of_call(call);
                }
                self.end_at_gateway(key);
            }
            _ => {} // a worker has it in hand and notices when it looks up
        }
    }

    /// The gateway gives a call up. Whether the engine learns of it is the hop's business.
    fn let_go_of_call(&mut self, key: Key) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let attempt = call.attempt.take();
        if let Some(attempt) = attempt.and_then(|a| self.attempts.get_mut(a)) {
            attempt.call = None;
        }
        self.release_retry_slot(key);
        if self.api_spec.cancellation.gateway_to_engine {
            let serial = self.calls.get(key).map_or(0, |c| c.serial);
            let delay = self.serving_delay(serial, 30);
            self.schedule(self.now + delay, Event::CancelCall(key));
        } else {
            self.tally.orphaned_calls += 1;
        }
    }

    fn out_of_memory(&mut self, gateway: GatewayId) -> bool {
        self.gateway_memory_mib(gateway) > self.api_spec.memory_limit_mib
    }

    /// Memory of a gateway now, in MiB.
    pub(super) fn gateway_memory_mib(&mut self, gateway: GatewayId) -> f64 {
        let connections = self.network.pool.connections_to(self.now, u32::from(gateway.0));
        let spec = &self.api_spec;
        spec.memory_base_mib
            + spec.memory_per_connection_mib * connections as f64
            + spec.memory_per_request_mib * self.gateways[gateway.index()].in_flight as f64
            + spec.memory_per_streamed_token_kib * self.gateways[gateway.index()].streamed_tokens as f64 / 1024.0
    }

    /// The process ends: everything in it is lost, every connection breaks.
    pub(super) fn kill_gateway(&mut self, id: GatewayId) {
        self.fact(What::GatewayKilled(id));
        for (_, attempt) in self.attempts.iter_mut().filter(|(_, a)| a.entered && a.gateway == id) {
            attempt.row = None; // nobody was left to write it
        }
        self.end_gateway(id);
        self.gateways[id.index()].killed = true;
    }

    /// The process is told to end and to start anew: what it had in hand is cut off.
    pub(super) fn stop_gateway(&mut self, id: GatewayId) {
        if self.gateways.get(id.index()).is_some_and(|g| g.up) {
            self.fact(What::GatewayStopped(id));
        }
        self.end_gateway(id);
    }

    fn end_gateway(&mut self, id: GatewayId) {
        let now = self.now;
        self.cost.restarts += 1;
        let gateway = &mut self.gateways[id.index()];
        if !gateway.up {
            return;
        }
        gateway.up = false;
        gateway.restarts += 1;
        gateway.killed = false;
        gateway.loop_thread.restart();
        gateway.upstream.restart(now);
        let inside = self.attempts.iter().filter(|(_, a)| a.entered && a.gateway == id);
        let lost: Vec<Key> = inside.map(|(key, _)| key).collect();
        self.network.pool.backend_gone(now, u32::from(id.0));
        for key in lost {
            let gateway = &mut self.gateways[id.index()];
            gateway.workers.abandon(now, key.slot);
            gateway.images.abandon(now, key.slot);
            if self.stage_of(key) == Some(Stage::Authenticating) {
                self.leave_auth_store(key);
            }
            if let Some(call) = self.attempts.get(key).and_then(|a| a.call) {
                self.let_go_of_call(call);
            }
            let begun = self.attempts.get(key).is_some_and(|a| a.first_token_at.is_some());
            self.refuse(key, if begun { Outcome::StreamCut } else { Outcome::BadGateway }, None);
        }
        self.schedule(now + self.api_spec.restart_s, Event::GatewayUp(id));
    }

    pub(super) fn on_gateway_up(&mut self, id: GatewayId) {
        self.gateways[id.index()].up = true;
        self.gateways[id.index()].counts = GatewayCounts::default();
        self.gateways[id.index()].process_since = self.now;
        self.fact(What::GatewayUp(id));
    }
}

/// An exponential with mean one, from a uniform.
pub(super) fn exponential(uniform: f64) -> f64 {
    -libm::log(1.0 - uniform)
}
