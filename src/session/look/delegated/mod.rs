//! The assistant looks: it runs queries, groups, joins and compares, and says what came of them, each with the query that
//! anybody can run. It counts and never claims a cause. It knows tables and columns, and no scenario.

mod question;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::session::look::delegated::question::{Question, Task, Which};
use crate::session::look::{Answer, Seen, rows};
use crate::telemetry::compare::is_brought;
use crate::telemetry::watch::Watch;

/// Rows and lines of so many seconds before now count.
const WINDOW_S: i64 = 900;
/// Log lines that are read for their templates.
const LINES: usize = 400;
/// So much of a line is told.
const MOST_TEXT: usize = 160;
/// So many groups of each kind are told.
const TOP: usize = 3;
/// Slow is slower than this, as the panel of first tokens marks it.
const SLOW_MS: u32 = 3000;
/// Fewer accounts than this made together are chance.
const TOGETHER: f64 = 20.0;

/// Minutes go back so many seconds.
const BACK_S: i64 = 3600;
/// And the change log.
const CHANGES_S: i64 = 7200;
/// Requests of so many last seconds may still be under way, and have no row yet.
const OPEN_S: i64 = 90;
/// The present is so many seconds before that.
const RECENT_S: i64 = 180;
/// Minutes whose means differ by less than this are alike.
const APART: f64 = 1.3;
/// Fewer than so many a minute are no beginning of anything.
const BEGINS: f64 = 2.0;
/// So many more have to be late or leave before they are asked for instead of errors.
const ERRORS_FIRST: f64 = 20.0;
/// Requests that their clients closed before the answer was complete.
const CLOSED: &str = "(status = 499 or stream = 'closed_by_client')";

/// More dimensions than requests have.
pub(in crate::session) const ALL_DIMENSIONS: usize = 100;

/// What it says where no word of a question is known to it.
const NOT_UNDERSTOOD: &str = "I know no look for that question. I can look up how requests fare, which errors there are, what the logs \
                              say, who sends something and from which devices, when it began, how much is asked, what was \
                              changed, in what requests differ from the rest, and any of them by a column; here is what fails \
                              and what it shares.\n";
/// And where it is asked for those who do not.
const NEGATED: &str = "I count those who do, and not those who do not.\n";

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

/// Requests of a kind that the question is about.
struct Selection {
    /// As SQL has it.
    sql: String,
    /// In words.
    words: String,
    /// How many there are.
    n: f64,
}

/// How many requests fared in which way.
#[derive(Default)]
struct Fates {
    all: f64,
    failed: f64,
    closed: f64,
    slow: f64,
    retried: f64,
}

/// Answers a question.
///
/// # Errors
/// The tables cannot be asked.
pub fn answer(watch: &mut Watch, question: &str) -> Result<Answer, String> {
    let since = watch.scene.calendar.unix_ms(watch.world.now()) - WINDOW_S * 1000;
    let mut found = Found::default();
    let asked = Question::read(question);
    let is_known = !asked.tasks.is_empty();
    let tasks = if is_known { asked.tasks.clone() } else { vec![Task::Errors, Task::Shared] };
    let fates = fates(watch, &mut found, since)?;
    let selection = selected(watch, &mut found, &asked.which, &fates, since)?;
    for task in &tasks {
        match task {
            Task::Changes => changes(watch, &mut found)?,
            Task::Volume => {
                volume(watch, &mut found)?;
                for column in ["client", "template", "tier"] {
                    grown(watch, &mut found, column)?;
                }
            }
            Task::Logs => lines_by_level(watch, &mut found, since)?,
            Task::Errors => templates(watch, &mut found, since)?,
            _ => {}
        }
        // Of none there is no more to be said.
        if selection.n == 0.0 {
            continue;
        }
        let sql = selection.sql.as_str();
        match task {
            Task::Who => who(watch, &mut found, sql)?,
            Task::Devices => devices(watch, &mut found, sql)?,
            Task::When => began(watch, &mut found, &selection, since)?,
            Task::By(column) => grouped(watch, &mut found, sql, column)?,
            Task::Errors if is_known => {
                grouped(watch, &mut found, sql, "images")?;
                grouped(watch, &mut found, sql, "template")?;
            }
            Task::Shared if selection.n < fates.all => shared(watch, &mut found, sql)?,
            _ => {}
        }
    }
    let mut seen = found.seen.unwrap_or_default();
    seen.features.sort();
    seen.features.dedup();
    let lines = found.facts.iter().zip(1..).map(|(fact, n)| format!("{n}. {}\n   {}", fact.says, fact.query));
    let facts = lines.collect::<Vec<_>>().join("\n");
    let read = if is_known { asked.words(&selection.words) + "\n" } else { NOT_UNDERSTOOD.to_string() };
    let negated = if asked.is_negated { NEGATED } else { "" };
    let data: Vec<Value> =
        found.facts.iter().map(|f| json!({ "says": f.says, "query": f.query, "rows": f.rows })).collect();
    Ok(Answer {
        title: format!("ask-look {question}"),
        text: format!("{read}{negated}{facts}"),
        data: json!({ "read_as": read.trim(), "facts": data }),
        seen,
    })
}

