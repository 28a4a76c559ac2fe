//! The snapshot beside a log: the session as it was after some event, so that opening it replays only what came after.
//!
//! It is a cache and never the truth. It counts only for the very log, seal, terms and build (a hash over the sources,
//! from `build.rs`) that it was made with, and only if every sum over its bytes fits; else it is as if there were none,
//! and the log is replayed. Like the seal it knows what is true, and is its owner's alone.
//!
//! It holds the world through serde and `postcard`, rows in parts of their own, and the rest of the session as JSON. It
//! is written after an answer once a simulated minute has passed since the last, to another name, and renamed; a
//! session that has gone on without its log, as on a live clock, writes none. What follows from the specification is
//! built anew, what is derived when somebody looks is derived again, and answers are left out, so that a session from a
//! snapshot is one from a replay, byte for byte (tests `snapshots`). `replay`, `fork` and `debrief` never read one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::scenario::opened::Scenario;
use crate::session::log::{Log, hash_of};
use crate::session::play::Session;
use crate::session::seal::Seal;

/// The snapshot's file in a session's folder.
pub const SNAPSHOT: &str = "snapshot";
/// As long as it is being written.
const UNFINISHED: &str = "snapshot.new";
/// What it was made with: a hash of this program's sources, for another build may understand the bytes otherwise.
pub(crate) const BUILD: &str = env!("SCARTISSUE_SOURCES");

/// The first line of a snapshot, after the sum over it.
#[derive(Serialize, Deserialize)]
struct Head {
    build: String,
    /// A hash of the seal.
    seal: String,
    /// Events of the log that it comes after.
    events: usize,
    /// The hash of the last of them, which is one of everything before it.
    log: String,
    /// Length and sum of each part, in order.
    parts: Vec<(usize, u32)>,
}

fn sum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

fn hash_of_seal(seal: &Seal) -> String {
    hash_of(&serde_json::to_string(seal).unwrap_or_default())
}

/// Writes a snapshot of a session that stands after so many events, of which the last has this hash. Whoever reads finds
/// the old one or the new one; one that is torn by a power cut does not count.
///
/// # Errors
/// The disk refuses; then nothing of it is left.
pub(super) fn write(folder: &Path, session: &Session, events: usize, log: &str) -> io::Result<()> {
    let Some(parts) = session.kept() else { return Ok(()) };
    let head = Head {
        build: BUILD.to_string(),
        seal: hash_of_seal(session.seal()),
        events,
        log: log.to_string(),
        parts: parts.iter().map(|part| (part.len(), sum(part))).collect(),
    };
    let head = serde_json::to_string(&head)?;
    let unfinished = folder.join(UNFINISHED);
    let written = private(&unfinished).and_then(|mut file| {
        writeln!(file, "{:08x} {head}", sum(head.as_bytes()))?;
        parts.iter().try_for_each(|part| file.write_all(part))?;
        drop(file);
        fs::rename(&unfinished, folder.join(SNAPSHOT))
    });
    if written.is_err() {
        drop(fs::remove_file(&unfinished));
    }
    written
}

/// The session of a snapshot, and how many events of the log it comes after. None if there is none that counts.
pub(super) fn read(folder: &Path, scenario: &Scenario, seal: &Seal, log: &Log) -> Option<(Session, usize)> {
    let bytes = fs::read(folder.join(SNAPSHOT)).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (line, mut rest) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]);
    let (wanted, head) = line.split_once(' ')?;
    if u32::from_str_radix(wanted, 16).ok()? != sum(head.as_bytes()) {
        return None;
    }
    let head: Head = serde_json::from_str(head).ok()?;
    let fits = head.build == BUILD && head.seal == hash_of_seal(seal) && log.hash_after(head.events)? == head.log;
    if !fits {
        return None;
    }
    let mut parts = Vec::new();
    for (length, sum_of_it) in head.parts {
        let (part, after) = rest.split_at_checked(length)?;
        if sum(part) != sum_of_it {
            return None;
        }
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        return None;
    }
    let before = log.events.get(..head.events)?;
    let session = Session::resume(scenario.clone(), seal.clone(), log.header.terms.clone(), before, &parts)?;
    Some((session, head.events))
}

/// Takes a snapshot away, if there is one.
pub(super) fn remove(folder: &Path) {
    [SNAPSHOT, UNFINISHED].iter().for_each(|file| drop(fs::remove_file(folder.join(file))));
}

/// A file that others on the machine cannot read, where the system knows of others.
pub(crate) fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
