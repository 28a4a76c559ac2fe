//! A run with everything written down, and what is asked of it.

use scartissue::metrics::promql::{Query, Value};
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::sim::world::recording::{AttemptRow, CallRow};
use scartissue::sim::world::{Ended, World};

/// A run to its end.
pub struct Played {
    pub world: World,
    open_at: SimTime,
}

impl Played {
    pub fn of(scenario: &Scenario, setup: &Setup, seed: u64) -> Played {
        let mut world = scenario.world(setup, seed).expect("a world");
        world.record_everything();
        let (open_at, end) = world.window();
        world.advance_to(end);
        Played { world, open_at }
    }

    /// Seconds after the opening.
    pub fn at(&self, moment: SimTime) -> f64 {
        moment.as_secs_f64() - self.open_at.as_secs_f64()
    }

    /// The first value of an answer at a moment; 0 for none.
    pub fn asked(&self, at_s: u64, query: &str) -> f64 {
        let moment = self.open_at + SimDuration::from_secs(at_s);
        let query = Query::parse(query).unwrap_or_else(|e| panic!("{query}: {e}"));
        match query.eval_at(self.world.scraped(), (moment.0 / 1_000_000) as i64).expect("an answer") {
            Value::Scalar(value) => value,
            Value::Vector(samples) => samples.first().map_or(0.0, |sample| sample.value),
            other => panic!("{} gives no value: {other:?}", query.text()),
        }
    }

    pub fn rows(&self, from_s: f64, to_s: f64) -> Vec<&AttemptRow> {
        let inside = |row: &&AttemptRow| (from_s..to_s).contains(&self.at(row.arrived));
        self.world.recording().attempts().iter().filter(inside).collect()
    }

    pub fn calls(&self, from_s: f64, to_s: f64) -> Vec<&CallRow> {
        let inside = |call: &&CallRow| (from_s..to_s).contains(&self.at(call.sent));
        self.world.recording().calls().iter().filter(inside).collect()
    }

    /// Share of a pool's calls from a moment on that went to a replica.
    pub fn calls_to(&self, from_s: f64, pool: u8, replica: u16) -> f64 {
        let calls = self.calls(from_s, f64::MAX);
        let of: Vec<bool> = calls.iter().filter(|c| c.pool.0 == pool).map(|c| c.replica.0 == replica).collect();
        of.iter().filter(|hit| **hit).count() as f64 / of.len().max(1) as f64
    }

    pub fn ended(self) -> Ended {
        let ended = self.world.finish();
        ended.conservation.clone().unwrap_or_else(|e| panic!("{e}"));
        ended
    }
}
