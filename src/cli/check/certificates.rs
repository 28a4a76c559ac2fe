//! The files of a check: certificates, and what an interrupted check had found.

use std::path::{Path, PathBuf};

use crate::cli::{Failure, write_file};
use crate::scenario::opened::Scenario;
use crate::score::check::certificate::{Certificate, Keys};
use crate::score::check::{Finding, Scope};

/// Where what an unfinished check of one scenario has found is kept.
pub struct Desk {
    directory: PathBuf,
}

impl Desk {
    /// The place for a scenario of these keys, checked to this extent.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(data: &Path, scenario: &Scenario, keys: &Keys, scope: &Scope) -> Result<Desk, Failure> {
        let observer = keys.observer.as_deref().unwrap_or("none");
        let extent = if scope.quick { "quick".to_string() } else { scope.seeds.len().to_string() };
        let name = format!("{}-{}-{}-{observer}-{extent}", scenario.name, keys.scenario, keys.world);
        let directory = data.join("check").join(name);
        std::fs::create_dir_all(&directory).map_err(|e| wrong(&directory, &e))?;
        Ok(Desk { directory })
    }

    /// What was found of a variant; none if it was not checked yet.
    pub fn kept(&self, variant: &str) -> Option<Vec<Finding>> {
        let text = std::fs::read_to_string(self.file(variant)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps what was found of a variant.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, variant: &str, findings: &[Finding]) -> Result<(), Failure> {
        let text = serde_json::to_string(findings).map_err(|e| Failure::Surroundings(e.to_string()))?;
        // Whole or not at all: a half-written file would be read as not checked, and is replaced.
        let half = self.directory.join(format!("{variant}.half"));
        write_file(&half, &text)?;
        std::fs::rename(&half, self.file(variant)).map_err(|e| wrong(&half, &e))
    }

    /// Forgets it all.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn clear(&self) -> Result<(), Failure> {
        std::fs::remove_dir_all(&self.directory).map_err(|e| wrong(&self.directory, &e))?;
        std::fs::create_dir_all(&self.directory).map_err(|e| wrong(&self.directory, &e))
    }

    fn file(&self, variant: &str) -> PathBuf {
        self.directory.join(format!("{variant}.json"))
    }
}

fn wrong(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Surroundings(format!("{}: {error}", path.display()))
}

fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.json"))
}

/// The certificate of a scenario; none if there is none.
///
/// # Errors
/// It cannot be read, or is none.
pub fn load(directory: &Path, name: &str) -> Result<Option<Certificate>, Failure> {
    let file = file(directory, name);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(&file, &error)),
    };
    let read = serde_json::from_str(&text);
    read.map(Some).map_err(|e| {
        Failure::No(format!("{} is no certificate ({e}); `check --certify` writes it anew", file.display()))
    })
}

/// Writes one.
///
/// # Errors
/// It cannot be written.
pub fn save(directory: &Path, certificate: &Certificate) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(|e| wrong(directory, &e))?;
    let text = serde_json::to_string_pretty(certificate).map_err(|e| Failure::Surroundings(e.to_string()))?;
    write_file(&file(directory, &certificate.name), &(text + "\n"))
}

/// The generation of the latest certificate in a directory; zero if there is none.
///
/// # Errors
/// One of them is none.
pub fn latest(directory: &Path) -> Result<u64, Failure> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(0) };
    let mut latest = 0;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".json") {
            latest = latest.max(load(directory, name)?.map_or(0, |c| c.generation));
        }
    }
    Ok(latest)
}
