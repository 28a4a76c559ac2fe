//! What control planes can say of the fleet at this moment: pods and endpoints, autoscalers, members of the cache tier,
//! boards, and the configuration in force. Each from its own view, which may be stale.

use crate::sim::ids::{AccountId, ReplicaId};
use crate::sim::spec::stack::{AutoscalerSpec, RouterPolicy};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::World;
use crate::sim::world::state::Life;

/// The fleet, as its control planes see it.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Pools in order.
    pub pools: Vec<PoolState>,
    /// Gateways in order.
    pub gateways: Vec<GatewayState>,
    /// The shared cache tier, if there is one.
    pub cache: Option<CacheState>,
    /// Machines that are free.
    pub spare_nodes: u16,
    /// Machines lent to batch work.
    pub batch_nodes: u16,
    /// Settings in force: service, setting, value.
    pub settings: Vec<(&'static str, String, String)>,
}

/// A pool of replicas.
#[derive(Clone, Debug)]
pub struct PoolState {
    /// Its name.
    pub name: String,
    /// The model that it serves.
    pub model: String,
    /// Replicas that should exist.
    pub wanted: u16,
    /// Machines taken out of service.
    pub cordoned: u16,
    /// Their numbers, as far as replicas stood on them.
    pub cordoned_nodes: Vec<usize>,
    /// Accelerators of a replica.
    pub gpus: u8,
    /// The routing rule.
    pub policy: RouterPolicy,
    /// The control loop of its size, and whether it is paused and whether its query has no answer.
    pub autoscaler: Option<(AutoscalerSpec, bool, bool)>,
    /// What the control loop's query gives at this moment; none if it has no answer.
    pub metric: Option<f64>,
    /// Replicas in order of their places, gone ones left out.
    pub pods: Vec<PodState>,
}

/// A replica's pod.
#[derive(Clone, Debug, PartialEq)]
pub struct PodState {
    /// Its place in the pool.
    pub place: usize,
    /// Its machine's number; none while it waits for one.
    pub node: Option<usize>,
    /// Where it is in its life.
    pub phase: Phase,
    /// Whether the router sends requests to it.
    pub endpoint: bool,
    /// Restarts of its process.
    pub restarts: u32,
    /// Its machine was taken at this moment.
    pub since: SimTime,
    /// Boards of its ranks.
    pub gpus: Vec<GpuState>,
    /// Requests in its batch.
    pub running: u32,
    /// Whether a kernel is on the boards.
    pub busy: bool,
}

/// A pod's phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No machine for it.
    Pending,
    /// Container and weights are loading.
    Starting,
    /// It runs.
    Running,
    /// It finishes what it has.
    Terminating,
    /// Its process ended and nothing started it again.
    Failed,
}

/// An accelerator, as its driver reports it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GpuState {
    /// Degrees Celsius.
    pub temperature_c: f64,
    /// Watts.
    pub power_w: f64,
    /// Share of the normal clock, what heat takes away included.
    pub clock: f64,
    /// Last error code; 0 for none.
    pub xid: u32,
}

/// A gateway.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GatewayState {
    /// Whether its process answers.
    pub up: bool,
    /// Whether the balancer sends connections to it.
    pub endpoint: bool,
    /// Requests inside.
    pub in_flight: u32,
    /// Memory in use, in MiB.
    pub memory_mib: f64,
    /// Memory limit, in MiB.
    pub limit_mib: f64,
}

/// The shared cache tier, as its controller sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheState {
    /// Members in order of their places in the ring.
    pub members: Vec<MemberState>,
    /// Spares that stand by.
    pub spares: u16,
    /// Blocks that hold something and blocks in all, over the members that answer.
    pub tokens: (u64, u64),
}

/// A member of the cache ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemberState {
    /// Its agent has been silent since; none if it is heard.
    pub silent_since: Option<SimTime>,
    /// Whether a spare stands in the first machine's place.
    pub replaced: bool,
    /// Tokens that it holds, and room for them; none if it does not answer.
    pub tokens: Option<(u64, u64)>,
}

