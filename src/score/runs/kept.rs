//! Runs that were made, kept in a file beside a session: a second debrief makes none of them again, and those that
//! every debrief wants can be made while the incident is still played. At a terminal and in the window one thread does
//! that meanwhile. What is kept changes no word of a debrief (tests `score`).
//!
//! The file is a cache and never the truth. It counts only for the build and the scenario that it was made with; a
//! record counts if its sum fits, and nothing after one that does not. Like the seal it knows what is true, and is its
//! owner's alone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::scenario::opened::Scenario;
use crate::score::runs::Ran;
use crate::session::snapshot::{BUILD, private};

/// The file's name in a session's folder.
pub const KEPT: &str = "runs";

/// What is known of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Known {
    /// All.
    Ran(Arc<Ran>),
    /// That users lose more than so many user-minutes in it.
    Beyond(f64),
}

impl Known {
    /// The run, if no more was lost in it than `most`; none if that is not known.
    pub(super) fn within(&self, most: f64) -> Option<Option<Arc<Ran>>> {
        match self {
            Known::Ran(ran) => Some(Some(Arc::clone(ran)).filter(|ran| ran.lost() <= most)),
            Known::Beyond(lost) => (most <= *lost).then_some(None),
        }
    }
}

/// A file of runs.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    head: String,
    file: Option<File>,
}

impl Kept {
    /// The file of a session's folder, and what it knows.
    pub(super) fn open(folder: &Path, scenario: &Scenario) -> (Kept, BTreeMap<String, Known>) {
        let kept = Kept { path: folder.join(KEPT), head: format!("{BUILD} {}\n", scenario.fingerprint()), file: None };
        let bytes = fs::read(&kept.path).unwrap_or_default();
        let Some(rest) = bytes.strip_prefix(kept.head.as_bytes()) else { return (kept, BTreeMap::new()) };
        let known = records(rest);
        // A record that was torn would hide what comes after it.
        let file = (known.1 == rest.len()).then(|| File::options().append(true).open(&kept.path).ok()).flatten();
        (Kept { file, ..kept }, known.0)
    }

    /// Adds to the file what is known of a run. A disk that refuses costs time later, and nothing else.
    pub(super) fn add(&mut self, all: &BTreeMap<String, Known>, key: &str, known: &Known) {
        let written = match &mut self.file {
            Some(file) => record(key, known).is_some_and(|bytes| file.write_all(&bytes).is_ok()),
            None => {
                self.file = self.anew(all);
                self.file.is_some()
            }
        };
        if !written {
            self.file = None;
        }
    }

    /// The file with everything that is known, in the place of what was there.
    fn anew(&self, all: &BTreeMap<String, Known>) -> Option<File> {
        let unfinished = self.path.with_extension("new");
        let mut bytes = self.head.clone().into_bytes();
        all.iter().filter_map(|(key, known)| record(key, known)).for_each(|record| bytes.extend(record));
        let mut file = private(&unfinished).ok()?;
        file.write_all(&bytes).and_then(|()| fs::rename(&unfinished, &self.path)).ok()?;
        File::options().append(true).open(&self.path).ok()
    }
}

/// Length and sum, then the bytes: added in one piece, so that two who write do not mix.
fn record(key: &str, known: &Known) -> Option<Vec<u8>> {
    let bytes = postcard::to_stdvec(&(key, known)).ok()?;
    let mut record = u32::try_from(bytes.len()).ok()?.to_le_bytes().to_vec();
    record.extend(crc32fast::hash(&bytes).to_le_bytes());
    record.extend(bytes);
    Some(record)
}

/// Records up to the first that is not sound, and how many bytes they take.
fn records(bytes: &[u8]) -> (BTreeMap<String, Known>, usize) {
    let (mut known, mut rest) = (BTreeMap::new(), bytes);
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_le_bytes);
    while let Some((head, after)) = rest.split_at_checked(8) {
        let (length, sum) = (number(&head[..4]).unwrap_or_default(), number(&head[4..]).unwrap_or_default());
        let Some((record, after)) = after.split_at_checked(length as usize) else { break };
        let read = (crc32fast::hash(record) == sum).then(|| postcard::from_bytes::<(String, Known)>(record).ok());
        let Some((key, of_run)) = read.flatten() else { break };
        known.insert(key, of_run);
        rest = after;
    }
    (known, bytes.len() - rest.len())
}
