//! `query`: one run of one scenario, and what its monitoring system answers to a PromQL expression over time.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use clap::Args;
use serde_json::json;

use crate::cli::incident::Incident;
use crate::cli::{Failure, print};
use crate::metrics::labels::Labels;
use crate::metrics::promql::{Query, Warning, warnings};
use crate::metrics::store::Store;
use crate::scenario::opened::ScenarioError;
use crate::sim::spec::SpecError;
use crate::sim::time::SimTime;
use crate::sim::world::exposition::metrics;

/// Series that stand beside each other in the table; the rest is in the JSON.
const MOST_COLUMNS: usize = 6;

/// What to ask.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    incident: Incident,
    /// What to ask, in PromQL
    #[arg(value_name = "PROMQL")]
    query: String,
    /// Ask once in so many simulated seconds, from the opening to the end
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    every: NonZeroU32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What was answered: the moments in seconds after the opening, and of each series a value or nothing at each moment.
struct Table {
    moments_s: Vec<u64>,
    series: BTreeMap<Labels, Vec<Option<f64>>>,
}

/// Runs, asks and prints.
pub fn query(options: &Options) -> Result<(), Failure> {
    let query = Query::parse(&options.query).map_err(|e| Failure::Usage(e.to_string()))?;
    let (scenario, setup) = options.incident.open()?;
    let mut world = scenario.world(&setup, options.incident.seed)?;
    world.scrape_everything();
    let (opening, end) = world.window();
    world.advance_to(end);
    known(&query, world.scraped())?;
    let kinds = metrics().into_iter().map(|metric| (metric.name.to_string(), metric.kind)).collect();
    for Warning { message, at } in warnings(&query, &kinds) {
        eprintln!("scartissue: {message} ({at})");
    }
    let table = ask(&query, world.scraped(), opening, end, options.every)?;
    print(&if options.json { table.json(&options.query) } else { table.text() })
}

/// A name that nothing was ever scraped under is more likely a slip than a question.
fn known(query: &Query, store: &Store) -> Result<(), Failure> {
    let unknown = query.metrics().into_iter().find(|name| !store.names().any(|n| n == name));
    unknown.map_or(Ok(()), |name| {
        let error = SpecError::unknown_name(query.text(), "metric", &name, store.names());
        Err(Failure::from(ScenarioError::Setup(vec![error])))
    })
}

fn ask(query: &Query, store: &Store, opening: SimTime, end: SimTime, every: NonZeroU32) -> Result<Table, Failure> {
    let length_s = end.since(opening).as_secs_f64() as u64;
    let moments_s: Vec<u64> = (0..=length_s).step_by(every.get() as usize).collect();
    let (start_ms, step_ms) = ((opening.0 / 1_000_000) as i64, i64::from(every.get()) * 1000);
    let end_ms = start_ms + length_s as i64 * 1000;
    let lines = query.eval_range(store, start_ms, end_ms, step_ms).map_err(|e| Failure::Usage(e.to_string()))?;
    let series = lines.into_iter().map(|line| {
        let mut values = vec![None; moments_s.len()];
        line.points.iter().for_each(|p| values[((p.t_ms - start_ms) / step_ms) as usize] = Some(p.value));
        (line.labels, values)
    });
    Ok(Table { series: series.collect(), moments_s })
}

impl Table {
    /// One object: `query`, `t_s`, and `series` with `labels` and `values`; what is not there, or no number, is null.
    fn json(&self, query: &str) -> String {
        let series: Vec<serde_json::Value> = self
            .series
            .iter()
            .map(|(labels, values)| {
                let labels: BTreeMap<&str, &str> = labels.pairs().collect();
                json!({ "labels": labels, "values": values })
            })
            .collect();
        json!({ "query": query, "t_s": self.moments_s, "series": series }).to_string()
    }

    fn text(&self) -> String {
        if self.series.is_empty() {
            return "No series answers at any moment.".to_string();
        }
        let shown: Vec<_> = self.series.iter().take(MOST_COLUMNS).collect();
        let mut text = String::new();
        for (number, (labels, _)) in shown.iter().enumerate() {
            text.push_str(&format!("[{}] {labels}\n", number + 1));
        }
        if MOST_COLUMNS < self.series.len() {
            text.push_str(&format!("and {} more: --json has all\n", self.series.len() - MOST_COLUMNS));
        }
        let heads: String = (1..=shown.len()).map(|n| format!("{:>12}", format!("[{n}]"))).collect();
        text.push_str(&format!("\n{:>7}{heads}", "time"));
        for (place, moment_s) in self.moments_s.iter().enumerate() {
            let cells: String = shown.iter().map(|(_, values)| format!("{:>12}", cell(values[place]))).collect();
            text.push_str(&format!("\n{:>7}{cells}", format!("{}:{:02}", moment_s / 60, moment_s % 60)));
        }
        text
    }
}

/// A gap is a gap, never a zero.
fn cell(value: Option<f64>) -> String {
    match value {
        None => "-".to_string(),
        Some(v) if v == 0.0 || 1000.0 <= v.abs() => format!("{v:.0}"),
        Some(v) if 1.0 <= v.abs() => format!("{v:.2}"),
        Some(v) => format!("{v:.4}"),
    }
}
