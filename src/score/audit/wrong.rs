//! What is wrong with a draft: the link that is false, the condition that is missing, and those that it may be taken for.

use std::sync::Arc;

use super::{COUNTS, Citation, Desk, LACK, LIE, LIST, OFFERED, Sentence, chart, sentence};
use crate::scenario::file::{CauseSpec, Role, ScenarioFile};
use crate::scenario::mechanisms::{MECHANISMS, NO_FAULT, family, mechanism};
use crate::scenario::opened::Scenario;
use crate::score::runs::{Ask, Progress, Runs};
use crate::score::truth::{HURT, TOLERANCE, Truth, TruthError, tempting};

/// The condition that the draft will not name, why it counts, and other conditions that it names.
pub(super) fn lacking(
    desk: &Desk<'_>,
    scenario: &Scenario,
    causes: &[&CauseSpec],
    truth: &Truth,
    progress: Progress<'_>,
) -> Result<(Option<String>, String, Vec<String>), TruthError> {
    if !truth.hurt {
        return Ok((None, "nobody was hurt, so that nothing had to come together".to_string(), Vec::new()));
    }
    let ask = Ask { variant: desk.variant.name.clone(), seed: desk.seed, ..Ask::default() };
    let happened = Runs::new(scenario).all(std::slice::from_ref(&ask), progress)?;
    let lost = happened[0].lost();
    let altered = |change: &dyn Fn(&mut ScenarioFile)| -> Result<f64, TruthError> {
        let mut file = desk.file.clone();
        change(&mut file);
        let other = Scenario { name: scenario.name.clone(), file: Arc::new(file) };
        Ok(Runs::new(&other).all(std::slice::from_ref(&ask), progress)?[0].lost())
    };
    let patient = altered(&|file| {
        file.stack.api.retry.retries = 0;
        for client in &mut file.stack.clients {
            client.policy.retries = 0;
            client.policy.turn_restarts = None;
        }
    })?;
    let replicas: u16 = desk.file.stack.pools.iter().map(|p| p.replicas).sum();
    let roomy = altered(&|file| file.stack.fleet.spare_nodes = file.stack.fleet.spare_nodes.saturating_add(replicas))?;
    let free = desk.file.stack.fleet.spare_nodes;
    let mut proved: Vec<(String, String)> = Vec::new();
    let why = |without: f64, what: &str| format!("{what}, users lose {without:.0} user-minutes instead of {lost:.0}");
    if 1 < causes.len() {
        let latent = |c: &&&CauseSpec| c.faults.iter().any(|f| f.at_s.is_none()) || c.role != Role::Trigger;
        let counting = |c: &&&CauseSpec| truth.causes.iter().any(|t| t.id == c.id && COUNTS <= t.share);
        for cause in causes.iter().filter(latent).filter(counting).take(1) {
            let share = truth.causes.iter().find(|t| t.id == cause.id).map_or(0.0, |t| t.share * 100.0);
            proved.push((cause.says.clone(), format!("{share:.0} % of the harm is due to it")));
        }
    }
    if patient < lost * (1.0 - COUNTS) {
        let says = "clients, frameworks and gateways each try again, so that tries multiply".to_string();
        proved.push((says, why(patient, "if nobody tried again")));
    }
    if roomy < lost * (1.0 - COUNTS) {
        let says = format!("there was little room: {free} machines were free for new replicas");
        proved.push((says, why(roomy, "with machines for twice the replicas")));
    }
    if proved.is_empty() {
        let why = "no condition was found that takes a tenth of the harm with it: retries, room for replicas, and every cause \
                   that the draft names were tried";
        return Ok((None, why.to_string(), Vec::new()));
    }
    let place = desk.draw(LACK, proved.len());
    let (says, why) = proved.remove(place);
    let is_cause = |says: &String| causes.iter().any(|c| &c.says == says);
    Ok((Some(says), why, proved.into_iter().map(|(says, _)| says).filter(|says| !is_cause(says)).collect()))
}

