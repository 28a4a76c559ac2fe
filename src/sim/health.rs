//! Health checks: probes, thresholds, and the view they leave behind.
