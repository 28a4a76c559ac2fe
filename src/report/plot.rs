//! A chart as SVG paths and positions in percent, for the page.
//!
//! The plot is stretched to the width at hand, so paths live in a box of 1000 by 100 and all text stands beside them,
//! placed in percent.

use serde::Serialize;

use crate::report::chart::{Chart, Extent, Line};
use crate::report::quantity::time_ticks;
use crate::report::run::RunReport;

/// Width of the box in which paths are drawn.
const WIDTH: f64 = 1000.0;
/// Height of that box.
const HEIGHT: f64 = 100.0;
/// Labels at the end of lines keep this distance, in percent of the height.
const LABEL_SPACING: f64 = 13.0;
/// Moments closer than this, in percent of the width, share one label.
const MARK_SPACING: f64 = 3.5;

/// Everything the page draws for one chart.
#[derive(Debug, Serialize)]
pub struct Plot {
    fills: Vec<Path>,
    strokes: Vec<Path>,
    y_ticks: Vec<Label>,
    x_ticks: Vec<Label>,
    marks: Vec<Label>,
    ends: Vec<Label>,
}

/// A path and the class that styles it.
#[derive(Debug, Serialize)]
struct Path {
    class: String,
    d: String,
}

/// A text at a place along an axis, in percent from the left or from the bottom.
#[derive(Debug, Serialize)]
struct Label {
    at: f64,
    text: String,
    class: String,
}

/// How values and moments become positions.
struct Scale {
    end_s: f64,
    max: f64,
}

/// The end of the time axis that `runs` share, in seconds.
pub fn end_s(runs: &[RunReport]) -> f64 {
    runs.iter().map(RunReport::end_s).fold(0.0, f64::max)
}

/// The paths and labels of `chart` for `runs`, the first of which is filled and marked.
pub fn plot(chart: &Chart, runs: &[RunReport]) -> Plot {
    let ticks = chart.unit.ticks(chart.max(runs.iter().map(|run| &run.series)));
    let scale = Scale { end_s: end_s(runs), max: ticks.last().copied().unwrap_or(1.0) };
    let y_tick = |&value: &f64| scale.label_above(value, chart.unit.number(value));
    Plot {
        fills: runs.first().map_or_else(Vec::new, |run| fills(chart, run, &scale)),
        strokes: strokes(chart, runs, &scale),
        y_ticks: ticks.iter().map(y_tick).collect(),
        x_ticks: time_ticks(scale.end_s).iter().map(|t| scale.label_along(t.as_secs_f64(), t.to_string())).collect(),
        marks: runs.first().map_or_else(Vec::new, |run| marks(run, &scale)),
        ends: runs.first().map_or_else(Vec::new, |run| ends(chart, run, &scale)),
    }
}

impl Scale {
    fn x(&self, seconds: f64) -> f64 {
        if self.end_s > 0.0 { (seconds / self.end_s).clamp(0.0, 1.0) * WIDTH } else { 0.0 }
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - (value / self.max).clamp(0.0, 1.0) * HEIGHT
    }

    fn label_above(&self, value: f64, text: String) -> Label {
        Label { at: rounded(HEIGHT - self.y(value)), text, class: String::new() }
    }

    fn label_along(&self, seconds: f64, text: String) -> Label {
        Label { at: rounded(self.x(seconds) / WIDTH * 100.0), text, class: String::new() }
    }
}

