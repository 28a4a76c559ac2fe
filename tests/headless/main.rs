//! The headless suite: one binary, a module per behaviour, one sentence each.

mod commands; // the program as a user meets it: messages, exit codes, JSON
mod determinism; // one history per seed, in every build
mod emergence; // the founding incident happens by mechanism
mod engine; // closed form is step by step, and the cache is a cache
mod event_loop; // what drives the parts in the tests below
mod extremes; // numbers that every author can write and none means
mod house; // the tree keeps its own rules: import direction, header lines
mod loader; // a scenario file is read, or everything wrong with it is said
mod mechanisms; // every fault, action and part moves what it should, and nothing else
mod metastability; // collapse that outlives its trigger
mod parts; // laws of the parts on any input
mod promql; // queries mean what they mean in Prometheus
mod queueing; // stations, links and caches against queueing theory
mod report; // pages, charts and JSON of made-up runs
mod scenarios; // what ships: healthy, then broken for its causes, with the signs it claims
mod sql; // statements look at all that was seen, and at nothing else
mod traces; // recorded traffic is read and replayed
mod workload; // what users want: calibration, and laws of every workload
