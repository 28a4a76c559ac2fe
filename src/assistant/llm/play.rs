//! The loop: ask the model, do what it calls, tell it what came of it, until the incident is closed or the budget used up.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::budget::{Budget, Spent};
use super::provider::{Call, Message, Model, Offer};
use super::speaker::{Speaker, Stopped};
use super::transcript::Transcript;
use crate::tools::library::HOW;
use crate::tools::{Attempt, Caller, Tools};

/// Calls of one reply that are carried out.
const MOST_CALLS: usize = 16;
/// The tool by which orders are given.
const ORDERS: &str = "take_action";
/// How often a model that calls nothing is asked to go on.
const NUDGES: u32 = 2;

/// How it came to an end. None of these but the first is the model's answer, and none is a zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Ending {
    /// The incident was closed.
    Closed,
    /// The model stopped calling tools.
    Silent,
    /// The model refused to go on.
    Refused,
    /// A limit was reached.
    Budget {
        /// Which.
        which: &'static str,
    },
    /// The provider, or the transcript, gave no more replies.
    Provider {
        /// Why.
        why: String,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Played {
    /// How it ended.
    pub ending: Ending,
    /// What was used.
    pub spent: Spent,
    /// Calls of tools.
    pub calls: usize,
    /// Calls that were refused: tools that are not there, arguments that are wrong, orders that make no sense.
    pub refused_calls: usize,
    /// Tools that were called and are not there, as they were called.
    pub no_tools: Vec<String>,
    /// Orders that were given and refused, as they were given.
    pub refused_orders: Vec<String>,
}

/// Plays a run to its end.
pub fn play(
    attempt: &mut Attempt,
    tools: &Tools,
    caller: &Caller,
    model: &Model,
    budget: &Budget,
    speaker: &mut dyn Speaker,
    transcript: &mut Transcript,
) -> Played {
    let mut player = Player {
        attempt,
        tools,
        caller,
        budget,
        conversation: Vec::new(),
        played: Played {
            ending: Ending::Silent,
            spent: Spent::default(),
            calls: 0,
            refused_calls: 0,
            no_tools: Vec::new(),
            refused_orders: Vec::new(),
        },
    };
    let brief = player.brief();
    let system = format!(
        "{HOW}\n\nYou play through tools. Their answers say what they cost, what time it is, and what came to be seen."
    );
    transcript.begin(model, brief["result"]["case"].as_str().unwrap_or_default(), &system);
    player.tell(format!("The briefing:\n{}", brief["result"]), transcript);
    player.played.ending = player.go_on(&system, speaker, transcript);
    transcript.end(&json!(player.played));
    player.played
}

struct Player<'a> {
    attempt: &'a mut Attempt,
    tools: &'a Tools,
    caller: &'a Caller,
    budget: &'a Budget,
    conversation: Vec<Message>,
    played: Played,
}

impl Player<'_> {
    fn brief(&mut self) -> Value {
        self.tools.call(self.attempt, self.caller, "", "get_brief", Map::new()).unwrap_or_default()
    }

    fn tell(&mut self, text: String, transcript: &mut Transcript) {
        transcript.told(&text);
        self.conversation.push(Message::Told(text));
    }

    fn go_on(&mut self, system: &str, speaker: &mut dyn Speaker, transcript: &mut Transcript) -> Ending {
        let mut nudges = 0;
        let offers = Offer::all(self.tools);
        loop {
            if let Some(which) = self.played.spent.over(self.budget) {
                return Ending::Budget { which };
            }
            let asked = match speaker.next(system, &self.conversation, &offers, transcript) {
                Ok(asked) => asked,
                Err(why @ (Stopped::Tired { .. } | Stopped::No { .. } | Stopped::Over)) => {
                    return Ending::Provider { why: why.to_string() };
                }
            };
            transcript.said(&asked.raw);
            let turn = asked.turn;
            self.played.spent.add(self.budget, turn.tokens.0, turn.tokens.1);
            if turn.refused {
                return Ending::Refused;
            }
            // An empty reply cannot be sent back.
            let is_empty = turn.text.trim().is_empty() && turn.calls.is_empty();
            if !is_empty {
                self.conversation.push(Message::Said(turn.said));
            }
            if turn.calls.is_empty() {
                nudges += 1;
                if NUDGES < nudges {
                    return Ending::Silent;
                }
                let more = if turn.cut_off { "Your reply was cut off. " } else { "" };
                let ask = format!(
                    "{more}Go on with a tool. When you know enough: submit_diagnosis with evidence, then end_incident."
                );
                if is_empty {
                    transcript.told(&ask);
                    match self.conversation.last_mut() {
                        Some(Message::Told(text)) => *text = format!("{text}\n\n{ask}"),
                        _ => self.conversation.push(Message::Told(ask)),
                    }
                } else {
                    self.tell(ask, transcript);
                }
                continue;
            }
            nudges = 0;
            let (given, ended) = self.carry_out(turn.calls, transcript);
            self.conversation.push(Message::Given(given));
            if ended {
                return Ending::Closed;
            }
        }
    }

    /// Does what was called, in order. Every call is answered: providers want it so.
    fn carry_out(&mut self, calls: Vec<Call>, transcript: &mut Transcript) -> (Vec<(String, String, bool)>, bool) {
        let (mut given, mut ended) = (Vec::new(), false);
        let last = calls.len().saturating_sub(1);
        for (place, call) in calls.into_iter().enumerate() {
            let (arguments, gave) = match &call.arguments {
                _ if MOST_CALLS <= place => {
                    (json!(null), Err(format!("more than {MOST_CALLS} calls at once: this one was not carried out")))
                }
                Err(garbage) => {
                    (json!(garbage), Err(format!("the arguments of {} are no JSON object: send them again", call.name)))
                }
                Ok(arguments) => {
                    let gave = self.tools.call(self.attempt, self.caller, "", &call.name, arguments.clone());
                    (Value::Object(arguments.clone()), gave.map_err(|why| why.to_string()))
                }
            };
            self.played.calls += 1;
            if gave.is_err() {
                self.played.refused_calls += 1;
                if call.name == ORDERS {
                    self.played.refused_orders.push(arguments.to_string().chars().take(200).collect());
                }
            }
            if !self.tools.list().iter().any(|tool| tool.name == call.name) {
                self.played.no_tools.push(call.name.chars().take(60).collect());
            }
            if let Ok(value) = &gave {
                ended = value["clock"]["ended"] == json!(true);
                self.played.spent.simulated_s = value["clock"]["elapsed_s"].as_f64().unwrap_or_default();
            }
            transcript.called(&call.name, &arguments, &gave);
            let is_error = gave.is_err();
            let mut text = gave.map_or_else(|why| why, |value| value.to_string());
            if place == last
                && let Some(warning) = self.played.spent.warning(self.budget)
            {
                text = format!("{text}\n{warning}");
            }
            given.push((call.id, text, is_error));
        }
        (given, ended)
    }
}
