//! The stack as data: clients, network, API layer, serving pools, accelerators, cache tiers, control loops.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::client::ClientPolicy;
use crate::sim::serving::step_time::StepCost;
use crate::sim::spec::base::Base;
use crate::sim::time::SimDuration;

/// One cell of a fleet that serves language models.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StackSpec {
    /// The preset it starts from.
    #[serde(default, skip_serializing_if = "Base::is_none")]
    pub base: Base,
    /// Client programs: SDK and version, and how they retry.
    #[schemars(length(min = 1))]
    pub clients: Vec<ClientSpec>,
    /// Names, connections, links and certificates between clients and gateways.
    #[serde(default)]
    pub network: NetworkSpec,
    /// The API layer.
    #[serde(default)]
    pub api: ApiSpec,
    /// Pools of serving replicas, one model each.
    #[schemars(length(min = 1))]
    pub pools: Vec<PoolSpec>,
    /// Spare machines and how long a replica takes to come up.
    #[serde(default)]
    pub fleet: FleetSpec,
    /// The cache tier that replicas share, if there is one.
    #[serde(default)]
    pub shared_cache: Option<SharedCacheSpec>,
    /// How metrics are scraped for the control loops.
    #[serde(default)]
    pub monitoring: MonitoringSpec,
    /// Machine rooms: ambient temperature and cooling.
    #[serde(default)]
    pub facility: FacilitySpec,
}

/// A client program: an SDK at a version, with its settings.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSpec {
    /// How sources name it, as in `anthropic-python`.
    pub name: String,
    /// Version as it reports itself.
    #[serde(default)]
    pub version: String,
    /// Time-outs, retries, back-off, patience.
    #[serde(default)]
    pub policy: ClientPolicy,
    /// Machines on which it runs: each has its own name cache and connections.
    #[serde(default = "default_hosts")]
    #[schemars(range(min = 1, max = 100_000))]
    pub hosts: u32,
}

fn default_hosts() -> u32 {
    64
}

/// Between clients and gateways.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkSpec {
    /// Client to load balancer, one way.
    pub edge: LinkSpec,
    /// Gateway to replica, one way.
    pub serving: LinkSpec,
    /// How long a client host trusts an answer of the name service.
    pub name_ttl_s: SimDuration,
    /// A connection without a byte for so long is cut by the load balancer (60 s is the default of many).
    pub idle_timeout_s: SimDuration,
    /// Whether gateways send keep-alive comments on silent streams, which keeps the balancer's timer from running.
    pub stream_keepalive: bool,
    /// A client's connection is closed and made anew after so long.
    pub connection_max_age_s: SimDuration,
    /// The same for a gateway's connection to a replica.
    pub serving_connection_max_age_s: SimDuration,
    /// How a new connection chooses a gateway.
    pub balance: Balance,
    /// Connections that each client host keeps open.
    #[schemars(range(min = 1, max = 1000))]
    pub connections_per_host: u32,
    /// How often gateways are probed.
    pub probe_interval_s: SimDuration,
    /// A probe that a gateway has not answered within this has failed (Kubernetes' default is 1 s).
    pub probe_timeout_s: SimDuration,
    /// Failed probes before a gateway leaves the balancer, and good ones before it returns.
    pub probe_threshold: u32,
}

impl Default for NetworkSpec {
    fn default() -> Self {
        NetworkSpec {
            edge: LinkSpec {
                latency_s: SimDuration::from_millis(18),
                jitter_s: SimDuration::from_millis(4),
                ..LinkSpec::default()
            },
            serving: LinkSpec { latency_s: SimDuration::from_micros(300), ..LinkSpec::default() },
            name_ttl_s: SimDuration::from_secs(60),
            idle_timeout_s: SimDuration::from_secs(300),
            stream_keepalive: false,
            connection_max_age_s: SimDuration::from_secs(3600),
            serving_connection_max_age_s: SimDuration::from_secs(3600),
            balance: Balance::LeastConnections,
            connections_per_host: 4,
            probe_interval_s: SimDuration::from_secs(5),
            probe_timeout_s: SimDuration::from_secs(1),
            probe_threshold: 3,
        }
    }
}

