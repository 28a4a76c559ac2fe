//! What a look costs on the simulated clock: the same for everybody.

use crate::session::command::{Asked, Look, Question};
use crate::sim::time::SimDuration;

/// A board, a change, a list of tickets, a question to the fleet.
const GLANCE: SimDuration = SimDuration::from_secs(5);
/// A question to the monitoring system, a trace.
const QUERY: SimDuration = SimDuration::from_secs(10);
/// A question to rows or logs.
const SEARCH: SimDuration = SimDuration::from_secs(20);
/// The assistant looks, with as many queries as it takes.
const DELEGATED: SimDuration = SimDuration::from_secs(10);
/// A colleague looks.
const COLLEAGUE: SimDuration = SimDuration::from_secs(120);

/// The price of a look.
pub fn price(look: &Look) -> SimDuration {
    match look {
        Look::Board { .. } | Look::Changes { .. } | Look::Tickets | Look::Fleet { .. } => GLANCE,
        Look::Archive { .. } => GLANCE,
        Look::Prometheus(Asked { what: Question::Series { .. } | Question::Targets, .. }) => GLANCE,
        Look::Prometheus(_) => QUERY,
        Look::Promql { .. } | Look::Trace { .. } | Look::Traces { .. } => QUERY,
        Look::Sql { .. } | Look::Logs { .. } | Look::Compare { .. } => SEARCH,
        Look::Delegated { .. } => DELEGATED,
        Look::Ask { .. } => COLLEAGUE,
        Look::Document { .. } | Look::Alerts => SimDuration::ZERO,
    }
}

/// The price of an order: to find the lever, read the preview and pull.
pub const ORDER: SimDuration = SimDuration::from_secs(10);
/// The price of advice: to ask, and to read it.
pub const ADVICE: SimDuration = SimDuration::from_secs(15);
/// What an accelerator-hour costs, in minutes of people.
pub const PER_GPU_HOUR: f64 = 2.0;
/// What it costs to wake a team, in minutes of people.
pub const PER_TEAM: f64 = 15.0;
/// The price of a structured update.
pub const UPDATE: SimDuration = SimDuration::from_secs(15);

/// What of [`LIST`] needs an assistant.
pub const OF_HELP: [&str; 2] = ["ask-look (the assistant looks)", "advise"];
/// Every price, as the briefing lists them.
pub const LIST: &[(&str, u64)] = &[
    ("board, changes, tickets, get, describe, top", 5),
    ("archive search", 5),
    ("document, alerts", 0),
    ("explore (PromQL), trace", 10),
    ("sql, logs, compare", 20),
    ("ask-look (the assistant looks)", 10),
    ("advise", 15),
    ("ask a colleague", 120),
    ("action", 10),
    ("update", 15),
];
