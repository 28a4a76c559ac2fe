//! Every file that ships: it loads, plays one history whatever the steps of time, and is hurt by its causes and by nothing
//! else. Leaks are `leaks`, what must emerge is `stories` and `ladder`, and the whole gate is in the certificates.

use std::sync::Arc;

use rayon::prelude::*;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::file::VariantSpec;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::score::check::first_onset;
use scartissue::sim::time::SimDuration;
use scartissue::sim::world::harm::Harm;

use crate::stories::LADDER;

/// Played so long beyond the first onset.
const BEYOND: SimDuration = SimDuration::from_secs(240);
/// Steps that divide nothing in the world.
const STEP: SimDuration = SimDuration::from_millis(13_370);
const SEED: u64 = 5;
/// Users lose less than this share of what they wanted where nothing is wrong, as in the gate.
const HEALTHY: f64 = 0.02;

/// Hash of every event of a variant up to shortly after its onset.
fn played(scenario: &Scenario, variant: &VariantSpec, step: Option<SimDuration>) -> u64 {
    let setup = Setup { variant: Some(variant.name.clone()), ..Setup::default() };
    let mut world = scenario.world(&setup, SEED).expect("a world");
    let until = scenario.file.open_at() + (first_onset(&scenario.file) + BEYOND).min(scenario.file.length_s);
    while let Some(step) = step.filter(|step| world.now() + *step < until) {
        world.advance_to(world.now() + step);
    }
    world.advance_to(until);
    world.event_hash()
}

/// The trap and its twin; the variants between them are the gate's to prove.
fn trap_and_twin(scenario: &Scenario) -> impl Iterator<Item = &VariantSpec> {
    scenario.file.variants.iter().enumerate().filter(|(n, v)| *n == 0 || v.foil).map(|(_, v)| v)
}

/// What users lost by shortly after the onset.
fn harm(scenario: &Scenario, variant: &VariantSpec, without: &[String]) -> Harm {
    let mut scenario = scenario.clone();
    let file = Arc::make_mut(&mut scenario.file);
    file.length_s = (first_onset(file) + BEYOND).min(file.length_s);
    let setup = Setup { variant: Some(variant.name.clone()), without: without.to_vec(), ..Setup::default() };
    scenario.run(&setup, SEED).expect("a set-up that fits").harm
}

/// The shortest gate there is: harm with the causes, hardly any without. `stories` holds the ladder to more.
#[test]
fn every_file_beside_the_ladder_is_hurt_by_its_causes_and_by_nothing_else() {
    let catalogue = Catalogue::built_in();
    let held = |name: &str| LADDER.iter().any(|(ladder, ..)| *ladder == name);
    let names: Vec<&str> = catalogue.names().filter(|name| !held(name)).collect();
    assert!(4 <= names.len(), "{names:?}");
    let odd: Vec<String> = names
        .par_iter()
        .flat_map_iter(|name| {
            let scenario = Scenario::open(&catalogue, name).unwrap_or_else(|e| panic!("{name}: {e}"));
            let told = |variant: &VariantSpec| {
                let healthy = harm(&scenario, variant, &variant.causes);
                let (lost, least) = (healthy.user_minutes_lost, HEALTHY * healthy.user_minutes_at_stake);
                let happened = harm(&scenario, variant, &[]).user_minutes_lost;
                let sound = lost < least && (variant.causes.is_empty() || 2.0 * lost + 1.0 < happened);
                (!sound).then(|| {
                    format!(
                        "{happened:.1} user-minutes lost, {lost:.1} without the causes: \
                         scartissue run {name} --variant {} --seed {SEED}",
                        variant.name
                    )
                })
            };
            trap_and_twin(&scenario).filter_map(told).collect::<Vec<String>>()
        })
        .collect();
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

#[test]
fn every_file_loads_and_plays_one_history() {
    let catalogue = Catalogue::built_in();
    let names: Vec<&str> = catalogue.names().collect();
    assert!(14 <= names.len(), "{names:?}");
    let differ: Vec<String> = names
        .par_iter()
        .flat_map_iter(|name| {
            let scenario = Scenario::open(&catalogue, name).unwrap_or_else(|e| panic!("{name}: {e}"));
            let differs = |v: &&VariantSpec| played(&scenario, v, None) != played(&scenario, v, Some(STEP));
            let again = |v: &VariantSpec| format!("scartissue run {name} --variant {} --seed {SEED}", v.name);
            trap_and_twin(&scenario).filter(differs).map(again).collect::<Vec<String>>()
        })
        .collect();
    assert!(differ.is_empty(), "another history in steps of {STEP:?}:\n{}", differ.join("\n"));
}
