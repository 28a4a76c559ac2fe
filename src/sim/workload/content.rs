//! What is asked: prompts as chains of a template, what came before, and what is new.

use std::cell::RefCell;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::sim::ids::{AccountId, ClientId, ModelId, SourceId};
use crate::sim::prompt::{Prompt, Segment};
use crate::sim::rng::{Purpose, draw, mix};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::Arrival;
use crate::sim::workload::spec::{Arrivals, Lengths, PromptSpec, SourceSpec, Tier, TraceRow};

/// One thing a user wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Distinct for every intent of a workload; names its draws.
    pub identity: u64,
    /// When it is wanted.
    pub at: SimTime,
    /// Where it comes from.
    pub source: SourceId,
    /// The client program.
    pub client: ClientId,
    /// The model asked.
    pub model: ModelId,
    /// Who asks.
    pub account: AccountId,
    /// The account's cohort.
    pub cohort: u16,
    /// The account's tier.
    pub tier: Tier,
    /// What is asked.
    pub prompt: Prompt,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// Identity of prompt and answer together.
    pub output_key: u64,
    /// What routers may hash.
    pub affinity: Affinities,
    /// The template's number within its source.
    pub template: u32,
    /// Images that come with it.
    pub images: u32,
    /// Megapixels of each.
    pub megapixels: f64,
    /// A fingerprint of the images; 0 without any.
    pub payload: u64,
    /// What is asked for besides an answer.
    pub params: Params,
    /// The account's language, by its place in the cohort's list.
    pub language: u8,
    /// Since the intent before it in the same session or run came (in a chat: since its answer); none at the first.
    pub idle: Option<SimDuration>,
    /// User-minutes at stake.
    pub weight: f64,
    /// First token within this.
    pub slo_ttft: SimDuration,
    /// Each further token within this, on average.
    pub slo_per_token: SimDuration,
    /// Without a first token after so long, the user goes away.
    pub patience: SimDuration,
}

/// What an intent asks for besides an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// Log probabilities of each token.
    pub logprobs: bool,
    /// An answer that fits a schema.
    pub schema: bool,
}

/// What routers may hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affinities {
    /// The template.
    pub prefix: u64,
    /// The session or run; the template where there is none.
    pub session: u64,
}

/// What one intent asks.
#[derive(Clone)]
pub(super) struct Asked {
    pub prompt: Prompt,
    pub output_tokens: u32,
    pub output_key: u64,
    pub affinity: Affinities,
    pub template: u32,
}

/// Makes the prompts of one source.
#[derive(Clone)]
pub(super) struct Prompts {
    seed: u64,
    entity: u64,
    template_entity: u64,
    cumulative: Vec<f64>,
    template_tokens: Lengths,
    runs: Option<Runs>,
    told: RefCell<Told>,
}

/// What runs have asked so far. A step asks all that the steps before it asked; so it is drawn once, and what is kept
/// here is only ever what would be drawn again.
#[derive(Clone, Default)]
struct Told {
    recent: FxHashMap<u64, Story>,
    older: FxHashMap<u64, Story>,
}

/// A run up to a step: what it asks there, and what it is answered.
#[derive(Clone)]
struct Story {
    step: u64,
    template: u32,
    segments: Vec<Segment>,
    output_key: u64,
    output_tokens: u32,
}

/// Runs that are kept before the older half is forgotten.
const KEPT: usize = 1 << 14;

impl Told {
    /// The story of a run as far as it is known, which `begin` tells if it is not.
    fn of(&mut self, run: u64, begin: impl FnOnce() -> Story) -> &mut Story {
        if KEPT <= self.recent.len() {
            self.older = std::mem::take(&mut self.recent);
        }
        let older = &mut self.older;
        self.recent.entry(run).or_insert_with(|| older.remove(&run).unwrap_or_else(begin))
    }
}

/// Open-loop runs: slots take turns, so that the steps of one run are a fixed number of arrivals apart.
#[derive(Clone)]
struct Runs {
    steps: u64,
}

impl Prompts {
    pub(super) fn new(spec: &PromptSpec, owner: &PromptSpec, owner_index: usize, index: usize, seed: u64) -> Self {
        let mut sum = 0.0;
        let weight = |rank: u32| libm::pow(f64::from(rank + 1), -owner.zipf);
        let mut cumulative: Vec<f64> = (0..owner.templates)
            .map(|rank| {
                sum += weight(rank);
                sum
            })
            .collect();
        cumulative.iter_mut().for_each(|c| *c /= sum);
        let runs = spec.runs.as_ref().map(|runs| Runs { steps: u64::from(runs.steps) });
        Prompts {
            seed,
            entity: index as u64 + 1,
            template_entity: owner_index as u64 + 1,
            cumulative,
            template_tokens: owner.template_tokens,
            runs,
            told: RefCell::default(),
        }
    }

    pub(super) fn ask(&self, spec: &SourceSpec, start: &Arrival, turn: u32) -> Asked {
        if let (Arrivals::Trace(trace), Some(which)) = (&spec.arrivals, start.replayed) {
            return self.replay(&trace.rows[which.row as usize], which.pass, start);
        }
        let (run, step) = match (&self.runs, &spec.arrivals) {
            (_, Arrivals::Chat { .. }) => (start.run_identity(), u64::from(turn)),
            (Some(runs), _) => self.run_of(runs, spec, start),
            (None, _) => (start.run_identity(), 0),
        };
        self.compose(spec, run, step)
    }

