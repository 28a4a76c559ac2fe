//! From spec to world: names become numbers, caches are filled with what went before, and the first events are due.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::metrics::promql::Query;
use crate::metrics::store::Store;
use crate::sim::connection::{ConnectionPool, ConnectionRules};
use crate::sim::health::Health;
use crate::sim::ids::{ModelId, PoolId, SourceId};
use crate::sim::keyed_cache::KeyedCache;
use crate::sim::kv::remote::RemoteTier;
use crate::sim::link::{Path, SharedLink, Ways};
use crate::sim::loop_thread::LoopThread;
use crate::sim::prompt::{Prompt, Segment};
use crate::sim::queue::EventQueue;
use crate::sim::rate_limit::RetryBudget;
use crate::sim::series::{Series, SeriesRecorder};
use crate::sim::serving::engine::Happening;
use crate::sim::serving::hardware;
use crate::sim::serving::router::Router;
use crate::sim::serving::step_time::StepCost;
use crate::sim::slab::Slab;
use crate::sim::spec::stack::{ApiSpec, FacilitySpec, FleetSpec, Hardware, LinkSpec, PoolSpec, StackSpec};
use crate::sim::spec::{SpecError, TimedAction, TimedFault, WorldSpec};
use crate::sim::station::Station;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::accounts::Accounts;
use crate::sim::workload::{Arrival, Workload};
use crate::sim::world::Event;
use crate::sim::world::change::Undo;
use crate::sim::world::client_times::ClientTimes;
use crate::sim::world::control::health_rules;
use crate::sim::world::exposition::Exposition;
use crate::sim::world::fact::{Fact, What};
use crate::sim::world::harm::{Harm, Ledger};
use crate::sim::world::recording::Recording;
use crate::sim::world::replica::affinity_of;
use crate::sim::world::scrapes::Scrapes;
use crate::sim::world::state::*;
use crate::sim::world::tally::Tally;
use crate::sim::world::wires::Wires;

/// A running world. A clone goes on as the world itself would, and is a branch of its history.
#[derive(Clone, Serialize, Deserialize)]
pub struct World {
    pub(super) seed: u64,
    pub(super) now: SimTime,
    pub(super) open_at: SimTime,
    pub(super) horizon: SimTime,
    pub(super) queue: EventQueue<Event>,
    pub(super) event_hash: u64,

    #[serde(skip, default = "Workload::nobody")]
    pub(super) workload: Workload,
    pub(super) pending: Vec<Option<Arrival>>,
    pub(super) sessions: Slab<Session>,
    pub(super) intents: Slab<LiveIntent>,
    pub(super) attempts: Slab<Attempt>,
    pub(super) calls: Slab<Call>,

    pub(super) clients: Vec<Client>,
    pub(super) network: Network,
    pub(super) api_spec: ApiSpec,
    pub(super) api: Api,
    pub(super) gateways: Vec<Gateway>,
    pub(super) pools: Vec<Pool>,
    pub(super) pool_by_model: Vec<PoolId>,
    pub(super) replicas: Vec<Replica>,
    pub(super) cache: Option<SharedCache>,
    pub(super) fleet: FleetSpec,
    pub(super) facility: FacilitySpec,
    pub(super) exposition: Exposition,
    pub(super) scraped: Store,
    pub(super) scrapes: Scrapes,
    pub(super) recording: Recording,

    pub(super) faults: Vec<TimedFault>,
    pub(super) undo: Vec<Undo>,
    pub(super) stopped: Vec<bool>,
    pub(super) rollouts_frozen: bool,
    pub(super) actions: Vec<TimedAction>,

    pub(super) series: SeriesRecorder,
    pub(super) ledger: Ledger,
    pub(super) cost: Cost,
    pub(super) tally: Tally,
    pub(super) facts: Vec<Fact>,
    pub(super) happenings: Vec<Happening>,
}