/// How a new connection chooses among gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Balance {
    /// In turn.
    RoundRobin,
    /// The one with the fewest connections.
    LeastConnections,
}

impl std::fmt::Display for Balance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Balance::RoundRobin => "round-robin",
            Balance::LeastConnections => "least-connections",
        })
    }
}

/// A hop.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinkSpec {
    /// One-way latency.
    pub latency_s: SimDuration,
    /// Mean of the exponential jitter that is added.
    pub jitter_s: SimDuration,
    /// Share of packets lost.
    #[schemars(range(min = 0, max = 1))]
    pub loss: f64,
    /// Parallel paths; a flow keeps to one, chosen by hash.
    #[schemars(range(min = 1, max = 64))]
    pub paths: u16,
    /// What each path carries towards the service, in GB/s, shared by the requests on it; none: more than is ever asked.
    #[schemars(range(min = 0.000001, max = 1000000))]
    pub gb_per_s: Option<f64>,
}

impl Default for LinkSpec {
    fn default() -> Self {
        LinkSpec {
            latency_s: SimDuration::from_millis(1),
            jitter_s: SimDuration::from_micros(100),
            loss: 0.0,
            paths: 1,
            gb_per_s: None,
        }
    }
}

/// The API layer: gateways and what they ask.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiSpec {
    /// Gateway replicas.
    #[schemars(range(min = 1, max = 1000))]
    pub gateways: u16,
    /// Worker threads of each.
    #[schemars(range(min = 1, max = 10_000))]
    pub workers: u32,
    /// Requests that may wait for a worker; beyond that 503.
    pub backlog: u32,
    /// Mean CPU time of parsing and checking a request.
    pub parse_s: SimDuration,
    /// Time for which each request holds the gateway's loop thread. All that passes the gateway waits for that thread:
    /// requests, answers, new connections, probes and scrapes.
    pub loop_s: SimDuration,
    /// The same per token of the prompt, in microseconds: a tokenizer or a filter that is called on the loop.
    #[schemars(range(min = 0))]
    pub loop_us_per_token: f64,
    /// Loop time of a client's new connection: the handshake.
    pub handshake_s: SimDuration,
    /// Memory of a gateway before any request, in MiB.
    pub memory_base_mib: f64,
    /// Memory of each open client connection, in MiB.
    pub memory_per_connection_mib: f64,
    /// Memory of each request in flight (buffers, transcript), in MiB.
    pub memory_per_request_mib: f64,
    /// Memory that is set aside for each token of an answer when it begins to stream (transcript, moderation), in KiB.
    #[schemars(range(min = 0))]
    pub memory_per_streamed_token_kib: f64,
    /// Beyond this the kernel kills the gateway.
    pub memory_limit_mib: f64,
    /// Time from a kill to accepting connections again.
    pub restart_s: SimDuration,
    /// Who is asking: cached answers in shards, a slower back end behind them.
    pub auth: AuthSpec,
    /// Requests and tokens per minute by tier.
    pub limits: Vec<LimitSpec>,
    /// Image decoding.
    pub images: ImageSpec,
    /// The gateway's own retries towards replicas.
    pub retry: GatewayRetrySpec,
    /// A replica that has sent no token for so long is given up: 504.
    pub upstream_timeout_s: SimDuration,
    /// Which hops pass on that a client has gone.
    pub cancellation: CancellationSpec,
}

impl Default for ApiSpec {
    fn default() -> Self {
        ApiSpec {
            gateways: 6,
            workers: 64,
            backlog: 1024, // Envoy's default of pending requests
            parse_s: SimDuration::from_millis(2),
            loop_s: SimDuration::ZERO,
            loop_us_per_token: 0.0,
            handshake_s: SimDuration::ZERO,
            memory_base_mib: 350.0,
            memory_per_connection_mib: 0.06,
            memory_per_request_mib: 0.8,
            memory_per_streamed_token_kib: 0.0,
            memory_limit_mib: 2048.0,
            restart_s: SimDuration::from_secs(25),
            auth: AuthSpec::default(),
            limits: Vec::new(),
            images: ImageSpec::default(),
            retry: GatewayRetrySpec::default(),
            upstream_timeout_s: SimDuration::from_secs(600),
            cancellation: CancellationSpec::default(),
        }
    }
}