impl World {
    /// Pool and place of every replica that there ever was, by its number.
    pub fn places(&self) -> Vec<(usize, usize)> {
        self.replicas.iter().map(|r| (r.pool.index(), r.place)).collect()
    }

    /// The shard of the auth cache that answers for an account.
    pub fn auth_shard(&self, account: AccountId) -> usize {
        self.api.auth.shard_of(u64::from(account.0))
    }

    /// The accelerator of a replica that its driver reported an error of, and the error's code.
    pub fn xid(&self, replica: ReplicaId) -> Option<(usize, u32)> {
        let gpus = &self.replicas.get(replica.index())?.board.gpus;
        gpus.iter().position(|g| g.xid != 0).map(|rank| (rank, gpus[rank].xid))
    }

    /// What control planes say at this moment.
    pub fn survey(&mut self) -> Survey {
        let pools = (0..self.pools.len()).map(|p| self.survey_pool(p)).collect();
        let gateways = (0..self.gateways.len()).map(|g| self.survey_gateway(g)).collect();
        Survey {
            pools,
            gateways,
            cache: self.survey_cache(),
            spare_nodes: self.fleet.spare_nodes,
            batch_nodes: self.fleet.batch_nodes,
            settings: self.settings(),
        }
    }

    fn survey_pool(&self, index: usize) -> PoolState {
        let pool = &self.pools[index];
        let pods = pool.members.iter().filter_map(|id| {
            let replica = &self.replicas[id.index()];
            let phase = match replica.life {
                Life::Pending => Phase::Pending,
                Life::Starting => Phase::Starting,
                Life::Up => Phase::Running,
                Life::Draining => Phase::Terminating,
                Life::Gone if 0 < replica.board.gpus.iter().map(|g| g.xid).max().unwrap_or(0) => Phase::Failed,
                Life::Gone => return None,
            };
            let gpu = |(rank, g): (usize, &crate::sim::serving::accelerator::Gpu)| GpuState {
                temperature_c: g.temperature_c,
                power_w: g.power_w,
                clock: replica.board.effective_clock(rank, &self.facility),
                xid: g.xid,
            };
            Some(PodState {
                place: replica.place,
                node: replica.has_node.then_some(id.index()),
                phase,
                endpoint: pool.router.is_ready(replica.place),
                restarts: replica.epoch,
                since: replica.node_since,
                gpus: replica.board.gpus.iter().enumerate().map(gpu).collect(),
                running: replica.engine.running(),
                busy: replica.engine.is_busy(),
            })
        });
        PoolState {
            name: pool.spec.name.clone(),
            model: pool.spec.model.clone(),
            wanted: pool.wanted,
            cordoned: pool.cordoned,
            cordoned_nodes: pool
                .members
                .iter()
                .filter(|r| self.replicas[r.index()].cordoned)
                .map(|r| r.index())
                .collect(),
            gpus: pool.spec.gpus,
            policy: pool.router.policy(),
            autoscaler: pool.autoscaler.as_ref().map(|a| (a.spec.clone(), a.paused, a.blind)),
            metric: self.ask_autoscaler_query(crate::sim::ids::PoolId(index as u8)),
            pods: pods.collect(),
        }
    }

    fn survey_gateway(&mut self, index: usize) -> GatewayState {
        let id = crate::sim::ids::GatewayId(index as u16);
        let memory_mib = self.gateway_memory_mib(id);
        let gateway = &self.gateways[index];
        GatewayState {
            up: gateway.up,
            endpoint: self.network.health.is_healthy(index as u32),
            in_flight: gateway.in_flight,
            memory_mib,
            limit_mib: self.api_spec.memory_limit_mib,
        }
    }

