//! `play`: a case in the terminal; `new`: one to be played command by command.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;

use crate::cli::begin::{Beginning, Marks};
use crate::cli::beside::{self, Assist};
use crate::cli::meanwhile::Meanwhile;
use crate::cli::place::{Place, WallClock};
#[cfg(feature = "wire")]
use crate::cli::served::Serve;
use crate::cli::terminal::on_screen;
use crate::cli::{Failure, print};
use crate::console::skin::Skin;
use crate::console::{ask, shell};
use crate::scenario::opened::Scenario;
use crate::session::case::case;
use crate::session::live::{Clock, Live};
use crate::session::store::OpenSession;

/// Which case.
#[derive(Args)]
pub struct Options {
    /// A case, as in INC-4127; without one, the easiest that was not played yet
    case: Option<String>,
    /// A code that a host gave: it stands for case, variant and seed
    #[arg(long, value_name = "CODE", conflicts_with_all = ["case", "seed", "variant"])]
    code: Option<String>,
    /// Go on with a session instead
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["case", "code", "host", "host_file"])]
    resume: Option<String>,
    /// Other words for services, teams and channels: a RON map, as in {"gateway": "front-door"}
    #[arg(long, value_name = "FILE")]
    skin: Option<PathBuf>,
    #[command(flatten)]
    beginning: Beginning,
    #[command(flatten)]
    assist: Assist,
    #[cfg(feature = "wire")]
    #[command(flatten)]
    serve: Serve,
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
    play(&Options {
        case: None,
        code: None,
        resume: None,
        skin: None,
        beginning: Beginning::default(),
        assist: Assist::default(),
        #[cfg(feature = "wire")]
        serve: Serve::default(),
        place,
    })
}

/// Whether a person sits at both ends.
pub fn at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Plays.
pub fn play(options: &Options) -> Result<(), Failure> {
    let place = &options.place;
    let (at_terminal, by) = (at_terminal(), options.beginning.by.as_str());
    let skin = skin(options.skin.as_deref())?;
    #[cfg(feature = "wire")]
    let (listening, marks) = (options.serve.listen(by)?, options.serve.marks());
    #[cfg(not(feature = "wire"))]
    let marks = Marks::default();
    let ready = options.assist.ready()?;
    let mut open = match &options.resume {
        Some(_) if ready.is_some() => {
            return Err(Failure::Usage(
                "who sits beside a session was settled when it was begun: leave out --assistant".to_string(),
            ));
        }
        Some(name) => {
            let open = place.store()?.open(name, &place.catalogue()?)?;
            resumable(&open, marks)?;
            open
        }
        None => {
            let live = at_terminal || marks.external_tools;
            match (&options.code, &options.case) {
                (Some(code), _) => options.beginning.begin_coded(place, code, live, marks)?,
                (None, Some(case)) => options.beginning.begin(place, case, live, marks)?,
                (None, None) => options.beginning.begin(place, &next_case(place)?, live, marks)?,
            }
        }
    };
    match ready {
        Some(_) => beside::seat(&mut open, ready)?,
        None => beside::seated(&mut open),
    }
    #[cfg(feature = "wire")]
    let beside = |live: &_, clock: &_| listening.map(|listening| listening.serve(live, clock)).transpose();
    #[cfg(not(feature = "wire"))]
    let beside = |_: &_, _: &_| Ok(());
    go_on_in(open, by, place, &skin, beside)
}

/// Plays a session that is open.
pub fn go_on(open: OpenSession, by: &str, place: &Place) -> Result<(), Failure> {
    go_on_in(open, by, place, &Skin::default(), |_, _| Ok(()))
}

/// Plays a session that is open, and does something else with it meanwhile.
fn go_on_in<B>(
    open: OpenSession,
    by: &str,
    place: &Place,
    skin: &Skin,
    beside: impl FnOnce(&Arc<Mutex<Live>>, &Arc<dyn Clock>) -> Result<B, Failure>,
) -> Result<(), Failure> {
    let name = name_of(&open);
    eprintln!(
        "{}",
        on_screen(&format!("session {name}; `quit` leaves, and `scartissue play --resume {name}` goes on"))
    );
    let brief = skin.shown(&format!("{}\n-- {}", ask::brief(&open.session), open.session.status_line()));
    print(&on_screen(&brief))?;
    let words = at_terminal().then(|| crate::console::complete::Words::of(&open.session));
    let _meanwhile = at_terminal().then(|| Meanwhile::of(&open));
    let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
    let live = Arc::new(Mutex::new(Live::new(open, clock.now_ns())));
    let _beside = beside(&live, &clock)?;
    let talked = match words {
        Some(words) => shell::converse(&live, by, words, &*clock, &place.data()?.join("history.txt"), skin, &on_screen),
        None => shell::filter(&live, by, &*clock, &mut std::io::stdin().lock(), &Mutex::new(std::io::stdout()), skin),
    };
    talked.map_err(Failure::Surroundings)?;
    let live = live.lock().unwrap_or_else(PoisonError::into_inner);
    if live.open.session.ended().is_some() {
        let profile = place.profile.as_ref().map_or(String::new(), |of| format!(" --profile {of}"));
        eprintln!("what was true: `scartissue debrief {name}{profile}`; the next case: `scartissue play{profile}`");
    }
    Ok(())
}

/// How a session counts was settled when it was begun.
fn resumable(open: &OpenSession, marks: Marks) -> Result<(), Failure> {
    let terms = open.session.terms();
    let wrong = match (marks.external_tools && !terms.external_tools, marks.unpriced && !terms.unpriced) {
        (true, _) => "this session was begun without external tools, and goes on so: begin one with --prometheus",
        (_, true) => "this session was begun with prices, and goes on so: leave out --unpriced",
        _ => return Ok(()),
    };
    Err(Failure::Usage(wrong.to_string()))
}

/// The name of a session's folder.
pub fn name_of(open: &OpenSession) -> String {
    open.folder().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The next case that no session on disk has met: the first shift in its order, then by difficulty; the first of all if
/// every one was met.
pub(super) fn next_case(place: &Place) -> Result<String, Failure> {
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
    #[arg(required_unless_present = "code")]
    case: Option<String>,
    /// A code that a host gave: it stands for case, variant and seed
    #[arg(long, value_name = "CODE", conflicts_with_all = ["case", "seed", "variant"])]
    code: Option<String>,
    #[command(flatten)]
    beginning: Beginning,
    #[command(flatten)]
    assist: Assist,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Begins a session and leaves it on disk.
pub fn new(options: &NewOptions) -> Result<(), Failure> {
    let (place, marks) = (&options.place, Marks::default());
    let ready = options.assist.ready()?;
    let mut open = match (&options.code, &options.case) {
        (Some(code), _) => options.beginning.begin_coded(place, code, false, marks)?,
        (None, case) => options.beginning.begin(place, case.as_deref().unwrap_or_default(), false, marks)?,
    };
    beside::seat(&mut open, ready)?;
    drop(open.set_aside()); // without it the next command takes longer, and that is all
    if options.json {
        let view = serde_json::json!({ "session": name_of(&open), "view": open.session.view() });
        return print(&view.to_string());
    }
    eprintln!("session {}: go on with `scartissue do {} COMMAND`", name_of(&open), name_of(&open));
    print(&on_screen(&format!("{}\n-- {}", ask::brief(&open.session), open.session.status_line())))
}
