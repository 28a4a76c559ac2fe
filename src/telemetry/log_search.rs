//! Search in log lines: by service, pod, level, time and words, with counts per facet and the lines around a find.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Serialize;

use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::logs::{Level, LogLine};
use crate::telemetry::sql;

/// Lines that a search shows beside its context.
pub const MOST_LINES: usize = 200;
/// Lines before and after a find that may be asked for.
pub const MOST_CONTEXT: usize = 20;

/// What to look for. What is not said excludes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogSearch {
    /// The service, as in `gateway`.
    pub service: Option<String>,
    /// The pod, as in `gateway-2`.
    pub pod: Option<String>,
    /// Lines at this level and above.
    pub level: Option<Level>,
    /// Lines of the last so long.
    pub since: Option<SimDuration>,
    /// A part of the line, in any case, or a regular expression between slashes.
    pub grep: Option<String>,
    /// Lines before and after each find, of the same pod.
    pub context: usize,
    /// Finds to show, the latest ones; 0 means [`MOST_LINES`].
    pub limit: usize,
}

/// A line that is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found<'a> {
    /// Its place among all lines.
    pub row: usize,
    /// The line.
    pub line: &'a LogLine,
    /// Whether it was looked for; else it stands around one that was.
    pub matched: bool,
}

/// How often a value was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facet {
    /// What is counted: `service`, `pod` or `level`.
    pub name: &'static str,
    /// Values with their counts, the most frequent first, equal ones in order.
    pub values: Vec<(String, usize)>,
}

/// What a search gave.
#[derive(Clone, Debug, PartialEq)]
pub struct LogAnswer<'a> {
    /// The lines that are shown, in order of time.
    pub lines: Vec<Found<'a>>,
    /// How many lines were found, shown or not.
    pub total: usize,
    /// How many lines were looked at: those of the asked time up to now.
    pub searched: usize,
    /// The finds by service, pod and level.
    pub facets: Vec<Facet>,
}

/// Why a search has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LogSearchError {
    /// The expression is none.
    #[error("{0}")]
    Pattern(String),
    /// Nothing bears the name.
    #[error("no {kind} is called \"{name}\"{}{}", hint(.nearest), named(.others))]
    Name {
        /// What it should be.
        kind: &'static str,
        /// The name.
        name: String,
        /// The nearest that there is.
        nearest: Option<String>,
        /// Services that write lines, where a service or a pod was meant.
        others: Vec<String>,
    },
}

fn named(others: &[String]) -> String {
    if others.is_empty() { String::new() } else { format!("; lines are of {}", others.join(", ")) }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |n| format!("; did you mean \"{n}\"?"))
}

/// How a line is told from others.
enum Pattern {
    All,
    Part(String),
    Regex(Regex),
}

impl Pattern {
    fn new(grep: Option<&str>) -> Result<Pattern, LogSearchError> {
        let Some(grep) = grep.filter(|g| !g.is_empty()) else { return Ok(Pattern::All) };
        match grep.strip_prefix('/').and_then(|g| g.strip_suffix('/')).filter(|g| !g.is_empty()) {
            Some(pattern) => sql::regex(pattern).map(Pattern::Regex).map_err(LogSearchError::Pattern),
            None => Ok(Pattern::Part(grep.to_lowercase())),
        }
    }

    fn matches(&self, line: &LogLine) -> bool {
        match self {
            Pattern::All => true,
            Pattern::Part(part) => {
                line.level.as_str().eq_ignore_ascii_case(part) || line.body.to_lowercase().contains(part)
            }
            Pattern::Regex(regex) => regex.is_match(&line.body),
        }
    }
}

