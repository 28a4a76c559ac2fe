//! Alerts: the rules of the monitoring system, asked at intervals of what was scraped, and what they did.
//!
//! As in Prometheus a rule is tracked for each series that its expression gives: pending from the first evaluation that
//! has it, firing once it has been there at every evaluation for as long as the rule says. Series of one rule make one
//! alert, as a pager would group them. Which moments are asked does not depend on how time is advanced.
//!
//! # What wakes somebody
//!
//! Rules are PromQL in the stack (`monitoring.alerts`), asked from the opening on. The page of a case comes with the
//! first alert of severity `Page`, and its words are the file's. In the presets of whole cells a rule on what users get
//! (first token in time, answer to its end, over 2 and 10 minutes) stands before requests and errors at the gateways.
//! Tests `alerts` hold four files to one rule that is first in every variant, over seeds. Elsewhere the first may be
//! another in another variant: so the words of a page name what any of them brings, and which alerts fire is a look.
//! Nobody is paged without the causes, which the gate asks of every file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::labels::{Labels, NAME};
use crate::metrics::promql::{Query, Value};
use crate::metrics::store::Store;
use crate::sim::spec::SpecError;
use crate::sim::spec::stack::{AlertSpec, Severity};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::World;

/// Time between evaluations of the rules (Prometheus' default is a minute; teams that page on it set it lower).
pub const EVERY: SimDuration = SimDuration::from_secs(15);

/// The series that a monitoring system keeps of its own alerts: one while a rule is pending or fires, and since when, in
/// seconds of the clock of whoever asks.
pub const SERIES: [&str; 2] = ["ALERTS", "ALERTS_FOR_STATE"];

/// One firing of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The rule's name.
    pub name: String,
    /// Whom it wakes.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// The expression.
    pub expr: String,
    /// Id of a runbook.
    pub runbook: String,
    /// The series that it has fired for so far, in order; one without labels where the expression has none.
    pub series: Vec<Labels>,
    /// The expression began to hold.
    pub pending_since: SimTime,
    /// It fired.
    pub fired: SimTime,
    /// It was over; none while it fires.
    pub resolved: Option<SimTime>,
}

/// The rules of a stack and everything that they did so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AlertBook {
    rules: Vec<Rule>,
    first: SimTime,
    next: SimTime,
    history: Vec<Alert>,
}

/// A rule and the series for which its expression holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Rule {
    spec: AlertSpec,
    query: Query,
    zero_ms: i64,
    holding: BTreeMap<Labels, Holding>,
    /// Its place in the history while it fires.
    firing: Option<usize>,
}

/// Since when an expression holds for a series, and its value when it was last evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Holding {
    since: SimTime,
    value: f64,
}

/// A series for which a rule holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActiveAlert<'b> {
    /// The rule.
    pub rule: &'b AlertSpec,
    /// The series, without the metric's name.
    pub labels: &'b Labels,
    /// It began to hold.
    pub since: SimTime,
    /// What the expression gave when it was last evaluated.
    pub value: f64,
    /// It has held for as long as the rule wants; else it is pending.
    pub firing: bool,
}

impl AlertBook {
    /// The rules, first evaluated at `from`.
    ///
    /// # Errors
    /// The first rule whose expression is not PromQL.
    pub fn new(specs: &[AlertSpec], from: SimTime) -> Result<AlertBook, SpecError> {
        let rule = |(index, spec): (usize, &AlertSpec)| {
            let query = Query::parse(&spec.expr);
            let query = query.map_err(|e| SpecError::new(format!("monitoring.alerts.{index}.expr"), e.to_string()))?;
            Ok(Rule { spec: spec.clone(), query, zero_ms: 0, holding: BTreeMap::new(), firing: None })
        };
        let rules = specs.iter().enumerate().map(rule).collect::<Result<_, SpecError>>()?;
        Ok(AlertBook { rules, first: from, next: from, history: Vec::new() })
    }

    /// The same for a world whose beginning has a date, in milliseconds since 1970: rules may speak of hours.
    pub fn since(mut self, zero_ms: i64) -> AlertBook {
        for rule in &mut self.rules {
            rule.zero_ms = zero_ms;
            rule.query = rule.query.clone().since(zero_ms);
        }
        self
    }

    /// Evaluates the rules at every moment that is due up to and including `now`. The store holds what was scraped by
    /// then; what was scraped later does not matter.
    pub fn advance(&mut self, store: &Store, now: SimTime) {
        while self.next <= now {
            for rule in &mut self.rules {
                rule.evaluate(store, self.next, &mut self.history);
            }
            self.next += EVERY;
        }
    }

