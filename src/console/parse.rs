//! Lines into commands.

use std::collections::BTreeMap;

use crate::console::host::{self, HostLine};
use crate::console::verbs;
use crate::console::words::{observation, percent, seconds, span, split};
use crate::scenario::mechanisms;
use crate::session::advice::Asking;
use crate::session::belief::quick;
use crate::session::command::{Command, Commit, DeclaredCause, DeclaredRole, Look, Speaks, Update};

/// What a line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Something for the session and its log.
    Command(Command),
    /// Something that only the host says.
    Host(HostLine),
    /// A question that changes nothing: verb and rest of the line.
    Question(&'static str, String),
    /// Nothing was said.
    Nothing,
}

/// Verbs that are answered without the session's log.
const QUESTIONS: &[&str] = &[
    "help",
    "status",
    "brief",
    "looks",
    "map",
    "show",
    "glance",
    "case",
    "mechanisms",
    "explain",
    "actions",
    "preview",
    "channel",
    "coach",
    "as",
    "quit",
];
/// Verbs of control planes, passed on as they are.
const FLEET: &[&str] = &["get", "describe", "top", "rollout", "config", "ring", "router", "nvidia-smi"];

/// Reads a line.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub fn parse(line: &str) -> Result<Said, String> {
    let line = line.trim();
    let line = line.strip_prefix(['/', ':']).unwrap_or(line);
    let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    if verb.is_empty() || verb.starts_with('#') {
        return Ok(Said::Nothing);
    }
    let verb = match verb {
        "?" => "help",
        "exit" => "quit",
        "q" | "promql" => "explore",
        "select" | "SELECT" => return Ok(Said::Command(Command::Look(Look::Sql { query: line.to_string() }))),
        "dash" => "board",
        other => other,
    };
    if let Some(question) = QUESTIONS.iter().find(|q| **q == verb) {
        return Ok(Said::Question(question, rest.to_string()));
    }
    if verb == "postmortem" && rest.is_empty() || verb == "board" && rest.is_empty() {
        return Ok(Said::Question(if verb == "board" { "boards" } else { "postmortem" }, String::new()));
    }
    if verb == "host" {
        return host::read(rest).map(Said::Host);
    }
    let usage = |why: String| match verbs::find(verb) {
        Some(known) => format!("{why}. Usage: {} {}", known.name, known.usage),
        None => why,
    };
    command(verb, rest, line).map(Said::Command).map_err(usage)
}

