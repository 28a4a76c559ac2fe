//! The Model Context Protocol: any client can be the participant, over stdio or over HTTP.
//!
//! Nothing is kept for a connection: each call names its run, and the desk has it in memory or on disk. Over HTTP every
//! message stands by itself, as the protocol has it since 2026-07-28; clients that begin with `initialize` are served
//! alike, and a client goes on after the server was killed.
//!
//! `rmcp` is the protocol's own crate. Among what it brings is `chrono`, for schemas of dates that nobody here has.

mod handler; // the protocol's requests
mod prompts; // what a person may want to ask for
mod resources; // what may be read beside tools
mod serve; // stdio and HTTP

pub use handler::Handler;
pub use serve::{routes, serve_http, serve_stdio};
