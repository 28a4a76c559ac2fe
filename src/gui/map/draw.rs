//! A picture into marks: a pure function of the picture and the size it is drawn at.

use crate::gui::map::picture::{Dot, Picture};
use crate::gui::map::tanks::{draw_tank, none_here, numbers, outline, plate};
use crate::telemetry::journeys::Place;
use crate::telemetry::stack_map::{State, short};

/// What a colour is for; the theme says which it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ink {
    /// Behind everything.
    Ground,
    /// A tank's inside.
    Raised,
    /// A quiet line.
    Hairline,
    /// Text that stands out.
    High,
    /// Text.
    Mid,
    /// Quiet text.
    Low,
    /// What flows.
    Flow,
    /// Beyond a mark.
    Degraded,
    /// Far beyond it.
    Failing,
    /// Tries after the first.
    Retry,
    /// Something that was changed.
    Change,
    /// Not known.
    Unknown,
    /// A tank that is so full, in per cent.
    Fill(u8),
    /// The surface of a tank's filling.
    FillEdge,
}

/// A colour that is so opaque, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paint(pub Ink, pub f32);

/// Where a text hangs at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hang {
    /// Left, at its vertical middle.
    Left,
    /// At its middle.
    Middle,
    /// Right, at its vertical middle.
    Right,
}

/// A mark. Points are from the upper left corner, in logical pixels.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are those that the shapes have")]
pub enum Mark {
    Box { at: [f32; 2], size: [f32; 2], radius: f32, fill: Option<Paint>, line: Option<(f32, Paint)> },
    Band { at: [f32; 2], size: [f32; 2], left: Paint, right: Paint },
    Line { from: [f32; 2], to: [f32; 2], width: f32, paint: Paint },
    Dashes { from: [f32; 2], to: [f32; 2], width: f32, paint: Paint },
    Dot { at: [f32; 2], radius: f32, paint: Paint },
    Ring { at: [f32; 2], radius: f32, width: f32, paint: Paint },
    Triangle { at: [f32; 2], radius: f32, paint: Paint },
    Down { at: [f32; 2], radius: f32, paint: Paint },
    Text { at: [f32; 2], hang: Hang, size: f32, mono: bool, strong: bool, paint: Paint, text: String },
}

/// Rows of dots in a line, and dots in a row.
const LINE: (usize, usize) = (8, 12);
/// Requests for each dot of a line.
const PER_DOT: f64 = 10.0;
/// How high a ribbon is at the usual rate, of the height of a tank; and at most.
const RIBBON: (f32, f32) = (0.095, 40.0);
/// A ribbon is cut off beyond so many times the usual rate.
const CLIPPED_AT: f64 = 2.2;

/// Measures of a picture at a size.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub(super) w: f32,
    pub(super) tank: [f32; 2],
    pub(super) top: f32,
    titles: f32,
    margin: f32,
}

impl Layout {
    /// At a size, with room for the arcs that the picture has above and below the tanks.
    pub fn new(w: f32, h: f32, picture: &Picture) -> Layout {
        let margin = 18.0;
        let column = (w - 2.0 * margin) / 6.0;
        let titles = if h < 340.0 { 62.0 } else { 78.0 };
        let above = if picture.retries.is_some() || picture.still { 74.0 } else { 34.0 };
        let below = 68.0 + if picture.reuse.is_some() || picture.still { 56.0 } else { 0.0 };
        let tank_h = (h - titles - above - below).clamp(64.0, 440.0);
        let slack = (h - titles - above - below - tank_h).max(0.0);
        let tank = [(column * 0.36).clamp(48.0, 116.0), tank_h];
        Layout { w, tank, top: titles + above + slack * 0.4, titles, margin }
    }

    /// The middle of a column.
    pub(super) fn x(&self, place: usize) -> f32 {
        let column = (self.w - 2.0 * self.margin) / 6.0;
        self.margin + column * (place as f32 + 0.5)
    }

    /// The lane in which requests move.
    pub(super) fn lane(&self) -> f32 {
        self.top + self.tank[1] * 0.34
    }

    /// Where a dot is.
    pub fn dot(&self, dot: &Dot, height: f32) -> [f32; 2] {
        let half = self.tank[0] / 2.0;
        let y = self.lane() + (dot.lane - 0.5) * (height - 6.0).max(2.0);
        let x = match dot.place {
            Place::Hop(i) => {
                let (from, to) = (self.x(usize::from(i)) + half + 4.0, self.x(usize::from(i) + 1) - half - 4.0);
                from + (to - from) * dot.share
            }
            Place::Layer(i) => self.x(usize::from(i)) - half + 7.0 + (self.tank[0] - 14.0) * dot.share,
        };
        // Inside a tank there is room below its number.
        let y = match dot.place {
            Place::Layer(_) => self.top + self.tank[1] * (0.36 + 0.58 * dot.lane),
            Place::Hop(_) => y,
        };
        [x, y]
    }

