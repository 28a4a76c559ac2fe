//! The tables that SQL sees: their columns, and how a cell of a row is read.

use serde::Serialize;

use crate::scenario::history::ChangeKind;
use crate::sim::ids::AccountId;
use crate::sim::spec::stack::Severity;
use crate::sim::time::SimTime;
use crate::telemetry::alerts::Alert;
use crate::telemetry::changes::Change;
use crate::telemetry::logs::LogLine;
use crate::telemetry::rows::{ACCOUNTS, Cell, Column, Kind, REQUESTS, SqlType, account, iso, ms};
use crate::telemetry::scene::Scene;
use crate::telemetry::spans::Span;
use crate::telemetry::sql::Tables;
use crate::telemetry::tickets::Ticket;

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Attempts that gateways are done with.
    Requests,
    /// Customers.
    Accounts,
    /// Log lines.
    Logs,
    /// Spans of traces.
    Spans,
    /// The change log.
    Changes,
    /// Firings of alert rules.
    Alerts,
    /// Tickets.
    Tickets,
}

/// A table, for completion and help.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableInfo {
    /// Its name.
    pub name: &'static str,
    /// What a row is.
    pub meaning: &'static str,
    /// Its columns, in order.
    pub columns: Vec<ColumnInfo>,
}

/// A column, for completion and help.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ColumnInfo {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub sql: SqlType,
    /// The unit of its values; empty: none.
    pub unit: &'static str,
    /// What it says.
    pub meaning: &'static str,
}

const LOGS: &[Column<LogLine>] = &[
    Column::name("service", "the service, as in gateway", |l, _| Cell::word(l.service)),
    Column::name("pod", "the pod, as in gateway-2", |l, _| Cell::text(l.pod.as_str())),
    Column::name("level", "INFO, WARN or ERROR", |l, _| Cell::word(l.level.as_str())),
    Column::key("trace_id", "the trace that it belongs to, if any", |l, _| Cell::maybe(l.trace.as_deref())),
    Column::key("request_id", "the request that it is about, if any", |l, _| Cell::maybe(l.request.as_deref())),
    Column::key("body", "what it says", |l, _| Cell::text(l.body.as_str())),
];

const SPANS: &[Column<Span>] = &[
    Column::key("trace_id", "the trace, one for all tries at one thing that a user wants", |s, _| {
        Cell::text(s.trace.as_str())
    }),
    Column::key("span_id", "names the span", |s, _| Cell::text(s.span.as_str())),
    Column::key("parent_id", "the span that it is a part of", |s, _| Cell::maybe(s.parent.as_deref())),
    Column::name("service", "the service, as in gateway", |s, _| Cell::word(s.service)),
    Column::name("pod", "the pod", |s, _| Cell::text(s.pod.as_str())),
    Column::name("name", "what was done", |s, _| Cell::text(s.name.as_str())),
    Column::new(Kind::Measure, SqlType::Real, "duration_ms", "ms", "how long it took", |s, _| ms(s.duration)),
    Column::count("error", "", "1 if it failed, else 0", |s, _| Cell::Int(i64::from(s.error))),
    Column::key("attributes", "a JSON object: json_extract(attributes, '$.\"http.route\"')", |s, _| {
        let object: serde_json::Map<String, serde_json::Value> =
            s.attributes.iter().map(|(name, value)| (name.to_string(), value.as_str().into())).collect();
        Cell::text(serde_json::Value::Object(object).to_string())
    }),
];

const CHANGES: &[Column<Change>] = &[
    Column::key("id", "names the change", |c, _| Cell::text(c.id.as_str())),
    Column::name("kind", "deploy, flag, config, data, cron, infra", |c, _| {
        Cell::word(match c.kind {
            ChangeKind::Deploy => "deploy",
            ChangeKind::Flag => "flag",
            ChangeKind::Config => "config",
            ChangeKind::Data => "data",
            ChangeKind::Cron => "cron",
            ChangeKind::Infra => "infra",
        })
    }),
    Column::name("service", "the service that was changed", |c, _| Cell::text(c.service.as_str())),
    Column::key("title", "what was done, in one line", |c, _| Cell::text(c.title.as_str())),
    Column::name("author", "who did it", |c, _| Cell::text(c.author.as_str())),
    Column::new(Kind::Measure, SqlType::Real, "rollout", "ratio", "share of the fleet that it reached", |c, _| {
        Cell::Real(c.rollout)
    }),
    Column::key("diff", "what was changed", |c, _| Cell::text(c.diff.as_str())),
];

