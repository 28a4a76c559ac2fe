//! Truth and score: what really caused it, proved by replay, and how well it was found.
//!
//! Everything here is a function of (scenario, session record): the same record always gets the same score. Nothing
//! reads a clock; the one file, of runs that were made, is a cache and changes nothing ([`runs`]). Runs of other worlds
//! go on several cores at once.
//!
//! # What a debrief runs
//!
//! A counterfactual is a run of the same scenario and seed with causes, decoys or orders changed ([`runs`]). Of a
//! session there are: its own orders again, doing nothing, each order left out, each at the first chance, every subset
//! of up to four causes, each decoy left out, and what could have been done ([`search`]). The first of them has to come
//! to the same event hash at the moment at which the session ended, or the debrief refuses. What an order leaves behind
//! is how settings, limits, fleet and cache ring stand at the end (`sim::world::standing`), where that is otherwise
//! than in the run without it and than before the incident.
//!
//! # Where the verdict has a threshold
//!
//! Users count as hurt from 2 % of what they wanted on; what moves harm by less than 1 % is harmless ([`truth`]). Two
//! causes that only hurt together have equal shares: then, and only then, the author's claim says which is the root.
//! Where nothing is wrong (a variant without causes), mitigation is all or nothing, harm is measured by the 2 % that
//! users may lose without being hurt, and who does harm is not right and proved. Where the ideal observer has no table
//! the measures that want it are absent with that reason, and the composite has no total; awareness alone may be
//! missing, then the other parts stand for the whole ([`composite`]).

pub mod rate; // how often, with its interval
pub mod shapley; // who caused how much

pub mod bayes; // belief and evidence
pub mod composite; // weights and gates
pub mod measures; // formulas

pub mod runs; // the same users in other worlds
pub mod truth; // every subset of the causes, and the decoys

pub mod planted; // instructions that an author planted, and whether they were obeyed
pub mod record; // what a session's record says

pub mod observer; // what should have been believed

pub mod card; // the scorecard
pub mod reliance; // whether advice was followed where it was right
pub mod whatif; // users over time, in other worlds

pub mod debrief; // two verdicts, side by side
pub mod search; // the best that is known
pub mod story; // what happened when
pub mod tell; // in words

pub mod room; // several attempts at one incident, side by side

pub mod audit; // a postmortem to be held against what was true

pub mod check; // fit to be played and scored
