//! The observer as a player: it looks where most is to be learnt for its price, by the tables that were built for a scenario,
//! and believes what they make of what it was shown. It sees the view, the answers to its looks, and its tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::assistant::careful::mend;
use crate::assistant::hand::Hand;
use crate::scenario::mechanisms::OTHER;
use crate::score::observer::Observer;
use crate::score::observer::mind::Mind;
use crate::session::Refusal;
use crate::session::command::{Command, Commit, DeclaredCause, DeclaredRole};

/// At most so many looks.
const LOOKS: usize = 12;
/// It looks no further when it is so sure.
const SURE: f64 = 0.97;
/// A look that promises fewer bits is not taken.
const LEAST_BITS: f64 = 0.02;
/// It looks so many seconds back.
const BACK_S: f64 = 900.0;
/// Where nothing promises anything, it lets so many seconds pass, so often.
const WAIT_S: f64 = 30.0;
const WAITS: usize = 3;

/// Looks by information per cost, commits to what it believes, and acts on it as the careful one does.
pub fn play(hand: &mut Hand<'_>) -> Result<(), Refusal> {
    // Whoever plays it has asked before whether there are tables (`study::outcome::play`).
    let Some((observer, reading)) = hand.tables() else { return Ok(()) };
    hand.take_the_page()?;
    let mut mind = Mind::new(&observer, &reading);
    let first = mind.first_screen();
    mind.take(first);
    let (mut asked, mut cites, mut waits) = (BTreeSet::new(), Vec::new(), 0);
    while cites.len() < LOOKS && mind.beliefs().iter().copied().fold(0.0, f64::max) < SURE {
        let best = mind.best(hand.after_page_s(), BACK_S).into_iter();
        let next = best.filter(|p| LEAST_BITS <= p.bits).find(|p| !asked.contains(&(p.item.key.clone(), waits)));
        let Some(promise) = next else {
            if WAITS <= waits {
                break;
            }
            hand.say(Command::Wait { seconds: WAIT_S })?;
            waits += 1;
            continue;
        };
        asked.insert((promise.item.key.clone(), waits));
        let Ok(looked) = hand.look(promise.item.look) else { continue };
        let cells = hand.shown(&mind, looked.number);
        mind.take(cells);
        cites.push(looked.number);
    }
    let beliefs = mind.beliefs();
    let commit = commit(&observer, &beliefs, cites);
    let lead = commit.causes.first().map_or(OTHER.to_string(), |c| c.mechanism.clone());
    let percent = commit.points.get(&lead).copied().unwrap_or(0);
    hand.say(Command::Commit(commit))?;
    mend(hand, &lead, percent)
}

/// Beliefs as points: each hypothesis by its first root, the rest of the rounding to the one that leads.
fn commit(observer: &Observer, beliefs: &[f64], cites: Vec<u32>) -> Commit {
    let mut points: BTreeMap<String, u8> = BTreeMap::new();
    for (hypothesis, belief) in observer.hypotheses.iter().zip(beliefs) {
        let Some(root) = hypothesis.roots.first() else { continue };
        *points.entry(root.clone()).or_default() += (belief.clamp(0.0, 1.0) * 100.0) as u8;
    }
    points.retain(|_, p| 0 < *p);
    let sum: u32 = points.values().map(|p| u32::from(*p)).sum();
    let lead = points.iter().max_by_key(|(_, p)| **p).map_or(OTHER.to_string(), |(m, _)| m.clone());
    *points.entry(lead.clone()).or_default() += 100u32.saturating_sub(sum) as u8;
    let cause = DeclaredCause { mechanism: lead, component: String::new(), role: DeclaredRole::Root };
    Commit { points, causes: vec![cause], links: Vec::new(), cites, last: true }
}
