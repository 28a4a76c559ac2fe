//! `do`: one command on a session that is kept on disk. `replay`: a session again. `sessions`, `recover`: what is there.

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::assistant::advisor;
use crate::cli::begin::passphrase;
use crate::cli::beside;
use crate::cli::place::Place;
use crate::cli::play::skin;
use crate::cli::terminal::on_screen;
use crate::cli::{Failure, print};
use crate::console::host::{HostLine, may_host};
use crate::console::parse::{Said, parse};
use crate::console::{ask, shell};
use crate::session::Command;
use crate::session::clock::{ClockKind, Seat};
use crate::session::command::Host;
use crate::session::log::Event;
use crate::session::play::{Reply, Session};
use crate::session::store::{ApplyError, OpenSession};
use crate::sim::time::SimTime;

/// What to do.
#[derive(Args)]
pub struct DoOptions {
    /// The session
    session: String,
    /// A console command, or a command as JSON
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
    /// As JSON: `reply` and `view`, or `refused`
    #[arg(long)]
    json: bool,
    /// Who says it
    #[arg(long, value_name = "NAME", default_value = "you")]
    by: String,
    /// From which seat
    #[arg(long, value_enum, default_value_t = From::Participant)]
    seat: From,
    /// File with the host's passphrase, for a session that has one
    #[arg(long, value_name = "FILE")]
    host_file: Option<std::path::PathBuf>,
    /// Other words for services, teams and channels: a RON map, as in {"gateway": "front-door"}
    #[arg(long, value_name = "FILE")]
    skin: Option<std::path::PathBuf>,
    #[command(flatten)]
    place: Place,
}

/// Whose command it is.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum From {
    /// Who plays.
    Participant,
    /// An assistant beside them.
    Assistant,
    /// Who examines.
    Examiner,
    /// The facilitator.
    Host,
}

impl From {
    fn seat(self) -> Seat {
        match self {
            From::Participant => Seat::Participant,
            From::Assistant => Seat::Assistant,
            From::Examiner => Seat::Examiner,
            From::Host => Seat::Host,
        }
    }
}

/// Does one command.
pub fn step(options: &DoOptions) -> Result<(), Failure> {
    let place = &options.place;
    let skin = skin(options.skin.as_deref())?;
    let data = |mut value: serde_json::Value| {
        skin.shown_value(&mut value);
        print(&value.to_string())
    };
    let text = |text: &str| print(&on_screen(&skin.shown(text)));
    let line = skin.meant(&options.command.join(" "));
    let said = match serde_json::from_str::<Command>(&line) {
        Ok(command) => Ok(Said::Command(command)),
        Err(error) if line.starts_with('{') => Err(format!("not a command: {error}")),
        Err(_) => parse(&line),
    };
    // An answer that was given before is found again; nothing else needs it.
    let (store, catalogue) = (place.store()?, place.catalogue()?);
    let mut open = match &said {
        Ok(Said::Question("show", _)) => store.open_with_answers(&options.session, &catalogue)?,
        _ => store.open(&options.session, &catalogue)?,
    };
    let refused = |why: String| {
        if options.json {
            data(json!({ "refused": why }))?;
        }
        Err(Failure::No(skin.shown(&why)))
    };
    let (seat, command) = match said {
        Err(why) => return refused(why),
        Ok(Said::Nothing) => return Ok(()),
        Ok(Said::Question(question, rest)) => {
            match ask::answer_to(&mut open.session, &options.by, question, &rest) {
                Err(why) => return refused(why),
                Ok(said) if options.json => {
                    data(json!({ "reply": { "text": said }, "view": open.session.view_of(&options.by) }))?;
                }
                Ok(said) => text(&shell::with_status(&said, &open.session.status_line()))?,
            }
            drop(open.set_aside()); // without it the next command takes longer, and that is all
            return leave(open);
        }
        Ok(Said::Command(command)) => (options.seat.seat(), command),
        Ok(Said::Host(HostLine::Command(command))) => (Seat::Host, command),
        Ok(Said::Host(_)) => {
            return refused(
                "the host's seat is open for one command at a time here: give --host-file FILE".to_string(),
            );
        }
    };
    if seat == Seat::Host {
        let passphrase = options.host_file.as_deref().map(passphrase).transpose()?;
        if let Err(why) = may_host(open.session.terms(), passphrase.as_deref()) {
            return refused(why);
        }
    }
    if open.session.terms().clock == ClockKind::Live {
        return refused(
            "this session's clock is live: it goes on in a console, `scartissue play --resume`".to_string(),
        );
    }
    if matches!(command, Command::Advise { .. }) {
        beside::seated(&mut open);
    }
    match advisor::apply(&mut open, seat, &options.by, &command) {
        Err(ApplyError::Refused(refusal)) => return refused(refusal.to_string()),
        Err(ApplyError::Log(error)) => return Err(Failure::Surroundings(error.to_string())),
        Ok(reply) if options.json => data(json!({ "reply": reply, "view": open.session.view_of(&options.by) }))?,
        Ok(reply) => text(&shell::with_status(&shell::told(&reply), &open.session.status_line()))?,
    }
    drop(open.set_aside());
    leave(open)
}