const ALERTS: &[Column<Alert>] = &[
    Column::name("name", "the rule's name", |a, _| Cell::text(a.name.as_str())),
    Column::name("severity", "page or ticket", |a, _| {
        Cell::word(match a.severity {
            Severity::Page => "page",
            Severity::Ticket => "ticket",
        })
    }),
    Column::key("summary", "one line", |a, _| Cell::text(a.summary.as_str())),
    Column::key("expr", "the rule's expression, in PromQL", |a, _| Cell::text(a.expr.as_str())),
    Column::key("runbook", "id of a runbook", |a, _| Cell::text(a.runbook.as_str())),
    Column::key("pending_since", "when the expression began to hold", |a, s| {
        Cell::text(s.calendar.iso(a.pending_since))
    }),
    Column::key("resolved", "when it was over; NULL while it fires", |a, s| {
        Cell::maybe(a.resolved.map(|at| s.calendar.iso(at)))
    }),
];

const TICKETS: &[Column<Ticket>] = &[
    Column::key("id", "names the ticket", |t, _| Cell::text(t.id.as_str())),
    Column::name("sender", "who filed it", |t, _| Cell::text(t.from.as_str())),
    Column::key("title", "one line", |t, _| Cell::text(t.title.as_str())),
    Column::key("body", "what it says", |t, _| Cell::text(t.body.as_str())),
];

/// Columns of all tables whose rows have a moment, before their own.
const MOMENT: [ColumnInfo; 3] = [
    ColumnInfo { name: "row", sql: SqlType::Integer, unit: "", meaning: "number of the row, from zero" },
    ColumnInfo {
        name: "time",
        sql: SqlType::Text,
        unit: "",
        meaning: "when, as in 2026-03-03T14:05:31.042Z; a range of it is found without reading the rest",
    },
    ColumnInfo { name: "time_ms", sql: SqlType::Integer, unit: "ms", meaning: "the same in milliseconds since 1970" },
];

/// Columns of `accounts` before its own.
const NAMED: [ColumnInfo; 2] = [
    ColumnInfo { name: "row", sql: SqlType::Integer, unit: "", meaning: "number of the row, from zero" },
    ColumnInfo { name: "account", sql: SqlType::Text, unit: "", meaning: "its name, as in acct_001734" },
];