/// How requests fared, all of them.
fn fates(watch: &mut Watch, found: &mut Found, since: i64) -> Result<Fates, String> {
    let query = format!(
        "select count(*) as n, sum(status >= 400 and status <> 499) as failed, sum({CLOSED}) as closed, \
         sum(coalesce(ttft_ms, 0) > {SLOW_MS}) as slow, sum(retry_count > 0) as retries from requests where time_ms > {since}"
    );
    let data = found.ask(watch, &query)?;
    let row = &table(&data)[0];
    let of = |place: usize| number(&row[place]);
    let fates = Fates { all: of(0), failed: of(1), closed: of(2), slow: of(3), retried: of(4) };
    let says = format!(
        "Of {:.0} requests that gateways were done with in the last 15 minutes {:.0} were answered with an error, {:.0} closed by \
         their clients before the end, {:.0} waited more than 3 s for a first token; {:.0} were tries after a first one.",
        fates.all, fates.failed, fates.closed, fates.slow, fates.retried
    );
    found.fact(says, query, data["rows"].clone());
    Ok(fates)
}

/// The requests that a question is about. "It" is what most requests suffer; an error says more than a delay, and is taken
/// before one that is not much more frequent.
fn selected(
    watch: &mut Watch,
    found: &mut Found,
    which: &Which,
    fates: &Fates,
    since: i64,
) -> Result<Selection, String> {
    let most = fates.closed.max(fates.slow);
    let which = match which {
        Which::Worst if 0.0 < fates.failed && most <= ERRORS_FIRST * fates.failed => Which::Failed,
        Which::Worst if 0.0 < most && fates.slow <= fates.closed => Which::Closed,
        Which::Worst => Which::Slow,
        other => other.clone(),
    };
    let (condition, words, n) = match which {
        Which::Failed | Which::Worst => {
            let (error, n) = worst(watch, found, since)?.unwrap_or_default();
            let condition = format!("error = '{}' and status >= 400 and status <> 499", error.replace('\'', "''"));
            let words = if error.is_empty() {
                "requests that failed: none".to_string()
            } else {
                format!("requests that failed with {error}")
            };
            (condition, words, n)
        }
        Which::Closed => (CLOSED.to_string(), "requests that their clients closed".to_string(), fates.closed),
        Which::Slow => (
            format!("ttft_ms > {SLOW_MS}"),
            "requests that waited more than 3 s for a first token".to_string(),
            fates.slow,
        ),
        Which::Retried => ("retry_count > 0".to_string(), "tries after a first one".to_string(), fates.retried),
        Which::Images(count) => {
            let condition = format!("images = {count}");
            let query = format!(
                "select count(*) as n, {count} as images from requests where {condition} and time_ms > {since}"
            );
            let data = found.ask(watch, &query)?;
            let n = number(&table(&data)[0][0]);
            let of = if count == 1 { "1 image".to_string() } else { format!("{count} images") };
            found.fact(format!("{n:.0} requests came with {of}."), query, data["rows"].clone());
            (condition, format!("requests with {of}"), n)
        }
        Which::All => ("1 = 1".to_string(), "all requests".to_string(), fates.all),
    };
    Ok(Selection { sql: format!("{condition} and time_ms > {since}"), words, n })
}

