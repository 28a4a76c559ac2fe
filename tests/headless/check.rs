//! The publication gate: each clause fails on what breaks it and holds on what does not, certificates fit one scenario in
//! one build, and the command keeps its contract.

use std::path::PathBuf;
use std::process::Command as Process;

use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::check::certificate::{Certificate, Keys, Standing, VERSION};
use scartissue::score::check::naive::{Player, play, suggested};
use scartissue::score::check::{
    Clause, Finding, Scope, Verdict, check_scenario, check_variant, first_screen, world_key,
};
use scartissue::score::observer::differential::{HEALTHY, Hypothesis, hypotheses};
use scartissue::score::observer::grid::Grid;
use scartissue::score::observer::reading::Reading;
use scartissue::score::observer::registry::Source;
use scartissue::score::observer::table::{Sample, Table};
use scartissue::score::observer::{NoObserver, Observer};
use scartissue::score::runs::Runs;
use serde_json::Value;

const SMALL: &str = include_str!("../data/scenarios/small.ron");
const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios");
const ALERT: &str = "monitoring: (alerts: [(name: \"Errors\", expr: \"sum(rate(envoy_http_downstream_rq_xx{envoy_response_code_class=\\\"5\\\"}[2m])) > 0.1\", for_s: 60, severity: Page, summary: \"errors\")]),\n        api: (gateways: 2),";
const DECOY: &str = "decoys: [(id: \"note-of-footer\", says: \"a footer changes its colour\", faults: [(at_s: Some(100), fault: Benign(what: \"footer\"))])],\n    variants: [";
const ONE: &str = "(name: \"canary-flag-variant\", causes: [\"canary-flag-cause\"])";
const MENDED: &str = "(name: \"canary-flag-variant\", causes: [\"canary-flag-cause\"], decoys: [\"note-of-footer\"], mends: [\"flag-off:fast-headers\"], tempts: [\"scale:only=4\"])";

/// Texts to replace, and what by.
type Edits<'a> = &'a [(&'a str, &'a str)];

/// A scenario of which everything is true that its file says, with some of its text replaced.
fn sound(edits: &[(&str, &str)]) -> Scenario {
    let mut text =
        SMALL.replacen("api: (gateways: 2),", ALERT, 1).replacen("variants: [", DECOY, 1).replacen(ONE, MENDED, 1);
    for (old, new) in edits {
        assert!(text.contains(old), "{old} is not in the file");
        text = text.replacen(old, new, 1);
    }
    Scenario::open(&Catalogue::from_texts(&[("sound.ron", &text)]), "sound")
        .unwrap_or_else(|e| panic!("{edits:?}: {e}"))
}

fn findings(scenario: &Scenario) -> Vec<Finding> {
    let scope = Scope::new("sound", 6, false);
    let nobody = Err(NoObserver::Missing("sound".to_string()));
    let mut found =
        check_variant(&Runs::new(scenario), &scope, "canary-flag-variant", &nobody, &|_, _| {}).expect("it runs");
    found.extend(check_scenario(scenario, &scope, &nobody));
    found
}

fn failing(scenario: &Scenario) -> Vec<Clause> {
    let needs_an_observer = [Clause::Solvable, Clause::TrapLive, Clause::FirstScreen];
    let of = findings(scenario).into_iter().filter(|f| f.verdict != Verdict::Holds).map(|f| f.clause);
    of.filter(|clause| !needs_an_observer.contains(clause)).collect()
}

