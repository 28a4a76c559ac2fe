//! Panels: questions to the metrics that are worth a fixed place, board by board, and what they show. The same for every
//! scenario; where a cell has no such part, a panel says that nothing was measured.

mod draw; // a chart for a terminal
mod list; // the boards

pub use list::BOARDS;

use serde::Serialize;

use crate::metrics::labels::Labels;
use crate::metrics::promql::{PromqlError, Query};
use crate::metrics::store::Store;
use crate::scenario::check::did_you_mean;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::calendar::Calendar;

/// What a panel's numbers measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things per second.
    PerSecond,
    /// A share from 0 to 1, written in percent.
    Share,
    /// Per cent already.
    Percent,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Tokens.
    Tokens,
    /// Tokens per second.
    TokensPerSecond,
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Degrees Celsius.
    Celsius,
    /// Watts.
    Watts,
    /// Megahertz.
    Megahertz,
}

/// A question, or a few, with a fixed place.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// Unique on its board.
    pub id: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// Of all its numbers.
    pub unit: Unit,
    /// How to read it.
    pub says: &'static str,
    /// Legend and PromQL; `{label}` in a legend stands for a label's value.
    pub queries: &'static [(&'static str, &'static str)],
    /// A value worth a mark.
    pub threshold: Option<f64>,
}

/// The panels of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    /// As in `kv_cache`.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// From what comes to what is peculiar to the layer.
    pub panels: &'static [Panel],
}

/// What a panel shows over a window.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelData {
    /// The panel's id.
    pub id: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// Of all its numbers.
    pub unit: Unit,
    /// How to read it.
    pub says: &'static str,
    /// A value worth a mark.
    pub threshold: Option<f64>,
    /// The moments asked for, in order.
    pub moments: Vec<SimTime>,
    /// What was measured.
    pub series: Vec<PanelSeries>,
}

/// One line of a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelSeries {
    /// What it is.
    pub legend: String,
    /// A value at each moment, or a gap.
    pub values: Vec<Option<f64>>,
    /// Mean over the window before, of equal length; none where nothing was measured.
    pub before: Option<f64>,
}

/// Rows of a panel's table.
const TABLE_ROWS: usize = 8;
/// Series that stand beside each other in it.
const TABLE_COLUMNS: usize = 6;

impl Board {
    /// The board of a name.
    ///
    /// # Errors
    /// There is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Board, String> {
        BOARDS.iter().find(|board| board.id == name).ok_or_else(|| {
            let names: Vec<&str> = BOARDS.iter().map(|board| board.id).collect();
            let near = did_you_mean(name, names.iter().copied());
            format!("no board is called \"{name}\"{near}; there are {}", names.join(", "))
        })
    }

    /// What its panels show from one moment to another, both included, once in each step.
    ///
    /// # Errors
    /// A window that runs backwards or has too many steps.
    pub fn read(
        &self,
        store: &Store,
        from: SimTime,
        to: SimTime,
        step: SimDuration,
    ) -> Result<Vec<PanelData>, PromqlError> {
        self.panels.iter().map(|panel| panel.read(store, from, to, step)).collect()
    }
}

impl Panel {
    /// What it shows from one moment to another, both included, once in each step.
    ///
    /// # Errors
    /// As [`Board::read`].
    pub fn read(&self, store: &Store, from: SimTime, to: SimTime, step: SimDuration) -> Result<PanelData, PromqlError> {
        let ms = |at: SimTime| (at.0 / 1_000_000) as i64;
        let (start, end, step_ms) = (ms(from), ms(to), ((step.0 / 1_000_000) as i64).max(1));
        let count = ((end - start).max(0) / step_ms) as usize + 1;
        let mut series: Vec<PanelSeries> = Vec::new();
        for (legend, promql) in self.queries {
            let query = Query::parse(promql)?;
            // The window before and this one on one grid, so that a series is found in both.
            let first = start - step_ms * count as i64;
            for line in query.eval_range(store, first, start + step_ms * (count as i64 - 1), step_ms)? {
                let mut values = vec![None; count];
                let mut earlier: Vec<f64> = Vec::new();
                for point in line.points.iter().filter(|point| point.value.is_finite()) {
                    match usize::try_from((point.t_ms - start).div_euclid(step_ms)) {
                        Ok(place) if place < count => values[place] = Some(point.value),
                        _ => earlier.push(point.value),
                    }
                }
                if values.iter().any(Option::is_some) {
                    // Half a window before, as at the beginning of what was recorded, is no measure of this one.
                    let before = (count <= earlier.len()).then(|| earlier.iter().sum::<f64>() / earlier.len() as f64);
                    series.push(PanelSeries { legend: named(legend, &line.labels), values, before });
                }
            }
        }
        let moments = (0..count).map(|place| from + SimDuration(step.0.max(1_000_000) * place as u64)).collect();
        let Panel { id, title, unit, says, threshold, .. } = *self;
        Ok(PanelData { id, title, unit, says, threshold, moments, series })
    }
}

