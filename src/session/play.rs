//! The session: a world that goes on as somebody looks, acts and claims.
//!
//! Its state is its log, replayed: [`Session::apply`] is the only way to change it, and the same commands at the same
//! moments give the same session to the bit.

use serde::Serialize;
use serde_json::{Value, json};

use crate::scenario::opened::Scenario;
use crate::session::advice::Advising;
use crate::session::belief::Board;
use crate::session::boards::OpenBoards;
use crate::session::clock::{ClockKind, Mode, Seat, Terms};
use crate::session::command::{Command, Host, Look};
use crate::session::comms::{Comms, SECONDARY_AFTER, TEAMS, written};
use crate::session::facts::{self, Source, Stated};
use crate::session::hints::ladder;
use crate::session::host::Hosting;
use crate::session::inject::{self, Injected};
use crate::session::look::{self, Observation};
use crate::session::prices;
use crate::session::roles::Role;
use crate::session::seal::Seal;
use crate::session::spend::Burnt;
use crate::sim::spec::stack::Severity;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::fact::What;
use crate::telemetry::calendar::span;
use crate::telemetry::changes::ON_CALL;
use crate::telemetry::watch::{Watch, WatchError};

/// `next` goes no further than this.
const NEXT_AT_MOST: SimDuration = SimDuration::from_secs(600);
/// `next` looks up so often.
const NEXT_STEP: SimDuration = SimDuration::from_secs(5);
/// Texts are cut off after so many characters.
const MOST_TEXT: usize = 4000;

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reply {
    /// What is said to whoever gave it.
    pub text: String,
    /// The same as data.
    pub data: Value,
    /// The number of the observation that it made, if it was a look.
    pub observation: Option<u32>,
    /// What came to be seen meanwhile, in order.
    pub notices: Vec<Notice>,
}

/// Something that came to be seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    /// When.
    #[serde(skip)]
    pub at: SimTime,
    /// As in `14:05:31`.
    pub time: String,
    /// What.
    pub text: String,
}

/// Why a command was not taken; nothing has changed and nothing was charged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// An order that was given.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ordered {
    /// When.
    #[serde(skip)]
    pub at: SimTime,
    /// As it was written.
    pub action: String,
    /// Its place in the world's list.
    #[serde(skip)]
    pub index: usize,
    /// When its effect was due to begin.
    #[serde(skip)]
    pub effect: SimTime,
    /// Accelerators that it adds, as it was ordered.
    #[serde(skip)]
    pub gpus_added: i64,
    /// What is known of it: `ordered`, `in effect`, or why it was refused.
    pub state: String,
}

/// One attempt at an incident.
pub struct Session {
    pub(super) scenario: Scenario,
    pub(super) seal: Seal,
    pub(super) terms: Terms,
    pub(super) watch: Watch,
    pub(super) horizon: SimTime,
    pub(super) board: Board,
    pub(super) comms: Comms,
    pub(super) observations: Vec<Observation>,
    pub(super) orders: Vec<Ordered>,
    pub(super) armed: bool,
    pub(super) stopped: bool,
    pub(super) speed: u8,
    pub(super) pauses: u32,
    pub(super) spent: SimDuration,
    pub(super) burnt: Burnt,
    pub(super) hints: u8,
    pub(super) bookmarks: Vec<(SimTime, String)>,
    pub(super) ended: Option<SimTime>,
    pub(super) injected: Vec<Injected>,
    pub(super) boards: OpenBoards,
    pub(super) advising: Advising,
    pub(super) hosting: Hosting,
    pub(super) roles: std::collections::BTreeMap<String, Role>,
    pub(super) postmortem: Option<std::collections::BTreeMap<String, String>>,
    pub(super) facts_seen: usize,
    pub(super) paged: bool,
    pub(super) secondary_paged: bool,
    pub(super) overdue_told: bool,
    pub(super) notices: Vec<Notice>,
    answers: bool,
    pub(super) checks_facts: bool,
    /// A replay goes no further than this, and what is under way then is cut.
    stop_at: SimTime,
    cut: bool,
}

impl Session {
    /// A session at its beginning, a minute before the page.
    ///
    /// # Errors
    /// No world can be built from what is sealed.
    pub fn open(scenario: Scenario, seal: Seal, terms: Terms) -> Result<Session, WatchError> {
        let watch = Watch::new(&scenario.file, &seal.variant, seal.seed, seal.salt)?;
        Ok(Session::watching(scenario, seal, terms, watch))
    }

