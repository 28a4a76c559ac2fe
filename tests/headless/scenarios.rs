//! The scenarios that ship: each is healthy before anything breaks, breaks for its causes, and shows the signs it claims.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use scartissue::scenario::apply::parse_timed;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::series::Series;
use scartissue::sim::time::SimDuration;
use scartissue::sim::world::Ended;
use scartissue::sim::world::fact::What;

const SEEDS: [u64; 3] = [1, 2, 3];

/// Harm of a world in which nothing is wrong, as a share of what is at stake: what bursts alone may cost.
const HEALTHY: f64 = 0.01;

fn open(name: &str) -> Scenario {
    Scenario::open(&Catalogue::built_in(), name).expect("a built-in scenario loads")
}

/// The same scenario, ending early: what is asked of it is over by then, and the queues of the rest cost time.
fn until(mut scenario: Scenario, seconds: u64) -> Scenario {
    Arc::make_mut(&mut scenario.file).length_s = SimDuration::from_secs(seconds);
    scenario
}

fn setup(variant: &str, without: &[&str], apply: &[&str]) -> Setup {
    Setup {
        variant: Some(variant.to_string()),
        without: without.iter().map(|id| (*id).to_string()).collect(),
        actions: apply.iter().map(|text| parse_timed(text).expect("an action")).collect(),
    }
}

fn run(scenario: &Scenario, setup: &Setup, seed: u64) -> Ended {
    scenario.run(setup, seed).expect("a set-up that fits")
}

/// Harm as a share of what was at stake.
fn share(ended: &Ended) -> f64 {
    ended.harm.user_minutes_lost / ended.harm.user_minutes_at_stake
}

/// Mean of a column from `from` to `to` seconds after the opening, over the buckets in which it was measured.
fn mean(series: &Series, column: &[Option<f64>], from: f64, to: f64) -> f64 {
    let inside = series.t_s.iter().zip(column).filter(|(t, _)| from < **t && **t <= to);
    let values: Vec<f64> = inside.filter_map(|(_, value)| *value).collect();
    assert!(!values.is_empty(), "nothing was measured from {from} to {to} s");
    values.iter().sum::<f64>() / values.len() as f64
}

fn counted(column: &[f64]) -> Vec<Option<f64>> {
    column.iter().copied().map(Some).collect()
}

/// A column late in the run over the same column before anything happened.
fn rise(ended: &Ended, column: &[Option<f64>], from: f64, to: f64) -> f64 {
    mean(&ended.series, column, from, to) / mean(&ended.series, column, 0.0, 180.0)
}

#[test]
fn every_variant_is_healthy_without_its_causes() {
    let mut worlds = Vec::new();
    for name in ["record-day", "quiet-tuesday", "empty-spares"] {
        let scenario = until(open(name), 720);
        // Two variants may differ in their causes alone, and are then the same world without them.
        let distinct: BTreeMap<_, _> = scenario.file.variants.iter().map(|v| (v.decoys.clone(), v.clone())).collect();
        worlds.extend(distinct.into_values().map(|variant| (scenario.clone(), variant)));
    }
    worlds.par_iter().for_each(|(scenario, variant)| {
        let causes: Vec<&str> = variant.causes.iter().map(String::as_str).collect();
        let ended = run(scenario, &setup(&variant.name, &causes, &[]), 2);
        let share = share(&ended);
        assert!(share < HEALTHY, "{} / {}: {share}", scenario.name, variant.name);
    });
}

#[test]
fn record_day_needs_each_of_its_causes_and_no_decoy() {
    let scenario = until(open("record-day"), 720);
    SEEDS.par_iter().for_each(|seed| {
        scenario.file.variants.par_iter().for_each(|variant| {
            let told = |without: &[&str]| share(&run(&scenario, &setup(&variant.name, without, &[]), *seed));
            let happened = told(&[]);
            assert!(0.05 < happened, "{} seed {seed}: {happened}", variant.name);
            for cause in &variant.causes {
                let left = told(&[cause]);
                assert!(left < 0.05 * happened, "{} seed {seed} without {cause}: {left} of {happened}", variant.name);
            }
        });
    });
    let decoys = ["cache-exporter", "sdk-release"];
    let with = run(&scenario, &setup("serving", &[], &[]), 1).harm;
    let without = run(&scenario, &setup("serving", &decoys, &[]), 1).harm;
    assert_eq!(with, without, "nothing that a decoy touches reaches a user");
}

