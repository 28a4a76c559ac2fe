//! What is brushed: a stretch of time that all axes share and, on a map of heat, a band of latency. It selects the rows
//! of requests that a comparison holds against the rest: the same look that the console has, in the log as `compare
//! time(ended) BETWEEN ...`.

use crate::gui::answers::{clock_of, seconds_of_day};
use crate::gui::state::State;
use crate::session::command::Look;

/// The look that compares what is brushed with the rest; none: nothing is brushed.
pub fn comparison(state: &State) -> Option<Look> {
    let (from, to) = state.brush?;
    let mut selection = format!("time(ended) BETWEEN '{}' AND '{}'", clock_of(from), clock_of(to));
    if let Some(band) = &state.band {
        selection.push_str(&match band.to_ms.is_finite() {
            true => format!(" AND {} BETWEEN {:.0} AND {:.0}", band.column, band.from_ms, band.to_ms),
            false => format!(" AND {} >= {:.0}", band.column, band.from_ms),
        });
    }
    Some(Look::Compare { selection })
}

/// What is brushed, in a few words.
pub fn says(state: &State) -> Option<String> {
    let (from, to) = state.brush?;
    let stretch = format!("{} to {}", clock_of(from), clock_of(to));
    Some(match &state.band {
        None => stretch,
        Some(b) if b.to_ms.is_finite() => format!("{stretch}, {} {:.0} to {:.0}", b.column, b.from_ms, b.to_ms),
        Some(b) => format!("{stretch}, {} from {:.0}", b.column, b.from_ms),
    })
}

/// The stretch that a key begins with, and the shortest and longest, in seconds.
const FIRST_S: f64 = 120.0;
/// See [`FIRST_S`].
const SHORTEST_S: f64 = 15.0;
/// See [`FIRST_S`].
const LONGEST_S: f64 = 3.0 * 3600.0;

/// How a key changes what is brushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Twice as long, towards earlier; where nothing is brushed, the last two minutes.
    Longer,
    /// Half as long; below 15 s nothing is brushed any more.
    Shorter,
    /// Half its length earlier.
    Earlier,
    /// Half its length later, up to now.
    Later,
}

/// Changes what is brushed, at a time of day.
pub fn step(state: &mut State, step: Step, clock: &str) {
    let now = seconds_of_day(clock).unwrap_or(0.0);
    let (from, to) = match (state.brush, step) {
        (None, Step::Shorter) => return,
        (None, _) => (now - FIRST_S, now),
        (Some((from, to)), Step::Longer) => (to - (2.0 * (to - from)).min(LONGEST_S), to),
        (Some((from, to)), Step::Shorter) => ((from + to) / 2.0, to),
        (Some((from, to)), Step::Earlier) => (from - (to - from) / 2.0, to - (to - from) / 2.0),
        (Some((from, to)), Step::Later) => {
            let by = ((to - from) / 2.0).min((now - to).max(0.0));
            (from + by, to + by)
        }
    };
    state.brush = (SHORTEST_S <= to - from).then_some((from.max(0.0), to));
    if state.brush.is_none() || step != Step::Longer {
        state.band = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::buckets::Band;
    use crate::gui::settings::Settings;

    #[test]
    fn keys_brush_the_last_minutes_longer_shorter_earlier_and_never_later_than_now() {
        let mut state = State::new(Settings::default());
        let mut press = |by: Step| {
            step(&mut state, by, "14:10:00");
            (says(&state), comparison(&state).is_some())
        };
        let said = |text: &str| (Some(text.to_string()), true);
        assert_eq!(press(Step::Shorter), (None, false));
        assert_eq!(press(Step::Later), said("14:08:00 to 14:10:00"));
        assert_eq!(press(Step::Later), said("14:08:00 to 14:10:00"));
        assert_eq!(press(Step::Longer), said("14:06:00 to 14:10:00"));
        assert_eq!(press(Step::Earlier), said("14:04:00 to 14:08:00"));
        for _ in 0..4 {
            press(Step::Shorter);
        }
        assert_eq!(press(Step::Shorter), (None, false));
    }

    #[test]
    fn a_box_in_time_and_latency_is_a_condition_on_rows_of_requests() {
        let mut state = State::new(Settings::default());
        state.brush = Some((50_700.0, 50_820.0));
        state.band = Some(Band { column: "ttft_ms", from_ms: 2500.0, to_ms: 20_000.0 });
        let selection = "time(ended) BETWEEN '14:05:00' AND '14:07:00' AND ttft_ms BETWEEN 2500 AND 20000".to_string();
        assert_eq!(comparison(&state), Some(Look::Compare { selection }));
        state.band = Some(Band { column: "total_ms", from_ms: 60_000.0, to_ms: f64::INFINITY });
        assert!(
            matches!(comparison(&state), Some(Look::Compare { selection }) if selection.ends_with("AND total_ms >= 60000"))
        );
    }
}
