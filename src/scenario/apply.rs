//! Operator actions as text: `NAME[:TARGET][=VALUE]@TIME`, as the command line and the console write them.

use serde::Serialize;

use crate::sim::spec::SpecError;
use crate::sim::spec::action::Action;
use crate::sim::spec::stack::RouterPolicy;
use crate::sim::time::SimDuration;
use crate::sim::workload::Tier;

/// How one action is written, and what it does.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Form {
    /// Its name.
    pub name: &'static str,
    /// What follows the colon, if anything does.
    pub target: Option<&'static str>,
    /// What follows the equals sign, if anything does.
    pub value: Option<&'static str>,
    /// What it does.
    pub does: &'static str,
    #[serde(skip)]
    make: fn(&Words) -> Result<Action, String>,
}

struct Words<'a> {
    target: Option<&'a str>,
    value: Option<&'a str>,
}

/// Every action, in the order of the layers.
pub const FORMS: &[Form] = &[
    Form {
        name: "rate-limit",
        target: Some("TIER"),
        value: Some("REQUESTS_PER_MIN"),
        does: "limit requests per minute and account of a tier; without a tier, of all",
        make: |w| Ok(Action::RateLimit { tier: w.target.map(tier).transpose()?, requests_per_min: w.number()? }),
    },
    Form {
        name: "rate-limit-account",
        target: Some("ACCOUNT"),
        value: Some("REQUESTS_PER_MIN"),
        does: "limit one account",
        make: |w| Ok(Action::RateLimitAccount { account: w.target_number()?, requests_per_min: w.number()? }),
    },
    Form {
        name: "block-account",
        target: Some("ACCOUNT"),
        value: None,
        does: "refuse one account",
        make: |w| Ok(Action::BlockAccount { account: w.target_number()? }),
    },
    Form {
        name: "block-cohort",
        target: Some("COHORT"),
        value: None,
        does: "refuse a cohort of accounts",
        make: |w| Ok(Action::BlockCohort { cohort: w.target()? }),
    },
    Form {
        name: "shed",
        target: None,
        value: Some("SHARE"),
        does: "refuse a share of requests at the gateway, with Retry-After",
        make: |w| Ok(Action::Shed { share: w.share()? }),
    },
    Form {
        name: "shift-traffic",
        target: None,
        value: Some("SHARE"),
        does: "send a share of traffic to another cell",
        make: |w| Ok(Action::ShiftTraffic { share: w.share()? }),
    },
    Form { name: "pause-batch", target: None, value: None, does: "hold batch work", make: |_| Ok(Action::PauseBatch) },
    Form {
        name: "feature-off",
        target: Some("FEATURE"),
        value: None,
        does: "turn a feature off: images or shared-cache",
        make: |w| {
            let feature = w.target()?;
            if ["images", "shared-cache"].contains(&feature.as_str()) {
                Ok(Action::FeatureOff { feature })
            } else {
                Err(format!("no feature is called \"{feature}\"; there are: images, shared-cache"))
            }
        },
    },
    Form {
        name: "flag-off",
        target: Some("FLAG"),
        value: None,
        does: "turn a flag off",
        make: |w| Ok(Action::FlagOff { flag: w.target()? }),
    },
    Form {
        name: "rollback",
        target: Some("CHANGE"),
        value: None,
        does: "undo a change",
        make: |w| Ok(Action::Rollback { change: w.target()? }),
    },
    Form {
        name: "freeze-rollouts",
        target: None,
        value: None,
        does: "stop rollouts that are under way",
        make: |_| Ok(Action::FreezeRollouts),
    },
    Form {
        name: "restart-gateways",
        target: None,
        value: None,
        does: "restart the gateways one after the other",
        make: |_| Ok(Action::RestartGateways),
    },
    Form {
        name: "fail-over-auth-shard",
        target: Some("SHARD"),
        value: None,
        does: "fail over a shard of the auth cache",
        make: |w| {
            Ok(Action::FailOverAuthShard {
                shard: u16::try_from(w.target_number()?).map_err(|_| "there are not so many shards".to_string())?,
            })
        },
    },
    Form {
        name: "renew-certificates",
        target: None,
        value: None,
        does: "renew the certificates of every hop",
        make: |_| Ok(Action::RenewCertificates),
    },
    Form {
        name: "upstream-timeout",
        target: None,
        value: Some("SECONDS"),
        does: "change the gateway's time-out for a silent replica",
        make: |w| Ok(Action::UpstreamTimeout { timeout_s: SimDuration::from_secs_f64(w.number()?) }),
    },
    Form {
        name: "retry-budget",
        target: None,
        value: Some("SHARE"),
        does: "change the gateway's retry budget",
        make: |w| Ok(Action::RetryBudget { share: w.share()? }),
    },
    Form {
        name: "router",
        target: Some("POOL"),
        value: Some("POLICY"),
        does: "change a routing rule: round-robin, least-loaded, mod-n, consistent-hash, cache-aware",
        make: |w| Ok(Action::Router { pool: w.target()?, policy: policy(w.value.unwrap_or_default())? }),
    },
    Form {
        name: "scale",
        target: Some("POOL"),
        value: Some("REPLICAS"),
        does: "set a pool's number of replicas",
        make: |w| Ok(Action::Scale { pool: w.target()?, replicas: w.whole()? }),
    },
    Form {
        name: "drain",
        target: Some("POOL/REPLICA"),
        value: None,
        does: "take a replica out of the router's set",
        make: |w| {
            let (pool, replica) = w.member()?;
            Ok(Action::Drain { pool, replica: replica.ok_or("which replica? as in drain:POOL/3")? })
        },
    },
    Form {
        name: "restart",
        target: Some("POOL[/REPLICA]"),
        value: None,
        does: "restart a replica, or a whole pool in turn",
        make: |w| {
            let (pool, replica) = w.member()?;
            Ok(Action::Restart { pool, replica })
        },
    },
    Form {
        name: "cordon",
        target: Some("POOL/REPLICA"),
        value: None,
        does: "let nothing new onto a replica's machine once the replica is gone",
        make: |w| match w.member()? {
            (pool, Some(replica)) => Ok(Action::Cordon { pool, replica }),
            _ => Err("name one replica: cordon:POOL/REPLICA".to_string()),
        },
    },
    Form {
        name: "uncordon",
        target: Some("POOL"),
        value: None,
        does: "bring cordoned machines back",
        make: |w| Ok(Action::Uncordon { pool: w.target()? }),
    },
    Form {
        name: "pause-autoscaler",
        target: None,
        value: None,
        does: "stop the autoscalers",
        make: |_| Ok(Action::PauseAutoscaler),
    },
    Form {
        name: "take-batch-nodes",
        target: None,
        value: Some("NODES"),
        does: "take machines back from batch work",
        make: |w| Ok(Action::TakeBatchNodes { nodes: w.whole()? }),
    },
    Form {
        name: "flush-cache",
        target: None,
        value: None,
        does: "drop everything in the shared cache tier",
        make: |_| Ok(Action::FlushCache),
    },
    Form {
        name: "warm-cache",
        target: None,
        value: None,
        does: "fill the shared tier from what the replicas hold",
        make: |_| Ok(Action::WarmCache),
    },
    Form {
        name: "restore-cache-members",
        target: None,
        value: None,
        does: "bring replaced cache nodes back with their contents",
        make: |_| Ok(Action::RestoreCacheMembers),
    },
];

