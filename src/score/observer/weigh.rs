//! The weight of evidence: how near what was seen is to what each hypothesis showed, over everything seen at once.
//!
//! Nearness is joint: one distance over all cells, so that panels that say the same count as one voice. How sharply it
//! counts, and how much is left to what the registry does not know, is fitted for each set of cells by leaving one run
//! out at a time, under the proper log score. A set that tells nothing gives back the beliefs from before.

use rayon::prelude::*;

use crate::score::bayes::entropy_bits;
use crate::score::observer::table::{LEAST_SD, Table, scaled, spread};

/// Widths that are tried, from sharp to blunt.
const WIDTHS: [f64; 10] = [0.12, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.2, 3.5, 6.0];
/// Shares that are left to the beliefs from before, if the number of runs does not ask for more.
const DOUBTS: [f64; 6] = [0.0, 0.06, 0.12, 0.25, 0.5, 1.0];
/// Cells in which no two of the hypotheses in question are apart by this share of what a table asks for are noise to it.
const LEAST_APART: f64 = 0.9;
/// No cell counts for more than one so many deviations apart.
const MOST_APART: f64 = 8.0;
/// A run that is by so much less likely than the nearest, as a logarithm, adds nothing that a belief could show.
const NEGLIGIBLE: f64 = 40.0;
/// No cell is further away than so many deviations.
const FURTHEST: f64 = 6.0;

/// Evidence of a kind, ready to be weighed.
pub struct Scale<'a> {
    table: &'a Table,
    prior: Vec<f64>,
    cells: Vec<Weighed>,
    /// Runs as points in the space in which distances are Euclidean: a row of `cells` each.
    points: Vec<f64>,
    width: f64,
    doubt: f64,
    left_out: Vec<Vec<f64>>,
}

/// A cell of the table with its part in the distance.
struct Weighed {
    cell: usize,
    /// What a scaled value is multiplied by.
    by: f64,
    /// It adds no more than this to the square of a distance.
    most: f64,
}

impl<'a> Scale<'a> {
    /// Fits one for a set of cells; hypotheses without any prior belief are left out of it.
    pub fn new(table: &'a Table, cells: impl IntoIterator<Item = usize>, prior: &[f64]) -> Scale<'a> {
        let sum: f64 = prior.iter().sum();
        let prior: Vec<f64> = prior.iter().map(|p| if 0.0 < sum { p / sum } else { 0.0 }).collect();
        // Cell, its weight, one over its deviation.
        let mut kept: Vec<(usize, f64, f64)> = Vec::new();
        for cell in cells {
            let mut sums = vec![[0.0f64; 3]; prior.len()];
            for (run, (h, _)) in table.runs.iter().enumerate() {
                let v = f64::from(scaled(table.run(run)[cell]));
                let sum = &mut sums[usize::from(*h)];
                *sum = [sum[0] + 1.0, sum[1] + v, sum[2] + v * v];
            }
            for (sum, p) in sums.iter_mut().zip(&prior) {
                if *p <= 0.0 {
                    *sum = [0.0; 3];
                }
            }
            let apart = spread(&sums);
            if LEAST_APART * table.needed() <= apart {
                let count: f64 = sums.iter().map(|s| s[0]).sum();
                let within: f64 =
                    sums.iter().filter(|s| 0.0 < s[0]).map(|s| (s[2] - s[1] * s[1] / s[0]).max(0.0)).sum();
                let sd = libm::sqrt(within / (count - 1.0).max(1.0)).max(LEAST_SD);
                kept.push((cell, apart.min(MOST_APART).powi(2), 1.0 / sd));
            }
        }
        let all: f64 = kept.iter().map(|(_, w, _)| w).sum();
        let weighed = |(cell, weight, per_sd): (usize, f64, f64)| {
            let share = weight / all;
            Weighed { cell, by: per_sd * libm::sqrt(share), most: FURTHEST * FURTHEST * share }
        };
        let cells: Vec<Weighed> = kept.into_iter().map(weighed).collect();
        let runs = table.runs.len();
        let mut scale = Scale { table, prior, cells, points: Vec::new(), width: 1.0, doubt: 1.0, left_out: Vec::new() };
        if scale.cells.is_empty() {
            scale.left_out = vec![scale.prior.clone(); runs];
            return scale;
        }
        scale.points = (0..runs).flat_map(|run| scale.point(table.run(run))).collect();
        scale.fit();
        scale
    }

    fn point(&self, levels: &[u8]) -> Vec<f64> {
        self.cells.iter().map(|c| f64::from(scaled(levels[c.cell])) * c.by).collect()
    }

    fn point_of(&self, run: usize) -> &[f64] {
        let width = self.cells.len();
        &self.points[run * width..(run + 1) * width]
    }

    /// The square of the distance of two points.
    fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        let square = |((a, b), cell): ((&f64, &f64), &Weighed)| ((a - b) * (a - b)).min(cell.most);
        a.iter().zip(b).zip(&self.cells).map(square).sum()
    }