/// The sharded cache of credentials and the store behind it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSpec {
    /// Shards; an account's shard is a hash of it modulo this.
    #[schemars(range(min = 1, max = 1024))]
    pub shards: u16,
    /// Entries of a shard.
    pub shard_entries: u32,
    /// How long an entry is trusted.
    pub ttl_s: SimDuration,
    /// Time of a look-up that a shard answers.
    pub lookup_s: SimDuration,
    /// How long a look-up waits for a shard that does not answer.
    pub lookup_timeout_s: SimDuration,
    /// Connections of the store behind the cache.
    #[schemars(range(min = 1, max = 10_000))]
    pub store_connections: u32,
    /// Mean time of a query there.
    pub store_query_s: SimDuration,
    /// Beyond this a request is refused: 503.
    pub timeout_s: SimDuration,
}

impl Default for AuthSpec {
    fn default() -> Self {
        AuthSpec {
            shards: 8,
            shard_entries: 50_000,
            ttl_s: SimDuration::from_secs(300),
            lookup_s: SimDuration::from_micros(400),
            lookup_timeout_s: SimDuration::from_millis(250),
            store_connections: 8,
            store_query_s: SimDuration::from_millis(12),
            timeout_s: SimDuration::from_secs(2),
        }
    }
}

/// A limit by tier, per account.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitSpec {
    /// Whose.
    pub tier: crate::sim::workload::Tier,
    /// Requests per minute; bursts of ten seconds' worth pass.
    #[schemars(range(min = 0.0))]
    pub requests_per_min: f64,
    /// Prompt tokens per minute.
    #[schemars(range(min = 0.0))]
    pub tokens_per_min: f64,
}

/// Image decoding before a prompt reaches the model.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageSpec {
    /// CPU workers of each gateway that decode.
    #[schemars(range(min = 1, max = 1000))]
    pub workers: u32,
    /// Fixed time per image.
    pub per_image_s: SimDuration,
    /// Time per megapixel.
    pub per_megapixel_s: SimDuration,
    /// More images than this in one request are refused: 400.
    pub limit: u32,
    /// Whether the limit is checked before anything is decoded. If not, the decoder meets what it was never tested with.
    pub limit_checked_first: bool,
    /// Images beyond which the decoder's table overflows and throws: 500.
    pub decoder_table: u32,
}

impl Default for ImageSpec {
    fn default() -> Self {
        ImageSpec {
            workers: 8,
            per_image_s: SimDuration::from_millis(6),
            per_megapixel_s: SimDuration::from_millis(14),
            limit: 20,
            limit_checked_first: true,
            decoder_table: 20,
        }
    }
}

/// The gateway's retries towards replicas.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayRetrySpec {
    /// Extra tries after a failure before the first token.
    #[schemars(range(min = 0, max = 10))]
    pub retries: u8,
    /// Give up a try without a first token after so long and take another replica; none: only [`ApiSpec::upstream_timeout_s`].
    pub per_try_timeout_s: Option<SimDuration>,
    /// Retries in flight as a share of requests in flight; above it, none (Envoy's budget default is 0.2).
    #[schemars(range(min = 0, max = 1))]
    pub budget: f64,
    /// Retries in flight that are always allowed.
    pub budget_floor: u32,
}

impl Default for GatewayRetrySpec {
    fn default() -> Self {
        GatewayRetrySpec { retries: 1, per_try_timeout_s: None, budget: 0.2, budget_floor: 3 }
    }
}

/// Which hops pass on that a client has gone.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CancellationSpec {
    /// The gateway learns that a client has closed its stream.
    pub client_to_gateway: bool,
    /// The engine learns that the gateway has given up.
    pub gateway_to_engine: bool,
}

