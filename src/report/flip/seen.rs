//! What monitoring showed of a stack at a moment. Given the scraped samples and nothing else: no truth can get in here.

use crate::metrics::promql::{Query, Value};
use crate::metrics::store::Store;
use crate::report::flip::{Frame, Row, State, against, number};

/// What is asked, in this order.
const QUESTIONS: [&str; 9] = [
    "sum(rate(envoy_http_downstream_rq_total[2m]))",
    "sum(rate(envoy_http_downstream_rq_xx{envoy_response_code_class=\"5\"}[2m])) / sum(rate(envoy_http_downstream_rq_total[2m]))",
    "sum(vllm:num_requests_waiting)",
    "sum(vllm:num_requests_running)",
    "histogram_quantile(0.5, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[2m])))",
    "avg(DCGM_FI_DEV_GPU_UTIL) / 100",
    "sum(rate(vllm:prefix_cache_hits_total[2m])) / sum(rate(vllm:prefix_cache_queries_total[2m]))",
    "sum(rate(vllm:external_prefix_cache_hits_total[2m])) / sum(rate(vllm:external_prefix_cache_queries_total[2m]))",
    "sum(rate(gen_ai_client_operation_duration_seconds_count[2m]))",
];

/// Answers to the questions at a moment.
pub type Answers = [Option<f64>; 9];

/// Asks at a moment, in milliseconds of the world.
pub fn ask(store: &Store, at_ms: i64) -> Answers {
    QUESTIONS.map(|text| {
        let value = match Query::parse(text).ok()?.eval_at(store, at_ms).ok()? {
            Value::Vector(samples) => samples.first()?.value,
            Value::Scalar(number) => number,
            Value::Range(_) | Value::Text(_) => return None,
        };
        value.is_finite().then_some(value)
    })
}

/// The frame of a moment, beside what was usual before anything began.
pub fn frame(time: String, now: &Answers, usual: &Answers) -> Frame {
    let [requests, failed, waiting, running, first_token, busy, hits, remote, calls] = *now;
    let unknown = |what: &str| Row {
        main: "not measured".to_string(),
        beside: what.to_string(),
        fill: 0.0,
        state: State::Unknown,
    };
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let fell = |value: f64, usual: Option<f64>| usual.is_some_and(|u| value < 0.6 * u);
    // Calls end with all their tries: a client that still tries has not been counted.
    let clients = calls.map_or(unknown("tries again look like new requests"), |c| Row {
        main: format!("{} calls /s ended", number(c)),
        beside: format!("in client programs, {}", against(c, usual[8])),
        fill: c / (3.0 * usual[8].unwrap_or(c)).max(1e-9),
        state: State::Usual,
    });
    let network = requests.map_or(unknown("no sample"), |r| Row {
        main: format!("{} requests /s", number(r)),
        beside: against(r, usual[0]),
        fill: r / (3.0 * usual[0].unwrap_or(r)).max(1e-9),
        state: if usual[0].is_some_and(|u| 1.5 * u < r) { State::Degraded } else { State::Usual },
    });
    let api = failed.map_or(unknown("no sample"), |share| Row {
        main: format!("{} answered with 5xx", percent(share)),
        beside: "by the gateways".to_string(),
        fill: share,
        state: match share {
            s if 0.1 < s => State::Failing,
            s if 0.01 < s => State::Degraded,
            _ => State::Usual,
        },
    });
    let serving = waiting.map_or(unknown("no sample"), |w| {
        let slow = first_token.is_some_and(|s| 2.5 < s);
        let first =
            first_token.map_or("no first tokens".to_string(), |s| format!("first token {} s at the median", number(s)));
        Row {
            main: format!("{w:.0} waiting, {:.0} running", running.unwrap_or(0.0)),
            beside: first,
            fill: w / (w + running.unwrap_or(0.0)).max(1.0),
            state: if slow {
                State::Failing
            } else if usual[2].unwrap_or(0.0) * 2.0 + 20.0 < w {
                State::Degraded
            } else {
                State::Usual
            },
        }
    });
    let accelerators = busy.map_or(unknown("no sample"), |b| Row {
        main: format!("{} busy", percent(b)),
        beside: against(b, usual[5]),
        fill: b,
        state: if 0.97 < b { State::Degraded } else { State::Usual },
    });
    let cache = hits.map_or(unknown("no sample"), |h| Row {
        main: format!("{} of prompt tokens found", percent(h)),
        // A cell that has none finds nothing there, ever.
        beside: remote
            .filter(|r| [Some(*r), usual[7]].into_iter().flatten().any(|share| 0.005 < share))
            .map_or(String::new(), |r| format!("shared tier answers {}", percent(r))),
        fill: h,
        state: if fell(h, usual[6]) || remote.is_some_and(|r| fell(r, usual[7])) {
            State::Degraded
        } else {
            State::Usual
        },
    });
    Frame {
        time,
        rows: vec![clients, network, api, serving, accelerators, cache],
        // What comes again looks like new demand: nothing here can tell.
        new_per_s: requests.unwrap_or(0.0),
        again_per_s: 0.0,
    }
}
