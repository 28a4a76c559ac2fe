//! Inputs of the world over the two weeks before an incident: what was set, owned, wanted and signed up for. They follow
//! from the scenario's own history (which lasting condition came into force when), and nothing has to be simulated for it.

use crate::metrics::labels::{Labels, NAME};
use crate::metrics::store::Store;
use crate::scenario::file::ScenarioFile;
use crate::sim::ids::AccountId;
use crate::sim::rng::{Purpose, Stream, mix};
use crate::sim::spec::WorldSpec;
use crate::sim::workload::spec::Tier;
use crate::sim::workload::usual_intents;
use crate::telemetry::past::{conditions_of, turns};
use crate::telemetry::rows::tier;
use crate::telemetry::scene::Scene;

/// How far back they are kept, in milliseconds.
pub const KEPT_MS: i64 = 14 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// Time between samples: a series is gone five minutes after its last.
const EVERY_MS: i64 = 4 * 60_000;

/// An input that is kept for two weeks.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// The metric.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
}

/// All of them. Those that begin with `kube_` or `kvcache_` go on as what is scraped; the others are reports that a job
/// writes once an hour.
pub const INPUTS: [Input; 5] = [
    Input { name: WANTED, about: "pods that a deployment should have" },
    Input { name: AVAILABLE, about: "pods of a deployment that are ready" },
    Input { name: ROOM, about: "tokens that a node of the shared tier has room for" },
    Input { name: DEMAND, about: "unique requests per second, mean of the last full hour, by model" },
    Input {
        name: ACCOUNTS,
        about: "accounts that exist at the last full hour, by tier: what is new in it are sign-ups",
    },
];

const WANTED: &str = "kube_deployment_spec_replicas";
const AVAILABLE: &str = "kube_deployment_status_replicas_available";
const ROOM: &str = "kvcache_capacity_tokens";
const DEMAND: &str = "api:unique_requests:rate1h";
const ACCOUNTS: &str = "api:accounts:count";

/// Whether a metric is a report, and nothing that is scraped.
pub fn is_report(name: &str) -> bool {
    [DEMAND, ACCOUNTS].contains(&name)
}

/// A stretch of time in which the same conditions held, and the stack and the workload of it.
struct Stretch {
    /// Its end, in milliseconds of the world.
    to_ms: i64,
    spec: WorldSpec,
}

/// Two weeks of inputs up to the beginning of the world, hourly reports up to an hour after the last one before the
/// opening. Milliseconds are those of the world, so that all of it lies before zero or near it.
pub fn history(file: &ScenarioFile, variant: &str, seed: u64, scene: &Scene) -> Store {
    let open_ms = (scene.open_at.0 / 1_000_000) as i64;
    let begin_ms = open_ms - KEPT_MS - HOUR_MS;
    let mut store = Store::default();
    let mut from_ms = begin_ms;
    for Stretch { to_ms, spec } in stretches(file, variant, open_ms) {
        for (name, labels, value) in fleet(&spec) {
            let id = store.series(&labelled(name, &labels));
            for t_ms in (from_ms..to_ms.min(0)).step_by(EVERY_MS as usize) {
                store.append(id, t_ms, value);
            }
        }
        for (model, rates) in demand(&spec, scene, seed, from_ms, to_ms) {
            let id = store.series(&labelled(DEMAND, &[("job", "reports".to_string()), ("model_name", model)]));
            for (t_ms, value) in rates {
                store.append(id, t_ms, value);
            }
        }
        from_ms = from_ms.max(to_ms);
    }
    sign_ups(scene, begin_ms, &mut store);
    store
}

/// Stretches of the same conditions, oldest first.
fn stretches(file: &ScenarioFile, variant: &str, open_ms: i64) -> Vec<Stretch> {
    let mut ends: Vec<f64> = turns(file, variant);
    ends.retain(|days| *days * DAY_MS as f64 <= KEPT_MS as f64);
    ends.reverse();
    ends.push(0.0);
    let stretch = |days_before: f64| {
        // What came into force at the stretch's end had not yet; what did before it, had.
        let setup = conditions_of(file, variant, if days_before == 0.0 { f64::MIN_POSITIVE } else { days_before });
        let to_ms = open_ms - (days_before * DAY_MS as f64) as i64;
        file.world(&setup).ok().map(|spec| Stretch { to_ms, spec })
    };
    ends.into_iter().filter_map(stretch).collect()
}

