//! Who users are: accounts in cohorts, each with traits that are a pure function of its number.

use serde::Serialize;

use crate::sim::ids::AccountId;
use crate::sim::rng::{Purpose, draw, mix};
use crate::sim::workload::spec::{CohortSpec, LanguageSpec, Tier, WorkloadSpec};

/// Skew of activity within a cohort: the share of the most active tenth is 1 - (1 - 0.1)^... of uniform^3, about half.
const ACTIVITY_SKEW: i32 = 3;

/// The language of accounts of which nothing else is said.
pub const ENGLISH: &str = "en";

/// An account, as the accounts table has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Its cohort's number.
    pub cohort: u16,
    /// What it pays for.
    pub tier: Tier,
    /// Days before the opening at which it was created.
    pub created_days_before: f64,
    /// How it pays.
    pub payment: String,
    /// A fingerprint of the device that it uses.
    pub device: u64,
    /// Code of the language in which it writes.
    pub language: String,
}

/// All accounts.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    cohorts: Vec<CohortSpec>,
    first: Vec<u32>,
    seed: u64,
}

impl Accounts {
    /// The accounts of a workload.
    pub fn new(spec: &WorkloadSpec, seed: u64) -> Self {
        let mut next = 0u32;
        let first = (spec.cohorts.iter())
            .map(|cohort| {
                let first = next;
                next = next.saturating_add(cohort.accounts);
                first
            })
            .collect();
        Accounts { cohorts: spec.cohorts.clone(), first, seed }
    }

    /// The cohorts, in order of their numbers.
    pub fn cohorts(&self) -> &[CohortSpec] {
        &self.cohorts
    }

    /// How many accounts there are.
    pub fn len(&self) -> u32 {
        self.cohorts.iter().map(|c| c.accounts).fold(0, u32::saturating_add)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The account of a number, if there is one.
    pub fn account(&self, id: AccountId) -> Option<Account> {
        let cohort = self.first.partition_point(|first| *first <= id.0).checked_sub(1)?;
        let spec = &self.cohorts[cohort];
        let place = id.0 - self.first[cohort];
        if spec.accounts <= place {
            return None;
        }
        let when = draw(self.seed, u64::from(id.0), Purpose::AccountTraits, 0);
        let device = match spec.shared_devices {
            0 => mix(u64::from(id.0), 0xde71ce),
            shared => mix(u64::from(place % shared), 0xde71ce ^ cohort as u64),
        };
        Some(Account {
            id,
            cohort: cohort as u16,
            tier: spec.tier,
            created_days_before: spec.created_from_days + (spec.created_to_days - spec.created_from_days) * when,
            payment: spec.payment.clone(),
            device,
            language: self.language_of(id, cohort).map_or(ENGLISH, |language| language.code.as_str()).to_string(),
        })
    }

    /// The language of an account of a cohort; none: English.
    pub fn language_of(&self, id: AccountId, cohort: usize) -> Option<&LanguageSpec> {
        let languages = &self.cohorts[cohort].languages;
        languages.get(self.language_place(id, cohort))
    }

    /// The place of an account's language in its cohort's list.
    pub fn language_place(&self, id: AccountId, cohort: usize) -> usize {
        let languages = &self.cohorts[cohort].languages;
        if languages.len() < 2 {
            return 0;
        }
        let total: f64 = languages.iter().map(|language| language.share).sum();
        let mut left = draw(self.seed, u64::from(id.0), Purpose::AccountTraits, 1) * total;
        let chosen = languages.iter().position(|language| {
            left -= language.share;
            left < 0.0
        });
        chosen.unwrap_or(languages.len() - 1)
    }

    /// The account of a cohort that sends the run of this identity: some send much more than others.
    pub fn sender(&self, cohort: u16, run: u64, seed: u64) -> AccountId {
        let cohort = usize::from(cohort);
        let uniform = draw(seed, run, Purpose::Account, 0);
        let accounts = self.cohorts[cohort].accounts;
        let count = self.cohorts[cohort].active.map_or(accounts, |active| active.min(accounts));
        let place = (uniform.powi(ACTIVITY_SKEW) * f64::from(count)) as u32;
        AccountId(self.first[cohort] + place.min(count - 1))
    }
}
