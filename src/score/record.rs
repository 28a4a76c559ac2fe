//! What a session's record says of its participant: beliefs over time, times, costs, promises.

use std::collections::BTreeMap;

use crate::score::rate::Rate;
use crate::session::Session;
use crate::session::belief::lead;
use crate::session::clock::{Mode, Seat};
use crate::session::command::{Command, Look};
use crate::session::log::Event;
use crate::session::prices;
use crate::sim::rng::mix;
use crate::sim::series::Series;
use crate::sim::time::{SimDuration, SimTime};

/// An update that comes so long after its moment is still on time: it takes that long to write.
const GRACE: SimDuration = prices::UPDATE;
/// Users are in pain while fewer of their intents than this are answered in time.
const GOOD: f64 = 0.9;
/// That is judged over so many seconds.
const WINDOW_S: f64 = 60.0;

/// An update is true if it is so many points of per cent from the truth, at most.
const IMPACT: f64 = 20.0;

/// Points as they stood from a moment on.
#[derive(Clone, Debug, PartialEq)]
pub struct Belief {
    /// From when.
    pub at: SimTime,
    /// The event of the log that set them.
    pub event: u64,
    /// Points by mechanism.
    pub points: BTreeMap<String, u8>,
}

/// A session that has ended, with its log.
pub struct Record<'a> {
    /// The session at its end.
    pub session: &'a Session,
    /// Its events.
    pub events: &'a [Event],
    /// When it ended.
    pub ended: SimTime,
}

impl<'a> Record<'a> {
    /// The record of a session; none if it goes on.
    pub fn of(session: &'a Session, events: &'a [Event]) -> Option<Record<'a>> {
        session.ended().map(|ended| Record { session, events, ended })
    }

    /// The moment of the page.
    pub fn paged_at(&self) -> SimTime {
        SimTime(self.session.seal().paged_at_ns)
    }

    /// Seconds from the page to the end of the incident.
    pub fn most_s(&self) -> f64 {
        self.session.horizon().since(self.paged_at()).as_secs_f64()
    }

    /// Seconds from the page to a moment; zero if it was before.
    pub fn after_page_s(&self, at: SimTime) -> f64 {
        at.since(self.paged_at().min(at)).as_secs_f64()
    }

    /// Everything that was believed, commits included, in order of time.
    pub fn beliefs(&self) -> Vec<Belief> {
        let belief = |event: &Event| {
            let points = match &event.command {
                Command::Believe { points } => points,
                Command::Commit(commit) => &commit.points,
                _ => return None,
            };
            Some(Belief { at: SimTime(event.at), event: event.n, points: points.clone() })
        };
        self.events.iter().filter_map(belief).collect()
    }

    /// Commits as beliefs, in order of time.
    pub fn commits(&self) -> Vec<Belief> {
        let commits: Vec<u64> =
            self.events.iter().filter(|e| matches!(e.command, Command::Commit(_))).map(|e| e.n).collect();
        self.beliefs().into_iter().filter(|b| commits.contains(&b.event)).collect()
    }

    /// What was believed at a checkpoint that nobody can foresee: a moment in the middle third between page and end.
    pub fn checkpoint(&self) -> Option<Belief> {
        let seal = self.session.seal();
        let third = self.ended.since(self.paged_at().min(self.ended)).0 / 3;
        let at = self.paged_at() + SimDuration(third + mix(seal.seed ^ seal.salt, 0x006d_6964) % third.max(1));
        self.beliefs().into_iter().rfind(|b| b.at <= at)
    }

    /// From when on a mechanism for which `is_true` holds led without a break until the end, and the event that made
    /// it lead.
    pub fn leads_since(&self, is_true: impl Fn(&str) -> bool) -> Option<(SimTime, u64)> {
        let mut since = None;
        for belief in self.beliefs() {
            let leads = lead(&belief.points).is_some_and(|(mechanism, _)| is_true(mechanism));
            since = match (leads, since) {
                (false, _) => None,
                (true, None) => Some((belief.at, belief.event)),
                (true, kept) => kept,
            };
        }
        since
    }

    /// Whether help was there before the first commit could be.
    pub fn is_assisted(&self) -> bool {
        self.session.terms().mode == Mode::A3
    }

    /// The first event in which an assistant had a hand: it spoke, was asked, or was sent to look. None: it had none.
    pub fn helped_since(&self) -> Option<u64> {
        let helps = |event: &&Event| {
            let asked = matches!(&event.command, Command::Advise { .. } | Command::Look(Look::Delegated { .. }));
            event.seat == Seat::Assistant || asked
        };
        self.events.iter().find(helps).map(|event| event.n)
    }

    /// Seconds that looks cost.
    pub fn looks_s(&self) -> f64 {
        self.session.observations().iter().map(|o| prices::price(&o.look).as_secs_f64()).sum()
    }

    /// Of the updates that were promised, those that came in time.
    pub fn promises(&self) -> Rate {
        let updates = &self.session.comms().updates;
        let kept = updates.iter().enumerate().filter(|(_, (_, u))| 0.0 < u.next_minutes).map(|(i, (at, update))| {
            let due = *at + SimDuration::from_secs_f64(update.next_minutes * 60.0) + GRACE;
            self.ended <= due || updates.get(i + 1).is_some_and(|(next, _)| *next <= due)
        });
        Rate::count(kept)
    }

    /// For each update, whether the share of users in pain that it states is within [`IMPACT`] points of the true one.
    pub fn updates_true_of(&self, series: &Series) -> Vec<bool> {
        let (open_at, _) = self.session.watch().world.window();
        let is_true = |(at, update): &(SimTime, crate::session::command::Update)| {
            let share = in_pain(series, at.as_secs_f64() - open_at.as_secs_f64());
            (update.impact_percent - share * 100.0).abs() <= IMPACT
        };
        self.session.comms().updates.iter().map(is_true).collect()
    }

    /// The true share of intents not answered in time at the last update, in per cent; none without one.
    pub fn true_impact_percent(&self, series: &Series) -> Option<f64> {
        let (open_at, _) = self.session.watch().world.window();
        let (at, _) = self.session.comms().updates.last()?;
        Some(in_pain(series, at.as_secs_f64() - open_at.as_secs_f64()) * 100.0)
    }

    /// Numbers of the events that `wanted` picks.
    pub fn log(&self, wanted: impl Fn(&Command) -> bool) -> Vec<u64> {
        self.events.iter().filter(|e| wanted(&e.command)).map(|e| e.n).collect()
    }
}

