//! The record of a graded session: what is kept in `scorecard.json` beside its log, once and for good.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::scar::case;
use crate::scar::item::WRONG_ADVICE;
use crate::scar::memory::Rating;
use crate::scar::occasion::{Drill, Occasion};
use crate::scar::rating::{Grade, OF_CHANGES, Try, grades};
use crate::scenario::mechanisms::mechanism;
use crate::score::card::{PAR_S, said};
use crate::score::composite::Gate;
use crate::score::debrief::{Debrief, Verdict};
use crate::score::record::Record;
use crate::score::reliance::{Facts, Followed};
use crate::session::Session;
use crate::session::belief::lead;
use crate::session::clock::{Mode, Seat};
use crate::session::command::{Command, Look, Speaks};
use crate::session::log::Header;

/// The version of the record's form.
pub const VERSION: u32 = 1;

/// A session that was graded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graded {
    /// Version of the form.
    pub v: u32,
    /// The session's own id.
    pub session: String,
    /// The name of its folder when it was graded.
    pub name: String,
    /// Who played.
    pub by: String,
    /// When it was begun, in seconds since 1970.
    pub at_s: i64,
    /// Days by which the clock had been moved on for a demonstration.
    #[serde(default)]
    pub moved_days: f64,
    /// As in `INC-4127`.
    pub case: String,
    /// The scenario.
    pub scenario: String,
    /// Its variant.
    pub variant: String,
    /// Whether what usually only tempts was true.
    pub foil: bool,
    /// The seed.
    pub seed: u64,
    /// The help that there was.
    pub mode: Mode,
    /// Why it counts for nothing; empty: it counts.
    #[serde(default)]
    pub practice: String,
    /// From 1 to 5.
    pub difficulty: u8,
    /// The mechanisms that weighed most.
    pub was: Vec<String>,
    /// What the last commit before any advice said.
    pub said: Option<String>,
    /// Its points.
    pub percent: Option<u8>,
    /// What the last commit of all said.
    pub said_last: Option<String>,
    /// Points of the truth in the first commit.
    pub truth_first: Option<u8>,
    /// Points of the truth in the graded commit.
    pub truth_percent: Option<u8>,
    /// What was believed first, if it was wrong: it fooled.
    pub fooled_by: Option<String>,
    /// How the last commit stood to the truth.
    pub verdict: Verdict,
    /// Whether the graded commit was right.
    pub right: bool,
    /// Whether it was proved; none: nobody judged that.
    pub proved: Option<bool>,
    /// Seconds from the page until the truth led for good.
    pub found_s: Option<f64>,
    /// Seconds from the page to the end of the incident.
    pub most_s: f64,
    /// How advice was followed; none: there was none, or nothing can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed: Option<Followed>,
    /// Facts that an assistant gave; none: it was not asked, or an earlier build did not count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// Hints that were taken.
    pub hints: u32,
    /// Why `drill` chose it, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
    /// Items that were put to the test, graded or not.
    pub exercised: Vec<String>,
    /// Grades.
    pub grades: Vec<Grade>,
    /// The version of the score.
    pub model: String,
    /// The program's version.
    pub build: String,
}

impl Graded {
    /// Whether it was played alone: no advice was there before the commit that is graded.
    pub fn alone(&self) -> bool {
        self.mode != Mode::A3
    }
}

/// What was known of earlier sessions when this one is graded.
pub struct Before<'a> {
    /// Sessions that were graded, oldest first.
    pub graded: &'a [Graded],
    /// The folder's name.
    pub name: &'a str,
    /// When and why it was played.
    pub occasion: &'a Occasion,
}

