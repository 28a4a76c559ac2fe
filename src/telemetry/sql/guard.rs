//! What a statement may do: read our tables and call functions from a list. Everything else is refused by name.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::telemetry::sql::tables::Table;

/// Functions that may be called: the same arguments give the same answer everywhere. Those of transcendental numbers are
/// not among them, for their last bits differ between platforms; neither is `bm25`, for the same reason.
pub const FUNCTIONS: [&str; 85] = [
    "abs",
    "ago",
    "at",
    "avg",
    "bucket",
    "ceil",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "cume_dist",
    "date",
    "datetime",
    "dense_rank",
    "first_value",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "highlight",
    "if",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_each",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_object",
    "json_tree",
    "json_type",
    "json_valid",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "lower",
    "ltrim",
    "match",
    "max",
    "median",
    "min",
    "now",
    "now_ms",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "p50",
    "p95",
    "p99",
    "percent_rank",
    "percentile",
    "printf",
    "quote",
    "rank",
    "regexp",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "snippet",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "time",
    "total",
    "trim",
    "typeof",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
    "->>",
];

/// Names that SQLite's own code calls for what the list has, or that are written otherwise.
const ALSO: [&str; 1] = ["->"];

/// Parts of the names of SQLite's own tables and of our indexes.
const INNER: [&str; 5] = [".index", "sqlite_", "pragma_", "logs_fts_", "dbstat"];

/// Who is at work on the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// We: everything is allowed.
    #[default]
    Ours,
    /// A participant's statement is read and checked.
    Theirs,
    /// A participant's statement runs; what is prepared then, SQLite's full-text search prepares.
    Running,
}

/// What the guard allows at the moment and what it has seen.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub phase: Phase,
    /// Tables and columns that the statement names or means; an empty column stands for the table itself.
    pub reads: BTreeSet<(String, String)>,
    /// What was refused first.
    pub refused: Option<String>,
}

/// The guard, shared with the connection that it watches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard(Arc<Mutex<Watch>>);

impl Guard {
    /// Looks at the watch, or sets it.
    pub fn with<T>(&self, look: impl FnOnce(&mut Watch) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins a phase.
    pub fn enter(&self, phase: Phase) {
        self.with(|watch| watch.phase = phase);
    }

    /// Asked by SQLite while it prepares a statement.
    pub fn judge(&self, context: AuthContext<'_>) -> Authorization {
        self.with(|watch| watch.judge(&context))
    }
}

impl Watch {
    fn judge(&mut self, context: &AuthContext<'_>) -> Authorization {
        let verdict = match self.phase {
            Phase::Ours => Ok(()),
            Phase::Running => match context.action {
                AuthAction::Select | AuthAction::Read { .. } | AuthAction::Function { .. } => Ok(()),
                AuthAction::Pragma { pragma_name: "data_version", pragma_value: None } => Ok(()),
                _ => Err("only reading is allowed".to_string()),
            },
            Phase::Theirs => self.judge_theirs(context),
        };
        match verdict {
            Ok(()) => Authorization::Allow,
            Err(refused) => {
                self.refused.get_or_insert(refused);
                Authorization::Deny
            }
        }
    }

    fn judge_theirs(&mut self, context: &AuthContext<'_>) -> Result<(), String> {
        let view = context.accessor.filter(|view| Table::ALL.iter().any(|t| t.name() == *view));
        let in_view = view.is_some();
        match context.action {
            AuthAction::Select | AuthAction::Recursive => Ok(()),
            AuthAction::Read { column_name: "rank", table_name: "logs_fts" } => {
                Err("\"rank\" is not exact on every machine: order by time".to_string())
            }
            AuthAction::Read { table_name, column_name } => {
                if let Some(view) = view {
                    self.reads.insert((view.to_string(), String::new()));
                }
                // A view whose columns stand aside for the moment is flattened into its index.
                let flattened = column_name.is_empty()
                    && table_name
                        .strip_suffix(".index")
                        .is_some_and(|view| self.reads.contains(&(view.to_string(), String::new())));
                let known = Table::ALL.iter().any(|t| t.name() == table_name) || table_name == "logs_fts";
                if known {
                    self.reads.insert((table_name.to_string(), column_name.to_string()));
                }
                // A recursive expression that names none of its own columns looks like this too.
                let recursive = column_name.is_empty() && !INNER.iter().any(|part| table_name.contains(part));
                let json = ["json_each", "json_tree"].contains(&table_name);
                match known || in_view || flattened || recursive || json {
                    true => Ok(()),
                    false => {
                        let names = Table::ALL.map(Table::name).join(", ");
                        Err(format!("\"{table_name}\" may not be read; there are: {names}, logs_fts"))
                    }
                }
            }
            AuthAction::Function { function_name } => {
                let name = function_name.to_ascii_lowercase();
                let listed = FUNCTIONS.contains(&name.as_str()) || ALSO.contains(&name.as_str());
                match listed || (in_view && name.contains('.')) {
                    true => Ok(()),
                    false if name.starts_with("current_") => {
                        Err(format!("\"{name}\" would be the time of this machine: write now()"))
                    }
                    false => Err(format!("the function \"{name}\" may not be called: it is not on the list")),
                }
            }
            AuthAction::Pragma { pragma_name, .. } => {
                Err(format!("\"PRAGMA {pragma_name}\" is refused: only SELECT and EXPLAIN are allowed"))
            }
            AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
                Err("there is only this database: only SELECT and EXPLAIN are allowed".to_string())
            }
            _ => Err("nothing can be written here: only SELECT and EXPLAIN are allowed".to_string()),
        }
    }
}
