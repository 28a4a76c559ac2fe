//! A session before the ideal observer: what its looks could show, what should have been believed, and which look would
//! have settled it; where no single one does, a smallest set.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::scenario::mechanisms::family;
use crate::score::bayes::logit;
use crate::score::card::said;
use crate::score::observer::grid::BEFORE_S;
use crate::score::observer::mind::{Cells, Mind, Piece};
use crate::score::observer::reading::Reading;
use crate::score::observer::registry::{Item, Source, Stat, Window};
use crate::score::observer::signs;
use crate::score::observer::weigh::Scale;
use crate::score::observer::{Freshness, Observer};
use crate::score::record::Record;
use crate::session::belief::lead;
use crate::session::command::Look;
use crate::session::look::{Observation, title};
use crate::session::prices::price;
use crate::sim::time::SimTime;
use crate::telemetry::panels::Unit;

/// From this belief on something is proved beyond asking.
pub const SETTLED: f64 = 0.95;
/// From this belief on a diagnosis is grounded.
pub const GROUNDED: f64 = 0.8;
/// A lead of so many points closes the question for its owner.
const CLOSED: u8 = 70;
/// A look that tells two hypotheses apart by less than this, in bits of at most 1, could not.
const TELLS: f64 = 0.15;
/// A citation that moves the logit by less, added last, told nothing.
const IRRELEVANT: f64 = 0.1;
/// What was usual is the mean of so many first buckets: they are over before what pages begins.
const USUAL: usize = 2;
/// Within this factor of what it was, something is flat.
const FLAT: f64 = 1.1;
/// What is apart by this factor is read off a panel by anybody.
const LEGIBLE: f64 = 1.3;
/// Whoever acts at once could still have read so many seconds after the page.
const READ_S: f64 = 180.0;
/// More than the signs of any mechanism: the rank of what is the second best sort of sign, and twice that of what is none.
const NO_SIGN: usize = 9;
/// Further apart than this factor is no easier to read.
const MOST_APART: f64 = 10.0;
/// What this share of the rival's runs is beyond, on either side, may be one of them.
const INSIDE: f64 = 0.1;
/// The same of a sign of the rival, where looks add up to a belief: what a crowd does to what users want is a matter of its
/// size, and a small one is hard to see at any single moment.
const INSIDE_A_SIGN: f64 = 0.3;

/// What the ideal observer says of a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// Whether its table still holds.
    pub freshness: Freshness,
    /// Seeds of each hypothesis that it has seen.
    pub seeds: u32,
    /// Its belief in the weightiest cause, given the first screen alone.
    pub truth_given_first_screen: f64,
    /// The same, given what was cited in the last commit and nothing else: who cites nothing has proved nothing.
    pub truth_given_cited: f64,
    /// Whether that proves it: something was cited that could show something, and it makes it 80 % sure.
    pub proves: bool,
    /// The same of every commit, in order: whether what it cites proves the truth.
    pub proofs: Vec<bool>,
    /// The same, given everything that was viewed by then.
    pub truth_given_viewed: f64,
    /// The same, given everything that there was to be seen by then.
    pub truth_given_all: f64,
    /// Its belief in the declared lead, given everything that was viewed; 0 for what none of its hypotheses has.
    pub lead_given_viewed: f64,
    /// Citations that told nothing.
    pub irrelevant: Vec<u32>,
    /// Whether the question was closed too early; none if it never was closed.
    pub premature: Option<bool>,
    /// From 0 (moves as it should) to 1 (not at all), over disconfirming looks; none where there were none.
    pub inertia: Option<f64>,
    /// Disconfirming looks, by number.
    pub disconfirming: Vec<u32>,
    /// What the truth is held against: what was said, or else what seemed most likely at first.
    pub rival: Option<String>,
    /// Looks in order.
    pub looks: Vec<Looked>,
    /// One look that would have settled it, by the last commit.
    pub settled: Option<Settling>,
    /// One look that would have ruled out what the truth is held against, whatever else it left open.
    pub refuted: Option<Settling>,
    /// A smallest set of looks that settles it; empty where none does.
    pub discriminating: Vec<Item>,
    /// For each update, whether what it said of the cause was as sure as could be known.
    pub updates_sound: Vec<bool>,
}

