//! How each item stands: its reviews in order, what is forecast of it, when it is due. A function of the records and the
//! moment.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::scar::item::mechanisms;
use crate::scar::memory::{DAY_S, Rating, State, days, whole_days};
use crate::scar::rating::CONFIDENT;
use crate::scar::records::Row;
use crate::score::rate::Rate;

/// An item is kept so fresh.
pub const WISH: f64 = 0.85;
/// One that matters more, so.
pub const WISH_HIGH: f64 = 0.90;
/// What weighs so much matters more.
const HIGH: f64 = 3.0;
/// Below this a scar frays.
pub const FRAYED: f64 = 0.8;
/// With fewer reviews alone than this a forecast is not shown as one.
pub const ENOUGH: usize = 3;
/// After a failure an item comes back no sooner, in days: before that it would be remembered and not known.
pub const RETEST_FROM: f64 = 2.0;
/// And no later: forgotten corrections give way to the old, confident error within a week.
pub const RETEST_UNTIL: f64 = 7.0;

/// One review of an item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Review {
    /// The session's folder.
    pub session: String,
    /// When, in seconds since 1970.
    pub at_s: i64,
    /// The session's seed.
    pub seed: u64,
    /// How it went.
    pub rating: Rating,
    /// Why it was rated so.
    pub why: String,
    /// Points of the truth.
    pub truth_percent: Option<u8>,
    /// What was said.
    pub said: Option<String>,
    /// Its points.
    pub percent: Option<u8>,
    /// What was believed first, if that was wrong.
    pub fooled_by: Option<String>,
    /// Whether it failed although something was firmly believed.
    pub confident_error: bool,
    /// The forecast just before it; none for the first.
    pub forecast: Option<f64>,
    /// Whether it was the first try in a day or more: only that tells of forgetting.
    pub probe: bool,
    /// Whether the session was about it.
    pub target: bool,
    /// Days for which the clock was moved on for a demonstration.
    pub moved_days: f64,
    /// The rule that was kept of the session.
    pub rule: String,
}

/// How an item stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// The item.
    pub item: String,
    /// What was done alone, oldest first.
    pub alone: Vec<Review>,
    /// What was done with help, oldest first.
    pub with_ai: Vec<Review>,
    /// What is remembered, alone.
    #[serde(skip)]
    pub state: Option<State>,
    /// What is remembered, with help.
    #[serde(skip)]
    pub state_with_ai: Option<State>,
}

/// What a scar looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// The last try failed firmly and was not tried again.
    Raw,
    /// The last try failed.
    Open,
    /// It is fading.
    Frayed,
    /// It holds.
    Firm,
    /// Met with help only.
    HelpedOnly,
}

impl Look {
    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Look::Raw => "raw: confident error, not yet retested",
            Look::Open => "open: the last try failed",
            Look::Frayed => "fraying",
            Look::Firm => "firm",
            Look::HelpedOnly => "tacked: met with help only",
        }
    }
}

impl Standing {
    /// The last review alone.
    pub fn last(&self) -> Option<&Review> {
        self.alone.last()
    }

    /// The forecast for a moment; none while it was never met alone.
    pub fn forecast(&self, now_s: i64) -> Option<f64> {
        Some(self.state?.recall(days(self.last()?.at_s, now_s)))
    }

    /// Whether there are enough reviews for the forecast to be shown as one.
    pub fn is_known(&self) -> bool {
        ENOUGH <= self.alone.len()
    }

    /// The moment from which it is due, if it was met alone; and after a failure the one until which it should come.
    pub fn due(&self, wish: f64) -> Option<(i64, Option<i64>)> {
        let last = self.last()?;
        let after = |days: f64| last.at_s.saturating_add((days * DAY_S) as i64);
        if !last.rating.passed() {
            return Some((after(RETEST_FROM), Some(after(RETEST_UNTIL))));
        }
        Some((after(self.state?.due_in(wish)), None))
    }

