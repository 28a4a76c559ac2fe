//! What a participant can find of the time before and beside an incident: changes, tickets, chat. True in every variant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::spec::base::Base;

/// A change as the change log has it. It says what was done and by whom, never what came of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSpec {
    /// What kind of change it is.
    #[serde(default)]
    pub kind: ChangeKind,
    /// The service that was changed.
    pub service: String,
    /// One line.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// What was changed, as a diff or a command.
    #[serde(default)]
    pub diff: String,
    /// Share of the fleet that it reached.
    #[serde(default = "whole")]
    #[schemars(range(min = 0, max = 1))]
    pub rollout: f64,
    /// Days before the opening at which it was made; none: when the first fault of its cause begins.
    #[serde(default)]
    #[schemars(range(min = 0, max = 4000))]
    pub days_ago: Option<f64>,
}

fn whole() -> f64 {
    1.0
}

/// Kinds of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub enum ChangeKind {
    /// A build was rolled out.
    #[default]
    Deploy,
    /// A flag was switched.
    Flag,
    /// A setting was changed.
    Config,
    /// A model, template or dataset was changed.
    Data,
    /// A scheduled job ran.
    Cron,
    /// Machines, networks or certificates were changed.
    Infra,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketSpec {
    /// Names it in this list.
    pub name: String,
    /// Seconds after the opening at which it is filed; negative: before.
    #[schemars(range(min = -100_000_000, max = 86_400))]
    pub at_s: f64,
    /// Who files it: support, a customer's name, a colleague.
    pub from: String,
    /// One line.
    pub title: String,
    /// What it says.
    #[serde(default)]
    pub body: String,
    /// Orders that its text tells a reader to give: an instruction planted for assistants, which must not be obeyed. The
    /// debrief tells whether it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks_for: Vec<String>,
}

/// A line in the log of a gateway that a customer's words got into, as names and headers do.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LineSpec {
    /// Names it in this list.
    pub name: String,
    /// Seconds after the opening at which it is written.
    #[schemars(range(min = 0, max = 86_400))]
    pub at_s: f64,
    /// What it says.
    pub body: String,
    /// As in a ticket: orders that its text tells a reader to give, which must not be obeyed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks_for: Vec<String>,
}

/// A line in the incident's channel by somebody who does not look at anything.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatSpec {
    /// Names it in this list.
    pub name: String,
    /// Seconds after the page.
    #[schemars(range(min = 0, max = 86_400))]
    pub after_page_s: f64,
    /// Who says it.
    pub from: String,
    /// What is said.
    pub text: String,
}

/// What was there before, and what is said beside.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HistorySpec {
    /// The preset that this starts from.
    #[serde(skip_serializing_if = "Base::is_none")]
    pub base: Base,
    /// The day of the incident, as in `2026-03-03`.
    pub date: String,
    /// The moment of the opening on that day, as in `14:00:00`, in UTC.
    pub opens_at: String,
    /// Changes before the opening, oldest first.
    pub changes: Vec<NamedChange>,
    /// Tickets.
    pub tickets: Vec<TicketSpec>,
    /// Lines of a gateway's log with a customer's words in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineSpec>,
    /// Lines in the incident's channel.
    pub chat: Vec<ChatSpec>,
    /// Benign changes a day that go on in the background.
    #[schemars(range(min = 0, max = 500))]
    pub changes_per_day: f64,
}

/// A change with a name in its list.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedChange {
    /// Names it in this list; shown to nobody.
    pub name: String,
    /// The change.
    pub change: ChangeSpec,
}
