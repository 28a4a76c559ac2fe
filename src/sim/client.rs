//! What a client program does when an attempt fails: time-outs, retries, backoff, restarts of the turn.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::rate_limit::RetryBudgetPolicy;
use crate::sim::rng::Stream;
use crate::sim::time::{SimDuration, SimTime};

/// How one attempt came out, as the client that made it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered in full.
    Ok,
    /// 400: the request was refused as malformed.
    BadRequest,
    /// 401: the credentials were not accepted.
    Unauthorized,
    /// 403: the account may not.
    Forbidden,
    /// 408: the server gave up waiting for the request.
    RequestTimeout,
    /// 413: the request was too large.
    TooLarge,
    /// 429: over a rate limit or quota.
    TooManyRequests,
    /// 499: the client closed the connection, in the words of the proxy that saw it.
    ClientClosed,
    /// 500: an exception in the server.
    InternalError,
    /// 502: the proxy got no sound answer from behind it.
    BadGateway,
    /// 503: nobody there to serve it, or shed.
    Unavailable,
    /// 504: the proxy's own time-out.
    GatewayTimeout,
    /// 529: overloaded, in Anthropic's dialect.
    Overloaded,
    /// No address for the name.
    DnsFailure,
    /// The connection was refused.
    ConnectionRefused,
    /// The TLS handshake failed.
    TlsFailure,
    /// The connection did not come up in time.
    ConnectTimeout,
    /// No first token within the client's time-out.
    FirstTokenTimeout,
    /// Not done within the client's time-out.
    TotalTimeout,
    /// The stream broke off, or carried an error event, after a status of 200.
    StreamCut,
    /// The user went away.
    UserAbandoned,
}

impl Outcome {
    /// The HTTP status that the attempt got, if any; a stream that was cut had got its 200.
    pub fn status(self) -> Option<u16> {
        use Outcome::*;
        Some(match self {
            Ok | StreamCut => 200,
            BadRequest => 400,
            Unauthorized => 401,
            Forbidden => 403,
            RequestTimeout => 408,
            TooLarge => 413,
            TooManyRequests => 429,
            ClientClosed => 499,
            InternalError => 500,
            BadGateway => 502,
            Unavailable => 503,
            GatewayTimeout => 504,
            Overloaded => 529,
            DnsFailure | ConnectionRefused | TlsFailure | ConnectTimeout => return None,
            FirstTokenTimeout | TotalTimeout | UserAbandoned => return None,
        })
    }

    /// Whether no connection came up.
    pub fn is_connect_failure(self) -> bool {
        use Outcome::*;
        matches!(self, DnsFailure | ConnectionRefused | TlsFailure | ConnectTimeout)
    }

    /// Whether the client's own clock ended the attempt.
    pub fn is_client_timeout(self) -> bool {
        matches!(self, Outcome::FirstTokenTimeout | Outcome::TotalTimeout)
    }
}

/// Everything a client program (an SDK with its settings, and what is built around it) decides on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientPolicy {
    /// Time for a connection to come up.
    pub connect_timeout: SimDuration,
    /// Time from sending to the first token; absent: no limit of its own.
    pub first_token_timeout: Option<SimDuration>,
    /// Time from sending to the last token.
    pub total_timeout: SimDuration,
    /// Tries after the first.
    pub retries: u32,
    /// Waits between tries.
    pub backoff: Backoff,
    /// Which failures are tried again.
    pub retry_on: RetryOn,
    /// What a `Retry-After` header does.
    pub retry_after: RetryAfterRule,
    /// A limit across all requests of the client; absent: none.
    pub retry_budget: Option<RetryBudgetPolicy>,
    /// An agent framework around the SDK that starts the turn again when the SDK gives up; absent: none.
    pub turn_restarts: Option<TurnRestarts>,
    /// How long the user waits for a first token before leaving; absent: as long as it takes.
    pub patience: Option<Patience>,
}

/// Waits between tries: `base * 2^n`, at most `cap`, less a random share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    /// The wait before the first retry.
    pub base: SimDuration,
    /// The longest wait.
    pub cap: SimDuration,
    /// The largest share taken off at random, from 0 to 1 (1 is "full jitter").
    pub jitter: f64,
}