impl World {
    /// Builds the world of `spec` under `seed`, up to the moment before its first event.
    ///
    /// # Errors
    /// All parts of the spec that no world can be built from.
    pub fn new(spec: &WorldSpec, seed: u64) -> Result<World, Vec<SpecError>> {
        let mut mistakes = crate::sim::spec::check::mistakes(spec);
        let stack = &spec.stack;
        let names = Names::of(stack);
        let workload = match Workload::new(&spec.workload, &names.clients, &names.models, seed, spec.open_at) {
            Ok(workload) => Some(workload),
            Err(found) => {
                mistakes.extend(found);
                None
            }
        };
        let step_costs: Vec<Option<StepCost>> = stack.pools.iter().map(|p| step_cost(&p.hardware)).collect();
        let queries: Vec<Option<Query>> =
            (stack.pools.iter()).map(|p| p.autoscaler.as_ref().and_then(|a| Query::parse(&a.query).ok())).collect();
        let Some(workload) = workload.filter(|_| mistakes.is_empty()) else { return Err(mistakes) };
        let sources = workload.sources();
        let facility = stack.facility.clone();
        let mut world = World {
            seed,
            now: SimTime::ZERO,
            open_at: spec.open_at,
            horizon: spec.horizon,
            queue: EventQueue::default(),
            event_hash: seed,
            workload,
            pending: (0..sources).map(|_| None).collect(),
            sessions: Slab::default(),
            intents: Slab::default(),
            attempts: Slab::default(),
            calls: Slab::default(),
            clients: clients(stack),
            network: network(stack),
            api: api(&stack.api),
            gateways: (0..stack.api.gateways).map(|_| gateway(stack)).collect(),
            api_spec: stack.api.clone(),
            pools: Vec::new(),
            pool_by_model: names.pool_by_model,
            replicas: Vec::new(),
            cache: shared_cache(stack),
            fleet: stack.fleet.clone(),
            facility,
            exposition: Exposition::default(),
            scraped: Store::default(),
            scrapes: Scrapes::new(&stack.monitoring),
            recording: Recording::default(),
            faults: spec.faults.clone(),
            undo: vec![Undo::default(); spec.faults.len()],
            stopped: vec![false; spec.faults.len()],
            rollouts_frozen: false,
            actions: spec.actions.clone(),
            series: SeriesRecorder::new(spec.bucket),
            ledger: Ledger::new(spec.open_at, spec.horizon),
            cost: Cost::default(),
            tally: Tally::default(),
            facts: Vec::new(),
            happenings: Vec::new(),
        };
        for (index, pool) in stack.pools.iter().enumerate() {
            let step_cost = step_costs[index].expect("an unknown preset is a mistake");
            world.add_pool(pool, step_cost, queries[index].clone());
        }
        for query in queries.into_iter().flatten() {
            world.scrape_for(&query);
        }
        world.begin(spec);
        Ok(world)
    }

    fn add_pool(&mut self, spec: &PoolSpec, step_cost: StepCost, query: Option<Query>) {
        let id = PoolId(self.pools.len() as u8);
        let rules = &spec.router;
        let autoscaler = spec.autoscaler.clone().zip(query).map(|(spec, query)| Autoscaler {
            spec,
            query,
            paused: false,
            lower_since: None,
            blind: false,
        });
        self.pools.push(Pool {
            router: Router::new(rules.policy, rules.eject_after_errors, rules.eject_s)
                .shared_by(self.api_spec.gateways),
            health: Health::new(health_rules(rules.probe_interval_s, rules.probe_threshold)),
            spec: spec.clone(),
            members: Vec::new(),
            step_cost,
            wanted: spec.replicas,
            autoscaler,
            key_seed_lost: false,
            answer_factor: 1.0,
            tokenizer_factor: 1.0,
            leak_mib: 0.0,
            cordoned: 0,
        });
        for _ in 0..spec.replicas {
            let replica = self.add_replica(id);
            self.replicas[replica.index()].has_node = true;
            self.bring_up(replica);
            let place = self.replicas[replica.index()].place;
            self.pools[id.index()].health.add(SimTime::ZERO, place as u32, true);
            self.pools[id.index()].router.set_ready(place, true);
        }
    }

    fn begin(&mut self, spec: &WorldSpec) {
        for gateway in 0..self.gateways.len() {
            self.network.health.add(SimTime::ZERO, gateway as u32, true);
        }
        self.fill_caches_with_history(spec.warm_until);
        self.now = spec.warm_until;
        for (index, fault) in spec.faults.iter().enumerate() {
            self.schedule(fault.at.max(spec.warm_until), Event::FaultOn(index as u32));
            if let Some(until) = fault.until {
                self.schedule(until, Event::FaultOff(index as u32));
            }
        }
        for (index, action) in spec.actions.iter().enumerate() {
            self.schedule(action.at, Event::ActionOrdered(index as u32));
        }
        for source in 0..self.pending.len() {
            self.calendar_arrival(SourceId(source as u16));
        }
        self.arm_control_loops(spec.warm_until);
    }

