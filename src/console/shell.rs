//! The interactive loop: a line, its answer, one line of status. With history and completion where there is a terminal,
//! and as a plain filter of lines where there is none.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor, ExternalPrinter};

use crate::assistant::advisor;
use crate::console::ask;
use crate::console::complete::{Hidden, Words};
use crate::console::host::{HostSeat, masked};
use crate::console::parse::{Said, parse};
use crate::console::skin::Skin;
use crate::session::clock::{ClockKind, Seat};
use crate::session::coach::Coach;
pub use crate::session::live::Clock;
use crate::session::live::Live;
use crate::session::play::{Notice, Reply};
use crate::session::store::{ApplyError, OpenSession};

/// What came of one line.
#[derive(Debug)]
pub enum Turn {
    /// It was answered.
    Answered(String),
    /// It was not taken, and why.
    Refused(String),
    /// Nothing was said.
    Nothing,
    /// Whoever plays leaves.
    Quit,
    /// What was said could not be kept: the session has to be opened again.
    Lost(String),
}

/// Takes one line of a participant, at a console that no host uses.
pub fn turn(open: &mut OpenSession, by: &str, line: &str) -> Turn {
    if masked(line) != line {
        return Turn::Refused("a host sits at the console of `play`, or speaks by `do --host-file FILE`".to_string());
    }
    turn_with(open, &mut HostSeat::default(), by, line)
}

/// Takes one line of a participant, or of the host at the same console.
pub fn turn_with(open: &mut OpenSession, host: &mut HostSeat, by: &str, line: &str) -> Turn {
    let said = match parse(line) {
        Ok(said) => said,
        Err(why) => return Turn::Refused(why),
    };
    match said {
        Said::Nothing => Turn::Nothing,
        Said::Question("quit", _) => Turn::Quit,
        Said::Question(question, rest) => match ask::answer_to(&mut open.session, by, question, &rest) {
            Ok(text) => Turn::Answered(text),
            Err(why) => Turn::Refused(why),
        },
        Said::Host(line) => match host.take(open, &line) {
            Ok(text) => Turn::Answered(format!("{}{text}", news(&open.session.take_hosts_news()))),
            Err(ApplyError::Refused(refusal)) => Turn::Refused(refusal.to_string()),
            Err(ApplyError::Log(error)) => Turn::Lost(error.to_string()),
        },
        Said::Command(command) => match advisor::apply(open, Seat::Participant, by, &command) {
            Ok(reply) => Turn::Answered(told(&reply)),
            Err(ApplyError::Refused(refusal)) => Turn::Refused(refusal.to_string()),
            Err(ApplyError::Log(error)) => Turn::Lost(error.to_string()),
        },
    }
}

/// Takes one line as whoever wears a skin types it, and answers in its words.
fn turn_in(skin: &Skin, coach: &mut Coach, open: &mut OpenSession, seats: &mut Seats, line: &str) -> Turn {
    let turn = to_coach(coach, line).unwrap_or_else(|| seats.turn(open, &skin.meant(line)));
    match turn {
        Turn::Answered(text) => Turn::Answered(skin.shown(&text)),
        Turn::Refused(why) => Turn::Refused(skin.shown(&why)),
        other => other,
    }
}

/// Who sits at a console: who speaks, and whether the host's seat is open.
#[derive(Debug, Default)]
struct Seats {
    by: String,
    host: HostSeat,
}

impl Seats {
    /// Takes a line; `as NAME` says who speaks, from now on or in what follows it.
    fn turn(&mut self, open: &mut OpenSession, line: &str) -> Turn {
        let Some(rest) = line.trim().strip_prefix("as ").map(str::trim) else {
            return turn_with(open, &mut self.host, &self.by, line);
        };
        let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let names: Vec<&str> = open.session.names().collect();
        if !names.is_empty() && !names.contains(&name) {
            let hint = crate::scenario::check::did_you_mean(name, names.iter().copied());
            return Turn::Refused(format!("nobody here is called \"{name}\"{hint}; there are: {}", names.join(", ")));
        }
        if !rest.is_empty() {
            return turn_with(open, &mut self.host, name, rest);
        }
        self.by = name.to_string();
        Turn::Answered(format!("{name} speaks"))
    }
}

/// A line for the coach alone (`coach off`, `coach on`), if it is one.
fn to_coach(coach: &mut Coach, line: &str) -> Option<Turn> {
    let present = match line.trim() {
        "coach off" => false,
        "coach on" => true,
        _ => return None,
    };
    coach.set_present(present);
    let text = if present { "the coach is back" } else { "the coach has gone; `coach on` calls them back" };
    Some(Turn::Answered(text.to_string()))
}