#[test]
fn on_a_record_day_unique_requests_move_and_what_each_costs_does_not() {
    let scenario = until(open("record-day"), 405);
    for (variant, grows) in [("serving", true), ("router", true), ("blocks", false)] {
        SEEDS.par_iter().for_each(|seed| {
            let ended = run(&scenario, &setup(variant, &[], &[]), *seed);
            let s = &ended.series;
            // After the crowd has come and before clients have given up on their first attempts.
            let intents = rise(&ended, &counted(&s.intents_per_s), 330.0, 400.0);
            let prefill = rise(&ended, &s.prefill_tokens_per_request, 330.0, 400.0);
            let hits = rise(&ended, &s.hit_ratio, 330.0, 400.0);
            let told = format!("{variant} seed {seed}: intents x{intents}, prefill x{prefill}, hits x{hits}");
            if grows {
                assert!(1.25 < intents && (0.85..1.15).contains(&prefill) && (0.9..1.1).contains(&hits), "{told}");
            } else {
                assert!((0.9..1.2).contains(&intents) && 1.2 < prefill && hits < 0.9, "{told}");
            }
        });
    }
}

#[test]
fn the_serving_pool_queues_and_the_router_tier_falls_over_with_accelerators_idle() {
    let scenario = until(open("record-day"), 720);
    SEEDS.par_iter().for_each(|seed| {
        let serving = run(&scenario, &setup("serving", &[], &[]), *seed);
        let router = run(&scenario, &setup("router", &[], &[]), *seed);
        let kills = |ended: &Ended| ended.facts.iter().filter(|f| matches!(f.what, What::GatewayKilled(_))).count();
        let queue = |ended: &Ended| mean(&ended.series, &ended.series.queue, 600.0, 720.0);
        assert_eq!(kills(&serving), 0, "seed {seed}: gateways hold");
        assert!(10 < kills(&router), "seed {seed}: {}", kills(&router));
        let queues = (queue(&serving), queue(&router));
        assert!(20.0 < queues.0 && queues.1 < 2.0, "seed {seed}: {queues:?}");
        // The ladder: from the first gateway lost to the fourth in a minute or two.
        let times: Vec<f64> = (router.facts.iter().filter(|f| matches!(f.what, What::GatewayKilled(_))))
            .map(|f| f.at.as_secs_f64())
            .collect();
        assert!(times[3] - times[0] < 150.0, "seed {seed}: {times:?}");
        assert!(times[0] > scenario.file.open_at().as_secs_f64() + 240.0, "seed {seed}: after the crowd has come");
    });
}

#[test]
fn more_machines_help_the_pool_that_lacks_them_and_not_the_gateways() {
    let scenario = until(open("record-day"), 900);
    let share_with = |variant: &str, apply: &[&str]| share(&run(&scenario, &setup(variant, &[], apply), 1));
    let more = ["take-batch-nodes=2@300", "scale:general-70b=7@300"];
    assert!(share_with("serving", &more) < 0.5 * share_with("serving", &[]));
    let (router, router_with_more) = (share_with("router", &[]), share_with("router", &more));
    assert!(0.85 * router < router_with_more, "{router_with_more} with more machines, {router} without");
    assert!(share_with("router", &["shed=0.5@390"]) < 0.8 * share_with("router", &[]), "admission control helps");
}

#[test]
fn on_a_quiet_tuesday_nothing_is_wrong_and_acting_costs() {
    let scenario = until(open("quiet-tuesday"), 1080);
    SEEDS.par_iter().for_each(|seed| {
        let told = |apply: &[&str]| run(&scenario, &setup("quiet", &[], apply), *seed);
        let quiet = told(&[]);
        assert!(share(&quiet) < 0.001, "seed {seed}: {}", share(&quiet));
        // The alert is right about what it measures: the job lowers the ratio of all together.
        let hits = |from, to| mean(&quiet.series, &quiet.series.hit_ratio, from, to);
        assert!(hits(600.0, 760.0) < 0.95 * hits(300.0, 520.0), "seed {seed}");
        assert!(0.52 < hits(0.0, 540.0) && hits(0.0, 540.0) < 0.70, "seed {seed}: {}", hits(0.0, 540.0));
        for act in ["shed=0.2@700", "restart:general-70b@700", "restart-gateways@700"] {
            let harm = share(&told(&[act]));
            assert!(0.001 < harm && 2.0 * share(&quiet) < harm, "seed {seed} {act}: {harm}");
        }
        let scaled = told(&["scale:general-70b=12@700"]);
        assert!(quiet.cost.gpu_hours < scaled.cost.gpu_hours, "seed {seed}: accelerator-hours cost");
        assert!(share(&quiet) <= share(&scaled) + 0.001, "seed {seed}: and bring nothing");
    });
}
