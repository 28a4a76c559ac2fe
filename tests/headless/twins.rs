//! Nothing tells the variants of a scenario apart before the first onset: what is scraped, written down and configured is
//! the same to the last value.

use rayon::prelude::*;

use scartissue::metrics::labels::NAME;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::time::SimTime;
use scartissue::sim::workload::spec::Arrivals;

/// Everything that can be seen of a world, line by line.
fn seen(scenario: &Scenario, variant: &str, until: SimTime) -> Vec<String> {
    let setup = Setup { variant: Some(variant.to_string()), ..Setup::default() };
    let mut world = scenario.world(&setup, 3).expect("a variant");
    world.record_everything();
    world.advance_to(until);
    let mut lines: Vec<String> = Vec::new();
    let store = world.scraped();
    for id in store.select(None, |_| true) {
        let points: Vec<String> = store.points(id).map(|p| format!("{} {:?}", p.t_ms, p.value)).collect();
        lines.push(format!("{} {:?}: {points:?}", store.labels(id).get(NAME), store.labels(id)));
    }
    let recording = world.recording();
    lines.extend(recording.attempts().iter().map(|row| format!("{row:?}")));
    lines.extend(recording.calls().iter().map(|row| format!("{row:?}")));
    lines.extend(recording.engines().iter().map(|state| format!("{state:?}")));
    lines.push(format!("{:?}", world.survey()));
    lines
}

/// The first moment at which variants may differ: a fault that not all of them have from the beginning begins, or a
/// source that not all of them have.
fn first_onset(scenario: &Scenario) -> SimTime {
    let file = &scenario.file;
    let causes = || file.causes.iter().chain(&file.decoys);
    let faults = causes().flat_map(|c| &c.faults).filter_map(|f| f.at_s);
    let bound = file.workload.sources.iter().filter(|s| causes().any(|c| c.sources.contains(&s.name)));
    let begins = bound.filter_map(|source| match &source.arrivals {
        Arrivals::Open(open) => open.from_s,
        Arrivals::Chat { sessions, .. } => sessions.from_s,
        Arrivals::Batch { from_s, .. } => *from_s,
        Arrivals::Trace(_) => None,
    });
    let first = faults.chain(begins).min().expect("something happens");
    file.open_at() + first
}

#[test]
fn nothing_tells_variants_apart_before_the_first_onset() {
    for name in ["empty-spares", "record-day", "empty-spares-replay", "quiet-tuesday"] {
        let scenario = Scenario::open(&Catalogue::built_in(), name).expect("a built-in scenario loads");
        let until = SimTime(first_onset(&scenario).0 - 1);
        let variants: Vec<&str> = scenario.file.variants.iter().map(|v| v.name.as_str()).collect();
        let all: Vec<Vec<String>> = variants.par_iter().map(|variant| seen(&scenario, variant, until)).collect();
        assert!(1000 < all[0].len(), "{name}: {} lines", all[0].len());
        for (variant, lines) in variants.iter().zip(&all).skip(1) {
            assert_eq!(lines.len(), all[0].len(), "{name}: {variant}");
            for (one, other) in lines.iter().zip(&all[0]) {
                assert_eq!(one, other, "{name}: {variant} beside {}", variants[0]);
            }
        }
    }
}
