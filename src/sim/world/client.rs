//! Clients: intents begin and end here, attempts leave from here, time-outs and retries are decided here.

use crate::sim::client::{Decision, Outcome, Progress};
use crate::sim::connection::{Acquired, Refusal};
use crate::sim::ids::{AccountId, ClientId, GatewayId, SourceId};
use crate::sim::link::Path;
use crate::sim::rng::{Purpose, Stream, draw, mix};
use crate::sim::slab::Key;
use crate::sim::spec::fault::Hop;
use crate::sim::spec::stack::Balance;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::{Intent, Tier};
use crate::sim::world::harm::Experience;
use crate::sim::world::state::{Attempt, LiveIntent, Session, Stage};
use crate::sim::world::wires::request_bytes;
use crate::sim::world::{Event, World};

/// Round trips of a new connection before the first request: TCP and TLS 1.3.
const HANDSHAKE_TRIPS: u64 = 2;
/// Time to first token of a request that another cell answers.
const OTHER_CELL: SimDuration = SimDuration::from_millis(900);
/// Packets of a request of ordinary size.
const REQUEST_PACKETS: u32 = 12;
/// Packets of the first part of an answer, or of an error.
const ANSWER_PACKETS: u32 = 2;
/// How long a client waits for a name that cannot be resolved or a port that refuses.
const REFUSED_AFTER: SimDuration = SimDuration::from_millis(40);

impl World {
    pub(super) fn on_arrival(&mut self, source: SourceId) {
        let Some(arrival) = self.pending[source.index()].take() else { return };
        let intent = self.workload.intent(&arrival);
        self.arm_arrival(source);
        self.begin_intent(intent, None);
    }

    pub(super) fn on_chat_start(&mut self, source: SourceId) {
        let Some(arrival) = self.pending[source.index()].take() else { return };
        self.arm_arrival(source);
        let wanted_at = arrival.at;
        let session = self.sessions.insert(Session { start: arrival, turn: 0, wanted_at });
        self.on_chat_turn(session);
    }

    /// Draws the next arrival of a source and puts it on the calendar.
    fn arm_arrival(&mut self, source: SourceId) {
        self.pending[source.index()] = self.workload.next_arrival(source);
        self.calendar_arrival(source);
    }

    /// Puts the pending arrival of a source on the calendar.
    pub(super) fn calendar_arrival(&mut self, source: SourceId) {
        let Some(at) = self.pending[source.index()].as_ref().map(|a| a.at) else { return };
        let chat = self.workload.is_chat(source);
        self.schedule(at.max(self.now), if chat { Event::ChatStart(source) } else { Event::Arrival(source) });
    }

    pub(super) fn on_chat_turn(&mut self, key: Key) {
        let Some(session) = self.sessions.get(key) else { return };
        match self.workload.turn(&session.start, session.turn, self.now) {
            Some(intent) => self.begin_intent(intent, Some(key)),
            None => {
                self.sessions.remove(key);
            }
        }
    }

    /// The answer to a turn is there, or counts as there: the next follows after its think time.
    fn next_turn(&mut self, key: Key) {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(key) else { return };
        match self.workload.after_turn(&session.start, session.turn) {
            Some((answer, think)) => {
                session.turn += 1;
                session.wanted_at = session.wanted_at + answer + think;
                self.schedule(now + think, Event::ChatTurn(key));
            }
            None => {
                self.sessions.remove(key);
            }
        }
    }

    fn begin_intent(&mut self, intent: Intent, session: Option<Key>) {
        self.tally.intents_begun += 1;
        let began = self.now;
        let wanted_at = session.and_then(|s| self.sessions.get(s)).map_or(began, |s| s.wanted_at);
        self.record(|series, moment| series.intent(moment));
        if self.goes_elsewhere(&intent) {
            return self.answer_elsewhere(&intent, wanted_at, session);
        }
        let held = self.api.batch_paused && intent.tier == Tier::Batch;
        let (patience, source) = (self.patience_of(&intent), intent.source.index());
        let key = self.intents.insert(LiveIntent {
            began,
            wanted_at,
            intent,
            tries: 0,
            budgeted: false,
            restarts: 0,
            attempt: None,
            first_token_at: None,
            session,
        });
        if held {
            self.cost.batch_intents_lost += 1;
            return self.end_intent_failed(key);
        }
        self.start_timer(began + patience, Event::Patience(key), source);
        self.send_attempt(key);
    }

