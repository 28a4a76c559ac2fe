//! Functions of the samples of one series within a range, as Prometheus 2.42 computes them.

use super::quantile::quantile;
use super::sum::{Sum, stays_infinite};

/// A function of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Avg,
    Changes,
    Count,
    Delta,
    Deriv,
    HoltWinters,
    Idelta,
    Increase,
    Irate,
    Last,
    Max,
    Min,
    PredictLinear,
    Present,
    Quantile,
    Rate,
    Resets,
    Stddev,
    Stdvar,
    Sum,
}

impl Over {
    /// Whether the result is still the same quantity, and keeps the name.
    pub(super) fn keeps_name(self) -> bool {
        self == Over::Last
    }

    /// Whether only the ends of a window are looked at, however many samples it holds.
    pub(super) fn looks_at_ends(self) -> bool {
        use Over::*;
        matches!(self, Count | Delta | Idelta | Increase | Irate | Last | Present | Rate)
    }
}

/// The samples of a series within a range, and where the range lies.
pub(super) struct Window<'w> {
    /// Milliseconds, ascending; as many as there are values, and at least one.
    pub times: &'w [i64],
    pub values: &'w [f64],
    /// Whether a value is lower than the one before it.
    pub falls: bool,
    pub from_ms: i64,
    pub to_ms: i64,
    /// The moment of evaluation, which `offset` and `@` do not move.
    pub now_ms: i64,
}

impl Window<'_> {
    /// The value of a function; none where Prometheus gives none. `params` are its other arguments.
    pub(super) fn value(&self, over: Over, params: [f64; 2]) -> Option<f64> {
        let values = self.values;
        let (first, last) = (*values.first()?, *values.last()?);
        Some(match over {
            Over::Avg => average(values),
            Over::Changes => self.pairs(|before, after| after != before && !(after.is_nan() && before.is_nan())),
            Over::Count => values.len() as f64,
            Over::Delta => self.change(false)?,
            Over::Deriv => self.trend(*self.times.first()?)?.0,
            Over::HoltWinters => smoothed(values, params)?,
            Over::Idelta => self.last_change(false)?,
            Over::Increase => self.change(true)?,
            Over::Irate => self.last_change(true)?,
            Over::Last => last,
            Over::Max => values.iter().fold(first, |most, v| if most < *v || most.is_nan() { *v } else { most }),
            Over::Min => values.iter().fold(first, |least, v| if *v < least || least.is_nan() { *v } else { least }),
            Over::PredictLinear => {
                let (slope, intercept) = self.trend(self.now_ms)?;
                slope * params[0] + intercept
            }
            Over::Present => 1.0,
            Over::Quantile => quantile(params[0], &mut values.to_vec()),
            Over::Rate => {
                let (change, factor) = self.extrapolated(true)?;
                change * (factor / (self.to_ms.saturating_sub(self.from_ms) as f64 / 1000.0))
            }
            Over::Resets => self.pairs(|before, after| after < before),
            Over::Stddev => variance(values).sqrt(),
            Over::Stdvar => variance(values),
            Over::Sum => {
                let mut sum = Sum::default();
                values.iter().for_each(|v| sum.add(*v));
                sum.value_or_infinity()
            }
        })
    }

    fn pairs(&self, counts: impl Fn(f64, f64) -> bool) -> f64 {
        self.values.windows(2).filter(|pair| counts(pair[0], pair[1])).count() as f64
    }

    fn change(&self, counter: bool) -> Option<f64> {
        self.extrapolated(counter).map(|(change, factor)| change * factor)
    }

    /// The change over the samples, and the factor by which it is extended to the ends of the range: fully if the
    /// samples reach within 1.1 mean intervals of an end, else by half an interval; a counter is never extended below
    /// zero. (Prometheus, `extrapolatedRate`.)
    fn extrapolated(&self, counter: bool) -> Option<(f64, f64)> {
        let (&[first, .., last], &[first_ms, .., last_ms]) = (self.values, self.times) else { return None };
        let mut change = last - first;
        if counter && self.falls {
            let falls = self.values.windows(2).filter(|pair| pair[1] < pair[0]);
            falls.for_each(|pair| change += pair[0]);
        }
        let seconds = |ms: i64| ms as f64 / 1000.0;
        let mut to_start = seconds(first_ms.saturating_sub(self.from_ms));
        let to_end = seconds(self.to_ms.saturating_sub(last_ms));
        let sampled = seconds(last_ms - first_ms);
        let interval = sampled / (self.values.len() - 1) as f64;
        if counter && 0.0 < change && 0.0 <= first {
            let to_zero = sampled * (first / change);
            if to_zero < to_start {
                to_start = to_zero;
            }
        }
        let near = interval * 1.1;
        let extended = [to_start, to_end]
            .into_iter()
            .fold(sampled, |sum, gap| sum + if gap < near { gap } else { interval / 2.0 });
        Some((change, extended / sampled))
    }

    fn last_change(&self, rate: bool) -> Option<f64> {
        let (&[.., before, last], &[.., before_ms, last_ms]) = (self.values, self.times) else { return None };
        let change = if rate && last < before { last } else { last - before };
        Some(if rate { change / ((last_ms - before_ms) as f64 / 1000.0) } else { change })
    }

    /// Slope and value at a moment of the line that fits best, by least squares.
    fn trend(&self, at_ms: i64) -> Option<(f64, f64)> {
        let first = *self.values.first().filter(|_| 1 < self.values.len())?;
        if self.values.iter().all(|v| *v == first) {
            return Some(if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) });
        }
        let [mut x, mut y, mut xy, mut xx] = [Sum::default(); 4];
        for (t, v) in self.times.iter().zip(self.values) {
            let seconds = t.saturating_sub(at_ms) as f64 / 1000.0;
            x.add(seconds);
            y.add(*v);
            xy.add(seconds * v);
            xx.add(seconds * seconds);
        }
        let n = self.values.len() as f64;
        let [x, y, xy, xx] = [x, y, xy, xx].map(Sum::value);
        let slope = (xy - x * y / n) / (xx - x * x / n);
        Some((slope, y / n - slope * x / n))
    }
}

fn average(values: &[f64]) -> f64 {
    let mut mean = Sum::default();
    for (place, value) in values.iter().enumerate() {
        let count = (place + 1) as f64;
        if !stays_infinite(mean.rough(), *value) {
            mean.add(value / count - mean.rough() / count);
        }
    }
    mean.value_or_infinity()
}

/// Welford's algorithm, with compensated sums.
fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (Sum::default(), Sum::default());
    for (place, value) in values.iter().enumerate() {
        let delta = value - mean.value();
        mean.add(delta / (place + 1) as f64);
        squares.add(delta * (value - mean.value()));
    }
    squares.value() / values.len() as f64
}

/// Double exponential smoothing by a smoothing factor and a trend factor.
fn smoothed(values: &[f64], [smoothing, trend]: [f64; 2]) -> Option<f64> {
    let [first, second, ..] = *values else { return None };
    let (mut before, mut now, mut slope) = (0.0, first, second - first);
    for (place, value) in values.iter().enumerate().skip(1) {
        if 1 < place {
            slope = trend * (now - before) + (1.0 - trend) * slope;
        }
        let next = smoothing * value + (1.0 - smoothing) * (now + slope);
        (before, now) = (now, next);
    }
    Some(now)
}
