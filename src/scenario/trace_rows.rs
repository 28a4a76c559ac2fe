//! The formats of recorded traces: JSON lines with block identities (Mooncake's), and tables of lengths (Azure's).

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::prefixes::{Blocks, segments};
use crate::sim::rng::mix;
use crate::sim::time::SimDuration;
use crate::sim::workload::TraceRow;

/// Tokens of a block where a line does not say: those of Mooncake's traces.
const BLOCK_TOKENS: u32 = 512;
/// A prompt or answer longer than this is a mistake.
const MOST_TOKENS: u64 = 4_000_000;
/// A trace longer than this is a mistake.
const LONGEST: SimDuration = SimDuration::from_secs(366 * 86_400);
/// Rows without identities of their own count as one session if their first blocks, so many, are the same: the very
/// first is often the same for all.
const SESSION_BLOCKS: usize = 2;

/// A line that is not a row, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it, and what was expected.
    pub what: String,
}

/// A row as its line has it.
struct Recorded {
    at: SimDuration,
    output_tokens: u32,
    session: Option<u64>,
    blocks: Blocks,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRow {
    timestamp: u64,
    input_length: u64,
    output_length: u64,
    #[serde(default)]
    hash_ids: Vec<Ids>,
    #[serde(default)]
    session: Option<u64>,
    #[serde(default)]
    block_size: Option<u32>,
}

/// One identity, or the first and last of a row of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    One(u64),
    Range([u64; 2]),
}

/// Rows of JSON lines: `timestamp` in milliseconds, `input_length`, `output_length`, and `hash_ids` of blocks of 512
/// tokens. A range of identities may be written `[first, last]`; `session` names rows that belong together and
/// alone share identities, and `block_size` another size of block.
///
/// # Errors
/// The first line that is not a row.
pub fn json_lines(text: &str) -> Result<Vec<TraceRow>, BadLine> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let bad = |what: String| BadLine { line: index + 1, what };
        let row: JsonRow = serde_json::from_str(line).map_err(|e| bad(not_a_row(&e)))?;
        rows.push(row.check().map_err(bad)?);
    }
    Ok(finish(rows))
}

fn not_a_row(error: &serde_json::Error) -> String {
    let column = error.column();
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    format!(
        "{said} (column {column}); expected {{\"timestamp\": ms, \"input_length\": tokens, \"output_length\": tokens, \"hash_ids\": [..]}}"
    )
}

impl JsonRow {
    fn check(self) -> Result<Recorded, String> {
        let block_tokens = self.block_size.unwrap_or(BLOCK_TOKENS);
        if block_tokens == 0 {
            return Err("`block_size` is 0; expected tokens of a block, at least 1".into());
        }
        let tokens = length("input_length", self.input_length)?;
        let most = u64::from(tokens.div_ceil(block_tokens));
        let mut ids = Vec::new();
        for part in self.hash_ids {
            let (first, last) = match part {
                Ids::One(id) => (id, id),
                Ids::Range([first, last]) => (first, last),
            };
            if last < first {
                return Err(format!("`hash_ids` has a range from {first} to {last}; expected first <= last"));
            }
            if most.saturating_sub(ids.len() as u64) <= last - first {
                return Err(format!("more `hash_ids` than {tokens} tokens have blocks; expected at most {most}"));
            }
            ids.extend(first..=last);
        }
        Ok(Recorded {
            at: SimDuration(self.timestamp.saturating_mul(1_000_000)).checked_length("timestamp")?,
            output_tokens: length("output_length", self.output_length)?,
            session: self.session,
            blocks: Blocks { scope: self.session.map_or(0, |s| mix(1, s)), ids, block_tokens, tokens },
        })
    }
}

trait CheckedLength: Sized {
    fn checked_length(self, field: &str) -> Result<Self, String>;
}

impl CheckedLength for SimDuration {
    fn checked_length(self, field: &str) -> Result<Self, String> {
        if LONGEST < self { Err(format!("`{field}` is more than a year after the first row")) } else { Ok(self) }
    }
}

fn length(field: &str, tokens: u64) -> Result<u32, String> {
    if MOST_TOKENS < tokens {
        return Err(format!("`{field}` is {tokens}; expected at most {MOST_TOKENS} tokens"));
    }
    Ok(tokens as u32)
}

/// Rows of a table with the columns `TIMESTAMP` (`2023-11-16 18:15:46.6805900`), `ContextTokens` and `GeneratedTokens`,
/// in any order among others. No two of these prompts share anything.
///
/// # Errors
/// The first line that is not a row.
pub fn table(text: &str) -> Result<Vec<TraceRow>, BadLine> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let Some((_, header)) = lines.next() else { return Ok(Vec::new()) };
    let names: Vec<&str> = header.trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
    let column = |name: &str| {
        let what = || format!("no column `{name}`; expected TIMESTAMP,ContextTokens,GeneratedTokens");
        names.iter().position(|n| *n == name).ok_or_else(|| BadLine { line: 1, what: what() })
    };
    let columns = [column("TIMESTAMP")?, column("ContextTokens")?, column("GeneratedTokens")?];
    let mut first = None;
    let mut rows = Vec::new();
    for (index, line) in lines {
        let bad = |what: String| BadLine { line: index + 1, what };
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let field = |n: usize| fields.get(columns[n]).copied().unwrap_or_default();
        let moment = moment(field(0)).ok_or_else(|| {
            bad(format!("`{}` is no moment; expected one like 2023-11-16 18:15:46.6805900", field(0)))
        })?;
        let tokens = |n: usize, name: &str| {
            let number = field(n).parse().map_err(|_| format!("`{}` is no number of tokens ({name})", field(n)))?;
            length(name, number)
        };
        // Times count from the earliest row; `finish` subtracts it where a later line is earlier.
        let since = moment - *first.get_or_insert(moment);
        let offset = u64::try_from(since)
            .map_err(|_| bad("earlier than the first row; expected rows in order of time".into()))?;
        rows.push(Recorded {
            at: SimDuration(offset).checked_length("TIMESTAMP").map_err(bad)?,
            output_tokens: tokens(2, "GeneratedTokens").map_err(bad)?,
            session: None,
            blocks: Blocks {
                scope: 0,
                ids: Vec::new(),
                block_tokens: 1,
                tokens: tokens(1, "ContextTokens").map_err(bad)?,
            },
        });
    }
    Ok(finish(rows))
}