fn command(verb: &str, rest: &str, line: &str) -> Result<Command, String> {
    let need = |what: &str| if rest.is_empty() { Err(format!("{verb} needs {what}")) } else { Ok(rest.to_string()) };
    if FLEET.contains(&verb) {
        if verb == "rollout" && ["undo", "restart", "pause"].iter().any(|order| rest.starts_with(order)) {
            return act(line);
        }
        return Ok(Command::Look(Look::Fleet { line: line.to_string() }));
    }
    Ok(match verb {
        "board" => board(rest)?,
        "explore" => explore(&need("an expression")?)?,
        "sql" => Command::Look(Look::Sql { query: need("a statement")? }),
        "logs" => logs(rest)?,
        "traces" => Command::Look(Look::Traces { filter: rest.to_string() }),
        "trace" => Command::Look(Look::Trace { id: need("a trace or request")? }),
        "changes" => changes(rest)?,
        "alerts" => Command::Look(Look::Alerts),
        "tickets" => Command::Look(Look::Tickets),
        "search" => Command::Look(Look::Archive { words: need("words")? }),
        "read" => Command::Look(Look::Document { id: need("a document")? }),
        "compare" => Command::Look(Look::Compare { selection: need("a condition")? }),
        "ask" => {
            let (who, about) = rest.split_once(char::is_whitespace).ok_or("ask needs somebody and something")?;
            Command::Look(Look::Ask { who: who.to_string(), about: about.trim().to_string() })
        }

        "arm" => Command::Arm,
        "safe" => Command::Safe,
        "act" => act(&need("an action")?)?,
        "scale" | "drain" | "cordon" | "uncordon" | "delete" => act(line)?,

        "believe" => Command::Believe { points: points(&split(rest)?)? },
        "pin" => {
            let (which, note) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            Command::Pin { observation: observation(which)?, note: note.trim().to_string() }
        }
        "link" => link(&split(rest)?)?,
        "contradict" => {
            let words = split(rest)?;
            let [one, other, why @ ..] = words.as_slice() else {
                return Err("two observations are needed".to_string());
            };
            Command::Contradict { one: observation(one)?, other: observation(other)?, why: why.join(" ") }
        }
        "test" => Command::NextTest { text: need("what")? },
        "commit" => Command::Commit(commit(&split(rest)?)?),
        "hint" => Command::Hint,
        "advise" => Command::Advise { asking: asking(&split(rest)?)? },
        "verify" => Command::Verify {
            citation: rest
                .trim_start_matches('#')
                .parse()
                .map_err(|_| format!("\"{rest}\" is no citation: 1, 2, ..."))?,
        },
        "adopt" => Command::Adopt,
        "reject" => Command::Reject,
        "ask-look" => Command::Look(Look::Delegated { question: need("a question")? }),
        "inject" => inject(rest)?,

        "ack" => Command::Acknowledge,
        "sev" => Command::Severity {
            level: rest.trim_start_matches("SEV").parse().map_err(|_| format!("\"{rest}\" is no severity: 1 to 4"))?,
        },
        "update" => Command::Update(update(&split(rest)?)?),
        "page" => Command::Page { team: need("a team")? },
        "say" => Command::Say { text: need("something")? },

        "wait" => Command::Wait { seconds: span(&need("a span, as in 30s")?)?.as_secs_f64() },
        "next" => Command::Next,
        "pause" => Command::Pause { stopped: true },
        "resume" => Command::Pause { stopped: false },
        "speed" => Command::Speed {
            times: rest.trim_end_matches('x').parse().map_err(|_| format!("\"{rest}\" is no speed: 1, 2, 4 or 8"))?,
        },
        "bookmark" => Command::Bookmark { text: rest.to_string() },
        "end" => Command::End,
        "postmortem" => {
            let (section, text) = rest.split_once(char::is_whitespace).ok_or("a section and its text are needed")?;
            Command::Postmortem { sections: BTreeMap::from([(section.to_string(), text.trim().to_string())]) }
        }
        other => return Err(verbs::unknown(other)),
    })
}

fn board(rest: &str) -> Result<Command, String> {
    let mut words = rest.split_whitespace();
    let board = words.next().unwrap_or_default().to_string();
    let window_s = words.next().map_or(Ok(900), seconds)?;
    Ok(Command::Look(Look::Board { board, window_s }))
}

/// `EXPRESSION [over SPAN] [step SPAN]`: the words at the end belong to us, the rest to PromQL.
fn explore(rest: &str) -> Result<Command, String> {
    let (mut query, mut window_s, mut step_s) = (rest.trim().to_string(), None, None);
    loop {
        let mut words = query.rsplitn(3, char::is_whitespace);
        let (Some(last), Some(word), Some(before)) = (words.next(), words.next(), words.next()) else { break };
        match word {
            "over" => window_s = Some(seconds(last)?),
            "step" => step_s = Some(seconds(last)?),
            _ => break,
        }
        query = before.trim_end().to_string();
    }
    Ok(Command::Look(Look::Promql { query, window_s, step_s }))
}

fn logs(rest: &str) -> Result<Command, String> {
    let (mut service, mut since_s, mut grep) = (String::new(), 900, String::new());
    let mut rest = rest;
    while !rest.is_empty() {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let after = after.trim_start();
        match word.trim_start_matches("--") {
            "since" => {
                let (value, more) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
                since_s = seconds(value)?;
                rest = more.trim_start();
            }
            "grep" => {
                grep = after.trim_matches(['"', '\'']).to_string();
                rest = "";
            }
            _ if service.is_empty() => {
                service = word.to_string();
                rest = after;
            }
            other => return Err(format!("\"{other}\" was not expected")),
        }
    }
    Ok(Command::Look(Look::Logs { service, since_s, grep }))
}

