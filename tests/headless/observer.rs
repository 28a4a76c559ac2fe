//! The ideal observer: on seeds that it has never seen its probabilities are frequencies; what is equal moves it nowhere;
//! names and order are nothing to it; and a session is judged by it.

use std::sync::OnceLock;

use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::debrief::{Debrief, debrief_with};
use scartissue::score::observer::Observer;
use scartissue::score::observer::build::{HELD_OUT, LEARNT, Nowhere, build, sample};
use scartissue::score::observer::calibration::calibrate;
use scartissue::score::observer::mind::{Cells, Mind};
use scartissue::score::observer::reading::Reading;
use scartissue::score::observer::registry::{Source, Window};
use scartissue::score::observer::table::{MOST_BYTES, Table};
use scartissue::score::observer::unknowns::{NARROWER, drawn};
use scartissue::session::command::Look;
use scartissue::session::look::Seen;
use scartissue::sim::spec::fault::Fault;

use crate::score::{begin, measure, say};
use scartissue::session::clock::Mode;

const SMALL: &str = include_str!("../data/scenarios/small.ron");
/// Runs of each hypothesis.
const SEEDS: usize = 16;

/// The test's scenario with its text changed.
fn scenario(change: impl Fn(&str) -> String) -> Scenario {
    let text = change(SMALL);
    Scenario::open(&Catalogue::from_texts(&[("small.ron", &text)]), "small").expect("it loads")
}

fn observer_of(scenario: &Scenario) -> Observer {
    let table = build(scenario, SEEDS, &Nowhere, &|_, _| {}).expect("an ensemble");
    Observer::new(scenario, table)
}

/// The small cell with its ideal observer.
pub(crate) fn small() -> &'static (Scenario, Observer) {
    static SMALL: OnceLock<(Scenario, Observer)> = OnceLock::new();
    SMALL.get_or_init(|| {
        let scenario = scenario(str::to_string);
        let observer = observer_of(&scenario);
        (scenario, observer)
    })
}

/// Beliefs by name of hypothesis on a held-out seed: first screen, and everything by five minutes.
fn beliefs(scenario: &Scenario, observer: &Observer, hypothesis: &str) -> Vec<(String, [f64; 2])> {
    let hypothesis = observer.hypotheses.iter().find(|h| h.name == hypothesis).expect("it is one");
    let reading = sample(scenario, hypothesis, HELD_OUT, 0).expect("a world");
    let mind = Mind::new(observer, &reading);
    let first = mind.first_screen();
    let all: Cells = mind.pieces(-360.0, 120.0).into_iter().flat_map(|p| p.cells).collect();
    let (on_first, on_all) = (mind.given(&first), mind.given(&all));
    let mut told: Vec<(String, [f64; 2])> = (observer.hypotheses.iter().enumerate())
        .map(|(place, h)| (h.name.clone(), [on_first[place], on_all[place]]))
        .collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    told
}

fn all_near(one: &[(String, [f64; 2])], other: &[(String, [f64; 2])]) {
    assert_eq!(one.len(), other.len());
    for (a, b) in one.iter().zip(other) {
        assert!((0..2).all(|i| (a.1[i] - b.1[i]).abs() < 1e-6), "{a:?} is not {b:?}");
    }
}

#[test]
fn on_seeds_never_seen_probabilities_are_frequencies() {
    let (scenario, observer) = small();
    let told = calibrate(observer, scenario, 3, &Nowhere, &|_, _| {}).expect("runs");
    assert!(told.brier < 0.1 * told.brier_of_prior, "{told:?}");
    assert!(told.error < 0.12, "{told:?}");
    assert!(0.999 < told.settled, "everything together tells a flag from a shard: {told:?}");
    let most = told.bins.iter().rev().find(|b| 0 < b.count).expect("statements");
    assert!(most.happened >= most.stated - 0.05, "surer than it may be: {told:?}");
}

