//! What is no question to series: metrics and their kinds, rules and what they say, and what the server is.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Request, State};
use serde_json::{Map, Value, json};

use super::envelope::{Answered, Refused};
use super::params::Params;
use super::{Answer, Shared, VERSION, look};
use crate::metrics::kind::Kind;
use crate::metrics::promql::{Query, warnings as warnings_of};
use crate::session::command::{Command, Look};
use crate::session::look::metrics::kinds;
use crate::session::look::prometheus::rfc3339;
use crate::sim::spec::stack::{AlertSpec, Severity};
use crate::sim::world::exposition::metrics;
use crate::telemetry::alerts::{ActiveAlert, AlertBook, EVERY};
use crate::wire::tokens::Caller;

/// What a query probably does not mean.
pub(super) fn warnings(query: &Query) -> Vec<String> {
    warnings_of(query, &kinds()).into_iter().map(|w| format!("{} ({})", w.message, w.at)).collect()
}

pub(super) async fn metadata(State(shared): State<Shared>, ask: Request) -> Answer {
    let params = Params::read(ask, shared.guard.limits.parameters).await?;
    let limit = match params.get("limit") {
        "" => usize::MAX,
        text => match text.parse::<i64>() {
            Ok(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
            Err(_) => return Err(Refused::bad_data("limit must be a number")),
        },
    };
    let wanted = params.get("metric");
    let mut by_name: BTreeMap<&str, Value> = BTreeMap::new();
    for metric in metrics() {
        by_name.entry(metric.name).or_insert_with(|| {
            let kind = match metric.kind {
                Kind::Gauge => "gauge",
                Kind::Counter => "counter",
                Kind::Histogram => "histogram",
            };
            json!([{ "type": kind, "help": metric.about, "unit": "" }])
        });
    }
    let chosen = by_name.into_iter().filter(|(name, _)| wanted.is_empty() || *name == wanted).take(limit);
    Ok(Answered::of(Value::Object(chosen.map(|(name, known)| (name.to_string(), known)).collect())))
}

pub(super) async fn buildinfo() -> Answered {
    Answered::of(json!({
        "version": VERSION,
        "revision": concat!("scartissue ", env!("CARGO_PKG_VERSION")),
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
}

/// Nobody is told of alerts but who plays.
pub(super) async fn alertmanagers() -> Answered {
    Answered::of(json!({ "activeAlertmanagers": [], "droppedAlertmanagers": [] }))
}

pub(super) async fn alerts(State(shared): State<Shared>, Extension(caller): Extension<Caller>) -> Answer {
    let data = look::at_once(&shared, caller, Command::Look(Look::Alerts), |session, zero_ms| {
        let active = session.watch().alerts.active().map(|alert| shown(&alert, zero_ms));
        json!({ "alerts": active.collect::<Vec<_>>() })
    });
    data.await.map(Answered::of)
}

pub(super) async fn rules(State(shared): State<Shared>, Extension(caller): Extension<Caller>, ask: Request) -> Answer {
    let params = Params::read(ask, shared.guard.limits.parameters).await?;
    let with_alerts = match params.get("type").to_ascii_lowercase().as_str() {
        "" | "alert" => true,
        "record" => false, // there are none
        other => return Err(Refused::parameter("type", format!("not supported value {other:?}"))),
    };
    let data = look::at_once(&shared, caller, Command::Look(Look::Alerts), move |session, zero_ms| {
        let book = &session.watch().alerts;
        let at = book.evaluated().map_or(zero_ms, |at| zero_ms + (at.0 / 1_000_000) as i64);
        let rules = book.rules().filter(|_| with_alerts).map(|rule| shown_rule(book, rule, zero_ms, at));
        let group = json!({
            "name": "stack",
            "file": "stack",
            "rules": rules.collect::<Vec<_>>(),
            "interval": EVERY.as_secs_f64(),
            "limit": 0,
            "evaluationTime": 0,
            "lastEvaluation": rfc3339(at),
        });
        json!({ "groups": [group] })
    });
    data.await.map(Answered::of)
}

fn shown_rule(book: &AlertBook, rule: &AlertSpec, zero_ms: i64, at_ms: i64) -> Value {
    let active: Vec<ActiveAlert<'_>> = book.active().filter(|alert| std::ptr::eq(alert.rule, rule)).collect();
    let state = match active.iter().map(|alert| alert.firing).max() {
        Some(true) => "firing",
        Some(false) => "pending",
        None => "inactive",
    };
    json!({
        "state": state,
        "name": rule.name,
        "query": Query::parse(&rule.expr).map_or_else(|_| rule.expr.clone(), |query| query.canonical()),
        "duration": rule.for_s.as_secs_f64(),
        "keepFiringFor": 0,
        "labels": { "severity": severity(rule) },
        "annotations": annotations(rule),
        "alerts": active.iter().map(|alert| shown(alert, zero_ms)).collect::<Vec<_>>(),
        "health": "ok",
        "evaluationTime": 0,
        "lastEvaluation": rfc3339(at_ms),
        "type": "alerting",
    })
}

fn shown(alert: &ActiveAlert<'_>, zero_ms: i64) -> Value {
    let mut labels: Map<String, Value> =
        alert.labels.pairs().map(|(name, value)| (name.to_string(), Value::from(value))).collect();
    labels.insert("alertname".to_string(), Value::from(alert.rule.name.clone()));
    labels.insert("severity".to_string(), Value::from(severity(alert.rule)));
    json!({
        "labels": labels,
        "annotations": annotations(alert.rule),
        "state": if alert.firing { "firing" } else { "pending" },
        "activeAt": rfc3339(zero_ms + (alert.since.0 / 1_000_000) as i64),
        "value": exponential(alert.value),
    })
}

fn severity(rule: &AlertSpec) -> &'static str {
    if rule.severity == Severity::Page { "page" } else { "ticket" }
}

fn annotations(rule: &AlertSpec) -> Map<String, Value> {
    let all = [("summary", &rule.summary), ("runbook", &rule.runbook)];
    let said = all.into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(name, text)| (name.to_string(), Value::from(text.clone()))).collect()
}

/// A value as Prometheus writes those of alerts: always with an exponent of two digits or more.
fn exponential(value: f64) -> String {
    match value {
        v if v.is_nan() => "NaN".to_string(),
        v if v.is_infinite() => if 0.0 < v { "+Inf" } else { "-Inf" }.to_string(),
        v => {
            let text = format!("{v:e}");
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
            format!("{digits}e{sign}{exponent:0>2}")
        }
    }
}