fn changes(rest: &str) -> Result<Command, String> {
    if rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()) {
        let hours = if rest.is_empty() { 24 } else { seconds(rest)?.div_ceil(3600) };
        return Ok(Command::Look(Look::Changes { id: String::new(), hours }));
    }
    Ok(Command::Look(Look::Changes { id: rest.to_string(), hours: 24 }))
}

fn act(rest: &str) -> Result<Command, String> {
    let (action, confirm) = match rest.split_once(" confirm ") {
        Some((action, target)) => (action.trim(), Some(target.trim().to_string())),
        None => (rest.trim(), None),
    };
    Ok(Command::Act { action: action.to_string(), confirm })
}

/// `M=60 N=40`.
fn points(words: &[String]) -> Result<BTreeMap<String, u8>, String> {
    let mut points = BTreeMap::new();
    for word in words {
        let (mechanism, value) = word.split_once('=').ok_or_else(|| format!("\"{word}\" is not MECHANISM=POINTS"))?;
        mechanisms::find(mechanism)?;
        points.insert(mechanism.to_string(), percent(value)? as u8);
    }
    if points.is_empty() { Err("points are needed".to_string()) } else { Ok(points) }
}

/// Nothing, `sure?`, or `against E7`.
fn asking(words: &[String]) -> Result<Asking, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Ok(Asking::Plain),
        ["sure" | "sure?"] => Ok(Asking::Sure),
        ["against", which] => Ok(Asking::Against { observation: observation(which)? }),
        _ => Err("nothing more, `sure?`, or `against` and a pin are asked for".to_string()),
    }
}

/// `MECHANISM FAULT [for 5m]`.
fn inject(rest: &str) -> Result<Command, String> {
    let (mechanism, fault) = rest.split_once(char::is_whitespace).ok_or("a mechanism and a fault are needed")?;
    let (fault, for_s) = match fault.rsplit_once(" for ") {
        Some((fault, time)) => (fault, Some(span(time.trim())?.as_secs_f64())),
        None => (fault, None),
    };
    let (mechanism, fault) = (mechanisms::find(mechanism)?.id.to_string(), fault.trim().to_string());
    Ok(Command::Inject { mechanism, fault, for_s })
}

fn link(words: &[String]) -> Result<Command, String> {
    let [which, speaks, mechanism] = words else { return Err("three words are needed".to_string()) };
    let speaks = match speaks.as_str() {
        "for" => Speaks::For,
        "against" => Speaks::Against,
        other => return Err(format!("\"{other}\" is neither for nor against")),
    };
    Ok(Command::Link { observation: observation(which)?, mechanism: mechanism.clone(), speaks })
}

/// `MECHANISM PERCENT E7 [last]`, or the whole form.
fn commit(words: &[String]) -> Result<Commit, String> {
    let mut commit = Commit::default();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.last() == Some(&"last") {
        commit.last = true;
        words.pop();
    }
    let Some(first) = words.first() else { return Err("a mechanism is needed".to_string()) };
    if !first.contains('=') && *first != "cause" {
        let mechanism = mechanisms::find(first)?.id;
        let sure = words.get(1).ok_or("how sure? 50, 70 or 90")?;
        let sure = percent(sure)? as u8;
        if ![50, 70, 90].contains(&sure) {
            return Err("a quick commit is 50, 70 or 90 per cent sure; use M=POINTS ... for others".to_string());
        }
        commit.points = quick(mechanism, sure);
        commit.causes = vec![DeclaredCause {
            mechanism: mechanism.to_string(),
            component: String::new(),
            role: DeclaredRole::Root,
        }];
        commit.cites = words[2..].iter().filter(|w| **w != "cite").map(|w| observation(w)).collect::<Result<_, _>>()?;
        return Ok(commit);
    }
    let mut rest = words.into_iter().peekable();
    while let Some(word) = rest.next() {
        match word {
            "cause" => commit.causes.push(declared(rest.next().unwrap_or_default(), rest.peek().copied())?),
            role if ROLES.contains(&role) => {}
            "link" => {
                let text = rest.next().unwrap_or_default();
                let numbers =
                    text.split_once('>').and_then(|(a, b)| Some((a.parse::<u8>().ok()?, b.parse::<u8>().ok()?)));
                let (from, to) = numbers
                    .filter(|(a, b)| 0 < *a && 0 < *b)
                    .ok_or_else(|| format!("\"{text}\" is no link: write link 1>2, by the order of causes"))?;
                commit.links.push((from - 1, to - 1));
            }
            "cite" => {
                while let Some(number) = rest.peek().and_then(|w| observation(w).ok()) {
                    commit.cites.push(number);
                    rest.next();
                }
            }
            word if word.contains('=') => commit.points.extend(points(&[word.to_string()])?),
            other if commit.causes.is_empty() => return Err(format!("\"{other}\" was not expected")),
            other => {
                return Err(format!(
                    "\"{other}\" was not expected; a cause is a {}, and what lay there long before is a root too",
                    ROLES.join(", ")
                ));
            }
        }
    }
    Ok(commit)
}

