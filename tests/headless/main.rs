//! The headless suite: one binary, a module per behaviour, one sentence each.

mod house; // the tree keeps its own rules: import direction, header lines
