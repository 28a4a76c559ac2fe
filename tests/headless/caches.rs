//! The cache against caches of others: hit ratios published on recorded traffic, and lists of single blocks.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use lru::LruCache;
use proptest::prelude::*;
use scartissue::scenario::trace;
use scartissue::sim::kv::run_cache::{Removal, RunCache, blocks_of};
use scartissue::sim::prompt::{Prompt, Segment};
use scartissue::sim::time::SimTime;
use scartissue::sim::workload::TraceRow;

/// Tokens of a block of the Mooncake traces.
const MOONCAKE: u32 = 512;

fn conversation() -> Vec<TraceRow> {
    trace::open("mooncake-conversation").expect("it is built in")
}

fn synthetic() -> Vec<TraceRow> {
    let packed = include_bytes!("../data/mooncake/synthetic.jsonl.gz");
    trace::read("synthetic.jsonl.gz", packed).expect("committed rows are good")
}

/// Blocks of 512 tokens, each under a key of its own.
fn single_blocks(segments: &[Segment]) -> Vec<u64> {
    let blocks = |s: &Segment| u64::from(s.tokens.div_ceil(MOONCAKE));
    segments.iter().flat_map(|s| (0..blocks(s)).map(move |n| block_key(s.key, n as u32))).collect()
}

