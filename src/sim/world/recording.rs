//! What gateways and replicas write down of each request, for those who will look at it: rows, calls and engine states.
//!
//! Nothing is recorded unless somebody asks, and recording changes nothing that happens. A row is complete when its
//! gateway is done with the attempt; what a killed process had in hand it never wrote.

use serde::{Deserialize, Serialize};

use crate::sim::client::Outcome;
use crate::sim::ids::{AccountId, ClientId, GatewayId, ModelId, PoolId, ReplicaId, SourceId};
use crate::sim::slab::Key;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::{Params, Tier};
use crate::sim::world::World;

/// Why a gateway answered as it did, where the status alone does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    /// Nothing to explain.
    #[default]
    None,
    /// The account or its cohort is refused.
    Blocked,
    /// Load was shed.
    Shed,
    /// Over a limit of requests or tokens.
    RateLimited,
    /// The line of the worker threads was full.
    WorkersBusy,
    /// Nobody could say in time who was asking.
    AuthTimeout,
    /// An exception on the code path behind a flag, by its place in [`Recording::flags`].
    FlagException(u8),
    /// The prompt is longer than the model takes.
    TooLong,
    /// More images than are allowed.
    ImageLimit,
    /// The line of the image decoders was full.
    DecodersBusy,
    /// The image decoder threw.
    DecoderException,
    /// No replica was ready.
    NoReplica,
    /// The certificate of the replicas was not accepted.
    Certificate,
    /// The last call found no process, or its process ended.
    ReplicaGone,
    /// The last call was answered with an error by its replica at once.
    ReplicaError,
    /// The last call was refused by a full replica.
    ReplicaFull,
    /// Cached blocks could not be loaded.
    LoadFailed,
    /// No token came in time.
    UpstreamTimeout,
    /// Images are turned off.
    ImagesOff,
}

/// One attempt, as the gateway that handled it wrote it down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow {
    /// Names the attempt.
    pub serial: u64,
    /// Names the intent: what a client sends as its idempotency key.
    pub intent: u64,
    /// Turns of the agent framework before this one.
    pub restarts: u8,
    /// The client's count of its own tries before this one.
    pub retry_count: u8,
    /// Who asked.
    pub account: AccountId,
    /// What the account pays for.
    pub tier: Tier,
    /// The client program.
    pub client: ClientId,
    /// Whether the client had taken its newest release.
    pub released: bool,
    /// The source's number; part of a template's name.
    pub source: SourceId,
    /// The template's number within its source.
    pub template: u32,
    /// The model asked.
    pub model: ModelId,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Of these, found in high-bandwidth memory, host memory and the shared tier at the last admission.
    pub cached_tokens: [u32; 3],
    /// Tokens written.
    pub output_tokens: u32,
    /// Images that came with it.
    pub images: u32,
    /// A fingerprint of the images; 0 without any.
    pub payload: u64,
    /// What it asked for besides an answer.
    pub params: Params,
    /// The account's language, by its place in the cohort's list.
    pub language: u8,
    /// Time for which its session or run was idle before it; none at the first.
    pub idle: Option<SimDuration>,
    /// Which gateway.
    pub gateway: GatewayId,
    /// The last replica that was called.
    pub replica: Option<ReplicaId>,
    /// Calls made.
    pub calls: u8,
    /// It arrived.
    pub arrived: SimTime,
    /// A worker took it up.
    pub started: Option<SimTime>,
    /// It was parsed; the question who asks began.
    pub parsed: Option<SimTime>,
    /// It was known who asks.
    pub authenticated: Option<SimTime>,
    /// It was handed to a replica for the first time; images were decoded.
    pub forwarded: Option<SimTime>,
    /// The first token left the gateway.
    pub first_token: Option<SimTime>,
    /// Longest time between two tokens.
    pub longest_gap: SimDuration,
    /// The gateway was done with it.
    pub ended: SimTime,
    /// How it came out.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Whether the client was still there at the end.
    pub client_waited: bool,
}

impl AttemptRow {
    /// The status under which the gateway books it: what it answered, or 499 where the client had closed before.
    pub fn status(&self) -> u16 {
        match self.outcome.status() {
            Some(200) | None if !self.client_waited => 499,
            Some(status) => status,
            None => 499,
        }
    }

