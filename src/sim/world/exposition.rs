//! What replicas, gateways and accelerators tell the monitoring system when they are scraped, under the names that
//! vLLM, Envoy and the DCGM exporter have for it.
//!
//! Only what the control loops ask for is scraped, unless everything is wanted; the values are read off the components
//! at that moment.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use crate::metrics::kind::Kind;
use crate::metrics::labels::{Labels, NAME};
use crate::metrics::store::{SeriesId, Store};
use crate::sim::serving::accelerator::{Board, Gpu};
use crate::sim::serving::engine::EngineCounts;
use crate::sim::spec::stack::FacilitySpec;
use crate::sim::world::World;
use crate::sim::world::request_times::HISTOGRAMS;
use crate::sim::world::state::{ClusterCounts, Gateway, Life, Replica};

/// What can be scraped under one name.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Metric {
    /// Its name; of a histogram, without the suffixes of its series.
    pub name: &'static str,
    /// How it is to be read.
    pub kind: Kind,
    /// The label `job` of its series.
    pub job: &'static str,
    /// What it says, and its unit.
    pub about: &'static str,
}

/// Every metric that there is, target by target.
pub fn metrics() -> Vec<Metric> {
    let of = |job: &'static str| move |(name, kind, about)| Metric { name, kind, job, about };
    let replicas = FAMILIES.iter().map(|f| (f.name, f.kind, f.about));
    let histograms = HISTOGRAMS.iter().map(|f| (f.name, Kind::Histogram, f.about));
    let boards = GPU_FAMILIES.iter().map(|f| (f.name, f.kind, f.about));
    let fronts = FRONT_FAMILIES.iter().map(|f| (f.name, f.kind, f.about));
    let answers = [(ANSWERS, Kind::Counter, "answers by the first digit of their status")];
    let clusters = CLUSTER_FAMILIES.iter().map(|f| (f.name, f.kind, f.about));
    let up = [(UP, Kind::Gauge, "whether a target answered when it was scraped: 1 or 0")];
    replicas
        .chain(histograms)
        .map(of("vllm"))
        .chain(fronts.chain(answers).chain(clusters).map(of("gateway")))
        .chain(boards.map(of("dcgm")))
        .chain(up.into_iter().map(of("")))
        .collect()
}

/// A family of series, one for each replica.
struct Family {
    name: &'static str,
    kind: Kind,
    about: &'static str,
    read: fn(&Replica, &EngineCounts) -> f64,
}

/// What a replica of vLLM v1 exposes, as far as the engine has the quantity. Counters begin anew with the process.
const FAMILIES: [Family; 11] = [
    Family {
        name: "vllm:num_requests_running",
        kind: Kind::Gauge,
        about: "requests in the running batch",
        read: |r, _| f64::from(r.engine.running()),
    },
    Family {
        name: "vllm:num_requests_waiting",
        kind: Kind::Gauge,
        about: "requests in the engine's line",
        read: |r, _| f64::from(r.engine.waiting()),
    },
    Family {
        name: "vllm:kv_cache_usage_perc",
        kind: Kind::Gauge,
        about: "share of KV blocks in use, from 0 to 1",
        read: |r, _| r.engine.kv_usage(),
    },
    Family {
        name: "vllm:num_preemptions_total",
        kind: Kind::Counter,
        about: "sequences that lost their blocks and are computed anew",
        read: |_, c| c.preemptions as f64,
    },
    Family {
        name: "vllm:prompt_tokens_total",
        kind: Kind::Counter,
        about: "prompt tokens of admitted requests, cached ones included",
        read: |_, c| c.queried_tokens as f64,
    },
    Family {
        name: "vllm:generation_tokens_total",
        kind: Kind::Counter,
        about: "tokens written",
        read: |_, c| c.generated_tokens as f64,
    },
    Family {
        name: "vllm:prefix_cache_queries_total",
        kind: Kind::Counter,
        about: "prompt tokens looked up in the replica's own cache",
        read: |_, c| c.queried_tokens as f64,
    },
    Family {
        name: "vllm:prefix_cache_hits_total",
        kind: Kind::Counter,
        about: "prompt tokens found in the replica's own cache",
        read: |_, c| c.hit_tokens as f64,
    },
    Family {
        name: "vllm:external_prefix_cache_queries_total",
        kind: Kind::Counter,
        about: "prompt tokens looked up outside high-bandwidth memory",
        read: |_, c| c.external_queried_tokens as f64,
    },
    Family {
        name: "vllm:external_prefix_cache_hits_total",
        kind: Kind::Counter,
        about: "prompt tokens found in host memory or the shared tier",
        read: |_, c| (c.host_hit_tokens + c.shared_hit_tokens) as f64,
    },
    Family {
        name: "vllm:request_success_total",
        kind: Kind::Counter,
        about: "requests that finished",
        read: |_, c| c.finished as f64,
    },
];

