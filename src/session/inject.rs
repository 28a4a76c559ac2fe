//! Faults that a host injects: each becomes the last of the causes of this session's own copy of its scenario and a
//! fault of the running world, so that replay, truth and debrief know of it as of any other.

use std::sync::Arc;

use serde::Serialize;

use crate::scenario::diagnostic::Mistakes;
use crate::scenario::file::{CauseSpec, FaultAt, Role};
use crate::scenario::load::{Presets, load};
use crate::scenario::mechanisms;
use crate::scenario::opened::Scenario;
use crate::scenario::source::Source;
use crate::sim::spec::TimedFault;
use crate::sim::spec::check::fault_mistakes;
use crate::sim::time::{SimDuration, SimTime};

/// A fault that was injected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Injected {
    /// Its id among the session's causes.
    pub id: String,
    /// From when on.
    #[serde(skip)]
    pub at: SimTime,
    /// Its mechanism.
    pub mechanism: String,
    /// As it was written.
    pub fault: String,
}

/// Reads a fault as a scenario file writes it, as in `CacheFlush` or `ExporterDown(job: "dcgm")`, and makes it the last
/// of a scenario's causes.
///
/// # Errors
/// It is no fault of this stack, or its mechanism is not in the list.
pub fn inject(
    scenario: &Scenario,
    variant: &str,
    number: usize,
    at: SimTime,
    (mechanism, fault, for_s): (&str, &str, Option<f64>),
) -> Result<(Scenario, Injected, TimedFault), String> {
    let mechanism = mechanisms::find(mechanism)?.id;
    let source = Arc::new(Source::new("inject", format!("(fault: {fault})")));
    let read = load::<FaultAt>(source, &Presets::default(), |_, _| {});
    let mut timed = read.map_err(|mistakes: Mistakes| mistakes.render(false))?.value;
    if let Some(mistake) = fault_mistakes(&scenario.file.stack, &timed.fault, "inject").into_iter().next() {
        let hint = mistake.suggestion.map_or(String::new(), |s| format!("; did you mean \"{s}\"?"));
        return Err(format!("{}{hint}", mistake.message));
    }
    let open_at = scenario.file.open_at();
    timed.at_s = Some(at.since(open_at.min(at)));
    timed.until_s = match for_s {
        None => None,
        Some(s) if (1.0..=86_400.0).contains(&s) => timed.at_s.map(|at_s| at_s + SimDuration::from_secs_f64(s)),
        Some(s) => return Err(format!("a fault cannot last {s} seconds: 1 to 86400")),
    };
    let id = format!("injected-{number}");
    let until = timed.until_s.map(|until| open_at + until);
    let world = TimedFault { id: id.clone(), at, until, fault: timed.fault.clone() };
    let mut file = (*scenario.file).clone();
    file.causes.push(CauseSpec {
        id: id.clone(),
        says: format!("the host injected {fault}"),
        mechanism: mechanism.to_string(),
        role: Role::Trigger,
        faults: vec![timed],
        sources: Vec::new(),
        spread: 1.0,
        change: None,
        instead: Vec::new(),
        injected: true,
    });
    let chosen = file.variants.iter_mut().find(|v| v.name == variant);
    chosen.ok_or("the scenario has no such variant")?.causes.push(id.clone());
    let injected = Injected { id, at, mechanism: mechanism.to_string(), fault: fault.to_string() };
    Ok((Scenario { name: scenario.name.clone(), file: Arc::new(file) }, injected, world))
}