/// A look, weighed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Looked {
    /// The observation's number.
    pub observation: u32,
    /// What was asked.
    pub title: String,
    /// Bits that such a look can be expected to tell by itself.
    pub bits: f64,
    /// Whether it could tell the truth from what was said.
    pub tells_apart: bool,
    /// Whether it says nothing of any hypothesis, by rule: a document, or what nobody reads for it.
    pub neutral: bool,
    /// Belief in the weightiest cause after it and all before it.
    pub truth_after: f64,
    /// Beliefs in all hypotheses then, in the order of the table.
    pub beliefs: Vec<f64>,
    /// When it was answered, in seconds after the page.
    pub at_s: f64,
}

/// A look that would have settled it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settling {
    /// What it is.
    pub item: Item,
    /// The line of it that tells.
    pub part: String,
    /// What its numbers measure; none where it is there or not.
    pub unit: Option<Unit>,
    /// `flat`, `rose` or `fell`; `there` or `not there`.
    pub behaved: &'static str,
    /// What was usual: its mean from six minutes to four before the page.
    pub before: Option<f64>,
    /// What it came to.
    pub after: Option<f64>,
    /// What it would have come to had it been the rival.
    pub if_rival: Option<f64>,
    /// Belief in the weightiest cause, given it and the first screen.
    pub belief: f64,
    /// Its price in seconds.
    pub price_s: f64,
    /// Whether it was looked at.
    pub looked_at: bool,
}

/// What a session is judged on besides its record.
pub struct Facts<'a> {
    /// What the looks would have shown if nobody had ordered anything.
    pub reading: &'a Reading,
    /// The weightiest mechanisms, by replay.
    pub truth: &'a [&'a str],
    /// What the last commit says above all.
    pub said: Option<&'a str>,
    /// Pools in which nothing broke, where something broke in others: what lists one of them alone shows nothing of those.
    pub healthy: &'a [String],
}

