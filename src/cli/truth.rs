//! `truth`: what truly causes an incident, by runs with every subset of its causes.

use clap::Args;

use crate::cli::{Failure, lines, open, print, progress};
use crate::score::runs::Runs;
use crate::score::shapley::GameError;
use crate::score::truth::{Truth, TruthError, prove};

/// Which incident, over how many seeds.
#[derive(Args)]
pub struct Options {
    /// Name of a scenario, or path of a .ron file
    scenario: String,
    /// The seed whose harms and shares are shown
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// Variant; the first if none is named
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Count necessity and sufficiency over so many seeds from the first on
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Directory with scenarios of your own, beside those built in
    #[arg(long, value_name = "DIR")]
    scenarios: Option<std::path::PathBuf>,
}

/// Proves and prints.
pub fn truth(options: &Options) -> Result<(), Failure> {
    let scenario = open(&options.scenario, options.scenarios.as_deref())?;
    let runs = Runs::new(&scenario);
    let truth = prove(&runs, options.variant.as_deref(), options.seed, options.seeds, &progress::runs)?;
    if options.json {
        return print(&serde_json::to_string_pretty(&truth).map_err(|e| Failure::Surroundings(e.to_string()))?);
    }
    print(text(&truth).trim_end())
}

fn text(truth: &Truth) -> String {
    let mut text = format!("{} / {}, seed {}\n\n", truth.scenario, truth.variant, truth.seed);
    text.push_str(&lines(0, &sentence(truth)));
    text.push_str("\nuser-minutes lost  with\n");
    for (name, harm) in &truth.harm {
        let with = if name.is_empty() { "no cause" } else { name };
        text.push_str(&format!("{harm:>17.0}  {}\n", with.replace('+', " + ")));
    }
    if !truth.causes.is_empty() {
        let title = ["share", "needed", "alone enough", "role"];
        text.push_str(&format!("\n{:>6}  {:<18}  {:<18}  {:<12}  cause\n", title[0], title[1], title[2], title[3]));
    }
    for cause in &truth.causes {
        let rate = |value: Option<f64>, (low, high): (f64, f64)| {
            value.map_or("cannot be told".to_string(), |v| {
                format!("{:.0} % ({:.0} to {:.0})", v * 100.0, low * 100.0, high * 100.0)
            })
        };
        text.push_str(&format!(
            "{:>4.0} %  {:<18}  {:<18}  {:<12}  {}\n",
            cause.share * 100.0,
            rate(cause.pn, cause.pn_interval),
            rate(cause.ps, cause.ps_interval),
            cause.role.word(),
            cause.id
        ));
        text.push_str(&lines(4, &format!("{} ({})", cause.says, cause.mechanism)));
    }
    if !truth.causes.is_empty() {
        let says = "needed: how often nobody is hurt any more without it; alone enough: how often somebody is hurt by it alone; \
                    a cause can have a share of the harm and be neither";
        text.push_str(&format!("\n{}", lines(0, says)));
    }
    if !truth.decoys.is_empty() {
        text.push_str("\nuser-minutes lost by it  decoy\n");
    }
    for decoy in &truth.decoys {
        let effect = if decoy.harmless { "harmless" } else { "NOT HARMLESS" };
        text.push_str(&format!("{:>23.0}  {} ({effect})\n", decoy.effect, decoy.id));
        text.push_str(&lines(4, &decoy.says));
    }
    text
}

/// What it comes to.
fn sentence(truth: &Truth) -> String {
    let seeds = match truth.seeds.len() {
        1 => "one seed".to_string(),
        n => format!("{n} seeds"),
    };
    if !truth.hurt {
        return format!("Nothing was wrong: users lost {:.0} of {:.0} user-minutes.", lost(truth), truth.at_stake);
    }
    let roots: Vec<String> = truth.dominant().iter().map(|c| format!("{} ({})", c.id, c.says)).collect();
    format!(
        "Users lost {:.0} of {:.0} user-minutes. It was {}. Needed and alone enough are counted over {seeds}, with intervals of 95 %.",
        lost(truth),
        truth.at_stake,
        roots.join(" and ")
    )
}

fn lost(truth: &Truth) -> f64 {
    truth.harm.last().map_or(0.0, |(_, harm)| *harm)
}

impl From<TruthError> for Failure {
    fn from(error: TruthError) -> Self {
        match error {
            TruthError::Scenario(error) => error.into(),
            TruthError::Game(GameError::Value(_)) => Failure::No(error.to_string()),
            TruthError::Game(GameError::Size(_)) => Failure::Usage(error.to_string()),
        }
    }
}
