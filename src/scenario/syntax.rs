//! Reads RON text into a tree.
