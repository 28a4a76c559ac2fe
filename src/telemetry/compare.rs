//! Rows inside a selection against the rest: in which dimension do they differ, and in which of its values.
//!
//! The difference of a dimension is the total variation distance of its two distributions, half the sum of the
//! differences of shares. Values that hold less than a hundredth on either side count as one, or a dimension of many
//! values would look different by chance alone. Measures are cut at 1, 2 and 5 times the powers of ten.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use rayon::prelude::*;
use serde::Serialize;

use crate::sim::world::recording::AttemptRow;
use crate::telemetry::rows::{Cell, Column, Kind, REQUESTS};
use crate::telemetry::sql::{Coverage, Sql, SqlError, SqlErrorKind, Tables};

/// A value with less than this share on both sides is one of the others.
const SMALLEST_SHARE: f64 = 0.01;
/// What the others are called.
const OTHERS: &str = "(others)";

/// What a request has before anything is done with it: where cohorts differ, and not in how they fared.
const BROUGHT: [&str; 13] = [
    "account",
    "tier",
    "client",
    "client_version",
    "template",
    "model",
    "region",
    "gateway",
    "retry_count",
    "turn_restart",
    "prompt_tokens",
    "images",
    "parameters",
];
/// Where it went, which is of no request that did not get so far.
const WENT: [&str; 2] = ["pool", "replica"];
/// Columns that say when, and number rows.
const MOMENTS: [&str; 4] = ["time", "time_ms", "ended", "row"];

/// Whether a value of a column is of what requests bring with them, or where they went, and not of how they fared.
pub fn is_brought(column: &str, value: &str) -> bool {
    BROUGHT.contains(&column) || WENT.contains(&column) && value != "NULL"
}

/// A value of a dimension, and how often it is found on either side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The column.
    pub dimension: &'static str,
    /// The distance of the column's distributions, from 0 to 1.
    pub distance: f64,
    /// The value that differs most, or a range of values.
    pub value: String,
    /// Its share inside, from 0 to 1.
    pub inside: f64,
    /// Its share outside, from 0 to 1.
    pub outside: f64,
    /// The share inside less the share outside.
    pub difference: f64,
}

/// What a comparison gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Rows inside.
    pub inside: usize,
    /// Rows outside.
    pub outside: usize,
    /// Dimensions, most different first; equal ones in order of their names.
    pub differences: Vec<Difference>,
    /// What was read for it.
    pub read: Coverage,
}

/// Compares the request rows for which `selection` holds with the others for which `among` holds; both are expressions
/// as after `WHERE`, and an empty `among` means all. Of each of the `most` most different dimensions the value that
/// differs most is named.
///
/// # Errors
/// As [`Sql::query`], with places in the expression; and where one of the sides is empty.
pub fn compare(
    sql: &mut Sql,
    tables: &Tables<'_>,
    selection: &str,
    among: &str,
    most: usize,
) -> Result<Comparison, SqlError> {
    let among = if among.trim().is_empty() { "1" } else { among };
    let (all, first) = sql.requests_where(tables, among)?;
    let (selected, second) = sql.requests_where(tables, selection)?;
    let mut side = vec![None; tables.requests.len()];
    for row in &all {
        side[*row] = Some(false);
    }
    for row in selected {
        side[row] = side[row].map(|_| true);
    }
    let inside = side.iter().flatten().filter(|inside| **inside).count();
    let outside = all.len() - inside;
    if inside == 0 || outside == 0 {
        let which = if inside == 0 { "no row is" } else { "all rows are" };
        let message = format!("{which} in the selection: there is nothing to compare");
        return Err(SqlError::new(SqlErrorKind::Value, message));
    }
    let totals = [outside as f64, inside as f64];
    let dimensions = REQUESTS.par_iter().filter(|c| c.kind != Kind::Key);
    let compared = |column| differ_in(column, tables, &side, totals);
    let mut differences: Vec<Difference> = dimensions.filter_map(compared).collect();
    // A selection by how requests fared is told by what they brought: that those which failed failed is no difference. What
    // the selection itself names comes last in any case.
    let named: Vec<&str> = second.tables.iter().flat_map(|t| t.columns.iter().map(AsRef::as_ref)).collect();
    let by_fate = named.iter().any(|name| !is_brought(name, "") && !MOMENTS.contains(name));
    let restates = |d: &Difference| named.contains(&d.dimension) || by_fate && !is_brought(d.dimension, &d.value);
    differences.sort_by(|a, b| {
        let told = restates(a).cmp(&restates(b)).then(b.distance.total_cmp(&a.distance));
        told.then(a.dimension.cmp(b.dimension))
    });
    differences.truncate(most);
    Ok(Comparison { inside, outside, differences, read: both(first, second) })
}

