//! Every file that ships: it loads, and plays one history whatever the steps of time. Leaks are `leaks`, what must emerge is
//! `stories` and `ladder`, and the gate is in the certificates.

use rayon::prelude::*;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::file::VariantSpec;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::score::check::first_onset;
use scartissue::sim::time::SimDuration;

/// Played so long beyond the first onset.
const BEYOND: SimDuration = SimDuration::from_secs(240);
/// Steps that divide nothing in the world.
const STEP: SimDuration = SimDuration::from_millis(13_370);
const SEED: u64 = 5;

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
            // The trap and its twin.
            let variants = scenario.file.variants.iter().enumerate().filter(|(n, v)| *n == 0 || v.foil).map(|(_, v)| v);
            let again = |v: &VariantSpec| format!("scartissue run {name} --variant {} --seed {SEED}", v.name);
            variants.filter(differs).map(again).collect::<Vec<String>>()
        })
        .collect();
    assert!(differ.is_empty(), "another history in steps of {STEP:?}:\n{}", differ.join("\n"));
}
