//! Connections: pools that pin callers to backends, tables that fill up, idle cuts and certificates.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::time::{SimDuration, SimTime};

/// How long connections are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionRules {
    /// Whether a connection is kept for the next use; if not, each use opens its own.
    pub reuse: bool,
    /// A connection without use for so long is closed; absent: never.
    pub idle_timeout: Option<SimDuration>,
    /// A connection of this age takes no new use and closes once those it has are over; absent: never.
    pub max_age: Option<SimDuration>,
    /// Entries of the connection table on the way (NAT, conntrack, ports); absent: no limit.
    pub table_limit: Option<u32>,
    /// How long a closed connection keeps its table entry.
    pub table_linger: SimDuration,
    /// Memory that an open connection takes, in bytes.
    pub memory_bytes: u64,
}

impl Default for ConnectionRules {
    /// Connections kept as long as both ends live; an entry lingers as long as Linux' TIME_WAIT, 60 s.
    fn default() -> Self {
        ConnectionRules {
            reuse: true,
            idle_timeout: None,
            max_age: None,
            table_limit: None,
            table_linger: SimDuration::from_secs(60),
            memory_bytes: 0,
        }
    }
}

/// A connection in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Names the connection; never given twice.
    pub connection: u64,
    /// Where it leads.
    pub backend: u32,
}

/// The answer to a wish for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The slot had one.
    Reused(Held),
    /// A new one; the caller pays the handshake.
    Opened(Held),
    /// None was to be had.
    Refused(Refusal),
}

/// Why a new connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The picker knew no backend.
    NoBackend,
    /// The table on the way is full: the packets are dropped and the caller's connect timer runs out.
    TableFull,
    /// The certificate has expired; the handshake fails.
    CertificateExpired,
}

/// A certificate, as far as it can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The last moment at which a handshake succeeds.
    pub not_after: SimTime,
}

impl Certificate {
    /// Whether a handshake at `now` succeeds.
    pub fn is_valid(&self, now: SimTime) -> bool {
        now <= self.not_after
    }
}

/// A middlebox that cuts streams on which no byte passed for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceRule {
    /// Silence that is tolerated (60 s at ALB and nginx by default, 300 s at Envoy).
    pub timeout: SimDuration,
    /// Time between bytes that the server sends while it has nothing to say (SSE comments); absent: none.
    #[serde(default)]
    pub keep_alive: Option<SimDuration>,
}

impl SilenceRule {
    /// When a stream is cut that carried its last byte of content at `last_byte`; [`SimTime::NEVER`] if keep-alive saves it.
    pub fn cut_at(&self, last_byte: SimTime) -> SimTime {
        match self.keep_alive {
            Some(every) if every < self.timeout => SimTime::NEVER,
            _ => last_byte + self.timeout,
        }
    }
}

/// The table of a NAT device, firewall or port range: entries of open connections and of those closed not long ago.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectionTable {
    limit: Option<u32>,
    linger: SimDuration,
    open: u32,
    lingering: VecDeque<SimTime>,
    refused: u64,
}

impl ConnectionTable {
    /// An empty table.
    pub fn new(limit: Option<u32>, linger: SimDuration) -> Self {
        ConnectionTable { limit, linger, open: 0, lingering: VecDeque::new(), refused: 0 }
    }

    /// Enters a new connection; false if the table is full.
    pub fn open(&mut self, now: SimTime) -> bool {
        let room = self.limit.is_none_or(|limit| self.entries(now) < limit);
        self.open += room as u32;
        self.refused += !room as u64;
        room
    }

    /// A connection closes; its entry lingers.
    pub fn close(&mut self, now: SimTime) {
        self.open = self.open.saturating_sub(1);
        if self.limit.is_some() && self.linger != SimDuration::ZERO {
            let after = self.lingering.back().copied().unwrap_or_default();
            self.lingering.push_back((now + self.linger).max(after));
        }
    }

    /// Forgets the entries of closed connections (the device restarted).
    pub fn flush(&mut self) {
        self.lingering.clear();
    }

