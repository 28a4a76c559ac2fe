//! The command line: one file per command. Data goes to standard output, talk to standard error.
//!
//! Exit codes: 0 done; 1 the answer is no (a file has mistakes, a check fails); 2 the command line is wrong or names
//! something that is not there; 3 the surroundings refuse (a file cannot be read or written).

mod audit; // a postmortem, to be held against what was true
mod begin; // a session: case, seed, terms
mod beside; // who sits beside whoever plays
mod check; // is it fit to be played and scored
mod check_files; // every scenario file, and all that is wrong with them
mod debrief; // what was true of a session, and what it did
mod demo; // two cases with one page, as a talk
mod drill; // the case most worth practising now
mod gameday; // codes, the wheel, several teams
#[cfg(feature = "wire")]
mod grafana; // files for Grafana
mod hostkit; // what a facilitator has in hand
mod incident; // which scenario, variant and seed, and what is changed in it
mod list; // what there is
#[cfg(feature = "wire")]
mod llm; // a model behind an API plays
#[cfg(feature = "wire")]
mod mcp; // incidents for clients of the Model Context Protocol
mod meanwhile; // runs for the debrief, while one plays
mod metrics; // what can be asked
mod new_scenario; // a commented file to begin with
mod observer; // what should have been believed
mod pack; // scenarios sealed into one file
mod place; // where sessions are kept, and what time it is
mod play; // a case in the terminal
mod profile; // several people, records out and in
mod progress; // how far a long command is
mod query; // a question to the monitoring system of a run
mod run; // one run of one scenario
mod scars; // what fades, how one gets on, a team
mod schema; // the format, for editors
#[cfg(feature = "wire")]
mod served; // a session for tools from elsewhere
mod show; // one scenario
mod step; // one command on a saved session; a session again
mod study; // many participants on many incidents
mod terminal; // what the terminal can show
mod truth; // what truly causes an incident
#[cfg(feature = "gui")]
pub mod window; // the window's surroundings

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::terminal::paragraph;
use crate::scenario::catalogue::{Catalogue, FindError, PRESETS, is_path};
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::session::store::StoreError;

/// An incident simulator for people on call: an LLM service that really breaks, and proof of what broke it.
///
/// Without a command it opens the window where there is a display, or else the console where there is a terminal; elsewhere
/// it tells two cases with one page, and what was true of each.
#[derive(Parser)]
#[command(name = "scartissue", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: demo::Options,
}

#[derive(Subcommand)]
enum Command {
    /// Open the window
    #[cfg(feature = "gui")]
    Window(window::Options),
    /// Play a case in the terminal
    Play(play::Options),
    /// Begin a session to be played command by command
    New(play::NewOptions),
    /// Do one command on a saved session
    Do(step::DoOptions),
    /// Play a session again
    Replay(step::ReplayOptions),
    /// Begin a new session with the beginning of another
    Fork(step::ForkOptions),
    /// List the sessions on this machine
    Sessions(step::SessionsOptions),
    /// Tell what was true of a session that has ended, and what its orders did
    Debrief(debrief::Options),
    /// Audit a postmortem of which one link is false and one condition is missing; five minutes, without playing
    Audit(audit::Options),
    /// Begin the case that is most worth practising now
    Drill(drill::Options),
    /// Show what burnt you, what is fading, and what is due
    Scars(scars::Options),
    /// Keep in a sentence what you made of a session
    Rule(scars::RuleOptions),
    /// Show how you get on
    Progress(scars::ProgressOptions),
    /// Show who of a team knows what, and what it would miss
    Team(scars::TeamOptions),
    /// Export, import, rebuild or erase a profile
    Profile(profile::Options),
    /// Make codes, spin the wheel, hold teams against each other
    Gameday(gameday::Options),
    /// Make what a facilitator has in hand for a case; spoils
    Hostkit(hostkit::Options),
    /// Keep a copy of what is sound of a damaged session
    Recover(step::RecoverOptions),
    /// List the cases
    Cases(list::CaseOptions),
    /// Run a scenario, with causes or decoys removed or operator actions applied
    Run(run::Options),
    /// Prove what causes an incident, by runs with every subset of its causes; spoils
    Truth(truth::Options),
    /// Build, check or show the ideal observer of scenarios
    Observer(observer::Options),
    /// Let several participants play many incidents, and say what may be said of them
    #[command(subcommand)]
    Study(study::Options),
    /// Ask the monitoring system of a run, in PromQL
    Query(query::Options),
    /// List the metrics that can be asked for
    Metrics(metrics::Options),
    /// List the scenarios
    List(list::Options),
    /// Show a scenario; its truth only with --spoil
    Show(show::Options),
    /// Tell the pair: two cases with one page, a vote, and what was true of each
    Demo(demo::Options),
    /// Hold scenarios to the publication gate, by runs over seeds; spoils
    Check(check::Options),
    /// Load every scenario file and report every mistake
    CheckFiles(check_files::Options),
    /// Write a commented scenario file to begin with
    NewScenario(new_scenario::Options),
    /// Write a data source and dashboards for Grafana
    #[cfg(feature = "wire")]
    Grafana(grafana::Options),
    /// Serve incidents to any client of the Model Context Protocol
    #[cfg(feature = "wire")]
    Mcp(mcp::Options),
    /// Seal scenarios into a file that only the serving process opens
    Pack(pack::Options),
    /// Print the JSON Schema of the scenario format
    Schema,
}

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The answer is no.
    #[error("{0}")]
    No(String),
    /// The command line is wrong, or names something that is not there.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("{0}")]
    Surroundings(String),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Failure::No(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Surroundings(_) => 3,
        }
    }
}

