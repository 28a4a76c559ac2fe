//! `check-files`: every scenario file is read, and everything wrong with any is said.

use clap::Args;

use crate::cli::{Failure, catalogue, print};
use crate::scenario::lower::Setup;
use crate::scenario::opened::Scenario;

/// Which files.
#[derive(Args)]
pub struct Options {
    /// Names or paths; all of the catalogue if none is given
    scenario: Vec<String>,
    /// Directory with scenarios of your own, beside those built in
    #[arg(long, value_name = "DIR")]
    scenarios: Option<std::path::PathBuf>,
}

/// Reads them and builds every variant's world.
pub fn check_files(options: &Options) -> Result<(), Failure> {
    let catalogue = catalogue(options.scenarios.as_deref())?;
    let names: Vec<String> = match options.scenario.is_empty() {
        true => catalogue.names().map(str::to_string).collect(),
        false => options.scenario.clone(),
    };
    let mut wrong = Vec::new();
    for name in &names {
        match Scenario::open(&catalogue, name) {
            Err(error) => wrong.push(super::explain(error)),
            Ok(scenario) => {
                for variant in &scenario.file.variants {
                    let setup = Setup { variant: Some(variant.name.clone()), ..Setup::default() };
                    if let Err(error) = scenario.world(&setup, 1) {
                        wrong.push(format!("{name}, variant {}: {}", variant.name, super::explain(error)));
                    }
                }
            }
        }
    }
    match wrong.is_empty() {
        true => print(&format!("{} scenario files, nothing wrong", names.len())),
        false => Err(Failure::No(wrong.join("\n\n"))),
    }
}