    /// How long the user waits for a first token: as the client program says, or as the source does.
    fn patience_of(&self, intent: &Intent) -> SimDuration {
        let policy = &self.clients[intent.client.index()].old;
        policy.patience.map_or(intent.patience, |patience| {
            patience.draw(&mut Stream::new(self.seed, intent.identity, Purpose::Think, 1))
        })
    }

    fn goes_elsewhere(&self, intent: &Intent) -> bool {
        0.0 < self.api.shifted && draw(self.seed, intent.identity, Purpose::Placement, 0) < self.api.shifted
    }

    /// Another cell answers in time, at the price of a cold prefill there.
    fn answer_elsewhere(&mut self, intent: &Intent, wanted_at: SimTime, session: Option<Key>) {
        self.tally.intents_elsewhere += 1;
        let met = Experience { first_token: OTHER_CELL, per_token: SimDuration::ZERO };
        self.ledger.answered(wanted_at, intent.weight, &objective(intent), met);
        self.record(|series, moment| series.good(moment));
        if self.open_at <= self.now {
            let pool = self.pool_of(intent.model);
            let alone = self.pools[pool.index()].step_cost.prefill_alone(intent.prompt.tokens());
            let gpus = f64::from(self.pools[pool.index()].spec.gpus);
            self.cost.gpu_hours_elsewhere += alone.as_secs_f64() * gpus / 3600.0;
        }
        if let Some(session) = session {
            self.next_turn(session);
        }
    }

    pub(super) fn send_attempt(&mut self, key: Key) {
        let now = self.now;
        let Some(live) = self.intents.get_mut(key) else { return };
        live.tries += 1;
        let serial = mix(live.intent.identity, u64::from(live.tries) << 8 | u64::from(live.restarts));
        let (client, account) = (live.intent.client, live.intent.account);
        let attempt = Attempt {
            intent: key,
            serial,
            identity: live.intent.identity,
            source: live.intent.source,
            template: live.intent.template,
            restarts: live.restarts.min(255) as u8,
            retry_count: (live.tries - 1).min(255) as u8,
            client,
            host: (mix(u64::from(account.0), 3) % u64::from(self.clients[client.index()].hosts)) as u32,
            account,
            cohort: live.intent.cohort,
            tier: live.intent.tier,
            model: live.intent.model,
            prompt: live.intent.prompt.clone(),
            output_tokens: live.intent.output_tokens,
            output_key: live.intent.output_key,
            affinity: live.intent.affinity,
            images: live.intent.images,
            megapixels: live.intent.megapixels,
            payload: live.intent.payload,
            params: live.intent.params,
            language: live.intent.language,
            idle: live.intent.idle,
            gateway: GatewayId(0),
            connection: None,
            uploading: None,
            sent_at: now,
            arrived_at: now,
            stage: Stage::Travelling,
            tries: 0,
            call: None,
            first_token_at: None,
            at_client: true,
            budgeted: std::mem::take(&mut live.budgeted),
            at_gateway: true,
            entered: false,
            streams: false,
            outcome: Outcome::Ok,
            retry_after: None,
            row: None,
        };
        let attempt = self.attempts.insert(attempt);
        if let Some(live) = self.intents.get_mut(key) {
            live.attempt = Some(attempt);
        }
        self.tally.attempts_begun += 1;
        self.clients[client.index()].active += 1;
        self.record(|series, moment| series.attempt(moment));
        match self.connect(attempt) {
            Ok(delay) => self.start_clocks(attempt, delay),
            Err((outcome, wait)) => {
                if let Some(attempt) = self.attempts.get_mut(attempt) {
                    attempt.at_gateway = false;
                    attempt.stage = Stage::Over;
                    attempt.outcome = outcome;
                }
                self.schedule(now + wait, Event::Answer(attempt));
            }
        }
    }