/// What the coach says after a turn.
fn coached(coach: &mut Coach, open: &OpenSession, line: &str, turn: &Turn) -> Option<String> {
    if matches!(turn, Turn::Answered(_)) {
        coach.heard(line.split_whitespace().next().unwrap_or_default());
    }
    coach.says(&open.session)
}

/// A reply as text: what came meanwhile, then the answer.
pub fn told(reply: &Reply) -> String {
    let mut text = news(&reply.notices);
    if let Some(number) = reply.observation.filter(|number| !reply.text.starts_with(&format!("E{number} "))) {
        text.push_str(&format!("E{number}\n"));
    }
    text.push_str(&reply.text);
    text
}

/// Notices, a line each, marked so that they stand out without colour.
pub fn news(notices: &[Notice]) -> String {
    notices.iter().map(|n| format!(">> {} {}\n", n.time, n.text)).collect()
}

/// An answer with the line of status under it, which is an answer itself.
pub fn with_status(text: &str, status: &str) -> String {
    if text == status { format!("-- {status}") } else { format!("{text}\n-- {status}") }
}

/// Says a line to whoever watches.
///
/// # Errors
/// Nobody listens any more.
pub fn say(out: &mut dyn Write, turn: &Turn, status: &str) -> std::io::Result<()> {
    match turn {
        Turn::Answered(text) => writeln!(out, "{}", with_status(text, status)),
        Turn::Refused(why) => writeln!(out, "? {why}\n-- {status}"),
        Turn::Lost(why) => writeln!(out, "! {why}\n! nothing after the last answer was kept"),
        Turn::Nothing | Turn::Quit => Ok(()),
    }
}

/// Text as it fits a screen; on a stream it is what it was.
pub type Screen = dyn Fn(&str) -> String + Sync;

/// Somebody who talks with a session: by which name, in which skin, with a coach where there is one.
struct Talk<'t> {
    shared: &'t Mutex<Live>,
    seats: Mutex<Seats>,
    clock: &'t dyn Clock,
    skin: &'t Skin,
    /// How text comes to fit where it is shown.
    screen: &'t Screen,
    coach: Mutex<Coach>,
}

/// What came of a line, in the order in which it is told.
struct Told {
    came: String,
    turn: Turn,
    status: String,
    advice: Option<String>,
}

impl<'t> Talk<'t> {
    fn new(shared: &'t Mutex<Live>, by: &'t str, clock: &'t dyn Clock, skin: &'t Skin, screen: &'t Screen) -> Self {
        let coach = {
            let open = &lock(shared).open;
            Mutex::new(Coach::of(&open.session).after(&open.used))
        };
        let seats = Mutex::new(Seats { by: by.to_string(), host: HostSeat::default() });
        Talk { shared, seats, clock, skin, screen, coach }
    }

    /// What the coach says before anything else.
    fn opening(&self) -> Option<String> {
        let live = lock(self.shared);
        lock(&self.coach).says(&live.open.session)
    }

    /// Whether time passes by itself.
    fn runs(&self) -> bool {
        lock(self.shared).open.session.terms().clock == ClockKind::Live
    }

    fn prompt(&self) -> String {
        let open = &lock(self.shared).open;
        let by = &lock(&self.seats).by;
        let by = if open.session.role_of(by).is_some() { format!(" {by}") } else { String::new() };
        format!("{} {}{by}> ", open.session.view().case.to_lowercase(), open.session.clock())
    }

    /// Keeps a live session up to date, and tells what came, until it is over or nobody listens.
    fn tell(&self, over: &AtomicBool, mut print: impl FnMut(String) -> bool) {
        while !over.load(Ordering::Relaxed) {
            std::thread::sleep(TICK);
            let text = {
                let mut live = lock(self.shared);
                live.catch_up(self.clock.now_ns());
                let mut text = news(&live.take_news());
                text.extend(lock(&self.coach).says(&live.open.session).map(|said| format!("{said}\n")));
                text
            };
            if !text.is_empty() && !print((self.screen)(&self.skin.shown(&text))) {
                return;
            }
        }
    }

    /// One line, at the moment at which it is said.
    fn line(&self, line: &str) -> Told {
        let mut live = lock(self.shared);
        live.catch_up(self.clock.now_ns());
        let came = self.skin.shown(&news(&live.take_news()));
        let mut coach = lock(&self.coach);
        let turn = turn_in(self.skin, &mut coach, &mut live.open, &mut lock(&self.seats), line);
        live.settle();
        let status = live.open.session.status_line();
        let advice = coached(&mut coach, &live.open, line, &turn);
        Told { came, turn, status, advice }
    }

    fn write(&self, told: &Told, out: &mut dyn Write) -> std::io::Result<()> {
        let mut text = Vec::new();
        told.write(&mut text)?;
        out.write_all((self.screen)(&String::from_utf8_lossy(&text)).as_bytes())?;
        out.flush()
    }
}

