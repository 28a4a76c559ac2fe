//! Spans of traces: what one attempt waited for and what worked on it. The tries of an intent are siblings.

use crate::sim::time::{SimDuration, SimTime};

/// One span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace: 16 bytes in hexadecimal, one for all tries of an intent.
    pub trace: String,
    /// The span: 8 bytes in hexadecimal.
    pub span: String,
    /// The span that it is a part of.
    pub parent: Option<String>,
    /// The service, as in `gateway`.
    pub service: &'static str,
    /// The pod.
    pub pod: String,
    /// What was done, as in `POST /v1/messages` or `prefill`.
    pub name: String,
    /// It began.
    pub start: SimTime,
    /// How long it took.
    pub duration: SimDuration,
    /// Whether it failed.
    pub error: bool,
    /// Attributes, in order of their names.
    pub attributes: Vec<(&'static str, String)>,
}
