//! The headless suite: one binary, a module per behaviour, one sentence each.

mod advisor; // the assistant beside whoever plays: locked, fluent, on record
mod alerts; // pages in time, and changes that tell no variant from another
mod audits; // postmortems that are mostly true
mod beside; // other assistants: a model, a recording, whoever has the seat
mod caches; // published hit ratios, and lists of single blocks
mod catalogue; // every file loads and plays one history
mod check; // the publication gate
mod commands; // the program as a user meets it: messages, exit codes, JSON
mod corpus; // whatever bytes come, nothing panics
mod decoys; // what a wrong story cites, by the ideal observer
mod determinism; // one history per seed, in every build
mod emergence; // the founding incident happens by mechanism
mod engine; // closed form is step by step
mod event_loop; // what drives the parts in the tests below
mod extremes; // numbers that every author can write and none means
mod first_shift; // who only follows the coach gets through
mod fleet; // pods, nodes, members and orders, in words
mod founding; // the founding case, from command to debrief, on both twins
mod gameday; // codes, a host at the table, several teams on one page
mod grounding; // what proves and what does not on the flagship
mod history; // what was before, what is exposed, and what time it is
mod house; // the tree keeps its own rules: import direction, header lines
mod ladder; // incidents written as scenario files: what must emerge emerges
mod leaks; // nothing to look at tells what is true
mod llm; // a model behind an API plays, whatever its provider does
mod loader; // a scenario file is read, or everything wrong with it is said
mod logs; // log lines and spans agree with what was recorded, and tell no more
#[cfg(feature = "wire")]
mod mcp; // programs that play: schemas, errors, pages, kills, and nothing of the truth
mod mechanisms; // every fault, action and part moves what it should, and nothing else
mod metastability; // collapse that outlives its trigger
mod observer; // what should have been believed
mod panels; // what boards show
mod participants; // players that are not people
mod parts; // laws of the parts on any input
mod played; // a run with everything written down, for the tests below
mod practice; // what is chosen to practise, over simulated years
mod promql; // queries mean what they mean in Prometheus
mod promql_peer; // a real Prometheus is asked the same
mod promql_queries; // queries made by chance
mod promql_scripts; // Prometheus' own expectations
mod promql_server; // a Prometheus on samples of ours
mod proofs; // what a score may not reward, nor depend on
mod queueing; // stations, links and caches against queueing theory
mod recorded_engines; // recorded vLLM runs and published measurements
mod report; // pages, charts and JSON of made-up runs
mod scars; // profiles, and a first hour from a burn to its retest
mod scenarios; // what ships: healthy, then broken for its causes, with the signs it claims
mod score; // truth, debrief, and the published vectors
mod seats; // several in one session, and faults that a host injects
mod session; // commands, replays, logs, kills
mod snapshots; // what is set aside is taken up again as it was, or not at all
mod sql; // statements look at all that was seen, and at nothing else
mod stories; // the ladder as it ships: harm of its causes, and what must emerge
mod studies; // many runs, compared
mod traces; // recorded traffic is read and replayed
mod transcripts; // whole sessions in the console
mod twins; // nothing tells the variants of a scenario apart before the first onset
#[cfg(feature = "gui")]
mod window; // the window without a display: keys, screens, panels, their words
#[cfg(feature = "wire")]
mod wire; // a session over HTTP: every endpoint, who may ask, what a question costs
#[cfg(feature = "wire")]
mod wire_prometheus; // a real Prometheus and its tools against ours
mod workload; // what users want: calibration, and laws of every workload
