//! Everything that is seen of one world so far, kept up to date as it goes on.

use std::sync::Arc;
use std::thread;

use serde::Deserialize;

use crate::metrics::promql::{Query, Value};
use crate::metrics::store::Store;
use crate::scenario::file::ScenarioFile;
use crate::scenario::lower::Setup;
use crate::sim::spec::stack::Severity;
use crate::sim::spec::{SpecError, WorldSpec};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::World;
use crate::sim::world::recording::{AttemptRow, CallRow, EngineState};
use crate::telemetry::alerts::{AlertBook, SERIES};
use crate::telemetry::archive::Archive;
use crate::telemetry::calendar::Calendar;
use crate::telemetry::changes::{Change, ChangeLog};
use crate::telemetry::fleet::Fleet;
use crate::telemetry::logs::LogBook;
use crate::telemetry::past::{BeyondRetention, Past, Reach};
use crate::telemetry::scene::Scene;
use crate::telemetry::spans::SpanBook;
use crate::telemetry::sql::{Sql, SqlError, Tables};
use crate::telemetry::tickets::TicketBook;

/// Share of users in pain, as the service-level indicator has it: answers that failed, and of those that did not the
/// share whose first token was late.
pub const PAIN: &str = concat!(
    "1 - (1 - (sum(rate(envoy_http_downstream_rq_xx{envoy_response_code_class=\"5\"}[2m])) or vector(0)) ",
    "/ sum(rate(envoy_http_downstream_rq_total[2m]))) ",
    "* (sum(rate(vllm:time_to_first_token_seconds_bucket{le=\"2.5\"}[2m])) ",
    "/ sum(rate(vllm:time_to_first_token_seconds_count[2m])))"
);
/// The indicator is settled so many seconds late, once reports that were under way are in. Who is paged does not yet
/// know how bad it is, and has to look.
pub const SETTLES_S: u32 = 120;
/// The indicator says nothing below this share, at which objectives begin to burn fast enough to page somebody.
pub const NOISE: f64 = 0.05;
/// Where nothing pages, somebody asks to have a look so long after the opening.
const ASKED_AFTER: SimDuration = SimDuration::from_secs(420);

/// A world and what is seen of it.
pub struct Watch {
    /// The world.
    pub world: World,
    /// What things are called.
    pub scene: Scene,
    /// Documents.
    pub archive: Archive,
    /// What processes said.
    pub logs: LogBook,
    /// What requests waited for.
    pub spans: SpanBook,
    /// The change log.
    pub changes: ChangeLog,
    /// Rules and what they did.
    pub alerts: AlertBook,
    /// What people filed.
    pub tickets: TicketBook,
    sql: Option<Sql>,
    file: Arc<ScenarioFile>,
    variant: String,
    seed: u64,
    past: Past,
    pain: Option<Query>,
}

/// Why a world cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No world can be built.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Spec(Vec<SpecError>),
    /// The scenario's date is none.
    #[error("{0}")]
    Date(String),
}

