//! The engine of one replica: continuous batching by the rules of vLLM v1, advanced in closed form.
//!
//! Every step hands tokens to requests until what each has computed catches up with what it knows: those that run, in
//! order, then those that wait, first come first served. A sequence without a block for its next token preempts the last
//! one that runs, which is computed anew later. Between two changes of the batch, steps only decode, and a whole burst of
//! them has a closed form ([`StepCost::burst`]); `stepwise` takes them one by one and must give exactly the same.
//!
//! Decisions fall on step boundaries only: what arrives at `t` counts at the first boundary whose nanosecond, rounded up,
//! is not before `t`.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::sim::kv::run_cache::{Place, Removal, RunCache, blocks_from_the_end, blocks_of, blocks_with_answer};
use crate::sim::prompt::{Prompt, Segment};
use crate::sim::serving::batch::{Batch, Decoding, Marks, Runner};
use crate::sim::serving::step_time::{FS_PER_NS, Load, Slowdown, StepCost};
use crate::sim::serving::token_gaps::TokenGaps;
use crate::sim::time::{SimDuration, SimTime};

/// Settings of an engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EngineConfig {
    /// Step times.
    pub cost: StepCost,
    /// Blocks of high-bandwidth memory.
    pub kv_blocks: u32,
    /// Tokens of a block.
    pub block_tokens: u32,
    /// Blocks of host memory; 0 for none.
    pub host_blocks: u32,
    /// Sequences that run together.
    pub max_num_seqs: u32,
    /// Tokens of one step.
    pub max_num_batched_tokens: u32,
    /// Whether blocks of a prefill that is cancelled half-way stay cached; otherwise they are discarded.
    pub keep_aborted: bool,
    /// Whether a request fails when its blocks cannot be loaded; otherwise they are computed.
    pub fail_on_load_failure: bool,
    /// Step by step instead of in closed form: the oracle.
    pub stepwise: bool,
}

/// A request to an engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The caller's name for it; unique among those inside.
    pub key: u32,
    /// What is asked.
    pub prompt: Prompt,
    /// Tokens of the answer, at least 1.
    pub output_tokens: u32,
    /// Identity of prompt and answer together, under which a next turn finds them cached.
    pub output_key: u64,
    /// Smaller goes first; equals in order of arrival.
    pub priority: u8,
}

/// Cached tokens of a prompt in tiers below the engine's own, counted from its start.
pub trait ExternalTiers {
    /// How many tokens from the start of `prompt` could be loaded from the shared tier, given that the first `have` are
    /// here already. No more than the prompt has; `have` or less if there is nothing to load.
    fn lookup(&mut self, prompt: &Prompt, have: u32) -> u32;
    /// Offers computed tokens (from the start of `prompt`, and of the answer) to the shared tier.
    fn store(&mut self, prompt: &Prompt, output_tokens: u32, output_key: u64);
}

/// No tiers below.
pub struct NoTiers;

impl ExternalTiers for NoTiers {
    fn lookup(&mut self, _: &Prompt, have: u32) -> u32 {
        have
    }
    fn store(&mut self, _: &Prompt, _: u32, _: u64) {}
}

/// What an engine reports when it wakes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// A request left the line for the first time. Tokens found cached, by source.
    Admitted {
        /// Which.
        key: u32,
        /// Tokens of its prompt.
        prompt_tokens: u32,
        /// Found in high-bandwidth memory.
        from_hbm: u32,
        /// To be loaded from host memory.
        from_host: u32,
        /// To be loaded from the shared tier.
        from_shared: u32,
        /// Time in line.
        waited: SimDuration,
    },
    /// Blocks have to be loaded before the request can go on; see [`Engine::loaded`].
    NeedsLoad {
        /// Which.
        key: u32,
        /// Tokens from host memory.
        host_tokens: u32,
        /// Tokens from the shared tier, from this token of the prompt on.
        shared_from: u32,
        /// Tokens from the shared tier.
        shared_tokens: u32,
    },
    /// A step computed so many tokens of prompts (again, after a preemption, counts too).
    Prefilled {
        /// Tokens.
        tokens: u64,
    },
    /// The first token of an answer is there.
    FirstToken {
        /// Which.
        key: u32,
    },
    /// The answer is complete.
    Finished {
        /// Which.
        key: u32,
        /// Tokens that it wrote.
        output_tokens: u32,
        /// Longest time between two of its tokens.
        longest_gap: SimDuration,
    },
    /// A sequence lost its blocks to others and will be computed anew.
    Preempted {
        /// Which.
        key: u32,
    },
    /// A cancelled request has left.
    Aborted {
        /// Which.
        key: u32,
    },
    /// A request failed because its blocks could not be loaded.
    LoadFailed {
        /// Which.
        key: u32,
    },
}

/// Running counts of an engine, up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineCounts {
    /// Time with a step in flight.
    pub busy: SimDuration,
    /// What of the steps compute would have taken by itself, in femtoseconds.
    pub compute_fs: u128,
    /// What of the steps memory would have taken by itself, in femtoseconds.
    pub memory_fs: u128,
    /// Steps taken.
    pub steps: u64,
    /// Prompt tokens computed.
    pub prefill_tokens: u64,
    /// Answer tokens produced.
    pub generated_tokens: u64,
    /// Prompt tokens of requests admitted.
    pub queried_tokens: u64,
    /// Of these, found in high-bandwidth memory.
    pub hit_tokens: u64,
    /// Prompt tokens looked for in lower tiers.
    pub external_queried_tokens: u64,
    /// Of these, found in host memory.
    pub host_hit_tokens: u64,
    /// Of these, found in the shared tier.
    pub shared_hit_tokens: u64,
    /// Preemptions.
    pub preemptions: u64,
    /// Requests finished.
    pub finished: u64,
    /// Requests aborted.
    pub aborted: u64,
}

