//! Several attempts at the same incident, side by side: what each team looked at, believed and did on one clock, what
//! users went through with each, one world in which something was done otherwise, and the questions on which the teams
//! parted.
//!
//! Each session's orders are played on to the end, and the event hash is checked as in a debrief. The truth is proved
//! once, in the world before any host's inject. The one other world is that in which what the file says mends it
//! (`mends:`) is done at the first chance, or else the cause is taken away. Questions come from spreads of beliefs,
//! from looks that some had before their first commit and others never, from orders and from waits; nothing is said of
//! who was right but by the bars.

mod disguise; // names that say nothing
mod questions; // on which teams parted

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::scenario::apply;
use crate::scenario::opened::ScenarioError;
use crate::score::card::{is_top, said};
use crate::score::record::pain;
use crate::score::room::disguise::Disguise;
use crate::score::room::questions::questions;
use crate::score::runs::{Ask, Progress, Ran, Runs};
use crate::score::truth::{TruthError, prove};
use crate::score::whatif::unserved;
use crate::session::Session;
use crate::session::belief::lead;
use crate::session::clock::Seat;
use crate::session::command::{Command, Host, Look, Sign};
use crate::session::log::Event;
use crate::session::look::title;
use crate::session::prices;
use crate::sim::spec::TimedAction;
use crate::sim::time::{SimDuration, SimTime};

/// Between one order of a counterfactual and the next.
const APART: SimDuration = SimDuration::from_secs(30);

/// A session as it was played.
pub struct Played {
    /// What it is called here.
    pub name: String,
    /// Who began it.
    pub by: String,
    /// At its end.
    pub session: Session,
    /// Its events.
    pub events: Vec<Event>,
}

/// Why sessions cannot be held against each other.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// They are not of one world.
    #[error(
        "{one} and {other} did not meet the same world ({how}): teams are compared on one case, variant and seed, as one code gives it"
    )]
    Apart {
        /// One.
        one: String,
        /// Another.
        other: String,
        /// What is not the same.
        how: &'static str,
    },
    /// Nothing is left.
    #[error("no session is left to report: {0}")]
    Empty(String),
    /// A run does not fit the scenario.
    #[error(transparent)]
    Truth(#[from] TruthError),
}

impl From<ScenarioError> for RoomError {
    fn from(error: ScenarioError) -> Self {
        RoomError::Truth(error.into())
    }
}

/// A room full of teams.
#[derive(Debug, Serialize)]
pub struct Room {
    /// As in `INC-4127`.
    pub case: String,
    /// The author's title.
    pub title: String,
    /// What was true.
    pub story: String,
    /// Causes in plain words, with their shares of the harm from 0 to 1.
    pub causes: Vec<(String, f64)>,
    /// Seconds from the opening to the page.
    pub paged_s: f64,
    /// Time of day of the page.
    pub paged: String,
    /// Seconds from the opening to the end.
    pub end_s: f64,
    /// Ends of the buckets of all curves, in seconds after the opening.
    pub t_s: Vec<f64>,
    /// The teams.
    pub teams: Vec<Team>,
    /// User-minutes lost had nobody done anything.
    pub lost_if_nothing: f64,
    /// One world in which something was otherwise.
    pub otherwise: Otherwise,
    /// Questions on which the teams parted.
    pub questions: Vec<String>,
    /// Sessions that are not here, and why.
    pub left_out: Vec<(String, String)>,
}

/// A world in which something was otherwise.
#[derive(Debug, Serialize)]
pub struct Otherwise {
    /// What.
    pub says: String,
    /// User-minutes lost in it.
    pub lost: f64,
    /// Share of what users wanted that was not served in time, by bucket.
    pub unserved: Vec<f64>,
}

/// A team.
#[derive(Debug, Serialize)]
pub struct Team {
    /// What it is called here.
    pub name: String,
    /// Everything worth a mark, in order of time.
    pub moments: Vec<Moment>,
    /// What led in its beliefs, from when on; none: nothing above all.
    pub leads: Vec<Lead>,
    /// User-minutes lost, played on to the end.
    pub lost: f64,
    /// Seconds from the opening until users' pain was over; none: it never was, or there was none.
    pub pain_until_s: Option<f64>,
    /// Whether its last word was what weighed most; none: nothing was committed.
    pub right: Option<bool>,
    /// Seconds from the page to its first commit.
    pub first_commit_s: Option<f64>,
    /// Share of what users wanted that was not served in time, by bucket.
    pub unserved: Vec<f64>,
    /// Questions on blank screens, with what was answered.
    pub probes: Vec<Probe>,
    #[serde(skip)]
    beliefs: Vec<(f64, BTreeMap<String, u8>)>,
    #[serde(skip)]
    looked: BTreeMap<String, f64>,
    #[serde(skip)]
    ordered: BTreeMap<String, f64>,
}

