//! The careful engineer: knows what each cause would show, looks where causes part, and takes back what did not help.
//!
//! Every rule speaks for one mechanism, with the observation that it rests on. What speaks most for a mechanism leads; how
//! surely follows from how much speaks for the others. First it counts what users want, since tries follow from trouble.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::assistant::hand::{Hand, Looked};
use crate::assistant::signs::{Sign, Signs};
use crate::session::Refusal;
use crate::session::command::{Command, Look, Speaks};

/// What users want, by minute of the first try.
const WANTED: &str = "select m, count(*) as n from (select cast(min(time_ms) / 60000 as int) as m from requests \
                      group by idempotency_key) group by m order by m";
/// How requests failed since a moment.
const FAILED: &str = "select coalesce(error, '') as error, count(*) as n, count(distinct account) as accounts, \
                      count(distinct replica) as replicas, count(distinct gateway) as gateways, min(images) as images \
                      from requests where status >= 500 and time_ms > {since} group by 1 order by n desc";
/// Whether those who fail always fail, by account, since a moment.
const ALWAYS: &str = "select sum(bad > 0) as touched, sum(bad > 0 and bad = n) as always from (select account, count(*) as n, \
                      sum(status >= 500 or status in (401, 403)) as bad from requests where time_ms > {since} \
                      group by account having n >= 3)";
/// Whether accounts whose requests fail were made together.
const TOGETHER: &str = "select count(distinct a.account) as n, max(a.age_days) - min(a.age_days) as days, \
                        count(distinct a.device) as devices from accounts a join (select distinct account from requests \
                        where status >= 500 and time_ms > {since}) r on r.account = a.account";
/// Lengths before and after a moment.
const LENGTHS: &str = "select time_ms > {since} as late, avg(output_tokens) as output, avg(prompt_tokens) as prompt \
                       from requests where status = 200 group by 1 order by 1";
/// Seconds before now that count as the present in rows.
const RECENT_S: f64 = 150.0;
/// How long it waits for what it did.
const PATIENCE_S: f64 = 420.0;
/// How many remedies it tries, one after the other.
const REMEDIES: usize = 3;

/// What speaks for what.
#[derive(Clone, Debug, Default)]
struct Case {
    weights: BTreeMap<&'static str, f64>,
    cites: BTreeMap<&'static str, Vec<u32>>,
}

impl Case {
    fn speaks(&mut self, mechanism: &'static str, weight: f64, observation: u32) {
        *self.weights.entry(mechanism).or_default() += weight;
        let cites = self.cites.entry(mechanism).or_default();
        if !cites.contains(&observation) {
            cites.push(observation);
        }
    }

    /// Mechanisms, the likeliest first, with points out of 100.
    fn points(&self) -> Vec<(&'static str, u8)> {
        let mut all: Vec<(&'static str, f64)> = self.weights.iter().map(|(m, w)| (*m, libm::exp(*w))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        // Something that nobody thought of is always there.
        let sum: f64 = all.iter().map(|(_, w)| w).sum::<f64>() + libm::exp(1.0);
        all.into_iter().take(4).map(|(m, w)| (m, (w / sum * 95.0) as u8)).filter(|(_, p)| 0 < *p).collect()
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}

/// Whoever is far from the others: the highest or lowest line by so many times the middle one.
fn odd_one<'a>(signs: &'a Signs, panel: &str, times: f64, low: bool) -> Option<&'a Sign> {
    let spread = signs.spread(panel);
    let middle = *spread.get(spread.len() / 2)?;
    let far = |sign: &&Sign| if low { sign.now * times < middle } else { middle * times < sign.now && 0.0 < sign.now };
    let mut odd = signs.of(panel).filter(far);
    let first = odd.next()?;
    (3 <= spread.len() && odd.next().is_none()).then_some(first)
}

/// Boards that it reads, from what comes to what is peculiar to caches.
const READ: [&str; 7] = ["overview", "sdk", "kv_cache", "serving", "api", "network", "accelerator"];

