//! Ways between components: capacity that flows share, and delay with jitter, loss and retransmission.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::sim::rng::mix;
use crate::sim::time::{SimDuration, SimTime};

/// Capacity shared equally by the flows on it (processor sharing), each at most at the flow limit.
///
/// A flow is done `latency` after its last byte has left; set-up and propagation are one number. Work per change is
/// O(log flows), by virtual time: the bytes that a flow present all along would have moved. Arithmetic is in
/// integers, and state changes only when flows come, go or leave, so that asking more often changes nothing. The
/// last byte of a flow leaves on a whole nanosecond, rounded up. A `now` before the last call counts as the last call's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SharedLink {
    capacity: u64,
    flow_limit: Option<u64>,
    latency: SimDuration,
    changed: SimTime,
    virtual_time: u128,
    by_finish: BinaryHeap<Reverse<(u128, u64, u32)>>,
    flows: FxHashMap<u32, Flow>,
    landing: VecDeque<(SimTime, u64, u32)>,
    /// Cancelled flows that still have an entry in one of the two.
    cancelled: usize,
    present: u32,
    next_number: u64,
    moved: u128,
    starts: u128,
    busy: SimDuration,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Flow {
    number: u64,
    start: u128,
    finish: u128,
    in_flight: bool,
}

/// Virtual time counts in this fraction of a byte: fine enough that rounding at a change is no visible part of a
/// byte, coarse enough that products of 2^50 bytes, 2^20 flows and 10^9 nanoseconds fit 128 bits.
const PER_BYTE: u128 = 1 << 20;
const NANOS: u128 = 1_000_000_000;

impl SharedLink {
    /// A link of `capacity` bytes per second.
    pub fn new(capacity: u64, latency: SimDuration) -> Self {
        SharedLink {
            capacity,
            flow_limit: None,
            latency,
            changed: SimTime::ZERO,
            virtual_time: 0,
            by_finish: BinaryHeap::new(),
            flows: FxHashMap::default(),
            landing: VecDeque::new(),
            cancelled: 0,
            present: 0,
            next_number: 0,
            moved: 0,
            starts: 0,
            busy: SimDuration::ZERO,
        }
    }

    /// The link with no flow faster than `limit` bytes per second (a NIC, a single stream).
    pub fn with_flow_limit(mut self, limit: u64) -> Self {
        self.flow_limit = Some(limit);
        self
    }

    /// A flow of `bytes` begins. False, and nothing changes, if a flow of this key is on the link.
    pub fn start(&mut self, now: SimTime, key: u32, bytes: u64) -> bool {
        if self.flows.contains_key(&key) {
            return false;
        }
        self.change(now);
        let number = self.next_number;
        self.next_number += 1;
        let start = self.virtual_time;
        let finish = start.saturating_add(bytes as u128 * PER_BYTE);
        self.starts += start;
        self.present += 1;
        self.flows.insert(key, Flow { number, start, finish, in_flight: true });
        self.by_finish.push(Reverse((finish, number, key)));
        true
    }

    /// When the next flow is done if no flow comes or is cancelled before. Ask again after every change.
    pub fn next_done(&mut self) -> Option<SimTime> {
        self.skip_cancelled();
        let landing = self.landing.front().map(|(at, _, _)| *at);
        landing.or_else(|| self.next_last_byte().map(|at| at + self.latency))
    }

    /// The flows done by `now`, in order.
    pub fn advance(&mut self, now: SimTime) -> Vec<u32> {
        self.settle(now);
        let mut done = Vec::new();
        while let Some((_, number, key)) = self.landing.pop_front_if(|(at, _, _)| *at <= now) {
            if self.is_current(number, key) {
                self.flows.remove(&key);
                done.push(key);
            } else {
                self.cancelled -= 1;
            }
        }
        done
    }

    /// A flow is given up; the others share what it had. False if no such flow is on the link.
    pub fn cancel(&mut self, now: SimTime, key: u32) -> bool {
        if !self.flows.contains_key(&key) {
            return false;
        }
        self.change(now);
        let Some(flow) = self.flows.remove(&key) else { return false };
        self.cancelled += 1;
        if flow.in_flight {
            self.present -= 1;
            self.starts -= flow.start;
            self.moved += self.virtual_time - flow.start;
            self.sweep();
        }
        true
    }

    /// Changes the capacity, in bytes per second; zero stalls every flow.
    pub fn set_capacity(&mut self, now: SimTime, capacity: u64) {
        self.change(now);
        self.capacity = capacity;
    }

