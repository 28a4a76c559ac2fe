//! A postmortem to be audited: fluent, mostly true, with one link that is false and one condition that is missing. All of
//! it is drafted from runs of the same users, so every sentence is known to be sound or false, in any scenario.

mod standing; // what stood before, and what if it had not
mod told; // sentences
mod wrong; // what is not so, and what is left out

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::scenario::file::{CauseSpec, ScenarioFile, VariantSpec};
use crate::scenario::lower::Setup;
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::audit::told::{detection, effects, lines, loss, opening, part};
use crate::score::audit::wrong::{Condition, before, lie, offered};
use crate::score::runs::{Ask, Progress, Ran, Runs};
use crate::score::truth::{Truth, TruthError, does_nothing, prove};
use crate::session::seal::dealt;
use crate::sim::rng::mix;
use crate::sim::spec::SpecError;
use crate::telemetry::calendar::Calendar;
use crate::telemetry::changes::ChangeLog;

/// What is drawn for an audit follows from these streams.
const LIE: u64 = 0x6c69_6500;
const PLACE: u64 = 0x706c_6163;
const LACK: u64 = 0x6c61_636b;
const LIST: u64 = 0x6c69_7374;
/// A draft has so many sentences, so that about four of five are true: a few more where many causes are told of.
const SENTENCES: std::ops::RangeInclusive<usize> = 5..=6;
/// A condition counts that takes so large a share of the harm with it.
const COUNTS: f64 = 0.1;
/// So many conditions are offered beside the true one.
const OFFERED: usize = 4;
/// What a sentence rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Citation {
    /// A chart of the run, by its title in a report.
    Chart(String),
    /// A change: id, time of day with its date, service, title, author, diff.
    Change(Box<[String; 6]>),
}

/// Where in a postmortem a sentence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// What users lost.
    Impact,
    /// Who was told, and when.
    Detection,
    /// What set in.
    Cause,
    /// What came of it.
    Effects,
    /// What made it worse.
    Contributing,
}

impl Section {
    /// As a heading.
    pub fn heading(self) -> &'static str {
        match self {
            Section::Impact => "Impact",
            Section::Detection => "Detection",
            Section::Cause => "What set in",
            Section::Effects => "What came of it",
            Section::Contributing => "What made it worse",
        }
    }
}

/// A sentence of the draft.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sentence {
    /// Where it stands.
    pub section: Section,
    /// What it claims.
    pub text: String,
    /// What it cites: the change that it tells of, the chart of what it says moved.
    pub cites: Vec<Citation>,
}

/// A postmortem to be audited.
#[derive(Clone, Debug, Serialize)]
pub struct Draft {
    /// As in `INC-4127`.
    pub case: String,
    /// The seed.
    pub seed: u64,
    /// What somebody was paged with.
    pub page: String,
    /// What it says.
    pub sentences: Vec<Sentence>,
    /// Conditions, of which one may be missing in it; the first stands for none.
    pub conditions: Vec<String>,
    /// The run that the charts show.
    #[serde(skip)]
    pub run: Arc<Ran>,
    /// The variant. Spoils.
    #[serde(skip)]
    pub variant: String,
    #[serde(skip)]
    key: Key,
}

#[derive(Clone, Debug)]
struct Key {
    /// Place of the false sentence.
    lie: usize,
    /// Why it is false.
    why_lie: String,
    /// Place of the missing condition; 0: none is missing.
    lack: usize,
    /// What each condition is worth.
    worth: Vec<String>,
}

/// What a trainee makes of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It holds.
    Sound,
    /// It does not.
    False,
    /// What is shown cannot decide.
    CannotTell,
}

impl Mark {
    /// Reads `s`, `f` or `c`.
    pub fn read(letter: char) -> Option<Mark> {
        match letter.to_ascii_lowercase() {
            's' => Some(Mark::Sound),
            'f' => Some(Mark::False),
            'c' => Some(Mark::CannotTell),
            _ => None,
        }
    }
}

