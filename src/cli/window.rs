//! The window's surroundings: cases, sessions, debriefs and a clock; and the way back to the terminal where there is no
//! display.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::begin::{Beginning, Marks};
use crate::cli::debrief::scar;
use crate::cli::place::{Place, WallClock};
use crate::cli::{Failure, play};
use crate::console::shell::Clock;
use crate::gui::desk::{Belief, Desk, Told};
use crate::gui::map::film::film;
use crate::gui::tour::Tour;
use crate::scenario::opened::Scenario;
use crate::score::debrief::debrief;
use crate::session::case::{Case, case};
use crate::session::command::Command;
use crate::session::log::Event;
use crate::session::store::OpenSession;

/// How the window is opened.
#[derive(Args, Default)]
pub struct Options {
    /// Take a picture of every screen into this folder, and leave
    #[arg(long, value_name = "DIR", hide = true)]
    tour: Option<PathBuf>,
    /// The tour's case
    #[arg(long, default_value = "INC-4127", hide = true)]
    tour_case: String,
    /// The tour's seed
    #[arg(long, default_value_t = 7, hide = true)]
    tour_seed: u64,
    #[command(flatten)]
    place: Place,
}

/// Opens the window; where none can be opened, says why and plays in the terminal.
///
/// # Errors
/// The terminal refuses too, or a tour cannot be taken.
pub fn window(options: Options) -> Result<(), Failure> {
    let tour = match &options.tour {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|e| Failure::Surroundings(format!("{}: {e}", folder.display())))?;
            Some(Tour::new(folder, &options.tour_case, (1920, 1080)))
        }
        None => None,
    };
    let touring = tour.is_some();
    let desk = Here { place: options.place, seed: touring.then_some(options.tour_seed) };
    let opened = match display() {
        true => crate::gui::open(Arc::new(desk), tour),
        false => Err("there is no display here".to_string()),
    };
    match opened {
        Ok(()) => Ok(()),
        Err(why) if touring => Err(Failure::Surroundings(why)),
        Err(why) => {
            eprintln!("scartissue: {why}; the terminal it is");
            play::play_next(Place::default())
        }
    }
}

/// Whether there is anything to open a window on.
fn display() -> bool {
    let named = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || named("DISPLAY") || named("WAYLAND_DISPLAY")
}

/// This machine.
struct Here {
    place: Place,
    seed: Option<u64>,
}

fn said(failure: Failure) -> String {
    failure.to_string()
}

impl Desk for Here {
    fn cases(&self) -> Result<Vec<(Case, bool)>, String> {
        let (catalogue, store) = (self.place.catalogue().map_err(said)?, self.place.store().map_err(said)?);
        let met: Vec<String> = store.names().iter().filter_map(|n| store.header(n).ok()).map(|h| h.case).collect();
        let mut cases = Vec::new();
        for name in catalogue.names() {
            let case = case(&Scenario::open(&catalogue, name).map_err(|e| said(e.into()))?);
            cases.push((met.contains(&case.id), case));
        }
        cases.sort_by(|a, b| (a.1.difficulty, &a.1.id).cmp(&(b.1.difficulty, &b.1.id)));
        Ok(cases.into_iter().map(|(met, case)| (case, met)).collect())
    }

    fn sessions(&self) -> Vec<(String, String)> {
        let Ok(store) = self.place.store() else { return Vec::new() };
        let changed = |name: &String| {
            std::fs::metadata(store.folder(name).join(crate::session::store::LOG)).and_then(|m| m.modified()).ok()
        };
        let mut names = store.names();
        names.sort_by_key(|name| std::cmp::Reverse(changed(name)));
        names.into_iter().filter_map(|n| store.header(&n).ok().map(|h| (n, h.case))).collect()
    }

    fn begin(&self, case: Option<&str>) -> Result<OpenSession, String> {
        let case = match case {
            Some(case) => case.to_string(),
            None => {
                let cases = self.cases()?;
                let next = cases.iter().find(|(_, met)| !met).or(cases.first());
                next.map(|(case, _)| case.id.clone()).ok_or("there are no cases")?
            }
        };
        let mut beginning = Beginning::default();
        beginning.seed = self.seed;
        beginning.begin(&self.place, &case, true, Marks::default()).map_err(said)
    }

    fn resume(&self, name: &str) -> Result<OpenSession, String> {
        let catalogue = self.place.catalogue().map_err(said)?;
        self.place.store().map_err(said)?.open(name, &catalogue).map_err(|e| e.to_string())
    }

    fn debrief(&self, name: &str, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Told, String> {
        let catalogue = self.place.catalogue().map_err(said)?;
        let store = self.place.store().map_err(said)?;
        let mut replayed = store.replay(name, &catalogue, None).map_err(|e| e.to_string())?;
        let replies = std::mem::take(&mut replayed.replies);
        let events: Vec<Event> = replies.into_iter().map(|(event, _)| event).collect();
        let session = &replayed.session;
        let paged_s = session.seal().paged_at_ns as f64 / 1e9;
        let belief = |event: &Event| {
            let (points, committed) = match &event.command {
                Command::Believe { points } => (points.clone(), false),
                Command::Commit(commit) => (commit.points.clone(), true),
                _ => return None,
            };
            Some(Belief { at_s: event.at as f64 / 1e9 - paged_s, points, committed })
        };
        let debrief = debrief(session, &events, progress).map_err(|e| e.to_string())?;
        let healing = scar(&self.place, name, &replayed, &events, &debrief).map_err(said)?;
        Ok(Told {
            debrief,
            scar: healing.as_ref().map(crate::scar::tell::healing).unwrap_or_default(),
            beliefs: events.iter().filter_map(belief).collect(),
            length_s: session.now().as_secs_f64() - paged_s,
            film: film(session),
        })
    }

    fn clock(&self) -> Box<dyn Clock + Send> {
        Box::new(WallClock::new())
    }

    fn settings_file(&self) -> Option<PathBuf> {
        self.place.data().ok().map(|data| data.join("window.ron"))
    }
}
