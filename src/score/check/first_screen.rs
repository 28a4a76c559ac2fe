//! Whether the first screen gives the answer away: somebody who has seen many such screens, and looks at nothing else, must
//! not name the variant more often than chance.

use crate::scenario::opened::Scenario;
use crate::score::check::observed::stale;
use crate::score::check::{Clause, Finding, Scope, Verdict};
use crate::score::observer::mind::Mind;
use crate::score::observer::reading::Reading;
use crate::score::observer::weigh::Scale;
use crate::score::observer::{Freshness, NoObserver, Observer};
use crate::score::rate::Rate;

/// Of a table's runs those that the nearest matches of their first screens name rightly, each run left out in turn and all
/// hypotheses alike likely beforehand.
pub fn named_rightly(observer: &Observer) -> Rate {
    let table = &observer.table;
    let cells = Mind::new(observer, &Reading::default()).first_screen();
    let alike = vec![1.0 / observer.hypotheses.len().max(1) as f64; observer.hypotheses.len()];
    let scale = Scale::new(table, cells, &alike);
    let hit = |(believed, (truth, _)): (&Vec<f64>, &(u8, u16))| {
        let most = believed.iter().copied().fold(0.0, f64::max);
        // Of several that it cannot tell apart it would take any: each counts its part.
        let among: Vec<usize> = (0..believed.len()).filter(|h| most - believed[*h] < 1e-9).collect();
        if among.contains(&usize::from(*truth)) { 1.0 / among.len() as f64 } else { 0.0 }
    };
    let hits: f64 = scale.left_out().iter().zip(&table.runs).map(hit).sum();
    Rate { hits: hits.round() as u32, of: table.runs.len() as u32 }
}

/// Whether the first screen names a hypothesis no more often than chance, interval included, and that in words.
pub fn told(observer: &Observer) -> (bool, String) {
    let rate = named_rightly(observer);
    let chance = 1.0 / observer.hypotheses.len().max(1) as f64;
    let (low, high) = rate.wilson();
    let says = format!(
        "the nearest match names {} of {} ({:.0} to {:.0} %); chance {:.0} %",
        rate.hits,
        rate.of,
        low * 100.0,
        high * 100.0,
        chance * 100.0
    );
    (low <= chance, says)
}

/// Holds a scenario to its first screen.
pub fn check(scenario: &Scenario, observer: &Result<Observer, NoObserver>, scope: &Scope) -> Finding {
    let clause = Clause::FirstScreen;
    let observer = match observer {
        Err(error) => return Finding::new(clause, None, Verdict::Open, error.to_string()),
        Ok(_) if scope.quick => return Finding::new(clause, None, Verdict::Open, "a quick check asks no observer"),
        Ok(observer) => match stale(scenario, observer, &scenario.file.variants[0].name) {
            Ok(false) => observer,
            Ok(true) => return Finding::new(clause, None, Verdict::Open, Freshness::OtherScenario.says()),
            Err(error) => return Finding::new(clause, None, Verdict::Open, error.to_string()),
        },
    };
    let (holds, says) = told(observer);
    if scenario.file.variants.len() == 1 {
        let says = format!("one variant, so that nothing is drawn; against what it never is, {says}");
        return Finding::new(clause, None, Verdict::Holds, says);
    }
    let show = |_: u64| format!("scartissue observer show {} --at 0", scope.named);
    Finding::holds_if(clause, None, holds, says).on(vec![scope.seeds[0]], show)
}
