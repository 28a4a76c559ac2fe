//! The publication gate: a scenario is fit to be played and scored only if runs bear out every clause. What fails says
//! which clause, under which seeds, and the command that shows it.
//!
//! Each variant is held to its clauses over seeds from 1 on; runs are shared between clauses by content. What was found
//! of a variant is kept below the data directory under the keys of file and world, so that a check goes on where it was
//! stopped.
//!
//! # What is proved, and by whom
//!
//! - The remedy, and what only seems to be one, are named by the file (`mends`, `tempts`) or found by the debrief's
//!   search. They are the file's critical and forbidden actions; a score knows neither, and measures what each order
//!   did by leaving it out. Where nothing is wrong, a tempting order has to hurt.
//! - Players that do not look are bounded from above without an observer ([`naive`]).
//! - Clauses i and ii and the first screen are answered by the scenario's observer, i and ii over ten seeds
//!   ([`observed`], [`first_screen`]). Where there is none they stay open and say so, in a certificate too: one that
//!   was made without an observer stays sound when a table comes, with these open. A table beside a file of one's own
//!   is read with `--tables`.
//! - A step of the first shift has one answer, so that the clause on twins does not apply to it.
//! - Where a file calls no cause the root, all of them are claimed to be: each has to be needed, and the weights have
//!   to be alike.
//!
//! # What two clauses are worth
//!
//! The first screen of the gate is the page and the indicator, which is settled two minutes late and says nothing under
//! five per cent. At the page it is 0 nearly everywhere, so that it can tell no variants apart, and the belief in the
//! decoy on it is the base rate that the file states, 0.6 where the pager suggests the foil: an author's judgement, not
//! a count from the field. Both clauses hold by this, and say that nothing is given away by those two lines; they do
//! not test what a player sees next. The window begins with the same: until the page is acknowledged its map has
//! nothing that was measured, and alerts of before the page are a look there too. What comes then no clause holds it
//! to: alerts as they fire, which the channel tells everybody, and rates, errors and latency by layer on its map.

pub mod certificate; // what was proved, and of what
pub mod first_screen; // what the page alone gives away
pub mod naive; // players that need not look
pub mod observed; // what can be proved, and what tempts
pub mod remedy; // what ends users' pain, and what only seems to
pub mod seen; // what a participant is shown
pub mod world; // what the causes do

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scenario::file::{CauseSpec, ScenarioFile, VariantSpec};
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::observer::{NoObserver, Observer};
use crate::score::runs::{Ask, Progress, Runs};
use crate::score::truth::TruthError;
use crate::sim::time::SimDuration;

/// A certificate rests on so many seeds for each variant.
pub const SEEDS: u32 = 20;
/// Fewer prove nothing.
pub const FEWEST_SEEDS: usize = 6;
/// What must hold, must hold on this share of the seeds.
pub const MOSTLY: f64 = 0.95;
/// Seeds that nobody practises on, as a share: the last of those checked.
pub const HELD_OUT: f64 = 0.3;

/// A clause of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clause {
    /// With its causes users are hurt.
    Hurts,
    /// Without them they are not.
    Healthy,
    /// The page comes in time.
    PageFires,
    /// Nobody is paged where nothing is wrong.
    PageSilent,
    /// (i) What there is to see proves the truth.
    Solvable,
    /// (ii) The first screen tempts.
    TrapLive,
    /// (iii) The root is needed.
    RootNeeded,
    /// (iv) Causes keep their order.
    RankStable,
    /// (v) Who does not look does not win.
    NaivePlayers,
    /// (vi) There is a twin in which the decoy is true.
    TwinExists,
    /// (vii) Enough seeds, some of them held out.
    EnoughSeeds,
    /// Taking away what is harmless moves nothing.
    DecoysHarmless,
    /// The right orders end the pain.
    RemedyWorks,
    /// The tempting ones do not.
    TemptingFails,
    /// Where nothing is wrong, one of them costs something.
    ActingCosts,
    /// No word of the author is shown.
    NoLeak,
    /// Before the first onset all variants look the same.
    SameBefore,
    /// What is drawn is said in numbers too.
    TextTwin,
    /// The first screen names no variant.
    FirstScreen,
}