/// A family of an accelerator's exporter, one series for each rank.
struct GpuFamily {
    name: &'static str,
    kind: Kind,
    about: &'static str,
    read: fn(&Board, usize, &FacilitySpec) -> f64,
}

/// Boost clock of an H100 SXM in MHz, from its data sheet; boards of the fleet are told apart by cost, not by clock.
const NORMAL_CLOCK_MHZ: f64 = 1980.0;

/// What the DCGM exporter says of a rank. The error code is the last one, not a count.
const GPU_FAMILIES: [GpuFamily; 4] = [
    GpuFamily {
        name: "DCGM_FI_DEV_GPU_TEMP",
        kind: Kind::Gauge,
        about: "temperature in degrees Celsius",
        read: |b, rank, _| of_gpu(b, rank, |g| g.temperature_c),
    },
    GpuFamily {
        name: "DCGM_FI_DEV_POWER_USAGE",
        kind: Kind::Gauge,
        about: "power in watts",
        read: |b, rank, _| of_gpu(b, rank, |g| g.power_w),
    },
    GpuFamily {
        name: "DCGM_FI_DEV_XID_ERRORS",
        kind: Kind::Gauge,
        about: "the last error code of the driver, 0 for none; not a count",
        read: |b, rank, _| of_gpu(b, rank, |g| f64::from(g.xid)),
    },
    GpuFamily {
        name: "DCGM_FI_DEV_SM_CLOCK",
        kind: Kind::Gauge,
        about: "clock in MHz",
        read: |b, rank, f| b.effective_clock(rank, f) * NORMAL_CLOCK_MHZ,
    },
];

/// A family of a gateway, one series for each pool behind it.
struct ClusterFamily {
    name: &'static str,
    kind: Kind,
    about: &'static str,
    read: fn(&ClusterCounts) -> u64,
}

/// What Envoy counts of the requests that it sends on.
const CLUSTER_FAMILIES: [ClusterFamily; 5] = [
    ClusterFamily {
        name: "envoy_cluster_upstream_rq_total",
        kind: Kind::Counter,
        about: "requests sent on to a pool, retries included",
        read: |c| c.requests,
    },
    ClusterFamily {
        name: "envoy_cluster_upstream_rq_retry",
        kind: Kind::Counter,
        about: "retries sent on to a pool",
        read: |c| c.retries,
    },
    ClusterFamily {
        name: "envoy_cluster_upstream_rq_retry_overflow",
        kind: Kind::Counter,
        about: "retries that the budget did not allow",
        read: |c| c.retry_overflows,
    },
    ClusterFamily {
        name: "envoy_cluster_upstream_rq_timeout",
        kind: Kind::Counter,
        about: "requests given up because no answer began in time",
        read: |c| c.timeouts,
    },
    ClusterFamily {
        name: "envoy_cluster_upstream_rq_per_try_timeout",
        kind: Kind::Counter,
        about: "single tries given up because no answer began in time",
        read: |c| c.per_try_timeouts,
    },
];

/// A family of a gateway's front.
struct FrontFamily {
    name: &'static str,
    kind: Kind,
    about: &'static str,
    read: fn(&Gateway) -> f64,
}

/// What Envoy says of the requests that come to it.
const FRONT_FAMILIES: [FrontFamily; 3] = [
    FrontFamily {
        name: "envoy_http_downstream_rq_total",
        kind: Kind::Counter,
        about: "requests that came to the gateway",
        read: |g| g.counts.requests as f64,
    },
    FrontFamily {
        name: "envoy_http_downstream_rq_active",
        kind: Kind::Gauge,
        about: "requests inside the gateway",
        read: |g| f64::from(g.in_flight),
    },
    FrontFamily {
        name: "envoy_http_downstream_rq_rx_reset",
        kind: Kind::Counter,
        about: "requests that their clients closed before the end",
        read: |g| g.counts.resets_by_client as f64,
    },
];

