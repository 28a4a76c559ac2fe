//! Faults and actions: both change the state of one component, and what follows is up to the world.

use serde::{Deserialize, Serialize};

use crate::metrics::promql::Query;
use crate::sim::connection::{Certificate, ConnectionRules};
use crate::sim::ids::{AccountId, GatewayId, PoolId, ReplicaId};
use crate::sim::rate_limit::RetryBudget;
use crate::sim::rng::mix;
use crate::sim::spec::action::Action;
use crate::sim::spec::fault::{Fault, Hop};
use crate::sim::spec::stack::LimitSpec;
use crate::sim::spec::{SpecError, TimedAction, TimedFault};
use crate::sim::time::SimDuration;
use crate::sim::workload::Tier;
use crate::sim::world::control::health_rules;
use crate::sim::world::fact::{What, Why};
use crate::sim::world::state::{Flag, Life};
use crate::sim::world::{Event, World};

/// From an order to its effect, for what is a change of configuration.
const CONFIG_DELAY: SimDuration = SimDuration::from_secs(20);
/// From one restart to the next when many are restarted in turn.
const RESTART_EVERY: SimDuration = SimDuration::from_secs(30);
/// Time to copy one node's contents back, or to bring its old disks into the ring.
const RESTORE_DELAY: SimDuration = SimDuration::from_secs(60);
/// Parts in which a release that takes its time reaches its hosts.
const RELEASE_PARTS: u32 = 20;
/// The step after its last.
const RELEASE_END: usize = RELEASE_PARTS as usize + 1;
/// No limit on tokens, for limits that speak of requests only.
const ANY_TOKENS: f64 = 1e9;

/// What puts things back as they were before a fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Remedy {
    /// The same kind of change, with the values from before.
    Change(Fault),
    /// The shard answers again, empty.
    AuthShard(u16),
    /// The certificate is renewed.
    Certificate(Hop),
    /// The name points where it should.
    Name,
    /// The replica answers as it should.
    FailFast(ReplicaId),
    /// The rank goes on where it stopped.
    Hang(ReplicaId),
    /// The node answers again, empty.
    CacheNode(u16),
    /// Replicas that start share one seed again.
    KeySeed(PoolId),
    /// Cordoned machines come back.
    Machines(PoolId),
    /// The exporter answers again.
    Exporter(String, Option<String>),
    /// Entries live as long as before.
    CacheTtl(Option<SimDuration>),
}

/// What a fault replaced, so that its end can put it back; what was done once (a flush, a crash) cannot be undone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Undo(Vec<Remedy>);

impl World {
    fn pool_id(&self, name: &str) -> PoolId {
        let index = self.pools.iter().position(|p| p.spec.name == name);
        PoolId(index.expect("names were checked when the world was built") as u8)
    }

    fn member(&self, pool: PoolId, place: u16) -> Option<ReplicaId> {
        self.pools[pool.index()].members.get(place as usize).copied()
    }

    fn members(&self, pool: PoolId, place: Option<u16>) -> Vec<ReplicaId> {
        match place {
            Some(place) => self.member(pool, place).into_iter().collect(),
            None => self.pools[pool.index()].members.clone(),
        }
    }

    /// A replica that is not gone, by its place.
    fn present(&self, pool: PoolId, name: &str, place: u16) -> Result<ReplicaId, SpecError> {
        let is_there = |id: &ReplicaId| self.replicas[id.index()].life != Life::Gone;
        self.member(pool, place).filter(is_there).ok_or_else(|| {
            let members = self.members(pool, None).into_iter().filter(is_there);
            let there: Vec<String> = members.map(|id| self.replicas[id.index()].place.to_string()).collect();
            SpecError::new("replica", format!("{name} has no replica {place} now; it has {}", there.join(", ")))
        })
    }

    /// Something breaks that was not in the plan; not before now.
    pub fn inject(&mut self, fault: TimedFault) {
        let index = self.faults.len() as u32;
        self.schedule(fault.at.max(self.now), Event::FaultOn(index));
        if let Some(until) = fault.until {
            self.schedule(until.max(self.now), Event::FaultOff(index));
        }
        self.faults.push(fault);
        self.undo.push(Undo::default());
        self.stopped.push(false);
    }

    pub(super) fn on_fault(&mut self, index: usize) {
        self.fact(What::FaultBegan(index));
        let fault = self.faults[index].fault.clone();
        let undo = self.apply_fault(index, &fault);
        self.undo[index] = undo;
    }

    pub(super) fn on_fault_end(&mut self, index: usize) {
        self.fact(What::FaultEnded(index));
        self.undo_fault(index);
    }

