//! What a model may use: tokens, money, simulated time, turns.

use serde::{Deserialize, Serialize};

/// What may be used; what is none is not limited.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// Tokens in and out, in all.
    pub tokens: Option<u64>,
    /// Dollars.
    pub dollars: Option<f64>,
    /// Dollars for a million tokens in.
    pub dollars_in: f64,
    /// Dollars for a million tokens out.
    pub dollars_out: f64,
    /// Seconds of the incident.
    pub simulated_s: Option<f64>,
    /// Replies of the model.
    pub turns: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { tokens: None, dollars: None, dollars_in: 0.0, dollars_out: 0.0, simulated_s: None, turns: 120 }
    }
}

/// What was used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Tokens in.
    pub tokens_in: u64,
    /// Tokens out.
    pub tokens_out: u64,
    /// Dollars, by the prices of the budget.
    pub dollars: f64,
    /// Seconds of the incident.
    pub simulated_s: f64,
    /// Replies.
    pub turns: u32,
}

/// When this share of a budget is used, the model is told.
const NEARLY: f64 = 0.8;

impl Spent {
    /// A reply more.
    pub fn add(&mut self, budget: &Budget, tokens_in: u64, tokens_out: u64) {
        self.turns += 1;
        self.tokens_in += tokens_in;
        self.tokens_out += tokens_out;
        let dollars = tokens_in as f64 * budget.dollars_in + tokens_out as f64 * budget.dollars_out;
        self.dollars += dollars / 1e6;
    }

    /// The largest share of a limit that is used, and which.
    pub fn share(&self, budget: &Budget) -> (f64, &'static str) {
        let of = |used: f64, limit: Option<f64>| match limit {
            None => 0.0,
            Some(limit) if limit <= 0.0 => 1.0,
            Some(limit) => used / limit,
        };
        let tokens = (self.tokens_in + self.tokens_out) as f64;
        [
            (of(f64::from(self.turns), Some(f64::from(budget.turns))), "turns"),
            (of(tokens, budget.tokens.map(|limit| limit as f64)), "tokens"),
            (of(self.dollars, budget.dollars), "dollars"),
            (of(self.simulated_s, budget.simulated_s), "simulated time"),
        ]
        .into_iter()
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap_or((0.0, "turns"))
    }

    /// Which limit is reached, if one is.
    pub fn over(&self, budget: &Budget) -> Option<&'static str> {
        let (share, which) = self.share(budget);
        (1.0 <= share).then_some(which)
    }

    /// What the model is told when little is left.
    pub fn warning(&self, budget: &Budget) -> Option<String> {
        let (share, which) = self.share(budget);
        (NEARLY <= share).then(|| {
            format!(
                "{:.0} % of your {which} is used: submit your diagnosis with its evidence and end the incident soon",
                (share * 100.0).min(100.0)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_limit_counts() {
        let budget =
            Budget { tokens: Some(1000), dollars: Some(1.0), dollars_in: 3.0, dollars_out: 15.0, ..Budget::default() };
        let mut spent = Spent::default();
        spent.add(&budget, 700, 90);
        assert_eq!((spent.share(&budget), spent.warning(&budget), spent.over(&budget)), ((0.79, "tokens"), None, None));
        assert!((spent.dollars - (700.0 * 3.0 + 90.0 * 15.0) / 1e6).abs() < 1e-12);
        spent.add(&budget, 200, 10);
        assert_eq!(spent.over(&budget), Some("tokens"));
        assert!(spent.warning(&budget).is_some_and(|says| says.starts_with("100 % of your tokens is used")));
        let free = Spent { turns: 120, ..Spent::default() };
        assert_eq!(free.over(&Budget::default()), Some("turns"));
        let none = Budget { tokens: Some(0), ..Budget::default() };
        assert_eq!(Spent::default().over(&none), Some("tokens"));
    }
}
