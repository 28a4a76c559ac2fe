//! The tanks of a picture as marks: full, hatched where nothing was measured, dashed where the stack has no such layer.

use crate::gui::map::draw::{Hang, Ink, Layout, Mark, Paint, dashed, hatch, words};
use crate::gui::map::picture::{Picture, Tank};
use crate::telemetry::stack_map::State;

pub(super) fn draw_tank(tank: &Tank, place: usize, lay: &Layout, marks: &mut Vec<Mark>) {
    let (at, size) = lay.tank_at(place);
    let (state, inset) = (tank.state, 3.0);
    let outline = match state {
        State::Absent | State::Steady => (1.0, Paint(Ink::Hairline, 1.0)),
        State::Degraded => (2.0, Paint(Ink::Degraded, 1.0)),
        State::Failing => (2.0, Paint(Ink::Failing, 1.0)),
        State::Unknown => (1.5, Paint(Ink::Unknown, 1.0)),
    };
    let bare = tank.fill_of.is_empty() && state != State::Unknown;
    if bare {
        // A layer without a resource that runs out is a node on the lane, not an empty tank.
        let high = size[1] * 0.36;
        let at = [at[0], lay.lane() - high / 2.0];
        let size = [size[0], high];
        marks.push(Mark::Box { at, size, radius: 8.0, fill: Some(Paint(Ink::Raised, 1.0)), line: Some(outline) });
        sign(place, [at[0] + size[0] / 2.0, lay.lane()], marks);
    } else {
        marks.push(Mark::Box { at, size, radius: 8.0, fill: Some(Paint(Ink::Raised, 1.0)), line: Some(outline) });
    }
    let limit = tank.limit.map(|l| limit_y(at, size, l));
    let inner_w = size[0] - 2.0 * inset;
    match tank.fill {
        Some(fill) => {
            let fill = fill.clamp(0.0, 1.0) as f32;
            let (high, whole) = ((size[1] - 2.0 * inset) * fill, at[1] + size[1] - inset);
            let y = whole - high;
            let ink = Ink::Fill((fill * 100.0).round() as u8);
            let body = Mark::Box {
                at: [at[0] + inset, y],
                size: [inner_w, high],
                radius: 4.0,
                fill: Some(Paint(ink, 1.0)),
                line: None,
            };
            marks.push(body);
            if let Some(limit) = limit.filter(|l| y < *l) {
                hatch([at[0] + inset, y], [inner_w, limit - y], Paint(Ink::Ground, 0.75), 5.0, marks);
            }
            let edge = Paint(Ink::FillEdge, 0.9);
            marks.push(Mark::Line {
                from: [at[0] + inset, y],
                to: [at[0] + inset + inner_w, y],
                width: 1.5,
                paint: edge,
            });
        }
        None if bare => {}
        None => {
            hatch([at[0] + 2.0, at[1] + 2.0], [size[0] - 4.0, size[1] - 4.0], Paint(Ink::Unknown, 0.8), 11.0, marks);
            let middle = [at[0] + size[0] / 2.0, at[1] + size[1] * 0.6];
            let plate = Paint(Ink::Raised, 1.0);
            marks.push(Mark::Box {
                at: [middle[0] - 26.0, middle[1] - 9.0],
                size: [52.0, 18.0],
                radius: 3.0,
                fill: Some(plate),
                line: None,
            });
            marks.push(words(middle, Hang::Middle, 12.0, Paint(Ink::Mid, 1.0), "no data"));
        }
    }
    if let Some(limit) = limit {
        marks.push(dashed([at[0] + inset, limit], [at[0] + size[0] - inset, limit], 1.0, Paint(Ink::FillEdge, 0.6)));
    }
    let above = if bare { lay.lane() - size[1] * 0.18 } else { at[1] };
    let corner = [at[0] + size[0] - 3.0, above - 11.0];
    match state {
        State::Degraded => marks.push(Mark::Triangle { at: corner, radius: 7.0, paint: Paint(Ink::Degraded, 1.0) }),
        State::Failing => marks.push(Mark::Box {
            at: [corner[0] - 6.0, corner[1] - 6.0],
            size: [12.0, 12.0],
            radius: 1.0,
            fill: Some(Paint(Ink::Failing, 1.0)),
            line: None,
        }),
        _ => {}
    }
    let mut y = at[1] + size[1] + 16.0;
    for (text, state) in &tank.readings {
        let (strong, ink) =
            if State::Steady < *state && *state != State::Unknown { (true, Ink::High) } else { (false, Ink::Mid) };
        marks.push(Mark::Text {
            at: [at[0] + size[0] / 2.0, y],
            hang: Hang::Middle,
            size: 12.5,
            mono: true,
            strong,
            paint: Paint(ink, 1.0),
            text: text.clone(),
        });
        y += 18.0;
    }
    if !tank.fill_of.is_empty() {
        marks.push(words(
            [at[0] + size[0] / 2.0, y],
            Hang::Middle,
            11.5,
            Paint(Ink::Low, 1.0),
            &format!("fill: {}", tank.fill_of),
        ));
    }
}

