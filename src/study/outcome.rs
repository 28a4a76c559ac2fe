//! One run of one participant, played and graded.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::assistant::hand::Hand;
use crate::assistant::llm::Spent;
use crate::assistant::{BuiltIn, OBSERVER};
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::composite::Gate;
use crate::score::debrief::{Debrief, DebriefError, Verdict, debrief_among};
use crate::score::observer::{NoObserver, Observer};
use crate::score::runs::{Progress, Runs};
use crate::score::shapley::{NEGLIGIBLE, TIE};
use crate::session::Session;
use crate::session::belief::lead;
use crate::session::clock::{ClockKind, Mode, Terms};
use crate::session::command::Command;
use crate::session::log::Event;
use crate::session::seal::{self, Seal, dealt};
use crate::sim::rng::mix;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::watch::{Watch, WatchError};

/// A run of a participant, graded. The same build, scenario, seed and participant always give the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The scenario.
    pub scenario: String,
    /// Its variant.
    pub variant: String,
    /// Whether that variant is the twin in which what tempts is the truth.
    pub foil: bool,
    /// The seed.
    pub seed: u64,
    /// Who played.
    pub participant: String,
    /// Which of its repetitions.
    #[serde(default)]
    pub repeat: u32,
    /// Whether the weightiest cause was named.
    pub correct: bool,
    /// Whether it was also proved by what was cited; none: no ideal observer can judge it.
    pub grounded_correct: Option<bool>,
    /// The mechanism that was blamed; none: nothing was committed.
    pub blamed: Option<String>,
    /// Its points, of 100.
    pub percent: Option<u8>,
    /// Whether what only seemed to be the cause was blamed.
    pub blamed_decoy: bool,
    /// The mechanisms that weigh most.
    pub truth: Vec<String>,
    /// The composite from 0 to 100; none while a part cannot be judged.
    pub score: Option<f64>,
    /// Points of the parts that could be judged.
    pub points: f64,
    /// What these points are out of.
    pub out_of: f64,
    /// Points by part; none where it could not be judged.
    pub parts: Vec<(String, Option<f64>)>,
    /// Gates that hold.
    pub gates: Vec<String>,
    /// The version of weights and gates.
    #[serde(alias = "model")]
    pub scored_by: String,
    /// What it said of it, in its first update; none: it told nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Looks that were taken.
    pub looks: u32,
    /// Orders that were given.
    pub orders: Vec<String>,
    /// User-minutes that were lost.
    pub lost: f64,
    /// The same if nobody had done anything.
    pub lost_if_nothing: f64,
    /// The same with the best that is known.
    pub lost_at_best: f64,
    /// What it cost, in minutes of people: looks, accelerators added, teams woken; none in outcomes of older builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_min: Option<f64>,
    /// Seconds from the page to the last commit, on the simulated clock; none: nothing was committed.
    pub commit_s: Option<f64>,
    /// Seconds from the page until users were well, on the simulated clock; none: they never were.
    pub well_s: Option<f64>,
    /// Seconds that the session took on the simulated clock.
    pub sim_s: f64,
    /// Moments of the session, in seconds after the page.
    #[serde(default)]
    pub moments: Vec<Moment>,
    /// How sure it was of what was true as time went on, by its beliefs and commits.
    #[serde(default)]
    pub beliefs: Vec<Believed>,
    /// The same of the ideal observer after each look; empty where nobody built one.
    #[serde(default)]
    pub ideal: Vec<Believed>,
    /// Whether a person played, or a model, in a session of a profile; none for a participant that comes with the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Joined>,
    /// A hash of everything in the scenario's file.
    #[serde(default)]
    pub scenario_hash: String,
    /// Seconds that it took on the wall clock; not part of what is the same every time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_s: Option<f64>,
}

/// A session that was not played by a participant of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// Whether its clock was live: such sessions are shown beside the others, and never paired.
    pub live: bool,
    /// Looks cost what they cost everybody, with the program's own tools and no host.
    pub like_others: bool,
    /// Which of the incidents of this study that its player met it was, from 1.
    pub order: u32,
    /// The model that played, and a hash of what it was told to be; none: no model.
    pub model: Option<(String, String)>,
    /// What the model used; none: nobody wrote it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
}

/// Belief in what was true, from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Believed {
    /// Seconds after the page.
    pub at_s: f64,
    /// From 0 to 1.
    pub truth: f64,
}

/// A moment of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// What it is.
    pub what: What,
    /// Seconds after the page.
    pub at_s: f64,
}

/// What moments there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The first look.
    Look,
    /// A true cause leads for the first time.
    RightLead,
    /// The last commit.
    Commit,
    /// The first order.
    Order,
    /// Users are well.
    Well,
    /// It is closed.
    End,
}

