//! The shared cache tier in the world: its wires, its agents, and the controller that replaces silent nodes.

use crate::sim::ids::CacheNodeId;
use crate::sim::slab::Key;
use crate::sim::time::SimDuration;
use crate::sim::world::fact::What;
use crate::sim::world::{Event, World};

impl World {
    /// Sends the wake-up of a node's wire to where its next transfer ends.
    pub(super) fn arm_cache_link(&mut self, node: usize) {
        let Some(cache) = &mut self.cache else { return };
        cache.link_epochs[node] += 1;
        let epoch = cache.link_epochs[node];
        if let Some(at) = cache.links[node].next_done() {
            self.schedule(at, Event::CacheLink(CacheNodeId(node as u16), epoch));
        }
    }

    pub(super) fn on_cache_link(&mut self, node: CacheNodeId, epoch: u32) {
        let now = self.now;
        let Some(cache) = &mut self.cache else { return };
        if cache.link_epochs[node.index()] != epoch {
            return;
        }
        let done = cache.links[node.index()].advance(now);
        self.arm_cache_link(node.index());
        for slot in done {
            if let Some(call) = self.calls.key_at(slot) {
                self.flow_done(call);
            }
        }
    }

    /// The controller looks at its agents, and replaces what has been silent for too long by an empty spare.
    pub(super) fn on_cache_control(&mut self) {
        let now = self.now;
        let Some(cache) = &self.cache else { return };
        let interval = cache.spec.controller.interval_s;
        if cache.spec.controller.enabled {
            let grace = cache.grace;
            let given_up: Vec<usize> = (0..cache.silent_since.len())
                .filter(|n| cache.silent_since[*n].is_some_and(|since| grace <= now.since(since)))
                .collect();
            for node in given_up {
                self.replace_cache_node(node);
            }
        }
        self.schedule(now + interval.max(SimDuration::from_millis(100)), Event::CacheControl);
    }

    fn replace_cache_node(&mut self, node: usize) {
        let Some(cache) = &mut self.cache else { return };
        if cache.spares == 0 {
            return; // nothing to put in its place: it is waited for
        }
        cache.spares -= 1;
        cache.silent_since[node] = None;
        cache.replaced[node] = true;
        cache.tier.replace_node(node);
        self.fact(What::NodeReplaced(CacheNodeId(node as u16)));
    }

    /// A node's agent falls silent for a while; the node itself goes on serving what it holds.
    pub(super) fn silence_agent(&mut self, node: usize, silent: SimDuration) {
        let now = self.now;
        let Some(cache) = &mut self.cache else { return };
        if cache.silent_since.len() <= node {
            return;
        }
        cache.silent_since[node] = Some(now);
        cache.silences[node] += 1;
        let epoch = cache.silences[node];
        let id = CacheNodeId(node as u16);
        self.fact(What::AgentSilent(id));
        self.schedule(now + silent, Event::AgentBack(id, epoch));
    }

    pub(super) fn on_agent_back(&mut self, id: CacheNodeId, epoch: u32) {
        let Some(cache) = &mut self.cache else { return };
        if cache.silences[id.index()] != epoch {
            return;
        }
        cache.silent_since[id.index()] = None;
        if cache.replaced[id.index()] {
            cache.spares += 1; // the machine that was given up joins the spares, its contents on its disks
        }
        self.fact(What::AgentBack(id));
    }

    pub(super) fn restore_cache_members(&mut self) {
        let Some(cache) = &mut self.cache else { return };
        let replaced: Vec<usize> = (0..cache.replaced.len()).filter(|n| cache.replaced[*n]).collect();
        for node in replaced {
            if let Some(cache) = &mut self.cache {
                cache.replaced[node] = false;
                cache.tier.restore_node(node);
            }
            self.fact(What::NodeRestored(CacheNodeId(node as u16)));
        }
    }

    pub(super) fn set_cache_bandwidth(&mut self, share: f64) {
        let now = self.now;
        let Some(cache) = &mut self.cache else { return };
        cache.bandwidth = share;
        let bytes_per_s = (cache.spec.node_gb_per_s * 1e9 * share) as u64;
        for link in &mut cache.links {
            link.set_capacity(now, bytes_per_s);
        }
        for node in 0..self.cache.as_ref().map_or(0, |c| c.links.len()) {
            self.arm_cache_link(node);
        }
    }

    /// One of a call's transfers has ended; the engine goes on when all have.
    pub(super) fn flow_done(&mut self, key: Key) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.flows = call.flows.saturating_sub(1);
        if call.flows == 0 {
            self.load_ended(key, true);
        }
    }

    /// Ends what is left of a call's transfers.
    pub(super) fn cancel_flows(&mut self, key: Key) {
        let now = self.now;
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.flows == 0 {
            return;
        }
        call.flows = 0;
        let replica = call.replica.index();
        self.replicas[replica].host_link.cancel(now, key.slot);
        self.arm_host_link(replica);
        let nodes = self.cache.as_ref().map_or(0, |c| c.links.len());
        for node in 0..nodes {
            let cancelled = self.cache.as_mut().is_some_and(|c| c.links[node].cancel(now, key.slot));
            if cancelled {
                self.arm_cache_link(node);
            }
        }
    }
}
