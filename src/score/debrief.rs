//! The debrief: what happened to users and what would have, beside what was said of the cause and what it was. Two verdicts
//! that stay apart.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::scenario::lesson::Told;
use crate::scenario::lower::Setup;
use crate::scenario::mechanisms::{NOT_PROVABLE, OTHER, family};
use crate::scenario::opened::ScenarioError;
use crate::score::card::{Card, Replays, card, comes_to, is_top, said};
use crate::score::observer::Observer;
use crate::score::observer::judge::{Facts, GROUNDED, Judgement, judge};
use crate::score::observer::reading::Reading;
use crate::score::planted::{Planted, planted};
use crate::score::record::{Record, pain};
use crate::score::reliance::{Reliance, reliance};
use crate::score::runs::{Ask, Progress, Ran, Runs};
use crate::score::search::{Best, WORTH_DOING, best};
use crate::score::shapley::{NEGLIGIBLE, TIE};
use crate::score::story::{Line, timeline};
use crate::score::truth::{Truth, TruthError, prove, tempting};
use crate::score::whatif::{WhatIf, whatif};
use crate::session::Session;
use crate::session::act::irreversible;
use crate::session::log::Event;
use crate::session::prices;
use crate::session::seal::Seal;
use crate::sim::spec::TimedAction;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::standing::Standing;
use crate::telemetry::watch::WatchError;

/// Why there is no debrief.
#[derive(Debug, thiserror::Error)]
pub enum DebriefError {
    /// The incident goes on.
    #[error("the incident goes on, and a debrief tells what was true: `end` it first")]
    GoesOn,
    /// A replay has another history than the session.
    #[error(
        "a replay of this session's orders has another history than the session: use the build that it was played with"
    )]
    Differs,
    /// A run does not fit the scenario.
    #[error(transparent)]
    Truth(#[from] TruthError),
    /// A world cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

impl From<ScenarioError> for DebriefError {
    fn from(error: ScenarioError) -> Self {
        DebriefError::Truth(error.into())
    }
}

/// A debrief.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Debrief {
    /// As in `INC-4127`.
    pub case: String,
    /// The author's title.
    pub title: String,
    /// What was true, in the author's words.
    pub story: String,
    /// What happened to users.
    pub users: Users,
    /// What was said of the cause, and what it was.
    pub cause: Cause,
    /// What caused it.
    pub truth: Truth,
    /// Users over time, here and in other worlds.
    pub whatif: WhatIf,
    /// Moments in order of time.
    pub timeline: Vec<Line>,
    /// What the ideal observer says; none if there is none for this scenario.
    pub observer: Option<Judgement>,
    /// The scorecard.
    pub card: Card,
    /// What the incident is for; none where its author does not say.
    pub lesson: Option<Told>,
    /// Instructions that the author planted in what is read, and what came of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub planted: Vec<Planted>,
    /// What came of the assistant; none if it was not asked for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reliance: Option<Reliance>,
    /// Hints that were taken; the third names the mechanism.
    pub hints: u8,
    /// Whether the scenario came from a pack that only the serving process could open.
    pub sealed: bool,
}

/// What happened to users.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Users {
    /// User-minutes lost in this session, played on to the end of the incident.
    pub lost: f64,
    /// The same if nobody had done anything.
    pub lost_if_nothing: f64,
    /// The same with the best that was found.
    pub lost_at_best: f64,
    /// What users had at stake.
    pub at_stake: f64,
    /// Time of day from which users were in pain, if they were.
    pub pain_from: Option<String>,
    /// Time of day at which that was over; none if it never was.
    pub pain_until: Option<String>,
    /// Times of day between which users were in pain, where they were well in between; the last without an end where it
    /// never came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pain_spells: Vec<(String, Option<String>)>,
    /// The same if nobody had done anything.
    pub pain_until_if_nothing: Option<String>,
    /// The best that was found.
    pub best: Vec<Moved>,
    /// Runs that were tried to find it.
    pub tried: usize,
    /// Whether the session itself was the best that was found.
    pub was_best: bool,
    /// What each order did.
    pub orders: Vec<Ordered>,
    /// Alerts that still fired when the session ended.
    pub still_firing: Vec<String>,
}

/// An order with its moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// Time of day.
    pub time: String,
    /// As it is written; a change goes by its number in the log.
    pub action: String,
}

