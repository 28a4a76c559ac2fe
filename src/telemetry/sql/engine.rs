//! One database: what is laid out in it, how it learns of rows that have come since, and how a statement runs on it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement, StatementStatus, params};

use crate::sim::time::SimTime;
use crate::telemetry::rows::{Cell, iso};
use crate::telemetry::sql::error::{SqlError, SqlErrorKind};
use crate::telemetry::sql::guard::{self, Guard, Phase};
use crate::telemetry::sql::tables::{self, Table};
use crate::telemetry::sql::{
    Answer, Coverage, MOST_MEMORY, MOST_STEPS, MOST_TEXT, MOST_VALUE, READING, Reading, STRIDE, TableRead, Tables,
    functions, ours,
};

/// Whether rows can be found by their moments without reading the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    ByMoment,
    Unsorted,
}

/// One database, empty but for the numbers of rows.
pub(super) struct Engine {
    order: Order,
    connection: Connection,
    guard: Guard,
    now_ms: Arc<AtomicI64>,
    steps: Arc<AtomicU64>,
    /// Rows in the index of each table, and the moment of the last.
    indexed: [(usize, i64); Table::ALL.len()],
    /// Log lines in the full-text index.
    full_text: usize,
    last_now: SimTime,
}

impl Engine {
    pub(super) fn begin(order: Order) -> rusqlite::Result<Engine> {
        let mut connection = Connection::open_in_memory()?;
        let (guard, now_ms, steps) = (Guard::default(), Arc::default(), Arc::new(AtomicU64::new(0)));
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -200000; PRAGMA hard_heap_limit = {MOST_MEMORY};"
        ))?;
        functions::install(&connection, &now_ms)?;
        for table in Table::ALL {
            lay_out(&connection, table, order)?;
        }
        let columns = tables::FULL_TEXT.map(|c| if c == "body" { c.to_string() } else { format!("{c} UNINDEXED") });
        connection.execute_batch(&format!(
            "CREATE VIRTUAL TABLE logs_fts USING fts5({}, content = 'logs', content_rowid = 'row', \
             columnsize = 0); INSERT INTO logs_fts(logs_fts, rank) VALUES ('hashsize', 33554432);
             INSERT INTO logs_fts(logs_fts, rank) VALUES ('automerge', 0)",
            columns.join(", ")
        ))?;
        for (config, value) in [
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        ] {
            connection.set_db_config(config, value)?;
        }
        for (limit, value) in [
            (Limit::SQLITE_LIMIT_LENGTH, MOST_VALUE),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, MOST_TEXT as i32),
            (Limit::SQLITE_LIMIT_COLUMN, 200),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 30),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
            (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 3),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        ] {
            connection.set_limit(limit, value)?;
        }
        let counted = Arc::clone(&steps);
        connection.progress_handler(
            STRIDE as i32,
            // A little more, for full-text search takes steps of its own; the statement's are held to the limit afterwards.
            Some(move || MOST_STEPS + MOST_STEPS / 4 < counted.fetch_add(STRIDE, Ordering::Relaxed)),
        )?;
        let judge = guard.clone();
        connection.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| judge.judge(context)))?;
        let indexed = [(0, 0); Table::ALL.len()];
        Ok(Engine { order, connection, guard, now_ms, steps, indexed, full_text: 0, last_now: SimTime::ZERO })
    }

    /// Answers a statement that was looked over.
    pub(super) fn answer(
        &mut self,
        tables: &Tables<'_>,
        text: &str,
        explains: bool,
        most_rows: usize,
        most_bytes: usize,
    ) -> Result<Answer, SqlError> {
        let reading = Reading { tables, seen: RefCell::default() };
        READING.set(&reading, || {
            if !explains {
                self.index(tables).map_err(ours)?;
            }
            let (columns, rows, truncated, steps) = self.run(text, most_rows, most_bytes)?;
            let read = self.coverage(&reading, explains, steps);
            Ok(Answer { columns, rows, truncated, read })
        })
    }

    /// Checks a statement, so that the guard learns what it means; whether it only explains.
    pub(super) fn look_over(&self, text: &str) -> Result<bool, SqlError> {
        self.guard.with(|watch| *watch = guard::Watch { phase: Phase::Theirs, ..Default::default() });
        let looked = self.explains(text);
        self.guard.enter(Phase::Ours);
        looked
    }

    /// Whether a statement that was looked over names a moment; a search by words goes by the order of moments too.
    pub(super) fn reads_moments(&self) -> bool {
        let moment =
            |(table, column): &(String, String)| table == "logs_fts" || column == "time" || column == "time_ms";
        self.guard.with(|watch| watch.reads.iter().any(moment))
    }

    fn explains(&self, text: &str) -> Result<bool, SqlError> {
        let refused = || self.guard.with(|watch| watch.refused.take());
        let statement = self.connection.prepare(text).map_err(|e| SqlError::from_sqlite(e, text, refused()))?;
        if !statement.readonly() || statement.column_count() == 0 {
            let message = "only SELECT and EXPLAIN are allowed: nothing can be written here";
            return Err(SqlError::at(SqlErrorKind::Refused, message, 0));
        }
        Ok(statement.is_explain() != 0)
    }

    /// Runs a statement that was looked over.
    #[expect(clippy::type_complexity, reason = "the parts of an answer, named where they are taken apart")]
    fn run(
        &self,
        text: &str,
        most_rows: usize,
        most_bytes: usize,
    ) -> Result<(Vec<String>, Vec<Vec<Cell>>, bool, u64), SqlError> {
        self.guard.enter(Phase::Theirs);
        let prepared = self.connection.prepare(text);
        self.guard.enter(Phase::Running);
        self.steps.store(0, Ordering::Relaxed);
        let shown = prepared.map_err(|e| SqlError::from_sqlite(e, text, None)).and_then(|mut statement| {
            let columns = statement.column_names().map(str::to_string).collect();
            let rows = show(&mut statement, most_rows, most_bytes);
            let steps = statement.get_status(StatementStatus::VmStep) as u32;
            let interrupted = matches!(&rows, Err(e)
                if e.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted));
            if MOST_STEPS < u64::from(steps) || interrupted {
                let message = format!(
                    "it takes more than {} million steps: ask for a shorter range of time, or \
                    fewer tables at once",
                    MOST_STEPS / 1_000_000
                );
                return Err(SqlError::new(SqlErrorKind::TooMuch, message));
            }
            let (rows, truncated) = rows.map_err(|e| SqlError::from_sqlite(e, text, None))?;
            Ok((columns, rows, truncated, u64::from(steps)))
        });
        self.guard.enter(Phase::Ours);
        shown
    }

    /// Brings the indexes of the tables that are meant up to the present moment.
    fn index(&mut self, tables: &Tables<'_>) -> rusqlite::Result<()> {
        let reads = self.guard.with(|watch| std::mem::take(&mut watch.reads));
        let means = |name: &str| reads.iter().any(|(table, _)| table == name);
        let now = tables.scene.calendar.unix_ms(tables.now);
        self.now_ms.store(now, Ordering::Relaxed);
        if tables.now < self.last_now {
            self.forget()?;
        }
        self.last_now = tables.now;
        self.connection.execute_batch("BEGIN")?;
        for table in Table::ALL {
            if means(table.name()) || table == Table::Logs && means("logs_fts") {
                self.index_table(tables, table, now)?;
            }
        }
        if means("logs_fts") {
            let mut insert = self.connection.prepare_cached("INSERT INTO logs_fts(rowid, body) VALUES (?, ?)")?;
            for row in self.full_text..self.indexed[Table::Logs as usize].0 {
                insert.execute(params![row as i64, tables.logs[row].body])?;
            }
            self.full_text = self.indexed[Table::Logs as usize].0;
        }
        self.connection.execute_batch("COMMIT")?;
        self.guard.with(|watch| watch.reads = reads);
        Ok(())
    }

    fn index_table(&mut self, tables: &Tables<'_>, table: Table, now: i64) -> rusqlite::Result<()> {
        let (known, last) = self.indexed[table as usize];
        let same = known == 0 || table.moments(tables, known - 1).is_some_and(|(moment, _)| moment == last);
        let known = match table {
            Table::Accounts if known == table.len(tables) => return Ok(()),
            _ if table.grows() && same => known,
            _ => {
                self.connection.execute_batch(&format!("DELETE FROM \"{}.index\"", table.name()))?;
                if table == Table::Logs && 0 < self.full_text {
                    self.connection.execute_batch("INSERT INTO logs_fts(logs_fts) VALUES ('delete-all')")?;
                    self.full_text = 0;
                }
                0
            }
        };
        if self.order == Order::Unsorted && table.grows() {
            return self.number(tables, table, known, now);
        }
        // In a table of which much is new, it is quicker to sort it afterwards than to keep it sorted.
        let anew = known == 0 && table != Table::Accounts && self.order == Order::ByMoment;
        if anew {
            self.connection.execute_batch(&format!(
                "DROP INDEX IF EXISTS \"{0}.time\"; DROP INDEX IF EXISTS \"{0}.time_ms\";",
                table.name()
            ))?;
        }
        let holes = match (table, self.order) {
            (Table::Accounts, _) => "?, ?",
            (_, Order::ByMoment) => "?, ?, ?",
            (_, Order::Unsorted) => "?",
        };
        let insert = format!("INSERT INTO \"{}.index\" VALUES ({holes})", table.name());
        let mut insert = self.connection.prepare_cached(&insert)?;
        let mut next = known;
        let mut last = last;
        for row in known..table.len(tables) {
            if table == Table::Accounts {
                insert.execute(params![table.index_text(tables, row, 0), row as i64])?;
                next = row + 1;
                continue;
            }
            let Some((moment, visible)) = table.moments(tables, row) else { continue };
            if now < visible {
                if table.grows() {
                    break;
                }
                continue;
            }
            match self.order {
                Order::ByMoment => {
                    insert.execute(params![row as i64, table.index_text(tables, row, moment), moment])?
                }
                Order::Unsorted => insert.execute(params![row as i64])?,
            };
            (next, last) = (row + 1, moment);
        }
        drop(insert);
        if anew {
            self.connection.execute_batch(&by_time(table.name()))?;
        }
        self.indexed[table as usize] = (next, last);
        Ok(())
    }

    /// Adds the numbers of the rows that have come since, all at once.
    fn number(&mut self, tables: &Tables<'_>, table: Table, known: usize, now: i64) -> rusqlite::Result<()> {
        let seen = |row: &usize| table.moments(tables, *row).is_some_and(|(_, visible)| visible <= now);
        let next = (known..table.len(tables)).take_while(seen).last().map_or(known, |row| row + 1);
        if known < next {
            let insert = format!(
                "WITH RECURSIVE n(row) AS (VALUES (?1) UNION ALL SELECT row + 1 FROM n WHERE row + 1 < ?2) \
                 INSERT INTO \"{}.index\" SELECT row FROM n",
                table.name()
            );
            self.connection.prepare_cached(&insert)?.execute(params![known as i64, next as i64])?;
        }
        let last = next.checked_sub(1).and_then(|row| table.moments(tables, row)).map_or(0, |(moment, _)| moment);
        self.indexed[table as usize] = (next, last);
        Ok(())
    }

    /// Empties the indexes.
    fn forget(&mut self) -> rusqlite::Result<()> {
        for table in Table::ALL {
            self.connection.execute_batch(&format!("DELETE FROM \"{}.index\"", table.name()))?;
        }
        self.connection.execute_batch("INSERT INTO logs_fts(logs_fts) VALUES ('delete-all')")?;
        (self.indexed, self.full_text) = ([(0, 0); Table::ALL.len()], 0);
        Ok(())
    }

    fn coverage(&self, reading: &Reading<'_>, explains: bool, steps: u64) -> Coverage {
        let reads = self.guard.with(|watch| std::mem::take(&mut watch.reads));
        let seen = reading.seen.borrow();
        let searched = !explains && reads.iter().any(|(table, _)| table == "logs_fts");
        let mut read = Vec::new();
        for table in Table::ALL {
            let seen = &seen[table as usize];
            let meant = |column: &str| reads.contains(&(table.name().to_string(), column.to_string()));
            let words = searched && table == Table::Logs;
            if !words && !reads.iter().any(|(name, _)| name == table.name()) {
                continue;
            }
            let own = table.own();
            let called = own.iter().enumerate().filter(|(n, _)| seen.columns & (1 << n) != 0).map(|(_, c)| c.name);
            let mut columns: Vec<&'static str> = table.indexed().iter().map(|c| c.name).filter(|c| meant(c)).collect();
            columns.extend(called);
            let (mut rows, mut span) = (seen.count, None);
            if table != Table::Accounts && !words {
                span = seen.span_ms(table, reading.tables);
            }
            if words {
                // A search by words has looked at every line.
                rows = self.full_text as u64;
                let moment = |row: usize| table.moments(reading.tables, row).map(|(moment, _)| moment);
                span = self.full_text.checked_sub(1).and_then(|last| moment(0).zip(moment(last)));
                if !columns.contains(&"body") {
                    columns.push("body");
                }
            }
            let (from_ms, to_ms) = (span.map(|s| s.0), span.map(|s| s.1));
            read.push(TableRead { table: table.name(), columns, rows, from_ms, to_ms });
        }
        read.sort_by_key(|t| t.table);
        Coverage { tables: read, steps }
    }
}