    fn undo_fault(&mut self, index: usize) {
        self.stopped[index] = true;
        for remedy in std::mem::take(&mut self.undo[index]).0 {
            self.remedy(index, remedy);
        }
    }

    fn remedy(&mut self, index: usize, remedy: Remedy) {
        let now = self.now;
        match remedy {
            Remedy::Change(fault) => {
                self.apply_fault(index, &fault);
            }
            Remedy::AuthShard(shard) => self.restore_auth_shard(shard),
            Remedy::Certificate(Hop::Edge) => self.network.pool.set_certificate(None),
            Remedy::Certificate(Hop::Serving) => self.set_serving_certificate(None),
            Remedy::Name => self.network.name_right_since = Some(now),
            Remedy::FailFast(replica) => self.replicas[replica.index()].fail_fast = false,
            Remedy::Hang(replica) => {
                let state = &mut self.replicas[replica.index()];
                state.board.gpus.iter_mut().for_each(|gpu| gpu.hung = false);
                state.engine.set_hung(now, false);
                self.rewake(replica.index());
            }
            Remedy::CacheNode(node) => {
                if let Some(cache) = &mut self.cache {
                    cache.tier.return_node(usize::from(node));
                }
            }
            Remedy::KeySeed(pool) => {
                self.pools[pool.index()].key_seed_lost = false;
                for replica in self.members(pool, None) {
                    self.replicas[replica.index()].key_seed = 0;
                }
            }
            Remedy::Machines(pool) => self.uncordon(pool),
            Remedy::Exporter(job, pod) => self.scrapes.down.retain(|down| *down != (job.clone(), pod.clone())),
            Remedy::CacheTtl(ttl) => {
                if let Some(cache) = &mut self.cache {
                    cache.tier.set_ttl(ttl);
                }
            }
        }
    }

    fn set_serving_certificate(&mut self, certificate: Option<Certificate>) {
        self.gateways.iter_mut().for_each(|gateway| gateway.upstream.set_certificate(certificate));
    }

    fn restore_auth_shard(&mut self, shard: u16) {
        self.api.auth.drop_shard(usize::from(shard)); // what takes over is empty
        self.api.auth.set_shard_down(usize::from(shard), false);
    }

