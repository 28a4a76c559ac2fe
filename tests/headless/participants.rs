//! Participants that come with the program: the correlator fails as it should, the careful one does not, and nobody sees
//! more than a person would.

use std::process::Command;

use rayon::prelude::*;
use scartissue::assistant::{BUILT_IN, find};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::file::{Role, VariantSpec};
use scartissue::scenario::opened::Scenario;
use scartissue::study::outcome::{Played, play};
use serde_json::Value;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");

fn played(name: &str, scenario: &str, variant: &str, seed: u64) -> Played {
    let scenario = Scenario::open(&Catalogue::built_in(), scenario).expect("it ships");
    let played = play(&scenario, Some(variant), seed, find(name).expect("a participant"), 0).expect("it can be played");
    assert_eq!(
        played.stopped, None,
        "{name}: replay with `scartissue run {} --variant {variant} --seed {seed} --as {name}`",
        scenario.name
    );
    played
}

fn blamed(name: &str, scenario: &str, variant: &str, seed: u64) -> String {
    let played = played(name, scenario, variant, seed);
    let commit = played.session.board().commits.last().expect("it committed");
    commit.commit.causes[0].mechanism.clone()
}

#[test]
fn the_correlator_says_add_servers_whether_the_cache_is_lost_or_not() {
    for (scenario, variant, seed) in [
        ("empty-spares", "membership", 3),
        ("empty-spares", "membership", 7),
        ("empty-spares", "invalidation", 4),
        ("empty-spares", "surge", 3),
        ("record-day", "serving", 1),
        ("record-day", "router", 2),
    ] {
        let played = played("correlator", scenario, variant, seed);
        let commit = &played.session.board().commits.last().expect("it committed").commit;
        assert_eq!(commit.causes[0].mechanism, "demand.growth", "{scenario} {variant} {seed}");
        let orders: Vec<&str> = played.session.orders().iter().map(|o| o.action.as_str()).collect();
        assert!(orders.iter().any(|order| order.starts_with("scale:")), "{scenario} {variant} {seed}: {orders:?}");
    }
}

#[test]
fn the_careful_one_tells_the_lost_cache_from_its_twin() {
    for (variant, seed, mechanism) in [
        ("membership", 3, "kv_cache.membership"),
        ("invalidation", 4, "kv_cache.invalidation"),
        ("surge", 5, "demand.growth"),
    ] {
        assert_eq!(blamed("good-sre", "empty-spares", variant, seed), mechanism, "{variant} {seed}");
    }
}

/// `small.ron` was written for other tests before there were participants.
#[test]
fn every_participant_gets_through_a_scenario_that_none_was_made_for() {
    for player in BUILT_IN {
        let once = played(player.name, SMALL, "canary-flag-variant", 5);
        let again = played(player.name, SMALL, "canary-flag-variant", 5);
        assert!(once.session.ended().is_some(), "{}", player.name);
        assert_eq!(once.events, again.events, "{} plays the same way every time", player.name);
        assert_eq!(
            once.session.watch().world.event_hash(),
            again.session.watch().world.event_hash(),
            "{}",
            player.name
        );
    }
    assert_eq!(blamed("good-sre", SMALL, "canary-flag-variant", 5), "api.flag");
}

