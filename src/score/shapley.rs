//! Who caused how much: exact Shapley values from the harm with every subset of the causes, and what follows from whether
//! users were hurt at all: necessity, sufficiency, actual causes, roles.
//!
//! A subset is a number whose bit `i` says whether cause `i` is there.

use serde::Serialize;

pub use crate::scenario::names::MOST_CAUSES;
use crate::score::rate::Rate;

/// Below this share of the harm a cause does not count as one.
pub const NEGLIGIBLE: f64 = 0.05;
/// A root's absence has to save the users so often.
pub const ROOT_NECESSITY: f64 = 0.8;
/// Shares that differ by less than this are a tie.
pub const TIE: f64 = 0.05;

/// Why there is no game.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GameError {
    /// The number of values is not that of the subsets of up to four causes.
    #[error("{0} values are not one for each subset of up to {MOST_CAUSES} causes: 1, 2, 4, 8 or 16")]
    Size(usize),
    /// A value is none.
    #[error("the harm of subset {0} is not a number")]
    Value(usize),
}

/// Harm by subset of causes.
#[derive(Clone, Debug, PartialEq)]
pub struct Game {
    causes: usize,
    harm: Vec<f64>,
}

impl Game {
    /// A game from the harm of each subset, in order of their numbers.
    ///
    /// # Errors
    /// There is not one number for each subset of up to four causes.
    pub fn new(harm: Vec<f64>) -> Result<Game, GameError> {
        let causes = harm.len().trailing_zeros() as usize;
        if !harm.len().is_power_of_two() || MOST_CAUSES < causes {
            return Err(GameError::Size(harm.len()));
        }
        match harm.iter().position(|v| !v.is_finite()) {
            Some(subset) => Err(GameError::Value(subset)),
            None => Ok(Game { causes, harm }),
        }
    }

    /// Number of causes.
    pub fn causes(&self) -> usize {
        self.causes
    }

    /// Harm with a subset of the causes.
    pub fn harm(&self, subset: usize) -> f64 {
        self.harm[subset]
    }

    /// The Shapley value of each cause (Shapley 1953): the mean of what it adds, over all orders in which the causes can
    /// be put in. In the unit of harm; they sum to the harm with all, less the harm with none.
    pub fn values(&self) -> Vec<f64> {
        let m = self.causes;
        let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
        let value = |cause: usize| {
            (0..self.harm.len())
                .filter(|s| s >> cause & 1 == 0)
                .map(|s| {
                    let before = s.count_ones() as usize;
                    let weight = factorial(before) * factorial(m - before - 1) / factorial(m);
                    weight * (self.harm[s | 1 << cause] - self.harm[s])
                })
                .sum()
        };
        (0..m).map(value).collect()
    }

    /// Each cause's share of the blame: its value over the sum of values, negative ones counted as zero. All zero where
    /// nobody adds anything.
    pub fn shares(&self) -> Vec<f64> {
        shares(&self.values())
    }
}

/// Shares of values, negative ones counted as zero; all zero where none is positive.
pub fn shares(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().map(|v| v.max(0.0)).sum();
    values.iter().map(|v| if 0.0 < sum { v.max(0.0) / sum } else { 0.0 }).collect()
}

/// Whether users were hurt, by seed and subset of causes. Both outcomes of each seed are observed, so that the rates
/// are counted and not bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// One list for each seed, by subset.
    pub by_seed: Vec<Vec<bool>>,
}

impl Outcomes {
    fn rate(&self, of: impl Fn(&[bool]) -> bool, hit: impl Fn(&[bool]) -> bool) -> Rate {
        Rate::count(self.by_seed.iter().filter(|y| of(y)).map(|y| hit(y)))
    }

    /// Of the seeds in which all causes hurt, those in which all but this one do not.
    pub fn necessity(&self, cause: usize) -> Rate {
        let all = |y: &[bool]| y.len() - 1;
        self.rate(|y| y[all(y)], |y| !y[all(y) & !(1 << cause)])
    }

    /// Of the seeds in which nothing hurts without causes, those in which this one alone does.
    pub fn sufficiency(&self, cause: usize) -> Rate {
        self.rate(|y| !y[0], |y| y[1 << cause])
    }

    /// Of all seeds, those in which this cause alone hurts and nothing does without causes.
    pub fn both(&self, cause: usize) -> Rate {
        self.rate(|_| true, |y| y[1 << cause] && !y[0])
    }
}

/// The actual causes of an outcome, given whether users were hurt by subset: the smallest sets of causes without which
/// they would not have been (but-for, and minimal). Empty where all of them together do not hurt, or none of them is
/// to blame because users are hurt without any. Only the scenario's causes are varied; nothing between them and the
/// users is frozen.
pub fn actual_causes(hurt: &[bool]) -> Vec<usize> {
    let all = hurt.len().saturating_sub(1);
    if !hurt.get(all).copied().unwrap_or(false) {
        return Vec::new();
    }
    let saves = |set: &usize| !hurt[all & !set];
    let saving: Vec<usize> = (1..hurt.len()).filter(saves).collect();
    let minimal = |set: &usize| !saving.iter().any(|part| part != set && part & set == *part);
    saving.iter().copied().filter(minimal).collect()
}

/// A cause's part in an outcome: one over the size of the smallest actual cause that it belongs to, zero if to none
/// (after Chockler and Halpern 2004).
pub fn responsibility(actual: &[usize], cause: usize) -> f64 {
    let sizes = actual.iter().filter(|s| **s >> cause & 1 == 1).map(|s| s.count_ones());
    sizes.min().map_or(0.0, |size| 1.0 / f64::from(size))
}

/// What part a cause truly played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrueRole {
    /// Nothing weighs more, and without it users are spared.
    Root,
    /// It adds to the harm and is not the root.
    Contributing,
    /// It follows from the causes and is none.
    Symptom,
    /// It was there, and mattered nothing.
    Latent,
}

impl TrueRole {
    /// The role in a word.
    pub fn word(self) -> &'static str {
        match self {
            TrueRole::Root => "root",
            TrueRole::Contributing => "contributing",
            TrueRole::Symptom => "symptom",
            TrueRole::Latent => "latent",
        }
    }
}

/// Roles of causes from their shares, necessities, and whether the scenario claims each to be a root. Where shares are
/// equal the claim decides, since values cannot: two conditions that only hurt together weigh the same.
///
/// A cause that hurts by itself and is neither the weightiest nor necessary (two that each suffice) has no word of its
/// own in the definition, and is called contributing.
pub fn roles(shares: &[f64], necessity: &[Rate], claimed: &[bool]) -> Vec<TrueRole> {
    let most = shares.iter().copied().fold(0.0, f64::max);
    let top = |i: usize| NEGLIGIBLE <= shares[i] && most - shares[i] < TIE;
    let any_claim = (0..shares.len()).any(|i| top(i) && claimed[i]);
    let role = |i: usize| {
        let necessary = necessity[i].value().is_some_and(|pn| ROOT_NECESSITY <= pn);
        match () {
            () if shares[i] < NEGLIGIBLE => TrueRole::Latent,
            () if top(i) && necessary && (claimed[i] || !any_claim) => TrueRole::Root,
            () => TrueRole::Contributing,
        }
    };
    (0..shares.len()).map(role).collect()
}
