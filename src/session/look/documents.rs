//! The archive: searching it and reading in it.

use serde_json::json;

use crate::session::look::{Answer, Seen};
use crate::telemetry::watch::Watch;

/// Finds documents.
pub fn search(watch: &Watch, words: &str) -> Answer {
    let found = watch.archive.search(words);
    let line = |f: &crate::telemetry::archive::Found<'_>| {
        let d = f.document;
        format!("{:<34} {:<13} {}  {}\n    {}\n", d.id, d.kind, d.date, d.title, f.excerpt)
    };
    let text = match found.len() {
        0 => "no document has all of these words".to_string(),
        n => format!("{n} documents\n{}", found.iter().map(line).collect::<String>().trim_end()),
    };
    let seen = Seen { features: vec![format!("archive:{words}")], ..Seen::default() };
    Answer { title: format!("search {words}"), text, data: json!({ "found": found }), seen }
}

/// Reads one.
///
/// # Errors
/// There is none of that name.
pub fn read(watch: &Watch, id: &str) -> Result<Answer, String> {
    let document = watch.archive.document(id)?;
    let verified = match document.verified.as_str() {
        "" | "never" => "never verified".to_string(),
        date => format!("last verified {date}"),
    };
    let status = if document.status.is_empty() { String::new() } else { format!(", {}", document.status) };
    let text = format!(
        "{} ({})\n{}, {}, {verified}{status}\n\n{}",
        document.title, document.kind, document.author, document.date, document.body
    );
    let seen = Seen { features: vec![format!("document:{id}")], ..Seen::default() };
    Ok(Answer { title: format!("read {id}"), text, data: json!({ "document": document }), seen })
}
