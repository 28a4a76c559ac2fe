//! `pack`: scenarios sealed into one file, for a server that alone can open it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::cli::{Failure, print};
use crate::scenario::pack::{PackError, PackKey, files, open, seal};

/// The environment variable that holds a key.
const KEY: &str = "SCARTISSUE_PACK_KEY";

/// What to do.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write a new key
    Key,
    /// Seal the scenarios and presets of a directory
    Seal {
        /// The directory, as for --scenarios
        directory: PathBuf,
        /// The pack [default: DIRECTORY.pack]
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        key: Keyed,
    },
}

/// Where a key is.
#[derive(Args, Clone, Default)]
pub struct Keyed {
    /// File with the key of a pack [default: what $SCARTISSUE_PACK_KEY holds]
    #[arg(long = "pack-key", value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Keyed {
    /// The key.
    ///
    /// # Errors
    /// There is none, or it is none.
    pub fn key(&self) -> Result<PackKey, Failure> {
        let text = match &self.file {
            Some(file) => {
                std::fs::read_to_string(file).map_err(|e| Failure::Surroundings(format!("{}: {e}", file.display())))?
            }
            None => std::env::var(KEY).map_err(|_| {
                Failure::Usage(format!("a pack has a key: name its file with --pack-key, or put it into ${KEY}"))
            })?,
        };
        PackKey::read(&text).map_err(Failure::from)
    }
}

/// Opens a pack: its files by their paths.
///
/// # Errors
/// It cannot be read, or does not open.
pub fn opened(pack: &Path, key: &Keyed) -> Result<std::collections::BTreeMap<String, String>, Failure> {
    let bytes = std::fs::read(pack).map_err(|e| Failure::Surroundings(format!("{}: {e}", pack.display())))?;
    open(&bytes, &key.key()?).map_err(|why| Failure::No(format!("{}: {why}", pack.display())))
}

/// Does it.
pub fn pack(options: &Options) -> Result<(), Failure> {
    match &options.what {
        What::Key => print(&PackKey::new()?.written()),
        What::Seal { directory, out, key } => {
            let files = files(directory)?;
            let sealed = seal(&files, &key.key()?)?;
            let out = out.clone().unwrap_or_else(|| directory.with_extension("pack"));
            std::fs::write(&out, sealed).map_err(|e| Failure::Surroundings(format!("{}: {e}", out.display())))?;
            eprintln!("{} files sealed; keep the directory and the key from whoever plays", files.len());
            print(&out.display().to_string())
        }
    }
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        match error {
            PackError::Read(_) | PackError::Random => Failure::Surroundings(error.to_string()),
            PackError::Empty(_) | PackError::Key => Failure::Usage(error.to_string()),
            PackError::Form | PackError::Closed => Failure::No(error.to_string()),
        }
    }
}
