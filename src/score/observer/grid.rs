//! Time in buckets: a minute each where it matters most, longer later on.

/// Buckets of a minute up to here, in seconds after the opening.
const FINE_S: u32 = 900;
/// The width of a fine bucket.
pub const NARROW_S: u32 = 60;
/// The width of a later one.
const WIDE_S: u32 = 180;

/// The buckets of an incident, from its opening on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Ends of buckets in seconds after the opening, in order.
    pub ends: Vec<u32>,
}

/// What happens later than this after the opening is not weighed: who has not found it by then does not find it by what
/// comes after, and the runs are the cheaper for it.
const LATEST_S: u32 = 1260;

impl Grid {
    /// The buckets of an incident of so many seconds.
    pub fn of(length_s: u32) -> Grid {
        let length_s = length_s.min(LATEST_S);
        let mut ends = Vec::new();
        let mut end = 0;
        while end < length_s {
            end = (end + if end < FINE_S { NARROW_S } else { WIDE_S }).min(length_s);
            ends.push(end);
        }
        Grid { ends }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Where a bucket begins.
    pub fn begin(&self, bucket: usize) -> u32 {
        bucket.checked_sub(1).and_then(|b| self.ends.get(b)).copied().unwrap_or(0)
    }

    /// The bucket of a moment; none before the opening and from the end on.
    pub fn bucket(&self, at_s: f64) -> Option<usize> {
        if at_s < 0.0 {
            return None;
        }
        Some(self.ends.partition_point(|end| f64::from(*end) <= at_s)).filter(|b| *b < self.ends.len())
    }

    /// The end of the bucket of a moment, in seconds after the opening.
    pub fn next_end(&self, at_s: f64) -> f64 {
        self.ends.iter().map(|e| f64::from(*e)).find(|e| at_s <= *e).unwrap_or(at_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_an_incident() {
        let grid = Grid::of(1800);
        assert_eq!((grid.len(), grid.ends.first(), grid.ends.last()), (17, Some(&60), Some(&1260)));
        assert_eq!((grid.bucket(0.0), grid.bucket(60.0), grid.bucket(1260.0)), (Some(0), Some(1), None));
        assert_eq!(grid.next_end(61.0), 120.0);
    }
}
