//! The monitoring system: scraped series, and PromQL over them. Knows nothing of the stack.
//!
//! Time is in milliseconds, as Prometheus has it.

pub mod histogram; // observations by bucket
pub mod labels; // what a series is called
pub mod promql; // queries: parsed by promql-parser, evaluated here
pub mod store; // samples of series
