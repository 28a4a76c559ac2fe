//! What a question about a histogram says of its buckets: how to ask for all of them, and which column of requests measures
//! the same.

/// A band of a measured time.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// The column of requests that has it, in milliseconds.
    pub column: &'static str,
    /// From.
    pub from_ms: f64,
    /// To; infinite: whatever is longer.
    pub to_ms: f64,
}

/// The column of requests that a histogram measures too, and how many milliseconds one of the histogram's units is.
pub fn column_of(query: &str) -> Option<(&'static str, f64)> {
    const KNOWN: [(&str, &str, f64); 3] = [
        ("time_to_first_token_seconds", "ttft_ms", 1000.0),
        ("e2e_request_latency_seconds", "total_ms", 1000.0),
        ("downstream_rq_time", "total_ms", 1.0),
    ];
    KNOWN.iter().find(|(metric, ..)| query.contains(metric)).map(|(_, column, scale)| (*column, *scale))
}

/// The question for the spread behind a quantile: its buckets, all together; none where there are none.
pub fn spread_of(query: &str) -> Option<String> {
    let from = query.find("rate(").filter(|_| query.contains("_bucket"))?;
    let mut depth = 0;
    for (place, c) in query[from..].char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return Some(format!("sum by (le) ({})", &query[from..=from + place])),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_asked_for_its_buckets_and_its_column_is_known() {
        let quantile = "histogram_quantile(0.99, sum by (le, pool) (rate(x_bucket{a=\"b\"}[2m])))";
        assert_eq!(spread_of(quantile).as_deref(), Some("sum by (le) (rate(x_bucket{a=\"b\"}[2m]))"));
        assert_eq!(spread_of("sum(rate(x_total[2m]))"), None);
        assert_eq!(
            column_of("sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[2m]))"),
            Some(("ttft_ms", 1000.0))
        );
        assert_eq!(column_of("sum by (le) (rate(vllm:request_prompt_tokens_bucket[2m]))"), None);
    }
}