impl EngineCounts {
    fn add_parts(&mut self, (compute_fs, memory_fs): (u128, u128)) {
        self.compute_fs += compute_fs;
        self.memory_fs += memory_fs;
    }

    /// What has been added since an earlier moment.
    pub fn since(&self, earlier: &EngineCounts) -> EngineCounts {
        EngineCounts {
            busy: self.busy - earlier.busy,
            compute_fs: self.compute_fs - earlier.compute_fs,
            memory_fs: self.memory_fs - earlier.memory_fs,
            steps: self.steps - earlier.steps,
            prefill_tokens: self.prefill_tokens - earlier.prefill_tokens,
            generated_tokens: self.generated_tokens - earlier.generated_tokens,
            queried_tokens: self.queried_tokens - earlier.queried_tokens,
            hit_tokens: self.hit_tokens - earlier.hit_tokens,
            external_queried_tokens: self.external_queried_tokens - earlier.external_queried_tokens,
            host_hit_tokens: self.host_hit_tokens - earlier.host_hit_tokens,
            shared_hit_tokens: self.shared_hit_tokens - earlier.shared_hit_tokens,
            preemptions: self.preemptions - earlier.preemptions,
            finished: self.finished - earlier.finished,
            aborted: self.aborted - earlier.aborted,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    Waiting,
    Loading,
    Running,
}

/// A request inside. While it decodes, how far it has come is kept in the batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sequence {
    job: Job,
    stage: Stage,
    arrived: SimTime,
    computed: u32,
    generated: u32,
    private_blocks: u32,
    hit_blocks: u32,
    loaded_to: u32,
    pinned: bool,
    admitted: bool,
    cancelled: bool,
    chunk: u32,
    last_token: SimTime,
    longest_gap: SimDuration,
    /// Host time that it adds to each step, in femtoseconds.
    host_fs: u64,
    /// The runs of its prompt in order, and then that of its answer; laid out when it is first looked at.
    spans: Vec<Span>,
}

/// The blocks of a run of a prompt.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Span {
    key: u64,
    first: u32,
    blocks: u32,
    place: Option<Place>,
}

impl Sequence {
    /// Tokens of prompt and answer so far.
    fn known(&self) -> u32 {
        self.job.prompt.tokens() + self.generated
    }

    /// Tokens known and not computed; one while it decodes.
    fn missing(&self) -> u32 {
        self.known() - self.computed
    }

    fn decodes(&self) -> bool {
        0 < self.generated && self.missing() == 1
    }

    /// Notes which blocks of which runs it is made of.
    fn lay_out(&mut self, block: u32) {
        let of_prompt = blocks_of(&self.job.prompt, block);
        self.spans.extend(of_prompt.map(|(s, first, blocks)| Span { key: s.key, first, blocks, place: None }));
        let first = self.job.prompt.tokens() / block;
        self.spans.push(Span { key: self.job.output_key, first, blocks: 0, place: None });
    }

    /// What the batch keeps of it from now on.
    fn decoding(&self) -> Decoding {
        let left = self.job.output_tokens - self.generated;
        Decoding { computed: self.computed, left, last_token: self.last_token, longest_gap: self.longest_gap }
    }

    /// What the batch has kept of it.
    fn take_back(&mut self, decoding: &Decoding) {
        self.computed = decoding.computed;
        self.generated = self.job.output_tokens - decoding.left;
        self.last_token = decoding.last_token;
        self.longest_gap = decoding.longest_gap;
    }
}

/// Steps in flight.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Flight {
    cost: StepCost,
    begun_fs: u128,
    load: Load,
    steps: u64,
    ends_fs: u128,
}

/// One replica's engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Engine {
    config: EngineConfig,
    cost: StepCost,
    cache: RunCache,
    host: RunCache,
    sequences: Vec<Sequence>,
    vacant: Vec<u32>,
    slot_of: FxHashMap<u32, u32>,
    batch: Batch,
    waiting: VecDeque<u32>,
    loading: u32,
    ready_after_load: Vec<(u32, bool)>,
    flight: Option<Flight>,
    now_fs: u128,
    hung: bool,
    wants_wake: Option<SimTime>,
    cancelled: Vec<u32>,
    chunks: Vec<(u32, u32, u32)>,
    noted: Vec<u32>,
    ended: Vec<u32>,
    counts: EngineCounts,
    gaps: Option<Box<TokenGaps>>,
    /// What those in the batch add to each step, in femtoseconds.
    host_fs: u64,
}