impl Default for CancellationSpec {
    fn default() -> Self {
        CancellationSpec { client_to_gateway: true, gateway_to_engine: true }
    }
}

/// A pool: replicas of one model behind one router.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolSpec {
    /// Name of the pool.
    pub name: String,
    /// Model that it serves; sources ask for models by this name.
    pub model: String,
    /// Replicas at the beginning.
    #[schemars(range(min = 1, max = 2000))]
    pub replicas: u16,
    /// Step time: a preset by name, or the numbers themselves.
    pub hardware: Hardware,
    /// Accelerators of one replica (tensor-parallel ranks).
    #[serde(default = "default_gpus")]
    #[schemars(range(min = 1, max = 64))]
    pub gpus: u8,
    /// Bytes of cache per token, over all layers.
    #[schemars(range(min = 1))]
    pub kv_bytes_per_token: u64,
    /// Blocks of high-bandwidth memory for the cache. An input, never derived.
    #[schemars(range(min = 8))]
    pub kv_blocks: u32,
    /// Tokens of a block.
    #[serde(default = "default_block")]
    #[schemars(range(min = 1, max = 4096))]
    pub block_tokens: u32,
    /// Blocks of host memory for the cache; 0 for none.
    #[serde(default)]
    pub host_blocks: u32,
    /// Memory that a replica's processes take before any request, in GiB, the host tier of the cache not counted.
    #[serde(default = "default_host_base")]
    #[schemars(range(min = 0, max = 100000))]
    pub host_base_gib: f64,
    /// Memory of the replica's container, in GiB; beyond it the kernel kills the process, which starts again, cold.
    #[serde(default = "default_host_limit")]
    #[schemars(range(min = 0.1, max = 100000))]
    pub host_limit_gib: f64,
    /// Host memory to accelerator, in GB/s.
    #[serde(default = "default_host_gbps")]
    #[schemars(range(min = 0.01))]
    pub host_gb_per_s: f64,
    /// Network to the shared cache tier, in GB/s.
    #[serde(default = "default_nic_gbps")]
    #[schemars(range(min = 0.01))]
    pub nic_gb_per_s: f64,
    /// Longest prompt and answer together, in tokens; a longer prompt is refused: 400. Never more than the cache holds.
    #[serde(default = "default_context")]
    #[schemars(range(min = 16))]
    pub max_model_len: u32,
    /// Sequences that run together.
    #[serde(default = "default_seats")]
    #[schemars(range(min = 1, max = 65_536))]
    pub max_num_seqs: u32,
    /// Tokens of one step.
    #[serde(default = "default_budget")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_num_batched_tokens: u32,
    /// Requests that may wait in a replica; beyond that 529 overloaded.
    #[serde(default = "default_queue")]
    pub max_waiting: u32,
    /// What survives when a request is cancelled in the middle of its prefill: its blocks, or nothing.
    #[serde(default = "yes")]
    pub keep_aborted_prefill: bool,
    /// What happens when blocks cannot be loaded from a lower tier.
    #[serde(default)]
    pub load_failure: LoadFailure,
    /// A load from a lower tier that takes longer is given up and the tokens are computed; none: wait for ever.
    #[serde(default)]
    pub load_timeout_s: Option<SimDuration>,
    /// Tokenizer threads of a replica.
    #[serde(default = "default_tokenizers")]
    #[schemars(range(min = 1, max = 1024))]
    pub tokenizer_threads: u32,
    /// Tokenizer time per prompt token, in microseconds (text that was cached is tokenized all the same).
    #[serde(default = "default_tokenize_us")]
    #[schemars(range(min = 0))]
    pub tokenize_us_per_token: f64,
    /// Host time that a request with log probabilities adds to every step in which it takes part, in microseconds.
    #[serde(default = "default_logprobs_us")]
    #[schemars(range(min = 0, max = 1000000))]
    pub logprobs_us: f64,
    /// The same of a request whose answer has to fit a schema: its mask of allowed tokens.
    #[serde(default = "default_schema_us")]
    #[schemars(range(min = 0, max = 1000000))]
    pub schema_us: f64,
    /// How requests find a replica.
    #[serde(default)]
    pub router: RouterSpec,
    /// How the pool grows and shrinks.
    #[serde(default)]
    pub autoscaler: Option<AutoscalerSpec>,
}

