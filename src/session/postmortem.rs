//! The form of a postmortem: filled in beforehand from the log, finished by whoever was there.

use std::collections::BTreeMap;

/// The sections, in order: key, heading, and what belongs there.
pub const SECTIONS: &[(&str, &str, &str)] = &[
    ("impact", "Impact", "Who was hurt, how much, from when to when."),
    ("timeline", "Timeline", "What happened, with times."),
    ("causes", "Causes and conditions", "What had to come together."),
    ("helped", "What helped", "What made it shorter."),
    ("hindered", "What hindered", "What made it longer."),
    ("detection", "Detection", "What told us, and what could have told us earlier."),
    ("actions", "Actions", "Two things that we will do, each with an owner."),
];

/// Words that blame people instead of looking at what made sense to them, with what to ask instead.
const BLAME: &[(&str, &str)] = &[
    ("human error", "what made it the sensible thing to do?"),
    ("should have", "what was known at the time?"),
    ("careless", "what did they see?"),
    ("failed to", "what stood in the way?"),
    ("forgot", "what would have reminded them?"),
];

/// Phrases of blame in a text, each with a question that leads further.
pub fn blame(text: &str) -> Vec<(&'static str, &'static str)> {
    let lower = text.to_lowercase();
    BLAME.iter().copied().filter(|(phrase, _)| lower.contains(phrase)).collect()
}

/// The form as Markdown.
pub fn markdown(title: &str, sections: &BTreeMap<String, String>) -> String {
    let mut text = format!("# {title}\n");
    for (key, heading, belongs) in SECTIONS {
        let body = sections.get(*key).map(String::as_str).unwrap_or_default().trim();
        let body = if body.is_empty() { format!("_{belongs}_") } else { body.to_string() };
        text.push_str(&format!("\n## {heading}\n\n{body}\n"));
    }
    text
}
