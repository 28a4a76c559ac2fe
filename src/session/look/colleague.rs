//! Colleagues who look at the board that they know, and tell what they saw.

use serde_json::json;

use crate::session::look::{Answer, Seen};
use crate::sim::rng::mix;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::colleagues::{self, Colleague};
use crate::telemetry::panels::{Board, PanelData, PanelSeries};
use crate::telemetry::watch::Watch;

/// Panels that a colleague tells of.
const TOLD: usize = 3;
/// How far back a colleague looks, and in which steps.
const WINDOW: SimDuration = SimDuration::from_secs(900);
/// See [`WINDOW`].
const STEP: SimDuration = SimDuration::from_secs(15);
/// One report in so many takes one member of a group for the whole.
const MISREAD_ONE_IN: u64 = 4;

/// How much a series moved against the window before: the ratio, whichever way.
fn moved(series: &PanelSeries) -> f64 {
    match (series.last(), series.before) {
        (Some(last), Some(before)) if 0.0 < before && 0.0 < last => (last / before).max(before / last),
        (Some(last), Some(before)) if last != before => 1e3,
        _ => 1.0,
    }
}

/// A colleague looks at the board that they know and tells what moved most. Now and then they take one member of a group
/// for the whole.
///
/// # Errors
/// Nobody is called so.
pub fn ask(watch: &Watch, who: &str, about: &str) -> Result<Answer, String> {
    let colleague = colleagues::find(who)?;
    let board = Board::named(&colleague.knows)?;
    let to = watch.world.now();
    let from = SimTime(to.0.saturating_sub(WINDOW.0));
    let panels = board.read(watch.world.scraped(), from, to, STEP).map_err(|e| e.to_string())?;
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
    watch.scene.opaque(9, mix(name, minute)).is_multiple_of(MISREAD_ONE_IN)
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
