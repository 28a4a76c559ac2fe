//! What schedulers, kubelets, kernels, autoscalers, routers and the cache tier's controller and agents write.

use std::collections::BTreeMap;

use crate::sim::ids::{CacheNodeId, ReplicaId};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::World;
use crate::sim::world::fact::{Fact, What, Why};
use crate::telemetry::logs::{Desk, Level, LogLine, PCI_BUS, SERVING_IMAGE, took};
use crate::telemetry::scene::Scene;

/// The cache controller misses an agent after two of its rounds.
const MISSED_AFTER: SimDuration = SimDuration::from_secs(4);
/// From the order to start a pod to what its kubelet says of it.
const PULLING_AFTER: SimDuration = SimDuration::from_millis(900);
const STARTED_AFTER: SimDuration = SimDuration::from_millis(3200);
/// What those processes remember.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    /// Replicas whose process ended on a machine that they keep.
    restarting: BTreeMap<ReplicaId, u32>,
    silent: BTreeMap<CacheNodeId, SimTime>,
    epoch: u32,
}

impl Cluster {
    /// Writes the lines that follow from a fact. What only the author of an incident knows follows in none.
    pub(super) fn note(&mut self, desk: &mut Desk, scene: &Scene, world: &World, fact: &Fact) {
        let at = fact.at;
        let mut say = |after: SimDuration, service, pod: String, level, body: String| {
            desk.write(LogLine::new(at + after, service, pod, level, body));
        };
        const NOW: SimDuration = SimDuration::ZERO;
        use Level::{Error, Info, Warn};
        match &fact.what {
            What::ReplicaPending(_, replica) => {
                let pod = scene.pod(*replica);
                let body = format!(
                    "FailedScheduling pod/{pod}: 0 nodes are available: Insufficient nvidia.com/gpu; preemption is not helpful"
                );
                say(NOW, "scheduler", "scheduler-0".to_string(), Warn, body);
            }
            What::ReplicaStarting(_, replica) => self.starting(desk, scene, at, *replica),
            What::ReplicaReady(_, replica) => {
                let (pod, node) = (scene.pod(*replica), scene.node(replica.index()));
                say(NOW, "serving", pod.clone(), Info, "Weights loaded; serving on 0.0.0.0:8000".to_string());
                say(NOW, "kubelet", node, Info, format!("pod/{pod}: startup probe succeeded"));
            }
            What::ReplicaDown(_, replica, why) => self.down(desk, scene, world, at, *replica, *why),
            What::GatewayKilled(gateway) => {
                let pod = scene.gateway(*gateway);
                let node = format!("api-node-{:03}", gateway.0);
                say(
                    NOW,
                    "kernel",
                    node.clone(),
                    Error,
                    format!("Memory cgroup out of memory: Killed process 1 (gateway) of pod {pod}"),
                );
                say(
                    NOW,
                    "kubelet",
                    node,
                    Warn,
                    format!("OOMKilling pod/{pod}: container gateway exited with code 137 (OOMKilled)"),
                );
            }
            What::GatewayStopped(gateway) => {
                let pod = scene.gateway(*gateway);
                say(NOW, "gateway", pod.clone(), Info, "SIGTERM received, closing listeners".to_string());
                say(
                    NOW,
                    "kubelet",
                    format!("api-node-{:03}", gateway.0),
                    Info,
                    format!("Killing pod/{pod}: stopping container gateway"),
                );
            }
            What::GatewayUp(gateway) => {
                let pod = scene.gateway(*gateway);
                say(NOW, "gateway", pod.clone(), Info, "listening on 0.0.0.0:8443".to_string());
                say(
                    NOW,
                    "kubelet",
                    format!("api-node-{:03}", gateway.0),
                    Info,
                    format!("Started pod/{pod}: container gateway"),
                );
            }
            What::Endpoint(pool, replica, ready) => {
                let (pool, pod) = (&scene.pools[pool.index()].0, scene.pod(*replica));
                let (level, what) = if *ready { (Info, "joined") } else { (Warn, "left") };
                say(
                    NOW,
                    "router",
                    format!("router-{pool}"),
                    level,
                    format!("endpoint {pod} {what} the ready set of {pool}"),
                );
            }
            What::GatewayEndpoint(gateway, ready) => {
                let (level, what) = if *ready { (Info, "joined") } else { (Warn, "left") };
                let body = format!("backend {} {what} the healthy set", scene.gateway(*gateway));
                say(NOW, "edge", "edge-lb-0".to_string(), level, body);
            }
            What::Autoscaled(pool, from, to) => {
                let pool = &scene.pools[pool.index()].0;
                let side = if from < to { "above" } else { "below" };
                let body = format!("SuccessfulRescale hpa/{pool}: {from} -> {to} replicas; metric {side} target");
                say(NOW, "autoscaler", "autoscaler-0".to_string(), Info, body);
            }
            What::AutoscalerBlind(pool) => {
                let pool = &scene.pools[pool.index()].0;
                let body =
                    format!("FailedGetExternalMetric hpa/{pool}: query returned no data; replicas left as they are");
                say(NOW, "autoscaler", "autoscaler-0".to_string(), Warn, body);
            }
            What::AgentSilent(node) => {
                self.silent.insert(*node, at);
                let pod = scene.cache_node(node.index());
                say(
                    NOW,
                    "kv-cache",
                    pod.clone(),
                    Info,
                    "kv-agent: SIGTERM received, exiting; block server stays up".to_string(),
                );
                say(MISSED_AFTER, "kv-cache", CONTROLLER.to_string(), Warn, missed(&pod));
            }
            What::AgentBack(node) => {
                let pod = scene.cache_node(node.index());
                say(
                    NOW,
                    "kv-cache",
                    pod.clone(),
                    Info,
                    "kv-agent: started, heartbeat to controller resumed".to_string(),
                );
                if let Some(since) = self.silent.remove(node) {
                    let body = format!("heartbeat of {pod} is back after {}", took(at.since(since)));
                    say(NOW, "kv-cache", CONTROLLER.to_string(), Info, body);
                } else {
                    let body = format!("{pod} is heard again; it is no member any more and joins the spares");
                    say(NOW, "kv-cache", CONTROLLER.to_string(), Info, body);
                }
                withdraw(desk, at, &pod);
            }
            What::NodeReplaced(node) => {
                self.epoch += 1;
                let pod = scene.cache_node(node.index());
                let silent = self.silent.remove(node).map_or(NOW, |since| at.since(since));
                let body = format!(
                    "{pod} silent for {}, beyond grace: member replaced by spare, ring epoch {}",
                    took(silent),
                    self.epoch
                );
                say(NOW, "kv-cache", CONTROLLER.to_string(), Warn, body);
                say(NOW, "kv-cache", pod.clone(), Info, "block server: started on spare, 0 blocks".to_string());
                withdraw(desk, at, &pod);
            }
            What::NodeRestored(node) => {
                self.epoch += 1;
                let pod = scene.cache_node(node.index());
                let body = format!("{pod}: first machine is a member again with its blocks, ring epoch {}", self.epoch);
                say(NOW, "kv-cache", CONTROLLER.to_string(), Info, body);
            }
            _ => {}
        }
    }

