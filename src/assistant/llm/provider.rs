//! Requests and replies as providers have them: the Messages API, and chat completions as many servers speak them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::tools::{Tool, Tools};

/// Whose interface it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Anthropic's Messages API.
    Anthropic,
    /// Chat completions, as OpenAI and most local servers have them.
    #[serde(rename = "openai-compatible")]
    OpenAiCompatible,
}

/// Which model, and where.
#[derive(Clone, Debug)]
pub struct Model {
    /// Whose interface.
    pub provider: Provider,
    /// As the provider calls it.
    pub name: String,
    /// The address that requests begin with, without a slash at its end.
    pub base: String,
    /// Tokens of one reply at most.
    pub reply_tokens: u32,
}

impl Provider {
    /// The interface of a name, as it stands on a command line and in a plan.
    ///
    /// # Errors
    /// There is none; the message names those there are.
    pub fn named(name: &str) -> Result<Provider, String> {
        match name {
            "anthropic" => Ok(Provider::Anthropic),
            "openai-compatible" => Ok(Provider::OpenAiCompatible),
            _ => Err(format!("\"{name}\" is no provider: anthropic and openai-compatible are")),
        }
    }
}

/// A tool, as a model is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'t> {
    /// As it is called.
    pub name: &'t str,
    /// What it is for.
    pub about: &'t str,
    /// JSON Schema of what it takes.
    pub input: &'t Map<String, Value>,
}

impl<'t> Offer<'t> {
    /// All tools of a run.
    pub fn all(tools: &'t Tools) -> Vec<Offer<'t>> {
        let offer = |tool: &'t Tool| Offer { name: tool.name, about: tool.about, input: &tool.input };
        tools.list().iter().map(offer).collect()
    }
}

/// Something in the conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Told to the model.
    Told(String),
    /// Said by the model, as its provider had it.
    Said(Value),
    /// What its calls gave: id, text, whether it is an error.
    Given(Vec<(String, String, bool)>),
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The provider's id of it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it is called with; or what was there instead of an object.
    pub arguments: Result<Map<String, Value>, String>,
}

/// A reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// What the model said.
    pub text: String,
    /// What it calls.
    pub calls: Vec<Call>,
    /// Tokens in and out.
    pub tokens: (u64, u64),
    /// Whether it was cut off at the most tokens that a reply may have.
    pub cut_off: bool,
    /// Whether the model refused to go on.
    pub refused: bool,
    /// What goes back into the conversation.
    pub said: Value,
}

impl Model {
    /// Where requests go.
    pub fn address(&self) -> String {
        match self.provider {
            Provider::Anthropic => format!("{}/v1/messages", self.base),
            Provider::OpenAiCompatible => format!("{}/chat/completions", self.base),
        }
    }

    /// Headers of a request; the key is in one of them, and nowhere else.
    pub fn headers(&self, key: Option<&str>) -> Vec<(&'static str, String)> {
        let mut headers = vec![("content-type", "application/json".to_string())];
        match self.provider {
            Provider::Anthropic => {
                headers.push(("anthropic-version", "2023-06-01".to_string()));
                headers.extend(key.map(|key| ("x-api-key", key.to_string())));
            }
            Provider::OpenAiCompatible => headers.extend(key.map(|key| ("authorization", format!("Bearer {key}")))),
        }
        headers
    }

