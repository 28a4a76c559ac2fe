//! The event log of a session: JSON lines, one event a line, written and synced before anything is acknowledged.
//!
//! The first line is a [`Header`]; every other an [`Event`]. Each line carries a hash over the hash before it and its own
//! contents, so that an edited, truncated or foreign file is told apart from one whose last line was torn by a kill.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::session::clock::{Seat, Terms};
use crate::session::command::Command;

/// The version of the log's form.
pub const VERSION: u32 = 1;

/// What a log begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the form.
    pub v: u32,
    /// The session's own id.
    pub session: String,
    /// The case, as in `INC-4127`.
    pub case: String,
    /// How it counts.
    pub terms: Terms,
    /// Who plays.
    pub by: String,
    /// The version of the program.
    pub build: String,
    /// The session and the event number that this one was forked from, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<(String, u64)>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number, from 1.
    pub n: u64,
    /// The moment at which it was said, in nanoseconds of the world.
    pub at: u64,
    /// Whose it is.
    pub seat: Seat,
    /// Who said it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// What was said.
    #[serde(rename = "do")]
    pub command: Command,
    /// A hash of what was answered.
    pub saw: String,
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refuses.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// It is no log of a session.
    #[error("{path} is no log of a session: {why}")]
    Foreign {
        /// Where.
        path: String,
        /// Why not.
        why: String,
    },
    /// It was written by a later version.
    #[error("{path} has version {found}; this program reads version {VERSION}: use the program that wrote it")]
    Version {
        /// Where.
        path: String,
        /// What it has.
        found: u64,
    },
    /// A line in its middle is not what was written.
    #[error("{path}, line {line}: {why}; the {sound} events before it are sound, and `recover` keeps a copy of them")]
    Damaged {
        /// Where.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
        /// Events before it.
        sound: usize,
    },
}

/// A log as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// Its first line.
    pub header: Header,
    /// Its events.
    pub events: Vec<Event>,
    /// Whether the last line was torn, as by a kill while it was written: it had not been acknowledged.
    pub torn: bool,
    /// Bytes up to the end of the last sound line.
    pub sound_bytes: u64,
    /// The hash of each line, the first included.
    hashes: Vec<String>,
}

/// Hexadecimal digits kept of a hash.
const DIGITS: usize = 16;

fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part.as_bytes()));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>()[..DIGITS].to_string()
}

/// A short hash of an answer.
pub fn hash_of(answer: &str) -> String {
    hash(&[answer])
}

fn line(body: &impl Serialize, before: &str) -> io::Result<(String, String)> {
    let mut value = serde_json::to_value(body)?;
    let text = serde_json::to_string(&value)?;
    let sum = hash(&[before, &text]);
    if let Value::Object(fields) = &mut value {
        fields.insert("h".to_string(), Value::String(sum.clone()));
    }
    Ok((serde_json::to_string(&value)? + "\n", sum))
}

/// Reads one line: its fields without the hash, which must fit.
fn checked(text: &str, before: &str) -> Result<(Value, String), String> {
    let mut value: Value = serde_json::from_str(text).map_err(|e| format!("it is not JSON ({e})"))?;
    let Value::Object(fields) = &mut value else { return Err("it is no JSON object".to_string()) };
    let Some(Value::String(sum)) = fields.remove("h") else { return Err("it has no hash".to_string()) };
    let body = serde_json::to_string(&value).map_err(|e| e.to_string())?;
    if hash(&[before, &body]) != sum {
        return Err("it was changed, or lines before it were".to_string());
    }
    Ok((value, sum))
}

impl Log {
    /// Reads a log.
    ///
    /// # Errors
    /// It cannot be read, is none, is of a later version, or was changed. A torn last line is no error.
    pub fn read(path: &Path) -> Result<Log, LogError> {
        let shown = path.display().to_string();
        let io = |error| LogError::Io { path: shown.clone(), error };
        let mut bytes = Vec::new();
        File::open(path).and_then(|mut f| f.read_to_end(&mut bytes)).map_err(io)?;
        Log::parse(&bytes, &shown)
    }