    /// Changes limit and linger; entries that linger keep their time.
    pub fn set(&mut self, limit: Option<u32>, linger: SimDuration) {
        (self.limit, self.linger) = (limit, linger);
    }

    /// Entries taken.
    pub fn entries(&mut self, now: SimTime) -> u32 {
        while self.lingering.pop_front_if(|until| *until <= now).is_some() {}
        self.open + self.lingering.len() as u32
    }

    /// Connections refused so far (the device's allocation errors).
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

/// The connections of one client program or gateway. A slot (worker, client cohort) keeps the backend that was picked
/// when it connected, for as long as the connection lives; any number of uses share it, as HTTP/2 streams do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectionPool {
    rules: ConnectionRules,
    certificate: Option<Certificate>,
    table: ConnectionTable,
    connections: FxHashMap<u64, Connection>,
    of_slot: FxHashMap<u32, u64>,
    of_backend: BTreeMap<u32, BTreeSet<u64>>,
    idle: VecDeque<(SimTime, u64)>,
    next_connection: u64,
    counts: ConnectionCounts,
}

/// What a pool has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionCounts {
    /// Uses of a connection that was there.
    pub reused: u64,
    /// Connections opened.
    pub opened: u64,
    /// Wishes refused because no backend was known.
    pub no_backend: u64,
    /// Wishes refused because the table was full.
    pub table_full: u64,
    /// Wishes refused because the certificate had expired.
    pub certificate_expired: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Connection {
    slot: u32,
    backend: u32,
    opened: SimTime,
    uses: u32,
    idle_since: SimTime,
}

impl ConnectionPool {
    /// A pool without connections.
    pub fn new(rules: ConnectionRules) -> Self {
        ConnectionPool {
            rules,
            certificate: None,
            table: ConnectionTable::new(rules.table_limit, rules.table_linger),
            connections: FxHashMap::default(),
            of_slot: FxHashMap::default(),
            of_backend: BTreeMap::new(),
            idle: VecDeque::new(),
            next_connection: 0,
            counts: ConnectionCounts::default(),
        }
    }

    /// A connection for `slot`: the one it has, or a new one to the backend that `pick` names. Each success is one use,
    /// ended by [`ConnectionPool::release`].
    pub fn acquire(&mut self, now: SimTime, slot: u32, pick: &mut dyn FnMut() -> Option<u32>) -> Acquired {
        self.reap(now);
        if let Some(held) = self.reuse(now, slot) {
            self.counts.reused += 1;
            return Acquired::Reused(held);
        }
        match self.open(now, slot, pick) {
            Ok(held) => {
                self.counts.opened += 1;
                Acquired::Opened(held)
            }
            Err(refusal) => {
                *self.counts.refused_mut(refusal) += 1;
                Acquired::Refused(refusal)
            }
        }
    }

    /// A use is over. Without reuse, or with the connection past its age, that closes it. False if it is closed already.
    pub fn release(&mut self, now: SimTime, connection: u64) -> bool {
        let Some(entry) = self.connections.get_mut(&connection) else { return false };
        entry.uses = entry.uses.saturating_sub(1);
        if entry.uses == 0 {
            entry.idle_since = now;
            let retired = self.of_slot.get(&entry.slot) != Some(&connection);
            let aged = self.rules.max_age.is_some_and(|age| age <= now.since(entry.opened));
            match retired || aged || !self.rules.reuse {
                true => self.close(now, connection),
                false => self.note_idle(now, connection),
            }
        }
        self.reap(now);
        true
    }

    /// A connection breaks, uses and all. False if it is closed already.
    pub fn break_connection(&mut self, now: SimTime, connection: u64) -> bool {
        let known = self.connections.contains_key(&connection);
        self.close(now, connection);
        known
    }

    /// A backend is gone: its connections break. Returns those that were in use, in the order in which they were opened.
    pub fn backend_gone(&mut self, now: SimTime, backend: u32) -> Vec<u64> {
        self.reap(now);
        let all = self.of_backend.remove(&backend).unwrap_or_default();
        let in_use = all.iter().copied().filter(|c| self.connections.get(c).is_some_and(|e| 0 < e.uses)).collect();
        all.into_iter().for_each(|connection| self.close(now, connection));
        in_use
    }

