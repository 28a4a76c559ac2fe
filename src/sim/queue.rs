//! The event queue: a total order on (time, class, sequence number), so that a run has exactly one history.
//!
//! What is due soon lies in the buckets of a ring, two milliseconds each, and is sorted when its bucket comes; what is
//! due later lies in a heap until the ring has come near. Nearly all events are milliseconds away, so that one costs a
//! few instructions, however many wait; and the ring is small, so that it stays near the processor.
//!
//! Timers of one kind all run equally long, so they fall due in the order in which they are set: they wait in lanes,
//! first in first out, and only the head of each lane stands among the rest. Most never fire in earnest.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::sim::time::SimTime;

/// What happens first when several things happen at the same nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Class {
    /// Faults and operators change the world before anything else looks at it.
    Change = 0,
    /// Requests move.
    Request = 1,
    /// Engines decide after everything that has arrived.
    Engine = 2,
    /// Control loops and scrapes see what then stands.
    Control = 3,
}

/// No lane.
const NONE: u8 = u8::MAX;
/// A bucket holds 2 to this power of nanoseconds, about two milliseconds.
const BUCKET_BITS: u32 = 21;
/// Buckets of the ring, about a quarter of a second: a bit each.
const BUCKETS: usize = u128::BITS as usize;

#[derive(Clone, Serialize, Deserialize)]
struct Entry<E> {
    at: SimTime,
    order: u64, // class in the top byte, sequence number below
    lane: u8,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl<E> Eq for Entry<E> {}
impl<E> PartialOrd for Entry<E> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> Ord for Entry<E> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl<E> Entry<E> {
    /// The number of its bucket, counted from the beginning of time.
    #[inline]
    fn bucket(&self) -> u64 {
        self.at.0 >> BUCKET_BITS
    }
}

/// Entries in order, of which the first stands among the rest.
#[derive(Clone, Serialize, Deserialize)]
struct Lane<E> {
    has_head: bool,
    last: (SimTime, u64),
    rest: VecDeque<Entry<E>>,
}

impl<E> Default for Lane<E> {
    fn default() -> Self {
        Lane { has_head: false, last: (SimTime::ZERO, 0), rest: VecDeque::new() }
    }
}

/// Events that are due, earliest first.
#[derive(Clone, Serialize, Deserialize)]
pub struct EventQueue<E> {
    /// What is due up to the end of the bucket that has come, latest first.
    current: Vec<Entry<E>>,
    /// The number of that bucket.
    cursor: u64,
    /// The buckets after it, unsorted, each at its number modulo their count.
    ring: Vec<Vec<Entry<E>>>,
    /// A bit for every bucket of the ring that holds something.
    marks: u128,
    /// What lies beyond the ring.
    far: BinaryHeap<Reverse<Entry<E>>>,
    lanes: Vec<Lane<E>>,
    pushed: u64,
    late: u64,
    waiting: usize,
    now: SimTime,
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        EventQueue {
            current: Vec::new(),
            cursor: 0,
            ring: (0..BUCKETS).map(|_| Vec::new()).collect(),
            marks: 0,
            far: BinaryHeap::new(),
            lanes: Vec::new(),
            pushed: 0,
            late: 0,
            waiting: 0,
            now: SimTime::ZERO,
        }
    }
}

impl<E> EventQueue<E> {
    /// Puts `event` at `at`, or at the present if `at` has passed, which would be a mistake of ours.
    #[inline]
    pub fn push(&mut self, at: SimTime, class: Class, event: E) {
        let entry = self.entry(at, class, NONE, event);
        self.place(entry);
    }

    /// As [`EventQueue::push`], for events that mostly come in the order of their times within a lane: cheap if they
    /// do, and right if they do not.
    pub fn push_in_lane(&mut self, lane: u8, at: SimTime, class: Class, event: E) {
        let entry = self.entry(at, class, lane, event);
        let index = usize::from(lane);
        if self.lanes.len() <= index {
            self.lanes.resize_with(index + 1, Lane::default);
        }
        let lane = &mut self.lanes[index];
        if !lane.has_head {
            lane.has_head = true;
            lane.last = (entry.at, entry.order);
            self.place(entry);
        } else if lane.last <= (entry.at, entry.order) {
            lane.last = (entry.at, entry.order);
            lane.rest.push_back(entry);
        } else {
            self.place(Entry { lane: NONE, ..entry });
        }
    }

