//! Conditions from before: what stood when an incident came, and how it might have been. Whether one counts is for runs to
//! say.

use crate::scenario::file::{ScenarioFile, VariantSpec};
use crate::scenario::mechanisms::family;
use crate::sim::spec::stack::{PoolSpec, RouterPolicy, StackSpec};
use crate::sim::time::SimDuration;

/// What stood, and what if it had not.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    /// How things would have been, as in "if nobody tried again".
    pub(super) otherwise: &'static str,
    how: How,
}

/// How things are made otherwise.
#[derive(Clone, Copy)]
enum How {
    /// Another stack; what stood in this one, in words, or nothing if it was not so.
    Stack(fn(&mut StackSpec) -> Option<String>),
    /// What was changed is taken back.
    Back,
}

/// What is changed is taken back after so long.
const BACK: SimDuration = SimDuration::from_secs(180);

/// Is left out where one of these mechanisms, or families of them, is a cause: it would tell of that again.
type Topics = &'static [&'static str];

/// What a stack may have been: its words, how it would be otherwise, and the change; none where it is not so.
type Other = (Topics, &'static str, fn(&mut StackSpec) -> Option<String>);

const OTHERS: [Other; 20] = [
    (&["sdk.retries"], "if nobody tried again", patient),
    (&["serving.capacity"], "with machines for twice the replicas", roomy),
    (&["serving.capacity"], "with half as many replicas again from the beginning", ample),
    (&["kv_cache.capacity"], "with four times the blocks in each", memory),
    (&["kv_cache"], "with four times as many blocks in host memory as on accelerators", host),
    (&["kv_cache"], "if what was computed stayed", kept),
    (&["control.health_check"], "if a probe wanted a token", deep),
    (&["control.health_check"], "if five errors in a row took it out for a minute", ejected),
    (&["serving.routing", "network.pinning"], "with another rule", routed),
    (&["api.auth_shard", "api.auth_store"], "if an hour passed before that", trusted),
    (&["api.auth_store"], "with ten times the connections", connected),
    (&["api.cancellation"], "if engines were told", cancelled),
    (&["sdk.timeout"], "if a try were given up after ten seconds and taken elsewhere", impatient),
    (&["api.workers"], "if sixteen might wait, and others were refused at once", bounded),
    (&["api.image_decoder"], "with twice the gateways", gateways),
    (&["control.autoscaler"], "if that took ten seconds", warm),
    (&["network.pinning", "network.name"], "if they stood for an hour", connections),
    (&["network.idle_timeout"], "if something were sent meanwhile", alive),
    (&["serving.batching"], "if a step took a quarter of that", sliced),
    (&["serving.tokenizer"], "with four times the threads", tokenizers),
];

/// Everything that stood, as a postmortem would put it, and is not told of by causes of these mechanisms.
pub(super) fn standing(file: &ScenarioFile, causes: &[&str]) -> Vec<(String, Standing)> {
    let told = |topics: Topics| topics.iter().any(|t| causes.iter().any(|c| c == t || family(c) == *t));
    let stood = |(_, otherwise, change): &Other| {
        let says = change(&mut file.stack.clone())?;
        Some((says, Standing { otherwise, how: How::Stack(*change) }))
    };
    let back = Standing { otherwise: "if what was changed had been taken back three minutes later", how: How::Back };
    let back = ("nothing takes a change back by itself when users begin to hurt".to_string(), back);
    OTHERS.iter().filter(|(topics, ..)| !told(topics)).filter_map(stood).chain([back]).collect()
}

impl Standing {
    /// The same incident without it.
    pub(super) fn without(&self, file: &ScenarioFile, variant: &VariantSpec) -> ScenarioFile {
        let mut file = file.clone();
        match self.how {
            How::Stack(change) => drop(change(&mut file.stack)),
            How::Back => {
                let changed = file.causes.iter_mut().filter(|c| c.change.is_some() && variant.causes.contains(&c.id));
                for fault in changed.flat_map(|cause| &mut cause.faults) {
                    let back = fault.at_s.map(|at| at + BACK);
                    fault.until_s = fault.until_s.min(back).or(back);
                }
            }
        }
        file
    }
}

fn seconds(duration: SimDuration) -> String {
    let s = duration.as_secs_f64();
    if s < 1.0 { format!("{:.0} ms", s * 1000.0) } else { format!("{s:.0} s") }
}

/// A number of each pool, as in "8 or 12".
fn each(stack: &StackSpec, of: impl Fn(&PoolSpec) -> u32) -> String {
    let mut all: Vec<u32> = stack.pools.iter().map(of).collect();
    all.sort_unstable();
    all.dedup();
    all.iter().map(u32::to_string).collect::<Vec<_>>().join(" or ")
}

fn patient(stack: &mut StackSpec) -> Option<String> {
    let tries = |stack: &StackSpec| {
        0 < stack.api.retry.retries
            || stack.clients.iter().any(|c| 0 < c.policy.retries || c.policy.turn_restarts.is_some())
    };
    tries(stack).then_some(())?;
    stack.api.retry.retries = 0;
    for client in &mut stack.clients {
        client.policy.retries = 0;
        client.policy.turn_restarts = None;
    }
    Some("clients, frameworks and gateways each try again, so that tries multiply".to_string())
}

fn roomy(stack: &mut StackSpec) -> Option<String> {
    let free = stack.fleet.spare_nodes;
    let replicas: u16 = stack.pools.iter().map(|p| p.replicas).sum();
    let most = stack.pools.iter().filter_map(|p| p.autoscaler.as_ref()).map(|a| a.max).max()?;
    stack.fleet.spare_nodes = free.saturating_add(replicas);
    for scaler in stack.pools.iter_mut().filter_map(|p| p.autoscaler.as_mut()) {
        scaler.max = scaler.max.saturating_mul(2);
    }
    let machines = match free {
        0 => "no machine was".to_string(),
        1 => "one machine was".to_string(),
        n => format!("{n} machines were"),
    };
    Some(format!("room had an end: {machines} free, and a pool may have {most} replicas at most"))
}

fn ample(stack: &mut StackSpec) -> Option<String> {
    let names: Vec<String> = stack.pools.iter().map(|p| format!("{} of {}", p.replicas, p.name)).collect();
    for pool in &mut stack.pools {
        pool.replicas += pool.replicas.div_ceil(2);
        if let Some(scaler) = &mut pool.autoscaler {
            scaler.min = scaler.min.max(pool.replicas);
            scaler.max = scaler.max.max(pool.replicas);
        }
    }
    Some(format!("there were replicas for an ordinary day and no reserve: {}", names.join(", ")))
}

fn memory(stack: &mut StackSpec) -> Option<String> {
    let blocks = each(stack, |p| p.kv_blocks);
    stack.pools.iter_mut().for_each(|p| p.kv_blocks = p.kv_blocks.saturating_mul(4));
    Some(format!("a replica keeps no more than {blocks} blocks of its own cache"))
}

fn host(stack: &mut StackSpec) -> Option<String> {
    let blocks = each(stack, |p| p.host_blocks);
    stack.pools.iter_mut().for_each(|p| p.host_blocks = p.host_blocks.max(p.kv_blocks.saturating_mul(4)));
    Some(match blocks.as_str() {
        "0" => "what leaves a replica's accelerators is kept nowhere in it".to_string(),
        _ => format!("a replica keeps little in host memory: {blocks} blocks"),
    })
}

fn kept(stack: &mut StackSpec) -> Option<String> {
    stack.pools.iter().any(|p| !p.keep_aborted_prefill).then_some(())?;
    stack.pools.iter_mut().for_each(|p| p.keep_aborted_prefill = true);
    Some("what was computed of a prompt is thrown away when its request is given up".to_string())
}

fn deep(stack: &mut StackSpec) -> Option<String> {
    stack.pools.iter().any(|p| !p.router.deep_probe).then_some(())?;
    stack.pools.iter_mut().for_each(|p| p.router.deep_probe = true);
    Some("a replica counts as healthy while its process answers, whether it makes tokens or not".to_string())
}

fn ejected(stack: &mut StackSpec) -> Option<String> {
    stack.pools.iter().any(|p| p.router.eject_after_errors == 0).then_some(())?;
    for router in stack.pools.iter_mut().map(|p| &mut p.router) {
        (router.eject_after_errors, router.eject_s) = (5, SimDuration::from_secs(60));
    }
    Some("a replica that answers with errors stays where it is, and is asked again".to_string())
}

fn routed(stack: &mut StackSpec) -> Option<String> {
    let by_load = stack.pools.iter().all(|p| p.router.policy == RouterPolicy::LeastLoaded);
    let says = match by_load {
        true => "requests go to whoever has the fewest under way, for whatever reason",
        false => "what begins alike goes to the same replica, however full that is",
    };
    for router in stack.pools.iter_mut().map(|p| &mut p.router) {
        router.policy = if by_load { RouterPolicy::RoundRobin } else { RouterPolicy::LeastLoaded };
    }
    Some(says.to_string())
}

fn trusted(stack: &mut StackSpec) -> Option<String> {
    let auth = &mut stack.api.auth;
    let says = format!("what the auth cache knows of an account it asks again after {}", seconds(auth.ttl_s));
    let hour = SimDuration::from_secs(3600);
    (auth.ttl_s < hour).then_some(())?;
    auth.ttl_s = hour;
    Some(says)
}

fn connected(stack: &mut StackSpec) -> Option<String> {
    let auth = &mut stack.api.auth;
    let says = format!("the store behind the auth cache answers {} at a time", auth.store_connections);
    auth.store_connections = auth.store_connections.saturating_mul(10).min(10_000);
    Some(says)
}

fn cancelled(stack: &mut StackSpec) -> Option<String> {
    let told = &mut stack.api.cancellation;
    (!told.client_to_gateway || !told.gateway_to_engine).then_some(())?;
    (told.client_to_gateway, told.gateway_to_engine) = (true, true);
    Some("engines are not told that somebody has left, and work on for nobody".to_string())
}

fn impatient(stack: &mut StackSpec) -> Option<String> {
    let api = &mut stack.api;
    let waits = api.retry.per_try_timeout_s.unwrap_or(api.upstream_timeout_s);
    (SimDuration::from_secs(10) < waits).then_some(())?;
    api.retry.per_try_timeout_s = Some(SimDuration::from_secs(10));
    api.retry.retries = api.retry.retries.max(1);
    Some(format!("a gateway waits {} for a replica that sends nothing", seconds(waits)))
}

fn bounded(stack: &mut StackSpec) -> Option<String> {
    let waiting = each(stack, |p| p.max_waiting);
    stack.pools.iter_mut().for_each(|p| p.max_waiting = p.max_waiting.min(16));
    Some(format!("{waiting} requests may wait in a replica, long after anybody waits for them"))
}

fn gateways(stack: &mut StackSpec) -> Option<String> {
    let says = format!("all requests pass {} gateways", stack.api.gateways);
    stack.api.gateways = stack.api.gateways.saturating_mul(2).min(1000);
    Some(says)
}

fn warm(stack: &mut StackSpec) -> Option<String> {
    stack.pools.iter().any(|p| p.autoscaler.is_some()).then_some(())?;
    let fleet = &mut stack.fleet;
    let says =
        format!("a new replica serves {} after it was ordered", seconds(fleet.schedule_s + fleet.load_weights_s));
    (fleet.schedule_s, fleet.load_weights_s) = (SimDuration::from_secs(5), SimDuration::from_secs(5));
    Some(says)
}

fn connections(stack: &mut StackSpec) -> Option<String> {
    let age = &mut stack.network.serving_connection_max_age_s;
    let (was, hour) = (*age, SimDuration::from_secs(3600));
    (was < hour).then_some(())?;
    *age = hour;
    Some(format!("gateways make their connections to replicas anew every {}", seconds(was)))
}

fn alive(stack: &mut StackSpec) -> Option<String> {
    let network = &mut stack.network;
    (!network.stream_keepalive).then_some(())?;
    network.stream_keepalive = true;
    Some(format!("a stream that is silent for {} is cut", seconds(network.idle_timeout_s)))
}

fn sliced(stack: &mut StackSpec) -> Option<String> {
    let tokens = each(stack, |p| p.max_num_batched_tokens);
    stack.pools.iter_mut().for_each(|p| p.max_num_batched_tokens = (p.max_num_batched_tokens / 4).max(p.max_num_seqs));
    Some(format!("a step takes up to {tokens} tokens of prompts, and everybody in the batch waits for it"))
}

fn tokenizers(stack: &mut StackSpec) -> Option<String> {
    let threads = each(stack, |p| p.tokenizer_threads);
    stack.pools.iter_mut().for_each(|p| p.tokenizer_threads = p.tokenizer_threads.saturating_mul(4).min(1024));
    Some(format!("a replica tokenizes with {threads} threads"))
}
