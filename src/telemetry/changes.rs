//! The change log: deploys, flags, settings, data, jobs, machines.
//!
//! It holds what the history says, what somebody did at the moment a cause or decoy set in, what operators order, and a
//! background of changes that have nothing to do with anything. It says what was done, never what came of it.
//!
//! A cause that is a change has a decoy with the same entry for the variants in which it did no harm. Ids grow with the
//! moment alone.

use crate::scenario::apply;
use crate::scenario::file::{CauseSpec, ScenarioFile};
use crate::scenario::history::{ChangeKind, ChangeSpec};
use crate::scenario::lower::Setup;
use crate::sim::spec::SpecError;
use crate::sim::spec::action::Action;
use crate::sim::world::World;
use crate::sim::world::fact::What;
use crate::telemetry::background::{moments, number_at};
use crate::telemetry::benign::{AUTHORS, BENIGN};

const DAY_S: f64 = 86_400.0;
/// How far back the background reaches, in days.
const BACKGROUND_DAYS: f64 = 14.0;
/// When a cause without a moment of its own was made, in days before the opening.
const LONG_AGO_DAYS: f64 = 30.0;
/// Which stream of the background this is.
/// Whoever gives orders in an incident.
pub const ON_CALL: &str = "on-call";
const STREAM: u64 = 1;

/// One change, as the log has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// As in `CHG-20417`.
    pub id: String,
    /// Seconds after the opening; negative: before.
    pub at_s: f64,
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// The service that was changed.
    pub service: String,
    /// One line.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// Share of the fleet that it reached.
    pub rollout: f64,
    /// What was changed.
    pub diff: String,
}

/// The change log of one world.
#[derive(Clone, Debug)]
pub struct ChangeLog {
    /// In order of time.
    entries: Vec<Entry>,
    /// Facts of the world that were read.
    facts_read: usize,
    first_number: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    change: Change,
    /// The cause or decoy behind it; never shown.
    fault: Option<String>,
}

impl ChangeLog {
    /// The log of a variant under a seed, over all of its time; `opens_at_unix_s` is the opening in seconds since 1970.
    ///
    /// # Errors
    /// There is no such variant.
    pub fn new(
        file: &ScenarioFile,
        setup: &Setup,
        seed: u64,
        opens_at_unix_s: i64,
        salt: u64,
    ) -> Result<ChangeLog, SpecError> {
        let variant = file.variant(setup.variant.as_deref())?;
        let here = |cause: &&CauseSpec| {
            (variant.causes.contains(&cause.id) || variant.decoys.contains(&cause.id))
                && !setup.without.contains(&cause.id)
        };
        let chosen = file.causes.iter().chain(&file.decoys).filter(here);
        let mut planned: Vec<(f64, ChangeSpec, Option<String>)> = Vec::new();
        for named in &file.history.changes {
            let days_ago = named.change.days_ago.unwrap_or(LONG_AGO_DAYS);
            planned.push((-days_ago * DAY_S, named.change.clone(), None));
        }
        for cause in chosen {
            if let Some(change) = &cause.change {
                planned.push((moment_of(cause, change), change.clone(), Some(cause.id.clone())));
            }
        }
        let end_s = file.length_s.as_secs_f64();
        let rate = file.history.changes_per_day;
        for (at_s, draw) in moments(seed, STREAM, opens_at_unix_s, rate, -BACKGROUND_DAYS * DAY_S, end_s) {
            planned.push((at_s, benign(draw), None));
        }
        // Which cause is behind a change must not show in its place: what was written decides, not who wrote it down.
        let key = |spec: &ChangeSpec| (spec.service.clone(), spec.title.clone());
        planned.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| key(&a.1).cmp(&key(&b.1))));
        let first_number = 10_000 + crate::sim::rng::mix(salt, STREAM) % 9_000;
        let mut log = ChangeLog { entries: Vec::new(), facts_read: 0, first_number };
        for (at_s, spec, fault) in planned {
            let ChangeSpec { kind, service, title, author, diff, rollout, .. } = spec;
            log.add(Change { id: String::new(), at_s, kind, service, title, author, rollout, diff }, fault);
        }
        Ok(log)
    }

    /// Takes in what operators ordered since; an order is a change like any other.
    pub fn advance(&mut self, world: &World) {
        let (open_at, _) = world.window();
        let from = self.facts_read.min(world.facts().len());
        for fact in &world.facts()[from..] {
            if let What::ActionOrdered(index) = fact.what
                && let Some(ordered) = world.actions().get(index)
            {
                let at_s = fact.at.as_secs_f64() - open_at.as_secs_f64();
                let title = self.written(&ordered.action);
                let change = Change {
                    id: String::new(),
                    at_s,
                    kind: ChangeKind::Config,
                    service: service_of(&ordered.action).to_string(),
                    title,
                    author: ON_CALL.to_string(),
                    rollout: 1.0,
                    diff: String::new(),
                };
                self.add(change, None);
            }
        }
        self.facts_read = world.facts().len();
    }

    /// What the log shows at a moment, oldest first.
    pub fn until(&self, now_s: f64) -> impl DoubleEndedIterator<Item = &Change> {
        let shown = self.entries.partition_point(|entry| entry.change.at_s <= now_s);
        self.entries[..shown].iter().map(|entry| &entry.change)
    }

    /// The change of an id, if the log shows it by then.
    pub fn find(&self, id: &str, now_s: f64) -> Option<&Change> {
        self.until(now_s).find(|change| change.id.eq_ignore_ascii_case(id))
    }

    /// The fault that a rollback of a change has to name in the world ([`Action::Rollback`]). None where the change
    /// touched nothing that this world has; taking it back does nothing either.
    pub fn fault_of(&self, id: &str) -> Option<&str> {
        self.entries.iter().find(|entry| entry.change.id.eq_ignore_ascii_case(id))?.fault.as_deref()
    }

    /// How usual changes are, as in `23 in the last 24 h`.
    pub fn base_rate(&self, now_s: f64) -> String {
        let recent = self.until(now_s).filter(|change| now_s - DAY_S < change.at_s).count();
        format!("{recent} in the last 24 h")
    }

    /// Puts a change in its place, with an id that only its moment decides.
    fn add(&mut self, change: Change, fault: Option<String>) {
        let mut number = self.first_number + number_at(change.at_s);
        while self.entries.iter().rev().any(|entry| entry.number == number) {
            number += 1;
        }
        let place = self.entries.partition_point(|entry| entry.change.at_s <= change.at_s);
        let change = Change { id: format!("CHG-{number}"), ..change };
        self.entries.insert(place, Entry { number, change, fault });
    }

    /// An order in words; a rollback names the change by its id in this log.
    pub fn written(&self, action: &Action) -> String {
        match action {
            Action::Rollback { change } => {
                let entry = self.entries.iter().find(|entry| entry.fault.as_ref() == Some(change));
                let id = entry.map_or(change.as_str(), |entry| entry.change.id.as_str());
                format!("rollback:{id}")
            }
            other => apply::written(other),
        }
    }
}

