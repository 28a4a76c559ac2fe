//! Colleagues: people who can be asked to look at what they know, and who report what they saw.

use serde::Deserialize;

/// The people of the company, beside the archive.
const PEOPLE: &str = include_str!("../../scenarios/archive/people.ron");

/// A colleague.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Colleague {
    /// As one writes to them.
    pub handle: String,
    /// Their name.
    pub name: String,
    /// Their team, as pages name it.
    pub team: String,
    /// What they do.
    pub role: String,
    /// The board that they read well.
    pub knows: String,
    /// Where they are.
    pub timezone: String,
    /// How they speak.
    pub speaks: String,
}

/// All of them, in order of their handles.
pub fn colleagues() -> Vec<Colleague> {
    let mut people: Vec<Colleague> = ron::from_str(PEOPLE).unwrap_or_default();
    people.sort_by(|a, b| a.handle.cmp(&b.handle));
    people
}

/// A colleague by handle, or the first of a team.
///
/// # Errors
/// Nobody is called so; the message names the nearest.
pub fn find(who: &str) -> Result<Colleague, String> {
    let people = colleagues();
    let who = who.trim_start_matches('@').trim_end_matches("-team");
    let found = people.iter().find(|p| p.handle == who).or_else(|| people.iter().find(|p| p.team == who));
    found.cloned().ok_or_else(|| {
        let hint = crate::scenario::check::did_you_mean(who, people.iter().map(|p| p.handle.as_str()));
        let all: Vec<String> = people.iter().map(|p| format!("{} ({})", p.handle, p.team)).collect();
        format!("nobody is called \"{who}\"{hint}; there are: {}", all.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_can_be_asked_and_knows_something() {
        let people = colleagues();
        assert!(10 <= people.len(), "{} people", people.len());
        assert!(people.iter().all(|p| !p.knows.is_empty() && !p.team.is_empty()));
        assert!(find("kv-cache").is_ok(), "a team is asked through one of it");
        assert!(find("nobdy").is_err());
    }
}
