//! One thread on which everything of a process waits its turn: an event loop with work done synchronously on it.
//!
//! Work is taken in the order in which it comes and is never interrupted; who comes while the loop is held waits until
//! it is free, whatever he wants. The time until then is all that there is to know of the line.

use serde::{Deserialize, Serialize};

use crate::sim::time::{SimDuration, SimTime};

/// A loop thread: first come, first served, one at a time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LoopThread {
    free_at: SimTime,
    booked: SimDuration,
}

impl LoopThread {
    /// Puts `work` at the end of the line; the moment at which it is done.
    pub fn run(&mut self, now: SimTime, work: SimDuration) -> SimTime {
        self.free_at = self.free_at.max(now) + work;
        self.booked += work;
        self.free_at
    }

    /// How long somebody who comes now waits.
    pub fn lag(&self, now: SimTime) -> SimDuration {
        self.free_at.since(now)
    }

    /// Time up to `now` in which something held the loop, since the process began.
    pub fn busy(&self, now: SimTime) -> SimDuration {
        self.booked - self.lag(now)
    }

    /// The process ends: what stood in line is gone.
    pub fn restart(&mut self) {
        *self = LoopThread::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> SimTime {
        SimTime::from_secs_f64(seconds)
    }

    #[test]
    fn who_comes_while_the_loop_is_held_waits_until_it_is_free() {
        let mut thread = LoopThread::default();
        assert_eq!(thread.run(at(1.0), SimDuration::from_secs(2)), at(3.0));
        assert_eq!(thread.run(at(1.5), SimDuration::from_secs(1)), at(4.0));
        assert_eq!(thread.lag(at(2.0)), SimDuration::from_secs(2));
        assert_eq!(thread.busy(at(2.0)), SimDuration::from_secs(1));
        assert_eq!(thread.lag(at(9.0)), SimDuration::ZERO);
        assert_eq!(thread.busy(at(9.0)), SimDuration::from_secs(3));
        assert_eq!(thread.run(at(9.0), SimDuration::ZERO), at(9.0), "nothing to do and nobody before it: at once");
    }
}
