//! A chart in character cells: solid blocks up to the first series, finer dots above it up to the next.
//!
//! Written by us because the charts of terminal libraries draw lines that only colour tells apart where they cross;
//! filled layers of different texture can be read in one colour.

use crate::report::chart::{Chart, Extent, Line};
use crate::report::quantity::{Unit, time_ticks};
use crate::report::run::{Moment, RunReport};
use crate::report::sheet::{Sheet, Style};

/// Columns left of the plot, for the labels of the value axis and the axis itself.
pub const GUTTER: usize = 8;
const SOLID: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const DOTTED: [char; 5] = [' ', '⣀', '⣤', '⣶', '⣿'];
const SHADE: char = '▒';
const SCAN_LINES: [char; 5] = ['⎽', '⎼', '─', '⎻', '⎺'];

/// Draws `chart` for `runs` with a plot of `rows` rows; the layers are the first run's, the others are lines over it.
pub fn draw(chart: &Chart, runs: &[RunReport], width: usize, rows: usize) -> Sheet {
    let mut sheet = Sheet::new(width);
    let Some(leading) = runs.first() else { return sheet };
    let plot = Plot {
        top: heading(&mut sheet, chart, leading),
        rows,
        columns: width.saturating_sub(GUTTER),
        max: *chart.unit.ticks(chart.max(runs.iter().map(|r| &r.series))).last().unwrap_or(&1.0),
        end_s: runs.iter().map(RunReport::end_s).fold(0.0, f64::max),
    };
    plot.layers(&mut sheet, chart, leading);
    for (line, other) in chart.lines.last().into_iter().flat_map(|line| runs[1..].iter().map(move |r| (line, r))) {
        plot.line(&mut sheet, line, leading, other);
    }
    plot.axes(&mut sheet, chart.unit, &leading.timeline);
    sheet
}

/// A row with the times of the axis below charts of this width.
pub fn time_axis(end_s: f64, width: usize) -> Sheet {
    let mut sheet = Sheet::new(width);
    let columns = width.saturating_sub(GUTTER) as f64;
    for tick in time_ticks(end_s).iter().filter(|_| end_s > 0.0) {
        let text = tick.to_string();
        let column = GUTTER + (tick.as_secs_f64() / end_s * columns) as usize;
        if column + text.len() <= width {
            sheet.write(0, column, &text, Style::Quiet);
        }
    }
    sheet
}

/// Title, unit, and a legend with the extent of each series; returns the row below.
fn heading(sheet: &mut Sheet, chart: &Chart, run: &RunReport) -> usize {
    let title = format!("{}{}", chart.title, chart.unit.suffix());
    sheet.write(0, 0, &title, Style::Strong);
    let width = sheet.width();
    let (mut row, mut column) = (0, title.chars().count() + 3);
    let layers: &[Line] = if chart.parts.is_empty() { chart.lines } else { chart.parts };
    let mut entries: Vec<(Option<usize>, String)> = Vec::new();
    if !chart.parts.is_empty() {
        entries.push((None, extent_text(chart, &chart.lines[0], run)));
        entries.extend(layers.iter().enumerate().map(|(i, part)| (Some(i), part.name.to_owned())));
    } else if layers.len() == 1 {
        entries.push((None, extent_text(chart, &layers[0], run)));
    } else {
        let named = |(i, line): (usize, &Line)| (Some(i), format!("{} {}", line.name, extent_text(chart, line, run)));
        entries.extend(layers.iter().enumerate().map(named));
    }
    for (layer, text) in entries {
        let length = text.chars().count() + if layer.is_some() { 2 } else { 0 };
        if column + length > width && column > 3 {
            (row, column) = (row + 1, 3);
        }
        if let Some(layer) = layer {
            sheet.write(row, column, layer_glyph(layer, layers.len()), layer_style(layer));
            column += 2;
            sheet.write(row, column, &text, Style::Plain);
            column += length + 1;
        } else {
            sheet.write(row, column, &text, Style::Plain);
            column += length + 3;
        }
    }
    row + 1
}

fn extent_text(chart: &Chart, line: &Line, run: &RunReport) -> String {
    let number = |value| chart.unit.number(value);
    match Extent::of(&run.series, line) {
        None => "nothing measured".to_owned(),
        Some(e) => format!("{} to {}, last {}", number(e.low.0), number(e.high.0), number(e.last)),
    }
}

