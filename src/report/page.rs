//! The report page: one self-contained HTML file that needs no network and no script to be read.

use minijinja::value::Serde;
use minijinja::{Environment, HtmlEscape};
use serde::Serialize;

use crate::report::chart::{CHARTS, Chart, Extent, Line};
use crate::report::plot::{Plot, end_s, plot};
use crate::report::quantity::{Unit, grouped};
use crate::report::run::{Moment, RunReport};
use crate::sim::time::SimTime;

const TEMPLATES: [(&str, &str); 3] = [
    ("page.html", include_str!("page/page.html")),
    ("page.css", include_str!("page/page.css")),
    ("page.js", include_str!("page/page.js")),
];

/// Draws `runs` over one another in one HTML page. The first run leads: its timeline marks the charts.
pub fn html(runs: &[RunReport]) -> String {
    let mut templates = Environment::new();
    for (name, text) in TEMPLATES {
        templates.add_template(name, text).expect("the templates are part of the program and tested");
    }
    let page = templates.get_template("page.html").expect("it was added above");
    page.render(Serde(PageView::of(runs))).expect("the view has every name that the template uses, and is tested")
}

/// A text for a page in which what stands between backticks is code.
pub(super) fn ticked(text: &str) -> String {
    let parts = text.split('`').map(|part| HtmlEscape(part).to_string()).enumerate();
    parts.map(|(i, part)| if i % 2 == 1 { format!("<code>{part}</code>") } else { part }).collect()
}

#[derive(Serialize)]
struct PageView {
    title: String,
    seed: String,
    runs: Vec<RunView>,
    sentences: Vec<String>,
    moments: Vec<MomentView>,
    charts: Vec<ChartView>,
    end_s: f64,
    bucket_s: f64,
    bucket: String,
}

#[derive(Serialize)]
struct RunView {
    label: String,
    event_hash: String,
    facts: Vec<String>,
}

#[derive(Serialize)]
struct MomentView {
    time: String,
    kind: &'static str,
    glyph: char,
    text: String,
}

#[derive(Serialize)]
struct ChartView {
    id: usize,
    title: &'static str,
    note: &'static str,
    unit: &'static str,
    sentences: Vec<String>,
    entries: Vec<EntryView>,
    parts: Vec<&'static str>,
    plot: Plot,
    rows: Vec<Vec<String>>,
}

/// A line of a legend, and a column of the table.
#[derive(Serialize)]
struct EntryView {
    name: &'static str,
    run: usize,
    run_label: String,
    line: usize,
    extent: String,
}

impl PageView {
    fn of(runs: &[RunReport]) -> Self {
        let leading = runs.first();
        let bucket_s = leading.and_then(|run| run.series.t_s.first().copied()).unwrap_or(0.0);
        PageView {
            title: leading.map_or_else(String::new, |run| format!("{} / {}", run.scenario, run.variant)),
            seed: leading.map_or_else(String::new, |run| run.seed.to_string()),
            runs: runs.iter().map(RunView::of).collect(),
            sentences: leading
                .map_or_else(Vec::new, |first| runs[1..].iter().filter_map(|run| run.compared_with(first)).collect()),
            moments: leading.map_or_else(Vec::new, |run| run.timeline.iter().map(MomentView::of).collect()),
            charts: CHARTS.iter().enumerate().map(|(id, chart)| ChartView::of(id, chart, runs)).collect(),
            end_s: end_s(runs),
            bucket_s,
            bucket: Unit::Seconds.show(bucket_s),
        }
    }
}

impl RunView {
    fn of(run: &RunReport) -> Self {
        let totals = run.totals();
        let whole = |value: f64| grouped(&format!("{value:.0}"));
        let share =
            |part: f64, of: f64| if of > 0.0 { format!("{:.1} %", part / of * 100.0) } else { "–".to_owned() };
        RunView {
            label: run.label.clone(),
            event_hash: run.event_hash.clone(),
            facts: vec![
                whole(run.harm),
                whole(run.cost),
                whole(totals.intents),
                whole(totals.attempts),
                share(totals.errors, totals.attempts),
                share(totals.good, totals.intents),
            ],
        }
    }
}

impl MomentView {
    fn of(moment: &Moment) -> Self {
        MomentView {
            time: moment.at.to_string(),
            kind: moment.kind.word(),
            glyph: moment.kind.glyph(),
            text: moment.text.clone(),
        }
    }
}

impl ChartView {
    fn of(id: usize, chart: &Chart, runs: &[RunReport]) -> Self {
        ChartView {
            id,
            title: chart.title,
            note: chart.note,
            unit: chart.unit.suffix().trim_start(),
            sentences: runs.iter().map(|run| format!("{}: {}", run.label, chart.sentence(&run.series))).collect(),
            entries: entries(chart, runs),
            parts: chart.parts.iter().map(|part| part.name).collect(),
            plot: plot(chart, runs),
            rows: rows(chart, runs),
        }
    }
}

fn entries(chart: &Chart, runs: &[RunReport]) -> Vec<EntryView> {
    let number = |value| chart.unit.number(value);
    let extent = |run: &RunReport, line: &Line| match Extent::of(&run.series, line) {
        None => "nothing measured".to_owned(),
        Some(e) => format!("{} to {}", number(e.low.0), chart.unit.show(e.high.0)),
    };
    let of_run = |(run, report): (usize, &RunReport)| {
        let entry = |(line, described): (usize, &'static Line)| EntryView {
            name: described.name,
            run,
            run_label: report.label.clone(),
            line,
            extent: extent(report, described),
        };
        chart.lines.iter().enumerate().map(entry).collect::<Vec<_>>()
    };
    runs.iter().enumerate().flat_map(of_run).collect()
}

/// The table of a chart: a row for each bucket of the run that has most, its end first, then every entry and part.
fn rows(chart: &Chart, runs: &[RunReport]) -> Vec<Vec<String>> {
    let Some(longest) = runs.iter().map(|run| &run.series.t_s).max_by_key(|ends| ends.len()) else { return Vec::new() };
    let lines = runs.iter().flat_map(|run| chart.lines.iter().map(move |line| (line.values)(&run.series)));
    let parts = chart.parts.iter().map(|part| (part.values)(&runs[0].series));
    let columns: Vec<Vec<Option<f64>>> = lines.chain(parts).collect();
    let text = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| chart.unit.number(value));
    let row = |(i, &end): (usize, &f64)| {
        let time = SimTime::from_secs_f64(end).to_string();
        let cells = columns.iter().map(|column| text(column.get(i).copied().flatten()));
        std::iter::once(time).chain(cells).collect()
    };
    longest.iter().enumerate().map(row).collect()
}
