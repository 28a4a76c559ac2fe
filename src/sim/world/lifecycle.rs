//! How replicas come and go: machines, cold starts, drains, crashes, cordons.

use std::collections::VecDeque;

use crate::sim::client::Outcome;
use crate::sim::ids::{PoolId, ReplicaId};
use crate::sim::link::SharedLink;
use crate::sim::rng::{Purpose, Stream, mix};
use crate::sim::serving::accelerator::Board;
use crate::sim::serving::engine::{Engine, EngineConfig, EngineCounts};
use crate::sim::slab::Key;
use crate::sim::spec::stack::LoadFailure;
use crate::sim::station::Station;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::fact::{What, Why};
use crate::sim::world::recording::Reason;
use crate::sim::world::request_times::RequestTimes;
use crate::sim::world::state::{CallStage, Life, Replica};
use crate::sim::world::{Event, World};

/// Time to set up a transfer from host memory (pinned buffers, one DMA).
const HOST_SETUP: SimDuration = SimDuration::from_micros(200);

impl World {
    /// A new replica of a pool, without a machine yet.
    pub(super) fn add_replica(&mut self, pool: PoolId) -> ReplicaId {
        let id = ReplicaId(self.replicas.len() as u16);
        let state = &mut self.pools[pool.index()];
        let spec = &state.spec;
        let config = EngineConfig {
            cost: state.step_cost,
            kv_blocks: spec.kv_blocks,
            block_tokens: spec.block_tokens,
            host_blocks: spec.host_blocks,
            max_num_seqs: spec.max_num_seqs,
            max_num_batched_tokens: spec.max_num_batched_tokens,
            keep_aborted: spec.keep_aborted_prefill,
            fail_on_load_failure: spec.load_failure == LoadFailure::Fail,
            stepwise: false,
        };
        let place = state.members.len();
        state.members.push(id);
        self.replicas.push(Replica {
            pool,
            place,
            life: Life::Pending,
            epoch: 0,
            engine: Engine::new(config),
            tokenizer: Station::new(spec.tokenizer_threads, None),
            board: Board::new(spec.gpus, u64::from(id.0) + 1, &self.facility),
            host_link: SharedLink::new((spec.host_gb_per_s * 1e9) as u64, HOST_SETUP),
            host_link_epoch: 0,
            wake_at: None,
            wake_epoch: 0,
            fail_fast: false,
            key_seed: 0,
            has_node: false,
            cordoned: false,
            node_since: SimTime::ZERO,
            process_since: SimTime::ZERO,
            restarts: 0,
            last_end: None,
            counts_before: EngineCounts::default(),
            request_times: RequestTimes::new(spec.context_window()),
            calls: 0,
            leak_mib: state.leak_mib,
            leaked_mib: 0.0,
            recent: VecDeque::new(),
        });
        self.observe_what_is_wanted();
        id
    }

    /// A replica serves from now on.
    pub(super) fn bring_up(&mut self, id: ReplicaId) {
        self.replicas[id.index()].life = Life::Up;
        self.replicas[id.index()].process_since = self.now;
        if self.pools[self.replicas[id.index()].pool.index()].key_seed_lost {
            self.draw_key_seed(id);
        }
        self.rewake(id.index());
    }

    /// A replica picks a key seed of its own, so that it shares no more with the others.
    pub(super) fn draw_key_seed(&mut self, id: ReplicaId) {
        let replica = &mut self.replicas[id.index()];
        replica.key_seed = mix(self.seed, mix(u64::from(id.0) + 1, u64::from(replica.epoch) + 1));
    }

    /// Starts a replica on a machine, or leaves it waiting for one.
    fn start_replica(&mut self, id: ReplicaId) {
        let now = self.now;
        let pool = self.replicas[id.index()].pool;
        if !self.replicas[id.index()].has_node {
            if self.fleet.spare_nodes == 0 {
                self.replicas[id.index()].life = Life::Pending;
                self.fact(What::ReplicaPending(pool, id));
                return;
            }
            self.fleet.spare_nodes -= 1;
            let replica = &mut self.replicas[id.index()];
            replica.has_node = true;
            replica.node_since = now;
        }
        self.fact(What::ReplicaStarting(pool, id));
        let replica = &mut self.replicas[id.index()];
        replica.life = Life::Starting;
        let epoch = replica.epoch;
        let mut stream = Stream::new(self.seed, u64::from(id.0), Purpose::Startup, u64::from(epoch));
        let spread = stream.log_normal(1.0, self.fleet.spread);
        let after = (self.fleet.schedule_s + self.fleet.load_weights_s).mul_f64(spread);
        self.schedule(now + after, Event::ReplicaStarted(id, epoch));
    }

