//! Everything that can be scraped: names, kinds and meanings, and how each value is read off its component.

use serde::Serialize;

pub use crate::metrics::kind::Kind;

use crate::sim::kv::run_cache::Removal;
use crate::sim::serving::accelerator::{Board, Gpu};
use crate::sim::serving::engine::EngineCounts;
use crate::sim::spec::stack::FacilitySpec;
use crate::sim::time::SimTime;
use crate::sim::world::request_times::HISTOGRAMS;
use crate::sim::world::state::{ClusterCounts, Gateway, Replica, SharedCache};

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
    let more_of_replicas = [
        (TOKEN_GAPS, Kind::Histogram, "time from one token to the next"),
        (SUCCESS, Kind::Counter, "requests that ended, by how"),
        (BY_SOURCE, Kind::Counter, "prompt tokens of admitted requests, by where they came from"),
        (CACHE_CONFIG, Kind::Gauge, "1; its labels are the settings of a replica's cache"),
    ];
    let boards = GPU_FAMILIES.iter().map(|f| (f.name, f.kind, f.about));
    let fronts = FRONT_FAMILIES.iter().map(|f| (f.name, f.kind, f.about));
    let more_of_gateways = [
        (ANSWERS, Kind::Counter, "answers by the first digit of their status"),
        (FRONT_TIME, Kind::Histogram, "from a request's arrival to its end, in milliseconds"),
        (CLUSTER_TIME, Kind::Histogram, "from a call to a replica to its answer's end, in milliseconds"),
        (MEMBERS, Kind::Gauge, "replicas of a pool that a gateway's router knows"),
        (MEMBERS_HEALTHY, Kind::Gauge, "replicas of a pool to which a gateway's router sends requests"),
        (BY_RETRY_COUNT, Kind::Counter, "requests by how often their client says that it has tried before"),
    ];
    let clusters = CLUSTER_FAMILIES.iter().map(|f| (f.name, f.kind, f.about));
    let members = CACHE_FAMILIES.iter().map(|f| (f.name, f.kind, f.about));
    let removed = [(CACHE_REMOVED, Kind::Counter, "blocks that a node of the shared tier removed, by why")];
    let nodes = [
        (NODE_MEMORY, Kind::Gauge, "memory of a machine that is free"),
        (NODE_MEMORY_TOTAL, Kind::Gauge, "memory of a machine"),
    ];
    let of_clients = [
        (CLIENT_REQUESTS, Kind::Histogram, "one request as its client program sees it, by how it ended"),
        (CLIENT_OPERATIONS, Kind::Histogram, "one call of a client program, with all its tries"),
        (CLIENT_FIRST_CHUNK, Kind::Histogram, "from a client's sending to the first piece of the answer"),
    ];
    let every = [
        (UP, Kind::Gauge, "whether a target answered when it was scraped: 1 or 0"),
        (SCRAPE_TIME, Kind::Gauge, "how long the target took to answer"),
    ];
    replicas
        .chain(histograms)
        .chain(more_of_replicas)
        .map(of("vllm"))
        .chain(fronts.chain(more_of_gateways).chain(clusters).map(of("gateway")))
        .chain(boards.map(of("dcgm")))
        .chain(members.chain(removed).map(of("kv-cache")))
        .chain(nodes.into_iter().map(of("node")))
        .chain(KUBE.into_iter().map(of("kube-state-metrics")))
        .chain(of_clients.into_iter().map(of("sdk")))
        .chain(every.into_iter().map(of("")))
        .collect()
}

/// Times between tokens.
pub(super) const TOKEN_GAPS: &str = "vllm:inter_token_latency_seconds";
/// Requests that ended, by how.
pub(super) const SUCCESS: &str = "vllm:request_success_total";
/// Prompt tokens by where they came from.
pub(super) const BY_SOURCE: &str = "vllm:prompt_tokens_by_source_total";
/// The settings of a replica's cache.
pub(super) const CACHE_CONFIG: &str = "vllm:cache_config_info";
/// Replicas that a router knows.
pub(super) const MEMBERS: &str = "envoy_cluster_membership_total";
/// Those to which it sends requests.
pub(super) const MEMBERS_HEALTHY: &str = "envoy_cluster_membership_healthy";
/// Requests as their clients see them.
pub(super) const CLIENT_REQUESTS: &str = "http_client_request_duration_seconds";
/// Calls as client programs see them.
pub(super) const CLIENT_OPERATIONS: &str = "gen_ai_client_operation_duration_seconds";
/// Times to the first piece of an answer, as client programs see them.
pub(super) const CLIENT_FIRST_CHUNK: &str = "gen_ai_client_operation_time_to_first_chunk_seconds";
/// A gateway's times.
pub(super) const FRONT_TIME: &str = "envoy_http_downstream_rq_time";
/// Times of the calls to a pool.
pub(super) const CLUSTER_TIME: &str = "envoy_cluster_upstream_rq_time";
/// Requests by the retry count that they carry.
pub(super) const BY_RETRY_COUNT: &str = "api_requests_total";
/// Removals of the shared tier.
pub(super) const CACHE_REMOVED: &str = "kvcache_removed_blocks_total";
/// Free memory of a machine.
pub(super) const NODE_MEMORY: &str = "node_memory_MemAvailable_bytes";
/// Memory of a machine.
pub(super) const NODE_MEMORY_TOTAL: &str = "node_memory_MemTotal_bytes";
/// Whether a target answered when it was scraped.
pub(super) const UP: &str = "up";
/// How long a target took to answer.
pub(super) const SCRAPE_TIME: &str = "scrape_duration_seconds";

