//! What a study says: each participant by itself, pairs on the same incidents, and a verdict whose words follow from the
//! interval.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::score::rate::Rate;
use crate::study::outcome::Outcome;
use crate::study::plan::{Cell, Endpoint, Plan};
use crate::study::statistics::{
    Interval, Pairs, clustered_error, holm, mean_difference, mean_interval, pairs_needed, pass_k, restricted_mean,
};

/// What may be said of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The second is better.
    Better,
    /// The second is worse.
    Worse,
    /// So few incidents do not tell.
    CannotTell,
}

/// Below this exact p a difference is said to be one.
const SAID: f64 = 0.05;

/// One participant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alone {
    /// Its name.
    pub participant: String,
    /// Incidents that it met.
    pub incidents: u32,
    /// Runs.
    pub runs: u32,
    /// How often the weightiest cause was named.
    pub correct: Rate,
    /// The same of first tries alone: repetitions are no new incidents, and no interval is narrower for them.
    pub first: Rate,
    /// Wilson's interval of that.
    pub correct_interval: Interval,
    /// Scenarios that it met.
    pub scenarios: u32,
    /// The standard error of that share, runs of a scenario taken as not independent.
    pub correct_error: f64,
    /// How often it was also proved, of runs that an ideal observer can judge.
    pub grounded: Rate,
    /// Wilson's interval of that.
    pub grounded_interval: Interval,
    /// How often a decoy was blamed, on incidents that are no foils.
    pub decoy_on_trap: Rate,
    /// The same on foils.
    pub decoy_on_foil: Rate,
    /// Mean composite of runs that have one.
    pub score: Option<f64>,
    /// Its interval; none of fewer than two.
    pub score_interval: Option<Interval>,
    /// Runs that have one.
    pub scored: u32,
    /// Mean user-minutes lost, over what doing nothing loses.
    pub lost_share: f64,
    /// Its interval.
    pub lost_interval: Option<Interval>,
    /// Runs that lost more than doing nothing would have.
    pub harmful: u32,
    /// Mean looks.
    pub looks: f64,
    /// Its interval.
    pub looks_interval: Option<Interval>,
    /// Mean cost in minutes of people.
    pub cost_min: f64,
    /// Its interval.
    pub cost_interval: Option<Interval>,
    /// Mean seconds to the last commit, on the simulated clock.
    pub commit_s: f64,
    /// Its interval.
    pub commit_interval: Option<Interval>,
    /// Mean seconds until users are well, up to the longest session of anybody.
    pub well_s: f64,
    /// Its interval.
    pub well_interval: Option<Interval>,
    /// Runs in which they were.
    pub well: u32,
    /// Mean seconds on the wall clock, where they were measured.
    pub wall_s: Option<f64>,
    /// What a model used in all its runs: tokens in, tokens out, dollars; none: no model, or nobody wrote it down.
    pub spent: Option<(u64, u64, f64)>,
    /// The chance that k tries at one incident in a row are right: k from 1 on.
    pub pass_k: Vec<f64>,
    /// Mechanisms that were true, by what was named.
    pub confusion: BTreeMap<String, BTreeMap<String, u32>>,
    /// Points of the lead in classes of ten, with how often it was right.
    pub reliability: Vec<(u8, Rate)>,
}

/// Two participants on the same incidents.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The first.
    pub first: String,
    /// The second.
    pub second: String,
    /// What decides: what the plan says, or, where that can be judged on no incident, what was named.
    pub endpoint: Endpoint,
    /// Incidents on which what the plan says cannot be judged, since nobody built an ideal observer.
    pub unjudged: u32,
    /// How often both, one and none came to that, by incident.
    pub pairs: Pairs,
    /// The rate of the second less that of the first.
    pub difference: f64,
    /// Newcombe's interval of it.
    pub interval: Interval,
    /// McNemar's exact p.
    pub exact_p: f64,
    /// The same, mid-p.
    pub mid_p: f64,
    /// The chance that the second is better.
    pub second_is_better: f64,
    /// What may be said, of the rates.
    pub verdict: Verdict,
    /// Incidents that would be needed to tell a difference as large as was seen.
    pub needed: Option<u32>,
    /// What else differs, which decides nothing.
    pub beside: Vec<Beside>,
}

/// Something else in which two participants differ: second less first, on the same incidents.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Beside {
    /// What it is.
    pub what: &'static str,
    /// What its figures are in.
    pub unit: Unit,
    /// Incidents where both have it.
    pub n: usize,
    /// The mean difference.
    pub mean: f64,
    /// Its interval: Newcombe's of shares, Student's of means.
    pub interval: Interval,
    /// How easily that comes about where nothing differs: McNemar's exact p of shares, by flipped signs of means.
    pub p: f64,
    /// The same, made larger for how many such questions are asked of this pair (Holm 1979).
    pub holm_p: f64,
}

