//! How far a long command is, on standard error: a line that is written over at a terminal, else the beginning and the
//! end.

use std::io::{IsTerminal, Write};

/// Says how many of so many runs are done.
pub fn runs(done: usize, total: usize) {
    let mut talk = std::io::stderr().lock();
    // Nobody is helped if the talk cannot be written.
    if std::io::stderr().is_terminal() {
        let end = if done == total { "\n" } else { "" };
        drop(write!(talk, "\r{done} of {total} runs{end}"));
    } else if done == 1 || done == total {
        drop(writeln!(talk, "{done} of {total} runs"));
    }
}
