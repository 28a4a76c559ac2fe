//! Samples of series, in order of time, with the marks of series that have ended.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::metrics::labels::{Labels, NAME};
use crate::metrics::times::Times;
use crate::metrics::values::Values;

/// The NaN with which Prometheus marks that a series has ended.
pub const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Names a series of a [`Store`]; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

/// Samples read from a series: moments, in milliseconds and in order, and as many values.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub times: Vec<i64>,
    pub values: Vec<f64>,
}

impl Columns {
    pub(super) fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
    }

    pub(super) fn push(&mut self, t_ms: i64, value: f64) {
        self.times.push(t_ms);
        self.values.push(value);
    }

    pub(super) fn point(&self, place: usize) -> Point {
        Point { t_ms: self.times[place], value: self.values[place] }
    }

    pub(super) fn points(&self) -> impl Iterator<Item = Point> {
        self.times.iter().zip(&self.values).map(|(t_ms, value)| Point { t_ms: *t_ms, value: *value })
    }

    /// Without the marks of ends.
    pub(super) fn drop_stale(&mut self) {
        if !self.values.iter().any(|v| v.to_bits() == STALE) {
            return;
        }
        let mut values = self.values.iter();
        self.times.retain(|_| values.next().is_some_and(|v| v.to_bits() != STALE));
        self.values.retain(|v| v.to_bits() != STALE);
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Series {
    labels: Labels,
    times: Times,
    values: Values,
}

impl Series {
    fn point(&self, place: usize) -> Point {
        Point { t_ms: self.times.get(place), value: self.values.get(place) }
    }
}

/// All series that were scraped.
#[derive(Clone, Debug, Default)]
pub struct Store {
    series: Vec<Series>,
    ids: FxHashMap<Labels, SeriesId>,
    by_name: BTreeMap<String, Vec<SeriesId>>,
}

impl Serialize for Store {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.series.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Store, D::Error> {
        let mut store = Store { series: Vec::deserialize(d)?, ..Store::default() };
        for place in 0..store.series.len() {
            store.enter(SeriesId(place as u32));
        }
        Ok(store)
    }
}

impl Store {
    /// The series of these labels; a new one if there is none.
    pub fn series(&mut self, labels: &Labels) -> SeriesId {
        if let Some(id) = self.ids.get(labels) {
            return *id;
        }
        let id = SeriesId(self.series.len() as u32);
        self.series.push(Series { labels: labels.clone(), times: Times::default(), values: Values::default() });
        self.enter(id);
        id
    }

    /// Makes a series known by its labels.
    fn enter(&mut self, id: SeriesId) {
        let labels = &self.series[id.0 as usize].labels;
        self.ids.insert(labels.clone(), id);
        self.by_name.entry(labels.get(NAME).to_string()).or_default().push(id);
    }

    /// Adds a sample. False, and nothing added, if it is not later than the last.
    pub fn append(&mut self, id: SeriesId, t_ms: i64, value: f64) -> bool {
        let Some(series) = self.series.get_mut(id.0 as usize) else { return false };
        let later = series.times.push(t_ms);
        if later {
            series.values.push(value);
        }
        later
    }

    /// Marks that a series has ended.
    pub fn end(&mut self, id: SeriesId, t_ms: i64) {
        let ended = self.last(id).is_none_or(|last| last.is_stale());
        if !ended {
            self.append(id, t_ms, f64::from_bits(STALE));
        }
    }

    /// The labels of a series.
    pub fn labels(&self, id: SeriesId) -> &Labels {
        &self.series[id.0 as usize].labels
    }

    /// The samples of a series in order of time, marks of ends included.
    pub fn points(&self, id: SeriesId) -> impl Iterator<Item = Point> + use<> {
        let mut columns = Columns::default();
        self.read(id, i64::MIN, i64::MAX, &mut columns);
        columns.times.into_iter().zip(columns.values).map(|(t_ms, value)| Point { t_ms, value })
    }

    /// The last sample of a series.
    pub fn last(&self, id: SeriesId) -> Option<Point> {
        self.last_at(id, i64::MAX)
    }

    /// The last sample of a series at or before a moment, in milliseconds.
    pub fn last_at(&self, id: SeriesId, t_ms: i64) -> Option<Point> {
        let series = &self.series[id.0 as usize];
        series.times.upto(t_ms).checked_sub(1).map(|place| series.point(place))
    }

    /// Replaces what `into` holds by the samples from one moment to another, both included.
    pub(super) fn read(&self, id: SeriesId, from_ms: i64, to_ms: i64, into: &mut Columns) {
        into.clear();
        let series = &self.series[id.0 as usize];
        let (from, upto) = (from_ms.checked_sub(1).map_or(0, |t| series.times.upto(t)), series.times.upto(to_ms));
        if from < upto {
            series.times.read(from, upto, &mut into.times);
            series.values.read(from, upto, &mut into.values);
        }
    }

    /// Whether a series has a sample from one moment to another, both included, that is not the mark of its end.
    pub fn has_samples(&self, id: SeriesId, from_ms: i64, to_ms: i64) -> bool {
        let mut columns = Columns::default();
        self.read(id, from_ms, to_ms, &mut columns);
        columns.points().any(|point| !point.is_stale())
    }

    /// Names of all metrics, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Names of all labels of some series, in order.
    pub fn label_names(&self, of: &[SeriesId]) -> Vec<&str> {
        let names: BTreeSet<&str> = of.iter().flat_map(|id| self.labels(*id).pairs().map(|(name, _)| name)).collect();
        names.into_iter().collect()
    }

    /// Values of a label among some series, in order.
    pub fn label_values(&self, label: &str, of: &[SeriesId]) -> Vec<&str> {
        let values: BTreeSet<&str> =
            of.iter().map(|id| self.labels(*id).get(label)).filter(|v| !v.is_empty()).collect();
        values.into_iter().collect()
    }

    /// Series whose labels fit, in the order in which they first came; of one metric if a name is given.
    pub fn select(&self, name: Option<&str>, fits: impl Fn(&Labels) -> bool) -> Vec<SeriesId> {
        let fits = |id: &SeriesId| fits(self.labels(*id));
        match name {
            Some(name) => self.by_name.get(name).into_iter().flatten().copied().filter(fits).collect(),
            None => self.all().filter(fits).collect(),
        }
    }

    /// All series, in the order in which they first came.
    pub fn all(&self) -> impl Iterator<Item = SeriesId> {
        (0..self.series.len() as u32).map(SeriesId)
    }

    /// Samples kept.
    pub fn len(&self) -> usize {
        self.series.iter().map(|s| s.times.len()).sum()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the samples take; labels and indices are not counted.
    pub fn bytes(&self) -> usize {
        self.series.iter().map(|s| s.times.bytes() + s.values.bytes()).sum()
    }
}
