//! How the values of a metric are to be read.

use serde::Serialize;

/// How a metric's values are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The state at the moment of the scrape.
    Gauge,
    /// Never falls while its process lives, and begins at zero with each.
    Counter,
    /// Observations by bucket: series `_bucket` with the label `le`, `_sum` and `_count`.
    Histogram,
}