/// Finds rows of a table by their moments.
fn by_time(name: &str) -> String {
    format!(
        "CREATE INDEX \"{name}.time\" ON \"{name}.index\"(time);
         CREATE INDEX \"{name}.time_ms\" ON \"{name}.index\"(time_ms);"
    )
}

/// Makes the index of a table, its functions and its view.
fn lay_out(connection: &Connection, table: Table, order: Order) -> rusqlite::Result<()> {
    let name = table.name();
    connection.execute_batch(&match (table, order) {
        (Table::Accounts, _) => {
            format!("CREATE TABLE \"{name}.index\"(account TEXT, row INTEGER, PRIMARY KEY(account, row)) WITHOUT ROWID")
        }
        (_, Order::ByMoment) => format!(
            "CREATE TABLE \"{name}.index\"(row INTEGER PRIMARY KEY, time TEXT, time_ms INTEGER);
             {}",
            by_time(name)
        ),
        (_, Order::Unsorted) => format!("CREATE TABLE \"{name}.index\"(row INTEGER PRIMARY KEY)"),
    })?;
    let row_of = |context: &rusqlite::functions::Context<'_>| {
        let row = context.get_raw(0).as_i64().ok().and_then(|row| usize::try_from(row).ok());
        row.filter(|_| READING.is_set())
    };
    connection.create_scalar_function(format!("{name}.visit").as_str(), 1, functions::flags(), move |context| {
        let row = row_of(context);
        Ok(row.is_some_and(|row| READING.with(|reading| reading.visit(table, row))))
    })?;
    let mut columns: Vec<String> = table.indexed().iter().map(|c| c.name.to_string()).collect();
    if table != Table::Accounts && order == Order::Unsorted {
        let moment_of = move |context: &rusqlite::functions::Context<'_>| {
            let row = row_of(context);
            row.and_then(|row| READING.with(|reading| table.moments(reading.tables, row))).map(|(moment, _)| moment)
        };
        let text = format!("{name}.time");
        connection.create_scalar_function(text.as_str(), 1, functions::flags(), move |context| {
            Ok(moment_of(context).map(iso))
        })?;
        let number = format!("{name}.time_ms");
        connection
            .create_scalar_function(number.as_str(), 1, functions::flags(), move |context| Ok(moment_of(context)))?;
        columns = vec!["row".to_string(), format!("\"{text}\"(row) AS time"), format!("\"{number}\"(row) AS time_ms")];
    }
    for (number, column) in table.own().iter().enumerate() {
        let function = format!("{name}.{}", column.name);
        connection.create_scalar_function(function.as_str(), 1, functions::flags(), move |context| {
            let row = row_of(context);
            Ok(row.map_or(Cell::Null, |row| READING.with(|reading| reading.cell(table, number, row))))
        })?;
        columns.push(format!("\"{function}\"(row) AS {}", column.name));
    }
    let columns = columns.join(", ");
    connection.execute_batch(&format!(
        "CREATE VIEW {name} AS SELECT {columns} FROM \"{name}.index\" WHERE \"{name}.visit\"(row)"
    ))
}

/// Takes rows until there are no more or too many.
fn show(
    statement: &mut Statement<'_>,
    most_rows: usize,
    most_bytes: usize,
) -> rusqlite::Result<(Vec<Vec<Cell>>, bool)> {
    let width = statement.column_count();
    let mut found = statement.query([])?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let cells: Vec<Cell> = (0..width).map(|place| row.get_ref(place).map(cell_of)).collect::<Result<_, _>>()?;
        bytes += cells.iter().map(Cell::size).sum::<usize>();
        if most_rows <= rows.len() || most_bytes < bytes {
            return Ok((rows, true));
        }
        rows.push(cells);
    }
    Ok((rows, false))
}

fn cell_of(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Real(number) => Cell::Real(number),
        // EXPLAIN shows where in memory a virtual table lies.
        ValueRef::Text(text) if text.starts_with(b"vtab:") => Cell::word("vtab"),
        ValueRef::Text(text) => Cell::Text(Cow::Owned(String::from_utf8_lossy(text).into_owned())),
        ValueRef::Blob(bytes) => Cell::text(bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
    }
}
