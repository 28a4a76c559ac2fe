//! Commands: everything that anybody can say to a session, as it stands in the log and on every wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::session::advice::{Advice, Asking};
use crate::session::roles::Role;

/// What is said to a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Look at something, at its price.
    Look(Look),

    /// The page has been seen.
    Acknowledge,
    /// Wake another team.
    Page {
        /// Which.
        team: String,
    },
    /// Say how bad it is: 1 (worst) to 4.
    Severity {
        /// How bad.
        level: u8,
    },
    /// Tell those who wait.
    Update(Update),
    /// Say something in the channel.
    Say {
        /// What.
        text: String,
    },

    /// Allow actions.
    Arm,
    /// Forbid them again.
    Safe,
    /// Order an action; `NAME[:TARGET][=VALUE]`. What cannot be undone wants its target typed again.
    Act {
        /// The action.
        action: String,
        /// The target, typed again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirm: Option<String>,
    },

    /// Set the points of all hypotheses: 100 in all, over mechanisms.
    Believe {
        /// Points by mechanism; what is not named has none.
        points: BTreeMap<String, u8>,
    },
    /// Keep an observation as evidence.
    Pin {
        /// The observation's number.
        observation: u32,
        /// Why it matters.
        #[serde(default)]
        note: String,
    },
    /// Say what a pin speaks for or against.
    Link {
        /// The pin's observation.
        observation: u32,
        /// The mechanism.
        mechanism: String,
        /// For it, or against it.
        speaks: Speaks,
    },
    /// Mark two pins that cannot both be true of the same story.
    Contradict {
        /// One observation.
        one: u32,
        /// The other.
        other: u32,
        /// Why.
        why: String,
    },
    /// Say what would change one's mind.
    NextTest {
        /// What.
        text: String,
    },
    /// Commit to a cause.
    Commit(Commit),

    /// Ask for the next hint.
    Hint,
    /// Ask the assistant what it is, or hold something against what it said.
    Advise {
        /// How it is asked.
        #[serde(default, rename = "how")]
        asking: Asking,
    },
    /// What the assistant says; its seat's alone.
    Advice(Advice),
    /// Look at what the last advice cites, at that look's price.
    Verify {
        /// The citation, from 1.
        citation: u32,
    },
    /// Take the last advice.
    Adopt,
    /// Leave it.
    Reject,
    /// Mark this moment.
    Bookmark {
        /// Why.
        #[serde(default)]
        text: String,
    },
    /// Let time pass.
    Wait {
        /// Seconds.
        seconds: f64,
    },
    /// Let time pass until something is there to be seen, ten minutes at most.
    Next,
    /// A live clock stops, or goes on.
    Pause {
        /// Whether it stops.
        stopped: bool,
    },
    /// How fast a live clock runs: 1, 2, 4 or 8.
    Speed {
        /// Times the wall clock.
        times: u8,
    },
    /// Break something that was not in the plan; the host's.
    Inject {
        /// What is broken, by the closed list of mechanisms.
        mechanism: String,
        /// The fault, as a scenario file writes it.
        fault: String,
        /// Seconds after which it ends by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_s: Option<f64>,
    },
    /// What only a host says.
    Host(Host),
    /// End the incident.
    End,
    /// Hand in the postmortem.
    Postmortem {
        /// Its text by section.
        sections: BTreeMap<String, String>,
    },
}

/// What only the facilitator of a game day says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Host {
    /// A live clock is held, or let go; whoever plays cannot let it go.
    Hold {
        /// Whether it is held.
        held: bool,
    },
    /// Every screen is blank until it is released, but for a question to answer from memory.
    Freeze {
        /// The question; may be empty.
        #[serde(default)]
        question: String,
    },
    /// Screens come back.
    Release,
    /// Somebody who is not there says something in the channel.
    Say {
        /// Who.
        persona: String,
        /// What.
        text: String,
    },
    /// Page whoever is on call.
    Page {
        /// What the page says.
        text: String,
    },
    /// Kept with its moment, and shown to nobody who plays.
    Note {
        /// What.
        text: String,
        /// Whether it was good.
        #[serde(default)]
        sign: Sign,
    },
    /// Somebody drops out.
    Leave {
        /// Who, by the name of a role.
        who: String,
    },
    /// Somebody is back.
    Return {
        /// Who, by the name of a role.
        who: String,
    },
    /// What somebody is there for, and sees, from now on.
    Role {
        /// Who.
        who: String,
        /// What for.
        role: Role,
    },
}

/// What a note thinks of what it notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Nothing.
    #[default]
    None,
    /// To be kept.
    Plus,
    /// To be changed.
    Delta,
}

