//! What the map shows is what was scraped and traced, and nothing else: held to the world of a real session.

use scartissue::gui::map::draw::{Ink, Mark, draw};
use scartissue::gui::map::picture::{Picture, seen};
use scartissue::gui::snapshot::Maker;
use scartissue::metrics::promql::{Query, Value};
use scartissue::session::Session;
use scartissue::session::clock::Seat;
use scartissue::session::command::{Command, Look};
use scartissue::sim::time::SimTime;
use scartissue::telemetry::journeys::{HOP_FLOOR, Place, journeys};
use scartissue::telemetry::spans::HEAD_SAMPLE;
use scartissue::telemetry::stack_map::{StackMap, State};

use super::stand::session;

fn picture(session: &Session) -> Picture {
    let snap = Maker::default().snapshot("a-session", session);
    let stack = snap.seen.stack.clone().expect("the first scrape was");
    seen(&stack, snap.seen.reference_rate, &snap.seen.journeys, snap.now, snap.clock.clone())
}

/// Dots that enter the gateways, times the sample, are the requests that came, within three standard deviations.
#[test]
fn crossings_times_the_sample_are_what_the_world_counted() {
    let session = session("first-shift-3", &["wait 4m"]);
    let watch = session.watch();
    let recording = watch.world.recording();
    let to = SimTime(session.now().0 - 120_000_000_000); // what goes on is not known yet
    let from = SimTime(to.0 - 240_000_000_000);
    let came = recording.attempts().iter().filter(|a| from <= a.arrived && a.arrived < to).count() as f64;
    let all = journeys(&watch.scene, recording, from, to);
    let enters = |j: &&scartissue::telemetry::journeys::Journey| {
        j.stages.iter().any(|s| s.place == Place::Hop(1) && from <= s.from + HOP_FLOOR && s.from + HOP_FLOOR < to)
    };
    let crossed = all.iter().filter(enters).count() as f64;
    let k = HEAD_SAMPLE as f64;
    // Tries of one wish are traced together: as many wishes as requests would be the narrowest bound.
    let wishes: std::collections::BTreeSet<u64> =
        recording.attempts().iter().filter(|a| from <= a.arrived && a.arrived < to).map(|a| a.intent).collect();
    let tries = came / wishes.len() as f64;
    let sigma = (came * k * tries).sqrt();
    assert!(1000.0 < came, "{came}");
    assert!((crossed * k - came).abs() < 3.0 * sigma, "{crossed} dots x {k} for {came} requests, sigma {sigma}");
}

#[test]
fn every_dot_opens_its_trace() {
    let mut session = session("quiet-tuesday", &["wait 90s"]);
    let dots = picture(&session).dots;
    assert!(5 < dots.len(), "{dots:?}");
    for dot in dots.iter().step_by(dots.len().div_ceil(4)) {
        let look = Command::Look(Look::Trace { id: dot.trace.clone() });
        session.apply(Seat::Participant, &look).unwrap_or_else(|why| panic!("{}: {why}", dot.trace));
    }
    let opened = session.observations().iter().filter_map(|o| o.answer.as_ref());
    assert!(opened.clone().all(|a| a.data["spans"].as_array().is_some_and(|s| !s.is_empty())) && 3 < opened.count());
}

#[test]
fn fills_are_the_last_scraped_values() {
    for name in ["first-shift-3", "quiet-tuesday"] {
        let session = session(name, &["wait 2m"]);
        let watch = session.watch();
        let tanks = picture(&session).tanks;
        for (place, query) in [
            (2, "max(rate(api_loop_busy_seconds_total[1m]))"),
            (3, "max(vllm:kv_cache_usage_perc)"),
            (4, "avg(DCGM_FI_DEV_GPU_UTIL) / 100"),
            (5, "sum(kvcache_used_tokens) / sum(kvcache_capacity_tokens)"),
        ] {
            let query = Query::parse(query).expect("PromQL");
            let Ok(Value::Vector(samples)) = query.eval_at(watch.world.scraped(), watch.now_ms()) else {
                panic!("{name}")
            };
            let value = samples.first().map(|s| s.value);
            let near = |a: f64, b: f64| (a - b).abs() < 0.02;
            let same = match (tanks[place].fill, value) {
                (Some(a), Some(b)) => near(a, b.min(1.0)),
                (a, b) => a.is_none() && b.is_none(),
            };
            assert!(same, "{name}: {}: drawn {:?}, scraped {value:?}", tanks[place].title, tanks[place].fill);
        }
    }
}

