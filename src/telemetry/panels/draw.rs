//! A panel as a chart in character cells. Each line has a glyph of its own, so that colour says nothing that is not said
//! without it; a gap is empty.

use super::{PanelData, PanelSeries};
use crate::telemetry::calendar::Calendar;

/// Columns for the labels of the value axis and the axis itself.
const GUTTER: usize = 9;
/// Lines that one chart can tell apart.
const LINES: usize = 4;
const GLYPHS: [char; LINES] = ['•', '×', '+', 'o'];
/// Colours of the lines in a terminal: blue, orange (yellow), magenta, cyan.
const COLOURS: [&str; LINES] = ["34", "33", "35", "36"];

impl PanelData {
    /// The chart: title and legend, then `height` rows of at least three and `width` columns of at least thirty, then
    /// the axis of time.
    pub fn draw(&self, width: usize, height: usize, colour: bool, calendar: &Calendar) -> String {
        let (width, height) = (width.max(30), height.max(3));
        let mut text = format!("{}{}", self.title, self.unit.in_brackets());
        let shown = self.chosen(LINES);
        if shown.is_empty() {
            return format!("{text}\n  nothing measured");
        }
        for (line, series) in shown.iter().enumerate() {
            let glyph = paint(GLYPHS[line], line, colour);
            text.push_str(&format!("\n  {glyph} {}: {}", series.legend, series.summary(self.unit)));
        }
        if shown.len() < self.series.len() {
            text.push_str(&format!("\n  {} series in all; those shown span them", self.series.len()));
        }
        let columns = width - GUTTER;
        let top = self.top(&shown);
        let row_of = |value: f64| ((value / top).clamp(0.0, 1.0) * (height - 1) as f64).round() as usize;
        let mut cells = vec![vec![(' ', None); columns]; height];
        if let Some(mark) = self.threshold.filter(|mark| *mark <= top) {
            cells[row_of(mark)].fill(('╌', None));
        }
        for (line, series) in shown.iter().enumerate().rev() {
            for (column, value) in columns_of(series, columns).into_iter().enumerate() {
                if let Some(value) = value {
                    cells[row_of(value)][column] = (GLYPHS[line], Some(line));
                }
            }
        }
        for row in (0..height).rev() {
            let label = match row {
                0 => "0".to_string(),
                row if row == height - 1 => self.unit.number(top),
                _ => String::new(),
            };
            let drawn: String = (cells[row].iter())
                .map(|(glyph, line)| line.map_or(glyph.to_string(), |line| paint(*glyph, line, colour)))
                .collect();
            text.push_str(&format!("\n{label:>7} ┤{}", drawn.trim_end()));
        }
        let (Some(first), Some(last)) = (self.moments.first(), self.moments.last()) else { return text };
        let (first, last) = (calendar.clock(*first), calendar.clock(*last));
        let between = columns.saturating_sub(first.len() + last.len());
        text.push_str(&format!("\n{:>7} └{}", "", "─".repeat(columns)));
        text.push_str(&format!("\n{:>9}{first}{}{last}", "", " ".repeat(between)));
        text
    }

    /// The value at the top of the chart: a round number that nothing drawn exceeds.
    fn top(&self, shown: &[&PanelSeries]) -> f64 {
        let highest = shown.iter().filter_map(|series| series.extent()).fold(0.0, |most, (_, high)| high.max(most));
        if highest <= 0.0 {
            return 1.0;
        }
        let power = libm::pow(10.0, libm::floor(libm::log10(highest)));
        let digit = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().find(|digit| highest <= digit * power);
        digit.unwrap_or(10.0) * power
    }
}

/// The value in each column: the highest of the moments that fall in it, so that no peak is lost.
fn columns_of(series: &PanelSeries, columns: usize) -> Vec<Option<f64>> {
    let count = series.values.len();
    let inside = |column: usize| {
        let from = column * count / columns;
        let to = ((column + 1) * count / columns).max(from + 1).min(count);
        series.values[from..to].iter().flatten().copied().reduce(f64::max)
    };
    (0..columns).map(inside).collect()
}

fn paint(glyph: char, line: usize, colour: bool) -> String {
    if colour { format!("\x1b[{}m{glyph}\x1b[0m", COLOURS[line % LINES]) } else { glyph.to_string() }
}