/// Which failures a client tries again. [`Outcome::Ok`], a close of its own and a user who left never are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryOn {
    /// These statuses.
    pub statuses: Vec<u16>,
    /// And all from 500.
    pub server_errors: bool,
    /// Connections that did not come up.
    pub connect_failures: bool,
    /// The client's own time-outs.
    pub timeouts: bool,
    /// Streams that were cut after a 200.
    pub cut_streams: bool,
}

/// What a client makes of a `Retry-After` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfterRule {
    /// Nothing; it backs off as always.
    Ignore,
    /// It waits as told.
    Obey,
    /// It waits as told, and gives up if told to wait longer than this.
    GiveUpAbove(SimDuration),
}

/// An agent framework's own layer of retries: the whole turn, from its first try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TurnRestarts {
    /// Restarts after the first run.
    pub limit: u32,
    /// The wait before each.
    pub wait: SimDuration,
}

/// How long users wait for a first token: log-normal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    /// Half of the users wait longer.
    pub median: SimDuration,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
}

/// Where an intent stands in its client's loops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Tries made in this run of the turn, the one that just failed included: from 1.
    pub tries: u32,
    /// Restarts of the turn so far.
    pub restarts: u32,
}

/// What the client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The next try of this run, after this wait.
    RetryAfter(SimDuration),
    /// The first try of a new run of the turn, after this wait.
    RestartTurnAfter(SimDuration),
    /// The intent has failed.
    GiveUp,
}

impl Default for ClientPolicy {
    /// One try, ten minutes, nothing else.
    fn default() -> Self {
        ClientPolicy {
            connect_timeout: SimDuration::from_secs(5),
            first_token_timeout: None,
            total_timeout: SimDuration::from_secs(600),
            retries: 0,
            backoff: Backoff { base: SimDuration::ZERO, cap: SimDuration::ZERO, jitter: 0.0 },
            retry_on: RetryOn::transient(),
            retry_after: RetryAfterRule::Ignore,
            retry_budget: None,
            turn_restarts: None,
            patience: None,
        }
    }
}

impl RetryOn {
    /// What both SDKs below retry: 408, 409, 429, everything from 500, connections that fail and their own time-outs.
    /// A stream that breaks after its 200 is the application's business.
    pub fn transient() -> Self {
        RetryOn {
            statuses: vec![408, 409, 429],
            server_errors: true,
            connect_failures: true,
            timeouts: true,
            cut_streams: false,
        }
    }

    /// Whether an outcome is tried again.
    pub fn covers(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Ok | Outcome::UserAbandoned | Outcome::ClientClosed => false,
            Outcome::StreamCut => self.cut_streams,
            _ if outcome.is_connect_failure() => self.connect_failures,
            _ if outcome.is_client_timeout() => self.timeouts,
            _ => outcome.status().is_some_and(|s| (self.server_errors && 500 <= s) || self.statuses.contains(&s)),
        }
    }
}

impl Backoff {
    /// The wait before retry `retry` (from 1), given a uniform `u` in [0, 1).
    pub fn wait(&self, retry: u32, u: f64) -> SimDuration {
        let doubled = 1u64.checked_shl(retry.saturating_sub(1)).unwrap_or(u64::MAX);
        let full = SimDuration(self.base.0.saturating_mul(doubled)).min(self.cap);
        full.mul_f64(1.0 - self.jitter.clamp(0.0, 1.0) * u)
    }
}

impl Patience {
    /// One user's patience.
    pub fn draw(&self, stream: &mut Stream) -> SimDuration {
        SimDuration::from_secs_f64(stream.log_normal(self.median.as_secs_f64(), self.sigma))
    }
}

impl ClientPolicy {
    /// The defaults of a real SDK, or `None` if the name is not one of [`ClientPolicy::PRESETS`].
    pub fn preset(name: &str) -> Option<Self> {
        match name {
            "openai-python 3.54.0" => Some(ClientPolicy::openai_python()),
            "anthropic 2.12.0" => Some(ClientPolicy::anthropic()),
            _ => None,
        }
    }

