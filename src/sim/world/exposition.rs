//! What replicas, gateways and accelerators tell the monitoring system when they are scraped, under the names that
//! vLLM, Envoy and the DCGM exporter have for it.
//!
//! Control loops read scraped series, so the metrics that their queries name are scraped in every run. A run that is
//! asked for more (`World::scrape_everything`) scrapes all that `scartissue metrics` lists, and its event hash is the
//! same. Values are read off the components at the moment of the scrape.
//!
//! - A target that is down is `up 0`, and its series have ended: a gap, not a zero.
//! - Counters and histograms begin anew with each process. Machines' exporters go on when a replica's process dies.
//! - Queue and prefill time are counted from a request's first admission, vLLM's from the last: they part for one that
//!   was preempted before its first token.
//! - Activity of compute and memory is the share of time that the work would take if it were that alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::metrics::labels::{Labels, NAME};
use crate::metrics::store::{STALE, SeriesId, Store};
use crate::sim::time::SimDuration;
use crate::sim::world::World;
use crate::sim::world::families::{SCRAPE_TIME, TOKEN_GAPS, UP};
use crate::sim::world::state::Life;

pub use crate::sim::world::families::{Kind, Metric, metrics};

/// What is scraped, and under which labels.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Exposition {
    wanted: BTreeSet<String>,
    everything: bool,
    renamed: Vec<(String, String)>,
    #[serde(with = "by_name")]
    series: BTreeMap<SeriesKey, SeriesId>,
}

/// What is scraped. A board is scraped at its machine's exporter, which outlives the replica's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Target {
    Replica(usize),
    Board(usize),
    Gateway(usize),
    CacheNode(usize),
    /// The machine of a replica.
    Node(usize),
    Orchestrator,
    /// A client program, which reports in from wherever it runs.
    Client(usize),
}

impl Target {
    /// The label `job` of its series.
    fn job(self) -> &'static str {
        match self {
            Target::Replica(_) => "vllm",
            Target::Board(_) => "dcgm",
            Target::Gateway(_) => "gateway",
            Target::CacheNode(_) => "kv-cache",
            Target::Node(_) => "node",
            Target::Orchestrator => "kube-state-metrics",
            Target::Client(_) => "sdk",
        }
    }

    /// Its number among those of its job.
    fn number(self) -> u64 {
        match self {
            Target::Replica(index) | Target::Board(index) | Target::Gateway(index) => index as u64,
            Target::CacheNode(index) | Target::Node(index) | Target::Client(index) => index as u64,
            Target::Orchestrator => 0,
        }
    }
}

/// A series of a target: its family, and which of the family's series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeriesKey {
    pub target: Target,
    pub family: &'static str,
    pub part: usize,
}

/// Series in a file, where a family is its name; read again, it is one of those that there are.
mod by_name {
    use std::collections::BTreeMap;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use super::{SeriesId, SeriesKey, Target, metrics};

