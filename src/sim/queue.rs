//! The event queue: a total order on (time, class, sequence number), so that a run has exactly one history.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

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

struct Entry<E> {
    at: SimTime,
    order: u64, // class in the top byte, sequence number below
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

/// Events that are due, earliest first.
pub struct EventQueue<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
    pushed: u64,
    now: SimTime,
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        EventQueue { heap: BinaryHeap::new(), pushed: 0, now: SimTime::ZERO }
    }
}

impl<E> EventQueue<E> {
    /// Puts `event` at `at`, or at the present if `at` has passed (which a checker counts as a fault of ours).
    pub fn push(&mut self, at: SimTime, class: Class, event: E) {
        debug_assert!(self.now <= at, "an event in the past: {at} before {}", self.now);
        self.pushed += 1;
        let order = (class as u64) << 56 | self.pushed;
        self.heap.push(Reverse(Entry { at: at.max(self.now), order, event }));
    }

    /// Takes the next event if it is due no later than `until`.
    pub fn pop(&mut self, until: SimTime) -> Option<(SimTime, E)> {
        if self.heap.peek().is_none_or(|Reverse(next)| until < next.at) {
            return None;
        }
        let Reverse(entry) = self.heap.pop()?;
        self.now = entry.at;
        Some((entry.at, entry.event))
    }

    /// When the next event is due.
    pub fn next_at(&self) -> Option<SimTime> {
        self.heap.peek().map(|Reverse(next)| next.at)
    }

    /// Events pushed so far.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Events that wait.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}
