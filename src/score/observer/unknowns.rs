//! What nobody could know beforehand: how early, how bad, how many. Each run of an ensemble draws it anew, so that only
//! what a mechanism does whatever its size tells hypotheses apart. What is written in the file lies within.
//!
//! - Everything that happens comes up to 120 s earlier or later, all of it together.
//! - Demand is 0.8 to 1.1 of what is written.
//! - Amounts of faults that follow from chance or wear (packets lost, seconds of silence, the share of requests on a
//!   bad path, which replica) are up to 1.6 times what is written, shares up to 2.5 times their odds.
//! - A crowd is up to twice what is written, since nobody but the customer knows how many will come, and a contract
//!   that "allows twice" is all that an archive says. Drawn by a third only, as it was once, its mere size proved it.
//!
//! A setting that somebody made stands in the change log and in force, and is as it is written; so is a decoy, which is
//! harmless by what it is. `unknown` and a cause's `spread` in the file overrule this. Each hypothesis has seeds of its
//! own.

use std::sync::Arc;

use crate::scenario::file::ScenarioFile;
use crate::score::observer::differential::Hypothesis;
use crate::sim::rng::{Purpose, Stream, mix};
use crate::sim::spec::fault::Fault;
use crate::sim::spec::stack::StackSpec;
use crate::sim::time::SimDuration;
use crate::sim::workload::spec::{Arrivals, OpenArrivals};

/// The odds of a share are up to so many times what is written, or one over it.
const ODDS: f64 = 2.5;
/// An amount is up to so many times what is written, or one over it.
const TIMES: f64 = 1.6;
/// A crowd is up to so many times as large as it is written, or one over it.
const CROWD: f64 = 2.0;
/// Each stream of users wants up to so much more or less than its share.
const OWN: f64 = 1.06;
/// Nothing begins earlier than this after the opening.
const EARLIEST_S: f64 = 60.0;
/// How far amounts of a run are drawn, as a share of their range: where nobody is paged, nobody would look, and the run is
/// drawn again nearer to what is written.
pub const NARROWER: [f64; 3] = [1.0, 0.5, 0.0];

/// A world as it might be, with the seed that picks the rest of it.
pub struct Drawn {
    /// The scenario with its amounts drawn.
    pub file: Arc<ScenarioFile>,
    /// What picks everything else.
    pub seed: u64,
}

/// What is drawn for one thing, from a stream of its own.
struct Draw {
    stream: Stream,
    width: f64,
}

impl Draw {
    /// Uniform from -1 to 1, times the width.
    fn side(&mut self) -> f64 {
        (2.0 * self.stream.unit() - 1.0) * self.width
    }

    fn times(&mut self, value: f64, most: f64) -> f64 {
        value * libm::exp(self.side() * libm::log(most))
    }

    fn lasts(&mut self, value: SimDuration) -> SimDuration {
        SimDuration::from_secs_f64(self.times(value.as_secs_f64(), TIMES))
    }

    /// A share with its odds drawn, between these; all and nothing stay.
    fn share(&mut self, value: f64, low: f64, high: f64) -> f64 {
        let factor = self.times(1.0, ODDS);
        if value <= 0.0 || 1.0 <= value || factor == 1.0 {
            return value;
        }
        let odds = value / (1.0 - value) * factor;
        (odds / (1.0 + odds)).clamp(low.min(value), high.max(value))
    }

    /// A factor of one or more, by what it is above one.
    fn above_one(&mut self, value: f64) -> f64 {
        1.0 + self.times((value - 1.0).max(0.0), TIMES)
    }

    /// One of so many, as often as the width says another than the one that is written.
    fn place(&mut self, written: u64, of: u64) -> u64 {
        let other = self.stream.below(of.max(1));
        if self.stream.chance(self.width.min(1.0)) && 1 < of { other } else { written }
    }
}