/// How requests failed, and the name of the failure that most had, with how many.
fn worst(watch: &mut Watch, found: &mut Found, since: i64) -> Result<Option<(String, f64)>, String> {
    let query = format!(
        "select error, status, count(*) as n, count(distinct account) as accounts from requests \
         where error is not null and status >= 400 and status <> 499 and time_ms > {since} group by 1, 2 order by n desc limit 5"
    );
    let data = found.ask(watch, &query)?;
    let of = |row: &Value| format!("{} with {} ({}), of {} accounts", row[2], word(&row[0]), row[1], row[3]);
    let list: Vec<String> = table(&data).iter().take(TOP).map(of).collect();
    let first = table(&data).first().map(|row| (word(&row[0]), number(&row[2])));
    if !list.is_empty() {
        found.fact(format!("They failed in these ways: {}.", list.join("; ")), query, data["rows"].clone());
    }
    Ok(first)
}

/// How many lines of each level services wrote.
fn lines_by_level(watch: &mut Watch, found: &mut Found, since: i64) -> Result<(), String> {
    let query = format!(
        "select service, level, count(*) as n from logs where time_ms > {since} group by 1, 2 order by level = 'INFO', n desc limit 6"
    );
    let data = found.ask(watch, &query)?;
    let list: Vec<String> =
        table(&data).iter().map(|row| format!("{} {} of {}", row[2], word(&row[1]), word(&row[0]))).collect();
    let says = match list.is_empty() {
        true => "Nobody wrote a line in the last 15 minutes.".to_string(),
        false => format!("Lines of the last 15 minutes: {}.", list.join(", ")),
    };
    found.fact(says, query, data["rows"].clone());
    templates(watch, found, since)?;
    alike(watch, found, "WARN", since)
}

/// What was changed last.
fn changes(watch: &mut Watch, found: &mut Found) -> Result<(), String> {
    let now = watch.scene.calendar.unix_ms(watch.world.now());
    let since = now - CHANGES_S * 1000;
    let query = format!(
        "select substr(time, 12, 5) as at, id, service, title, author from changes where time_ms > {since} and \
         time_ms <= {now} order by time_ms desc limit 6"
    );
    let data = found.ask(watch, &query)?;
    let of = |row: &Value| {
        format!("at {} {} of {}: {} ({})", word(&row[0]), word(&row[1]), word(&row[2]), word(&row[3]), word(&row[4]))
    };
    let list: Vec<String> = table(&data).iter().map(of).collect();
    let says = match list.is_empty() {
        true => "Nothing was changed in the last two hours.".to_string(),
        false => format!("Changed in the last two hours, the newest first: {}.", list.join("; ")),
    };
    found.fact(says, query, data["rows"].clone());
    Ok(())
}

/// A row of minutes in two parts, where they differ most: place of the first of the second part, and whether the means are
/// so far apart that it can be called a beginning.
fn parted(counts: &[f64]) -> Option<(usize, bool)> {
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let gain = |at: &usize| {
        let (before, after) = counts.split_at(*at);
        let apart = mean(before) - mean(after);
        apart * apart * (before.len() * after.len()) as f64
    };
    let best = (2..counts.len().saturating_sub(1)).max_by(|a, b| gain(a).total_cmp(&gain(b)))?;
    let (before, after) = (mean(&counts[..best]), mean(&counts[best..]));
    let (low, high) = (before.min(after), before.max(after));
    Some((best, BEGINS < high && low * APART < high))
}

