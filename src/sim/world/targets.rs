//! How each kind of target is read when it is scraped.

use std::collections::BTreeSet;

use crate::metrics::histogram::Histogram;
use crate::sim::ids::{GatewayId, PoolId, ReplicaId};
use crate::sim::world::World;
use crate::sim::world::client_times::ENDS;
use crate::sim::world::exposition::{SeriesKey, Target};
use crate::sim::world::fact::Why;
use crate::sim::world::families::*;
use crate::sim::world::request_times::{HISTOGRAMS, REASONS};
use crate::sim::world::state::Life;

/// Label of a gateway's front in Envoy's metrics.
const FRONT: (&str, &str) = ("envoy_http_conn_manager_prefix", "api");
/// Memory of a machine beyond what its replica may take, in MiB.
const SYSTEM_MIB: f64 = 16.0 * 1024.0;
/// Phases of a pod that are told apart.
const PHASES: [&str; 3] = ["Pending", "Running", "Failed"];

/// A pod, as the orchestrator knows it.
struct Pod {
    name: String,
    /// Its first number among the series of a family.
    part: usize,
    /// By its place in [`PHASES`].
    phase: usize,
    restarts: u32,
    last_end: Option<&'static str>,
}

impl World {
    pub(super) fn scrape_replica(&mut self, index: usize) {
        let key = |family, part| SeriesKey { target: Target::Replica(index), family, part };
        let replica = &self.replicas[index];
        let counts = replica.engine.counts_at(self.now).since(&replica.counts_before);
        for Family { name, read, .. } in FAMILIES {
            if self.exposition.wants(name) {
                self.sample(key(name, 0), name, &[], read(&self.replicas[index], &counts));
            }
        }
        if self.exposition.wants(SUCCESS) {
            for (part, ended) in self.replicas[index].request_times.ended.into_iter().enumerate() {
                self.sample(key(SUCCESS, part), SUCCESS, &[("finished_reason", REASONS[part])], ended as f64);
            }
        }
        if self.exposition.wants(BY_SOURCE) {
            let external = counts.host_hit_tokens + counts.shared_hit_tokens;
            let computed = counts.queried_tokens - counts.hit_tokens - external;
            let sources = ["local_compute", "local_cache_hit", "external_kv_transfer"];
            for (part, tokens) in [computed, counts.hit_tokens, external].into_iter().enumerate() {
                self.sample(key(BY_SOURCE, part), BY_SOURCE, &[("source", sources[part])], tokens as f64);
            }
        }
        if self.exposition.wants(CACHE_CONFIG) {
            let spec = &self.pools[self.replicas[index].pool.index()].spec;
            let (block, blocks) = (spec.block_tokens.to_string(), spec.kv_blocks.to_string());
            let labels = [("block_size", block.as_str()), ("num_gpu_blocks", blocks.as_str())];
            // A replica that comes up with other settings is another series.
            self.sample(key(CACHE_CONFIG, spec.kv_blocks as usize), CACHE_CONFIG, &labels, 1.0);
        }
        for family in &HISTOGRAMS {
            let read = family.read;
            self.sample_histogram(key(family.name, 0), &[], move |w| Some(read(&w.replicas[index].request_times)));
        }
        let gaps = move |w: &World| w.replicas[index].engine.gaps().map(|gaps| gaps.histogram().clone());
        if let Some(gaps) = self.exposition.wants_histogram(TOKEN_GAPS).then(|| gaps(self)).flatten() {
            self.sample_buckets(key(TOKEN_GAPS, 0), &[], &gaps);
        }
    }

    pub(super) fn scrape_board(&mut self, index: usize) {
        for GpuFamily { name, read, .. } in GPU_FAMILIES {
            if !self.exposition.wants(name) {
                continue;
            }
            for rank in 0..self.replicas[index].board.gpus.len() {
                let value = read(&self.replicas[index].board, rank, &self.facility);
                let key = SeriesKey { target: Target::Board(index), family: name, part: rank };
                let (gpu, device) = (rank.to_string(), format!("nvidia{rank}"));
                self.sample(key, name, &[("gpu", &gpu), ("device", &device)], value);
            }
        }
    }

