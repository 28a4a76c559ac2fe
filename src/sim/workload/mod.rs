//! What users want: a pure function of (seed, entity, index).
