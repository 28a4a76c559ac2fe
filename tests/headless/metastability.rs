//! Metastable failures: states of collapse that outlive their trigger, from a queue, a cache and a client policy alone.
//!
//! Targets: Bronson, Aghayev, Charapko, Zhu, "Metastable Failures in Distributed Systems", HotOS 2021 (a database of 300
//! queries per second, one-second time-outs); Huang et al., "Metastable Failures in the Wild", OSDI 2022 (orderings of its
//! section 5.3, Theorem 2).

use scartissue::sim::client::{Backoff, ClientPolicy, Decision, Outcome, Progress};
use scartissue::sim::keyed_cache::{KeyedCache, Lookup};
use scartissue::sim::rng::{Purpose, Stream};
use scartissue::sim::station::{Offer, Station};
use scartissue::sim::time::{SimDuration, SimTime};

use crate::event_loop::Agenda;

const DATABASE_QPS: f64 = 300.0;
const TRIGGER_AT: usize = 30;
const SEED: u64 = 1;

/// What goes wrong at second `TRIGGER_AT`.
#[derive(Clone, Copy)]
enum Trigger {
    Nothing,
    /// The database serves nothing for so many seconds; what arrives waits.
    Outage(f64),
    /// The cache loses so many of its shards' entries.
    CacheLoss(usize),
}

struct Experiment {
    load: f64,
    timeout: f64,
    retries: u32,
    /// Share of requests that a look-aside cache answers in the steady state.
    hit_ratio: f64,
    trigger: Trigger,
    seconds: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Intent,
    Try(u32),
    Done(u32),
    TimeOut(u32),
    Break,
    Mend,
}

struct Intent {
    key: u64,
    progress: Progress,
}

/// Clients before a database; nobody tells the database that a client has gone.
struct Stack {
    experiment: Experiment,
    policy: ClientPolicy,
    database: Station,
    cache: KeyedCache,
    agenda: Agenda<Event>,
    arrivals: Stream,
    services: Stream,
    keys: Stream,
    intents: Vec<Intent>,
    /// The intent of each attempt at the database, `None` once its client has gone.
    attempts: Vec<Option<u32>>,
    run: Run,
}

/// Counts by second.
struct Run {
    load: f64,
    good: Vec<u32>,
    queries: Vec<u32>,
}

/// Keys that requests ask for, equally often, so that an LRU cache of a share of them hits at that share.
const KEYS: u64 = 20_000;
const SHARDS: u16 = 20;

impl Stack {
    fn new(experiment: Experiment) -> Self {
        let backoff = Backoff { base: SimDuration::ZERO, cap: SimDuration::ZERO, jitter: 0.0 };
        let policy = ClientPolicy {
            total_timeout: SimDuration::from_secs_f64(experiment.timeout),
            retries: experiment.retries,
            backoff,
            ..ClientPolicy::default()
        };
        let room = (experiment.hit_ratio * KEYS as f64 / SHARDS as f64).round() as u32;
        let mut cache = KeyedCache::new(SHARDS, room, SimDuration::FOREVER);
        (0..KEYS).for_each(|key| cache.insert(SimTime::ZERO, key, ()));
        let mut agenda = Agenda::new();
        agenda.at(SimTime::ZERO, Event::Intent);
        agenda.at(SimTime::from_secs_f64(TRIGGER_AT as f64), Event::Break);
        let counts = vec![0; experiment.seconds + 1];
        Stack {
            policy,
            database: Station::new(1, None),
            cache,
            agenda,
            arrivals: Stream::new(SEED, 0, Purpose::Arrival, 0),
            services: Stream::new(SEED, 0, Purpose::Service, 0),
            keys: Stream::new(SEED, 0, Purpose::Content, 0),
            intents: Vec::new(),
            attempts: Vec::new(),
            run: Run { load: experiment.load, good: counts.clone(), queries: counts },
            experiment,
        }
    }

    fn run(mut self) -> Run {
        let end = SimTime::from_secs_f64(self.experiment.seconds as f64);
        while let Some((now, event)) = self.agenda.pop().filter(|(now, _)| *now <= end) {
            self.handle(now, event);
        }
        self.database.check(end).expect("the database's books balance");
        self.run
    }