    /// The names of the presets.
    pub const PRESETS: [&'static str; 2] = ["openai-python 3.54.0", "anthropic 2.12.0"];

    /// OpenAI's Python SDK 3.54.0, as its wheel sets it: 2 retries, 600 s, 5 s to connect, waits from 0.5 s to 8 s less
    /// up to a quarter; obeys `Retry-After` up to 120 s and does not retry at all above that.
    pub fn openai_python() -> Self {
        ClientPolicy {
            retries: 2,
            backoff: Backoff { base: SimDuration::from_millis(500), cap: SimDuration::from_secs(8), jitter: 0.25 },
            retry_after: RetryAfterRule::GiveUpAbove(SimDuration::from_secs(120)),
            ..ClientPolicy::default()
        }
    }

    /// Anthropic's Python SDK 2.12.0, as its wheel sets it: like OpenAI's, but obeys any `Retry-After`.
    pub fn anthropic() -> Self {
        ClientPolicy { retry_after: RetryAfterRule::Obey, ..ClientPolicy::openai_python() }
    }

    /// What the client does after a try came out as `outcome`, given the server's `Retry-After` (zero counts as none, as
    /// in both SDKs) and a uniform `u` in [0, 1) for the jitter. The retry budget is asked by the caller, who knows what
    /// is in flight; a refusal there is [`ClientPolicy::after_refusal`]. After [`Outcome::Ok`] nothing is left to do:
    /// [`Decision::GiveUp`].
    pub fn after_failure(
        &self,
        progress: Progress,
        outcome: Outcome,
        retry_after: Option<SimDuration>,
        u: f64,
    ) -> Decision {
        if matches!(outcome, Outcome::Ok | Outcome::UserAbandoned | Outcome::ClientClosed) {
            return Decision::GiveUp;
        }
        let told = retry_after.filter(|told| SimDuration::ZERO < *told);
        let wait = match (self.retry_after, told) {
            (RetryAfterRule::Ignore, _) | (_, None) => Some(self.backoff.wait(progress.tries, u)),
            (RetryAfterRule::GiveUpAbove(limit), Some(told)) if limit < told => None,
            (_, Some(told)) => Some(told),
        };
        match wait {
            Some(wait) if progress.tries <= self.retries && self.retry_on.covers(outcome) => Decision::RetryAfter(wait),
            _ => self.after_refusal(progress),
        }
    }

    /// What the client does once it may not retry within this run of the turn: restart the turn, or give up.
    pub fn after_refusal(&self, progress: Progress) -> Decision {
        match self.turn_restarts {
            Some(restarts) if progress.restarts < restarts.limit => Decision::RestartTurnAfter(restarts.wait),
            _ => Decision::GiveUp,
        }
    }

    /// When the client's clock ends a try sent at `sent` that has its first token or not.
    pub fn deadline(&self, sent: SimTime, has_first_token: bool) -> SimTime {
        let total = sent + self.total_timeout;
        match self.first_token_timeout {
            Some(first) if !has_first_token => total.min(sent + first),
            _ => total,
        }
    }

    /// Attempts that one intent makes at most.
    pub fn max_attempts(&self) -> u64 {
        (1 + self.retries as u64) * (1 + self.turn_restarts.map_or(0, |r| r.limit as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: f64) -> SimDuration {
        SimDuration::from_secs_f64(s)
    }

    fn after(policy: &ClientPolicy, tries: u32, outcome: Outcome, retry_after: Option<f64>, u: f64) -> Decision {
        policy.after_failure(Progress { tries, restarts: 0 }, outcome, retry_after.map(seconds), u)
    }

    #[test]
    fn both_sdks_wait_half_a_second_then_a_second_less_up_to_a_quarter() {
        for name in ClientPolicy::PRESETS {
            let sdk = ClientPolicy::preset(name).expect("it is a preset");
            assert_eq!(after(&sdk, 1, Outcome::Overloaded, None, 0.0), Decision::RetryAfter(seconds(0.5)));
            assert_eq!(after(&sdk, 2, Outcome::TotalTimeout, None, 1.0), Decision::RetryAfter(seconds(0.75)));
            assert_eq!(after(&sdk, 3, Outcome::InternalError, None, 0.0), Decision::GiveUp);
            assert_eq!(after(&sdk, 1, Outcome::TooManyRequests, Some(0.0), 0.0), Decision::RetryAfter(seconds(0.5)));
            assert_eq!(sdk.backoff.wait(9, 0.0), seconds(8.0));
            assert_eq!(sdk.backoff.wait(u32::MAX, 0.0), seconds(8.0));
            assert_eq!(sdk.max_attempts(), 3);
        }
    }

    #[test]
    fn a_long_retry_after_is_obeyed_by_one_sdk_and_ends_the_other() {
        let (openai, anthropic) = (ClientPolicy::openai_python(), ClientPolicy::anthropic());
        let told = |policy, s| after(policy, 1, Outcome::TooManyRequests, Some(s), 0.0);
        assert_eq!(told(&openai, 120.0), Decision::RetryAfter(seconds(120.0)));
        assert_eq!(told(&openai, 120.5), Decision::GiveUp);
        assert_eq!(told(&anthropic, 3_600.0), Decision::RetryAfter(seconds(3_600.0)));
    }

    #[test]
    fn what_the_caller_did_wrong_or_ended_is_not_retried() {
        let sdk = ClientPolicy {
            retry_on: RetryOn { cut_streams: true, ..RetryOn::transient() },
            ..ClientPolicy::anthropic()
        };
        for outcome in [
            Outcome::BadRequest,
            Outcome::Unauthorized,
            Outcome::TooLarge,
            Outcome::ClientClosed,
            Outcome::UserAbandoned,
            Outcome::Ok,
        ] {
            assert_eq!(after(&sdk, 1, outcome, None, 0.0), Decision::GiveUp, "{outcome:?}");
        }
        assert_ne!(after(&sdk, 1, Outcome::StreamCut, None, 0.0), Decision::GiveUp);
        assert_eq!(after(&ClientPolicy::anthropic(), 1, Outcome::StreamCut, None, 0.0), Decision::GiveUp);
    }

    #[test]
    fn a_framework_restarts_the_turn_until_its_own_limit_and_multiplies_the_sdk() {
        let turn_restarts = Some(TurnRestarts { limit: 1, wait: seconds(2.0) });
        let agent = ClientPolicy { turn_restarts, ..ClientPolicy::openai_python() };
        let mut progress = Progress { tries: 1, restarts: 0 };
        let mut attempts = 1;
        loop {
            match agent.after_failure(progress, Outcome::Unavailable, None, 0.5) {
                Decision::RetryAfter(_) => progress.tries += 1,
                Decision::RestartTurnAfter(wait) => {
                    assert_eq!(wait, seconds(2.0));
                    progress = Progress { tries: 1, restarts: progress.restarts + 1 };
                }
                Decision::GiveUp => break,
            }
            attempts += 1;
        }
        assert_eq!((attempts, agent.max_attempts()), (6, 6));
        let bad = agent.after_failure(Progress { tries: 1, restarts: 0 }, Outcome::StreamCut, None, 0.0);
        assert_eq!(bad, Decision::RestartTurnAfter(seconds(2.0)), "the framework retries what the SDK does not");
        let gone = agent.after_failure(Progress { tries: 1, restarts: 0 }, Outcome::UserAbandoned, None, 0.0);
        assert_eq!(gone, Decision::GiveUp);
    }

    #[test]
    fn the_first_token_has_a_deadline_of_its_own() {
        let policy = ClientPolicy { first_token_timeout: Some(seconds(30.0)), ..ClientPolicy::default() };
        assert_eq!(policy.deadline(SimTime::ZERO, false), SimTime::ZERO + seconds(30.0));
        assert_eq!(policy.deadline(SimTime::ZERO, true), SimTime::ZERO + seconds(600.0));
    }

    #[test]
    fn policies_survive_a_file_and_unknown_fields_do_not() {
        let policy = ClientPolicy {
            retry_budget: Some(RetryBudgetPolicy::ShareOfActive { percent: 20, floor: 3 }),
            patience: Some(Patience { median: seconds(20.0), sigma: 0.5 }),
            ..ClientPolicy::openai_python()
        };
        let text = ron::to_string(&policy).expect("it can be written");
        assert_eq!(ron::from_str::<ClientPolicy>(&text).expect("and read"), policy);
        assert!(ron::from_str::<ClientPolicy>("(retrys: 3)").is_err());
    }
}
