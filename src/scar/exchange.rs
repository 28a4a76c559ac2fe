//! Records out and in again: JSON as they are, CSV as one line a grade for spreadsheets and statistics. Both hold all that
//! scars are made of; logs stay where they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::scar::files::write_whole;
use crate::scar::graded::{Graded, VERSION};
use crate::scar::item::is_item;
use crate::scar::memory::Rating;
use crate::scar::profile::{ProfileError, RULE, SCORECARD, SESSIONS, write_scorecard};
use crate::scar::rating::Grade;
use crate::scar::records::Row;

/// One session, as it is handed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handed {
    /// The record.
    #[serde(flatten)]
    pub graded: Graded,
    /// What its player made of it.
    #[serde(default)]
    pub rule: String,
}

impl From<&Row> for Handed {
    fn from(row: &Row) -> Handed {
        Handed { graded: Graded { name: row.name.clone(), ..row.graded.clone() }, rule: row.rule.clone() }
    }
}

/// What a grade adds to the line of its session.
const OF_GRADE: [&str; 5] = ["item", "rating", "target", "with_ai", "why"];
/// Between the parts of a list.
const AND: &str = "+";

/// Records as JSON.
pub fn to_json(rows: &[Row]) -> String {
    let handed: Vec<Handed> = rows.iter().map(Handed::from).collect();
    serde_json::to_string_pretty(&handed).unwrap_or_default()
}

/// Records as CSV: one line a grade, and one for a session without any.
///
/// # Errors
/// A record is none that can be written.
pub fn to_csv(rows: &[Row]) -> Result<String, ProfileError> {
    let wrong = |e: &dyn std::fmt::Display| ProfileError::Wrong(format!("cannot be written as CSV: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = columns();
    writer.write_record(columns.iter().map(String::as_str).chain(OF_GRADE)).map_err(|e| wrong(&e))?;
    for row in rows {
        let mut handed = Handed::from(row);
        let grades = std::mem::take(&mut handed.graded.grades);
        let fields = serde_json::to_value(&handed).map_err(|e| wrong(&e))?;
        let session: Vec<String> = columns.iter().map(|c| cell(fields.get(c).unwrap_or(&Value::Null))).collect();
        let of_grade = |g: &Grade| {
            [g.item.clone(), g.rating.number().to_string(), g.target.to_string(), g.with_ai.to_string(), g.why.clone()]
        };
        let mut lines: Vec<[String; 5]> = grades.iter().map(of_grade).collect();
        if lines.is_empty() {
            lines.push(Default::default());
        }
        for line in lines {
            writer.write_record(session.iter().chain(&line)).map_err(|e| wrong(&e))?;
        }
    }
    let bytes = writer.into_inner().map_err(|e| wrong(&e))?;
    String::from_utf8(bytes).map_err(|e| wrong(&e))
}

/// The columns of a session, in order: the fields of its record.
fn columns() -> Vec<String> {
    const NAMES: &[&str] = &[
        "v",
        "session",
        "name",
        "by",
        "at_s",
        "moved_days",
        "case",
        "scenario",
        "variant",
        "foil",
        "seed",
        "mode",
        "practice",
        "difficulty",
        "was",
        "said",
        "percent",
        "said_last",
        "truth_first",
        "truth_percent",
        "fooled_by",
        "verdict",
        "right",
        "proved",
        "found_s",
        "most_s",
        "hints",
        "drill",
        "exercised",
        "model",
        "build",
        "rule",
    ];
    NAMES.iter().map(|name| (*name).to_string()).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(cell).collect::<Vec<_>>().join(AND),
        other => other.to_string(),
    }
}

/// Reads what was handed on, in either form.
///
/// # Errors
/// It is neither; the message names the line.
pub fn read(text: &str, shown: &str) -> Result<Vec<Handed>, ProfileError> {
    let wrong = |why: String| ProfileError::Wrong(format!("{shown}: {why}"));
    let handed = if text.trim_start().starts_with('[') {
        serde_json::from_str::<Vec<Handed>>(text).map_err(|e| wrong(format!("no records: {e}")))?
    } else {
        from_csv(text).map_err(wrong)?
    };
    for one in &handed {
        if VERSION < one.graded.v {
            return Err(wrong(format!(
                "{} has version {}, and this program reads {VERSION}",
                one.graded.name, one.graded.v
            )));
        }
        if let Some(grade) = one.graded.grades.iter().find(|g| !is_item(&g.item)) {
            return Err(wrong(format!("{}: there is no item \"{}\"", one.graded.name, grade.item)));
        }
    }
    Ok(handed)
}

fn from_csv(text: &str) -> Result<Vec<Handed>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heads = reader.headers().map_err(|e| format!("no records: {e}"))?.clone();
    for column in columns().iter().map(String::as_str).chain(OF_GRADE) {
        if !heads.iter().any(|h| h == column) {
            return Err(format!("no records: there is no column \"{column}\""));
        }
    }
    let mut order: Vec<String> = Vec::new();
    let mut found: BTreeMap<String, Handed> = BTreeMap::new();
    for (n, record) in reader.records().enumerate() {
        let line = n + 2;
        let record = record.map_err(|e| format!("line {line}: {e}"))?;
        let fields: BTreeMap<&str, &str> = heads.iter().zip(record.iter()).collect();
        let of = |name: &str| fields.get(name).copied().unwrap_or_default();
        let session = of("session").to_string();
        if !found.contains_key(&session) {
            let handed: Handed =
                serde_json::from_value(session_of(&fields)).map_err(|e| format!("line {line}: {e}"))?;
            order.push(session.clone());
            found.insert(session.clone(), handed);
        }
        if of("item").is_empty() {
            continue;
        }
        let rating = of("rating").parse().ok().and_then(Rating::from_number);
        let rating = rating.ok_or_else(|| format!("line {line}: \"{}\" is no rating: 1 to 4", of("rating")))?;
        let yes = |name: &str| of(name).eq_ignore_ascii_case("true");
        let grade = Grade {
            item: of("item").to_string(),
            rating,
            target: yes("target"),
            with_ai: yes("with_ai"),
            why: of("why").to_string(),
        };
        if let Some(handed) = found.get_mut(&session) {
            handed.graded.grades.push(grade);
        }
    }
    Ok(order.into_iter().filter_map(|session| found.remove(&session)).collect())
}