    /// The same with the watch of that world at some moment before.
    pub fn watching(scenario: Scenario, seal: Seal, terms: Terms, mut watch: Watch) -> Session {
        watch.advance_to(seal.begins_at());
        Session::around(scenario, seal, terms, watch)
    }

    /// A session around what is seen of its world, of which nothing has been said yet.
    pub(super) fn around(scenario: Scenario, seal: Seal, terms: Terms, watch: Watch) -> Session {
        let (_, horizon) = watch.world.window();
        let facts_seen = watch.world.facts().len();
        let begins_at = seal.begins_at();
        Session {
            scenario,
            seal,
            horizon,
            facts_seen,
            watch,
            board: Board::default(),
            comms: Comms::default(),
            observations: Vec::new(),
            orders: Vec::new(),
            armed: false,
            stopped: false,
            speed: 1,
            pauses: 0,
            spent: SimDuration::ZERO,
            burnt: Burnt::since(begins_at),
            hints: 0,
            bookmarks: Vec::new(),
            injected: Vec::new(),
            boards: OpenBoards::default(),
            advising: Advising::default(),
            hosting: Hosting::default(),
            roles: terms.roles.clone(),
            ended: None,
            postmortem: None,
            paged: false,
            secondary_paged: false,
            overdue_told: false,
            notices: Vec::new(),
            answers: true,
            checks_facts: false,
            stop_at: SimTime::NEVER,
            cut: false,
            terms,
        }
    }

    /// From now on looks are charged and numbered but not answered: for a replay that only wants to come to its end.
    pub fn without_answers(&mut self, without: bool) {
        self.answers = !without;
    }

    /// Whether from now on what an assistant states is held against what there is to see: for a replay that is judged.
    pub(super) fn check_facts(&mut self, checks: bool) {
        self.checks_facts = checks;
    }

    /// Notes what a look of the assistant's own stated, and whether it was so.
    fn note_facts(&mut self, number: u32, look: &Look, data: &Value) {
        if !self.checks_facts || !matches!(look, Look::Delegated { .. }) {
            return;
        }
        let source = Source::Looked { observation: number };
        let held = facts::facts_hold(&mut self.watch, data);
        self.advising.note(held.into_iter().map(|(says, holds)| Stated { source, says, holds }));
    }

    /// From now on time stops at a moment: for a replay up to there.
    pub(super) fn stop_at(&mut self, until: SimTime) {
        self.stop_at = until;
    }

    /// Whether the last command was still under way when time stopped.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// The moment up to which everything has happened.
    pub fn now(&self) -> SimTime {
        self.watch.world.now()
    }

    /// The end of the incident, whatever is done.
    pub fn horizon(&self) -> SimTime {
        self.horizon
    }

    /// How it counts.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What only its owner may know.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// What was played; its owner's, not the participant's.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What was looked at, in order.
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// Hands the data of an answer to whoever asked for it over the wire; its text stays. None while it is under way.
    pub fn hand_over(&mut self, number: u32) -> Option<Value> {
        let now = self.now();
        let place = number.checked_sub(1)?;
        let answer = self.observations.get_mut(place as usize).filter(|o| o.at <= now)?.answer.as_mut()?;
        Some(std::mem::take(&mut answer.data))
    }

    /// The case board.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// What was said, and to whom.
    pub fn comms(&self) -> &Comms {
        &self.comms
    }

    /// The orders that were given.
    pub fn orders(&self) -> &[Ordered] {
        &self.orders
    }

    /// What is seen of the world.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// When it was ended, if it was.
    pub fn ended(&self) -> Option<SimTime> {
        self.ended
    }

    /// Hints that were taken; three are all there are, and the last names the mechanism.
    pub fn hints_taken(&self) -> u8 {
        self.hints
    }

    /// Whether a live clock stands still.
    pub fn is_stopped(&self) -> bool {
        self.stopped || self.hosting.stands() || self.ended.is_some()
    }

    /// How fast a live clock runs.
    pub fn speed(&self) -> u8 {
        self.speed
    }

