//! A postmortem to be audited: fluent, mostly true, with one link that is false and one condition that is missing. All of
//! it is drafted from runs of the same users, so every sentence is known to be sound or false, in any scenario.

mod wrong; // what is not so, and what is left out

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::scenario::file::{CauseSpec, ScenarioFile, VariantSpec};
use crate::scenario::lower::Setup;
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::audit::wrong::{lacking, lie, offered};
use crate::score::check::first_onset;
use crate::score::runs::{Ask, Progress, Ran, Runs};
use crate::score::truth::{TruthError, prove};
use crate::session::seal::dealt;
use crate::sim::rng::mix;
use crate::sim::series::Series;
use crate::sim::spec::SpecError;
use crate::telemetry::calendar::Calendar;
use crate::telemetry::changes::ChangeLog;

/// What is drawn for an audit follows from these streams.
const LIE: u64 = 0x6c69_6500;
const PLACE: u64 = 0x706c_6163;
const LACK: u64 = 0x6c61_636b;
const LIST: u64 = 0x6c69_7374;
/// A line has moved that is so many times what it would have been, or one over that.
const MOVED: f64 = 1.25;
/// A line stood still that is within this factor of what it would have been.
const STOOD: f64 = 1.05;
/// A draft has so many sentences, so that about four of five are true: a few more where many causes are told of.
const SENTENCES: std::ops::RangeInclusive<usize> = 5..=6;
/// A condition counts that takes so large a share of the harm with it.
const COUNTS: f64 = 0.1;
/// So many conditions are offered beside the true one.
const OFFERED: usize = 4;
/// Effects are read off the minutes after the first onset, up to so many seconds.
const READ_S: f64 = 600.0;

/// What a sentence rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Citation {
    /// A chart of the run, by its title in a report.
    Chart(String),
    /// A change: id, time of day with its date, service, title, author, diff.
    Change(Box<[String; 6]>),
}

/// A sentence of the draft.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sentence {
    /// What it claims.
    pub text: String,
    /// What it cites.
    pub cites: Citation,
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
    /// Why it counts.
    why_lack: String,
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
    /// Why the false one is false, and why the missing one counts.
    pub reasons: [String; 2],
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
            reasons: [key.why_lie.clone(), key.why_lack.clone()],
        })
    }
}

/// A line that may have moved: its name, its chart, its unit, its values.
type Watched = (&'static str, &'static str, &'static str, fn(&Series) -> Vec<Option<f64>>);

const WATCHED: [Watched; 7] = [
    ("unique requests", "Requests", " a second", |s| counted(&s.intents_per_s)),
    ("requests incl. retries", "Requests", " a second", |s| counted(&s.attempts_per_s)),
    ("the share of prompt tokens found in caches", "Cache hit ratio", " %", |s| {
        s.hit_ratio.iter().map(|v| v.map(|v| v * 100.0)).collect()
    }),
    ("the prompt tokens computed for each request", "Prefill per request", "", |s| {
        s.prefill_tokens_per_request.clone()
    }),
    ("the queue of each replica", "Queue", " requests", |s| s.queue.clone()),
    ("the median time to the first token", "Time to first token", " s", |s| s.ttft_p50_s.clone()),
    ("errors", "Errors", " a second", |s| counted(&s.errors_per_s)),
];

fn counted(column: &[f64]) -> Vec<Option<f64>> {
    column.iter().copied().map(Some).collect()
}

fn mean(series: &Series, column: &[Option<f64>], from: f64, to: f64) -> Option<f64> {
    let inside = series.t_s.iter().zip(column).filter(|(t, _)| from < **t && **t <= to);
    let (sum, n) = inside.filter_map(|(_, v)| *v).fold((0.0, 0u32), |(sum, n), v| (sum + v, n + 1));
    (0 < n).then(|| sum / f64::from(n))
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v < 10.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Everything that a draft is made of.
struct Desk<'a> {
    file: &'a ScenarioFile,
    variant: &'a VariantSpec,
    seed: u64,
    calendar: Calendar,
    log: ChangeLog,
}

impl Desk<'_> {
    fn change(&self, cause: &CauseSpec) -> Option<Citation> {
        let log = &self.log;
        let change = log.until(f64::INFINITY).find(|c| log.fault_of(&c.id) == Some(cause.id.as_str()))?;
        let time = self.calendar.date_time_before(self.file.open_at(), -change.at_s);
        Some(Citation::Change(Box::new([
            change.id.clone(),
            time,
            change.service.clone(),
            change.title.clone(),
            change.author.clone(),
            change.diff.clone(),
        ])))
    }

    fn draw(&self, stream: u64, of: usize) -> usize {
        if of == 0 { 0 } else { (mix(self.seed, stream) % of as u64) as usize }
    }
}

fn chart(title: &str) -> Citation {
    Citation::Chart(title.to_string())
}