    /// Changes the time from a flow's last byte to its end, for flows whose last byte leaves from now on. A shorter
    /// one never overtakes.
    pub fn set_latency(&mut self, now: SimTime, latency: SimDuration) {
        self.change(now);
        self.latency = latency;
    }

    /// Capacity, in bytes per second.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Flows that move bytes, as of the last call that was given a time.
    pub fn in_flight(&self) -> u32 {
        self.present
    }

    /// Whether a flow of this key is on the link or landing.
    pub fn contains(&self, key: u32) -> bool {
        self.flows.contains_key(&key)
    }

    /// Whole bytes that have left by `now`, parts of unfinished and of cancelled flows included.
    pub fn moved_bytes(&mut self, now: SimTime) -> u64 {
        self.settle(now);
        let present = self.present as u128 * self.virtual_time_at(now) - self.starts;
        ((self.moved + present) / PER_BYTE) as u64
    }

    /// Time up to `now` in which at least one flow moved bytes.
    pub fn busy(&mut self, now: SimTime) -> SimDuration {
        self.settle(now);
        self.busy + self.busy_since_change(now)
    }

    /// Books the last bytes that leave by `now`.
    fn settle(&mut self, now: SimTime) {
        self.skip_cancelled();
        while let Some(at) = self.next_last_byte().filter(|at| *at <= now) {
            self.move_to(at);
            while let Some(Reverse((_, number, key))) = self.pop_finished() {
                self.land(at, number, key);
            }
            self.skip_cancelled();
        }
    }

    /// Brings the state to `now`, because something is about to change there.
    fn change(&mut self, now: SimTime) {
        self.settle(now);
        self.move_to(now);
    }

    fn move_to(&mut self, now: SimTime) {
        self.busy += self.busy_since_change(now);
        self.virtual_time = self.virtual_time_at(now);
        self.changed = now.max(self.changed);
    }

    fn pop_finished(&mut self) -> Option<Reverse<(u128, u64, u32)>> {
        self.by_finish.peek().filter(|Reverse((finish, _, _))| *finish <= self.virtual_time)?;
        self.by_finish.pop()
    }

    fn land(&mut self, at: SimTime, number: u64, key: u32) {
        let Some(flow) = self.flows.get_mut(&key).filter(|f| f.number == number) else {
            self.cancelled -= 1;
            return;
        };
        flow.in_flight = false;
        self.present -= 1;
        self.starts -= flow.start;
        self.moved += flow.finish - flow.start;
        self.landing.push_back((at + self.latency, flow.number, key));
    }

    /// Virtual bytes per nanosecond, in units of `PER_BYTE`, as a fraction.
    fn rate(&self) -> (u128, u128) {
        let flows = self.present.max(1) as u128;
        match self.flow_limit {
            Some(limit) if limit as u128 * flows < self.capacity as u128 => (limit as u128 * PER_BYTE, NANOS),
            _ => (self.capacity as u128 * PER_BYTE, flows * NANOS),
        }
    }

    fn virtual_time_at(&self, now: SimTime) -> u128 {
        if self.present == 0 {
            return self.virtual_time;
        }
        let (bytes, nanos) = self.rate();
        let span = now.since(self.changed).0 as u128;
        self.virtual_time.saturating_add(span.saturating_mul(bytes) / nanos)
    }

    fn next_last_byte(&self) -> Option<SimTime> {
        let Reverse((finish, _, _)) = self.by_finish.peek()?;
        let (bytes, nanos) = self.rate();
        let left = finish.saturating_sub(self.virtual_time).saturating_mul(nanos);
        let span = left.checked_div(bytes)? + !left.is_multiple_of(bytes) as u128;
        Some(self.changed + SimDuration(u64::try_from(span).ok()?))
    }

    fn busy_since_change(&self, now: SimTime) -> SimDuration {
        if self.present == 0 || self.capacity == 0 { SimDuration::ZERO } else { now.since(self.changed) }
    }

    fn is_current(&self, number: u64, key: u32) -> bool {
        self.flows.get(&key).is_some_and(|f| f.number == number)
    }

    fn skip_cancelled(&mut self) {
        if self.cancelled == 0 {
            return;
        }
        while self.by_finish.peek().is_some_and(|Reverse((_, number, key))| !self.is_current(*number, *key)) {
            self.by_finish.pop();
            self.cancelled -= 1;
        }
        while self.landing.front().is_some_and(|(_, number, key)| !self.is_current(*number, *key)) {
            self.landing.pop_front();
            self.cancelled -= 1;
        }
    }

