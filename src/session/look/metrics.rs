//! Questions to the monitoring system, in PromQL.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::metrics::labels::Labels;
use crate::metrics::promql::{Line, MOST_STEPS, Query, Value, warnings};
use crate::session::look::{Answer, Seen};
use crate::sim::time::SimTime;
use crate::sim::world::exposition::{Kind, metrics};
use crate::telemetry::alerts::SERIES;
use crate::telemetry::inputs::INPUTS;
use crate::telemetry::past::{Past, Reach};
use crate::telemetry::watch::{Watch, ms};

/// Rows and columns that are shown; data has all.
const MOST_ROWS: usize = 60;
/// See [`MOST_ROWS`].
const MOST_COLUMNS: usize = 8;
/// Samples of a range that an answer holds, with all of its series.
const MOST_POINTS: usize = 100_000;
/// Points of a range where no step was named.
const USUAL_POINTS: u32 = 30;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Seconds that an instant looks back.
const LOOKBACK_S: u32 = 300;

/// Reads a query.
///
/// # Errors
/// Where and what is wrong with it, drawn under its text.
pub fn read(text: &str) -> Result<Query, String> {
    Query::parse(text).map_err(|error| drawn(text, &error.to_string(), error.place().map(|place| place.characters)))
}

/// An error under the text it is in.
fn drawn(text: &str, message: &str, at: Option<usize>) -> String {
    match at {
        Some(at) => format!("{message}\n    {text}\n    {}^", " ".repeat(at)),
        None => message.to_string(),
    }
}

/// The date of the beginning of the world, in milliseconds since 1970: `time()`, `hour()` and `@` are on the calendar.
fn zero_ms(watch: &Watch) -> i64 {
    watch.scene.calendar.unix_ms(SimTime::ZERO)
}

/// Every metric that can be asked for, and how it is to be read.
pub fn kinds() -> BTreeMap<String, Kind> {
    let beside = INPUTS.iter().map(|input| input.name).chain(SERIES);
    (metrics().into_iter().map(|m| (m.name, m.kind)))
        .chain(beside.map(|name| (name, Kind::Gauge)))
        .map(|(name, kind)| (name.to_string(), kind))
        .collect()
}

/// Answers at this moment, or over a stretch of time up to it.
///
/// # Errors
/// The query is wrong, looks at too much, or speaks of a time that is not kept.
pub fn answer(watch: &mut Watch, text: &str, window_s: Option<u32>, step_s: Option<u32>) -> Result<Answer, String> {
    let query = read(text)?.since(zero_ms(watch));
    let now = watch.world.now();
    let from = SimTime(now.0.saturating_sub(u64::from(window_s.unwrap_or(LOOKBACK_S)) * 1_000_000_000));
    let (text_of, mut data) = match window_s {
        None => at_once(watch, &query)?,
        Some(window) => over(watch, &query, window, step_s)?,
    };
    let said: Vec<String> =
        warnings(&query, &kinds()).into_iter().map(|w| format!("note: {} ({})", w.message, w.at)).collect();
    if !said.is_empty() {
        data["notes"] = json!(said);
    }
    let text_of = said.into_iter().chain([text_of]).collect::<Vec<_>>().join("\n");
    let features = query.metrics().iter().map(|name| format!("metric:{name}")).collect();
    Ok(Answer { title: format!("explore {text}"), text: text_of, data, seen: Seen { features, from, to: now } })
}

fn at_once(watch: &mut Watch, query: &Query) -> Result<(String, Json), String> {
    let now_ms = watch.now_ms() + zero_ms(watch);
    let value = watch.with_metrics(query, 0, |store| query.eval_at(store, now_ms)).map_err(|e| e.to_string())?;
    Ok(match value.map_err(|e| e.to_string())? {
        Value::Scalar(number) => (cell(Some(number)), json!({ "scalar": finite(number) })),
        Value::Text(text) => (text.clone(), json!({ "text": text })),
        Value::Vector(samples) if samples.is_empty() => (nothing(), json!({ "vector": [] })),
        Value::Vector(samples) => {
            let rows = samples.iter().take(MOST_ROWS).map(|s| format!("{:>12}  {}\n", cell(Some(s.value)), s.labels));
            let more = samples.len().saturating_sub(MOST_ROWS);
            let more = if 0 < more { format!("and {more} more series") } else { String::new() };
            let text = rows.collect::<String>() + &more;
            let vector: Vec<Json> =
                samples.iter().map(|s| json!({ "labels": labels(&s.labels), "value": finite(s.value) })).collect();
            (text.trim_end().to_string(), json!({ "vector": vector }))
        }
        Value::Range(lines) => {
            let points: usize = lines.iter().map(|line| line.points.len()).sum();
            if MOST_POINTS < points {
                return Err(format!(
                    "its range holds {points} samples, and {MOST_POINTS} can be shown: ask for a shorter one, or of a subquery for \
                     a longer step"
                ));
            }
            table(watch, &lines)
        }
    })
}

