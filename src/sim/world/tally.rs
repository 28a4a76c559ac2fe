//! Counts of what happened, kept from the beginning: what checkers balance and meters expose.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sim::client::Outcome;

/// Counts since the world began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Intents that began, turns of chats included.
    pub intents_begun: u64,
    /// Intents answered.
    pub intents_answered: u64,
    /// Intents that failed or were abandoned.
    pub intents_failed: u64,
    /// Intents still open at the end.
    pub intents_open: u64,
    /// Intents answered by another cell.
    pub intents_elsewhere: u64,
    /// Attempts that left a client.
    pub attempts_begun: u64,
    /// Attempts that neither client nor gateway holds any more.
    pub attempts_ended: u64,
    /// Calls from gateways to replicas.
    pub calls_begun: u64,
    /// Calls that are over.
    pub calls_ended: u64,
    /// Attempts by outcome, as clients saw them.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Times users lost their patience.
    pub abandoned: u64,
    /// Turns that an agent framework began again.
    pub turn_restarts: u64,
    /// Gateway tries after the first.
    pub gateway_retries: u64,
    /// Gateway tries that the budget forbade.
    pub retries_over_budget: u64,
    /// Calls given up because no token came in time.
    pub upstream_timeouts: u64,
    /// Calls given up whose engine never learnt of it.
    pub orphaned_calls: u64,
    /// Streams cut by the balancer.
    pub idle_cuts: u64,
    /// Connections opened by clients.
    pub connections_opened: u64,
    /// Handshakes that failed.
    pub tls_failures: u64,
    /// Requests refused because nobody could say who was asking.
    pub auth_failures: u64,
    /// Exceptions behind a flag.
    pub flag_exceptions: u64,
    /// Exceptions in the image decoder.
    pub decoder_exceptions: u64,
    /// Prompts longer than their model takes.
    pub too_long: u64,
    /// Calls refused by a full replica.
    pub overloaded: u64,
    /// Attempts for which no replica was ready.
    pub no_replica: u64,
    /// Preemptions in engines.
    pub preemptions: u64,
    /// Transfers from lower cache tiers that were given up.
    pub load_timeouts: u64,
    /// Transfers from lower cache tiers that failed a request.
    pub load_failures: u64,
    /// Entries found in the shared tier and dropped as invalid.
    pub invalid_entries: u64,
}

impl Tally {
    pub(super) fn count_outcome(&mut self, outcome: Outcome) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    /// Attempts that ended so.
    pub fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or(0)
    }
}
