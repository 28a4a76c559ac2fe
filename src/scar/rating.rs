//! What the log of a session says of each item that it exercised. Nobody is asked how it went.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::scar::item::{LAST_CHANGE, PREMATURE_CLOSURE, pair};
use crate::scar::memory::Rating;
use crate::scenario::mechanisms::{NOT_PROVABLE, OTHER, family};

/// Points from which on something wrong was believed firmly: the error is a confident one.
pub const CONFIDENT: u8 = 70;
/// Points on the twin that fail a pair whatever leads.
const HALF: u8 = 50;
/// Points on the truth from which on it was known firmly.
const FIRM: u8 = 80;
/// The last rung of hints names the mechanism.
const LAST_RUNG: u32 = 3;
/// Found later than so many par times is late.
const LATE: f64 = 1.5;
/// Found earlier than so many par times is at once.
const AT_ONCE: f64 = 0.6;
/// A mechanism that was ruled out has no more points than this.
const RULED_OUT: u8 = 5;
/// What one names who blames a change.
pub(super) const OF_CHANGES: [&str; 4] = ["sdk.release", "api.flag", "serving.rollout", "control.config_push"];

/// What is to be known of a try, as far as it went before any advice was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Try {
    /// The mechanisms that weighed most.
    pub was: Vec<String>,
    /// Others that weighed the same: naming one of them is right, and leaves the first to be found.
    pub alike: Vec<String>,
    /// What the graded commit said, with its points; none: nothing was committed.
    pub said: Option<(String, u8)>,
    /// All its points.
    pub points: BTreeMap<String, u8>,
    /// Whether what it cites proves it; none: nobody judged that.
    pub proved: Option<bool>,
    /// Whether an order that cannot be taken back hurt users.
    pub irreversible: bool,
    /// Hints that were taken.
    pub hints: u32,
    /// Seconds from the page until the truth led for good.
    pub found_s: Option<f64>,
    /// Seconds that are in good time.
    pub par_s: f64,
    /// The most points that a wrong lead had on the way.
    pub wrong_lead: u8,
    /// Orders that helped nobody.
    pub useless_orders: u32,
    /// Whether this variant was never met before.
    pub unseen: bool,
    /// Mechanisms that pinned evidence was said to speak against.
    pub against: BTreeSet<String>,
    /// Whether the first firm lead came before the evidence; none: nobody judged that.
    pub closed_early: Option<bool>,
    /// Whether a change that did no harm was there, and changes were looked at.
    pub tempted_by_change: bool,
    /// Whether a change that did no harm led on the way.
    pub blamed_change_first: bool,
}

impl Try {
    /// Whether it is right to name a mechanism.
    pub fn is_true(&self, mechanism: &str) -> bool {
        self.was.iter().chain(&self.alike).any(|m| m == mechanism)
    }
}

/// What a case and its truth put to the test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Test {
    /// Mechanisms that would be true in the twin.
    pub twins: Vec<String>,
    /// Others that would fit the same page.
    pub others: Vec<String>,
    /// The pair that this session was drilled for, if it was.
    pub wanted: Option<String>,
}

/// A grade of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grade {
    /// The item.
    pub item: String,
    /// How it went.
    pub rating: Rating,
    /// Whether the case was about it; else it was met on the way.
    pub target: bool,
    /// Whether help was there: then it is kept apart, and says nothing of what is known alone.
    pub with_ai: bool,
    /// Why.
    pub why: String,
}

