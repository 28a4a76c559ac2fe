//! The ideal observer: what somebody should believe who saw what was seen, and knows what each hypothesis looks like.
//!
//! It knows that from an ensemble: every hypothesis of a scenario's differential is run under many seeds, what
//! telemetry showed is read off each by one registry of features, and what was seen in a session is held against all of
//! them at once. It never reads the truth of the run it judges.
//!
//! # Hypotheses and runs
//!
//! Hypotheses are a scenario's variants, foils included, and the healthy world where it pages too ([`differential`]).
//! Each run has a seed of its own and draws anew what nobody could know beforehand ([`unknowns`]). A run that pages
//! nobody is drawn again, nearer to what is written: nobody would look at it.
//!
//! # Evidence
//!
//! One registry reads off what telemetry showed: panels' series, rows by dimension, in pairs and joined with accounts,
//! forms of log lines, spans, alerts, changes, tickets, control planes, in buckets of time from six minutes before the
//! page to ten after it ([`registry`], [`grid`]). Names of entities never count. What tells no two hypotheses apart is
//! dropped; a look at it, and at documents, is neutral.
//!
//! A look reveals the features whose metrics or columns its plan read, for the time that its rows or window cover. A
//! single trace counts as much as a list of them, and a statement for all the columns that it read, however it put them
//! together, unless its answer was cut off. Settings in force count with their values, and one thing described in full
//! (an autoscaler, endpoints, what a router lists) counts as its list does.
//!
//! After orders the observer is shown what the same looks would have shown had nobody ordered anything: what an order
//! proves by its effect counts for nothing.
//!
//! # Weight
//!
//! What was seen is held against all runs at once by one distance, whose width and doubt are fitted for each set of
//! evidence ([`weigh`]), so that no set counts for more than it can tell. Base rates of the field (`base_rate`) are the
//! beliefs from before, and nobody's evidence: who cites nothing has proved nothing.
//!
//! # Tables
//!
//! An ensemble is kept as one byte a cell ([`table`]), keyed by the scenario's fingerprint and digests of two fixed
//! runs of each hypothesis. A debrief makes one of them again and marks what it says as stale if it differs; a file of
//! which only words have changed keeps its table. Which panel the second hint points at is written beside the tables
//! when they are built ([`hint`]).

pub mod differential; // what it can be
pub mod grid; // time in buckets
pub mod registry; // what can be seen, and by which look
pub mod rows; // what rows of requests say

pub mod reading; // what telemetry showed of one world

pub mod table; // an ensemble, kept small
pub mod unknowns;
pub mod weigh; // nearest matches // what nobody could know beforehand

pub mod build; // ensembles
pub mod calibration; // stated beside what happens
pub mod hint; // which panel to point at
pub mod judge; // a session's looks, weighed
pub mod mind; // beliefs look by look
pub mod neutral; // which panels tell least
pub mod signs; // where each mechanism shows

use include_dir::{Dir, include_dir};

use crate::scenario::opened::Scenario;
use crate::score::observer::differential::{Hypothesis, hypotheses};
use crate::score::observer::grid::Grid;
use crate::score::observer::table::{Table, TableError};

/// Tables that come with the program.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/observer");

/// Ends the name of a table's file.
pub const EXTENSION: &str = "observer";

/// Why there is no observer for a scenario.
#[derive(Debug, thiserror::Error)]
pub enum NoObserver {
    /// Nobody built one.
    #[error(
        "no observer was built for {0}: `scartissue observer build` with its name or file, and `--tables` with the \
         directory that the table is in"
    )]
    Missing(String),
    /// Its table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Whether an observer's table is of the scenario and world that it is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Its scenario is the one; its world was not asked.
    Unasked,
    /// Its scenario is the one, and the fixed seeds that were run are as they were.
    Fresh,
    /// The scenario has changed since.
    OtherScenario,
    /// The world has changed since: a fixed seed is not as it was.
    OtherWorld,
}

impl Freshness {
    /// Whether what it says holds.
    pub fn is_stale(self) -> bool {
        matches!(self, Freshness::OtherScenario | Freshness::OtherWorld)
    }

    /// In words; empty where there is nothing to say.
    pub fn says(self) -> &'static str {
        match self {
            Freshness::Unasked | Freshness::Fresh => "",
            Freshness::OtherScenario => "the ideal observer is stale: the scenario has changed since it was built",
            Freshness::OtherWorld => "the ideal observer is stale: the simulator has changed since it was built",
        }
    }
}

/// The ideal observer of a scenario.
#[derive(Clone, Debug)]
pub struct Observer {
    /// What its ensemble showed.
    pub table: Table,
    /// Hypotheses, in the order of the table.
    pub hypotheses: Vec<Hypothesis>,
    /// What it believes before it has seen anything: base rates of the field.
    pub prior: Vec<f64>,
    /// Time in buckets.
    pub grid: Grid,
    /// Whether its table still holds.
    pub freshness: Freshness,
}

impl Observer {
    /// The one that comes with the program.
    ///
    /// # Errors
    /// There is none, or its table is damaged.
    pub fn built_in(scenario: &Scenario) -> Result<Observer, NoObserver> {
        let file = BUILT_IN.get_file(format!("{}.{EXTENSION}", scenario.name));
        let file = file.ok_or_else(|| NoObserver::Missing(scenario.name.clone()))?;
        Ok(Observer::new(scenario, Table::decode(file.contents())?))
    }

    /// One from a table. Where the table knows hypotheses that the scenario has no more, it is stale.
    pub fn new(scenario: &Scenario, table: Table) -> Observer {
        let all = hypotheses(&scenario.file);
        let known = |name: &str| all.iter().find(|h| h.name == name).cloned();
        let found: Vec<Option<Hypothesis>> = table.hypotheses.iter().map(|k| known(&k.name)).collect();
        let stale = table.key != scenario.fingerprint() || found.iter().any(Option::is_none);
        let missing = |name: &str| Hypothesis {
            name: name.to_string(),
            mechanisms: Vec::new(),
            roots: Vec::new(),
            weight: 1.0,
            setup: crate::scenario::lower::Setup::default(),
        };
        let hypotheses: Vec<Hypothesis> =
            found.into_iter().zip(&table.hypotheses).map(|(h, k)| h.unwrap_or_else(|| missing(&k.name))).collect();
        let sum: f64 = hypotheses.iter().map(|h| h.weight).sum();
        Observer {
            prior: hypotheses.iter().map(|h| h.weight / sum).collect(),
            hypotheses,
            grid: Grid::default(),
            freshness: if stale { Freshness::OtherScenario } else { Freshness::Unasked },
            table,
        }
    }

    /// What beliefs come to for a mechanism: those in which it is at work.
    pub fn of_mechanism(&self, beliefs: &[f64], mechanism: &str) -> f64 {
        self.hypotheses.iter().zip(beliefs).filter(|(h, _)| h.holds(mechanism)).map(|(_, p)| p).sum()
    }

    /// What beliefs come to for a truth: hypotheses that have one of these mechanisms at the root.
    pub fn of_truth(&self, beliefs: &[f64], mechanisms: &[&str]) -> f64 {
        let is = |h: &&(&Hypothesis, &f64)| h.0.roots.iter().any(|m| mechanisms.contains(&m.as_str()));
        self.hypotheses.iter().zip(beliefs).collect::<Vec<_>>().iter().filter(is).map(|(_, p)| **p).sum()
    }
}