    fn handle(&mut self, now: SimTime, event: Event) {
        match event {
            Event::Intent => {
                let gap = self.arrivals.exponential(1.0 / self.experiment.load);
                self.agenda.after(now, gap, Event::Intent);
                let key = self.keys.below(KEYS);
                self.intents.push(Intent { key, progress: Progress { tries: 0, restarts: 0 } });
                self.try_once(now, self.intents.len() as u32 - 1);
            }
            Event::Try(intent) => self.try_once(now, intent),
            Event::Done(attempt) => self.done(now, attempt),
            Event::TimeOut(attempt) => self.time_out(now, attempt),
            Event::Break => match self.experiment.trigger {
                Trigger::Nothing => {}
                Trigger::Outage(seconds) => {
                    self.database.set_servers(now, 0);
                    self.agenda.after(now, seconds, Event::Mend);
                }
                Trigger::CacheLoss(shards) => (0..shards).for_each(|shard| {
                    self.cache.drop_shard(shard);
                }),
            },
            Event::Mend => {
                for attempt in self.database.set_servers(now, 1) {
                    self.serve(now, attempt);
                }
            }
        }
    }

    fn try_once(&mut self, now: SimTime, intent: u32) {
        self.intents[intent as usize].progress.tries += 1;
        if self.cache.lookup(now, self.intents[intent as usize].key) == Lookup::Hit(()) {
            self.run.good[second(now)] += 1;
            return;
        }
        let attempt = self.attempts.len() as u32;
        self.attempts.push(Some(intent));
        self.run.queries[second(now)] += 1;
        self.agenda.at(self.policy.deadline(now, false), Event::TimeOut(attempt));
        if self.database.offer(now, attempt) == Offer::Started {
            self.serve(now, attempt);
        }
    }

    fn serve(&mut self, now: SimTime, attempt: u32) {
        let service = self.services.exponential(1.0 / DATABASE_QPS);
        self.agenda.after(now, service, Event::Done(attempt));
    }

    fn done(&mut self, now: SimTime, attempt: u32) {
        // An answer that nobody waits for does not fill the cache either: the client writes it.
        if let Some(intent) = self.attempts[attempt as usize].take() {
            self.run.good[second(now)] += 1;
            self.cache.insert(now, self.intents[intent as usize].key, ());
        }
        if let Some(next) = self.database.finish(now, attempt) {
            self.serve(now, next);
        }
    }

    fn time_out(&mut self, now: SimTime, attempt: u32) {
        let Some(intent) = self.attempts[attempt as usize].take() else { return };
        assert!(self.database.orphan(attempt), "it is still inside");
        let progress = self.intents[intent as usize].progress;
        if let Decision::RetryAfter(wait) = self.policy.after_failure(progress, Outcome::TotalTimeout, None, 0.0) {
            self.agenda.at(now + wait, Event::Try(intent));
        }
    }
}

fn second(now: SimTime) -> usize {
    now.as_secs_f64() as usize
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Recovered,
    Collapsed,
    Between,
}

impl Run {
    /// Answers in time per second, over seconds `from..to`, as a share of the load.
    fn goodput(&self, from: usize, to: usize) -> f64 {
        self.good[from..to].iter().sum::<u32>() as f64 / (to - from) as f64 / self.load
    }

    /// What the last thirty seconds say.
    fn end(&self) -> End {
        let last = self.good.len() - 1;
        match self.goodput(last - 30, last) {
            g if 0.95 < g => End::Recovered,
            g if g < 0.05 => End::Collapsed,
            _ => End::Between,
        }
    }

    /// Seconds from the trigger until goodput is back for good.
    fn back_after(&self) -> usize {
        let down = |s: usize| (self.good[s] as f64) < 0.5 * self.load;
        (TRIGGER_AT..self.good.len() - 1).rev().find(|s| down(*s)).map_or(0, |last_down| last_down + 1 - TRIGGER_AT)
    }
}

fn retrying(load: f64, retries: u32, timeout: f64, trigger: Trigger) -> Run {
    Stack::new(Experiment { load, timeout, retries, hit_ratio: 0.0, trigger, seconds: 420 }).run()
}

fn cached(load: f64, hit_ratio: f64, trigger: Trigger) -> Run {
    Stack::new(Experiment { load, timeout: 1.0, retries: 0, hit_ratio, trigger, seconds: 120 }).run()
}

#[test]
fn a_retry_halves_the_capacity_that_survives_an_outage() {
    for (load, end) in [
        (130.0, End::Recovered),
        (140.0, End::Recovered),
        (155.0, End::Collapsed),
        (200.0, End::Collapsed),
        (280.0, End::Collapsed),
    ] {
        let run = retrying(load, 1, 1.0, Trigger::Outage(10.0));
        println!(
            "{load} QPS: goodput {:.3} before, {:.3} at the end, back after {} s",
            run.goodput(5, 30),
            run.goodput(390, 420),
            run.back_after()
        );
        assert!(0.95 < run.goodput(5, 30), "{load} QPS: healthy before");
        assert_eq!(run.end(), end, "{load} QPS");
        if end == End::Collapsed {
            assert!(run.goodput(390, 420) < 0.01, "{load} QPS: nothing gets through");
        }
    }
    assert_eq!(retrying(280.0, 1, 1.0, Trigger::Nothing).end(), End::Recovered, "without a trigger, healthy for ever");
}