/// The rating of what a case is about, with why.
pub fn overall(tried: &Try) -> (Rating, String) {
    let Some((said, percent)) = &tried.said else {
        return (Rating::Again, "nothing was committed".to_string());
    };
    if !tried.is_true(said) {
        let sure = if CONFIDENT <= *percent { ", and firmly" } else { "" };
        return (Rating::Again, format!("said {said} at {percent} %{sure}; it was {}", tried.was.join(" and ")));
    }
    if tried.irreversible {
        return (Rating::Again, "an order that cannot be taken back hurt users".to_string());
    }
    if LAST_RUNG <= tried.hints {
        return (Rating::Again, "the last hint named the mechanism".to_string());
    }
    let mut held = Vec::new();
    match tried.proved {
        Some(true) => {}
        Some(false) => held.push("not proved by what was cited".to_string()),
        None => held.push("nobody judged whether it was proved, so it counts as right and not as proved".to_string()),
    }
    if 0 < tried.hints {
        held.push(format!("{} hint{}", tried.hints, if tried.hints == 1 { "" } else { "s" }));
    }
    match tried.found_s {
        Some(found) if found <= LATE * tried.par_s => {}
        Some(found) => held.push(format!("found after {:.0} minutes", found / 60.0)),
        None => held.push("it did not lead to the end".to_string()),
    }
    if CONFIDENT <= tried.wrong_lead {
        held.push(format!("something wrong led at {} % on the way", tried.wrong_lead));
    }
    if !held.is_empty() {
        return (Rating::Hard, format!("right; {}", held.join("; ")));
    }
    let sure =
        tried.was.iter().chain(&tried.alike).map(|m| tried.points.get(m).copied().unwrap_or(0)).max().unwrap_or(0);
    let at_once = tried.found_s.is_some_and(|found| found <= AT_ONCE * tried.par_s);
    if at_once && FIRM <= sure && tried.useless_orders == 0 && tried.unseen {
        return (Rating::Easy, format!("right and proved at once, at {sure} %, in a variant never met"));
    }
    (Rating::Good, "right and proved in good time".to_string())
}

/// Grades of every item that a try exercised; an item that it did not has none.
pub fn grades(tried: &Try, test: &Test, with_ai: bool) -> Vec<Grade> {
    let (rating, why) = overall(tried);
    let mut found: Vec<Grade> = Vec::new();
    let mut add = |item: String, rating: Rating, target: bool, why: String| {
        if !found.iter().any(|g| g.item == item) {
            found.push(Grade { item, rating, target, with_ai, why });
        }
    };
    let said = tried.said.as_ref().map(|(m, _)| m.as_str());
    let right = said.is_some_and(|m| tried.is_true(m));
    let target = target_twin(tried, test);
    if let Some(said) = said.filter(|m| tried.alike.iter().any(|a| a == m)) {
        add(said.to_string(), rating, true, why.clone());
    }
    for was in &tried.was {
        // Of several true causes, one that was never named was not found, whatever came of the others.
        let unnamed = right && said != Some(was) && tried.points.get(was).copied().unwrap_or(0) == 0;
        match unnamed {
            true => {
                add(was.clone(), Rating::Again, true, "another true cause was named, and this one was not".to_string());
                continue;
            }
            false => add(was.clone(), rating, true, why.clone()),
        }
        // What it was taken for is what has to be told apart from now on.
        if let Some(said) = said.filter(|m| !right && ![OTHER, NOT_PROVABLE].contains(m)) {
            add(pair(was, said), Rating::Again, true, why.clone());
        }
        for twin in &test.twins {
            let is_target = target == Some(twin.as_str());
            match of_pair(tried, was, twin, right, rating, is_target) {
                Some((rating, why_pair)) => add(pair(was, twin), rating, is_target, why_pair.unwrap_or(why.clone())),
                None => continue,
            }
        }
        for other in test.others.iter().filter(|o| *o != was) {
            if let Some((rating, why)) = spill(tried, was, other, right) {
                add(pair(was, other), rating, false, why);
            }
        }
    }
    if let Some(early) = tried.closed_early {
        let (rating, why) = match early {
            true => (Rating::Again, "sure before the evidence that decides was opened"),
            false => (Rating::Good, "not sure before the evidence that decides was opened"),
        };
        add(PREMATURE_CLOSURE.to_string(), rating, false, why.to_string());
    }
    if tried.tempted_by_change {
        let blamed = said.is_some_and(|m| !right && OF_CHANGES.contains(&m));
        if blamed {
            add(LAST_CHANGE.to_string(), Rating::Again, false, "a change was blamed that did no harm".to_string());
        } else if tried.blamed_change_first {
            let why = "a change that did no harm was blamed on the way".to_string();
            add(LAST_CHANGE.to_string(), Rating::Hard, false, why);
        } else if right {
            add(
                LAST_CHANGE.to_string(),
                Rating::Good,
                false,
                "changes were looked at, and none that did no harm was blamed".to_string(),
            );
        }
    }
    found
}

