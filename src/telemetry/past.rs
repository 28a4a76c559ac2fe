//! The same hours of days before: the same world without what had not happened then, simulated when somebody asks; and
//! the inputs of the world over two weeks. Other times are beyond retention, and the store says so.

use std::collections::BTreeMap;

use crate::metrics::promql::{LOOKBACK_MS, Query};
use crate::metrics::store::{SeriesId, Store};
use crate::scenario::file::{CauseSpec, ScenarioFile};
use crate::scenario::lower::Setup;
use crate::sim::rng::mix;
use crate::sim::world::World;
use crate::telemetry::inputs::{self, INPUTS, KEPT_MS};
use crate::telemetry::scene::Scene;

/// Days before whose hours are kept.
pub const KEPT_DAYS: [u32; 2] = [7, 1];
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// What is needed to simulate days before, and those that were.
#[derive(Debug, Default)]
pub struct Past {
    days: BTreeMap<u32, Store>,
    inputs: Option<Store>,
}

/// Where the answer to a query lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In the incident's own minutes.
    Present,
    /// In these days before, too.
    Days(Vec<u32>),
    /// In what is known of the inputs of the world over two weeks.
    Inputs,
}

/// A question about a time that nobody kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "beyond retention: {asked} before now is not kept; what is kept are this incident's own minutes, the same hours one day and seven days before (`offset 1d`, `offset 1w`), and {} over 14 days",
    crate::telemetry::inputs::INPUTS.map(|input| input.name).join(", ")
)]
pub struct BeyondRetention {
    asked: String,
}

impl Past {
    /// How far back a query goes that is asked over a stretch of time up to now. `kept_ms` is the length of the present
    /// that is kept.
    ///
    /// # Errors
    /// It speaks of a time that is not kept.
    pub fn reach(query: &Query, window_ms: i64, kept_ms: i64) -> Result<Reach, BeyondRetention> {
        let names = query.metrics();
        let of_inputs = !names.is_empty() && names.iter().all(|name| INPUTS.iter().any(|input| input.name == name));
        let back_ms = query.reach_ms().saturating_add(window_ms);
        let of_reports = names.iter().any(|name| inputs::is_report(name));
        if of_inputs && of_reports && back_ms.saturating_sub(LOOKBACK_MS) <= KEPT_MS {
            return Ok(Reach::Inputs);
        }
        if of_inputs && kept_ms < back_ms.saturating_sub(LOOKBACK_MS) {
            let days = Past::days_of(query, kept_ms).ok().filter(|days| !days.is_empty() && window_ms <= kept_ms);
            return match days {
                Some(days) => Ok(Reach::Days(days)),
                None if back_ms.saturating_sub(LOOKBACK_MS) <= KEPT_MS => Ok(Reach::Inputs),
                None => Err(BeyondRetention { asked: span(back_ms.saturating_sub(LOOKBACK_MS)) }),
            };
        }
        let days = Past::days_of(query, kept_ms)?;
        Ok(if days.is_empty() { Reach::Present } else { Reach::Days(days) })
    }

    /// Days before that a query speaks of.
    fn days_of(query: &Query, kept_ms: i64) -> Result<Vec<u32>, BeyondRetention> {
        let mut days = Vec::new();
        for offset in query.offsets_ms() {
            let near = |day: &&u32| (offset - i64::from(**day) * DAY_MS).abs() <= kept_ms;
            match KEPT_DAYS.iter().find(near) {
                Some(day) => days.push(*day),
                None if offset <= kept_ms => {}
                None => return Err(BeyondRetention { asked: span(offset) }),
            }
        }
        Ok(days)
    }

