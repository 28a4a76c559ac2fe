//! Where outcomes lie: a folder with the plan and files of outcomes, one a line. Any number of processes may write, each a
//! file of its own; a line that a kill has torn is as if it had never been written.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::study::outcome::Outcome;
use crate::study::plan::{Cell, Plan, Shard};

/// The plan's file in a folder.
pub const PLAN: &str = "plan.json";
/// What outcomes' files are called.
const OUTCOMES: &str = "outcomes-";

/// A folder of outcomes.
pub struct Shelf {
    folder: PathBuf,
}

/// Outcomes that were read.
#[derive(Debug, Default)]
pub struct Found {
    /// Each once.
    pub outcomes: BTreeMap<Cell, Outcome>,
    /// Lines that were left out, with the reason.
    pub left_out: Vec<String>,
}

fn cell(outcome: &Outcome) -> Cell {
    Cell {
        scenario: outcome.scenario.clone(),
        seed: outcome.seed,
        participant: outcome.participant.clone(),
        repeat: outcome.repeat,
    }
}

impl Shelf {
    /// A folder for a plan; made if it is not there.
    ///
    /// # Errors
    /// It holds another plan, or the disk refuses.
    pub fn open(folder: &Path, plan: &Plan) -> Result<Shelf, String> {
        let at = |path: &Path, e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        fs::create_dir_all(folder).map_err(|e| at(folder, &e))?;
        let path = folder.join(PLAN);
        let text = serde_json::to_string_pretty(plan).map_err(|e| at(&path, &e))? + "\n";
        match fs::read_to_string(&path) {
            Ok(there) if there == text => {}
            Ok(_) => {
                return Err(format!(
                    "{} holds outcomes of another plan: name another folder, or clear this one",
                    folder.display()
                ));
            }
            Err(_) => {
                let beside = folder.join(format!("{PLAN}.{}", std::process::id()));
                fs::write(&beside, &text).and_then(|()| fs::rename(&beside, &path)).map_err(|e| at(&path, &e))?;
            }
        }
        Ok(Shelf { folder: folder.to_path_buf() })
    }

    /// A folder that is there, and its plan.
    ///
    /// # Errors
    /// It is none.
    pub fn known(folder: &Path) -> Result<(Shelf, Plan), String> {
        let path = folder.join(PLAN);
        let wrong = |e: &dyn std::fmt::Display| format!("{} is no study: {}: {e}", folder.display(), path.display());
        let text = fs::read_to_string(&path).map_err(|e| wrong(&e))?;
        let plan = serde_json::from_str(&text).map_err(|e| wrong(&e))?;
        Ok((Shelf { folder: folder.to_path_buf() }, plan))
    }

    /// All outcomes of all parts, each once; what stands in several files must be the same.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn read(&self) -> Result<Found, String> {
        let mut read = Found::default();
        let entries = fs::read_dir(&self.folder).map_err(|e| format!("{}: {e}", self.folder.display()))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if !name.starts_with(OUTCOMES) || !name.ends_with(".jsonl") {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            for (n, line) in text.lines().enumerate() {
                let place = format!("{name}, line {}", n + 1);
                match serde_json::from_str::<Outcome>(line) {
                    Ok(outcome) => read.take(outcome, &place),
                    Err(_) if !text.ends_with('\n') && n + 1 == text.lines().count() => {}
                    Err(error) => read.left_out.push(format!("{place}: {error}")),
                }
            }
        }
        Ok(read)
    }

    /// The file of a part, to write on. Only one process may have it.
    ///
    /// # Errors
    /// Another has it, or the disk refuses.
    pub fn part(&self, shard: Shard) -> Result<Part, String> {
        let path = self.folder.join(format!("{OUTCOMES}{}-of-{}.jsonl", shard.i, shard.n));
        let at = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(|e| at(&e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(at(&"another process is at this part")),
            Err(fs::TryLockError::Error(error)) => return Err(at(&error)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|e| at(&e))?;
        // What stands after the last whole line had not been written.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place as u64 + 1);
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(|e| at(&e))?;
        Ok(Part { file, path })
    }
}

impl Found {
    fn take(&mut self, outcome: Outcome, place: &str) {
        let key = cell(&outcome);
        let same =
            |a: &Outcome, b: &Outcome| Outcome { wall_s: None, ..a.clone() } == Outcome { wall_s: None, ..b.clone() };
        match self.outcomes.get(&key) {
            Some(known) if !same(known, &outcome) => self.left_out.push(format!(
                "{place}: {} on {} {} differs from what was read before: parts of one study are run by one build",
                key.participant, key.scenario, key.seed
            )),
            Some(_) => {}
            None => drop(self.outcomes.insert(key, outcome)),
        }
    }
}

/// The file of a part.
pub struct Part {
    file: File,
    path: PathBuf,
}

impl Part {
    /// Writes an outcome; when this returns, it is on the disk.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&mut self, outcome: &Outcome) -> Result<(), String> {
        let at = |e: &dyn std::fmt::Display| format!("{}: {e}", self.path.display());
        let line = serde_json::to_string(outcome).map_err(|e| at(&e))? + "\n";
        self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data()).map_err(|e| at(&e))
    }
}