#[test]
fn collapse_doubles_the_queries() {
    let run = retrying(280.0, 1, 1.0, Trigger::Outage(10.0));
    let queries = run.queries[390..420].iter().sum::<u32>() as f64 / 30.0;
    assert!((540.0..580.0).contains(&queries), "280 intents a second, tried twice: {queries}");
}

#[test]
fn a_backlog_drains_as_its_formula_says() {
    for load in [100.0, 120.0, 130.0] {
        // Work of the outage over spare capacity: A L T / (C - A L); the last C * timeout of it is answered in time.
        let (outage, amplified) = (10.0, 2.0 * load);
        let drain = (amplified * outage - DATABASE_QPS) / (DATABASE_QPS - amplified);
        let back = retrying(load, 1, 1.0, Trigger::Outage(outage)).back_after() as f64 - outage;
        println!("{load} QPS: back {back} s after the outage, formula {drain:.1} s");
        assert!((back - drain).abs() < 0.25 * drain + 2.0, "{load} QPS: {back} s, formula {drain:.1} s");
    }
}

#[test]
fn r_retries_leave_one_part_in_one_plus_r() {
    for retries in 0..=3 {
        let hidden = DATABASE_QPS / (1.0 + retries as f64);
        let end_at = |share: f64| retrying(share * hidden, retries, 1.0, Trigger::Outage(10.0)).end();
        assert_eq!(end_at(0.94), End::Recovered, "{retries} retries, below {hidden}");
        assert_eq!(end_at(1.06), End::Collapsed, "{retries} retries, above {hidden}");
    }
}

/// The shortest outage, in quarters of a second, after which the service stays down.
fn shortest_fatal_outage(timeout: f64) -> Option<u32> {
    (1..=40).find(|n| retrying(200.0, 1, timeout, Trigger::Outage(*n as f64 / 4.0)).end() == End::Collapsed)
}

#[test]
fn longer_timeouts_take_a_larger_trigger() {
    let (one, two) = (shortest_fatal_outage(1.0), shortest_fatal_outage(2.0));
    println!("shortest fatal outage, in quarters of a second: {one:?} with 1 s, {two:?} with 2 s");
    assert!(one.is_some() && two.is_some(), "both can be broken");
    assert!(one < two, "{one:?} {two:?}");
}

#[test]
fn a_lost_cache_stays_lost_above_the_capacity_behind_it() {
    let flush = Trigger::CacheLoss(SHARDS as usize);
    for (load, end) in [(250.0, End::Recovered), (1_000.0, End::Collapsed), (2_500.0, End::Collapsed)] {
        let run = cached(load, 0.9, flush);
        println!("{load} QPS: {:.3} before, {:.3} at the end", run.goodput(5, 30), run.goodput(90, 120));
        assert!(0.95 < run.goodput(5, 30), "{load} QPS: healthy before, at up to ten times the database's capacity");
        assert_eq!(run.end(), end, "{load} QPS");
    }
    let run = cached(2_500.0, 0.9, flush);
    let growth = run.queries[TRIGGER_AT] as f64 / (run.queries[5..30].iter().sum::<u32>() as f64 / 25.0);
    assert!((9.0..10.5).contains(&growth), "a lost cache of 90 % is ten times the queries: {growth}");
}

/// The smallest number of shards whose loss the service does not survive.
fn fewest_fatal_shards(load: f64, hit_ratio: f64) -> Option<usize> {
    let fatal = |n: &usize| cached(load, hit_ratio, Trigger::CacheLoss(*n)).goodput(90, 120) < 0.9;
    (1..=SHARDS as usize).find(fatal)
}

#[test]
fn a_better_cache_is_harder_to_break_and_can_be_broken_over_a_wider_range() {
    let (good, better) = (fewest_fatal_shards(1_000.0, 0.80), fewest_fatal_shards(1_000.0, 0.95));
    println!("fewest fatal shards of {SHARDS} at 1,000 QPS: {good:?} at 80 % hits, {better:?} at 95 %");
    assert!(good.is_some() && better.is_some() && good < better, "{good:?} {better:?}");
    let flush = Trigger::CacheLoss(SHARDS as usize);
    assert_eq!(cached(4_000.0, 0.95, Trigger::Nothing).end(), End::Recovered, "healthy at 4,000 QPS");
    assert!(cached(4_000.0, 0.95, flush).goodput(90, 120) < 0.9, "and vulnerable there");
    assert!(cached(4_000.0, 0.80, Trigger::Nothing).goodput(90, 120) < 0.9, "where the lesser cache never was healthy");
}