fn layer_glyph(layer: usize, layers: usize) -> &'static str {
    match (layer, layers) {
        (0, _) => "█",
        (1, 3) => "▒",
        _ => "⣿",
    }
}

fn layer_style(layer: usize) -> Style {
    [Style::First, Style::Second, Style::Third][layer.min(2)]
}

/// Where and at what scale a chart is drawn.
struct Plot {
    top: usize,
    rows: usize,
    columns: usize,
    max: f64,
    end_s: f64,
}

impl Plot {
    /// The value shown in each column: the mean of the buckets that end in it, or the bucket around its middle.
    fn resampled(&self, line: &Line, run: &RunReport) -> Vec<Option<f64>> {
        let (ends, values) = (&run.series.t_s, (line.values)(&run.series));
        let column_s = self.end_s / self.columns.max(1) as f64;
        let value = |column: usize| {
            let from = ends.partition_point(|&t| t <= column as f64 * column_s);
            let to = ends.partition_point(|&t| t <= (column + 1) as f64 * column_s);
            let inside: Vec<f64> = values.get(from..to)?.iter().flatten().copied().collect();
            if to - from > 1 {
                return (!inside.is_empty()).then(|| inside.iter().sum::<f64>() / inside.len() as f64);
            }
            let middle = ends.partition_point(|&t| t <= (column as f64 + 0.5) * column_s);
            values.get(middle).copied().flatten()
        };
        (0..self.columns).map(value).collect()
    }

    /// A value in rows above the axis.
    fn height(&self, value: f64) -> f64 {
        (value / self.max * self.rows as f64).clamp(0.0, self.rows as f64)
    }

    fn layers(&self, sheet: &mut Sheet, chart: &Chart, run: &RunReport) {
        let lines: &[Line] = if chart.parts.is_empty() { chart.lines } else { chart.parts };
        let layers: Vec<_> = lines.iter().map(|line| self.resampled(line, run)).collect();
        for column in 0..self.columns {
            let mut tops: Vec<f64> = layers.iter().map(|l| self.height(l[column].unwrap_or(0.0))).collect();
            if !chart.parts.is_empty() {
                (1..tops.len()).for_each(|i| tops[i] += tops[i - 1]);
            }
            let measured = layers.iter().any(|layer| layer[column].is_some());
            for row in 0..self.rows {
                let (glyph, style) = if measured { cell(row as f64, &tops) } else { unmeasured(row) };
                self.put(sheet, row, column, glyph, style);
            }
        }
    }

    /// The last line of the chart in another run, where it stands apart from the same line of the leading one.
    fn line(&self, sheet: &mut Sheet, line: &Line, leading: &RunReport, other: &RunReport) {
        let values = self.resampled(line, leading).into_iter().zip(self.resampled(line, other));
        for (column, (here, there)) in values.enumerate() {
            let Some(height) = there.map(|value| self.height(value)) else { continue };
            if here.is_some_and(|value| (self.height(value) - height).abs() < 0.4) {
                continue;
            }
            let row = (height as usize).min(self.rows.saturating_sub(1));
            let part = ((height - row as f64) * 5.0) as usize;
            self.put(sheet, row, column, SCAN_LINES[part.min(4)], Style::Other);
        }
    }

    fn put(&self, sheet: &mut Sheet, row_above_axis: usize, column: usize, glyph: char, style: Style) {
        let row = self.top + self.rows - 1 - row_above_axis;
        sheet.write(row, GUTTER + column, glyph.encode_utf8(&mut [0; 4]), style);
    }

    fn axes(&self, sheet: &mut Sheet, unit: Unit, moments: &[Moment]) {
        for row in 0..self.rows {
            sheet.write(self.top + row, GUTTER - 1, "│", Style::Quiet);
        }
        let label = format!("{:>6} ┤", unit.number(self.max));
        sheet.write(self.top, 0, &label, Style::Quiet);
        let bottom = self.top + self.rows;
        sheet.write(bottom, 0, "     0 └", Style::Quiet);
        sheet.write(bottom, GUTTER, &"─".repeat(self.columns), Style::Quiet);
        for mark in marks(moments, self.end_s, self.columns) {
            sheet.write(bottom, GUTTER + mark.0, &mark.1, Style::Strong);
            for row in self.top..bottom {
                if sheet.glyph(row, GUTTER + mark.0) == ' ' {
                    sheet.write(row, GUTTER + mark.0, "┊", Style::Quiet);
                }
            }
        }
    }
}

