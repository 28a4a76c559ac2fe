//! Does an operator's action fit a scenario: asked before the run, so that a slip of the pen is not taken for a result.
//! An action on a name that does not exist would change nothing, and look like a finding. What can only be known later
//! (a replica that is gone by then) is refused in the run, and told in the timeline.

use crate::scenario::file::ScenarioFile;
use crate::sim::spec::SpecError;
use crate::sim::spec::action::Action;
use crate::sim::spec::check::action_mistakes;
use crate::sim::spec::fault::Fault;
use crate::sim::time::SimDuration;

impl ScenarioFile {
    /// What of an action does not fit this scenario: a moment after its end, a name that nothing in it bears. `said`
    /// is how the action was written, to say where the mistake is.
    pub fn order_mistakes(&self, at: SimDuration, action: &Action, said: &str) -> Vec<SpecError> {
        let mut found = action_mistakes(&self.stack, action, said);
        if self.length_s <= at {
            let (last, at) = (clock(self.length_s), clock(at));
            found
                .push(SpecError::new(said, format!("{at} is too late: the scenario ends at {last} after the opening")));
        }
        match action {
            Action::BlockCohort { cohort } => {
                let names: Vec<&str> = self.workload.cohorts.iter().map(|c| c.name.as_str()).collect();
                found.extend(unknown(said, "cohort", cohort, &names));
            }
            Action::BlockAccount { account } | Action::RateLimitAccount { account, .. } => {
                let accounts: u64 = self.workload.cohorts.iter().map(|c| u64::from(c.accounts)).sum();
                if accounts <= u64::from(*account) {
                    let message = format!("there are accounts 0 to {}, and no {account}", accounts.saturating_sub(1));
                    found.push(SpecError::new(said, message));
                }
            }
            Action::FlagOff { flag } if !self.flags().contains(&flag.as_str()) => {
                // Which flags a file has tells what may be wrong: whoever plays has to find them.
                let message = format!(
                    "no flag is called \"{flag}\": those that were switched stand in the change log and among the gateways' settings"
                );
                found.push(SpecError::new(said, message));
            }
            Action::Rollback { change } => {
                let ids: Vec<&str> = self.causes.iter().chain(&self.decoys).map(|c| c.id.as_str()).collect();
                if change.parse::<usize>().is_err() {
                    found.extend(unknown(said, "change", change, &ids));
                }
            }
            _ => {}
        }
        found
    }

    /// Names of the flags that anything in this file turns on.
    fn flags(&self) -> Vec<&str> {
        let faults = self.causes.iter().chain(&self.decoys).flat_map(|c| &c.faults);
        faults
            .filter_map(|f| match &f.fault {
                Fault::BadFlag { flag, .. } => Some(flag.as_str()),
                _ => None,
            })
            .collect()
    }
}

fn unknown(said: &str, kind: &str, name: &str, valid: &[&str]) -> Option<SpecError> {
    match valid {
        [] => Some(SpecError::new(said, format!("this scenario has no {kind}, so none is called \"{name}\""))),
        _ if valid.contains(&name) => None,
        _ => Some(SpecError::unknown_name(said, kind, name, valid.iter().copied())),
    }
}

/// As in `30:00`.
fn clock(time: SimDuration) -> String {
    let seconds = time.0 / 1_000_000_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