    /// How high a ribbon is at the usual rate.
    fn usual(&self) -> f32 {
        (self.tank[1] * RIBBON.0).clamp(10.0, RIBBON.1)
    }

    /// How high a ribbon is at a rate.
    fn ribbon(&self, rate: f64, reference: f64) -> f32 {
        ((rate / reference.max(1e-9)).min(CLIPPED_AT) as f32 * self.usual()).max(1.0)
    }

    /// The rectangle of a tank: its upper left corner and its size.
    pub fn tank_at(&self, place: usize) -> ([f32; 2], [f32; 2]) {
        ([self.x(place) - self.tank[0] / 2.0, self.top], self.tank)
    }
}

/// The marks of a picture.
pub fn draw(picture: &Picture, w: f32, h: f32) -> Vec<Mark> {
    let lay = Layout::new(w, h, picture);
    let mut marks = Vec::with_capacity(picture.dots.len() + 200);
    heads(picture, &lay, &mut marks);
    flows(picture, &lay, &mut marks);
    for (place, tank) in picture.tanks.iter().enumerate() {
        match (tank.state, &picture.veil) {
            (State::Absent, _) => none_here(tank, place, &lay, &mut marks),
            (_, Some(_)) => outline(tank, place, &lay, &mut marks),
            _ => draw_tank(tank, place, &lay, &mut marks),
        }
    }
    lines(picture, &lay, &mut marks);
    dots(picture, &lay, &mut marks);
    numbers(picture, &lay, &mut marks);
    if let Some(retries) = picture.retries {
        let label = format!("retries {:.0} %  ·  x{:.2} amplification", retries.share * 100.0, retries.times);
        let width = (retries.share as f32 * 18.0).clamp(2.0, 16.0);
        arc(&lay, 2, 0, -1.0, width, Paint(Ink::Retry, 0.85), &label, true, &mut marks);
    }
    if let Some(reuse) = picture.reuse {
        let label = format!("prefix reuse {:.0} % of prompt tokens", reuse * 100.0);
        let width = (reuse as f32 * 10.0).clamp(1.5, 10.0);
        arc(&lay, 5, 3, 1.0, width, Paint(Ink::Fill(60), 1.0), &label, false, &mut marks);
    }
    changes(picture, &lay, &mut marks);
    if let Some(veil) = &picture.veil {
        plate(veil, &lay, &mut marks);
    }
    for (place, note) in &picture.notes {
        let (at, size) = lay.tank_at(*place);
        let above = if picture.tanks[*place].state == State::Steady { 12.0 } else { 30.0 };
        let middle = [at[0] + size[0] / 2.0, at[1] - above];
        marks.push(words(middle, Hang::Middle, 12.5, Paint(Ink::Failing, 1.0), note));
    }
    marks
}

/// Changes at their layers, the latest at the tank: real ones and others alike.
fn changes(picture: &Picture, lay: &Layout, marks: &mut Vec<Mark>) {
    let mut stacked = [0usize; 6];
    for (place, clock) in &picture.changes {
        let Some(n) = stacked.get_mut(*place).filter(|n| **n < 2) else { continue };
        let (at, size) = lay.tank_at(*place);
        // Beside each other: above is the layer's title, to the right the mark of its state.
        let (x, y) = (at[0] - 4.0 - 60.0 * *n as f32, at[1] - 12.0);
        let paint = Paint(Ink::Change, 1.0);
        marks.push(Mark::Down { at: [x, y], radius: 6.0, paint });
        let text = Mark::Text {
            at: [x + 9.0, y],
            hang: Hang::Left,
            size: 12.0,
            mono: true,
            strong: false,
            paint: Paint(Ink::Mid, 1.0),
            text: clock.clone(),
        };
        if size[0] - 22.0 > 36.0 {
            marks.push(text);
        }
        *n += 1;
    }
}

pub(super) fn words(at: [f32; 2], hang: Hang, size: f32, paint: Paint, text: &str) -> Mark {
    Mark::Text { at, hang, size, mono: false, strong: false, paint, text: text.to_string() }
}

