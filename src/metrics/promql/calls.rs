//! Functions of values at a moment.

use rustc_hash::FxHashMap;

use super::PromqlError;
use super::eval::{Evaluator, drop_name};
use super::functions::{Does, Function};
use super::quantile::{ascending, bucket_quantile};
use super::row::{ABSENT, Grid, Key, Outcome, Row, RowLabels, is_present};
use super::tree::{Expr, Node, Test};
use crate::metrics::labels::{Labels, NAME};

/// The label of a bucket's upper edge.
const EDGE: &str = "le";

impl<'s> Evaluator<'s> {
    /// A function whose arguments are scalars and instant vectors.
    pub(super) fn apply(
        &mut self,
        at: usize,
        function: &Function,
        args: &[Expr],
        grid: &Grid,
    ) -> Result<Outcome<'s>, PromqlError> {
        let seconds = |t_ms: i64| t_ms as f64 / 1000.0;
        let rows = match function.does {
            Does::Time => return self.scalars(grid, seconds),
            Does::Pi => return self.scalars(grid, |_| std::f64::consts::PI),
            Does::Scalar => return self.only_values(&args[0], grid),
            Does::Vector => {
                let cells = self.numbers(&args[0], grid)?;
                return Ok(Outcome::Vector(vec![Row { labels: RowLabels::Own(Labels::default()), cells }]));
            }
            Does::Absent => {
                let rows = self.rows(&args[0], grid)?;
                return Ok(Outcome::Vector(self.where_absent(&args[0], &rows, grid)));
            }
            Does::Sort | Does::SortDesc => {
                let descending = matches!(function.does, Does::SortDesc);
                return self.rows(&args[0], grid).map(|rows| Outcome::Vector(sorted(rows, descending, grid)));
            }
            Does::HistogramQuantile => self.histogram_quantile(args, grid)?,
            Does::Timestamp => self.timestamps(&args[0], grid)?,
            Does::Each(change) => self.changed(&args[0], grid, |_, v| change(v))?,
            Does::Date(date) if args.is_empty() => {
                let Outcome::Scalar(cells) = self.scalars(grid, |t_ms| date.of(t_ms.div_euclid(1000) as f64))? else {
                    return Ok(Outcome::Vector(Vec::new()));
                };
                vec![Row { labels: RowLabels::Own(Labels::default()), cells }]
            }
            Does::Date(date) => self.changed(&args[0], grid, |_, v| date.of(v))?,
            Does::Round => {
                let nearest = match args.get(1) {
                    Some(arg) => self.numbers(arg, grid)?,
                    None => vec![1.0; grid.count],
                };
                // By the inverse, as in Prometheus: fewer results are off by a rounding.
                let inverse: Vec<f64> = nearest.iter().map(|nearest| 1.0 / nearest).collect();
                self.changed(&args[0], grid, |n, v| (v * inverse[n] + 0.5).floor() / inverse[n])?
            }
            Does::ClampMin => {
                let least = self.numbers(&args[1], grid)?;
                self.changed(&args[0], grid, |n, v| larger(least[n], v))?
            }
            Does::ClampMax => {
                let most = self.numbers(&args[1], grid)?;
                self.changed(&args[0], grid, |n, v| smaller(most[n], v))?
            }
            Does::Clamp => {
                let (least, most) = (self.numbers(&args[1], grid)?, self.numbers(&args[2], grid)?);
                let clamped = |n: usize, v: f64| {
                    if most[n] < least[n] { ABSENT } else { larger(least[n], smaller(most[n], v)) }
                };
                self.changed(&args[0], grid, clamped)?
            }
            Does::Over(_) | Does::AbsentOverTime | Does::LabelReplace | Does::LabelJoin => Vec::new(), // elsewhere
        };
        self.settled(at, rows).map(Outcome::Vector)
    }

    /// Every value by itself, given its place in the grid; the result is another quantity.
    fn changed(
        &mut self,
        arg: &Expr,
        grid: &Grid,
        change: impl Fn(usize, f64) -> f64,
    ) -> Result<Vec<Row<'s>>, PromqlError> {
        let mut rows = self.rows(arg, grid)?;
        for row in &mut rows {
            let present = row.cells.iter_mut().enumerate().filter(|(_, v)| is_present(**v));
            present.for_each(|(place, v)| *v = change(place, *v));
            drop_name(row);
        }
        Ok(rows)
    }

    /// The value of the only series; no number where there is not exactly one.
    fn only_values(&mut self, arg: &Expr, grid: &Grid) -> Result<Outcome<'s>, PromqlError> {
        let rows = self.rows(arg, grid)?;
        self.look_at(grid.count)?;
        let only = |place: usize| {
            let mut present = rows.iter().map(|row| row.cells[place]).filter(|v| is_present(*v));
            present.next().filter(|_| present.next().is_none()).unwrap_or(f64::NAN)
        };
        Ok(Outcome::Scalar((0..grid.count).map(only).collect()))
    }

    /// One at moments without a series, with the labels that a selector asked for exactly.
    pub(super) fn where_absent(&self, arg: &Expr, rows: &[Row<'s>], grid: &Grid) -> Vec<Row<'s>> {
        let there = |place: usize| rows.iter().any(|row| is_present(row.cells[place]));
        let cells = (0..grid.count).map(|place| if there(place) { ABSENT } else { 1.0 }).collect();
        let row = Row { labels: RowLabels::Own(asked_labels(arg)), cells };
        if row.is_empty() { Vec::new() } else { vec![row] }
    }

    /// When values were sampled, for a selector; else when they were computed.
    fn timestamps(&mut self, arg: &Expr, grid: &Grid) -> Result<Vec<Row<'s>>, PromqlError> {
        if let Node::Selector(selector) = &arg.bare().node {
            let mut rows = self.instant(selector, grid, |point| point.t_ms as f64 / 1000.0)?;
            rows.iter_mut().for_each(drop_name);
            return Ok(rows);
        }
        self.changed(arg, grid, |place, _| grid.moment(place) as f64 / 1000.0)
    }

    fn histogram_quantile(&mut self, args: &[Expr], grid: &Grid) -> Result<Vec<Row<'s>>, PromqlError> {
        let q = self.numbers(&args[0], grid)?;
        let rows = self.rows(&args[1], grid)?;
        let mut groups: FxHashMap<Key<'_>, usize> = FxHashMap::default();
        let mut members: Vec<Vec<(f64, &Row<'s>)>> = Vec::new();
        for row in &rows {
            let Ok(edge) = row.labels.get(EDGE).parse::<f64>() else { continue }; // "+Inf" is infinity
            let group = *groups.entry(row.labels.key(|label| label != EDGE)).or_insert(members.len());
            if group == members.len() {
                members.push(Vec::new());
            }
            members[group].push((edge, row));
        }
        let mut results = Vec::with_capacity(members.len());
        let mut buckets = Vec::new();
        for mut group in members {
            self.look_at(grid.count)?;
            group.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut cells = Vec::with_capacity(grid.count);
            for (place, q) in q.iter().enumerate() {
                buckets.clear();
                let there = group.iter().map(|(edge, row)| (*edge, row.cells[place]));
                buckets.extend(there.filter(|(_, count)| is_present(*count)));
                cells.push(if buckets.is_empty() { ABSENT } else { bucket_quantile(*q, &mut buckets) });
            }
            let labels = group[0].1.labels.to_labels().without(&[EDGE, NAME]);
            results.push(Row { labels: RowLabels::Own(labels), cells });
        }
        Ok(results)
    }

    /// `label_replace` and `label_join`.
    pub(super) fn relabelled(&mut self, expr: &Expr, mut rows: Vec<Row<'s>>) -> Result<Outcome<'s>, PromqlError> {
        for row in &mut rows {
            let mut labels = row.labels.to_labels();
            match &expr.node {
                Node::LabelReplace { target, template, source, pattern, .. } => {
                    let Some(found) = pattern.captures(row.labels.get(source)) else { continue };
                    let mut value = String::new();
                    found.expand(template, &mut value);
                    self.look_at(value.len())?; // or a few dozen in each other would double it beyond all memory
                    labels.set(target, &value);
                }
                Node::LabelJoin { target, separator, sources, .. } => {
                    let values: Vec<&str> = sources.iter().map(|source| row.labels.get(source)).collect();
                    let value = values.join(separator);
                    self.look_at(value.len())?;
                    labels.set(target, &value);
                }
                _ => {}
            }
            row.labels = RowLabels::Own(labels);
        }
        self.settled(expr.at, rows).map(Outcome::Vector)
    }
}

/// What a selector asks labels to be exactly; a label asked for twice is left out.
fn asked_labels(expr: &Expr) -> Labels {
    let mut labels = Labels::default();
    let (Node::Selector(selector) | Node::Range { selector, .. }) = &expr.node else { return labels };
    let mut asked: Vec<&str> = Vec::new();
    for matcher in selector.matchers.iter().filter(|m| m.label != NAME) {
        match &matcher.test {
            Test::Is(value) if !asked.contains(&matcher.label.as_str()) => {
                labels.set(&matcher.label, value);
                asked.push(&matcher.label);
            }
            _ => labels.set(&matcher.label, ""),
        }
    }
    labels
}

/// In order of values, what is no number last; only at one moment is there an order.
fn sorted<'s>(mut rows: Vec<Row<'s>>, descending: bool, grid: &Grid) -> Vec<Row<'s>> {
    if grid.count == 1 {
        rows.sort_by(|a, b| {
            let (a, b) = (a.cells[0], b.cells[0]);
            a.is_nan().cmp(&b.is_nan()).then(if descending { ascending(b, a) } else { ascending(a, b) })
        });
    }
    rows
}

/// As Go's `math.Max`: infinity beats what is no number, which beats the rest.
fn larger(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

/// As Go's `math.Min`.
fn smaller(a: f64, b: f64) -> f64 {
    -larger(-a, -b)
}
