//! Where sessions are kept, who plays, what time it is: what the surroundings say, read here and nowhere below.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use crate::cli::Failure;
use crate::console::shell::Clock;
use crate::scenario::catalogue::Catalogue;
use crate::session::store::Store;

/// The environment variable that names the data directory.
const DATA: &str = "SCARTISSUE_DATA";

/// Where things are kept.
#[derive(Args, Default)]
pub struct Place {
    /// Directory for sessions and profiles [default: the platform's, or $SCARTISSUE_DATA]
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Directory with scenarios of your own, beside those built in
    #[arg(long, value_name = "DIR")]
    pub scenarios: Option<PathBuf>,
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
        Ok(Store::new(&self.data()?))
    }

    /// The scenarios.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn catalogue(&self) -> Result<Catalogue, Failure> {
        super::catalogue(self.scenarios.as_deref())
    }
}

/// A number that nobody can guess, for seeds and salts.
pub fn unguessable() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The machine's clock.
pub struct WallClock(Instant);

impl WallClock {
    /// A clock that begins now.
    #[allow(clippy::disallowed_methods, reason = "this is the one place where the console's clock comes from")]
    pub fn new() -> Self {
        WallClock(Instant::now())
    }
}

impl Clock for WallClock {
    fn now_ns(&self) -> u64 {
        self.0.elapsed().as_nanos().min(u128::from(u64::MAX)) as u64
    }
}
