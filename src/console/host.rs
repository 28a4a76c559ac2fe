//! What a host says in a console that others use too: `host` before a verb, once the seat was opened with a passphrase.
//! Neither the passphrase nor anything else behind the word is shown, echoed or kept in the history.

use crate::console::parse::{Said, parse};
use crate::console::words::split;
use crate::session::clock::{Seat, Terms};
use crate::session::command::{Command, Host, Sign};
use crate::session::roles::Role;
use crate::session::store::{ApplyError, OpenSession};
use crate::telemetry::panels::BOARDS;

/// What follows `host`.
#[derive(Clone, Debug, PartialEq)]
pub enum HostLine {
    /// The passphrase.
    Open(String),
    /// The host goes.
    Close,
    /// Something for the session and its log.
    Command(Command),
}

/// The host's seat at a console.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostSeat {
    open: bool,
}

/// Who speaks as the host.
const HOST: &str = "host";
/// What a host can say, as it is typed.
const FORMS: &[(&str, &str)] = &[
    ("open", "PASSPHRASE"),
    ("close", ""),
    ("pause", ""),
    ("resume", ""),
    ("freeze", "[QUESTION]"),
    ("release", ""),
    ("say", "PERSONA TEXT"),
    ("page", "TEXT"),
    ("note", "[+|-] TEXT"),
    ("leave", "NAME"),
    ("return", "NAME"),
    ("role", "NAME=DUTY[:BOARD,BOARD]"),
    ("inject", "MECHANISM FAULT [for 5m]"),
];

/// All of it, for help.
pub fn forms() -> String {
    FORMS.iter().map(|(verb, usage)| format!("  host {verb} {usage}").trim_end().to_string() + "\n").collect()
}

/// Reads what follows `host`.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub fn read(rest: &str) -> Result<HostLine, String> {
    let (verb, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let rest = rest.trim();
    let usage = |why: &str| match FORMS.iter().find(|(known, _)| *known == verb) {
        Some((_, usage)) => format!("{why}. Usage: host {verb} {usage}"),
        None => why.to_string(),
    };
    let need = |what: &str| if rest.is_empty() { Err(usage(&format!("{verb} needs {what}"))) } else { Ok(rest) };
    let host = match verb {
        "open" => return Ok(HostLine::Open(need("the passphrase")?.to_string())),
        "close" => return Ok(HostLine::Close),
        "pause" => Host::Hold { held: true },
        "resume" => Host::Hold { held: false },
        "freeze" => Host::Freeze { question: unquoted(rest) },
        "release" => Host::Release,
        "say" => {
            let (persona, text) = need("somebody and something")?
                .split_once(char::is_whitespace)
                .ok_or_else(|| usage("somebody and something are needed"))?;
            Host::Say { persona: persona.to_string(), text: unquoted(text) }
        }
        "page" => Host::Page { text: unquoted(need("what it says")?) },
        "note" => note(need("what to note")?),
        "leave" => Host::Leave { who: need("a name")?.to_string() },
        "return" => Host::Return { who: need("a name")?.to_string() },
        "role" => {
            let boards: Vec<&str> = BOARDS.iter().map(|board| board.id).collect();
            let (who, role) = Role::read(need("a name and a duty")?, &boards)?;
            Host::Role { who, role }
        }
        "inject" | "bookmark" => {
            return match parse(&format!("{verb} {rest}"))? {
                Said::Command(command) => Ok(HostLine::Command(command)),
                _ => Err(usage("that is no command")),
            };
        }
        "" => return Err(format!("host needs a verb:\n{}", forms().trim_end())),
        other => {
            let hint = crate::scenario::check::did_you_mean(other, FORMS.iter().map(|(verb, _)| *verb));
            return Err(format!("a host does not \"{other}\"{hint}; there are:\n{}", forms().trim_end()));
        }
    };
    Ok(HostLine::Command(Command::Host(host)))
}

fn note(text: &str) -> Host {
    let (sign, text) = match text.split_once(char::is_whitespace) {
        Some(("+", rest)) => (Sign::Plus, rest),
        Some(("-", rest)) => (Sign::Delta, rest),
        _ => (Sign::None, text),
    };
    Host::Note { text: unquoted(text), sign }
}

