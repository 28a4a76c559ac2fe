//! PromQL with the meaning that it has in Prometheus 2.42, which Debian installs and the tests ask.
//!
//! # Why a reader of our own
//!
//! To say where each mistake stands, and to refuse each construct that is left out by its name: a participant needs the
//! place of a slip. No parser in Rust does both. `promql-parser` gives no places in its errors, panics on some
//! durations and reads others as zero without a word; here a duration or a nesting beyond reach is an error.
//! Prometheus' own scripts and a real Prometheus hold this one to its meaning (tests `promql_scripts` and
//! `promql_peer`).
//!
//! # One evaluator
//!
//! An instant is a range of one moment. Values are computed series by series over all moments, and samples are counted
//! instead of time, so that a replay is refused where the first run was.
//!
//! # Clocks
//!
//! A query has a clock ([`Query::since`]): moments in it and in its answers are those of whoever asks, the simulated
//! calendar's in a console, the wall's over HTTP; the store keeps the world's. Values that are moments
//! (`process_start_time_seconds`, `ALERTS_FOR_STATE`) move along.
//!
//! # Left out
//!
//! Refused by name: native histograms and their functions, `info`, `limitk`, `limit_ratio`, `fill`, durations that are
//! computed or lack a unit, names in quotes, `anchored` and `smoothed`, and functions marked experimental.
//!
//! # Where Prometheus 3 differs
//!
//! As in 2.42, a range and the look-back hold the sample at their very beginning, aggregations add up plainly, `.` in a
//! pattern matches no line break, and `double_exponential_smoothing` is called `holt_winters`.
//!
//! Mistakes of 2.42 that are not copied: `@` does not hold the window of `predict_linear` and `quantile_over_time`
//! still in a range query, an aggregation's parameter takes no notice of `@ start()` and `@ end()`, `timestamp` of a
//! selector with `@` forgets its offset, and the date of what is no number is a date.

mod aggregate; // groups to one row, or to a choice of rows
mod binary; // operators between numbers and series
mod calls; // functions of values at a moment
mod check; // parts that fit each other
mod dates; // the calendar
mod error; // why a query gives nothing, and where
mod eval; // selectors, ranges, subqueries over a grid of moments
mod functions; // the list of functions
mod lex; // text to tokens
mod literal; // numbers, durations, texts, patterns
mod parse; // tokens to a tree
mod print; // a tree to text
mod quantile; // of values and of buckets
mod row; // values of a series over a grid
mod sum; // sums that lose little
mod tree; // what a query is
mod warnings; // what is allowed and probably meant otherwise
mod window; // functions of the samples within a range

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::{Place, PromqlError};
pub use warnings::{Warning, warnings};

use crate::metrics::labels::Labels;
use crate::metrics::store::{Point, SeriesId, Store};
use error::unknown_function;
use eval::Evaluator;
use row::{Grid, Outcome, Row, is_present};
use tree::{AggregateOp, Expr, Node, Type};

/// Samples that one evaluation may look at, those that it computes included (Prometheus' default of
/// `query.max-samples`). Counted, not timed, so that a replay is refused where the first run was.
pub const MOST_SAMPLES: usize = 50_000_000;
/// Samples that windows may hold in all, where a function looks at each of them anew for every window.
pub const MOST_VISITS: usize = 200_000_000;
/// Steps of one range query (as in Prometheus).
pub const MOST_STEPS: usize = 11_000;
/// How far back an instant looks for a sample (Prometheus' default).
pub const LOOKBACK_MS: i64 = 300_000;

/// A query that has been read and whose parts fit.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    expr: Expr,
    zero_ms: i64,
}

/// Kept as it was written, and read again.
impl Serialize for Query {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        (&self.text, self.zero_ms).serialize(s)
    }
}

impl<'de> Deserialize<'de> for Query {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Query, D::Error> {
        let (text, zero_ms) = <(String, i64)>::deserialize(d)?;
        Query::parse(&text).map(|query| query.since(zero_ms)).map_err(serde::de::Error::custom)
    }
}

/// A value with the labels of its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Labels.
    pub labels: Labels,
    /// Value.
    pub value: f64,
}

/// Values of a series over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Labels.
    pub labels: Labels,
    /// Values in order of time; moments without one are left out.
    pub points: Vec<Point>,
}