/// Answers by the first digit of their status.
const ANSWERS: &str = "envoy_http_downstream_rq_xx";

/// Whether a target answered when it was scraped.
const UP: &str = "up";

/// What is scraped, and under which labels.
#[derive(Default)]
pub(super) struct Exposition {
    wanted: BTreeSet<String>,
    everything: bool,
    renamed: Vec<(String, String)>,
    series: BTreeMap<SeriesKey, SeriesId>,
}

/// What is scraped. A board is scraped at its machine's exporter, which outlives the replica's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Replica(usize),
    Board(usize),
    Gateway(usize),
}

/// A series of a target: its family, and which of the family's series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SeriesKey {
    target: Target,
    family: &'static str,
    part: usize,
}

impl Exposition {
    fn wants(&self, name: &str) -> bool {
        self.everything || self.wanted.contains(name)
    }

    /// What a label is called at present.
    fn name_of(&self, label: &str) -> String {
        let renamed = self.renamed.iter().rev().find(|(from, _)| from == label);
        renamed.map_or(label.to_string(), |(_, to)| to.clone())
    }
}

fn of_gpu(board: &Board, rank: usize, read: fn(&Gpu) -> f64) -> f64 {
    board.gpus.get(rank).map_or(0.0, read)
}

impl World {
    /// What has been scraped so far.
    pub fn scraped(&self) -> &Store {
        &self.scraped
    }

    /// From now on every family is scraped, not only those that control loops ask for. Nothing happens otherwise for
    /// it: the event hash stays what it was.
    pub fn scrape_everything(&mut self) {
        self.exposition.everything = true;
    }

    /// From now on the metrics of this query are scraped too.
    pub(super) fn scrape_for(&mut self, query: &crate::metrics::promql::Query) {
        self.exposition.wanted.extend(query.metrics());
    }

    /// Reads every target that answers; the series of those that do not have ended.
    pub(super) fn scrape(&mut self) {
        for index in 0..self.replicas.len() {
            let replica = &self.replicas[index];
            let (life, has_node) = (replica.life, replica.has_node);
            let exists = !matches!(life, Life::Pending | Life::Gone);
            let answers = matches!(life, Life::Up | Life::Draining);
            self.scrape_target(Target::Replica(index), exists, answers);
            self.scrape_target(Target::Board(index), has_node, has_node);
        }
        for index in 0..self.gateways.len() {
            self.scrape_target(Target::Gateway(index), true, self.gateways[index].up);
        }
    }

    fn scrape_target(&mut self, target: Target, exists: bool, answers: bool) {
        match target {
            _ if !answers => self.end_series_of(target, exists),
            Target::Replica(index) => {
                self.scrape_gauges_and_counters(index);
                self.scrape_histograms(index);
            }
            Target::Board(index) => self.scrape_board(index),
            Target::Gateway(index) => self.scrape_gateway(index),
        }
        if exists && self.exposition.wants(UP) {
            self.sample(SeriesKey { target, family: UP, part: 0 }, UP, &[], f64::from(u8::from(answers)));
        }
    }

    fn scrape_gauges_and_counters(&mut self, index: usize) {
        let replica = &self.replicas[index];
        let counts = replica.engine.counts_at(self.now).since(&replica.counts_before);
        for Family { name, read, .. } in FAMILIES {
            if self.exposition.wants(name) {
                let value = read(&self.replicas[index], &counts);
                self.sample(SeriesKey { target: Target::Replica(index), family: name, part: 0 }, name, &[], value);
            }
        }
    }

    fn scrape_histograms(&mut self, index: usize) {
        for family in &HISTOGRAMS {
            let names = ["bucket", "count", "sum"].map(|part| format!("{}_{part}", family.name));
            if !names.iter().any(|name| self.exposition.wants(name)) {
                continue;
            }
            let [bucket, count, sum] = names;
            let histogram = (family.read)(&self.replicas[index].request_times);
            let values = [(&count, histogram.count() as f64), (&sum, histogram.sum())];
            let buckets: Vec<(String, u64)> = histogram.buckets().collect();
            let key = |part| SeriesKey { target: Target::Replica(index), family: family.name, part };
            for (part, (name, value)) in values.into_iter().enumerate() {
                self.sample(key(part), name, &[], value);
            }
            for (place, (edge, under)) in buckets.into_iter().enumerate() {
                self.sample(key(2 + place), &bucket, &[("le", &edge)], under as f64);
            }
        }
    }