impl Told {
    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        out.write_all(self.came.as_bytes())?;
        say(out, &self.turn, &self.status)?;
        self.advice.as_ref().map_or(Ok(()), |text| writeln!(out, "{text}"))
    }
}

/// Talks with whoever sits at a terminal, until they leave or the input ends.
///
/// # Errors
/// The terminal refuses.
pub fn converse(
    shared: &Mutex<Live>,
    by: &str,
    words: Words,
    clock: &dyn Clock,
    history: &Path,
    skin: &Skin,
    screen: &Screen,
) -> Result<(), String> {
    let talk = Talk::new(shared, by, clock, skin, screen);
    if let Some(text) = talk.opening() {
        println!("{}", screen(&text));
    }
    let config = Config::builder().completion_type(CompletionType::List).build();
    let mut editor = Editor::<Words, FileHistory>::with_config(config).map_err(|e| e.to_string())?;
    editor.set_helper(Some(words));
    drop(editor.load_history(history)); // the first time there is none
    let over = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        if talk.runs()
            && let Ok(mut printer) = editor.create_external_printer()
        {
            let (talk, over) = (&talk, &over);
            scope.spawn(move || talk.tell(over, |text| printer.print(text).is_ok()));
        }
        let result = loop {
            let line = match editor.readline(&talk.prompt()) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => {
                    println!("`quit` leaves, and `end` closes the incident");
                    continue;
                }
                Err(ReadlineError::Eof) => break Ok(()),
                Err(error) => break Err(error.to_string()),
            };
            if masked(&line) == line {
                drop(editor.add_history_entry(line.as_str()));
            }
            let told = talk.line(&line);
            if talk.write(&told, &mut std::io::stdout()).is_err() || matches!(told.turn, Turn::Quit) {
                break Ok(());
            }
            if let Turn::Lost(why) = told.turn {
                break Err(why);
            }
        };
        over.store(true, Ordering::Relaxed);
        result
    });
    drop(editor.save_history(history));
    result
}

/// Asks for something that nobody is to read along.
///
/// # Errors
/// There is no terminal to ask at, or nothing was said.
pub fn hidden(prompt: &str) -> Result<String, String> {
    if !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        return Err("there is no terminal to ask for the passphrase at: give --host-file FILE".to_string());
    }
    let mut editor = Editor::<Hidden, FileHistory>::new().map_err(|e| e.to_string())?;
    editor.set_helper(Some(Hidden));
    editor.readline(prompt).map_err(|e| e.to_string())
}

/// How often a live session is brought up to date while nobody types.
const TICK: Duration = Duration::from_millis(250);

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes lines from a stream until it ends, as a transcript, a pipe or a program gives them: each is shown, then its
/// answer. A live clock runs meanwhile, and what comes is told when it comes.
///
/// # Errors
/// The stream cannot be read, nobody listens, or what was said could not be kept.
pub fn filter(
    shared: &Mutex<Live>,
    by: &str,
    clock: &dyn Clock,
    lines: &mut dyn BufRead,
    out: &Mutex<dyn Write + Send>,
    skin: &Skin,
) -> Result<(), String> {
    let talk = Talk::new(shared, by, clock, skin, &str::to_string);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (talk, over) = (&talk, &over);
        let opening = talk.opening().map_or(Ok(()), |text| writeln!(lock(out), "{text}"));
        if talk.runs() {
            let print = |text: String| {
                let mut out = lock(out);
                out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
            };
            scope.spawn(move || talk.tell(over, print));
        }
        let result = each_line(lines, opening, |line| {
            let prompt = talk.prompt();
            let told = talk.line(line);
            let mut out = lock(out);
            let head = if line.is_empty() { Ok(()) } else { writeln!(out, "{prompt}{}", masked(line)) };
            (head.and_then(|()| talk.write(&told, &mut *out)), told.turn)
        });
        over.store(true, Ordering::Relaxed);
        result
    })
}

/// Reads lines until the stream ends, whoever plays leaves, or nobody listens.
fn each_line(
    lines: &mut dyn BufRead,
    opening: std::io::Result<()>,
    mut take: impl FnMut(&str) -> (std::io::Result<()>, Turn),
) -> Result<(), String> {
    let (mut told, mut turn) = (opening, Turn::Nothing);
    loop {
        match (told, turn) {
            (Err(error), _) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            (Err(error), _) => return Err(format!("standard output: {error}")),
            (Ok(()), Turn::Quit) => return Ok(()),
            (Ok(()), Turn::Lost(why)) => return Err(why),
            (Ok(()), _) => {}
        }
        let mut bytes = Vec::new();
        if lines.read_until(b'\n', &mut bytes).map_err(|e| format!("standard input: {e}"))? == 0 {
            return Ok(());
        }
        (told, turn) = take(String::from_utf8_lossy(&bytes).trim_end());
    }
}
