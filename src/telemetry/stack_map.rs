//! The stack at a glance: for each of the six layers its rate, errors, latency, queue and fill, as the last scrapes have
//! them. Made from the store of metrics alone; what was not measured is unknown, never healthy.
//!
//! It costs nothing to look at, for everybody, and so it tells nothing that would name a cause: retries, prefix reuse and
//! single replicas are looks at a price.

use serde::Serialize;

use crate::metrics::promql::{Query, Value};
use crate::metrics::store::Store;
use crate::telemetry::watch::Watch;

/// A share of failed requests that is worth a mark, and one that is worth an alarm.
const ERRORS: (f64, f64) = (0.01, 0.10);
/// The same of the time to a first token, in seconds: what users were promised, and four times that.
const FIRST_TOKEN_S: (f64, f64) = (2.5, 10.0);
/// The same of requests in line, for each replica.
const IN_LINE: (f64, f64) = (10.0, 40.0);
/// The same of a resource that is in use.
const FULL: (f64, f64) = (0.90, 0.97);
/// What was not scraped for so long, two intervals, is not known any more, though a rate over a minute would still have a
/// value.
const FRESH: &str = "30s";

/// How a layer stands, as far as is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is nothing of the kind here: how the stack is built, no gap in what is measured.
    Absent,
    /// Within its marks.
    Steady,
    /// Beyond a mark.
    Degraded,
    /// Far beyond it.
    Failing,
    /// Nothing was measured.
    Unknown,
}

impl State {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            State::Absent => "none here",
            State::Steady => "steady",
            State::Degraded => "degraded",
            State::Failing => "failing",
            State::Unknown => "no data",
        }
    }
}

/// A number of a layer, in words, with how it stands to its mark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// As in `TTFT p95 11.8 s`.
    pub text: String,
    /// How it stands.
    pub state: State,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// As boards name it.
    pub id: &'static str,
    /// As it is written on the map.
    pub title: &'static str,
    /// Requests per second that come to it.
    pub rate: Option<f64>,
    /// Requests that wait in it.
    pub queue: Option<f64>,
    /// The share of its scarcest resource that is in use, from 0 to 1.
    pub fill: Option<f64>,
    /// That resource; empty where none is measured at all.
    pub fill_of: &'static str,
    /// The share from which on it counts as too full; none: a busy accelerator and a cache in use are no fault.
    #[serde(skip)]
    pub limit: Option<f64>,
    /// Its worst state.
    pub state: State,
    /// Numbers below it.
    pub readings: Vec<Reading>,
}

/// The stack at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StackMap {
    /// From the clients to the caches.
    pub layers: Vec<Layer>,
}

/// A question to the store for one number.
fn one(store: &Store, at_ms: i64, promql: &str) -> Option<f64> {
    let value = match Query::parse(promql).ok()?.eval_at(store, at_ms).ok()? {
        Value::Scalar(value) => Some(value),
        Value::Vector(samples) => samples.first().map(|s| s.value),
        _ => None,
    };
    value.filter(|v| v.is_finite())
}

fn against(value: Option<f64>, (mark, alarm): (f64, f64)) -> State {
    match value {
        None => State::Unknown,
        Some(v) if alarm <= v => State::Failing,
        Some(v) if mark <= v => State::Degraded,
        Some(_) => State::Steady,
    }
}

/// A number as it is written on the map: three digits at most.
pub fn short(value: f64) -> String {
    match value.abs() {
        v if 9_950.0 <= v => format!("{:.0}k", value / 1000.0),
        v if 999.5 <= v => format!("{:.1}k", value / 1000.0),
        v if 9.95 <= v => format!("{value:.0}"),
        v if 0.995 <= v => format!("{value:.1}"),
        0.0 => "0".to_string(),
        _ => format!("{value:.2}"),
    }
}

fn reading(name: &str, value: Option<f64>, unit: &str, state: State) -> Reading {
    match value {
        Some(v) => Reading { text: format!("{name} {}{unit}", short(v)), state },
        None => Reading { text: format!("{name} -"), state: State::Unknown },
    }
}

/// A layer's parts that are not said otherwise.
fn layer(id: &'static str, title: &'static str, rate: Option<f64>) -> Layer {
    Layer {
        id,
        title,
        rate,
        queue: None,
        fill: None,
        fill_of: "",
        limit: None,
        state: State::Steady,
        readings: Vec::new(),
    }
}

