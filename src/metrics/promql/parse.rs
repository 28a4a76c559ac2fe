//! Text to tree. The grammar is that of Prometheus 2.42; what only later ones know is refused by name.

use super::check;
use super::functions::{function, left_out};
use super::lex::{Kind, Token, tokens};
use super::literal::{duration_ms, number, pattern, unquote};
use super::tree::{
    AGGREGATES, AggregateOp, At, Binary, BinaryOp, Expr, Grouping, Many, Matcher, Matching, Node, OPERATORS, Selector,
    Test, UNARY_BINDS, When,
};
use super::{PromqlError, unknown_function};
use crate::metrics::labels::NAME;

/// How many expressions may stand within each other, so that no query exhausts the stack.
const DEEPEST: usize = 150;
/// Words that name no metric.
const RESERVED: [&str; 6] = ["atan2", "bool", "group_left", "group_right", "ignoring", "on"];

/// Reads a whole query.
pub(super) fn parse(text: &str) -> Result<Expr, PromqlError> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0 };
    if parser.peek().kind == Kind::End {
        return Err(PromqlError::syntax(text, 0, "there is no expression".to_string()));
    }
    let expr = parser.expr(0)?;
    match parser.peek() {
        token if token.kind == Kind::End => Ok(expr),
        token => Err(parser.unexpected(token, "an operator or the end")),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Token<'t> {
        self.tokens[self.next]
    }

    fn after_next(&self) -> Token<'t> {
        self.tokens[(self.next + 1).min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token<'t> {
        let token = self.peek();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    fn take_if(&mut self, text: &str) -> bool {
        let fits = self.peek().is(text);
        if fits {
            self.take();
        }
        fits
    }

    fn want(&mut self, text: &str) -> Result<Token<'t>, PromqlError> {
        let token = self.take();
        if token.is(text) { Ok(token) } else { Err(self.unexpected(token, &format!("`{text}`"))) }
    }

    fn unexpected(&self, token: Token<'_>, wanted: &str) -> PromqlError {
        PromqlError::syntax(self.text, token.at, format!("{wanted} is wanted here, not {}", token.shown()))
    }

    fn syntax(&self, at: usize, message: String) -> PromqlError {
        PromqlError::syntax(self.text, at, message)
    }

    fn unsupported(&self, at: usize, construct: &str) -> PromqlError {
        PromqlError::unsupported(self.text, at, construct)
    }

    /// An expression whose operators bind at least so strongly.
    fn expr(&mut self, least: u8) -> Result<Expr, PromqlError> {
        self.depth += 1;
        if DEEPEST < self.depth {
            return Err(self.too_deep(self.peek().at));
        }
        let first = self.prefix()?;
        let mut left = self.postfix(first)?;
        while let Some((op, binds)) = self.operator(least) {
            let at = self.take().at;
            let (says, matching) = self.modifiers()?;
            let right = self.expr(if op == BinaryOp::Power { binds } else { binds + 1 })?;
            let binary = Binary { op, left: Box::new(left), right: Box::new(right), says, matching };
            left = self.finish(check::binary(self.text, at, binary)?)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn too_deep(&self, at: usize) -> PromqlError {
        self.syntax(at, format!("more than {DEEPEST} expressions stand within each other"))
    }

    fn finish(&self, expr: Expr) -> Result<Expr, PromqlError> {
        if DEEPEST < expr.depth { Err(self.too_deep(expr.at)) } else { Ok(expr) }
    }

    fn operator(&self, least: u8) -> Option<(BinaryOp, u8)> {
        let token = self.peek();
        let known = OPERATORS.iter().find(|(sign, _, binds)| least <= *binds && token.is(sign));
        known.map(|(_, op, binds)| (*op, *binds))
    }

    /// `bool`, `on` and `group_left` with their like, between an operator and its right side.
    fn modifiers(&mut self) -> Result<(bool, Matching), PromqlError> {
        let says = self.take_if("bool");
        let mut matching = Matching { on: Grouping::Without(Vec::new()), many: Many::Neither, include: Vec::new() };
        let by = self.peek().is("on");
        if by || self.peek().is("ignoring") {
            self.take();
            let labels = self.label_list()?;
            matching.on = if by { Grouping::By(labels) } else { Grouping::Without(labels) };
            let left = self.peek().is("group_left");
            if left || self.peek().is("group_right") {
                self.take();
                matching.many = if left { Many::Left } else { Many::Right };
                if self.peek().is("(") {
                    matching.include = self.label_list()?;
                }
            }
        }
        let token = self.peek();
        if self.after_next().is("(") && ["fill", "fill_left", "fill_right"].iter().any(|word| token.is(word)) {
            return Err(self.unsupported(token.at, &format!("`{}`", token.text)));
        }
        Ok((says, matching))
    }

    fn label_list(&mut self) -> Result<Vec<String>, PromqlError> {
        self.want("(")?;
        let mut labels = Vec::new();
        while !self.take_if(")") {
            let token = self.take();
            match token.kind {
                Kind::Word if !token.text.contains(':') => labels.push(token.text.to_string()),
                Kind::Quoted => return Err(self.unsupported(token.at, "the name of a label in quotes")),
                _ => return Err(self.unexpected(token, "the name of a label")),
            }
            if !self.peek().is(")") {
                self.want(",")?;
            }
        }
        Ok(labels)
    }

    fn prefix(&mut self) -> Result<Expr, PromqlError> {
        let token = self.peek();
        match token.kind {
            Kind::Number => {
                self.take();
                Ok(check::leaf(token.at, Node::Number(self.number(token)?)))
            }
            Kind::Quoted => {
                self.take();
                let text = unquote(token.text).map_err(|why| self.syntax(token.at, why))?;
                Ok(check::leaf(token.at, Node::Text(text)))
            }
            Kind::Word => self.word(),
            Kind::Sign if token.is("{") => self.selector(None),
            Kind::Sign if token.is("(") => {
                self.take();
                let inner = self.expr(0)?;
                self.want(")")?;
                self.finish(check::paren(token.at, inner))
            }
            Kind::Sign if token.is("-") || token.is("+") => {
                self.take();
                let operand = self.expr(UNARY_BINDS + 1)?;
                self.finish(check::unary(self.text, token.at, token.is("-"), operand)?)
            }
            _ => Err(self.unexpected(token, "an expression")),
        }
    }

    fn number(&self, token: Token<'_>) -> Result<f64, PromqlError> {
        number(token.text).ok_or_else(|| {
            self.syntax(token.at, format!("`{}` is no number, or none that 64 bits can hold", token.text))
        })
    }

    fn word(&mut self) -> Result<Expr, PromqlError> {
        let token = self.peek();
        let lower = token.text.to_ascii_lowercase();
        if let "inf" | "nan" = lower.as_str() {
            self.take();
            return Ok(check::leaf(token.at, Node::Number(if lower == "inf" { f64::INFINITY } else { f64::NAN })));
        }
        let after = self.after_next();
        let calls = after.is("(");
        if calls || after.is("by") || after.is("without") {
            if let Some((_, op)) = AGGREGATES.iter().find(|(name, _)| *name == lower) {
                return self.aggregate(*op);
            }
            if let "limitk" | "limit_ratio" = lower.as_str() {
                return Err(self.unsupported(token.at, &format!("the aggregation `{lower}`")));
            }
        }
        if RESERVED.contains(&lower.as_str()) {
            return Err(self.unexpected(token, "an expression"));
        }
        if calls { self.call() } else { self.selector(Some(self.peek())) }
    }

    fn aggregate(&mut self, op: AggregateOp) -> Result<Expr, PromqlError> {
        let at = self.take().at;
        let mut grouping = self.grouping()?;
        let args = self.arguments()?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let grouping = grouping.unwrap_or(Grouping::By(Vec::new()));
        self.finish(check::aggregate(self.text, at, op, args, grouping)?)
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, PromqlError> {
        if self.take_if("by") {
            Ok(Some(Grouping::By(self.label_list()?)))
        } else if self.take_if("without") {
            Ok(Some(Grouping::Without(self.label_list()?)))
        } else {
            Ok(None)
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, PromqlError> {
        self.want("(")?;
        let mut args = Vec::new();
        if self.take_if(")") {
            return Ok(args);
        }
        loop {
            args.push(self.expr(0)?);
            let token = self.take();
            match token {
                _ if token.is(")") => return Ok(args),
                _ if token.is(",") => {}
                _ => return Err(self.unexpected(token, "`,` or `)`")),
            }
        }
    }

    fn call(&mut self) -> Result<Expr, PromqlError> {
        let token = self.take();
        let Some(function) = function(token.text) else {
            return Err(match left_out(token.text) {
                Some(why) => self.unsupported(token.at, &format!("the function `{}` ({why})", token.text)),
                None => unknown_function(self.text, token.at, token.text),
            });
        };
        let args = self.arguments()?;
        self.finish(check::call(self.text, token.at, function, args)?)
    }

    /// A name, matchers in braces, or both.
    fn selector(&mut self, name: Option<Token<'t>>) -> Result<Expr, PromqlError> {
        let at = self.peek().at;
        if name.is_some() {
            self.take();
        }
        let mut matchers = Vec::new();
        if self.take_if("{") {
            while !self.take_if("}") {
                matchers.push(self.matcher()?);
                if !self.peek().is("}") {
                    self.want(",")?;
                }
            }
        }
        let named_twice = matchers.iter().find(|m: &&Matcher| name.is_some() && m.label == NAME);
        if named_twice.is_some() {
            return Err(self.syntax(at, "the metric is named before the braces and in them".to_string()));
        }
        if name.is_none() && matchers.iter().all(|m| m.test.holds("")) {
            let message = "every series fits this: name a metric, or ask that a label be not empty";
            return Err(self.syntax(at, message.to_string()));
        }
        let name = name.map(|token| token.text.to_string());
        Ok(check::leaf(at, Node::Selector(Selector { name, matchers, when: When::default() })))
    }

    fn matcher(&mut self) -> Result<Matcher, PromqlError> {
        let label = self.take();
        match label.kind {
            Kind::Word if !label.text.contains(':') => {}
            Kind::Quoted => return Err(self.unsupported(label.at, "a name in quotes")),
            _ => return Err(self.unexpected(label, "the name of a label or `}`")),
        }
        let sign = self.take();
        if !["=", "!=", "=~", "!~"].iter().any(|s| sign.is(s)) {
            return Err(self.unexpected(sign, "`=`, `!=`, `=~` or `!~`"));
        }
        let value = self.take();
        if value.kind != Kind::Quoted {
            return Err(self.unexpected(value, "a text in quotes"));
        }
        let text = unquote(value.text).map_err(|why| self.syntax(value.at, why))?;
        let regex = |text: &str| pattern(text).map_err(|why| self.syntax(value.at, why));
        let written = text.clone();
        let test = match sign.text {
            "=" => Test::Is(text),
            "!=" => Test::IsNot(text),
            "=~" => Test::Like(regex(&text)?),
            _ => Test::Unlike(regex(&text)?),
        };
        Ok(Matcher { label: label.text.to_string(), written, test })
    }

    /// Ranges, `offset` and `@` after an expression.
    fn postfix(&mut self, mut expr: Expr) -> Result<Expr, PromqlError> {
        loop {
            let token = self.peek();
            if token.is("[") {
                self.take();
                expr = self.range(token.at, expr)?;
            } else if token.is("offset") {
                self.take();
                let earlier = if self.take_if("-") { -1 } else { 1 };
                let offset_ms = earlier * self.duration()?;
                expr = check::shift(self.text, token.at, expr, |when| {
                    let first = when.offset_ms == 0;
                    when.offset_ms = offset_ms;
                    first
                })?;
            } else if token.is("@") {
                self.take();
                let at = self.moment()?;
                expr = check::shift(self.text, token.at, expr, |when| when.at.replace(at).is_none())?;
            } else if token.is("anchored") || token.is("smoothed") {
                return Err(self.unsupported(token.at, &format!("the modifier `{}`", token.text)));
            } else {
                return Ok(expr);
            }
        }
    }

    fn duration(&mut self) -> Result<i64, PromqlError> {
        let token = self.take();
        match token.kind {
            Kind::Duration => duration_ms(token.text).map_err(|why| self.syntax(token.at, why)),
            Kind::Number => Err(self.unsupported(token.at, "a duration without a unit")),
            Kind::Sign | Kind::Word if token.is("(") || self.peek().is("(") => {
                Err(self.unsupported(token.at, "a duration that is computed"))
            }
            _ => Err(self.unexpected(token, "a duration as 5m")),
        }
    }

    fn range(&mut self, at: usize, expr: Expr) -> Result<Expr, PromqlError> {
        if self.peek().is("]") {
            return Err(self.unexpected(self.peek(), "a duration as 5m"));
        }
        let range_ms = self.duration()?;
        if self.take_if("]") {
            return self.finish(check::range(self.text, at, expr, range_ms)?);
        }
        if !self.peek().is(":") {
            let computed = ["+", "-", "*", "/", "%", "^"].iter().any(|sign| self.peek().is(sign));
            return Err(match computed {
                true => self.unsupported(self.peek().at, "a duration that is computed"),
                false => self.unexpected(self.peek(), "`]` or `:`"),
            });
        }
        self.take();
        let step_ms = if self.peek().is("]") { None } else { Some(self.duration()?) };
        self.want("]")?;
        self.finish(check::subquery(self.text, expr, range_ms, step_ms)?)
    }

    fn moment(&mut self) -> Result<At, PromqlError> {
        for (word, at) in [("start", At::Start), ("end", At::End)] {
            if self.take_if(word) {
                self.want("(")?;
                self.want(")")?;
                return Ok(at);
            }
        }
        let negative = self.take_if("-");
        if !negative {
            self.take_if("+");
        }
        let token = self.take();
        if token.kind != Kind::Number {
            return Err(self.unexpected(token, "seconds, `start()` or `end()`"));
        }
        let seconds = self.number(token)? * if negative { -1.0 } else { 1.0 };
        if 9_223_372_036_854_775_807.0 <= seconds.abs() {
            return Err(self.syntax(token.at, format!("the moment {} is out of range", token.text)));
        }
        Ok(At::Moment((seconds * 1000.0).round() as i64))
    }
}
