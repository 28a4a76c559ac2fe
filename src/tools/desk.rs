//! Runs by their ids: those that are open, and those on disk, which are opened again when somebody asks for them.
//!
//! A run's id has 80 random bits, is the name of the session's folder, and is all that a client needs; whoever has it
//! may use it, in the seat that their token names. Only names of that form are looked for on the disk. A run that is
//! not in memory is replayed with its answers, so that pages go on after a restart; six are kept at a time. The desk
//! knows nothing of connections, so a run outlives them and the process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::answers::{Brief, CaseOf, Cases, Envelope, Hour, ListOfCases, PageOf, Shown};
use super::arguments::{Nothing, Start};
use super::attempt::{Attempt, Caller, Wrong};
use super::page::{MOST_ROWS, Want, read_cursor};
use super::reading::{input, output, read};
use super::seeing::brief;
use super::table::{Kind, Tools, page_arguments, unknown, with_arguments};
use crate::session::case::Case;
use crate::session::clock::Seat;
use crate::session::store::OpenSession;

/// What every run's id begins with.
const PREFIX: &str = "run-";
/// Tools that need no run.
const FIRST: [&str; 2] = ["list_cases", "start_incident"];
/// Hexadecimal digits after it: 80 bits that nobody guesses.
const DIGITS: usize = 20;

/// Where sessions are kept, and who begins them. What it refuses is shown to whoever plays: it must not tell what is true,
/// nor where files are.
pub trait Cabinet: Send + Sync {
    /// The cases there are.
    ///
    /// # Errors
    /// They cannot be read.
    fn cases(&self) -> Result<Vec<Case>, Wrong>;
    /// Begins a session on disk under a name.
    ///
    /// # Errors
    /// There is no such case, or it cannot be begun.
    fn begin(&self, who: &Caller, case: Option<&str>, seed: Option<u64>, name: &str) -> Result<OpenSession, Wrong>;
    /// Opens a session to go on with it, with the answers that were given.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    fn open(&self, name: &str) -> Result<OpenSession, Wrong>;
    /// A number that nobody can guess.
    fn unguessable(&self) -> u64;
}

/// How many runs a desk has room for.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Runs that are kept in memory at a time; others are opened again from the disk when they are asked for.
    pub open: usize,
    /// Runs that may be begun.
    pub begun: usize,
}

impl Default for Room {
    fn default() -> Self {
        Room { open: 6, begun: 1000 }
    }
}

type Slot = Arc<Mutex<Option<Attempt>>>;

/// Every tool, over every run.
pub struct Desk {
    tools: Tools,
    cabinet: Box<dyn Cabinet>,
    limits: Room,
    begun: AtomicUsize,
    /// Runs in memory, the one that was used last at the end.
    open: Mutex<Vec<(String, Slot)>>,
}

/// A tool as a client is told of it.
pub struct Listed {
    /// As it is called.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it is for and what it costs.
    pub about: &'static str,
    /// What it does.
    pub kind: Kind,
    /// JSON Schema of what it takes.
    pub input: Map<String, Value>,
    /// JSON Schema of what it answers.
    pub output: Map<String, Value>,
}

impl Desk {
    /// A desk over a cabinet.
    pub fn new(cabinet: Box<dyn Cabinet>, limits: Room) -> Desk {
        let (tools, begun, open) = (Tools::default(), AtomicUsize::new(0), Mutex::new(Vec::new()));
        Desk { tools, cabinet, limits, begun, open }
    }

    /// The same with fewer tools.
    pub fn with_tools(self, tools: Tools) -> Desk {
        Desk { tools, ..self }
    }

    /// Every tool there is.
    pub fn list(&self) -> Vec<Listed> {
        let mut list = vec![
            Listed {
                name: "list_cases",
                title: "Cases that can be played",
                about: "Cases that can be played, with the text of their page.",
                kind: Kind::Reads,
                input: list_takes(),
                output: output::<ListOfCases>(),
            },
            Listed {
                name: "start_incident",
                title: "Begin an incident",
                about: "Begin an incident, a minute before it pages. Gives the run_id that every other tool takes, and the briefing.",
                kind: Kind::Notes,
                input: input::<Start>(),
                output: output::<Envelope<Brief>>(),
            },
        ];
        list.extend(self.tools.list().iter().map(|tool| {
            let mut takes = tool.input.clone();
            let run_id =
                json!({ "run_id": { "type": "string", "description": "The run, as start_incident gave it." } });
            with_arguments(&mut takes, run_id, &["run_id"]);
            Listed {
                name: tool.name,
                title: tool.title,
                about: tool.about,
                kind: tool.kind,
                input: takes,
                output: explained_once(tool.output.clone()),
            }
        }));
        list
    }

