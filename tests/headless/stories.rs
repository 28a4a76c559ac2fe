//! The ladder's scenarios as they ship: harm comes of the causes and of nothing else, the right order helps, and what has
//! to emerge emerges from the mechanism that the file names.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;
use scartissue::scenario::apply::parse_timed;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::file::VariantSpec;
use scartissue::scenario::lesson::Difficulty;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::client::Outcome;
use scartissue::sim::time::SimDuration;
use scartissue::sim::world::Ended;
use scartissue::sim::world::fact::What;
use scartissue::sim::world::recording::Reason;
use scartissue::telemetry::archive::Archive;
use scartissue::telemetry::watch::Watch;

use crate::played::Played;

const SEED: u64 = 3;
/// The trap and its twin; the variants between them are the gate's to prove.
fn trap_and_twin(scenario: &Scenario) -> impl Iterator<Item = &VariantSpec> {
    let file = &scenario.file;
    file.variants.iter().enumerate().filter(|(place, variant)| *place == 0 || variant.foil).map(|(_, variant)| variant)
}

/// Share of what is at stake that bursts alone may cost.
const HEALTHY: f64 = 0.005;

/// Scenario; played so long; an order is given at.
pub const LADDER: &[(&str, u64, u64)] = &[
    ("fastest-replica", 720, 400),
    ("fine-for-most", 720, 400),
    ("hit-rate-alarm", 800, 420),
    ("long-document", 780, 420),
    ("midnight", 720, 400),
    ("monday-on-the-hour", 1000, 540),
    ("seven-at-a-hundred", 780, 400),
    ("silent-scaler", 900, 540),
    ("six-idle-pods", 900, 520),
    ("three-times-three", 1000, 460),
    ("twenty-two-images", 840, 420),
];

fn open(name: &str, length_s: u64) -> Scenario {
    let mut scenario = Scenario::open(&Catalogue::built_in(), name).expect("a built-in scenario loads");
    Arc::make_mut(&mut scenario.file).length_s = SimDuration::from_secs(length_s);
    scenario
}

fn setup(variant: &str, without: &[String], apply: &[String]) -> Setup {
    Setup {
        variant: Some(variant.to_string()),
        without: without.to_vec(),
        actions: apply.iter().map(|text| parse_timed(text).expect("an order")).collect(),
    }
}

fn share(ended: &Ended) -> f64 {
    ended.harm.user_minutes_lost / ended.harm.user_minutes_at_stake
}

fn told(scenario: &Scenario, variant: &VariantSpec, without: &[String], apply: &[String]) -> f64 {
    share(&scenario.run(&setup(&variant.name, without, apply), SEED).expect("a set-up that fits"))
}

fn replay(name: &str, variant: &str) -> String {
    format!("scartissue run {name} --variant {variant} --seed {SEED}")
}

#[test]
fn each_variant_hurts_for_its_causes_and_the_right_order_helps() {
    LADDER.par_iter().for_each(|(name, length_s, order_at)| {
        let scenario = open(name, *length_s);
        for variant in trap_and_twin(&scenario) {
            let replay = replay(name, &variant.name);
            let happened = told(&scenario, variant, &[], &[]);
            let healthy = told(&scenario, variant, &variant.causes, &[]);
            assert!(healthy < HEALTHY, "{replay}: {healthy} without its causes");
            if variant.causes.is_empty() {
                continue;
            }
            assert!(5.0 * healthy + 0.001 < happened, "{replay}: {happened}, without its causes {healthy}");
            let order = format!("{}@{order_at}", variant.mends.first().expect("an order that helps"));
            let helped = told(&scenario, variant, &[], std::slice::from_ref(&order));
            assert!(helped < 0.8 * happened, "{replay} --apply {order}: {helped} of {happened}");
        }
    });
}

