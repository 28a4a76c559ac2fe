//! Reads RON text into a tree, and goes on after a mistake so that several are found at once.
//!
//! The `ron` crate is the judge of what RON is, and reads every literal here; but it stops at its first mistake and its
//! values do not know where they stand. (`ron2` 0.3 has spans and goes on, but refuses `.5`, `Some(1,)` and strings
//! continued over a line end, takes `0x_1`, and skips unevenly after a mistake.) Stricter than `ron`: nesting ends at
//! [`DEEPEST`], extensions (`#![enable(..)]`) and ranges (`1..2`) are refused.

use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Place, shorten};
use super::lexer::{Kind, Lexer, Token};
use super::source::Source;
use super::tree::{Name, Node, Value};

/// Values may be nested this deeply. Everything that walks a tree may recurse because of it.
pub const DEEPEST: usize = 64;
/// After this many mistakes of syntax the rest of the file is not read.
const MOST_MISTAKES: usize = 30;

/// Reads a file. The tree is there if anything could be made of it; it is sound only if there are no mistakes.
pub fn read(source: &Arc<Source>) -> (Option<Node>, Vec<Diagnostic>) {
    let mut reader = Reader::new(source);
    reader.not_text();
    let start = reader.attributes();
    reader.lexer = Lexer::new(source.text(), start);
    reader.advance();
    if let Kind::Wrong(what) = reader.token.kind
        && source.text().starts_with('\u{feff}')
        && reader.token.span.start == 0
    {
        reader.mistake(0..3, what).wanted("no byte order mark");
        reader.advance();
    }
    if reader.token.kind == Kind::End {
        if reader.found.is_empty() {
            let empty =
                if source.text().is_empty() { "the file is empty" } else { "the file holds nothing but comments" };
            reader.mistake(0..0, empty).wanted("a value such as `(..)`");
        }
        return (None, reader.found);
    }
    let root = reader.value(0);
    if reader.token.kind != Kind::End && !reader.gave_up() {
        let span = reader.token.span.clone();
        reader.mistake(span, "the document ended before this").wanted("the end of the file");
    }
    (Some(root), reader.found)
}

struct Reader<'s> {
    source: &'s Arc<Source>,
    lexer: Lexer<'s>,
    token: Token,
    /// Closing brackets that the values around would take, innermost last.
    closers: Vec<char>,
    found: Vec<Diagnostic>,
    /// That the file ends too early was said already.
    end_said: bool,
}

/// A mistake just found, for adding to.
struct Found<'r>(Option<&'r mut Diagnostic>);

impl Found<'_> {
    fn wanted(mut self, expected: impl Into<String>) -> Self {
        if let Some(d) = &mut self.0 {
            d.expected = Some(expected.into());
        }
        self
    }

    fn help(self, help: impl Into<String>) {
        if let Some(d) = self.0 {
            d.help = Some(help.into());
        }
    }
}

impl<'s> Reader<'s> {
    fn new(source: &'s Arc<Source>) -> Self {
        let token = Token { kind: Kind::End, span: 0..0 };
        Reader {
            source,
            lexer: Lexer::new(source.text(), 0),
            token,
            closers: Vec::new(),
            found: Vec::new(),
            end_said: false,
        }
    }

    fn advance(&mut self) -> Token {
        let next = if self.gave_up() {
            let end = self.source.text().len();
            Token { kind: Kind::End, span: end..end }
        } else {
            self.lexer.next_token()
        };
        // A comment without end takes with it whatever would have closed what is open.
        self.end_said |= matches!(next.kind, Kind::Wrong(_)) && self.text_of(&next.span) == "/*";
        std::mem::replace(&mut self.token, next)
    }

    fn gave_up(&self) -> bool {
        self.found.len() >= MOST_MISTAKES
    }

