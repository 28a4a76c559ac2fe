//! Limits on how often: token buckets for customers, budgets for retries.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::time::{SimDuration, SimTime};

/// A bucket that refills continuously and is drawn from at admission.
///
/// With a rate of r tokens in P nanoseconds it counts in units of 1/P token, of which each nanosecond brings exactly
/// r: no rounding, so that asking at any moments in between changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenBucket {
    tokens: u64,
    period: u64,
    depth: u64,
    level: u128,
    seen: SimTime,
}

impl TokenBucket {
    /// A full bucket of `depth` tokens that gains `tokens` in each `per` (of zero: a nanosecond).
    pub fn new(now: SimTime, tokens: u64, per: SimDuration, depth: u64) -> Self {
        let period = per.0.max(1);
        TokenBucket { tokens, period, depth, level: depth as u128 * period as u128, seen: now }
    }

    /// Takes `n` tokens, or tells how long until there would be so many: the `Retry-After`. More than the depth is
    /// never there: [`SimDuration::FOREVER`].
    pub fn take(&mut self, now: SimTime, n: u64) -> Result<(), SimDuration> {
        self.refill(now);
        let wanted = n as u128 * self.period as u128;
        if wanted <= self.level {
            self.level -= wanted;
            return Ok(());
        }
        Err(self.wait_for(n, wanted))
    }

    /// How long until `n` tokens are there; zero if they are.
    pub fn retry_after(&mut self, now: SimTime, n: u64) -> SimDuration {
        self.refill(now);
        self.wait_for(n, n as u128 * self.period as u128)
    }

    /// Gives back tokens reserved and not used; what the bucket cannot hold is lost.
    pub fn refund(&mut self, now: SimTime, n: u64) {
        self.refill(now);
        self.level = self.level.saturating_add(n as u128 * self.period as u128).min(self.full());
    }

    /// Changes rate and depth; the tokens that are there stay, as far as they fit.
    pub fn set_rate(&mut self, now: SimTime, tokens: u64, per: SimDuration, depth: u64) {
        self.refill(now);
        let period = per.0.max(1);
        let (whole, part) = (self.level / self.period as u128, self.level % self.period as u128);
        let level = (whole * period as u128).saturating_add(part * period as u128 / self.period as u128);
        *self = TokenBucket { tokens, period, depth, level, seen: self.seen };
        self.level = self.level.min(self.full());
    }

    /// Whole tokens that are there.
    pub fn level(&mut self, now: SimTime) -> u64 {
        self.refill(now);
        (self.level / self.period as u128) as u64
    }

    /// The most it holds.
    pub fn depth(&self) -> u64 {
        self.depth
    }

    fn full(&self) -> u128 {
        self.depth as u128 * self.period as u128
    }

    fn refill(&mut self, now: SimTime) {
        let gained = now.since(self.seen).0 as u128 * self.tokens as u128;
        self.level = self.level.saturating_add(gained).min(self.full());
        self.seen = now.max(self.seen);
    }

    fn wait_for(&self, n: u64, wanted: u128) -> SimDuration {
        let missing = wanted.saturating_sub(self.level);
        if missing == 0 {
            return SimDuration::ZERO;
        }
        if self.depth < n || self.tokens == 0 {
            return SimDuration::FOREVER;
        }
        SimDuration(u64::try_from(missing.div_ceil(self.tokens as u128)).unwrap_or(u64::MAX))
    }
}

/// How many retries a caller allows itself beyond those of each single request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RetryBudgetPolicy {
    /// At most so many retries at once (Envoy's circuit breaker; its default is 3).
    AtOnce {
        /// Retries in flight.
        max: u32,
    },
    /// Retries at once up to a share of the requests in flight (Envoy's retry budget; defaults 20 % and 3).
    ShareOfActive {
        /// Percent of the requests in flight, retries included.
        percent: u32,
        /// Retries at once that are always allowed.
        floor: u32,
    },
    /// A failure costs one token, a success earns a fraction; retries only while more than half are there (gRPC retry
    /// throttling, proposal A6; its usual values are 10 and 100).
    TokenRatio {
        /// Tokens at the start and at most.
        max_tokens: u32,
        /// Thousandths of a token that a success earns.
        success_millis: u32,
    },
}

/// A retry budget at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryBudget {
    policy: RetryBudgetPolicy,
    retries: u32,
    millitokens: u64,
    refused: u64,
}

impl RetryBudget {
    /// A budget nothing of which is spent.
    pub fn new(policy: RetryBudgetPolicy) -> Self {
        let millitokens = match policy {
            RetryBudgetPolicy::TokenRatio { max_tokens, .. } => max_tokens as u64 * 1000,
            _ => 0,
        };
        RetryBudget { policy, retries: 0, millitokens, refused: 0 }
    }