    pub(super) fn on_replica_started(&mut self, id: ReplicaId, epoch: u32) {
        let replica = &self.replicas[id.index()];
        if replica.epoch != epoch || replica.life != Life::Starting {
            return;
        }
        let (pool, place) = (replica.pool, replica.place as u32);
        self.fact(What::ReplicaReady(pool, id));
        self.bring_up(id);
        self.pools[pool.index()].health.add(self.now, place, false); // probes decide when it is believed
    }

    /// Replicas waiting for a machine take those that have become free, in order.
    pub(super) fn place_pending(&mut self) {
        for index in 0..self.replicas.len() {
            if self.replicas[index].life == Life::Pending && 0 < self.fleet.spare_nodes {
                self.start_replica(ReplicaId(index as u16));
            }
        }
    }

    /// Sets the number of replicas that a pool should have.
    pub(super) fn scale_pool(&mut self, id: PoolId, wanted: u16) {
        self.pools[id.index()].wanted = wanted;
        let alive: Vec<ReplicaId> = (self.pools[id.index()].members.iter().copied())
            .filter(|r| !matches!(self.replicas[r.index()].life, Life::Gone | Life::Draining))
            .collect();
        for _ in alive.len()..usize::from(wanted) {
            let replica = self.add_replica(id);
            self.start_replica(replica);
        }
        // The youngest go first, those that wait for a machine before all.
        let mut leaving = alive.clone();
        leaving.sort_by_key(|r| (self.replicas[r.index()].life == Life::Up, std::cmp::Reverse(r.0)));
        for replica in leaving.into_iter().take(alive.len().saturating_sub(usize::from(wanted))) {
            match self.replicas[replica.index()].life {
                Life::Up => self.drain_replica(replica),
                _ => self.remove_replica(replica),
            }
        }
    }

    /// A replica takes no more requests; it goes when it has finished what it has.
    pub(super) fn drain_replica(&mut self, id: ReplicaId) {
        let replica = &mut self.replicas[id.index()];
        if replica.life != Life::Up {
            return;
        }
        replica.life = Life::Draining;
        let (pool, place) = (replica.pool, replica.place);
        self.pools[pool.index()].router.set_ready(place, false);
        self.fact(What::Endpoint(pool, id, false));
        self.rewake(id.index());
        self.end_if_drained(id);
    }

    pub(super) fn end_if_drained(&mut self, id: ReplicaId) {
        let replica = &self.replicas[id.index()];
        if replica.life == Life::Draining && replica.calls == 0 {
            self.remove_replica(id);
        }
    }

    fn remove_replica(&mut self, id: ReplicaId) {
        let pool = self.replicas[id.index()].pool;
        self.lose_what_runs(id);
        let had_node = self.replicas[id.index()].has_node;
        self.release_node(id);
        let replica = &mut self.replicas[id.index()];
        replica.life = Life::Gone;
        replica.epoch += 1;
        self.fact(What::ReplicaDown(pool, id, Why::Removed));
        // One that was still waiting gives no machine back, and one that is cordoned is not used again.
        if had_node && self.replicas[id.index()].cordoned {
            self.pools[pool.index()].cordoned += 1;
        } else {
            self.fleet.spare_nodes += u16::from(had_node);
        }
        self.rewake(id.index());
        self.place_pending();
    }

    fn release_node(&mut self, id: ReplicaId) {
        let now = self.now;
        let replica = &mut self.replicas[id.index()];
        if std::mem::take(&mut replica.has_node) {
            let since = replica.node_since.max(self.open_at);
            let gpus = f64::from(self.pools[replica.pool.index()].spec.gpus);
            self.cost.gpu_hours += now.since(since).as_secs_f64() / 3600.0 * gpus;
        }
    }

    /// A replica's process ends: what ran in it fails, its caches are gone. It starts anew if `again`, else its machine
    /// is out of service.
    pub(super) fn stop_replica(&mut self, id: ReplicaId, why: Why, again: bool) {
        let pool = self.replicas[id.index()].pool;
        if !matches!(self.replicas[id.index()].life, Life::Up | Life::Draining) {
            return;
        }
        self.cost.restarts += 1;
        self.fact(What::ReplicaDown(pool, id, why));
        self.lose_what_runs(id);
        let replica = &mut self.replicas[id.index()];
        replica.epoch += 1;
        replica.fail_fast = false;
        replica.restarts += u32::from(again);
        replica.last_end = Some(why);
        replica.life = Life::Gone;
        if again {
            replica.board.restart();
            let slowdown = replica.board.slowdown(&self.facility);
            replica.engine.set_slowdown(self.now, &slowdown);
            self.start_replica(id);
        } else {
            replica.cordoned = true; // its boards stay as they are, for whoever repairs them
            self.release_node(id);
        }
        self.rewake(id.index());
    }

