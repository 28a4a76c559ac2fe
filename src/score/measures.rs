//! The formulas of the measures, each a function of numbers alone. What they are applied to is `card`'s business.

use crate::score::bayes::logit;

/// Evidence counts in full from this probability on.
const PROVED: f64 = 0.95;
/// Taken off the evidence for each citation that told nothing.
const IRRELEVANT: f64 = 0.05;
/// No belief counts for less than this in the log score.
const LEAST_BELIEF: f64 = 0.01;

/// Brier score over hypotheses with a soft target: the sum of squared differences, 0 (perfect) to 2. Both lists are in
/// the same order.
pub fn brier(stated: &[f64], target: &[f64]) -> f64 {
    stated.iter().zip(target).map(|(a, q)| (a - q) * (a - q)).sum()
}

/// The Brier score of knowing nothing: equal beliefs.
pub fn brier_uniform(target: &[f64]) -> f64 {
    let each = 1.0 / target.len().max(1) as f64;
    target.iter().map(|q| (each - q) * (each - q)).sum()
}

/// Brier skill: 1 is perfect, 0 as good as knowing nothing, below worse than that.
pub fn brier_skill(stated: &[f64], target: &[f64]) -> f64 {
    let uniform = brier_uniform(target);
    if uniform <= 0.0 { 0.0 } else { 1.0 - brier(stated, target) / uniform }
}

/// Log score in nats, 0 at best; beliefs below one in a hundred count as that.
pub fn log_score(stated: &[f64], target: &[f64]) -> f64 {
    let term = |(a, q): (&f64, &f64)| -q * libm::log(a.max(LEAST_BELIEF));
    stated.iter().zip(target).map(term).sum()
}

/// A group of equal forecasts: what was said, how often it came true, out of how many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecasts {
    /// The probability that was stated.
    pub stated: f64,
    /// How often it came true.
    pub hits: u32,
    /// How often it was stated.
    pub of: u32,
}

/// Brier score of forecasts of something that happens or not, and its parts (Murphy 1973).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Murphy {
    /// Mean squared difference.
    pub brier: f64,
    /// What is lost by stating other than what happens.
    pub reliability: f64,
    /// What is gained by telling cases apart.
    pub resolution: f64,
    /// What the world leaves open.
    pub uncertainty: f64,
    /// Mean absolute difference of stated and observed. Shown beside, never rewarded: stating the base rate always has
    /// none.
    pub calibration_error: f64,
    /// Mean log loss in nats.
    pub log_loss: f64,
}

/// Splits the Brier score of forecasts into its parts; all zero where there are none.
pub fn murphy(groups: &[Forecasts]) -> Murphy {
    let n: f64 = groups.iter().map(|g| f64::from(g.of)).sum();
    let groups = || groups.iter().filter(|g| 0 < g.of);
    if n <= 0.0 {
        return Murphy::default();
    }
    let base = groups().map(|g| f64::from(g.hits)).sum::<f64>() / n;
    let mean = |each: &dyn Fn(f64, f64) -> f64| {
        groups().map(|g| f64::from(g.of) / n * each(g.stated, f64::from(g.hits) / f64::from(g.of))).sum::<f64>()
    };
    let ln = |p: f64| libm::log(p.max(1e-15));
    Murphy {
        brier: mean(&|p, o| o * (1.0 - p) * (1.0 - p) + (1.0 - o) * p * p),
        reliability: mean(&|p, o| (p - o) * (p - o)),
        resolution: mean(&|_, o| (o - base) * (o - base)),
        uncertainty: base * (1.0 - base),
        calibration_error: mean(&|p, o| (p - o).abs()),
        log_loss: mean(&|p, o| -o * ln(p) - (1.0 - o) * ln(1.0 - p)),
    }
}

/// Credit for the causes that were declared: the harmonic mean of recall and precision, 0 to 1.
pub fn cause_credit(recall: f64, precision: f64) -> f64 {
    let sum = recall + precision;
    if sum <= 0.0 { 0.0 } else { 2.0 * recall * precision / sum }
}

/// How good the evidence is that was cited, 0 to 1: how far it moved an ideal observer towards the truth, from what the
/// first screen shows to as good as proved, less a twentieth for each citation that told nothing.
pub fn evidence(p_cited: f64, p_first_screen: f64, irrelevant: u32) -> f64 {
    let (from, to) = (logit(p_first_screen), logit(PROVED));
    // A first screen that proves it leaves nothing to be found; then what was cited counts from even odds on.
    let lift = if to <= from { logit(p_cited) / to } else { (logit(p_cited) - from) / (to - from) };
    (lift - IRRELEVANT * f64::from(irrelevant)).clamp(0.0, 1.0)
}

/// How fast, 1 at par or before, 0 at the end of time, in between by the logarithm. Times in seconds.
pub fn time_score(took_s: f64, par_s: f64, most_s: f64) -> f64 {
    if took_s <= par_s {
        return 1.0;
    }
    if most_s <= par_s {
        return 0.0;
    }
    (1.0 - libm::log(took_s / par_s) / libm::log(most_s / par_s)).clamp(0.0, 1.0)
}

/// How much of what could be saved was saved, 0 to 1: harm of doing nothing, of the run, and of the best that is known.
/// None where nothing could be saved.
pub fn mitigation(nothing: f64, run: f64, best: f64) -> Option<f64> {
    (best < nothing).then(|| ((nothing - run) / (nothing - best)).clamp(0.0, 1.0))
}

/// Harm of actions, as a share of what could be saved: what each made worse, with all others kept.
pub fn harm_of_actions(added: &[f64], could_be_saved: f64) -> f64 {
    let sum: f64 = added.iter().map(|d| d.max(0.0)).sum();
    if could_be_saved <= 0.0 { 0.0 } else { sum / could_be_saved }
}

/// Calibration from the skill of the first commit, of a checkpoint in the middle, and of the last.
pub fn calibration(first: f64, middle: f64, last: f64) -> f64 {
    0.25 * first.max(0.0) + 0.25 * middle.max(0.0) + 0.5 * last.max(0.0)
}
