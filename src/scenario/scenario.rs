//! A scenario that has been read and checked, and how it is run.

use std::sync::Arc;

use crate::scenario::catalogue::{Catalogue, FindError};
use crate::scenario::check::Report;
use crate::scenario::diagnostic::Mistakes;
use crate::scenario::file::{CauseSpec, ScenarioFile};
use crate::scenario::load::load;
use crate::scenario::lower::Setup;
use crate::scenario::tree::Path;
use crate::sim::spec::SpecError;
use crate::sim::spec::check::{action_mistakes, fault_mistakes, stack_mistakes};
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
}

fn describe(error: &SpecError) -> String {
    let hint = error.suggestion.as_ref().map_or(String::new(), |s| format!("; did you mean \"{s}\"?"));
    format!("{error}{hint}")
}

impl Scenario {
    /// Reads the scenario of a name or path, and everything it rests on.
    ///
    /// # Errors
    /// There is none, or it has mistakes: all of them.
    pub fn open(catalogue: &Catalogue, name_or_path: &str) -> Result<Scenario, ScenarioError> {
        let source = catalogue.find(name_or_path)?;
        let loaded = load::<ScenarioFile>(source, catalogue.presets(), check)?;
        let mut file = loaded.value;
        crate::scenario::trace::fill(&mut file.workload).map_err(|e| ScenarioError::Setup(vec![e]))?;
        let stem = name_or_path.rsplit(['/', '\\']).next().unwrap_or(name_or_path);
        let name = stem.strip_suffix(".ron").unwrap_or(stem).to_string();
        Ok(Scenario { name, file: Arc::new(file) })
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

/// What no schema can say: names that nothing bears, ids twice, faults that fit no stack, actions on nothing.
fn check(file: &ScenarioFile, report: &mut Report<'_>) {
    let root = Path::root;
    let tell = |report: &mut Report<'_>, path: Path, error: SpecError| {
        let mut said = report.at(&path, error.message);
        if let Some(near) = error.suggestion {
            said = said.help(format!("did you mean `{near}`?"));
        }
        drop(said);
    };
    for error in stack_mistakes(&file.stack, "stack") {
        let path = path_of(&error.path);
        tell(report, path, error);
    }
    report.unique("cause or decoy", ids(&file.causes, "causes").chain(ids(&file.decoys, "decoys")));
    let variants = file.variants.iter().enumerate();
    report.unique("variant", variants.map(|(i, v)| (v.name.as_str(), root().field("variants").index(i).field("name"))));
    for (list, field) in [(&file.causes, "causes"), (&file.decoys, "decoys")] {
        for (index, cause) in list.iter().enumerate() {
            let here = || root().field(field).index(index);
            for (kind, faults) in [("faults", &cause.faults), ("instead", &cause.instead)] {
                for (number, fault) in faults.iter().enumerate() {
                    let path = || here().field(kind).index(number).field("fault");
                    for error in fault_mistakes(&file.stack, &fault.fault, "") {
                        tell(report, path(), error);
                    }
                    if fault.until_s.is_some_and(|until| fault.at_s.is_some_and(|at| until <= at)) {
                        report
                            .at(&here().field(kind).index(number).field("until_s"), "it ends before it begins")
                            .expected("a time after `at_s`");
                    }
                }
            }
            for (number, source) in cause.sources.iter().enumerate() {
                let names = file.workload.sources.iter().map(|s| s.name.as_str());
                report.reference(&here().field("sources").index(number), "workload source", source, names);
            }
        }
    }
    for (index, variant) in file.variants.iter().enumerate() {
        for (field, wanted, list) in
            [("causes", &variant.causes, &file.causes), ("decoys", &variant.decoys, &file.decoys)]
        {
            for (number, id) in wanted.iter().enumerate() {
                let path = root().field("variants").index(index).field(field).index(number);
                let noun = field.trim_end_matches('s');
                report.reference(&path, noun, id, list.iter().map(|c| c.id.as_str()));
            }
        }
    }
    workload(file, report);
    let _ = action_mistakes;
}

fn ids<'a>(list: &'a [CauseSpec], field: &'static str) -> impl Iterator<Item = (&'a str, Path)> {
    let path = move |index| Path::root().field(field).index(index).field("id");
    list.iter().enumerate().map(move |(index, cause)| (cause.id.as_str(), path(index)))
}

fn workload(file: &ScenarioFile, report: &mut Report<'_>) {
    let sources = || Path::root().field("workload").field("sources");
    let named = file.workload.sources.iter().enumerate();
    report.unique("workload source", named.map(|(i, s)| (s.name.as_str(), sources().index(i).field("name"))));
    for (index, source) in file.workload.sources.iter().enumerate() {
        let here = || sources().index(index);
        let clients = file.stack.clients.iter().map(|c| c.name.as_str());
        report.reference(&here().field("client"), "client", &source.client, clients);
        let models = file.stack.pools.iter().map(|p| p.model.as_str());
        report.reference(&here().field("model"), "model", &source.model, models);
        let cohorts = file.workload.cohorts.iter().map(|c| c.name.as_str());
        report.reference(&here().field("cohort"), "cohort", &source.cohort, cohorts);
        if let Some(name) = &source.prompt.templates_of {
            let names = file.workload.sources.iter().map(|s| s.name.as_str());
            report.reference(&here().field("prompt").field("templates_of"), "workload source", name, names);
        }
    }
}

/// A path as a spec error writes it: names and indices joined by dots.
fn path_of(dotted: &str) -> Path {
    dotted.split('.').fold(Path::root(), |path, part| match part.parse() {
        Ok(index) => path.index(index),
        Err(_) => path.field(part),
    })
}
