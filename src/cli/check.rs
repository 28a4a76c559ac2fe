//! `check`: the publication gate over the catalogue. It goes on where it was interrupted, writes certificates, holds those
//! that lie beside the scenarios to what they vouch for, and proves the stalest of them again.

mod certificates; // the files
mod junit; // what a build server reads
mod watch; // again after each change

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::cli::check::certificates::{Desk, load, save};
use crate::cli::observer::observer_of as observer;
use crate::cli::place::{Place, WallClock};
use crate::cli::{Failure, lines, open, print, progress, write_file};
use crate::scenario::opened::Scenario;
use crate::score::check::certificate::{Certificate, Keys, Standing, VERSION};
use crate::score::check::naive::{Fared, LIMIT, MOST_POINTS, play};
use crate::score::check::observed;
use crate::score::check::{Finding, SEEDS, Scope, Verdict, check_scenario, check_variant, world_key};
use crate::score::observer::Observer;
use crate::score::runs::Runs;
use crate::session::live::Clock;

/// What to check, and how.
#[derive(Args)]
pub struct Options {
    /// Names or paths; all of the catalogue if none is given
    scenario: Vec<String>,
    /// One seed and no search: finds what is broken, proves nothing
    #[arg(long)]
    quick: bool,
    /// Seeds for each variant
    #[arg(long, value_name = "K", default_value_t = SEEDS, value_parser = clap::value_parser!(u32).range(1..=1000), conflicts_with = "quick")]
    seeds: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Also write it as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a certificate of each scenario into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "quick")]
    certify: Option<PathBuf>,
    /// Check nothing: say how the certificates in this directory stand to the scenarios
    #[arg(long, value_name = "DIR", conflicts_with_all = ["quick", "certify", "junit"])]
    verify: Option<PathBuf>,
    /// Begin no further variant after so many seconds, the stalest certificates first; what was found is kept, and the next
    /// check goes on there
    #[arg(long, value_name = "SECONDS", requires = "certify")]
    budget: Option<u64>,
    /// A quick check now and whenever a scenario or preset beside those named is saved
    #[arg(long, conflicts_with_all = ["seeds", "json", "junit", "certify", "verify", "budget"])]
    watch: bool,
    /// Forget what an interrupted check had found
    #[arg(long)]
    afresh: bool,
    /// Directory with observers' tables; those that come with the program if none is named
    #[arg(long, value_name = "DIR", conflicts_with = "quick")]
    tables: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

/// What a check found.
#[derive(Serialize)]
struct Report {
    scenarios: Vec<Checked>,
    /// How players fare that do not look; none where only a part of the catalogue was checked.
    naive: Vec<Fared>,
    holds: bool,
}

/// A scenario, checked.
#[derive(Serialize)]
struct Checked {
    name: String,
    keys: Keys,
    scope: Scope,
    findings: Vec<Finding>,
}

/// Checks.
pub fn check(options: &Options) -> Result<(), Failure> {
    match options.watch {
        true => {
            watch::repeat(&watch::places(&options.scenario, options.place.from.scenarios.as_deref())?, || once(options))
        }
        false => once(options),
    }
}

fn once(options: &Options) -> Result<(), Failure> {
    let directory = options.place.from.scenarios.as_deref();
    let whole = options.scenario.is_empty();
    let names: Vec<String> = match whole {
        true => options.place.catalogue()?.names().map(str::to_string).collect(),
        false => options.scenario.clone(),
    };
    let mut scenarios = Vec::new();
    for name in &names {
        scenarios.push((name.clone(), open(name, directory)?));
    }
    if let Some(certificates) = &options.verify {
        return verify(&scenarios, certificates, options);
    }
    let clock = WallClock::new();
    if let (Some(certificates), Some(_)) = (&options.certify, options.budget) {
        let age = |scenario: &Scenario| load(certificates, &scenario.name).map(|c| c.map_or(0, |c| c.generation));
        let mut ages = Vec::new();
        for (name, scenario) in scenarios {
            let stale = standing(&scenario, certificates, options)? != Standing::Sound;
            ages.push((!stale, age(&scenario)?, name, scenario));
        }
        ages.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
        scenarios = ages.into_iter().map(|(_, _, name, scenario)| (name, scenario)).collect();
    }
    let mut report = Report { scenarios: Vec::new(), naive: Vec::new(), holds: true };
    let mut left = Vec::new();
    for (name, scenario) in &scenarios {
        let over = || options.budget.is_some_and(|budget| budget <= clock.now_ns() / 1_000_000_000);
        let Some(checked) = one(options, name, scenario, &over)? else {
            left.push(name.as_str());
            continue;
        };
        if !options.json {
            print(text(&checked).trim_end())?;
        }
        if let Some(directory) = &options.certify {
            certify(directory, &checked)?;
        }
        report.scenarios.push(checked);
    }
    if !left.is_empty() {
        eprintln!("the time is over; still to be done: {}", left.join(", "));
    }
    if whole && left.is_empty() {
        let pack: Vec<&Scenario> = scenarios.iter().map(|(_, scenario)| scenario).collect();
        report.naive = play(&pack)?;
        if !options.json {
            print(naive_text(&report.naive).trim_end())?;
        }
    }
    let failing = report.scenarios.iter().flat_map(|c| &c.findings).filter(|f| f.verdict == Verdict::Fails).count();
    let ahead = report.naive.iter().filter(|f| f.is_ahead()).count();
    report.holds = failing + ahead == 0;
    if let Some(file) = &options.junit {
        write_file(file, &junit::xml(&report))?;
    }
    if options.json {
        print(&serde_json::to_string_pretty(&report).map_err(|e| Failure::Surroundings(e.to_string()))?)?;
    }
    match (failing, ahead) {
        (0, 0) => Ok(()),
        (0, n) => Err(Failure::No(format!("{n} naive players are ahead of the limit"))),
        (n, _) => Err(Failure::No(format!("{n} clauses do not hold"))),
    }
}