#[test]
fn every_clause_holds_where_a_file_says_what_is_true_and_fails_where_it_does_not() {
    assert_eq!(failing(&sound(&[])), [], "{:#?}", findings(&sound(&[])));
    let broken: [(Edits<'_>, &[Clause]); 8] = [
        (
            &[("share: 0.35", "share: 0.0001")],
            &[Clause::Hurts, Clause::PageFires, Clause::RootNeeded, Clause::RemedyWorks],
        ),
        (&[("> 0.1", "> 1e6")], &[Clause::PageFires]),
        (&[("> 0.1", "> -1"), ("for_s: 60", "for_s: 200")], &[Clause::PageSilent]),
        (&[("Benign(what: \"footer\")", "BadFlag(flag: \"footer\", share: 0.3)")], &[Clause::DecoysHarmless]),
        (&[("flag-off:fast-headers", "scale:only=3")], &[Clause::RemedyWorks]),
        (&[("scale:only=4", "shift-traffic=0.9")], &[Clause::TemptingFails]),
        (&[("foil: true", "foil: false")], &[Clause::TwinExists]),
        (&[("briefing: \"You", "briefing: \"A flag turns on a path that throws. You")], &[Clause::NoLeak]),
    ];
    for (edits, expected) in broken {
        let found = failing(&sound(edits));
        for clause in expected {
            assert!(found.contains(clause), "{edits:?} leaves {clause:?}: {found:?}");
        }
    }
}

/// An observer whose ensemble showed so many users in pain on the first screen, by hypothesis and seed.
fn first_screens(scenario: &Scenario, pain: &dyn Fn(usize, usize) -> f32) -> Observer {
    const SEEDS: usize = 24;
    let all: Vec<Hypothesis> = hypotheses(&scenario.file).into_iter().filter(|h| h.name != HEALTHY).collect();
    let sample = |hypothesis: usize, seed: usize| {
        let values = [(Source::Pain, vec![pain(hypothesis, seed); Grid::default().len()])].into();
        Sample { hypothesis, seed, reading: Reading { values, paged_s: Some(300.0) } }
    };
    let samples: Vec<Sample> =
        (0..all.len()).flat_map(|h| (0..SEEDS).map(move |seed| (h, seed))).map(|(h, seed)| sample(h, seed)).collect();
    Observer::new(scenario, Table::of("sound", &scenario.fingerprint(), &all, &samples))
}

#[test]
fn a_first_screen_that_names_the_variant_fails_and_one_that_is_alike_in_all_does_not() {
    let scenario = sound(&[]);
    let scope = Scope::new("sound", 6, false);
    let judged = |pain: &dyn Fn(usize, usize) -> f32, scope: &Scope| {
        first_screen::check(&scenario, &Ok(first_screens(&scenario, pain)), scope)
    };
    let varied = |seed: usize| 0.2 + 0.01 * (seed * 7 % 12) as f32;
    let alike = judged(&|_, seed| varied(seed), &scope);
    assert_eq!(alike.verdict, Verdict::Holds, "{alike:?}");
    let telling = judged(&|h, seed| varied(seed) + 0.5 * h as f32, &scope);
    assert_eq!(telling.verdict, Verdict::Fails, "{telling:?}");
    assert!(telling.says.starts_with("the nearest match names 48 of 48"), "{}", telling.says);
    assert_eq!(telling.show, "scartissue observer show sound --at 0");
    // On every other night it tells: that is more than chance too.
    let sometimes = judged(&|h, seed| varied(seed) + if seed % 2 == 0 { 0.9 * h as f32 } else { 0.0 }, &scope);
    assert_eq!(sometimes.verdict, Verdict::Fails, "{sometimes:?}");
    // It is not decided by those who do not ask, nor by an observer of another scenario.
    assert_eq!(judged(&|_, seed| varied(seed), &Scope::new("sound", 1, true)).verdict, Verdict::Open);
    let nobody = Err(NoObserver::Missing("sound".to_string()));
    assert_eq!(first_screen::check(&scenario, &nobody, &scope).verdict, Verdict::Open);
}

#[test]
fn a_finding_that_fails_names_its_seeds_and_a_command() {
    let found = findings(&sound(&[("> 0.1", "> 1e6")]));
    let page = found.iter().find(|f| f.clause == Clause::PageFires).expect("it is judged");
    assert_eq!(page.seeds, [1, 2, 3, 4, 5, 6]);
    assert_eq!(page.show, "scartissue run sound --variant canary-flag-variant --seed 1");
    assert_eq!(page.says, "nobody is paged");
}

#[test]
fn a_certificate_fits_one_scenario_in_one_build() {
    let scenario = sound(&[]);
    let keys = |scenario: &Scenario| Keys {
        scenario: scenario.fingerprint(),
        world: world_key(scenario).expect("it runs"),
        observer: None,
    };
    let mut certificate = Certificate {
        v: VERSION,
        name: "sound".to_string(),
        keys: keys(&scenario),
        scope: Scope::new("sound", 6, false),
        generation: 1,
        findings: findings(&scenario),
    };
    assert_eq!(certificate.standing(&keys(&scenario)), Standing::Sound);
    let other = sound(&[("share: 0.35", "share: 0.36")]);
    assert_eq!(certificate.standing(&keys(&other)), Standing::Stale("the file, the world".to_string()));
    let words = sound(&[("a flag turns on", "some flag turns on")]);
    assert_eq!(certificate.standing(&keys(&words)), Standing::Stale("the file".to_string()), "the world is the same");
    certificate.findings[0].verdict = Verdict::Fails;
    assert_eq!(certificate.standing(&keys(&scenario)), Standing::Failed(1));
    let text = serde_json::to_string(&certificate).expect("plain data");
    assert_eq!(serde_json::from_str::<Certificate>(&text).expect("it reads").failing(), 1);
}

#[test]
fn players_that_do_not_look_get_what_their_answer_is_worth() {
    let scenario = sound(&[]);
    let fared = play(&[&scenario]).expect("it runs");
    let right = |player: Player| fared.iter().find(|f| f.player == player).expect("it plays").right;
    // Two variants, drawn alike: one answer is right on half of them, two together on all.
    assert_eq!((right(Player::AlwaysDemand), right(Player::DoNothing)), (0.0, 0.0));
    assert!((0.35..0.65).contains(&right(Player::BestConstant)), "{fared:?}");
    assert!(right(Player::Random) < 0.15);
    // Points are bounded too: right at once and nothing else is half of them, wrong hardly any.
    let points = |player: Player| fared.iter().find(|f| f.player == player).expect("it plays").points;
    assert!(points(Player::AlwaysDemand) < 12.0 && points(Player::DoNothing) < 12.0, "{fared:?}");
    assert!((20.0..50.0).contains(&points(Player::BestConstant)), "{fared:?}");
    assert_eq!(suggested("Serving SLO burn: first tokens late, requests far above normal"), "demand.growth");
}

#[test]
fn the_command_keeps_its_contract() {
    let data = std::env::temp_dir().join(format!("scartissue-check-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&data);
    std::fs::create_dir_all(&data).expect("a temporary directory can be made");
    let run = |arguments: &[&str]| {
        let mut process = Process::new(env!("CARGO_BIN_EXE_scartissue"));
        process.args(arguments).args(["--scenarios", SCENARIOS]).env("SCARTISSUE_DATA", &data).env("NO_COLOR", "1");
        let output = process.output().expect("the program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let path = |name: &str| -> String { data.join(name).to_string_lossy().into_owned() };
    let (code, json, talk) = run(&["check", "small", "--quick", "--json", "--junit", &path("junit.xml")]);
    assert_eq!(code, Some(1), "it has no pager, and a variant that hurts nobody: {talk}");
    let report: Value = serde_json::from_str(&json).expect("JSON");
    let findings = report["scenarios"][0]["findings"].as_array().expect("findings");
    let page = findings.iter().find(|f| f["clause"] == "page-fires").expect("it is judged");
    assert_eq!((&page["verdict"], &page["seeds"][0]), (&Value::from("fails"), &Value::from(1)));
    assert!(page["show"].as_str().is_some_and(|show| show.starts_with("scartissue run small --variant")));
    let xml = std::fs::read_to_string(path("junit.xml")).expect("it was written");
    assert!(xml.contains("<testsuite name=\"small\"") && xml.contains("<failure message="), "{xml}");

    let certificates = path("certificates");
    let certified = run(&["check", "small", "--seeds", "2", "--certify", &certificates]);
    assert_eq!(certified.0, Some(1), "{}", certified.2);
    let (code, text, talk) = run(&["check", "small", "--verify", &certificates]);
    assert!(code == Some(1) && text.contains("FAILED"), "{text}{talk}");
    std::fs::write(PathBuf::from(&certificates).join("small.json"), "{}").expect("it is written");
    let (code, _, talk) = run(&["check", "small", "--verify", &certificates]);
    assert!(code == Some(1) && talk.contains("is no certificate"), "{talk}");
    assert_eq!(run(&["check", "smal", "--quick"]).0, Some(2));
    let _ = std::fs::remove_dir_all(&data);
}
