//! The scenario file's types: what an author writes, and nothing that a run computes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::history::{ChangeSpec, HistorySpec};
use crate::scenario::lesson::{CoachLine, LessonSpec};
use crate::sim::spec::fault::Fault;
use crate::sim::spec::stack::StackSpec;
use crate::sim::time::SimDuration;
use crate::sim::workload::WorkloadSpec;

/// An incident: a stack, what users want of it, what breaks, and what only seems to.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// The author's title. Spoils; shown only to those who ask for spoilers.
    pub title: String,
    /// The truth in a few sentences, for the debrief.
    pub story: String,
    /// The number under which a participant meets it: it says nothing.
    #[schemars(range(min = 1000, max = 9999))]
    pub case: u32,
    /// The page that the participant gets. Names a symptom, never a cause.
    pub page: String,
    /// What a participant knows on arrival.
    pub briefing: String,
    /// The note of whoever was on call before: what they saw, and what they made of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub handover: String,
    /// From 1 (read one panel) to 5.
    #[schemars(range(min = 1, max = 5))]
    pub difficulty: u8,
    /// Length of the incident that is played and measured, in seconds.
    #[schemars(range(min = 60, max = 86400))]
    pub length_s: SimDuration,
    /// Traffic before that, simulated but not measured, in seconds.
    #[serde(default = "default_warm_up")]
    pub warm_up_s: SimDuration,
    /// Traffic before the warm-up whose prompts fill the caches without timing, in seconds.
    #[serde(default)]
    pub cache_history_s: SimDuration,
    /// The stack; usually a preset (`base:`) and how it differs.
    pub stack: StackSpec,
    /// What users want; usually a preset and how it differs.
    pub workload: WorkloadSpec,
    /// Faults and conditions, of which a variant takes some.
    #[serde(default)]
    pub causes: Vec<CauseSpec>,
    /// Things that are true and correlated and cause no harm, of which a variant takes some.
    #[serde(default)]
    pub decoys: Vec<CauseSpec>,
    /// What was before, and what is said beside.
    #[serde(default)]
    pub history: HistorySpec,
    /// Alternatives behind the same page.
    #[schemars(length(min = 1))]
    pub variants: Vec<VariantSpec>,
    /// What such a page can be in the field and is never here: nobody is dealt one of these, and the ideal observer holds
    /// what it sees against them too. Of each only name, causes, decoys and base rate count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<VariantSpec>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "LessonSpec::is_empty")]
    pub lesson: LessonSpec,
    /// Its place in the first shift, from 1; none for cases that are not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9))]
    pub shift: Option<u8>,
    /// What nobody could know beforehand, where the general rule does not fit.
    #[serde(default, skip_serializing_if = "UnknownSpec::is_default")]
    pub unknown: UnknownSpec,
    /// Looks cost no time in it: for who has never looked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub free_looks: bool,
    /// What a coach says in it, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coach: Vec<CoachLine>,
}

/// How far from what is written onset and demand are in the runs that the ideal observer learns from. What is written lies
/// within.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnknownSpec {
    /// Seconds by which everything that happens may come earlier or later, all of it together.
    #[serde(default = "default_onset")]
    #[schemars(range(min = 0, max = 600))]
    pub onset_s: SimDuration,
    /// The least that users want, as a share of what is written.
    #[serde(default = "default_demand_low")]
    #[schemars(range(min = 0.1, max = 1))]
    pub demand_low: f64,
    /// The most that users want, as a share of what is written: no more than the stack carries.
    #[serde(default = "default_demand_high")]
    #[schemars(range(min = 1, max = 3))]
    pub demand_high: f64,
}

impl UnknownSpec {
    /// Whether the general rule holds.
    pub fn is_default(&self) -> bool {
        *self == UnknownSpec::default()
    }
}

impl Default for UnknownSpec {
    fn default() -> Self {
        UnknownSpec { onset_s: default_onset(), demand_low: default_demand_low(), demand_high: default_demand_high() }
    }
}

