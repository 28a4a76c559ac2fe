//! Laws that the parts of the world keep on any input: jobs, bytes and tokens are neither lost nor made, and asking at other
//! moments changes nothing. Each part is held against a naive model of itself.

use std::num::NonZeroUsize;

use proptest::prelude::*;
use scartissue::sim::keyed_cache::{KeyedCache, Lookup};
use scartissue::sim::link::SharedLink;
use scartissue::sim::rate_limit::TokenBucket;
use scartissue::sim::station::{Abandoned, Offer, Station};
use scartissue::sim::time::{SimDuration, SimTime};

#[derive(Clone, Debug)]
enum StationStep {
    Offer { key: u32, class: u8 },
    Finish(u32),
    Abandon(u32),
    Orphan(u32),
    Servers(u32),
}

fn station_step() -> impl Strategy<Value = (u64, StationStep)> {
    let step = prop_oneof![
        5 => (0..40u32, 0..4u8).prop_map(|(key, class)| StationStep::Offer { key, class }),
        4 => (0..40u32).prop_map(StationStep::Finish),
        2 => (0..40u32).prop_map(StationStep::Abandon),
        1 => (0..40u32).prop_map(StationStep::Orphan),
        1 => (0..5u32).prop_map(StationStep::Servers),
    ];
    (0..1_000u64, step)
}

/// A station as one would write it without care for speed.
struct PlainStation {
    servers: usize,
    max_waiting: usize,
    running: Vec<u32>,
    line: Vec<(u8, u32)>,
}

impl PlainStation {
    fn start_next(&mut self) -> Option<u32> {
        if self.servers <= self.running.len() || self.line.is_empty() {
            return None;
        }
        let first = self.line.iter().map(|(class, _)| *class).min()?;
        let place = self.line.iter().position(|(class, _)| *class == first)?;
        let (_, key) = self.line.remove(place);
        self.running.push(key);
        Some(key)
    }

    fn offer(&mut self, key: u32, class: u8) -> Offer {
        let inside = self.running.contains(&key) || self.line.iter().any(|(_, k)| *k == key);
        if !inside && self.running.len() < self.servers {
            self.running.push(key);
            Offer::Started
        } else if !inside && self.line.len() < self.max_waiting {
            self.line.push((class.min(2), key));
            Offer::Queued
        } else {
            Offer::Rejected
        }
    }

    fn finish(&mut self, key: u32) -> Option<u32> {
        let place = self.running.iter().position(|k| *k == key)?;
        self.running.remove(place);
        self.start_next()
    }

    fn abandon(&mut self, key: u32) -> Abandoned {
        if let Some(place) = self.line.iter().position(|(_, k)| *k == key) {
            self.line.remove(place);
            return Abandoned::WasQueued;
        }
        match self.running.contains(&key) {
            true => Abandoned::WasRunning(self.finish(key)),
            false => Abandoned::Unknown,
        }
    }
}

/// Bytes still to move by naive processor sharing, one completion after another, in floating point.
fn plain_sharing(capacity: f64, flows: &[(u64, u64)]) -> Vec<f64> {
    let mut left: Vec<f64> = flows.iter().map(|(_, bytes)| *bytes as f64).collect();
    let mut done = vec![f64::NAN; flows.len()];
    let mut now = 0.0;
    while done.iter().any(|d| d.is_nan()) {
        let present: Vec<usize> = (0..flows.len()).filter(|i| flows[*i].0 as f64 <= now && done[*i].is_nan()).collect();
        let rate = capacity / 1e9 / present.len().max(1) as f64;
        let arrival = flows.iter().map(|(at, _)| *at as f64).filter(|at| now < *at).fold(f64::INFINITY, f64::min);
        let least = present.iter().map(|i| left[*i]).fold(f64::INFINITY, f64::min);
        let until = arrival.min(now + least / rate);
        for i in present {
            left[i] -= rate * (until - now);
            if left[i] <= 1e-6 {
                done[i] = until;
            }
        }
        now = until;
    }
    done
}

