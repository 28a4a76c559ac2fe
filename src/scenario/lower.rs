//! From file to world: picks a variant, takes away what is to be taken away, and turns times into moments.

use crate::scenario::file::{CauseSpec, FaultAt, ScenarioFile, VariantSpec};
use crate::sim::spec::action::Action;
use crate::sim::spec::check::pool_of;
use crate::sim::spec::{SpecError, TimedAction, TimedFault, WorldSpec};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::spec::Arrivals;

/// Width of a bucket of the true series.
const BUCKET: SimDuration = SimDuration::from_secs(5);

/// What to run of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Variant by name; none: the first.
    pub variant: Option<String>,
    /// Causes and decoys to take away, by id.
    pub without: Vec<String>,
    /// Operator's actions, with seconds after the opening.
    pub actions: Vec<(SimDuration, Action)>,
}

impl ScenarioFile {
    /// The variant or alternative called `name`, or the first variant.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn variant(&self, name: Option<&str>) -> Result<&VariantSpec, SpecError> {
        let found = match name {
            None => self.variants.first(),
            Some(name) => self.variants.iter().chain(&self.alternatives).find(|v| v.name == name),
        };
        found.ok_or_else(|| {
            let names = self.variants.iter().chain(&self.alternatives).map(|v| v.name.as_str());
            SpecError::unknown_name("variant", "variant", name.unwrap_or_default(), names)
        })
    }

    /// When the first fault or crowd of a cause begins, after the opening; none for what was there before.
    pub fn begins(&self, cause: &CauseSpec) -> Option<SimDuration> {
        let of_source = |name: &String| match &self.workload.sources.iter().find(|s| s.name == *name)?.arrivals {
            Arrivals::Open(open) => open.from_s,
            Arrivals::Chat { sessions, .. } => sessions.from_s,
            Arrivals::Batch { from_s, .. } => *from_s,
            Arrivals::Trace(_) => None,
        };
        let faults = cause.faults.iter().filter_map(|f| f.at_s);
        faults.chain(cause.sources.iter().filter_map(of_source)).min()
    }

    /// Pools in which nothing breaks in a variant, where something does in others; empty where what breaks is in no pool.
    pub fn healthy_pools(&self, variant: &str) -> Vec<String> {
        let Ok(variant) = self.variant(Some(variant)) else { return Vec::new() };
        let causes = self.causes.iter().filter(|c| variant.causes.contains(&c.id));
        let faults: Vec<&FaultAt> = causes.flat_map(|c| &c.faults).collect();
        let sick: Vec<&str> = faults.iter().filter_map(|f| pool_of(&f.fault)).collect();
        // What breaks elsewhere, or comes from outside, may show in any of them.
        if sick.len() < faults.len() || sick.is_empty() {
            return Vec::new();
        }
        let names = self.stack.pools.iter().map(|pool| pool.name.clone());
        names.filter(|name| !sick.contains(&name.as_str())).collect()
    }

    /// Moment at which the incident opens, in world time.
    pub fn open_at(&self) -> SimTime {
        SimTime::ZERO + self.cache_history_s + self.warm_up_s
    }

    /// The world of this scenario as `setup` wants it.
    ///
    /// # Errors
    /// If `setup` names a variant, cause or decoy that is not there.
    pub fn world(&self, setup: &Setup) -> Result<WorldSpec, SpecError> {
        let variant = self.variant(setup.variant.as_deref())?;
        let present = |list: &[String], cause: &CauseSpec| list.contains(&cause.id);
        let mut chosen: Vec<&CauseSpec> = (self.causes.iter().filter(|c| present(&variant.causes, c)))
            .chain(self.decoys.iter().filter(|d| present(&variant.decoys, d)))
            .collect();
        chosen.sort_by_key(|cause| cause.injected); // as they came: the numbers of the others stay
        for id in &setup.without {
            if !chosen.iter().any(|c| c.id == *id) {
                let ids = chosen.iter().map(|c| c.id.as_str());
                return Err(SpecError::unknown_name("without", "cause or decoy of this variant", id, ids));
            }
        }
        let removed = |cause: &CauseSpec| setup.without.contains(&cause.id);
        let mut workload = self.workload.clone();
        for source in &mut workload.sources {
            let bound = |c: &CauseSpec| c.sources.contains(&source.name);
            let conditional = self.causes.iter().chain(&self.decoys).any(bound);
            source.absent = conditional && !chosen.iter().any(|c| bound(c) && !removed(c));
        }
        let faults = chosen
            .iter()
            .flat_map(|cause| {
                let list = if removed(cause) { &cause.instead } else { &cause.faults };
                list.iter().map(|f| self.timed(&cause.id, f))
            })
            .collect();
        let open_at = self.open_at();
        Ok(WorldSpec {
            stack: self.stack.clone(),
            workload,
            faults,
            actions: (setup.actions.iter())
                .map(|(at, action)| TimedAction { at: open_at + *at, action: action.clone() })
                .collect(),
            warm_until: SimTime::ZERO + self.cache_history_s,
            open_at,
            horizon: open_at + self.length_s,
            bucket: BUCKET,
        })
    }

    fn timed(&self, id: &str, fault: &FaultAt) -> TimedFault {
        let moment = |after: SimDuration| self.open_at() + after;
        TimedFault {
            id: id.to_string(),
            at: fault.at_s.map_or(SimTime::ZERO, moment),
            until: fault.until_s.map(moment),
            fault: fault.fault.clone(),
        }
    }
}
