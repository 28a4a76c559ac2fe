//! The operator's language in a terminal: lines into commands, answers onto the screen.
//!
//! The same words serve the interactive console, one-shot commands and transcripts. Questions that change nothing (help,
//! the board, the status) are answered here and never reach the log.

pub mod ask; // questions that change nothing
pub mod complete; // what can be typed next
pub mod fit; // text on a narrow screen
pub mod host; // what a facilitator says in it
pub mod parse; // lines into commands
pub mod shell; // the interactive loop
pub mod skin; // other words for the company's
pub mod verbs; // every verb, with its usage
pub mod wheel; // who begins, and with what
pub mod words; // lines into words
