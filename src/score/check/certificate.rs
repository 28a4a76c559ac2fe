//! A certificate: what was proved of a scenario, and of which one. It lies beside what it vouches for, so that a fresh
//! clone need not prove everything again, and one that no longer fits says so.
//!
//! It holds the findings and their keys: the file's hash, a hash over the events of every variant under one seed to two
//! minutes beyond the first onset, and the observer's key. Those of the files that come with the program lie in
//! `scenarios/certificates`, made over six seeds of each variant; `check --verify` says which are sound, which are of a
//! file that has changed since, and how many clauses stay open in each.

use serde::{Deserialize, Serialize};

use crate::score::check::{Finding, Scope, Verdict};

/// The version of the form.
pub const VERSION: u32 = 1;

/// What a certificate rests on. Any of it different, and it is stale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Hash of the scenario as it was read, presets included.
    pub scenario: String,
    /// Hash of how it plays under a fixed seed.
    pub world: String,
    /// The observer's key; none: proved without one.
    pub observer: Option<String>,
}

/// What was proved of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Version of this form.
    pub v: u32,
    /// The scenario's name.
    pub name: String,
    /// Of which one.
    pub keys: Keys,
    /// Seeds and thoroughness.
    pub scope: Scope,
    /// How many proofs of any scenario came before this one; the lowest is the stalest.
    pub generation: u64,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// How a certificate stands to the scenario at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is for this one, and nothing failed.
    Sound,
    /// It is for this one, and so many clauses failed.
    Failed(usize),
    /// It is for another: what differs.
    Stale(String),
    /// There is none.
    Missing,
}

impl Certificate {
    /// Clauses that do not hold.
    pub fn failing(&self) -> usize {
        self.findings.iter().filter(|f| f.verdict == Verdict::Fails).count()
    }

    /// Clauses that could not be judged.
    pub fn open(&self) -> usize {
        self.findings.iter().filter(|f| f.verdict == Verdict::Open).count()
    }

    /// How it stands to a scenario of these keys.
    pub fn standing(&self, keys: &Keys) -> Standing {
        let of = |name: &str, differs: bool| differs.then(|| name.to_string());
        let differs: Vec<String> = [
            of("the file", self.keys.scenario != keys.scenario),
            of("the world", self.keys.world != keys.world),
            // One that was made without an observer says so: clauses that ask one are open in it, and stay so.
            of("the observer", self.keys.observer.is_some() && self.keys.observer != keys.observer),
            of("the form", self.v != VERSION),
        ]
        .into_iter()
        .flatten()
        .collect();
        match (differs.is_empty(), self.failing()) {
            (false, _) => Standing::Stale(differs.join(", ")),
            (true, 0) => Standing::Sound,
            (true, n) => Standing::Failed(n),
        }
    }
}

impl Standing {
    /// In a few words.
    pub fn says(&self) -> String {
        match self {
            Standing::Sound => "sound".to_string(),
            Standing::Failed(1) => "one clause FAILED".to_string(),
            Standing::Failed(n) => format!("{n} clauses FAILED"),
            Standing::Stale(what) => format!("STALE: {what} changed since"),
            Standing::Missing => "no certificate".to_string(),
        }
    }
}
