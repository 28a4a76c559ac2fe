//! Values of an expression over a grid of moments; an instant is a grid of one.

use super::functions::{Does, Function};
use super::row::{ABSENT, Grid, Outcome, Row, RowLabels, first_of_their_labels, is_present, merged};
use super::tree::{At, Expr, Node, Selector, When};
use super::window::{Over, Window};
use super::{LOOKBACK_MS, MOST_SAMPLES, MOST_VISITS, PromqlError};
use crate::metrics::labels::{Labels, NAME};
use crate::metrics::store::{Columns, Point, STALE, SeriesId, Store};

/// Metrics whose values are moments in seconds, on the clock of the samples.
const MOMENTS: [&str; 2] = ["process_start_time_seconds", "ALERTS_FOR_STATE"];

/// The step of a subquery that names none (Prometheus' default evaluation interval).
const DEFAULT_STEP_MS: i64 = 60_000;

/// Evaluates one query.
pub(super) struct Evaluator<'s> {
    store: &'s Store,
    text: &'s str,
    /// Of the whole query: `@ start()` and `@ end()`.
    whole: Grid,
    /// The moment of whoever asks that is zero in the store.
    zero_ms: i64,
    looked_at: usize,
    visited: usize,
}

/// Windows of a range that end at each moment of a grid.
#[derive(Clone, Copy)]
struct Windows {
    when: When,
    range_ms: i64,
    grid: Grid,
}

impl<'s> Evaluator<'s> {
    pub(super) fn new(store: &'s Store, text: &'s str, zero_ms: i64, whole: Grid) -> Self {
        Evaluator { store, text, whole, zero_ms, looked_at: 0, visited: 0 }
    }

    /// Samples of a series, at moments of whoever asks.
    fn read(&self, id: SeriesId, from_ms: i64, to_ms: i64, into: &mut Columns) {
        let zero = self.zero_ms;
        self.store.read(id, from_ms.saturating_sub(zero), to_ms.saturating_sub(zero), into);
        if zero != 0 {
            let later = self.later(id);
            into.times.iter_mut().for_each(|t| *t += zero);
            if later != 0.0 {
                into.values.iter_mut().filter(|v| v.to_bits() != STALE).for_each(|v| *v += later);
            }
        }
    }

    /// The last sample of a series, at moments of whoever asks.
    fn last_at(&self, id: SeriesId, t_ms: i64) -> Option<Point> {
        let mut point = self.store.last_at(id, t_ms.saturating_sub(self.zero_ms))?;
        point.t_ms += self.zero_ms;
        if self.zero_ms != 0 && !point.is_stale() {
            point.value += self.later(id);
        }
        Some(point)
    }

    /// What is added to the values of a series: those of some are moments too, in seconds.
    fn later(&self, id: SeriesId) -> f64 {
        let is_moment = MOMENTS.contains(&self.store.labels(id).get(NAME));
        if is_moment { self.zero_ms as f64 / 1000.0 } else { 0.0 }
    }

