//! Tools: what a program that plays can call, by name, with typed arguments and answers.
//!
//! The same table serves an MCP client (`wire::mcp`) and an agent loop of our own. Every tool is a
//! [`crate::session::Command`] or a question that is free for everybody, so a program sees and does what a person in
//! the console can, at the same prices. Its answer is a type with a schema, made from what the look answered.
//!
//! The wall is a type: [`Attempt`] owns the session in a private field, and its methods are for this module, so that
//! neither `wire` nor a tool can name a scenario or a seal (`tests/headless/house.rs` holds the tree to that). A
//! participant begins a case by its number. Errors of files and scenarios go to the server's standard error, and the
//! client is told that there is one.

pub mod attempt; // the wall: one run, without what is sealed
pub mod desk; // runs by their ids, open or on disk
pub mod library; // what is the same in every run: guide, mechanisms, actions, dashboards, tables

mod answers; // what tools answer
mod arguments; // what tools take
mod claiming; // believing, proving, committing, writing up
mod doing; // telling, ordering, waiting
mod page; // pages of long answers
mod reading; // arguments from JSON, with what is wrong and the way out
mod seeing; // looks
mod table; // the tools by name
mod words; // words of the console, as tools

pub use attempt::{Attempt, Caller, Wrong};
pub use desk::{Cabinet, Desk};
pub use reading::{input, nearest, read};
pub use table::{Kind, Tool, Tools};
