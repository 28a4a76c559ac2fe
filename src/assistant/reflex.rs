//! Players that hardly look: one constant answer, the words of the page, the last change, a guess. What an answer is worth
//! shows beside them.

use crate::assistant::hand::Hand;
use crate::assistant::signs::Signs;
use crate::scenario::mechanisms::MECHANISMS;
use crate::score::check::naive::suggested;
use crate::session::Refusal;
use crate::session::command::Look;
use crate::sim::rng::mix;

/// A guess is read off this stream.
const GUESS: u64 = 0x7261_6e64;
/// How long a player waits for what it did.
const PATIENCE_S: f64 = 600.0;

/// What the last change before the page is taken to have done, by words of its service and title.
const CHANGED: [(&str, &str); 14] = [
    ("kv-cache", "kv_cache.membership"),
    ("sdk", "sdk.release"),
    ("flag", "api.flag"),
    ("router", "serving.routing"),
    ("autoscaler", "control.autoscaler"),
    ("certificate", "network.certificate"),
    ("tls", "network.certificate"),
    ("switch", "network.loss"),
    ("power", "accelerator.clock"),
    ("driver", "accelerator.hang"),
    ("exporter", "telemetry.measurement"),
    ("label", "telemetry.measurement"),
    ("gateway", "api.flag"),
    ("vllm", "serving.rollout"),
];

/// Blames the last change and undoes it.
pub fn last_deploy(hand: &mut Hand<'_>) -> Result<(), Refusal> {
    hand.take_the_page()?;
    let changes = hand.look(Look::Changes { id: String::new(), hours: 24 })?;
    let last = &changes.data["changes"][0];
    let word = |field: &str| last[field].as_str().unwrap_or_default().to_lowercase();
    let about = format!("{} {} {}", word("service"), word("kind"), word("title"));
    let blamed = CHANGED.iter().find(|(word, _)| about.contains(word)).map_or("control.config_push", |(_, m)| m);
    hand.commit(blamed, 80, &[changes.number], true)?;
    if let Some(id) = last["id"].as_str() {
        hand.order(&[format!("rollback:{id}")])?;
    }
    hand.update(blamed, 80, "rolling back the last change")?;
    hand.wait_until_well(PATIENCE_S, blamed, 80).map(drop)
}

/// Reads the page and nothing else. Orders nothing: a page names no remedy.
pub fn alert_text(hand: &mut Hand<'_>) -> Result<(), Refusal> {
    hand.take_the_page()?;
    let blamed = suggested(&hand.view().page);
    hand.commit(blamed, 80, &[], true)
}

/// Adds servers.
pub fn always_capacity(hand: &mut Hand<'_>) -> Result<(), Refusal> {
    hand.take_the_page()?;
    let board = hand.board("overview")?;
    hand.commit("serving.capacity", 80, &[board.number], true)?;
    let mut signs = Signs::default();
    signs.read(board.number, &board.data);
    hand.order(&more_servers(&signs, 2.0))?;
    hand.update("serving.capacity", 80, "adding servers")?;
    hand.wait_until_well(PATIENCE_S, "serving.capacity", 80).map(drop)
}

/// Blames the cache, empties it and warms it again.
pub fn always_cache(hand: &mut Hand<'_>) -> Result<(), Refusal> {
    hand.take_the_page()?;
    let board = hand.board("kv_cache")?;
    hand.commit("kv_cache.flush", 80, &[board.number], true)?;
    hand.order(&["warm-cache".to_string()])?;
    hand.update("kv_cache.flush", 80, "warming the cache")?;
    hand.wait_until_well(PATIENCE_S, "kv_cache.flush", 80).map(drop)
}

/// Blames any mechanism.
pub fn random(hand: &mut Hand<'_>) -> Result<(), Refusal> {
    hand.take_the_page()?;
    let blamed = MECHANISMS[(mix(hand.chance(), GUESS) % MECHANISMS.len() as u64) as usize].id;
    hand.commit(blamed, 50, &[], true)
}

/// Acknowledges, and waits for the end.
pub fn do_nothing(hand: &mut Hand<'_>) -> Result<(), Refusal> {
    hand.take_the_page()
}

/// Orders that make pools of replicas so many times larger: every deployment that serves a model and has a line, else the
/// largest. Read off the overview board.
pub fn more_servers(signs: &Signs, times: f64) -> Vec<String> {
    let pools: Vec<_> = (signs.of("replicas"))
        .filter(|sign| !sign.legend.contains(' ') && !sign.legend.starts_with("gateway"))
        .collect();
    let largest = pools.iter().max_by(|a, b| a.now.total_cmp(&b.now));
    let slow = |pool: &str| {
        signs.line("ttft_by_pool", pool).is_some_and(|sign| 1.5 < sign.ratio())
            || signs.of("waiting").any(|sign| sign.legend.starts_with(pool) && 4.0 < sign.now)
    };
    let mut wanted: Vec<_> = pools.iter().filter(|sign| slow(&sign.legend)).collect();
    if wanted.is_empty() {
        wanted.extend(largest);
    }
    let order = |sign: &&&_| {
        let sign: &crate::assistant::signs::Sign = sign;
        format!("scale:{}={}", sign.legend, libm::ceil(sign.now * times) as u64)
    };
    wanted.iter().map(order).collect()
}
