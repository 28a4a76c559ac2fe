//! The one registry of what can be seen in a world: what a feature is read off, and which looks reveal it.

use serde::{Deserialize, Serialize};

use crate::metrics::promql::Query;
use crate::score::observer::rows;
use crate::session::command::Look;
use crate::session::look::Seen;
use crate::telemetry::panels::{BOARDS, Panel, Unit};

/// What is taken of several series, members or values. Names of entities never count, so that renaming changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stat {
    /// The only one, or the mean.
    Mean,
    /// The lowest.
    Low,
    /// The highest.
    High,
    /// How many.
    Count,
}

/// What a feature is read off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A question of a panel, by the board on which it stands first.
    Panel {
        /// Board.
        board: String,
        /// Panel.
        panel: String,
        /// The question's place.
        query: u8,
        /// Of its series.
        stat: Stat,
    },
    /// Something that rows of requests say, alone, in pairs of dimensions or joined with accounts; one of [`rows::LIST`].
    Rows(String),
    /// Lines of one form a second. Words with digits in them are the form's blanks.
    Log {
        /// The service.
        service: String,
        /// The level.
        level: String,
        /// The form; empty: all of them.
        form: String,
    },
    /// What spans of a name take in seconds on average, and the highest share of them that fails.
    Span {
        /// The service.
        service: String,
        /// The name.
        name: String,
        /// Seconds, or the share that fails.
        stat: Stat,
    },
    /// Seconds since an alert fired last; none while it is resolved or has not fired.
    Alert(String),
    /// How many changes of a form the log shows, of the last day.
    Change(String),
    /// How many tickets of a title were filed.
    Ticket(String),
    /// How many lines of a form a control plane answers.
    Fleet {
        /// The question.
        ask: String,
        /// The form.
        form: String,
    },
    /// Share of users in pain, as the indicator has it.
    Pain,
}

/// Questions to control planes that the registry asks. Documents are the same whatever the hypothesis, by rule; what is
/// not asked is neutral.
pub const ASKED: [&str; 12] = [
    "get pods",
    "get nodes",
    "get endpoints",
    "get hpa",
    "get deployments",
    "get events",
    "get cache",
    "config gateway",
    "config auth",
    "config edge",
    "config serving",
    "config kv-cache",
];

/// The form of a line that a control plane answers: a setting in force counts with its value.
pub fn line_form(ask: &str, line: &str) -> String {
    if ask.starts_with("config ") { line.split_whitespace().collect::<Vec<_>>().join(" ") } else { form(line) }
}

/// Whether a text has all that is particular in a form of lines, as in `OOMKilled`: its words with capitals within.
fn tells_of(text: &str, form: &str) -> bool {
    let particular = |word: &&str| word.chars().skip(1).any(|c| c.is_ascii_uppercase());
    let mut words = form.split(|c: char| !c.is_ascii_alphanumeric()).filter(particular).peekable();
    words.peek().is_some() && words.all(|word| text.contains(word))
}

/// The forms of a text: words with a digit in them are blanks.
pub fn form(text: &str) -> String {
    const LONGEST: usize = 90;
    let mut out = String::new();
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        if word.chars().any(|c| c.is_ascii_digit()) {
            if !out.ends_with('#') {
                out.push('#');
            }
        } else {
            out.push_str(word);
        }
        word.clear();
    };
    for c in text.lines().next().unwrap_or_default().chars() {
        if c.is_alphanumeric() || ['_', '-', '.', ':'].contains(&c) {
            word.push(c);
        } else {
            flush(&mut word, &mut out);
            if !(c.is_whitespace() && out.ends_with(' ')) {
                out.push(c);
            }
        }
    }
    flush(&mut word, &mut out);
    out.trim().chars().take(LONGEST).collect()
}

/// A panel with its place, by its expressions: the same question on two boards is one.
pub fn panel(board: &str, id: &str) -> Option<&'static Panel> {
    BOARDS.iter().find(|b| b.id == board)?.panels.iter().find(|p| p.id == id)
}

/// All questions of panels, each once: board, panel, place, legend and expression.
pub fn questions() -> Vec<(&'static str, &'static Panel, u8, &'static str, &'static str)> {
    let mut all: Vec<(&str, &Panel, u8, &str, &str)> = Vec::new();
    for board in &BOARDS {
        for panel in board.panels {
            for (place, (legend, expr)) in panel.queries.iter().enumerate() {
                if !all.iter().any(|(.., known)| known == expr) {
                    all.push((board.id, panel, place as u8, legend, expr));
                }
            }
        }
    }
    all
}

