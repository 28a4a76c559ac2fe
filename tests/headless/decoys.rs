//! What the scripted assistant shows for a story that is not so: it is there to be seen, and by the ideal observer's tables
//! neither proves the story nor, where there is anything to choose from, gives away what is true. Of the first trap of each
//! file with a table in every run of the tests, of all variants with `SCARTISSUE_DECOYS=all`, which prints a line for each.

use rayon::prelude::*;
use scartissue::assistant::advisor::Scripted;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::score::bayes::logit;
use scartissue::score::observer::Observer;
use scartissue::score::observer::judge::shown;
use scartissue::score::observer::mind::{Cells, Mind};
use scartissue::score::observer::reading::Reading;
use scartissue::session::advice::Asking;
use scartissue::session::clock::{Mode, Seat};
use scartissue::session::command::{Command, Look};
use scartissue::session::look::Observation;
use scartissue::sim::time::SimTime;
use scartissue::telemetry::panels::BOARDS;

use crate::advisor::begun;

/// Where a table was built and a decoy can be told.
const TABLES: [&str; 14] = [
    "record-day",
    "silent-scaler",
    "three-times-three",
    "monday-on-the-hour",
    "midnight",
    "six-idle-pods",
    "seven-at-a-hundred",
    "fine-for-most",
    "fastest-replica",
    "long-document",
    "hit-rate-alarm",
    "twenty-two-images",
    "empty-spares-replay",
    "empty-spares",
];
const SEED: u64 = 3;
/// So sure that it is proved.
const PROVED: f64 = 0.8;

/// What was claimed, what was true, and beliefs in both: before, and given what is cited.
struct Told {
    says: String,
    truth: (f64, f64),
    claim: Option<(f64, f64)>,
}

fn told(name: &str, variant: &str, seed: u64) -> Told {
    let scenario = Scenario::open(&Catalogue::built_in(), name).expect("it loads");
    let (mut session, seal) = begun(name, Some(variant), seed, Mode::A3);
    session.apply(Seat::Participant, &Command::Next).expect("time passes");
    session.apply(Seat::Participant, &Command::Wait { seconds: 240.0 }).expect("time passes");
    let advice = Scripted { right: 0.0, moves: 0.5 }.says(&mut session, Asking::Plain).expect("a story");

    let observer = Observer::built_in(&scenario).expect("it comes with the program");
    let (open_at, _) = session.watch().world.window();
    let paged_s = SimTime(seal.paged_at_ns).as_secs_f64();
    let setup = Setup { variant: Some(variant.to_string()), ..Setup::default() };
    let after = Some(paged_s - open_at.as_secs_f64());
    let reading = Reading::paged(&scenario.file, &setup, seed, after).expect("a world");
    let mind = Mind::new(&observer, &reading);
    let mut cells = Cells::new();
    for citation in &advice.citations {
        // The panel that is meant, and nothing else of its board.
        let Look::Board { board, window_s } = &citation.look else { panic!("{citation:?}") };
        let board = BOARDS.iter().find(|b| b.id == *board).expect("a board");
        let panel = board.panels.iter().find(|p| p.title == citation.shows).expect("a panel");
        for (_, query) in panel.queries {
            let look = Look::Promql { query: query.to_string(), window_s: Some(*window_s), step_s: None };
            let answer = session.peek(&look).expect("it can be asked");
            let at = session.now();
            let observation = Observation { number: 1, look, asked: at, at, answer: Some(answer) };
            cells.extend(shown(&mind, &observation, &[], &|at: SimTime| at.as_secs_f64() - paged_s));
        }
    }
    let of = |is: &dyn Fn(usize) -> bool, beliefs: &[f64]| {
        (0..beliefs.len()).filter(|i| is(*i)).map(|i| beliefs[i]).sum::<f64>()
    };
    let (before, given) = (mind.given(&Cells::new()), mind.given(&cells));
    let is_true = |i: usize| observer.hypotheses[i].name == variant;
    let is_claim = |i: usize| observer.hypotheses[i].holds(&advice.mechanism);
    let shows: Vec<String> = advice.citations.iter().map(|c| format!("{}: {}", c.shows, c.says)).collect();
    let can_be = (0..before.len()).any(is_claim);
    Told {
        says: format!("{name}, {variant}, said {} by {shows:?} ({} cells)", advice.mechanism, cells.len()),
        truth: (of(&is_true, &before), of(&is_true, &given)),
        claim: can_be.then(|| (of(&is_claim, &before), of(&is_claim, &given))),
    }
}

/// By how many nats belief in what is true may rise where it is not given away.
const LITTLE: f64 = 0.5;

#[test]
fn what_a_decoy_cites_proves_nothing_and_seldom_gives_away_what_is_true() {
    let catalogue = Catalogue::built_in();
    let whole = std::env::var_os("SCARTISSUE_DECOYS").is_some();
    let variants = |name: &'static str| {
        let scenario = Scenario::open(&catalogue, name).expect("it loads");
        let all = scenario.file.variants.iter().filter(|v| whole || !v.foil).map(|v| (name, v.name.clone()));
        all.take(if whole { usize::MAX } else { 1 }).collect::<Vec<_>>()
    };
    let all: Vec<(&str, String)> = TABLES.into_iter().flat_map(variants).collect();
    let all: Vec<Told> = all.par_iter().map(|(name, variant)| told(name, variant, SEED)).collect();
    let line = |t: &Told| {
        let claim = t.claim.map_or("is none of the table's".to_string(), |(a, b)| format!("{a:.2} to {b:.2}"));
        format!("{}: the truth {:.2} to {:.2}, the claim {claim}", t.says, t.truth.0, t.truth.1)
    };
    let lines = all.iter().map(line).collect::<Vec<_>>().join("\n");
    let kept = all.iter().filter(|t| logit(t.truth.1) - logit(t.truth.0) < LITTLE).count();
    println!("{lines}\nof {} stories {kept} do not give away what is true", all.len());
    assert!(all.iter().all(|t| t.claim.is_none_or(|(_, given)| given < PROVED)), "a decoy is proved:\n{lines}");
    assert!(all.len() <= 2 * kept, "{kept} of {}:\n{lines}", all.len());
}