/// How rows on the two sides, of which there are so many, differ in a column.
fn differ_in(
    column: &Column<AttemptRow>,
    tables: &Tables<'_>,
    side: &[Option<bool>],
    totals: [f64; 2],
) -> Option<Difference> {
    let compared = tables.requests.iter().zip(side).filter_map(|(row, side)| Some((row, (*side)?)));
    let value_of = |row: &AttemptRow| Value::of((column.read)(row, tables.scene), column.kind);
    let mut counts: BTreeMap<Value, [f64; 2]> = BTreeMap::new();
    if let Some(code) = code_of(column.name) {
        // Names are made once for each number behind them, and not for each row.
        let mut codes: BTreeMap<u64, (&AttemptRow, [f64; 2])> = BTreeMap::new();
        for (row, inside) in compared {
            codes.entry(code(row)).or_insert((row, [0.0; 2])).1[usize::from(inside)] += 1.0;
        }
        for (row, rows) in codes.into_values() {
            let count = counts.entry(value_of(row)).or_default();
            *count = [count[0] + rows[0], count[1] + rows[1]];
        }
    } else {
        compared.for_each(|(row, inside)| counts.entry(value_of(row)).or_default()[usize::from(inside)] += 1.0);
    }
    let shares = counts.into_iter().map(|(value, counts)| (value, [counts[0] / totals[0], counts[1] / totals[1]]));
    differ(column.name, shares)
}

/// Reads the number that a column's names are made from, where it is: rows with the same number have the same name.
fn code_of(column: &str) -> Option<fn(&AttemptRow) -> u64> {
    Some(match column {
        "account" => |row| u64::from(row.account.0),
        "template" => |row| u64::from(row.source.0) << 32 | u64::from(row.template),
        "client" | "client_version" => |row| u64::from(row.client.0) << 1 | u64::from(row.released),
        "model" => |row| u64::from(row.model.0),
        "pool" | "replica" => |row| row.replica.map_or(u64::MAX, |replica| u64::from(replica.0)),
        "gateway" => |row| u64::from(row.gateway.0),
        _ => return None,
    })
}

/// What one of two statements over the requests read, as if it had been one.
fn both(first: Coverage, second: Coverage) -> Coverage {
    let mut read = first;
    read.steps += second.steps;
    for table in second.tables {
        match read.tables.iter_mut().find(|t| t.table == table.table) {
            None => read.tables.push(table),
            Some(known) => {
                known.rows = known.rows.max(table.rows);
                known.from_ms = known.from_ms.into_iter().chain(table.from_ms).min();
                known.to_ms = known.to_ms.max(table.to_ms);
                let new: Vec<_> = table.columns.into_iter().filter(|c| !known.columns.contains(c)).collect();
                known.columns.extend(new);
            }
        }
    }
    for table in read.tables.iter_mut().filter(|t| t.table == "requests") {
        // The comparison itself reads every dimension.
        let dimensions = REQUESTS.iter().filter(|c| c.kind != Kind::Key).map(|c| c.name);
        let new: Vec<_> = dimensions.filter(|c| !table.columns.contains(c)).collect();
        table.columns.extend(new);
    }
    read
}