/// Reads `NAME[:TARGET][=VALUE]@TIME`; the time is seconds after the opening, or `m:ss`.
///
/// # Errors
/// If a part is missing, malformed or unknown; the message says which and what was expected.
pub fn parse_timed(text: &str) -> Result<(SimDuration, Action), SpecError> {
    let (what, when) = text
        .rsplit_once('@')
        .ok_or_else(|| SpecError::new(text, "when? an action ends in @TIME, as in shed=0.3@120 or shed=0.3@2:00"))?;
    let at = seconds(when).ok_or_else(|| {
        SpecError::new(text, format!("\"{when}\" is no time: seconds after the opening, or minutes:seconds"))
    })?;
    Ok((at, parse(what)?))
}

/// Reads `NAME[:TARGET][=VALUE]`.
///
/// # Errors
/// As [`parse_timed`].
pub fn parse(text: &str) -> Result<Action, SpecError> {
    let (head, value) = match text.split_once('=') {
        Some((head, value)) => (head, Some(value)),
        None => (text, None),
    };
    let (name, target) = match head.split_once(':') {
        Some((name, target)) => (name, Some(target)),
        None => (head, None),
    };
    let form = FORMS
        .iter()
        .find(|f| f.name == name)
        .ok_or_else(|| SpecError::unknown_name(text, "action", name, FORMS.iter().map(|f| f.name)))?;
    let superfluous = |part: Option<&str>, form: Option<&str>| part.is_some() && form.is_none();
    if superfluous(target, form.target) || superfluous(value, form.value) {
        return Err(SpecError::new(text, format!("too much: it is written {}", form.usage())));
    }
    (form.make)(&Words { target, value })
        .map_err(|message| SpecError::new(text, format!("{message}; it is written {}", form.usage())))
}

