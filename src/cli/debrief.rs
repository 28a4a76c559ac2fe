//! `debrief`: what was true of a session that has ended, what its orders did, and what could have been.

use std::path::PathBuf;

use clap::Args;

use crate::cli::place::Place;
use crate::cli::play::skin;
use crate::cli::{Failure, print, progress, write_file};
use crate::report::debrief as page;
use crate::scar::graded::{Before, Graded, grade};
use crate::scar::healing::{Healing, healing};
use crate::scar::occasion::{OCCASION, Occasion};
use crate::scar::profile::SESSIONS;
use crate::scar::tell as scar_tell;
use crate::score::debrief::{Debrief, DebriefError, debrief_among};
use crate::score::observer::Observer;
use crate::score::record::Record;
use crate::score::runs::Runs;
use crate::score::tell;
use crate::session::log::Event;
use crate::session::store::Replayed;

/// Which session, and in what form.
#[derive(Args)]
pub struct Options {
    /// The session
    session: String,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Also write it as Markdown
    #[arg(long, value_name = "FILE")]
    md: Option<PathBuf>,
    /// Also draw it in one HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Call services, teams and channels by the names of this file
    #[arg(long, value_name = "FILE")]
    skin: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

/// Tells.
pub fn debrief(options: &Options) -> Result<(), Failure> {
    let place = &options.place;
    let skin = skin(options.skin.as_deref())?;
    let mut replayed = place.store()?.replay(&options.session, &place.catalogue()?, None)?;
    let events: Vec<Event> = std::mem::take(&mut replayed.replies).into_iter().map(|(event, _)| event).collect();
    let scenario = replayed.session.scenario();
    let runs = Runs::kept_in(scenario, &place.store()?.folder(&options.session));
    let observer = Observer::built_in(scenario).ok();
    let debrief = debrief_among(&replayed.session, &events, observer, &runs, &progress::runs)?;
    let scar = scar(place, &options.session, &replayed, &events, &debrief)?;
    let mut text = tell::markdown(&debrief);
    text.push_str(&scar.as_ref().map(scar_tell::healing).unwrap_or_default());
    let text = skin.shown(&text);
    if let Some(file) = &options.md {
        write_file(file, &text)?;
    }
    if let Some(file) = &options.html {
        let mut lessons = debrief.observer.as_ref().map(|o| tell::looks(o, &debrief.cause)).unwrap_or_default();
        lessons.extend(tell::hints(&debrief));
        write_file(file, &skin.shown_page(&page::html(&replayed.session, &debrief, &lessons)))?;
    }
    if options.json {
        let wrong = |e: serde_json::Error| Failure::Surroundings(e.to_string());
        let mut told = serde_json::to_value(&debrief).map_err(wrong)?;
        told["scar"] = serde_json::to_value(&scar).map_err(wrong)?;
        skin.shown_value(&mut told);
        return print(&serde_json::to_string_pretty(&told).map_err(wrong)?);
    }
    print(text.trim_end())
}

/// Grades the session, once and for good, and tells what it did to its player's scars. A session that lies elsewhere than
/// in the profile is nobody's here, and is not graded.
pub(super) fn scar(
    place: &Place,
    name: &str,
    replayed: &Replayed,
    events: &[Event],
    debrief: &Debrief,
) -> Result<Option<Healing>, Failure> {
    let folder = place.store()?.folder(name);
    if replayed.session.ended().is_some() {
        place.store()?.drop_snapshot(name);
    }
    let mut profile = place.profile()?;
    let here = profile.folder().join(SESSIONS);
    let (Some(record), true) = (Record::of(&replayed.session, events), folder.parent() == Some(here.as_path())) else {
        return Ok(None);
    };
    let occasion = Occasion::read(&folder)
        .map_err(|e| Failure::Surroundings(format!("{}: {e}", folder.join(OCCASION).display())))?;
    let earlier: Vec<Graded> = profile.rows()?.into_iter().map(|row| row.graded).collect();
    let before = Before { graded: &earlier, name, occasion: &occasion };
    let graded = grade(&record, &replayed.header, debrief, &before);
    let kept = earlier.iter().any(|g| g.session == graded.session);
    let value = serde_json::to_value(debrief).map_err(|e| Failure::Surroundings(e.to_string()))?;
    let graded = profile.keep(&folder, &graded, &value)?;
    Ok(Some(healing(&graded, &profile.rows()?, kept)))
}

impl From<DebriefError> for Failure {
    fn from(error: DebriefError) -> Self {
        match error {
            DebriefError::Truth(error) => error.into(),
            DebriefError::GoesOn | DebriefError::Differs | DebriefError::Watch(_) => Failure::No(error.to_string()),
        }
    }
}
