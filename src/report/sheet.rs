//! A sheet of styled characters, written anywhere and printed once: what terminal output is laid out on.

/// How a character looks. Every style is told apart by its character too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// As the terminal writes.
    #[default]
    Plain,
    /// Names and headings.
    Strong,
    /// Axes, guides and notes.
    Quiet,
    /// The first series of a chart.
    First,
    /// The second series of a chart.
    Second,
    /// The third series of a chart.
    Third,
    /// Another run, laid over a chart.
    Other,
}

/// Rows of characters, all of one width.
#[derive(Debug)]
pub struct Sheet {
    width: usize,
    rows: Vec<Vec<(char, Style)>>,
}

impl Sheet {
    /// An empty sheet of `width` columns.
    pub fn new(width: usize) -> Self {
        Sheet { width, rows: Vec::new() }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows written so far.
    pub fn height(&self) -> usize {
        self.rows.len()
    }

    /// The character at a place; a space where nothing was written.
    pub fn glyph(&self, row: usize, column: usize) -> char {
        self.rows.get(row).and_then(|cells| cells.get(column)).map_or(' ', |cell| cell.0)
    }

    /// Writes over what is there, cut at the right edge. Control characters become spaces.
    pub fn write(&mut self, row: usize, column: usize, text: &str, style: Style) {
        if self.rows.len() <= row {
            self.rows.resize_with(row + 1, || vec![(' ', Style::Plain); self.width]);
        }
        for (cell, glyph) in self.rows[row].iter_mut().skip(column).zip(text.chars()) {
            *cell = (if glyph.is_control() { ' ' } else { glyph }, style);
        }
    }

    /// Writes words from `column` on, wrapping at the right edge back to `column`; returns the row after the last.
    pub fn write_wrapped(&mut self, row: usize, column: usize, text: &str, style: Style) -> usize {
        let room = self.width.saturating_sub(column).max(1);
        let mut row = row;
        let mut used = 0;
        for word in text.split_whitespace() {
            let length = word.chars().count();
            if used > 0 && used + 1 + length > room {
                row += 1;
                used = 0;
            }
            let start = if used == 0 { 0 } else { used + 1 };
            self.write(row, column + start, word, style);
            used = start + length;
        }
        row + 1
    }

    /// Copies `other` in, its upper left corner at the place given.
    pub fn place(&mut self, row: usize, column: usize, other: &Sheet) {
        for (i, cells) in other.rows.iter().enumerate() {
            for (j, (glyph, style)) in cells.iter().enumerate() {
                self.write(row + i, column + j, glyph.encode_utf8(&mut [0; 4]), *style);
            }
        }
    }

    /// The sheet as lines without trailing spaces, with escape sequences if `colour`.
    pub fn print(&self, colour: bool) -> String {
        let mut text = String::new();
        for cells in &self.rows {
            let length = cells.iter().rposition(|cell| cell.0 != ' ').map_or(0, |last| last + 1);
            let mut style = Style::Plain;
            for &(glyph, wanted) in &cells[..length] {
                if colour && wanted != style && glyph != ' ' {
                    text.push_str(escape(wanted));
                    style = wanted;
                }
                text.push(glyph);
            }
            if style != Style::Plain {
                text.push_str(escape(Style::Plain));
            }
            text.push('\n');
        }
        text
    }
}

/// ECMA-48 sequences from the sixteen colours, which follow the reader's own theme.
fn escape(style: Style) -> &'static str {
    match style {
        Style::Plain => "\x1b[0m",
        Style::Strong => "\x1b[0;1m",
        Style::Quiet => "\x1b[0;2m",
        Style::First => "\x1b[0;36m",
        Style::Second => "\x1b[0;33m",
        Style::Third => "\x1b[0;34m",
        Style::Other => "\x1b[0;1;35m",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_wrapped_cleaned_and_styled_only_where_colour_is_allowed() {
        let mut sheet = Sheet::new(10);
        sheet.write(0, 8, "long", Style::Strong);
        let next = sheet.write_wrapped(1, 2, "two words\x1b[2J unbreakable", Style::Plain);
        assert_eq!(next, 4);
        assert_eq!(sheet.print(false), "        lo\n  two\n  words [2\n  unbreaka\n");
        assert!(sheet.print(true).starts_with("        \x1b[0;1mlo\x1b[0m\n"));
    }
}