/// What came of an audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audited {
    /// As in `INC-4127`.
    pub case: String,
    /// The scenario's variant.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// The marks, in the order of the sentences.
    pub marks: Vec<Mark>,
    /// The condition that was named: 0 for none.
    pub named: usize,
    /// Which sentence was false, from 1.
    pub false_sentence: usize,
    /// Whether it was marked as false.
    pub hit: bool,
    /// Sound sentences that were marked as false.
    pub false_alarms: usize,
    /// Sound sentences that were marked as sound.
    pub confirmed: usize,
    /// Sound sentences.
    pub sound: usize,
    /// The condition that was missing: 0 for none.
    pub missing: usize,
    /// Whether it was named.
    pub named_it: bool,
    /// From 0 to 100.
    pub score: f64,
    /// Why the false one is false, and why the missing one counts, or why none does.
    pub reasons: [String; 2],
    /// What the condition that was named is worth.
    pub named_is: String,
}

/// How the score is made.
pub const FORMULA: &str = "40 for the false link, 30 for the missing condition, 30 x confirmed / sound, less 20 for each sound \
                           link called false; never below 0";

impl Draft {
    /// Scores marks, one for each sentence, and the condition that is said to be missing.
    ///
    /// # Errors
    /// There are more or fewer marks than sentences, or no such condition.
    pub fn score(&self, marks: &[Mark], named: usize) -> Result<Audited, String> {
        if marks.len() != self.sentences.len() {
            let (given, wanted) = (marks.len(), self.sentences.len());
            return Err(format!(
                "{given} marks for {wanted} sentences: one letter each, s sound, f false, c cannot tell"
            ));
        }
        if self.conditions.len() <= named {
            return Err(format!("there is no condition {named}: 0 to {}", self.conditions.len() - 1));
        }
        let key = &self.key;
        let others = || marks.iter().enumerate().filter(|(place, _)| *place != key.lie).map(|(_, mark)| *mark);
        let (sound, hit, named_it) = (marks.len() - 1, marks[key.lie] == Mark::False, named == key.lack);
        let false_alarms = others().filter(|mark| *mark == Mark::False).count();
        let confirmed = others().filter(|mark| *mark == Mark::Sound).count();
        let share = confirmed as f64 / sound.max(1) as f64;
        let points = |held: bool, points: f64| if held { points } else { 0.0 };
        let score = points(hit, 40.0) + points(named_it, 30.0) + 30.0 * share - 20.0 * false_alarms as f64;
        Ok(Audited {
            case: self.case.clone(),
            variant: self.variant.clone(),
            seed: self.seed,
            marks: marks.to_vec(),
            named,
            false_sentence: key.lie + 1,
            hit,
            false_alarms,
            confirmed,
            sound,
            missing: key.lack,
            named_it,
            score: score.max(0.0),
            reasons: [key.why_lie.clone(), key.worth[key.lack].clone()],
            named_is: key.worth[named].clone(),
        })
    }
}

/// Everything that a draft is made of.
struct Desk<'a> {
    file: &'a ScenarioFile,
    variant: &'a VariantSpec,
    seed: u64,
    calendar: Calendar,
    log: ChangeLog,
    runs: &'a Runs<'a>,
    truth: &'a Truth,
}

impl Desk<'_> {
    /// The change by which a cause or decoy came, as a sentence names it, and its entry.
    fn change(&self, cause: &CauseSpec) -> Option<(String, Citation)> {
        let log = &self.log;
        let change = log.until(f64::INFINITY).find(|c| log.fault_of(&c.id) == Some(cause.id.as_str()))?;
        let time = self.calendar.date_time_before(self.file.open_at(), -change.at_s);
        let source = format!("the change to {} of {time}, \"{}\" ({})", change.service, change.title, change.id);
        let entry = [
            change.id.clone(),
            time,
            change.service.clone(),
            change.title.clone(),
            change.author.clone(),
            change.diff.clone(),
        ];
        Some((source, Citation::Change(Box::new(entry))))
    }

    /// A cause as a link names it.
    fn source(&self, cause: &CauseSpec) -> (String, Option<Citation>) {
        let change = self.change(cause).map(|(source, cited)| (source, Some(cited)));
        change.unwrap_or_else(|| (cause.says.clone(), None))
    }

    fn draw(&self, stream: u64, of: usize) -> usize {
        let drawn = mix(mix(self.seed, u64::from(self.file.case)), stream);
        if of == 0 { 0 } else { (drawn % of as u64) as usize }
    }
}

fn chart(title: &str) -> Citation {
    Citation::Chart(title.to_string())
}

