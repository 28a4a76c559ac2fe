//! Ensembles: every hypothesis of a scenario under seeds of its own, and with what nobody could know drawn anew in each run
//! ([`unknowns`](super::unknowns)). Runs are handed out one by one, so that whoever builds can stop and go on, and say how
//! far it is.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::scenario::mechanisms::NO_FAULT;
use crate::scenario::opened::Scenario;
use crate::score::observer::differential::{HEALTHY, Hypothesis, hypotheses};
use crate::score::observer::reading::Reading;
use crate::score::observer::table::{FIXED, Sample, Table};
use crate::score::observer::unknowns::{NARROWER, drawn};
use crate::score::observer::{Freshness, Observer};
use crate::sim::spec::stack::Severity;
use crate::telemetry::watch::WatchError;

/// Begins the seeds of ensembles.
pub const LEARNT: u64 = 0x0b5e_0000_0000;
/// Begins the seeds of runs that are held out: no ensemble has them.
pub const HELD_OUT: u64 = 0x0b5e_8000_0000;

/// A run of an ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The hypothesis' place.
    pub hypothesis: usize,
    /// Its place in the ensemble.
    pub place: usize,
}

/// Where runs are kept between one attempt to build and the next.
pub trait Kept: Sync {
    /// A reading that was kept, by its place.
    fn get(&self, hypothesis: &Hypothesis, place: usize) -> Option<Reading>;
    /// Keeps one.
    fn put(&self, hypothesis: &Hypothesis, place: usize, reading: &Reading);
}

/// Keeps nothing.
pub struct Nowhere;

impl Kept for Nowhere {
    fn get(&self, _: &Hypothesis, _: usize) -> Option<Reading> {
        None
    }

    fn put(&self, _: &Hypothesis, _: usize, _: &Reading) {}
}

/// Is told how many of so many runs are done.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Runs every hypothesis under so many seeds, and makes a table of it. The healthy world is a hypothesis only where it
/// pages somebody too; else nobody would be looking.
///
/// # Errors
/// A world cannot be built.
pub fn build(scenario: &Scenario, seeds: usize, kept: &dyn Kept, progress: Progress<'_>) -> Result<Table, WatchError> {
    let mut all = hypotheses(&scenario.file);
    let seeds = seeds.max(FIXED);
    let places = |h: usize, of: std::ops::Range<usize>| of.map(move |place| Run { hypothesis: h, place });
    let healthy = all.iter().position(|h| h.name == HEALTHY);
    let mut samples = Vec::new();
    if let Some(h) = healthy {
        let first: Vec<Run> = places(h, 0..FIXED).collect();
        let read = run(scenario, &all, &first, LEARNT, kept, &|_, _| {})?;
        if read.iter().any(|s| s.reading.paged_s.is_none()) {
            all.remove(h);
        } else {
            samples = read;
        }
    }
    let wanted: Vec<Run> =
        (0..all.len()).flat_map(|h| places(h, if Some(h) == healthy { FIXED..seeds } else { 0..seeds })).collect();
    samples.extend(run(scenario, &all, &wanted, LEARNT, kept, progress)?);
    samples.sort_by_key(|s| (s.hypothesis, s.seed));
    Ok(Table::of(&scenario.name, &scenario.fingerprint(), &all, &samples))
}

/// One run of an ensemble. Where nobody is paged nobody would look, so that it is drawn again, nearer to what is written; a
/// healthy world is what it is.
///
/// # Errors
/// A world cannot be built.
pub fn sample(scenario: &Scenario, hypothesis: &Hypothesis, first: u64, place: usize) -> Result<Reading, WatchError> {
    let alerts = &scenario.file.stack.monitoring.alerts;
    let pages = !hypothesis.holds(NO_FAULT) && alerts.iter().any(|rule| rule.severity == Severity::Page);
    let mut reading = Reading::default();
    for narrower in NARROWER {
        let drawn = drawn(&scenario.file, hypothesis, first, place, narrower);
        reading = Reading::of(&drawn.file, &hypothesis.setup, drawn.seed)?;
        if !pages || reading.paged_s.is_some() {
            break;
        }
    }
    Ok(reading)
}

/// Runs what is wanted, in parallel; `first` is [`LEARNT`] or [`HELD_OUT`].
///
/// # Errors
/// A world cannot be built.
pub fn run(
    scenario: &Scenario,
    hypotheses: &[Hypothesis],
    wanted: &[Run],
    first: u64,
    kept: &dyn Kept,
    progress: Progress<'_>,
) -> Result<Vec<Sample>, WatchError> {
    let done = AtomicUsize::new(0);
    let one = |run: &Run| {
        let hypothesis = &hypotheses[run.hypothesis];
        let reading = match kept.get(hypothesis, run.place) {
            Some(reading) => reading,
            None => {
                let reading = sample(scenario, hypothesis, first, run.place)?;
                kept.put(hypothesis, run.place, &reading);
                reading
            }
        };
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, wanted.len());
        Ok(Sample { hypothesis: run.hypothesis, seed: run.place, reading })
    };
    wanted.par_iter().map(one).collect()
}

impl Observer {
    /// Runs fixed seeds again and says whether the world is as it was when the table was made: of one hypothesis the first
    /// of its two, or of all both. A scenario of which nothing but words has changed has the same world.
    ///
    /// # Errors
    /// A world cannot be built.
    pub fn verify(&self, scenario: &Scenario, of: Option<&str>) -> Result<Freshness, WatchError> {
        let known = |name: &str| self.table.hypotheses.iter().any(|k| k.name == name);
        let all = hypotheses(&scenario.file);
        let gone = |name: &str| !all.iter().any(|h| h.name == name);
        if all.iter().any(|h| h.name != HEALTHY && !known(&h.name)) || self.hypotheses.iter().any(|h| gone(&h.name)) {
            return Ok(Freshness::OtherScenario);
        }
        let wanted: Vec<Run> = (0..self.hypotheses.len())
            .filter(|h| of.is_none_or(|name| self.hypotheses[*h].name == name))
            .flat_map(|hypothesis| {
                (0..if of.is_some() { 1 } else { FIXED }).map(move |place| Run { hypothesis, place })
            })
            .collect();
        let read = run(scenario, &self.hypotheses, &wanted, LEARNT, &Nowhere, &|_, _| {})?;
        let same = read
            .iter()
            .all(|s| self.table.hypotheses[s.hypothesis].digests.get(s.seed).is_some_and(|d| *d == s.reading.digest()));
        Ok(if same { Freshness::Fresh } else { Freshness::OtherWorld })
    }
}