/// What a look that was answered let be seen, and of which time: seconds after the page.
pub struct Window<'a> {
    /// The look.
    pub look: &'a Look,
    /// What its answer could show.
    pub seen: &'a Seen,
    /// Its answer, where it is a text.
    pub told: &'a str,
    /// When it was answered.
    pub at_s: f64,
    /// The time it speaks of.
    pub from_s: f64,
    /// See `from_s`.
    pub to_s: f64,
}

impl Source {
    /// Whether a look reveals it, and how far back; the buckets from then until `to_s` are seen.
    pub fn revealed(&self, w: &Window<'_>) -> Option<f64> {
        let all_columns = |table: &str, wanted: &[&str]| {
            wanted.iter().all(|c| w.seen.features.iter().any(|f| *f == format!("column:{table}.{c}")))
        };
        let any_column = |table: &str| w.seen.features.iter().any(|f| f.starts_with(&format!("column:{table}.")));
        // What lists everything there is shows what is there now; what was there before it does not tell.
        let now = w.at_s - 2.0 * f64::from(super::grid::NARROW_S);
        match self {
            Source::Panel { board, panel: id, query, .. } => {
                let panel = panel(board, id)?;
                let (_, expr) = panel.queries.get(usize::from(*query))?;
                let shown = match w.look {
                    Look::Board { board: looked, .. } => {
                        let shown = BOARDS.iter().find(|b| b.id == *looked)?;
                        shown.panels.iter().any(|p| p.queries.iter().any(|(_, e)| e == expr))
                    }
                    Look::Promql { .. } => {
                        let wanted = Query::parse(expr).ok()?.metrics();
                        wanted.iter().all(|m| w.seen.features.iter().any(|f| *f == format!("metric:{m}")))
                    }
                    // What a control plane lists is what there is now.
                    Look::Fleet { .. } => {
                        let wanted = Query::parse(expr).ok()?.metrics();
                        let listed = |m: &String| w.seen.features.iter().any(|f| *f == format!("metric:{m}"));
                        return wanted.iter().all(listed).then_some(now);
                    }
                    Look::Ask { .. } => w.seen.features.iter().any(|f| *f == format!("told:{board}.{id}")),
                    _ => false,
                };
                shown.then_some(w.from_s)
            }
            Source::Rows(name) => {
                let spec = rows::spec(name)?;
                let shown = match w.look {
                    Look::Sql { .. } | Look::Compare { .. } | Look::Delegated { .. } => {
                        all_columns("requests", spec.columns) && all_columns("accounts", spec.accounts)
                    }
                    _ => false,
                };
                shown.then_some(w.from_s)
            }
            Source::Log { service, form, level } => match w.look {
                Look::Logs { service: of, grep, .. } => {
                    let plain = super::registry::form(&grep.to_lowercase());
                    let fits = grep.is_empty()
                        || grep.eq_ignore_ascii_case(level)
                        || (!form.is_empty()
                            && form.to_lowercase().contains(plain.trim_matches(|c| c == '#' || c == '/')));
                    ((of.is_empty() || of.starts_with(service.as_str())) && fits).then_some(w.from_s)
                }
                Look::Sql { .. } => {
                    let wanted: &[&str] = if form.is_empty() { &["service", "level"] } else { &["body"] };
                    all_columns("logs", wanted).then_some(w.from_s)
                }
                _ => None,
            },
            Source::Span { .. } => match w.look {
                Look::Trace { .. } | Look::Traces { .. } => Some(w.from_s),
                Look::Sql { .. } => all_columns("spans", &["name"]).then_some(w.from_s),
                _ => None,
            },
            Source::Alert(_) => match w.look {
                Look::Alerts => Some(w.from_s),
                Look::Sql { .. } => any_column("alerts").then_some(w.from_s),
                _ => None,
            },
            Source::Change(_) => match w.look {
                Look::Changes { .. } => Some(now),
                Look::Sql { .. } => any_column("changes").then_some(now),
                _ => None,
            },
            Source::Ticket(_) => match w.look {
                Look::Tickets => Some(now),
                Look::Sql { .. } => any_column("tickets").then_some(now),
                _ => None,
            },
            Source::Fleet { ask, form } => match w.look {
                Look::Fleet { line } => {
                    let plural = |word: &str| word.trim_end_matches('s').to_string();
                    let words: Vec<String> = line.split_whitespace().take(2).map(plural).collect();
                    let asked: Vec<String> = ask.split_whitespace().map(plural).collect();
                    // Of these there are few, and one of them in full says no less than their list.
                    let in_full = words.first().is_some_and(|w| w == "describe")
                        && ["hpa", "endpoint", "deployment"].iter().any(|noun| words.get(1).is_some_and(|w| w == noun));
                    // A pool's settings are a part of those of serving.
                    let service = |word: &String| ASKED.iter().any(|a| a.strip_prefix("config ") == Some(word));
                    let of_pool = words.first().is_some_and(|w| w == "config")
                        && ask == "config serving"
                        && words.get(1).is_some_and(|w| !service(w));
                    // One pod of many says of their list what stands in it too.
                    let of_pod = words.first().is_some_and(|w| w == "describe")
                        && words.get(1).is_some_and(|w| w == "pod" || w == "po")
                        && ["get pods", "get events"].contains(&ask.as_str())
                        && tells_of(w.told, form);
                    let same = of_pool
                        || of_pod
                        || words == asked
                        || (in_full && words[1..] == asked[1..])
                        || (line.trim() == "ring" && ask == "get cache");
                    same.then_some(now)
                }
                _ => None,
            },
            Source::Pain => None,
        }
    }