/// Runs the program with the process's arguments and returns its exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        #[cfg(feature = "gui")]
        None if arguments.demo.is_plain() && (window::display() || play::at_terminal()) => {
            window::window(window::Options::default())
        }
        #[cfg(not(feature = "gui"))]
        None if arguments.demo.is_plain() && play::at_terminal() => play::play_next(place::Place::default()),
        #[cfg(feature = "gui")]
        Some(Command::Window(options)) => window::window(options),
        None => demo::demo(&arguments.demo),
        Some(Command::Demo(options)) => demo::demo(&options),
        Some(Command::Play(options)) => play::play(&options),
        Some(Command::New(options)) => play::new(&options),
        Some(Command::Do(options)) => step::step(&options),
        Some(Command::Replay(options)) => step::replay(&options),
        Some(Command::Fork(options)) => step::fork(&options),
        Some(Command::Sessions(options)) => step::sessions(&options),
        Some(Command::Debrief(options)) => debrief::debrief(&options),
        Some(Command::Audit(options)) => audit::audit(&options),
        Some(Command::Drill(options)) => drill::drill(&options),
        Some(Command::Scars(options)) => scars::scars(&options),
        Some(Command::Rule(options)) => scars::rule(&options),
        Some(Command::Progress(options)) => scars::progress(&options),
        Some(Command::Team(options)) => scars::team(&options),
        Some(Command::Profile(options)) => profile::profile(&options),
        Some(Command::Gameday(options)) => gameday::gameday(&options),
        Some(Command::Hostkit(options)) => hostkit::hostkit(&options),
        Some(Command::Recover(options)) => step::recover(&options),
        Some(Command::Cases(options)) => list::cases(&options),
        Some(Command::Run(options)) => run::run(&options),
        Some(Command::Truth(options)) => truth::truth(&options),
        Some(Command::Observer(options)) => observer::observer(&options),
        Some(Command::Study(options)) => study::study(&options),
        Some(Command::Query(options)) => query::query(&options),
        Some(Command::Metrics(options)) => metrics::metrics(&options),
        Some(Command::List(options)) => list::list(&options),
        Some(Command::Show(options)) => show::show(&options),
        Some(Command::Check(options)) => check::check(&options),
        Some(Command::CheckFiles(options)) => check_files::check_files(&options),
        Some(Command::NewScenario(options)) => new_scenario::new_scenario(&options),
        #[cfg(feature = "wire")]
        Some(Command::Grafana(options)) => grafana::grafana(&options),
        #[cfg(feature = "wire")]
        Some(Command::Mcp(options)) => mcp::mcp(&options),
        Some(Command::Pack(options)) => pack::pack(&options),
        Some(Command::Schema) => schema::schema(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("scartissue: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Prints data; a reader that has closed the pipe ends the talk without a complaint.
fn print(data: &str) -> Result<(), Failure> {
    use std::io::Write;
    match std::io::stdout().write_all(data.as_bytes()).and_then(|()| std::io::stdout().write_all(b"\n")) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Surroundings(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// The scenarios built in, with those of a directory.
fn catalogue(directory: Option<&Path>) -> Result<Catalogue, Failure> {
    let mut catalogue = Catalogue::built_in();
    if let Some(directory) = directory {
        catalogue.add_directory(directory).map_err(|e| Failure::Surroundings(e.to_string()))?;
    }
    Ok(catalogue)
}

/// Opens a scenario by name or path. One given by path finds the presets beside it, and those of `directory` first.
fn open(name_or_path: &str, directory: Option<&Path>) -> Result<Scenario, Failure> {
    let mut catalogue = Catalogue::built_in();
    let beside = Path::new(name_or_path).parent().filter(|_| is_path(name_or_path));
    let beside = beside.map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p });
    for directory in beside.filter(|p| p.join(PRESETS).is_dir()).into_iter().chain(directory) {
        catalogue.add_directory(directory).map_err(|e| Failure::Surroundings(e.to_string()))?;
    }
    Ok(Scenario::open(&catalogue, name_or_path)?)
}

fn write_file(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|e| Failure::Surroundings(format!("{}: {e}", file.display())))
}

/// Words set into lines that fit the terminal, each `indent` columns from the left.
fn lines(indent: usize, text: &str) -> String {
    paragraph(text, indent, usize::from(terminal::terminal().width).max(40))
}

/// A scenario's error as it is shown: mistakes drawn under the text they are in.
fn explain(error: ScenarioError) -> String {
    match error {
        ScenarioError::Mistakes(mistakes) => mistakes.render(terminal::talk_in_colour()),
        other => other.to_string(),
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unknown { .. } | StoreError::Exists { .. } | StoreError::Elsewhere { .. } => {
                Failure::Usage(error.to_string())
            }
            StoreError::World(_) | StoreError::Replay { .. } | StoreError::Changed { .. } => {
                Failure::No(error.to_string())
            }
            other => Failure::Surroundings(other.to_string()),
        }
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        match error {
            ScenarioError::Mistakes(_) => Failure::No(explain(error)),
            ScenarioError::Find(FindError::Read(read)) => Failure::Surroundings(read.to_string()),
            other => Failure::Usage(other.to_string()),
        }
    }
}