    /// Whether the gateway answered in full, and somebody was there to read it.
    pub fn answered_in_full(&self) -> bool {
        self.outcome == Outcome::Ok && self.client_waited
    }
}

/// One call of a gateway to a replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRow {
    /// The attempt that it was for.
    pub serial: u64,
    /// The gateway.
    pub gateway: GatewayId,
    /// The pool.
    pub pool: PoolId,
    /// The replica.
    pub replica: ReplicaId,
    /// It was sent.
    pub sent: SimTime,
    /// It arrived at the replica; zero if it never did.
    pub arrived: SimTime,
    /// Its prompt was tokenized and it stood in the engine's line.
    pub queued: SimTime,
    /// The engine admitted it.
    pub scheduled: SimTime,
    /// Its first token was there.
    pub first_token: SimTime,
    /// The replica was done with it.
    pub ended: SimTime,
    /// How it came out.
    pub outcome: Outcome,
    /// Whether the gateway had let go of it before.
    pub abandoned: bool,
    /// Whether the replica was told to drop it.
    pub cancelled: bool,
    /// Times it lost its blocks and was computed anew.
    pub preemptions: u16,
    /// Tokens of the prompt, and of these found in high-bandwidth memory, host memory and the shared tier.
    pub prompt_tokens: u32,
    /// See `prompt_tokens`.
    pub cached_tokens: [u32; 3],
}

/// The state of an engine at a moment, as its process logs it at intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineState {
    /// When.
    pub at: SimTime,
    /// Whose.
    pub replica: ReplicaId,
    /// Requests in the batch.
    pub running: u32,
    /// Requests in line.
    pub waiting: u32,
    /// Share of KV blocks in use.
    pub kv_usage: f64,
    /// Prompt tokens computed since the process began.
    pub prefill_tokens: u64,
    /// Tokens written since the process began.
    pub generated_tokens: u64,
    /// Prompt tokens of admitted requests since the process began.
    pub queried_tokens: u64,
    /// Of these, found in the replica's own memory.
    pub hit_tokens: u64,
    /// Of these, found in lower tiers.
    pub external_hit_tokens: u64,
    /// Preemptions since the process began.
    pub preemptions: u64,
}

/// All that was written down so far, each list in order of time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Recording {
    pub(super) on: bool,
    #[serde(skip)]
    pub(super) attempts: Vec<AttemptRow>,
    #[serde(skip)]
    pub(super) calls: Vec<CallRow>,
    #[serde(skip)]
    pub(super) engines: Vec<EngineState>,
    flags: Vec<String>,
}

impl Recording {
    /// Attempts that are over, in the order in which their gateways were done with them.
    pub fn attempts(&self) -> &[AttemptRow] {
        &self.attempts
    }

    /// Calls that are over, in the order in which they ended.
    pub fn calls(&self) -> &[CallRow] {
        &self.calls
    }

    /// States of engines.
    pub fn engines(&self) -> &[EngineState] {
        &self.engines
    }

    /// Flags whose code paths threw, in the order in which they first did.
    pub fn flags(&self) -> &[String] {
        &self.flags
    }

    /// The reason that stands for an exception behind a flag.
    pub(super) fn flag_exception(&mut self, flag: &str) -> Reason {
        let known = self.flags.iter().position(|f| f == flag);
        let place = known.unwrap_or_else(|| {
            self.flags.push(flag.to_string());
            self.flags.len() - 1
        });
        Reason::FlagException(place.min(255) as u8)
    }
}

impl World {
    /// From now on every attempt, call and engine state is written down, and every metric is scraped. Nothing happens
    /// otherwise for it.
    pub fn record_everything(&mut self) {
        self.recording.on = true;
        self.scrape_everything();
    }

    /// What was written down.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Gives a world that was taken up again ([`World::resume`]) what it had written down.
    pub fn put_back(&mut self, attempts: Vec<AttemptRow>, calls: Vec<CallRow>, engines: Vec<EngineState>) {
        (self.recording.attempts, self.recording.calls, self.recording.engines) = (attempts, calls, engines);
    }

