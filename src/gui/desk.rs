//! What the window asks of its surroundings: cases, sessions, a clock, a place for settings. The command line gives it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::console::shell::Clock;
use crate::gui::career::Career;
use crate::scar::healing::Healing;
use crate::score::debrief::Debrief;
use crate::session::case::Case;
use crate::session::store::OpenSession;

/// Where cases, sessions and time come from.
pub trait Desk: Send + Sync + 'static {
    /// All cases, the easiest first, each with whether it was met.
    ///
    /// # Errors
    /// A scenario cannot be read.
    fn cases(&self) -> Result<Vec<(Case, bool)>, String>;

    /// Sessions that can be gone on with, by name, the latest first, each with its case.
    fn sessions(&self) -> Vec<(String, String)>;

    /// Begins a session; without a case, of the easiest that was not met.
    ///
    /// # Errors
    /// There is no such case, or the disk refuses.
    fn begin(&self, case: Option<&str>) -> Result<OpenSession, String>;

    /// Begins today's page.
    ///
    /// # Errors
    /// As [`Desk::begin`].
    fn begin_today(&self) -> Result<OpenSession, String>;

    /// Begins the case that is most worth practising now; `more` though enough was practised today.
    ///
    /// # Errors
    /// Nothing may be practised now, or as [`Desk::begin`].
    fn begin_drill(&self, more: bool) -> Result<OpenSession, String>;

    /// How the player stands.
    ///
    /// # Errors
    /// The records cannot be read.
    fn career(&self) -> Result<Career, String>;

    /// Keeps what the player made of a session.
    ///
    /// # Errors
    /// It was not graded, or the disk refuses.
    fn rule(&self, session: &str, words: &str) -> Result<(), String>;

    /// Goes on with a session.
    ///
    /// # Errors
    /// It is not there, or is open elsewhere.
    fn resume(&self, name: &str) -> Result<OpenSession, String>;

    /// The debrief of a session that has ended.
    ///
    /// # Errors
    /// It goes on, or cannot be replayed.
    fn debrief(&self, name: &str, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Told, String>;

    /// A clock that only goes forward.
    fn clock(&self) -> Box<dyn Clock + Send>;

    /// Where settings are kept.
    fn settings_file(&self) -> Option<PathBuf>;
}

/// A belief at a moment: seconds after the page, points by mechanism, whether it was committed to.
#[derive(Clone, Debug, PartialEq)]
pub struct Belief {
    /// Seconds after the page.
    pub at_s: f64,
    /// Points.
    pub points: BTreeMap<String, u8>,
    /// Whether it was a commit.
    pub committed: bool,
}

/// A run that was graded, as far as others are held against it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Other {
    /// It is of the same case.
    pub same_case: bool,
    /// Points of the truth when it counted; none: nothing was committed.
    pub points: Option<u8>,
    /// Minutes from the page until the truth led for good; none: it never did.
    pub found_min: Option<f64>,
}

/// A debrief with what the window draws beside it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The debrief.
    pub debrief: Debrief,
    /// What it did to its player's scars; none: it is not graded here.
    pub healing: Option<Healing>,
    /// This run, held against one's others.
    pub mine: Other,
    /// One's other runs that were graded.
    pub others: Vec<Other>,
    /// Beliefs in order of time.
    pub beliefs: Vec<Belief>,
    /// From the page to the end, in seconds.
    pub length_s: f64,
    /// Time of day of the opening, from which what would have been is counted.
    pub opened: String,
    /// Moments of the incident for the flip.
    pub film: Vec<crate::gui::map::film::Frame>,
}
