//! When intents come: per source and per second from a stream of its own, so that the past need not be replayed to
//! know a second, and no other source can shift it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::sim::ids::SourceId;
use crate::sim::rng::{Purpose, Stream, draw, mix};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::replay::{self, Replay};
use crate::sim::workload::spec::{Arrivals, OpenArrivals, SourceSpec};

/// Seconds of a step of the burstiness lattice.
const LATTICE_S: u64 = 10;
/// Hour of the daily peak.
const PEAK_HOUR: f64 = 15.0;
/// Seconds that are drawn in vain before a source counts as ended.
const LAST_CELL: u64 = 60 * 86_400;

/// One arrival of a source: an intent, or a session of a chat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    /// When.
    pub at: SimTime,
    /// Of which source.
    pub source: SourceId,
    /// Its number among the source's arrivals, from 0.
    pub ordinal: u64,
    /// Class of gaps, where the source has runs.
    pub class: u8,
    /// Its number within the class.
    pub in_class: u64,
    /// What it repeats, where the source replays a trace.
    pub replayed: Option<Replayed>,
}

/// Which request of a recorded trace an arrival repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// The row.
    pub row: u32,
    /// The row's session.
    pub session: u32,
    /// How often the trace has begun before; from 1, which session it is, where sessions begin at random.
    pub pass: u64,
}

impl Arrival {
    /// Identity of turn `turn`: distinct for every intent of a workload.
    pub fn identity(&self, turn: u32) -> u64 {
        mix(mix(u64::from(self.source.0) + 1, self.ordinal), u64::from(turn))
    }

    /// Identity of the one who sends: stays the same for all turns of a session.
    pub fn run_identity(&self) -> u64 {
        match self.replayed {
            None => self.identity(0),
            Some(replayed) => {
                let source = mix(u64::from(self.source.0) + 1, 0x7ace);
                mix(mix(source, u64::from(replayed.session)), replayed.pass)
            }
        }
    }
}

/// Beginnings per second at an hour of the day, bursts and growth aside.
fn usual(open: &OpenArrivals, hour: f64) -> f64 {
    let daily = 1.0 + open.diurnal * libm::cos(std::f64::consts::TAU * (hour - PEAK_HOUR) / 24.0);
    open.per_s * daily
}

/// Intents per second that a source is good for at an hour of the day, on average over many days; none where it replays
/// a trace once, which says nothing of other hours.
pub fn usual_intents(source: &SourceSpec, hour: f64) -> Option<f64> {
    if source.absent {
        return Some(0.0);
    }
    match &source.arrivals {
        Arrivals::Open(open) => Some(usual(open, hour)),
        Arrivals::Chat { sessions, turns, .. } => Some(usual(sessions, hour) * turns),
        Arrivals::Batch { every_s, intents, .. } => Some(f64::from(*intents) / every_s.as_secs_f64().max(1.0)),
        Arrivals::Trace(trace) => {
            let sessions: std::collections::BTreeSet<u32> = trace.rows.iter().map(|row| row.session).collect();
            let each = trace.rows.len() as f64 / sessions.len().max(1) as f64;
            trace.sessions.as_ref().map(|begin| usual(begin, hour) * each)
        }
    }
}

/// Yields a source's arrivals in order of time.
#[derive(Clone)]
pub(super) struct Calendar {
    seed: u64,
    entity: u64,
    open_at: SimTime,
    opens_at_hour: f64,
    rule: Rule,
    cell: u64,
    ready: VecDeque<SimTime>,
    ordinal: u64,
    classes: Vec<(f64, u64)>,
}

/// How far a [`Calendar`] has come; the rest of it follows from the specification.
#[derive(Serialize, Deserialize)]
pub struct Progress {
    cell: u64,
    ready: VecDeque<SimTime>,
    ordinal: u64,
    in_classes: Vec<u64>,
    replay: Option<replay::Progress>,
}

#[derive(Clone)]
enum Rule {
    Open(OpenArrivals),
    Batch { every: SimDuration, offset: SimDuration, intents: u32, spread: SimDuration, first: SimTime },
    Trace(Replay),
}

impl Calendar {
    pub(super) fn new(source: &SourceSpec, index: usize, seed: u64, open_at: SimTime, opens_at_hour: f64) -> Self {
        let entity = index as u64 + 1;
        let rule = match &source.arrivals {
            Arrivals::Open(open) | Arrivals::Chat { sessions: open, .. } => Rule::Open(open.clone()),
            Arrivals::Batch { every_s, offset_s, intents, spread_s, from_s } => Rule::Batch {
                every: *every_s,
                offset: *offset_s,
                intents: *intents,
                spread: *spread_s,
                first: from_s.map_or(SimTime::ZERO, |from| open_at + from),
            },
            Arrivals::Trace(trace) => Rule::Trace(Replay::new(trace, entity, seed, open_at, opens_at_hour)),
        };
        let gaps = source.prompt.runs.as_ref().map_or(&[][..], |r| &r.gaps);
        let mut sum = 0.0;
        let classes = (gaps.iter())
            .map(|gap| {
                sum += gap.share;
                (sum, 0)
            })
            .collect();
        Calendar { classes, ..Calendar::of(rule, entity, seed, open_at, opens_at_hour) }
    }

    /// Moments of a Poisson process alone.
    pub(super) fn open(open: OpenArrivals, entity: u64, seed: u64, open_at: SimTime, opens_at_hour: f64) -> Self {
        Calendar::of(Rule::Open(open), entity, seed, open_at, opens_at_hour)
    }

