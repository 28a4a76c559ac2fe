//! Aggregations: groups of rows to one row each, or to a choice of its rows.

use rustc_hash::FxHashMap;

use super::PromqlError;
use super::eval::Evaluator;
use super::quantile::{ascending, quantile};
use super::row::{ABSENT, Grid, Key, Row, RowLabels, is_present};
use super::sum::stays_infinite;
use super::tree::{Aggregate, AggregateOp, Grouping};
use crate::metrics::labels::Labels;

/// Rows of a group, with the labels that it shares.
struct Group {
    labels: Labels,
    rows: Vec<usize>,
}

impl<'s> Evaluator<'s> {
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, grid: &Grid) -> Result<Vec<Row<'s>>, PromqlError> {
        let params = aggregate.param.as_ref().map(|param| self.numbers(param, grid)).transpose()?;
        let params = params.unwrap_or_default();
        let rows = self.rows(&aggregate.of, grid)?;
        let groups = groups(&rows, &aggregate.grouping);
        match aggregate.op {
            AggregateOp::Topk | AggregateOp::Bottomk => {
                let at = aggregate.param.as_ref().map_or(0, |param| param.at);
                let counts = params.iter().map(|k| self.count(at, *k)).collect::<Result<Vec<_>, _>>()?;
                Ok(chosen(rows, &groups, &counts, aggregate.op == AggregateOp::Topk, grid))
            }
            AggregateOp::CountValues => self.count_values(aggregate, &rows, grid),
            op => {
                let mut results = Vec::with_capacity(groups.len());
                for group in groups {
                    self.look_at(grid.count)?;
                    let members: Vec<&Row<'s>> = group.rows.iter().map(|place| &rows[*place]).collect();
                    let cells = match op {
                        AggregateOp::Quantile => quantiles(&members, &params),
                        op => folded(op, &members, grid.count),
                    };
                    results.push(Row { labels: RowLabels::Own(group.labels), cells });
                }
                Ok(results)
            }
        }
    }

    /// How many are to be chosen.
    fn count(&self, at: usize, k: f64) -> Result<usize, PromqlError> {
        if -9.3e18 < k && k < 9.2e18 {
            Ok(k.max(0.0) as usize)
        } else {
            Err(self.mismatch(at, format!("{k} is no number of series")))
        }
    }

    /// How often each value stands in each group.
    fn count_values(
        &mut self,
        aggregate: &Aggregate,
        rows: &[Row<'s>],
        grid: &Grid,
    ) -> Result<Vec<Row<'s>>, PromqlError> {
        let mut known: FxHashMap<Labels, usize> = FxHashMap::default();
        let mut results: Vec<Row<'s>> = Vec::new();
        let by = matches!(aggregate.grouping, Grouping::By(_));
        let shows = by || aggregate.grouping.counts(&aggregate.label);
        for row in rows {
            let shared = row.labels.pairs().filter(|(label, _)| aggregate.grouping.counts(label));
            let shared = Labels::new(shared.filter(|(label, _)| *label != aggregate.label));
            let mut of_value: FxHashMap<u64, usize> = FxHashMap::default();
            for (place, value) in row.cells.iter().enumerate().filter(|(_, v)| is_present(**v)) {
                let group = match of_value.get(&value.to_bits()) {
                    Some(group) => *group,
                    None => {
                        let mut labels = shared.clone();
                        if shows {
                            labels.set(&aggregate.label, &shown(*value));
                        }
                        let next = results.len();
                        let group = *known.entry(labels.clone()).or_insert(next);
                        if group == next {
                            self.look_at(grid.count)?;
                            results.push(Row { labels: RowLabels::Own(labels), cells: vec![ABSENT; grid.count] });
                        }
                        of_value.insert(value.to_bits(), group);
                        group
                    }
                };
                let cell = &mut results[group].cells[place];
                *cell = if is_present(*cell) { *cell + 1.0 } else { 1.0 };
            }
        }
        Ok(results)
    }
}

/// A value as Go writes it with as many digits as it needs.
fn shown(value: f64) -> String {
    match value {
        v if v == f64::INFINITY => "+Inf".to_string(),
        v if v == f64::NEG_INFINITY => "-Inf".to_string(),
        v => v.to_string(),
    }
}

