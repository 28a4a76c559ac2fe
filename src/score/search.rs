//! The best that is known could have been done: a small search over orders, pairs of them, and moments. What the author
//! says mends it is where it begins: then come other single orders, pairs of the best three, and the best of all again
//! one, three and seven minutes later. The search gives a run up as soon as users have lost more than in the third best
//! so far. It may use what no participant knows, and finds no optimum: what it finds is called the best found.

use std::sync::Arc;

use crate::scenario::apply;
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
const PAIRED: usize = 3;
/// The best is tried again so much later: what helps at once may help more once something else has run its course.
const LATER: [SimDuration; 3] = [SimDuration::from_secs(60), SimDuration::from_secs(180), SimDuration::from_secs(420)];
/// Nobody is told to do what saves less than so many user-minutes.
pub(super) const WORTH_DOING: f64 = 0.5;
/// So many orders are tried at once.
const AT_ONCE: usize = 4;

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
    let mut found = said_to_mend(file, variant);
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
    found.extend([0.5, 1.0].map(|share| Action::ShiftTraffic { share }));
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
    let mut distinct: Vec<Action> = Vec::new();
    for action in found {
        if !distinct.contains(&action) && file.order_mistakes(SimDuration::ZERO, &action, "").is_empty() {
            distinct.push(action);
        }
    }
    distinct.truncate(MOST_SINGLE);
    distinct
}

/// What the author says mends a variant, one order after the other.
fn said_to_mend(file: &ScenarioFile, variant: &str) -> Vec<Action> {
    let present = file.variants.iter().find(|v| v.name == variant);
    present.map_or(&[][..], |v| &v.mends).iter().filter_map(|text| apply::parse(text).ok()).collect()
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
    let with = |orders: Vec<TimedAction>| Ask { variant: variant.to_string(), seed, orders, ..Ask::default() };
    let ask = |actions: &[&Action]| {
        with(actions.iter().enumerate().map(|(n, action)| timed(first_chance, n, action)).collect())
    };
    let singles = candidates(&scenario.file, variant);
    let mut asks = vec![ask(&[])];
    let mut ran: Vec<Option<Arc<Ran>>> = runs.all(&asks, progress)?.into_iter().map(Some).collect();
    let nothing = ran[0].as_ref().map_or(f64::INFINITY, |ran| ran.lost());
    // A few at a time: what was found so far says of which of the next nothing more has to be known.
    for few in singles.chunks(AT_ONCE) {
        let next: Vec<Ask> = few.iter().map(|action| ask(&[action])).collect();
        let worth = ranked(&ran, nothing).get(PAIRED - 1).map_or(nothing, |place| lost(&ran[*place]));
        ran.extend(runs.within(&next, worth, progress)?);
        asks.extend(next);
    }
    let mut order = ranked(&ran, nothing);
    order.truncate(PAIRED);
    let all_said = said_to_mend(&scenario.file, variant);
    let mut pairs = Vec::new();
    if 1 < all_said.len() {
        pairs.push(ask(&all_said.iter().collect::<Vec<_>>()));
    }
    for (n, one) in order.iter().enumerate() {
        for other in &order[n + 1..] {
            pairs.push(ask(&[&singles[one - 1], &singles[other - 1]]));
        }
    }
    let least = ran.iter().map(lost).fold(nothing, f64::min);
    ran.extend(runs.within(&pairs, least, progress)?);
    asks.extend(pairs);
    let least = ran.iter().map(lost).fold(nothing, f64::min);
    if let Some(place) = (0..ran.len()).filter(|i| !asks[*i].orders.is_empty()).find(|i| lost(&ran[*i]) <= least) {
        let later = |by: &SimDuration| {
            let orders = asks[place].orders.iter();
            with(orders.map(|order| TimedAction { at: order.at + *by, ..order.clone() }).collect())
        };
        let end = scenario.file.open_at() + scenario.file.length_s;
        let delayed: Vec<Ask> = LATER.iter().map(later).filter(|ask| ask.orders.iter().all(|o| o.at < end)).collect();
        ran.extend(runs.within(&delayed, least, progress)?);
        asks.extend(delayed);
    }
    let tried = ran.len();
    let found = ran.iter().zip(&asks).filter_map(|(ran, ask)| Some((ran.clone()?, &ask.orders)));
    let found = found.filter(|(ran, orders)| orders.is_empty() || WORTH_DOING <= nothing - ran.lost());
    let best = found.min_by(|a, b| a.0.lost().total_cmp(&b.0.lost()));
    let (ran, orders) = best.ok_or_else(|| ScenarioError::Setup(Vec::new()))?;
    Ok(Best { orders: orders.clone(), ran, tried })
}

/// User-minutes lost in a run; without end where it was given up.
fn lost(ran: &Option<Arc<Ran>>) -> f64 {
    ran.as_ref().map_or(f64::INFINITY, |ran| ran.lost())
}

/// Places of the runs with an order that are better than doing nothing, the best first.
fn ranked(ran: &[Option<Arc<Ran>>], nothing: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (1..ran.len()).filter(|place| lost(&ran[*place]) < nothing).collect();
    order.sort_by(|a, b| lost(&ran[*a]).total_cmp(&lost(&ran[*b])).then(a.cmp(b)));
    order
}

/// The n-th of several orders that are given one after the other: each takes its time.
pub(super) fn timed(first_chance: SimTime, n: usize, action: &Action) -> TimedAction {
    TimedAction { at: first_chance + SimDuration(prices::ORDER.0 * (n as u64 + 1)), action: action.clone() }
}
