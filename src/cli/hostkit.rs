//! `hostkit`: what a facilitator has in hand for a case. It spoils.

use std::path::PathBuf;

use clap::Args;

use crate::cli::begin::find;
use crate::cli::place::Place;
use crate::cli::{Failure, lines, print, write_file};
use crate::report::hostkit::{Kit, KitError, html, kit};
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::session::seal::dealt;

/// For which world, and in what form.
#[derive(Args)]
pub struct Options {
    /// A case, as in INC-4127
    case: String,
    /// Picks the variant and everything random
    #[arg(long)]
    seed: u64,
    /// The variant; that which the seed draws if none is named
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Write it as one page, for screen and paper
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// The variant of a name, or that which a seed draws.
///
/// # Errors
/// There is none of that name.
pub fn variant_of(scenario: &Scenario, variant: Option<&str>, seed: u64) -> Result<String, Failure> {
    let file = &scenario.file;
    match variant {
        Some(name) => Ok(file.variant(Some(name)).map_err(|e| ScenarioError::Setup(vec![e]))?.name.clone()),
        None => Ok(file.variants[dealt(seed, file.variants.iter().map(|v| v.lots))].name.clone()),
    }
}

/// Makes the kit.
pub fn hostkit(options: &Options) -> Result<(), Failure> {
    let (scenario, _) = find(&options.place, &options.place.catalogue()?, &options.case)?;
    let variant = variant_of(&scenario, options.variant.as_deref(), options.seed)?;
    let kit = kit(&scenario, &variant, options.seed)?;
    if let Some(file) = &options.html {
        write_file(file, &html(&kit))?;
    }
    if options.json {
        return print(&serde_json::to_string_pretty(&kit).map_err(|e| Failure::Surroundings(e.to_string()))?);
    }
    match &options.html {
        Some(file) => {
            eprintln!("{} is for the host alone: it tells what is true", file.display());
            print(&format!("{}\nscartissue play --code {} --host", kit.code, kit.code))
        }
        None => print(text(&kit).trim_end()),
    }
}

/// The kit as text.
fn text(kit: &Kit) -> String {
    let mut text = format!("HOST ONLY: this spoils {}\n{}  code {}\n\n", kit.case, kit.title, kit.code);
    text.push_str(&lines(0, &kit.story));
    text.push_str(&lines(0, &kit.harm));
    text.push_str("\nWhat to expect when\n");
    for line in &kit.expect {
        text.push_str(&format!("  {}  {:>7}  {:<8} {}\n", line.time, line.after, line.kind, line.text));
    }
    text.push_str("\nInjects\n");
    for inject in &kit.injects {
        text.push_str(&format!("  {}  {:>7}  {}: {}\n", inject.time, inject.after, inject.what, inject.why));
        inject.commands.iter().for_each(|command| text.push_str(&format!("      {command}\n")));
    }
    text.push_str("\nFreezes\n");
    for freeze in &kit.freezes {
        text.push_str(&format!("  {}  {:>7}  {}\n", freeze.time, freeze.after, freeze.truth.join("; ")));
        freeze.commands.iter().for_each(|command| text.push_str(&format!("      {command}\n")));
    }
    text.push_str("\nQuestions\n");
    kit.questions.iter().for_each(|question| text.push_str(&lines(2, question)));
    for phase in &kit.phases {
        text.push_str(&format!("\n{}, {} minutes. {}\n", phase.name, phase.minutes, phase.aim));
        phase.prompts.iter().for_each(|prompt| text.push_str(&lines(2, prompt)));
    }
    text
}

impl From<KitError> for Failure {
    fn from(error: KitError) -> Self {
        match error {
            KitError::Code(error) => error.into(),
            KitError::Watch(error) => Failure::No(error.to_string()),
        }
    }
}
