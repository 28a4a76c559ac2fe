//! What kind of time a session runs on, what help it has, and who sits in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::session::host::Lock;
use crate::session::roles::Role;

/// How simulated time moves; one kind for a whole session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// Only by prices, delays and waits.
    #[default]
    Metered,
    /// With the wall clock; a price is the least that an answer takes.
    Live,
}

/// What help there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Alone.
    A0,
    /// Hints.
    A1,
    /// Advice after the first commit.
    #[default]
    A2,
    /// Advice from the beginning.
    A3,
}

/// Whose command or event it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seat {
    /// Whoever plays.
    #[default]
    Participant,
    /// An assistant beside the participant.
    Assistant,
    /// Whoever examines.
    Examiner,
    /// The facilitator.
    Host,
}

/// How a session counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How time moves.
    pub clock: ClockKind,
    /// What help there is.
    pub mode: Mode,
    /// Whether it is compared with others.
    pub ranked: bool,
    /// Whether it was begun by an author's name, which spoils: practice, no scar, no study.
    pub named: bool,
    /// Who sits in it and what for, by name; empty: whoever plays does and sees everything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Role>,
    /// Whether it is served to tools from elsewhere, on their clock.
    #[serde(default, skip_serializing_if = "is_false")]
    pub external_tools: bool,
    /// Whether looks cost nothing: practice, no scar, no comparison.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unpriced: bool,
    /// What opens the host's seat; none: nobody was to lead it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Lock>,
    /// Whether the scenario came from a pack that only the serving process could open.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sealed: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Terms {
    /// Whether it is for practice only: it leaves no scar and is compared with nothing.
    pub fn is_practice(&self) -> bool {
        self.named || self.unpriced
    }

    /// What marks it, in words; empty for a session that counts in full.
    pub fn marks(&self) -> Vec<&'static str> {
        let marks = [
            (self.named, "named"),
            (self.external_tools, "external tools"),
            (self.unpriced, "unpriced"),
            (self.host.is_some(), "hosted"),
            (self.sealed, "sealed"),
        ];
        marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect()
    }
}
