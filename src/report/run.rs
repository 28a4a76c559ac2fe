//! What one run reports: the contract of `--json`, and the text that its renderings share.

use serde::{Deserialize, Serialize};

use crate::report::quantity::grouped;
use crate::sim::series::Series;
use crate::sim::time::SimTime;

/// One run of a scenario, as it truly was.
///
/// Serialised, this is the JSON contract of the command line: the fields up to `series` keep their names and meanings;
/// others may be added after them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// When; in JSON `at_s`, in seconds after the opening.
    #[serde(rename = "at_s")]
    pub at: SimTime,
    /// What happened, as a short sentence without a full stop.
    pub text: String,
    /// Of what kind it is.
    pub kind: MomentKind,
}

/// Kinds of moment; each is drawn with a mark of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    /// A cause sets in or ends.
    Cause,
    /// A decoy happens.
    Decoy,
    /// A true series leaves or regains its usual range.
    #[default]
    Symptom,
    /// An alert fires or resolves.
    Page,
    /// An operator or a controller acts.
    Action,
}

/// What happened in a whole run, from its series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Intents begun.
    pub intents: f64,
    /// Attempts sent.
    pub attempts: f64,
    /// Attempts that ended in an error.
    pub errors: f64,
    /// Intents answered within their objective.
    pub good: f64,
}

impl MomentKind {
    /// The kind in a word.
    pub fn word(self) -> &'static str {
        match self {
            MomentKind::Cause => "cause",
            MomentKind::Decoy => "decoy",
            MomentKind::Symptom => "symptom",
            MomentKind::Page => "page",
            MomentKind::Action => "action",
        }
    }

    /// A mark that tells the kinds apart without colour, one column wide.
    pub fn glyph(self) -> char {
        match self {
            MomentKind::Cause => '◆',
            MomentKind::Decoy => '◇',
            MomentKind::Symptom => '│',
            MomentKind::Page => '▲',
            MomentKind::Action => '●',
        }
    }
}

impl RunReport {
    /// The end of the last bucket in seconds, zero where there is none.
    pub fn end_s(&self) -> f64 {
        self.series.t_s.last().copied().unwrap_or(0.0)
    }

    /// What happened in the whole run.
    pub fn totals(&self) -> Totals {
        let series = &self.series;
        let mut totals = Totals::default();
        let mut start = 0.0;
        for (i, &end) in series.t_s.iter().enumerate() {
            let seconds = end - start;
            let count = |column: &[f64]| column.get(i).map_or(0.0, |rate| rate * seconds);
            totals.intents += count(&series.intents_per_s);
            totals.attempts += count(&series.attempts_per_s);
            totals.errors += count(&series.errors_per_s);
            totals.good += count(&series.goodput_per_s);
            start = end;
        }
        totals
    }

    /// How this run compares with the one that leads the report, in a sentence; `None` if there is nothing to say.
    pub fn compared_with(&self, leading: &RunReport) -> Option<String> {
        if leading.harm <= 0.0 {
            return None;
        }
        let less = (1.0 - self.harm / leading.harm) * 100.0;
        let (size, way) = if less < 0.0 { (-less, "more") } else { (less, "less") };
        Some(format!(
            "{}: harm {} instead of {}, {size:.1} % {way}",
            self.label,
            grouped(&format!("{:.0}", self.harm)),
            grouped(&format!("{:.0}", leading.harm))
        ))
    }

    /// The report as indented JSON, for standard output.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names are strings and numbers are finite or null")
    }
}
