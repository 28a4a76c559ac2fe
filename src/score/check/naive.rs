//! Players that need not look: constant answers, the latest change, the words of the alert, a guess. Over the pack none
//! of them may be right and proved on more than a third of the incidents.
//!
//! Right and proved wants the right name and evidence; what these players cite is the first screen at most. How often
//! they have the right name is therefore the most that they can reach, and it needs no observer.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::scenario::file::VariantSpec;
use crate::scenario::lower::Setup;
use crate::scenario::mechanisms::{MECHANISMS, NO_FAULT};
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::card::family;
use crate::score::check::of_variant;
use crate::score::runs::paged;
use crate::session::seal::dealt;
use crate::sim::rng::mix;
use crate::telemetry::calendar::Calendar;
use crate::telemetry::changes::ChangeLog;

/// No naive player is right and proved on more of the pack.
pub const LIMIT: f64 = 0.35;
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
    /// By scenario.
    pub by_scenario: Vec<(String, f64)>,
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
    // Seconds from the opening to the page, by scenario and variant, under the first seed; the end where nothing pages.
    let variants: Vec<(&Scenario, &VariantSpec)> =
        pack.iter().flat_map(|scenario| scenario.file.variants.iter().map(|v| (*scenario, v))).collect();
    let page = |(scenario, variant): &(&Scenario, &VariantSpec)| {
        let open_at = scenario.file.open_at();
        let at = paged(scenario, &variant.name, 1)?;
        let after_s = at.map_or(scenario.file.length_s, |at| at.since(open_at.min(at))).as_secs_f64();
        Ok(((scenario.name.clone(), variant.name.clone()), after_s))
    };
    let pages: BTreeMap<(String, String), f64> = variants.par_iter().map(page).collect::<Result<_, ScenarioError>>()?;
    let constant = |mechanism: &str| -> Vec<(String, f64)> {
        shares(pack, |scenario, variant, _| right_answers(scenario, variant).iter().any(|m| m == mechanism))
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
                (None, shares(pack, right))
            }
            Player::LastDeploy => {
                let right = |scenario: &Scenario, variant: &VariantSpec, seed: u64| {
                    let key = (scenario.name.clone(), variant.name.clone());
                    let paged_s = pages.get(&key).copied().unwrap_or_default();
                    let says = last_deploy(scenario, variant, seed, paged_s);
                    says.is_some_and(|says| right_answers(scenario, variant).contains(&says))
                };
                (None, shares(pack, right))
            }
            Player::Random => {
                let right = |scenario: &Scenario, variant: &VariantSpec, seed: u64| {
                    let says = MECHANISMS[(mix(seed, GUESS) % MECHANISMS.len() as u64) as usize].id;
                    right_answers(scenario, variant).iter().any(|m| m == says)
                };
                (None, shares(pack, right))
            }
            // Who commits to nothing is right about nothing.
            Player::DoNothing => (None, shares(pack, |_, _, _| false)),
        };
        Fared { player, always, right: mean(&by_scenario), by_scenario }
    };
    Ok(PLAYERS.iter().map(|player| fared(*player)).collect())
}

fn shares(pack: &[&Scenario], right: impl Fn(&Scenario, &VariantSpec, u64) -> bool) -> Vec<(String, f64)> {
    let share = |scenario: &&Scenario| {
        let variants = &scenario.file.variants;
        let hits = (1..=DEALS)
            .filter(|seed| right(scenario, &variants[dealt(*seed, variants.iter().map(|v| v.lots))], *seed))
            .count();
        (scenario.name.clone(), hits as f64 / DEALS as f64)
    };
    pack.iter().map(share).collect()
}

fn mean(shares: &[(String, f64)]) -> f64 {
    if shares.is_empty() { 0.0 } else { shares.iter().map(|(_, s)| s).sum::<f64>() / shares.len() as f64 }
}
