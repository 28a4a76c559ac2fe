//! Who sits beside whoever plays a session: the scripted advisor, a recording of advice, a model, or nobody of ours,
//! and then whoever has the assistant's seat answers. It is settled when a session is begun, in a file beside its log
//! (`assistant.json`) that is as private as the seal: how often an advisor is right is not to be known beforehand.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::assistant::llm::Provider;
use crate::session::Session;
use crate::session::advice::{Advice, Advisor, Asking};

/// The file beside a session's log.
pub const FILE: &str = "assistant.json";
/// Advice that is played back, beside it.
pub const RECORDED: &str = "advice-recorded.jsonl";
/// What a model was told and said, beside it.
pub const SPOKEN: &str = "advice.jsonl";

/// Who sits there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Beside {
    /// The scripted advisor.
    Scripted {
        /// The share of seeds on which it is right, 0 to 1.
        right: f64,
        /// The share of seeds on which a pin against it makes it think again.
        moves: f64,
    },
    /// Advice that was recorded, in [`RECORDED`].
    Recorded,
    /// A model behind an API; its key is nowhere but in the environment.
    Model {
        /// Whose interface.
        provider: Provider,
        /// As the provider calls it.
        name: String,
        /// Tokens of one reply at most.
        reply_tokens: u32,
        /// Tokens in and out of the whole session; none: not limited.
        most_tokens: Option<u64>,
    },
    /// Whoever sits in the assistant's seat.
    Seat,
}

impl Beside {
    /// Writes it beside a session's log.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        crate::scar::files::write_whole(&folder.join(FILE), &text)
    }

    /// Who sits beside a session; none: nobody was named.
    ///
    /// # Errors
    /// The file is damaged, or cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Beside>, String> {
        let path = folder.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|why| format!("{}: {why}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }
}

/// Nobody of ours: whoever has the assistant's seat answers from there.
pub struct Seated;

impl Advisor for Seated {
    fn advise(&mut self, _: &mut Session, _: Asking) -> Result<Option<Advice>, String> {
        Ok(None)
    }

    fn name(&self) -> String {
        "assistant".to_string()
    }
}

/// Somebody who cannot be asked, and why.
pub struct Absent(pub String);

impl Advisor for Absent {
    fn advise(&mut self, _: &mut Session, _: Asking) -> Result<Option<Advice>, String> {
        Err(self.0.clone())
    }

    fn name(&self) -> String {
        "assistant".to_string()
    }
}

/// Advice as it was recorded, so that everybody hears the same: to each way of asking its own, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    by: String,
    case: String,
    given: Vec<(Asking, Advice)>,
}

impl Recording {
    /// Reads what was recorded: the lines of kind `advised`, after one of kind `begin` that says whose and of which case.
    ///
    /// # Errors
    /// Which line is wrong, and why.
    pub fn read(text: &str) -> Result<Recording, String> {
        let mut recording = Recording { by: String::new(), case: String::new(), given: Vec::new() };
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |why: &dyn std::fmt::Display| format!("line {}: {why}", number + 1);
            let mut value: Value = serde_json::from_str(line).map_err(|why| wrong(&format!("no JSON: {why}")))?;
            let word = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_string();
            match value["kind"].as_str() {
                Some("begin") => (recording.by, recording.case) = (word(&value, "model"), word(&value, "case")),
                Some("advised") => {
                    let asking = serde_json::from_value(value["asking"].take()).map_err(|why| wrong(&why))?;
                    let advice = serde_json::from_value(value["advice"].take()).map_err(|why| wrong(&why))?;
                    recording.given.push((asking, advice));
                }
                _ => {}
            }
        }
        if recording.given.is_empty() {
            return Err("there is no advice in it: a line of kind \"advised\" has `asking` and `advice`, as \
                        advice.jsonl beside a session that a model advised"
                .to_string());
        }
        Ok(recording)
    }

    /// The case that it was recorded of, as in `INC-4127`; empty: of any.
    pub fn case(&self) -> &str {
        &self.case
    }
}

fn alike(a: Asking, b: Asking) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}

impl Advisor for Recording {
    fn advise(&mut self, session: &mut Session, asking: Asking) -> Result<Option<Advice>, String> {
        let before = session.advising().given().iter().filter(|given| alike(given.asking, asking)).count();
        let mut of = self.given.iter().filter(|(asked, _)| alike(*asked, asking)).map(|(_, advice)| advice);
        // Whoever asks what it is hears what was last said of it; pressing goes as far as it was pressed.
        let found = match asking {
            Asking::Plain => of.clone().nth(before).or_else(|| of.next_back()),
            _ => of.nth(before),
        };
        found.cloned().map(Some).ok_or_else(|| "it was recorded, and was not asked that (so often) then".to_string())
    }

    fn name(&self) -> String {
        if self.by.is_empty() { "recorded".to_string() } else { format!("{}, recorded", self.by) }
    }
}
