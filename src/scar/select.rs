//! What to practise next: what is most worth it now, under rules that keep practice honest. A pure function of records,
//! offers, moment and seed.
//!
//! - Two graded sessions a day are enough.
//! - The second meeting of a new pattern or of its twin follows the first before anything else that is new, from either
//!   side, so that it tells nothing; otherwise the same mechanism is never met twice running. These two pull against
//!   each other: the first two meetings are the exception, and the second may be the twin, else whoever was burnt would
//!   know what comes.
//! - Between 25 and 35 % are foils, so that "it is never what it seems" wins nothing.
//! - What failed comes back in two to seven days. A block whose first meeting failed stands open meanwhile, and nothing
//!   else that is new begins.
//! - Of four slots in which something is due, one holds something else, so that being drilled tells nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::scar::ability::{WISHED, after, chance, said};
use crate::scar::case::Offer;
use crate::scar::item::{Plain, kind, pair};
use crate::scar::memory::{DAY_S, days};
use crate::scar::records::Row;
use crate::scar::standing::{RETEST_UNTIL, Standing, weight, wish};
use crate::sim::rng::mix;

/// Graded sessions of one day.
pub const A_DAY: usize = 2;
/// Foils among all, at least and at most.
pub const FOILS: (f64, f64) = (0.25, 0.35);
/// How often a foil is chosen where both would do.
const FOIL_CHANCE: f64 = 0.30;
/// Slots of which one holds something else.
const BLOCK: u64 = 4;
/// Days beyond its day after which an item weighs one more, whatever its weight: nothing starves.
const PATIENCE: f64 = 45.0;
/// What failed weighs so much more than what fades, and so much more again once its week is over.
const FAILED: f64 = 1.0;
/// An item that was seen so long ago is due where there is no forecast to ask.
const UNSEEN_DAYS: f64 = 21.0;

/// A session of the past, as far as the choice depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, in seconds since 1970.
    pub at_s: i64,
    /// The scenario and variant.
    pub variant: (String, String),
    /// What weighed most.
    pub mechanism: String,
    /// Whether it was a foil.
    pub foil: bool,
    /// Whether it failed.
    pub failed: bool,
    /// From 1 to 5.
    pub difficulty: u8,
    /// Whether it counted.
    pub counts: bool,
    /// Whether it was drilled while something was due.
    pub due_slot: bool,
}

/// The steps of a profile.
pub fn steps(rows: &[Row]) -> Vec<Step> {
    let step = |row: &Row| {
        let graded = &row.graded;
        Step {
            at_s: graded.at_s,
            variant: (graded.scenario.clone(), graded.variant.clone()),
            mechanism: graded.was.first().cloned().unwrap_or_default(),
            foil: graded.foil,
            failed: !graded.right,
            difficulty: graded.difficulty,
            counts: graded.practice.is_empty() && graded.alone(),
            due_slot: graded.drill.as_ref().is_some_and(|d| d.due),
        }
    };
    rows.iter().map(step).collect()
}

/// What the choice rests on.
pub struct Situation<'a> {
    /// What there is to practise on.
    pub offers: &'a [Offer],
    /// How each item stands.
    pub standings: &'a BTreeMap<String, Standing>,
    /// What was played, oldest first.
    pub steps: &'a [Step],
    /// The moment, in seconds since 1970.
    pub now_s: i64,
    /// Weights by mechanism.
    pub weights: &'a BTreeMap<String, f64>,
    /// Whether the forecast is used; else days since the last try.
    pub forecast_holds: bool,
    /// Whether more than enough for a day is wanted.
    pub more: bool,
    /// Picks among equals.
    pub seed: u64,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// Enough for today; from this moment on there is more.
    Rest(i64),
    /// There is nothing that may be played now.
    Nothing,
    /// This.
    Go(Pick),
}

/// A variant to practise on.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// Its place among the offers.
    pub offer: usize,
    /// The item that it was chosen for.
    pub item: String,
    /// Whether something was due.
    pub due: bool,
    /// Whether it is something else than what was due.
    pub other: bool,
    /// Why, in a sentence.
    pub why: String,
}

struct Candidate {
    offer: usize,
    item: String,
    need: f64,
    new: bool,
    chance: f64,
}

