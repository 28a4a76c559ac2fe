//! The story of a run in moments: causes and decoys, what the controllers and the operator did, when symptoms showed.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::run::{Moment, MomentKind};
use crate::report::symptoms::symptoms;
use crate::scenario::apply::written;
use crate::scenario::file::{CauseSpec, ScenarioFile};
use crate::scenario::lower::Setup;
use crate::score::check::first_onset;
use crate::sim::ids::{PoolId, ReplicaId};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::spec::Arrivals;
use crate::sim::world::Ended;
use crate::sim::world::fact::{What, Why};

/// So many moments of one sort are told; of the rest, only how many there were.
const TOLD: usize = 6;

/// What happened when, from the opening on, in order of time.
pub fn timeline(file: &ScenarioFile, setup: &Setup, ended: &Ended) -> Vec<Moment> {
    let teller = Teller { file, setup, ended };
    let mut moments = teller.conditions();
    moments.extend(teller.arrivals());
    moments.extend(teller.facts());
    moments.extend(symptoms(&ended.series, first_onset(file).as_secs_f64()));
    moments.sort_by_key(|moment| moment.at);
    moments.dedup_by(|later, earlier| later.at == earlier.at && later.text == earlier.text);
    moments
}

struct Teller<'a> {
    file: &'a ScenarioFile,
    setup: &'a Setup,
    ended: &'a Ended,
}