/// The numbers of the moments (from 1) at their columns; those that would overlap share one label, such as `2-4`.
fn marks(moments: &[Moment], end_s: f64, columns: usize) -> Vec<(usize, String)> {
    let mut marks: Vec<(usize, usize, String)> = Vec::new();
    for (i, moment) in moments.iter().enumerate().filter(|_| end_s > 0.0) {
        let column = (moment.at.as_secs_f64() / end_s * columns as f64) as usize;
        let number = i + 1;
        match marks.last_mut() {
            Some((at, first, text)) if column <= *at + text.chars().count() => *text = format!("{first}-{number}"),
            _ => marks.push((column, number, number.to_string())),
        }
    }
    marks.into_iter().filter(|mark| mark.0 < columns).map(|(column, _, text)| (column, text)).collect()
}

fn unmeasured(row: usize) -> (char, Style) {
    (if row == 0 { '·' } else { ' ' }, Style::Quiet)
}

/// What fills the cell from `bottom` to one row above it, when the layers reach up to `tops`.
fn cell(bottom: f64, tops: &[f64]) -> (char, Style) {
    let filled = |top: f64, steps: usize| ((top - bottom).clamp(0.0, 1.0) * steps as f64).round() as usize;
    for (layer, &top) in tops.iter().enumerate() {
        let glyph = match layer_glyph(layer, tops.len()) {
            "█" => SOLID[filled(top, 8)],
            "▒" if filled(top, 2) > 0 => SHADE,
            "⣿" => DOTTED[filled(top, 4)],
            _ => ' ',
        };
        if glyph != ' ' {
            return (glyph, layer_style(layer));
        }
    }
    (' ', Style::Plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::CHARTS;
    use crate::sim::series::Series;

    fn run(intents: [f64; 6], attempts: [f64; 6]) -> RunReport {
        let series = Series {
            t_s: (1..=6).map(|i| f64::from(i) * 10.0).collect(),
            intents_per_s: intents.to_vec(),
            attempts_per_s: attempts.to_vec(),
            hit_ratio: vec![None; 6],
            hit_hbm: vec![None; 6],
            hit_host: vec![None; 6],
            hit_remote: vec![None; 6],
            ..Series::default()
        };
        RunReport { series, ..RunReport::default() }
    }

    fn drawn(chart: usize, runs: &[RunReport]) -> String {
        draw(&CHARTS[chart], runs, GUTTER + 12, 2).print(false)
    }

    #[test]
    fn the_second_line_stands_in_another_texture_on_the_first() {
        let text = drawn(0, &[run([10.0; 6], [10.0, 10.0, 15.0, 20.0, 20.0, 0.0])]);
        let plot: Vec<&str> = text.lines().rev().take(3).collect();
        assert_eq!(plot, ["     0 └────────────", "       │████████████", "    20 ┤    ⣤⣤⣿⣿⣿⣿"]);
    }

    #[test]
    fn another_run_is_drawn_only_where_it_differs() {
        let lead = run([10.0; 6], [10.0, 10.0, 10.0, 20.0, 20.0, 20.0]);
        let text = drawn(0, &[lead, run([10.0; 6], [10.0; 6])]);
        assert_eq!(text.lines().rev().nth(1), Some("       │████████████"), "{text}");
        assert_eq!(text.lines().rev().nth(2), Some("    20 ┤      ⎽⎽⎽⎽⎽⎽"), "{text}");
    }

    #[test]
    fn what_was_not_measured_is_dotted_and_said() {
        let text = drawn(1, &[run([0.0; 6], [0.0; 6])]);
        assert!(text.contains("nothing measured") && text.contains("│············"), "{text}");
    }

    #[test]
    fn marks_that_would_touch_share_a_label() {
        let at = |seconds: f64| Moment { at: crate::sim::time::SimTime::from_secs_f64(seconds), ..Moment::default() };
        let moments = [at(0.0), at(1.0), at(2.0), at(30.0), at(60.0), at(99.0)];
        let texts: Vec<_> = marks(&moments, 60.0, 60);
        assert_eq!(texts, [(0, "1-3".to_owned()), (30, "4".to_owned())]);
    }
}
