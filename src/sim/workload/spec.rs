//! What users want, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::prompt::Segment;
use crate::sim::spec::base::Base;
use crate::sim::time::SimDuration;

/// Everything that users want of a stack.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSpec {
    /// The preset it starts from.
    #[serde(default, skip_serializing_if = "Base::is_none")]
    pub base: Base,
    /// Hour of the day at the opening, from 0 to 24.
    #[serde(default = "default_hour")]
    #[schemars(range(min = 0, max = 24))]
    pub opens_at_hour: f64,
    /// Groups of accounts.
    #[schemars(length(min = 1))]
    pub cohorts: Vec<CohortSpec>,
    /// Streams of intents.
    #[schemars(length(min = 1))]
    pub sources: Vec<SourceSpec>,
}

fn default_hour() -> f64 {
    14.0
}

/// A group of accounts that came about together.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CohortSpec {
    /// Its name.
    pub name: String,
    /// Accounts in it.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub accounts: u32,
    /// What they pay for.
    pub tier: Tier,
    /// Days before the opening at which the first account was created.
    #[schemars(range(min = 0, max = 20_000))]
    pub created_from_days: f64,
    /// Days before the opening at which the last account was created.
    #[schemars(range(min = 0, max = 20_000))]
    pub created_to_days: f64,
    /// How they pay.
    #[serde(default = "default_payment")]
    pub payment: String,
    /// Devices that the accounts share among them; 0: each has its own.
    #[serde(default)]
    pub shared_devices: u32,
    /// Accounts that ever send anything, the first in order of their numbers; none: all. The others are dormant.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub active: Option<u32>,
    /// Languages of the accounts; none: English.
    #[serde(default)]
    pub languages: Vec<LanguageSpec>,
}

/// A language in which accounts of a cohort write.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LanguageSpec {
    /// Its code, as in `th`.
    pub code: String,
    /// Share of the accounts, relative to the others.
    #[schemars(range(min = 0, max = 1000000))]
    pub share: f64,
}

/// What a share of the intents asks for besides an answer.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParamsSpec {
    /// Share of the intents.
    #[serde(default = "default_weight")]
    #[schemars(range(min = 0, max = 1))]
    pub share: f64,
    /// Log probabilities of each token.
    #[serde(default)]
    pub logprobs: bool,
    /// An answer that fits a schema.
    #[serde(default)]
    pub schema: bool,
}

fn default_payment() -> String {
    "card".to_string()
}

/// What an account pays for. The order is the order of priority, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
pub enum Tier {
    /// Contracts.
    Enterprise,
    /// Subscriptions.
    Paid,
    /// Nothing.
    Free,
    /// Cheap work that may wait.
    Batch,
}

impl Tier {
    /// Smaller goes first in a replica's line: batch work goes last.
    pub fn priority(self) -> u8 {
        u8::from(self == Tier::Batch)
    }
}

/// A stream of intents.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Its name.
    pub name: String,
    /// Client program, by name.
    pub client: String,
    /// Model, by name.
    pub model: String,
    /// Cohort whose accounts send it.
    pub cohort: String,
    /// Whether the scenario has taken it away; its number stays.
    #[serde(skip)]
    pub absent: bool,
    /// User-minutes at stake with each intent.
    #[serde(default = "default_weight")]
    #[schemars(range(min = 0, max = 10_000))]
    pub weight: f64,
    /// First token within this.
    #[serde(default = "default_slo")]
    pub slo_ttft_s: SimDuration,
    /// Each further token within this, on average.
    #[serde(default = "default_slo_per_token")]
    pub slo_per_token_s: SimDuration,
    /// Without a first token after so long, over all tries, the user goes away.
    #[serde(default = "default_patience")]
    pub patience_s: SimDuration,
    /// How many and when.
    pub arrivals: Arrivals,
    /// What is asked.
    pub prompt: PromptSpec,
    /// Tokens of the answer.
    pub output_tokens: Lengths,
    /// Images that come with it.
    #[serde(default)]
    pub images: Option<ImagesSpec>,
    /// What is asked for besides an answer.
    #[serde(default)]
    pub params: Option<ParamsSpec>,
}

fn default_weight() -> f64 {
    1.0
}
fn default_slo() -> SimDuration {
    SimDuration::from_secs(3)
}
fn default_slo_per_token() -> SimDuration {
    SimDuration::from_millis(120)
}
fn default_patience() -> SimDuration {
    SimDuration::from_secs(120)
}

/// How many intents and when.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub enum Arrivals {
    /// Nobody waits for anybody: a Poisson process whose rate varies.
    Open(OpenArrivals),
    /// Chats: sessions begin as above; each turn waits for the answer before it.
    Chat {
        /// Sessions that begin, per second, and how that varies.
        sessions: OpenArrivals,
        /// Mean number of turns.
        #[schemars(range(min = 1, max = 1000))]
        turns: f64,
        /// Time from an answer to the next turn.
        think_s: Lengths,
    },
    /// Jobs on the clock: so many intents at once, again and again.
    Batch {
        /// From one job to the next, counted from full multiples of it after the opening.
        every_s: SimDuration,
        /// Seconds after each multiple at which the job starts.
        #[serde(default)]
        offset_s: SimDuration,
        /// Intents of one job.
        #[schemars(range(min = 1, max = 1_000_000))]
        intents: u32,
        /// Time over which they come.
        spread_s: SimDuration,
        /// Seconds after the opening before which no job starts; none: they have started for ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_s: Option<SimDuration>,
    },
    /// Rows of a recorded trace: times, lengths and what prompts share are its own.
    Trace(TraceArrivals),
}

