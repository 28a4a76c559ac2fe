//! Cuts RON text into tokens.
