//! The records of a world: what lives in its slabs and tables.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::metrics::histogram::Histogram;

use crate::sim::client::{ClientPolicy, Outcome};
use crate::sim::connection::ConnectionPool;
use crate::sim::health::Health;
use crate::sim::ids::{AccountId, ClientId, GatewayId, ModelId, PoolId, ReplicaId, SourceId};
use crate::sim::keyed_cache::KeyedCache;
use crate::sim::kv::remote::RemoteTier;
use crate::sim::link::{SharedLink, Ways};
use crate::sim::loop_thread::LoopThread;
use crate::sim::prompt::Prompt;
use crate::sim::rate_limit::{RetryBudget, TokenBucket};
use crate::sim::serving::accelerator::Board;
use crate::sim::serving::engine::{Engine, EngineCounts};
use crate::sim::serving::router::Router;
use crate::sim::serving::step_time::StepCost;
use crate::sim::slab::Key;
use crate::sim::spec::stack::{AutoscalerSpec, Balance, PoolSpec, SharedCacheSpec};
use crate::sim::station::Station;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::{Affinities, Arrival, Intent, Params, Tier};
use crate::sim::world::client_times::ClientTimes;
use crate::sim::world::fact::Why;
use crate::sim::world::recording::{AttemptRow, Reason};
use crate::sim::world::request_times::{Passage, RequestTimes};
use crate::sim::world::wires::Wires;

/// An intent that has not ended.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct LiveIntent {
    pub intent: Intent,
    pub began: SimTime,
    /// When it would have come, had every answer before it met its objective.
    pub wanted_at: SimTime,
    pub tries: u32,
    /// Whether the next try is a retry that its client's budget counts.
    pub budgeted: bool,
    pub restarts: u32,
    pub attempt: Option<Key>,
    pub first_token_at: Option<SimTime>,
    pub session: Option<Key>,
}

/// One try at an intent. It ends when neither client nor gateway holds it any more; what the gateway needs of the
/// intent is copied here, for it goes on working when the user is long gone.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub intent: Key,
    pub serial: u64,
    /// The intent's own number, which outlives it.
    pub identity: u64,
    pub source: SourceId,
    pub template: u32,
    pub restarts: u8,
    pub retry_count: u8,
    pub client: ClientId,
    pub host: u32,
    pub account: AccountId,
    pub cohort: u16,
    pub tier: Tier,
    pub model: ModelId,
    pub prompt: Prompt,
    pub output_tokens: u32,
    pub output_key: u64,
    pub affinity: Affinities,
    pub images: u32,
    pub megapixels: f64,
    pub payload: u64,
    pub params: Params,
    pub language: u8,
    pub idle: Option<SimDuration>,
    pub gateway: GatewayId,
    pub connection: Option<u64>,
    /// What its way takes once its last byte has left, while bytes still leave.
    pub uploading: Option<SimDuration>,
    pub sent_at: SimTime,
    /// It arrived at its gateway.
    pub arrived_at: SimTime,
    pub stage: Stage,
    pub tries: u8,
    pub call: Option<Key>,
    pub first_token_at: Option<SimTime>,
    pub at_client: bool,
    /// Whether it is a retry that its client's budget counts.
    pub budgeted: bool,
    pub at_gateway: bool,
    /// Whether the gateway counts it as in flight.
    pub entered: bool,
    /// Whether its answer streams through the gateway.
    pub streams: bool,
    pub outcome: Outcome,
    pub retry_after: Option<SimDuration>,
    /// What the gateway writes down of it, if anybody wants to know.
    pub row: Option<Box<AttemptRow>>,
}

/// Where the gateway stands with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    Travelling,
    /// On the gateway's loop thread, or in line for it.
    Reading,
    WaitingForWorker,
    Parsing,
    Authenticating,
    DecodingImages,
    Upstream,
    Over,
}

