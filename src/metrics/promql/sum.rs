//! Sums that lose little to rounding.

/// A sum with the part that rounding took off it (Neumaier's variant of Kahan's summation).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub(super) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        self.lost +=
            if value.abs() <= self.sum.abs() { (self.sum - total) + value } else { (value - total) + self.sum };
        self.sum = total;
    }

    /// What was summed, before what was lost is given back.
    pub(super) fn rough(self) -> f64 {
        self.sum
    }

    pub(super) fn value(self) -> f64 {
        self.sum + self.lost
    }

    /// The value, or an infinity as it is: what is lost beside one is no number.
    pub(super) fn value_or_infinity(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.value() }
    }
}

/// The next mean of `count` values, an infinity staying what it is until another contradicts it.
pub(super) fn stays_infinite(mean: f64, value: f64) -> bool {
    mean.is_infinite() && (value.is_finite() || (value.is_infinite() && (0.0 < mean) == (0.0 < value)))
}
