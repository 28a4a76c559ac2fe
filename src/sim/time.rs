//! Simulated time: integer nanoseconds since the world began, and spans of it.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment of the simulated world, in nanoseconds since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(pub u64);

/// A span of simulated time in nanoseconds. Files write it in seconds, as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimDuration(pub u64);

const NANOS: f64 = 1e9;

impl SimTime {
    /// The moment the world begins.
    pub const ZERO: SimTime = SimTime(0);
    /// Later than every moment that is simulated.
    pub const NEVER: SimTime = SimTime(u64::MAX);

    /// The moment `seconds` after the beginning; negative and NaN give [`SimTime::ZERO`].
    #[inline]
    pub fn from_secs_f64(seconds: f64) -> Self {
        SimTime(SimDuration::from_secs_f64(seconds).0)
    }

    /// Seconds since the beginning.
    #[inline]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS
    }

    /// Time since `earlier`, zero if `earlier` is later.
    #[inline]
    pub fn since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: SimDuration = SimDuration(0);
    /// Longer than any run.
    pub const FOREVER: SimDuration = SimDuration(u64::MAX);

    /// `n` whole seconds.
    #[inline]
    pub const fn from_secs(n: u64) -> Self {
        SimDuration(n * 1_000_000_000)
    }

    /// `n` whole milliseconds.
    #[inline]
    pub const fn from_millis(n: u64) -> Self {
        SimDuration(n * 1_000_000)
    }

    /// `n` whole microseconds.
    #[inline]
    pub const fn from_micros(n: u64) -> Self {
        SimDuration(n * 1_000)
    }

    /// `seconds` rounded to the nanosecond; negative and NaN give zero, too large gives [`SimDuration::FOREVER`].
    #[inline]
    pub fn from_secs_f64(seconds: f64) -> Self {
        SimDuration((seconds * NANOS).round() as u64) // `as` saturates and sends NaN to zero
    }

    /// The span in seconds.
    #[inline]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS
    }

    /// The span times `factor`, rounded to the nanosecond; negative factors give zero.
    #[inline]
    pub fn mul_f64(self, factor: f64) -> Self {
        SimDuration((self.0 as f64 * factor).round() as u64)
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;
    #[inline]
    fn add(self, span: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(span.0))
    }
}

impl AddAssign<SimDuration> for SimTime {
    #[inline]
    fn add_assign(&mut self, span: SimDuration) {
        *self = *self + span;
    }
}

impl Add for SimDuration {
    type Output = SimDuration;
    #[inline]
    fn add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(other.0))
    }
}

impl AddAssign for SimDuration {
    #[inline]
    fn add_assign(&mut self, other: SimDuration) {
        *self = *self + other;
    }
}

impl Sub for SimDuration {
    type Output = SimDuration;
    /// Saturates at zero.
    #[inline]
    fn sub(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for SimTime {
    /// `h:mm:ss`, or `m:ss` in the first hour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0 / 1_000_000_000;
        match s / 3600 {
            0 => write!(f, "{}:{:02}", s / 60, s % 60),
            h => write!(f, "{h}:{:02}:{:02}", s / 60 % 60, s % 60),
        }
    }
}

/// Both are written in files as a number of seconds, fractions allowed, from 0 to 1e9; in formats that nobody reads, as
/// they are.
macro_rules! seconds_in_files {
    ($type:ident) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                match s.is_human_readable() {
                    true => s.serialize_f64(self.as_secs_f64()),
                    false => s.serialize_u64(self.0),
                }
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if !d.is_human_readable() {
                    return u64::deserialize(d).map($type);
                }
                let seconds = f64::deserialize(d)?;
                if (0.0..=1e9).contains(&seconds) {
                    Ok($type::from_secs_f64(seconds))
                } else {
                    Err(serde::de::Error::custom(format!(
                        "{seconds} is not a number of seconds between 0 and 1e9"
                    )))
                }
            }
        }

        impl JsonSchema for $type {
            #[inline]
            fn schema_name() -> std::borrow::Cow<'static, str> {
                "Seconds".into()
            }

            #[inline]
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "description": "seconds, fractions allowed",
                    "type": "number", "minimum": 0, "maximum": 1e9
                })
            }
        }
    };
}
seconds_in_files!(SimTime);
seconds_in_files!(SimDuration);
