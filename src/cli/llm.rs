//! `run --as llm`: a model behind an API plays, or a transcript of one is played back.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::assistant::beside::SPOKEN;
use crate::assistant::llm::http::Network;
use crate::assistant::llm::{
    Budget, Ending, Model, ModelAdvisor, Patient, Played, Provider, Recorded, Speaker, Transcript, play, transcript,
};
use crate::cli::begin::{Beginning, Marks};
use crate::cli::incident::Incident;
use crate::cli::place::{Place, Sources, unguessable};
use crate::cli::{Failure, print, progress};
use crate::scenario::opened::Scenario;
use crate::score::debrief::debrief;
use crate::score::runs::Runs;
use crate::score::tell;
use crate::session::advice::Advisor;
use crate::session::case::case;
use crate::session::log::Event;
use crate::study::outcome::{Joined, Outcome, grade_joined, outcome, variant_of};
use crate::study::plan::{Cell, ModelPlayer};
use crate::tools::{Attempt, Caller, Tools};

/// Whose sessions these are, where nobody says.
const PROFILE: &str = "assistants";
/// Where sessions of models are, below a study's folder.
const SESSIONS: &str = "sessions";

/// The model, what it may use, and what is kept of it.
#[derive(Args, Default)]
pub struct LlmOptions {
    #[command(flatten)]
    which: Which,
    /// Play back what was recorded, without a network
    #[arg(long, value_name = "FILE", conflicts_with_all = ["provider", "model"])]
    transcript: Option<PathBuf>,
    /// Where everything that is said is kept, as JSON lines [default: transcript.jsonl beside the session]
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Tokens in and out, in all
    #[arg(long, value_name = "N")]
    most_tokens: Option<u64>,
    /// Dollars, by --dollars-in and --dollars-out
    #[arg(long, value_name = "DOLLARS", requires_all = ["dollars_in", "dollars_out"])]
    most_dollars: Option<f64>,
    /// Dollars for a million tokens in
    #[arg(long, value_name = "DOLLARS")]
    dollars_in: Option<f64>,
    /// Dollars for a million tokens out
    #[arg(long, value_name = "DOLLARS")]
    dollars_out: Option<f64>,
    /// Minutes of the incident
    #[arg(long, value_name = "MINUTES")]
    most_minutes: Option<f64>,
    /// Replies of the model
    #[arg(long, value_name = "N", default_value_t = Budget::default().turns)]
    most_turns: u32,
    /// The control arm: it has the words of the page and no telemetry, and should do no better than base rates
    #[arg(long)]
    alert_text: bool,
}

/// Which model.
#[derive(Args, Clone, Default)]
pub struct Which {
    /// Whose interface: keys and addresses come from ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL, or OPENAI_API_KEY and
    /// OPENAI_BASE_URL
    #[arg(long, value_enum, requires = "model")]
    provider: Option<Interface>,
    /// The model, as its provider calls it
    #[arg(long, value_name = "NAME", requires = "provider")]
    model: Option<String>,
    /// Tokens of one reply
    #[arg(long, value_name = "N", default_value_t = 4096)]
    reply_tokens: u32,
}

impl Which {
    /// Whether one is named.
    pub fn is_named(&self) -> bool {
        self.model.is_some()
    }

    /// Interface, name, tokens of a reply.
    ///
    /// # Errors
    /// None is named.
    pub fn named(&self) -> Result<(Provider, String, u32), Failure> {
        let (Some(interface), Some(name)) = (self.provider, self.model.clone()) else {
            return Err(Failure::Usage("a model is named by --provider and --model".to_string()));
        };
        let provider = match interface {
            Interface::Anthropic => Provider::Anthropic,
            Interface::OpenaiCompatible => Provider::OpenAiCompatible,
        };
        Ok((provider, name, self.reply_tokens))
    }
}

