//! A scenario that has been read and checked, and how it is run.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::scenario::catalogue::{Catalogue, FindError};
use crate::scenario::diagnostic::Mistakes;
use crate::scenario::file::ScenarioFile;
use crate::scenario::load::load;
use crate::scenario::lower::Setup;
use crate::scenario::names;
use crate::sim::spec::SpecError;
use crate::sim::world::{Ended, World};

/// A scenario by its name.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name in the catalogue: the file's stem.
    pub name: String,
    /// What the author wrote, with presets merged.
    pub file: Arc<ScenarioFile>,
}

/// Why a scenario could not be had or run.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// There is none of that name, or it cannot be read.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The file has mistakes.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// What was asked of it does not fit it.
    #[error("{}", .0.iter().map(describe).collect::<Vec<_>>().join("\n"))]
    Setup(Vec<SpecError>),
    /// Nobody waits for it any more.
    #[error("it was stopped")]
    Stopped,
}

impl Scenario {
    /// Reads the scenario of a name or path, and everything it rests on.
    ///
    /// # Errors
    /// There is none, or it has mistakes: all of them.
    pub fn open(catalogue: &Catalogue, name_or_path: &str) -> Result<Scenario, ScenarioError> {
        let source = catalogue.find(name_or_path)?;
        let loaded = load::<ScenarioFile>(source, catalogue.presets(), names::check)?;
        let mut file = loaded.value;
        crate::scenario::trace::fill(&mut file.workload).map_err(|e| ScenarioError::Setup(vec![e]))?;
        let stem = name_or_path.rsplit(['/', '\\']).next().unwrap_or(name_or_path);
        let name = stem.strip_suffix(".ron").unwrap_or(stem).to_string();
        Ok(Scenario { name, file: Arc::new(file) })
    }

    /// A hash of everything in the file, presets included: equal ones play alike in one build.
    pub fn fingerprint(&self) -> String {
        let text = serde_json::to_string(&*self.file).unwrap_or_default();
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Builds the world of a variant under a seed.
    ///
    /// # Errors
    /// What of `setup` does not fit this scenario.
    pub fn world(&self, setup: &Setup, seed: u64) -> Result<World, ScenarioError> {
        let spec = self.file.world(setup).map_err(|e| ScenarioError::Setup(vec![e]))?;
        World::new(&spec, seed).map_err(ScenarioError::Setup)
    }

    /// Runs a variant under a seed, from before its beginning to its end.
    ///
    /// # Errors
    /// As [`Scenario::world`].
    pub fn run(&self, setup: &Setup, seed: u64) -> Result<Ended, ScenarioError> {
        Ok(self.world(setup, seed)?.finish())
    }
}

fn describe(error: &SpecError) -> String {
    let hint = error.suggestion.as_ref().map_or(String::new(), |s| format!("; did you mean \"{s}\"?"));
    format!("{error}{hint}")
}
