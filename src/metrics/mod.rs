//! The monitoring system: scraped series, and PromQL over them. Knows nothing of the stack.
//!
//! Time is in milliseconds, as Prometheus has it.

pub mod histogram; // observations by bucket
pub mod kind; // gauge, counter, histogram
pub mod labels; // what a series is called
pub mod promql; // queries: read, and evaluated
pub mod store; // samples of series
mod times; // when they were taken
mod values; // what they are
