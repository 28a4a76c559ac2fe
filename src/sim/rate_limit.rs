//! Token buckets: how requests and tokens per minute are limited.
