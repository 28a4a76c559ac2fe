//! Expressions are put together only of parts that fit: types, counts of arguments, what may be matched and shifted.

use super::PromqlError;
use super::functions::{Does, Function};
use super::literal::pattern;
use super::tree::{Aggregate, AggregateOp, Binary, Expr, Grouping, Many, Node, Type, When};

/// An expression without parts.
pub(super) fn leaf(at: usize, node: Node) -> Expr {
    let gives = match node {
        Node::Number(_) => Type::Scalar,
        Node::Text(_) => Type::Text,
        _ => Type::Vector,
    };
    Expr { at, gives, fixed: gives != Type::Vector, depth: 1, node }
}

/// An expression of parts, fixed if they all are.
fn of_parts(at: usize, gives: Type, node: Node) -> Expr {
    let mut expr = Expr { at, gives, fixed: true, depth: 1, node };
    let parts = expr.parts();
    (expr.fixed, expr.depth) = (parts.iter().all(|p| p.fixed), 1 + parts.iter().map(|p| p.depth).max().unwrap_or(0));
    expr
}

pub(super) fn paren(at: usize, inner: Expr) -> Expr {
    of_parts(at, inner.gives, Node::Paren(Box::new(inner)))
}

pub(super) fn unary(text: &str, at: usize, negative: bool, operand: Expr) -> Result<Expr, PromqlError> {
    if !matches!(operand.gives, Type::Scalar | Type::Vector) {
        return Err(misfit(text, operand.at, "a sign stands before a scalar or an instant vector", operand.gives));
    }
    Ok(match operand.node {
        _ if !negative => operand,
        Node::Number(value) => Expr { at, node: Node::Number(-value), ..operand },
        _ => of_parts(at, operand.gives, Node::Negative(Box::new(operand))),
    })
}

fn misfit(text: &str, at: usize, wanted: &str, given: Type) -> PromqlError {
    let way_out = match given {
        Type::Vector if wanted.contains("range vector") => ": write the range after it, as in [5m]",
        Type::Range => ": rate() and the functions named ..._over_time take it",
        _ => "",
    };
    PromqlError::mismatch(text, at, format!("{wanted}, and this is {}{way_out}", given.name()))
}

fn want(text: &str, expr: &Expr, wanted: Type, by: &str) -> Result<(), PromqlError> {
    let message = || format!("{by} takes {}", wanted.name());
    if expr.gives == wanted { Ok(()) } else { Err(misfit(text, expr.at, &message(), expr.gives)) }
}

pub(super) fn binary(text: &str, at: usize, binary: Binary) -> Result<Expr, PromqlError> {
    let (op, left, right) = (binary.op, binary.left.gives, binary.right.gives);
    let wrong = |message: String| Err(PromqlError::mismatch(text, at, message));
    for side in [&binary.left, &binary.right] {
        if !matches!(side.gives, Type::Scalar | Type::Vector) {
            let wanted = format!("`{}` takes scalars and instant vectors", op.sign());
            return Err(misfit(text, side.at, &wanted, side.gives));
        }
    }
    let scalars = [left, right].iter().filter(|gives| **gives == Type::Scalar).count();
    if binary.says && !op.compares() {
        return wrong(format!("`bool` goes with a comparison, not with `{}`", op.sign()));
    }
    if op.compares() && !binary.says && scalars == 2 {
        return wrong(format!("two scalars are compared by `{} bool`", op.sign()));
    }
    if op.is_set() && scalars > 0 {
        return wrong(format!("`{}` is between instant vectors, and one side is a scalar", op.sign()));
    }
    if scalars > 0 && !binary.matching.on.labels().is_empty() {
        return wrong("only series of two instant vectors can be matched, and one side is a scalar".to_string());
    }
    if op.is_set() && binary.matching.many != Many::Neither {
        return wrong(format!("`{}` matches many to many: it takes no `group_left` or `group_right`", op.sign()));
    }
    let include = &binary.matching.include;
    if let Grouping::By(on) = &binary.matching.on
        && let Some(label) = include.iter().find(|label| on.contains(label))
    {
        return wrong(format!("the label `{label}` is in `on` already, and need not be taken over"));
    }
    let gives = if scalars == 2 { Type::Scalar } else { Type::Vector };
    Ok(of_parts(at, gives, Node::Binary(binary)))
}

pub(super) fn aggregate(
    text: &str,
    at: usize,
    op: AggregateOp,
    mut args: Vec<Expr>,
    grouping: Grouping,
) -> Result<Expr, PromqlError> {
    let takes = match op {
        AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Quantile => &[Type::Scalar, Type::Vector][..],
        AggregateOp::CountValues => &[Type::Text, Type::Vector],
        _ => &[Type::Vector],
    };
    if args.len() != takes.len() {
        let message = format!("this aggregation takes {} argument(s), and there are {}", takes.len(), args.len());
        return Err(PromqlError::mismatch(text, at, message));
    }
    for (arg, wanted) in args.iter().zip(takes) {
        want(text, arg, *wanted, "this aggregation")?;
    }
    let of = Box::new(args.pop().expect("there is at least one"));
    let (mut param, mut label) = (args.pop().map(Box::new), String::new());
    if op == AggregateOp::CountValues {
        label = label_name(text, param.take().as_deref())?;
    }
    Ok(of_parts(at, Type::Vector, Node::Aggregate(Aggregate { op, of, param, label, grouping })))
}

