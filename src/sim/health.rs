//! Health checking: probes, verdicts, ejection, and the set of targets that routers believe in.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::rng::mix;
use crate::sim::time::{SimDuration, SimTime};

/// How targets are probed and when they are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthRules {
    /// Time between two probes of a target.
    pub interval: SimDuration,
    /// A probe unanswered for so long has failed.
    pub timeout: SimDuration,
    /// Failures in a row that make a target unhealthy.
    pub fall: u32,
    /// Successes in a row that make it healthy again.
    pub rise: u32,
    /// With a smaller percentage of the targets ready, all of them are used (Envoy's panic threshold, 50 there; 0: never).
    pub panic_percent: u32,
    /// Ejection for errors of real requests; absent: none.
    pub ejection: Option<EjectionRules>,
}

/// Ejection of targets that fail real requests (Envoy's outlier detection by consecutive 5xx).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EjectionRules {
    /// Errors in a row that eject a target.
    pub consecutive_errors: u32,
    /// The first ejection's length; the n-th is n times as long.
    pub base_time: SimDuration,
    /// The longest ejection.
    pub max_time: SimDuration,
    /// Percentage of targets that may be ejected at once; one always may.
    pub max_percent: u32,
}

impl Default for HealthRules {
    /// Kubernetes' readiness probe (every 10 s, 1 s to answer, 3 failures, 1 success), without panic or ejection.
    fn default() -> Self {
        HealthRules {
            interval: SimDuration::from_secs(10),
            timeout: SimDuration::from_secs(1),
            fall: 3,
            rise: 1,
            panic_percent: 0,
            ejection: None,
        }
    }
}

impl Default for EjectionRules {
    /// Envoy's defaults: 5 errors, 30 s, 300 s, 10 %.
    fn default() -> Self {
        EjectionRules {
            consecutive_errors: 5,
            base_time: SimDuration::from_secs(30),
            max_time: SimDuration::from_secs(300),
            max_percent: 10,
        }
    }
}

/// What changed for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Probes passed often enough.
    Healthy,
    /// Probes failed often enough; a liveness check restarts the target now.
    Unhealthy,
    /// Real requests failed often enough; back in use at the time given.
    Ejected(SimTime),
}

/// One checker's view of its targets: what it was told, not what is so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {
    rules: HealthRules,
    targets: BTreeMap<u32, Target>,
    ready: Vec<u32>,
    next_return: SimTime,
    panicking: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Target {
    healthy: bool,
    streak: u32,
    errors: u32,
    ejections: u32,
    ejected_until: Option<SimTime>,
}

impl Health {
    /// A checker without targets.
    pub fn new(rules: HealthRules) -> Self {
        Health { rules, targets: BTreeMap::new(), ready: Vec::new(), next_return: SimTime::NEVER, panicking: false }
    }

    /// The rules in force.
    pub fn rules(&self) -> &HealthRules {
        &self.rules
    }

    /// Changes the rules; verdicts stay until the next observation.
    pub fn set_rules(&mut self, now: SimTime, rules: HealthRules) {
        self.rules = rules;
        self.rebuild(now);
    }

    /// Adds a target, believed healthy or not until probes say otherwise. One that is there starts afresh.
    pub fn add(&mut self, now: SimTime, target: u32, healthy: bool) {
        self.targets.insert(target, Target { healthy, ..Target::default() });
        self.rebuild(now);
    }

    /// Removes a target; false if it was not there.
    pub fn remove(&mut self, now: SimTime, target: u32) -> bool {
        let removed = self.targets.remove(&target).is_some();
        self.rebuild(now);
        removed
    }

    /// When a target that was added at `now` is probed first: spread over the interval by its number.
    pub fn first_probe(&self, now: SimTime, target: u32) -> SimTime {
        now + SimDuration(mix(target as u64, 0x9e_a1).checked_rem(self.rules.interval.0).unwrap_or(0))
    }

    /// The answer to a probe (`ok` false: refused, wrong, or not within the time-out). Says if the verdict turned.
    pub fn observe(&mut self, now: SimTime, target: u32, ok: bool) -> Option<Verdict> {
        let entry = self.targets.get_mut(&target)?;
        if ok == entry.healthy {
            entry.streak = 0;
            return None;
        }
        entry.streak += 1;
        if entry.streak < if ok { self.rules.rise } else { self.rules.fall } {
            return None;
        }
        entry.healthy = ok;
        entry.streak = 0;
        self.rebuild(now);
        Some(if ok { Verdict::Healthy } else { Verdict::Unhealthy })
    }

    /// The outcome of a real request at a target. Says if the target is ejected for it.
    pub fn observe_request(&mut self, now: SimTime, target: u32, ok: bool) -> Option<Verdict> {
        let rules = self.rules.ejection?;
        self.wake(now);
        let entry = self.targets.get_mut(&target)?;
        entry.errors = if ok { 0 } else { entry.errors.saturating_add(1) };
        if entry.errors < rules.consecutive_errors.max(1) || entry.ejected_until.is_some() || !self.may_eject(rules) {
            return None;
        }
        let entry = self.targets.get_mut(&target)?;
        entry.errors = 0;
        entry.ejections += 1;
        let span = SimDuration(rules.base_time.0.saturating_mul(entry.ejections as u64)).min(rules.max_time);
        entry.ejected_until = Some(now + span);
        self.rebuild(now);
        Some(Verdict::Ejected(now + span))
    }