    /// Makes it so, and returns what would make it as it was.
    fn apply_fault(&mut self, index: usize, fault: &Fault) -> Undo {
        let now = self.now;
        let mut undo = Vec::new();
        match fault {
            Fault::ClientRelease { client, policy, share, over_s } => {
                let Some(client_state) = self.clients.iter_mut().find(|c| c.name == *client) else {
                    return Undo::default();
                };
                undo.push(Remedy::Change(Fault::ClientRelease {
                    client: client.clone(),
                    policy: client_state.new.clone(),
                    share: 0.0,
                    over_s: SimDuration::ZERO,
                }));
                client_state.new = policy.clone();
                if client_state.old.retry_budget != policy.retry_budget {
                    client_state.budget = policy.retry_budget.map(RetryBudget::new);
                }
                if *over_s == SimDuration::ZERO {
                    client_state.release_to(*share);
                } else {
                    self.step_rollout(index, 1, SimDuration(over_s.0 / u64::from(RELEASE_PARTS)), RELEASE_END);
                }
            }
            Fault::LinkLoss { hop, loss, path } => {
                let ways = match hop {
                    Hop::Edge => &mut self.network.edge,
                    Hop::Serving => &mut self.network.serving,
                };
                undo.push(Remedy::Change(Fault::LinkLoss { hop: *hop, loss: 0.0, path: *path }));
                for way in (0..ways.count()).filter(|w| path.is_none_or(|p| usize::from(p) == *w)) {
                    ways.set_loss(way, *loss);
                }
            }
            Fault::LinkLatency { hop, added_s } => {
                let added = *added_s;
                let extra = &mut self.network.added_latency[*hop as usize];
                undo.push(Remedy::Change(Fault::LinkLatency { hop: *hop, added_s: *extra }));
                *extra = added;
            }
            Fault::LinkCapacity { hop, gb_per_s } => {
                let before = self.set_capacity(*hop, *gb_per_s);
                undo.push(Remedy::Change(Fault::LinkCapacity { hop: *hop, gb_per_s: before }));
            }
            Fault::NameRecordWrong => {
                undo.push(Remedy::Name);
                (self.network.name_wrong_since, self.network.name_right_since) = (Some(now), None);
            }
            Fault::CertificateExpires { hop: Hop::Edge } => {
                undo.push(Remedy::Certificate(Hop::Edge));
                self.network.pool.set_certificate(Some(Certificate { not_after: now }));
            }
            Fault::CertificateExpires { hop: Hop::Serving } => {
                undo.push(Remedy::Certificate(Hop::Serving));
                self.set_serving_certificate(Some(Certificate { not_after: now }));
            }
            Fault::IdleTimeout { timeout_s, keepalive } => {
                let before = (self.network.idle_timeout, self.network.keepalive);
                undo.push(Remedy::Change(Fault::IdleTimeout { timeout_s: before.0, keepalive: before.1 }));
                (self.network.idle_timeout, self.network.keepalive) = (*timeout_s, *keepalive);
            }
            Fault::ConnectionRules { max_age_s, balance } => {
                let rules = *self.network.pool.rules();
                let before = rules.max_age.unwrap_or(SimDuration::FOREVER);
                undo.push(Remedy::Change(Fault::ConnectionRules { max_age_s: before, balance: self.network.balance }));
                self.network.balance = *balance;
                self.network.pool.set_rules(now, ConnectionRules { max_age: Some(*max_age_s), ..rules });
            }
            Fault::AuthShardDown { shard } => {
                undo.push(Remedy::AuthShard(*shard));
                self.api.auth.set_shard_down(usize::from(*shard), true);
            }
            Fault::AuthStoreSlow { factor } => {
                undo.push(Remedy::Change(Fault::AuthStoreSlow { factor: self.api.store_factor }));
                self.api.store_factor = *factor;
            }
            Fault::ImageDecoder { decoder_table, limit_checked_first, limit } => {
                let images = &mut self.api_spec.images;
                undo.push(Remedy::Change(Fault::ImageDecoder {
                    decoder_table: images.decoder_table,
                    limit_checked_first: images.limit_checked_first,
                    limit: images.limit,
                }));
                images.decoder_table = *decoder_table;
                images.limit_checked_first = *limit_checked_first;
                images.limit = *limit;
            }
            Fault::BadFlag { flag, share, language } => {
                self.api.flags.retain(|on| on.name != *flag);
                if 0.0 < *share {
                    undo.push(Remedy::Change(Fault::BadFlag { flag: flag.clone(), share: 0.0, language: None }));
                    self.api.flags.push(Flag { name: flag.clone(), share: *share, language: language.clone() });
                }
            }
            Fault::GatewayLoop { per_request_s, us_per_token } => {
                let spec = &mut self.api_spec;
                let (per_request_s, us_per_token) = (*per_request_s, *us_per_token);
                undo.push(Remedy::Change(Fault::GatewayLoop {
                    per_request_s: std::mem::replace(&mut spec.loop_s, per_request_s),
                    us_per_token: std::mem::replace(&mut spec.loop_us_per_token, us_per_token),
                }));
            }
            Fault::GatewayWorkers { workers } => {
                undo.push(Remedy::Change(Fault::GatewayWorkers { workers: self.api_spec.workers }));
                self.api_spec.workers = *workers;
                for gateway in 0..self.gateways.len() {
                    self.set_workers(gateway, *workers);
                }
            }
            Fault::GatewayMemory { limit_mib, per_request_mib, per_streamed_token_kib } => {
                let spec = &mut self.api_spec;
                undo.push(Remedy::Change(Fault::GatewayMemory {
                    limit_mib: spec.memory_limit_mib,
                    per_request_mib: spec.memory_per_request_mib,
                    per_streamed_token_kib: spec.memory_per_streamed_token_kib,
                }));
                spec.memory_limit_mib = *limit_mib;
                spec.memory_per_request_mib = *per_request_mib;
                spec.memory_per_streamed_token_kib = *per_streamed_token_kib;
            }
            Fault::RateLimit { tier, requests_per_min, tokens_per_min } => {
                let before = self.api_spec.limits.iter().rev().find(|l| l.tier == *tier);
                undo.push(Remedy::Change(match before {
                    Some(l) => Fault::RateLimit {
                        tier: *tier,
                        requests_per_min: l.requests_per_min,
                        tokens_per_min: l.tokens_per_min,
                    },
                    None => Fault::RateLimit { tier: *tier, requests_per_min: 1e9, tokens_per_min: 1e9 },
                }));
                self.set_limit(*tier, *requests_per_min, *tokens_per_min);
            }
            Fault::GatewayRetries { retries, per_try_timeout_s, budget } => {
                let retry = &mut self.api_spec.retry;
                undo.push(Remedy::Change(Fault::GatewayRetries {
                    retries: retry.retries,
                    per_try_timeout_s: retry.per_try_timeout_s,
                    budget: retry.budget,
                }));
                (retry.retries, retry.per_try_timeout_s, retry.budget) = (*retries, *per_try_timeout_s, *budget);
            }
            Fault::CancellationLost { client_to_gateway, gateway_to_engine } => {
                let hops = &mut self.api_spec.cancellation;
                undo.push(Remedy::Change(Fault::CancellationLost {
                    client_to_gateway: !hops.client_to_gateway,
                    gateway_to_engine: !hops.gateway_to_engine,
                }));
                hops.client_to_gateway = !client_to_gateway;
                hops.gateway_to_engine = !gateway_to_engine;
            }
            Fault::Cooling { inlet_c } => {
                undo.push(Remedy::Change(Fault::Cooling { inlet_c: self.facility.inlet_c }));
                self.facility.inlet_c = *inlet_c;
            }
            Fault::MetricLabelRenamed { from, to } => {
                undo.push(Remedy::Change(Fault::MetricLabelRenamed { from: to.clone(), to: from.clone() }));
                self.rename_scraped_label(from, to);
            }
            Fault::ExporterDown { job, pod } => {
                undo.push(Remedy::Exporter(job.clone(), pod.clone()));
                self.scrapes.down.push((job.clone(), pod.clone()));
            }
            Fault::ScrapesLost { job, share } => {
                let lost = &mut self.scrapes.lost;
                let before = lost.iter().find(|(of, _)| of == job).map_or(0.0, |(_, share)| *share);
                undo.push(Remedy::Change(Fault::ScrapesLost { job: job.clone(), share: before }));
                lost.retain(|(of, _)| of != job);
                lost.push((job.clone(), *share));
            }
            Fault::ScrapeLag { lag_s } => {
                undo.push(Remedy::Change(Fault::ScrapeLag { lag_s: self.scrapes.lag }));
                self.scrapes.lag = *lag_s;
            }
            Fault::GatewayRollout { every_s } => self.step_rollout(index, 0, *every_s, self.gateways.len()),
            Fault::Benign { .. } => {}
            cache @ (Fault::CacheFlush
            | Fault::CacheValidation { .. }
            | Fault::CacheAgentRoll { .. }
            | Fault::CacheGrace { .. }
            | Fault::CacheNodeDown { .. }
            | Fault::CacheBandwidth { .. }
            | Fault::CacheTtl { .. }) => self.apply_cache_fault(index, cache, &mut undo),
            serving => self.apply_serving_fault(index, serving, &mut undo),
        }
        Undo(undo)
    }

