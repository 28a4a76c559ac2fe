//! When and why a session was played: a file of its own beside the log, since the log knows no time but the world's and is
//! shown around, while this spoils.

use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::session::store::LOG;

/// The file in a session's folder.
pub const OCCASION: &str = "occasion.json";

/// When and why a session was played.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Occasion {
    /// Version of the form.
    pub v: u32,
    /// When it was begun, in seconds since 1970.
    pub began_s: i64,
    /// Days by which the clock had been moved on for a demonstration.
    #[serde(default)]
    pub moved_days: f64,
    /// Why `drill` chose it, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
}

/// Why a session was drilled. Nobody is told before the debrief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    /// The item that it was chosen for.
    pub item: String,
    /// In a sentence.
    pub why: String,
    /// Whether something was due when it was chosen.
    pub due: bool,
    /// Whether the slot of what was due was given to something else, so that being drilled tells nothing.
    pub other: bool,
}

impl Occasion {
    /// Writes it into a session's folder.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        crate::scar::files::write_whole(&folder.join(OCCASION), &text)
    }

    /// That of a session. Where there is none, it was begun when its log was last written.
    ///
    /// # Errors
    /// There is no session, or the file is damaged.
    pub fn read(folder: &Path) -> io::Result<Occasion> {
        match std::fs::read_to_string(folder.join(OCCASION)) {
            Ok(text) => serde_json::from_str(&text).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let written = std::fs::metadata(folder.join(LOG))?.modified()?;
                let since = written.duration_since(UNIX_EPOCH).map(|d| d.as_secs()).unwrap_or_default();
                Ok(Occasion { v: 1, began_s: i64::try_from(since).unwrap_or(i64::MAX), ..Occasion::default() })
            }
            Err(error) => Err(error),
        }
    }
}
