//! The boards and their panels, as data: for each layer what comes, what fails and how long it takes, then what is in use
//! and what waits, then what only a language model has.

use super::{Board, Panel, Unit};

const fn panel(
    id: &'static str,
    title: &'static str,
    unit: Unit,
    says: &'static str,
    queries: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel { id, title, unit, says, queries, threshold: None }
}

const fn marked(panel: Panel, threshold: f64) -> Panel {
    Panel { threshold: Some(threshold), ..panel }
}

/// All boards, in the order of the layers.
pub const BOARDS: [Board; 7] = [
    Board { id: "overview", title: "The cell at a glance", panels: &OVERVIEW },
    Board { id: "sdk", title: "Clients, as the gateways see them", panels: &SDK },
    Board { id: "network", title: "Connections and hops", panels: &NETWORK },
    Board { id: "api", title: "Gateways", panels: &API },
    Board { id: "serving", title: "Replicas and their engines", panels: &SERVING },
    Board { id: "accelerator", title: "Accelerators and machines", panels: &ACCELERATOR },
    Board { id: "kv_cache", title: "Caches of prompts", panels: &KV_CACHE },
];

const REQUESTS: Panel = panel(
    "requests",
    "Requests, retries included",
    Unit::PerSecond,
    "What comes to the gateways. A try that follows a failed one counts like any other.",
    &[("all", "sum(rate(envoy_http_downstream_rq_total[2m]))")],
);
const FAILURES: Panel = panel(
    "failures",
    "Requests that failed, by class",
    Unit::PerSecond,
    "Answers of 400 and above, and requests that their clients closed before the end.",
    &[
        (
            "{envoy_response_code_class}xx",
            "sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx{envoy_response_code_class=~\"[45]\"}[2m]))",
        ),
        ("closed by client", "sum(rate(envoy_http_downstream_rq_rx_reset[2m]))"),
    ],
);
const FIRST_TOKEN: Panel = marked(
    panel(
        "ttft",
        "Time to first token",
        Unit::Seconds,
        "From arrival at a replica, of requests that got one; who gave up before is not in it.",
        &[
            ("p50", "histogram_quantile(0.5, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[2m])))"),
            ("p99", "histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[2m])))"),
        ],
    ),
    3.0,
);
const BATCH: Panel = panel(
    "batch",
    "Requests in engines",
    Unit::Count,
    "In running batches, and in line for admission.",
    &[("running", "sum(vllm:num_requests_running)"), ("waiting", "sum(vllm:num_requests_waiting)")],
);
const HIT_RATIO: Panel = panel(
    "hit_ratio",
    "Prompt tokens found in a cache",
    Unit::Share,
    "Over all tokens asked for: a mixture of everybody's own ratio.",
    &[(
        "found",
        "(sum(rate(vllm:prefix_cache_hits_total[2m])) + sum(rate(vllm:external_prefix_cache_hits_total[2m]))) / sum(rate(vllm:prefix_cache_queries_total[2m]))",
    )],
);
const REPLICAS: Panel = panel(
    "replicas",
    "Pods that are ready",
    Unit::Count,
    "By deployment, as the orchestrator has it.",
    &[("{deployment}", "sum by (deployment) (kube_deployment_status_replicas_available)")],
);
const KV_USAGE: Panel = marked(
    panel(
        "kv_usage",
        "KV blocks in use",
        Unit::Share,
        "By replica. Near 1 a running request can lose its blocks.",
        &[("{pod}", "sum by (pod) (vllm:kv_cache_usage_perc)")],
    ),
    0.95,
);
const PREEMPTIONS: Panel = panel(
    "preemptions",
    "Preemptions",
    Unit::PerSecond,
    "Sequences that lost their blocks and are computed anew.",
    &[("{pool}", "sum by (pool) (rate(vllm:num_preemptions_total[2m]))")],
);

const OVERVIEW: [Panel; 6] = [REQUESTS, FAILURES, FIRST_TOKEN, BATCH, HIT_RATIO, REPLICAS];