#[test]
fn what_is_equal_under_all_hypotheses_moves_nobody() {
    // Both variants have the same cause, so that they are one world by two names.
    let twins = scenario(|text| text.replace("causes: [\"canary-shard-cause\"]", "causes: [\"canary-flag-cause\"]"));
    let observer = observer_of(&twins);
    assert!(observer.table.cells.is_empty(), "equal runs have nothing that tells them apart");
    for (_, believed) in beliefs(&twins, &observer, "canary-flag-variant") {
        assert_eq!(believed, [0.5, 0.5]);
    }
    // A document is the same in every world: reading it reveals no cell.
    let (_, observer) = small();
    let mind = Mind::new(observer, &Reading::default());
    for look in [
        Look::Document { id: "rb-empty-tier".to_string() },
        Look::Archive { words: "cache".to_string() },
        Look::Changes { id: "CHG-1".to_string(), hours: 24 },
    ] {
        let window = Window { look: &look, seen: &Seen::default(), told: "", at_s: 400.0, from_s: 0.0, to_s: 400.0 };
        assert!(mind.revealed(&window).is_empty(), "{look:?}");
    }
    assert_eq!(mind.given(&Cells::new()), observer.prior);
}

#[test]
fn one_thing_in_full_says_no_less_than_its_list_and_a_setting_is_told_by_whose_it_is() {
    for (line, ask, shows) in [
        ("get pods", "get pods", true),
        ("get hpa", "get hpa", true),
        ("describe hpa only", "get hpa", true),
        ("describe endpoints only", "get endpoints", true),
        ("describe deployment only", "get deployments", true),
        ("describe pod only-0", "get pods", false),
        ("describe hpa only", "get pods", false),
        ("config gateway", "config gateway", true),
        ("config gateway", "config edge", false),
        ("config only", "config serving", true),
        ("config only", "config gateway", false),
        ("ring", "get cache", true),
    ] {
        let (look, source) =
            (Look::Fleet { line: line.to_string() }, Source::Fleet { ask: ask.to_string(), form: String::new() });
        let window = Window { look: &look, seen: &Seen::default(), told: "", at_s: 400.0, from_s: 0.0, to_s: 400.0 };
        assert_eq!(source.revealed(&window).is_some(), shows, "{line} as {ask}");
    }
    // A router's table counts what runs at each replica.
    let (scenario, _) = small();
    let mut session = begin(scenario, "canary-flag-variant", 420, Mode::A0);
    say(&mut session, &["router only", "nvidia-smi only-0"]);
    let shows = |place: usize, metric: &str| {
        let features = &session.observations()[place].answer.as_ref().expect("answered").seen.features;
        assert!(features.contains(&format!("metric:{metric}")), "{features:?}");
    };
    shows(0, "vllm:num_requests_running");
    shows(1, "DCGM_FI_DEV_POWER_USAGE"); // and a machine's own table what monitoring measures of it
}

#[test]
fn names_and_the_order_of_hypotheses_are_nothing_to_it() {
    let (plain, observer) = small();
    let expected = beliefs(plain, observer, "canary-shard-variant");
    let renamed = scenario(|text| {
        let words = [("\"sdk\"", "\"quince\""), ("\"only\"", "\"walrus\""), ("model: \"m\"", "model: \"zebra\"")];
        let more =
            [("fast-headers", "mulberry"), ("cohort: \"all\"", "cohort: \"tin\""), ("name: \"all\"", "name: \"tin\"")];
        let api = [("name: \"api\"", "name: \"cobalt\"")];
        words.iter().chain(&more).chain(&api).fold(text.to_string(), |t, (from, to)| t.replace(from, to))
    });
    all_near(&beliefs(&renamed, &observer_of(&renamed), "canary-shard-variant"), &expected);
    let turned = scenario(|text| {
        let (head, variants) = text.split_once("variants: [").expect("it has some");
        let lines: Vec<&str> = variants.lines().filter(|l| l.contains("name:")).collect();
        format!("{head}variants: [\n{}\n{}\n],\n)", lines[1], lines[0])
    });
    assert_eq!(turned.file.variants[0].name, "canary-shard-variant");
    all_near(&beliefs(&turned, &observer_of(&turned), "canary-shard-variant"), &expected);
}

