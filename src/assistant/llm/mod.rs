//! A model behind an API plays, or sits beside whoever plays: an agent loop over the tools of a run, and one that looks
//! and advises.
//!
//! The loop calls nothing but [`crate::tools::Tools`], so that whatever a log line or a ticket tells the model to do, it can
//! do no more than its session allows. Nothing here reads a clock or a key from the surroundings: whoever plays gives them.

pub mod advisor; // a model beside whoever plays
pub mod budget; // tokens, money, simulated time, turns
pub mod play; // the loop
pub mod provider; // requests and replies, as providers have them
pub mod speaker; // a provider asked with patience, or a transcript played back
pub mod transcript; // everything that was said, line by line

#[cfg(feature = "wire")]
pub mod http; // the network

pub use advisor::ModelAdvisor;
pub use budget::{Budget, Spent};
pub use play::{Ending, Played, play};
pub use provider::{Model, Offer, Provider};
pub use speaker::{Asked, Line, Lost, Patient, Recorded, Reply, Speaker, Stopped};
pub use transcript::Transcript;
