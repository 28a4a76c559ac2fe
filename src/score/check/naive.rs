//! Players that need not look: constant answers, the latest change, the words of the alert, a guess. Over the pack none
//! of them may be right and proved on more than a third of the incidents, nor get more than a third of the points.
//!
//! Right and proved wants the right name and evidence; these players cite nothing. How often they have the right name is
//! therefore the most that they can reach, and it needs no observer. Their points are bounded from above too: whoever is
//! right is taken to be right of all causes, calibrated, and never a lucky guesser.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::scenario::file::VariantSpec;
use crate::scenario::lower::Setup;
use crate::scenario::mechanisms::{MECHANISMS, NO_FAULT, family};
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::card::PAR_S;
use crate::score::check::of_variant;
use crate::score::composite::{Parts, composite};
use crate::score::measures::time_score;
use crate::score::record::pain;
use crate::score::runs::{Ask, Runs};
use crate::session::seal::dealt;
use crate::sim::rng::mix;
use crate::telemetry::calendar::Calendar;
use crate::telemetry::changes::ChangeLog;

/// No naive player is right and proved on more of the pack.
pub const LIMIT: f64 = 0.35;
/// No naive player has more points of 100 on the mean over the pack.
pub const MOST_POINTS: f64 = 35.0;
/// Incidents of each case that are dealt to them.
const DEALS: u64 = 60;
/// A guess of theirs is read off this stream.
const GUESS: u64 = 0x6e61_6976;

/// A player that need not look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Player {
    /// It is demand.
    AlwaysDemand,
    /// It is capacity.
    AlwaysCapacity,
    /// It is the cache, and the mechanism of it that is the most common in the pack.
    AlwaysCache,
    /// Nothing is wrong.
    AlwaysNoFault,
    /// The one answer that is right most often in the pack, whatever it is.
    BestConstant,
    /// It is what was changed last before the page.
    LastDeploy,
    /// It is what the page's words suggest.
    AlertTextOnly,
    /// Any mechanism, all alike.
    Random,
    /// Says nothing and does nothing.
    DoNothing,
}

/// All of them.
pub const PLAYERS: [Player; 9] = [
    Player::AlwaysDemand,
    Player::AlwaysCapacity,
    Player::AlwaysCache,
    Player::AlwaysNoFault,
    Player::BestConstant,
    Player::LastDeploy,
    Player::AlertTextOnly,
    Player::Random,
    Player::DoNothing,
];

/// How a player fares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fared {
    /// The player.
    pub player: Player,
    /// What it says, where that is always the same.
    pub always: Option<String>,
    /// The share of incidents on which it names the weightiest cause, from 0 to 1: right and proved is never more.
    pub right: f64,
    /// The most points of the composite that it can have, on the mean.
    pub points: f64,
    /// By scenario, how often it is right.
    pub by_scenario: Vec<(String, f64)>,
}

impl Fared {
    /// Whether it gets more than a player may who does not look.
    pub fn is_ahead(&self) -> bool {
        LIMIT < self.right || MOST_POINTS < self.points
    }
}

/// A variant that nobody touches, under the first seed; seconds.
#[derive(Clone, Copy)]
struct Untouched {
    /// From the opening to the page; the end where nothing pages.
    paged_s: f64,
    /// From the page until nobody is in pain any more; none where somebody is at the end.
    mended_s: Option<f64>,
    /// From the page to the end.
    most_s: f64,
    no_fault: bool,
}

impl Untouched {
    fn of(scenario: &Scenario, variant: &VariantSpec) -> Result<Untouched, ScenarioError> {
        let ask = Ask { variant: variant.name.clone(), seed: 1, watch_page: true, ..Ask::default() };
        let ran = Runs::new(scenario).one(&ask)?;
        let (open_at, length_s) = (scenario.file.open_at(), scenario.file.length_s.as_secs_f64());
        let paged_s = ran.paged.map_or(length_s, |at| at.since(open_at.min(at)).as_secs_f64());
        let mended_s = match pain(&ran.series) {
            None => Some(0.0),
            Some(pain) => pain.until_s.map(|until_s| (until_s - paged_s).max(0.0)),
        };
        Ok(Untouched { paged_s, mended_s, most_s: length_s - paged_s, no_fault: variant.causes.is_empty() })
    }

