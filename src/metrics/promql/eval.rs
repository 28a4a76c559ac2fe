//! Values of expressions at one moment.

use std::collections::BTreeMap;

use promql_parser::label::{MatchOp, Matchers};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, Offset, VectorMatchCardinality, VectorSelector,
};

use super::functions::{OVER_RANGE, bucket_quantile, over_range};
use super::{LOOKBACK_MS, MOST_SAMPLES, PromqlError, Sample, Value, name_of, sign};
use crate::metrics::labels::{Labels, NAME};
use crate::metrics::store::{Point, Store};

const AGGREGATES: [&str; 5] = ["sum", "avg", "min", "max", "count"];
const ARITHMETIC: [&str; 6] = ["+", "-", "*", "/", "%", "^"];
const COMPARISON: [&str; 6] = ["==", "!=", "<", ">", "<=", ">="];
/// The label of a bucket's upper edge.
const EDGE: &str = "le";

/// Whether every part of an expression is supported; if not, which is the first that is not.
pub(super) fn supported(expr: &Expr) -> Result<(), String> {
    match expr {
        Expr::NumberLiteral(_) => Ok(()),
        Expr::Paren(paren) => supported(&paren.expr),
        Expr::Unary(unary) => supported(&unary.expr),
        Expr::VectorSelector(selector) => plain(selector),
        Expr::Aggregate(aggregate) => {
            let op = sign(aggregate.op);
            if aggregate.param.is_some() || !AGGREGATES.contains(&op.as_str()) {
                return Err(format!("the aggregation `{op}`"));
            }
            supported(&aggregate.expr)
        }
        Expr::Binary(binary) => {
            let op = sign(binary.op);
            if !ARITHMETIC.contains(&op.as_str()) && !COMPARISON.contains(&op.as_str()) {
                return Err(format!("the operator `{op}`"));
            }
            if let Some(modifier) = &binary.modifier {
                if !matches!(modifier.card, VectorMatchCardinality::OneToOne) {
                    return Err("matching many to one (`group_`)".to_string());
                }
                if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
                    return Err("`fill`".to_string());
                }
            }
            supported(&binary.lhs)?;
            supported(&binary.rhs)
        }
        Expr::Call(call) => supported_call(call),
        Expr::MatrixSelector(_) => Err("a range by itself (`[`)".to_string()),
        Expr::Subquery(_) => Err("a subquery (`[`)".to_string()),
        Expr::StringLiteral(_) => Err("a string by itself (`\"`)".to_string()),
        Expr::Extension(_) => Err("an extension".to_string()),
    }
}

fn supported_call(call: &Call) -> Result<(), String> {
    let name = call.func.name;
    let args: Vec<&Expr> = call.args.args.iter().map(|a| a.as_ref()).collect();
    match (name, &args[..]) {
        (name, [Expr::MatrixSelector(range)]) if OVER_RANGE.contains(&name) => plain(&range.vs),
        (name, _) if OVER_RANGE.contains(&name) => Err(format!("`{name}` of anything but a selector with a range")),
        ("histogram_quantile", [q, buckets]) => supported(q).and_then(|()| supported(buckets)),
        ("time", []) => Ok(()),
        ("abs" | "ceil" | "floor" | "sqrt" | "scalar" | "vector" | "absent", [arg]) => supported(arg),
        ("clamp_min" | "clamp_max", [arg, limit]) => supported(arg).and_then(|()| supported(limit)),
        (name, _) => Err(format!("the function `{name}`")),
    }
}

fn plain(selector: &VectorSelector) -> Result<(), String> {
    if selector.at.is_some() {
        return Err("the modifier `@`".to_string());
    }
    if !selector.matchers.or_matchers.is_empty() {
        return Err("alternatives of matchers (`or`)".to_string());
    }
    Ok(())
}