/// An action as [`parse`] reads it.
pub fn written(action: &Action) -> String {
    match action {
        Action::Scale { pool, replicas } => format!("scale:{pool}={replicas}"),
        Action::Drain { pool, replica } => format!("drain:{pool}/{replica}"),
        Action::Restart { pool, replica: None } => format!("restart:{pool}"),
        Action::Restart { pool, replica: Some(replica) } => format!("restart:{pool}/{replica}"),
        Action::RestartGateways => "restart-gateways".to_string(),
        Action::FlushCache => "flush-cache".to_string(),
        Action::WarmCache => "warm-cache".to_string(),
        Action::RestoreCacheMembers => "restore-cache-members".to_string(),
        Action::Shed { share } => format!("shed={share}"),
        Action::RateLimit { tier: None, requests_per_min } => format!("rate-limit={requests_per_min}"),
        Action::RateLimit { tier: Some(tier), requests_per_min } => {
            let name = TIERS.iter().find(|(_, t)| t == tier).map_or("", |(name, _)| name);
            format!("rate-limit:{name}={requests_per_min}")
        }
        Action::RateLimitAccount { account, requests_per_min } => {
            format!("rate-limit-account:{account}={requests_per_min}")
        }
        Action::BlockCohort { cohort } => format!("block-cohort:{cohort}"),
        Action::BlockAccount { account } => format!("block-account:{account}"),
        Action::Rollback { change } => format!("rollback:{change}"),
        Action::FlagOff { flag } => format!("flag-off:{flag}"),
        Action::FreezeRollouts => "freeze-rollouts".to_string(),
        Action::Router { pool, policy } => format!("router:{pool}={}", policy_name(policy)),
        Action::UpstreamTimeout { timeout_s } => format!("upstream-timeout={}", timeout_s.as_secs_f64()),
        Action::RetryBudget { share } => format!("retry-budget={share}"),
        Action::ShiftTraffic { share } => format!("shift-traffic={share}"),
        Action::PauseBatch => "pause-batch".to_string(),
        Action::TakeBatchNodes { nodes } => format!("take-batch-nodes={nodes}"),
        Action::FeatureOff { feature } => format!("feature-off:{feature}"),
        Action::PauseAutoscaler => "pause-autoscaler".to_string(),
        Action::RenewCertificates => "renew-certificates".to_string(),
        Action::Cordon { pool, replica } => format!("cordon:{pool}/{replica}"),
        Action::Uncordon { pool } => format!("uncordon:{pool}"),
        Action::FailOverAuthShard { shard } => format!("fail-over-auth-shard:{shard}"),
    }
}

impl Form {
    /// As in `scale:POOL=REPLICAS`.
    pub fn usage(&self) -> String {
        let part = |sign: char, what: Option<&str>| what.map_or(String::new(), |w| format!("{sign}{w}"));
        format!("{}{}{}", self.name, part(':', self.target), part('=', self.value))
    }
}

impl Words<'_> {
    fn target(&self) -> Result<String, String> {
        self.target.filter(|t| !t.is_empty()).map(str::to_string).ok_or_else(|| "its target is missing".to_string())
    }

    fn target_number(&self) -> Result<u32, String> {
        let target = self.target()?;
        target.parse().map_err(|_| format!("\"{target}\" is not a number"))
    }

    fn number(&self) -> Result<f64, String> {
        let value = self.value.ok_or("its value is missing")?;
        match value.parse::<f64>() {
            Ok(number) if (0.0..=1e9).contains(&number) => Ok(number),
            _ => Err(format!("\"{value}\" is not a number from 0 to 1e9")),
        }
    }

    fn share(&self) -> Result<f64, String> {
        self.number()
            .and_then(|share| if share <= 1.0 { Ok(share) } else { Err(format!("{share} is not a share from 0 to 1")) })
    }

    fn whole(&self) -> Result<u16, String> {
        let value = self.value.ok_or("its value is missing")?;
        value.parse().map_err(|_| format!("\"{value}\" is not a whole number from 0 to 65535"))
    }

    fn member(&self) -> Result<(String, Option<u16>), String> {
        let target = self.target()?;
        match target.split_once('/') {
            None => Ok((target, None)),
            Some((pool, place)) => {
                let place = place.parse().map_err(|_| format!("\"{place}\" is not the number of a replica"))?;
                Ok((pool.to_string(), Some(place)))
            }
        }
    }
}