fn block_key(run: u64, n: u32) -> u64 {
    run.wrapping_add(u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Block hit ratios of a plain LRU on an hour of Mooncake's chat and on its synthetic trace, at shares of their distinct
/// blocks: published by somebody else, to three decimals.
#[test]
fn the_cache_hits_as_often_as_published_on_the_mooncake_traces() {
    const SHARES: [f64; 6] = [0.01, 0.05, 0.10, 0.25, 0.50, 1.0];
    for (name, rows, blocks, published) in [
        ("conversation", conversation(), 182_790, [0.052, 0.195, 0.278, 0.353, 0.363, 0.366]),
        ("synthetic", synthetic(), 43_924, [0.034, 0.155, 0.260, 0.443, 0.589, 0.640]),
    ] {
        let chains: Vec<Vec<u64>> = rows.iter().map(|row| single_blocks(&row.segments)).collect();
        let distinct: BTreeSet<u64> = chains.iter().flatten().copied().collect();
        assert_eq!(distinct.len(), blocks);
        for (share, published) in SHARES.into_iter().zip(published) {
            let capacity = (share * blocks as f64).round() as u32;
            let mut cache = RunCache::new(capacity);
            let mut other: LruCache<u64, ()> = LruCache::new(NonZeroUsize::new(capacity as usize).expect("some"));
            let (mut hits, mut others, mut all) = (0u64, 0u64, 0u64);
            for key in chains.iter().flatten() {
                all += 1;
                hits += u64::from(0 < cache.cached(*key));
                cache.store(*key, 1, SimTime::ZERO);
                others += u64::from(other.put(*key, ()).is_some());
            }
            let ratio = hits as f64 / all as f64;
            println!("{name}, capacity {share:.2}: {ratio:.4}, published {published:.3}");
            assert_eq!(hits, others, "{name}, capacity {share}: the `lru` crate disagrees");
            assert!((ratio - published).abs() <= 0.0006, "{name}, capacity {share}: {ratio} but {published}");
        }
    }
}

/// Figure 9 of the Mooncake paper at twelve capacities. Theirs matches tokens within a block too, so that its ratio lies
/// between that of whole blocks and that with one block more for every request, as far as its prompt goes.
#[test]
fn every_point_of_the_published_capacity_curves_lies_in_its_bracket() {
    let (conversation, synthetic) = (conversation(), synthetic());
    for line in include_str!("../data/mooncake/figure-9.csv").lines().skip(1) {
        let fields: Vec<f64> = line.split(',').map(|f| f.parse().expect("a number")).collect();
        for (name, rows, published) in
            [("conversation", &conversation, fields[1]), ("synthetic", &synthetic, fields[2])]
        {
            let (least, most) = bracket(rows, fields[0] as u64);
            let heads_last = heads_last(rows, fields[0] as u64);
            println!(
                "{name}, {:10.0} tokens: {least:.4} <= {published:.4} <= {most:.4}; {heads_last:.4} if ends go first",
                fields[0]
            );
            // The figure is read to a ten-thousandth.
            assert!((least - 0.0001..=most + 0.0001).contains(&published), "{name}: {published} of {least}..{most}");
        }
    }
}

/// Share of prompt tokens found in whole blocks by a cache of so many tokens that uses the blocks of a prompt first to
/// last, and with a block more for each request.
fn bracket(rows: &[TraceRow], capacity: u64) -> (f64, f64) {
    let mut cache = RunCache::new((capacity / u64::from(MOONCAKE)) as u32);
    let (mut least, mut most, mut all) = (0u64, 0u64, 0u64);
    for row in rows {
        let keys = single_blocks(&row.segments);
        let found = keys.iter().take_while(|key| 0 < cache.cached(**key)).count() as u32;
        keys.iter().for_each(|key| cache.store(*key, 1, SimTime::ZERO));
        least += u64::from((found * MOONCAKE).min(row.input_tokens));
        most += u64::from(((found + 1) * MOONCAKE).min(row.input_tokens));
        all += u64::from(row.input_tokens);
    }
    (least as f64 / all as f64, most as f64 / all as f64)
}

/// The same of a cache as engines have it: runs, whose ends are evicted before their beginnings, and full blocks alone.
fn heads_last(rows: &[TraceRow], capacity: u64) -> f64 {
    let mut cache = RunCache::new((capacity / u64::from(MOONCAKE)) as u32);
    let (mut found, mut all) = (0u64, 0u64);
    for row in rows {
        let prompt = Prompt::new(row.segments.iter().copied());
        found += u64::from(cache.matched_blocks(&prompt, MOONCAKE) * MOONCAKE);
        all += u64::from(row.input_tokens);
        store(&mut cache, &prompt, MOONCAKE);
    }
    found as f64 / all as f64
}

/// As the tiers store a prompt: deepest first, so that its end is evicted before its beginning.
fn store(cache: &mut RunCache, prompt: &Prompt, block_tokens: u32) {
    let spans: Vec<_> = blocks_of(prompt, block_tokens).collect();
    for (segment, _, blocks) in spans.iter().rev() {
        cache.store(segment.key, *blocks, SimTime::ZERO);
    }
}

/// Prompts of a random forest: every prompt is a path in it, so that equal keys have equal beginnings.
fn prompts() -> impl Strategy<Value = Vec<Prompt>> {
    let node = (any::<prop::sample::Index>(), 1u32..9);
    let forest = prop::collection::vec(node, 1..12);
    let asked = prop::collection::vec(any::<prop::sample::Index>(), 1..120);
    (forest, asked).prop_map(|(forest, asked)| {
        let mut paths: Vec<Vec<Segment>> = Vec::new();
        for (place, (parent, blocks)) in forest.iter().enumerate() {
            let above = parent.index(paths.len() + 1); // the last choice is: no parent
            let mut path = paths.get(above).cloned().unwrap_or_default();
            path.push(Segment { key: place as u64 + 1, tokens: *blocks });
            paths.push(path);
        }
        asked.iter().map(|a| Prompt::new(a.get(&paths).iter().copied())).collect()
    })
}

/// The blocks of a prompt, first to last; a token is a block here.
fn blocks(prompt: &Prompt) -> Vec<u64> {
    prompt.segments().iter().flat_map(|s| (0..s.tokens).map(|n| block_key(s.key, n))).collect()
}

/// Blocks found from the start without a gap.
fn found(prompt: &Prompt, has: impl Fn(u64) -> bool) -> u32 {
    blocks(prompt).into_iter().take_while(|b| has(*b)).count() as u32
}

/// Single blocks, least recently used first out; those in use stay.
struct BlockList {
    capacity: usize,
    /// Blocks that nobody uses, oldest first.
    idle: Vec<u64>,
    /// Blocks in use: run, block of it.
    in_use: BTreeSet<(u64, u32)>,
    /// How often each run is in use.
    users: Vec<(u64, u32)>,
    private: usize,
    evicted: u64,
}

impl BlockList {
    fn has(&self, run: u64, n: u32) -> bool {
        self.in_use.contains(&(run, n)) || self.idle.contains(&block_key(run, n))
    }

    fn cached(&self, segment: &Segment) -> u32 {
        (0..segment.tokens).take_while(|n| self.has(segment.key, *n)).count() as u32
    }

    fn matched(&self, prompt: &Prompt) -> u32 {
        let mut matched = 0;
        for segment in prompt.segments() {
            let cached = self.cached(segment);
            matched += cached;
            if cached < segment.tokens {
                break;
            }
        }
        matched
    }

    fn available(&self) -> usize {
        self.capacity - self.private - self.in_use.len()
    }

    /// Every block of a run that is there is in use from now on.
    fn pin(&mut self, segment: &Segment) {
        for n in 0..segment.tokens {
            let key = block_key(segment.key, n);
            if let Some(place) = self.idle.iter().position(|b| *b == key) {
                self.idle.remove(place);
                self.in_use.insert((segment.key, n));
            }
        }
        match self.users.iter_mut().find(|(key, _)| *key == segment.key) {
            Some((_, users)) => *users += 1,
            None => self.users.push((segment.key, 1)),
        }
    }

    /// When the last user of a run leaves, its blocks are the most recently used, the first of them most.
    fn unpin(&mut self, segment: &Segment) {
        let place = self.users.iter().position(|(key, _)| *key == segment.key).expect("it was pinned");
        self.users[place].1 -= 1;
        if self.users[place].1 == 0 {
            self.users.remove(place);
            for n in (0..segment.tokens).rev() {
                if self.in_use.remove(&(segment.key, n)) {
                    self.idle.push(block_key(segment.key, n));
                }
            }
        }
    }

    fn take(&mut self, blocks: usize) -> bool {
        if self.available() < blocks {
            return false;
        }
        while self.capacity - self.private - self.in_use.len() - self.idle.len() < blocks {
            self.idle.remove(0);
            self.evicted += 1;
        }
        self.private += blocks;
        true
    }

    /// Blocks of a run that were computed become its own where it lacks them. How many did.
    fn publish(&mut self, segment: &Segment, from: u32, to: u32) -> usize {
        let mut published = 0;
        for n in from..to {
            let follows = n == 0 || self.has(segment.key, n - 1);
            if follows && !self.has(segment.key, n) {
                self.in_use.insert((segment.key, n));
                self.private -= 1;
                published += 1;
            }
        }
        published
    }
}

/// A request that has blocks.
struct Running {
    prompt: Prompt,
    computed: u32,
    private: u32,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// One request after the other: the `lru` crate, block by block, keeps exactly the same.
    #[test]
    fn a_cache_of_runs_keeps_what_an_lru_of_blocks_keeps(prompts in prompts(), capacity in 1u32..60) {
        let mut runs = RunCache::new(capacity);
        let mut blockwise: LruCache<u64, ()> = LruCache::new(NonZeroUsize::new(capacity as usize).expect("some"));
        for prompt in &prompts {
            prop_assert_eq!(runs.matched_blocks(prompt, 1), found(prompt, |b| blockwise.contains(&b)));
            store(&mut runs, prompt, 1);
            for block in blocks(prompt).into_iter().rev() {
                blockwise.put(block, ());
            }
            prop_assert_eq!(runs.occupied() as usize, blockwise.len());
            runs.check().expect("its books balance");
        }
        for segment in prompts.iter().flat_map(|p| p.segments()) {
            let kept = (0..segment.tokens).filter(|n| blockwise.contains(&block_key(segment.key, *n))).count();
            prop_assert_eq!(runs.cached(segment.key) as usize, kept);
        }
    }

    /// Requests that overlap, compute chunk by chunk and leave in any order: a list of single blocks agrees on every
    /// match, on what is free, in use and evicted, and on whether there is room.
    #[test]
    fn a_cache_of_runs_is_a_list_of_blocks_under_requests_that_overlap(
        prompts in prompts(),
        capacity in 4u32..60,
        chunk in 1u32..12,
        turns in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4), 1..300),
    ) {
        let mut runs = RunCache::new(capacity);
        let mut list = BlockList {
            capacity: capacity as usize,
            idle: Vec::new(),
            in_use: BTreeSet::new(),
            users: Vec::new(),
            private: 0,
            evicted: 0,
        };
        let mut waiting = prompts.iter();
        let mut running: Vec<Running> = Vec::new();
        for (which, what) in turns {
            if what == 0 || running.is_empty() {
                let Some(prompt) = waiting.next() else { continue };
                let hit = runs.matched_blocks(prompt, 1);
                prop_assert_eq!(hit, list.matched(prompt));
                for segment in prompt.segments() {
                    let found = runs.find(segment.key);
                    runs.pin(segment.key, found);
                    list.pin(segment);
                }
                running.push(Running { prompt: prompt.clone(), computed: hit, private: 0 });
            } else {
                let place = which.index(running.len());
                let whole = running[place].prompt.tokens();
                let (from, to) = (running[place].computed, whole.min(running[place].computed + chunk));
                let room = runs.take_private(to - from);
                prop_assert_eq!(room, list.take((to - from) as usize));
                if room {
                    let request = &mut running[place];
                    request.private += to - from;
                    request.computed = to;
                    for (segment, first, blocks) in blocks_of(&request.prompt, 1) {
                        let (low, high) = (from.max(first), to.min(first + blocks));
                        if low < high {
                            let run = runs.find(segment.key).expect("a pinned run is there");
                            let ours = runs.publish(run, low - first, high - first);
                            prop_assert_eq!(ours as usize, list.publish(&segment, low - first, high - first));
                            request.private -= ours;
                        }
                    }
                }
                if !room || to == whole {
                    let request = running.remove(place);
                    runs.give_private(request.private);
                    list.private -= request.private as usize;
                    for segment in request.prompt.segments().iter().rev() {
                        let run = runs.find(segment.key).expect("a pinned run is there");
                        runs.unpin(run);
                        list.unpin(segment);
                    }
                }
            }
            prop_assert_eq!(runs.available() as usize, list.available());
            prop_assert_eq!(runs.occupied() as usize, list.private + list.in_use.len() + list.idle.len());
            prop_assert_eq!(runs.removed(Removal::Evicted), list.evicted);
            for segment in prompts.iter().flat_map(|p| p.segments()) {
                prop_assert_eq!(runs.cached(segment.key), list.cached(segment));
            }
            runs.check().expect("its books balance");
        }
    }
}
