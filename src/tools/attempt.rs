//! The wall between a program that plays and what is true.
//!
//! An [`Attempt`] owns a session and gives out what a participant may see. Scenario, seal and injected faults are behind
//! its private field: no tool can name them, and nothing outside this module leads to the session again.

use std::collections::BTreeMap;

use serde_json::Value;

use super::words::in_tools;
use crate::session::act::Preview;
use crate::session::case::{Case, case};
use crate::session::clock::{ClockKind, Seat};
use crate::session::command::Command;
use crate::session::look::{metrics, title};
use crate::session::play::Notice;
use crate::session::store::{ApplyError, OpenSession};
use crate::session::view::View;
use crate::sim::time::SimTime;
use crate::telemetry::stack_map::StackMap;

/// Caller calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// In which seat.
    pub seat: Seat,
    /// By which name.
    pub by: String,
}

impl Caller {
    /// Whoever plays, by a name.
    pub fn plays(by: &str) -> Caller {
        Caller { seat: Seat::Participant, by: by.to_string() }
    }
}

/// Why a tool did not do what was asked: what is wrong, where, and the way out. Nothing was charged unless it says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

impl Wrong {
    /// The same, no longer than a model has to read: what was sent stands in it, however long that was.
    pub(super) fn bounded(self) -> Wrong {
        const MOST: usize = 2000;
        match self.0.char_indices().nth(MOST) {
            None => self,
            Some((at, _)) => Wrong(format!("{}... (cut after {MOST} characters)", &self.0[..at])),
        }
    }
}

impl From<String> for Wrong {
    fn from(text: String) -> Wrong {
        Wrong(text)
    }
}

impl From<&str> for Wrong {
    fn from(text: &str) -> Wrong {
        Wrong(text.to_string())
    }
}

/// One run, as far as a program that plays can reach.
pub struct Attempt {
    open: OpenSession,
    broken: bool,
    /// What came to be seen and was told nobody yet.
    unheard: Vec<Notice>,
}

/// What came of a command.
pub(super) struct Said {
    pub(super) text: String,
    pub(super) data: Value,
    pub(super) observation: Option<u32>,
}

/// What a run was told on arrival.
pub(super) struct Briefing {
    pub(super) case: Case,
    pub(super) page: String,
    pub(super) marks: Vec<&'static str>,
    pub(super) unpriced: bool,
}

/// An earlier answer.
pub(super) struct Kept {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) data: Value,
}

impl Attempt {
    /// A run of a session whose clock is metered: time passes by prices, orders and waits alone.
    ///
    /// # Errors
    /// Its clock is live; tools would be ahead of it or behind.
    pub fn new(open: OpenSession) -> Result<Attempt, Wrong> {
        match open.session.terms().clock {
            ClockKind::Metered => Ok(Attempt { open, broken: false, unheard: Vec::new() }),
            ClockKind::Live => Err(Wrong::from("the clock of this run is live, and tools play on a metered one")),
        }
    }

    /// Gives a command; when this returns, it is on the disk.
    pub(super) fn say(&mut self, who: &Caller, command: &Command) -> Result<Said, Wrong> {
        match self.open.apply(who.seat, &who.by, command) {
            Ok(reply) => {
                self.unheard.extend(reply.notices);
                Ok(Said { text: in_tools(&reply.text), data: reply.data, observation: reply.observation })
            }
            Err(ApplyError::Refused(why)) => Err(Wrong(why.0)),
            // The log's words name files of the machine.
            Err(ApplyError::Log(_)) => {
                self.broken = true;
                Err(Wrong::from("this could not be written down, and did not happen: tell whoever runs the server"))
            }
        }
    }

    /// What came to be seen since somebody was told: told once, whatever came of the call.
    pub(super) fn news(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.unheard)
    }

    /// Whether a caller may use this run: whoever began it, whoever has a role in it, and who sits in another seat.
    pub(super) fn admits(&self, who: &Caller) -> bool {
        let roles = &self.open.session.terms().roles;
        who.seat != Seat::Participant || who.by == self.open.header.by || roles.contains_key(&who.by)
    }

    /// Whether memory is ahead of the disk: then the run has to be opened again.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(super) fn view(&self, who: &Caller) -> View {
        self.open.session.view_of(&who.by)
    }

    /// Date and time of day, seconds since the beginning, seconds to the end of the shift, whether it has ended.
    pub(super) fn hour(&self) -> (String, f64, f64, bool) {
        let session = &self.open.session;
        let now = session.now();
        let calendar = session.watch().scene.calendar;
        let begun = session.seal().begins_at();
        (
            calendar.date_time(now),
            now.since(begun).as_secs_f64(),
            session.horizon().since(now).as_secs_f64(),
            session.ended().is_some(),
        )
    }

    pub(super) fn briefing(&self) -> Briefing {
        let session = &self.open.session;
        let terms = session.terms();
        Briefing {
            case: case(session.scenario()),
            page: session.view().page,
            // That it was begun by an author's name is the author's to know.
            marks: terms.marks().into_iter().filter(|mark| *mark != "named").collect(),
            unpriced: terms.unpriced || session.scenario().file.free_looks,
        }
    }

    /// The answer to an earlier look.
    pub(super) fn kept(&self, who: &Caller, number: u32) -> Result<Kept, Wrong> {
        let session = &self.open.session;
        let looks = session.observations();
        let found = number.checked_sub(1).and_then(|place| looks.get(place as usize));
        let found = found.ok_or_else(|| match looks.len() {
            0 => Wrong(format!("there is no E{number}: nothing was looked at yet")),
            n => Wrong(format!("there is no E{number}: observations are E1 to E{n}")),
        })?;
        if session.terms().roles.get(&who.by).is_some_and(|role| !role.sees(&found.look)) {
            return Err(Wrong(format!("E{number} is not yours to see: ask who looked")));
        }
        let answer = found.answer.as_ref().ok_or_else(|| Wrong(format!("E{number} has no answer yet")))?;
        Ok(Kept { title: title(&found.look), text: answer.text.clone(), data: answer.data.clone() })
    }

    pub(super) fn preview(&mut self, action: &str) -> Result<Preview, Wrong> {
        self.open.session.preview(action).map_err(Wrong)
    }

    pub(super) fn glance(&mut self, board: &str) -> Result<Value, Wrong> {
        self.open.session.glance(board).map(|(_, data)| data).map_err(Wrong)
    }

    /// The six layers at a glance, as text.
    pub(super) fn topology(&self) -> String {
        let watch = self.open.session.watch();
        StackMap::of(watch, watch.now_ms()).text()
    }

    /// Every metric that can be asked for.
    pub(super) fn metric_names(&self) -> Vec<String> {
        let scraped = self.open.session.watch().world.scraped().names().map(str::to_string);
        let mut names: Vec<String> = scraped.chain(metrics::kinds().into_keys()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The beginning of the world and now, in milliseconds since 1970 on the calendar.
    pub(super) fn moments_ms(&self) -> (i64, i64) {
        let watch = self.open.session.watch();
        let zero_ms = watch.scene.calendar.unix_ms(SimTime::ZERO);
        (zero_ms, zero_ms + watch.now_ms())
    }

    /// The postmortem as it stands.
    pub(super) fn postmortem(&self) -> BTreeMap<String, String> {
        self.open.session.postmortem_draft()
    }
}