/// What a row of minutes did, in a sentence; a minute is its name and its count.
fn by_minute(what: &str, minutes: &[(String, f64)]) -> String {
    let counts: Vec<f64> = minutes.iter().map(|(_, n)| *n).collect();
    let range = |part: &[f64]| {
        let (low, high) = part.iter().fold((f64::MAX, 0.0_f64), |(low, high), n| (low.min(*n), high.max(*n)));
        if low == high { format!("{low:.0}") } else { format!("{low:.0} to {high:.0}") }
    };
    let (Some((first, _)), Some((last, _))) = (minutes.first(), minutes.last()) else {
        return format!("{what}: no minute has any.");
    };
    match parted(&counts) {
        Some((at, true)) => format!(
            "{what}: {} a minute from {first} until {}, {} a minute from {} until {last}.",
            range(&counts[..at]),
            minutes[at - 1].0,
            range(&counts[at..]),
            minutes[at].0
        ),
        _ => format!("{what}: {} a minute from {first} until {last}; no minute stands out.", range(&counts)),
    }
}

/// The minutes of an answer, without the first and the last, which are not whole.
fn minutes(data: &Value, place: usize) -> Vec<(String, f64)> {
    let rows = table(data);
    let whole = rows.get(1..rows.len().saturating_sub(1)).unwrap_or_default();
    whole.iter().map(|row| (word(&row[0]), number(&row[place]))).collect()
}

/// When requests of a selection began.
fn began(watch: &mut Watch, found: &mut Found, of: &Selection, since: i64) -> Result<(), String> {
    let condition = of.sql.split(" and time_ms > ").next().unwrap_or("1 = 1");
    let since = since - (BACK_S - WINDOW_S) * 1000;
    let query = format!(
        "select substr(time, 12, 5) as minute, sum(coalesce({condition}, 0)) as n, count(*) as requests from requests \
         where time_ms > {since} group by 1 order by min(time_ms)"
    );
    let data = found.ask(watch, &query)?;
    let words: String = of.words.chars().take(1).flat_map(char::to_uppercase).chain(of.words.chars().skip(1)).collect();
    found.fact(by_minute(&words, &minutes(&data, 1)), query, data["rows"].clone());
    Ok(())
}

/// How much is asked: what users want once, and every try at it. A row is written when a request is done with, so that the
/// last minutes are not whole yet.
fn volume(watch: &mut Watch, found: &mut Found) -> Result<(), String> {
    let now = watch.scene.calendar.unix_ms(watch.world.now());
    let (since, until) = (now - BACK_S * 1000, now - OPEN_S * 1000);
    let tries = format!(
        "select substr(time, 12, 5) as minute, count(*) as tries, sum(retry_count > 0) as retries from requests \
         where time_ms > {since} and time_ms < {until} group by 1 order by min(time_ms)"
    );
    let data = found.ask(watch, &tries)?;
    found.fact(by_minute("Requests, every try counted", &minutes(&data, 1)), tries, data["rows"].clone());
    let wanted = format!(
        "select minute, count(*) as wanted from (select substr(min(time), 12, 5) as minute, min(time_ms) as first from requests \
         where time_ms > {since} and time_ms < {until} group by idempotency_key) group by 1 order by min(first)"
    );
    let data = found.ask(watch, &wanted)?;
    found.fact(by_minute("Unique requests, by their first try", &minutes(&data, 1)), wanted, data["rows"].clone());
    Ok(())
}

/// Who asks for more than before: first tries a minute by a column, in the minutes from the beginning of the rise against those
/// before it.
fn grown(watch: &mut Watch, found: &mut Found, by: &str) -> Result<(), String> {
    let now = watch.scene.calendar.unix_ms(watch.world.now());
    let (since, until) = (now - BACK_S * 1000, now - OPEN_S * 1000);
    let recent = until - RECENT_S * 1000;
    let minutes = RECENT_S / 60;
    let query = format!(
        "select {by}, round(sum(time_ms >= {recent}) / {minutes}.0, 1) as now, round(sum(time_ms < {recent}) * 60000.0 / \
         ({recent} - (select min(time_ms) from requests where time_ms > {since})), 1) as before from requests \
         where time_ms > {since} and time_ms < {until} and retry_count = 0 group by 1 order by now - before desc, 1 limit 5"
    );
    let data = found.ask(watch, &query)?;
    let rose = |row: &&Value| BEGINS < number(&row[1]) - number(&row[2]) && number(&row[2]) * APART < number(&row[1]);
    let list: Vec<String> = (table(&data).iter().filter(rose).take(TOP))
        .map(|row| format!("{} from {} to {} a minute", word(&row[0]), row[2], row[1]))
        .collect();
    let says = match list.is_empty() {
        true => format!("By {by}: nobody's first tries rose."),
        false => format!("First tries rose most, by {by}: {}.", list.join("; ")),
    };
    found.fact(says, query, data["rows"].clone());
    Ok(())
}

