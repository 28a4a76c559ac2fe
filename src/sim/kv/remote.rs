//! The shared tier: blocks on nodes that all replicas can read, if they name them alike.
//!
//! A segment's blocks live on one node, the member with the highest hash of (segment, node); a node that comes or goes
//! moves only its share. Writers mix a key seed into the names of what they store: equal seeds share, and an entry under
//! another seed is full of meaning for nobody. How long transfers take is the world's business; here is only what is
//! where.

use serde::{Deserialize, Serialize};

use crate::sim::kv::run_cache::{Place, Removal, RunCache, blocks_of, blocks_with_answer};
use crate::sim::prompt::{Prompt, Segment};
use crate::sim::rng::mix;
use crate::sim::time::{SimDuration, SimTime};

/// Occupied share of a node above which a pass of eviction runs (Mooncake store's default).
const HIGH_WATERMARK: f64 = 0.90;
/// Share of the node's blocks that a pass frees (Mooncake store's default).
const EVICTION_SHARE: f64 = 0.05;

/// Counts of a tier, from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteCounts {
    /// Look-ups.
    pub lookups: u64,
    /// Tokens looked for.
    pub queried_tokens: u64,
    /// Tokens found.
    pub hit_tokens: u64,
    /// Look-ups that found nothing.
    pub empty_lookups: u64,
    /// Segments stored, new or again.
    pub stores: u64,
    /// Entries found and dropped as invalid.
    pub invalid: u64,
}

/// What one node's present machine counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCounts {
    /// Look-ups of a segment.
    pub gets: u64,
    /// Those that found some of it.
    pub hits: u64,
    /// Segments stored, new or again.
    pub puts: u64,
}

/// The tokens of a prompt that one node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which node.
    pub node: usize,
    /// How many tokens.
    pub tokens: u32,
}

/// Where a name was found last. A request asks for its names three times within seconds; the last answer is kept, by
/// the low bits of the name, and spares the choice of the node and the search there.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Found {
    name: u64,
    node: u32,
    place: Option<Place>,
}

/// Names that are kept so.
const FOUND: usize = 1 << 13;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Node {
    cache: RunCache,
    counts: NodeCounts,
    up: bool,
    /// What the machine held that was replaced, on its disks still.
    shelved: Option<RunCache>,
}

/// Nodes of a tier and what they hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RemoteTier {
    nodes: Vec<Node>,
    found: Vec<Found>,
    block_tokens: u32,
    blocks_per_node: u32,
    ttl: Option<SimDuration>,
    counts: RemoteCounts,
}

impl RemoteTier {
    /// An empty tier of `nodes` nodes with room for `node_tokens` tokens each, in blocks of `block_tokens`.
    pub fn new(nodes: u16, node_tokens: u64, block_tokens: u32, ttl: Option<SimDuration>) -> Self {
        let block_tokens = block_tokens.max(1);
        let blocks = u32::try_from(node_tokens / u64::from(block_tokens)).unwrap_or(u32::MAX).max(1);
        let node = Node { cache: RunCache::new(blocks), counts: NodeCounts::default(), up: true, shelved: None };
        RemoteTier {
            nodes: vec![node; usize::from(nodes)],
            found: Vec::new(),
            block_tokens,
            blocks_per_node: blocks,
            ttl,
            counts: RemoteCounts::default(),
        }
    }

    /// Counts so far.
    pub fn counts(&self) -> RemoteCounts {
        self.counts
    }

    /// Blocks that hold something, and blocks in all, over the nodes that are up.
    pub fn occupancy(&self) -> (u64, u64) {
        let up = self.nodes.iter().filter(|n| n.up);
        up.fold((0, 0), |(used, all), n| (used + u64::from(n.cache.occupied()), all + u64::from(n.cache.capacity())))
    }

    /// Tokens that a node holds, and room for them; none if it does not answer.
    pub fn held_by(&self, node: usize) -> Option<(u64, u64)> {
        let node = self.nodes.get(node).filter(|n| n.up)?;
        let tokens = |blocks: u32| u64::from(blocks) * u64::from(self.block_tokens);
        Some((tokens(node.cache.occupied()), tokens(node.cache.capacity())))
    }

    /// Blocks removed so far for a reason, over all nodes.
    pub fn removed(&self, why: Removal) -> u64 {
        self.nodes.iter().map(|n| n.cache.removed(why)).sum()
    }

    /// What a node's present machine counted.
    pub fn node_counts(&self, node: usize) -> NodeCounts {
        self.nodes[node].counts
    }

    /// Tokens that a node holds, and that it has room for.
    pub fn node_tokens(&self, node: usize) -> (u64, u64) {
        let tokens = |blocks: u32| u64::from(blocks) * u64::from(self.block_tokens);
        let cache = &self.nodes[node].cache;
        (tokens(cache.occupied()), tokens(cache.capacity()))
    }

