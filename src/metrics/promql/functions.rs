//! Functions over ranges of samples and over buckets, with the extrapolation that Prometheus has.

use crate::metrics::store::Point;

/// Functions of a range, by name.
pub(super) const OVER_RANGE: [&str; 9] = [
    "rate",
    "increase",
    "delta",
    "irate",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
];

/// The value of a range function over the samples of one series within `(end - range, end]`; none where Prometheus has
/// none.
pub(super) fn over_range(name: &str, points: &[Point], end_ms: i64, range_ms: i64) -> Option<f64> {
    let values = || points.iter().map(|p| p.value);
    match name {
        "rate" => extrapolated(points, end_ms, range_ms, true).map(|v| v / (range_ms as f64 / 1000.0)),
        "increase" => extrapolated(points, end_ms, range_ms, true),
        "delta" => extrapolated(points, end_ms, range_ms, false),
        "irate" => instant_rate(points),
        _ if points.is_empty() => None,
        "avg_over_time" => Some(values().sum::<f64>() / points.len() as f64),
        "sum_over_time" => Some(values().sum()),
        "min_over_time" => values().reduce(f64::min),
        "max_over_time" => values().reduce(f64::max),
        "count_over_time" => Some(points.len() as f64),
        _ => None,
    }
}

/// The change over a range, extended to its ends: fully if the samples reach within 1.1 mean intervals of an end, else
/// by half an interval; a counter is never extended below zero. (Prometheus, `extrapolatedRate`.)
fn extrapolated(points: &[Point], end_ms: i64, range_ms: i64, counter: bool) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < 2 {
        return None;
    }
    let mut change = last.value - first.value;
    if counter {
        let resets = points.windows(2).filter(|pair| pair[1].value < pair[0].value);
        change += resets.map(|pair| pair[0].value).sum::<f64>();
    }
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let sampled = seconds(last.t_ms - first.t_ms);
    let interval = sampled / (points.len() - 1) as f64;
    let mut to_start = seconds(first.t_ms - (end_ms - range_ms));
    let mut to_end = seconds(end_ms - last.t_ms);
    let far = interval * 1.1;
    if far <= to_start {
        to_start = interval / 2.0;
    }
    if counter && 0.0 < change && 0.0 <= first.value {
        to_start = to_start.min(sampled * (first.value / change));
    }
    if far <= to_end {
        to_end = interval / 2.0;
    }
    Some(change * ((sampled + to_start + to_end) / sampled))
}

fn instant_rate(points: &[Point]) -> Option<f64> {
    let [.., before, last] = points else { return None };
    let change = if last.value < before.value { last.value } else { last.value - before.value };
    let seconds = (last.t_ms - before.t_ms) as f64 / 1000.0;
    (0.0 < seconds).then(|| change / seconds)
}

/// A quantile from classic buckets, `(upper edge, cumulative count)` in order of edges: linear within the bucket that
/// holds it; the edge of the last finite bucket if it lies beyond. (Prometheus, `bucketQuantile`.)
pub(super) fn bucket_quantile(q: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if 1.0 < q {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some((last_edge, total)) = buckets.last().copied() else { return f64::NAN };
    if last_edge != f64::INFINITY || buckets.len() < 2 {
        return f64::NAN;
    }
    let mut most = 0.0f64;
    for (_, count) in &mut buckets {
        most = most.max(*count); // scrapes may tear: counts are made to rise
        *count = most;
    }
    if total == 0.0 {
        return f64::NAN;
    }
    let rank = q * total;
    let place = buckets[..buckets.len() - 1].partition_point(|(_, count)| *count < rank);
    if place == buckets.len() - 1 {
        return buckets[buckets.len() - 2].0;
    }
    let (edge, count) = buckets[place];
    if place == 0 && edge <= 0.0 {
        return edge;
    }
    let (from, below) = if place == 0 { (0.0, 0.0) } else { buckets[place - 1] };
    from + (edge - from) * ((rank - below) / (count - below))
}
