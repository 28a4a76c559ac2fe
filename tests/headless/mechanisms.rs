//! Every mechanism, alone, moves a visible signal in the direction of life, and leaves alone what it does not touch.
//!
//! Each row is run twice under one seed, without and with the mechanism, on a cell small enough for minutes to take
//! milliseconds. A fault or an action without a row fails. The table is `mechanisms.md`; `SCARTISSUE_BLESS=1` rewrites it.

use std::collections::BTreeSet;
use std::fmt::Write;

use rayon::prelude::*;

use scartissue::metrics::promql::{Query, Value};
use scartissue::metrics::store::Store;
use scartissue::sim::client::Outcome;
use scartissue::sim::rng::mix;
use scartissue::sim::series::Series;
use scartissue::sim::spec::action::Action;
use scartissue::sim::spec::fault::Fault;
use scartissue::sim::spec::stack::{Affinity, RouterPolicy, StackSpec};
use scartissue::sim::spec::{TimedAction, TimedFault, WorldSpec};
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::sim::workload::WorkloadSpec;
use scartissue::sim::world::fact::{What, Why};
use scartissue::sim::world::tally::Tally;
use scartissue::sim::world::{Cost, Ended, World};

/// Seconds after the opening: standing conditions, the mechanism itself, its end where it has one, the end of the world.
const STANDING_S: u64 = 40;
const ONSET_S: u64 = 60;
const END_S: u64 = 150;
const HORIZON_S: u64 = 240;

const STACK: &str = r#"(
    clients: [(name: "sdk", hosts: 40, policy: (
        first_token_timeout: Some(20), total_timeout: 120, retries: 2, backoff: (base: 0.5, cap: 8, jitter: 0.25),
        retry_after: obey,
    ))],
    network: (name_ttl_s: 20, edge: (latency_s: 0.018, jitter_s: 0.004, paths: 4)),
    api: (gateways: 3, workers: 16, upstream_timeout_s: 60, restart_s: 10, images: (workers: 2)),
    pools: [(
        name: "main", model: "sonata", replicas: 4, hardware: Preset("llama-70b-bf16-h100-tp8"), gpus: 2,
        kv_bytes_per_token: 327680, kv_blocks: 4000, max_num_seqs: 64,
        router: (policy: ConsistentHash, affinity: Session, probe_interval_s: 2, probe_threshold: 2),
    )],
    fleet: (spare_nodes: 2, batch_nodes: 2, schedule_s: 3, load_weights_s: 12),
    shared_cache: Some((nodes: 4, spares: 4, node_tokens: 2000000, node_gb_per_s: 100)),
)"#;

