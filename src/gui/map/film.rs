//! The flip: moments of an incident that is over, as they were seen and as they were happening. Only a debrief has one; the
//! picture of what happened reads what the world wrote down, which no picture of a running incident does.

use std::collections::{BTreeMap, BTreeSet};

use crate::gui::map::picture::{Dot, Loop, Picture, seen};
use crate::session::Session;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::journeys::{BEHIND, HOP_FLOOR, Journey, journeys};
use crate::telemetry::stack_map::{StackMap, short};

/// Time between frames.
const EVERY: SimDuration = SimDuration::from_secs(10);
/// Rates are taken over so long a stretch.
const OVER: SimDuration = SimDuration::from_secs(30);

/// A moment of an incident.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When.
    pub at: SimTime,
    /// Time of day.
    pub clock: String,
    /// What was seen.
    pub seen: Picture,
    /// What was happening.
    pub happening: Picture,
}

/// All moments of a session, from its beginning to its end.
pub fn film(session: &Session) -> Vec<Frame> {
    let watch = session.watch();
    let (begin, end) = (session.seal().begins_at(), session.now());
    let recording = watch.world.recording();
    let first_tries = first_tries(recording.attempts());
    let reference = [600u64, 300, 120].map(|back| {
        let at = (begin.0 / 1_000_000).saturating_sub(back * 1000) as i64;
        StackMap::of(watch, at).layers[0].rate.unwrap_or(0.0)
    });
    let reference = reference.into_iter().fold(1.0, f64::max);
    let mut frames = Vec::new();
    let mut at = begin;
    while at <= end {
        let stack = StackMap::of(watch, (at.0 / 1_000_000) as i64);
        let played = SimTime(at.0.saturating_sub(BEHIND.0));
        let near = journeys(&watch.scene, recording, SimTime(played.0.saturating_sub(HOP_FLOOR.0 * 3)), played + EVERY);
        let clock = watch.scene.calendar.clock(at);
        let mut shown = seen(&stack, reference, &near, at, format!("{clock}  ·  what could be seen"));
        shown.legend[1] = format!("dots play {:.0} s behind the clock", BEHIND.as_secs_f64());
        shown.still = true; // the flip changes what is there, and not where
        let happening = happening(session, &shown, &near, at, &first_tries, &clock);
        frames.push(Frame { at, clock, seen: shown, happening });
        at += EVERY;
    }
    frames
}

/// The serials of attempts that are the first of their intent.
fn first_tries(attempts: &[crate::sim::world::recording::AttemptRow]) -> BTreeSet<u64> {
    let mut first: BTreeMap<u64, (SimTime, u64)> = BTreeMap::new();
    for a in attempts {
        let known = first.entry(a.intent).or_insert((a.arrived, a.serial));
        *known = (*known).min((a.arrived, a.serial));
    }
    first.into_values().map(|(_, serial)| serial).collect()
}

fn happening(
    session: &Session,
    shown: &Picture,
    near: &[Journey],
    at: SimTime,
    first_tries: &BTreeSet<u64>,
    clock: &str,
) -> Picture {
    let recording = session.watch().world.recording();
    let from = SimTime(at.0.saturating_sub(OVER.0));
    let within = |t: SimTime| from <= t && t < at;
    let attempts = recording.attempts();
    let came: Vec<bool> =
        attempts.iter().filter(|a| within(a.arrived)).map(|a| first_tries.contains(&a.serial)).collect();
    let (all, unique) = (came.len() as f64, came.iter().filter(|first| **first).count() as f64);
    let (mut prompt, mut cached, mut dead, mut calls) = (0.0, 0.0, 0.0, 0.0);
    for call in recording.calls().iter().filter(|c| within(c.ended)) {
        prompt += f64::from(call.prompt_tokens);
        cached += f64::from(call.cached_tokens.iter().sum::<u32>());
        calls += 1.0;
        dead += f64::from(u8::from(call.abandoned));
    }
    let mut picture = shown.clone();
    picture.title = format!("{clock}  ·  what was happening");
    let seconds = OVER.as_secs_f64();
    picture.says = match (all, unique) {
        (all, unique) if 0.0 < unique && 1.05 < all / unique => {
            format!("Users wanted {}/s; {}/s arrived", short(unique / seconds), short(all / seconds))
        }
        (_, unique) => format!("Users wanted {}/s, and that is what arrived", short(unique / seconds)),
    };
    if 0.0 < unique {
        picture.flows[0] = Some((unique / seconds, format!("{}/s unique", short(unique / seconds))));
        picture.flows[1] = Some((all / seconds, format!("{}/s arriving", short(all / seconds))));
    }
    picture.retries =
        (0.0 < unique && 0.02 < 1.0 - unique / all).then(|| Loop { share: 1.0 - unique / all, times: all / unique });
    picture.reuse = (0.0 < prompt).then_some(cached / prompt);
    if 0.05 < dead / f64::max(calls, 1.0) {
        picture.notes.push((3, format!("{:.0} % of calls: nobody waits", dead / calls * 100.0)));
    }
    let again = again(session, near, first_tries);
    picture.dots.iter_mut().for_each(|dot: &mut Dot| dot.again = again.contains(&dot.trace));
    picture.legend[1] = "a ring is a try after the first  ·  truth, unlocked by the debrief".to_string();
    picture
}

/// Traces around a moment whose attempt there is not the first.
fn again(session: &Session, near: &[Journey], first_tries: &BTreeSet<u64>) -> BTreeSet<String> {
    let watch = session.watch();
    let (Some(from), Some(to)) = (
        near.iter().filter_map(|j| j.stages.first()).map(|s| s.from).min(),
        near.iter().filter_map(|j| j.stages.last()).map(|s| s.to).max(),
    ) else {
        return BTreeSet::new();
    };
    let attempts = watch.world.recording().attempts();
    let first = attempts.partition_point(|a| a.ended < from);
    let traces: BTreeSet<&str> = near.iter().map(|j| j.trace.as_str()).collect();
    (attempts[first..].iter())
        .take_while(|a| a.ended <= to)
        .filter(|a| !first_tries.contains(&a.serial))
        .map(|a| watch.scene.trace(a.intent))
        .filter(|trace| traces.contains(trace.as_str()))
        .collect()
}
