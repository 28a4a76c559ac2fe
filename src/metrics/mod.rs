//! The monitoring system: instruments, scrape store, PromQL. Knows nothing of the stack.
