//! The demonstration: the pair as a talk. At a terminal it goes on by Enter and asks for a vote; elsewhere it runs through.

use std::io::{BufRead, Write};

use clap::Args;

use crate::cli::play::at_terminal;
use crate::cli::progress;
use crate::cli::terminal::terminal;
use crate::cli::{Failure, catalogue, print};
use crate::report::pair::{ANSWERS, QUESTION, html, text};
use crate::scenario::opened::Scenario;
use crate::study::pair::{Pair, pair};

/// The flagship.
const FLAGSHIP: &str = "empty-spares";
/// A seed that was looked at.
const SEED: u64 = 3;
/// So many parts come before the vote.
const BEFORE_THE_VOTE: usize = 3;

/// What the demonstration shows.
#[derive(Args)]
pub struct Options {
    /// Picks everything random
    #[arg(long, default_value_t = SEED, allow_negative_numbers = true)]
    seed: u64,
    /// Also write one self-contained page for a projector
    #[arg(long, value_name = "FILE")]
    html: Option<std::path::PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { seed: SEED, html: None, json: false }
    }
}

impl Options {
    /// Whether nothing was asked of the demonstration in particular.
    pub fn is_plain(&self) -> bool {
        self.html.is_none() && !self.json
    }
}

/// Runs the pair and tells it.
pub fn demo(options: &Options) -> Result<(), Failure> {
    let scenario = Scenario::open(&catalogue(None)?, FLAGSHIP)?;
    eprintln!("two cases are read and run; that takes some seconds");
    let pair = pair(&scenario, options.seed, &progress::runs)?;
    if let Some(file) = &options.html {
        super::write_file(file, &html(&pair))?;
    }
    if options.json {
        return print(&serde_json::to_string_pretty(&pair).map_err(|e| Failure::Surroundings(e.to_string()))?);
    }
    if options.html.is_none() && at_terminal() {
        return by_enter(&pair);
    }
    print(&format!("{}\n\n{NEXT}", text(&pair, terminal()).join("\n")))
}

const NEXT: &str = "Next: `scartissue play INC-4127` answers the same page; `scartissue demo --html FILE` makes the page for a projector.";

/// Part by part, with the vote between what is seen and what was true.
fn by_enter(pair: &Pair) -> Result<(), Failure> {
    let parts = text(pair, terminal());
    let last = parts.len() - 1;
    let mut vote = None;
    for (place, part) in parts.iter().enumerate() {
        if place == BEFORE_THE_VOTE {
            let answers: Vec<String> = ANSWERS.iter().map(|(key, answer)| format!("{key} {answer}")).collect();
            let Some(said) = asked(&format!("{QUESTION} {}: ", answers.join(", ")))? else { return Ok(()) };
            vote = ANSWERS.iter().find(|(key, _)| said.trim().to_lowercase().starts_with(*key)).map(|(key, _)| *key);
        }
        print(part.trim_end())?;
        if place == last {
            if let Some(vote) = vote {
                let demand = |letter: char| {
                    pair.cases.iter().any(|c| c.letter == letter && c.truth.iter().any(|m| m.starts_with("demand.")))
                };
                let right = match (demand('A'), demand('B')) {
                    (true, true) => '2',
                    (true, false) => 'a',
                    (false, true) => 'b',
                    (false, false) => '0',
                };
                print(if vote == right { "You voted with the truth." } else { "You voted otherwise than it was." })?;
            }
            return print(&format!("\n{NEXT}"));
        }
        if place + 1 != BEFORE_THE_VOTE && asked("\n[Enter] ")?.is_none() {
            return Ok(());
        }
    }
    Ok(())
}

/// A line from the keyboard; none at its end.
fn asked(prompt: &str) -> Result<Option<String>, Failure> {
    let wrong = |e: std::io::Error| Failure::Surroundings(format!("terminal: {e}"));
    print!("{prompt}");
    std::io::stdout().flush().map_err(wrong)?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).map_err(wrong)?;
    Ok((read != 0).then_some(line))
}
