//! What the causes and decoys of a variant do, over seeds: hurt, page, needed, in a stable order, harmless.

use std::sync::Arc;

use crate::scenario::file::VariantSpec;
use crate::score::check::{Clause, Finding, Scope, Verdict, ask, of_variant, onset};
use crate::score::runs::{Progress, Ran, Runs};
use crate::score::shapley::{Game, MOST_CAUSES, TIE};
use crate::score::truth::{HURT, TOLERANCE, TruthError, prove};
use crate::sim::time::SimTime;

/// Without its root cause users are spared at least this often.
const NEEDED: f64 = 0.8;
/// The page leaves this share of the time.
const LEFT: f64 = 1.0 / 3.0;

/// Holds a variant to what its file claims of the world.
///
/// # Errors
/// It cannot be run.
pub fn check(
    runs: &Runs<'_>,
    scope: &Scope,
    variant: &VariantSpec,
    progress: Progress<'_>,
) -> Result<Vec<Finding>, TruthError> {
    let file = &*runs.scenario.file;
    let name = variant.name.as_str();
    let causes = &variant.causes;
    let mut asks = Vec::new();
    for seed in &scope.seeds {
        asks.push(ask(name, *seed, Vec::new(), true));
        asks.push(ask(name, *seed, causes.clone(), true));
        asks.push(ask(name, *seed, variant.decoys.clone(), false));
    }
    let shares = 1 < causes.len() && causes.len() <= MOST_CAUSES && !scope.quick;
    if shares {
        for seed in &scope.seeds {
            asks.extend((0..1usize << causes.len()).map(|s| ask(name, *seed, absent(causes, s), false)));
        }
    }
    let ran = runs.all(&asks, progress)?;
    let of = |place: usize| -> Vec<&Arc<Ran>> { ran[..3 * scope.seeds.len()].iter().skip(place).step_by(3).collect() };
    let (with, without, plain) = (of(0), of(1), of(2));
    let failing = |holds: &dyn Fn(usize) -> bool| -> Vec<u64> {
        scope.seeds.iter().enumerate().filter(|(i, _)| !holds(*i)).map(|(_, seed)| *seed).collect()
    };
    let judged = |clause: Clause, says: String, failing: Vec<u64>, show: &dyn Fn(u64) -> String| {
        let holds = scope.enough(scope.seeds.len() - failing.len());
        Finding::holds_if(clause, Some(name), holds, says).on(failing, show)
    };
    let run = |seed: u64| scope.command("run", name, seed, "");
    let run_without = |ids: &[String]| {
        let rest: String = ids.iter().map(|id| format!("--without {id} ")).collect();
        move |seed: u64| scope.command("run", name, seed, &rest)
    };
    let mut found = Vec::new();

    let lost = |ran: &[&Arc<Ran>]| {
        let shares: Vec<f64> = ran.iter().map(|r| r.lost_share() * 100.0).collect();
        let (low, high) = (shares.iter().copied().fold(f64::MAX, f64::min), shares.iter().copied().fold(0.0, f64::max));
        format!("{low:.2} to {high:.2} % of what users wanted is lost")
    };
    if causes.is_empty() {
        // Nothing is wrong here: then nobody may be hurt, and what pages is the decoy.
        let hurt = failing(&|i| with[i].lost_share() <= HURT);
        found.push(judged(Clause::Healthy, lost(&with), hurt, &run));
    } else {
        found.push(judged(Clause::Hurts, lost(&with), failing(&|i| HURT < with[i].lost_share()), &run));
        let sick = failing(&|i| without[i].lost_share() <= HURT);
        found.push(judged(Clause::Healthy, lost(&without), sick, &run_without(causes)));

        let open_at = file.open_at();
        let begins = open_at + onset(file, variant);
        let latest = SimTime((file.length_s.as_secs_f64() * (1.0 - LEFT) * 1e9) as u64 + open_at.0);
        let in_time = |ran: &Ran| ran.paged.is_some_and(|at| begins <= at && at <= latest);
        let after = |at: SimTime| at.since(open_at.min(at)).as_secs_f64();
        let moments: Vec<f64> = with.iter().filter_map(|r| r.paged).map(after).collect();
        let (low, high) = moments.iter().fold((f64::MAX, 0.0_f64), |(l, h), m| (l.min(*m), h.max(*m)));
        let says = match moments.len() {
            0 => "nobody is paged".to_string(),
            n if n < with.len() => {
                format!("somebody is paged on {n} of {} seeds, {low:.0} to {high:.0} s after the opening", with.len())
            }
            _ => format!("somebody is paged {low:.0} to {high:.0} s after the opening; onset {:.0} s", after(begins)),
        };
        found.push(judged(Clause::PageFires, says, failing(&|i| in_time(with[i])), &run));
        let woken = failing(&|i| without[i].paged.is_none());
        let says = match woken.len() {
            0 => "nobody is paged".to_string(),
            n => format!("somebody is paged on {n} of {} seeds", scope.seeds.len()),
        };
        // Not even once: a page in health is a lie that the next session tells too.
        let silent = woken.is_empty();
        found.push(Finding::holds_if(Clause::PageSilent, Some(name), silent, says).on(woken, run_without(causes)));
        found.extend(roots(runs, scope, variant)?);
    }

    if !variant.decoys.is_empty() {
        let moved = |i: usize| with[i].lost() - plain[i].lost();
        let stake = |i: usize| TOLERANCE * with[i].harm.user_minutes_at_stake;
        let worst = (0..with.len()).map(|i| moved(i).abs() / stake(i).max(1e-9)).fold(0.0, f64::max);
        let says = format!(
            "without all of them harm moves by {:.2} % of what users wanted at most",
            worst * TOLERANCE * 100.0
        );
        let harmful = failing(&|i| moved(i).abs() < stake(i));
        let mut finding = judged(Clause::DecoysHarmless, says, harmful, &run_without(&variant.decoys));
        if finding.verdict == Verdict::Fails {
            finding.says.push_str(&which(runs, scope, variant, progress)?);
        }
        found.push(finding);
    }
    Ok(found)
}

