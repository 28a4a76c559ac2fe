//! Cuts RON text into tokens. Only the extent of a literal is found here; the `ron` crate reads what it says.

use std::ops::Range;

use unicode_ident::{is_xid_continue, is_xid_start};

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub span: Range<usize>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `(`, `[` or `{`.
    Open(char),
    /// `)`, `]` or `}`.
    Close(char),
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `=`, which RON does not have but writers of it are tempted by.
    Equals,
    /// An identifier.
    Word,
    /// An identifier written `r#like-this`.
    RawWord,
    /// A number, perhaps a malformed one.
    Number,
    /// A string, plain or raw.
    Text,
    /// A character.
    Char,
    /// A byte string.
    Bytes,
    /// No token of RON, with what is wrong.
    Wrong(&'static str),
    /// The end of the text.
    End,
}

/// Reads tokens from a place in a text. Copying it is looking ahead.
#[derive(Clone, Copy, Debug)]
pub struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

const NUMBER_WORDS: [&str; 6] = ["inf", "inff32", "inff64", "NaN", "NaNf32", "NaNf64"];
const BYTE_ORDER_MARK: char = '\u{feff}';

impl<'t> Lexer<'t> {
    /// Tokens from the byte `at` on.
    pub fn new(text: &'t str, at: usize) -> Self {
        Lexer { text, at }
    }

