//! The eight charts of a report: which series each shows, in which unit, and what it says in one sentence.

use crate::report::quantity::Unit;
use crate::sim::series::Series;
use crate::sim::time::SimTime;

/// One chart, drawn by every rendering from the same description.
#[derive(Debug)]
pub struct Chart {
    /// Short name; unique.
    pub title: &'static str,
    /// What exactly is measured.
    pub note: &'static str,
    /// Unit of every line.
    pub unit: Unit,
    /// The lines, from the one that matters most; compared between runs.
    pub lines: &'static [Line],
    /// Parts that add up to the first line, from the bottom; empty where it has none.
    pub parts: &'static [Line],
}

/// One series of a chart.
#[derive(Debug)]
pub struct Line {
    /// What it is, in a few words.
    pub name: &'static str,
    /// Its values, one a bucket.
    pub values: fn(&Series) -> Vec<Option<f64>>,
}

/// Where a line starts, ends and turns, over the buckets in which it was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// The lowest value and the end of the first bucket that has it.
    pub low: (f64, SimTime),
    /// The highest value and the end of the first bucket that has it.
    pub high: (f64, SimTime),
    /// The first value measured.
    pub first: f64,
    /// The last value measured.
    pub last: f64,
}

fn measured(column: &[f64]) -> Vec<Option<f64>> {
    column.iter().copied().map(Some).collect()
}

/// The charts in the order in which they are read: demand, the cache, its price, the queue, and what users feel.
pub const CHARTS: [Chart; 8] = [
    Chart {
        title: "Requests",
        note: "Unique requests begun (intents), and the same with every retry counted (attempts)",
        unit: Unit::PerSecond,
        lines: &[
            Line { name: "intents", values: |s| measured(&s.intents_per_s) },
            Line { name: "attempts", values: |s| measured(&s.attempts_per_s) },
        ],
        parts: &[],
    },
    Chart {
        title: "Cache hit ratio",
        note: "Cached over prompt tokens at admission, by where they were found",
        unit: Unit::Share,
        lines: &[Line { name: "all", values: |s| s.hit_ratio.clone() }],
        parts: &[
            Line { name: "HBM", values: |s| s.hit_hbm.clone() },
            Line { name: "host", values: |s| s.hit_host.clone() },
            Line { name: "remote", values: |s| s.hit_remote.clone() },
        ],
    },
    Chart {
        title: "Prefill per request",
        note: "Prefill tokens computed per admitted attempt",
        unit: Unit::Tokens,
        lines: &[Line { name: "tokens", values: |s| s.prefill_tokens_per_request.clone() }],
        parts: &[],
    },
    Chart {
        title: "Queue",
        note: "Requests waiting for admission per ready replica",
        unit: Unit::Requests,
        lines: &[Line { name: "waiting", values: |s| s.queue.clone() }],
        parts: &[],
    },
    Chart {
        title: "Time to first token",
        note: "From sending an attempt to its first token, seen by the client, over those that got one",
        unit: Unit::Seconds,
        lines: &[
            Line { name: "p50", values: |s| s.ttft_p50_s.clone() },
            Line { name: "p99", values: |s| s.ttft_p99_s.clone() },
        ],
        parts: &[],
    },
    Chart {
        title: "Errors",
        note: "Attempts that ended in an error",
        unit: Unit::PerSecond,
        lines: &[Line { name: "errors", values: |s| measured(&s.errors_per_s) }],
        parts: &[],
    },
    Chart {
        title: "Goodput",
        note: "Unique requests answered within their objective",
        unit: Unit::PerSecond,
        lines: &[Line { name: "goodput", values: |s| measured(&s.goodput_per_s) }],
        parts: &[],
    },
    Chart {
        title: "GPU busy",
        note: "Share of the ready replicas' time in which a step ran",
        unit: Unit::Share,
        lines: &[Line { name: "busy", values: |s| s.gpu_busy.clone() }],
        parts: &[],
    },
];

impl Chart {
    /// The greatest value of any line in any of `runs`, zero if there is none.
    pub fn max<'a>(&self, runs: impl IntoIterator<Item = &'a Series>) -> f64 {
        let of_run = |run| self.lines.iter().flat_map(move |line| (line.values)(run)).flatten();
        runs.into_iter().flat_map(of_run).fold(0.0, f64::max)
    }

    /// What the chart shows of one run, in a sentence per line, for those who do not see it.
    pub fn sentence(&self, run: &Series) -> String {
        let say = |line: &Line| match Extent::of(run, line) {
            None => format!("{}: nothing measured.", line.name),
            Some(extent) => format!(
                "{}: {} first, {} last; lowest {} at {}, highest {} at {}.",
                line.name,
                self.unit.show(extent.first),
                self.unit.show(extent.last),
                self.unit.show(extent.low.0),
                extent.low.1,
                self.unit.show(extent.high.0),
                extent.high.1
            ),
        };
        self.lines.iter().map(say).collect::<Vec<_>>().join(" ")
    }
}

impl Extent {
    /// The extent of a line in a run; `None` where nothing was measured.
    pub fn of(run: &Series, line: &Line) -> Option<Extent> {
        let mut points = run
            .t_s
            .iter()
            .zip((line.values)(run))
            .filter_map(|(&t, value)| value.map(|value| (value, SimTime::from_secs_f64(t))));
        let first = points.next()?;
        let start = Extent { low: first, high: first, first: first.0, last: first.0 };
        Some(points.fold(start, |extent, point| Extent {
            low: if point.0 < extent.low.0 { point } else { extent.low },
            high: if point.0 > extent.high.0 { point } else { extent.high },
            last: point.0,
            ..extent
        }))
    }
}
