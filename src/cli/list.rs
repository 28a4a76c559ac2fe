//! `list`: what scenarios there are, without spoiling any.

use clap::Args;
use serde_json::json;

use crate::cli::place::Place;
use crate::cli::{Failure, catalogue, lines, print};
use crate::scenario::opened::Scenario;
use crate::session::case::{Case, case};

/// Which form the list has.
#[derive(Args)]
pub struct Options {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Directory with scenarios of your own, beside those built in
    #[arg(long, value_name = "DIR")]
    scenarios: Option<std::path::PathBuf>,
}

/// Which cases, and which form the list has.
#[derive(Args)]
pub struct CaseOptions {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Prints the catalogue.
pub fn list(options: &Options) -> Result<(), Failure> {
    let catalogue = catalogue(options.scenarios.as_deref())?;
    let names: Vec<String> = catalogue.names().map(str::to_string).collect();
    let mut rows = Vec::new();
    for name in names {
        rows.push(Scenario::open(&catalogue, &name)?);
    }
    if options.json {
        let row = |s: &Scenario| {
            json!({
                "scenario": s.name, "page": s.file.page, "difficulty": s.file.difficulty,
                "minutes": s.file.length_s.as_secs_f64() / 60.0,
            })
        };
        return print(&json!(rows.iter().map(row).collect::<Vec<_>>()).to_string());
    }
    let line = |s: &Scenario| {
        let minutes = s.file.length_s.as_secs_f64() / 60.0;
        format!("{}  {}  {minutes:.0} min\n{}", s.name, stars(s.file.difficulty), lines(4, &s.file.page))
    };
    print(rows.iter().map(line).collect::<String>().trim_end())
}

/// Prints the cases, as participants meet them.
pub fn cases(options: &CaseOptions) -> Result<(), Failure> {
    let catalogue = options.place.catalogue()?;
    let mut cases = Vec::new();
    for name in catalogue.names() {
        cases.push(case(&Scenario::open(&catalogue, name)?));
    }
    cases.sort_by(|a, b| (a.difficulty, &a.id).cmp(&(b.difficulty, &b.id)));
    if options.json {
        return print(&json!(cases).to_string());
    }
    let line = |c: &Case| format!("{}  {}  {} min\n{}", c.id, stars(c.difficulty), c.minutes, lines(4, &c.page));
    print(cases.iter().map(line).collect::<String>().trim_end())
}

fn stars(difficulty: u8) -> String {
    (1..=5).map(|n| if n <= difficulty { '●' } else { '○' }).collect()
}
