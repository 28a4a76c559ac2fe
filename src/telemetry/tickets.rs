//! Tickets: what customers and colleagues file, most of it about something else.

use crate::scenario::file::ScenarioFile;
use crate::telemetry::background::{moments, number_at};

/// Tickets that come on a working day whatever happens; ours.
const PER_DAY: f64 = 38.0;
/// How far back they reach, in days.
const BACKGROUND_DAYS: f64 = 3.0;
/// Which stream of the background this is.
const STREAM: u64 = 2;

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

/// All tickets of a scenario under a seed, the same in every variant.
#[derive(Clone, Debug)]
pub struct TicketBook {
    tickets: Vec<Ticket>,
}

impl TicketBook {
    /// Those of the scenario, among those of any day; `opens_at_unix_s` is the opening in seconds since 1970.
    pub fn new(file: &ScenarioFile, seed: u64, opens_at_unix_s: i64, salt: u64) -> TicketBook {
        let ticket = |at_s, from: &str, title: &str, body: &str| Ticket {
            id: String::new(),
            at_s,
            from: from.to_string(),
            title: title.to_string(),
            body: body.to_string(),
        };
        let own = file.history.tickets.iter().map(|t| ticket(t.at_s, &t.from, &t.title, &t.body));
        let end_s = file.length_s.as_secs_f64();
        let any = moments(seed, STREAM, opens_at_unix_s, PER_DAY, -BACKGROUND_DAYS * 86_400.0, end_s);
        let any = any.into_iter().map(|(at_s, draw)| {
            let (title, body) = UNRELATED[(draw % UNRELATED.len() as u64) as usize];
            ticket(at_s, CUSTOMERS[(draw / 1009 % CUSTOMERS.len() as u64) as usize], title, body)
        });
        let mut tickets: Vec<Ticket> = own.chain(any).collect();
        tickets.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then_with(|| a.title.cmp(&b.title)));
        let mut last = 0;
        let first = 10_000 + crate::sim::rng::mix(salt, STREAM) % 9_000;
        for ticket in &mut tickets {
            last = (first + number_at(ticket.at_s)).max(last + 1);
            ticket.id = format!("SUP-{last}");
        }
        TicketBook { tickets }
    }

    /// What was filed by a moment, oldest first.
    pub fn until(&self, now_s: f64) -> &[Ticket] {
        &self.tickets[..self.tickets.partition_point(|ticket| ticket.at_s <= now_s)]
    }
}

/// Who files tickets about something else.
const CUSTOMERS: [&str; 12] = [
    "Aldermoor Bank",
    "Birchwood Labs",
    "Castellan Games",
    "Dovetail Legal",
    "Elmira Health",
    "Fjordline Travel",
    "Greywater Press",
    "Hollis & Marsh",
    "Ironbridge Freight",
    "a developer",
    "a subscriber",
    "sales",
];

/// Tickets about something else: title and body.
const UNRELATED: [(&str, &str); 22] = [
    ("Invoice for last month shows the wrong address", "We moved in January. Please correct it."),
    ("How do I rotate a key without downtime?", "We have two services on the same key."),
    ("Seat limit reached", "We need five more seats before Friday."),
    ("Usage page differs from the export", "By about 0.3 %, for one day in February."),
    ("Feature request: webhooks for batch jobs", "Polling works but we would rather not."),
    ("Data processing agreement", "Our lawyers ask for a countersigned copy."),
    ("Password reset mail does not arrive", "It may be our filter. Sender domain?"),
    ("Answers in Portuguese mix both spellings", "Since we began in November. Not urgent."),
    ("Which regions store logs?", "For an audit."),
    ("Rate limit increase for a hackathon", "Two hundred people on Saturday, ten requests a minute each."),
    ("SDK: type of `stop_sequences` is too narrow", "A tuple is refused by the type checker and works."),
    ("Refund", "I subscribed twice by mistake."),
    ("Documentation: broken link on the streaming page", "The third link leads nowhere."),
    ("Token counts in the console and in the answer differ", "By one. It is always one."),
    ("Old conversations are missing from search", "Only those of last summer."),
    ("Please delete my account", "And everything with it."),
    ("Does the API keep prompts?", "Our security team wants it in writing."),
    ("Image upload refuses HEIC", "Phones make nothing else."),
    ("Model writes dates the American way", "Even when told not to."),
    ("SSO: group mapping lost after rename", "We renamed a group and everybody became a guest."),
    ("Cannot change billing currency", "The button is grey."),
    ("Is there a student plan?", "For about thirty people."),
];