    pub(super) fn scrape_gateway(&mut self, index: usize) {
        let key = |family, part| SeriesKey { target: Target::Gateway(index), family, part };
        let moment = Moment {
            now: self.now,
            connections: self.network.pool.connections_to(self.now, index as u32),
            memory_mib: self.gateway_memory_mib(GatewayId(index as u16)),
        };
        for FrontFamily { name, read, .. } in FRONT_FAMILIES {
            if self.exposition.wants(name) {
                let of_front: &[(&str, &str)] = if name.starts_with("envoy_http_") { &[FRONT] } else { &[] };
                self.sample(key(name, 0), name, of_front, read(&self.gateways[index], &moment));
            }
        }
        if self.exposition.wants(ANSWERS) {
            for (digit, answers) in self.gateways[index].counts.answers.into_iter().enumerate().skip(1) {
                let class = digit.to_string();
                let labels = [FRONT, ("envoy_response_code_class", class.as_str())];
                self.sample(key(ANSWERS, digit), ANSWERS, &labels, answers as f64);
            }
        }
        if self.exposition.wants(BY_RETRY_COUNT) {
            for (part, requests) in self.gateways[index].counts.by_retry_count.into_iter().enumerate() {
                let label = [("retry_count", ["0", "1", "2", "3+"][part])];
                self.sample(key(BY_RETRY_COUNT, part), BY_RETRY_COUNT, &label, requests as f64);
            }
        }
        self.sample_histogram(key(FRONT_TIME, 0), &[FRONT], move |w| Some(&w.gateways[index].counts.times_ms));
        for pool in 0..self.pools.len() {
            let cluster = self.pools[pool].spec.name.clone();
            let label = [("envoy_cluster_name", cluster.as_str())];
            for ClusterFamily { name, read, .. } in CLUSTER_FAMILIES {
                if self.exposition.wants(name) {
                    let value = read(self.gateways[index].counts.cluster(PoolId(pool as u8)));
                    self.sample(key(name, pool), name, &label, value as f64);
                }
            }
            let known =
                self.pools[pool].members.iter().filter(|id| self.replicas[id.index()].life != Life::Gone).count();
            let healthy = self.pools[pool].router.ready_count();
            for (name, count) in [(MEMBERS, known), (MEMBERS_HEALTHY, healthy)] {
                if self.exposition.wants(name) {
                    self.sample(key(name, pool), name, &label, count as f64);
                }
            }
            // Each pool has so many series of a histogram at most.
            let first = key(CLUSTER_TIME, 256 * pool);
            self.sample_histogram(first, &label, move |w| {
                w.gateways[index].counts.clusters.get(pool).map(|counts| &counts.times_ms)
            });
        }
    }

    /// What a client program reports.
    pub(super) fn scrape_client(&mut self, index: usize) {
        let key = |family, part| SeriesKey { target: Target::Client(index), family, part };
        for (end, error) in ENDS.into_iter().enumerate() {
            let label = [("error_type", error)];
            // Each way to end has so many series of the histogram at most.
            self.sample_histogram(key(CLIENT_REQUESTS, 64 * end), &label[usize::from(error.is_empty())..], move |w| {
                Some(&w.clients[index].times.requests[end])
            });
        }
        self.sample_histogram(key(CLIENT_OPERATIONS, 0), &[], move |w| Some(&w.clients[index].times.operations));
        self.sample_histogram(key(CLIENT_FIRST_CHUNK, 0), &[], move |w| Some(&w.clients[index].times.first_chunk));
    }

    pub(super) fn scrape_cache_node(&mut self, node: usize) {
        let key = |family, part| SeriesKey { target: Target::CacheNode(node), family, part };
        for CacheFamily { name, read, .. } in CACHE_FAMILIES {
            if let Some(cache) = self.cache.as_ref().filter(|_| self.exposition.wants(name)) {
                self.sample(key(name, 0), name, &[], read(cache, node));
            }
        }
        for (part, (reason, why)) in REMOVALS.into_iter().enumerate() {
            if let Some(cache) = self.cache.as_ref().filter(|_| self.exposition.wants(CACHE_REMOVED)) {
                let blocks = cache.tier.node_removed(node, why);
                self.sample(key(CACHE_REMOVED, part), CACHE_REMOVED, &[("reason", reason)], blocks as f64);
            }
        }
    }

    /// The exporter of a replica's machine.
    pub(super) fn scrape_node(&mut self, index: usize) {
        let replica = &self.replicas[index];
        let total = self.pools[replica.pool.index()].spec.host_limit_gib * 1024.0 + SYSTEM_MIB;
        let used = if replica.answers() { self.host_memory_mib(ReplicaId(index as u16)) } else { 0.0 };
        let name = format!("node-{index}");
        for (family, mib) in [(NODE_MEMORY, total - used), (NODE_MEMORY_TOTAL, total)] {
            if self.exposition.wants(family) {
                let key = SeriesKey { target: Target::Node(index), family, part: 0 };
                self.sample(key, family, &[("node", &name)], mib * 1024.0 * 1024.0);
            }
        }
    }

