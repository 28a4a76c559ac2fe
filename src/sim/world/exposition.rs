//! What replicas tell the monitoring system when they are scraped, under the names that vLLM has for it.
//!
//! Only what the control loops ask for is scraped, unless everything is wanted; the values are read off the components
//! at that moment.

use std::collections::{BTreeMap, BTreeSet};

use crate::metrics::labels::{Labels, NAME};
use crate::metrics::store::{SeriesId, Store};
use crate::sim::serving::engine::EngineCounts;
use crate::sim::world::World;
use crate::sim::world::request_times::HISTOGRAMS;
use crate::sim::world::state::{Life, Replica};

/// A family of series, one for each replica.
struct Family {
    name: &'static str,
    read: fn(&Replica, &EngineCounts) -> f64,
}

/// What a replica of vLLM v1 exposes, as far as the engine has the quantity. Counters begin anew with the process.
const FAMILIES: [Family; 11] = [
    Family { name: "vllm:num_requests_running", read: |r, _| f64::from(r.engine.running()) },
    Family { name: "vllm:num_requests_waiting", read: |r, _| f64::from(r.engine.waiting()) },
    Family { name: "vllm:kv_cache_usage_perc", read: |r, _| r.engine.kv_usage() },
    Family { name: "vllm:num_preemptions_total", read: |_, c| c.preemptions as f64 },
    Family { name: "vllm:prompt_tokens_total", read: |_, c| c.queried_tokens as f64 },
    Family { name: "vllm:generation_tokens_total", read: |_, c| c.generated_tokens as f64 },
    Family { name: "vllm:prefix_cache_queries_total", read: |_, c| c.queried_tokens as f64 },
    Family { name: "vllm:prefix_cache_hits_total", read: |_, c| c.hit_tokens as f64 },
    Family { name: "vllm:external_prefix_cache_queries_total", read: |_, c| c.external_queried_tokens as f64 },
    Family {
        name: "vllm:external_prefix_cache_hits_total",
        read: |_, c| (c.host_hit_tokens + c.shared_hit_tokens) as f64,
    },
    Family { name: "vllm:request_success_total", read: |_, c| c.finished as f64 },
];

/// What is scraped, and under which labels.
#[derive(Default)]
pub(super) struct Exposition {
    wanted: BTreeSet<String>,
    everything: bool,
    renamed: Vec<(String, String)>,
    series: BTreeMap<SeriesKey, SeriesId>,
}

/// A series of a replica: the replica, its family, and which of the family's series.
type SeriesKey = (usize, usize, usize);

impl Exposition {
    fn wants(&self, name: &str) -> bool {
        self.everything || self.wanted.contains(name)
    }
}

impl World {
    /// What has been scraped so far.
    pub fn scraped(&self) -> &Store {
        &self.scraped
    }

    /// From now on every family is scraped, not only those that control loops ask for. Nothing happens otherwise for
    /// it: the event hash stays what it was.
    pub fn scrape_everything(&mut self) {
        self.exposition.everything = true;
    }

    /// From now on the metrics of this query are scraped too.
    pub(super) fn scrape_for(&mut self, query: &crate::metrics::promql::Query) {
        self.exposition.wanted.extend(query.metrics());
    }

    /// Reads every replica that serves; the series of those that do not have ended.
    pub(super) fn scrape(&mut self) {
        for index in 0..self.replicas.len() {
            if matches!(self.replicas[index].life, Life::Up | Life::Draining) {
                self.scrape_gauges_and_counters(index);
                self.scrape_histograms(index);
            } else {
                self.end_series_of(index);
            }
        }
    }

    fn scrape_gauges_and_counters(&mut self, index: usize) {
        let replica = &self.replicas[index];
        let counts = replica.engine.counts_at(self.now).since(&replica.counts_before);
        for (number, family) in FAMILIES.iter().enumerate() {
            if self.exposition.wants(family.name) {
                let value = (family.read)(&self.replicas[index], &counts);
                self.sample((index, number, 0), family.name, None, value);
            }
        }
    }

    fn scrape_histograms(&mut self, index: usize) {
        for (number, family) in HISTOGRAMS.iter().enumerate() {
            let names = ["bucket", "count", "sum"].map(|part| format!("{}_{part}", family.name));
            if !names.iter().any(|name| self.exposition.wants(name)) {
                continue;
            }
            let [bucket, count, sum] = names;
            let number = FAMILIES.len() + number;
            let histogram = (family.read)(&self.replicas[index].request_times);
            let values = [(&count, histogram.count() as f64), (&sum, histogram.sum())];
            let buckets: Vec<(String, u64)> = histogram.buckets().collect();
            for (part, (name, value)) in values.into_iter().enumerate() {
                self.sample((index, number, part), name, None, value);
            }
            for (place, (edge, under)) in buckets.into_iter().enumerate() {
                self.sample((index, number, 2 + place), &bucket, Some(&edge), under as f64);
            }
        }
    }

    /// Stores a value of a replica's series, which begins if this is the first.
    fn sample(&mut self, key: SeriesKey, name: &str, edge: Option<&str>, value: f64) {
        let t_ms = (self.now.0 / 1_000_000) as i64;
        let known = self.exposition.series.get(&key).copied();
        let id = known.unwrap_or_else(|| self.new_series(key, name, edge));
        self.scraped.append(id, t_ms, value);
    }

    fn end_series_of(&mut self, replica: usize) {
        let t_ms = (self.now.0 / 1_000_000) as i64;
        let of_it = (replica, 0, 0)..(replica + 1, 0, 0);
        self.exposition.series.range(of_it).for_each(|(_, id)| self.scraped.end(*id, t_ms));
    }

    fn new_series(&mut self, key: SeriesKey, name: &str, edge: Option<&str>) -> SeriesId {
        let state = &self.replicas[key.0];
        let pool = &self.pools[state.pool.index()].spec;
        let pod = format!("{}-{}", pool.name, state.place);
        let rename = |label: &str| {
            let renamed = self.exposition.renamed.iter().rev().find(|(from, _)| from == label);
            renamed.map_or(label.to_string(), |(_, to)| to.clone())
        };
        let labels = Labels::new([
            (NAME.to_string(), name.to_string()),
            (rename("job"), "vllm".to_string()),
            (rename("pool"), pool.name.clone()),
            (rename("pod"), pod),
            (rename("model_name"), pool.model.clone()),
            ("le".to_string(), edge.unwrap_or_default().to_string()),
        ]);
        let id = self.scraped.series(&labels);
        self.exposition.series.insert(key, id);
        id
    }

    /// A label goes by another name from the next scrape on; the series of the old name have ended.
    pub(super) fn rename_scraped_label(&mut self, from: &str, to: &str) {
        let t_ms = (self.now.0 / 1_000_000) as i64;
        let ended = std::mem::take(&mut self.exposition.series);
        ended.into_values().for_each(|id| self.scraped.end(id, t_ms));
        self.exposition.renamed.retain(|(old, new)| old != to || new != from);
        if !self.exposition.renamed.iter().any(|(old, new)| old == from && new == to) {
            self.exposition.renamed.push((from.to_string(), to.to_string()));
        }
    }
}