/// The world of a place in a hypothesis' ensemble. `first` begins its seeds, `narrower` is one of [`NARROWER`].
pub fn drawn(file: &ScenarioFile, hypothesis: &Hypothesis, first: u64, place: usize, narrower: f64) -> Drawn {
    let key = key(hypothesis);
    let seed = mix(mix(first, key), place as u64);
    let draw = |index: u64, width: f64| Draw { stream: Stream::new(seed, key, Purpose::Unknown, index), width };
    let mut file = file.clone();
    let unknown = file.unknown;

    let earliest = moments(&file).into_iter().fold(f64::INFINITY, f64::min);
    let early = unknown.onset_s.as_secs_f64().min((earliest - EARLIEST_S).max(0.0));
    let side = draw(0, narrower).side();
    let shift_s = if side < 0.0 { side * early } else { side * unknown.onset_s.as_secs_f64() };
    shift(&mut file, shift_s);

    let mut demand = draw(1, narrower);
    let side = demand.side();
    let end = if side < 0.0 { unknown.demand_low } else { unknown.demand_high };
    let common = libm::exp(side.abs() * libm::log(end));
    let crowds: Vec<(String, f64)> = (file.causes.iter().chain(&file.decoys))
        .flat_map(|c| c.sources.iter().map(|name| (name.clone(), c.spread)))
        .collect();
    for source in &mut file.workload.sources {
        let mut own = demand.times(common, OWN);
        let crowd = crowds.iter().find(|(name, _)| *name == source.name).map(|(_, spread)| *spread);
        let (size, ramp) = (demand.side(), demand.side());
        let spread = crowd.unwrap_or(0.0);
        own *= libm::exp(size * spread * libm::log(CROWD));
        want(&mut source.arrivals, own, libm::exp(ramp * spread * libm::log(TIMES)));
    }

    // Decoys are harmless by what they are; their amounts are as they are written.
    let stack = file.stack.clone();
    for (index, cause) in file.causes.iter_mut().enumerate() {
        let mut draw = draw(2 + index as u64, narrower * cause.spread);
        cause.faults.iter_mut().for_each(|f| vary(&mut f.fault, &stack, &mut draw));
    }
    Drawn { file: Arc::new(file), seed }
}

/// A number for what a hypothesis says, the same whatever it is called and wherever it stands.
fn key(hypothesis: &Hypothesis) -> u64 {
    let words = hypothesis.mechanisms.iter().chain(&hypothesis.roots);
    let bytes = words.flat_map(|word| word.bytes().chain([0]));
    bytes.fold(0x6879_706f, |sum, byte| mix(sum, u64::from(byte)))
}

/// Every moment after the opening at which something of causes and decoys begins, in seconds.
fn moments(file: &ScenarioFile) -> Vec<f64> {
    let faults = file.causes.iter().chain(&file.decoys).flat_map(|c| &c.faults).filter_map(|f| f.at_s);
    let crowds = file.workload.sources.iter().filter_map(|s| opens(&s.arrivals)?.from_s);
    faults.chain(crowds).map(SimDuration::as_secs_f64).collect()
}

fn opens(arrivals: &Arrivals) -> Option<&OpenArrivals> {
    match arrivals {
        Arrivals::Open(open) | Arrivals::Chat { sessions: open, .. } => Some(open),
        Arrivals::Trace(trace) => trace.sessions.as_ref(),
        Arrivals::Batch { .. } => None,
    }
}

/// Moves everything that happens, all of it together, so that what followed on what still does.
fn shift(file: &mut ScenarioFile, by_s: f64) {
    let moved = |at: &mut Option<SimDuration>| {
        if let Some(at) = at {
            *at = SimDuration::from_secs_f64(at.as_secs_f64() + by_s);
        }
    };
    for cause in file.causes.iter_mut().chain(&mut file.decoys) {
        for fault in cause.faults.iter_mut().chain(&mut cause.instead) {
            moved(&mut fault.at_s);
            moved(&mut fault.until_s);
        }
    }
    for source in &mut file.workload.sources {
        match &mut source.arrivals {
            Arrivals::Open(open) | Arrivals::Chat { sessions: open, .. } => {
                moved(&mut open.from_s);
                moved(&mut open.until_s);
            }
            Arrivals::Trace(trace) => {
                if let Some(open) = &mut trace.sessions {
                    moved(&mut open.from_s);
                    moved(&mut open.until_s);
                }
            }
            Arrivals::Batch { from_s, .. } => moved(from_s),
        }
    }
    file.history.tickets.iter_mut().filter(|t| 0.0 < t.at_s).for_each(|t| t.at_s = (t.at_s + by_s).max(0.0));
}

