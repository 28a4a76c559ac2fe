//! What replicas tell the monitoring system when they are scraped, under the names that vLLM has for it.
//!
//! Only what the control loops ask for is scraped, unless everything is wanted; the values are read off the components
//! at that moment.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::metrics::labels::{Labels, NAME};
use crate::metrics::store::{SeriesId, Store};
use crate::sim::serving::engine::EngineCounts;
use crate::sim::world::World;
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
    series: FxHashMap<(usize, usize), SeriesId>,
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
        let t_ms = (self.now.0 / 1_000_000) as i64;
        for (number, family) in FAMILIES.iter().enumerate() {
            if !self.exposition.everything && !self.exposition.wanted.contains(family.name) {
                continue;
            }
            for index in 0..self.replicas.len() {
                let serves = matches!(self.replicas[index].life, Life::Up | Life::Draining);
                let known = self.exposition.series.get(&(number, index)).copied();
                match known {
                    Some(id) if !serves => self.scraped.end(id, t_ms),
                    None if !serves => {}
                    _ => {
                        let id = known.unwrap_or_else(|| self.new_series(number, index));
                        let replica = &self.replicas[index];
                        let counts = replica.engine.counts_at(self.now).since(&replica.counts_before);
                        self.scraped.append(id, t_ms, (family.read)(replica, &counts));
                    }
                }
            }
        }
    }

    fn new_series(&mut self, family: usize, replica: usize) -> SeriesId {
        let state = &self.replicas[replica];
        let pool = &self.pools[state.pool.index()].spec;
        let pod = format!("{}-{}", pool.name, state.place);
        let rename = |label: &str| {
            let renamed = self.exposition.renamed.iter().rev().find(|(from, _)| from == label);
            renamed.map_or(label.to_string(), |(_, to)| to.clone())
        };
        let labels = Labels::new([
            (NAME.to_string(), FAMILIES[family].name.to_string()),
            (rename("job"), "vllm".to_string()),
            (rename("pool"), pool.name.clone()),
            (rename("pod"), pod),
            (rename("model_name"), pool.model.clone()),
        ]);
        let id = self.scraped.series(&labels);
        self.exposition.series.insert((family, replica), id);
        id
    }

    /// A label goes by another name from the next scrape on; the series of the old name have ended.
    pub(super) fn rename_scraped_label(&mut self, from: &str, to: &str) {
        let t_ms = (self.now.0 / 1_000_000) as i64;
        let mut ended: Vec<SeriesId> = self.exposition.series.drain().map(|(_, id)| id).collect();
        ended.sort_unstable();
        ended.into_iter().for_each(|id| self.scraped.end(id, t_ms));
        self.exposition.renamed.retain(|(old, new)| old != to || new != from);
        if !self.exposition.renamed.iter().any(|(old, new)| old == from && new == to) {
            self.exposition.renamed.push((from.to_string(), to.to_string()));
        }
    }
}
