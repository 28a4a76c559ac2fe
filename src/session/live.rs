//! A session on a live clock, for whoever drives it: a console, a server, or both at once.
//!
//! Nothing here reads a clock either: each call is told what the wall clock says.

use crate::session::clock::{ClockKind, Seat};
use crate::session::command::Command;
use crate::session::play::{Notice, Reply};
use crate::session::store::{ApplyError, OpenSession};
use crate::sim::time::{SimDuration, SimTime};

/// What has to be known of the wall clock.
pub trait Clock: Send + Sync {
    /// Nanoseconds since some moment that stays the same.
    fn now_ns(&self) -> u64;
    /// That moment, in milliseconds after 1970.
    fn began_unix_ms(&self) -> i64;
}

/// A session, and how far the wall clock had come when it was last brought up to date.
pub struct Live {
    /// The session.
    pub open: OpenSession,
    wall_ns: u64,
    world: SimTime,
    news: Vec<Notice>,
}

impl Live {
    /// A session whose clock begins to run now.
    pub fn new(open: OpenSession, now_ns: u64) -> Live {
        let world = open.session.now();
        Live { open, wall_ns: now_ns, world, news: Vec::new() }
    }

    /// Lets a live session catch up with the wall clock; a metered one stands still.
    pub fn catch_up(&mut self, now_ns: u64) {
        if self.open.session.terms().clock != ClockKind::Live {
            return;
        }
        let passed = now_ns.saturating_sub(self.wall_ns);
        let speed = if self.open.session.is_stopped() { 0 } else { u64::from(self.open.session.speed()) };
        let until = self.world + SimDuration(passed.saturating_mul(speed));
        let came = self.open.advance_to(until);
        self.news.extend(came);
        self.world = until.min(self.open.session.horizon()).max(self.open.session.now());
        self.wall_ns = now_ns.max(self.wall_ns);
    }

    /// Takes a command at the moment that the wall clock says. What came meanwhile is in [`Live::take_news`].
    ///
    /// # Errors
    /// As [`OpenSession::apply`].
    pub fn apply(&mut self, now_ns: u64, seat: Seat, by: &str, command: &Command) -> Result<Reply, ApplyError> {
        self.catch_up(now_ns);
        let mut reply = self.open.apply(seat, by, command)?;
        self.settle();
        self.news.append(&mut self.open.session.take_hosts_news());
        self.news.append(&mut reply.notices);
        Ok(reply)
    }

    /// Something was done to the session itself: its clock goes on from where that left it.
    pub fn settle(&mut self) {
        self.world = self.world.max(self.open.session.now());
    }

    /// What came to be seen since this was last asked, in order.
    pub fn take_news(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.news)
    }

    /// Nanoseconds of the wall clock until the session comes to a moment, if it goes on as it does; none if it stands.
    pub fn until(&self, moment: SimTime) -> Option<u64> {
        let session = &self.open.session;
        if session.is_stopped() || session.horizon() <= session.now() {
            return None;
        }
        Some(moment.0.saturating_sub(session.now().0) / u64::from(session.speed().max(1)))
    }
}