/// Judges.
pub fn judge(observer: &Observer, record: &Record<'_>, facts: &Facts<'_>) -> Judgement {
    let mut mind = Mind::new(observer, facts.reading);
    let seconds = |at: SimTime| at.as_secs_f64() - record.paged_at().as_secs_f64();
    let truth = |beliefs: &[f64]| observer.of_truth(beliefs, facts.truth);
    let first = mind.first_screen();
    let on_first = mind.given(&first);
    let rival = rival(observer, facts, &on_first);
    let pair = pair(observer, facts.truth, rival.as_deref());

    mind.take(first.iter().copied());
    let mut steps: Vec<(f64, Vec<f64>)> = vec![(0.0, on_first.clone())];
    let mut looks = Vec::new();
    let mut cells: Vec<Cells> = Vec::new();
    for observation in record.session.observations() {
        let shown = shown(&mind, observation, facts.healthy, &seconds);
        let new = !shown.is_subset(&mind.seen);
        mind.take(shown.iter().copied());
        let beliefs = if new { mind.beliefs() } else { steps[steps.len() - 1].1.clone() };
        let alone = Scale::new(&observer.table, shown.iter().copied(), &observer.prior);
        let apart = pair.as_ref().map(|p| Scale::new(&observer.table, shown.iter().copied(), p).information());
        looks.push(Looked {
            observation: observation.number,
            title: title(&observation.look),
            bits: alone.information(),
            tells_apart: apart.is_some_and(|bits| TELLS <= bits),
            neutral: shown.is_empty(),
            truth_after: truth(&beliefs),
            beliefs: beliefs.clone(),
            at_s: seconds(observation.at),
        });
        steps.push((seconds(observation.at), beliefs));
        cells.push(shown);
    }
    let last = record.session.board().commits.last();
    let until_s = seconds(last.map_or(record.ended, |c| c.at));
    let viewed = steps.iter().rev().find(|(at, _)| *at <= until_s + 1e-9).map_or(on_first.clone(), |(_, b)| b.clone());
    let cites = last.map_or(&[][..], |c| c.commit.cites.as_slice());
    let of_cite = |number: &u32| (*number as usize).checked_sub(1).and_then(|i| cells.get(i));
    let cited = |without: Option<u32>| -> Cells {
        cites.iter().filter(|c| Some(**c) != without).filter_map(of_cite).flatten().copied().collect()
    };
    let all_cited = cited(None);
    let truth_given_cited = truth(&mind.given(&all_cited));
    // Where several mechanisms are at work together, what betrays one of them says nothing of another: what is cited has to
    // speak of the one that is named.
    let several = observer.hypotheses.iter().any(|h| is_true(h, facts.truth) && 1 < h.mechanisms.len());
    let speaks = |cells: &Cells, of: Option<&str>| {
        let source = |cell: &usize| &observer.table.sources[usize::from(observer.table.cells[*cell].source)];
        !several || of.is_none_or(|mechanism| cells.iter().any(|cell| signs::speaks_of(source(cell), mechanism)))
    };
    let proves = |cells: &Cells, of: Option<&str>| {
        !cells.is_empty() && GROUNDED <= truth(&mind.given(cells)) && speaks(cells, of)
    };
    let proofs = (record.session.board().commits.iter())
        .map(|c| {
            let cells = c.commit.cites.iter().filter_map(of_cite).flatten().copied().collect();
            proves(&cells, said(&c.commit).map(|(mechanism, _)| mechanism))
        })
        .collect();
    let tells_nothing = |number: &&u32| {
        let without = truth(&mind.given(&cited(Some(**number))));
        (logit(truth_given_cited) - logit(without)).abs() < IRRELEVANT
    };
    // Of two that say the same, one is not irrelevant for the other's sake: a citation counts as irrelevant only if it
    // tells nothing alone either.
    let alone = |number: &&u32| {
        let cells: Cells = of_cite(number).into_iter().flatten().copied().collect();
        (logit(truth(&mind.given(&cells))) - logit(truth(&mind.given(&Cells::new())))).abs() < IRRELEVANT
    };
    let irrelevant: Vec<u32> = cites.iter().filter(tells_nothing).filter(alone).copied().collect();

    let pieces = mind.pieces(-f64::from(BEFORE_S), until_s);
    let all: Cells = pieces.iter().flat_map(|p| p.cells.iter().copied()).chain(first.iter().copied()).collect();
    let against = Against { first: &first, pair: pair.as_deref(), rival: rival.as_deref() };
    // What would have told is read while it told, before orders and time mend or change it.
    let first_order = record.session.watch().world.actions().first().map_or(f64::INFINITY, |order| seconds(order.at));
    let by_then = mind.pieces(-f64::from(BEFORE_S), until_s.min(first_order.max(READ_S)));
    let settled = settling(&mind, facts, &by_then, &against, &PROOF);
    let refuted = pair.as_ref().and_then(|_| settling(&mind, facts, &by_then, &against, &REFUTATION));
    let discriminating = match settled {
        Some(ref told) => pieces.iter().filter(|p| p.item == told.item).cloned().collect(),
        None => mind.discriminating(&pieces, &first, facts.truth, SETTLED).unwrap_or_default(),
    };
    let (inertia, disconfirming) = inertia(observer, record, &steps, &looks);
    let updates_sound = (record.session.comms().updates.iter())
        .map(|(at, update)| {
            let at_s = seconds(*at);
            let then = steps.iter().rev().find(|(t, _)| *t <= at_s).map_or(&on_first, |(_, b)| b);
            update.hypothesis.is_empty()
                || f64::from(update.percent) / 100.0 <= observer.of_mechanism(then, &update.hypothesis) + 0.2
        })
        .collect();
    Judgement {
        freshness: observer.freshness,
        seeds: observer.table.seeds,
        truth_given_first_screen: truth(&on_first),
        truth_given_cited,
        proves: proves(&all_cited, facts.said),
        proofs,
        truth_given_viewed: truth(&viewed),
        truth_given_all: truth(&mind.given(&all)),
        lead_given_viewed: facts.said.map_or(0.0, |m| observer.of_mechanism(&viewed, m)),
        premature: premature(observer, record, &steps, &pieces, &mind, facts),
        inertia,
        disconfirming,
        irrelevant,
        rival,
        looks,
        discriminating: discriminating.into_iter().map(|p| p.item).collect(),
        settled,
        refuted,
        updates_sound,
    }
}

