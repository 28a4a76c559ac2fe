//! The map: a picture of the six layers, turned into marks by a pure function, and marks turned into pixels or SVG.
//!
//! A [`picture::Picture`] is made of scrapes and traces alone while an incident runs; [`film`] makes one of what
//! happened, for a debrief. Truth is no input of `picture::seen`. [`draw`] (six layers), [`layer`] (one, its units as
//! cells) and [`unit`] (one replica) turn it into marks with inks instead of colours. Bevy draws them as one mesh with
//! a colour at each corner, rebuilt each frame; egui writes the words.
//!
//! A dashed limit in a tank is the one from which its state changes; where no share is too much by itself, as of a busy
//! accelerator, there is none. `tests/headless/window/truth.rs` holds the map to the world of a session: dots to what
//! was counted and traced, fills to what was scraped, words to marks.

pub mod draw; // a picture into marks
pub mod film; // moments of an incident that is over: seen, and happening
pub mod layer; // one layer from near
pub mod mesh; // marks into triangles, for Bevy
pub mod picture; // what is to be drawn
pub mod svg; // marks into SVG
mod tanks; // the tanks of a picture
pub mod unit; // one replica from near

#[cfg(test)]
mod tests {
    use super::draw::{Ink, Mark, draw};
    use super::picture::{Dot, Loop, Picture, Tank};
    use super::svg::svg;
    use crate::gui::theme::themes;
    use crate::telemetry::journeys::Place;
    use crate::telemetry::stack_map::State;

    fn picture() -> Picture {
        let tank = |title: &str| Tank {
            title: title.to_string(),
            fill: Some(0.4),
            fill_of: "blocks".to_string(),
            limit: Some(0.9),
            state: State::Steady,
            queue: 0.0,
            readings: vec![("err 0%".to_string(), State::Steady)],
        };
        Picture {
            title: "14:19".to_string(),
            says: "Nothing asks for your eye".to_string(),
            legend: ["scale".to_string(), "age".to_string()],
            tanks: ["SDK", "NETWORK", "API", "SERVING", "ACCELERATORS", "KV CACHE"].map(tank).to_vec(),
            flows: (0..5).map(|_| Some((10.0, "10/s".to_string()))).collect(),
            reference_rate: 10.0,
            dots: Vec::new(),
            retries: None,
            reuse: None,
            changes: Vec::new(),
            still: false,
            veil: None,
            notes: Vec::new(),
        }
    }

    fn inks(marks: &[Mark]) -> Vec<Ink> {
        let ink = |mark: &Mark| match mark {
            Mark::Box { fill, line, .. } => vec![fill.map(|p| p.0), line.map(|l| l.1.0)],
            Mark::Triangle { paint, .. } | Mark::Ring { paint, .. } | Mark::Dot { paint, .. } => vec![Some(paint.0)],
            _ => Vec::new(),
        };
        marks.iter().flat_map(ink).flatten().collect()
    }

    #[test]
    fn no_colour_of_a_state_without_that_state_and_a_shape_with_each() {
        let quiet = inks(&draw(&picture(), 1200.0, 460.0));
        assert!(!quiet.contains(&Ink::Degraded) && !quiet.contains(&Ink::Failing) && !quiet.contains(&Ink::Retry));
        let mut odd = picture();
        (odd.tanks[2].state, odd.tanks[3].state) = (State::Degraded, State::Failing);
        let marks = draw(&odd, 1200.0, 460.0);
        let triangles = marks.iter().filter(|m| matches!(m, Mark::Triangle { .. })).count();
        let square = |m: &&Mark| matches!(m, Mark::Box { fill: Some(p), .. } if p.0 == Ink::Failing);
        assert_eq!((triangles, marks.iter().filter(square).count()), (1, 1), "shape says the same as colour");
    }

    #[test]
    fn what_was_not_measured_is_hatched_and_written_and_never_filled() {
        let mut gap = picture();
        (gap.tanks[5].fill, gap.tanks[5].state) = (None, State::Unknown);
        let marks = draw(&gap, 1200.0, 460.0);
        let hatched = marks.iter().filter(|m| matches!(m, Mark::Line { paint, .. } if paint.0 == Ink::Unknown)).count();
        let written = marks.iter().any(|m| matches!(m, Mark::Text { text, .. } if text == "no data"));
        let fills = |marks: &[Mark]| inks(marks).iter().filter(|i| matches!(i, Ink::Fill(_))).count();
        assert!(10 < hatched && written);
        assert_eq!(fills(&marks) + 1, fills(&draw(&picture(), 1200.0, 460.0)));
        assert!(gap.text().contains("KV CACHE: no data"), "{}", gap.text());
    }

