//! A cache of runs: the blocks of one segment, evicted block by block, accounted run by run.
//!
//! A run is always cached from its first block on, because a block is of no use without those before it. So a run needs
//! one number, how many of its blocks are cached, and eviction trims it from its end: what a least-recently-used list of
//! single blocks does when a request frees its blocks in reverse, as vLLM does. Block by block is the oracle in the tests.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::sim::key_table::KeyTable;
use crate::sim::prompt::{Prompt, Segment};
use crate::sim::time::{SimDuration, SimTime};

const NONE: u32 = u32::MAX;

/// Why blocks left a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[repr(usize)]
pub enum Removal {
    /// To make room.
    Evicted = 0,
    /// A check found them wrong, or could not finish.
    Invalid = 1,
    /// The memory that held them is gone.
    Lost = 2,
    /// Somebody emptied the cache, or its process began anew.
    Reset = 3,
    /// Nobody had asked for them for too long.
    Expired = 4,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Run {
    key: u64,
    cached: u32,
    pins: u32,
    older: u32,
    newer: u32,
    touched: SimTime,
}

/// Where a cache holds a run. Good until the run has left: who keeps one asks [`RunCache::holds`] before using it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place(NonZeroU32);

impl Place {
    fn of(slot: u32) -> Place {
        Place(NonZeroU32::MIN.saturating_add(slot))
    }

    fn slot(self) -> u32 {
        self.0.get() - 1
    }
}

/// Blocks of runs, least recently used first out; pinned runs stay.
///
/// Runs are named by their keys. A caller that comes back to a run keeps its [`Place`], and spares the search.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunCache {
    capacity: u32,
    free: u32,
    private: u32,
    evictable: u32,
    runs: Vec<Run>,
    vacant: Vec<u32>,
    by_key: KeyTable,
    oldest: u32,
    newest: u32,
    removed: [u64; 5],
}

/// The blocks of each segment of a prompt, for a block size: `(segment, first block, blocks)`. A block belongs to the
/// segment that holds its last token; what does not fill a block is not cached.
#[inline]
pub fn blocks_of(prompt: &Prompt, block_tokens: u32) -> impl Iterator<Item = (Segment, u32, u32)> + '_ {
    laid_out(prompt.segments().iter().copied(), block_tokens)
}

/// As [`blocks_of`], with the answer as one more segment, if it has any tokens.
pub fn blocks_with_answer(
    prompt: &Prompt,
    answer: Segment,
    block_tokens: u32,
) -> impl Iterator<Item = (Segment, u32, u32)> + '_ {
    let answer = Some(answer).filter(|a| 0 < a.tokens);
    laid_out(prompt.segments().iter().copied().chain(answer), block_tokens)
}

/// As [`blocks_with_answer`], from the end: the order in which blocks are given back, so that those deepest in a prompt
/// are the first to be evicted.
pub fn blocks_from_the_end(
    prompt: &Prompt,
    answer: Segment,
    block_tokens: u32,
) -> impl Iterator<Item = (Segment, u32, u32)> + '_ {
    let mut end = prompt.tokens() + answer.tokens;
    let answer = Some(answer).filter(|a| 0 < a.tokens);
    answer.into_iter().chain(prompt.segments().iter().rev().copied()).map(move |segment| {
        let begin = end - segment.tokens;
        let first = begin / block_tokens;
        let blocks = end / block_tokens - first;
        end = begin;
        (segment, first, blocks)
    })
}

fn laid_out(segments: impl Iterator<Item = Segment>, block_tokens: u32) -> impl Iterator<Item = (Segment, u32, u32)> {
    let (mut tokens, mut first) = (0, 0);
    segments.map(move |segment| {
        tokens += segment.tokens;
        let end = tokens / block_tokens;
        let item = (segment, first, end - first);
        first = end;
        item
    })
}

impl RunCache {
    /// An empty cache of so many blocks.
    pub fn new(capacity: u32) -> Self {
        RunCache {
            capacity,
            free: capacity,
            private: 0,
            evictable: 0,
            runs: Vec::new(),
            vacant: Vec::new(),
            by_key: KeyTable::default(),
            oldest: NONE,
            newest: NONE,
            removed: [0; 5],
        }
    }

    /// Blocks in all.
    #[inline]
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Blocks that could be had now: free, or cached and pinned by nobody.
    pub fn available(&self) -> u32 {
        self.free + self.evictable
    }

    /// Blocks that hold something of running requests.
    pub fn in_use(&self) -> u32 {
        self.capacity - self.available()
    }