/// Why the shared tier removes blocks.
pub(super) const REMOVALS: [(&str, Removal); 5] = [
    ("evicted", Removal::Evicted),
    ("invalid", Removal::Invalid),
    ("lost", Removal::Lost),
    ("reset", Removal::Reset),
    ("expired", Removal::Expired),
];

/// What the orchestrator's exporter says.
pub(super) const KUBE: [(&str, Kind, &str); 5] = [
    ("kube_deployment_spec_replicas", Kind::Gauge, "pods that a deployment should have"),
    ("kube_deployment_status_replicas_available", Kind::Gauge, "pods of a deployment that are ready"),
    ("kube_pod_status_phase", Kind::Gauge, "1 for the phase that a pod is in, 0 for the others"),
    ("kube_pod_container_status_restarts_total", Kind::Counter, "processes of a pod that ended and were started again"),
    (
        "kube_pod_container_status_last_terminated_reason",
        Kind::Gauge,
        "1 for the reason for which a pod's last process ended",
    ),
];

/// What a gateway does not know of itself.
pub(super) struct Moment {
    /// Now.
    pub now: SimTime,
    /// Connections of clients.
    pub connections: u32,
    /// Memory in use.
    pub memory_mib: f64,
}

/// A family of a node of the shared cache tier.
pub(super) struct CacheFamily {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub read: fn(&SharedCache, usize) -> f64,
}

/// What a node of the shared tier says. Counters begin anew with the machine that stands in its place.
pub(super) const CACHE_FAMILIES: [CacheFamily; 6] = [
    CacheFamily {
        name: "kvcache_used_tokens",
        kind: Kind::Gauge,
        about: "tokens that a node of the shared tier holds",
        read: |c, n| c.tier.node_tokens(n).0 as f64,
    },
    CacheFamily {
        name: "kvcache_capacity_tokens",
        kind: Kind::Gauge,
        about: "tokens that a node of the shared tier has room for",
        read: |c, n| c.tier.node_tokens(n).1 as f64,
    },
    CacheFamily {
        name: "kvcache_gets_total",
        kind: Kind::Counter,
        about: "look-ups of runs of blocks at a node",
        read: |c, n| c.tier.node_counts(n).gets as f64,
    },
    CacheFamily {
        name: "kvcache_hits_total",
        kind: Kind::Counter,
        about: "look-ups at a node that found something",
        read: |c, n| c.tier.node_counts(n).hits as f64,
    },
    CacheFamily {
        name: "kvcache_puts_total",
        kind: Kind::Counter,
        about: "runs of blocks stored at a node, new or again",
        read: |c, n| c.tier.node_counts(n).puts as f64,
    },
    CacheFamily {
        name: "kvcache_agent_up",
        kind: Kind::Gauge,
        about: "whether the node's agent is heard by the tier's controller: 1 or 0",
        read: |c, n| f64::from(u8::from(c.silent_since[n].is_none())),
    },
];

/// A family of series, one for each replica.
pub(super) struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub read: fn(&Replica, &EngineCounts) -> f64,
}

/// What a replica of vLLM v1 exposes, as far as the engine has the quantity. Counters begin anew with the process.
pub(super) const FAMILIES: [Family; 12] = [
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
        name: "vllm:prompt_tokens_cached_total",
        kind: Kind::Counter,
        about: "prompt tokens that were not computed, wherever they were found",
        read: |_, c| (c.hit_tokens + c.host_hit_tokens + c.shared_hit_tokens) as f64,
    },
    Family {
        name: "process_start_time_seconds",
        kind: Kind::Gauge,
        about: "when the process began, in seconds of the simulated clock",
        read: |r, _| r.process_since.as_secs_f64(),
    },
];