    fn starting(&mut self, desk: &mut Desk, scene: &Scene, at: SimTime, replica: ReplicaId) {
        let (pod, node) = (scene.pod(replica), scene.node(replica.index()));
        let mut say = |after, service, by: String, body| {
            desk.write(LogLine::new(at + after, service, by, Level::Info, body));
        };
        let Some(times) = self.restarting.get(&replica) else {
            let body = format!("Scheduled pod/{pod} to node/{node}");
            say(SimDuration::ZERO, "scheduler", "scheduler-0".to_string(), body);
            say(PULLING_AFTER, "kubelet", node.clone(), format!("Pulling pod/{pod}: image {SERVING_IMAGE}"));
            say(STARTED_AFTER, "kubelet", node, format!("Started pod/{pod}: container vllm"));
            return;
        };
        say(PULLING_AFTER, "kubelet", node, format!("Started pod/{pod}: container vllm (restart {times})"));
    }

    fn down(&mut self, desk: &mut Desk, scene: &Scene, world: &World, at: SimTime, replica: ReplicaId, why: Why) {
        let (pod, node) = (scene.pod(replica), scene.node(replica.index()));
        desk.take_back(at, |line| line.service == "kubelet" && line.body.contains(&format!("pod/{pod}:")));
        let mut say = |service, by: &str, level, body: String| {
            desk.write(LogLine::new(at, service, by.to_string(), level, body));
        };
        let left = |code: u8| format!("pod/{pod}: container vllm exited with code {code} (Error)");
        match why {
            Why::Crashed => say("kubelet", &node, Level::Error, left(139)),
            Why::OutOfMemory => {
                let body = format!("pod/{pod}: container vllm was OOMKilled (exit code 137), memory limit reached");
                say("kubelet", &node, Level::Error, body);
            }
            Why::Watchdog => {
                say(
                    "serving",
                    &pod,
                    Level::Error,
                    "NCCL watchdog: collective ALLREDUCE was not joined by every rank in time; aborting the process group\n\
                     RuntimeError: process group is in error state, engine core stops"
                        .to_string(),
                );
                say("kubelet", &node, Level::Error, left(134));
            }
            Why::GpuLost => {
                let (rank, code) = world.xid(replica).unwrap_or((0, 79));
                let bus = PCI_BUS[rank % PCI_BUS.len()];
                let text = format!("NVRM: Xid (PCI:0000:{bus}:00): {code}, pid=1, GPU has fallen off the bus.");
                say("kernel", &node, Level::Error, text);
                say(
                    "serving",
                    &pod,
                    Level::Error,
                    format!("worker rank {rank} died: CUDA error: device is lost; engine core stops"),
                );
                say(
                    "kubelet",
                    &node,
                    Level::Error,
                    format!("{}; node {node} has fewer nvidia.com/gpu than before", left(1)),
                );
            }
            Why::Restarted | Why::Removed => {
                say("kubelet", &node, Level::Info, format!("Killing pod/{pod}: stopping container vllm"));
                say("serving", &pod, Level::Info, "SIGTERM received, shutting down".to_string());
            }
        }
        match why {
            Why::Removed | Why::GpuLost => drop(self.restarting.remove(&replica)),
            _ => *self.restarting.entry(replica).or_default() += 1,
        }
    }
}

const CONTROLLER: &str = "kv-controller-0";

fn missed(pod: &str) -> String {
    format!("no heartbeat from {pod} for {}", took(MISSED_AFTER))
}

/// What the controller would have said of an agent's silence, had it lasted.
fn withdraw(desk: &mut Desk, at: SimTime, pod: &str) {
    desk.take_back(at, |line| line.pod == CONTROLLER && line.body == missed(pod));
}