/// What a query gives at a moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Scalar(f64),
    /// Values of series, in order of their labels, or in the order that `sort` or `topk` made.
    Vector(Vec<Sample>),
    /// Samples within a range, with the times at which they were taken, in order of labels.
    Range(Vec<Line>),
    /// A text.
    Text(String),
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// It is not PromQL, its parts do not fit each other, or it is PromQL that is left out here.
    pub fn parse(text: &str) -> Result<Query, PromqlError> {
        Ok(Query { text: text.to_string(), expr: parse::parse(text)?, zero_ms: 0 })
    }

    /// The same query for somebody on whose clock the store's moment zero is another, in milliseconds: the moments of
    /// evaluation, those of `@`, of `time()` and of answers are on that clock.
    pub fn since(self, zero_ms: i64) -> Query {
        Query { zero_ms, ..self }
    }

    /// The query as Prometheus prints it, over several lines where it is long.
    pub fn pretty(&self) -> String {
        print::pretty(&self.expr)
    }

    /// The query as Prometheus prints it, on one line.
    pub fn canonical(&self) -> String {
        print::line(&self.expr)
    }

    /// Whether it looks at any series; else it is a sum on a slip of paper.
    pub fn reads_series(&self) -> bool {
        let mut reads = false;
        self.visit(&mut |expr| reads |= matches!(expr.node, Node::Selector(_) | Node::Range { .. }));
        reads
    }

    /// The query as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it gives a number or values of series, and not a range or a text.
    pub fn gives_values(&self) -> bool {
        matches!(self.expr.gives, Type::Scalar | Type::Vector)
    }

    /// Its value at a moment, in milliseconds.
    ///
    /// # Errors
    /// Series do not match as it says, or it looks at too much. That nothing matches is no error.
    pub fn eval_at(&self, store: &Store, t_ms: i64) -> Result<Value, PromqlError> {
        let grid = Grid::one(t_ms);
        let mut evaluator = Evaluator::new(store, &self.text, self.zero_ms, grid);
        match (&self.expr.bare().node, self.expr.gives) {
            (Node::Text(text), _) => Ok(Value::Text(text.clone())),
            (_, Type::Range) => {
                let series = evaluator.samples(&self.expr, t_ms)?;
                let mut lines: Vec<Line> = (series.iter())
                    .map(|(labels, columns)| Line { labels: labels.to_labels(), points: columns.points().collect() })
                    .collect();
                lines.sort_by(|a, b| a.labels.cmp(&b.labels));
                Ok(Value::Range(lines))
            }
            _ => Ok(match evaluator.outcome(&self.expr, &grid)? {
                Outcome::Scalar(numbers) => Value::Scalar(numbers[0]),
                Outcome::Vector(rows) => Value::Vector(self.in_order(rows)),
            }),
        }
    }

    /// Its values from one moment to another, in steps, all in milliseconds; both ends belong to it. Series come in order
    /// of their labels, a number as one series without labels.
    ///
    /// # Errors
    /// As `eval_at`; it gives no number and no vector; the step is none, the end lies before the start, or there are more
    /// than [`MOST_STEPS`] steps.
    pub fn eval_range(
        &self,
        store: &Store,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
    ) -> Result<Vec<Line>, PromqlError> {
        let grid = self.grid(start_ms, end_ms, step_ms)?;
        let mut lines: Vec<Line> = match Evaluator::new(store, &self.text, self.zero_ms, grid)
            .outcome(&self.expr, &grid)?
        {
            Outcome::Scalar(numbers) => vec![Line { labels: Labels::default(), points: points(&grid, &numbers) }],
            Outcome::Vector(rows) => {
                let lines = rows.iter().filter(|row| !row.is_empty());
                lines.map(|row| Line { labels: row.labels.to_labels(), points: points(&grid, &row.cells) }).collect()
            }
        };
        lines.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(lines)
    }

    fn grid(&self, start_ms: i64, end_ms: i64, step_ms: i64) -> Result<Grid, PromqlError> {
        if !self.gives_values() {
            let message =
                format!("a query over time gives a scalar or an instant vector, not {}", self.expr.gives.name());
            return Err(PromqlError::mismatch(&self.text, self.expr.at, message));
        }
        if step_ms <= 0 {
            return Err(PromqlError::Steps("the step must be longer than nothing".to_string()));
        }
        if end_ms < start_ms {
            return Err(PromqlError::Steps("the end lies before the start".to_string()));
        }
        let steps = (i128::from(end_ms) - i128::from(start_ms)) / i128::from(step_ms);
        match usize::try_from(steps) {
            Ok(steps) if steps <= MOST_STEPS => Ok(Grid { start_ms, step_ms, count: steps + 1 }),
            _ => Err(PromqlError::Steps(format!("more than {MOST_STEPS} steps: make the step longer"))),
        }
    }

    fn in_order(&self, rows: Vec<Row<'_>>) -> Vec<Sample> {
        let rows = rows.iter().filter(|row| !row.is_empty());
        let mut samples: Vec<Sample> =
            rows.map(|row| Sample { labels: row.labels.to_labels(), value: row.cells[0] }).collect();
        if !orders(&self.expr) {
            samples.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        samples
    }

    /// The names of the metrics that it asks for, in order, each once.
    pub fn metrics(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.visit(&mut |expr| {
            if let Node::Selector(selector) | Node::Range { selector, .. } = &expr.node {
                names.extend(selector.exact_name().map(str::to_string));
            }
        });
        names.sort();
        names.dedup();
        names
    }

    /// How far back its selectors and subqueries reach by `offset`, in milliseconds, each once, in order.
    pub fn offsets_ms(&self) -> Vec<i64> {
        let mut offsets = Vec::new();
        self.visit(&mut |expr| match &expr.node {
            Node::Selector(selector) | Node::Range { selector, .. } => offsets.push(selector.when.offset_ms),
            Node::Subquery { when, .. } => offsets.push(when.offset_ms),
            _ => {}
        });
        offsets.retain(|offset| *offset != 0);
        offsets.sort_unstable();
        offsets.dedup();
        offsets
    }

    /// How far back from the moment at which it is asked it can reach at most, in milliseconds: offsets, ranges, and the
    /// five minutes for which the last sample of a series stands. `@` is not counted.
    pub fn reach_ms(&self) -> i64 {
        let mut reach = LOOKBACK_MS;
        self.visit(&mut |expr| {
            let more = match &expr.node {
                Node::Selector(selector) => selector.when.offset_ms,
                Node::Range { selector, range_ms } => selector.when.offset_ms.saturating_add(*range_ms),
                Node::Subquery { range_ms, when, .. } => when.offset_ms.saturating_add(*range_ms),
                _ => 0,
            };
            reach = reach.saturating_add(more.max(0));
        });
        reach
    }

    /// Series that any of its selectors means, in the order in which they first came.
    pub fn selected(&self, store: &Store) -> Vec<SeriesId> {
        let mut found = Vec::new();
        self.visit(&mut |expr| {
            if let Node::Selector(selector) | Node::Range { selector, .. } = &expr.node {
                found.extend(store.select(selector.exact_name(), |labels| selector.fits(labels)));
            }
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The series that it selects, if it is nothing but a selector.
    ///
    /// # Errors
    /// It is more than a selector.
    pub fn series(&self, store: &Store) -> Result<Vec<SeriesId>, PromqlError> {
        match &self.expr.node {
            Node::Selector(selector) => Ok(store.select(selector.exact_name(), |labels| selector.fits(labels))),
            _ => Err(PromqlError::mismatch(&self.text, self.expr.at, "this is more than a selector".to_string())),
        }
    }

    /// Visits every expression, the whole first.
    fn visit<'q>(&'q self, see: &mut impl FnMut(&'q Expr)) {
        let mut left = vec![&self.expr];
        while let Some(expr) = left.pop() {
            see(expr);
            left.extend(expr.parts());
        }
    }
}

/// A duration as PromQL writes it, in milliseconds; none if it is none.
pub fn duration_ms(text: &str) -> Option<i64> {
    literal::duration_ms(text).ok()
}

/// Whether the order of the result is what was asked for.
fn orders(expr: &Expr) -> bool {
    match &expr.bare().node {
        Node::Aggregate(aggregate) => matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk),
        Node::Call { function, .. } => matches!(function.name, "sort" | "sort_desc"),
        _ => false,
    }
}

fn points(grid: &Grid, cells: &[f64]) -> Vec<Point> {
    let present = cells.iter().enumerate().filter(|(_, value)| is_present(**value));
    present.map(|(place, value)| Point { t_ms: grid.moment(place), value: *value }).collect()
}
