//! The report in a terminal: summary, timeline and the key series as charts.

use crate::report::blocks;
use crate::report::chart::CHARTS;
use crate::report::quantity::grouped;
use crate::report::run::RunReport;
use crate::report::sheet::{Sheet, Style};

/// What the terminal can show.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Columns; fewer than 40 are taken as 40.
    pub width: u16,
    /// Escape sequences for colour may be used. Nothing is told by colour alone.
    pub colour: bool,
}

const CHART_ROWS: usize = 5;
const GAP: usize = 4;
/// From this width on, charts stand in two columns.
const TWO_COLUMNS: usize = 120;

/// Draws `runs` over one another, as lines that fit the terminal. The first run leads: its timeline marks the charts.
pub fn text(runs: &[RunReport], terminal: Terminal) -> String {
    let mut sheet = Sheet::new(usize::from(terminal.width).max(40));
    let Some(leading) = runs.first() else { return String::new() };
    summary(&mut sheet, leading, runs);
    timeline(&mut sheet, leading);
    charts(&mut sheet, runs);
    sheet.print(terminal.colour)
}

/// Words set into lines of at most `width` columns, each `indent` from the left, with a line feed after each.
pub fn paragraph(text: &str, indent: usize, width: usize) -> String {
    let mut sheet = Sheet::new(width);
    sheet.write_wrapped(0, indent, text, Style::Plain);
    sheet.print(false)
}

/// One chart of a run by its title, with the times below; empty where there is none of that title.
pub fn chart(title: &str, run: &RunReport, terminal: Terminal) -> String {
    let Some(chart) = CHARTS.iter().find(|chart| chart.title == title) else { return String::new() };
    let width = usize::from(terminal.width).clamp(40, 100);
    let mut sheet = blocks::draw(chart, std::slice::from_ref(run), width, CHART_ROWS);
    sheet.place(sheet.height(), 0, &blocks::time_axis(run.end_s(), width));
    sheet.print(terminal.colour)
}

fn summary(sheet: &mut Sheet, leading: &RunReport, runs: &[RunReport]) {
    let title = format!("{} / {}", leading.scenario, leading.variant);
    sheet.write(0, 0, &title, Style::Strong);
    sheet.write(0, title.chars().count() + 3, &format!("seed {}", leading.seed), Style::Quiet);
    for run in runs {
        let row = sheet.height() + 1;
        let row = sheet.write_wrapped(row, 0, &run.label, Style::Strong);
        sheet.write_wrapped(row, 2, &facts(run), Style::Plain);
        sheet.write(sheet.height(), 2, &format!("event hash {}", run.event_hash), Style::Quiet);
    }
    for sentence in runs.iter().skip(1).filter_map(|run| run.compared_with(leading)) {
        sheet.write_wrapped(sheet.height() + 1, 0, &sentence, Style::Strong);
    }
}

fn facts(run: &RunReport) -> String {
    let totals = run.totals();
    let whole = |value: f64| grouped(&format!("{value:.0}"));
    let share =
        |part: f64, all: f64| if all > 0.0 { format!("{:.1} %", part / all * 100.0) } else { "none".to_owned() };
    format!(
        "harm {}, cost {}; {} intents, {} attempts; errors {} of attempts; answered in time {} of intents",
        whole(run.harm),
        whole(run.cost),
        whole(totals.intents),
        whole(totals.attempts),
        share(totals.errors, totals.attempts),
        share(totals.good.min(totals.intents), totals.intents) // an answer counts when it comes: some were wanted before
    )
}

fn timeline(sheet: &mut Sheet, run: &RunReport) {
    if run.timeline.is_empty() {
        return;
    }
    let top = sheet.height() + 1;
    sheet.write(top, 0, "Timeline", Style::Strong);
    for (i, moment) in run.timeline.iter().enumerate() {
        let row = sheet.height();
        sheet.write(row, 0, &format!("{:>3}", i + 1), Style::Strong);
        sheet.write(row, 4, &format!("{:>7}", moment.at.to_string()), Style::Plain);
        sheet.write(row, 13, &format!("{} {}", moment.kind.glyph(), moment.kind.word()), Style::Quiet);
        sheet.write_wrapped(row, 23, &moment.text, Style::Plain);
    }
}

fn charts(sheet: &mut Sheet, runs: &[RunReport]) {
    let columns = if sheet.width() < TWO_COLUMNS { 1 } else { 2 };
    let width = (sheet.width() - GAP * (columns - 1)) / columns;
    if let [_, others @ ..] = runs
        && !others.is_empty()
    {
        let names: Vec<&str> = others.iter().map(|run| run.label.as_str()).collect();
        let row = sheet.height() + 1;
        sheet.write(row, 0, "───", Style::Other);
        sheet.write_wrapped(row, 4, &format!("{}, where it differs", names.join("; ")), Style::Plain);
    }
    for pair in CHARTS.chunks(columns) {
        let top = sheet.height() + 1;
        let drawn: Vec<Sheet> = pair.iter().map(|chart| blocks::draw(chart, runs, width, CHART_ROWS)).collect();
        let height = drawn.iter().map(Sheet::height).max().unwrap_or(0);
        for (i, chart) in drawn.iter().enumerate() {
            sheet.place(top + height - chart.height(), i * (width + GAP), chart);
        }
    }
    let end_s = runs.iter().map(RunReport::end_s).fold(0.0, f64::max);
    let bottom = sheet.height();
    for i in 0..columns {
        sheet.place(bottom, i * (width + GAP), &blocks::time_axis(end_s, width));
    }
}