/// A text with or without quotes around it.
fn unquoted(text: &str) -> String {
    match split(text) {
        Ok(words) if words.len() == 1 => words[0].clone(),
        _ => text.trim().to_string(),
    }
}

/// Whether a passphrase opens the host's seat; where nobody set one, the seat is whoever's sits at the machine.
///
/// # Errors
/// It does not.
pub fn may_host(terms: &Terms, passphrase: Option<&str>) -> Result<(), String> {
    match (&terms.host, passphrase) {
        (None, _) => Ok(()),
        (Some(_), None) => Err("this session has a host: the passphrase is needed, by --host-file FILE".to_string()),
        (Some(lock), Some(passphrase)) if lock.opens(passphrase) => Ok(()),
        (Some(_), Some(_)) => Err("that is not the host's passphrase".to_string()),
    }
}

impl HostSeat {
    /// Takes what follows `host`. What is answered may stand where everybody sees it.
    ///
    /// # Errors
    /// It was refused, or could not be kept.
    pub fn take(&mut self, open: &mut OpenSession, line: &HostLine) -> Result<String, ApplyError> {
        let refused = |why: &str| Err(ApplyError::Refused(crate::session::Refusal(why.to_string())));
        match line {
            HostLine::Open(passphrase) => match &open.session.terms().host {
                None => refused("this session was begun without a host: --host or --host-file gives it one"),
                Some(lock) if lock.opens(passphrase) => {
                    self.open = true;
                    Ok("the host's seat is open; `host close` when you go".to_string())
                }
                Some(_) => refused("that is not the passphrase"),
            },
            HostLine::Close => {
                self.open = false;
                Ok("the host's seat is closed".to_string())
            }
            HostLine::Command(_) if !self.open => refused("the host's seat is closed: `host open PASSPHRASE` first"),
            HostLine::Command(command) => open.apply(Seat::Host, HOST, command).map(|_| "done".to_string()),
        }
    }
}

/// A line as it may be shown and kept: what follows `host` is nobody's business.
pub fn masked(line: &str) -> String {
    match hidden_from(line) {
        Some(place) => format!("{}***", &line[..place]),
        None => line.to_string(),
    }
}

/// The same with a star for each character, for a line that is being typed.
pub fn starred(line: &str) -> Option<String> {
    let place = hidden_from(line)?;
    Some(line[..place].chars().chain(line[place..].chars().map(|_| '*')).collect())
}

/// Where what follows `host` begins, if it is such a line.
fn hidden_from(line: &str) -> Option<usize> {
    let begins = line.len() - line.trim_start_matches(|c: char| c.is_whitespace() || c == '/' || c == ':').len();
    let rest = line[begins..].strip_prefix("host")?;
    let gap = rest.len() - rest.trim_start().len();
    (0 < gap).then_some(begins + 4 + gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_understood_and_nobody_reads_along() {
        let command = |host| Ok(HostLine::Command(Command::Host(host)));
        let said = |persona: &str, text: &str| Host::Say { persona: persona.into(), text: text.into() };
        assert_eq!(read("say cto \"numbers, please\""), command(said("cto", "numbers, please")));
        assert_eq!(read("say cto any \"numbers\" yet?"), command(said("cto", "any \"numbers\" yet?")));
        let noted = |text: &str, sign| Host::Note { text: text.into(), sign };
        assert_eq!(read("note - anchors on load"), command(noted("anchors on load", Sign::Delta)));
        assert_eq!(read("note + \"asks did demand rise\""), command(noted("asks did demand rise", Sign::Plus)));
        assert_eq!(read("freeze"), command(Host::Freeze { question: String::new() }));
        assert!(read("freze").expect_err("a slip").contains("freeze"));
        assert!(read("say cto").expect_err("a slip").contains("host say PERSONA TEXT"));
        assert!(matches!(
            read("inject kv_cache.flush CacheFlush for 5m"),
            Ok(HostLine::Command(Command::Inject { .. }))
        ));
        assert_eq!(masked(" host open three old boots"), " host ***");
        assert_eq!(starred("host note ä"), Some("host ******".to_string()));
        assert_eq!(masked("hostname"), "hostname");
    }
}
