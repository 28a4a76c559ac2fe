//! Reliance: whether advice was followed where it was right, and left where it was wrong; of causes, and of facts
//! apart.
//!
//! RAIR (relative AI reliance) is the share of those who were wrong before right advice and right after it; RSR
//! (relative self-reliance) the share of those who were right before wrong advice and stayed right (Schemmer et al.
//! 2023). What is missing to one is under-reliance and over-reliance.
//!
//! [`Facts`] has the hit rates of looks and of citations, and how much of what was so, and of what was not, the last
//! commit rests on.

use serde::{Deserialize, Serialize};

use crate::score::card::said;
use crate::score::rate::Rate;
use crate::score::record::Record;
use crate::session::clock::Seat;
use crate::session::command::{Command, Commit, Look};
use crate::session::facts::{Source, Stated};

/// How the figures are computed, in a line.
pub const FORMULA: &str = "RAIR = (wrong, right advice, then right) / (wrong, right advice); RSR = (right, wrong advice, \
                           still right) / (right, wrong advice); over-reliance 1 - RSR, under-reliance 1 - RAIR";

/// Whether the first commit, the advice and the last commit named what was true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// The last commit before any advice.
    pub first: bool,
    /// The last advice before the last commit.
    pub advice: bool,
    /// The last commit.
    pub last: bool,
}

impl Followed {
    /// 1 where right advice was followed or wrong advice withstood, 0 where it was the other way; none where advice and
    /// first commit were right or wrong alike, for then nothing shows reliance.
    pub fn value(self) -> Option<f64> {
        (self.first != self.advice).then_some(f64::from(u8::from(self.last)))
    }

    /// In words.
    pub fn says(self) -> &'static str {
        match (self.first, self.advice, self.last) {
            (false, true, true) => "the last word is that of advice that was right",
            (false, true, false) => "advice that was right did not become the last word: under-reliance",
            (true, false, true) => "wrong advice was withstood",
            (true, false, false) => "wrong advice was followed, or misled: over-reliance",
            (true, true, true) => "advice agreed with what was right already",
            (true, true, false) => "what was right was left although advice agreed",
            (false, false, true) => "it was found in spite of wrong advice",
            (false, false, false) => "wrong before and after wrong advice",
        }
    }
}

/// Reliance over many sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Right advice followed, of those who were wrong before it.
    pub rair: Rate,
    /// Wrong advice withstood, of those who were right before it.
    pub rsr: Rate,
    /// Right before any advice.
    pub first: Rate,
    /// Right advice.
    pub advice: Rate,
    /// Right in the end.
    pub last: Rate,
}

impl Counts {
    /// Counts.
    pub fn of(all: impl IntoIterator<Item = Followed>) -> Counts {
        let all: Vec<Followed> = all.into_iter().collect();
        let among =
            |wanted: (bool, bool)| Rate::count(all.iter().filter(|f| (f.first, f.advice) == wanted).map(|f| f.last));
        Counts {
            rair: among((false, true)),
            rsr: among((true, false)),
            first: Rate::count(all.iter().map(|f| f.first)),
            advice: Rate::count(all.iter().map(|f| f.advice)),
            last: Rate::count(all.iter().map(|f| f.last)),
        }
    }

    /// In a line; empty without any.
    pub fn says(&self) -> String {
        if self.advice.of == 0 {
            return String::new();
        }
        let rate = |r: Rate| match r.value() {
            None => "not yet met".to_string(),
            Some(share) => {
                let (low, high) = r.wilson();
                format!("{share:.2} ({} of {}, [{low:.2} to {high:.2}])", r.hits, r.of)
            }
        };
        format!(
            "RAIR {}, RSR {}; right {} of {} before advice, {} after; advice right {} times",
            rate(self.rair),
            rate(self.rsr),
            self.first.hits,
            self.first.of,
            self.last.hits,
            self.advice.hits
        )
    }
}

/// One piece of advice, against what was true.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The event of the log that gave it.
    pub event: u64,
    /// Who gave it.
    pub by: String,
    /// The mechanism that it claimed.
    pub mechanism: String,
    /// How sure it said it was, in per cent.
    pub percent: u8,
    /// Whether that was true.
    pub right: bool,
    /// Citations that were opened.
    pub opened: u32,
    /// Citations that there were.
    pub citations: u32,
    /// Whether it was taken; none: nothing was said of it.
    pub taken: Option<bool>,
}

/// Facts that the assistant gave: what it looked up, and what its advice cited. They have a hit rate and reliance of their
/// own: whoever looks well may judge badly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Times that it was sent to look.
    pub looked: u32,
    /// Citations that it gave.
    pub cited: u32,
    /// Of these, opened by whoever plays.
    pub opened: u32,
    /// Looks of its own that the last commit cites.
    pub used: u32,
    /// How many of the statements of its own looks were so, when their queries were asked again.
    pub looked_true: Rate,
    /// The same of what it cited for advice.
    pub cited_true: Rate,
    /// Statements that say nothing that could be held against an answer.
    pub unchecked: u32,
    /// Statements that were so on which the last commit rests.
    pub true_used: Rate,
    /// Statements that were not so on which it rests all the same: over-reliance.
    pub false_used: Rate,
}

