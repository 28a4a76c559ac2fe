//! Everything that was said, as JSON lines: what the model was told, its replies as they came, its calls and what they gave.
//! Keys are never in it.

use std::io::Write;

use serde_json::{Value, json};

use super::budget::Spent;
use super::provider::{Model, Provider};
use crate::session::advice::{Advice, Asking};

/// The version of the form.
const VERSION: u32 = 1;
/// What it is called beside the session that was played.
pub const FILE: &str = "transcript.jsonl";

/// Where a transcript goes.
#[derive(Default)]
pub struct Transcript {
    out: Option<Box<dyn Write + Send>>,
    failed: Option<String>,
    /// What calls gave in a transcript that is played back, in order.
    given: std::collections::VecDeque<Value>,
    differing: usize,
    compares: bool,
}

/// What a transcript holds that can be played back.
pub struct Kept {
    /// Whose replies these are.
    pub model: Model,
    /// The replies.
    pub replies: Vec<Value>,
    /// What calls gave.
    pub given: Vec<Value>,
}

impl Transcript {
    /// One that is written line by line.
    pub fn to(out: Box<dyn Write + Send>) -> Transcript {
        Transcript { out: Some(out), ..Transcript::default() }
    }

    /// The same, and what calls give is held against what they gave before.
    pub fn against(mut self, given: Vec<Value>) -> Transcript {
        self.given = given.into();
        self.compares = true;
        self
    }

    /// Calls that gave something else than before.
    pub fn differing(&self) -> usize {
        self.differing
    }

    /// Why it is not whole, if it is not.
    pub fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    fn line(&mut self, value: &Value) {
        let Some(out) = &mut self.out else { return };
        if let Err(error) = writeln!(out, "{value}").and_then(|()| out.flush()) {
            self.failed = Some(error.to_string());
            self.out = None;
        }
    }

    pub(super) fn begin(&mut self, model: &Model, case: &str, system: &str) {
        let provider = model.provider;
        let build = env!("CARGO_PKG_VERSION");
        self.line(&json!({
            "kind": "begin", "v": VERSION, "build": build, "provider": provider, "model": model.name, "case": case,
            "system": system,
        }));
    }

    pub(super) fn told(&mut self, text: &str) {
        self.line(&json!({ "kind": "told", "text": text }));
    }

    pub(super) fn try_failed(&mut self, why: &str) {
        self.line(&json!({ "kind": "try_failed", "why": why }));
    }

    pub(super) fn said(&mut self, raw: &Value) {
        self.line(&json!({ "kind": "said", "reply": raw }));
    }

    pub(super) fn called(&mut self, name: &str, arguments: &Value, gave: &Result<Value, String>) {
        let gave = match gave {
            Ok(value) => json!({ "ok": value }),
            Err(why) => json!({ "error": why }),
        };
        let without_run = without_run(&gave);
        if self.compares && self.given.pop_front().is_none_or(|before| before != without_run) {
            self.differing += 1;
        }
        self.line(&json!({ "kind": "called", "tool": name, "arguments": arguments, "gave": without_run }));
    }

    pub(super) fn end(&mut self, value: &Value) {
        self.line(&json!({ "kind": "end", "played": value }));
    }

    pub(super) fn asked(&mut self, asking: Asking) {
        self.line(&json!({ "kind": "asked", "asking": asking }));
    }

    pub(super) fn advised(&mut self, asking: Asking, advice: &Advice, spent: &Spent) {
        self.line(&json!({ "kind": "advised", "asking": asking, "advice": advice, "spent": spent }));
    }

    pub(super) fn unanswered(&mut self, asking: Asking, why: &str, spent: &Spent) {
        self.line(&json!({ "kind": "unanswered", "asking": asking, "why": why, "spent": spent }));
    }

    /// Who played, by a transcript: the model, what it was told to be, and what it used by the end.
    pub fn who(text: &str) -> Option<(String, String, Option<Spent>)> {
        let begin: Value = serde_json::from_str(text.lines().next()?).ok()?;
        let last = text.lines().next_back().and_then(|line| serde_json::from_str::<Value>(line).ok());
        let spent = last.and_then(|mut end| serde_json::from_value(end["played"]["spent"].take()).ok());
        Some((begin["model"].as_str()?.to_string(), begin["system"].as_str()?.to_string(), spent))
    }

    /// Reads what can be played back.
    ///
    /// # Errors
    /// Which line is wrong, and why.
    pub fn read(text: &str) -> Result<Kept, String> {
        let (mut model, mut replies, mut given) = (None, Vec::new(), Vec::new());
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |why: &str| format!("line {}: {why}", number + 1);
            let mut value: Value = serde_json::from_str(line).map_err(|why| wrong(&format!("no JSON: {why}")))?;
            match value.get("kind").and_then(Value::as_str) {
                Some("begin") => {
                    if value["v"] != json!(VERSION) {
                        return Err(wrong(&format!("it has version {}, and this program reads {VERSION}", value["v"])));
                    }
                    let provider: Provider = serde_json::from_value(value["provider"].take())
                        .map_err(|_| wrong("no provider that is known here"))?;
                    let name = value["model"].as_str().unwrap_or_default().to_string();
                    model = Some(Model { provider, name, base: String::new(), reply_tokens: 0 });
                }
                Some("said") => replies.push(value["reply"].take()),
                Some("called") => given.push(value["gave"].take()),
                Some("told" | "try_failed" | "end") => {}
                Some("asked" | "advised" | "unanswered") => {
                    return Err(wrong(
                        "this is advice, which is played back by `play --assistant recorded --advice FILE`",
                    ));
                }
                _ => return Err(wrong("no kind of line that is known here")),
            }
        }
        let model = model.ok_or("it has no line of the kind \"begin\": this is no transcript of an incident")?;
        Ok(Kept { model, replies, given })
    }
}

/// Without the name of the run, which is another in each.
fn without_run(gave: &Value) -> Value {
    let mut gave = gave.clone();
    if let Some(Value::Object(fields)) = gave.get_mut("ok") {
        fields.remove("run_id");
    }
    gave
}