    /// What it is together with: a panel, a table's measure, a service's log. What is weighed as one piece of evidence.
    pub fn item(&self) -> Item {
        match self {
            Source::Panel { board, panel: id, .. } => {
                let title = panel(board, id).map_or(id.as_str(), |p| p.title).to_string();
                Item {
                    key: format!("panel:{board}.{id}"),
                    title,
                    look: Look::Board { board: board.clone(), window_s: 900 },
                }
            }
            Source::Rows(name) => {
                let spec = rows::spec(name);
                Item {
                    key: format!("rows:{}", name.split(':').next().unwrap_or(name)),
                    title: spec.map_or(name.as_str(), |s| s.title).to_string(),
                    look: Look::Sql { query: spec.map_or(String::new(), |s| s.question()) },
                }
            }
            Source::Log { service, .. } => Item {
                key: format!("logs:{service}"),
                title: format!("Log lines of {service}"),
                look: Look::Logs { service: service.clone(), since_s: 900, grep: String::new() },
            },
            Source::Span { .. } => Item {
                key: "traces".to_string(),
                title: "Traces: where the time goes".to_string(),
                look: Look::Traces { filter: String::new() },
            },
            Source::Alert(_) => {
                Item { key: "alerts".to_string(), title: "Which alerts fire".to_string(), look: Look::Alerts }
            }
            Source::Change(_) => Item {
                key: "changes".to_string(),
                title: "The change log".to_string(),
                look: Look::Changes { id: String::new(), hours: 24 },
            },
            Source::Ticket(_) => {
                Item { key: "tickets".to_string(), title: "What customers file".to_string(), look: Look::Tickets }
            }
            Source::Fleet { ask, .. } => Item {
                key: format!("fleet:{ask}"),
                title: match ask.strip_prefix("config ") {
                    Some(service) => format!("Settings in force: {service}"),
                    None => format!("What the orchestrator says: {ask}"),
                },
                look: Look::Fleet { line: ask.clone() },
            },
            Source::Pain => Item { key: "pain".to_string(), title: "Users in pain".to_string(), look: Look::Alerts },
        }
    }