    /// Blocks that requests own: what is not full yet, and duplicates.
    pub fn private(&self) -> u32 {
        self.private
    }

    /// Blocks that hold something at all.
    #[inline]
    pub fn occupied(&self) -> u32 {
        self.capacity - self.free
    }

    /// Runs with at least one cached block or pin.
    pub fn runs(&self) -> usize {
        self.by_key.len()
    }

    /// Blocks removed so far for a reason.
    pub fn removed(&self, why: Removal) -> u64 {
        self.removed[why as usize]
    }

    /// Where a run is, if any of it is cached or pinned.
    #[inline]
    pub fn find(&self, key: u64) -> Option<Place> {
        self.by_key.get(key, |slot| self.runs[slot as usize].key).map(Place::of)
    }

    /// Whether the run of this key is still where it was found.
    #[inline]
    pub fn holds(&self, place: Place, key: u64) -> bool {
        self.runs.get(place.slot() as usize).is_some_and(|run| run.key == key && (0 < run.cached || 0 < run.pins))
    }

    /// Cached blocks of a run.
    pub fn cached(&self, key: u64) -> u32 {
        self.find(key).map_or(0, |place| self.cached_at(place))
    }

    /// Cached blocks of the run at a place.
    #[inline]
    pub fn cached_at(&self, place: Place) -> u32 {
        self.runs[place.slot() as usize].cached
    }

    /// Blocks of the run at a place that pinning it would take out of [`RunCache::available`].
    pub fn unpinned_at(&self, place: Place) -> u32 {
        let run = &self.runs[place.slot() as usize];
        if run.pins == 0 { run.cached } else { 0 }
    }

    /// Blocks cached from the start of a prompt without a gap.
    pub fn matched_blocks(&self, prompt: &Prompt, block_tokens: u32) -> u32 {
        let mut matched = 0;
        for (segment, first, blocks) in blocks_of(prompt, block_tokens) {
            let cached = self.cached(segment.key).min(blocks);
            matched = first + cached;
            if cached < blocks {
                break;
            }
        }
        matched
    }

    /// Protects a run from eviction, making an empty one if it was found nowhere.
    pub fn pin(&mut self, key: u64, found: Option<Place>) -> Place {
        let slot = match found {
            Some(place) => {
                let slot = place.slot();
                if self.runs[slot as usize].pins == 0 {
                    self.unlink(slot);
                }
                slot
            }
            None => self.add_run(key),
        };
        self.runs[slot as usize].pins += 1;
        Place::of(slot)
    }

    /// Gives a pin back; the last one makes the run the most recently used, or ends it if nothing of it is cached.
    pub fn unpin(&mut self, place: Place) {
        let run = &mut self.runs[place.slot() as usize];
        run.pins = run.pins.saturating_sub(1);
        if run.pins != 0 {
            return;
        }
        if run.cached == 0 {
            self.remove_run(place.slot());
        } else {
            self.link_newest(place.slot());
        }
    }

    /// Takes blocks for a request's own use, evicting what is oldest. False, and nothing taken, if there are not enough.
    pub fn take_private(&mut self, blocks: u32) -> bool {
        if self.available() < blocks {
            return false;
        }
        self.make_room(blocks);
        self.free -= blocks;
        self.private += blocks;
        true
    }

    /// Gives a request's own blocks back.
    pub fn give_private(&mut self, blocks: u32) {
        self.private -= blocks;
        self.free += blocks;
    }

    /// Blocks `from..to` of a pinned run were computed into private blocks. Those that the run lacks become its own;
    /// returns how many did (the others are duplicates and stay private).
    pub fn publish(&mut self, place: Place, from: u32, to: u32) -> u32 {
        let run = &mut self.runs[place.slot() as usize];
        if run.cached < from || to <= run.cached {
            return 0;
        }
        let published = to - run.cached;
        run.cached = to;
        self.private -= published;
        published
    }

    /// Trims a run that nobody pins to its first `blocks`.
    pub fn trim(&mut self, place: Place, blocks: u32, why: Removal) {
        let run = &self.runs[place.slot() as usize];
        if run.pins != 0 || run.cached <= blocks {
            return;
        }
        self.cut(place.slot(), run.cached - blocks, why);
    }

    /// Stores the first `blocks` of a run, or makes them the most recently used if they are there.
    pub fn store(&mut self, key: u64, blocks: u32, now: SimTime) {
        self.store_at(key, self.find(key), blocks, now);
    }