/// The value of a dimension that differs most, from its values with their shares outside and inside.
fn differ(dimension: &'static str, shares: impl Iterator<Item = (Value, [f64; 2])>) -> Option<Difference> {
    let mut others = [0.0; 2];
    let mut values: Vec<(String, [f64; 2])> = Vec::new();
    for (value, share) in shares {
        if share[0].max(share[1]) < SMALLEST_SHARE {
            others = [others[0] + share[0], others[1] + share[1]];
        } else {
            values.push((value.shown(), share));
        }
    }
    if 0.0 < others[0].max(others[1]) {
        values.push((OTHERS.to_string(), others));
    }
    let distance = values.iter().map(|(_, share)| (share[1] - share[0]).abs()).sum::<f64>() / 2.0;
    // Of values that differ alike, that which there is more of inside is the one to name; then the first.
    let most = values.into_iter().reduce(|most, value| {
        let by = |v: &(String, [f64; 2])| ((v.1[1] - v.1[0]).abs(), v.1[1] - v.1[0]);
        let ((a, a_signed), (b, b_signed)) = (by(&most), by(&value));
        if a.total_cmp(&b).then(a_signed.total_cmp(&b_signed)).is_lt() { value } else { most }
    });
    most.map(|(value, [outside, inside])| Difference {
        dimension,
        distance,
        value,
        inside,
        outside,
        difference: inside - outside,
    })
}

/// A value as it is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Nothing,
    Number(i64),
    /// From a bound on, up to the next: the sign and place among bounds.
    Range(i32),
    Text(Cow<'static, str>),
}

impl Value {
    fn of(cell: Cell, kind: Kind) -> Value {
        match (cell, kind) {
            (Cell::Null, _) => Value::Nothing,
            (Cell::Text(text), _) => Value::Text(text),
            (Cell::Int(number), Kind::Measure) if 10 <= number => Value::Range(place(number as f64)),
            (Cell::Int(number), _) => Value::Number(number),
            (Cell::Real(number), _) => Value::Range(place(number)),
        }
    }

    fn shown(&self) -> String {
        match self {
            Value::Nothing => "NULL".to_string(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.to_string(),
            Value::Range(place) if *place < 0 => format!("below {}", bound(0)),
            Value::Range(place) => format!("{} to {}", bound(*place), bound(place + 1)),
        }
    }
}

/// The smallest bound above zero, times 1, 2, 5, 10 and so on; the place of a value that is smaller is -1.
fn place(value: f64) -> i32 {
    static BOUNDS: LazyLock<Vec<f64>> = LazyLock::new(|| (0..48).map(bound).collect());
    BOUNDS.partition_point(|bound| *bound <= value) as i32 - 1
}

fn bound(place: i32) -> f64 {
    const FIRST: f64 = 1.0;
    let tens = (0..place / 3).fold(FIRST, |bound, _| bound * 10.0);
    tens * [1.0, 2.0, 5.0][(place % 3) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_meet_at_one_two_and_five() {
        assert_eq!(Value::of(Cell::Real(0.3), Kind::Measure).shown(), "below 1");
        assert_eq!(Value::of(Cell::Real(1.0), Kind::Measure).shown(), "1 to 2");
        assert_eq!(Value::of(Cell::Real(4999.0), Kind::Measure).shown(), "2000 to 5000");
        assert_eq!(Value::of(Cell::Int(7), Kind::Measure).shown(), "7");
        assert_eq!(Value::of(Cell::Int(503), Kind::Name).shown(), "503");
    }

    #[test]
    fn the_value_that_differs_most_is_named_and_small_ones_are_one() {
        let text = |t: &'static str| Value::Text(t.into());
        let shares = [(text("a"), [0.9, 0.1]), (text("b"), [0.09, 0.89]), (text("c"), [0.005, 0.005])];
        let d = differ("pool", shares.into_iter()).expect("a difference");
        assert_eq!((d.value.as_str(), d.inside, d.outside), ("b", 0.89, 0.09));
        assert!((d.distance - 0.8).abs() < 1e-9);
        let many = (0..1000).map(|n| (Value::Number(n), [0.001 * f64::from(n % 2 == 0) * 2.0, 0.001]));
        let d = differ("account", many.map(|(v, s)| (v, [s[0], s[1]]))).expect("a difference");
        assert_eq!((d.value.as_str(), d.distance < 1e-9), (OTHERS, true));
    }
}
