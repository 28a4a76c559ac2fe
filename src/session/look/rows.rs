//! Questions to rows: SQL, comparisons, log lines, traces.

use serde_json::json;

use crate::session::look::{Answer, Seen};
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::calendar::span;
use crate::telemetry::log_search::{LogSearch, search};
use crate::telemetry::spans::SpanQuery;
use crate::telemetry::sql::{Coverage, SqlError};
use crate::telemetry::watch::Watch;

/// Rows of an answer that are shown as text; data has all.
const SHOWN: usize = 60;
/// The widest that a column is shown.
const WIDEST: usize = 60;
/// Dimensions that a comparison names.
const DIMENSIONS: usize = 12;
/// Columns of a waterfall.
const WIDTH: usize = 100;
/// Traces that a search lists.
const TRACES: usize = 25;

fn drawn(error: &SqlError, text: &str) -> String {
    let marked = error.marked(text);
    if marked.is_empty() {
        return error.to_string();
    }
    let lines: Vec<String> = marked.lines().map(|line| format!("    {line}")).collect();
    format!("{error}\n{}", lines.join("\n"))
}

fn seen(watch: &Watch, read: &Coverage) -> Seen {
    let moment = |ms: Option<i64>| ms.map(|ms| watch.scene.calendar.moment(ms));
    let features = read.tables.iter().flat_map(|t| t.columns.iter().map(move |c| format!("column:{}.{c}", t.table)));
    Seen {
        features: features.collect(),
        from: read.tables.iter().filter_map(|t| moment(t.from_ms)).min().unwrap_or_default(),
        to: read.tables.iter().filter_map(|t| moment(t.to_ms)).max().unwrap_or_default(),
    }
}

/// Answers a statement.
///
/// # Errors
/// It is no SQL that may be asked here.
pub fn sql(watch: &mut Watch, text: &str) -> Result<Answer, String> {
    let answer = watch.with_tables(text, |sql, tables| sql.query(tables, text)).map_err(|e| drawn(&e, text))?;
    let rows: Vec<Vec<String>> =
        answer.rows.iter().take(SHOWN).map(|row| row.iter().map(ToString::to_string).collect()).collect();
    let mut shown = grid(&answer.columns, &rows);
    match (answer.rows.len(), answer.truncated) {
        (0, _) => shown.push_str("\nno rows"),
        (n, true) => shown.push_str(&format!("\nthe first {n} rows; there are more: narrow it, or aggregate")),
        (n, false) if SHOWN < n => shown.push_str(&format!("\n{n} rows, {SHOWN} shown")),
        (1, false) => shown.push_str("\n1 row"),
        (n, false) => shown.push_str(&format!("\n{n} rows")),
    }
    let data = json!({ "columns": answer.columns, "rows": answer.rows, "truncated": answer.truncated });
    let seen = seen(watch, &answer.read);
    Ok(Answer { title: format!("sql {text}"), text: shown, data, seen })
}

/// A table as text.
fn grid(columns: &[String], rows: &[Vec<String>]) -> String {
    let flat = |text: &str| text.replace('\n', " / ").chars().take(WIDEST).collect::<String>();
    let width = |place: usize| {
        let cells = rows.iter().filter_map(|row| row.get(place)).map(|cell| flat(cell).chars().count());
        cells.chain([columns[place].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_string()
    };
    let mut lines = vec![line(&mut columns.iter().cloned())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(|cell| flat(cell)))));
    lines.join("\n")
}

/// Compares rows inside a selection with those outside.
///
/// # Errors
/// It is no condition, or one side is empty.
pub fn compare(watch: &mut Watch, selection: &str) -> Result<Answer, String> {
    compared(watch, selection, DIMENSIONS)
}

/// Checks a statement, or what `WHERE` takes, without running it.
///
/// # Errors
/// It is none, or names what is not there.
pub fn check(watch: &mut Watch, text: &str, is_selection: bool) -> Result<(), String> {
    watch.check_sql(text, is_selection).map_err(|e| drawn(&e, text))
}

