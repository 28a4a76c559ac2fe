//! Asks a JSON Schema what may stand at a place.