fn default_onset() -> SimDuration {
    SimDuration::from_secs(120)
}

fn default_demand_low() -> f64 {
    0.8
}

fn default_demand_high() -> f64 {
    1.1
}

fn default_warm_up() -> SimDuration {
    SimDuration::from_secs(120)
}

/// A cause or a decoy.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CauseSpec {
    /// Its name in this file.
    pub id: String,
    /// What it is, in plain words, for the debrief.
    pub says: String,
    /// Its mechanism, as `family.name`; decoys need none.
    #[serde(default)]
    pub mechanism: String,
    /// What part it plays.
    #[serde(default)]
    pub role: Role,
    /// What breaks, and when.
    #[serde(default)]
    pub faults: Vec<FaultAt>,
    /// Workload sources that exist only with it.
    #[serde(default)]
    pub sources: Vec<String>,
    /// How far the amounts of its faults and of its crowds are from what is written in the runs that the ideal observer
    /// learns from, times the general rule; 0 where everybody can know them.
    #[serde(default = "one_rule", skip_serializing_if = "is_one")]
    #[schemars(range(min = 0, max = 3))]
    pub spread: f64,
    /// What the change log says of it, if it was a change that somebody made.
    #[serde(default)]
    pub change: Option<ChangeSpec>,
    /// What holds in its place when it is taken away; nothing if empty.
    #[serde(default)]
    pub instead: Vec<FaultAt>,
    /// Whether a host put it there while a session ran; the file says nothing of it.
    #[serde(skip)]
    #[schemars(skip)]
    pub injected: bool,
}

fn one_rule() -> f64 {
    1.0
}

fn is_one(spread: &f64) -> bool {
    *spread == 1.0
}

/// The part that a cause plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Role {
    /// It set things off.
    #[default]
    Trigger,
    /// Without it nothing would have followed.
    Root,
    /// It keeps the incident going after its trigger is gone.
    Sustaining,
    /// It made things worse or possible.
    Contributing,
}

/// A fault with its time.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultAt {
    /// Seconds after the opening; none: since long before.
    #[serde(default)]
    pub at_s: Option<SimDuration>,
    /// Seconds after the opening at which it ends by itself.
    #[serde(default)]
    pub until_s: Option<SimDuration>,
    /// What breaks.
    pub fault: Fault,
}

/// One of a scenario's alternatives.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantSpec {
    /// Its name.
    pub name: String,
    /// What was true in it; the scenario's story where it says nothing of its own.
    #[serde(default)]
    pub story: String,
    /// Ids of its causes; empty where nothing is wrong.
    #[serde(default)]
    pub causes: Vec<String>,
    /// Ids of its decoys.
    #[serde(default)]
    pub decoys: Vec<String>,
    /// Whether the tempting decoy is the truth here.
    #[serde(default)]
    pub foil: bool,
    /// The ladder of hints, at most three: a question, a panel, the mechanism. Made from the mechanism where there is none.
    #[serde(default)]
    pub hints: Vec<String>,
    /// The critical actions: orders that end users' pain, given one after the other at the first chance, as in
    /// `restore-cache-members`. Where none is named, `check` looks for some.
    #[serde(default)]
    pub mends: Vec<String>,
    /// The forbidden ones: orders that seem right here and help little or hurt, each by itself, as in
    /// `scale:agents-70b=12`.
    #[serde(default)]
    pub tempts: Vec<String>,
    /// How often this is what it is, among all that the same page is seen for in the field: a weight, held against those of
    /// the other variants; 1 if nothing is said.
    #[serde(default)]
    #[schemars(range(min = 0.001, max = 1000.0))]
    pub base_rate: Option<f64>,
    /// How many lots it has in the hat from which a seed draws: 2 comes twice as often as a variant with 1.
    #[serde(default = "one_lot", skip_serializing_if = "is_one_lot")]
    #[schemars(range(min = 1, max = 100))]
    pub lots: u32,
}

fn one_lot() -> u32 {
    1
}

fn is_one_lot(lots: &u32) -> bool {
    *lots == one_lot()
}