/// A family of an accelerator's exporter, one series for each rank.
pub(super) struct GpuFamily {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub read: fn(&Board, usize, &FacilitySpec) -> f64,
}

/// Boost clock of an H100 SXM in MHz, from its data sheet; boards of the fleet are told apart by cost, not by clock.
const NORMAL_CLOCK_MHZ: f64 = 1980.0;

/// What the DCGM exporter says of a rank. The error code is the last one, not a count.
pub(super) const GPU_FAMILIES: [GpuFamily; 7] = [
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
    GpuFamily {
        name: "DCGM_FI_DEV_GPU_UTIL",
        kind: Kind::Gauge,
        about: "percentage of the last interval in which a kernel ran, waiting for another rank included",
        read: |b, rank, _| of_gpu(b, rank, |g| 100.0 * g.utilization),
    },
    GpuFamily {
        name: "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
        kind: Kind::Gauge,
        about: "share of the last interval that the work would take if it were compute alone",
        read: |b, _, _| b.compute_active,
    },
    GpuFamily {
        name: "DCGM_FI_PROF_DRAM_ACTIVE",
        kind: Kind::Gauge,
        about: "share of the last interval that the work would take if it were memory traffic alone",
        read: |b, _, _| b.memory_active,
    },
];

/// A family of a gateway, one series for each pool behind it.
pub(super) struct ClusterFamily {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub read: fn(&ClusterCounts) -> u64,
}

/// What Envoy counts of the requests that it sends on.
pub(super) const CLUSTER_FAMILIES: [ClusterFamily; 6] = [
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
    ClusterFamily {
        name: "envoy_cluster_upstream_cx_connect_fail",
        kind: Kind::Counter,
        about: "connections to replicas that did not come up",
        read: |c| c.connect_failures,
    },
];

/// A family of a gateway's front.
pub(super) struct FrontFamily {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub read: fn(&Gateway, &Moment) -> f64,
}

/// What Envoy says of the requests that come to it.
pub(super) const FRONT_FAMILIES: [FrontFamily; 10] = [
    FrontFamily {
        name: "envoy_http_downstream_rq_total",
        kind: Kind::Counter,
        about: "requests that came to the gateway",
        read: |g, _| g.counts.requests as f64,
    },
    FrontFamily {
        name: "envoy_http_downstream_rq_active",
        kind: Kind::Gauge,
        about: "requests inside the gateway",
        read: |g, _| f64::from(g.in_flight),
    },
    FrontFamily {
        name: "envoy_http_downstream_rq_rx_reset",
        kind: Kind::Counter,
        about: "requests that their clients closed before the end",
        read: |g, _| g.counts.resets_by_client as f64,
    },
    FrontFamily {
        name: "envoy_http_downstream_cx_active",
        kind: Kind::Gauge,
        about: "connections of clients",
        read: |_, m| f64::from(m.connections),
    },
    FrontFamily {
        name: "envoy_http_downstream_cx_rx_bytes_total",
        kind: Kind::Counter,
        about: "bytes of the requests that came",
        read: |g, _| g.counts.received_bytes as f64,
    },
    FrontFamily {
        name: "envoy_listener_ssl_connection_error",
        kind: Kind::Counter,
        about: "handshakes that clients broke off",
        read: |g, _| g.counts.failed_handshakes as f64,
    },
    FrontFamily {
        name: "envoy_server_live",
        kind: Kind::Gauge,
        about: "1 while the process takes requests",
        read: |_, _| 1.0,
    },
    FrontFamily {
        name: "process_resident_memory_bytes",
        kind: Kind::Gauge,
        about: "memory of the process",
        read: |_, m| m.memory_mib * 1024.0 * 1024.0,
    },
    FrontFamily {
        name: "process_start_time_seconds",
        kind: Kind::Gauge,
        about: "when the process began, in seconds of the simulated clock",
        read: |g, _| g.process_since.as_secs_f64(),
    },
    FrontFamily {
        name: "api_loop_busy_seconds_total",
        kind: Kind::Counter,
        about: "time for which the loop thread was held",
        read: |g, m| g.loop_thread.busy(m.now).as_secs_f64(),
    },
];

/// Answers by the first digit of their status.
pub(super) const ANSWERS: &str = "envoy_http_downstream_rq_xx";

fn of_gpu(board: &Board, rank: usize, read: fn(&Gpu) -> f64) -> f64 {
    board.gpus.get(rank).map_or(0.0, read)
}