/// A model, and its key, by what the environment has for its provider.
///
/// # Errors
/// Neither key nor address is set, or the address is none.
pub fn connect(provider: Provider, name: &str, reply_tokens: u32) -> Result<(Model, Option<String>), Failure> {
    let (prefix, usual) = match provider {
        Provider::Anthropic => ("ANTHROPIC", "https://api.anthropic.com"),
        Provider::OpenAiCompatible => ("OPENAI", "https://api.openai.com/v1"),
    };
    let set = |what: &str| std::env::var(format!("{prefix}_{what}")).ok().filter(|value| !value.trim().is_empty());
    let (key, address) = (set("API_KEY"), set("BASE_URL"));
    if key.is_none() && address.is_none() {
        return Err(Failure::Surroundings(format!(
            "no key in ${prefix}_API_KEY, and no address of a local server in ${prefix}_BASE_URL: set one of them, play back \
             what was recorded, or take one that comes with the program, as in `run --as good-sre` and `--assistant scripted`"
        )));
    }
    let base = address.unwrap_or_else(|| usual.to_string()).trim().trim_end_matches('/').to_string();
    if !base.starts_with("http://") && !base.starts_with("https://") {
        return Err(Failure::Usage(format!("${prefix}_BASE_URL is no address: it begins with http:// or https://")));
    }
    let key = key.map(|key| key.trim().to_string());
    Ok((Model { provider, name: name.to_string(), base, reply_tokens }, key))
}

fn network() -> Network {
    Network::new(|seconds| std::thread::sleep(Duration::from_secs_f64(seconds)))
}

/// A model beside a session, which goes on with what it wrote down there.
///
/// # Errors
/// As [`connect`], or the disk refuses.
pub fn advisor(
    (provider, name, reply_tokens): (Provider, &str, u32),
    most_tokens: Option<u64>,
    folder: &Path,
) -> Result<Box<dyn Advisor>, Failure> {
    let (model, key) = connect(provider, name, reply_tokens)?;
    let file = folder.join(SPOKEN);
    let failed = |e: std::io::Error| Failure::Surroundings(format!("{}: {e}", file.display()));
    let before = match std::fs::read_to_string(&file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.map_err(failed)?,
    };
    let out = File::options().create(true).append(true).open(&file).map_err(failed)?;
    let speaker = Patient::new(model.clone(), key, network());
    Ok(Box::new(ModelAdvisor::new(model, Box::new(speaker), most_tokens, Transcript::to(Box::new(out)), &before)))
}

/// Whose interface.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Interface {
    /// Anthropic's Messages API.
    Anthropic,
    /// Chat completions, as OpenAI and local servers have them.
    OpenaiCompatible,
}

/// A model, who speaks for it, and what calls gave where that is known.
type Spoken = (Model, Box<dyn Speaker>, Option<Vec<Value>>);

impl LlmOptions {
    fn budget(&self) -> Budget {
        Budget {
            tokens: self.most_tokens,
            dollars: self.most_dollars,
            dollars_in: self.dollars_in.unwrap_or(0.0),
            dollars_out: self.dollars_out.unwrap_or(0.0),
            simulated_s: self.most_minutes.map(|minutes| minutes * 60.0),
            turns: self.most_turns,
        }
    }

    /// Who answers, under which name, and what calls gave where that is known.
    fn speaker(&self) -> Result<Spoken, Failure> {
        if let Some(file) = &self.transcript {
            let named = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
            let text = std::fs::read_to_string(file).map_err(|e| Failure::Surroundings(named(&e)))?;
            let kept = Transcript::read(&text).map_err(|why| Failure::No(named(&why)))?;
            let speaker = Recorded::new(kept.model.clone(), kept.replies);
            return Ok((kept.model, Box::new(speaker), Some(kept.given)));
        }
        if !self.which.is_named() {
            return Err(Failure::Usage(
                "a model is named by --provider and --model, or its transcript by --transcript".to_string(),
            ));
        }
        let (provider, name, reply_tokens) = self.which.named()?;
        let (model, key) = connect(provider, &name, reply_tokens)?;
        let speaker = Patient::new(model.clone(), key, network());
        Ok((model, Box::new(speaker), None))
    }
}