    /// As [`RunCache::store`], for a run that has been looked for; says where it is now, if anything of it is cached.
    pub fn store_at(&mut self, key: u64, found: Option<Place>, blocks: u32, now: SimTime) -> Option<Place> {
        let blocks = blocks.min(self.capacity);
        if blocks == 0 {
            return found;
        }
        let slot = match found {
            Some(place) => place.slot(),
            None => self.add_run(key),
        };
        let run = &mut self.runs[slot as usize];
        run.touched = now;
        let (pinned, missing) = (run.pins != 0, blocks.saturating_sub(run.cached));
        if missing == 0 {
            if !pinned {
                self.make_newest(slot);
            }
            return Some(Place::of(slot));
        }
        if !pinned && found.is_some() {
            self.unlink(slot); // so that making room does not eat the run itself
        }
        let granted = missing.min(self.available());
        self.make_room(granted);
        self.free -= granted;
        let run = &mut self.runs[slot as usize];
        run.cached += granted;
        if pinned {
            return Some(Place::of(slot));
        }
        if run.cached == 0 {
            self.remove_run(slot);
            return None;
        }
        self.link_newest(slot);
        Some(Place::of(slot))
    }

    /// Stores as much of a run as there is room for behind all others, as the least recently used; nothing if it is
    /// there. Who begins with an empty cache and what was used last, and goes back in time, gets what storing forward
    /// in time would have left. True while there is room for more.
    pub fn store_oldest(&mut self, key: u64, blocks: u32) -> bool {
        let granted = blocks.min(self.free);
        if 0 < granted && self.find(key).is_none() {
            let slot = self.add_run(key);
            let newer = std::mem::replace(&mut self.oldest, slot);
            match newer {
                NONE => self.newest = slot,
                _ => self.runs[newer as usize].older = slot,
            }
            let run = &mut self.runs[slot as usize];
            (run.cached, run.newer) = (granted, newer);
            self.free -= granted;
            self.evictable += granted;
        }
        0 < self.free
    }

    /// Makes a run the most recently used.
    #[inline]
    pub fn touch(&mut self, place: Place, now: SimTime) {
        let run = &mut self.runs[place.slot() as usize];
        run.touched = now;
        if run.pins == 0 {
            self.make_newest(place.slot());
        }
    }

    /// Drops a run that nobody has touched for longer than `ttl`. True if it was dropped.
    pub fn expire(&mut self, place: Place, now: SimTime, ttl: SimDuration) -> bool {
        let run = &self.runs[place.slot() as usize];
        let expired = run.pins == 0 && ttl < now.since(run.touched);
        if expired {
            self.cut(place.slot(), run.cached, Removal::Expired);
        }
        expired
    }

    /// Evicts a share of all blocks, oldest first.
    pub fn evict_share(&mut self, share: f64) {
        self.evict((f64::from(self.capacity) * share) as u32);
    }

    /// Drops everything that nobody pins.
    pub fn clear(&mut self, why: Removal) {
        while self.oldest != NONE {
            let slot = self.oldest;
            self.cut(slot, self.runs[slot as usize].cached, why);
        }
    }

    /// Changes the number of blocks; what no longer fits is evicted, and what is in use is waited for.
    pub fn set_capacity(&mut self, capacity: u32) {
        let least = self.in_use();
        let capacity = capacity.max(least);
        let surplus = (self.capacity - self.free).saturating_sub(capacity);
        self.evict(surplus);
        self.free = capacity - (self.capacity - self.free);
        self.capacity = capacity;
    }

    /// Every block is free, private, or cached in exactly one run.
    ///
    /// # Errors
    /// What does not add up.
    pub fn check(&self) -> Result<(), String> {
        let (mut cached, mut evictable) = (0u64, 0u64);
        for slot in self.by_key.places() {
            let run = &self.runs[slot as usize];
            cached += u64::from(run.cached);
            evictable += if run.pins == 0 { u64::from(run.cached) } else { 0 };
        }
        let sum = u64::from(self.free) + u64::from(self.private) + cached;
        if sum != u64::from(self.capacity) {
            return Err(format!(
                "{} free + {} private + {cached} cached blocks are not {}",
                self.free, self.private, self.capacity
            ));
        }
        if evictable != u64::from(self.evictable) {
            return Err(format!("{evictable} blocks can be evicted, but {} are counted", self.evictable));
        }
        Ok(())
    }

    fn make_room(&mut self, blocks: u32) {
        self.evict(blocks.saturating_sub(self.free));
    }

