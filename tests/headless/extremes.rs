//! Numbers that no author means but every author can write: a scenario that the schema lets pass either builds a world
//! that runs and balances its books, or is refused with a reason. Nothing panics, nothing runs for ever.

use std::sync::Arc;

use proptest::prelude::*;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::file::ScenarioFile;
use scartissue::scenario::load::{Presets, load};
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::scenario::source::Source;
use scartissue::sim::spec::base::Base;
use scartissue::sim::time::SimDuration;
use scartissue::sim::world::World;
use serde_json::Value;

/// Every number in a tree, as a path of keys and places.
fn numbers(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    match value {
        Value::Number(_) => found.push(path.clone()),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| {
            path.push(i.to_string());
            numbers(v, path, found);
            path.pop();
        }),
        Value::Object(fields) => fields.iter().for_each(|(k, v)| {
            path.push(k.clone());
            numbers(v, path, found);
            path.pop();
        }),
        _ => {}
    }
}

fn set(value: &mut Value, path: &[String], number: Value) {
    let mut place = value;
    for part in path {
        place = match place {
            Value::Array(items) => &mut items[part.parse::<usize>().expect("a place")],
            other => &mut other[part],
        };
    }
    *place = number;
}

fn small_flagship() -> Value {
    let mut file = (*Scenario::open(&Catalogue::built_in(), "empty-spares").expect("it loads").file).clone();
    file.length_s = SimDuration::from_secs(60);
    file.warm_up_s = SimDuration::from_secs(10);
    file.cache_history_s = SimDuration::from_secs(20);
    for fault in file.causes.iter_mut().chain(&mut file.decoys).flat_map(|c| &mut c.faults) {
        fault.at_s = fault.at_s.map(|_| SimDuration::from_secs(15));
    }
    file.stack.base = Base::default();
    file.workload.base = Base::default();
    file.history.base = Base::default();
    assert!(through_the_loader(&file).is_some(), "as it stands it is taken");
    serde_json::to_value(&file).expect("a scenario is plain data")
}

/// The file as an author would have written it, if the loader takes it.
fn through_the_loader(file: &ScenarioFile) -> Option<ScenarioFile> {
    let text = ron::to_string(file).expect("a scenario is plain data");
    let source = Arc::new(Source::new("strange.ron", text));
    load::<ScenarioFile>(source, &Presets::new(), |_, _| ()).ok().map(|loaded| loaded.value)
}

/// Lengths and rates that only make a run long are not what this is about.
fn only_makes_it_long(path: &[String], number: &Value) -> bool {
    let name = path.last().map_or("", String::as_str);
    let long = ["length_s", "warm_up_s", "cache_history_s", "per_s", "speed", "intents", "templates"].contains(&name);
    long && number.as_f64().is_some_and(|n| 200.0 < n)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]
    #[test]
    fn a_strange_number_is_refused_or_runs(
        place in any::<prop::sample::Index>(),
        number in prop_oneof![
            Just(0.0), Just(1.0), Just(0.5), Just(1e-9), Just(1e6), Just(1e9), Just(255.0), Just(65535.0), 0.0..100.0f64
        ],
        whole in any::<bool>(),
        variant in 0usize..4,
    ) {
        let mut tree = small_flagship();
        let mut paths = Vec::new();
        numbers(&tree, &mut Vec::new(), &mut paths);
        let path = paths[place.index(paths.len())].clone();
        let number = if whole { Value::from(number as u64) } else { Value::from(number) };
        prop_assume!(!only_makes_it_long(&path, &number));
        set(&mut tree, &path, number.clone());
        let Ok(file) = serde_json::from_value::<ScenarioFile>(tree) else { return Ok(()) };
        let Some(file) = through_the_loader(&file) else { return Ok(()) };
        let setup = Setup { variant: Some(file.variants[variant].name.clone()), ..Setup::default() };
        let Ok(spec) = file.world(&setup) else { return Ok(()) };
        match World::new(&spec, 7) {
            Err(mistakes) => prop_assert!(mistakes.iter().all(|m| !m.message.is_empty())),
            Ok(world) => {
                let ended = world.finish();
                prop_assert!(ended.conservation.is_ok(), "{} = {number}: {:?}", path.join("."), ended.conservation);
            }
        }
    }
}