    /// Lets a live clock run to a moment, and answers the looks that are due by then.
    pub fn advance_to(&mut self, until: SimTime) -> Vec<Notice> {
        if self.terms.clock == ClockKind::Live && self.ended.is_none() {
            self.pass_to(until);
        }
        let mut came = if self.terms.clock == ClockKind::Live { self.take_hosts_news() } else { Vec::new() };
        came.append(&mut self.notices);
        came
    }

    /// Takes a command of whoever plays alone.
    ///
    /// # Errors
    /// As [`Session::apply_by`].
    pub fn apply(&mut self, seat: Seat, command: &Command) -> Result<Reply, Refusal> {
        self.apply_by(seat, "", command)
    }

    /// Takes a command of somebody.
    ///
    /// # Errors
    /// It makes no sense now, or at all, or is another's to say; then nothing has changed.
    pub fn apply_by(&mut self, seat: Seat, by: &str, command: &Command) -> Result<Reply, Refusal> {
        self.may(seat, by, command).map_err(Refusal)?;
        self.check_moment(command)?;
        self.check_help(seat, command).map_err(Refusal)?;
        let before = self.now();
        let (text, data, observation) = self.carry_out(seat, by, command).map_err(Refusal)?;
        if self.terms.clock == ClockKind::Metered {
            self.spent += self.now().since(before);
        }
        let came = std::mem::take(&mut self.notices);
        let notices = if seat == Seat::Host { self.hosted(command, came) } else { self.with_hosts_news(came) };
        Ok(Reply { text, data, observation, notices })
    }

    /// Whether a command makes sense at this moment of the session.
    fn check_moment(&self, command: &Command) -> Result<(), Refusal> {
        let no = |text: &str| Err(Refusal(text.to_string()));
        let writing = matches!(command, Command::Postmortem { .. } | Command::Host(Host::Note { .. }));
        if self.ended.is_some() && !writing {
            return no("the incident has ended; what is left is the postmortem and the debrief");
        }
        let passes = matches!(
            command,
            Command::Look(_)
                | Command::Act { .. }
                | Command::Wait { .. }
                | Command::Next
                | Command::Arm
                | Command::Advise { .. }
                | Command::Verify { .. }
        );
        if self.horizon <= self.now() && passes {
            return no("time is up: commit with `commit ... last`, then `end`");
        }
        let clock = matches!(command, Command::Pause { .. } | Command::Speed { .. } | Command::Host(Host::Hold { .. }));
        if clock && self.terms.clock == ClockKind::Metered {
            return no("this clock is metered: it stands still until something is done; `wait` and `next` move it");
        }
        Ok(())
    }

