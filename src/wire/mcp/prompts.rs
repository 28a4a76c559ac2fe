//! What a person may want to ask a model for.

use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

use crate::tools::library::HOW;
use crate::tools::{Wrong, nearest};

struct Known {
    name: &'static str,
    says: &'static str,
    argument: (&'static str, &'static str, bool),
    text: fn(&str) -> String,
}

const PROMPTS: &[Known] = &[
    Known {
        name: "investigate",
        says: "Play an incident from the page to the diagnosis",
        argument: ("case", "The case, as in INC-4127; left out: the server's, or one of list_cases", false),
        text: |case| {
            let which = if case.is_empty() {
                "with start_incident".to_string()
            } else {
                format!("with start_incident, case {case}")
            };
            format!("{HOW}\n\nBegin {which}, and play it to its end.")
        },
    },
    Known {
        name: "take_over",
        says: "Go on with a run that somebody else has begun",
        argument: ("run_id", "The run", true),
        text: |run_id| {
            format!(
                "{HOW}\n\nYou take over run {run_id}. Read get_brief and get_status first: what was looked at, ordered and believed before you. Go on from there."
            )
        },
    },
    Known {
        name: "write_postmortem",
        says: "Write the postmortem of a run that has ended",
        argument: ("run_id", "The run", true),
        text: |run_id| {
            format!(
                "Write the postmortem of run {run_id}: get_postmortem has the form and what the log could fill in, get_status and get_observation what was seen. Blame nobody: say what made it the sensible thing to do. Tell what you know from what you believe. Hand it in with write_postmortem."
            )
        },
    },
];

/// All of them.
pub(super) fn list() -> Vec<Prompt> {
    let argument = |(name, says, needed): (&str, &str, bool)| {
        PromptArgument::new(name).with_description(says).with_required(needed)
    };
    PROMPTS.iter().map(|p| Prompt::new(p.name, Some(p.says), Some(vec![argument(p.argument)]))).collect()
}

/// One of them, with its argument filled in.
pub(super) fn get(name: &str, arguments: &JsonObject) -> Result<GetPromptResult, Wrong> {
    let names = || PROMPTS.iter().map(|prompt| prompt.name);
    let prompt = PROMPTS.iter().find(|prompt| prompt.name == name).ok_or_else(|| {
        let shown: String = name.chars().take(60).collect();
        let hint = nearest(&shown, names());
        Wrong(format!("no prompt is called \"{shown}\"{hint}; there are: {}", names().collect::<Vec<_>>().join(", ")))
    })?;
    let (argument, says, needed) = prompt.argument;
    let value = arguments.get(argument).and_then(Value::as_str).unwrap_or_default();
    // It goes into what a model is told: a name, and nothing else.
    let value: String = value.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    if needed && value.is_empty() {
        return Err(Wrong(format!("prompt {name} needs \"{argument}\": {says}")));
    }
    let message = PromptMessage::new_text(Role::User, (prompt.text)(&value));
    Ok(GetPromptResult::new(vec![message]).with_description(prompt.says))
}
