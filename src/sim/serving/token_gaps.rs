//! Times between the tokens of answers, as an engine observes them: of every token but the first.
//!
//! They come from the closed form: each step of a burst counts for every sequence in it.

use serde::{Deserialize, Serialize};

use crate::metrics::histogram::Histogram;
use crate::sim::serving::step_time::{FS_PER_NS, Load, StepCost};
use crate::sim::time::SimDuration;

/// Edges of times between tokens, in seconds, as vLLM v1 has them.
pub const TOKEN_GAP_S: [f64; 19] =
    [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0];

/// What one engine's process observed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenGaps(Histogram);

impl Default for TokenGaps {
    fn default() -> Self {
        TokenGaps(Histogram::new(TOKEN_GAP_S))
    }
}

impl TokenGaps {
    /// A token came so long after the one before it.
    pub fn observe(&mut self, gap: SimDuration) {
        self.0.observe(gap.as_secs_f64());
    }

    /// So many tokens came so long after the ones before them.
    pub fn observe_alike(&mut self, gap: SimDuration, tokens: u64) {
        self.0.observe_evenly(gap.as_secs_f64(), 0.0, 1, tokens);
    }

    /// The steps of a burst after its first: each gave every sequence a token, one step after the token before.
    pub fn observe_burst(&mut self, cost: &StepCost, load: Load, steps: u64) {
        if 1 < steps && 0 < load.decoding {
            let seconds = |fs: u128| fs as f64 / (FS_PER_NS as f64 * 1e9);
            let (first, second) = (cost.burst(load, 1), cost.burst(load, 2) - cost.burst(load, 1));
            self.0.observe_evenly(seconds(second), seconds(second - first), steps - 1, load.decoding);
        }
    }

    /// All of it.
    pub fn histogram(&self) -> &Histogram {
        &self.0
    }
}