/// The cells that an observation showed; `seconds` tells a moment in seconds after the page, and `healthy` are pools of which
/// a list by themselves shows nothing.
pub fn shown(
    mind: &Mind<'_>,
    observation: &Observation,
    healthy: &[String],
    seconds: &dyn Fn(SimTime) -> f64,
) -> Cells {
    let Some(answer) = &observation.answer else { return Cells::new() };
    if let Look::Fleet { line } = &observation.look {
        let of = |pool: &String, word: &str| {
            word.strip_prefix(pool.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('-'))
        };
        if line.split_whitespace().skip(1).any(|word| healthy.iter().any(|pool| of(pool, word))) {
            return Cells::new();
        }
    }
    // A list that was cut off shows single rows of what it read, and not the whole.
    if answer.data.get("truncated").and_then(serde_json::Value::as_bool) == Some(true) {
        return Cells::new();
    }
    mind.revealed(&Window {
        look: &observation.look,
        seen: &answer.seen,
        told: answer.data.get("text").and_then(serde_json::Value::as_str).unwrap_or_default(),
        at_s: seconds(observation.at),
        from_s: seconds(answer.seen.from),
        to_s: seconds(answer.seen.to),
    })
}

/// What the truth is held against: the mechanism that was said if it is another and can be, else the likeliest other one at
/// first sight.
fn rival(observer: &Observer, facts: &Facts<'_>, on_first: &[f64]) -> Option<String> {
    // What is a part of the truth is no rival of it.
    let part = |m: &str| observer.hypotheses.iter().any(|h| is_true(h, facts.truth) && h.holds(m));
    let possible = |m: &str| !part(m) && observer.hypotheses.iter().any(|h| h.holds(m) && !is_true(h, facts.truth));
    if let Some(said) = facts.said.filter(|m| possible(m)) {
        return Some(said.to_string());
    }
    let others = observer.hypotheses.iter().zip(on_first).filter(|(h, _)| !is_true(h, facts.truth));
    let likeliest = others.max_by(|a, b| a.1.total_cmp(b.1)).map(|(h, _)| h);
    likeliest.and_then(|h| h.roots.iter().find(|m| !part(m)).cloned())
}

fn is_true(hypothesis: &super::differential::Hypothesis, truth: &[&str]) -> bool {
    hypothesis.roots.iter().any(|m| truth.contains(&m.as_str()))
}

/// Even beliefs between the truth and its rival, and none in anything else; none where one of them has no hypothesis.
fn pair(observer: &Observer, truth: &[&str], rival: Option<&str>) -> Option<Vec<f64>> {
    let rival = rival?;
    let side = |of: &dyn Fn(&super::differential::Hypothesis) -> bool| -> Vec<f64> {
        let there = observer.hypotheses.iter().filter(|h| of(h)).count() as f64;
        observer.hypotheses.iter().map(|h| if of(h) { 0.5 / there } else { 0.0 }).collect()
    };
    let ours = side(&|h| is_true(h, truth));
    let theirs = side(&|h| h.holds(rival) && !is_true(h, truth));
    let sum = |side: &[f64]| side.iter().sum::<f64>();
    if sum(&ours) <= 0.0 || sum(&theirs) <= 0.0 {
        return None;
    }
    Some(ours.iter().zip(&theirs).map(|(a, b)| a + b).collect())
}