    /// Blocks that a node's present machine removed for a reason.
    pub fn node_removed(&self, node: usize, why: Removal) -> u64 {
        self.nodes[node].cache.removed(why)
    }

    /// Whether a node answers.
    pub fn is_up(&self, node: usize) -> bool {
        self.nodes[node].up
    }

    /// Nodes that answer.
    pub fn nodes_up(&self) -> usize {
        self.nodes.iter().filter(|n| n.up).count()
    }

    /// Tokens from the start of `prompt` that a reader with `key_seed` has or can load, given that it has the first
    /// `have`. Entries that `is_invalid` condemns are dropped on the way.
    pub fn lookup(
        &mut self,
        now: SimTime,
        key_seed: u64,
        prompt: &Prompt,
        have: u32,
        mut is_invalid: impl FnMut(u64) -> bool,
    ) -> u32 {
        self.counts.lookups += 1;
        self.counts.queried_tokens += u64::from(prompt.tokens().saturating_sub(have));
        let (mut reach, mut end) = (have, 0);
        for (segment, first, blocks) in blocks_of(prompt, self.block_tokens) {
            end += segment.tokens;
            if end <= have {
                continue; // the reader has all of it
            }
            let key = mix(segment.key, key_seed);
            let Some((node, mut place)) = self.find(key) else { break };
            let cache = &mut self.nodes[node].cache;
            if let (Some(ttl), Some(found)) = (self.ttl, place)
                && cache.expire(found, now, ttl)
            {
                place = None;
            }
            self.nodes[node].counts.gets += 1;
            let cache = &mut self.nodes[node].cache;
            let mut cached = 0;
            if let Some(found) = place {
                if is_invalid(key) {
                    cache.trim(found, 0, Removal::Invalid);
                    self.counts.invalid += 1;
                } else {
                    cached = cache.cached_at(found);
                    cache.touch(found, now);
                    self.nodes[node].counts.hits += 1;
                    reach = reach.max((first + cached.min(blocks)) * self.block_tokens);
                }
            }
            if cached < blocks {
                break;
            }
        }
        self.counts.hit_tokens += u64::from(reach - have);
        self.counts.empty_lookups += u64::from(reach == have);
        reach
    }

