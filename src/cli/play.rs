//! `play`: a case in the terminal; `new`: one to be played command by command.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::begin::Beginning;
use crate::cli::place::{Place, WallClock};
use crate::cli::{Failure, print};
use crate::console::skin::Skin;
use crate::console::{ask, shell};
use crate::scenario::opened::Scenario;
use crate::session::case::case;
use crate::session::store::OpenSession;

/// Which case.
#[derive(Args)]
pub struct Options {
    /// A case, as in INC-4127; without one, the easiest that was not played yet
    case: Option<String>,
    /// Go on with a session instead
    #[arg(long, value_name = "SESSION", conflicts_with = "case")]
    resume: Option<String>,
    /// Other words for services, teams and channels: a RON map, as in {"gateway": "front-door"}
    #[arg(long, value_name = "FILE")]
    skin: Option<PathBuf>,
    #[command(flatten)]
    beginning: Beginning,
    #[command(flatten)]
    place: Place,
}

/// The skin of a file; without one, that which changes nothing.
pub fn skin(file: Option<&Path>) -> Result<Skin, Failure> {
    let Some(file) = file else { return Ok(Skin::default()) };
    let named = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let text = std::fs::read_to_string(file).map_err(|e| Failure::Surroundings(named(&e)))?;
    Skin::read(&text).map_err(|why| Failure::No(named(&why)))
}

/// Plays the next case, as somebody at a terminal who asks for nothing in particular.
pub fn play_next(place: Place) -> Result<(), Failure> {
    play(&Options { case: None, resume: None, skin: None, beginning: Beginning::default(), place })
}

/// Whether a person sits at both ends.
pub fn at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Plays.
pub fn play(options: &Options) -> Result<(), Failure> {
    let place = &options.place;
    let at_terminal = at_terminal();
    let skin = skin(options.skin.as_deref())?;
    let open = match &options.resume {
        Some(name) => place.store()?.open(name, &place.catalogue()?)?,
        None => {
            let case = options.case.clone().map_or_else(|| next_case(place), Ok)?;
            options.beginning.begin(place, &case, at_terminal)?
        }
    };
    go_on_in(open, &options.beginning.by, place, &skin)
}

/// Plays a session that is open.
pub fn go_on(open: OpenSession, by: &str, place: &Place) -> Result<(), Failure> {
    go_on_in(open, by, place, &Skin::default())
}

fn go_on_in(open: OpenSession, by: &str, place: &Place, skin: &Skin) -> Result<(), Failure> {
    eprintln!("session {}; `quit` leaves, and `scartissue play --resume {}` goes on", name_of(&open), name_of(&open));
    print(&skin.shown(&format!("{}\n-- {}", ask::brief(&open.session), open.session.status_line())))?;
    converse(open, by, place, at_terminal(), skin)
}

fn converse(mut open: OpenSession, by: &str, place: &Place, at_terminal: bool, skin: &Skin) -> Result<(), Failure> {
    let lost = |why: String| Failure::Surroundings(why);
    if at_terminal {
        let words = crate::console::complete::Words::of(&open.session);
        let history = place.data()?.join("history.txt");
        return shell::converse(open, by, words, &WallClock::new(), &history, skin).map_err(lost);
    }
    shell::filter(&mut open, by, &mut std::io::stdin().lock(), &mut std::io::stdout().lock(), skin).map_err(lost)
}

/// The name of a session's folder.
pub fn name_of(open: &OpenSession) -> String {
    open.folder().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The next case that no session on disk has met: the first shift in its order, then by difficulty; the first of all if
/// every one was met.
fn next_case(place: &Place) -> Result<String, Failure> {
    let (catalogue, store) = (place.catalogue()?, place.store()?);
    let met: Vec<String> = store.names().iter().filter_map(|name| store.header(name).ok()).map(|h| h.case).collect();
    let mut cases = Vec::new();
    for name in catalogue.names() {
        let scenario = Scenario::open(&catalogue, name)?;
        let case = case(&scenario);
        let shift = scenario.file.shift.unwrap_or(u8::MAX);
        cases.push((met.contains(&case.id), shift, case.difficulty, case.id));
    }
    cases.sort();
    cases.into_iter().next().map(|(.., id)| id).ok_or_else(|| Failure::Usage("there are no cases".to_string()))
}

/// Which case, to be played command by command.
#[derive(Args)]
pub struct NewOptions {
    /// A case, as in INC-4127
    case: String,
    #[command(flatten)]
    beginning: Beginning,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Begins a session and leaves it on disk.
pub fn new(options: &NewOptions) -> Result<(), Failure> {
    let open = options.beginning.begin(&options.place, &options.case, false)?;
    if options.json {
        let view = serde_json::json!({ "session": name_of(&open), "view": open.session.view() });
        return print(&view.to_string());
    }
    eprintln!("session {}: go on with `scartissue do {} COMMAND`", name_of(&open), name_of(&open));
    print(&format!("{}\n-- {}", ask::brief(&open.session), open.session.status_line()))
}
