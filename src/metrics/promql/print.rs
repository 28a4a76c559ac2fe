//! A query as Prometheus 2.42 prints it: one form for one meaning, over several lines where one would be long.

use super::tree::{
    AGGREGATES, Aggregate, AggregateOp, At, Binary, Expr, Grouping, Many, Matcher, Node, Selector, Test, When,
};
use crate::metrics::labels::NAME;

/// Characters of a line, beyond which an expression is split.
const WIDEST: usize = 100;

/// The query over as many lines as it needs.
pub(super) fn pretty(expr: &Expr) -> String {
    split(expr, 0)
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}

fn split(expr: &Expr, level: usize) -> String {
    let (own, flat) = (indent(level), line(expr));
    if let Node::Negative(of) = &expr.node
        && !matches!(of.node, Node::Number(_))
    {
        return format!("{own}-{}", split(of, level).trim());
    }
    if flat.len() <= WIDEST {
        // Prometheus forgets to indent a subquery that fits on its line.
        return if matches!(expr.node, Node::Subquery { .. }) { flat } else { own + &flat };
    }
    let args = |args: &[&Expr]| args.iter().map(|arg| split(arg, level + 1)).collect::<Vec<_>>().join(",\n");
    match &expr.node {
        Node::Aggregate(a) => {
            let param = param(a, level + 1).map_or(String::new(), |p| p + ",\n");
            format!("{own}{}(\n{param}{}\n{own})", head(a), split(&a.of, level + 1))
        }
        Node::Binary(b) => {
            format!("{}\n{own}{}\n{}", split(&b.left, level + 1), sign(b), split(&b.right, level + 1))
        }
        Node::Call { function, args: given } => {
            format!("{own}{}(\n{}\n{own})", function.name, args(&given.iter().collect::<Vec<_>>()))
        }
        Node::LabelReplace { of, .. } | Node::LabelJoin { of, .. } => {
            let (name, words) = words(expr);
            let words: String = words.iter().map(|word| format!(",\n{}{}", indent(level + 1), quoted(word))).collect();
            format!("{own}{name}(\n{}{words}\n{own})", args(&[of]))
        }
        Node::Paren(of) => format!("{own}(\n{}\n{own})", split(of, level + 1)),
        Node::Subquery { of, range_ms, step_ms, when } => split(of, level) + &suffix(*range_ms, *step_ms, *when),
        Node::Number(_) | Node::Text(_) | Node::Selector(_) | Node::Range { .. } | Node::Negative(_) => own + &flat,
    }
}

/// The query on one line.
pub(super) fn line(expr: &Expr) -> String {
    let list = |args: &[Expr]| args.iter().map(line).collect::<Vec<_>>().join(", ");
    match &expr.node {
        Node::Number(value) => number(*value),
        Node::Text(text) => quoted(text),
        Node::Selector(of) => selector(of) + &shifts(of.when),
        Node::Range { selector: of, range_ms } => {
            format!("{}[{}]{}", selector(of), duration(*range_ms), shifts(of.when))
        }
        Node::Subquery { of, range_ms, step_ms, when } => line(of) + &suffix(*range_ms, *step_ms, *when),
        Node::Paren(of) => format!("({})", line(of)),
        Node::Negative(of) => match of.node {
            Node::Number(value) => number(-value),
            _ => format!("-{}", line(of)),
        },
        Node::Aggregate(a) => {
            format!("{}({}{})", head(a), param(a, 0).map_or(String::new(), |p| p + ", "), line(&a.of))
        }
        Node::Binary(b) => format!("{} {} {}", line(&b.left), sign(b), line(&b.right)),
        Node::Call { function, args } => format!("{}({})", function.name, list(args)),
        Node::LabelReplace { of, .. } | Node::LabelJoin { of, .. } => {
            let (name, words) = words(expr);
            format!(
                "{name}({}{})",
                line(of),
                words.iter().map(|word| format!(", {}", quoted(word))).collect::<String>()
            )
        }
    }
}

/// The texts that `label_replace` and `label_join` are given after their series.
fn words(expr: &Expr) -> (&'static str, Vec<&str>) {
    match &expr.node {
        Node::LabelReplace { target, template, source, written, .. } => {
            ("label_replace", vec![target, template, source, written])
        }
        Node::LabelJoin { target, separator, sources, .. } => {
            ("label_join", [target, separator].into_iter().chain(sources).map(String::as_str).collect())
        }
        _ => ("", Vec::new()),
    }
}