proptest! {
    #[test]
    fn a_station_conserves_jobs_and_keeps_its_order(
        servers in 0..4u32,
        max_waiting in 0..12u32,
        steps in prop::collection::vec(station_step(), 1..300),
    ) {
        let mut station = Station::with_classes(servers, Some(max_waiting), 3);
        let mut plain =
            PlainStation { servers: servers as usize, max_waiting: max_waiting as usize, running: vec![], line: vec![] };
        let mut now = SimTime::ZERO;
        for (gap, step) in steps {
            now += SimDuration(gap);
            match step {
                StationStep::Offer { key, class } => {
                    prop_assert_eq!(station.offer_class(now, key, class), plain.offer(key, class));
                }
                StationStep::Finish(key) => prop_assert_eq!(station.finish(now, key), plain.finish(key)),
                StationStep::Abandon(key) => prop_assert_eq!(station.abandon(now, key), plain.abandon(key)),
                StationStep::Orphan(key) => {
                    let inside = plain.running.contains(&key) || plain.line.iter().any(|(_, k)| *k == key);
                    prop_assert_eq!(station.orphan(key), inside);
                }
                StationStep::Servers(n) => {
                    plain.servers = n as usize;
                    let started: Vec<u32> = std::iter::from_fn(|| plain.start_next()).collect();
                    prop_assert_eq!(station.set_servers(now, n), started);
                }
            }
            prop_assert_eq!(station.check(now + SimDuration(1)), Ok(()));
            prop_assert_eq!(station.busy() as usize, plain.running.len());
            prop_assert_eq!(station.waiting() as usize, plain.line.len());
        }
    }

    #[test]
    fn a_link_moves_each_byte_once_and_shares_equally(
        capacity in 1_000..1_000_000_000u64,
        flows in prop::collection::vec((0..2_000_000_000u64, 1..1_000_000u64), 1..30),
    ) {
        let mut flows = flows;
        flows.sort_unstable();
        let mut link = SharedLink::new(capacity, SimDuration::ZERO);
        let mut done = vec![0; flows.len()];
        let mut start = 0;
        while start < flows.len() || link.in_flight() != 0 {
            let arrival = flows.get(start).map(|(at, _)| SimTime(*at));
            let completion = link.next_done();
            if completion.is_some_and(|c| arrival.is_none_or(|a| c <= a)) {
                let now = completion.unwrap_or_default();
                let keys = link.advance(now);
                prop_assert!(!keys.is_empty(), "somebody is done when the link said so");
                keys.into_iter().for_each(|key| done[key as usize] = now.0);
            } else if let Some(now) = arrival {
                prop_assert!(link.start(now, start as u32, flows[start].1));
                start += 1;
            }
        }
        let end = SimTime(done.iter().copied().max().unwrap_or(0));
        prop_assert_eq!(link.moved_bytes(end), flows.iter().map(|(_, bytes)| bytes).sum::<u64>());
        for (key, exact) in plain_sharing(capacity as f64, &flows).into_iter().enumerate() {
            // Each completion may hold the link up for a nanosecond, and each change rounds by a 2^-20th of a byte a flow.
            let rounding = 2.0 * flows.len() as f64 * (1.0 + flows.len() as f64 * 1e9 / capacity as f64 / 1e6);
            prop_assert!((done[key] as f64 - exact).abs() <= 1.0 + rounding, "{key}: {} {exact}", done[key]);
        }
    }

    #[test]
    fn asking_a_link_more_often_changes_nothing(
        flows in prop::collection::vec((0..1_000_000u64, 1..100_000u64), 1..20),
        cancels in prop::collection::vec((0..3_000_000u64, 0..20u32), 0..5),
        asks in prop::collection::vec(0..3_000_000u64, 0..50),
    ) {
        let run = |asks: &[u64]| {
            let mut link = SharedLink::new(100_000_000, SimDuration::from_micros(3)).with_flow_limit(40_000_000);
            let mut events: Vec<(u64, u32, u64)> = asks.iter().map(|at| (*at, u32::MAX, 0)).collect();
            events.extend(cancels.iter().map(|(at, key)| (*at, *key, 0)));
            events.extend(flows.iter().enumerate().map(|(key, (at, bytes))| (*at, key as u32, *bytes)));
            events.sort_unstable();
            let mut log = Vec::new();
            let mut moved = 0;
            for (at, key, bytes) in events {
                while let Some(done) = link.next_done().filter(|done| done.0 <= at) {
                    log.extend(link.advance(done).into_iter().map(|key| (done, key)));
                }
                let before = moved;
                moved = link.moved_bytes(SimTime(at));
                assert!(before <= moved, "a counter does not fall");
                match (key, bytes) {
                    (u32::MAX, _) => {}
                    (key, 0) => _ = link.cancel(SimTime(at), key),
                    (key, bytes) => _ = link.start(SimTime(at), key, bytes),
                }
            }
            while let Some(done) = link.next_done() {
                log.extend(link.advance(done).into_iter().map(|key| (done, key)));
            }
            (log, link.moved_bytes(SimTime(1 << 40)), link.busy(SimTime(1 << 40)))
        };
        prop_assert_eq!(run(&asks), run(&[]));
    }

    #[test]
    fn asking_a_bucket_more_often_changes_nothing(
        tokens in 0..5_000u64,
        per in 1..120_000_000_000u64,
        depth in 0..10_000u64,
        takes in prop::collection::vec((0..10_000_000_000u64, 0..4_000u64, 0..2_000u64), 1..40),
        asks in prop::collection::vec(0..400_000_000_000u64, 0..200),
    ) {
        let run = |asks: &[u64]| {
            let mut asks = asks.to_vec();
            asks.sort_unstable();
            let mut asks = asks.into_iter().peekable();
            let mut bucket = TokenBucket::new(SimTime::ZERO, tokens, SimDuration(per), depth);
            let mut now = SimTime::ZERO;
            let mut log = Vec::new();
            for (gap, n, back) in &takes {
                now += SimDuration(*gap);
                while let Some(ask) = asks.next_if(|ask| *ask <= now.0) {
                    assert!(bucket.level(SimTime(ask)) <= depth, "no more than its depth");
                    bucket.retry_after(SimTime(ask), 7);
                }
                let taken = bucket.take(now, *n);
                if taken.is_ok() {
                    bucket.refund(now, (*back).min(*n));
                }
                log.push((taken, bucket.level(now)));
            }
            log
        };
        prop_assert_eq!(run(&asks), run(&[]));
    }

    #[test]
    fn a_shard_forgets_as_the_reference_lru_does(
        capacity in 1..20u32,
        steps in prop::collection::vec((0..40u64, 0..10u8), 1..400),
    ) {
        let mut ours: KeyedCache<u64> = KeyedCache::new(1, capacity, SimDuration::FOREVER);
        let mut reference = lru::LruCache::new(NonZeroUsize::new(capacity as usize).expect("at least one"));
        for (value, (key, step)) in steps.into_iter().enumerate() {
            let value = value as u64;
            match step {
                0..5 => {
                    let expected = reference.get(&key).map_or(Lookup::Miss, |v| Lookup::Hit(*v));
                    prop_assert_eq!(ours.lookup(SimTime::ZERO, key), expected);
                }
                5..9 => {
                    ours.insert(SimTime::ZERO, key, value);
                    reference.put(key, value);
                }
                _ => prop_assert_eq!(ours.remove(key), reference.pop(&key).is_some()),
            }
            prop_assert_eq!(ours.len(), reference.len());
        }
    }
}