impl Engine {
    /// An idle engine with an empty cache.
    pub fn new(config: EngineConfig) -> Self {
        Engine {
            cost: config.cost,
            cache: RunCache::new(config.kv_blocks),
            host: RunCache::new(config.host_blocks),
            sequences: Vec::new(),
            vacant: Vec::new(),
            slot_of: FxHashMap::default(),
            batch: Batch::new(config.block_tokens),
            waiting: VecDeque::new(),
            loading: 0,
            ready_after_load: Vec::new(),
            flight: None,
            now_fs: 0,
            hung: false,
            wants_wake: None,
            cancelled: Vec::new(),
            chunks: Vec::new(),
            noted: Vec::new(),
            ended: Vec::new(),
            counts: EngineCounts::default(),
            gaps: None,
            host_fs: 0,
            config,
        }
    }

    /// A request joins the line.
    pub fn submit(&mut self, now: SimTime, job: Job) {
        let key = job.key;
        let sequence = Sequence {
            stage: Stage::Waiting,
            arrived: now,
            computed: 0,
            generated: 0,
            private_blocks: 0,
            hit_blocks: 0,
            loaded_to: 0,
            pinned: false,
            admitted: false,
            cancelled: false,
            chunk: 0,
            last_token: now,
            longest_gap: SimDuration::ZERO,
            host_fs: 0,
            spans: Vec::new(),
            job,
        };
        let priority = sequence.job.priority;
        let slot = self.put(sequence);
        self.slot_of.insert(key, slot);
        let behind = |other: &u32| self.sequences[*other as usize].job.priority <= priority;
        let place = self.waiting.iter().rposition(behind).map_or(0, |p| p + 1);
        self.waiting.insert(place, slot);
        self.look_at_next_boundary(now);
    }

    /// A request joins the line whose parameters cost the host so much time in every step in which it takes part.
    pub fn submit_with(&mut self, now: SimTime, job: Job, host: SimDuration) {
        let key = job.key;
        self.submit(now, job);
        if let Some(slot) = self.slot_of.get(&key) {
            self.sequences[*slot as usize].host_fs = host.0.saturating_mul(FS_PER_NS as u64);
        }
    }

    fn put(&mut self, mut sequence: Sequence) -> u32 {
        match self.vacant.pop() {
            Some(slot) => {
                let place = &mut self.sequences[slot as usize];
                sequence.spans = std::mem::take(&mut place.spans); // for their memory
                sequence.spans.clear();
                *place = sequence;
                slot
            }
            None => {
                self.sequences.push(sequence);
                (self.sequences.len() - 1) as u32
            }
        }
    }

    /// A request is given up; it leaves at the next boundary, reported as [`Happening::Aborted`].
    pub fn cancel(&mut self, now: SimTime, key: u32) {
        let Some(slot) = self.slot_of.get(&key).copied() else { return };
        if !std::mem::replace(&mut self.sequences[slot as usize].cancelled, true) {
            self.cancelled.push(slot);
            self.look_at_next_boundary(now);
        }
    }

    /// The load that [`Happening::NeedsLoad`] asked for has ended, well or not.
    pub fn loaded(&mut self, now: SimTime, key: u32, ok: bool) {
        let Some(slot) = self.slot_of.get(&key).copied() else { return };
        if self.sequences[slot as usize].stage == Stage::Loading {
            self.ready_after_load.push((slot, ok));
            self.look_at_next_boundary(now);
        }
    }

    /// Step times change from the next boundary on.
    pub fn set_slowdown(&mut self, now: SimTime, slowdown: &Slowdown) {
        let cost = self.config.cost.slowed(slowdown);
        if cost != self.cost {
            self.cut_flight(now);
            self.cost = cost;
        }
    }

    /// A rank stops (the step in flight never ends), or the ranks go on.
    pub fn set_hung(&mut self, now: SimTime, hung: bool) {
        self.hung = hung;
        self.wants_wake = if hung { None } else { Some(now) };
        if !hung && let Some(flight) = &mut self.flight {
            flight.ends_fs = flight.ends_fs.max(u128::from(now.0) * FS_PER_NS);
            self.wants_wake = Some(ceil_ns(flight.ends_fs));
        }
    }

    /// Tokens of one step, from the next boundary on.
    pub fn set_token_budget(&mut self, now: SimTime, tokens: u32) {
        self.config.max_num_batched_tokens = tokens.max(1);
        self.look_at_next_boundary(now);
    }

    /// Blocks of high-bandwidth memory; what is in use is waited for.
    pub fn set_kv_blocks(&mut self, now: SimTime, blocks: u32) {
        self.config.kv_blocks = blocks;
        self.look_at_next_boundary(now);
    }

    /// What survives a cancelled prefill.
    pub fn set_keep_aborted(&mut self, keep: bool) {
        self.config.keep_aborted = keep;
    }

    /// What happens when blocks cannot be loaded.
    pub fn set_fail_on_load_failure(&mut self, fail: bool) {
        self.config.fail_on_load_failure = fail;
    }

    /// The process ends: all that ran, waited or was cached is gone. Returns the requests that were inside, in order of
    /// their keys.
    pub fn reset(&mut self, now: SimTime) -> Vec<u32> {
        let mut lost: Vec<u32> = self.slot_of.keys().copied().collect();
        lost.sort_unstable();
        let counts = self.counts_at(now);
        let gaps = self.gaps.as_ref().map(|_| Box::default());
        *self = Engine {
            counts: EngineCounts { busy: counts.busy, ..self.counts },
            gaps,
            ..Engine::new(self.config.clone())
        };
        lost
    }

    /// When the engine wants to be woken; changes only after a call.
    pub fn next_wake(&self) -> Option<SimTime> {
        self.wants_wake
    }