const WORKLOAD: &str = r#"(
    cohorts: [
        (name: "solo", accounts: 1, tier: Enterprise, created_from_days: 900, created_to_days: 800),
        (name: "builders", accounts: 400, tier: Paid, created_from_days: 900, created_to_days: 1),
        (name: "people", accounts: 2000, tier: Free, created_from_days: 900, created_to_days: 1),
        (name: "jobs", accounts: 10, tier: Batch, created_from_days: 900, created_to_days: 1),
    ],
    sources: [
        (
            name: "api", client: "sdk", model: "sonata", cohort: "builders", arrivals: Open((per_s: 10)),
            prompt: (
                templates: 60, zipf: 0.6, template_tokens: (median: 2500, sigma: 0.3), new_tokens: (median: 250, sigma: 0.5),
                runs: Some((steps: 3, gaps: [(share: 1, gap_s: 40)])),
            ),
            output_tokens: (median: 80, sigma: 0.5),
        ),
        (
            name: "one", client: "sdk", model: "sonata", cohort: "solo", arrivals: Open((per_s: 1)),
            prompt: (template_tokens: (median: 1500), new_tokens: (median: 200, sigma: 0.5)),
            output_tokens: (median: 60, sigma: 0.5),
        ),
        (
            name: "pictures", client: "sdk", model: "sonata", cohort: "people", arrivals: Open((per_s: 1)),
            prompt: (template_tokens: (median: 600), new_tokens: (median: 200, sigma: 0.5)),
            output_tokens: (median: 60, sigma: 0.5),
            images: Some((share: 1, min: 1, max: 12, megapixels: 1)),
        ),
        (
            name: "nightly", client: "sdk", model: "sonata", cohort: "jobs", patience_s: 110,
            arrivals: Batch(every_s: 60, intents: 30, spread_s: 30),
            prompt: (template_tokens: (median: 600), new_tokens: (median: 300, sigma: 0.5)),
            output_tokens: (median: 100, sigma: 0.5),
        ),
    ],
)"#;

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> T {
    ron::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn small_world() -> WorldSpec {
    let open_at = SimTime::from_secs_f64(260.0);
    WorldSpec {
        stack: parsed::<StackSpec>(STACK),
        workload: parsed::<WorkloadSpec>(WORKLOAD),
        faults: Vec::new(),
        actions: Vec::new(),
        warm_until: SimTime::from_secs_f64(240.0),
        open_at,
        horizon: open_at + SimDuration::from_secs(HORIZON_S),
        bucket: SimDuration::from_secs(5),
    }
}

/// What is switched on.
#[derive(Clone, Copy)]
enum Broken {
    /// A fault, as a scenario writes it.
    Fault(&'static str),
    /// An operator's action.
    Action(&'static str),
    /// A part of the stack, by a name of its own.
    Part(&'static str, fn(&mut WorldSpec)),
}

impl Broken {
    fn name(&self) -> &'static str {
        match self {
            Broken::Fault(text) | Broken::Action(text) => text.split('(').next().unwrap_or(text),
            Broken::Part(name, _) => name,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Broken::Fault(_) => "fault",
            Broken::Action(_) => "action",
            Broken::Part(..) => "part",
        }
    }

    fn apply(&self, spec: &mut WorldSpec, until: Option<u64>) {
        match self {
            Broken::Fault(text) => stand(spec, ONSET_S, until, text),
            Broken::Action(text) => {
                let at = spec.open_at + SimDuration::from_secs(ONSET_S);
                spec.actions.push(TimedAction { at, action: parsed::<Action>(text) });
            }
            Broken::Part(_, change) => change(spec),
        }
    }
}

/// Puts a fault into a world.
fn stand(spec: &mut WorldSpec, at_s: u64, until_s: Option<u64>, text: &str) {
    let moment = |s: u64| spec.open_at + SimDuration::from_secs(s);
    let (at, until) = (moment(at_s), until_s.map(moment));
    let id = format!("change-{}", spec.faults.len());
    spec.faults.push(TimedFault { id, at, until, fault: parsed::<Fault>(text) });
}

/// A run, and what happened in the window from the onset on, or from some time after the end of the fault.
struct Seen {
    ended: Ended,
    from_s: f64,
    before: Tally,
    after: Tally,
    cost: Cost,
    /// What monitoring found, up to the end.
    scraped: Store,
    end_ms: i64,
    /// Attempts that a client or a gateway holds, on average: by Little's law rate times residence.
    in_flight: f64,
}

fn run(spec: &WorldSpec, seed: u64, from_s: u64) -> Seen {
    let mut world = World::new(spec, seed).unwrap_or_else(|e| panic!("{e:?}"));
    world.scrape_everything();
    let moment = |s: u64| spec.open_at + SimDuration::from_secs(s);
    let odd = SimDuration(mix(seed, spec.faults.len() as u64) % SimDuration::from_secs(from_s).0);
    world.advance_to(spec.open_at + odd);
    world.conservation().unwrap_or_else(|e| panic!("{}: {e}", world.now()));
    world.advance_to(moment(from_s));
    let before = world.tally().clone();
    let mut inside = Vec::new();
    for second in from_s..HORIZON_S {
        world.advance_to(moment(second));
        inside.push((world.tally().attempts_begun - world.tally().attempts_ended) as f64);
        if mix(seed, second).is_multiple_of(16) {
            world.conservation().unwrap_or_else(|e| panic!("{}: {e}", world.now()));
        }
    }
    world.advance_to(spec.horizon);
    let after = world.tally().clone();
    let (scraped, end_ms) = (world.scraped().clone(), (spec.horizon.0 / 1_000_000) as i64);
    let ended = world.finish();
    ended.conservation.clone().unwrap_or_else(|e| panic!("{e}"));
    let in_flight = inside.iter().sum::<f64>() / inside.len() as f64;
    Seen { from_s: from_s as f64, before, after, cost: ended.cost, scraped, end_ms, in_flight, ended }
}

impl Seen {
    fn mean(&self, column: fn(&Series) -> &[f64]) -> f64 {
        let s = &self.ended.series;
        let inside: Vec<f64> =
            s.t_s.iter().zip(column(s)).filter(|(t, _)| self.from_s < **t).map(|(_, v)| *v).collect();
        inside.iter().sum::<f64>() / inside.len() as f64
    }

    fn some(&self, column: fn(&Series) -> &[Option<f64>]) -> f64 {
        let s = &self.ended.series;
        let pairs = s.t_s.iter().zip(column(s)).filter(|(t, _)| self.from_s < **t);
        let inside: Vec<f64> = pairs.filter_map(|(_, v)| *v).collect();
        inside.iter().sum::<f64>() / inside.len().max(1) as f64
    }

    fn outcome(&self, outcome: Outcome) -> f64 {
        (self.after.outcome(outcome) - self.before.outcome(outcome)) as f64
    }

    fn count(&self, of: fn(&Tally) -> u64) -> f64 {
        (of(&self.after) - of(&self.before)) as f64
    }

    /// What a query over what was scraped gives at the end, `{}` being the length of the window; 0 for no answer.
    fn asked(&self, query: &str) -> f64 {
        let window = format!("{}s", HORIZON_S - self.from_s as u64);
        let query = Query::parse(&query.replace("{}", &window)).unwrap_or_else(|e| panic!("{query}: {e}"));
        match query.eval_at(&self.scraped, self.end_ms).unwrap_or_else(|e| panic!("{}: {e}", query.text())) {
            Value::Scalar(value) => value,
            Value::Vector(samples) => samples.first().map_or(0.0, |sample| sample.value),
            other => panic!("{} gives no value: {other:?}", query.text()),
        }
    }

    /// Age of the newest sample at the end, in seconds.
    fn age_of_scrapes(&self) -> f64 {
        let points = self.scraped.select(Some("up"), |_| true);
        let newest = points.into_iter().filter_map(|id| self.scraped.points(id).last().map(|p| p.t_ms)).max();
        (self.end_ms - newest.unwrap_or(0)) as f64 / 1000.0
    }

    fn facts(&self, is: fn(&What) -> bool) -> f64 {
        self.ended.facts.iter().filter(|f| is(&f.what)).count() as f64
    }
}

/// Something that can be looked at.
#[derive(Clone, Copy)]
struct Signal {
    name: &'static str,
    of: fn(&Seen) -> f64,
    /// Less than this is nothing: for ratios of small numbers.
    floor: f64,
}

macro_rules! signals {
    ($($constant:ident = $name:literal, $floor:literal, $of:expr;)*) => {
        $(const $constant: Signal = Signal { name: $name, of: $of, floor: $floor };)*
    };
}

signals! {
    UTILIZATION = "reported utilization of a rank", 1.0, |s| s.asked("avg(avg_over_time(DCGM_FI_DEV_GPU_UTIL{pod=\"main-0\",gpu=\"0\"}[{}]))");
    POWER = "power of a rank", 1.0, |s| s.asked("avg(avg_over_time(DCGM_FI_DEV_POWER_USAGE{pod=\"main-0\",gpu=\"0\"}[{}]))");
    DRAM = "memory activity of an accelerator", 0.01, |s| s.asked("avg(avg_over_time(DCGM_FI_PROF_DRAM_ACTIVE{pod=\"main-0\"}[{}]))");
    TENSOR = "compute activity of an accelerator", 0.01, |s| s.asked("avg(avg_over_time(DCGM_FI_PROF_PIPE_TENSOR_ACTIVE{pod=\"main-0\"}[{}]))");
    TOKEN_GAP = "time between tokens, 99.9th percentile", 0.001,
        |s| s.asked("histogram_quantile(0.999, sum by (le) (increase(vllm:inter_token_latency_seconds_bucket[{}])))");
    FREE_MEMORY = "free memory of a machine, least", 1.0, |s| s.asked("min(min_over_time(node_memory_MemAvailable_bytes[{}]))");
    EVICTIONS = "evictions of the shared tier", 1.0, |s| s.asked("sum(increase(kvcache_removed_blocks_total{reason=\"evicted\"}[{}]))");
    TIER_HITS = "hits at nodes of the shared tier", 1.0, |s| s.asked("sum(increase(kvcache_hits_total[{}]))");
    RETRY_COUNTS = "requests that say they are retries", 1.0, |s| s.asked("sum(increase(api_requests_total{retry_count!=\"0\"}[{}]))");
    UPSTREAM_MS = "time of calls as gateways see it, 10th percentile", 1.0,
        |s| s.asked("histogram_quantile(0.1, sum by (le) (increase(envoy_cluster_upstream_rq_time_bucket[{}])))");
    LENGTH = "answers that ran into the window", 1.0, |s| s.asked("sum(increase(vllm:request_success_total{finished_reason=\"length\"}[{}]))");
    SAMPLES = "samples scraped", 1.0, |s| s.asked("sum(count_over_time(up[{}]))");
    TARGETS_UP = "targets that answer scrapes", 0.1, |s| s.asked("sum(avg_over_time(up[{}]))");
    SCRAPE_AGE = "age of the newest sample", 1.0, |s| s.age_of_scrapes();
    INTENTS = "intents per second", 0.1, |s| s.mean(|c| &c.intents_per_s);
    ATTEMPTS = "attempts per second", 0.1, |s| s.mean(|c| &c.attempts_per_s);
    ERRORS = "failed attempts per second", 0.1, |s| s.mean(|c| &c.errors_per_s);
    READY = "ready replicas", 0.1, |s| s.mean(|c| &c.ready_replicas);
    TTFT = "time to first token, median", 0.01, |s| s.some(|c| &c.ttft_p50_s);
    TTFT_TAIL = "time to first token, 99th percentile", 0.05, |s| s.some(|c| &c.ttft_p99_s);
    HIT = "hit ratio", 0.02, |s| s.some(|c| &c.hit_ratio);
    HIT_HBM = "hit ratio, accelerator memory", 0.02, |s| s.some(|c| &c.hit_hbm);
    HIT_REMOTE = "hit ratio, shared tier", 0.02, |s| s.some(|c| &c.hit_remote);
    PREFILL = "prefill tokens per request", 10.0, |s| s.some(|c| &c.prefill_tokens_per_request);
    BUSY = "accelerator duty cycle", 0.02, |s| s.some(|c| &c.gpu_busy);
    STREAM = "time from first token to last", 0.1,
        |s| s.in_flight / s.mean(|c| &c.attempts_per_s) - s.some(|c| &c.ttft_p50_s);
    HARM = "user-minutes lost", 1.0, |s| s.ended.harm.user_minutes_lost;
    CONNECT_TIMEOUTS = "connect time-outs", 1.0, |s| s.outcome(Outcome::ConnectTimeout);
    TOO_MANY = "answers 429", 1.0, |s| s.outcome(Outcome::TooManyRequests);
    FORBIDDEN = "answers 403", 1.0, |s| s.outcome(Outcome::Forbidden);
    BAD_REQUEST = "answers 400", 1.0, |s| s.outcome(Outcome::BadRequest);
    UNAVAILABLE = "answers 503", 1.0, |s| s.outcome(Outcome::Unavailable);
    TLS = "failed handshakes", 1.0, |s| s.count(|t| t.tls_failures);
    IDLE_CUTS = "streams cut by the balancer", 1.0, |s| s.count(|t| t.idle_cuts);
    CONNECTIONS = "connections opened", 1.0, |s| s.count(|t| t.connections_opened);
    AUTH_FAILURES = "failed authentications", 1.0, |s| s.count(|t| t.auth_failures);
    DECODER = "exceptions in the image decoder", 1.0, |s| s.count(|t| t.decoder_exceptions);
    FLAG = "exceptions behind a flag", 1.0, |s| s.count(|t| t.flag_exceptions);
    GATEWAY_RETRIES = "gateway retries", 1.0, |s| s.count(|t| t.gateway_retries);
    OVER_BUDGET = "gateway retries over budget", 1.0, |s| s.count(|t| t.retries_over_budget);
    UPSTREAM_TIMEOUTS = "upstream time-outs", 1.0, |s| s.count(|t| t.upstream_timeouts);
    ORPHANS = "orphaned calls", 1.0, |s| s.count(|t| t.orphaned_calls);
    TURN_RESTARTS = "turns begun again", 1.0, |s| s.count(|t| t.turn_restarts);
    ABANDONED = "users who went away", 1.0, |s| s.count(|t| t.abandoned);
    PREEMPTIONS = "preemptions", 1.0, |s| s.count(|t| t.preemptions);
    OVERLOADED = "answers 529", 1.0, |s| s.outcome(Outcome::Overloaded);
    LOAD_FAILURES = "requests failed by a load", 1.0, |s| s.count(|t| t.load_failures);
    LOAD_TIMEOUTS = "loads given up", 1.0, |s| s.count(|t| t.load_timeouts);
    ELSEWHERE = "intents answered by another cell", 1.0, |s| s.count(|t| t.intents_elsewhere);
    KILLED = "gateways killed", 1.0, |s| s.facts(|w| matches!(w, What::GatewayKilled(_)));
    PENDING = "replicas without a machine", 1.0, |s| s.facts(|w| matches!(w, What::ReplicaPending(..)));
    WATCHDOG = "replicas ended by the watchdog", 1.0, |s| s.facts(|w| matches!(w, What::ReplicaDown(_, _, Why::Watchdog)));
    OUT_OF_MEMORY = "replicas out of host memory", 1.0, |s| s.facts(|w| matches!(w, What::ReplicaDown(_, _, Why::OutOfMemory)));
    LOST = "replicas that lost an accelerator", 1.0, |s| s.facts(|w| matches!(w, What::ReplicaDown(_, _, Why::GpuLost)));
    GATEWAY_OUT = "gateways taken out by the balancer", 1.0, |s| s.facts(|w| matches!(w, What::GatewayEndpoint(_, false)));
    OUT = "replicas taken out by the router", 1.0, |s| s.facts(|w| matches!(w, What::Endpoint(_, _, false)));
    REPLACED = "cache nodes replaced", 1.0, |s| s.facts(|w| matches!(w, What::NodeReplaced(_)));
    CHANGES = "entries in the change log", 1.0, |s| s.facts(|w| matches!(w, What::FaultBegan(_)));
    SCALED = "decisions of the autoscaler", 1.0, |s| s.facts(|w| matches!(w, What::Autoscaled(..)));
    RESTARTS = "restarts", 1.0, |s| s.cost.restarts as f64;
    BATCH_LOST = "batch intents held", 1.0, |s| s.cost.batch_intents_lost as f64;
}

/// Which way a signal goes, and how far at least.
#[derive(Clone, Copy, Debug)]
enum Moves {
    /// To this many times as much, or more.
    Up(f64),
    /// To this share, or less.
    Down(f64),
}
use Moves::{Down, Up};

/// A mechanism with what it must move and what it must leave alone.
struct Row {
    broken: Broken,
    /// What else is so in both worlds.
    given: fn(&mut WorldSpec),
    signal: Signal,
    moves: Moves,
    quiet: Option<Signal>,
    /// A fault whose end puts everything back within a minute.
    ends: bool,
}

fn fault(text: &'static str, given: fn(&mut WorldSpec), signal: Signal, moves: Moves, quiet: Option<Signal>) -> Row {
    Row { broken: Broken::Fault(text), given, signal, moves, quiet, ends: true }
}

/// A fault that nothing undoes: what it took is gone, or comes back by itself.
fn lasting(text: &'static str, given: fn(&mut WorldSpec), signal: Signal, moves: Moves, quiet: Option<Signal>) -> Row {
    Row { ends: false, ..fault(text, given, signal, moves, quiet) }
}

fn action(text: &'static str, given: fn(&mut WorldSpec), signal: Signal, moves: Moves, quiet: Option<Signal>) -> Row {
    Row { broken: Broken::Action(text), given, signal, moves, quiet, ends: false }
}

fn part(
    name: &'static str,
    change: fn(&mut WorldSpec),
    given: fn(&mut WorldSpec),
    signal: Signal,
    moves: Moves,
) -> Row {
    Row { broken: Broken::Part(name, change), given, signal, moves, quiet: Some(INTENTS), ends: false }
}

fn plain(_: &mut WorldSpec) {}

fn short_connections(spec: &mut WorldSpec) {
    spec.stack.network.connection_max_age_s = SimDuration::from_secs(10);
}

fn short_upstream(spec: &mut WorldSpec) {
    spec.stack.network.serving_connection_max_age_s = SimDuration::from_secs(10);
}

/// Connections to one replica have to be made anew in the middle of it; those to the others live on.
fn one_crash(spec: &mut WorldSpec) {
    stand(spec, ONSET_S + 20, None, "ReplicaCrash(pool: \"main\", replica: 0)");
}

fn impatient(spec: &mut WorldSpec) {
    spec.stack.clients[0].policy.first_token_timeout = Some(SimDuration::from_millis(130));
}

fn two_shards(spec: &mut WorldSpec) {
    spec.stack.api.auth.shards = 2;
}

fn shard_down(spec: &mut WorldSpec) {
    two_shards(spec);
    stand(spec, STANDING_S, None, "AuthShardDown(shard: 0)");
}

fn bad_flag(spec: &mut WorldSpec) {
    stand(spec, STANDING_S, None, "BadFlag(flag: \"tone\", share: 0.3)");
}

fn fail_fast(spec: &mut WorldSpec) {
    (spec.stack.api.retry.budget, spec.stack.api.retry.budget_floor) = (1.0, 0);
    stand(spec, STANDING_S, None, "FailFast(pool: \"main\", replica: 0)");
}

fn by_template(spec: &mut WorldSpec) {
    spec.stack.pools[0].router.affinity = Affinity::Prefix;
}

/// So many templates, all known, that what is lost does not come back in minutes.
fn wide(spec: &mut WorldSpec) {
    (spec.workload.sources[0].prompt.templates, spec.workload.sources[0].prompt.zipf) = (4000, 0.0);
    let history = SimDuration::from_secs(1500);
    spec.warm_until += history;
    spec.open_at += history;
    spec.horizon += history;
    spec.stack.shared_cache.as_mut().expect("the stack has one").node_tokens = 10_000_000;
}

fn least_loaded(spec: &mut WorldSpec) {
    spec.stack.pools[0].router.policy = RouterPolicy::LeastLoaded;
}

/// Twice the traffic, so that loads differ.
fn crowded(spec: &mut WorldSpec) {
    spec.workload.sources[0].arrivals = parsed("Open((per_s: 24))");
}

/// A tenth of the traffic, so that accelerators have time to rest.
fn sparse(spec: &mut WorldSpec) {
    spec.workload.sources[0].arrivals = parsed("Open((per_s: 1))");
}

fn long_prompts(spec: &mut WorldSpec) {
    spec.stack.shared_cache = None;
    spec.stack.pools[0].kv_blocks = 40_000;
    spec.stack.pools[0].max_num_batched_tokens = 1024;
    spec.workload.sources[0].prompt =
        parsed("(templates: 4000, zipf: 0, template_tokens: (median: 6000), new_tokens: (median: 1000))");
    spec.stack.clients[0].policy.first_token_timeout = Some(SimDuration::from_millis(250));
}

fn impatient_controller(spec: &mut WorldSpec) {
    stand(spec, 1, None, "CacheGrace(grace_s: 5)");
}

fn patient_roll(spec: &mut WorldSpec) {
    stand(spec, ONSET_S + 20, None, "CacheAgentRoll(silent_s: 15, every_s: 2)");
}

fn replaced_nodes(spec: &mut WorldSpec) {
    wide(spec);
    impatient_controller(spec);
    stand(spec, STANDING_S, None, "CacheAgentRoll(silent_s: 15, every_s: 2)");
}

fn slow_tier(spec: &mut WorldSpec) {
    spec.stack.pools[0].load_timeout_s = Some(SimDuration::from_millis(30));
    stand(spec, STANDING_S, None, "CacheBandwidth(share: 0.005)");
}

fn hung_rank(spec: &mut WorldSpec) {
    stand(spec, ONSET_S + 10, None, "GpuHang(pool: \"main\", replica: 0, gpu: 1, watchdog_s: 600)");
}

fn slow_rollout(spec: &mut WorldSpec) {
    stand(spec, STANDING_S, None, "ServingRollout(pool: \"main\", every_s: 30)");
}

fn expired(spec: &mut WorldSpec) {
    short_connections(spec);
    stand(spec, STANDING_S, None, "CertificateExpires(hop: Edge)");
}

fn removed(spec: &mut WorldSpec) {
    stand(spec, STANDING_S, None, "ReplicasRemoved(pool: \"main\", count: 2)");
}

/// Two replicas more are wanted than there are machines for.
fn waiting_for_machines(spec: &mut WorldSpec) {
    spec.stack.fleet.spare_nodes = 0;
    let at = spec.open_at + SimDuration::from_secs(STANDING_S);
    spec.actions.push(TimedAction { at, action: parsed("Scale(pool: \"main\", replicas: 6)") });
}

/// A replica goes, and another comes onto its machine: there is no other.
fn replaced(spec: &mut WorldSpec) {
    spec.stack.fleet.spare_nodes = 0;
    let replicas = spec.stack.pools[0].replicas;
    for (at_s, action) in [
        (10, "Drain(pool: \"main\", replica: 0)".to_string()),
        (30, format!("Scale(pool: \"main\", replicas: {replicas})")),
    ] {
        let at = spec.open_at + SimDuration::from_secs(ONSET_S + at_s);
        spec.actions.push(TimedAction { at, action: parsed(&action) });
    }
}

/// Replicas that hold a good part of what there is, and a tier that is emptied just before it is filled again.
fn flushed_late(spec: &mut WorldSpec) {
    wide(spec);
    spec.workload.sources[0].prompt.templates = 800;
    spec.stack.pools[0].kv_blocks = 40_000;
    stand(spec, ONSET_S + 29, None, "CacheFlush"); // warming takes effect half a minute after its order
}

/// Many gateways, each with a router that counts only what it sends itself, and traffic enough to queue.
fn many_routers(spec: &mut WorldSpec) {
    least_loaded(spec);
    spec.stack.api.gateways = 24;
    spec.workload.sources[0].arrivals = parsed("Open((per_s: 36))");
}

/// A tokenizer of one thread that cannot keep up.
fn one_slow_tokenizer(spec: &mut WorldSpec) {
    spec.stack.pools[0].tokenizer_threads = 1;
    spec.stack.pools[0].router.probe_timeout_s = SimDuration::from_millis(500);
    stand(spec, STANDING_S, None, "TokenizerSlow(pool: \"main\", factor: 70)");
}

/// Nobody keeps a connection for long.
fn reconnecting(spec: &mut WorldSpec) {
    spec.stack.network.connection_max_age_s = SimDuration::from_millis(500);
}

/// A tenant whose documents take a second of prefill each, beside everybody's answers.
fn long_documents(spec: &mut WorldSpec) {
    spec.stack.pools[0].kv_blocks = 40_000;
    spec.stack.pools[0].max_num_batched_tokens = 1024;
    let mut documents = spec.workload.sources[1].clone();
    documents.name = "documents".to_string();
    documents.prompt =
        parsed("(templates: 1, template_tokens: (median: 100), new_tokens: (median: 20000, sigma: 0.1))");
    spec.workload.sources.push(documents);
}

fn two_languages(spec: &mut WorldSpec) {
    spec.workload.cohorts[1].languages = parsed("[(code: \"en\", share: 3), (code: \"th\", share: 1)]");
}

/// What grammars of a kind are known to cost, and not what ours are estimated to.
fn costly_parameters(spec: &mut WorldSpec) {
    (spec.stack.pools[0].schema_us, spec.stack.pools[0].logprobs_us) = (2000.0, 500.0);
}

fn auth_asks_often(spec: &mut WorldSpec) {
    spec.stack.api.auth.ttl_s = SimDuration::from_secs(1);
}

fn slow_parsing(spec: &mut WorldSpec) {
    spec.stack.api.parse_s = SimDuration::from_millis(150);
}

fn scaler(spec: &mut WorldSpec) {
    crowded(spec);
    spec.stack.pools[0].autoscaler = Some(parsed(
        r#"(query: "sum(vllm:num_requests_running{pool=\"main\"})", target: 0.05, min: 4, max: 200, interval_s: 5, max_step: 1)"#,
    ));
}

fn rows() -> Vec<Row> {
    let mut rows = fault_rows();
    rows.extend(action_rows());
    rows.extend(part_rows());
    rows.extend(scaler_rows());
    rows
}

#[rustfmt::skip]
fn fault_rows() -> Vec<Row> {
    vec![
        fault("ClientRelease(client: \"sdk\", policy: (first_token_timeout: Some(0.1), retries: 4))", plain, ATTEMPTS, Up(1.5), Some(INTENTS)),
        fault("LinkLoss(hop: Edge, loss: 0.03)", plain, TTFT_TAIL, Up(1.2), Some(PREFILL)),
        fault("LinkLoss(hop: Edge, loss: 0.2, path: Some(1))", plain, TTFT_TAIL, Up(1.5), Some(PREFILL)),
        fault("LinkLatency(hop: Serving, added_s: 1)", plain, UPSTREAM_MS, Up(1.2), Some(HIT)),
        fault("LinkLatency(hop: Serving, added_s: 0.2)", plain, TTFT, Up(1.5), Some(HIT)),
        fault("LinkCapacity(hop: Edge, gb_per_s: Some(0.0012))", plain, TTFT_TAIL, Up(1.5), Some(INTENTS)),
        fault("LinkCapacity(hop: Serving, gb_per_s: Some(0.005))", plain, TTFT_TAIL, Up(1.2), Some(INTENTS)),
        fault("NameRecordWrong", short_connections, CONNECT_TIMEOUTS, Up(10.0), Some(INTENTS)),
        fault("CertificateExpires(hop: Edge)", short_connections, TLS, Up(10.0), Some(INTENTS)),
        fault("CertificateExpires(hop: Serving)", short_upstream, UNAVAILABLE, Up(10.0), Some(INTENTS)),
        fault("CertificateExpires(hop: Serving)", one_crash, TLS, Up(10.0), Some(TTFT)),
        fault("IdleTimeout(timeout_s: 0.15)", plain, IDLE_CUTS, Up(10.0), Some(INTENTS)),
        fault("ConnectionRules(max_age_s: 2, balance: RoundRobin)", plain, CONNECTIONS, Up(3.0), Some(HIT)),
        fault("AuthShardDown(shard: 0)", two_shards, TTFT, Up(1.3), Some(HIT)),
        fault("AuthStoreSlow(factor: 150)", auth_asks_often, AUTH_FAILURES, Up(10.0), Some(INTENTS)),
        fault("ImageDecoder(decoder_table: 4, limit_checked_first: false, limit: 20)", plain, DECODER, Up(10.0), Some(TTFT)),
        fault("BadFlag(flag: \"tone\", share: 0.3)", plain, FLAG, Up(10.0), Some(HIT)),
        fault("BadFlag(flag: \"tone\", share: 1, language: Some(\"th\"))", two_languages, FLAG, Up(10.0), Some(HIT)),
        fault("GatewayLoop(per_request_s: 0.15)", plain, TTFT, Up(1.3), Some(PREFILL)),
        fault("GatewayLoop(per_request_s: 0, us_per_token: 150)", plain, GATEWAY_OUT, Up(1.0), Some(INTENTS)),
        fault("GatewayWorkers(workers: 1)", slow_parsing, TTFT, Up(1.3), Some(PREFILL)),
        fault("GatewayMemory(limit_mib: 356, per_request_mib: 0.8)", plain, KILLED, Up(1.0), Some(INTENTS)),
        fault("GatewayMemory(limit_mib: 400, per_request_mib: 0.8, per_streamed_token_kib: 40)", plain, KILLED, Up(1.0), Some(INTENTS)),
        fault("RateLimit(tier: Paid, requests_per_min: 1, tokens_per_min: 1000000)", plain, TOO_MANY, Up(10.0), Some(TTFT)),
        fault("GatewayRetries(retries: 3, per_try_timeout_s: Some(0.05), budget: 1)", plain, GATEWAY_RETRIES, Up(10.0), Some(INTENTS)),
        fault("CancellationLost(gateway_to_engine: true)", impatient, ORPHANS, Up(10.0), Some(INTENTS)),
        fault("CancellationLost(client_to_gateway: true)", impatient, BUSY, Up(1.015), Some(INTENTS)),
        fault("Router(pool: \"main\", policy: RoundRobin)", by_template, HIT_HBM, Down(0.9), Some(INTENTS)),
        fault("RouterViewStale(pool: \"main\", interval_s: 40)", many_routers, TTFT_TAIL, Up(1.2), Some(INTENTS)),
        fault("FailFast(pool: \"main\", replica: 0)", least_loaded, GATEWAY_RETRIES, Up(10.0), Some(READY)),
        lasting("ReplicaCrash(pool: \"main\", replica: 0)", plain, READY, Down(0.99), Some(INTENTS)),
        lasting("HostMemoryLeak(pool: \"main\", replica: Some(1), mib_per_request: 20000)", plain, OUT_OF_MEMORY, Up(1.0), Some(INTENTS)),
        lasting("HostMemoryLeak(pool: \"main\", mib_per_request: 500)", plain, FREE_MEMORY, Down(0.97), Some(READY)),
        lasting("HostMemoryLeak(pool: \"main\", mib_per_request: 20000)", plain, RESTARTS, Up(4.0), Some(INTENTS)),
        lasting("ReplicasRemoved(pool: \"main\", count: 2)", plain, READY, Down(0.7), Some(INTENTS)),
        fault("EngineBatching(pool: \"main\", max_num_batched_tokens: 64)", plain, TTFT, Up(1.2), Some(INTENTS)),
        fault("EngineBatching(pool: \"main\", max_num_batched_tokens: 16384)", long_documents, TOKEN_GAP, Up(1.5), Some(INTENTS)),
        fault("CacheBlocks(pool: \"main\", kv_blocks: 1200)", plain, HIT_HBM, Down(0.9), Some(INTENTS)),
        fault("LongerAnswers(pool: \"main\", factor: 4)", plain, STREAM, Up(2.0), Some(HIT)),
        fault("AbortRule(pool: \"main\", keep: false)", long_prompts, HIT_HBM, Down(0.9), Some(INTENTS)),
        fault("HostStall(pool: \"main\", added_s: 0.05)", plain, STREAM, Up(1.5), Some(HIT)),
        fault("TokenizerSlow(pool: \"main\", factor: 100)", plain, TTFT, Up(1.5), Some(HIT)),
        fault("GpuClock(pool: \"main\", gpu: Some(0), clock: 0.4)", plain, TTFT, Up(1.2), Some(HIT)),
        fault("GpuMemory(pool: \"main\", replica: 0, gpu: 1, factor: 4)", plain, STREAM, Up(1.2), Some(HIT)),
        fault("GpuMemory(pool: \"main\", replica: 0, gpu: 0, factor: 3)", plain, DRAM, Up(1.2), Some(HIT)),
        fault("GpuClock(pool: \"main\", replica: Some(0), clock: 0.5)", plain, TENSOR, Up(1.2), Some(HIT)),
        fault("GpuLink(pool: \"main\", replica: 0, bandwidth: 0.1)", plain, STREAM, Up(1.05), Some(HIT)),
        lasting("GpuHang(pool: \"main\", replica: 0, gpu: 1, watchdog_s: 20)", plain, WATCHDOG, Up(1.0), Some(INTENTS)),
        lasting("GpuHang(pool: \"main\", replica: 0, gpu: 1, watchdog_s: 600)", sparse, UTILIZATION, Up(1.3), Some(INTENTS)),
        lasting("GpuHang(pool: \"main\", replica: 0, gpu: 1, watchdog_s: 601)", crowded, POWER, Down(0.8), Some(INTENTS)),
        lasting("GpuLost(pool: \"main\", replica: 0, gpu: 1)", plain, LOST, Up(1.0), Some(INTENTS)),
        fault("Cooling(inlet_c: 75)", crowded, TTFT, Up(1.1), Some(INTENTS)),
        lasting("CacheFlush", wide, HIT_REMOTE, Down(0.7), Some(ERRORS)),
        lasting("CacheFlush", wide, TIER_HITS, Down(0.8), Some(ERRORS)),
        fault("CacheValidation(invalid: 0.9)", plain, HIT_REMOTE, Down(0.5), Some(ERRORS)),
        lasting("CacheAgentRoll(silent_s: 15, every_s: 2)", impatient_controller, REPLACED, Up(4.0), Some(ERRORS)),
        lasting("CacheGrace(grace_s: 5)", patient_roll, REPLACED, Up(4.0), Some(ERRORS)),
        lasting("CacheNodeDown(node: 0)", wide, HIT_REMOTE, Down(0.95), Some(ERRORS)),
        fault("CacheBandwidth(share: 0.01)", plain, TTFT, Up(1.2), Some(HIT)),
        lasting("CacheKeySeed(pool: \"main\", at_once: true)", plain, HIT_REMOTE, Down(0.8), Some(ERRORS)),
        fault("CacheTtl(ttl_s: 5)", plain, HIT_REMOTE, Down(0.8), Some(ERRORS)),
        fault("LoadFailurePolicy(pool: \"main\", fail: true)", slow_tier, LOAD_FAILURES, Up(10.0), Some(READY)),
        lasting("Probes(pool: \"main\", threshold: 1, deep: true)", hung_rank, OUT, Up(1.0), Some(INTENTS)),
        lasting("ServingRollout(pool: \"main\", every_s: 15)", plain, RESTARTS, Up(4.0), Some(INTENTS)),
        lasting("GatewayRollout(every_s: 10)", plain, CONNECTIONS, Up(1.5), Some(INTENTS)),
        lasting("Benign(what: \"sdk 1.2.1 (typing fixes)\")", plain, CHANGES, Up(1.0), Some(HARM)),
    ]
}

#[rustfmt::skip]
fn action_rows() -> Vec<Row> {
    vec![
        action("Scale(pool: \"main\", replicas: 6)", plain, READY, Up(1.2), Some(INTENTS)),
        action("Scale(pool: \"main\", replicas: 9)", plain, PENDING, Up(3.0), Some(INTENTS)),
        action("Drain(pool: \"main\", replica: 0)", plain, READY, Down(0.9), Some(ERRORS)),
        action("Restart(pool: \"main\", replica: None)", plain, RESTARTS, Up(4.0), Some(INTENTS)),
        action("Restart(pool: \"main\", replica: Some(1))", plain, RESTARTS, Up(1.0), Some(INTENTS)),
        action("RestartGateways", plain, CONNECTIONS, Up(1.5), Some(INTENTS)),
        action("FlushCache", wide, HIT_REMOTE, Down(0.7), Some(ERRORS)),
        action("WarmCache", flushed_late, HIT_REMOTE, Up(1.1), Some(ERRORS)),
        action("RestoreCacheMembers", replaced_nodes, HIT_REMOTE, Up(1.1), Some(ERRORS)),
        action("Shed(share: 0.5)", plain, TOO_MANY, Up(10.0), Some(INTENTS)),
        action("RateLimit(tier: None, requests_per_min: 1)", plain, TOO_MANY, Up(10.0), Some(INTENTS)),
        action("RateLimitAccount(account: 0, requests_per_min: 6)", plain, TOO_MANY, Up(10.0), Some(TTFT)),
        action("BlockCohort(cohort: \"people\")", plain, FORBIDDEN, Up(10.0), Some(TTFT)),
        action("BlockAccount(account: 0)", plain, FORBIDDEN, Up(10.0), Some(TTFT)),
        action("Rollback(change: \"change-0\")", bad_flag, FLAG, Down(0.7), Some(INTENTS)),
        action("FlagOff(flag: \"tone\")", bad_flag, FLAG, Down(0.3), Some(INTENTS)),
        action("FreezeRollouts", slow_rollout, RESTARTS, Down(0.5), Some(INTENTS)),
        action("Router(pool: \"main\", policy: RoundRobin)", by_template, HIT_HBM, Down(0.9), Some(INTENTS)),
        action("UpstreamTimeout(timeout_s: 0.05)", plain, UPSTREAM_TIMEOUTS, Up(10.0), Some(INTENTS)),
        action("RetryBudget(share: 0)", fail_fast, OVER_BUDGET, Up(10.0), Some(INTENTS)),
        action("ShiftTraffic(share: 0.5)", plain, ELSEWHERE, Up(10.0), Some(INTENTS)),
        action("PauseBatch", plain, BATCH_LOST, Up(10.0), Some(INTENTS)),
        action("TakeBatchNodes(nodes: 2)", waiting_for_machines, READY, Up(1.2), Some(INTENTS)),
        action("FeatureOff(feature: \"images\")", plain, BAD_REQUEST, Up(10.0), Some(HIT)),
        action("FeatureOff(feature: \"shared_cache\")", plain, HIT_REMOTE, Down(0.3), Some(ERRORS)),
        action("RenewCertificates", expired, TLS, Down(0.6), Some(INTENTS)),
        action("Cordon(pool: \"main\", replica: 0)", replaced, READY, Down(0.95), Some(INTENTS)),
        action("Uncordon(pool: \"main\")", removed, READY, Up(1.3), Some(INTENTS)),
        action("FailOverAuthShard(shard: 0)", shard_down, TTFT, Down(0.9), Some(HIT)),
    ]
}

#[rustfmt::skip]
fn part_rows() -> Vec<Row> {
    vec![
        part("answers by a schema", |w| w.workload.sources[0].params = Some(parsed("(schema: true, logprobs: true)")), costly_parameters, STREAM, Up(1.2)),
        part("dormant accounts", |w| w.workload.cohorts[1].active = Some(1), |w| stand(w, 1, None, "RateLimit(tier: Paid, requests_per_min: 60, tokens_per_min: 1000000000)"), TOO_MANY, Up(10.0)),
        part("capacity of the shared tier", |w| w.stack.shared_cache.as_mut().expect("the stack has one").node_tokens = 200_000, plain, EVICTIONS, Up(3.0)),
        part("retry count of the SDK", |w| w.stack.clients[0].policy.retries = 5, |w| { w.stack.clients[0].policy.retries = 0; bad_flag(w) }, RETRY_COUNTS, Up(10.0)),
        part("window of the model", |w| w.stack.pools[0].max_model_len = 3200, plain, LENGTH, Up(10.0)),
        part("retries of the SDK", |w| w.stack.clients[0].policy.retries = 5, bad_flag, ATTEMPTS, Up(1.02)),
        part("restarts of the agent framework", |w| w.stack.clients[0].policy.turn_restarts = Some(parsed("(limit: 2, wait: 1)")), bad_flag, TURN_RESTARTS, Up(10.0)),
        part("retries of the gateway", |w| w.stack.api.retry.retries = 3, |w| { w.stack.api.retry.retries = 0; fail_fast(w) }, GATEWAY_RETRIES, Up(10.0)),
        part("retry budget of the gateway", |w| w.stack.api.retry.budget = 0.0, fail_fast, OVER_BUDGET, Up(10.0)),
        part("ejection by errors", |w| w.stack.pools[0].router.eject_after_errors = 3, |w| { least_loaded(w); fail_fast(w) }, GATEWAY_RETRIES, Down(0.5)),
        part("deep probes", |w| w.stack.pools[0].router.deep_probe = true, hung_rank, OUT, Up(1.0)),
        part("probes behind the tokenizer", |w| w.stack.pools[0].router.probe_behind_tokenizer = true, one_slow_tokenizer, OUT, Up(1.0)),
        part("handshakes on the gateway's loop", |w| w.stack.api.handshake_s = SimDuration::from_millis(120), reconnecting, TTFT, Up(1.2)),
        part("keep-alive on silent streams", |w| w.stack.network.stream_keepalive = true, |w| w.stack.network.idle_timeout_s = SimDuration::from_millis(150), IDLE_CUTS, Down(0.1)),
        part("patience of users", |w| for s in &mut w.workload.sources { s.patience_s = SimDuration::from_millis(150) }, plain, ABANDONED, Up(10.0)),
        part("admission queue", |w| w.stack.pools[0].max_waiting = 1, crowded, OVERLOADED, Up(3.0)),
        part("time-out of loads", |w| w.stack.pools[0].load_timeout_s = Some(SimDuration::from_millis(10)), |w| stand(w, 1, None, "CacheBandwidth(share: 0.01)"), LOAD_TIMEOUTS, Up(10.0)),
        part("preemption", |w| w.stack.pools[0].kv_blocks = 700, crowded, PREEMPTIONS, Up(3.0)),
        part("affinity of the router", |w| w.stack.pools[0].router.affinity = Affinity::Prefix, plain, HIT_HBM, Up(1.05)),
        part("host tier", |w| w.stack.pools[0].host_blocks = 20_000, plain, HIT_REMOTE, Down(0.8)),
        part("throttling by heat", |w| w.stack.facility.throttle_c = 30.0, crowded, TTFT, Up(1.1)),
    ]
}

/// What the autoscaler does rests on metrics that are scraped and queried.
#[rustfmt::skip]
fn scaler_rows() -> Vec<Row> {
    vec![
        fault("MetricLabelRenamed(from: \"pool\", to: \"service\")", scaler, SCALED, Down(0.5), Some(INTENTS)),
        fault("ExporterDown(job: \"vllm\")", scaler, SCALED, Down(0.5), Some(INTENTS)),
        fault("ExporterDown(job: \"gateway\", pod: Some(\"gateway-1\"))", plain, TARGETS_UP, Down(0.98), Some(SAMPLES)),
        fault("ScrapesLost(share: 0.5)", plain, SAMPLES, Down(0.7), Some(TARGETS_UP)),
        lasting("ScrapeLag(lag_s: 60)", plain, SCRAPE_AGE, Up(3.0), Some(HARM)),
        part("scrapes that time out", |w| w.stack.monitoring.scrape_timeout_s = SimDuration::from_millis(400), |w| stand(w, 1, None, "GatewayLoop(per_request_s: 0.2)"), TARGETS_UP, Down(0.98)),
        fault("AutoscalerQuery(pool: \"main\", query: \"sum(no_such_series)\")", scaler, SCALED, Down(0.5), Some(INTENTS)),
        action("PauseAutoscaler", scaler, SCALED, Down(0.5), Some(INTENTS)),
        part("autoscaler", scaler, crowded, SCALED, Up(1.0)),
    ]
}

/// What came of a row.
struct Verdict {
    line: String,
    wrong: Vec<String>,
}

fn judge(row: &Row) -> Verdict {
    const SEED: u64 = 11;
    let mut spec = small_world();
    (row.given)(&mut spec);
    let plain = run(&spec, SEED, ONSET_S);
    let mut broken = spec.clone();
    row.broken.apply(&mut broken, None);
    let seen = run(&broken, SEED, ONSET_S);
    let value = |signal: &Signal, seen: &Seen| (signal.of)(seen);
    let (was, is) = (value(&row.signal, &plain), value(&row.signal, &seen));
    let mut wrong = Vec::new();
    let far_enough = match row.moves {
        Up(times) => times * was.max(row.signal.floor) <= is,
        Down(share) => row.signal.floor < was && is <= share * was,
    };
    let name = row.broken.name();
    if !far_enough {
        wrong.push(format!("{name}: {} was {was:.3}, is {is:.3}, should go {:?}", row.signal.name, row.moves));
    }
    if let Some(quiet) = &row.quiet {
        let (was, is) = (value(quiet, &plain), value(quiet, &seen));
        if 0.1 * was.max(quiet.floor) < (is - was).abs() {
            wrong.push(format!("{name}: {} should stay quiet, was {was:.3}, is {is:.3}", quiet.name));
        }
    }
    if row.ends {
        wrong.extend(still_broken(row, &spec, SEED));
    }
    let direction = if matches!(row.moves, Up(_)) { "up" } else { "down" };
    let quiet = row.quiet.as_ref().map_or("", |q| q.name);
    let text = match row.broken {
        Broken::Fault(text) | Broken::Action(text) => format!("`{text}`"),
        Broken::Part(name, _) => name.to_string(),
    };
    Verdict { line: format!("| {} | {text} | {} | {direction} | {quiet} |", row.broken.kind(), row.signal.name), wrong }
}

/// A fault that ends must leave its signal where it was, half a minute later.
fn still_broken(row: &Row, spec: &WorldSpec, seed: u64) -> Option<String> {
    let from_s = END_S + 35;
    let mut mended = spec.clone();
    row.broken.apply(&mut mended, Some(END_S));
    let mut broken = spec.clone();
    row.broken.apply(&mut broken, None);
    let of = |spec: &WorldSpec| (row.signal.of)(&run(spec, seed, from_s));
    let (was, would_be, is) = (of(spec), of(&broken), of(&mended));
    let (undone, moved) = ((is - was).abs(), (would_be - was).abs());
    // Facts are counted over the whole run: an end does not take them back.
    let counted_whole = [KILLED.name, SCALED.name, GATEWAY_OUT.name].contains(&row.signal.name);
    (!counted_whole && 0.4 * moved < undone).then(|| {
        format!(
            "{}: {} was {was:.3}, is {is:.3} after its end ({would_be:.3} without)",
            row.broken.name(),
            row.signal.name
        )
    })
}

fn variants_of<T: schemars::JsonSchema>() -> BTreeSet<String> {
    let schema = serde_json::to_value(schemars::schema_for!(T)).expect("a schema is JSON");
    let alternatives = schema["oneOf"].as_array().expect("an enum has alternatives").clone();
    let named = |alternative: &serde_json::Value| -> Vec<String> {
        let keys = alternative["properties"].as_object().map(|p| p.keys().cloned().collect());
        let units =
            alternative["enum"].as_array().map(|e| e.iter().filter_map(|v| v.as_str().map(String::from)).collect());
        let constant = alternative["const"].as_str().map(|c| vec![c.to_string()]);
        keys.or(units).or(constant).unwrap_or_default()
    };
    alternatives.iter().flat_map(named).collect()
}

#[test]
fn every_fault_and_every_action_has_a_row() {
    let all: Vec<Row> = rows();
    for (kind, variants) in [("fault", variants_of::<Fault>()), ("action", variants_of::<Action>())] {
        let covered: BTreeSet<String> =
            all.iter().filter(|r| r.broken.kind() == kind).map(|r| r.broken.name().to_string()).collect();
        assert!(20 < variants.len(), "{variants:?}");
        assert_eq!(variants.difference(&covered).collect::<Vec<_>>(), Vec::<&String>::new(), "{kind}s without a row");
    }
}

#[test]
fn every_mechanism_moves_its_signal_and_leaves_others_alone() {
    let verdicts: Vec<Verdict> = rows().par_iter().map(judge).collect();
    let wrong: Vec<&String> = verdicts.iter().flat_map(|v| &v.wrong).collect();
    for line in &wrong {
        println!("{line}");
    }
    assert!(wrong.is_empty(), "{} statements are false", wrong.len());
    hold_table(&verdicts);
}

/// The table in the tree is the table of this test.
fn hold_table(verdicts: &[Verdict]) {
    let mut table = String::from(
        "# Mechanism by test\n\nEach line is a row of `tests/headless/mechanisms.rs`: the mechanism alone, what it moves, which way, and what\nstays where it was. Written by that test.\n\n| kind | mechanism | moves | direction | leaves alone |\n|---|---|---|---|---|\n",
    );
    for verdict in verdicts {
        writeln!(table, "{}", verdict.line).expect("a string takes text");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/headless/mechanisms.md");
    if std::env::var_os("SCARTISSUE_BLESS").is_some() {
        std::fs::write(path, &table).expect("the tree can be written");
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), table, "write it anew with SCARTISSUE_BLESS=1");
}
