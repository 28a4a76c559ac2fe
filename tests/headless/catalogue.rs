//! Every file that ships: it loads, plays one history whatever the steps of time, and passes the shortest gate there is.
//! Leaks are `leaks`, what must emerge is `stories` and `emergence`, and the whole gate is in the certificates.

use rayon::prelude::*;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::file::VariantSpec;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::score::check::first_onset;
use scartissue::sim::time::SimDuration;

/// Played so long beyond the first onset: by then causes have begun to hurt.
const BEYOND: SimDuration = SimDuration::from_secs(240);
/// Steps that divide nothing in the world.
const STEP: SimDuration = SimDuration::from_millis(13_370);
const SEED: u64 = 5;

/// Hash of every event, and user-minutes lost, of a variant shortly after its onset.
fn played(scenario: &Scenario, variant: &VariantSpec, without: &[String], step: Option<SimDuration>) -> (u64, f64) {
    let setup = Setup { variant: Some(variant.name.clone()), without: without.to_vec(), actions: Vec::new() };
    let mut world = scenario.world(&setup, SEED).expect("a world");
    let until = scenario.file.open_at() + (first_onset(&scenario.file) + BEYOND).min(scenario.file.length_s);
    while let Some(step) = step.filter(|step| world.now() + *step < until) {
        world.advance_to(world.now() + step);
    }
    world.advance_to(until);
    (world.event_hash(), world.lost_so_far())
}

#[test]
fn every_file_loads_plays_one_history_and_is_hurt_by_its_causes_and_by_nothing_else() {
    let catalogue = Catalogue::built_in();
    let names: Vec<&str> = catalogue.names().collect();
    assert!(14 <= names.len(), "{names:?}");
    let odd: Vec<String> = names
        .par_iter()
        .flat_map_iter(|name| {
            let scenario = Scenario::open(&catalogue, name).unwrap_or_else(|e| panic!("{name}: {e}"));
            // The trap and its twin; the variants between them are the gate's to prove.
            let variants = scenario.file.variants.iter().enumerate().filter(|(place, v)| *place == 0 || v.foil);
            let told = |(_, variant): (usize, &VariantSpec)| {
                let (hash, lost) = played(&scenario, variant, &[], None);
                let (in_steps, _) = played(&scenario, variant, &[], Some(STEP));
                let (_, healthy) = played(&scenario, variant, &variant.causes, None);
                let again = format!("`scartissue run {name} --variant {} --seed {SEED}` shows it", variant.name);
                let mut odd = Vec::new();
                if hash != in_steps {
                    odd.push(format!("another history in steps of {STEP:?}; {again}"));
                }
                if !variant.causes.is_empty() && lost <= 2.0 * healthy + 1.0 {
                    odd.push(format!("{lost:.1} user-minutes lost, {healthy:.1} without the causes; {again}"));
                }
                odd
            };
            variants.flat_map(told).collect::<Vec<String>>()
        })
        .collect();
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}
