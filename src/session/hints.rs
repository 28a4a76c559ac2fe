//! The ladder of hints: a question, then a panel, then the mechanism. Each rung gives away more and costs the record more:
//! with one a diagnosis was helped, with the last it was told.

use std::collections::BTreeMap;

use crate::scenario::file::{CauseSpec, Role, ScenarioFile};
use crate::scenario::mechanisms::{NO_FAULT, mechanism};
use crate::telemetry::panels::{BOARDS, Board, Panel};

/// Panels that tell a variant from what else it could be, by scenario and variant, as the observer's ensembles have them.
const TELLING: &str = include_str!("../../assets/observer/hints.json");

/// Rungs of a ladder.
pub const RUNGS: usize = 3;

/// Where a family of mechanisms shows, and the question that it answers to: the start of ids, the question, the board, the
/// panel. The first that fits counts.
const WAYS: &[(&str, &str, &str, &str)] = &[
    ("demand.mix", "Did anybody's own numbers change, or only who makes up the sum?", "kv_cache", "own_hits"),
    ("demand.abuse", "Who sends these requests, and when were those accounts made?", "sdk", "client_connections"),
    ("demand", "Do more people want something, or does somebody try again?", "sdk", "client_retries"),
    ("sdk.prompt_prefix", "Whose requests find less in the caches than last week?", "kv_cache", "own_hits"),
    ("sdk", "What do clients do when an answer is late?", "sdk", "client_retries"),
    ("network.certificate", "Who cannot even begin to talk to us?", "network", "handshakes"),
    ("network.name", "Where do connections go, and where not any more?", "network", "connections_by_gateway"),
    ("network.pinning", "Is the load where the capacity is?", "network", "connections_by_gateway"),
    ("network", "Which hop takes longer than it did?", "network", "hop_time"),
    ("api.gateway_memory", "What grows in a gateway before it is gone?", "api", "gateway_memory"),
    ("api.cancellation", "Is somebody computing for people who have left?", "sdk", "client_resets"),
    ("api.auth", "Is it everybody, or always the same ones?", "overview", "failures"),
    ("api", "What do the requests have in common that fail?", "overview", "failures"),
    ("serving.capacity", "Is there as much to work with as on other days?", "overview", "replicas"),
    ("serving.routing", "Do all replicas do the same?", "serving", "running"),
    ("serving.fail_fast", "Who answers fastest, and with what?", "serving", "running"),
    ("serving.long_answers", "How long does a request stay, and why?", "serving", "tpot"),
    ("serving", "What do requests wait for, and in which replica?", "serving", "waiting"),
    ("accelerator", "Does each machine do as much work as its busyness says?", "accelerator", "power"),
    ("kv_cache.membership", "Is what is there what is asked for?", "kv_cache", "external_hits"),
    ("kv_cache", "Does a request still cost what it did?", "kv_cache", "external_hits"),
    ("control", "What does the control loop believe, and from what?", "overview", "replicas"),
    ("telemetry", "Does any user notice?", "overview", "ttft"),
    (NO_FAULT, "Is anybody worse off than on other days?", "overview", "ttft"),
];

/// The panel that tells a scenario's variant from what else it could be; none where no observer was built, or no panel does.
fn telling(scenario: &str, variant: &str) -> Option<(&'static Board, &'static Panel)> {
    let all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(TELLING).ok()?;
    let (board, panel) = all.get(scenario)?.get(variant)?.split_once('.')?;
    Some((BOARDS.iter().find(|b| b.id == board)?, panel_of(board, panel)?))
}

/// The ladder of a variant of a scenario: as its file has it; or else from the mechanism of its weightiest cause as the
/// author has it, with the panel that by the observer tells most.
pub fn ladder(scenario: &str, file: &ScenarioFile, variant: &str) -> [String; RUNGS] {
    let spec = file.variants.iter().find(|v| v.name == variant);
    let causes: Vec<&CauseSpec> =
        file.causes.iter().filter(|c| spec.is_some_and(|v| v.causes.contains(&c.id))).collect();
    let root = causes.iter().find(|c| c.role == Role::Root).or(causes.first());
    let id = root.map_or(NO_FAULT, |c| c.mechanism.as_str());
    let (_, question, board, panel) = way(id);
    let (board, title) = match telling(scenario, variant) {
        Some((board, panel)) => (board.id, panel.title),
        None => (board, panel_of(board, panel).map_or(panel, |p| p.title)),
    };
    let said = mechanism(id).map_or(id.to_string(), |m| format!("{id}: {}. {}", m.is, m.primer));
    let made = [question.to_string(), format!("look at \"{title}\" on `board {board}`"), said];
    let own = spec.map_or(&[][..], |v| v.hints.as_slice());
    let mut rungs = made;
    for (rung, text) in rungs.iter_mut().zip(own).filter(|(_, text)| !text.is_empty()) {
        rung.clone_from(text);
    }
    rungs
}

/// Panels where a mechanism shows, the most telling of a scenario's variant first if one is named.
pub fn shown_by(mechanism: &str, of: Option<(&str, &str)>) -> Vec<(&'static Board, &'static Panel)> {
    let (_, _, board, panel) = way(mechanism);
    let usual = BOARDS.iter().find(|b| b.id == board).zip(panel_of(board, panel));
    of.and_then(|(scenario, variant)| telling(scenario, variant)).into_iter().chain(usual).collect()
}

/// The question that a mechanism answers to, with the board and the panel that answer it.
pub fn question(mechanism: &str) -> (&'static str, &'static str, &'static str) {
    let (_, question, board, panel) = way(mechanism);
    (question, board, panel_of(board, panel).map_or(panel, |p| p.title))
}

fn way(id: &str) -> (&'static str, &'static str, &'static str, &'static str) {
    let fits = |start: &str| id == start || id.starts_with(start);
    WAYS.iter().find(|(start, ..)| fits(start)).copied().unwrap_or((
        "",
        "What changed first, and what followed from it?",
        "overview",
        "requests",
    ))
}

fn panel_of(board: &str, panel: &str) -> Option<&'static Panel> {
    let board: &'static Board = BOARDS.iter().find(|b| b.id == board)?;
    board.panels.iter().find(|p| p.id == panel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::mechanisms::MECHANISMS;

    #[test]
    fn every_way_leads_to_a_panel_that_is_there_and_every_fault_has_one() {
        for (start, _, board, panel) in WAYS {
            assert!(panel_of(board, panel).is_some(), "{start}: no panel {panel} on board {board}");
        }
        let all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(TELLING).expect("it reads");
        for (scenario, variants) in &all {
            for variant in variants.keys() {
                assert!(telling(scenario, variant).is_some(), "{scenario}, {variant}: no such panel");
            }
        }
        let faults = MECHANISMS.iter().filter(|m| m.id.contains('.'));
        let lost: Vec<&str> = faults.filter(|m| way(m.id).0.is_empty()).map(|m| m.id).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