    /// Which nodes hold the tokens `from..to` of a prompt.
    pub fn parts(&mut self, key_seed: u64, prompt: &Prompt, from: u32, to: u32) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        let mut begin = 0;
        for segment in prompt.segments() {
            let end = begin + segment.tokens;
            let tokens = end.min(to).saturating_sub(begin.max(from));
            if 0 < tokens
                && let Some((node, _)) = self.find(mix(segment.key, key_seed))
            {
                match parts.iter_mut().find(|p| p.node == node) {
                    Some(part) => part.tokens += tokens,
                    None => parts.push(Part { node, tokens }),
                }
            }
            begin = end;
        }
        parts
    }

    /// Stores a prompt and the first `output_tokens` of its answer under a writer's seed.
    pub fn store(&mut self, now: SimTime, key_seed: u64, prompt: &Prompt, output_tokens: u32, output_key: u64) {
        let answer = Segment { key: output_key, tokens: output_tokens };
        for (segment, _, blocks) in blocks_with_answer(prompt, answer, self.block_tokens) {
            let key = mix(segment.key, key_seed);
            let Some((node, found)) = self.find(key) else { return };
            self.counts.stores += 1;
            self.nodes[node].counts.puts += 1;
            let cache = &mut self.nodes[node].cache;
            let place = cache.store_at(key, found, blocks, now);
            if place != found {
                self.found[key as usize % FOUND].place = place;
            }
            if HIGH_WATERMARK * f64::from(cache.capacity()) < f64::from(cache.occupied()) {
                cache.evict_share(EVICTION_SHARE);
            }
        }
    }

    /// Everything is dropped, once.
    pub fn flush(&mut self) {
        self.nodes.iter_mut().for_each(|n| n.cache.clear(Removal::Reset));
    }

    /// An empty spare takes a node's place; what the node held stays on its disks.
    pub fn replace_node(&mut self, node: usize) {
        let spare = RunCache::new(self.blocks_per_node);
        if let Some(node) = self.nodes.get_mut(node) {
            node.shelved = Some(std::mem::replace(&mut node.cache, spare));
            node.counts = NodeCounts::default();
            node.up = true;
        }
        self.found.clear();
    }

    /// A replaced node comes back with what it held. False if it was not replaced.
    pub fn restore_node(&mut self, node: usize) -> bool {
        let Some(node) = self.nodes.get_mut(node) else { return false };
        let Some(shelved) = node.shelved.take() else { return false };
        node.cache = shelved;
        node.counts = NodeCounts::default();
        node.up = true;
        self.found.clear();
        true
    }

    /// A node is gone with all it held; its share of names moves to the others.
    pub fn lose_node(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.cache.clear(Removal::Lost);
            node.up = false;
        }
        self.found.clear();
    }

    /// A lost node comes back, empty.
    pub fn return_node(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.up = true;
        }
        self.found.clear();
    }

    /// How long entries live without use.
    pub fn set_ttl(&mut self, ttl: Option<SimDuration>) {
        self.ttl = ttl;
    }

    /// Blocks add up on every node.
    ///
    /// # Errors
    /// What does not, and where.
    pub fn check(&self) -> Result<(), String> {
        self.nodes.iter().enumerate().try_for_each(|(i, n)| n.cache.check().map_err(|e| format!("cache node {i}: {e}")))
    }

    /// The node that answers for a name, and where it holds it.
    fn find(&mut self, key: u64) -> Option<(usize, Option<Place>)> {
        if self.found.is_empty() {
            self.found = vec![Found { name: 0, node: u32::MAX, place: None }; FOUND];
        }
        let known = self.found[key as usize % FOUND];
        let node = if known.name == key && known.node != u32::MAX {
            let node = known.node as usize;
            if known.place.is_some_and(|place| self.nodes[node].cache.holds(place, key)) {
                return Some((node, known.place));
            }
            node
        } else {
            self.node_of(key)?
        };
        let place = self.nodes[node].cache.find(key);
        self.found[key as usize % FOUND] = Found { name: key, node: node as u32, place };
        Some((node, place))
    }

    /// The member with the highest hash of (name, node); the last of equals.
    #[inline]
    fn node_of(&self, key: u64) -> Option<usize> {
        let (mut best, mut highest) = (None, 0);
        for (place, node) in self.nodes.iter().enumerate() {
            let hash = mix(key, place as u64 + 1);
            if node.up && highest <= hash {
                (best, highest) = (Some(place), hash);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(keys: &[u64]) -> Prompt {
        Prompt::new(keys.iter().map(|key| Segment { key: *key, tokens: 1000 }))
    }

    fn tier() -> RemoteTier {
        RemoteTier::new(4, 1_000_000, 100, None)
    }

    #[test]
    fn readers_find_what_writers_of_the_same_seed_stored() {
        let mut tier = tier();
        tier.store(SimTime::ZERO, 7, &prompt(&[1, 2]), 0, 3);
        assert_eq!(tier.lookup(SimTime::ZERO, 7, &prompt(&[1, 2, 9]), 0, |_| false), 2000);
        assert_eq!(tier.lookup(SimTime::ZERO, 8, &prompt(&[1, 2, 9]), 0, |_| false), 0, "another seed finds nothing");
        assert_eq!(tier.lookup(SimTime::ZERO, 7, &prompt(&[1, 2, 9]), 1500, |_| false), 2000);
    }

    #[test]
    fn a_spare_is_empty_and_a_restored_node_is_not() {
        let mut tier = tier();
        tier.store(SimTime::ZERO, 0, &prompt(&[1]), 0, 3);
        let found = |tier: &mut RemoteTier| tier.lookup(SimTime::ZERO, 0, &prompt(&[1, 5]), 0, |_| false);
        (0..4).for_each(|node| tier.replace_node(node));
        assert_eq!(found(&mut tier), 0);
        assert!((0..4).all(|node| tier.restore_node(node)));
        assert_eq!(found(&mut tier), 1000);
    }

    #[test]
    fn a_lost_node_takes_about_its_share_and_parts_name_the_holders() {
        let mut tier = tier();
        for key in 0..800 {
            tier.store(SimTime::ZERO, 0, &prompt(&[key]), 0, 10_000 + key);
        }
        tier.lose_node(2);
        let lost = (0..800).filter(|key| tier.lookup(SimTime::ZERO, 0, &prompt(&[*key]), 0, |_| false) == 0).count();
        assert!((140..260).contains(&lost), "{lost} of 800");
        let parts = tier.parts(0, &prompt(&[1, 2, 3]), 500, 2500);
        assert_eq!(parts.iter().map(|p| p.tokens).sum::<u32>(), 2000);
        assert!(parts.iter().all(|p| p.node != 2));
        tier.check().expect("blocks add up");
    }

    #[test]
    fn entries_expire_and_invalid_ones_are_dropped() {
        let mut tier = RemoteTier::new(1, 1_000_000, 100, Some(SimDuration::from_secs(60)));
        tier.store(SimTime::ZERO, 0, &prompt(&[1]), 0, 3);
        let at = |s: u64| SimTime(s * 1_000_000_000);
        assert_eq!(tier.lookup(at(50), 0, &prompt(&[1]), 0, |_| false), 1000);
        assert_eq!(tier.lookup(at(120), 0, &prompt(&[1]), 0, |_| false), 0);
        assert_eq!(tier.removed(Removal::Expired), 10);
        tier.store(at(120), 0, &prompt(&[1]), 0, 3);
        assert_eq!(tier.lookup(at(121), 0, &prompt(&[1]), 0, |_| true), 0);
        assert_eq!(tier.removed(Removal::Invalid), 10);
    }
}
