//! Time in buckets, counted from the page: what came before it and after it is alike whenever the incident begins. A minute
//! each where it matters most, longer later on.

/// The first bucket begins so many seconds before the page.
pub const BEFORE_S: u32 = 360;
/// Buckets of a minute up to here, in seconds after the page.
const FINE_S: i32 = 300;
/// The width of a fine bucket.
pub const NARROW_S: u32 = 60;
/// The width of a later one.
const WIDE_S: i32 = 150;
/// What happens later than this after the page is not weighed: who has not found it by then does not find it by what
/// comes after, and the runs are the cheaper for it.
pub const AFTER_S: u32 = 600;

/// The buckets of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Ends of buckets in seconds after the page, in order; negative: before it.
    pub ends: Vec<i32>,
}

impl Default for Grid {
    fn default() -> Self {
        let mut ends = Vec::new();
        let mut end = -(BEFORE_S as i32);
        while end < AFTER_S as i32 {
            end += if end < FINE_S { NARROW_S as i32 } else { WIDE_S };
            ends.push(end);
        }
        Grid { ends }
    }
}

impl Grid {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Where a bucket begins.
    pub fn begin(&self, bucket: usize) -> i32 {
        bucket.checked_sub(1).and_then(|b| self.ends.get(b)).copied().unwrap_or(-(BEFORE_S as i32))
    }

    /// The seconds of a bucket.
    pub fn width(&self, bucket: usize) -> f64 {
        f64::from(self.ends.get(bucket).copied().unwrap_or_default() - self.begin(bucket))
    }

    /// The bucket of a moment, in seconds after the page; none before the first and from the end of the last on.
    pub fn bucket(&self, at_s: f64) -> Option<usize> {
        if at_s < -f64::from(BEFORE_S) {
            return None;
        }
        Some(self.ends.partition_point(|end| f64::from(*end) <= at_s)).filter(|b| *b < self.ends.len())
    }

    /// Whether a bucket is over by `to_s`, and mostly not before `from_s`; seconds after the page.
    pub fn is_within(&self, bucket: usize, from_s: f64, to_s: f64) -> bool {
        let Some(end) = self.ends.get(bucket).map(|e| f64::from(*e)) else { return false };
        end <= to_s && from_s <= (f64::from(self.begin(bucket)) + end) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_what_is_weighed_of_an_incident() {
        let grid = Grid::default();
        assert_eq!((grid.len(), grid.ends.first(), grid.ends.last()), (13, Some(&-300), Some(&600)));
        assert_eq!((grid.bucket(-361.0), grid.bucket(-360.0), grid.bucket(-0.5)), (None, Some(0), Some(5)));
        assert_eq!((grid.bucket(0.0), grid.bucket(600.0), grid.begin(6)), (Some(6), None, 0));
        assert!(grid.is_within(5, -60.0, 0.0) && !grid.is_within(5, -20.0, 0.0) && !grid.is_within(6, -60.0, 59.0));
    }
}
