//! Counterfactual runs: the same users in a world with other causes or other orders. What users want is a function of
//! the seed alone, so that two runs differ by what was changed and by nothing else.
//!
//! Runs are made in parallel and each once, by everything that makes one what it is. Orders are given to the world at
//! their moments as a session gives them, so that the orders of a session make its history again. Runs that differ by
//! orders alone begin as one world, which is copied at the first order. One is given up as soon as users have lost more
//! than is asked for: what is lost never comes back, so that what is found is the same ([`Runs::within`]).

mod kept; // runs on disk

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::scenario::lower::Setup;
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::runs::kept::{Kept, Known};
use crate::sim::series::Series;
use crate::sim::spec::TimedAction;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::fact::What;
use crate::sim::world::harm::Harm;
use crate::sim::world::standing::Standing;
use crate::sim::world::{Cost, World};
use crate::telemetry::alerts::AlertBook;

pub use kept::KEPT;

/// Every so often a run that may be given up is asked what its users have lost.
const GLANCE: SimDuration = SimDuration::from_secs(30);

/// A run that is asked for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The variant.
    pub variant: String,
    /// What picks everything random.
    pub seed: u64,
    /// Causes and decoys that are taken away.
    pub without: Vec<String>,
    /// What an operator orders, in order of time.
    pub orders: Vec<TimedAction>,
    /// The history up to this moment is to be compared with another's.
    pub mark: Option<SimTime>,
    /// Whether the pager is watched: alert rules are asked up to the first page. Nothing else of the run changes.
    pub watch_page: bool,
}

/// What a run came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ran {
    /// Users' pain.
    pub harm: Harm,
    /// What it cost besides.
    pub cost: Cost,
    /// Hash of every event.
    pub event_hash: u64,
    /// Hashes of every event up to the mark: before and after orders that are given at that very moment, which a session
    /// may have left under way.
    pub marked: Vec<u64>,
    /// True values over time.
    pub series: Series,
    /// Orders that could not be carried out, by their place, with the reason.
    pub refused: Vec<(usize, String)>,
    /// How things stood at the end of the incident.
    pub standing: Standing,
    /// Whether the pager was watched.
    pub watched: bool,
    /// When somebody was first paged; none where nobody was, or nobody watched.
    pub paged: Option<SimTime>,
}

impl Ran {
    /// User-minutes lost.
    pub fn lost(&self) -> f64 {
        self.harm.user_minutes_lost
    }

    /// The share of what users wanted that was lost, from 0 to 1.
    pub fn lost_share(&self) -> f64 {
        let stake = self.harm.user_minutes_at_stake;
        if stake <= 0.0 { 0.0 } else { self.harm.user_minutes_lost / stake }
    }
}

/// Is told how many of so many runs are done.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// The runs of one scenario, each made once.
pub struct Runs<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    known: Mutex<BTreeMap<String, Known>>,
    kept: Option<Mutex<Kept>>,
    stopped: Arc<AtomicBool>,
    /// The last world that several runs began with, and from where.
    fork: Mutex<Option<Fork>>,
}

/// A world up to a moment before which some runs do not differ.
struct Fork {
    of: String,
    at: SimTime,
    world: World,
}

