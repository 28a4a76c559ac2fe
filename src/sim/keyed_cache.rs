//! A cache by key in shards that may be down: auth entries, names, compiled grammars.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::sim::rng::mix;
use crate::sim::time::{SimDuration, SimTime};

/// Entries live in the shard `hash(key) mod shards`, each shard with its own capacity and its own LRU order, until they
/// expire, are evicted or lost. `V` is what an entry says (an address, a version); `()` where presence is all.
///
/// Expiry is noticed when an entry is looked up; until then it takes room, as in the real ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyedCache<V = ()> {
    shards: Vec<Shard<V>>,
    capacity_per_shard: u32,
    time_to_live: SimDuration,
    counts: CacheCounts,
}

/// The answer to a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<V = ()> {
    /// The entry is there and has not expired.
    Hit(V),
    /// No entry.
    Miss,
    /// Nobody answers for this key.
    ShardDown,
}

/// What a cache has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheCounts {
    /// Look-ups answered from an entry.
    pub hits: u64,
    /// Look-ups without an entry, expired ones included.
    pub misses: u64,
    /// Look-ups of a shard that is down.
    pub unanswered: u64,
    /// Entries written, new or again.
    pub inserted: u64,
    /// Entries that made room for another.
    pub evicted: u64,
    /// Entries found past their time.
    pub expired: u64,
    /// Entries lost with a shard, a flush or a resize, or removed.
    pub lost: u64,
}

impl<V: Clone> KeyedCache<V> {
    /// An empty cache of `shards` shards (at least one) with room for `capacity_per_shard` entries each.
    pub fn new(shards: u16, capacity_per_shard: u32, time_to_live: SimDuration) -> Self {
        let shards = (0..shards.max(1)).map(|_| Shard::default()).collect();
        KeyedCache { shards, capacity_per_shard, time_to_live, counts: CacheCounts::default() }
    }

    /// Looks a key up; a hit becomes the youngest of its shard.
    pub fn lookup(&mut self, now: SimTime, key: u64) -> Lookup<V> {
        let shard = self.shard_of(key);
        let shard = &mut self.shards[shard];
        if shard.down {
            self.counts.unanswered += 1;
            return Lookup::ShardDown;
        }
        match shard.get(now, key) {
            Found::Live(value) => {
                self.counts.hits += 1;
                Lookup::Hit(value)
            }
            Found::Expired => {
                self.counts.misses += 1;
                self.counts.expired += 1;
                Lookup::Miss
            }
            Found::Nothing => {
                self.counts.misses += 1;
                Lookup::Miss
            }
        }
    }

    /// Writes an entry that lives for the cache's time to live. Nothing happens if its shard is down.
    pub fn insert(&mut self, now: SimTime, key: u64, value: V) {
        self.insert_until(key, value, now + self.time_to_live);
    }

    /// Writes an entry that lives until `expires` (a resolver's first answer is as old as [`phase`] says).
    pub fn insert_until(&mut self, key: u64, value: V, expires: SimTime) {
        let shard = self.shard_of(key);
        let shard = &mut self.shards[shard];
        if shard.down || self.capacity_per_shard == 0 {
            return;
        }
        self.counts.inserted += 1;
        self.counts.evicted += shard.put(key, value, expires, self.capacity_per_shard) as u64;
    }

    /// Removes an entry; false if there was none. A shard that is down removes nothing.
    pub fn remove(&mut self, key: u64) -> bool {
        let shard = self.shard_of(key);
        let shard = &mut self.shards[shard];
        let removed = !shard.down && shard.remove(key);
        self.counts.lost += removed as u64;
        removed
    }

    /// Takes a shard down or up. Its entries stay: a partition, not a loss. False if there is no such shard.
    pub fn set_shard_down(&mut self, shard: usize, down: bool) -> bool {
        self.shards.get_mut(shard).map(|s| s.down = down).is_some()
    }

    /// Loses what a shard holds (its node restarted). False if there is no such shard.
    pub fn drop_shard(&mut self, shard: usize) -> bool {
        let Some(shard) = self.shards.get_mut(shard) else { return false };
        self.counts.lost += shard.clear();
        true
    }

    /// Loses everything; shards that are down stay down.
    pub fn flush(&mut self) {
        self.counts.lost += self.shards.iter_mut().map(Shard::clear).sum::<u64>();
    }

