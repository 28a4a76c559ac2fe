//! What screens need at once: a projection of the scorecards, behind one small interface. Nothing is kept here that is not
//! kept in the folders; it may be thrown away at any moment.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};

use crate::scar::graded::Graded;

/// What was read of one session's folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The folder's name.
    pub name: String,
    /// What tells whether its files have changed since.
    pub stamp: String,
    /// The record.
    pub graded: Graded,
    /// What its player made of it, in a sentence; empty: nothing yet.
    pub rule: String,
}

/// Why the projection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// It is damaged, or of a later version: it has to be made anew.
    #[error("{0}")]
    Unusable(String),
    /// The surroundings refuse.
    #[error("{0}")]
    Refused(String),
}

/// Where records are looked up. An organisation's database can stand here.
pub trait Records {
    /// Stamps by folder name.
    ///
    /// # Errors
    /// It cannot be read.
    fn stamps(&self) -> Result<BTreeMap<String, String>, RecordsError>;

    /// Puts rows in place of those of the same name and takes others away: all of it or nothing.
    ///
    /// # Errors
    /// It cannot be written.
    fn change(&mut self, put: &[Row], remove: &[String]) -> Result<(), RecordsError>;

    /// All rows, oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    fn rows(&self) -> Result<Vec<Row>, RecordsError>;
}

/// What each version of the form added to the one before, from the first on.
pub const MIGRATIONS: &[&str] = &[
    "CREATE TABLE runs (name TEXT PRIMARY KEY, stamp TEXT NOT NULL, at_s INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
     CREATE TABLE grades (name TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, item TEXT NOT NULL,
        rating INTEGER NOT NULL, with_ai INTEGER NOT NULL, PRIMARY KEY (name, item, with_ai)) STRICT;",
    "ALTER TABLE runs ADD COLUMN rule TEXT NOT NULL DEFAULT '';
     CREATE INDEX grades_of_item ON grades (item);",
];

/// A projection in SQLite.
pub struct Projection {
    connection: Connection,
}

impl From<rusqlite::Error> for RecordsError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                RecordsError::Unusable("it is damaged".to_string())
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                RecordsError::Refused("another process is writing to it: try again".to_string())
            }
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::DiskFull
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure,
            ) => RecordsError::Refused(error.to_string()),
            // Tables that are not as this program makes them.
            _ => RecordsError::Unusable(error.to_string()),
        }
    }
}

impl Projection {
    /// Opens or makes one, and brings an older version up to date.
    ///
    /// # Errors
    /// It is damaged, of a later version, or cannot be opened.
    pub fn open(path: &Path) -> Result<Projection, RecordsError> {
        Projection::over(Connection::open(path)?)
    }

    /// One that is gone with the process: for folders in which nothing is to be left.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn in_memory() -> Result<Projection, RecordsError> {
        Projection::over(Connection::open_in_memory()?)
    }

    fn over(mut connection: Connection) -> Result<Projection, RecordsError> {
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let sound: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if sound != "ok" {
            return Err(RecordsError::Unusable(sound));
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let newest = MIGRATIONS.len() as i64;
        if version < 0 || newest < version {
            return Err(RecordsError::Unusable(format!("it has version {version}, and this program makes {newest}")));
        }
        for step in &MIGRATIONS[version as usize..] {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", newest)?;
        transaction.commit()?;
        // Ask for every column, so that foreign tables are found now and not in the middle of something.
        connection.prepare("SELECT name, stamp, at_s, record, rule FROM runs")?;
        connection.prepare("SELECT name, item, rating, with_ai FROM grades")?;
        Ok(Projection { connection })
    }
}

impl Records for Projection {
    fn stamps(&self) -> Result<BTreeMap<String, String>, RecordsError> {
        let mut statement = self.connection.prepare("SELECT name, stamp FROM runs")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn change(&mut self, put: &[Row], remove: &[String]) -> Result<(), RecordsError> {
        if put.is_empty() && remove.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for name in remove.iter().chain(put.iter().map(|row| &row.name)) {
            transaction.execute("DELETE FROM runs WHERE name = ?1", [name])?;
        }
        for row in put {
            let record = serde_json::to_string(&row.graded).map_err(|e| RecordsError::Refused(e.to_string()))?;
            transaction.execute(
                "INSERT INTO runs (name, stamp, at_s, record, rule) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![row.name, row.stamp, row.graded.at_s, record, row.rule],
            )?;
            for grade in &row.graded.grades {
                transaction.execute(
                    "INSERT INTO grades (name, item, rating, with_ai) VALUES (?1, ?2, ?3, ?4)",
                    params![row.name, grade.item, grade.rating.number(), grade.with_ai],
                )?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn rows(&self) -> Result<Vec<Row>, RecordsError> {
        let mut statement =
            self.connection.prepare("SELECT name, stamp, record, rule FROM runs ORDER BY at_s, name")?;
        let found = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
        })?;
        let mut rows = Vec::new();
        for found in found {
            let (name, stamp, record, rule) = found?;
            let graded = serde_json::from_str(&record).map_err(|e| RecordsError::Unusable(format!("{name}: {e}")))?;
            rows.push(Row { name, stamp, graded, rule });
        }
        Ok(rows)
    }
}
