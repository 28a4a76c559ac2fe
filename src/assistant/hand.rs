//! A hand on a session: a program says commands through it and gets what a person would get, and no more.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::scenario::lower::Setup;
use crate::score::observer::Observer;
use crate::score::observer::judge::shown;
use crate::score::observer::mind::{Cells, Mind};
use crate::score::observer::reading::Reading;
use crate::session::clock::Seat;
use crate::session::command::{Command, Commit, DeclaredCause, DeclaredRole, Look, Update};
use crate::session::log::{Event, hash_of};
use crate::session::view::View;
use crate::session::{Refusal, Reply, Session};
use crate::sim::time::SimTime;
use crate::telemetry::watch::{PAIN, SETTLES_S};

/// A hand on a session on a metered clock. It keeps the log that a scorecard is made of.
pub struct Hand<'a> {
    session: &'a mut Session,
    name: String,
    chance: u64,
    events: Vec<Event>,
}

/// An answered look.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Its number, to cite it by.
    pub number: u32,
    /// The answer as data.
    pub data: Value,
    /// The answer as text.
    pub text: String,
}

impl<'a> Hand<'a> {
    /// A hand on a session for a player of a name. What a player leaves to chance follows from `chance`.
    pub fn new(session: &'a mut Session, name: &str, chance: u64) -> Hand<'a> {
        Hand { session, name: name.to_string(), chance, events: Vec::new() }
    }

    /// What the player leaves to chance follows from this.
    pub fn chance(&self) -> u64 {
        self.chance
    }

    /// What may be seen now.
    pub fn view(&self) -> View {
        self.session.view()
    }

    /// The tables of the observer that comes with the program for this case, and a reading of its world of which whoever
    /// holds it takes only what its looks have shown ([`Hand::shown`]); none where nobody built one.
    pub(super) fn tables(&self) -> Option<(Observer, Reading)> {
        tables(self.session)
    }

    /// Seconds since the page.
    pub(super) fn after_page_s(&self) -> f64 {
        self.session.now().as_secs_f64() - SimTime(self.session.seal().paged_at_ns).as_secs_f64()
    }

    /// What a look has shown of what an observer's tables know.
    pub(super) fn shown(&self, mind: &Mind<'_>, number: u32) -> Cells {
        shown_by(self.session, mind, number)
    }

    /// Says something.
    ///
    /// # Errors
    /// The session refuses it; nothing has changed.
    pub fn say(&mut self, command: Command) -> Result<Reply, Refusal> {
        let at = self.session.now();
        let reply = self.session.apply_by(Seat::Participant, &self.name, &command)?;
        self.events.push(Event {
            n: self.events.len() as u64 + 1,
            at: at.0,
            seat: Seat::Participant,
            by: self.name.clone(),
            command,
            saw: hash_of(&reply.text),
        });
        Ok(reply)
    }

    /// Looks.
    ///
    /// # Errors
    /// The question is wrong, or time is up.
    pub fn look(&mut self, look: Look) -> Result<Looked, Refusal> {
        let reply = self.say(Command::Look(look))?;
        Ok(Looked { number: reply.observation.unwrap_or(0), data: reply.data, text: reply.text })
    }

    /// A board over the last quarter of an hour.
    ///
    /// # Errors
    /// Time is up.
    pub fn board(&mut self, board: &str) -> Result<Looked, Refusal> {
        self.look(Look::Board { board: board.to_string(), window_s: 900 })
    }

    /// Rows.
    ///
    /// # Errors
    /// The statement is wrong, or time is up.
    pub fn sql(&mut self, query: &str) -> Result<Looked, Refusal> {
        self.look(Look::Sql { query: query.to_string() })
    }

    /// Share of users in pain at this moment, in per cent, and the observation that says so: the indicator's own question,
    /// asked now, since the one on the screen is settled late. Nothing measured is no pain.
    ///
    /// # Errors
    /// Time is up.
    pub fn pain_now(&mut self) -> Result<(f64, u32), Refusal> {
        let looked = self.look(Look::Promql { query: PAIN.to_string(), window_s: None, step_s: None })?;
        let share = looked.data["vector"][0]["value"].as_f64().unwrap_or(0.0);
        Ok((100.0 * share.clamp(0.0, 1.0), looked.number))
    }

    /// Waits for the page, if it has not come, and takes it.
    ///
    /// # Errors
    /// Nothing pages.
    pub fn take_the_page(&mut self) -> Result<(), Refusal> {
        while self.view().page.is_empty() && 0.0 < self.view().left_s {
            self.say(Command::Next)?;
        }
        self.say(Command::Acknowledge)?;
        self.say(Command::Severity { level: 2 }).map(drop)
    }

    /// Gives orders, one after the other. What the session refuses is left out, as a person would leave it.
    ///
    /// # Errors
    /// Time is up.
    pub fn order(&mut self, actions: &[String]) -> Result<Vec<Refusal>, Refusal> {
        let mut refused = Vec::new();
        if actions.is_empty() {
            return Ok(refused);
        }
        self.say(Command::Arm)?;
        for action in actions {
            let confirm = action.split_once(':').map(|(_, rest)| rest.split('=').next().unwrap_or(rest).to_string());
            let plain = Command::Act { action: action.clone(), confirm: None };
            let given = self.say(plain).or_else(|_| self.say(Command::Act { action: action.clone(), confirm }));
            refused.extend(given.err());
        }
        self.say(Command::Safe)?;
        Ok(refused)
    }

    /// Commits to a cause; what is left of the points goes to `other`.
    ///
    /// # Errors
    /// The mechanism is none.
    pub fn commit(&mut self, mechanism: &str, percent: u8, cites: &[u32], last: bool) -> Result<(), Refusal> {
        self.say(Command::Commit(commit(mechanism, percent, cites, last))).map(drop)
    }

    /// Tells those who wait what is believed and done.
    ///
    /// # Errors
    /// Time is up.
    pub fn update(&mut self, hypothesis: &str, percent: u8, action: &str) -> Result<(), Refusal> {
        let impact_percent = self.view().pain_percent.unwrap_or(0.0);
        let hypothesis = hypothesis.to_string();
        let update = Update { impact_percent, hypothesis, percent, action: action.to_string(), next_minutes: 10.0 };
        self.say(Command::Update(update)).map(drop)
    }

    /// Waits until users are well for a while, so many seconds at most, and keeps promises of updates meanwhile.
    ///
    /// # Errors
    /// Time is up.
    pub fn wait_until_well(&mut self, most_s: f64, hypothesis: &str, percent: u8) -> Result<bool, Refusal> {
        let begun = self.view().elapsed_s;
        let mut well = 0;
        loop {
            let view = self.view();
            if view.left_s <= 60.0 || begun + most_s <= view.elapsed_s {
                return Ok(false);
            }
            let settled = begun + f64::from(SETTLES_S) <= view.elapsed_s;
            well = if settled && view.pain_percent.is_some_and(|pain| pain < 5.0) { well + 1 } else { 0 };
            if 4 <= well {
                return Ok(true);
            }
            if view.next_update_s.is_some_and(|due| due < 45.0) {
                self.update(hypothesis, percent, "watching what was done")?;
            }
            self.say(Command::Wait { seconds: 30.0 })?;
        }
    }

    /// Ends the incident, and gives the log.
    pub fn end(mut self) -> Vec<Event> {
        if self.session.ended().is_none() {
            drop(self.say(Command::End));
        }
        self.events
    }
}

/// The tables of the observer of a session's case, and a reading of its world; none where nobody built one.
pub(super) fn tables(session: &Session) -> Option<(Observer, Reading)> {
    let (scenario, seal) = (session.scenario(), session.seal());
    let observer = Observer::built_in(scenario).ok()?;
    let (open_at, _) = session.watch().world.window();
    let paged_s = SimTime(seal.paged_at_ns).as_secs_f64() - open_at.as_secs_f64();
    let setup = Setup { variant: Some(seal.variant.clone()), ..Setup::default() };
    let reading = Reading::paged(&scenario.file, &setup, seal.seed, Some(paged_s)).ok()?;
    Some((observer, reading))
}

/// What an observation of a session has shown of what an observer's tables know.
pub(super) fn shown_by(session: &Session, mind: &Mind<'_>, number: u32) -> Cells {
    let paged_s = SimTime(session.seal().paged_at_ns).as_secs_f64();
    let place = number.checked_sub(1).map(|n| n as usize);
    let observation = place.and_then(|place| session.observations().get(place));
    observation.map_or_else(Cells::new, |o| shown(mind, o, &[], &|at: SimTime| at.as_secs_f64() - paged_s))
}

/// A commit to one mechanism with so many points; the rest goes to `other`.
pub fn commit(mechanism: &str, percent: u8, cites: &[u32], last: bool) -> Commit {
    let percent = percent.min(100);
    let mut points = BTreeMap::from([(mechanism.to_string(), percent)]);
    if percent < 100 {
        *points.entry("other".to_string()).or_default() += 100 - percent;
    }
    let cause = DeclaredCause { mechanism: mechanism.to_string(), component: String::new(), role: DeclaredRole::Root };
    Commit { points, causes: vec![cause], links: Vec::new(), cites: cites.to_vec(), last }
}
