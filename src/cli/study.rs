//! `study`: many incidents, each played by several participants, and what may be said of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, Subcommand};

use crate::assistant;
use crate::assistant::llm::{Spent, Transcript, transcript};
use crate::cli::place::{Place, Sources};
use crate::cli::{Failure, print, write_file};
use crate::report::comparison;
use crate::scar::occasion::Occasion;
use crate::scenario::catalogue::Catalogue;
use crate::scenario::opened::Scenario;
use crate::score::runs::Runs;
use crate::session::clock::ClockKind;
use crate::session::code::Code;
use crate::session::command::{Command, Look};
use crate::session::log::{Event, hash_of};
use crate::study::compare::study as said;
use crate::study::outcome::{Joined, Outcome, grade, grade_joined, play, variant_of};
use crate::study::plan::{Cell, ModelPlayer, Plan, Shard};
use crate::study::shelf::Shelf;

/// What is to be done.
#[derive(Subcommand)]
pub enum Options {
    /// Play what a plan asks for; what is there already is not played again
    Run(RunOptions),
    /// Say what the outcomes in a folder say
    Report(ReportOptions),
    /// Say what each of the people of a plan is to play, in an order of their own
    People(PeopleOptions),
}

/// Whose incidents.
#[derive(Args)]
pub struct PeopleOptions {
    /// The plan
    plan: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    from: Sources,
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
    #[command(flatten)]
    from: Sources,
}

/// What to report.
#[derive(Args)]
pub struct ReportOptions {
    /// Where outcomes are
    out: PathBuf,
    /// Sessions of a profile on the same incidents join in: people's, and models' (the profile `assistants`); may be given again
    #[arg(long, value_name = "PROFILE")]
    sessions: Vec<String>,
    #[command(flatten)]
    from: Sources,
    /// Directory for sessions and profiles [default: the platform's, or $SCARTISSUE_DATA]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The incident whose moments are drawn side by side, as SCENARIO:SEED; the first on which participants differ if none
    #[arg(long, value_name = "INCIDENT")]
    lanes: Option<String>,
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
        Options::People(options) => people(options),
    }
}

fn read(path: &Path, catalogue: &Catalogue) -> Result<Plan, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::Surroundings(format!("{}: {e}", path.display())))?;
    Plan::read(&text, path, catalogue).map_err(Failure::No)
}

/// What each is to play: a code stands for case, variant and seed, and tells none of them.
fn people(options: &PeopleOptions) -> Result<(), Failure> {
    let catalogue = options.from.catalogue()?;
    let plan = read(&options.plan, &catalogue)?;
    if plan.people.is_empty() {
        return Err(Failure::No(format!("{} names nobody: `people: [(name: \"ana\")]` does", options.plan.display())));
    }
    let code = |scenario: &str, seed: u64| -> Result<String, Failure> {
        let scenario = Scenario::open(&catalogue, scenario)?;
        let variant = variant_of(&scenario, None, seed)?;
        Ok(Code::of(&scenario, &variant, seed)?.text())
    };
    let mut sheets = Vec::new();
    for (place, person) in plan.people.iter().enumerate() {
        let profile = if person.profile.is_empty() { String::new() } else { format!(" --profile {}", person.profile) };
        let command = |(scenario, seed): &(String, u64)| {
            Ok(format!(
                "scartissue play --code {} --clock metered --ranked --mode {:?} --by {}{profile}",
                code(scenario, *seed)?,
                person.mode,
                person.name
            ))
        };
        sheets.push((&person.name, plan.order_of(place).iter().map(command).collect::<Result<Vec<_>, Failure>>()?));
    }
    if options.json {
        let sheet =
            |(name, commands): &(&String, Vec<String>)| serde_json::json!({ "name": name, "commands": commands });
        return print(&serde_json::json!(sheets.iter().map(sheet).collect::<Vec<_>>()).to_string());
    }
    let sheet = |(name, commands): &(&String, Vec<String>)| format!("{name}\n  {}", commands.join("\n  "));
    print(&sheets.iter().map(sheet).collect::<Vec<_>>().join("\n"))
}

