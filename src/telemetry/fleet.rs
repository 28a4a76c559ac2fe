//! The fleet as its control planes tell it, in the shape of kubectl and nvidia-smi: pods, nodes, endpoints,
//! autoscalers, events, settings, the ring of the cache tier. From a survey and from facts that some control plane
//! would know; never from the truth.

mod describe; // one thing, at length
mod events; // what control planes noted
mod get; // tables
mod gpu; // accelerators
mod table; // columns, or JSON
mod verb; // from words to verbs

use crate::scenario::diagnostic::nearest;
use crate::sim::ids::ReplicaId;
use crate::sim::rng::mix;
use crate::sim::spec::action::Action;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::fact::{Fact, What};
use crate::sim::world::survey::{PodState, PoolState, Survey};
use crate::telemetry::changes::Change;
use crate::telemetry::scene::Scene;

pub use events::{Event, events};
pub use verb::{FleetVerb, HELP, Kind, Order, Output};

/// What is asked: the fleet at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Fleet<'a> {
    /// Names; refreshed from the same world.
    pub scene: &'a Scene,
    /// What control planes say at this moment.
    pub survey: &'a Survey,
    /// Facts up to this moment.
    pub facts: &'a [Fact],
    /// The change log up to this moment.
    pub changes: &'a [Change],
    /// This moment.
    pub now: SimTime,
}

/// A question that cannot be answered, or an order that cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", .suggestion.as_ref().map_or(String::new(), |s| format!("; did you mean \"{s}\"?")))]
pub struct FleetError {
    /// What is wrong, and the way out.
    pub message: String,
    /// The nearest that there is.
    pub suggestion: Option<String>,
}

impl FleetError {
    fn new(message: impl Into<String>) -> FleetError {
        FleetError { message: message.into(), suggestion: None }
    }

    /// A name that nothing bears; it says which there are, where they are few.
    fn unknown(kind: &str, name: &str, valid: &[String]) -> FleetError {
        let nearest = nearest(name, valid.iter().map(String::as_str)).map(str::to_string);
        let list = match valid.len() {
            0 => "; there is none".to_string(),
            1..=16 => format!("; there are: {}", valid.join(", ")),
            _ => String::new(),
        };
        FleetError { message: format!("{kind} \"{name}\" not found{list}"), suggestion: nearest }
    }
}