/// The true share of intents not answered in time, over the minute before a moment (seconds after the opening).
fn in_pain(series: &Series, at_s: f64) -> f64 {
    let inside = (0..series.t_s.len()).filter(|i| at_s - WINDOW_S < series.t_s[*i] && series.t_s[*i] <= at_s);
    let (wanted, good) =
        inside.fold((0.0, 0.0), |(w, g), i| (w + series.intents_per_s[i], g + series.painless_per_s(i)));
    if wanted <= 0.0 { 0.0 } else { (1.0 - good / wanted).clamp(0.0, 1.0) }
}

/// The moments, in seconds after the opening, from which and until which users were in pain, the last one of none if they
/// are at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Pain {
    /// When it began.
    pub from_s: f64,
    /// When it was over for good.
    pub until_s: Option<f64>,
    /// Each stretch of it, with its end; between two of them users were well for [`RELIEF_S`] or more.
    pub spells: Vec<(f64, Option<f64>)>,
}

/// So many seconds without pain part one stretch of it from the next.
const RELIEF_S: f64 = 180.0;

/// When users were in pain, by the true series; none if they never were.
pub fn pain(series: &Series) -> Option<Pain> {
    let ends = &series.t_s;
    let hurts = |i: usize| {
        let from = ends[i] - WINDOW_S;
        let inside = (0..=i).rev().take_while(|j| from < ends[*j]);
        let (wanted, good) =
            inside.fold((0.0, 0.0), |(w, g), j| (w + series.intents_per_s[j], g + series.painless_per_s(j)));
        good < GOOD * wanted
    };
    let bad: Vec<usize> = (0..ends.len()).filter(|i| WINDOW_S <= ends[*i] && hurts(*i)).collect();
    // Of the first minute of a stretch and of its last the part that hurts.
    let hurts_by_itself = |i: &usize| series.painless_per_s(*i) < GOOD * series.intents_per_s[*i];
    let minute = |end: usize| (0..=end).filter(move |j| ends[end] - WINDOW_S < ends[*j]).collect::<Vec<usize>>();
    // A single bucket may look well, or hurt, by chance.
    let begun = |first: usize| {
        let (mut furthest, mut well) = (first, 0);
        for place in minute(first).into_iter().rev() {
            well = if hurts_by_itself(&place) { 0 } else { well + 1 };
            if 1 < well {
                break;
            }
            furthest = if well == 0 { place } else { furthest };
        }
        furthest
    };
    let over = |last: usize| {
        let hurting: Vec<usize> = minute(last).into_iter().filter(hurts_by_itself).collect();
        let together = hurting.windows(2).rev().find(|two| two[1] - two[0] <= 2).map(|two| two[1]);
        together.or(hurting.last().copied()).unwrap_or(last)
    };
    let spell = |first: usize, last: usize| {
        let from = begun(first);
        let until = over(last).max(from);
        let begins = if from == 0 { 0.0 } else { ends[from - 1] };
        (begins, (last + 1 < ends.len()).then(|| ends[until]))
    };
    let mut spells: Vec<(f64, Option<f64>)> = Vec::new();
    for stretch in bad.chunk_by(|a, b| ends[*b] - ends[*a] < WINDOW_S + RELIEF_S) {
        spells.push(spell(*stretch.first()?, *stretch.last()?));
    }
    Some(Pain { from_s: spells.first()?.0, until_s: spells.last()?.1, spells })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ten requests a second in buckets of five seconds, of which so many are served in time in each.
    fn served(good: impl Fn(f64) -> f64) -> Series {
        let t_s: Vec<f64> = (1..=240).map(|i| f64::from(i) * 5.0).collect();
        Series {
            intents_per_s: vec![10.0; t_s.len()],
            goodput_per_s: t_s.iter().map(|end| good(*end)).collect(),
            unmissed_per_s: vec![0.0; t_s.len()],
            t_s,
            ..Series::default()
        }
    }

    #[test]
    fn pain_begins_and_ends_with_the_buckets_that_hurt() {
        let told = |good: &dyn Fn(f64) -> f64| pain(&served(good)).map(|p| p.spells);
        let within = |end: f64, from: f64, until: f64| from < end && end <= until;
        assert_eq!(told(&|_| 10.0), None);
        assert_eq!(told(&|_| 9.5), None, "one in ten may wait");
        assert_eq!(told(&|t| if within(t, 300.0, 515.0) { 0.0 } else { 10.0 }), Some(vec![(300.0, Some(515.0))]));
        assert_eq!(told(&|t| if 600.0 < t { 3.0 } else { 10.0 }), Some(vec![(600.0, None)]));
        let twice = |t| if within(t, 300.0, 420.0) || within(t, 900.0, 1000.0) { 0.0 } else { 10.0 };
        assert_eq!(told(&twice), Some(vec![(300.0, Some(420.0)), (900.0, Some(1000.0))]), "well for eight minutes");
        let gap = |t| if within(t, 300.0, 420.0) || within(t, 480.0, 560.0) { 0.0 } else { 10.0 };
        assert_eq!(told(&gap), Some(vec![(300.0, Some(560.0))]), "a minute is no relief");
    }

    proptest! {
        /// However service flickers, what is told begins before it ends, and one spell after the other.
        #[test]
        fn pain_ends_after_it_began(good in proptest::collection::vec(0.0..12.0_f64, 240)) {
            let spells = pain(&served(|end| good[(end / 5.0) as usize - 1].min(10.0))).map_or(Vec::new(), |p| p.spells);
            let moments: Vec<f64> = spells.iter().flat_map(|(from, until)| [*from, until.unwrap_or(1200.0)]).collect();
            prop_assert!(moments.windows(2).all(|two| two[0] < two[1]), "{moments:?}");
        }
    }
}