/// Checks one scenario, variant by variant; what was found of one is kept until all are done. None if the time was over
/// before.
fn one(
    options: &Options,
    name: &str,
    scenario: &Scenario,
    over: &dyn Fn() -> bool,
) -> Result<Option<Checked>, Failure> {
    if over() {
        return Ok(None);
    }
    let quick = options.quick || options.watch;
    let scope = Scope::new(name, if quick { 1 } else { options.seeds }, quick);
    let observer = observer(scenario, options.tables.as_deref());
    let keys = keys(scenario, observer.as_ref().ok())?;
    let desk = Desk::new(&options.place.data()?, scenario, &keys, &scope)?;
    if options.afresh {
        desk.clear()?;
    }
    let runs = Runs::new(scenario);
    let mut findings = Vec::new();
    for variant in &scenario.file.variants {
        if let Some(kept) = desk.kept(&variant.name) {
            eprintln!("{name}, {}: as found before", variant.name);
            findings.extend(kept);
            continue;
        }
        if over() {
            return Ok(None);
        }
        eprintln!("{name}, {}", variant.name);
        let found = check_variant(&runs, &scope, &variant.name, &observer, &progress::runs)?;
        desk.keep(&variant.name, &found)?;
        findings.extend(found);
    }
    findings.extend(check_scenario(scenario, &scope, &observer));
    desk.clear()?;
    Ok(Some(Checked { name: scenario.name.clone(), keys, scope, findings }))
}

fn keys(scenario: &Scenario, observer: Option<&Observer>) -> Result<Keys, Failure> {
    Ok(Keys { scenario: scenario.fingerprint(), world: world_key(scenario)?, observer: observer.map(observed::key) })
}

fn certify(directory: &Path, checked: &Checked) -> Result<(), Failure> {
    let generation = certificates::latest(directory)? + 1;
    let Checked { name, keys, scope, findings } = checked;
    let certificate = Certificate {
        v: VERSION,
        name: name.clone(),
        keys: keys.clone(),
        scope: scope.clone(),
        generation,
        findings: findings.clone(),
    };
    save(directory, &certificate)
}

fn standing(scenario: &Scenario, directory: &Path, options: &Options) -> Result<Standing, Failure> {
    Ok(match load(directory, &scenario.name)? {
        None => Standing::Missing,
        Some(certificate) => {
            let observer = observer(scenario, options.tables.as_deref()).ok();
            certificate.standing(&keys(scenario, observer.as_ref())?)
        }
    })
}

/// Says how certificates stand. A failed clause is a failure; a stale or missing one is told and is none, since proving
/// it again takes its time.
fn verify(scenarios: &[(String, Scenario)], directory: &Path, options: &Options) -> Result<(), Failure> {
    let mut said = Vec::new();
    let mut failed = 0;
    for (name, scenario) in scenarios {
        let standing = standing(scenario, directory, options)?;
        failed += usize::from(matches!(standing, Standing::Failed(_)));
        let open = load(directory, &scenario.name)?.map_or(0, |c| c.open());
        said.push((name.clone(), standing.says(), open));
    }
    if options.json {
        let rows: Vec<serde_json::Value> = said
            .iter()
            .map(|(name, says, open)| serde_json::json!({ "name": name, "standing": says, "open": open }))
            .collect();
        print(&serde_json::to_string_pretty(&rows).map_err(|e| Failure::Surroundings(e.to_string()))?)?;
    } else {
        let width = said.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        for (name, says, open) in &said {
            let open = if *open == 0 { String::new() } else { format!("; {open} clauses could not be judged") };
            print(&format!("{name:width$}  {says}{open}"))?;
        }
    }
    if failed == 0 { Ok(()) } else { Err(Failure::No(format!("{failed} certificates tell of clauses that failed"))) }
}

fn text(checked: &Checked) -> String {
    let mut text = format!("{} ({} seeds)\n", checked.name, checked.scope.seeds.len());
    for finding in &checked.findings {
        let mark = match finding.verdict {
            Verdict::Holds => "holds",
            Verdict::Fails => "FAILS",
            Verdict::Open => "open ",
        };
        let of = finding.variant.as_deref().unwrap_or("all variants");
        text.push_str(&format!("  {mark}  {of}: {}\n", finding.clause.law()));
        text.push_str(&lines(9, &finding.says));
        if finding.verdict == Verdict::Fails {
            let seeds: Vec<String> = finding.seeds.iter().map(u64::to_string).collect();
            if !seeds.is_empty() {
                text.push_str(&format!("         seeds {}; see {}\n", seeds.join(" "), finding.show));
            }
        }
    }
    text
}

fn naive_text(naive: &[Fared]) -> String {
    let mut text = format!(
        "players that do not look (right on {:.0} % of the pack and {MOST_POINTS:.0} points of 100 at most)\n",
        LIMIT * 100.0
    );
    for fared in naive {
        let mark = if fared.is_ahead() { "FAILS" } else { "holds" };
        let player = serde_json::to_value(fared.player).ok();
        let player = player.as_ref().and_then(|p| p.as_str()).unwrap_or_default();
        let always = fared.always.as_ref().map_or(String::new(), |m| format!(" ({m})"));
        text.push_str(&format!(
            "  {mark}  {player}{always}: right on {:.0} %, {:.0} points at most\n",
            fared.right * 100.0,
            fared.points
        ));
    }
    text
}