/// A legend with the values of the labels that it names.
fn named(legend: &str, labels: &Labels) -> String {
    let filled =
        labels.pairs().fold(legend.to_string(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
    if filled.contains('{') { "(no label)".to_string() } else { filled }
}

impl PanelSeries {
    /// The last value that was measured.
    pub fn last(&self) -> Option<f64> {
        self.values.iter().rev().find_map(|value| *value)
    }

    /// Lowest and highest.
    pub fn extent(&self) -> Option<(f64, f64)> {
        let measured = || self.values.iter().flatten().copied();
        Some((measured().reduce(f64::min)?, measured().reduce(f64::max)?))
    }

    fn mean(&self) -> Option<f64> {
        let (sum, count) = self.values.iter().flatten().fold((0.0, 0_u32), |(s, n), v| (s + v, n + 1));
        (0 < count).then(|| sum / f64::from(count))
    }

    /// In a line: last value, lowest and highest, and how the mean stands to that of the window before.
    pub fn summary(&self, unit: Unit) -> String {
        let (Some(last), Some((low, high))) = (self.last(), self.extent()) else {
            return "nothing measured".to_string();
        };
        let gaps = self.values.iter().filter(|value| value.is_none()).count();
        let gaps =
            if gaps == 0 { String::new() } else { format!("; {gaps} of {} moments are gaps", self.values.len()) };
        let change = match (self.mean(), self.before) {
            (Some(mean), Some(before)) if 0.0 < before => {
                format!("; x{} of the window before", Unit::Count.number(mean / before))
            }
            (Some(_), Some(_)) => "; nothing in the window before".to_string(),
            _ => String::new(),
        };
        format!("last {}, {} to {}{change}{gaps}", unit.show(last), unit.number(low), unit.number(high))
    }
}

impl PanelData {
    /// In a line or a few, for those who do not see the chart.
    pub fn summary(&self) -> String {
        if self.series.is_empty() {
            return format!("{}: nothing measured", self.title);
        }
        let shown = self.chosen(TABLE_COLUMNS);
        let lines = shown.iter().map(|series| format!("{}: {}", series.legend, series.summary(self.unit)));
        let rest = match self.series.len() - shown.len() {
            0 => String::new(),
            more => format!("\n  and {more} more between them"),
        };
        format!("{}\n  {}{rest}", self.title, lines.collect::<Vec<_>>().join("\n  "))
    }

    /// The values at some moments, evenly spread, the last included. A gap is a dash.
    pub fn table(&self, calendar: &Calendar) -> String {
        if self.series.is_empty() || self.moments.is_empty() {
            return format!("{}: nothing measured", self.title);
        }
        let shown = self.chosen(TABLE_COLUMNS);
        let last = self.moments.len() - 1;
        let rows = TABLE_ROWS.min(self.moments.len());
        let places = (0..rows).map(|row| if rows == 1 { last } else { row * last / (rows - 1) });
        let cell = |value: Option<f64>| value.map_or("-".to_string(), |v| self.unit.number(v));
        let width = shown.iter().map(|s| s.legend.chars().count()).max().unwrap_or(0).clamp(8, 24);
        let head: String = shown.iter().map(|s| format!("  {:>width$.width$}", s.legend)).collect();
        let mut text = format!("{}{}\n{:8}{head}", self.title, self.unit.in_brackets(), "");
        for place in places {
            let cells: String = shown.iter().map(|s| format!("  {:>width$}", cell(s.values[place]))).collect();
            text.push_str(&format!("\n{:8}{cells}", calendar.clock(self.moments[place])));
        }
        if shown.len() < self.series.len() {
            text.push_str(&format!("\n{} series in all; those shown span them", self.series.len()));
        }
        text
    }

    /// All series, or if there are more than `most`, those that span them by their last value, highest first.
    fn chosen(&self, most: usize) -> Vec<&PanelSeries> {
        if self.series.len() <= most {
            return self.series.iter().collect();
        }
        let mut order: Vec<&PanelSeries> = self.series.iter().collect();
        let rank = |series: &PanelSeries| series.last().unwrap_or(f64::NEG_INFINITY);
        order.sort_by(|a, b| rank(b).total_cmp(&rank(a)).then_with(|| a.legend.cmp(&b.legend)));
        let step = (order.len() - 1) as f64 / (most.max(2) - 1) as f64;
        (0..most).map(|place| order[(place as f64 * step).round() as usize]).collect()
    }
}

impl Unit {
    /// The number with its unit.
    pub fn show(self, value: f64) -> String {
        match self {
            // As in `397 MB`.
            Unit::Bytes => {
                let number = self.number(value);
                let digits = number.trim_end_matches(char::is_alphabetic);
                format!("{digits} {}B", &number[digits.len()..])
            }
            _ => format!("{}{}", self.number(value), self.suffix()),
        }
    }

    /// The number alone, to three digits, in the unit of [`Unit::suffix`].
    pub fn number(self, value: f64) -> String {
        let value = if self == Unit::Share { value * 100.0 } else { value };
        let (scaled, prefix) = match value.abs() {
            size if size < 1e4 => (value, ""),
            size if size < 1e6 => (value / 1e3, "k"),
            size if size < 1e9 => (value / 1e6, "M"),
            _ => (value / 1e9, "G"),
        };
        let decimals = match scaled.abs() {
            size if size == 0.0 || 99.95 <= size => 0,
            size if 9.995 <= size => 1,
            size if 0.9995 <= size => 2,
            _ => 3,
        };
        let text = format!("{scaled:.decimals$}");
        let text = if decimals == 0 { text.as_str() } else { text.trim_end_matches('0').trim_end_matches('.') };
        format!("{text}{prefix}")
    }

    /// What follows the number, with its space.
    pub fn suffix(self) -> &'static str {
        match self {
            Unit::PerSecond => " /s",
            Unit::Share | Unit::Percent => " %",
            Unit::Seconds => " s",
            Unit::Milliseconds => " ms",
            Unit::TokensPerSecond => " tokens/s",
            Unit::Tokens => " tokens",
            Unit::Count => "",
            Unit::Bytes => " B",
            Unit::Celsius => " °C",
            Unit::Watts => " W",
            Unit::Megahertz => " MHz",
        }
    }

    fn in_brackets(self) -> String {
        match self.suffix().trim() {
            "" => String::new(),
            suffix => format!(" ({suffix})"),
        }
    }
}