/// Chooses.
pub fn choose(situation: &Situation<'_>) -> Choice {
    let (now, steps) = (situation.now_s, situation.steps);
    let today = now.div_euclid(DAY_S as i64);
    let played = steps.iter().filter(|s| s.counts && s.at_s.div_euclid(DAY_S as i64) == today).count();
    if A_DAY <= played && !situation.more {
        return Choice::Rest((today + 1) * DAY_S as i64);
    }
    let mut meetings: BTreeMap<&str, usize> = BTreeMap::new();
    steps.iter().for_each(|s| *meetings.entry(s.mechanism.as_str()).or_default() += 1);
    let open = open_block(situation);
    let may = |offer: &&Offer| -> bool {
        let last = steps.last().is_none_or(|s| s.mechanism != offer.mechanism);
        let again = open == Some(offer.mechanism.as_str());
        (last || again) && !too_soon(situation, offer)
    };
    let able = Able::of(steps);
    let all: Vec<Candidate> = (situation.offers.iter().enumerate())
        .filter(|(_, offer)| may(offer))
        .map(|(place, offer)| candidate(situation, place, offer, &meetings, &able))
        .collect();
    // The block of a new pattern stands open until its pair was met again; nothing else that is new begins meanwhile.
    if let Some(open) = open {
        let of_block = |c: &&Candidate| akin(situation.offers, open, &situation.offers[c.offer].mechanism);
        let blocked = with_foils(situation, all.iter().filter(of_block).collect());
        if let Some(first) = best(situation, &blocked) {
            let due = 0.0 < first.need;
            let why = "the second meeting of something new follows the first".to_string();
            let why = if due { reason(situation, &first.item) } else { why };
            return go(situation, first, due, false, why);
        }
    }
    let pool: Vec<&Candidate> = all.iter().filter(|c| open.is_none() || !c.new).collect();
    let pool = with_foils(situation, pool);
    let due: Vec<&Candidate> = pool.iter().copied().filter(|c| 0.0 < c.need).collect();
    let rest: Vec<&Candidate> = pool.iter().copied().filter(|c| c.need <= 0.0).collect();
    let slots = steps.iter().filter(|s| s.due_slot).count() as u64;
    let holds_other = mix(0x7e57, slots / BLOCK) % BLOCK == slots % BLOCK;
    if holds_other && let Some(first) = best(situation, &due) {
        // Where everything is due, something else is what is needed least.
        let least = due.iter().copied().filter(|c| c.need < first.need).min_by(|a, b| a.need.total_cmp(&b.need));
        if let Some(other) = best(situation, &rest).or(least) {
            let why = "one slot in four holds something else than what is due".to_string();
            return go(situation, other, true, true, why);
        }
    }
    if let Some(first) = best(situation, &due) {
        let why = reason(situation, &first.item);
        return go(situation, first, true, false, why);
    }
    match best(situation, &rest) {
        Some(first) if first.new => go(situation, first, false, false, "nothing is due, and this is new".to_string()),
        Some(first) => go(situation, first, false, false, "nothing is due; this was met longest ago".to_string()),
        None => Choice::Nothing,
    }
}

/// The mechanism whose block stands open: met for the first time, and neither it nor its twin since.
fn open_block<'a>(situation: &Situation<'a>) -> Option<&'a str> {
    let mut met = BTreeSet::new();
    let mut open: Option<&str> = None;
    for step in situation.steps {
        let here = step.mechanism.as_str();
        let new = met.insert(here);
        open = match open {
            Some(first) if first == here || akin(situation.offers, first, here) => None,
            None if new && situation.offers.iter().any(|o| o.mechanism == here) => Some(here),
            kept => kept,
        };
    }
    open
}

/// Whether two mechanisms are one, or make a pair that can be practised.
pub fn akin(offers: &[Offer], one: &str, other: &str) -> bool {
    one == other || offers.iter().any(|o| o.mechanism == one && o.items.contains(&pair(one, other)))
}

fn go(situation: &Situation<'_>, candidate: &Candidate, due: bool, other: bool, why: String) -> Choice {
    debug_assert!(candidate.offer < situation.offers.len());
    Choice::Go(Pick { offer: candidate.offer, item: candidate.item.clone(), due, other, why })
}

/// Whether an offer would bring back what failed before it may come back.
fn too_soon(situation: &Situation<'_>, offer: &Offer) -> bool {
    offer.items.iter().filter_map(|item| situation.standings.get(item)).any(|standing| {
        let failed = standing.last().is_some_and(|r| !r.rating.passed());
        failed && standing.due(0.9).is_some_and(|(from, _)| situation.now_s < from)
    })
}

/// How much an item needs a try now; zero or less: it is not due.
pub fn need(situation: &Situation<'_>, item: &str) -> f64 {
    let Some(standing) = situation.standings.get(item) else { return 0.0 };
    let Some(last) = standing.last() else { return 0.0 };
    let weight = weight(item, situation.weights);
    let since = days(last.at_s, situation.now_s);
    if !last.rating.passed() {
        let from = standing.due(0.9).map_or(i64::MAX, |(from, _)| from);
        if situation.now_s < from {
            return 0.0;
        }
        let confident = if last.confident_error { 0.5 } else { 0.0 };
        let late = if RETEST_UNTIL - 1.0 <= since { 1.0 + since / PATIENCE } else { 0.0 };
        return weight.max(0.1) * 0.1 + FAILED + confident + late;
    }
    let wish = wish(weight);
    if !situation.forecast_holds {
        return weight * (since - UNSEEN_DAYS).max(0.0) / UNSEEN_DAYS;
    }
    let forecast = standing.forecast(situation.now_s).unwrap_or(1.0);
    if wish <= forecast {
        return 0.0;
    }
    let overdue = standing.due(wish).map_or(0.0, |(from, _)| days(from, situation.now_s));
    // What fades stays below what failed, however long it waits, and above what waits less.
    (weight * (wish - forecast) + overdue / PATIENCE).min(FAILED * 0.99)
}