/// Evaluates at one moment.
pub(super) struct Evaluator<'a> {
    store: &'a Store,
    t_ms: i64,
    looked_at: usize,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(store: &'a Store, t_ms: i64) -> Self {
        Evaluator { store, t_ms, looked_at: 0 }
    }

    pub(super) fn value(&mut self, expr: &Expr) -> Result<Value, PromqlError> {
        match expr {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(number.val)),
            Expr::Paren(paren) => self.value(&paren.expr),
            Expr::Unary(unary) => Ok(map(self.value(&unary.expr)?, |v| -v)),
            Expr::VectorSelector(selector) => self.instant(selector),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Call(call) => self.call(call),
            other => Err(PromqlError::Mismatch(format!("{other} has no value at one moment"))),
        }
    }

    fn vector(&mut self, expr: &Expr) -> Result<Vec<Sample>, PromqlError> {
        match self.value(expr)? {
            Value::Vector(samples) => Ok(samples),
            Value::Scalar(_) => Err(PromqlError::Mismatch(format!("{expr} is a number where series are wanted"))),
        }
    }

    fn scalar(&mut self, expr: &Expr) -> Result<f64, PromqlError> {
        match self.value(expr)? {
            Value::Scalar(number) => Ok(number),
            Value::Vector(_) => {
                Err(PromqlError::Mismatch(format!("{expr} is a set of series where a number is wanted")))
            }
        }
    }

    fn look_at(&mut self, samples: usize) -> Result<(), PromqlError> {
        self.looked_at += samples;
        if MOST_SAMPLES < self.looked_at { Err(PromqlError::TooMuch(MOST_SAMPLES)) } else { Ok(()) }
    }

    /// The last sample of each series that is neither too old nor the mark of its end.
    fn instant(&mut self, selector: &VectorSelector) -> Result<Value, PromqlError> {
        let end = self.t_ms - offset_ms(selector);
        let mut samples = Vec::new();
        for id in self.store.select(name_of(selector).as_deref(), |labels| fits(&selector.matchers, labels)) {
            let points = self.store.points(id);
            let upto = points.partition_point(|p| p.t_ms <= end);
            let Some(last) = upto.checked_sub(1).map(|place| points[place]) else { continue };
            if end - LOOKBACK_MS < last.t_ms && !last.is_stale() {
                samples.push(Sample { labels: self.store.labels(id).clone(), value: last.value });
            }
        }
        self.look_at(samples.len())?;
        Ok(Value::Vector(samples))
    }

    fn call(&mut self, call: &Call) -> Result<Value, PromqlError> {
        let args = &call.args.args;
        match call.func.name {
            name if OVER_RANGE.contains(&name) => match args[0].as_ref() {
                Expr::MatrixSelector(range) => self.over_range(name, &range.vs, range.range.as_millis() as i64),
                other => Err(PromqlError::Mismatch(format!("{other} is no range: write it as in {other}[5m]"))),
            },
            "histogram_quantile" => {
                let q = self.scalar(&args[0])?;
                let buckets = self.vector(&args[1])?;
                Ok(Value::Vector(histogram_quantile(q, buckets)))
            }
            "time" => Ok(Value::Scalar(self.t_ms as f64 / 1000.0)),
            "scalar" => {
                let samples = self.vector(&args[0])?;
                Ok(Value::Scalar(if samples.len() == 1 { samples[0].value } else { f64::NAN }))
            }
            "vector" => {
                let value = self.scalar(&args[0])?;
                Ok(Value::Vector(vec![Sample { labels: Labels::default(), value }]))
            }
            "absent" => {
                let samples = self.vector(&args[0])?;
                let one = Sample { labels: Labels::default(), value: 1.0 };
                Ok(Value::Vector(if samples.is_empty() { vec![one] } else { Vec::new() }))
            }
            "clamp_min" | "clamp_max" => {
                let limit = self.scalar(&args[1])?;
                let lower = call.func.name == "clamp_min";
                let samples = Value::Vector(self.vector(&args[0])?);
                Ok(map(samples, |v| if lower { v.max(limit) } else { v.min(limit) }))
            }
            name => {
                let samples = Value::Vector(self.vector(&args[0])?);
                Ok(map(samples, |v| match name {
                    "abs" => v.abs(),
                    "ceil" => v.ceil(),
                    "floor" => v.floor(),
                    _ => libm::sqrt(v),
                }))
            }
        }
    }

    fn over_range(&mut self, name: &str, selector: &VectorSelector, range_ms: i64) -> Result<Value, PromqlError> {
        let end = self.t_ms - offset_ms(selector);
        let mut samples = Vec::new();
        for id in self.store.select(name_of(selector).as_deref(), |labels| fits(&selector.matchers, labels)) {
            let points = self.store.points(id);
            let from = points.partition_point(|p| p.t_ms <= end - range_ms);
            let upto = points.partition_point(|p| p.t_ms <= end);
            self.look_at(upto - from)?;
            let window: Vec<Point> = points[from..upto].iter().filter(|p| !p.is_stale()).copied().collect();
            if let Some(value) = over_range(name, &window, end, range_ms) {
                samples.push(Sample { labels: self.store.labels(id).without(&[NAME]), value });
            }
        }
        Ok(Value::Vector(samples))
    }

    fn aggregate(&mut self, aggregate: &AggregateExpr) -> Result<Value, PromqlError> {
        let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
        for sample in self.vector(&aggregate.expr)? {
            let labels = match &aggregate.modifier {
                None => Labels::default(),
                Some(LabelModifier::Include(names)) => sample.labels.only(&strs(&names.labels)),
                Some(LabelModifier::Exclude(names)) => sample.labels.without(&strs(&names.labels)).without(&[NAME]),
            };
            groups.entry(labels).or_default().push(sample.value);
        }
        let op = sign(aggregate.op);
        let fold = |values: &[f64]| match op.as_str() {
            "sum" => values.iter().sum(),
            "avg" => values.iter().sum::<f64>() / values.len() as f64,
            "min" => values.iter().copied().fold(f64::NAN, f64::min),
            "max" => values.iter().copied().fold(f64::NAN, f64::max),
            _ => values.len() as f64,
        };
        let samples = groups.into_iter().map(|(labels, values)| Sample { labels, value: fold(&values) });
        Ok(Value::Vector(samples.collect()))
    }

    fn binary(&mut self, binary: &BinaryExpr) -> Result<Value, PromqlError> {
        let op = sign(binary.op);
        let return_bool = binary.modifier.as_ref().is_some_and(|m| m.return_bool);
        let (left, right) = (self.value(&binary.lhs)?, self.value(&binary.rhs)?);
        let compares = COMPARISON.contains(&op.as_str());
        // A comparison keeps what fulfils it, or says 0 or 1; of two sides it keeps the left value.
        let one = |l: f64, r: f64, kept: f64| -> Option<f64> {
            if !compares {
                return Some(arithmetic(&op, l, r));
            }
            let holds = compare(&op, l, r);
            if return_bool { Some(f64::from(u8::from(holds))) } else { holds.then_some(kept) }
        };
        let nameless =
            |labels: &Labels| if compares && !return_bool { labels.clone() } else { labels.without(&[NAME]) };
        match (left, right) {
            (Value::Scalar(l), Value::Scalar(r)) => {
                let value = if compares { f64::from(u8::from(compare(&op, l, r))) } else { arithmetic(&op, l, r) };
                Ok(Value::Scalar(value))
            }
            (Value::Vector(samples), Value::Scalar(r)) => Ok(Value::Vector(keep(samples, nameless, |v| one(v, r, v)))),
            (Value::Scalar(l), Value::Vector(samples)) => Ok(Value::Vector(keep(samples, nameless, |v| one(l, v, v)))),
            (Value::Vector(left), Value::Vector(right)) => one_to_one(binary, left, right, |l, r| one(l, r, l)),
        }
    }
}