    /// Functional warming: what was asked for before the world runs fills the caches, in order and without timing. The
    /// shared tier evicts by shares, so it is filled as time goes; a replica's own caches are filled from the end.
    fn fill_caches_with_history(&mut self, until: SimTime) {
        for source in 0..self.pending.len() {
            self.pending[source] = self.workload.next_arrival(SourceId(source as u16));
        }
        let earliest = |pending: &[Option<Arrival>]| {
            let moments = pending.iter().enumerate().filter_map(|(s, a)| a.as_ref().map(|a| (a.at, s)));
            moments.min().filter(|(at, _)| *at < until)
        };
        let mut asked: Vec<Vec<(Prompt, Segment)>> = self.replicas.iter().map(|_| Vec::new()).collect();
        while let Some((at, source)) = earliest(&self.pending) {
            let Some(arrival) = self.pending[source].take() else { break };
            self.pending[source] = self.workload.next_arrival(SourceId(source as u16));
            let intent = self.workload.intent(&arrival);
            let pool = self.pool_of(intent.model).index();
            let affinity = affinity_of(&self.pools[pool].spec, &intent.affinity, intent.account);
            let Some(place) = self.pools[pool].router.pick(at, affinity, &intent.prompt, None) else { continue };
            self.pools[pool].router.answered(at, place, true);
            let replica = self.pools[pool].members[place].index();
            if let Some(cache) = &mut self.cache {
                let key_seed = self.replicas[replica].key_seed;
                cache.tier.store(at, key_seed, &intent.prompt, intent.output_tokens, intent.output_key);
            }
            asked[replica].push((intent.prompt, Segment { key: intent.output_key, tokens: intent.output_tokens }));
        }
        for (replica, asked) in self.replicas.iter_mut().zip(&asked) {
            replica.engine.fill(asked.iter().rev().map(|(prompt, answer)| (prompt, *answer)));
        }
    }

    /// Moment up to which everything has happened.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// When the incident opens and ends.
    pub fn window(&self) -> (SimTime, SimTime) {
        (self.open_at, self.horizon)
    }

    /// A hash of every event so far, in order: two worlds with equal hashes have had the same history.
    pub fn event_hash(&self) -> u64 {
        self.event_hash
    }

    /// Events so far.
    pub fn events(&self) -> u64 {
        self.queue.pushed() - self.queue.len() as u64
    }

    /// What happened, one by one, in order.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// The faults of this world, as [`What::FaultBegan`] numbers them.
    pub fn faults(&self) -> &[TimedFault] {
        &self.faults
    }

    /// The actions of this world, as [`What::ActionOrdered`] numbers them.
    pub fn actions(&self) -> &[TimedAction] {
        &self.actions
    }

    /// Who the users are.
    pub fn accounts(&self) -> &Accounts {
        self.workload.accounts()
    }

    /// Counts of what happened.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// User-minutes that intents which have ended have lost; it never falls.
    pub fn lost_so_far(&self) -> f64 {
        self.ledger.harm().user_minutes_lost
    }

    /// Ends the world: what is still unanswered counts as it stands, and the books are closed.
    pub fn finish(mut self) -> Ended {
        self.advance_to(self.horizon);
        self.close_open_intents();
        self.count_gpu_hours();
        let conservation = self.conservation();
        Ended {
            event_hash: self.event_hash,
            events: self.events(),
            harm: self.ledger.harm(),
            cost: self.cost,
            tally: self.tally,
            facts: self.facts,
            faults: self.faults,
            actions: self.actions,
            series: self.series.finish(SimTime(self.horizon.since(self.open_at).0)),
            conservation,
        }
    }

    pub(super) fn fact(&mut self, what: What) {
        self.facts.push(Fact { at: self.now, what });
    }

    /// Records something in the true series, in time since the opening.
    pub(super) fn record(&mut self, entry: impl FnOnce(&mut SeriesRecorder, SimTime)) {
        if self.open_at <= self.now {
            let moment = SimTime(self.now.since(self.open_at).0);
            entry(&mut self.series, moment);
        }
    }

    pub(super) fn pool_of(&self, model: ModelId) -> PoolId {
        self.pool_by_model[model.index()]
    }
}

/// What a run leaves behind.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Hash of every event in order.
    pub event_hash: u64,
    /// Events that happened.
    pub events: u64,
    /// Users' pain.
    pub harm: Harm,
    /// What it cost besides.
    pub cost: Cost,
    /// Counts of what happened.
    pub tally: Tally,
    /// What happened, one by one.
    pub facts: Vec<Fact>,
    /// The faults, as facts number them.
    pub faults: Vec<TimedFault>,
    /// The actions, as facts number them.
    pub actions: Vec<TimedAction>,
    /// True series from the opening to the end.
    pub series: Series,
    /// Whether everything that began ended exactly once.
    pub conservation: Result<(), String>,
}

/// Names as the workload sees them.
pub(super) struct Names {
    pub(super) clients: Vec<String>,
    pub(super) models: Vec<String>,
    pool_by_model: Vec<PoolId>,
}