impl Facts {
    /// Those of many sessions together.
    pub fn sum(all: impl IntoIterator<Item = Facts>) -> Facts {
        let add = |a: Rate, b: Rate| Rate { hits: a.hits + b.hits, of: a.of + b.of };
        all.into_iter().fold(Facts::default(), |a, b| Facts {
            looked: a.looked + b.looked,
            cited: a.cited + b.cited,
            opened: a.opened + b.opened,
            used: a.used + b.used,
            looked_true: add(a.looked_true, b.looked_true),
            cited_true: add(a.cited_true, b.cited_true),
            unchecked: a.unchecked + b.unchecked,
            true_used: add(a.true_used, b.true_used),
            false_used: add(a.false_used, b.false_used),
        })
    }

    /// How often they were so, and how often they were relied on, in a line; empty where none could be checked.
    pub fn says(&self) -> String {
        if self.looked_true.of + self.cited_true.of == 0 {
            return String::new();
        }
        let part = |what: &str, rate: Rate| match rate.of {
            0 => format!("none {what}"),
            _ => {
                let (low, high) = rate.wilson();
                format!("{} of {} {what} [{low:.2} to {high:.2}]", rate.hits, rate.of)
            }
        };
        format!(
            "so were {} and {}; you rested on {} of {} that were so and {} of {} that were not",
            part("looked up", self.looked_true),
            part("cited", self.cited_true),
            self.true_used.hits,
            self.true_used.of,
            self.false_used.hits,
            self.false_used.of
        )
    }
}

/// What came of the assistant in one session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliance {
    /// Advice, in order.
    pub advice: Vec<Judged>,
    /// What was committed to before any of it; none: nothing was.
    pub first: Option<String>,
    /// What was committed to last; none: nothing was.
    pub last: Option<String>,
    /// Causes: none where something is missing, and nothing can be said.
    pub causes: Option<Followed>,
    /// Facts.
    pub facts: Facts,
    /// What it stated that was not so, with where it stated it.
    pub not_so: Vec<String>,
    /// How the figures are computed.
    pub formula: &'static str,
    /// The events of the log that they rest on.
    pub log: Vec<u64>,
}

impl Reliance {
    /// In sentences.
    pub fn says(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for judged in &self.advice {
            let taken = match judged.taken {
                Some(true) => "; you took it",
                Some(false) => "; you left it",
                None => "",
            };
            let right = if judged.right { "right" } else { "wrong" };
            lines.push(format!(
                "Advice of {}: {} at {} %, {right}; you opened {} of its {} citations{taken}.",
                judged.by, judged.mechanism, judged.percent, judged.opened, judged.citations
            ));
        }
        let name = |m: &Option<String>| m.clone().unwrap_or_else(|| "nothing".to_string());
        match self.causes {
            Some(followed) => lines.push(format!(
                "Causes: you said {} before it and {} in the end: {}.",
                name(&self.first),
                name(&self.last),
                followed.says()
            )),
            None if !self.advice.is_empty() => {
                lines.push(
                    "Causes: nothing can be said of reliance without a commit before the advice and one after it."
                        .to_string(),
                );
            }
            None => {}
        }
        let facts = self.facts;
        lines.push(format!(
            "Facts: it looked {} times and cited {}; you opened {} citations, and your last commit rests on {} of its looks.",
            facts.looked, facts.cited, facts.opened, facts.used
        ));
        let held = facts.says();
        if !held.is_empty() {
            lines.push(format!("Facts, asked again: {held}."));
        }
        if !self.not_so.is_empty() {
            const TOLD: usize = 4;
            let more = self.not_so.len().saturating_sub(TOLD);
            let others = if more == 0 { String::new() } else { format!("; and {more} more") };
            let told: Vec<&str> = self.not_so.iter().take(TOLD).map(String::as_str).collect();
            lines.push(format!("Not so: {}{others}.", told.join("; ")));
        }
        lines
    }
}