const SDK: [Panel; 6] = [
    REQUESTS,
    panel(
        "client_retries",
        "Requests that a client's library sends again",
        Unit::Share,
        "By the retry count in the request. An agent that starts its turn anew counts from zero.",
        &[("retries", "sum(rate(api_requests_total{retry_count!=\"0\"}[2m])) / sum(rate(api_requests_total[2m]))")],
    ),
    panel(
        "client_resets",
        "Requests closed by their clients",
        Unit::PerSecond,
        "Before the answer was complete: deadlines, cancellations, people who left.",
        &[("closed", "sum(rate(envoy_http_downstream_rq_rx_reset[2m]))")],
    ),
    panel(
        "client_connections",
        "Connections of clients",
        Unit::Count,
        "Open at the gateways.",
        &[("open", "sum(envoy_http_downstream_cx_active)")],
    ),
    panel(
        "request_bytes",
        "Bytes of a request",
        Unit::Bytes,
        "Mean over all requests that came.",
        &[(
            "mean",
            "sum(rate(envoy_http_downstream_cx_rx_bytes_total[2m])) / sum(rate(envoy_http_downstream_rq_total[2m]))",
        )],
    ),
    panel(
        "prompt_tokens",
        "Tokens of a prompt",
        Unit::Tokens,
        "Median over requests that finished, by model.",
        &[(
            "{model_name}",
            "histogram_quantile(0.5, sum by (le, model_name) (rate(vllm:request_prompt_tokens_bucket[5m])))",
        )],
    ),
];

const NETWORK: [Panel; 6] = [
    panel(
        "connections_by_gateway",
        "Connections by gateway",
        Unit::Count,
        "Of clients. Uneven after a gateway was away.",
        &[("{pod}", "sum by (pod) (envoy_http_downstream_cx_active)")],
    ),
    panel(
        "handshakes",
        "Handshakes broken off",
        Unit::PerSecond,
        "Clients that did not accept the gateway's certificate, or left.",
        &[("broken off", "sum(rate(envoy_listener_ssl_connection_error[2m]))")],
    ),
    panel(
        "connect_failures",
        "Connections to replicas that did not come up",
        Unit::PerSecond,
        "By pool.",
        &[("{envoy_cluster_name}", "sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_cx_connect_fail[2m]))")],
    ),
    panel(
        "hop_time",
        "Time in the call to a pool, median",
        Unit::Milliseconds,
        "From the gateway's side, to the end of the answer.",
        &[(
            "{envoy_cluster_name}",
            "histogram_quantile(0.5, sum by (le, envoy_cluster_name) (rate(envoy_cluster_upstream_rq_time_bucket[2m])))",
        )],
    ),
    panel(
        "targets_up",
        "Targets that answer when scraped",
        Unit::Count,
        "By job. One that does not has a gap in its other series.",
        &[("{job}", "sum by (job) (up)")],
    ),
    panel(
        "scrape_time",
        "Slowest scrape",
        Unit::Seconds,
        "By job.",
        &[("{job}", "max by (job) (scrape_duration_seconds)")],
    ),
];

