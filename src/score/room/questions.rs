//! The questions on which teams parted: what they believed, looked at, ordered, and how long they waited.

use std::collections::BTreeSet;

use crate::scenario::mechanisms::{NOT_PROVABLE, OTHER, mechanism};
use crate::score::room::Team;
use crate::score::truth::Truth;
use crate::sim::time::SimDuration;

/// Beliefs are held against each other so often.
const GRID: SimDuration = SimDuration::from_secs(30);
/// Teams part on a mechanism from so many points on.
const SPREAD: i32 = 30;
/// A first commit that came so much later than another's is worth a question.
const LATE_S: f64 = 120.0;

/// The questions on which the teams parted, those on beliefs first.
pub fn questions(teams: &[Team], truth: &Truth, paged_s: f64, end_s: f64) -> Vec<String> {
    let minute = |s: f64| format!("{}:{:02} after the page", (s / 60.0) as u64, (s % 60.0) as u64);
    let after = |s: f64| if s < paged_s { "before the page".to_string() } else { minute(s - paged_s) };
    let mut found = Vec::new();

    // Where points for one mechanism were furthest apart, among teams that had said something.
    let mut widest: Vec<(i32, f64, String, usize, usize)> = Vec::new();
    let mechanisms: BTreeSet<&String> =
        teams.iter().flat_map(|t| t.beliefs.iter().flat_map(|(_, p)| p.keys())).collect();
    let believed = |team: &Team, at_s: f64, m: &str| -> Option<i32> {
        let (_, points) = team.beliefs.iter().rfind(|(from, _)| *from <= at_s)?;
        Some(i32::from(points.get(m).copied().unwrap_or(0)))
    };
    for m in mechanisms.into_iter().filter(|m| ![OTHER, NOT_PROVABLE].contains(&m.as_str())) {
        let mut best: Option<(i32, f64, usize, usize)> = None;
        let mut at_s = paged_s;
        while at_s <= end_s {
            let held: Vec<(i32, usize)> =
                teams.iter().enumerate().filter_map(|(i, t)| Some((believed(t, at_s, m)?, i))).collect();
            if let (Some(most), Some(least)) = (held.iter().max(), held.iter().min())
                && best.is_none_or(|(spread, ..)| spread < most.0 - least.0)
            {
                best = Some((most.0 - least.0, at_s, most.1, least.1));
            }
            at_s += GRID.as_secs_f64();
        }
        widest.extend(best.filter(|(spread, ..)| SPREAD <= *spread).map(|(s, at, a, b)| (s, at, m.clone(), a, b)));
    }
    widest.sort_by(|a, b| b.0.cmp(&a.0).then(a.2.cmp(&b.2)));
    for (_, at_s, m, most, least) in widest.into_iter().take(2) {
        let is = mechanism(&m).map_or(m.as_str(), |m| m.is);
        let of = |team: usize| believed(&teams[team], at_s, &m).unwrap_or(0);
        found.push(format!(
            "At {} {} gave \u{201c}{is}\u{201d} {} points of 100, and {} gave it {}. What had each seen by then that the other had not?",
            after(at_s),
            teams[most].name,
            of(most),
            teams[least].name,
            of(least)
        ));
    }

    // Looks that some had before they committed, and others never.
    let sorts: BTreeSet<&String> = teams.iter().flat_map(|t| t.looked.keys()).collect();
    let until = |t: &Team| t.first_commit_s.map_or(end_s, |s| s + paged_s);
    let mut split: Vec<(i64, &String, usize, Vec<usize>)> = Vec::new();
    for sort in sorts {
        let early = |t: &Team| t.looked.get(sort).is_some_and(|at| *at <= until(t));
        let had: Vec<usize> = (0..teams.len()).filter(|i| early(&teams[*i])).collect();
        let never: Vec<usize> = (0..teams.len()).filter(|i| !teams[*i].looked.contains_key(sort)).collect();
        let (Some(first), false) = (had.first(), never.is_empty()) else { continue };
        // Looks whose owners were right and whose missers were wrong come first; then those nearest to half the room.
        let told = |team: &Team| i64::from(team.right == Some(true));
        let gain: i64 = had.iter().map(|i| told(&teams[*i])).sum::<i64>() * never.len() as i64
            - never.iter().map(|i| told(&teams[*i])).sum::<i64>() * had.len() as i64;
        let even = (had.len() as i64 - never.len() as i64).abs();
        split.push((even - 10 * gain.abs(), sort, *first, never));
    }
    split.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(b.1)));
    for (_, sort, had, never) in split.into_iter().take(2) {
        let names: Vec<&str> = never.iter().map(|i| teams[*i].name.as_str()).collect();
        let at_s = teams[had].looked.get(sort).copied().unwrap_or(paged_s);
        found.push(format!(
            "{} looked at {sort} at {}, before saying anything final; {} never did. What did it change, and what made one think of it?",
            teams[had].name,
            after(at_s),
            names.join(" and ")
        ));
    }

    // An order that some gave.
    let orders: BTreeSet<&String> = teams.iter().flat_map(|t| t.ordered.keys()).collect();
    let parted = orders.into_iter().find_map(|order| {
        let gave = teams.iter().find(|t| t.ordered.contains_key(order))?;
        let not = teams.iter().find(|t| !t.ordered.contains_key(order))?;
        Some((order, gave, not))
    });
    if let Some((order, gave, not)) = parted {
        found.push(format!(
            "{} ordered `{order}` at {}, {} did not: users lost {:.0} and {:.0} minutes with them. What was it meant to do, and what told that it did?",
            gave.name,
            after(gave.ordered[order]),
            not.name,
            gave.lost,
            not.lost
        ));
    }

    // The wait before the first word.
    let mut first: Vec<(f64, &Team)> = teams.iter().filter_map(|t| Some((t.first_commit_s?, t))).collect();
    first.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some((soon, one)), Some((late, other))) = (first.first(), first.last())
        && LATE_S < late - soon
    {
        found.push(format!(
            "{} committed {}, {} {}: what did the wait buy, and what did it cost?",
            one.name,
            minute(soon.max(0.0)),
            other.name,
            minute(late.max(0.0))
        ));
    }
    if found.is_empty() {
        let was = truth.dominant().first().map_or("nothing was wrong".to_string(), |c| c.says.clone());
        found.push(format!(
            "Nothing parted these teams. What would have had to be otherwise for one of you not to think of this: {was}?"
        ));
    }
    found
}
