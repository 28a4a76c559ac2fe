//! What can be wrong with a statement: said with the place in the text and the nearest name that there is.

use std::fmt;

use crate::telemetry::sql::guard::FUNCTIONS;
use crate::telemetry::sql::tables::schema;

/// Words with which statements begin and go on, for slips of the finger.
const KEYWORDS: [&str; 18] = [
    "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "BY", "HAVING", "LIMIT", "JOIN", "LEFT", "UNION", "WITH", "EXPLAIN",
    "BETWEEN", "DISTINCT", "MATCH", "OFFSET", "VALUES",
];

/// How alike two names must be for one to be meant by the other (Jaro and Winkler's measure).
const ALIKE: f64 = 0.75;

/// What kind of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlErrorKind {
    /// It is not SQL.
    Syntax,
    /// A name that nothing bears, or several things do.
    Name,
    /// It does something other than look, or calls what may not be called.
    Refused,
    /// It is more work, or a larger value, than is allowed.
    TooMuch,
    /// It stopped at a value.
    Value,
}

/// Why a statement has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct SqlError {
    /// What kind of mistake it is.
    pub kind: SqlErrorKind,
    /// What is wrong, and the way out.
    pub message: String,
    /// Where in the text, in bytes, if it can be told.
    pub offset: Option<usize>,
    /// The nearest name that there is.
    pub nearest: Option<String>,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(offset) = self.offset {
            write!(f, " (at character {})", offset + 1)?;
        }
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean \"{nearest}\"?"),
            None => Ok(()),
        }
    }
}

impl SqlError {
    /// A mistake without a place.
    pub(crate) fn new(kind: SqlErrorKind, message: impl Into<String>) -> SqlError {
        SqlError { kind, message: message.into(), offset: None, nearest: None }
    }

    /// A mistake at a place.
    pub(crate) fn at(kind: SqlErrorKind, message: impl Into<String>, offset: usize) -> SqlError {
        SqlError { offset: Some(offset), ..SqlError::new(kind, message) }
    }

    /// The text with a mark under the place of the mistake; empty if the place is not known.
    pub fn marked(&self, text: &str) -> String {
        let Some(offset) = self.offset.filter(|o| *o <= text.len() && text.is_char_boundary(*o)) else {
            return String::new();
        };
        let (before, after) = text.split_at(offset);
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        let line_end = after.find('\n').map_or(text.len(), |n| offset + n);
        let column = text[line_start..offset].chars().count();
        format!("{}\n{}^", &text[line_start..line_end], " ".repeat(column))
    }

    /// What SQLite says of a statement, in our words. `refused` is what the guard refused, if it did.
    pub(crate) fn from_sqlite(error: rusqlite::Error, text: &str, refused: Option<String>) -> SqlError {
        use rusqlite::{Error, ErrorCode};
        let (code, message, offset) = match error {
            Error::SqlInputError { error, msg, sql, offset } => {
                // The statement after a first one is counted from its own beginning.
                let before = text.len() - sql.len().min(text.len());
                (Some(error.code), msg, usize::try_from(offset).ok().map(|o| o + before))
            }
            Error::SqliteFailure(error, message) => (Some(error.code), message.unwrap_or_default(), None),
            Error::MultipleStatement => {
                return SqlError::new(
                    SqlErrorKind::Refused,
                    "one statement at a time: take out what follows the first ;",
                );
            }
            Error::Empty => {
                return SqlError::new(SqlErrorKind::Syntax, "nothing is asked: SELECT ... FROM requests, for example");
            }
            other => (None, other.to_string(), None),
        };
        if let Some(refused) = refused {
            return placed(SqlErrorKind::Refused, refused, text, offset);
        }
        match code {
            Some(ErrorCode::OutOfMemory) => {
                SqlError::new(SqlErrorKind::TooMuch, "it takes too much memory: ask for less")
            }
            Some(ErrorCode::TooBig) => {
                SqlError::new(SqlErrorKind::TooMuch, "a text in it grows too long: ask for less of it")
            }
            _ => named(message, text, offset),
        }
    }
}

/// A refusal, at the name that it is about if SQLite did not say where.
fn placed(kind: SqlErrorKind, message: String, text: &str, offset: Option<usize>) -> SqlError {
    let quoted = message.split('"').nth(1).unwrap_or_default();
    let offset = offset.or_else(|| find_word(text, quoted));
    SqlError { kind, message, offset, nearest: None }
}

