//! Advice: what an assistant tells whoever plays, when it may, and what became of it.
//!
//! Who plays says `advise`; the driver (`assistant::advisor::apply`) has an [`Advisor`] answer. The answer enters the
//! log whole, as an event of the assistant's seat, so that a replay needs nobody who gave it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::scenario::mechanisms;
use crate::session::clock::{Mode, Seat};
use crate::session::command::{Command, Look, Speaks};
use crate::session::comms::written;
use crate::session::facts::{self, Reads, Source, Stated};
use crate::session::look;
use crate::session::play::Session;
use crate::session::prices;
use crate::sim::time::SimTime;

/// The version of the form.
pub const VERSION: u32 = 1;
/// Texts are cut off after so many characters.
const MOST_TEXT: usize = 2000;
/// One piece of advice cites no more than so many.
const MOST_CITATIONS: usize = 8;

/// How an assistant is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asking {
    /// What is it?
    #[default]
    Plain,
    /// Are you sure?
    Sure,
    /// This pin speaks against you.
    Against {
        /// The pin's observation.
        observation: u32,
    },
}

/// What an assistant says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Version of the form.
    pub v: u32,
    /// The claim, in words.
    pub claim: String,
    /// The mechanism that it claims.
    pub mechanism: String,
    /// How sure it says it is, in per cent.
    pub percent: u8,
    /// What it shows for it.
    pub citations: Vec<Citation>,
    /// What would refute it.
    pub refute: String,
}

/// What advice shows for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The look that shows it: whoever plays can make it.
    pub look: Look,
    /// The panel or part of the answer that is meant.
    pub shows: String,
    /// What it says there.
    pub says: String,
    /// The same as numbers of a line, where it speaks of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Reads>,
}

/// Somebody who can be asked for advice.
pub trait Advisor: Send {
    /// What it says to what was asked; none: it answers later, from the assistant's seat. It may look around in the
    /// session, and changes nothing in it.
    ///
    /// # Errors
    /// It has nothing to say, and why.
    fn advise(&mut self, session: &mut Session, asking: Asking) -> Result<Option<Advice>, String>;

    /// What it is called in the log.
    fn name(&self) -> String;
}

/// Advice that was given, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// When.
    #[serde(skip)]
    pub at: SimTime,
    /// What was asked.
    pub asking: Asking,
    /// What was said.
    pub advice: Advice,
    /// Citations that were opened, from 1.
    pub opened: BTreeSet<u32>,
    /// Whether it was taken; none: nothing was said of it.
    pub taken: Option<bool>,
}

/// What passed between whoever plays and the assistant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Advising {
    asked: Option<Asking>,
    given: Vec<Given>,
    /// What was stated, held against what there was to see; filled in by replays alone.
    #[serde(skip)]
    stated: Vec<Stated>,
}

impl Advising {
    /// What was asked and has not been answered.
    pub fn asked(&self) -> Option<Asking> {
        self.asked
    }

    /// What was said, in order.
    pub fn given(&self) -> &[Given] {
        &self.given
    }

    /// What was stated so far, each with whether it was so; empty but in a replay with answers.
    pub fn stated(&self) -> &[Stated] {
        &self.stated
    }

    pub(super) fn note(&mut self, stated: impl IntoIterator<Item = Stated>) {
        self.stated.extend(stated);
    }

    /// A citation of the last advice was opened.
    pub(super) fn verified(&mut self, citation: u32) {
        if let Some(last) = self.given.last_mut() {
            last.opened.insert(citation);
        }
    }
}

impl Citation {
    /// An answer to its look with what it cites before everything else: of a board the panel that it speaks of.
    pub(super) fn first(&self, answer: &str) -> String {
        let head = format!("cited: {}: {}", self.shows, self.says);
        let mut blocks: Vec<&str> = answer.split("\n\n").collect();
        let is_cited = |block: &&str| block.lines().next().is_some_and(|title| title.starts_with(&self.shows));
        let Some(place) = blocks.iter().skip(1).position(is_cited).map(|place| place + 1) else {
            return format!("{head}\n\n{answer}");
        };
        let panel = blocks.remove(place);
        let title = blocks.remove(0);
        let rest = if blocks.is_empty() { String::new() } else { format!("\n\nbeside it:\n\n{}", blocks.join("\n\n")) };
        format!("{title}\n\n{head}\n\n{panel}{rest}")
    }
}

impl Session {
    /// What passed between whoever plays and the assistant.
    pub fn advising(&self) -> &Advising {
        &self.advising
    }

    /// Whether an assistant may help now.
    ///
    /// # Errors
    /// Why not, and what would change that.
    pub fn may_help(&self) -> Result<(), String> {
        match self.terms.mode {
            Mode::A0 => Err("this session is played alone: one begun with `--mode A2` or `A3` has an assistant"),
            Mode::A1 => Err("this session has hints and no assistant: one begun with `--mode A2` or `A3` has one"),
            Mode::A2 if self.board.commits.is_empty() => {
                Err("the assistant waits for your first commit: `commit MECHANISM 50|70|90 E7` says what you think")
            }
            Mode::A2 | Mode::A3 => Ok(()),
        }
        .map_err(str::to_string)
    }

    /// Whether a command that needs an assistant, or is one's, makes sense now.
    pub(super) fn check_help(&self, seat: Seat, command: &Command) -> Result<(), String> {
        // What an assistant looks at stands among the looks of everybody, and what it says in the channel.
        let says = seat == Seat::Assistant && matches!(command, Command::Say { .. } | Command::Look(_));
        let helps = matches!(
            command,
            Command::Advise { .. }
                | Command::Advice(_)
                | Command::Verify { .. }
                | Command::Adopt
                | Command::Reject
                | Command::Look(Look::Delegated { .. })
        );
        if helps || says { self.may_help() } else { Ok(()) }
    }