    fn carry_out(&mut self, seat: Seat, by: &str, command: &Command) -> Result<(String, Value, Option<u32>), String> {
        let now = self.now();
        let plain = |text: String| (text.clone(), json!({ "text": text }), None);
        match command {
            Command::Look(look) => return self.look(look),
            Command::Act { action, confirm } => return self.act(action, confirm.as_deref()),
            Command::Acknowledge => return self.acknowledge().map(plain),
            Command::Page { team } => {
                if !TEAMS.contains(&team.as_str()) {
                    return Err(unknown("team", team, TEAMS));
                }
                self.comms.teams.push((now, team.clone()));
                self.comms.line(now, "pager", &format!("{team} on call was paged"));
                return Ok(plain(format!("{team} on call was paged; they read the channel")));
            }
            Command::Severity { level } => {
                if !(1..=4).contains(level) {
                    return Err(format!("severity {level} does not exist: 1 (worst) to 4"));
                }
                self.comms.severity = Some(*level);
                self.comms.line(now, "incident-bot", &format!("severity is now SEV{level}"));
                return Ok(plain(format!("SEV{level}")));
            }
            Command::Update(update) => {
                if !update.hypothesis.is_empty() {
                    crate::scenario::mechanisms::find(&update.hypothesis)?;
                }
                self.comms.update(now, update)?;
                self.overdue_told = false;
                let says = format!(
                    "impact {:.0} % of users; lead {} at {} %; doing: {}; next update in {:.0} min",
                    update.impact_percent,
                    if update.hypothesis.is_empty() { "none" } else { &update.hypothesis },
                    update.percent,
                    if update.action.is_empty() { "nothing yet" } else { &update.action },
                    update.next_minutes
                );
                let from = self.speaker(seat, by);
                self.comms.line(now, &from, &format!("UPDATE {says}"));
                self.charge(prices::UPDATE);
                return Ok(plain("the update is out".to_string()));
            }
            Command::Say { text } => {
                let text = written(text, MOST_TEXT);
                let from = self.speaker(seat, by);
                self.comms.line(now, &from, &text);
                self.answers(&from, &text);
                return Ok(plain("said".to_string()));
            }
            Command::Arm => self.armed = true,
            Command::Safe => self.armed = false,
            Command::Believe { points } => self.board.believe(points)?,
            Command::Pin { observation, note } => {
                self.answered(*observation)?;
                self.board.pin(*observation, note);
            }
            Command::Link { observation, mechanism, speaks } => self.board.link(*observation, mechanism, *speaks)?,
            Command::Contradict { one, other, why } => self.board.contradict(*one, *other, why)?,
            Command::NextTest { text } => self.board.next_test = written(text, MOST_TEXT),
            Command::Commit(commit) => {
                for cited in &commit.cites {
                    self.answered(*cited)?;
                }
                self.board.commit(now, commit, self.observations.len() as u32)?;
                let which = if commit.last { "the last" } else { "on record" };
                return Ok(plain(format!(
                    "commit {} is {which}; nothing is said of it before the debrief",
                    self.board.commits.len()
                )));
            }
            Command::Hint => {
                if !matches!(self.terms.mode, Mode::A1 | Mode::A3) {
                    return Err("this session is played without hints: one begun with `--mode A1` has them".to_string());
                }
                let rungs = ladder(&self.scenario.name, &self.scenario.file, &self.seal.variant);
                let Some(rung) = rungs.get(usize::from(self.hints)) else {
                    return Err("that was the last hint".to_string());
                };
                self.hints += 1;
                return Ok(plain(rung.clone()));
            }
            Command::Advise { asking } => return self.ask_advice(asking).map(plain),
            Command::Advice(advice) => return self.take_advice(advice),
            Command::Verify { citation } => {
                let cited = self.cited(*citation)?;
                let (text, data, observation) = self.look(&cited.look)?;
                self.advising.verified(*citation);
                return Ok((cited.first(&text), data, observation));
            }
            Command::Adopt | Command::Reject => return self.decide(*command == Command::Adopt).map(plain),
            Command::Bookmark { text } => self.bookmarks.push((now, written(text, MOST_TEXT))),
            Command::Wait { seconds } => {
                if !(0.0..=3600.0).contains(seconds) {
                    return Err(format!("{seconds} seconds cannot be waited: 0 to 3600"));
                }
                self.charge(SimDuration::from_secs_f64(*seconds));
                return Ok(plain(format!("it is {}", self.clock())));
            }
            Command::Next => return Ok(plain(self.next())),
            Command::Pause { stopped } => {
                self.pauses += u32::from(*stopped && !self.stopped);
                self.stopped = *stopped;
            }
            Command::Speed { times } => {
                if ![1, 2, 4, 8].contains(times) {
                    return Err(format!("{times} is no speed: 1, 2, 4 or 8"));
                }
                self.speed = *times;
            }
            Command::Host(host) => return self.host(host).map(plain),
            Command::Inject { mechanism, fault, for_s } => {
                return self.inject(mechanism, fault, *for_s).map(plain);
            }
            Command::End => {
                self.ended = Some(now);
                return Ok(plain(
                    "the incident is closed; `postmortem` writes it up; `quit`, and the debrief tells what was true"
                        .to_string(),
                ));
            }
            Command::Postmortem { sections } => {
                if self.ended.is_none() {
                    return Err("the incident goes on: `end` it first".to_string());
                }
                let known = crate::session::postmortem::SECTIONS;
                let keys: Vec<&str> = known.iter().map(|(key, ..)| *key).collect();
                if let Some(odd) = sections.keys().find(|k| !keys.contains(&k.as_str())) {
                    return Err(unknown("section", odd, &keys));
                }
                self.postmortem.get_or_insert_default().extend(sections.clone());
                let blame: Vec<String> = (sections.values())
                    .flat_map(|text| crate::session::postmortem::blame(text))
                    .map(|(phrase, ask)| format!("\"{phrase}\": {ask}"))
                    .collect();
                if !blame.is_empty() {
                    return Ok(plain(format!("noted. {}", blame.join(" "))));
                }
            }
        }
        Ok(plain(self.echo(command)))
    }