/// Lets the model play, and tells how it fared.
///
/// # Errors
/// It cannot begin, or it came to no end: then the session stays, and can be gone on with.
pub fn run_llm(options: &LlmOptions, incident: &Incident, scenario: &Scenario, json: bool) -> Result<(), Failure> {
    let (model, mut speaker, given) = options.speaker()?;
    let (text, from) = incident.named();
    // As for everybody who plays: the seed draws the variant where none is named.
    let variant = variant_of(scenario, incident.variant(), incident.seed)?;
    let place = Place { from: from.clone(), profile: Some(PROFILE.to_string()), ..Place::default() };
    let name = format!("llm-{:016x}", unguessable());
    // Without telemetry somebody is another participant than with it.
    let by = if options.alert_text { format!("{}, alert text", model.name) } else { model.name.clone() };
    let beginning = Beginning::of(incident.seed, &variant, &by);
    let open = beginning.named(&name, None).begin(&place, text, false, Marks::default())?;
    let file = options.record.clone().unwrap_or_else(|| open.folder().join(transcript::FILE));
    let out = File::create(&file).map_err(|e| Failure::Surroundings(format!("{}: {e}", file.display())))?;
    let is_played_back = given.is_some();
    let mut transcript = Transcript::to(Box::new(out));
    if let Some(given) = given {
        transcript = transcript.against(given);
    }
    let mut attempt = Attempt::new(open).map_err(|why| Failure::No(why.to_string()))?;
    let caller = Caller::plays(&by);
    let tools = if options.alert_text { Tools::alert_text() } else { Tools::default() };
    eprintln!("session {name} of the profile {PROFILE}; what is said goes to {}", file.display());
    #[expect(clippy::disallowed_methods, reason = "the second of two clocks: how long it took on the wall")]
    let begun = Instant::now();
    let played = play(&mut attempt, &tools, &caller, &model, &options.budget(), speaker.as_mut(), &mut transcript);
    let wall_s = begun.elapsed().as_secs_f64();
    drop(attempt);
    if let Some(why) = transcript.failed() {
        eprintln!("the transcript is not whole: {}: {why}", file.display());
    }
    if is_played_back && 0 < transcript.differing() {
        eprintln!(
            "{} calls gave something else than when this was recorded: another scenario, variant, seed or build",
            transcript.differing()
        );
    }
    told(&place, &name, (&played, wall_s), transcript.differing(), json)
}

/// Lets a model of a study play an incident, in a session of its own below the study's folder, and grades it. Its terms are
/// those of everybody whom the study compares.
///
/// # Errors
/// [`Failure::No`]: it came to no end, which is no result; anything else concerns the whole study.
pub fn play_in_study(
    model: &ModelPlayer,
    cell: &Cell,
    runs: &Runs<'_>,
    scenario: &Scenario,
    (folder, from): (&Path, &Sources),
) -> Result<Outcome, Failure> {
    let (known, key) = connect_player(model)?;
    let place = Place {
        data_dir: Some(folder.join(SESSIONS)),
        profile: Some(PROFILE.to_string()),
        from: from.clone(),
        ..Place::default()
    };
    // By its number, as everybody meets it; a file that is in no catalogue has only its path.
    let is_listed = place.catalogue()?.names().any(|name| name == cell.scenario);
    let text = if is_listed { case(scenario).id } else { cell.scenario.clone() };
    let name = format!("llm-{:016x}", unguessable());
    let beginning = Beginning::compared(cell.seed, &model.name).named(&name, None);
    let open = beginning.begin(&place, &text, false, Marks::default())?;
    let folder = open.folder().to_path_buf();
    let file = folder.join(transcript::FILE);
    let out = File::create(&file).map_err(|e| Failure::Surroundings(format!("{}: {e}", file.display())))?;
    let mut transcript = Transcript::to(Box::new(out));
    let mut attempt = Attempt::new(open).map_err(|why| Failure::No(why.to_string()))?;
    let tools = if model.alert_text { Tools::alert_text() } else { Tools::default() };
    let mut speaker = Patient::new(known.clone(), key, network());
    let (caller, budget) = (Caller::plays(&model.name), model.budget());
    #[expect(clippy::disallowed_methods, reason = "the second of two clocks: how long it took on the wall")]
    let begun = Instant::now();
    let played = play(&mut attempt, &tools, &caller, &known, &budget, &mut speaker, &mut transcript);
    let wall_s = begun.elapsed().as_secs_f64();
    drop(attempt);
    if let Some(why) = no_end(&played) {
        return Err(Failure::No(format!("session {name}: {why}")));
    }
    let mut replayed = place.store()?.replay(&name, &place.catalogue()?, None)?;
    let events: Vec<Event> = std::mem::take(&mut replayed.replies).into_iter().map(|(event, _)| event).collect();
    let (model_of, spent) = crate::cli::study::model(&folder);
    let joined = Joined { live: false, like_others: true, order: 0, model: model_of, spent };
    let outcome = grade_joined(runs, &replayed.session, &events, (&model.name, cell.repeat), joined)?;
    Ok(Outcome { wall_s: Some(wall_s), ..outcome })
}

