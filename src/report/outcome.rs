//! From a run's end to its report: harm and cost as numbers, how intents ended, what happened when.

use crate::report::run::RunReport;
use crate::report::timeline::timeline;
use crate::scenario::lower::Setup;
use crate::scenario::opened::Scenario;
use crate::sim::world::Ended;

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
    let timeline = timeline(&scenario.file, setup, &ended);
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
        "{:.0} user-minutes lost; of {} intents due by the end {} were answered in time, {} late, {} failed; {:.1} GPU-hours",
        outcome.run.harm, outcome.wanted, outcome.good, outcome.late, outcome.failed, outcome.gpu_hours
    )
}