    /// Notes what is asked.
    pub(super) fn ask_advice(&mut self, asking: &Asking) -> Result<String, String> {
        let last = self.advising.given.last().map(|given| given.advice.mechanism.as_str());
        match (asking, last) {
            (Asking::Plain, _) => {}
            (_, None) => return Err("nothing has been advised yet: `advise` asks for it".to_string()),
            (Asking::Sure, Some(_)) => {}
            (Asking::Against { observation }, Some(mechanism)) => {
                let pin = self.board.pins.iter().find(|pin| pin.observation == *observation);
                let against = pin.and_then(|pin| pin.links.get(mechanism)) == Some(&Speaks::Against);
                if !against {
                    return Err(format!(
                        "E{observation} does not speak against {mechanism} on your board: `pin E{observation} WHY`, then \
                         `link E{observation} against {mechanism}`"
                    ));
                }
            }
        }
        // What was asked before and never answered was paid for.
        if self.advising.asked.is_none() && !self.is_free() {
            self.charge(prices::ADVICE);
        }
        self.advising.asked = Some(*asking);
        Ok("the assistant was asked".to_string())
    }

    /// Whether advice can be given as it stands.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_advice(&mut self, advice: &Advice) -> Result<(), String> {
        mechanisms::find(&advice.mechanism)?;
        if VERSION < advice.v {
            return Err(format!("this advice has version {}, and this program reads {VERSION}", advice.v));
        }
        if 100 < advice.percent {
            return Err(format!("{} per cent is more than sure: 0 to 100", advice.percent));
        }
        if advice.citations.is_empty() || MOST_CITATIONS < advice.citations.len() {
            return Err(format!("advice cites one look at least and {MOST_CITATIONS} at most"));
        }
        for citation in &advice.citations {
            if matches!(citation.look, Look::Ask { .. } | Look::Delegated { .. } | Look::Prometheus(_)) {
                return Err(
                    "advice cites boards, queries, rows, logs, traces, changes, alerts and documents".to_string()
                );
            }
            look::check(&mut self.watch, &citation.look)?;
        }
        Ok(())
    }

    /// Takes what an assistant says.
    pub(super) fn take_advice(&mut self, advice: &Advice) -> Result<(String, Value, Option<u32>), String> {
        self.check_advice(advice)?;
        let asking =
            self.advising.asked.take().ok_or("nobody has asked: advice is given when whoever plays says `advise`")?;
        let cut = |text: &str| written(text, MOST_TEXT);
        let citation = |c: &Citation| Citation { shows: cut(&c.shows), says: cut(&c.says), ..c.clone() };
        let advice = Advice {
            claim: cut(&advice.claim),
            refute: cut(&advice.refute),
            citations: advice.citations.iter().map(citation).collect(),
            ..advice.clone()
        };
        let (text, data) = (told(&advice), json!(advice));
        let at = self.now();
        if self.checks_facts {
            let place = self.advising.given.len() as u32 + 1;
            for (number, citation) in (1..).zip(&advice.citations) {
                let holds = facts::citation_holds(&mut self.watch, citation);
                let source = Source::Cited { advice: place, citation: number };
                self.advising.stated.push(Stated { source, says: citation.says.clone(), holds });
            }
        }
        self.advising.given.push(Given { at, asking, advice, opened: BTreeSet::new(), taken: None });
        Ok((text, data, None))
    }

    /// A citation of the last advice.
    pub(super) fn cited(&self, number: u32) -> Result<Citation, String> {
        let last = self.advising.given.last().ok_or("nothing has been advised yet: `advise` asks for it")?;
        let citations = &last.advice.citations;
        let found = number.checked_sub(1).and_then(|place| citations.get(place as usize));
        found.cloned().ok_or_else(|| format!("the advice has no citation {number}: they are 1 to {}", citations.len()))
    }

    /// Notes whether the last advice is taken.
    pub(super) fn decide(&mut self, taken: bool) -> Result<String, String> {
        let last = self.advising.given.last_mut().ok_or("nothing has been advised yet: `advise` asks for it")?;
        let before = match last.taken.replace(taken) {
            Some(true) if !taken => ", and no more as taken",
            Some(false) if taken => ", and no more as left",
            _ => "",
        };
        let mechanism = &last.advice.mechanism;
        Ok(match taken {
            true => {
                format!("noted as taken{before}; what you claim stays yours: `commit {mechanism} 50|70|90 E7` says it")
            }
            false => format!("noted as left{before}; `link E7 against {mechanism}` says why"),
        })
    }
}

/// Advice as text.
pub fn told(advice: &Advice) -> String {
    let is = mechanisms::mechanism(&advice.mechanism).map_or("", |m| m.is);
    let mut text = format!("ASSISTANT  {} %  {}: {is}\n{}\n", advice.percent, advice.mechanism, advice.claim);
    for (number, citation) in (1..).zip(&advice.citations) {
        let Citation { look, shows, says, .. } = citation;
        text.push_str(&format!("  {number}  {}, \"{shows}\": {says}\n", look::title(look)));
    }
    text.push_str(&format!("Would refute it: {}\n", advice.refute));
    text + "`verify 1` opens what it cites; `advise sure?`, `advise against E7`, `adopt`, `reject`"
}
