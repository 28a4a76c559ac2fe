//! The names that a real stack of this kind exposes, and for each whether it is exposed here, or why it is not. What is
//! absent is absent: no series, and never a zero. A test (`history`) keeps `assets/metric-names.md` and the scrapes to
//! it.

use crate::sim::world::exposition::metrics;
use crate::telemetry::alerts::SERIES;

/// A group of names with what is said of those that are absent; empty: it is exposed.
pub type Group = (&'static str, &'static [(&'static str, &'static str)]);

/// Whether there are series of this name, or of a histogram of this name.
pub fn is_exposed(name: &str) -> bool {
    metrics().iter().any(|metric| metric.name == name) || SERIES.contains(&name)
}

/// The list as Markdown.
pub fn markdown() -> String {
    let all = || REAL.iter().flat_map(|(_, names)| names.iter());
    let exposed = all().filter(|(name, _)| is_exposed(name)).count();
    let mut text = format!(
        "# Names of a real stack\n\n{exposed} of {} names are exposed; the others are absent, for the reason given.\n",
        all().count()
    );
    for (group, names) in REAL {
        text.push_str(&format!("\n## {group}\n\n| name | |\n|---|---|\n"));
        for (name, why) in *names {
            let state = if is_exposed(name) { "exposed".to_string() } else { format!("absent: {why}") };
            text.push_str(&format!("| `{name}` | {state} |\n"));
        }
    }
    text
}