    /// Beliefs from distances to all runs, leaving out one.
    fn near(&self, squares: &[f64], without: Option<usize>, width: f64, doubt: f64) -> Vec<f64> {
        let mut logs = vec![f64::NEG_INFINITY; self.prior.len()];
        let counts = |run: usize, h: u8| Some(run) != without && 0.0 < self.prior[usize::from(h)];
        let others = squares.iter().zip(&self.table.runs).enumerate().filter(|(run, (_, (h, _)))| counts(*run, *h));
        let least = others.map(|(_, (square, _))| *square).fold(f64::INFINITY, f64::min);
        let mut sums = vec![(0.0, 0.0); self.prior.len()];
        for (run, (h, _)) in self.table.runs.iter().enumerate() {
            if !counts(run, *h) {
                continue;
            }
            let h = usize::from(*h);
            let exponent = (squares[run] - least) / (2.0 * width * width);
            if exponent < NEGLIGIBLE {
                sums[h].0 += libm::exp(-exponent);
            }
            sums[h].1 += 1.0;
        }
        for (h, (sum, count)) in sums.iter().enumerate() {
            if 0.0 < *count && 0.0 < self.prior[h] {
                logs[h] = libm::log((sum / count).max(1e-300)) + libm::log(self.prior[h]);
            }
        }
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let raw: Vec<f64> = logs.iter().map(|l| libm::exp(l - top)).collect();
        let all: f64 = raw.iter().sum();
        raw.iter().zip(&self.prior).map(|(r, p)| (1.0 - doubt) * r / all + doubt * p).collect()
    }

    fn fit(&mut self) {
        let runs = self.table.runs.len();
        let to_later = |a: usize| (a..runs).map(|b| self.distance(self.point_of(a), self.point_of(b))).collect();
        let half: Vec<Vec<f64>> = (0..runs).into_par_iter().map(to_later).collect();
        let between = |a: usize, b: usize| half[a.min(b)][a.max(b) - a.min(b)];
        let squares: Vec<Vec<f64>> = (0..runs).map(|a| (0..runs).map(|b| between(a, b)).collect()).collect();
        let mut counts = vec![0.0; self.prior.len()];
        self.table.runs.iter().for_each(|(h, _)| counts[usize::from(*h)] += 1.0);
        // Where none of n runs that were left out was misjudged, the next one may be, once in n + 2 (Laplace).
        let there: f64 = counts.iter().zip(&self.prior).filter(|(_, p)| 0.0 < **p).map(|(n, _)| n).sum();
        let least_doubt = 1.0 / (there + 2.0);
        let weight = |h: usize| if counts[h] <= 0.0 { 0.0 } else { self.prior[h] / counts[h] };
        let mut best = (f64::NEG_INFINITY, 1.0, 1.0);
        for width in WIDTHS {
            let sharp: Vec<Vec<f64>> = (0..runs).map(|run| self.near(&squares[run], Some(run), width, 0.0)).collect();
            for doubt in DOUBTS {
                let doubt = f64::max(doubt, least_doubt);
                let score: f64 = (self.table.runs.iter().enumerate())
                    .map(|(run, (h, _))| {
                        let h = usize::from(*h);
                        let p = (1.0 - doubt) * sharp[run][h] + doubt * self.prior[h];
                        weight(h) * libm::log(p.max(1e-12))
                    })
                    .sum();
                // Of equals the blunter one.
                if best.0 - 1e-9 <= score {
                    best = (score, width, doubt);
                }
            }
        }
        (self.width, self.doubt) = (best.1, best.2);
        self.left_out = (0..runs).map(|run| self.near(&squares[run], Some(run), self.width, self.doubt)).collect();
    }

    /// Beliefs after what was seen: one byte a cell of the table.
    pub fn posterior(&self, levels: &[u8]) -> Vec<f64> {
        if self.cells.is_empty() {
            return self.prior.clone();
        }
        let point = self.point(levels);
        let squares: Vec<f64> =
            (0..self.table.runs.len()).map(|run| self.distance(&point, self.point_of(run))).collect();
        self.near(&squares, None, self.width, self.doubt)
    }

    /// For each run the beliefs that its own evidence leaves, itself left out.
    pub fn left_out(&self) -> &[Vec<f64>] {
        &self.left_out
    }

    /// Whether no cell of it tells any two hypotheses apart.
    pub fn is_neutral(&self) -> bool {
        self.cells.is_empty() || 1.0 <= self.doubt
    }

    /// What evidence of this kind can be expected to tell, in bits: by how much it shortens the description of the truth,
    /// never below zero.
    pub fn information(&self) -> f64 {
        let mut counts = vec![0.0; self.prior.len()];
        self.table.runs.iter().for_each(|(h, _)| counts[usize::from(*h)] += 1.0);
        let gain = |(run, (h, _)): (usize, &(u8, u16))| {
            let h = usize::from(*h);
            if self.prior[h] <= 0.0 {
                return 0.0;
            }
            self.prior[h] / counts[h] * libm::log2(self.left_out[run][h].max(1e-12) / self.prior[h])
        };
        self.table.runs.iter().enumerate().map(gain).sum::<f64>().max(0.0)
    }

    /// What is expected to be left unknown, in bits, if runs are as probable as `chances` (one a run, 1 in all).
    pub fn left_unknown(&self, chances: &[f64]) -> f64 {
        self.left_out.iter().zip(chances).map(|(beliefs, chance)| chance * entropy_bits(beliefs)).sum()
    }
}
