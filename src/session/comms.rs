//! What is said: acknowledgement, severity, updates and their promises, other teams, the channel.

use serde::Serialize;

use crate::session::command::Update;
use crate::sim::time::{SimDuration, SimTime};

/// A page that nobody acknowledges goes to the secondary after so long.
pub const SECONDARY_AFTER: SimDuration = SimDuration::from_secs(300);
/// Teams that can be woken.
pub const TEAMS: &[&str] =
    &["gateway", "auth", "serving", "kv-cache", "network", "accelerators", "sdk", "trust-and-safety", "support"];

/// Communication so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comms {
    /// The page was acknowledged.
    #[serde(skip)]
    pub acknowledged: Option<SimTime>,
    /// 1 (worst) to 4.
    pub severity: Option<u8>,
    /// Updates, with their moments.
    #[serde(skip)]
    pub updates: Vec<(SimTime, Update)>,
    /// The next update was promised for this moment.
    #[serde(skip)]
    pub next_due: Option<SimTime>,
    /// Teams that were woken, with the moments.
    #[serde(skip)]
    pub teams: Vec<(SimTime, String)>,
    /// The channel.
    pub channel: Vec<Line>,
}

/// A line in the channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// When.
    #[serde(skip)]
    pub at: SimTime,
    /// Who.
    pub from: String,
    /// What.
    pub text: String,
}

impl Comms {
    /// Adds a line to the channel, in order of time.
    pub fn line(&mut self, at: SimTime, from: &str, text: &str) {
        let place = self.channel.partition_point(|l| l.at <= at);
        self.channel.insert(place, Line { at, from: from.to_string(), text: written(text, usize::MAX) });
    }

    /// Takes an update and its promise.
    ///
    /// # Errors
    /// A share that is none, or no promise.
    pub fn update(&mut self, at: SimTime, update: &Update) -> Result<(), String> {
        if !(0.0..=100.0).contains(&update.impact_percent) {
            return Err(format!("{} is no share of users: 0 to 100 per cent", update.impact_percent));
        }
        if 100 < update.percent {
            return Err(format!("{} per cent sure is too much: 0 to 100", update.percent));
        }
        if !(0.0..=240.0).contains(&update.next_minutes) {
            return Err("when is the next update? in 0 (none) to 240 minutes".to_string());
        }
        self.next_due =
            (0.0 < update.next_minutes).then(|| at + SimDuration::from_secs_f64(update.next_minutes * 60.0));
        self.updates.push((at, update.clone()));
        Ok(())
    }
}
/// Text that somebody wrote, so much of it at most, as it may be shown on any terminal: without what controls one, or turns
/// the direction of what follows.
pub(super) fn written(text: &str, most: usize) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !turns(*c) && (!c.is_control() || *c == '\n')).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_controls_no_terminal() {
        let text = "\u{1b}[31mred\u{1b}[0m\u{202e}evil\r\nsecond line\u{7}";
        assert_eq!(written(text, 100), "[31mred[0mevil\nsecond line");
        assert_eq!(written(text, 4), "[31m");
    }
}
