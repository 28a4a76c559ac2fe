//! What a world is built from, as data: the stack, what breaks it, what an operator can do to it.
//!
//! These types are the scenario file's own words. Names refer to entities here; the world resolves them to numbers
//! once, when it is built, and says which name it does not know.

pub mod base; // the preset a part starts from
pub mod check; // what no schema can say

pub mod action; // what an operator can do
pub mod fault; // what breaks
pub mod stack; // what there is

use serde::{Deserialize, Serialize};

use crate::sim::time::SimTime;
use crate::sim::workload::WorkloadSpec;

/// Everything a world needs to know, but its seed.
#[derive(Clone, Debug)]
pub struct WorldSpec {
    /// The stack.
    pub stack: stack::StackSpec,
    /// What users want of it.
    pub workload: WorkloadSpec,
    /// What breaks, in the order of the file (which breaks ties in time).
    pub faults: Vec<TimedFault>,
    /// What an operator does.
    pub actions: Vec<TimedAction>,
    /// Until here caches are filled without timing (functional warming); traffic runs from here.
    pub warm_until: SimTime,
    /// From here intents count: harm, series and summary begin.
    pub open_at: SimTime,
    /// The end of the world.
    pub horizon: SimTime,
    /// Width of a bucket of the true series.
    pub bucket: crate::sim::time::SimDuration,
}

/// A fault with its onset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TimedFault {
    /// Identity in the scenario, for the timeline; never shown before the debrief.
    pub id: String,
    /// When it begins; zero means from before the warm-up.
    pub at: SimTime,
    /// When it ends by itself, if it does.
    pub until: Option<SimTime>,
    /// What breaks.
    pub fault: fault::Fault,
}

/// An operator's action with its moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TimedAction {
    /// When it is ordered; its effect follows after the action's delay.
    pub at: SimTime,
    /// What is done.
    pub action: action::Action,
}

/// A part of a spec that no world can be built from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SpecError {
    /// Field names and indices from the root of the spec, joined by dots.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// The nearest valid name, where a name was wrong.
    pub suggestion: Option<String>,
}

impl SpecError {
    /// A mistake at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        SpecError { path: path.into(), message: message.into(), suggestion: None }
    }

    /// A name that nothing bears, with the nearest one that something does.
    pub fn unknown_name<'a>(
        path: impl Into<String>,
        kind: &str,
        name: &str,
        valid: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let valid: Vec<&str> = valid.into_iter().collect();
        let nearest = valid
            .iter()
            .map(|v| (strsim::jaro_winkler(name, v), *v))
            .filter(|(likeness, _)| 0.7 < *likeness)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, v)| v.to_string());
        SpecError {
            path: path.into(),
            message: format!("no {kind} is called \"{name}\"; there are: {}", valid.join(", ")),
            suggestion: nearest,
        }
    }
}
