//! What the terminal can show: width and colour, as the surroundings say.

use std::io::IsTerminal;

use crate::report::terminal::Terminal;

/// Columns where nobody says how many there are.
const USUAL_WIDTH: u16 = 80;

/// The terminal on standard output. Colour only where there is a terminal and `NO_COLOR` is not set.
pub fn terminal() -> Terminal {
    let width = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(USUAL_WIDTH);
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    Terminal { width, colour: std::io::stdout().is_terminal() && !no_colour }
}

/// Whether talk on standard error may be coloured.
pub fn talk_in_colour() -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    std::io::stderr().is_terminal() && !no_colour
}
