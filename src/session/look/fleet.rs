//! Questions to control planes, the change log, the list of alerts and of tickets.

use serde_json::json;

use crate::session::look::{Answer, Seen};
use crate::sim::spec::stack::Severity;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::changes::Change;
use crate::telemetry::fleet::FleetVerb;
use crate::telemetry::watch::Watch;

/// Tickets that a list shows, the latest ones.
const TICKETS: usize = 25;
/// Firings that a list shows, the latest ones.
const FIRINGS: usize = 30;

/// What the table of a machine's cards shows that monitoring measures too.
const CARDS: [&str; 3] = ["DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_GPU_UTIL"];

/// Reads a question to a control plane.
///
/// # Errors
/// What is not understood, and how it is written.
pub fn read(line: &str) -> Result<FleetVerb, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match FleetVerb::parse(&words).map_err(|e| e.to_string())? {
        FleetVerb::Order(_) => Err(format!("{line} is an order: `act {line}`")),
        verb => Ok(verb),
    }
}

/// Answers it.
///
/// # Errors
/// A name that does not exist.
pub fn answer(watch: &mut Watch, line: &str) -> Result<Answer, String> {
    let verb = read(line)?;
    let text = watch.with_fleet(|fleet| fleet.answer(&verb)).map_err(|e| e.to_string())?;
    let data = serde_json::from_str(&text).unwrap_or_else(|_| json!({ "text": text }));
    let now = watch.world.now();
    let what = line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let mut features = vec![format!("fleet:{what}")];
    // A router's table counts the requests that run at each replica.
    features.extend(what.starts_with("router ").then(|| "metric:vllm:num_requests_running".to_string()));
    if what.starts_with("nvidia-smi ") {
        features.extend(CARDS.map(|metric| format!("metric:{metric}")));
    }
    let seen = Seen { features, from: now, to: now };
    Ok(Answer { title: line.to_string(), text, data, seen })
}

fn moment(watch: &Watch, at_s: f64) -> String {
    watch.scene.calendar.date_time_before(watch.scene.open_at, -at_s)
}

/// The change log of the last hours, newest first, or one change with its diff.
///
/// # Errors
/// There is no change of that id.
pub fn changes(watch: &Watch, id: &str, hours: u32) -> Result<Answer, String> {
    let now_s = watch.now_s();
    if !id.is_empty() {
        let change = watch.changes.find(id, now_s).ok_or_else(|| {
            let ids: Vec<&str> = watch.changes.until(now_s).map(|c| c.id.as_str()).collect();
            let hint = crate::scenario::check::did_you_mean(id, ids);
            format!("no change in the log is called \"{id}\"{hint}; `changes 48h` lists them")
        })?;
        let text = format!(
            "{}  {}  {:?}  {}\n{}\nby {}, {:.0} % of the fleet\n\n{}",
            change.id,
            moment(watch, change.at_s),
            change.kind,
            change.service,
            change.title,
            change.author,
            change.rollout * 100.0,
            if change.diff.is_empty() { "(no diff)" } else { &change.diff }
        );
        let seen = Seen { features: vec![format!("change:{}", change.id)], ..Seen::default() };
        return Ok(Answer { title: format!("changes {id}"), text, data: row(watch, change), seen });
    }
    let from_s = now_s - f64::from(hours) * 3600.0;
    let shown: Vec<&Change> = watch.changes.until(now_s).rev().filter(|c| from_s < c.at_s).collect();
    let lines = shown.iter().map(|c| {
        let kind = format!("{:?}", c.kind).to_lowercase();
        let at = moment(watch, c.at_s);
        format!("{:<10} {at}  {kind:<7} {:<12} {:>4.0} %  {}\n", c.id, c.service, c.rollout * 100.0, c.title)
    });
    let text = format!("{}; newest first\n{}", watch.changes.base_rate(now_s), lines.collect::<String>().trim_end());
    let data = json!({ "base_rate": watch.changes.base_rate(now_s),
                       "changes": shown.iter().map(|c| row(watch, c)).collect::<Vec<_>>() });
    let now = watch.world.now();
    let from = SimTime(now.0.saturating_sub(SimDuration::from_secs(u64::from(hours) * 3600).0));
    let seen = Seen { features: vec!["changes".to_string()], from, to: now };
    Ok(Answer { title: "changes".to_string(), text, data, seen })
}

fn row(watch: &Watch, change: &Change) -> serde_json::Value {
    json!({ "id": change.id, "time": moment(watch, change.at_s), "kind": change.kind, "service": change.service,
            "title": change.title, "author": change.author, "rollout": change.rollout, "diff": change.diff })
}

/// What fires, and what fired.
pub fn alerts(watch: &Watch) -> Answer {
    let calendar = watch.scene.calendar;
    let history = watch.alerts.history();
    let state = |resolved: Option<SimTime>| match resolved {
        None => "firing".to_string(),
        Some(at) => format!("resolved {}", calendar.clock(at)),
    };
    let latest = history.iter().rev().take(FIRINGS);
    let lines = latest.map(|a| {
        let severity = if a.severity == Severity::Page { "PAGE" } else { "ticket" };
        let runbook = if a.runbook.is_empty() { String::new() } else { format!("  runbook {}", a.runbook) };
        format!(
            "{}  {severity:<6} {:<17} {}: {}{runbook}\n",
            calendar.clock(a.fired),
            state(a.resolved),
            a.name,
            a.summary
        )
    });
    let text = if history.is_empty() { "nothing fires and nothing fired".to_string() } else { lines.collect() };
    let rows: Vec<_> = (history.iter())
        .map(|a| {
            json!({ "name": a.name, "severity": a.severity, "summary": a.summary, "expr": a.expr,
                         "runbook": a.runbook, "fired": calendar.iso(a.fired),
                         "resolved": a.resolved.map(|at| calendar.iso(at)) })
        })
        .collect();
    let seen = Seen { features: vec!["alerts".to_string()], from: watch.scene.open_at, to: watch.world.now() };
    Answer { title: "alerts".to_string(), text: text.trim_end().to_string(), data: json!({ "alerts": rows }), seen }
}

/// What was filed, newest first.
pub fn tickets(watch: &Watch) -> Answer {
    let filed = watch.tickets.until(watch.now_s());
    let latest: Vec<_> = filed.iter().rev().take(TICKETS).collect();
    let lines = latest.iter().map(|t| {
        let body = if t.body.is_empty() { String::new() } else { format!("\n    {}", t.body.replace('\n', "\n    ")) };
        format!("{}  {}  {}: {}{body}\n", t.id, moment(watch, t.at_s), t.from, t.title)
    });
    let rows: Vec<_> = (latest.iter())
        .map(|t| json!({ "id": t.id, "time": moment(watch, t.at_s), "from": t.from, "title": t.title, "body": t.body }))
        .collect();
    let text = format!("{} tickets in all, the latest first\n{}", filed.len(), lines.collect::<String>().trim_end());
    let seen = Seen { features: vec!["tickets".to_string()], from: SimTime::ZERO, to: watch.world.now() };
    Answer { title: "tickets".to_string(), text, data: json!({ "tickets": rows }), seen }
}