/// What a truth is held against.
struct Against<'a> {
    first: &'a Cells,
    pair: Option<&'a [f64]>,
    rival: Option<&'a str>,
}

/// What is wanted of one look.
struct Wanted {
    /// Belief in the truth among all hypotheses, after it.
    of_all: f64,
    /// The same against its rival alone.
    of_pair: f64,
    /// Whether what stood still comes first, whatever it speaks of.
    still: bool,
}

/// It settles the question.
const PROOF: Wanted = Wanted { of_all: SETTLED, of_pair: SETTLED, still: false };
/// It rules the rival out: the boring look that everybody skips, where there is one.
const REFUTATION: Wanted = Wanted { of_all: 0.0, of_pair: GROUNDED, still: true };

/// The look after which the truth has the belief that is wanted, of those that anybody can read: what it showed is far from
/// what it would have shown. First come the signs of what was true, which moved, or, where the rival is to be ruled out, the
/// signs of the rival, which stood still; then what stood still and speaks of either, then whatever speaks of them, then what
/// is cheap, then what is furthest apart.
fn settling(
    mind: &Mind<'_>,
    facts: &Facts<'_>,
    pieces: &[Piece],
    against: &Against<'_>,
    wanted: &Wanted,
) -> Option<Settling> {
    let observer = mind.observer;
    let first = against.first;
    let families: Vec<&str> = facts.truth.iter().copied().chain(against.rival).map(family).collect();
    let sign_of = |piece: &Piece, mechanism: &str| signs::place(mechanism, &piece.item.key);
    let mut best: Option<([f64; 7], Settling)> = None;
    for piece in pieces.iter().filter(|p| p.item.key != "pain") {
        let of_pair =
            |pair: &[f64]| Scale::new(&observer.table, piece.cells.iter().copied(), pair).posterior(&mind.levels);
        if against.pair.is_some_and(|pair| observer.of_truth(&of_pair(pair), facts.truth) < wanted.of_pair) {
            continue;
        }
        let cells: Cells = first.union(&piece.cells).copied().collect();
        let belief = observer.of_truth(&mind.given(&cells), facts.truth);
        if belief < wanted.of_all {
            continue;
        }
        let Some((apart, mut told)) = behaviour(mind, facts, piece, against.rival) else { continue };
        if apart < LEGIBLE {
            continue;
        }
        told.belief = belief;
        told.looked_at = piece.cells.iter().any(|c| mind.seen.contains(c) && !first.contains(c));
        let speaks = |cell: &usize| {
            let source = &observer.table.sources[usize::from(observer.table.cells[*cell].source)];
            families.iter().any(|family| source.speaks_of(family))
        };
        let speaks = piece.cells.iter().any(speaks);
        let moved = told.behaved != "flat";
        // Numbers are read first, then what is there, and what is not there last.
        let counts = u8::from(told.unit.is_none()) + u8::from(told.behaved == "not there");
        let of_truth = facts.truth.iter().filter_map(|m| sign_of(piece, m)).min().filter(|_| moved);
        let of_rival = against.rival.and_then(|m| sign_of(piece, m)).filter(|_| !moved);
        let (one, other) = if wanted.still { (of_rival, of_truth) } else { (of_truth, of_rival) };
        // What is not there nobody points at.
        let absent = if told.behaved == "not there" { NO_SIGN } else { 0 };
        let sign = one.or(other.map(|place| place + NO_SIGN)).unwrap_or(2 * NO_SIGN) + absent;
        let still = moved || !(speaks || wanted.still);
        let last = |holds: bool| f64::from(u8::from(holds));
        let of_one = last(told.part.ends_with("est"));
        let key = [sign as f64, last(still), last(!speaks), f64::from(counts), told.price_s, of_one, -apart];
        if best.as_ref().is_none_or(|(known, _)| key < *known) {
            best = Some((key, told));
        }
    }
    best.map(|(_, told)| told)
}