fn one_to_one(
    binary: &BinaryExpr,
    left: Vec<Sample>,
    right: Vec<Sample>,
    one: impl Fn(f64, f64) -> Option<f64>,
) -> Result<Value, PromqlError> {
    let matching = binary.modifier.as_ref().and_then(|m| m.matching.as_ref());
    let signature = |labels: &Labels| match matching {
        None => labels.without(&[NAME]),
        Some(LabelModifier::Include(names)) => labels.only(&strs(&names.labels)),
        Some(LabelModifier::Exclude(names)) => labels.without(&strs(&names.labels)).without(&[NAME]),
    };
    let twice = |side: &str, labels: &Labels| {
        PromqlError::Mismatch(format!("several series on the {side} match {labels}; say which labels to match on"))
    };
    let mut by_signature: BTreeMap<Labels, f64> = BTreeMap::new();
    for sample in &right {
        let labels = signature(&sample.labels);
        if by_signature.insert(labels.clone(), sample.value).is_some() {
            return Err(twice("right", &labels));
        }
    }
    let mut results: BTreeMap<Labels, f64> = BTreeMap::new();
    for sample in &left {
        let labels = signature(&sample.labels);
        let Some(value) = by_signature.get(&labels).and_then(|r| one(sample.value, *r)) else { continue };
        if results.insert(labels.clone(), value).is_some() {
            return Err(twice("left", &labels));
        }
    }
    Ok(Value::Vector(results.into_iter().map(|(labels, value)| Sample { labels, value }).collect()))
}