    /// The pool's owner restarts: every connection breaks. Returns those that were in use, in the order in which they
    /// were opened.
    pub fn restart(&mut self, now: SimTime) -> Vec<u64> {
        let backends: Vec<u32> = self.of_backend.keys().copied().collect();
        let mut in_use: Vec<u64> = backends.into_iter().flat_map(|b| self.backend_gone(now, b)).collect();
        in_use.sort_unstable();
        in_use
    }

    /// The certificate that new connections need to be valid; absent: none. Connections that stand are not asked again.
    pub fn set_certificate(&mut self, certificate: Option<Certificate>) {
        self.certificate = certificate;
    }

    /// Changes the rules, for connections that stand too.
    pub fn set_rules(&mut self, now: SimTime, rules: ConnectionRules) {
        self.reap(now);
        self.rules = rules;
        self.table.set(rules.table_limit, rules.table_linger);
        self.idle.clear();
        let mut idle: Vec<(SimTime, u64)> =
            self.of_backend.values().flatten().filter_map(|c| self.idle_since(*c).map(|since| (since, *c))).collect();
        idle.sort_unstable();
        self.idle.extend(idle);
        self.reap(now);
    }

    /// The rules in force.
    pub fn rules(&self) -> &ConnectionRules {
        &self.rules
    }

    /// The table that the pool's connections pass.
    pub fn table_mut(&mut self) -> &mut ConnectionTable {
        &mut self.table
    }

    /// Open connections.
    pub fn open_connections(&mut self, now: SimTime) -> u32 {
        self.reap(now);
        self.connections.len() as u32
    }

    /// Open connections to a backend.
    pub fn connections_to(&mut self, now: SimTime, backend: u32) -> u32 {
        self.reap(now);
        self.of_backend.get(&backend).map_or(0, BTreeSet::len) as u32
    }

    /// Memory that open connections take, in bytes.
    pub fn memory_bytes(&mut self, now: SimTime) -> u64 {
        self.open_connections(now) as u64 * self.rules.memory_bytes
    }

    /// What was counted.
    pub fn counts(&self) -> ConnectionCounts {
        self.counts
    }

    /// Whether [`ConnectionPool::acquire`] would find a connection of `slot` that takes a new use.
    pub fn has_connection(&mut self, now: SimTime, slot: u32) -> bool {
        self.reap(now);
        let entry = self.of_slot.get(&slot).and_then(|connection| self.connections.get(connection));
        entry
            .is_some_and(|entry| self.rules.reuse && self.rules.max_age.is_none_or(|age| now.since(entry.opened) < age))
    }

    fn reuse(&mut self, now: SimTime, slot: u32) -> Option<Held> {
        let connection = *self.of_slot.get(&slot)?;
        let entry = self.connections.get_mut(&connection)?;
        let aged = self.rules.max_age.is_some_and(|age| age <= now.since(entry.opened));
        if self.rules.reuse && !aged {
            entry.uses += 1;
            return Some(Held { connection, backend: entry.backend });
        }
        self.of_slot.remove(&slot);
        if entry.uses == 0 {
            self.close(now, connection);
        }
        None
    }

    fn open(&mut self, now: SimTime, slot: u32, pick: &mut dyn FnMut() -> Option<u32>) -> Result<Held, Refusal> {
        let backend = pick().ok_or(Refusal::NoBackend)?;
        if !self.table.open(now) {
            return Err(Refusal::TableFull);
        }
        if self.certificate.is_some_and(|c| !c.is_valid(now)) {
            self.table.close(now);
            return Err(Refusal::CertificateExpired);
        }
        let connection = self.next_connection;
        self.next_connection += 1;
        self.connections.insert(connection, Connection { slot, backend, opened: now, uses: 1, idle_since: now });
        self.of_slot.insert(slot, connection);
        self.of_backend.entry(backend).or_default().insert(connection);
        Ok(Held { connection, backend })
    }