    pub(super) fn serialize<S: Serializer>(series: &BTreeMap<SeriesKey, SeriesId>, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(series.iter().map(|(key, id)| (key.target, key.family, key.part, id)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<SeriesKey, SeriesId>, D::Error> {
        let names: BTreeMap<&str, &'static str> = metrics().into_iter().map(|m| (m.name, m.name)).collect();
        let rows = Vec::<(Target, &str, usize, SeriesId)>::deserialize(d)?;
        let key = |(target, family, part, id)| {
            let family = names.get(family).ok_or_else(|| Error::custom(format!("no metric is called {family}")))?;
            Ok((SeriesKey { target, family, part }, id))
        };
        rows.into_iter().map(key).collect()
    }
}

impl Exposition {
    pub fn wants(&self, name: &str) -> bool {
        self.everything || self.wanted.contains(name)
    }

    /// Whether any series of a histogram is wanted.
    pub fn wants_histogram(&self, name: &str) -> bool {
        let of_it = |wanted: &String| wanted.strip_prefix(name).is_some_and(|part| part.starts_with('_'));
        self.everything || self.wanted.iter().any(of_it)
    }

    /// What a label is called at present.
    fn name_of(&self, label: &str) -> String {
        let renamed = self.renamed.iter().rev().find(|(from, _)| from == label);
        renamed.map_or(label.to_string(), |(_, to)| to.clone())
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
        self.observe_what_is_wanted();
    }

    /// From now on the metrics of this query are scraped too.
    pub(super) fn scrape_for(&mut self, query: &crate::metrics::promql::Query) {
        self.exposition.wanted.extend(query.metrics());
        self.observe_what_is_wanted();
    }

    /// What costs time to observe is observed only where somebody wants it.
    pub(super) fn observe_what_is_wanted(&mut self) {
        if self.exposition.wants_histogram(TOKEN_GAPS) {
            self.replicas.iter_mut().for_each(|replica| replica.engine.observe_gaps());
        }
    }

    /// Reads every target that answers; the series of those that do not have ended.
    pub(super) fn scrape(&mut self) {
        self.scrapes.begin();
        for index in 0..self.replicas.len() {
            let replica = &self.replicas[index];
            let (life, has_node) = (replica.life, replica.has_node);
            let exists = !matches!(life, Life::Pending | Life::Gone);
            let answers = matches!(life, Life::Up | Life::Draining);
            self.scrape_target(Target::Replica(index), exists, answers);
            self.scrape_target(Target::Board(index), has_node, has_node);
            self.scrape_target(Target::Node(index), has_node, has_node);
        }
        for index in 0..self.gateways.len() {
            self.scrape_target(Target::Gateway(index), true, self.gateways[index].up);
        }
        for node in 0..self.cache.as_ref().map_or(0, |cache| cache.links.len()) {
            let up = self.cache.as_ref().is_some_and(|cache| cache.tier.is_up(node));
            self.scrape_target(Target::CacheNode(node), true, up);
        }
        self.scrape_target(Target::Orchestrator, true, true);
        for index in 0..self.clients.len() {
            self.scrape_target(Target::Client(index), true, true);
        }
    }

    fn scrape_target(&mut self, target: Target, exists: bool, answers: bool) {
        if self.scrapes.is_lost(self.seed, target.job(), target.number()) {
            return;
        }
        let took = self.time_to_answer(target);
        let answers = answers
            && took <= self.scrapes.timeout
            && (self.scrapes.down.is_empty() || !self.scrapes.is_down(target.job(), &self.pod_of(target)));
        match target {
            _ if !answers => self.end_series_of(target, exists),
            Target::Replica(index) => self.scrape_replica(index),
            Target::Board(index) => self.scrape_board(index),
            Target::Gateway(index) => self.scrape_gateway(index),
            Target::CacheNode(node) => self.scrape_cache_node(node),
            Target::Node(index) => self.scrape_node(index),
            Target::Orchestrator => self.scrape_orchestrator(),
            Target::Client(index) => self.scrape_client(index),
        }
        if exists && self.exposition.wants(UP) {
            self.sample(SeriesKey { target, family: UP, part: 0 }, UP, &[], f64::from(u8::from(answers)));
        }
        if exists && self.exposition.wants(SCRAPE_TIME) {
            let took_s = took.min(self.scrapes.timeout).as_secs_f64();
            self.sample(SeriesKey { target, family: SCRAPE_TIME, part: 0 }, SCRAPE_TIME, &[], took_s);
        }
    }

    /// How long a target takes to answer: there and back, and as long as whoever answers has other things to do first.
    fn time_to_answer(&self, target: Target) -> SimDuration {
        let one_way = self.network.serving.path_of(target.number()).map_or(SimDuration::ZERO, |path| path.latency);
        let way = (one_way + self.network.added_latency[1]).mul_f64(2.0);
        way + match target {
            Target::Replica(index) => {
                let replica = &self.replicas[index];
                let behind_tokenizer = self.pools[replica.pool.index()].spec.router.probe_behind_tokenizer;
                replica.wait_for_answer(self.now, behind_tokenizer)
            }
            Target::Gateway(index) => self.gateways[index].loop_thread.lag(self.now),
            _ => SimDuration::ZERO,
        }
    }

    /// The label `pod` of a target's series.
    pub(super) fn pod_of(&self, target: Target) -> String {
        match target {
            Target::Replica(index) | Target::Board(index) => {
                let replica = &self.replicas[index];
                format!("{}-{}", self.pools[replica.pool.index()].spec.name, replica.place)
            }
            Target::Gateway(index) => format!("gateway-{index}"),
            Target::CacheNode(node) => format!("kv-cache-{node}"),
            Target::Node(index) => format!("node-exporter-{index}"),
            Target::Orchestrator => "kube-state-metrics-0".to_string(),
            Target::Client(index) => self.clients[index].name.clone(),
        }
    }

    /// Stores a value of a target's series, which begins if this is the first.
    pub(super) fn sample(&mut self, key: SeriesKey, name: &str, labels: &[(&str, &str)], value: f64) {
        let known = self.exposition.series.get(&key).copied();
        let id = known.unwrap_or_else(|| self.new_series(key, name, labels));
        self.scrapes.send(&mut self.scraped, self.now, id, value);
    }

    /// The series of a target that does not answer have ended; whether it is up is still said while it exists.
    fn end_series_of(&mut self, target: Target, exists: bool) {
        let first = SeriesKey { target, family: "", part: 0 };
        let of_it = self.exposition.series.range(first..).take_while(|(key, _)| key.target == target);
        let over = of_it.filter(|(key, _)| !exists || (key.family != UP && key.family != SCRAPE_TIME));
        over.for_each(|(_, id)| self.scrapes.send(&mut self.scraped, self.now, *id, f64::from_bits(STALE)));
    }

    /// The series of a target have ended but for those that it has just said something of, and what is said of itself.
    pub(super) fn end_series_but(&mut self, target: Target, said: &BTreeSet<SeriesKey>) {
        let first = SeriesKey { target, family: "", part: 0 };
        let of_it = self.exposition.series.range(first..).take_while(|(key, _)| key.target == target);
        let over = of_it.filter(|(key, _)| !said.contains(key) && key.family != UP && key.family != SCRAPE_TIME);
        over.for_each(|(_, id)| self.scrapes.send(&mut self.scraped, self.now, *id, f64::from_bits(STALE)));
    }

    fn new_series(&mut self, key: SeriesKey, name: &str, labels: &[(&str, &str)]) -> SeriesId {
        let (job, pod) = (key.target.job().to_string(), self.pod_of(key.target));
        let mut pairs = vec![(NAME, name.to_string()), ("job", job), ("pod", pod)];
        if let Target::Replica(index) = key.target {
            let pool = &self.pools[self.replicas[index].pool.index()].spec;
            pairs.extend([("pool", pool.name.clone()), ("model_name", pool.model.clone())]);
        }
        pairs.extend(labels.iter().map(|(label, value)| (*label, value.to_string())));
        let named = pairs.into_iter().map(|(label, value)| (self.exposition.name_of(label), value));
        let id = self.scraped.series(&Labels::new(named.collect::<Vec<_>>()));
        self.exposition.series.insert(key, id);
        id
    }

    /// A label goes by another name from the next scrape on; the series of the old name have ended.
    pub(super) fn rename_scraped_label(&mut self, from: &str, to: &str) {
        let ended = std::mem::take(&mut self.exposition.series);
        ended.into_values().for_each(|id| self.scrapes.send(&mut self.scraped, self.now, id, f64::from_bits(STALE)));
        self.exposition.renamed.retain(|(old, new)| old != to || new != from);
        if !self.exposition.renamed.iter().any(|(old, new)| old == from && new == to) {
            self.exposition.renamed.push((from.to_string(), to.to_string()));
        }
    }
}