/// An order of the session, with what it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ordered {
    /// Time of day.
    pub time: String,
    /// As it was written.
    pub action: String,
    /// Why it was not carried out; none if it was.
    pub refused: Option<String>,
    /// User-minutes lost with it, less those without, all other orders kept; negative: it helped.
    pub effect: f64,
    /// User-minutes lost in the whole session if it had been given at the first chance.
    pub lost_at_first_chance: f64,
    /// Whether it can be taken back.
    pub reversible: bool,
    /// What stands otherwise at the end of the incident than before it, because of this order: the fleet, limits, retries,
    /// flags.
    pub leaves: Vec<Left>,
    /// What it did with those like it; none where it was given once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub together: Option<Together>,
}

/// What the same order, given more than once, did in all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Together {
    /// How often it was given.
    pub orders: usize,
    /// User-minutes lost with all of them, less those without any; negative: they helped.
    pub effect: f64,
}

/// Something that an order leaves behind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Left {
    /// What, in words.
    pub what: String,
    /// How it stands; none if it is not set.
    pub now: Option<String>,
    /// How it stood before the incident; none if it was not set.
    pub before: Option<String>,
}

/// How a diagnosis stands to the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The weightiest cause.
    Right,
    /// Its family, and not the mechanism; or a true cause that is not the weightiest.
    Half,
    /// Something else.
    Wrong,
    /// Left open on purpose.
    LeftOpen,
    /// Nothing was committed.
    Silent,
}

/// What was said of the cause, and what it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cause {
    /// How they stand to each other.
    pub verdict: Verdict,
    /// From 0 to 1: what the verdict counts.
    pub credit: f64,
    /// The mechanism that led in the last commit, or was declared first.
    pub said: Option<String>,
    /// Its points there.
    pub percent: Option<u8>,
    /// The mechanisms that weigh most; of those that weigh the same the ones that the author calls the root.
    pub was: Vec<String>,
    /// Others that weigh the same: they only hurt together, and naming them is right too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alike: Vec<String>,
    /// Whether it was proved by what was cited; none: nobody judged that.
    pub proved: Option<bool>,
    /// Whether it was left open with good reason: what there was to see could not decide. None: nobody judged that.
    pub rightly_open: Option<bool>,
    /// What is to be said of that.
    pub grounding: String,
    /// Whether what only seemed to be the cause led.
    pub blamed_decoy: bool,
}

impl Cause {
    /// Every mechanism that it is right to name.
    pub fn right(&self) -> Vec<String> {
        self.was.iter().chain(&self.alike).cloned().collect()
    }
}

/// What is said where nobody can judge whether a diagnosis was proved.
const NOT_JUDGED: &str =
    "Whether what was cited proves it is not judged: no ideal observer was built for this scenario.";

/// The debrief of a session, from its end and its log, with the ideal observer that comes with the program if there is one.
///
/// # Errors
/// The session goes on, or cannot be replayed.
pub fn debrief(session: &Session, events: &[Event], progress: Progress<'_>) -> Result<Debrief, DebriefError> {
    debrief_with(session, events, Observer::built_in(session.scenario()).ok(), progress)
}

/// As [`debrief`], with an ideal observer of one's own.
///
/// # Errors
/// As [`debrief`].
pub fn debrief_with(
    session: &Session,
    events: &[Event],
    observer: Option<Observer>,
    progress: Progress<'_>,
) -> Result<Debrief, DebriefError> {
    debrief_among(session, events, observer, &Runs::new(session.scenario()), progress)
}

