//! The thread that owns the session: commands in, snapshots and news out. A frame never waits for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::console::shell::{Turn, turn};
use crate::gui::desk::Desk;
use crate::gui::snapshot::{Maker, News, Snapshot};
use crate::session::clock::{ClockKind, Seat};
use crate::session::command::Command;
use crate::session::store::{ApplyError, OpenSession};
use crate::sim::time::SimDuration;

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
}

impl Thread {
    fn new(desk: Arc<dyn Desk>, latest: Arc<Mutex<Option<Arc<Snapshot>>>>, tell: Sender<News>) -> Thread {
        let clock = desk.clock();
        let last_ns = clock.now_ns();
        Thread { desk, latest, tell, clock, open: None, last_ns, held: false }
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
            Ask::Leave => {
                self.open = None;
                *lock(&self.latest) = None;
            }
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
            Ok(open) => self.open = Some((open, Maker::default())),
            Err(why) => self.say(News::Failed(why)),
        }
        self.last_ns = self.clock.now_ns();
    }

    fn command(&mut self, command: &Command) {
        let Some((open, _)) = &mut self.open else { return };
        let news = match open.apply(Seat::Participant, BY, command) {
            Ok(reply) => {
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
            Turn::Answered(text) => News::Said(text),
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
        let name = open.folder().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let snapshot = Arc::new(maker.snapshot(&name, &open.session));
        *lock(&self.latest) = Some(snapshot);
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_string()
}
