//! The router of a pool: it chooses a replica by its own, possibly stale, view.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::sim::prompt::Prompt;
use crate::sim::rng::mix;
use crate::sim::spec::stack::RouterPolicy;
use crate::sim::time::{SimDuration, SimTime};

/// Points of each replica on the ring of consistent hashing.
const RING_POINTS: u64 = 128;
/// Prefixes that the router remembers before it forgets the older half.
const REMEMBERED: usize = 200_000;

/// What the router believes about one replica.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Seat {
    ready: bool,
    seen_load: u32,
    sent_since: u32,
    done_since: u32,
    in_flight: u32,
    errors_in_row: u32,
    ejected_until: SimTime,
}

impl Seat {
    /// The load last seen, corrected by what one of `peers` routers has itself sent and heard back since.
    fn load(&self, peers: u32) -> u32 {
        let own = (i64::from(self.sent_since) - i64::from(self.done_since)) / i64::from(peers);
        (i64::from(self.seen_load) + own).clamp(0, i64::from(u32::MAX)) as u32
    }
}

/// Chooses a replica for each request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Router {
    policy: RouterPolicy,
    seats: Vec<Seat>,
    turn: usize,
    ring: Vec<(u64, usize)>,
    recent: FxHashMap<u64, u32>,
    older: FxHashMap<u64, u32>,
    pinned: FxHashMap<u64, (usize, SimTime)>,
    eject_after: u32,
    eject_for: SimDuration,
    predicted_tokens: u64,
    peers: u32,
    /// Places that are ready, in order.
    ready: Vec<usize>,
    /// When the last ejection so far ends.
    ejected_until: SimTime,
    eligible: Vec<usize>,
}

impl Router {
    /// A router with this rule; `eject_after` consecutive errors put a replica out for `eject_for` (0: never).
    pub fn new(policy: RouterPolicy, eject_after: u32, eject_for: SimDuration) -> Self {
        Router {
            policy,
            seats: Vec::new(),
            turn: 0,
            ring: Vec::new(),
            recent: FxHashMap::default(),
            older: FxHashMap::default(),
            pinned: FxHashMap::default(),
            eject_after,
            eject_for,
            predicted_tokens: 0,
            peers: 1,
            ready: Vec::new(),
            ejected_until: SimTime::ZERO,
            eligible: Vec::new(),
        }
    }

    /// So many routers share the traffic, and each knows only what it sent itself since it last looked: between two
    /// looks, the load that one of them counts is its share of the truth.
    pub fn shared_by(self, peers: u16) -> Self {
        Router { peers: u32::from(peers.max(1)), ..self }
    }

    /// The rule in force.
    pub fn policy(&self) -> RouterPolicy {
        self.policy
    }

    /// Replaces the rule; what is remembered of prefixes is kept.
    pub fn set_policy(&mut self, policy: RouterPolicy) {
        self.policy = policy;
        self.build_ring();
    }

    /// Sets whether the replica at `place` may be chosen. Places grow on demand.
    pub fn set_ready(&mut self, place: usize, ready: bool) {
        if self.seats.len() <= place {
            self.seats.resize(place + 1, Seat::default());
        }
        if self.seats[place].ready != ready {
            self.seats[place].ready = ready;
            self.ready = (0..self.seats.len()).filter(|p| self.seats[*p].ready).collect();
            self.build_ring();
        }
    }

    /// Whether the router believes the replica at `place` to be ready.
    pub fn is_ready(&self, place: usize) -> bool {
        self.seats.get(place).is_some_and(|s| s.ready)
    }

    /// Replicas that the router believes to be ready.
    pub fn ready_count(&self) -> usize {
        self.ready.len()
    }

    /// A fresh reading of a replica's load (running and waiting).
    pub fn see(&mut self, place: usize, load: u32) {
        if let Some(seat) = self.seats.get_mut(place) {
            seat.seen_load = load;
            seat.sent_since = 0;
            seat.done_since = 0;
        }
    }

    /// Tokens that the router expected to find cached where it sent requests, so far.
    pub fn predicted_tokens(&self) -> u64 {
        self.predicted_tokens
    }

    /// Requests sent to the replica at `place` and not yet answered.
    pub fn in_flight(&self, place: usize) -> u32 {
        self.seats.get(place).map_or(0, |s| s.in_flight)
    }

    /// Chooses a place for a request and counts it as sent there; never `except`, unless it alone is ready.
    pub fn pick(&mut self, now: SimTime, affinity: u64, prompt: &Prompt, except: Option<usize>) -> Option<usize> {
        let place = if except.is_none() && self.ejected_until <= now {
            let ready = std::mem::take(&mut self.ready);
            let place = self.choose(now, affinity, prompt, &ready);
            self.ready = ready;
            place
        } else {
            let mut eligible = std::mem::take(&mut self.eligible);
            self.find_eligible(now, except, &mut eligible);
            let place = self.choose(now, affinity, prompt, &eligible);
            self.eligible = eligible;
            place
        };
        let place = place?;
        self.remember(prompt, place);
        self.seats[place].sent_since += 1;
        self.seats[place].in_flight += 1;
        Some(place)
    }