impl Fleet<'_> {
    /// Answers a question. Orders are not carried out here: see [`Fleet::to_action`].
    ///
    /// # Errors
    /// A name that does not exist, with the nearest that does.
    pub fn answer(&self, verb: &FleetVerb) -> Result<String, FleetError> {
        match verb {
            FleetVerb::Get { kind, name, namespace, output } => {
                self.get(*kind, name.as_deref(), namespace.as_deref(), *output)
            }
            FleetVerb::Describe { kind, name } => self.describe(*kind, name),
            FleetVerb::Top { nodes: true } => Ok(self.top_nodes()),
            FleetVerb::Top { nodes: false } => Ok(self.top_pods()),
            FleetVerb::RolloutHistory(service) => self.rollout_history(service),
            FleetVerb::RolloutStatus(service) => self.rollout_status(service.as_deref()),
            FleetVerb::Config(service) => self.config(service),
            FleetVerb::Ring => self.ring(),
            FleetVerb::Router(pool) => self.router(pool),
            FleetVerb::NvidiaSmi(target) => self.nvidia_smi(target),
            FleetVerb::Help => Ok(HELP.to_string()),
            FleetVerb::Order(_) => Err(FleetError::new("this is an order, not a question")),
        }
    }

    /// The action that an order stands for.
    ///
    /// # Errors
    /// An order that this fleet has no lever for, or a name that does not exist.
    pub fn to_action(&self, order: &Order) -> Result<Action, FleetError> {
        match order {
            Order::Scale { pool, replicas } => {
                Ok(Action::Scale { pool: self.pool(pool)?.name.clone(), replicas: *replicas })
            }
            Order::Drain(name) => {
                let (pool, place) = self.member(name)?;
                Ok(Action::Drain { pool, replica: place })
            }
            Order::Cordon(node) => {
                let (pool, place) = self.member(node)?;
                Ok(Action::Cordon { pool, replica: place })
            }
            Order::Uncordon(name) => {
                let of_node = self.survey.pools.iter().find(|pool| self.cordoned(pool).contains(name));
                let pool = of_node.map_or_else(|| self.pool(name), Ok)?;
                Ok(Action::Uncordon { pool: pool.name.clone() })
            }
            Order::DeletePod(name) if self.gateway(name).is_some() => Err(FleetError::new(format!(
                "{name} cannot be restarted by itself: `rollout restart gateway` restarts the gateways one after the other"
            ))),
            Order::DeletePod(name) => {
                let (pool, place) = self.member(name)?;
                Ok(Action::Restart { pool, replica: Some(place) })
            }
            Order::RolloutRestart(service) if service == "gateway" => Ok(Action::RestartGateways),
            Order::RolloutRestart(service) => {
                Ok(Action::Restart { pool: self.pool(service)?.name.clone(), replica: None })
            }
            Order::RolloutPause => Ok(Action::FreezeRollouts),
            Order::RolloutUndo(name) => Ok(Action::Rollback { change: self.change(name)?.id.clone() }),
        }
    }

    /// The last change of a service, or the change of an id.
    fn change(&self, name: &str) -> Result<&Change, FleetError> {
        let by_id = self.changes.iter().find(|c| c.id.eq_ignore_ascii_case(name));
        let latest = || self.changes.iter().filter(|c| c.service == name).max_by(|a, b| a.at_s.total_cmp(&b.at_s));
        by_id.or_else(latest).ok_or_else(|| {
            let mut known: Vec<String> = self.changes.iter().map(|c| c.service.clone()).collect();
            known.sort();
            known.dedup();
            FleetError::unknown("change of service", name, &known)
        })
    }

    /// Pool and place of a pod, or of the pod on a node.
    fn member(&self, name: &str) -> Result<(String, u16), FleetError> {
        let (pool, pod) = match self.find_pod(name) {
            Ok(found) => found,
            Err(error) => match self.pod_on(name) {
                Ok(pod) => self.find_pod(&pod)?,
                Err(_) => return Err(error),
            },
        };
        Ok((pool.name.clone(), pod.place as u16))
    }

    fn pool(&self, name: &str) -> Result<&PoolState, FleetError> {
        let known = || self.survey.pools.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
        self.survey.pools.iter().find(|p| p.name == name).ok_or_else(|| FleetError::unknown("pool", name, &known()))
    }

    fn gateway(&self, name: &str) -> Option<usize> {
        let number = name.strip_prefix("gateway-")?.parse::<usize>().ok()?;
        (number < self.survey.gateways.len()).then_some(number)
    }

    fn find_pod(&self, name: &str) -> Result<(&PoolState, &PodState), FleetError> {
        self.pods().find(|(pool, pod)| pod_name(pool, pod) == name).ok_or_else(|| {
            FleetError::unknown("pod", name, &self.pods().map(|(o, p)| pod_name(o, p)).collect::<Vec<_>>())
        })
    }

    /// The name of the serving pod on a node.
    fn pod_on(&self, node: &str) -> Result<String, FleetError> {
        let nodes = || self.pods().filter_map(|(_, pod)| pod.node).map(|n| self.scene.node(n)).collect::<Vec<_>>();
        let found = self.pods().find(|(_, pod)| pod.node.is_some_and(|n| self.scene.node(n) == node));
        found
            .map(|(pool, pod)| pod_name(pool, pod))
            .ok_or_else(|| FleetError::unknown("node with a serving pod", node, &nodes()))
    }

    fn pods(&self) -> impl Iterator<Item = (&PoolState, &PodState)> {
        self.survey.pools.iter().flat_map(|pool| pool.pods.iter().map(move |pod| (pool, pod)))
    }

    /// Names of a pool's machines that were taken out of service.
    fn cordoned(&self, pool: &PoolState) -> Vec<String> {
        pool.cordoned_nodes.iter().map(|n| self.scene.node(*n)).collect()
    }

    /// A replica's first sign of life after the world's beginning, if it came later.
    fn born(&self, replica: ReplicaId) -> Option<SimTime> {
        let of_it = |fact: &&Fact| {
            matches!(&fact.what, What::ReplicaStarting(_, r) | What::ReplicaPending(_, r) | What::ReplicaReady(_, r)
                | What::ReplicaDown(_, r, _) if *r == replica)
        };
        let first = self.facts.iter().find(of_it)?;
        let appeared = matches!(first.what, What::ReplicaStarting(..) | What::ReplicaPending(..));
        appeared.then_some(first.at)
    }

    /// Age of what was there before the world began: days that its name decides.
    fn old_age(&self, name: &str) -> SimDuration {
        let hash = name.bytes().fold(5, |hash, byte| mix(hash, u64::from(byte)));
        SimDuration::from_secs(86_400 * (3 + hash % 9) + hash % 80_000)
    }

    fn pod_age(&self, name: &str) -> SimDuration {
        let born = self.scene.replica(name).and_then(|replica| self.born(replica));
        born.map_or_else(|| self.old_age(name), |at| self.now.since(at))
    }
}

/// As in `agents-70b-3`.
fn pod_name(pool: &PoolState, pod: &PodState) -> String {
    format!("{}-{}", pool.name, pod.place)
}

/// An age as kubectl writes it: `42s`, `3m12s`, `5h`, `9d`.
fn age(span: SimDuration) -> String {
    let s = span.0 / 1_000_000_000;
    match s {
        0..=119 => format!("{s}s"),
        120..=599 if !s.is_multiple_of(60) => format!("{}m{}s", s / 60, s % 60),
        120..=10_799 => format!("{}m", s / 60),
        10_800..=172_799 => format!("{}h", s / 3600),
        _ => format!("{}d", s / 86_400),
    }
}
