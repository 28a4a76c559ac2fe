//! Log lines, as the processes of the stack write them.

use crate::sim::time::SimTime;

/// How bad a line says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing to see.
    Info,
    /// Somebody should look.
    Warn,
    /// It failed.
    Error,
}

impl Level {
    /// As it stands in a line.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        }
    }
}

/// One line, or several where it is a stack trace.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// When it was written.
    pub at: SimTime,
    /// The service, as in `gateway`.
    pub service: &'static str,
    /// The pod, as in `gateway-2`.
    pub pod: String,
    /// Its level.
    pub level: Level,
    /// The trace that it belongs to, if any.
    pub trace: Option<String>,
    /// The request that it is about, if any.
    pub request: Option<String>,
    /// What it says.
    pub body: String,
}
