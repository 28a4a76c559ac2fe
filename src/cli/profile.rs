//! `profile`: several people on one machine; records out and in again; the projection made anew; everything erased.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::place::{PROFILES, Place};
use crate::cli::{Failure, print, write_file};
use crate::scar::exchange::{read, take_in, to_csv, to_json};
use crate::scar::profile::{PROJECTION, Profile, SESSIONS, SETTINGS, write_settings};

/// What to do.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    place: Place,
}

#[derive(Subcommand)]
enum Action {
    /// List the profiles on this machine, with their folders
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Say who you are: what a team's page shows, and who is on call
    Set {
        /// What you are called
        #[arg(long)]
        name: Option<String>,
        /// Whether your name may be shown among few
        #[arg(long, value_name = "YES")]
        share_name: Option<bool>,
        /// Whether you are on call
        #[arg(long, value_name = "YES")]
        on_call: Option<bool>,
        /// Severity times frequency times exposure of a mechanism, as in kv_cache.flush=3
        #[arg(long, value_name = "MECHANISM=WEIGHT")]
        weight: Vec<String>,
    },
    /// Write the records to a file, as CSV or JSON by its name
    Export {
        /// The file; - for standard output, as JSON
        file: PathBuf,
    },
    /// Take in records that were exported; what is there already is left as it is
    Import {
        /// The file
        file: PathBuf,
    },
    /// Make the projection anew from the scorecards
    Rebuild,
    /// Erase the profile for good: sessions, scorecards, projection
    Erase {
        /// The profile's name, typed again (`default` for the one without a name)
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

/// Does it.
pub fn profile(options: &Options) -> Result<(), Failure> {
    let place = &options.place;
    match &options.action {
        Action::List { json } => list(place, *json),
        Action::Set { name, share_name, on_call, weight } => {
            let folder = place.profile_folder()?;
            let mut settings = crate::scar::profile::settings(&folder)?;
            settings.name = name.clone().unwrap_or(settings.name);
            settings.shares_name = share_name.unwrap_or(settings.shares_name);
            settings.on_call = on_call.unwrap_or(settings.on_call);
            for text in weight {
                let (mechanism, value) = weight_of(text)?;
                settings.weights.insert(mechanism, value);
            }
            write_settings(&folder, &settings)?;
            print(&serde_json::to_string_pretty(&settings).unwrap_or_default())
        }
        Action::Export { file } => export(place, file),
        Action::Import { file } => {
            let text =
                fs::read_to_string(file).map_err(|e| Failure::Surroundings(format!("{}: {e}", file.display())))?;
            let handed = read(&text, &file.display().to_string())?;
            let profile = place.profile()?;
            let (taken, there) = take_in(profile.folder(), &profile.rows()?, &handed)?;
            place.profile()?;
            print(&format!("{taken} sessions were taken in, {there} were there already"))
        }
        Action::Rebuild => {
            let (profile, sessions) = Profile::rebuild(&place.profile_folder()?)?;
            profile.notes.iter().for_each(|note| eprintln!("{note}"));
            print(&format!("{}: made anew from {sessions} scorecards", profile.folder().join(PROJECTION).display()))
        }
        Action::Erase { confirm } => erase(place, confirm.as_deref()),
    }
}

fn weight_of(text: &str) -> Result<(String, f64), Failure> {
    let wrong = || Failure::Usage(format!("\"{text}\" is no weight: write MECHANISM=NUMBER, from 0 to 100"));
    let (mechanism, value) = text.split_once('=').ok_or_else(wrong)?;
    let value: f64 = value.parse().ok().filter(|v| (0.0..=100.0).contains(v)).ok_or_else(wrong)?;
    crate::scenario::mechanisms::find(mechanism).map_err(Failure::Usage)?;
    Ok((mechanism.to_string(), value))
}

fn list(place: &Place, as_json: bool) -> Result<(), Failure> {
    let data = place.data()?;
    let mut found = vec![("default".to_string(), data.clone())];
    let entries = fs::read_dir(data.join(PROFILES)).into_iter().flatten().flatten();
    let mut named: Vec<(String, PathBuf)> = entries
        .filter(|e| e.path().is_dir())
        .filter_map(|e| Some((e.file_name().into_string().ok()?, e.path())))
        .collect();
    named.sort();
    found.extend(named);
    let count = |folder: &Path| fs::read_dir(folder.join(SESSIONS)).into_iter().flatten().flatten().count();
    if as_json {
        let row = |(name, folder): &(String, PathBuf)| json!({ "profile": name, "folder": folder, "sessions": count(folder) });
        return print(&json!(found.iter().map(row).collect::<Vec<_>>()).to_string());
    }
    let line = |(name, folder): &(String, PathBuf)| format!("{name}  {} sessions  {}", count(folder), folder.display());
    print(&found.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn export(place: &Place, file: &Path) -> Result<(), Failure> {
    let rows = place.profile()?.rows()?;
    if file.as_os_str() == "-" {
        return print(&to_json(&rows));
    }
    let text = match file.extension().and_then(|e| e.to_str()) {
        Some("csv") => to_csv(&rows)?,
        Some("json") => to_json(&rows),
        _ => return Err(Failure::Usage(format!("{}: name the file .csv or .json", file.display()))),
    };
    write_file(file, &text)?;
    print(&format!("{} sessions were written to {}", rows.len(), file.display()))
}

fn erase(place: &Place, confirm: Option<&str>) -> Result<(), Failure> {
    let folder = place.profile_folder()?;
    let name = place.profile.as_deref().unwrap_or("default");
    if confirm != Some(name) {
        return Err(Failure::No(format!(
            "this erases {} for good, and nothing can bring it back: say `--confirm {name}`",
            folder.display()
        )));
    }
    let gone = |result: io::Result<()>, path: &Path| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::Surroundings(format!("{}: {error}", path.display())))
        }
        _ => Ok(()),
    };
    if place.profile.is_some() {
        gone(fs::remove_dir_all(&folder), &folder)?;
        return print(&format!("{name} is erased"));
    }
    // The one without a name shares its folder with those that have one.
    let sessions = folder.join(SESSIONS);
    gone(fs::remove_dir_all(&sessions), &sessions)?;
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.starts_with(PROJECTION) || [SETTINGS, "scars.lock", "history.txt"].contains(&file.as_str()) {
            gone(fs::remove_file(entry.path()), &entry.path())?;
        }
    }
    print("the default profile is erased")
}
