//! Log lines and spans of worlds that were really recorded: they agree with the records, do not depend on how time was
//! cut, and tell nothing that only the author knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use rayon::prelude::*;

use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::spec::fault::Fault;
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::sim::world::World;
use scartissue::telemetry::calendar::Calendar;
use scartissue::telemetry::logs::{Level, LogBook, LogLine};
use scartissue::telemetry::scene::Scene;
use scartissue::telemetry::spans::{Span, SpanBook, SpanQuery, trace_of, waterfall};

/// A scenario cut short: `length` seconds, what happens in it moved to `onset` seconds after the opening.
pub fn cut(name: &str, length: u64, onset: Option<u64>) -> Scenario {
    let mut scenario = Scenario::open(&Catalogue::built_in(), name).expect("a built-in scenario loads");
    let file = Arc::make_mut(&mut scenario.file);
    file.length_s = SimDuration::from_secs(length);
    if let Some(onset) = onset {
        file.warm_up_s = SimDuration::from_secs(20);
        file.cache_history_s = SimDuration::from_secs(200);
        for fault in file.causes.iter_mut().chain(&mut file.decoys).flat_map(|c| &mut c.faults) {
            fault.at_s = fault.at_s.map(|_| SimDuration::from_secs(onset));
        }
    }
    scenario
}

/// A variant, recorded from its beginning, and its scene.
pub fn recorded(scenario: &Scenario, variant: &str, seed: u64) -> (Scene, World) {
    let setup = Setup { variant: Some(variant.to_string()), ..Setup::default() };
    let spec = scenario.file.world(&setup).expect("a variant");
    let calendar = Calendar::new("", "", spec.open_at).expect("the usual date");
    let scene = Scene::new(&spec, seed, calendar, 77);
    let mut world = scenario.world(&setup, seed).expect("a world");
    world.record_everything();
    (scene, world)
}

/// The same, played to its end.
pub fn played(scenario: &Scenario, variant: &str, seed: u64) -> (Scene, World) {
    let (mut scene, mut world) = recorded(scenario, variant, seed);
    world.advance_to(world.window().1);
    scene.refresh(&world);
    (scene, world)
}

fn book(scene: &Scene, world: &World) -> LogBook {
    let mut book = LogBook::new();
    book.advance(scene, world);
    book
}

fn suppressed(line: &LogLine) -> Option<u64> {
    line.body.strip_prefix("suppressed ")?.split(' ').next()?.parse().ok()
}

/// Which scenarios, variants and lengths the tests below look at.
const PLAYED: [(&str, &str, u64, Option<u64>); 6] = [
    ("empty-spares", "membership", 150, Some(30)),
    ("empty-spares", "flush", 150, Some(30)),
    ("empty-spares", "invalidation", 150, Some(30)),
    ("empty-spares", "surge", 150, Some(30)),
    ("record-day", "router", 660, None),
    ("quiet-tuesday", "quiet", 300, None),
];

#[test]
fn gateways_account_for_every_attempt_that_was_not_answered_in_full() {
    PLAYED.par_iter().for_each(|(name, variant, length, onset)| {
        let (scene, world) = played(&cut(name, *length, *onset), variant, 3);
        let book = book(&scene, &world);
        // What is suppressed in a second is counted at its end: the last whole second's count may not be there yet.
        let until = SimTime((world.now().0 / 1_000_000_000 - 1) * 1_000_000_000);
        let mut told: BTreeMap<&str, u64> = BTreeMap::new();
        for line in book.lines().iter().filter(|l| l.service == "gateway") {
            let count = match suppressed(line) {
                Some(count) if line.at <= until => count,
                None if line.request.is_some() && line.body.contains(": ") && line.at < until => 1,
                _ => continue,
            };
            *told.entry(line.pod.as_str()).or_default() += count;
        }
        let mut counted: BTreeMap<String, u64> = BTreeMap::new();
        let rows = world.recording().attempts().iter().filter(|row| row.ended < until && !row.answered_in_full());
        rows.for_each(|row| *counted.entry(scene.gateway(row.gateway)).or_default() += 1);
        for (pod, count) in &counted {
            assert_eq!(told.get(pod.as_str()), Some(count), "{name} {variant}: {pod}");
        }
        let errors = counted.values().sum::<u64>();
        if *name == "quiet-tuesday" {
            assert!(errors < world.recording().attempts().len() as u64 / 100, "{errors}");
        } else {
            // A gateway that is killed takes what it had in hand along, and writes nothing of it.
            assert!(20 < errors || *variant == "router", "{name} {variant}: {errors}");
        }
    });
}

