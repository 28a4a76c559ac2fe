//! Questions in the words of Prometheus' HTTP interface: the `data` of its answers, at moments of the asker's clock.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::metrics::labels::{Labels, NAME};
use crate::metrics::promql::{LOOKBACK_MS, PromqlError, Query, Sample, Value};
use crate::metrics::store::{Point, SeriesId, Store};
use crate::session::command::{Asked, Only, Question};
use crate::session::look::{Answer, Seen, metrics};
use crate::sim::time::SimTime;
use crate::telemetry::exemplars::exemplars;
use crate::telemetry::past::Past;
use crate::telemetry::watch::Watch;

/// Values that one answer may hold.
pub const MOST_VALUES: usize = 250_000;
/// Series whose labels one answer may hold.
pub const MOST_SERIES: usize = 10_000;

/// What it is, in a line.
pub fn title(asked: &Asked) -> String {
    match &asked.what {
        Question::Instant { query, .. } => format!("api query {query}"),
        Question::Range { query, .. } => format!("api query_range {query}"),
        Question::Exemplars { query, .. } => format!("api query_exemplars {query}"),
        Question::Targets => "api targets".to_string(),
        Question::Series { selectors, only, .. } => {
            let what = match only {
                Only::Whole => "series".to_string(),
                Only::Names => "labels".to_string(),
                Only::Values(label) => format!("label/{label}/values"),
            };
            format!("api {what} {}", selectors.join(" ")).trim_end().to_string()
        }
    }
}

/// Whether it can be asked at all.
///
/// # Errors
/// What is wrong with the question, and the way out.
pub fn check(watch: &Watch, asked: &Asked) -> Result<(), String> {
    match &asked.what {
        Question::Instant { query, at_ms: from_ms } | Question::Range { query, start_ms: from_ms, .. } => {
            let (query, window_ms) = (metrics::read(query)?, back_ms(watch, asked.zero_ms, *from_ms));
            Past::reach(&query, window_ms, watch.now_ms()).map(drop).map_err(|e| e.to_string())
        }
        Question::Exemplars { query, .. } => metrics::read(query).map(drop),
        Question::Series { selectors, .. } => selectors.iter().try_for_each(|s| metrics::read(s).map(drop)),
        Question::Targets => Ok(()),
    }
}

/// How long before now a moment of the asker's clock lies, in milliseconds.
fn back_ms(watch: &Watch, zero_ms: i64, moment_ms: i64) -> i64 {
    watch.now_ms().saturating_sub(moment_ms.saturating_sub(zero_ms)).max(0)
}

/// Answers with what is there now. A question that turns out to have no answer is answered with `errorType` and `error`.
pub fn answer(watch: &mut Watch, asked: &Asked) -> Answer {
    let (data, features) = match &asked.what {
        Question::Instant { query, at_ms } => evaluated(watch, asked.zero_ms, *at_ms, query, |query, store| {
            query.eval_at(store, *at_ms).and_then(|value| instant(value, *at_ms))
        }),
        Question::Range { query, start_ms, end_ms, step_ms } => {
            evaluated(watch, asked.zero_ms, *start_ms, query, |query, store| {
                let lines = query.eval_range(store, *start_ms, *end_ms, *step_ms)?;
                let rows = matrix(lines.iter().map(|line| (&line.labels, line.points.as_slice())))?;
                Ok(json!({ "resultType": "matrix", "result": rows }))
            })
        }
        Question::Series { selectors, start_ms, end_ms, only } => {
            let features = selectors.iter().filter_map(|s| Query::parse(s).ok()).flat_map(|q| q.metrics()).collect();
            let within = (start_ms.saturating_sub(asked.zero_ms), end_ms.saturating_sub(asked.zero_ms));
            (series(watch, selectors, within, only), features)
        }
        Question::Exemplars { query, start_ms, end_ms } => match Query::parse(query) {
            Ok(query) => {
                let moment = |ms: i64| SimTime(ms.saturating_sub(asked.zero_ms).max(0) as u64 * 1_000_000);
                watch.read_spans();
                let found = exemplars(watch, &query, moment(*start_ms), moment(*end_ms));
                let rows = found.iter().map(|(labels, examples)| {
                    let examples: Vec<Json> = (examples.iter())
                        .map(|e| {
                            let t_ms = asked.zero_ms + (e.at.0 / 1_000_000) as i64;
                            json!({ "labels": { "trace_id": e.trace }, "value": number(e.value), "timestamp": seconds(t_ms) })
                        })
                        .collect();
                    json!({ "seriesLabels": pairs(labels), "exemplars": examples })
                });
                (Json::from_iter(rows), query.metrics())
            }
            Err(error) => (failed(&error), Vec::new()),
        },
        Question::Targets => (targets(watch.world.scraped(), asked.zero_ms, watch.now_ms()), vec!["up".to_string()]),
    };
    let (from, to) = span(asked, watch.world.now());
    let features = features.iter().map(|name| format!("metric:{name}")).collect();
    Answer { title: title(asked), text: summary(&data), data, seen: Seen { features, from, to } }
}