    /// Who is said to say something: by name where several share the session, else by seat.
    fn speaker(&self, seat: Seat, by: &str) -> String {
        let named = seat == Seat::Participant && self.roles.contains_key(by);
        if named { by.to_string() } else { seat_name(seat).to_string() }
    }

    /// What a command that only notes something says.
    fn echo(&self, command: &Command) -> String {
        match command {
            Command::Arm => "armed: actions are carried out".to_string(),
            Command::Safe => "safe: actions are only previewed".to_string(),
            Command::Believe { .. } => match self.board.lead() {
                Some((mechanism, points)) => format!("noted; {mechanism} leads with {points}"),
                None => "noted; nothing leads".to_string(),
            },
            Command::Pin { observation, .. } => format!("E{observation} is on the board"),
            Command::Pause { stopped: true } => "the clock stands".to_string(),
            Command::Pause { stopped: false } => "the clock goes on".to_string(),
            Command::Speed { times } => format!("{times}x"),
            _ => "noted".to_string(),
        }
    }

    /// What a host has injected, in order; its own, and not for who plays.
    pub fn injected(&self) -> &[Injected] {
        &self.injected
    }

    fn inject(&mut self, mechanism: &str, fault: &str, for_s: Option<f64>) -> Result<String, String> {
        if self.horizon <= self.now() {
            return Err("time is up: nothing would come of it".to_string());
        }
        // What happens at this very moment has happened.
        let at = (self.now() + SimDuration(1)).max(self.scenario.file.open_at());
        let number = self.injected.len() + 1;
        let (scenario, injected, timed) =
            inject::inject(&self.scenario, &self.seal.variant, number, at, (mechanism, fault, for_s))?;
        let says = format!("{}: {} from {} on", injected.id, injected.fault, self.watch.scene.calendar.clock(at));
        self.watch.world.inject(timed);
        self.scenario = scenario;
        self.injected.push(injected);
        Ok(says)
    }

    fn answered(&self, number: u32) -> Result<&Observation, String> {
        let found = number.checked_sub(1).and_then(|place| self.observations.get(place as usize));
        match found {
            Some(observation) if observation.at <= self.now() => Ok(observation),
            Some(_) => Err(format!("E{number} has not been answered yet")),
            None => Err(format!("there is no E{number}: `looks` lists what was looked at")),
        }
    }

    /// What a look would show now, to an assistant that says something of it. Nothing of it is charged or recorded.
    ///
    /// # Errors
    /// What is wrong with the question.
    pub fn peek(&mut self, look: &Look) -> Result<look::Answer, String> {
        look::answer(&mut self.watch, look)
    }

    /// Whether a look, or advice, costs nothing here.
    pub(super) fn is_free(&self) -> bool {
        self.scenario.file.free_looks || self.terms.unpriced
    }

    fn look(&mut self, look: &Look) -> Result<(String, Value, Option<u32>), String> {
        let asked = self.now();
        let number = self.observations.len() as u32 + 1;
        let price = if self.is_free() { SimDuration::ZERO } else { prices::price(look) };
        let mut observation = Observation { number, look: look.clone(), asked, at: asked + price, answer: None };
        if self.terms.clock == ClockKind::Live && SimDuration::ZERO < price {
            look::check(&mut self.watch, look)?;
            self.observations.push(observation);
            let text = format!("E{number} is under way, {} to go", span(price));
            return Ok((text.clone(), json!({ "text": text, "due_s": price.as_secs_f64() }), Some(number)));
        }
        if self.answers {
            // A question that cannot be asked costs nothing: it is refused before time passes.
            look::check(&mut self.watch, look)?;
        }
        self.charge(price);
        observation.at = self.now();
        if self.answers {
            let answer = look::answer(&mut self.watch, look).unwrap_or_else(|why| look::no_answer(look, &why));
            let (text, data) = (answer.text.clone(), answer.data.clone());
            self.note_facts(number, look, &data);
            observation.answer = Some(answer);
            self.boards.opened(&observation);
            self.observations.push(observation);
            return Ok((text, data, Some(number)));
        }
        self.boards.opened(&observation);
        self.observations.push(observation);
        Ok((String::new(), Value::Null, Some(number)))
    }