    /// Every firing so far, in the order in which they fired.
    pub fn history(&self) -> &[Alert] {
        &self.history
    }

    /// What fires at present, in the order in which it fired.
    pub fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.history.iter().filter(|alert| alert.resolved.is_none())
    }

    /// Rules whose expression holds but not yet for long enough, and since when.
    pub fn pending(&self) -> impl Iterator<Item = (&AlertSpec, SimTime)> {
        let waiting = self.rules.iter().filter(|rule| rule.firing.is_none());
        waiting.filter_map(|rule| Some((&rule.spec, rule.holding.values().map(|h| h.since).min()?)))
    }

    /// The rules, in the order of the stack.
    pub fn rules(&self) -> impl Iterator<Item = &AlertSpec> {
        self.rules.iter().map(|rule| &rule.spec)
    }

    /// Adds [`SERIES`] to what was scraped: a sample at each evaluation at which a rule was pending or fired. A rule that
    /// was pending and never fired is in them only while it is.
    pub fn add_series(&self, store: &mut Store, now: SimTime) {
        let last = SimTime(self.next.0.saturating_sub(EVERY.0)).min(now);
        let firings = self.history.iter().flat_map(|alert| {
            let end = alert.resolved.map_or(last, |at| SimTime(at.0.saturating_sub(EVERY.0)));
            let before = SimTime(alert.fired.0.saturating_sub(EVERY.0));
            let since = alert.pending_since;
            let stretches = [("pending", since, before, since), ("firing", alert.fired, end, since)];
            stretches.map(|stretch| (alert.name.as_str(), alert.severity, alert.series.as_slice(), stretch))
        });
        let pending = self.pending().map(|(spec, since)| {
            let none: &[Labels] = &[];
            (spec.name.as_str(), spec.severity, none, ("pending", since, last, since))
        });
        // In order of time, for a series of a rule that fires again goes on.
        let mut all: Vec<_> = firings.chain(pending).filter(|(.., (_, from, to, _))| from <= to).collect();
        all.sort_by_key(|(.., (_, from, ..))| *from);
        for (name, severity, of, (state, from, to, since)) in all {
            let severity = if severity == Severity::Page { "page" } else { "ticket" };
            let nothing = [Labels::default()];
            for labels in if of.is_empty() { nothing.as_slice() } else { of } {
                let named = |metric: &'static str, state: Option<&'static str>| {
                    let own = labels.pairs().map(|(label, value)| (label.to_string(), value.to_string()));
                    let more = [(NAME, metric), ("alertname", name), ("severity", severity)];
                    let more = more.into_iter().chain(state.map(|state| ("alertstate", state)));
                    let more = more.map(|(label, value)| (label.to_string(), value.to_string()));
                    Labels::new(own.chain(more).collect::<Vec<_>>())
                };
                let (alerts, for_state) = (named(SERIES[0], Some(state)), named(SERIES[1], None));
                let ids = (store.series(&alerts), store.series(&for_state));
                let mut at = from;
                while at <= to {
                    let at_ms = (at.0 / 1_000_000) as i64;
                    store.append(ids.0, at_ms, 1.0);
                    store.append(ids.1, at_ms, since.as_secs_f64());
                    at += EVERY;
                }
                store.end(ids.0, ((to + EVERY).0 / 1_000_000) as i64);
            }
        }
    }

    /// Every series for which a rule holds, rule by rule.
    pub fn active(&self) -> impl Iterator<Item = ActiveAlert<'_>> {
        let evaluated = self.evaluated();
        self.rules.iter().flat_map(move |rule| {
            rule.holding.iter().map(move |(labels, held)| {
                let firing = evaluated.is_some_and(|at| rule.spec.for_s <= at.since(held.since));
                ActiveAlert { rule: &rule.spec, labels, since: held.since, value: held.value, firing }
            })
        })
    }

    /// When the rules were last evaluated, if they were.
    pub fn evaluated(&self) -> Option<SimTime> {
        (self.first < self.next).then(|| SimTime(self.next.0 - EVERY.0))
    }

    /// The page of the incident: the first alert that woke somebody.
    pub fn page(&self) -> Option<&Alert> {
        self.history.iter().find(|alert| alert.severity == Severity::Page)
    }

    /// Lets a world go on, evaluation by evaluation, until somebody is paged; false if nobody is before its end. The
    /// world scrapes everything ([`World::scrape_everything`]).
    pub fn run_to_page(&mut self, world: &mut World) -> bool {
        self.run_to_page_and(world, |_, _| {})
    }

    /// The same, with a look after each evaluation.
    pub fn run_to_page_and(&mut self, world: &mut World, mut look: impl FnMut(&AlertBook, &World)) -> bool {
        let (_, end) = world.window();
        while self.page().is_none() && self.next <= end {
            world.advance_to(self.next);
            self.advance(world.scraped(), self.next);
            look(self, world);
        }
        self.page().is_some()
    }
}

