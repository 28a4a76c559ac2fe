//! `new-scenario`: a commented file to begin with.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::cli::{Failure, print};
use crate::scenario::catalogue::Catalogue;
use crate::scenario::check::did_you_mean;
use crate::scenario::opened::Scenario;

const SKELETON: &str = include_str!("skeleton.ron");

/// A stack to start from, and what goes with it.
struct Start {
    stack: &'static str,
    workload: &'static str,
    pool: &'static str,
    client: &'static str,
    cohort: &'static str,
    /// Requests per second that are too many for it.
    rate: &'static str,
}

const STARTS: &[Start] = &[
    Start {
        stack: "small-cell",
        workload: "quiet-workload",
        pool: "general-70b",
        client: "api-sdk",
        cohort: "developers",
        rate: "45",
    },
    Start {
        stack: "general-cell",
        workload: "general-workload",
        pool: "general-70b",
        client: "api-sdk",
        cohort: "developers",
        rate: "70",
    },
    Start {
        stack: "agentic-cell",
        workload: "agentic-workload",
        pool: "agents-70b",
        client: "agent-sdk",
        cohort: "builders",
        rate: "90",
    },
];

/// What it is called and where it begins.
#[derive(Args)]
pub struct Options {
    /// Its name, in kebab case; the file is NAME.ron
    name: String,
    /// Stack preset to start from: small-cell, general-cell, agentic-cell
    #[arg(long, value_name = "PRESET", default_value = "small-cell")]
    from: String,
    /// Directory to write it to
    #[arg(long, value_name = "DIR", default_value = ".")]
    scenarios: PathBuf,
}

/// Writes the file; one that is there is left alone.
pub fn new_scenario(options: &Options) -> Result<(), Failure> {
    let name = &options.name;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(Failure::Usage(format!(
            "\"{name}\" is no name for a scenario: small letters, digits and hyphens, as in lost-afternoon"
        )));
    }
    let start = STARTS.iter().find(|start| start.stack == options.from).ok_or_else(|| {
        let known = STARTS.iter().map(|start| start.stack);
        let hint = did_you_mean(&options.from, known.clone());
        let list = known.collect::<Vec<_>>().join(", ");
        Failure::Usage(format!("no preset to start from is called \"{}\"{hint}; there are: {list}", options.from))
    })?;
    let case = free_case()?;
    let text = SKELETON
        .replace("NAME", name)
        .replace("CASE", &case.to_string())
        .replace("STACK", start.stack)
        .replace("WORKLOAD", start.workload)
        .replace("POOL", start.pool)
        .replace("CLIENT", start.client)
        .replace("COHORT", start.cohort)
        .replace("RATE", start.rate)
        .replace("general-70b", start.pool);
    let path = options.scenarios.join(format!("{name}.ron"));
    let refused = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::No(format!("{} is there already; it is left alone", path.display()))
        }
        _ => Failure::Surroundings(format!("{}: {error}", path.display())),
    };
    let mut file = std::fs::File::create_new(&path).map_err(refused)?;
    file.write_all(text.as_bytes()).map_err(refused)?;
    eprintln!("next: scartissue check-files {0}; scartissue run {0}; scartissue check {0}", path.display());
    print(&path.display().to_string())
}

/// The first number from 5001 on that no case has.
fn free_case() -> Result<u32, Failure> {
    let catalogue = Catalogue::built_in();
    let mut taken = Vec::new();
    for name in catalogue.names() {
        taken.push(Scenario::open(&catalogue, name)?.file.case);
    }
    Ok((5001..=9999).find(|case| !taken.contains(case)).unwrap_or(9999))
}
