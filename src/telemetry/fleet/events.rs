//! Events as a cluster keeps them: what schedulers, kubelets, autoscalers and controllers noted of pods and nodes.

use crate::sim::ids::ReplicaId;
use crate::sim::time::SimTime;
use crate::sim::world::fact::{What, Why};
use crate::telemetry::fleet::Fleet;
use crate::telemetry::logs::SERVING_IMAGE;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: SimTime,
    /// Whether it is a warning.
    pub warning: bool,
    /// As in `FailedScheduling`.
    pub reason: &'static str,
    /// As in `pod/agents-70b-3`.
    pub object: String,
    /// What it says.
    pub message: String,
}

/// All events up to the present moment, in order of time. What only the author of an incident knows is none.
pub fn events(fleet: &Fleet<'_>) -> Vec<Event> {
    let mut all = Vec::new();
    let mut kept: Vec<ReplicaId> = Vec::new(); // replicas whose process ended on a machine that they keep
    for fact in fleet.facts.iter().filter(|f| f.at <= fleet.now) {
        let mut say = |warning, reason, object: String, message: String| {
            all.push(Event { at: fact.at, warning, reason, object, message });
        };
        let (pod, node) = match &fact.what {
            What::ReplicaPending(_, r)
            | What::ReplicaStarting(_, r)
            | What::ReplicaReady(_, r)
            | What::ReplicaDown(_, r, _)
            | What::Endpoint(_, r, _) => (fleet.scene.pod(*r), fleet.scene.node(r.index())),
            What::GatewayKilled(g) | What::GatewayStopped(g) | What::GatewayUp(g) | What::GatewayEndpoint(g, _) => {
                (fleet.scene.gateway(*g), format!("api-node-{:03}", g.0))
            }
            What::AgentSilent(n) | What::AgentBack(n) | What::NodeReplaced(n) | What::NodeRestored(n) => {
                (fleet.scene.cache_node(n.index()), String::new())
            }
            _ => (String::new(), String::new()),
        };
        let object = format!("pod/{pod}");
        match &fact.what {
            What::ReplicaPending(..) => {
                let message = "0 nodes are available: Insufficient nvidia.com/gpu.".to_string();
                say(true, "FailedScheduling", object, message);
            }
            What::ReplicaStarting(_, replica) if kept.contains(replica) => {
                say(false, "Started", object, "Started container vllm".to_string());
            }
            What::ReplicaStarting(..) => {
                say(false, "Scheduled", object.clone(), format!("Assigned serving/{pod} to {node}"));
                say(false, "Pulling", object.clone(), format!("Pulling image \"{SERVING_IMAGE}\""));
                say(false, "Started", object, "Started container vllm".to_string());
            }
            What::ReplicaReady(..) => say(false, "StartupComplete", object, "Startup probe succeeded".to_string()),
            What::ReplicaDown(_, replica, why) => {
                kept.retain(|r| r != replica);
                let exited = |code: u8| format!("Container vllm exited with code {code}");
                match why {
                    Why::OutOfMemory => say(true, "OOMKilling", object, exited(137)),
                    Why::Crashed => say(true, "BackOff", object, exited(139)),
                    Why::Watchdog => say(true, "BackOff", object, exited(134)),
                    Why::GpuLost => {
                        say(true, "Failed", object, exited(1));
                        let message = "Allocatable nvidia.com/gpu has decreased; node is unschedulable".to_string();
                        say(true, "NodeGpuUnhealthy", format!("node/{node}"), message);
                    }
                    Why::Restarted | Why::Removed => {
                        say(false, "Killing", object, "Stopping container vllm".to_string());
                    }
                }
                if !matches!(why, Why::GpuLost | Why::Removed) {
                    kept.push(*replica);
                }
            }
            What::Endpoint(_, _, false) => say(true, "Unhealthy", object, "Not ready: endpoint removed".to_string()),
            What::Endpoint(_, _, true) => say(false, "Ready", object, "Ready: endpoint added".to_string()),
            What::GatewayEndpoint(_, false) => {
                say(true, "Unhealthy", object, "Not ready: endpoint removed".to_string());
            }
            What::GatewayEndpoint(_, true) => say(false, "Ready", object, "Ready: endpoint added".to_string()),
            What::GatewayKilled(_) => {
                say(
                    true,
                    "OOMKilling",
                    object,
                    "Container gateway exceeded its memory limit, exit code 137".to_string(),
                );
            }
            What::GatewayStopped(_) => say(false, "Killing", object, "Stopping container gateway".to_string()),
            What::GatewayUp(_) => say(false, "Started", object, "Started container gateway".to_string()),
            What::AgentSilent(_) => say(false, "Killing", object, "Stopping container kv-agent".to_string()),
            What::AgentBack(_) => say(false, "Started", object, "Started container kv-agent".to_string()),
            What::NodeReplaced(_) => {
                say(true, "MemberReplaced", object, "Member replaced by a spare in the ring".to_string());
            }
            What::NodeRestored(_) => {
                say(false, "MemberRestored", object, "First machine is a member again".to_string());
            }
            What::Autoscaled(pool, from, to) => {
                let object = format!("hpa/{}", fleet.scene.pools[pool.index()].0);
                say(false, "SuccessfulRescale", object, format!("New size: {to}, was {from}"));
            }
            What::AutoscalerBlind(pool) => {
                let object = format!("hpa/{}", fleet.scene.pools[pool.index()].0);
                say(true, "FailedGetExternalMetric", object, "No data was returned by the query".to_string());
            }
            _ => {}
        }
    }
    all
}