/// One request from a gateway to a replica.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Call {
    /// The gateway's connection that carries it.
    pub connection: u64,
    pub attempt: Option<Key>,
    pub serial: u64,
    pub gateway: GatewayId,
    pub pool: PoolId,
    pub replica: ReplicaId,
    pub epoch: u32,
    pub stage: CallStage,
    pub outcome: Outcome,
    /// Why it failed, if it did.
    pub reason: Reason,
    pub flows: u32,
    pub first_token_sent: bool,
    /// As for an attempt.
    pub uploading: Option<SimDuration>,
    pub is_retry: bool,
    /// Whether the replica was told to drop it.
    pub cancelled: bool,
    /// Whether the replica counts it as inside.
    pub entered: bool,
    pub passage: Passage,
    pub sent_at: SimTime,
    pub preemptions: u16,
    /// Found at admission in high-bandwidth memory, host memory and the shared tier.
    pub cached_tokens: [u32; 3],
    pub prompt: Prompt,
    pub output_tokens: u32,
    pub output_key: u64,
    pub params: Params,
    pub priority: u8,
}

/// Where a replica stands with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CallStage {
    Travelling,
    Tokenizing,
    Engine,
    Failing,
}

/// A chat session between turns or in one.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Session {
    pub start: Arrival,
    pub turn: u32,
    pub wanted_at: SimTime,
}

/// A client program with its hosts.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Client {
    pub name: String,
    pub old: ClientPolicy,
    pub new: ClientPolicy,
    pub hosts: u32,
    pub first_host: u32,
    /// Hosts below this number have taken the new release.
    pub released: u32,
    /// The program's limit on retries, over all its requests.
    pub budget: Option<RetryBudget>,
    /// Attempts under way.
    pub active: u32,
    /// What it observes of its calls.
    pub times: ClientTimes,
}

impl Client {
    /// The new release is on this share of the hosts.
    pub fn release_to(&mut self, share: f64) {
        self.released = (f64::from(self.hosts) * share).round() as u32;
    }

    pub fn policy(&self, host: u32) -> &ClientPolicy {
        if host < self.released { &self.new } else { &self.old }
    }
}

/// The network between clients, gateways and replicas.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Network {
    pub edge: Ways,
    pub serving: Ways,
    /// What the paths carry, by hop.
    pub wires: [Wires; 2],
    /// Added to each one-way trip, by hop.
    pub added_latency: [SimDuration; 2],
    pub pool: ConnectionPool,
    pub connections_per_host: u32,
    pub balance: Balance,
    pub turn: usize,
    pub name_ttl: SimDuration,
    pub name_wrong_since: Option<SimTime>,
    pub name_right_since: Option<SimTime>,
    pub idle_timeout: SimDuration,
    pub keepalive: bool,
    pub health: Health,
    pub probe_every: SimDuration,
    pub probe_timeout: SimDuration,
}

/// One API gateway.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Gateway {
    pub up: bool,
    /// The present process began.
    pub process_since: SimTime,
    /// Processes that ended, and whether the last one was killed for its memory.
    pub restarts: u32,
    pub killed: bool,
    /// Its connections to replicas, one to each.
    pub upstream: ConnectionPool,
    pub loop_thread: LoopThread,
    pub workers: Station,
    pub images: Station,
    pub in_flight: u32,
    /// Tokens of the answers that stream through it, from their first token on.
    pub streamed_tokens: u64,
    pub retries_in_flight: u32,
    /// What the present process counted.
    pub counts: GatewayCounts,
}

/// What one process of a gateway counts of the requests that came to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GatewayCounts {
    pub requests: u64,
    /// Answers by the first digit of their status; a stream that was cut later had got its 200.
    pub answers: [u64; 6],
    /// Handshakes that clients broke off.
    pub failed_handshakes: u64,
    /// Requests that their clients closed before the answer was complete.
    pub resets_by_client: u64,
    /// Bytes of the requests that came.
    pub received_bytes: u64,
    /// Requests by how often their client says that it has tried before: 0, 1, 2, and more often.
    pub by_retry_count: [u64; 4],
    /// From a request's arrival to its end, in milliseconds.
    pub times_ms: Histogram,
    /// By pool.
    pub clusters: Vec<ClusterCounts>,
}

