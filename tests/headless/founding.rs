//! The founding case, from command to debrief: who blames demand for a lost cache, the same on the twin in which demand is
//! the truth, and who looks at what separates them.

use std::sync::Arc;

use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::composite::Gate;
use scartissue::score::debrief::{Debrief, Verdict, debrief_among};
use scartissue::score::observer::Observer;
use scartissue::score::runs::Runs;
use scartissue::score::shapley::TrueRole;
use scartissue::score::tell;
use scartissue::score::truth::TOLERANCE;
use scartissue::session::clock::Mode;
use scartissue::sim::time::SimDuration;

use crate::score::{begin, measure, say};

/// Seconds after the opening at which somebody is paged.
const PAGED_S: u64 = 430;

/// Sees that requests are up, scales, and says that it was demand.
const MORE_SERVERS: [&str; 8] = [
    "wait 90s",
    "ack",
    "explore sum(rate(envoy_http_downstream_rq_total[2m])) over 2m",
    "arm",
    "act scale:agents-70b=12",
    "wait 60s",
    "commit demand.growth=85 other=15 cite E1",
    "end",
];

/// Looks at what separates the twins, and commits to what it shows.
fn thorough(commit: &str) -> Vec<String> {
    [
        "wait 90s",
        "ack",
        "sql select time_ms/60000 as minute, count(*), count(distinct idempotency_key) from requests group by 1",
        "board kv_cache",
        "get events",
        "ring",
        commit,
        "end",
    ]
    .map(str::to_string)
    .to_vec()
}

/// The flagship, ending early: what is asked of it is over by then.
fn flagship() -> Scenario {
    let mut scenario = Scenario::open(&Catalogue::built_in(), "empty-spares").expect("the flagship loads");
    Arc::make_mut(&mut scenario.file).length_s = SimDuration::from_secs(900);
    scenario
}

/// Both participants on one variant of one night, judged by the table that comes with the program.
fn both(variant: &str, thoroughly: &str) -> [Debrief; 2] {
    let scenario = flagship();
    let runs = Runs::new(&scenario);
    let told = |lines: &[&str]| {
        let mut session = begin(&scenario, variant, PAGED_S, Mode::A0);
        let events = say(&mut session, lines);
        let observer = Observer::built_in(&scenario).expect("it comes with the program");
        debrief_among(&session, &events, Some(observer), &runs, &|_, _| {}).expect("a debrief")
    };
    let lines = thorough(thoroughly);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    [told(&MORE_SERVERS), told(&lines)]
}

