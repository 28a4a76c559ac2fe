//! The thread that owns the session: commands in, snapshots and news out. A frame never waits for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::assistant::advisor;
use crate::console::shell::{Turn, turn};
use crate::gui::desk::Desk;
use crate::gui::snapshot::{Coached, Home, Maker, News, Snapshot};
use crate::session::clock::{ClockKind, Seat};
use crate::session::coach::{Coach, verb_of};
use crate::session::command::Command;
use crate::session::store::{ApplyError, OpenSession};
use crate::sim::time::{SimDuration, SimTime};

/// How often a running clock is brought up to date.
const TICK: Duration = Duration::from_millis(60);
/// A frame's worth of the world at most, so that commands are never far behind.
const MOST_AT_ONCE: SimDuration = SimDuration::from_secs(20);
/// Who plays, in the log.
const BY: &str = "you";

/// What the window asks of the worker.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Begin a session of a case; none: the next.
    Begin(Option<String>),
    /// Begin today's page.
    Today,
    /// Begin the case that is most worth practising now; whether though enough was practised today.
    Drill(bool),
    /// Go on with a session.
    Resume(String),
    /// A command.
    Do(Command),
    /// A line in the operator's language.
    Line(String),
    /// What an action would touch.
    Preview(String),
    /// Leave the session; it is kept.
    Leave,
    /// Read cases, sessions and records again.
    Home,
    /// Keep what was made of the session, in a sentence.
    Rule(String),
    /// Something was done that the log does not know, by the console's word for it.
    Heard(&'static str),
    /// The coach is there, or has gone.
    Coach(bool),
    /// The map shows this moment; none: now.
    Moment(Option<SimTime>),
    /// Tell what was true of the session that has ended.
    Debrief,
    /// The window shows something else than the console: the clock stands, without a command.
    Hold(bool),
}

/// The window's end.
pub struct Worker {
    asks: Sender<Ask>,
    latest: Arc<Mutex<Option<Arc<Snapshot>>>>,
    news: Mutex<Receiver<News>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// Starts the thread.
    pub fn start(desk: Arc<dyn Desk>) -> Worker {
        let (asks, asked) = channel();
        let (tell, news) = channel();
        let latest = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&latest);
        std::thread::spawn(move || Thread::new(desk, shared, tell).run(&asked));
        Worker { asks, latest, news: Mutex::new(news) }
    }

    /// Asks; the answer comes as a snapshot or as news.
    pub fn ask(&self, ask: Ask) {
        // A worker that is gone has said so as news.
        drop(self.asks.send(ask));
    }

    /// The latest snapshot, if a session is open.
    pub fn latest(&self) -> Option<Arc<Snapshot>> {
        lock(&self.latest).clone()
    }

    /// News since the last time.
    pub fn news(&self) -> Vec<News> {
        lock(&self.news).try_iter().collect()
    }
}

struct Thread {
    desk: Arc<dyn Desk>,
    latest: Arc<Mutex<Option<Arc<Snapshot>>>>,
    tell: Sender<News>,
    clock: Box<dyn crate::console::shell::Clock + Send>,
    open: Option<(OpenSession, Maker)>,
    last_ns: u64,
    held: bool,
    coach: Option<Coach>,
    coached: Option<Coached>,
}

impl Thread {
    fn new(desk: Arc<dyn Desk>, latest: Arc<Mutex<Option<Arc<Snapshot>>>>, tell: Sender<News>) -> Thread {
        let clock = desk.clock();
        let last_ns = clock.now_ns();
        Thread { desk, latest, tell, clock, open: None, last_ns, held: false, coach: None, coached: None }
    }