    pub(super) fn outcome(&mut self, expr: &Expr, grid: &Grid) -> Result<Outcome<'s>, PromqlError> {
        if expr.fixed && 1 < grid.count {
            let once = self.outcome(expr, &Grid::one(grid.start_ms))?;
            return self.repeated(once, grid.count);
        }
        match &expr.node {
            Node::Number(value) => self.scalars(grid, |_| *value),
            Node::Paren(inner) => self.outcome(inner, grid),
            Node::Negative(of) => self.negative(expr, of, grid),
            Node::Selector(selector) => self.instant(selector, grid, |point| point.value).map(Outcome::Vector),
            Node::Aggregate(aggregate) => self.aggregate(aggregate, grid).map(Outcome::Vector),
            Node::Binary(binary) => self.binary(expr.at, binary, grid),
            Node::Call { function, args } => self.call(expr.at, function, args, grid),
            Node::LabelReplace { of, .. } | Node::LabelJoin { of, .. } => {
                let rows = self.rows(of, grid)?;
                self.relabelled(expr, rows)
            }
            Node::Text(_) | Node::Range { .. } | Node::Subquery { .. } => {
                Err(self.mismatch(expr.at, format!("{} has no value at one moment", expr.gives.name())))
            }
        }
    }

    pub(super) fn rows(&mut self, expr: &Expr, grid: &Grid) -> Result<Vec<Row<'s>>, PromqlError> {
        match self.outcome(expr, grid)? {
            Outcome::Vector(rows) => Ok(rows),
            Outcome::Scalar(_) => Err(self.mismatch(expr.at, "a scalar stands where series are wanted".to_string())),
        }
    }

    pub(super) fn numbers(&mut self, expr: &Expr, grid: &Grid) -> Result<Vec<f64>, PromqlError> {
        match self.outcome(expr, grid)? {
            Outcome::Scalar(numbers) => Ok(numbers),
            Outcome::Vector(_) => Err(self.mismatch(expr.at, "series stand where a scalar is wanted".to_string())),
        }
    }

    /// Counts samples against what a query may look at.
    pub(super) fn look_at(&mut self, samples: usize) -> Result<(), PromqlError> {
        self.looked_at = self.looked_at.saturating_add(samples);
        if MOST_SAMPLES < self.looked_at { Err(PromqlError::TooMuch(MOST_SAMPLES)) } else { Ok(()) }
    }

    fn visit(&mut self, samples: usize) -> Result<(), PromqlError> {
        self.visited = self.visited.saturating_add(samples);
        if MOST_VISITS < self.visited { Err(PromqlError::TooMuch(MOST_VISITS)) } else { Ok(()) }
    }

    pub(super) fn mismatch(&self, at: usize, message: String) -> PromqlError {
        PromqlError::mismatch(self.text, at, message)
    }

    pub(super) fn scalars(&mut self, grid: &Grid, value: impl Fn(i64) -> f64) -> Result<Outcome<'s>, PromqlError> {
        self.look_at(grid.count)?;
        Ok(Outcome::Scalar((0..grid.count).map(|place| value(grid.moment(place))).collect()))
    }

    fn repeated(&mut self, once: Outcome<'s>, count: usize) -> Result<Outcome<'s>, PromqlError> {
        Ok(match once {
            Outcome::Scalar(numbers) => {
                self.look_at(count)?;
                Outcome::Scalar(vec![numbers[0]; count])
            }
            Outcome::Vector(mut rows) => {
                self.look_at(count.saturating_mul(rows.len()))?;
                rows.iter_mut().for_each(|row| row.cells = vec![row.cells[0]; count]);
                Outcome::Vector(rows)
            }
        })
    }

    fn negative(&mut self, expr: &Expr, of: &Expr, grid: &Grid) -> Result<Outcome<'s>, PromqlError> {
        match self.outcome(of, grid)? {
            Outcome::Scalar(numbers) => Ok(Outcome::Scalar(numbers.into_iter().map(|v| -v).collect())),
            Outcome::Vector(mut rows) => {
                for row in &mut rows {
                    row.map(|v| -v);
                    drop_name(row);
                }
                self.distinct(expr.at, rows).map(Outcome::Vector)
            }
        }
    }

    /// Rows that are called alike become one, unless two have a value at the same moment.
    pub(super) fn settled(&self, at: usize, rows: Vec<Row<'s>>) -> Result<Vec<Row<'s>>, PromqlError> {
        merged(rows).map_err(|labels| self.alike(at, &labels))
    }

    /// Rows of which no two may be called alike, at whatever moments they have values.
    fn distinct(&self, at: usize, rows: Vec<Row<'s>>) -> Result<Vec<Row<'s>>, PromqlError> {
        let rows: Vec<Row<'s>> = rows.into_iter().filter(|row| !row.is_empty()).collect();
        let twice = first_of_their_labels(&rows).into_iter().enumerate().find(|(place, first)| place != first);
        match twice {
            Some((_, first)) => Err(self.alike(at, &rows[first].labels.to_labels())),
            None => Ok(rows),
        }
    }

    fn alike(&self, at: usize, labels: &Labels) -> PromqlError {
        let message = format!(
            "several series of the result would be called {labels}: select by name, or keep a label that parts them"
        );
        self.mismatch(at, message)
    }

    fn select(&self, selector: &Selector) -> Vec<SeriesId> {
        self.store.select(selector.exact_name(), |labels| selector.fits(labels))
    }

    /// The moment that a selector looks at, at a moment of evaluation.
    fn moment(&self, when: When, t_ms: i64) -> i64 {
        let at = match when.at {
            None => t_ms,
            Some(At::Moment(at)) => at,
            Some(At::Start) => self.whole.start_ms,
            Some(At::End) => self.whole.last(),
        };
        at.saturating_sub(when.offset_ms)
    }

    /// Of each series the last sample that is neither too old nor the mark of its end.
    pub(super) fn instant(
        &mut self,
        selector: &Selector,
        grid: &Grid,
        read: impl Fn(Point) -> f64,
    ) -> Result<Vec<Row<'s>>, PromqlError> {
        let mut rows = Vec::new();
        let mut columns = Columns::default();
        let fresh = |point: Point, t_ms: i64| {
            let seen = t_ms.saturating_sub(LOOKBACK_MS) <= point.t_ms && !point.is_stale();
            if seen { read(point) } else { ABSENT }
        };
        for id in self.select(selector) {
            let mut cells = Vec::new();
            if grid.count == 1 {
                let t_ms = self.moment(selector.when, grid.start_ms);
                cells.push(self.last_at(id, t_ms).map_or(ABSENT, |point| fresh(point, t_ms)));
            } else {
                self.visit(grid.count)?;
                let first_ms = self.moment(selector.when, grid.start_ms).saturating_sub(LOOKBACK_MS);
                self.read(id, first_ms, self.moment(selector.when, grid.last()), &mut columns);
                self.look_at(columns.times.len())?;
                let mut upto = 0;
                for place in 0..grid.count {
                    let t_ms = self.moment(selector.when, grid.moment(place));
                    upto += columns.times[upto..].iter().take_while(|t| **t <= t_ms).count();
                    let last = upto.checked_sub(1).map(|last| columns.point(last));
                    cells.push(last.map_or(ABSENT, |point| fresh(point, t_ms)));
                }
            }
            let row = Row { labels: RowLabels::Stored(self.store.labels(id)), cells };
            if !row.is_empty() {
                self.look_at(grid.count)?;
                rows.push(row);
            }
        }
        Ok(rows)
    }

    fn call(&mut self, at: usize, function: &Function, args: &[Expr], grid: &Grid) -> Result<Outcome<'s>, PromqlError> {
        match function.does {
            Does::Over(over) => self.over(at, over, args, grid).map(Outcome::Vector),
            Does::AbsentOverTime => self.absent_over_time(&args[0], grid).map(Outcome::Vector),
            _ => self.apply(at, function, args, grid),
        }
    }

    fn over(&mut self, at: usize, over: Over, args: &[Expr], grid: &Grid) -> Result<Vec<Row<'s>>, PromqlError> {
        let place = usize::from(over == Over::Quantile);
        let others = args.iter().enumerate().filter(|(n, _)| *n != place);
        let params = others.map(|(_, arg)| self.numbers(arg, grid)).collect::<Result<Vec<_>, _>>()?;
        if over == Over::HoltWinters {
            self.check_factors(&args[1..], &params)?;
        }
        let mut rows = self.over_range(over, &args[place], &params, grid)?;
        if !over.keeps_name() {
            rows.iter_mut().for_each(drop_name);
        }
        self.distinct(at, rows)
    }

    fn check_factors(&self, args: &[Expr], params: &[Vec<f64>]) -> Result<(), PromqlError> {
        for (arg, factors) in args.iter().zip(params) {
            if factors.iter().any(|f| *f <= 0.0 || 1.0 <= *f) {
                return Err(self.mismatch(arg.at, "a factor of smoothing lies between 0 and 1".to_string()));
            }
        }
        Ok(())
    }

    /// A function of a range or of a subquery, series by series.
    fn over_range(
        &mut self,
        over: Over,
        range: &Expr,
        params: &[Vec<f64>],
        grid: &Grid,
    ) -> Result<Vec<Row<'s>>, PromqlError> {
        let mut rows = Vec::new();
        let mut columns = Columns::default();
        match &range.bare().node {
            Node::Range { selector, range_ms } => {
                let windows = Windows { when: selector.when, range_ms: *range_ms, grid: *grid };
                let from_ms = self.moment(selector.when, grid.start_ms).saturating_sub(*range_ms);
                let to_ms = self.moment(selector.when, grid.last());
                for id in self.select(selector) {
                    self.read(id, from_ms, to_ms, &mut columns);
                    columns.drop_stale();
                    let cells = self.slide(over, &columns, &windows, params)?;
                    rows.push(Row { labels: RowLabels::Stored(self.store.labels(id)), cells });
                }
            }
            Node::Subquery { of, range_ms, step_ms, when } => {
                let windows = Windows { when: *when, range_ms: *range_ms, grid: *grid };
                let Some(inner) = self.inner_grid(&windows, *step_ms)? else { return Ok(rows) };
                for row in self.rows(of, &inner)? {
                    columns.clear();
                    let present = row.cells.iter().enumerate().filter(|(_, v)| is_present(**v));
                    present.for_each(|(place, value)| columns.push(inner.moment(place), *value));
                    let cells = self.slide(over, &columns, &windows, params)?;
                    rows.push(Row { labels: row.labels, cells });
                }
            }
            _ => return Err(self.mismatch(range.at, "this is no range: write it as in [5m]".to_string())),
        }
        rows.retain(|row| !row.is_empty());
        Ok(rows)
    }

    /// The moments at which a subquery is asked: multiples of its step within all its ranges; none if there are none.
    fn inner_grid(&self, windows: &Windows, step_ms: Option<i64>) -> Result<Option<Grid>, PromqlError> {
        let step_ms = step_ms.unwrap_or(DEFAULT_STEP_MS);
        let from_ms = self.moment(windows.when, windows.grid.start_ms).saturating_sub(windows.range_ms);
        let to_ms = self.moment(windows.when, windows.grid.last());
        let behind = from_ms.rem_euclid(step_ms);
        let start_ms = if behind == 0 { from_ms } else { from_ms.saturating_add(step_ms - behind) };
        if to_ms < start_ms {
            return Ok(None);
        }
        let steps = to_ms.saturating_sub(start_ms) / step_ms;
        match usize::try_from(steps) {
            Ok(steps) if steps < MOST_SAMPLES => Ok(Some(Grid { start_ms, step_ms, count: steps + 1 })),
            _ => Err(PromqlError::TooMuch(MOST_SAMPLES)),
        }
    }

    /// A function of a window that moves along a series.
    fn slide(
        &mut self,
        over: Over,
        columns: &Columns,
        windows: &Windows,
        params: &[Vec<f64>],
    ) -> Result<Vec<f64>, PromqlError> {
        let Columns { times, values } = columns;
        let grid = windows.grid;
        self.look_at(times.len().saturating_add(grid.count))?;
        let falls = falls(values);
        let (mut from, mut upto) = (0, 0);
        let mut cells = Vec::with_capacity(grid.count);
        for place in 0..grid.count {
            let now_ms = grid.moment(place);
            let to_ms = self.moment(windows.when, now_ms);
            let from_ms = to_ms.saturating_sub(windows.range_ms);
            upto += times[upto..].iter().take_while(|t| **t <= to_ms).count();
            from += times[from..upto].iter().take_while(|t| **t < from_ms).count();
            if from == upto {
                cells.push(ABSENT);
                continue;
            }
            let window = Window {
                times: &times[from..upto],
                values: &values[from..upto],
                falls: falls[from] < falls[upto - 1],
                from_ms,
                to_ms,
                now_ms,
            };
            self.visit(if over.looks_at_ends() && !window.falls { 1 } else { upto - from })?;
            let param = |n: usize| params.get(n).map_or(0.0, |values| values[place]);
            cells.push(window.value(over, [param(0), param(1)]).unwrap_or(ABSENT));
        }
        Ok(cells)
    }

    /// One where no series has a sample within the range.
    fn absent_over_time(&mut self, range: &Expr, grid: &Grid) -> Result<Vec<Row<'s>>, PromqlError> {
        let rows = self.over_range(Over::Present, range, &[], grid)?;
        Ok(self.where_absent(range.bare(), &rows, grid))
    }

    /// The samples of a range at one moment, with their own times.
    pub(super) fn samples(&mut self, range: &Expr, t_ms: i64) -> Result<Vec<(RowLabels<'s>, Columns)>, PromqlError> {
        let mut series = Vec::new();
        match &range.bare().node {
            Node::Range { selector, range_ms } => {
                let to_ms = self.moment(selector.when, t_ms);
                for id in self.select(selector) {
                    let mut columns = Columns::default();
                    self.read(id, to_ms.saturating_sub(*range_ms), to_ms, &mut columns);
                    columns.drop_stale();
                    self.look_at(columns.times.len())?;
                    series.push((RowLabels::Stored(self.store.labels(id)), columns));
                }
            }
            Node::Subquery { of, range_ms, step_ms, when } => {
                let windows = Windows { when: *when, range_ms: *range_ms, grid: Grid::one(t_ms) };
                let Some(inner) = self.inner_grid(&windows, *step_ms)? else { return Ok(series) };
                for row in self.rows(of, &inner)? {
                    let mut columns = Columns::default();
                    let present = row.cells.iter().enumerate().filter(|(_, v)| is_present(**v));
                    present.for_each(|(place, value)| columns.push(inner.moment(place), *value));
                    series.push((row.labels, columns));
                }
            }
            _ => return Err(self.mismatch(range.at, "this is no range".to_string())),
        }
        series.retain(|(_, columns)| !columns.times.is_empty());
        Ok(series)
    }
}

/// How often values have fallen up to each place.
fn falls(values: &[f64]) -> Vec<u32> {
    let mut count = 0;
    let mut before = f64::NEG_INFINITY;
    let counted = values.iter().map(|value| {
        count += u32::from(*value < before);
        before = *value;
        count
    });
    counted.collect()
}

/// The row is another quantity than the series was.
pub(super) fn drop_name(row: &mut Row<'_>) {
    let labels = std::mem::replace(&mut row.labels, RowLabels::Own(Labels::default()));
    row.labels = labels.nameless();
}