    fn acknowledge(&mut self) -> Result<String, String> {
        if (!self.paged || self.comms.acknowledged.is_some())
            && let Some(says) = self.acknowledge_hosts_page()
        {
            return Ok(says);
        }
        if !self.paged {
            return Err("nothing has paged yet".to_string());
        }
        if let Some(at) = self.comms.acknowledged {
            return Err(format!("the page was acknowledged at {}", self.watch.scene.calendar.clock(at)));
        }
        let now = self.now();
        self.comms.acknowledged = Some(now);
        self.comms.line(now, "pager", "the page was acknowledged");
        Ok(format!("acknowledged at {}", self.clock()))
    }

    /// Time of day.
    pub fn clock(&self) -> String {
        self.watch.scene.calendar.clock(self.now())
    }

    /// Lets time pass on a metered clock; a live one passes by itself.
    pub(super) fn charge(&mut self, price: SimDuration) {
        if self.terms.clock == ClockKind::Metered {
            self.pass_to(self.now() + price);
        }
    }

    /// Goes on until something is there to be seen.
    fn next(&mut self) -> String {
        let from = self.now();
        let last = (from + NEXT_AT_MOST).min(self.horizon);
        while self.now() < last && self.notices.is_empty() && !self.cut {
            self.pass_to((self.now() + NEXT_STEP).min(last));
        }
        let passed = span(self.now().since(from));
        if self.notices.is_empty() { format!("nothing to be seen for {passed}") } else { format!("{passed} later") }
    }

    /// Lets time pass, stopping wherever somebody speaks or is owed an answer.
    pub(super) fn pass_to(&mut self, until: SimTime) {
        let until = until.min(self.horizon);
        self.cut |= self.stop_at < until;
        let until = until.min(self.stop_at);
        loop {
            let now = self.now();
            let due = self.observations.iter().filter(|o| o.answer.is_none() && now < o.at).map(|o| o.at).min();
            let stop = due.filter(|_| self.terms.clock == ClockKind::Live).map_or(until, |at| at.min(until));
            self.watch.advance_to(stop);
            self.see_what_came(now);
            if until <= stop {
                return;
            }
        }
    }

    /// Notes what came to be seen since `before`.
    fn see_what_came(&mut self, before: SimTime) {
        self.page_if_due();
        self.burnt.advance(&self.watch);
        self.answer_what_is_due();
        self.boards.see(self.watch.world.now(), &mut self.observations);
        self.follow_orders();
        self.hear_alerts(before);
        self.hear_the_channel(before);
        self.remind();
        if self.horizon <= self.now() && before < self.horizon {
            self.notice(self.horizon, "time is up: the shift ends here".to_string());
        }
        self.notices.sort_by_key(|n| n.at);
    }

    pub(super) fn notice(&mut self, at: SimTime, text: String) {
        self.notices.push(Notice { at, time: self.watch.scene.calendar.clock(at), text });
    }

    fn page_if_due(&mut self) {
        let paged_at = SimTime(self.seal.paged_at_ns);
        if !self.paged && paged_at <= self.now() {
            self.paged = true;
            let text = format!("PAGE {}: {}", self.case_id(), self.scenario.file.page);
            self.notice(paged_at, text.clone());
            self.comms.line(paged_at, "pager", &text);
        }
    }

    pub(super) fn case_id(&self) -> String {
        format!("INC-{}", self.scenario.file.case)
    }

    fn answer_what_is_due(&mut self) {
        let now = self.now();
        for place in 0..self.observations.len() {
            let due = &self.observations[place];
            if self.terms.clock != ClockKind::Live || due.answer.is_some() || now < due.at || !self.answers {
                continue;
            }
            let (number, at, look) = (due.number, due.at, due.look.clone());
            let answer = look::answer(&mut self.watch, &look).unwrap_or_else(|why| look::no_answer(&look, &why));
            if !matches!(look, Look::Prometheus(_)) {
                // Whoever asked over the wire is told there.
                self.notice(at, format!("E{number} {}\n{}", answer.title, answer.text));
            }
            self.note_facts(number, &look, &answer.data);
            self.observations[place].answer = Some(answer);
            self.boards.opened(&self.observations[place]);
        }
    }