/// Scales how much is wanted, and the time over which a crowd grows.
fn want(arrivals: &mut Arrivals, times: f64, ramp: f64) {
    let scale = |open: &mut OpenArrivals| {
        open.per_s *= times;
        open.ramp_s = SimDuration::from_secs_f64(open.ramp_s.as_secs_f64() * ramp);
    };
    match arrivals {
        Arrivals::Open(open) | Arrivals::Chat { sessions: open, .. } => scale(open),
        Arrivals::Batch { intents, .. } => *intents = ((f64::from(*intents) * times).round() as u32).max(1),
        Arrivals::Trace(trace) => match &mut trace.sessions {
            Some(open) => scale(open),
            None => trace.speed *= times,
        },
    }
}

fn replicas(stack: &StackSpec, pool: &str) -> u64 {
    stack.pools.iter().find(|p| p.name == pool).map_or(1, |p| u64::from(p.replicas))
}

/// Draws the amounts of a fault that nobody set on purpose.
fn vary(fault: &mut Fault, stack: &StackSpec, draw: &mut Draw) {
    match fault {
        Fault::LinkLoss { loss, .. } => *loss = draw.share(*loss, 0.0, 0.995),
        Fault::LinkLatency { added_s, .. } | Fault::HostStall { added_s, .. } => *added_s = draw.lasts(*added_s),
        Fault::LinkCapacity { gb_per_s: Some(gb), .. } => *gb = draw.times(*gb, TIMES),
        Fault::AuthShardDown { shard } => {
            *shard = draw.place(u64::from(*shard), u64::from(stack.api.auth.shards)) as u16;
        }
        Fault::AuthStoreSlow { factor } | Fault::TokenizerSlow { factor, .. } | Fault::GpuMemory { factor, .. } => {
            *factor = draw.above_one(*factor);
        }
        Fault::LongerAnswers { factor, .. } => *factor = draw.above_one(*factor),
        Fault::BadFlag { share, .. } => *share = draw.share(*share, 0.0, 1.0),
        Fault::GatewayLoop { per_request_s, us_per_token } => {
            let times = draw.times(1.0, TIMES);
            *per_request_s = SimDuration::from_secs_f64(per_request_s.as_secs_f64() * times);
            *us_per_token *= times;
        }
        Fault::FailFast { pool, replica } | Fault::ReplicaCrash { pool, replica } => {
            *replica = draw.place(u64::from(*replica), replicas(stack, pool)) as u16;
        }
        Fault::HostMemoryLeak { mib_per_request, .. } => *mib_per_request = draw.times(*mib_per_request, TIMES),
        Fault::ReplicasRemoved { count, pool } => {
            let most = replicas(stack, pool).saturating_sub(1).max(u64::from(*count)) as f64;
            *count = (f64::from(*count) + (draw.side() * 1.49).round()).clamp(1.0, most) as u16;
        }
        Fault::GpuClock { clock, .. } => *clock = draw.share(*clock, 0.05, 1.0),
        Fault::GpuLink { bandwidth, .. } => *bandwidth = draw.times(*bandwidth, TIMES).clamp(0.01, 1.0),
        Fault::GpuHang { pool, replica, .. } | Fault::GpuLost { pool, replica, .. } => {
            *replica = draw.place(u64::from(*replica), replicas(stack, pool)) as u16;
        }
        Fault::Cooling { inlet_c } => *inlet_c += draw.side() * 3.0,
        Fault::CacheValidation { invalid } => *invalid = draw.share(*invalid, 0.0, 1.0),
        Fault::CacheAgentRoll { silent_s, every_s, .. } => {
            *silent_s = draw.lasts(*silent_s);
            *every_s = draw.lasts(*every_s);
        }
        Fault::CacheBandwidth { share } => *share = draw.times(*share, TIMES).clamp(0.0001, 1.0),
        Fault::ScrapesLost { share, .. } => *share = draw.share(*share, 0.0, 1.0),
        Fault::ScrapeLag { lag_s } => *lag_s = draw.lasts(*lag_s),
        Fault::ServingRollout { every_s, .. } | Fault::GatewayRollout { every_s } => *every_s = draw.lasts(*every_s),
        // What somebody set, or what is there or not.
        _ => {}
    }
}