/// The twin that the session is about: that of the drill, or else the most tempting one.
fn target_twin<'t>(tried: &Try, test: &'t Test) -> Option<&'t str> {
    let wanted =
        test.twins.iter().find(|twin| tried.was.iter().any(|was| test.wanted.as_ref() == Some(&pair(was, twin))));
    let points = |twin: &&String| tried.points.get(*twin).copied().unwrap_or(0);
    // The first of equals, in the order of the file.
    let most = test.twins.iter().rev().max_by_key(points);
    wanted.or(most).map(String::as_str)
}

/// The rating of a pair with a twin; none: it was not exercised. The reason is that of the whole if it says none.
fn of_pair(
    tried: &Try,
    was: &str,
    twin: &str,
    right: bool,
    rating: Rating,
    is_target: bool,
) -> Option<(Rating, Option<String>)> {
    let points = tried.points.get(twin).copied().unwrap_or(0);
    let said = tried.said.as_ref().map(|(m, _)| m.as_str());
    if said == Some(twin) || HALF <= points {
        return Some((Rating::Again, Some(format!("{points} % on {twin}; it was {was}"))));
    }
    if !is_target {
        return spill(tried, was, twin, right).map(|(rating, why)| (rating, Some(why)));
    }
    match said {
        None => Some((rating, None)),
        Some(_) if right => Some((rating, None)),
        // The right place: told from its twin, and not known.
        Some(m) if family(m) == family(was) && family(m) != family(twin) => {
            let why = format!("said {m}: not {twin}, and not quite {was}");
            Some((Rating::Hard, Some(why)))
        }
        Some(_) => None,
    }
}