impl<'a> Runs<'a> {
    /// No runs yet.
    pub fn new(scenario: &'a Scenario) -> Runs<'a> {
        Runs { scenario, known: Mutex::default(), kept: None, stopped: Arc::default(), fork: Mutex::new(None) }
    }

    /// Those that are known from a session's folder; what is made is kept there.
    pub fn kept_in(scenario: &'a Scenario, folder: &Path) -> Runs<'a> {
        let (kept, known) = Kept::open(folder, scenario);
        Runs { known: Mutex::new(known), kept: Some(Mutex::new(kept)), ..Runs::new(scenario) }
    }

    /// The same until somebody raises the flag: whoever wants a new run then gets [`ScenarioError::Stopped`]. Those that
    /// are under way are finished.
    pub fn until(self, stopped: Arc<AtomicBool>) -> Runs<'a> {
        Runs { stopped, ..self }
    }

    /// Makes all runs that are asked for and were not made before, in parallel; answers are in the order of the asks.
    ///
    /// # Errors
    /// What of an ask does not fit the scenario.
    pub fn all(&self, asks: &[Ask], progress: Progress<'_>) -> Result<Vec<Arc<Ran>>, ScenarioError> {
        Ok(self.within(asks, f64::INFINITY, progress)?.into_iter().flatten().collect())
    }

    /// As [`Runs::all`]; a run is given up as soon as users have lost more than `most` user-minutes, since what is lost
    /// never comes back. None stands for it.
    ///
    /// # Errors
    /// As [`Runs::all`].
    pub fn within(
        &self,
        asks: &[Ask],
        most: f64,
        progress: Progress<'_>,
    ) -> Result<Vec<Option<Arc<Ran>>>, ScenarioError> {
        let keys: Vec<String> = asks.iter().map(content).collect();
        let mut new: BTreeMap<&String, &Ask> = BTreeMap::new();
        for (key, ask) in keys.iter().zip(asks) {
            // Of two asks for one run, the one that wants to know more.
            if ask.watch_page || !new.contains_key(key) {
                new.insert(key, ask);
            }
        }
        let known = self.known().clone();
        let wanting = |ask: &Ask, known: &Known| match known {
            Known::Ran(ran) => ask.watch_page && !ran.watched,
            Known::Beyond(_) => known.within(most).is_none(),
        };
        new.retain(|key, ask| known.get(*key).is_none_or(|known| wanting(ask, known)));
        let (done, total) = (AtomicUsize::new(0), new.len());
        let made: Result<Vec<()>, ScenarioError> = (groups(new).into_par_iter())
            .map(|(of, group)| {
                // A world is not looked at from two threads; each takes its copy in turn.
                let begun = self.begun(&of, &group)?.map(Mutex::new);
                let one = |(key, ask): &(&String, &Ask)| {
                    if self.stopped.load(Ordering::Relaxed) {
                        return Err(ScenarioError::Stopped);
                    }
                    let world = match &begun {
                        Some(world) => world.lock().unwrap_or_else(PoisonError::into_inner).clone(),
                        None => world_of(self.scenario, ask)?,
                    };
                    let ran = run(self.scenario, ask, world, most)?;
                    self.keep(key, ran.map_or(Known::Beyond(most), |ran| Known::Ran(Arc::new(ran))));
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                    Ok(())
                };
                group.par_iter().map(one).collect()
            })
            .collect();
        made?;
        let known = self.known();
        Ok(keys.iter().map(|key| known.get(key)?.within(most).flatten()).collect())
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, key: &str, run: Known) {
        let mut known = self.known();
        known.insert(key.to_string(), run);
        if let (Some(kept), Some(run)) = (&self.kept, known.get(key)) {
            kept.lock().unwrap_or_else(PoisonError::into_inner).add(&known, key, run);
        }
    }

    /// The world with which all runs of a group begin, up to the moment at which the first of them differs; none where it
    /// would serve one run alone.
    fn begun(&self, of: &str, group: &[(&String, &Ask)]) -> Result<Option<World>, ScenarioError> {
        let differs =
            group.iter().flat_map(|(_, ask)| ask.orders.first().map(|o| o.at).into_iter().chain(ask.mark)).min();
        let (Some(at), [(_, ask), _, ..]) = (differs, group) else { return Ok(None) };
        let fork = || self.fork.lock().unwrap_or_else(PoisonError::into_inner);
        let known = fork().take().filter(|fork| fork.of == of && fork.at <= at);
        let mut world = match known {
            Some(fork) => fork.world,
            None => world_of(self.scenario, ask)?,
        };
        world.advance_to(at);
        *fork() = Some(Fork { of: of.to_string(), at, world: world.clone() });
        Ok(Some(world))
    }

    /// As [`Runs::all`], for one.
    ///
    /// # Errors
    /// As [`Runs::all`].
    pub fn one(&self, ask: &Ask) -> Result<Arc<Ran>, ScenarioError> {
        run_of(self.all(std::slice::from_ref(ask), &|_, _| {})?)
    }
}

fn run_of(mut ran: Vec<Arc<Ran>>) -> Result<Arc<Ran>, ScenarioError> {
    ran.pop().ok_or_else(|| ScenarioError::Setup(Vec::new()))
}

/// Runs by what they begin with: the same users and causes. Those whose pager is watched begin by themselves.
fn groups<'b>(asks: BTreeMap<&'b String, &'b Ask>) -> BTreeMap<String, Vec<(&'b String, &'b Ask)>> {
    let mut groups: BTreeMap<String, Vec<(&String, &Ask)>> = BTreeMap::new();
    for (key, ask) in asks {
        let of = match ask.watch_page {
            true => key.clone(),
            false => content(&Ask { orders: Vec::new(), mark: None, ..ask.clone() }),
        };
        groups.entry(of).or_default().push((key, ask));
    }
    groups
}

