//! Boards: all panels of a layer over one stretch of time, as charts, and the same as numbers.

use serde_json::{Value as Json, json};

use crate::metrics::promql::Query;
use crate::session::look::{Answer, Seen};
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::panels::{Board, PanelData};
use crate::telemetry::watch::Watch;

/// Columns and rows of a chart in the text.
const CHART: (usize, usize) = (96, 6);
/// The shortest and the longest stretch that a board shows, in seconds.
const WINDOWS_S: (u32, u32) = (60, 86_400);
/// Moments of a panel, at most about.
const MOMENTS: u32 = 120;

/// Answers over a stretch of time up to now.
///
/// # Errors
/// There is no such board.
pub fn answer(watch: &mut Watch, name: &str, window_s: u32) -> Result<Answer, String> {
    let now = watch.world.now();
    answer_at(watch, name, window_s, now)
}

/// Answers over a stretch of time up to a moment that is over.
///
/// # Errors
/// There is no such board.
pub fn answer_at(watch: &mut Watch, name: &str, window_s: u32, to: SimTime) -> Result<Answer, String> {
    let board = Board::named(name)?;
    let window_s = window_s.clamp(WINDOWS_S.0, WINDOWS_S.1);
    let step_s = window_s.div_ceil(MOMENTS).next_multiple_of(15);
    let from = SimTime(to.0.saturating_sub(u64::from(window_s) * 1_000_000_000));
    let step = SimDuration::from_secs(u64::from(step_s));
    let panels = board.read(watch.world.scraped(), from, to, step).map_err(|e| e.to_string())?;
    let calendar = watch.scene.calendar;
    let charts =
        panels.iter().map(|panel| format!("{}\n  {}", panel.draw(CHART.0, CHART.1, false, &calendar), panel.says));
    let head = format!("{}, {} to {}", board.title, calendar.clock(from), calendar.clock(to));
    let text = [head].into_iter().chain(charts).collect::<Vec<_>>().join("\n\n");
    let data: Vec<Json> = panels.iter().map(|panel| as_data(watch, panel)).collect();
    let queries = board.panels.iter().flat_map(|panel| panel.queries);
    let parsed = queries.filter_map(|(_, promql)| Query::parse(promql).ok());
    let mut features: Vec<String> =
        parsed.flat_map(|query| query.metrics()).map(|name| format!("metric:{name}")).collect();
    features.sort();
    features.dedup();
    let seen = Seen { features, from, to };
    Ok(Answer { title: format!("board {name}"), text, data: json!({ "board": board.id, "panels": data }), seen })
}

fn as_data(watch: &Watch, panel: &PanelData) -> Json {
    let calendar = watch.scene.calendar;
    let series: Vec<Json> = (panel.series.iter())
        .map(|series| json!({ "legend": series.legend, "values": series.values, "mean_before": series.before }))
        .collect();
    json!({
        "id": panel.id,
        "title": panel.title,
        "unit": panel.unit.suffix().trim(),
        "says": panel.says,
        "threshold": panel.threshold,
        "times": panel.moments.iter().map(|at| calendar.clock(*at)).collect::<Vec<_>>(),
        "series": series,
        "summary": panel.summary(),
    })
}