#[test]
fn whoever_blames_demand_for_a_lost_cache_is_wrong_held_at_49_and_told_what_would_have_refuted_it() {
    let commit =
        "commit cause kv_cache.membership cause kv_cache.agent_roll kv_cache.membership=85 other=15 cite E1 E2 E3 E4";
    let [told, good] = both("membership", commit);
    assert_eq!((told.cause.verdict, told.cause.credit), (Verdict::Wrong, 0.0));
    let headline = tell::headline(&told);
    assert!(headline.starts_with("You said demand, 85 %. It was the KV cache: warm cache nodes"), "{headline}");
    assert_eq!(told.cause.was, ["kv_cache.membership"]);
    assert!(told.cause.blamed_decoy && told.card.composite.gates.contains(&Gate::BlamedDecoy));
    assert_eq!((measure(&told, "M1").value, told.cause.proved), (Some(0.0), Some(false)));
    assert!(told.card.composite.total.expect("an observer judges it") <= 49.0);
    // The boring panel: what stood still, and would have moved had it been demand.
    let judged = told.observer.as_ref().expect("there is one");
    let lines = tell::looks(judged, &told.cause).join("\n");
    println!("{lines}");
    let refuted = judged.refuted.as_ref().expect("one look rules demand out");
    assert_eq!((refuted.looked_at, judged.rival.as_deref()), (false, Some("demand.growth")));
    // One of the trio that tells the twins apart: what users want stood still, or where tokens are found and what a request
    // costs moved.
    let (key, behaved) = (refuted.item.key.as_str(), refuted.behaved);
    let still = ["rows:unique", "rows:accounts"].contains(&key) && behaved == "flat";
    let fell = ["panel:overview.hit_ratio", "rows:cached", "rows:cached_remote"].contains(&key) && behaved == "fell";
    let rose = ["panel:serving.computed", "rows:computed_each"].contains(&key) && behaved == "rose";
    assert!(still || fell || rose, "{key} {behaved}");
    assert!(lines.contains("One look would have ruled out demand: "), "{lines}");
    assert_eq!(measure(&told, "M4").value, Some(1.0), "the question was closed too early");
    let text = tell::markdown(&told);
    assert!(text.contains("G1") && text.contains(lines.lines().next().expect("a line")));
    // Together or not at all: each half alone hurts nobody, so they share, and the claim says which is the root.
    let truth = &told.truth;
    let (roll, controller) = (&truth.causes[0], &truth.causes[1]);
    assert_eq!((roll.role, controller.role), (TrueRole::Contributing, TrueRole::Root));
    assert!((roll.share - 0.5).abs() < 0.05, "{}", roll.share);
    assert_eq!((controller.pn, controller.ps), (Some(1.0), Some(0.0)));
    assert_eq!((roll.responsibility, controller.responsibility), (1.0, 1.0), "without either users are spared");
    let spread: f64 = truth.causes.iter().map(|c| c.value).sum();
    assert!((spread - (truth.harm[3].1 - truth.harm[0].1)).abs() < 1e-6);
    assert_eq!(truth.harm[3].0, "agent-roll+fast-controller");
    assert_eq!(truth.harm[0].0, "");
    // Removing a decoy moves nothing.
    assert_eq!(truth.decoys.len(), 3);
    for decoy in &truth.decoys {
        assert!(decoy.harmless && decoy.effect.abs() < TOLERANCE * truth.at_stake, "{}: {}", decoy.id, decoy.effect);
    }
    let users = &told.users;
    assert!(users.lost_at_best <= users.lost && users.lost_at_best < 0.9 * users.lost_if_nothing, "{users:?}");
    assert_eq!(users.orders.len(), 1);

    let judged = good.observer.as_ref().expect("there is one");
    println!("good: {:#?}", judged.looks);
    assert_eq!((good.cause.verdict, good.cause.proved), (Verdict::Right, Some(true)), "{}", judged.truth_given_cited);
    assert_eq!((measure(&good, "M1").value, measure(&good, "M2").value), (Some(1.0), Some(1.0)));
    assert!(good.card.composite.gates.is_empty());
    assert!(told.card.composite.total < good.card.composite.total);
}

#[test]
fn the_same_participant_is_right_where_demand_is_the_truth_and_has_not_proved_it() {
    let [told, good] = both("surge", "commit demand.growth=85 other=15 cite E1 E2 E3 E4");
    assert_eq!((told.cause.verdict, told.cause.credit), (Verdict::Right, 1.0));
    assert!(
        tell::headline(&told).starts_with("You said demand: more people want more, 85 %. That was it"),
        "{}",
        tell::headline(&told)
    );
    let cited = told.observer.as_ref().expect("there is one").truth_given_cited;
    // That requests are up is what both twins look like. When they rose, before the page or after it, is another look.
    assert_eq!((told.cause.proved, measure(&told, "M1").value), (Some(false), Some(0.0)), "{cited}");
    println!("given that requests are up: {cited:.2}");
    assert!(!told.cause.blamed_decoy && told.card.composite.gates.is_empty());
    assert_eq!(measure(&told, "M2").value, Some(1.0));
    assert!(told.truth.decoys.iter().all(|d| d.harmless), "{:?}", told.truth.decoys);
    assert_eq!(told.truth.causes[0].role, TrueRole::Root);
    let cited = good.observer.as_ref().expect("there is one").truth_given_cited;
    assert_eq!((good.cause.proved, measure(&good, "M1").value), (Some(true), Some(1.0)), "{cited}");
}
