//! The timeline of a debrief: what was done and said, beside what truly happened.

use serde::Serialize;

use crate::score::card::said;
use crate::score::debrief::clock;
use crate::score::record::Record;
use crate::score::truth::Truth;
use crate::session::advice::Asking;
use crate::session::belief::lead;
use crate::session::command::{Command, Host};
use crate::session::{look, prices};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::fact::What;

/// What kind of moment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A cause was there or began. Unseen then.
    Cause,
    /// A decoy was there or began.
    Decoy,
    /// Something woke or told the participant.
    Page,
    /// A look.
    Look,
    /// An order, or its effect.
    Order,
    /// What was believed.
    Belief,
    /// What was said.
    Said,
}

impl Kind {
    /// The kind in a word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Cause => "cause",
            Kind::Decoy => "decoy",
            Kind::Page => "page",
            Kind::Look => "look",
            Kind::Order => "order",
            Kind::Belief => "belief",
            Kind::Said => "said",
        }
    }
}

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// When.
    #[serde(skip)]
    pub at: SimTime,
    /// Time of day.
    pub time: String,
    /// What kind of moment it is.
    pub kind: Kind,
    /// The event of the log that it rests on, if it is one.
    pub event: Option<u64>,
    /// What happened.
    pub text: String,
}

/// What happened, in order of time.
pub fn timeline(record: &Record<'_>, truth: &Truth) -> Vec<Line> {
    let session = record.session;
    let line = |at: SimTime, kind: Kind, event: Option<u64>, text: String| Line {
        at,
        time: clock(session, at),
        kind,
        event,
        text,
    };
    let file = &session.scenario().file;
    let (open_at, _) = session.watch().world.window();
    let mut lines = Vec::new();
    for cause in file.causes.iter().filter(|c| truth.causes.iter().any(|t| t.id == c.id)) {
        let since = file.begins(cause);
        let text = if since.is_some() || cause.faults.is_empty() { cause.says.clone() } else { long(&cause.says) };
        lines.push(line(since.map_or(open_at, |s| open_at + s), Kind::Cause, None, text));
    }
    for decoy in file.decoys.iter() {
        let Some(known) = truth.decoys.iter().find(|t| t.id == decoy.id) else { continue };
        let since = file.begins(decoy);
        let says = if since.is_some() { decoy.says.clone() } else { long(&decoy.says) };
        let text = if known.harmless { format!("{says}. It did no harm") } else { says };
        lines.push(line(since.map_or(open_at, |s| open_at + s), Kind::Decoy, None, text));
    }
    lines.push(line(record.paged_at(), Kind::Page, None, file.page.clone()));
    for event in record.events {
        if let Some((kind, text)) = told(&event.command) {
            // An order is given when it has been typed.
            let typed = if kind == Kind::Order { prices::ORDER } else { SimDuration::ZERO };
            lines.push(line(SimTime(event.at) + typed, kind, Some(event.n), text));
        }
    }
    for fact in session.watch().world.facts() {
        let order = |place: &usize| {
            session.orders().iter().find(|o| o.index == *place).map_or(String::new(), |o| o.action.clone())
        };
        let text = match &fact.what {
            What::ActionTookEffect(place) => format!("{} is in effect", order(place)),
            What::ActionRefused(place, why) => format!("{} was refused: {why}", order(place)),
            _ => continue,
        };
        lines.push(line(fact.at, Kind::Order, None, text));
    }
    lines.sort_by_key(|l| (l.at, l.kind, l.event));
    lines
}

fn long(says: &str) -> String {
    format!("since long before: {says}")
}

/// A command as a moment; none if it moved nothing.
fn told(command: &Command) -> Option<(Kind, String)> {
    Some(match command {
        Command::Look(look) => (Kind::Look, look::title(look)),
        Command::Acknowledge => (Kind::Page, "acknowledged".to_string()),
        Command::Page { team } => (Kind::Page, format!("{team} was woken")),
        Command::Severity { level } => (Kind::Said, format!("severity {level}")),
        Command::Update(update) => {
            let lead = if update.hypothesis.is_empty() { "no lead" } else { update.hypothesis.as_str() };
            let impact = update.impact_percent;
            (Kind::Said, format!("update: {impact:.0} % of users, {lead} at {} %", update.percent))
        }
        Command::Act { action, .. } => (Kind::Order, format!("ordered {action}")),
        Command::Believe { points } => (Kind::Belief, format!("believed {}", leading(points))),
        Command::Commit(commit) => {
            let cites: Vec<String> = commit.cites.iter().map(|c| format!("E{c}")).collect();
            let cited =
                if cites.is_empty() { "nothing cited".to_string() } else { format!("cites {}", cites.join(", ")) };
            let lead = said(commit).map_or(leading(&commit.points), |(mechanism, p)| format!("{mechanism} at {p} %"));
            (Kind::Belief, format!("committed to {lead}; {cited}"))
        }
        Command::Host(Host::Say { persona, text }) => (Kind::Said, format!("the host as {persona}: {text}")),
        Command::Host(Host::Page { text }) => (Kind::Page, format!("the host paged: {text}")),
        Command::Host(Host::Leave { who }) => (Kind::Said, format!("{who} dropped out")),
        Command::Host(Host::Return { who }) => (Kind::Said, format!("{who} was back")),
        Command::Host(Host::Freeze { question }) => {
            (Kind::Said, format!("the host froze every screen: {question}").trim_end_matches([':', ' ']).to_string())
        }
        Command::Bookmark { text } => (Kind::Said, format!("bookmark {text}").trim_end().to_string()),
        Command::Advice(advice) => (Kind::Said, format!("the assistant: {} at {} %", advice.mechanism, advice.percent)),
        Command::Advise { asking: Asking::Sure } => (Kind::Said, "asked whether the assistant is sure".to_string()),
        Command::Advise { asking: Asking::Against { observation } } => {
            (Kind::Said, format!("held E{observation} against the advice"))
        }
        Command::Verify { citation } => (Kind::Look, format!("opened citation {citation} of the advice")),
        Command::Adopt => (Kind::Said, "took the advice".to_string()),
        Command::Reject => (Kind::Said, "left the advice".to_string()),
        Command::Hint => (Kind::Said, "took a hint".to_string()),
        Command::End => (Kind::Said, "ended".to_string()),
        _ => return None,
    })
}

fn leading(points: &std::collections::BTreeMap<String, u8>) -> String {
    lead(points).map_or("nothing above all".to_string(), |(mechanism, p)| format!("{mechanism} at {p} %"))
}
