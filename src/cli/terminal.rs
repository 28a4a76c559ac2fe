//! What the terminal can show: width and colour, as the surroundings say.

use std::io::IsTerminal;

use crate::console::fit::fit;
use crate::report::terminal::Terminal;

/// Columns where nobody says how many there are.
const USUAL_WIDTH: u16 = 80;

/// The terminal on standard output. Colour only where there is a terminal and `NO_COLOR` is not set.
pub fn terminal() -> Terminal {
    let named = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let width = named.or_else(columns).unwrap_or(USUAL_WIDTH);
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    Terminal { width, colour: std::io::stdout().is_terminal() && !no_colour }
}

/// How wide the terminal on standard output is at this moment, if it is one.
fn columns() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0)
}

/// What is shown, as it fits the terminal; where there is none, as it is.
pub fn on_screen(text: &str) -> String {
    columns().map_or_else(|| text.to_string(), |width| fit(text, usize::from(width)))
}

/// Whether talk on standard error may be coloured.
pub fn talk_in_colour() -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    std::io::stderr().is_terminal() && !no_colour
}