/// Edges of Envoy's histograms of times, in milliseconds: its defaults.
const ENVOY_MS: [f64; 19] = [
    0.5,
    1.0,
    5.0,
    10.0,
    25.0,
    50.0,
    100.0,
    250.0,
    500.0,
    1000.0,
    2500.0,
    5000.0,
    10_000.0,
    30_000.0,
    60_000.0,
    300_000.0,
    600_000.0,
    1_800_000.0,
    3_600_000.0,
];

/// Milliseconds between two moments.
pub(super) fn milliseconds(from: SimTime, to: SimTime) -> f64 {
    to.since(from).as_secs_f64() * 1000.0
}

/// What a gateway counts of the requests that it sent on to a pool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ClusterCounts {
    pub requests: u64,
    pub retries: u64,
    pub retry_overflows: u64,
    pub timeouts: u64,
    pub per_try_timeouts: u64,
    pub connect_failures: u64,
    /// From a call to its answer's end, in milliseconds; calls that were given up are not in it.
    pub times_ms: Histogram,
}

impl Default for ClusterCounts {
    fn default() -> Self {
        ClusterCounts {
            requests: 0,
            retries: 0,
            retry_overflows: 0,
            timeouts: 0,
            per_try_timeouts: 0,
            connect_failures: 0,
            times_ms: Histogram::new(ENVOY_MS),
        }
    }
}

impl Default for GatewayCounts {
    fn default() -> Self {
        GatewayCounts {
            requests: 0,
            answers: [0; 6],
            failed_handshakes: 0,
            resets_by_client: 0,
            received_bytes: 0,
            by_retry_count: [0; 4],
            times_ms: Histogram::new(ENVOY_MS),
            clusters: Vec::new(),
        }
    }
}

impl GatewayCounts {
    /// The counts of a pool.
    pub fn cluster(&mut self, pool: PoolId) -> &mut ClusterCounts {
        let index = pool.index();
        if self.clusters.len() <= index {
            self.clusters.resize_with(index + 1, ClusterCounts::default);
        }
        &mut self.clusters[index]
    }

    /// A request has ended, for the gateway.
    pub fn ended(&mut self, outcome: Outcome, client_waits: bool) {
        let class = outcome.status().map_or(0, |status| usize::from(status / 100));
        match self.answers.get_mut(class) {
            Some(answers) if client_waits => *answers += 1,
            _ => self.resets_by_client += 1,
        }
    }
}

/// The API layer as a whole.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Api {
    pub auth: KeyedCache,
    pub store: Station,
    pub store_factor: f64,
    pub buckets: FxHashMap<(AccountId, u8), (TokenBucket, TokenBucket)>,
    pub account_limits: FxHashMap<AccountId, f64>,
    pub blocked_accounts: Vec<AccountId>,
    pub blocked_cohorts: Vec<u16>,
    pub flags: Vec<Flag>,
    pub shed: f64,
    pub shifted: f64,
    pub images_off: bool,
    pub batch_paused: bool,
}

/// A flag that is on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Flag {
    pub name: String,
    /// Share of requests that take the path behind it.
    pub share: f64,
    /// Only those in this language.
    pub language: Option<String>,
}

/// A pool of replicas.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pool {
    pub spec: PoolSpec,
    pub members: Vec<ReplicaId>,
    pub router: Router,
    pub health: Health,
    pub step_cost: StepCost,
    /// Replicas that should exist.
    pub wanted: u16,
    pub autoscaler: Option<Autoscaler>,
    pub key_seed_lost: bool,
    pub answer_factor: f64,
    pub tokenizer_factor: f64,
    /// What each request leaves in the host memory of a new replica, in MiB.
    pub leak_mib: f64,
    pub cordoned: u16,
}

