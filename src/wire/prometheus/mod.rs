//! Prometheus' HTTP interface, version 1, as Prometheus 2.42 answers it. What looks at the incident is a look.
//!
//! Each question is a `Look::Prometheus` that holds everything it depends on, the beginning of the world on the asker's
//! clock included, so that a replay answers the same without a server or a clock. An answer is made in the session when
//! its price has passed, waited for outside the lock, and handed over once. On a clock at 1x the shift between
//! simulated and wall time is constant to the nanosecond; a pause or another speed slides the past along, so that now
//! stays now.
//!
//! What Prometheus has and is not here: `/federate`, `/metrics`, remote read and write, administration, `status/*` but
//! `buildinfo`. A query beyond retention by `offset` is refused instead of empty. Every other status, error type and
//! answer is held to the real one's (tests `wire_prometheus`).

pub(super) mod envelope; // what every answer stands in
mod known; // metrics, rules and what the server says of itself
mod look; // questions to the session, and waiting for their answers
mod params; // what is asked

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, on};
use axum::{Extension, Router};
use serde_json::{Value, json};

use self::envelope::{Answered, Refused};
use self::look::Asks;
use self::params::Params;
use super::Served;
use super::guard::{Guard, stand};
use super::tokens::Caller;
use crate::metrics::promql::{MOST_STEPS, Query};
use crate::session::command::{Only, Question};

/// The version of Prometheus whose interface and PromQL this is.
pub const VERSION: &str = "2.42.0";

/// What can be asked, for whoever asks for something else.
const PATHS: [&str; 15] = [
    "/api/v1/query",
    "/api/v1/query_range",
    "/api/v1/query_exemplars",
    "/api/v1/format_query",
    "/api/v1/series",
    "/api/v1/labels",
    "/api/v1/label/NAME/values",
    "/api/v1/metadata",
    "/api/v1/rules",
    "/api/v1/alerts",
    "/api/v1/targets",
    "/api/v1/alertmanagers",
    "/api/v1/status/buildinfo",
    "/-/healthy",
    "/-/ready",
];

/// What handlers share.
#[derive(Clone)]
struct Shared {
    served: Served,
    guard: Arc<Guard>,
}

type Answer = Result<Answered, Refused>;

/// Every route, behind the guard.
pub fn routes(served: Served, guard: Guard) -> Router {
    let guard = Arc::new(guard);
    let shared = Shared { served: served.clone(), guard: Arc::clone(&guard) };
    let api = Router::new()
        .route("/query", both(query))
        .route("/query_range", both(query_range))
        .route("/query_exemplars", both(exemplars))
        .route("/format_query", both(format_query))
        .route("/series", both(series))
        .route("/labels", both(labels))
        .route("/label/{name}/values", get(label_values))
        .route("/metadata", get(known::metadata))
        .route("/rules", get(known::rules))
        .route("/alerts", get(known::alerts))
        .route("/targets", get(targets))
        .route("/alertmanagers", get(known::alertmanagers))
        .route("/status/buildinfo", get(known::buildinfo));
    Router::new()
        .nest("/api/v1", api)
        .route("/-/healthy", get(|| async { "Scar Tissue is healthy.\n" }))
        .route("/-/ready", get(|| async { "Scar Tissue is ready.\n" }))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .with_state(shared)
        .layer(from_fn_with_state((served.clock, guard), stand))
}

/// Asked by address or by form.
fn both<H, T>(handler: H) -> MethodRouter<Shared>
where
    H: axum::handler::Handler<T, Shared> + Clone,
    T: 'static,
{
    use axum::routing::MethodFilter;
    on(MethodFilter::GET.or(MethodFilter::POST), handler)
}

async fn nowhere(ask: Request) -> Response {
    let path = ask.uri().path();
    let nearest = PATHS.iter().map(|known| (strsim::jaro_winkler(path, known), known));
    let nearest = nearest.filter(|(likeness, _)| 0.8 < *likeness).max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = nearest.map_or(String::new(), |(_, known)| format!("; did you mean {known}?"));
    let message = format!("there is no {path} here{hint}");
    Refused::new(StatusCode::NOT_FOUND, "not_found", message).into_response()
}

async fn not_so(method: Method) -> Response {
    let message = format!("{method} is not how this is asked: GET, or POST with a form where that is long");
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "bad_data", message).into_response()
}

async fn query(State(shared): State<Shared>, Extension(caller): Extension<Caller>, ask: Request) -> Answer {
    let params = Params::read(ask, shared.guard.limits.parameters).await?;
    let at_ms = params.moment_or("time", shared.served.unix_ms())?;
    let timeout_ms = timeout(&params)?;
    let query = params.query("query")?;
    let asks = Asks { caller, timeout_ms };
    let question = Question::Instant { query: query.text().to_string(), at_ms };
    evaluated(&shared, asks, &query, question).await
}