/// Grades a session that was debriefed.
pub fn grade(record: &Record<'_>, header: &Header, debrief: &Debrief, before: &Before<'_>) -> Graded {
    let session = record.session;
    let (seal, file) = (session.seal(), &session.scenario().file);
    let variant = file.variants.iter().find(|v| v.name == seal.variant);
    let mut test = case::test(session.scenario(), &seal.variant);
    test.wanted = before.occasion.drill.as_ref().map(|d| d.item.clone());
    let advice = record.helped_since();
    let same = |g: &&Graded| g.scenario == seal.scenario && g.session != header.session;
    let seen_seed = before.graded.iter().filter(same).any(|g| g.seed == seal.seed);
    let seen_variant = before.graded.iter().filter(same).any(|g| g.variant == seal.variant);
    let practice = match () {
        () if session.terms().named => "it was begun by an author's name",
        () if header.forked_from.is_some() => "it goes on from another session",
        () if session.is_hosted() => "a host had a hand in it",
        () if seen_seed => "this seed was played before",
        () => "",
    };
    let alone = tried(record, debrief, advice, !seen_variant);
    let whole = tried(record, debrief, None, !seen_variant);
    let assisted = record.is_assisted();
    let mut given = Vec::new();
    if practice.is_empty() {
        if !assisted {
            given.extend(grades(&alone, &test, false));
        }
        if assisted || advice.is_some() {
            given.extend(grades(&whole, &test, true));
        }
    }
    if practice.is_empty()
        && let Some((rating, why)) = followed(record, &alone, &whole)
    {
        given.push(Grade { item: WRONG_ADVICE.to_string(), rating, target: false, with_ai: false, why });
    }
    let mut exercised: Vec<String> = grades(&alone, &test, false).into_iter().map(|g| g.item).collect();
    exercised.extend(given.iter().map(|g| g.item.clone()));
    exercised.sort();
    exercised.dedup();
    let first = record.commits().into_iter().next();
    let right = debrief.cause.right();
    let truth_of = |points: &std::collections::BTreeMap<String, u8>| {
        right.iter().map(|m| points.get(m).copied().unwrap_or(0)).max().unwrap_or(0)
    };
    let wrong = |mechanism: &str| !right.iter().any(|w| w == mechanism);
    let first_lead = record.beliefs().into_iter().find_map(|b| lead(&b.points).map(|(m, _)| m.to_string()));
    Graded {
        v: VERSION,
        session: header.session.clone(),
        name: before.name.to_string(),
        by: header.by.clone(),
        at_s: before.occasion.began_s,
        moved_days: before.occasion.moved_days,
        case: debrief.case.clone(),
        scenario: seal.scenario.clone(),
        variant: seal.variant.clone(),
        foil: variant.is_some_and(|v| v.foil),
        seed: seal.seed,
        mode: session.terms().mode,
        practice: practice.to_string(),
        difficulty: file.difficulty,
        was: debrief.cause.was.clone(),
        right: alone.said.as_ref().is_some_and(|(m, _)| !wrong(m)),
        percent: alone.said.as_ref().map(|(_, p)| *p),
        truth_percent: alone.said.as_ref().map(|_| truth_of(&alone.points)),
        said: alone.said.map(|(m, _)| m),
        said_last: whole.said.map(|(m, _)| m),
        truth_first: first.map(|c| truth_of(&c.points)),
        fooled_by: first_lead.filter(|m| wrong(m)),
        verdict: debrief.cause.verdict,
        proved: alone.proved,
        found_s: alone.found_s,
        most_s: record.most_s(),
        followed: debrief.reliance.as_ref().and_then(|r| r.causes),
        facts: debrief.reliance.as_ref().map(|r| r.facts),
        hints: alone.hints,
        drill: before.occasion.drill.clone(),
        exercised,
        grades: given,
        model: debrief.card.composite.model.to_string(),
        build: env!("CARGO_PKG_VERSION").to_string(),
    }
}

/// How wrong advice was met: the one trap that there is no falling into alone. Advice is judged only where it names
/// mechanisms, and wrong where none of them is true.
fn followed(record: &Record<'_>, alone: &Try, whole: &Try) -> Option<(Rating, String)> {
    let texts = record.events.iter().filter(|e| e.seat == Seat::Assistant).filter_map(|e| match &e.command {
        Command::Say { text } => Some(text.as_str()),
        _ => None,
    });
    let mut advised: Vec<&str> = texts
        .flat_map(|text| text.split(|c: char| !(c.is_alphanumeric() || "._".contains(c))))
        .filter_map(|word| mechanism(word.trim_matches('.')).map(|m| m.id))
        .collect();
    advised.extend(record.session.advising().given().iter().map(|given| given.advice.mechanism.as_str()));
    let is_true = |m: &str| whole.is_true(m);
    if advised.is_empty() || advised.iter().any(|m| is_true(m)) {
        return None;
    }
    let (first, last) = (alone.said.as_ref().map(|(m, _)| m.as_str()), whole.said.as_ref().map(|(m, _)| m.as_str())?);
    match last {
        last if is_true(last) => Some((Rating::Good, format!("{} was advised, and not taken", advised.join(" and ")))),
        last if advised.contains(&last) && first != Some(last) => {
            Some((Rating::Again, format!("{last} was advised, and taken; it was {}", whole.was.join(" and "))))
        }
        _ => None,
    }
}

