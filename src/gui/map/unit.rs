//! One replica from near: who waits for admission, who is in the batch, which share of its blocks is taken, how busy its
//! accelerators are. All of it is one look at a price, as of its moment; before it the replica says so.

use crate::gui::map::draw::{Hang, Ink, Mark, Paint};
use crate::telemetry::stack_map::short;

/// What was measured of a replica; none: it was not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Unit {
    /// Requests that wait for admission.
    pub waiting: Option<f64>,
    /// Requests in the batch.
    pub running: Option<f64>,
    /// The share of its KV blocks that is in use, from 0 to 1.
    pub blocks: Option<f64>,
    /// Sequences that lost their blocks, since it started.
    pub preempted: Option<f64>,
    /// How busy its accelerators are, from 0 to 1.
    pub busy: Option<f64>,
    /// The share of time in which their memory is read or written, from 0 to 1.
    pub memory: Option<f64>,
}

/// The metrics, in the order of [`Unit`]'s fields, and by what their values are divided.
const METRICS: [(&str, f64); 6] = [
    ("vllm:num_requests_waiting", 1.0),
    ("vllm:num_requests_running", 1.0),
    ("vllm:kv_cache_usage_perc", 1.0),
    ("vllm:num_preemptions_total", 1.0),
    ("DCGM_FI_DEV_GPU_UTIL", 100.0),
    ("DCGM_FI_PROF_DRAM_ACTIVE", 1.0),
];

/// What is asked of a replica.
pub fn question(pod: &str) -> String {
    let names: Vec<&str> = METRICS.iter().map(|(name, _)| *name).collect();
    format!("{{__name__=~\"{}\", pod=\"{pod}\"}}", names.join("|"))
}

/// What an answer to that says; of several accelerators the mean.
pub fn read(data: &serde_json::Value) -> Unit {
    let rows = data["vector"].as_array().map_or(&[][..], Vec::as_slice);
    let mean = |(name, scale): (&str, f64)| {
        let of = rows.iter().filter(|r| r["labels"]["__name__"].as_str() == Some(name));
        let values: Vec<f64> = of.filter_map(|r| r["value"].as_f64()).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64 / scale)
    };
    let [waiting, running, blocks, preempted, busy, memory] = METRICS.map(mean);
    Unit { waiting, running, blocks, preempted, busy, memory }
}

/// At the sides.
const SIDE: f32 = 22.0;
/// Requests in a column, of those that wait and of those that run.
const ROWS: usize = 16;
/// Cells of the shelf: rows and columns.
const SHELF: (usize, usize) = (16, 24);

/// The marks of a replica: what is known of it with the time of day of the look; none: nobody has looked yet.
pub fn draw_unit(pod: &str, known: Option<(&Unit, &str)>, w: f32, h: f32) -> Vec<Mark> {
    let mut marks = vec![
        text([SIDE, 22.0], Hang::Left, 17.0, true, Ink::High, pod),
        text([w - SIDE, 22.0], Hang::Right, 12.5, false, Ink::Low, "Esc: all units of the layer"),
    ];
    let Some((unit, at)) = known else {
        let says = "What it holds is asked for: 10 s.";
        marks.push(text([SIDE, 48.0], Hang::Left, 13.0, false, Ink::Mid, says));
        return marks;
    };
    let says = match unit.preempted {
        Some(n) => format!("as of {at}; {} sequences lost their blocks since it started", short(n)),
        None => format!("as of {at}"),
    };
    marks.push(text([SIDE, 48.0], Hang::Left, 13.0, false, Ink::Mid, &says));
    let (top, bottom) = (84.0, h - 16.0);
    let column = (w - 2.0 * SIDE) / 4.0;
    let at = |place: usize| SIDE + column * place as f32;
    crowd("waits for admission", unit.waiting, [at(0), top], [column - 28.0, bottom - top], Ink::Flow, &mut marks);
    crowd("in the batch", unit.running, [at(1), top], [column - 28.0, bottom - top], Ink::FillEdge, &mut marks);
    shelf(unit.blocks, [at(2), top], [column - 28.0, bottom - top], &mut marks);
    let high = ((bottom - top) / 2.0 - 8.0).max(40.0);
    gauge("accelerators busy", unit.busy, [at(3), top], column, &mut marks);
    gauge("their memory busy", unit.memory, [at(3), top + high.min(70.0)], column, &mut marks);
    marks
}

fn text(at: [f32; 2], hang: Hang, size: f32, strong: bool, ink: Ink, text: &str) -> Mark {
    Mark::Text { at, hang, size, mono: false, strong, paint: Paint(ink, 1.0), text: text.to_string() }
}

