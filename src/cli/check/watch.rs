//! `check --watch`: a quick check whenever a file was saved, while somebody writes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cli::Failure;
use crate::scenario::catalogue::{PRESETS, is_path};

/// Files are looked at this often.
const EVERY: Duration = Duration::from_millis(400);

/// What the files of some directories were when they were looked at.
type Stamp = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// The directories in which the scenarios lie that are named by path, and the one given with `--scenarios`, each with its
/// presets.
///
/// # Errors
/// There is none: what is built in does not change.
pub fn places(names: &[String], directory: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    let beside = names.iter().filter(|name| is_path(name)).filter_map(|name| Path::new(name).parent());
    let mut places: Vec<PathBuf> = Vec::new();
    for place in beside.chain(directory) {
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        places.extend([place.to_path_buf(), place.join(PRESETS)]);
    }
    match places.is_empty() {
        true => Err(Failure::Usage(
            "nothing to watch: name a scenario by its path, as in ./lost-afternoon.ron, or give --scenarios DIR".into(),
        )),
        false => Ok(places),
    }
}

/// Does it now and after each change of a .ron file in these places, until it is interrupted. What goes wrong is said,
/// and is no reason to stop.
pub fn repeat(places: &[PathBuf], mut check: impl FnMut() -> Result<(), Failure>) -> ! {
    loop {
        let seen = stamp(places);
        match check() {
            Ok(()) => eprintln!("it holds; waiting for a change (Ctrl-C ends it)"),
            Err(failure) => eprintln!("{failure}; waiting for a change (Ctrl-C ends it)"),
        }
        while stamp(places) == seen {
            std::thread::sleep(EVERY);
        }
        eprintln!();
    }
}

fn stamp(places: &[PathBuf]) -> Stamp {
    let entries = places.iter().filter_map(|place| std::fs::read_dir(place).ok()).flatten().flatten();
    let files = entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "ron"));
    files.filter_map(|file| file.metadata().ok().map(|m| (file.path(), (m.modified().ok(), m.len())))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_watched_where_it_lies_and_a_built_in_name_nowhere() {
        let of = |names: &[&str], directory: Option<&str>| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_string()).collect();
            let places = places(&names, directory.map(Path::new)).ok()?;
            Some(places.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(of(&["lost.ron"], None).as_deref(), Some(". ./presets"));
        assert_eq!(of(&["pack/lost.ron"], None).as_deref(), Some("pack pack/presets"));
        assert_eq!(of(&["midnight"], Some("pack")).as_deref(), Some("pack pack/presets"));
        assert_eq!(of(&["midnight"], None), None);
    }

    #[test]
    fn a_saved_file_is_a_change_and_another_kind_of_file_is_none() {
        let place = std::env::temp_dir().join(format!("scartissue-watch-{}", std::process::id()));
        std::fs::create_dir_all(&place).expect("a directory for files of the test");
        let places = [place.clone()];
        let before = stamp(&places);
        std::fs::write(place.join("notes.txt"), "no scenario").expect("written");
        assert_eq!(stamp(&places), before);
        std::fs::write(place.join("one.ron"), "()").expect("written");
        let with = stamp(&places);
        assert_ne!(with, before);
        std::fs::write(place.join("one.ron"), "( )").expect("written");
        assert_ne!(stamp(&places), with);
        std::fs::remove_dir_all(&place).expect("removed");
    }
}
