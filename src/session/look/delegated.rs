//! The assistant looks: it runs queries, groups, joins and compares, and says what came of them, each with the query that
//! anybody can run. It counts and never claims a cause. It knows tables and columns, and no scenario.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::session::look::{Answer, Seen, rows};
use crate::telemetry::watch::Watch;

/// Rows and lines of so many seconds before now count.
const WINDOW_S: i64 = 900;
/// Log lines that are read for their templates.
const LINES: usize = 400;
/// So many groups of each kind are told.
const TOP: usize = 3;
/// Slow is slower than this, as the panel of first tokens marks it.
const SLOW_MS: u32 = 3000;
/// Fewer accounts than this made together are chance.
const TOGETHER: f64 = 20.0;

/// More dimensions than requests have.
pub(in crate::session) const ALL_DIMENSIONS: usize = 100;

/// What a request has before anything is done with it: where cohorts differ, and not in how they fared.
const BROUGHT: &str = "account tier client client_version template model region gateway retry_count turn_restart \
                       prompt_tokens images parameters replica pool";

/// What a question is about, by the words in it.
const ABOUT: &[(Topic, &[&str])] = &[
    (
        Topic::Who,
        &["who", "whom", "whose", "account", "sender", "sends", "customer", "tenant", "user", "created", "made"],
    ),
    (Topic::Slow, &["slow", "latency", "late", "long", "wait", "ttft", "timeout"]),
    (
        Topic::Shared,
        &["common", "differ", "compare", "cohort", "which", "share", "group", "template", "image", "client"],
    ),
    (Topic::Errors, &["error", "exception", "fail", "500", "log", "trace", "what", "wrong", "broken"]),
];

/// What it says where no word of a question is known to it.
const NOT_UNDERSTOOD: &str = "I know no look for that question. I can look up who sends something, what fails, what is slow, and \
                              what failures share; here is what fails and what it shares.\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Errors,
    Who,
    Shared,
    Slow,
}

/// A fact with the query that shows it.
struct Fact {
    says: String,
    query: String,
    rows: Value,
}

/// What was found so far.
#[derive(Default)]
struct Found {
    facts: Vec<Fact>,
    seen: Option<Seen>,
}

impl Found {
    /// Asks, notes what could be seen in the answer, and gives its data.
    fn ask(&mut self, watch: &mut Watch, query: &str) -> Result<Value, String> {
        let answer = match query.strip_prefix("compare ") {
            Some(selection) => rows::compared(watch, selection, ALL_DIMENSIONS)?,
            None => rows::sql(watch, query)?,
        };
        let seen = self.seen.get_or_insert_with(|| Seen { features: Vec::new(), ..answer.seen.clone() });
        seen.from = seen.from.min(answer.seen.from);
        seen.to = seen.to.max(answer.seen.to);
        seen.features.extend(answer.seen.features);
        Ok(answer.data)
    }

    fn fact(&mut self, says: String, query: String, rows: Value) {
        self.facts.push(Fact { says, query, rows });
    }
}

fn table(data: &Value) -> &[Value] {
    data["rows"].as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_string(),
        other => other.to_string(),
    }
}

/// What a question is about, most wanted first; none if no word of it is known.
fn topics(question: &str) -> Vec<Topic> {
    let question = question.to_lowercase();
    let words: Vec<&str> = question.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let about = |known: &&[&str]| words.iter().any(|w| known.iter().any(|k| w == k || 4 < w.len() && w.starts_with(k)));
    let mut found: Vec<Topic> = ABOUT.iter().filter(|(_, known)| about(known)).map(|(topic, _)| *topic).collect();
    if found.contains(&Topic::Who) {
        found.retain(|topic| *topic != Topic::Shared);
    }
    found
}