    /// Changes the number of shards (at least one). An entry that now belongs to another shard is lost: with n -> m
    /// shards, most of them. New shards are up.
    pub fn resize(&mut self, shards: u16) {
        let count = shards.max(1) as usize;
        let removed: u64 = self.shards.iter_mut().skip(count).map(Shard::clear).sum();
        self.shards.resize_with(count, Shard::default);
        let strays: u64 =
            self.shards.iter_mut().enumerate().map(|(i, s)| s.retain_keys(|key| place(key, count) == i)).sum();
        self.counts.lost += removed + strays;
    }

    /// Changes the time to live of entries written from now on.
    pub fn set_time_to_live(&mut self, time_to_live: SimDuration) {
        self.time_to_live = time_to_live;
    }

    /// Changes the room per shard; the oldest entries beyond it are evicted.
    pub fn set_capacity(&mut self, capacity_per_shard: u32) {
        self.capacity_per_shard = capacity_per_shard;
        self.counts.evicted += self.shards.iter_mut().map(|s| s.shrink(capacity_per_shard)).sum::<u64>();
    }

    /// The shard that answers for a key.
    pub fn shard_of(&self, key: u64) -> usize {
        place(key, self.shards.len())
    }

    /// The number of shards.
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Entries of all shards, those past their time and not yet looked up included.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|s| s.slots_by_key.len()).sum()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was counted.
    pub fn counts(&self) -> CacheCounts {
        self.counts
    }
}

/// How far into its time to live a client cohort's first answer already is: resolvers that were filled at unrelated
/// moments expire at unrelated moments.
pub fn phase(cohort: u64, time_to_live: SimDuration) -> SimDuration {
    SimDuration(mix(cohort, 0x05_1a_5e).checked_rem(time_to_live.0).unwrap_or(0))
}

fn place(key: u64, shards: usize) -> usize {
    (mix(key, 0x5a_4d) % shards as u64) as usize
}

/// One shard: a table of slots, threaded in order of use from `youngest` to `oldest`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Shard<V> {
    down: bool,
    slots_by_key: FxHashMap<u64, u32>,
    slots: Vec<Slot<V>>,
    free: Vec<u32>,
    youngest: u32,
    oldest: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Slot<V> {
    key: u64,
    value: V,
    expires: SimTime,
    younger: u32,
    older: u32,
}

enum Found<V> {
    Live(V),
    Expired,
    Nothing,
}

const NONE: u32 = u32::MAX;

impl<V> Default for Shard<V> {
    fn default() -> Self {
        let (slots_by_key, slots, free) = (FxHashMap::default(), Vec::new(), Vec::new());
        Shard { down: false, slots_by_key, slots, free, youngest: NONE, oldest: NONE }
    }
}

impl<V> Shard<V> {
    fn get(&mut self, now: SimTime, key: u64) -> Found<V>
    where
        V: Clone,
    {
        let Some(&slot) = self.slots_by_key.get(&key) else { return Found::Nothing };
        if self.slots[slot as usize].expires <= now {
            self.remove(key);
            return Found::Expired;
        }
        self.unlink(slot);
        self.link_youngest(slot);
        Found::Live(self.slots[slot as usize].value.clone())
    }

