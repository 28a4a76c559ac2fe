//! The same hours of days before: the same world under the conditions then in force, simulated when somebody asks.

use std::collections::BTreeMap;

use crate::metrics::promql::Query;
use crate::metrics::store::Store;
use crate::scenario::file::{CauseSpec, ScenarioFile};
use crate::scenario::lower::Setup;
use crate::sim::rng::mix;
use crate::sim::world::World;

/// Days before whose hours are kept.
pub const KEPT_DAYS: [u32; 2] = [7, 1];
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// What is needed to simulate days before, and those that were.
#[derive(Debug, Default)]
pub struct Past {
    days: BTreeMap<u32, Store>,
}

/// A question about a time that nobody kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "beyond retention: {asked} before now is not kept; what is kept are this incident's own minutes, and the same hours one day and seven days before (`offset 1d`, `offset 1w`)"
)]
pub struct BeyondRetention {
    asked: String,
}

impl Past {
    /// Days before that a query speaks of.
    ///
    /// # Errors
    /// It speaks of a time that is not kept. `kept_ms` is the length of the present that is.
    pub fn days_of(query: &Query, kept_ms: i64) -> Result<Vec<u32>, BeyondRetention> {
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
    let chosen = file.variants.iter().find(|v| v.name == variant);
    let chosen: Vec<&String> = chosen.iter().flat_map(|v| v.causes.iter().chain(&v.decoys)).collect();
    let causes = file.causes.iter().chain(&file.decoys).filter(|c| chosen.contains(&&c.id));
    let without = causes.filter(|c| !in_force(c, day)).map(|c| c.id.clone()).collect();
    let setup = Setup { variant: Some(variant.to_string()), without, ..Setup::default() };
    let built = file.world(&setup).ok().and_then(|spec| World::new(&spec, mix(seed, u64::from(day))).ok());
    let Some(mut world) = built else { return Store::default() };
    world.scrape_everything();
    let (_, horizon) = world.window();
    world.advance_to(horizon);
    world.scraped().clone()
}

/// Whether a cause or decoy was there so many days before: it has no beginning, or one before that.
fn in_force(cause: &CauseSpec, day: u32) -> bool {
    let lasting = cause.sources.is_empty() && cause.faults.iter().all(|f| f.at_s.is_none());
    lasting && cause.change.as_ref().and_then(|c| c.days_ago).is_none_or(|ago| f64::from(day) < ago)
}

fn copy(from: &Store, to: &mut Store, by_ms: i64) {
    for id in from.all() {
        let series = to.series(from.labels(id));
        for point in from.points(id) {
            to.append(series, point.t_ms + by_ms, point.value);
        }
    }
}

fn span(ms: i64) -> String {
    match ms / 1000 {
        s if s.abs() < 7200 => format!("{} min", s / 60),
        s if s.abs() < 172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}