/// The value of a query that looks at nothing, and so is no look: the `data` of its answer.
///
/// # Errors
/// It has none.
pub fn constant(query: &Query, asked: &Question) -> Result<Json, PromqlError> {
    let nothing = Store::default();
    match asked {
        Question::Range { start_ms, end_ms, step_ms, .. } => {
            let lines = query.eval_range(&nothing, *start_ms, *end_ms, *step_ms)?;
            let rows = matrix(lines.iter().map(|line| (&line.labels, line.points.as_slice())))?;
            Ok(json!({ "resultType": "matrix", "result": rows }))
        }
        Question::Instant { at_ms, .. } => instant(query.eval_at(&nothing, *at_ms)?, *at_ms),
        _ => Ok(json!([])),
    }
}

fn evaluated(
    watch: &mut Watch,
    zero_ms: i64,
    from_ms: i64,
    text: &str,
    evaluate: impl FnOnce(&Query, &Store) -> Result<Json, PromqlError>,
) -> (Json, Vec<String>) {
    let query = match Query::parse(text) {
        Ok(query) => query.since(zero_ms),
        Err(error) => return (failed(&error), Vec::new()),
    };
    let window_ms = back_ms(watch, zero_ms, from_ms);
    let data = match watch.with_metrics(&query, window_ms, |store| evaluate(&query, store)) {
        Ok(Ok(data)) => data,
        Ok(Err(error)) => failed(&error),
        Err(beyond) => failed(&beyond),
    };
    (data, query.metrics())
}

fn failed(why: &dyn std::fmt::Display) -> Json {
    json!({ "errorType": "execution", "error": why.to_string() })
}

fn instant(value: Value, at_ms: i64) -> Result<Json, PromqlError> {
    Ok(match value {
        Value::Scalar(value) => json!({ "resultType": "scalar", "result": [seconds(at_ms), number(value)] }),
        Value::Text(text) => json!({ "resultType": "string", "result": [seconds(at_ms), text] }),
        Value::Vector(samples) => {
            fits(samples.len(), MOST_VALUES)?;
            let row = |s: &Sample| json!({ "metric": pairs(&s.labels), "value": [seconds(at_ms), number(s.value)] });
            json!({ "resultType": "vector", "result": samples.iter().map(row).collect::<Vec<_>>() })
        }
        Value::Range(lines) => {
            let rows = matrix(lines.iter().map(|line| (&line.labels, line.points.as_slice())))?;
            json!({ "resultType": "matrix", "result": rows })
        }
    })
}

fn matrix<'l>(lines: impl Iterator<Item = (&'l Labels, &'l [Point])> + Clone) -> Result<Vec<Json>, PromqlError> {
    fits(lines.clone().map(|(_, points)| points.len()).sum(), MOST_VALUES)?;
    let values =
        |points: &[Point]| points.iter().map(|p| json!([seconds(p.t_ms), number(p.value)])).collect::<Vec<_>>();
    Ok(lines.map(|(labels, points)| json!({ "metric": pairs(labels), "values": values(points) })).collect())
}

fn fits(count: usize, most: usize) -> Result<(), PromqlError> {
    let message = || format!("the answer has {count} values, more than {most}: aggregate, or make the step longer");
    if most < count { Err(PromqlError::Steps(message())) } else { Ok(()) }
}

/// Series that have samples within a time, as the store has it.
fn series(watch: &mut Watch, selectors: &[String], (from_ms, to_ms): (i64, i64), only: &Only) -> Json {
    let mut found: BTreeSet<Labels> = BTreeSet::new();
    let mut add = |store: &Store, series: Vec<SeriesId>| {
        let there = series.into_iter().filter(|id| store.has_samples(*id, from_ms, to_ms));
        found.extend(there.map(|id| store.labels(id).clone()));
    };
    if selectors.is_empty() {
        let store = watch.world.scraped();
        add(store, store.all().collect());
    }
    for selector in selectors {
        let query = match Query::parse(selector) {
            Ok(query) => query,
            Err(error) => return failed(&error),
        };
        let window_ms = back_ms(watch, 0, from_ms).min(watch.now_ms());
        match watch.with_metrics(&query, window_ms, |store| query.series(store).map(|series| add(store, series))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return failed(&error),
            Err(beyond) => return failed(&beyond),
        }
    }
    let values = |label: &str| {
        let values: BTreeSet<&str> = found.iter().map(|labels| labels.get(label)).filter(|v| !v.is_empty()).collect();
        json!(values)
    };
    match only {
        Only::Names => {
            let names: BTreeSet<&str> = found.iter().flat_map(|labels| labels.pairs().map(|(name, _)| name)).collect();
            json!(names)
        }
        Only::Values(label) => values(label),
        Only::Whole if MOST_SERIES < found.len() => failed(&format!(
            "{} series fit, and an answer holds {MOST_SERIES}: name a metric or more labels",
            found.len()
        )),
        Only::Whole => Json::from_iter(found.iter().map(pairs)),
    }
}