    /// Whether it speaks of a family of mechanisms, as in `kv_cache`: what people would look at for it.
    pub fn speaks_of(&self, family: &str) -> bool {
        match self {
            // Who wants what is asked of rows; retries and time-outs are the clients'.
            Source::Panel { board, panel: id, query, .. } => {
                let expr = panel(board, id).and_then(|p| p.queries.get(usize::from(*query))).map(|(_, expr)| *expr);
                let of_family = BOARDS.iter().filter(|b| b.id == family).flat_map(|b| b.panels);
                of_family.flat_map(|p| p.queries).any(|(_, known)| Some(*known) == expr)
            }
            Source::Rows(name) => match name.split(':').next().unwrap_or(name) {
                "tries" | "unique" | "accounts" | "templates" | "young" | "same_day" | "devices" => family == "demand",
                "prompt_tokens" | "prompt_tokens_most" | "output_tokens" | "images" | "images_most" => {
                    family == "demand"
                }
                "tries_each" | "retried" | "restarted" | "closed" => family == "sdk",
                "auth" | "auth_most" | "decoding" | "error" | "queue" => family == "api",
                name if name.starts_with("cached") || name == "computed_each" => family == "kv_cache",
                name if name.contains("replica") => family == "serving" || family == "accelerator",
                name if name.starts_with("by_") => family == "demand",
                _ => false,
            },
            Source::Log { service, .. } => {
                service.replace('-', "_") == family || (*service == "gateway" && family == "api")
            }
            Source::Fleet { ask, .. } => match ask.as_str() {
                "get hpa" => family == "control",
                "get cache" | "config kv-cache" => family == "kv_cache",
                "get endpoints" | "config edge" => family == "network",
                "config gateway" | "config auth" => family == "api",
                _ => ["serving", "accelerator", "control"].contains(&family),
            },
            Source::Change(_) => true,
            Source::Span { .. } | Source::Alert(_) | Source::Ticket(_) | Source::Pain => false,
        }
    }

    /// What its numbers measure; none where it is there or not.
    pub fn unit(&self) -> Option<Unit> {
        match self {
            Source::Panel { stat: Stat::Count, .. } => Some(Unit::Count),
            Source::Panel { board, panel: id, .. } => panel(board, id).map(|p| p.unit),
            Source::Rows(name) => rows::spec(name).map(rows::RowSpec::unit),
            Source::Span { stat: Stat::High, .. } => Some(Unit::Share),
            Source::Span { .. } => Some(Unit::Seconds),
            _ => None,
        }
    }

    /// What moves in it, where it is one line of several.
    pub fn part(&self) -> String {
        let of = |stat: &Stat| match stat {
            Stat::Mean => "",
            Stat::Low => ", lowest",
            Stat::High => ", highest",
            Stat::Count => ", series",
        };
        match self {
            Source::Panel { board, panel: id, query, stat } => {
                let legend = panel(board, id).and_then(|p| p.queries.get(usize::from(*query))).map_or("", |(l, _)| *l);
                let legend = if legend.contains('{') { "" } else { legend };
                format!("{legend}{}", of(stat)).trim_start_matches(", ").to_string()
            }
            Source::Rows(name) => name.split_once(':').map_or(String::new(), |(_, word)| word.replace('_', " ")),
            Source::Pain => String::new(),
            Source::Log { form, level, .. } => {
                if form.is_empty() {
                    format!("{level} lines")
                } else {
                    format!("\"{form}\"")
                }
            }
            Source::Span { service, name, .. } => format!("{name} at {service}"),
            Source::Alert(name) | Source::Change(name) | Source::Ticket(name) => name.clone(),
            Source::Fleet { form, .. } => format!("\"{form}\""),
        }
    }
}

/// One piece of evidence: what is read at a glance, with a look that shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// Names it.
    pub key: String,
    /// In plain words.
    pub title: String,
    /// A look that reveals it.
    pub look: Look,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_words_and_drops_what_has_digits() {
        assert_eq!(form("node kv-17 left after 8.2s (silent)"), "node # left after # (silent)");
        assert_eq!(form("POST /v1/messages 503 12ms\nstack"), "POST /#/messages # #");
        assert_eq!(form(""), "");
    }

    #[test]
    fn one_pod_tells_what_is_particular_in_the_list_of_all() {
        let sheet = "Last State: OOMKilled (exit 137)";
        assert!(tells_of(sheet, "gateway # OOMKilled # #"));
        assert!(!tells_of(sheet, "gateway # CrashLoopBackOff # #"));
        assert!(!tells_of(sheet, "gateway # Running # #"), "what is so of every pod is said of none");
    }

    #[test]
    fn the_same_question_is_asked_once() {
        let all = questions();
        let mut exprs: Vec<&str> = all.iter().map(|q| q.4).collect();
        exprs.sort_unstable();
        exprs.dedup();
        assert_eq!(exprs.len(), all.len());
        assert!(40 < all.len());
        assert!(all.iter().all(|(board, p, ..)| panel(board, p.id).is_some()));
    }
}
