//! `scars`: what burnt you and what is fading. `rule`: what you made of it. `progress`: how you get on. `team`: several people.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::audit::{first_tries, told_of};
use crate::cli::place::Place;
use crate::cli::{Failure, lines, print};
use crate::scar::case::offers;
use crate::scar::item::Plain;
use crate::scar::profile::{Profile, ProfileError, SESSIONS};
use crate::scar::progress::progress as progress_of;
use crate::scar::standing::{Standing, standings, weight, wish};
use crate::scar::team::{Person, team as team_of};
use crate::scar::tell;
use crate::scar::trial::{told, trial};
use crate::scenario::check::did_you_mean;

/// Which scars.
#[derive(Args)]
pub struct Options {
    /// One item with its history, as in demand.growth|kv_cache.membership
    item: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Shows.
pub fn scars(options: &Options) -> Result<(), Failure> {
    let now_s = options.place.now_s();
    let profile = options.place.profile()?;
    let (rows, settings) = (profile.rows()?, profile.settings()?);
    let standings = standings(&rows, now_s);
    let trial = trial(&told(&rows, &standings));
    let ungraded = profile.ungraded();
    let scars =
        tell::Scars { standings: &standings, trial: &trial, weights: &settings.weights, now_s, ungraded: &ungraded };
    let wanted = match &options.item {
        None => None,
        Some(item) => Some(standings.get(item).ok_or_else(|| {
            let hint = did_you_mean(item, standings.keys().map(String::as_str));
            Failure::Usage(format!("there is no scar \"{item}\"{hint}; `scartissue scars` lists them"))
        })?),
    };
    if options.json {
        let items: Vec<Value> =
            standings.values().filter(|s| wanted.is_none_or(|w| w == *s)).map(|s| as_json(&scars, s)).collect();
        return print(
            &json!({ "items": items, "trial": trial, "says": trial.says(), "ungraded": ungraded }).to_string(),
        );
    }
    print(
        match wanted {
            None => tell::scars(&scars),
            Some(standing) => tell::card(&scars, standing),
        }
        .trim_end(),
    )
}

fn as_json(scars: &tell::Scars<'_>, standing: &Standing) -> Value {
    let observed = standing.observed();
    let due = standing.due(wish(weight(&standing.item, scars.weights)));
    let shown = standing.is_known() && scars.trial.holds;
    json!({
        "item": standing.item, "is": Plain(&standing.item).to_string(), "look": standing.look(scars.now_s),
        "forecast": standing.forecast(scars.now_s).filter(|_| shown), "model": crate::scar::memory::MODEL,
        "reviews_alone": standing.alone.len(), "thickness_days": standing.state.map(|s| s.stability),
        "observed": { "hits": observed.hits, "of": observed.of, "interval": observed.wilson() },
        "due_s": due.map(|d| d.0), "due_until_s": due.and_then(|d| d.1), "is_due": tell::is_due(scars, standing),
        "rule": standing.rule(), "helped_since": standing.helped_since(), "title": tell::title(standing),
        "alone": standing.alone, "with_ai": standing.with_ai,
    })
}

/// What you made of a session.
#[derive(Args)]
pub struct RuleOptions {
    /// The session
    session: String,
    /// A sentence: what you would ask first next time
    #[arg(required = true, trailing_var_arg = true)]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
}

/// Keeps a rule.
pub fn rule(options: &RuleOptions) -> Result<(), Failure> {
    let folder = options.place.store()?.folder(&options.session);
    options.place.profile()?.keep_rule(&folder, &options.words.join(" "))?;
    print("kept; it is shown when this comes back")
}

/// Which form it has.
#[derive(Args)]
pub struct ProgressOptions {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Shows how somebody gets on.
pub fn progress(options: &ProgressOptions) -> Result<(), Failure> {
    let now_s = options.place.now_s();
    let profile = options.place.profile()?;
    let (rows, settings) = (profile.rows()?, profile.settings()?);
    let standings = standings(&rows, now_s);
    let trial = trial(&told(&rows, &standings));
    let progress = progress_of(&rows, &standings, &settings.weights, now_s);
    let audits = first_tries(&options.place)?;
    if options.json {
        let told = json!({ "progress": progress, "gap": progress.gap.says(), "trial": trial, "audits": audits });
        return print(&told.to_string());
    }
    let told = format!("{}\n{}", tell::progress(&progress, &trial).trim_end(), lines(0, &told_of(&audits)));
    print(told.trim_end())
}

/// Whose records.
#[derive(Args)]
pub struct TeamOptions {
    /// Folders of profiles, one a person
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Shows a team.
pub fn team(options: &TeamOptions) -> Result<(), Failure> {
    let mut people = Vec::new();
    for folder in &options.folders {
        if !folder.join(SESSIONS).is_dir() {
            return Err(Failure::Usage(format!(
                "{} is no profile: it has no folder `{SESSIONS}`; `scartissue profile list` names yours",
                folder.display()
            )));
        }
        let profile = Profile::read(folder)?;
        profile.notes.iter().for_each(|note| eprintln!("{note}"));
        let mut settings = profile.settings()?;
        if settings.name.is_empty() {
            settings.name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        }
        people.push(Person { settings, rows: profile.rows()? });
    }
    let mut mechanisms: Vec<String> =
        offers(&options.place.catalogue()?)?.into_iter().map(|offer| offer.mechanism).collect();
    mechanisms.dedup();
    let team = team_of(people, &mechanisms, options.place.now_s());
    if options.json {
        return print(&json!(team).to_string());
    }
    print(tell::team(&team).trim_end())
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Wrong(why) => Failure::No(why),
            other => Failure::Surroundings(other.to_string()),
        }
    }
}