/// A layer of which nothing is shown yet: its outline alone.
pub(super) fn outline(tank: &Tank, place: usize, lay: &Layout, marks: &mut Vec<Mark>) {
    let (mut at, mut size) = lay.tank_at(place);
    if tank.fill_of.is_empty() {
        size[1] *= 0.36;
        at[1] = lay.lane() - size[1] / 2.0;
    }
    let line = Some((1.0, Paint(Ink::Hairline, 1.0)));
    marks.push(Mark::Box { at, size, radius: 8.0, fill: Some(Paint(Ink::Raised, 0.6)), line });
    sign(place, [at[0] + size[0] / 2.0, lay.lane()], marks);
}

/// A layer that this stack does not have: dashes where it would be, and words.
pub(super) fn none_here(tank: &Tank, place: usize, lay: &Layout, marks: &mut Vec<Mark>) {
    let (at, size) = lay.tank_at(place);
    let (right, bottom) = (at[0] + size[0], at[1] + size[1]);
    let corners = [at, [right, at[1]], [right, bottom], [at[0], bottom]];
    for (n, from) in corners.into_iter().enumerate() {
        marks.push(dashed(from, corners[(n + 1) % 4], 1.0, Paint(Ink::Low, 0.7)));
    }
    let middle = [at[0] + size[0] / 2.0, at[1] + size[1] / 2.0];
    marks.push(words(middle, Hang::Middle, 12.5, Paint(Ink::Mid, 1.0), "none here"));
    if let Some((says, _)) = tank.readings.first() {
        marks.push(words([middle[0], bottom + 16.0], Hang::Middle, 12.5, Paint(Ink::Mid, 1.0), says));
    }
}

/// What has to be done first, over the middle of the stack.
pub(super) fn plate(says: &str, lay: &Layout, marks: &mut Vec<Mark>) {
    let size = [says.chars().count() as f32 * 8.2 + 44.0, 46.0];
    let middle = [lay.w / 2.0, lay.top + lay.tank[1] * 0.72];
    let at = [middle[0] - size[0] / 2.0, middle[1] - size[1] / 2.0];
    let line = Some((1.0, Paint(Ink::Mid, 0.8)));
    marks.push(Mark::Box { at, size, radius: 8.0, fill: Some(Paint(Ink::Ground, 1.0)), line });
    marks.push(Mark::Text {
        at: middle,
        hang: Hang::Middle,
        size: 16.0,
        mono: false,
        strong: true,
        paint: Paint(Ink::High, 1.0),
        text: says.to_string(),
    });
}

/// How full each tank is, as a number at its surface. It lies over the dots, on a ground of its own.
pub(super) fn numbers(picture: &Picture, lay: &Layout, marks: &mut Vec<Mark>) {
    const SIZE: [f32; 2] = [42.0, 19.0];
    for (place, tank) in picture.tanks.iter().enumerate() {
        let Some(fill) = tank.fill.map(|f| f.clamp(0.0, 1.0) as f32) else { continue };
        let (at, size) = lay.tank_at(place);
        let surface = at[1] + size[1] - 3.0 - (size[1] - 6.0) * fill;
        let limit = tank.limit.map_or(0.0, |l| limit_y(at, size, l));
        let inside = 0.62 < fill;
        let (y, ink, ground) = match inside {
            true => (limit.max(surface) + 14.0, Ink::Ground, Ink::Fill((fill * 100.0).round() as u8)),
            false => (surface - 13.0, Ink::High, Ink::Raised),
        };
        let middle = at[0] + size[0] / 2.0;
        marks.push(Mark::Box {
            at: [middle - SIZE[0] / 2.0, y - SIZE[1] / 2.0],
            size: SIZE,
            radius: 4.0,
            fill: Some(Paint(ground, 0.9)),
            line: None,
        });
        marks.push(Mark::Text {
            at: [middle, y],
            hang: Hang::Middle,
            size: 13.5,
            mono: false,
            strong: true,
            paint: Paint(ink, 1.0),
            text: format!("{:.0}%", fill * 100.0),
        });
    }
}

/// Where a share of a tank lies.
fn limit_y(at: [f32; 2], size: [f32; 2], share: f64) -> f32 {
    at[1] + size[1] - 3.0 - (size[1] - 6.0) * share as f32
}

/// What a layer without a tank is, drawn: angle brackets for code, arrows there and back for a network.
fn sign(place: usize, middle: [f32; 2], marks: &mut Vec<Mark>) {
    let lines: &[[f32; 4]] = match place {
        0 => &[
            [-7.0, -8.0, -16.0, 0.0],
            [-16.0, 0.0, -7.0, 8.0],
            [7.0, -8.0, 16.0, 0.0],
            [16.0, 0.0, 7.0, 8.0],
            [3.0, -10.0, -3.0, 10.0],
        ],
        1 => &[[-14.0, -5.0, 14.0, -5.0], [14.0, -5.0, 8.0, -10.0], [14.0, 6.0, -14.0, 6.0], [-14.0, 6.0, -8.0, 11.0]],
        _ => &[],
    };
    for [x0, y0, x1, y1] in lines {
        let (from, to) = ([middle[0] + x0, middle[1] + y0], [middle[0] + x1, middle[1] + y1]);
        marks.push(Mark::Line { from, to, width: 2.0, paint: Paint(Ink::Low, 0.9) });
    }
}