/// The false link, and why it is false.
pub(super) fn lie(desk: &Desk<'_>, scenario: &Scenario, truth: &Truth) -> (Sentence, String) {
    let mut lies: Vec<(Sentence, String)> = Vec::new();
    for decoy in desk.file.decoys.iter().filter(|d| desk.variant.decoys.contains(&d.id)) {
        let Some(known) = truth.decoys.iter().find(|t| t.id == decoy.id && t.harmless) else { continue };
        let Some(cited) = desk.change(decoy) else { continue };
        let Citation::Change(change) = &cited else { continue };
        let text = format!("The change of {} at {} had its part in it: {}.", change[2], change[1], change[3]);
        let why = format!(
            "taken away, it moves {:.0} of {:.0} user-minutes at stake, less than {:.0} %",
            known.effect.abs(),
            truth.at_stake,
            TOLERANCE * 100.0
        );
        lies.push((sentence(text, cited), why));
    }
    let true_ones = truth.by_mechanism();
    let mut stories = tempting(scenario, &desk.variant.name);
    stories.extend(["demand.growth", "kv_cache.flush"].map(str::to_string));
    stories.retain(|m| !true_ones.contains_key(m) && m != NO_FAULT);
    if stories.is_empty() {
        stories.extend(MECHANISMS.iter().map(|m| m.id.to_string()).find(|m| !true_ones.contains_key(m)));
    }
    let cited = |m: &str| match family(m) {
        "kv_cache" => "Cache hit ratio",
        "serving" | "accelerator" | "control" => "Queue",
        "api" | "network" => "Errors",
        _ => "Requests",
    };
    if let Some(told) = stories.get(desk.draw(LIE + 1, stories.len())) {
        let is = mechanism(told).map_or(told.as_str(), |m| m.is);
        let text = format!("Underneath was something else, which drove what users felt: {is}.");
        let why = match true_ones.contains_key(NO_FAULT) {
            true => format!("users lost less than {:.0} % of what they wanted, with nothing to drive it", HURT * 100.0),
            false => format!(
                "this was not so in this run: what drove it was {}",
                true_ones.keys().cloned().collect::<Vec<_>>().join(" and ")
            ),
        };
        lies.push((sentence(text, chart(cited(told))), why));
    }
    let place = desk.draw(LIE, lies.len());
    lies.swap_remove(place)
}

/// The conditions to choose from, and the place of the missing one; 0 stands for none.
pub(super) fn offered(
    desk: &Desk<'_>,
    scenario: &Scenario,
    truth: &Truth,
    lack: Option<String>,
) -> (Vec<String>, usize) {
    let true_ones = truth.by_mechanism();
    let absent = |c: &&CauseSpec| {
        !desk.variant.causes.contains(&c.id) && !true_ones.keys().any(|m| family(m) == family(&c.mechanism))
    };
    let mut others: Vec<String> = desk.file.causes.iter().filter(absent).map(|c| c.says.clone()).collect();
    let tempting = tempting(scenario, &desk.variant.name);
    let strange: Vec<&str> = (MECHANISMS.iter())
        .filter(|m| m.id.contains('.') && !true_ones.keys().any(|t| family(t) == m.family()))
        .filter(|m| !tempting.iter().any(|t| t == m.id) && m.family() != "sdk" && m.id != "serving.capacity")
        .map(|m| m.is)
        .collect();
    for step in 0.. {
        if OFFERED <= others.len() || strange.is_empty() || strange.len() <= step {
            break;
        }
        let says = strange[(desk.draw(LIST, strange.len()) + step * 7) % strange.len()].to_string();
        if !others.contains(&says) {
            others.push(says);
        }
    }
    others.truncate(OFFERED);
    let mut place = 0;
    if let Some(lack) = lack {
        place = desk.draw(LIST + 1, others.len() + 1);
        others.insert(place, lack);
        place += 1;
    }
    others.insert(0, "nothing of this is missing".to_string());
    (others, place)
}
