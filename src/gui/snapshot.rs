//! What the window knows of a session at a moment: its view and what was answered. Made by the worker, read by panels.

use std::sync::Arc;

use crate::gui::answers::{Shown, shown};
use crate::session::Session;
use crate::session::act::Preview;
use crate::session::command::Look;
use crate::session::look::{Answer, title};
use crate::session::prices::price;
use crate::session::view::View;
use crate::sim::spec::stack::Severity;
use crate::sim::time::SimTime;
use crate::telemetry::journeys::{BEHIND, HOP_FLOOR, Journey, journeys};
use crate::telemetry::stack_map::StackMap;

/// A look with its answer, as panels show it.
#[derive(Clone, Debug)]
pub struct Looked {
    /// E1, E2 and so on.
    pub number: u32,
    /// What was asked.
    pub look: Look,
    /// The same in a line.
    pub title: String,
    /// Time of day of the answer.
    pub at: String,
    /// Seconds since the session's beginning at which it is answered.
    pub at_s: f64,
    /// Seconds that it costs.
    pub price_s: f64,
    /// The answer, once it is there.
    pub answer: Option<Arc<Answer>>,
    /// The same, ready to be drawn.
    pub shown: Shown,
}

/// An alert on the pager.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertCard {
    /// The rule's name.
    pub name: String,
    /// Whether it wakes somebody.
    pub pages: bool,
    /// One line.
    pub summary: String,
    /// The expression.
    pub expr: String,
    /// A document of the archive; empty: none.
    pub runbook: String,
    /// Time of day.
    pub fired: String,
    /// Time of day; none while it fires.
    pub resolved: Option<String>,
}

/// The map's part of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The six layers, as the last scrapes have them, or as they are built; none before the first.
    pub stack: Option<StackMap>,
    /// Whether anything measured is in it: only once the page was acknowledged.
    pub live: bool,
    /// Requests per second at the session's beginning, for the width of ribbons.
    pub reference_rate: f64,
    /// Traced requests around the moment that the map plays.
    pub journeys: Vec<Journey>,
    /// The stack some minutes before the session, with requests traced then: what normal looks like.
    pub steady: Option<Arc<(StackMap, Vec<Journey>, SimTime)>>,
    /// Its time of day.
    pub steady_clock: String,
    /// Seconds of it that are known.
    pub quiet_loop_s: f64,
    /// The moment that is shown instead of now, with its time of day.
    pub replayed: Option<(String, SimTime)>,
    /// The share of prompt tokens that a cache had, as the last look at it found, with its time of day.
    pub reuse: Option<(f64, String)>,
    /// Tries and wishes of a minute, as the last look at them found, with its time of day.
    pub retries: Option<([f64; 2], String)>,
}

/// Everything that panels read.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The session's name on disk.
    pub name: String,
    /// What a participant may see.
    pub view: View,
    /// Time of day.
    pub clock: String,
    /// The moment.
    pub now: SimTime,
    /// What one knows on arrival.
    pub briefing: Arc<str>,
    /// Looks in order.
    pub looked: Vec<Arc<Looked>>,
    /// Alerts, the latest first, as far as they are known: those that the channel told after the page, once that was
    /// acknowledged, and those that were there when somebody looked.
    pub alerts: Vec<AlertCard>,
    /// Shares of users in pain over the session so far: seconds since its beginning, per cent.
    pub pain: Arc<Vec<[f64; 2]>>,
    /// The map.
    pub seen: Arc<Seen>,
    /// The note of whoever was on call before; may be empty.
    pub handover: Arc<str>,
    /// What the coach of a first shift says; none: there is none, or it has gone.
    pub coach: Option<Coached>,
    /// What is written for the postmortem so far; only once the incident has ended.
    pub draft: std::collections::BTreeMap<String, String>,
}

/// What the title shows.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// Cases, each with whether it was met.
    pub cases: Vec<(crate::session::case::Case, bool)>,
    /// Sessions, the latest first, each with its case.
    pub sessions: Vec<(String, String)>,
    /// How the player stands.
    pub career: super::career::Career,
    /// What could not be read; empty: nothing.
    pub failed: String,
}

/// What a coach says.
#[derive(Clone, Debug, PartialEq)]
pub struct Coached {
    /// In a few words.
    pub says: String,
    /// The console's verb that it waits for.
    pub verb: String,
}

/// What came back from the worker besides snapshots.
#[derive(Clone, Debug)]
pub enum News {
    /// Something came to be seen: time of day and text.
    Notice(String, String),
    /// A command or line was taken; what it said.
    Said(String),
    /// It was refused, and why.
    Refused(String),
    /// What an action would touch.
    Preview(Preview),
    /// So many of so many runs of a debrief are done.
    Progress(usize, usize),
    /// The title is to be drawn anew: cases, sessions, how the player stands.
    Home(Box<Home>),
    /// A debrief is ready.
    Told(Arc<super::desk::Told>),
    /// A session cannot be begun, gone on with or debriefed.
    Failed(String),
}

