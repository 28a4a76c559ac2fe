//! The closed list of mechanisms that a hypothesis can name: everything that this stack can do to its users, told apart
//! as far as evidence can. The same list for every case.

use crate::scenario::check::did_you_mean;

/// A mechanism, as hypotheses and causes name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Mechanism {
    /// As in `kv_cache.membership`: family and name.
    pub id: &'static str,
    /// One plain line.
    pub is: &'static str,
    /// What it does to a system like this one, in general.
    pub primer: &'static str,
}

impl Mechanism {
    /// The part of the id before the point; the whole of those that have none.
    pub fn family(&self) -> &'static str {
        self.id.split('.').next().unwrap_or(self.id)
    }
}

/// Something that is not in the list.
pub const OTHER: &str = "other";
/// Nothing is wrong.
pub const NO_FAULT: &str = "no_fault";
/// An alert that fires in health. Where nothing is wrong and somebody was paged, it says the same as [`NO_FAULT`].
pub const ALERT_RULE: &str = "telemetry.alert_rule";

/// The family of a mechanism's id, as in `kv_cache` of `kv_cache.flush`.
pub fn family(mechanism: &str) -> &str {
    mechanism.split('.').next().unwrap_or(mechanism)
}

/// What there is to see cannot decide.
pub const NOT_PROVABLE: &str = "not_provable";

macro_rules! mechanisms {
    ($($id:literal, $is:literal, $primer:literal;)*) => {
        /// All of them, family by family.
        pub const MECHANISMS: &[Mechanism] = &[$(Mechanism { id: $id, is: $is, primer: $primer }),*];
    };
}

mechanisms! {
    "demand.growth", "more people want more", "What users want rises: unique requests, not tries. Work for each stays what it was.";
    "demand.mix", "the same number of requests, of another kind", "A tenant or product grows at another's expense. Ratios over all of them move although nobody's own did.";
    "demand.synchronised", "many ask at the same moment", "Jobs on the hour, or clients that come back together. The mean over an hour is normal, the minute is not.";
    "demand.abuse", "accounts that act as one", "Accounts made together or steered together send what customers do not. Seen only where requests are joined with who sent them.";

    "sdk.retries", "clients try again, and again", "Each layer that retries multiplies those above it. Tries rise while what users want does not.";
    "sdk.timeout", "clients give up too early", "A deadline shorter than the answer takes turns slow answers into failures and new tries.";
    "sdk.prompt_prefix", "a client breaks its own prompt prefix", "Something volatile at the head of a prompt makes every request new to every cache. Only that client version's hits fall.";
    "sdk.release", "a client release changed what it sends", "Parameters, sizes or order of calls changed with a version. Group by client and version.";

    "network.name", "a name points to the wrong place", "Clients find the old address until their record expires, each at its own moment.";
    "network.certificate", "a certificate ended", "New connections fail from one moment on; those that stand live until they are closed.";
    "network.loss", "packets are lost on a path", "A share of flows becomes slow or fails, chosen by hash, whatever the request.";
    "network.latency", "a hop became slower", "Everything that crosses it takes longer by the same amount.";
    "network.bandwidth", "a link is full", "Large answers and transfers wait for each other. Small ones suffer with them.";
    "network.idle_timeout", "silent streams are cut", "Lifetimes of streams end at a round number of seconds. A slow first token looks like silence.";
    "network.pinning", "connections stay where they were made", "New instances get nothing, old ones everything, until connections are made anew.";

    "api.auth_shard", "a part of the auth cache is gone", "A fixed share of accounts is slow or refused, always the same ones.";
    "api.auth_store", "the store behind auth is slow", "Whoever is not in the cache waits. Grows with misses, not with load.";
    "api.rate_limit", "a limit is set too low", "429s by account or tier while there is capacity.";
    "api.workers", "gateway workers are exhausted", "Requests wait before anything is done with them. Replicas behind are idle.";
    "api.event_loop", "something blocks the gateway's loop", "Everything on that process waits together, probes included.";
    "api.gateway_memory", "gateways run out of memory", "Memory follows requests in flight. One is killed, the rest inherit its load, the next is killed.";
    "api.validator", "input makes the API throw", "An exception on certain inputs: 500s with one stack trace.";
    "api.image_decoder", "the image decoder fails on certain input", "Requests with certain images fail in pre-processing, before any model.";
    "api.flag", "a flag turned on a bad code path", "A share of requests fails from the moment of a switch.";
    "api.cancellation", "cancelled work goes on", "Clients have left, replicas still compute for them. Throughput without goodput.";

    "serving.capacity", "fewer replicas than needed for usual demand", "Replicas were lent, cordoned or lost. Work for each request and demand are usual.";
    "serving.routing", "the router sends requests to the wrong places", "Load or affinity is uneven: some replicas are full while others wait.";
    "serving.fail_fast", "a broken replica answers fastest", "It fails in milliseconds, looks least loaded, and draws traffic.";
    "serving.long_prompts", "long prompts starve the others", "Prefill of a few takes the steps in which others would have decoded.";
    "serving.long_answers", "answers became longer", "Requests stay longer in the batch; arrivals and prefill are as ever.";
    "serving.batching", "batching settings changed", "Token budget or seats changed: latency of first and further tokens trade places.";
    "serving.tokenizer", "tokenizing is the bottleneck", "Requests wait before the engine; accelerators idle.";
    "serving.rollout", "a rollout restarts replicas", "Each comes back cold, one after the other.";
    "serving.crash", "replicas crash", "Processes end and start anew; what they held is gone.";
    "serving.host_memory", "replicas run out of host memory", "Memory grows until the process is killed and starts cold.";

    "accelerator.hang", "a rank hangs", "Full duty cycle, little power, no progress.";
    "accelerator.clock", "accelerators are slowed", "Heat or power limits lower the clock; the same work takes longer at the same utilisation.";
    "accelerator.lost", "an accelerator is gone", "An Xid, a pod that cannot start, fewer replicas.";
    "accelerator.link", "a link between ranks is degraded", "Steps of one replica take longer; the slowest rank sets the pace.";

    "kv_cache.membership", "warm cache nodes were replaced by empty ones", "The tier is up and green, and holds nothing of what is asked.";
    "kv_cache.agent_roll", "agents of the cache nodes were restarted", "Agents fall silent for a while. What follows depends on who watches them.";
    "kv_cache.flush", "the cache was emptied once", "Hits fall at once and return as it fills, unless something keeps it from filling.";
    "kv_cache.invalidation", "cached blocks are dropped as invalid", "Entries are there and are not used. Lookups succeed, reads do not.";
    "kv_cache.capacity", "the cache holds less than it did", "Blocks are evicted before they are used again.";
    "kv_cache.key", "keys no longer match what was stored", "A seed, a template or a version is part of the key and changed: full and useless.";
    "kv_cache.bandwidth", "loading from the cache is slow", "Hits are as ever, and waiting for them takes longer than computing would.";
    "kv_cache.node_down", "a cache node is down", "Its share of the blocks is missing.";

    "control.autoscaler", "the autoscaler does not scale", "Its query, target or permission is wrong: ordinary load meets too few replicas.";
    "control.health_check", "health checks believe the wrong thing", "Sick instances stay in, or sound ones are taken out.";
    "control.config_push", "a setting was pushed to everything at once", "Everything changes at one moment, everywhere.";

    "telemetry.measurement", "the measurement is wrong, not the service", "A definition, label or exporter changed; users notice nothing.";
    "telemetry.alert_rule", "an alert's threshold is wrong", "It fires in health, or does not in sickness.";

    "other", "something that is not in this list", "Say what in the update.";
    "no_fault", "nothing is wrong", "Variation as on other days; no user is worse off.";
    "not_provable", "what there is to see cannot decide", "Several causes fit all that can be looked at.";
}

