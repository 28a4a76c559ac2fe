//! `audit`: a postmortem that reads well, of which one link is false and one condition is missing. Five minutes, without
//! playing.

use std::fs::OpenOptions;
use std::io::{BufRead, Write};

use clap::Args;
use serde_json::json;

use crate::cli::begin::find;
use crate::cli::place::{Place, unguessable};
use crate::cli::play::at_terminal;
use crate::cli::terminal::terminal;
use crate::cli::{Failure, lines, print, progress};
use crate::report::run::RunReport;
use crate::report::terminal::chart;
use crate::score::audit::{Audited, Citation, Draft, FORMULA, Mark, draft};

/// Where audits are kept, in a profile's folder: one a line.
const KEPT: &str = "audits.jsonl";

/// What is audited, and how.
#[derive(Args)]
pub struct Options {
    /// A case, as in INC-4127
    case: String,
    /// Picks what happened, the false link and the missing condition; drawn if not given
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// A letter for each sentence: s sound, f false, c cannot tell; asked for at a terminal
    #[arg(long, value_name = "LETTERS")]
    marks: Option<String>,
    /// The number of the condition that is missing
    #[arg(long, value_name = "N", requires = "marks")]
    missing: Option<usize>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Drafts, asks, scores and keeps.
pub fn audit(options: &Options) -> Result<(), Failure> {
    let place = &options.place;
    let (scenario, _) = find(place, &place.catalogue()?, &options.case)?;
    let seed = options.seed.unwrap_or_else(|| unguessable() % 1_000_000);
    eprintln!("the postmortem is drafted from runs; that takes some seconds");
    let draft = draft(&scenario, seed, &progress::runs).map_err(|e| Failure::No(e.to_string()))?;
    if let Some(letters) = &options.marks {
        let marks = marks(letters)?;
        let named = options
            .missing
            .ok_or_else(|| Failure::Usage("which condition is missing? --missing N, with 0 for none".to_string()))?;
        let audited = draft.score(&marks, named).map_err(Failure::Usage)?;
        keep(place, &audited)?;
        return told(options, &draft, &audited);
    }
    if options.json {
        return print(&serde_json::to_string_pretty(&draft).map_err(|e| Failure::Surroundings(e.to_string()))?);
    }
    let interactive = at_terminal();
    print(&head(&draft))?;
    let mut marks = Vec::new();
    for place in 0..draft.sentences.len() {
        print(&part(&draft, place))?;
        if interactive {
            let Some(mark) =
                choice("[s]ound, [f]alse or [c]annot tell? ", |text| text.chars().next().and_then(Mark::read))?
            else {
                return Ok(());
            };
            marks.push(mark);
        }
    }
    print(&conditions(&draft))?;
    if !interactive {
        let letters = "s".repeat(draft.sentences.len());
        return print(&lines(
            0,
            &format!(
                "Mark it: scartissue audit {} --seed {seed} --marks {letters} --missing 0, with a letter for each sentence: s sound, f false, c cannot tell.",
                draft.case
            ),
        ));
    }
    let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n < draft.conditions.len());
    let Some(named) = choice("Which? ", number)? else { return Ok(()) };
    let audited = draft.score(&marks, named).map_err(Failure::Usage)?;
    keep(place, &audited)?;
    told(options, &draft, &audited)
}

fn marks(letters: &str) -> Result<Vec<Mark>, Failure> {
    let read = |letter: char| {
        Mark::read(letter)
            .ok_or_else(|| Failure::Usage(format!("\"{letter}\" is no mark: s sound, f false, c cannot tell")))
    };
    letters.chars().filter(|c| !c.is_whitespace() && *c != ',').map(read).collect()
}

fn head(draft: &Draft) -> String {
    let text = format!(
        "{} under seed {}. The page was: {}. Somebody fluent wrote this postmortem. One of its links is false, and it may \
         lack a condition without which it would have been milder. Every sentence shows what it cites.",
        draft.case, draft.seed, draft.page
    );
    lines(0, &text)
}

fn part(draft: &Draft, place: usize) -> String {
    let sentence = &draft.sentences[place];
    let shown = |cited: &Citation| match cited {
        Citation::Chart(title) => {
            let run = RunReport { series: draft.run.series.clone(), ..RunReport::default() };
            chart(title, &run, terminal())
        }
        Citation::Change(change) => {
            let [id, time, service, title, author, diff] = &**change;
            let diff: String = diff.lines().map(|line| format!("    {line}\n")).collect();
            format!("    {id}  {time}  {service}  {title}  ({author})\n{diff}")
        }
    };
    let cited: String = sentence.cites.iter().map(shown).collect();
    let first = place.checked_sub(1).is_none_or(|before| draft.sentences[before].section != sentence.section);
    let heading = if first { format!("{}\n", sentence.section.heading()) } else { String::new() };
    format!("{heading}{}\n{cited}", lines(0, &format!("{}. {}", place + 1, sentence.text)))
}