/// Groups in the order in which their first rows come.
fn groups(rows: &[Row<'_>], grouping: &Grouping) -> Vec<Group> {
    let mut known: FxHashMap<Key<'_>, usize> = FxHashMap::default();
    let mut groups: Vec<Group> = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let key = row.labels.key(|label| grouping.counts(label));
        let group = *known.entry(key).or_insert_with_key(|key| {
            groups.push(Group { labels: Labels::new(key.iter().copied()), rows: Vec::new() });
            groups.len() - 1
        });
        groups[group].rows.push(place);
    }
    groups
}

/// What is known of a group's values at one moment, those seen so far.
#[derive(Clone, Copy, Default)]
struct Fold {
    count: f64,
    value: f64,
    mean: f64,
}

impl Fold {
    fn add(&mut self, op: AggregateOp, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            let square = matches!(op, AggregateOp::Stddev | AggregateOp::Stdvar);
            (self.value, self.mean) = (if square { 0.0 } else { value }, value);
            return;
        }
        match op {
            AggregateOp::Sum => self.value += value,
            AggregateOp::Avg if !stays_infinite(self.mean, value) => {
                self.mean += value / self.count - self.mean / self.count;
            }
            AggregateOp::Max if self.value < value || self.value.is_nan() => self.value = value,
            AggregateOp::Min if value < self.value || self.value.is_nan() => self.value = value,
            AggregateOp::Stddev | AggregateOp::Stdvar => {
                let delta = value - self.mean;
                self.mean += delta / self.count;
                self.value += delta * (value - self.mean);
            }
            _ => {}
        }
    }

    fn result(self, op: AggregateOp) -> f64 {
        match op {
            _ if self.count == 0.0 => ABSENT,
            AggregateOp::Avg => self.mean,
            AggregateOp::Count => self.count,
            AggregateOp::Group => 1.0,
            AggregateOp::Stdvar => self.value / self.count,
            AggregateOp::Stddev => (self.value / self.count).sqrt(),
            _ => self.value,
        }
    }
}

fn folded(op: AggregateOp, members: &[&Row<'_>], count: usize) -> Vec<f64> {
    let mut folds = vec![Fold::default(); count];
    for row in members {
        for (fold, value) in folds.iter_mut().zip(&row.cells) {
            if is_present(*value) {
                fold.add(op, *value);
            }
        }
    }
    folds.into_iter().map(|fold| fold.result(op)).collect()
}

fn quantiles(members: &[&Row<'_>], q: &[f64]) -> Vec<f64> {
    let mut values = Vec::with_capacity(members.len());
    let cells = q.iter().enumerate().map(|(place, q)| {
        values.clear();
        values.extend(members.iter().map(|row| row.cells[place]).filter(|v| is_present(*v)));
        if values.is_empty() { ABSENT } else { quantile(*q, &mut values) }
    });
    cells.collect()
}

/// Of each group the rows of the largest or smallest values, at each moment anew. At one moment they are in that order;
/// of equal values the first rows are taken.
fn chosen<'s>(rows: Vec<Row<'s>>, groups: &[Group], counts: &[usize], largest: bool, grid: &Grid) -> Vec<Row<'s>> {
    let mut kept: Vec<Vec<f64>> = vec![Vec::new(); rows.len()];
    let mut order = Vec::new();
    for group in groups {
        for (place, count) in counts.iter().enumerate() {
            let value = |row: usize| rows[row].cells[place];
            let mut candidates: Vec<usize> = group.rows.iter().copied().filter(|row| is_present(value(*row))).collect();
            candidates.sort_by(|a, b| {
                let (a, b) = (value(*a), value(*b));
                a.is_nan().cmp(&b.is_nan()).then(if largest { ascending(b, a) } else { ascending(a, b) })
            });
            for row in candidates.into_iter().take(*count) {
                if kept[row].is_empty() {
                    kept[row] = vec![ABSENT; grid.count];
                    order.push(row);
                }
                kept[row][place] = value(row);
            }
        }
    }
    if 1 < grid.count {
        order.sort_unstable();
    }
    let mut rows: Vec<Option<Row<'s>>> = rows.into_iter().map(Some).collect();
    let chosen = order.into_iter().filter_map(|place| {
        let row = rows[place].take()?;
        Some(Row { labels: row.labels, cells: std::mem::take(&mut kept[place]) })
    });
    chosen.collect()
}