/// How that line of a piece moved of which what it showed is furthest from what the rival would have made of it, and how
/// far: a factor, from 1.
fn behaviour(mind: &Mind<'_>, facts: &Facts<'_>, piece: &Piece, rival: Option<&str>) -> Option<(f64, Settling)> {
    let table = &mind.observer.table;
    let mut latest: BTreeMap<u16, usize> = BTreeMap::new();
    for cell in &piece.cells {
        let place = latest.entry(table.cells[*cell].source).or_insert(*cell);
        if table.cells[*place].bucket < table.cells[*cell].bucket {
            *place = *cell;
        }
    }
    let lines = latest.into_values().map(|cell| line(mind, facts, piece, cell, rival));
    // Of two that tell as much, what is there is easier to see than what is not.
    let there = |told: &Settling| told.behaved != "not there";
    lines.max_by(|a, b| a.0.total_cmp(&b.0).then(there(&a.1).cmp(&there(&b.1))))
}

/// How a line stands in the bucket of a cell, and how far from what the rival would have made of it.
fn line(mind: &Mind<'_>, facts: &Facts<'_>, piece: &Piece, cell: usize, rival: Option<&str>) -> (f64, Settling) {
    let table = &mind.observer.table;
    let source = &table.sources[usize::from(table.cells[cell].source)];
    let values = facts.reading.values.get(source);
    let finite = |v: &f32| v.is_finite().then(|| f64::from(*v));
    let before: Vec<f64> = values.map_or(&[][..], |v| &v[..v.len().min(USUAL)]).iter().filter_map(finite).collect();
    let before = (!before.is_empty()).then(|| before.iter().sum::<f64>() / before.len() as f64);
    let after = values.and_then(|v| v.get(usize::from(table.cells[cell].bucket))).and_then(finite);
    let of_rival: Vec<Option<f64>> = (table.runs.iter().enumerate())
        .filter(|(_, (h, _))| {
            let h = &mind.observer.hypotheses[usize::from(*h)];
            rival.is_some_and(|rival| h.holds(rival)) && !is_true(h, facts.truth)
        })
        .map(|(run, _)| table.value(run, cell))
        .collect();
    let there: Vec<f64> = of_rival.iter().flatten().copied().collect();
    let if_rival = (!there.is_empty()).then(|| there.iter().sum::<f64>() / there.len() as f64);
    let counted = source.unit().is_some() && !matches!(source, Source::Panel { stat: Stat::Count, .. });
    let behaved = match (before, after) {
        (_, None) => "not there",
        _ if source.unit().is_none() => "there",
        (Some(b), Some(a)) if a <= b * FLAT && b <= a * FLAT => "flat",
        (Some(b), Some(a)) if a < b => "fell",
        (None, _) => "there",
        _ => "rose",
    };
    let apart = match (after, if_rival) {
        // There or not, against most runs of the rival.
        (None, Some(_)) if of_rival.len() < 2 * there.len() => LEGIBLE,
        (Some(_), _) if 10 * there.len() < of_rival.len() => MOST_APART,
        (Some(after), Some(mean)) if counted => {
            let beyond = |holds: &dyn Fn(f64) -> bool| there.iter().filter(|v| holds(**v)).count() as f64;
            let sign = rival.is_some_and(|rival| signs::place(rival, &piece.item.key).is_some());
            let inside = if sign { INSIDE_A_SIGN } else { INSIDE };
            let within = inside * there.len() as f64 <= beyond(&|v| v <= after).min(beyond(&|v| after <= v));
            let least = (after.abs().max(mean.abs()) / MOST_APART).max(source.unit().map_or(0.0, nothing));
            let (low, high) = (after.min(mean).max(least), after.max(mean).max(least));
            if within { 1.0 } else { high / low }
        }
        _ => 1.0,
    };
    let told = Settling {
        item: piece.item.clone(),
        part: source.part(),
        unit: source.unit(),
        behaved,
        before,
        after,
        if_rival,
        belief: 0.0,
        price_s: price(&piece.item.look).as_secs_f64(),
        looked_at: false,
    };
    (apart, told)
}

