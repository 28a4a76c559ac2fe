//! The plan of a study: which incidents, who plays them, and who is compared with whom. Fixed before anything is run.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::assistant::llm::{Budget, Provider};
use crate::assistant::{self, OBSERVER};
use crate::scenario::catalogue::Catalogue;
use crate::scenario::opened::Scenario;
use crate::score::observer::Observer;
use crate::session::clock::Mode;

/// The most runs that a plan may ask for.
const MOST: u64 = 1_000_000;

/// A plan, as its file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Scenarios by name.
    pub scenarios: Vec<String>,
    /// Seeds, each of which draws a variant.
    pub seeds: Seeds,
    /// Built-in participants by name.
    #[serde(default)]
    pub participants: Vec<String>,
    /// Models behind an API, who play the same incidents as participants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelPlayer>,
    /// People, or models in sessions of their own, who are to play the same incidents and join in when it is reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Person>,
    /// How often each participant plays each incident.
    #[serde(default = "once")]
    pub repeats: u32,
    /// Who is compared with whom, decided beforehand; empty: each with the first.
    #[serde(default)]
    pub compare: Vec<(String, String)>,
    /// What decides: whether the cause was named and proved, or named.
    #[serde(default, skip_serializing_if = "Endpoint::is_usual")]
    pub endpoint: Endpoint,
}

/// What a comparison is decided by, said before anything is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Endpoint {
    /// The weightiest cause was named, and what was cited proves it to an ideal observer.
    #[default]
    Proved,
    /// The weightiest cause was named.
    Named,
}

impl Endpoint {
    fn is_usual(&self) -> bool {
        *self == Endpoint::default()
    }

    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Endpoint::Proved => "named and proved the cause",
            Endpoint::Named => "named the cause",
        }
    }
}

/// A model that plays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPlayer {
    /// As it is called in this study.
    pub name: String,
    /// Whose interface: `anthropic` or `openai-compatible`; key and address come from the environment.
    pub provider: String,
    /// As its provider calls it.
    pub model: String,
    /// Tokens of one reply.
    #[serde(default = "reply_tokens")]
    pub reply_tokens: u32,
    /// Tokens in and out of one run.
    #[serde(default)]
    pub most_tokens: Option<u64>,
    /// Dollars of one run, by the prices of a million tokens.
    #[serde(default)]
    pub most_dollars: Option<f64>,
    /// Dollars for a million tokens in.
    #[serde(default)]
    pub dollars_in: f64,
    /// Dollars for a million tokens out.
    #[serde(default)]
    pub dollars_out: f64,
    /// Minutes of the incident.
    #[serde(default)]
    pub most_minutes: Option<f64>,
    /// Replies of one run.
    #[serde(default = "turns")]
    pub most_turns: u32,
    /// The control arm: the words of the page and no telemetry.
    #[serde(default)]
    pub alert_text: bool,
}

fn reply_tokens() -> u32 {
    4096
}

fn turns() -> u32 {
    Budget::default().turns
}

impl ModelPlayer {
    /// Whose interface it is.
    ///
    /// # Errors
    /// It is nobody's.
    pub fn provider(&self) -> Result<Provider, String> {
        Provider::named(&self.provider).map_err(|why| format!("model {}: {why}", self.name))
    }

    /// What one run may use.
    pub fn budget(&self) -> Budget {
        Budget {
            tokens: self.most_tokens,
            dollars: self.most_dollars,
            dollars_in: self.dollars_in,
            dollars_out: self.dollars_out,
            simulated_s: self.most_minutes.map(|minutes| minutes * 60.0),
            turns: self.most_turns,
        }
    }

    fn wrong(&self) -> Option<String> {
        let sound = |price: f64| price.is_finite() && 0.0 <= price;
        let free = self.dollars_in + self.dollars_out <= 0.0;
        match self {
            _ if self.name.trim().is_empty() => Some("a model has no name".to_string()),
            _ if assistant::find(&self.name).is_ok() => {
                Some(format!("\"{}\" is a participant of the program: call the model otherwise", self.name))
            }
            _ if self.model.trim().is_empty() => Some(format!("model {}: it says not which model", self.name)),
            _ if !sound(self.dollars_in) || !sound(self.dollars_out) => {
                Some(format!("model {}: prices are dollars for a million tokens, 0 or more", self.name))
            }
            _ if self.most_dollars.is_some() && free => {
                Some(format!("model {}: `most_dollars` needs `dollars_in` and `dollars_out`", self.name))
            }
            _ => self.provider().err(),
        }
    }
}