    /// Asks for a retry while `active` requests are in flight (retries included). If it is allowed the caller owes a
    /// [`RetryBudget::retry_ended`].
    pub fn try_retry(&mut self, active: u32) -> bool {
        let allowed = match self.policy {
            RetryBudgetPolicy::AtOnce { max } => self.retries < max,
            RetryBudgetPolicy::ShareOfActive { percent, floor } => {
                let share = active as u64 * percent as u64 / 100;
                (self.retries as u64) < share.max(floor as u64)
            }
            RetryBudgetPolicy::TokenRatio { max_tokens, .. } => max_tokens as u64 * 500 < self.millitokens,
        };
        self.retries += allowed as u32;
        self.refused += !allowed as u64;
        allowed
    }

    /// A retry that was allowed is over.
    pub fn retry_ended(&mut self) {
        self.retries = self.retries.saturating_sub(1);
    }

    /// An attempt of any kind came out well or not.
    pub fn observe(&mut self, ok: bool) {
        if let RetryBudgetPolicy::TokenRatio { max_tokens, success_millis } = self.policy {
            self.millitokens = match ok {
                true => (self.millitokens + success_millis as u64).min(max_tokens as u64 * 1000),
                false => self.millitokens.saturating_sub(1000),
            };
        }
    }

    /// Retries in flight.
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// Retries refused so far.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: SimDuration = SimDuration::from_secs(1);

    fn at(seconds: f64) -> SimTime {
        SimTime::from_secs_f64(seconds)
    }

    #[test]
    fn what_was_reserved_and_not_used_comes_back_but_never_overflows() {
        let mut bucket = TokenBucket::new(at(0.0), 10, SECOND, 100);
        assert_eq!(bucket.take(at(0.0), 90), Ok(()));
        assert_eq!(bucket.take(at(0.0), 20), Err(SECOND));
        bucket.refund(at(0.0), 60);
        assert_eq!(bucket.level(at(0.0)), 70);
        bucket.refund(at(0.0), 60);
        assert_eq!(bucket.level(at(0.0)), 100);
        assert_eq!(bucket.take(at(9.0), 101), Err(SimDuration::FOREVER), "deeper than the bucket");
    }

    #[test]
    fn a_new_rate_keeps_what_is_there() {
        let mut bucket = TokenBucket::new(at(0.0), 60, SimDuration::from_secs(60), 60);
        assert_eq!(bucket.take(at(0.0), 60), Ok(()));
        bucket.set_rate(at(10.5), 1, SECOND, 5);
        assert_eq!(bucket.level(at(10.5)), 5, "what no longer fits is lost");
        assert_eq!(bucket.take(at(10.5), 5), Ok(()));
        bucket.set_rate(at(11.0), 0, SECOND, 5);
        assert_eq!(bucket.retry_after(at(99.0), 1), SimDuration::FOREVER, "half a token and no more to come");
    }

    #[test]
    fn a_step_back_in_time_brings_nothing_twice() {
        let mut bucket = TokenBucket::new(at(0.0), 1, SECOND, 100);
        assert_eq!(bucket.take(at(10.0), 100), Ok(()));
        assert_eq!(bucket.level(at(5.0)), 0);
        assert_eq!(bucket.level(at(11.0)), 1);
    }

    #[test]
    fn extreme_numbers_do_not_overflow() {
        let mut bucket = TokenBucket::new(at(0.0), u64::MAX, SimDuration::FOREVER, u64::MAX);
        bucket.refund(SimTime::NEVER, u64::MAX);
        bucket.set_rate(SimTime::NEVER, 1, SimDuration::FOREVER, u64::MAX);
        assert_eq!(bucket.take(SimTime::NEVER, u64::MAX), Ok(()));
    }

    #[test]
    fn envoys_budget_follows_what_is_active_above_its_floor() {
        let mut budget = RetryBudget::new(RetryBudgetPolicy::ShareOfActive { percent: 20, floor: 3 });
        assert_eq!((0..10).filter(|_| budget.try_retry(5)).count(), 3);
        assert_eq!((0..10).filter(|_| budget.try_retry(40)).count(), 5, "eight in all");
        budget.retry_ended();
        assert!(budget.try_retry(40));
        assert_eq!((budget.retries(), budget.refused()), (8, 12));
    }

    #[test]
    fn grpcs_throttle_stops_below_half_and_is_earned_back() {
        let mut budget = RetryBudget::new(RetryBudgetPolicy::TokenRatio { max_tokens: 10, success_millis: 100 });
        (0..5).for_each(|_| budget.observe(false));
        assert!(!budget.try_retry(1), "exactly half is not more than half");
        budget.observe(true);
        assert!(budget.try_retry(1));
    }
}
