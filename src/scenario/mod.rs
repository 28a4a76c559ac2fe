//! The scenario file: RON format, errors with line and hint, catalogue. Holds the truth.
