//! One layer from near: its units as cells, sorted, so that the odd one stands at an end. Which units there are is a look at
//! a price; before it the layer says so.

use crate::gui::map::draw::{Hang, Ink, Mark, Paint};
use crate::gui::map::picture::Tank;

/// A unit of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// What is asked of a layer's units: a question, and what its values are; none: its units are not measured.
pub fn question(layer: usize) -> Option<(&'static str, &'static str)> {
    match layer {
        2 => Some(("sum by (pod) (rate(envoy_http_downstream_rq_total[2m]))", "requests/s")),
        3 => Some(("sum by (pod) (vllm:num_requests_waiting)", "in line")),
        4 => Some(("avg by (pod) (DCGM_FI_DEV_GPU_UTIL)", "% busy")),
        5 => Some(("100 * avg by (pod) (vllm:kv_cache_usage_perc)", "% of blocks")),
        _ => None,
    }
}

/// A cell's size, and the space between two.
pub const CELL: ([f32; 2], f32) = ([176.0, 58.0], 12.0);
/// Above the cells.
const TOP: f32 = 92.0;
/// At the sides.
const SIDE: f32 = 22.0;

/// Where each of so many cells is: its upper left corner; those that find no room are left out.
pub fn places(count: usize, w: f32, h: f32) -> Vec<[f32; 2]> {
    let ([cw, ch], gap) = CELL;
    let columns = (((w - 2.0 * SIDE + gap) / (cw + gap)) as usize).max(1);
    let at = |n: usize| [SIDE + (n % columns) as f32 * (cw + gap), TOP + (n / columns) as f32 * (ch + gap)];
    (0..count).map(at).take_while(|[_, y]| y + ch <= h - 8.0).collect()
}

/// The cell at a point.
pub fn cell_at(count: usize, w: f32, h: f32, [x, y]: [f32; 2]) -> Option<usize> {
    let ([cw, ch], _) = CELL;
    places(count, w, h).iter().position(|[l, t]| (*l..l + cw).contains(&x) && (*t..t + ch).contains(&y))
}

/// The marks of a layer: `cells` with the time of day of their look; none: nobody has looked yet.
pub fn draw_layer(place: usize, tank: &Tank, cells: Option<(&[Cell], &str)>, w: f32, h: f32) -> Vec<Mark> {
    let mut marks = Vec::new();
    let text = |at: [f32; 2], hang: Hang, size: f32, (mono, strong): (bool, bool), ink: Ink, text: &str| Mark::Text {
        at,
        hang,
        size,
        mono,
        strong,
        paint: Paint(ink, 1.0),
        text: text.to_string(),
    };
    let title = format!("{}  {}", place + 1, tank.title);
    marks.push(text([SIDE, 22.0], Hang::Left, 17.0, (false, true), Ink::High, &title));
    let readings: Vec<&str> = tank.readings.iter().map(|(r, _)| r.as_str()).collect();
    marks.push(text([SIDE, 46.0], Hang::Left, 13.0, (true, false), Ink::Mid, &readings.join("   ")));
    marks.push(text([w - SIDE, 22.0], Hang::Right, 12.5, (false, false), Ink::Low, "Esc or 0: all six layers"));
    let says = match (question(place), cells) {
        (None, _) => "Its units are not measured one by one.".to_string(),
        (Some(_), None) => "Which units there are, and how each does: u looks, 10 s.".to_string(),
        (Some((_, unit)), Some((cells, at))) => {
            format!(
                "{} units, {unit}, as of {at}; the most first; arrows and Enter, or a click, go near one",
                cells.len()
            )
        }
    };
    marks.push(text([SIDE, 70.0], Hang::Left, 13.0, (false, false), Ink::Mid, &says));
    let Some((cells, _)) = cells else { return marks };
    let most = cells.iter().map(|c| c.value).fold(0.0, f64::max).max(1e-9);
    let ([cw, ch], _) = CELL;
    let places = places(cells.len(), w, h);
    for (cell, [x, y]) in cells.iter().zip(&places) {
        let line = Some((1.0, Paint(Ink::Hairline, 1.0)));
        marks.push(Mark::Box { at: [*x, *y], size: [cw, ch], radius: 6.0, fill: Some(Paint(Ink::Raised, 1.0)), line });
        let share = (cell.value / most).clamp(0.0, 1.0);
        let fill = Some(Paint(Ink::Fill((share * 100.0) as u8), 1.0));
        let long = (cw - 20.0) * share as f32;
        marks.push(Mark::Box {
            at: [x + 10.0, y + ch - 16.0],
            size: [long.max(1.5), 7.0],
            radius: 2.0,
            fill,
            line: None,
        });
        let short: String = cell.name.chars().take(18).collect();
        marks.push(text([x + 10.0, y + 18.0], Hang::Left, 12.5, (true, false), Ink::Mid, &short));
        let value = crate::telemetry::stack_map::short(cell.value);
        marks.push(text([x + cw - 10.0, y + 18.0], Hang::Right, 13.5, (false, true), Ink::High, &value));
    }
    if places.len() < cells.len() {
        let more = format!("and {} more", cells.len() - places.len());
        marks.push(text([w - SIDE, 70.0], Hang::Right, 12.5, (false, false), Ink::Low, &more));
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::stack_map::State;

    #[test]
    fn units_are_cells_inside_the_frame_and_nothing_is_shown_before_somebody_looked() {
        let tank = Tank {
            title: "SERVING".to_string(),
            fill: Some(0.4),
            fill_of: "seats".to_string(),
            limit: None,
            state: State::Steady,
            queue: 0.0,
            readings: vec![("err 0%".to_string(), State::Steady)],
        };
        let boxes = |marks: &[Mark]| marks.iter().filter(|m| matches!(m, Mark::Box { .. })).count();
        assert_eq!(boxes(&draw_layer(3, &tank, None, 900.0, 400.0)), 0);
        let cells: Vec<Cell> = (0..40).map(|n| Cell { name: format!("pod-{n}"), value: f64::from(40 - n) }).collect();
        let marks = draw_layer(3, &tank, Some((&cells, "14:05:00")), 900.0, 400.0);
        let shown = places(40, 900.0, 400.0).len();
        assert!(0 < shown && shown < 40, "{shown}");
        assert_eq!(boxes(&marks), 2 * shown);
        assert!(
            marks.iter().any(|m| matches!(m, Mark::Text { text, .. } if *text == format!("and {} more", 40 - shown)))
        );
        let [x, y] = places(40, 900.0, 400.0)[1];
        assert_eq!(cell_at(40, 900.0, 400.0, [x + 4.0, y + 4.0]), Some(1));
        assert!(question(0).is_none() && draw_layer(0, &tank, None, 900.0, 400.0).len() == 4);
    }
}
