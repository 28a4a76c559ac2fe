//! The KV cache: block-granular LRU per replica, host tier, shared remote tier.