    fn survey_cache(&self) -> Option<CacheState> {
        let cache = self.cache.as_ref()?;
        let member = |n: usize| MemberState {
            silent_since: cache.silent_since[n],
            replaced: cache.replaced[n],
            tokens: cache.tier.held_by(n),
        };
        Some(CacheState {
            members: (0..cache.replaced.len()).map(member).collect(),
            spares: cache.spares,
            tokens: cache.tier.occupancy(),
        })
    }

    /// The settings in force that a change can touch.
    fn settings(&self) -> Vec<(&'static str, String, String)> {
        let mut all = Vec::new();
        let mut say = |service, key: &str, value: String| all.push((service, key.to_string(), value));
        let (api, images) = (&self.api_spec, &self.api_spec.images);
        say("gateway", "worker_threads", api.workers.to_string());
        say("gateway", "memory_limit_mib", number(api.memory_limit_mib));
        say("gateway", "upstream_timeout", span(api.upstream_timeout_s));
        say("gateway", "retries", api.retry.retries.to_string());
        say("gateway", "per_try_timeout", api.retry.per_try_timeout_s.map_or("none".to_string(), span));
        say("gateway", "retry_budget", number(api.retry.budget));
        say("gateway", "cancel_on_client_close", api.cancellation.client_to_gateway.to_string());
        say("gateway", "cancel_upstream", api.cancellation.gateway_to_engine.to_string());
        say("gateway", "image_limit", images.limit.to_string());
        say("gateway", "image_limit_checked_before_decoding", images.limit_checked_first.to_string());
        say("gateway", "image_decoder_table", images.decoder_table.to_string());
        say("gateway", "shed_share", number(self.api.shed));
        say("gateway", "traffic_shifted_away", number(self.api.shifted));
        for flag in &self.api.flags {
            say("gateway", &format!("flag.{}", flag.name), format!("{}%", number(flag.share * 100.0)));
        }
        say("auth", "shards", api.auth.shards.to_string());
        say("auth", "timeout", span(api.auth.timeout_s));
        say("edge", "idle_timeout", span(self.network.idle_timeout));
        say("edge", "stream_keepalive", self.network.keepalive.to_string());
        say("edge", "balance", self.network.balance.to_string());
        say("edge", "connection_max_age", self.network.pool.rules().max_age.map_or("none".to_string(), span));
        for pool in &self.pools {
            let (name, spec) = (&pool.spec.name, &pool.spec);
            let mut say = |key: &str, value: String| say("serving", &format!("{name}.{key}"), value);
            say("router", pool.router.policy().to_string());
            say("router_view_interval", span(spec.router.view_interval_s));
            say("probe_threshold", spec.router.probe_threshold.to_string());
            say("deep_probe", spec.router.deep_probe.to_string());
            say("max_num_batched_tokens", spec.max_num_batched_tokens.to_string());
            say("max_num_seqs", spec.max_num_seqs.to_string());
            say("num_gpu_blocks", spec.kv_blocks.to_string());
            say("keep_aborted_prefill", spec.keep_aborted_prefill.to_string());
            say("kv_load_failure_policy", spec.load_failure.to_string());
            if let Some(scaler) = &pool.autoscaler {
                say("autoscaler_query", scaler.spec.query.clone());
            }
        }
        if let Some(cache) = &self.cache {
            let mut say = |key: &str, value: String| say("kv-cache", key, value);
            say("controller_grace", span(cache.grace));
            say("controller_interval", span(cache.spec.controller.interval_s));
            say("entry_ttl", cache.spec.ttl_s.map_or("none".to_string(), span));
            say("enabled", (!cache.off).to_string());
        }
        all
    }
}

fn number(value: f64) -> String {
    format!("{}", (value * 1e6).round() / 1e6)
}

fn span(span: SimDuration) -> String {
    if span == SimDuration::FOREVER { "none".to_string() } else { format!("{}s", number(span.as_secs_f64())) }
}
