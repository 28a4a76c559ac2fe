//! The archive: runbooks, past postmortems, architecture notes, tickets, change reviews. Some are stale, some are wrong,
//! and none says so of itself.

use include_dir::{Dir, include_dir};
use serde::Serialize;

/// The documents that ship with the program.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios/archive");

/// Files beside the documents that are for authors.
const FOR_AUTHORS: &str = "README.md";
/// Documents that a search names at most.
const MOST_FOUND: usize = 15;
/// Characters of an excerpt.
const EXCERPT: usize = 120;
/// A word in the title counts so many times one in the text.
const TITLE_WEIGHT: usize = 8;

/// A document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// Its name, as in `rb-shed-load`.
    pub id: String,
    /// What it is: postmortem, runbook, architecture, ticket, change-review, note, handbook.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// The day on which it was written.
    pub date: String,
    /// The day on which somebody last found it true; empty or `never` if nobody said.
    pub verified: String,
    /// Who wrote it.
    pub author: String,
    /// Whether a ticket is open.
    pub status: String,
    /// Services that it is about.
    pub services: String,
    /// Its text, in Markdown.
    pub body: String,
}

/// All documents that exist at some date, in order of their names.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    documents: Vec<Document>,
}

/// A document that a search found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found<'a> {
    /// The document.
    pub document: &'a Document,
    /// Where the words stand.
    pub excerpt: String,
}

/// Reads a document: a block of `key: value` lines between lines of dashes, then the text.
///
/// # Errors
/// What of it is missing.
pub fn read(name: &str, text: &str) -> Result<Document, String> {
    let rest = text.strip_prefix("---\n").ok_or_else(|| format!("{name}: it does not begin with ---"))?;
    let (head, body) = rest.split_once("\n---\n").ok_or_else(|| format!("{name}: its head has no end"))?;
    let field = |key: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        let value = lines.filter(|(k, _)| k.trim() == key).map(|(_, v)| v.trim().trim_matches('"').to_string()).next();
        value.unwrap_or_default()
    };
    let document = Document {
        id: field("id"),
        kind: field("kind"),
        title: field("title"),
        date: field("date"),
        verified: field("verified"),
        author: field("author"),
        status: field("status"),
        services: field("services").trim_matches(['[', ']']).to_string(),
        body: body.trim().to_string(),
    };
    match [("id", &document.id), ("kind", &document.kind), ("title", &document.title), ("date", &document.date)]
        .iter()
        .find(|(_, value)| value.is_empty())
    {
        Some((key, _)) => Err(format!("{name}: it has no {key}")),
        None if document.id != name => Err(format!("{name}: it calls itself {}", document.id)),
        None => Ok(document),
    }
}

impl Archive {
    /// As [`Archive::built_in`], on the day of a scenario's history, which may be empty: the usual one.
    pub fn of(date: &str) -> Archive {
        Archive::built_in(if date.is_empty() { crate::telemetry::calendar::USUAL_DATE } else { date })
    }

    /// The documents that ship with the program and were written by `date`, as in `2026-03-03`.
    pub fn built_in(date: &str) -> Archive {
        let texts = BUILT_IN.files().filter_map(|file| {
            let name = file.path().file_name()?.to_str()?;
            let stem = name.strip_suffix(".md").filter(|_| name != FOR_AUTHORS)?;
            Some((stem, file.contents_utf8()?))
        });
        let mut documents: Vec<Document> = texts.filter_map(|(name, text)| read(name, text).ok()).collect();
        documents.retain(|d| d.date.as_str() <= date && (d.verified.as_str() <= date || d.verified == "never"));
        documents.sort_by(|a, b| a.id.cmp(&b.id));
        Archive { documents }
    }

    /// All of them.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// A document by its name.
    ///
    /// # Errors
    /// There is none; the message names the nearest.
    pub fn document(&self, id: &str) -> Result<&Document, String> {
        self.documents.iter().find(|d| d.id == id).ok_or_else(|| {
            let hint = crate::scenario::check::did_you_mean(id, self.documents.iter().map(|d| d.id.as_str()));
            format!("the archive has no document \"{id}\"{hint}; `search WORDS` finds them")
        })
    }

    /// Documents in which every word stands, best first: those with the words in the title, then those where they stand
    /// most often, then the latest.
    pub fn search(&self, words: &str) -> Vec<Found<'_>> {
        let words: Vec<String> = words.to_lowercase().split_whitespace().map(str::to_string).collect();
        let mut found: Vec<(usize, &Document)> = self.documents.iter().filter_map(|d| score(d, &words)).collect();
        found.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| y.date.cmp(&x.date)).then_with(|| x.id.cmp(&y.id)));
        let first = words.first().map(String::as_str).unwrap_or_default();
        let shown = found.into_iter().take(MOST_FOUND);
        shown.map(|(_, document)| Found { document, excerpt: excerpt(&document.body, first) }).collect()
    }
}

/// How well a document fits; none if a word is missing from it.
fn score<'a>(document: &'a Document, words: &[String]) -> Option<(usize, &'a Document)> {
    let (title, body) = (document.title.to_lowercase(), document.body.to_lowercase());
    let about = format!("{} {} {}", document.id, document.services, document.kind).to_lowercase();
    let mut score = 0;
    for word in words {
        let here =
            TITLE_WEIGHT * title.matches(word).count() + about.matches(word).count() + body.matches(word).count();
        if here == 0 {
            return None;
        }
        score += here.min(3 * TITLE_WEIGHT);
    }
    (!words.is_empty()).then_some((score, document))
}

fn excerpt(body: &str, word: &str) -> String {
    let line = body.lines().find(|l| l.to_lowercase().contains(word)).or_else(|| body.lines().find(|l| !l.is_empty()));
    let line = line.unwrap_or_default().trim_start_matches(['#', '-', ' ']);
    let short: String = line.chars().take(EXCERPT).collect();
    if short.len() < line.len() { format!("{short}...") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_that_ships_can_be_read_and_found() {
        let names = BUILT_IN.files().filter_map(|f| f.path().file_name()?.to_str()).filter(|n| n.ends_with(".md"));
        let names: Vec<&str> = names.filter(|n| *n != FOR_AUTHORS).collect();
        for name in &names {
            let text = BUILT_IN.get_file(name).and_then(|f| f.contents_utf8()).expect("it is text");
            read(name.trim_end_matches(".md"), text).expect("it has a head");
        }
        let archive = Archive::built_in("2026-03-03");
        assert!(60 <= archive.documents().len(), "{} documents", archive.documents().len());
        assert!(3 <= archive.search("cache controller").len(), "an obvious search returns more than it answers");
        assert!(archive.document("rb-shed-laod").expect_err("a slip").contains("rb-shed-load"));
        assert!(Archive::built_in("2016-01-01").documents().is_empty(), "nobody reads what is not written yet");
    }
}