    /// A request.
    pub fn request(&self, system: &str, conversation: &[Message], tools: &[Offer<'_>]) -> Value {
        match self.provider {
            Provider::Anthropic => {
                let listed = tools
                    .iter()
                    .map(|tool| json!({ "name": tool.name, "description": tool.about, "input_schema": tool.input }));
                json!({
                    "model": self.name, "max_tokens": self.reply_tokens, "system": system,
                    "tools": listed.collect::<Vec<_>>(),
                    "messages": conversation.iter().map(as_anthropic).collect::<Vec<_>>(),
                })
            }
            Provider::OpenAiCompatible => {
                let listed = tools.iter().map(|tool| {
                    let function = json!({ "name": tool.name, "description": tool.about, "parameters": tool.input });
                    json!({ "type": "function", "function": function })
                });
                let mut messages = vec![json!({ "role": "system", "content": system })];
                messages.extend(conversation.iter().flat_map(as_openai));
                // OpenAI's own models know the one name only, most other servers the other.
                let most = if self.base.contains("api.openai.com") { "max_completion_tokens" } else { "max_tokens" };
                json!({
                    "model": self.name, most: self.reply_tokens,
                    "tools": listed.collect::<Vec<_>>(), "messages": messages,
                })
            }
        }
    }

    /// Reads a reply.
    ///
    /// # Errors
    /// It is none of this provider's.
    pub fn read(&self, body: &str) -> Result<Turn, String> {
        let value: Value = serde_json::from_str(body).map_err(|why| format!("the reply is no JSON: {why}"))?;
        match self.provider {
            Provider::Anthropic => from_anthropic(&value),
            Provider::OpenAiCompatible => from_openai(&value),
        }
    }
}

fn as_anthropic(message: &Message) -> Value {
    match message {
        Message::Told(text) => json!({ "role": "user", "content": text }),
        Message::Said(content) => json!({ "role": "assistant", "content": content }),
        Message::Given(given) => {
            let blocks = given.iter().map(|(id, text, is_error)| {
                json!({ "type": "tool_result", "tool_use_id": id, "content": text, "is_error": is_error })
            });
            json!({ "role": "user", "content": blocks.collect::<Vec<_>>() })
        }
    }
}

fn as_openai(message: &Message) -> Vec<Value> {
    match message {
        Message::Told(text) => vec![json!({ "role": "user", "content": text })],
        Message::Said(message) => vec![message.clone()],
        Message::Given(given) => {
            (given.iter()).map(|(id, text, _)| json!({ "role": "tool", "tool_call_id": id, "content": text })).collect()
        }
    }
}

fn text_at(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_string()
}

fn count_at(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

fn from_anthropic(value: &Value) -> Result<Turn, String> {
    let blocks = value.get("content").and_then(Value::as_array).ok_or("the reply has no content")?;
    let of_kind =
        |kind: &'static str| blocks.iter().filter(move |b| b.get("type").and_then(Value::as_str) == Some(kind));
    let call = |block: &Value| Call {
        id: text_at(block, "id"),
        name: text_at(block, "name"),
        arguments: match block.get("input") {
            Some(Value::Object(arguments)) => Ok(arguments.clone()),
            other => Err(other.unwrap_or(&Value::Null).to_string()),
        },
    };
    let usage = value.get("usage").cloned().unwrap_or_default();
    // Tokens read from a cache of the provider are paid for too.
    let kept = count_at(&usage, "cache_creation_input_tokens") + count_at(&usage, "cache_read_input_tokens");
    let stop = text_at(value, "stop_reason");
    Ok(Turn {
        text: of_kind("text").map(|block| text_at(block, "text")).collect::<Vec<_>>().join("\n"),
        calls: of_kind("tool_use").map(call).collect(),
        tokens: (count_at(&usage, "input_tokens") + kept, count_at(&usage, "output_tokens")),
        cut_off: stop == "max_tokens",
        refused: stop == "refusal",
        said: Value::Array(blocks.clone()),
    })
}

fn from_openai(value: &Value) -> Result<Turn, String> {
    let choice = value.pointer("/choices/0").ok_or("the reply has no choices")?;
    let message = choice.get("message").filter(|message| message.is_object()).ok_or("the reply has no message")?;
    let call = |call: &Value| {
        let function = call.get("function").cloned().unwrap_or_default();
        let arguments = match function.get("arguments") {
            None | Some(Value::Null) => Ok(Map::new()),
            // Some local servers send an object where a text is due.
            Some(Value::Object(arguments)) => Ok(arguments.clone()),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(Map::new()),
            Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| text.clone()),
            Some(other) => Err(other.to_string()),
        };
        Call { id: text_at(call, "id"), name: text_at(&function, "name"), arguments }
    };
    let calls: Vec<Call> =
        message.get("tool_calls").and_then(Value::as_array).into_iter().flatten().map(call).collect();
    let usage = value.get("usage").cloned().unwrap_or_default();
    let stop = text_at(choice, "finish_reason");
    let mut said = json!({ "role": "assistant", "content": message.get("content").cloned().unwrap_or_default() });
    if !calls.is_empty() {
        said["tool_calls"] = message["tool_calls"].clone();
    }
    Ok(Turn {
        text: text_at(message, "content"),
        calls,
        tokens: (count_at(&usage, "prompt_tokens"), count_at(&usage, "completion_tokens")),
        cut_off: stop == "length",
        refused: stop == "content_filter" || message.get("refusal").is_some_and(Value::is_string),
        said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(provider: Provider) -> Model {
        Model { provider, name: "m".into(), base: "http://127.0.0.1:1".into(), reply_tokens: 100 }
    }

    #[test]
    fn replies_of_both_kinds_mean_the_same() {
        let anthropic = json!({
            "content": [{"type": "text", "text": "looking"}, {"type": "tool_use", "id": "a", "name": "wait", "input": {"seconds": 5}}],
            "stop_reason": "tool_use", "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 3},
        });
        let openai = json!({
            "choices": [{"finish_reason": "tool_calls", "message": {"role": "assistant", "content": "looking", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "wait", "arguments": "{\"seconds\": 5}"}},
            ]}}],
            "usage": {"prompt_tokens": 15, "completion_tokens": 3},
        });
        let read = |provider, value: &Value| {
            let turn = model(provider).read(&value.to_string()).expect("a reply");
            (turn.text, turn.calls, turn.tokens, turn.cut_off, turn.refused)
        };
        assert_eq!(read(Provider::Anthropic, &anthropic), read(Provider::OpenAiCompatible, &openai));
    }

    #[test]
    fn garbage_is_told_from_replies() {
        for provider in [Provider::Anthropic, Provider::OpenAiCompatible] {
            for body in
                ["", "{", "<html>", "null", "[]", "{}", "{\"content\": 5}", "{\"choices\": []}", "{\"choices\": [{}]}"]
            {
                assert!(model(provider).read(body).is_err(), "{provider:?} {body}");
            }
        }
        let odd = json!({"choices": [{"message": {"tool_calls": [{"function": {"name": "wait", "arguments": "{seconds"}}]}}]});
        let turn = model(Provider::OpenAiCompatible).read(&odd.to_string()).expect("a reply");
        assert_eq!(turn.calls[0].arguments, Err("{seconds".to_string()));
    }

    #[test]
    fn a_key_is_in_one_header_and_in_no_request() {
        for provider in [Provider::Anthropic, Provider::OpenAiCompatible] {
            let model = model(provider);
            assert_eq!(model.headers(Some("sk-9")).iter().filter(|(_, value)| value.contains("sk-9")).count(), 1);
            assert_eq!(
                model.headers(None).iter().filter(|(name, _)| name.contains("key") || *name == "authorization").count(),
                0
            );
        }
    }
}