    /// How it looks.
    pub fn look(&self, now_s: i64) -> Look {
        match (self.last(), self.forecast(now_s)) {
            (Some(last), _) if last.confident_error => Look::Raw,
            (Some(last), _) if !last.rating.passed() => Look::Open,
            (_, Some(forecast)) if forecast < FRAYED => Look::Frayed,
            (_, Some(_)) => Look::Firm,
            (_, None) => Look::HelpedOnly,
        }
    }

    /// How often the first try after a gap came.
    pub fn observed(&self) -> Rate {
        Rate::count(self.probes().map(|r| r.rating.passed()))
    }

    /// Reviews alone that tell of forgetting.
    pub fn probes(&self) -> impl Iterator<Item = &Review> {
        self.alone.iter().filter(|r| r.probe && r.forecast.is_some())
    }

    /// The last rule that was kept.
    pub fn rule(&self) -> Option<&str> {
        self.alone.iter().chain(&self.with_ai).rev().map(|r| r.rule.as_str()).find(|r| !r.is_empty())
    }

    /// Tries with help since the last one alone.
    pub fn helped_since(&self) -> usize {
        let since = self.last().map_or(i64::MIN, |r| r.at_s);
        self.with_ai.iter().filter(|r| since < r.at_s).count()
    }
}

/// How fresh an item of such a weight is kept.
pub fn wish(weight: f64) -> f64 {
    if HIGH <= weight { WISH_HIGH } else { WISH }
}

/// The weight of an item: the most of its mechanisms.
pub fn weight(item: &str, weights: &BTreeMap<String, f64>) -> f64 {
    let of = |m: &str| weights.get(m).copied().filter(|w| w.is_finite() && 0.0 <= *w).unwrap_or(1.0);
    mechanisms(item).into_iter().map(of).fold(0.0, f64::max).max(if mechanisms(item).is_empty() { 1.0 } else { 0.0 })
}

/// How every item stands that was met up to a moment; rows are oldest first.
pub fn standings(rows: &[Row], until_s: i64) -> BTreeMap<String, Standing> {
    let mut ledger = Ledger::default();
    rows.iter().filter(|row| row.graded.at_s <= until_s).for_each(|row| ledger.add(row));
    ledger.items
}

/// Standings that grow row by row.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// How each item stands.
    pub items: BTreeMap<String, Standing>,
    /// When each was last met in any way.
    met: BTreeMap<String, i64>,
}

impl Ledger {
    /// Takes the next row; none may be older than those before.
    pub fn add(&mut self, row: &Row) {
        let graded = &row.graded;
        for grade in &graded.grades {
            let standing = self.items.entry(grade.item.clone()).or_insert_with(|| Standing {
                item: grade.item.clone(),
                alone: Vec::new(),
                with_ai: Vec::new(),
                state: None,
                state_with_ai: None,
            });
            let last = if grade.with_ai { standing.with_ai.last() } else { standing.alone.last() };
            let last_s = last.map(|r| r.at_s);
            let state = if grade.with_ai { &mut standing.state_with_ai } else { &mut standing.state };
            let passed = last_s.map_or(0, |last| whole_days(last, graded.at_s));
            let forecast = state.zip(last_s).map(|(s, last)| s.recall(days(last, graded.at_s)));
            *state = Some(State::after(*state, grade.rating, passed));
            let since = self.met.get(&grade.item).map_or(f64::INFINITY, |last| days(*last, graded.at_s));
            let review = Review {
                session: row.name.clone(),
                at_s: graded.at_s,
                seed: graded.seed,
                rating: grade.rating,
                why: grade.why.clone(),
                truth_percent: graded.truth_percent,
                said: graded.said.clone(),
                percent: graded.percent,
                fooled_by: graded.fooled_by.clone(),
                confident_error: !grade.rating.passed() && graded.percent.is_some_and(|p| CONFIDENT <= p),
                forecast,
                probe: 1.0 <= since,
                target: grade.target,
                moved_days: graded.moved_days,
                rule: row.rule.clone(),
            };
            if grade.with_ai { standing.with_ai.push(review) } else { standing.alone.push(review) }
        }
        let met: BTreeSet<&String> = graded.exercised.iter().chain(graded.grades.iter().map(|g| &g.item)).collect();
        for item in met {
            self.met.insert(item.clone(), graded.at_s);
        }
    }
}
