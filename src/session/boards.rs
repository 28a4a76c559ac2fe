//! Boards that stand open: live for a minute after they were paid for, then grey with their age until they are looked at
//! again. What stood on one counts as seen.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::session::command::Look;
use crate::session::look::{Observation, boards};
use crate::session::play::Session;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::calendar::span;

/// A board goes on for so long after it was answered.
pub const LIVE: SimDuration = SimDuration::from_secs(60);
/// So many stand open; another closes the oldest.
pub const MOST_OPEN: usize = 2;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open {
    board: String,
    window_s: u32,
    observation: u32,
    at: SimTime,
}

/// The boards that stand open, the oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OpenBoards(Vec<Open>);

/// A board that stands open, as it is seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenBoard {
    /// Which.
    pub board: String,
    /// Seconds that it shows.
    pub window_s: u32,
    /// The look that opened it.
    pub observation: u32,
    /// Seconds since what stands on it was so: 0 while it is live.
    pub age_s: f64,
}

impl OpenBoards {
    /// A look was answered; if it was at a board, that stands open.
    pub fn opened(&mut self, observation: &Observation) {
        let Look::Board { board, window_s } = &observation.look else { return };
        self.0.retain(|open| open.board != *board);
        let (observation, at) = (observation.number, observation.at);
        self.0.push(Open { board: board.clone(), window_s: *window_s, observation, at });
        let surplus = self.0.len().saturating_sub(MOST_OPEN);
        self.0.drain(..surplus);
    }

    /// Time has passed: what came onto live boards was seen.
    pub fn see(&self, now: SimTime, observations: &mut [Observation]) {
        for open in &self.0 {
            let found = observations.get_mut(open.observation as usize - 1).and_then(|o| o.answer.as_mut());
            if let Some(answer) = found {
                answer.seen.to = answer.seen.to.max(now.min(open.at + LIVE));
            }
        }
    }
}

impl Session {
    /// The boards that stand open, the oldest first.
    pub fn open_boards(&self) -> Vec<OpenBoard> {
        let now = self.now();
        let shown = |open: &Open| OpenBoard {
            board: open.board.clone(),
            window_s: open.window_s,
            observation: open.observation,
            age_s: now.since((open.at + LIVE).min(now)).as_secs_f64(),
        };
        self.boards.0.iter().map(shown).collect()
    }

    /// What stands on an open board, free of charge: as it is now while it is live, then as it last was, with its age.
    ///
    /// # Errors
    /// No such board is open.
    pub fn glance(&mut self, board: &str) -> Result<(String, Value), String> {
        let open = self.boards.0.iter().find(|open| open.board == board).cloned();
        let open = open.ok_or_else(|| match self.boards.0.as_slice() {
            [] => format!("no board is open: `board {board}` opens one, at its price"),
            open => {
                let names: Vec<&str> = open.iter().map(|open| open.board.as_str()).collect();
                format!("\"{board}\" is not open; there are: {}", names.join(", "))
            }
        })?;
        let now = self.now();
        let to = now.min(open.at + LIVE);
        let answer = boards::answer_at(&mut self.watch, &open.board, open.window_s, to)?;
        let age = now.since(to);
        if age == SimDuration::ZERO {
            return Ok((answer.text, answer.data));
        }
        let text = format!("(grey: {} old; `board {}` looks again)\n{}", span(age), open.board, answer.text);
        Ok((text, answer.data))
    }
}