/// The rating of a pair that was met on the way: a clear miss, or ruled out with evidence.
fn spill(tried: &Try, was: &str, other: &str, right: bool) -> Option<(Rating, String)> {
    let points = tried.points.get(other).copied().unwrap_or(0);
    if tried.said.as_ref().is_some_and(|(m, _)| m == other) {
        return Some((Rating::Again, format!("{points} % on {other}; it was {was}")));
    }
    let ruled_out = right && points <= RULED_OUT && tried.against.contains(other);
    ruled_out.then(|| (Rating::Good, format!("{other} was ruled out with evidence")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CACHE: &str = "kv_cache.membership";
    const DEMAND: &str = "demand.growth";

    fn right() -> Try {
        Try {
            was: vec![CACHE.to_string()],
            said: Some((CACHE.to_string(), 85)),
            points: BTreeMap::from([(CACHE.to_string(), 85), (OTHER.to_string(), 15)]),
            proved: Some(true),
            found_s: Some(600.0),
            par_s: 480.0,
            ..Try::default()
        }
    }

    fn said(mechanism: &str, percent: u8) -> Try {
        let points = BTreeMap::from([(mechanism.to_string(), percent), (OTHER.to_string(), 100 - percent)]);
        Try { said: Some((mechanism.to_string(), percent)), points, found_s: None, ..right() }
    }

    fn test() -> Test {
        Test { twins: vec![DEMAND.to_string()], others: vec!["kv_cache.flush".to_string()], wanted: None }
    }

    fn of(tried: &Try, item: &str) -> Option<(u8, bool)> {
        grades(tried, &test(), false).into_iter().find(|g| g.item == item).map(|g| (g.rating.number(), g.target))
    }

    #[test]
    fn each_condition_gives_its_rating() {
        let cases: [(&str, Try, u8); 14] = [
            ("right, proved, in time", right(), 3),
            ("at once, firm, unseen", Try { found_s: Some(280.0), unseen: true, ..right() }, 4),
            ("at once, but met before", Try { found_s: Some(280.0), ..right() }, 3),
            (
                "at once, with a useless order",
                Try { found_s: Some(280.0), unseen: true, useless_orders: 1, ..right() },
                3,
            ),
            ("not proved", Try { proved: Some(false), ..right() }, 2),
            ("not judged", Try { proved: None, ..right() }, 2),
            ("one hint", Try { hints: 1, ..right() }, 2),
            ("the last hint", Try { hints: 3, ..right() }, 1),
            ("late", Try { found_s: Some(721.0), ..right() }, 2),
            ("just in time", Try { found_s: Some(720.0), ..right() }, 3),
            ("fooled on the way", Try { wrong_lead: 70, ..right() }, 2),
            ("hurt users for good", Try { irreversible: true, ..right() }, 1),
            ("silent", Try { said: None, points: BTreeMap::new(), ..right() }, 1),
            ("wrong", said(DEMAND, 85), 1),
        ];
        for (what, tried, rating) in cases {
            assert_eq!(overall(&tried).0.number(), rating, "{what}: {}", overall(&tried).1);
        }
    }

    #[test]
    fn a_miss_cuts_the_pair_that_fooled_and_no_other() {
        let pair_of = |other: &str| pair(CACHE, other);
        let surge = said(DEMAND, 85);
        assert_eq!(of(&surge, &pair_of(DEMAND)), Some((1, true)));
        assert_eq!(of(&surge, CACHE), Some((1, true)));
        assert_eq!(of(&surge, &pair_of("kv_cache.flush")), None, "not exercised");
        let half = said("kv_cache.flush", 80);
        assert_eq!(of(&half, &pair_of(DEMAND)), Some((2, true)), "told from demand");
        assert_eq!(of(&half, &pair_of("kv_cache.flush")), Some((1, true)));
        let far = said("network.loss", 60);
        assert_eq!(of(&far, &pair_of(DEMAND)), None, "neither was named");
        assert_eq!(of(&far, &pair_of("network.loss")), Some((1, true)));
        assert_eq!(of(&said(OTHER, 100), &pair_of(OTHER)), None, "`other` is no look-alike");
    }

    #[test]
    fn of_two_that_only_hurt_together_either_is_right_and_the_root_is_still_to_be_found() {
        let roll = "kv_cache.agent_roll";
        let tried = Try { alike: vec![roll.to_string()], ..said(roll, 85) };
        let tried = Try { proved: Some(true), found_s: Some(600.0), par_s: 480.0, ..tried };
        assert_eq!(of(&tried, roll), Some((3, true)), "{}", overall(&tried).1);
        assert_eq!(of(&tried, CACHE), Some((1, true)), "it was not named");
        assert_eq!(of(&tried, &pair(CACHE, DEMAND)), None, "and was told from nothing");
    }

    #[test]
    fn what_is_met_on_the_way_is_never_easy_and_only_graded_if_it_was_ruled_out() {
        let flush = pair(CACHE, "kv_cache.flush");
        let at_once = Try { found_s: Some(100.0), unseen: true, ..right() };
        assert_eq!(of(&at_once, CACHE), Some((4, true)));
        assert_eq!(of(&at_once, &flush), None);
        let against = Try { against: BTreeSet::from(["kv_cache.flush".to_string()]), ..at_once };
        assert_eq!(of(&against, &flush), Some((3, false)));
    }

    #[test]
    fn traps_are_graded_only_where_somebody_could_tell() {
        assert_eq!(of(&right(), PREMATURE_CLOSURE), None);
        assert_eq!(of(&Try { closed_early: Some(true), ..right() }, PREMATURE_CLOSURE), Some((1, false)));
        let tempted = Try { tempted_by_change: true, ..right() };
        assert_eq!(of(&tempted, LAST_CHANGE), Some((3, false)));
        assert_eq!(of(&Try { tempted_by_change: true, ..said("sdk.release", 60) }, LAST_CHANGE), Some((1, false)));
        assert_eq!(of(&Try { tempted_by_change: true, ..said(DEMAND, 60) }, LAST_CHANGE), None);
        let on_the_way = Try { blamed_change_first: true, ..tempted };
        assert_eq!(of(&on_the_way, LAST_CHANGE), Some((2, false)), "rolled back first, and known only then");
    }
}