/// A look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// All panels of a layer.
    Board {
        /// The board.
        board: String,
        /// Seconds back from now.
        #[serde(default = "usual_window")]
        window_s: u32,
    },
    /// A question to the monitoring system.
    Promql {
        /// The expression.
        query: String,
        /// Seconds back from now; none: this moment only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window_s: Option<u32>,
        /// Seconds between points; chosen if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step_s: Option<u32>,
    },
    /// A question to rows, logs, spans, accounts, changes, alerts and tickets.
    Sql {
        /// The statement.
        query: String,
    },
    /// Log lines.
    Logs {
        /// Of a service or pod; empty: of all.
        #[serde(default)]
        service: String,
        /// Seconds back from now.
        #[serde(default = "usual_window")]
        since_s: u32,
        /// Lines that contain this text, or match `/this/`.
        #[serde(default)]
        grep: String,
    },
    /// One trace.
    Trace {
        /// Its id, or a request's.
        id: String,
    },
    /// Traces that were kept.
    Traces {
        /// Words `service=`, `min_ms=`, `error`, `since_s=`.
        #[serde(default)]
        filter: String,
    },
    /// The change log.
    Changes {
        /// One change, with its diff; empty: the list.
        #[serde(default)]
        id: String,
        /// Hours back from now.
        #[serde(default = "usual_hours")]
        hours: u32,
    },
    /// Alerts that fire and fired.
    Alerts,
    /// Tickets.
    Tickets,
    /// Search the archive.
    Archive {
        /// Words.
        words: String,
    },
    /// One document of the archive.
    Document {
        /// Its id.
        id: String,
    },
    /// A question to a control plane, as in `get pods`.
    Fleet {
        /// Verb and arguments.
        line: String,
    },
    /// Rows inside a selection against those outside.
    Compare {
        /// What is inside, as SQL writes a condition.
        selection: String,
    },
    /// Have a colleague look.
    Ask {
        /// Whom.
        who: String,
        /// What about.
        about: String,
    },
    /// Have the assistant look.
    Delegated {
        /// What for, in words.
        question: String,
    },
    /// A question over the monitoring system's own interface.
    Prometheus(Asked),
}

/// A question over the monitoring system's own interface. Moments are milliseconds after 1970 on the asker's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The moment of that clock that is the beginning of the world.
    pub zero_ms: i64,
    /// What is asked.
    pub what: Question,
}

/// What is asked over the monitoring system's own interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The value of an expression at a moment.
    Instant {
        /// The expression.
        query: String,
        /// The moment.
        at_ms: i64,
    },
    /// Its values from one moment to another.
    Range {
        /// The expression.
        query: String,
        /// The first moment.
        start_ms: i64,
        /// The last.
        end_ms: i64,
        /// From one to the next.
        step_ms: i64,
    },
    /// Series that have samples between two moments; without selectors all of them.
    Series {
        /// Selectors, of which one must fit.
        selectors: Vec<String>,
        /// The first moment.
        start_ms: i64,
        /// The last.
        end_ms: i64,
        /// Only names of labels, or only the values of one.
        #[serde(default)]
        only: Only,
    },
    /// Requests whose traces were kept, as examples of what histograms count.
    Exemplars {
        /// An expression with the series of histograms in it.
        query: String,
        /// The first moment.
        start_ms: i64,
        /// The last.
        end_ms: i64,
    },
    /// What is scraped, and whether it answered.
    Targets,
}

/// What is wanted of series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Only {
    /// All their labels.
    #[default]
    Whole,
    /// Names of labels.
    Names,
    /// Values of this label.
    Values(String),
}

fn usual_window() -> u32 {
    900
}

fn usual_hours() -> u32 {
    24
}

/// What a pin says of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaks {
    /// It speaks for it.
    For,
    /// It speaks against it.
    Against,
}

impl Speaks {
    /// As it is written.
    pub fn word(self) -> &'static str {
        if self == Speaks::For { "for" } else { "against" }
    }
}

/// A structured update.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Share of users in pain, in per cent, as whoever writes believes.
    pub impact_percent: f64,
    /// The leading hypothesis.
    pub hypothesis: String,
    /// How sure, in per cent.
    pub percent: u8,
    /// What is being done.
    pub action: String,
    /// Minutes to the next update.
    pub next_minutes: f64,
}

/// A commit: what somebody believes caused it, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// 100 points over mechanisms.
    pub points: BTreeMap<String, u8>,
    /// The causes, most important first. A quick commit names one mechanism only.
    #[serde(default)]
    pub causes: Vec<DeclaredCause>,
    /// Which led to which: places in `causes`, from cause to effect.
    #[serde(default)]
    pub links: Vec<(u8, u8)>,
    /// Observations cited.
    #[serde(default)]
    pub cites: Vec<u32>,
    /// Whether it is the last word.
    #[serde(default)]
    pub last: bool,
}

/// A cause, as somebody declares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeclaredCause {
    /// The mechanism.
    pub mechanism: String,
    /// The component, as in `kv-cache` or `gateway`.
    #[serde(default)]
    pub component: String,
    /// The part it played.
    #[serde(default)]
    pub role: DeclaredRole,
}

/// The part that a declared cause played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclaredRole {
    /// It set things off.
    Trigger,
    /// Without it nothing would have followed.
    #[default]
    Root,
    /// It keeps things going.
    Sustaining,
    /// It made things worse or possible.
    Contributing,
}

impl DeclaredRole {
    /// All of them.
    pub const ALL: [DeclaredRole; 4] =
        [DeclaredRole::Trigger, DeclaredRole::Root, DeclaredRole::Sustaining, DeclaredRole::Contributing];

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            DeclaredRole::Trigger => "trigger",
            DeclaredRole::Root => "root",
            DeclaredRole::Sustaining => "sustaining",
            DeclaredRole::Contributing => "contributing",
        }
    }
}
