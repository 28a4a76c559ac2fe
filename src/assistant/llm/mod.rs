//! A model behind an API plays, or sits beside whoever plays: an agent loop over the tools of a run, and one that looks
//! and advises.
//!
//! The loop calls nothing but [`crate::tools::Tools`], so that whatever a log line or a ticket tells the model to do,
//! it can do no more than its session allows. Nothing here reads a clock or a key from the surroundings: whoever plays
//! gives them.
//!
//! A [`provider`] is a pair of functions, a request from the conversation and a turn from a reply. A [`Line`] posts and
//! sleeps, so that tests stand in for network and clock; a [`Speaker`] is a patient provider or a transcript. What ends
//! without an answer is told from a wrong answer by its type ([`Ending`]).
//!
//! `ureq` carries HTTP and TLS: the loop waits for one answer at a time, and a runtime would only add to what has to be
//! understood.

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