/// A model of a plan, and its key.
///
/// # Errors
/// As [`connect`].
pub fn connect_player(model: &ModelPlayer) -> Result<(Model, Option<String>), Failure> {
    connect(model.provider().map_err(Failure::Usage)?, &model.model, model.reply_tokens)
}

/// Why there is no result; none: it closed the incident.
fn no_end(played: &Played) -> Option<String> {
    match &played.ending {
        Ending::Closed => None,
        Ending::Silent => Some("it called no more tools".to_string()),
        Ending::Refused => Some("it refused to go on".to_string()),
        Ending::Budget { which } => Some(format!("its {which} were used up")),
        Ending::Provider { why } => Some(why.clone()),
    }
}

fn told(
    place: &Place,
    name: &str,
    (played, wall_s): (&Played, f64),
    differing: usize,
    json: bool,
) -> Result<(), Failure> {
    if let Some(why) = no_end(played) {
        if json {
            print(&json!({ "session": name, "played": played, "differing": differing, "debrief": null }).to_string())?;
        }
        return Err(Failure::No(format!(
            "the model came to no end, which is no result: {why}; the session {name} goes on with `scartissue do {name} --profile {PROFILE}`"
        )));
    }
    let mut replayed = place.store()?.replay(name, &place.catalogue()?, None)?;
    let events: Vec<Event> = std::mem::take(&mut replayed.replies).into_iter().map(|(event, _)| event).collect();
    let debrief = debrief(&replayed.session, &events, &progress::runs)?;
    if json {
        let by = &replayed.header.by;
        let outcome = Outcome { wall_s: Some(wall_s), ..outcome((&replayed.session, &events), by, 0, &debrief) };
        let written = |e: serde_json::Error| Failure::Surroundings(e.to_string());
        let mut told = serde_json::to_value(&outcome).map_err(written)?;
        told["session"] = json!(name);
        told["played"] = json!(played);
        told["differing"] = json!(differing);
        told["debrief"] = serde_json::to_value(&debrief).map_err(written)?;
        return print(&serde_json::to_string_pretty(&told).map_err(written)?);
    }
    if !played.no_tools.is_empty() {
        eprintln!("it called tools that are not there: {}", played.no_tools.join(", "));
    }
    if !played.refused_orders.is_empty() {
        eprintln!("orders that it gave and that were refused: {}", played.refused_orders.join("; "));
    }
    eprintln!(
        "{} replies, {} calls ({} refused), {} tokens in and {} out, {:.2} dollars",
        played.spent.turns,
        played.calls,
        played.refused_calls,
        played.spent.tokens_in,
        played.spent.tokens_out,
        played.spent.dollars
    );
    print(tell::markdown(&debrief).trim_end())
}