    /// Cancelled flows leave the heap once they outnumber the others.
    fn sweep(&mut self) {
        if self.by_finish.len() <= 2 * self.present as usize + 16 {
            return;
        }
        let (flows, before) = (&self.flows, self.by_finish.len());
        self.by_finish.retain(|Reverse((_, number, key))| flows.get(key).is_some_and(|f| f.number == *number));
        self.cancelled -= before - self.by_finish.len();
    }
}

/// One way through the network: how long a message takes beyond the time its bytes need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// One way, without jitter.
    pub latency: SimDuration,
    /// Mean of the exponential jitter that is added.
    pub jitter: SimDuration,
    /// Share of packets lost, each on its own, from 0 to 1.
    pub loss: f64,
}

/// Payload of a full packet on Ethernet with timestamps (1500 - 20 - 20 - 12 bytes).
pub const PACKET_BYTES: u64 = 1448;

/// Linux' least retransmission time-out (`TCP_RTO_MIN`); each further one for the same packet doubles (RFC 6298).
pub const RETRANSMISSION_TIMEOUT: SimDuration = SimDuration::from_millis(200);

/// Linux gives a connection up after this many retransmissions of one packet (`net.ipv4.tcp_retries2`).
pub const MAX_RETRANSMISSIONS: u32 = 15;

/// A packet this close to the end of its message has no three successors to report its loss (RFC 5681), so that
/// only the time-out repairs it.
const TAIL_PACKETS: u32 = 3;

/// The packets of a message; at least one.
pub fn packets(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(PACKET_BYTES).max(1)).unwrap_or(u32::MAX)
}

impl Path {
    /// How long a message of `packets` packets is under way, given two uniforms in [0, 1): `u_jitter` and `u_loss`.
    pub fn delay(&self, packets: u32, u_jitter: f64, u_loss: f64) -> SimDuration {
        let jitter = self.jitter.mul_f64(-libm::log(1.0 - u_jitter));
        self.latency + jitter + self.window_delay(packets) + self.timeout_delay(packets, u_loss)
    }

    /// The retransmission time-outs that a message of `packets` packets waits for, one after another. A loss is repaired
    /// without one if three later packets of the message report it and the repeated packet arrives:
    /// P(at most k) = (1 - p^(k+1))^tail (1 - p^(k+2))^(packets - tail).
    pub fn timeouts(&self, packets: u32, u_loss: f64) -> u32 {
        if self.loss <= 0.0 {
            return 0;
        }
        let loss = self.loss.min(1.0);
        let tail = packets.min(TAIL_PACKETS);
        let (mut power, mut count) = (loss, 0);
        while count < MAX_RETRANSMISSIONS {
            let last_ones = libm::pow(1.0 - power, tail as f64);
            let others = libm::pow(1.0 - power * loss, (packets - tail) as f64);
            if u_loss < last_ones * others {
                break;
            }
            power *= loss;
            count += 1;
        }
        count
    }

    fn timeout_delay(&self, packets: u32, u_loss: f64) -> SimDuration {
        let doubled = (1u64 << self.timeouts(packets, u_loss)) - 1;
        SimDuration(RETRANSMISSION_TIMEOUT.0 * doubled)
    }

    /// Round trips that a long message waits because loss keeps the congestion window at sqrt(3 / 2p) packets
    /// (Mathis, Semke, Mahdavi, Ott 1997).
    fn window_delay(&self, packets: u32) -> SimDuration {
        if self.loss <= 0.0 {
            return SimDuration::ZERO;
        }
        let window = libm::sqrt(1.5 / self.loss).max(1.0);
        SimDuration(self.latency.0.saturating_mul(2)).mul_f64(packets as f64 / window - 1.0)
    }
}

/// Equal-cost paths; the hash of a flow picks one for as long as the set of paths in use stays. One of them may be gray.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ways {
    ways: Vec<(Path, bool)>,
}

impl Ways {
    /// `count` paths like `path`, at least one.
    pub fn new(count: u16, path: Path) -> Self {
        Ways { ways: vec![(path, true); count.max(1) as usize] }
    }

    /// The number of paths, in use or not.
    pub fn count(&self) -> usize {
        self.ways.len()
    }

