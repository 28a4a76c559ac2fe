//! The world: a discrete-event simulation of an LLM service, request by request.
//!
//! Pure: no files, clocks, threads, logging or globals. Imports only [`crate::metrics`].
//!
//! Single requests and not flows, because retries, cancellations, hashing and cache lookups belong to requests, and the
//! incidents that matter here are made of them. Every random number is named ([`rng`]), so that two runs with one cause
//! removed differ by that cause alone, and the difference of their harms is its effect and not noise.

pub mod ids;
pub mod rng;
pub mod time;

pub mod key_table; // from keys to places
pub mod queue; // events, earliest first
pub mod slab; // records that come and go
pub mod spec; // what a world is built from

pub mod prompt; // a chain of segments
pub mod workload; // what users want

pub mod client; // what a client program does when an attempt fails
pub mod connection; // pools, pinning, idle time-outs, certificates
pub mod health; // probes and verdicts
pub mod keyed_cache; // auth entries, names: shards, TTL, miss path
pub mod link; // capacity shared by flows
pub mod loop_thread; // one thread on which all wait
pub mod rate_limit; // token buckets
pub mod station; // queue with servers

pub mod kv; // the cache and its tiers
pub mod serving; // step times, continuous batching

pub mod series; // what truly happened, in buckets

pub mod world; // the components wired together, and the loop
