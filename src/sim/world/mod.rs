//! The world itself: what there is, what is due, and the loop that lets one thing follow from another.
//!
//! ```text
//! intent -> client -> edge -> gateway (worker, auth, limits, images) -> router -> replica (tokenizer, engine)
//!              ^                    |retry|                                          |  shared cache
//!              +---- answer, first token, error, time-out, cancellation <------------+
//! ```

pub mod fact; // what happened, one by one
pub mod harm; // users' pain

mod build; // from spec to world
mod cache; // the shared tier, its nodes and controller
mod change; // faults and actions
mod check; // nothing is lost, nothing happens twice
mod client; // intents, attempts, time-outs, retries
mod client_times; // what a client program observes of its calls
mod control; // probes, views, autoscalers, thermals
pub mod exposition; // what the components tell the monitoring system
mod families; // names, kinds, meanings, and how values are read off
mod gateway; // the API layer
mod keep; // set aside and taken up again
mod lifecycle; // how replicas come and go
pub mod recording; // what is written down of each request
mod replica; // serving replicas and their engines
mod request_times; // what a replica observes of its requests
mod scrapes; // what stands between a target and its series
pub mod standing; // what has been set, for whoever asks what an order leaves behind
mod state; // the records of all the above
pub mod survey; // what control planes say
pub mod tally; // counts of what happened
mod targets; // how each kind of target is read
mod wires; // hops of limited capacity

use serde::{Deserialize, Serialize};

pub use build::{Ended, World};
pub use state::Cost;

use crate::sim::ids::{CacheNodeId, GatewayId, PoolId, ReplicaId, SourceId};
use crate::sim::queue::Class;
use crate::sim::rng::mix;
use crate::sim::slab::Key;
use crate::sim::spec::fault::Hop;
use crate::sim::time::SimTime;

/// Something that is due. Small and copied; the records it speaks of live in slabs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Event {
    Arrival(SourceId),
    ChatStart(SourceId),
    ChatTurn(Key),
    Patience(Key),
    Send(Key),
    AtGateway(Key),
    Read(Key),
    Parsed(Key),
    AskAuthStore(Key),
    AuthAnswered(Key),
    AuthTimeout(Key),
    ImagesDone(Key),
    AtReplica(Key),
    Tokenized(Key),
    CallTimeout(Key),
    LoadTimeout(Key),
    CallFailed(Key),
    EngineWake(ReplicaId, u32),
    HostLink(ReplicaId, u32),
    CacheLink(CacheNodeId, u32),
    FirstByte(Key),
    Done(Key),
    Answer(Key),
    FirstTokenTimeout(Key),
    TotalTimeout(Key),
    IdleCut(Key),
    ClientGone(Key),
    CancelCall(Key),
    ReplicaStarted(ReplicaId, u32),
    Watchdog(ReplicaId, u32),
    GatewayUp(GatewayId),
    FaultOn(u32),
    FaultOff(u32),
    FaultStep(u32, u32),
    ActionOrdered(u32),
    ActionEffect(u32, u32),
    ProbeGateways,
    ProbePool(PoolId),
    RefreshView(PoolId),
    Scrape,
    Autoscale(PoolId),
    Thermal,
    CacheControl,
    AgentBack(CacheNodeId, u32),
    Wire(Hop, u16, u32),
}

/// Kinds of timers that have lanes of their own.
const TIMER_KINDS: u8 = 8;
/// Owners of timers that are told apart.
const OWNERS: usize = 24;

impl Event {
    fn class(self) -> Class {
        use Event::*;
        match self {
            FaultOn(_) | FaultOff(_) | FaultStep(..) | ActionOrdered(_) | ActionEffect(..) => Class::Change,
            EngineWake(..) => Class::Engine,
            ProbeGateways | ProbePool(_) | RefreshView(_) | Scrape | Autoscale(_) | Thermal | CacheControl => {
                Class::Control
            }
            _ => Class::Request,
        }
    }

    fn timer_kind(self) -> u8 {
        use Event::*;
        match self {
            Patience(_) => 0,
            FirstTokenTimeout(_) => 1,
            TotalTimeout(_) => 2,
            IdleCut(_) => 3,
            CallTimeout(_) => 4,
            AuthTimeout(_) => 5,
            LoadTimeout(_) => 6,
            _ => TIMER_KINDS - 1,
        }
    }

