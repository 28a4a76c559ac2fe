//! The event queue: a total order on (time, class, sequence number), so that a run has exactly one history.
//!
//! Timers of one kind all run equally long, so they fall due in the order in which they are set: they wait in lanes,
//! first in first out, and only the head of each lane stands in the heap. Most never fire in earnest, and the heap stays
//! as small as what is really going on.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use crate::sim::time::SimTime;

/// What happens first when several things happen at the same nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

struct Entry<E> {
    at: SimTime,
    order: u64, // class in the top byte, sequence number below
    lane: u8,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl<E> Eq for Entry<E> {}
impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// Entries in order, of which the first stands in the heap.
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
pub struct EventQueue<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
    lanes: Vec<Lane<E>>,
    pushed: u64,
    late: u64,
    waiting: usize,
    now: SimTime,
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        EventQueue { heap: BinaryHeap::new(), lanes: Vec::new(), pushed: 0, late: 0, waiting: 0, now: SimTime::ZERO }
    }
}

impl<E> EventQueue<E> {
    /// Puts `event` at `at`, or at the present if `at` has passed, which would be a mistake of ours.
    pub fn push(&mut self, at: SimTime, class: Class, event: E) {
        let entry = self.entry(at, class, NONE, event);
        self.heap.push(Reverse(entry));
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
            self.heap.push(Reverse(entry));
        } else if lane.last <= (entry.at, entry.order) {
            lane.last = (entry.at, entry.order);
            lane.rest.push_back(entry);
        } else {
            self.heap.push(Reverse(Entry { lane: NONE, ..entry }));
        }
    }

    /// Takes the next event if it is due no later than `until`.
    pub fn pop(&mut self, until: SimTime) -> Option<(SimTime, E)> {
        if self.heap.peek().is_none_or(|Reverse(next)| until < next.at) {
            return None;
        }
        let Reverse(entry) = self.heap.pop()?;
        if let Some(lane) = self.lanes.get_mut(usize::from(entry.lane)) {
            match lane.rest.pop_front() {
                Some(head) => self.heap.push(Reverse(head)),
                None => lane.has_head = false,
            }
        }
        self.waiting -= 1;
        self.now = entry.at;
        Some((entry.at, entry.event))
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
    }
}
