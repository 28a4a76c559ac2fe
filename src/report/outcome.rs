//! From a run's end to its report: harm and cost as numbers, facts as moments of a timeline.

use crate::report::run::{Moment, MomentKind, RunReport};
use crate::scenario::lower::Setup;
use crate::scenario::opened::Scenario;
use crate::sim::time::SimTime;
use crate::sim::world::Ended;
use crate::sim::world::fact::What;

/// A run's report with what its JSON contract has no room for.
pub struct Outcome {
    /// The report.
    pub run: RunReport,
    /// How the run ended.
    pub wanted: u64,
    /// Intents answered in time.
    pub good: u64,
    /// Answered late.
    pub late: u64,
    /// Failed.
    pub failed: u64,
    /// Accelerator-hours.
    pub gpu_hours: f64,
}

/// The report of a run that has ended.
pub fn run_report(scenario: &Scenario, variant: &str, seed: u64, setup: &Setup, ended: Ended) -> Outcome {
    let timeline = timeline(scenario, &ended);
    let label = match (setup.without.is_empty(), setup.actions.is_empty()) {
        (true, true) => "what happened".to_string(),
        (false, true) => format!("the same users, without {}", setup.without.join(", ")),
        (true, false) => "with the operator's actions".to_string(),
        (false, false) => format!("without {}, with the operator's actions", setup.without.join(", ")),
    };
    Outcome {
        wanted: ended.harm.wanted,
        good: ended.harm.good,
        late: ended.harm.late,
        failed: ended.harm.failed,
        gpu_hours: ended.cost.gpu_hours,
        run: RunReport {
            scenario: scenario.name.clone(),
            variant: variant.to_string(),
            seed,
            event_hash: format!("{:016x}", ended.event_hash),
            harm: ended.harm.user_minutes_lost,
            cost: ended.cost.gpu_hours + ended.cost.gpu_hours_elsewhere,
            series: ended.series,
            timeline,
            label,
        },
    }
}

/// One line that says how it went.
pub fn summary(outcome: &Outcome) -> String {
    format!(
        "{:.0} user-minutes lost; of {} intents wanted {} were answered in time, {} late, {} failed; {:.1} GPU-hours",
        outcome.run.harm, outcome.wanted, outcome.good, outcome.late, outcome.failed, outcome.gpu_hours
    )
}

fn timeline(scenario: &Scenario, ended: &Ended) -> Vec<Moment> {
    let open_at = scenario.file.open_at();
    let is_decoy = |id: &str| scenario.file.decoys.iter().any(|d| d.id == id);
    let says = |id: &str| {
        let all = scenario.file.causes.iter().chain(&scenario.file.decoys);
        all.filter(|c| c.id == id).map(|c| c.says.clone()).next().unwrap_or_else(|| id.to_string())
    };
    let mut moments: Vec<Moment> = Vec::new();
    for fact in ended.facts.iter().filter(|f| open_at <= f.at) {
        let (text, kind) = match &fact.what {
            What::FaultBegan(index) => {
                let id = &ended.faults[*index].id;
                (says(id), if is_decoy(id) { MomentKind::Decoy } else { MomentKind::Cause })
            }
            What::FaultEnded(index) => {
                let id = &ended.faults[*index].id;
                (format!("over: {}", says(id)), if is_decoy(id) { MomentKind::Decoy } else { MomentKind::Cause })
            }
            What::ActionOrdered(index) => (format!("operator: {:?}", ended.actions[*index].action), MomentKind::Action),
            What::ActionRefused(_, why) => (format!("refused: {why}"), MomentKind::Action),
            What::ReplicaStarting(_, r) => (format!("replica {} is starting", r.0), MomentKind::Action),
            What::ReplicaPending(_, r) => {
                (format!("replica {} waits for a machine: Insufficient nvidia.com/gpu", r.0), MomentKind::Action)
            }
            What::ReplicaReady(_, r) => (format!("replica {} is up", r.0), MomentKind::Action),
            What::ReplicaDown(_, r, why) => (format!("replica {} is down: {why:?}", r.0), MomentKind::Symptom),
            What::GatewayKilled(g) => (format!("gateway {} ran out of memory", g.0), MomentKind::Symptom),
            What::GatewayUp(g) => (format!("gateway {} is back", g.0), MomentKind::Action),
            What::NodeReplaced(n) => (format!("cache node {} replaced by an empty spare", n.0), MomentKind::Cause),
            What::NodeRestored(n) => (format!("cache node {} is back with its contents", n.0), MomentKind::Action),
            What::Autoscaled(_, from, to) => (format!("autoscaler: {from} to {to} replicas"), MomentKind::Action),
            What::AutoscalerBlind(_) => ("the autoscaler's query finds nothing".to_string(), MomentKind::Symptom),
            What::AgentSilent(_) | What::AgentBack(_) | What::Endpoint(..) | What::ActionTookEffect(_) => continue,
        };
        let at = SimTime(fact.at.since(open_at).0);
        if moments.last().is_none_or(|last| (last.at, &last.text) != (at, &text)) {
            moments.push(Moment { at, text, kind });
        }
    }
    moments
}
