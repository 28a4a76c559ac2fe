//! The correlator: reads everything at once, finds what moved most with the symptom, and says so fluently. It takes
//! what came along for what it came from.
//!
//! It has a story for whatever may move. How good a story is is how far its line moved, how well that goes with the
//! symptom, whether it is seen at first glance, and whether the page and the alerts speak of it. That is all its fault.

use crate::assistant::hand::Hand;
use crate::assistant::reflex::more_servers;
use crate::assistant::signs::{Sign, Signs};
use crate::session::Refusal;
use crate::session::command::Look;
use crate::telemetry::panels::BOARDS;

/// What it says when a line moves.
struct Story {
    panel: &'static str,
    /// Whether the line has to rise, or to fall.
    rises: bool,
    mechanism: &'static str,
    /// What is said of it; `{x}` is how many times.
    says: &'static str,
    /// Words of a page or an alert that speak of it.
    words: &'static [&'static str],
}

const fn story(
    panel: &'static str,
    rises: bool,
    mechanism: &'static str,
    says: &'static str,
    words: &'static [&'static str],
) -> Story {
    Story { panel, rises, mechanism, says, words }
}

const STORIES: [Story; 16] = [
    story(
        "requests",
        true,
        "demand.growth",
        "Request volume is up {x} times, and latency with it: a capacity problem. Add servers.",
        &["request", "traffic", "volume"],
    ),
    story(
        "hit_ratio",
        false,
        "kv_cache.flush",
        "The share of tokens found in caches fell to {x} of what it was: the cache was lost.",
        &["hit ratio", "cache"],
    ),
    story(
        "replicas",
        false,
        "serving.crash",
        "Pods went missing: {x} of them are left.",
        &["restart", "crash", "pods"],
    ),
    story(
        "preemptions",
        true,
        "kv_cache.capacity",
        "Preemptions rose {x} times: replicas are out of cache blocks.",
        &["preempt"],
    ),
    story(
        "handshakes",
        true,
        "network.certificate",
        "Handshakes are broken off {x} times as often: certificates.",
        &["tls", "certificate", "handshake"],
    ),
    story(
        "connect_failures",
        true,
        "network.loss",
        "Connections to replicas fail {x} times as often: the network.",
        &["connect"],
    ),
    story("client_retries", true, "sdk.retries", "Clients retry {x} times as much.", &[]),
    story("gateway_retries", true, "sdk.retries", "Gateways retry {x} times as much.", &[]),
    story("gateway_memory", true, "api.gateway_memory", "Gateways hold {x} times the memory.", &["memory"]),
    story("gateway_restarts", true, "api.gateway_memory", "Gateways restart.", &["restart"]),
    story("prompt_tokens", true, "serving.long_prompts", "Prompts became {x} times as long.", &["prompt"]),
    story(
        "tpot",
        true,
        "accelerator.clock",
        "The time between tokens grew {x} times: slow accelerators.",
        &["token time", "between tokens"],
    ),
    story("clock", false, "accelerator.clock", "Clocks fell to {x} of what they were.", &["clock", "power"]),
    story("xid", true, "accelerator.lost", "The driver reports errors.", &["xid", "accelerator"]),
    story(
        "tier_agents",
        false,
        "kv_cache.node_down",
        "Agents of the shared tier are gone: {x} of them are left.",
        &["cache node"],
    ),
    story("targets_up", false, "telemetry.measurement", "Targets are gone from scraping.", &["scrape", "target"]),
];

/// What is told counts for so many times what is not.
const TOLD: f64 = 4.0;
/// What is on the first board counts for so many times what has to be looked for.
const AT_A_GLANCE: f64 = 3.0;
/// The first board.
const GLANCE: &str = "overview";
/// A line that moved less than this did not move: a fifth.
const LEAST: f64 = 0.18;
/// Nothing moves farther than this: threefold.
const MOST: f64 = 1.1;
/// How long it waits for what it did.
const PATIENCE_S: f64 = 900.0;

/// What it makes of what it read.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The mechanism that it blames.
    pub mechanism: &'static str,
    /// What it says.
    pub says: String,
    /// The line that it shows.
    pub sign: Sign,
    /// How good the story is to it.
    pub weight: f64,
}

/// Whatever moved, the best story first. `told` is the page and the alerts.
pub fn findings(signs: &Signs, told: &str) -> Vec<Finding> {
    let told = told.to_lowercase();
    let symptoms = [signs.line("ttft", "p99"), signs.loudest("failures")];
    let symptom = symptoms.into_iter().flatten().max_by(|a, b| a.moved().total_cmp(&b.moved()));
    let mut found: Vec<Finding> = STORIES
        .iter()
        .filter_map(|story| {
            let sign = signs.loudest(story.panel).filter(|sign| LEAST < sign.moved().abs())?;
            if (0.0 < sign.moved()) != story.rises {
                return None;
            }
            let goes_along = symptom.map_or(0.5, |symptom| sign.with(symptom).abs());
            let is_told = story.words.iter().any(|word| told.contains(word));
            let glance = BOARDS.iter().find(|board| board.id == GLANCE);
            let is_first = glance.is_some_and(|board| board.panels.iter().any(|panel| panel.id == story.panel));
            let loud = if is_told { TOLD } else { 1.0 } * if is_first { AT_A_GLANCE } else { 1.0 };
            let weight = sign.moved().abs().min(MOST) * goes_along * loud;
            let says = story.says.replace("{x}", &format!("{:.1}", sign.ratio()));
            Some(Finding { mechanism: story.mechanism, says, sign: sign.clone(), weight })
        })
        .collect();
    found.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    found
}