/// What a moment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A look.
    Look,
    /// A belief was stated.
    Belief,
    /// A commit.
    Commit,
    /// An order.
    Order,
    /// Somebody was told.
    Update,
    /// The page was acknowledged, or another team woken.
    Page,
    /// The host did something.
    Host,
    /// The host noted something to be kept.
    Plus,
    /// The host noted something to be changed.
    Delta,
    /// The host noted something.
    Note,
    /// The end.
    End,
}

/// A moment worth a mark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// Seconds after the opening.
    pub at_s: f64,
    /// Time of day.
    pub time: String,
    /// What it is.
    pub kind: Kind,
    /// In words.
    pub text: String,
}

/// What led, from a moment on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lead {
    /// Seconds after the opening.
    pub from_s: f64,
    /// The mechanism; none: nothing above all.
    pub mechanism: Option<String>,
    /// Its points.
    pub points: u8,
    /// Whether it is what weighed most.
    pub right: bool,
}

/// A question on a blank screen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Probe {
    /// Time of day.
    pub time: String,
    /// What was asked.
    pub question: String,
    /// What was answered, in order.
    pub answers: Vec<String>,
}

/// Holds teams against each other. Sessions that go on are left out, as what is told here spoils them.
///
/// # Errors
/// They did not meet the same world, or nothing is left.
pub fn room(
    played: Vec<Played>,
    mut left_out: Vec<(String, String)>,
    named: bool,
    progress: Progress<'_>,
) -> Result<Room, RoomError> {
    together(&played)?;
    let (played, going): (Vec<Played>, Vec<Played>) = played.into_iter().partition(|p| p.session.ended().is_some());
    left_out.extend(going.into_iter().map(|p| (p.name, "it goes on: `end` it first".to_string())));
    let (ran, played) = runs_of(played, &mut left_out, progress)?;
    let Some(first) = played.first() else {
        let why: Vec<String> = left_out.iter().map(|(name, why)| format!("{name}: {why}")).collect();
        return Err(RoomError::Empty(if why.is_empty() { "none was named".to_string() } else { why.join("; ") }));
    };
    let plain = plain(first)?;
    let runs = Runs::new(&plain);
    let seal = first.session.seal();
    let truth = prove(&runs, Some(&seal.variant), seal.seed, 1, progress)?;
    let shares = truth.by_mechanism();
    let right = |m: &str| shares.get(m).is_some_and(|q| is_top(&shares, *q));
    let ask = |without: Vec<String>, orders: Vec<TimedAction>| Ask {
        variant: seal.variant.clone(),
        seed: seal.seed,
        without,
        orders,
        ..Ask::default()
    };
    let nothing = runs.one(&ask(Vec::new(), Vec::new()))?;
    let otherwise = otherwise(&plain, first, &runs, &ask)?;
    let disguise = Disguise::of(&played, named);
    if !named {
        for (name, _) in &mut left_out {
            *name = "a session".to_string();
        }
    }
    let mut teams: Vec<Team> =
        played.iter().zip(&ran).enumerate().map(|(i, (p, run))| team(p, run, &disguise, i, &right)).collect();
    if !named {
        teams.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let file = &plain.file;
    let variant = file.variants.iter().find(|v| v.name == seal.variant);
    let own = variant.map(|v| v.story.clone()).filter(|story| !story.is_empty());
    let calendar = first.session.watch().scene.calendar;
    let (open_at, horizon) = first.session.watch().world.window();
    let paged_at = SimTime(seal.paged_at_ns);
    Ok(Room {
        case: format!("INC-{}", file.case),
        title: file.title.clone(),
        story: own.unwrap_or_else(|| file.story.clone()),
        causes: truth.causes.iter().map(|c| (c.says.clone(), c.share)).collect(),
        paged_s: seconds(paged_at, open_at),
        paged: calendar.clock(paged_at),
        end_s: seconds(horizon, open_at),
        t_s: nothing.series.t_s.clone(),
        questions: questions(&teams, &truth, seconds(paged_at, open_at), seconds(horizon, open_at)),
        teams,
        lost_if_nothing: nothing.lost(),
        otherwise,
        left_out,
    })
}

fn seconds(at: SimTime, open_at: SimTime) -> f64 {
    at.as_secs_f64() - open_at.as_secs_f64()
}

/// Whether all met the same world.
fn together(played: &[Played]) -> Result<(), RoomError> {
    let Some(first) = played.first() else { return Ok(()) };
    let one = first.session.seal();
    for other in played.iter().skip(1) {
        let seal = other.session.seal();
        let how = match () {
            () if seal.scenario_hash != one.scenario_hash => "another case, or another catalogue's",
            () if seal.variant != one.variant => "another variant of the case",
            () if seal.seed != one.seed => "another seed",
            () => continue,
        };
        return Err(RoomError::Apart { one: first.name.clone(), other: other.name.clone(), how });
    }
    Ok(())
}

/// The scenario before any host injected something.
fn plain(played: &Played) -> Result<crate::scenario::opened::Scenario, RoomError> {
    let scenario = played.session.scenario();
    let mut file = (*scenario.file).clone();
    let injected: BTreeSet<String> = file.causes.iter().filter(|c| c.injected).map(|c| c.id.clone()).collect();
    file.causes.retain(|c| !c.injected);
    file.variants.iter_mut().for_each(|v| v.causes.retain(|id| !injected.contains(id)));
    Ok(crate::scenario::opened::Scenario { name: scenario.name.clone(), file: Arc::new(file) })
}

/// Each session played on to the end, of those whose history is made again.
fn runs_of(
    played: Vec<Played>,
    left_out: &mut Vec<(String, String)>,
    progress: Progress<'_>,
) -> Result<(Vec<Arc<Ran>>, Vec<Played>), RoomError> {
    let (mut ran, mut kept) = (Vec::new(), Vec::new());
    for team in played {
        let seal = team.session.seal();
        let ask = Ask {
            variant: seal.variant.clone(),
            seed: seal.seed,
            orders: team.session.watch().world.actions().to_vec(),
            mark: Some(team.session.now()),
            ..Ask::default()
        };
        let run = Runs::new(team.session.scenario()).all(&[ask], progress)?;
        match run.into_iter().next().filter(|run| run.marked.contains(&team.session.watch().world.event_hash())) {
            Some(run) => {
                ran.push(run);
                kept.push(team);
            }
            None => {
                let why = "a replay of its orders has another history: use the build that it was played with";
                left_out.push((team.name, why.to_string()));
            }
        }
    }
    Ok((ran, kept))
}

/// What the file says mends it, given at the first chance; or else the same users with nothing broken.
fn otherwise(
    plain: &crate::scenario::opened::Scenario,
    first: &Played,
    runs: &Runs<'_>,
    ask: &dyn Fn(Vec<String>, Vec<TimedAction>) -> Ask,
) -> Result<Otherwise, RoomError> {
    let seal = first.session.seal();
    let variant = plain.file.variants.iter().find(|v| v.name == seal.variant);
    let mends = variant.map_or(&[][..], |v| v.mends.as_slice());
    let mut at = SimTime(seal.paged_at_ns) + prices::ORDER;
    let mut orders = Vec::new();
    for action in mends.iter().filter_map(|text| apply::parse(text).ok()) {
        orders.push(TimedAction { at, action });
        at += APART;
    }
    let (says, ran) = if orders.is_empty() {
        let causes = variant.map(|v| v.causes.clone()).unwrap_or_default();
        let says = if causes.is_empty() { "nothing done, as nothing was wrong" } else { "the cause taken away" };
        (says.to_string(), runs.one(&ask(causes, Vec::new()))?)
    } else {
        (format!("{} at the first chance", mends.join(", then ")), runs.one(&ask(Vec::new(), orders))?)
    };
    Ok(Otherwise { says, lost: ran.lost(), unserved: unserved(&ran.series) })
}

fn team(played: &Played, run: &Ran, disguise: &Disguise, place: usize, right: &dyn Fn(&str) -> bool) -> Team {
    let session = &played.session;
    let (open_at, _) = session.watch().world.window();
    let calendar = session.watch().scene.calendar;
    let at_s = |at: u64| seconds(SimTime(at), open_at);
    let paged_s = at_s(session.seal().paged_at_ns);
    let (mut moments, mut leads, mut beliefs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut looked, mut ordered) = (BTreeMap::new(), BTreeMap::new());
    for event in &played.events {
        let now_s = at_s(event.at);
        if let Some((kind, text)) = told(event) {
            let text = disguise.over(&text);
            moments.push(Moment { at_s: now_s, time: calendar.clock(SimTime(event.at)), kind, text });
        }
        match &event.command {
            Command::Look(look) if event.seat == Seat::Participant => {
                looked.entry(sort_of(look)).or_insert(now_s);
            }
            Command::Act { action, .. } => {
                ordered.entry(action.clone()).or_insert(now_s);
            }
            _ => {}
        }
        let points = match &event.command {
            Command::Believe { points } => points,
            Command::Commit(commit) => &commit.points,
            _ => continue,
        };
        let led = lead(points);
        leads.push(Lead {
            from_s: now_s,
            mechanism: led.map(|(m, _)| m.to_string()),
            points: led.map_or(0, |(_, p)| p),
            right: led.is_some_and(|(m, _)| right(m)),
        });
        beliefs.push((now_s, points.clone()));
    }
    let last = session.board().commits.last().and_then(|c| said(&c.commit)).map(|(m, _)| right(m));
    let first = session.board().commits.first().map(|c| at_s(c.at.0) - paged_s);
    let probe = |p: &crate::session::host::Probe| Probe {
        time: calendar.clock(p.at),
        question: disguise.over(&p.question),
        answers: p.answers.iter().map(|(_, text)| disguise.over(text)).collect(),
    };
    Team {
        name: disguise.names[place].clone(),
        moments,
        leads,
        lost: run.lost(),
        pain_until_s: pain(&run.series).and_then(|p| p.until_s),
        right: last,
        first_commit_s: first,
        unserved: unserved(&run.series),
        probes: session.probes().iter().map(probe).collect(),
        beliefs,
        looked,
        ordered,
    }
}

/// A command as a moment; none if it is not worth a mark.
fn told(event: &Event) -> Option<(Kind, String)> {
    let leading = |points: &BTreeMap<String, u8>| {
        lead(points).map_or("nothing above all".to_string(), |(m, p)| format!("{m} at {p} %"))
    };
    Some(match &event.command {
        Command::Look(look) => (Kind::Look, title(look)),
        Command::Believe { points } => (Kind::Belief, leading(points)),
        Command::Commit(commit) => (Kind::Commit, leading(&commit.points)),
        Command::Act { action, .. } => (Kind::Order, action.clone()),
        Command::Update(update) => {
            let lead = if update.hypothesis.is_empty() { "no lead" } else { update.hypothesis.as_str() };
            (Kind::Update, format!("{:.0} % of users, {lead} at {} %", update.impact_percent, update.percent))
        }
        Command::Acknowledge => (Kind::Page, "acknowledged".to_string()),
        Command::Page { team } => (Kind::Page, format!("{team} was woken")),
        Command::Inject { fault, .. } => (Kind::Host, format!("injected {fault}")),
        Command::Host(host) => return hosts(host),
        Command::End => (Kind::End, "ended".to_string()),
        _ => return None,
    })
}

fn hosts(host: &Host) -> Option<(Kind, String)> {
    Some(match host {
        Host::Note { text, sign } => {
            let kind = match sign {
                Sign::None => Kind::Note,
                Sign::Plus => Kind::Plus,
                Sign::Delta => Kind::Delta,
            };
            (kind, text.clone())
        }
        Host::Hold { held: true } => (Kind::Host, "the clock was held".to_string()),
        Host::Freeze { question } => (Kind::Host, format!("screens went blank: {question}")),
        Host::Say { persona, text } => (Kind::Host, format!("{persona} said: {text}")),
        Host::Page { text } => (Kind::Host, format!("paged: {text}")),
        Host::Leave { who } => (Kind::Host, format!("{who} dropped out")),
        Host::Return { who } => (Kind::Host, format!("{who} came back")),
        Host::Role { who, role } => (Kind::Host, format!("{who} became {}", role.duty.name())),
        Host::Hold { held: false } | Host::Release => return None,
    })
}

/// What sort of look it is, coarse enough to be asked about.
fn sort_of(look: &Look) -> String {
    match look {
        Look::Board { board, .. } => format!("board {board}"),
        Look::Promql { .. } | Look::Prometheus(_) => "a question to the metrics".to_string(),
        Look::Sql { .. } | Look::Compare { .. } => "rows of requests".to_string(),
        Look::Logs { .. } => "logs".to_string(),
        Look::Trace { .. } | Look::Traces { .. } => "traces".to_string(),
        Look::Changes { .. } => "the change log".to_string(),
        Look::Alerts => "the alerts".to_string(),
        Look::Tickets => "tickets".to_string(),
        Look::Archive { .. } | Look::Document { .. } => "the archive".to_string(),
        Look::Fleet { line } => line.split_whitespace().take(2).collect::<Vec<_>>().join(" "),
        Look::Ask { who, .. } => format!("{who}, a colleague"),
        Look::Delegated { .. } => "what the assistant looked up".to_string(),
    }
}
