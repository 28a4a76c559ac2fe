//! The change log: deploys, flags, settings, data, jobs, machines.

use crate::scenario::history::ChangeKind;

/// One change, as the log has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// As in `CHG-20417`.
    pub id: String,
    /// Seconds after the opening; negative: before.
    pub at_s: f64,
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// The service that was changed.
    pub service: String,
    /// One line.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// Share of the fleet that it reached.
    pub rollout: f64,
    /// What was changed.
    pub diff: String,
}