    /// From now on the times between tokens are observed.
    pub fn observe_gaps(&mut self) {
        self.gaps.get_or_insert_default();
    }

    /// Times between tokens since the process began, if they are observed.
    pub fn gaps(&self) -> Option<&TokenGaps> {
        self.gaps.as_deref()
    }

    /// Requests in line or loading.
    pub fn waiting(&self) -> u32 {
        self.waiting.len() as u32 + self.loading
    }

    /// Requests in the batch.
    pub fn running(&self) -> u32 {
        self.batch.len() as u32
    }

    /// Requests inside.
    pub fn inside(&self) -> u32 {
        self.slot_of.len() as u32
    }

    /// Whether a step is in flight.
    pub fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// Share of the blocks that running requests hold.
    pub fn kv_usage(&self) -> f64 {
        f64::from(self.cache.in_use()) / f64::from(self.cache.capacity().max(1))
    }

    /// The block pool.
    pub fn cache(&self) -> &RunCache {
        &self.cache
    }

    /// The counts up to `now`, with what of the burst in flight has happened by then.
    pub fn counts_at(&self, now: SimTime) -> EngineCounts {
        let mut counts = self.counts;
        if let Some(flight) = &self.flight {
            let now_fs = u128::from(now.0) * FS_PER_NS;
            let elapsed = now_fs.min(flight.ends_fs).saturating_sub(flight.begun_fs);
            let elapsed = if self.hung { now_fs.saturating_sub(flight.begun_fs) } else { elapsed };
            counts.busy += SimDuration((elapsed / FS_PER_NS) as u64);
            if flight.load.prefill == 0 && !self.hung {
                let done = (flight.cost.steps_to_cover(flight.load, elapsed + 1) - 1).min(flight.steps);
                counts.steps += done;
                counts.add_parts(flight.cost.parts(flight.load, done));
                counts.generated_tokens += done * flight.load.decoding;
            }
        }
        counts
    }

    /// Blocks add up, and every sequence is in exactly one place.
    ///
    /// # Errors
    /// What does not add up.
    pub fn check(&self) -> Result<(), String> {
        self.cache.check()?;
        self.host.check()?;
        let placed = self.batch.len() + self.waiting.len() + self.loading as usize;
        if placed != self.slot_of.len() {
            return Err(format!("{placed} sequences have a place, {} are inside", self.slot_of.len()));
        }
        let private: u32 = self.slot_of.values().map(|s| self.sequences[*s as usize].private_blocks).sum();
        if private != self.cache.private() {
            return Err(format!("sequences own {private} blocks, the pool lent {}", self.cache.private()));
        }
        Ok(())
    }

