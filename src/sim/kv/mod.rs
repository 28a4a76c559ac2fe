//! The KV cache: block-granular LRU per replica, host tier, shared remote tier.
//!
//! The block is the unit of account. The run of consecutive blocks of a chain is the unit of work, because a chain is
//! found, evicted and moved as a run; block by block is the oracle (tests `caches`).

pub mod remote; // the tier that replicas share: nodes, members, key seeds
pub mod run_cache; // blocks of runs, least recently used first out