impl Table {
    /// All tables.
    pub const ALL: [Table; 7] =
        [Table::Requests, Table::Accounts, Table::Logs, Table::Spans, Table::Changes, Table::Alerts, Table::Tickets];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Table::Requests => "requests",
            Table::Accounts => "accounts",
            Table::Logs => "logs",
            Table::Spans => "spans",
            Table::Changes => "changes",
            Table::Alerts => "alerts",
            Table::Tickets => "tickets",
        }
    }

    /// What a row is.
    fn meaning(self) -> &'static str {
        match self {
            Table::Requests => {
                "one try of a client, as the gateway that is done with it wrote it down; time: it arrived"
            }
            Table::Accounts => "one customer",
            Table::Logs => "one log line, or several where it is a stack trace",
            Table::Spans => "one span of a sampled trace; time: it began",
            Table::Changes => "one change to the stack, its settings or its data",
            Table::Alerts => "one firing of an alert rule; time: it fired",
            Table::Tickets => "one ticket of a customer or a colleague",
        }
    }

    /// Columns that stand in an index of SQLite's rather than being read from the row.
    pub(crate) fn indexed(self) -> &'static [ColumnInfo] {
        if self == Table::Accounts { &NAMED } else { &MOMENT }
    }

    /// Columns that are read from the row when they are asked for.
    pub(crate) fn own(self) -> Vec<ColumnInfo> {
        fn infos<R>(columns: &[Column<R>]) -> Vec<ColumnInfo> {
            let info = |c: &Column<R>| ColumnInfo { name: c.name, sql: c.sql, unit: c.unit, meaning: c.meaning };
            columns.iter().map(info).collect()
        }
        match self {
            Table::Requests => infos(REQUESTS),
            Table::Accounts => infos(ACCOUNTS),
            Table::Logs => infos(LOGS),
            Table::Spans => infos(SPANS),
            Table::Changes => infos(CHANGES),
            Table::Alerts => infos(ALERTS),
            Table::Tickets => infos(TICKETS),
        }
    }

    /// All its columns.
    pub fn columns(self) -> Vec<ColumnInfo> {
        self.indexed().iter().copied().chain(self.own()).collect()
    }

    /// How many rows there are, seen or not.
    pub(crate) fn len(self, tables: &Tables<'_>) -> usize {
        match self {
            Table::Requests => tables.requests.len(),
            Table::Accounts => tables.scene.accounts.len() as usize,
            Table::Logs => tables.logs.len(),
            Table::Spans => tables.spans.len(),
            Table::Changes => tables.changes.len(),
            Table::Alerts => tables.alerts.len(),
            Table::Tickets => tables.tickets.len(),
        }
    }

    /// Whether rows are only ever added at the end, so that what was indexed stays.
    pub(crate) fn grows(self) -> bool {
        matches!(self, Table::Requests | Table::Logs | Table::Spans)
    }

    /// The moment that stands in a row, and the one from which on it can be seen, in milliseconds since 1970.
    pub(crate) fn moments(self, tables: &Tables<'_>, row: usize) -> Option<(i64, i64)> {
        let unix = |at: SimTime| tables.scene.calendar.unix_ms(at);
        let after_opening = |s: f64| (s * 1e3).floor() as i64 + unix(tables.scene.open_at);
        let both = |ms: i64| (ms, ms);
        match self {
            Table::Requests => tables.requests.get(row).map(|r| (unix(r.arrived), unix(r.ended))),
            Table::Accounts => (row < self.len(tables)).then_some((0, 0)),
            Table::Logs => tables.logs.get(row).map(|l| both(unix(l.at))),
            Table::Spans => tables.spans.get(row).map(|s| (unix(s.start), unix(s.start + s.duration))),
            Table::Changes => tables.changes.get(row).map(|c| both(after_opening(c.at_s))),
            Table::Alerts => tables.alerts.get(row).map(|a| both(unix(a.fired))),
            Table::Tickets => tables.tickets.get(row).map(|t| both(after_opening(t.at_s))),
        }
    }

    /// A cell of a row, by the number of the column among [`Table::own`].
    pub(crate) fn cell(self, tables: &Tables<'_>, column: usize, row: usize) -> Cell {
        fn read<R>(columns: &[Column<R>], column: usize, row: Option<&R>, scene: &Scene) -> Cell {
            row.zip(columns.get(column)).map_or(Cell::Null, |(row, column)| (column.read)(row, scene))
        }
        let scene = tables.scene;
        match self {
            Table::Requests => read(REQUESTS, column, tables.requests.get(row), scene),
            Table::Accounts => read(ACCOUNTS, column, account(scene, row).as_ref(), scene),
            Table::Logs => read(LOGS, column, tables.logs.get(row), scene),
            Table::Spans => read(SPANS, column, tables.spans.get(row), scene),
            Table::Changes => read(CHANGES, column, tables.changes.get(row), scene),
            Table::Alerts => read(ALERTS, column, tables.alerts.get(row), scene),
            Table::Tickets => read(TICKETS, column, tables.tickets.get(row), scene),
        }
    }

    /// What stands in the index beside the number of the row.
    pub(crate) fn index_text(self, tables: &Tables<'_>, row: usize, unix_ms: i64) -> String {
        match self {
            Table::Accounts => tables.scene.account(AccountId(row as u32)),
            _ => iso(unix_ms),
        }
    }
}

/// All tables with their columns, and `logs_fts`, for completion and help.
pub fn schema() -> Vec<TableInfo> {
    let table = |t: Table| TableInfo { name: t.name(), meaning: t.meaning(), columns: t.columns() };
    let full_text = TableInfo {
        name: "logs_fts",
        meaning: "log lines by their words: SELECT time, body FROM logs_fts WHERE logs_fts MATCH 'connection refused'",
        columns: Table::Logs.columns().into_iter().filter(|c| FULL_TEXT.contains(&c.name)).collect(),
    };
    Table::ALL.map(table).into_iter().chain([full_text]).collect()
}

/// Columns of `logs_fts`.
pub(crate) const FULL_TEXT: [&str; 5] = ["time", "service", "pod", "level", "body"];
