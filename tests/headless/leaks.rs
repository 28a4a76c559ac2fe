//! Nothing that a participant can look at tells what is true: no author's word anywhere, and before the first onset the
//! variants of one seed are the same to the byte.

use rayon::prelude::*;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::check::seen::{authors_words, leaks, told_apart_before_onset};

fn scenarios() -> Vec<Scenario> {
    let catalogue = Catalogue::built_in();
    let small = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");
    let names = catalogue.names().map(str::to_string).chain([small.to_string()]);
    names.map(|name| Scenario::open(&catalogue, &name).expect("it loads")).collect()
}

#[test]
fn before_the_first_onset_the_variants_of_a_seed_are_the_same_to_the_byte() {
    for scenario in scenarios() {
        let apart = told_apart_before_onset(&scenario);
        assert!(apart.is_empty(), "{}: {}", scenario.name, apart.join("\n"));
    }
}

#[test]
fn no_word_of_the_author_is_to_be_seen() {
    let found: Vec<String> = scenarios()
        .par_iter()
        .flat_map_iter(|scenario| {
            let words = authors_words(scenario);
            let shown = scenario.file.variants.iter().flat_map(|v| leaks(scenario, &v.name, &words));
            shown.map(|line| format!("{}: {line}", scenario.name)).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
