//! What a prompt is to a cache: a chain of segments, each named by everything up to and including it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A piece of a prompt whose tokens are always used together (a system prompt, one turn, a document).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Segment {
    /// Identity of the whole prompt up to and including this segment (a chained hash: equal key, equal prefix).
    pub key: u64,
    /// Tokens of this segment alone, at least 1.
    pub tokens: u32,
}

/// A prompt: its segments in order. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    segments: Arc<[Segment]>,
    tokens: u32,
}

impl Prompt {
    /// A prompt of these segments; empty ones are dropped.
    #[inline]
    pub fn new(segments: impl IntoIterator<Item = Segment>) -> Self {
        let segments: Arc<[Segment]> = segments.into_iter().filter(|s| 0 < s.tokens).collect();
        let tokens = segments.iter().map(|s| s.tokens).sum();
        Prompt { segments, tokens }
    }

    /// As [`Prompt::new`], from a slice.
    #[inline]
    pub fn of(segments: &[Segment]) -> Self {
        if segments.iter().any(|s| s.tokens == 0) {
            return Prompt::new(segments.iter().copied());
        }
        Prompt { segments: segments.into(), tokens: segments.iter().map(|s| s.tokens).sum() }
    }

    /// The segments in order.
    #[inline]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// All tokens of the prompt.
    #[inline]
    pub fn tokens(&self) -> u32 {
        self.tokens
    }
}