    fn scrape_board(&mut self, index: usize) {
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

    fn scrape_gateway(&mut self, index: usize) {
        let key = |family, part| SeriesKey { target: Target::Gateway(index), family, part };
        for FrontFamily { name, read, .. } in FRONT_FAMILIES {
            if self.exposition.wants(name) {
                self.sample(
                    key(name, 0),
                    name,
                    &[("envoy_http_conn_manager_prefix", "api")],
                    read(&self.gateways[index]),
                );
            }
        }
        if self.exposition.wants(ANSWERS) {
            for (digit, answers) in self.gateways[index].counts.answers.into_iter().enumerate().skip(1) {
                let class = digit.to_string();
                let labels = [("envoy_http_conn_manager_prefix", "api"), ("envoy_response_code_class", class.as_str())];
                self.sample(key(ANSWERS, digit), ANSWERS, &labels, answers as f64);
            }
        }
        for ClusterFamily { name, read, .. } in CLUSTER_FAMILIES {
            if !self.exposition.wants(name) {
                continue;
            }
            for pool in 0..self.pools.len() {
                let counts = self.gateways[index].counts.clusters.get(pool).copied().unwrap_or_default();
                let cluster = self.pools[pool].spec.name.clone();
                self.sample(key(name, pool), name, &[("envoy_cluster_name", &cluster)], read(&counts) as f64);
            }
        }
    }

    /// Stores a value of a target's series, which begins if this is the first.
    fn sample(&mut self, key: SeriesKey, name: &str, labels: &[(&str, &str)], value: f64) {
        let t_ms = (self.now.0 / 1_000_000) as i64;
        let known = self.exposition.series.get(&key).copied();
        let id = known.unwrap_or_else(|| self.new_series(key, name, labels));
        self.scraped.append(id, t_ms, value);
    }

    /// The series of a target that does not answer have ended; whether it is up is still said while it exists.
    fn end_series_of(&mut self, target: Target, exists: bool) {
        let t_ms = (self.now.0 / 1_000_000) as i64;
        let first = SeriesKey { target, family: "", part: 0 };
        let of_it = self.exposition.series.range(first..).take_while(|(key, _)| key.target == target);
        let over = of_it.filter(|(key, _)| !exists || key.family != UP);
        over.for_each(|(_, id)| self.scraped.end(*id, t_ms));
    }

    fn new_series(&mut self, key: SeriesKey, name: &str, labels: &[(&str, &str)]) -> SeriesId {
        let pool_of = |index: usize| {
            let replica = &self.replicas[index];
            let pool = &self.pools[replica.pool.index()].spec;
            (pool, format!("{}-{}", pool.name, replica.place))
        };
        let mut pairs = vec![(NAME, name.to_string())];
        match key.target {
            Target::Replica(index) => {
                let (pool, pod) = pool_of(index);
                let model = pool.model.clone();
                pairs.extend([("job", "vllm".to_string()), ("pool", pool.name.clone()), ("pod", pod)]);
                pairs.push(("model_name", model));
            }
            Target::Board(index) => {
                let (_, pod) = pool_of(index);
                pairs.extend([("job", "dcgm".to_string()), ("pod", pod)]);
            }
            Target::Gateway(index) => {
                pairs.extend([("job", "gateway".to_string()), ("pod", format!("gateway-{index}"))]);
            }
        }
        pairs.extend(labels.iter().map(|(label, value)| (*label, value.to_string())));
        let named = pairs.into_iter().map(|(label, value)| (self.exposition.name_of(label), value));
        let id = self.scraped.series(&Labels::new(named.collect::<Vec<_>>()));
        self.exposition.series.insert(key, id);
        id
    }

    /// A label goes by another name from the next scrape on; the series of the old name have ended.
    pub(super) fn rename_scraped_label(&mut self, from: &str, to: &str) {
        let t_ms = (self.now.0 / 1_000_000) as i64;
        let ended = std::mem::take(&mut self.exposition.series);
        ended.into_values().for_each(|id| self.scraped.end(id, t_ms));
        self.exposition.renamed.retain(|(old, new)| old != to || new != from);
        if !self.exposition.renamed.iter().any(|(old, new)| old == from && new == to) {
            self.exposition.renamed.push((from.to_string(), to.to_string()));
        }
    }
}
