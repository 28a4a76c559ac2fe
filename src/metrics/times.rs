//! Moments of a series, kept as runs of equal distances: scrapes are regular, and cost nothing then.

use serde::{Deserialize, Serialize};

/// Moments in ascending order, in milliseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Times {
    runs: Vec<Run>,
    len: usize,
}

/// Moments at equal distances.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Run {
    first_ms: i64,
    every_ms: i64,
    /// Its place among all moments.
    from: usize,
}

impl Times {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a moment; none that is not later than the last.
    pub(super) fn push(&mut self, t_ms: i64) -> bool {
        let last = self.last();
        if last.is_some_and(|last| t_ms <= last) {
            return false;
        }
        let len = self.len;
        let apart = |last: i64| t_ms.checked_sub(last);
        match self.runs.last_mut() {
            Some(run) if len - run.from == 1 && last.and_then(apart).is_some() => {
                run.every_ms = last.and_then(apart).unwrap_or_default();
            }
            Some(run) if 1 < len - run.from && last.and_then(apart) == Some(run.every_ms) => {}
            _ => self.runs.push(Run { first_ms: t_ms, every_ms: 0, from: len }),
        }
        self.len += 1;
        true
    }

    pub(super) fn last(&self) -> Option<i64> {
        self.runs.last().map(|run| run.at(self.len - 1))
    }

    /// The moment at a place.
    pub(super) fn get(&self, place: usize) -> i64 {
        let run = self.runs.partition_point(|run| run.from <= place) - 1;
        self.runs[run].at(place)
    }

    /// How many moments lie at or before one.
    pub(super) fn upto(&self, t_ms: i64) -> usize {
        let Some(place) = self.runs.partition_point(|run| run.first_ms <= t_ms).checked_sub(1) else { return 0 };
        let run = self.runs[place];
        let end = self.runs.get(place + 1).map_or(self.len, |next| next.from);
        let within = match run.every_ms {
            0 => 0,
            every_ms => ((i128::from(t_ms) - i128::from(run.first_ms)) / i128::from(every_ms)) as usize,
        };
        end.min(run.from + within + 1)
    }

    /// The moments at places `from` to before `upto`, added to others.
    pub(super) fn read(&self, from: usize, upto: usize, into: &mut Vec<i64>) {
        let mut place = from;
        let mut run = self.runs.partition_point(|run| run.from <= from);
        while place < upto {
            let end = self.runs.get(run).map_or(self.len, |next| next.from).min(upto);
            let of = self.runs[run - 1];
            into.extend((place..end).map(|place| of.at(place)));
            (place, run) = (end, run + 1);
        }
    }

    /// Bytes that the moments take.
    pub(super) fn bytes(&self) -> usize {
        self.runs.capacity() * size_of::<Run>()
    }
}

impl Run {
    fn at(&self, place: usize) -> i64 {
        self.first_ms + self.every_ms * (place - self.from) as i64
    }
}