fn keep(samples: Vec<Sample>, labels: impl Fn(&Labels) -> Labels, value: impl Fn(f64) -> Option<f64>) -> Vec<Sample> {
    let kept =
        samples.into_iter().filter_map(|s| value(s.value).map(|v| Sample { labels: labels(&s.labels), value: v }));
    kept.collect()
}

fn map(value: Value, change: impl Fn(f64) -> f64) -> Value {
    match value {
        Value::Scalar(number) => Value::Scalar(change(number)),
        Value::Vector(samples) => {
            let changed = samples.into_iter();
            Value::Vector(
                changed.map(|s| Sample { labels: s.labels.without(&[NAME]), value: change(s.value) }).collect(),
            )
        }
    }
}

fn histogram_quantile(q: f64, buckets: Vec<Sample>) -> Vec<Sample> {
    let mut groups: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for bucket in buckets {
        let Ok(edge) = bucket.labels.get(EDGE).parse::<f64>() else { continue }; // Rust reads "+Inf" as infinity
        groups.entry(bucket.labels.without(&[EDGE, NAME])).or_default().push((edge, bucket.value));
    }
    groups.into_iter().map(|(labels, edges)| Sample { labels, value: bucket_quantile(q, edges) }).collect()
}

fn arithmetic(op: &str, l: f64, r: f64) -> f64 {
    match op {
        "+" => l + r,
        "-" => l - r,
        "*" => l * r,
        "/" => l / r,
        "%" => libm::fmod(l, r),
        _ => libm::pow(l, r),
    }
}

fn compare(op: &str, l: f64, r: f64) -> bool {
    match op {
        "==" => l == r,
        "!=" => l != r,
        "<" => l < r,
        ">" => l > r,
        "<=" => l <= r,
        _ => l >= r,
    }
}

fn offset_ms(selector: &VectorSelector) -> i64 {
    match &selector.offset {
        None => 0,
        Some(Offset::Pos(by)) => by.as_millis() as i64,
        Some(Offset::Neg(by)) => -(by.as_millis() as i64),
    }
}

fn fits(matchers: &Matchers, labels: &Labels) -> bool {
    matchers.matchers.iter().all(|m| match &m.op {
        MatchOp::Equal => labels.get(&m.name) == m.value,
        MatchOp::NotEqual => labels.get(&m.name) != m.value,
        MatchOp::Re(regex) => regex.is_match(labels.get(&m.name)),
        MatchOp::NotRe(regex) => !regex.is_match(labels.get(&m.name)),
    })
}

fn strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
