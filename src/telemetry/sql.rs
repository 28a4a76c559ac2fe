//! SQL over what can be seen: request rows, accounts, logs, spans, changes, alerts and tickets, through SQLite.
//!
//! Rows are not copied. Each table is a view over a narrow index of SQLite's own (number of the row, its moment), and
//! every other column is a function of ours that reads the cell out of the borrowed slices when the plan asks for it.
//! rusqlite's virtual tables would be the nearer way, but implementing one takes `unsafe impl`, and this crate has no
//! unsafe code; functions are `'static`, so for the time of a statement the slices are lent to them through a scoped
//! thread-local. SQLite flattens the views: a time range is a search in the index, a column that is not asked for is
//! never read, and the index grows by the rows that are new since the last statement.
//!
//! A statement that names no moment needs no index by moments, which takes longer to make than most answers: it goes to
//! tables that have none. Which of the two it is depends on the statement alone, so the same statement over the same rows
//! takes the same steps of SQLite's machine, and its limit is replayed exactly.

mod engine; // one database
mod error; // what can be wrong, with its place
mod functions; // the simulated moment, percentiles, regular expressions
mod guard; // what a statement may do
mod tables; // columns, and how cells are read

use std::cell::RefCell;

use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use scoped_tls_hkt::scoped_thread_local;
use serde::Serialize;

use crate::sim::time::SimTime;
use crate::sim::world::recording::AttemptRow;
use crate::telemetry::alerts::Alert;
use crate::telemetry::changes::Change;
use crate::telemetry::logs::LogLine;
use crate::telemetry::rows::Cell;
use crate::telemetry::scene::Scene;
use crate::telemetry::spans::Span;
use crate::telemetry::sql::engine::{Engine, Order};
use crate::telemetry::tickets::Ticket;

pub use error::{SqlError, SqlErrorKind};
pub use guard::FUNCTIONS;
pub use tables::{ColumnInfo, Table, TableInfo, schema};

pub(crate) use error::nearest;
pub(crate) use functions::regex;

/// Rows that an answer shows.
pub const MOST_ROWS: usize = 500;
/// Bytes that an answer shows.
pub const MOST_BYTES: usize = 256 * 1024;
/// Steps of SQLite's machine that a statement may take: some ten times what it takes to sort all rows of an incident.
pub const MOST_STEPS: u64 = 40_000_000;
/// Bytes of a statement.
pub const MOST_TEXT: usize = 16 * 1024;
/// Bytes of one value.
const MOST_VALUE: i32 = 256 * 1024;
/// Steps between two looks at how many they are.
const STRIDE: u64 = 1000;
/// Memory that SQLite may take in this process, in bytes: what is asked for beyond is refused, so that no statement ends
/// the process.
const MOST_MEMORY: u64 = 1 << 30;

/// All that can be read, borrowed for one statement. Rows of the first three only ever come in at the end of their
/// slices, in order of the moment at which they can be seen.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// Names and dates.
    pub scene: &'a Scene,
    /// Attempts that are over.
    pub requests: &'a [AttemptRow],
    /// Log lines.
    pub logs: &'a [LogLine],
    /// Spans.
    pub spans: &'a [Span],
    /// Changes, in any order.
    pub changes: &'a [Change],
    /// Alerts, in any order.
    pub alerts: &'a [Alert],
    /// Tickets, in any order.
    pub tickets: &'a [Ticket],
    /// The moment: what is later is not there.
    pub now: SimTime,
}

/// What a statement gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
    /// Whether there would have been more: a limit of rows or bytes was reached.
    pub truncated: bool,
    /// What was read for it.
    pub read: Coverage,
}

/// What the plan of a statement read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Coverage {
    /// By table, in order of their names.
    pub tables: Vec<TableRead>,
    /// Steps of SQLite's machine.
    pub steps: u64,
}

/// What was read of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableRead {
    /// Its name.
    pub table: &'static str,
    /// Columns, in their order.
    pub columns: Vec<&'static str>,
    /// How many rows were looked at.
    pub rows: u64,
    /// The earliest moment among them, in milliseconds since 1970; none for accounts and where no row was.
    pub from_ms: Option<i64>,
    /// The latest.
    pub to_ms: Option<i64>,
}

