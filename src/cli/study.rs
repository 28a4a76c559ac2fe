//! `study`: many incidents, each played by several participants, and what may be said of them.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Subcommand};

use crate::assistant;
use crate::cli::{Failure, catalogue, print, write_file};
use crate::report::comparison;
use crate::scenario::opened::Scenario;
use crate::score::runs::Runs;
use crate::study::compare::study as said;
use crate::study::outcome::{Outcome, grade, play};
use crate::study::plan::{Plan, Shard};
use crate::study::shelf::Shelf;

/// What is to be done.
#[derive(Subcommand)]
pub enum Options {
    /// Play what a plan asks for; what is there already is not played again
    Run(RunOptions),
    /// Say what the outcomes in a folder say
    Report(ReportOptions),
}

/// What to run.
#[derive(Args)]
pub struct RunOptions {
    /// The plan
    plan: PathBuf,
    /// Where outcomes go
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only a part: the i-th of n, from 1
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    shard: String,
    /// Directory with scenarios of your own, beside those built in
    #[arg(long, value_name = "DIR")]
    scenarios: Option<PathBuf>,
}

/// What to report.
#[derive(Args)]
pub struct ReportOptions {
    /// Where outcomes are
    out: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Also one self-contained page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also one row a run, comma-separated
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Also JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Does it.
pub fn study(options: &Options) -> Result<(), Failure> {
    match options {
        Options::Run(options) => run(options),
        Options::Report(options) => report(options),
    }
}

#[expect(clippy::disallowed_methods, reason = "how long runs take on the wall, and when they will be done")]
fn run(options: &RunOptions) -> Result<(), Failure> {
    let catalogue = catalogue(options.scenarios.as_deref())?;
    let path = &options.plan;
    let text = std::fs::read_to_string(path).map_err(|e| Failure::Surroundings(format!("{}: {e}", path.display())))?;
    let plan = Plan::read(&text, path, &catalogue).map_err(Failure::No)?;
    let shard = Shard::read(&options.shard).map_err(Failure::Usage)?;
    let shelf = Shelf::open(&options.out, &plan).map_err(Failure::Surroundings)?;
    let mut part = shelf.part(shard).map_err(Failure::Surroundings)?;
    let there = shelf.read().map_err(Failure::Surroundings)?;
    let incidents = plan.incidents(shard);
    let wanted = |(scenario, seed): &(String, u64)| {
        plan.cells(scenario, *seed).into_iter().filter(|cell| !there.outcomes.contains_key(cell)).collect::<Vec<_>>()
    };
    let total: usize = incidents.iter().map(|incident| wanted(incident).len()).sum();
    let (begun, mut done) = (Instant::now(), 0);
    eprintln!("{total} runs to go, {} there", there.outcomes.len());
    for incident in &incidents {
        let cells = wanted(incident);
        if cells.is_empty() {
            continue;
        }
        let scenario = Scenario::open(&catalogue, &incident.0)?;
        let runs = Runs::new(&scenario);
        for cell in cells {
            let player = assistant::find(&cell.participant).map_err(Failure::Usage)?;
            let started = Instant::now();
            let played = play(&scenario, None, cell.seed, player, cell.repeat)?;
            let wall_s = started.elapsed().as_secs_f64();
            let (outcome, _) = grade(&runs, &played, player.name, cell.repeat, &|_, _| {})?;
            part.write(&Outcome { scenario: cell.scenario.clone(), wall_s: Some(wall_s), ..outcome })
                .map_err(Failure::Surroundings)?;
            done += 1;
            let left = begun.elapsed().as_secs_f64() / done as f64 * (total - done) as f64;
            eprintln!(
                "{done} of {total}: {} on {} {}; about {:.0} s to go",
                player.name, cell.scenario, cell.seed, left
            );
        }
    }
    print(&format!(
        "{} holds the outcomes; `scartissue study report {}` says what they say",
        options.out.display(),
        options.out.display()
    ))
}

fn report(options: &ReportOptions) -> Result<(), Failure> {
    let (shelf, plan) = Shelf::known(&options.out).map_err(Failure::Usage)?;
    let found = shelf.read().map_err(Failure::Surroundings)?;
    if found.outcomes.is_empty() {
        return Err(Failure::No(format!(
            "{} holds no outcomes yet: `scartissue study run` makes them",
            options.out.display()
        )));
    }
    let study = said(&plan, &found.outcomes, found.left_out);
    let outcomes: Vec<&Outcome> = found.outcomes.values().collect();
    let wrong = |e: &dyn std::fmt::Display| Failure::Surroundings(e.to_string());
    if let Some(file) = &options.html {
        write_file(file, &comparison::html(&study, &outcomes))?;
    }
    if let Some(file) = &options.csv {
        write_file(file, &comparison::rows(&outcomes).map_err(|e| wrong(&e))?)?;
    }
    if let Some(file) = &options.junit {
        write_file(file, &comparison::junit(&study, &outcomes))?;
    }
    if options.json {
        return print(&serde_json::to_string_pretty(&study).map_err(|e| wrong(&e))?);
    }
    print(comparison::markdown(&study, &outcomes).trim_end())
}