const API: [Panel; 8] = [
    panel(
        "requests_by_gateway",
        "Requests by gateway, retries included",
        Unit::PerSecond,
        "A gateway that restarted counts from zero; the rate is not troubled by it.",
        &[("{pod}", "sum by (pod) (rate(envoy_http_downstream_rq_total[2m]))")],
    ),
    FAILURES,
    panel(
        "front_time",
        "Time in the gateways",
        Unit::Milliseconds,
        "To the end of the answer, so that long answers are long.",
        &[
            ("p50", "histogram_quantile(0.5, sum by (le) (rate(envoy_http_downstream_rq_time_bucket[2m])))"),
            ("p99", "histogram_quantile(0.99, sum by (le) (rate(envoy_http_downstream_rq_time_bucket[2m])))"),
        ],
    ),
    panel(
        "active",
        "Requests inside, by gateway",
        Unit::Count,
        "Each holds memory for as long as its answer streams.",
        &[("{pod}", "sum by (pod) (envoy_http_downstream_rq_active)")],
    ),
    panel(
        "gateway_memory",
        "Memory of the gateways",
        Unit::Bytes,
        "Resident, by gateway.",
        &[("{pod}", "sum by (pod) (process_resident_memory_bytes{job=\"gateway\"})")],
    ),
    panel(
        "gateway_restarts",
        "Restarts of gateways",
        Unit::Count,
        "Since each was scheduled, all together.",
        &[("restarts", "sum(kube_pod_container_status_restarts_total{exported_pod=~\"gateway.*\"})")],
    ),
    panel(
        "gateway_retries",
        "Retries by the gateways",
        Unit::PerSecond,
        "Sent on to a pool again, and those that the budget did not allow.",
        &[
            ("sent", "sum(rate(envoy_cluster_upstream_rq_retry[2m]))"),
            ("not allowed", "sum(rate(envoy_cluster_upstream_rq_retry_overflow[2m]))"),
        ],
    ),
    panel(
        "upstream_timeouts",
        "Calls given up by the gateways",
        Unit::PerSecond,
        "No answer began in time, by pool.",
        &[(
            "{envoy_cluster_name}",
            "sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_timeout[2m])) + sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_per_try_timeout[2m]))",
        )],
    ),
];

const SERVING: [Panel; 10] = [
    panel(
        "requests_by_pool",
        "Requests sent to each pool",
        Unit::PerSecond,
        "Retries included.",
        &[("{envoy_cluster_name}", "sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_total[2m]))")],
    ),
    panel(
        "ended",
        "Requests that ended in the engines",
        Unit::PerSecond,
        "By how they ended.",
        &[("{finished_reason}", "sum by (finished_reason) (rate(vllm:request_success_total[2m]))")],
    ),
    panel(
        "ttft_by_pool",
        "Time to first token by pool, 99th percentile",
        Unit::Seconds,
        "Of requests that got one.",
        &[(
            "{pool}",
            "histogram_quantile(0.99, sum by (le, pool) (rate(vllm:time_to_first_token_seconds_bucket[2m])))",
        )],
    ),
    panel(
        "tpot",
        "Time between tokens, median",
        Unit::Seconds,
        "By pool.",
        &[("{pool}", "histogram_quantile(0.5, sum by (le, pool) (rate(vllm:inter_token_latency_seconds_bucket[2m])))")],
    ),
    panel(
        "running",
        "Running batch by replica",
        Unit::Count,
        "Requests that have a seat.",
        &[("{pod}", "sum by (pod) (vllm:num_requests_running)")],
    ),
    panel(
        "waiting",
        "Line by replica",
        Unit::Count,
        "Requests that wait for admission.",
        &[("{pod}", "sum by (pod) (vllm:num_requests_waiting)")],
    ),
    KV_USAGE,
    PREEMPTIONS,
    panel(
        "computed",
        "Prompt tokens computed for each first token",
        Unit::Tokens,
        "Work of prefill over requests that got so far, by pool; work for those that left is in it.",
        &[(
            "{pool}",
            "sum by (pool) (rate(vllm:prompt_tokens_by_source_total{source=\"local_compute\"}[2m])) / sum by (pool) (rate(vllm:time_to_first_token_seconds_count[2m]))",
        )],
    ),
    panel(
        "replicas",
        "Pods: ready and wanted",
        Unit::Count,
        "By deployment, as the orchestrator has it.",
        &[
            ("{deployment} ready", "sum by (deployment) (kube_deployment_status_replicas_available)"),
            ("{deployment} wanted", "sum by (deployment) (kube_deployment_spec_replicas)"),
        ],
    ),
];