#[expect(clippy::disallowed_methods, reason = "how long runs take on the wall, and when they will be done")]
fn run(options: &RunOptions) -> Result<(), Failure> {
    let catalogue = options.from.catalogue()?;
    let plan = read(&options.plan, &catalogue)?;
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
    for model in &plan.models {
        let plays = |incident| wanted(incident).iter().any(|cell| cell.participant == model.name);
        // Whatever is missing for it is said before hours are spent.
        if incidents.iter().any(plays) {
            ready(model)?;
        }
    }
    let mut no_end = Vec::new();
    eprintln!("{total} runs to go, {} there", there.outcomes.len());
    for incident in &incidents {
        let cells = wanted(incident);
        if cells.is_empty() {
            continue;
        }
        let scenario = Scenario::open(&catalogue, &incident.0)?;
        let runs = Runs::new(&scenario);
        for cell in cells {
            let result = match plan.model(&cell.participant) {
                Some(model) => play_model(model, &cell, &runs, &scenario, (&options.out, &options.from)),
                None => {
                    let player = assistant::find(&cell.participant).map_err(Failure::Usage)?;
                    let started = Instant::now();
                    let played = play(&scenario, None, cell.seed, player, cell.repeat)?;
                    let wall_s = started.elapsed().as_secs_f64();
                    let (outcome, _) = grade(&runs, &played, player.name, cell.repeat, &|_, _| {})?;
                    Ok(Outcome { wall_s: Some(wall_s), ..outcome })
                }
            };
            match result {
                Ok(outcome) => {
                    let outcome = Outcome { scenario: cell.scenario.clone(), ..outcome };
                    part.write(&outcome).map_err(Failure::Surroundings)?;
                }
                Err(Failure::No(why)) => {
                    eprintln!("no result of {} on {} {}: {why}", cell.participant, cell.scenario, cell.seed);
                    no_end.push(cell.participant.clone());
                    if no_end.len() == NO_ENDS {
                        return Err(unfinished(&no_end, &options.out));
                    }
                }
                Err(other) => return Err(other),
            }
            done += 1;
            let left = begun.elapsed().as_secs_f64() / done as f64 * (total - done) as f64;
            eprintln!(
                "{done} of {total}: {} on {} {}; about {:.0} s to go",
                cell.participant, cell.scenario, cell.seed, left
            );
        }
    }
    if !no_end.is_empty() {
        return Err(unfinished(&no_end, &options.out));
    }
    print(&format!(
        "{} holds the outcomes; `scartissue study report {}` says what they say",
        options.out.display(),
        options.out.display()
    ))
}

/// After so many runs of models without a result a study stops: something is wrong with their provider or their budget.
const NO_ENDS: usize = 5;

fn unfinished(who: &[String], out: &Path) -> Failure {
    let names: BTreeSet<&String> = who.iter().collect();
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    Failure::No(format!(
        "{} runs of {} came to no result, which is none and not a wrong one; the same command tries them again, and what is \
         there stays in {}",
        who.len(),
        names.join(", "),
        out.display()
    ))
}

#[cfg(feature = "wire")]
use crate::cli::llm::play_in_study as play_model;

/// Whether a model can be reached: its key or its address is there.
#[cfg(feature = "wire")]
fn ready(model: &ModelPlayer) -> Result<(), Failure> {
    crate::cli::llm::connect_player(model).map(drop)
}

#[cfg(not(feature = "wire"))]
fn ready(model: &ModelPlayer) -> Result<(), Failure> {
    Err(no_network(model))
}

#[cfg(not(feature = "wire"))]
fn play_model(
    model: &ModelPlayer,
    _: &Cell,
    _: &Runs<'_>,
    _: &Scenario,
    _: (&Path, &Sources),
) -> Result<Outcome, Failure> {
    Err(no_network(model))
}

#[cfg(not(feature = "wire"))]
fn no_network(model: &ModelPlayer) -> Failure {
    let why = "this program was built without a network (`--features wire`)";
    Failure::Surroundings(format!("model {}: {why}", model.name))
}

