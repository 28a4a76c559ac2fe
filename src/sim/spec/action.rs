//! Actions: what an operator can do. Interventions on the same state that faults touch, with delay, cost and side effects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::spec::stack::RouterPolicy;
use crate::sim::time::SimDuration;
use crate::sim::workload::Tier;

/// An operator's action.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Action {
    /// Set a pool's number of replicas.
    Scale {
        /// Pool.
        pool: String,
        /// Replicas wanted.
        replicas: u16,
    },
    /// Take a replica out of the router's set; what runs there finishes.
    Drain {
        /// Pool.
        pool: String,
        /// Its place.
        replica: u16,
    },
    /// Restart one replica, or all of a pool one after the other.
    Restart {
        /// Pool.
        pool: String,
        /// Its place; none: all in turn.
        replica: Option<u16>,
    },
    /// Restart the gateways one after the other.
    RestartGateways,
    /// Drop everything in the shared cache tier.
    FlushCache,
    /// Fill the shared tier from what replicas hold and the most used templates, at the price of compute.
    WarmCache,
    /// Bring nodes that were replaced back with their contents.
    RestoreCacheMembers,
    /// Refuse a share of requests at the gateway: 429 with Retry-After.
    Shed {
        /// Share refused.
        share: f64,
    },
    /// Limit requests per minute and account for a tier, or for all.
    RateLimit {
        /// Whose; none: everybody's.
        tier: Option<Tier>,
        /// Requests per minute.
        requests_per_min: f64,
    },
    /// Limit one account.
    RateLimitAccount {
        /// Account number.
        account: u32,
        /// Requests per minute.
        requests_per_min: f64,
    },
    /// Refuse a cohort of accounts: 403.
    BlockCohort {
        /// Name of the cohort.
        cohort: String,
    },
    /// Refuse one account: 403.
    BlockAccount {
        /// Account number.
        account: u32,
    },
    /// Undo a change by its place in the change log (or its id); what it did ends.
    Rollback {
        /// The change.
        change: String,
    },
    /// Turn a flag off.
    FlagOff {
        /// Name of the flag.
        flag: String,
    },
    /// Stop rollouts that are under way.
    FreezeRollouts,
    /// Change a pool's routing rule.
    Router {
        /// Pool.
        pool: String,
        /// New rule.
        policy: RouterPolicy,
    },
    /// Change the gateway's time-out for a silent replica.
    UpstreamTimeout {
        /// New time-out.
        timeout_s: SimDuration,
    },
    /// Change the gateway's retry budget.
    RetryBudget {
        /// Share of requests in flight.
        share: f64,
    },
    /// Send a share of traffic to another cell.
    ShiftTraffic {
        /// Share sent away.
        share: f64,
    },
    /// Hold batch work.
    PauseBatch,
    /// Take machines back from batch work; its intents fail meanwhile.
    TakeBatchNodes {
        /// How many.
        nodes: u16,
    },
    /// Turn a feature off: `images` or `shared_cache`.
    FeatureOff {
        /// Name of the feature.
        feature: String,
    },
    /// Stop the autoscaler of a pool, or of all.
    PauseAutoscaler,
    /// Renew the certificate of every hop.
    RenewCertificates,
    /// Let nothing new onto a replica's machine; the replica stays, and once it is gone the machine is not used again.
    Cordon {
        /// Pool.
        pool: String,
        /// Place of the replica.
        replica: u16,
    },
    /// Bring cordoned machines of a pool back into service.
    Uncordon {
        /// Pool.
        pool: String,
    },
    /// Fail over an auth shard to its replica.
    FailOverAuthShard {
        /// Its number.
        shard: u16,
    },
}