    fn apply_cache_fault(&mut self, index: usize, fault: &Fault, undo: &mut Vec<Remedy>) {
        let Some(cache) = &mut self.cache else { return };
        match fault {
            Fault::CacheFlush => cache.tier.flush(),
            Fault::CacheValidation { invalid } => {
                undo.push(Remedy::Change(Fault::CacheValidation { invalid: cache.invalid }));
                cache.invalid = *invalid;
            }
            Fault::CacheGrace { grace_s } => {
                undo.push(Remedy::Change(Fault::CacheGrace { grace_s: cache.grace }));
                cache.grace = *grace_s;
            }
            Fault::CacheNodeDown { node } => {
                undo.push(Remedy::CacheNode(*node));
                cache.tier.lose_node(usize::from(*node));
            }
            Fault::CacheTtl { ttl_s } => {
                undo.push(Remedy::CacheTtl(cache.spec.ttl_s));
                cache.tier.set_ttl(Some(*ttl_s));
            }
            Fault::CacheBandwidth { share } => {
                undo.push(Remedy::Change(Fault::CacheBandwidth { share: cache.bandwidth }));
                self.set_cache_bandwidth(*share);
            }
            Fault::CacheAgentRoll { every_s, share, .. } => {
                let nodes = (cache.links.len() as f64 * share).round() as usize;
                self.step_rollout(index, 0, *every_s, nodes);
            }
            _ => {}
        }
    }

