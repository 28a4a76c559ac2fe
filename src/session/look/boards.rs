//! Boards, and colleagues who look at them for somebody else.

use serde_json::json;

use crate::session::look::{Answer, Seen};
use crate::sim::rng::mix;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::calendar::span;
use crate::telemetry::colleagues::{self, Colleague};
use crate::telemetry::panels::{Board, PanelData, PanelSeries};
use crate::telemetry::watch::Watch;

/// Size of a chart in characters.
const WIDTH: usize = 72;
/// See [`WIDTH`].
const HEIGHT: usize = 6;
/// Points of a chart.
const POINTS: u64 = 60;
/// Panels that a colleague tells of.
const TOLD: usize = 3;
/// How far back a colleague looks.
const COLLEAGUE_WINDOW: SimDuration = SimDuration::from_secs(900);
/// One report in so many takes one member of a group for the whole.
const MISREAD_ONE_IN: u64 = 4;

fn read(watch: &Watch, board: &Board, window: SimDuration) -> Result<(Vec<PanelData>, SimTime, SimTime), String> {
    let now = watch.world.now();
    let from = SimTime(now.0.saturating_sub(window.0));
    let step = SimDuration((now.since(from).0 / POINTS).max(15_000_000_000));
    let panels = board.read(watch.world.scraped(), from, now, step).map_err(|e| e.to_string())?;
    Ok((panels, from, now))
}

/// All panels of a board.
///
/// # Errors
/// There is no such board.
pub fn board(watch: &Watch, name: &str, window_s: u32) -> Result<Answer, String> {
    let board = Board::named(name)?;
    let window = SimDuration::from_secs(u64::from(window_s));
    let (panels, from, to) = read(watch, board, window)?;
    let calendar = &watch.scene.calendar;
    let charts: Vec<String> = panels.iter().map(|p| p.draw(WIDTH, HEIGHT, false, calendar)).collect();
    let text = format!("{}, the last {}\n\n{}", board.title, span(window), charts.join("\n\n"));
    let data: Vec<_> = panels.iter().map(|p| twin(watch, p)).collect();
    let seen = Seen { features: panels.iter().map(|p| format!("panel:{}.{}", board.id, p.id)).collect(), from, to };
    Ok(Answer { title: format!("board {name}"), text, data: json!({ "board": board.id, "panels": data }), seen })
}

/// A panel in words and numbers: what the chart shows, for those who do not see it.
fn twin(watch: &Watch, panel: &PanelData) -> serde_json::Value {
    let calendar = watch.scene.calendar;
    let moments: Vec<String> = panel.moments.iter().map(|at| calendar.clock(*at)).collect();
    let series: Vec<_> = (panel.series.iter())
        .map(
            |s| json!({ "legend": s.legend, "values": s.values, "before": s.before, "summary": s.summary(panel.unit) }),
        )
        .collect();
    json!({ "id": panel.id, "title": panel.title, "unit": panel.unit.suffix().trim(), "says": panel.says,
            "summary": panel.summary(), "moments": moments, "series": series })
}

/// How much a series moved against the window before: the ratio, whichever way.
fn moved(series: &PanelSeries) -> f64 {
    match (series.last(), series.before) {
        (Some(last), Some(before)) if 0.0 < before && 0.0 < last => (last / before).max(before / last),
        (Some(last), Some(before)) if last != before => 1e3,
        _ => 1.0,
    }
}

/// A colleague looks at the board that they know and tells what moved most. Now and then they take one member of a group
/// for the whole; `draw` decides.
///
/// # Errors
/// Nobody is called so.
pub fn ask(watch: &Watch, who: &str, about: &str) -> Result<Answer, String> {
    let colleague = colleagues::find(who)?;
    let board = Board::named(&colleague.knows)?;
    let (panels, from, to) = read(watch, board, COLLEAGUE_WINDOW)?;
    let words: Vec<String> = about.to_lowercase().split_whitespace().map(str::to_string).collect();
    let asked_for =
        |p: &PanelData| words.iter().filter(|w| 3 < w.len() && p.title.to_lowercase().contains(w.as_str())).count();
    let mut order: Vec<&PanelData> = panels.iter().filter(|p| !p.series.is_empty()).collect();
    let most = |p: &PanelData| p.series.iter().map(moved).fold(0.0, f64::max);
    order.sort_by(|a, b| {
        asked_for(b).cmp(&asked_for(a)).then_with(|| most(b).total_cmp(&most(a))).then_with(|| a.id.cmp(b.id))
    });
    let told: Vec<String> =
        (order.iter().take(TOLD)).map(|panel| sentence(panel, misreads(watch, &colleague, panel))).collect();
    let text = match told.is_empty() {
        true => format!("{}: I see nothing on {}; nothing was measured there.", colleague.handle, board.title),
        false => format!("{} ({}), looking at {}:\n{}", colleague.name, colleague.team, board.title, told.join("\n")),
    };
    let features = order.iter().take(TOLD).map(|p| format!("told:{}.{}", board.id, p.id)).collect();
    let data = json!({ "who": colleague.handle, "team": colleague.team, "board": board.id, "says": told });
    Ok(Answer { title: format!("ask {who} {about}"), text, data, seen: Seen { features, from, to } })
}

fn misreads(watch: &Watch, colleague: &Colleague, panel: &PanelData) -> bool {
    let name = colleague.handle.bytes().chain(panel.id.bytes()).fold(0u64, |sum, byte| mix(sum, u64::from(byte)));
    let minute = watch.world.now().0 / 60_000_000_000;
    watch.scene.opaque(9, mix(name, minute)) % MISREAD_ONE_IN == 0
}

/// What a colleague says of a panel.
fn sentence(panel: &PanelData, misread: bool) -> String {
    let by_move =
        |a: &&PanelSeries, b: &&PanelSeries| moved(a).total_cmp(&moved(b)).then_with(|| b.legend.cmp(&a.legend));
    let most = panel.series.iter().max_by(by_move);
    let Some(series) = most else { return format!("- {}: nothing measured", panel.title) };
    // Who misreads sees the one that moved most and speaks of all.
    let of = if misread || panel.series.len() == 1 { String::new() } else { format!(", {}", series.legend) };
    let mean =
        |s: &PanelSeries| s.values.iter().flatten().sum::<f64>() / s.values.iter().flatten().count().max(1) as f64;
    let last = series.last().unwrap_or_else(|| mean(series));
    let was = series.before.map_or(String::new(), |before| format!(", it was {}", panel.unit.show(before)));
    format!("- {}{of}: {} now{was}", panel.title, panel.unit.show(last))
}
