//! A sharded cache of keyed entries with time to live and a miss path: auth entries, names, compiled grammars.
