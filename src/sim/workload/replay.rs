//! When the requests of a recorded trace come: the whole trace at its own times, or its sessions begun at random.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sim::rng::{Purpose, draw};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::arrivals::{self, Calendar, Replayed};
use crate::sim::workload::spec::{TraceArrivals, TraceRow};

/// Sessions that began longer before the world than this are left out.
const LONGEST_SESSION: SimDuration = SimDuration::from_secs(6 * 3600);

/// Yields the moments of a trace in order, with the row of each.
#[derive(Clone)]
pub(super) enum Replay {
    Whole(Whole),
    Sessions(Box<Sessions>),
}

/// How far a [`Replay`] has come.
#[derive(Serialize, Deserialize)]
pub(super) enum Progress {
    Whole { row: usize, pass: u64 },
    Sessions { starts: Box<arrivals::Progress>, next_start: Option<SimTime>, begun: u64, due: Vec<Step> },
}

impl Replay {
    pub(super) fn new(trace: &TraceArrivals, entity: u64, seed: u64, open_at: SimTime, opens_at_hour: f64) -> Self {
        match &trace.sessions {
            None => Replay::Whole(Whole::new(trace, open_at)),
            Some(begin) => {
                let sessions = Recording::of(&trace.rows, trace.speed);
                let lookback = sessions.longest.min(LONGEST_SESSION);
                let starts = Calendar::open(begin.clone(), entity, seed, open_at + lookback, opens_at_hour);
                let mut replay = Sessions {
                    seed,
                    entity,
                    recording: sessions,
                    lookback,
                    starts,
                    next_start: None,
                    begun: 0,
                    due: BinaryHeap::new(),
                };
                replay.next_start = replay.starts.next_moment();
                Replay::Sessions(Box::new(replay))
            }
        }
    }

    pub(super) fn progress(&self) -> Progress {
        match self {
            Replay::Whole(whole) => Progress::Whole { row: whole.row, pass: whole.pass },
            Replay::Sessions(sessions) => Progress::Sessions {
                starts: Box::new(sessions.starts.progress()),
                next_start: sessions.next_start,
                begun: sessions.begun,
                due: sessions.due.iter().map(|Reverse(step)| *step).collect(),
            },
        }
    }

    /// As [`Calendar::resume`].
    pub(super) fn resume(&mut self, from: Progress) -> bool {
        match (self, from) {
            (Replay::Whole(whole), Progress::Whole { row, pass }) => {
                (whole.row, whole.pass) = (row, pass);
                row <= whole.rows.len()
            }
            (Replay::Sessions(sessions), Progress::Sessions { starts, next_start, begun, due }) => {
                let rows = |step: &Step| sessions.recording.sessions.get(step.session as usize).map_or(0, Vec::len);
                let known = due.iter().all(|step| (step.number as usize) < rows(step));
                (sessions.next_start, sessions.begun) = (next_start, begun);
                sessions.due = due.into_iter().map(Reverse).collect();
                known && sessions.starts.resume(*starts)
            }
            _ => false,
        }
    }

    pub(super) fn next(&mut self) -> Option<(SimTime, Replayed)> {
        match self {
            Replay::Whole(whole) => whole.next(),
            Replay::Sessions(sessions) => sessions.next(),
        }
    }
}

/// The trace as it is, once or again and again.
#[derive(Clone)]
pub(super) struct Whole {
    rows: Arc<Vec<TraceRow>>,
    speed: f64,
    begins_at: i128,
    period: SimDuration,
    repeat: bool,
    row: usize,
    pass: u64,
}

impl Whole {
    fn new(trace: &TraceArrivals, open_at: SimTime) -> Self {
        let rows = trace.rows.clone();
        let last = rows.last().map_or(SimDuration::ZERO, |row| row.at);
        // From the last row to the first again it takes as long as from row to row on average.
        let gap = SimDuration(last.0 / (rows.len() as u64).saturating_sub(1).max(1));
        let period = (last + gap).mul_f64(1.0 / trace.speed).max(SimDuration(1));
        let begins_at = i128::from(open_at.0) - i128::from(trace.lead_s.0);
        Whole { rows, speed: trace.speed, begins_at, period, repeat: trace.repeat, row: 0, pass: 0 }
    }

