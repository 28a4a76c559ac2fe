//! `check-files`: every scenario file is read, and everything wrong with any is said.

use std::path::Path;

use clap::Args;

use crate::cli::{Failure, catalogue, explain, open, print};
use crate::console::verbs;
use crate::scenario::file::VariantSpec;
use crate::scenario::lower::Setup;
use crate::scenario::opened::Scenario;
use crate::telemetry::archive::Archive;

/// Which files.
#[derive(Args)]
pub struct Options {
    /// Names or paths; all of the catalogue if none is given
    scenario: Vec<String>,
    /// Directory with scenarios of your own, beside those built in
    #[arg(long, value_name = "DIR")]
    scenarios: Option<std::path::PathBuf>,
}

/// Reads them and builds every variant's world. A mistake in a file outranks a file that is not there.
pub fn check_files(options: &Options) -> Result<(), Failure> {
    let directory = options.scenarios.as_deref();
    let names: Vec<String> = match options.scenario.is_empty() {
        true => catalogue(directory)?.names().map(str::to_string).collect(),
        false => options.scenario.clone(),
    };
    let failures: Vec<Failure> = names.iter().flat_map(|name| mistakes(name, directory)).collect();
    let all = failures.iter().map(Failure::to_string).collect::<Vec<_>>().join("\n\n");
    match failures.iter().min_by_key(|failure| failure.exit_code()) {
        None if names.len() == 1 => print("1 scenario file, nothing wrong"),
        None => print(&format!("{} scenario files, nothing wrong", names.len())),
        Some(Failure::No(_)) => Err(Failure::No(all)),
        Some(Failure::Usage(_)) => Err(Failure::Usage(all)),
        Some(Failure::Surroundings(_)) => Err(Failure::Surroundings(all)),
    }
}

fn mistakes(name: &str, directory: Option<&Path>) -> Vec<Failure> {
    let scenario = match open(name, directory) {
        Ok(scenario) => scenario,
        Err(failure) => return vec![failure],
    };
    let mut found = beside(&scenario, directory);
    let wrong = |variant: &VariantSpec| {
        let setup = Setup { variant: Some(variant.name.clone()), ..Setup::default() };
        let error = scenario.world(&setup, 1).err()?;
        Some(Failure::No(format!("{name}, variant {}: {}", variant.name, explain(error))))
    };
    found.extend(scenario.file.variants.iter().chain(&scenario.file.alternatives).filter_map(wrong));
    found
}

/// What does not fit what is beside the file: documents that nobody wrote, verbs that nobody knows, a number that is taken.
fn beside(scenario: &Scenario, directory: Option<&Path>) -> Vec<Failure> {
    let (name, file) = (&scenario.name, &scenario.file);
    let mut found: Vec<String> = Vec::new();
    let archive = Archive::of(&file.history.date);
    let documents = file.lesson.documents.iter().filter_map(|id| archive.document(id).err());
    found.extend(documents.map(|why| format!("{name}, lesson.documents: {why}")));
    let unknown = file.coach.iter().filter(|line| verbs::find(&line.verb).is_none());
    found.extend(unknown.map(|line| format!("{name}, coach: {}", verbs::unknown(&line.verb))));
    // What ships with the program is held to its numbers by a test.
    let others = catalogue(directory).ok().filter(|all| directory.is_some() || !all.names().any(|known| known == name));
    for other in others.iter().flat_map(|all| all.names().map(move |name| (all, name))) {
        let taken = || Scenario::open(other.0, other.1).is_ok_and(|s| s.file.case == file.case);
        if other.1 != name && taken() {
            found.push(format!("{name}, case: INC-{} is {} already; take another number", file.case, other.1));
        }
    }
    found.into_iter().map(Failure::No).collect()
}
