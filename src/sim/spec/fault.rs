//! Faults: mechanisms broken on purpose. Each changes the state of one component; what follows is up to the world.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::client::ClientPolicy;
use crate::sim::spec::stack::{Balance, RouterPolicy};
use crate::sim::time::SimDuration;
use crate::sim::workload::Tier;

/// A mechanism broken on purpose (or changed by somebody who meant well).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Fault {
    // clients
    /// A release of a client program with other settings reaches a share of its hosts, at once or little by little.
    ClientRelease {
        /// Client program.
        client: String,
        /// New settings.
        policy: ClientPolicy,
        /// Share of hosts that take it.
        #[serde(default = "one")]
        #[schemars(range(min = 0, max = 1))]
        share: f64,
        /// Time over which they take it, in twenty equal parts.
        #[serde(default)]
        over_s: SimDuration,
    },

    // network
    /// Packets are lost on one hop, on one of its paths or on all.
    LinkLoss {
        /// Which hop.
        hop: Hop,
        /// Share of packets lost.
        #[schemars(range(min = 0, max = 1))]
        loss: f64,
        /// The path that loses; none: all.
        #[serde(default)]
        path: Option<u16>,
    },
    /// A hop becomes slower.
    LinkLatency {
        /// Which hop.
        hop: Hop,
        /// Added to each one-way trip.
        added_s: SimDuration,
    },
    /// Each path of a hop carries less (or, without a number, as much as anybody asks).
    LinkCapacity {
        /// Which hop.
        hop: Hop,
        /// In GB/s.
        #[schemars(range(min = 0.000001, max = 1000000))]
        gb_per_s: Option<f64>,
    },
    /// The name of the service points at an address where nobody listens; hosts notice as their records expire.
    NameRecordWrong,
    /// The certificate of a hop ends: connections that stand live on, new ones fail. How soon all do is how soon connections
    /// are made anew: by age, and wherever a process at either end restarts.
    CertificateExpires {
        /// Which hop.
        hop: Hop,
    },
    /// The balancer's idle time-out and keep-alive.
    IdleTimeout {
        /// Cut after so long without a byte.
        timeout_s: SimDuration,
        /// Keep-alive comments on silent streams.
        #[serde(default)]
        keepalive: bool,
    },
    /// How long connections live and how new ones are placed.
    ConnectionRules {
        /// Closed and made anew after so long.
        max_age_s: SimDuration,
        /// Placement.
        balance: Balance,
    },

    // API layer
    /// A shard of the auth cache stops answering.
    AuthShardDown {
        /// Its number.
        shard: u16,
    },
    /// The store behind the auth cache becomes slower by a factor.
    AuthStoreSlow {
        /// Times slower.
        #[schemars(range(min = 1))]
        factor: f64,
    },
    /// The image decoder's table and the order of checks.
    ImageDecoder {
        /// Images beyond which it throws.
        decoder_table: u32,
        /// Whether the limit is checked before anything is decoded.
        limit_checked_first: bool,
        /// The limit.
        limit: u32,
    },
    /// A flag turns on a code path that fails for a share of requests: 500, with a stack trace.
    BadFlag {
        /// Name of the flag.
        flag: String,
        /// Share of requests that take the path.
        #[schemars(range(min = 0, max = 1))]
        share: f64,
        /// Only requests in this language take it; none: all.
        #[serde(default)]
        language: Option<String>,
    },
    /// A check, filter or tokenizer is called on the loop thread of every gateway, and not beside it.
    GatewayLoop {
        /// Loop time of a request.
        per_request_s: SimDuration,
        /// And of each token of its prompt, in microseconds.
        #[serde(default)]
        #[schemars(range(min = 0))]
        us_per_token: f64,
    },
    /// Worker threads of every gateway.
    GatewayWorkers {
        /// New number.
        #[schemars(range(min = 1))]
        workers: u32,
    },
    /// Memory of a gateway.
    GatewayMemory {
        /// Limit in MiB.
        limit_mib: f64,
        /// Per request in flight, in MiB.
        per_request_mib: f64,
        /// Per token of an answer that has begun to stream, in KiB.
        #[serde(default)]
        #[schemars(range(min = 0))]
        per_streamed_token_kib: f64,
    },
    /// A limit per account for a tier.
    RateLimit {
        /// Whose.
        tier: Tier,
        /// Requests per minute.
        requests_per_min: f64,
        /// Prompt tokens per minute.
        tokens_per_min: f64,
    },
    /// The gateway's retries.
    GatewayRetries {
        /// Extra tries.
        retries: u8,
        /// Time-out of one try.
        #[serde(default)]
        per_try_timeout_s: Option<SimDuration>,
        /// Budget as a share of requests in flight; 1 or more: none.
        #[serde(default = "one")]
        budget: f64,
    },
    /// A hop loses cancellations.
    CancellationLost {
        /// Client to gateway.
        #[serde(default)]
        client_to_gateway: bool,
        /// Gateway to engine.
        #[serde(default)]
        gateway_to_engine: bool,
    },

    // serving
    /// The routing rule.
    Router {
        /// Pool.
        pool: String,
        /// New rule.
        policy: RouterPolicy,
    },
    /// The router's view of load stops being refreshed so often.
    RouterViewStale {
        /// Pool.
        pool: String,
        /// New interval.
        interval_s: SimDuration,
    },
    /// A replica answers 500 within milliseconds while its process looks alive.
    FailFast {
        /// Pool.
        pool: String,
        /// Replica's place in the pool, from 0.
        replica: u16,
    },
    /// A replica's process dies and starts again.
    ReplicaCrash {
        /// Pool.
        pool: String,
        /// Replica's place in the pool, from 0.
        replica: u16,
    },
    /// Each request leaves memory behind on its replica's host; a new process begins without.
    HostMemoryLeak {
        /// Pool.
        pool: String,
        /// Replica's place in the pool; none: all.
        #[serde(default)]
        replica: Option<u16>,
        /// MiB left behind by each request.
        #[schemars(range(min = 0, max = 1000000))]
        mib_per_request: f64,
    },
    /// Replicas are gone (cordoned machines, a loan) until somebody brings them back.
    ReplicasRemoved {
        /// Pool.
        pool: String,
        /// How many.
        #[schemars(range(min = 1))]
        count: u16,
    },
    /// Token budget and chunking of an engine.
    EngineBatching {
        /// Pool.
        pool: String,
        /// Tokens of one step.
        #[schemars(range(min = 1))]
        max_num_batched_tokens: u32,
    },
    /// Fewer or more cache blocks in each replica.
    CacheBlocks {
        /// Pool.
        pool: String,
        /// Blocks of high-bandwidth memory.
        #[schemars(range(min = 8))]
        kv_blocks: u32,
    },
    /// Answers become longer by a factor (a default was raised).
    LongerAnswers {
        /// Pool.
        pool: String,
        /// Times longer.
        #[schemars(range(min = 0.1, max = 100))]
        factor: f64,
    },
    /// What survives when a request is cancelled in the middle of its prefill.
    AbortRule {
        /// Pool.
        pool: String,
        /// Its blocks are kept as computed; otherwise discarded.
        keep: bool,
    },
    /// Every step of the engine waits for the host by so much (a schema compiles, a logger flushes).
    HostStall {
        /// Pool.
        pool: String,
        /// Replica's place in the pool; none: all.
        #[serde(default)]
        replica: Option<u16>,
        /// Added to each step.
        added_s: SimDuration,
    },
    /// Prompts take longer to tokenize by a factor.
    TokenizerSlow {
        /// Pool.
        pool: String,
        /// Times slower.
        #[schemars(range(min = 1))]
        factor: f64,
    },

    // accelerators
    /// One accelerator's clock falls to a share.
    GpuClock {
        /// Pool.
        pool: String,
        /// Replica's place in the pool; none: all.
        #[serde(default)]
        replica: Option<u16>,
        /// Rank in the replica; none: all.
        #[serde(default)]
        gpu: Option<u8>,
        /// Share of the normal clock.
        #[schemars(range(min = 0.05, max = 1))]
        clock: f64,
    },
    /// Memory of one accelerator becomes slower by a factor (row remapping, error correction).
    GpuMemory {
        /// Pool.
        pool: String,
        /// Replica's place in the pool.
        replica: u16,
        /// Rank.
        gpu: u8,
        /// Times slower.
        #[schemars(range(min = 1))]
        factor: f64,
    },
    /// Links between a replica's accelerators carry a share of their bandwidth.
    GpuLink {
        /// Pool.
        pool: String,
        /// Replica's place in the pool.
        replica: u16,
        /// Share of the bandwidth left.
        #[schemars(range(min = 0.01, max = 1))]
        bandwidth: f64,
    },
    /// One rank stops; the others wait for it, spinning.
    GpuHang {
        /// Pool.
        pool: String,
        /// Replica's place in the pool.
        replica: u16,
        /// Rank.
        gpu: u8,
        /// The collective's watchdog kills the replica after so long.
        watchdog_s: SimDuration,
    },
    /// One accelerator falls off the bus (Xid 79): the replica dies and its machine is cordoned.
    GpuLost {
        /// Pool.
        pool: String,
        /// Replica's place in the pool.
        replica: u16,
        /// Rank.
        gpu: u8,
    },
    /// Air at the inlet.
    Cooling {
        /// Degrees Celsius.
        inlet_c: f64,
    },

    // cache
    /// Everything in the shared tier is dropped once.
    CacheFlush,
    /// Entries found are dropped as invalid with a probability: the check that verifies them times out.
    CacheValidation {
        /// Share of look-ups whose entry is dropped.
        #[schemars(range(min = 0, max = 1))]
        invalid: f64,
    },
    /// Agents of the shared tier's nodes are restarted in turn, each silent for a while.
    CacheAgentRoll {
        /// How long each agent is silent.
        silent_s: SimDuration,
        /// From one to the next.
        every_s: SimDuration,
        /// Share of the nodes, in order.
        #[serde(default = "one")]
        #[schemars(range(min = 0, max = 1))]
        share: f64,
    },
    /// How long the controller of the shared tier waits before it replaces a silent node with an empty spare.
    CacheGrace {
        /// New patience.
        grace_s: SimDuration,
    },
    /// A node of the shared tier is gone.
    CacheNodeDown {
        /// Its number.
        node: u16,
    },
    /// Nodes of the shared tier send at a share of their bandwidth (somebody else uses the wire).
    CacheBandwidth {
        /// Share left.
        #[schemars(range(min = 0.0001, max = 1))]
        share: f64,
    },
    /// From now on each replica that starts picks its own key seed, so that nobody finds what another wrote.
    CacheKeySeed {
        /// Pool.
        pool: String,
        /// Whether all replicas restart with it at once, or as they restart.
        #[serde(default)]
        at_once: bool,
    },
    /// Entries of the shared tier expire after so long without use.
    CacheTtl {
        /// Time to live.
        ttl_s: SimDuration,
    },
    /// What an engine does when blocks cannot be loaded.
    LoadFailurePolicy {
        /// Pool.
        pool: String,
        /// The request fails; otherwise its tokens are computed.
        fail: bool,
    },

    // control loops
    /// A label of a scraped metric is renamed; queries that name it find nothing.
    MetricLabelRenamed {
        /// Old label.
        from: String,
        /// New label.
        to: String,
    },
    /// The exporters of a job do not answer: their series end.
    ExporterDown {
        /// The job, as its series are labelled.
        job: String,
        /// The pod whose exporter it is; none: all of the job.
        #[serde(default)]
        pod: Option<String>,
    },
    /// A share of scrapes leaves nothing behind: the monitoring system drops what it read.
    ScrapesLost {
        /// The job; none: all.
        #[serde(default)]
        job: Option<String>,
        /// Share of scrapes.
        #[schemars(range(min = 0, max = 1))]
        share: f64,
    },
    /// What was scraped can be found only later.
    ScrapeLag {
        /// How much later.
        lag_s: SimDuration,
    },
    /// The autoscaler's query is replaced.
    AutoscalerQuery {
        /// Pool.
        pool: String,
        /// New query.
        query: String,
    },
    /// Health checks of a pool: threshold and depth.
    Probes {
        /// Pool.
        pool: String,
        /// Failed probes before a replica leaves.
        threshold: u32,
        /// Whether a probe needs a token from the engine.
        deep: bool,
    },
    /// A new build of the serving software is rolled out replica by replica; each restarts and comes back cold.
    ServingRollout {
        /// Pool.
        pool: String,
        /// From one replica to the next.
        every_s: SimDuration,
        /// Share of replicas.
        #[serde(default = "one")]
        #[schemars(range(min = 0, max = 1))]
        share: f64,
    },
    /// A gateway build is rolled out: connections are closed and made anew, one gateway after the other.
    GatewayRollout {
        /// From one gateway to the next.
        every_s: SimDuration,
    },
    /// Something that leaves a trace in the change log and touches nothing else.
    Benign {
        /// What the change log says.
        what: String,
    },
}

fn one() -> f64 {
    1.0
}

/// A hop of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Hop {
    /// Client to gateway.
    Edge,
    /// Gateway to replica.
    Serving,
}
