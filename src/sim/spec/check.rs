//! What no schema can say of a spec: that names exist, that numbers agree with each other, that queries are queries.

use crate::metrics::promql::Query;
use crate::sim::spec::action::Action;
use crate::sim::spec::fault::Fault;
use crate::sim::spec::stack::{Hardware, JOBS, PoolSpec, StackSpec};
use crate::sim::spec::{SpecError, WorldSpec};
use crate::sim::workload::accounts::ENGLISH;

/// Everything that is wrong with the stack, faults and actions of a spec, with paths from its root.
pub fn mistakes(spec: &WorldSpec) -> Vec<SpecError> {
    let mut found = stack_mistakes(&spec.stack, "stack");
    for (index, fault) in spec.faults.iter().enumerate() {
        found.extend(fault_mistakes(&spec.stack, &fault.fault, &format!("faults.{index}")));
        if let Fault::BadFlag { language: Some(language), .. } = &fault.fault {
            let spoken = spec.workload.cohorts.iter().flat_map(|c| &c.languages).map(|l| l.code.as_str());
            let codes: Vec<&str> = spoken.chain([ENGLISH]).collect();
            if !codes.contains(&language.as_str()) {
                found.push(SpecError::unknown_name(format!("faults.{index}.language"), "language", language, codes));
            }
        }
    }
    for (index, action) in spec.actions.iter().enumerate() {
        found.extend(action_mistakes(&spec.stack, &action.action, &format!("actions.{index}")));
    }
    found
}

/// Everything that is wrong with a stack.
pub fn stack_mistakes(stack: &StackSpec, path: &str) -> Vec<SpecError> {
    let mut found = Vec::new();
    unique(&mut found, path, "clients", "client", stack.clients.iter().map(|c| c.name.as_str()));
    unique(&mut found, path, "pools", "pool", stack.pools.iter().map(|p| p.name.as_str()));
    unique(&mut found, path, "pools", "model", stack.pools.iter().map(|p| p.model.as_str()));
    for (index, pool) in stack.pools.iter().enumerate() {
        pool_mistakes(&mut found, pool, &format!("{path}.pools.{index}"));
    }
    unique(&mut found, path, "monitoring.alerts", "alert", stack.monitoring.alerts.iter().map(|a| a.name.as_str()));
    for (index, alert) in stack.monitoring.alerts.iter().enumerate() {
        if let Err(error) = Query::parse(&alert.expr) {
            found.push(SpecError::new(format!("{path}.monitoring.alerts.{index}.expr"), error.to_string()));
        }
    }
    let api = &stack.api;
    let idle = api.memory_base_mib + api.memory_per_request_mib;
    if api.memory_limit_mib <= idle {
        let message = format!("a gateway needs {idle} MiB for its first request, more than its limit");
        found.push(SpecError::new(format!("{path}.api.memory_limit_mib"), message));
    }
    found
}

fn pool_mistakes(found: &mut Vec<SpecError>, pool: &PoolSpec, path: &str) {
    if let Hardware::Preset(name) = &pool.hardware
        && crate::sim::serving::hardware::preset(name).is_none()
    {
        let names = crate::sim::serving::hardware::preset_names();
        found.push(SpecError::unknown_name(format!("{path}.hardware"), "hardware preset", name, names));
    }
    if pool.host_limit_gib * 1024.0 <= pool.host_memory_mib() {
        let gib = pool.host_memory_mib() / 1024.0;
        let message =
            format!("a replica takes {gib:.1} GiB with its host tier before any request, more than its limit");
        found.push(SpecError::new(format!("{path}.host_limit_gib"), message));
    }
    if let Some(scaler) = &pool.autoscaler {
        query_mistakes(found, &scaler.query, format!("{path}.autoscaler.query"));
        if scaler.max < scaler.min {
            let message = format!("at most {} replicas, but at least {}", scaler.max, scaler.min);
            found.push(SpecError::new(format!("{path}.autoscaler.max"), message));
        }
    }
}