/// Why a watch cannot be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The bytes are none of it.
    #[error(transparent)]
    Bytes(#[from] postcard::Error),
    /// No world can be watched that way.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

/// Parts in which a watch is kept.
pub const PARTS: usize = 3;
/// More than a row takes there.
const ROW_BYTES: usize = 200;

impl Watch {
    /// The world of a scenario's variant under a seed, before its beginning.
    ///
    /// # Errors
    /// No world can be built from it, or its date is none.
    pub fn new(file: &Arc<ScenarioFile>, variant: &str, seed: u64, salt: u64) -> Result<Watch, WatchError> {
        Watch::of(file, &Setup { variant: Some(variant.to_string()), ..Setup::default() }, seed, salt)
    }

    /// As [`Watch::new`], with causes or decoys taken away.
    ///
    /// # Errors
    /// As [`Watch::new`].
    pub fn of(file: &Arc<ScenarioFile>, setup: &Setup, seed: u64, salt: u64) -> Result<Watch, WatchError> {
        let spec: WorldSpec = file.world(setup).map_err(|e| WatchError::Spec(vec![e]))?;
        let mut world = World::new(&spec, seed).map_err(WatchError::Spec)?;
        world.record_everything();
        Watch::around(file, setup, (&spec, world), seed, salt)
    }

    /// What is seen of a world from its beginning on.
    fn around(
        file: &Arc<ScenarioFile>,
        setup: &Setup,
        (spec, world): (&WorldSpec, World),
        seed: u64,
        salt: u64,
    ) -> Result<Watch, WatchError> {
        let history = &file.history;
        let calendar = Calendar::new(&history.date, &history.opens_at, spec.open_at).map_err(WatchError::Date)?;
        let one = |e: SpecError| WatchError::Spec(vec![e]);
        let opens_at = calendar.unix_ms(spec.open_at) / 1000;
        let date = calendar.date_time(spec.open_at).split(' ').next().unwrap_or_default().to_string();
        let scene = Scene::new(spec, seed, calendar, salt);
        let after = |at_s: f64| spec.open_at + SimDuration::from_secs_f64(at_s);
        let logs = LogBook::with(&scene, history.lines.iter().map(|line| (after(line.at_s), line.body.clone())));
        Ok(Watch {
            scene,
            archive: Archive::built_in(&date),
            logs,
            spans: SpanBook::new(),
            changes: ChangeLog::new(file, setup, seed, opens_at, salt).map_err(one)?,
            alerts: AlertBook::new(&spec.stack.monitoring.alerts, spec.open_at)
                .map_err(one)?
                .since(calendar.unix_ms(SimTime::ZERO)),
            tickets: TicketBook::new(file, seed, opens_at, salt),
            sql: None,
            file: Arc::clone(file),
            variant: setup.variant.clone().unwrap_or_default(),
            seed,
            past: Past::default(),
            world,
            pain: Query::parse(PAIN).ok(),
        })
    }

    /// Everything that [`Watch::resume`] wants, in parts that can be read side by side. What is derived from the world
    /// when somebody looks is not in them.
    ///
    /// # Errors
    /// Something in it cannot be written; there is nothing of the kind.
    pub fn kept(&self) -> Result<[Vec<u8>; PARTS], postcard::Error> {
        let recording = self.world.recording();
        thread::scope(|scope| {
            let rows = scope.spawn(|| {
                // With room from the beginning nothing is moved while it grows.
                let room = |rows: usize| Vec::with_capacity(rows * ROW_BYTES);
                let calls = (recording.calls(), recording.engines());
                let calls = postcard::to_extend(&calls, room(recording.calls().len()))?;
                let attempts = postcard::to_extend(recording.attempts(), room(recording.attempts().len()))?;
                Ok::<_, postcard::Error>((attempts, calls))
            });
            let world = postcard::to_stdvec(&(self.world.kept(), &self.alerts))?;
            let (attempts, calls) = rows.join().unwrap_or(Err(postcard::Error::WontImplement))?;
            Ok([world, attempts, calls])
        })
    }

    /// Takes a watch up again as it was when these parts were made of it: under the same file, variant, seed and salt.
    ///
    /// # Errors
    /// The parts are of no watch, or of another.
    pub fn resume(
        file: &Arc<ScenarioFile>,
        variant: &str,
        seed: u64,
        salt: u64,
        [world, attempts, calls]: &[&[u8]; PARTS],
    ) -> Result<Watch, ResumeError> {
        let setup = Setup { variant: Some(variant.to_string()), ..Setup::default() };
        let spec: WorldSpec = file.world(&setup).map_err(|e| WatchError::Spec(vec![e]))?;
        let of_world = || -> Result<(World, AlertBook), postcard::Error> {
            let mut reader = postcard::Deserializer::from_bytes(world);
            let world = World::resume(&spec, &mut reader)?;
            Ok((world, AlertBook::deserialize(&mut reader)?))
        };
        let (of_world, rows) = thread::scope(|scope| {
            let rows = scope.spawn(|| {
                let calls: (Vec<CallRow>, Vec<EngineState>) = postcard::from_bytes(calls)?;
                Ok::<_, postcard::Error>((postcard::from_bytes::<Vec<AttemptRow>>(attempts)?, calls))
            });
            (of_world(), rows.join().unwrap_or(Err(postcard::Error::WontImplement)))
        });
        let ((mut world, alerts), (attempts, (calls, engines))) = (of_world?, rows?);
        world.put_back(attempts, calls, engines);
        let mut watch = Watch::around(file, &setup, (&spec, world), seed, salt)?;
        watch.alerts = alerts;
        watch.scene.refresh(&watch.world);
        watch.changes.advance(&watch.world);
        Ok(watch)
    }

    /// Lets the world go on, and looks.
    pub fn advance_to(&mut self, until: SimTime) {
        self.world.advance_to(until);
        self.scene.refresh(&self.world);
        self.alerts.advance(self.world.scraped(), until.min(self.world.now()));
        self.changes.advance(&self.world);
    }

    /// Seconds since the opening; negative: before.
    pub fn now_s(&self) -> f64 {
        self.world.now().as_secs_f64() - self.scene.open_at.as_secs_f64()
    }

    /// Brings logs and spans up to now; they are only read when somebody looks.
    pub fn read_books(&mut self) {
        self.read_logs();
        self.read_spans();
    }

    /// Brings logs up to now.
    pub fn read_logs(&mut self) {
        self.logs.advance(&self.scene, &self.world);
    }

    /// Brings spans up to now.
    pub fn read_spans(&mut self) {
        self.spans.advance(&self.scene, &self.world);
    }

    /// Asks control planes.
    pub fn with_fleet<T>(&mut self, ask: impl FnOnce(&Fleet<'_>) -> T) -> T {
        let survey = self.world.survey();
        let changes: Vec<Change> = self.changes.until(self.now_s()).cloned().collect();
        ask(&Fleet {
            scene: &self.scene,
            survey: &survey,
            facts: self.world.facts(),
            changes: &changes,
            now: self.world.now(),
        })
    }

    /// Asks the tables; logs and spans are read only if the question names them.
    ///
    /// # Errors
    /// As `ask`; or SQLite cannot be had.
    pub fn with_tables<T>(
        &mut self,
        question: &str,
        ask: impl FnOnce(&mut Sql, &Tables<'_>) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let question = question.to_lowercase();
        if question.contains("logs") {
            self.read_logs();
        }
        if question.contains("spans") {
            self.read_spans();
        }
        let mut sql = match self.sql.take() {
            Some(sql) => sql,
            None => Sql::new()?,
        };
        let now_s = self.now_s();
        let changes: Vec<Change> = self.changes.until(now_s).cloned().collect();
        let tables = Tables {
            scene: &self.scene,
            requests: self.world.recording().attempts(),
            logs: self.logs.lines(),
            spans: self.spans.spans(),
            changes: &changes,
            alerts: self.alerts.history(),
            tickets: self.tickets.until(now_s),
            now: self.world.now(),
        };
        let answer = ask(&mut sql, &tables);
        self.sql = Some(sql);
        answer
    }

    /// Checks a statement, or what `WHERE` takes of requests, without running it.
    ///
    /// # Errors
    /// It is none, or names what is not there.
    pub fn check_sql(&mut self, text: &str, is_selection: bool) -> Result<(), SqlError> {
        let mut sql = match self.sql.take() {
            Some(sql) => sql,
            None => Sql::new()?,
        };
        let checked = if is_selection { sql.check_selection(text) } else { sql.check(text) };
        self.sql = Some(sql);
        checked
    }

    /// The moment of the first page after the opening; where nothing pages within the scenario, so long after the
    /// opening: somebody asks to have a look.
    pub fn run_to_first_page(&mut self) -> SimTime {
        let (open_at, _) = self.world.window();
        self.alerts.run_to_page(&mut self.world);
        self.alerts.page().map_or(open_at + ASKED_AFTER, |alert| alert.fired)
    }

    /// The same, and where it can be had the watch as it was a stretch of time before that moment: a rule that pages has
    /// held for a while, and when it began to the world was kept. Nothing has to be simulated twice then.
    pub fn before_first_page(mut self, lead: SimDuration) -> (SimTime, Option<Watch>) {
        let (open_at, _) = self.world.window();
        let mut kept: Option<(World, AlertBook)> = None;
        self.alerts.run_to_page_and(&mut self.world, |book, world| {
            let pending = book.pending().any(|(rule, _)| rule.severity == Severity::Page);
            match (pending || book.page().is_some(), kept.is_some()) {
                (true, false) => kept = Some((world.clone(), book.clone())),
                (false, true) => kept = None,
                _ => {}
            }
        });
        let at = self.alerts.page().map_or(open_at + ASKED_AFTER, |alert| alert.fired);
        let from = SimTime(at.0.saturating_sub(lead.0));
        let Some((world, alerts)) = kept.filter(|(world, _)| world.now() <= from) else { return (at, None) };
        (self.world, self.alerts) = (world, alerts);
        (at, Some(self))
    }

    /// What a rollback of a change of the log has to name in the world; its own id where it touched nothing in it, which
    /// takes back nothing.
    pub fn fault_of(&self, change: &str) -> Option<String> {
        let id = self.changes.find(change, self.now_s())?.id.clone();
        Some(self.changes.fault_of(change).map_or(id, str::to_string))
    }

    /// Milliseconds of the world, as the store of metrics counts them.
    pub fn now_ms(&self) -> i64 {
        ms(self.world.now())
    }

    /// Asks the metrics over a stretch of time up to now, in milliseconds, with the time before that the query speaks of.
    ///
    /// # Errors
    /// The query speaks of a time that is not kept.
    pub fn with_metrics<T>(
        &mut self,
        query: &Query,
        window_ms: i64,
        ask: impl FnOnce(&Store) -> T,
    ) -> Result<T, BeyondRetention> {
        let mut present = std::borrow::Cow::Borrowed(self.world.scraped());
        if query.metrics().iter().any(|name| SERIES.contains(&name.as_str())) {
            self.alerts.add_series(present.to_mut(), self.world.now());
        }
        let present = present.as_ref();
        Ok(match Past::reach(query, window_ms, self.now_ms())? {
            Reach::Present => ask(present),
            Reach::Days(days) => ask(&self.past.with_present(&self.file, &self.variant, self.seed, &days, present)),
            Reach::Inputs => ask(&self.past.with_inputs(&self.file, &self.variant, self.seed, &self.scene, present)),
        })
    }

    /// Share of users in pain, from 0 to 1, as the indicator has it at present: as it was two minutes ago, and 0 below
    /// [`NOISE`]. None where nothing was measured.
    pub fn pain(&self) -> Option<f64> {
        self.pain_at(self.now_ms())
    }

    /// The same at a moment that has been, in milliseconds of the world.
    pub fn pain_at(&self, at_ms: i64) -> Option<f64> {
        match self.pain.as_ref()?.eval_at(self.world.scraped(), at_ms - i64::from(SETTLES_S) * 1000).ok()? {
            Value::Vector(samples) => samples.first().map(|s| s.value),
            _ => None,
        }
        .filter(|share| share.is_finite())
        .map(|share| if share < NOISE { 0.0 } else { share.min(1.0) })
    }
}

/// Milliseconds of a moment, as the store of metrics counts them.
pub fn ms(at: SimTime) -> i64 {
    (at.0 / 1_000_000) as i64
}