/// When a cause's change was made, in seconds after the opening.
fn moment_of(cause: &CauseSpec, change: &ChangeSpec) -> f64 {
    let first = cause.faults.iter().filter_map(|fault| fault.at_s).min().map(|at| at.as_secs_f64());
    change.days_ago.map(|days| -days * DAY_S).or(first).unwrap_or(-LONG_AGO_DAYS * DAY_S)
}

/// A change that has nothing to do with anything.
fn benign(draw: u64) -> ChangeSpec {
    let template = &BENIGN[(draw % BENIGN.len() as u64) as usize];
    let author = AUTHORS[(draw / 1009 % AUTHORS.len() as u64) as usize];
    let version = draw / 7919 % 90 + 10;
    let fill = |text: &str| {
        let before = (version - 1).to_string();
        text.replace("{before}", &before).replace("{version}", &version.to_string())
    };
    ChangeSpec {
        kind: template.kind,
        service: template.service.to_string(),
        title: fill(template.title),
        author: if template.kind == ChangeKind::Cron { "cron".to_string() } else { author.to_string() },
        diff: fill(template.diff),
        rollout: [1.0, 1.0, 1.0, 0.5, 0.1][(draw / 31 % 5) as usize],
        days_ago: None,
    }
}

/// The service that an order is about.
fn service_of(action: &Action) -> &'static str {
    match action {
        Action::Scale { .. }
        | Action::Drain { .. }
        | Action::Restart { .. }
        | Action::Router { .. }
        | Action::PauseAutoscaler
        | Action::Cordon { .. }
        | Action::Uncordon { .. } => "serving",
        Action::FlushCache | Action::WarmCache | Action::RestoreCacheMembers => "kv-cache",
        Action::FailOverAuthShard { .. } => "auth",
        Action::PauseBatch | Action::TakeBatchNodes { .. } => "batch",
        Action::RenewCertificates | Action::ShiftTraffic { .. } => "edge",
        Action::Rollback { .. } | Action::FreezeRollouts => "deploys",
        _ => "gateway",
    }
}
