//! Samples of series, in order of time, with the marks of series that have ended.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::metrics::labels::{Labels, NAME};

/// The NaN with which Prometheus marks that a series has ended.
pub const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Names a series of a [`Store`]; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(u32);

/// One value at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Milliseconds.
    pub t_ms: i64,
    /// The value.
    pub value: f64,
}

impl Point {
    /// Whether this marks the end of its series.
    pub fn is_stale(&self) -> bool {
        self.value.to_bits() == STALE
    }
}

#[derive(Clone, Debug)]
struct Series {
    labels: Labels,
    points: Vec<Point>,
}

/// All series that were scraped.
#[derive(Clone, Debug, Default)]
pub struct Store {
    series: Vec<Series>,
    ids: FxHashMap<Labels, SeriesId>,
    by_name: BTreeMap<String, Vec<SeriesId>>,
}

impl Store {
    /// The series of these labels; a new one if there is none.
    pub fn series(&mut self, labels: &Labels) -> SeriesId {
        if let Some(id) = self.ids.get(labels) {
            return *id;
        }
        let id = SeriesId(self.series.len() as u32);
        self.series.push(Series { labels: labels.clone(), points: Vec::new() });
        self.ids.insert(labels.clone(), id);
        self.by_name.entry(labels.get(NAME).to_string()).or_default().push(id);
        id
    }

    /// Adds a sample. False, and nothing added, if it is not later than the last.
    pub fn append(&mut self, id: SeriesId, t_ms: i64, value: f64) -> bool {
        let Some(series) = self.series.get_mut(id.0 as usize) else { return false };
        let later = series.points.last().is_none_or(|last| last.t_ms < t_ms);
        if later {
            series.points.push(Point { t_ms, value });
        }
        later
    }

    /// Marks that a series has ended.
    pub fn end(&mut self, id: SeriesId, t_ms: i64) {
        let ended = self.points(id).last().is_none_or(Point::is_stale);
        if !ended {
            self.append(id, t_ms, f64::from_bits(STALE));
        }
    }

    /// The labels of a series.
    pub fn labels(&self, id: SeriesId) -> &Labels {
        &self.series[id.0 as usize].labels
    }

    /// The samples of a series in order of time.
    pub fn points(&self, id: SeriesId) -> &[Point] {
        &self.series[id.0 as usize].points
    }

    /// Names of all metrics, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Series whose labels fit, in the order in which they first came; of one metric if a name is given.
    pub fn select(&self, name: Option<&str>, fits: impl Fn(&Labels) -> bool) -> Vec<SeriesId> {
        let fits = |id: &SeriesId| fits(self.labels(*id));
        match name {
            Some(name) => self.by_name.get(name).into_iter().flatten().copied().filter(fits).collect(),
            None => (0..self.series.len() as u32).map(SeriesId).filter(fits).collect(),
        }
    }

    /// Samples kept.
    pub fn len(&self) -> usize {
        self.series.iter().map(|s| s.points.len()).sum()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
