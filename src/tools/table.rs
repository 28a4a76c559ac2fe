//! The tools by name: what each is for, what it takes and answers, and the call itself.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::answers::{Envelope, Hour, News, PageOf, Shown, Told};
use super::attempt::{Attempt, Caller, Said, Wrong};
use super::page::{Cut, MOST_ROWS, USUAL_ROWS, Want, cursor, read_cursor};
use super::reading::{input, nearest, output, read};
use super::words::in_tools;
use super::{claiming, doing, seeing};
use crate::session::command::{Command, Look};

/// What a tool does to the incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It looks; of the incident only the clock moves.
    Reads,
    /// It writes down, tells, believes or waits.
    Notes,
    /// It changes what users get.
    Acts,
}

/// What a tool is called and for.
pub(super) struct About {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) says: &'static str,
    pub(super) kind: Kind,
}

/// A tool.
pub struct Tool {
    /// As it is called.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it is for and what it costs, for models.
    pub about: &'static str,
    /// What it does to the incident.
    pub kind: Kind,
    /// JSON Schema of what it takes, beside the run.
    pub input: Map<String, Value>,
    /// JSON Schema of what it answers.
    pub output: Map<String, Value>,
    run: Run,
    again: Again,
}

type Run = Box<dyn Fn(&mut Attempt, &Caller, Map<String, Value>, Want) -> Result<Done, Wrong> + Send + Sync>;
/// Makes another page of what a look answered.
type Again = Box<dyn Fn(Value, Want) -> Result<(Value, Option<Cut>), Wrong> + Send + Sync>;

/// What came of a call.
struct Done {
    result: Value,
    cut: Option<Cut>,
    observation: Option<u32>,
}

/// Every tool of a run.
pub struct Tools {
    list: Vec<Tool>,
}

impl Default for Tools {
    fn default() -> Self {
        let parts = [seeing::tools(), doing::tools(), claiming::tools()];
        Tools { list: parts.into_iter().flatten().collect() }
    }
}

/// Tools that show nothing that was measured.
const ALERT_TEXT: [&str; 5] = ["list_mechanisms", "explain_mechanism", "believe", "submit_diagnosis", "end_incident"];

impl Tools {
    /// The control arm of a comparison: the words of the page, and no telemetry. What does better than base rates with these
    /// knows what it should not.
    pub fn alert_text() -> Tools {
        let mut tools = Tools::default();
        tools.list.retain(|tool| ALERT_TEXT.contains(&tool.name));
        let says = "Page and briefing, once somebody is paged. Free.";
        tools.list.push(free(About { name: "get_brief", title: "The page", says, kind: Kind::Reads }, seeing::paged));
        tools
    }

    /// All of them, in the order in which an incident wants them.
    pub fn list(&self) -> &[Tool] {
        &self.list
    }

    /// Calls a tool. The answer fits its output schema, and is what stands around it too: price, clock, news, page.
    ///
    /// # Errors
    /// What is wrong with the call, with its place and the way out.
    pub fn call(
        &self,
        attempt: &mut Attempt,
        who: &Caller,
        run_id: &str,
        name: &str,
        mut arguments: Map<String, Value>,
    ) -> Result<Value, Wrong> {
        let tool = self.list.iter().find(|tool| tool.name == name);
        let tool = tool.ok_or_else(|| unknown(name, self.list.iter().map(|tool| tool.name)))?;
        let (want, cursor_of) = wanted(name, &mut arguments)?;
        let (_, before_s, ..) = attempt.hour();
        let done = match cursor_of {
            Some(observation) => tool.go_on(attempt, who, observation, want),
            None => (tool.run)(attempt, who, arguments, want),
        };
        let (now, elapsed_s, left_s, ended) = attempt.hour();
        let price_s = elapsed_s - before_s;
        let news = attempt.news();
        let done = done.map_err(|Wrong(why)| {
            let mut why = in_tools(&why);
            if 0.0 < price_s {
                why.push_str(&format!(" (this took {price_s:.0} s; it is {now})"));
            }
            // Whoever errs hears of the page all the same.
            for notice in &news {
                why.push_str(&format!("\n{} {}", notice.time, notice.text));
            }
            Wrong(why)
        })?;
        let page = done.cut.map(|cut| PageOf {
            shown: cut.shown,
            total: cut.total,
            next_cursor: cut.next.map(|from| cursor(done.observation.unwrap_or(0), from)),
            shortened: cut.shortened,
        });
        let envelope = Envelope {
            run_id: run_id.to_string(),
            observation: done.observation.map(|number| format!("E{number}")),
            price_s,
            clock: Hour { now, elapsed_s, left_s, ended },
            news: news.into_iter().map(|n| News { time: n.time, text: n.text }).collect(),
            page,
            result: done.result,
        };
        serde_json::to_value(envelope).map_err(unwritable)
    }
}

