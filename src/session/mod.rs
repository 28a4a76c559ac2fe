//! One attempt at an incident: commands in, a view out, an event log, replay.
//!
//! People, programs and replays all drive a [`Session`] by the same [`command::Command`] and read the same
//! [`view::View`]. Nothing here reads a clock: whoever drives says what time it is.

pub mod clock; // live or metered, modes, seats
pub mod command; // what can be said to a session
pub mod prices; // what a look costs on the simulated clock
pub mod roles; // who may see and say what

pub mod advice; // what an assistant says, and when it may
pub mod belief; // hypotheses, pins, contradictions, commits
pub mod comms; // acknowledgements, severity, updates, chat
pub mod facts; // whether what an assistant states is so
pub mod postmortem; // the form that is filled in afterwards

pub mod act; // operator actions: preview, arms, order
pub mod boards; // boards that stand open
pub mod case; // what a participant meets: number, page, briefing
pub mod code; // an opaque word for case, variant and seed
pub mod hints; // the ladder
pub mod host; // what a facilitator does, and who may
pub mod inject; // faults that a host injects
pub mod live; // a session on a live clock, for whoever drives it
pub mod look; // looks and their answers
pub mod play; // the session itself
pub mod spend; // what an incident has cost so far
pub mod view; // what a participant may see at a moment

pub mod coach; // what a first shift's coach says

mod kept; // a session as bytes
pub mod log; // the event log on disk
pub mod seal; // what only the owner may know
pub mod snapshot; // the bytes beside the log
pub mod store; // the folders of sessions

pub use command::Command;
pub use play::{Refusal, Reply, Session};
