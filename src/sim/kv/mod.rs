//! The KV cache: block-granular LRU per replica, host tier, shared remote tier.

pub mod remote; // the tier that replicas share: nodes, members, key seeds
pub mod run_cache; // blocks of runs, least recently used first out
