//! Boards read as numbers: what each line was while nothing was known to be wrong, what it is now, and how it moved
//! with another.

use serde_json::Value;

/// Measured values at the end of a line that make up its present.
const PRESENT: usize = 3;

/// One line of a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    /// The observation that showed it.
    pub observation: u32,
    /// Its panel.
    pub panel: String,
    /// Its legend.
    pub legend: String,
    /// Values in order of time; none is a gap.
    pub values: Vec<Option<f64>>,
    /// The median while nothing was known to be wrong.
    pub before: f64,
    /// The median of the last values.
    pub now: f64,
}

/// Lines of all boards that were read.
#[derive(Clone, Debug, Default)]
pub struct Signs {
    all: Vec<Sign>,
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

impl Signs {
    /// Adds the lines of a board's answer.
    pub fn read(&mut self, observation: u32, board: &Value) {
        for panel in board["panels"].as_array().into_iter().flatten() {
            for series in panel["series"].as_array().into_iter().flatten() {
                let values = series["values"].as_array().into_iter().flatten().map(Value::as_f64).collect();
                let name = |value: &Value| value.as_str().unwrap_or_default().to_string();
                self.all.extend(sign(observation, name(&panel["id"]), name(&series["legend"]), values));
            }
        }
    }

    /// The same for a board that was read before: what it shows now stands for what it showed.
    pub fn renew(&mut self, observation: u32, board: &Value) {
        let panels: Vec<&str> =
            board["panels"].as_array().into_iter().flatten().filter_map(|panel| panel["id"].as_str()).collect();
        self.all.retain(|sign| !panels.contains(&sign.panel.as_str()));
        self.read(observation, board);
    }

    /// All lines.
    pub fn all(&self) -> &[Sign] {
        &self.all
    }

    /// Lines of a panel, in the order of their legends.
    pub fn of(&self, panel: &str) -> impl Iterator<Item = &Sign> {
        self.all.iter().filter(move |sign| sign.panel == panel)
    }

    /// A line.
    pub fn line(&self, panel: &str, legend: &str) -> Option<&Sign> {
        self.of(panel).find(|sign| sign.legend == legend)
    }

    /// The line of a panel that moved farthest, up or down.
    pub fn loudest(&self, panel: &str) -> Option<&Sign> {
        self.of(panel).max_by(|a, b| a.moved().abs().total_cmp(&b.moved().abs()))
    }

    /// The present values of a panel's lines, the lowest first.
    pub fn spread(&self, panel: &str) -> Vec<f64> {
        let mut now: Vec<f64> = self.of(panel).map(|sign| sign.now).collect();
        now.sort_by(f64::total_cmp);
        now
    }
}

fn sign(observation: u32, panel: String, legend: String, values: Vec<Option<f64>>) -> Option<Sign> {
    let measured: Vec<f64> = values.iter().flatten().copied().collect();
    // The first fifth is the beginning of measuring, the last two fifths are when something may be wrong.
    let calm = &measured[measured.len() / 5..(measured.len() * 3 / 5).max(1).min(measured.len())];
    let before = median(calm)?;
    let now = median(&measured[measured.len().saturating_sub(PRESENT)..])?;
    Some(Sign { observation, panel, legend, values, before, now })
}

impl Sign {
    /// How many times what it was it is now. From nothing to something is fifty times at most.
    pub fn ratio(&self) -> f64 {
        let least = 0.02 * self.before.abs().max(self.now.abs());
        if least == 0.0 { 1.0 } else { (self.now.abs() + least) / (self.before.abs() + least) }
    }

    /// The logarithm of [`Sign::ratio`]: above zero it rose, below it fell.
    pub fn moved(&self) -> f64 {
        libm::log(self.ratio())
    }

    /// Pearson's correlation with another line over the moments that both have; zero where one stands still.
    pub fn with(&self, other: &Sign) -> f64 {
        let both: Vec<(f64, f64)> =
            self.values.iter().zip(&other.values).filter_map(|(a, b)| Some(((*a)?, (*b)?))).collect();
        let n = both.len().max(1) as f64;
        let mean = |pick: fn(&(f64, f64)) -> f64| both.iter().map(pick).sum::<f64>() / n;
        let (x, y) = (mean(|p| p.0), mean(|p| p.1));
        let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
        for (a, b) in &both {
            xx += (a - x) * (a - x);
            yy += (b - y) * (b - y);
            xy += (a - x) * (b - y);
        }
        if xx <= 0.0 || yy <= 0.0 { 0.0 } else { xy / libm::sqrt(xx * yy) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f64]) -> Sign {
        sign(1, "p".to_string(), "l".to_string(), values.iter().map(|v| Some(*v)).collect()).expect("measured")
    }

    #[test]
    fn a_line_is_what_it_was_and_what_it_is() {
        let risen = line(&[0.0, 50.0, 50.0, 51.0, 50.0, 50.0, 120.0, 150.0, 150.0, 151.0]);
        assert_eq!((risen.before, risen.now), (50.0, 150.0));
        assert!((2.8..3.1).contains(&risen.ratio()), "{}", risen.ratio());
        let fell = line(&[0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.6, 0.4, 0.3, 0.3]);
        assert!(fell.moved() < -1.0 && 0.9 < -fell.with(&risen), "{} {}", fell.moved(), fell.with(&risen));
    }

    #[test]
    fn from_nothing_to_something_is_not_infinite() {
        let sign = line(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 2.0]);
        assert!((50.0..52.0).contains(&sign.ratio()), "{}", sign.ratio());
        assert_eq!(line(&[0.0; 10]).ratio(), 1.0);
        assert_eq!(line(&[0.0; 10]).with(&sign), 0.0);
    }
}