fn default_gpus() -> u8 {
    8
}
fn default_block() -> u32 {
    16
}
// One interpreter and its CUDA context for each of eight ranks, beside staging buffers; 2 TiB is what machines of eight
// accelerators are sold with.
fn default_host_base() -> f64 {
    48.0
}
fn default_host_limit() -> f64 {
    1800.0
}
fn default_host_gbps() -> f64 {
    50.0
}
fn default_nic_gbps() -> f64 {
    40.0
}
fn default_context() -> u32 {
    131_072
}
fn default_seats() -> u32 {
    256
}
fn default_budget() -> u32 {
    8192
}
fn default_queue() -> u32 {
    2048
}
fn default_tokenizers() -> u32 {
    8
}
fn default_tokenize_us() -> f64 {
    1.2
}
// Our estimates: sorting a vocabulary of 128,000 for the best few, and filling and moving a mask of as many bits.
fn default_logprobs_us() -> f64 {
    60.0
}
fn default_schema_us() -> f64 {
    120.0
}
fn yes() -> bool {
    true
}

impl PoolSpec {
    /// Memory of a replica without what requests leave behind, in MiB: its processes and the host tier of the cache.
    pub fn host_memory_mib(&self) -> f64 {
        let tier = f64::from(self.host_blocks) * f64::from(self.block_tokens) * self.kv_bytes_per_token as f64;
        self.host_base_gib * 1024.0 + tier / (1024.0 * 1024.0)
    }

    /// Tokens of prompt and answer that a replica takes.
    pub fn context_window(&self) -> u32 {
        self.max_model_len.min(self.kv_blocks.saturating_mul(self.block_tokens))
    }
}

/// Step times of a model on a machine.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub enum Hardware {
    /// A measured preset, as in `llama-70b-bf16-h100-tp8`.
    Preset(String),
    /// The coefficients themselves.
    Custom(StepCost),
}

/// What happens when blocks cannot be loaded from a lower tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum LoadFailure {
    /// The tokens are computed.
    #[default]
    Recompute,
    /// The request fails: 500.
    Fail,
}

impl std::fmt::Display for LoadFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            LoadFailure::Recompute => "recompute",
            LoadFailure::Fail => "fail",
        })
    }
}

/// How requests find a replica.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RouterSpec {
    /// The rule.
    pub policy: RouterPolicy,
    /// What is hashed by the rules that hash.
    pub affinity: Affinity,
    /// How old the router's view of load and readiness may grow before it is refreshed.
    pub view_interval_s: SimDuration,
    /// Probe interval of the health checker in front of the pool.
    pub probe_interval_s: SimDuration,
    /// Failed probes before a replica leaves, and good ones before it returns.
    pub probe_threshold: u32,
    /// A probe that a replica has not answered within this has failed.
    pub probe_timeout_s: SimDuration,
    /// Whether probes, and scrapes, are answered by the thread that tokenizes, after the prompts that came before them.
    pub probe_behind_tokenizer: bool,
    /// Whether a probe needs a token from the engine (deep) or only an answer from the process (shallow).
    pub deep_probe: bool,
    /// Consecutive errors after which a replica is ejected for a while; 0: never.
    pub eject_after_errors: u32,
    /// For how long.
    pub eject_s: SimDuration,
}

impl Default for RouterSpec {
    fn default() -> Self {
        RouterSpec {
            policy: RouterPolicy::LeastLoaded,
            affinity: Affinity::Prefix,
            view_interval_s: SimDuration::from_millis(100),
            probe_interval_s: SimDuration::from_secs(5),
            probe_threshold: 3,
            probe_timeout_s: SimDuration::from_secs(1),
            probe_behind_tokenizer: false,
            deep_probe: false,
            eject_after_errors: 0,
            eject_s: SimDuration::from_secs(30),
        }
    }
}

