//! What tools answer: typed, so that a client can check it. Around each stands an [`Envelope`] with price and clock.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::page::{Cut, Want, cut};

/// What stands around every answer.
#[derive(Serialize, JsonSchema)]
pub(super) struct Envelope<T> {
    /// The run.
    pub(super) run_id: String,
    /// The number of the observation, to be cited as evidence, as in E7; null if nothing was looked at.
    pub(super) observation: Option<String>,
    /// Seconds of simulated time that this call took.
    pub(super) price_s: f64,
    /// What time it is in the incident.
    pub(super) clock: Hour,
    /// What came to be seen meanwhile, in order.
    pub(super) news: Vec<News>,
    /// Which part of a long answer this is; null where it is whole.
    pub(super) page: Option<PageOf>,
    /// The answer.
    pub(super) result: T,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Hour {
    /// Date and time of day.
    pub(super) now: String,
    /// Seconds since the beginning of the run.
    pub(super) elapsed_s: f64,
    /// Seconds to the end of the shift.
    pub(super) left_s: f64,
    /// Whether the incident has ended.
    pub(super) ended: bool,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct News {
    /// Time of day.
    pub(super) time: String,
    /// What.
    pub(super) text: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct PageOf {
    /// Rows here.
    pub(super) shown: usize,
    /// Rows in all.
    pub(super) total: usize,
    /// Give it to the same tool as `cursor` to read on, free of charge; null at the end.
    pub(super) next_cursor: Option<String>,
    /// Rows were too large and were cut: narrow the question to see them whole.
    pub(super) shortened: bool,
}

/// An answer that may be longer than a page.
pub(super) trait Shown: Serialize + DeserializeOwned + JsonSchema {
    /// From what a look answered.
    fn of(data: Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(data)
    }
    /// Keeps what fits on a page; none where there is nothing to cut.
    fn cut(&mut self, _want: Want) -> Option<Cut> {
        None
    }
}

/// Lets a type's rows be cut.
macro_rules! rows {
    ($($type:ident . $rows:ident),* $(,)?) => {
        $(impl Shown for $type {
            fn cut(&mut self, want: Want) -> Option<Cut> {
                Some(cut(&mut self.$rows, want))
            }
        })*
    };
}

rows!(
    Boards.boards,
    PanelQueries.queries,
    LogLines.lines,
    SqlRows.rows,
    Tables.tables,
    Differences.differences,
    TraceList.traces,
    Trace.spans,
    ChangeList.changes,
    Alerts.alerts,
    Tickets.tickets,
    Actions.actions,
    Mechanisms.mechanisms,
    Kept.lines,
    Cases.cases,
);

impl Shown for Names {
    fn of(data: Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(data).map(|names| Names { names })
    }

    fn cut(&mut self, want: Want) -> Option<Cut> {
        Some(cut(&mut self.names, want))
    }
}

impl Shown for Document {
    fn of(mut data: Value) -> Result<Self, serde_json::Error> {
        let mut document = data.get_mut("document").map(Value::take).unwrap_or_default();
        let body = document.get("body").and_then(Value::as_str).unwrap_or_default();
        document["lines"] = body.lines().collect();
        serde_json::from_value(document)
    }

    fn cut(&mut self, want: Want) -> Option<Cut> {
        Some(cut(&mut self.lines, want))
    }
}

impl Shown for Output {
    fn of(data: Value) -> Result<Self, serde_json::Error> {
        let text = match data.get("text").and_then(Value::as_str) {
            Some(text) => text.to_string(),
            None => serde_json::to_string_pretty(&data)?,
        };
        Ok(Output { lines: text.lines().map(str::to_string).collect() })
    }

    fn cut(&mut self, want: Want) -> Option<Cut> {
        Some(cut(&mut self.lines, want))
    }
}

impl Shown for Told {}
impl Shown for Colleague {}
impl Shown for Change {}
impl Shown for Brief {}
impl Shown for Status {}
impl Shown for PreviewOf {}
impl Shown for MechanismOf {}
impl Shown for Postmortem {}

/// A number, or what stands for one that is none: `NaN`, `inf`, `-inf`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Number {
    Number(f64),
    Word(String),
}

impl Number {
    /// To five digits: what a reader can use.
    fn short(self) -> Number {
        match self {
            Number::Number(value) => Number::Number(short(value)),
            word => word,
        }
    }
}

/// A number to five digits.
fn short(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Told {
    /// What was said to it.
    pub(super) text: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Boards {
    pub(super) boards: Vec<BoardOf>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct BoardOf {
    /// What look_at_dashboard takes.
    pub(super) board: String,
    pub(super) title: String,
    /// Titles of its panels.
    pub(super) panels: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PanelQueries {
    pub(super) board: String,
    pub(super) queries: Vec<PanelQuery>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PanelQuery {
    pub(super) panel: String,
    pub(super) legend: String,
    /// PromQL, as query_prometheus takes it.
    pub(super) expr: String,
    /// How to read the panel.
    pub(super) says: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Dashboard {
    pub(super) board: String,
    pub(super) panels: Vec<Panel>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Panel {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) unit: String,
    /// How to read it.
    pub(super) says: String,
    /// A value worth a mark.
    pub(super) threshold: Option<f64>,
    /// The last values in words.
    pub(super) summary: String,
    /// Times of day of the values.
    pub(super) times: Vec<String>,
    pub(super) series: Vec<PanelSeries>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PanelSeries {
    pub(super) legend: String,
    /// null is a gap, never a zero.
    pub(super) values: Vec<Option<f64>>,
    /// Their mean in the time before this window.
    pub(super) mean_before: Option<f64>,
}

impl Shown for Dashboard {
    fn cut(&mut self, want: Want) -> Option<Cut> {
        for series in self.panels.iter_mut().flat_map(|panel| &mut panel.series) {
            series.values.iter_mut().flatten().for_each(|value| *value = short(*value));
            series.mean_before = series.mean_before.map(short);
        }
        Some(cut(&mut self.panels, want))
    }
}

/// What PromQL gave: `samples` at a moment, `series` over a range, or one value.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Metrics {
    /// `vector`, `matrix`, `scalar` or `text`.
    pub(super) kind: String,
    /// Of a scalar.
    pub(super) scalar: Option<Number>,
    /// Of a text.
    pub(super) text: Option<String>,
    /// Series with a value at this moment (vector), or with points over time (matrix).
    pub(super) series: Vec<Series>,
    /// What is odd about the query.
    pub(super) notes: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Series {
    pub(super) labels: BTreeMap<String, String>,
    /// The value at this moment.
    #[serde(default)]
    pub(super) value: Option<Number>,
    /// Time of day and value.
    #[serde(default)]
    pub(super) points: Vec<(String, Number)>,
}

/// As a look has it: one of the four is there.
#[derive(Deserialize)]
struct RawMetrics {
    vector: Option<Vec<Series>>,
    matrix: Option<Vec<Series>>,
    scalar: Option<Number>,
    text: Option<String>,
    #[serde(default)]
    notes: Vec<String>,
}

impl Shown for Metrics {
    fn of(data: Value) -> Result<Self, serde_json::Error> {
        let RawMetrics { vector, matrix, scalar, text, notes } = serde_json::from_value(data)?;
        let kind = match (&vector, &matrix, &scalar, &text) {
            (Some(_), ..) => "vector",
            (_, Some(_), ..) => "matrix",
            (_, _, Some(_), _) => "scalar",
            (.., Some(_)) => "text",
            // An answer of another tool has none of these.
            _ => return Err(serde::de::Error::custom("not an answer of the monitoring system")),
        };
        let series = vector.or(matrix).unwrap_or_default();
        Ok(Metrics { kind: kind.to_string(), scalar, text, series, notes })
    }

    fn cut(&mut self, want: Want) -> Option<Cut> {
        for series in &mut self.series {
            series.value = series.value.take().map(Number::short);
            series.points.iter_mut().for_each(|(_, value)| *value = value.clone().short());
        }
        Some(cut(&mut self.series, want))
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Names {
    pub(super) names: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct LogLines {
    /// Lines found, shown or not; the latest 60 are given.
    pub(super) total: usize,
    /// Lines searched.
    pub(super) searched: usize,
    pub(super) lines: Vec<LogLine>,
    /// How often values occur in what was found.
    pub(super) facets: Vec<Facet>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct LogLine {
    pub(super) time: String,
    pub(super) level: String,
    pub(super) service: String,
    pub(super) pod: String,
    pub(super) trace: Option<String>,
    pub(super) request: Option<String>,
    pub(super) body: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Facet {
    /// `service`, `pod` or `level`.
    pub(super) name: String,
    /// Values with their counts.
    pub(super) values: Vec<(String, usize)>,
}

/// A cell of a table.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Cell {
    Null(()),
    Whole(i64),
    Number(f64),
    Text(String),
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct SqlRows {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// There were more rows than are kept: narrow it, or aggregate.
    pub(super) truncated: bool,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Tables {
    pub(super) tables: Vec<TableOf>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct TableOf {
    pub(super) table: String,
    pub(super) meaning: String,
    /// Columns, with what they are.
    pub(super) columns: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Differences {
    /// Rows inside.
    pub(super) inside: usize,
    /// Rows outside.
    pub(super) outside: usize,
    /// Dimensions in which they differ, the most different first.
    pub(super) differences: Vec<Difference>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Difference {
    pub(super) dimension: String,
    /// From 0 (alike) to 1.
    pub(super) distance: f64,
    /// The value that differs most, or a range of values.
    pub(super) value: String,
    /// Its share inside, 0 to 1.
    pub(super) inside: f64,
    /// Its share outside, 0 to 1.
    pub(super) outside: f64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct TraceList {
    pub(super) traces: Vec<TraceOf>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct TraceOf {
    pub(super) trace: String,
    pub(super) name: String,
    pub(super) start: String,
    pub(super) duration_s: f64,
    pub(super) tries: usize,
    pub(super) errors: usize,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Trace {
    pub(super) trace: String,
    pub(super) spans: Vec<Span>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Span {
    pub(super) span: String,
    pub(super) parent: Option<String>,
    pub(super) service: String,
    pub(super) pod: String,
    pub(super) name: String,
    pub(super) start: String,
    pub(super) duration_s: f64,
    pub(super) error: bool,
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct ChangeList {
    /// How many changes there are usually.
    pub(super) base_rate: String,
    /// Newest first.
    pub(super) changes: Vec<Change>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Change {
    pub(super) id: String,
    pub(super) time: String,
    pub(super) kind: String,
    pub(super) service: String,
    pub(super) title: String,
    pub(super) author: String,
    /// Share of the fleet that has it, 0 to 1.
    pub(super) rollout: f64,
    pub(super) diff: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Alerts {
    pub(super) alerts: Vec<Alert>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Alert {
    pub(super) name: String,
    pub(super) severity: String,
    pub(super) summary: String,
    pub(super) expr: String,
    /// A document for get_runbook.
    pub(super) runbook: String,
    pub(super) fired: String,
    /// null while it fires.
    pub(super) resolved: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Tickets {
    /// The latest first.
    pub(super) tickets: Vec<Ticket>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Ticket {
    pub(super) id: String,
    pub(super) time: String,
    pub(super) from: String,
    pub(super) title: String,
    pub(super) body: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Documents {
    pub(super) documents: Vec<DocumentOf>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct DocumentOf {
    /// What get_runbook takes.
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) date: String,
    /// Where the words stand.
    pub(super) excerpt: String,
}

/// As a search has it: with the whole text, which is for whoever reads it.
#[derive(Deserialize)]
struct RawFound {
    document: Head,
    excerpt: String,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    kind: String,
    title: String,
    date: String,
}

impl Shown for Documents {
    fn of(mut data: Value) -> Result<Self, serde_json::Error> {
        let found: Vec<RawFound> = serde_json::from_value(data.get_mut("found").map(Value::take).unwrap_or_default())?;
        let shown = |RawFound { document: Head { id, kind, title, date }, excerpt }| DocumentOf {
            id,
            kind,
            title,
            date,
            excerpt,
        };
        Ok(Documents { documents: found.into_iter().map(shown).collect() })
    }

    fn cut(&mut self, want: Want) -> Option<Cut> {
        Some(cut(&mut self.documents, want))
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Document {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) author: String,
    /// When it was written.
    pub(super) date: String,
    /// When somebody last found it true; empty or `never` if nobody did.
    pub(super) verified: String,
    /// Its text, in Markdown, line by line.
    pub(super) lines: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Output {
    /// What the control plane wrote, line by line.
    pub(super) lines: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Colleague {
    pub(super) who: String,
    pub(super) team: String,
    /// The board they looked at.
    pub(super) board: String,
    /// What they saw, in their words.
    pub(super) says: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Kept {
    /// What was asked.
    pub(super) what: String,
    /// What was answered, line by line.
    pub(super) lines: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Brief {
    /// As in `INC-4127`.
    pub(super) case: String,
    /// The text of the page; empty until it comes.
    pub(super) page: String,
    /// What one knows on arrival.
    pub(super) briefing: String,
    /// The note of whoever was on call before; may be empty.
    pub(super) handover: String,
    /// How time passes.
    pub(super) clock: String,
    /// What looks and orders cost.
    pub(super) prices: Vec<Price>,
    /// What marks this run, if anything does.
    pub(super) marks: Vec<String>,
    /// How to play.
    pub(super) how: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Price {
    pub(super) what: String,
    pub(super) seconds: u64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Status {
    pub(super) case: String,
    /// The text of the page; empty until it comes.
    pub(super) page: String,
    /// When the page was acknowledged.
    pub(super) acknowledged: Option<String>,
    /// 1 (worst) to 4, once somebody said.
    pub(super) severity: Option<u8>,
    /// Share of users in pain as the indicator has it, in per cent; null where it is not measured.
    pub(super) pain_percent: Option<f64>,
    /// Seconds until the promised update; negative: overdue.
    pub(super) next_update_s: Option<f64>,
    /// Whether orders are carried out.
    pub(super) armed: bool,
    /// Seconds spent on looks, orders, updates and waiting.
    pub(super) spent_s: f64,
    /// Orders, with what is known of them.
    pub(super) orders: Vec<OrderOf>,
    /// Points by mechanism.
    pub(super) points: BTreeMap<String, u8>,
    /// Pinned evidence.
    pub(super) pins: Vec<PinOf>,
    /// Diagnoses submitted so far.
    pub(super) diagnoses: usize,
    /// The latest looks.
    pub(super) observations: Vec<LookOf>,
    /// Looks in all.
    pub(super) looks: usize,
    /// Dashboards that stand open: glance_at_dashboard is free for them.
    pub(super) open_boards: Vec<String>,
    /// The last lines of the channel.
    pub(super) channel: Vec<Spoken>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct OrderOf {
    pub(super) action: String,
    /// `ordered`, `in effect`, or why it was refused.
    pub(super) state: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PinOf {
    pub(super) observation: String,
    pub(super) note: String,
    /// Mechanisms with `for` or `against`.
    pub(super) speaks: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct LookOf {
    pub(super) observation: String,
    pub(super) time: String,
    pub(super) what: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Spoken {
    pub(super) time: String,
    pub(super) from: String,
    pub(super) text: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Actions {
    pub(super) actions: Vec<ActionOf>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct ActionOf {
    /// How it is written.
    pub(super) usage: String,
    pub(super) does: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PreviewOf {
    pub(super) action: String,
    /// What it touches.
    pub(super) scope: String,
    /// Seconds from the order to its first effect.
    pub(super) delay_s: f64,
    pub(super) reversible: bool,
    /// What take_action wants as `confirm`, where it cannot be taken back.
    pub(super) confirm: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Mechanisms {
    pub(super) mechanisms: Vec<MechanismOf>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct MechanismOf {
    pub(super) mechanism: String,
    pub(super) is: String,
    /// What it does to a system like this one, in general.
    pub(super) primer: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Postmortem {
    /// Text by section: what was handed in, over what the log can fill in by itself.
    pub(super) sections: BTreeMap<String, String>,
    /// What belongs in each section.
    pub(super) belongs: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Cases {
    pub(super) cases: Vec<CaseOf>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct CaseOf {
    /// What start_incident takes.
    pub(super) id: String,
    /// The text of the page.
    pub(super) page: String,
    /// From 1 to 5.
    pub(super) difficulty: u8,
    /// Length in simulated minutes.
    pub(super) minutes: u32,
}

/// What `list_cases` answers.
#[derive(Serialize, JsonSchema)]
pub(super) struct ListOfCases {
    pub(super) page: Option<PageOf>,
    pub(super) result: Cases,
}
