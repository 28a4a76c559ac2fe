//! What each mechanism shows first in any stack of this kind: where somebody who knows it looks to see it, and sees it
//! standing still where it is not. Textbook knowledge of the field; of no scenario.

use crate::score::observer::registry::Source;

/// Of each mechanism the pieces of evidence that are its own, by [`Item::key`](super::registry::Item), the clearest first.
const SIGNS: &[(&str, &[&str])] = &[
    ("demand.growth", &["rows:unique", "rows:accounts"]),
    ("demand.mix", &["rows:by_model", "rows:by_account", "rows:by_template", "rows:prompt_tokens", "rows:tier_batch"]),
    ("demand.synchronised", &["rows:unique", "rows:tier_batch", "panel:overview.requests"]),
    ("demand.abuse", &["rows:same_day", "rows:young", "rows:devices", "rows:by_account"]),
    ("sdk.retries", &["rows:tries_each", "rows:retried", "rows:restarted", "panel:sdk.client_retries"]),
    ("sdk.timeout", &["rows:closed", "panel:overview.failures"]),
    ("sdk.prompt_prefix", &["rows:cached_by_version", "rows:cached_by_template"]),
    ("sdk.release", &["rows:failing_by_version", "rows:by_version"]),
    ("network.name", &["panel:network.connect_failures", "rows:by_gateway", "fleet:get endpoints"]),
    ("network.certificate", &["panel:network.handshakes", "logs:gateway"]),
    ("network.loss", &["panel:network.hop_time", "traces"]),
    ("network.latency", &["panel:network.hop_time", "traces"]),
    ("network.bandwidth", &["panel:network.hop_time", "traces"]),
    ("network.idle_timeout", &["rows:cut", "rows:longest_gap"]),
    ("network.pinning", &["rows:by_replica", "panel:serving.running", "fleet:get endpoints"]),
    ("api.auth_shard", &["rows:auth_most", "rows:failing_by_account", "rows:auth"]),
    ("api.auth_store", &["rows:auth", "rows:auth_most"]),
    ("api.rate_limit", &["rows:limited", "rows:failing_by_tier"]),
    ("api.workers", &["rows:queue"]),
    ("api.event_loop", &["rows:queue", "rows:slow_by_gateway", "panel:network.scrape_time"]),
    (
        "api.gateway_memory",
        &["panel:api.gateway_restarts", "panel:api.gateway_memory", "fleet:get pods", "panel:api.active"],
    ),
    ("api.validator", &["rows:server_errors", "rows:error", "logs:gateway"]),
    ("api.image_decoder", &["rows:failing_by_images", "rows:decoding", "rows:images_most"]),
    ("api.flag", &["rows:server_errors", "rows:error", "logs:gateway"]),
    ("api.cancellation", &["panel:serving.ended", "panel:overview.batch"]),
    ("serving.capacity", &["panel:overview.replicas", "panel:serving.replicas", "fleet:get nodes"]),
    ("serving.routing", &["rows:by_replica", "panel:serving.waiting", "panel:serving.running", "rows:slow_by_replica"]),
    ("serving.fail_fast", &["rows:failing_by_replica", "rows:by_replica"]),
    ("serving.long_prompts", &["rows:prompt_tokens_most", "rows:longest_gap", "panel:serving.tpot"]),
    ("serving.long_answers", &["rows:output_tokens"]),
    ("serving.batching", &["panel:serving.tpot", "panel:serving.running"]),
    ("serving.tokenizer", &["panel:network.scrape_time", "panel:accelerator.tensor_active", "rows:upstream"]),
    ("serving.rollout", &["panel:overview.replicas", "fleet:get pods"]),
    ("serving.crash", &["fleet:get pods", "panel:overview.replicas"]),
    ("serving.host_memory", &["panel:accelerator.host_memory", "fleet:get pods"]),
    ("accelerator.hang", &["panel:accelerator.power", "panel:accelerator.tensor_active", "rows:by_replica"]),
    ("accelerator.clock", &["panel:accelerator.clock", "panel:accelerator.temperature", "panel:accelerator.power"]),
    ("accelerator.lost", &["panel:accelerator.xid", "fleet:get pods", "panel:overview.replicas"]),
    ("accelerator.link", &["rows:slow_by_replica", "panel:accelerator.tensor_active", "panel:serving.tpot"]),
    (
        "kv_cache.membership",
        &[
            "panel:overview.hit_ratio",
            "panel:serving.computed",
            "panel:kv_cache.tier_tokens",
            "fleet:get cache",
            "panel:kv_cache.tier_hits",
            "rows:computed_each",
            "rows:cached_remote",
        ],
    ),
    ("kv_cache.agent_roll", &["panel:kv_cache.tier_agents", "fleet:get cache", "panel:overview.hit_ratio"]),
    (
        "kv_cache.flush",
        &[
            "panel:overview.hit_ratio",
            "panel:kv_cache.tier_tokens",
            "panel:serving.computed",
            "panel:kv_cache.tier_hits",
            "panel:kv_cache.tier_removed",
            "rows:computed_each",
            "rows:cached_remote",
        ],
    ),
    (
        "kv_cache.invalidation",
        &[
            "panel:kv_cache.tier_removed",
            "panel:overview.hit_ratio",
            "panel:kv_cache.tier_hits",
            "panel:serving.computed",
            "rows:computed_each",
        ],
    ),
    (
        "kv_cache.capacity",
        &[
            "panel:overview.hit_ratio",
            "panel:kv_cache.tier_removed",
            "panel:kv_cache.tier_tokens",
            "panel:serving.preemptions",
            "panel:serving.computed",
            "rows:computed_each",
        ],
    ),
    (
        "kv_cache.key",
        &[
            "panel:kv_cache.tier_hits",
            "panel:overview.hit_ratio",
            "panel:serving.computed",
            "rows:computed_each",
            "rows:cached",
        ],
    ),
    ("kv_cache.bandwidth", &["panel:kv_cache.external_hits", "panel:overview.ttft", "rows:ttft"]),
    ("kv_cache.node_down", &["fleet:get cache", "panel:kv_cache.tier_tokens", "panel:kv_cache.tier_agents"]),
    ("control.autoscaler", &["fleet:get hpa", "panel:serving.replicas", "panel:overview.replicas"]),
    ("control.health_check", &["fleet:get endpoints", "rows:by_replica", "panel:network.connect_failures"]),
    ("control.config_push", &["changes", "fleet:config gateway", "fleet:config serving"]),
    ("telemetry.measurement", &["rows:failed", "panel:network.targets_up", "rows:unique"]),
    ("telemetry.alert_rule", &["rows:failed", "rows:ttft", "alerts"]),
    ("no_fault", &["rows:failed", "rows:ttft", "rows:unique", "panel:serving.computed"]),
];