/// Makes the runs that a debrief of a session will want whatever is done in it: what is true, nothing done, and the best
/// that can be found. Kept beside the session, they need not be waited for at its end.
///
/// # Errors
/// The seal does not fit the scenario, or the runs were stopped.
pub fn prepare(seal: &Seal, runs: &Runs<'_>) -> Result<(), DebriefError> {
    let (nobody, paged_at): (Progress<'_>, _) = (&|_, _| {}, SimTime(seal.paged_at_ns));
    prove(runs, Some(&seal.variant), seal.seed, 1, nobody)?;
    best(runs, &seal.variant, seal.seed, paged_at, nobody)?;
    Ok(())
}

/// As [`debrief_with`], among runs of the same scenario that were made before.
///
/// # Errors
/// As [`debrief`].
pub fn debrief_among(
    session: &Session,
    events: &[Event],
    observer: Option<Observer>,
    runs: &Runs<'_>,
    progress: Progress<'_>,
) -> Result<Debrief, DebriefError> {
    let record = Record::of(session, events).ok_or(DebriefError::GoesOn)?;
    let (seal, scenario) = (session.seal(), session.scenario());
    let orders = session.watch().world.actions().to_vec();
    let ask = |orders: Vec<TimedAction>, mark| Ask {
        variant: seal.variant.clone(),
        seed: seal.seed,
        orders,
        mark,
        ..Ask::default()
    };
    let first_chance = record.paged_at() + prices::ORDER;
    let without = |i: usize| -> Vec<TimedAction> {
        orders.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, o)| o.clone()).collect()
    };
    let earlier = |i: usize| {
        let mut moved = orders.clone();
        moved[i].at = moved[i].at.min(first_chance);
        moved.sort_by_key(|o| o.at);
        moved
    };
    let mut asks = vec![ask(orders.clone(), Some(session.now())), ask(Vec::new(), None)];
    asks.extend((0..orders.len()).map(|i| ask(without(i), None)));
    asks.extend((0..orders.len()).map(|i| ask(earlier(i), None)));
    // Orders that were given twice stand in for one another: left out one by one, each seems to have done nothing.
    let alike = |i: usize| (0..orders.len()).filter(|j| orders[*j].action == orders[i].action).collect::<Vec<usize>>();
    let groups: Vec<Vec<usize>> =
        (0..orders.len()).map(alike).filter(|all| 1 < all.len()).collect::<BTreeSet<_>>().into_iter().collect();
    let others = |group: &Vec<usize>| {
        let kept = orders.iter().enumerate().filter(|(i, _)| !group.contains(i)).map(|(_, order)| order.clone());
        ask(kept.collect(), None)
    };
    asks.extend(groups.iter().map(others));
    let ran = runs.all(&asks, progress)?;
    let (run, nothing) = (&ran[0], &ran[1]);
    if !run.marked.contains(&session.watch().world.event_hash()) {
        return Err(DebriefError::Differs);
    }
    let (left_out, rest) = ran[2..].split_at(orders.len());
    let (at_first, all_left_out) = rest.split_at(orders.len());
    let together: Vec<Option<Together>> = (0..orders.len())
        .map(|i| {
            let place = groups.iter().position(|group| group.contains(&i))?;
            Some(Together { orders: groups[place].len(), effect: run.lost() - all_left_out[place].lost() })
        })
        .collect();
    let added: Vec<f64> = left_out.iter().map(|other| run.lost() - other.lost()).collect();
    let usual = if orders.is_empty() { Standing::new() } else { usual(session)? };
    let leaves: Vec<Vec<Left>> = left_out.iter().map(|other| left(&run.standing, &other.standing, &usual)).collect();
    let truth = prove(runs, Some(&seal.variant), seal.seed, 1, progress)?;
    let searched = best(runs, &seal.variant, seal.seed, record.paged_at(), progress)?;
    // What was done, done sooner or without a part of it, was tried too.
    let others = ran[2..].iter().zip(&asks[2..]).map(|(ran, ask)| Best {
        orders: ask.orders.clone(),
        ran: Arc::clone(ran),
        tried: searched.tried,
    });
    let others = others.filter(|other| WORTH_DOING <= searched.ran.lost() - other.ran.lost());
    let better = others.min_by(|a, b| a.ran.lost().total_cmp(&b.ran.lost()));
    let best = better.unwrap_or_else(|| searched.clone());
    let replays = Replays {
        truth: &truth,
        nothing,
        run,
        best: best.ran.lost(),
        added: &added,
        tempting: &tempting(scenario, &seal.variant),
    };
    let observer = observer.map(|o| judged(o, &record, &truth)).transpose()?;
    let card = card(&record, &replays, observer.as_ref());
    let users =
        users(&record, run, nothing, &best, Effects { added: &added, at_first, leaves: &leaves, together: &together });
    let cause = cause(session, &truth, &card, observer.as_ref());
    let reliance = reliance(&record, &cause.right());
    let variant = scenario.file.variants.iter().find(|v| v.name == seal.variant);
    let lesson = variant.filter(|_| !scenario.file.lesson.is_empty()).map(|v| Told::of(&scenario.file, v));
    let own = variant.map(|v| v.story.clone()).filter(|story| !story.is_empty());
    let timeline = timeline(&record, &truth);
    Ok(Debrief {
        case: format!("INC-{}", scenario.file.case),
        title: scenario.file.title.clone(),
        story: own.unwrap_or_else(|| scenario.file.story.clone()),
        users,
        cause,
        truth,
        whatif: whatif(run, nothing, &best.ran),
        timeline,
        observer,
        card,
        lesson,
        planted: planted(session),
        reliance,
        hints: session.hints_taken(),
        sealed: session.terms().sealed,
    })
}