/// A statement under way: what it may read, and what it has read.
struct Reading<'a> {
    tables: &'a Tables<'a>,
    seen: RefCell<[Seen; Table::ALL.len()]>,
}

#[derive(Default)]
struct Seen {
    rows: Vec<u64>,
    count: u64,
    columns: u64,
}

impl Seen {
    /// The numbers of the rows that were looked at, in order.
    fn numbers(&self) -> impl Iterator<Item = usize> {
        let of_word = |(place, word): (usize, &u64)| {
            let (mut left, first) = (*word, place * 64);
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(first + bit)
            })
        };
        self.rows.iter().enumerate().flat_map(of_word)
    }

    /// The earliest and the latest moment among them, in milliseconds since 1970.
    fn span_ms(&self, table: Table, tables: &Tables<'_>) -> Option<(i64, i64)> {
        if table == Table::Requests {
            // There are many: dates are made of the two that matter.
            let arrived = || self.numbers().filter_map(|row| tables.requests.get(row)).map(|row| row.arrived);
            let unix = |at: SimTime| tables.scene.calendar.unix_ms(at);
            return arrived().min().map(unix).zip(arrived().max().map(unix));
        }
        let moments = || self.numbers().filter_map(|row| table.moments(tables, row)).map(|(moment, _)| moment);
        moments().min().zip(moments().max())
    }
}

scoped_thread_local!(static READING: for<'a> &'a Reading<'a>);

impl Reading<'_> {
    /// Notes that a row was looked at; whether it can be seen.
    fn visit(&self, table: Table, row: usize) -> bool {
        let mut seen = self.seen.borrow_mut();
        let seen = &mut seen[table as usize];
        let (word, bit) = (row / 64, 1 << (row % 64));
        if seen.rows.len() <= word {
            seen.rows.resize((word + 1).max(table.len(self.tables) / 64 + 1), 0);
        }
        if seen.rows[word] & bit != 0 {
            return true;
        }
        if table.len(self.tables) <= row {
            return false;
        }
        seen.rows[word] |= bit;
        seen.count += 1;
        true
    }

    /// Reads a cell of a row that was visited.
    fn cell(&self, table: Table, column: usize, row: usize) -> Cell {
        self.seen.borrow_mut()[table as usize].columns |= 1 << column;
        table.cell(self.tables, column, row)
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Cell::Null => ToSqlOutput::Owned(Value::Null),
            Cell::Int(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Cell::Real(number) => ToSqlOutput::Owned(Value::Real(*number)),
            Cell::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// The engines of one session: tables that grow with what is seen. One that has served other slices begins anew when
/// they are shorter or later than before, so rows must not be exchanged for others of the same moments.
pub struct Sql {
    by_moment: Engine,
    unsorted: Engine,
}

/// One statement by an engine of its own, as [`Sql::query`].
///
/// # Errors
/// As [`Sql::query`].
pub fn query(tables: &Tables<'_>, text: &str) -> Result<Answer, SqlError> {
    Sql::new()?.query(tables, text)
}

fn ours(error: rusqlite::Error) -> SqlError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::OutOfMemory) => {
            SqlError::new(SqlErrorKind::TooMuch, "there is not enough memory for the index")
        }
        _ => SqlError::new(SqlErrorKind::Value, format!("SQLite: {error}")),
    }
}

impl Sql {
    /// Engines without rows.
    ///
    /// # Errors
    /// SQLite does not begin: no memory.
    pub fn new() -> Result<Sql, SqlError> {
        let (by_moment, unsorted) = (Engine::begin(Order::ByMoment), Engine::begin(Order::Unsorted));
        Ok(Sql { by_moment: by_moment.map_err(ours)?, unsorted: unsorted.map_err(ours)? })
    }