    /// The request travels, and the clocks that may end it begin to run.
    fn start_clocks(&mut self, key: Key, delay: SimDuration) {
        let now = self.now;
        let Some(attempt) = self.attempts.get(key) else { return };
        let policy = self.clients[attempt.client.index()].policy(attempt.host);
        let (first, total, client) = (policy.first_token_timeout, policy.total_timeout, attempt.client.index());
        let bytes = request_bytes(&attempt.prompt, attempt.images, attempt.megapixels);
        let flow = self.edge_flow(attempt.client, attempt.host, attempt.account);
        let uploading = self.upload(Hop::Edge, key, flow, bytes);
        if uploading {
            self.attempts.get_mut(key).into_iter().for_each(|a| a.uploading = Some(delay));
        } else {
            self.schedule(now + delay, Event::AtGateway(key));
        }
        if let Some(first) = first {
            self.start_timer(now + first, Event::FirstTokenTimeout(key), client);
        }
        self.start_timer(now + total, Event::TotalTimeout(key), client);
        if !uploading {
            self.watch_silence(key, delay);
        }
    }

    /// From `after` on the balancer's clock for silent streams runs.
    fn watch_silence(&mut self, key: Key, after: SimDuration) {
        if !self.network.keepalive {
            self.start_timer(self.now + after + self.network.idle_timeout, Event::IdleCut(key), 0);
        }
    }

    /// The last byte of a request has left its client.
    pub(super) fn on_uploaded(&mut self, key: Key) {
        let Some(delay) = self.attempts.get_mut(key).and_then(|a| a.uploading.take()) else { return };
        self.schedule(self.now + delay, Event::AtGateway(key));
        self.watch_silence(key, delay);
    }

    /// The flow of a client host's connection: one of a few, by account.
    fn edge_flow(&self, client: ClientId, host: u32, account: AccountId) -> u64 {
        let lane = mix(u64::from(account.0), 11) % u64::from(self.network.connections_per_host);
        let slot = (self.clients[client.index()].first_host + host) * self.network.connections_per_host + lane as u32;
        u64::from(slot)
    }

    /// Finds a gateway by name, over a connection that stands or a new one; how long until the request is there.
    fn connect(&mut self, key: Key) -> Result<SimDuration, (Outcome, SimDuration)> {
        let now = self.now;
        let Some(attempt) = self.attempts.get(key) else { return Err((Outcome::DnsFailure, REFUSED_AFTER)) };
        let (host, serial, account, client) = (attempt.host, attempt.serial, attempt.account, attempt.client);
        let state = &self.clients[client.index()];
        let connect_timeout = state.policy(host).connect_timeout;
        let flow = self.edge_flow(client, host, account);
        let slot = flow as u32;
        let one_way = self.edge_delay(flow, serial, 0, REQUEST_PACKETS);
        let (acquired, picked) = self.acquire_connection(slot);
        match acquired {
            Acquired::Reused(held) => {
                self.hold(key, held.connection, held.backend);
                Ok(one_way)
            }
            Acquired::Opened(held) => {
                self.tally.connections_opened += 1;
                if self.has_wrong_name(state_host(client.0, host)) {
                    self.network.pool.break_connection(now, held.connection);
                    return Err((Outcome::ConnectTimeout, connect_timeout));
                }
                if !self.gateways[held.backend as usize].up {
                    self.network.pool.break_connection(now, held.connection);
                    return Err((Outcome::ConnectionRefused, REFUSED_AFTER));
                }
                let gateway = &mut self.gateways[held.backend as usize];
                let accepted = gateway.loop_thread.run(now, self.api_spec.handshake_s).since(now);
                if connect_timeout < accepted {
                    self.network.pool.break_connection(now, held.connection);
                    return Err((Outcome::ConnectTimeout, connect_timeout));
                }
                self.hold(key, held.connection, held.backend);
                Ok(one_way + SimDuration(one_way.0 * 2 * HANDSHAKE_TRIPS) + accepted)
            }
            Acquired::Refused(Refusal::NoBackend) => Err((Outcome::ConnectionRefused, REFUSED_AFTER)),
            Acquired::Refused(Refusal::TableFull) => Err((Outcome::ConnectTimeout, connect_timeout)),
            Acquired::Refused(Refusal::CertificateExpired) => {
                self.tally.tls_failures += 1;
                // The gateway does its part of the handshake before the client turns it down.
                let gateway = picked.and_then(|backend| self.gateways.get_mut(backend as usize));
                let waited = gateway.map_or(SimDuration::ZERO, |gateway| {
                    gateway.counts.failed_handshakes += 1;
                    gateway.loop_thread.run(now, self.api_spec.handshake_s).since(now)
                });
                Err((Outcome::TlsFailure, REFUSED_AFTER + REFUSED_AFTER + waited))
            }
        }
    }