    /// The gateway takes a request in and opens its row.
    pub(super) fn open_row(&mut self, key: Key) {
        if !self.recording.on {
            return;
        }
        let Some(attempt) = self.attempts.get(key) else { return };
        let client = &self.clients[attempt.client.index()];
        let row = AttemptRow {
            serial: attempt.serial,
            intent: attempt.identity,
            restarts: attempt.restarts,
            retry_count: attempt.retry_count,
            account: attempt.account,
            tier: attempt.tier,
            client: attempt.client,
            released: attempt.host < client.released,
            source: attempt.source,
            template: attempt.template,
            model: attempt.model,
            prompt_tokens: attempt.prompt.tokens(),
            cached_tokens: [0; 3],
            output_tokens: 0,
            images: attempt.images,
            payload: attempt.payload,
            params: attempt.params,
            language: attempt.language,
            idle: attempt.idle,
            gateway: attempt.gateway,
            replica: None,
            calls: 0,
            arrived: self.now,
            started: None,
            parsed: None,
            authenticated: None,
            forwarded: None,
            first_token: None,
            longest_gap: SimDuration::ZERO,
            ended: self.now,
            outcome: Outcome::Ok,
            reason: Reason::None,
            client_waited: true,
        };
        if let Some(attempt) = self.attempts.get_mut(key) {
            attempt.row = Some(Box::new(row));
        }
    }

    /// Writes something into the open row of an attempt.
    pub(super) fn write_row(&mut self, key: Key, write: impl FnOnce(&mut AttemptRow, SimTime)) {
        let now = self.now;
        if self.recording.on
            && let Some(row) = self.attempts.get_mut(key).and_then(|a| a.row.as_mut())
        {
            write(row, now);
        }
    }

    /// Notes why the gateway is about to answer as it will.
    pub(super) fn because(&mut self, key: Key, reason: Reason) {
        self.write_row(key, |row, _| row.reason = reason);
    }

    /// Closes the row of an attempt with which its gateway is done.
    pub(super) fn close_row(&mut self, key: Key) {
        let now = self.now;
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        let Some(mut row) = attempt.row.take() else { return };
        row.ended = now;
        row.outcome = attempt.outcome;
        row.client_waited = attempt.at_client;
        self.recording.attempts.push(*row);
    }

    /// Writes down a call that is over.
    pub(super) fn write_call(&mut self, key: Key) {
        if !self.recording.on {
            return;
        }
        let now = self.now;
        let Some(call) = self.calls.get(key) else { return };
        self.recording.calls.push(CallRow {
            serial: call.serial,
            gateway: call.gateway,
            pool: call.pool,
            replica: call.replica,
            sent: call.sent_at,
            arrived: call.passage.arrived,
            queued: call.passage.queued,
            scheduled: call.passage.scheduled,
            first_token: call.passage.first_token,
            ended: now,
            outcome: call.outcome,
            abandoned: call.attempt.is_none(),
            cancelled: call.cancelled,
            preemptions: call.preemptions,
            prompt_tokens: call.prompt.tokens(),
            cached_tokens: call.cached_tokens,
        });
    }

    /// Writes down the states of all engines that live.
    pub(super) fn write_engine_states(&mut self) {
        if !self.recording.on {
            return;
        }
        let now = self.now;
        for (index, replica) in self.replicas.iter().enumerate() {
            if !replica.answers() {
                continue;
            }
            let counts = replica.engine.counts_at(now).since(&replica.counts_before);
            self.recording.engines.push(EngineState {
                at: now,
                replica: ReplicaId(index as u16),
                running: replica.engine.running(),
                waiting: replica.engine.waiting(),
                kv_usage: replica.engine.kv_usage(),
                prefill_tokens: counts.prefill_tokens,
                generated_tokens: counts.generated_tokens,
                queried_tokens: counts.queried_tokens,
                hit_tokens: counts.hit_tokens,
                external_hit_tokens: counts.host_hit_tokens + counts.shared_hit_tokens,
                preemptions: counts.preemptions,
            });
        }
    }
}
