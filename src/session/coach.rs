//! The coach of a first shift: one verb at a time, as the scenario file has it, never a cause. It watches which verbs are
//! used and says the next line when one was, or again when a minute went by without. It is no part of the session: it
//! reads its view, nothing that it says enters the log, and it can be sent away.

use crate::scenario::lesson::CoachLine;
use crate::session::command::{Command, Look};
use crate::session::play::Session;
use crate::sim::time::{SimDuration, SimTime};

/// It says its line again after so long without the verb.
pub const PATIENCE: SimDuration = SimDuration::from_secs(60);

/// It says its line again after so many other verbs.
const OTHERS: u32 = 3;

macro_rules! verbs {
    ($($verb:literal: $command:pat),* $(,)?) => {
        /// Verbs that a coach can find in a log.
        const LOGGED: &[&str] = &[$($verb),*];

        /// The verb by which a console knows a command; none for what no coach teaches.
        pub fn verb_of(command: &Command) -> Option<&'static str> {
            Some(match command {
                $($command => $verb,)*
                _ => return None,
            })
        }
    };
}

verbs! {
    "board": Command::Look(Look::Board { .. }),
    "explore": Command::Look(Look::Promql { .. }),
    "sql": Command::Look(Look::Sql { .. }),
    "logs": Command::Look(Look::Logs { .. }),
    "trace": Command::Look(Look::Trace { .. }),
    "traces": Command::Look(Look::Traces { .. }),
    "changes": Command::Look(Look::Changes { .. }),
    "search": Command::Look(Look::Archive { .. }),
    "read": Command::Look(Look::Document { .. }),
    "ask": Command::Look(Look::Ask { .. }),
    "ack": Command::Acknowledge,
    "sev": Command::Severity { .. },
    "update": Command::Update(_),
    "arm": Command::Arm,
    "act": Command::Act { .. },
    "believe": Command::Believe { .. },
    "pin": Command::Pin { .. },
    "link": Command::Link { .. },
    "contradict": Command::Contradict { .. },
    "commit": Command::Commit(_),
    "wait": Command::Wait { .. },
    "next": Command::Next,
    "advise": Command::Advise { .. },
    "end": Command::End,
}

/// Where a coach stands in its lines.
#[derive(Clone, Debug)]
pub struct Coach {
    lines: Vec<CoachLine>,
    done: usize,
    others: u32,
    present: bool,
    spoke: Option<SimTime>,
}

impl Coach {
    /// The coach of a session's scenario; one without lines never speaks, and none does where people are compared.
    pub fn of(session: &Session) -> Coach {
        let present = !session.terms().ranked;
        Coach { lines: session.scenario().file.coach.clone(), done: 0, others: 0, present, spoke: None }
    }

    /// The same where these verbs were used before: it goes on where it was.
    pub fn after(mut self, used: &[&str]) -> Coach {
        for verb in used {
            // What leaves nothing in the log was used if what comes after it was.
            let unseen = |line: &CoachLine| !LOGGED.contains(&line.verb.as_str());
            let skipped = self.lines[self.done.min(self.lines.len())..].iter().take_while(|line| unseen(line)).count();
            if self.lines.get(self.done + skipped).is_some_and(|line| line.verb == *verb) {
                self.done += skipped + 1;
            }
        }
        self
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
        let was_next = self.next_line().is_some_and(|line| line.verb == verb);
        self.others = if was_next { 0 } else { self.others + 1 };
        if was_next {
            self.done += 1;
        }
        if was_next || self.others.is_multiple_of(OTHERS) {
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
