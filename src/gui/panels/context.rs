//! The lines around a line: what the same pod said shortly before and after it. A look at the price of a search.

use bevy_egui::egui::{self, Ui};
use serde_json::Value as Json;

use crate::gui::keys::Panel;
use crate::gui::kit::{Cx, head, inset, key_cap, low, mono, priced};
use crate::session::command::Look;

/// Seconds before and after.
const AROUND_S: u32 = 30;
/// How the question begins, by which its answer is told from others.
const BEGINS: &str = "SELECT time, level, pod, body, trace_id FROM logs WHERE pod = '";

/// The look at the lines around a moment, as a date and time, of a pod.
pub fn around(pod: &str, time: &str) -> Look {
    let (pod, time) = (pod.replace('\'', ""), time.replace('\'', ""));
    let bound = |sign: char| format!("(unixepoch('{time}') {sign} {AROUND_S}) * 1000");
    let query = format!("{BEGINS}{pod}' AND time_ms BETWEEN {} AND {} ORDER BY time", bound('-'), bound('+'));
    Look::Sql { query }
}

/// The pod and the time of such a look; none: it is another.
pub fn of(look: &Look) -> Option<(&str, &str)> {
    let Look::Sql { query } = look else { return None };
    let (pod, rest) = query.strip_prefix(BEGINS)?.split_once('\'')?;
    let time = rest.split_once("unixepoch('")?.1.split_once('\'')?.0;
    Some((pod, time))
}

/// A line, as far as it is known.
pub struct Line {
    time: String,
    pod: String,
    body: String,
    trace: String,
}

/// A line of an answer to a search, or to a look around a line.
pub fn line(data: &Json, row: usize) -> Option<Line> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_string();
    if let Some(found) = data["lines"].get(row) {
        let [time, pod, body, trace] = ["time", "pod", "body", "trace"].map(|key| text(&found[key]));
        return Some(Line { time, pod, body, trace });
    }
    let found = data["rows"].get(row)?;
    let [time, pod, body, trace] = [0, 2, 3, 4].map(|at| text(&found[at]));
    Some(Line { time, pod, body, trace })
}

/// The line that is chosen, whole, and where it leads. `opens`: Enter was pressed on it.
pub fn line_ui(ui: &mut Ui, cx: &mut Cx<'_>, line: &Line, opens: bool) {
    inset(cx.theme).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let clock = crate::gui::answers::seconds_of_day(&line.time).map(crate::gui::answers::clock_of);
            ui.label(head(cx.theme, format!("{}  {}", clock.unwrap_or_default(), line.pod)));
            let look = around(&line.pod, &line.time);
            if priced(ui, cx.theme, "30 s around it", &look) || opens {
                cx.look(look);
                cx.state.shown.remove(&Panel::Logs);
                cx.state.picked.remove(&Panel::Logs);
            }
            key_cap(ui, cx.theme, "Enter");
            if line.trace.is_empty() {
                ui.label(low(cx.theme, "it belongs to no trace"));
                return;
            }
            let look = Look::Trace { id: line.trace.clone() };
            if priced(ui, cx.theme, "its trace", &look) {
                cx.look(look);
                cx.state.go_to(Panel::Traces);
            }
        });
        egui::ScrollArea::vertical().id_salt("whole line").max_height(40.0).auto_shrink([false, true]).show(ui, |ui| {
            ui.add(egui::Label::new(mono(cx.theme, &line.body).size(12.5)).wrap().selectable(true));
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_around_a_line_is_known_by_its_question_and_others_are_not() {
        let look = around("gateway-3", "2026-03-03T14:12:05Z");
        assert_eq!(of(&look), Some(("gateway-3", "2026-03-03T14:12:05Z")));
        assert_eq!(of(&Look::Sql { query: "SELECT 1".to_string() }), None);
        assert_eq!(of(&Look::Alerts), None);
    }
}
