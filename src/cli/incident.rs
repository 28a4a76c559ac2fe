//! Which incident a command is about: a scenario, its variant and seed, and what is changed in it.

use clap::Args;

use crate::cli::begin::find;
use crate::cli::place::{Place, Sources};
use crate::cli::{Failure, open};
use crate::scenario::apply::parse_timed;
use crate::scenario::lower::Setup;
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::session::case::number;
use crate::sim::spec::action::Action;
use crate::sim::time::SimDuration;

/// What to run.
#[derive(Args)]
pub struct Incident {
    /// Name of a scenario, path of a .ron file, or a case as in INC-4127
    scenario: String,
    /// Picks everything random
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Variant; the first if none is named, or with a participant the one that the seed draws
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Take a cause or decoy away; may be given again
    #[arg(long, value_name = "ID")]
    without: Vec<String>,
    /// Let an operator act, as NAME[:TARGET][=VALUE]@TIME after the opening; may be given again
    #[arg(long, value_name = "ACTION")]
    apply: Vec<String>,
    #[command(flatten)]
    from: Sources,
}

/// What only a program that plays asks for.
#[cfg(feature = "wire")]
impl Incident {
    /// The scenario as it was named, and where others come from.
    pub fn named(&self) -> (&str, &Sources) {
        (&self.scenario, &self.from)
    }

    /// The variant, if one was named.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }
}

impl Incident {
    /// The scenario, and the set-up that was asked for.
    ///
    /// # Errors
    /// There is no such scenario, it has mistakes, or an action does not fit it.
    pub fn open(&self) -> Result<(Scenario, Setup), Failure> {
        let scenario = match self.from.pack.is_some() || number(&self.scenario).is_some() {
            // A case of a pack has a number, and a name that only its author knows.
            true => {
                let place = Place { from: self.from.clone(), ..Place::default() };
                find(&place, &place.catalogue()?, &self.scenario)?.0
            }
            false => open(&self.scenario, self.from.scenarios.as_deref())?,
        };
        let actions = actions(&scenario, &self.apply)?;
        let setup = Setup { variant: self.variant.clone(), without: self.without.clone(), actions };
        Ok((scenario, setup))
    }
}

/// Reads the actions and asks whether they fit the scenario; all that is wrong with any of them is told at once.
fn actions(scenario: &Scenario, texts: &[String]) -> Result<Vec<(SimDuration, Action)>, ScenarioError> {
    let mut actions = Vec::new();
    let mut wrong = Vec::new();
    for text in texts {
        match parse_timed(text) {
            Ok((at, action)) => {
                wrong.extend(scenario.file.order_mistakes(at, &action, text));
                actions.push((at, action));
            }
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() { Ok(actions) } else { Err(ScenarioError::Setup(wrong)) }
}
