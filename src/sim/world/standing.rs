//! How things stand in what people can set: settings, limits, the fleet, the cache ring. Held against the same world
//! without an order, it says what that order leaves behind.

use std::collections::BTreeMap;

use crate::sim::world::World;
use crate::sim::world::survey::{Phase, PoolState};

/// What stands, by its name; both in words for people. What is not there is not set.
pub type Standing = BTreeMap<String, String>;

impl World {
    /// How things stand at this moment.
    pub fn standing(&mut self) -> Standing {
        let survey = self.survey();
        let mut all = Standing::new();
        let mut say = |what: String, value: String| all.insert(what, value);
        for (service, setting, value) in survey.settings {
            say(format!("{service} {setting}"), value);
        }
        for pool in &survey.pools {
            let pods = |phase: Phase| pool.pods.iter().filter(|pod| pod.phase == phase).count();
            say(format!("{} replicas wanted", pool.name), pool.wanted.to_string());
            say(format!("{} replicas running", pool.name), pods(Phase::Running).to_string());
            say(format!("{} replicas without a machine", pool.name), pods(Phase::Pending).to_string());
            say(format!("{} machines cordoned", pool.name), pool.cordoned.to_string());
            if let Some(paused) = paused(pool) {
                say(format!("{} autoscaler", pool.name), paused.to_string());
            }
        }
        say("free machines".to_string(), survey.spare_nodes.to_string());
        say("machines lent to batch work".to_string(), survey.batch_nodes.to_string());
        if let Some(cache) = &survey.cache {
            let replaced = cache.members.iter().filter(|m| m.replaced).count();
            say("kv-cache members replaced".to_string(), replaced.to_string());
            say("kv-cache spares".to_string(), cache.spares.to_string());
        }
        for limit in &self.api_spec.limits {
            say(
                format!("gateway limit for {:?} accounts", limit.tier).to_lowercase(),
                format!("{} requests a minute", limit.requests_per_min),
            );
        }
        for (account, per_min) in &self.api.account_limits {
            say(format!("gateway limit for account {}", account.0), format!("{per_min} requests a minute"));
        }
        for account in &self.api.blocked_accounts {
            say(format!("account {}", account.0), "blocked".to_string());
        }
        let cohorts: Vec<&str> = self.workload.cohort_names().collect();
        for cohort in &self.api.blocked_cohorts {
            let name = cohorts.get(usize::from(*cohort)).copied().unwrap_or_default();
            say(format!("cohort {name}"), "blocked".to_string());
        }
        for (what, how, stands) in [
            ("images", "off", self.api.images_off),
            ("batch work", "held", self.api.batch_paused),
            ("rollouts", "frozen", self.rollouts_frozen),
        ] {
            if stands {
                say(what.to_string(), how.to_string());
            }
        }
        all
    }
}

fn paused(pool: &PoolState) -> Option<&'static str> {
    pool.autoscaler.as_ref().map(|(_, paused, _)| if *paused { "paused" } else { "on" })
}
