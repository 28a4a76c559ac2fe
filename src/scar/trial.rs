//! The forecast on trial: what it said before first tries, held against what came, beside a constant and beside counting.

use serde::Serialize;

use crate::scar::item::{Kind, kind};
use crate::scar::memory::MODEL;
use crate::scar::records::Row;
use crate::scar::standing::{Review, Standing};
use std::collections::BTreeMap;

/// From so many first tries on the two are shown beside each other.
pub const SHOWN: usize = 30;
/// From so many on a verdict is given.
pub const JUDGED: usize = 200;
/// No forecast counts as surer than this.
const LEAST: f64 = 0.01;

/// One forecast and what came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// When.
    pub at_s: i64,
    /// What was forecast, from 0 to 1.
    pub forecast: f64,
    /// What counting successes and failures of the item would have said.
    pub counted: f64,
    /// Whether it came.
    pub came: bool,
}

/// What counting successes and failures says, without a clock (performance factors; Pavlik 2009).
pub fn counted(successes: usize, failures: usize) -> f64 {
    let sum = -0.5 + 0.2 * successes as f64 + 0.1 * failures as f64;
    1.0 / (1.0 + libm::exp(-sum))
}

/// What was forecast before first tries: one of each session, that of the pair if there is one, since grades of one session
/// are no independent evidence.
pub fn told(rows: &[Row], standings: &BTreeMap<String, Standing>) -> Vec<Told> {
    let mut found = Vec::new();
    for row in rows {
        let here = |review: &&Review| review.session == row.name;
        let of = |standing: &Standing| {
            let place = standing.alone.iter().position(|r| here(&r))?;
            let review = &standing.alone[place];
            let forecast = review.forecast.filter(|_| review.probe)?;
            let passed = standing.alone[..place].iter().filter(|r| r.rating.passed()).count();
            let counted = counted(passed, place - passed);
            Some(Told { at_s: review.at_s, forecast, counted, came: review.rating.passed() })
        };
        let targets = row.graded.grades.iter().filter(|g| g.target && !g.with_ai);
        let mut items: Vec<&str> = targets.map(|g| g.item.as_str()).collect();
        items.sort_by_key(|item| (kind(item) != Kind::Pair, item.to_string()));
        found.extend(items.into_iter().filter_map(|item| standings.get(item)).find_map(of));
    }
    found
}

/// How the forecast did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// First tries that were forecast.
    pub n: usize,
    /// Mean log-loss of the forecast, in nats.
    pub forecast: f64,
    /// The same of a constant: at each moment, how often first tries had come until then.
    pub constant: f64,
    /// The same of counting.
    pub counting: f64,
    /// Whether the forecast is shown and used; if not, days since the last try stand in its place.
    pub holds: bool,
}

/// Holds forecasts against what came. Each row is judged by what was known before it.
pub fn trial(told: &[Told]) -> Trial {
    let loss = |p: f64, came: bool| -libm::log(if came { p.max(LEAST) } else { (1.0 - p).max(LEAST) });
    let (mut hits, mut sums) = (0.0, [0.0; 3]);
    let mut order: Vec<&Told> = told.iter().collect();
    order.sort_by_key(|t| t.at_s);
    for (before, one) in order.iter().enumerate() {
        let constant = (hits + 1.0) / (before as f64 + 2.0);
        for (sum, p) in sums.iter_mut().zip([one.forecast, constant, one.counted]) {
            *sum += loss(p, one.came);
        }
        hits += f64::from(u8::from(one.came));
    }
    let n = told.len();
    let [forecast, constant, counting] = sums.map(|sum| if n == 0 { 0.0 } else { sum / n as f64 });
    Trial { n, forecast, constant, counting, holds: n < JUDGED || (forecast < constant && forecast < counting) }
}

impl Trial {
    /// In sentences; none while there is too little to say.
    pub fn says(&self) -> Option<String> {
        if self.n < SHOWN {
            return None;
        }
        let figures = format!(
            "log-loss over {} first tries: forecast {:.3}, a constant {:.3}, counting {:.3} nats",
            self.n, self.forecast, self.constant, self.counting
        );
        Some(match (self.holds, self.n < JUDGED) {
            (_, true) => format!("{figures}; a verdict comes at {JUDGED}"),
            (true, false) => format!("{figures}; the forecast ({MODEL}) does better, and is used"),
            (false, false) => format!(
                "{figures}; the forecast ({MODEL}) does no better, so it is neither shown nor used: days since the last try stand in its place"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_gives_the_published_values() {
        for ((successes, failures), stated) in [((0, 0), 0.3775), ((0, 1), 0.4013), ((1, 1), 0.4502)] {
            let p = counted(successes, failures);
            assert!((p - stated).abs() < 5e-5, "{successes}, {failures}: {p}");
        }
    }

    #[test]
    fn nothing_is_said_of_few_and_no_verdict_given_on_some() {
        let told = |n: usize, right: bool| -> Vec<Told> {
            let forecast = |came: bool| if came == right { 0.9 } else { 0.1 };
            let one = |i: usize| Told {
                at_s: i as i64,
                forecast: forecast(i.is_multiple_of(3)),
                counted: 0.5,
                came: i.is_multiple_of(3),
            };
            (0..n).map(one).collect()
        };
        assert_eq!(trial(&told(29, true)).says(), None);
        assert!(trial(&told(199, false)).holds, "no verdict yet");
        assert!(trial(&told(200, true)).holds);
        let lost = trial(&told(200, false));
        assert!(!lost.holds && lost.says().is_some_and(|s| s.contains("neither shown nor used")));
    }
}
