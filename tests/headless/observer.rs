//! The ideal observer: on seeds that it has never seen its probabilities are frequencies; what is equal moves it nowhere;
//! names and order are nothing to it; and a session is judged by it.

use std::sync::OnceLock;

use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::debrief::{Debrief, debrief_with};
use scartissue::score::observer::Observer;
use scartissue::score::observer::build::{Nowhere, build, held_out_seed};
use scartissue::score::observer::calibration::calibrate;
use scartissue::score::observer::mind::{Cells, Mind};
use scartissue::score::observer::reading::Reading;
use scartissue::score::observer::registry::Window;
use scartissue::score::observer::table::{MOST_BYTES, Table};
use scartissue::session::command::Look;
use scartissue::session::look::Seen;

use crate::score::{begin, measure, say};
use scartissue::session::clock::Mode;

const SMALL: &str = include_str!("../data/scenarios/small.ron");
/// Seeds of each hypothesis.
const SEEDS: usize = 8;

/// The test's scenario, shorter, with its text changed.
fn scenario(change: impl Fn(&str) -> String) -> Scenario {
    let text = change(&SMALL.replace("length_s: 1200", "length_s: 480"));
    Scenario::open(&Catalogue::from_texts(&[("small.ron", &text)]), "small").expect("it loads")
}

fn observer_of(scenario: &Scenario) -> Observer {
    let table = build(scenario, SEEDS, &Nowhere, &|_, _| {}).expect("an ensemble");
    Observer::new(scenario, table)
}

fn small() -> &'static (Scenario, Observer) {
    static SMALL: OnceLock<(Scenario, Observer)> = OnceLock::new();
    SMALL.get_or_init(|| {
        let scenario = scenario(str::to_string);
        let observer = observer_of(&scenario);
        (scenario, observer)
    })
}

/// Beliefs by name of hypothesis on a held-out seed: first screen, and everything by five minutes.
fn beliefs(scenario: &Scenario, observer: &Observer, hypothesis: &str) -> Vec<(String, [f64; 2])> {
    let setup = &observer.hypotheses.iter().find(|h| h.name == hypothesis).expect("it is one").setup;
    let reading = Reading::of(&scenario.file, setup, held_out_seed(0)).expect("a world");
    let mind = Mind::new(observer, &reading);
    let first = mind.first_screen(200.0);
    let all: Cells = mind.pieces(0.0, 300.0).into_iter().flat_map(|p| p.cells).collect();
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
    let told = calibrate(observer, scenario, 3, &|_, _| {}).expect("runs");
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
        let window = Window { look: &look, seen: &Seen::default(), at_s: 400.0, from_s: 0.0, to_s: 400.0 };
        assert!(mind.revealed(&window).is_empty(), "{look:?}");
    }
    assert_eq!(mind.given(&Cells::new()), observer.prior);
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
    let mut session = begin(scenario, "canary-flag-variant", 240, Mode::A0);
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
fn an_observer_that_plays_looks_first_where_most_is_to_be_learnt_for_its_price() {
    let (scenario, observer) = small();
    let setup = &observer.hypotheses[0].setup;
    let reading = Reading::of(&scenario.file, setup, held_out_seed(1)).expect("a world");
    let mut mind = Mind::new(observer, &reading);
    let first = mind.best(360.0, 900.0);
    assert!(first.windows(2).all(|p| p[1].bits / p[1].price_s.max(1.0) <= p[0].bits / p[0].price_s.max(1.0)));
    let piece = mind.pieces(-540.0, 360.0).into_iter().find(|p| p.item == first[0].item).expect("it was offered");
    mind.take(piece.cells);
    assert!(0.8 < mind.beliefs()[0]);
    assert!(mind.best(360.0, 900.0)[0].bits < first[0].bits, "what is known need not be asked again");
}