/// Plays.
pub fn play(hand: &mut Hand<'_>) -> Result<(), Refusal> {
    hand.take_the_page()?;
    let mut signs = Signs::default();
    for board in READ {
        let looked = hand.board(board)?;
        signs.read(looked.number, &looked.data);
    }
    let mut case = Case::default();
    let wanted = hand.sql(WANTED)?;
    let since = since(&wanted);
    let rise = risen(&wanted);
    judge_caches(hand, &signs, &mut case)?;
    judge_failures(hand, &signs, &mut case, &since)?;
    judge_machines(&signs, &mut case);
    judge_load(hand, &signs, &mut case, (rise, wanted.number, &since))?;
    let (pain, _) = hand.pain_now()?;
    if case.weights.values().all(|w| *w < 1.5) && pain < 10.0 {
        case.speaks("no_fault", 3.0, wanted.number);
    }
    let changes = hand.look(Look::Changes { id: String::new(), hours: 24 })?;
    commit(hand, &case, changes.number, false)?;
    act(hand, &case, &signs, &changes)?;
    commit(hand, &case, changes.number, true)
}

/// The moment from which on rows count as the present, as SQL has it.
fn since(wanted: &Looked) -> String {
    let last = wanted.data["rows"].as_array().and_then(|rows| rows.last()).map_or(0.0, |row| number(&row[0]));
    format!("{:.0}", (last + 1.0) * 60_000.0 - RECENT_S * 1000.0)
}

/// How many times what users wanted they want now, by minutes that are over.
fn risen(wanted: &Looked) -> f64 {
    let counts: Vec<f64> = wanted.data["rows"].as_array().into_iter().flatten().map(|row| number(&row[1])).collect();
    let calm = &counts[1.min(counts.len())..(counts.len() * 3 / 5).max(1).min(counts.len())];
    let before = calm.iter().sum::<f64>() / calm.len().max(1) as f64;
    let over = counts.len().saturating_sub(1);
    let now = counts[over.saturating_sub(3)..over].iter().copied().fold(0.0, f64::max);
    if before <= 0.0 { 1.0 } else { now / before }
}