async fn query_range(State(shared): State<Shared>, Extension(caller): Extension<Caller>, ask: Request) -> Answer {
    let params = Params::read(ask, shared.guard.limits.parameters).await?;
    let (start_ms, end_ms) = (params.moment("start")?, params.moment("end")?);
    if end_ms < start_ms {
        return Err(Refused::parameter("end", "end timestamp must not be before start time"));
    }
    let step_ms = params.duration("step")?;
    if step_ms <= 0 {
        return Err(Refused::parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if MOST_STEPS as i64 <= (end_ms - start_ms) / step_ms && MOST_STEPS as i64 * step_ms < end_ms - start_ms {
        return Err(Refused::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let timeout_ms = timeout(&params)?;
    let query = params.query("query")?;
    if !query.gives_values() {
        let message = "a query over time gives a scalar or an instant vector: aggregate its range, as in rate(x[5m])";
        return Err(Refused::parameter("query", message));
    }
    let asks = Asks { caller, timeout_ms };
    let question = Question::Range { query: query.text().to_string(), start_ms, end_ms, step_ms };
    evaluated(&shared, asks, &query, question).await
}

/// A query that looks at series is a look; a sum on a slip of paper is not.
async fn evaluated(shared: &Shared, asks: Asks, query: &Query, question: Question) -> Answer {
    let mut warnings = known::warnings(query);
    let data = if query.reads_series() {
        let (data, more) = look::ask(shared, asks, question).await?;
        warnings.extend(more);
        data
    } else {
        let constant = crate::session::look::prometheus::constant(query, &question);
        constant.map_err(|why| Refused::execution(why.to_string()))?
    };
    Ok(Answered { data, warnings })
}

async fn exemplars(State(shared): State<Shared>, Extension(caller): Extension<Caller>, ask: Request) -> Answer {
    let params = Params::read(ask, shared.guard.limits.parameters).await?;
    let (start_ms, end_ms) = window(&params)?;
    let query = params.query("query")?;
    if !query.reads_series() {
        return Ok(Answered::of(json!([])));
    }
    let asks = Asks { caller, timeout_ms: None };
    let question = Question::Exemplars { query: query.text().to_string(), start_ms, end_ms };
    look::ask(&shared, asks, question).await.map(|(data, _)| Answered::of(data))
}

async fn format_query(State(shared): State<Shared>, ask: Request) -> Answer {
    let params = Params::read(ask, shared.guard.limits.parameters).await?;
    Ok(Answered::of(Value::String(params.query("query")?.pretty())))
}

async fn series(State(shared): State<Shared>, Extension(caller): Extension<Caller>, ask: Request) -> Answer {
    let params = Params::read(ask, shared.guard.limits.parameters).await?;
    if params.all("match[]").is_empty() {
        return Err(Refused::bad_data("no match[] parameter provided"));
    }
    of_series(&shared, caller, &params, Only::Whole).await
}

async fn labels(State(shared): State<Shared>, Extension(caller): Extension<Caller>, ask: Request) -> Answer {
    let params = Params::read(ask, shared.guard.limits.parameters).await?;
    of_series(&shared, caller, &params, Only::Names).await
}

async fn label_values(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    ask: Request,
) -> Answer {
    let fits = |(place, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || (0 < place && c.is_ascii_digit());
    if name.is_empty() || !name.chars().enumerate().all(fits) {
        return Err(Refused::bad_data(format!("invalid label name: {name:?}")));
    }
    let params = Params::read(ask, shared.guard.limits.parameters).await?;
    of_series(&shared, caller, &params, Only::Values(name)).await
}

async fn of_series(shared: &Shared, caller: Caller, params: &Params, only: Only) -> Answer {
    let (start_ms, end_ms) = window(params)?;
    let question = Question::Series { selectors: params.selectors()?, start_ms, end_ms, only };
    let asks = Asks { caller, timeout_ms: None };
    look::ask(shared, asks, question).await.map(|(data, _)| Answered::of(data))
}

async fn targets(State(shared): State<Shared>, Extension(caller): Extension<Caller>, ask: Request) -> Answer {
    let params = Params::read(ask, shared.guard.limits.parameters).await?;
    let asks = Asks { caller, timeout_ms: None };
    let (mut data, _) = look::ask(&shared, asks, Question::Targets).await?;
    for (state, key) in [("active", "droppedTargets"), ("dropped", "activeTargets")] {
        if params.get("state").eq_ignore_ascii_case(state) {
            data[key] = json!([]);
        }
    }
    Ok(Answered::of(data))
}

/// `start` and `end`, each as far as can be where none is given.
fn window(params: &Params) -> Result<(i64, i64), Refused> {
    const YEAR_10000_MS: i64 = 253_402_300_800_000;
    let (start_ms, end_ms) = (params.moment_or("start", 0)?, params.moment_or("end", YEAR_10000_MS)?);
    if end_ms < start_ms {
        return Err(Refused::parameter("end", "end timestamp must not be before start timestamp"));
    }
    Ok((start_ms, end_ms))
}

fn timeout(params: &Params) -> Result<Option<i64>, Refused> {
    if params.get("timeout").is_empty() { Ok(None) } else { params.duration("timeout").map(Some) }
}
