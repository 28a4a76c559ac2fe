//! When each true series first leaves its usual range, so that the order of the story can be read.
//!
//! Usual is the mean of the first three minutes (less where something begins before) and four standard deviations,
//! never narrower than a share of the mean that one would call a change, left for three buckets running. Symptoms are
//! for the reader; nothing in the world looks at them.

use crate::report::quantity::grouped;
use crate::report::run::{Moment, MomentKind};
use crate::sim::series::Series;
use crate::sim::time::SimTime;

/// Seconds at the head of a run that say what is usual, at most.
const USUAL_S: f64 = 180.0;
/// Fewest buckets from which a usual range can be told.
const FEWEST: usize = 10;
/// Buckets in a row that must lie outside: one alone is noise.
const IN_A_ROW: usize = 3;
/// Standard deviations from the mean, about one bucket in 16,000 of a normal variable; [`IN_A_ROW`] makes it rarer.
const DEVIATIONS: f64 = 4.0;
/// What is over sooner than that is told with how long it lasted.
const PASSING_S: f64 = 120.0;

/// A series that is watched.
struct Watched {
    name: &'static str,
    /// `1.0` if a rise is a symptom, `-1.0` if a fall is.
    sign: f64,
    /// A range narrower than this share of the mean is widened to it.
    least_share: f64,
    /// A range narrower than this is widened to it, in the unit of the series.
    least: f64,
    /// How its values are written: factor, decimals and unit.
    unit: (f64, usize, &'static str),
    column: fn(&Series) -> Vec<Option<f64>>,
}

const WATCHED: &[Watched] = &[
    Watched {
        name: "unique requests",
        sign: 1.0,
        least_share: 0.2,
        least: 0.5,
        unit: (1.0, 1, "/s"),
        column: |s| counted(&s.intents_per_s),
    },
    Watched {
        name: "hit ratio",
        sign: -1.0,
        least_share: 0.05,
        least: 0.02,
        unit: (100.0, 0, " %"),
        column: |s| s.hit_ratio.clone(),
    },
    Watched {
        name: "prefill per request",
        sign: 1.0,
        least_share: 0.25,
        least: 10.0,
        unit: (1.0, 0, " tokens"),
        column: |s| s.prefill_tokens_per_request.clone(),
    },
    Watched {
        name: "median time to first token",
        sign: 1.0,
        least_share: 0.5,
        least: 0.1,
        unit: (1.0, 2, " s"),
        column: |s| s.ttft_p50_s.clone(),
    },
    Watched {
        name: "requests answered in time",
        sign: -1.0,
        least_share: 0.2,
        least: 0.5,
        unit: (1.0, 1, "/s"),
        column: |s| counted(&s.goodput_per_s),
    },
    Watched {
        name: "requests incl. retries",
        sign: 1.0,
        least_share: 0.2,
        least: 0.5,
        unit: (1.0, 1, "/s"),
        column: |s| counted(&s.attempts_per_s),
    },
    Watched {
        name: "errors",
        sign: 1.0,
        least_share: 0.5,
        least: 0.5,
        unit: (1.0, 1, "/s"),
        column: |s| counted(&s.errors_per_s),
    },
];

/// The first time each watched series leaves its usual range and stays outside, in order of time.
///
/// Usual is what the first three minutes were like, or less where something begins before (`onset_s`, in seconds after the
/// opening): mean and four standard deviations, and never narrower than a share of the mean that a reader would call a
/// change.
pub fn symptoms(series: &Series, onset_s: f64) -> Vec<Moment> {
    let head = series.t_s.iter().take_while(|end| **end <= USUAL_S.min(onset_s)).count();
    let mut found: Vec<Moment> = WATCHED.iter().filter_map(|watched| watched.first(series, head)).collect();
    found.sort_by_key(|moment| moment.at);
    found
}

impl Watched {
    fn first(&self, series: &Series, head: usize) -> Option<Moment> {
        let column = (self.column)(series);
        let usual: Vec<f64> = column.get(..head)?.iter().flatten().copied().collect();
        if usual.len() < FEWEST {
            return None;
        }
        let mean = usual.iter().sum::<f64>() / usual.len() as f64;
        let variance = usual.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (usual.len() - 1) as f64;
        let width = (DEVIATIONS * variance.sqrt()).max(self.least_share * mean).max(self.least);
        let outside = |value: &Option<f64>| value.is_some_and(|v| width < self.sign * (v - mean));
        let onset = column.windows(IN_A_ROW).skip(head).position(|w| w.iter().all(outside))? + head;
        // The bucket's end: by then it is so, and what brought it about has happened.
        let at = *series.t_s.get(onset)?;
        let lasts = column[onset..].iter().take_while(|value| outside(value)).count();
        let back_s = series.t_s.get(onset + lasts).map(|end| end - at).filter(|s| *s < PASSING_S);
        let passing = back_s.map_or(String::new(), |s| format!(" for {s:.0} s"));
        let value = column[onset..onset + IN_A_ROW].iter().flatten().sum::<f64>() / IN_A_ROW as f64;
        let moves = if self.sign < 0.0 { "fall" } else { "rise" };
        let verb = if self.name.contains("requests") || self.name == "errors" {
            moves.to_string()
        } else {
            format!("{moves}s")
        };
        let (factor, decimals, unit) = self.unit;
        let amount = |value: f64| {
            let number = format!("{:.decimals$}", value * factor);
            if decimals == 0 { grouped(&number) } else { number }
        };
        let text = format!("{} {verb}{passing}: {}{unit}, usually {}{unit}", self.name, amount(value), amount(mean));
        Some(Moment { at: SimTime::from_secs_f64(at), text, kind: MomentKind::Symptom })
    }
}

fn counted(column: &[f64]) -> Vec<Option<f64>> {
    column.iter().copied().map(Some).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(change_at: usize, before: f64, after: f64) -> Vec<f64> {
        (0..200)
            .map(|i| if i < change_at { before } else { after } * (1.0 + 0.05 * ((i * 7 % 5) as f64 - 2.0)))
            .collect()
    }

    fn made_up(hit_change: usize, attempts_change: usize) -> Series {
        Series {
            t_s: (1..=200).map(|i| f64::from(i) * 5.0).collect(),
            intents_per_s: noisy(999, 50.0, 0.0),
            attempts_per_s: noisy(attempts_change, 50.0, 100.0),
            hit_ratio: noisy(hit_change, 0.9, 0.3).into_iter().map(Some).collect(),
            prefill_tokens_per_request: vec![None; 200],
            ttft_p50_s: noisy(999, 0.2, 0.0).into_iter().map(Some).collect(),
            errors_per_s: vec![0.0; 200],
            goodput_per_s: noisy(999, 50.0, 0.0),
            ..Series::default()
        }
    }

    #[test]
    fn symptoms_come_in_the_order_in_which_the_series_change() {
        let found = symptoms(&made_up(80, 100), 999.0);
        let told: Vec<(f64, &str)> = found.iter().map(|m| (m.at.as_secs_f64(), m.text.as_str())).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!((told[0].0, told[1].0), (405.0, 505.0), "the ends of their buckets");
        assert!(told[0].1.starts_with("hit ratio falls: "), "{told:?}");
        assert!(told[1].1.starts_with("requests incl. retries rise: "), "{told:?}");
    }

    #[test]
    fn what_begins_early_is_held_against_what_was_before_it() {
        // It falls 100 seconds in: with three minutes of usual, usual would be half of it.
        let early = made_up(20, 999);
        assert_eq!(symptoms(&early, 999.0), []);
        assert_eq!(symptoms(&early, 100.0).iter().map(|m| m.at.as_secs_f64()).collect::<Vec<_>>(), [105.0]);
    }

    #[test]
    fn noise_a_single_bucket_and_a_run_too_short_are_no_symptoms() {
        let mut quiet = made_up(999, 999);
        quiet.errors_per_s[120] = 40.0;
        assert_eq!(symptoms(&quiet, 999.0), []);
        assert_eq!(symptoms(&Series::default(), 999.0), []);
        let short = Series { t_s: vec![5.0, 10.0], intents_per_s: vec![1.0, 99.0], ..Series::default() };
        assert_eq!(symptoms(&short, 999.0), []);
    }
}