fn sentence(text: String, cites: Citation) -> Sentence {
    Sentence { text, cites }
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
    let desk = Desk { file, variant, seed, calendar, log };
    let runs = Runs::new(scenario);
    let truth = prove(&runs, Some(&variant.name), seed, 1, progress)?;
    let causes: Vec<&CauseSpec> = file.causes.iter().filter(|c| variant.causes.contains(&c.id)).collect();
    let (lack, why_lack, kept) = lacking(&desk, scenario, &causes, &truth, progress)?;
    let left_out = causes.iter().find(|c| Some(&c.says) == lack.as_ref()).map(|c| c.id.clone());
    let told: Vec<&CauseSpec> = causes.iter().copied().filter(|c| Some(&c.id) != left_out.as_ref()).collect();
    let ask = |without: Vec<String>| Ask { variant: variant.name.clone(), seed, without, ..Ask::default() };
    let without: Vec<String> = told.iter().map(|c| c.id.clone()).collect();
    let ran = runs.all(&[ask(Vec::new()), ask(without)], progress)?;
    let (happened, spared) = (&ran[0], &ran[1]);
    let mut sentences = Vec::new();
    for cause in &told {
        sentences.push(match desk.change(cause) {
            Some(cited) => {
                let Citation::Change(change) = &cited else { continue };
                let text = format!(
                    "At {} {} was changed: {}. What came of it: {}.",
                    change[1], change[2], change[3], cause.says
                );
                sentence(text, cited)
            }
            None => sentence(format!("It set in with this: {}.", cause.says), chart("Requests")),
        });
    }
    // What users lost comes last, and one sentence is false.
    let room = |of: usize, taken: usize| of.saturating_sub(taken + 2);
    let kept = kept.into_iter().take(room(*SENTENCES.end(), sentences.len() + 1));
    let (causes_told, kept) = (sentences.len(), kept.collect::<Vec<_>>());
    let taken = causes_told + kept.len();
    let least_most = (room(*SENTENCES.start(), taken), room(*SENTENCES.end(), taken).max(1));
    sentences.extend(effects(file, happened, spared, told.is_empty(), least_most));
    sentences.extend(
        kept.into_iter().map(|says| sentence(format!("It was worse than it had to be: {says}."), chart("Goodput"))),
    );
    let stake = happened.harm.user_minutes_at_stake;
    sentences.push(if truth.hurt && !told.is_empty() {
        let text = format!(
            "Users lost {:.0} user-minutes; the same users would have lost {:.0} without it.",
            happened.lost(),
            spared.lost()
        );
        sentence(text, chart("Goodput"))
    } else {
        let share = happened.lost() / stake.max(1e-9) * 100.0;
        sentence(format!("Of what users wanted {share:.1} % was lost over the whole time."), chart("Goodput"))
    });
    let (lie, why_lie) = lie(&desk, scenario, &truth);
    let place = 1 + desk.draw(PLACE, sentences.len().saturating_sub(1));
    let place = place.min(sentences.len());
    sentences.insert(place, lie);
    let (conditions, lack) = offered(&desk, scenario, &truth, lack);
    Ok(Draft {
        case: format!("INC-{}", file.case),
        seed,
        page: file.page.clone(),
        sentences,
        conditions,
        run: Arc::clone(happened),
        variant: variant.name.clone(),
        key: Key { lie: place, why_lie, lack, why_lack },
    })
}

/// What moved because of the causes that are told of, in the order in which it did; where that is less than the `least` that
/// there have to be, what did not; where nothing is told of, what there was.
fn effects(
    file: &ScenarioFile,
    happened: &Ran,
    spared: &Ran,
    nothing: bool,
    (least, most): (usize, usize),
) -> Vec<Sentence> {
    let onset = first_onset(file).as_secs_f64();
    let until = (onset + READ_S).min(file.length_s.as_secs_f64());
    let mut found: Vec<(f64, Sentence)> = Vec::new();
    let mut stood: Vec<Sentence> = Vec::new();
    for (name, title, unit, column) in WATCHED {
        let (here, there) = (column(&happened.series), column(&spared.series));
        let means = (mean(&happened.series, &here, onset, until), mean(&spared.series, &there, onset, until));
        let (Some(is), Some(would)) = means else { continue };
        let floor = 0.05;
        let ratio = is.max(floor) / would.max(floor);
        if nothing {
            if title != "Errors" && title != "Queue" {
                let text = format!("Over the first ten minutes {name}: {}{unit} in the mean.", number(is));
                found.push((found.len() as f64, sentence(text, chart(title))));
            }
            continue;
        }
        if (1.0 / STOOD..=STOOD).contains(&ratio) {
            let (is, would) = (number(is), number(would));
            let text =
                format!("What set in did not move {name}: {is}{unit} in the mean, and {would}{unit} without it.");
            stood.push(sentence(text, chart(title)));
        }
        if !(1.0 / MOVED..=MOVED).contains(&ratio) {
            let differs = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
                (Some(a), Some(b)) => {
                    let ratio = a.max(floor) / b.max(floor);
                    !(1.0 / MOVED..=MOVED).contains(&ratio)
                }
                _ => false,
            };
            let both: Vec<bool> = here.iter().zip(&there).map(differs).collect();
            let first = both.windows(3).position(|w| w.iter().all(|d| *d));
            let at = first.and_then(|i| happened.series.t_s.get(i)).copied().unwrap_or(until);
            let verb = if 1.0 < ratio { "rise" } else { "fall" };
            let text = format!(
                "What set in made {name} {verb}: {}{unit} in the mean, where it would have been {}{unit}.",
                number(is),
                number(would)
            );
            found.push((at, sentence(text, chart(title))));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.truncate(most);
    let moved = found.len();
    found.into_iter().map(|(_, sentence)| sentence).chain(stood.into_iter().take(least.saturating_sub(moved))).collect()
}
