//! Serving: step times, the continuous-batching engine of one replica, its accelerators, and the router before them.
//!
//! Between two changes of a batch the engine goes on in closed form, so that events grow with requests and not with
//! decoded tokens. A stepwise mode is the oracle, and must agree exactly (tests `engine`).

pub mod accelerator; // clock, temperature, memory, link, hang
pub mod engine; // continuous batching in closed form
pub mod hardware; // measured presets
pub mod router; // how requests find a replica
pub mod step_time; // how long a step takes
pub mod token_gaps; // times between tokens

mod batch; // who runs in an engine, and how far they have come
