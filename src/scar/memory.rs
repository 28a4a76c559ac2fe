//! How a memory fades and is made firmer: FSRS-6 through the `fsrs` crate, with its authors' default weights. It has no
//! framework for learning below it, counts in whole days and 32-bit numbers, and holds all published vectors to their
//! digits.
//!
//! The model was fitted to flash cards, not to incidents. What it says is a forecast, and `trial` holds it to what
//! came.

use std::sync::LazyLock;

use fsrs::{FSRS, FSRS6_DEFAULT_DECAY, MemoryState};
use serde::{Deserialize, Serialize};

/// What the forecast is called wherever it is shown.
pub const MODEL: &str = "FSRS-6, default weights";
/// Seconds of a day.
pub const DAY_S: f64 = 86_400.0;
/// The crate wants a wish for its intervals; ours are computed by [`due_in`].
const ANY_WISH: f32 = 0.9;

static FSRS_6: LazyLock<FSRS> = LazyLock::new(FSRS::default);

/// How a try went, as the model takes it. Only `Again` is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    /// It failed.
    Again,
    /// It came, with help, late, or unproved.
    Hard,
    /// It came.
    Good,
    /// It came at once, firmly.
    Easy,
}

impl Rating {
    /// All, in order.
    pub const ALL: [Rating; 4] = [Rating::Again, Rating::Hard, Rating::Good, Rating::Easy];

    /// From 1 to 4.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The rating of a number from 1 to 4.
    pub fn from_number(number: u8) -> Option<Rating> {
        Rating::ALL.get(usize::from(number.checked_sub(1)?)).copied()
    }

    /// Whether it came.
    pub fn passed(self) -> bool {
        self != Rating::Again
    }

    /// As it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Rating::Again => "again",
            Rating::Hard => "hard",
            Rating::Good => "good",
            Rating::Easy => "easy",
        }
    }
}

/// What is remembered of an item after a review.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// Days after which nine in ten would still come.
    pub stability: f64,
    /// From 1 to 10.
    pub difficulty: f64,
}

impl State {
    /// The state after a review, so many whole days after the one before; none: it is the first.
    pub fn after(before: Option<State>, rating: Rating, days: u32) -> State {
        let memory = before.map(|s| MemoryState { stability: s.stability as f32, difficulty: s.difficulty as f32 });
        // The crate refuses weights or histories that are not finite, and gets neither from here.
        let Ok(next) = FSRS_6.next_states(memory, ANY_WISH, days) else {
            return before.unwrap_or(State { stability: 0.001, difficulty: 10.0 });
        };
        let state = match rating {
            Rating::Again => next.again,
            Rating::Hard => next.hard,
            Rating::Good => next.good,
            Rating::Easy => next.easy,
        };
        State { stability: f64::from(state.memory.stability), difficulty: f64::from(state.memory.difficulty) }
    }

    /// The forecast that it comes after so many days, from 0 to 1.
    pub fn recall(self, days: f64) -> f64 {
        let memory = MemoryState { stability: self.stability as f32, difficulty: self.difficulty as f32 };
        f64::from(fsrs::current_retrievability(memory, days.max(0.0) as f32, FSRS6_DEFAULT_DECAY))
    }

    /// Days after which the forecast falls to `wish`, between 0 and 1.
    pub fn due_in(self, wish: f64) -> f64 {
        f64::from(FSRS_6.next_interval(Some(self.stability as f32), wish as f32, Rating::Good.number().into()))
    }
}

/// Whole days between two moments in seconds.
pub fn whole_days(from_s: i64, to_s: i64) -> u32 {
    u32::try_from(to_s.saturating_sub(from_s).max(0) / DAY_S as i64).unwrap_or(u32::MAX)
}

