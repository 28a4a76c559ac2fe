//! Whether what an assistant states is so: each statement is held against what its query answers at that moment, asked
//! again. Causes are no facts, and nothing here knows the truth.
//!
//! That is done in replays with answers. A line went from within what it was to within what it is, and the right way;
//! every number of a sentence stands in what was answered, or follows from it by a count, a difference or a per cent.
//! What has no number is not counted. That is how it was found that the scripted looks stated a number that the query
//! beside it did not show.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::session::advice::Citation;
use crate::session::look::delegated::ALL_DIMENSIONS;
use crate::session::look::{self, rows};
use crate::telemetry::watch::Watch;

/// A stated number may differ from what it was by so much: what is read off a chart is not read to the digit.
const WITHIN: f64 = 0.05;
/// A line that moved by less than this share stands: a fifth.
const MOVES: f64 = 0.2;

/// What a statement says of a line, as numbers in the line's own unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reads {
    /// The line's legend; empty: any of them.
    #[serde(default)]
    pub line: String,
    /// What it was.
    pub from: f64,
    /// What it is.
    pub to: f64,
}

/// Where something was stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// In what a look of the assistant's own found.
    Looked {
        /// The observation.
        observation: u32,
    },
    /// In a citation of its advice.
    Cited {
        /// Which advice, from 1.
        advice: u32,
        /// Which of its citations, from 1.
        citation: u32,
    },
}

/// Something that was stated, and whether it was so.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stated {
    /// Where.
    pub source: Source,
    /// What.
    pub says: String,
    /// Whether it was so; none: it states nothing that can be held against an answer.
    pub holds: Option<bool>,
}

/// Whether what a citation says is what its look answers now.
pub(super) fn citation_holds(watch: &mut Watch, citation: &Citation) -> Option<bool> {
    let Ok(answer) = look::answer(watch, &citation.look) else { return Some(false) };
    match &citation.reads {
        Some(reads) => Some(reads_hold(&answer.data, &citation.shows, reads)),
        None => numbers_stand(&citation.says, &[Value::String(answer.text)]),
    }
}

/// Whether every fact of a look that was delegated is what its query answers now, asked again.
pub(super) fn facts_hold(watch: &mut Watch, data: &Value) -> Vec<(String, Option<bool>)> {
    let facts = data["facts"].as_array().map_or(&[][..], Vec::as_slice);
    // A fact may put together what several queries answered.
    let answers: Vec<Option<Value>> = facts
        .iter()
        .map(|fact| {
            let query = fact["query"].as_str()?;
            let answer = match query.strip_prefix("compare ") {
                Some(selection) => rows::compared(watch, selection, ALL_DIMENSIONS),
                None => rows::sql(watch, query),
            };
            answer.ok().map(|answer| answer.data)
        })
        .collect();
    let all: Vec<Value> = answers.iter().flatten().cloned().collect();
    let holds = |fact: &Value, answer: &Option<Value>| {
        let says = fact["says"].as_str().unwrap_or_default();
        // That a query has no answer is a statement too, and has no number.
        let holds = if answer.is_some() { numbers_stand(says, &all) } else { numbers_stand(says, &[]) };
        (says.to_string(), holds)
    };
    facts.iter().zip(&answers).map(|(fact, answer)| holds(fact, answer)).collect()
}

/// Whether a line went as stated: from within what it was in the first three fifths to within what it is in the last,
/// and up or down with their means.
fn reads_hold(data: &Value, shows: &str, reads: &Reads) -> bool {
    let panels = data["panels"].as_array().into_iter().flatten().filter(|panel| panel["title"] == shows);
    let of_board = panels.flat_map(|panel| panel["series"].as_array().into_iter().flatten());
    let of_board = of_board.map(|series| (text(&series["legend"]), numbers(series["values"].as_array())));
    let of_query = data["matrix"].as_array().into_iter().flatten().map(|series| {
        let points = series["points"].as_array().into_iter().flatten();
        let labels: Vec<String> =
            series["labels"].as_object().into_iter().flatten().map(|(_, value)| text(value)).collect();
        (labels.join(" "), points.filter_map(|point| point[1].as_f64()).collect())
    });
    let lines: Vec<(String, Vec<f64>)> = of_board.chain(of_query).collect();
    // A line of a query has no legend but its labels, however they were put together.
    let named = |legend: &str| legend.split_whitespace().all(|word| reads.line.contains(word));
    let fits = |(legend, values): &&(String, Vec<f64>)| {
        (lines.len() == 1 || reads.line.is_empty() || named(legend)) && !values.is_empty()
    };
    lines.iter().filter(fits).any(|(_, values)| {
        let n = values.len();
        let (before, after) = (&values[..(n * 3 / 5).max(1)], &values[n - (n / 5).max(3).min(n)..]);
        let went = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
        let moved = |from: f64, to: f64| {
            let most = from.abs().max(to.abs()).max(f64::MIN_POSITIVE);
            if (to - from).abs() < MOVES * most { 0.0 } else { (to - from).signum() }
        };
        let stated = moved(reads.from, reads.to);
        within(reads.from, before) && within(reads.to, after) && stated * moved(went(before), went(after)) >= 0.0
    })
}