    /// Answers a statement: one `SELECT`, `VALUES` or `EXPLAIN`. Of the rows, [`MOST_ROWS`] and [`MOST_BYTES`] are
    /// shown.
    ///
    /// # Errors
    /// It is not SQL, names what is not there, does more than read, takes more than [`MOST_STEPS`], or stops at a value.
    pub fn query(&mut self, tables: &Tables<'_>, text: &str) -> Result<Answer, SqlError> {
        self.ask(tables, text, MOST_ROWS, MOST_BYTES)
    }

    /// The numbers of the request rows for which an expression holds, in no particular order, as `WHERE` takes it.
    ///
    /// # Errors
    /// As [`Sql::query`], with places in the expression.
    pub(crate) fn requests_where(
        &mut self,
        tables: &Tables<'_>,
        text: &str,
    ) -> Result<(Vec<usize>, Coverage), SqlError> {
        let answer =
            self.ask(tables, &whole(text), usize::MAX, usize::MAX).map_err(|error| within(error, text.len()))?;
        let number = |row: &Vec<Cell>| match row.first() {
            Some(Cell::Int(number)) => usize::try_from(*number).ok(),
            _ => None,
        };
        Ok((answer.rows.iter().filter_map(number).collect(), answer.read))
    }

    /// Checks a statement without running it.
    ///
    /// # Errors
    /// As [`Sql::query`], of what is known before it runs.
    pub fn check(&mut self, text: &str) -> Result<(), SqlError> {
        sound(text)?;
        self.by_moment.look_over(text).map(drop)
    }

    /// The same of what `WHERE` takes of requests, with places in it.
    ///
    /// # Errors
    /// As [`Sql::check`].
    pub fn check_selection(&mut self, text: &str) -> Result<(), SqlError> {
        self.check(&whole(text)).map_err(|error| within(error, text.len()))
    }

    fn ask(
        &mut self,
        tables: &Tables<'_>,
        text: &str,
        most_rows: usize,
        most_bytes: usize,
    ) -> Result<Answer, SqlError> {
        sound(text)?;
        let explains = self.by_moment.look_over(text)?;
        // The same statement means the same in both.
        let engine = match self.by_moment.reads_moments() {
            true => &mut self.by_moment,
            false => {
                self.unsorted.look_over(text)?;
                &mut self.unsorted
            }
        };
        engine.answer(tables, text, explains, most_rows, most_bytes)
    }
}

/// What `WHERE` takes, as a statement.
fn whole(selection: &str) -> String {
    format!("{HEAD}{selection}\n)")
}

const HEAD: &str = "SELECT row FROM requests WHERE (";

/// An error of [`whole`] with its place in the selection, of so many bytes.
fn within(mut error: SqlError, bytes: usize) -> SqlError {
    error.offset = error.offset.map(|o| o.saturating_sub(HEAD.len()).min(bytes));
    error
}

/// What is known of a text before SQLite sees it.
fn sound(text: &str) -> Result<(), SqlError> {
    if MOST_TEXT < text.len() {
        let message = format!("a statement may have {MOST_TEXT} bytes; this one has {}", text.len());
        return Err(SqlError::new(SqlErrorKind::TooMuch, message));
    }
    if let Some(place) = text.find('\0') {
        return Err(SqlError::at(SqlErrorKind::Syntax, "not SQL: a byte of zero", place));
    }
    moments_are_written_right(text)
}

/// A moment with a blank in it is smaller than every moment of its day, so a comparison with it would be silently wrong.
fn moments_are_written_right(text: &str) -> Result<(), SqlError> {
    for (place, _) in text.match_indices('\'') {
        let inside = &text[place + 1..];
        let date = inside.as_bytes().get(..14).is_some_and(|bytes| {
            bytes
                .iter()
                .zip(b"0000-00-00 00:")
                .all(|(b, form)| if *form == b'0' { b.is_ascii_digit() } else { b == form })
        });
        let before = text[..place].trim_end().to_ascii_lowercase();
        let compared = before.ends_with(['=', '<', '>']) || before.ends_with("between") || before.ends_with("and");
        if date && compared {
            let message = "moments are written with a T, as in '2026-03-03T14:05', or as at('14:05') and ago('5m')";
            return Err(SqlError::at(SqlErrorKind::Value, message, place));
        }
    }
    Ok(())
}