/// Drafts the postmortem of what a seed draws. Causes, decoys and conditions are each proved by a run without them.
///
/// # Errors
/// The scenario cannot be run.
pub fn draft(scenario: &Scenario, seed: u64, progress: Progress<'_>) -> Result<Draft, TruthError> {
    let file = &*scenario.file;
    let one = |e: SpecError| TruthError::from(ScenarioError::Setup(vec![e]));
    let variant = &file.variants[dealt(seed, file.variants.iter().map(|v| v.lots))];
    let setup = Setup { variant: Some(variant.name.clone()), ..Setup::default() };
    let date = |message: String| one(SpecError::new("history.date", message));
    let calendar = Calendar::new(&file.history.date, &file.history.opens_at, file.open_at()).map_err(date)?;
    let opens_at = calendar.unix_ms(file.open_at()) / 1000;
    let log = ChangeLog::new(file, &setup, seed, opens_at, mix(seed, 0x5a17)).map_err(one)?;
    let runs = Runs::new(scenario);
    let truth = prove(&runs, Some(&variant.name), seed, 1, progress)?;
    let desk = Desk { file, variant, seed, calendar, log, runs: &runs, truth: &truth };
    let causes: Vec<&CauseSpec> = file.causes.iter().filter(|c| variant.causes.contains(&c.id)).collect();
    let mut before = before(&desk, &causes, progress)?;
    let left_out = |c: &&&CauseSpec| before.lack.as_ref().is_some_and(|lack| lack.says == c.says);
    let mut told: Vec<&CauseSpec> = causes.iter().filter(|c| !left_out(c)).copied().collect();
    if causes.is_empty() {
        // Where nothing was wrong, what there was to see came of something all the same.
        told = file.decoys.iter().filter(|d| variant.decoys.contains(&d.id) && !does_nothing(d)).take(2).collect();
    }
    let ask = |without: Vec<String>| Ask { without, ..desk.ask(seed) };
    let without: Vec<String> = told.iter().map(|c| c.id.clone()).collect();
    let mut asks = vec![Ask { watch_page: true, ..ask(Vec::new()) }, ask(without)];
    asks.extend(told.iter().map(|c| ask(vec![c.id.clone()])));
    let ran = runs.all(&asks, progress)?;
    let (happened, spared) = (&ran[0], &ran[1]);

    let mut sentences: Vec<Sentence> = vec![loss(happened)];
    sentences.extend(told.iter().map(|cause| opening(&desk, cause)));
    let (mut moved, stood) = match told.is_empty() {
        true => (Vec::new(), lines(&desk, happened)),
        false => effects(&desk, &told, happened, spared, &ran[2..]),
    };
    let (lie, moves, why_lie) = lie(&desk, &told, happened, &mut moved, &mut before)?;
    // One sentence is false, and one condition may be named.
    let named: Vec<String> = std::mem::take(&mut before.kept).into_iter().take(1).collect();
    let taken = sentences.len() + named.len() + 1;
    let (least, most) = (SENTENCES.start().saturating_sub(taken), SENTENCES.end().saturating_sub(taken).max(1));
    moved.truncate(most);
    let mut links: Vec<Sentence> = moved.into_iter().map(|effect| effect.told()).collect();
    links.extend(stood.into_iter().take(least.saturating_sub(links.len())));
    if links.len() < least {
        sentences.splice(1..1, detection(&desk, happened));
    }
    let mut parts: Vec<Sentence> = named.iter().map(|says| part(says, Vec::new())).collect();
    // It stands among those of its form.
    let (among, from) = match moves {
        true => (&mut links, sentences.len()),
        false => (&mut parts, sentences.len() + links.len()),
    };
    let place = desk.draw(PLACE, among.len() + 1);
    among.insert(place, lie);
    let place = from + place;
    sentences.extend(links);
    sentences.extend(parts);
    let (conditions, lack) = offered(&desk, before);
    let (conditions, worth) = conditions.into_iter().map(|Condition { says, why }| (says, why)).unzip();
    Ok(Draft {
        case: format!("INC-{}", file.case),
        seed,
        page: file.page.clone(),
        sentences,
        conditions,
        run: Arc::clone(happened),
        variant: variant.name.clone(),
        key: Key { lie: place, why_lie, lack, worth },
    })
}