    fn hold(&mut self, key: Key, connection: u64, backend: u32) {
        if let Some(attempt) = self.attempts.get_mut(key) {
            attempt.connection = Some(connection);
            attempt.gateway = GatewayId(backend as u16);
        }
    }

    /// A connection, and the gateway that a new one would have gone to.
    fn acquire_connection(&mut self, slot: u32) -> (Acquired, Option<u32>) {
        let now = self.now;
        let network = &mut self.network;
        if network.balance == Balance::LeastConnections && network.pool.has_connection(now, slot) {
            return (network.pool.acquire(now, slot, &mut || None), None); // nobody is asked for a backend
        }
        let ready = network.health.ready(now);
        let pick = match network.balance {
            Balance::LeastConnections => {
                let pool = &mut network.pool;
                ready.iter().copied().min_by_key(|g| (pool.connections_to(now, *g), *g))
            }
            Balance::RoundRobin => {
                network.turn += 1;
                ready.get(network.turn % ready.len().max(1)).copied()
            }
        };
        (network.pool.acquire(now, slot, &mut || pick), pick)
    }

    /// Whether a host has learnt the wrong address, its record having expired after the name was changed, and not yet the
    /// right one again.
    fn has_wrong_name(&self, host: u64) -> bool {
        let Some(since) = self.network.name_wrong_since else { return false };
        let phase = crate::sim::keyed_cache::phase(host, self.network.name_ttl);
        let learnt = |moment: SimTime| moment + phase <= self.now;
        learnt(since) && !self.network.name_right_since.is_some_and(learnt)
    }

    /// One way between a client and a gateway.
    pub(super) fn edge_delay(&self, flow: u64, serial: u64, index: u64, packets: u32) -> SimDuration {
        let path = self.network.edge.path_of(flow);
        self.delay(path, serial, 2 * index, packets) + self.network.added_latency[0]
    }

    /// One way between a gateway and a replica.
    pub(super) fn serving_delay(&self, serial: u64, index: u64) -> SimDuration {
        let path = self.network.serving.path_of(serial);
        self.delay(path, serial, 100 + 2 * index, REQUEST_PACKETS) + self.network.added_latency[1]
    }

    fn delay(&self, path: Option<&Path>, serial: u64, index: u64, packets: u32) -> SimDuration {
        let Some(path) = path else { return SimDuration::ZERO };
        let draw = |n: u64| draw(self.seed, serial, Purpose::Link, index + n);
        let u_loss = if 0.0 < path.loss { draw(1) } else { 0.0 };
        path.delay(packets, draw(0), u_loss)
    }

    /// One way between an attempt's gateway and its client, with what the gateway's loop thread adds.
    pub(super) fn answer_delay(&self, key: Key, index: u64) -> SimDuration {
        self.attempts
            .get(key)
            .map_or(SimDuration::ZERO, |a| self.edge_delay(u64::from(a.host), a.serial, 10 + index, ANSWER_PACKETS))
            + self.loop_lag(key)
    }

    pub(super) fn on_first_byte(&mut self, key: Key) {
        let now = self.now;
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        if !attempt.at_client || attempt.first_token_at.is_some() {
            return;
        }
        attempt.first_token_at = Some(now);
        let (intent, ttft) = (attempt.intent, now.since(attempt.sent_at));
        self.clients[attempt.client.index()].times.first_chunk.observe(ttft.as_secs_f64());
        self.record(|series, moment| series.first_token(moment, ttft));
        if let Some(live) = self.intents.get_mut(intent) {
            live.first_token_at = Some(now); // of the attempt that stands: a restarted stream begins anew
        }
    }

    pub(super) fn on_done(&mut self, key: Key) {
        let Some(attempt) = self.attempts.get(key) else { return };
        if !attempt.at_client {
            return;
        }
        let intent = attempt.intent;
        self.tally.count_outcome(Outcome::Ok);
        self.close_at_client(key);
        self.end_intent_answered(intent);
    }

    pub(super) fn on_answer(&mut self, key: Key) {
        if let Some(attempt) = self.attempts.get(key).filter(|a| a.at_client) {
            let (outcome, retry_after) = (attempt.outcome, attempt.retry_after);
            self.fail_at_client(key, outcome, retry_after);
        }
    }