/// The same with so many dimensions at most.
pub(in crate::session) fn compared(watch: &mut Watch, selection: &str, most: usize) -> Result<Answer, String> {
    let found = watch
        .with_tables(selection, |sql, tables| crate::telemetry::compare::compare(sql, tables, selection, "", most))
        .map_err(|e| drawn(&e, selection))?;
    let columns = ["differs", "dimension", "value", "inside", "outside"].map(str::to_string);
    let share = |s: f64| format!("{:.1} %", s * 100.0);
    let rows: Vec<Vec<String>> = (found.differences.iter())
        .map(|d| {
            vec![
                format!("{:.2}", d.distance),
                d.dimension.to_string(),
                d.value.clone(),
                share(d.inside),
                share(d.outside),
            ]
        })
        .collect();
    let text = format!("{} rows inside, {} outside\n{}", found.inside, found.outside, grid(&columns, &rows));
    let seen = seen(watch, &found.read);
    Ok(Answer { title: format!("compare {selection}"), text, data: json!(found), seen })
}

/// Searches log lines.
///
/// # Errors
/// The pattern is none, or nothing is called so.
pub fn logs(watch: &mut Watch, of: &str, since_s: u32, grep: &str) -> Result<Answer, String> {
    watch.read_logs();
    let (now, calendar) = (watch.world.now(), watch.scene.calendar);
    let since = SimDuration::from_secs(u64::from(since_s));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_string());
    let is_service = watch.logs.lines().iter().any(|line| line.service == of);
    let ask = LogSearch {
        service: some(of).filter(|_| is_service),
        pod: some(of).filter(|_| !is_service),
        since: Some(since),
        grep: some(grep),
        limit: SHOWN,
        ..LogSearch::default()
    };
    let found = search(watch.logs.lines(), now, &ask).map_err(|e| e.to_string())?;
    let mut text = String::new();
    let mut traces: Vec<&str> = Vec::new();
    for hit in &found.lines {
        let line = hit.line;
        // A stack trace that was printed already is not printed again.
        let (first, trace) = line.body.split_once('\n').unwrap_or((&line.body, ""));
        let body = if trace.is_empty() {
            first.to_string()
        } else if let Some(n) = traces.iter().position(|known| *known == trace) {
            format!("{first}\n    (trace #{} again)", n + 1)
        } else {
            traces.push(trace);
            format!("{first}\n    trace #{}:\n    {}", traces.len(), trace.replace('\n', "\n    "))
        };
        text.push_str(&format!("{} {:<5} {} {body}\n", calendar.clock(line.at), line.level.as_str(), line.pod));
    }
    text.push_str(&format!("{} of {} lines in {}", found.total, found.searched, span(since)));
    if found.lines.len() < found.total {
        text.push_str(&format!(", the last {} shown", found.lines.len()));
    }
    for facet in found.facets.iter().filter(|facet| !facet.values.is_empty()) {
        let values: Vec<String> = facet.values.iter().take(8).map(|(v, n)| format!("{v} {n}")).collect();
        text.push_str(&format!("\n{}: {}", facet.name, values.join(", ")));
    }
    let rows: Vec<_> = (found.lines.iter())
        .map(|hit| {
            let l = hit.line;
            json!({ "time": calendar.iso(l.at), "level": l.level.as_str(), "service": l.service, "pod": l.pod,
                    "trace": l.trace, "request": l.request, "body": l.body })
        })
        .collect();
    let data = json!({ "lines": rows, "total": found.total, "searched": found.searched, "facets": found.facets });
    let what = if of.is_empty() { "all" } else { of };
    let seen = Seen { features: vec![format!("logs:{what}")], from: SimTime(now.0.saturating_sub(since.0)), to: now };
    Ok(Answer { title: format!("logs {of} {grep}").trim_end().to_string(), text, data, seen })
}

