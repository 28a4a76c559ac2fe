//! Facts: what happened in the world, as the world knows it. Telemetry and timelines are derived from these, nothing else.

use serde::{Deserialize, Serialize};

use crate::sim::ids::{CacheNodeId, GatewayId, PoolId, ReplicaId};
use crate::sim::time::SimTime;

/// Something that happened, with its moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// When.
    pub at: SimTime,
    /// What.
    pub what: What,
}

/// The kinds of facts that are rare enough to be kept one by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    /// A fault of the scenario began; its place in the list of faults.
    FaultBegan(usize),
    /// A fault of the scenario ended.
    FaultEnded(usize),
    /// An operator ordered an action; its place in the list of actions.
    ActionOrdered(usize),
    /// An action took effect.
    ActionTookEffect(usize),
    /// An action could not be carried out, and why.
    ActionRefused(usize, String),
    /// A replica is being started.
    ReplicaStarting(PoolId, ReplicaId),
    /// A new replica waits for a machine.
    ReplicaPending(PoolId, ReplicaId),
    /// A replica became ready.
    ReplicaReady(PoolId, ReplicaId),
    /// A replica's process ended, and why.
    ReplicaDown(PoolId, ReplicaId, Why),
    /// A gateway ran out of memory and was killed.
    GatewayKilled(GatewayId),
    /// A gateway was told to stop, and starts again.
    GatewayStopped(GatewayId),
    /// A gateway accepts connections again.
    GatewayUp(GatewayId),
    /// The balancer's view of a gateway changed to ready or not.
    GatewayEndpoint(GatewayId, bool),
    /// A node's agent fell silent.
    AgentSilent(CacheNodeId),
    /// A node's agent is heard again.
    AgentBack(CacheNodeId),
    /// The controller put an empty spare in a node's place.
    NodeReplaced(CacheNodeId),
    /// A node's contents were brought back.
    NodeRestored(CacheNodeId),
    /// An autoscaler decided on a number of replicas.
    Autoscaled(PoolId, u16, u16),
    /// An autoscaler's query had no answer.
    AutoscalerBlind(PoolId),
    /// A router's view of a replica changed to ready or not.
    Endpoint(PoolId, ReplicaId, bool),
}

/// Why a replica's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// It crashed.
    Crashed,
    /// The kernel killed it: its host memory was used up.
    OutOfMemory,
    /// A collective's watchdog ended it.
    Watchdog,
    /// An accelerator fell off the bus.
    GpuLost,
    /// An operator or a rollout restarted it.
    Restarted,
    /// It was scaled away or removed.
    Removed,
}
