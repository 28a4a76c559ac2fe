//! Several people's records beside each other: who knows what, and what the team would miss. The measure of a team is the
//! least of those on call, not their mean: the page reaches one of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::scar::item::{Kind, kind};
use crate::scar::memory::DAY_S;
use crate::scar::profile::Settings;
use crate::scar::records::Row;
use crate::scar::standing::{FRAYED, Standing, standings};
use crate::session::log::hash_of;

/// Among fewer people than this a name is hidden unless its owner shares it.
pub const FEW: usize = 5;
/// How far ahead it is looked.
const MONTH_DAYS: i64 = 30;

/// Somebody, as read from a profile's folder.
pub struct Person {
    /// What the profile says of itself; a name that is none is the folder's.
    pub settings: Settings,
    /// Records, oldest first.
    pub rows: Vec<Row>,
}

/// How somebody stands with a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "forecast")]
pub enum Cell {
    /// Never met: no evidence, which is not the same as none of it known.
    Unseen,
    /// Met with help only.
    HelpedOnly,
    /// The last try alone failed.
    Failed,
    /// Met alone, too few times for a forecast to be shown.
    Few,
    /// The forecast, from 0 to 1.
    Forecast(f64),
}

/// A mechanism over all people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Covered {
    /// The mechanism.
    pub mechanism: String,
    /// How each stands with it, in the order of `people`.
    pub cells: Vec<Cell>,
    /// The least forecast among those on call; none: somebody on call has no evidence, or nobody is on call.
    pub least: Option<f64>,
    /// The same a month on, if nobody practises.
    pub least_in_a_month: Option<f64>,
    /// How many of those on call have no evidence.
    pub without: usize,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Team {
    /// What each is called here.
    pub people: Vec<String>,
    /// Which of them are on call.
    pub on_call: Vec<bool>,
    /// Mechanisms in order.
    pub coverage: Vec<Covered>,
    /// Mechanisms that whoever is paged may miss within a month: somebody on call has no evidence, has failed last, or fades.
    pub would_miss: Vec<String>,
}

/// A team from its people, over the mechanisms that somebody met and those of `others`.
pub fn team(mut people: Vec<Person>, others: &[String], now_s: i64) -> Team {
    let few = people.len() < FEW;
    let hidden = |p: &Person| few && !p.settings.shares_name;
    // An order that tells nothing of the order in which folders were named.
    people.sort_by_cached_key(|p| {
        let sessions: Vec<&str> = p.rows.iter().map(|r| r.graded.session.as_str()).collect();
        (hidden(p), if hidden(p) { hash_of(&sessions.join(" ")) } else { p.settings.name.clone() })
    });
    let names =
        people.iter().enumerate().map(|(i, p)| if hidden(p) { letter(i) } else { p.settings.name.clone() }).collect();
    let on_call: Vec<bool> = people.iter().map(|p| p.settings.on_call).collect();
    let all: Vec<BTreeMap<String, Standing>> = people.iter().map(|p| standings(&p.rows, now_s)).collect();
    let mut mechanisms: BTreeSet<String> = others.iter().cloned().collect();
    mechanisms.extend(all.iter().flat_map(BTreeMap::keys).filter(|item| kind(item) == Kind::Pattern).cloned());
    let coverage: Vec<Covered> = mechanisms.into_iter().map(|m| covered(m, &all, &on_call, now_s)).collect();
    let misses = |c: &&Covered| {
        let failed = c.cells.iter().zip(&on_call).any(|(cell, on)| *on && *cell == Cell::Failed);
        0 < c.without || failed || c.least_in_a_month.is_some_and(|least| least < FRAYED)
    };
    let would_miss = coverage.iter().filter(misses).map(|c| c.mechanism.clone()).collect();
    Team { people: names, on_call, coverage, would_miss }
}

fn letter(place: usize) -> String {
    char::from_u32('A' as u32 + place as u32 % 26).map_or_else(String::new, |c| format!("person {c}"))
}

fn covered(mechanism: String, all: &[BTreeMap<String, Standing>], on_call: &[bool], now_s: i64) -> Covered {
    let cell = |standings: &BTreeMap<String, Standing>| match standings.get(&mechanism) {
        None => Cell::Unseen,
        Some(standing) => match (standing.last(), standing.forecast(now_s)) {
            (None, _) => Cell::HelpedOnly,
            (Some(last), _) if !last.rating.passed() => Cell::Failed,
            (_, Some(forecast)) if standing.is_known() => Cell::Forecast(forecast),
            _ => Cell::Few,
        },
    };
    let at = |at_s: i64| -> Vec<Option<f64>> {
        let forecast = |s: &BTreeMap<String, Standing>| s.get(&mechanism).and_then(|s| s.forecast(at_s));
        all.iter().zip(on_call).filter(|(_, on)| **on).map(|(s, _)| forecast(s)).collect()
    };
    let least = |of: &[Option<f64>]| {
        let known: Option<Vec<f64>> = of.iter().copied().collect();
        known.and_then(|all| all.into_iter().min_by(f64::total_cmp))
    };
    let (now, then) = (at(now_s), at(now_s + MONTH_DAYS * DAY_S as i64));
    Covered {
        cells: all.iter().map(cell).collect(),
        least: least(&now),
        least_in_a_month: least(&then),
        without: now.iter().filter(|f| f.is_none()).count(),
        mechanism,
    }
}