#[test]
fn a_gateway_that_is_killed_is_reported_by_its_machine_and_not_by_itself() {
    let (scene, world) = played(&cut("record-day", 660, None), "router", 1);
    let book = book(&scene, &world);
    let kills: Vec<&LogLine> = book.lines().iter().filter(|l| l.body.contains("OOMKilled")).collect();
    assert!(!kills.is_empty(), "no gateway was killed");
    assert!(kills.iter().all(|l| l.service == "kubelet"));
    let own = |line: &&LogLine| line.service == "gateway" && line.body.contains("SIGTERM");
    assert_eq!(book.lines().iter().filter(own).count(), 0);
}

#[test]
fn lines_do_not_depend_on_how_time_was_cut_and_are_in_order() {
    let scenario = cut("empty-spares", 100, Some(20));
    let (scene, world) = played(&scenario, "membership", 5);
    let (whole, mut spans) = (book(&scene, &world), SpanBook::new());
    spans.advance(&scene, &world);
    assert!(whole.lines().windows(2).all(|pair| pair[0].at <= pair[1].at), "in order of time");
    let rng = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        proptest::test_runner::Config { cases: 4, failure_persistence: None, ..Default::default() },
        rng,
    );
    let cuts = proptest::collection::vec(1u64..9_000_000_000, 1..40);
    runner
        .run(&cuts, |cuts| {
            let (mut scene, mut world) = recorded(&scenario, "membership", 5);
            let (mut chunked, mut traced) = (LogBook::new(), SpanBook::new());
            let horizon = world.window().1;
            let mut turn = cuts.iter().cycle();
            while world.now() < horizon {
                world.advance_to(world.now() + SimDuration(*turn.next().expect("endless")));
                scene.refresh(&world);
                let before = chunked.lines().len();
                chunked.advance(&scene, &world);
                prop_assert!(chunked.lines()[before..].iter().all(|line| line.at < world.now()));
                traced.advance(&scene, &world);
            }
            prop_assert_eq!(chunked.lines(), whole.lines());
            prop_assert_eq!(traced.spans(), spans.spans());
            Ok(())
        })
        .expect("the same lines");
}

#[test]
fn nothing_that_only_the_author_knows_is_in_a_line_or_a_span() {
    const WORDS: [&str; 8] = ["fault", "injected", "inject", "scenario", "decoy", "cause", "variant", "twin"];
    PLAYED.par_iter().for_each(|(name, variant, length, onset)| {
        let scenario = cut(name, *length, *onset);
        let (scene, world) = played(&scenario, variant, 2);
        let book = book(&scene, &world);
        let mut spans = SpanBook::new();
        spans.advance(&scene, &world);
        let mut forbidden: Vec<String> = WORDS.iter().map(|w| (*w).to_string()).collect();
        forbidden.extend(scenario.file.causes.iter().chain(&scenario.file.decoys).map(|c| c.id.clone()));
        forbidden.extend([scenario.file.title.clone(), scenario.name.clone()]);
        forbidden.extend(scenario.file.workload.sources.iter().map(|s| s.name.clone()));
        let mut texts: Vec<String> =
            book.lines().iter().map(|l| format!("{} {} {}", l.service, l.pod, l.body)).collect();
        texts.extend(spans.spans().iter().map(|s| format!("{} {} {:?}", s.pod, s.name, s.attributes)));
        texts.sort_unstable();
        texts.dedup();
        for text in texts {
            let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').collect();
            for word in &forbidden {
                let found = words.iter().any(|w| w.eq_ignore_ascii_case(word));
                // Words that a source or a cause has in common with the trade are no leak.
                let common = ["api", "chat", "launch", "batch", "jobs", "agents"].contains(&word.as_str());
                assert!(!found || common, "\"{word}\" in {text}");
            }
        }
    });
}