impl Clause {
    /// What it demands.
    pub fn law(self) -> &'static str {
        match self {
            Clause::Hurts => "with its causes users lose 2 % or more of what they wanted",
            Clause::Healthy => "without its causes they lose less than 2 %",
            Clause::PageFires => "the page comes after the first onset and leaves a third of the incident",
            Clause::PageSilent => "without its causes nobody is paged",
            Clause::Solvable => "i: an ideal observer is 95 % sure of the truth after the best looks, on 95 % of seeds",
            Clause::TrapLive => "ii: after the first screen an ideal observer believes the decoy at 50 % or more",
            Clause::RootNeeded => "iii: without its root cause users are spared on 80 % of seeds",
            Clause::RankStable => "iv: no two causes change places over the seeds",
            Clause::NaivePlayers => "v: players that do not look are right and proved on 35 % of the pack at most",
            Clause::TwinExists => "vi: a variant of the same page in which the tempting answer is true",
            Clause::EnoughSeeds => "vii: six seeds or more for each variant, 30 % of them held out",
            Clause::DecoysHarmless => "without its decoys harm moves by less than 1 % of what users wanted",
            Clause::RemedyWorks => "the right orders end users' pain",
            Clause::TemptingFails => "the tempting orders save less than half of what the right ones do",
            Clause::ActingCosts => "where nothing is wrong, a tempting order hurts users",
            Clause::NoLeak => "no word of the author is shown to a participant",
            Clause::SameBefore => "before the first onset all variants of a seed look the same to the byte",
            Clause::FirstScreen => {
                "the nearest match of first screens names the variant no more often than chance, interval included"
            }
            Clause::TextTwin => "what panels draw is said in numbers, and the numbers are those",
        }
    }
}

/// What came of a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// It could not be judged, and `says` has the reason.
    Open,
}

/// A clause, held against a variant or a whole scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The clause.
    pub clause: Clause,
    /// The variant; none: of the scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What came of it.
    pub verdict: Verdict,
    /// In words, with numbers.
    pub says: String,
    /// Seeds on which it does not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
    /// A command that shows it, where it does not hold.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub show: String,
}

impl Finding {
    fn new(clause: Clause, variant: Option<&str>, verdict: Verdict, says: impl Into<String>) -> Finding {
        let variant = variant.map(str::to_string);
        Finding { clause, variant, verdict, says: says.into(), seeds: Vec::new(), show: String::new() }
    }

    fn holds_if(clause: Clause, variant: Option<&str>, holds: bool, says: impl Into<String>) -> Finding {
        Finding::new(clause, variant, if holds { Verdict::Holds } else { Verdict::Fails }, says)
    }

    /// On these seeds it does not hold; the command that shows the first of them, if it fails.
    fn on(mut self, seeds: Vec<u64>, show: impl Fn(u64) -> String) -> Finding {
        if self.verdict == Verdict::Fails {
            self.show = seeds.first().map_or(String::new(), |seed| show(*seed));
        }
        self.seeds = seeds;
        self
    }
}

/// How much is checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// Seeds of the runs.
    pub seeds: Vec<u64>,
    /// One seed and no search: enough to find what is broken, not to publish.
    pub quick: bool,
    /// How the scenario is named on the command line, for commands that are shown.
    #[serde(skip)]
    pub named: String,
}

impl Scope {
    /// Seeds from 1 on.
    pub fn new(named: &str, seeds: u32, quick: bool) -> Scope {
        Scope { seeds: (1..=u64::from(seeds.max(1))).collect(), quick, named: named.to_string() }
    }

    fn enough(&self, holding: usize) -> bool {
        MOSTLY * self.seeds.len() as f64 <= holding as f64
    }

    fn command(&self, verb: &str, variant: &str, seed: u64, rest: &str) -> String {
        format!("scartissue {verb} {} --variant {variant} --seed {seed} {rest}", self.named).trim_end().to_string()
    }
}

/// Causes and decoys of a variant that it has.
fn of_variant<'a>(list: &'a [CauseSpec], ids: &[String]) -> Vec<&'a CauseSpec> {
    list.iter().filter(|c| ids.contains(&c.id)).collect()
}

/// When the first cause of a variant begins, after the opening; the opening itself for what was there before.
fn onset(file: &ScenarioFile, variant: &VariantSpec) -> SimDuration {
    let causes = of_variant(&file.causes, &variant.causes);
    causes.into_iter().filter_map(|cause| file.begins(cause)).min().unwrap_or(SimDuration::ZERO)
}

/// The first moment at which variants may differ, after the opening: a fault begins, or a source that not all of them
/// have. A minute, where nothing ever begins.
pub fn first_onset(file: &ScenarioFile) -> SimDuration {
    let causes = file.causes.iter().chain(&file.decoys);
    causes.filter_map(|cause| file.begins(cause)).min().unwrap_or(SimDuration::from_secs(60))
}