    /// Adds a mistake, unless there is one at the same place already or too many elsewhere.
    fn mistake(&mut self, span: Range<usize>, message: impl Into<String>) -> Found<'_> {
        if self.gave_up() || self.found.iter().any(|d| d.place.span.start == span.start) {
            return Found(None);
        }
        let place = Place { source: Arc::clone(self.source), span };
        self.found.push(Diagnostic::new(place, message));
        if self.gave_up() {
            let end = self.source.text().len();
            self.token = Token { kind: Kind::End, span: end..end };
        }
        Found(self.found.last_mut())
    }

    fn text_of(&self, span: &Range<usize>) -> &'s str {
        self.source.slice(span)
    }

    fn node(&self, value: Value, span: Range<usize>) -> Node {
        Node::new(value, self.source, span)
    }

    fn name(&self, token: &Token) -> Name {
        let text = self.text_of(&token.span);
        let text = if token.kind == Kind::RawWord { text.trim_start_matches("r#") } else { text };
        Name { text: text.to_owned(), place: Place { source: Arc::clone(self.source), span: token.span.clone() } }
    }

    /// Reports bytes that are not UTF-8.
    fn not_text(&mut self) {
        let source = self.source;
        let wide = source.text().starts_with("\u{fffd}\u{fffd}");
        for span in source.not_text() {
            let found = self.mistake(span.clone(), "this is not UTF-8").wanted("text in UTF-8");
            if wide {
                found.help("the file seems to be UTF-16; save it as UTF-8");
                return;
            }
        }
    }

    /// Reads `#![..]` at the start of the file and returns where they end.
    fn attributes(&mut self) -> usize {
        let text = self.source.text();
        let mut at = 0;
        loop {
            let token = Lexer::new(text, at).next_token();
            let start = token.span.start;
            if token.kind == Kind::End || !text[start..].starts_with('#') {
                return at;
            }
            let line = text[start..].find('\n').map_or(text.len(), |end| start + end);
            let end = text[start..].find(']').map_or(line, |end| start + end + 1);
            let attribute = &text[start..end];
            if attribute.contains("enable") {
                self.mistake(start..end, "extensions of RON are not used here")
                    .wanted("plain RON: `Some(x)` is written out")
                    .help("take this line away");
            } else if ron::from_str::<()>(&format!("{attribute}()")).is_err() {
                self.mistake(start..end, "no attribute of RON")
                    .wanted("`#![schema = \"..\"]`, `#![type = \"..\"]` or nothing");
            }
            at = end;
        }
    }

    /// Reads one value. What cannot be read is reported and becomes [`Value::Broken`].
    fn value(&mut self, depth: usize) -> Node {
        let token = self.token.clone();
        match token.kind {
            Kind::Open(_) if depth >= DEEPEST => self.too_deep(),
            Kind::Open('(') => self.round(None, depth),
            Kind::Open('[') => self.list(depth),
            Kind::Open(_) => self.map(depth),
            Kind::Word => self.word(depth),
            Kind::RawWord => self.named(depth),
            Kind::Number | Kind::Text | Kind::Char | Kind::Bytes => {
                self.advance();
                let value = self.literal(&token);
                self.node(value, token.span)
            }
            Kind::Wrong(what) => {
                self.mistake(token.span.clone(), what).wanted("a value");
                self.advance();
                self.node(Value::Broken, token.span)
            }
            Kind::End => {
                self.unclosed_at_end();
                self.node(Value::Broken, token.span)
            }
            Kind::Close(_) | Kind::Comma | Kind::Colon | Kind::Equals => {
                let text = self.text_of(&token.span);
                self.mistake(token.span.clone(), format!("`{text}` where a value should stand")).wanted("a value");
                self.node(Value::Broken, token.span)
            }
        }
    }

    fn unclosed_at_end(&mut self) {
        let end = self.source.text().len();
        if !self.end_said {
            self.end_said = true;
            self.mistake(end..end, "the file ends where a value should stand").wanted("a value");
        }
    }

    fn literal(&mut self, token: &Token) -> Value {
        let raw = self.text_of(&token.span);
        let read = match token.kind {
            Kind::Number if raw.contains("..") && !raw.starts_with('b') => {
                self.mistake(token.span.clone(), "ranges are not used here").wanted("a number");
                return Value::Broken;
            }
            Kind::Number => ron::from_str::<ron::Value>(raw).map(|_| Value::Number(raw.to_owned())),
            Kind::Char => ron::from_str(raw).map(Value::Char),
            Kind::Bytes => ron::from_str::<ron::Value>(raw).map(|value| match value {
                ron::Value::Bytes(bytes) => Value::Bytes(bytes),
                _ => Value::Broken,
            }),
            _ => ron::from_str(raw).map(Value::Text),
        };
        read.unwrap_or_else(|e| {
            let span = within(raw, &e.span, &token.span);
            let message = format!("`{}` cannot be read: {}", shorten(raw, 40), e.code);
            let expected = match token.kind {
                Kind::Number => "a number such as `3`, `0.5` or `1e6`",
                Kind::Char => "a character such as 'a'",
                _ => "a string with the escapes \\n, \\t, \\\\, \\\" or \\u{..}",
            };
            self.mistake(span, message).wanted(expected);
            Value::Broken
        })
    }

    fn word(&mut self, depth: usize) -> Node {
        let span = self.token.span.clone();
        match self.text_of(&span) {
            word @ ("true" | "false") => {
                self.advance();
                self.node(Value::Bool(word == "true"), span)
            }
            "None" => {
                self.advance();
                self.node(Value::Option(None), span)
            }
            "Some" => self.some(depth),
            _ => self.named(depth),
        }
    }

    fn some(&mut self, depth: usize) -> Node {
        let span = self.token.span.clone();
        self.advance();
        if self.token.kind != Kind::Open('(') {
            self.mistake(span.clone(), "`Some` without a value").wanted("`Some(value)`");
            return self.node(Value::Broken, span);
        }
        if depth >= DEEPEST {
            return self.too_deep();
        }
        let (mut items, end) = self.items(|reader| reader.value(depth + 1));
        let value = match items.len() {
            1 => Value::Option(items.pop().map(Box::new)),
            0 if self.gave_up() => Value::Broken,
            count => {
                self.mistake(span.start..end, format!("`Some` holds one value, not {count}")).wanted("`Some(value)`");
                Value::Broken
            }
        };
        self.node(value, span.start..end)
    }

    /// A name, alone or before a parenthesis.
    fn named(&mut self, depth: usize) -> Node {
        let token = self.advance();
        let name = self.name(&token);
        match self.token.kind {
            Kind::Open('(') if depth >= DEEPEST => self.too_deep(),
            Kind::Open('(') => self.round(Some(name), depth),
            Kind::Open('{') if depth < DEEPEST && self.token.span.start <= token.span.end + 1 => {
                let brace = self.token.span.clone();
                self.mistake(brace, format!("the fields of `{}` stand in braces", name.text))
                    .wanted("`(`")
                    .help("RON writes a struct as `Name(field: value)`");
                self.map(depth);
                self.node(Value::Broken, token.span)
            }
            _ => self.node(Value::Tuple { name: Some(name), items: Vec::new(), bare: true }, token.span),
        }
    }

    /// A tuple or struct in parentheses; which of them, the first two tokens tell.
    fn round(&mut self, name: Option<Name>, depth: usize) -> Node {
        let open = self.token.span.start;
        let start = name.as_ref().map_or(open, |name| name.place.span.start);
        let mut ahead = self.lexer;
        let first = ahead.next_token();
        let fields = matches!(first.kind, Kind::Word | Kind::RawWord | Kind::Text)
            && matches!(ahead.next_token().kind, Kind::Colon | Kind::Equals);
        if fields {
            let (fields, end) = self.items(|reader| reader.field(depth));
            return self.node(Value::Struct { name, fields: fields.into_iter().flatten().collect() }, start..end);
        }
        let (items, end) = self.items(|reader| reader.value(depth + 1));
        self.node(Value::Tuple { name, items, bare: false }, start..end)
    }

    fn field(&mut self, depth: usize) -> Option<(Name, Node)> {
        let token = self.token.clone();
        if !matches!(token.kind, Kind::Word | Kind::RawWord) {
            return self.no_field(&token, depth);
        }
        self.advance();
        let name = self.name(&token);
        match self.token.kind {
            Kind::Colon => {
                self.advance();
            }
            Kind::Equals => {
                let span = self.token.span.clone();
                self.mistake(span, "`=` after the name of a field").wanted("`:`");
                self.advance();
            }
            _ => {
                let text = shorten(&name.text, 40);
                self.mistake(token.span, format!("the field `{text}` has no value")).wanted(format!("`{text}: value`"));
                if !self.at_value() {
                    return None;
                }
            }
        }
        Some((name, self.value(depth + 1)))
    }

    /// Something else where a field should begin. Reads it, so that the next field can be read.
    fn no_field(&mut self, token: &Token, depth: usize) -> Option<(Name, Node)> {
        let text = shorten(self.text_of(&token.span), 40);
        if token.kind == Kind::Text {
            self.mistake(token.span.clone(), "the name of a field in quotes")
                .wanted("`name: value`")
                .help(format!("write {} without the quotes", text));
        } else if let Kind::Wrong(what) = token.kind {
            self.mistake(token.span.clone(), what).wanted("`name: value`");
        } else {
            self.mistake(token.span.clone(), format!("`{text}` where a field should begin")).wanted("`name: value`");
        }
        if self.at_value() {
            self.value(depth + 1);
        } else if !matches!(self.token.kind, Kind::End | Kind::Close(_)) {
            self.advance();
        }
        if self.token.kind == Kind::Colon {
            self.advance();
            self.value(depth + 1);
        }
        None
    }

    fn list(&mut self, depth: usize) -> Node {
        let start = self.token.span.start;
        let (items, end) = self.items(|reader| reader.value(depth + 1));
        self.node(Value::List(items), start..end)
    }

    fn map(&mut self, depth: usize) -> Node {
        let start = self.token.span.start;
        let (entries, end) = self.items(|reader| {
            let key = reader.value(depth + 1);
            if reader.token.kind == Kind::Colon {
                reader.advance();
            } else {
                let span = key.place.span.clone();
                reader.mistake(span, "an entry of a map without a value").wanted("`key: value`");
                if !reader.at_value() {
                    return (key, reader.node(Value::Broken, 0..0));
                }
            }
            let value = reader.value(depth + 1);
            (key, value)
        });
        self.node(Value::Map(entries), start..end)
    }

    /// Reads what stands between a bracket and its counterpart, separated by commas, and returns where it ends.
    fn items<I>(&mut self, mut item: impl FnMut(&mut Self) -> I) -> (Vec<I>, usize) {
        let open = self.advance();
        let close = closer(self.text_of(&open.span));
        self.closers.push(close);
        let mut items = Vec::new();
        loop {
            if let Some(end) = self.closed(&open, close) {
                self.closers.pop();
                return (items, end);
            }
            let before = self.token.span.start;
            items.push(item(self));
            match self.token.kind {
                Kind::Comma => {
                    self.advance();
                }
                Kind::Close(_) | Kind::End => {}
                _ => self.missing_comma(close, before),
            }
        }
    }

    /// Where the bracket ends, if it ends here: closed, or not but something around it is.
    fn closed(&mut self, open: &Token, close: char) -> Option<usize> {
        match self.token.kind {
            Kind::Close(c) if c == close => Some(self.advance().span.end),
            Kind::Close(c) => {
                let span = self.token.span.clone();
                let opened = self.source.position(open.span.start);
                self.mistake(span.clone(), format!("`{c}` where `{close}` should stand")).wanted(format!(
                    "`{close}` for the `{}` in line {}, column {}",
                    opener(close),
                    opened.line,
                    opened.column
                ));
                let outer = &self.closers[..self.closers.len() - 1];
                if !outer.contains(&c) {
                    self.advance(); // taken for a slip of the finger
                    return Some(span.end);
                }
                Some(span.start)
            }
            Kind::End => {
                if !self.end_said {
                    self.end_said = true;
                    self.mistake(open.span.clone(), format!("this `{}` is never closed", opener(close)))
                        .wanted(format!("a `{close}` later in the file"));
                }
                Some(self.token.span.end)
            }
            _ => None,
        }
    }

    /// Reports a missing comma, and skips to where the next item may begin.
    fn missing_comma(&mut self, close: char, before: usize) {
        let token = self.token.clone();
        if let Kind::Wrong(what) = token.kind {
            self.mistake(token.span.clone(), what).wanted(format!("`,` or `{close}`"));
            self.advance();
            if self.token.kind == Kind::Comma {
                self.advance();
            }
            return;
        }
        let text = shorten(self.text_of(&token.span), 40);
        self.mistake(token.span.clone(), format!("`{text}` without a comma before it"))
            .wanted(format!("`,` or `{close}`"));
        if !self.at_value() || token.span.start == before {
            self.skip_to_comma();
        }
    }

    fn skip_to_comma(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.token.kind {
                Kind::End => return,
                Kind::Comma if open == 0 => {
                    self.advance();
                    return;
                }
                Kind::Close(_) if open == 0 => return,
                Kind::Close(_) => open -= 1,
                Kind::Open(_) => open += 1,
                _ => {}
            }
            self.advance();
        }
    }

    /// Reports that values are nested too deeply and skips the whole value without recursion.
    fn too_deep(&mut self) -> Node {
        let span = self.token.span.clone();
        self.mistake(span.clone(), format!("values are nested more than {DEEPEST} deep")).wanted("a flatter file");
        self.advance();
        let mut open = 1_usize;
        while open > 0 && self.token.kind != Kind::End {
            match self.advance().kind {
                Kind::Open(_) => open += 1,
                Kind::Close(_) => open -= 1,
                _ => {}
            }
        }
        self.end_said |= open > 0; // what is not closed around it is no mistake of its own
        self.node(Value::Broken, span)
    }

    fn at_value(&self) -> bool {
        matches!(
            self.token.kind,
            Kind::Open(_) | Kind::Word | Kind::RawWord | Kind::Number | Kind::Text | Kind::Char | Kind::Bytes
        )
    }
}

fn closer(open: &str) -> char {
    match open {
        "(" => ')',
        "[" => ']',
        _ => '}',
    }
}

fn opener(close: char) -> char {
    match close {
        ')' => '(',
        ']' => '[',
        _ => '{',
    }
}

/// The part of a literal that `ron` complains of, as a span of the file: `ron` counts from the literal's first line.
fn within(raw: &str, found: &ron::error::Span, literal: &Range<usize>) -> Range<usize> {
    let byte = |position: &ron::error::Position| {
        (position.line == 1)
            .then(|| raw.char_indices().map(|(at, _)| at).chain([raw.len()]).nth(position.col.saturating_sub(1)))
            .flatten()
    };
    match (byte(&found.start), byte(&found.end)) {
        (Some(start), Some(end)) if start < end => literal.start + start..literal.start + end,
        _ => literal.clone(),
    }
}
