//! What the map shows is what was scraped and traced, and nothing else: held to the world of a real session.

use scartissue::gui::map::draw::{Ink, Mark, draw};
use scartissue::gui::map::picture::{Picture, built, seen};
use scartissue::gui::snapshot::{Maker, RETRIES};
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
    let mut session = session("quiet-tuesday", &["wait 90s", "ack"]);
    let dots = picture(&session).dots;
    assert!(5 < dots.len(), "{dots:?}");
    for dot in dots.iter().step_by(dots.len().div_ceil(4)) {
        let look = Command::Look(Look::Trace { id: dot.trace.clone() });
        session.apply(Seat::Participant, &look).unwrap_or_else(|why| panic!("{}: {why}", dot.trace));
    }
    let opened = session.observations().iter().filter_map(|o| o.answer.as_ref());
    assert!(opened.clone().all(|a| a.data["spans"].as_array().is_some_and(|s| !s.is_empty())) && 3 < opened.count());
}

/// As in the terminal, the first screen is the page and the indicator: before somebody acknowledges, the map shows how the
/// stack is built and nothing that was measured, and no alert is told.
#[test]
fn nothing_measured_is_shown_before_the_page_is_acknowledged() {
    for (lines, veiled, alerts) in [
        (&["wait 30s"][..], true, false),
        (&["wait 3m"], true, false),
        (&["wait 3m", "alerts"], true, true),
        (&["wait 3m", "ack"], false, true),
    ] {
        let session = session("first-shift-3", lines);
        let snap = Maker::default().snapshot("a-session", &session);
        let stack = snap.seen.stack.clone().expect("a stack");
        let measured = stack.layers.iter().any(|l| l.rate.or(l.queue).or(l.fill).is_some());
        assert_eq!((measured, snap.seen.journeys.is_empty(), snap.seen.live), (!veiled, veiled, !veiled), "{lines:?}");
        assert_eq!(!snap.alerts.is_empty(), alerts, "{lines:?}: {:?}", snap.alerts);
        if veiled {
            let picture = built(&stack, snap.clock.clone(), "as it is built", "acknowledge");
            let marks = draw(&picture, 1250.0, 460.0);
            let filled = |m: &&Mark| matches!(m, Mark::Box { fill: Some(p), .. } if matches!(p.0, Ink::Fill(_)));
            let bands = marks.iter().filter(|m| matches!(m, Mark::Band { .. } | Mark::Dot { .. })).count();
            assert_eq!((marks.iter().filter(filled).count(), bands), (0, 0));
            assert!(!marks.iter().any(is_mark) && picture.text().contains("acknowledge"), "{}", picture.text());
        }
    }
}

/// A cell that has no shared tier is built that way; that is told apart from telemetry that is missing.
#[test]
fn a_cell_without_a_shared_cache_says_so_and_has_no_gap() {
    for (name, there) in [("first-shift-3", true), ("quiet-tuesday", false)] {
        let picture = picture(&session(name, &["wait 2m", "ack"]));
        let cache = &picture.tanks[5];
        assert_eq!((cache.state != State::Absent, cache.fill.is_some()), (there, there), "{name}: {cache:?}");
        let text = picture.text();
        assert_eq!(text.contains("KV CACHE: no shared tier"), !there, "{text}");
        assert!(!text.contains("No data"), "{text}");
    }
}

/// Retries are an overlay: a look at the price of a search, and then tries over wishes as that look found them.
#[test]
fn retries_are_on_the_map_once_somebody_looked_at_the_price_of_a_search() {
    for (lines, looked) in [(&["wait 3m", "ack"][..], false), (&["wait 3m", "ack", &format!("sql {RETRIES}")], true)] {
        let session = session("first-shift-3", lines);
        let snap = Maker::default().snapshot("a-session", &session);
        assert_eq!(snap.seen.retries.is_some(), looked, "{lines:?}");
        let Some(([requests, wishes], _)) = &snap.seen.retries else { continue };
        assert!(0.0 < *wishes && wishes <= requests && 100.0 < *requests, "{wishes} wishes, {requests} requests");
        assert_eq!(snap.looked[0].price_s, 20.0);
    }
}

#[test]
fn fills_are_the_last_scraped_values() {
    for name in ["first-shift-3", "quiet-tuesday"] {
        let session = session(name, &["wait 2m", "ack"]);
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
fn a_missing_scrape_is_hatched_within_two_intervals() {
    let session = session("first-shift-3", &["wait 60s"]);
    let watch = session.watch();
    let (store, now) = (watch.world.scraped(), watch.now_ms());
    let spec = session.scenario().file.world(&Default::default()).expect("a world");
    let interval_s = spec.stack.monitoring.scrape_interval_s.as_secs_f64();
    let later = |intervals: f64| StackMap::seen(store, now + (intervals * interval_s * 1000.0) as i64);
    for intervals in [0.0, 0.9] {
        assert!(later(intervals).layers.iter().all(|l| l.state != State::Unknown), "{intervals}");
    }
    let gone = later(2.0);
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
        let session = session(name, &["wait 2m", "ack"]);
        let (one, other) = (picture(&session), picture(&session));
        assert_eq!(draw(&one, 1250.0, 460.0), draw(&other, 1250.0, 460.0), "{name}");
        let text = one.text();
        let mut standing = one.tanks.iter().filter(|t| State::Steady < t.state);
        standing.clone().for_each(|t| assert!(text.contains(&format!("{}: {}", t.title, t.state.word())), "{text}"));
        assert_eq!(standing.next().is_some(), odd, "{name}: {text}");
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
    let picture = picture(&session("first-shift-3", &["wait 3m", "ack"]));
    assert!(picture.retries.is_none() && picture.dots.iter().all(|d| !d.again) && picture.notes.is_empty());
}