fn settled(mut layer: Layer, extra: &[State]) -> Layer {
    let measured: Vec<State> = (layer.readings.iter().map(|r| r.state))
        .chain(extra.iter().copied())
        .filter(|state| *state != State::Unknown)
        .collect();
    layer.state = measured.into_iter().max().unwrap_or(State::Unknown);
    layer
}

impl StackMap {
    /// The stack as the scrapes up to a moment, in milliseconds of the world, have it.
    pub fn seen(store: &Store, at_ms: i64) -> StackMap {
        let fresh = |metric: &str| one(store, at_ms, &format!("count(last_over_time({metric}[{FRESH}]))")).is_some();
        let [gateways_fresh, engines_fresh, boards_fresh, tier_fresh] = [
            "envoy_http_downstream_cx_active",
            "vllm:num_requests_waiting",
            "DCGM_FI_DEV_GPU_UTIL",
            "kvcache_capacity_tokens",
        ]
        .map(fresh);
        let of = |fresh: bool| move |promql: &str| one(store, at_ms, promql).filter(|_| fresh);
        let (at_gateways, at_engines, at_boards, at_tier) =
            (of(gateways_fresh), of(engines_fresh), of(boards_fresh), of(tier_fresh));
        let arriving = at_gateways("sum(rate(envoy_http_downstream_rq_total[1m]))");
        let share = |part: Option<f64>| match (part, arriving) {
            (Some(part), Some(all)) if 0.0 < all => Some((part / all).min(1.0)),
            _ => None,
        };
        StackMap {
            layers: vec![
                clients(&at_gateways, arriving, &share),
                network(&at_gateways, arriving, &share),
                gateways(&at_gateways, arriving, &share),
                serving(&at_gateways, &at_engines),
                accelerators(&at_engines, &at_boards),
                caches(&at_tier),
            ],
        }
    }

    /// The stack of a watch at a moment, in milliseconds of its world: as scrapes have it, and what is not built said so.
    pub fn of(watch: &Watch, at_ms: i64) -> StackMap {
        let seen = StackMap::seen(watch.world.scraped(), at_ms);
        if watch.scene.cache_nodes == 0 { seen.without_shared_cache() } else { seen }
    }

    /// How a stack is built, and nothing that was measured of it.
    pub fn built(watch: &Watch) -> StackMap {
        let nothing = StackMap::seen(&Store::default(), 0);
        if watch.scene.cache_nodes == 0 { nothing.without_shared_cache() } else { nothing }
    }

    /// The same of a stack that has no shared cache tier: there is none to measure, which is no gap.
    fn without_shared_cache(mut self) -> StackMap {
        if let Some(cache) = self.layers.iter_mut().find(|l| l.id == "kv_cache") {
            (cache.rate, cache.queue, cache.fill, cache.state) = (None, None, None, State::Absent);
            cache.readings = vec![Reading { text: "no shared tier".to_string(), state: State::Absent }];
        }
        self
    }