/// What figures are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Shares, from -1 to 1.
    Share,
    /// Points of the composite.
    Points,
    /// Seconds.
    Seconds,
    /// Minutes of people.
    Minutes,
    /// A number of things.
    Count,
}

/// A study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Study {
    /// Its plan.
    pub plan: Plan,
    /// Incidents of the plan.
    pub incidents: u32,
    /// Runs of the plan.
    pub planned: u32,
    /// Runs that there are.
    pub done: u32,
    /// The versions of weights and gates that were met; more than one cannot be compared.
    pub models: BTreeSet<String>,
    /// Each participant.
    pub alone: Vec<Alone>,
    /// Pairs, as the plan has them.
    pub compared: Vec<Compared>,
    /// What makes the comparison fair, and whether it held.
    pub parity: Vec<(String, bool)>,
    /// What was left out, and why.
    pub left_out: Vec<String>,
    /// People, and models in sessions of their own, on the same incidents: on the metered clock, and paired.
    pub joined: Vec<Alone>,
    /// The same on a live clock, shown beside and never paired.
    pub beside: Vec<Alone>,
}

/// Says what there is to say of the runs of a plan, and of sessions that others played on the same incidents.
pub fn study(plan: &Plan, outcomes: &BTreeMap<Cell, Outcome>, others: &[Outcome], left_out: Vec<String>) -> Study {
    let played: Vec<&Outcome> = outcomes.values().collect();
    let is_live = |o: &&Outcome| o.joined.as_ref().is_some_and(|j| j.live || !j.like_others);
    let (live, metered): (Vec<&Outcome>, Vec<&Outcome>) = others.iter().partition(|o| is_live(o));
    let all: Vec<&Outcome> = played.iter().chain(&metered).copied().collect();
    let incidents = plan.scenarios.len() as u32 * plan.seeds.count;
    let planned = incidents * plan.players().count() as u32 * plan.repeats;
    let models: BTreeSet<String> = all.iter().chain(&live).map(|o| o.scored_by.clone()).collect();
    let names = |of: &[&Outcome]| of.iter().map(|o| o.participant.clone()).collect::<BTreeSet<String>>();
    let (joined, beside) = (names(&metered), names(&live));
    // Pairs of somebody who has not come stand in the list of what held.
    let plays = |name: &str| plan.players().any(|player| player == name);
    let is_there = |name: &String| plays(name) || joined.contains(name);
    let mut pairs: Vec<(String, String)> =
        plan.pairs().into_iter().filter(|(a, b)| is_there(a) && is_there(b)).collect();
    let with_first = plan.players().take(1).flat_map(|a| joined.iter().map(move |b| (a.to_string(), b.clone())));
    for pair in with_first.collect::<Vec<_>>() {
        if !pairs.iter().any(|(a, b)| (a, b) == (&pair.0, &pair.1) || (a, b) == (&pair.1, &pair.0)) {
            pairs.push(pair);
        }
    }
    Study {
        plan: plan.clone(),
        incidents,
        planned,
        done: played.len() as u32,
        models: models.clone(),
        alone: plan.players().map(|name| alone(name, &all)).collect(),
        compared: pairs.iter().map(|(first, second)| compared(first, second, plan.endpoint, &all)).collect(),
        parity: parity(plan, (&played, &metered, &live), &models, planned),
        left_out,
        joined: joined.iter().map(|name| alone(name, &metered)).collect(),
        beside: beside.iter().map(|name| alone(name, &live)).collect(),
    }
}

