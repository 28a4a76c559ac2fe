//! A queue with servers: the one waiting line that every thread pool, worker pool and backend of the stack uses.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::sim::time::{SimDuration, SimTime};

/// `servers` equal servers before one waiting line, first come first served within a priority class.
///
/// Jobs are named by keys of the caller, unique while they are inside. The station knows neither service times nor
/// the event loop: who starts a job schedules its [`Station::finish`]. It keeps the books that Little's law is
/// checked against, exactly, in integers. A `now` before the last call counts as the last call's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Station {
    servers: u32,
    max_waiting: Option<u32>,
    lines: Vec<VecDeque<Place>>,
    left_in_line: u32,
    jobs: FxHashMap<u32, Job>,
    waiting: u32,
    busy: u32,
    orphans: u32,
    next_ticket: u64,
    books: Books,
}

/// What became of a job that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// A server was free; the job runs from now.
    Started,
    /// The job waits.
    Queued,
    /// No free server and no place to wait, or the key is already inside.
    Rejected,
}

/// What an abandoned job was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// It waited and is out of the line.
    WasQueued,
    /// It ran; its server is free, or has started the job named.
    WasRunning(Option<u32>),
    /// No such job is inside.
    Unknown,
}

/// What a station has counted since it was made. Areas are integrals over time, in job-nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Until when the areas reach.
    pub until: SimTime,
    /// Jobs that came in (started or queued).
    pub entered: u64,
    /// Jobs turned away.
    pub rejected: u64,
    /// Jobs that finished service.
    pub served: u64,
    /// Of those served, jobs for which nobody waited any more.
    pub served_orphans: u64,
    /// Jobs that left the line unserved.
    pub abandoned: u64,
    /// Jobs cancelled while they ran.
    pub cancelled: u64,
    /// Integral of jobs inside.
    pub inside_area: u128,
    /// Integral of jobs waiting.
    pub waiting_area: u128,
    /// Integral of busy servers.
    pub busy_area: u128,
    /// Time inside of all jobs that left, in nanoseconds.
    pub sojourn: u128,
    /// Time in line of all jobs that left the line, in nanoseconds.
    pub waited: u128,
    /// Time on a server of all jobs that left one, in nanoseconds.
    pub in_service: u128,
    arrivals_of_inside: u128,
    arrivals_of_waiting: u128,
    starts_of_busy: u128,
}

/// A station whose books do not balance: a bug of ours, never a state of the world.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StationError {
    /// L = lambda W fails for the named quantity.
    #[error("{what}: integral over time {area} ns, sum over jobs {sum} ns; some change of state was not booked")]
    Little {
        /// Which of the three integrals.
        what: &'static str,
        /// The integral, in job-nanoseconds.
        area: u128,
        /// The sum over jobs, in nanoseconds.
        sum: u128,
    },
    /// Jobs in are not jobs out plus jobs inside.
    #[error("{entered} jobs came in, {left} left and {inside} are inside; some job was lost or doubled")]
    Lost {
        /// Jobs that came in.
        entered: u64,
        /// Jobs that left, by any way.
        left: u64,
        /// Jobs inside.
        inside: u64,
    },
    /// Jobs wait although a server is free.
    #[error("{waiting} jobs wait while {free} servers are free; some start was missed")]
    Idle {
        /// Jobs in line.
        waiting: u32,
        /// Servers without a job.
        free: u32,
    },
}

/// A place in line; void if the job's ticket is another by now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Place {
    key: u32,
    ticket: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    ticket: u64,
    arrived: SimTime,
    started: Option<SimTime>,
    orphan: bool,
}

impl Station {
    /// A station of one priority class with room for `max_waiting` jobs in line (`None`: no limit).
    /// M/M/1/K has room for K - 1, a loss system for none.
    pub fn new(servers: u32, max_waiting: Option<u32>) -> Self {
        Station::with_classes(servers, max_waiting, 1)
    }

