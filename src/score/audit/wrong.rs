//! What is wrong with a draft: the link that is false, the condition that is missing, and those that it may be taken for.

use std::sync::Arc;

use rayon::prelude::*;

use super::standing::{Standing, standing};
use super::told::{Effect, made, part};
use super::{COUNTS, Citation, Desk, LACK, LIE, LIST, OFFERED, Sentence};
use crate::scenario::file::{CauseSpec, Role};
use crate::scenario::mechanisms::{MECHANISMS, NO_FAULT, family, mechanism};
use crate::scenario::opened::Scenario;
use crate::score::runs::{Ask, Progress, Ran, Runs};
use crate::score::truth::{HURT, TruthError, tempting};

/// What stood before counts for nothing if users lose the same without it, to such a share.
const IDLE: f64 = 0.03;
/// So many settings are tried at a time: a constant, so that what is found does not depend on the machine.
const TRIED: usize = 4;
/// Settings that count for nothing, of those that are offered.
const IDLE_OFFERED: usize = 4;

/// What stood, in words, and how it would be otherwise.
type Stood = (String, Standing);

/// A condition, and what it is worth.
pub(super) struct Condition {
    pub(super) says: String,
    pub(super) why: String,
}

/// What stood before.
#[derive(Default)]
pub(super) struct Before {
    /// What the draft will not name.
    pub(super) lack: Option<Condition>,
    /// Why there is none, where there is none.
    pub(super) none: String,
    /// What else counted, and may be named.
    pub(super) kept: Vec<String>,
    /// What stood too, and counted for nothing.
    pub(super) idle: Vec<Condition>,
}

/// Finds what stood before and counted, by runs without it under two seeds, and what counted for nothing. Settings are tried
/// in an order that the seed draws, until there is enough of both.
pub(super) fn before(desk: &Desk<'_>, causes: &[&CauseSpec], progress: Progress<'_>) -> Result<Before, TruthError> {
    let mechanisms: Vec<&str> = causes.iter().map(|c| c.mechanism.as_str()).collect();
    let mut settings = standing(desk.file, &mechanisms);
    for place in (1..settings.len()).rev() {
        settings.swap(place, desk.draw(LIST + 2 + place as u64, place + 1));
    }
    if !desk.truth.hurt {
        let none = "nobody was hurt, so that nothing had to come together".to_string();
        let idle = |(says, _): Stood| Condition { says, why: none.clone() };
        let idle = settings.into_iter().take(IDLE_OFFERED).map(idle).collect();
        return Ok(Before { idle, none, ..Before::default() });
    }
    let mut proved = latent(desk, causes);
    let (mut idle, mut tried) = (Vec::new(), 0);
    let here = Without { desk, lost: desk.lost(desk.seed)?, seed: desk.seed };
    let mut there = None;
    for batch in settings.chunks(TRIED) {
        if !proved.is_empty() && IDLE_OFFERED < idle.len() {
            break;
        }
        let lost = here.all(&batch.iter().collect::<Vec<_>>());
        let less: Vec<(&Stood, f64)> =
            batch.iter().zip(lost.iter().copied()).filter(|(_, lost)| here.less(*lost)).collect();
        if !less.is_empty() && there.is_none() {
            let seed = desk.seed.wrapping_add(1);
            there = Some(Without { desk, lost: desk.lost(seed)?, seed });
        }
        if let Some(there) = &there {
            let again = there.all(&less.iter().map(|(s, _)| *s).collect::<Vec<_>>());
            let held = less.iter().zip(again).filter(|(_, again)| there.less(*again));
            proved.extend(held.map(|((setting, lost), _)| here.condition(setting, *lost)));
        }
        let same = |(_, lost): &(&Stood, f64)| (lost - here.lost).abs() < IDLE * here.lost;
        idle.extend(batch.iter().zip(lost).filter(same).map(|(setting, lost)| here.condition(setting, lost)));
        tried += batch.len();
        progress(tried, settings.len());
    }
    if proved.is_empty() {
        let none = format!(
            "no condition was found that takes a tenth of the harm with it: {tried} that stood here were each taken \
             away, as was every cause that the draft names"
        );
        return Ok(Before { none, idle, ..Before::default() });
    }
    let lack = proved.swap_remove(desk.draw(LACK, proved.len()));
    let is_cause = |says: &String| causes.iter().any(|c| &c.says == says);
    let kept = proved.into_iter().map(|c| c.says).filter(|says| !is_cause(says)).collect();
    Ok(Before { lack: Some(lack), kept, idle, none: String::new() })
}