/// A control loop needs numbers.
fn query_mistakes(found: &mut Vec<SpecError>, query: &str, path: String) {
    match Query::parse(query) {
        Ok(query) if query.gives_values() => {}
        Ok(_) => found.push(SpecError::new(path, "the query gives a range or a text, and a number is wanted")),
        Err(error) => found.push(SpecError::new(path, error.to_string())),
    }
}

fn unique<'a>(found: &mut Vec<SpecError>, path: &str, field: &str, kind: &str, names: impl Iterator<Item = &'a str>) {
    let mut seen: Vec<&str> = Vec::new();
    for (index, name) in names.enumerate() {
        if seen.contains(&name) {
            found.push(SpecError::new(
                format!("{path}.{field}.{index}"),
                format!("a second {kind} is called \"{name}\""),
            ));
        }
        seen.push(name);
    }
}

/// The pool that a fault speaks of, with the replica and rank if it names them.
fn target_of(fault: &Fault) -> Option<(&str, Option<u16>, Option<u8>)> {
    use Fault::*;
    Some(match fault {
        Router { pool, .. }
        | RouterViewStale { pool, .. }
        | ReplicasRemoved { pool, .. }
        | EngineBatching { pool, .. }
        | CacheBlocks { pool, .. }
        | LongerAnswers { pool, .. }
        | AbortRule { pool, .. }
        | TokenizerSlow { pool, .. }
        | CacheKeySeed { pool, .. }
        | LoadFailurePolicy { pool, .. }
        | AutoscalerQuery { pool, .. }
        | Probes { pool, .. }
        | ServingRollout { pool, .. } => (pool, None, None),
        FailFast { pool, replica } | ReplicaCrash { pool, replica } | GpuLink { pool, replica, .. } => {
            (pool, Some(*replica), None)
        }
        HostStall { pool, replica, .. } | HostMemoryLeak { pool, replica, .. } => (pool, *replica, None),
        GpuClock { pool, replica, gpu, .. } => (pool, *replica, *gpu),
        GpuMemory { pool, replica, gpu, .. } | GpuHang { pool, replica, gpu, .. } | GpuLost { pool, replica, gpu } => {
            (pool, Some(*replica), Some(*gpu))
        }
        _ => return None,
    })
}

/// The pool that a fault breaks something in, if it is in one.
pub fn pool_of(fault: &Fault) -> Option<&str> {
    target_of(fault).map(|(pool, ..)| pool)
}