#[test]
fn the_page_comes_after_the_onset_and_within_minutes() {
    LADDER.par_iter().for_each(|(name, ..)| {
        let scenario = open(name, 1500);
        for variant in trap_and_twin(&scenario) {
            let mut watch = Watch::new(&scenario.file, &variant.name, SEED, 9).expect("a world");
            let after = watch.run_to_first_page().as_secs_f64() - scenario.file.open_at().as_secs_f64();
            assert!((260.0..800.0).contains(&after), "{}: paged at {after} s", replay(name, &variant.name));
        }
    });
}

#[test]
fn the_ladder_has_foils_no_fault_and_something_to_read() {
    let archive = |date: &str| Archive::built_in(date);
    let (mut incidents, mut foils, mut nothing) = (0.0, 0.0, 0.0);
    let catalogue = Catalogue::built_in();
    for name in catalogue.names() {
        let scenario = Scenario::open(&catalogue, name).expect("it loads");
        let file = &scenario.file;
        if file.shift.is_some() || name.ends_with("-replay") {
            continue;
        }
        incidents += 1.0;
        let lots = |wanted: &dyn Fn(&VariantSpec) -> bool| -> f64 {
            file.variants.iter().filter(|v| wanted(v)).map(|v| f64::from(v.lots)).sum()
        };
        foils += lots(&|v| v.foil) / lots(&|_| true);
        nothing += lots(&|v| v.causes.is_empty()) / lots(&|_| true);
        for variant in &file.variants {
            let axes = Difficulty::of(file, variant);
            assert!([axes.causes, axes.decoy, axes.gaps, axes.price].iter().all(|axis| *axis <= 4), "{name}: {axes:?}");
        }
        let ever_wrong = file.variants.iter().any(|v| !v.causes.is_empty());
        let twins = 2 <= file.variants.len() && file.variants.iter().any(|v| v.foil);
        assert!(twins || !ever_wrong, "{name}: variants and a foil");
        assert!(8 <= file.lesson.documents.len(), "{name}: {} documents", file.lesson.documents.len());
        let library = archive(&file.history.date);
        for id in &file.lesson.documents {
            assert!(library.document(id).is_ok(), "{name}: {id} is not in the archive of {}", file.history.date);
        }
        let lesson = &file.lesson;
        let said = [&lesson.goal, &file.handover, &file.page, &file.briefing];
        assert!(said.iter().all(|text| !text.is_empty()) && !lesson.notes.is_empty() && !lesson.traps.is_empty());
        assert!(
            SimDuration::ZERO < lesson.par.commit_s && SimDuration::ZERO < lesson.par.better_s,
            "{name}: par times"
        );
    }
    assert!(0.25 <= foils / incidents, "{foils} foils of {incidents}, as they are drawn");
    assert!(0.125 <= nothing / incidents, "{nothing} of {incidents} without a fault, as they are drawn");
}

/// A run to a moment with everything written down.
fn play(name: &str, variant: &str, length_s: u64, apply: &[&str]) -> Played {
    let apply: Vec<String> = apply.iter().map(|text| (*text).to_string()).collect();
    Played::of(&open(name, length_s), &setup(variant, &[], &apply), SEED)
}

