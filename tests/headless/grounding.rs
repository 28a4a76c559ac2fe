//! What proves on the flagship and what does not, by the table that comes with the program: loud panels tell a lost cache
//! from a crowd no better than they did on the night, what a request costs does, and only what the tier itself says tells
//! one way of losing it from another.

use std::sync::Arc;

use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::score::observer::Observer;
use scartissue::score::observer::judge::{Facts, Judgement, judge};
use scartissue::score::observer::reading::Reading;
use scartissue::score::record::Record;
use scartissue::score::runs::paged;
use scartissue::session::clock::Mode;
use scartissue::sim::time::SimDuration;

use crate::score::{begin, say};

/// Volume from well before the page, failures, and the line.
const LOUD: [&str; 3] = [
    "explore sum(rate(envoy_http_downstream_rq_total[2m])) over 15m",
    "explore sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx[2m])) over 15m",
    "explore sum(vllm:num_requests_waiting) over 15m",
];
/// What is found where, what a first token costs, and how many tries there are to a request.
const COST: [&str; 3] = [
    "explore sum by (source) (rate(vllm:prompt_tokens_by_source_total[2m])) over 15m",
    "sql select time_ms/60000 as minute, sum(prompt_tokens - cached_tokens)/count(*) as computed from requests group by 1",
    "sql select time_ms/60000 as minute, count(*), count(distinct idempotency_key) from requests group by 1",
];
/// What the tier says of itself.
const TIER: [&str; 4] = ["board kv_cache", "ring", "get events", "changes"];

/// The flagship, ending early: what is asked of it is over by then.
fn flagship() -> Scenario {
    let mut scenario = Scenario::open(&Catalogue::built_in(), "empty-spares").expect("the flagship loads");
    Arc::make_mut(&mut scenario.file).length_s = SimDuration::from_secs(960);
    scenario
}

/// A night of the flagship, with what telemetry showed of it.
struct Night {
    scenario: Scenario,
    observer: Observer,
    variant: &'static str,
    truth: &'static [&'static str],
    paged_s: u64,
    reading: Reading,
}

