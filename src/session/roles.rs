//! Several people in one session: what a role may see and say, and what a seat may.

use serde::{Deserialize, Serialize};

use crate::session::clock::Seat;
use crate::session::command::{Command, Look};

/// What somebody is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Decides: severity, commits, the end; and everything else.
    Commander,
    /// Pulls levers.
    Operator,
    /// Tells those who wait.
    Communicator,
    /// Writes down.
    Scribe,
}

impl Duty {
    /// All, with the words they are called by.
    pub const ALL: [(&'static str, Duty); 4] = [
        ("commander", Duty::Commander),
        ("operator", Duty::Operator),
        ("communicator", Duty::Communicator),
        ("scribe", Duty::Scribe),
    ];

    /// As it is called.
    pub fn name(self) -> &'static str {
        Duty::ALL.iter().find(|(_, duty)| *duty == self).map_or("", |(name, _)| name)
    }
}

/// Other words for duties, as teams call them.
const ALSO: &[(&str, &str)] = &[
    ("ic", "commander"),
    ("incident-commander", "commander"),
    ("ops", "operator"),
    ("operations", "operator"),
    ("comms", "communicator"),
    ("communications", "communicator"),
];

/// The role of one of several who share a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// What it is there for.
    pub duty: Duty,
    /// The boards that it sees, and no others, nor questions to metrics, rows, logs and traces; empty: all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boards: Vec<String>,
}

impl Role {
    /// Reads `NAME=DUTY` or `NAME=DUTY:BOARD,BOARD`.
    ///
    /// # Errors
    /// What of it is none, and how it is written.
    pub fn read(text: &str, boards: &[&str]) -> Result<(String, Role), String> {
        let form = "a role is written NAME=DUTY or NAME=DUTY:BOARD,BOARD, as in ana=operator:serving,kv_cache";
        let (name, rest) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or(form)?;
        let (duty, seen) = rest.split_once(':').unwrap_or((rest, ""));
        let words = Duty::ALL.map(|(word, _)| word);
        let same = ALSO.iter().find(|(other, _)| *other == duty).map_or(duty, |(_, word)| word);
        let found = Duty::ALL.iter().find(|(word, _)| *word == same);
        let (_, duty) = found.ok_or_else(|| {
            let hint = crate::scenario::check::did_you_mean(duty, words);
            format!("no duty is called \"{duty}\"{hint}; there are: {}", words.join(", "))
        })?;
        let seen: Vec<String> = seen.split(',').filter(|board| !board.is_empty()).map(str::to_string).collect();
        if let Some(odd) = seen.iter().find(|board| !boards.contains(&board.as_str())) {
            let hint = crate::scenario::check::did_you_mean(odd, boards.iter().copied());
            return Err(format!("no board is called \"{odd}\"{hint}; there are: {}", boards.join(", ")));
        }
        Ok((name.to_string(), Role { duty: *duty, boards: seen }))
    }

    /// Whether what a look shows is this role's to see.
    pub fn sees(&self, look: &Look) -> bool {
        match look {
            Look::Board { board, .. } => self.boards.is_empty() || self.boards.contains(board),
            Look::Changes { .. }
            | Look::Alerts
            | Look::Tickets
            | Look::Archive { .. }
            | Look::Document { .. }
            | Look::Ask { .. } => true,
            _ => self.boards.is_empty(),
        }
    }

    /// Whether this role may say something, where those who are present have these duties. What nobody present is there
    /// for falls to whoever is.
    ///
    /// # Errors
    /// Whose it is instead.
    pub fn may(&self, command: &Command, present: &[Duty]) -> Result<(), String> {
        if let Command::Look(look) = command
            && !self.sees(look)
        {
            return Err(self.sees_not());
        }
        let whose = whose(command);
        let taken = present.iter().any(|duty| whose.contains(duty));
        if whose.is_empty() || whose.contains(&self.duty) || !taken {
            return Ok(());
        }
        let names: Vec<&str> = whose.iter().map(|duty| duty.name()).collect();
        Err(format!("that is the {}'s to say, and you are the {}", names.join("'s or the "), self.duty.name()))
    }

    /// What is said to somebody who looks where others look.
    pub fn sees_not(&self) -> String {
        format!(
            "as {} you see {}, alerts, changes, tickets and documents: ask in the channel for the rest",
            self.duty.name(),
            self.boards.join(", ")
        )
    }
}

/// Whose a command is to give; empty: everybody's.
fn whose(command: &Command) -> &'static [Duty] {
    match command {
        Command::Act { .. } | Command::Arm | Command::Safe => &[Duty::Commander, Duty::Operator],
        Command::Commit(_) | Command::End | Command::Adopt | Command::Reject => &[Duty::Commander],
        Command::Update(_) | Command::Severity { .. } => &[Duty::Commander, Duty::Communicator],
        _ => &[],
    }
}

/// Whether a seat may say something.
///
/// # Errors
/// Whose it is instead.
pub fn seat_may(seat: Seat, command: &Command) -> Result<(), String> {
    let talks = matches!(command, Command::Say { .. } | Command::Bookmark { .. });
    let hosts = matches!(command, Command::Inject { .. } | Command::Host(_));
    let holds = hosts || matches!(command, Command::Pause { .. });
    match seat {
        Seat::Participant if matches!(command, Command::Inject { .. }) => {
            Err("only the host injects a fault".to_string())
        }
        Seat::Participant if matches!(command, Command::Advice(_)) => {
            Err("advice is the assistant's to give: `advise` asks for it".to_string())
        }
        Seat::Participant if hosts => Err("that is the host's alone to say".to_string()),
        Seat::Assistant if !talks && !matches!(command, Command::Look(_) | Command::Advice(_)) => {
            Err("an assistant looks and says: what is done, believed and claimed is the participant's".to_string())
        }
        Seat::Host if !talks && !holds => {
            Err("a host injects, holds, freezes, says, pages and notes: the rest is the participant's".to_string())
        }
        Seat::Examiner if !talks => Err("an examiner says and marks: the rest is the participant's".to_string()),
        _ => Ok(()),
    }
}
