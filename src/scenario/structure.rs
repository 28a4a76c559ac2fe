//! Compares a tree with the JSON Schema of a type.
