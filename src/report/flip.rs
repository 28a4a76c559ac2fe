//! The flip: the stack as monitoring showed it at a moment, beside what was happening there. Two columns of six layers
//! with the same marks at the same scale; the one is drawn from answers to PromQL over what was scraped, the other from
//! the true series.
//!
//! Whoever draws what was *seen* is given numbers that were scraped and nothing else: [`seen`] imports nothing that
//! knows the truth (a test reads its imports).

pub mod happening; // from the true series
pub mod seen; // from what was scraped

use serde::Serialize;

/// Width of a drawing; its height follows from six rows.
const WIDTH: f64 = 420.0;
/// Height of a row.
const ROW: f64 = 62.0;
/// From one row to the next.
const PITCH: f64 = 96.0;
/// Left edge of a row.
const LEFT: f64 = 4.0;
/// Width of a row.
const WIDE: f64 = 316.0;
/// The widest ribbon.
const RIBBON: f64 = 64.0;

/// The layers, from users down.
pub const LAYERS: [&str; 6] = ["Users and clients", "Network", "API", "Serving", "Accelerators", "KV cache"];

/// How a layer does, told by shape and not by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As usual.
    Usual,
    /// Worse than usual.
    Degraded,
    /// It fails.
    Failing,
    /// Nobody measures it.
    Unknown,
}

/// A layer at a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The number that matters.
    pub main: String,
    /// What stands beside it.
    pub beside: String,
    /// How far the bar is filled, from 0 to 1.
    pub fill: f64,
    /// How it does.
    pub state: State,
}

/// A stack at a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Frame {
    /// Time of day.
    pub time: String,
    /// Layers from users down.
    pub rows: Vec<Row>,
    /// Requests on their way down, per second: those that are new, and those that are tried again. What cannot tell the
    /// two apart has all of them as new.
    pub new_per_s: f64,
    /// See [`Frame::new_per_s`].
    pub again_per_s: f64,
}

impl Frame {
    /// In sentences, for those who do not see it.
    pub fn text(&self) -> String {
        let rows = LAYERS.iter().zip(&self.rows).map(|(layer, row)| format!("{layer}: {}, {}", row.main, row.beside));
        rows.collect::<Vec<_>>().join(". ")
    }
}

/// A drawing of a frame: what the script changes has a class of its own.
#[derive(Clone, Debug, Serialize)]
pub struct Drawing {
    width: f64,
    height: f64,
    rows: Vec<Drawn>,
    new_width: f64,
    again_width: f64,
    again: String,
    ribbons: Vec<f64>,
    loop_path: String,
    loop_x: f64,
    loop_y: f64,
    bar: f64,
    spine: f64,
}

#[derive(Clone, Debug, Serialize)]
struct Drawn {
    layer: &'static str,
    y: f64,
    row: Row,
    filled: f64,
    /// What broke here; only what happened has any.
    cause: String,
}

/// Draws a frame. `usual_per_s` is what a ribbon of a third of its greatest width stands for; `causes` are written on the
/// layers that they are in, and whoever draws what was seen has none.
pub fn draw(frame: &Frame, usual_per_s: f64, causes: &[(usize, String)]) -> Drawing {
    let y = |row: usize| 6.0 + PITCH * row as f64;
    let of = |row: usize| causes.iter().filter(|(r, _)| *r == row).map(|(_, says)| says.clone()).collect::<Vec<_>>();
    let rows = frame.rows.iter().zip(LAYERS).enumerate().map(|(i, (row, layer))| Drawn {
        layer,
        y: y(i),
        row: row.clone(),
        filled: filled(row),
        cause: of(i).join("; "),
    });
    let right = LEFT + WIDE;
    let (from, to) = (y(3) + ROW / 2.0, y(0) + ROW / 2.0);
    let bow = right + 62.0;
    Drawing {
        width: WIDTH,
        height: y(5) + ROW + 34.0,
        rows: rows.collect(),
        new_width: ribbon(frame.new_per_s, usual_per_s),
        again_width: ribbon(frame.again_per_s, usual_per_s),
        again: again(frame.again_per_s),
        ribbons: (0..5).map(|i| y(i) + ROW).collect(),
        loop_path: format!("M{right} {from}C{bow} {from} {bow} {to} {right} {to}"),
        loop_x: right + 50.0,
        loop_y: (from + to) / 2.0,
        bar: PITCH - ROW,
        spine: LEFT + WIDE / 2.0,
    }
}

/// How wide the bar of a row is.
pub fn filled(row: &Row) -> f64 {
    (row.fill.clamp(0.0, 1.0) * (WIDE - 4.0)).round()
}

/// What is written at the loop.
pub fn again(per_s: f64) -> String {
    if per_s < 0.5 { String::new() } else { format!("{} /s", number(per_s)) }
}

/// Width of a ribbon: proportional, a third of the greatest at what is usual.
pub fn ribbon(per_s: f64, usual_per_s: f64) -> f64 {
    if usual_per_s <= 0.0 || per_s <= 0.0 { 0.0 } else { (per_s / usual_per_s * RIBBON / 3.0).clamp(1.0, RIBBON) }
}

/// A number to two or three digits.
pub fn number(value: f64) -> String {
    match value.abs() {
        v if 9999.5 <= v => format!("{:.0}k", value / 1000.0),
        v if 99.5 <= v => crate::report::quantity::grouped(&format!("{value:.0}")),
        v if 9.95 <= v => format!("{value:.0}"),
        v if 0.095 <= v || v == 0.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// How a value stands to what was usual, in words.
pub fn against(value: f64, usual: Option<f64>) -> String {
    match usual.filter(|u| 1e-9 < *u).map(|u| value / u) {
        None => String::new(),
        Some(r) if (0.85..1.18).contains(&r) => "as usual".to_string(),
        Some(r) => format!("{r:.1} times usual"),
    }
}
