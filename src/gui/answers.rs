//! Answers as panels show them: made once, when an answer comes, so that a frame only draws.

use egui_plot::PlotPoint;
use serde_json::Value as Json;

use crate::gui::panels::context;
use crate::session::command::Look;
use crate::session::look::Answer;
use crate::telemetry::panels::{Board, Unit};

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is.
    pub legend: String,
    /// Unbroken stretches: a gap is a gap.
    pub stretches: Vec<Vec<PlotPoint>>,
    /// The last value.
    pub last: Option<f64>,
    /// The mean over the window before.
    pub before: Option<f64>,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub says: String,
    /// Of its numbers.
    pub unit: Unit,
    /// A value worth a mark.
    pub threshold: Option<f64>,
    /// Lines.
    pub lines: Vec<Line>,
    /// From and to, in seconds of the day.
    pub span: (f64, f64),
    /// The same in words.
    pub summary: String,
    /// The queries behind it, for Explore.
    pub queries: Vec<String>,
    /// How values are spread, where the answer has buckets.
    pub heat: Option<Heat>,
}

/// How values are spread over time: a cell for each moment and bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// Moments, in seconds of the day.
    pub moments: Vec<f64>,
    /// Upper ends of the buckets, ascending.
    pub ends: Vec<f64>,
    /// How much is in each, moment by moment, from 0 to 1 of the fullest.
    pub cells: Vec<f32>,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Heads.
    pub columns: Vec<String>,
    /// Rows of cells.
    pub rows: Vec<Vec<String>>,
    /// Characters that each column needs.
    pub widths: Vec<usize>,
}

/// A span of a trace.
#[derive(Clone, Debug)]
pub struct Bar {
    /// How deep.
    pub depth: usize,
    /// Service and name.
    pub name: String,
    /// Pod.
    pub pod: String,
    /// Seconds from the trace's beginning.
    pub from_s: f64,
    /// Seconds.
    pub took_s: f64,
    /// Whether it failed.
    pub error: bool,
    /// Whether the trace's end waits for it.
    pub critical: bool,
    /// What else is known.
    pub attributes: Vec<(String, String)>,
}

/// A dimension in which rows inside a selection differ from those outside.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct Difference {
    /// The column.
    pub dimension: String,
    /// The distance of its two distributions, from 0 to 1.
    pub distance: f64,
    /// The value that differs most.
    pub value: String,
    /// Its share inside, from 0 to 1.
    pub inside: f64,
    /// Its share outside, from 0 to 1.
    pub outside: f64,
}

/// What a comparison gave.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct Differs {
    /// Rows inside.
    pub inside: u64,
    /// Rows outside.
    pub outside: u64,
    /// Dimensions, the most different first.
    #[serde(rename = "differences")]
    pub rows: Vec<Difference>,
}

/// An answer, ready to be drawn.
#[derive(Clone, Debug)]
pub enum Shown {
    /// Charts.
    Charts(Vec<Chart>),
    /// A comparison.
    Differs(Differs),
    /// Rows.
    Rows(Table),
    /// A trace.
    Waterfall(Vec<Bar>),
    /// As it was written.
    Text,
}

/// A board's data, ready to be drawn.
pub fn board_of(board: &str, data: &Json) -> Shown {
    Shown::Charts(board_charts(board, data))
}

/// The widest that a column is.
const WIDEST: usize = 64;
/// The same of a log line.
const LINE: usize = 400;

/// Makes an answer ready.
pub fn shown(look: &Look, answer: &Answer) -> Shown {
    let data = &answer.data;
    match look {
        Look::Board { board, .. } => Shown::Charts(board_charts(board, data)),
        Look::Promql { query, .. } if data["matrix"].as_array().is_some_and(|m| !m.is_empty()) => {
            Shown::Charts(vec![matrix(query, data)])
        }
        Look::Promql { .. } if data["vector"].as_array().is_some_and(|v| !v.is_empty()) => Shown::Rows(vector(data)),
        look if context::of(look).is_some() && data["rows"].is_array() => Shown::Rows(around(data)),
        Look::Sql { .. } if data["columns"].is_array() => Shown::Rows(rows_of(data)),
        Look::Traces { .. } if data["traces"].is_array() => Shown::Rows(traces(data)),
        Look::Changes { id, .. } if id.is_empty() => Shown::Rows(changes(data)),
        Look::Logs { .. } if data["lines"].is_array() => Shown::Rows(log_lines(data)),
        Look::Compare { .. } => serde_json::from_value(data.clone()).map_or(Shown::Text, Shown::Differs),
        Look::Trace { .. } if data["spans"].is_array() => Shown::Waterfall(waterfall(data)),
        _ => Shown::Text,
    }
}

fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => "-".to_string(),
        Json::Number(n) => match n.as_f64() {
            Some(v) if n.is_f64() => crate::session::look::metrics::cell(Some(v)),
            _ => n.to_string(),
        },
        other => other.to_string(),
    }
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Seconds of a time of day, as in `14:05:30`.
pub fn seconds_of_day(clock: &str) -> Option<f64> {
    let mut parts = clock.rsplit(['T', ' ']).next()?.trim_end_matches('Z').split(':');
    let mut next = || parts.next()?.parse::<f64>().ok();
    Some(next()? * 3600.0 + next()? * 60.0 + next().unwrap_or(0.0))
}

/// A time of day, from its seconds.
pub fn clock_of(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64 % 86_400;
    format!("{:02}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

fn stretches(points: impl Iterator<Item = (f64, Option<f64>)>, scale: f64) -> Vec<Vec<PlotPoint>> {
    let mut all = vec![Vec::new()];
    for (x, y) in points {
        match (y, all.last_mut()) {
            (Some(y), Some(current)) => current.push(PlotPoint::new(x, y * scale)),
            (None, Some(current)) if !current.is_empty() => all.push(Vec::new()),
            _ => {}
        }
    }
    all.retain(|s| !s.is_empty());
    all
}

fn board_charts(board: &str, data: &Json) -> Vec<Chart> {
    let Ok(board) = Board::named(board) else { return Vec::new() };
    let chart = |panel: &Json| {
        let known = board.panels.iter().find(|p| Some(p.id) == panel["id"].as_str())?;
        let x: Vec<f64> = list(&panel["times"]).iter().filter_map(|t| seconds_of_day(t.as_str()?)).collect();
        let scale = if known.unit == Unit::Share { 100.0 } else { 1.0 };
        let lines = list(&panel["series"]).iter().map(|s| {
            let values: Vec<Option<f64>> = list(&s["values"]).iter().map(Json::as_f64).collect();
            Line {
                legend: text(&s["legend"]),
                last: values.iter().rev().find_map(|v| *v),
                before: s["mean_before"].as_f64(),
                stretches: stretches(x.iter().copied().zip(values), scale),
            }
        });
        Some(Chart {
            title: known.title.to_string(),
            says: known.says.to_string(),
            unit: known.unit,
            threshold: known.threshold.map(|t| t * scale),
            lines: lines.collect(),
            span: (x.first().copied()?, x.last().copied()?),
            summary: text(&panel["summary"]),
            queries: known.queries.iter().map(|(_, q)| q.to_string()).collect(),
            heat: None,
        })
    };
    list(&data["panels"]).iter().filter_map(chart).collect()
}

fn matrix(query: &str, data: &Json) -> Chart {
    let name = |labels: &Json| {
        let pairs = labels.as_object().into_iter().flatten().filter(|(k, _)| *k != "__name__");
        let text = pairs.map(|(_, v)| text(v)).collect::<Vec<_>>().join(" ");
        if text.is_empty() { "value".to_string() } else { text }
    };
    let lines: Vec<Line> = (list(&data["matrix"]).iter())
        .map(|s| {
            let points: Vec<(f64, Option<f64>)> = (list(&s["points"]).iter())
                .filter_map(|p| Some((seconds_of_day(p[0].as_str()?)?, p[1].as_f64())))
                .collect();
            Line {
                legend: name(&s["labels"]),
                last: points.iter().rev().find_map(|p| p.1),
                before: None,
                stretches: stretches(points.into_iter(), 1.0),
            }
        })
        .collect();
    let all = || lines.iter().flat_map(|l| l.stretches.iter().flatten()).map(|p| p.x);
    let span = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let summary = format!("{} series of {query}", lines.len());
    let heat = heat(data);
    Chart {
        title: query.to_string(),
        says: String::new(),
        unit: if heat.is_some() && query.contains("_seconds_bucket") { Unit::Seconds } else { Unit::Count },
        threshold: None,
        lines,
        span,
        summary,
        queries: vec![query.to_string()],
        heat,
    }
}

/// Fewer buckets are no map.
const BUCKETS: usize = 4;

/// The spread of an answer whose series differ by their buckets alone.
fn heat(data: &Json) -> Option<Heat> {
    let end = |series: &Json| -> Option<f64> {
        let labels = series["labels"].as_object()?;
        let alone = labels.keys().all(|k| k == "le" || k == "__name__");
        let le = labels.get("le")?.as_str()?;
        alone.then(|| if le == "+Inf" { Some(f64::INFINITY) } else { le.parse().ok() }).flatten()
    };
    let mut series: Vec<(f64, &Json)> =
        list(&data["matrix"]).iter().map(|s| Some((end(s)?, s))).collect::<Option<Vec<_>>>()?;
    series.sort_by(|a, b| a.0.total_cmp(&b.0));
    if series.len() < BUCKETS {
        return None;
    }
    let moments: Vec<f64> =
        list(&series[0].1["points"]).iter().filter_map(|p| seconds_of_day(p[0].as_str()?)).collect();
    let mut cells = vec![0.0; moments.len() * series.len()];
    for (row, (_, s)) in series.iter().enumerate() {
        for point in list(&s["points"]) {
            let Some(at) = point[0].as_str().and_then(seconds_of_day) else { continue };
            let column = moments.iter().position(|m| (m - at).abs() < 0.5);
            if let (Some(column), Some(value)) = (column, point[1].as_f64()) {
                cells[column * series.len() + row] = value as f32;
            }
        }
    }
    for column in cells.chunks_mut(series.len()) {
        for row in (1..column.len()).rev() {
            column[row] = (column[row] - column[row - 1]).max(0.0); // buckets count all that is below
        }
    }
    let most = cells.iter().copied().fold(0.0, f32::max);
    if most <= 0.0 {
        return None;
    }
    cells.iter_mut().for_each(|c| *c /= most);
    Some(Heat { moments, ends: series.into_iter().map(|(end, _)| end).collect(), cells })
}

impl Table {
    fn new(columns: &[&str], rows: Vec<Vec<String>>) -> Table {
        Table::of(columns.iter().map(|c| c.to_string()).collect(), rows)
    }

    fn of(columns: Vec<String>, rows: Vec<Vec<String>>) -> Table {
        let width = |place: usize| {
            let cells = rows.iter().filter_map(|r| r.get(place)).map(|c| c.chars().count());
            cells.chain([columns[place].chars().count()]).max().unwrap_or(0).min(WIDEST)
        };
        let widths = (0..columns.len()).map(width).collect();
        Table { columns, rows, widths }
    }
}

fn vector(data: &Json) -> Table {
    let row = |s: &Json| {
        let pairs = s["labels"].as_object().into_iter().flatten();
        let labels = pairs.map(|(k, v)| format!("{k}={}", text(v))).collect::<Vec<_>>().join("  ");
        vec![text(&s["value"]), labels]
    };
    Table::new(&["value", "labels"], list(&data["vector"]).iter().map(row).collect())
}

fn rows_of(data: &Json) -> Table {
    let rows = list(&data["rows"]).iter().map(|row| list(row).iter().map(text).collect());
    Table::of(list(&data["columns"]).iter().map(text).collect(), rows.collect())
}

fn time_of(value: &Json) -> String {
    let text = text(value);
    let at = text.find(['T', ' ']).map_or(0, |place| place + 1);
    text[at..].chars().take(8).collect()
}

fn traces(data: &Json) -> Table {
    let row = |t: &Json| {
        let took = t["duration_s"].as_f64().unwrap_or(0.0);
        vec![
            time_of(&t["start"]),
            format!("{took:.2} s"),
            text(&t["tries"]),
            text(&t["errors"]),
            text(&t["trace"]),
            text(&t["name"]),
        ]
    };
    Table::new(&["start", "took", "tries", "failed", "trace", "what"], list(&data["traces"]).iter().map(row).collect())
}

fn changes(data: &Json) -> Table {
    let row = |c: &Json| {
        let rollout = c["rollout"].as_f64().unwrap_or(0.0) * 100.0;
        vec![
            text(&c["id"]),
            text(&c["time"]),
            text(&c["kind"]).to_lowercase(),
            text(&c["service"]),
            format!("{rollout:.0} %"),
            text(&c["title"]),
            text(&c["author"]),
        ]
    };
    let heads = ["id", "time", "kind", "service", "rollout", "what", "by"];
    Table::new(&heads, list(&data["changes"]).iter().map(row).collect())
}

fn log_lines(data: &Json) -> Table {
    let row =
        |l: &Json| vec![time_of(&l["time"]), text(&l["level"]), text(&l["pod"]), text(&l["body"]).replace('\n', "  ")];
    let mut table = Table::new(&["time", "level", "pod", "line"], list(&data["lines"]).iter().map(row).collect());
    table.widths[3] = LINE;
    table
}

/// The lines around a line, as those of a search.
fn around(data: &Json) -> Table {
    let row = |r: &Json| vec![time_of(&r[0]), text(&r[1]), text(&r[2]), text(&r[3]).replace('\n', "  ")];
    let mut table = Table::new(&["time", "level", "pod", "line"], list(&data["rows"]).iter().map(row).collect());
    table.widths[3] = LINE;
    table
}

fn waterfall(data: &Json) -> Vec<Bar> {
    let spans = list(&data["spans"]);
    let start = |s: &Json| seconds_of_day(s["start"].as_str().unwrap_or_default()).unwrap_or(0.0);
    let begin = spans.iter().map(start).fold(f64::INFINITY, f64::min);
    let mut order: Vec<(Vec<usize>, &Json)> = Vec::new();
    let parent_of = |s: &Json| spans.iter().position(|p| !s["parent"].is_null() && p["span"] == s["parent"]);
    let mut by_start: Vec<usize> = (0..spans.len()).collect();
    by_start.sort_by(|a, b| start(&spans[*a]).total_cmp(&start(&spans[*b])));
    let rank = |place: usize| by_start.iter().position(|p| *p == place).unwrap_or(0);
    for (place, span) in spans.iter().enumerate() {
        let mut path = vec![rank(place)];
        let mut at = span;
        while let Some(parent) = parent_of(at).filter(|_| path.len() < 8) {
            path.push(rank(parent));
            at = &spans[parent];
        }
        path.reverse();
        order.push((path, span));
    }
    order.sort_by(|a, b| a.0.cmp(&b.0));
    let bars = order.iter().map(|(path, span)| {
        let attributes = span["attributes"].as_object().into_iter().flatten();
        Bar {
            depth: path.len() - 1,
            name: format!("{}  {}", text(&span["service"]), text(&span["name"])),
            pod: text(&span["pod"]),
            from_s: start(span) - begin,
            took_s: span["duration_s"].as_f64().unwrap_or(0.0),
            error: span["error"].as_bool().unwrap_or(false),
            critical: false,
            attributes: attributes.map(|(k, v)| (k.clone(), text(v))).collect(),
        }
    });
    let mut bars: Vec<Bar> = bars.collect();
    mark_critical(&mut bars);
    bars
}

/// From the end backwards: the span that ends last among those that end before the one after it began.
fn mark_critical(bars: &mut [Bar]) {
    let mut until = bars.iter().map(|b| b.from_s + b.took_s).fold(0.0, f64::max);
    const SLACK: f64 = 2e-3; // clocks of spans are written in milliseconds
    let leaf: Vec<bool> =
        (0..bars.len()).map(|i| bars.get(i + 1).is_none_or(|next| next.depth <= bars[i].depth)).collect();
    loop {
        let candidate = (0..bars.len())
            .filter(|i| leaf[*i] && !bars[*i].critical && bars[*i].from_s + bars[*i].took_s <= until + SLACK)
            .max_by(|a, b| {
                let end = |i: &usize| bars[*i].from_s + bars[*i].took_s;
                end(a).total_cmp(&end(b))
            });
        let Some(place) = candidate.filter(|i| SLACK < bars[*i].took_s) else { return };
        bars[place].critical = true;
        until = bars[place].from_s;
        if until <= SLACK {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn gaps_stay_gaps_and_times_of_day_are_read_both_ways() {
        let points = [(0.0, Some(1.0)), (1.0, None), (2.0, None), (3.0, Some(4.0)), (4.0, Some(5.0))];
        let found = stretches(points.into_iter(), 1.0);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(seconds_of_day("2025-03-04T14:05:30.5Z"), Some(50_730.5));
        assert_eq!(clock_of(50_730.0), "14:05:30");
    }

    #[test]
    fn buckets_become_a_spread() {
        let series = |le: &str, values: [f64; 2]| {
            let points = json!([["00:00:00", values[0]], ["00:00:15", values[1]]]);
            json!({ "labels": { "le": le }, "points": points })
        };
        let data = json!({ "matrix": [series("+Inf", [4.0, 8.0]), series("0.1", [1.0, 0.0]),
                                       series("1", [3.0, 0.0]), series("10", [4.0, 8.0])] });
        let found = heat(&data).expect("a spread");
        assert_eq!(found.ends, [0.1, 1.0, 10.0, f64::INFINITY]);
        assert_eq!(found.cells, [0.125, 0.25, 0.125, 0.0, 0.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn the_critical_path_is_what_the_end_waits_for() {
        let span = |id: &str, parent: Option<&str>, start: &str, took: f64| {
            json!({ "span": id, "parent": parent, "service": "s", "pod": "p", "name": id,
                    "start": format!("2025-03-04T00:00:{start}Z"), "duration_s": took, "error": false, "attributes": {} })
        };
        let data = json!({ "spans": [span("root", None, "00", 10.0), span("queue", Some("root"), "00", 6.0),
                                      span("aside", Some("root"), "01", 1.0), span("decode", Some("root"), "06", 4.0)] });
        let critical: Vec<String> = waterfall(&data).into_iter().filter(|b| b.critical).map(|b| b.name).collect();
        assert_eq!(critical, ["s  queue", "s  decode"]);
    }
}
