//! The demonstration: the flagship incident on recorded traffic, beside the same users with its cause removed.

use clap::Args;

use crate::cli::terminal::terminal;
use crate::cli::{Failure, catalogue, print};
use crate::report::outcome::run_report;
use crate::report::{page, terminal as drawing};
use crate::scenario::lower::Setup;
use crate::scenario::opened::Scenario;

/// The flagship, on recorded traffic.
const FLAGSHIP: &str = "empty-spares-replay";

/// What the demonstration shows.
#[derive(Args)]
pub struct Options {
    /// Picks everything random
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// Also write one self-contained page with charts
    #[arg(long, value_name = "FILE")]
    html: Option<std::path::PathBuf>,
    /// As JSON: both runs in a list
    #[arg(long)]
    json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { seed: 1, html: None, json: false }
    }
}

impl Options {
    /// Whether nothing was asked of the demonstration in particular.
    pub fn is_plain(&self) -> bool {
        self.html.is_none() && !self.json
    }
}

/// Runs the flagship twice and prints both.
pub fn demo(options: &Options) -> Result<(), Failure> {
    let catalogue = catalogue(None)?;
    let scenario = Scenario::open(&catalogue, FLAGSHIP)?;
    let variant = scenario.file.variants[0].clone();
    let with_cause = Setup::default();
    let without = Setup { without: variant.causes.clone(), ..Setup::default() };
    let (happened, spared) =
        rayon::join(|| scenario.run(&with_cause, options.seed), || scenario.run(&without, options.seed));
    let report = |setup: &Setup, ended| run_report(&scenario, &variant.name, options.seed, setup, ended).run;
    let runs = [report(&with_cause, happened?), report(&without, spared?)];
    if let Some(file) = &options.html {
        super::write_file(file, &page::html(&runs))?;
    }
    if options.json {
        return print(&serde_json::to_string_pretty(&runs).map_err(|e| Failure::Surroundings(e.to_string()))?);
    }
    print(&format!(
        "{}\n\n{}",
        drawing::text(&runs, terminal()),
        "Next: `scartissue list` shows the scenarios, `scartissue run NAME --html FILE` runs one."
    ))
}