const ACCELERATOR: [Panel; 8] = [
    panel(
        "gpu_util",
        "Utilisation by replica",
        Unit::Percent,
        "Share of time in which a kernel ran: waiting for another rank counts, usefulness does not.",
        &[("{pod}", "avg by (pod) (DCGM_FI_DEV_GPU_UTIL)")],
    ),
    panel(
        "tensor_active",
        "Arithmetic by replica",
        Unit::Share,
        "Share of time that the work would take if it were arithmetic alone.",
        &[("{pod}", "avg by (pod) (DCGM_FI_PROF_PIPE_TENSOR_ACTIVE)")],
    ),
    panel(
        "dram_active",
        "Memory traffic by replica",
        Unit::Share,
        "Share of time that the work would take if it were memory traffic alone.",
        &[("{pod}", "avg by (pod) (DCGM_FI_PROF_DRAM_ACTIVE)")],
    ),
    panel(
        "power",
        "Power of an accelerator, by replica",
        Unit::Watts,
        "Mean of its ranks; one that only waits draws less.",
        &[("{pod}", "avg by (pod) (DCGM_FI_DEV_POWER_USAGE)")],
    ),
    marked(
        panel(
            "temperature",
            "Hottest accelerator, by replica",
            Unit::Celsius,
            "Clocks fall above the mark.",
            &[("{pod}", "max by (pod) (DCGM_FI_DEV_GPU_TEMP)")],
        ),
        85.0,
    ),
    panel(
        "clock",
        "Slowest clock, by replica",
        Unit::Megahertz,
        "A replica runs at the pace of its slowest rank.",
        &[("{pod}", "min by (pod) (DCGM_FI_DEV_SM_CLOCK)")],
    ),
    panel(
        "xid",
        "Last error code of the driver, by replica",
        Unit::Count,
        "0 for none. Not a count: the code stays until the next one.",
        &[("{pod}", "max by (pod) (DCGM_FI_DEV_XID_ERRORS)")],
    ),
    panel(
        "host_memory",
        "Free memory of machines",
        Unit::Bytes,
        "By machine.",
        &[("{node}", "sum by (node) (node_memory_MemAvailable_bytes)")],
    ),
];

const KV_CACHE: [Panel; 9] = [
    panel(
        "own_hits",
        "Found in a replica's own cache",
        Unit::Share,
        "Prompt tokens over those looked up, by pool.",
        &[(
            "{pool}",
            "sum by (pool) (rate(vllm:prefix_cache_hits_total[2m])) / sum by (pool) (rate(vllm:prefix_cache_queries_total[2m]))",
        )],
    ),
    panel(
        "external_hits",
        "Found in host memory or the shared tier",
        Unit::Share,
        "Prompt tokens over those looked up there: what a replica's own cache did not have.",
        &[(
            "{pool}",
            "sum by (pool) (rate(vllm:external_prefix_cache_hits_total[2m])) / sum by (pool) (rate(vllm:external_prefix_cache_queries_total[2m]))",
        )],
    ),
    panel(
        "token_sources",
        "Prompt tokens by where they came from",
        Unit::TokensPerSecond,
        "Computed, found in a replica's own cache, or brought from elsewhere.",
        &[("{source}", "sum by (source) (rate(vllm:prompt_tokens_by_source_total[2m]))")],
    ),
    KV_USAGE,
    PREEMPTIONS,
    panel(
        "tier_tokens",
        "Tokens in the shared tier, by node",
        Unit::Tokens,
        "What each node holds; how much of it is of use is another matter.",
        &[("{pod}", "sum by (pod) (kvcache_used_tokens)")],
    ),
    panel(
        "tier_hits",
        "Look-ups at the shared tier that found something",
        Unit::Share,
        "Over all nodes.",
        &[("found", "sum(rate(kvcache_hits_total[2m])) / sum(rate(kvcache_gets_total[2m]))")],
    ),
    panel(
        "tier_removed",
        "Blocks that the shared tier removed",
        Unit::PerSecond,
        "By reason.",
        &[("{reason}", "sum by (reason) (rate(kvcache_removed_blocks_total[2m]))")],
    ),
    panel(
        "tier_agents",
        "Agents of the shared tier that are heard",
        Unit::Count,
        "At the moment of a scrape; what is short falls between two.",
        &[("agents", "sum(kvcache_agent_up)")],
    ),
];
