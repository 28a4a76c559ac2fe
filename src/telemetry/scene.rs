//! Who and what the things seen are called: display names by number, and opaque ids that tell nothing.
//!
//! Ids are salted anew for each session, so that they cannot be looked up in another's.

use crate::sim::ids::{AccountId, ClientId, GatewayId, ModelId, ReplicaId, SourceId};
use crate::sim::rng::mix;
use crate::sim::spec::WorldSpec;
use crate::sim::time::SimTime;
use crate::sim::workload::accounts::Accounts;
use crate::sim::world::World;
use crate::telemetry::calendar::Calendar;

/// The region that every cell of this fleet is in.
pub const REGION: &str = "eu-west-2";

/// The display tables of one world.
#[derive(Debug)]
pub struct Scene {
    /// Dates of its moments.
    pub calendar: Calendar,
    /// The moment of the opening.
    pub open_at: SimTime,
    /// Client programs: name, version, and the version of a newer release.
    pub clients: Vec<(String, String, String)>,
    /// Models.
    pub models: Vec<String>,
    /// Pools: name and model.
    pub pools: Vec<(String, String)>,
    /// Sources of the workload, by number; part of a template's name, never shown.
    pub accounts: Accounts,
    /// Number of gateways.
    pub gateways: u16,
    /// Members of the shared cache tier.
    pub cache_nodes: u16,
    pods: Vec<(usize, usize)>,
    salt: u64,
}

impl Scene {
    /// The tables of a world; `salt` is the session's.
    pub fn new(spec: &WorldSpec, seed: u64, calendar: Calendar, salt: u64) -> Scene {
        let stack = &spec.stack;
        let mut models: Vec<String> = Vec::new();
        for pool in &stack.pools {
            if !models.contains(&pool.model) {
                models.push(pool.model.clone());
            }
        }
        let client =
            |c: &crate::sim::spec::stack::ClientSpec| (c.name.clone(), c.version.clone(), next_version(&c.version));
        Scene {
            calendar,
            open_at: spec.open_at,
            clients: stack.clients.iter().map(client).collect(),
            models,
            pools: stack.pools.iter().map(|p| (p.name.clone(), p.model.clone())).collect(),
            accounts: Accounts::new(&spec.workload, seed),
            gateways: stack.api.gateways,
            cache_nodes: stack.shared_cache.as_ref().map_or(0, |c| c.nodes),
            pods: Vec::new(),
            salt,
        }
    }

    /// Learns of replicas that have come since.
    pub fn refresh(&mut self, world: &World) {
        self.pods = world.places();
    }

    /// As in `agents-70b-3`.
    pub fn pod(&self, replica: ReplicaId) -> String {
        match self.pods.get(replica.index()) {
            Some((pool, place)) => format!("{}-{place}", self.pools[*pool].0),
            None => format!("replica-{}", replica.0),
        }
    }

    /// How many replicas there ever were.
    pub fn replicas(&self) -> usize {
        self.pods.len()
    }

    /// The pool of a replica.
    pub fn pool_of(&self, replica: ReplicaId) -> Option<&str> {
        self.pods.get(replica.index()).map(|(pool, _)| self.pools[*pool].0.as_str())
    }

    /// The replica of a pod's name.
    pub fn replica(&self, pod: &str) -> Option<ReplicaId> {
        (0..self.pods.len() as u16).map(ReplicaId).find(|r| self.pod(*r) == pod)
    }

    /// As in `gateway-2`.
    pub fn gateway(&self, gateway: GatewayId) -> String {
        format!("gateway-{}", gateway.0)
    }

    /// As in `gpu-node-017`.
    pub fn node(&self, machine: usize) -> String {
        format!("gpu-node-{:03}", 11 + machine)
    }

    /// As in `kv-cache-4`.
    pub fn cache_node(&self, node: usize) -> String {
        format!("kv-cache-{node}")
    }

    /// A client program's name and the version that it reports.
    pub fn client(&self, client: ClientId, released: bool) -> (&str, &str) {
        let (name, old, new) = &self.clients[client.index()];
        (name, if released { new } else { old })
    }

    /// A model's name.
    pub fn model(&self, model: ModelId) -> &str {
        &self.models[model.index()]
    }

    /// As in `acct_001734`; the number is what operators' actions take.
    pub fn account(&self, account: AccountId) -> String {
        format!("acct_{:06}", account.0)
    }

    /// The number in an account's name; a bare number is taken too.
    pub fn account_number(&self, name: &str) -> Option<AccountId> {
        let number: u32 = name.strip_prefix("acct_").unwrap_or(name).parse().ok()?;
        (number < self.accounts.len()).then_some(AccountId(number))
    }

    /// As in `tpl_7f3a9c`: prompts that begin alike have it in common.
    pub fn template(&self, source: SourceId, template: u32) -> String {
        format!("tpl_{:06x}", self.opaque(3, u64::from(source.0) << 32 | u64::from(template)) & 0xff_ffff)
    }

    /// As in `req_0c1f77aa92b1`.
    pub fn request(&self, serial: u64) -> String {
        format!("req_{:012x}", self.opaque(1, serial) & 0xffff_ffff_ffff)
    }

    /// The idempotency key of an intent, the same on each try.
    pub fn intent(&self, intent: u64) -> String {
        format!("idem_{:012x}", self.opaque(2, intent) & 0xffff_ffff_ffff)
    }

    /// The trace of an intent: 16 bytes in hexadecimal, shared by its tries.
    pub fn trace(&self, intent: u64) -> String {
        format!("{:016x}{:016x}", self.opaque(4, intent), self.opaque(5, intent))
    }

    /// The span of an attempt or call: 8 bytes in hexadecimal.
    pub fn span(&self, serial: u64, part: u64) -> String {
        format!("{:016x}", self.opaque(6, mix(serial, part)))
    }

    /// A number that tells nothing of `value` and differs between sessions.
    pub fn opaque(&self, kind: u64, value: u64) -> u64 {
        mix(mix(self.salt, kind), value)
    }
}

/// The next patch release, as in 2.12.0 to 2.12.1.
fn next_version(version: &str) -> String {
    let (head, last) = version.rsplit_once('.').map_or(("", version), |(head, last)| (head, last));
    let next = last.parse::<u64>().map_or_else(|_| format!("{last}.1"), |n| (n + 1).to_string());
    if head.is_empty() { next } else { format!("{head}.{next}") }
}