fn conditions(draft: &Draft) -> String {
    let list = draft.conditions.iter().enumerate().map(|(n, says)| lines(2, &format!("{n}  {says}")));
    format!("Which condition is missing in it?\n{}", list.collect::<String>())
}

fn told(options: &Options, draft: &Draft, audited: &Audited) -> Result<(), Failure> {
    if options.json {
        let both = json!({ "draft": draft, "audited": audited, "formula": FORMULA });
        return print(&serde_json::to_string_pretty(&both).map_err(|e| Failure::Surroundings(e.to_string()))?);
    }
    let mark = |held: bool| if held { "●" } else { "✕" };
    let named = match audited.named_it {
        true => String::new(),
        false => format!(" You named {}: {}.", audited.named, audited.named_is),
    };
    let text = [
        format!("{} Sentence {} was false: {}.", mark(audited.hit), audited.false_sentence, audited.reasons[0]),
        format!(
            "{} Missing was {}: {}. {}.{named}",
            mark(audited.named_it),
            audited.missing,
            draft.conditions[audited.missing],
            sentence(&audited.reasons[1])
        ),
        format!(
            "{} of {} sound links confirmed, {} called false.",
            audited.confirmed, audited.sound, audited.false_alarms
        ),
        format!("{:.0} of 100. {FORMULA}.", audited.score),
    ];
    print(text.map(|line| lines(0, &line)).concat().trim_end())
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Audits of a profile, the first of each postmortem: who knows the answer proves nothing by giving it.
///
/// # Errors
/// They cannot be read.
pub fn first_tries(place: &Place) -> Result<Vec<Audited>, Failure> {
    let path = place.profile_folder()?.join(KEPT);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Failure::Surroundings(format!("{}: {e}", path.display()))),
    };
    let mut tries: Vec<Audited> = Vec::new();
    // A line of an earlier build, or one that was torn, is none.
    for audited in text.lines().filter_map(|line| serde_json::from_str::<Audited>(line).ok()) {
        if !tries.iter().any(|t| (&t.case, t.seed) == (&audited.case, audited.seed)) {
            tries.push(audited);
        }
    }
    Ok(tries)
}

/// Audits in a sentence; empty if there are none.
pub fn told_of(tries: &[Audited]) -> String {
    if tries.is_empty() {
        return String::new();
    }
    let n = tries.len();
    let count = |held: fn(&Audited) -> bool| tries.iter().filter(|t| held(t)).count();
    let mean = tries.iter().map(|t| t.score).sum::<f64>() / n as f64;
    format!(
        "Audits of postmortems, first tries: {n}; the false link found in {}, what was missing in {}, {} sound links called \
         false; {mean:.0} of 100 in the mean.",
        count(|t| t.hit),
        count(|t| t.named_it),
        tries.iter().map(|t| t.false_alarms).sum::<usize>()
    )
}

/// Writes it down, with the profile that it is of.
fn keep(place: &Place, audited: &Audited) -> Result<(), Failure> {
    if first_tries(place)?.iter().any(|t| (&t.case, t.seed) == (&audited.case, audited.seed)) {
        eprintln!("you had audited this one before: the first time counts");
    }
    let folder = place.profile_folder()?;
    let path = folder.join(KEPT);
    let wrong = |e: std::io::Error| Failure::Surroundings(format!("{}: {e}", path.display()));
    let mut line = json!(audited);
    line["at_s"] = json!(place.now_s());
    std::fs::create_dir_all(&folder).map_err(wrong)?;
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(wrong)?;
    file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_data()).map_err(wrong)
}

/// Asks until an answer can be read; none at the end of the input.
fn choice<T>(prompt: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Failure> {
    let wrong = |e: std::io::Error| Failure::Surroundings(format!("terminal: {e}"));
    loop {
        print!("{prompt}");
        std::io::stdout().flush().map_err(wrong)?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).map_err(wrong)? == 0 {
            return Ok(None);
        }
        if let Some(answer) = read(line.trim()) {
            return Ok(Some(answer));
        }
    }
}
