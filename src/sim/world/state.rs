//! The records of a world: what lives in its slabs and tables.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::sim::client::{ClientPolicy, Outcome};
use crate::sim::connection::ConnectionPool;
use crate::sim::health::Health;
use crate::sim::ids::{AccountId, ClientId, GatewayId, ModelId, PoolId, ReplicaId, SourceId};
use crate::sim::keyed_cache::KeyedCache;
use crate::sim::kv::remote::RemoteTier;
use crate::sim::link::{SharedLink, Ways};
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
use crate::sim::workload::{Affinities, Arrival, Intent, Tier};
use crate::sim::world::recording::{AttemptRow, Reason};
use crate::sim::world::request_times::{Passage, RequestTimes};

/// An intent that has not ended.
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
    pub gateway: GatewayId,
    pub connection: Option<u64>,
    pub sent_at: SimTime,
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
    pub outcome: Outcome,
    pub retry_after: Option<SimDuration>,
    /// What the gateway writes down of it, if anybody wants to know.
    pub row: Option<Box<AttemptRow>>,
}

/// Where the gateway stands with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Travelling,
    WaitingForWorker,
    Parsing,
    Authenticating,
    DecodingImages,
    Upstream,
    Over,
}

/// One request from a gateway to a replica.
pub(super) struct Call {
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
    pub priority: u8,
}

/// Where a replica stands with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallStage {
    Travelling,
    Tokenizing,
    Engine,
    Failing,
}

/// A chat session between turns or in one.
pub(super) struct Session {
    pub start: Arrival,
    pub turn: u32,
    pub wanted_at: SimTime,
}

/// A client program with its hosts.
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
pub(super) struct Network {
    pub edge: Ways,
    pub serving: Ways,
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
    pub serving_certificate_ends: SimTime,
    pub health: Health,
    pub probe_every: SimDuration,
}

/// One API gateway.
pub(super) struct Gateway {
    pub up: bool,
    pub workers: Station,
    pub images: Station,
    pub in_flight: u32,
    pub retries_in_flight: u32,
    /// What the present process counted.
    pub counts: GatewayCounts,
}

/// What one process of a gateway counts of the requests that came to it.
#[derive(Clone, Debug, Default)]
pub(super) struct GatewayCounts {
    pub requests: u64,
    /// Answers by the first digit of their status; a stream that was cut later had got its 200.
    pub answers: [u64; 6],
    /// Requests that their clients closed before the answer was complete.
    pub resets_by_client: u64,
    /// By pool.
    pub clusters: Vec<ClusterCounts>,
}

/// What a gateway counts of the requests that it sent on to a pool.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClusterCounts {
    pub requests: u64,
    pub retries: u64,
    pub retry_overflows: u64,
    pub timeouts: u64,
    pub per_try_timeouts: u64,
}

impl GatewayCounts {
    /// The counts of a pool.
    pub fn cluster(&mut self, pool: PoolId) -> &mut ClusterCounts {
        let index = pool.index();
        if self.clusters.len() <= index {
            self.clusters.resize(index + 1, ClusterCounts::default());
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
pub(super) struct Api {
    pub auth: KeyedCache,
    pub store: Station,
    pub store_factor: f64,
    pub buckets: FxHashMap<(AccountId, u8), (TokenBucket, TokenBucket)>,
    pub account_limits: FxHashMap<AccountId, f64>,
    pub blocked_accounts: Vec<AccountId>,
    pub blocked_cohorts: Vec<u16>,
    pub flags: Vec<(String, f64)>,
    pub shed: f64,
    pub shifted: f64,
    pub images_off: bool,
    pub batch_paused: bool,
}

/// A pool of replicas.
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
    pub cordoned: u16,
}

/// The control loop of a pool's size.
pub(super) struct Autoscaler {
    pub spec: AutoscalerSpec,
    pub query: crate::metrics::promql::Query,
    pub paused: bool,
    pub lower_since: Option<SimTime>,
    pub blind: bool,
}

/// A serving replica.
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
    /// The engine's counts when the present process began.
    pub counts_before: EngineCounts,
    /// What the present process observed of its requests.
    pub request_times: RequestTimes,
    /// Calls inside.
    pub calls: u32,
    /// What it answered last, the latest at the end.
    pub recent: VecDeque<Recent>,
}

/// An answered request, as far as a cache cares.
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

    pub fn remember(&mut self, recent: Recent) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(recent);
    }
}

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// The shared cache tier with its wires and its controller's view.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
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
