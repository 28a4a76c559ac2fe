//! Conservation: everything that begins ends exactly once, and blocks and jobs add up.

use crate::sim::world::World;

impl World {
    /// Whether the books balance now.
    ///
    /// # Errors
    /// What does not add up.
    pub fn conservation(&mut self) -> Result<(), String> {
        let now = self.now;
        let tally = &self.tally;
        if 0 < self.queue.late() {
            return Err(format!("{} events were put in the past", self.queue.late()));
        }
        let alive = |what: &str, begun: u64, ended: u64, inside: usize| {
            if begun == ended + inside as u64 {
                Ok(())
            } else {
                Err(format!("{begun} {what} began, {ended} ended, {inside} are inside"))
            }
        };
        let intents_ended =
            tally.intents_answered + tally.intents_failed + tally.intents_elsewhere + tally.intents_open;
        alive("intents", tally.intents_begun, intents_ended, self.intents.len())?;
        alive("attempts", tally.attempts_begun, tally.attempts_ended, self.attempts.len())?;
        alive("calls", tally.calls_begun, tally.calls_ended, self.calls.len())?;
        let outcomes: u64 = tally.outcomes.values().sum();
        let at_client = self.attempts.iter().filter(|(_, a)| a.at_client).count();
        alive("attempts, as clients see them,", tally.attempts_begun, outcomes, at_client)?;
        for (index, gateway) in self.gateways.iter_mut().enumerate() {
            gateway.workers.check(now).map_err(|e| format!("workers of gateway {index}: {e}"))?;
            gateway.images.check(now).map_err(|e| format!("image workers of gateway {index}: {e}"))?;
        }
        self.api.store.check(now).map_err(|e| format!("auth store: {e}"))?;
        for (index, replica) in self.replicas.iter_mut().enumerate() {
            replica.engine.check().map_err(|e| format!("replica {index}: {e}"))?;
            replica.tokenizer.check(now).map_err(|e| format!("tokenizer of replica {index}: {e}"))?;
        }
        self.cache.as_ref().map_or(Ok(()), |cache| cache.tier.check())
    }
}
