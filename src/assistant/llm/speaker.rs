//! Who answers: a provider that is asked with patience, or a transcript that is played back.

use std::collections::VecDeque;

use serde_json::Value;

use super::provider::{Message, Model, Offer, Turn};
use super::transcript::Transcript;

/// Tries of one request.
const TRIES: u32 = 6;
/// The first wait between tries; each is twice the one before, up to [`LONGEST_S`].
const FIRST_S: f64 = 1.0;
/// See [`FIRST_S`]; a provider that asks for more than this is not waited for.
const LONGEST_S: f64 = 60.0;
/// Characters of what a provider says that are told on.
const TOLD: usize = 300;

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// HTTP's status.
    pub status: u16,
    /// Seconds after which to ask again, as the provider has it.
    pub retry_after_s: Option<f64>,
    /// The body.
    pub body: String,
}

/// Nothing came back, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost(pub String);

/// A way to a provider, and the time between tries.
pub trait Line {
    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// The connection could not be made, or broke.
    fn post(&mut self, address: &str, headers: &[(&str, String)], body: &str) -> Result<Reply, Lost>;
    /// Lets time pass.
    fn sleep(&mut self, seconds: f64);
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// Tried often enough.
    #[error("the provider did not answer in {tries} tries: {last}")]
    Tired {
        /// How often.
        tries: u32,
        /// What came of the last.
        last: String,
    },
    /// It says no, and will say it again.
    #[error("the provider refuses ({status}): {says}")]
    No {
        /// HTTP's status.
        status: u16,
        /// What it says.
        says: String,
    },
    /// A transcript has no more replies.
    #[error("the transcript ends here: there are no more replies in it")]
    Over,
}

/// A reply, and as it came.
pub struct Asked {
    /// Read.
    pub turn: Turn,
    /// As the provider wrote it.
    pub raw: Value,
}

/// Whoever answers.
pub trait Speaker {
    /// Asks for the next turn; tries that failed go into the transcript.
    ///
    /// # Errors
    /// There is none to be had.
    fn next(
        &mut self,
        system: &str,
        conversation: &[Message],
        tools: &[Offer<'_>],
        transcript: &mut Transcript,
    ) -> Result<Asked, Stopped>;
}

/// A provider that is asked again where that may help.
pub struct Patient<L> {
    model: Model,
    key: Option<String>,
    line: L,
}

impl<L: Line> Patient<L> {
    /// A provider over a line. Local servers may want no key.
    pub fn new(model: Model, key: Option<String>, line: L) -> Patient<L> {
        Patient { model, key, line }
    }

    /// A text without the key, cut to what one reads.
    fn tellable(&self, text: &str) -> String {
        let text = match self.key.as_deref().filter(|key| !key.is_empty()) {
            Some(key) => text.replace(key, "[key]"),
            None => text.to_string(),
        };
        text.chars().take(TOLD).collect()
    }
}

impl<L: Line> Speaker for Patient<L> {
    fn next(
        &mut self,
        system: &str,
        conversation: &[Message],
        tools: &[Offer<'_>],
        transcript: &mut Transcript,
    ) -> Result<Asked, Stopped> {
        let body = self.model.request(system, conversation, tools).to_string();
        let (address, headers) = (self.model.address(), self.model.headers(self.key.as_deref()));
        let mut last = String::new();
        for turn in 0..TRIES {
            let mut wait_s = (FIRST_S * f64::from(1u32 << turn)).min(LONGEST_S);
            match self.line.post(&address, &headers, &body) {
                Ok(Reply { status: 200..=299, body, .. }) => {
                    // The key comes back from nobody; if it does, it does not get into the transcript.
                    let body = match self.key.as_deref().filter(|key| !key.is_empty()) {
                        Some(key) => body.replace(key, "[key]"),
                        None => body,
                    };
                    match self.model.read(&body) {
                        Ok(turn) => return Ok(Asked { turn, raw: serde_json::from_str(&body).unwrap_or_default() }),
                        Err(why) => last = self.tellable(&why),
                    }
                }
                Ok(Reply { status, retry_after_s, body }) => {
                    last = format!("{status}: {}", self.tellable(&message_of(&body)));
                    let later = matches!(status, 408 | 409 | 429 | 500..=599);
                    if !later {
                        let says = match status {
                            300..=399 => {
                                "it sends elsewhere, and a key goes to the address that was named: name that one"
                                    .to_string()
                            }
                            _ => self.tellable(&message_of(&body)),
                        };
                        return Err(Stopped::No { status, says });
                    }
                    if let Some(after_s) = retry_after_s {
                        if LONGEST_S < after_s {
                            last = format!("{last}; it wants to be asked again in {after_s:.0} s");
                            transcript.try_failed(&last);
                            return Err(Stopped::Tired { tries: turn + 1, last });
                        }
                        wait_s = wait_s.max(after_s);
                    }
                }
                Err(Lost(why)) => last = self.tellable(&why),
            }
            transcript.try_failed(&last);
            if turn + 1 < TRIES {
                self.line.sleep(wait_s);
            }
        }
        Err(Stopped::Tired { tries: TRIES, last })
    }
}

/// What a provider says of an error: its own words where they can be found.
fn message_of(body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    let found = ["/error/message", "/message", "/error", "/detail"].iter().find_map(|at| value.pointer(at)?.as_str());
    found.unwrap_or(body).trim().to_string()
}

/// Replies of a transcript, one after the other, without a network.
pub struct Recorded {
    model: Model,
    replies: VecDeque<Value>,
}

impl Recorded {
    /// Replies as they were recorded of a model.
    pub fn new(model: Model, replies: Vec<Value>) -> Recorded {
        Recorded { model, replies: replies.into() }
    }
}

impl Speaker for Recorded {
    fn next(&mut self, _: &str, _: &[Message], _: &[Offer<'_>], _: &mut Transcript) -> Result<Asked, Stopped> {
        let raw = self.replies.pop_front().ok_or(Stopped::Over)?;
        let turn = self.model.read(&raw.to_string()).map_err(|says| Stopped::No { status: 0, says })?;
        Ok(Asked { turn, raw })
    }
}
