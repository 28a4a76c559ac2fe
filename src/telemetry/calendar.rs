//! Simulated moments as dates and times of day, in UTC.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::sim::time::{SimDuration, SimTime};

/// The day on which incidents happen where a scenario names none.
pub(super) const USUAL_DATE: &str = "2026-03-03";
/// The moment of the opening where a scenario names none.
const USUAL_OPENING: &str = "14:00:00";

/// Relates moments of a world to dates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calendar {
    /// Nanoseconds between 1970 and the beginning of the world.
    epoch_ns: i128,
}

impl Calendar {
    /// The calendar of a world that opens at `open_at` on a date and at a time of day, written as `2026-03-03` and
    /// `14:00:00`; empty texts mean the usual ones.
    ///
    /// # Errors
    /// The text that is no date or no time of day.
    pub fn new(date: &str, opens_at: &str, open_at: SimTime) -> Result<Calendar, String> {
        let or = |text: &str, usual: &str| if text.is_empty() { usual.to_string() } else { text.to_string() };
        let (date, time) = (or(date, USUAL_DATE), or(opens_at, USUAL_OPENING));
        let day: Date = date.parse().map_err(|_| format!("\"{date}\" is no date: write it as in {USUAL_DATE}"))?;
        let time: Time =
            time.parse().map_err(|_| format!("\"{time}\" is no time of day: write it as in {USUAL_OPENING}"))?;
        let opening = TimeZone::UTC
            .to_timestamp(day.to_datetime(time))
            .map_err(|_| format!("\"{date}\" is too far away: write it as in {USUAL_DATE}"))?;
        Ok(Calendar { epoch_ns: opening.as_nanosecond() - i128::from(open_at.0) })
    }

    /// Milliseconds since 1970.
    pub fn unix_ms(&self, at: SimTime) -> i64 {
        ((self.epoch_ns + i128::from(at.0)) / 1_000_000) as i64
    }

    /// The moment that is so many milliseconds after 1970; the beginning of the world if it is before that.
    pub fn moment(&self, unix_ms: i64) -> SimTime {
        SimTime(u64::try_from(i128::from(unix_ms) * 1_000_000 - self.epoch_ns).unwrap_or(0))
    }

    /// As in `14:05:31`.
    pub fn clock(&self, at: SimTime) -> String {
        self.strftime(self.epoch_ns + i128::from(at.0), "%H:%M:%S")
    }

    /// A moment in milliseconds of the world, which may lie before its beginning: as in `14:05:31`, or with its day, as
    /// in `2026-03-03 14:05`.
    pub fn at_ms(&self, t_ms: i64, dated: bool) -> String {
        let format = if dated { "%Y-%m-%d %H:%M" } else { "%H:%M:%S" };
        self.strftime(self.epoch_ns + i128::from(t_ms) * 1_000_000, format)
    }

    /// As in `2026-03-03 14:05:31`.
    pub fn date_time(&self, at: SimTime) -> String {
        self.strftime(self.epoch_ns + i128::from(at.0), "%Y-%m-%d %H:%M:%S")
    }

    /// As in `2026-03-03T14:05:31.042Z`.
    pub fn iso(&self, at: SimTime) -> String {
        let ns = self.epoch_ns + i128::from(at.0);
        format!("{}.{:03}Z", self.strftime(ns, "%Y-%m-%dT%H:%M:%S"), (ns / 1_000_000).rem_euclid(1000))
    }

    /// Date and time of day so many seconds before a moment, which may lie before the world began.
    pub fn date_time_before(&self, at: SimTime, seconds: f64) -> String {
        self.strftime(self.epoch_ns + i128::from(at.0) - (seconds * 1e9) as i128, "%Y-%m-%d %H:%M:%S")
    }

    /// The moment of a time of day, as in `14:05` or `14:05:31`, on the day of `now`.
    pub fn moment_of_day(&self, now: SimTime, text: &str) -> Option<SimTime> {
        let time: Time = text.parse().ok()?;
        let ns = self.epoch_ns + i128::from(now.0);
        let day = TimeZone::UTC.to_datetime(Timestamp::from_nanosecond(ns).ok()?).date();
        let then = TimeZone::UTC.to_timestamp(day.to_datetime(time)).ok()?;
        u64::try_from(then.as_nanosecond() - self.epoch_ns).ok().map(SimTime)
    }

    fn strftime(&self, unix_ns: i128, format: &str) -> String {
        Timestamp::from_nanosecond(unix_ns)
            .map_or("beyond the calendar".to_string(), |t| t.strftime(format).to_string())
    }
}

/// A span as people say it: `45 s`, `3 min`, `2 h 5 min`.
pub fn span(span: SimDuration) -> String {
    let seconds = span.0 / 1_000_000_000;
    match seconds {
        0..=99 => format!("{seconds} s"),
        100..=5399 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opening_is_when_the_scenario_says() {
        let open_at = SimTime::from_secs_f64(1620.0);
        let calendar = Calendar::new("2026-03-03", "14:00:00", open_at).expect("a date");
        assert_eq!(calendar.clock(open_at), "14:00:00");
        assert_eq!(calendar.iso(open_at + SimDuration::from_millis(61_042)), "2026-03-03T14:01:01.042Z");
        assert_eq!(calendar.moment(calendar.unix_ms(open_at)), open_at);
        assert_eq!(calendar.moment_of_day(open_at, "14:00:30"), Some(open_at + SimDuration::from_secs(30)));
        assert!(Calendar::new("yesterday", "", open_at).is_err());
    }
}