/// How a recorded trace is replayed.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceArrivals {
    /// A built-in trace by name, or a file by path.
    pub file: String,
    /// Times faster than recorded.
    #[serde(default = "default_weight")]
    #[schemars(range(min = 0.001, max = 1000))]
    pub speed: f64,
    /// Seconds before the opening at which the trace begins, so that its first part fills the caches.
    #[serde(default)]
    pub lead_s: SimDuration,
    /// Whether it begins again when it is over, with other prompts of the same make; else it ends.
    #[serde(default)]
    pub repeat: bool,
    /// Instead of the whole trace at its own times: its sessions, each drawn at random, begin so often, and their
    /// requests follow at the times recorded (for ever, and from before the world began).
    #[serde(default)]
    pub sessions: Option<OpenArrivals>,
    /// The rows, in order of time; filled in by whoever reads the file.
    #[serde(skip)]
    #[schemars(skip)]
    pub rows: std::sync::Arc<Vec<TraceRow>>,
}

/// A row of a recorded trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRow {
    /// Since the trace, or its session, began.
    pub at: SimDuration,
    /// Tokens asked, at least 1.
    pub input_tokens: u32,
    /// Tokens answered, at least 1.
    pub output_tokens: u32,
    /// What of the prompt others may share, in order; its rest is its own.
    pub segments: Vec<Segment>,
    /// The session that it belongs to.
    pub session: u32,
}

/// A Poisson process whose rate varies.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenArrivals {
    /// Per second, on average.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub per_s: f64,
    /// Amplitude of the daily curve as a share of the mean; it peaks at 15:00.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    pub diurnal: f64,
    /// Spread of the rate from one ten seconds to the next (sigma of its logarithm).
    #[serde(default)]
    #[schemars(range(min = 0, max = 3))]
    pub burstiness: f64,
    /// Seconds after the opening at which it begins; none: it has been there for ever.
    #[serde(default)]
    pub from_s: Option<SimDuration>,
    /// Seconds over which it grows to its full rate.
    #[serde(default)]
    pub ramp_s: SimDuration,
    /// Seconds after the opening at which it ends.
    #[serde(default)]
    pub until_s: Option<SimDuration>,
}

/// Log-normal lengths.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lengths {
    /// Half are longer.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub median: f64,
    /// Sigma of the logarithm.
    #[serde(default)]
    #[schemars(range(min = 0, max = 3))]
    pub sigma: f64,
}

/// What prompts are made of: a shared template, the run or session so far, and what is new.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptSpec {
    /// Templates (system prompt, tools, documents) in use.
    #[serde(default = "default_templates")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub templates: u32,
    /// Exponent of their popularity (Zipf).
    #[serde(default = "default_zipf")]
    #[schemars(range(min = 0, max = 3))]
    pub zipf: f64,
    /// Tokens of a template; fixed for each.
    pub template_tokens: Lengths,
    /// Source whose templates are used instead of its own.
    #[serde(default)]
    pub templates_of: Option<String>,
    /// Tokens that are new in each intent or turn.
    pub new_tokens: Lengths,
    /// Runs of an agent: intents that build on each other. None: each intent stands alone.
    #[serde(default)]
    pub runs: Option<RunsSpec>,
}

fn default_templates() -> u32 {
    1
}
fn default_zipf() -> f64 {
    0.9
}

/// Runs of an agent, open loop: a step comes when it comes, whether or not the one before was answered.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunsSpec {
    /// Steps of a run.
    #[schemars(range(min = 1, max = 100))]
    pub steps: u32,
    /// Time from one step to the next, in classes.
    #[schemars(length(min = 1))]
    pub gaps: Vec<GapSpec>,
}

/// A class of gaps.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GapSpec {
    /// Share of the intents.
    #[schemars(range(min = 0, max = 1))]
    pub share: f64,
    /// Mean time from step to step.
    pub gap_s: SimDuration,
}

/// Images that come with an intent.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImagesSpec {
    /// Share of intents with images.
    #[schemars(range(min = 0, max = 1))]
    pub share: f64,
    /// Fewest in one.
    #[schemars(range(min = 1, max = 1000))]
    pub min: u32,
    /// Most in one.
    #[schemars(range(min = 1, max = 1000))]
    pub max: u32,
    /// Megapixels of each.
    #[schemars(range(min = 0, max = 1000))]
    pub megapixels: f64,
    /// Whether all of them are the same picture.
    #[serde(default)]
    pub identical: bool,
}
