//! Players that are not people: each is one program for every case, sees the view and the answers to its own commands,
//! and nothing else.
//!
//! A player is a function of a [`hand::Hand`], which takes commands and gives answers and the view; the session's seal
//! and scenario cannot be reached through it. The observer as a player ([`ideal`]) is the one that holds more than a
//! hand gives: its tables, and a reading of its world of which it takes only the cells that its looks have shown, by
//! the rule that judges people's citations.
//!
//! # Beside whoever plays
//!
//! An [`advisor::Advisor`] answers where whoever plays asks for advice. Who it is, is settled when a session is begun
//! ([`beside`]) and carried by the open session, so that console, `do` and window need not know: the scripted one, a
//! recording, a model, or whoever has the seat. Looks that an assistant is sent on (`ask-look`) are ordinary looks.

pub mod hand; // a hand on a session: commands in, answers out
pub mod signs; // boards read as numbers: what moved, how far, since when

pub mod advisor; // beside whoever plays: right on a stated share of seeds, fluent on all

pub mod llm; // a model behind an API, over the tools of a run; or beside whoever plays

pub mod beside; // who sits beside whoever plays

pub mod careful; // holds every reading against all that it knows
pub mod correlator; // what moved most with the symptom, fluently
pub mod ideal; // looks by information per cost, from an observer's tables
pub mod reflex; // players that hardly look

use crate::assistant::hand::Hand;
use crate::scenario::check::did_you_mean;
use crate::session::Refusal;

/// A player that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// What it is called.
    pub name: &'static str,
    /// What it does, in a line.
    pub says: &'static str,
    /// Its program.
    pub play: fn(&mut Hand<'_>) -> Result<(), Refusal>,
}

/// All of them.
pub const BUILT_IN: [BuiltIn; 8] = [
    BuiltIn {
        name: "correlator",
        says: "reads every board at once and blames what moved most with the symptom",
        play: correlator::play,
    },
    BuiltIn { name: "good-sre", says: "asks what each cause would show, and acts on what fits", play: careful::play },
    BuiltIn {
        name: "last-deploy",
        says: "blames the last change before the page and undoes it",
        play: reflex::last_deploy,
    },
    BuiltIn { name: "alert-text", says: "reads the page and nothing else", play: reflex::alert_text },
    BuiltIn { name: "always-capacity", says: "adds servers", play: reflex::always_capacity },
    BuiltIn { name: "always-cache", says: "blames the cache and flushes it", play: reflex::always_cache },
    BuiltIn { name: "random", says: "blames any mechanism, all alike", play: reflex::random },
    BuiltIn { name: "do-nothing", says: "acknowledges and waits", play: reflex::do_nothing },
];

/// One more, which plays only scenarios for which an observer was built.
pub const OBSERVER: BuiltIn = BuiltIn {
    name: "observer",
    says: "looks where most is to be learnt for its price, by the tables of the ideal observer",
    play: ideal::play,
};

/// The built-in player of a name.
///
/// # Errors
/// There is none; the message names the nearest.
pub fn find(name: &str) -> Result<&'static BuiltIn, String> {
    BUILT_IN.iter().chain([&OBSERVER]).find(|player| player.name == name).ok_or_else(|| {
        let names: Vec<&str> = BUILT_IN.iter().chain([&OBSERVER]).map(|player| player.name).collect();
        let hint = did_you_mean(name, names.iter().copied());
        format!(
            "no participant is called \"{name}\"{hint}; there are: {}, and for `run` llm, a model behind an API",
            names.join(", ")
        )
    })
}
