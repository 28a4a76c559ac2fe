//! What can be seen of a world: request rows, logs, spans, metrics, alerts, changes, tickets, documents, the fleet's
//! state. Derived from what the world's components wrote down and exposed; never from the truth.
//!
//! Everything is told in the words of the [`scene`]: dates, pod names and opaque ids.

pub mod calendar; // simulated moments as dates
pub mod scene; // who and what the things seen are called
