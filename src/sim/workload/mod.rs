//! What users want: a pure function of (seed, entity, index). Nothing that the system does shifts it, and a source that
//! is taken away shifts no other.

pub mod accounts; // who users are
pub mod arrivals; // when intents come
pub mod content; // what they ask
pub mod spec; // all of it as data

mod replay; // when the requests of a trace come

pub use accounts::Account;
pub use arrivals::{Arrival, Replayed, usual_intents};
pub use content::{Affinities, Intent, Params};
pub use spec::{Tier, TraceRow, WorkloadSpec};

use crate::sim::ids::{ClientId, ModelId, SourceId};
use crate::sim::rng::{Purpose, draw, mix};
use crate::sim::spec::SpecError;
use crate::sim::time::{SimDuration, SimTime};
use accounts::Accounts;
use arrivals::Calendar;
pub use arrivals::Progress;
use content::Prompts;
use spec::{Arrivals, SourceSpec};

/// All that users want, of one seed.
#[derive(Clone)]
pub struct Workload {
    seed: u64,
    accounts: Accounts,
    sources: Vec<Source>,
}

#[derive(Clone)]
struct Source {
    spec: SourceSpec,
    client: ClientId,
    model: ModelId,
    cohort: u16,
    calendar: Calendar,
    prompts: Prompts,
}

impl Workload {
    /// The workload of `spec` under `seed`, for an incident that opens at `open_at`; client programs and models are
    /// numbered as in the lists.
    ///
    /// # Errors
    /// Every name in the spec that nothing bears.
    pub fn new(
        spec: &WorkloadSpec,
        clients: &[String],
        models: &[String],
        seed: u64,
        open_at: SimTime,
    ) -> Result<Self, Vec<SpecError>> {
        let mut mistakes = Vec::new();
        let accounts = Accounts::new(spec, seed);
        let client_names: Vec<&str> = clients.iter().map(String::as_str).collect();
        let model_names: Vec<&str> = models.iter().map(String::as_str).collect();
        let mut sources = Vec::new();
        for (index, source) in spec.sources.iter().enumerate() {
            let path = |field: &str| format!("workload.sources.{index}.{field}");
            let mut place = |field: &str, kind: &str, name: &str, names: &[&str]| {
                let found = names.iter().position(|n| *n == name);
                if found.is_none() {
                    mistakes.push(SpecError::unknown_name(path(field), kind, name, names.iter().copied()));
                }
                found.unwrap_or_default()
            };
            let cohorts: Vec<&str> = spec.cohorts.iter().map(|c| c.name.as_str()).collect();
            let source_names: Vec<&str> = spec.sources.iter().map(|s| s.name.as_str()).collect();
            let client = place("client", "client", &source.client, &client_names);
            let model = place("model", "model", &source.model, &model_names);
            let cohort = place("cohort", "cohort", &source.cohort, &cohorts);
            let templates_of = match &source.prompt.templates_of {
                Some(name) => place("prompt.templates_of", "source", name, &source_names),
                None => index,
            };
            let owner = &spec.sources[templates_of].prompt;
            sources.push(Source {
                client: ClientId(client as u16),
                model: ModelId(model as u8),
                cohort: cohort as u16,
                calendar: Calendar::new(source, index, seed, open_at, spec.opens_at_hour),
                prompts: Prompts::new(&source.prompt, owner, templates_of, index, seed),
                spec: source.clone(),
            });
        }
        if mistakes.is_empty() { Ok(Workload { seed, accounts, sources }) } else { Err(mistakes) }
    }

    /// Nobody wants anything.
    pub(super) fn nobody() -> Workload {
        Workload { seed: 0, accounts: Accounts::default(), sources: Vec::new() }
    }

    /// How far each source has come; the rest follows from the specification.
    pub(super) fn progress(&self) -> Vec<Progress> {
        self.sources.iter().map(|source| source.calendar.progress()).collect()
    }

    /// Goes on from where a workload of the same specification was; false if it cannot have been of the same.
    pub(super) fn resume(&mut self, from: Vec<Progress>) -> bool {
        let as_many = self.sources.len() == from.len();
        as_many && self.sources.iter_mut().zip(from).all(|(source, from)| source.calendar.resume(from))
    }

    /// Sources, those included that the scenario has taken away.
    pub fn sources(&self) -> usize {
        self.sources.len()
    }

    /// Who the users are.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Whether a source's arrivals are sessions of chats.
    pub fn is_chat(&self, source: SourceId) -> bool {
        matches!(self.sources[source.index()].spec.arrivals, Arrivals::Chat { .. })
    }

    /// The next arrival of a source, in order of time.
    pub fn next_arrival(&mut self, source: SourceId) -> Option<Arrival> {
        let state = &mut self.sources[source.index()];
        if state.spec.absent { None } else { state.calendar.next(source) }
    }

    /// What an arrival asks; for a chat, its first turn.
    pub fn intent(&self, arrival: &Arrival) -> Intent {
        self.turn(arrival, 0, arrival.at).expect("every session has a first turn")
    }