impl What {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            What::Look => "first look",
            What::RightLead => "first right lead",
            What::Commit => "last commit",
            What::Order => "first order",
            What::Well => "users well",
            What::End => "end",
        }
    }
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// The scenario cannot be opened or run.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A world cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// Nobody built what the participant plays by.
    #[error(transparent)]
    Observer(#[from] NoObserver),
    /// What was played cannot be graded.
    #[error(transparent)]
    Debrief(#[from] DebriefError),
}

/// A session that has been played.
pub struct Played {
    /// At its end.
    pub session: Session,
    /// Its log.
    pub events: Vec<Event>,
    /// Why the participant stopped before it was done; none: it came to its end.
    pub stopped: Option<String>,
}

/// How every participant of a comparison plays: metered, alone, ranked.
pub fn terms() -> Terms {
    Terms { clock: ClockKind::Metered, mode: Mode::A0, ranked: true, ..Terms::default() }
}

/// The variant of a name, or the one that a seed draws: by the same lots as for a person's session.
///
/// # Errors
/// There is no such variant.
pub fn variant_of(scenario: &Scenario, variant: Option<&str>, seed: u64) -> Result<String, ScenarioError> {
    let variants = &scenario.file.variants;
    match variant {
        Some(name) => Ok(scenario.file.variant(Some(name)).map_err(|e| ScenarioError::Setup(vec![e]))?.name.clone()),
        None => Ok(variants[dealt(seed, variants.iter().map(|v| v.lots))].name.clone()),
    }
}

/// The seal of a session of a scenario under a seed, which draws the variant where none is named, and the watch of its
/// world before the page.
///
/// # Errors
/// There is no such variant, or no world can be built.
pub fn sealed(scenario: &Scenario, variant: Option<&str>, seed: u64) -> Result<(Seal, Option<Watch>), OutcomeError> {
    let variant = variant_of(scenario, variant, seed)?;
    let salt = mix(seed, 0x5a17);
    let (paged_at, watch) =
        Watch::new(&scenario.file, &variant, seed, salt)?.before_first_page(SimDuration(seal::LEAD_NS));
    let build = env!("CARGO_PKG_VERSION").to_string();
    let seal = Seal {
        v: seal::VERSION,
        scenario: scenario.name.clone(),
        variant,
        seed,
        salt,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build,
    };
    Ok((seal, watch))
}

/// Lets a built-in participant play a session to its end. What it leaves to chance follows from the session's seed and the
/// repetition.
///
/// # Errors
/// There is no such variant, no world can be built, or nobody built the observer that is to play.
pub fn play(
    scenario: &Scenario,
    variant: Option<&str>,
    seed: u64,
    player: &BuiltIn,
    repeat: u32,
) -> Result<Played, OutcomeError> {
    if player.name == OBSERVER.name {
        Observer::built_in(scenario)?;
    }
    let (seal, watch) = sealed(scenario, variant, seed)?;
    let mut session = match watch {
        Some(watch) => Session::watching(scenario.clone(), seal, terms(), watch),
        None => Session::open(scenario.clone(), seal, terms())?,
    };
    let chance = mix(mix(seed, u64::from(scenario.file.case)), u64::from(repeat));
    let mut hand = Hand::new(&mut session, player.name, chance);
    let stopped = (player.play)(&mut hand).err().map(|refusal| refusal.to_string());
    let events = hand.end();
    Ok(Played { session, events, stopped })
}

/// Grades what was played. `runs` are those of its scenario.
///
/// # Errors
/// It cannot be replayed.
pub fn grade(
    runs: &Runs<'_>,
    played: &Played,
    participant: &str,
    repeat: u32,
    progress: Progress<'_>,
) -> Result<(Outcome, Debrief), OutcomeError> {
    let observer = Observer::built_in(played.session.scenario()).ok();
    let debrief = debrief_among(&played.session, &played.events, observer, runs, progress)?;
    Ok((outcome((&played.session, &played.events), participant, repeat, &debrief), debrief))
}

/// A session that somebody else played, graded as those of the study are. `runs` are those of its scenario.
///
/// # Errors
/// It goes on, or cannot be replayed.
pub fn grade_joined(
    runs: &Runs<'_>,
    session: &Session,
    events: &[Event],
    (participant, repeat): (&str, u32),
    joined: Joined,
) -> Result<Outcome, OutcomeError> {
    let observer = Observer::built_in(session.scenario()).ok();
    let debrief = debrief_among(session, events, observer, runs, &|_, _| {})?;
    Ok(Outcome { joined: Some(joined), ..outcome((session, events), participant, repeat, &debrief) })
}

fn moments(session: &Session, events: &[Event], truth: &[String], well_s: Option<f64>) -> Vec<Moment> {
    let paged_at = SimTime(session.seal().paged_at_ns);
    let after = |at: SimTime| at.since(paged_at.min(at)).as_secs_f64();
    let first =
        |fits: &dyn Fn(&Command) -> bool| events.iter().find(|e| fits(&e.command)).map(|e| after(SimTime(e.at)));
    let leads = |points: &std::collections::BTreeMap<String, u8>| {
        lead(points).is_some_and(|(mechanism, _)| truth.iter().any(|t| t == mechanism))
    };
    let right = |command: &Command| match command {
        Command::Believe { points } => leads(points),
        Command::Commit(commit) => leads(&commit.points),
        _ => false,
    };
    let found = [
        (What::Look, first(&|c| matches!(c, Command::Look(_)))),
        (What::RightLead, first(&right)),
        (What::Commit, session.board().commits.last().map(|c| after(c.at))),
        (What::Order, session.orders().first().map(|o| after(o.at))),
        // Who was never in pain did not become well.
        (What::Well, well_s.filter(|at| 0.0 < *at)),
        (What::End, session.ended().map(|_| after(session.now()))),
    ];
    let mut found: Vec<Moment> = found.into_iter().filter_map(|(what, at)| Some(Moment { what, at_s: at? })).collect();
    found.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then(a.what.cmp(&b.what)));
    found
}