    /// Whether a tool is called so.
    pub fn has(&self, name: &str) -> bool {
        FIRST.contains(&name) || self.tools.list().iter().any(|tool| tool.name == name)
    }

    /// What to say to whoever calls a tool that is not there.
    pub fn unknown(&self, name: &str) -> Wrong {
        unknown(name, FIRST.into_iter().chain(self.tools.list().iter().map(|tool| tool.name)))
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// What is wrong with the call, with its place and the way out.
    pub fn call(&self, who: &Caller, name: &str, arguments: Map<String, Value>) -> Result<Value, Wrong> {
        self.called(who, name, arguments).map_err(Wrong::bounded)
    }

    fn called(&self, who: &Caller, name: &str, mut arguments: Map<String, Value>) -> Result<Value, Wrong> {
        match name {
            "list_cases" => self.cases(arguments),
            "start_incident" => self.start(who, arguments),
            _ if !self.has(name) => Err(self.unknown(name)),
            _ => {
                let run_id = match arguments.remove("run_id") {
                    Some(Value::String(run_id)) => run_id,
                    Some(other) => return Err(Wrong(format!("{name}, argument \"run_id\": {other} is no text"))),
                    None => {
                        return Err(Wrong(format!(
                            "{name} needs \"run_id\": it is in the answer of start_incident, which begins a run"
                        )));
                    }
                };
                self.with(&run_id, |attempt| {
                    if !attempt.admits(who) {
                        return Err(Wrong(format!(
                            "{run_id} was begun by somebody else, and is theirs: start_incident begins one of yours"
                        )));
                    }
                    self.tools.call(attempt, who, &run_id, name, arguments)
                })
            }
        }
    }

    fn cases(&self, mut arguments: Map<String, Value>) -> Result<Value, Wrong> {
        let from = match arguments.remove("cursor") {
            Some(Value::String(cursor)) => read_cursor(&cursor)?.1,
            _ => 0,
        };
        let limit = arguments.remove("limit").and_then(|limit| limit.as_u64()).unwrap_or(MOST_ROWS as u64);
        let Nothing {} = read("list_cases", &list_takes(), arguments)?;
        let shown =
            |case: Case| CaseOf { id: case.id, page: case.page, difficulty: case.difficulty, minutes: case.minutes };
        let mut result = Cases { cases: self.cabinet.cases()?.into_iter().map(shown).collect() };
        let want = Want { from, limit: limit.clamp(1, MOST_ROWS as u64) as usize };
        let page = result.cut(want).map(|cut| PageOf {
            shown: cut.shown,
            total: cut.total,
            next_cursor: cut.next.map(|from| super::page::cursor(0, from)),
            shortened: cut.shortened,
        });
        serde_json::to_value(ListOfCases { page, result }).map_err(|why| Wrong(why.to_string()))
    }

    fn start(&self, who: &Caller, arguments: Map<String, Value>) -> Result<Value, Wrong> {
        let Start { case, seed } = read("start_incident", &input::<Start>(), arguments)?;
        if who.seat != Seat::Participant {
            return Err(Wrong::from(
                "whoever plays begins an incident, with the token of a participant; other seats join it by its run_id",
            ));
        }
        let known =
            self.begun.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| (n < self.limits.begun).then_some(n + 1));
        if known.is_err() {
            return Err(Wrong(format!(
                "{} runs were begun here, and no more may be: go on with the run_id that you have",
                self.limits.begun
            )));
        }
        let name = self.new_name();
        let begin = || {
            let open = self.cabinet.begin(who, case.as_deref(), seed, &name)?;
            let mut attempt = Attempt::new(open)?;
            let result = brief(&mut attempt, who, Nothing {})?;
            let (now, elapsed_s, left_s, ended) = attempt.hour();
            let clock = Hour { now, elapsed_s, left_s, ended };
            let (run_id, news) = (name.clone(), Vec::new());
            let told = Envelope { run_id, observation: None, price_s: 0.0, clock, news, page: None, result };
            let told = serde_json::to_value(told).map_err(|why| Wrong(why.to_string()))?;
            *self.slot(&name).lock().unwrap_or_else(PoisonError::into_inner) = Some(attempt);
            Ok(told)
        };
        begin().inspect_err(|_| {
            self.begun.fetch_sub(1, Ordering::SeqCst);
        })
    }

