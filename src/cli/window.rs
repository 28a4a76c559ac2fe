//! The window's surroundings: cases, sessions, debriefs and a clock; and the way back to the terminal where there is no
//! display. Today's page is drawn by the date from all cases but those of the first shift; its session has the date for
//! a name, and so only the first counts.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;

use crate::cli::begin::{Beginning, Marks};
use crate::cli::beside::{self, Assist};
use crate::cli::debrief::scar;
use crate::cli::drill::choice;
use crate::cli::meanwhile::Meanwhile;
use crate::cli::place::{Place, WallClock};
use crate::cli::{Failure, demo, play};
use crate::console::shell::Clock;
use crate::gui::app::Closed;
use crate::gui::career::{Career, Today, career};
use crate::gui::desk::{Belief, Desk, Other, Told};
use crate::gui::map::film::film;
use crate::gui::tour::Tour;
use crate::scar::case::offers;
use crate::scar::healing::date;
use crate::scar::memory::DAY_S;
use crate::scar::records::Row;
use crate::scenario::opened::Scenario;
use crate::score::debrief::debrief_among;
use crate::score::observer::Observer;
use crate::score::runs::Runs;
use crate::session::case::{Case, case};
use crate::session::command::Command;
use crate::session::log::Event;
use crate::session::seal::drawn;
use crate::session::store::OpenSession;
use crate::sim::rng::mix;

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
    #[arg(long, default_value_t = 4, hide = true)]
    tour_seed: u64,
    #[command(flatten)]
    assist: Assist,
    #[command(flatten)]
    place: Place,
}

/// Opens the window; where none can be opened, says why and goes on in the terminal, or with the demonstration where there
/// is none.
///
/// # Errors
/// The terminal refuses too, a tour cannot be taken, or a window that was open has failed.
pub fn window(options: Options) -> Result<(), Failure> {
    let tour = match &options.tour {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|e| Failure::Surroundings(format!("{}: {e}", folder.display())))?;
            Some(Tour::new(folder, &options.tour_case, (1920, 1080)))
        }
        None => None,
    };
    // What does not fit together is said before a window stands there.
    options.assist.ready()?;
    let touring = tour.is_some();
    let place = options.place.clone();
    let desk = Here {
        place: options.place,
        assist: options.assist,
        seed: touring.then_some(options.tour_seed),
        meanwhile: Mutex::default(),
    };
    let opened: Result<(), Closed> = match display() {
        true => crate::gui::open(Arc::new(desk), tour),
        false => Err(Closed::Never("there is no display here".to_string())),
    };
    match opened {
        Ok(()) => Ok(()),
        Err(why @ Closed::Failed(_)) => Err(Failure::Surroundings(why.to_string())),
        Err(why) if touring => Err(Failure::Surroundings(why.to_string())),
        Err(why) => {
            let terminal = play::at_terminal();
            let instead = if terminal { "the terminal it is" } else { "here is the flagship incident in words" };
            eprintln!("scartissue: {why}; {instead}");
            if terminal { play::play_next(place) } else { demo::demo(&demo::Options::default()) }
        }
    }
}

/// Whether there is anything to open a window on.
pub fn display() -> bool {
    let named = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || named("DISPLAY") || named("WAYLAND_DISPLAY")
}

/// This machine, as the window's surroundings.
pub struct Here {
    place: Place,
    assist: Assist,
    seed: Option<u64>,
    meanwhile: Mutex<Option<Meanwhile>>,
}

impl Here {
    /// With its data in a folder, and every session of one seed.
    pub fn at(folder: &Path, seed: u64) -> Here {
        let place = Place { data_dir: Some(folder.to_path_buf()), ..Place::default() };
        Here { place, assist: Assist::default(), seed: Some(seed), meanwhile: Mutex::default() }
    }
}

/// Keeps the seed of today's page apart from all others.
const PAGE: u64 = 0x7064_6179;

impl Here {
    /// Days since 1970.
    fn day(&self) -> u64 {
        self.place.now_s().div_euclid(DAY_S as i64).unsigned_abs()
    }

    /// A session that is played from now on: runs are made for it, and none any more for the one before.
    fn opened(&self, open: OpenSession) -> OpenSession {
        self.meanwhile(Some(&open));
        open
    }

    /// The same of one that has just been begun: whoever was named sits down beside it.
    fn begun(&self, begun: Result<OpenSession, Failure>) -> Result<OpenSession, String> {
        let mut open = begun.map_err(said)?;
        beside::seat(&mut open, self.assist.ready().map_err(said)?).map_err(said)?;
        Ok(self.opened(open))
    }

