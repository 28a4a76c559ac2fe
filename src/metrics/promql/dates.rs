//! Dates of the proleptic Gregorian calendar in universal time, from seconds since 1970.

/// What is asked of a date.
#[derive(Clone, Copy, Debug)]
pub(super) enum Date {
    Minute,
    Hour,
    /// 0 is Sunday.
    DayOfWeek,
    DayOfMonth,
    DayOfYear,
    DaysInMonth,
    Month,
    Year,
}

const DAY_S: i64 = 86_400;

impl Date {
    /// The answer for a number of seconds; fractions of a second do not count. Nothing is known of what is no number.
    pub(super) fn of(self, seconds: f64) -> f64 {
        if !seconds.is_finite() {
            return f64::NAN;
        }
        let seconds = seconds as i64; // towards zero, as in Go
        let (days, within) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
        let (year, month, day) = civil(days);
        let answer = match self {
            Date::Minute => within / 60 % 60,
            Date::Hour => within / 3600,
            Date::DayOfWeek => (days + 4).rem_euclid(7), // 1970 began on a Thursday
            Date::DayOfMonth => day,
            Date::DayOfYear => (1..month).map(|m| days_in(year, m)).sum::<i64>() + day,
            Date::DaysInMonth => days_in(year, month),
            Date::Month => month,
            Date::Year => year,
        };
        answer as f64
    }
}

/// Year, month and day of a count of days since 1970, by eras of 400 years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468; // from 1 March of the year 0
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // 29 February 2024, 23:59:59, a Thursday; 1 March 1900 before it; the last second of 1969.
        for (seconds, year, month, day, week, of_year) in [
            (1_709_251_199.9, 2024, 2, 29, 4, 60),
            (-2_203_891_200.0, 1900, 3, 1, 4, 60),
            (-1.0, 1969, 12, 31, 3, 365),
            (0.0, 1970, 1, 1, 4, 1),
        ] {
            let asked = [Date::Year, Date::Month, Date::DayOfMonth, Date::DayOfWeek, Date::DayOfYear];
            let answers = asked.map(|date| date.of(seconds) as i64);
            assert_eq!(answers, [year, month, day, week, of_year], "{seconds}");
        }
        assert_eq!((Date::Hour.of(1_709_251_199.0), Date::Minute.of(1_709_251_199.0)), (23.0, 59.0));
        assert_eq!((Date::DaysInMonth.of(1_709_251_199.0), Date::DaysInMonth.of(-2_203_891_200.0)), (29.0, 31.0));
        for extreme in [f64::MAX, f64::MIN, f64::INFINITY, f64::NAN] {
            let _ = Date::Year.of(extreme);
        }
    }
}
