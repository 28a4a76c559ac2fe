//! Which panel a hint should point at: the one that best tells a variant from what else it could be, by the ensemble.

use std::collections::BTreeMap;

use crate::score::observer::Observer;
use crate::score::observer::differential::HEALTHY;
use crate::score::observer::grid::BEFORE_S;
use crate::score::observer::mind::Mind;
use crate::score::observer::reading::Reading;
use crate::score::observer::weigh::Scale;
use crate::telemetry::panels::BOARDS;

/// What it shows by so many seconds after the page counts.
const BY_S: f64 = 180.0;
/// A panel that tells less than this, in bits of at most 1, is no hint.
const LEAST_BITS: f64 = 0.3;
/// Of panels that tell as much as the best but for so many bits, a hint points at the one that is read first.
const NEARLY: f64 = 0.05;

/// For each variant, in order of their names, the panel as `BOARD.PANEL`; none for those that no single panel tells apart.
pub fn panels(observer: &Observer) -> BTreeMap<String, String> {
    let mind = Mind::new(observer, &Reading::default());
    let pieces = mind.pieces(-f64::from(BEFORE_S), BY_S);
    let mut found = BTreeMap::new();
    for (place, own) in observer.hypotheses.iter().enumerate().filter(|(_, h)| h.name != HEALTHY) {
        let is_other = |h: usize| h != place && !observer.hypotheses[h].roots.iter().any(|m| own.roots.contains(m));
        let others = (0..observer.hypotheses.len()).filter(|h| is_other(*h)).count() as f64;
        let even: Vec<f64> = (0..observer.hypotheses.len())
            .map(|h| match (h == place, is_other(h)) {
                (true, _) => 0.5,
                (_, true) => 0.5 / others,
                _ => 0.0,
            })
            .collect();
        let bits = |cells: &crate::score::observer::mind::Cells| {
            Scale::new(&observer.table, cells.iter().copied(), &even).information()
        };
        let told: Vec<(f64, &str)> =
            pieces.iter().filter_map(|p| Some((bits(&p.cells), p.item.key.strip_prefix("panel:")?))).collect();
        let most = told.iter().map(|(bits, _)| *bits).fold(0.0, f64::max);
        if others <= 0.0 || most < LEAST_BITS {
            continue;
        }
        let nearly = told.iter().filter(|(bits, _)| most - NEARLY <= *bits);
        if let Some((_, panel)) = nearly.min_by_key(|(_, panel)| reading_order(panel)) {
            found.insert(own.name.clone(), (*panel).to_string());
        }
    }
    found
}

/// Where `BOARD.PANEL` stands among all panels, from the first of the first board on.
fn reading_order(panel: &str) -> usize {
    let all = BOARDS.iter().flat_map(|b| b.panels.iter().map(|p| (b.id, p.id)));
    all.into_iter().position(|(b, p)| panel.split_once('.') == Some((b, p))).unwrap_or(usize::MAX)
}