    fn choose(&mut self, now: SimTime, affinity: u64, prompt: &Prompt, eligible: &[usize]) -> Option<usize> {
        Some(match self.policy {
            _ if eligible.is_empty() => return None,
            RouterPolicy::RoundRobin => self.next_in_turn(eligible),
            RouterPolicy::LeastLoaded => self.least_loaded(eligible),
            RouterPolicy::ModN => eligible[(affinity % eligible.len() as u64) as usize],
            RouterPolicy::ConsistentHash => self.on_ring(affinity, eligible),
            RouterPolicy::Pinned { max_age_s, .. } => self.on_connection(now, affinity, max_age_s, eligible),
            RouterPolicy::CacheAware { threshold, balance_abs, balance_rel } => {
                self.cache_aware(prompt, eligible, threshold, balance_abs, balance_rel)
            }
        })
    }

    /// Counts an answer from the replica at `place`; errors in a row may put it out.
    pub fn answered(&mut self, now: SimTime, place: usize, ok: bool) {
        let (eject_after, eject_for) = (self.eject_after, self.eject_for);
        let Some(seat) = self.seats.get_mut(place) else { return };
        seat.done_since += 1;
        seat.in_flight = seat.in_flight.saturating_sub(1);
        seat.errors_in_row = if ok { 0 } else { seat.errors_in_row + 1 };
        if 0 < eject_after && eject_after <= seat.errors_in_row {
            seat.ejected_until = now + eject_for;
            self.ejected_until = self.ejected_until.max(seat.ejected_until);
            seat.errors_in_row = 0;
        }
    }

    fn find_eligible(&self, now: SimTime, except: Option<usize>, eligible: &mut Vec<usize>) {
        let ready = || self.ready.iter().copied();
        eligible.clear();
        eligible.extend(ready().filter(|p| Some(*p) != except && self.seats[*p].ejected_until <= now));
        if eligible.is_empty() {
            eligible.extend(ready()); // all ejected, or only the excepted one: better it than nothing
        }
    }

    fn next_in_turn(&mut self, eligible: &[usize]) -> usize {
        self.turn += 1;
        eligible[self.turn % eligible.len()]
    }

    fn least_loaded(&mut self, eligible: &[usize]) -> usize {
        self.turn += 1;
        let start = self.turn % eligible.len();
        (0..eligible.len())
            .map(|i| eligible[(start + i) % eligible.len()])
            .min_by_key(|p| self.seats[*p].load(self.peers))
            .expect("eligible is not empty")
    }

    /// The replica that the connection named by `affinity` leads to; a new one leads to the next in turn.
    fn on_connection(&mut self, now: SimTime, affinity: u64, max_age: SimDuration, eligible: &[usize]) -> usize {
        if let Some((place, opened)) = self.pinned.get(&affinity)
            && now.since(*opened) < max_age
            && eligible.contains(place)
        {
            return *place;
        }
        let place = self.next_in_turn(eligible);
        self.pinned.insert(affinity, (place, now));
        place
    }

    fn on_ring(&self, affinity: u64, eligible: &[usize]) -> usize {
        let from = self.ring.partition_point(|(point, _)| *point < affinity);
        (0..self.ring.len())
            .map(|i| self.ring[(from + i) % self.ring.len()].1)
            .find(|place| eligible.contains(place))
            .unwrap_or(eligible[0])
    }

    fn cache_aware(
        &mut self,
        prompt: &Prompt,
        eligible: &[usize],
        threshold: f64,
        balance_abs: u32,
        balance_rel: f64,
    ) -> usize {
        let loads = eligible.iter().map(|p| self.seats[*p].load(self.peers));
        let (least, most) = loads.fold((u32::MAX, 0), |(lo, hi), l| (lo.min(l), hi.max(l)));
        let uneven = balance_abs < most - least && least as f64 * balance_rel < most as f64;
        if !uneven
            && let Some((place, tokens)) = self.longest_match(prompt, eligible)
            && threshold * prompt.tokens() as f64 <= tokens as f64
        {
            self.predicted_tokens += tokens as u64;
            return place;
        }
        self.least_loaded(eligible)
    }

    fn longest_match(&self, prompt: &Prompt, eligible: &[usize]) -> Option<(usize, u32)> {
        let mut tokens = prompt.tokens();
        for segment in prompt.segments().iter().rev() {
            let place = self.recent.get(&segment.key).or_else(|| self.older.get(&segment.key));
            if let Some(place) = place.map(|p| *p as usize).filter(|p| eligible.contains(p)) {
                return Some((place, tokens));
            }
            tokens -= segment.tokens;
        }
        None
    }

