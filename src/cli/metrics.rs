//! `metrics`: what the monitoring system of a run knows, for queries.

use clap::Args;

use crate::cli::{Failure, lines, print};
use crate::sim::world::exposition::{Kind, metrics as all};
use crate::telemetry::real_names;

/// How to show it.
#[derive(Args)]
pub struct Options {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Instead, the names that a real stack exposes, and of each whether it is here or why not, as Markdown
    #[arg(long)]
    real: bool,
}

/// Prints every metric with its kind and meaning.
pub fn metrics(options: &Options) -> Result<(), Failure> {
    if options.real {
        return print(real_names::markdown().trim_end());
    }
    let metrics = all();
    if options.json {
        return print(&serde_json::json!(metrics).to_string());
    }
    let entries = metrics.iter().map(|metric| {
        let kind = match metric.kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram (_bucket, _sum, _count)",
        };
        let job = if metric.job.is_empty() { "every job" } else { metric.job };
        format!("{}\n{}", metric.name, lines(4, &format!("{kind} of {job}: {}", metric.about)))
    });
    print(entries.collect::<String>().trim_end())
}
