//! `debrief`: what was true of a session that has ended, what its orders did, and what could have been.

use std::path::PathBuf;

use clap::Args;

use crate::cli::place::Place;
use crate::cli::{Failure, print, progress, write_file};
use crate::score::debrief::{DebriefError, debrief as debrief_of};
use crate::score::tell;
use crate::session::log::Event;

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
    #[command(flatten)]
    place: Place,
}

/// Tells.
pub fn debrief(options: &Options) -> Result<(), Failure> {
    let place = &options.place;
    let replayed = place.store()?.replay(&options.session, &place.catalogue()?, None)?;
    let events: Vec<Event> = replayed.replies.into_iter().map(|(event, _)| event).collect();
    let debrief = debrief_of(&replayed.session, &events, &progress::runs)?;
    let text = tell::markdown(&debrief);
    if let Some(file) = &options.md {
        write_file(file, &text)?;
    }
    if options.json {
        return print(&serde_json::to_string_pretty(&debrief).map_err(|e| Failure::Surroundings(e.to_string()))?);
    }
    print(text.trim_end())
}

impl From<DebriefError> for Failure {
    fn from(error: DebriefError) -> Self {
        match error {
            DebriefError::Truth(error) => error.into(),
            DebriefError::GoesOn | DebriefError::Differs => Failure::No(error.to_string()),
        }
    }
}
