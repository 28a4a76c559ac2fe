//! Tickets: what customers and colleagues file, most of it about something else.

/// One ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    /// As in `SUP-88213`.
    pub id: String,
    /// Seconds after the opening; negative: before.
    pub at_s: f64,
    /// Who files it.
    pub from: String,
    /// One line.
    pub title: String,
    /// What it says.
    pub body: String,
}