    fn apply_serving_fault(&mut self, index: usize, fault: &Fault, undo: &mut Vec<Remedy>) {
        let now = self.now;
        match fault {
            Fault::Router { pool, policy } => {
                let id = self.pool_id(pool);
                let router = &mut self.pools[id.index()].router;
                undo.push(Remedy::Change(Fault::Router { pool: pool.clone(), policy: router.policy() }));
                router.set_policy(*policy);
            }
            Fault::RouterViewStale { pool, interval_s } => {
                let id = self.pool_id(pool);
                let spec = &mut self.pools[id.index()].spec.router;
                undo.push(Remedy::Change(Fault::RouterViewStale {
                    pool: pool.clone(),
                    interval_s: spec.view_interval_s,
                }));
                spec.view_interval_s = *interval_s;
            }
            Fault::FailFast { pool, replica } => {
                if let Some(id) = self.member(self.pool_id(pool), *replica) {
                    undo.push(Remedy::FailFast(id));
                    self.replicas[id.index()].fail_fast = true;
                }
            }
            Fault::ReplicaCrash { pool, replica } => {
                if let Some(id) = self.member(self.pool_id(pool), *replica) {
                    self.stop_replica(id, Why::Crashed, true);
                }
            }
            Fault::ReplicasRemoved { pool, count } => {
                let id = self.pool_id(pool);
                undo.push(Remedy::Machines(id));
                self.cordon(id, *count);
            }
            Fault::EngineBatching { pool, max_num_batched_tokens } => {
                let id = self.pool_id(pool);
                let spec = &mut self.pools[id.index()].spec;
                undo.push(Remedy::Change(Fault::EngineBatching {
                    pool: pool.clone(),
                    max_num_batched_tokens: spec.max_num_batched_tokens,
                }));
                spec.max_num_batched_tokens = *max_num_batched_tokens;
                for replica in self.members(id, None) {
                    self.replicas[replica.index()].engine.set_token_budget(now, *max_num_batched_tokens);
                    self.rewake(replica.index());
                }
            }
            Fault::CacheBlocks { pool, kv_blocks } => {
                let id = self.pool_id(pool);
                let spec = &mut self.pools[id.index()].spec;
                undo.push(Remedy::Change(Fault::CacheBlocks { pool: pool.clone(), kv_blocks: spec.kv_blocks }));
                spec.kv_blocks = *kv_blocks;
                for replica in self.members(id, None) {
                    self.replicas[replica.index()].engine.set_kv_blocks(now, *kv_blocks);
                    self.rewake(replica.index());
                }
            }
            Fault::LongerAnswers { pool, factor } => {
                let id = self.pool_id(pool);
                undo.push(Remedy::Change(Fault::LongerAnswers {
                    pool: pool.clone(),
                    factor: self.pools[id.index()].answer_factor,
                }));
                self.pools[id.index()].answer_factor = *factor;
            }
            Fault::AbortRule { pool, keep } => {
                let id = self.pool_id(pool);
                undo.push(Remedy::Change(Fault::AbortRule { pool: pool.clone(), keep: !keep }));
                self.pools[id.index()].spec.keep_aborted_prefill = *keep;
                for replica in self.members(id, None) {
                    self.replicas[replica.index()].engine.set_keep_aborted(*keep);
                }
            }
            Fault::HostStall { pool, replica, added_s } => {
                let id = self.pool_id(pool);
                undo.push(Remedy::Change(Fault::HostStall {
                    pool: pool.clone(),
                    replica: *replica,
                    added_s: SimDuration::ZERO,
                }));
                self.on_boards(id, *replica, |board| board.host_stall = *added_s);
            }
            Fault::HostMemoryLeak { pool, replica, mib_per_request } => {
                let id = self.pool_id(pool);
                undo.push(Remedy::Change(Fault::HostMemoryLeak {
                    pool: pool.clone(),
                    replica: *replica,
                    mib_per_request: 0.0,
                }));
                for member in self.members(id, *replica) {
                    self.replicas[member.index()].leak_mib = *mib_per_request;
                }
                if replica.is_none() {
                    self.pools[id.index()].leak_mib = *mib_per_request;
                }
            }
            Fault::TokenizerSlow { pool, factor } => {
                let id = self.pool_id(pool);
                let before = self.pools[id.index()].tokenizer_factor;
                undo.push(Remedy::Change(Fault::TokenizerSlow { pool: pool.clone(), factor: before }));
                self.pools[id.index()].tokenizer_factor = *factor;
            }
            Fault::GpuClock { pool, replica, gpu, clock } => {
                let id = self.pool_id(pool);
                undo.push(Remedy::Change(Fault::GpuClock {
                    pool: pool.clone(),
                    replica: *replica,
                    gpu: *gpu,
                    clock: 1.0,
                }));
                self.on_boards(id, *replica, |board| {
                    for (rank, unit) in board.gpus.iter_mut().enumerate() {
                        if gpu.is_none_or(|g| g as usize == rank) {
                            unit.clock = *clock;
                        }
                    }
                });
            }
            Fault::GpuMemory { pool, replica, gpu, factor } => {
                let id = self.pool_id(pool);
                undo.push(Remedy::Change(Fault::GpuMemory {
                    pool: pool.clone(),
                    replica: *replica,
                    gpu: *gpu,
                    factor: 1.0,
                }));
                self.on_boards(id, Some(*replica), |board| {
                    if let Some(unit) = board.gpus.get_mut(*gpu as usize) {
                        unit.memory = *factor;
                    }
                });
            }
            Fault::GpuLink { pool, replica, bandwidth } => {
                let id = self.pool_id(pool);
                undo.push(Remedy::Change(Fault::GpuLink { pool: pool.clone(), replica: *replica, bandwidth: 1.0 }));
                self.on_boards(id, Some(*replica), |board| board.link = *bandwidth);
            }
            Fault::GpuHang { pool, replica, gpu, watchdog_s } => {
                let id = self.pool_id(pool);
                self.on_boards(id, Some(*replica), |board| {
                    if let Some(unit) = board.gpus.get_mut(*gpu as usize) {
                        unit.hung = true;
                    }
                });
                if let Some(replica) = self.member(id, *replica) {
                    undo.push(Remedy::Hang(replica));
                    let epoch = self.replicas[replica.index()].epoch;
                    self.replicas[replica.index()].engine.set_hung(now, true);
                    self.rewake(replica.index());
                    self.schedule(now + *watchdog_s, Event::Watchdog(replica, epoch));
                }
            }
            Fault::GpuLost { pool, replica, gpu } => {
                let id = self.pool_id(pool);
                self.on_boards(id, Some(*replica), |board| {
                    if let Some(unit) = board.gpus.get_mut(*gpu as usize) {
                        unit.xid = 79;
                    }
                });
                if let Some(replica) = self.member(id, *replica) {
                    self.stop_replica(replica, Why::GpuLost, false);
                    self.pools[id.index()].cordoned += 1;
                    let wanted = self.pools[id.index()].wanted;
                    self.scale_pool(id, wanted); // the orchestrator wants its replica back, on another machine
                }
            }
            Fault::CacheKeySeed { pool, at_once } => {
                let id = self.pool_id(pool);
                undo.push(Remedy::KeySeed(id));
                self.pools[id.index()].key_seed_lost = true;
                if *at_once {
                    for replica in self.members(id, None) {
                        self.draw_key_seed(replica);
                    }
                }
            }
            Fault::LoadFailurePolicy { pool, fail } => {
                let id = self.pool_id(pool);
                undo.push(Remedy::Change(Fault::LoadFailurePolicy { pool: pool.clone(), fail: !fail }));
                self.set_load_failure(id, *fail);
            }
            Fault::AutoscalerQuery { pool, query } => {
                let id = self.pool_id(pool);
                if let Some(scaler) = &mut self.pools[id.index()].autoscaler {
                    undo.push(Remedy::Change(Fault::AutoscalerQuery {
                        pool: pool.clone(),
                        query: scaler.spec.query.clone(),
                    }));
                    if let Ok(parsed) = Query::parse(query) {
                        (scaler.spec.query, scaler.query) = (query.clone(), parsed.clone());
                        self.scrape_for(&parsed);
                    }
                }
            }
            Fault::Probes { pool, threshold, deep } => {
                let id = self.pool_id(pool);
                let spec = &mut self.pools[id.index()].spec.router;
                undo.push(Remedy::Change(Fault::Probes {
                    pool: pool.clone(),
                    threshold: spec.probe_threshold,
                    deep: spec.deep_probe,
                }));
                (spec.probe_threshold, spec.deep_probe) = (*threshold, *deep);
                let rules = health_rules(self.pools[id.index()].spec.router.probe_interval_s, *threshold);
                self.pools[id.index()].health.set_rules(now, rules);
            }
            Fault::ServingRollout { pool, every_s, share } => {
                let replicas = self.members(self.pool_id(pool), None).len();
                self.step_rollout(index, 0, *every_s, (replicas as f64 * share).round() as usize);
            }
            _ => {}
        }
    }