    /// The most points for whoever commits to something the moment it is paged, and to nothing else.
    fn points(&self, right: bool) -> f64 {
        let one = f64::from(u8::from(right));
        let mended = self.mended_s.map_or(0.0, |s| time_score(s, PAR_S, self.most_s));
        let parts = Parts {
            causes: Some(one),
            evidence: Some(0.0),
            calibration: Some(one),
            mitigation: Some(f64::from(u8::from(self.no_fault))),
            time: Some((one + mended) / 2.0),
            cost: Some(1.0),
            communication: Some(0.0),
            harm: Some(0.0),
            ..Parts::default()
        };
        composite(&parts, &[]).total.unwrap_or_default()
    }
}

/// The mechanisms that are right in a variant: those of its root causes, all of its causes where it names no root, no fault
/// where it has none.
pub fn right_answers(scenario: &Scenario, variant: &VariantSpec) -> Vec<String> {
    use crate::scenario::file::Role;
    let causes = of_variant(&scenario.file.causes, &variant.causes);
    let roots: Vec<String> = causes.iter().filter(|c| c.role == Role::Root).map(|c| c.mechanism.clone()).collect();
    match (causes.is_empty(), roots.is_empty()) {
        (true, _) => vec![NO_FAULT.to_string()],
        (false, true) => causes.iter().map(|c| c.mechanism.clone()).collect(),
        _ => roots,
    }
}

/// What the words of a page suggest to somebody who reads no further.
pub fn suggested(page: &str) -> &'static str {
    const WORDS: [(&str, &str); 17] = [
        ("requests far above", "demand.growth"),
        ("traffic", "demand.growth"),
        ("hit ratio", "kv_cache.flush"),
        ("cache", "kv_cache.flush"),
        ("certificate", "network.certificate"),
        ("tls", "network.certificate"),
        ("connection", "network.loss"),
        ("memory", "api.gateway_memory"),
        ("429", "api.rate_limit"),
        ("401", "api.auth_store"),
        ("auth", "api.auth_store"),
        ("image", "api.image_decoder"),
        ("500", "api.validator"),
        ("error", "api.validator"),
        ("restart", "serving.crash"),
        ("queue", "serving.capacity"),
        ("late", "serving.capacity"),
    ];
    let page = page.to_lowercase();
    WORDS.iter().find(|(word, _)| page.contains(word)).map_or("serving.capacity", |(_, mechanism)| mechanism)
}

/// What somebody blames who blames the last change before the page: its mechanism, where a cause is behind it. The page
/// comes so many seconds after the opening.
fn last_deploy(scenario: &Scenario, variant: &VariantSpec, seed: u64, paged_s: f64) -> Option<String> {
    let file = &scenario.file;
    let setup = Setup { variant: Some(variant.name.clone()), ..Setup::default() };
    let open_at = file.open_at();
    let calendar = Calendar::new(&file.history.date, &file.history.opens_at, open_at).ok()?;
    let log = ChangeLog::new(file, &setup, seed, calendar.unix_ms(open_at) / 1000, 1).ok()?;
    let id = log.until(paged_s).next_back()?.id.clone();
    let fault = log.fault_of(&id)?.to_string();
    file.causes.iter().find(|c| c.id == fault).map(|c| c.mechanism.clone())
}