/// Searches lines, which are in order of time; what is later than `now` is not there.
///
/// # Errors
/// The expression is none, or no line is of the service or pod.
pub fn search<'a>(lines: &'a [LogLine], now: SimTime, ask: &LogSearch) -> Result<LogAnswer<'a>, LogSearchError> {
    let pattern = Pattern::new(ask.grep.as_deref())?;
    let lines = &lines[..lines.partition_point(|line| line.at <= now)];
    let services = || lines.iter().map(|line| line.service);
    known("service", ask.service.as_deref(), services(), Vec::new)?;
    let others = || services().collect::<BTreeSet<_>>().into_iter().map(str::to_string).collect();
    known("pod", ask.pod.as_deref(), lines.iter().map(|line| line.pod.as_str()), others)?;
    let from = ask.since.map_or(SimTime::ZERO, |since| SimTime(now.0.saturating_sub(since.0)));
    let first = lines.partition_point(|line| line.at < from);
    let wanted = |line: &LogLine| {
        ask.service.as_ref().is_none_or(|s| s == line.service)
            && ask.pod.as_ref().is_none_or(|p| *p == line.pod)
            && ask.level.is_none_or(|level| level <= line.level)
            && pattern.matches(line)
    };
    let rows: Vec<usize> = (first..lines.len()).filter(|row| wanted(&lines[*row])).collect();
    let limit = if ask.limit == 0 { MOST_LINES } else { ask.limit.min(MOST_LINES) };
    let mut shown: BTreeMap<usize, bool> = BTreeMap::new();
    for row in &rows[rows.len().saturating_sub(limit)..] {
        let beside = |other: &usize| lines[*other].pod == lines[*row].pod;
        let context = ask.context.min(MOST_CONTEXT);
        let before = (0..*row).rev().filter(beside).take(context);
        for around in before.chain((row + 1..lines.len()).filter(beside).take(context)) {
            shown.entry(around).or_insert(false);
        }
        shown.insert(*row, true);
    }
    let facets = [
        facet("service", rows.iter().map(|row| lines[*row].service)),
        facet("pod", rows.iter().map(|row| lines[*row].pod.as_str())),
        facet("level", rows.iter().map(|row| lines[*row].level.as_str())),
    ];
    Ok(LogAnswer {
        lines: shown.into_iter().map(|(row, matched)| Found { row, line: &lines[row], matched }).collect(),
        total: rows.len(),
        searched: lines.len() - first,
        facets: facets.into(),
    })
}

fn known<'a>(
    kind: &'static str,
    name: Option<&str>,
    names: impl Iterator<Item = &'a str>,
    others: impl Fn() -> Vec<String>,
) -> Result<(), LogSearchError> {
    let Some(name) = name else { return Ok(()) };
    let names: BTreeSet<&str> = names.collect();
    if names.contains(name) || names.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = names.into_iter().collect();
    Err(LogSearchError::Name { kind, name: name.to_string(), nearest: sql::nearest(name, &names), others: others() })
}

fn facet<'a>(name: &'static str, values: impl Iterator<Item = &'a str>) -> Facet {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut values: Vec<(String, usize)> = counts.into_iter().map(|(v, n)| (v.to_string(), n)).collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Facet { name, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: u64, service: &'static str, pod: &str, level: Level, body: &str) -> LogLine {
        let at = SimTime(second * 1_000_000_000);
        LogLine { at, service, pod: pod.into(), level, trace: None, request: None, body: body.into() }
    }

    fn lines() -> Vec<LogLine> {
        vec![
            line(1, "gateway", "gateway-0", Level::Info, "started"),
            line(2, "gateway", "gateway-1", Level::Error, "upstream timeout after 30s"),
            line(3, "gateway", "gateway-0", Level::Warn, "Upstream slow"),
            line(4, "auth", "auth-0", Level::Info, "token checked"),
            line(9, "gateway", "gateway-0", Level::Error, "from the future"),
        ]
    }

    fn ask(grep: &str) -> LogSearch {
        LogSearch { grep: Some(grep.into()), ..LogSearch::default() }
    }

    #[test]
    fn words_and_expressions_find_lines_up_to_now() {
        let lines = lines();
        let now = SimTime(5_000_000_000);
        let found = |ask: &LogSearch| -> Vec<usize> {
            search(&lines, now, ask).expect("an answer").lines.iter().map(|f| f.row).collect()
        };
        assert_eq!(found(&ask("upstream")), [1, 2]);
        assert_eq!(found(&ask("/upstream \\w+ after \\d+s/")), [1]);
        assert_eq!(found(&ask("future")), [0; 0]);
        assert_eq!(found(&LogSearch { level: Some(Level::Warn), ..LogSearch::default() }), [1, 2]);
        assert_eq!(found(&LogSearch { since: Some(SimDuration::from_secs(1)), ..LogSearch::default() }), [3]);
        assert_eq!(found(&LogSearch { context: 1, ..ask("slow") }), [0, 2]);
        assert_eq!(found(&LogSearch { limit: 1, ..ask("upstream") }), [2]);
    }

    #[test]
    fn finds_are_counted_by_facet_and_slips_are_named() {
        let lines = lines();
        let now = SimTime(5_000_000_000);
        let answer = search(&lines, now, &ask("upstream")).expect("an answer");
        assert_eq!(answer.facets[0].values, [("gateway".to_string(), 2)]);
        assert_eq!(answer.facets[2].values, [("ERROR".to_string(), 1), ("WARN".to_string(), 1)]);
        assert!(search(&lines, now, &ask("/(/")).is_err());
        let wrong = search(&lines, now, &LogSearch { service: Some("gatway".into()), ..LogSearch::default() });
        assert_eq!(
            wrong.expect_err("a slip").to_string(),
            "no service is called \"gatway\"; did you mean \"gateway\"?"
        );
    }
}
