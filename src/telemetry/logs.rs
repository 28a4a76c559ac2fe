//! Log lines, as the processes of the stack write them: access and errors at gateways, engines' statistics, what
//! routers, controllers and kubelets note. Each says only what its process could know.
//!
//! Lines are derived from what was recorded and from facts, in order of time. A line is added once nothing earlier can
//! follow, so the book is the same however time was cut.

mod cluster; // schedulers, kubelets, autoscalers, controllers, routers
mod gateway; // access and errors
mod serving; // engines

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::sim::ids::{GatewayId, ReplicaId};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::World;
use crate::telemetry::logs::cluster::Cluster;
use crate::telemetry::logs::serving::Engines;
use crate::telemetry::scene::Scene;

/// Lines of one kind that a pod writes in a second; of the rest it says how many they were.
pub const LINES_PER_SECOND: u32 = 5;

/// PCI bus numbers of the accelerators of an eight-way board.
pub(super) const PCI_BUS: [&str; 8] = ["19", "3b", "4c", "5d", "9b", "bb", "cb", "db"];
/// The image of serving pods.
pub(super) const SERVING_IMAGE: &str = "registry.internal/serving/vllm-openai:v0.11.2";

/// The image of gateways.
pub(super) const GATEWAY_IMAGE: &str = "registry.internal/api/gateway:7.4.2";

/// How bad a line says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing to see.
    Info,
    /// Somebody should look.
    Warn,
    /// It failed.
    Error,
}

impl Level {
    /// As it stands in a line.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        }
    }
}

/// One line, or several where it is a stack trace.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// When it was written.
    pub at: SimTime,
    /// The service, as in `gateway`.
    pub service: &'static str,
    /// The pod, as in `gateway-2`.
    pub pod: String,
    /// Its level.
    pub level: Level,
    /// The trace that it belongs to, if any.
    pub trace: Option<String>,
    /// The request that it is about, if any.
    pub request: Option<String>,
    /// What it says.
    pub body: String,
}

impl LogLine {
    fn new(at: SimTime, service: &'static str, pod: String, level: Level, body: String) -> LogLine {
        LogLine { at, service, pod, level, trace: None, request: None, body }
    }
}

/// Services that write lines.
pub const SERVICES: [&str; 10] =
    ["edge", "gateway", "auth", "serving", "router", "kv-cache", "autoscaler", "scheduler", "kubelet", "kernel"];

/// All lines written so far.
#[derive(Debug, Default)]
pub struct LogBook {
    lines: Vec<LogLine>,
    desk: Desk,
    cluster: Cluster,
    engines: Engines,
    read: Read,
}

/// How far the sources have been read.
#[derive(Debug, Default)]
struct Read {
    facts: usize,
    engines: usize,
    calls: usize,
    attempts: usize,
}

/// The sources in the order in which they are read at one moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Fact,
    Engine,
    Call,
    Attempt,
}

impl LogBook {
    /// An empty book.
    pub fn new() -> LogBook {
        LogBook::default()
    }

    /// A book in which the first gateway will write down its customers' words, each at a moment of the world.
    pub fn with(scene: &Scene, words: impl IntoIterator<Item = (SimTime, String)>) -> LogBook {
        let mut book = LogBook::default();
        let pod = Pod::Gateway(GatewayId(0));
        for (at, body) in words {
            let _ = book.desk.write(LogLine::new(at, pod.service(), pod.name(scene), Level::Info, body));
        }
        book
    }

    /// Adds what was written before the world's present moment. The scene has been refreshed from the same world.
    pub fn advance(&mut self, scene: &Scene, world: &World) {
        let now = world.now();
        let (recording, facts) = (world.recording(), world.facts());
        let (attempts, calls, engines) = (recording.attempts(), recording.calls(), recording.engines());
        loop {
            let next = [
                facts.get(self.read.facts).map(|f| (f.at, Source::Fact)),
                engines.get(self.read.engines).map(|e| (e.at, Source::Engine)),
                calls.get(self.read.calls).map(|c| (c.ended, Source::Call)),
                attempts.get(self.read.attempts).map(|a| (a.ended, Source::Attempt)),
            ];
            let Some((_, source)) = next.into_iter().flatten().min().filter(|(at, _)| *at < now) else { break };
            match source {
                Source::Fact => {
                    let fact = &facts[self.read.facts];
                    self.read.facts += 1;
                    self.engines.note(fact);
                    self.cluster.note(&mut self.desk, scene, world, fact);
                }
                Source::Engine => {
                    self.engines.state(&mut self.desk, scene, &engines[self.read.engines]);
                    self.read.engines += 1;
                }
                Source::Call => {
                    serving::call(&mut self.desk, scene, &calls[self.read.calls]);
                    self.read.calls += 1;
                }
                Source::Attempt => {
                    gateway::attempt(&mut self.desk, scene, world, &attempts[self.read.attempts]);
                    self.read.attempts += 1;
                }
            }
        }
        self.lines.extend(self.desk.take_before(now));
    }

