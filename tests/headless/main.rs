//! The headless suite: one binary, a module per behaviour, one sentence each.

mod house; // the tree keeps its own rules: import direction, header lines
mod loader; // a scenario file is read, or everything wrong with it is said
mod report; // pages, charts and JSON of made-up runs