    /// Does one step of a rollout and arms the next.
    fn step_rollout(&mut self, index: usize, step: usize, every: SimDuration, steps: usize) {
        if steps <= step || self.stopped[index] || self.rollouts_frozen {
            return;
        }
        match self.faults[index].fault.clone() {
            Fault::CacheAgentRoll { silent_s, .. } => self.silence_agent(step, silent_s),
            Fault::ServingRollout { pool, .. } => {
                if let Some(replica) = self.member(self.pool_id(&pool), step as u16) {
                    self.stop_replica(replica, Why::Restarted, true);
                }
            }
            Fault::GatewayRollout { .. } => self.stop_gateway(GatewayId(step as u16)),
            Fault::ClientRelease { client, share, .. } => {
                if let Some(client) = self.clients.iter_mut().find(|c| c.name == client) {
                    client.release_to(share * step as f64 / f64::from(RELEASE_PARTS));
                }
            }
            _ => {}
        }
        self.schedule(self.now + every, Event::FaultStep(index as u32, step as u32 + 1));
    }

    pub(super) fn on_fault_step(&mut self, index: usize, step: u32) {
        let (every, steps) = match &self.faults[index].fault {
            Fault::CacheAgentRoll { every_s, share, .. } => {
                let nodes = self.cache.as_ref().map_or(0, |c| c.links.len());
                (*every_s, (nodes as f64 * share).round() as usize)
            }
            Fault::ServingRollout { pool, every_s, share } => {
                let replicas = self.members(self.pool_id(pool), None).len();
                (*every_s, (replicas as f64 * share).round() as usize)
            }
            Fault::GatewayRollout { every_s } => (*every_s, self.gateways.len()),
            Fault::ClientRelease { over_s, .. } => (SimDuration(over_s.0 / u64::from(RELEASE_PARTS)), RELEASE_END),
            _ => return,
        };
        self.step_rollout(index, step as usize, every, steps);
    }

