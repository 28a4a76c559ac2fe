//! Alerts: the rules of the monitoring system, asked at intervals of what was scraped, and what they did.

use crate::sim::spec::stack::Severity;
use crate::sim::time::SimTime;

/// One firing of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The rule's name.
    pub name: String,
    /// Whom it wakes.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// The expression.
    pub expr: String,
    /// Id of a runbook.
    pub runbook: String,
    /// The expression began to hold.
    pub pending_since: SimTime,
    /// It fired.
    pub fired: SimTime,
    /// It was over; none while it fires.
    pub resolved: Option<SimTime>,
}