fn head(a: &Aggregate) -> String {
    let name = AGGREGATES.iter().find(|(_, op)| *op == a.op).map_or("", |(name, _)| name);
    match &a.grouping {
        Grouping::By(labels) if labels.is_empty() => name.to_string(),
        Grouping::By(labels) => format!("{name} by ({}) ", labels.join(", ")),
        Grouping::Without(labels) => format!("{name} without ({}) ", labels.join(", ")),
    }
}

fn param(a: &Aggregate, level: usize) -> Option<String> {
    match a.op {
        AggregateOp::CountValues => Some(indent(level) + &quoted(&a.label)),
        _ => a.param.as_ref().map(|param| split(param, level)),
    }
}

/// The operator, and how its sides match.
fn sign(b: &Binary) -> String {
    let mut text = b.op.sign().to_string();
    if b.says {
        text.push_str(" bool");
    }
    let labels = b.matching.on.labels();
    if matches!(b.matching.on, Grouping::By(_)) || !labels.is_empty() {
        let word = if matches!(b.matching.on, Grouping::By(_)) { "on" } else { "ignoring" };
        text.push_str(&format!(" {word} ({})", labels.join(", ")));
        let include = b.matching.include.join(", ");
        match b.matching.many {
            Many::Neither => {}
            Many::Left => text.push_str(&format!(" group_left ({include})")),
            Many::Right => text.push_str(&format!(" group_right ({include})")),
        }
    }
    text
}

fn selector(selector: &Selector) -> String {
    let exact =
        |m: &&Matcher| m.label == NAME && matches!(m.test, Test::Is(_)) && selector.exact_name() == Some(&m.written);
    let mut tests: Vec<String> = (selector.matchers.iter())
        .filter(|m| !exact(m) || selector.name.is_none())
        .map(|m| {
            let sign = match m.test {
                Test::Is(_) => "=",
                Test::IsNot(_) => "!=",
                Test::Like(_) => "=~",
                Test::Unlike(_) => "!~",
            };
            format!("{}{sign}{}", m.label, quoted(&m.written))
        })
        .collect();
    tests.sort();
    let name = selector.name.as_deref().unwrap_or_default();
    if tests.is_empty() { name.to_string() } else { format!("{name}{{{}}}", tests.join(",")) }
}

fn suffix(range_ms: i64, step_ms: Option<i64>, when: When) -> String {
    format!("[{}:{}]{}", duration(range_ms), step_ms.map_or(String::new(), duration), shifts(when))
}

fn shifts(when: When) -> String {
    let at = match when.at {
        None => String::new(),
        Some(At::Start) => " @ start()".to_string(),
        Some(At::End) => " @ end()".to_string(),
        Some(At::Moment(ms)) => format!(" @ {:.3}", ms as f64 / 1000.0),
    };
    let offset = match when.offset_ms {
        0 => String::new(),
        ms if ms < 0 => format!(" offset -{}", duration(-ms)),
        ms => format!(" offset {}", duration(ms)),
    };
    at + &offset
}

/// A duration in the largest units; years and weeks only where nothing is left over.
fn duration(mut ms: i64) -> String {
    const UNITS: [(&str, i64, bool); 7] = [
        ("y", 31_536_000_000, true),
        ("w", 604_800_000, true),
        ("d", 86_400_000, false),
        ("h", 3_600_000, false),
        ("m", 60_000, false),
        ("s", 1000, false),
        ("ms", 1, false),
    ];
    let mut text = String::new();
    for (unit, of, whole) in UNITS {
        if of <= ms && (!whole || ms % of == 0) {
            text.push_str(&format!("{}{unit}", ms / of));
            ms %= of;
        }
    }
    if text.is_empty() { "0s".to_string() } else { text }
}

/// A number as Go prints one: with an exponent where it is very small, or larger than its digits.
fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_string();
    }
    if value.is_infinite() {
        return if 0.0 < value { "+Inf" } else { "-Inf" }.to_string();
    }
    let short = format!("{value:e}");
    let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 || (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A text in quotes, as Go writes one.
fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => shown.push_str("\\\""),
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\u{7}' => shown.push_str("\\a"),
            '\u{8}' => shown.push_str("\\b"),
            '\u{b}' => shown.push_str("\\v"),
            '\u{c}' => shown.push_str("\\f"),
            c if c < ' ' || c == '\u{7f}' => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown + "\""
}
