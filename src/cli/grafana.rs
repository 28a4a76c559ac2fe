//! `grafana`: files with which Grafana shows a session that is served.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{Failure, print, write_file};
use crate::wire::grafana::files;

/// Where to.
#[derive(Args)]
pub struct Options {
    /// Directory of Grafana's provisioning
    directory: PathBuf,
}

/// Writes the data source and a dashboard for each board.
pub fn grafana(options: &Options) -> Result<(), Failure> {
    for (path, text) in files() {
        let file = options.directory.join(path);
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory)
                .map_err(|e| Failure::Surroundings(format!("{}: {e}", directory.display())))?;
        }
        write_file(&file, &text)?;
        print(&file.display().to_string())?;
    }
    Ok(())
}