/// Roles of a declared cause.
const ROLES: [&str; 4] = ["trigger", "root", "sustaining", "contributing"];

/// `MECHANISM[@COMPONENT]`, with the role that follows.
fn declared(text: &str, role: Option<&str>) -> Result<DeclaredCause, String> {
    let (mechanism, component) = text.split_once('@').unwrap_or((text, ""));
    mechanisms::find(mechanism)?;
    let role = match role {
        Some("trigger") => DeclaredRole::Trigger,
        Some("sustaining") => DeclaredRole::Sustaining,
        Some("contributing") => DeclaredRole::Contributing,
        _ => DeclaredRole::Root,
    };
    Ok(DeclaredCause { mechanism: mechanism.to_string(), component: component.to_string(), role })
}

/// `IMPACT% LEAD SURE% "DOING" MINUTES`.
fn update(words: &[String]) -> Result<Update, String> {
    let [impact, lead, sure, doing @ .., minutes] = words else {
        return Err("impact, lead, certainty, what is done and the minutes to the next update are needed".to_string());
    };
    let hypothesis = if lead == "none" { String::new() } else { mechanisms::find(lead)?.id.to_string() };
    Ok(Update {
        impact_percent: percent(impact)?,
        hypothesis,
        percent: percent(sure)? as u8,
        action: doing.join(" "),
        next_minutes: minutes
            .trim_end_matches("min")
            .trim_end_matches('m')
            .parse()
            .map_err(|_| format!("\"{minutes}\" is no number of minutes"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Command {
        match parse(line) {
            Ok(Said::Command(command)) => command,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn lines_mean_what_they_say() {
        let look = Look::Promql { query: "sum by (pod) (up)".to_string(), window_s: Some(1800), step_s: Some(15) };
        assert_eq!(said("explore sum by (pod) (up) over 30m step 15s"), Command::Look(look));
        let commit = Commit {
            points: BTreeMap::from([("demand.growth".to_string(), 70), ("other".to_string(), 30)]),
            causes: vec![DeclaredCause {
                mechanism: "demand.growth".into(),
                component: String::new(),
                role: DeclaredRole::Root,
            }],
            cites: vec![3],
            last: true,
            ..Commit::default()
        };
        assert_eq!(said("commit demand.growth 70 E3 last"), Command::Commit(commit));
        let Command::Commit(full) = said(
            "commit kv_cache.membership=80 other=20 cause kv_cache.agent_roll@kv-cache trigger cause kv_cache.membership root link 1>2 cite E1 E2",
        ) else {
            panic!("a commit")
        };
        assert_eq!((full.causes.len(), full.links, full.cites), (2, vec![(0, 1)], vec![1, 2]));
        assert_eq!(said("rollout undo CHG-1"), Command::Act { action: "rollout undo CHG-1".into(), confirm: None });
        assert_eq!(
            said("logs gateway since 5m grep image decode"),
            Command::Look(Look::Logs { service: "gateway".into(), since_s: 300, grep: "image decode".into() })
        );
    }

    #[test]
    fn a_slip_is_told_with_the_way_out() {
        assert!(parse("exlpore up").expect_err("a slip").contains("explore"));
        assert!(parse("commit kv_cache.membershp 70 E1").expect_err("a slip").contains("kv_cache.membership"));
        assert!(parse("sev 9 9").expect_err("a slip").contains("Usage: sev"));
        assert_eq!(parse("   "), Ok(Said::Nothing));
    }
}