/// The place of a word in a text, in any case.
fn find_word(text: &str, word: &str) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    let (text, word) = (text.to_ascii_lowercase(), word.to_ascii_lowercase());
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(&word)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(part_of_name) && !text[at + word.len()..].starts_with(part_of_name))
}

/// A message of SQLite's, with the nearest name where it is about one.
fn named(message: String, text: &str, offset: Option<usize>) -> SqlError {
    let after =
        |head: &str| message.strip_prefix(head).map(|name| name.split(" - ").next().unwrap_or(name).to_string());
    let tables = schema();
    let clean = |name: &str| name.trim_matches(['"', '\'', '`']).rsplit('.').next().unwrap_or_default().to_string();
    // Full-text search finds mistakes in its expressions only when it runs, and then no place is known.
    let column_of_words = offset.is_none() && message.starts_with("no such column: ");
    if message.starts_with("fts5: ") || message.starts_with("unterminated string") || column_of_words {
        let said = message.trim_start_matches("fts5: ");
        let message = format!("MATCH: {said}; what is not letters and digits stands in quotes, as in '\"gateway-1\"'");
        return SqlError { kind: SqlErrorKind::Value, message, offset: find_word(text, "match"), nearest: None };
    }
    if let Some(name) = after("no such table: ") {
        let names: Vec<&str> = tables.iter().map(|t| t.name).collect();
        let message = format!("no table is called \"{name}\"; there are: {}", names.join(", "));
        let offset = offset.or_else(|| find_word(text, &clean(&name)));
        return SqlError { kind: SqlErrorKind::Name, message, offset, nearest: nearest(&clean(&name), &names) };
    }
    if let Some(name) = after("no such column: ") {
        let asked: Vec<_> = tables.iter().filter(|t| find_word(text, t.name).is_some()).collect();
        let columns: Vec<&str> = asked.iter().flat_map(|t| t.columns.iter().map(|c| c.name)).collect();
        let quoted = if name.starts_with('"') { ": text stands in single quotes" } else { "" };
        let message = format!("no column is called {}{quoted}", quote(&name));
        let offset = offset.or_else(|| find_word(text, &clean(&name)));
        return SqlError { kind: SqlErrorKind::Name, message, offset, nearest: nearest(&clean(&name), &columns) };
    }
    if let Some(name) = after("no such function: ") {
        let message = format!("no function is called \"{name}\"");
        let offset = offset.or_else(|| find_word(text, &name));
        return SqlError { kind: SqlErrorKind::Name, message, offset, nearest: nearest(&name, &FUNCTIONS) };
    }
    if let Some(token) = message.strip_prefix("near \"").and_then(|m| m.strip_suffix("\": syntax error")) {
        let nearest = nearest(&token.to_ascii_uppercase(), &KEYWORDS).filter(|k| !k.eq_ignore_ascii_case(token));
        let message = format!("not SQL: \"{token}\" does not fit here");
        return SqlError { kind: SqlErrorKind::Syntax, message, offset, nearest };
    }
    if message == "incomplete input" {
        return SqlError::at(SqlErrorKind::Syntax, "not SQL: it ends too early", text.len());
    }
    if message.starts_with("cannot modify") || message.ends_with("may not be modified") {
        let message = "nothing can be written here: only SELECT and EXPLAIN are allowed";
        return SqlError { offset, ..SqlError::new(SqlErrorKind::Refused, message) };
    }
    let kind = match () {
        () if message.starts_with("ambiguous column name") => SqlErrorKind::Name,
        () if offset.is_some() => SqlErrorKind::Syntax,
        () => SqlErrorKind::Value,
    };
    SqlError { kind, message, offset, nearest: None }
}

fn quote(name: &str) -> String {
    if name.starts_with('"') { name.to_string() } else { format!("\"{name}\"") }
}

/// The likest of some names, if one is like at all.
pub(crate) fn nearest(name: &str, names: &[&str]) -> Option<String> {
    let name = name.to_lowercase();
    let like = names.iter().map(|n| (strsim::jaro_winkler(&name, &n.to_lowercase()), *n));
    like.filter(|(likeness, _)| ALIKE < *likeness).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, n)| n.to_string())
}