/// A heading with a number; a value that was not measured says so.
fn headed(name: &str, value: Option<String>, [x, y]: [f32; 2], marks: &mut Vec<Mark>) {
    marks.push(text([x, y], Hang::Left, 13.0, false, Ink::Mid, name));
    let (says, ink) = value.map_or(("no data".to_string(), Ink::Low), |v| (v, Ink::High));
    marks.push(text([x, y + 20.0], Hang::Left, 16.0, true, ink, &says));
}

/// Requests as dots, each one of them; what finds no room is told.
fn crowd(name: &str, count: Option<f64>, [x, y]: [f32; 2], [w, h]: [f32; 2], ink: Ink, marks: &mut Vec<Mark>) {
    headed(name, count.map(short), [x, y], marks);
    let Some(count) = count else { return };
    let rows = ROWS.min(((h - 60.0) / 12.0).max(1.0) as usize);
    let columns = (w / 12.0).max(1.0) as usize;
    let (all, shown) = (count.round() as usize, (count.round() as usize).min(rows * columns));
    for n in 0..shown {
        let at = [x + 5.0 + (n / rows) as f32 * 12.0, y + 44.0 + (n % rows) as f32 * 12.0];
        marks.push(Mark::Dot { at, radius: 4.0, paint: Paint(ink, 0.95) });
    }
    if shown < all {
        let says = format!("and {} more", all - shown);
        marks.push(text([x, y + 48.0 + rows as f32 * 12.0], Hang::Left, 12.0, false, Ink::Low, &says));
    }
}

/// Blocks on a shelf: filled cells are in use, hollow ones free.
fn shelf(used: Option<f64>, [x, y]: [f32; 2], [w, h]: [f32; 2], marks: &mut Vec<Mark>) {
    headed("KV blocks in use", used.map(|u| format!("{:.0} %", u * 100.0)), [x, y], marks);
    let Some(used) = used else { return };
    let (rows, columns) = SHELF;
    let step = (w / columns as f32).min((h - 50.0) / rows as f32).clamp(5.0, 15.0);
    let full = (used.clamp(0.0, 1.0) * (rows * columns) as f64).round() as usize;
    for n in 0..rows * columns {
        let (fill, line) = match n < full {
            true => (Some(Paint(Ink::Fill((used * 100.0) as u8), 1.0)), None),
            false => (None, Some((1.0, Paint(Ink::Hairline, 1.0)))),
        };
        let at = [x + (n / rows) as f32 * step, y + 40.0 + (n % rows) as f32 * step];
        marks.push(Mark::Box { at, size: [step - 2.0, step - 2.0], radius: 1.5, fill, line });
    }
}

fn gauge(name: &str, share: Option<f64>, [x, y]: [f32; 2], w: f32, marks: &mut Vec<Mark>) {
    headed(name, share.map(|s| format!("{:.0} %", s * 100.0)), [x, y], marks);
    let Some(share) = share.map(|s| s.clamp(0.0, 1.0) as f32) else { return };
    let at = [x, y + 38.0];
    let line = Some((1.0, Paint(Ink::Hairline, 1.0)));
    marks.push(Mark::Box { at, size: [w, 12.0], radius: 3.0, fill: Some(Paint(Ink::Raised, 1.0)), line });
    let fill = Some(Paint(Ink::Fill((share * 100.0) as u8), 1.0));
    marks.push(Mark::Box { at, size: [(w * share).max(1.5), 12.0], radius: 3.0, fill, line: None });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_replica_shows_as_many_dots_and_cells_as_were_measured_and_nothing_before_a_look() {
        let series = |name: &str, value: f64| json!({ "labels": { "__name__": name, "pod": "a-0" }, "value": value });
        let data = json!({ "vector": [series("vllm:num_requests_waiting", 12.0), series("vllm:num_requests_running", 30.0),
            series("vllm:kv_cache_usage_perc", 0.5), series("DCGM_FI_DEV_GPU_UTIL", 90.0), series("DCGM_FI_DEV_GPU_UTIL", 70.0)] });
        let unit = read(&data);
        assert_eq!((unit.waiting, unit.blocks, unit.busy, unit.preempted), (Some(12.0), Some(0.5), Some(0.8), None));
        let marks = draw_unit("a-0", Some((&unit, "14:05:00")), 1250.0, 330.0);
        let dots = marks.iter().filter(|m| matches!(m, Mark::Dot { .. })).count();
        let filled =
            |m: &&Mark| matches!(m, Mark::Box { fill: Some(p), line: None, .. } if matches!(p.0, Ink::Fill(50)));
        assert_eq!((dots, marks.iter().filter(filled).count()), (42, SHELF.0 * SHELF.1 / 2));
        let said = |m: &Mark| matches!(m, Mark::Text { text, .. } if text == "no data");
        assert!(marks.iter().any(said), "what was not measured says so");
        assert_eq!(draw_unit("a-0", None, 1250.0, 330.0).len(), 3);
        assert!(question("a-0").contains("pod=\"a-0\""));
    }
}
