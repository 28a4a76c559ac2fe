//! Recorded traces: those built into the program by name, and files by path.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::check::did_you_mean;
use super::trace_rows::{BadLine, json_lines, table};
use crate::sim::spec::SpecError;
use crate::sim::workload::spec::Arrivals;
use crate::sim::workload::{TraceRow, WorkloadSpec};

/// A trace larger than this many bytes, unpacked, is refused.
pub const LARGEST_TRACE: u64 = 512 << 20;

/// Where the built-in traces come from, and under which licences: the text of `assets/traces/SOURCE.md`.
pub const SOURCES: &str = include_str!("../../assets/traces/SOURCE.md");

/// The built-in traces: name and packed file. Sources and licences: `assets/traces/SOURCE.md`.
const BUILT_IN: &[(&str, &str, &[u8])] = &[
    ("agent-sessions", "agent-sessions.jsonl.gz", include_bytes!("../../assets/traces/agent-sessions.jsonl.gz")),
    ("azure-code", "azure-code.csv.gz", include_bytes!("../../assets/traces/azure-code.csv.gz")),
    ("azure-conv", "azure-conv.csv.gz", include_bytes!("../../assets/traces/azure-conv.csv.gz")),
    (
        "mooncake-conversation",
        "mooncake-conversation.jsonl.gz",
        include_bytes!("../../assets/traces/mooncake-conversation.jsonl.gz"),
    ),
];

/// Why a trace cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// No built-in trace has that name, and it is no path.
    #[error(
        "no trace is called `{name}`{hint}; there are {}, and a path to a .jsonl or .csv file is taken too, plain or .gz",
        names().collect::<Vec<_>>().join(", ")
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name, as a clause.
        hint: String,
    },
    /// The file cannot be read or unpacked.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file is larger than [`LARGEST_TRACE`].
    #[error("{path}: more than {LARGEST_TRACE} bytes; cut it into parts")]
    TooLarge {
        /// The file.
        path: String,
    },
    /// A line is not a row.
    #[error("{path}:{line}: {what}")]
    Line {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what was expected.
        what: String,
    },
    /// There is no row in it.
    #[error("{path}: no row; expected JSON lines (Mooncake) or TIMESTAMP,ContextTokens,GeneratedTokens (Azure)")]
    Empty {
        /// The file.
        path: String,
    },
}

/// The names of the built-in traces, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _, _)| *name)
}

/// Reads the rows of every trace that a workload names.
///
/// # Errors
/// A trace that cannot be found or read, with its path in the workload.
pub fn fill(workload: &mut WorkloadSpec) -> Result<(), SpecError> {
    for (index, source) in workload.sources.iter_mut().enumerate() {
        if let Arrivals::Trace(trace) = &mut source.arrivals {
            let path = || format!("workload.sources.{index}.arrivals.file");
            trace.rows = Arc::new(open(&trace.file).map_err(|e| SpecError::new(path(), e.to_string()))?);
        }
    }
    Ok(())
}

/// The rows of a built-in trace by name, or of a file by path: anything with a `/` or that ends in `.jsonl`, `.csv` or
/// `.gz`.
///
/// # Errors
/// It cannot be found or read, or a line of it is no row.
pub fn open(name_or_path: &str) -> Result<Vec<TraceRow>, TraceError> {
    if let Some((_, file, packed)) = BUILT_IN.iter().find(|(name, _, _)| *name == name_or_path) {
        return read(file, packed);
    }
    let is_path =
        name_or_path.contains(['/', '\\']) || [".jsonl", ".csv", ".gz"].iter().any(|e| name_or_path.ends_with(e));
    if !is_path {
        let hint = did_you_mean(name_or_path, names());
        return Err(TraceError::Unknown { name: name_or_path.into(), hint });
    }
    let unreadable = |e: std::io::Error| TraceError::Unreadable { path: name_or_path.into(), reason: e.to_string() };
    let mut bytes = Vec::new();
    let file = fs::File::open(Path::new(name_or_path)).map_err(unreadable)?;
    file.take(LARGEST_TRACE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    read(name_or_path, &bytes)
}

/// The rows of a trace file's bytes, packed or not; `path` is what errors call it, and says by `.csv` that it is a table.
///
/// # Errors
/// It cannot be unpacked, or a line of it is no row.
pub fn read(path: &str, bytes: &[u8]) -> Result<Vec<TraceRow>, TraceError> {
    let text = unpack(path, bytes)?;
    let is_table = path.trim_end_matches(".gz").ends_with(".csv");
    let rows = if is_table { table(&text) } else { json_lines(&text) };
    let rows = rows.map_err(|BadLine { line, what }| TraceError::Line { path: path.into(), line, what })?;
    if rows.is_empty() { Err(TraceError::Empty { path: path.into() }) } else { Ok(rows) }
}

fn unpack(path: &str, bytes: &[u8]) -> Result<String, TraceError> {
    let unreadable = |reason: String| TraceError::Unreadable { path: path.into(), reason };
    let packed = bytes.starts_with(&[0x1f, 0x8b]);
    let mut plain = Vec::new();
    let most = LARGEST_TRACE + 1;
    let unpacked = if packed {
        MultiGzDecoder::new(bytes).take(most).read_to_end(&mut plain)
    } else {
        bytes.take(most).read_to_end(&mut plain)
    };
    unpacked.map_err(|e| unreadable(format!("cannot be unpacked: {e}")))?;
    if LARGEST_TRACE < plain.len() as u64 {
        return Err(TraceError::TooLarge { path: path.into() });
    }
    String::from_utf8(plain).map_err(|e| unreadable(format!("not text at byte {}", e.utf8_error().valid_up_to())))
}