/// What is below this is nothing, in a unit.
fn nothing(unit: Unit) -> f64 {
    match unit {
        Unit::Share => 0.01,
        Unit::Seconds => 0.001,
        Unit::Percent | Unit::Milliseconds => 1.0,
        _ => 0.1,
    }
}

/// Whether the first lead of 70 points or more had less of the observer's belief than a diagnosis needs, while something
/// that would have told lay unopened.
fn premature(
    observer: &Observer,
    record: &Record<'_>,
    steps: &[(f64, Vec<f64>)],
    pieces: &[Piece],
    mind: &Mind<'_>,
    facts: &Facts<'_>,
) -> Option<bool> {
    let seconds = |at: SimTime| at.as_secs_f64() - record.paged_at().as_secs_f64();
    let closed = record.beliefs().into_iter().find(|b| lead(&b.points).is_some_and(|(_, p)| CLOSED <= p))?;
    let (lead, _) = lead(&closed.points)?;
    // Who commits before the page has seen no more than its screen will show.
    let at_s = seconds(closed.at).max(0.0);
    let (_, then) = steps.iter().rev().find(|(t, _)| *t <= at_s)?;
    if GROUNDED <= observer.of_mechanism(then, lead) {
        return Some(false);
    }
    let number = record.session.observations().iter().filter(|o| o.at <= closed.at).count();
    let mut seen = mind.first_screen();
    for observation in &record.session.observations()[..number] {
        seen.extend(shown(mind, observation, facts.healthy, &seconds));
    }
    let over = |cell: &usize| {
        let bucket = usize::from(observer.table.cells[*cell].bucket);
        observer.grid.is_within(bucket, -f64::from(BEFORE_S), at_s)
    };
    let by_then: Vec<Piece> = (pieces.iter())
        .map(|p| Piece { item: p.item.clone(), cells: p.cells.iter().copied().filter(over).collect() })
        .filter(|p| !p.cells.is_empty())
        .collect();
    // Where nothing there was to see by then decides, nobody can say what should have been opened.
    let left = mind.discriminating(&by_then, &seen, facts.truth, SETTLED)?;
    Some(!left.is_empty())
}

/// How little stated beliefs moved where the observer's fell by a factor of three or more in odds.
fn inertia(
    observer: &Observer,
    record: &Record<'_>,
    steps: &[(f64, Vec<f64>)],
    looks: &[Looked],
) -> (Option<f64>, Vec<u32>) {
    let beliefs = record.beliefs();
    let seconds = |at: SimTime| at.as_secs_f64() - record.paged_at().as_secs_f64();
    let (mut all, mut numbers) = (Vec::new(), Vec::new());
    for (place, look) in looks.iter().enumerate() {
        let Some(before) = beliefs.iter().rfind(|b| seconds(b.at) < look.at_s) else { continue };
        let Some((mechanism, points)) = lead(&before.points) else { continue };
        let ideal = |step: usize| logit(observer.of_mechanism(&steps[step].1, mechanism));
        let moved = ideal(place + 1) - ideal(place);
        if -libm::log(3.0) < moved {
            continue;
        }
        let stated = |points: u8| logit(f64::from(points) / 100.0);
        let next = beliefs.iter().find(|b| look.at_s <= seconds(b.at));
        let after = next.map_or(points, |b| b.points.get(mechanism).copied().unwrap_or(0));
        all.push((1.0 - (stated(after) - stated(points)) / moved).clamp(0.0, 1.0));
        numbers.push(look.observation);
    }
    ((!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64), numbers)
}
