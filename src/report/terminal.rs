//! The report in a terminal: summary, timeline and the key series as charts.

use crate::report::run::RunReport;

/// What the terminal can show.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Columns.
    pub width: u16,
    /// Escape sequences for colour may be used. Nothing is told by colour alone.
    pub colour: bool,
}

/// Draws `runs` over one another, as lines that fit the terminal. The first run leads: its timeline marks the charts.
pub fn text(runs: &[RunReport], terminal: Terminal) -> String {
    let _ = (runs, terminal);
    String::new()
}