    fn run(mut self, asked: &Receiver<Ask>) {
        loop {
            match asked.recv_timeout(TICK) {
                Ok(ask) => {
                    self.pass();
                    self.take(ask);
                }
                Err(RecvTimeoutError::Timeout) => self.pass(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.publish();
        }
    }

    fn say(&self, news: News) {
        drop(self.tell.send(news));
    }

    /// Lets a live clock catch up with the wall clock.
    fn pass(&mut self) {
        let now_ns = self.clock.now_ns();
        let passed = now_ns.saturating_sub(self.last_ns);
        self.last_ns = now_ns;
        let Some((open, _)) = &mut self.open else { return };
        let session = &open.session;
        if self.held || session.is_stopped() || session.terms().clock != ClockKind::Live {
            return;
        }
        let span = SimDuration(passed.saturating_mul(u64::from(session.speed()))).min(MOST_AT_ONCE);
        let until = session.now() + span;
        let notices = open.advance_to(until);
        notices.into_iter().for_each(|n| self.say(News::Notice(n.time, n.text)));
    }

    fn take(&mut self, ask: Ask) {
        match ask {
            Ask::Begin(case) => {
                let begun = self.desk.begin(case.as_deref());
                self.enter(begun);
            }
            Ask::Resume(name) => {
                let resumed = self.desk.resume(&name);
                self.enter(resumed);
            }
            Ask::Today => {
                let begun = self.desk.begin_today();
                self.enter(begun);
            }
            Ask::Drill(more) => {
                let begun = self.desk.begin_drill(more);
                self.enter(begun);
            }
            Ask::Leave => {
                self.open = None;
                *lock(&self.latest) = None;
                self.home();
            }
            Ask::Home => self.home(),
            Ask::Moment(moment) => {
                if let Some((_, maker)) = &mut self.open {
                    maker.replay(moment);
                }
            }
            Ask::Rule(words) => self.rule(&words),
            Ask::Heard(verb) => self.coach(|coach| coach.heard(verb)),
            Ask::Coach(present) => self.coach(|coach| coach.set_present(present)),
            Ask::Hold(held) => self.held = held,
            Ask::Debrief => self.debrief(),
            Ask::Do(command) => self.command(&command),
            Ask::Line(line) => self.line(&line),
            Ask::Preview(action) => {
                let Some((open, _)) = &mut self.open else { return };
                let news = match open.session.preview(&action) {
                    Ok(preview) => News::Preview(preview),
                    Err(why) => News::Refused(why),
                };
                self.say(news);
            }
        }
    }

    fn enter(&mut self, begun: Result<OpenSession, String>) {
        self.held = true; // until the briefing was read
        match begun {
            Ok(open) => {
                self.coach = Some(Coach::of(&open.session).after(&open.used));
                self.coached = None;
                self.open = Some((open, Maker::default()));
            }
            Err(why) => self.say(News::Failed(why)),
        }
        self.last_ns = self.clock.now_ns();
    }

    fn command(&mut self, command: &Command) {
        let Some((open, _)) = &mut self.open else { return };
        let news = match advisor::apply(open, Seat::Participant, BY, command) {
            Ok(reply) => {
                if let (Some(coach), Some(verb)) = (&mut self.coach, verb_of(command)) {
                    coach.heard(verb);
                }
                let notices: Vec<News> = reply.notices.into_iter().map(|n| News::Notice(n.time, n.text)).collect();
                let said = match reply.observation {
                    Some(number) => first_line(&format!("E{number}: {}", reply.text)),
                    None => reply.text,
                };
                notices.into_iter().chain([News::Said(said)]).collect()
            }
            Err(ApplyError::Refused(refusal)) => vec![News::Refused(refusal.to_string())],
            Err(ApplyError::Log(error)) => vec![self.lost(&error.to_string())],
        };
        news.into_iter().for_each(|n| self.say(n));
    }

    /// What was said could not be kept: the session has to be opened again.
    fn lost(&mut self, why: &str) -> News {
        self.open = None;
        *lock(&self.latest) = None;
        News::Failed(format!("{why}; the session is kept up to the command before"))
    }

    fn line(&mut self, line: &str) {
        let Some((open, _)) = &mut self.open else { return };
        let news = match turn(open, BY, line) {
            Turn::Answered(text) => {
                if let Some(coach) = &mut self.coach {
                    coach.heard(line.split_whitespace().next().unwrap_or_default());
                }
                News::Said(text)
            }
            Turn::Refused(why) => News::Refused(why),
            Turn::Lost(why) => self.lost(&why),
            Turn::Nothing | Turn::Quit => return,
        };
        self.say(news);
    }

    /// In a thread of its own: it takes seconds, and the worker has to hear.
    fn debrief(&mut self) {
        let Some((open, _)) = &self.open else { return };
        let name = open.folder().display().to_string();
        let (desk, tell) = (Arc::clone(&self.desk), self.tell.clone());
        std::thread::spawn(move || {
            let progress = {
                let tell = Mutex::new(tell.clone());
                move |done, total| drop(lock(&tell).send(News::Progress(done, total)))
            };
            let news = match desk.debrief(&name, &progress) {
                Ok(told) => News::Told(Arc::new(told)),
                Err(why) => News::Failed(why),
            };
            drop(tell.send(news));
        });
    }

    fn publish(&mut self) {
        let Some((open, maker)) = &mut self.open else { return };
        let name = name_of(open);
        if !self.held
            && let Some(coach) = &mut self.coach
        {
            listen(coach, &mut self.coached, &open.session);
        }
        maker.glance(&mut open.session);
        let mut snapshot = maker.snapshot(&name, &open.session);
        snapshot.coach = self.coached.clone().filter(|_| !snapshot.view.ended);
        *lock(&self.latest) = Some(Arc::new(snapshot));
    }

    fn coach(&mut self, change: impl FnOnce(&mut Coach)) {
        let Some(coach) = &mut self.coach else { return };
        change(coach);
        self.coached = None; // what it says next is heard when the next snapshot is made
    }

    fn home(&self) {
        let (cases, sessions, career) = (self.desk.cases(), self.desk.sessions(), self.desk.career());
        let failed = cases.as_ref().err().or(career.as_ref().err()).cloned().unwrap_or_default();
        let home = Home { cases: cases.unwrap_or_default(), sessions, career: career.unwrap_or_default(), failed };
        self.say(News::Home(Box::new(home)));
    }

    fn rule(&self, words: &str) {
        let Some((open, _)) = &self.open else { return };
        self.say(match self.desk.rule(&name_of(open), words) {
            Ok(()) => News::Said("kept; it is shown when this comes back".to_string()),
            Err(why) => News::Refused(why),
        });
    }
}

fn name_of(open: &OpenSession) -> String {
    open.folder().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What the coach says, kept as long as it waits. Where the clock runs by itself, a minute is all that it waits for time.
fn listen(coach: &mut Coach, coached: &mut Option<Coached>, session: &crate::session::Session) {
    let lets_time_pass = |verb: &str| matches!(verb, "wait" | "next");
    let spoke = coach.says(session).is_some();
    let Some(line) = coach.next_line() else {
        *coached = None;
        return;
    };
    let waits = coached.as_ref().is_some_and(|c| c.verb == line.verb && c.says == line.says);
    if spoke && waits && lets_time_pass(&line.verb) {
        let verb = line.verb.clone();
        coach.heard(&verb);
    } else if spoke {
        *coached = Some(Coached { says: line.says.clone(), verb: line.verb.clone() });
    } else if !waits {
        *coached = None;
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_string()
}
