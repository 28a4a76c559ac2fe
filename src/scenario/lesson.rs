//! What an incident is for: its goal, the traps it trains, par times, how hard it is, and what a coach says in it. Told
//! after an incident, to its author and to whoever leads a game day; never during it, but for the coach's lines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::file::{CauseSpec, ScenarioFile, VariantSpec};
use crate::sim::spec::fault::Fault;
use crate::sim::time::SimDuration;

/// Traps in which people and assistants reason themselves away from the truth.
pub const TRAPS: &[(&str, &str)] = &[
    ("T01", "what moved together is taken for the cause"),
    ("T02", "requests are counted, and not the work of each"),
    ("T03", "retries are read as demand"),
    ("T04", "a mean hides who suffers"),
    ("T05", "the dimension that decides is on no board"),
    ("T06", "who dropped out is not in the number"),
    ("T07", "a symptom is later than its cause"),
    ("T08", "the last change is blamed"),
    ("T09", "the first explanation is the last"),
    ("T10", "the victim is blamed because it rang"),
    ("T11", "being busy is taken for doing work"),
    ("T12", "a health check is believed"),
    ("T13", "what helped last time is done again"),
    ("T14", "the trigger is gone, so it is over"),
    ("T15", "one cause is found, so there is one"),
    ("T16", "no data is read as zero or as health"),
    ("T17", "an improvement is taken for good news"),
    ("T18", "somebody outside did it"),
    ("T19", "a definition moved, and not the thing"),
    ("T20", "a lesson is applied where it does not hold"),
    ("T21", "a fluent story is believed"),
    ("T22", "an action is thought to have no side effects"),
];

/// What an incident is for, and how hard it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LessonSpec {
    /// What whoever has played it can do afterwards, in a sentence.
    pub goal: String,
    /// Codes of the traps that it trains, from T01 to T22.
    pub traps: Vec<String>,
    /// How long a person who is good at this takes.
    pub par: ParSpec,
    /// How strongly the first screen speaks for the wrong cause, from 0 (not at all) to 4.
    #[schemars(range(min = 0, max = 4))]
    pub decoy_strength: u8,
    /// Ids of documents of the archive that explain what was there before, best first.
    pub documents: Vec<String>,
    /// For whoever leads the debrief: what to ask, what is easily missed.
    pub notes: Vec<String>,
}

impl LessonSpec {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == LessonSpec::default()
    }
}

/// Par times, from the page; zero: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParSpec {
    /// Until the first commit.
    pub commit_s: SimDuration,
    /// Until users are better, or until it is clear that nothing needs doing.
    pub better_s: SimDuration,
}

/// A line of the coach: one verb at a time, on an event or when nothing happens, and never a cause.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoachLine {
    /// The verb that it teaches: the first word of what is typed. When it was used, the next line is due.
    pub verb: String,
    /// What is said: at most twelve words.
    pub says: String,
    /// What to type, for whoever does as told; `{look}` stands for the last look, as in `E4`.
    pub line: String,
}

/// How hard a variant is, on seven axes from 0 to 4. Six follow from the file; the decoy's strength is its author's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Difficulty {
    /// Causes at once: one is 1; none, which has to be recognised, is 2.
    pub causes: u8,
    /// How strongly the first screen speaks for the wrong cause.
    pub decoy: u8,
    /// What monitoring does not show.
    pub gaps: u8,
    /// What looks cost, of the time there is.
    pub price: u8,
    /// How little time there is for each cause.
    pub clock: u8,
    /// How many people ask.
    pub social: u8,
    /// How little the seat beside can be trusted: what colleagues guess.
    pub advice: u8,
}

impl Difficulty {
    /// Of a variant.
    pub fn of(file: &ScenarioFile, variant: &VariantSpec) -> Difficulty {
        let here = |c: &&CauseSpec| variant.causes.contains(&c.id) || variant.decoys.contains(&c.id);
        let faults = file.causes.iter().chain(&file.decoys).filter(here).flat_map(|c| &c.faults);
        let blinds = |f: &Fault| {
            let blind = matches!(f, Fault::ExporterDown { .. } | Fault::ScrapesLost { .. } | Fault::ScrapeLag { .. });
            blind || matches!(f, Fault::MetricLabelRenamed { .. })
        };
        let blind = faults.filter(|f| blinds(&f.fault)).count();
        let minutes = file.length_s.as_secs_f64() / 60.0;
        let chat = &file.history.chat;
        let guesses = chat.iter().filter(|line| line.name.starts_with("guess")).count();
        Difficulty {
            causes: if variant.causes.is_empty() { 2 } else { variant.causes.len().min(4) as u8 },
            decoy: file.lesson.decoy_strength,
            gaps: (2 * blind).min(4) as u8,
            price: if file.free_looks { 0 } else { step(minutes, [45.0, 30.0, 20.0, 10.0]) },
            clock: step(minutes / variant.causes.len().max(1) as f64, [40.0, 25.0, 15.0, 8.0]),
            social: chat.len().min(4) as u8,
            advice: (2 * guesses).min(4) as u8,
        }
    }
}

impl Difficulty {
    /// The axes by name, each from 0 to 4.
    pub fn axes(&self) -> [(&'static str, u8); 7] {
        [
            ("causes", self.causes),
            ("decoy", self.decoy),
            ("gaps", self.gaps),
            ("price of looks", self.price),
            ("clock", self.clock),
            ("people asking", self.social),
            ("advice", self.advice),
        ]
    }

    /// In a line.
    pub fn says(&self) -> String {
        self.axes().map(|(axis, steps)| format!("{axis} {steps}")).join(", ")
    }
}

/// What a variant is for, as it is told when nothing is left to spoil.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// See [`LessonSpec::goal`].
    pub goal: String,
    /// The traps that it trains: code and what it is.
    pub traps: Vec<(String, String)>,
    /// How hard it is.
    pub difficulty: Difficulty,
    /// See [`LessonSpec::documents`].
    pub documents: Vec<String>,
    /// See [`LessonSpec::notes`].
    pub notes: Vec<String>,
}

impl Told {
    /// Of a variant.
    pub fn of(file: &ScenarioFile, variant: &VariantSpec) -> Told {
        let LessonSpec { goal, traps, documents, notes, .. } = file.lesson.clone();
        let known = |code: &String| TRAPS.iter().find(|(of, _)| of == code).map_or("", |(_, says)| says).to_string();
        let traps = traps.into_iter().map(|code| (code.clone(), known(&code))).collect();
        Told { goal, traps, difficulty: Difficulty::of(file, variant), documents, notes }
    }
}

/// How many of four falling limits a value lies below.
fn step(value: f64, limits: [f64; 4]) -> u8 {
    limits.iter().filter(|limit| value < **limit).count() as u8
}
