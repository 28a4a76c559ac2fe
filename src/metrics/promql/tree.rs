//! A query as a tree: types agree, names are known, and every part knows where in the text it began.

use regex::Regex;

use super::functions::Function;
use crate::metrics::labels::{Labels, NAME};

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// A number at each moment.
    Scalar,
    /// Values of series at each moment.
    Vector,
    /// Samples of series within a range.
    Range,
    /// A text.
    Text,
}

impl Type {
    /// As Prometheus' documentation calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Type::Scalar => "a scalar",
            Type::Vector => "an instant vector",
            Type::Range => "a range vector",
            Type::Text => "a string",
        }
    }
}

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    /// Where it begins in the text, in bytes; of a binary expression, where its operator stands.
    pub at: usize,
    /// What it gives.
    pub gives: Type,
    /// Whether its value is the same at every moment: it looks at fixed moments only.
    pub fixed: bool,
    /// How many expressions stand below each other in it, itself included.
    pub depth: usize,
    pub node: Node,
}

impl Expr {
    /// The expression within parentheses, however many.
    pub(super) fn bare(&self) -> &Expr {
        match &self.node {
            Node::Paren(inner) => inner.bare(),
            _ => self,
        }
    }

    /// The expressions that it is made of.
    pub(super) fn parts(&self) -> Vec<&Expr> {
        match &self.node {
            Node::Number(_) | Node::Text(_) | Node::Selector(_) | Node::Range { .. } => Vec::new(),
            Node::Paren(of) | Node::Negative(of) | Node::Subquery { of, .. } => vec![of],
            Node::LabelReplace { of, .. } | Node::LabelJoin { of, .. } => vec![of],
            Node::Aggregate(a) => a.param.iter().map(|p| p.as_ref()).chain([a.of.as_ref()]).collect(),
            Node::Binary(b) => vec![&b.left, &b.right],
            Node::Call { args, .. } => args.iter().collect(),
        }
    }
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Number(f64),
    Text(String),
    Selector(Selector),
    Range {
        selector: Selector,
        range_ms: i64,
    },
    /// Without a step it has the default one.
    Subquery {
        of: Box<Expr>,
        range_ms: i64,
        step_ms: Option<i64>,
        when: When,
    },
    Paren(Box<Expr>),
    Negative(Box<Expr>),
    Aggregate(Aggregate),
    Binary(Binary),
    Call {
        function: &'static Function,
        args: Vec<Expr>,
    },
    LabelReplace {
        of: Box<Expr>,
        target: String,
        template: String,
        source: String,
        pattern: Regex,
        written: String,
    },
    LabelJoin {
        of: Box<Expr>,
        target: String,
        separator: String,
        sources: Vec<String>,
    },
}

/// Which series are meant, and when.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    pub name: Option<String>,
    pub matchers: Vec<Matcher>,
    pub when: When,
}

impl Selector {
    /// The one name that is asked for, before the braces or in them.
    pub(super) fn exact_name(&self) -> Option<&str> {
        let in_braces = self.matchers.iter().find_map(|m| match &m.test {
            Test::Is(value) if m.label == NAME => Some(value.as_str()),
            _ => None,
        });
        self.name.as_deref().or(in_braces)
    }

    /// Whether a series is meant, its name aside if that stands before the braces.
    pub(super) fn fits(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|m| m.test.holds(labels.get(&m.label)))
    }
}

/// What a label's value must be.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    pub label: String,
    /// The value or pattern as it was written.
    pub written: String,
    pub test: Test,
}

/// A test of a label's value.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Is(String),
    IsNot(String),
    Like(Regex),
    Unlike(Regex),
}

impl Test {
    pub(super) fn holds(&self, value: &str) -> bool {
        match self {
            Test::Is(wanted) => value == wanted,
            Test::IsNot(unwanted) => value != unwanted,
            Test::Like(pattern) => pattern.is_match(value),
            Test::Unlike(pattern) => !pattern.is_match(value),
        }
    }
}

/// When a selector looks: `offset` and `@`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct When {
    /// So much earlier; 0 if there is no `offset`.
    pub offset_ms: i64,
    pub at: Option<At>,
}

/// The moment of `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Moment(i64),
    Start,
    End,
}

