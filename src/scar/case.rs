//! What a variant of a case puts to the test, by its author's claim: for choosing what to practise, before anything is
//! proved.

use crate::scar::item::pair;
use crate::scar::rating::Test;
use crate::scenario::catalogue::Catalogue;
use crate::scenario::file::{Role, ScenarioFile, VariantSpec};
use crate::scenario::mechanisms::NO_FAULT;
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::truth::tempting;

/// The mechanisms that weigh most in a variant, by the author's claim.
pub fn claimed(file: &ScenarioFile, variant: &VariantSpec) -> Vec<String> {
    let causes = || file.causes.iter().filter(|c| variant.causes.contains(&c.id) && !c.mechanism.is_empty());
    let mut found: Vec<String> = causes().filter(|c| c.role == Role::Root).map(|c| c.mechanism.clone()).collect();
    if found.is_empty() {
        found = causes().take(1).map(|c| c.mechanism.clone()).collect();
    }
    if found.is_empty() {
        found.push(NO_FAULT.to_string());
    }
    found.dedup();
    found
}

/// What a variant of a scenario puts to the test.
pub fn test(scenario: &Scenario, variant: &str) -> Test {
    let file = &*scenario.file;
    let Some(here) = file.variants.iter().find(|v| v.name == variant) else { return Test::default() };
    let own = claimed(file, here);
    let mut twins: Vec<String> = Vec::new();
    for other in file.variants.iter().filter(|v| v.foil != here.foil) {
        for mechanism in claimed(file, other) {
            if !twins.contains(&mechanism) && !own.contains(&mechanism) {
                twins.push(mechanism);
            }
        }
    }
    let mut others = tempting(scenario, variant);
    others.retain(|m| !twins.contains(m) && !own.contains(m));
    Test { twins, others, wanted: None }
}

/// A variant that can be practised on.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The scenario.
    pub scenario: String,
    /// The case, as in `INC-4127`.
    pub case: String,
    /// The variant.
    pub variant: String,
    /// Whether what usually only tempts is true in it.
    pub foil: bool,
    /// What weighs most in it.
    pub mechanism: String,
    /// The pairs that it trains, else its pattern.
    pub items: Vec<String>,
    /// From 1 to 5.
    pub difficulty: u8,
    /// Its length.
    pub minutes: u32,
    /// How many lots it has among the variants of its scenario.
    pub lots: u32,
}

/// Everything in a catalogue that can be practised on, in the order of its files.
///
/// # Errors
/// A scenario cannot be read.
pub fn offers(catalogue: &Catalogue) -> Result<Vec<Offer>, ScenarioError> {
    let mut found = Vec::new();
    for name in catalogue.names().map(str::to_string).collect::<Vec<_>>() {
        let scenario = Scenario::open(catalogue, &name)?;
        for variant in &scenario.file.variants {
            found.push(offer(&scenario, variant));
        }
    }
    Ok(found)
}

fn offer(scenario: &Scenario, variant: &VariantSpec) -> Offer {
    let file = &*scenario.file;
    let mechanism = claimed(file, variant).swap_remove(0);
    let twins = test(scenario, &variant.name).twins;
    let mut items: Vec<String> = twins.iter().map(|twin| pair(&mechanism, twin)).collect();
    items.push(mechanism.clone());
    Offer {
        scenario: scenario.name.clone(),
        case: format!("INC-{}", file.case),
        variant: variant.name.clone(),
        foil: variant.foil,
        mechanism,
        items,
        difficulty: file.difficulty,
        minutes: (file.length_s.as_secs_f64() / 60.0) as u32,
        lots: variant.lots,
    }
}