    /// Takes the next event if it is due no later than `until`.
    #[inline]
    pub fn pop(&mut self, until: SimTime) -> Option<(SimTime, E)> {
        if self.current.is_empty() {
            self.next_bucket();
        }
        let entry = self.current.pop_if(|next| next.at <= until)?;
        if let Some(lane) = self.lanes.get_mut(usize::from(entry.lane)) {
            match lane.rest.pop_front() {
                Some(head) => self.place(head),
                None => lane.has_head = false,
            }
        }
        self.waiting -= 1;
        self.now = entry.at;
        Some((entry.at, entry.event))
    }

    /// Puts an entry where its time belongs.
    #[inline]
    fn place(&mut self, entry: Entry<E>) {
        let bucket = entry.bucket();
        if bucket <= self.cursor {
            let place = self.current.partition_point(|other| entry < *other);
            self.current.insert(place, entry);
        } else if bucket - self.cursor < BUCKETS as u64 {
            let index = bucket as usize % BUCKETS;
            self.ring[index].push(entry);
            self.marks |= 1 << index;
        } else {
            self.far.push(Reverse(entry));
        }
    }

    /// Moves on to the next bucket that holds anything, and sorts it.
    fn next_bucket(&mut self) {
        let next = match self.next_in_ring() {
            Some(index) => {
                std::mem::swap(&mut self.current, &mut self.ring[index]);
                self.marks &= !(1 << index);
                self.current.first().map(Entry::bucket)
            }
            None => self.far.peek().map(|Reverse(entry)| entry.bucket()),
        };
        let Some(next) = next else { return };
        self.cursor = next;
        while self.far.peek().is_some_and(|Reverse(e)| e.bucket() < next + BUCKETS as u64) {
            let Some(Reverse(entry)) = self.far.pop() else { break };
            match entry.bucket() <= next {
                true => self.current.push(entry),
                false => self.place(entry),
            }
        }
        self.current.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// The place of the first bucket after the cursor's that holds anything.
    fn next_in_ring(&self) -> Option<usize> {
        let start = (self.cursor as usize + 1) % BUCKETS;
        let ahead = self.marks.rotate_right(start as u32).trailing_zeros() as usize;
        (ahead < BUCKETS).then(|| (start + ahead) % BUCKETS)
    }

    /// Events pushed so far.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Events that were put in the past. None should be: it is a mistake of whoever pushed it.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Events that wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    #[inline]
    fn entry(&mut self, at: SimTime, class: Class, lane: u8, event: E) -> Entry<E> {
        self.late += u64::from(at < self.now);
        self.pushed += 1;
        self.waiting += 1;
        let order = (class as u64) << 56 | self.pushed;
        Entry { at: at.max(self.now), order, lane, event }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lanes_change_no_order(pushes in prop::collection::vec((0u64..50, 0u8..4, 0u8..4), 1..200)) {
            let class = |c: u8| [Class::Change, Class::Request, Class::Engine, Class::Control][usize::from(c)];
            let (mut plain, mut laned) = (EventQueue::default(), EventQueue::default());
            for (number, (at, c, lane)) in pushes.iter().enumerate() {
                plain.push(SimTime(*at), class(*c), number);
                match lane {
                    0 => laned.push(SimTime(*at), class(*c), number),
                    lane => laned.push_in_lane(*lane, SimTime(*at), class(*c), number),
                }
            }
            let drain = |queue: &mut EventQueue<usize>| {
                std::iter::from_fn(|| queue.pop(SimTime::NEVER)).collect::<Vec<_>>()
            };
            prop_assert_eq!(drain(&mut plain), drain(&mut laned));
            prop_assert!(laned.is_empty());
        }

        /// Steps: how far ahead the next event is put (near, in the ring, far), and how many are taken then.
        #[test]
        fn events_come_in_order_from_near_and_far(steps in prop::collection::vec((0u32..36, 0u64..1000, 0usize..3), 1..300)) {
            let mut queue = EventQueue::default();
            let mut sorted: Vec<(SimTime, usize)> = Vec::new();
            let mut now = SimTime::ZERO;
            for (number, (power, share, takes)) in steps.iter().enumerate() {
                let at = SimTime(now.0 + ((share << power) >> 10));
                queue.push(at, Class::Request, number);
                sorted.insert(sorted.partition_point(|other| *other <= (at, number)), (at, number));
                for _ in 0..*takes {
                    // Half of the time it may take nothing that is not due: that must not lose its place.
                    let until = SimTime(now.0 + (share << power));
                    let due = sorted.first().copied().filter(|(at, _)| *at <= until);
                    prop_assert_eq!(queue.pop(until), due);
                    if let Some((at, _)) = due {
                        sorted.remove(0);
                        now = at;
                    }
                }
            }
            for expected in sorted {
                prop_assert_eq!(queue.pop(SimTime::NEVER), Some(expected));
            }
            prop_assert!(queue.is_empty());
        }
    }
}