    fn evict(&mut self, mut blocks: u32) {
        while 0 < blocks && self.oldest != NONE {
            let slot = self.oldest;
            let cut = self.runs[slot as usize].cached.min(blocks);
            self.cut(slot, cut, Removal::Evicted);
            blocks -= cut;
        }
    }

    /// Cuts blocks off the end of an unpinned run, and ends it if none is left.
    fn cut(&mut self, slot: u32, blocks: u32, why: Removal) {
        let run = &mut self.runs[slot as usize];
        run.cached -= blocks;
        let empty = run.cached == 0;
        self.free += blocks;
        self.evictable -= blocks;
        self.removed[why as usize] += u64::from(blocks);
        if empty {
            self.unlink(slot);
            self.remove_run(slot);
        }
    }

    fn add_run(&mut self, key: u64) -> u32 {
        let run = Run { key, cached: 0, pins: 0, older: NONE, newer: NONE, touched: SimTime::ZERO };
        let slot = match self.vacant.pop() {
            Some(slot) => {
                self.runs[slot as usize] = run;
                slot
            }
            None => {
                self.runs.push(run);
                (self.runs.len() - 1) as u32
            }
        };
        self.by_key.insert(key, slot);
        slot
    }

    fn remove_run(&mut self, slot: u32) {
        self.by_key.remove(self.runs[slot as usize].key, slot);
        self.vacant.push(slot);
    }

    fn make_newest(&mut self, slot: u32) {
        if self.newest != slot {
            self.unlink(slot);
            self.link_newest(slot);
        }
    }

    /// Puts a run that nobody pins at the end of the order of use.
    fn link_newest(&mut self, slot: u32) {
        let newest = self.newest;
        let run = &mut self.runs[slot as usize];
        (run.older, run.newer) = (newest, NONE);
        self.evictable += run.cached;
        match newest {
            NONE => self.oldest = slot,
            _ => self.runs[newest as usize].newer = slot,
        }
        self.newest = slot;
    }

    /// Takes a run that nobody pins out of the order of use.
    fn unlink(&mut self, slot: u32) {
        let Run { older, newer, cached, .. } = self.runs[slot as usize];
        match older {
            NONE => self.oldest = newer,
            _ => self.runs[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            _ => self.runs[newer as usize].older = older,
        }
        self.evictable -= cached;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Keys and cached blocks, oldest first.
    fn contents(cache: &RunCache) -> Vec<(u64, u32)> {
        let run = |slot: u32| &cache.runs[slot as usize];
        let next = |slot: &u32| Some(run(*slot).newer).filter(|slot| *slot != NONE);
        let slots = std::iter::successors(Some(cache.oldest).filter(|slot| *slot != NONE), next);
        slots.map(|slot| (run(slot).key, run(slot).cached)).collect()
    }

    proptest! {
        #[test]
        fn filling_from_the_end_leaves_what_storing_in_order_leaves(
            keys in prop::collection::vec(0u64..30, 0..200),
            capacity in 0u32..120,
        ) {
            let blocks = |key: u64| (key * 7 % 19) as u32;
            let (mut forward, mut backward) = (RunCache::new(capacity), RunCache::new(capacity));
            keys.iter().for_each(|key| forward.store(*key, blocks(*key), SimTime::ZERO));
            let full = keys.iter().rev().position(|key| !backward.store_oldest(*key, blocks(*key)));
            prop_assert_eq!(contents(&forward), contents(&backward));
            prop_assert_eq!(forward.available(), backward.available());
            prop_assert_eq!(full.is_some(), forward.free == 0 && !keys.is_empty());
            prop_assert!(forward.check().is_ok() && backward.check().is_ok());
        }

        /// The answer found by place is the answer found by name, whatever has come and gone.
        #[test]
        fn a_place_is_good_until_its_run_has_left(keys in prop::collection::vec(0u64..40, 1..200)) {
            let mut cache = RunCache::new(50);
            let mut places: Vec<(u64, Place)> = Vec::new();
            for key in keys {
                let found = cache.find(key);
                places.extend(cache.store_at(key, found, (key % 7) as u32, SimTime::ZERO).map(|place| (key, place)));
                for (key, place) in &places {
                    let there = cache.holds(*place, *key);
                    prop_assert_eq!(there, cache.find(*key) == Some(*place));
                    prop_assert!(!there || cache.cached_at(*place) == cache.cached(*key));
                }
            }
        }
    }
}
