//! The coach of a first shift: one verb at a time, as the scenario file has it, never a cause. It watches which verbs are
//! used and says the next line when one was, or again when a minute went by without. It is no part of the session: it
//! reads its view, nothing that it says enters the log, and it can be sent away.

use crate::scenario::lesson::CoachLine;
use crate::session::play::Session;
use crate::sim::time::{SimDuration, SimTime};

/// It says its line again after so long without the verb.
pub const PATIENCE: SimDuration = SimDuration::from_secs(60);

/// Where a coach stands in its lines.
#[derive(Clone, Debug)]
pub struct Coach {
    lines: Vec<CoachLine>,
    done: usize,
    present: bool,
    spoke: Option<SimTime>,
}

impl Coach {
    /// The coach of a session's scenario; one without lines never speaks.
    pub fn of(session: &Session) -> Coach {
        Coach { lines: session.scenario().file.coach.clone(), done: 0, present: true, spoke: None }
    }

    /// The line that is next, whether or not it was said.
    pub fn next_line(&self) -> Option<&CoachLine> {
        self.lines.get(self.done)
    }

    /// Sends it away, or calls it back.
    pub fn set_present(&mut self, present: bool) {
        self.present = present;
        self.spoke = None;
    }

    /// A verb was used, and answered.
    pub fn heard(&mut self, verb: &str) {
        if self.next_line().is_some_and(|line| line.verb == verb) {
            self.done += 1;
            self.spoke = None;
        }
    }

    /// What it says now, if anything: its line when that is new, or when a minute has gone by without the verb.
    pub fn says(&mut self, session: &Session) -> Option<String> {
        let (line, now) = (self.lines.get(self.done)?, session.now());
        let due = self.spoke.is_none_or(|spoke| PATIENCE <= now.since(spoke));
        if !self.present || !due {
            return None;
        }
        self.spoke = Some(now);
        let last_look = format!("E{}", session.observations().len());
        Some(format!("coach: {}  [{}]", line.says, line.line.replace("{look}", &last_look)))
    }
}
