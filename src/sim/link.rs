//! A link with capacity shared by its flows (processor sharing), with latency and loss.