/// Answers a question.
///
/// # Errors
/// The tables cannot be asked.
pub fn answer(watch: &mut Watch, question: &str) -> Result<Answer, String> {
    let since = watch.scene.calendar.unix_ms(watch.world.now()) - WINDOW_S * 1000;
    let mut found = Found::default();
    let asked = topics(question);
    let topics = if asked.is_empty() { vec![Topic::Errors, Topic::Shared] } else { asked.clone() };
    let worst = worst(watch, &mut found, since)?;
    match &worst {
        Some(error) => {
            let failing = format!("error = '{}' and time_ms > {since}", error.replace('\'', "''"));
            if topics.contains(&Topic::Errors) {
                templates(watch, &mut found, since)?;
                grouped(watch, &mut found, &failing, "images")?;
                grouped(watch, &mut found, &failing, "template")?;
            }
            if topics.contains(&Topic::Who) {
                who(watch, &mut found, &failing)?;
            }
            if topics.contains(&Topic::Shared) {
                shared(watch, &mut found, &failing)?;
            }
        }
        None if topics.contains(&Topic::Errors) => templates(watch, &mut found, since)?,
        None => {}
    }
    if topics.contains(&Topic::Slow) || worst.is_none() {
        let slow = format!("ttft_ms > {SLOW_MS} and time_ms > {since}");
        if slow_ones(watch, &mut found, &slow, since)? {
            if topics.contains(&Topic::Who) && worst.is_none() {
                who(watch, &mut found, &slow)?;
            }
            shared(watch, &mut found, &slow)?;
        }
    }
    let mut seen = found.seen.unwrap_or_default();
    seen.features.sort();
    seen.features.dedup();
    let lines = found.facts.iter().zip(1..).map(|(fact, n)| format!("{n}. {}\n   {}", fact.says, fact.query));
    let mut text = lines.collect::<Vec<_>>().join("\n");
    if asked.is_empty() {
        text.insert_str(0, NOT_UNDERSTOOD);
    }
    let data: Vec<Value> =
        found.facts.iter().map(|f| json!({ "says": f.says, "query": f.query, "rows": f.rows })).collect();
    Ok(Answer { title: format!("ask-look {question}"), text, data: json!({ "facts": data }), seen })
}

/// How requests failed, and the name of the failure that most had.
fn worst(watch: &mut Watch, found: &mut Found, since: i64) -> Result<Option<String>, String> {
    let query = format!(
        "select error, status, count(*) as n, count(distinct account) as accounts from requests \
         where error is not null and status >= 400 and status <> 499 and time_ms > {since} group by 1, 2 order by n desc limit 5"
    );
    let data = found.ask(watch, &query)?;
    let of = |row: &Value| format!("{} with {} ({}), of {} accounts", row[2], word(&row[0]), row[1], row[3]);
    let list: Vec<String> = table(&data).iter().take(TOP).map(of).collect();
    let first = table(&data).first().map(|row| word(&row[0]));
    let says = match list.is_empty() {
        true => "No request was answered with an error in the last 15 minutes.".to_string(),
        false => format!("Requests that failed in the last 15 minutes: {}.", list.join("; ")),
    };
    found.fact(says, query, data["rows"].clone());
    Ok(first)
}