    pub(super) fn on_first_token_timeout(&mut self, key: Key) {
        if self.attempts.get(key).is_some_and(|a| a.at_client && a.first_token_at.is_none()) {
            self.hang_up(key, Outcome::FirstTokenTimeout);
        }
    }

    pub(super) fn on_total_timeout(&mut self, key: Key) {
        if self.attempts.get(key).is_some_and(|a| a.at_client) {
            self.hang_up(key, Outcome::TotalTimeout);
        }
    }

    /// The balancer cuts a stream on which nothing has passed.
    pub(super) fn on_idle_cut(&mut self, key: Key) {
        let now = self.now;
        let Some(attempt) = self.attempts.get(key) else { return };
        if !attempt.at_client || attempt.first_token_at.is_some() || self.network.keepalive {
            return;
        }
        self.tally.idle_cuts += 1;
        if let Some(connection) = attempt.connection {
            self.network.pool.break_connection(now, connection);
        }
        self.hang_up(key, Outcome::GatewayTimeout);
    }

    pub(super) fn on_patience(&mut self, key: Key) {
        let Some(live) = self.intents.get(key) else { return };
        if live.first_token_at.is_some() {
            return; // the answer is being read
        }
        let attempt = live.attempt;
        self.tally.abandoned += 1;
        match attempt.filter(|a| self.attempts.get(*a).is_some_and(|a| a.at_client)) {
            Some(attempt) => self.hang_up(attempt, Outcome::UserAbandoned),
            None => self.end_intent_failed(key),
        }
    }

    /// The client closes its end; whether anybody learns of it is the hop's business.
    fn hang_up(&mut self, key: Key, outcome: Outcome) {
        if self.api_spec.cancellation.client_to_gateway {
            let delay = self.answer_delay(key, 1);
            self.schedule(self.now + delay, Event::ClientGone(key));
        }
        self.fail_at_client(key, outcome, None);
    }

    fn fail_at_client(&mut self, key: Key, outcome: Outcome, retry_after: Option<SimDuration>) {
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        attempt.outcome = outcome;
        let (intent, client, host, serial) = (attempt.intent, attempt.client, attempt.host, attempt.serial);
        self.tally.count_outcome(outcome);
        self.record(|series, moment| series.error(moment));
        self.close_at_client(key);
        let Some(live) = self.intents.get_mut(intent) else { return };
        live.attempt = None;
        live.first_token_at = None;
        let progress = Progress { tries: live.tries, restarts: live.restarts };
        let uniform = draw(self.seed, serial, Purpose::Backoff, 0);
        let client = &mut self.clients[client.index()];
        let mut decision = client.policy(host).after_failure(progress, outcome, retry_after, uniform);
        if let (Decision::RetryAfter(_), Some(budget)) = (decision, &mut client.budget) {
            if budget.try_retry(client.active) {
                live.budgeted = true;
            } else {
                self.tally.retries_over_budget += 1;
                decision = client.policy(host).after_refusal(progress);
            }
        }
        match decision {
            Decision::RetryAfter(wait) => self.schedule(self.now + wait, Event::Send(intent)),
            Decision::RestartTurnAfter(wait) => {
                if let Some(live) = self.intents.get_mut(intent) {
                    (live.tries, live.restarts) = (0, live.restarts + 1);
                }
                self.tally.turn_restarts += 1;
                self.schedule(self.now + wait, Event::Send(intent));
            }
            Decision::GiveUp => self.end_intent_failed(intent),
        }
    }

    /// The client forgets an attempt.
    fn close_at_client(&mut self, key: Key) {
        let now = self.now;
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        attempt.at_client = false;
        if attempt.uploading.take().is_some() {
            (attempt.at_gateway, attempt.stage) = (false, Stage::Over); // it never got there
            self.stop_upload(Hop::Edge, key);
        }
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        let (at_gateway, connection, outcome) = (attempt.at_gateway, attempt.connection.take(), attempt.outcome);
        let client = &mut self.clients[attempt.client.index()];
        client.active -= 1;
        client.times.request_ended(outcome, now.since(attempt.sent_at));
        if let Some(budget) = &mut client.budget {
            budget.observe(outcome == Outcome::Ok);
            if std::mem::take(&mut attempt.budgeted) {
                budget.retry_ended();
            }
        }
        if let Some(connection) = connection {
            self.network.pool.release(now, connection);
        }
        if !at_gateway {
            self.attempts.remove(key);
            self.tally.attempts_ended += 1;
        }
    }