fn heads(picture: &Picture, lay: &Layout, marks: &mut Vec<Mark>) {
    let (left, right) = (lay.margin, lay.w - lay.margin);
    marks.push(Mark::Text {
        at: [left, 20.0],
        hang: Hang::Left,
        size: 16.0,
        mono: false,
        strong: true,
        paint: Paint(Ink::High, 1.0),
        text: picture.title.clone(),
    });
    marks.push(words([left, 41.0], Hang::Left, 13.0, Paint(Ink::Mid, 1.0), &picture.says));
    if 760.0 < lay.w {
        for (i, line) in picture.legend.iter().enumerate() {
            marks.push(words([right, 20.0 + 20.0 * i as f32], Hang::Right, 12.0, Paint(Ink::Low, 1.0), line));
        }
    }
    for (place, tank) in picture.tanks.iter().enumerate() {
        let title = format!("{}  {}", place + 1, tank.title);
        marks.push(Mark::Text {
            at: [lay.x(place), lay.titles],
            hang: Hang::Middle,
            size: 13.0,
            mono: false,
            strong: true,
            paint: Paint(Ink::Mid, 1.0),
            text: title,
        });
    }
}

fn flows(picture: &Picture, lay: &Layout, marks: &mut Vec<Mark>) {
    for (place, flow) in picture.flows.iter().enumerate() {
        let half = lay.tank[0] / 2.0;
        let (from, to) = (lay.x(place) + half + 4.0, lay.x(place + 1) - half - 4.0);
        if picture.tanks[place + 1].state == State::Absent {
            continue; // nothing flows to where nothing is
        }
        let Some((rate, label)) = flow else {
            let (from, to) = ([from, lay.lane()], [to, lay.lane()]);
            marks.push(match picture.veil {
                Some(_) => Mark::Line { from, to, width: 2.0, paint: Paint(Ink::Hairline, 1.0) },
                None => dashed(from, to, 1.0, Paint(Ink::Unknown, 1.0)),
            });
            continue;
        };
        let high = lay.ribbon(*rate, picture.reference_rate);
        let y = lay.lane() - high / 2.0;
        marks.push(Mark::Band {
            at: [from, y],
            size: [to - from, high],
            left: Paint(Ink::Fill(10), 0.75),
            right: Paint(Ink::Fill(42), 0.75),
        });
        let clipped = CLIPPED_AT * picture.reference_rate < *rate;
        if clipped {
            let middle = (from + to) / 2.0;
            for dx in [-4.0, 4.0] {
                marks.push(Mark::Line {
                    from: [middle + dx - 4.0, y + high + 3.0],
                    to: [middle + dx + 4.0, y - 3.0],
                    width: 2.0,
                    paint: Paint(Ink::Ground, 1.0),
                });
            }
        }
        let busy = picture.reference_rate * 1.25 < *rate;
        marks.push(Mark::Text {
            at: [(from + to) / 2.0, y - 11.0],
            hang: Hang::Middle,
            size: 12.5,
            mono: true,
            strong: false,
            paint: Paint(if busy { Ink::High } else { Ink::Mid }, 1.0),
            text: label.clone(),
        });
    }
}

/// Requests in line, as rows of dots left of their tank, below the lanes.
fn lines(picture: &Picture, lay: &Layout, marks: &mut Vec<Mark>) {
    for (place, tank) in picture.tanks.iter().enumerate().filter(|(_, t)| 1.0 <= t.queue) {
        let (at, size) = lay.tank_at(place);
        let dots = (tank.queue / PER_DOT).ceil() as usize;
        let (rows, row) = LINE;
        // Below the lanes, however wide the ribbon is.
        let room = size[1] * 0.66 - lay.usual() * CLIPPED_AT as f32 / 2.0 - 14.0;
        let rows = rows.min((room / 10.0) as usize).max(1);
        let gap_half = (lay.x(1) - lay.x(0) - size[0]) - 20.0;
        let row = row.min(((gap_half - 34.0) / 10.0) as usize).max(2);
        let shown = dots.min(rows * row);
        let (right, bottom) = (at[0] - 10.0, at[1] + size[1] - 8.0);
        for n in 0..shown {
            let (x, y) = (right - (n / rows) as f32 * 10.0, bottom - (n % rows) as f32 * 10.0);
            marks.push(Mark::Dot { at: [x, y], radius: 3.4, paint: Paint(Ink::Flow, 0.95) });
        }
        if shown < dots {
            let times = dots as f64 / shown as f64;
            let text = format!("x{}", short(times));
            let x = right - ((shown - 1) / rows) as f32 * 10.0 - 10.0;
            marks.push(words([x, bottom - 15.0], Hang::Right, 12.0, Paint(Ink::High, 1.0), &text));
        }
    }
}