fn over(watch: &mut Watch, query: &Query, window_s: u32, step_s: Option<u32>) -> Result<(String, Json), String> {
    let step = step_s.unwrap_or_else(|| window_s.div_ceil(USUAL_POINTS).next_multiple_of(15)).max(1);
    if MOST_STEPS as u32 <= window_s / step {
        return Err(format!("more than {MOST_STEPS} points: make the step longer"));
    }
    let end_ms = ms(watch.world.now());
    let (window_ms, step_ms) = (i64::from(window_s) * 1000, i64::from(step) * 1000);
    // Before the world began there are inputs only.
    let before = Past::reach(query, window_ms, end_ms).map_err(|e| e.to_string())? == Reach::Inputs;
    let start_ms = if before { end_ms - window_ms } else { (end_ms - window_ms).max(0) };
    let zero_ms = zero_ms(watch);
    let lines = watch
        .with_metrics(query, window_ms, |store| query.eval_range(store, start_ms + zero_ms, end_ms + zero_ms, step_ms))
        .map_err(|e| e.to_string())?
        .map_err(|e| e.to_string())?;
    Ok(table(watch, &lines))
}

/// Series side by side over time.
fn table(watch: &Watch, lines: &[Line]) -> (String, Json) {
    let calendar = watch.scene.calendar;
    let zero_ms = zero_ms(watch);
    let first_ms = lines.iter().filter_map(|line| line.points.first()).map(|p| p.t_ms).min().unwrap_or(0);
    let dated = first_ms < zero_ms + ms(watch.world.now()) - DAY_MS;
    let time = |t_ms: i64| calendar.at_ms(t_ms - zero_ms, dated);
    let series: Vec<Json> = lines
        .iter()
        .map(|line| {
            let points: Vec<Json> = line.points.iter().map(|p| json!([time(p.t_ms), finite(p.value)])).collect();
            json!({ "labels": labels(&line.labels), "points": points })
        })
        .collect();
    if lines.is_empty() {
        return (nothing(), json!({ "matrix": series }));
    }
    let shown = &lines[..lines.len().min(MOST_COLUMNS)];
    let mut text = String::new();
    for (number, line) in shown.iter().enumerate() {
        text.push_str(&format!("[{}] {}\n", number + 1, line.labels));
    }
    if MOST_COLUMNS < lines.len() {
        text.push_str(&format!("and {} more series: aggregate, or take --json\n", lines.len() - MOST_COLUMNS));
    }
    let width = if dated { 17 } else { 9 };
    text.push_str(&format!("{:<width$}", "time"));
    shown.iter().enumerate().for_each(|(n, _)| text.push_str(&format!("{:>12}", format!("[{}]", n + 1))));
    let mut moments: Vec<i64> = shown.iter().flat_map(|l| l.points.iter().map(|p| p.t_ms)).collect();
    moments.sort_unstable();
    moments.dedup();
    for t_ms in moments {
        text.push_str(&format!("\n{:<width$}", time(t_ms)));
        for line in shown {
            let place = line.points.binary_search_by_key(&t_ms, |p| p.t_ms);
            text.push_str(&format!("{:>12}", cell(place.ok().map(|p| line.points[p].value))));
        }
    }
    (text, json!({ "matrix": series }))
}

fn nothing() -> String {
    "no series answers: nothing has these labels now. A series that has ended is a gap, not a zero".to_string()
}

fn labels(labels: &Labels) -> BTreeMap<&str, &str> {
    labels.pairs().collect()
}

fn finite(value: f64) -> Json {
    if value.is_finite() { json!(value) } else { json!(value.to_string()) }
}

/// A gap is a gap, never a zero.
pub fn cell(value: Option<f64>) -> String {
    match value {
        None => "-".to_string(),
        Some(v) if !v.is_finite() => v.to_string(),
        Some(v) if v == 0.0 || 1000.0 <= v.abs() => format!("{v:.0}"),
        Some(v) if 1.0 <= v.abs() => format!("{v:.2}"),
        Some(v) => format!("{v:.4}"),
    }
}
