//! Incidents of the ladder, each written as a scenario file with faults, sources and parts alone: what must emerge emerges.
//!
//! The files are `tests/data/scenarios/ladder`; those of the ladder that ship have their tests in `scenarios` and
//! `emergence`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use scartissue::scenario::apply::parse_timed;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::client::Outcome;
use scartissue::sim::ids::AccountId;
use scartissue::sim::series::Series;
use scartissue::sim::world::Ended;
use scartissue::sim::world::fact::What;
use scartissue::sim::world::recording::{AttemptRow, Reason};

use crate::played::Played;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scenarios/ladder")
}

fn open(name: &str) -> Scenario {
    let mut catalogue = Catalogue::built_in();
    catalogue.add_directory(&directory()).expect("the directory of the ladder");
    let path = directory().join(format!("{name}.ron"));
    Scenario::open(&catalogue, &path.display().to_string()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A run to its end with everything written down.
fn play(name: &str, without: &[&str], apply: &[&str]) -> Played {
    let setup = Setup {
        variant: None,
        without: without.iter().map(|id| (*id).to_string()).collect(),
        actions: apply.iter().map(|text| parse_timed(text).expect("an action")).collect(),
    };
    Played::of(&open(name), &setup, 5)
}

fn share(ended: &Ended) -> f64 {
    ended.harm.user_minutes_lost / ended.harm.user_minutes_at_stake
}

fn mean(series: &Series, column: &[f64], from_s: f64, to_s: f64) -> f64 {
    let inside = series.t_s.iter().zip(column).filter(|(t, _)| from_s < **t && **t <= to_s);
    let values: Vec<f64> = inside.map(|(_, value)| *value).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

fn known(column: &[Option<f64>]) -> Vec<f64> {
    column.iter().map(|value| value.unwrap_or(0.0)).collect()
}

/// Share of rows of which something holds.
fn part(rows: &[&AttemptRow], holds: impl Fn(&AttemptRow) -> bool) -> f64 {
    rows.iter().filter(|row| holds(row)).count() as f64 / rows.len().max(1) as f64
}

#[test]
fn at_midnight_everything_fails_within_seconds_and_clients_come_back_in_numbers() {
    let played = play("midnight", &[], &[]);
    let failed = |from, to| part(&played.rows(from, to), |row| row.reason == Reason::Certificate);
    assert_eq!(failed(0.0, 118.0), 0.0);
    assert!(0.95 < failed(130.0, 300.0), "{}", failed(130.0, 300.0));
    assert!(100.0 < played.asked(300, "sum(increase(envoy_cluster_upstream_cx_connect_fail[2m]))"));
    let ended = played.ended();
    let (attempts, intents) = (&ended.series.attempts_per_s, &ended.series.intents_per_s);
    let storm = mean(&ended.series, attempts, 150.0, 300.0) / mean(&ended.series, intents, 150.0, 300.0);
    assert!(2.5 < storm, "attempts per intent: {storm}");
}

#[test]
fn replicas_that_came_after_the_connections_get_nothing() {
    let played = play("idle-pods", &[], &["scale:main=10@60"]);
    let calls = played.calls(120.0, 300.0);
    let to_new = calls.iter().filter(|call| 4 <= call.replica.0).count();
    assert_eq!(
        (to_new, 10.0),
        (0, played.asked(300, "kube_deployment_status_replicas_available{deployment=\"main\"}"))
    );
    assert!(1000 < calls.len());
    let busiest = played.asked(300, "max(sum by (pod) (increase(vllm:generation_tokens_total[2m])))");
    let mean = played.asked(300, "avg(sum by (pod) (increase(vllm:generation_tokens_total[2m])))");
    assert!(2.0 * mean < busiest, "busiest {busiest}, mean {mean}: the mean of the fleet hides it");
}

#[test]
fn a_hung_rank_shows_full_utilization_little_power_and_requests_that_age() {
    let played = play("hung-rank", &[], &[]);
    let rank = |metric: &str, pod: &str, gpu: &str| {
        played.asked(290, &format!("avg_over_time({metric}{{pod=\"{pod}\",gpu=\"{gpu}\"}}[2m])"))
    };
    assert_eq!(rank("DCGM_FI_DEV_GPU_UTIL", "main-3", "0"), 100.0);
    assert_eq!(rank("DCGM_FI_DEV_GPU_UTIL", "main-3", "1"), 0.0);
    let (waiting, working) =
        (rank("DCGM_FI_DEV_POWER_USAGE", "main-3", "0"), rank("DCGM_FI_DEV_POWER_USAGE", "main-2", "0"));
    assert!(waiting < 0.8 * working, "{waiting} W spinning, {working} W at work");
    assert_eq!(played.asked(290, "increase(vllm:generation_tokens_total{pod=\"main-3\"}[2m])"), 0.0);
    let inside = "vllm:num_requests_running{pod=\"main-3\"} + vllm:num_requests_waiting{pod=\"main-3\"}";
    assert!(played.asked(90, inside) < played.asked(290, inside) || 20.0 < played.asked(290, inside));
}

#[test]
fn a_dead_shard_refuses_an_eighth_and_always_the_same_accounts() {
    let played = play("auth-shard", &[], &[]);
    let rows = played.rows(75.0, 290.0);
    let refused = part(&rows, |row| row.reason == Reason::AuthTimeout);
    // Those refused come back twice.
    assert!((0.15..0.40).contains(&refused), "{refused} of attempts");
    let accounts = |failed: bool| -> BTreeSet<AccountId> {
        rows.iter().filter(|row| (row.reason == Reason::AuthTimeout) == failed).map(|row| row.account).collect()
    };
    let (sick, sound) = (accounts(true), accounts(false));
    assert!(sick.is_disjoint(&sound), "an account is refused always or never");
    let share = sick.len() as f64 / (sick.len() + sound.len()) as f64;
    assert!((0.08..0.18).contains(&share), "{share} of accounts");
}

#[test]
fn with_its_label_renamed_the_scaler_is_silent_and_an_ordinary_evening_overflows() {
    let (blind, seeing) = (play("silent-scaler", &[], &[]).ended(), play("silent-scaler", &["rename"], &[]).ended());
    let decisions = |ended: &Ended| ended.facts.iter().filter(|f| matches!(f.what, What::Autoscaled(..))).count();
    assert!(0 < decisions(&seeing) && decisions(&blind) == 0, "{} and {}", decisions(&seeing), decisions(&blind));
    assert!(0.2 < share(&blind) && share(&seeing) < 0.02, "{} and {}", share(&blind), share(&seeing));
}

#[test]
fn three_layers_that_retry_multiply() {
    let played = play("three-times-three", &[], &[]);
    let retries = |at_s| played.asked(at_s, "sum(increase(api_requests_total{retry_count!=\"0\"}[30s]))");
    assert!(100.0 < retries(110) && retries(55) == 0.0 && retries(290) == 0.0, "{}", retries(110));
    let calls = played.asked(
        110,
        "sum(increase(envoy_cluster_upstream_rq_total[45s])) / sum(increase(envoy_http_downstream_rq_total[45s]))",
    );
    assert!(1.5 < calls, "calls for each attempt: {calls}");
    let ended = played.ended();
    let (attempts, intents) = (&ended.series.attempts_per_s, &ended.series.intents_per_s);
    let layers = mean(&ended.series, attempts, 75.0, 100.0) / mean(&ended.series, intents, 75.0, 100.0);
    assert!(3.0 < layers, "attempts for each intent: {layers}");
}

#[test]
fn the_replica_that_fails_at_once_draws_the_traffic_and_the_median_improves() {
    let played = play("sinkhole", &[], &[]);
    let calls = played.calls(90.0, 300.0);
    let to_bad = calls.iter().filter(|call| call.replica.0 == 5).count() as f64 / calls.len() as f64;
    assert!(0.3 < to_bad, "{to_bad} of the calls, one replica in eight");
    let ended = played.ended();
    let ttft = known(&ended.series.ttft_p50_s);
    let (before, after) = (mean(&ended.series, &ttft, 0.0, 60.0), mean(&ended.series, &ttft, 90.0, 300.0));
    assert!(after <= before, "{before} s before, {after} s after");
}

#[test]
fn long_documents_stop_everybodys_tokens_while_throughput_rises() {
    let played = play("long-document", &[], &[]);
    let gap = |at_s| {
        let query = "histogram_quantile(0.999, sum by (le) (increase(vllm:inter_token_latency_seconds_bucket[90s])))";
        played.asked(at_s, query)
    };
    assert!(3.0 * gap(115) < gap(290), "{} and {}", gap(115), gap(290));
    let tokens = |at_s| {
        played.asked(at_s, "sum(rate(vllm:prompt_tokens_total[90s])) + sum(rate(vllm:generation_tokens_total[90s]))")
    };
    assert!(1.3 * tokens(115) < tokens(290), "{} and {}", tokens(115), tokens(290));
}

#[test]
fn a_blocked_loop_fails_probes_and_starves_idle_accelerators() {
    let played = play("blocked-loop", &[], &[]);
    let queue = played.asked(290, "sum(avg_over_time(vllm:num_requests_waiting[2m]))");
    let busy = |at_s| played.asked(at_s, "avg(avg_over_time(DCGM_FI_DEV_GPU_UTIL[50s]))");
    assert!(queue < 1.0 && busy(290) < busy(55), "queue {queue}, utilization {} then {}", busy(55), busy(290));
    let ended = played.ended();
    assert!(
        ended.facts.iter().any(|f| matches!(f.what, What::GatewayEndpoint(_, false))),
        "sound gateways are taken out"
    );
    assert!(0.2 < share(&ended), "{}", share(&ended));
}

#[test]
fn the_ratio_of_all_falls_by_mix_alone() {
    let played = play("mix-shift", &[], &[]);
    let mut ratios: BTreeMap<(u16, bool), (f64, f64)> = BTreeMap::new();
    for (late, from, to) in [(false, 0.0, 120.0), (true, 150.0, 300.0)] {
        for row in played.rows(from, to) {
            let entry = ratios.entry((row.source.0, late)).or_default();
            entry.0 += f64::from(row.cached_tokens.iter().sum::<u32>());
            entry.1 += f64::from(row.prompt_tokens);
        }
    }
    let ratio = |key| ratios[&key].0 / ratios[&key].1;
    let all = |late| {
        let sums = ratios.iter().filter(|((_, l), _)| *l == late).fold((0.0, 0.0), |s, (_, r)| (s.0 + r.0, s.1 + r.1));
        sums.0 / sums.1
    };
    assert!(all(true) < 0.88 * all(false), "all together: {} then {}", all(false), all(true));
    let (before, after) = (ratio((0, false)), ratio((0, true)));
    assert!((before - after).abs() < 0.05 * before, "who was there before: {before} then {after}");
    assert_eq!(share(&played.ended()), 0.0);
}

#[test]
fn one_stack_trace_is_two_hundred_equal_payloads_of_accounts_made_together() {
    let played = play("twenty-two-images", &[], &[]);
    let rows = played.rows(0.0, 300.0);
    let thrown: Vec<_> = rows.iter().filter(|row| row.reason == Reason::DecoderException).collect();
    assert!(200 <= thrown.len(), "{}", thrown.len());
    assert!(thrown.iter().all(|row| row.outcome == Outcome::InternalError && row.images == 22));
    let payloads: BTreeSet<u64> = thrown.iter().map(|row| row.payload).collect();
    assert_eq!(payloads.len(), 1, "the same pictures every time");
    let others: BTreeSet<u64> = rows.iter().filter(|row| row.images < 22).map(|row| row.payload).collect();
    assert!(100 < others.len(), "{}", others.len());
    let accounts = played.world.accounts();
    let of: Vec<_> = thrown.iter().filter_map(|row| accounts.account(row.account)).collect();
    assert!(
        of.iter().all(|account| (account.created_days_before - 9.01).abs() < 0.011 && account.payment == "prepaid")
    );
    let devices: BTreeSet<u64> = of.iter().map(|account| account.device).collect();
    assert!(devices.len() <= 12, "{} devices", devices.len());
}

#[test]
fn neither_the_lost_machines_nor_the_full_hour_hurts_alone() {
    let told = |without: &[&str]| share(&play("on-the-hour", without, &[]).ended());
    let (both, load, capacity) = (told(&[]), told(&["eroded"]), told(&["on-the-hour"]));
    assert!(0.05 < both && load < 0.005 && capacity < 0.005, "{both}, load alone {load}, capacity alone {capacity}");
}