/// The ids that a subset of causes leaves out.
fn absent(causes: &[String], subset: usize) -> Vec<String> {
    causes.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 0).map(|(_, id)| id.clone()).collect()
}

/// Which of several decoys does harm, under the first seed.
fn which(runs: &Runs<'_>, scope: &Scope, variant: &VariantSpec, progress: Progress<'_>) -> Result<String, TruthError> {
    let seed = scope.seeds[0];
    let mut asks = vec![ask(&variant.name, seed, Vec::new(), true)];
    asks.extend(variant.decoys.iter().map(|id| ask(&variant.name, seed, vec![id.clone()], false)));
    let ran = runs.all(&asks, progress)?;
    let stake = ran[0].harm.user_minutes_at_stake.max(1e-9);
    let moved = variant.decoys.iter().zip(&ran[1..]).map(|(id, without)| {
        format!("; {id} by itself {:+.2} % under seed {seed}", (ran[0].lost() - without.lost()) / stake * 100.0)
    });
    Ok(moved.collect())
}

/// Is the root needed, and do causes keep their order.
fn roots(runs: &Runs<'_>, scope: &Scope, variant: &VariantSpec) -> Result<Vec<Finding>, TruthError> {
    let file = &*runs.scenario.file;
    let name = variant.name.as_str();
    let seeds = if scope.quick { 1 } else { scope.seeds.len() as u32 };
    // All of these runs but a quick check's subsets were made before.
    let truth = prove(runs, Some(name), scope.seeds[0], seeds, &|_, _| {})?;
    let dominant = truth.dominant();
    let show = |seed: u64| scope.command("truth", name, seed, &format!("--seeds {seeds}"));
    let mut found = Vec::new();
    let says: Vec<String> = dominant
        .iter()
        .map(|c| format!("{} is needed on {:.0} % of seeds", c.id, c.pn.unwrap_or(0.0) * 100.0))
        .collect();
    let causes = of_variant(&file.causes, &variant.causes);
    let roots = || causes.iter().filter(|c| c.role == crate::scenario::file::Role::Root);
    // Where the file calls none the root, it says that all of them are: none of them hurts alone.
    let claimed: Vec<&str> = match roots().next() {
        None => causes.iter().map(|c| c.id.as_str()).collect(),
        Some(_) => roots().map(|c| c.id.as_str()).collect(),
    };
    let needed = dominant.iter().any(|c| c.pn.is_some_and(|pn| NEEDED <= pn));
    let borne_out = dominant.iter().any(|c| claimed.contains(&c.id.as_str()));
    let says = match (dominant.is_empty(), borne_out) {
        (true, _) => "no cause weighs anything".to_string(),
        (_, false) => format!("{}, and the file says {}", says.join("; "), claimed.join(", ")),
        _ => says.join("; "),
    };
    let bad = if needed && borne_out { Vec::new() } else { vec![scope.seeds[0]] };
    found.push(Finding::holds_if(Clause::RootNeeded, Some(name), needed && borne_out, says).on(bad, show));

    let causes = &variant.causes;
    if causes.len() < 2 {
        found.push(Finding::new(Clause::RankStable, Some(name), Verdict::Holds, "one cause alone"));
        return Ok(found);
    }
    if scope.quick {
        found.push(Finding::new(Clause::RankStable, Some(name), Verdict::Open, "a quick check takes one seed"));
        return Ok(found);
    }
    let mut by_seed = Vec::new();
    for seed in &scope.seeds {
        let asks: Vec<_> = (0..1usize << causes.len()).map(|s| ask(name, *seed, absent(causes, s), false)).collect();
        let harms = runs.all(&asks, &|_, _| {})?.iter().map(|r| r.lost()).collect();
        by_seed.push(Game::new(harms)?.shares());
    }
    let mut odd: Vec<u64> = Vec::new();
    for one in 0..causes.len() {
        for other in one + 1..causes.len() {
            let leads = |shares: &Vec<f64>| shares[one] - shares[other];
            let (up, down): (Vec<usize>, Vec<usize>) = (
                (0..by_seed.len()).filter(|i| TIE < leads(&by_seed[*i])).collect(),
                (0..by_seed.len()).filter(|i| leads(&by_seed[*i]) < -TIE).collect(),
            );
            odd.extend(if up.len() < down.len() { up } else { down }.iter().map(|i| scope.seeds[*i]));
        }
    }
    odd.sort_unstable();
    odd.dedup();
    let holds = scope.enough(scope.seeds.len() - odd.len());
    let says = match odd.len() {
        0 => "the order is the same under every seed; what weighs alike counts as alike".to_string(),
        n => format!("two causes change places under {n} of {} seeds", scope.seeds.len()),
    };
    found.push(Finding::holds_if(Clause::RankStable, Some(name), holds, says).on(odd, show));
    Ok(found)
}