    /// The map in words, one line for each layer: the same as the picture says.
    pub fn text(&self) -> String {
        let line = |l: &Layer| {
            if l.state == State::Absent {
                return format!("{:<13} {:<9} {}", l.title, l.state.word(), l.readings[0].text);
            }
            let rate = l.rate.map_or("rate -".to_string(), |r| format!("{}/s", short(r)));
            let fill = match (l.fill, l.fill_of) {
                (_, "") => String::new(),
                (Some(fill), of) => format!("; {of} {:.0} %", fill * 100.0),
                (None, of) => format!("; {of} no data"),
            };
            let queue = l.queue.map_or(String::new(), |q| format!("; {} in line", short(q)));
            let readings: Vec<String> = l.readings.iter().map(|r| r.text.clone()).collect();
            format!("{:<13} {:<9} {rate}; {}{fill}{queue}", l.title, l.state.word(), readings.join("; "))
        };
        self.layers.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

type Ask<'a> = &'a dyn Fn(&str) -> Option<f64>;
type Share<'a> = &'a dyn Fn(Option<f64>) -> Option<f64>;

fn percent(share: Option<f64>) -> Option<f64> {
    share.map(|s| s * 100.0)
}

fn clients(ask: Ask<'_>, arriving: Option<f64>, share: Share<'_>) -> Layer {
    let closed = share(ask("sum(rate(envoy_http_downstream_rq_rx_reset[1m]))"));
    let took = ask("histogram_quantile(0.95, sum by (le) (rate(envoy_http_downstream_rq_time_bucket[1m]))) / 1000");
    let mut sdk = layer("sdk", "SDK", arriving);
    sdk.readings =
        vec![reading("p95", took, " s", State::Steady), reading("left", percent(closed), "%", against(closed, ERRORS))];
    settled(sdk, &[])
}

fn network(ask: Ask<'_>, arriving: Option<f64>, share: Share<'_>) -> Layer {
    let open = ask("sum(envoy_http_downstream_cx_active)");
    let broken = share(ask(
        "sum(rate(envoy_listener_ssl_connection_error[1m])) + sum(rate(envoy_cluster_upstream_cx_connect_fail[1m]))",
    ));
    let mut network = layer("network", "NETWORK", arriving);
    network.readings = vec![
        reading("conns", open, "", State::Steady),
        reading("failed", percent(broken), "%", against(broken, ERRORS)),
    ];
    settled(network, &[])
}

fn gateways(ask: Ask<'_>, arriving: Option<f64>, share: Share<'_>) -> Layer {
    let failed = share(ask("sum(rate(envoy_http_downstream_rq_xx{envoy_response_code_class=~\"[45]\"}[1m]))"));
    let busy = ask("max(rate(api_loop_busy_seconds_total[1m]))");
    let inside = ask("sum(envoy_http_downstream_rq_active)");
    let mut api = layer("api", "API", arriving);
    (api.fill, api.fill_of, api.limit) = (busy.map(|b| b.min(1.0)), "loop thread", Some(FULL.0));
    api.readings = vec![
        reading("err", percent(failed), "%", against(failed, ERRORS)),
        reading("inside", inside, "", State::Steady),
    ];
    settled(api, &[against(busy, FULL)])
}

fn serving(gateways: Ask<'_>, ask: Ask<'_>) -> Layer {
    let first =
        ask("max(histogram_quantile(0.95, sum by (le, pool) (rate(vllm:time_to_first_token_seconds_bucket[1m]))))");
    let waiting = ask("sum(vllm:num_requests_waiting)");
    let worst_line = ask("max(vllm:num_requests_waiting)");
    let usage = ask("max(vllm:kv_cache_usage_perc)");
    let mut serving = layer("serving", "SERVING", gateways("sum(rate(envoy_cluster_upstream_rq_total[1m]))"));
    serving.queue = waiting;
    (serving.fill, serving.fill_of, serving.limit) = (usage, "KV blocks", Some(FULL.0));
    serving.readings = vec![
        reading("TTFT", first, " s", against(first, FIRST_TOKEN_S)),
        reading("queue", waiting, "", against(worst_line, IN_LINE)),
    ];
    settled(serving, &[])
}

fn accelerators(engines: Ask<'_>, ask: Ask<'_>) -> Layer {
    let busy = ask("avg(DCGM_FI_DEV_GPU_UTIL) / 100");
    let memory = ask("avg(DCGM_FI_PROF_DRAM_ACTIVE)");
    let started = engines("sum(rate(vllm:time_to_first_token_seconds_count[1m]))");
    let mut accelerator = layer("accelerator", "ACCELERATORS", started);
    (accelerator.fill, accelerator.fill_of) = (busy, "utilisation");
    accelerator.readings = vec![
        reading("util", percent(busy), "%", if busy.is_some() { State::Steady } else { State::Unknown }),
        reading("HBM", percent(memory), "%", if memory.is_some() { State::Steady } else { State::Unknown }),
    ];
    settled(accelerator, &[])
}

fn caches(ask: Ask<'_>) -> Layer {
    let used = ask("sum(kvcache_used_tokens) / sum(kvcache_capacity_tokens)");
    let asked = ask("sum(rate(kvcache_gets_total[1m]))");
    let mut cache = layer("kv_cache", "KV CACHE", asked);
    (cache.fill, cache.fill_of) = (used, "shared tier");
    let state = if used.is_some() { State::Steady } else { State::Unknown };
    cache.readings = vec![reading("tier", percent(used), "%", state), reading("gets", asked, "/s", state)];
    settled(cache, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_scraped_is_unknown_and_said_so() {
        let map = StackMap::seen(&Store::default(), 60_000);
        assert!(map.layers.iter().all(|l| l.state == State::Unknown), "{map:?}");
        assert_eq!(map.text().matches("no data").count(), 6 + 4, "{}", map.text());
    }

    #[test]
    fn numbers_have_three_digits_at_most() {
        for (value, text) in
            [(0.0, "0"), (0.123, "0.12"), (1.26, "1.3"), (37.2, "37"), (1720.0, "1.7k"), (57980.0, "58k")]
        {
            assert_eq!(short(value), text);
        }
    }
}