    /// From an order to its (first) effect.
    fn delay_of(&self, action: &Action) -> SimDuration {
        match action {
            Action::Drain { .. } | Action::Scale { .. } | Action::Restart { .. } | Action::PauseAutoscaler => {
                SimDuration::from_secs(2)
            }
            Action::FlushCache | Action::FreezeRollouts | Action::PauseBatch => SimDuration::from_secs(5),
            Action::RestoreCacheMembers => RESTORE_DELAY,
            Action::WarmCache | Action::Uncordon { .. } => SimDuration::from_secs(30),
            Action::Cordon { .. } => SimDuration::from_secs(2),
            Action::Rollback { .. } | Action::RenewCertificates => SimDuration::from_secs(60),
            Action::ShiftTraffic { .. } => SimDuration::from_secs(60), // name records have to expire
            _ => CONFIG_DELAY,
        }
    }

    /// Orders an action now; its place in [`World::actions`]. It fits the stack (see
    /// [`crate::sim::spec::check::action_mistakes`]); what can only be known when it takes effect is refused then, as a
    /// fact.
    pub fn order(&mut self, action: Action) -> usize {
        self.actions.push(TimedAction { at: self.now, action });
        let index = self.actions.len() - 1;
        self.schedule(self.now, Event::ActionOrdered(index as u32));
        index
    }

    /// From the order of an action to its (first) effect.
    pub fn action_delay(&self, action: &Action) -> SimDuration {
        self.delay_of(action)
    }

    pub(super) fn on_action(&mut self, index: usize) {
        self.fact(What::ActionOrdered(index));
        // What is ordered is a part of the history, whatever comes of it.
        let words = format!("{:?}", self.actions[index].action);
        self.event_hash = words.bytes().fold(self.event_hash, |hash, byte| mix(hash, u64::from(byte)));
        let delay = self.delay_of(&self.actions[index].action);
        self.schedule(self.now + delay, Event::ActionEffect(index as u32, 0));
    }

    pub(super) fn on_action_effect(&mut self, index: usize, step: u32) {
        let action = self.actions[index].action.clone();
        match self.carry_out(index, &action, step) {
            Ok(()) if step == 0 => self.fact(What::ActionTookEffect(index)),
            Ok(()) => {}
            Err(error) => self.fact(What::ActionRefused(index, error.message)),
        }
    }

