//! Questions to the session: each is a look, and answered when its price has passed.

use std::time::Duration;

use serde_json::Value;

use super::Shared;
use super::envelope::Refused;
use crate::metrics::promql::Query;
use crate::session::command::{Asked, Command, Look, Question};
use crate::session::live::Live;
use crate::session::store::ApplyError;
use crate::sim::time::SimTime;
use crate::telemetry::past::{Past, Reach};
use crate::wire::tokens::Caller;
use axum::http::StatusCode;

/// Looks up at least so often whether an answer is there: the clock may have been set to another speed.
const AT_MOST: Duration = Duration::from_millis(250);
/// And no more often.
const AT_LEAST: Duration = Duration::from_millis(2);

/// Who asks, and how long they wait.
pub(super) struct Asks {
    pub caller: Caller,
    /// Milliseconds; none: as long as the server lets them.
    pub timeout_ms: Option<i64>,
}

/// What a look has come to so far.
enum So {
    Answered(Value),
    /// To be asked again after so long, of the wall clock.
    Far(Duration),
}

/// Asks the session, and waits until the look is answered. With the data come warnings.
pub(super) async fn ask(shared: &Shared, asks: Asks, question: Question) -> Result<(Value, Vec<String>), Refused> {
    let Ok(_turn) = shared.guard.waiting.try_acquire() else {
        let message = format!("{} questions wait for their answers: ask again later", shared.guard.limits.waiting);
        return Err(Refused::unavailable(message));
    };
    let usual_ms = i64::from(shared.guard.limits.timeout_s) * 1000;
    let limit = Duration::from_millis(asks.timeout_ms.unwrap_or(usual_ms).clamp(0, usual_ms) as u64);
    let begun_ns = shared.served.now_ns();
    let (number, due, warnings) = {
        let (shared, caller) = (shared.clone(), asks.caller);
        within(move || begin(&shared, &caller, question)).await?
    };
    loop {
        let look_again = {
            let shared = shared.clone();
            match within(move || so_far(&shared, number, due)).await? {
                So::Answered(data) => return settled(data).map(|data| (data, warnings)),
                So::Far(time) => time.clamp(AT_LEAST, AT_MOST),
            }
        };
        let waited = Duration::from_nanos(shared.served.now_ns().saturating_sub(begun_ns));
        if limit <= waited {
            let message = format!(
                "E{number} was not answered within {} s: looks cost simulated time, and the clock may stand; the answer comes all the same and is in the session",
                limit.as_secs()
            );
            return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", message));
        }
        tokio::time::sleep(look_again.min(limit - waited)).await;
    }
}

/// Gives a command that is answered at once, and reads the session after it.
pub(super) async fn at_once<T: Send + 'static>(
    shared: &Shared,
    caller: Caller,
    command: Command,
    read: impl FnOnce(&crate::session::Session, i64) -> T + Send + 'static,
) -> Result<T, Refused> {
    let shared = shared.clone();
    within(move || {
        let (mut live, zero_ms) = shared.served.at_present();
        let now_ns = shared.served.now_ns();
        may(&live, &caller, &command)?;
        live.apply(now_ns, caller.seat, &caller.by, &command).map_err(refused)?;
        Ok(read(&live.open.session, zero_ms))
    })
    .await
}

fn begin(shared: &Shared, caller: &Caller, question: Question) -> Result<(u32, SimTime, Vec<String>), Refused> {
    let (mut live, zero_ms) = shared.served.at_present();
    let now_ns = shared.served.now_ns();
    let kept = outside(&question, zero_ms, live.open.session.now());

    let command = Command::Look(Look::Prometheus(Asked { zero_ms, what: question }));
    may(&live, caller, &command)?;
    let reply = live.apply(now_ns, caller.seat, &caller.by, &command).map_err(refused)?;
    let number = reply.observation.unwrap_or_default();
    let due = live.open.session.observations().last().map_or(SimTime::ZERO, |observation| observation.at);
    Ok((number, due, kept))
}

/// Whether a seat, and whoever sits in it, may look at that.
fn may(live: &Live, caller: &Caller, command: &Command) -> Result<(), Refused> {
    let allowed = live.open.session.may(caller.seat, &caller.by, command);
    allowed.map_err(|why| Refused::new(StatusCode::FORBIDDEN, "forbidden", why))
}

fn so_far(shared: &Shared, number: u32, due: SimTime) -> Result<So, Refused> {
    let (mut live, _) = shared.served.at_present();
    if let Some(data) = live.open.session.hand_over(number) {
        return Ok(So::Answered(data));
    }
    let session = &live.open.session;
    if session.ended().is_some() || session.horizon() <= session.now() {
        return Err(Refused::unavailable(format!("the incident ended before E{number} was answered")));
    }
    Ok(So::Far(live.until(due).map_or(AT_MOST, Duration::from_nanos)))
}

/// A look may turn out to have no answer.
fn settled(data: Value) -> Result<Value, Refused> {
    match data.get("error").and_then(Value::as_str) {
        Some(error) => Err(Refused::execution(error)),
        None => Ok(data),
    }
}

/// What to say of a question about a time that nobody kept.
fn outside(question: &Question, zero_ms: i64, now: SimTime) -> Vec<String> {
    let (query, from_ms, to_ms) = match question {
        Question::Instant { query, at_ms } => (query, *at_ms, *at_ms),
        Question::Range { query, start_ms, end_ms, .. } => (query, *start_ms, *end_ms),
        _ => return Vec::new(),
    };
    let (world_ms, asked_ms) = ((now.0 / 1_000_000) as i64, from_ms.saturating_sub(zero_ms));
    let reach =
        Query::parse(query).map(|query| Past::reach(&query, world_ms.saturating_sub(asked_ms).max(0), world_ms));
    if matches!(reach, Ok(Ok(Reach::Inputs))) {
        return Vec::new();
    }
    let now_ms = zero_ms.saturating_add((now.0 / 1_000_000) as i64);
    let kept = zero_ms <= to_ms && from_ms <= now_ms.saturating_add(300_000);
    let minutes = (now.0 / 60_000_000_000).max(1);
    let message = format!(
        "beyond retention: the last {minutes} minutes are kept, and the same hours one day and seven days before, with `offset 1d` and `offset 1w`"
    );
    if kept { Vec::new() } else { vec![message] }
}

fn refused(error: ApplyError) -> Refused {
    match error {
        ApplyError::Refused(why) if why.0.contains("beyond retention") => Refused::execution(why.0),
        ApplyError::Refused(why) => Refused::unavailable(why.0),
        ApplyError::Log(why) => {
            Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("the look could not be kept: {why}"))
        }
    }
}

/// Does what waits for the session on a thread where waiting holds up nobody.
async fn within<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refused> + Send + 'static) -> Result<T, Refused> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| {
        Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("the question was dropped: {why}")))
    })
}
