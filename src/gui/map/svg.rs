//! Marks into SVG: the same picture for pages, golden files and those who have no window.

use crate::gui::map::draw::{Hang, Ink, Mark, Paint};
use crate::gui::theme::{Rgb, Theme};

/// The colour of an ink in a theme.
pub fn colour(theme: &Theme, ink: Ink) -> Rgb {
    match ink {
        Ink::Ground => theme.ground,
        Ink::Raised => theme.raised,
        Ink::Hairline => theme.hairline,
        Ink::High => theme.text_high,
        Ink::Mid => theme.text_mid,
        Ink::Low => theme.text_low,
        Ink::Flow => theme.flow,
        Ink::Degraded => theme.degraded,
        Ink::Failing => theme.failing,
        Ink::Retry => theme.retry,
        Ink::Change => theme.change,
        Ink::Unknown => theme.unknown,
        Ink::Fill(percent) => theme.fill(f32::from(percent) / 100.0),
        Ink::FillEdge => theme.fill_edge,
    }
}

/// A picture as SVG.
pub fn svg(marks: &[Mark], theme: &Theme, w: f32, h: f32) -> String {
    let rgb = |paint: Paint| {
        let Rgb(r, g, b) = colour(theme, paint.0);
        format!("#{r:02X}{g:02X}{b:02X}\" fill-opacity=\"{:.2}\" stroke-opacity=\"{:.2}", paint.1, paint.1)
    };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w:.0} {h:.0}\" font-family=\"IBM Plex Sans, sans-serif\">\n"
    );
    let ground = rgb(Paint(Ink::Ground, 1.0));
    let mut line = |s: String| {
        text.push_str(&s);
        text.push('\n');
    };
    line(format!("<rect width=\"{w:.0}\" height=\"{h:.0}\" fill=\"{ground}\"/>"));
    for mark in marks {
        line(match mark {
            Mark::Box { at: [x, y], size: [w, h], radius, fill, line } => {
                let fill = fill.map_or("none".to_string(), rgb);
                let line = line.map_or(String::new(), |(width, p)| {
                    format!(" stroke-width=\"{width}\" stroke=\"{}\"", rgb_of(theme, p))
                });
                format!(
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"{radius}\" fill=\"{fill}\"{line}/>"
                )
            }
            Mark::Band { at: [x, y], size: [w, h], right, .. } => {
                format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" fill=\"{}\"/>", rgb(*right))
            }
            Mark::Line { from: [a, b], to: [c, d], width, paint } => {
                format!(
                    "<path d=\"M{a:.1} {b:.1}L{c:.1} {d:.1}\" stroke-width=\"{width}\" stroke=\"{}\"/>",
                    rgb(*paint)
                )
            }
            Mark::Dashes { from: [a, b], to: [c, d], width, paint } => {
                format!(
                    "<path d=\"M{a:.1} {b:.1}L{c:.1} {d:.1}\" stroke-dasharray=\"3 3\" stroke-width=\"{width}\" stroke=\"{}\"/>",
                    rgb(*paint)
                )
            }
            Mark::Dot { at: [x, y], radius, paint } => {
                format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{}\"/>", rgb(*paint))
            }
            Mark::Ring { at: [x, y], radius, width, paint } => {
                format!(
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"none\" stroke-width=\"{width}\" stroke=\"{}\"/>",
                    rgb_of(theme, *paint)
                )
            }
            Mark::Triangle { at: [x, y], radius: r, paint } => {
                format!(
                    "<path d=\"M{x:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z\" fill=\"{}\"/>",
                    y - r,
                    x + r,
                    y + r * 0.8,
                    x - r,
                    y + r * 0.8,
                    rgb(*paint)
                )
            }
            Mark::Down { at: [x, y], radius: r, paint } => {
                let (left, right, top) = (x - r, x + r, y - r * 0.8);
                format!(
                    "<path d=\"M{x:.1} {:.1}L{left:.1} {top:.1}L{right:.1} {top:.1}Z\" fill=\"{}\"/>",
                    y + r,
                    rgb(*paint)
                )
            }
            Mark::Text { at: [x, y], hang, size, strong, paint, text, .. } => {
                let anchor = match hang {
                    Hang::Left => "start",
                    Hang::Middle => "middle",
                    Hang::Right => "end",
                };
                let weight = if *strong { " font-weight=\"600\"" } else { "" };
                let safe = text.replace('&', "&amp;").replace('<', "&lt;");
                format!(
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" dominant-baseline=\"central\" text-anchor=\"{anchor}\" font-size=\"{size}\"{weight} fill=\"{}\">{safe}</text>",
                    rgb(*paint)
                )
            }
        });
    }
    text.push_str("</svg>\n");
    text
}

fn rgb_of(theme: &Theme, paint: Paint) -> String {
    let Rgb(r, g, b) = colour(theme, paint.0);
    format!("#{r:02X}{g:02X}{b:02X}\" stroke-opacity=\"{:.2}", paint.1)
}
