//! Exemplars: of what a histogram's buckets count, requests whose traces were kept, the latest of each scrape.

use std::collections::BTreeMap;

use crate::metrics::labels::{Labels, NAME};
use crate::metrics::promql::Query;
use crate::metrics::store::{SeriesId, Store};
use crate::sim::time::SimTime;
use crate::telemetry::spans::Span;
use crate::telemetry::watch::Watch;

/// A request that a bucket counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Its trace.
    pub trace: String,
    /// What was observed of it, in the histogram's unit.
    pub value: f64,
    /// When.
    pub at: SimTime,
}

/// Exemplars of the bucket series that a query selects, between two moments, in order of labels and time. Spans have been
/// read ([`Watch::read_books`]); histograms of which no span tells have none.
pub fn exemplars(watch: &Watch, query: &Query, from: SimTime, to: SimTime) -> Vec<(Labels, Vec<Exemplar>)> {
    let store = watch.world.scraped();
    let mut found = Vec::new();
    let mut observed: BTreeMap<&str, Vec<Observed<'_>>> = BTreeMap::new();
    for id in query.selected(store) {
        let labels = store.labels(id);
        let Some(family) = labels.get(NAME).strip_suffix("_bucket") else { continue };
        let Some((family, read)) = READERS.iter().find(|(name, _)| *name == family) else { continue };
        let of_family = observed.entry(family).or_insert_with(|| read(watch.spans.spans()));
        let Some((above, upto)) = bucket(store, id) else { continue };
        let is_of = |o: &&Observed<'_>| {
            (above < o.value && o.value <= upto) && o.labels.iter().all(|own| labels.pairs().any(|(_, v)| v == *own))
        };
        let mut latest: BTreeMap<i64, Exemplar> = BTreeMap::new();
        let scrapes: Vec<i64> = store.points(id).map(|point| point.t_ms).collect();
        for o in of_family.iter().filter(is_of).filter(|o| from <= o.at && o.at <= to) {
            let next = scrapes.partition_point(|t_ms| *t_ms < (o.at.0 / 1_000_000) as i64);
            let Some(scrape) = scrapes.get(next) else { continue };
            let exemplar = Exemplar { trace: o.trace.to_string(), value: o.value, at: o.at };
            let kept = latest.entry(*scrape).or_insert_with(|| exemplar.clone());
            if kept.at <= o.at {
                *kept = exemplar;
            }
        }
        if !latest.is_empty() {
            found.push((labels.clone(), latest.into_values().collect()));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// What a histogram observed of a request, and values of labels of the series that counted it.
struct Observed<'s> {
    trace: &'s str,
    value: f64,
    at: SimTime,
    labels: Vec<&'s str>,
}

type Reader = fn(&[Span]) -> Vec<Observed<'_>>;

/// How observations are read off spans, by the histogram's name.
const READERS: [(&str, Reader); 3] = [
    ("envoy_http_downstream_rq_time", front_times),
    ("envoy_cluster_upstream_rq_time", cluster_times),
    ("vllm:time_to_first_token_seconds", first_tokens),
];

fn front_times(spans: &[Span]) -> Vec<Observed<'_>> {
    let whole = spans.iter().filter(|span| span.parent.is_none());
    whole.map(|span| observed(span, span.duration.as_secs_f64() * 1000.0, vec![&span.pod])).collect()
}

fn cluster_times(spans: &[Span]) -> Vec<Observed<'_>> {
    // Who was given up on is not observed when it ends.
    let heard = spans.iter().filter(|span| span.attribute("upstream.abandoned") != Some("true"));
    let calls = heard.filter_map(|span| Some((span, span.attribute("upstream.cluster")?)));
    calls
        .map(|(span, cluster)| observed(span, span.duration.as_secs_f64() * 1000.0, vec![&span.pod, cluster]))
        .collect()
}

/// From arrival at the replica to the end of what comes before the first token.
fn first_tokens(spans: &[Span]) -> Vec<Observed<'_>> {
    let arrived: BTreeMap<(&str, Option<&str>), SimTime> = (spans.iter())
        .filter(|span| span.name == "tokenize")
        .map(|span| ((span.trace.as_str(), span.parent.as_deref()), span.start))
        .collect();
    // A decode follows exactly where there was a first token.
    let decodes = spans.iter().filter(|span| span.name == "decode");
    decodes
        .filter_map(|span| {
            let from = arrived.get(&(span.trace.as_str(), span.parent.as_deref()))?;
            let value = span.start.since(*from).as_secs_f64();
            Some(Observed { trace: &span.trace, value, at: span.start, labels: vec![&span.pod] })
        })
        .collect()
}

fn observed<'s>(span: &'s Span, value: f64, labels: Vec<&'s str>) -> Observed<'s> {
    Observed { trace: &span.trace, value, at: span.end(), labels }
}

/// The edges of a bucket: that of the next lower one of the same histogram, and its own.
fn bucket(store: &Store, id: SeriesId) -> Option<(f64, f64)> {
    const EDGE: &str = "le";
    let labels = store.labels(id);
    let own: f64 = labels.get(EDGE).parse().ok()?;
    let same = labels.without(&[EDGE]);
    let of_it = store.select(Some(labels.get(NAME)), |other| other.without(&[EDGE]) == same);
    let edges = of_it.iter().filter_map(|id| store.labels(*id).get(EDGE).parse::<f64>().ok());
    Some((edges.filter(|edge| *edge < own).fold(f64::NEG_INFINITY, f64::max), own))
}