/// Every clause that one variant can be held against; what needs an ideal observer stays open where there is none.
///
/// # Errors
/// The variant cannot be run.
pub fn check_variant(
    runs: &Runs<'_>,
    scope: &Scope,
    variant: &str,
    observer: &Result<Observer, NoObserver>,
    progress: Progress<'_>,
) -> Result<Vec<Finding>, TruthError> {
    let spec = runs.scenario.file.variants.iter().find(|v| v.name == variant);
    let Some(spec) = spec else { return Ok(Vec::new()) };
    let mut found = world::check(runs, scope, spec, progress)?;
    found.extend(remedy::check(runs, scope, spec, progress)?);
    found.extend(seen::check(runs.scenario, scope, spec));
    match observed::check(runs.scenario, observer, scope, spec) {
        Ok(findings) => found.extend(findings),
        Err(error) => found.push(Finding::new(Clause::Solvable, Some(variant), Verdict::Fails, error.to_string())),
    }
    Ok(found)
}

/// Every clause that needs all variants of a scenario.
pub fn check_scenario(scenario: &Scenario, scope: &Scope, observer: &Result<Observer, NoObserver>) -> Vec<Finding> {
    let file = &scenario.file;
    let mut found =
        vec![twin(file), seen::same_before_onset(scenario, scope), first_screen::check(scenario, observer, scope)];
    let held_out = (scope.seeds.len() as f64 * HELD_OUT).ceil() as usize;
    let clause = Clause::EnoughSeeds;
    found.push(match scope.quick {
        true => Finding::new(clause, None, Verdict::Open, "a quick check takes one seed"),
        false => {
            let (seeds, last) = (scope.seeds.len(), scope.seeds.last().copied().unwrap_or(0));
            let says =
                format!("{seeds} seeds; the last {held_out} of them, up to {last}, are for nobody to practise on");
            Finding::holds_if(clause, None, FEWEST_SEEDS <= seeds, says)
        }
    });
    found
}

fn twin(file: &ScenarioFile) -> Finding {
    let harmful = file.variants.iter().filter(|v| !v.causes.is_empty()).count();
    let clause = Clause::TwinExists;
    if harmful == 0 {
        return Finding::new(clause, None, Verdict::Holds, "nothing is ever wrong: the page itself is the decoy");
    }
    if let Some(step) = file.shift {
        let says =
            format!("step {step} of the first shift: played in order and with one answer, so that nothing is drawn");
        return Finding::new(clause, None, Verdict::Holds, says);
    }
    let foils: Vec<&str> = file.variants.iter().filter(|v| v.foil).map(|v| v.name.as_str()).collect();
    let mut roots: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for variant in &file.variants {
        for cause in of_variant(&file.causes, &variant.causes) {
            roots.entry(cause.mechanism.as_str()).or_default().push(variant.name.as_str());
        }
    }
    // A twin whose truth is true everywhere tells nothing apart.
    let apart = |foil: &&str| {
        roots.values().any(|of| of.contains(foil) && of.iter().all(|v| foils.contains(v)))
            || file.variants.iter().any(|v| v.name == **foil && v.causes.is_empty())
    };
    let holds = foils.iter().any(apart) && foils.len() < file.variants.len();
    let says = match foils.is_empty() {
        true => "no variant is marked `foil: true`".to_string(),
        false if holds => format!("the twin is {}", foils.join(", ")),
        false => format!("{} has no cause of its own, or there is nothing but twins", foils.join(", ")),
    };
    Finding::holds_if(clause, None, holds, says)
}

/// A run of a variant under a seed, with some taken away.
fn ask(variant: &str, seed: u64, without: Vec<String>, watch_page: bool) -> Ask {
    Ask { variant: variant.to_string(), seed, without, watch_page, ..Ask::default() }
}

/// What a scenario plays like in this build: a hash over the events of every variant under one seed, a while beyond its
/// first onset. It is one half of what a certificate rests on; the file's own hash is the other.
///
/// # Errors
/// A variant cannot be run.
pub fn world_key(scenario: &Scenario) -> Result<String, ScenarioError> {
    use rayon::prelude::*;
    use sha2::{Digest, Sha256};
    const BEYOND: SimDuration = SimDuration::from_secs(120);
    let file = &scenario.file;
    let until = file.open_at() + (first_onset(file) + BEYOND).min(file.length_s);
    let played = |variant: &VariantSpec| {
        let setup = crate::scenario::lower::Setup { variant: Some(variant.name.clone()), ..Default::default() };
        let mut world = scenario.world(&setup, 1)?;
        world.advance_to(until);
        Ok(world.event_hash())
    };
    let hashes: Vec<u64> = file.variants.par_iter().map(played).collect::<Result<_, ScenarioError>>()?;
    let digest = Sha256::digest(format!("{hashes:?}").as_bytes());
    Ok(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}