/// From which devices the accounts of a selection were last used.
fn devices(watch: &mut Watch, found: &mut Found, selection: &str) -> Result<(), String> {
    let query = format!(
        "select count(*) as accounts, count(distinct device) as devices from accounts where account in (select account \
         from requests where {selection})"
    );
    let data = found.ask(watch, &query)?;
    let row = &table(&data)[0];
    found.fact(
        format!("Their {} accounts were last used from {} devices.", row[0], row[1]),
        query,
        data["rows"].clone(),
    );
    let each = format!(
        "select device, count(*) as accounts from accounts where account in (select account from requests where {selection}) \
         group by 1 order by accounts desc, 1 limit 5"
    );
    let data = found.ask(watch, &each)?;
    let list: Vec<String> =
        table(&data).iter().take(TOP).map(|row| format!("{} with {} accounts", word(&row[0]), row[1])).collect();
    found.fact(format!("Devices with most of them: {}.", list.join("; ")), each, data["rows"].clone());
    Ok(())
}

/// What the lines of a log are of, by their last line with every number as `#`.
fn templates(watch: &mut Watch, found: &mut Found, since: i64) -> Result<(), String> {
    alike(watch, found, "ERROR", since)
}

/// The same of a level.
fn alike(watch: &mut Watch, found: &mut Found, level: &str, since: i64) -> Result<(), String> {
    let query = format!(
        "select service, body from logs where level = '{level}' and time_ms > {since} order by time_ms desc limit {LINES}"
    );
    let data = found.ask(watch, &query)?;
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for row in table(&data) {
        *counts.entry((word(&row[0]), template(&word(&row[1])))).or_default() += 1;
    }
    let mut counts: Vec<((String, String), usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let says = match counts.first() {
        None => format!("No log line of level {level} in the last 15 minutes."),
        Some(((service, text), n)) => {
            let more = counts.len() - 1;
            let others = match more {
                0 => String::new(),
                1 => "; 1 other kind".to_string(),
                _ => format!("; {more} other kinds"),
            };
            let text = match text.char_indices().nth(MOST_TEXT) {
                Some((at, _)) => format!("{}...", &text[..at]),
                None => text.clone(),
            };
            let all = table(&data).len();
            format!("Of the last {all} lines of level {level} {n} end alike, in {service}: {text}{others}.")
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
    for c in line.chars() {
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
    let brought = |d: &&Value| {
        d["dimension"].as_str().is_some_and(|column| is_brought(column, d["value"].as_str().unwrap_or_default()))
    };
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
    fn minutes_part_where_something_began() {
        let row = |counts: &[u32]| -> Vec<(String, f64)> {
            counts.iter().zip(1..).map(|(n, minute)| (format!("14:{minute:02}"), f64::from(*n))).collect()
        };
        for (counts, says) in [
            (
                &[2, 3, 2, 4, 60, 70, 66][..],
                "It: 2 to 4 a minute from 14:01 until 14:04, 60 to 70 a minute from 14:05 until 14:07.",
            ),
            (&[50, 48, 55, 60, 51, 49], "It: 48 to 60 a minute from 14:01 until 14:06; no minute stands out."),
            (&[0, 0, 0, 1, 0], "It: 0 to 1 a minute from 14:01 until 14:05; no minute stands out."),
            (&[], "It: no minute has any."),
        ] {
            assert_eq!(by_minute("It", &row(counts)), says);
        }
    }

    #[test]
    fn a_template_is_the_line_that_names_what_happened() {
        let body = "POST /v1 500\nTraceback\n  File \"a.py\", line 88\nIndexError: 22 of 20\n";
        assert_eq!(template(body), "IndexError: # of #");
        assert_eq!(template(""), "");
    }
}