/// All of them, by what exposes them. Of histograms the name without suffixes.
pub const REAL: &[Group] = &[
    (
        "vLLM",
        &[
            ("vllm:num_requests_running", ""),
            ("vllm:num_requests_waiting", ""),
            ("vllm:kv_cache_usage_perc", ""),
            (
                "vllm:num_requests_waiting_by_reason",
                "an engine has one line; what is deferred is not told from what waits for blocks",
            ),
            ("vllm:gpu_cache_usage_perc", "the old name of vllm:kv_cache_usage_perc; this version has dropped it"),
            ("vllm:engine_sleep_state", "no engine sleeps"),
            ("vllm:lora_requests_info", "no adapters are served"),
            ("vllm:cache_config_info", ""),
            ("vllm:prompt_tokens_total", ""),
            ("vllm:generation_tokens_total", ""),
            ("vllm:prompt_tokens_by_source_total", ""),
            ("vllm:prompt_tokens_cached_total", ""),
            ("vllm:num_preemptions_total", ""),
            ("vllm:request_success_total", ""),
            ("vllm:prefix_cache_queries_total", ""),
            ("vllm:prefix_cache_hits_total", ""),
            ("vllm:external_prefix_cache_queries_total", ""),
            ("vllm:external_prefix_cache_hits_total", ""),
            ("vllm:mm_cache_queries_total", "images are decoded at the gateway; replicas keep no cache of them"),
            ("vllm:mm_cache_hits_total", "images are decoded at the gateway; replicas keep no cache of them"),
            ("vllm:corrupted_requests_total", "no engine computes what is no number"),
            ("vllm:admission_rejections_total", "engines reject nothing; the gateway does, and answers 429 or 503"),
            ("vllm:spec_decode_num_drafts_total", "no speculative decoding"),
            ("vllm:spec_decode_num_draft_tokens_total", "no speculative decoding"),
            ("vllm:spec_decode_num_accepted_tokens_total", "no speculative decoding"),
            ("vllm:spec_decode_num_accepted_tokens_per_pos_total", "no speculative decoding"),
            (
                "vllm:nixl_num_failed_transfers_total",
                "blocks come from the shared tier, not from another replica; its nodes count in kvcache_*",
            ),
            (
                "vllm:nixl_num_kv_expired_reqs_total",
                "blocks come from the shared tier, not from another replica; its nodes count in kvcache_*",
            ),
            (
                "vllm:nixl_xfer_time_seconds",
                "blocks come from the shared tier, not from another replica; its nodes count in kvcache_*",
            ),
            (
                "vllm:nixl_bytes_transferred",
                "blocks come from the shared tier, not from another replica; its nodes count in kvcache_*",
            ),
            ("vllm:time_to_first_token_seconds", ""),
            ("vllm:inter_token_latency_seconds", ""),
            (
                "vllm:time_per_output_token_seconds",
                "the old name of vllm:inter_token_latency_seconds; this version has dropped it",
            ),
            ("vllm:request_time_per_output_token_seconds", ""),
            ("vllm:e2e_request_latency_seconds", ""),
            ("vllm:request_queue_time_seconds", ""),
            ("vllm:request_inference_time_seconds", ""),
            ("vllm:request_prefill_time_seconds", ""),
            ("vllm:request_decode_time_seconds", ""),
            (
                "vllm:iteration_tokens_total",
                "steps between two changes of a batch are one event: the tokens of each are not observed",
            ),
            ("vllm:request_prompt_tokens", ""),
            ("vllm:request_generation_tokens", ""),
            (
                "vllm:request_max_num_generation_tokens",
                "requests carry no limit but the context window, and ask for one answer",
            ),
            ("vllm:request_params_n", "requests carry no limit but the context window, and ask for one answer"),
            (
                "vllm:request_params_max_tokens",
                "requests carry no limit but the context window, and ask for one answer",
            ),
            ("vllm:request_prefill_kv_computed_tokens", "told in sum by vllm:prompt_tokens_by_source_total"),
            ("vllm:kv_block_lifetime_seconds", "blocks are kept in runs, without a history of each"),
            ("vllm:kv_block_idle_before_evict_seconds", "blocks are kept in runs, without a history of each"),
            ("vllm:kv_block_reuse_gap_seconds", "blocks are kept in runs, without a history of each"),
        ],
    ),
    (
        "HTTP front of a replica",
        &[
            ("http_requests_total", "replicas have no HTTP front of their own; the gateway in front of them counts"),
            (
                "http_request_duration_seconds",
                "replicas have no HTTP front of their own; the gateway in front of them counts",
            ),
            (
                "http_request_duration_highr_seconds",
                "replicas have no HTTP front of their own; the gateway in front of them counts",
            ),
            (
                "http_request_size_bytes",
                "replicas have no HTTP front of their own; the gateway in front of them counts",
            ),
            (
                "http_response_size_bytes",
                "replicas have no HTTP front of their own; the gateway in front of them counts",
            ),
        ],
    ),
    (
        "DCGM exporter",
        &[
            ("DCGM_FI_DEV_SM_CLOCK", ""),
            ("DCGM_FI_DEV_GPU_TEMP", ""),
            ("DCGM_FI_DEV_POWER_USAGE", ""),
            ("DCGM_FI_DEV_GPU_UTIL", ""),
            ("DCGM_FI_DEV_XID_ERRORS", ""),
            ("DCGM_FI_DEV_MEM_CLOCK", "memory runs at one clock"),
            ("DCGM_FI_DEV_MEMORY_TEMP", "a board has one temperature"),
            ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "power is known at a moment, not over time"),
            ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "the bus does not err"),
            ("DCGM_FI_DEV_MEM_COPY_UTIL", "DCGM_FI_PROF_DRAM_ACTIVE has it as a share of what memory can do"),
            ("DCGM_FI_DEV_ENC_UTIL", "not used in serving"),
            ("DCGM_FI_DEV_DEC_UTIL", "not used in serving"),
            ("DCGM_FI_DEV_VGPU_LICENSE_STATUS", "not used in serving"),
            (
                "DCGM_FI_DEV_FB_FREE",
                "vLLM takes its share of memory when it starts, so that these would never move; vllm:kv_cache_usage_perc tells what is in it",
            ),
            (
                "DCGM_FI_DEV_FB_USED",
                "vLLM takes its share of memory when it starts, so that these would never move; vllm:kv_cache_usage_perc tells what is in it",
            ),
            (
                "DCGM_FI_DEV_FB_RESERVED",
                "vLLM takes its share of memory when it starts, so that these would never move; vllm:kv_cache_usage_perc tells what is in it",
            ),
            ("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "links between ranks are part of a step, without counters"),
            (
                "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL",
                "links between ranks are part of a step, without counters",
            ),
            ("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "links between ranks are part of a step, without counters"),
            ("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "no row is remapped"),
            ("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "no row is remapped"),
            ("DCGM_FI_DEV_ROW_REMAP_FAILURE", "no row is remapped"),
            ("DCGM_FI_DEV_RETIRED_SBE", "no row is remapped"),
            ("DCGM_FI_DEV_RETIRED_DBE", "no row is remapped"),
            ("DCGM_FI_DEV_RETIRED_PENDING", "no row is remapped"),
            (
                "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL",
                "off by default, and off here: an error that cannot be corrected is an Xid",
            ),
            (
                "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL",
                "off by default, and off here: an error that cannot be corrected is an Xid",
            ),
            ("DCGM_FI_DEV_POWER_VIOLATION", "off by default, and off here: DCGM_FI_DEV_SM_CLOCK falls"),
            ("DCGM_FI_DEV_THERMAL_VIOLATION", "off by default, and off here: DCGM_FI_DEV_SM_CLOCK falls"),
            ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", ""),
            ("DCGM_FI_PROF_DRAM_ACTIVE", ""),
            ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM_FI_DEV_GPU_UTIL has it in per cent"),
            ("DCGM_FI_PROF_PCIE_TX_BYTES", "the bus is part of a load from host memory, without counters"),
            ("DCGM_FI_PROF_PCIE_RX_BYTES", "the bus is part of a load from host memory, without counters"),
            ("DCGM_FI_PROF_SM_ACTIVE", "off by default, and off here"),
            ("DCGM_FI_PROF_SM_OCCUPANCY", "off by default, and off here"),
            ("DCGM_EXP_XID_ERRORS_COUNT", "off by default, and off here"),
            ("DCGM_EXP_CLOCK_EVENTS_COUNT", "off by default, and off here"),
            ("DCGM_EXP_GPU_HEALTH_STATUS", "off by default, and off here"),
        ],
    ),
    (
        "Envoy",
        &[
            ("envoy_cluster_upstream_rq_total", ""),
            ("envoy_cluster_upstream_rq_time", ""),
            ("envoy_cluster_upstream_rq_timeout", ""),
            ("envoy_cluster_upstream_rq_per_try_timeout", ""),
            ("envoy_cluster_upstream_rq_retry", ""),
            ("envoy_cluster_upstream_rq_retry_overflow", ""),
            ("envoy_cluster_upstream_cx_connect_fail", ""),
            ("envoy_cluster_membership_healthy", ""),
            ("envoy_cluster_membership_total", ""),
            (
                "envoy_cluster_upstream_rq_xx",
                "statuses are counted where the client sees them: envoy_http_downstream_rq_xx",
            ),
            (
                "envoy_cluster_upstream_rq",
                "statuses are counted where the client sees them: envoy_http_downstream_rq_xx",
            ),
            ("envoy_cluster_upstream_rq_active", "not counted by pool; envoy_http_downstream_rq_active is by gateway"),
            (
                "envoy_cluster_upstream_rq_pending_active",
                "calls to replicas do not wait for connections, and no breaker counts them",
            ),
            (
                "envoy_cluster_upstream_rq_pending_overflow",
                "calls to replicas do not wait for connections, and no breaker counts them",
            ),
            (
                "envoy_cluster_upstream_cx_active",
                "calls to replicas do not wait for connections, and no breaker counts them",
            ),
            (
                "envoy_cluster_upstream_cx_overflow",
                "calls to replicas do not wait for connections, and no breaker counts them",
            ),
            (
                "envoy_cluster_circuit_breakers_default_rq_open",
                "calls to replicas do not wait for connections, and no breaker counts them",
            ),
            ("envoy_cluster_upstream_rq_retry_success", "which retry succeeded is not counted"),
            ("envoy_cluster_upstream_cx_connect_timeout", "counted with envoy_cluster_upstream_cx_connect_fail"),
            (
                "envoy_cluster_outlier_detection_ejections_active",
                "no outliers are ejected; probes take replicas out, and envoy_cluster_membership_healthy falls",
            ),
            ("envoy_cluster_health_check_failure", "probes are judged, not counted"),
            ("envoy_http_downstream_rq_total", ""),
            ("envoy_http_downstream_rq_xx", ""),
            ("envoy_http_downstream_rq_time", ""),
            ("envoy_http_downstream_cx_active", ""),
            ("envoy_server_live", ""),
        ],
    ),
    (
        "Processes",
        &[
            ("process_resident_memory_bytes", ""),
            ("process_start_time_seconds", ""),
            ("process_cpu_seconds_total", "api_loop_busy_seconds_total has the one thread that matters"),
            ("process_virtual_memory_bytes", "not in the model"),
            ("process_open_fds", "not in the model"),
            ("process_max_fds", "not in the model"),
            ("go_goroutines", "no service here is written in Go"),
            ("go_threads", "no service here is written in Go"),
            ("go_gc_duration_seconds", "no service here is written in Go"),
            ("go_memstats_heap_inuse_bytes", "no service here is written in Go"),
            ("go_memstats_alloc_bytes_total", "no service here is written in Go"),
            ("go_info", "no service here is written in Go"),
            ("python_gc_collections_total", "the garbage of interpreters is not in the model"),
            ("python_info", "the garbage of interpreters is not in the model"),
        ],
    ),
    (
        "Machines",
        &[
            ("node_memory_MemAvailable_bytes", ""),
            ("node_memory_MemTotal_bytes", ""),
            ("node_cpu_seconds_total", "machines have memory and accelerators, and no more that can be measured"),
            (
                "node_disk_io_time_seconds_total",
                "machines have memory and accelerators, and no more that can be measured",
            ),
            ("node_filesystem_avail_bytes", "machines have memory and accelerators, and no more that can be measured"),
            ("node_timex_offset_seconds", "machines have memory and accelerators, and no more that can be measured"),
            (
                "node_network_receive_bytes_total",
                "paths have no counters at their ends; envoy_http_downstream_cx_rx_bytes_total has what clients send",
            ),
            (
                "node_network_transmit_bytes_total",
                "paths have no counters at their ends; envoy_http_downstream_cx_rx_bytes_total has what clients send",
            ),
            (
                "node_network_receive_errs_total",
                "paths have no counters at their ends; envoy_http_downstream_cx_rx_bytes_total has what clients send",
            ),
            (
                "node_network_transmit_errs_total",
                "paths have no counters at their ends; envoy_http_downstream_cx_rx_bytes_total has what clients send",
            ),
            (
                "node_network_receive_drop_total",
                "paths have no counters at their ends; envoy_http_downstream_cx_rx_bytes_total has what clients send",
            ),
            (
                "node_network_transmit_drop_total",
                "paths have no counters at their ends; envoy_http_downstream_cx_rx_bytes_total has what clients send",
            ),
            ("node_netstat_Tcp_RetransSegs", "lost packets show as time, and are not counted at a machine"),
            ("node_infiniband_port_data_received_bytes_total", "no InfiniBand"),
            ("node_infiniband_port_data_transmitted_bytes_total", "no InfiniBand"),
            ("node_infiniband_link_downed_total", "no InfiniBand"),
            ("node_infiniband_symbol_error_total", "no InfiniBand"),
        ],
    ),
    (
        "Orchestrator and monitoring",
        &[
            ("kube_pod_status_phase", ""),
            ("kube_pod_container_status_restarts_total", ""),
            ("kube_pod_container_status_last_terminated_reason", ""),
            ("kube_deployment_spec_replicas", ""),
            ("kube_deployment_status_replicas_available", ""),
            ("kube_node_status_condition", "a machine that is out of service is told by `get nodes`"),
            (
                "container_memory_working_set_bytes",
                "node_memory_MemAvailable_bytes has it for replicas, process_resident_memory_bytes for gateways",
            ),
            ("container_cpu_cfs_throttled_periods_total", "no limits on processors"),
            ("up", ""),
            ("scrape_duration_seconds", ""),
            ("ALERTS", ""),
            ("ALERTS_FOR_STATE", ""),
        ],
    ),
    (
        "OpenTelemetry",
        &[
            ("http_client_request_duration_seconds", ""),
            ("gen_ai_client_operation_duration_seconds", ""),
            ("gen_ai_client_operation_time_to_first_chunk_seconds", ""),
            (
                "http_server_request_duration_seconds",
                "the gateway speaks as Envoy does: envoy_http_downstream_rq_time and envoy_http_downstream_rq_active",
            ),
            (
                "http_server_active_requests",
                "the gateway speaks as Envoy does: envoy_http_downstream_rq_time and envoy_http_downstream_rq_active",
            ),
            ("gen_ai_client_token_usage", "rows of requests have the tokens"),
            (
                "gen_ai_client_operation_time_per_output_chunk",
                "vllm:inter_token_latency_seconds has it where tokens are made",
            ),
            ("gen_ai_server_request_duration_seconds", "vLLM has them under its own names"),
            ("gen_ai_server_time_to_first_token_seconds", "vLLM has them under its own names"),
            ("gen_ai_server_time_per_output_token_seconds", "vLLM has them under its own names"),
            (
                "gen_ai_invoke_agent_duration_seconds",
                "what agents do between requests is a span of time to us, and no program reports it",
            ),
            (
                "gen_ai_execute_tool_duration_seconds",
                "what agents do between requests is a span of time to us, and no program reports it",
            ),
            ("hw_gpu_utilization", "DCGM has them under its own names"),
            ("hw_gpu_memory_usage", "DCGM has them under its own names"),
            ("hw_errors", "DCGM has them under its own names"),
        ],
    ),
];
