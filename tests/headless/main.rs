//! The headless suite: one binary, a module per behaviour, one sentence each.

mod event_loop; // what drives the parts in the tests below
mod house; // the tree keeps its own rules: import direction, header lines
mod metastability; // collapse that outlives its trigger
mod parts; // laws of the parts on any input
mod queueing; // stations, links and caches against queueing theory
