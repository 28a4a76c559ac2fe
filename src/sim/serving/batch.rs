//! The batch of an engine: who runs, in the order in which they joined, and how far those have come that decode.
//!
//! Every step touches every sequence that decodes, so what a step needs of them stands here side by side; the records
//! of the engine are touched only when a block fills or an answer ends.

use serde::{Deserialize, Serialize};

use crate::sim::serving::token_gaps::TokenGaps;
use crate::sim::time::{SimDuration, SimTime};

/// Marks a seat whose sequence does not decode.
const PREFILLS: u32 = u32::MAX;

/// One of those that run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runner {
    pub slot: u32,
    pub decodes: bool,
}

/// How far a sequence that decodes has come.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Decoding {
    pub computed: u32,
    /// Tokens of its answer that are still to be written.
    pub left: u32,
    pub last_token: SimTime,
    pub longest_gap: SimDuration,
}

/// The moments of a flight of steps at which tokens appear.
pub(super) struct Marks {
    pub first: SimTime,
    pub last: SimTime,
    /// From the last but one to the last; zero for a single step.
    pub last_step: SimDuration,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Seat {
    slot: u32,
    /// Computed tokens in its last block, 0 if that is full.
    fill: u32,
    decoding: Decoding,
}

/// Those that run, in order, and sums over those that decode.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Batch {
    seats: Vec<Seat>,
    block_tokens: u32,
    decoding: u64,
    context: u64,
}

impl Batch {
    /// An empty batch of an engine with blocks of this size.
    #[inline]
    pub fn new(block_tokens: u32) -> Self {
        Batch { seats: Vec::new(), block_tokens, decoding: 0, context: 0 }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Who sits at `index`.
    #[inline]
    pub fn runner(&self, index: usize) -> Runner {
        let seat = &self.seats[index];
        Runner { slot: seat.slot, decodes: seat.fill != PREFILLS }
    }

    /// Those that do not decode, in order, with their places.
    #[inline]
    pub fn prefilling(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let first = self.first_prefilling();
        let seats = self.seats[first..].iter().enumerate();
        seats.filter(|(_, s)| s.fill == PREFILLS).map(move |(place, s)| (first + place, s.slot))
    }

    /// The place of the first that does not decode. Such have joined late, so the search comes from the end.
    fn first_prefilling(&self) -> usize {
        let (mut left, mut place) = (self.seats.len() - self.decoding as usize, self.seats.len());
        while 0 < left {
            place -= 1;
            left -= usize::from(self.seats[place].fill == PREFILLS);
        }
        place
    }

    /// A sequence joins at the end; it decodes already, or does not yet.
    #[inline]
    pub fn push(&mut self, slot: u32, decoding: Option<Decoding>) {
        let idle = Decoding { computed: 0, left: 0, last_token: SimTime::ZERO, longest_gap: SimDuration::ZERO };
        self.seats.push(Seat { slot, fill: PREFILLS, decoding: idle });
        if let Some(decoding) = decoding {
            self.decodes_from_now(self.seats.len() - 1, decoding);
        }
    }

    /// The sequence at `index` has caught up with what it knows.
    #[inline]
    pub fn decodes_from_now(&mut self, index: usize, decoding: Decoding) {
        let fill = decoding.computed % self.block_tokens;
        let seat = &mut self.seats[index];
        (seat.fill, seat.decoding) = (fill, decoding);
        self.decoding += 1;
        self.context += u64::from(decoding.computed);
    }

    /// A sequence leaves; how far it has come, if it decoded.
    #[inline]
    pub fn remove(&mut self, slot: u32) -> Option<Decoding> {
        let index = self.seats.iter().position(|s| s.slot == slot)?;
        let seat = self.seats.remove(index);
        if seat.fill == PREFILLS {
            return None;
        }
        self.decoding -= 1;
        self.context -= u64::from(seat.decoding.computed);
        Some(seat.decoding)
    }

    /// What the sequence at `index`, which decodes, has computed, and the tokens that it has still to write.
    #[inline]
    pub fn progress(&self, index: usize) -> (u32, u32) {
        let decoding = &self.seats[index].decoding;
        (decoding.computed, decoding.left)
    }

    /// All that decode have gone on by `steps` tokens, at the moments of `marks`. Notes the places of those that began
    /// or filled a block or have no token left to write, and of all that prefill.
    #[inline]
    pub fn advance(&mut self, steps: u32, marks: &Marks, gaps: Option<&mut TokenGaps>, noted: &mut Vec<u32>) {
        let block = self.block_tokens;
        self.context += self.decoding * u64::from(steps);
        if let Some(gaps) = gaps {
            self.observe(marks.first, gaps);
        }
        for (index, Seat { fill, decoding, .. }) in self.seats.iter_mut().enumerate() {
            if *fill == PREFILLS {
                noted.push(index as u32);
                continue;
            }
            decoding.computed += steps;
            decoding.left -= steps;
            let first_gap = marks.first.since(decoding.last_token);
            decoding.longest_gap = decoding.longest_gap.max(first_gap).max(marks.last_step);
            decoding.last_token = marks.last;
            let filled = *fill + steps;
            if *fill == 0 || block <= filled || decoding.left == 0 {
                noted.push(index as u32);
            }
            *fill = if block <= filled { filled % block } else { filled };
        }
    }

    /// Observes how long those that decode waited for the token that came at `first`: nearly all of them equally long.
    #[inline]
    fn observe(&self, first: SimTime, gaps: &mut TokenGaps) {
        let decoding = self.seats.iter().filter(|s| s.fill != PREFILLS).map(|s| s.decoding.last_token);
        let (mut last_token, mut tokens) = (first, 0);
        for other in decoding {
            if other != last_token {
                gaps.observe_alike(first.since(last_token), tokens);
                (last_token, tokens) = (other, 0);
            }
            tokens += 1;
        }
        gaps.observe_alike(first.since(last_token), tokens);
    }

    /// Blocks that the sequence at `index` needs for one more step: 1 or 0.
    #[inline]
    pub fn needs_block(&self, index: usize) -> u32 {
        u32::from(self.seats[index].fill == 0)
    }

    /// Blocks that those that decode need for one more step.
    #[inline]
    pub fn promised_blocks(&self) -> u32 {
        self.seats.iter().map(|s| u32::from(s.fill == 0)).sum()
    }

    /// Blocks that those that decode need for so many more steps.
    #[inline]
    pub fn blocks_for(&self, steps: u32) -> u32 {
        let more = |s: &Seat| (s.fill + steps).div_ceil(self.block_tokens) - s.fill.div_ceil(self.block_tokens);
        self.seats.iter().filter(|s| s.fill != PREFILLS).map(more).sum()
    }

    /// The fewest tokens that one of those that decode has still to write.
    #[inline]
    pub fn shortest_left(&self) -> u32 {
        self.seats.iter().filter(|s| s.fill != PREFILLS).map(|s| s.decoding.left).min().unwrap_or(u32::MAX)
    }

    /// How many decode, and the tokens of context that they attend to.
    #[inline]
    pub fn decoding_load(&self) -> (u64, u64) {
        (self.decoding, self.context)
    }
}