/// What to say to whoever calls a tool that is not there.
pub(super) fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Wrong {
    let name: String = name.chars().take(60).collect();
    let hint = nearest(&name, names.clone());
    Wrong(format!("no tool is called \"{name}\"{hint}; there are: {}", names.collect::<Vec<_>>().join(", ")))
}

impl Tool {
    /// Another page of an earlier answer.
    fn go_on(&self, attempt: &Attempt, who: &Caller, observation: u32, want: Want) -> Result<Done, Wrong> {
        let kept = attempt.kept(who, observation)?;
        let other = || {
            Wrong(format!(
                "E{observation} is an answer to `{}`, which {} does not give: a cursor goes to the tool that gave it",
                kept.title, self.name
            ))
        };
        let (result, cut) = (self.again)(kept.data.clone(), want).map_err(|_| other())?;
        let cut = cut.ok_or_else(other)?;
        if cut.shown == 0 {
            return Err(Wrong(format!("E{observation} has {} rows, and none from {} on", cut.total, want.from)));
        }
        Ok(Done { result, cut: Some(cut), observation: Some(observation) })
    }
}

/// Takes `cursor` and `limit` out of arguments. A cursor of an observation asks for nothing new.
fn wanted(tool: &str, arguments: &mut Map<String, Value>) -> Result<(Want, Option<u32>), Wrong> {
    let limit = match arguments.remove("limit") {
        None | Some(Value::Null) => USUAL_ROWS,
        Some(value) => match value.as_u64() {
            Some(limit @ 1..=200) => limit as usize,
            _ => {
                return Err(Wrong(format!(
                    "{tool}, argument \"limit\": {value} is no number of rows: 1 to {MOST_ROWS}"
                )));
            }
        },
    };
    match arguments.remove("cursor") {
        None | Some(Value::Null) => Ok((Want { from: 0, limit }, None)),
        Some(Value::String(cursor)) => {
            let (observation, from) = read_cursor(&cursor)?;
            Ok((Want { from, limit }, (0 < observation).then_some(observation)))
        }
        Some(other) => Err(Wrong(format!("{tool}, argument \"cursor\": {other} is no text"))),
    }
}

/// Adds what every tool takes to a schema.
pub(super) fn with_arguments(schema: &mut Map<String, Value>, more: Value, needed: &[&str]) {
    if let (Some(Value::Object(fields)), Value::Object(more)) = (schema.get_mut("properties"), more) {
        let own = std::mem::take(fields);
        fields.extend(more);
        fields.extend(own);
    }
    let required = schema.entry("required").or_insert_with(|| json!([]));
    if let Value::Array(names) = required {
        needed.iter().rev().for_each(|name| names.insert(0, json!(name)));
    }
}

/// What tools take whose answer may be longer than a page.
pub(super) fn page_arguments() -> Value {
    json!({
        "limit": {
            "type": "integer", "minimum": 1, "maximum": MOST_ROWS,
            "description": format!("Rows at most; usually {USUAL_ROWS}."),
        },
        "cursor": {
            "type": "string",
            "description": "`page.next_cursor` of the answer before, to read on free of charge; with the same other arguments.",
        },
    })
}