/// Deals every scenario's case so many times, its seeds drawing the variant, and lets every player answer. Every scenario
/// counts alike.
///
/// # Errors
/// A variant cannot be run.
pub fn play(pack: &[&Scenario]) -> Result<Vec<Fared>, ScenarioError> {
    let variants: Vec<(&Scenario, &VariantSpec)> =
        pack.iter().flat_map(|scenario| scenario.file.variants.iter().map(|v| (*scenario, v))).collect();
    let key = |scenario: &Scenario, variant: &VariantSpec| (scenario.name.clone(), variant.name.clone());
    let left = |(scenario, variant): &(&Scenario, &VariantSpec)| {
        Ok((key(scenario, variant), Untouched::of(scenario, variant)?))
    };
    let untouched: BTreeMap<(String, String), Untouched> =
        variants.par_iter().map(left).collect::<Result<_, ScenarioError>>()?;
    let shares = |right: &dyn Fn(&Scenario, &VariantSpec, u64) -> bool| -> Vec<Share> {
        let share = |scenario: &&Scenario| {
            let variants = &scenario.file.variants;
            let (mut hits, mut points) = (0, 0.0);
            for seed in 1..=DEALS {
                let variant = &variants[dealt(seed, variants.iter().map(|v| v.lots))];
                let right = right(scenario, variant, seed);
                hits += u64::from(right);
                points += untouched.get(&key(scenario, variant)).map_or(0.0, |u| u.points(right));
            }
            let deals = DEALS as f64;
            Share { scenario: scenario.name.clone(), right: hits as f64 / deals, points: points / deals }
        };
        pack.iter().map(share).collect()
    };
    let constant = |mechanism: &str| -> Vec<Share> {
        shares(&|scenario, variant, _| right_answers(scenario, variant).iter().any(|m| m == mechanism))
    };
    let best_of = |wanted: &dyn Fn(&str) -> bool| {
        let of = MECHANISMS.iter().filter(|m| wanted(m.id)).map(|m| (m.id.to_string(), constant(m.id)));
        of.max_by(|a, b| mean(&a.1).total_cmp(&mean(&b.1)))
    };
    let fared = |player: Player| -> Fared {
        let (always, by_scenario) = match player {
            Player::AlwaysDemand => (Some("demand.growth".to_string()), constant("demand.growth")),
            Player::AlwaysCapacity => (Some("serving.capacity".to_string()), constant("serving.capacity")),
            Player::AlwaysNoFault => (Some(NO_FAULT.to_string()), constant(NO_FAULT)),
            Player::AlwaysCache => {
                best_of(&|id| family(id) == "kv_cache").map_or((None, Vec::new()), |(id, of)| (Some(id), of))
            }
            Player::BestConstant => best_of(&|_| true).map_or((None, Vec::new()), |(id, of)| (Some(id), of)),
            Player::AlertTextOnly => {
                let right = |scenario: &Scenario, variant: &VariantSpec, _| {
                    let says = suggested(&scenario.file.page);
                    right_answers(scenario, variant).iter().any(|m| m == says)
                };
                (None, shares(&right))
            }
            Player::LastDeploy => {
                let right = |scenario: &Scenario, variant: &VariantSpec, seed: u64| {
                    let paged_s = untouched.get(&key(scenario, variant)).map_or(0.0, |u| u.paged_s);
                    let says = last_deploy(scenario, variant, seed, paged_s);
                    says.is_some_and(|says| right_answers(scenario, variant).contains(&says))
                };
                (None, shares(&right))
            }
            Player::Random => {
                let right = |scenario: &Scenario, variant: &VariantSpec, seed: u64| {
                    let says = MECHANISMS[(mix(seed, GUESS) % MECHANISMS.len() as u64) as usize].id;
                    right_answers(scenario, variant).iter().any(|m| m == says)
                };
                (None, shares(&right))
            }
            // Who commits to nothing is right about nothing.
            Player::DoNothing => (None, shares(&|_, _, _| false)),
        };
        let points = by_scenario.iter().map(|s: &Share| s.points).sum::<f64>() / by_scenario.len().max(1) as f64;
        let right = mean(&by_scenario);
        let by_scenario = by_scenario.into_iter().map(|s| (s.scenario, s.right)).collect();
        Fared { player, always, right, points, by_scenario }
    };
    Ok(PLAYERS.iter().map(|player| fared(*player)).collect())
}

/// How a player fares on one scenario's case.
struct Share {
    scenario: String,
    right: f64,
    points: f64,
}

fn mean(shares: &[Share]) -> f64 {
    if shares.is_empty() { 0.0 } else { shares.iter().map(|s| s.right).sum::<f64>() / shares.len() as f64 }
}