impl Names {
    pub(super) fn of(stack: &StackSpec) -> Names {
        let mut models: Vec<String> = Vec::new();
        let mut pool_by_model = Vec::new();
        for (index, pool) in stack.pools.iter().enumerate() {
            if !models.contains(&pool.model) {
                models.push(pool.model.clone());
                pool_by_model.push(PoolId(index as u8));
            }
        }
        Names { clients: stack.clients.iter().map(|c| c.name.clone()).collect(), models, pool_by_model }
    }
}

/// The step cost of a preset or of the file's own numbers.
pub(crate) fn step_cost(hardware: &Hardware) -> Option<StepCost> {
    match hardware {
        Hardware::Preset(name) => hardware::preset(name),
        Hardware::Custom(cost) => Some(*cost),
    }
}

fn clients(stack: &StackSpec) -> Vec<Client> {
    let mut first_host = 0;
    (stack.clients.iter())
        .map(|spec| {
            let client = Client {
                name: spec.name.clone(),
                old: spec.policy.clone(),
                new: spec.policy.clone(),
                hosts: spec.hosts.max(1),
                first_host,
                released: 0,
                budget: spec.policy.retry_budget.map(RetryBudget::new),
                active: 0,
                times: ClientTimes::default(),
            };
            first_host += client.hosts;
            client
        })
        .collect()
}

fn ways(link: &LinkSpec) -> Ways {
    Ways::new(link.paths, Path { latency: link.latency_s, jitter: link.jitter_s, loss: link.loss })
}

fn network(stack: &StackSpec) -> Network {
    let spec = &stack.network;
    let rules = ConnectionRules {
        max_age: Some(spec.connection_max_age_s),
        idle_timeout: Some(spec.idle_timeout_s),
        ..ConnectionRules::default()
    };
    Network {
        edge: ways(&spec.edge),
        serving: ways(&spec.serving),
        wires: [Wires::new(&spec.edge), Wires::new(&spec.serving)],
        added_latency: [SimDuration::ZERO; 2],
        pool: ConnectionPool::new(rules),
        connections_per_host: spec.connections_per_host.max(1),
        balance: spec.balance,
        turn: 0,
        name_ttl: spec.name_ttl_s,
        name_wrong_since: None,
        name_right_since: None,
        idle_timeout: spec.idle_timeout_s,
        keepalive: spec.stream_keepalive,
        health: Health::new(health_rules(spec.probe_interval_s, spec.probe_threshold)),
        probe_every: spec.probe_interval_s.max(SimDuration::from_millis(100)),
        probe_timeout: spec.probe_timeout_s,
    }
}

fn api(spec: &ApiSpec) -> Api {
    Api {
        auth: KeyedCache::new(spec.auth.shards, spec.auth.shard_entries, spec.auth.ttl_s),
        store: Station::new(spec.auth.store_connections, None),
        store_factor: 1.0,
        buckets: FxHashMap::default(),
        account_limits: FxHashMap::default(),
        blocked_accounts: Vec::new(),
        blocked_cohorts: Vec::new(),
        flags: Vec::new(),
        shed: 0.0,
        shifted: 0.0,
        images_off: false,
        batch_paused: false,
    }
}

fn gateway(stack: &StackSpec) -> Gateway {
    let spec = &stack.api;
    let max_age = Some(stack.network.serving_connection_max_age_s);
    Gateway {
        up: true,
        process_since: SimTime::ZERO,
        restarts: 0,
        killed: false,
        upstream: ConnectionPool::new(ConnectionRules { max_age, ..ConnectionRules::default() }),
        loop_thread: LoopThread::default(),
        workers: Station::new(spec.workers, Some(spec.backlog)),
        images: Station::new(spec.images.workers, None),
        in_flight: 0,
        streamed_tokens: 0,
        retries_in_flight: 0,
        counts: GatewayCounts::default(),
    }
}

fn shared_cache(stack: &StackSpec) -> Option<SharedCache> {
    let spec = stack.shared_cache.clone()?;
    let nodes = usize::from(spec.nodes);
    let bytes_per_s = (spec.node_gb_per_s * 1e9) as u64;
    Some(SharedCache {
        tier: RemoteTier::new(spec.nodes, spec.node_tokens, spec.block_tokens, spec.ttl_s),
        links: (0..nodes).map(|_| SharedLink::new(bytes_per_s, spec.setup_s)).collect(),
        link_epochs: vec![0; nodes],
        silent_since: vec![None; nodes],
        silences: vec![0; nodes],
        replaced: vec![false; nodes],
        spares: spec.spares,
        grace: spec.controller.grace_s,
        invalid: 0.0,
        bandwidth: 1.0,
        off: false,
        spec,
    })
}
