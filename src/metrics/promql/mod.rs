//! PromQL: a subset with Prometheus' own meaning, and the rest refused by name.
//!
//! Selectors with offset; `rate`, `increase`, `delta`, `irate`; `sum`, `avg`, `min`, `max`, `count` by or without;
//! `*_over_time`; `histogram_quantile` over classic buckets; arithmetic and comparison between numbers and vectors, one
//! to one.

mod eval; // values at a moment
mod functions; // over ranges and buckets

use promql_parser::label::Matchers;
use promql_parser::parser::{self, Expr, VectorSelector, token};

use crate::metrics::labels::Labels;
use crate::metrics::store::Store;

/// A query that has been read and is within what is supported.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    expr: Expr,
}

/// A value with the labels of its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Labels.
    pub labels: Labels,
    /// Value.
    pub value: f64,
}

/// What a query gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Scalar(f64),
    /// Values of series, in order of their labels.
    Vector(Vec<Sample>),
}

/// Why a query gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromqlError {
    /// It is not PromQL.
    #[error("not PromQL: {0}")]
    Syntax(String),
    /// It is PromQL that is not supported here.
    #[error("{construct} is not supported here{}", at(*.offset))]
    Unsupported {
        /// What.
        construct: String,
        /// Where in the text it first stands, in bytes, if it can be told.
        offset: Option<usize>,
    },
    /// Its parts do not fit each other.
    #[error("{0}")]
    Mismatch(String),
    /// It looks at more samples than it may.
    #[error("the query looks at more than {0} samples: ask for a shorter range or fewer series")]
    TooMuch(usize),
}

fn at(offset: Option<usize>) -> String {
    offset.map_or(String::new(), |o| format!(" (at character {})", o + 1))
}

/// Samples that one evaluation may look at (Prometheus' default of `query.max-samples`).
pub const MOST_SAMPLES: usize = 50_000_000;
/// How far back an instant looks for a sample (Prometheus' default).
pub const LOOKBACK_MS: i64 = 300_000;

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// It is not PromQL, or more of it than is supported here.
    pub fn parse(text: &str) -> Result<Query, PromqlError> {
        // The parser panics on durations beyond its reach, as in `offset 1e308`; nobody's query may end the program.
        let expr = std::panic::catch_unwind(|| parser::parse(text))
            .unwrap_or_else(|_| Err("a duration in it is out of range".to_string()))
            .map_err(PromqlError::Syntax)?;
        eval::supported(&expr).map_err(|construct| {
            let word = construct.split('`').nth(1).unwrap_or(&construct);
            PromqlError::Unsupported { offset: text.find(word), construct }
        })?;
        Ok(Query { text: text.to_string(), expr })
    }

    /// The query as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its value at a moment.
    ///
    /// # Errors
    /// Its parts do not fit, or it looks at too much. That nothing matches is no error.
    pub fn eval_at(&self, store: &Store, t_ms: i64) -> Result<Value, PromqlError> {
        eval::Evaluator::new(store, t_ms).value(&self.expr).map(|mut value| {
            if let Value::Vector(samples) = &mut value {
                samples.sort_by(|a, b| a.labels.cmp(&b.labels));
            }
            value
        })
    }

    /// The names of the metrics that it asks for, in order, each once.
    pub fn metrics(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect_names(&self.expr, &mut names);
        names.sort();
        names.dedup();
        names
    }
}

/// The name that a selector asks for, before the braces or in them.
fn name_of(selector: &VectorSelector) -> Option<String> {
    let in_braces = |m: &Matchers| {
        let exact = |m: &&promql_parser::label::Matcher| {
            m.name == crate::metrics::labels::NAME && matches!(m.op, promql_parser::label::MatchOp::Equal)
        };
        m.matchers.iter().find(exact).map(|m| m.value.clone())
    };
    selector.name.clone().or_else(|| in_braces(&selector.matchers))
}

fn collect_names(expr: &Expr, names: &mut Vec<String>) {
    match expr {
        Expr::VectorSelector(selector) => names.extend(name_of(selector)),
        Expr::MatrixSelector(range) => names.extend(name_of(&range.vs)),
        Expr::Aggregate(aggregate) => collect_names(&aggregate.expr, names),
        Expr::Unary(unary) => collect_names(&unary.expr, names),
        Expr::Paren(paren) => collect_names(&paren.expr, names),
        Expr::Binary(binary) => {
            collect_names(&binary.lhs, names);
            collect_names(&binary.rhs, names);
        }
        Expr::Call(call) => call.args.args.iter().for_each(|arg| collect_names(arg, names)),
        _ => {}
    }
}

/// The sign of a binary operator.
fn sign(op: token::TokenType) -> String {
    op.to_string()
}