    /// Turn `turn` of a chat session, begun at `at`; none if the session is over. Sources that do not chat have turn 0.
    pub fn turn(&self, start: &Arrival, turn: u32, at: SimTime) -> Option<Intent> {
        let source = &self.sources[start.source.index()];
        if self.turns(start) <= turn {
            return None;
        }
        let spec = &source.spec;
        let asked = source.prompts.ask(spec, start, turn);
        let account = self.accounts.sender(source.cohort, start.run_identity(), self.seed);
        let cohort = &self.accounts.cohorts()[usize::from(source.cohort)];
        let identity = start.identity(turn);
        let images = spec.images.filter(|i| draw(self.seed, identity, Purpose::Content, 90) < i.share);
        let count = images.map_or(0, |i| {
            let span = f64::from(i.max.max(i.min) - i.min + 1);
            i.min + (draw(self.seed, identity, Purpose::Content, 91) * span) as u32
        });
        let payload = images.map_or(0, |i| match i.identical {
            true => mix(u64::from(start.source.0) + 1, 0x13a6e),
            false => mix(identity, 0x13a6e),
        });
        let asks = spec.params.filter(|p| draw(self.seed, identity, Purpose::Content, 92) < p.share);
        let params = asks.map_or(Params::default(), |p| Params { logprobs: p.logprobs, schema: p.schema });
        Some(Intent {
            identity,
            at,
            source: start.source,
            client: source.client,
            model: source.model,
            account,
            cohort: source.cohort,
            tier: cohort.tier,
            prompt: asked.prompt,
            output_tokens: asked.output_tokens,
            output_key: asked.output_key,
            affinity: asked.affinity,
            template: asked.template,
            images: count,
            megapixels: images.map_or(0.0, |i| i.megapixels),
            payload,
            params,
            language: self.accounts.language_place(account, usize::from(source.cohort)) as u8,
            idle: self.idle_before(start, turn),
            weight: spec.weight,
            slo_ttft: spec.slo_ttft_s,
            slo_per_token: spec.slo_per_token_s,
            patience: spec.patience_s,
        })
    }

    /// How long a session or run was idle before an intent: the time its user thought, or the mean gap of its class of
    /// runs; none where nothing came before it.
    fn idle_before(&self, start: &Arrival, turn: u32) -> Option<SimDuration> {
        let source = &self.sources[start.source.index()];
        match (&source.spec.arrivals, &source.spec.prompt.runs) {
            (Arrivals::Chat { think_s, .. }, _) if 0 < turn => {
                let think = content::log_normal(think_s, self.seed, start.identity(turn), Purpose::Think, 1);
                Some(SimDuration::from_secs_f64(think))
            }
            (Arrivals::Open(_) | Arrivals::Batch { .. }, Some(runs))
                if source.prompts.continues(&source.spec, start) =>
            {
                runs.gaps.get(usize::from(start.class)).map(|gap| gap.gap_s)
            }
            _ => None,
        }
    }

    /// The code of a language, by its place in the list of a cohort.
    pub fn language_code(&self, cohort: u16, place: u8) -> &str {
        let languages = self.accounts.cohorts().get(usize::from(cohort)).map(|c| &c.languages);
        languages.and_then(|l| l.get(usize::from(place))).map_or(accounts::ENGLISH, |language| language.code.as_str())
    }

    /// Turns of a session, at least one; one for sources that do not chat. (Geometric with the stated mean.)
    pub fn turns(&self, start: &Arrival) -> u32 {
        match &self.sources[start.source.index()].spec.arrivals {
            Arrivals::Chat { turns, .. } if 1.0 < *turns => {
                let stop = 1.0 / turns;
                let uniform = draw(self.seed, start.identity(0), Purpose::Think, 0);
                1 + (libm::log(1.0 - uniform) / libm::log(1.0 - stop)).min(500.0) as u32
            }
            _ => 1,
        }
    }

    /// How long the answer to turn `turn` takes if it meets its objective exactly, and how long its reader then thinks
    /// before the next turn; none if there is no next turn.
    pub fn after_turn(&self, start: &Arrival, turn: u32) -> Option<(SimDuration, SimDuration)> {
        let Arrivals::Chat { think_s, .. } = &self.sources[start.source.index()].spec.arrivals else { return None };
        if self.turns(start) <= turn + 1 {
            return None;
        }
        let intent = self.turn(start, turn, start.at)?;
        let per_token = SimDuration(intent.slo_per_token.0.saturating_mul(u64::from(intent.output_tokens)));
        let think = content::log_normal(think_s, self.seed, start.identity(turn + 1), Purpose::Think, 1);
        Some((intent.slo_ttft + per_token, SimDuration::from_secs_f64(think)))
    }

    /// The number of the cohort called `name`.
    pub fn cohort_id(&self, name: &str) -> Option<u16> {
        self.accounts.cohorts().iter().position(|c| c.name == name).map(|c| c as u16)
    }

    /// The names of all cohorts.
    pub fn cohort_names(&self) -> impl Iterator<Item = &str> {
        self.accounts.cohorts().iter().map(|c| c.name.as_str())
    }
}