/// The fields of a line as JSON: lists taken apart, numbers and truth values read, what is empty left out.
fn session_of(fields: &BTreeMap<&str, &str>) -> Value {
    const LISTS: [&str; 2] = ["was", "exercised"];
    const TEXTS: [&str; 13] = [
        "session",
        "name",
        "by",
        "case",
        "scenario",
        "variant",
        "mode",
        "practice",
        "said",
        "said_last",
        "fooled_by",
        "model",
        "build",
    ];
    let mut object = Map::new();
    for (name, text) in fields.iter().filter(|(name, _)| !OF_GRADE.contains(name)) {
        let value = if LISTS.contains(name) {
            Value::from(text.split(AND).filter(|part| !part.is_empty()).collect::<Vec<_>>())
        } else if text.is_empty() && !["practice", "rule", "by"].contains(name) {
            continue;
        } else if TEXTS.contains(name) || ["verdict", "rule"].contains(name) {
            Value::from(*text)
        } else {
            // Spreadsheets write TRUE and FALSE.
            serde_json::from_str(text)
                .or_else(|_| serde_json::from_str(&text.to_lowercase()))
                .unwrap_or_else(|_| Value::from(*text))
        };
        object.insert((*name).to_string(), value);
    }
    object.insert("grades".to_string(), Value::Array(Vec::new()));
    Value::Object(object)
}

/// Takes records into a profile's folder: those that it has are left as they are. How many were taken, how many were there.
///
/// # Errors
/// The file system refuses.
pub fn take_in(folder: &Path, known: &[Row], handed: &[Handed]) -> Result<(usize, usize), ProfileError> {
    let mut sessions: Vec<&str> = known.iter().map(|r| r.graded.session.as_str()).collect();
    let (mut taken, mut there) = (0, 0);
    for one in handed {
        if sessions.contains(&one.graded.session.as_str()) {
            there += 1;
            continue;
        }
        sessions.push(&one.graded.session);
        let name = tidy(&one.graded.name);
        let free = (1..)
            .map(|n| folder.join(SESSIONS).join(if n == 1 { name.clone() } else { format!("{name}-{n}") }))
            .find(|path| !path.exists())
            .unwrap_or_else(|| folder.join(SESSIONS).join(&one.graded.session));
        let io = |error| ProfileError::Io { path: free.display().to_string(), error };
        fs::create_dir_all(&free).map_err(io)?;
        if !one.rule.is_empty() {
            write_whole(&free.join(RULE), &format!("{}\n", one.rule)).map_err(io)?;
        }
        write_scorecard(&free.join(SCORECARD), &one.graded, None)?;
        taken += 1;
    }
    Ok((taken, there))
}

/// A name that is one folder and no path.
fn tidy(name: &str) -> String {
    let kept: String = name.chars().filter(|c| c.is_alphanumeric() || "-_.".contains(*c)).take(80).collect();
    let kept = kept.trim_start_matches('.');
    if kept.is_empty() { "imported".to_string() } else { kept.to_string() }
}