/// A cause that was there before another set it off.
fn latent(desk: &Desk<'_>, causes: &[&CauseSpec]) -> Vec<Condition> {
    if causes.len() < 2 {
        return Vec::new();
    }
    let stood = |c: &&&CauseSpec| c.faults.iter().any(|f| f.at_s.is_none()) || c.role != Role::Trigger;
    let counts = |c: &&CauseSpec| {
        let share = desk.truth.causes.iter().find(|t| t.id == c.id).map_or(0.0, |t| t.share);
        (COUNTS <= share).then(|| Condition {
            says: c.says.clone(),
            why: format!("{:.0} % of the harm is due to it", share * 100.0),
        })
    };
    causes.iter().filter(stood).filter_map(counts).take(1).collect()
}

/// The same users in other stacks.
struct Without<'a> {
    desk: &'a Desk<'a>,
    seed: u64,
    /// What users lose in the stack as it stood.
    lost: f64,
}

impl Without<'_> {
    fn less(&self, lost: f64) -> bool {
        lost < self.lost * (1.0 - COUNTS)
    }

    /// What users lose without each; no number where there is no such world (what happens once cannot be taken back).
    fn all(&self, settings: &[&Stood]) -> Vec<f64> {
        let one = |(_, setting): &&Stood| {
            let file = setting.without(self.desk.file, self.desk.variant);
            let other = Scenario { name: self.desk.runs.scenario.name.clone(), file: Arc::new(file) };
            Runs::new(&other).one(&self.desk.ask(self.seed)).map_or(f64::NAN, |ran| ran.lost())
        };
        settings.par_iter().map(one).collect()
    }

    fn condition(&self, (says, setting): &Stood, lost: f64) -> Condition {
        let why = format!("{}, users lose {lost:.0} user-minutes instead of {:.0}", setting.otherwise, self.lost);
        Condition { says: says.clone(), why }
    }
}

impl Desk<'_> {
    pub(super) fn ask(&self, seed: u64) -> Ask {
        Ask { variant: self.variant.name.clone(), seed, ..Ask::default() }
    }

    fn lost(&self, seed: u64) -> Result<f64, TruthError> {
        Ok(self.runs.one(&self.ask(seed))?.lost())
    }
}

/// What a false link may blame.
struct Blamed {
    source: String,
    cites: Vec<Citation>,
    why: String,
    /// The effects that may be laid to it falsely, by their places.
    effects: Vec<usize>,
}

/// The false link, whether it claims an effect (which then no other may), and why it is false.
pub(super) fn lie(
    desk: &Desk<'_>,
    told: &[&CauseSpec],
    happened: &Ran,
    moved: &mut Vec<Effect>,
    before: &mut Before,
) -> Result<(Sentence, bool, String), TruthError> {
    let mut all: Vec<Vec<Blamed>> = vec![decoys(desk, told, happened, moved)?, stories(desk, moved)];
    if let Some(condition) = before.idle.first().filter(|_| desk.truth.hurt) {
        let why = format!("it stood, and counts for nothing: {}", condition.why);
        all.push(vec![Blamed { source: condition.says.clone(), cites: Vec::new(), why, effects: Vec::new() }]);
    }
    all.retain(|kind| !kind.is_empty());
    let mut kind = all.swap_remove(desk.draw(LIE, all.len()));
    let Blamed { source, cites, why, effects } = kind.swap_remove(desk.draw(LIE + 1, kind.len()));
    before.idle.retain(|condition| condition.says != source);
    // Of two effects one may be given to the wrong source; an only one is what the truth is told by.
    match effects.get(desk.draw(LIE + 2, effects.len())).filter(|_| 1 < moved.len()) {
        Some(place) => Ok((made(&moved.remove(*place), &source, cites), true, why)),
        None => Ok((part(&source, cites), false, why)),
    }
}

