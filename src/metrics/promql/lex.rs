//! Text to tokens, each with its place.

use super::PromqlError;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword; names of metrics may hold colons.
    Word,
    Number,
    Duration,
    /// A text with its quotes.
    Quoted,
    /// An operator or a bracket.
    Sign,
    /// Past the last one.
    End,
}

/// A piece of a query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub kind: Kind,
    pub text: &'t str,
    /// Bytes before it.
    pub at: usize,
}

impl Token<'_> {
    /// Whether this is a sign or, in any case, a keyword.
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Sign | Kind::Word) && self.text.eq_ignore_ascii_case(text)
    }

    /// As errors name it.
    pub(super) fn shown(&self) -> String {
        if self.kind == Kind::End { "the end".to_string() } else { format!("`{}`", self.text) }
    }
}

const SIGNS: [&str; 24] = [
    "=~", "!~", "==", "!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "%", "^", ",", "(", ")", "{", "}", "[", "]",
    "@", ":",
];

/// All tokens, the end last.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, PromqlError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut in_brackets = false;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if matches!(first, ' ' | '\t' | '\n' | '\r') {
            at += 1;
            continue;
        }
        if first == '#' {
            at += rest.find(['\n', '\r']).unwrap_or(rest.len());
            continue;
        }
        let (kind, length) = if is_word(first) || (first == ':' && !in_brackets) {
            (Kind::Word, rest.find(|c| !(is_word(c) || c.is_ascii_digit() || c == ':')).unwrap_or(rest.len()))
        } else if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            number_or_duration(rest).ok_or_else(|| {
                let end = rest.find(|c| !(is_word(c) || c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
                PromqlError::syntax(text, at, format!("`{}` is neither a number nor a duration", &rest[..end]))
            })?
        } else if matches!(first, '"' | '\'' | '`') {
            let length = quoted(rest, first);
            (Kind::Quoted, length.ok_or_else(|| PromqlError::syntax(text, at, "this text has no end"))?)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            in_brackets = if *sign == "[" { true } else { in_brackets && *sign != "]" };
            (Kind::Sign, sign.len())
        } else {
            return Err(PromqlError::syntax(text, at, format!("{first:?} means nothing here")));
        };
        tokens.push(Token { kind, text: &rest[..length], at });
        at += length;
    }
    tokens.push(Token { kind: Kind::End, text: "", at: text.len() });
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic()
}

/// Bytes, never none, of the number or the duration at the beginning; none if letters follow that belong to neither.
fn number_or_duration(rest: &str) -> Option<(Kind, usize)> {
    let bytes = rest.as_bytes();
    let run = |from: usize, fits: fn(&u8) -> bool| from + bytes[from..].iter().take_while(|b| fits(b)).count();
    let number = if rest.starts_with("0x") || rest.starts_with("0X") {
        run(2, u8::is_ascii_hexdigit)
    } else {
        let mut end = run(0, u8::is_ascii_digit);
        if bytes.get(end) == Some(&b'.') {
            end = run(end + 1, u8::is_ascii_digit);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            end = run(end + 1 + sign, u8::is_ascii_digit);
        }
        end
    };
    if !bytes.get(number).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
        return Some((Kind::Number, number));
    }
    let end = run(0, |b| b.is_ascii_alphanumeric() || *b == b'_');
    let units = bytes[..end].iter().all(|b| b.is_ascii_digit() || b"smhdwy".contains(b));
    // What ends within the number, as 1.5m does at its point, is no duration.
    (number < end && units).then_some((Kind::Duration, end))
}

/// Bytes of the text in quotes at the beginning, quotes included; none if it does not end.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (place, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            '\n' if quote != '`' => return None,
            c if c == quote => return Some(place + 1),
            _ => {}
        }
    }
    None
}