    fn follow_orders(&mut self) {
        let facts: Vec<_> = self.watch.world.facts()[self.facts_seen..].to_vec();
        self.facts_seen += facts.len();
        for fact in facts {
            let (index, state) = match &fact.what {
                What::ActionTookEffect(index) => (*index, "in effect".to_string()),
                What::ActionRefused(index, why) => (*index, format!("refused: {why}")),
                _ => continue,
            };
            let Some(order) = self.orders.iter_mut().find(|o| o.index == index) else { continue };
            order.state = state.clone();
            let text = format!("{}: {state}", order.action);
            self.notice(fact.at, text);
        }
    }

    /// Alerts that fired or were over, the page itself aside.
    fn hear_alerts(&mut self, before: SimTime) {
        let now = self.now();
        let paged_at = SimTime(self.seal.paged_at_ns);
        let came = |at: SimTime| before < at && at <= now && paged_at < at;
        let mut news: Vec<(SimTime, String)> = Vec::new();
        for alert in self.watch.alerts.history() {
            let kind = if alert.severity == Severity::Page { "alert (page)" } else { "alert (ticket)" };
            if came(alert.fired) {
                news.push((alert.fired, format!("{kind} {}: {}", alert.name, alert.summary)));
            }
            if let Some(at) = alert.resolved.filter(|at| came(*at)) {
                news.push((at, format!("resolved: {}", alert.name)));
            }
        }
        for (at, text) in news {
            self.comms.line(at, "alert-bot", &text);
            self.notice(at, text);
        }
    }

    /// What people say by themselves, after the page.
    fn hear_the_channel(&mut self, before: SimTime) {
        let paged_at = SimTime(self.seal.paged_at_ns);
        let mut lines: Vec<(SimTime, String, String)> = (self.scenario.file.history.chat.iter())
            .map(|c| (paged_at + SimDuration::from_secs_f64(c.after_page_s), c.from.clone(), c.text.clone()))
            .filter(|(at, ..)| before < *at && *at <= self.now())
            .collect();
        lines.sort_by_key(|(at, ..)| *at);
        self.hear_of_deploys(before);
        for (at, from, text) in lines {
            self.comms.line(at, &from, &text);
            self.notice(at, format!("{from}: {text}"));
        }
    }

    /// A bot tells the channel of every change as it is made; orders have been told already.
    fn hear_of_deploys(&mut self, before: SimTime) {
        let open_at = self.watch.scene.open_at;
        let at = |at_s: f64| SimTime(((open_at.as_secs_f64() + at_s).max(0.0) * 1e9) as u64);
        let made: Vec<(SimTime, String)> = (self.watch.changes.until(self.watch.now_s()).rev())
            .take_while(|change| before < at(change.at_s))
            .filter(|change| change.author != ON_CALL)
            .map(|c| (at(c.at_s), format!("{} {}: {} ({})", c.id, c.service, c.title, c.author)))
            .collect();
        for (at, text) in made.into_iter().rev() {
            self.comms.line(at, "deploy-bot", &text);
        }
    }

    fn remind(&mut self) {
        let now = self.now();
        let paged_at = SimTime(self.seal.paged_at_ns);
        let late = paged_at + SECONDARY_AFTER;
        if self.paged && self.comms.acknowledged.is_none() && late <= now && !self.secondary_paged {
            self.secondary_paged = true;
            self.comms.line(late, "pager", "not acknowledged for five minutes: the secondary was paged");
            self.notice(late, "nobody acknowledged for five minutes: the secondary was paged".to_string());
        }
        if let Some(due) = self.comms.next_due
            && due <= now
            && !self.overdue_told
        {
            self.overdue_told = true;
            self.notice(due, "the update that was promised is due".to_string());
        }
    }
}

fn seat_name(seat: Seat) -> &'static str {
    match seat {
        Seat::Participant => "you",
        Seat::Assistant => "assistant",
        Seat::Examiner => "examiner",
        Seat::Host => "host",
    }
}

fn unknown(kind: &str, name: &str, valid: &[&str]) -> String {
    let hint = crate::scenario::check::did_you_mean(name, valid.iter().copied());
    format!("no {kind} is called \"{name}\"{hint}; there are: {}", valid.join(", "))
}