#[test]
fn an_exception_comes_with_the_trace_of_the_path_that_threw_it() {
    let mut scenario = cut("record-day", 60, Some(10));
    let file = Arc::make_mut(&mut scenario.file);
    let cause = file.causes.iter_mut().find(|c| c.id == "cache-blocks").expect("the foil's cause");
    cause.faults[0].fault = Fault::BadFlag { flag: "stream-usage-v2".to_string(), share: 0.2, language: None };
    let (scene, world) = played(&scenario, "blocks", 1);
    let book = book(&scene, &world);
    let traces: Vec<&LogLine> = book.lines().iter().filter(|l| l.body.contains("Traceback")).collect();
    assert!(10 < traces.len());
    for line in traces {
        assert_eq!((line.service, line.level), ("gateway", Level::Error));
        assert!(line.body.contains("features/stream_usage_v2.py"), "{}", line.body);
        assert!(4 < line.body.lines().count());
        assert!(line.trace.is_some() && line.request.is_some());
    }
}

#[test]
fn engines_tell_their_state_in_the_form_of_vllm() {
    let (scene, world) = played(&cut("empty-spares", 150, Some(30)), "flush", 3);
    let book = book(&scene, &world);
    let stats: Vec<&str> =
        book.lines().iter().filter(|l| l.body.starts_with("Engine 000:")).map(|l| l.body.as_str()).collect();
    assert!(50 < stats.len());
    let external = |line: &str| -> f64 {
        let tail = line.rsplit("External prefix cache hit rate: ").next().expect("it is there");
        tail.trim_end_matches('%').parse().expect("a number")
    };
    let agents: Vec<&LogLine> =
        book.lines().iter().filter(|l| l.pod.starts_with("agents-70b") && l.body.starts_with("Engine 000:")).collect();
    let open = scene.open_at;
    let mean = |from: u64, to: u64| {
        let inside = agents
            .iter()
            .filter(|l| open + SimDuration::from_secs(from) < l.at && l.at <= open + SimDuration::from_secs(to));
        let values: Vec<f64> = inside.map(|l| external(&l.body)).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let (before, after) = (mean(0, 30), mean(45, 100));
    assert!(after < 0.5 * before, "found outside: {before} % before the loss, {after} % after it");
}

#[test]
fn tries_of_an_intent_are_siblings_and_their_parts_add_up() {
    let (scene, world) = played(&cut("empty-spares", 150, Some(30)), "membership", 3);
    let recording = world.recording();
    let retried = recording.attempts().iter().rev().find(|a| 0 < a.retry_count).expect("somebody tried again");
    let spans = trace_of(&scene, recording, retried.intent);
    let tries: Vec<&Span> = spans.iter().filter(|s| s.parent.is_none()).collect();
    let rows: Vec<_> = recording.attempts().iter().filter(|a| a.intent == retried.intent).collect();
    assert_eq!(tries.len(), rows.len());
    assert!(1 < tries.len());
    assert!(spans.iter().all(|s| s.trace == scene.trace(retried.intent)));
    let counts: Vec<&str> = tries.iter().filter_map(|s| s.attribute("retry.count")).collect();
    assert_eq!(counts.len(), tries.len());
    for span in &spans {
        assert!(span.attributes.windows(2).all(|pair| pair[0].0 < pair[1].0), "attributes are in order: {span:?}");
        let parent = span.parent.as_ref().and_then(|p| spans.iter().find(|s| s.span == *p));
        assert_eq!(parent.is_some(), span.parent.is_some());
        assert!(parent.is_none_or(|p| p.start <= span.start), "{span:?}");
    }
    let mut ids: Vec<&str> = spans.iter().map(|s| s.span.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), spans.len(), "ids are unique");
}