    /// Reads a log from its bytes; `shown` names it in errors.
    ///
    /// # Errors
    /// As [`Log::read`].
    pub fn parse(bytes: &[u8], shown: &str) -> Result<Log, LogError> {
        let foreign = |why: &str| LogError::Foreign { path: shown.to_string(), why: why.to_string() };
        let mut lines = bytes.split_inclusive(|b| *b == b'\n');
        let first = lines.next().ok_or_else(|| foreign("it is empty"))?;
        let text =
            |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_string).map_err(|_| "it is no text".to_string());
        let whole = |bytes: &[u8]| bytes.last() == Some(&b'\n');
        if !whole(first) {
            return Err(foreign("its first line has no end"));
        }
        let head = text(first).map_err(|why| foreign(&why))?;
        let version = serde_json::from_str::<Value>(&head).ok().and_then(|v| v.get("v")?.as_u64());
        if let Some(found) = version.filter(|v| u64::from(VERSION) < *v) {
            return Err(LogError::Version { path: shown.to_string(), found });
        }
        let (value, mut before) = checked(head.trim_end(), "").map_err(|why| foreign(&format!("line 1: {why}")))?;
        let header: Header = serde_json::from_value(value).map_err(|e| foreign(&format!("line 1: {e}")))?;
        let mut log = Log {
            header,
            events: Vec::new(),
            torn: false,
            sound_bytes: first.len() as u64,
            hashes: vec![before.clone()],
        };
        for (number, bytes) in lines.enumerate() {
            if !whole(bytes) {
                log.torn = true;
                break;
            }
            let damaged = |why: String| LogError::Damaged {
                path: shown.to_string(),
                line: number + 2,
                why,
                sound: log.events.len(),
            };
            let line = text(bytes).map_err(damaged)?;
            let (value, sum) = checked(line.trim_end(), &before).map_err(damaged)?;
            let event: Event = serde_json::from_value(value).map_err(|e| damaged(e.to_string()))?;
            if event.n != log.events.len() as u64 + 1 {
                return Err(damaged(format!("it is number {}, and {} was expected", event.n, log.events.len() + 1)));
            }
            log.events.push(event);
            log.sound_bytes += bytes.len() as u64;
            log.hashes.push(sum.clone());
            before = sum;
        }
        Ok(log)
    }

    /// The hash of the line of so many events, which is one of everything before it; none if there are not so many.
    pub fn hash_after(&self, events: usize) -> Option<&str> {
        self.hashes.get(events).map(String::as_str)
    }

    /// What can still be read of a damaged log: everything before the first line that is not what was written.
    ///
    /// # Errors
    /// Not even its first line is sound.
    pub fn salvage(bytes: &[u8], shown: &str) -> Result<Log, LogError> {
        match Log::parse(bytes, shown) {
            Err(LogError::Damaged { line, .. }) => {
                let end: usize = bytes.split_inclusive(|b| *b == b'\n').take(line - 1).map(<[u8]>::len).sum();
                Log::parse(&bytes[..end], shown)
            }
            other => other,
        }
    }
}

/// Writes events at the end of a log.
#[derive(Debug)]
pub struct LogWriter {
    file: File,
    path: String,
    hash: String,
    next: u64,
    length: u64,
    /// A line could not be written whole: nothing more may follow it.
    broken: bool,
}

impl LogWriter {
    /// Begins a new log.
    ///
    /// # Errors
    /// There is one already, or it cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<LogWriter, LogError> {
        let shown = path.display().to_string();
        let io = |error| LogError::Io { path: shown.clone(), error };
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(io)?;
        let mut writer =
            LogWriter { file, path: shown.clone(), hash: String::new(), next: 1, length: 0, broken: false };
        writer.append(header)?;
        Ok(writer)
    }

    /// Goes on with a log that was read; a torn last line is cut off.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn resume(path: &Path, log: &Log) -> Result<LogWriter, LogError> {
        let shown = path.display().to_string();
        let io = |error| LogError::Io { path: shown.clone(), error };
        let file = OpenOptions::new().write(true).open(path).map_err(io)?;
        if log.torn {
            file.set_len(log.sound_bytes).and_then(|()| file.sync_all()).map_err(io)?;
        }
        let mut writer = LogWriter {
            file,
            path: shown.clone(),
            hash: log.hashes.last().cloned().unwrap_or_default(),
            next: log.events.len() as u64 + 1,
            length: log.sound_bytes,
            broken: false,
        };
        io::Seek::seek(&mut writer.file, io::SeekFrom::Start(log.sound_bytes)).map_err(io)?;
        Ok(writer)
    }

    /// The number of the next event.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The hash of the last line, as [`Log::hash_after`] will give it.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Writes an event, and returns when it is on the disk. Its number must be [`LogWriter::next`].
    ///
    /// # Errors
    /// It cannot be written; what was written of it is taken back, so that nothing half-written stays.
    pub fn write(&mut self, event: &Event) -> Result<(), LogError> {
        self.append(event)?;
        self.next += 1;
        Ok(())
    }

    fn append(&mut self, body: &impl Serialize) -> Result<(), LogError> {
        let path = self.path.clone();
        let io = |error| LogError::Io { path: path.clone(), error };
        if self.broken {
            return Err(io(io::Error::other("an earlier event could not be written; open the session again")));
        }
        let (text, sum) = line(body, &self.hash).map_err(io)?;
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.broken = self.file.set_len(self.length).is_err()
                || io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.length)).is_err();
            return Err(LogError::Io { path: self.path.clone(), error });
        }
        self.length += text.len() as u64;
        self.hash = sum;
        Ok(())
    }
}
