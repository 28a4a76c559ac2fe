//! The interactive loop: a line, its answer, one line of status. With history and completion where there is a terminal,
//! and as a plain filter of lines where there is none.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Editor, ExternalPrinter};

use crate::console::ask;
use crate::console::complete::Words;
use crate::console::parse::{Said, parse};
use crate::console::skin::Skin;
use crate::session::clock::{ClockKind, Seat};
use crate::session::coach::Coach;
use crate::session::play::{Notice, Reply};
use crate::session::store::{ApplyError, OpenSession};
use crate::sim::time::{SimDuration, SimTime};

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

/// Takes one line of a participant.
pub fn turn(open: &mut OpenSession, by: &str, line: &str) -> Turn {
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
        Said::Command(command) => match open.apply(Seat::Participant, by, &command) {
            Ok(reply) => Turn::Answered(told(&reply)),
            Err(ApplyError::Refused(refusal)) => Turn::Refused(refusal.to_string()),
            Err(ApplyError::Log(error)) => Turn::Lost(error.to_string()),
        },
    }
}

/// Takes one line as whoever wears a skin types it, and answers in its words.
fn turn_in(skin: &Skin, coach: &mut Coach, open: &mut OpenSession, by: &str, line: &str) -> Turn {
    let turn = to_coach(coach, line).unwrap_or_else(|| turn(open, by, &skin.meant(line)));
    match turn {
        Turn::Answered(text) => Turn::Answered(skin.shown(&text)),
        Turn::Refused(why) => Turn::Refused(skin.shown(&why)),
        other => other,
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
    if let Some(number) = reply.observation {
        text.push_str(&format!("E{number}\n"));
    }
    text.push_str(&reply.text);
    text
}

/// Notices, a line each, marked so that they stand out without colour.
pub fn news(notices: &[Notice]) -> String {
    notices.iter().map(|n| format!(">> {} {}\n", n.time, n.text)).collect()
}

/// Says a line to whoever watches.
///
/// # Errors
/// Nobody listens any more.
pub fn say(out: &mut dyn Write, turn: &Turn, status: &str) -> std::io::Result<()> {
    match turn {
        Turn::Answered(text) => writeln!(out, "{text}\n-- {status}"),
        Turn::Refused(why) => writeln!(out, "? {why}\n-- {status}"),
        Turn::Lost(why) => writeln!(out, "! {why}\n! nothing after the last answer was kept"),
        Turn::Nothing | Turn::Quit => Ok(()),
    }
}

/// What the loop needs to know of the wall clock.
pub trait Clock: Send + Sync {
    /// Nanoseconds since some moment that stays the same.
    fn now_ns(&self) -> u64;
}

/// A live clock's hand: how far simulated time has come since it was set.
#[derive(Clone, Copy, Debug)]
struct Hand {
    wall_ns: u64,
    world: SimTime,
}

/// Talks with whoever sits at a terminal, until they leave or the input ends.
///
/// # Errors
/// The terminal refuses.
pub fn converse(
    open: OpenSession,
    by: &str,
    words: Words,
    clock: &dyn Clock,
    history: &Path,
    skin: &Skin,
) -> Result<(), String> {
    let live = open.session.terms().clock == ClockKind::Live;
    let coach = Mutex::new(Coach::of(&open.session));
    if let Some(text) = lock(&coach).says(&open.session) {
        println!("{text}");
    }
    let shared = Mutex::new(open);
    let hand = Mutex::new(Hand { wall_ns: clock.now_ns(), world: lock(&shared).session.now() });
    let mut editor = Editor::<Words, FileHistory>::new().map_err(|e| e.to_string())?;
    editor.set_helper(Some(words));
    drop(editor.load_history(history)); // the first time there is none
    let over = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        if live && let Ok(mut printer) = editor.create_external_printer() {
            let (shared, hand, over, coach) = (&shared, &hand, &over, &coach);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::thread::sleep(TICK);
                    let mut open = lock(shared);
                    let mut text = news(&run_to_now(&mut open, hand, clock));
                    text.extend(lock(coach).says(&open.session).map(|said| format!("{said}\n")));
                    drop(open);
                    if !text.is_empty() && printer.print(skin.shown(&text)).is_err() {
                        return;
                    }
                }
            });
        }
        let result = loop {
            let prompt = prompt(&lock(&shared));
            let line = match editor.readline(&prompt) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => continue,
                Err(ReadlineError::Eof) => break Ok(()),
                Err(error) => break Err(error.to_string()),
            };
            drop(editor.add_history_entry(line.as_str()));
            let mut open = lock(&shared);
            print!("{}", skin.shown(&news(&run_to_now(&mut open, &hand, clock))));
            let turn = turn_in(skin, &mut lock(&coach), &mut open, by, &line);
            *lock(&hand) = Hand { wall_ns: clock.now_ns(), world: open.session.now() };
            let status = open.session.status_line();
            if say(&mut std::io::stdout(), &turn, &status).is_err() || matches!(turn, Turn::Quit) {
                break Ok(());
            }
            if let Some(text) = coached(&mut lock(&coach), &open, &line, &turn) {
                println!("{text}");
            }
            if let Turn::Lost(why) = turn {
                break Err(why);
            }
        };
        over.store(true, Ordering::Relaxed);
        result
    });
    drop(editor.save_history(history));
    result
}

