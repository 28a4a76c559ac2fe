//! A profile: a folder of session logs with their scorecards beside them. That is the truth; the projection beside it is
//! brought up to date whenever the profile is opened.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::scar::files::write_whole;
use crate::scar::graded::{Graded, VERSION};
use crate::scar::records::{Projection, Records, RecordsError, Row};
use crate::session::Command;
use crate::session::log::Log;
use crate::session::store::LOG;

/// The folder of sessions in a profile's.
pub const SESSIONS: &str = "sessions";
/// The scorecard's file in a session's folder.
pub const SCORECARD: &str = "scorecard.json";
/// The file of a session's rule.
pub const RULE: &str = "rule.txt";
/// The projection's file.
pub const PROJECTION: &str = "scars.sqlite";
/// The file of what a profile says of itself.
pub const SETTINGS: &str = "profile.json";
/// Held while the projection is brought up to date.
const LOCK: &str = "scars.lock";
/// A rule is a sentence.
const MOST_RULE: usize = 300;

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file system refuses.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The projection refuses.
    #[error("{path}: {error}")]
    Records {
        /// Where.
        path: String,
        /// Why.
        #[source]
        error: RecordsError,
    },
    /// Something in it is not as it should be.
    #[error("{0}")]
    Wrong(String),
}

/// What a profile says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What its owner is called.
    pub name: String,
    /// Whether a team's page may show that name among few.
    pub shares_name: bool,
    /// Whether its owner is on call.
    pub on_call: bool,
    /// Severity times frequency times exposure, by mechanism; what is not named weighs 1. From 3 on it is kept fresher.
    pub weights: BTreeMap<String, f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { name: String::new(), shares_name: false, on_call: true, weights: BTreeMap::new() }
    }
}

/// A profile that is open.
pub struct Profile {
    folder: PathBuf,
    records: Box<dyn Records>,
    /// What is to be told of its opening.
    pub notes: Vec<String>,
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> ProfileError + use<> {
    let path = path.display().to_string();
    move |error| ProfileError::Io { path, error }
}

impl Profile {
    /// Opens a profile and brings its projection up to date; a damaged one is set aside and made anew.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn open(folder: &Path) -> Result<Profile, ProfileError> {
        fs::create_dir_all(folder).map_err(io_at(folder))?;
        let _held = hold(folder)?;
        let path = folder.join(PROJECTION);
        let mut notes = Vec::new();
        let opened = Projection::open(&path).and_then(|projection| projection.rows().map(|_| projection));
        let projection = match opened {
            Ok(projection) => projection,
            Err(RecordsError::Unusable(why)) => {
                let aside = set_aside(&path)?;
                notes.push(format!(
                    "{}: {why}; it was kept as {} and made anew from the scorecards",
                    path.display(),
                    aside.display()
                ));
                Projection::open(&path)
                    .map_err(|error| ProfileError::Records { path: path.display().to_string(), error })?
            }
            Err(error) => return Err(ProfileError::Records { path: path.display().to_string(), error }),
        };
        let mut profile = Profile { folder: folder.to_path_buf(), records: Box::new(projection), notes };
        profile.catch_up()?;
        Ok(profile)
    }

    /// Reads somebody's profile and leaves nothing in its folder.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn read(folder: &Path) -> Result<Profile, ProfileError> {
        let at = |error| ProfileError::Records { path: folder.display().to_string(), error };
        let records = Box::new(Projection::in_memory().map_err(at)?);
        let mut profile = Profile { folder: folder.to_path_buf(), records, notes: Vec::new() };
        profile.catch_up()?;
        Ok(profile)
    }

    /// Makes the projection anew from the scorecards, and says how many there are.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn rebuild(folder: &Path) -> Result<(Profile, usize), ProfileError> {
        {
            let _held = hold(folder)?;
            let path = folder.join(PROJECTION);
            for end in ["", "-journal", "-wal", "-shm"] {
                let file = PathBuf::from(format!("{}{end}", path.display()));
                match fs::remove_file(&file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_at(&file)(error)),
                    _ => {}
                }
            }
        }
        let profile = Profile::open(folder)?;
        let count = profile.rows()?.len();
        Ok((profile, count))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Graded sessions with their rules, oldest first.
    ///
    /// # Errors
    /// The projection cannot be read.
    pub fn rows(&self) -> Result<Vec<Row>, ProfileError> {
        self.records.rows().map_err(|error| self.at(error))
    }

    /// What the profile says of itself.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn settings(&self) -> Result<Settings, ProfileError> {
        settings(&self.folder)
    }

    /// Keeps the scorecard of a session for good. One that is there already is kept, and given back: nothing is graded
    /// again.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn keep(&mut self, session: &Path, graded: &Graded, debrief: &Value) -> Result<Graded, ProfileError> {
        let path = session.join(SCORECARD);
        {
            let _held = hold(&self.folder)?;
            if let Some(kept) = read_scorecard(&path)? {
                return Ok(kept);
            }
            write_scorecard(&path, graded, Some(debrief))?;
        }
        let _held = hold(&self.folder)?;
        self.catch_up()?;
        Ok(graded.clone())
    }

    /// Keeps what somebody made of a session, in their own words.
    ///
    /// # Errors
    /// It was not graded, the text is none, or the file system refuses.
    pub fn keep_rule(&mut self, session: &Path, rule: &str) -> Result<(), ProfileError> {
        let rule = rule.split_whitespace().collect::<Vec<_>>().join(" ");
        if rule.is_empty() || MOST_RULE < rule.chars().count() {
            return Err(ProfileError::Wrong(format!("a rule is a sentence of 1 to {MOST_RULE} characters")));
        }
        if !session.join(SCORECARD).is_file() {
            let name = session.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            return Err(ProfileError::Wrong(format!("{name} was not graded yet: `scartissue debrief {name}` first")));
        }
        let _held = hold(&self.folder)?;
        let path = session.join(RULE);
        write_whole(&path, &format!("{rule}\n")).map_err(io_at(&path))?;
        self.catch_up()
    }

    /// Sessions that have ended and were never debriefed, by name.
    pub fn ungraded(&self) -> Vec<String> {
        let ended = |folder: &PathBuf| {
            !folder.join(SCORECARD).exists()
                && Log::read(&folder.join(LOG)).is_ok_and(|log| log.events.iter().any(|e| e.command == Command::End))
        };
        folders(&self.folder).into_iter().filter(ended).map(|folder| name_of(&folder)).collect()
    }

    /// Reads what has changed in the folders since. The lock is held.
    fn catch_up(&mut self) -> Result<(), ProfileError> {
        let mut known = self.records.stamps().map_err(|error| self.at(error))?;
        let mut put = Vec::new();
        for folder in folders(&self.folder) {
            let (path, name) = (folder.join(SCORECARD), name_of(&folder));
            if !path.is_file() {
                continue;
            }
            let stamp = format!("{} {}", stamp(&path), stamp(&folder.join(RULE)));
            if known.remove(&name).is_some_and(|was| was == stamp) {
                continue;
            }
            match read_scorecard(&path) {
                Ok(Some(graded)) => {
                    let rule = fs::read_to_string(folder.join(RULE)).unwrap_or_default().trim().to_string();
                    put.push(Row { name, stamp, graded, rule });
                }
                Ok(None) => {}
                Err(error) => self.notes.push(format!("{error}; it is left alone and counts for nothing")),
            }
        }
        let remove: Vec<String> = known.into_keys().collect();
        self.records.change(&put, &remove).map_err(|error| self.at(error))
    }

    fn at(&self, error: RecordsError) -> ProfileError {
        ProfileError::Records { path: self.folder.join(PROJECTION).display().to_string(), error }
    }
}