/// A routing rule.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum RouterPolicy {
    /// In turn.
    RoundRobin,
    /// Fewest requests in flight, as this router counts them.
    LeastLoaded,
    /// Hash modulo the number of ready replicas.
    ModN,
    /// Hash on a ring; a replica that comes or goes moves only its share.
    ConsistentHash,
    /// Balanced once, when a gateway connects: its connections stay with their replicas, and a replica that is new gets
    /// no requests until somebody connects anew.
    Pinned {
        /// Connections of each gateway.
        connections: u32,
        /// A connection is closed and made anew after so long.
        max_age_s: SimDuration,
    },
    /// The replica believed to hold the longest prefix, unless load is uneven (SGLang's rule and defaults).
    CacheAware {
        /// Share of the prompt that must match.
        threshold: f64,
        /// Imbalance in requests that overrides the match, absolute.
        balance_abs: u32,
        /// Imbalance that overrides the match, as a ratio of most to least.
        balance_rel: f64,
    },
}

impl std::fmt::Display for RouterPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RouterPolicy::RoundRobin => f.write_str("round-robin"),
            RouterPolicy::LeastLoaded => f.write_str("least-loaded"),
            RouterPolicy::ModN => f.write_str("mod-n"),
            RouterPolicy::ConsistentHash => f.write_str("consistent-hash"),
            RouterPolicy::Pinned { connections, max_age_s } => {
                write!(
                    f,
                    "pinned, {connections} connections of each gateway, each for {:.0} s",
                    max_age_s.as_secs_f64()
                )
            }
            RouterPolicy::CacheAware { threshold, balance_abs, balance_rel } => write!(
                f,
                "cache-aware, from {:.0} % of a prompt on, unless loads are {balance_abs} requests and {balance_rel} times apart",
                threshold * 100.0
            ),
        }
    }
}

/// What the hashing rules hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Affinity {
    /// The first segment of the prompt (template).
    Prefix,
    /// The session or run, or the template where there is none.
    Session,
    /// The account.
    Account,
}

/// A control loop that sets a pool's size.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoscalerSpec {
    /// PromQL over what was scraped; its value over `target` is the number of replicas wanted.
    pub query: String,
    /// Value of the query that one replica should carry.
    #[schemars(range(min = 0.000001))]
    pub target: f64,
    /// Fewest replicas.
    #[schemars(range(min = 1))]
    pub min: u16,
    /// Most replicas.
    #[schemars(range(min = 1))]
    pub max: u16,
    /// How often it decides.
    #[serde(default = "default_autoscale")]
    pub interval_s: SimDuration,
    /// How long the wish must have been lower before it shrinks.
    #[serde(default = "default_down")]
    pub scale_down_after_s: SimDuration,
    /// Replicas added at most in one decision.
    #[serde(default = "default_step_up")]
    pub max_step: u16,
}

fn default_autoscale() -> SimDuration {
    SimDuration::from_secs(15)
}
fn default_down() -> SimDuration {
    SimDuration::from_secs(300)
}
fn default_step_up() -> u16 {
    4
}

/// Machines and how long a replica takes to come up.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FleetSpec {
    /// Free machines of the right kind. Beyond them a new replica stays pending.
    pub spare_nodes: u16,
    /// Machines lent to batch work, which can be taken back at its cost.
    pub batch_nodes: u16,
    /// From order to a scheduled, started container.
    pub schedule_s: SimDuration,
    /// Loading weights and warming up.
    pub load_weights_s: SimDuration,
    /// Spread of these times (sigma of the logarithm).
    pub spread: f64,
}

impl Default for FleetSpec {
    fn default() -> Self {
        FleetSpec {
            spare_nodes: 2,
            batch_nodes: 0,
            schedule_s: SimDuration::from_secs(40),
            load_weights_s: SimDuration::from_secs(170),
            spread: 0.15,
        }
    }
}