    /// Fills the empty caches as if prompts and their answers had been stored one after the other, without timing.
    /// They are given from the last to the first, because what came long ago leaves no trace.
    pub fn fill<'a>(&mut self, latest_first: impl IntoIterator<Item = (&'a Prompt, Segment)>) {
        let (mut room, mut host_room) = (true, true);
        for (prompt, answer) in latest_first {
            for (segment, _, blocks) in blocks_with_answer(prompt, answer, self.config.block_tokens) {
                room = room && self.cache.store_oldest(segment.key, blocks);
                host_room = host_room && self.host.store_oldest(segment.key, blocks);
            }
            if !room && !host_room {
                break;
            }
        }
    }

    /// Lets the engine act at the moment it asked for.
    pub fn wake(&mut self, now: SimTime, tiers: &mut dyn ExternalTiers, out: &mut Vec<Happening>) {
        if self.hung || self.flight.is_some_and(|f| now < ceil_ns(f.ends_fs)) {
            return;
        }
        self.wants_wake = None;
        if self.flight.is_some() {
            self.land(now, tiers, out); // what follows begins at the boundary itself, not at its rounded nanosecond
        } else {
            self.now_fs = u128::from(now.0) * FS_PER_NS;
        }
        self.let_go(out);
        if self.cache.capacity() != self.config.kv_blocks {
            self.cache.set_capacity(self.config.kv_blocks); // as far as what is in use allows; the rest at later boundaries
        }
        self.take_loaded(out);
        self.take_off(now, tiers, out);
    }

    /// The steps in flight are over: tokens appear, blocks fill, answers end.
    fn land(&mut self, now: SimTime, tiers: &mut dyn ExternalTiers, out: &mut Vec<Happening>) {
        let Some(flight) = self.flight.take() else { return };
        self.counts.busy += SimDuration(((flight.ends_fs - flight.begun_fs) / FS_PER_NS) as u64);
        self.counts.steps += flight.steps;
        self.counts.add_parts(flight.cost.parts(flight.load, flight.steps));
        if let Some(gaps) = &mut self.gaps {
            gaps.observe_burst(&flight.cost, flight.load, flight.steps);
        }
        self.now_fs = flight.ends_fs;
        if 0 < flight.load.prefill {
            self.counts.prefill_tokens += flight.load.prefill;
            out.push(Happening::Prefilled { tokens: flight.load.prefill });
        }
        let marks = Marks::of(&flight);
        self.counts.generated_tokens += flight.load.decoding * flight.steps;
        let mut noted = std::mem::take(&mut self.noted);
        let mut ended = std::mem::take(&mut self.ended);
        self.batch.advance(flight.steps as u32, &marks, self.gaps.as_deref_mut(), &mut noted);
        for index in noted.drain(..) {
            let Runner { slot, decodes } = self.batch.runner(index as usize);
            let complete = if decodes {
                let (after, left) = self.batch.progress(index as usize);
                let before = after - flight.steps as u32;
                self.take_blocks(slot, before, after);
                self.publish(slot, before, after);
                left == 0
            } else {
                self.prefill(index as usize, slot, &marks, tiers, out)
            };
            if complete {
                ended.push(slot);
            }
        }
        for slot in ended.drain(..) {
            self.finish(slot, tiers, out);
        }
        (self.noted, self.ended) = (noted, ended);
        debug_assert!(marks.last <= now);
    }

    /// Advances one that prefills by its chunk. True if its answer is complete: it was a single token.
    fn prefill(
        &mut self,
        index: usize,
        slot: u32,
        marks: &Marks,
        tiers: &mut dyn ExternalTiers,
        out: &mut Vec<Happening>,
    ) -> bool {
        let sequence = &mut self.sequences[slot as usize];
        let (before, chunk) = (sequence.computed, std::mem::take(&mut sequence.chunk));
        if chunk == 0 {
            return false; // no tokens were left for it
        }
        sequence.computed += chunk;
        let caught_up = sequence.missing() == 0;
        if caught_up {
            self.counts.generated_tokens += 1;
            if sequence.generated == 0 {
                out.push(Happening::FirstToken { key: sequence.job.key });
                tiers.store(&sequence.job.prompt, 0, sequence.job.output_key);
            } else {
                let gap = marks.first.since(sequence.last_token);
                sequence.longest_gap = sequence.longest_gap.max(gap);
                if let Some(gaps) = &mut self.gaps {
                    gaps.observe(gap);
                }
            }
            sequence.generated += 1;
            sequence.last_token = marks.last;
        }
        let complete = sequence.job.output_tokens <= sequence.generated;
        if !complete && sequence.decodes() {
            self.batch.decodes_from_now(index, sequence.decoding());
        }
        self.publish(slot, before, before + chunk);
        complete
    }

    /// Blocks for the tokens `before..after`; that they are there was made sure when the steps were planned.
    fn take_blocks(&mut self, slot: u32, before: u32, after: u32) {
        let block = self.config.block_tokens;
        let blocks = after.div_ceil(block) - before.div_ceil(block);
        if 0 < blocks {
            let taken = self.cache.take_private(blocks);
            debug_assert!(taken, "steps were planned beyond the blocks");
            self.sequences[slot as usize].private_blocks += if taken { blocks } else { 0 };
        }
    }

    /// Full blocks among the tokens `before..after` become part of their runs.
    fn publish(&mut self, slot: u32, before: u32, after: u32) {
        let block = self.config.block_tokens;
        let (from, to) = (before / block, after / block);
        if from == to {
            return;
        }
        let sequence = &mut self.sequences[slot as usize];
        let mut published = 0;
        let Some((answer, prompt)) = sequence.spans.split_last() else { return };
        if from < answer.first {
            for span in prompt {
                if to <= span.first {
                    break;
                }
                let (low, high) = (from.max(span.first), to.min(span.first + span.blocks));
                if low < high
                    && let Some(place) = span.place
                {
                    published += self.cache.publish(place, low - span.first, high - span.first);
                }
            }
        }
        if answer.first < to
            && let Some(place) = answer.place
        {
            let low = from.max(answer.first);
            published += self.cache.publish(place, low - answer.first, to - answer.first);
        }
        sequence.private_blocks -= published;
    }

    fn finish(&mut self, slot: u32, tiers: &mut dyn ExternalTiers, out: &mut Vec<Happening>) {
        self.release(slot, true);
        self.remove(slot);
        self.counts.finished += 1;
        let Sequence { job, longest_gap, .. } = &self.sequences[slot as usize];
        let answer = job.output_tokens.saturating_sub(1); // the last token is never computed
        tiers.store(&job.prompt, answer, job.output_key);
        if 0 < self.host.capacity() {
            let answer = Segment { key: job.output_key, tokens: answer };
            for (segment, _, blocks) in blocks_from_the_end(&job.prompt, answer, self.config.block_tokens) {
                self.host.store(segment.key, blocks, SimTime::ZERO);
            }
        }
        out.push(Happening::Finished { key: job.key, output_tokens: job.output_tokens, longest_gap: *longest_gap });
    }

    /// A sequence leaves the engine; its place is vacant, its record stands until the place is taken.
    fn remove(&mut self, slot: u32) {
        match self.sequences[slot as usize].stage {
            Stage::Running => self.leave_batch(slot),
            Stage::Waiting => {
                // Who gives up has mostly waited longest, so the search is short.
                if let Some(place) = self.waiting.iter().position(|s| *s == slot) {
                    self.waiting.remove(place);
                }
            }
            Stage::Loading => {
                self.loading -= 1;
                self.ready_after_load.retain(|(s, _)| *s != slot);
            }
        }
        self.slot_of.remove(&self.sequences[slot as usize].job.key);
        self.vacant.push(slot);
    }

    /// A sequence leaves the batch; how far it has come is in its own record again.
    fn leave_batch(&mut self, slot: u32) {
        self.host_fs -= self.sequences[slot as usize].host_fs;
        if let Some(decoding) = self.batch.remove(slot) {
            self.sequences[slot as usize].take_back(&decoding);
        }
    }

    /// A sequence joins the batch, at its end.
    fn join_batch(&mut self, slot: u32) {
        let sequence = &mut self.sequences[slot as usize];
        sequence.stage = Stage::Running;
        self.host_fs += sequence.host_fs;
        self.batch.push(slot, sequence.decodes().then(|| sequence.decoding()));
    }

    /// Gives a sequence's blocks back, deepest first; `keep` leaves what it computed in the cache.
    fn release(&mut self, slot: u32, keep: bool) {
        let sequence = &mut self.sequences[slot as usize];
        self.cache.give_private(std::mem::take(&mut sequence.private_blocks));
        if !std::mem::take(&mut sequence.pinned) {
            return;
        }
        for place in sequence.spans.iter().rev().filter_map(|span| span.place) {
            self.cache.unpin(place);
        }
        let Some((_, prompt)) = sequence.spans.split_last().filter(|_| !keep) else { return };
        for span in prompt {
            if let Some(place) = span.place.filter(|place| self.cache.holds(*place, span.key)) {
                self.cache.trim(place, sequence.hit_blocks.saturating_sub(span.first), Removal::Reset);
            }
        }
    }

    /// Cancelled requests leave.
    fn let_go(&mut self, out: &mut Vec<Happening>) {
        if self.cancelled.is_empty() {
            return;
        }
        let mut cancelled = std::mem::take(&mut self.cancelled);
        for slot in cancelled.drain(..) {
            let sequence = &self.sequences[slot as usize];
            let key = sequence.job.key;
            if self.slot_of.get(&key) != Some(&slot) || !sequence.cancelled {
                continue; // it ended by itself at this very boundary
            }
            let complete = 0 < sequence.generated;
            self.release(slot, complete || self.config.keep_aborted);
            self.remove(slot);
            self.counts.aborted += 1;
            out.push(Happening::Aborted { key });
        }
        self.cancelled = cancelled;
    }

    /// Requests whose blocks have been loaded join the batch.
    fn take_loaded(&mut self, out: &mut Vec<Happening>) {
        if self.ready_after_load.is_empty() {
            return;
        }
        let mut ready = std::mem::take(&mut self.ready_after_load);
        for (slot, ok) in ready.drain(..) {
            let block = self.config.block_tokens;
            let sequence = &mut self.sequences[slot as usize];
            let have = sequence.hit_blocks * block;
            if !ok && self.config.fail_on_load_failure {
                let key = sequence.job.key;
                self.release(slot, true);
                self.remove(slot);
                out.push(Happening::LoadFailed { key });
                continue;
            }
            self.loading -= 1;
            if ok {
                sequence.computed = sequence.loaded_to;
                let to = sequence.loaded_to;
                self.publish(slot, have, to);
            } else {
                sequence.computed = have;
                self.cache.give_private(std::mem::take(&mut sequence.private_blocks));
            }
            self.join_batch(slot);
        }
        self.ready_after_load = ready;
    }

    /// Plans the next step, or the next burst of steps.
    fn take_off(&mut self, now: SimTime, tiers: &mut dyn ExternalTiers, out: &mut Vec<Happening>) {
        let mut budget = self.config.max_num_batched_tokens;
        let preempted = self.plan_running(&mut budget, out);
        if !preempted || self.batch.is_empty() {
            self.plan_waiting(now, &mut budget, tiers, out);
        }
        let load = self.load();
        if load == Load::default() {
            return;
        }
        // After a preemption nobody was admitted; those that wait are looked at again after one step.
        let one = 0 < load.prefill || self.config.stepwise || (preempted && !self.waiting.is_empty());
        let steps = if one { 1 } else { self.burst_length() };
        let span = if 0 < load.prefill { self.cost.step(load) } else { self.cost.burst(load, steps) };
        let ends_fs = self.now_fs + span;
        self.flight = Some(Flight { cost: self.cost, begun_fs: self.now_fs, load, steps, ends_fs });
        self.wants_wake = (!self.hung).then(|| ceil_ns(ends_fs));
    }

    /// Tokens for those that run, in order; a decoding sequence always gets its one. True if somebody had to give way.
    fn plan_running(&mut self, budget: &mut u32, out: &mut Vec<Happening>) -> bool {
        if self.plan_with_room(budget) {
            return false;
        }
        let block = self.config.block_tokens;
        let mut preempted = false;
        let mut promised = 0; // blocks that decoding sequences will take when the step lands
        let mut index = 0;
        while index < self.batch.len() {
            let Runner { slot, decodes } = self.batch.runner(index);
            let (tokens, blocks) = if decodes {
                (1, self.batch.needs_block(index))
            } else {
                let sequence = &self.sequences[slot as usize];
                let tokens = sequence.missing().min(*budget);
                (tokens, (sequence.computed + tokens).div_ceil(block) - sequence.computed.div_ceil(block))
            };
            while self.cache.available() < blocks + promised {
                let victim = self.batch.runner(self.batch.len() - 1).slot;
                self.preempt(victim, out);
                preempted = true;
                if victim == slot {
                    return true;
                }
            }
            *budget = budget.saturating_sub(tokens);
            if decodes {
                promised += blocks;
            } else {
                self.cache.take_private(blocks);
                let sequence = &mut self.sequences[slot as usize];
                sequence.private_blocks += blocks;
                sequence.chunk = tokens;
            }
            index += 1;
        }
        preempted
    }

    /// As [`Engine::plan_running`] where there are blocks for all; false, and nothing planned, if there are not. Only
    /// those that prefill are looked at one by one.
    fn plan_with_room(&mut self, budget: &mut u32) -> bool {
        let block = self.config.block_tokens;
        let mut blocks_in_all = self.batch.promised_blocks();
        let mut chunks = std::mem::take(&mut self.chunks);
        let (mut tokens_left, mut seen) = (*budget, 0);
        for (place, slot) in self.batch.prefilling() {
            let decode_before = (place - seen) as u32; // since the last that prefills: a token each
            seen = place + 1;
            let sequence = &self.sequences[slot as usize];
            tokens_left = tokens_left.saturating_sub(decode_before);
            let tokens = sequence.missing().min(tokens_left);
            let blocks = (sequence.computed + tokens).div_ceil(block) - sequence.computed.div_ceil(block);
            tokens_left -= tokens;
            blocks_in_all += blocks;
            chunks.push((slot, tokens, blocks));
        }
        let room = blocks_in_all <= self.cache.available();
        if room {
            *budget = tokens_left.saturating_sub((self.batch.len() - seen) as u32);
            for (slot, tokens, blocks) in &chunks {
                self.cache.take_private(*blocks);
                let sequence = &mut self.sequences[*slot as usize];
                sequence.private_blocks += blocks;
                sequence.chunk = *tokens;
            }
        }
        chunks.clear();
        self.chunks = chunks;
        room
    }

    /// The last of those that run loses its blocks and goes to the front of the line.
    fn preempt(&mut self, slot: u32, out: &mut Vec<Happening>) {
        self.release(slot, true);
        self.leave_batch(slot);
        let sequence = &mut self.sequences[slot as usize];
        sequence.stage = Stage::Waiting;
        sequence.computed = 0;
        sequence.chunk = 0;
        out.push(Happening::Preempted { key: sequence.job.key });
        self.waiting.push_front(slot);
        self.counts.preemptions += 1;
    }

    /// Those that wait, first come first served, as far as tokens, seats and blocks go.
    fn plan_waiting(
        &mut self,
        now: SimTime,
        budget: &mut u32,
        tiers: &mut dyn ExternalTiers,
        out: &mut Vec<Happening>,
    ) {
        if self.waiting.is_empty() {
            return;
        }
        let block = self.config.block_tokens;
        let promised = self.batch.promised_blocks();
        while 0 < *budget && self.batch.len() < self.config.max_num_seqs as usize {
            let Some(slot) = self.waiting.front().copied() else { break };
            // What the hit pins can no longer be evicted for the rest.
            let (hit, pinned) = self.look_up(slot);
            let needed = self.sequences[slot as usize].known().div_ceil(block) - hit;
            if self.cache.available() < needed + promised + pinned {
                break;
            }
            self.waiting.pop_front();
            self.admit(now, slot, hit, budget, tiers, out);
        }
    }

    /// Finds the runs of a sequence. Returns the cached blocks from the start of what it knows (at least one token is
    /// always computed anew), and the blocks of its runs that nobody pins yet.
    fn look_up(&mut self, slot: u32) -> (u32, u32) {
        let block = self.config.block_tokens;
        let sequence = &mut self.sequences[slot as usize];
        if sequence.spans.is_empty() {
            sequence.lay_out(block);
        }
        let (mut matched, mut whole, mut unpinned, mut of_answer) = (0, true, 0, 0);
        for span in &mut sequence.spans {
            span.place = self.cache.find(span.key);
            of_answer = span.place.map_or(0, |place| self.cache.cached_at(place));
            unpinned += span.place.map_or(0, |place| self.cache.unpinned_at(place));
            if whole {
                matched = span.first + of_answer.min(span.blocks);
                whole = span.blocks <= of_answer;
            }
        }
        let whole_prompt = sequence.job.prompt.tokens() / block;
        if 0 < sequence.generated && matched == whole_prompt {
            matched += of_answer;
        }
        (matched.min(sequence.known().saturating_sub(1) / block), unpinned)
    }

    fn admit(
        &mut self,
        now: SimTime,
        slot: u32,
        hit: u32,
        budget: &mut u32,
        tiers: &mut dyn ExternalTiers,
        out: &mut Vec<Happening>,
    ) {
        let block = self.config.block_tokens;
        let have = hit * block;
        let sequence = &mut self.sequences[slot as usize];
        for span in &mut sequence.spans {
            let found = span.place.or_else(|| self.cache.find(span.key));
            span.place = Some(self.cache.pin(span.key, found));
        }
        sequence.pinned = true;
        sequence.hit_blocks = hit;
        sequence.computed = have;
        let prompt_tokens = sequence.job.prompt.tokens();
        let loadable = prompt_tokens.saturating_sub(1) / block * block;
        let of_host = if self.host.capacity() == 0 { 0 } else { self.host.matched_blocks(&sequence.job.prompt, block) };
        let host_to = (of_host * block).min(loadable).max(have);
        let shared_to = (tiers.lookup(&sequence.job.prompt, host_to).min(loadable) / block * block).max(host_to);
        let key = sequence.job.key;
        if !std::mem::replace(&mut sequence.admitted, true) {
            let waited = now.since(sequence.arrived);
            let have = have.min(prompt_tokens);
            self.counts.queried_tokens += u64::from(prompt_tokens);
            self.counts.hit_tokens += u64::from(have);
            self.counts.external_queried_tokens += u64::from(prompt_tokens - have);
            self.counts.host_hit_tokens += u64::from(host_to - have);
            self.counts.shared_hit_tokens += u64::from(shared_to - host_to);
            let (from_host, from_shared) = (host_to - have, shared_to - host_to);
            out.push(Happening::Admitted { key, prompt_tokens, from_hbm: have, from_host, from_shared, waited });
        }
        if have < shared_to {
            let blocks = shared_to.div_ceil(block) - hit;
            self.cache.take_private(blocks);
            sequence.private_blocks += blocks;
            sequence.loaded_to = shared_to;
            sequence.stage = Stage::Loading;
            self.loading += 1;
            let (host_tokens, shared_tokens) = (host_to - have, shared_to - host_to);
            out.push(Happening::NeedsLoad { key, host_tokens, shared_from: host_to, shared_tokens });
            return;
        }
        let tokens = (sequence.known() - have).min(*budget);
        let blocks = (have + tokens).div_ceil(block) - hit;
        self.cache.take_private(blocks);
        *budget -= tokens;
        sequence.private_blocks += blocks;
        sequence.chunk = tokens;
        sequence.stage = Stage::Running;
        self.host_fs += self.sequences[slot as usize].host_fs;
        self.batch.push(slot, None);
    }

    /// What the coming step carries.
    fn load(&self) -> Load {
        let (decoding, context) = self.batch.decoding_load();
        let mut load = Load { decoding, context, ..Load::default() };
        for (_, slot) in self.batch.prefilling() {
            let sequence = &self.sequences[slot as usize];
            let (chunk, old) = (u64::from(sequence.chunk), u64::from(sequence.computed));
            if 0 < chunk {
                load.prefill += chunk;
                load.pairs += chunk * chunk / 2 + chunk * old;
            }
        }
        if 0 < load.decoding + load.prefill {
            load.host = self.host_fs;
        }
        load
    }

    /// Steps until an answer ends or blocks run out; nobody who waits can join before, or would have joined now.
    fn burst_length(&self) -> u64 {
        let of = |slot: u32| &self.sequences[slot as usize];
        let left = |(_, slot): (usize, u32)| of(slot).job.output_tokens - of(slot).generated;
        let of_others = self.batch.prefilling().map(left).min().unwrap_or(u32::MAX);
        let shortest = self.batch.shortest_left().min(of_others).max(1);
        let block = self.config.block_tokens;
        let available = self.cache.available();
        let blocks_for = |steps: u32| -> u32 {
            let more = |(_, slot): (usize, u32)| {
                (of(slot).computed + steps).div_ceil(block) - of(slot).computed.div_ceil(block)
            };
            self.batch.blocks_for(steps) + self.batch.prefilling().map(more).sum::<u32>()
        };
        let at_most = self.batch.len() as u64 * u64::from(shortest / block + 1);
        if at_most <= u64::from(available) || blocks_for(shortest) <= available {
            return u64::from(shortest);
        }
        let (mut fits, mut exceeds) = (1, shortest);
        while fits + 1 < exceeds {
            let middle = fits + (exceeds - fits) / 2;
            if blocks_for(middle) <= available {
                fits = middle;
            } else {
                exceeds = middle;
            }
        }
        u64::from(fits)
    }

    /// Something may change at the next boundary: the engine looks there.
    fn look_at_next_boundary(&mut self, now: SimTime) {
        if self.hung {
            return;
        }
        match self.flight {
            Some(_) => self.cut_flight(now),
            None => self.wants_wake = Some(now),
        }
    }

    /// Shortens a burst to its first boundary that is not before `now`.
    fn cut_flight(&mut self, now: SimTime) {
        let hung = self.hung;
        let Some(flight) = self.flight.as_mut().filter(|f| f.load.prefill == 0 && 1 < f.steps && !hung) else { return };
        // A boundary counts from its nanosecond, rounded up: it is not before `now` if it lies after the one before.
        let after_fs = u128::from(now.0.saturating_sub(1)) * FS_PER_NS;
        let span = if now.0 == 0 { 1 } else { after_fs.saturating_sub(flight.begun_fs) + 1 };
        if flight.ends_fs - flight.begun_fs <= span {
            return;
        }
        flight.steps = flight.cost.steps_to_cover(flight.load, span).min(flight.steps);
        flight.ends_fs = flight.begun_fs + flight.cost.burst(flight.load, flight.steps);
        self.wants_wake = Some(ceil_ns(flight.ends_fs));
    }
}

impl Marks {
    fn of(flight: &Flight) -> Marks {
        let last = ceil_ns(flight.ends_fs);
        if flight.steps <= 1 {
            return Marks { first: last, last, last_step: SimDuration::ZERO };
        }
        let at = |steps: u64| ceil_ns(flight.begun_fs + flight.cost.burst(flight.load, steps));
        Marks { first: at(1), last, last_step: last.since(at(flight.steps - 1)) }
    }
}

fn ceil_ns(fs: u128) -> SimTime {
    SimTime(fs.div_ceil(FS_PER_NS) as u64)
}