    fn meanwhile(&self, open: Option<&OpenSession>) {
        *self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner) = open.map(Meanwhile::of);
    }

    /// The name of the session of today's page, and its case: drawn by the date from all but those of the first shift.
    fn today(&self) -> Result<(String, Case), String> {
        let catalogue = self.place.catalogue().map_err(said)?;
        let mut cases = Vec::new();
        for name in catalogue.names() {
            let scenario = Scenario::open(&catalogue, name).map_err(|e| said(e.into()))?;
            if scenario.file.shift.is_none() {
                cases.push(case(&scenario));
            }
        }
        cases.sort_by(|a, b| a.id.cmp(&b.id));
        let place = drawn(mix(self.day(), PAGE), cases.len());
        let case = (place < cases.len()).then(|| cases.swap_remove(place)).ok_or("there are no cases")?;
        Ok((format!("today-{}", date(self.place.now_s())), case))
    }
}

impl Here {
    /// A graded run of that name, and all others.
    fn runs(&self, name: &str, case: &str) -> Result<(Other, Vec<Other>), String> {
        let name = Path::new(name).file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
        let rows = self.place.profile().map_err(said)?.rows().map_err(|e| e.to_string())?;
        let other = |row: &Row| Other {
            same_case: row.graded.case == case,
            points: row.graded.truth_percent,
            found_min: row.graded.found_s.map(|s| s / 60.0),
        };
        let mine = rows.iter().find(|r| r.name == name).map(other).unwrap_or_default();
        Ok((mine, rows.iter().filter(|r| r.name != name).map(other).collect()))
    }
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
            let scenario = Scenario::open(&catalogue, name).map_err(|e| said(e.into()))?;
            cases.push((scenario.file.shift.unwrap_or(u8::MAX), case(&scenario)));
        }
        cases.sort_by(|a, b| (a.0, a.1.difficulty, &a.1.id).cmp(&(b.0, b.1.difficulty, &b.1.id)));
        let with = |(_, case): (u8, Case)| (met.contains(&case.id), case);
        Ok(cases.into_iter().map(with).map(|(met, case)| (case, met)).collect())
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
        let case = case.map_or_else(|| play::next_case(&self.place).map_err(said), |case| Ok(case.to_string()))?;
        let mut beginning = Beginning::default();
        beginning.seed = self.seed;
        self.begun(beginning.begin(&self.place, &case, true, Marks::default()))
    }

    fn begin_today(&self) -> Result<OpenSession, String> {
        let today = self.today()?;
        let day = self.day();
        let mut beginning = Beginning::default();
        (beginning.seed, beginning.name) = (Some(mix(day, PAGE)), Some(today.0));
        self.begun(beginning.begin(&self.place, &today.1.id, true, Marks::default()))
    }

    fn begin_drill(&self, more: bool) -> Result<OpenSession, String> {
        let drilled = choice(&self.place, more, self.seed).map_err(said)?;
        let beginning = Beginning::default();
        self.begun(beginning.begin_chosen(&self.place, &drilled.case, true, &drilled.chosen))
    }

    fn career(&self) -> Result<Career, String> {
        let profile = self.place.profile().map_err(said)?;
        let now_s = self.place.now_s();
        let (rows, settings) = (profile.rows(), profile.settings());
        let (rows, settings) = (rows.map_err(|e| e.to_string())?, settings.map_err(|e| e.to_string())?);
        let offers = offers(&self.place.catalogue().map_err(said)?).map_err(|e| said(e.into()))?;
        let mut career = career(&rows, &settings.weights, &offers, now_s);
        let (name, case) = self.today()?;
        let met = self.place.store().map_err(said)?.names().contains(&name);
        let debriefed = career.graded.contains(&name);
        let date = date(now_s);
        career.today = Today { date, case: case.id, minutes: case.minutes, met: met.then_some((name, debriefed)) };
        Ok(career)
    }

    fn rule(&self, session: &str, words: &str) -> Result<(), String> {
        let folder = self.place.store().map_err(said)?.folder(session);
        self.place.profile().map_err(said)?.keep_rule(&folder, words).map_err(|e| e.to_string())
    }

    fn resume(&self, name: &str) -> Result<OpenSession, String> {
        let catalogue = self.place.catalogue().map_err(said)?;
        let opened = self.place.store().map_err(said)?.open(name, &catalogue);
        let mut open = opened.map_err(|e| e.to_string())?;
        beside::seated(&mut open);
        Ok(self.opened(open))
    }

    fn debrief(&self, name: &str, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Told, String> {
        self.meanwhile(None);
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
        let runs = Runs::kept_in(session.scenario(), &store.folder(name));
        let observer = Observer::built_in(session.scenario()).ok();
        let debrief = debrief_among(session, &events, observer, &runs, progress).map_err(|e| e.to_string())?;
        let healing = scar(&self.place, name, &replayed, &events, &debrief).map_err(said)?;
        let (mine, others) = self.runs(name, &debrief.case)?;
        Ok(Told {
            debrief,
            mine,
            others,
            healing,
            beliefs: events.iter().filter_map(belief).collect(),
            length_s: session.now().as_secs_f64() - paged_s,
            opened: session.watch().scene.calendar.clock(session.watch().world.window().0),
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
