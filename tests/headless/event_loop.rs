//! The smallest event loop that can drive the parts of the world, and batch means of what it measures.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use scartissue::sim::time::{SimDuration, SimTime};

/// Events to come, in order of time and, within a moment, of scheduling.
pub struct Agenda<E> {
    heap: BinaryHeap<Reverse<(SimTime, u64, E)>>,
    next: u64,
}

impl<E: Ord> Agenda<E> {
    pub fn new() -> Self {
        Agenda { heap: BinaryHeap::new(), next: 0 }
    }

    pub fn at(&mut self, time: SimTime, event: E) {
        self.heap.push(Reverse((time, self.next, event)));
        self.next += 1;
    }

    /// Schedules `event` in `seconds` from `now`.
    pub fn after(&mut self, now: SimTime, seconds: f64, event: E) {
        self.at(now + SimDuration::from_secs_f64(seconds), event);
    }

    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        self.heap.pop().map(|Reverse((time, _, event))| (time, event))
    }
}

/// One row of a table of closed forms beside what the parts gave: means of batches of one long run.
pub struct Measured {
    pub row: String,
    pub exact: f64,
    pub batches: Vec<f64>,
    /// What the closed form itself may be off by, if it is an approximation.
    pub slack: f64,
}

impl Measured {
    pub fn new(row: impl Into<String>, exact: f64, batches: Vec<f64>) -> Self {
        Measured { row: row.into(), exact, batches, slack: 0.0 }
    }

    pub fn mean(&self) -> f64 {
        self.batches.iter().sum::<f64>() / self.batches.len() as f64
    }

    pub fn standard_error(&self) -> f64 {
        let (n, mean) = (self.batches.len() as f64, self.mean());
        let squares: f64 = self.batches.iter().map(|b| (b - mean) * (b - mean)).sum();
        (squares / (n - 1.0) / n).sqrt()
    }

    /// How many standard errors the mean is off, after the slack; the sixth decimal is where the table ends.
    pub fn errors_off(&self) -> f64 {
        let off = (self.mean() - self.exact).abs() - self.slack;
        if off <= 1e-6 { 0.0 } else { off / self.standard_error() }
    }
}

/// What a measurement is made with.
pub struct Stage {
    pub seeds: [u64; 3],
    /// Length of a batch, as a multiple of the test's own.
    pub length: f64,
}

const FIRST: Stage = Stage { seeds: [1, 2, 3], length: 1.0 };
const AGAIN: Stage = Stage { seeds: [4, 5, 6], length: 2.0 };

/// Holds every row to three standard errors. Of a table of seventy rows, a right program has one beyond that in about
/// every fifth table; such a row is measured once more, on other seeds and twice as long, and that decides.
pub fn hold_to_three_errors(measure: impl Fn(&Stage) -> Vec<Measured>) {
    let off: Vec<String> = measure(&FIRST).iter().filter(|row| !row.is_close()).map(|row| row.row.clone()).collect();
    if off.is_empty() {
        return;
    }
    println!("once more:");
    let still: Vec<String> =
        measure(&AGAIN).iter().filter(|row| off.contains(&row.row) && !row.is_close()).map(|r| r.row.clone()).collect();
    assert!(still.is_empty(), "twice more than three standard errors off: {still:#?}");
}

impl Measured {
    fn is_close(&self) -> bool {
        println!(
            "{:<72} exact {:>10.6} simulated {:>10.6} +- {:.6} ({:.2} errors off)",
            self.row,
            self.exact,
            self.mean(),
            self.standard_error(),
            self.errors_off()
        );
        assert!(20 <= self.batches.len(), "too few batches: {}", self.row);
        self.errors_off() <= 3.0 // and so not a number
    }
}
