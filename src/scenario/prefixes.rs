//! From block identities to segments: what prompts of a trace share is cut where any two of them part.

use rustc_hash::FxHashMap;

use crate::sim::prompt::Segment;
use crate::sim::rng::mix;

/// Identity of the empty prefix.
const ROOT: u64 = 0x7ace;

/// A prompt of a trace, as its blocks name it.
#[derive(Clone, Debug)]
pub struct Blocks {
    /// Within this the identities mean the same.
    pub scope: u64,
    /// Identities of its blocks, first to last. They need be distinct only among prompts with the same beginning.
    pub ids: Vec<u64>,
    /// Tokens of a block, at least 1.
    pub block_tokens: u32,
    /// Tokens of the prompt.
    pub tokens: u32,
}

impl Blocks {
    /// The identity of each prefix that ends with a block, and the block's tokens; the last may be partly filled.
    fn chain(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let mut left = self.tokens;
        let mut key = mix(ROOT, self.scope);
        self.ids.iter().map_while(move |id| {
            let tokens = left.min(self.block_tokens);
            left -= tokens;
            key = mix(key, *id);
            (0 < tokens).then_some((key, tokens))
        })
    }

    /// The identity of the prefix of the first `blocks` blocks, or of all if there are fewer; none without any.
    pub fn prefix(&self, blocks: usize) -> Option<u64> {
        self.chain().take(blocks).last().map(|(key, _)| key)
    }
}

/// The segments of all prompts: two prompts share exactly the segments that make up what their blocks share. Tokens that
/// no block covers are in no segment.
pub fn segments(prompts: &[Blocks]) -> Vec<Vec<Segment>> {
    let children = Children::of(prompts);
    prompts.iter().map(|prompt| cut(prompt, &children)).collect()
}

/// What may follow a prefix.
struct Children(FxHashMap<u64, Next>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Only(u64),
    Several,
    End,
}

impl Children {
    fn of(prompts: &[Blocks]) -> Self {
        let mut next: FxHashMap<u64, Next> = FxHashMap::default();
        for prompt in prompts {
            let mut before = None;
            for (key, _) in prompt.chain() {
                if let Some(before) = before {
                    let seen = next.entry(before).or_insert(Next::Only(key));
                    if *seen != Next::Only(key) {
                        *seen = Next::Several;
                    }
                }
                before = Some(key);
            }
            if let Some(last) = before {
                let ends = next.entry(last).or_insert(Next::End);
                if *ends != Next::End {
                    *ends = Next::Several;
                }
            }
        }
        Children(next)
    }

    fn has_one_way_on(&self, key: u64) -> bool {
        matches!(self.0.get(&key), Some(Next::Only(_)))
    }
}

fn cut(prompt: &Blocks, children: &Children) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut tokens = 0;
    for (key, block) in prompt.chain() {
        tokens += block;
        if !children.has_one_way_on(key) {
            segments.push(Segment { key, tokens });
            tokens = 0;
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shared_tokens(a: &[Segment], b: &[Segment]) -> u32 {
        a.iter().zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.tokens).sum()
    }

    #[test]
    fn prompts_are_cut_where_they_part_and_where_one_ends() {
        let prompt =
            |ids: &[u64]| Blocks { scope: 0, ids: ids.to_vec(), block_tokens: 10, tokens: ids.len() as u32 * 10 };
        let made = segments(&[prompt(&[1, 2, 3, 4]), prompt(&[1, 2, 5]), prompt(&[1, 2, 3, 4, 6])]);
        let lengths = |row: usize| made[row].iter().map(|s| s.tokens).collect::<Vec<_>>();
        assert_eq!((lengths(0), lengths(1), lengths(2)), (vec![20, 20], vec![20, 10], vec![20, 20, 10]));
    }

    proptest! {
        #[test]
        fn two_prompts_share_as_many_tokens_as_their_blocks_do(
            prompts in prop::collection::vec(prop::collection::vec(0u64..3, 0..6), 2..12)
        ) {
            let blocks: Vec<Blocks> = (prompts.iter())
                .map(|ids| Blocks { scope: 0, ids: ids.clone(), block_tokens: 16, tokens: 16 * ids.len() as u32 })
                .collect();
            let made = segments(&blocks);
            for (a, ids_a) in prompts.iter().enumerate() {
                prop_assert_eq!(made[a].iter().map(|s| s.tokens).sum::<u32>(), 16 * ids_a.len() as u32);
                for (b, ids_b) in prompts.iter().enumerate() {
                    let common = ids_a.iter().zip(ids_b).take_while(|(x, y)| x == y).count() as u32;
                    prop_assert_eq!(shared_tokens(&made[a], &made[b]), 16 * common);
                }
            }
        }
    }
}