/// Keeps what was made of a session, so that only what is new is made again.
#[derive(Default)]
pub struct Maker {
    looked: Vec<Arc<Looked>>,
    pain: Arc<Vec<[f64; 2]>>,
    seen: Arc<Seen>,
    seen_at: Option<u64>,
    briefing: Option<Arc<str>>,
    replayed: Option<SimTime>,
    glanced: (u64, Vec<u32>),
}

/// What a look asks that puts retries on the map: requests of the last minute, and how many of them
/// are first tries. Clients number their tries; where they do not, tries look like wishes here too.
pub const RETRIES: &str = concat!(
    "SELECT count(*) AS requests, sum(retry_count = 0) AS wishes FROM requests ",
    "WHERE time_ms > (SELECT max(time_ms) FROM requests) - 60000"
);
/// What a look asks that puts prefix reuse on the map.
pub const REUSE: &str = "sum(rate(vllm:prefix_cache_hits_total[2m])) / sum(rate(vllm:prefix_cache_queries_total[2m]))";

/// The map is read again after so many nanoseconds of the world.
const SEEN_EVERY_NS: u64 = 5_000_000_000;
/// Traced requests are read so far around the moment that the map plays.
const AROUND_NS: u64 = 12_000_000_000;
/// Alerts that the pager shows.
const ALERTS: usize = 12;

/// Live boards are drawn anew after so many nanoseconds of the world.
const GLANCE_EVERY_NS: u64 = 5_000_000_000;

impl Maker {
    /// Draws open boards anew while they are live, and once more when they turn grey.
    pub fn glance(&mut self, session: &mut Session) {
        let tick = session.now().0 / GLANCE_EVERY_NS;
        if self.glanced.0 == tick {
            return;
        }
        self.glanced.0 = tick;
        for open in session.open_boards() {
            let grey = 0.0 < open.age_s;
            if grey && self.glanced.1.contains(&open.observation) {
                continue;
            }
            let place = (open.observation as usize).saturating_sub(1);
            let Some(looked) = self.looked.get(place).filter(|l| l.answer.is_some()).cloned() else { continue };
            let Ok((_, data)) = session.glance(&open.board) else { continue };
            let shown = crate::gui::answers::board_of(&open.board, &data);
            self.looked[place] = Arc::new(Looked { shown, ..(*looked).clone() });
            if grey {
                self.glanced.1.push(open.observation);
            }
        }
    }

    /// A snapshot of a session.
    pub fn snapshot(&mut self, name: &str, session: &Session) -> Snapshot {
        let (view, now) = (session.view(), session.now());
        self.read_looks(session);
        if let Some(percent) = view.pain_percent
            && self.pain.last().is_none_or(|[at, _]| at + 5.0 <= view.elapsed_s)
        {
            Arc::make_mut(&mut self.pain).push([view.elapsed_s, percent]);
        }
        self.read_map(session, now);
        let briefing = self.briefing.get_or_insert_with(|| session.scenario().file.briefing.as_str().into());
        Snapshot {
            name: name.to_string(),
            clock: session.clock(),
            now,
            briefing: Arc::clone(briefing),
            handover: session.scenario().file.handover.as_str().into(),
            coach: None,
            looked: self.looked.clone(),
            alerts: alerts(session),
            pain: Arc::clone(&self.pain),
            seen: Arc::clone(&self.seen),
            draft: if view.ended { session.postmortem_draft() } else { Default::default() },
            view,
        }
    }

    fn read_looks(&mut self, session: &Session) {
        let calendar = session.watch().scene.calendar;
        let begins = session.seal().begins_at().as_secs_f64();
        for (place, o) in session.observations().iter().enumerate() {
            let known = self.looked.get(place);
            if known.is_some_and(|k| k.answer.is_some() || o.answer.is_none()) {
                continue;
            }
            let looked = Arc::new(Looked {
                number: o.number,
                look: o.look.clone(),
                title: title(&o.look),
                at: calendar.clock(o.at),
                at_s: o.at.as_secs_f64() - begins,
                price_s: price(&o.look).as_secs_f64(),
                shown: o.answer.as_ref().map_or(Shown::Text, |a| shown(&o.look, a)),
                answer: o.answer.clone().map(Arc::new),
            });
            match known {
                Some(_) => self.looked[place] = looked,
                None => self.looked.push(looked),
            }
        }
    }

    /// The map shows this moment; none: now.
    pub fn replay(&mut self, moment: Option<SimTime>) {
        (self.replayed, self.seen_at) = (moment, None);
    }

