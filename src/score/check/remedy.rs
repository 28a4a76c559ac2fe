//! What ends users' pain, and what only seems to: the orders that a file names, or that a search finds, over seeds.

use crate::scenario::apply::{parse, written};
use crate::scenario::file::VariantSpec;
use crate::score::check::{Clause, Finding, Scope, Verdict, ask};
use crate::score::record::pain;
use crate::score::runs::{Ask, Progress, Ran, Runs};
use crate::score::search::{best, timed};
use crate::score::truth::{TOLERANCE, TruthError, tempting};
use crate::sim::spec::action::Action;
use crate::sim::time::{SimDuration, SimTime};

/// So many seeds, the first, are enough to see whether an order helps.
const SEEDS: usize = 3;
/// A tempting order saves less than this share of what the right ones do.
const HALF: f64 = 0.5;
/// Where nobody is paged, somebody is asked to have a look so long after the opening.
const ASKED_AFTER: SimDuration = SimDuration::from_secs(420);

/// Holds a variant to its remedies.
///
/// # Errors
/// It cannot be run.
pub fn check(
    runs: &Runs<'_>,
    scope: &Scope,
    variant: &VariantSpec,
    progress: Progress<'_>,
) -> Result<Vec<Finding>, TruthError> {
    let name = variant.name.as_str();
    let seeds: Vec<u64> = scope.seeds.iter().copied().take(if scope.quick { 1 } else { SEEDS }).collect();
    let asks: Vec<Ask> = seeds.iter().map(|seed| ask(name, *seed, Vec::new(), true)).collect();
    let nothing = runs.all(&asks, progress)?;
    let open_at = runs.scenario.file.open_at();
    let paged: Vec<SimTime> = nothing.iter().map(|ran| ran.paged.unwrap_or(open_at + ASKED_AFTER)).collect();
    let given = |orders: &[Action]| -> Result<Vec<std::sync::Arc<Ran>>, TruthError> {
        let ask = |(seed, paged): (&u64, &SimTime)| Ask {
            orders: orders.iter().enumerate().map(|(n, action)| timed(*paged, n, action)).collect(),
            ..ask(name, *seed, Vec::new(), false)
        };
        let asks: Vec<Ask> = seeds.iter().zip(&paged).map(ask).collect();
        Ok(runs.all(&asks, progress)?)
    };
    let read = |texts: &[String]| -> Vec<Action> { texts.iter().filter_map(|text| parse(text).ok()).collect() };
    let saved = |ran: &[std::sync::Arc<Ran>]| -> Vec<f64> {
        nothing.iter().zip(ran).map(|(nothing, ran)| nothing.lost() - ran.lost()).collect()
    };
    let tolerance = |i: usize| TOLERANCE * nothing[i].harm.user_minutes_at_stake;
    let show = |orders: &[Action], seed: u64| {
        let at = seeds.iter().position(|s| *s == seed).map_or(SimTime::ZERO, |i| paged[i]);
        let applied = orders.iter().enumerate().map(|(n, action)| {
            let order = timed(at, n, action);
            format!("--apply {}@{:.0} ", written(action), order.at.since(open_at.min(order.at)).as_secs_f64())
        });
        scope.command("run", name, seed, &applied.collect::<String>())
    };
    let mut found = Vec::new();

    let mut right = read(&variant.mends);
    let mut source = "as the file says";
    if variant.causes.is_empty() {
        right = Vec::new();
    } else if right.is_empty() {
        if scope.quick {
            let why = "the file names none (`mends:`), and a quick check does not look for any";
            found.push(Finding::new(Clause::RemedyWorks, Some(name), Verdict::Open, why));
        } else {
            right = best(runs, name, seeds[0], paged[0], progress)?.orders.into_iter().map(|o| o.action).collect();
            source = "found by a search; `mends:` would name them";
        }
    }
    let mended = if right.is_empty() { None } else { Some(given(&right)?) };
    let most: Option<Vec<f64>> = mended.as_ref().map(|ran| saved(ran));
    if let (Some(ran), Some(saved)) = (&mended, &most) {
        let ends = |i: usize| pain(&ran[i].series).is_none_or(|p| p.until_s.is_some()) && tolerance(i) <= saved[i];
        let failing: Vec<u64> = (0..seeds.len()).filter(|i| !ends(*i)).map(|i| seeds[i]).collect();
        let orders: Vec<String> = right.iter().map(written).collect();
        let says = format!(
            "{} ({source}) saves {} of {} user-minutes",
            orders.join(", then "),
            numbers(saved),
            numbers(&nothing.iter().map(|r| r.lost()).collect::<Vec<_>>())
        );
        let holds = failing.is_empty();
        found.push(
            Finding::holds_if(Clause::RemedyWorks, Some(name), holds, says).on(failing, |seed| show(&right, seed)),
        );
    } else if !variant.causes.is_empty() && !scope.quick {
        let says = "nothing that was tried helps";
        found.push(
            Finding::holds_if(Clause::RemedyWorks, Some(name), false, says)
                .on(vec![seeds[0]], |seed| scope.command("run", name, seed, "")),
        );
    }

    let mut wrong = read(&variant.tempts);
    if wrong.is_empty() && !scope.quick {
        wrong = believer_orders(runs, variant);
    }
    wrong.retain(|action| !right.contains(action));
    if wrong.is_empty() {
        let why = "the file names no tempting order (`tempts:`)";
        found.push(Finding::new(Clause::TemptingFails, Some(name), Verdict::Open, why));
        return Ok(found);
    }
    let (mut failing, mut said, mut shown) = (Vec::new(), Vec::new(), String::new());
    let mut dearest = f64::NEG_INFINITY;
    for action in &wrong {
        let saved = saved(&given(std::slice::from_ref(action))?);
        dearest = dearest.max(saved.iter().enumerate().map(|(i, s)| -s - tolerance(i)).fold(f64::INFINITY, f64::min));
        let little = |i: usize| match &most {
            Some(most) => saved[i] < (HALF * most[i]).max(tolerance(i)),
            // Where nothing is wrong, or nothing is known to help, it must not help either.
            None => saved[i] < tolerance(i),
        };
        let bad: Vec<u64> = (0..seeds.len()).filter(|i| !little(*i)).map(|i| seeds[i]).collect();
        said.push(format!("{} saves {}", written(action), numbers(&saved)));
        if let Some(seed) = bad.first().filter(|_| shown.is_empty()) {
            shown = show(std::slice::from_ref(action), *seed);
        }
        failing.extend(bad);
    }
    failing.sort_unstable();
    failing.dedup();
    let holds = failing.is_empty();
    found.push(
        Finding::holds_if(Clause::TemptingFails, Some(name), holds, said.join("; ")).on(failing, |_| shown.clone()),
    );
    if variant.causes.is_empty() {
        let says = format!("of nothing lost: {}", said.join("; "));
        let finding = Finding::holds_if(Clause::ActingCosts, Some(name), 0.0 < dearest, says);
        found.push(finding.on(vec![seeds[0]], |seed| show(&wrong[..1], seed)));
    }
    Ok(found)
}

/// What somebody orders who believes what tempts here: more replicas, where demand or capacity tempt.
fn believer_orders(runs: &Runs<'_>, variant: &VariantSpec) -> Vec<Action> {
    let file = &runs.scenario.file;
    let tempts = tempting(runs.scenario, &variant.name);
    let capacity = tempts.iter().any(|m| m.starts_with("demand.") || m == "serving.capacity");
    if !capacity || variant.foil {
        return Vec::new();
    }
    let most = |pool: &crate::sim::spec::stack::PoolSpec| {
        pool.autoscaler.as_ref().map_or(pool.replicas.saturating_mul(2), |a| a.max).max(pool.replicas)
    };
    let orders = file.stack.pools.iter().map(|pool| Action::Scale { pool: pool.name.clone(), replicas: most(pool) });
    orders.filter(|action| file.order_mistakes(SimDuration::ZERO, action, "").is_empty()).collect()
}

fn numbers(values: &[f64]) -> String {
    values.iter().map(|v| format!("{v:.0}")).collect::<Vec<_>>().join(" / ")
}