    /// The run that an arrival belongs to, and its step: slots take turns, each carries one run after the other, and
    /// begins at a step of its own so that runs of all ages are under way at any time.
    fn run_of(&self, runs: &Runs, spec: &SourceSpec, start: &Arrival) -> (u64, u64) {
        let slots = self.slots(spec, start.class);
        let (slot, round) = (start.in_class % slots, start.in_class / slots);
        let slot_entity = mix(mix(self.entity, u64::from(start.class)), slot);
        let phase = (draw(self.seed, slot_entity, Purpose::Content, 1) * runs.steps as f64) as u64;
        let position = round + phase;
        (mix(slot_entity, position / runs.steps), position % runs.steps)
    }

    /// Whether an arrival is a later step of a run.
    pub(super) fn continues(&self, spec: &SourceSpec, start: &Arrival) -> bool {
        self.runs.as_ref().is_some_and(|runs| 0 < self.run_of(runs, spec, start).1)
    }

    /// Runs of a class under way together: arrivals of the class within one gap.
    fn slots(&self, spec: &SourceSpec, class: u8) -> u64 {
        let per_s = match &spec.arrivals {
            Arrivals::Open(open) => open.per_s,
            Arrivals::Batch { intents, every_s, .. } => f64::from(*intents) / every_s.as_secs_f64().max(1.0),
            _ => 1.0,
        };
        let gaps = spec.prompt.runs.as_ref().map_or(&[][..], |r| &r.gaps);
        let total: f64 = gaps.iter().map(|g| g.share).sum();
        let gap = &gaps[usize::from(class).min(gaps.len() - 1)];
        ((per_s * gap.share / total * gap.gap_s.as_secs_f64()) as u64).max(1)
    }

    fn compose(&self, spec: &SourceSpec, run: u64, step: u64) -> Asked {
        if self.runs.is_none() && !matches!(spec.arrivals, Arrivals::Chat { .. }) {
            return self.asked(run, &self.begin(spec, run)); // nobody will ask for more of it
        }
        let mut told = self.told.borrow_mut();
        let story = told.of(run, || self.begin(spec, run));
        if step < story.step {
            *story = self.begin(spec, run);
        }
        while story.step < step {
            let answer = Segment { key: story.output_key, tokens: story.output_tokens };
            story.segments.push(answer);
            story.step += 1;
            self.add_question(spec, run, story, answer.key);
        }
        self.asked(run, story)
    }

    fn asked(&self, run: u64, story: &Story) -> Asked {
        let template_key = self.template_key(story.template);
        Asked {
            prompt: Prompt::of(&story.segments),
            output_tokens: story.output_tokens,
            output_key: story.output_key,
            affinity: Affinities { prefix: mix(template_key, 1), session: mix(run, 1) },
            template: story.template,
        }
    }

    fn template_key(&self, template: u32) -> u64 {
        mix(mix(self.template_entity, 0x7e3), u64::from(template))
    }

    /// A run's first step: a template and a question.
    fn begin(&self, spec: &SourceSpec, run: u64) -> Story {
        let popularity = draw(self.seed, run, Purpose::Content, 2);
        let template = self.cumulative.partition_point(|c| *c <= popularity).min(self.cumulative.len() - 1) as u32;
        let key = self.template_key(template);
        let tokens = log_normal(&self.template_tokens, self.seed, key, Purpose::Content, 3);
        let mut segments = Vec::with_capacity(2 * self.runs.as_ref().map_or(1, |r| r.steps.min(16) as usize));
        segments.push(Segment { key, tokens: tokens.round() as u32 });
        let mut story = Story { step: 0, template, segments, output_key: 0, output_tokens: 1 };
        self.add_question(spec, run, &mut story, key);
        story
    }

    /// The question of a story's present step, after all that is named by `before`, and how long its answer will be.
    fn add_question(&self, spec: &SourceSpec, run: u64, story: &mut Story, before: u64) {
        let step = story.step;
        let length = |what: &Lengths, index: u64| {
            (log_normal(what, self.seed, mix(run, step), Purpose::Content, index).round() as u32).max(1)
        };
        let key = mix(before, mix(run, 2 * step));
        story.segments.push(Segment { key, tokens: length(&spec.prompt.new_tokens, 4) });
        story.output_key = mix(key, mix(run, 2 * step + 1));
        story.output_tokens = length(&spec.output_tokens, 6);
    }

    /// A row of a trace: what it shares under the trace's names, or names of this pass, and the rest under its own.
    fn replay(&self, row: &TraceRow, pass: u64, start: &Arrival) -> Asked {
        let own = mix(self.entity, start.identity(0));
        let name = |key| if pass == 0 { key } else { mix(key, mix(self.entity, pass)) };
        let shared = row.segments.iter().map(|s| Segment { key: name(s.key), tokens: s.tokens });
        let covered: u32 = row.segments.iter().map(|s| s.tokens).sum();
        let rest = Segment { key: own, tokens: row.input_tokens.saturating_sub(covered) };
        let prefix = row.segments.first().map_or(own, |s| name(s.key));
        Asked {
            prompt: Prompt::new(shared.chain([rest])),
            output_tokens: row.output_tokens,
            output_key: mix(own, 1),
            affinity: Affinities { prefix, session: mix(start.run_identity(), 1) },
            template: 0,
        }
    }
}

/// The longest that any part of a prompt gets, in tokens; what a model takes is the pool's to say.
const LONGEST: f64 = 1e6;

/// One length, named like every draw.
pub(super) fn log_normal(lengths: &Lengths, seed: u64, entity: u64, purpose: Purpose, index: u64) -> f64 {
    if lengths.sigma == 0.0 {
        return lengths.median.min(LONGEST);
    }
    let (u, v) = (draw(seed, entity, purpose, index), draw(seed, entity, purpose, index + 1));
    let normal = libm::sqrt(-2.0 * libm::log(1.0 - u)) * libm::cos(std::f64::consts::TAU * v);
    (lengths.median * libm::exp(lengths.sigma * normal)).min(LONGEST)
}