    /// Writes an entry; says how many were evicted for it.
    fn put(&mut self, key: u64, value: V, expires: SimTime, capacity: u32) -> u32 {
        if let Some(&slot) = self.slots_by_key.get(&key) {
            let entry = &mut self.slots[slot as usize];
            (entry.value, entry.expires) = (value, expires);
            self.unlink(slot);
            self.link_youngest(slot);
            return 0;
        }
        let evicted = (capacity as usize <= self.slots_by_key.len()) as u32;
        if evicted == 1 {
            self.remove_oldest();
        }
        let entry = Slot { key, value, expires, younger: NONE, older: NONE };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = entry;
                slot
            }
            None => {
                self.slots.push(entry);
                (self.slots.len() - 1) as u32
            }
        };
        self.slots_by_key.insert(key, slot);
        self.link_youngest(slot);
        evicted
    }

    fn remove(&mut self, key: u64) -> bool {
        let Some(slot) = self.slots_by_key.remove(&key) else { return false };
        self.unlink(slot);
        self.free.push(slot);
        true
    }

    fn remove_oldest(&mut self) {
        if self.oldest != NONE {
            let key = self.slots[self.oldest as usize].key;
            self.remove(key);
        }
    }

    fn shrink(&mut self, capacity: u32) -> u64 {
        let surplus = self.slots_by_key.len().saturating_sub(capacity as usize);
        (0..surplus).for_each(|_| self.remove_oldest());
        surplus as u64
    }

    fn clear(&mut self) -> u64 {
        let lost = self.slots_by_key.len() as u64;
        *self = Shard { down: self.down, ..Shard::default() };
        lost
    }

    /// Removes the entries that `keep` does not want, in order of use; says how many.
    fn retain_keys(&mut self, keep: impl Fn(u64) -> bool) -> u64 {
        let mut removed = 0;
        let mut slot = self.oldest;
        while slot != NONE {
            let Slot { key, younger, .. } = self.slots[slot as usize];
            if !keep(key) {
                self.remove(key);
                removed += 1;
            }
            slot = younger;
        }
        removed
    }

    fn unlink(&mut self, slot: u32) {
        let Slot { younger, older, .. } = self.slots[slot as usize];
        match younger {
            NONE => self.youngest = older,
            _ => self.slots[younger as usize].older = older,
        }
        match older {
            NONE => self.oldest = younger,
            _ => self.slots[older as usize].younger = younger,
        }
    }

    fn link_youngest(&mut self, slot: u32) {
        let older = self.youngest;
        (self.slots[slot as usize].younger, self.slots[slot as usize].older) = (NONE, older);
        match older {
            NONE => self.oldest = slot,
            _ => self.slots[older as usize].younger = slot,
        }
        self.youngest = slot;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: SimDuration = SimDuration::from_secs(60);

    fn filled(shards: u16) -> KeyedCache {
        let mut cache = KeyedCache::new(shards, 1_000, MINUTE);
        (0..4_000).for_each(|key| cache.insert(SimTime::ZERO, key, ()));
        cache
    }

    fn hits(cache: &mut KeyedCache) -> usize {
        (0..4_000).filter(|key| cache.lookup(SimTime::ZERO, *key) == Lookup::Hit(())).count()
    }

    #[test]
    fn an_entry_lives_for_its_time_and_not_a_nanosecond_longer() {
        let mut cache = KeyedCache::new(1, 10, MINUTE);
        cache.insert(SimTime::ZERO, 1, "old address");
        assert_eq!(cache.lookup(SimTime(MINUTE.0 - 1), 1), Lookup::Hit("old address"));
        assert_eq!(cache.lookup(SimTime(MINUTE.0), 1), Lookup::Miss);
        assert_eq!((cache.counts().expired, cache.counts().misses, cache.len()), (1, 1, 0));
    }

    #[test]
    fn a_shard_that_is_down_fails_its_keys_and_no_others() {
        let mut cache = filled(8);
        assert_eq!(hits(&mut cache), 4_000);
        cache.set_shard_down(5, true);
        for key in 0..4_000 {
            let expected = if cache.shard_of(key) == 5 { Lookup::ShardDown } else { Lookup::Hit(()) };
            assert_eq!(cache.lookup(SimTime::ZERO, key), expected);
            cache.insert(SimTime::ZERO, key, ());
        }
        let failed = cache.counts().unanswered;
        assert!((400..600).contains(&failed), "an eighth: {failed}");
        cache.set_shard_down(5, false);
        assert_eq!(hits(&mut cache), 4_000, "it was away, not lost");
        cache.drop_shard(5);
        assert_eq!(hits(&mut cache) as u64, 4_000 - failed);
    }

    #[test]
    fn one_more_shard_loses_most_entries() {
        let mut cache = filled(8);
        cache.resize(9);
        // A key stays where it was if its hash is the same modulo both: one in nine.
        let kept = hits(&mut cache);
        assert!((350..540).contains(&kept), "{kept}");
        assert_eq!(cache.len(), kept, "what cannot be found takes no room");
        cache.flush();
        assert!(cache.is_empty());
        assert_eq!(cache.counts().lost, 4_000);
    }

    #[test]
    fn a_smaller_cache_evicts_the_least_used() {
        let mut cache = KeyedCache::new(1, 3, MINUTE);
        (0..3).for_each(|key| cache.insert(SimTime::ZERO, key, ()));
        cache.lookup(SimTime::ZERO, 0);
        cache.set_capacity(1);
        assert_eq!(cache.lookup(SimTime::ZERO, 0), Lookup::Hit(()));
        assert_eq!((cache.len(), cache.counts().evicted), (1, 2));
    }

    #[test]
    fn cohorts_expire_at_moments_of_their_own() {
        let phases: std::collections::BTreeSet<SimDuration> = (0..50).map(|cohort| phase(cohort, MINUTE)).collect();
        assert_eq!(phases.len(), 50);
        assert!(phases.iter().all(|p| *p < MINUTE));
        assert_eq!(phase(1, SimDuration::ZERO), SimDuration::ZERO);
    }
}