/// What is scraped, as `up` and the times of scrapes have it: the monitoring system knows no more of its targets.
fn targets(store: &Store, zero_ms: i64, now_ms: i64) -> Json {
    let value = |name: &str, labels: &Labels| {
        let mut wanted = labels.without(&[NAME]);
        wanted.set(NAME, name);
        let of = store.select(Some(name), |labels| *labels == wanted);
        of.first().and_then(|id| store.last_at(*id, now_ms)).filter(|point| !point.is_stale())
    };
    let active = store.select(Some("up"), |_| true).into_iter().filter_map(|id| {
        let labels = store.labels(id);
        let up = store.last_at(id, now_ms).filter(|point| !point.is_stale())?;
        let took = value("scrape_duration_seconds", labels).map_or(0.0, |point| point.value);
        let own = labels.without(&[NAME]);
        Some(json!({
            "discoveredLabels": pairs(&own),
            "labels": pairs(&own),
            "scrapePool": own.get("job"),
            "scrapeUrl": format!("http://{}/metrics", own.get("pod")),
            "globalUrl": format!("http://{}/metrics", own.get("pod")),
            "lastError": if up.value == 1.0 { "" } else { "no answer" },
            "lastScrape": rfc3339(zero_ms + up.t_ms),
            "lastScrapeDuration": took,
            "health": if up.value == 1.0 { "up" } else { "down" },
            "scrapeInterval": "15s",
            "scrapeTimeout": "10s",
        }))
    });
    json!({ "activeTargets": active.collect::<Vec<_>>(), "droppedTargets": [] })
}

/// What an answer holds, in a line: its data go to whoever asked.
fn summary(data: &Json) -> String {
    if let Some(error) = data.get("error").and_then(Json::as_str) {
        return format!("no answer: {error}");
    }
    let rows = data.get("result").unwrap_or(data);
    match (data["resultType"].as_str(), rows.as_array()) {
        (Some("scalar" | "string"), Some(result)) => result[1].as_str().unwrap_or_default().to_string(),
        (Some("matrix"), Some(rows)) => {
            let values: usize = rows.iter().map(|row| row["values"].as_array().map_or(0, Vec::len)).sum();
            format!("{} series, {values} values", rows.len())
        }
        (Some(_), Some(rows)) => format!("{} series", rows.len()),
        (None, Some(rows)) => format!("{} entries", rows.len()),
        _ => "answered".to_string(),
    }
}

/// The time that a question speaks of, in the world's.
fn span(asked: &Asked, now: SimTime) -> (SimTime, SimTime) {
    let moment = |ms: i64| SimTime(ms.saturating_sub(asked.zero_ms).max(0) as u64 * 1_000_000).min(now);
    match asked.what {
        Question::Instant { at_ms, .. } => (moment(at_ms.saturating_sub(LOOKBACK_MS)), moment(at_ms)),
        Question::Range { start_ms, end_ms, .. }
        | Question::Series { start_ms, end_ms, .. }
        | Question::Exemplars { start_ms, end_ms, .. } => (moment(start_ms), moment(end_ms)),
        Question::Targets => (now, now),
    }
}

fn pairs(labels: &Labels) -> Json {
    Json::Object(labels.pairs().map(|(name, value)| (name.to_string(), Json::from(value))).collect())
}

/// Seconds after 1970, as Prometheus has moments in its JSON: whole where they are whole.
pub fn seconds(ms: i64) -> Json {
    if ms % 1000 == 0 { json!(ms / 1000) } else { json!(ms as f64 / 1000.0) }
}

/// A value as Prometheus has it in its JSON: a text, with an exponent where it is very small or very large.
pub fn number(value: f64) -> Json {
    let size = value.abs();
    Json::String(match value {
        v if v.is_nan() => "NaN".to_string(),
        v if v == f64::INFINITY => "+Inf".to_string(),
        v if v == f64::NEG_INFINITY => "-Inf".to_string(),
        v if v != 0.0 && !(1e-6..1e21).contains(&size) => {
            let text = format!("{v:e}");
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        v => v.to_string(),
    })
}

/// A moment as Prometheus writes it where it writes one as a text.
pub fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| "0001-01-01T00:00:00Z".to_string(), |t| t.to_string())
}