    fn carry_out(&mut self, index: usize, action: &Action, step: u32) -> Result<(), SpecError> {
        let now = self.now;
        match action {
            Action::Scale { pool, replicas } => {
                let id = self.pool_id(pool);
                self.scale_pool(id, *replicas);
            }
            Action::Drain { pool, replica } => {
                let id = self.pool_id(pool);
                let replica = self.present(id, pool, *replica)?;
                if let Some(state) = self.replicas[replica.index()].life.idle() {
                    return Err(SpecError::new("replica", format!("it {state}: there is nothing to drain")));
                }
                self.drain_replica(replica);
            }
            Action::Restart { pool, replica } => {
                let id = self.pool_id(pool);
                match replica {
                    Some(place) => {
                        let replica = self.present(id, pool, *place)?;
                        self.stop_replica(replica, Why::Restarted, true);
                    }
                    None => {
                        if let Some(replica) = self.member(id, step as u16) {
                            self.stop_replica(replica, Why::Restarted, true);
                            self.schedule(now + RESTART_EVERY, Event::ActionEffect(index as u32, step + 1));
                        }
                    }
                }
            }
            Action::RestartGateways => {
                if (step as usize) < self.gateways.len() {
                    self.stop_gateway(GatewayId(step as u16));
                    self.schedule(now + RESTART_EVERY, Event::ActionEffect(index as u32, step + 1));
                }
            }
            Action::FlushCache => {
                if let Some(cache) = &mut self.cache {
                    cache.tier.flush();
                }
            }
            Action::WarmCache => self.warm_shared_tier(),
            Action::RestoreCacheMembers => self.restore_cache_members(),
            Action::Shed { share } => self.api.shed = *share,
            Action::RateLimit { tier, requests_per_min } => {
                let all = [Tier::Free, Tier::Paid, Tier::Enterprise, Tier::Batch];
                for tier in all.into_iter().filter(|t| tier.is_none_or(|wanted| wanted == *t)) {
                    self.set_limit(tier, *requests_per_min, ANY_TOKENS);
                }
            }
            Action::RateLimitAccount { account, requests_per_min } => {
                self.api.account_limits.insert(AccountId(*account), *requests_per_min);
                self.api.buckets.retain(|(id, _), _| id.0 != *account);
            }
            Action::BlockAccount { account } => self.api.blocked_accounts.push(AccountId(*account)),
            Action::BlockCohort { cohort } => {
                let id = self.workload.cohort_id(cohort).ok_or_else(|| {
                    SpecError::unknown_name("block-cohort", "cohort", cohort, self.workload.cohort_names())
                })?;
                self.api.blocked_cohorts.push(id);
            }
            Action::Rollback { change } => {
                // What was before is put back, whether or not that changes anything.
                let found = (0..self.faults.len())
                    .filter(|i| self.faults[*i].at <= now && !self.stopped[*i])
                    .filter(|i| self.faults[*i].id == *change || i.to_string() == *change)
                    .collect::<Vec<_>>();
                found.into_iter().for_each(|i| self.undo_fault(i));
            }
            Action::FlagOff { flag } => self.api.flags.retain(|on| on.name != *flag),
            Action::FreezeRollouts => self.rollouts_frozen = true,
            Action::Router { pool, policy } => {
                let id = self.pool_id(pool);
                self.pools[id.index()].router.set_policy(*policy);
            }
            Action::UpstreamTimeout { timeout_s } => self.api_spec.upstream_timeout_s = *timeout_s,
            Action::RetryBudget { share } => self.api_spec.retry.budget = *share,
            Action::ShiftTraffic { share } => self.api.shifted = *share,
            Action::PauseBatch => self.api.batch_paused = true,
            Action::TakeBatchNodes { nodes } => {
                let taken = (*nodes).min(self.fleet.batch_nodes);
                self.fleet.batch_nodes -= taken;
                self.fleet.spare_nodes += taken;
                self.api.batch_paused = true;
                self.place_pending();
            }
            Action::FeatureOff { feature } if feature == "images" => self.api.images_off = true,
            Action::FeatureOff { .. } => {
                if let Some(cache) = &mut self.cache {
                    cache.off = true;
                }
            }
            Action::PauseAutoscaler => {
                for scaler in self.pools.iter_mut().filter_map(|p| p.autoscaler.as_mut()) {
                    scaler.paused = true;
                }
            }
            Action::RenewCertificates => {
                self.network.pool.set_certificate(None);
                self.set_serving_certificate(None);
            }
            Action::Cordon { pool, replica } => {
                let id = self.pool_id(pool);
                let replica = self.present(id, pool, *replica)?;
                self.replicas[replica.index()].cordoned = true;
            }
            Action::Uncordon { pool } => {
                let id = self.pool_id(pool);
                self.uncordon(id);
            }
            Action::FailOverAuthShard { shard } => self.restore_auth_shard(*shard),
        }
        Ok(())
    }

    fn set_limit(&mut self, tier: Tier, requests_per_min: f64, tokens_per_min: f64) {
        self.api_spec.limits.push(LimitSpec { tier, requests_per_min, tokens_per_min });
        self.api.buckets.retain(|(_, t), _| *t != tier as u8);
    }

    fn on_boards(
        &mut self,
        pool: PoolId,
        place: Option<u16>,
        mut change: impl FnMut(&mut crate::sim::serving::accelerator::Board),
    ) {
        let now = self.now;
        for id in self.members(pool, place) {
            let replica = &mut self.replicas[id.index()];
            change(&mut replica.board);
            let slowdown = replica.board.slowdown(&self.facility);
            replica.engine.set_slowdown(now, &slowdown);
            self.rewake(id.index());
        }
    }

    fn set_workers(&mut self, gateway: usize, workers: u32) {
        let started = self.gateways[gateway].workers.set_servers(self.now, workers);
        for key in started.into_iter().filter_map(|slot| self.attempts.key_at(slot)).collect::<Vec<_>>() {
            self.start_parsing(key);
        }
    }
}