    /// A mark without its colours: what is left of it on a grey print.
    fn shape(mark: &Mark) -> String {
        match mark {
            Mark::Box { size, radius, fill, line, .. } => {
                let (fill, line) = (fill.is_some(), line.map(|l| l.0));
                format!("box {:.0}x{:.0} {radius} {fill} {line:?}", size[0], size[1])
            }
            Mark::Line { from, to, width, .. } => {
                format!("line {:.0} {:.0} {width}", to[0] - from[0], to[1] - from[1])
            }
            Mark::Text { text, .. } => format!("text {text}"),
            other => format!("{other:?}").split_whitespace().next().unwrap_or_default().to_string(),
        }
    }

    /// Printed in grey, states are told apart by shape alone; so are requests that fail, and tries after the first.
    #[test]
    fn states_in_grey_are_told_apart_by_their_shapes() {
        for theme in themes() {
            let roles =
                [theme.flow, theme.degraded, theme.failing, theme.retry, theme.change, theme.you, theme.unknown];
            let greys: Vec<String> = roles.iter().map(|c| format!("{:.2}", c.luminance())).collect();
            println!(
                "{}: luminance of flow, degraded, failing, retry, change, you, unknown {}",
                theme.name,
                greys.join(" ")
            );
        }
        let dot =
            |again, failed| Dot { trace: "t".to_string(), place: Place::Hop(1), share: 0.5, lane: 0.5, again, failed };
        let mut pictures: Vec<(String, Picture)> = Vec::new();
        for state in [State::Steady, State::Degraded, State::Failing, State::Unknown, State::Absent] {
            let mut odd = picture();
            odd.tanks[5].state = state;
            if state == State::Unknown {
                odd.tanks[5].fill = None;
            }
            pictures.push((state.word().to_string(), odd));
        }
        for (name, dot) in
            [("a request", dot(false, false)), ("a try", dot(true, false)), ("a failure", dot(false, true))]
        {
            pictures.push((name.to_string(), Picture { dots: vec![dot], ..picture() }));
        }
        pictures.push(("a change".to_string(), Picture { changes: vec![(5, "14:05".to_string())], ..picture() }));
        let shapes = |picture: &Picture| {
            let mut shapes: Vec<String> = draw(picture, 1250.0, 460.0).iter().map(shape).collect();
            shapes.sort();
            shapes
        };
        for (n, (one, a)) in pictures.iter().enumerate() {
            for (other, b) in &pictures[n + 1..] {
                assert_ne!(shapes(a), shapes(b), "{one} and {other} look alike in grey");
            }
        }
    }

    #[test]
    fn a_change_is_marked_at_its_layer_and_said() {
        let mut changed = picture();
        changed.changes = vec![(2, "14:05".to_string()), (2, "13:50".to_string()), (2, "13:20".to_string())];
        let marks = draw(&changed, 1200.0, 460.0);
        let downs = marks.iter().filter(|m| matches!(m, Mark::Down { .. })).count();
        assert_eq!(downs, 2, "no more than two at a layer");
        assert!(changed.text().contains("API: changed at 14:05"), "{}", changed.text());
        assert_eq!(super::picture::layer_of("kv-agent"), Some(5));
        assert_eq!(super::picture::layer_of("docs-site"), None);
    }

    #[test]
    fn every_dot_is_drawn_once_and_only_a_try_that_is_known_as_one_is_a_ring() {
        let mut busy = picture();
        let dot = |n: u32| Dot {
            trace: format!("t{n}"),
            place: if n.is_multiple_of(2) { Place::Hop(1) } else { Place::Layer(3) },
            share: 0.5,
            lane: 0.5,
            again: n.is_multiple_of(5),
            failed: false,
        };
        busy.dots = (0..20).map(dot).collect();
        busy.retries = Some(Loop { share: 0.42, times: 1.72 });
        let marks = draw(&busy, 1200.0, 460.0);
        let rings = marks.iter().filter(|m| matches!(m, Mark::Ring { .. })).count();
        let dots = marks.iter().filter(|m| matches!(m, Mark::Dot { radius, .. } if *radius < 2.5)).count();
        assert_eq!((rings, dots), (4, 16));
        assert!(busy.text().contains("x1.72"), "the words have the loop too");
    }

    #[test]
    fn the_same_picture_gives_the_same_marks_inside_its_frame() {
        let mut odd = picture();
        odd.tanks[3].queue = 5800.0;
        odd.tanks.iter_mut().for_each(|t| t.fill = Some(0.99));
        for (w, h) in [(1250.0, 460.0), (1240.0, 270.0), (860.0, 380.0)] {
            let marks = draw(&odd, w, h);
            assert_eq!(marks, draw(&odd, w, h));
            for mark in &marks {
                let at = match mark {
                    Mark::Text { at, .. } | Mark::Dot { at, .. } | Mark::Box { at, .. } => at,
                    _ => continue,
                };
                assert!(0.0 <= at[0] && at[0] <= w && 0.0 <= at[1] && at[1] <= h, "{w}x{h}: {mark:?}");
            }
            let page = svg(&marks, &themes()[0], w, h);
            assert!(page.starts_with("<svg") && page.contains("SERVING") && page.ends_with("</svg>\n"));
        }
    }
}