/// What makes the comparison fair, and whether it held.
fn parity(
    plan: &Plan,
    (played, metered, live): (&[&Outcome], &[&Outcome], &[&Outcome]),
    versions: &BTreeSet<String>,
    planned: u32,
) -> Vec<(String, bool)> {
    let met = |of: &[&Outcome], name: &str| -> BTreeSet<(String, u64, String)> {
        let of = of.iter().filter(|o| o.participant == name);
        of.map(|o| (o.scenario.clone(), o.seed, o.variant.clone())).collect()
    };
    let players: Vec<&str> = plan.players().collect();
    let same = players.windows(2).all(|pair| met(played, pair[0]) == met(played, pair[1]));
    let whole: BTreeSet<_> = players.first().map(|name| met(played, name)).unwrap_or_default();
    let people: BTreeSet<&str> = metered.iter().map(|o| o.participant.as_str()).collect();
    let mut held = vec![
        ("seeds: every participant met the same incidents".to_string(), same),
        ("every run of the plan is there".to_string(), played.len() as u32 == planned),
    ];
    for name in &people {
        let of = met(metered, name);
        let says = format!("seeds: {name} met {} of the {} incidents, and is paired on those", of.len(), whole.len());
        held.push((says, of == whole));
    }
    for person in plan.people.iter().filter(|person| !people.contains(person.name.as_str())) {
        held.push((format!("seeds: {} is in the plan, and has no session on the metered clock", person.name), false));
    }
    let unlike = live.iter().filter(|o| o.joined.as_ref().is_some_and(|j| !j.like_others)).count();
    held.push(match unlike {
        0 => ("prices and tools: the same for all".to_string(), true),
        n => (format!("prices and tools: {n} sessions had other ones, and stand beside, unpaired"), false),
    });
    let on_the_wall = live.iter().filter(|o| o.joined.as_ref().is_some_and(|j| j.live)).count();
    held.push(match on_the_wall {
        0 => ("clock: metered for all".to_string(), true),
        n => (format!("clock: metered for all that is paired; {n} live sessions stand beside, unpaired"), true),
    });
    // A model begins each session anew.
    let remembers = |name: &&str| {
        metered.iter().any(|o| o.participant == *name && o.joined.as_ref().is_some_and(|j| j.model.is_none()))
    };
    let people: BTreeSet<&str> = people.into_iter().filter(remembers).collect();
    held.push(match people.is_empty() {
        true => ("order: nobody keeps anything from one incident to the next".to_string(), true),
        false => {
            let orders = people.iter().map(|name| {
                let mut of: Vec<_> = metered.iter().filter(|o| o.participant == *name).collect();
                of.sort_by_key(|o| o.joined.as_ref().map_or(0, |j| j.order));
                of.iter().map(|o| (o.scenario.clone(), o.seed)).collect::<Vec<_>>()
            });
            let several = orders.collect::<BTreeSet<_>>().len() == people.len() && 1 < people.len();
            let says = if several {
                "order: another for each of those who remember"
            } else {
                "order: one, so that learning and incident cannot be told apart"
            };
            (says.to_string(), several)
        }
    });
    let models: BTreeSet<(String, String)> =
        played.iter().chain(metered).chain(live).filter_map(|o| o.joined.as_ref()?.model.clone()).collect();
    held.push(match models.is_empty() {
        true => ("model and prompt: no model played".to_string(), true),
        false => {
            let list: Vec<String> = models.iter().map(|(name, prompt)| format!("{name}, prompt {prompt}")).collect();
            let ids: BTreeSet<&String> = models.iter().map(|(name, _)| name).collect();
            (format!("model and prompt, one prompt each: {}", list.join("; ")), ids.len() == models.len())
        }
    });
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    held.push((format!("score version: {}", versions.join(", ")), versions.len() <= 1));
    let mut packs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for o in played.iter().chain(metered).chain(live).filter(|o| !o.scenario_hash.is_empty()) {
        packs.entry(&o.scenario).or_default().insert(&o.scenario_hash);
    }
    let hashes: Vec<String> = packs
        .iter()
        .map(|(name, of)| format!("{name} {}", of.iter().copied().collect::<Vec<_>>().join(" and ")))
        .collect();
    held.push((format!("pack: {}", hashes.join(", ")), packs.values().all(|of| of.len() == 1) && !packs.is_empty()));
    held
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u32), |(s, n), v| (s + v, n + 1));
    if count == 0 { f64::NAN } else { sum / f64::from(count) }
}

