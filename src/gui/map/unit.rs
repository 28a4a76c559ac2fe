//! One replica from near: who waits for admission, who is in the batch, which share of its blocks is taken, how busy its
//! accelerators are, and when sequences lost their blocks. All of it is one look at a price, as of its moment; before it the
//! replica says so, and what it does not export is hatched.

use crate::gui::answers::seconds_of_day;
use crate::gui::map::draw::{Hang, Ink, Mark, Paint, hatch};
use crate::session::command::Look;
use crate::telemetry::stack_map::short;

/// What was measured of a replica; none: it was not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unit {
    /// Requests that wait for admission.
    pub waiting: Option<f64>,
    /// Requests in the batch.
    pub running: Option<f64>,
    /// The share of its KV blocks that is in use, from 0 to 1.
    pub blocks: Option<f64>,
    /// Sequences that lost their blocks, since it started.
    pub preempted: Option<f64>,
    /// When some did, in seconds of the day, and how many since the reading before; none: not measured.
    pub log: Option<Vec<(f64, f64)>>,
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

/// Seconds that the log of a replica covers.
const LOG_S: u32 = 900;

/// The look at a replica.
pub fn look(pod: &str) -> Look {
    let names: Vec<&str> = METRICS.iter().map(|(name, _)| *name).collect();
    let query = format!("{{__name__=~\"{}\", pod=\"{pod}\"}}", names.join("|"));
    Look::Promql { query, window_s: Some(LOG_S), step_s: Some(30) }
}

/// The measured points of a series, in order.
fn points(row: &serde_json::Value) -> impl Iterator<Item = (f64, f64)> {
    let points = row["points"].as_array().map_or(&[][..], Vec::as_slice);
    points.iter().filter_map(|p| Some((seconds_of_day(p[0].as_str()?)?, p[1].as_f64()?)))
}

/// What an answer to that says; of several accelerators the mean.
pub fn read(data: &serde_json::Value) -> Unit {
    let rows = data["matrix"].as_array().map_or(&[][..], Vec::as_slice);
    let of = |name: &'static str| rows.iter().filter(move |r| r["labels"]["__name__"].as_str() == Some(name));
    // What was measured once and is not any more is not known.
    let end = rows.iter().flat_map(|r| points(r).map(|p| p.0)).fold(0.0, f64::max);
    let mean = |(name, scale): (&'static str, f64)| {
        let values: Vec<f64> = of(name).filter_map(|r| points(r).last()).filter(|p| p.0 == end).map(|p| p.1).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64 / scale)
    };
    let [waiting, running, blocks, preempted, busy, memory] = METRICS.map(mean);
    let log = of(METRICS[3].0).next().map(|row| {
        let counts: Vec<(f64, f64)> = points(row).collect();
        let steps = counts.windows(2).map(|pair| (pair[1].0, pair[1].1 - pair[0].1));
        steps.filter(|(_, more)| 0.0 < *more).collect()
    });
    Unit { waiting, running, blocks, preempted, log, busy, memory }
}

/// At the sides.
const SIDE: f32 = 22.0;
/// Requests in a column, of those that wait and of those that run.
const ROWS: usize = 16;
/// A slot of the batch.
const SLOT: [f32; 2] = [14.0, 18.0];
/// Height of the log.
const LOG: f32 = 74.0;
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
    let says = format!("as of {at}");
    marks.push(text([SIDE, 48.0], Hang::Left, 13.0, false, Ink::Mid, &says));
    let now_s = seconds_of_day(at).unwrap_or(0.0);
    let (top, bottom) = (84.0, h - LOG - 22.0);
    let column = (w - 2.0 * SIDE) / 4.0;
    let at = |place: usize| SIDE + column * place as f32;
    crowd("waits for admission", unit.waiting, [at(0), top], [column - 28.0, bottom - top], Ink::Flow, &mut marks);
    batch(unit, [at(1), top], [column - 28.0, bottom - top], &mut marks);
    shelf(unit.blocks, [at(2), top], [column - 28.0, bottom - top], &mut marks);
    let high = ((bottom - top) / 2.0 - 8.0).max(40.0);
    gauge("accelerators busy", unit.busy, [at(3), top], column, &mut marks);
    gauge("their memory busy", unit.memory, [at(3), top + high.min(70.0)], column, &mut marks);
    log(unit, now_s, [SIDE, h - LOG - 8.0], w - 2.0 * SIDE, &mut marks);
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