/// What came of the assistant in a session, where `was` weighed most; none if it was not asked for anything.
pub fn reliance(record: &Record<'_>, was: &[String]) -> Option<Reliance> {
    let helped = record.helped_since()?;
    let is_true = |m: &str| was.iter().any(|w| w == m);
    let given = record.session.advising().given();
    let told = record.events.iter().filter(|e| e.seat == Seat::Assistant && matches!(e.command, Command::Advice(_)));
    let advice: Vec<Judged> = (told.zip(given))
        .map(|(event, given)| Judged {
            event: event.n,
            by: event.by.clone(),
            mechanism: given.advice.mechanism.clone(),
            percent: given.advice.percent,
            right: is_true(&given.advice.mechanism),
            opened: given.opened.len() as u32,
            citations: given.advice.citations.len() as u32,
            taken: given.taken,
        })
        .collect();
    let commits: Vec<(u64, &Commit)> = (record.events.iter())
        .filter_map(|e| if let Command::Commit(commit) = &e.command { Some((e.n, commit)) } else { None })
        .collect();
    let first_advice = advice.first().map(|a| a.event);
    let lead = |commit: Option<&(u64, &Commit)>| commit.and_then(|(n, c)| Some((*n, said(c)?.0.to_string())));
    let first = lead(commits.iter().rfind(|(n, _)| *n < first_advice.unwrap_or(helped)));
    let last = lead(commits.last());
    let heard = last.as_ref().and_then(|(n, _)| advice.iter().rfind(|a| a.event < *n));
    // Who commits to nothing after the advice stays with what was said before it.
    let heard = heard.or(advice.last());
    let causes = match (&first, heard, &last) {
        (Some((_, first)), Some(heard), Some((_, last))) => {
            Some(Followed { first: is_true(first), advice: heard.right, last: is_true(last) })
        }
        _ => None,
    };
    let observations = record.session.observations();
    let own: Vec<u32> =
        (observations.iter()).filter(|o| matches!(o.look, Look::Delegated { .. })).map(|o| o.number).collect();
    let cites = commits.last().map_or(&[][..], |(_, commit)| commit.cites.as_slice());
    // A citation is rested on where the last commit cites a look like it that was made after the advice.
    let rests = |source: Source| match source {
        Source::Looked { observation } => cites.contains(&observation),
        Source::Cited { advice, citation } => {
            let given = advice.checked_sub(1).and_then(|place| given.get(place as usize));
            let cited = given.and_then(|g| Some((g.at, g.advice.citations.get(citation.checked_sub(1)? as usize)?)));
            cited.is_some_and(|(at, cited)| {
                observations.iter().any(|o| at <= o.asked && o.look == cited.look && cites.contains(&o.number))
            })
        }
    };
    let stated = record.session.advising().stated();
    let looked = |s: &&Stated| matches!(s.source, Source::Looked { .. });
    let held = |of: &dyn Fn(&&Stated) -> bool| Rate::count(stated.iter().filter(of).filter_map(|s| s.holds));
    let rested = |so: bool| Rate::count(stated.iter().filter(|s| s.holds == Some(so)).map(|s| rests(s.source)));
    let facts = Facts {
        looked: own.len() as u32,
        cited: advice.iter().map(|a| a.citations).sum(),
        opened: advice.iter().map(|a| a.opened).sum(),
        used: cites.iter().filter(|cite| own.contains(cite)).count() as u32,
        looked_true: held(&looked),
        cited_true: held(&|s| !looked(s)),
        unchecked: stated.iter().filter(|s| s.holds.is_none()).count() as u32,
        true_used: rested(true),
        false_used: rested(false),
    };
    let place = |source: Source| match source {
        Source::Looked { observation } => format!("E{observation}"),
        Source::Cited { advice, citation } => format!("citation {citation} of advice {advice}"),
    };
    let false_ones = stated.iter().filter(|s| s.holds == Some(false));
    let not_so = false_ones.map(|s| format!("{}: \"{}\"", place(s.source), s.says)).collect();
    let mut log: Vec<u64> = advice.iter().map(|a| a.event).collect();
    log.extend(first.iter().chain(&last).map(|(n, _)| *n));
    log.sort_unstable();
    log.dedup();
    let name = |lead: Option<(u64, String)>| lead.map(|(_, mechanism)| mechanism);
    Some(Reliance { advice, first: name(first), last: name(last), causes, facts, not_so, formula: FORMULA, log })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_counts_give_the_published_figures() {
        let cells = [
            ((true, true, true), 18),
            ((true, true, false), 1),
            ((false, true, true), 10),
            ((false, true, false), 3),
            ((true, false, true), 4),
            ((true, false, false), 6),
            ((false, false, true), 1),
            ((false, false, false), 7),
        ];
        let all = cells.iter().flat_map(|((first, advice, last), n)| {
            std::iter::repeat_n(Followed { first: *first, advice: *advice, last: *last }, *n)
        });
        let counts = Counts::of(all);
        let value = |r: Rate| (r.value().unwrap_or(-1.0) * 1e4).round() / 1e4;
        assert_eq!((value(counts.rair), value(counts.rsr)), (0.7692, 0.4));
        assert_eq!((value(counts.first), value(counts.advice), value(counts.last)), (0.58, 0.64, 0.66));
        assert_eq!(Counts::of([]).says(), "");
    }
}