pub(super) fn call(text: &str, at: usize, function: &'static Function, args: Vec<Expr>) -> Result<Expr, PromqlError> {
    let (most, least) = (function.takes.len(), function.takes.len() - function.optional);
    if args.len() < least || (most < args.len() && !function.repeats) {
        let wanted = match (least, most) {
            _ if function.repeats => format!("at least {least} argument(s)"),
            (least, most) if least == most => format!("{most} argument(s)"),
            (least, most) => format!("{least} to {most} argument(s)"),
        };
        let message = format!("{}() takes {wanted}, and there are {}", function.name, args.len());
        return Err(PromqlError::mismatch(text, at, message));
    }
    for (place, arg) in args.iter().enumerate() {
        let wanted = function.takes[place.min(most - 1)];
        want(text, arg, wanted, &format!("{}()", function.name))?;
    }
    let node = match function.does {
        Does::LabelReplace => label_replace(text, args)?,
        Does::LabelJoin => label_join(text, args)?,
        _ => Node::Call { function, args },
    };
    let mut expr = of_parts(at, function.gives, node);
    expr.fixed &= !function.knows_the_moment();
    Ok(expr)
}

fn label_replace(text: &str, args: Vec<Expr>) -> Result<Node, PromqlError> {
    let words: Vec<String> = args[1..].iter().map(text_of).collect();
    let target = label_name(text, Some(&args[1]))?;
    let pattern = pattern(&words[3]).map_err(|why| PromqlError::syntax(text, args[4].at, why))?;
    let of = args.into_iter().next().expect("arguments were counted");
    let [_, template, source, written] = [0, 1, 2, 3].map(|n| words[n].clone());
    Ok(Node::LabelReplace { of: Box::new(of), target, template, source, pattern, written })
}

fn label_join(text: &str, args: Vec<Expr>) -> Result<Node, PromqlError> {
    let (target, separator) = (label_name(text, Some(&args[1]))?, text_of(&args[2]));
    let sources = args[3..].iter().map(|arg| label_name(text, Some(arg))).collect::<Result<_, _>>()?;
    let of = args.into_iter().next().expect("arguments were counted");
    Ok(Node::LabelJoin { of: Box::new(of), target, separator, sources })
}

fn text_of(expr: &Expr) -> String {
    match &expr.bare().node {
        Node::Text(text) => text.clone(),
        _ => String::new(),
    }
}

fn label_name(text: &str, expr: Option<&Expr>) -> Result<String, PromqlError> {
    let name = expr.map(text_of).unwrap_or_default();
    let fits = |(place, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || (0 < place && c.is_ascii_digit());
    if !name.is_empty() && name.chars().enumerate().all(fits) {
        return Ok(name);
    }
    let at = expr.map_or(0, |e| e.at);
    Err(PromqlError::mismatch(text, at, format!("{name:?} cannot be the name of a label")))
}

/// An expression with `offset` or `@`: `set` says whether it was not set before.
pub(super) fn shift(
    text: &str,
    at: usize,
    mut expr: Expr,
    set: impl FnOnce(&mut When) -> bool,
) -> Result<Expr, PromqlError> {
    let when = match &mut expr.node {
        Node::Selector(selector) | Node::Range { selector, .. } => &mut selector.when,
        Node::Subquery { when, .. } => when,
        _ => {
            let message = "`offset` and `@` follow a selector, a range of one, or a subquery".to_string();
            return Err(PromqlError::syntax(text, at, message));
        }
    };
    if !set(when) {
        return Err(PromqlError::syntax(text, at, "this is given twice".to_string()));
    }
    expr.fixed = when.at.is_some();
    Ok(expr)
}

pub(super) fn range(text: &str, at: usize, expr: Expr, range_ms: i64) -> Result<Expr, PromqlError> {
    let wrong = |message: &str| Err(PromqlError::syntax(text, at, message.to_string()));
    match expr.node {
        Node::Selector(selector) if selector.when == When::default() => Ok(Expr {
            at: expr.at,
            gives: Type::Range,
            fixed: false,
            depth: 1,
            node: Node::Range { selector, range_ms },
        }),
        Node::Selector(_) => wrong("`offset` and `@` come after the range"),
        _ if expr.gives == Type::Vector => {
            wrong("only a selector has a range; of anything else ask a subquery, as in [5m:]")
        }
        _ => wrong("only a selector has a range"),
    }
}

pub(super) fn subquery(text: &str, expr: Expr, range_ms: i64, step_ms: Option<i64>) -> Result<Expr, PromqlError> {
    want(text, &expr, Type::Vector, "a subquery")?;
    let node = Node::Subquery { range_ms, step_ms, when: When::default(), of: Box::new(expr) };
    let mut subquery = of_parts(0, Type::Range, node);
    subquery.at = subquery.parts()[0].at;
    subquery.fixed = false;
    Ok(subquery)
}