/// Sessions of profiles that have ended and whose incident is one of the study, each player's first of each incident.
fn joined(
    options: &ReportOptions,
    plan: &Plan,
    known: &BTreeMap<Cell, Outcome>,
    left_out: &mut Vec<String>,
) -> Result<Vec<Outcome>, Failure> {
    let mut found = Vec::new();
    // The usual profile has no name.
    let profile_of = |name: &String| if name.is_empty() { "default".to_string() } else { name.clone() };
    let of_people = plan.people.iter().map(|person| profile_of(&person.profile));
    let profiles: BTreeSet<String> = options.sessions.iter().cloned().chain(of_people).collect();
    for profile in &profiles {
        let place = Place {
            data_dir: options.data_dir.clone(),
            from: options.from.clone(),
            profile: Some(profile.clone()).filter(|p| p != "default"),
            ..Place::default()
        };
        let wanted = |by: &str| {
            options.sessions.contains(profile)
                || plan.people.iter().any(|p| p.name == by && profile_of(&p.profile) == *profile)
        };
        let (store, catalogue) = (place.store()?, place.catalogue()?);
        let began = |name: &String| Occasion::read(&store.folder(name)).map_or(i64::MAX, |o| o.began_s);
        let mut names = store.names();
        names.sort_by_key(|name| (began(name), name.clone()));
        let mut met: BTreeMap<String, BTreeMap<(String, u64), u32>> = BTreeMap::new();
        let mut elsewhere = 0;
        for name in names {
            // What a session is about stands in its seal: to play it again takes seconds.
            let (header, seal) = match (store.header(&name), store.seal(&name)) {
                (Ok(header), Ok(seal)) => (header, seal),
                (Err(error), _) | (_, Err(error)) => {
                    left_out.push(format!("session {name} of {profile}: {error}"));
                    continue;
                }
            };
            if !wanted(&header.by) {
                continue;
            }
            let variant =
                known.values().find(|o| o.scenario == seal.scenario && o.seed == seal.seed).map(|o| &o.variant);
            let Some(variant) = variant.filter(|_| plan.scenarios.contains(&seal.scenario)) else {
                elsewhere += 1;
                continue;
            };
            if *variant != seal.variant {
                left_out.push(format!(
                    "session {name} of {profile}: it is {} of {}, and seed {} draws {variant} here",
                    seal.variant, seal.scenario, seal.seed
                ));
                continue;
            }
            let mut replayed = match store.replay(&name, &catalogue, None) {
                Ok(replayed) => replayed,
                Err(error) => {
                    left_out.push(format!("session {name} of {profile}: {error}"));
                    continue;
                }
            };
            let events: Vec<Event> =
                std::mem::take(&mut replayed.replies).into_iter().map(|(event, _)| event).collect();
            let session = &replayed.session;
            let (seal, terms) = (session.seal(), session.terms());
            if session.ended().is_none() {
                left_out.push(format!("session {name} of {profile} goes on"));
                continue;
            }
            let as_planned = plan.people.iter().find(|p| p.name == header.by && profile_of(&p.profile) == *profile);
            if let Some(person) = as_planned.filter(|person| person.mode != terms.mode) {
                left_out.push(format!(
                    "session {name} of {profile}: it was played in mode {:?}, and the plan has {:?} for {}",
                    terms.mode, person.mode, person.name
                ));
                continue;
            }
            let taken = plan.participants.contains(&header.by);
            let player = if taken { format!("{} of {profile}", header.by) } else { header.by.clone() };
            // With help somebody is another participant than alone.
            let help = |command: &Command| {
                matches!(command, Command::Advise { .. } | Command::Hint | Command::Look(Look::Delegated { .. }))
            };
            let player = match events.iter().any(|event| help(&event.command)) {
                true => format!("{player}, with help"),
                false => player,
            };
            let (model, spent) = model(&store.folder(&name));
            let incidents = met.entry(player.clone()).or_default();
            let met_before = incidents.entry((seal.scenario.clone(), seal.seed)).or_insert(0);
            *met_before += 1;
            // A model remembers nothing of another session: a second try is a second try.
            let repeat = *met_before - 1;
            if 0 < repeat && model.is_none() {
                left_out.push(format!("session {name} of {profile}: {player} had met that incident before"));
                continue;
            }
            let how = Joined {
                live: terms.clock == ClockKind::Live,
                like_others: !terms.external_tools && !terms.unpriced && terms.host.is_none(),
                order: incidents.len() as u32,
                model,
                spent,
            };
            eprintln!("session {name} of {profile} is graded");
            let runs = Runs::kept_in(session.scenario(), &store.folder(&name));
            match grade_joined(&runs, session, &events, (&player, repeat), how) {
                Ok(outcome) => found.push(outcome),
                Err(error) => left_out.push(format!("session {name} of {profile}: {error}")),
            }
        }
        if 0 < elsewhere {
            left_out.push(format!("{elsewhere} sessions of {profile} are of other incidents than this study's"));
        }
    }
    Ok(found)
}

/// The model of a session that one played with a hash of what it was told to be, and what it used.
pub(super) fn model(folder: &Path) -> (Option<(String, String)>, Option<Spent>) {
    let text = std::fs::read_to_string(folder.join(transcript::FILE)).unwrap_or_default();
    Transcript::who(&text).map_or((None, None), |(name, system, spent)| (Some((name, hash_of(&system))), spent))
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
    let mut left_out = found.left_out;
    let others = joined(options, &plan, &found.outcomes, &mut left_out)?;
    let study = said(&plan, &found.outcomes, &others, left_out);
    let outcomes: Vec<&Outcome> = found.outcomes.values().chain(&others).collect();
    let lanes = match &options.lanes {
        None => None,
        Some(text) => {
            let incident = text.rsplit_once(':').and_then(|(name, seed)| Some((name.to_string(), seed.parse().ok()?)));
            let known = incident.filter(|(name, seed)| outcomes.iter().any(|o| o.scenario == *name && o.seed == *seed));
            Some(
                known
                    .ok_or_else(|| Failure::Usage(format!("\"{text}\" is no incident of this study: SCENARIO:SEED")))?,
            )
        }
    };
    let wrong = |e: &dyn std::fmt::Display| Failure::Surroundings(e.to_string());
    if let Some(file) = &options.html {
        write_file(file, &comparison::html(&study, &outcomes, lanes.as_ref()))?;
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