    fn close(&mut self, now: SimTime, connection: u64) {
        let Some(entry) = self.connections.remove(&connection) else { return };
        self.table.close(now);
        if self.of_slot.get(&entry.slot) == Some(&connection) {
            self.of_slot.remove(&entry.slot);
        }
        if let Some(others) = self.of_backend.get_mut(&entry.backend) {
            others.remove(&connection);
            if others.is_empty() {
                self.of_backend.remove(&entry.backend);
            }
        }
    }

    fn note_idle(&mut self, now: SimTime, connection: u64) {
        if self.rules.idle_timeout.is_some() {
            self.idle.push_back((now, connection));
        }
    }

    fn idle_since(&self, connection: u64) -> Option<SimTime> {
        self.connections.get(&connection).filter(|e| e.uses == 0).map(|e| e.idle_since)
    }

    /// Closes what the idle time-out has closed by `now`, at the moments at which it did.
    fn reap(&mut self, now: SimTime) {
        let Some(timeout) = self.rules.idle_timeout else { return };
        while let Some((since, connection)) = self.idle.pop_front_if(|(since, _)| *since + timeout <= now) {
            if self.idle_since(connection) == Some(since) {
                self.close(since + timeout, connection);
            }
        }
    }
}

impl ConnectionCounts {
    fn refused_mut(&mut self, refusal: Refusal) -> &mut u64 {
        match refusal {
            Refusal::NoBackend => &mut self.no_backend,
            Refusal::TableFull => &mut self.table_full,
            Refusal::CertificateExpired => &mut self.certificate_expired,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> SimTime {
        SimTime::from_secs_f64(seconds)
    }

    fn held(acquired: Acquired) -> Held {
        match acquired {
            Acquired::Reused(held) | Acquired::Opened(held) => held,
            Acquired::Refused(refusal) => panic!("{refusal:?}"),
        }
    }

    fn acquire(pool: &mut ConnectionPool, seconds: f64, slot: u32, backend: u32) -> Acquired {
        pool.acquire(at(seconds), slot, &mut || Some(backend))
    }

    #[test]
    fn a_slot_stays_where_it_connected_although_others_have_come() {
        let mut pool = ConnectionPool::new(ConnectionRules { memory_bytes: 64_000, ..ConnectionRules::default() });
        let first = held(acquire(&mut pool, 0.0, 7, 0));
        assert!(pool.release(at(1.0), first.connection));
        assert_eq!(acquire(&mut pool, 9_999.0, 7, 1), Acquired::Reused(first), "pinned");
        assert_eq!(held(acquire(&mut pool, 9_999.0, 8, 1)).backend, 1);
        assert_eq!((pool.connections_to(at(1e4), 0), pool.connections_to(at(1e4), 1)), (1, 1));
        assert_eq!(pool.memory_bytes(at(1e4)), 128_000);
        assert_eq!((pool.counts().opened, pool.counts().reused), (2, 1));
    }

    #[test]
    fn an_aged_connection_takes_no_new_use_and_closes_after_its_last() {
        let mut pool =
            ConnectionPool::new(ConnectionRules { max_age: Some(SimDuration::from_secs(60)), ..Default::default() });
        let old = held(acquire(&mut pool, 0.0, 7, 0));
        let new = held(acquire(&mut pool, 60.0, 7, 1));
        assert_eq!(new.backend, 1);
        assert_eq!(pool.open_connections(at(60.0)), 2, "the old one still carries a stream");
        assert!(pool.release(at(61.0), old.connection));
        assert_eq!(pool.connections_to(at(61.0), 0), 0);
        assert!(!pool.release(at(61.0), old.connection), "it is closed");

        let newest = held(acquire(&mut pool, 120.0, 7, 2));
        pool.set_rules(at(121.0), ConnectionRules::default());
        pool.release(at(122.0), new.connection);
        assert_eq!(pool.connections_to(at(122.0), 1), 0, "nobody would ever use it again");
        assert!(pool.release(at(122.0), newest.connection));
        assert_eq!(pool.open_connections(at(122.0)), 1);
    }

    #[test]
    fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
        let mut pool = ConnectionPool::new(ConnectionRules {
            idle_timeout: Some(SimDuration::from_secs(60)),
            ..Default::default()
        });
        let (a, b) = (held(acquire(&mut pool, 0.0, 1, 0)), held(acquire(&mut pool, 0.0, 2, 0)));
        pool.release(at(1.0), a.connection);
        pool.release(at(1.0), b.connection);
        let again = held(acquire(&mut pool, 50.0, 2, 9));
        assert_eq!(again, b);
        assert_eq!(pool.open_connections(at(60.9)), 2);
        assert_eq!(pool.open_connections(at(61.0)), 1);
        assert_eq!(acquire(&mut pool, 62.0, 1, 9), Acquired::Opened(Held { connection: 2, backend: 9 }));
    }

    #[test]
    fn a_full_table_refuses_the_new_and_leaves_the_old() {
        let rules = ConnectionRules {
            reuse: false,
            table_limit: Some(3),
            table_linger: SimDuration::from_secs(60),
            ..Default::default()
        };
        let mut pool = ConnectionPool::new(rules);
        let one = held(acquire(&mut pool, 0.0, 1, 0));
        for slot in 2..4 {
            let other = held(acquire(&mut pool, 0.0, slot, 0));
            pool.release(at(1.0), other.connection);
        }
        assert_eq!(pool.table_mut().entries(at(1.0)), 3, "closed connections keep their entries");
        assert_eq!(acquire(&mut pool, 2.0, 4, 0), Acquired::Refused(Refusal::TableFull));
        assert_eq!(pool.open_connections(at(2.0)), 1, "the established one lives");
        assert!(matches!(acquire(&mut pool, 61.0, 4, 0), Acquired::Opened(_)), "entries ran out");
        assert_eq!((pool.counts().table_full, pool.table_mut().refused()), (1, 1));
        assert!(pool.release(at(62.0), one.connection));
    }

    #[test]
    fn an_expired_certificate_fails_handshakes_only() {
        let mut pool = ConnectionPool::new(ConnectionRules::default());
        pool.set_certificate(Some(Certificate { not_after: at(100.0) }));
        let first = held(acquire(&mut pool, 100.0, 1, 0));
        assert_eq!(acquire(&mut pool, 101.0, 1, 0), Acquired::Reused(first));
        assert_eq!(acquire(&mut pool, 101.0, 2, 0), Acquired::Refused(Refusal::CertificateExpired));
        assert_eq!(pool.backend_gone(at(102.0), 0), [first.connection]);
        assert_eq!(acquire(&mut pool, 103.0, 1, 0), Acquired::Refused(Refusal::CertificateExpired));
        assert_eq!(pool.acquire(at(103.0), 1, &mut || None), Acquired::Refused(Refusal::NoBackend));
        pool.set_certificate(Some(Certificate { not_after: at(1e6) }));
        assert!(matches!(acquire(&mut pool, 104.0, 1, 0), Acquired::Opened(_)));
    }

    #[test]
    fn a_restart_breaks_all_and_names_those_in_use() {
        let mut pool = ConnectionPool::new(ConnectionRules::default());
        let uses: Vec<u64> =
            [(1, 5), (2, 3), (3, 5)].map(|(slot, b)| held(acquire(&mut pool, 0.0, slot, b)).connection).into();
        pool.release(at(1.0), uses[1]);
        assert_eq!(pool.restart(at(2.0)), [uses[0], uses[2]]);
        assert_eq!(pool.open_connections(at(2.0)), 0);
    }

    #[test]
    fn silence_is_cut_at_the_time_out_unless_something_is_said() {
        let minute = SimDuration::from_secs(60);
        let rule = SilenceRule { timeout: minute, keep_alive: None };
        assert_eq!(rule.cut_at(at(5.0)), at(65.0));
        let kept = SilenceRule { keep_alive: Some(SimDuration::from_secs(15)), ..rule };
        assert_eq!(kept.cut_at(at(5.0)), SimTime::NEVER);
        assert_eq!(SilenceRule { keep_alive: Some(minute), ..rule }.cut_at(at(5.0)), at(65.0), "just too late");
    }
}
