//! `run`: one run of one scenario, with causes or decoys removed or operator actions applied.

use clap::Args;

use crate::cli::incident::Incident;
use crate::cli::terminal::terminal;
use crate::cli::{Failure, print};
use crate::report::outcome::{run_report, summary};
use crate::report::{page, terminal as drawing};
use crate::scenario::opened::ScenarioError;

/// What to run.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    incident: Incident,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Also write one self-contained page with charts
    #[arg(long, value_name = "FILE")]
    html: Option<std::path::PathBuf>,
}

/// Runs and prints.
pub fn run(options: &Options) -> Result<(), Failure> {
    let (scenario, setup) = options.incident.open()?;
    let seed = options.incident.seed;
    let variant = scenario.file.variant(setup.variant.as_deref()).map_err(|e| ScenarioError::Setup(vec![e]))?;
    let ended = scenario.run(&setup, seed)?;
    let report = run_report(&scenario, &variant.name, seed, &setup, ended);
    if let Some(file) = &options.html {
        super::write_file(file, &page::html(std::slice::from_ref(&report.run)))?;
    }
    if options.json {
        return print(&report.run.to_json());
    }
    let drawn = drawing::text(std::slice::from_ref(&report.run), terminal());
    print(&format!("{}\n{drawn}", super::lines(0, &summary(&report))))
}
