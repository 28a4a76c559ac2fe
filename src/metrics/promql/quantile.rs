//! Quantiles of values, and of classic buckets.

use std::cmp::Ordering;

/// The order in which Prometheus sorts: what is no number comes first.
pub(super) fn ascending(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// What every quantile is for a share that is none: outside 0 to 1, or no number.
fn beyond(q: f64) -> Option<f64> {
    match q {
        q if q.is_nan() => Some(f64::NAN),
        q if q < 0.0 => Some(f64::NEG_INFINITY),
        q if 1.0 < q => Some(f64::INFINITY),
        _ => None,
    }
}

/// A quantile of values, linear between the two that it lies between; the values are sorted on the way.
pub(super) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    if let Some(edge) = beyond(q) {
        return edge;
    }
    values.sort_unstable_by(|a, b| ascending(*a, *b));
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor();
    let upper = (lower as usize + 1).min(values.len() - 1);
    let weight = rank - lower;
    values[lower as usize] * (1.0 - weight) + values[upper] * weight
}

/// A quantile from classic buckets, `(upper edge, cumulative count)` in order of edges: linear within the bucket that
/// holds it; the edge of the last finite bucket if it lies beyond. (Prometheus, `bucketQuantile`.)
pub(super) fn bucket_quantile(q: f64, buckets: &mut Vec<(f64, f64)>) -> f64 {
    if let Some(edge) = beyond(q) {
        return edge;
    }
    if buckets.last().is_none_or(|(edge, _)| *edge != f64::INFINITY) {
        return f64::NAN;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    if buckets.len() < 2 {
        return f64::NAN;
    }
    // Scrapes may tear, and rates of single buckets do not add up: counts are made to rise.
    let mut most = buckets[0].1;
    for (_, count) in buckets.iter_mut().skip(1) {
        if most < *count {
            most = *count;
        } else if *count < most {
            *count = most;
        }
    }
    let finite = buckets.len() - 1;
    let total = buckets[finite].1;
    if total == 0.0 {
        return f64::NAN;
    }
    let rank = q * total;
    let place = buckets[..finite].partition_point(|(_, count)| rank.partial_cmp(count).is_none_or(Ordering::is_gt));
    if place == finite {
        return buckets[finite - 1].0;
    }
    let (edge, count) = buckets[place];
    if place == 0 && edge <= 0.0 {
        return edge;
    }
    let (from, below) = if place == 0 { (0.0, 0.0) } else { buckets[place - 1] };
    from + (edge - from) * ((rank - below) / (count - below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(quantile(0.5, &mut [3.0, 1.0, 2.0, 4.0]), 2.5);
        assert_eq!(quantile(1.0, &mut [3.0, f64::NAN]), 3.0);
        assert!(quantile(0.0, &mut [3.0, f64::NAN]).is_nan() && quantile(0.5, &mut []).is_nan());
        assert_eq!((quantile(-1.0, &mut [1.0]), quantile(2.0, &mut [1.0])), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn buckets_of_one_edge_are_one_and_torn_counts_rise() {
        let mut buckets = vec![(1.0, 5.0), (1.0, 5.0), (2.0, 8.0), (f64::INFINITY, 20.0)];
        assert_eq!(bucket_quantile(0.25, &mut buckets), 0.5);
        assert!(bucket_quantile(0.5, &mut vec![(1.0, 5.0)]).is_nan());
        assert_eq!(bucket_quantile(0.9, &mut vec![(-1.0, 5.0), (f64::INFINITY, 5.0)]), -1.0);
    }
}
