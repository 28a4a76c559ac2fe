//! The scenario file: RON format, errors with line and hint, catalogue. Holds the truth.
//!
//! A file becomes a value in five steps, each its own module: [`syntax`] reads text into a [`tree`] that knows where
//! every node came from, [`merge`] lays it over the presets it names, [`structure`] compares it with the JSON Schema of
//! the type, [`typed`] builds the value, and the caller's [`check`] asks what no schema can (do names exist, are there
//! cycles). Mistakes of all of them are collected as [`diagnostic`]s. Only [`load`] and [`trace`] read files.
//!
//! A reader of our own over RON, to report every mistake of a file at once, with its place, through presets. Names and
//! forms are those of the `ron` crate.

pub mod apply; // operator actions as text
pub mod catalogue;
pub mod check;
pub mod diagnostic;
pub mod file; // what an author writes
pub mod history; // what was before, and what is said beside
pub mod lesson; // what an incident is for
pub mod lexer;
pub mod load;
pub mod lower; // from file to world
pub mod mechanisms; // what a hypothesis can name
pub mod merge;
pub mod names; // do the names in a file exist
pub mod opened; // a scenario read, checked, ready to run
pub mod orders; // do an operator's actions fit a scenario
pub mod pack; // scenarios sealed into one file
pub mod prefixes; // what prompts of a trace share
pub mod schema;
pub mod source;
pub mod structure;
pub mod syntax;
pub mod trace; // recorded traces
pub mod trace_rows; // and their formats
pub mod tree;
pub mod typed;