/// What is not exported: strokes where it would be.
fn unknown(at: [f32; 2], size: [f32; 2], marks: &mut Vec<Mark>) {
    hatch(at, size, Paint(Ink::Unknown, 0.6), 11.0, marks);
}

/// Requests in the batch, a slot for each. How long each of them is no engine exports: the slots are hatched, and the mean
/// is told.
fn batch(unit: &Unit, [x, y]: [f32; 2], [w, h]: [f32; 2], marks: &mut Vec<Mark>) {
    headed("in the batch, a slot each", unit.running.map(short), [x, y], marks);
    let Some(running) = unit.running else { return unknown([x, y + 38.0], [w, (h - 40.0).min(60.0)], marks) };
    let [sw, sh] = SLOT;
    let rows = (((h - 78.0) / (sh + 4.0)) as usize).max(1);
    let columns = ((w / (sw + 4.0)) as usize).max(1);
    let (all, shown) = (running.round() as usize, (running.round() as usize).min(rows * columns));
    for n in 0..shown {
        let at = [x + (n % columns) as f32 * (sw + 4.0), y + 40.0 + (n / columns) as f32 * (sh + 4.0)];
        let line = Some((1.0, Paint(Ink::FillEdge, 0.9)));
        marks.push(Mark::Box { at, size: SLOT, radius: 2.0, fill: Some(Paint(Ink::Raised, 1.0)), line });
        let stroke = ([at[0] + 2.0, at[1] + sh - 2.0], [at[0] + sw - 2.0, at[1] + 2.0]);
        marks.push(Mark::Line { from: stroke.0, to: stroke.1, width: 1.0, paint: Paint(Ink::Unknown, 0.9) });
    }
    let mean = unit.blocks.filter(|_| 0 < all).map(|used| used * 100.0 / running);
    let mean = mean.map_or(String::new(), |m| format!("{} % of the blocks each, on average", short(m)));
    let more = if shown < all { format!("and {} more; ", all - shown) } else { String::new() };
    let below = y + 48.0 + shown.div_ceil(columns) as f32 * (sh + 4.0);
    for (line, says) in [format!("{more}{mean}"), "how long each is, is not exported".to_string()].iter().enumerate() {
        marks.push(text([x, below + 16.0 * line as f32], Hang::Left, 11.5, false, Ink::Low, says));
    }
}

/// When sequences lost their blocks and went back into the line, over the last minutes.
fn log(unit: &Unit, now_s: f64, [x, y]: [f32; 2], w: f32, marks: &mut Vec<Mark>) {
    let (names, high) = (250.0, LOG - 16.0);
    marks.push(text([x, y + 8.0], Hang::Left, 13.0, false, Ink::Mid, "lost their blocks, back in the line"));
    let since = unit.preempted.map(|n| format!("{} since it started", short(n)));
    let (says, ink) = since.map_or(("no data".to_string(), Ink::Low), |s| (s, Ink::High));
    marks.push(text([x, y + 28.0], Hang::Left, 14.0, true, ink, &says));
    let (left, base) = (x + names, y + high);
    let wide = w - names;
    let line = |from, to, ink| Mark::Line { from, to, width: 1.0, paint: Paint(ink, 1.0) };
    marks.push(line([left, base], [left + wide, base], Ink::Hairline));
    for (share, minutes) in [(0.0, 15), (1.0 / 3.0, 10), (2.0 / 3.0, 5)] {
        let at = [left + wide * share, base + 8.0];
        marks.push(text(at, Hang::Left, 11.0, false, Ink::Low, &format!("{minutes} min ago")));
    }
    let Some(log) = &unit.log else { return unknown([left, y], [wide, high - 2.0], marks) };
    if log.is_empty() {
        marks.push(text([left, y + 12.0], Hang::Left, 12.0, false, Ink::Low, "none in the last 15 minutes"));
    }
    let most = log.iter().map(|(_, n)| *n).fold(1.0, f64::max);
    for (at_s, count) in log {
        let share = 1.0 - ((now_s - at_s) / f64::from(LOG_S)).clamp(0.0, 1.0);
        let at = left + (wide - 8.0) * share as f32;
        let tall = ((high - 14.0) * (count / most) as f32).max(3.0);
        let fill = Some(Paint(Ink::FillEdge, 1.0));
        marks.push(Mark::Box { at: [at, base - tall], size: [7.0, tall], radius: 1.0, fill, line: None });
        if log.len() < 16 {
            let above = [at + 3.5, base - tall - 7.0];
            marks.push(text(above, Hang::Middle, 10.5, false, Ink::Mid, &format!("{count:.0}")));
        }
    }
}

