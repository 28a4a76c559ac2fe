//! Where the requests that were traced have been: the stages of each, for a picture in which a dot is a request. Only what
//! is over is known, as with any tracing.

use std::collections::BTreeMap;

use crate::sim::rng::mix;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::recording::{AttemptRow, CallRow, Recording};
use crate::telemetry::scene::Scene;
use crate::telemetry::spans::HEAD_SAMPLE;

/// A hop takes at least so long in the picture, or nobody would see it.
pub const HOP_FLOOR: SimDuration = SimDuration::from_millis(600);
/// A picture plays so far behind the clock, so that what it shows is mostly known.
pub const BEHIND: SimDuration = SimDuration::from_secs(30);

/// Where in the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Between two layers: the number of the one on the left.
    Hop(u8),
    /// In a layer.
    Layer(u8),
}

/// A stage of a journey.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Where.
    pub place: Place,
    /// It began.
    pub from: SimTime,
    /// It was over.
    pub to: SimTime,
}

/// A traced request.
#[derive(Clone, Debug, PartialEq)]
pub struct Journey {
    /// Its trace, as in answers of traces.
    pub trace: String,
    /// Its lane, from 0 to 1: the same whenever it is drawn.
    pub lane: f32,
    /// Its stages in order.
    pub stages: Vec<Stage>,
    /// Whether it failed, where its last stage ends.
    pub failed: bool,
}

impl Journey {
    /// Where it is at a moment, and which share of that stage is behind it.
    pub fn at(&self, now: SimTime) -> Option<(Place, f32)> {
        let stage = self.stages.iter().find(|s| s.from <= now && now < s.to)?;
        let all = stage.to.since(stage.from).0.max(1);
        Some((stage.place, now.since(stage.from).0 as f32 / all as f32))
    }
}

/// The traced requests that were under way at some moment of a stretch of time, as far as they are over.
pub fn journeys(scene: &Scene, recording: &Recording, from: SimTime, to: SimTime) -> Vec<Journey> {
    let (attempts, calls) = (recording.attempts(), recording.calls());
    let first = attempts.partition_point(|a| a.ended < from);
    let first_call = calls.partition_point(|c| c.ended < from);
    let last_call: BTreeMap<u64, &CallRow> = calls[first_call..].iter().map(|c| (c.serial, c)).collect();
    let sampled = |a: &&AttemptRow| mix(a.intent, 0x7ace).is_multiple_of(HEAD_SAMPLE) && a.arrived < to;
    (attempts[first..].iter().filter(sampled))
        .map(|attempt| {
            let call = last_call.get(&attempt.serial).copied();
            Journey {
                trace: scene.trace(attempt.intent),
                lane: (mix(attempt.serial, 0x1a9e) % 1000) as f32 / 1000.0,
                stages: stages(attempt, call),
                failed: !attempt.answered_in_full(),
            }
        })
        .collect()
}

fn stages(attempt: &AttemptRow, call: Option<&CallRow>) -> Vec<Stage> {
    let before = |at: SimTime, hops: u64| SimTime(at.0.saturating_sub(HOP_FLOOR.0 * hops));
    let mut ends = vec![
        (Place::Hop(0), before(attempt.arrived, 2)),
        (Place::Hop(1), before(attempt.arrived, 1)),
        (Place::Layer(2), attempt.arrived),
    ];
    let known = |at: SimTime| Some(at).filter(|at| SimTime::ZERO < *at);
    if let Some(call) = call {
        let arrived = known(call.arrived).unwrap_or(call.sent);
        ends.push((Place::Hop(2), call.sent));
        ends.push((Place::Layer(3), (call.sent + HOP_FLOOR).max(arrived)));
        if let Some(scheduled) = known(call.scheduled) {
            ends.push((Place::Hop(3), scheduled));
            ends.push((Place::Layer(4), scheduled + HOP_FLOOR));
        }
    }
    let mut stages = Vec::new();
    for (place, (at, from)) in ends.iter().enumerate() {
        let to = ends.get(place + 1).map_or(attempt.ended, |(_, next)| *next).max(*from);
        if *from < to {
            stages.push(Stage { place: *at, from: *from, to });
        }
    }
    stages
}
