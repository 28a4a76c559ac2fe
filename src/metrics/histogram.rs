//! A classic histogram: how many observations fell at or under each of a row of edges.

use serde::{Deserialize, Serialize};

/// Counts of observations by bucket, with their sum.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Histogram {
    edges: Vec<f64>,
    /// One more than there are edges: the last holds what lies above them all.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty one; the edges ascend.
    pub fn new(edges: impl IntoIterator<Item = f64>) -> Histogram {
        let edges: Vec<f64> = edges.into_iter().collect();
        let counts = vec![0; edges.len() + 1];
        Histogram { edges, counts, sum: 0.0 }
    }

    /// Counts one observation; one that lies on an edge is at or under it.
    pub fn observe(&mut self, value: f64) {
        let bucket = self.edges.partition_point(|edge| *edge < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
            self.sum += value;
        }
    }

    /// Counts `count` observations that grow evenly from `first` by `step`, not below zero, each `times` over.
    pub fn observe_evenly(&mut self, first: f64, step: f64, count: u64, times: u64) {
        let mut bucket = self.edges.partition_point(|edge| *edge < first);
        let mut counted = 0;
        while counted < count {
            let under = match self.edges.get(bucket) {
                Some(edge) if 0.0 < step => (((edge - first) / step) as u64).saturating_add(1).clamp(counted, count),
                _ => count,
            };
            self.counts[bucket] += (under - counted) * times;
            counted = under;
            bucket += 1;
        }
        let (count, times) = (count as f64, times as f64);
        self.sum += times * (count * first + step * count * (count - 1.0).max(0.0) / 2.0);
    }

    /// Every bucket, the one without an upper edge last: its edge as the label `le` has it, and the observations at or
    /// under it.
    pub fn buckets(&self) -> impl Iterator<Item = (String, u64)> {
        let mut under = 0;
        self.counts.iter().enumerate().map(move |(place, count)| {
            under += count;
            (self.edges.get(place).map_or("+Inf".to_string(), |edge| format!("{edge:?}")), under)
        })
    }

    /// The sum of all observations.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_belongs_to_its_bucket_and_buckets_add_up() {
        let mut histogram = Histogram::new([0.5, 1.0, 2.5]);
        [0.1, 0.5, 0.6, 2.5, 99.0].into_iter().for_each(|v| histogram.observe(v));
        let buckets: Vec<(String, u64)> = histogram.buckets().collect();
        let expected = [("0.5", 2), ("1.0", 3), ("2.5", 4), ("+Inf", 5)].map(|(le, n)| (le.to_string(), n));
        assert_eq!(buckets, expected);
        assert_eq!((histogram.count(), histogram.sum()), (5, 102.7));
    }

    #[test]
    fn what_grows_evenly_is_counted_as_if_one_by_one() {
        for (first, step, count) in [(0.1, 0.03125, 100), (0.6, 0.0, 7), (9.0, 1.0, 3), (0.25, 0.25, 20), (0.1, 0.5, 0)]
        {
            let (mut at_once, mut single) = (Histogram::new([0.5, 1.0, 2.5]), Histogram::new([0.5, 1.0, 2.5]));
            at_once.observe_evenly(first, step, count, 3);
            (0..3 * count).for_each(|n| single.observe(first + step * (n / 3) as f64));
            assert_eq!(at_once.counts, single.counts, "{first} {step} {count}");
            assert!((at_once.sum - single.sum).abs() < 1e-9, "{first} {step} {count}");
        }
    }
}