#[test]
fn a_table_is_small_comes_back_whole_and_is_refused_when_damaged() {
    let (scenario, observer) = small();
    let bytes = observer.table.encode();
    assert!(bytes.len() <= MOST_BYTES);
    let back = Table::decode(&bytes).expect("it was just written");
    assert_eq!(back, observer.table);
    assert!(!Observer::new(scenario, back).freshness.is_stale());
    for end in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
        assert!(Table::decode(&bytes[..end]).is_err(), "cut off at {end}");
        let mut flipped = bytes.clone();
        flipped[end] ^= 0x55;
        // It may be read or refused; it must not bring anything down.
        let _ = Table::decode(&flipped).map(|t| Observer::new(scenario, t).table.run(0).len());
    }
    // Another scenario, and another world, are told.
    let other = self::scenario(|text| text.replace("share: 0.35", "share: 0.45"));
    assert!(Observer::new(&other, observer.table.clone()).freshness.is_stale());
    let mut moved = observer.clone();
    let fresh = |o: &Observer| o.verify(scenario, Some("canary-flag-variant")).expect("a world").is_stale();
    assert!(!fresh(&moved));
    moved.table.hypotheses[0].digests[0] = "of another world".to_string();
    assert!(fresh(&moved));
}

fn judged(lines: &[&str]) -> Debrief {
    let (scenario, observer) = small();
    let mut session = begin(scenario, "canary-flag-variant", 420, Mode::A0);
    let events = say(&mut session, lines);
    debrief_with(&session, &events, Some(observer.clone()), &|_, _| {}).expect("a debrief")
}

#[test]
fn a_diagnosis_is_right_and_proved_by_what_was_cited_and_by_nothing_else() {
    let proved = judged(&["wait 120s", "board api", "commit api.flag 90 cite E1", "end"]);
    assert_eq!((proved.cause.proved, measure(&proved, "M1").value), (Some(true), Some(1.0)), "{:?}", proved.observer);
    let total = proved.card.composite.total.expect("all parts but awareness are judged");
    let looked = judged(&["wait 120s", "board api", "commit api.flag 90", "end"]);
    assert_eq!((looked.cause.proved, measure(&looked, "M1").value), (Some(false), Some(0.0)));
    assert!(
        looked.card.composite.total.expect("judged") < total,
        "{:#?}",
        (&looked.card.composite, &proved.card.composite)
    );
    // What is cited and tells nothing is no proof, and costs.
    let beside = judged(&["wait 120s", "read rb-empty-tier", "commit api.flag 90 cite E1", "end"]);
    assert_eq!(measure(&beside, "M1").value, Some(0.0));
    assert_eq!(beside.observer.as_ref().map(|o| o.irrelevant.clone()), Some(vec![1]));
}

#[test]
fn left_open_rightly_is_what_could_not_be_told_and_not_what_nobody_opened() {
    let unopened = judged(&["wait 180s", "commit not_provable 90", "end"]);
    assert_eq!(unopened.cause.rightly_open, Some(false), "{}", unopened.cause.grounding);
    // In this cell the share of users in pain parts the two at first sight.
    assert!(unopened.cause.grounding.starts_with("Nothing was looked at"), "{}", unopened.cause.grounding);
    // A document says nothing of any hypothesis, and is not held against whoever read it.
    let read = judged(&["wait 180s", "read rb-empty-tier", "commit api.flag 90", "end"]);
    let look = &read.observer.as_ref().expect("an observer").looks[0];
    assert!(look.neutral && !look.tells_apart, "{look:?}");
}

#[test]
fn an_observer_that_plays_looks_first_where_most_is_to_be_learnt_for_its_price() {
    let (scenario, observer) = small();
    let reading = sample(scenario, &observer.hypotheses[0], HELD_OUT, 1).expect("a world");
    let mut mind = Mind::new(observer, &reading);
    let first = mind.best(120.0, 420.0);
    assert!(first.windows(2).all(|p| p[1].bits / p[1].price_s.max(1.0) <= p[0].bits / p[0].price_s.max(1.0)));
    let piece = mind.pieces(-300.0, 120.0).into_iter().find(|p| p.item == first[0].item).expect("it was offered");
    mind.take(piece.cells);
    assert!(0.8 < mind.beliefs()[0]);
    assert!(mind.best(120.0, 420.0)[0].bits < first[0].bits, "what is known need not be asked again");
}