/// What the lines of a log are of, by their last line with every number as `#`.
fn templates(watch: &mut Watch, found: &mut Found, since: i64) -> Result<(), String> {
    let query = format!(
        "select service, body from logs where level = 'ERROR' and time_ms > {since} order by time_ms desc limit {LINES}"
    );
    let data = found.ask(watch, &query)?;
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for row in table(&data) {
        *counts.entry((word(&row[0]), template(&word(&row[1])))).or_default() += 1;
    }
    let mut counts: Vec<((String, String), usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let says = match counts.first() {
        None => "No log line of level ERROR in the last 15 minutes.".to_string(),
        Some(((service, text), n)) => {
            let more = counts.len() - 1;
            let others = if more == 0 { String::new() } else { format!("; {more} other kinds") };
            format!("Of the last {} error lines {n} end alike, in {service}: {text}{others}.", table(&data).len())
        }
    };
    let rows = counts.iter().take(TOP).map(|((service, text), n)| json!([service, text, n])).collect();
    found.fact(says, query, Value::Array(rows));
    Ok(())
}

/// The line of a log text that names what happened: the last of a stack trace; with every number as `#`.
fn template(body: &str) -> String {
    let line = body.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    let mut text = String::new();
    for c in line.chars().take(160) {
        match c.is_ascii_digit() {
            true if text.ends_with('#') => {}
            true => text.push('#'),
            false => text.push(c),
        }
    }
    text
}

/// The rows of a selection by a column.
fn grouped(watch: &mut Watch, found: &mut Found, selection: &str, by: &str) -> Result<(), String> {
    let query = format!(
        "select {by}, count(*) as n, count(distinct account) as accounts from requests where {selection} \
         group by 1 order by n desc limit 5"
    );
    let data = found.ask(watch, &query)?;
    let of = |row: &Value| format!("{} have {} ({} accounts)", row[1], word(&row[0]), row[2]);
    let list: Vec<String> = table(&data).iter().take(TOP).map(of).collect();
    found.fact(format!("By {by}: {}.", list.join("; ")), query, data["rows"].clone());
    Ok(())
}

/// Who sends the rows of a selection, and when those accounts were made, with all that were made at the same time.
fn who(watch: &mut Watch, found: &mut Found, selection: &str) -> Result<(), String> {
    let each = format!(
        "select account, count(*) as n, avg(images) as images from requests where {selection} \
         group by 1 order by n desc, 1 limit 5"
    );
    let first = found.ask(watch, &each)?;
    let all = format!("select count(distinct account) as accounts, count(*) as n from requests where {selection}");
    let sum = found.ask(watch, &all)?;
    let (accounts, n) = (number(&table(&sum)[0][0]), number(&table(&sum)[0][1]));
    let most = table(&first).first().map_or(0.0, |row| number(&row[1]));
    found.fact(format!("{n:.0} such requests come from {accounts:.0} accounts."), all, sum["rows"].clone());
    found.fact(format!("No account sent more than {most:.0} of them."), each, first["rows"].clone());
    let hours = format!(
        "select substr(created_at, 1, 13) as hour, count(*) as senders from accounts where account in (select account from \
         requests where {selection}) group by 1 order by senders desc, 1 limit 5"
    );
    let made = found.ask(watch, &hours)?;
    let Some(top) = table(&made).first() else { return Ok(()) };
    let (hour, senders) = (word(&top[0]), number(&top[1]));
    if senders < TOGETHER || senders * 4.0 < accounts {
        let says = "These accounts were made at all times: no hour stands out.".to_string();
        found.fact(says, hours, made["rows"].clone());
        return Ok(());
    }
    let says = format!("{senders:.0} of these {accounts:.0} accounts were made within one hour, {hour}h.");
    found.fact(says, hours, made["rows"].clone());
    let traits = format!(
        "select count(*) as made, count(distinct device) as devices, sum(account in (select account from requests)) as active \
         from accounts where created_at like '{hour}%'"
    );
    let data = found.ask(watch, &traits)?;
    let row = &table(&data)[0];
    let (all, devices, active) = (number(&row[0]), number(&row[1]), number(&row[2]));
    let says = format!(
        "{all:.0} accounts were made in that hour: {active:.0} have sent anything, {:.0} nothing; they share {devices:.0} devices.",
        all - active
    );
    found.fact(says, traits, data["rows"].clone());
    Ok(())
}

/// Whether there are slow ones, and how many.
fn slow_ones(watch: &mut Watch, found: &mut Found, selection: &str, since: i64) -> Result<bool, String> {
    let query = format!(
        "select sum(ttft_ms > {SLOW_MS}) as slow, count(*) as n, round(avg(ttft_ms)) as ttft_ms from requests \
         where ttft_ms is not null and time_ms > {since}"
    );
    let data = found.ask(watch, &query)?;
    let row = &table(&data)[0];
    let (slow, n) = (number(&row[0]), number(&row[1]));
    let says =
        format!("{slow:.0} of {n:.0} answered requests waited more than 3 s for their first token ({selection}).");
    found.fact(says, query, data["rows"].clone());
    Ok(0.0 < slow && slow < n)
}

/// In what a selection differs most from the rest, of what requests bring with them.
fn shared(watch: &mut Watch, found: &mut Found, selection: &str) -> Result<(), String> {
    let query = format!("compare {selection}");
    // Where one side is empty there is nothing to compare, and the other facts stand.
    let data = match found.ask(watch, &query) {
        Ok(data) => data,
        Err(why) => {
            let why = why.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_string();
            found.fact(format!("They could not be compared with the rest: {why}."), query, Value::Array(Vec::new()));
            return Ok(());
        }
    };
    let brought = |d: &&Value| d["dimension"].as_str().is_some_and(|name| BROUGHT.split(' ').any(|b| b == name));
    let differences: Vec<Value> =
        data["differences"].as_array().into_iter().flatten().filter(brought).take(TOP).cloned().collect();
    let of = |d: &Value| {
        let share = |name: &str| number(&d[name]) * 100.0;
        format!(
            "{} {} ({:.0} % of them, {:.0} % of the rest)",
            word(&d["dimension"]),
            word(&d["value"]),
            share("inside"),
            share("outside")
        )
    };
    let list: Vec<String> = differences.iter().map(of).collect();
    let says = match list.is_empty() {
        true => "They differ from the rest in nothing that they bring with them.".to_string(),
        false => format!("They differ most from the rest in {}.", list.join("; ")),
    };
    found.fact(says, query, Value::Array(differences));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_a_question_is_about() {
        assert_eq!(topics("who sends it?"), [Topic::Who]);
        assert_eq!(topics("What is the error"), [Topic::Errors]);
        assert_eq!(topics("which exceptions do accounts get"), [Topic::Who, Topic::Errors]);
        assert_eq!(topics("are requests slow"), [Topic::Slow]);
        assert!(topics("?").is_empty());
    }

    #[test]
    fn a_template_is_the_line_that_names_what_happened() {
        let body = "POST /v1 500\nTraceback\n  File \"a.py\", line 88\nIndexError: 22 of 20\n";
        assert_eq!(template(body), "IndexError: # of #");
        assert_eq!(template(""), "");
    }
}