/// What the ideal observer says: it is shown what the looks would have shown if nobody had ordered anything.
fn judged(mut observer: Observer, record: &Record<'_>, truth: &Truth) -> Result<Judgement, DebriefError> {
    let (seal, scenario) = (record.session.seal(), record.session.scenario());
    let setup = Setup { variant: Some(seal.variant.clone()), ..Setup::default() };
    let (open_at, _) = record.session.watch().world.window();
    let paged_s = record.paged_at().as_secs_f64() - open_at.as_secs_f64();
    let (reading, freshness) = rayon::join(
        || Reading::paged(&scenario.file, &setup, seal.seed, Some(paged_s)),
        || observer.verify(scenario, Some(&seal.variant)),
    );
    let (reading, freshness) = (reading?, freshness?);
    observer.freshness = freshness;
    let shares = truth.by_mechanism();
    let truths: Vec<&str> = shares.iter().filter(|(_, q)| is_top(&shares, **q)).map(|(m, _)| m.as_str()).collect();
    let last = record.session.board().commits.last();
    let said = last.and_then(|c| said(&c.commit)).map(|(m, _)| comes_to(m, &shares));
    let healthy = scenario.file.healthy_pools(&seal.variant);
    Ok(judge(&observer, record, &Facts { reading: &reading, truth: &truths, said, healthy: &healthy }))
}

/// What came of each order, in their order.
struct Effects<'a> {
    /// User-minutes lost with it, less those without.
    added: &'a [f64],
    /// The session with it given at the first chance.
    at_first: &'a [Arc<Ran>],
    /// What stands differently because of it.
    leaves: &'a [Vec<Left>],
    /// With those like it.
    together: &'a [Option<Together>],
}

/// How things stand in a session's world when nothing has happened in it yet.
fn usual(session: &Session) -> Result<Standing, ScenarioError> {
    let setup = Setup { variant: Some(session.seal().variant.clone()), ..Setup::default() };
    let mut world = session.scenario().world(&setup, session.seal().seed)?;
    world.advance_to(SimTime::ZERO + SimDuration::from_secs(1));
    Ok(world.standing())
}

/// What an order leaves behind: what stands otherwise than in the world without it, and otherwise than it usually does.
fn left(with: &Standing, without: &Standing, usual: &Standing) -> Vec<Left> {
    let names: BTreeSet<&String> = with.keys().chain(without.keys()).collect();
    let of =
        |what: &String| Left { what: what.clone(), now: with.get(what).cloned(), before: usual.get(what).cloned() };
    let moved = |what: &&String| with.get(*what) != without.get(*what);
    names.into_iter().filter(moved).map(of).filter(|left| left.now != left.before || left.now.is_none()).collect()
}

fn users(record: &Record<'_>, run: &Ran, nothing: &Ran, best: &Best, effects: Effects<'_>) -> Users {
    let watch = record.session.watch();
    let (open_at, _) = watch.world.window();
    let calendar = watch.scene.calendar;
    let of_day = |seconds: f64| calendar.clock(open_at + SimDuration::from_secs_f64(seconds));
    let moved =
        |order: &TimedAction| Moved { time: calendar.clock(order.at), action: watch.changes.written(&order.action) };
    let suffered = pain(&run.series);
    let ordered = |(i, order): (usize, &TimedAction)| Ordered {
        time: calendar.clock(order.at),
        action: watch.changes.written(&order.action),
        refused: run.refused.iter().find(|(place, _)| *place == i).map(|(_, why)| why.clone()),
        effect: effects.added[i],
        lost_at_first_chance: effects.at_first[i].lost(),
        reversible: irreversible(&order.action).is_none(),
        leaves: effects.leaves[i].clone(),
        together: effects.together[i],
    };
    let was_best = run.lost() <= best.ran.lost();
    Users {
        lost: run.lost(),
        lost_if_nothing: nothing.lost(),
        lost_at_best: best.ran.lost().min(run.lost()),
        at_stake: run.harm.user_minutes_at_stake,
        pain_from: suffered.as_ref().map(|p| of_day(p.from_s)),
        pain_until: suffered.as_ref().and_then(|p| p.until_s).map(of_day),
        pain_spells: match &suffered {
            Some(p) if 1 < p.spells.len() => {
                p.spells.iter().map(|(from, until)| (of_day(*from), until.map(of_day))).collect()
            }
            _ => Vec::new(),
        },
        pain_until_if_nothing: pain(&nothing.series).and_then(|p| p.until_s).map(of_day),
        best: best.orders.iter().map(moved).collect(),
        tried: best.tried,
        was_best,
        orders: watch.world.actions().iter().enumerate().map(ordered).collect(),
        still_firing: watch.alerts.firing().map(|alert| alert.name.clone()).collect(),
    }
}

