//! What the careful engineer does about what it believes: the remedy of the mechanism, at the place that it saw.

use serde_json::Value;

use crate::assistant::careful::seen::{READ, waited_for};
use crate::assistant::hand::{Hand, Looked};
use crate::assistant::reflex::more_servers;
use crate::assistant::signs::Signs;
use crate::session::Refusal;
use crate::session::command::Look;

/// The replica that fails most, in the gateways' words.
const FAILS_MOST: &str = "select replica, count(*) as n from requests where status = 500 and replica is not null and \
                          time_ms > (select max(time_ms) from requests) - 240000 group by replica order by n desc limit 1";
/// What the auth service wrote of look-ups that took too long.
const LOOK_UPS: &str =
    "select body from logs where service = 'auth' and level = 'ERROR' order by time_ms desc limit 60";
/// How long it waits for what it did.
const PATIENCE_S: f64 = 420.0;
/// How many remedies it tries, one after the other.
const REMEDIES: usize = 3;

/// Changes that touched something, by words of service, title and diff, the newest first, as orders that undo them.
fn undo(changes: &Looked, words: &[&str]) -> Vec<Vec<String>> {
    let of = |change: &Value, field: &str| change[field].as_str().unwrap_or_default().to_lowercase();
    let fits = |change: &&Value| {
        let about =
            format!("{} {} {} {}", of(change, "kind"), of(change, "service"), of(change, "title"), of(change, "diff"));
        words.iter().any(|word| about.contains(word))
    };
    let all = changes.data["changes"].as_array();
    let found = all.into_iter().flatten().filter(fits).take(REMEDIES);
    found.filter_map(|change| change["id"].as_str()).map(|id| vec![format!("rollback:{id}")]).collect()
}

/// `pool-3` as orders name a replica: `pool/3`.
fn replica(pod: &str) -> Option<String> {
    let (pool, place) = pod.rsplit_once('-')?;
    place.parse::<u32>().ok()?;
    Some(format!("{pool}/{place}"))
}

/// The commonest shard in what the auth service wrote.
fn shard(lines: &Looked) -> Option<String> {
    let named = |row: &Value| {
        let rest = row[0].as_str()?.split("shard=").nth(1)?;
        rest.split(|c: char| !c.is_ascii_digit()).next().map(str::to_string)
    };
    let mut shards: Vec<String> = lines.data["rows"].as_array().into_iter().flatten().filter_map(named).collect();
    shards.sort();
    shards.chunk_by(|a, b| a == b).max_by_key(|of_one| of_one.len()).and_then(|of_one| of_one.first().cloned())
}

/// Pools whose autoscaler sees nothing, at the size that it may go to.
fn by_hand(scalers: &Looked) -> Vec<String> {
    let blind = scalers.text.lines().filter(|line| line.contains("<unknown>"));
    let order = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let most = words.iter().skip(3).filter_map(|word| word.parse::<u32>().ok()).nth(1)?;
        Some(format!("scale:{}={most}", words.get(1)?))
    };
    blind.filter_map(order).collect()
}

/// Remedies for a mechanism, the first to be tried first; each is a set of orders.
fn remedies(
    hand: &mut Hand<'_>,
    mechanism: &str,
    signs: &Signs,
    changes: &Looked,
) -> Result<Vec<Vec<String>>, Refusal> {
    let one = |text: &str| vec![text.to_string()];
    let maybe = |order: Option<String>| order.map(|order| vec![order]).into_iter().collect::<Vec<_>>();
    let then = |mut first: Vec<Vec<String>>, order: &str| {
        first.push(vec![order.to_string()]);
        first
    };
    Ok(match mechanism {
        "kv_cache.membership" => vec![one("restore-cache-members"), one("shift-traffic=0.4")],
        "kv_cache.flush" | "kv_cache.node_down" => vec![one("shift-traffic=0.5")],
        "kv_cache.invalidation" | "kv_cache.key" => then(undo(changes, &["kv-cache", "cache"]), "shift-traffic=0.5"),
        "kv_cache.capacity" => then(undo(changes, &["memory", "blocks"]), "shift-traffic=0.5"),
        "demand.growth" | "demand.synchronised" => vec![one("shift-traffic=0.5"), one("shed=0.3")],
        "sdk.retries" => vec![one("retry-budget=0"), one("shed=0.4")],
        "network.certificate" => vec![one("renew-certificates")],
        "network.loss" => undo(changes, &["network", "switch", "policy", "link"]),
        "network.pinning" => then(undo(changes, &["connection", "upstream"]), "restart-gateways"),
        "api.flag" => undo(changes, &["flag "]),
        "api.auth_store" => undo(changes, &["auth"]),
        "api.auth_shard" => {
            let lines = hand.sql(LOOK_UPS)?;
            maybe(shard(&lines).map(|shard| format!("fail-over-auth-shard:{shard}")))
        }
        "api.image_decoder" => undo(changes, &["decoder", "image", "gateway"]),
        "api.gateway_memory" => vec![one("shift-traffic=0.5")],
        "accelerator.clock" => undo(changes, &["power", "clock"]),
        "accelerator.hang" | "accelerator.link" => {
            maybe(waited_for(signs).and_then(|odd| replica(&odd.legend)).map(|replica| format!("drain:{replica}")))
        }
        "serving.fail_fast" => {
            let worst = hand.sql(FAILS_MOST)?;
            maybe(worst.data["rows"][0][0].as_str().and_then(replica).map(|replica| format!("drain:{replica}")))
        }
        "serving.routing" => {
            let pool = waited_for(signs).and_then(|odd| odd.legend.rsplit_once('-')).map(|(pool, _)| pool);
            maybe(pool.map(|pool| format!("router:{pool}=cache-aware")))
        }
        "serving.long_answers" => undo(changes, &["length", "max_tokens", "answers"]),
        "serving.long_prompts" => vec![one("shift-traffic=0.5")],
        "control.autoscaler" => {
            let scalers = hand.look(Look::Fleet { line: "get hpa".to_string() })?;
            vec![by_hand(&scalers)]
        }
        "serving.capacity" => then(undo(changes, &["node", "machine"]), "shift-traffic=0.5"),
        "serving.crash" => vec![more_servers(signs, 1.5)],
        _ => Vec::new(),
    })
}

/// Acts on a mechanism that somebody believes in, as [`super::play`] does.
pub(in crate::assistant) fn mend(hand: &mut Hand<'_>, mechanism: &str, percent: u8) -> Result<(), Refusal> {
    let mut signs = Signs::default();
    for board in READ {
        let looked = hand.board(board)?;
        signs.read(looked.number, &looked.data);
    }
    let changes = hand.look(Look::Changes { id: String::new(), hours: 1 })?;
    act(hand, mechanism, percent, &signs, &changes)
}

/// Tries one remedy after the other until users are well, and says so.
pub(super) fn act(
    hand: &mut Hand<'_>,
    lead: &str,
    percent: u8,
    signs: &Signs,
    changes: &Looked,
) -> Result<(), Refusal> {
    if lead == "no_fault" {
        return hand.update(lead, percent, "nothing: users are as well as on other days");
    }
    let tries = remedies(hand, lead, signs, changes)?;
    hand.update(lead, percent, tries.first().and_then(|t| t.first()).map_or("looking on", String::as_str))?;
    for orders in tries.iter().take(REMEDIES) {
        hand.order(orders)?;
        if hand.wait_until_well(PATIENCE_S, lead, percent)? {
            return Ok(());
        }
    }
    Ok(())
}
