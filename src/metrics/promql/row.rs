//! Values of series over a row of moments.

use rustc_hash::FxHashMap;

use crate::metrics::labels::{Labels, NAME};
use crate::metrics::store::STALE;

/// Moments at equal distances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub start_ms: i64,
    pub step_ms: i64,
    /// At least one.
    pub count: usize,
}

impl Grid {
    pub(super) fn one(t_ms: i64) -> Grid {
        Grid { start_ms: t_ms, step_ms: 1, count: 1 }
    }

    pub(super) fn moment(&self, place: usize) -> i64 {
        self.start_ms.saturating_add(self.step_ms.saturating_mul(place as i64))
    }

    pub(super) fn last(&self) -> i64 {
        self.moment(self.count - 1)
    }
}

/// Stands in a row where there is no value: the mark of staleness, which no computation gives and no selector lets pass.
pub(super) const ABSENT: f64 = f64::from_bits(STALE);

pub(super) fn is_present(value: f64) -> bool {
    value.to_bits() != STALE
}

/// The labels of a row: those of a stored series as long as that will do.
#[derive(Clone, Debug)]
pub(super) enum RowLabels<'s> {
    Stored(&'s Labels),
    /// Without the name.
    Nameless(&'s Labels),
    Own(Labels),
}

/// Names and values of labels, in order.
pub(super) type Key<'k> = Vec<(&'k str, &'k str)>;

impl<'s> RowLabels<'s> {
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let (labels, named) = match self {
            RowLabels::Stored(labels) => (*labels, true),
            RowLabels::Nameless(labels) => (*labels, false),
            RowLabels::Own(labels) => (labels, true),
        };
        labels.pairs().filter(move |(name, _)| named || *name != NAME)
    }

    pub(super) fn get(&self, label: &str) -> &str {
        match self {
            RowLabels::Nameless(_) if label == NAME => "",
            RowLabels::Stored(labels) | RowLabels::Nameless(labels) => labels.get(label),
            RowLabels::Own(labels) => labels.get(label),
        }
    }

    /// Those labels that count.
    pub(super) fn key(&self, counts: impl Fn(&str) -> bool) -> Key<'_> {
        self.pairs().filter(|(label, _)| counts(label)).collect()
    }

    pub(super) fn nameless(self) -> RowLabels<'s> {
        match self {
            RowLabels::Stored(labels) | RowLabels::Nameless(labels) => RowLabels::Nameless(labels),
            RowLabels::Own(labels) => RowLabels::Own(labels.without(&[NAME])),
        }
    }

    pub(super) fn to_labels(&self) -> Labels {
        match self {
            RowLabels::Stored(labels) => (*labels).clone(),
            RowLabels::Nameless(labels) => labels.without(&[NAME]),
            RowLabels::Own(labels) => labels.clone(),
        }
    }
}

/// The values of a series at each moment of a grid.
#[derive(Clone, Debug)]
pub(super) struct Row<'s> {
    pub labels: RowLabels<'s>,
    pub cells: Vec<f64>,
}

impl Row<'_> {
    pub(super) fn is_empty(&self) -> bool {
        !self.cells.iter().any(|v| is_present(*v))
    }

    /// Every value by itself.
    pub(super) fn map(&mut self, change: impl Fn(f64) -> f64) {
        self.cells.iter_mut().filter(|v| is_present(**v)).for_each(|v| *v = change(*v));
    }
}

/// What an expression gives over a grid.
#[derive(Clone, Debug)]
pub(super) enum Outcome<'s> {
    /// A number at each moment.
    Scalar(Vec<f64>),
    /// Rows, no two of the same labels.
    Vector(Vec<Row<'s>>),
}

/// Rows of the same labels become one, in the place of the first; the labels of two that both have a value at a moment
/// are an error. Rows without a value are left out.
pub(super) fn merged<'s>(rows: Vec<Row<'s>>) -> Result<Vec<Row<'s>>, Labels> {
    let mut rows: Vec<Row<'s>> = rows.into_iter().filter(|row| !row.is_empty()).collect();
    let places = first_of_their_labels(&rows);
    if places.iter().enumerate().all(|(place, first)| place == *first) {
        return Ok(rows);
    }
    for (place, first) in places.iter().enumerate().filter(|(place, first)| *place != **first) {
        let cells = std::mem::take(&mut rows[place].cells);
        for (kept, value) in rows[*first].cells.iter_mut().zip(cells) {
            match (is_present(*kept), is_present(value)) {
                (true, true) => return Err(rows[*first].labels.to_labels()),
                (false, true) => *kept = value,
                _ => {}
            }
        }
    }
    rows.retain(|row| !row.cells.is_empty());
    Ok(rows)
}

/// For each row the first that has the same labels.
pub(super) fn first_of_their_labels(rows: &[Row<'_>]) -> Vec<usize> {
    let mut seen: FxHashMap<Key<'_>, usize> = FxHashMap::default();
    rows.iter().enumerate().map(|(place, row)| *seen.entry(row.labels.key(|_| true)).or_insert(place)).collect()
}
