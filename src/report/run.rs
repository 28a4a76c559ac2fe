//! What one run reports: the contract of `--json`, and the text that its renderings share.

use serde::{Deserialize, Serialize};

use crate::sim::series::Series;
use crate::sim::time::SimTime;

/// One run of a scenario, as it truly was.
///
/// Serialised, this is the JSON contract of the command line: the fields up to `series` keep their names and meanings;
/// others may be added after them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Name of the scenario.
    pub scenario: String,
    /// The variant that ran.
    pub variant: String,
    /// The seed that ran.
    pub seed: u64,
    /// Hash of every event in order, in hexadecimal: equal hashes mean equal runs.
    pub event_hash: String,
    /// Users' pain, in the unit of the scenario's weights.
    pub harm: f64,
    /// What the operator's actions cost.
    pub cost: f64,
    /// True values over time.
    pub series: Series,
    /// What happened when, in order of time.
    pub timeline: Vec<Moment>,
    /// What tells this run from others shown beside it, such as `the same users, cause removed`.
    pub label: String,
}

/// A moment worth a line of the timeline and a mark on the charts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// When; in JSON `at_s`, in seconds since the world began.
    #[serde(rename = "at_s")]
    pub at: SimTime,
    /// What happened, as a short sentence without a full stop.
    pub text: String,
    /// Of what kind it is.
    pub kind: MomentKind,
}

/// Kinds of moment; each is drawn with a mark of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    /// A cause sets in or ends.
    Cause,
    /// A decoy happens.
    Decoy,
    /// A true series leaves or regains its usual range.
    Symptom,
    /// An alert fires or resolves.
    Page,
    /// An operator or a controller acts.
    Action,
}

impl RunReport {
    /// The report as indented JSON, for standard output.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names are strings and numbers are finite or null")
    }
}
