//! `run`: one run of one scenario, with causes or decoys removed or operator actions applied.

use clap::Args;

use crate::cli::terminal::terminal;
use crate::cli::{Failure, open, print};
use crate::report::outcome::{run_report, summary};
use crate::report::{page, terminal as drawing};
use crate::scenario::apply::parse_timed;
use crate::scenario::lower::Setup;
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::sim::spec::action::Action;
use crate::sim::time::SimDuration;

/// What to run.
#[derive(Args)]
pub struct Options {
    /// Name of a scenario, or path of a .ron file
    scenario: String,
    /// Picks everything random
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// Variant; the first if none is named
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Take a cause or decoy away; may be given again
    #[arg(long, value_name = "ID")]
    without: Vec<String>,
    /// Let an operator act, as NAME[:TARGET][=VALUE]@TIME after the opening; may be given again
    #[arg(long, value_name = "ACTION")]
    apply: Vec<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Also write one self-contained page with charts
    #[arg(long, value_name = "FILE")]
    html: Option<std::path::PathBuf>,
    /// Directory with scenarios of your own, beside those built in
    #[arg(long, value_name = "DIR")]
    scenarios: Option<std::path::PathBuf>,
}

/// Runs and prints.
pub fn run(options: &Options) -> Result<(), Failure> {
    let scenario = open(&options.scenario, options.scenarios.as_deref())?;
    let actions = actions(&scenario, &options.apply)?;
    let setup = Setup { variant: options.variant.clone(), without: options.without.clone(), actions };
    let variant = scenario.file.variant(setup.variant.as_deref()).map_err(|e| ScenarioError::Setup(vec![e]))?;
    let ended = scenario.run(&setup, options.seed)?;
    let report = run_report(&scenario, &variant.name, options.seed, &setup, ended);
    if let Some(file) = &options.html {
        super::write_file(file, &page::html(std::slice::from_ref(&report.run)))?;
    }
    if options.json {
        return print(&report.run.to_json());
    }
    let drawn = drawing::text(std::slice::from_ref(&report.run), terminal());
    print(&format!("{}\n{drawn}", super::lines(0, &summary(&report))))
}

/// Reads the actions and asks whether they fit the scenario; all that is wrong with any of them is told at once.
pub(super) fn actions(scenario: &Scenario, texts: &[String]) -> Result<Vec<(SimDuration, Action)>, ScenarioError> {
    let mut actions = Vec::new();
    let mut wrong = Vec::new();
    for text in texts {
        match parse_timed(text) {
            Ok((at, action)) => {
                wrong.extend(scenario.file.order_mistakes(at, &action, text));
                actions.push((at, action));
            }
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() { Ok(actions) } else { Err(ScenarioError::Setup(wrong)) }
}