/// Lines of the first board that tell how much there is to do.
const BUSY: [(&str, &str); 2] = [("requests", "all"), ("batch", "running")];

/// Where neither first tokens nor failures have moved, there is nothing that something could go along with: what is left is
/// what swung farthest up on the first board, and that is a crowd.
fn swing(signs: &Signs) -> Option<Finding> {
    let symptoms = signs.of("failures").chain(signs.line("ttft", "p99"));
    if symptoms.into_iter().any(|symptom| LEAST < symptom.moved()) {
        return None;
    }
    let farthest = |(panel, legend): (&str, &str)| {
        let sign = signs.line(panel, legend).filter(|sign| 0.0 < sign.before)?;
        let measured: Vec<f64> = sign.values.iter().flatten().copied().collect();
        let highest = measured[measured.len() * 3 / 5..].iter().copied().fold(0.0, f64::max);
        Some((highest / sign.before, sign))
    };
    let (times, sign) = BUSY.into_iter().filter_map(farthest).max_by(|a, b| a.0.total_cmp(&b.0))?;
    let weight = libm::log(times);
    let says = format!("Load went up to {times:.1} times what it was: a capacity problem. Add servers.");
    (LEAST < weight).then(|| Finding { mechanism: "demand.growth", says, sign: sign.clone(), weight })
}

/// Panels that the correlator's stories of a mechanism begin with.
pub fn panels_of(mechanism: &str) -> impl Iterator<Item = &'static str> {
    STORIES.iter().filter(move |story| story.mechanism == mechanism).map(|story| story.panel)
}

/// Whether a panel rises in its story of a mechanism, or falls; none: it has no such story.
pub fn rises(mechanism: &str, panel: &str) -> Option<bool> {
    STORIES.iter().find(|story| story.mechanism == mechanism && story.panel == panel).map(|story| story.rises)
}

/// Mechanisms that it has a story for.
pub fn told_of() -> impl Iterator<Item = &'static str> {
    STORIES.iter().map(|story| story.mechanism)
}

/// What it has read, and what it makes of it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Whatever moved, the best story first.
    pub findings: Vec<Finding>,
    /// What it cites for the best story; the alerts alone where nothing moved.
    pub cites: Vec<u32>,
    /// The orders that it would give.
    pub orders: Vec<String>,
}

/// Takes the page, reads every board, and makes up its mind.
///
/// # Errors
/// Nothing pages, or time is up.
pub fn read(hand: &mut Hand<'_>) -> Result<Reading, Refusal> {
    hand.take_the_page()?;
    let mut signs = Signs::default();
    for board in BOARDS {
        let looked = hand.board(board.id)?;
        signs.read(looked.number, &looked.data);
    }
    let alerts = hand.look(Look::Alerts)?;
    let changes = hand.look(Look::Changes { id: String::new(), hours: 24 })?;
    // What it opened first is a minute old by now.
    let first = hand.board(GLANCE)?;
    signs.renew(first.number, &first.data);
    let told = format!("{} {}", hand.view().page, alerts.text);
    let mut found = findings(&signs, &told);
    if let Some(swing) = swing(&signs) {
        found.insert(0, swing);
    }
    let Some(best) = found.first() else {
        return Ok(Reading { findings: found, cites: vec![alerts.number], orders: Vec::new() });
    };
    let mut cites = vec![best.sign.observation, alerts.number];
    cites.extend(found.get(1).map(|second| second.sign.observation).filter(|second| *second != cites[0]));
    let orders = match best.mechanism.split('.').next().unwrap_or_default() {
        "demand" | "serving" | "accelerator" => more_servers(&signs, best.sign.ratio().clamp(1.5, 3.0)),
        "kv_cache" => vec!["warm-cache".to_string()],
        "api" => vec!["restart-gateways".to_string()],
        "sdk" => vec!["retry-budget=0".to_string()],
        _ => (changes.data["changes"][0]["id"].as_str()).map(|id| format!("rollback:{id}")).into_iter().collect(),
    };
    Ok(Reading { findings: found, cites, orders })
}

/// How sure it is of whatever it says, in per cent.
pub const SURE: u8 = 85;

/// Reads every board, says what moved most, and acts on it.
pub fn play(hand: &mut Hand<'_>) -> Result<(), Refusal> {
    let reading = read(hand)?;
    let Some(best) = reading.findings.first() else {
        hand.commit("no_fault", 70, &reading.cites, true)?;
        return hand.update("no_fault", 70, "nothing moved").map(drop);
    };
    hand.commit(best.mechanism, SURE, &reading.cites, true)?;
    hand.order(&reading.orders)?;
    hand.update(best.mechanism, SURE, &best.says)?;
    hand.wait_until_well(PATIENCE_S, best.mechanism, SURE).map(drop)
}
