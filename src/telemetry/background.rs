//! What goes on in a company anyway, at moments that have nothing to do with any incident: the same in every variant.

use crate::sim::rng::{Purpose, Stream};

/// Seconds of an hour.
const HOUR_S: f64 = 3600.0;
/// How much busier than the mean of a working day its hours from 8 to 18 are, and the others; ours.
const OFFICE: f64 = 1.9;
const NIGHT: f64 = 0.357;
/// A Saturday or Sunday beside a working day; ours.
const WEEKEND: f64 = 0.15;

/// Moments at which something of a kind happens, in seconds after the opening and in order, each with a number to draw
/// from: a Poisson process with the rhythm of a working week, `per_working_day` on average. The hours are drawn one by
/// one, so that a longer window only adds.
pub fn moments(
    seed: u64,
    kind: u64,
    opens_at_unix_s: i64,
    per_working_day: f64,
    from_s: f64,
    to_s: f64,
) -> Vec<(f64, u64)> {
    let mut found = Vec::new();
    let (first, last) = ((from_s / HOUR_S).floor() as i64, (to_s / HOUR_S).ceil() as i64);
    for hour in first..last {
        let rate = per_working_day / 24.0 * weight(opens_at_unix_s + hour * HOUR_S as i64);
        if rate.is_nan() || rate <= 0.0 {
            continue;
        }
        let mut draws = Stream::new(seed, kind, Purpose::Background, hour as u64);
        let mut at = draws.exponential(1.0 / rate);
        while at < 1.0 {
            let moment = (hour as f64 + at) * HOUR_S;
            let number = draws.bits();
            if (from_s..to_s).contains(&moment) {
                found.push((moment, number));
            }
            at += draws.exponential(1.0 / rate);
        }
    }
    found
}

/// How busy a moment is beside the mean of a working day.
fn weight(unix_s: i64) -> f64 {
    let day = unix_s.div_euclid(86_400);
    let weekend = 5 <= (day + 3).rem_euclid(7); // 1970 began on a Thursday; Monday is 0
    let office = (8 * 3600..18 * 3600).contains(&unix_s.rem_euclid(86_400));
    let hours = if office { OFFICE } else { NIGHT };
    if weekend { WEEKEND * hours } else { hours }
}

/// Days before the opening from which on numbers of a list grow with seconds; before, with days.
const DAYS: f64 = 15.0;
/// Days before the opening that numbers reach back.
const OLDEST_DAYS: f64 = 4000.0;
/// Seconds that a number covers.
const TICK_S: f64 = 20.0;

/// A number that grows with the moment alone, so that it does not tell what else there is or will be: `at_s` in seconds
/// after the opening.
pub fn number_at(at_s: f64) -> u64 {
    let before_days = (-at_s / 86_400.0).clamp(-1.0, OLDEST_DAYS);
    if DAYS < before_days {
        (OLDEST_DAYS - before_days) as u64
    } else {
        (OLDEST_DAYS - DAYS) as u64 + ((DAYS - before_days) * 86_400.0 / TICK_S) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Tuesday, 14:00.
    const OPENING: i64 = 1_772_546_400;

    #[test]
    fn a_working_day_has_its_number_and_a_sunday_few() {
        let count = |from_days: f64, days: f64| {
            let counts = (0..40)
                .map(|seed| moments(seed, 1, OPENING, 23.0, from_days * 86_400.0, (from_days + days) * 86_400.0).len());
            counts.sum::<usize>() as f64 / 40.0
        };
        assert!((20.0..26.0).contains(&count(-1.0, 1.0)), "{}", count(-1.0, 1.0));
        assert!(count(-2.5, 1.0) < 8.0, "Sunday: {}", count(-2.5, 1.0));
    }

    #[test]
    fn a_longer_window_only_adds_and_numbers_grow() {
        let long = moments(3, 1, OPENING, 23.0, -86_400.0 * 14.0, 1800.0);
        let short = moments(3, 1, OPENING, 23.0, -86_400.0, 900.0);
        assert!(short.iter().all(|m| long.contains(m)));
        assert!(long.windows(2).all(|pair| pair[0].0 < pair[1].0 && number_at(pair[0].0) <= number_at(pair[1].0)));
        assert!(number_at(-86_400.0 * 3999.0) < number_at(-86_400.0 * 20.0));
        assert!(number_at(-86_400.0 * 15.5) <= number_at(-86_400.0 * 14.9) && number_at(0.0) < number_at(60.0));
    }
}