    /// The orchestrator's exporter: what it says of pods that are gone has ended.
    pub(super) fn scrape_orchestrator(&mut self) {
        if !KUBE.iter().any(|(name, ..)| self.exposition.wants(name)) {
            return;
        }
        let mut said = BTreeSet::new();
        let [(wanted, ..), (available, ..), (phase, ..), (restarts, ..), (reason, ..)] = KUBE;
        let mut say = |world: &mut World, family, part, labels: &[(&str, &str)], value| {
            let key = SeriesKey { target: Target::Orchestrator, family, part };
            if world.exposition.wants(family) {
                said.insert(key);
                world.sample(key, family, labels, value);
            }
        };
        for (part, (name, should, are)) in self.deployments().into_iter().enumerate() {
            say(self, wanted, part, &[("deployment", &name)], f64::from(should));
            say(self, available, part, &[("deployment", &name)], are as f64);
        }
        for pod in self.pods() {
            for (place, name) in PHASES.into_iter().enumerate() {
                let value = f64::from(u8::from(place == pod.phase));
                say(self, phase, pod.part + place, &[("exported_pod", &pod.name), ("phase", name)], value);
            }
            say(self, restarts, pod.part, &[("exported_pod", &pod.name)], f64::from(pod.restarts));
            if let Some(last) = pod.last_end {
                let part = pod.part + last.len(); // reasons differ in length
                say(self, reason, part, &[("exported_pod", &pod.name), ("reason", last)], 1.0);
            }
        }
        self.end_series_but(Target::Orchestrator, &said);
    }

    /// Deployments: name, pods wanted, pods that are ready.
    fn deployments(&self) -> Vec<(String, u16, usize)> {
        let mut all: Vec<(String, u16, usize)> = Vec::new();
        for pool in &self.pools {
            let up = |id: &&ReplicaId| {
                let replica = &self.replicas[id.index()];
                replica.life == Life::Up && pool.router.is_ready(replica.place)
            };
            all.push((pool.spec.name.clone(), pool.wanted, pool.members.iter().filter(up).count()));
        }
        let ready = |gateway: &usize| self.gateways[*gateway].up && self.network.health.is_healthy(*gateway as u32);
        let ready = (0..self.gateways.len()).filter(ready).count();
        all.push(("gateway".to_string(), self.gateways.len() as u16, ready));
        all
    }

    fn pods(&self) -> Vec<Pod> {
        let of_replica = |index: usize| {
            let replica = &self.replicas[index];
            let phase = match replica.life {
                Life::Pending | Life::Starting => 0,
                Life::Up | Life::Draining => 1,
                Life::Gone if replica.board.gpus.iter().any(|g| g.xid != 0) => 2,
                Life::Gone => return None,
            };
            let last_end = replica.last_end.map(|why| match why {
                Why::OutOfMemory => "OOMKilled",
                Why::Restarted | Why::Removed => "Completed",
                Why::Crashed | Why::Watchdog | Why::GpuLost => "Error",
            });
            let name = self.pod_of(Target::Replica(index));
            Some(Pod { name, part: 16 * index, phase, restarts: replica.restarts, last_end })
        };
        let of_gateway = |index: usize| {
            let gateway = &self.gateways[index];
            let last_end = (0 < gateway.restarts).then_some(if gateway.killed { "OOMKilled" } else { "Completed" });
            let name = self.pod_of(Target::Gateway(index));
            Pod { name, part: (1 << 24) + 16 * index, phase: 1, restarts: gateway.restarts, last_end }
        };
        let replicas = (0..self.replicas.len()).filter_map(of_replica);
        replicas.chain((0..self.gateways.len()).map(of_gateway)).collect()
    }

    /// Stores the series of a histogram if anybody wants them; `key` is the first of them.
    fn sample_histogram(
        &mut self,
        key: SeriesKey,
        labels: &[(&str, &str)],
        read: impl for<'a> Fn(&'a World) -> Option<&'a Histogram>,
    ) {
        if self.exposition.wants_histogram(key.family)
            && let Some(histogram) = read(self).cloned()
        {
            self.sample_buckets(key, labels, &histogram);
        }
    }

    fn sample_buckets(&mut self, key: SeriesKey, labels: &[(&str, &str)], histogram: &Histogram) {
        let [bucket, count, sum] = ["bucket", "count", "sum"].map(|part| format!("{}_{part}", key.family));
        let at = |part| SeriesKey { part: key.part + part, ..key };
        self.sample(at(0), &count, labels, histogram.count() as f64);
        self.sample(at(1), &sum, labels, histogram.sum());
        for (place, (edge, under)) in histogram.buckets().enumerate() {
            let with_edge: Vec<(&str, &str)> = labels.iter().copied().chain([("le", edge.as_str())]).collect();
            self.sample(at(2 + place), &bucket, &with_edge, under as f64);
        }
    }
}
