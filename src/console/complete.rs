//! Completion: verbs first, then what a verb takes.

use std::borrow::Cow;

use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use crate::console::host::starred;
use crate::console::verbs::VERBS;
use crate::scenario::apply::FORMS;
use crate::scenario::mechanisms::MECHANISMS;
use crate::session::Session;
use crate::session::comms::TEAMS;
use crate::telemetry::alerts::SERIES;
use crate::telemetry::inputs::INPUTS;
use crate::telemetry::panels::BOARDS;
use crate::telemetry::sql::schema;

/// What can be typed next.
#[derive(Debug, Default)]
pub struct Words {
    /// Names of metrics.
    pub metrics: Vec<String>,
    /// Names of boards.
    pub boards: Vec<String>,
    /// Tables and columns.
    pub columns: Vec<String>,
    /// Services and pods.
    pub services: Vec<String>,
}

impl Words {
    /// The words of a session's stack.
    pub fn of(session: &Session) -> Words {
        let watch = session.watch();
        let mut services: Vec<String> = watch.scene.pools.iter().map(|(name, _)| name.clone()).collect();
        services.extend(["gateway", "auth", "kv-cache", "edge"].map(str::to_string));
        let columns = schema().into_iter().flat_map(|t| {
            let own = t.columns.iter().map(|c| c.name.to_string()).collect::<Vec<_>>();
            own.into_iter().chain([t.name.to_string()])
        });
        Words {
            metrics: (watch.world.scraped().names())
                .chain(INPUTS.iter().map(|input| input.name))
                .chain(SERIES)
                .map(str::to_string)
                .collect(),
            boards: BOARDS.iter().map(|b| b.id.to_string()).collect(),
            columns: columns.collect(),
            services,
        }
    }

    /// What fits at the end of `line`: where the word begins, and the candidates in order.
    pub fn candidates(&self, line: &str) -> (usize, Vec<String>) {
        let start = line.rfind([' ', '(', ',', '{']).map_or(0, |place| place + 1);
        let word = &line[start..];
        let verb = line.split_whitespace().next().unwrap_or_default();
        let owned = |words: &[String]| words.to_vec();
        let all: Vec<String> = if start == 0 {
            VERBS.iter().map(|v| v.name.to_string()).collect()
        } else {
            match verb {
                "board" | "glance" => owned(&self.boards),
                "explore" => owned(&self.metrics),
                "sql" | "select" | "compare" => owned(&self.columns),
                "logs" | "config" | "describe" | "drain" | "router" => owned(&self.services),
                "act" | "preview" => FORMS.iter().map(|f| f.name.to_string()).collect(),
                "page" => TEAMS.iter().map(|t| t.to_string()).collect(),
                "help" => VERBS.iter().map(|v| v.name.to_string()).collect(),
                "believe" | "link" | "commit" | "explain" | "update" => {
                    MECHANISMS.iter().map(|m| m.id.to_string()).collect()
                }
                _ => Vec::new(),
            }
        };
        let mut fits: Vec<String> = all.into_iter().filter(|c| c.starts_with(word)).collect();
        fits.sort();
        (start, fits)
    }
}

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.candidates(line.get(..at).unwrap_or(line)))
    }
}

impl Hinter for Words {
    type Hint = String;
}
impl Highlighter for Words {
    /// What a host types is not for those who look on.
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        starred(line).map_or(Cow::Borrowed(line), Cow::Owned)
    }

    fn highlight_char(&self, line: &str, _: usize, _: CmdKind) -> bool {
        starred(line).is_some()
    }
}
impl Validator for Words {}
impl Helper for Words {}

/// Shows a star for each character that is typed.
#[derive(Debug)]
pub struct Hidden;

impl Highlighter for Hidden {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(line.chars().map(|_| '*').collect())
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }
}
impl Completer for Hidden {
    type Candidate = String;
}
impl Hinter for Hidden {
    type Hint = String;
}
impl Validator for Hidden {}
impl Helper for Hidden {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_offered() {
        let words = Words { metrics: vec!["up".into(), "vllm:num_requests_waiting".into()], ..Words::default() };
        assert_eq!(words.candidates("expl"), (0, vec!["explain".to_string(), "explore".to_string()]));
        assert_eq!(words.candidates("explore sum(vl"), (12, vec!["vllm:num_requests_waiting".to_string()]));
        assert!(words.candidates("commit kv_cache.m").1.contains(&"kv_cache.membership".to_string()));
    }
}