    fn next(&mut self) -> Option<(SimTime, Replayed)> {
        loop {
            if self.row == self.rows.len() {
                if !self.repeat || self.rows.is_empty() {
                    return None;
                }
                (self.row, self.pass) = (0, self.pass + 1);
            }
            let row = &self.rows[self.row];
            let which = Replayed { row: self.row as u32, session: row.session, pass: self.pass };
            self.row += 1;
            let since = row.at.mul_f64(1.0 / self.speed);
            let at = self.begins_at + i128::from(since.0) + i128::from(self.period.0) * i128::from(self.pass);
            if i128::from(u64::MAX) < at {
                return None;
            }
            if let Ok(at) = u64::try_from(at) {
                return Some((SimTime(at), which));
            }
        }
    }
}

/// The rows of each session of a trace, with the time since its first.
#[derive(Clone, Serialize, Deserialize)]
struct Recording {
    sessions: Vec<Vec<(SimDuration, u32)>>,
    longest: SimDuration,
}

impl Recording {
    fn of(rows: &[TraceRow], speed: f64) -> Self {
        let mut sessions: Vec<Vec<(SimDuration, u32)>> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let session = row.session as usize;
            if sessions.len() <= session {
                sessions.resize(session + 1, Vec::new());
            }
            sessions[session].push((row.at, index as u32));
        }
        sessions.retain(|session| !session.is_empty());
        for session in &mut sessions {
            let first = session[0].0;
            session.iter_mut().for_each(|(at, _)| *at = SimDuration(at.0 - first.0).mul_f64(1.0 / speed));
        }
        let longest = sessions.iter().filter_map(|s| s.last()).map(|(at, _)| *at).max().unwrap_or(SimDuration::ZERO);
        Recording { sessions, longest }
    }
}

/// Sessions under way, on a clock that runs ahead of the world's by the longest of them.
#[derive(Clone)]
pub(super) struct Sessions {
    seed: u64,
    entity: u64,
    recording: Recording,
    lookback: SimDuration,
    starts: Calendar,
    next_start: Option<SimTime>,
    begun: u64,
    due: BinaryHeap<Reverse<Step>>,
}

/// A request of a session under way: when, of which, and the how-manieth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Step {
    at: SimTime,
    pass: u64,
    began: SimTime,
    session: u32,
    number: u32,
}

impl Sessions {
    fn next(&mut self) -> Option<(SimTime, Replayed)> {
        if self.recording.sessions.is_empty() {
            return None;
        }
        loop {
            let next_due = self.due.peek().map(|Reverse(step)| step.at);
            if let Some(start) = self.next_start.filter(|start| next_due.is_none_or(|due| *start <= due)) {
                self.begin(start);
                continue;
            }
            let Reverse(step) = self.due.pop()?;
            let rows = &self.recording.sessions[step.session as usize];
            let row = rows[step.number as usize].1;
            if let Some((since, _)) = rows.get(step.number as usize + 1) {
                self.due.push(Reverse(Step { at: step.began + *since, number: step.number + 1, ..step }));
            }
            if let Some(at) = step.at.0.checked_sub(self.lookback.0) {
                return Some((SimTime(at), Replayed { row, session: step.session, pass: step.pass + 1 }));
            }
        }
    }

    fn begin(&mut self, start: SimTime) {
        let which = draw(self.seed, self.entity, Purpose::Content, self.begun);
        let session = (which * self.recording.sessions.len() as f64) as u32;
        self.due.push(Reverse(Step { at: start, pass: self.begun, began: start, session, number: 0 }));
        self.begun += 1;
        self.next_start = self.starts.next_moment();
    }
}
