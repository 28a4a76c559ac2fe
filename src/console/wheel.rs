//! The wheel: who begins, and with which case. It is spun by a seed, so that nobody can say that it was rigged, and drawn
//! as rows of characters, one drawing for each moment of the spin.

use std::f64::consts::TAU;

use crate::sim::rng::mix;

/// Rows of a drawing.
const ROWS: usize = 17;
/// Columns of a drawing.
const COLUMNS: usize = 64;
/// Radius of the rim, in rows.
const RADIUS: f64 = 6.4;
/// Columns to a row: characters are twice as high as wide.
const STRETCH: f64 = 2.1;
/// Names are cut off after so many characters.
const LONGEST: usize = 16;
/// Times that a wheel goes round before it stops.
const TURNS: f64 = 4.0;

/// What the wheel says of whom it chose; `{}` is the name.
const SAYS: &[&str] = &[
    "The wheel has chosen {}. The wheel has never been on call.",
    "{} it is: the only one who looked away in time, and the wheel saw it.",
    "{}, congratulations. Your prize is everybody's attention.",
    "The wheel considered everybody's calendar and then chose {} anyway.",
    "{} has been selected by consensus of one wheel.",
    "It is always DNS. Today it is also {}.",
    "{}. No runbook covers this.",
    "The wheel is round, and the blame is not: {} merely goes first.",
    "{} was picked by a highly available wheel: one replica, no health checks.",
    "{}, your deploy went out fine. This is unrelated. Probably.",
    "The odds were fair. {} may file a ticket.",
    "{} it is. The others may now look relaxed, quietly.",
    "Root cause of {} being chosen: arithmetic.",
    "{} said nothing, and the wheel took it for a yes.",
    "The wheel rolled back to {} after a failed canary.",
    "{}. Acknowledge within five minutes, or the wheel pages your manager.",
];

/// The place that a seed draws among so many. Draws of other kinds with one seed do not hang together.
pub fn drawn(seed: u64, kind: u64, among: usize) -> usize {
    (mix(seed, 0x0077_6865_656c ^ kind) % among.max(1) as u64) as usize
}

/// What is said of whoever was chosen.
pub fn says(seed: u64, name: &str) -> String {
    SAYS[drawn(seed, 9, SAYS.len())].replace("{}", name)
}

/// The wheel at a moment of its spin, from 0 to 1, when it ends with `chosen` under the pointer.
pub fn frame(names: &[String], chosen: usize, moment: f64) -> String {
    let mut cells = vec![vec![' '; COLUMNS]; ROWS];
    let (middle_row, middle) = (ROWS as f64 / 2.0 + 0.5, COLUMNS as f64 / 2.0);
    let mut put = |row: f64, column: f64, text: &str| {
        let start = column - text.chars().count() as f64 / 2.0;
        for (i, glyph) in text.chars().enumerate() {
            let (row, column) = (row.round(), (start + i as f64).round());
            if row < 0.0 || column < 0.0 {
                continue;
            }
            if let Some(cell) = cells.get_mut(row as usize).and_then(|cells| cells.get_mut(column as usize)) {
                *cell = glyph;
            }
        }
    };
    let step = TAU / names.len().max(1) as f64;
    // It slows down: what is left goes with the cube of the time that is left.
    let left = (1.0 - moment.clamp(0.0, 1.0)).powi(3);
    let turned = -step * chosen as f64 + TURNS * TAU * left;
    for i in 0..names.len() {
        let angle = turned + step * (i as f64 + 0.5);
        for part in 2..6 {
            let radius = RADIUS * f64::from(part) / 7.0;
            put(middle_row - radius * libm::cos(angle), middle + radius * STRETCH * libm::sin(angle), "·");
        }
    }
    put(middle_row, middle, "o");
    for (i, name) in names.iter().enumerate() {
        let angle = turned + step * i as f64;
        let name: String = name.chars().take(LONGEST).collect();
        let row = middle_row - RADIUS * libm::cos(angle);
        put(row, middle + RADIUS * STRETCH * libm::sin(angle), &format!(" {name} "));
    }
    put(0.0, middle, "▼");
    if 1.0 <= moment {
        let name: String = names.get(chosen).map(|n| n.chars().take(LONGEST).collect()).unwrap_or_default();
        put(middle_row - RADIUS, middle, &format!("[ {name} ]"));
    }
    let line = |cells: &Vec<char>| cells.iter().collect::<String>().trim_end().to_string();
    cells.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wheel_ends_with_the_chosen_one_under_the_pointer() {
        let names: Vec<String> = ["ana", "ben", "cy", "dee", "eli"].map(String::from).to_vec();
        for chosen in 0..names.len() {
            let last = frame(&names, chosen, 1.0);
            assert_eq!(last.split('\n').count(), ROWS);
            let lines: Vec<&str> = last.lines().collect();
            let pointer = lines[0].chars().position(|c| c == '▼').expect("a pointer");
            let under = lines.iter().skip(1).find(|l| !l.trim().is_empty()).expect("a name");
            assert_eq!(under.trim(), format!("[ {} ]", names[chosen]), "{last}");
            assert!(under.chars().count() < pointer + 10, "{last}");
            assert!(names.iter().all(|name| last.contains(name.as_str())), "{last}");
            assert_ne!(frame(&names, chosen, 0.3), frame(&names, chosen, 0.35), "it turns");
        }
        assert_eq!(frame(&[], 0, 0.5).split('\n').count(), ROWS);
    }

    #[test]
    fn every_name_comes_out_about_as_often() {
        let mut times = [0u32; 5];
        (0..5000).for_each(|seed| times[drawn(seed, 1, 5)] += 1);
        // A thousand each, give or take four times 28.
        assert!(times.iter().all(|n| (880..=1120).contains(n)), "{times:?}");
    }
}