    /// All lines so far, in order of time.
    pub fn lines(&self) -> &[LogLine] {
        &self.lines
    }

    /// The lines from a moment on.
    pub fn since(&self, from: SimTime) -> &[LogLine] {
        &self.lines[self.lines.partition_point(|line| line.at < from)..]
    }
}

/// Where lines lie until nothing earlier can follow, and where they are counted.
#[derive(Debug, Default)]
struct Desk {
    waiting: BTreeMap<(SimTime, u64), LogLine>,
    written: u64,
    counters: BTreeMap<(Pod, &'static str), Counter>,
}

/// A pod that writes lines in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pod {
    Gateway(GatewayId),
    Auth,
    Replica(ReplicaId),
}

impl Pod {
    fn service(self) -> &'static str {
        match self {
            Pod::Gateway(_) => "gateway",
            Pod::Auth => "auth",
            Pod::Replica(_) => "serving",
        }
    }

    fn name(self, scene: &Scene) -> String {
        match self {
            Pod::Gateway(gateway) => scene.gateway(gateway),
            Pod::Auth => "auth-0".to_string(),
            Pod::Replica(replica) => scene.pod(replica),
        }
    }
}

/// The lines of one kind that a pod wrote in the present second.
#[derive(Debug, Default)]
struct Counter {
    second: u64,
    written: u32,
    suppressed: u32,
    /// Where the count of the suppressed ones waits to be written, from the first of them on.
    note: Option<(SimTime, u64)>,
}

impl Counter {
    fn says(&self, kind: &str) -> String {
        let lines = if self.suppressed == 1 { "line" } else { "lines" };
        format!("suppressed {} similar {lines} ({kind})", self.suppressed)
    }
}

impl Desk {
    /// Puts a line down; its moment is not before that of the record that is being read.
    fn write(&mut self, line: LogLine) -> (SimTime, u64) {
        let key = (line.at, self.written);
        self.written += 1;
        self.waiting.insert(key, line);
        key
    }

    /// As [`Desk::write`], for lines that come in numbers: beyond [`LINES_PER_SECOND`] of a `kind` they are counted, and
    /// the count is written at the end of the second. A line is only worded if it is written.
    fn write_some(
        &mut self,
        scene: &Scene,
        kind: &'static str,
        (at, pod, level): (SimTime, Pod, Level),
        words: impl FnOnce() -> Words,
    ) {
        let second = at.0 / 1_000_000_000;
        let key = (at, self.written);
        let end = SimTime((second + 1) * 1_000_000_000);
        let counter = self.counters.entry((pod, kind)).or_default();
        if counter.second != second {
            word_note(&mut self.waiting, counter, kind);
            *counter = Counter { second, ..Counter::default() };
        }
        let words = if counter.written < LINES_PER_SECOND {
            counter.written += 1;
            Some((key, words()))
        } else {
            counter.suppressed += 1;
            let first = counter.note.is_none().then(|| ((end, self.written), Words::default()));
            counter.note = counter.note.or(first.as_ref().map(|(key, _)| *key));
            first
        };
        if let Some((key, Words { trace, request, body })) = words {
            self.written += 1;
            let line = LogLine { at: key.0, service: pod.service(), pod: pod.name(scene), level, trace, request, body };
            self.waiting.insert(key, line);
        }
    }

    /// Takes back lines that have not been written yet.
    fn take_back(&mut self, after: SimTime, which: impl Fn(&LogLine) -> bool) {
        let later = self.waiting.range((Bound::Excluded((after, u64::MAX)), Bound::Unbounded));
        let back: Vec<_> = later.filter(|(_, line)| which(line)).map(|(key, _)| *key).collect();
        for key in back {
            self.waiting.remove(&key);
        }
    }

    /// The lines before a moment, in order.
    fn take_before(&mut self, now: SimTime) -> impl Iterator<Item = LogLine> {
        for ((_, kind), counter) in &self.counters {
            word_note(&mut self.waiting, counter, kind);
        }
        let later = self.waiting.split_off(&(now, 0));
        std::mem::replace(&mut self.waiting, later).into_values()
    }
}

/// Words the count of the suppressed lines, as it is so far.
fn word_note(waiting: &mut BTreeMap<(SimTime, u64), LogLine>, counter: &Counter, kind: &str) {
    if let Some(note) = counter.note.and_then(|key| waiting.get_mut(&key)) {
        note.body = counter.says(kind);
    }
}

/// What a line says, and what it is about.
#[derive(Default)]
struct Words {
    trace: Option<String>,
    request: Option<String>,
    body: String,
}

/// As in `1.8 s` or `412 ms`.
fn took(span: SimDuration) -> String {
    let ms = span.as_secs_f64() * 1e3;
    if ms < 1000.0 { format!("{ms:.0}ms") } else { format!("{:.1}s", ms / 1e3) }
}
