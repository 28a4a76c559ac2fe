//! A cache of runs: the blocks of one segment, evicted block by block, accounted run by run.
//!
//! A run is always cached from its first block on, because a block is of no use without those before it. So a run needs
//! one number, how many of its blocks are cached, and eviction trims it from its end: what a least-recently-used list of
//! single blocks does when a request frees its blocks in reverse, as vLLM does. Block by block is the oracle in the tests.

use rustc_hash::FxHashMap;
use serde::Serialize;

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

#[derive(Clone, Debug)]
struct Run {
    key: u64,
    cached: u32,
    pins: u32,
    older: u32,
    newer: u32,
    touched: SimTime,
}

/// Blocks of runs, least recently used first out; pinned runs stay.
#[derive(Clone, Debug)]
pub struct RunCache {
    capacity: u32,
    free: u32,
    private: u32,
    evictable: u32,
    runs: Vec<Run>,
    vacant: Vec<u32>,
    by_key: FxHashMap<u64, u32>,
    oldest: u32,
    newest: u32,
    removed: [u64; 5],
}

/// The blocks of each segment of a prompt, for a block size: `(segment, first block, blocks)`. A block belongs to the
/// segment that holds its last token; what does not fill a block is not cached.
pub fn blocks_of(prompt: &Prompt, block_tokens: u32) -> impl Iterator<Item = (Segment, u32, u32)> + '_ {
    let mut tokens = 0;
    prompt.segments().iter().map(move |segment| {
        let first = tokens / block_tokens;
        tokens += segment.tokens;
        (*segment, first, tokens / block_tokens - first)
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
            by_key: FxHashMap::default(),
            oldest: NONE,
            newest: NONE,
            removed: [0; 5],
        }
    }

    /// Blocks in all.
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

    /// Cached blocks of a run.
    pub fn cached(&self, key: u64) -> u32 {
        self.by_key.get(&key).map_or(0, |slot| self.runs[*slot as usize].cached)
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

    /// Blocks of a request's runs that nobody pins yet: what pinning them takes out of [`RunCache::available`].
    pub fn unpinned_blocks(&self, prompt: &Prompt, output_key: u64) -> u32 {
        let keys = prompt.segments().iter().map(|s| s.key).chain([output_key]);
        let runs = keys.filter_map(|key| self.by_key.get(&key)).map(|slot| &self.runs[*slot as usize]);
        runs.filter(|run| run.pins == 0).map(|run| run.cached).sum()
    }

    /// Protects a run from eviction, making an empty one if there is none.
    pub fn pin(&mut self, key: u64) {
        let slot = match self.by_key.get(&key) {
            Some(slot) => *slot,
            None => self.add_run(key),
        };
        if self.runs[slot as usize].pins == 0 {
            self.unlink(slot);
        }
        self.runs[slot as usize].pins += 1;
    }

    /// Gives a pin back; the last one makes the run the most recently used, or ends it if nothing of it is cached.
    pub fn unpin(&mut self, key: u64) {
        let Some(slot) = self.by_key.get(&key).copied() else { return };
        let run = &mut self.runs[slot as usize];
        run.pins = run.pins.saturating_sub(1);
        if run.pins != 0 {
            return;
        }
        if run.cached == 0 {
            self.remove_run(slot);
        } else {
            self.link_newest(slot);
        }
    }

    /// How many hold a run.
    pub fn pins(&self, key: u64) -> u32 {
        self.by_key.get(&key).map_or(0, |slot| self.runs[*slot as usize].pins)
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
    pub fn publish(&mut self, key: u64, from: u32, to: u32) -> u32 {
        let Some(slot) = self.by_key.get(&key).copied() else { return 0 };
        let run = &mut self.runs[slot as usize];
        if run.cached < from || to <= run.cached {
            return 0;
        }
        let published = to - run.cached;
        run.cached = to;
        self.private -= published;
        published
    }

    /// Trims a run that nobody pins to its first `blocks`.
    pub fn trim(&mut self, key: u64, blocks: u32, why: Removal) {
        let Some(slot) = self.by_key.get(&key).copied() else { return };
        let run = &self.runs[slot as usize];
        if run.pins != 0 || run.cached <= blocks {
            return;
        }
        self.cut(slot, run.cached - blocks, why);
    }

    /// Stores the first `blocks` of a run, or makes them the most recently used if they are there.
    pub fn store(&mut self, key: u64, blocks: u32, now: SimTime) {
        let blocks = blocks.min(self.capacity);
        if blocks == 0 {
            return;
        }
        self.pin(key); // so that making room does not eat the run itself
        let slot = self.by_key[&key];
        let missing = blocks.saturating_sub(self.runs[slot as usize].cached);
        let granted = missing.min(self.available());
        self.make_room(granted);
        self.free -= granted;
        let run = &mut self.runs[slot as usize];
        run.cached += granted;
        run.touched = now;
        self.unpin(key);
    }

    /// Makes a run the most recently used.
    pub fn touch(&mut self, key: u64, now: SimTime) {
        let Some(slot) = self.by_key.get(&key).copied() else { return };
        self.runs[slot as usize].touched = now;
        if self.runs[slot as usize].pins == 0 {
            self.unlink(slot);
            self.link_newest(slot);
        }
    }

    /// Drops a run that nobody has touched for longer than `ttl`. True if it was dropped.
    pub fn expire(&mut self, key: u64, now: SimTime, ttl: SimDuration) -> bool {
        let Some(slot) = self.by_key.get(&key).copied() else { return false };
        let run = &self.runs[slot as usize];
        let expired = run.pins == 0 && ttl < now.since(run.touched);
        if expired {
            self.cut(slot, run.cached, Removal::Expired);
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
        for slot in self.by_key.values() {
            let run = &self.runs[*slot as usize];
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
        self.by_key.remove(&self.runs[slot as usize].key);
        self.vacant.push(slot);
    }

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

    /// Takes a run out of the order of use. Runs outside it (pinned, or just made) have no neighbours and are not its ends.
    fn unlink(&mut self, slot: u32) {
        let Run { older, newer, cached, .. } = self.runs[slot as usize];
        let linked = older != NONE || newer != NONE || self.oldest == slot;
        if !linked {
            return;
        }
        match older {
            NONE => self.oldest = newer,
            _ => self.runs[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            _ => self.runs[newer as usize].older = older,
        }
        let run = &mut self.runs[slot as usize];
        (run.older, run.newer) = (NONE, NONE);
        self.evictable -= cached;
    }
}
