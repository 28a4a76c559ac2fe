//! What truly caused an incident: the harm with every subset of its causes, and what each decoy does to it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::scenario::file::{CauseSpec, FaultAt, Role, ScenarioFile};
use crate::scenario::mechanisms::NO_FAULT;
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::rate::Rate;
use crate::score::runs::{Ask, Progress, Ran, Runs};
use crate::score::shapley::{Game, GameError, Outcomes, TrueRole, actual_causes, responsibility, roles};
use crate::sim::spec::SpecError;
use crate::sim::spec::fault::Fault;

/// Users are hurt from this share of what they wanted on. Without its causes every scenario that ships stays below a
/// hundredth, which bursts alone may cost.
pub const HURT: f64 = 0.02;
/// What moves harm by less than this share of what users wanted is harmless.
pub const TOLERANCE: f64 = 0.01;

/// Why nothing could be proved.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// A run does not fit the scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A variant has more causes than subsets can be run of.
    #[error(transparent)]
    Game(#[from] GameError),
}

/// What caused an incident.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// The scenario.
    pub scenario: String,
    /// Its variant.
    pub variant: String,
    /// The seed whose harms these are.
    pub seed: u64,
    /// The seeds over which necessity and sufficiency are counted.
    pub seeds: Vec<u64>,
    /// User-minutes lost by subset of causes; a key is their ids joined by `+`, and empty for none.
    #[serde(serialize_with = "by_name")]
    pub harm: Vec<(String, f64)>,
    /// What users had at stake.
    pub at_stake: f64,
    /// Whether users were hurt at all with every cause there.
    pub hurt: bool,
    /// Causes in the order of the file.
    pub causes: Vec<TrueCause>,
    /// Decoys in the order of the file.
    pub decoys: Vec<TrueDecoy>,
}

/// A cause with its part in the harm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrueCause {
    /// Its name in the file.
    pub id: String,
    /// What it is.
    pub says: String,
    /// Its mechanism.
    pub mechanism: String,
    /// Its Shapley value, in user-minutes.
    pub value: f64,
    /// Its share of the harm, from 0 to 1.
    pub share: f64,
    /// How often users are spared without it; none where they never were hurt.
    pub pn: Option<f64>,
    /// Wilson's 95 % interval of that.
    pub pn_interval: (f64, f64),
    /// How often it hurts alone; none where users are hurt without any cause.
    pub ps: Option<f64>,
    /// Wilson's 95 % interval of that.
    pub ps_interval: (f64, f64),
    /// How often it hurts alone and nothing does without it.
    pub pns: Option<f64>,
    /// One over the size of the smallest set of causes with it whose absence spares users; zero if there is none.
    pub responsibility: f64,
    /// What part it played.
    pub role: TrueRole,
}

/// A decoy with its effect.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrueDecoy {
    /// Its name in the file.
    pub id: String,
    /// What it is.
    pub says: String,
    /// User-minutes lost with it, less those without.
    pub effect: f64,
    /// Whether that is less than the tolerance.
    pub harmless: bool,
}

impl Truth {
    /// The causes that weigh most: those whose role is root, or else the weightiest.
    pub fn dominant(&self) -> Vec<&TrueCause> {
        let roots: Vec<&TrueCause> = self.causes.iter().filter(|c| c.role == TrueRole::Root).collect();
        if !roots.is_empty() || !self.hurt {
            return roots;
        }
        self.causes.iter().max_by(|a, b| a.share.total_cmp(&b.share)).into_iter().collect()
    }

    /// Shares by mechanism: `no_fault` where nobody was hurt.
    pub fn by_mechanism(&self) -> BTreeMap<String, f64> {
        let mut shares = BTreeMap::new();
        if !self.hurt || self.causes.iter().all(|c| c.share <= 0.0) {
            shares.insert(NO_FAULT.to_string(), 1.0);
            return shares;
        }
        for cause in &self.causes {
            *shares.entry(cause.mechanism.clone()).or_insert(0.0) += cause.share;
        }
        shares
    }
}

