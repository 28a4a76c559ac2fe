//! How often something came true, and how far that can be trusted.

use serde::{Deserialize, Serialize};

/// The 97.5 % point of the normal distribution: intervals are of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// So many times out of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Times that it came true.
    pub hits: u32,
    /// Times that it could have.
    pub of: u32,
}

impl Rate {
    /// Counts.
    pub fn count(outcomes: impl IntoIterator<Item = bool>) -> Rate {
        outcomes
            .into_iter()
            .fold(Rate::default(), |rate, hit| Rate { hits: rate.hits + u32::from(hit), of: rate.of + 1 })
    }

    /// The share of times, from 0 to 1; none where it never could have.
    pub fn value(self) -> Option<f64> {
        (0 < self.of).then(|| f64::from(self.hits) / f64::from(self.of))
    }

    /// Wilson's interval of 95 % around the share (Wilson 1927); from 0 to 1 where nothing was tried.
    pub fn wilson(self) -> (f64, f64) {
        let Some(share) = self.value() else { return (0.0, 1.0) };
        wilson(share, f64::from(self.of))
    }
}

/// The same around a share of so many that are independent of each other.
pub fn wilson(share: f64, n: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * libm::sqrt(share * (1.0 - share) / n + Z * Z / (4.0 * n * n));
    let whole = 1.0 + Z * Z / n;
    // At both ends the interval ends there, whatever rounding leaves.
    let low = if share <= 0.0 { 0.0 } else { ((middle - half) / whole).max(0.0) };
    let high = if 1.0 <= share { 1.0 } else { ((middle + half) / whole).min(1.0) };
    (low, high)
}
