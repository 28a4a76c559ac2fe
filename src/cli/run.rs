//! `run`: one run of one scenario, with causes or decoys removed or operator actions applied.

use clap::Args;

use std::time::Instant;

use crate::assistant;
use crate::cli::incident::Incident;
#[cfg(feature = "wire")]
use crate::cli::llm::{LlmOptions, run_llm};
use crate::cli::terminal::terminal;
use crate::cli::{Failure, print, progress};
use crate::report::outcome::{run_report, summary};
use crate::report::{page, terminal as drawing};
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::runs::Runs;
use crate::score::tell;
use crate::study::outcome::{OutcomeError, grade, play};

/// What to run.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    incident: Incident,
    #[cfg(feature = "wire")]
    #[command(flatten)]
    llm: LlmOptions,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Also write one self-contained page with charts
    #[arg(long, value_name = "FILE")]
    html: Option<std::path::PathBuf>,
    /// Let a participant play it to its debrief: one that comes with the program, or `llm`, a model behind an API. The seed
    /// draws the variant then, as for everybody who plays, if none is named
    #[arg(long = "as", value_name = "PARTICIPANT", conflicts_with_all = ["without", "apply", "html"])]
    participant: Option<String>,
}

/// Runs and prints.
pub fn run(options: &Options) -> Result<(), Failure> {
    let (scenario, setup) = options.incident.open()?;
    #[cfg(feature = "wire")]
    if options.participant.as_deref() == Some("llm") {
        return run_llm(&options.llm, &options.incident, &scenario, options.json);
    }
    if let Some(name) = &options.participant {
        return played(options, name, &scenario, setup.variant.as_deref());
    }
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

/// Lets a built-in participant play, and prints how it fared. The clock is read for the time it took, and for nothing else.
fn played(options: &Options, name: &str, scenario: &Scenario, variant: Option<&str>) -> Result<(), Failure> {
    let player = assistant::find(name).map_err(Failure::Usage)?;
    #[expect(clippy::disallowed_methods, reason = "the second of two clocks: how long it took on the wall")]
    let begun = Instant::now();
    let played = play(scenario, variant, options.incident.seed, player, 0)?;
    let wall_s = begun.elapsed().as_secs_f64();
    if let Some(why) = &played.stopped {
        eprintln!("{name} stopped: {why}");
    }
    eprintln!("{name} has played; what it did is held against runs of other worlds");
    let (mut outcome, debrief) = grade(&Runs::new(scenario), &played, name, 0, &progress::runs)?;
    outcome.wall_s = Some(wall_s);
    if options.json {
        let text = serde_json::to_string_pretty(&outcome).map_err(|e| Failure::Surroundings(e.to_string()))?;
        return print(&text);
    }
    let said = outcome.said.map_or(String::new(), |said| format!("{name} said: \"{said}\"\n\n"));
    print(&format!("{said}{}", tell::markdown(&debrief).trim_end()))
}

impl From<OutcomeError> for Failure {
    fn from(error: OutcomeError) -> Self {
        match error {
            OutcomeError::Scenario(error) => error.into(),
            OutcomeError::Watch(error) => Failure::No(error.to_string()),
            OutcomeError::Observer(error) => Failure::No(error.to_string()),
            OutcomeError::Debrief(error) => error.into(),
        }
    }
}