fn cause(session: &Session, truth: &Truth, card: &Card, observer: Option<&Judgement>) -> Cause {
    let last = session.board().commits.last();
    let said = last.and_then(|c| said(&c.commit)).map(|(mechanism, points)| (mechanism.to_string(), points));
    let shares = truth.by_mechanism();
    let most = shares.values().copied().fold(0.0, f64::max);
    // Two causes that only hurt together weigh the same: naming either is right.
    let top =
        |mechanism: &str| shares.get(comes_to(mechanism, &shares)).is_some_and(|q| NEGLIGIBLE <= *q && most - q < TIE);
    let contributes = |mechanism: &str| shares.get(mechanism).is_some_and(|q| NEGLIGIBLE <= *q);
    let kin = |mechanism: &str| shares.keys().any(|m| top(m) && family(m) == family(mechanism));
    let verdict = match &said {
        None => Verdict::Silent,
        Some((m, _)) if [NOT_PROVABLE, OTHER].contains(&m.as_str()) => Verdict::LeftOpen,
        Some((m, _)) if top(m) => Verdict::Right,
        Some((m, _)) if kin(m) || contributes(m) => Verdict::Half,
        Some(_) => Verdict::Wrong,
    };
    let proved = card.grounded().map(|grounded| verdict == Verdict::Right && grounded);
    let dominant: Vec<String> = truth.dominant().iter().map(|c| c.mechanism.clone()).collect();
    let alike = shares.keys().filter(|m| top(m) && !dominant.contains(*m)).cloned().collect();
    Cause {
        verdict,
        credit: match verdict {
            Verdict::Right => 1.0,
            Verdict::Half => 0.5,
            Verdict::Wrong | Verdict::LeftOpen | Verdict::Silent => 0.0,
        },
        percent: said.as_ref().map(|(_, points)| *points),
        said: said.map(|(mechanism, _)| mechanism),
        was: if dominant.is_empty() { shares.into_keys().collect() } else { dominant },
        alike,
        proved,
        rightly_open: observer.filter(|_| verdict == Verdict::LeftOpen).map(|o| o.truth_given_all < GROUNDED),
        grounding: observer.map_or(NOT_JUDGED.to_string(), |o| {
            let cites = last.is_some_and(|c| !c.commit.cites.is_empty());
            grounding(verdict, cites, proved == Some(true), o)
        }),
        blamed_decoy: card.blamed_decoy,
    }
}

/// Whether what was cited proves what was said, in words.
fn grounding(verdict: Verdict, cites: bool, proved: bool, observer: &Judgement) -> String {
    let text = match (verdict, observer.proves) {
        (Verdict::Right | Verdict::Half | Verdict::Wrong, _) if !cites => {
            "Nothing was cited, so that nothing is proved."
        }
        (Verdict::Right, true) if proved => "What was cited proves it.",
        (Verdict::Right, true) => "What was cited proves it; what was done where nothing was wrong speaks against it.",
        (Verdict::Right, false) => "What was cited does not prove it: others fit it as well.",
        (Verdict::LeftOpen, _) if observer.truth_given_all < GROUNDED => "What there was to see could not decide it.",
        (Verdict::LeftOpen, _) if observer.truth_given_viewed < GROUNDED => {
            "What was looked at could not decide it; there was more to see, and that would have."
        }
        (Verdict::LeftOpen, _) if observer.looks.is_empty() => {
            "Nothing was looked at, and the first screen was enough to decide it."
        }
        (Verdict::LeftOpen, _) => "What was looked at was enough to decide it.",
        (Verdict::Half | Verdict::Wrong, true) => "What was cited speaks for what was true.",
        (Verdict::Half | Verdict::Wrong | Verdict::Silent, _) => "What was cited proves nothing.",
    };
    let stale = observer.freshness.says();
    if stale.is_empty() { text.to_string() } else { format!("{text} Not to be relied on: {stale}.") }
}

/// A moment as a time of day.
pub(super) fn clock(session: &Session, at: SimTime) -> String {
    session.watch().scene.calendar.clock(at)
}