    fn read_map(&mut self, session: &Session, now: SimTime) {
        let tick = now.0 / SEEN_EVERY_NS;
        let (reuse, retries) = (self.reuse(), self.retries());
        let live = session.comms().acknowledged.is_some() && session.frozen().is_none();
        let overlaid = self.seen.reuse == reuse && self.seen.retries == retries;
        if self.seen_at == Some(tick) && overlaid && self.seen.live == live {
            return;
        }
        self.seen_at = Some(tick);
        let watch = session.watch();
        let from = session.seal().begins_at();
        let moment = self.replayed.map(|at| at.max(from).min(now));
        let replayed = moment.map(|at| (watch.scene.calendar.clock(at), at));
        let now = moment.unwrap_or(now);
        let at_ms = if moment.is_some() { (now.0 / 1_000_000) as i64 } else { watch.now_ms() };
        let stack = if live { StackMap::of(watch, at_ms) } else { StackMap::built(watch) };
        let reference_rate = match self.seen.reference_rate {
            rate if 0.0 < rate => rate,
            _ => reference(session),
        };
        let played = SimTime(now.0.saturating_sub(BEHIND.0));
        let from = SimTime(played.0.saturating_sub(HOP_FLOOR.0 * 3));
        let to = SimTime(played.0 + AROUND_NS);
        let journeys = match live {
            true => journeys(&watch.scene, watch.world.recording(), from, to),
            false => Vec::new(),
        };
        let (steady, steady_clock) = match &self.seen.steady {
            Some(known) => (Some(Arc::clone(known)), self.seen.steady_clock.clone()),
            None => steady(session),
        };
        self.seen = Arc::new(Seen {
            stack: Some(stack),
            live,
            reference_rate,
            journeys,
            steady,
            steady_clock,
            quiet_loop_s: STEADY_S as f64,
            replayed,
            reuse,
            retries,
        });
    }

    /// What the last look at retries found.
    fn retries(&self) -> Option<([f64; 2], String)> {
        let mine = |l: &&Arc<Looked>| matches!(&l.look, Look::Sql { query } if query == RETRIES) && l.answer.is_some();
        let looked = self.looked.iter().rev().find(mine)?;
        let row = &looked.answer.as_ref()?.data["rows"][0];
        let (requests, wishes) = (row[0].as_f64()?, row[1].as_f64()?);
        (0.0 < wishes).then(|| ([requests, wishes], looked.at.clone()))
    }

    /// What the last look at prefix reuse found.
    fn reuse(&self) -> Option<(f64, String)> {
        let mine =
            |l: &&Arc<Looked>| matches!(&l.look, Look::Promql { query, .. } if query == REUSE) && l.answer.is_some();
        let looked = self.looked.iter().rev().find(mine)?;
        let value = looked.answer.as_ref()?.data["vector"][0]["value"].as_f64()?;
        Some((value, looked.at.clone()))
    }
}

/// The stack on arrival plays so many seconds of the past, again and again.
const STEADY_S: u64 = 40;

/// The stack some minutes before the session.
#[allow(clippy::type_complexity, reason = "a moment of the stack is its layers, its requests and when it was")]
fn steady(session: &Session) -> (Option<Arc<(StackMap, Vec<Journey>, SimTime)>>, String) {
    let watch = session.watch();
    let begins = session.seal().begins_at();
    let (open_at, _) = watch.world.window();
    let at = SimTime(begins.0.saturating_sub(360_000_000_000).max(open_at.0 + 60_000_000_000));
    let stack = StackMap::of(watch, (at.0 / 1_000_000) as i64);
    let from = SimTime(at.0.saturating_sub(BEHIND.0 + HOP_FLOOR.0 * 3));
    let near = journeys(&watch.scene, watch.world.recording(), from, SimTime(at.0 + STEADY_S * 1_000_000_000));
    let clock = watch.scene.calendar.clock(at).chars().take(5).collect();
    (Some(Arc::new((stack, near, at))), clock)
}

/// The rate before the page, when all was well or nearly so.
fn reference(session: &Session) -> f64 {
    let watch = session.watch();
    let at = session.seal().begins_at().0 / 1_000_000;
    let earlier = [600_000, 420_000, 240_000].map(|back| {
        let at = at.saturating_sub(back) as i64;
        StackMap::of(watch, at).layers.first().and_then(|l| l.rate).unwrap_or(0.0)
    });
    earlier.into_iter().fold(1.0, f64::max)
}

fn alerts(session: &Session) -> Vec<AlertCard> {
    let calendar = session.watch().scene.calendar;
    let looks = session.observations().iter().filter(|o| o.look == Look::Alerts && o.answer.is_some());
    let looked = looks.map(|o| o.at).max();
    let told = session.comms().acknowledged.map(|_| SimTime(session.seal().paged_at_ns));
    let known = |fired: SimTime| looked.is_some_and(|at| fired <= at) || told.is_some_and(|page| page < fired);
    let latest = session.watch().alerts.history().iter().rev().filter(|a| known(a.fired)).take(ALERTS);
    latest
        .map(|a| AlertCard {
            name: a.name.clone(),
            pages: a.severity == Severity::Page,
            summary: a.summary.clone(),
            expr: a.expr.clone(),
            runbook: a.runbook.clone(),
            fired: calendar.clock(a.fired),
            resolved: a.resolved.map(|at| calendar.clock(at)),
        })
        .collect()
}