/// Nanoseconds since the year 0 of a moment written `YYYY-MM-DD HH:MM:SS[.fraction]`.
fn moment(text: &str) -> Option<i128> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let mut days = date.splitn(3, '-').map(digits);
    let (year, month, day) = (days.next()??, days.next()??, days.next()??);
    let mut clock = time.trim_end_matches("+00:00").trim_end_matches('Z').splitn(3, ':');
    let (hour, minute) = (digits(clock.next()?)?, digits(clock.next()?)?);
    let seconds = clock.next()?;
    let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let nanos = digits(&format!("{:0<9}", fraction.get(..9.min(fraction.len()))?))?;
    let plausible = year < 10_000 && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !plausible || 23 < hour || 59 < minute || 60 < digits(second)? {
        return None;
    }
    let seconds = (days_before(year, month, day) * 24 + hour) * 3600 + minute * 60 + digits(second)?;
    Some(i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
}

fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) { None } else { text.parse().ok() }
}

/// Days of the Gregorian calendar before a date, from a fixed day on (years that begin in March; Hinnant's
/// `days_from_civil`).
fn days_before(year: u64, month: u64, day: u64) -> u64 {
    let shifted = if month <= 2 { year + 399 } else { year + 400 };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year
}

/// In order of time, file order among equals; sessions are numbered as they first appear.
fn finish(mut recorded: Vec<Recorded>) -> Vec<TraceRow> {
    recorded.sort_by_key(|row| row.at);
    let blocks: Vec<Blocks> = recorded.iter().map(|row| row.blocks.clone()).collect();
    let mut numbers: FxHashMap<(bool, u64), u32> = FxHashMap::default();
    let rows = recorded.iter().zip(segments(&blocks)).enumerate();
    rows.map(|(index, (row, segments))| {
        let derived = || (false, row.blocks.prefix(SESSION_BLOCKS).unwrap_or(index as u64));
        let next = numbers.len() as u32;
        let session = *numbers.entry(row.session.map_or_else(derived, |s| (true, s))).or_insert(next);
        let (input_tokens, output_tokens) = (row.blocks.tokens.max(1), row.output_tokens.max(1));
        TraceRow { at: row.at, input_tokens, output_tokens, segments, session }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_count_across_leap_days_and_years() {
        let seconds = |text| moment(text).map(|m| m / 1_000_000_000);
        let between = |a, b| Some(seconds(b)? - seconds(a)?);
        assert_eq!(between("2024-02-28 23:59:59", "2024-03-01 00:00:00.5"), Some(86_401));
        assert_eq!(between("2023-12-31 00:00:00", "2024-01-01 00:00:01"), Some(86_401));
        assert_eq!(between("1970-01-01 00:00:00", "2023-11-16 18:15:46.6805900"), Some(1_700_158_546));
        assert_eq!(moment("2023-11-16 18:15:46.6805900").map(|m| m % 1_000_000_000), Some(680_590_000));
        for wrong in ["", "2023-13-01 00:00:00", "2023-01-01", "2023-01-01 24:00:00", "2023-01-01 0:0:x", "a-b-c d:e:f"]
        {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn equal_times_keep_the_order_of_the_file() {
        let line = |ms, tokens| format!("{{\"timestamp\": {ms}, \"input_length\": {tokens}, \"output_length\": 1}}\n");
        let text = [line(3000, 1), line(0, 2), line(3000, 3), line(0, 4)].concat();
        let rows = json_lines(&text).expect("four rows");
        assert_eq!(rows.iter().map(|r| r.input_tokens).collect::<Vec<_>>(), [2, 4, 1, 3]);
    }

    #[test]
    fn a_bad_line_says_where_and_what_was_expected() {
        let good = "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 1, \"hash_ids\": [1, 2]}\n";
        let second = |line: &str| json_lines(&format!("{good}{line}")).expect_err("the second line is bad");
        let long = second("{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 1, \"hash_ids\": [[1, 900]]}");
        assert_eq!(
            long,
            BadLine { line: 2, what: "more `hash_ids` than 600 tokens have blocks; expected at most 2".into() }
        );
        assert!(second("{\"timestamp\": 0").what.contains("expected {\"timestamp\": ms"));
        assert!(second("{\"timestamp\": 0, \"input_len\": 4}").what.contains("unknown field `input_len`"));
        let late =
            table("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2\nnoon,1,2").expect_err("bad");
        assert_eq!((late.line, late.what.contains("`noon` is no moment")), (3, true));
        assert!(table("a,b\n1,2").expect_err("bad").what.contains("no column `TIMESTAMP`"));
    }
}