fn rounded(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

/// Steps along the buckets: level over each, broken where nothing was measured.
fn steps(ends: &[f64], values: &[Option<f64>], scale: &Scale) -> String {
    let mut path = String::new();
    let (mut start, mut drawing) = (0.0, false);
    for (&end, value) in ends.iter().zip(values) {
        if let Some(value) = value {
            let y = scale.y(*value);
            path += &if drawing { format!("V{y:.2}") } else { format!("M{:.1} {y:.2}", scale.x(start)) };
            path += &format!("H{:.1}", scale.x(end));
        }
        drawing = value.is_some();
        start = end;
    }
    path
}

/// The area between two series, as one closed piece for each stretch in which both were measured.
fn area(ends: &[f64], lower: &[Option<f64>], upper: &[Option<f64>], scale: &Scale) -> String {
    let mut path = String::new();
    let mut piece: Vec<(f64, f64, f64, f64)> = Vec::new();
    let mut start = 0.0;
    for (&end, pair) in ends.iter().zip(lower.iter().zip(upper)) {
        if let (Some(low), Some(high)) = pair {
            piece.push((scale.x(start), scale.x(end), scale.y(*low), scale.y(*high)));
        } else {
            path += &closed(&std::mem::take(&mut piece));
        }
        start = end;
    }
    path + &closed(&piece)
}

fn closed(piece: &[(f64, f64, f64, f64)]) -> String {
    let Some(first) = piece.first() else { return String::new() };
    let mut path = format!("M{:.1} {:.2}", first.0, first.2);
    for (_, right, _, high) in piece {
        path += &format!("V{high:.2}H{right:.1}");
    }
    for (left, _, low, _) in piece.iter().rev() {
        path += &format!("V{low:.2}H{left:.1}");
    }
    path + "Z"
}

/// Parts are stacked; two lines have the band between them filled, one line the area below it.
fn fills(chart: &Chart, run: &RunReport, scale: &Scale) -> Vec<Path> {
    let ends = &run.series.t_s;
    let values = |line: &Line| (line.values)(&run.series);
    if let [first, second] = chart.lines {
        let d = area(ends, &values(first), &values(second), scale);
        return vec![Path { class: "band".to_owned(), d }];
    }
    let mut lower = vec![Some(0.0); ends.len()];
    let stacked: &[Line] = if chart.parts.is_empty() { chart.lines } else { chart.parts };
    let kind = if chart.parts.is_empty() { "below" } else { "part" };
    let mut layers = Vec::new();
    for (i, line) in stacked.iter().enumerate() {
        let upper: Vec<_> = lower.iter().zip(values(line)).map(|(low, part)| Some((*low)? + part?)).collect();
        layers.push(Path { class: format!("{kind} {kind}{i}"), d: area(ends, &lower, &upper, scale) });
        lower = upper;
    }
    layers
}

/// The lines of every run, the leading run's last, so that it lies on top.
fn strokes(chart: &Chart, runs: &[RunReport], scale: &Scale) -> Vec<Path> {
    let of_run = |(i, run): (usize, &RunReport)| {
        let stroke = |(j, line): (usize, &Line)| Path {
            class: format!("line{j} run{i}"),
            d: steps(&run.series.t_s, &(line.values)(&run.series), scale),
        };
        chart.lines.iter().enumerate().map(stroke).collect::<Vec<_>>()
    };
    runs.iter().enumerate().rev().flat_map(of_run).collect()
}

/// The numbers of the timeline at their moments; neighbours too close to be told apart share a label.
fn marks(run: &RunReport, scale: &Scale) -> Vec<Label> {
    let mut marks: Vec<(usize, Label)> = Vec::new();
    for (i, moment) in run.timeline.iter().enumerate().filter(|(_, moment)| moment.at.as_secs_f64() <= scale.end_s) {
        let number = i + 1;
        let mut label = scale.label_along(moment.at.as_secs_f64(), number.to_string());
        label.class = moment.kind.word().to_owned();
        match marks.last_mut() {
            Some((first, shared)) if label.at - shared.at < spacing(&shared.text) => {
                shared.text = format!("{first}–{number}")
            }
            _ => marks.push((number, label)),
        }
    }
    marks.into_iter().map(|(_, label)| label).collect()
}

/// How far from a label the next may stand, in percent of the width: a page for a telephone is narrow.
fn spacing(text: &str) -> f64 {
    MARK_SPACING.max(1.6 * text.chars().count() as f64)
}

/// The names of the leading run's lines at the height at which they end, moved apart where they would overlap.
fn ends(chart: &Chart, run: &RunReport, scale: &Scale) -> Vec<Label> {
    let label = |(i, line): (usize, &Line)| {
        let last = Extent::of(&run.series, line)?.last;
        let text = format!("{} {}", line.name, chart.unit.show(last));
        Some(Label { class: format!("end{i}"), ..scale.label_above(last, text) })
    };
    let mut labels: Vec<Label> = chart.lines.iter().enumerate().filter_map(label).collect();
    labels.sort_by(|a, b| a.at.total_cmp(&b.at));
    for i in 1..labels.len() {
        labels[i].at = labels[i].at.max(labels[i - 1].at + LABEL_SPACING);
    }
    labels
}