/// Leaves a session as it lies on the disk; to take a million records apart would only take time.
fn leave(open: OpenSession) -> Result<(), Failure> {
    std::mem::forget(open);
    Ok(())
}

/// Which session, and how far.
#[derive(Args)]
pub struct ReplayOptions {
    /// The session
    session: String,
    /// Stop at a time of day, as in 14:07:30
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// As JSON: events, replies and the last view
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Plays a session again.
pub fn replay(options: &ReplayOptions) -> Result<(), Failure> {
    let place = &options.place;
    let wrong = std::cell::Cell::new(false);
    let until = |session: &Session| {
        let text = options.at.as_deref().unwrap_or_default();
        let calendar = session.watch().scene.calendar;
        calendar.moment_of_day(session.now(), text).unwrap_or_else(|| {
            wrong.set(true);
            SimTime::ZERO
        })
    };
    let until: Option<&dyn Fn(&Session) -> SimTime> = if options.at.is_some() { Some(&until) } else { None };
    let replayed = place.store()?.replay(&options.session, &place.catalogue()?, until)?;
    if wrong.get() {
        let text = options.at.as_deref().unwrap_or_default();
        return Err(Failure::Usage(format!("\"{text}\" is no time of day: write it as in 14:07:30")));
    }
    let calendar = replayed.session.watch().scene.calendar;
    // What a host keeps for itself is told with the debrief, and not while the incident goes on.
    let ended = replayed.session.ended().is_some();
    let is_private = |event: &Event| {
        let private = matches!(&event.command, Command::Inject { .. } | Command::Host(Host::Note { .. }));
        private && event.seat == Seat::Host && !ended
    };
    if options.json {
        let told = |(event, reply): &(Event, Reply)| match is_private(event) {
            true => json!({ "event": { "n": event.n, "at": event.at, "seat": event.seat } }),
            false => json!({ "event": event, "reply": reply }),
        };
        let events: Vec<_> = replayed.replies.iter().map(told).collect();
        print(
            &json!({ "events": events, "differing": replayed.differing, "view": replayed.session.view() }).to_string(),
        )?;
    } else {
        for (event, reply) in &replayed.replies {
            if is_private(event) {
                print(&format!(
                    "{} {}: the host's own, told when the incident has ended",
                    calendar.clock(SimTime(event.at)),
                    event.n
                ))?;
                continue;
            }
            let said = serde_json::to_string(&event.command).unwrap_or_default();
            print(&format!("{} {}: {said}\n{}", calendar.clock(SimTime(event.at)), event.n, shell::told(reply)))?;
        }
        print(&format!("-- {}", replayed.session.status_line()))?;
    }
    match replayed.differing.as_slice() {
        [] => Ok(()),
        differing => Err(Failure::No(format!(
            "this build answers otherwise than the one that was played with ({}) at events {differing:?}",
            replayed.header.build
        ))),
    }
}

/// Which form the list has.
#[derive(Args)]
pub struct SessionsOptions {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Lists sessions.
pub fn sessions(options: &SessionsOptions) -> Result<(), Failure> {
    let store = options.place.store()?;
    let rows: Vec<_> = store.names().into_iter().map(|name| (store.header(&name), name)).collect();
    if options.json {
        let row = |(header, name): &(Result<_, crate::session::store::StoreError>, String)| match header {
            Ok(header) => json!({ "session": name, "header": header }),
            Err(error) => json!({ "session": name, "error": error.to_string() }),
        };
        return print(&json!(rows.iter().map(row).collect::<Vec<_>>()).to_string());
    }
    let lines = rows.iter().map(|(header, name)| match header {
        Ok(header) => {
            let marks: String = header.terms.marks().iter().map(|mark| format!("  {mark}")).collect();
            format!("{name}  {}  {:?}  by {}{marks}", header.case, header.terms.clock, header.by)
        }
        Err(error) => format!("{name}  {error}"),
    });
    print(&lines.collect::<Vec<_>>().join("\n"))
}

/// Which session.
#[derive(Args)]
pub struct RecoverOptions {
    /// The session
    session: String,
    #[command(flatten)]
    place: Place,
}

/// Keeps a copy of what is sound of a damaged session.
pub fn recover(options: &RecoverOptions) -> Result<(), Failure> {
    let (beside, events) = options.place.store()?.recover(&options.session)?;
    print(&format!("{events} events are sound and were copied to {}", beside.display()))
}

/// Which session, from which moment.
#[derive(Args)]
pub struct ForkOptions {
    /// The session
    session: String,
    /// At this time of day, as in 14:07:30
    #[arg(long, value_name = "TIME")]
    at: String,
    /// Name of the new session
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    #[command(flatten)]
    place: Place,
}

/// Begins a new session with the beginning of another.
pub fn fork(options: &ForkOptions) -> Result<(), Failure> {
    let place = &options.place;
    let (store, catalogue) = (place.store()?, place.catalogue()?);
    let events = store.fork(&options.session, &options.name, &catalogue, &|session: &Session| {
        session.watch().scene.calendar.moment_of_day(session.now(), &options.at)
    })?;
    print(&format!("session {} begins with {events} events of {}", options.name, options.session))
}
