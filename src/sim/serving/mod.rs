//! Serving: step times and the continuous-batching engine of one replica.