    /// The present behind two weeks of the inputs of the world.
    pub fn with_inputs(
        &mut self,
        file: &ScenarioFile,
        variant: &str,
        seed: u64,
        scene: &Scene,
        present: &Store,
    ) -> Store {
        let then = self.inputs.get_or_insert_with(|| inputs::history(file, variant, seed, scene));
        let mut whole = Store::default();
        copy(then, &mut whole, 0);
        for input in INPUTS {
            for id in present.select(Some(input.name), |_| true) {
                copy_series(present, id, &mut whole, 0);
            }
        }
        whole
    }

    /// The present with the days before it that are asked for.
    pub fn with_present(
        &mut self,
        file: &ScenarioFile,
        variant: &str,
        seed: u64,
        days: &[u32],
        present: &Store,
    ) -> Store {
        let mut whole = Store::default();
        for day in KEPT_DAYS.iter().filter(|day| days.contains(day)) {
            let then = self.days.entry(*day).or_insert_with(|| simulate(file, variant, seed, *day));
            copy(then, &mut whole, -i64::from(*day) * DAY_MS);
        }
        copy(present, &mut whole, 0);
        whole
    }
}

/// The metrics of a day before. What had not happened yet had not happened; what nobody knows to have been otherwise was
/// as it is.
fn simulate(file: &ScenarioFile, variant: &str, seed: u64, day: u32) -> Store {
    let setup = conditions_of(file, variant, f64::from(day));
    let built = file.world(&setup).ok().and_then(|spec| World::new(&spec, mix(seed, u64::from(day))).ok());
    let Some(mut world) = built else { return Store::default() };
    world.scrape_everything();
    let (_, horizon) = world.window();
    world.advance_to(horizon);
    world.scraped().clone()
}

/// The variant without what was not in force so many days before the opening.
pub(super) fn conditions_of(file: &ScenarioFile, variant: &str, days_before: f64) -> Setup {
    let causes = chosen(file, variant).filter(|c| !in_force(c, days_before));
    let without = causes.map(|c| c.id.clone()).collect();
    Setup { variant: Some(variant.to_string()), without, ..Setup::default() }
}

/// Days before the opening at which a lasting condition of the variant came into force, each once, in order.
pub(super) fn turns(file: &ScenarioFile, variant: &str) -> Vec<f64> {
    let began = |c: &CauseSpec| c.change.as_ref().and_then(|change| change.days_ago).filter(|_| lasts(c));
    let mut days: Vec<f64> = chosen(file, variant).filter_map(began).collect();
    days.sort_by(f64::total_cmp);
    days.dedup();
    days
}

/// Causes and decoys of a variant.
fn chosen<'f>(file: &'f ScenarioFile, variant: &str) -> impl Iterator<Item = &'f CauseSpec> {
    let variant = file.variants.iter().find(|v| v.name == variant);
    let ids: Vec<&String> = variant.iter().flat_map(|v| v.causes.iter().chain(&v.decoys)).collect();
    file.causes.iter().chain(&file.decoys).filter(move |c| ids.contains(&&c.id))
}

/// Whether a cause or decoy was there so many days before: it has no beginning, or one before that.
fn in_force(cause: &CauseSpec, days_before: f64) -> bool {
    lasts(cause) && cause.change.as_ref().and_then(|c| c.days_ago).is_none_or(|ago| days_before < ago)
}

/// Whether it is a state of things rather than something that happens.
fn lasts(cause: &CauseSpec) -> bool {
    cause.sources.is_empty() && cause.faults.iter().all(|f| f.at_s.is_none())
}

fn copy(from: &Store, to: &mut Store, by_ms: i64) {
    from.all().for_each(|id| copy_series(from, id, to, by_ms));
}

fn copy_series(from: &Store, id: SeriesId, to: &mut Store, by_ms: i64) {
    let series = to.series(from.labels(id));
    for point in from.points(id) {
        to.append(series, point.t_ms + by_ms, point.value);
    }
}

fn span(ms: i64) -> String {
    match ms / 1000 {
        s if s.abs() < 7200 => format!("{} min", s / 60),
        s if s.abs() < 172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}
