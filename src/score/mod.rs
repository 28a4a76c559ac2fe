//! Truth and score: what really caused it, proved by replay, and how well it was found.
//!
//! Everything here is a function of (scenario, session record): the same record always gets the same score. Nothing reads a
//! clock or a file; runs of other worlds go on several cores at once.

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
