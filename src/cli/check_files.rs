//! `check-files`: every scenario file is read, and everything wrong with any is said.

use std::path::Path;

use clap::Args;

use crate::cli::{Failure, catalogue, explain, open, print};
use crate::scenario::file::VariantSpec;
use crate::scenario::lower::Setup;

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
    let wrong = |variant: &VariantSpec| {
        let setup = Setup { variant: Some(variant.name.clone()), ..Setup::default() };
        let error = scenario.world(&setup, 1).err()?;
        Some(Failure::No(format!("{name}, variant {}: {}", variant.name, explain(error))))
    };
    scenario.file.variants.iter().filter_map(wrong).collect()
}
