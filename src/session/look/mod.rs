//! Looks: what was asked, what was answered, and what the answer could show.

use serde::Serialize;
use serde_json::{Value, json};

use crate::session::command::Look;
use crate::sim::time::SimTime;
use crate::telemetry::colleagues;
use crate::telemetry::panels::Board;
use crate::telemetry::past::Past;
use crate::telemetry::watch::Watch;

pub mod boards; // panels of a layer
pub mod colleague; // somebody else looks
pub mod delegated; // the assistant looks
pub mod documents; // the archive
pub mod fleet; // control planes, changes, alerts, tickets
pub mod metrics; // PromQL
pub mod prometheus; // PromQL as Prometheus' own interface has it
pub mod rows; // requests, logs, traces

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
        Look::Delegated { question } => format!("ask-look {question}"),
        Look::Prometheus(asked) => prometheus::title(asked),
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
pub fn check(watch: &mut Watch, look: &Look) -> Result<(), String> {
    match look {
        Look::Promql { query, window_s, .. } => {
            let query = metrics::read(query)?;
            let window_ms = i64::from(window_s.unwrap_or(0)) * 1000;
            Past::reach(&query, window_ms, watch.now_ms()).map(drop).map_err(|e| e.to_string())
        }
        Look::Board { board, .. } => Board::named(board).map(drop),
        Look::Document { id } => watch.archive.document(id).map(drop),
        Look::Ask { who, .. } => colleagues::find(who).map(drop),
        Look::Changes { id, hours } if !id.is_empty() => fleet::changes(watch, id, *hours).map(drop),
        Look::Fleet { line } => fleet::read(line).map(drop),
        Look::Traces { filter } => rows::filter(filter, watch.world.now()).map(drop),
        Look::Prometheus(asked) => prometheus::check(watch, asked),
        Look::Sql { query } => rows::check(watch, query, false),
        Look::Compare { selection } => rows::check(watch, selection, true),
        _ => Ok(()),
    }
}

/// Answers a look at what is there now.
///
/// # Errors
/// What is wrong with the question, and the way out.
pub fn answer(watch: &mut Watch, look: &Look) -> Result<Answer, String> {
    match look {
        Look::Board { board, window_s } => boards::answer(watch, board, *window_s),
        Look::Promql { query, window_s, step_s } => metrics::answer(watch, query, *window_s, *step_s),
        Look::Changes { id, hours } => fleet::changes(watch, id, *hours),
        Look::Alerts => Ok(fleet::alerts(watch)),
        Look::Tickets => Ok(fleet::tickets(watch)),
        Look::Fleet { line } => fleet::answer(watch, line),
        Look::Sql { query } => rows::sql(watch, query),
        Look::Compare { selection } => rows::compare(watch, selection),
        Look::Logs { service, since_s, grep } => rows::logs(watch, service, *since_s, grep),
        Look::Trace { id } => rows::trace(watch, id),
        Look::Traces { filter } => rows::traces(watch, filter),
        Look::Archive { words } => Ok(documents::search(watch, words)),
        Look::Document { id } => documents::read(watch, id),
        Look::Ask { who, about } => colleague::ask(watch, who, about),
        Look::Delegated { question } => delegated::answer(watch, question),
        Look::Prometheus(asked) => Ok(prometheus::answer(watch, asked)),
    }
}
