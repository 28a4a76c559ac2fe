//! The careful engineer: knows what each cause would show, looks where causes part, and takes back what did not help.
//!
//! Every rule speaks for one mechanism, with the observation that it rests on. What speaks most for a mechanism leads; how
//! surely follows from how much speaks for the others. First it counts what users want, since tries follow from trouble,
//! and holds it against the same hour of the day before, since what rises every evening is no cause.

mod act; // remedies, the first to be tried first
mod judge; // what speaks for what
mod seen; // what is looked at, the same in every case

use std::collections::BTreeMap;

pub(super) use act::mend;

use crate::assistant::careful::seen::Seen;
use crate::assistant::hand::Hand;
use crate::session::Refusal;
use crate::session::command::{Command, Speaks};

/// What speaks for what.
#[derive(Clone, Debug, Default)]
struct Case {
    weights: BTreeMap<&'static str, f64>,
    cites: BTreeMap<&'static str, Vec<u32>>,
}

impl Case {
    fn speaks(&mut self, mechanism: &'static str, weight: f64, observation: u32) {
        *self.weights.entry(mechanism).or_default() += weight;
        let cites = self.cites.entry(mechanism).or_default();
        if !cites.contains(&observation) {
            cites.push(observation);
        }
    }

    /// Mechanisms, the likeliest first, with points out of 100.
    fn points(&self) -> Vec<(&'static str, u8)> {
        let mut all: Vec<(&'static str, f64)> = self.weights.iter().map(|(m, w)| (*m, libm::exp(*w))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        // Something that nobody thought of is always there.
        let sum: f64 = all.iter().map(|(_, w)| w).sum::<f64>() + libm::exp(1.0);
        all.into_iter().take(4).map(|(m, w)| (m, (w / sum * 95.0) as u8)).filter(|(_, p)| 0 < *p).collect()
    }
}

/// Plays.
pub fn play(hand: &mut Hand<'_>) -> Result<(), Refusal> {
    hand.take_the_page()?;
    let seen = Seen::look(hand)?;
    let case = judge::judge(hand, &seen)?;
    commit(hand, &case, seen.changes.number, false)?;
    if let Some((lead, percent)) = case.points().first().copied() {
        act::act(hand, lead, percent, &seen.signs, &seen.changes)?;
    }
    commit(hand, &case, seen.changes.number, true)
}

fn commit(hand: &mut Hand<'_>, case: &Case, changes: u32, last: bool) -> Result<(), Refusal> {
    let points = case.points();
    let Some((lead, percent)) = points.first().copied() else {
        return hand.commit("not_provable", 60, &[changes], last);
    };
    let mut cites = case.cites.get(lead).cloned().unwrap_or_default();
    cites.truncate(4);
    let mut command = crate::assistant::hand::commit(lead, percent, &cites, last);
    command.points = points.iter().map(|(m, p)| ((*m).to_string(), *p)).collect();
    let given: u32 = command.points.values().map(|p| u32::from(*p)).sum();
    *command.points.entry("other".to_string()).or_default() += 100u32.saturating_sub(given) as u8;
    if !last {
        for cite in &cites {
            hand.say(Command::Pin { observation: *cite, note: String::new() })?;
            hand.say(Command::Link { observation: *cite, mechanism: lead.to_string(), speaks: Speaks::For })?;
        }
    }
    hand.say(Command::Commit(command)).map(drop)
}