/// What a profile's folder says of it.
///
/// # Errors
/// The file is damaged.
pub fn settings(folder: &Path) -> Result<Settings, ProfileError> {
    let path = folder.join(SETTINGS);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|e| {
            ProfileError::Wrong(format!("{}: {e}; it takes name, shares_name, on_call, weights", path.display()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Settings::default()),
        Err(error) => Err(io_at(&path)(error)),
    }
}

/// Writes what a profile says of itself.
///
/// # Errors
/// The file system refuses.
pub fn write_settings(folder: &Path, settings: &Settings) -> Result<(), ProfileError> {
    fs::create_dir_all(folder).map_err(io_at(folder))?;
    let path = folder.join(SETTINGS);
    let text = serde_json::to_string_pretty(settings).unwrap_or_default();
    write_whole(&path, &text).map_err(io_at(&path))
}

/// A scorecard's record; none: there is no file.
///
/// # Errors
/// It cannot be read, is damaged, or of a later version.
pub fn read_scorecard(path: &Path) -> Result<Option<Graded>, ProfileError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_at(path)(error)),
    };
    let wrong = |why: String| ProfileError::Wrong(format!("{}: {why}", path.display()));
    let value: Value = serde_json::from_str(&text).map_err(|e| wrong(format!("not a scorecard: {e}")))?;
    if let Some(v) = value.get("v").and_then(Value::as_u64).filter(|v| u64::from(VERSION) < *v) {
        return Err(wrong(format!("it has version {v}, and this program reads {VERSION}")));
    }
    let graded: Graded = serde_json::from_value(value).map_err(|e| wrong(format!("not a scorecard: {e}")))?;
    match graded.grades.iter().find(|g| !crate::scar::item::is_item(&g.item)) {
        Some(grade) => Err(wrong(format!("there is no item \"{}\"", grade.item))),
        None => Ok(Some(graded)),
    }
}

/// Writes a scorecard, with the debrief as it was then where there is one.
///
/// # Errors
/// The file system refuses.
pub fn write_scorecard(path: &Path, graded: &Graded, debrief: Option<&Value>) -> Result<(), ProfileError> {
    let mut fields = match serde_json::to_value(graded) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    if let Some(debrief) = debrief {
        fields.insert("debrief".to_string(), debrief.clone());
    }
    let text = serde_json::to_string_pretty(&Value::Object(fields)).unwrap_or_default();
    write_whole(path, &text).map_err(io_at(path))
}

fn folders(profile: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(profile.join(SESSIONS)).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_dir()).collect();
    found.sort();
    found
}

fn name_of(folder: &Path) -> String {
    folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Length and moment of the last change of a file, which tell whether it was written again.
fn stamp(path: &Path) -> String {
    let Ok(meta) = fs::metadata(path) else { return "none".to_string() };
    let since = meta.modified().ok().and_then(|m| m.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{}@{}", meta.len(), since.as_nanos())
}

/// Waits for other processes that bring the same projection up to date; the system lets go when a process ends.
fn hold(folder: &Path) -> Result<File, ProfileError> {
    fs::create_dir_all(folder).map_err(io_at(folder))?;
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io_at(&path))?;
    file.lock().map_err(io_at(&path))?;
    Ok(file)
}

fn set_aside(path: &Path) -> Result<PathBuf, ProfileError> {
    let aside = (1..)
        .map(|n| PathBuf::from(format!("{}.damaged-{n}", path.display())))
        .find(|p| !p.exists())
        .unwrap_or_else(|| path.with_extension("damaged"));
    fs::rename(path, &aside).map_err(io_at(path))?;
    // What belonged to the damaged file would be played into the new one.
    for end in ["-journal", "-wal", "-shm"] {
        drop(fs::remove_file(format!("{}{end}", path.display())));
    }
    Ok(aside)
}
