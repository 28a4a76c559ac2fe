//! What was happening in a stack at a moment, from the true series of a run.

use crate::report::flip::{Frame, Row, State, against, number};
use crate::sim::series::Series;

/// Values are means over so many seconds up to the moment: long enough for a mean, and short enough to be of the moment.
const WINDOW_S: f64 = 15.0;

/// True values of a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Truths {
    unique: f64,
    tries: f64,
    errors: f64,
    good: f64,
    queue: f64,
    first_token: Option<f64>,
    busy: f64,
    hits: f64,
    remote: f64,
    prefill: f64,
}

/// The values of a moment, in seconds after the opening.
pub fn at(series: &Series, at_s: f64) -> Truths {
    let places: Vec<usize> =
        (0..series.t_s.len()).filter(|i| at_s - WINDOW_S < series.t_s[*i] && series.t_s[*i] <= at_s + 1e-6).collect();
    let mean = |values: &[f64]| {
        if places.is_empty() { 0.0 } else { places.iter().map(|i| values[*i]).sum::<f64>() / places.len() as f64 }
    };
    let some = |values: &[Option<f64>]| {
        let known: Vec<f64> = places.iter().filter_map(|i| values[*i]).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    Truths {
        unique: mean(&series.intents_per_s),
        tries: mean(&series.attempts_per_s),
        errors: mean(&series.errors_per_s),
        good: mean(&series.goodput_per_s),
        queue: some(&series.queue).unwrap_or(0.0),
        first_token: some(&series.ttft_p50_s),
        busy: some(&series.gpu_busy).unwrap_or(0.0),
        hits: some(&series.hit_ratio).unwrap_or(0.0),
        remote: some(&series.hit_remote).unwrap_or(0.0),
        prefill: some(&series.prefill_tokens_per_request).unwrap_or(0.0),
    }
}

impl Truths {
    /// What was new, per second.
    pub fn unique_per_s(&self) -> f64 {
        self.unique
    }

    /// In a sentence, beside what was usual: what users wanted, what was tried again, what a request cost.
    pub fn sentence(&self, usual: &Truths) -> String {
        let again = (self.tries - self.unique).max(0.0);
        let mut text =
            format!("{} unique requests per second, {}", number(self.unique), against(self.unique, Some(usual.unique)));
        if 0.05 * self.unique < again {
            text.push_str(&format!("; {} more are tries again", number(again)));
        }
        if 1e-9 < usual.prefill && 1e-9 < self.prefill && !(0.8..1.25).contains(&(self.prefill / usual.prefill)) {
            text.push_str(&format!("; each costs {:.1} times its usual prefill", self.prefill / usual.prefill));
        }
        text
    }
}

/// The frame of a moment, beside what was usual before anything began.
pub fn frame(time: String, now: &Truths, usual: &Truths) -> Frame {
    let again = (now.tries - now.unique).max(0.0);
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let share = |part: f64, of: f64| if of <= 1e-9 { 0.0 } else { (part / of).clamp(0.0, 1.0) };
    let judged = |failing: bool, degraded: bool| match (failing, degraded) {
        (true, _) => State::Failing,
        (_, true) => State::Degraded,
        _ => State::Usual,
    };
    let served = share(now.good, now.unique);
    // Where nobody tries, nothing is in vain.
    let wasted = if now.tries < 0.5 { 0.0 } else { 1.0 - share(now.good, now.tries) };
    let costs = if usual.prefill <= 1e-9 { 1.0 } else { now.prefill / usual.prefill };
    let rows = vec![
        Row {
            main: format!("{} unique requests /s", number(now.unique)),
            beside: against(now.unique, Some(usual.unique)),
            fill: share(now.unique, 3.0 * usual.unique),
            state: judged(false, 1.3 * usual.unique < now.unique),
        },
        Row {
            main: format!("{} tries /s", number(now.tries)),
            beside: if again < 0.5 {
                "hardly any again".to_string()
            } else {
                format!("{} /s are tries again", number(again))
            },
            fill: share(now.tries, 3.0 * usual.tries),
            state: judged(now.unique < again, 0.3 * now.unique < again),
        },
        Row {
            main: format!("{} /s served in time", number(now.good)),
            beside: format!("of {} /s wanted; {} errors /s", number(now.unique), number(now.errors)),
            fill: served,
            state: judged(served < 0.7, served < 0.95),
        },
        Row {
            main: format!("{} waiting per replica", number(now.queue)),
            beside: now
                .first_token
                .map_or("no first tokens".to_string(), |s| format!("first token {} s at the median", number(s))),
            fill: share(now.queue, now.queue + 30.0),
            state: judged(now.first_token.is_some_and(|s| 2.5 < s), 2.0 * usual.queue + 5.0 < now.queue),
        },
        Row {
            main: format!("{} busy", percent(now.busy)),
            beside: format!("{} of tries not served in time", percent(wasted)),
            fill: now.busy,
            state: judged(0.5 < wasted && 0.9 < now.busy, 0.2 < wasted),
        },
        Row {
            main: format!("{} of prompt tokens found", percent(now.hits)),
            beside: format!(
                "{}{} computed each{}",
                // A cell without a shared tier finds nothing there, ever.
                if usual.remote <= 1e-9 { String::new() } else { format!("tier {}; ", percent(now.remote)) },
                number(now.prefill),
                if costs < 1.25 { String::new() } else { format!(", x{costs:.1}") }
            ),
            fill: now.hits,
            state: judged(3.0 < costs, 1.25 < costs),
        },
    ];
    Frame { time, rows, new_per_s: now.unique, again_per_s: again }
}