/// Belief in the mechanisms that were true, each time it was said.
fn beliefs(session: &Session, events: &[Event], truth: &[String]) -> Vec<Believed> {
    let paged_at = SimTime(session.seal().paged_at_ns).as_secs_f64();
    let said = |event: &Event| {
        let points = match &event.command {
            Command::Believe { points } => points,
            Command::Commit(commit) => &commit.points,
            _ => return None,
        };
        let of = |m: &String| points.get(m).copied().map_or(0.0, f64::from);
        Some(Believed {
            at_s: (SimTime(event.at).as_secs_f64() - paged_at).max(0.0),
            truth: (truth.iter().map(of).sum::<f64>() / 100.0).min(1.0),
        })
    };
    events.iter().filter_map(said).collect()
}

/// The ideal observer's belief after each look.
fn ideal(debrief: &Debrief) -> Vec<Believed> {
    let Some(judgement) = &debrief.observer else { return Vec::new() };
    let first = Believed { at_s: 0.0, truth: judgement.truth_given_first_screen };
    let after = judgement.looks.iter().map(|look| Believed { at_s: look.at_s.max(0.0), truth: look.truth_after });
    std::iter::once(first).chain(after).collect()
}

/// What a session came to, by its debrief.
pub fn outcome((session, events): (&Session, &[Event]), participant: &str, repeat: u32, debrief: &Debrief) -> Outcome {
    let (cause, users) = (&debrief.cause, &debrief.users);
    let (seal, composite) = (session.seal(), &debrief.card.composite);
    let variant = session.scenario().file.variants.iter().find(|v| v.name == seal.variant);
    let paged_at = SimTime(seal.paged_at_ns);
    let correct = cause.verdict == Verdict::Right;
    let measure = |id: &str, input: &str| {
        let measure = debrief.card.measures.iter().find(|m| m.id == id)?;
        measure.inputs.get(input).copied()
    };
    let well_s = measure("M8", "pain_ended_s");
    // Causes that only hurt together weigh the same: each of them was true.
    let shares = debrief.truth.by_mechanism();
    let most = shares.values().copied().fold(0.0, f64::max);
    let mut truth = cause.was.clone();
    truth.extend(shares.into_iter().filter(|(_, share)| NEGLIGIBLE <= *share && most - share < TIE).map(|(m, _)| m));
    let mut seen = BTreeSet::new();
    truth.retain(|mechanism| seen.insert(mechanism.clone()));
    let grounded = debrief.card.measures.iter().find(|m| m.id == "M1").and_then(|m| m.value);
    Outcome {
        scenario: session.scenario().name.clone(),
        variant: seal.variant.clone(),
        foil: variant.is_some_and(|v| v.foil),
        seed: seal.seed,
        participant: participant.to_string(),
        repeat,
        correct,
        grounded_correct: grounded.map(|value| 0.5 < value),
        blamed: cause.said.clone(),
        percent: cause.percent,
        blamed_decoy: cause.blamed_decoy,
        truth: truth.clone(),
        score: composite.total,
        points: composite.points,
        out_of: composite.out_of,
        parts: composite.parts.iter().map(|part| (part.name.to_string(), part.points)).collect(),
        gates: composite.gates.iter().map(|gate| name(*gate).to_string()).collect(),
        scored_by: composite.model.to_string(),
        said: events.iter().find_map(|event| match &event.command {
            Command::Update(update) => Some(update.action.clone()),
            _ => None,
        }),
        looks: session.observations().len() as u32,
        orders: session.orders().iter().map(|order| order.action.clone()).collect(),
        lost: users.lost,
        lost_if_nothing: users.lost_if_nothing,
        lost_at_best: users.lost_at_best,
        cost_min: measure("M11", "cost"),
        commit_s: session.board().commits.last().map(|c| c.at.since(paged_at.min(c.at)).as_secs_f64()),
        well_s,
        moments: moments(session, events, &truth, well_s),
        beliefs: beliefs(session, events, &truth),
        ideal: ideal(debrief),
        joined: None,
        scenario_hash: seal.scenario_hash.clone(),
        sim_s: session.now().since(seal.begins_at()).as_secs_f64(),
        wall_s: None,
    }
}

fn name(gate: Gate) -> &'static str {
    match gate {
        Gate::BlamedDecoy => "G1",
        Gate::Irreversible => "G2",
        Gate::Assisted => "G3",
        Gate::Hosted => "hosted",
    }
}
