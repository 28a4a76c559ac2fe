//! The text of one file, and where in it a byte is: line and column as an editor counts them.

use std::fmt;
use std::ops::Range;

/// The text of a file with its name. Positions are byte offsets into [`Source::text`].
#[derive(PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
    not_text: Vec<Range<usize>>,
}

/// A place in a file. Lines and columns count from 1; a column is a character, not a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1. A tab is one character.
    pub column: usize,
}

impl Source {
    /// A source from text; `name` is what messages call it, a path or the name of a built-in file.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Source::with_marks(name.into(), text.into(), Vec::new())
    }

    /// A source from bytes. What is not UTF-8 is replaced by U+FFFD and remembered in [`Source::not_text`].
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        let mut not_text = Vec::new();
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                let start = text.len();
                text.push(char::REPLACEMENT_CHARACTER);
                not_text.push(start..text.len());
            }
        }
        Source::with_marks(name.into(), text, not_text)
    }

    fn with_marks(name: String, text: String, not_text: Vec<Range<usize>>) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Source { name, text, line_starts, not_text }
    }

    /// What messages call this file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The spans where bytes were not UTF-8, in order.
    pub fn not_text(&self) -> &[Range<usize>] {
        &self.not_text
    }

    /// Line and column of a byte offset. Offsets beyond the end or within a character mean the next place before.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[line - 1]; // the first start is 0, so at least one is not beyond the offset
        Position { line, column: self.text[start..offset].chars().count() + 1 }
    }

    /// The text of a span, cut to whole characters within the text.
    pub fn slice(&self, span: &Range<usize>) -> &str {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.floor_char_boundary(span.end).max(start);
        &self.text[start..end]
    }

    /// The span of the lines from the one that holds `first` to the one that holds `last`, with the last line's break.
    pub(crate) fn lines_around(&self, first: usize, last: usize) -> Range<usize> {
        let start = self.line_starts[self.position(first).line - 1];
        let end = self.line_starts.get(self.position(last).line).copied().unwrap_or(self.text.len());
        start..end.max(start)
    }
}

impl fmt::Debug for Source {
    /// The name alone: a mistake names its file, and need not print it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_at_line_feeds() {
        let source = Source::new("a", "é\tx\r\ny");
        assert_eq!(source.position(2), Position { line: 1, column: 2 });
        assert_eq!(source.position(3), Position { line: 1, column: 3 });
        assert_eq!(source.position(6), Position { line: 2, column: 1 });
        assert_eq!(source.position(1), Position { line: 1, column: 1 }, "within a character");
        assert_eq!(source.position(999), Position { line: 2, column: 2 }, "beyond the end");
    }

    #[test]
    fn bytes_that_are_not_text_are_marked() {
        let source = Source::from_bytes("a", b"ab\xffc\xfe");
        assert_eq!(source.text(), "ab\u{fffd}c\u{fffd}");
        assert_eq!(source.not_text(), [2..5, 6..9]);
    }
}