impl Night {
    fn new(variant: &'static str, truth: &'static [&'static str]) -> Night {
        let scenario = flagship();
        let observer = Observer::built_in(&scenario).expect("it comes with the program");
        let at = paged(&scenario, variant, 3).expect("a run").expect("somebody is paged");
        let paged_s = at.since(scenario.file.open_at()).as_secs_f64() as u64;
        let setup = Setup { variant: Some(variant.to_string()), ..Setup::default() };
        let reading = Reading::paged(&scenario.file, &setup, 3, Some(paged_s as f64)).expect("a world");
        Night { scenario, observer, variant, truth, paged_s, reading }
    }

    /// What the observer makes of a session on it.
    fn judged(&self, lines: &[&str]) -> Judgement {
        let mut session = begin(&self.scenario, self.variant, self.paged_s, Mode::A0);
        let events = say(&mut session, lines);
        let record = Record::of(&session, &events).expect("it has ended");
        judge(&self.observer, &record, &Facts { reading: &self.reading, truth: self.truth, said: None, healthy: &[] })
    }
}

#[test]
fn loud_panels_prove_nothing_cost_tells_cache_from_crowd_and_the_tier_tells_how() {
    let observer = Observer::built_in(&flagship()).expect("it comes with the program");
    let place = |name: &str| observer.hypotheses.iter().position(|h| h.name == name).expect("a hypothesis");
    let surge = place("surge");
    let lines: Vec<&str> =
        ["wait 120s"].iter().chain(&LOUD).chain(&COST).chain(&TIER).chain(&["end"]).copied().collect();
    let variants = [
        ("membership", &["kv_cache.membership", "kv_cache.agent_roll"][..]),
        ("flush", &["kv_cache.flush"]),
        ("invalidation", &["kv_cache.invalidation"]),
        ("surge", &["demand.growth"]),
    ];
    let mut odd = Vec::new();
    for (variant, truth) in variants {
        let told = Night::new(variant, truth).judged(&lines);
        // Which alerts fire when somebody is paged tells nothing.
        let base = observer.of_truth(&observer.prior, truth);
        assert!((told.truth_given_first_screen - base).abs() < 0.1, "{variant}: {}", told.truth_given_first_screen);
        println!("{variant}: first screen {:.2}", told.truth_given_first_screen);
        for look in &told.looks {
            let beliefs: Vec<String> =
                (observer.hypotheses.iter().zip(&look.beliefs)).map(|(h, p)| format!("{} {p:.2}", h.name)).collect();
            println!("  E{} {:.2} bits  {}  <- {}", look.observation, look.bits, beliefs.join("  "), look.title);
        }
        let after = |looks: usize| &told.looks[looks - 1].beliefs;
        let (loud, cost) = (after(LOUD.len()), after(LOUD.len() + COST.len()));
        let all = after(told.looks.len());
        let own = place(variant);
        let cache = |beliefs: &[f64]| 1.0 - beliefs[surge];
        let mut holds = |what: &str, holds: bool| {
            if !holds {
                odd.push(format!("{variant}: {what}"));
            }
        };
        if own == surge {
            // Users who want more come before the page, and those who try again after it: the course of the volume tells
            // something, its height does not.
            holds("the loud panels leave no doubt of a crowd", loud[surge] < 0.95);
            holds("cost does not tell a crowd", 0.8 <= cost[surge]);
        } else {
            holds("the loud panels prove", loud[own] < 0.8);
            holds("the loud panels rule out a crowd", cache(loud) < 0.95);
            holds("cost does not tell the cache", 0.95 <= cache(cost));
            holds("the tier does not tell how it was lost", 0.8 <= all[own]);
        }
        // A tier that is there and of no use shows in what is found where; an empty one does not say who emptied it.
        if ["membership", "flush"].contains(&variant) {
            holds("cost alone tells how it was lost", cost[own] < 0.9);
        }
    }
    assert!(odd.is_empty(), "{odd:#?}");
}

#[test]
fn closing_early_and_not_moving_are_told_of_whole_sessions() {
    let night = Night::new("membership", &["kv_cache.membership", "kv_cache.agent_roll"]);
    let premature = |lines: &[&str]| night.judged(lines).premature;
    assert_eq!(premature(&["wait 120s", "commit demand.growth 90", "board kv_cache", "end"]), Some(true));
    assert_eq!(
        premature(&["wait 150s", COST[0], "board kv_cache", "commit kv_cache.membership 90 cite E2", "end"]),
        Some(false)
    );
    assert_eq!(premature(&["wait 120s", COST[0], "commit kv_cache.membership=60 other=40", "end"]), None);

    // Every commit is judged by what it cites: one that cites nothing proves nothing, the next may.
    let told = night.judged(&[
        "wait 150s",
        COST[0],
        TIER[0],
        TIER[1],
        TIER[2],
        TIER[3],
        "commit kv_cache.membership 70",
        "commit kv_cache.membership 90 cite E1 E2 E3 E4 E5",
        "end",
    ]);
    assert_eq!((&told.proofs[..], told.proves), (&[false, true][..], true), "{}", told.truth_given_cited);

    // A look speaks against demand: who does not move at all, who moves some of the way, who moves as far.
    let inertia = |after: &str| {
        let told = night.judged(&["believe demand.growth=80 other=20", "wait 150s", COST[0], after, "end"]);
        assert_eq!(told.disconfirming, [1], "{:?}", told.looks);
        told.inertia.expect("something spoke against it")
    };
    let (stays, some, all) = (
        inertia("believe demand.growth=80 other=20"),
        inertia("believe demand.growth=60 other=40"),
        inertia("believe kv_cache.flush=100"),
    );
    assert!(stays == 1.0 && all == 0.0 && all < some && some < stays, "{stays} {some} {all}");
    // Nothing that was looked at spoke against it.
    assert_eq!(night.judged(&["believe kv_cache.flush=60 other=40", "wait 150s", COST[0], "end"]).inertia, None);
}