/// How early a piece of evidence stands among the signs of a mechanism, from 0; none where it is none of them.
pub fn place(mechanism: &str, key: &str) -> Option<usize> {
    SIGNS.iter().find(|(id, _)| *id == mechanism)?.1.iter().position(|sign| *sign == key)
}

/// Whether what a source shows speaks of a mechanism itself, and not only of the company it keeps.
pub fn speaks_of(source: &Source, mechanism: &str) -> bool {
    let family = crate::scenario::mechanisms::family(mechanism);
    source.speaks_of(family) || place(mechanism, &source.item().key).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::mechanisms::{MECHANISMS, NOT_PROVABLE, OTHER};
    use crate::score::observer::registry::{ASKED, Stat, questions};
    use crate::score::observer::rows::LIST;

    #[test]
    fn every_mechanism_has_signs_and_every_sign_can_be_seen() {
        assert!(SIGNS.iter().all(|(_, signs)| signs.len() < 9), "ranks of signs are below those of what is none");
        for mechanism in MECHANISMS.iter().filter(|m| ![OTHER, NOT_PROVABLE].contains(&m.id)) {
            assert!(SIGNS.iter().any(|(id, signs)| *id == mechanism.id && !signs.is_empty()), "{}", mechanism.id);
        }
        let panels: Vec<String> = questions().iter().map(|(board, p, ..)| format!("panel:{board}.{}", p.id)).collect();
        for (id, signs) in SIGNS {
            assert!(MECHANISMS.iter().any(|m| m.id == *id), "{id} is no mechanism");
            for sign in *signs {
                let known = match sign.split_once(':') {
                    Some(("panel", _)) => panels.iter().any(|p| p == sign),
                    Some(("rows", name)) => name == "error" || LIST.iter().any(|row| row.name == name),
                    Some(("fleet", ask)) => ASKED.contains(&ask),
                    Some(("logs", _)) => true,
                    _ => ["traces", "alerts", "changes", "tickets"].contains(sign),
                };
                assert!(known, "{id}: nothing shows {sign}");
            }
        }
    }
    #[test]
    fn what_betrays_one_of_two_causes_says_nothing_of_the_other() {
        let retries = Source::Rows("retried".to_string());
        assert!(speaks_of(&retries, "sdk.retries") && !speaks_of(&retries, "accelerator.clock"));
        let clock =
            Source::Panel { board: "accelerator".to_string(), panel: "clock".to_string(), query: 0, stat: Stat::Low };
        assert!(speaks_of(&clock, "accelerator.clock") && !speaks_of(&clock, "sdk.retries"));
        let change = Source::Change("gateway flag".to_string());
        assert!(speaks_of(&change, "sdk.retries") && speaks_of(&change, "accelerator.clock"), "a change may be any");
    }
}