/// One trace, by its own id or a request's.
///
/// # Errors
/// None was kept of that id.
pub fn trace(watch: &mut Watch, id: &str) -> Result<Answer, String> {
    watch.read_spans();
    let of_request = || {
        let attempts = watch.world.recording().attempts();
        let row = attempts.iter().find(|row| watch.scene.request(row.serial) == id)?;
        Some(watch.scene.trace(row.intent))
    };
    let trace = of_request().unwrap_or_else(|| id.to_string());
    let spans = watch.spans.trace(&trace);
    if spans.is_empty() {
        return Err(format!(
            "no trace of {id} was kept: one request in ten is, and some of those that fail; `traces` lists them"
        ));
    }
    let text = crate::telemetry::spans::waterfall(&spans, WIDTH);
    let rows: Vec<_> = (spans.iter())
        .map(|s| {
            let attributes: serde_json::Map<String, serde_json::Value> =
                s.attributes.iter().map(|(k, v)| (k.to_string(), json!(v))).collect();
            json!({ "span": s.span, "parent": s.parent, "service": s.service, "pod": s.pod, "name": s.name,
                    "start": watch.scene.calendar.iso(s.start), "duration_s": s.duration.as_secs_f64(),
                    "error": s.error, "attributes": attributes })
        })
        .collect();
    let (from, to) = (spans.iter().map(|s| s.start).min(), spans.iter().map(|s| s.end()).max());
    let seen = Seen { features: vec!["trace".to_string()], from: from.unwrap_or_default(), to: to.unwrap_or_default() };
    Ok(Answer { title: format!("trace {id}"), text, data: json!({ "trace": trace, "spans": rows }), seen })
}

/// Reads `service=S min_ms=N error since_s=N`.
///
/// # Errors
/// A word that is none of these.
pub fn filter(text: &str, now: SimTime) -> Result<SpanQuery, String> {
    let mut query = SpanQuery::default();
    let number = |value: &str| value.parse::<u64>().map_err(|_| format!("\"{value}\" is no number"));
    for word in text.split_whitespace() {
        match word.split_once('=') {
            Some(("service", service)) => query.service = Some(service.to_string()),
            Some(("min_ms", ms)) => query.at_least = SimDuration::from_millis(number(ms)?),
            Some(("since_s", s)) => {
                query.since = SimTime(now.0.saturating_sub(number(s)?.saturating_mul(1_000_000_000)))
            }
            None if word == "error" => query.error = true,
            _ => return Err(format!("\"{word}\" narrows nothing: service=S, min_ms=N, error, since_s=N")),
        }
    }
    Ok(query)
}

/// Lists traces that were kept.
///
/// # Errors
/// A word that narrows nothing.
pub fn traces(watch: &mut Watch, text: &str) -> Result<Answer, String> {
    watch.read_spans();
    let now = watch.world.now();
    let query = filter(text, now)?;
    let found = watch.spans.search(&query, TRACES);
    let calendar = watch.scene.calendar;
    let columns = ["start", "took", "tries", "failed", "trace", "what"].map(str::to_string);
    let took = |d: SimDuration| format!("{:.2} s", d.as_secs_f64());
    let rows: Vec<Vec<String>> = (found.iter())
        .map(|t| {
            vec![
                calendar.clock(t.start),
                took(t.duration),
                t.tries.to_string(),
                t.errors.to_string(),
                t.trace.clone(),
                t.name.clone(),
            ]
        })
        .collect();
    let text_of = if rows.is_empty() { "no trace that was kept fits".to_string() } else { grid(&columns, &rows) };
    let data: Vec<_> = (found.iter())
        .map(|t| {
            json!({ "trace": t.trace, "name": t.name, "start": calendar.iso(t.start),
                         "duration_s": t.duration.as_secs_f64(), "tries": t.tries, "errors": t.errors })
        })
        .collect();
    let seen = Seen { features: vec!["traces".to_string()], from: query.since, to: now };
    Ok(Answer {
        title: format!("traces {text}").trim_end().to_string(),
        text: text_of,
        data: json!({ "traces": data }),
        seen,
    })
}