/// Days between two moments in seconds; none are negative.
pub fn days(from_s: i64, to_s: i64) -> f64 {
    to_s.saturating_sub(from_s).max(0) as f64 / DAY_S
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(reviews: &[(u8, u32)]) -> Vec<State> {
        let mut state = None;
        let next = |(g, days): &(u8, u32)| {
            state = Some(State::after(state, Rating::from_number(*g).expect("1 to 4"), *days));
            state.expect("set")
        };
        reviews.iter().map(next).collect()
    }

    /// Whether two numbers are the same in so many decimals.
    fn same(is: f64, stated: f64, decimals: i32) -> bool {
        (is - stated).abs() <= 0.5001 * 10f64.powi(-decimals)
    }

    #[test]
    fn the_history_of_the_crates_own_test() {
        let last = history(&[(1, 0), (3, 0), (3, 1), (3, 3), (3, 8), (3, 21)])[5];
        assert!(same(last.stability, 53.62691, 4), "{last:?}");
        assert!(same(last.difficulty, 6.3574867, 5), "{last:?}");
    }

    #[test]
    fn the_history_of_the_founding_pair() {
        // Rating, days since, recall before, stability and difficulty after, due at 0.9 and 0.8.
        let rows: [(u8, u32, f64, f64, f64, f64, f64); 6] = [
            (1, 0, 1.0, 0.2120, 6.4133, 0.21, 0.70),
            (2, 3, 0.6595, 1.7449, 7.6042, 1.74, 5.79),
            (3, 7, 0.7819, 8.4044, 7.5918, 8.40, 27.87),
            (3, 21, 0.8262, 27.7903, 7.5795, 27.79, 92.15),
            (1, 90, 0.8022, 2.5754, 9.1896, 2.58, 8.54),
            (3, 5, 0.8484, 5.8959, 9.1757, 5.90, 19.55),
        ];
        let states = history(&rows.map(|r| (r.0, r.1)));
        for (i, (row, state)) in rows.iter().zip(&states).enumerate() {
            if 0 < i {
                let before = states[i - 1].recall(f64::from(row.1));
                assert!(same(before, row.2, 4), "row {i}: recall {before}, stated {}", row.2);
            }
            assert!(same(state.stability, row.3, 4) && same(state.difficulty, row.4, 4), "row {i}: {state:?}");
            let due = (state.due_in(0.9), state.due_in(0.8));
            assert!(same(due.0, row.5, 2) && same(due.1, row.6, 2), "row {i}: due in {due:?}");
        }
        let forecast =
            [(7, 0.8878), (14, 0.8308), (30, 0.7588), (60, 0.6911), (90, 0.6523), (180, 0.5891), (365, 0.5296)];
        for (days, stated) in forecast {
            let recall = states[5].recall(f64::from(days));
            assert!(same(recall, stated, 4), "after {days} days: {recall}, stated {stated}");
        }
    }

    #[test]
    fn one_state_and_its_four_ratings() {
        let before = State { stability: 20.0, difficulty: 5.0 };
        let stated = [(1.9436, 8.3418), (43.6044, 6.6660), (59.2490, 4.9902), (93.5095, 3.3145)];
        for (rating, (stability, difficulty)) in Rating::ALL.into_iter().zip(stated) {
            let after = State::after(Some(before), rating, 20);
            assert!(
                same(after.stability, stability, 4) && same(after.difficulty, difficulty, 4),
                "{rating:?}: {after:?}"
            );
        }
    }

    #[test]
    fn the_card_of_the_python_implementation() {
        let (mut state, mut intervals): (Option<State>, Vec<u32>) = (None, Vec::new());
        // Each review on its day; a first success stands in its learning steps, which no day passes for.
        let ratings = [3, 3, 3, 3, 3, 3, 1, 1, 3, 3, 3, 3, 3];
        for (i, g) in ratings.into_iter().enumerate() {
            let rating = Rating::from_number(g).expect("1 to 4");
            let days = intervals.last().copied().unwrap_or(0);
            let next = State::after(state, rating, days);
            state = Some(next);
            let in_steps = i == 0 || rating == Rating::Again;
            intervals.push(if in_steps { 0 } else { (next.due_in(0.9).round() as u32).max(1) });
        }
        assert_eq!(intervals, [0, 2, 11, 46, 163, 498, 0, 0, 2, 4, 7, 12, 21]);
    }

    #[test]
    fn first_reviews_and_ratios_of_intervals() {
        for (rating, stated) in Rating::ALL.into_iter().zip([6.4133, 5.1122, 2.1181, 1.0]) {
            assert!(same(State::after(None, rating, 0).difficulty, stated, 4), "{rating:?}");
        }
        let one = State { stability: 1.0, difficulty: 5.0 };
        for (wish, stated) in [(0.95, 0.403), (0.90, 1.0), (0.85, 1.906), (0.80, 3.316), (0.75, 5.570), (0.70, 9.288)] {
            assert!(same(one.due_in(wish), stated, 3), "{wish}: {}", one.due_in(wish));
        }
        let good = State::after(None, Rating::Good, 0);
        assert!((good.recall(90.355 * 2.3065) - 0.5).abs() < 1e-4, "half of it is gone after 208 days");
        assert!(same(good.recall(30.0), 0.6675, 4));
    }
}