fn labelled(name: &str, labels: &[(&'static str, String)]) -> Labels {
    let pairs = labels.iter().map(|(label, value)| (*label, value.clone()));
    Labels::new(pairs.chain([(NAME, name.to_string())]).collect::<Vec<_>>())
}

type Named = (&'static str, Vec<(&'static str, String)>, f64);

/// What is set and owned, under the labels of what is scraped.
fn fleet(spec: &WorldSpec) -> Vec<Named> {
    let stack = &spec.stack;
    let pools = stack.pools.iter().map(|pool| (pool.name.clone(), f64::from(pool.replicas)));
    let deployments = pools.chain([("gateway".to_string(), f64::from(stack.api.gateways))]);
    let of = |name: String| {
        let pod = "kube-state-metrics-0".to_string();
        vec![("job", "kube-state-metrics".to_string()), ("pod", pod), ("deployment", name)]
    };
    let mut all: Vec<Named> =
        deployments.flat_map(|(name, n)| [(WANTED, of(name.clone()), n), (AVAILABLE, of(name), n)]).collect();
    if let Some(cache) = &stack.shared_cache {
        all.extend((0..cache.nodes).map(|node| {
            let labels = vec![("job", "kv-cache".to_string()), ("pod", format!("kv-cache-{node}"))];
            (ROOM, labels, cache.node_tokens as f64)
        }));
    }
    all
}

/// Unique requests per second by model: at each moment the mean of the last full hour.
fn demand(spec: &WorldSpec, scene: &Scene, seed: u64, from_ms: i64, to_ms: i64) -> Vec<(String, Vec<(i64, f64)>)> {
    let open_unix_ms = scene.calendar.unix_ms(scene.open_at);
    let open_ms = (scene.open_at.0 / 1_000_000) as i64;
    let mut models: Vec<String> = spec.workload.sources.iter().map(|source| source.model.clone()).collect();
    models.sort();
    models.dedup();
    let hour_of = |t_ms: i64| {
        // The middle of the hour before the last full one.
        let full = last_full_hour(open_unix_ms + t_ms - open_ms) - open_unix_ms;
        spec.workload.opens_at_hour + (full as f64 / HOUR_MS as f64) - 0.5
    };
    let end_ms = if to_ms == open_ms { last_report_ends(open_unix_ms, open_ms) } else { to_ms };
    let of_model = |model: String| {
        let sources = || spec.workload.sources.iter().filter(|source| source.model == model);
        let known = sources().all(|source| usual_intents(source, 0.0).is_some());
        let rate = |t_ms: i64| {
            let hour = hour_of(t_ms);
            let usual = sources().filter_map(|source| usual_intents(source, hour)).sum::<f64>();
            // An hour of a Poisson process, counted.
            let name = model.bytes().fold(seed, |name, byte| mix(name, u64::from(byte)));
            let normal = Stream::new(name, 1, Purpose::Modulation, (hour * 2.0 + 1e6) as u64).normal();
            (usual + libm::sqrt(usual / 3600.0) * normal).max(0.0)
        };
        let moments = (from_ms..end_ms).step_by(EVERY_MS as usize).filter(|_| known);
        (model.clone(), moments.map(|t_ms| (t_ms, rate(t_ms))).collect())
    };
    models.into_iter().map(of_model).collect()
}

/// Accounts that there are, by tier: at each moment as of the last full hour.
fn sign_ups(scene: &Scene, begin_ms: i64, store: &mut Store) {
    let open_unix_ms = scene.calendar.unix_ms(scene.open_at);
    let open_ms = (scene.open_at.0 / 1_000_000) as i64;
    let accounts = (0..scene.accounts.len()).filter_map(|id| scene.accounts.account(AccountId(id)));
    let mut created: Vec<(Tier, i64)> = accounts
        .map(|account| (account.tier, open_unix_ms - (account.created_days_before * DAY_MS as f64) as i64))
        .collect();
    created.sort_unstable();
    for of_tier in created.chunk_by(|a, b| a.0 == b.0) {
        let labels = [("job", "reports".to_string()), ("tier", tier(of_tier[0].0).to_string())];
        let id = store.series(&labelled(ACCOUNTS, &labels));
        for t_ms in (begin_ms..last_report_ends(open_unix_ms, open_ms)).step_by(EVERY_MS as usize) {
            let full = last_full_hour(open_unix_ms + t_ms - open_ms);
            store.append(id, t_ms, of_tier.partition_point(|(_, at)| *at <= full) as f64);
        }
    }
}

fn last_full_hour(unix_ms: i64) -> i64 {
    unix_ms - unix_ms.rem_euclid(HOUR_MS)
}

/// The report of the last full hour before the opening stands for an hour; nobody knows the next one.
fn last_report_ends(open_unix_ms: i64, open_ms: i64) -> i64 {
    last_full_hour(open_unix_ms) + HOUR_MS - open_unix_ms + open_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_speaks_of_the_last_full_hour_and_stands_for_one() {
        assert_eq!([last_full_hour(HOUR_MS - 1), last_full_hour(HOUR_MS)], [0, HOUR_MS]);
        let (opens_at_two, open_ms) = (14 * HOUR_MS, 1_620_000);
        assert_eq!(last_report_ends(opens_at_two, open_ms), open_ms + HOUR_MS);
        assert_eq!(last_report_ends(opens_at_two + 60_000, open_ms), open_ms + HOUR_MS - 60_000);
    }
}
