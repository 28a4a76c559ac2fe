//! The best that is known could have been done: a small search over single orders and pairs of them at the first chance. It
//! may use what no participant knows, and finds no optimum: what it finds is called the best found.

use std::sync::Arc;

use crate::scenario::file::ScenarioFile;
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::runs::{Ask, Progress, Ran, Runs};
use crate::session::prices;
use crate::sim::spec::TimedAction;
use crate::sim::spec::action::Action;
use crate::sim::spec::fault::Fault;
use crate::sim::spec::stack::RouterPolicy;
use crate::sim::time::{SimDuration, SimTime};

/// So many single orders are tried.
const MOST_SINGLE: usize = 18;
/// So many of the best are tried in pairs.
const PAIRED: usize = 4;

/// The best found.
#[derive(Clone, Debug)]
pub struct Best {
    /// Orders, with their moments; none if nothing that was tried is better than doing nothing.
    pub orders: Vec<TimedAction>,
    /// What came of them.
    pub ran: Arc<Ran>,
    /// Runs that were tried.
    pub tried: usize,
}

/// Orders that may make sense in a scenario's stack, the likeliest first.
pub fn candidates(file: &ScenarioFile, variant: &str) -> Vec<Action> {
    let stack = &file.stack;
    let mut found = Vec::new();
    if stack.shared_cache.is_some() {
        found.extend([Action::RestoreCacheMembers, Action::WarmCache]);
    }
    let present = file.variants.iter().find(|v| v.name == variant);
    let of_variant = |id: &String| present.is_some_and(|v| v.causes.contains(id) || v.decoys.contains(id));
    for cause in file.causes.iter().chain(&file.decoys).filter(|c| of_variant(&c.id)) {
        let real = cause.faults.iter().any(|f| !matches!(f.fault, Fault::Benign { .. }));
        if cause.change.is_some() && real {
            found.push(Action::Rollback { change: cause.id.clone() });
        }
        for fault in &cause.faults {
            match &fault.fault {
                Fault::BadFlag { flag, .. } => found.push(Action::FlagOff { flag: flag.clone() }),
                Fault::AuthShardDown { shard } => found.push(Action::FailOverAuthShard { shard: *shard }),
                _ => {}
            }
        }
    }
    found.extend([0.3, 0.6].map(|share| Action::Shed { share }));
    found.push(Action::ShiftTraffic { share: 0.5 });
    for pool in &stack.pools {
        let most = pool.autoscaler.as_ref().map_or(pool.replicas.saturating_mul(2), |a| a.max);
        found.push(Action::Scale { pool: pool.name.clone(), replicas: most.max(pool.replicas) });
    }
    if 0 < stack.fleet.batch_nodes {
        found.push(Action::TakeBatchNodes { nodes: stack.fleet.batch_nodes });
    }
    found.push(Action::RetryBudget { share: 0.0 });
    for pool in &stack.pools {
        let policy = RouterPolicy::CacheAware { threshold: 0.5, balance_abs: 32, balance_rel: 1.0001 };
        let policy = if pool.router.policy == policy { RouterPolicy::LeastLoaded } else { policy };
        found.push(Action::Router { pool: pool.name.clone(), policy });
        found.push(Action::Restart { pool: pool.name.clone(), replica: None });
        found.push(Action::Uncordon { pool: pool.name.clone() });
    }
    found.extend([Action::RestartGateways, Action::RenewCertificates, Action::FreezeRollouts, Action::PauseBatch]);
    if stack.shared_cache.is_some() {
        found.push(Action::FeatureOff { feature: "shared-cache".to_string() });
    }
    found.push(Action::UpstreamTimeout { timeout_s: SimDuration::from_secs(120) });
    found.retain(|action| file.order_mistakes(SimDuration::ZERO, action, "").is_empty());
    found.truncate(MOST_SINGLE);
    found
}

/// Searches, from `first_chance` on.
///
/// # Errors
/// The variant does not fit the scenario.
pub fn best(
    runs: &Runs<'_>,
    variant: &str,
    seed: u64,
    first_chance: SimTime,
    progress: Progress<'_>,
) -> Result<Best, ScenarioError> {
    let scenario: &Scenario = runs.scenario;
    let ask = |actions: &[&Action]| Ask {
        variant: variant.to_string(),
        seed,
        orders: actions.iter().enumerate().map(|(n, action)| timed(first_chance, n, action)).collect(),
        ..Ask::default()
    };
    let singles = candidates(&scenario.file, variant);
    let mut asks = vec![ask(&[])];
    asks.extend(singles.iter().map(|action| ask(&[action])));
    let mut ran = runs.all(&asks, progress)?;
    let nothing = ran[0].lost();
    let mut order: Vec<usize> = (1..ran.len()).filter(|i| ran[*i].lost() < nothing).collect();
    order.sort_by(|a, b| ran[*a].lost().total_cmp(&ran[*b].lost()).then(a.cmp(b)));
    order.truncate(PAIRED);
    let mut pairs = Vec::new();
    for (n, one) in order.iter().enumerate() {
        for other in &order[n + 1..] {
            pairs.push(ask(&[&singles[one - 1], &singles[other - 1]]));
        }
    }
    ran.extend(runs.all(&pairs, progress)?);
    asks.extend(pairs);
    let place = (0..ran.len()).min_by(|a, b| ran[*a].lost().total_cmp(&ran[*b].lost())).unwrap_or(0);
    Ok(Best { orders: asks[place].orders.clone(), ran: Arc::clone(&ran[place]), tried: ran.len() })
}

/// The n-th of several orders that are given one after the other: each takes its time.
pub(super) fn timed(first_chance: SimTime, n: usize, action: &Action) -> TimedAction {
    TimedAction { at: first_chance + SimDuration(prices::ORDER.0 * (n as u64 + 1)), action: action.clone() }
}
