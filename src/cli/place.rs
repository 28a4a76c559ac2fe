//! Where sessions are kept, who plays, what time it is: what the surroundings say, read here and nowhere below.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Args;

use crate::cli::Failure;
use crate::cli::pack::{Keyed, opened};
use crate::scar::memory::DAY_S;
use crate::scar::profile::Profile;
use crate::scenario::catalogue::Catalogue;
use crate::session::live::Clock;
use crate::session::store::Store;

/// The environment variable that names the data directory.
const DATA: &str = "SCARTISSUE_DATA";
/// The folder of profiles that have names.
pub const PROFILES: &str = "profiles";

/// Where scenarios come from, beside those built in.
#[derive(Args, Clone, Default)]
pub struct Sources {
    /// Directory with scenarios of your own, beside those built in
    #[arg(long, value_name = "DIR")]
    pub scenarios: Option<PathBuf>,
    /// A sealed pack of scenarios, beside those built in
    #[arg(long, value_name = "FILE")]
    pub pack: Option<PathBuf>,
    #[command(flatten)]
    keyed: Keyed,
}

impl Sources {
    /// The scenarios.
    ///
    /// # Errors
    /// The directory cannot be read, or the pack does not open.
    pub fn catalogue(&self) -> Result<Catalogue, Failure> {
        let mut catalogue = super::catalogue(self.scenarios.as_deref())?;
        if let Some(pack) = &self.pack {
            catalogue.add_sealed(&opened(pack, &self.keyed)?);
        }
        Ok(catalogue)
    }
}

/// Where things are kept.
#[derive(Args, Clone, Default)]
pub struct Place {
    /// Directory for sessions and profiles [default: the platform's, or $SCARTISSUE_DATA]
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub from: Sources,
    /// Whose sessions and scars, where several share a machine
    #[arg(long, value_name = "NAME", global = true)]
    pub profile: Option<String>,
    /// As if it were so many days later: for a demonstration, and best in a profile of its own
    #[arg(long, value_name = "DAYS", global = true, default_value_t = 0.0)]
    pub days_later: f64,
}

impl Place {
    /// The data directory.
    ///
    /// # Errors
    /// The platform has none and none was named.
    pub fn data(&self) -> Result<PathBuf, Failure> {
        let named =
            self.data_dir.clone().or_else(|| std::env::var_os(DATA).filter(|v| !v.is_empty()).map(PathBuf::from));
        named
            .or_else(|| directories::ProjectDirs::from("", "", "scartissue").map(|d| d.data_dir().to_path_buf()))
            .ok_or_else(|| Failure::Surroundings(format!("no data directory: name one with --data-dir or ${DATA}")))
    }

    /// The sessions in it.
    ///
    /// # Errors
    /// As [`Place::data`].
    pub fn store(&self) -> Result<Store, Failure> {
        Ok(Store::new(&self.profile_folder()?))
    }

    /// The folder of the profile: the data directory, or one of those below it that have names.
    ///
    /// # Errors
    /// As [`Place::data`], or the name is none.
    pub fn profile_folder(&self) -> Result<PathBuf, Failure> {
        let data = self.data()?;
        let Some(name) = &self.profile else { return Ok(data) };
        let fits = |c: char| c.is_alphanumeric() || "-_".contains(c);
        if name.is_empty() || 64 < name.chars().count() || !name.chars().all(fits) {
            return Err(Failure::Usage(format!(
                "\"{name}\" is no name of a profile: 1 to 64 letters, digits, - and _"
            )));
        }
        Ok(data.join(PROFILES).join(name))
    }

    /// The profile, up to date; what is to be told of it goes to standard error.
    ///
    /// # Errors
    /// As [`Place::profile_folder`], or it cannot be opened.
    pub fn profile(&self) -> Result<Profile, Failure> {
        let profile = Profile::open(&self.profile_folder()?)?;
        profile.notes.iter().for_each(|note| eprintln!("{note}"));
        Ok(profile)
    }

    /// Days by which the clock is moved on.
    pub fn moved_days(&self) -> f64 {
        if self.days_later.is_finite() { self.days_later.clamp(0.0, 36_500.0) } else { 0.0 }
    }

    /// What time it is, in seconds since 1970.
    #[allow(clippy::disallowed_methods, reason = "this is the one place where the calendar's clock comes from")]
    pub fn now_s(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_secs()).unwrap_or_default();
        i64::try_from(since).unwrap_or(i64::MAX).saturating_add((self.moved_days() * DAY_S) as i64)
    }

    /// The scenarios.
    ///
    /// # Errors
    /// As [`Sources::catalogue`].
    pub fn catalogue(&self) -> Result<Catalogue, Failure> {
        self.from.catalogue()
    }
}

/// A number that nobody can guess, for seeds and salts.
pub fn unguessable() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The machine's clock.
pub struct WallClock {
    began: Instant,
    began_unix_ms: i64,
}

impl WallClock {
    /// A clock that begins now.
    #[allow(clippy::disallowed_methods, reason = "this is the one place where the console's clock comes from")]
    pub fn new() -> Self {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let began_unix_ms = unix.map_or(0, |passed| i64::try_from(passed.as_millis()).unwrap_or(i64::MAX));
        WallClock { began: Instant::now(), began_unix_ms }
    }
}

impl Clock for WallClock {
    fn now_ns(&self) -> u64 {
        self.began.elapsed().as_nanos().min(u128::from(u64::MAX)) as u64
    }

    fn began_unix_ms(&self) -> i64 {
        self.began_unix_ms
    }
}
