//! Pages, changes and tickets: something pages in time in every variant and never on a healthy day, and what was
//! changed tells no variant from another.

use std::sync::Arc;

use rayon::prelude::*;

use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::file::VariantSpec;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::rng::mix;
use scartissue::sim::spec::stack::Severity;
use scartissue::sim::time::SimDuration;
use scartissue::sim::world::World;
use scartissue::telemetry::alerts::{Alert, AlertBook};
use scartissue::telemetry::changes::ChangeLog;
use scartissue::telemetry::tickets::TicketBook;

const SEEDS: [u64; 3] = [1, 2, 3];
/// A Tuesday, 14:00.
const OPENING: i64 = 1_772_546_400;
/// Scenario, its alert, and seconds after the opening from which on somebody is to be paged and until when.
const PAGES: [(&str, &str, f64, f64); 4] = [
    ("empty-spares", "ServingSLOBurnFast", 300.0, 480.0),
    ("empty-spares-replay", "ServingSLOBurnFast", 300.0, 480.0),
    ("record-day", "ServingSLOBurnFast", 240.0, 520.0),
    ("quiet-tuesday", "CacheHitRatioLow", 540.0, 480.0),
];

fn open(name: &str) -> Scenario {
    Scenario::open(&Catalogue::built_in(), name).expect("a built-in scenario loads")
}

fn watched(scenario: &Scenario, variant: &VariantSpec, healthy: bool, seed: u64) -> (World, AlertBook) {
    let without = if healthy { variant.causes.clone() } else { Vec::new() };
    let setup = Setup { variant: Some(variant.name.clone()), without, actions: Vec::new() };
    let mut world = scenario.world(&setup, seed).expect("the variant is there");
    world.scrape_everything();
    let book = AlertBook::new(&scenario.file.stack.monitoring.alerts, world.window().0).expect("the rules are PromQL");
    (world, book)
}

#[test]
fn one_alert_pages_in_time_in_every_variant_of_a_scenario() {
    let mut jobs = Vec::new();
    for (name, alert, onset, latest) in PAGES {
        let scenario = open(name);
        for variant in scenario.file.variants.clone() {
            jobs.extend(SEEDS.map(|seed| (scenario.clone(), variant.clone(), alert, onset, latest, seed)));
        }
    }
    let told: Vec<String> = jobs
        .par_iter()
        .map(|(scenario, variant, alert, onset, latest, seed)| {
            let (mut world, mut book) = watched(scenario, variant, false, *seed);
            assert!(book.run_to_page(&mut world), "{} / {} seed {seed}: nobody is paged", scenario.name, variant.name);
            let page = book.page().expect("somebody was paged");
            let after_s = page.fired.since(world.window().0).as_secs_f64() - onset;
            let told = format!("{} / {} seed {seed}: {} after {after_s} s", scenario.name, variant.name, page.name);
            assert_eq!(page.name, *alert, "{told}");
            assert!((60.0..=*latest).contains(&after_s), "{told}");
            told
        })
        .collect();
    println!("{}", told.join("\n"));
}

#[test]
fn nobody_is_paged_on_a_healthy_day() {
    let mut jobs = Vec::new();
    for name in ["empty-spares", "empty-spares-replay", "record-day"] {
        let mut scenario = open(name);
        Arc::make_mut(&mut scenario.file).length_s = SimDuration::from_secs(780);
        for variant in scenario.file.variants.clone() {
            jobs.extend(SEEDS.map(|seed| (scenario.clone(), variant.clone(), seed)));
        }
    }
    jobs.par_iter().for_each(|(scenario, variant, seed)| {
        let (mut world, mut book) = watched(scenario, variant, true, *seed);
        assert!(!book.run_to_page(&mut world), "{} / {} seed {seed}: {:?}", scenario.name, variant.name, book.page());
        let wakes = book.history().iter().filter(|alert| alert.severity == Severity::Page).count();
        assert_eq!(wakes, 0, "{} / {} seed {seed}", scenario.name, variant.name);
    });
}