#[test]
fn behind_one_stack_trace_are_accounts_made_together_and_undoing_the_bug_does_not_show_them() {
    let played = play("twenty-two-images", "farm", 600, &[]);
    let rows = played.rows(300.0, 600.0);
    let thrown: Vec<_> = rows.iter().filter(|row| row.reason == Reason::DecoderException).collect();
    assert!(400 < thrown.len() && thrown.iter().all(|row| row.outcome == Outcome::InternalError && row.images == 22));
    let payloads: BTreeSet<u64> = thrown.iter().map(|row| row.payload).collect();
    assert_eq!(payloads.len(), 1, "the same pictures every time");
    let accounts = played.world.accounts();
    let senders: BTreeSet<_> = thrown.iter().map(|row| row.account).collect();
    assert!((100..=200).contains(&senders.len()), "{} accounts", senders.len());
    for sender in &senders {
        let account = accounts.account(*sender).expect("an account");
        assert!((account.created_days_before - 9.01).abs() < 0.011, "made {} days before", account.created_days_before);
    }
    // The launch meets the same bug with pictures of its own.
    let partner = play("twenty-two-images", "partner", 600, &[]);
    let rows = partner.rows(300.0, 600.0);
    let thrown: Vec<_> = rows.iter().filter(|row| row.reason == Reason::DecoderException).collect();
    let payloads: BTreeSet<u64> = thrown.iter().map(|row| row.payload).collect();
    assert!(50 < payloads.len(), "{} different payloads", payloads.len());
    // As it was before October: refused before they are decoded. No 500 any more, and the accounts go on.
    let undone = play("twenty-two-images", "farm", 780, &["rollback:count-after-decode@420"]);
    let rows = undone.rows(600.0, 780.0);
    assert!(rows.iter().all(|row| row.outcome != Outcome::InternalError));
    assert!(300 < rows.iter().filter(|row| row.reason == Reason::ImageLimit).count(), "they send what they sent");
}

#[test]
fn a_minute_of_trouble_is_kept_going_by_three_layers_of_retries() {
    let scenario = open("three-times-three", 780);
    let ended = scenario.run(&setup("brake", &[], &[]), SEED).expect("a run");
    let late = |column: &[f64]| column[column.len() - 6..].iter().sum::<f64>();
    let factor = late(&ended.series.attempts_per_s) / late(&ended.series.intents_per_s);
    assert!(2.5 < factor, "attempts for each intent seven minutes after the trouble was over: {factor}");
    let calmed = scenario.run(&setup("brake", &[], &["retry-budget=0@480".to_string()]), SEED).expect("a run");
    let factor = late(&calmed.series.attempts_per_s) / late(&calmed.series.intents_per_s);
    assert!(factor < 1.6, "with one layer less: {factor}");
}

#[test]
fn neither_the_machines_nor_the_hour_hurts_alone() {
    let scenario = open("monday-on-the-hour", 1000);
    let variant = &scenario.file.variants[0];
    let told = |without: &[&str]| {
        let without: Vec<String> = without.iter().map(|id| (*id).to_string()).collect();
        told(&scenario, variant, &without, &[])
    };
    let (both, load, capacity) = (told(&[]), told(&["machines-away"]), told(&["jobs-at-nine"]));
    assert!(0.03 < both && load < 0.05 * both && capacity < 0.05 * both, "{both}, load alone {load}, {capacity}");
}

#[test]
fn at_midnight_handshakes_fail_from_one_second_on() {
    let played = play("midnight", "expiry", 480, &[]);
    let failed = |from, to| {
        let rows = played.rows(from, to);
        rows.iter().filter(|row| row.reason == Reason::Certificate).count() as f64 / rows.len() as f64
    };
    assert_eq!(failed(0.0, 299.0), 0.0);
    assert!(0.9 < failed(330.0, 470.0), "{}", failed(330.0, 470.0));
    assert!(50.0 < played.asked(470, "sum(increase(envoy_cluster_upstream_cx_connect_fail[2m]))"));
}

#[test]
fn replicas_that_came_later_get_nothing_while_the_mean_improves() {
    let played = play("six-idle-pods", "pinned", 720, &[]);
    assert_eq!(played.calls_to(600.0, 1, 11), 0.0);
    let ready = played.asked(700, "kube_deployment_status_replicas_available{deployment=\"small-8b\"}");
    assert!(9.0 < ready, "{ready} ready");
    let load = "sum by (pod) (vllm:num_requests_running{pool=\"small-8b\"})";
    let (most, mean) = (played.asked(700, &format!("max({load})")), played.asked(700, &format!("avg({load})")));
    assert!(1.5 * mean < most, "busiest {most}, mean {mean}");
}

