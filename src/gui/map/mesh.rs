//! Marks into triangles with a colour at each corner: one mesh for the whole map.

use bevy::asset::RenderAssetUsages;
use bevy::mesh::{Indices, Mesh, PrimitiveTopology};

use crate::gui::map::draw::{Mark, Paint};
use crate::gui::map::svg::colour;
use crate::gui::theme::Theme;

/// Corners, colours and triangles, used again from frame to frame.
#[derive(Default)]
pub struct Triangles {
    points: Vec<[f32; 3]>,
    colours: Vec<[f32; 4]>,
    order: Vec<u32>,
}

/// Corners of a circle.
const ROUND: usize = 12;

fn linear(value: u8) -> f32 {
    let v = f32::from(value) / 255.0;
    if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

impl Triangles {
    /// Forgets what was drawn.
    pub fn clear(&mut self) {
        self.points.clear();
        self.colours.clear();
        self.order.clear();
    }

    /// Adds marks; texts are not drawn here.
    pub fn add(&mut self, marks: &[Mark], theme: &Theme, offset: [f32; 2]) {
        let rgba = |paint: Paint| {
            let c = colour(theme, paint.0);
            [linear(c.0), linear(c.1), linear(c.2), paint.1]
        };
        let put = |p: [f32; 2]| [p[0] + offset[0], p[1] + offset[1]];
        for mark in marks {
            match mark {
                Mark::Box { at, size, radius, fill, line } => {
                    let outline = rounded(put(*at), *size, *radius);
                    if let Some(fill) = fill {
                        self.fan(&outline, rgba(*fill));
                    }
                    if let Some((width, paint)) = line {
                        self.stroke(&outline, *width, rgba(*paint));
                    }
                }
                Mark::Band { at, size, left, right } => {
                    let [x, y] = put(*at);
                    let (l, r) = (rgba(*left), rgba(*right));
                    let corners = [[x, y], [x + size[0], y], [x + size[0], y + size[1]], [x, y + size[1]]];
                    self.quad(corners, [l, r, r, l]);
                }
                Mark::Line { from, to, width, paint } => self.line(put(*from), put(*to), *width, rgba(*paint)),
                Mark::Dashes { from, to, width, paint } => self.dashes(put(*from), put(*to), *width, rgba(*paint)),
                Mark::Dot { at, radius, paint } => {
                    let circle = circle(put(*at), *radius);
                    self.fan(&circle, rgba(*paint));
                }
                Mark::Ring { at, radius, width, paint } => {
                    let circle = circle(put(*at), *radius);
                    self.stroke(&circle, *width, rgba(*paint));
                }
                Mark::Triangle { at, radius: r, paint } => {
                    let [x, y] = put(*at);
                    self.fan(&[[x, y - r], [x + r, y + r * 0.8], [x - r, y + r * 0.8]], rgba(*paint));
                }
                Mark::Down { at, radius: r, paint } => {
                    let [x, y] = put(*at);
                    self.fan(&[[x, y + r], [x - r, y - r * 0.8], [x + r, y - r * 0.8]], rgba(*paint));
                }
                Mark::Text { .. } => {}
            }
        }
    }

    /// The mesh; y grows downwards, as in the window.
    pub fn mesh(&self) -> Mesh {
        Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD | RenderAssetUsages::MAIN_WORLD)
            .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, self.points.clone())
            .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, self.colours.clone())
            .with_inserted_indices(Indices::U32(self.order.clone()))
    }

    fn point(&mut self, [x, y]: [f32; 2], colour: [f32; 4]) -> u32 {
        self.points.push([x, -y, 0.0]);
        self.colours.push(colour);
        self.points.len() as u32 - 1
    }

    fn fan(&mut self, outline: &[[f32; 2]], colour: [f32; 4]) {
        let corners: Vec<u32> = outline.iter().map(|p| self.point(*p, colour)).collect();
        for pair in corners[1..].windows(2) {
            self.order.extend([corners[0], pair[1], pair[0]]);
        }
    }

    fn quad(&mut self, corners: [[f32; 2]; 4], colours: [[f32; 4]; 4]) {
        let c: Vec<u32> = corners.iter().zip(colours).map(|(p, colour)| self.point(*p, colour)).collect();
        self.order.extend([c[0], c[2], c[1], c[0], c[3], c[2]]);
    }

    fn line(&mut self, a: [f32; 2], b: [f32; 2], width: f32, colour: [f32; 4]) {
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let long = (dx * dx + dy * dy).sqrt();
        if long < 1e-3 {
            return;
        }
        let (nx, ny) = (-dy / long * width / 2.0, dx / long * width / 2.0);
        let corners = [[a[0] + nx, a[1] + ny], [b[0] + nx, b[1] + ny], [b[0] - nx, b[1] - ny], [a[0] - nx, a[1] - ny]];
        self.quad(corners, [colour; 4]);
    }

    fn dashes(&mut self, a: [f32; 2], b: [f32; 2], width: f32, colour: [f32; 4]) {
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let long = (dx * dx + dy * dy).sqrt();
        let parts = (long / 6.0).max(1.0) as usize;
        let at = |t: f32| [a[0] + dx * t, a[1] + dy * t];
        for i in 0..parts {
            let t = i as f32 / parts as f32;
            self.line(at(t), at(t + 0.5 / parts as f32), width, colour);
        }
    }

    fn stroke(&mut self, outline: &[[f32; 2]], width: f32, colour: [f32; 4]) {
        for i in 0..outline.len() {
            self.line(outline[i], outline[(i + 1) % outline.len()], width, colour);
        }
    }
}

fn circle([x, y]: [f32; 2], radius: f32) -> [[f32; 2]; ROUND] {
    std::array::from_fn(|i| {
        let angle = std::f32::consts::TAU * i as f32 / ROUND as f32;
        [x + radius * angle.cos(), y + radius * angle.sin()]
    })
}

fn rounded([x, y]: [f32; 2], [w, h]: [f32; 2], radius: f32) -> Vec<[f32; 2]> {
    let r = radius.min(w / 2.0).min(h / 2.0).max(0.0);
    const PARTS: usize = 5;
    let corners = [(x + w - r, y + r, -1.0), (x + w - r, y + h - r, 0.0), (x + r, y + h - r, 1.0), (x + r, y + r, 2.0)];
    let mut outline = Vec::with_capacity(4 * (PARTS + 1));
    for (cx, cy, quarter) in corners {
        for i in 0..=PARTS {
            let angle = std::f32::consts::FRAC_PI_2 * (quarter + i as f32 / PARTS as f32);
            outline.push([cx + r * angle.cos(), cy + r * angle.sin()]);
        }
    }
    outline
}
