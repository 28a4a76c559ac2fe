//! What a participant believes: points over mechanisms, pins, contradictions, commits. Nothing here knows the truth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scenario::mechanisms::{NO_FAULT, NOT_PROVABLE, OTHER, find};
use crate::session::command::{Commit, Speaks};
use crate::session::comms::written;
use crate::sim::time::SimTime;

/// Points of a full set.
pub const ALL: u32 = 100;
/// A commit may name so many causes.
const MOST_CAUSES: usize = 6;
/// Text in a note is cut off after so many characters.
const MOST_TEXT: usize = 2000;

/// A pinned observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    /// The observation's number.
    pub observation: u32,
    /// Why it matters.
    pub note: String,
    /// What it speaks for and against.
    pub links: BTreeMap<String, Speaks>,
}

/// A commit with its moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Committed {
    /// When.
    #[serde(skip)]
    pub at: SimTime,
    /// What.
    pub commit: Commit,
}

/// The case board.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// Points by mechanism; 100 in all once they are set.
    pub points: BTreeMap<String, u8>,
    /// Pins in order.
    pub pins: Vec<Pin>,
    /// Pairs of pins that cannot both be true of the same story, and why.
    pub contradictions: Vec<(u32, u32, String)>,
    /// What would change the participant's mind.
    pub next_test: String,
    /// Commits in order.
    pub commits: Vec<Committed>,
}

impl Board {
    /// Sets all points.
    ///
    /// # Errors
    /// They are not 100, or a mechanism is not in the list.
    pub fn believe(&mut self, points: &BTreeMap<String, u8>) -> Result<(), String> {
        check_points(points)?;
        self.points = points.iter().filter(|(_, p)| 0 < **p).map(|(m, p)| (m.clone(), *p)).collect();
        Ok(())
    }

    /// Pins an observation, or changes its note.
    pub fn pin(&mut self, observation: u32, note: &str) {
        let note = written(note, MOST_TEXT);
        match self.pins.iter_mut().find(|p| p.observation == observation) {
            Some(pin) => pin.note = note,
            None => self.pins.push(Pin { observation, note, links: BTreeMap::new() }),
        }
    }

    /// Says what a pin speaks for or against.
    ///
    /// # Errors
    /// It is not pinned, or the mechanism is not in the list.
    pub fn link(&mut self, observation: u32, mechanism: &str, speaks: Speaks) -> Result<(), String> {
        find(mechanism)?;
        let pin = self.pin_of(observation)?;
        pin.links.insert(mechanism.to_string(), speaks);
        Ok(())
    }

    /// Marks two pins that cannot both be true.
    ///
    /// # Errors
    /// One is not pinned, or they are the same.
    pub fn contradict(&mut self, one: u32, other: u32, why: &str) -> Result<(), String> {
        if one == other {
            return Err(format!("E{one} cannot contradict itself: name two pins"));
        }
        self.pin_of(one)?;
        self.pin_of(other)?;
        self.contradictions.push((one, other, written(why, MOST_TEXT)));
        Ok(())
    }

    fn pin_of(&mut self, observation: u32) -> Result<&mut Pin, String> {
        self.pins
            .iter_mut()
            .find(|p| p.observation == observation)
            .ok_or_else(|| format!("E{observation} is not pinned: `pin E{observation} WHY` first"))
    }

    /// The mechanism with the most points, if one has more than all others.
    pub fn lead(&self) -> Option<(&str, u8)> {
        lead(&self.points)
    }

    /// Takes a commit.
    ///
    /// # Errors
    /// Its points are not 100, a name is not in the list, a link leads nowhere, or it cites what was never looked at.
    pub fn commit(&mut self, at: SimTime, commit: &Commit, observations: u32) -> Result<(), String> {
        check_points(&commit.points)?;
        if MOST_CAUSES < commit.causes.len() {
            return Err(format!("a commit names at most {MOST_CAUSES} causes, and here are {}", commit.causes.len()));
        }
        for cause in &commit.causes {
            find(&cause.mechanism)?;
        }
        if commit.causes.is_empty() && lead(&commit.points).is_none() {
            return Err("no mechanism leads: give one more points than the others, or name causes".to_string());
        }
        let places = commit.causes.len();
        if let Some((from, to)) =
            commit.links.iter().find(|(a, b)| places <= usize::from(*a) || places <= usize::from(*b) || a == b)
        {
            return Err(format!("the link {from} to {to} leads nowhere: causes are numbered 0 to {places}, less one"));
        }
        if let Some(cited) = commit.cites.iter().find(|c| **c == 0 || observations < **c) {
            return Err(format!("E{cited} has not been looked at: observations are E1 to E{observations}"));
        }
        self.points = commit.points.clone();
        self.commits.push(Committed { at, commit: commit.clone() });
        Ok(())
    }
}

/// The mechanism with the most points, if one has more than all others.
pub fn lead(points: &BTreeMap<String, u8>) -> Option<(&str, u8)> {
    let most = *points.values().max()?;
    let mut leaders = points.iter().filter(|(_, p)| **p == most);
    let (first, points) = leaders.next()?;
    leaders.next().is_none().then_some((first.as_str(), *points))
}

/// A full set from one mechanism at so many per cent; the rest is `other`.
pub fn quick(mechanism: &str, percent: u8) -> BTreeMap<String, u8> {
    let percent = percent.min(ALL as u8);
    let rest = if mechanism == OTHER { NOT_PROVABLE } else { OTHER };
    let points = [(mechanism, percent), (rest, ALL as u8 - percent)];
    points.into_iter().filter(|(_, p)| 0 < *p).map(|(m, p)| (m.to_string(), p)).collect()
}

fn check_points(points: &BTreeMap<String, u8>) -> Result<(), String> {
    for mechanism in points.keys() {
        find(mechanism)?;
    }
    let sum: u32 = points.values().map(|p| u32::from(*p)).sum();
    if sum != ALL {
        return Err(format!(
            "points sum to {sum}, and have to sum to {ALL}; what is left may go to `{OTHER}`, `{NO_FAULT}` or `{NOT_PROVABLE}`"
        ));
    }
    Ok(())
}