fn candidate(
    situation: &Situation<'_>,
    place: usize,
    offer: &Offer,
    meetings: &BTreeMap<&str, usize>,
    able: &Able,
) -> Candidate {
    let needs = offer.items.iter().map(|item| (need(situation, item), item));
    // The first of equals: pairs stand before the pattern.
    let (need, item) = needs.rev().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, &offer.mechanism));
    let new = !meetings.contains_key(offer.mechanism.as_str());
    Candidate { offer: place, item: item.clone(), need, new, chance: able.chance(offer) }
}

/// Leaves foils or their opposite out where their share would leave its bounds, as long as something remains.
fn with_foils<'c>(situation: &Situation<'_>, pool: Vec<&'c Candidate>) -> Vec<&'c Candidate> {
    let n = situation.steps.len() as f64 + 1.0;
    let foils = situation.steps.iter().filter(|s| s.foil).count() as f64;
    let (needed, barred) = (foils / n < FOILS.0, FOILS.1 < (foils + 1.0) / n);
    let drawn = chance_of(situation.seed, 1) < FOIL_CHANCE;
    let wanted = match (needed, barred) {
        (true, false) => true,
        (false, true) => false,
        _ => drawn,
    };
    let kept: Vec<&Candidate> = pool.iter().copied().filter(|c| situation.offers[c.offer].foil == wanted).collect();
    // What failed and has waited long enough goes before.
    let late = |c: &&&Candidate| FAILED * 2.0 <= c.need;
    if kept.is_empty() || (pool.iter().any(|c| late(&c)) && !kept.iter().any(|c| late(&c))) { pool } else { kept }
}

fn chance_of(seed: u64, purpose: u64) -> f64 {
    (mix(seed, purpose) >> 11) as f64 / (1u64 << 53) as f64
}

/// The one that needs it most; among those of one item the one whose chance of success is nearest to the wished; where
/// nothing is needed, what is new and easy, then what was met longest ago.
fn best<'c>(situation: &Situation<'_>, among: &[&'c Candidate]) -> Option<&'c Candidate> {
    let last_met = |c: &Candidate| {
        let offer = &situation.offers[c.offer];
        situation.steps.iter().rev().find(|s| s.mechanism == offer.mechanism).map_or(i64::MIN, |s| s.at_s)
    };
    let draw = |c: &Candidate| chance_of(situation.seed, 2 + c.offer as u64);
    among.iter().copied().min_by(|a, b| {
        b.need
            .total_cmp(&a.need)
            .then_with(|| b.new.cmp(&a.new))
            .then_with(|| if a.new && b.new { std::cmp::Ordering::Equal } else { last_met(a).cmp(&last_met(b)) })
            .then_with(|| kind(&a.item).cmp(&kind(&b.item)))
            .then_with(|| (a.chance - WISHED).abs().total_cmp(&(b.chance - WISHED).abs()))
            .then_with(|| draw(a).total_cmp(&draw(b)))
    })
}

fn reason(situation: &Situation<'_>, item: &str) -> String {
    let Some((standing, last)) = situation.standings.get(item).and_then(|s| Some((s, s.last()?))) else {
        return format!("{}: new", Plain(item));
    };
    let since = days(last.at_s, situation.now_s);
    let what = Plain(item);
    if !last.rating.passed() {
        let firm = last.percent.filter(|_| last.confident_error).map_or(String::new(), |p| format!(" at {p} %"));
        return format!(
            "{what}: missed{firm} {since:.0} days ago, and what was corrected comes undone within a week unless it is tried again"
        );
    }
    match standing.forecast(situation.now_s).filter(|_| situation.forecast_holds && standing.is_known()) {
        Some(forecast) => format!("{what}: last tried {since:.0} days ago, forecast {:.0} %", forecast * 100.0),
        None => format!("{what}: last tried {since:.0} days ago"),
    }
}

/// Ability, and how hard each variant turned out to be.
struct Able {
    ability: f64,
    variants: BTreeMap<(String, String), (f64, u32)>,
}

impl Able {
    fn of(steps: &[Step]) -> Able {
        let (mut ability, mut variants) = ((0.0, 0), BTreeMap::new());
        for step in steps.iter().filter(|s| s.counts) {
            let hard = variants.entry(step.variant.clone()).or_insert((said(step.difficulty), 0));
            let (next, harder) = after(ability, *hard, !step.failed);
            *hard = (harder, hard.1 + 1);
            ability = (next, ability.1 + 1);
        }
        Able { ability: ability.0, variants }
    }

    fn chance(&self, offer: &Offer) -> f64 {
        let known = self.variants.get(&(offer.scenario.clone(), offer.variant.clone()));
        chance(self.ability, known.map_or(said(offer.difficulty), |(hard, _)| *hard))
    }
}