fn within(stated: f64, values: &[f64]) -> bool {
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let slack = WITHIN * stated.abs().max(high.abs());
    (low - slack..=high + slack).contains(&stated)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn numbers(values: Option<&Vec<Value>>) -> Vec<f64> {
    values.into_iter().flatten().filter_map(Value::as_f64).collect()
}

/// Whether every number of a sentence stands in what was answered, as it was rounded there; or is the number of rows, of
/// rows that end alike, a share in per cent, or what two numbers of a row leave. None: the sentence has no number.
fn numbers_stand(says: &str, answers: &[Value]) -> Option<bool> {
    let stated = digits(says);
    if stated.is_empty() {
        return None;
    }
    let mut known = Vec::new();
    for answer in answers {
        collect(answer, &mut known);
    }
    // Minutes and seconds of the question itself.
    known.extend([15.0, 3.0]);
    let stands = |word: &String| {
        let decimals = word.split_once('.').map_or(0, |(_, rest)| rest.len() as i32);
        let unit = libm::pow(10.0, f64::from(-decimals));
        let number: f64 = word.parse().unwrap_or(f64::NAN);
        known.iter().any(|k| (k.abs() - number).abs() <= 0.501 * unit)
    };
    Some(stated.iter().all(stands))
}

/// Numbers without their signs, as they are written.
fn digits(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let words = text.split(|c: char| !is_part(c)).map(|word| word.trim_matches('.'));
    words.filter(|word| !word.is_empty() && word.matches('.').count() < 2).map(str::to_string).collect()
}

fn collect(value: &Value, known: &mut Vec<f64>) {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            known.extend([number, number * 100.0]);
        }
        Value::String(text) => known.extend(digits(text).iter().filter_map(|word| word.parse::<f64>().ok())),
        Value::Array(items) => {
            items.iter().for_each(|item| collect(item, known));
            known.push(items.len() as f64);
            let plain: Vec<f64> = items.iter().filter_map(Value::as_f64).collect();
            known.extend(plain.iter().flat_map(|a| plain.iter().map(move |b| a - b)));
            let mut alike: BTreeMap<String, u32> = BTreeMap::new();
            for row in items.iter().filter_map(Value::as_array) {
                *alike.entry(ending(row.last().unwrap_or(&Value::Null))).or_default() += 1;
            }
            known.extend(alike.values().map(|n| f64::from(*n)));
            known.push(alike.len().saturating_sub(1) as f64);
        }
        Value::Object(fields) => fields.values().for_each(|field| collect(field, known)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The last line of a text, digits left out.
fn ending(value: &Value) -> String {
    let text = text(value);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_goes_as_stated_or_not() {
        let values = [50, 51, 50, 49, 50, 50, 90, 140, 150, 152];
        let data = json!({ "panels": [{ "title": "Requests", "series": [{ "legend": "all", "values": values }] }] });
        let reads = |line: &str, from: f64, to: f64| Reads { line: line.to_string(), from, to };
        for (shows, reads, holds) in [
            ("Requests", reads("all", 50.0, 150.0), true),
            ("Requests", reads("", 50.0, 150.0), true),
            ("Requests", reads("all", 150.0, 50.0), false),
            ("Requests", reads("all", 50.0, 250.0), false),
            ("Requests", reads("all", 80.0, 150.0), false),
            ("Failures", reads("all", 50.0, 150.0), false),
        ] {
            assert_eq!(reads_hold(&data, shows, &reads), holds, "{shows} {reads:?}");
        }
        let query = json!({ "matrix": [{ "labels": { "pool": "a" }, "points": [[0, 1.0], [1, 1.0], [2, 1.0], [3, 1.0], [4, 1.0], [5, 3.0], [6, 3.0], [7, 3.0]] }] });
        assert!(reads_hold(&query, "it", &reads("a", 1.0, 3.0)) && !reads_hold(&query, "it", &reads("a", 1.0, 1.0)));
    }

    #[test]
    fn numbers_stand_in_an_answer_or_not() {
        let rows = [json!({ "rows": [["chat", 0.854, 4012, 203], ["batch", 0.1, 7, 7]] })];
        for (says, holds) in [
            ("85 % of chat", Some(true)),
            ("4012 made, 3809 of them silent", Some(true)),
            ("86 % of chat", Some(false)),
            ("4012 made, 3810 of them silent", Some(false)),
            ("chat it is", None),
        ] {
            assert_eq!(numbers_stand(says, &rows), holds, "{says}");
        }
    }
}
