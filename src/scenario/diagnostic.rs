//! A mistake in a file, and how it is shown: drawn under the offending text, or as JSON.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::source::{Position, Source};

/// Offending text longer than this many characters is cut in the middle.
const LONGEST_TEXT: usize = 80;
/// A drawing shows at most this many bytes before and after the place, so that a file of one endless line is readable.
const DRAWN_BYTES: usize = 240;
/// So many mistakes are drawn; the rest is counted.
pub const MOST_DRAWN: usize = 50;

/// A span of bytes in one of the files.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// First byte and the byte after the last.
    pub span: Range<usize>,
}

/// One mistake in one place of one file. As JSON it has the fields below except `place`.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnostic {
    /// The name of the file, as the user gave it.
    pub file: String,
    /// Line of the first character, from 1.
    pub line: usize,
    /// Column of the first character, from 1, in characters.
    pub column: usize,
    /// Line just after the last character.
    pub end_line: usize,
    /// Column just after the last character.
    pub end_column: usize,
    /// The offending text, cut to a readable length.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What would have been right there, if that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The way out: the nearest valid name, or what to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where it is, for drawing.
    #[serde(skip)]
    pub place: Place,
}

/// The mistakes of one load, never empty, in the order of the files and of the places within them.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Mistakes {
    found: Vec<Diagnostic>,
    /// Whether there may be more: a file is only held to its names once every value in it is of its kind.
    #[serde(skip)]
    names_unread: bool,
}

impl Diagnostic {
    /// A mistake at a place.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        let Position { line, column } = place.source.position(place.span.start);
        let end = place.source.position(place.span.end.max(place.span.start));
        Diagnostic {
            file: place.source.name().to_owned(),
            line,
            column,
            end_line: end.line,
            end_column: end.column,
            text: shorten(place.source.slice(&place.span), LONGEST_TEXT),
            message: message.into(),
            expected: None,
            help: None,
            place,
        }
    }

    /// Says what would have been right.
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says the way out.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says the nearest of the valid names as the way out, or all of them if none is near and they are few.
    pub fn nearest<'n>(mut self, name: &str, valid: impl IntoIterator<Item = &'n str>) -> Self {
        let mut valid: Vec<&str> = valid.into_iter().collect();
        let mut seen = std::collections::BTreeSet::new();
        valid.retain(|name| seen.insert(*name));
        self.help = match nearest(name, valid.iter().copied()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if valid.is_empty() => self.help,
            None => Some(format!("there is {}", list(&valid))),
        };
        self
    }

    /// The mistake drawn under the text, with the colours of a terminal or plain.
    pub fn render(&self, colour: bool) -> String {
        let source = &self.place.source;
        let span = self.place.span.clone();
        let end = span.end.min(span.start + DRAWN_BYTES).max(span.start);
        let lines = source.lines_around(span.start, end.saturating_sub(1).max(span.start));
        let from = source.text().ceil_char_boundary(lines.start.max(span.start.saturating_sub(DRAWN_BYTES)));
        let to = source.text().floor_char_boundary(lines.end.min(end + DRAWN_BYTES)).max(from);
        let drawn = from.min(to)..to;
        let within = |at: usize| source.text().floor_char_boundary(at).clamp(drawn.start, drawn.end) - drawn.start;

        let mark = AnnotationKind::Primary.span(within(span.start)..within(end));
        let mark = match &self.expected {
            Some(expected) => mark.label(format!("expected {expected}")),
            None => mark,
        };
        let path = format!("{}:{}:{}", self.file, self.line, self.column);
        let snippet = Snippet::source(&source.text()[drawn.clone()]).line_start(self.line).fold(true).annotation(mark);
        let title = Level::ERROR.primary_title(self.message.as_str());
        let mut group = Group::with_title(title).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        format!("{path}: {}", renderer.render(&[group]))
    }
}