/// What is wrong with one fault in a stack: dangling names, places that do not exist.
pub fn fault_mistakes(stack: &StackSpec, fault: &Fault, path: &str) -> Vec<SpecError> {
    let mut found = Vec::new();
    if let Some((pool, replica, gpu)) = target_of(fault) {
        match stack.pools.iter().find(|p| p.name == pool) {
            None => found.push(unknown_pool(stack, pool, path)),
            Some(spec) => {
                if let Some(replica) = replica.filter(|r| spec.replicas <= *r) {
                    let message = format!("{pool} has replicas 0 to {}, and no {replica}", spec.replicas - 1);
                    found.push(SpecError::new(path, message));
                }
                if let Some(gpu) = gpu.filter(|g| spec.gpus <= *g) {
                    let message = format!("a replica of {pool} has ranks 0 to {}, and no {gpu}", spec.gpus - 1);
                    found.push(SpecError::new(path, message));
                }
            }
        }
    }
    match fault {
        Fault::ClientRelease { client, .. } if !stack.clients.iter().any(|c| c.name == *client) => {
            let names = stack.clients.iter().map(|c| c.name.as_str());
            found.push(SpecError::unknown_name(path, "client", client, names));
        }
        Fault::AuthShardDown { shard } if stack.api.auth.shards <= *shard => {
            let last = stack.api.auth.shards - 1;
            found.push(SpecError::new(path, format!("the auth cache has shards 0 to {last}, and no {shard}")));
        }
        Fault::CacheNodeDown { node } => {
            let nodes = stack.shared_cache.as_ref().map_or(0, |c| c.nodes);
            if nodes <= *node {
                found.push(SpecError::new(
                    path,
                    format!("the shared cache has {nodes} nodes, counted from 0, and no {node}"),
                ));
            }
        }
        Fault::LinkLoss { hop, path: Some(way), .. } => {
            let link = match hop {
                crate::sim::spec::fault::Hop::Edge => &stack.network.edge,
                crate::sim::spec::fault::Hop::Serving => &stack.network.serving,
            };
            if link.paths <= *way {
                found.push(SpecError::new(
                    path,
                    format!("this hop has {} paths, counted from 0, and no {way}", link.paths),
                ));
            }
        }
        Fault::CacheFlush
        | Fault::CacheValidation { .. }
        | Fault::CacheAgentRoll { .. }
        | Fault::CacheGrace { .. }
        | Fault::CacheBandwidth { .. }
        | Fault::CacheTtl { .. }
            if stack.shared_cache.is_none() =>
        {
            found.push(no_shared_cache(path));
        }
        Fault::ExporterDown { job, .. } | Fault::ScrapesLost { job: Some(job), .. }
            if !JOBS.contains(&job.as_str()) =>
        {
            found.push(SpecError::unknown_name(path, "monitoring job", job, JOBS));
        }
        Fault::AutoscalerQuery { query, .. } => {
            query_mistakes(&mut found, query, format!("{path}.query"));
        }
        _ => {}
    }
    found
}

fn unknown_pool(stack: &StackSpec, pool: &str, path: &str) -> SpecError {
    SpecError::unknown_name(path, "pool", pool, stack.pools.iter().map(|p| p.name.as_str()))
}

/// What is wrong with one action in a stack: names and places that can never exist in it.
pub fn action_mistakes(stack: &StackSpec, action: &Action, path: &str) -> Vec<SpecError> {
    match action {
        Action::Scale { pool, .. } | Action::Router { pool, .. } | Action::Uncordon { pool } => {
            member_mistakes(stack, pool, None, path)
        }
        Action::Drain { pool, replica } | Action::Cordon { pool, replica } => {
            member_mistakes(stack, pool, Some(*replica), path)
        }
        Action::Restart { pool, replica } => member_mistakes(stack, pool, *replica, path),
        Action::FailOverAuthShard { shard } if stack.api.auth.shards <= *shard => {
            let last = stack.api.auth.shards - 1;
            vec![SpecError::new(path, format!("the auth cache has shards 0 to {last}, and no {shard}"))]
        }
        Action::FlushCache | Action::WarmCache | Action::RestoreCacheMembers if stack.shared_cache.is_none() => {
            vec![no_shared_cache(path)]
        }
        Action::FeatureOff { feature } if feature != "images" && stack.shared_cache.is_none() => {
            vec![no_shared_cache(path)]
        }
        _ => Vec::new(),
    }
}

/// A replica's place may lie beyond the pool's beginning, but not beyond what its autoscaler may ever ask for.
fn member_mistakes(stack: &StackSpec, pool: &str, replica: Option<u16>, path: &str) -> Vec<SpecError> {
    let Some(spec) = stack.pools.iter().find(|p| p.name == pool) else { return vec![unknown_pool(stack, pool, path)] };
    let most = spec.autoscaler.as_ref().map_or(spec.replicas, |scaler| scaler.max.max(spec.replicas));
    match replica {
        Some(place) if most <= place => {
            let message = format!("{pool} has replicas 0 to {}, and no {place}", most.saturating_sub(1));
            vec![SpecError::new(path, message)]
        }
        _ => Vec::new(),
    }
}

fn no_shared_cache(path: &str) -> SpecError {
    SpecError::new(path, "this stack has no shared cache")
}