    fn new_name(&self) -> String {
        let (one, other) = (self.cabinet.unguessable(), self.cabinet.unguessable());
        format!("{PREFIX}{one:016x}{:04x}", other & 0xffff)
    }

    /// Does something with a run, opened from the disk if it is not in memory.
    fn with<T>(&self, run_id: &str, work: impl FnOnce(&mut Attempt) -> Result<T, Wrong>) -> Result<T, Wrong> {
        if !is_run_id(run_id) {
            let shown: String = run_id.chars().take(40).collect();
            return Err(Wrong(format!(
                "\"{shown}\" is no run_id: copy it from the answer of start_incident, as in {PREFIX}{}",
                "0".repeat(DIGITS)
            )));
        }
        let slot = self.slot(run_id);
        let mut held = match slot.lock() {
            Ok(held) => held,
            Err(poisoned) => {
                // Something went wrong halfway; what was acknowledged is on the disk.
                slot.clear_poison();
                let mut held = poisoned.into_inner();
                *held = None;
                held
            }
        };
        if held.is_none() {
            match self.cabinet.open(run_id).and_then(Attempt::new) {
                Ok(attempt) => *held = Some(attempt),
                Err(why) => {
                    drop(held);
                    self.lock().retain(|(name, _)| name != run_id);
                    return Err(why);
                }
            }
        }
        let Some(attempt) = held.as_mut() else { return Err(Wrong::from("this run is not open: call again")) };
        let done = work(attempt);
        if attempt.is_broken() {
            *held = None;
        }
        done
    }

    /// The place of a run, moved to the end; if there are too many, those that were not used for the longest go.
    fn slot(&self, run_id: &str) -> Slot {
        let mut open = self.lock();
        let found = open.iter().position(|(name, _)| name == run_id).map(|place| open.remove(place));
        let (name, slot) = found.unwrap_or_else(|| (run_id.to_string(), Slot::default()));
        while self.limits.open.max(1) <= open.len() {
            // One that somebody waits for has another owner.
            let Some(idle) = open.iter().position(|(_, slot)| Arc::strong_count(slot) == 1) else { break };
            open.remove(idle);
        }
        open.push((name, Arc::clone(&slot)));
        slot
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(String, Slot)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands around every answer is explained with the tool that begins a run; with all the others its words would be
/// most of what a model has to read of them.
fn explained_once(mut output: Map<String, Value>) -> Map<String, Value> {
    fn without_words(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                // A field may be called so: then it is no text.
                if fields.get("description").is_some_and(Value::is_string) {
                    fields.remove("description");
                }
                fields.values_mut().for_each(without_words);
            }
            Value::Array(items) => items.iter_mut().for_each(without_words),
            _ => {}
        }
    }
    output.remove("description");
    if let Some(Value::Object(fields)) = output.get_mut("properties") {
        fields.iter_mut().filter(|(name, _)| *name != "result").for_each(|(_, field)| without_words(field));
    }
    output
}

fn list_takes() -> Map<String, Value> {
    let mut takes = input::<Nothing>();
    with_arguments(&mut takes, page_arguments(), &[]);
    takes
}

/// Whether a text can be a run's id; nothing else is ever looked for on the disk.
fn is_run_id(text: &str) -> bool {
    let digits = text.strip_prefix(PREFIX).unwrap_or_default();
    digits.len() == DIGITS && digits.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unguessable_names_are_runs() {
        assert!(is_run_id("run-0123456789abcdef0123"));
        for wrong in [
            "",
            "run-",
            "inc-4127-1",
            "run-0123456789abcdef012",
            "run-0123456789abcdef01234",
            "run-0123456789ABCDEF0123",
            "../run-0123456789abcdef0123",
            "run-../../../etc/passwd",
            "run-0123456789abcdef012/",
            "/etc/passwd",
        ] {
            assert!(!is_run_id(wrong), "{wrong}");
        }
    }
}