fn judge_caches(hand: &mut Hand<'_>, signs: &Signs, case: &mut Case) -> Result<(), Refusal> {
    let Some(hits) = signs.line("hit_ratio", "found") else { return Ok(()) };
    let dearer = signs.of("computed").filter(|sign| 1.5 < sign.ratio()).max_by(|a, b| a.now.total_cmp(&b.now));
    if 0.9 < hits.ratio() {
        return Ok(());
    }
    let Some(dearer) = dearer else {
        // The share fell, and no request costs more: another mixture of the same work.
        case.speaks("no_fault", 2.0, hits.observation);
        return Ok(());
    };
    let outside = signs.of("external_hits").any(|sign| sign.ratio() < 0.75);
    if !outside {
        case.speaks("kv_cache.capacity", 3.0, dearer.observation);
        return Ok(());
    }
    for (reason, mechanism) in
        [("invalid", "kv_cache.invalidation"), ("reset", "kv_cache.flush"), ("lost", "kv_cache.node_down")]
    {
        let peak = |sign: &&Sign| 0.0 < sign.values.iter().flatten().copied().fold(0.0, f64::max);
        if let Some(removed) = signs.line("tier_removed", reason).filter(peak) {
            case.speaks(mechanism, 4.0, removed.observation);
        }
    }
    let ring = hand.look(Look::Fleet { line: "ring".to_string() })?;
    let on_spares = ring
        .text
        .split(" members, ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .and_then(|n| n.parse::<u32>().ok());
    if 0 < on_spares.unwrap_or(0) {
        case.speaks("kv_cache.membership", 5.0, ring.number);
        case.speaks("kv_cache.membership", 0.0, dearer.observation);
    }
    case.speaks("kv_cache.key", 1.0, dearer.observation);
    Ok(())
}

fn judge_failures(hand: &mut Hand<'_>, signs: &Signs, case: &mut Case, since: &str) -> Result<(), Refusal> {
    if let Some(broken) = signs.line("handshakes", "broken off").filter(|sign| 0.05 < sign.now && 3.0 < sign.ratio()) {
        case.speaks("network.certificate", 3.0, broken.observation);
    }
    if let Some(lost) = signs.loudest("connect_failures").filter(|sign| 0.05 < sign.now && 3.0 < sign.ratio()) {
        case.speaks("network.loss", 2.0, lost.observation);
    }
    let failing =
        signs.of("failures").any(|sign| sign.legend != "closed by client" && 0.05 < sign.now && 1.5 < sign.ratio());
    if !failing {
        return Ok(());
    }
    let failed = hand.sql(&FAILED.replace("{since}", since))?;
    let Some(worst) = failed.data["rows"].as_array().and_then(|rows| rows.first()) else { return Ok(()) };
    let (error, replicas) = (worst[0].as_str().unwrap_or_default(), number(&worst[3]));
    match error {
        "image_decode_exception" => {
            let together = hand.sql(&TOGETHER.replace("{since}", since))?;
            let row = &together.data["rows"][0];
            let (accounts, days, devices) = (number(&row[0]), number(&row[1]), number(&row[2]));
            let one_hand = 20.0 <= accounts && (days < 30.0 || devices * 4.0 < accounts);
            case.speaks("api.image_decoder", 3.0, failed.number);
            if one_hand {
                case.speaks("demand.abuse", 4.5, together.number);
                case.speaks("demand.abuse", 0.0, failed.number);
            }
        }
        // Nobody fails who sends no picture: it is not the path, but what goes down it.
        "unhandled_exception" if 1.0 <= number(&worst[5]) => case.speaks("api.image_decoder", 4.0, failed.number),
        "unhandled_exception" => case.speaks("api.flag", 4.0, failed.number),
        "upstream_tls" => case.speaks("network.certificate", 4.0, failed.number),
        "auth_timeout" => {
            let always = hand.sql(&ALWAYS.replace("{since}", since))?;
            let row = &always.data["rows"][0];
            let all = number(&row[1]) / number(&row[0]).max(1.0);
            let (mechanism, other) =
                if 0.5 < all { ("api.auth_shard", "api.auth_store") } else { ("api.auth_store", "api.auth_shard") };
            case.speaks(mechanism, 4.0, always.number);
            case.speaks(mechanism, 0.0, failed.number);
            case.speaks(other, 2.0, failed.number);
        }
        "upstream_500" if replicas <= 2.0 => case.speaks("serving.fail_fast", 4.5, failed.number),
        "upstream_500" => case.speaks("serving.crash", 2.5, failed.number),
        "upstream_timeout" | "upstream_overloaded" => case.speaks("serving.capacity", 0.5, failed.number),
        "workers_busy" => case.speaks("api.workers", 2.0, failed.number),
        _ => {}
    }
    Ok(())
}

fn judge_machines(signs: &Signs, case: &mut Case) {
    let slowed: Vec<&Sign> = signs.of("clock").filter(|sign| 0.0 < sign.now && sign.ratio() < 0.8).collect();
    if let Some(slow) = slowed.first() {
        case.speaks("accelerator.clock", 4.0, slow.observation);
    }
    if let Some(lost) = signs.of("xid").find(|sign| 0.0 < sign.now && sign.before == 0.0) {
        case.speaks("accelerator.lost", 1.5, lost.observation);
    }
    // Busy without power is waiting. Some power is a slow pace, none is a stand-still.
    if let Some(idle) = odd_one(signs, "power", 1.25, true).filter(|odd| odd.ratio() < 0.8) {
        let busy = signs.line("gpu_util", &idle.legend).is_some_and(|sign| 90.0 <= sign.now);
        let works = signs.line("tensor_active", &idle.legend).map_or(0.0, |sign| sign.ratio());
        if busy && slowed.is_empty() {
            let (first, second) = if works < 0.1 {
                ("accelerator.hang", "accelerator.link")
            } else {
                ("accelerator.link", "accelerator.hang")
            };
            case.speaks(first, 4.0, idle.observation);
            case.speaks(second, 2.0, idle.observation);
        }
    }
    for ready in signs.of("replicas").filter(|sign| sign.legend.ends_with(" ready")) {
        if ready.now < ready.before {
            case.speaks("serving.capacity", 2.5, ready.observation);
        }
    }
}

fn judge_load(
    hand: &mut Hand<'_>,
    signs: &Signs,
    case: &mut Case,
    (rise, seen, since): (f64, u32, &str),
) -> Result<(), Refusal> {
    let tries = signs.line("requests", "all").map_or(1.0, Sign::ratio);
    if 1.25 < rise {
        case.speaks("demand.growth", 1.0 + 5.0 * (rise - 1.0).min(1.0), seen);
        if let Some(hits) = signs.line("hit_ratio", "found").filter(|sign| 0.9 < sign.ratio()) {
            case.speaks("demand.growth", 0.5, hits.observation);
        }
    } else if 1.6 < tries / rise.max(0.1) {
        // More tries at no more things is what retrying does, whatever began it.
        case.speaks("sdk.retries", 2.0, seen);
    }
    let queued =
        signs.of("waiting").any(|sign| 4.0 < sign.now) || signs.line("batch", "waiting").is_some_and(|s| 20.0 < s.now);
    let grown = signs.of("replicas").any(|s| !s.legend.contains(' ') && s.before < s.now);
    // Within each pool on its own: pools differ.
    let pools: Vec<&Sign> = signs.of("replicas").filter(|s| !s.legend.contains(' ') && s.legend != "gateway").collect();
    for pool in pools {
        let mut seats: Vec<&Sign> =
            signs.of("running").filter(|s| s.legend.rsplit_once('-').is_some_and(|(p, _)| p == pool.legend)).collect();
        seats.sort_by(|a, b| a.now.total_cmp(&b.now));
        let (Some(least), Some(most)) = (seats.first(), seats.last()) else { continue };
        if 8.0 < most.now && least.now * 5.0 < most.now {
            let idle = seats.iter().filter(|s| s.now * 5.0 < most.now).count();
            if idle == seats.len() - 1 {
                case.speaks("serving.routing", 3.5, most.observation);
            } else if grown {
                case.speaks("network.pinning", 3.5, least.observation);
            }
        }
    }
    let suffers = 5.0 < hand.pain_now()?.0;
    if suffers && case.weights.values().all(|w| *w < 3.0) {
        let lengths = hand.sql(&LENGTHS.replace("{since}", since))?;
        let (early, late) = (&lengths.data["rows"][0], &lengths.data["rows"][1]);
        if 1.5 * number(&early[1]) < number(&late[1]) {
            case.speaks("serving.long_answers", 3.5, lengths.number);
        }
        if signs.of("prompt_tokens").any(|sign| 1.4 < sign.ratio()) || 1.4 * number(&early[2]) < number(&late[2]) {
            case.speaks("serving.long_prompts", 3.5, lengths.number);
        }
    }
    if suffers && queued && !grown {
        let scalers = hand.look(Look::Fleet { line: "get hpa".to_string() })?;
        if scalers.text.contains("<unknown>") || scalers.text.to_lowercase().contains("unknown") {
            case.speaks("control.autoscaler", 4.0, scalers.number);
        }
    }
    Ok(())
}

fn commit(hand: &mut Hand<'_>, case: &Case, changes: u32, last: bool) -> Result<(), Refusal> {
    let points = case.points();
    let Some((lead, percent)) = points.first().copied() else {
        return hand.commit("not_provable", 60, &[changes], last);
    };
    let mut cites = case.cites.get(lead).cloned().unwrap_or_default();
    cites.truncate(4);
    let mut command = crate::assistant::hand::commit(lead, percent, &cites, last);
    command.points = points.iter().map(|(m, p)| ((*m).to_string(), *p)).collect();
    let given: u32 = command.points.values().map(|p| u32::from(*p)).sum();
    *command.points.entry("other".to_string()).or_default() += 100u32.saturating_sub(given) as u8;
    if !last {
        for cite in &cites {
            hand.say(Command::Pin { observation: *cite, note: String::new() })?;
            hand.say(Command::Link { observation: *cite, mechanism: lead.to_string(), speaks: Speaks::For })?;
        }
    }
    hand.say(Command::Commit(command)).map(drop)
}

/// Changes within half an hour before now that touched a service, the newest first, as orders that undo them.
fn undo(changes: &Looked, words: &[&str]) -> Vec<String> {
    let of = |change: &Value, field: &str| change[field].as_str().unwrap_or_default().to_lowercase();
    let fits = |change: &&Value| {
        let about = format!("{} {}", of(change, "service"), of(change, "title"));
        words.iter().any(|word| about.contains(word))
    };
    let all = changes.data["changes"].as_array();
    let found = all.into_iter().flatten().filter(fits).take(REMEDIES);
    found.filter_map(|change| change["id"].as_str()).map(|id| format!("rollback:{id}")).collect()
}

/// `pool-3` as orders name a replica: `pool/3`.
fn replica(pod: &str) -> Option<String> {
    let (pool, place) = pod.rsplit_once('-')?;
    place.parse::<u32>().ok()?;
    Some(format!("{pool}/{place}"))
}

/// Remedies for a mechanism, the first to be tried first; each is a set of orders.
fn remedies(
    hand: &mut Hand<'_>,
    mechanism: &str,
    signs: &Signs,
    changes: &Looked,
) -> Result<Vec<Vec<String>>, Refusal> {
    let one = |text: &str| vec![text.to_string()];
    let each = |orders: Vec<String>| orders.into_iter().map(|order| vec![order]).collect::<Vec<_>>();
    Ok(match mechanism {
        "kv_cache.membership" => vec![one("restore-cache-members")],
        "kv_cache.flush" => vec![one("warm-cache"), one("shed=0.4")],
        "kv_cache.invalidation" | "kv_cache.key" => each(undo(changes, &["kv-cache", "blockcheck"])),
        "kv_cache.capacity" => each(undo(changes, &["profile", "memory", "blocks", "vllm"])),
        "demand.growth" | "demand.synchronised" => vec![one("shift-traffic=0.5"), one("shed=0.3")],
        "sdk.retries" => vec![one("retry-budget=0"), one("shed=0.4")],
        "network.certificate" => vec![one("renew-certificates")],
        "network.loss" => each(undo(changes, &["switch", "network", "policy", "tls"])),
        "network.pinning" => each(undo(changes, &["connection", "keep", "direct", "gateway"])),
        "api.flag" => each(undo(changes, &["flag", "gateway", "header"])),
        "api.auth_store" => each(undo(changes, &["auth"])),
        "api.auth_shard" => vec![one("restart-gateways")],
        "api.image_decoder" => each(undo(changes, &["decoder", "image", "gateway"])),
        "accelerator.clock" => each(undo(changes, &["power", "clock", "cap"])),
        "accelerator.hang" | "accelerator.link" => odd_one(signs, "power", 1.25, true)
            .and_then(|odd| replica(&odd.legend))
            .map(|r| vec![format!("drain:{r}")])
            .into_iter()
            .collect(),
        "serving.fail_fast" => {
            let worst = hand.sql(
                "select replica, count(*) as n from requests where status = 500 group by replica order by n desc limit 1",
            )?;
            worst.data["rows"][0][0]
                .as_str()
                .and_then(replica)
                .map(|r| vec![format!("drain:{r}")])
                .into_iter()
                .collect()
        }
        "serving.routing" => {
            let pool =
                signs.loudest("running").and_then(|s| s.legend.rsplit_once('-')).map(|(pool, _)| pool.to_string());
            pool.map(|pool| vec![format!("router:{pool}=least-loaded")]).into_iter().collect()
        }
        "serving.long_answers" => each(undo(changes, &["default", "length", "max", "answer"])),
        "control.autoscaler" | "serving.capacity" => vec![crate::assistant::reflex::more_servers(signs, 1.5)],
        _ => Vec::new(),
    })
}

fn act(hand: &mut Hand<'_>, case: &Case, signs: &Signs, changes: &Looked) -> Result<(), Refusal> {
    let Some((lead, percent)) = case.points().first().copied() else { return Ok(()) };
    act_on(hand, lead, percent, signs, changes)
}

/// Acts on a mechanism that somebody believes in, as [`play`] does.
pub(super) fn mend(hand: &mut Hand<'_>, mechanism: &str, percent: u8) -> Result<(), Refusal> {
    let mut signs = Signs::default();
    for board in READ {
        let looked = hand.board(board)?;
        signs.read(looked.number, &looked.data);
    }
    let changes = hand.look(Look::Changes { id: String::new(), hours: 24 })?;
    act_on(hand, mechanism, percent, &signs, &changes)
}

fn act_on(hand: &mut Hand<'_>, lead: &str, percent: u8, signs: &Signs, changes: &Looked) -> Result<(), Refusal> {
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