/// How often a live session is brought up to date while nobody types.
const TICK: std::time::Duration = std::time::Duration::from_millis(250);

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Lets a live session catch up with the wall clock.
fn run_to_now(open: &mut OpenSession, hand: &Mutex<Hand>, clock: &dyn Clock) -> Vec<Notice> {
    let mut hand = lock(hand);
    let now_ns = clock.now_ns();
    let passed = now_ns.saturating_sub(hand.wall_ns);
    let speed = if open.session.is_stopped() { 0 } else { u64::from(open.session.speed()) };
    let until = hand.world + SimDuration(passed.saturating_mul(speed));
    *hand = Hand { wall_ns: now_ns, world: until.max(open.session.now()) };
    open.advance_to(until)
}

fn prompt(open: &OpenSession) -> String {
    format!("{} {}> ", open.session.view().case.to_lowercase(), open.session.clock())
}

/// Takes lines from a stream, as a transcript or a pipe gives them: each is shown, then its answer.
///
/// # Errors
/// The stream cannot be read, nobody listens, or what was said could not be kept.
pub fn filter(
    open: &mut OpenSession,
    by: &str,
    lines: &mut dyn BufRead,
    out: &mut dyn Write,
    skin: &Skin,
) -> Result<(), String> {
    let mut coach = Coach::of(&open.session);
    let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    if let Some(Err(error)) = coach.says(&open.session).map(|text| writeln!(out, "{text}")) {
        return if gone(&error) { Ok(()) } else { Err(format!("standard output: {error}")) };
    }
    let mut line = String::new();
    loop {
        line.clear();
        let mut bytes = Vec::new();
        if lines.read_until(b'\n', &mut bytes).map_err(|e| format!("standard input: {e}"))? == 0 {
            return Ok(());
        }
        line.push_str(&String::from_utf8_lossy(&bytes));
        let shown = line.trim_end();
        let written = if shown.is_empty() { Ok(()) } else { writeln!(out, "{}{shown}", prompt(open)) };
        let turn = turn_in(skin, &mut coach, open, by, shown);
        let status = open.session.status_line();
        let advice = coached(&mut coach, open, shown, &turn);
        let said = written.and_then(|()| say(out, &turn, &status));
        match said.and_then(|()| advice.map_or(Ok(()), |text| writeln!(out, "{text}"))) {
            Err(error) if gone(&error) => return Ok(()),
            Err(error) => return Err(format!("standard output: {error}")),
            Ok(()) => {}
        }
        match turn {
            Turn::Quit => return Ok(()),
            Turn::Lost(why) => return Err(why),
            _ => {}
        }
    }
}
