//! What the scripted assistant shows for a story that is not so: it is there to be seen, and by the ideal observer's tables
//! it proves the story nowhere. Whether it speaks against it is measured and printed: to an observer that reads the charts
//! whole, shapes and moments included, it does.

use rayon::prelude::*;
use scartissue::assistant::advisor::Scripted;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
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

/// Scenarios with a table, and a variant that is no foil.
const TRAPS: [(&str, u64); 4] =
    [("record-day", 3), ("silent-scaler", 3), ("three-times-three", 3), ("monday-on-the-hour", 3)];
/// So sure that it is proved.
const PROVED: f64 = 0.8;

/// What was claimed, what was true, and beliefs in both: before, and given what is cited.
struct Told {
    says: String,
    cells: usize,
    truth: (f64, f64),
    claim: Option<(f64, f64)>,
}

fn told(name: &str, seed: u64) -> Told {
    let scenario = Scenario::open(&Catalogue::built_in(), name).expect("it loads");
    let variant = scenario.file.variants.iter().find(|v| !v.foil).expect("a trap").name.clone();
    let (mut session, seal) = begun(name, Some(&variant), seed, Mode::A3);
    session.apply(Seat::Participant, &Command::Next).expect("time passes");
    session.apply(Seat::Participant, &Command::Wait { seconds: 240.0 }).expect("time passes");
    let advice = Scripted { right: 0.0, moves: 0.5 }.says(&mut session, Asking::Plain).expect("a story");

    let observer = Observer::built_in(&scenario).expect("it comes with the program");
    let (open_at, _) = session.watch().world.window();
    let paged_s = SimTime(seal.paged_at_ns).as_secs_f64();
    let setup = Setup { variant: Some(variant.clone()), ..Setup::default() };
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
            cells.extend(shown(&mind, &observation, &|at: SimTime| at.as_secs_f64() - paged_s));
        }
    }
    let of = |is: &dyn Fn(usize) -> bool, beliefs: &[f64]| {
        (0..beliefs.len()).filter(|i| is(*i)).map(|i| beliefs[i]).sum::<f64>()
    };
    let (before, given) = (mind.given(&Cells::new()), mind.given(&cells));
    let is_true = |i: usize| observer.hypotheses[i].name == variant;
    let is_claim = |i: usize| observer.hypotheses[i].holds(&advice.mechanism);
    let shows: Vec<&str> = advice.citations.iter().map(|c| c.shows.as_str()).collect();
    let can_be = (0..before.len()).any(is_claim);
    Told {
        cells: cells.len(),
        says: format!("{name}, {variant}, said {} by {shows:?} ({} cells)", advice.mechanism, cells.len()),
        truth: (of(&is_true, &before), of(&is_true, &given)),
        claim: can_be.then(|| (of(&is_claim, &before), of(&is_claim, &given))),
    }
}

#[test]
fn what_a_decoy_cites_proves_it_nowhere() {
    let all: Vec<Told> = TRAPS.par_iter().map(|(name, seed)| told(name, *seed)).collect();
    let lines = all.iter().map(|t| {
        let claim = t.claim.map_or("is none of the table's".to_string(), |(a, b)| format!("{a:.2} to {b:.2}"));
        format!("{}: the truth {:.2} to {:.2}, the claim {claim}", t.says, t.truth.0, t.truth.1)
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    println!("{lines}");
    assert!(all.iter().all(|t| t.claim.is_none_or(|(_, given)| given < PROVED)), "a decoy is proved:\n{lines}");
    let real = all.iter().all(|t| 0 < t.cells);
    assert!(real, "what is cited shows nothing:\n{lines}");
}