#[test]
fn seven_ranks_wait_at_full_duty_cycle_and_little_power() {
    let played = play("seven-at-a-hundred", "hang", 560, &[]);
    let rank = |metric: &str, pod: &str, gpu: &str| {
        played.asked(540, &format!("avg_over_time({metric}{{pod=\"{pod}\",gpu=\"{gpu}\"}}[2m])"))
    };
    assert_eq!(rank("DCGM_FI_DEV_GPU_UTIL", "general-70b-2", "0"), 100.0);
    let (waits, works) =
        (rank("DCGM_FI_DEV_POWER_USAGE", "general-70b-2", "0"), rank("DCGM_FI_DEV_POWER_USAGE", "general-70b-1", "0"));
    assert!(waits < 0.8 * works, "{waits} W waiting, {works} W at work");
    assert_eq!(played.asked(540, "increase(vllm:generation_tokens_total{pod=\"general-70b-2\"}[2m])"), 0.0);
}

#[test]
fn an_account_is_refused_always_or_never_and_one_in_eight_is() {
    let played = play("fine-for-most", "shard", 700, &[]);
    let rows = played.rows(320.0, 690.0);
    let accounts = |failed: bool| -> BTreeSet<_> {
        rows.iter().filter(|row| (row.reason == Reason::AuthTimeout) == failed).map(|row| row.account).collect()
    };
    let (sick, sound) = (accounts(true), accounts(false));
    assert!(sick.is_disjoint(&sound), "an account is refused always or never");
    let part = sick.len() as f64 / (sick.len() + sound.len()) as f64;
    assert!((0.08..0.18).contains(&part), "{part} of accounts");
}

#[test]
fn a_query_that_finds_nothing_scales_nothing() {
    let scenario = open("silent-scaler", 800);
    let decisions = |without: &[String]| {
        let ended = scenario.run(&setup("rename", without, &[]), SEED).expect("a run");
        ended.facts.iter().filter(|f| matches!(f.what, What::Autoscaled(..))).count()
    };
    assert_eq!(decisions(&[]), 0);
    assert!(0 < decisions(&["label-gone".to_string()]));
}

#[test]
fn one_replica_in_eight_draws_the_calls_because_it_fails_at_once() {
    let played = play("fastest-replica", "large", 600, &[]);
    let drawn = played.calls_to(360.0, 0, 6);
    assert!(0.3 < drawn, "{drawn} of the calls");
}

#[test]
fn tokens_rise_and_the_gap_between_them_as_well() {
    let played = play("long-document", "documents", 620, &[]);
    let gap = |at_s| {
        let query = "histogram_quantile(0.99, sum by (le) (increase(vllm:inter_token_latency_seconds_bucket[3m])))";
        played.asked(at_s, query)
    };
    assert!(2.0 * gap(290) < gap(610), "{} and {}", gap(290), gap(610));
    let tokens = |at_s| played.asked(at_s, "sum(rate(vllm:prompt_tokens_total[3m]))");
    assert!(1.2 * tokens(290) < tokens(610), "{} and {}", tokens(290), tokens(610));
}

#[test]
fn the_ratio_over_all_falls_and_nobodys_own_does() {
    let played = play("hit-rate-alarm", "mix", 660, &[]);
    let ratio = |from, to, only: Option<u16>| {
        let rows = played.rows(from, to);
        let of = rows.iter().filter(|row| only.is_none_or(|source| row.source.0 == source));
        let sums = of.fold((0.0, 0.0), |sums, row| {
            let cached = f64::from(row.cached_tokens.iter().sum::<u32>());
            (sums.0 + cached, sums.1 + f64::from(row.prompt_tokens))
        });
        sums.0 / sums.1
    };
    let (before, after) = (ratio(60.0, 290.0, None), ratio(420.0, 650.0, None));
    assert!(after < 0.93 * before, "all together {before}, then {after}");
    let (own_before, own_after) = (ratio(60.0, 290.0, Some(0)), ratio(420.0, 650.0, Some(0)));
    assert!((own_before - own_after).abs() < 0.06 * own_before, "who was there before {own_before}, then {own_after}");
}
