//! The headless suite: one binary, a module per behaviour, one sentence each.

mod house; // the tree keeps its own rules: import direction, header lines

mod report; // a run reads the same in JSON, in a terminal and on a page