fn by_name<S: Serializer>(harm: &[(String, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(harm.iter().map(|(name, harm)| (name, harm)))
}

/// Runs every subset of the variant's causes over so many seeds from `seed` on, and under `seed` the world without each
/// decoy. Decoys stay where causes are taken away.
///
/// # Errors
/// There is no such variant, or it has more than four causes.
pub fn prove(
    runs: &Runs<'_>,
    variant: Option<&str>,
    seed: u64,
    seeds: u32,
    progress: Progress<'_>,
) -> Result<Truth, TruthError> {
    let scenario = runs.scenario;
    let file = &*scenario.file;
    let one = |e: SpecError| ScenarioError::Setup(vec![e]);
    let variant = file.variant(variant).map_err(one)?.clone();
    let causes: Vec<&CauseSpec> = file.causes.iter().filter(|c| variant.causes.contains(&c.id)).collect();
    let decoys: Vec<&CauseSpec> = file.decoys.iter().filter(|c| variant.decoys.contains(&c.id)).collect();
    if crate::score::shapley::MOST_CAUSES < causes.len() {
        return Err(GameError::Size(1usize.checked_shl(causes.len() as u32).unwrap_or(usize::MAX)).into());
    }
    let seeds: Vec<u64> = (0..u64::from(seeds.max(1))).map(|n| seed.wrapping_add(n)).collect();
    let subsets = 1usize << causes.len();
    let ask = |seed: u64, without: Vec<String>| Ask { variant: variant.name.clone(), seed, without, ..Ask::default() };
    let absent = |subset: usize| -> Vec<String> {
        (causes.iter().enumerate()).filter(|(i, _)| subset >> i & 1 == 0).map(|(_, c)| c.id.clone()).collect()
    };
    let mut asks: Vec<Ask> =
        seeds.iter().flat_map(|seed| (0..subsets).map(|subset| ask(*seed, absent(subset)))).collect();
    // What changes nothing of the world is the same world without it; the gate runs that too, to prove it.
    let without = |d: &&CauseSpec| if does_nothing(d) { Vec::new() } else { vec![d.id.clone()] };
    asks.extend(decoys.iter().map(|d| ask(seed, without(d))));
    let ran = runs.all(&asks, progress)?;
    let (of_causes, of_decoys) = ran.split_at(seeds.len() * subsets);
    let here = &of_causes[..subsets];
    let hurt = |ran: &Ran| HURT < ran.lost_share();
    let outcomes =
        Outcomes { by_seed: of_causes.chunks(subsets).map(|seed| seed.iter().map(|r| hurt(r)).collect()).collect() };
    let game = Game::new(here.iter().map(|r| r.lost()).collect())?;
    let all = &here[subsets - 1];
    let stake = all.harm.user_minutes_at_stake;
    let name = |subset: usize| {
        let present = causes.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 1).map(|(_, c)| c.id.as_str());
        present.collect::<Vec<_>>().join("+")
    };
    let decoy = |(decoy, without): (&&CauseSpec, &std::sync::Arc<Ran>)| {
        let effect = all.lost() - without.lost();
        TrueDecoy { id: decoy.id.clone(), says: decoy.says.clone(), effect, harmless: effect.abs() < TOLERANCE * stake }
    };
    Ok(Truth {
        scenario: scenario.name.clone(),
        variant: variant.name.clone(),
        seed,
        seeds,
        harm: here.iter().enumerate().map(|(subset, r)| (name(subset), r.lost())).collect(),
        at_stake: stake,
        hurt: hurt(all),
        causes: weighed(&causes, &game, &outcomes),
        decoys: decoys.iter().zip(of_decoys).map(decoy).collect(),
    })
}

/// Whether a decoy is a note in a change log and nothing else.
pub(super) fn does_nothing(decoy: &CauseSpec) -> bool {
    let is_note = |at: &FaultAt| matches!(at.fault, Fault::Benign { .. });
    decoy.faults.iter().chain(&decoy.instead).all(is_note) && decoy.sources.is_empty()
}

fn weighed(causes: &[&CauseSpec], game: &Game, outcomes: &Outcomes) -> Vec<TrueCause> {
    let (values, shares) = (game.values(), game.shares());
    let rates = |of: &dyn Fn(usize) -> Rate| (0..causes.len()).map(of).collect::<Vec<Rate>>();
    let necessity = rates(&|i| outcomes.necessity(i));
    let sufficiency = rates(&|i| outcomes.sufficiency(i));
    let both = rates(&|i| outcomes.both(i));
    let claimed: Vec<bool> = causes.iter().map(|c| c.role == Role::Root).collect();
    let roles = roles(&shares, &necessity, &claimed);
    let actual = outcomes.by_seed.first().map(|hurt| actual_causes(hurt)).unwrap_or_default();
    let cause = |(i, cause): (usize, &&CauseSpec)| TrueCause {
        id: cause.id.clone(),
        says: cause.says.clone(),
        mechanism: cause.mechanism.clone(),
        value: values[i],
        share: shares[i],
        pn: necessity[i].value(),
        pn_interval: necessity[i].wilson(),
        ps: sufficiency[i].value(),
        ps_interval: sufficiency[i].wilson(),
        pns: both[i].value(),
        responsibility: responsibility(&actual, i),
        role: roles[i],
    };
    causes.iter().enumerate().map(cause).collect()
}

/// Mechanisms that only seem to be the cause in a variant: those of its decoys, and those that are true in another variant
/// behind the same page.
pub fn tempting(scenario: &Scenario, variant: &str) -> Vec<String> {
    let file: &ScenarioFile = &scenario.file;
    let of = |list: &[CauseSpec], ids: &[String]| -> Vec<String> {
        list.iter().filter(|c| ids.contains(&c.id) && !c.mechanism.is_empty()).map(|c| c.mechanism.clone()).collect()
    };
    let mut found = Vec::new();
    for other in &file.variants {
        if other.name == variant {
            found.extend(of(&file.decoys, &other.decoys));
        } else {
            found.extend(of(&file.causes, &other.causes));
        }
    }
    found.sort();
    found.dedup();
    found
}