    /// A station of `classes` priority classes (at least one). Lower classes go first; nobody is interrupted.
    pub fn with_classes(servers: u32, max_waiting: Option<u32>, classes: u8) -> Self {
        Station {
            servers,
            max_waiting,
            lines: vec![VecDeque::new(); classes.max(1) as usize],
            left_in_line: 0,
            jobs: FxHashMap::default(),
            waiting: 0,
            busy: 0,
            orphans: 0,
            next_ticket: 0,
            books: Books::default(),
        }
    }

    /// A job of the first class arrives.
    pub fn offer(&mut self, now: SimTime, key: u32) -> Offer {
        self.offer_class(now, key, 0)
    }

    /// A job of the given class arrives; classes that do not exist count as the last.
    pub fn offer_class(&mut self, now: SimTime, key: u32, class: u8) -> Offer {
        let now = self.advance(now);
        let free = self.busy < self.servers;
        let room = self.max_waiting.is_none_or(|max| self.waiting < max);
        if !(free || room) || self.jobs.contains_key(&key) {
            self.books.rejected += 1;
            return Offer::Rejected;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.books.entered += 1;
        self.books.arrivals_of_inside += now.0 as u128;
        let mut job = Job { ticket, arrived: now, started: None, orphan: false };
        if free {
            job.started = Some(now);
            self.busy += 1;
            self.books.starts_of_busy += now.0 as u128;
        } else {
            let last = self.lines.len() - 1;
            self.lines[(class as usize).min(last)].push_back(Place { key, ticket });
            self.waiting += 1;
            self.books.arrivals_of_waiting += now.0 as u128;
        }
        self.jobs.insert(key, job);
        if free { Offer::Started } else { Offer::Queued }
    }

    /// A running job is done. Returns the job that its server starts now, if any. A key that is not running is
    /// ignored, so that the completion of a cancelled job may still arrive (give every try a key of its own).
    pub fn finish(&mut self, now: SimTime, key: u32) -> Option<u32> {
        let now = self.advance(now);
        let orphan = self.jobs.get(&key).filter(|j| j.started.is_some())?.orphan;
        self.books.served += 1;
        self.books.served_orphans += orphan as u64;
        self.leave(now, key);
        self.start_next(now)
    }

    /// A job is given up and the station learns of it: it leaves the line or its server at once.
    /// A caller whose cancellation does not arrive calls [`Station::orphan`] instead.
    pub fn abandon(&mut self, now: SimTime, key: u32) -> Abandoned {
        let now = self.advance(now);
        match self.jobs.get(&key).map(|j| j.started.is_some()) {
            None => Abandoned::Unknown,
            Some(true) => {
                self.books.cancelled += 1;
                self.leave(now, key);
                Abandoned::WasRunning(self.start_next(now))
            }
            Some(false) => {
                self.books.abandoned += 1;
                self.leave(now, key);
                self.left_in_line += 1;
                self.sweep_lines();
                Abandoned::WasQueued
            }
        }
    }

    /// Nobody waits for this job any more, and the station does not learn of it: it keeps its place and is served
    /// (a zombie). False if no such job is inside.
    pub fn orphan(&mut self, key: u32) -> bool {
        let Some(job) = self.jobs.get_mut(&key) else { return false };
        self.orphans += !job.orphan as u32;
        job.orphan = true;
        true
    }

    /// Changes the number of servers; zero is an outage. Jobs that run are not interrupted. Returns the jobs that
    /// start now, in order.
    pub fn set_servers(&mut self, now: SimTime, servers: u32) -> Vec<u32> {
        let now = self.advance(now);
        self.servers = servers;
        std::iter::from_fn(|| self.start_next(now)).collect()
    }

    /// Changes the room in line; jobs that wait keep their places.
    pub fn set_max_waiting(&mut self, max_waiting: Option<u32>) {
        self.max_waiting = max_waiting;
    }

    /// Servers, busy or not.
    pub fn servers(&self) -> u32 {
        self.servers
    }

    /// Jobs in line.
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Jobs that run. Above [`Station::servers`] for a while after servers were taken away.
    pub fn busy(&self) -> u32 {
        self.busy
    }

    /// Jobs inside.
    pub fn inside(&self) -> u32 {
        self.waiting + self.busy
    }

    /// Jobs inside for which nobody waits.
    pub fn orphans(&self) -> u32 {
        self.orphans
    }

    /// When a job that is inside arrived.
    pub fn arrived(&self, key: u32) -> Option<SimTime> {
        self.jobs.get(&key).map(|j| j.arrived)
    }

    /// Whether a job is on a server.
    pub fn is_running(&self, key: u32) -> bool {
        self.jobs.get(&key).is_some_and(|j| j.started.is_some())
    }

    /// How long the job that starts next has waited; zero without one.
    pub fn head_age(&self, now: SimTime) -> SimDuration {
        let head = self.lines.iter().flatten().find_map(|place| self.in_line(place));
        head.map_or(SimDuration::ZERO, |job| now.since(job.arrived))
    }

    /// The books, with areas up to `now`.
    pub fn books(&mut self, now: SimTime) -> Books {
        self.advance(now);
        self.books
    }

    /// Little's law for the system, the line and the servers, conservation of jobs, and no idle server beside a line.
    pub fn check(&mut self, now: SimTime) -> Result<(), StationError> {
        let now = self.advance(now).0 as u128;
        let b = &self.books;
        let little = [
            ("jobs inside", b.inside_area, b.sojourn, self.inside(), b.arrivals_of_inside),
            ("jobs waiting", b.waiting_area, b.waited, self.waiting, b.arrivals_of_waiting),
            ("busy servers", b.busy_area, b.in_service, self.busy, b.starts_of_busy),
        ];
        for (what, area, gone, present, since) in little {
            let sum = gone + present as u128 * now - since;
            if area != sum {
                return Err(StationError::Little { what, area, sum });
            }
        }
        let left = b.served + b.abandoned + b.cancelled;
        let inside = self.jobs.len() as u64;
        if b.entered != left + inside || inside != self.inside() as u64 {
            return Err(StationError::Lost { entered: b.entered, left, inside });
        }
        match self.servers.saturating_sub(self.busy) {
            free if 0 < free && 0 < self.waiting => Err(StationError::Idle { waiting: self.waiting, free }),
            _ => Ok(()),
        }
    }

    fn advance(&mut self, now: SimTime) -> SimTime {
        let span = now.since(self.books.until).0 as u128;
        self.books.inside_area += span * self.inside() as u128;
        self.books.waiting_area += span * self.waiting as u128;
        self.books.busy_area += span * self.busy as u128;
        self.books.until = now.max(self.books.until);
        self.books.until
    }

    /// Takes a job out, from the line or from its server, and books its times.
    fn leave(&mut self, now: SimTime, key: u32) {
        let Some(job) = self.jobs.remove(&key) else { return };
        self.orphans -= job.orphan as u32;
        self.books.sojourn += now.since(job.arrived).0 as u128;
        self.books.arrivals_of_inside -= job.arrived.0 as u128;
        match job.started {
            Some(started) => {
                self.busy -= 1;
                self.books.in_service += now.since(started).0 as u128;
                self.books.starts_of_busy -= started.0 as u128;
            }
            None => self.book_end_of_wait(now, job.arrived),
        }
    }

    fn book_end_of_wait(&mut self, now: SimTime, arrived: SimTime) {
        self.waiting -= 1;
        self.books.waited += now.since(arrived).0 as u128;
        self.books.arrivals_of_waiting -= arrived.0 as u128;
    }

    fn start_next(&mut self, now: SimTime) -> Option<u32> {
        if self.servers <= self.busy {
            return None;
        }
        while let Some(place) = self.lines.iter_mut().find_map(VecDeque::pop_front) {
            let Some(job) = self.jobs.get_mut(&place.key).filter(|j| j.ticket == place.ticket) else {
                self.left_in_line -= 1;
                continue;
            };
            job.started = Some(now);
            let arrived = job.arrived;
            self.book_end_of_wait(now, arrived);
            self.busy += 1;
            self.books.starts_of_busy += now.0 as u128;
            return Some(place.key);
        }
        None
    }

    fn in_line(&self, place: &Place) -> Option<&Job> {
        self.jobs.get(&place.key).filter(|j| j.ticket == place.ticket)
    }

    /// Void places are dropped once they outnumber the jobs in line, which makes leaving O(1) on average.
    fn sweep_lines(&mut self) {
        if self.left_in_line <= self.waiting + 16 {
            return;
        }
        let jobs = &self.jobs;
        for line in &mut self.lines {
            line.retain(|place| jobs.get(&place.key).is_some_and(|j| j.ticket == place.ticket));
        }
        self.left_in_line = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> SimTime {
        SimTime::from_secs_f64(seconds)
    }

    #[test]
    fn the_books_notice_what_was_not_booked() {
        let mut station = Station::new(1, None);
        station.offer(at(0.0), 1);
        station.offer(at(0.5), 2);
        assert_eq!(station.check(at(2.0)), Ok(()));
        let mut lost = station.clone();
        lost.books.entered += 1;
        assert!(matches!(lost.check(at(2.0)), Err(StationError::Lost { .. })));
        let mut unbooked = station.clone();
        unbooked.books.until = at(3.0);
        assert!(matches!(unbooked.check(at(3.0)), Err(StationError::Little { .. })));
        station.servers = 2;
        assert_eq!(station.check(at(2.0)), Err(StationError::Idle { waiting: 1, free: 1 }));
    }

    #[test]
    fn a_zombie_keeps_its_server_and_is_counted() {
        let mut station = Station::new(1, None);
        assert_eq!(station.offer(at(0.0), 1), Offer::Started);
        assert_eq!(station.offer(at(0.0), 2), Offer::Queued);
        assert!(station.orphan(1) && station.orphan(1) && !station.orphan(9));
        assert_eq!((station.orphans(), station.busy()), (1, 1));
        assert_eq!(station.finish(at(1.0), 1), Some(2));
        assert_eq!(station.finish(at(1.5), 1), None, "it is gone");
        assert_eq!(station.finish(at(2.0), 2), None);
        let books = station.books(at(2.0));
        assert_eq!((books.served, books.served_orphans, station.orphans()), (2, 1, 0));
        assert_eq!(books.waited, 1_000_000_000);
    }

    #[test]
    fn those_who_leave_the_line_leave_nothing_behind() {
        let mut station = Station::new(0, None);
        for key in 0..10_000 {
            station.offer(at(0.0), key);
            station.abandon(at(0.0), key);
        }
        assert!(station.lines[0].len() <= 32, "{}", station.lines[0].len());
        assert_eq!(station.offer(at(1.0), 5), Offer::Queued);
        assert_eq!(station.set_servers(at(2.0), 9), [5]);
    }

    #[test]
    fn an_outage_holds_the_line_and_its_end_starts_as_many_as_fit() {
        let mut station = Station::new(2, Some(3));
        assert!(station.set_servers(at(0.0), 0).is_empty());
        for key in 0..3 {
            assert_eq!(station.offer(at(key as f64), key), Offer::Queued);
        }
        assert_eq!(station.offer(at(3.0), 3), Offer::Rejected);
        assert_eq!(station.head_age(at(5.0)), SimDuration::from_secs(5));
        assert_eq!(station.abandon(at(5.0), 0), Abandoned::WasQueued);
        assert_eq!(station.head_age(at(5.0)), SimDuration::from_secs(4));
        assert_eq!(station.set_servers(at(5.0), 2), [1, 2]);
        assert!(station.set_servers(at(6.0), 1).is_empty(), "nobody is interrupted, nobody starts");
        assert_eq!(station.offer(at(6.0), 4), Offer::Queued);
        assert_eq!(station.finish(at(7.0), 1), None, "one server too many");
        assert_eq!(station.finish(at(8.0), 2), Some(4));
        assert_eq!(station.check(at(8.0)), Ok(()));
    }
}