fn made<A: JsonSchema, T: Shown>(about: About, run: Run) -> Tool {
    let mut takes = input::<A>();
    let again = |data: Value, want: Want| {
        let mut shown = T::of(data).map_err(|why| Wrong(why.to_string()))?;
        let cut = shown.cut(want);
        Ok((serde_json::to_value(&shown).map_err(unwritable)?, cut))
    };
    // What is done or noted is answered in a sentence.
    if about.kind == Kind::Reads {
        with_arguments(&mut takes, page_arguments(), &[]);
    }
    Tool {
        name: about.name,
        title: about.title,
        about: about.says,
        kind: about.kind,
        input: takes,
        output: output::<Envelope<T>>(),
        run,
        again: Box::new(again),
    }
}

/// A tool that looks.
pub(super) fn look<A, T>(
    about: About,
    make: impl Fn(&Attempt, A) -> Result<Look, Wrong> + Send + Sync + 'static,
) -> Tool
where
    A: DeserializeOwned + JsonSchema + 'static,
    T: Shown + 'static,
{
    let (name, schema) = (about.name, input::<A>());
    let run = move |attempt: &mut Attempt, who: &Caller, arguments: Map<String, Value>, want: Want| {
        let look = make(attempt, read(name, &schema, arguments)?)?;
        let Said { data, observation, text } = attempt.say(who, &Command::Look(look))?;
        if let Some(why) = data.get("error").and_then(Value::as_str) {
            let number = observation.map_or(String::new(), |number| format!("E{number}: "));
            return Err(Wrong(format!("{number}no answer: {why}")));
        }
        let mut shown = T::of(data).map_err(|why| Wrong(format!("{name} cannot show this answer: {why}\n{text}")))?;
        let cut = shown.cut(want);
        Ok(Done { result: serde_json::to_value(&shown).map_err(unwritable)?, cut, observation })
    };
    made::<A, T>(about, Box::new(run))
}

/// A tool that tells what is free for everybody.
pub(super) fn free<A, T>(
    about: About,
    tell: impl Fn(&mut Attempt, &Caller, A) -> Result<T, Wrong> + Send + Sync + 'static,
) -> Tool
where
    A: DeserializeOwned + JsonSchema + 'static,
    T: Shown + 'static,
{
    let (name, schema) = (about.name, input::<A>());
    let run = move |attempt: &mut Attempt, who: &Caller, arguments: Map<String, Value>, want: Want| {
        let mut shown = tell(attempt, who, read(name, &schema, arguments)?)?;
        let cut = shown.cut(want);
        let result = serde_json::to_value(&shown).map_err(unwritable)?;
        Ok(Done { result, cut, observation: None })
    };
    made::<A, T>(about, Box::new(run))
}

/// A tool that gives commands, one after the other.
pub(super) fn says<A>(about: About, make: impl Fn(A) -> Result<Vec<Command>, Wrong> + Send + Sync + 'static) -> Tool
where
    A: DeserializeOwned + JsonSchema + 'static,
{
    let (name, schema) = (about.name, input::<A>());
    let run = move |attempt: &mut Attempt, who: &Caller, arguments: Map<String, Value>, _: Want| {
        let mut texts = Vec::new();
        for command in make(read(name, &schema, arguments)?)? {
            texts.push(attempt.say(who, &command)?.text);
        }
        texts.dedup();
        let told = Told { text: texts.join("; ") };
        Ok(Done { result: serde_json::to_value(told).map_err(unwritable)?, cut: None, observation: None })
    };
    made::<A, Told>(about, Box::new(run))
}

fn unwritable(why: serde_json::Error) -> Wrong {
    Wrong(format!("this answer cannot be written as JSON: {why}"))
}