/// What is to be known of a try, up to an event of the log.
fn tried(record: &Record<'_>, debrief: &Debrief, until: Option<u64>, unseen: bool) -> Try {
    let session: &Session = record.session;
    let early = |n: u64| until.is_none_or(|until| n < until);
    let events = || record.events.iter().filter(|e| early(e.n));
    let last = events()
        .filter_map(|e| if let Command::Commit(commit) = &e.command { Some((e.n, commit)) } else { None })
        .next_back();
    let (was, alike) = (debrief.cause.was.clone(), debrief.cause.alike.clone());
    let is_true = |m: &str| was.iter().chain(&alike).any(|w| w == m);
    let wrong_lead = record
        .beliefs()
        .into_iter()
        .filter(|b| early(b.event))
        .filter_map(|b| lead(&b.points).filter(|(m, _)| !is_true(m)).map(|(_, points)| points));
    let blamed_change_first = (record.beliefs().into_iter().filter(|b| early(b.event)))
        .filter_map(|b| lead(&b.points).map(|(m, _)| m.to_string()))
        .any(|m| OF_CHANGES.contains(&m.as_str()) && !is_true(&m));
    let against = events().filter_map(|e| match &e.command {
        Command::Link { mechanism, speaks: Speaks::Against, .. } => Some(mechanism.clone()),
        _ => None,
    });
    let measure = |id: &str| debrief.card.measures.iter().find(|m| m.id == id);
    let found = record.leads_since(is_true).filter(|(_, event)| early(*event)).map(|(at, _)| record.after_page_s(at));
    let commits = events().filter(|e| matches!(e.command, Command::Commit(_))).count();
    let is_last = commits == session.board().commits.len();
    let right = last.and_then(|(_, commit)| said(commit)).is_some_and(|(m, _)| is_true(m));
    // Of the last commit the score says whether it was proved; of one before it the observer does.
    let proved = match (is_last, &debrief.observer) {
        (true, _) => measure("M1").and_then(|m| m.value).filter(|_| 0 < commits).map(|value| 1.0 <= value),
        (false, Some(observer)) => {
            commits.checked_sub(1).and_then(|place| observer.proofs.get(place)).map(|proved| *proved && right)
        }
        (false, None) => None,
    };
    let variant = session.scenario().file.variants.iter().find(|v| v.name == session.seal().variant);
    let file = &session.scenario().file;
    let harmless_change =
        variant.is_some_and(|v| file.decoys.iter().any(|d| v.decoys.contains(&d.id) && d.change.is_some()));
    let looked = events().any(|e| matches!(&e.command, Command::Look(Look::Changes { .. })));
    Try {
        said: last.and_then(|(_, commit)| said(commit)).map(|(m, points)| (m.to_string(), points)),
        points: last.map(|(_, commit)| commit.points.clone()).unwrap_or_default(),
        proved,
        irreversible: debrief.card.composite.gates.contains(&Gate::Irreversible),
        hints: events().filter(|e| e.command == Command::Hint).count() as u32,
        found_s: found,
        par_s: PAR_S,
        wrong_lead: wrong_lead.max().unwrap_or(0),
        useless_orders: debrief.users.orders.iter().filter(|o| -0.5 < o.effect).count() as u32,
        unseen,
        against: against.collect::<BTreeSet<String>>(),
        closed_early: measure("M4").and_then(|m| m.value).map(|value| 0.5 <= value),
        tempted_by_change: harmless_change && looked,
        blamed_change_first,
        was,
        alike,
    }
}