impl Mistakes {
    /// Sorts the mistakes. `None` if there are none.
    pub fn new(mut found: Vec<Diagnostic>, order: &[Arc<Source>]) -> Option<Self> {
        let rank = |d: &Diagnostic| order.iter().position(|s| Arc::ptr_eq(s, &d.place.source)).unwrap_or(order.len());
        found
            .sort_by_cached_key(|d| (rank(d), d.file.clone(), d.place.span.start, d.place.span.end, d.message.clone()));
        found.dedup_by(|a, b| {
            a.place.span == b.place.span && Arc::ptr_eq(&a.place.source, &b.place.source) && a.message == b.message
        });
        (!found.is_empty()).then_some(Mistakes { found, names_unread: false })
    }

    /// The same, of a file whose names could not be looked at.
    pub fn before_names(self) -> Self {
        Mistakes { names_unread: true, ..self }
    }

    /// The mistakes, at least one.
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.found
    }

    /// The mistakes drawn, one after the other, at most [`MOST_DRAWN`]; then their number if there are several.
    pub fn render(&self, colour: bool) -> String {
        let mut drawn: Vec<String> = self.found.iter().take(MOST_DRAWN).map(|d| d.render(colour)).collect();
        match self.found.len() {
            0 | 1 => {}
            count if count > MOST_DRAWN => drawn.push(format!("{count} mistakes; the first {MOST_DRAWN} are shown")),
            count => drawn.push(format!("{count} mistakes")),
        }
        if self.names_unread {
            drawn.push(
                "names and moments were not looked at yet: that comes once all values are of their kind".to_string(),
            );
        }
        drawn.join("\n\n")
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Mistakes {}

/// The valid name that `name` was most likely meant to be, if one is near: a third of its length may differ, and a
/// swap of neighbours counts once; or it is the same but for case and separators.
pub fn nearest<'n>(name: &str, valid: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let wanted = plain(name);
    if wanted.chars().count() > 200 {
        return None; // the distance costs length times length
    }
    valid
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a`, `a or b`, `a, b or c`, each in backticks; beyond eight, the rest as a number.
pub fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{}`", shorten(n, 40))).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [most @ .., last] if quoted.len() <= 8 => format!("{} or {last}", most.join(", ")),
        many => format!("{} and {} more", many[..7].join(", "), many.len() - 7),
    }
}

/// `text`, with the middle cut out if it has more than `longest` characters.
pub(crate) fn shorten(text: &str, longest: usize) -> String {
    if text.len() <= longest || text.chars().nth(longest).is_none() {
        return text.to_owned();
    }
    let half = longest / 2;
    let head: String = text.chars().take(half).collect();
    let tail: Vec<char> = text.chars().rev().take(longest - half - 1).collect();
    format!("{head}…{}", tail.into_iter().rev().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, span: Range<usize>) -> Place {
        Place { source: Arc::new(Source::new("x.ron", text)), span }
    }

    #[test]
    fn a_mistake_is_drawn_under_its_text() {
        let mistake = Diagnostic::new(place("(\n  timout: 3,\n)", 4..10), "unknown field `timout`")
            .expected("a field of `Sdk`")
            .nearest("timout", ["timeout", "retries"]);
        let drawn = mistake.render(false);
        assert!(drawn.starts_with("x.ron:2:3: error: unknown field `timout`"), "{drawn}");
        assert!(drawn.contains("2 |   timout: 3,") && drawn.contains("^^^^^^ expected a field of `Sdk`"), "{drawn}");
        assert!(drawn.contains("help: did you mean `timeout`?"), "{drawn}");
    }

    #[test]
    fn a_name_is_near_if_a_third_of_it_differs() {
        assert_eq!(nearest("retires", ["retries", "timeout"]), Some("retries"));
        assert_eq!(nearest("MaxBatch", ["max_batch"]), Some("max_batch"));
        assert_eq!(nearest("gpu", ["retries"]), None);
    }

    #[test]
    fn a_file_of_one_endless_line_is_drawn_short() {
        let drawn = Diagnostic::new(place(&"(".repeat(1_000_000), 500_000..500_001), "too deep").render(false);
        assert!(drawn.len() < 2_000, "{}", drawn.len());
    }
}
