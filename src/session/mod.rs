//! One attempt at an incident: commands in, a view out, an event log, replay.
//!
//! People, programs and replays all drive a [`Session`] by the same [`command::Command`] and read the same
//! [`view::View`].
//!
//! # The state is the log, replayed
//!
//! [`Session::apply`] is the only way to change a session. A command is carried out, written with a hash of its answer,
//! synced, and only then answered ([`log`], [`store`]); what a kill tears had not been acknowledged. There is no
//! daemon: between two commands a session is a folder. What others than the participant bring in (advice, hints, a
//! host's hand) enters the log whole, as events of their seat, so that a replay needs nobody who made it.
//!
//! # Time
//!
//! Nothing here reads a clock: whoever drives says what time it is. A metered clock moves by prices, delays and waits.
//! On a live clock a look is answered when its price has passed ([`live`]); a console and a server can drive one
//! session so.
//!
//! # Beginning
//!
//! A session begins a minute before its page, from the run that found the page: the world is kept when a rule that
//! pages begins to hold. Where it held for less than that, the world is run again.
//!
//! # Who is there
//!
//! Each event carries seat and name. Of several in one session each has a role, which says what it sees and may say
//! ([`roles`]). A host's fault joins the session's own copy of its scenario ([`inject`]), so that replay and debrief
//! make the same history with it.

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
