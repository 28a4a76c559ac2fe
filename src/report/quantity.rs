//! How a number with a unit is written, and where the ticks of its axis stand.

use crate::sim::time::SimTime;

/// What a number measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things per second.
    PerSecond,
    /// A share from 0 to 1, written in percent.
    Share,
    /// Tokens.
    Tokens,
    /// Requests.
    Requests,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// The number with its unit, to three digits or to the whole.
    pub fn show(self, value: f64) -> String {
        format!("{}{}", self.number(value), self.suffix())
    }

    /// The number alone, in the unit of [`Unit::suffix`].
    pub fn number(self, value: f64) -> String {
        match self {
            Unit::Share => three_digits(value * 100.0),
            _ => three_digits(value),
        }
    }

    /// What follows the number, with its space.
    pub fn suffix(self) -> &'static str {
        match self {
            Unit::PerSecond => " /s",
            Unit::Share => " %",
            Unit::Seconds => " s",
            Unit::Tokens | Unit::Requests => "",
        }
    }

    /// Ticks from zero to the first round number not below `max`, in two to five steps of equal size.
    pub fn ticks(self, max: f64) -> Vec<f64> {
        if self == Unit::Share {
            return vec![0.0, 0.5, 1.0];
        }
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let step = round_step(max / 3.0);
        let count = (max / step).ceil().max(2.0) as usize;
        (0..=count).map(|i| i as f64 * step).collect()
    }
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `rough`.
fn round_step(rough: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
    let digit = [1.0, 2.0, 2.5, 5.0].into_iter().find(|digit| rough <= digit * power * (1.0 + 1e-9));
    digit.unwrap_or(10.0) * power
}

fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size < 5e-4 => 0,
        size if size < 0.9995 => 3,
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    if decimals > 0 {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    grouped(&text)
}

/// A whole number with a comma between groups of three digits.
pub fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut text = String::from(sign);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Moments at which a time axis from zero to `end` seconds is labelled: round, and at most seven steps.
pub fn time_ticks(end: f64) -> Vec<SimTime> {
    const STEPS: [u32; 15] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
    let step = STEPS.into_iter().map(f64::from).find(|step| end / step <= 7.0).unwrap_or_else(|| {
        let days = (end / 7.0 / 86400.0).ceil();
        days.max(1.0) * 86400.0
    });
    let count = if end.is_finite() && end > 0.0 { (end / step) as usize } else { 0 };
    (0..=count).map(|i| SimTime::from_secs_f64(i as f64 * step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_or_the_whole_and_carry_their_unit() {
        for (value, expect) in [
            (0.0, "0 /s"),
            (0.0042, "0.004 /s"),
            (0.5, "0.5 /s"),
            (9.999, "10 /s"),
            (52.34, "52.3 /s"),
            (1234.4, "1,234 /s"),
            (-1234567.0, "-1,234,567 /s"),
        ] {
            assert_eq!(Unit::PerSecond.show(value), expect);
        }
        assert_eq!(Unit::Share.show(0.8849), "88.5 %");
        assert_eq!(Unit::Share.show(1.0), "100 %");
    }

    #[test]
    fn ticks_start_at_zero_are_round_and_reach_the_greatest_value() {
        assert_eq!(Unit::PerSecond.ticks(138.0), [0.0, 50.0, 100.0, 150.0]);
        assert_eq!(Unit::Tokens.ticks(30000.0), [0.0, 10000.0, 20000.0, 30000.0]);
        assert_eq!(Unit::Requests.ticks(0.0), [0.0, 0.5, 1.0]);
        for max in [1e-9, 0.07, 1.0, 2.0, 61.0, 99.0, 1e12, f64::NAN, f64::INFINITY] {
            let ticks = Unit::Seconds.ticks(max);
            assert!((3..=6).contains(&ticks.len()), "{max}: {ticks:?}");
            assert!(!max.is_finite() || ticks[ticks.len() - 1] >= max * (1.0 - 1e-9), "{max}: {ticks:?}");
        }
    }

    #[test]
    fn time_ticks_are_few_for_any_length() {
        for end in [0.0, 0.3, 60.0, 1800.0, 5400.0, 86400.0, 1e9, f64::NAN] {
            assert!((1..=8).contains(&time_ticks(end).len()), "{end}");
        }
        let ticks: Vec<String> = time_ticks(1800.0).iter().map(SimTime::to_string).collect();
        assert_eq!(ticks, ["0:00", "5:00", "10:00", "15:00", "20:00", "25:00", "30:00"]);
    }
}