/// Requests as dots, each one of them; what finds no room is told.
fn crowd(name: &str, count: Option<f64>, [x, y]: [f32; 2], [w, h]: [f32; 2], ink: Ink, marks: &mut Vec<Mark>) {
    headed(name, count.map(short), [x, y], marks);
    let Some(count) = count else { return unknown([x, y + 38.0], [w, (h - 40.0).min(60.0)], marks) };
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
    let Some(used) = used else { return unknown([x, y + 38.0], [w, (h - 40.0).min(60.0)], marks) };
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
    let at = [x, y + 38.0];
    let Some(share) = share.map(|s| s.clamp(0.0, 1.0) as f32) else { return unknown(at, [w, 12.0], marks) };
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
        let series = |name: &str, value: f64| {
            let points = json!([["14:04:00", value - 4.0], ["14:04:30", value - 4.0], ["14:05:00", value]]);
            json!({ "labels": { "__name__": name, "pod": "a-0" }, "points": points })
        };
        let mut data = json!({ "matrix": [series("vllm:num_requests_waiting", 12.0), series("vllm:num_requests_running", 30.0),
            series("vllm:kv_cache_usage_perc", 0.5), series("DCGM_FI_DEV_GPU_UTIL", 90.0), series("DCGM_FI_DEV_GPU_UTIL", 70.0)] });
        let unit = read(&data);
        assert_eq!((unit.waiting, unit.blocks, unit.busy, unit.preempted), (Some(12.0), Some(0.5), Some(0.8), None));
        assert_eq!(unit.log, None);
        let strokes = |unit: &Unit| {
            let marks = draw_unit("a-0", Some((unit, "14:05:00")), 1250.0, 330.0);
            let hatched = |m: &&Mark| matches!(m, Mark::Line { paint, .. } if paint.0 == Ink::Unknown);
            marks.iter().filter(hatched).count()
        };
        let before = strokes(&unit);
        let list = data["matrix"].as_array_mut().expect("a list");
        list.push(series("vllm:num_preemptions_total", 13.0));
        let measured = read(&data);
        assert_eq!(measured.log, Some(vec![(50_700.0, 4.0)]), "who lost their blocks, and when");
        assert!(strokes(&measured) < before, "what is not measured is hatched, and only that");
        let marks = draw_unit("a-0", Some((&unit, "14:05:00")), 1250.0, 330.0);
        let dots = marks.iter().filter(|m| matches!(m, Mark::Dot { .. })).count();
        let filled =
            |m: &&Mark| matches!(m, Mark::Box { fill: Some(p), line: None, .. } if matches!(p.0, Ink::Fill(50)));
        let slots = marks.iter().filter(|m| matches!(m, Mark::Box { size, .. } if *size == SLOT)).count();
        assert_eq!((dots, slots, marks.iter().filter(filled).count()), (12, 30, SHELF.0 * SHELF.1 / 2));
        let said = |m: &Mark| matches!(m, Mark::Text { text, .. } if text == "no data");
        assert!(marks.iter().any(said), "what was not measured says so");
        assert_eq!(draw_unit("a-0", None, 1250.0, 330.0).len(), 3);
        assert!(matches!(look("a-0"), Look::Promql { query, .. } if query.contains("pod=\"a-0\"")));
    }
}
