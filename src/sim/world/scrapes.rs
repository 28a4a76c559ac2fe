//! What stands between a target and its series: exporters that are down, scrapes that run into their time-out (a
//! gateway whose loop is held, a replica whose tokenizer also answers probes) or are lost, and samples that are late.
//!
//! A target that does not answer is `up 0` and its series have ended. A scrape that is lost leaves nothing at all, not
//! even `up 0`: the last values stand until they are too old. A late sample has the time of its scrape, but nobody
//! finds it before.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::metrics::store::{STALE, SeriesId, Store};
use crate::sim::rng::{Purpose, draw, mix};
use crate::sim::spec::stack::MonitoringSpec;
use crate::sim::time::{SimDuration, SimTime};

/// The state of the way from targets to series.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Scrapes {
    /// Time between scrapes of a target.
    pub interval: SimDuration,
    /// A target that takes longer has not answered.
    pub timeout: SimDuration,
    /// From a scrape until its samples can be found.
    pub lag: SimDuration,
    /// Exporters that are down: a job, and one pod of it or all.
    pub down: Vec<(String, Option<String>)>,
    /// Shares of scrapes that are lost, of a job or of all.
    pub lost: Vec<(Option<String>, f64)>,
    count: u64,
    under_way: VecDeque<Sample>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Sample {
    found_from: SimTime,
    series: SeriesId,
    t_ms: i64,
    value: f64,
}

impl Scrapes {
    /// Nothing is lost or down.
    pub fn new(spec: &MonitoringSpec) -> Scrapes {
        Scrapes {
            interval: spec.scrape_interval_s.max(SimDuration::from_secs(1)),
            timeout: spec.scrape_timeout_s,
            lag: spec.lag_s,
            down: Vec::new(),
            lost: Vec::new(),
            count: 0,
            under_way: VecDeque::new(),
        }
    }

    /// A round of scrapes begins.
    pub fn begin(&mut self) {
        self.count += 1;
    }

    /// Whether this round's scrape of a target, of this number in its job, is lost.
    pub fn is_lost(&self, seed: u64, job: &str, number: u64) -> bool {
        let of_job = self.lost.iter().filter(|(which, _)| which.as_deref().is_none_or(|which| which == job));
        let share = of_job.map(|(_, share)| *share).fold(0.0, f64::max);
        let name = job.bytes().fold(number, |name, byte| mix(name, u64::from(byte)));
        0.0 < share && draw(seed, mix(name, self.count), Purpose::Sensor, 0) < share
    }

    /// Whether a pod's exporter is down.
    pub fn is_down(&self, job: &str, pod: &str) -> bool {
        self.down.iter().any(|(which, one)| which == job && one.as_deref().is_none_or(|one| one == pod))
    }

    /// A value on its way; [`STALE`] marks the end of a series.
    pub fn send(&mut self, store: &mut Store, now: SimTime, series: SeriesId, value: f64) {
        let t_ms = (now.0 / 1_000_000) as i64;
        let after_others = self.under_way.back().map_or(SimTime::ZERO, |last| last.found_from);
        self.under_way.push_back(Sample { found_from: (now + self.lag).max(after_others), series, t_ms, value });
        self.deliver(store, now);
    }

    /// What can be found by `now` is put where it is looked for.
    pub fn deliver(&mut self, store: &mut Store, now: SimTime) {
        while let Some(sample) = self.under_way.pop_front_if(|sample| sample.found_from <= now) {
            if sample.value.to_bits() == STALE {
                store.end(sample.series, sample.t_ms);
            } else {
                store.append(sample.series, sample.t_ms, sample.value);
            }
        }
    }
}
