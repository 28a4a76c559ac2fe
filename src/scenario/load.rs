//! From files to a checked value, or to everything that is wrong with them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path as FilePath;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::check::{Report, did_you_mean};
use super::diagnostic::{Diagnostic, Mistakes, Place};
use super::schema::Schema;
use super::source::Source;
use super::{merge, structure, syntax, typed};

/// A file larger than this many bytes is refused unread.
pub const LARGEST_FILE: u64 = 4 << 20;

/// The presets that a document may name as `base`, by name.
pub type Presets = BTreeMap<String, Arc<Source>>;

/// A value that was read and checked.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The value.
    pub value: T,
    /// The files it came from: the document, then presets in the order in which they were first named.
    pub sources: Vec<Arc<Source>>,
}

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("{path}: there is no such file{hint}")]
    Missing {
        /// The path as given.
        path: String,
        /// The nearest file name in that directory, as a clause.
        hint: String,
    },
    /// It is a directory.
    #[error("{path} is a directory, not a file{hint}")]
    Directory {
        /// The path as given.
        path: String,
        /// The .ron files in it, as a clause.
        hint: String,
    },
    /// It is a file, and a directory was wanted.
    #[error("{path} is a file, not a directory")]
    NoDirectory {
        /// The path as given.
        path: String,
    },
    /// It is larger than [`LARGEST_FILE`].
    #[error(
        "{path} has {bytes} bytes or more; a scenario has at most {LARGEST_FILE}: keep traces in files of their own"
    )]
    TooLarge {
        /// The path as given.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// The system would not let us.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// The path as given.
        path: String,
        /// What the system said.
        reason: std::io::Error,
    },
}

/// Reads a document, lays it over its presets, and checks it: syntax, then structure against the schema of `T`, then
/// the value, then `check` for what no schema can say.
///
/// `check` is called if a value could be built, also when the file has unknown or repeated fields, so that one run
/// reports as much as it can.
///
/// # Errors
/// Every mistake found, in the order of files and places.
pub fn load<T: DeserializeOwned + JsonSchema>(
    source: Arc<Source>,
    presets: &Presets,
    check: impl FnOnce(&T, &mut Report<'_>),
) -> Result<Loaded<T>, Mistakes> {
    let mut sources = vec![Arc::clone(&source)];
    let (root, mut found) = syntax::read(&source);
    let Some(mut root) = root.filter(|_| found.is_empty()) else { return Err(mistakes(found, &source, &sources)) };

    let schema = json_schema::<T>();
    let schema = Schema::new(&schema);
    let merged = merge::merge(&mut root, schema, presets);
    sources.extend(merged.sources);
    found.extend(merged.found);
    found.extend(structure::check(&mut root, schema, merged.partial));

    match typed::build::<T>(&root) {
        Ok(value) => {
            let mut report = Report::new(&root);
            check(&value, &mut report);
            found.extend(report.into_found());
            match Mistakes::new(found, &sources) {
                None => Ok(Loaded { value, sources }),
                Some(mistakes) => Err(mistakes),
            }
        }
        Err(mistake) => {
            if found.is_empty() {
                found.push(*mistake); // otherwise it is most likely one of those found already, in other words
            }
            Err(mistakes(found, &source, &sources).before_names())
        }
    }
}

/// The mistakes of a file that was refused. Refusing without a reason would be our own mistake, and says so.
fn mistakes(found: Vec<Diagnostic>, source: &Arc<Source>, sources: &[Arc<Source>]) -> Mistakes {
    let unknown = || Diagnostic::new(Place { source: Arc::clone(source), span: 0..0 }, "the file cannot be understood");
    let found = if found.is_empty() { vec![unknown()] } else { found };
    Mistakes::new(found, sources).expect("there is at least one")
}

/// Reads a file.
///
/// # Errors
/// The file is missing, a directory, too large, or unreadable. Bytes that are not UTF-8 are a mistake of [`load`].
pub fn read_file(path: &FilePath) -> Result<Arc<Source>, ReadError> {
    let name = path.display().to_string();
    let unreadable = |reason| ReadError::Unreadable { path: name.clone(), reason };
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Err(ReadError::Missing { hint: near_file(path), path: name });
        }
        Err(e) => return Err(unreadable(e)),
    };
    if about.is_dir() {
        return Err(ReadError::Directory { hint: files_within(path), path: name });
    }
    if about.len() > LARGEST_FILE {
        return Err(ReadError::TooLarge { bytes: about.len(), path: name });
    }
    let mut bytes = Vec::new();
    // A device says that it has no length, and never ends.
    fs::File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(ReadError::TooLarge { bytes: bytes.len() as u64, path: name });
    }
    Ok(Arc::new(Source::from_bytes(name, &bytes)))
}

/// The JSON Schema of a format, from its type.
pub fn json_schema<T: JsonSchema>() -> serde_json::Value {
    schemars::schema_for!(T).to_value()
}

fn near_file(path: &FilePath) -> String {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(FilePath::new("."));
    let Some(wanted) = path.file_name().map(|n| n.to_string_lossy()) else { return String::new() };
    let names = names_in(parent);
    did_you_mean(&wanted, names.iter().map(String::as_str))
}

fn files_within(directory: &FilePath) -> String {
    let names: Vec<String> = names_in(directory).into_iter().filter(|n| n.ends_with(".ron")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!("; in it is {}", super::diagnostic::list(&names)) }
}

/// The names of a directory's entries in order; none if it cannot be read.
pub(super) fn names_in(directory: &FilePath) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