const TIERS: [(&str, Tier); 4] =
    [("free", Tier::Free), ("paid", Tier::Paid), ("enterprise", Tier::Enterprise), ("batch", Tier::Batch)];

fn tier(name: &str) -> Result<Tier, String> {
    let found = TIERS.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, tier)| *tier)
        .ok_or_else(|| format!("no tier is called \"{name}\"; there are: free, paid, enterprise, batch"))
}

fn policy_name(policy: &RouterPolicy) -> &'static str {
    match policy {
        RouterPolicy::RoundRobin => "round-robin",
        RouterPolicy::LeastLoaded => "least-loaded",
        RouterPolicy::ModN => "mod-n",
        RouterPolicy::ConsistentHash => "consistent-hash",
        RouterPolicy::CacheAware { .. } => "cache-aware",
        RouterPolicy::Pinned { .. } => "pinned",
    }
}

fn policy(name: &str) -> Result<RouterPolicy, String> {
    match name {
        "round-robin" => Ok(RouterPolicy::RoundRobin),
        "least-loaded" => Ok(RouterPolicy::LeastLoaded),
        "mod-n" => Ok(RouterPolicy::ModN),
        "consistent-hash" => Ok(RouterPolicy::ConsistentHash),
        "cache-aware" => Ok(RouterPolicy::CacheAware { threshold: 0.5, balance_abs: 32, balance_rel: 1.0001 }),
        _ => Err(format!(
            "no routing rule is called \"{name}\"; there are: round-robin, least-loaded, mod-n, consistent-hash, cache-aware"
        )),
    }
}

fn seconds(text: &str) -> Option<SimDuration> {
    let number = |part: &str| part.parse::<f64>().ok().filter(|n| (0.0..=1e9).contains(n));
    let total = match text.split_once(':') {
        None => number(text.strip_suffix('s').unwrap_or(text))?,
        Some((minutes, seconds)) => number(minutes)? * 60.0 + number(seconds)?,
    };
    Some(SimDuration::from_secs_f64(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_read_as_they_are_written() {
        for (text, at_s, expected) in [
            ("scale:chat=12@300", 300, Action::Scale { pool: "chat".into(), replicas: 12 }),
            ("shed=0.5@2:30", 150, Action::Shed { share: 0.5 }),
            ("restart:chat/3@10s", 10, Action::Restart { pool: "chat".into(), replica: Some(3) }),
            ("rate-limit:free=60@0", 0, Action::RateLimit { tier: Some(Tier::Free), requests_per_min: 60.0 }),
            ("rate-limit=60@0", 0, Action::RateLimit { tier: None, requests_per_min: 60.0 }),
            ("flush-cache@1:00", 60, Action::FlushCache),
        ] {
            let (at, action) = parse_timed(text).expect(text);
            assert_eq!((at, action), (SimDuration::from_secs(at_s), expected), "{text}");
        }
    }

    #[test]
    fn every_form_is_written_as_it_is_read() {
        for form in FORMS {
            let target = form.target.map(|target| match target {
                "TIER" => ":paid",
                "FEATURE" => ":images",
                "POOL/REPLICA" | "POOL[/REPLICA]" => ":chat/3",
                "ACCOUNT" | "SHARD" => ":7",
                _ => ":chat",
            });
            let value = form.value.map(|value| match value {
                "SHARE" => "=0.5",
                "POLICY" => "=mod-n",
                _ => "=12",
            });
            let text = format!("{}{}{}", form.name, target.unwrap_or_default(), value.unwrap_or_default());
            let action = parse(&text).expect("a form fits itself");
            assert_eq!(written(&action), text);
        }
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        for (text, says) in [
            ("scale:chat=12", "when?"),
            ("scale:chat=12@soon", "no time"),
            ("scael:chat=12@1", "no action is called \"scael\""),
            ("scale:chat@1", "scale:POOL=REPLICAS"),
            ("scale:chat=-1@1", "whole number"),
            ("shed=1.5@1", "share from 0 to 1"),
            ("flush-cache:x@1", "too much"),
            ("router:chat=magic@1", "no routing rule"),
            ("@", "no time"),
            ("drain:chat@1", "which replica?"),
            ("shed=NaN@1", "not a number"),
        ] {
            let error = parse_timed(text).expect_err(text);
            assert!(error.message.contains(says), "{text}: {error}");
        }
        assert_eq!(parse("scael:chat=12").expect_err("typo").suggestion.as_deref(), Some("scale"));
    }
}