    /// A number for the event hash: kind and subject.
    fn fingerprint(self) -> u64 {
        use Event::*;
        let (kind, subject) = match self {
            Arrival(s) => (1, s.0 as u64),
            ChatStart(s) => (2, s.0 as u64),
            ChatTurn(k) => (3, k.slot as u64),
            Patience(k) => (4, k.slot as u64),
            Send(k) => (5, k.slot as u64),
            AtGateway(k) => (6, k.slot as u64),
            Parsed(k) => (7, k.slot as u64),
            AskAuthStore(k) => (8, k.slot as u64),
            AuthAnswered(k) => (9, k.slot as u64),
            AuthTimeout(k) => (10, k.slot as u64),
            ImagesDone(k) => (11, k.slot as u64),
            AtReplica(k) => (12, k.slot as u64),
            Tokenized(k) => (13, k.slot as u64),
            CallTimeout(k) => (14, k.slot as u64),
            LoadTimeout(k) => (15, k.slot as u64),
            CallFailed(k) => (16, k.slot as u64),
            EngineWake(r, e) => (17, (r.0 as u64) << 32 | e as u64),
            HostLink(r, e) => (18, (r.0 as u64) << 32 | e as u64),
            CacheLink(n, e) => (19, (n.0 as u64) << 32 | e as u64),
            FirstByte(k) => (20, k.slot as u64),
            Done(k) => (21, k.slot as u64),
            Answer(k) => (22, k.slot as u64),
            FirstTokenTimeout(k) => (23, k.slot as u64),
            TotalTimeout(k) => (24, k.slot as u64),
            IdleCut(k) => (25, k.slot as u64),
            ClientGone(k) => (26, k.slot as u64),
            CancelCall(k) => (27, k.slot as u64),
            ReplicaStarted(r, e) => (28, (r.0 as u64) << 32 | e as u64),
            Watchdog(r, e) => (29, (r.0 as u64) << 32 | e as u64),
            GatewayUp(g) => (30, g.0 as u64),
            FaultOn(i) => (31, i as u64),
            FaultOff(i) => (32, i as u64),
            FaultStep(i, n) => (33, (i as u64) << 32 | n as u64),
            ActionOrdered(i) => (34, i as u64),
            ActionEffect(i, n) => (35, (i as u64) << 32 | n as u64),
            ProbeGateways => (36, 0),
            ProbePool(p) => (37, p.0 as u64),
            RefreshView(p) => (38, p.0 as u64),
            Scrape => (39, 0),
            Autoscale(p) => (40, p.0 as u64),
            Thermal => (41, 0),
            CacheControl => (42, 0),
            AgentBack(n, e) => (43, (n.0 as u64) << 32 | e as u64),
            Read(k) => (44, k.slot as u64),
            Wire(h, p, e) => (45, (h as u64) << 48 | (p as u64) << 32 | e as u64),
        };
        mix(kind, subject)
    }
}

impl World {
    /// Lets everything happen that is due up to and including `until`. Any chunking of time gives the same history.
    pub fn advance_to(&mut self, until: SimTime) {
        while let Some((at, event)) = self.queue.pop(until.min(self.horizon)) {
            self.now = at;
            self.event_hash = mix(self.event_hash ^ at.0, event.fingerprint());
            self.handle(event);
        }
        self.now = self.now.max(until.min(self.horizon));
        self.scrapes.deliver(&mut self.scraped, self.now);
    }

    /// Puts an event where it belongs, unless it would only come after the end.
    fn schedule(&mut self, at: SimTime, event: Event) {
        if self.horizon < at {
            return;
        }
        self.queue.push(at, event.class(), event);
    }

    /// As [`World::schedule`], for timers; those of one kind and owner (client program, source) run equally long.
    fn start_timer(&mut self, at: SimTime, event: Event, owner: usize) {
        if at <= self.horizon {
            let lane = event.timer_kind() + TIMER_KINDS * (owner % OWNERS) as u8;
            self.queue.push_in_lane(lane, at, event.class(), event);
        }
    }

    fn handle(&mut self, event: Event) {
        use Event::*;
        match event {
            Arrival(source) => self.on_arrival(source),
            ChatStart(source) => self.on_chat_start(source),
            ChatTurn(session) => self.on_chat_turn(session),
            Patience(intent) => self.on_patience(intent),
            Send(intent) => self.send_attempt(intent),
            FirstByte(attempt) => self.on_first_byte(attempt),
            Done(attempt) => self.on_done(attempt),
            Answer(attempt) => self.on_answer(attempt),
            FirstTokenTimeout(attempt) => self.on_first_token_timeout(attempt),
            TotalTimeout(attempt) => self.on_total_timeout(attempt),
            IdleCut(attempt) => self.on_idle_cut(attempt),

            AtGateway(attempt) => self.on_at_gateway(attempt),
            Wire(hop, path, epoch) => self.on_wire(hop, path, epoch),
            Read(attempt) => self.on_read(attempt),
            Parsed(attempt) => self.on_parsed(attempt),
            AskAuthStore(attempt) => self.ask_auth_store(attempt),
            AuthAnswered(attempt) => self.on_auth_answered(attempt),
            AuthTimeout(attempt) => self.on_auth_timeout(attempt),
            ImagesDone(attempt) => self.on_images_done(attempt),
            CallTimeout(call) => self.on_call_timeout(call),
            CallFailed(call) => self.on_call_failed(call),
            ClientGone(attempt) => self.on_client_gone(attempt),
            GatewayUp(gateway) => self.on_gateway_up(gateway),

            AtReplica(call) => self.on_at_replica(call),
            Tokenized(call) => self.on_tokenized(call),
            LoadTimeout(call) => self.on_load_timeout(call),
            CancelCall(call) => self.on_cancel_call(call),
            EngineWake(replica, epoch) => self.on_engine_wake(replica, epoch),
            HostLink(replica, epoch) => self.on_host_link(replica, epoch),
            ReplicaStarted(replica, epoch) => self.on_replica_started(replica, epoch),
            Watchdog(replica, epoch) => self.on_watchdog(replica, epoch),

            CacheLink(node, epoch) => self.on_cache_link(node, epoch),
            CacheControl => self.on_cache_control(),
            AgentBack(node, epoch) => self.on_agent_back(node, epoch),

            FaultOn(index) => self.on_fault(index as usize),
            FaultOff(index) => self.on_fault_end(index as usize),
            FaultStep(index, step) => self.on_fault_step(index as usize, step),
            ActionOrdered(index) => self.on_action(index as usize),
            ActionEffect(index, step) => self.on_action_effect(index as usize, step),

            ProbeGateways => self.on_probe_gateways(),
            ProbePool(pool) => self.on_probe_pool(pool),
            RefreshView(pool) => self.on_refresh_view(pool),
            Scrape => self.on_scrape(),
            Autoscale(pool) => self.on_autoscale(pool),
            Thermal => self.on_thermal(),
        }
    }
}