/// Everything that makes a run of this scenario what it is.
fn content(ask: &Ask) -> String {
    let mut without = ask.without.clone();
    without.sort();
    without.dedup();
    let orders: Vec<_> = ask.orders.iter().map(|o| (o.at, &o.action)).collect();
    format!("{:?}", (&ask.variant, ask.seed, without, orders, ask.mark))
}

/// A world before its beginning.
fn world_of(scenario: &Scenario, ask: &Ask) -> Result<World, ScenarioError> {
    let setup = Setup { variant: Some(ask.variant.clone()), without: ask.without.clone(), actions: Vec::new() };
    scenario.world(&setup, ask.seed)
}

/// Orders are given as a session gives them, at their moments, so that a session's own orders make its history again to
/// the event. The world stands before the first of them. None if users lose more than `most` on the way.
fn run(scenario: &Scenario, ask: &Ask, mut world: World, most: f64) -> Result<Option<Ran>, ScenarioError> {
    let mut marked = Vec::new();
    let paged = if ask.watch_page { first_page(scenario, &mut world)? } else { None };
    for order in &ask.orders {
        if let Some(mark) = ask.mark.filter(|mark| *mark <= order.at && marked.is_empty()) {
            world.advance_to(mark);
            marked.push(world.event_hash());
        }
        world.advance_to(order.at);
        world.order(order.action.clone());
    }
    if let Some(mark) = ask.mark {
        world.advance_to(mark);
        marked.push(world.event_hash());
    }
    let (_, end) = world.window();
    if most.is_finite() {
        while world.now() < end {
            world.advance_to((world.now() + GLANCE).min(end));
            if most < world.lost_so_far() {
                return Ok(None);
            }
        }
    }
    world.advance_to(end);
    let standing = world.standing();
    let ended = world.finish();
    let refused = ended.facts.iter().filter_map(|fact| match &fact.what {
        What::ActionRefused(place, why) => Some((*place, why.clone())),
        _ => None,
    });
    Ok(Some(Ran {
        harm: ended.harm,
        cost: ended.cost,
        event_hash: ended.event_hash,
        marked,
        refused: refused.collect(),
        series: ended.series,
        standing,
        watched: ask.watch_page,
        paged,
    }))
}

/// When somebody is first paged in a variant under a seed; none where nobody is.
///
/// # Errors
/// There is no such variant.
pub fn paged(scenario: &Scenario, variant: &str, seed: u64) -> Result<Option<SimTime>, ScenarioError> {
    let setup = Setup { variant: Some(variant.to_string()), ..Setup::default() };
    first_page(scenario, &mut scenario.world(&setup, seed)?)
}

/// Lets a world go on to its first page, or to its end.
fn first_page(scenario: &Scenario, world: &mut World) -> Result<Option<SimTime>, ScenarioError> {
    let (open_at, _) = world.window();
    let alerts = &scenario.file.stack.monitoring.alerts;
    let mut book = AlertBook::new(alerts, open_at).map_err(|e| ScenarioError::Setup(vec![e]))?;
    world.scrape_everything();
    book.run_to_page(world);
    Ok(book.page().map(|alert| alert.fired))
}