#[test]
fn what_nobody_could_know_is_drawn_anew_and_what_is_written_lies_within() {
    let (scenario, observer) = small();
    let drawn = |hypothesis: usize, place: usize, narrower: f64| {
        drawn(&scenario.file, &observer.hypotheses[hypothesis], LEARNT, place, narrower)
    };
    let amounts = |place: usize, narrower: f64| {
        let drawn = drawn(0, place, narrower);
        let fault = &drawn.file.causes[0].faults[0];
        let Fault::BadFlag { share, .. } = fault.fault else { panic!("a flag") };
        let wanted = serde_json::to_value(&drawn.file.workload.sources[0].arrivals).expect("plain data");
        let rate = wanted["Open"]["per_s"].as_f64().expect("a rate");
        (fault.at_s.expect("it begins").as_secs_f64(), share, rate, drawn.seed)
    };
    let all: Vec<(f64, f64, f64, u64)> = (0..200).map(|place| amounts(place, 1.0)).collect();
    let written = (120.0, 0.35, 2.0);
    let of = [
        all.iter().map(|a| a.0).collect::<Vec<f64>>(),
        all.iter().map(|a| a.1).collect(),
        all.iter().map(|a| a.2).collect(),
    ];
    for (values, (written, least, most)) in
        of.iter().zip([(written.0, 60.0, 240.0), (written.1, 0.17, 0.58), (written.2, 1.5, 2.35)])
    {
        let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        assert!(least <= low && high <= most, "{low} to {high}");
        let span = most - least;
        assert!(low < written - 0.1 * span && written + 0.1 * span < high, "{written} lies within {low} to {high}");
    }
    assert_eq!(amounts(7, 1.0), amounts(7, 1.0), "the same place is the same run");
    let (at_s, share, rate, _) = amounts(3, NARROWER[2]);
    assert_eq!((at_s, share, rate), written, "drawn as narrowly as can be it is what is written");
    let seeds: std::collections::BTreeSet<u64> =
        (0..2).flat_map(|h| (0..50).map(move |place| (h, place))).map(|(h, place)| drawn(h, place, 1.0).seed).collect();
    assert_eq!(seeds.len(), 100, "each hypothesis has seeds of its own");
}

#[test]
fn who_cites_nothing_has_proved_nothing_however_likely_it_was() {
    // Nine times out of ten it is the flag behind such a page: that is no evidence.
    let likely = scenario(|text| {
        text.replace("causes: [\"canary-flag-cause\"])", "causes: [\"canary-flag-cause\"], base_rate: Some(9))")
    });
    let (_, observer) = small();
    let table = observer.table.clone();
    let mut session = begin(&likely, "canary-flag-variant", 420, Mode::A0);
    let events = say(&mut session, &["commit api.flag 90", "end"]);
    let told = debrief_with(&session, &events, Some(Observer::new(&likely, table)), &|_, _| {}).expect("a debrief");
    assert!(0.8 < told.observer.as_ref().expect("there is one").truth_given_cited);
    assert_eq!(
        (told.cause.proved, measure(&told, "M1").value, measure(&told, "M3").value),
        (Some(false), Some(0.0), Some(0.0))
    );
}

#[test]
fn every_incident_that_ships_has_its_observer_and_alternatives_are_only_held_against_it() {
    let catalogue = Catalogue::built_in();
    let mut with_alternatives = 0;
    for name in catalogue.names() {
        let scenario = Scenario::open(&catalogue, name).expect("it loads");
        let observer = Observer::built_in(&scenario).unwrap_or_else(|e| panic!("{name}: {e}"));
        let known: Vec<&str> = observer.hypotheses.iter().map(|h| h.name.as_str()).collect();
        let file = &scenario.file;
        assert!(2 <= known.len(), "{name}: {known:?}");
        for one in file.variants.iter().chain(&file.alternatives) {
            assert!(known.contains(&one.name.as_str()), "{name}: {} is no hypothesis of {known:?}", one.name);
            assert!(file.variant(Some(&one.name)).is_ok(), "{name}: {} can be run", one.name);
        }
        with_alternatives += usize::from(!file.alternatives.is_empty());
        for seed in 0..20 {
            let dealt = scartissue::session::seal::dealt(seed, file.variants.iter().map(|v| v.lots));
            assert!(dealt < file.variants.len(), "{name}, seed {seed}");
        }
    }
    assert_eq!(with_alternatives, 5);
}
