//! Inputs of the world reach back two weeks, times of day are the calendar's, and every name of a real stack is exposed
//! or stated as absent.

use std::collections::BTreeSet;
use std::path::PathBuf;

use scartissue::metrics::promql::{Query, Value};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::sim::world::exposition::metrics;
use scartissue::telemetry::real_names::{REAL, is_exposed, markdown};
use scartissue::telemetry::watch::Watch;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");

fn watch(scenario: &str, seconds: u64) -> Watch {
    let scenario = Scenario::open(&Catalogue::built_in(), scenario).expect("the scenario loads");
    let variant = scenario.file.variants[0].name.clone();
    let mut watch = Watch::new(&scenario.file, &variant, 3, 7).expect("a world");
    let (open_at, _) = watch.world.window();
    watch.advance_to(open_at + SimDuration::from_secs(seconds));
    watch
}

/// The sum of what a query gives now; an error if it speaks of a time that is not kept.
fn ask(watch: &mut Watch, query: &str) -> Result<f64, String> {
    let zero_ms = watch.scene.calendar.unix_ms(SimTime::ZERO);
    let query = Query::parse(query).expect("PromQL").since(zero_ms);
    let now_ms = watch.now_ms() + zero_ms;
    let value = watch.with_metrics(&query, 0, |store| query.eval_at(store, now_ms)).map_err(|e| e.to_string())?;
    Ok(match value.expect("it can be evaluated") {
        Value::Scalar(value) => value,
        Value::Vector(samples) if samples.is_empty() => f64::NAN,
        Value::Vector(samples) => samples.iter().map(|s| s.value).sum(),
        other => panic!("{other:?} is no number"),
    })
}

#[test]
fn inputs_reach_back_two_weeks_and_nothing_else_does() {
    let mut watch = watch(SMALL, 130);
    assert_eq!(ask(&mut watch, "kube_deployment_spec_replicas{deployment=\"only\"} offset 13d"), Ok(2.0));
    assert_eq!(
        ask(&mut watch, "max_over_time(kube_deployment_status_replicas_available{deployment=\"only\"}[9d])"),
        Ok(2.0)
    );
    let demand = ask(&mut watch, "sum(api:unique_requests:rate1h offset 4d)").expect("it is kept");
    assert!((1.8..2.2).contains(&demand), "two a second are wanted: {demand}");
    let accounts = |watch: &mut Watch, offset: &str| ask(watch, &format!("sum(api:accounts:count{offset})"));
    let (then, now) = (accounts(&mut watch, " offset 10d").expect("kept"), accounts(&mut watch, "").expect("kept"));
    assert!(20.0 < then && then < now && now <= 40.0, "accounts came in the last 90 days: {then}, {now}");
    for query in
        ["kube_deployment_spec_replicas offset 15d", "up offset 3d", "up + kube_deployment_spec_replicas offset 3d"]
    {
        let error = ask(&mut watch, query).expect_err(query);
        assert!(error.contains("beyond retention") && error.contains("offset 1w"), "{query}: {error}");
    }
}

#[test]
fn times_of_day_are_those_of_the_calendar() {
    let mut watch = watch(SMALL, 130);
    let (date, time) = ("2026-03-03", watch.scene.calendar.clock(watch.world.now()));
    assert_eq!(ask(&mut watch, "hour()"), Ok(time[..2].parse().expect("an hour")));
    assert_eq!(ask(&mut watch, "minute(vector(time()))"), Ok(time[3..5].parse().expect("a minute")));
    assert_eq!(ask(&mut watch, "year() * 10000 + month() * 100 + day_of_month()"), Ok(2026.0 * 1e4 + 303.0), "{date}");
    let age = ask(&mut watch, "max(time() - process_start_time_seconds{job=\"gateway\"})").expect("now");
    assert_eq!(age, watch.world.now().as_secs_f64().floor(), "processes are as old as the world");
    let unix = watch.scene.calendar.unix_ms(watch.world.now()) / 1000;
    let at = ask(&mut watch, &format!("sum(up @ {})", unix - 30)).expect("half a minute ago");
    assert_eq!(Ok(at), ask(&mut watch, "sum(up offset 30s)"));
}

#[test]
fn alerts_are_series_too() {
    let mut watch = watch("empty-spares", 0);
    let (_, end) = watch.world.window();
    while watch.alerts.page().is_none() && watch.world.now() < end {
        watch.advance_to(watch.world.now() + SimDuration::from_secs(15));
    }
    let name = watch.alerts.page().expect("the flagship pages").name.clone();
    assert_eq!(ask(&mut watch, &format!("max(ALERTS{{alertname=\"{name}\",alertstate=\"firing\"}})")), Ok(1.0));
    let held = ask(&mut watch, &format!("max(time() - ALERTS_FOR_STATE{{alertname=\"{name}\"}})")).expect("now");
    let page = watch.alerts.page().expect("it paged");
    assert_eq!(held, watch.world.now().since(page.pending_since).as_secs_f64());
}

#[test]
fn every_name_of_a_real_stack_is_exposed_or_stated_as_absent() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/metric-names.md");
    let now = markdown();
    if std::env::var_os("SCARTISSUE_BLESS").is_some() {
        std::fs::write(&file, &now).expect("it can be written");
    }
    let then = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(then, now, "SCARTISSUE_BLESS=1 cargo test --release real_stack writes assets/metric-names.md anew");
    let all: Vec<_> = REAL.iter().flat_map(|(_, names)| names.iter()).collect();
    let names: BTreeSet<&str> = all.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), all.len(), "a name stands twice");
    for (name, why) in &all {
        assert_ne!(is_exposed(name), !why.is_empty(), "{name} is exposed, or a reason is given");
    }
    let watch = watch(SMALL, 130);
    let scraped: BTreeSet<&str> = watch.world.scraped().names().collect();
    for (name, _) in all.iter().filter(|(name, _)| !is_exposed(name)) {
        let parts = ["", "_bucket", "_sum", "_count"].map(|part| format!("{name}{part}"));
        assert!(!parts.iter().any(|part| scraped.contains(part.as_str())), "{name} is said to be absent");
    }
    let ours = metrics().iter().filter(|metric| names.contains(metric.name)).count();
    assert!(50 < ours, "{ours} of the names are scraped");
}

#[test]
fn clients_report_what_they_see() {
    let mut watch = watch(SMALL, 600);
    let attempts = ask(&mut watch, "sum(http_client_request_duration_seconds_count)").expect("now");
    let failed =
        ask(&mut watch, "sum(http_client_request_duration_seconds_count{error_type=\"status\"})").expect("now");
    let calls = ask(&mut watch, "sum(gen_ai_client_operation_duration_seconds_count)").expect("now");
    assert!(
        500.0 < calls && calls < attempts,
        "a flag fails, and clients try again: {calls} calls, {attempts} attempts"
    );
    assert!(100.0 < failed && failed < attempts / 2.0, "{failed} of {attempts} failed");
    let came = ask(&mut watch, "sum(envoy_http_downstream_rq_total)").expect("now");
    assert!((came - attempts).abs() < came * 0.05, "gateways count the same: {came}, {attempts}");
}