impl Rule {
    fn evaluate(&mut self, store: &Store, at: SimTime, history: &mut Vec<Alert>) {
        let holding = holding(&self.query, store, (at.0 / 1_000_000) as i64 + self.zero_ms);
        self.holding.retain(|labels, _| holding.iter().any(|(held, _)| held == labels));
        for (labels, value) in holding {
            self.holding.entry(labels).or_insert(Holding { since: at, value }).value = value;
        }
        let for_long = |(_, held): &(&Labels, &Holding)| self.spec.for_s <= at.since(held.since);
        let firing: Vec<Labels> = self.holding.iter().filter(for_long).map(|(labels, _)| labels.clone()).collect();
        match self.firing {
            None if firing.is_empty() => {}
            None => {
                let since = self.holding.values().map(|held| held.since).min().unwrap_or(at);
                self.firing = Some(history.len());
                history.push(self.fire(firing, since, at));
            }
            Some(place) if firing.is_empty() => {
                history[place].resolved = Some(at);
                self.firing = None;
            }
            Some(place) => {
                let known = &mut history[place].series;
                known.extend(firing);
                known.sort();
                known.dedup();
            }
        }
    }

    fn fire(&self, series: Vec<Labels>, pending_since: SimTime, fired: SimTime) -> Alert {
        let AlertSpec { name, severity, summary, expr, runbook, .. } = self.spec.clone();
        Alert { name, severity, summary, expr, runbook, series, pending_since, fired, resolved: None }
    }
}

/// The series that an expression gives at a moment. One that cannot be evaluated gives none, as in Prometheus, where
/// such a rule is unwell and silent.
fn holding(query: &Query, store: &Store, at_ms: i64) -> Vec<(Labels, f64)> {
    match query.eval_at(store, at_ms) {
        Ok(Value::Vector(samples)) => {
            samples.into_iter().map(|sample| (sample.labels.without(&[NAME]), sample.value)).collect()
        }
        Ok(Value::Scalar(value)) => vec![(Labels::default(), value)],
        Ok(Value::Range(_) | Value::Text(_)) | Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(s)
    }

    fn book(for_s: u64) -> AlertBook {
        let spec = AlertSpec {
            name: "Long line".to_string(),
            expr: "waiting > 10".to_string(),
            for_s: SimDuration::from_secs(for_s),
            severity: Severity::Page,
            summary: String::new(),
            runbook: String::new(),
        };
        AlertBook::new(&[spec], SimTime::ZERO).expect("PromQL")
    }

    /// One sample for each 15 seconds, by pod.
    fn store(pods: &[(&str, &[f64])]) -> Store {
        let mut store = Store::default();
        for (pod, values) in pods {
            let id = store.series(&Labels::new([(NAME, "waiting"), ("pod", pod)]));
            for (place, value) in values.iter().enumerate() {
                store.append(id, place as i64 * 15_000, *value);
            }
        }
        store
    }

    #[test]
    fn it_fires_after_its_time_goes_when_it_is_over_and_comes_again() {
        let store = store(&[("a", &[0.0, 20.0, 20.0, 20.0, 0.0, 20.0, 0.0, 30.0, 30.0, 30.0])]);
        let mut book = book(30);
        book.advance(&store, seconds(30));
        assert_eq!((book.pending().count(), book.firing().count()), (1, 0));
        book.advance(&store, seconds(200));
        let moments: Vec<_> = book.history().iter().map(|a| (a.pending_since, a.fired, a.resolved)).collect();
        assert_eq!(
            moments,
            [(seconds(15), seconds(45), Some(seconds(60))), (seconds(105), seconds(135), None)],
            "a quarter of a minute in between is too short"
        );
    }

    #[test]
    fn series_of_a_rule_make_one_alert() {
        let store = store(&[("a", &[0.0, 20.0, 20.0, 0.0]), ("b", &[0.0, 0.0, 20.0, 20.0])]);
        let mut book = book(0);
        book.advance(&store, seconds(45));
        assert_eq!(book.history().len(), 1);
        let pods: Vec<&str> = book.history()[0].series.iter().map(|l| l.get("pod")).collect();
        assert_eq!(pods, ["a", "b"]);
        assert_eq!(book.page().map(|a| a.fired), Some(seconds(15)));
    }
}