#[test]
fn kept_traces_are_whole_and_can_be_found() {
    let (scene, world) = played(&cut("empty-spares", 150, Some(30)), "membership", 3);
    let mut book = SpanBook::new();
    book.advance(&scene, &world);
    let query = SpanQuery { error: true, at_least: SimDuration::from_secs(10), ..SpanQuery::default() };
    let found = book.search(&query, 20);
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|t| 0 < t.errors && SimDuration::from_secs(10) <= t.duration));
    let none = SpanQuery { service: Some("nobody".to_string()), ..SpanQuery::default() };
    assert!(book.search(&none, 20).is_empty());
    let whole = book.search(&SpanQuery::default(), usize::MAX);
    let attempts = world.recording().attempts();
    let share = whole.len() as f64 / attempts.len() as f64;
    assert!((0.05..0.25).contains(&share), "{share}");
    let intent = attempts
        .iter()
        .find(|a| found.iter().any(|t| t.trace == scene.trace(a.intent)) && 0 < a.calls)
        .expect("an attempt of a found trace");
    let kept = book.trace(&scene.trace(intent.intent));
    let all = trace_of(&scene, world.recording(), intent.intent);
    assert!(kept.iter().all(|span| span.end() >= world.now() || all.contains(span)));
    let over = world.now().since(SimTime::from_secs_f64(5.0));
    let whole = attempts.iter().filter(|a| 0 < a.calls && a.ended.0 < over.0).map(|a| a.intent).filter_map(|intent| {
        let all = trace_of(&scene, world.recording(), intent);
        let kept = book.trace(&scene.trace(intent));
        let tries = |spans: &[Span]| spans.iter().filter(|s| s.parent.is_none()).count();
        (0 < tries(&kept) && tries(&kept) == tries(&all)).then_some((kept.len(), all.len()))
    });
    let whole: Vec<(usize, usize)> = whole.take(200).collect();
    assert_eq!(whole.len(), 200);
    assert!(whole.iter().all(|(kept, all)| kept == all), "every call of a kept attempt is kept");
}

#[test]
fn a_waterfall_marks_what_was_waited_for() {
    let second = |s: f64| SimTime::from_secs_f64(s);
    let span = |id: &str, parent: Option<&str>, pod: &str, name: &str, from: f64, to: f64, error: bool| Span {
        trace: "t1".to_string(),
        span: id.to_string(),
        parent: parent.map(str::to_string),
        service: "gateway",
        pod: pod.to_string(),
        name: name.to_string(),
        start: second(from),
        duration: second(to).since(second(from)),
        error,
        attributes: Vec::new(),
    };
    let spans = vec![
        span("a", None, "gateway-1", "POST /v1/messages", 0.0, 30.0, true),
        span("a1", Some("a"), "gateway-1", "parse", 0.0, 0.002, false),
        span("a2", Some("a"), "gateway-1", "POST /v1/completions", 0.01, 31.0, true),
        span("b", None, "gateway-4", "POST /v1/messages", 31.0, 40.0, false),
        span("b1", Some("b"), "gateway-4", "POST /v1/completions", 31.5, 40.0, false),
        span("b2", Some("b1"), "agents-70b-3", "queue", 31.5, 36.0, false),
        span("b3", Some("b1"), "agents-70b-3", "prefill", 36.0, 38.0, false),
        span("b4", Some("b1"), "agents-70b-3", "decode", 38.0, 40.0, false),
    ];
    let text = waterfall(&spans, 90);
    let golden = "\
trace t1  2 tries, 8 spans, 2 failed, 40.00 s
* gateway-1 POST /v1/messages        |##############################          |  30.00 s !
*   gateway-1 parse                  |#                                       |  2.00 ms
*   gateway-1 POST /v1/completions   |###############################         |  30.99 s !
* gateway-4 POST /v1/messages        |                               #########|   9.00 s
*   gateway-4 POST /v1/completions   |                               #########|   8.50 s
*     agents-70b-3 queue             |                               #####    |   4.50 s
*     agents-70b-3 prefill           |                                    ##  |   2.00 s
*     agents-70b-3 decode            |                                      ##|   2.00 s
";
    assert_eq!(text, golden, "now:\n{text}");
    assert_eq!(waterfall(&[], 80), "no spans\n");
}
