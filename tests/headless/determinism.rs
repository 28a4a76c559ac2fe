//! One history per seed: whatever the build, the number of threads, or the chunks in which time is advanced.

use rayon::prelude::*;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::spec::action::Action;
use scartissue::sim::time::SimDuration;
use scartissue::sim::world::{Ended, World};

/// The flagship, cut to a few minutes around its onset.
fn short_flagship() -> Scenario {
    let scenario = Scenario::open(&Catalogue::built_in(), "empty-spares").expect("it loads");
    let mut file = (*scenario.file).clone();
    file.length_s = SimDuration::from_secs(150);
    file.warm_up_s = SimDuration::from_secs(20);
    file.cache_history_s = SimDuration::from_secs(200);
    for fault in file.causes.iter_mut().chain(&mut file.decoys).flat_map(|c| &mut c.faults) {
        fault.at_s = fault.at_s.map(|_| SimDuration::from_secs(30));
    }
    Scenario { file: file.into(), ..scenario }
}

fn world(seed: u64) -> World {
    short_flagship().world(&Setup::default(), seed).expect("it is a world")
}

fn facts(ended: &Ended) -> (u64, u64, String, String) {
    let json = serde_json::to_string(&ended.series).expect("plain numbers");
    (ended.event_hash, ended.events, json, format!("{:?}", (ended.harm, &ended.tally, &ended.facts)))
}

#[test]
fn equal_seeds_have_equal_histories_and_others_have_others() {
    let (one, again, other) = (world(3).finish(), world(3).finish(), world(4).finish());
    assert_eq!(facts(&one), facts(&again));
    assert_ne!(one.event_hash, other.event_hash);
}

#[test]
fn time_may_be_advanced_in_any_chunks() {
    let whole = world(5).finish();
    let mut chunked = world(5);
    let (_, horizon) = chunked.window();
    let mut step = 1u64;
    while chunked.now() < horizon {
        step = step.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let until = chunked.now() + SimDuration(step % 3_000_000_000);
        chunked.advance_to(until);
    }
    assert_eq!(facts(&whole), facts(&chunked.finish()));
}

#[test]
fn a_copy_of_a_world_goes_on_as_the_world_does() {
    let mut trunk = world(6);
    let (opens, horizon) = trunk.window();
    let middle = SimDuration(horizon.since(opens).0 / 2);
    trunk.advance_to(opens + middle);
    let mut branch = trunk.clone();
    branch.order(Action::Shed { share: 0.5 });
    let (shed, copied) = (branch.finish(), trunk.clone().finish());
    assert_eq!(facts(&copied), facts(&world(6).finish()), "and what the branch did is not seen");
    assert_ne!(shed.event_hash, copied.event_hash);
    assert_eq!(facts(&copied), facts(&trunk.finish()));
}

#[test]
fn what_is_ordered_is_a_part_of_the_history_even_where_it_changes_nothing() {
    let orders = ["launch", "renewal"].map(|change| Action::Rollback { change: change.to_string() });
    let hashes = orders.map(|order| {
        let mut world = world(6);
        let (opens, _) = world.window();
        world.advance_to(opens + SimDuration::from_secs(60));
        world.order(order);
        world.finish().event_hash
    });
    assert_ne!(hashes[0], hashes[1]);
}

#[test]
fn runs_in_parallel_are_the_runs_alone() {
    let alone: Vec<u64> = (0..4).map(|seed| world(seed).finish().event_hash).collect();
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let together: Vec<u64> =
            pool.install(|| (0..4u64).into_par_iter().map(|seed| world(seed).finish().event_hash).collect());
        assert_eq!(alone, together, "{threads} threads");
    }
}

#[test]
fn the_hash_of_a_run_is_the_same_in_every_build() {
    // Debug and release, with and without features: run this test in each. A change of the world changes the number;
    // then put the printed one here, in the same change.
    const GOLDEN: u64 = 0xd16e_dafd_2cf1_0e02;
    let hash = world(1).finish().event_hash;
    assert_eq!(hash, GOLDEN, "now {hash:#018x}");
}