/// The mechanism of an id.
pub fn mechanism(id: &str) -> Option<&'static Mechanism> {
    MECHANISMS.iter().find(|m| m.id == id)
}

/// The mechanism of an id, or why not.
///
/// # Errors
/// There is none; the message names the nearest.
pub fn find(id: &str) -> Result<&'static Mechanism, String> {
    mechanism(id).ok_or_else(|| {
        // Many say what comes after the layer alone.
        let part = MECHANISMS.iter().find(|m| m.id.split_once('.').is_some_and(|(_, name)| name == id));
        let hint = match part {
            Some(whole) => format!("; did you mean `{}`?", whole.id),
            None => did_you_mean(id, MECHANISMS.iter().map(|m| m.id)),
        };
        format!("no mechanism is called \"{id}\"{hint}; `explain mechanisms` lists them all")
    })
}

/// Mechanisms in whose id or line every word of `text` is found, best first: those whose id begins with it.
pub fn search(text: &str) -> Vec<&'static Mechanism> {
    let words: Vec<String> = text.to_lowercase().split_whitespace().map(str::to_string).collect();
    let fits = |m: &&Mechanism| words.iter().all(|w| m.id.contains(w.as_str()) || m.is.contains(w.as_str()));
    let mut found: Vec<&Mechanism> = MECHANISMS.iter().filter(fits).collect();
    found.sort_by_key(|m| !m.id.starts_with(text));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_leads_to_the_whole() {
        for (said, whole) in
            [("flag", "`api.flag`"), ("membership", "`kv_cache.membership`"), ("api.falg", "`api.flag`")]
        {
            let why = find(said).expect_err("it is none");
            assert!(why.contains(whole), "{why}");
        }
    }

    #[test]
    fn each_is_told_apart_and_says_what_it_is() {
        let mut ids: Vec<&str> = MECHANISMS.iter().map(|m| m.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), MECHANISMS.len(), "an id stands twice");
        assert!(MECHANISMS.iter().all(|m| !m.is.is_empty() && !m.primer.is_empty()));
        assert!(find("kv_cache.membershp").expect_err("a slip").contains("kv_cache.membership"));
        assert_eq!(search("emptied").first().map(|m| m.id), Some("kv_cache.flush"));
    }
}