#[test]
fn a_run_as_a_participant_says_what_came_of_it_as_data() {
    let output = Command::new(env!("CARGO_BIN_EXE_scartissue"))
        .args(["run", SMALL, "--seed", "5", "--as", "last-deploy", "--json"])
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for key in ["correct", "grounded_correct", "blamed", "score", "parts", "looks", "sim_s", "wall_s", "truth", "lost"]
    {
        assert!(told.get(key).is_some(), "{key} is missing: {told}");
    }
    assert_eq!(told["participant"], "last-deploy");
    let output = Command::new(env!("CARGO_BIN_EXE_scartissue"))
        .args(["run", SMALL, "--as", "corelator"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(talk.contains("correlator"), "{talk}");
}

/// It plays by tables: where there are some it looks, cites what it saw and believes no more than it can; without, it
/// refuses.
#[test]
fn the_observer_plays_by_its_tables_and_refuses_without() {
    let played = played("observer", "empty-spares", "membership", 3);
    let commit = &played.session.board().commits.last().expect("it committed").commit;
    assert_eq!(commit.points.values().map(|p| u32::from(*p)).sum::<u32>(), 100, "{commit:?}");
    assert!(!commit.cites.is_empty() && commit.cites.len() <= 12, "{commit:?}");
    let scenario = Scenario::open(&Catalogue::built_in(), SMALL).expect("it can be read");
    let player = find("observer").expect("a participant");
    let refused = play(&scenario, None, 1, player, 0).err().expect("no tables").to_string();
    assert!(refused.contains("no observer was built for small"), "{refused}");
}

/// Who has the words of the page and nothing else says the same whatever is true, and is right as often as that is.
#[test]
fn without_telemetry_a_player_scores_at_the_base_rate() {
    for (name, seeds) in [(SMALL, 1..=30), ("empty-spares", 1..=6)] {
        let scenario = Scenario::open(&Catalogue::built_in(), name).expect("it can be read");
        let player = find("alert-text").expect("a participant");
        let (mut said, mut right, mut base) = (Vec::new(), 0, 0);
        for seed in seeds {
            let played = play(&scenario, None, seed, player, 0).expect("it can be played");
            assert!(played.session.observations().is_empty(), "{name} {seed}: it looked");
            let blamed = played.session.board().commits[0].commit.causes[0].mechanism.clone();
            let variant = &played.session.seal().variant;
            let variant = scenario.file.variants.iter().find(|v| v.name == *variant).expect("a variant");
            let is_true = |mechanism: &str| {
                let causes = scenario.file.causes.iter().filter(|c| variant.causes.contains(&c.id));
                causes.into_iter().any(|c| c.mechanism == mechanism)
            };
            right += u32::from(is_true(&blamed));
            said.push(blamed);
            base += u32::from(is_true(&said[0]));
        }
        said.sort();
        said.dedup();
        assert_eq!(said.len(), 1, "{name}: the page is the same, and so is what is made of it");
        assert_eq!(right, base, "{name}");
    }
}

/// What players name on every variant of every file, against the roots that the author gave it; a line for each.
/// A few files under a seed with which no player was made; `SCARTISSUE_PLAYERS=all` plays all of them, `SCARTISSUE_SEED`
/// takes another seed.
#[test]
fn the_careful_one_names_nearly_every_cause_and_the_correlator_few() {
    let catalogue = Catalogue::built_in();
    let wanted = std::env::var("SCARTISSUE_PLAYERS").unwrap_or_default();
    let seed = std::env::var("SCARTISSUE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(33);
    let few = ["first-shift-1", "quiet-tuesday", "midnight", "six-idle-pods", "seven-at-a-hundred", "long-document"];
    let is_wanted = |name: &&str| match wanted.as_str() {
        "" => few.contains(name),
        "all" => true,
        list => list.split(',').any(|one| one == *name),
    };
    let names = catalogue.names().filter(is_wanted).map(str::to_string);
    let incidents: Vec<(String, String, Vec<String>)> = names
        .flat_map(|name| {
            let scenario = Scenario::open(&catalogue, &name).expect("it ships");
            let roots = |variant: &VariantSpec| {
                let causes = scenario.file.causes.iter().filter(|c| variant.causes.contains(&c.id));
                let roots = causes.filter(|c| c.role == Role::Root).map(|c| c.mechanism.clone());
                let mut roots: Vec<String> = roots.collect();
                if roots.is_empty() {
                    // Where none hurts alone, each of them is what it was.
                    let causes = scenario.file.causes.iter().filter(|c| variant.causes.contains(&c.id));
                    roots.extend(causes.map(|c| c.mechanism.clone()));
                }
                if roots.is_empty() { vec!["no_fault".to_string(), "telemetry.alert_rule".to_string()] } else { roots }
            };
            let variants = scenario.file.variants.iter();
            variants.map(|variant| (name.clone(), variant.name.clone(), roots(variant))).collect::<Vec<_>>()
        })
        .collect();
    let right = |player: &str| {
        let each = incidents.par_iter().map(|(scenario, variant, roots)| {
            let said = blamed(player, scenario, variant, seed);
            let right = roots.contains(&said);
            println!(
                "{} {player} {scenario} {variant}: {said}; {}",
                if right { "right" } else { "WRONG" },
                roots.join(" + ")
            );
            usize::from(right)
        });
        each.sum::<usize>()
    };
    let (careful, correlator) = (right("good-sre"), right("correlator"));
    println!("of {}: good-sre {careful}, correlator {correlator}", incidents.len());
    assert!(incidents.len() * 7 <= careful * 8, "replay with SCARTISSUE_SEED={seed}: {careful}");
    assert!(correlator * 2 <= careful, "replay with SCARTISSUE_SEED={seed}: {correlator} and {careful}");
}
