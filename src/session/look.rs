//! Looks: what was asked, what was answered, and what the answer could show.

use serde::Serialize;
use serde_json::{Value, json};

use crate::metrics::promql::Query;
use crate::session::command::Look;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::watch::Watch;

/// The answer to a look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// What it is, in a line.
    pub title: String,
    /// The answer as text.
    pub text: String,
    /// The same as data.
    pub data: Value,
    /// What could be seen in it.
    pub seen: Seen,
}

/// What an answer could show.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Seen {
    /// Metrics, columns, documents and the like, as in `metric:up` or `column:requests.status`.
    pub features: Vec<String>,
    /// The earliest moment that it speaks of.
    #[serde(skip)]
    pub from: SimTime,
    /// The latest.
    #[serde(skip)]
    pub to: SimTime,
}

/// A look with its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Observation {
    /// Its number: E1, E2 and so on.
    pub number: u32,
    /// What was asked.
    pub look: Look,
    /// When it was asked.
    #[serde(skip)]
    pub asked: SimTime,
    /// When it was answered.
    #[serde(skip)]
    pub at: SimTime,
    /// The answer; none if it is still under way, or if a replay did not ask again.
    pub answer: Option<Answer>,
}

/// What a look is, in a line.
pub fn title(look: &Look) -> String {
    match look {
        Look::Board { board, .. } => format!("board {board}"),
        Look::Promql { query, .. } => format!("explore {query}"),
        Look::Sql { query } => format!("sql {query}"),
        Look::Logs { service, grep, .. } => format!("logs {service} {grep}").trim_end().to_string(),
        Look::Trace { id } => format!("trace {id}"),
        Look::Traces { filter } => format!("traces {filter}").trim_end().to_string(),
        Look::Changes { id, .. } => format!("changes {id}").trim_end().to_string(),
        Look::Alerts => "alerts".to_string(),
        Look::Tickets => "tickets".to_string(),
        Look::Archive { words } => format!("search {words}"),
        Look::Document { id } => format!("read {id}"),
        Look::Fleet { line } => line.clone(),
        Look::Compare { selection } => format!("compare {selection}"),
        Look::Ask { who, about } => format!("ask {who} {about}"),
    }
}

/// The answer to a question that turned out to have none.
pub fn no_answer(look: &Look, why: &str) -> Answer {
    let text = format!("no answer: {why}");
    Answer { title: title(look), data: json!({ "error": why }), text, seen: Seen::default() }
}

/// Whether a look can be asked at all.
///
/// # Errors
/// What is wrong with the question, and the way out.
pub fn check(_watch: &Watch, look: &Look) -> Result<(), String> {
    match look {
        Look::Promql { query, .. } => Query::parse(query).map(drop).map_err(|e| e.to_string()),
        _ => Ok(()),
    }
}

/// Answers a look at what is there now.
///
/// # Errors
/// What is wrong with the question, and the way out.
pub fn answer(watch: &mut Watch, look: &Look) -> Result<Answer, String> {
    match look {
        Look::Promql { query, window_s, step_s } => promql(watch, query, *window_s, *step_s),
        other => Err(format!("{} cannot be answered", title(other))),
    }
}

fn promql(watch: &Watch, text: &str, _window_s: Option<u32>, _step_s: Option<u32>) -> Result<Answer, String> {
    let now = watch.world.now();
    let query = Query::parse(text).map_err(|e| e.to_string())?;
    let value = query.eval_at(watch.world.scraped(), (now.0 / 1_000_000) as i64).map_err(|e| e.to_string())?;
    let text_of = format!("{value:?}");
    Ok(Answer {
        title: text.to_string(),
        text: text_of,
        data: json!({}),
        seen: Seen {
            features: query.metrics().iter().map(|m| format!("metric:{m}")).collect(),
            from: SimTime(now.0.saturating_sub(SimDuration::from_secs(300).0)),
            to: now,
        },
    })
}