/// The cache tier that replicas share.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedCacheSpec {
    /// Nodes that hold blocks.
    #[schemars(range(min = 1, max = 1000))]
    pub nodes: u16,
    /// Empty nodes that stand by.
    #[serde(default)]
    pub spares: u16,
    /// Tokens that one node holds.
    #[schemars(range(min = 1))]
    pub node_tokens: u64,
    /// Tokens of a block of this tier.
    #[serde(default = "default_remote_block")]
    #[schemars(range(min = 1, max = 65_536))]
    pub block_tokens: u32,
    /// What one node can send, in GB/s.
    #[schemars(range(min = 0.001))]
    pub node_gb_per_s: f64,
    /// Time to set up a transfer.
    #[serde(default = "default_remote_setup")]
    pub setup_s: SimDuration,
    /// Entries untouched for so long expire; none: never.
    #[serde(default)]
    pub ttl_s: Option<SimDuration>,
    /// How the set of members is kept.
    #[serde(default)]
    pub controller: CacheControllerSpec,
}

fn default_remote_block() -> u32 {
    256
}
fn default_remote_setup() -> SimDuration {
    SimDuration::from_millis(3)
}

/// The controller of the shared tier: it watches the nodes' agents and replaces those that are gone.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheControllerSpec {
    /// How often it looks.
    pub interval_s: SimDuration,
    /// An agent silent for so long is gone, and a spare takes its place.
    pub grace_s: SimDuration,
    /// Whether it acts at all.
    pub enabled: bool,
}

impl Default for CacheControllerSpec {
    fn default() -> Self {
        CacheControllerSpec {
            interval_s: SimDuration::from_secs(2),
            grace_s: SimDuration::from_secs(120),
            enabled: true,
        }
    }
}

/// Jobs of the monitoring system, as the label `job` has them.
pub const JOBS: [&str; 7] = ["vllm", "dcgm", "gateway", "kv-cache", "node", "kube-state-metrics", "sdk"];

/// How metrics are scraped.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MonitoringSpec {
    /// Time between scrapes of a target.
    pub scrape_interval_s: SimDuration,
    /// A target that has not answered within this is down, as far as monitoring can tell (Prometheus' default is 10 s).
    pub scrape_timeout_s: SimDuration,
    /// From a scrape until what it brought can be found by a query.
    pub lag_s: SimDuration,
    /// Rules that page or file a ticket.
    pub alerts: Vec<AlertSpec>,
}

/// A rule over what was scraped.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertSpec {
    /// Its name.
    pub name: String,
    /// PromQL: it holds while this gives anything.
    pub expr: String,
    /// It fires when the expression has held for so long.
    #[serde(default)]
    pub for_s: SimDuration,
    /// Whom it wakes.
    pub severity: Severity,
    /// One line; names a symptom.
    pub summary: String,
    /// Id of a runbook in the archive.
    #[serde(default)]
    pub runbook: String,
}

/// Whom an alert wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub enum Severity {
    /// The person on call, now.
    Page,
    /// Whoever looks at the queue of tickets.
    Ticket,
}

impl Default for MonitoringSpec {
    fn default() -> Self {
        MonitoringSpec {
            scrape_interval_s: SimDuration::from_secs(15),
            scrape_timeout_s: SimDuration::from_secs(10),
            lag_s: SimDuration::ZERO,
            alerts: Vec::new(),
        }
    }
}

/// Machine rooms.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FacilitySpec {
    /// Air at the inlet, in degrees Celsius.
    pub inlet_c: f64,
    /// Watts of an accelerator without work.
    pub idle_w: f64,
    /// Watts of an accelerator at full work.
    pub busy_w: f64,
    /// Kelvin above inlet per watt.
    pub kelvin_per_w: f64,
    /// Above this clocks fall.
    pub throttle_c: f64,
    /// Share of the clock lost per kelvin above.
    pub clock_loss_per_k: f64,
}

impl Default for FacilitySpec {
    fn default() -> Self {
        // H100 SXM: 700 W, about 70 W idle; throttling in the high eighties.
        FacilitySpec {
            inlet_c: 24.0,
            idle_w: 75.0,
            busy_w: 650.0,
            kelvin_per_w: 0.075,
            throttle_c: 85.0,
            clock_loss_per_k: 0.04,
        }
    }
}