    /// Changes the loss of one path; false if there is no such path.
    pub fn set_loss(&mut self, way: usize, loss: f64) -> bool {
        self.ways.get_mut(way).map(|(path, _)| path.loss = loss).is_some()
    }

    /// Takes a path out of use or back; only the flows on it move. False if there is no such path.
    pub fn set_in_use(&mut self, way: usize, in_use: bool) -> bool {
        self.ways.get_mut(way).map(|(_, used)| *used = in_use).is_some()
    }

    /// The path of a flow: the highest of the hashes of (flow, path) over the paths in use. None if all are out of use.
    pub fn way_of(&self, flow: u64) -> Option<usize> {
        (0..self.ways.len()).filter(|&way| self.ways[way].1).max_by_key(|&way| mix(flow, way as u64))
    }

    /// The path of a flow.
    pub fn path_of(&self, flow: u64) -> Option<&Path> {
        self.way_of(flow).map(|way| &self.ways[way].0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lossy(loss: f64) -> Path {
        Path { latency: SimDuration::from_millis(10), jitter: SimDuration::ZERO, loss }
    }

    #[test]
    fn those_who_stay_share_what_a_cancelled_flow_had() {
        let at = SimTime::from_secs_f64;
        let mut link = SharedLink::new(3_000, SimDuration::ZERO);
        assert!((1..=3).all(|key| link.start(at(0.0), key, key as u64 * 1_000)));
        assert!(link.cancel(at(0.5), 3) && !link.cancel(at(0.5), 3));
        assert_eq!(link.in_flight(), 2);
        assert_eq!(link.next_done(), Some(at(0.5 + 500.0 / 1_500.0) + SimDuration(1)), "rounded up");
        assert_eq!(link.advance(at(9.0)), [1, 2]);
        assert_eq!(link.moved_bytes(at(9.0)), 3_500);
    }

    #[test]
    fn a_flow_with_less_latency_does_not_overtake() {
        let at = SimTime::from_secs_f64;
        let mut link = SharedLink::new(1_000, SimDuration::from_secs(10));
        link.start(at(0.0), 1, 1_000);
        link.set_latency(at(2.0), SimDuration::from_secs(1));
        link.start(at(2.0), 2, 1_000);
        assert!(link.advance(at(10.9)).is_empty());
        assert_eq!(link.advance(at(11.0)), [1, 2]);
    }

    #[test]
    fn a_sound_path_adds_nothing_to_its_latency() {
        for u in [0.0, 0.5, 0.999_999] {
            assert_eq!(lossy(0.0).delay(10_000, 0.0, u), SimDuration::from_millis(10));
        }
    }

    #[test]
    fn a_lost_probe_waits_for_the_timer_and_then_for_twice_as_long() {
        // One packet at 10 % loss: sent once with 0.9, twice with 0.09, three times with 0.009.
        let delay = |u| lossy(0.1).delay(1, 0.0, u).as_secs_f64();
        assert_eq!(delay(0.899), 0.010);
        assert_eq!(delay(0.901), 0.210);
        assert_eq!(delay(0.989), 0.210);
        assert_eq!(delay(0.991), 0.610, "200 ms and then 400 ms");
    }

    #[test]
    fn loss_hurts_large_messages_first() {
        let mean = |packets| {
            (0..1_000).map(|i| lossy(0.01).delay(packets, 0.0, i as f64 / 1e3).as_secs_f64()).sum::<f64>() / 1e3
        };
        let (probe, prompt) = (mean(1), mean(packets(600_000)));
        assert!(probe < 0.015, "a health check hardly notices: {probe}");
        assert!(0.5 < prompt, "a long prompt crawls: {prompt}");
    }

    #[test]
    fn a_gray_path_is_left_by_its_flows_and_by_no_other() {
        let mut ways = Ways::new(8, lossy(0.0));
        ways.set_loss(3, 0.01);
        let before: Vec<usize> = (0..8_000).filter_map(|flow| ways.way_of(flow)).collect();
        let gray = before.iter().filter(|way| **way == 3).count();
        assert!((900..1_100).contains(&gray), "an eighth: {gray}");
        assert!(ways.set_in_use(3, false) && !ways.set_in_use(8, false));
        for (flow, way) in before.into_iter().enumerate() {
            let now = ways.way_of(flow as u64);
            assert!(if way == 3 { now != Some(3) } else { now == Some(way) });
        }
    }
}