    /// The next token. At the end, [`Kind::End`] again and again.
    pub fn next_token(&mut self) -> Token {
        if let Some(unclosed) = self.skip_blank() {
            return unclosed;
        }
        let start = self.at;
        let kind = self.kind_at(start);
        Token { kind, span: start..self.at }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn kind_at(&mut self, start: usize) -> Kind {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Kind::End };
        if let Some(prefix) = ["br\"", "br#", "r\"", "r#\"", "r##"].into_iter().find(|p| rest.starts_with(p)) {
            self.at += if prefix.starts_with('b') { 2 } else { 1 };
            return self.raw_text(if prefix.starts_with('b') { Kind::Bytes } else { Kind::Text });
        }
        match first {
            '(' | '[' | '{' => self.one(first, Kind::Open(first)),
            ')' | ']' | '}' => self.one(first, Kind::Close(first)),
            ',' => self.one(first, Kind::Comma),
            ':' => self.one(first, Kind::Colon),
            '"' => self.quoted(1, Kind::Text),
            'b' if rest.starts_with("b\"") => self.quoted(2, Kind::Bytes),
            'b' if rest.starts_with("b'") => self.character(2, Kind::Number),
            '\'' => self.character(1, Kind::Char),
            '0'..='9' | '+' | '-' | '.' => {
                self.skip_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '-'));
                Kind::Number
            }
            'r' if rest[1..].starts_with('#') => {
                self.at += 2;
                self.skip_while(|c| is_xid_continue(c) || matches!(c, '.' | '+' | '-'));
                if self.at == start + 2 {
                    Kind::Wrong("`r#` begins a raw string or name, and none follows")
                } else {
                    Kind::RawWord
                }
            }
            c if c == '_' || is_xid_start(c) => {
                self.skip_while(is_xid_continue);
                if NUMBER_WORDS.contains(&&self.text[start..self.at]) { Kind::Number } else { Kind::Word }
            }
            BYTE_ORDER_MARK => {
                self.one(first, Kind::Wrong("the file begins with a byte order mark; save it as UTF-8 without one"))
            }
            '/' => self.one(first, Kind::Wrong("a comment begins with `//` or `/*`")),
            ';' => self.one(first, Kind::Wrong("`;` has no meaning here; a comma separates")),
            '=' => self.one(first, Kind::Equals),
            _ => self.one(first, Kind::Wrong("this character has no meaning here")),
        }
    }

    fn one(&mut self, c: char, kind: Kind) -> Kind {
        self.at += c.len_utf8();
        kind
    }

    fn skip_while(&mut self, belongs: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    }

    /// A string with escapes, after a prefix of `skip` bytes.
    fn quoted(&mut self, skip: usize, kind: Kind) -> Kind {
        self.at += skip;
        let start = self.at;
        loop {
            match self.rest().find(['"', '\\']) {
                Some(found) if self.rest()[found..].starts_with('"') => {
                    self.at += found + 1;
                    return kind;
                }
                Some(found) => {
                    self.at += found + 1;
                    self.at += self.rest().chars().next().map_or(0, char::len_utf8);
                }
                None => return self.unclosed(start, "this string is never closed"),
            }
        }
    }

    /// A string without escapes, from its first `#` or quote on.
    fn raw_text(&mut self, kind: Kind) -> Kind {
        let start = self.at;
        self.skip_while(|c| c == '#');
        let hashes = &self.text[start..self.at];
        if !self.rest().starts_with('"') {
            return Kind::Wrong("a raw string has a quote after its `#`");
        }
        self.at += 1;
        match self.rest().find(&format!("\"{hashes}")) {
            Some(end) => {
                self.at += end + 1 + hashes.len();
                kind
            }
            None => self.unclosed(start, "this raw string is never closed"),
        }
    }

    /// Reports an unclosed literal to the end of its first line, so that what follows can still be read.
    fn unclosed(&mut self, start: usize, what: &'static str) -> Kind {
        let line = self.text[start..].find(['\n', '\r']).map_or(self.text.len(), |end| start + end);
        self.at = line;
        Kind::Wrong(what)
    }

    fn character(&mut self, skip: usize, kind: Kind) -> Kind {
        self.at += skip;
        let start = self.at;
        let Some(first) = self.rest().chars().next() else { return Kind::Wrong("this character is never closed") };
        self.at += first.len_utf8();
        if first == '\\' {
            self.at += self.rest().chars().next().map_or(0, char::len_utf8);
            self.skip_while(|c| c.is_ascii_alphanumeric() || matches!(c, '{' | '}'));
        }
        if self.rest().starts_with('\'') {
            self.at += 1;
            kind
        } else {
            self.at = start;
            Kind::Wrong("a quote like this holds exactly one character; a string stands in double quotes")
        }
    }

    /// Skips spaces and comments; a comment that never ends is returned as a token.
    fn skip_blank(&mut self) -> Option<Token> {
        loop {
            self.skip_while(is_blank);
            if self.rest().starts_with("//") {
                self.skip_while(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                let start = self.at;
                if !self.skip_block_comment() {
                    self.at = self.text.len();
                    return Some(Token { kind: Kind::Wrong("this comment is never closed"), span: start..start + 2 });
                }
            } else {
                return None;
            }
        }
    }

    /// Skips a comment that may hold others. False if it never ends.
    fn skip_block_comment(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        let mut open = 0_usize;
        while self.at + 1 < bytes.len() {
            match &bytes[self.at..self.at + 2] {
                b"/*" => open += 1,
                b"*/" => open -= 1, // the first two bytes opened one
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            if open == 0 {
                return true;
            }
        }
        false
    }
}

/// What RON counts as white space.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\n' | '\r' | '\x0B' | '\x0C' | '\u{85}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        let mut lexer = Lexer::new(text, 0);
        let tokens = std::iter::from_fn(|| Some(lexer.next_token().kind));
        tokens.take_while(|kind| *kind != Kind::End).collect()
    }

    #[test]
    fn literals_end_where_they_end() {
        let text = r####"a "x\"y" r#"q"z"# 'c' '\'' '\u{1F600}' b"z" b'x' -1.5e-3 0x_1 /* /* */ */ r#type inf"####;
        use Kind::*;
        assert_eq!(kinds(text), [Word, Text, Text, Char, Char, Char, Bytes, Number, Number, Number, RawWord, Number]);
    }

    #[test]
    fn what_never_closes_is_said_once() {
        for text in ["\"abc", "r#\"abc\"", "/* a /* */", "'"] {
            assert!(matches!(kinds(text)[..], [Kind::Wrong(_)]), "{text}: {:?}", kinds(text));
        }
    }
}