/// An aggregation.
#[derive(Clone, Debug)]
pub(super) struct Aggregate {
    pub op: AggregateOp,
    pub of: Box<Expr>,
    /// The number of `topk`, `bottomk` and `quantile`.
    pub param: Option<Box<Expr>>,
    /// The label of `count_values`, else empty.
    pub label: String,
    pub grouping: Grouping,
}

/// What an aggregation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AggregateOp {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    Quantile,
    CountValues,
}

/// Every aggregation by name.
pub(super) const AGGREGATES: [(&str, AggregateOp); 12] = [
    ("sum", AggregateOp::Sum),
    ("avg", AggregateOp::Avg),
    ("min", AggregateOp::Min),
    ("max", AggregateOp::Max),
    ("count", AggregateOp::Count),
    ("group", AggregateOp::Group),
    ("stddev", AggregateOp::Stddev),
    ("stdvar", AggregateOp::Stdvar),
    ("topk", AggregateOp::Topk),
    ("bottomk", AggregateOp::Bottomk),
    ("quantile", AggregateOp::Quantile),
    ("count_values", AggregateOp::CountValues),
];

/// Which labels tell groups apart, or which series match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Grouping {
    /// `by` or `on`: these.
    By(Vec<String>),
    /// `without` or `ignoring`: all but these and the name.
    Without(Vec<String>),
}

impl Grouping {
    pub(super) fn labels(&self) -> &[String] {
        match self {
            Grouping::By(labels) | Grouping::Without(labels) => labels,
        }
    }

    /// Whether a label counts.
    pub(super) fn counts(&self, label: &str) -> bool {
        match self {
            Grouping::By(labels) => labels.iter().any(|l| l == label),
            Grouping::Without(labels) => label != NAME && !labels.iter().any(|l| l == label),
        }
    }
}

/// A binary expression.
#[derive(Clone, Debug)]
pub(super) struct Binary {
    pub op: BinaryOp,
    pub left: Box<Expr>,
    pub right: Box<Expr>,
    /// A comparison says 0 or 1 rather than keeping what fulfils it.
    pub says: bool,
    pub matching: Matching,
}

/// How series of two sides find each other.
#[derive(Clone, Debug)]
pub(super) struct Matching {
    pub on: Grouping,
    pub many: Many,
    /// Labels of the side of one that the result takes over.
    pub include: Vec<String>,
}

/// Which side may have several series to one of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Many {
    Neither,
    Left,
    Right,
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryOp {
    Or,
    And,
    Unless,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Atan2,
    Power,
}

/// Every binary operator by its sign, with how strongly it binds.
pub(super) const OPERATORS: [(&str, BinaryOp, u8); 16] = [
    ("or", BinaryOp::Or, 1),
    ("and", BinaryOp::And, 2),
    ("unless", BinaryOp::Unless, 2),
    ("==", BinaryOp::Equal, 3),
    ("!=", BinaryOp::NotEqual, 3),
    ("<", BinaryOp::Less, 3),
    ("<=", BinaryOp::LessOrEqual, 3),
    (">", BinaryOp::Greater, 3),
    (">=", BinaryOp::GreaterOrEqual, 3),
    ("+", BinaryOp::Add, 4),
    ("-", BinaryOp::Subtract, 4),
    ("*", BinaryOp::Multiply, UNARY_BINDS),
    ("/", BinaryOp::Divide, UNARY_BINDS),
    ("%", BinaryOp::Modulo, UNARY_BINDS),
    ("atan2", BinaryOp::Atan2, UNARY_BINDS),
    ("^", BinaryOp::Power, 6),
];

/// A sign before an expression binds like a product: `-1 ^ 2` is `-(1 ^ 2)`.
pub(super) const UNARY_BINDS: u8 = 5;

impl BinaryOp {
    pub(super) fn is_set(self) -> bool {
        matches!(self, BinaryOp::Or | BinaryOp::And | BinaryOp::Unless)
    }

    pub(super) fn compares(self) -> bool {
        use BinaryOp::*;
        matches!(self, Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual)
    }

    /// Whether the result is another quantity, and bears the name no more. (`atan2` keeps it, as in Prometheus 2.42.)
    pub(super) fn drops_name(self) -> bool {
        use BinaryOp::*;
        matches!(self, Add | Subtract | Multiply | Divide | Modulo | Power)
    }

    pub(super) fn sign(self) -> &'static str {
        OPERATORS.iter().find(|(_, op, _)| *op == self).map_or("", |(sign, _, _)| sign)
    }
}
