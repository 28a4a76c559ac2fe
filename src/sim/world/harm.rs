//! Harm: users' pain over wanted intents, in user-minutes lost. Attempts never count.
//!
//! Nor do errors: a retry storm would count itself. What users wanted, and did not get in time, is the same set in
//! every counterfactual.

use serde::{Deserialize, Serialize};

use crate::sim::time::{SimDuration, SimTime};

/// Counts of intents by how they ended, and what they cost users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Harm {
    /// User-minutes lost: over wanted intents, weight times shortfall.
    pub user_minutes_lost: f64,
    /// The most that could have been lost: the sum of weights.
    pub user_minutes_at_stake: f64,
    /// Intents that were wanted.
    pub wanted: u64,
    /// Answered within the objective.
    pub good: u64,
    /// Answered, but late or haltingly.
    pub late: u64,
    /// Failed, abandoned, or not answered by the end.
    pub failed: u64,
}

/// What an answer was like, as the user met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experience {
    /// From the wish to the first token.
    pub first_token: SimDuration,
    /// Mean time from token to token after that; zero for one token.
    pub per_token: SimDuration,
}

/// What was promised for an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objective {
    /// First token within this.
    pub first_token: SimDuration,
    /// As bad as a failure from here on.
    pub hopeless: SimDuration,
    /// Mean time from token to token within this.
    pub per_token: SimDuration,
}

impl Objective {
    /// 0 within the objective, 1 from hopeless on, linear between; the worse of the two measures counts.
    /// A stream is hopeless at four times its objective per token.
    pub fn shortfall(&self, met: Experience) -> f64 {
        let first = between(met.first_token, self.first_token, self.hopeless);
        let hopeless_stream = SimDuration(self.per_token.0.saturating_mul(4));
        first.max(between(met.per_token, self.per_token, hopeless_stream))
    }
}

fn between(met: SimDuration, good: SimDuration, hopeless: SimDuration) -> f64 {
    let span = hopeless.0.saturating_sub(good.0);
    match met.0.saturating_sub(good.0) {
        0 => 0.0,
        over if span <= over => 1.0,
        over => over as f64 / span as f64,
    }
}

/// Sums harm as intents end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    harm: Harm,
    open_at: SimTime,
    horizon: SimTime,
}

impl Ledger {
    /// A ledger of the intents wanted from `open_at` on, whose objective falls due by `horizon`.
    pub fn new(open_at: SimTime, horizon: SimTime) -> Self {
        Ledger { harm: Harm::default(), open_at, horizon }
    }

    /// Whether an intent wanted at `at` counts: it is inside the window, and the window outlasts its objective.
    pub fn counts(&self, at: SimTime, objective: &Objective) -> bool {
        self.open_at <= at && at + objective.first_token <= self.horizon
    }

    /// An intent was answered.
    pub fn answered(&mut self, at: SimTime, weight: f64, objective: &Objective, met: Experience) {
        if !self.counts(at, objective) {
            return;
        }
        let shortfall = objective.shortfall(met);
        self.add(weight, shortfall);
        if shortfall == 0.0 {
            self.harm.good += 1;
        } else {
            self.harm.late += 1;
        }
    }

    /// An intent failed, was abandoned, or was never answered.
    pub fn failed(&mut self, at: SimTime, weight: f64, objective: &Objective) {
        if self.counts(at, objective) {
            self.add(weight, 1.0);
            self.harm.failed += 1;
        }
    }

    /// The sums so far.
    pub fn harm(&self) -> Harm {
        self.harm
    }

    fn add(&mut self, weight: f64, shortfall: f64) {
        self.harm.wanted += 1;
        self.harm.user_minutes_at_stake += weight;
        self.harm.user_minutes_lost += weight * shortfall;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(first_token_s: u64, per_token_ms: u64) -> Experience {
        Experience {
            first_token: SimDuration::from_secs(first_token_s),
            per_token: SimDuration::from_millis(per_token_ms),
        }
    }

    #[test]
    fn shortfall_is_zero_within_linear_between_and_one_beyond() {
        let objective = Objective {
            first_token: SimDuration::from_secs(2),
            hopeless: SimDuration::from_secs(12),
            per_token: SimDuration::from_millis(100),
        };
        for (experience, expected) in [
            (met(2, 100), 0.0),
            (met(7, 0), 0.5),
            (met(12, 0), 1.0),
            (met(600, 0), 1.0),
            (met(0, 250), 0.5),
            (met(0, 400), 1.0),
            (met(7, 130), 0.5),
        ] {
            assert_eq!(objective.shortfall(experience), expected, "{experience:?}");
        }
    }
}