#[test]
fn a_cancelled_key_may_come_back_without_its_old_flow() {
    let mut link = SharedLink::new(1_000, SimDuration::ZERO);
    let at = SimTime::from_secs_f64;
    assert!(link.start(at(0.0), 1, 1_000));
    assert!(!link.start(at(0.1), 1, 5), "the key is on the link");
    assert!(link.cancel(at(0.5), 1));
    assert_eq!(link.next_done(), None);
    assert!(link.start(at(1.0), 1, 500));
    assert_eq!(link.next_done(), Some(at(1.5)));
    assert_eq!(link.advance(at(2.0)), [1]);
    assert_eq!(link.moved_bytes(at(9.0)), 1_000);
    assert_eq!(link.busy(at(9.0)), SimDuration::from_secs(1));
}

#[test]
fn a_stalled_link_resumes_where_it_stood() {
    let mut link = SharedLink::new(1_000, SimDuration::from_secs(1));
    let at = SimTime::from_secs_f64;
    link.start(at(0.0), 1, 1_000);
    link.start(at(0.0), 2, 2_000);
    link.set_capacity(at(1.0), 0);
    assert_eq!(link.next_done(), None);
    assert_eq!(link.moved_bytes(at(5.0)), 1_000);
    link.set_capacity(at(5.0), 4_000);
    assert_eq!(link.next_done(), Some(at(6.25)), "500 bytes left at half of 4,000 a second, and a second of latency");
    assert_eq!(link.advance(at(6.25)), [1]);
    assert_eq!(link.advance(at(100.0)), [2]);
}