    fn end_intent_answered(&mut self, key: Key) {
        let now = self.now;
        let Some(live) = self.intents.remove(key) else { return };
        self.tally.intents_answered += 1;
        let times = &mut self.clients[live.intent.client.index()].times;
        times.operations.observe(now.since(live.began).as_secs_f64());
        let first = live.first_token_at.unwrap_or(now);
        let tokens = u64::from(live.intent.output_tokens.saturating_sub(1)).max(1);
        let met =
            Experience { first_token: first.since(live.began), per_token: SimDuration(now.since(first).0 / tokens) };
        let objective = objective(&live.intent);
        self.ledger.answered(live.wanted_at, live.intent.weight, &objective, met);
        if objective.shortfall(met) == 0.0 {
            self.record(|series, moment| series.good(moment));
        } else if live.intent.weight == 0.0 {
            self.record(|series, moment| series.unmissed(moment));
        }
        if let Some(session) = live.session {
            self.next_turn(session);
        }
    }

    /// An intent has failed; a chat ends with it.
    pub(super) fn end_intent_failed(&mut self, key: Key) {
        let Some(live) = self.intents.remove(key) else { return };
        self.tally.intents_failed += 1;
        let took = self.now.since(live.began);
        self.clients[live.intent.client.index()].times.operations.observe(took.as_secs_f64());
        if live.budgeted
            && let Some(budget) = &mut self.clients[live.intent.client.index()].budget
        {
            budget.retry_ended(); // the retry that it was allowed will not be made
        }
        self.ledger.failed(live.wanted_at, live.intent.weight, &objective(&live.intent));
        if live.intent.weight == 0.0 {
            self.record(|series, moment| series.unmissed(moment));
        }
        if let Some(session) = live.session {
            self.lose_rest_of_session(session, 1);
        }
    }

    /// The turns of a session that will not come any more, from `ahead` turns after the present one on, though they
    /// would have if every answer had met its objective.
    fn lose_rest_of_session(&mut self, key: Key, ahead: u32) {
        let Some(session) = self.sessions.remove(key) else { return };
        let mut wanted_at = session.wanted_at;
        let mut turn = session.turn;
        loop {
            if session.turn + ahead <= turn {
                let Some(intent) = self.workload.turn(&session.start, turn, wanted_at) else { return };
                self.ledger.failed(wanted_at, intent.weight, &objective(&intent));
            }
            let Some((answer, think)) = self.workload.after_turn(&session.start, turn) else { return };
            wanted_at = wanted_at + answer + think;
            turn += 1;
            if self.horizon < wanted_at {
                return;
            }
        }
    }

    /// At the end of the world: intents that are still open count as they stand.
    pub(super) fn close_open_intents(&mut self) {
        let open: Vec<Key> = self.intents.iter().map(|(key, _)| key).collect();
        for key in open {
            let Some(live) = self.intents.remove(key) else { continue };
            self.tally.intents_open += 1;
            match live.first_token_at {
                Some(first) => {
                    // Its answer is being read; what has come of it is judged.
                    let met = Experience { first_token: first.since(live.began), per_token: SimDuration::ZERO };
                    self.ledger.answered(live.wanted_at, live.intent.weight, &objective(&live.intent), met);
                }
                None => self.ledger.failed(live.wanted_at, live.intent.weight, &objective(&live.intent)),
            }
            if let Some(session) = live.session {
                self.lose_rest_of_session(session, 1);
            }
        }
        let between_turns: Vec<Key> = self.sessions.iter().map(|(key, _)| key).collect();
        for key in between_turns {
            self.lose_rest_of_session(key, 0);
        }
    }
}

/// What was promised for an intent.
pub(super) fn objective(intent: &Intent) -> crate::sim::world::harm::Objective {
    crate::sim::world::harm::Objective {
        first_token: intent.slo_ttft,
        hopeless: intent.patience,
        per_token: intent.slo_per_token,
    }
}

fn state_host(client: u16, host: u32) -> u64 {
    u64::from(client) << 32 | u64::from(host)
}