fn alone(name: &str, all: &[&Outcome]) -> Alone {
    let of: Vec<&Outcome> = all.iter().copied().filter(|o| o.participant == name).collect();
    let mut by_incident: BTreeMap<(&str, u64), Vec<&Outcome>> = BTreeMap::new();
    let mut by_scenario: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut confusion: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
    let mut reliability: BTreeMap<u8, Rate> = BTreeMap::new();
    for outcome in &of {
        by_incident.entry((&outcome.scenario, outcome.seed)).or_default().push(outcome);
        by_scenario.entry(&outcome.scenario).or_default().push(f64::from(u8::from(outcome.correct)));
        let named = outcome.blamed.clone().unwrap_or_else(|| "nothing".to_string());
        let truth = outcome.truth.join(" + ");
        *confusion.entry(truth).or_default().entry(named).or_default() += 1;
        if let Some(percent) = outcome.percent {
            let class = reliability.entry(percent.min(99) / 10 * 10).or_default();
            class.of += 1;
            class.hits += u32::from(outcome.correct);
        }
    }
    let correct = Rate::count(of.iter().map(|o| o.correct));
    let firsts = || of.iter().filter(|o| o.repeat == 0);
    let first = Rate::count(firsts().map(|o| o.correct));
    let grounded = Rate::count(firsts().filter_map(|o| o.grounded_correct));
    let trap = Rate::count(firsts().filter(|o| !o.foil).map(|o| o.blamed_decoy));
    let foil = Rate::count(firsts().filter(|o| o.foil).map(|o| o.blamed_decoy));
    let scores: Vec<f64> = firsts().filter_map(|o| o.score).collect();
    let repeats = by_incident.values().map(Vec::len).min().unwrap_or(0) as u32;
    let pass = |k: u32| {
        mean(
            by_incident
                .values()
                .filter_map(|tries| pass_k(tries.len() as u32, tries.iter().filter(|o| o.correct).count() as u32, k)),
        )
    };
    // One limit for everybody: who never gets well is not well sooner for having left.
    let longest = all.iter().map(|o| o.sim_s).fold(1.0, f64::max);
    let times: Vec<(f64, bool)> = of.iter().map(|o| (o.well_s.unwrap_or(longest), o.well_s.is_some())).collect();
    let until_well: Vec<f64> = firsts().map(|o| o.well_s.unwrap_or(longest)).collect();
    let looks: Vec<f64> = firsts().map(|o| f64::from(o.looks)).collect();
    let costs: Vec<f64> = firsts().filter_map(|o| o.cost_min).collect();
    let commits: Vec<f64> = firsts().filter_map(|o| o.commit_s).collect();
    let within = |values: &[f64]| mean_interval(values).map(|(_, interval)| interval);
    let spent = of.iter().filter_map(|o| o.joined.as_ref()?.spent).fold(None, |sum: Option<(u64, u64, f64)>, s| {
        let (tokens_in, tokens_out, dollars) = sum.unwrap_or_default();
        Some((tokens_in + s.tokens_in, tokens_out + s.tokens_out, dollars + s.dollars))
    });
    let walls: Vec<f64> = of.iter().filter_map(|o| o.wall_s).collect();
    let lost: Vec<f64> =
        firsts().map(|o| if 0.0 < o.lost_if_nothing { o.lost / o.lost_if_nothing } else { 1.0 }).collect();
    Alone {
        participant: name.to_string(),
        incidents: by_incident.len() as u32,
        runs: of.len() as u32,
        correct,
        first,
        correct_interval: first.wilson(),
        scenarios: by_scenario.len() as u32,
        correct_error: clustered_error(&by_scenario.into_values().collect::<Vec<_>>()),
        grounded,
        grounded_interval: grounded.wilson(),
        decoy_on_trap: trap,
        decoy_on_foil: foil,
        score: (!scores.is_empty()).then(|| mean(scores.iter().copied())),
        score_interval: within(&scores),
        scored: scores.len() as u32,
        lost_share: mean(lost.iter().copied()),
        lost_interval: within(&lost),
        harmful: of.iter().filter(|o| o.lost_if_nothing * 1.01 < o.lost).count() as u32,
        looks: mean(looks.iter().copied()),
        looks_interval: within(&looks),
        cost_min: mean(costs.iter().copied()),
        cost_interval: within(&costs),
        commit_s: mean(commits.iter().copied()),
        commit_interval: within(&commits),
        well_s: restricted_mean(&times, longest),
        well_interval: within(&until_well),
        spent,
        well: times.iter().filter(|(_, well)| *well).count() as u32,
        wall_s: (!walls.is_empty()).then(|| mean(walls.iter().copied())),
        pass_k: (1..=repeats.min(8)).map(pass).collect(),
        confusion,
        reliability: reliability.into_iter().collect(),
    }
}

/// A pair of outcomes of one incident.
type Both<'o> = (&'o Outcome, &'o Outcome);