    /// Every call inside a replica fails; its engine and its line begin anew.
    fn lose_what_runs(&mut self, id: ReplicaId) {
        let now = self.now;
        let inside: Vec<Key> =
            self.calls.iter().filter(|(_, c)| c.entered && c.replica == id).map(|(key, _)| key).collect();
        for key in &inside {
            self.cancel_flows(*key);
        }
        for gateway in &mut self.gateways {
            gateway.upstream.backend_gone(now, u32::from(id.0));
        }
        let replica = &mut self.replicas[id.index()];
        for key in &inside {
            replica.tokenizer.abandon(now, key.slot);
        }
        replica.engine.reset(now);
        replica.counts_before = replica.engine.counts_at(now);
        replica.request_times = RequestTimes::new(self.pools[replica.pool.index()].spec.context_window());
        replica.recent.clear();
        replica.leaked_mib = 0.0;
        for key in inside {
            let begun = self.calls.get(key).is_some_and(|c| c.first_token_sent);
            let orphan = self.calls.get(key).is_some_and(|c| c.attempt.is_none());
            if orphan {
                self.end_call(key, false);
            } else if self.calls.get(key).is_some_and(|c| c.stage != CallStage::Failing) {
                let outcome = if begun { Outcome::StreamCut } else { Outcome::BadGateway };
                self.fail_call(key, outcome, Reason::ReplicaGone, SimDuration::ZERO);
            }
        }
    }

    /// A request leaves its share of memory behind. True if that was too much, and the kernel killed the process.
    pub(super) fn leave_memory_behind(&mut self, id: ReplicaId) -> bool {
        let replica = &mut self.replicas[id.index()];
        replica.leaked_mib += replica.leak_mib;
        let killed = self.pools[replica.pool.index()].spec.host_limit_gib * 1024.0 < self.host_memory_mib(id);
        if killed {
            self.stop_replica(id, Why::OutOfMemory, true);
        }
        killed
    }

    /// Memory of a replica's processes now, in MiB.
    pub(super) fn host_memory_mib(&self, id: ReplicaId) -> f64 {
        let replica = &self.replicas[id.index()];
        self.pools[replica.pool.index()].spec.host_memory_mib() + replica.leaked_mib
    }

    pub(super) fn on_watchdog(&mut self, id: ReplicaId, epoch: u32) {
        let replica = &self.replicas[id.index()];
        if replica.epoch == epoch && replica.board.is_hung() {
            self.stop_replica(id, Why::Watchdog, true);
        }
    }

    /// Machines of a pool are taken out of service, the last ones first.
    pub(super) fn cordon(&mut self, id: PoolId, count: u16) {
        let members: Vec<ReplicaId> = (self.pools[id.index()].members.iter().rev().copied())
            .filter(|r| self.replicas[r.index()].life == Life::Up)
            .take(usize::from(count))
            .collect();
        for replica in members {
            self.stop_replica(replica, Why::Removed, false);
            let pool = &mut self.pools[id.index()];
            pool.cordoned += 1;
            let place = self.replicas[replica.index()].place;
            pool.router.set_ready(place, false);
            pool.health.remove(self.now, place as u32);
        }
    }

    /// Cordoned machines come back as spares, and replicas start on them.
    pub(super) fn uncordon(&mut self, id: PoolId) {
        let back = std::mem::take(&mut self.pools[id.index()].cordoned);
        for replica in self.pools[id.index()].members.clone() {
            self.replicas[replica.index()].cordoned = false;
        }
        self.fleet.spare_nodes += back;
        let wanted = self.pools[id.index()].wanted;
        self.scale_pool(id, wanted);
        self.place_pending();
    }

    pub(super) fn set_load_failure(&mut self, id: PoolId, fail: bool) {
        let pool = &mut self.pools[id.index()];
        pool.spec.load_failure = if fail { LoadFailure::Fail } else { LoadFailure::Recompute };
        for replica in pool.members.clone() {
            self.replicas[replica.index()].engine.set_fail_on_load_failure(fail);
        }
    }

    /// What the replicas still hold of what they answered last goes to the shared tier.
    pub(super) fn warm_shared_tier(&mut self) {
        let now = self.now;
        let Some(cache) = self.cache.as_mut().filter(|c| !c.off) else { return };
        for replica in self.replicas.iter().filter(|r| r.life == Life::Up) {
            let block = self.pools[replica.pool.index()].spec.block_tokens;
            for recent in &replica.recent {
                let whole = recent.prompt.tokens() / block;
                if replica.engine.cache().matched_blocks(&recent.prompt, block) == whole {
                    let answer = replica.engine.cache().cached(recent.output_key) * block;
                    let answer = answer.min(recent.output_tokens);
                    cache.tier.store(now, replica.key_seed, &recent.prompt, answer, recent.output_key);
                }
            }
        }
    }

    /// Closes the books on machines that are still in use at the end.
    pub(super) fn count_gpu_hours(&mut self) {
        for index in 0..self.replicas.len() {
            self.release_node(ReplicaId(index as u16));
        }
    }
}