#[test]
fn the_alert_on_volume_is_the_last_of_the_flagship() {
    let mut scenario = open("empty-spares");
    Arc::make_mut(&mut scenario.file).length_s = SimDuration::from_secs(720);
    for variant in &scenario.file.variants {
        let (mut world, mut book) = watched(&scenario, variant, false, 2);
        let (_, end) = world.window();
        world.advance_to(end);
        book.advance(world.scraped(), end);
        let fired = |name: &str| book.history().iter().find(|a| a.name == name).map(|a| a.fired);
        let names: Vec<&str> = book.history().iter().map(|a| a.name.as_str()).collect();
        let volume = fired("RequestVolumeHigh").expect("volume follows");
        for earlier in ["FirstTokenP99High", "ServingSLOBurnFast", "QueueGrowing", "ClientsGivingUp"] {
            assert!(fired(earlier).is_some_and(|at| at < volume), "{}: {earlier} in {names:?}", variant.name);
        }
    }
}

#[test]
fn alerts_do_not_depend_on_how_time_is_advanced() {
    let mut scenario = open("empty-spares");
    Arc::make_mut(&mut scenario.file).length_s = SimDuration::from_secs(600);
    let variant = scenario.file.variants[0].clone();
    let history = |chunks: bool| -> Vec<Alert> {
        let (mut world, mut book) = watched(&scenario, &variant, false, 4);
        let (mut at, end) = world.window();
        while chunks && at < end {
            at = (at + SimDuration(mix(at.0, 3) % 40_000_000_000)).min(end);
            world.advance_to(at);
            book.advance(world.scraped(), at);
        }
        world.advance_to(end);
        book.advance(world.scraped(), end);
        book.history().to_vec()
    };
    let whole = history(false);
    assert!(3 < whole.len(), "{whole:?}");
    assert_eq!(whole, history(true));
}

#[test]
fn what_was_changed_and_filed_is_the_same_in_every_variant() {
    for name in ["empty-spares", "empty-spares-replay", "record-day", "quiet-tuesday"] {
        let scenario = open(name);
        for seed in SEEDS {
            let log = |variant: &VariantSpec| {
                let setup = Setup { variant: Some(variant.name.clone()), ..Setup::default() };
                ChangeLog::new(&scenario.file, &setup, seed, OPENING, 77).expect("the variant is there")
            };
            let logs: Vec<ChangeLog> = scenario.file.variants.iter().map(log).collect();
            let shown = |log: &ChangeLog| log.until(1800.0).cloned().collect::<Vec<_>>();
            for other in &logs[1..] {
                assert_eq!(shown(&logs[0]), shown(other), "{name} seed {seed}");
            }
            let all = shown(&logs[0]);
            assert!((100..500).contains(&all.len()), "{name}: {} changes", all.len());
            assert!(all.windows(2).all(|pair| pair[0].at_s <= pair[1].at_s && pair[0].id < pair[1].id), "{name}");
            let rate = logs[0].base_rate(300.0);
            let count: usize = rate.split(' ').next().and_then(|n| n.parse().ok()).expect("a number first");
            assert!((8..45).contains(&count), "{name}: {rate}");
        }
        let tickets = TicketBook::new(&scenario.file, 1, OPENING, 77);
        let tickets = tickets.until(1800.0);
        assert!(tickets.windows(2).all(|pair| pair[0].at_s <= pair[1].at_s && pair[0].id < pair[1].id), "{name}");
        assert!(scenario.file.history.tickets.iter().all(|t| tickets.iter().any(|shown| shown.title == t.title)));
    }
}

#[test]
fn every_change_of_a_cause_is_in_the_log_of_every_variant_and_can_be_taken_back() {
    for name in ["empty-spares", "record-day"] {
        let scenario = open(name);
        for cause in scenario.file.causes.iter().filter(|c| c.change.is_some()) {
            let title = &cause.change.as_ref().expect("it was asked for").title;
            for variant in &scenario.file.variants {
                let setup = Setup { variant: Some(variant.name.clone()), ..Setup::default() };
                let log = ChangeLog::new(&scenario.file, &setup, 1, OPENING, 77).expect("the variant is there");
                let behind: Vec<&str> = (log.until(1800.0).filter(|c| c.title == *title))
                    .filter_map(|change| log.fault_of(&change.id))
                    .collect();
                let told = format!("{name} / {}: \"{title}\" is behind {behind:?}", variant.name);
                assert_eq!(behind.len(), 1, "{told}");
                assert_eq!(behind[0] == cause.id, variant.causes.contains(&cause.id), "{told}");
            }
        }
    }
}
