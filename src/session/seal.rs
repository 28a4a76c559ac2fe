//! The seal of a session: what it is about, for its owner and for replay, and for nobody who plays.

use serde::{Deserialize, Serialize};

use crate::sim::rng::mix;
use crate::sim::time::SimTime;

/// What a session is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Version of this form.
    pub v: u32,
    /// The scenario, by its name in the catalogue.
    pub scenario: String,
    /// Its variant.
    pub variant: String,
    /// What picks everything random.
    pub seed: u64,
    /// What ids are salted with.
    pub salt: u64,
    /// A hash of the scenario as it was read, presets included.
    pub scenario_hash: String,
    /// The moment of the page, in nanoseconds of the world.
    pub paged_at_ns: u64,
    /// The version of the program that began it.
    pub build: String,
}

/// The version of the form.
pub const VERSION: u32 = 1;
/// A session opens so long before its page.
pub const LEAD_NS: u64 = 60_000_000_000;

impl Seal {
    /// The moment at which a participant begins to look.
    pub fn begins_at(&self) -> SimTime {
        SimTime(self.paged_at_ns.saturating_sub(LEAD_NS))
    }
}

/// The place of the variant that a seed draws, of those that have so many lots each.
pub fn dealt(seed: u64, lots: impl IntoIterator<Item = u32>) -> usize {
    let places =
        lots.into_iter().enumerate().flat_map(|(place, lots)| std::iter::repeat_n(place, lots.min(100) as usize));
    let lots: Vec<usize> = places.collect();
    lots.get(drawn(seed, lots.len())).copied().unwrap_or(0)
}

/// The lot that a seed draws, among so many.
pub fn drawn(seed: u64, variants: usize) -> usize {
    (mix(seed, 0x5ca7_0001) % variants.max(1) as u64) as usize
}
