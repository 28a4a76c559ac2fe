//! The accelerators of one replica: clock, temperature, power, memory, link, hang. A tensor-parallel step takes as
//! long as its slowest rank; the utilisation that is reported is a duty cycle and says nothing of work.

use serde::{Deserialize, Serialize};

use crate::sim::rng::mix;
use crate::sim::serving::engine::EngineCounts;
use crate::sim::serving::step_time::{FS_PER_NS, Slowdown};
use crate::sim::spec::stack::FacilitySpec;
use crate::sim::time::{SimDuration, SimTime};

/// Time constant of a cold plate's temperature. [A first-order stand-in for minutes-long warm-up of air-cooled boards.]
const THERMAL_S: f64 = 45.0;
/// How far the places of a board differ in temperature, in kelvin.
const PLACE_SPREAD_K: f64 = 6.0;

/// One accelerator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Gpu {
    /// Share of the normal clock that a fault leaves, from 0 to 1.
    pub clock: f64,
    /// Times slower that memory is than normal, at least 1.
    pub memory: f64,
    /// Whether the rank has stopped.
    pub hung: bool,
    /// Degrees Celsius.
    pub temperature_c: f64,
    /// Watts, mean over the last interval.
    pub power_w: f64,
    /// Share of the last interval in which a kernel ran on it, waiting for another rank included.
    pub utilization: f64,
    /// The last error code (Xid) that its driver reported; 0 for none.
    pub xid: u32,
    place_offset_k: f64,
}

/// The ranks of a replica and the links between them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Board {
    /// The ranks.
    pub gpus: Vec<Gpu>,
    /// Share of the link bandwidth that is left, from 0 to 1.
    pub link: f64,
    /// Added to each step by the host.
    pub host_stall: SimDuration,
    /// Shares of the last interval that compute and memory would have taken by themselves.
    pub compute_active: f64,
    /// See `compute_active`.
    pub memory_active: f64,
    seen_at: SimTime,
    seen: EngineCounts,
}

impl Board {
    /// `ranks` accelerators in thermal rest. `replica` only decides how the places on the board differ.
    pub fn new(ranks: u8, replica: u64, facility: &FacilitySpec) -> Self {
        let gpus = (0..ranks as u64)
            .map(|rank| {
                let spread = (mix(replica, rank) >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
                Gpu {
                    clock: 1.0,
                    memory: 1.0,
                    hung: false,
                    temperature_c: facility.inlet_c + facility.kelvin_per_w * facility.idle_w,
                    power_w: facility.idle_w,
                    utilization: 0.0,
                    xid: 0,
                    place_offset_k: spread * PLACE_SPREAD_K,
                }
            })
            .collect();
        Board {
            gpus,
            link: 1.0,
            host_stall: SimDuration::ZERO,
            compute_active: 0.0,
            memory_active: 0.0,
            seen_at: SimTime::ZERO,
            seen: EngineCounts::default(),
        }
    }

    /// The clock of a rank as a share of normal, with what its temperature takes away.
    pub fn effective_clock(&self, rank: usize, facility: &FacilitySpec) -> f64 {
        let gpu = &self.gpus[rank];
        let above = (gpu.temperature_c - facility.throttle_c).max(0.0);
        (gpu.clock * (1.0 - facility.clock_loss_per_k * above)).max(0.05)
    }

    /// What the slowest rank makes of every step.
    pub fn slowdown(&self, facility: &FacilitySpec) -> Slowdown {
        let slowest = |of: &dyn Fn(usize) -> f64| (0..self.gpus.len()).map(of).fold(1.0, f64::max);
        Slowdown {
            compute: slowest(&|rank| 1.0 / self.effective_clock(rank, facility)),
            memory: slowest(&|rank| self.gpus[rank].memory),
            link: 1.0 / self.link,
            host_stall: self.host_stall,
        }
    }

    /// Whether a rank has stopped, and with it every step.
    pub fn is_hung(&self) -> bool {
        self.gpus.iter().any(|g| g.hung)
    }

    /// Brings power, temperature and activity up to `now`, given what the engine counted so far.
    pub fn settle(&mut self, now: SimTime, counts: &EngineCounts, facility: &FacilitySpec) {
        let span = now.since(self.seen_at).as_secs_f64();
        if span <= 0.0 {
            return;
        }
        let busy = ((counts.busy - self.seen.busy).as_secs_f64() / span).min(1.0);
        let share = |fs: u128, seen: u128| (fs.saturating_sub(seen) as f64 / (FS_PER_NS as f64 * 1e9) / span).min(1.0);
        self.compute_active = share(counts.compute_fs, self.seen.compute_fs);
        self.memory_active = share(counts.memory_fs, self.seen.memory_fs);
        (self.seen_at, self.seen) = (now, *counts);
        let hung = self.is_hung();
        let decay = libm::exp(-span / THERMAL_S);
        for rank in 0..self.gpus.len() {
            let clock = self.effective_clock(rank, facility);
            let gpu = &mut self.gpus[rank];
            // A rank that waits for another spins: it counts as busy and burns a third of a working one's power.
            let work = if hung { if gpu.hung { 0.0 } else { 0.33 } } else { busy };
            gpu.utilization = if hung { f64::from(u8::from(!gpu.hung)) } else { busy };
            gpu.power_w = facility.idle_w + (facility.busy_w - facility.idle_w) * work * clock;
            let rest = facility.inlet_c + gpu.place_offset_k + facility.kelvin_per_w * gpu.power_w;
            gpu.temperature_c = rest + (gpu.temperature_c - rest) * decay;
        }
    }

    /// A new process on the same board: hangs and error codes are gone, wear stays.
    pub fn restart(&mut self) {
        for gpu in &mut self.gpus {
            gpu.hung = false;
            gpu.xid = 0;
        }
        self.host_stall = SimDuration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hot_air_lowers_the_clock_of_every_rank_and_the_hottest_decides() {
        let mut facility = FacilitySpec::default();
        let mut board = Board::new(8, 1, &facility);
        let mut counts = EngineCounts::default();
        let mut run = |board: &mut Board, facility: &FacilitySpec, from: u64| {
            for s in from..from + 600 {
                counts.busy += SimDuration::from_millis(900);
                board.settle(SimTime(s * 1_000_000_000), &counts, facility);
            }
        };
        run(&mut board, &facility, 1);
        assert_eq!(board.slowdown(&facility).compute, 1.0, "cool air: full clock");
        facility.inlet_c = 45.0;
        run(&mut board, &facility, 601);
        let hottest = board.gpus.iter().map(|g| g.temperature_c).fold(0.0, f64::max);
        assert!(facility.throttle_c < hottest);
        assert!(1.05 < board.slowdown(&facility).compute, "{:?}", board.slowdown(&facility));
        assert_eq!(board.slowdown(&facility).memory, 1.0);
    }

    #[test]
    fn a_hung_rank_leaves_the_others_spinning_at_low_power() {
        let facility = FacilitySpec::default();
        let mut board = Board::new(8, 1, &facility);
        board.gpus[3].hung = true;
        let counts = EngineCounts { busy: SimDuration::from_secs(60), ..EngineCounts::default() };
        board.settle(SimTime(60_000_000_000), &counts, &facility);
        assert_eq!((board.gpus[3].utilization, board.gpus[0].utilization), (0.0, 1.0));
        assert_eq!(board.gpus[3].power_w, facility.idle_w);
        let spinning = board.gpus[0].power_w;
        assert!(facility.idle_w < spinning && spinning < 0.5 * facility.busy_w);
    }
}