/// Changes that were made and did users no harm; of effects those that are the same without them.
fn decoys(desk: &Desk<'_>, told: &[&CauseSpec], happened: &Ran, moved: &[Effect]) -> Result<Vec<Blamed>, TruthError> {
    let is_here = |d: &&CauseSpec| desk.variant.decoys.contains(&d.id) && told.iter().all(|t| t.id != d.id);
    let mut found = Vec::new();
    for decoy in desk.file.decoys.iter().filter(is_here) {
        let Some(known) = desk.truth.decoys.iter().find(|t| t.id == decoy.id && t.harmless) else { continue };
        let Some((source, cited)) = desk.change(decoy) else { continue };
        let without = desk.runs.one(&Ask { without: vec![decoy.id.clone()], ..desk.ask(desk.seed) })?;
        let effects = (0..moved.len()).filter(|place| !moved[*place].differs(desk, happened, &without)).collect();
        let why = format!(
            "without it users lose {:.0} user-minutes instead of {:.0}",
            (happened.lost() - known.effect).max(0.0),
            happened.lost()
        );
        found.push(Blamed { source, cites: vec![cited], why, effects });
    }
    Ok(found)
}

/// Mechanisms that were not at work, those that this incident may be taken for first.
fn stories(desk: &Desk<'_>, moved: &[Effect]) -> Vec<Blamed> {
    let true_ones = desk.truth.by_mechanism();
    let mut stories = tempting(desk.runs.scenario, &desk.variant.name);
    stories.extend(["demand.growth", "kv_cache.flush"].map(str::to_string));
    // What is near to the truth is half true.
    stories.retain(|m| true_ones.keys().all(|t| family(t) != family(m)) && m != NO_FAULT);
    stories.dedup();
    let why = match true_ones.contains_key(NO_FAULT) {
        true => format!("users lost less than {:.0} % of what they wanted, with nothing to drive it", HURT * 100.0),
        false => {
            let drove: Vec<&str> =
                true_ones.keys().map(|m| mechanism(m).map_or(m.as_str(), |mechanism| mechanism.is)).collect();
            format!("this was not so in this run: what drove it was that {}", drove.join(", and that "))
        }
    };
    let blamed = |told: String| {
        let source = mechanism(&told).map_or(told.clone(), |m| m.is.to_string());
        Blamed { source, cites: Vec::new(), why: why.clone(), effects: (0..moved.len()).collect() }
    };
    stories.into_iter().map(blamed).collect()
}

/// The conditions to choose from, what each is worth, and the place of the missing one; 0 stands for none.
pub(super) fn offered(desk: &Desk<'_>, before: Before) -> (Vec<Condition>, usize) {
    let Before { lack, none, idle, .. } = before;
    let mut others: Vec<Condition> = idle.into_iter().take(IDLE_OFFERED).collect();
    let absent = |says: String| Condition { says, why: "that was not so in this run".to_string() };
    let true_ones = desk.truth.by_mechanism();
    let is_true = |m: &str| true_ones.keys().any(|t| family(t) == family(m));
    let elsewhere = |c: &&CauseSpec| !desk.variant.causes.contains(&c.id) && !is_true(&c.mechanism);
    others.extend(desk.file.causes.iter().filter(elsewhere).map(|c| absent(c.says.clone())));
    let tempting = tempting(desk.runs.scenario, &desk.variant.name);
    let strange: Vec<&str> = (MECHANISMS.iter())
        .filter(|m| m.id.contains('.') && !is_true(m.id) && m.family() != "sdk" && m.id != "serving.capacity")
        .filter(|m| !tempting.iter().any(|t| t == m.id))
        .map(|m| m.is)
        .collect();
    let first = desk.draw(LIST, strange.len());
    for step in 0..strange.len() {
        if OFFERED <= others.len() {
            break;
        }
        let says = strange[(first + step * 7) % strange.len()];
        if others.iter().all(|c| c.says != says) {
            others.push(absent(says.to_string()));
        }
    }
    others.truncate(OFFERED);
    for place in (1..others.len()).rev() {
        others.swap(place, desk.draw(LIST + 40 + place as u64, place + 1));
    }
    let (mut place, mut why) = (0, none);
    if let Some(lack) = lack {
        place = 1 + desk.draw(LIST + 1, others.len() + 1);
        why = format!("one is: {}", lack.says);
        others.insert(place - 1, lack);
    }
    others.insert(0, Condition { says: "nothing of this is missing".to_string(), why });
    (others, place)
}
