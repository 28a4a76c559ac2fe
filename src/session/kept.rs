//! A session as bytes: what its log came to, so that the log need not be replayed from the beginning of the world.
//!
//! Answers are not kept, as in a replay that only wants to come to its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scenario::opened::Scenario;
use crate::session::advice::Advising;
use crate::session::belief::Board;
use crate::session::boards::OpenBoards;
use crate::session::clock::Terms;
use crate::session::command::{Command, Look, Update};
use crate::session::comms::{Comms, Line};
use crate::session::host::Hosting;
use crate::session::inject;
use crate::session::log::Event;
use crate::session::look::Observation;
use crate::session::play::{Ordered, Session};
use crate::session::roles::Role;
use crate::session::seal::Seal;
use crate::session::spend::Burnt;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::watch::{PARTS, Watch};

/// Everything of a session but what its seal and the header of its log say, and the world with what is seen of it.
#[derive(Serialize, Deserialize)]
struct Kept {
    board: Board,
    committed: Vec<SimTime>,
    acknowledged: Option<SimTime>,
    severity: Option<u8>,
    updates: Vec<(SimTime, Update)>,
    next_due: Option<SimTime>,
    teams: Vec<(SimTime, String)>,
    channel: Vec<(SimTime, String, String)>,
    looks: Vec<(Look, SimTime, SimTime)>,
    orders: Vec<(SimTime, String, usize, String, SimTime, i64)>,
    injected: Vec<SimTime>,
    boards: OpenBoards,
    advising: Advising,
    hosting: Hosting,
    roles: BTreeMap<String, Role>,
    bookmarks: Vec<(SimTime, String)>,
    postmortem: Option<BTreeMap<String, String>>,
    armed: bool,
    stopped: bool,
    speed: u8,
    pauses: u32,
    spent: SimDuration,
    burnt: Burnt,
    hints: u8,
    ended: Option<SimTime>,
    facts_seen: usize,
    paged: bool,
    secondary_paged: bool,
    overdue_told: bool,
}

fn of_order(o: &Ordered) -> (SimTime, String, usize, String, SimTime, i64) {
    (o.at, o.action.clone(), o.index, o.state.clone(), o.effect, o.gpus_added)
}

impl Session {
    /// Everything that [`Session::resume`] wants beside log and seal. None while something waits to be told.
    pub(super) fn kept(&self) -> Option<Vec<Vec<u8>>> {
        if !self.notices.is_empty() {
            return None;
        }
        let comms = &self.comms;
        let kept = Kept {
            board: self.board.clone(),
            committed: self.board.commits.iter().map(|c| c.at).collect(),
            acknowledged: comms.acknowledged,
            severity: comms.severity,
            updates: comms.updates.clone(),
            next_due: comms.next_due,
            teams: comms.teams.clone(),
            channel: comms.channel.iter().map(|l| (l.at, l.from.clone(), l.text.clone())).collect(),
            looks: self.observations.iter().map(|o| (o.look.clone(), o.asked, o.at)).collect(),
            orders: self.orders.iter().map(of_order).collect(),
            injected: self.injected.iter().map(|i| i.at).collect(),
            boards: self.boards.clone(),
            advising: self.advising.clone(),
            hosting: self.hosting.clone(),
            roles: self.roles.clone(),
            bookmarks: self.bookmarks.clone(),
            postmortem: self.postmortem.clone(),
            armed: self.armed,
            stopped: self.stopped,
            speed: self.speed,
            pauses: self.pauses,
            spent: self.spent,
            burnt: self.burnt,
            hints: self.hints,
            ended: self.ended,
            facts_seen: self.facts_seen,
            paged: self.paged,
            secondary_paged: self.secondary_paged,
            overdue_told: self.overdue_told,
        };
        // Commands are written as in the log: some of their fields are left out, and a format without names cannot do that.
        let mut parts = vec![serde_json::to_vec(&kept).ok()?];
        parts.extend(self.watch.kept().ok()?);
        Some(parts)
    }

    /// Takes a session up again as it was after these events of its log. None if the parts are not of such a session.
    pub(super) fn resume(
        scenario: Scenario,
        seal: Seal,
        terms: Terms,
        events: &[Event],
        parts: &[&[u8]],
    ) -> Option<Session> {
        let (first, of_watch) = parts.split_first()?;
        let of_watch: &[&[u8]; PARTS] = of_watch.try_into().ok()?;
        let kept: Kept = serde_json::from_slice(first).ok()?;
        let watch = Watch::resume(&scenario.file, &seal.variant, seal.seed, seal.salt, of_watch).ok()?;
        let mut session = Session::around(scenario, seal, terms, watch);
        let orders = events.iter().filter_map(|event| match &event.command {
            Command::Inject { mechanism, fault, for_s } => Some((mechanism.as_str(), fault.as_str(), *for_s)),
            _ => None,
        });
        for (at, order) in kept.injected.into_iter().zip(orders) {
            let number = session.injected.len() + 1;
            let (scenario, injected, _) =
                inject::inject(&session.scenario, &session.seal.variant, number, at, order).ok()?;
            session.scenario = scenario;
            session.injected.push(injected);
        }
        session.board = kept.board;
        session.board.commits.iter_mut().zip(kept.committed).for_each(|(commit, at)| commit.at = at);
        let line = |(at, from, text)| Line { at, from, text };
        session.comms = Comms {
            acknowledged: kept.acknowledged,
            severity: kept.severity,
            updates: kept.updates,
            next_due: kept.next_due,
            teams: kept.teams,
            channel: kept.channel.into_iter().map(line).collect(),
        };
        let look = |(place, (look, asked, at))| Observation { number: place, look, asked, at, answer: None };
        session.observations = (1..).zip(kept.looks).map(look).collect();
        let order =
            |(at, action, index, state, effect, gpus_added)| Ordered { at, action, index, state, effect, gpus_added };
        session.orders = kept.orders.into_iter().map(order).collect();
        session.boards = kept.boards;
        session.advising = kept.advising;
        session.hosting = kept.hosting;
        session.roles = kept.roles;
        session.bookmarks = kept.bookmarks;
        session.postmortem = kept.postmortem;
        session.armed = kept.armed;
        session.stopped = kept.stopped;
        session.speed = kept.speed;
        session.pauses = kept.pauses;
        session.spent = kept.spent;
        session.burnt = kept.burnt;
        session.hints = kept.hints;
        session.ended = kept.ended;
        session.facts_seen = kept.facts_seen.min(session.watch.world.facts().len());
        session.paged = kept.paged;
        session.secondary_paged = kept.secondary_paged;
        session.overdue_told = kept.overdue_told;
        Some(session)
    }
}
