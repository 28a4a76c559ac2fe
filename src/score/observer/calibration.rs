//! Stated beside what happens: probabilities of the observer on seeds that it has never seen.

use serde::Serialize;

use crate::scenario::opened::Scenario;
use crate::score::measures::{Forecasts, Murphy, brier, murphy};
use crate::score::observer::Observer;
use crate::score::observer::build::{HELD_OUT, Kept, Progress, Run, run};
use crate::score::observer::mind::{Cells, Mind};
use crate::telemetry::watch::WatchError;

/// Moments at which beliefs are asked for, in seconds after the page.
const ASKED_S: [f64; 3] = [60.0, 180.0, 480.0];
/// Evidence reaches back so many seconds before the page.
const BEFORE_S: f64 = 300.0;
/// Bins of the reliability table.
const BINS: usize = 10;

/// A bin of the reliability table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Mean of what was stated.
    pub stated: f64,
    /// How often it was so.
    pub happened: f64,
    /// Statements in it, weighted by base rates.
    pub weight: f64,
    /// Statements in it.
    pub count: u32,
}

/// How stated probabilities stand to what happens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Seeds a hypothesis.
    pub seeds: usize,
    /// Sets of evidence that were weighed, over all runs and moments.
    pub weighed: usize,
    /// Brier score over hypotheses, 0 to 2, weighted by base rates.
    pub brier: f64,
    /// The same of stating the base rates.
    pub brier_of_prior: f64,
    /// Split of the statements taken one by one.
    #[serde(skip)]
    pub murphy: Murphy,
    /// Mean absolute difference of stated and happened, over bins.
    pub error: f64,
    /// The reliability table.
    pub bins: Vec<Bin>,
    /// Share of runs in which everything that is to be seen by eight minutes after the page makes the truth
    /// 95 % sure.
    pub settled: f64,
}

/// Asks the observer on seeds that it has never seen: on the first screen, on every single piece of evidence and on all
/// of them, at a few moments. `kept` holds runs of these seeds that were read before.
///
/// # Errors
/// A world cannot be built.
pub fn calibrate(
    observer: &Observer,
    scenario: &Scenario,
    seeds: usize,
    kept: &dyn Kept,
    progress: Progress<'_>,
) -> Result<Calibration, WatchError> {
    let wanted: Vec<Run> = (0..observer.hypotheses.len())
        .flat_map(|hypothesis| (0..seeds).map(move |place| Run { hypothesis, place }))
        .collect();
    let samples = run(scenario, &observer.hypotheses, &wanted, HELD_OUT, kept, progress)?;
    // (stated, happened, weight)
    let mut said: Vec<(f64, bool, f64)> = Vec::new();
    let (mut score, mut of_prior, mut weights, mut weighed) = (0.0, 0.0, 0.0, 0);
    let mut settled = 0.0;
    for sample in &samples {
        let mind = Mind::new(observer, &sample.reading);
        let first = mind.first_screen();
        let mut sets: Vec<Cells> = vec![first.clone()];
        for asked_s in ASKED_S {
            let pieces = mind.pieces(-BEFORE_S, asked_s);
            let all: Cells = pieces.iter().flat_map(|p| p.cells.iter().copied()).chain(first.iter().copied()).collect();
            sets.extend(pieces.iter().map(|p| p.cells.union(&first).copied().collect::<Cells>()));
            sets.push(all);
        }
        let weight = observer.prior[sample.hypothesis] / seeds as f64;
        let target: Vec<f64> = (0..observer.prior.len()).map(|h| f64::from(u8::from(h == sample.hypothesis))).collect();
        let number = sets.len() as f64;
        for (place, set) in sets.iter().enumerate() {
            let beliefs = mind.given(set);
            if place + 1 == sets.len() && 0.95 <= beliefs[sample.hypothesis] {
                settled += weight;
            }
            score += weight / number * brier(&beliefs, &target);
            of_prior += weight / number * brier(&observer.prior, &target);
            weights += weight / number;
            weighed += 1;
            said.extend(beliefs.iter().zip(&target).map(|(p, t)| (*p, 0.5 < *t, weight / number)));
        }
    }
    let bin = |p: f64| ((p * BINS as f64) as usize).min(BINS - 1);
    let bins: Vec<Bin> = (0..BINS)
        .map(|b| {
            let here: Vec<&(f64, bool, f64)> = said.iter().filter(|(p, ..)| bin(*p) == b).collect();
            let weight: f64 = here.iter().map(|s| s.2).sum();
            let mean = |of: &dyn Fn(&(f64, bool, f64)) -> f64| {
                if weight <= 0.0 { 0.0 } else { here.iter().map(|s| s.2 * of(s)).sum::<f64>() / weight }
            };
            Bin {
                stated: mean(&|s| s.0),
                happened: mean(&|s| f64::from(u8::from(s.1))),
                weight,
                count: here.len() as u32,
            }
        })
        .collect();
    let total: f64 = bins.iter().map(|b| b.weight).sum();
    let error = bins.iter().map(|b| b.weight * (b.stated - b.happened).abs()).sum::<f64>() / total.max(1e-12);
    // Murphy's parts count whole statements: weights in millionths.
    let whole = |x: f64| (x * 1e6).round() as u32;
    let groups: Vec<Forecasts> = (bins.iter())
        .map(|b| Forecasts { stated: b.stated, hits: whole(b.weight * b.happened), of: whole(b.weight) })
        .collect();
    Ok(Calibration {
        seeds,
        weighed,
        brier: score / weights.max(1e-12),
        brier_of_prior: of_prior / weights.max(1e-12),
        murphy: murphy(&groups),
        error,
        bins,
        settled,
    })
}
