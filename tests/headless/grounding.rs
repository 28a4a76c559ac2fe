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

/// Volume, failures, the line, and how late first tokens are.
const LOUD: [&str; 4] = [
    "explore sum(rate(envoy_http_downstream_rq_total[2m])) over 15m",
    "explore sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx[2m])) over 15m",
    "explore sum(vllm:num_requests_waiting) over 15m",
    "explore histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[2m]))) over 15m",
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

/// Beliefs after each line by a table of the flagship, in a session of a variant.
fn looked(scenario: &Scenario, observer: &Observer, variant: &str, truth: &[&str], lines: &[&str]) -> Judgement {
    let open_at = scenario.file.open_at();
    let at = paged(scenario, variant, 3).expect("a run").expect("somebody is paged");
    let paged_s = at.since(open_at).as_secs_f64();
    let mut session = begin(scenario, variant, paged_s as u64, Mode::A0);
    let events = say(&mut session, lines);
    let setup = Setup { variant: Some(variant.to_string()), ..Setup::default() };
    let reading = Reading::paged(&scenario.file, &setup, 3, Some(paged_s.floor())).expect("a world");
    let record = Record::of(&session, &events).expect("it has ended");
    judge(observer, &record, &Facts { reading: &reading, truth, said: None })
}

#[test]
fn loud_panels_prove_nothing_cost_tells_cache_from_crowd_and_the_tier_tells_how() {
    let scenario = flagship();
    let observer = Observer::built_in(&scenario).expect("it comes with the program");
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
        let told = looked(&scenario, &observer, variant, truth, &lines);
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
        holds("the loud panels prove", loud[own] < 0.8);
        if own == surge {
            holds("cost does not tell a crowd", 0.8 <= cost[surge]);
        } else {
            holds("the loud panels rule out a crowd", cache(loud) < 0.95);
            holds("cost does not tell the cache", 0.95 <= cache(cost));
            holds("cost alone tells how it was lost", cost[own] < 0.8);
            holds("the tier does not tell how it was lost", 0.8 <= all[own]);
        }
    }
    assert!(odd.is_empty(), "{odd:#?}");
}
