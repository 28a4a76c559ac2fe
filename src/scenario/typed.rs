//! Builds a value from a tree.