/// By incident: the first repetition of each, since repetitions are no new incidents.
fn compared(first: &str, second: &str, endpoint: Endpoint, all: &[&Outcome]) -> Compared {
    let of = |name: &str| -> BTreeMap<(&str, u64), &Outcome> {
        let first_tries = all.iter().filter(|o| o.participant == name && o.repeat == 0);
        first_tries.map(|o| ((o.scenario.as_str(), o.seed), *o)).collect()
    };
    let (one, other) = (of(first), of(second));
    let both: Vec<Both<'_>> = one.iter().filter_map(|(incident, a)| Some((*a, *other.get(incident)?))).collect();
    let judged = of_both(&both, endpoint);
    let unjudged = (both.len() - judged.len()) as u32;
    // Where nobody can be judged by what they prove, what they name has to do, and the report says so.
    let (endpoint, judged) = match judged.is_empty() {
        true => (Endpoint::Named, of_both(&both, Endpoint::Named)),
        false => (endpoint, judged),
    };
    let pairs = Pairs::count(judged.iter().copied());
    let (low, high) = pairs.interval();
    let interval = (-high, -low);
    let exact_p = pairs.exact_p();
    let verdict = match (exact_p < SAID, 0.0 < interval.0, interval.1 < 0.0) {
        (true, true, _) => Verdict::Better,
        (true, _, true) => Verdict::Worse,
        _ => Verdict::CannotTell,
    };
    let n = f64::from(pairs.of().max(1));
    let longest = all.iter().map(|o| o.sim_s).fold(1.0, f64::max);
    Compared {
        first: first.to_string(),
        second: second.to_string(),
        endpoint,
        unjudged,
        pairs,
        difference: -pairs.difference(),
        interval,
        exact_p,
        mid_p: pairs.mid_p(),
        second_is_better: pairs.second_is_better(),
        verdict,
        needed: needed(f64::from(pairs.first) / n, f64::from(pairs.second) / n),
        beside: beside(&both, endpoint, longest),
    }
}

/// Whether each of a pair came to an endpoint, by incidents on which that can be judged of both.
fn of_both(both: &[Both<'_>], endpoint: Endpoint) -> Vec<(bool, bool)> {
    let came = |o: &Outcome| match endpoint {
        Endpoint::Proved => o.grounded_correct,
        Endpoint::Named => Some(o.correct),
    };
    both.iter().filter_map(|(a, b)| Some((came(a)?, came(b)?))).collect()
}

/// A figure of an outcome, by its name and unit.
type Measured<'m> = (&'static str, Unit, &'m dyn Fn(&Outcome) -> Option<f64>);

/// What else differs. Who never gets well is not well sooner for having left: one limit for everybody.
fn beside(both: &[Both<'_>], endpoint: Endpoint, longest_s: f64) -> Vec<Beside> {
    let other = match endpoint {
        Endpoint::Proved => Endpoint::Named,
        Endpoint::Named => Endpoint::Proved,
    };
    let pairs = Pairs::count(of_both(both, other));
    let (low, high) = pairs.interval();
    let mut found = Vec::new();
    if 0 < pairs.of() {
        found.push(Beside {
            what: other.words(),
            unit: Unit::Share,
            n: pairs.of() as usize,
            mean: -pairs.difference(),
            interval: (-high, -low),
            p: pairs.exact_p(),
            holm_p: 1.0,
        });
    }
    let share_lost = |o: &Outcome| (0.0 < o.lost_if_nothing).then(|| o.lost / o.lost_if_nothing);
    let measures: [Measured<'_>; 6] = [
        ("composite", Unit::Points, &|o| o.score),
        ("lost, of doing nothing", Unit::Share, &share_lost),
        ("time to the last commit, simulated", Unit::Seconds, &|o| o.commit_s),
        ("time until fewer than one in ten are in pain, simulated", Unit::Seconds, &|o| {
            Some(o.well_s.unwrap_or(longest_s))
        }),
        ("cost, in minutes of people", Unit::Minutes, &|o| o.cost_min),
        ("looks", Unit::Count, &|o| Some(f64::from(o.looks))),
    ];
    for (what, unit, of) in measures {
        let differences: Vec<f64> = both.iter().filter_map(|(a, b)| Some(of(b)? - of(a)?)).collect();
        if let Some(d) = mean_difference(&differences) {
            found.push(Beside { what, unit, n: d.n, mean: d.mean, interval: d.interval, p: d.p, holm_p: 1.0 });
        }
    }
    let adjusted = holm(&found.iter().map(|b| b.p).collect::<Vec<f64>>());
    for (of, p) in found.iter_mut().zip(adjusted) {
        of.holm_p = p;
    }
    found
}

/// Incidents that would tell a difference as large as was seen. Fewer pairs that differ than six cannot, by an exact test,
/// however one-sided they are.
fn needed(first: f64, second: f64) -> Option<u32> {
    const FEWEST: f64 = 6.0;
    let least = libm::ceil(FEWEST / (first + second).max(1e-9)) as u32;
    pairs_needed(first, second).map(|n| n.max(least))
}