    /// The targets that a router uses, in order of their numbers: healthy and not ejected, or all of them in panic.
    pub fn ready(&mut self, now: SimTime) -> &[u32] {
        self.wake(now);
        &self.ready
    }

    /// Whether so few targets are ready that all are used.
    pub fn is_panicking(&mut self, now: SimTime) -> bool {
        self.wake(now);
        self.panicking
    }

    /// Whether the last verdict on a target was good; ejection does not count.
    pub fn is_healthy(&self, target: u32) -> bool {
        self.targets.get(&target).is_some_and(|t| t.healthy)
    }

    /// The number of targets, ready or not.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is no target.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    fn may_eject(&self, rules: EjectionRules) -> bool {
        let ejected = self.targets.values().filter(|t| t.ejected_until.is_some()).count();
        ejected == 0 || (ejected + 1) * 100 <= self.targets.len() * rules.max_percent as usize
    }

    /// Lets ejections end that are over by `now`.
    fn wake(&mut self, now: SimTime) {
        if self.next_return <= now {
            self.rebuild(now);
        }
    }

    fn rebuild(&mut self, now: SimTime) {
        self.next_return = SimTime::NEVER;
        for target in self.targets.values_mut() {
            target.ejected_until = target.ejected_until.filter(|until| now < *until);
            self.next_return = self.next_return.min(target.ejected_until.unwrap_or(SimTime::NEVER));
        }
        self.ready.clear();
        let usable = self.targets.iter().filter(|(_, t)| t.healthy && t.ejected_until.is_none());
        self.ready.extend(usable.map(|(number, _)| *number));
        self.panicking = self.ready.len() * 100 < self.targets.len() * self.rules.panic_percent as usize;
        if self.panicking {
            self.ready.clear();
            self.ready.extend(self.targets.keys());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn four(rules: HealthRules) -> Health {
        let mut health = Health::new(rules);
        (0..4).for_each(|target| health.add(at(0), target, true));
        health
    }

    #[test]
    fn a_target_falls_after_three_failures_in_a_row_and_rises_after_one_success() {
        let mut health = four(HealthRules::default());
        for ok in [false, false, true, false, false] {
            assert_eq!(health.observe(at(1), 2, ok), None);
        }
        assert_eq!(health.ready(at(1)), [0, 1, 2, 3], "what is not known is not believed");
        assert_eq!(health.observe(at(2), 2, false), Some(Verdict::Unhealthy));
        assert_eq!(health.ready(at(2)), [0, 1, 3]);
        assert_eq!(health.observe(at(3), 2, true), Some(Verdict::Healthy));
        assert_eq!(health.ready(at(3)), [0, 1, 2, 3]);
        assert_eq!(health.observe(at(3), 77, false), None, "a target nobody knows");
    }

    #[test]
    fn in_panic_all_targets_are_used() {
        let mut health = four(HealthRules { fall: 1, panic_percent: 50, ..HealthRules::default() });
        health.observe(at(1), 0, false);
        health.observe(at(1), 1, false);
        assert_eq!(health.ready(at(1)), [2, 3], "half is not less than half");
        health.observe(at(2), 2, false);
        assert!(health.is_panicking(at(2)));
        assert_eq!(health.ready(at(2)), [0, 1, 2, 3]);
    }

    #[test]
    fn errors_in_a_row_eject_for_longer_each_time_and_never_too_many() {
        let mut health = four(HealthRules { ejection: Some(EjectionRules::default()), ..HealthRules::default() });
        let fail =
            |health: &mut Health, now, target| (0..5).filter_map(|_| health.observe_request(now, target, false)).last();
        assert_eq!(fail(&mut health, at(0), 1), Some(Verdict::Ejected(at(30))));
        assert_eq!(fail(&mut health, at(1), 2), None, "one of four is ejected already, and 10 % is the limit");
        assert_eq!(health.ready(at(29)), [0, 2, 3]);
        assert!(health.is_healthy(1), "the probes see nothing");
        assert_eq!(health.ready(at(30)), [0, 1, 2, 3]);
        assert_eq!(fail(&mut health, at(40), 1), Some(Verdict::Ejected(at(100))));
        health.observe_request(at(101), 1, false);
        assert_eq!(health.observe_request(at(101), 1, true), None);
        assert_eq!(health.ready(at(101)), [0, 1, 2, 3]);
    }

    #[test]
    fn first_probes_are_spread_over_the_interval() {
        let health = Health::new(HealthRules::default());
        let mut firsts: Vec<SimTime> = (0..20).map(|target| health.first_probe(at(5), target)).collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 20);
        assert!(firsts.iter().all(|first| (at(5)..at(15)).contains(first)));
    }
}