/// Somebody whose sessions join in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// As they play: `--by`.
    pub name: String,
    /// Whose sessions: `--profile`; empty for the usual one.
    #[serde(default)]
    pub profile: String,
    /// With what help they play: `--mode`; alone, where nothing is said.
    #[serde(default = "alone", skip_serializing_if = "is_alone")]
    pub mode: Mode,
}

fn alone() -> Mode {
    Mode::A0
}

fn is_alone(mode: &Mode) -> bool {
    *mode == alone()
}

/// Seeds from one on, of the first scenario; each other has as many after those of the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seeds {
    /// The first.
    pub first: u64,
    /// How many.
    pub count: u32,
}

fn once() -> u32 {
    1
}

/// One run of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The participant.
    pub participant: String,
    /// Which of its repetitions, from 0.
    pub repeat: u32,
}

/// A part of a study: the i-th of n, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which.
    pub i: u32,
    /// Of how many.
    pub n: u32,
}

impl Shard {
    /// Reads `2/8`.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &str) -> Result<Shard, String> {
        let parsed = text.split_once('/').and_then(|(i, n)| Some((i.parse::<u32>().ok()?, n.parse::<u32>().ok()?)));
        match parsed {
            Some((i, n)) if 1 <= i && i <= n => Ok(Shard { i, n }),
            _ => Err(format!("\"{text}\" is no part of a study: write 1/8 for the first of eight")),
        }
    }
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// Where it is wrong, and how.
    pub fn read(text: &str, path: &Path, catalogue: &Catalogue) -> Result<Plan, String> {
        let at = |e: ron::error::SpannedError| format!("{}:{}: {}", path.display(), e.span.start, e.code);
        // `most_tokens: 5` is as good as `most_tokens: Some(5)`.
        let options = ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        let plan: Plan = options.from_str(text).map_err(at)?;
        let mut wrong = Vec::new();
        for scenario in &plan.scenarios {
            match Scenario::open(catalogue, scenario) {
                Ok(scenario) if plan.participants.iter().any(|p| p == OBSERVER.name) => {
                    wrong.extend(Observer::built_in(&scenario).err().map(|e| e.to_string()));
                }
                Ok(_) => {}
                Err(error) => wrong.push(error.to_string()),
            }
        }
        let compared = plan.compare.iter().flat_map(|(a, b)| [a, b]);
        let is_person = |name: &String| plan.people.iter().any(|person| person.name == *name);
        let is_model = |name: &String| plan.models.iter().any(|model| model.name == *name);
        let known = |name: &&String| is_person(name) || is_model(name);
        for name in plan.participants.iter().chain(compared.clone()).filter(|name| !known(name)) {
            wrong.extend(assistant::find(name).err());
        }
        wrong.extend(plan.models.iter().filter_map(ModelPlayer::wrong));
        for Person { name, .. } in &plan.people {
            if name.trim().is_empty() || assistant::find(name).is_ok() {
                wrong
                    .push(format!("\"{name}\" is no name for somebody who plays: participants of the program have it"));
            }
        }
        for name in compared {
            if !plan.participants.contains(name) && !known(&name) {
                wrong.push(format!("\"{name}\" is compared and does not play: add it to `participants`"));
            }
        }
        let unique = |names: &[String]| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        let people = plan.people.iter().map(|person| person.name.clone());
        let names: Vec<String> = plan.players().map(str::to_string).chain(people).collect();
        if !unique(&plan.scenarios) || !unique(&names) {
            wrong.push("a scenario, participant, model or person stands twice: `repeats` plays it again".to_string());
        }
        if plan.scenarios.is_empty() || plan.players().next().is_none() || plan.seeds.count == 0 || plan.repeats == 0 {
            wrong.push("there is nothing to run: a plan has scenarios, participants, seeds and repeats".to_string());
        }
        let runs = plan.scenarios.len() as u64 * plan.players().count() as u64;
        if MOST < runs.saturating_mul(u64::from(plan.seeds.count)).saturating_mul(u64::from(plan.repeats)) {
            wrong.push(format!("it asks for more than {MOST} runs"));
        }
        if wrong.is_empty() { Ok(plan) } else { Err(format!("{}: {}", path.display(), wrong.join("; "))) }
    }

    /// Names of all whom the study lets play: participants of the program, then models.
    pub fn players(&self) -> impl Iterator<Item = &str> {
        self.participants.iter().chain(self.models.iter().map(|model| &model.name)).map(String::as_str)
    }

    /// The model that is called so here.
    pub fn model(&self, name: &str) -> Option<&ModelPlayer> {
        self.models.iter().find(|model| model.name == name)
    }

    /// Incidents of a part, in order: a scenario with a seed. All that play an incident are in the same part. Each scenario has
    /// the stretch of seeds after that of the scenario before it: a seed draws the same lot in each, so that two incidents
    /// of one seed would be one draw.
    pub fn incidents(&self, shard: Shard) -> Vec<(String, u64)> {
        let Seeds { first, count } = self.seeds;
        let all = (0..u64::from(count)).flat_map(|n| {
            let stretch = move |place: u64| first.wrapping_add(place * u64::from(count) + n);
            (0..).zip(&self.scenarios).map(move |(place, scenario)| (scenario.clone(), stretch(place)))
        });
        all.enumerate()
            .filter(|(place, _)| *place as u64 % u64::from(shard.n) == u64::from(shard.i - 1))
            .map(|(_, incident)| incident)
            .collect()
    }

    /// Incidents in the order in which a person is to meet them: each begins elsewhere, so that learning and incident can be
    /// told apart.
    pub fn order_of(&self, person: usize) -> Vec<(String, u64)> {
        let mut all = self.incidents(Shard { i: 1, n: 1 });
        let step = all.len().div_ceil(self.people.len().max(1)).max(1);
        let begin = if all.is_empty() { 0 } else { person * step % all.len() };
        all.rotate_left(begin);
        all
    }

    /// The runs of an incident.
    pub fn cells(&self, scenario: &str, seed: u64) -> Vec<Cell> {
        let cell = |participant: &str, repeat: u32| Cell {
            scenario: scenario.to_string(),
            seed,
            participant: participant.to_string(),
            repeat,
        };
        self.players().flat_map(|name| (0..self.repeats).map(move |repeat| cell(name, repeat))).collect()
    }

    /// Pairs that are compared.
    pub fn pairs(&self) -> Vec<(String, String)> {
        if !self.compare.is_empty() {
            return self.compare.clone();
        }
        let mut players = self.players();
        let first = players.next().unwrap_or_default();
        players.map(|other| (first.to_string(), other.to_string())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Plan, String> {
        Plan::read(text, Path::new("plan.ron"), &Catalogue::built_in())
    }

    const PLAN: &str = r#"(
        scenarios: ["quiet-tuesday", "first-shift-1"],
        seeds: (first: 5, count: 3),
        participants: ["correlator", "good-sre"],
        repeats: 2,
    )"#;

    #[test]
    fn parts_hold_every_incident_once() {
        let plan = read(PLAN).expect("a plan");
        let whole = plan.incidents(Shard { i: 1, n: 1 });
        assert_eq!(whole.len(), 6);
        let of = |name: &str| whole.iter().filter(|(s, _)| s == name).map(|(_, seed)| *seed).collect::<Vec<_>>();
        assert_eq!((of("quiet-tuesday"), of("first-shift-1")), (vec![5, 6, 7], vec![8, 9, 10]));
        let mut parts: Vec<_> = (1..=4).flat_map(|i| plan.incidents(Shard { i, n: 4 })).collect();
        parts.sort();
        let mut sorted = whole;
        sorted.sort();
        assert_eq!(parts, sorted);
        assert_eq!(plan.cells("quiet-tuesday", 5).len(), 4);
        assert_eq!(plan.pairs(), [("correlator".to_string(), "good-sre".to_string())]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let people = PLAN.replace(
            "repeats: 2",
            "people: [(name: \"ana\"), (name: \"ben\", profile: \"ben\", mode: A3)], compare: [(\"ana\", \"good-sre\")]",
        );
        let plan = read(&people).expect("a plan with people");
        assert_eq!(plan.people.iter().map(|p| p.mode).collect::<Vec<_>>(), [Mode::A0, Mode::A3]);
        let orders = [0, 1].map(|person| plan.order_of(person));
        assert!(orders[0] != orders[1] && orders[0].len() == 6, "each has an order of their own: {orders:?}");
        for (text, says) in [
            (people.replace("(name: \"ana\")", "(name: \"random\")"), "no name for somebody"),
            (PLAN.replace("good-sre", "good-sra"), "good-sre"),
            (PLAN.replace("quiet-tuesday", "quiet-tusday"), "quiet-tuesday"),
            (PLAN.replace("repeats: 2", "repeets: 2"), "plan.ron:5"),
            (PLAN.replace("count: 3", "count: 0"), "nothing to run"),
            (PLAN.replace("repeats: 2", "compare: [(\"correlator\", \"random\")]"), "does not play"),
        ] {
            let error = read(&text).expect_err("a mistake");
            assert!(error.contains(says), "{error}");
        }
        assert!(Shard::read("0/4").is_err() && Shard::read("5/4").is_err() && Shard::read("x").is_err());
    }
}