    fn of(rule: Rule, entity: u64, seed: u64, open_at: SimTime, opens_at_hour: f64) -> Self {
        let (ready, classes) = (VecDeque::new(), Vec::new());
        Calendar { seed, entity, open_at, opens_at_hour, rule, cell: 0, ready, ordinal: 0, classes }
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            cell: self.cell,
            ready: self.ready.clone(),
            ordinal: self.ordinal,
            in_classes: self.classes.iter().map(|(_, n)| *n).collect(),
            replay: if let Rule::Trace(replay) = &self.rule { Some(replay.progress()) } else { None },
        }
    }

    /// Goes on from where another of the same specification was; false if it cannot have been of the same.
    pub(super) fn resume(&mut self, from: Progress) -> bool {
        (self.cell, self.ready, self.ordinal) = (from.cell, from.ready, from.ordinal);
        let as_many = self.classes.len() == from.in_classes.len();
        self.classes.iter_mut().zip(from.in_classes).for_each(|((_, n), came)| *n = came);
        as_many
            && match (&mut self.rule, from.replay) {
                (Rule::Trace(replay), Some(progress)) => replay.resume(progress),
                (rule, None) => !matches!(rule, Rule::Trace(_)),
                _ => false,
            }
    }

    pub(super) fn next(&mut self, source: SourceId) -> Option<Arrival> {
        let (at, replayed) = match &mut self.rule {
            Rule::Trace(replay) => replay.next().map(|(at, which)| (at, Some(which)))?,
            _ => (self.next_moment()?, None),
        };
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let (class, in_class) = self.class_of(ordinal);
        Some(Arrival { at, source, ordinal, class, in_class, replayed })
    }

    fn class_of(&mut self, ordinal: u64) -> (u8, u64) {
        if self.classes.is_empty() {
            return (0, ordinal);
        }
        let total = self.classes[self.classes.len() - 1].0;
        let uniform = draw(self.seed, self.entity, Purpose::Think, ordinal) * total;
        let last = self.classes.len() - 1;
        let class = self.classes.iter().position(|(upto, _)| uniform < *upto).unwrap_or(last);
        let in_class = self.classes[class].1;
        self.classes[class].1 += 1;
        (class as u8, in_class)
    }

    pub(super) fn next_moment(&mut self) -> Option<SimTime> {
        while self.ready.is_empty() {
            match &self.rule {
                Rule::Open(open) => {
                    if open.per_s <= 0.0 || LAST_CELL < self.cell || self.is_over(open) {
                        return None;
                    }
                    let rate = self.rate(open, self.cell);
                    self.fill_second(rate);
                }
                Rule::Batch { every, offset, intents, spread, first } => {
                    if every.0 == 0 || LAST_CELL < self.cell {
                        return None;
                    }
                    // Multiples are counted from the opening, backwards as well.
                    let phase = self.open_at.0 % every.0;
                    let start = SimTime(phase + self.cell * every.0) + *offset;
                    let (spread, intents) = (*spread, *intents);
                    if *first <= start {
                        self.fill_job(start, intents, spread);
                    }
                }
                Rule::Trace(_) => return None,
            }
            self.cell += 1;
        }
        self.ready.pop_front()
    }

    fn is_over(&self, open: &OpenArrivals) -> bool {
        open.until_s.is_some_and(|until| (self.open_at + until).0 <= self.cell * 1_000_000_000)
    }

    /// A second of a Poisson process: exponential gaps until the second is over.
    fn fill_second(&mut self, rate: f64) {
        if rate <= 0.0 {
            return;
        }
        let mut stream = Stream::new(self.seed, self.entity, Purpose::Arrival, self.cell);
        let mut at = stream.exponential(1.0 / rate);
        while at < 1.0 {
            self.ready.push_back(SimTime(self.cell * 1_000_000_000 + (at * 1e9) as u64));
            at += stream.exponential(1.0 / rate);
        }
    }

    fn fill_job(&mut self, start: SimTime, intents: u32, spread: SimDuration) {
        let mut stream = Stream::new(self.seed, self.entity, Purpose::Arrival, self.cell);
        let mut moments: Vec<SimTime> = (0..intents).map(|_| start + spread.mul_f64(stream.unit())).collect();
        moments.sort_unstable();
        self.ready.extend(moments);
    }

    /// Intents per second in a second of the world.
    fn rate(&self, open: &OpenArrivals, cell: u64) -> f64 {
        let since_open = cell as f64 + 0.5 - self.open_at.as_secs_f64();
        let grown = match open.from_s {
            None => 1.0,
            Some(from) => {
                let after = since_open - from.as_secs_f64();
                let ramp = open.ramp_s.as_secs_f64();
                if after < 0.0 {
                    0.0
                } else if ramp <= after {
                    1.0
                } else {
                    after / ramp
                }
            }
        };
        if grown == 0.0 || open.until_s.is_some_and(|until| until.as_secs_f64() <= since_open) {
            return 0.0;
        }
        let hour = self.opens_at_hour + since_open / 3600.0;
        grown * usual(open, hour) * self.burst(open.burstiness, cell / LATTICE_S)
    }

    /// Log-normal with mean one.
    fn burst(&self, sigma: f64, lattice: u64) -> f64 {
        if sigma == 0.0 {
            return 1.0;
        }
        let normal = Stream::new(self.seed, self.entity, Purpose::Modulation, lattice).normal();
        libm::exp(sigma * normal - sigma * sigma / 2.0)
    }
}
