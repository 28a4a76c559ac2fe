//! Scar Tissue: a flight simulator for people on call.
//!
//! Data flows downwards through this list; a module imports only from those above it
//! (`tests/headless/house.rs` holds the tree to that).

pub mod metrics; // the monitoring system: instruments, scrape store, PromQL

pub mod sim; // the world: the stack and its event loop

pub mod scenario; // the file: RON format, catalogue; holds the truth

pub mod telemetry; // what can be seen of a world

pub mod session; // one attempt: commands in, a view out, event log, replay

pub mod tools; // what a program that plays can call, by name

pub mod score; // what really caused it, and how well it was found

pub mod scar; // what burnt you, what is fading, what to practise

pub mod assistant; // players that are not people

pub mod study; // many runs of many participants, and what may be said of them

pub mod report; // what is handed on: pages, charts, JSON

pub mod console; // the operator's language in a terminal

#[cfg(feature = "wire")]
pub mod wire; // HTTP: a session over the interface that Prometheus has

#[cfg(feature = "gui")]
pub mod gui; // the window: the only module that knows Bevy and egui

pub mod cli; // one file per command of the binary