    fn remember(&mut self, prompt: &Prompt, place: usize) {
        if !matches!(self.policy, RouterPolicy::CacheAware { .. }) {
            return;
        }
        if REMEMBERED < self.recent.len() {
            self.older = std::mem::take(&mut self.recent);
        }
        for segment in prompt.segments() {
            self.recent.insert(segment.key, place as u32);
        }
    }

    fn build_ring(&mut self) {
        self.ring.clear();
        if self.policy != RouterPolicy::ConsistentHash {
            return;
        }
        for place in (0..self.seats.len()).filter(|p| self.seats[*p].ready) {
            self.ring.extend((0..RING_POINTS).map(|point| (mix(place as u64 + 1, point), place)));
        }
        self.ring.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::prompt::Segment;

    fn router(policy: RouterPolicy, ready: usize) -> Router {
        let mut router = Router::new(policy, 0, SimDuration::ZERO);
        (0..ready).for_each(|place| router.set_ready(place, true));
        router
    }

    fn prompt(key: u64) -> Prompt {
        Prompt::new([Segment { key, tokens: 100 }])
    }

    /// Share of affinities that change place when a ninth replica joins eight.
    fn moved_by_one_more(policy: RouterPolicy) -> f64 {
        let (mut eight, mut nine) = (router(policy, 8), router(policy, 9));
        let places = |r: &mut Router| -> Vec<_> {
            (0..2000).map(|k| r.pick(SimTime::ZERO, mix(k, 7), &prompt(k), None)).collect()
        };
        let (before, after) = (places(&mut eight), places(&mut nine));
        before.iter().zip(&after).filter(|(a, b)| a != b).count() as f64 / 2000.0
    }

    #[test]
    fn one_more_replica_moves_most_keys_modulo_n_and_a_ninth_on_a_ring() {
        assert!(0.85 < moved_by_one_more(RouterPolicy::ModN));
        let ring = moved_by_one_more(RouterPolicy::ConsistentHash);
        assert!(0.05 < ring && ring < 0.2, "{ring}");
    }

    #[test]
    fn pinned_connections_leave_a_new_replica_idle_until_they_are_made_anew() {
        let rule = RouterPolicy::Pinned { connections: 4, max_age_s: SimDuration::from_secs(600) };
        let mut router = router(rule, 2);
        let to_third = |router: &mut Router, at_s: f64| {
            (0..100).filter(|n| router.pick(SimTime::from_secs_f64(at_s), n % 8, &prompt(*n), None) == Some(2)).count()
        };
        assert_eq!(to_third(&mut router, 0.0), 0);
        router.set_ready(2, true);
        assert_eq!(to_third(&mut router, 300.0), 0, "nobody connects anew");
        assert!(20 < to_third(&mut router, 601.0), "everybody has");
    }

    #[test]
    fn a_replica_that_answers_at_once_looks_idle_to_least_loaded() {
        let mut router = router(RouterPolicy::LeastLoaded, 4);
        let mut to_first = 0;
        for n in 0..400 {
            let place = router.pick(SimTime::ZERO, n, &prompt(n), None).expect("four are ready");
            if place == 0 {
                to_first += 1;
                router.answered(SimTime::ZERO, 0, false);
            }
        }
        assert!(390 < to_first, "only {to_first} of 400 went to the one that fails fast");
    }

    #[test]
    fn ejection_needs_errors_in_a_row_and_ends() {
        let mut router = Router::new(RouterPolicy::RoundRobin, 3, SimDuration::from_secs(30));
        (0..2).for_each(|place| router.set_ready(place, true));
        (0..3).for_each(|_| router.answered(SimTime::ZERO, 0, false));
        let picks =
            |router: &mut Router, at| (0..8).filter_map(|n| router.pick(at, n, &prompt(n), None)).sum::<usize>();
        assert_eq!(picks(&mut router, SimTime::from_secs_f64(1.0)), 8, "all go to place 1");
        assert_eq!(picks(&mut router, SimTime::from_secs_f64(31.0)), 4, "half go to each again");
    }

    #[test]
    fn cache_aware_follows_the_prefix_until_load_is_uneven() {
        let rule = RouterPolicy::CacheAware { threshold: 0.5, balance_abs: 10, balance_rel: 1.5 };
        let mut router = router(rule, 4);
        let first = router.pick(SimTime::ZERO, 0, &prompt(9), None);
        let places: Vec<_> = (0..30).map(|_| router.pick(SimTime::ZERO, 0, &prompt(9), None)).collect();
        assert!(places[..8].iter().all(|p| *p == first));
        assert!(places.iter().any(|p| *p != first), "an uneven load overrides the match");
    }
}