fn dots(picture: &Picture, lay: &Layout, marks: &mut Vec<Mark>) {
    let high = |place: usize| {
        let flow = picture.flows.get(place).and_then(|f| f.as_ref());
        flow.map_or(8.0, |(rate, _)| lay.ribbon(*rate, picture.reference_rate))
    };
    for dot in &picture.dots {
        let (lane_high, in_tank) = match dot.place {
            Place::Hop(i) => (high(usize::from(i)), false),
            Place::Layer(i) => (high(usize::from(i).saturating_sub(1)), true),
        };
        let at = lay.dot(dot, lane_high);
        let ink = if dot.again { Ink::Retry } else { Ink::Flow };
        if dot.failed {
            let paint = Paint(Ink::Failing, 1.0);
            for (dx, dy) in [(-3.0, -3.0), (-3.0, 3.0)] {
                let (from, to) = ([at[0] + dx, at[1] + dy], [at[0] - dx, at[1] - dy]);
                marks.push(Mark::Line { from, to, width: 1.5, paint });
            }
        } else if dot.again {
            if in_tank {
                marks.push(Mark::Dot { at, radius: 4.6, paint: Paint(Ink::Ground, 0.55) });
            }
            marks.push(Mark::Ring { at, radius: 3.2, width: 1.4, paint: Paint(ink, 1.0) });
        } else if in_tank {
            marks.push(Mark::Dot { at, radius: 3.2, paint: Paint(Ink::Ground, 0.55) });
            marks.push(Mark::Dot { at, radius: 2.0, paint: Paint(ink, 0.9) });
        } else {
            marks.push(Mark::Dot { at, radius: 4.0, paint: Paint(ink, 0.18) });
            marks.push(Mark::Dot { at, radius: 2.2, paint: Paint(ink, 1.0) });
        }
    }
}

/// An arc from one column to another, above (-1) or below (1) the tanks.
#[allow(clippy::too_many_arguments, reason = "an arc has two ends, a side, a width, a colour and a name")]
fn arc(
    lay: &Layout,
    from: usize,
    to: usize,
    side: f32,
    width: f32,
    paint: Paint,
    label: &str,
    dashes: bool,
    marks: &mut Vec<Mark>,
) {
    // Above, marks of changes are below the arc, and titles over it.
    let (base, lift) = if side < 0.0 { (lay.top - 24.0, -34.0) } else { (lay.top + lay.tank[1] + 62.0, 46.0) };
    let (a, b) = (lay.x(from), lay.x(to));
    let at = |t: f32| [a + (b - a) * t, base + lift * 4.0 * t * (1.0 - t)];
    const PARTS: usize = 48;
    for i in 0..PARTS {
        let (from, to) = (at(i as f32 / PARTS as f32), at((i + 1) as f32 / PARTS as f32));
        marks.push(Mark::Line { from, to, width, paint: Paint(paint.0, paint.1 * 0.4) });
        if !dashes || i % 3 != 2 {
            marks.push(Mark::Line { from, to, width: 1.5, paint });
        }
    }
    // Above it hangs in the arc, clear of its sides.
    let middle = [(a + b) / 2.0, base + lift + if side < 0.0 { 27.0 } else { 14.0 }];
    let ink = if dashes { Paint(Ink::Retry, 1.0) } else { Paint(Ink::Mid, 1.0) };
    marks.push(Mark::Text {
        at: middle,
        hang: Hang::Middle,
        size: 13.0,
        mono: false,
        strong: dashes,
        paint: ink,
        text: label.to_string(),
    });
}

pub(super) fn dashed(from: [f32; 2], to: [f32; 2], width: f32, paint: Paint) -> Mark {
    Mark::Dashes { from, to, width, paint }
}

/// Strokes from lower left to upper right, cut to a rectangle.
pub(super) fn hatch(at: [f32; 2], size: [f32; 2], paint: Paint, gap: f32, marks: &mut Vec<Mark>) {
    let (w, h) = (size[0], size[1]);
    let mut c = gap;
    while c < w + h {
        // The line x + y = c, from the left or bottom edge to the top or right one.
        let (x0, y0) = if c <= h { (0.0, c) } else { (c - h, h) };
        let (x1, y1) = if c <= w { (c, 0.0) } else { (w, c - w) };
        let (from, to) = ([at[0] + x0, at[1] + y0], [at[0] + x1, at[1] + y1]);
        marks.push(Mark::Line { from, to, width: 1.2, paint });
        c += gap;
    }
}
