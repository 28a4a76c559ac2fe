//! What an ideal observer makes of a variant: can the truth be proved by what there is to see, and does the first screen
//! tempt.

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::scenario::file::VariantSpec;
use crate::scenario::lower::Setup;
use crate::scenario::opened::Scenario;
use crate::score::check::naive::right_answers;
use crate::score::check::{Clause, Finding, Scope, Verdict};
use crate::score::observer::grid::BEFORE_S;
use crate::score::observer::judge::SETTLED;
use crate::score::observer::mind::Mind;
use crate::score::observer::reading::Reading;
use crate::score::observer::{Freshness, NoObserver, Observer};
use crate::telemetry::watch::WatchError;

/// So many seeds, the first, are read.
const SEEDS: usize = 10;
/// The truth has to be provable by so many seconds after the page.
const BY_S: f64 = 600.0;
/// The decoy is believed this much on the first screen.
const TEMPTING: f64 = 0.5;

/// A key of an observer's table: what it was built of, and how that played.
pub fn key(observer: &Observer) -> String {
    let known: Vec<(&str, &[String])> =
        observer.table.hypotheses.iter().map(|k| (k.name.as_str(), k.digests.as_slice())).collect();
    let text = format!("{} {} {known:?}", observer.table.key, observer.table.seeds);
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a table is of another scenario: its text differs, and so does a run of a variant that it was made of.
///
/// # Errors
/// It cannot be watched.
pub fn stale(scenario: &Scenario, observer: &Observer, variant: &str) -> Result<bool, WatchError> {
    Ok(observer.freshness.is_stale() && observer.verify(scenario, Some(variant))?.is_stale())
}

/// Holds a variant to clauses i and ii.
///
/// # Errors
/// It cannot be watched.
pub fn check(
    scenario: &Scenario,
    observer: &Result<Observer, NoObserver>,
    scope: &Scope,
    variant: &VariantSpec,
) -> Result<Vec<Finding>, WatchError> {
    let name = variant.name.as_str();
    let open = |why: &str| {
        [Clause::Solvable, Clause::TrapLive].map(|c| Finding::new(c, Some(name), Verdict::Open, why)).to_vec()
    };
    let observer = match observer {
        Err(error) => return Ok(open(&error.to_string())),
        Ok(_) if scope.quick => return Ok(open("a quick check asks no observer")),
        Ok(observer) if stale(scenario, observer, name)? => return Ok(open(Freshness::OtherScenario.says())),
        Ok(observer) => observer,
    };
    let truths = right_answers(scenario, variant);
    let truths: Vec<&str> = truths.iter().map(String::as_str).collect();
    let foils = scenario.file.variants.iter().filter(|v| v.foil && v.name != variant.name);
    let tempting: Vec<String> = foils.flat_map(|foil| right_answers(scenario, foil)).collect();
    let seeds: Vec<u64> = scope.seeds.iter().copied().take(SEEDS).collect();
    let setup = Setup { variant: Some(variant.name.clone()), ..Setup::default() };
    let read = |seed: &u64| -> Result<(bool, f64), WatchError> {
        let reading = Reading::of(&scenario.file, &setup, *seed)?;
        let mind = Mind::new(observer, &reading);
        let first = mind.first_screen();
        let on_first = mind.given(&first);
        let decoy = tempting.iter().map(|m| observer.of_mechanism(&on_first, m)).fold(0.0, f64::max);
        let pieces = mind.pieces(-f64::from(BEFORE_S), BY_S);
        Ok((mind.discriminating(&pieces, &first, &truths, SETTLED).is_some(), decoy))
    };
    let read: Vec<(bool, f64)> = seeds.par_iter().map(read).collect::<Result<_, WatchError>>()?;
    let show = |seed: u64| scope.command("new", name, seed, "");
    let unsolved: Vec<u64> =
        seeds.iter().zip(&read).filter(|(_, (solved, _))| !solved).map(|(seed, _)| *seed).collect();
    let solved = seeds.len() - unsolved.len();
    let says = format!(
        "four looks or fewer settle it on {solved} of {} seeds, {:.0} min after the page at the latest",
        seeds.len(),
        BY_S / 60.0
    );
    let holds = super::MOSTLY * seeds.len() as f64 <= solved as f64;
    let mut found = vec![Finding::holds_if(Clause::Solvable, Some(name), holds, says).on(unsolved, show)];
    if variant.foil || variant.causes.is_empty() || tempting.is_empty() {
        found.push(Finding::new(Clause::TrapLive, Some(name), Verdict::Holds, "no trap is claimed here"));
        return Ok(found);
    }
    let mean = read.iter().map(|(_, decoy)| decoy).sum::<f64>() / read.len().max(1) as f64;
    let cold: Vec<u64> =
        seeds.iter().zip(&read).filter(|(_, (_, decoy))| *decoy < TEMPTING).map(|(seed, _)| *seed).collect();
    let says = format!("the first screen gives the decoy {:.0} % on the mean", mean * 100.0);
    found.push(Finding::holds_if(Clause::TrapLive, Some(name), TEMPTING <= mean, says).on(cold, show));
    Ok(found)
}
