//! What an incident can be: the hypotheses of a scenario, with how often each is the truth behind such a page in the field.

use crate::scenario::file::{CauseSpec, Role, ScenarioFile, VariantSpec};
use crate::scenario::lower::Setup;
use crate::scenario::mechanisms::NO_FAULT;

/// What a hypothesis is called in which nothing is wrong.
pub const HEALTHY: &str = "(nothing wrong)";

/// One thing that an incident can be.
#[derive(Clone, Debug)]
pub struct Hypothesis {
    /// The variant's name, or [`HEALTHY`].
    pub name: String,
    /// The mechanisms at work in it; `no_fault` where nothing is wrong.
    pub mechanisms: Vec<String>,
    /// Those of them that are at the root.
    pub roots: Vec<String>,
    /// How often it is the truth, against the others: a weight above zero.
    pub weight: f64,
    /// Its world.
    pub setup: Setup,
}

impl Hypothesis {
    /// Whether a mechanism is at work in it.
    pub fn holds(&self, mechanism: &str) -> bool {
        self.mechanisms.iter().any(|m| m == mechanism)
    }
}

/// The hypotheses of a scenario: each of its variants, foils included, in the order of the file, and what else it says that
/// such a page can be. Where every one has something wrong, the healthy world comes last; whether it belongs to them is for
/// the page to say.
pub fn hypotheses(file: &ScenarioFile) -> Vec<Hypothesis> {
    let named = file.variants.iter().chain(&file.alternatives);
    let mut all: Vec<Hypothesis> = named.map(|variant| of_variant(file, variant)).collect();
    let fullest = file.variants.iter().max_by_key(|v| (v.decoys.len(), std::cmp::Reverse(v.causes.len())));
    if let Some(variant) = fullest.filter(|_| all.iter().all(|h| !h.holds(NO_FAULT))) {
        all.push(Hypothesis {
            name: HEALTHY.to_string(),
            mechanisms: vec![NO_FAULT.to_string()],
            roots: vec![NO_FAULT.to_string()],
            weight: 1.0,
            setup: Setup { variant: Some(variant.name.clone()), without: variant.causes.clone(), ..Setup::default() },
        });
    }
    all
}

fn of_variant(file: &ScenarioFile, variant: &VariantSpec) -> Hypothesis {
    let causes: Vec<&CauseSpec> = file.causes.iter().filter(|c| variant.causes.contains(&c.id)).collect();
    let named = |of: &mut dyn Iterator<Item = &&CauseSpec>| -> Vec<String> {
        let mut names: Vec<String> = of.map(|c| c.mechanism.clone()).filter(|m| !m.is_empty()).collect();
        names.sort();
        names.dedup();
        names
    };
    let mut mechanisms = named(&mut causes.iter());
    let mut roots = named(&mut causes.iter().filter(|c| c.role == Role::Root));
    if mechanisms.is_empty() {
        mechanisms.push(NO_FAULT.to_string());
    }
    if roots.is_empty() {
        roots.clone_from(&mechanisms);
    }
    Hypothesis {
        name: variant.name.clone(),
        mechanisms,
        roots,
        weight: variant.base_rate.filter(|w| w.is_finite() && 0.0 < *w).unwrap_or(1.0),
        setup: Setup { variant: Some(variant.name.clone()), ..Setup::default() },
    }
}
