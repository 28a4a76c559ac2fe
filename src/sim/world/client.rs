//! Clients: intents begin and end here, attempts leave from here, and time-outs and retries are decided here.

use crate::sim::client::{Decision, Outcome};
use crate::sim::ids::{AccountId, SourceId};
use crate::sim::link::Path;
use crate::sim::rng::{Purpose, draw, mix};
use crate::sim::slab::Key;
use crate::sim::spec::stack::{Balance, LinkSpec};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::{Intent, Tier};
use crate::sim::world::World;
use crate::sim::world::harm::{Experience, Objective};
use crate::sim::world::state::{Attempt, LiveIntent, Session, Stage};

/// Round trips of a new connection before the first request: TCP and TLS 1.3.
const HANDSHAKE_TRIPS: f64 = 2.0;
/// Added to the time to first token of a request that another cell answers.
const OTHER_CELL: SimDuration = SimDuration::from_millis(180);
/// Packets of a request of ordinary size, for loss.
const REQUEST_PACKETS: u32 = 12;
/// Packets of an answer's first part.
const ANSWER_PACKETS: u32 = 4;

impl World {
    pub(super) fn on_arrival(&mut self, source: SourceId) {
        let Some(arrival) = self.sources[source.index()].pending.take() else { return };
        let intent = self.workload.intent(&arrival);
        self.arm_arrival(source);
        self.begin_intent(intent, None);
    }

    pub(super) fn on_chat_start(&mut self, source: SourceId) {
        let Some(arrival) = self.sources[source.index()].pending.take() else { return };
        let number = self.workload.session_of(&arrival);
        self.arm_arrival(source);
        let session = self.sessions.insert(Session { source, number, turn: 0 });
        self.on_chat_turn(session);
    }

    pub(super) fn on_chat_turn(&mut self, key: Key) {
        let Some(session) = self.sessions.get(key) else { return };
        let plan = self.workload.turn(session.source, session.number, session.turn, self.now);
        match plan {
            Some(turn) => self.begin_intent(turn.intent, Some(key)),
            None => {
                self.sessions.remove(key);
            }
        }
    }

    fn begin_intent(&mut self, intent: Intent, session: Option<Key>) {
        self.tally.intents_begun += 1;
        self.record_open(|series, at| series.intent(at));
        let objective = Objective {
            first_token: intent.slo_ttft,
            hopeless: intent.patience,
            per_token: intent.slo_per_token,
        };
        let weight = intent.weight;
        if self.goes_elsewhere(&intent) {
            return self.answer_elsewhere(intent, objective, session);
        }
        let patience = self.now + intent.patience;
        let held = self.api.batch_paused && intent.tier == Tier::Batch;
        let key = self.intents.insert(LiveIntent {
            intent,
            objective,
            weight,
            tries: 0,
            restarts: 0,
            attempt: None,
            first_token_at: None,
            session,
        });
        if held {
            self.cost.batch_intents_lost += 1;
            return self.end_intent_failed(key);
        }
        self.schedule(patience, super::Event::Patience(key));
        self.send_attempt(key);
    }

    fn goes_elsewhere(&self, intent: &Intent) -> bool {
        0.0 < self.api.shifted && draw(self.seed, intent.identity(), Purpose::Placement, 0) < self.api.shifted
    }

    /// Another cell answers in time, at the price of a cold prefill there.
    fn answer_elsewhere(&mut self, intent: Intent, objective: Objective, session: Option<Key>) {
        self.tally.intents_elsewhere += 1;
        let met = Experience { first_token: OTHER_CELL, per_token: SimDuration::ZERO };
        self.ledger.answered(self.now, intent.weight, &objective, met);
        self.record_open(|series, at| series.good(at));
        let pool = self.pool_of_model(intent.model);
        let cost = &self.replicas[self.pools[pool.index()].members[0].index()].engine;
        let alone = cost.prefill_alone(intent.prompt.tokens());
        let gpus = self.pools[pool.index()].spec.gpus as f64;
        if self.open_at <= self.now {
            self.cost.gpu_hours_elsewhere += alone.as_secs_f64() * gpus / 3600.0;
        }
        if let Some(session) = session {
            self.next_turn(session, self.now + objective.first_token);
        }
    }

    pub(super) fn send_attempt(&mut self, key: Key) {
        let now = self.now;
        let Some(live) = self.intents.get_mut(key) else { return };
        live.tries += 1;
        let (intent, client) = (&live.intent, live.intent.client);
        let (account, serial) = (intent.account, mix(intent.identity(), live.tries as u64 + 97 * live.restarts as u64));
        let hosts = self.clients[client.index()].hosts;
        let host = (mix(account.0 as u64, 3) % hosts as u64) as u32;
        self.tally.attempts_begun += 1;
        self.record_open(|series, at| series.attempt(at));
        let attempt = self.attempts.insert(Attempt {
            intent: key,
            serial,
            client,
            host,
            gateway: crate::sim::ids::GatewayId(0),
            sent_at: now,
            stage: Stage::Travelling,
            tries: 0,
            call: None,
            first_token_at: None,
            at_client: true,
            at_gateway: true,
            outcome: Outcome::Ok,
            retry_after: None,
        });
        if let Some(live) = self.intents.get_mut(key) {
            live.attempt = Some(attempt);
        }
        let policy = self.clients[client.index()].policy(host);
        let (first_token, total, connect) = (policy.first_token_timeout(), policy.total_timeout(), policy.connect_timeout());
        match self.connect(attempt, account, host) {
            Ok(delay) => {
                self.schedule(now + delay, super::Event::AtGateway(attempt));
                if let Some(limit) = first_token {
                    self.schedule(now + limit, super::Event::FirstTokenTimeout(attempt));
                }
                self.schedule(now + total, super::Event::TotalTimeout(attempt));
                if !self.network.keepalive {
                    self.schedule(now + delay + self.network.idle_timeout, super::Event::IdleCut(attempt));
                }
            }
            Err(outcome) => {
                let wait = if outcome == Outcome::ConnectTimeout { connect } else { SimDuration::from_millis(40) };
                self.attempts.get_mut(attempt).expect("just made").at_gateway = false;
                self.fail_at_client(attempt, outcome, now + wait);
            }
        }
    }

    /// Finds a gateway for the attempt, by name, over a connection that stands or a new one.
    fn connect(&mut self, attempt: Key, account: AccountId, host: u32) -> Result<SimDuration, Outcome> {
        let now = self.now;
        let (client, serial) = {
            let a = self.attempts.get(attempt).expect("just made");
            (&self.clients[a.client.index()], a.serial)
        };
        let slot = client.connections_from
            + host * self.connections_per_host
            + (mix(account.0 as u64, 11) % self.connections_per_host as u64) as u32;
        let gateways = &self.gateways;
        let network = &mut self.network;
        let (health, connections_now) = (&network.health, network.connections.counts().to_vec());
        let turn = &mut network.turn;
        let balance = self.balance;
        let mut pick = || {
            let ready = (0..gateways.len()).filter(|g| health.is_ready(*g));
            match balance {
                Balance::LeastConnections => ready.min_by_key(|g| (connections_now.get(*g).copied().unwrap_or(0), *g)),
                Balance::RoundRobin => {
                    let ready: Vec<usize> = ready.collect();
                    *turn += 1;
                    (!ready.is_empty()).then(|| ready[*turn % ready.len()])
                }
            }
        };
        let _ = (&mut pick, slot, serial, now);
        todo_connect()
    }
}
