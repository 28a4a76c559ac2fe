//! The scenarios and presets that ship with the program or lie in a directory, by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::did_you_mean;
use super::load::{Presets, ReadError, names_in, read_file};
use super::source::Source;

/// Presets lie in this directory beside the scenarios.
pub const PRESETS: &str = "presets";

/// The built-in files: path below `scenarios/`, and text. A test holds the list to the directory.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("empty-spares-replay.ron", include_str!("../../scenarios/empty-spares-replay.ron")),
    ("empty-spares.ron", include_str!("../../scenarios/empty-spares.ron")),
    ("fastest-replica.ron", include_str!("../../scenarios/fastest-replica.ron")),
    ("fine-for-most.ron", include_str!("../../scenarios/fine-for-most.ron")),
    ("first-shift-1.ron", include_str!("../../scenarios/first-shift-1.ron")),
    ("first-shift-2.ron", include_str!("../../scenarios/first-shift-2.ron")),
    ("first-shift-3.ron", include_str!("../../scenarios/first-shift-3.ron")),
    ("first-shift-4.ron", include_str!("../../scenarios/first-shift-4.ron")),
    ("hit-rate-alarm.ron", include_str!("../../scenarios/hit-rate-alarm.ron")),
    ("long-document.ron", include_str!("../../scenarios/long-document.ron")),
    ("midnight.ron", include_str!("../../scenarios/midnight.ron")),
    ("monday-on-the-hour.ron", include_str!("../../scenarios/monday-on-the-hour.ron")),
    ("quiet-tuesday.ron", include_str!("../../scenarios/quiet-tuesday.ron")),
    ("record-day.ron", include_str!("../../scenarios/record-day.ron")),
    ("seven-at-a-hundred.ron", include_str!("../../scenarios/seven-at-a-hundred.ron")),
    ("silent-scaler.ron", include_str!("../../scenarios/silent-scaler.ron")),
    ("six-idle-pods.ron", include_str!("../../scenarios/six-idle-pods.ron")),
    ("three-times-three.ron", include_str!("../../scenarios/three-times-three.ron")),
    ("twenty-two-images.ron", include_str!("../../scenarios/twenty-two-images.ron")),
    ("presets/agentic-cell.ron", include_str!("../../scenarios/presets/agentic-cell.ron")),
    ("presets/agentic-workload.ron", include_str!("../../scenarios/presets/agentic-workload.ron")),
    ("presets/company-history.ron", include_str!("../../scenarios/presets/company-history.ron")),
    ("presets/general-cell.ron", include_str!("../../scenarios/presets/general-cell.ron")),
    ("presets/general-workload.ron", include_str!("../../scenarios/presets/general-workload.ron")),
    ("presets/quiet-workload.ron", include_str!("../../scenarios/presets/quiet-workload.ron")),
    ("presets/real-traffic.ron", include_str!("../../scenarios/presets/real-traffic.ron")),
    ("presets/small-cell.ron", include_str!("../../scenarios/presets/small-cell.ron")),
];

/// Scenarios and presets by name. A name is a file's name without `.ron`.
#[derive(Debug, Default)]
pub struct Catalogue {
    scenarios: BTreeMap<String, Entry>,
    presets: Presets,
}

#[derive(Debug)]
enum Entry {
    BuiltIn(Arc<Source>),
    Sealed(Arc<Source>),
    File(PathBuf),
}

/// Why a scenario was not found or not read.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No scenario has that name.
    #[error("no scenario is called `{name}`{hint}; `list` shows them all, and a path to a .ron file is taken too")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name, as a clause.
        hint: String,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Catalogue {
    /// The files built into the program.
    pub fn built_in() -> Self {
        Catalogue::from_texts(BUILT_IN)
    }

    /// A catalogue from paths (`name.ron` or `presets/name.ron`) and texts.
    pub fn from_texts(files: &[(&str, &str)]) -> Self {
        let mut catalogue = Catalogue::default();
        for (path, text) in files {
            let source = Arc::new(Source::new(format!("scenarios/{path}"), *text));
            let Some(name) = stem(path.rsplit('/').next().unwrap_or(path)) else { continue };
            if path.starts_with(PRESETS) {
                catalogue.presets.insert(name.to_owned(), source);
            } else {
                catalogue.scenarios.insert(name.to_owned(), Entry::BuiltIn(source));
            }
        }
        catalogue
    }

    /// Adds the .ron files of a directory, and those of its `presets` as presets. They hide built-in ones of the same
    /// name. Scenarios are read when they are asked for.
    ///
    /// # Errors
    /// The directory is missing or not one, or a preset cannot be read.
    pub fn add_directory(&mut self, directory: &Path) -> Result<(), ReadError> {
        if !directory.is_dir() {
            // Reading it as a file says what is wrong: it is missing, or it is a file.
            let path = directory.display().to_string();
            return Err(read_file(directory).err().unwrap_or(ReadError::NoDirectory { path }));
        }
        for file in names_in(directory) {
            if let Some(name) = stem(&file) {
                self.scenarios.insert(name.to_owned(), Entry::File(directory.join(&file)));
            }
        }
        let presets = directory.join(PRESETS);
        for file in names_in(&presets) {
            if let Some(name) = stem(&file) {
                self.presets.insert(name.to_owned(), read_file(&presets.join(&file))?);
            }
        }
        Ok(())
    }

    /// Adds what a sealed pack held, by paths as in a directory. It hides others of the same name.
    pub fn add_sealed(&mut self, files: &BTreeMap<String, String>) {
        for (path, text) in files {
            let source = Arc::new(Source::new(format!("pack/{path}"), text.as_str()));
            let Some(name) = stem(path.rsplit('/').next().unwrap_or(path)) else { continue };
            if path.starts_with(PRESETS) {
                self.presets.insert(name.to_owned(), source);
            } else {
                self.scenarios.insert(name.to_owned(), Entry::Sealed(source));
            }
        }
    }

    /// Whether a scenario came from a sealed pack.
    pub fn is_sealed(&self, name: &str) -> bool {
        matches!(self.scenarios.get(name), Some(Entry::Sealed(_)))
    }

    /// The names of all scenarios, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.scenarios.keys().map(String::as_str)
    }

    /// The presets, for [`super::load::load`].
    pub fn presets(&self) -> &Presets {
        &self.presets
    }

    /// The scenario of a name, or of a path: anything that ends in `.ron` or has a `/` in it.
    ///
    /// # Errors
    /// There is none, with the nearest name; or it cannot be read.
    pub fn find(&self, name_or_path: &str) -> Result<Arc<Source>, FindError> {
        match self.scenarios.get(name_or_path) {
            Some(Entry::BuiltIn(source) | Entry::Sealed(source)) => Ok(Arc::clone(source)),
            Some(Entry::File(path)) => Ok(read_file(path)?),
            None if is_path(name_or_path) => Ok(read_file(Path::new(name_or_path))?),
            None => {
                let hint = did_you_mean(name_or_path, self.names());
                Err(FindError::Unknown { name: name_or_path.to_owned(), hint })
            }
        }
    }
}

/// Whether this is a path and not a name: it ends in `.ron` or has a slash in it.
pub fn is_path(name: &str) -> bool {
    name.ends_with(".ron") || name.contains(['/', '\\'])
}

/// The name of a scenario's file, if it is one.
fn stem(file: &str) -> Option<&str> {
    file.strip_suffix(".ron").filter(|name| !name.is_empty() && !name.starts_with('.'))
}