/// What was not scraped for two intervals is hatched, and no number is left standing.
#[test]
fn a_missing_scrape_is_hatched_within_its_lookback() {
    let session = session("first-shift-3", &["wait 60s"]);
    let watch = session.watch();
    let (store, now) = (watch.world.scraped(), watch.now_ms());
    let later = |minutes: i64| StackMap::seen(store, now + minutes * 60_000);
    assert!(later(0).layers.iter().all(|l| l.state != State::Unknown));
    // Rates of a minute go first, gauges with Prometheus' lookback of five.
    assert_eq!(later(2).layers[0].rate, None, "a rate of the last minute");
    let gone = later(6);
    assert!(gone.layers.iter().all(|l| l.state == State::Unknown && l.rate.is_none()), "{gone:?}");
    let blank = seen(&gone, 10.0, &[], SimTime(0), "later".to_string());
    let marks = draw(&blank, 1250.0, 460.0);
    let fills = marks.iter().filter(|m| matches!(m, Mark::Box { fill: Some(p), .. } if matches!(p.0, Ink::Fill(_))));
    assert_eq!(fills.count(), 0, "nothing that was not measured is filled");
}

/// The words name every layer whose mark stands out, in an incident and in a quiet minute.
#[test]
fn the_words_have_every_mark_that_stands_out_and_the_same_moment_gives_the_same_marks() {
    for (name, odd) in [("first-shift-3", true), ("quiet-tuesday", false)] {
        let session = session(name, &["wait 2m"]);
        let (one, other) = (picture(&session), picture(&session));
        assert_eq!(draw(&one, 1250.0, 460.0), draw(&other, 1250.0, 460.0), "{name}");
        let text = one.text();
        let mut standing = one.tanks.iter().filter(|t| State::Steady < t.state);
        standing.clone().for_each(|t| assert!(text.contains(&format!("{}: {}", t.title, t.state.word())), "{text}"));
        // A cell without a shared cache has no data of one.
        assert_eq!(standing.any(|t| t.state != State::Unknown), odd, "{name}: {text}");
        let shapes = draw(&one, 1250.0, 460.0).iter().filter(|m| is_mark(m)).count();
        let failing = one.tanks.iter().filter(|t| matches!(t.state, State::Degraded | State::Failing)).count();
        assert_eq!(shapes, failing, "{name}: a shape for each state that is not steady");
    }
}

fn is_mark(mark: &Mark) -> bool {
    match mark {
        Mark::Triangle { .. } => true,
        Mark::Box { fill: Some(paint), .. } => paint.0 == Ink::Failing,
        _ => false,
    }
}

/// While an incident runs no picture can know the truth: its maker names no type that has it, and shows no retries.
#[test]
fn the_picture_of_what_is_seen_is_made_without_the_truth() {
    let source = include_str!("../../../src/gui/map/picture.rs");
    for word in ["score", "recording", "scenario", "truth::", "happening", "sim::world"] {
        let used = source.lines().filter(|l| l.trim_start().starts_with("use ")).any(|l| l.contains(word));
        assert!(!used, "picture.rs uses {word}");
    }
    let picture = picture(&session("first-shift-3", &["wait 3m"]));
    assert!(picture.retries.is_none() && picture.dots.iter().all(|d| !d.again) && picture.notes.is_empty());
}
