//! Connections: pools, pinning to a backend, idle time-outs, certificates.