/// The control loop of a pool's size.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Autoscaler {
    pub spec: AutoscalerSpec,
    pub query: crate::metrics::promql::Query,
    pub paused: bool,
    pub lower_since: Option<SimTime>,
    pub blind: bool,
}

/// A serving replica.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Replica {
    pub pool: PoolId,
    pub place: usize,
    pub life: Life,
    pub epoch: u32,
    pub engine: Engine,
    pub tokenizer: Station,
    pub board: Board,
    pub host_link: SharedLink,
    pub host_link_epoch: u32,
    pub wake_at: Option<SimTime>,
    pub wake_epoch: u32,
    pub fail_fast: bool,
    pub key_seed: u64,
    pub has_node: bool,
    /// Whether its machine was taken out of service.
    pub cordoned: bool,
    pub node_since: SimTime,
    /// The present process began.
    pub process_since: SimTime,
    /// Processes that ended, and how the last one did.
    pub restarts: u32,
    pub last_end: Option<Why>,
    /// The engine's counts when the present process began.
    pub counts_before: EngineCounts,
    /// What the present process observed of its requests.
    pub request_times: RequestTimes,
    /// Calls inside.
    pub calls: u32,
    /// What each request leaves in host memory, and what they left since the process began, in MiB.
    pub leak_mib: f64,
    pub leaked_mib: f64,
    /// What it answered last, the latest at the end.
    pub recent: VecDeque<Recent>,
}

/// An answered request, as far as a cache cares.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Recent {
    pub prompt: Prompt,
    pub output_tokens: u32,
    pub output_key: u64,
}

/// Answered requests that a replica remembers.
const REMEMBERED: usize = 2048;

impl Replica {
    /// Whether its process is there to answer.
    pub fn answers(&self) -> bool {
        matches!(self.life, Life::Up | Life::Draining)
    }

    /// How long the oldest probe or scrape that is still unanswered has waited: as long as the prompt at the head of the
    /// tokenizer's line, where the same thread has both to do.
    pub fn wait_for_answer(&self, now: SimTime, behind_tokenizer: bool) -> SimDuration {
        if behind_tokenizer { self.tokenizer.head_age(now) } else { SimDuration::ZERO }
    }

    pub fn remember(&mut self, recent: Recent) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(recent);
    }
}

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Life {
    /// No machine for it.
    Pending,
    /// Container and weights are loading.
    Starting,
    /// It serves.
    Up,
    /// It finishes what it has.
    Draining,
    /// Gone.
    Gone,
}

impl Life {
    /// Why there is nothing to be drained, in words; none where it serves.
    pub(super) fn idle(self) -> Option<&'static str> {
        match self {
            Life::Pending => Some("waits for a machine"),
            Life::Starting => Some("is starting"),
            Life::Draining => Some("is drained already"),
            Life::Up | Life::Gone => None,
        }
    }
}

/// The shared cache tier with its wires and its controller's view.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SharedCache {
    pub spec: SharedCacheSpec,
    pub tier: RemoteTier,
    pub links: Vec<SharedLink>,
    pub link_epochs: Vec<u32>,
    pub silent_since: Vec<Option<SimTime>>,
    pub silences: Vec<u32>,
    pub replaced: Vec<bool>,
    pub spares: u16,
    pub grace: SimDuration,
    pub invalid: f64,
    pub bandwidth: f64,
    pub off: bool,
}

/// What a run cost, besides users' pain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Accelerator-hours of replicas that had a machine, from the opening to the end.
    pub gpu_hours: f64,
    /// Accelerator-hours that traffic sent to another cell used there.
    pub gpu_hours_elsewhere: f64,
    /// Batch intents that were held or refused.
    pub batch_intents_lost: u64,
    /// Restarts of replicas and gateways.
    pub restarts: u64,
}