impl Teller<'_> {
    /// Causes and decoys in force since before the opening.
    fn conditions(&self) -> Vec<Moment> {
        let early = self.ended.faults.iter().filter(|fault| fault.at < self.file.open_at());
        early.map(|fault| self.about(SimTime::ZERO, &fault.id, "already so: ")).collect()
    }

    /// Causes and decoys that are users who come.
    fn arrivals(&self) -> Vec<Moment> {
        let Ok(variant) = self.file.variant(self.setup.variant.as_deref()) else { return Vec::new() };
        let present = |cause: &&CauseSpec| {
            let named = variant.causes.contains(&cause.id) || variant.decoys.contains(&cause.id);
            named && !cause.sources.is_empty() && !self.setup.without.contains(&cause.id)
        };
        let come = |cause: &CauseSpec| {
            let sources = self.file.workload.sources.iter().filter(|s| cause.sources.contains(&s.name));
            let begin = sources.filter_map(|source| match &source.arrivals {
                Arrivals::Open(open) | Arrivals::Chat { sessions: open, .. } => open.from_s,
                _ => None,
            });
            begin.min().unwrap_or(SimDuration::ZERO)
        };
        let all = self.file.causes.iter().chain(&self.file.decoys).filter(present);
        all.map(|cause| self.about(SimTime::ZERO + come(cause), &cause.id, "")).collect()
    }

    fn facts(&self) -> Vec<Moment> {
        let open_at = self.file.open_at();
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        let mut moments: Vec<Moment> = Vec::new();
        for fact in self.ended.facts.iter().filter(|fact| open_at <= fact.at) {
            let at = SimTime(fact.at.since(open_at).0);
            let Some(mut moment) = self.tell(at, &fact.what) else { continue };
            let sort: String = moment.text.chars().filter(|c| !c.is_ascii_digit()).collect();
            let times = told.entry(sort.clone()).or_default();
            *times += 1;
            if *times == TOLD + 1 {
                let more = self.count(open_at, &sort) - TOLD;
                if 1 < more {
                    moment.text = format!("{}; {} more like this until the end", moment.text, more - 1);
                }
            }
            if *times <= TOLD + 1 {
                moments.push(moment);
            }
        }
        moments
    }

    /// How often a sort of moment happens in the whole run.
    fn count(&self, open_at: SimTime, sort: &str) -> usize {
        let facts = self.ended.facts.iter().filter(|fact| open_at <= fact.at);
        let texts = facts.filter_map(|fact| self.tell(SimTime::ZERO, &fact.what)).map(|moment| moment.text);
        texts.filter(|text| text.chars().filter(|c| !c.is_ascii_digit()).eq(sort.chars())).count()
    }

    fn tell(&self, at: SimTime, what: &What) -> Option<Moment> {
        use MomentKind::{Action, Symptom};
        let (text, kind) = match what {
            What::FaultBegan(index) => return Some(self.about(at, &self.ended.faults[*index].id, "")),
            What::FaultEnded(index) => return Some(self.about(at, &self.ended.faults[*index].id, "over: ")),
            What::ActionOrdered(index) => {
                (format!("operator orders {}", written(&self.ended.actions[*index].action)), Action)
            }
            What::ActionTookEffect(index) => {
                (format!("{} takes effect", written(&self.ended.actions[*index].action)), Action)
            }
            What::ActionRefused(index, why) => {
                (format!("{} is refused: {why}", written(&self.ended.actions[*index].action)), Action)
            }
            What::ReplicaStarting(p, r) => (format!("{} is starting", self.replica(*p, *r)), Action),
            What::ReplicaPending(p, r) => {
                (format!("{} waits for a machine: Insufficient nvidia.com/gpu", self.replica(*p, *r)), Action)
            }
            What::ReplicaReady(p, r) => (format!("{} is up", self.replica(*p, *r)), Action),
            What::ReplicaDown(p, r, why) => match why {
                Why::Crashed => (format!("{} has crashed", self.replica(*p, *r)), Symptom),
                Why::OutOfMemory => {
                    (format!("{} ran out of host memory and was killed", self.replica(*p, *r)), Symptom)
                }
                Why::Watchdog => (format!("{} was ended by its watchdog", self.replica(*p, *r)), Symptom),
                Why::GpuLost => (format!("{} lost an accelerator", self.replica(*p, *r)), Symptom),
                Why::Restarted => (format!("{} restarts", self.replica(*p, *r)), Action),
                Why::Removed => (format!("{} is taken away", self.replica(*p, *r)), Action),
            },
            What::GatewayKilled(g) => (format!("gateway {} ran out of memory and was killed", g.0), Symptom),
            What::GatewayStopped(g) => (format!("gateway {} restarts", g.0), Action),
            What::GatewayUp(g) => (format!("gateway {} is back", g.0), Action),
            What::GatewayEndpoint(g, false) => (format!("gateway {} leaves the balancer", g.0), Symptom),
            What::NodeReplaced(n) => (format!("controller replaces cache node {} by an empty spare", n.0), Action),
            What::NodeRestored(n) => (format!("cache node {} is back with its contents", n.0), Action),
            What::Autoscaled(p, from, to) => {
                (format!("autoscaler of {}: {from} to {to} replicas", self.pool(*p)), Action)
            }
            What::AutoscalerBlind(p) => (format!("the autoscaler's query of {} finds nothing", self.pool(*p)), Symptom),
            What::AgentSilent(_) | What::AgentBack(_) | What::Endpoint(..) | What::GatewayEndpoint(_, true) => {
                return None;
            }
        };
        Some(Moment { at, text, kind })
    }

    /// A moment of a cause or decoy.
    fn about(&self, at: SimTime, id: &str, prefix: &str) -> Moment {
        let is_decoy = self.file.decoys.iter().any(|d| d.id == id);
        let kind = if is_decoy { MomentKind::Decoy } else { MomentKind::Cause };
        let says = self.file.causes.iter().chain(&self.file.decoys).find(|c| c.id == id).map(|c| c.says.as_str());
        let text = match (says, self.setup.without.iter().any(|gone| gone == id)) {
            (_, true) => format!("{prefix}what holds in place of {id}"),
            (Some(says), false) => format!("{prefix}{says}"),
            (None, false) => format!("{prefix}{id}"),
        };
        Moment { at, text, kind }
    }

    fn pool(&self, id: PoolId) -> &str {
        self.file.stack.pools.get(id.index()).map_or("a pool", |pool| pool.name.as_str())
    }

    /// A replica by its place in its pool, as orders name it: those of the file come pool by pool, others as they are added.
    fn replica(&self, pool: PoolId, id: ReplicaId) -> String {
        let pools = &self.file.stack.pools;
        let first: u16 = pools.iter().take(pool.index()).map(|p| p.replicas).sum();
        let all: u16 = pools.iter().map(|p| p.replicas).sum();
        let own = pools.get(pool.index()).map_or(0, |p| p.replicas);
        let place = if id.0 < all { id.0.saturating_sub(first) } else { own + self.added_before(pool, id) };
        format!("{} replica {place}", self.pool(pool))
    }

    /// How many replicas were added to a pool before one.
    fn added_before(&self, pool: PoolId, id: ReplicaId) -> u16 {
        let pools = &self.file.stack.pools;
        let all: u16 = pools.iter().map(|p| p.replicas).sum();
        let added = self.ended.facts.iter().filter_map(|fact| match &fact.what {
            What::ReplicaStarting(p, r) | What::ReplicaPending(p, r) if *p == pool => Some(*r),
            _ => None,
        });
        added.filter(|r| all <= r.0 && r.0 < id.0).collect::<BTreeSet<ReplicaId>>().len() as u16
    }
}
