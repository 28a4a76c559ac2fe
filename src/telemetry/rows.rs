//! The wide tables of requests and accounts: what each column is called, means and reads.
//!
//! One list a table is the source of the SQL schema, of comparisons, of completion and of help.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::sim::client::Outcome;
use crate::sim::ids::AccountId;
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::workload::Tier;
use crate::sim::workload::accounts::Account;
use crate::sim::world::recording::{AttemptRow, Reason};
use crate::telemetry::scene::{REGION, Scene};

/// A value in a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing is known, or nothing applies.
    Null,
    /// A whole number.
    Int(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(Cow<'static, str>),
}

impl Cell {
    /// Text that is made for this cell.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(Cow::Owned(text.into()))
    }

    /// Text that stands in the program.
    pub const fn word(word: &'static str) -> Cell {
        Cell::Text(Cow::Borrowed(word))
    }

    /// Text, or nothing.
    pub fn maybe(text: Option<impl Into<String>>) -> Cell {
        text.map_or(Cell::Null, Cell::text)
    }

    /// Bytes that it takes to show it, about.
    pub fn size(&self) -> usize {
        match self {
            Cell::Null => 4,
            Cell::Int(_) | Cell::Real(_) => 8,
            Cell::Text(text) => text.len(),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Null => f.pad("NULL"),
            Cell::Int(number) => f.pad(&number.to_string()),
            Cell::Real(number) => f.pad(&number.to_string()),
            Cell::Text(text) => f.pad(text),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Null => serializer.serialize_none(),
            Cell::Int(number) => serializer.serialize_i64(*number),
            Cell::Real(number) => serializer.serialize_f64(*number),
            Cell::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// What SQLite calls the type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum SqlType {
    /// Text.
    #[serde(rename = "TEXT")]
    Text,
    /// Whole numbers.
    #[serde(rename = "INTEGER")]
    Integer,
    /// Numbers.
    #[serde(rename = "REAL")]
    Real,
}

/// How the values of a column are told apart when rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Names something: each value by itself.
    Name,
    /// Measures or counts something: by orders of magnitude.
    Measure,
    /// Differs from row to row by design, or says the same as another column.
    Key,
}

/// A column of a table whose rows are `R`.
#[derive(Clone, Copy, Debug)]
pub struct Column<R: 'static> {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub sql: SqlType,
    /// The unit of its values; empty: none.
    pub unit: &'static str,
    /// What it says.
    pub meaning: &'static str,
    /// How its values are told apart.
    pub kind: Kind,
    /// Reads it.
    pub read: fn(&R, &Scene) -> Cell,
}

impl<R> Column<R> {
    pub(crate) const fn new(
        kind: Kind,
        sql: SqlType,
        name: &'static str,
        unit: &'static str,
        meaning: &'static str,
        read: fn(&R, &Scene) -> Cell,
    ) -> Self {
        Column { name, sql, unit, meaning, kind, read }
    }

    /// A column of names.
    pub(crate) const fn name(name: &'static str, meaning: &'static str, read: fn(&R, &Scene) -> Cell) -> Self {
        Column::new(Kind::Name, SqlType::Text, name, "", meaning, read)
    }

    /// A column of ids.
    pub(crate) const fn key(name: &'static str, meaning: &'static str, read: fn(&R, &Scene) -> Cell) -> Self {
        Column::new(Kind::Key, SqlType::Text, name, "", meaning, read)
    }

    /// A column of counts.
    pub(crate) const fn count(
        name: &'static str,
        unit: &'static str,
        meaning: &'static str,
        read: fn(&R, &Scene) -> Cell,
    ) -> Self {
        Column::new(Kind::Measure, SqlType::Integer, name, unit, meaning, read)
    }

    /// A column of spans in milliseconds.
    const fn span(name: &'static str, meaning: &'static str, read: fn(&R, &Scene) -> Cell) -> Self {
        Column::new(Kind::Measure, SqlType::Real, name, "ms", meaning, read)
    }
}

/// The columns of `requests` beside `row`, `time` and `time_ms`: one row for each attempt that a gateway is done with.
pub const REQUESTS: &[Column<AttemptRow>] = &[
    Column::key("ended", "the gateway was done with it (the row is written then)", |r, s| {
        Cell::text(s.calendar.iso(r.ended))
    }),
    Column::key("request_id", "names the attempt", |r, s| Cell::text(s.request(r.serial))),
    Column::key("idempotency_key", "the client's name for what its user wants, the same on every try", |r, s| {
        Cell::text(s.intent(r.intent))
    }),
    Column::key("trace_id", "names the trace, if it was sampled", |r, s| Cell::text(s.trace(r.intent))),
    Column::name("account", "who asked", |r, s| Cell::text(s.account(r.account))),
    Column::name("tier", "what the account pays for: enterprise, paid, free, batch", |r, _| Cell::word(tier(r.tier))),
    Column::name("client", "the client program", |r, s| Cell::text(s.client(r.client, r.released).0)),
    Column::name("client_version", "the version that it says it has", |r, s| {
        Cell::text(s.client(r.client, r.released).1)
    }),
    Column::name("template", "prompts that begin alike have it in common", |r, s| {
        Cell::text(s.template(r.source, r.template))
    }),
    Column::name("model", "the model asked", |r, s| Cell::text(s.model(r.model))),
    Column::name("pool", "the pool of replicas that it went to, if it got that far", |r, s| {
        Cell::maybe(r.replica.and_then(|replica| s.pool_of(replica)))
    }),
    Column::new(Kind::Key, SqlType::Text, "region", "", "the region of the gateway", |_, _| Cell::word(REGION)),
    Column::name("gateway", "the pod of the gateway", |r, s| Cell::text(s.gateway(r.gateway))),
    Column::name("replica", "the pod of the replica that was called last", |r, s| {
        Cell::maybe(r.replica.map(|replica| s.pod(replica)))
    }),
    Column::count(
        "retry_count",
        "tries",
        "the client's own count of its tries before this one, from its header",
        |r, _| Cell::Int(i64::from(r.retry_count)),
    ),
    Column::count("turn_restart", "restarts", "times that the agent framework began the turn anew before", |r, _| {
        Cell::Int(i64::from(r.restarts))
    }),
    Column::count("prompt_tokens", "tokens", "length of the prompt", |r, _| Cell::Int(i64::from(r.prompt_tokens))),
    Column::count("cached_tokens", "tokens", "of the prompt, found in a cache", |r, _| {
        Cell::Int(r.cached_tokens.iter().map(|t| i64::from(*t)).sum())
    }),
    Column::count("cached_hbm_tokens", "tokens", "of these, in the replica's accelerator memory", |r, _| {
        Cell::Int(i64::from(r.cached_tokens[0]))
    }),
    Column::count("cached_host_tokens", "tokens", "of these, in the replica's host memory", |r, _| {
        Cell::Int(i64::from(r.cached_tokens[1]))
    }),
    Column::count("cached_remote_tokens", "tokens", "of these, in the shared cache tier", |r, _| {
        Cell::Int(i64::from(r.cached_tokens[2]))
    }),
    Column::count("output_tokens", "tokens", "tokens written", |r, _| Cell::Int(i64::from(r.output_tokens))),
    Column::count("images", "images", "images that came with it", |r, _| Cell::Int(i64::from(r.images))),
    Column::name("parameters", "what it asks for besides an answer: logprobs, schema, or both", |r, _| {
        Cell::word(match (r.params.logprobs, r.params.schema) {
            (false, false) => "",
            (true, false) => "logprobs",
            (false, true) => "schema",
            (true, true) => "logprobs,schema",
        })
    }),
    Column::new(Kind::Name, SqlType::Integer, "status", "", "HTTP status; 499: the client had closed", |r, _| {
        Cell::Int(i64::from(r.status()))
    }),
    Column::name("error", "why it failed, in the gateway's words", |r, _| error(r).map_or(Cell::Null, Cell::word)),
    Column::name("stream", "complete, cut_by_server (after a 200), closed_by_client, or none", |r, _| {
        Cell::word(stream(r))
    }),
    Column::span("ttft_ms", "from arrival to the first token", |r, _| between(Some(r.arrived), r.first_token)),
    Column::span("longest_gap_ms", "longest time between two tokens", |r, _| {
        r.first_token.map_or(Cell::Null, |_| ms(r.longest_gap))
    }),
    Column::span("queue_ms", "from arrival until a worker of the gateway took it up", |r, _| {
        between(Some(r.arrived), r.started)
    }),
    Column::span("auth_ms", "the question who asks", |r, _| between(r.parsed, r.authenticated)),
    Column::span("images_ms", "decoding of its images", |r, _| match r.images {
        0 => Cell::Null,
        _ => between(r.authenticated, r.forwarded),
    }),
    Column::span("upstream_ms", "from the first call of a replica to the end", |r, _| {
        between(r.forwarded, Some(r.ended))
    }),
    Column::span("total_ms", "from arrival to the end", |r, _| between(Some(r.arrived), Some(r.ended))),
    Column::count("calls", "calls", "calls of replicas made for it, the gateway's own retries included", |r, _| {
        Cell::Int(i64::from(r.calls))
    }),
];

/// The columns of `accounts` beside `account`.
pub const ACCOUNTS: &[Column<Account>] = &[
    Column::key("created_at", "when it was created", |a, s| {
        Cell::text(iso(s.calendar.unix_ms(s.open_at) - (a.created_days_before * 86_400e3) as i64))
    }),
    Column::new(Kind::Measure, SqlType::Real, "age_days", "days", "its age when this watch began", |a, _| {
        Cell::Real((a.created_days_before * 1e3).floor() / 1e3)
    }),
    Column::name("tier", "what it pays for: enterprise, paid, free, batch", |a, _| Cell::word(tier(a.tier))),
    Column::name("payment", "how it pays", |a, _| Cell::text(a.payment.as_str())),
    Column::name("device", "fingerprint of the device that it was last used from", |a, s| {
        Cell::text(format!("dev_{:010x}", s.opaque(7, a.device) & 0xff_ffff_ffff))
    }),
];

/// The account of a number. All were created before the opening.
pub fn account(scene: &Scene, number: usize) -> Option<Account> {
    scene.accounts.account(AccountId(u32::try_from(number).ok()?))
}

/// As in the column.
pub fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Enterprise => "enterprise",
        Tier::Paid => "paid",
        Tier::Free => "free",
        Tier::Batch => "batch",
    }
}

/// Why an attempt failed, in the words of a gateway's log; none if it did not.
pub fn error(row: &AttemptRow) -> Option<&'static str> {
    let status = row.status();
    if row.outcome == Outcome::Ok && status == 200 {
        return None;
    }
    if status == 499 {
        return Some("client_closed_request");
    }
    Some(match row.reason {
        Reason::None => match (row.outcome, status) {
            (Outcome::StreamCut, _) => "upstream_reset",
            (_, 400) => "invalid_request",
            (_, 401) => "unauthorized",
            (_, 403) => "forbidden",
            (_, 408) => "request_timeout",
            (_, 413) => "request_too_large",
            (_, 429) => "rate_limited",
            (_, 502) => "bad_gateway",
            (_, 503) => "unavailable",
            (_, 504) => "upstream_timeout",
            (_, 529) => "overloaded",
            _ => "internal_error",
        },
        Reason::Blocked => "account_blocked",
        Reason::Shed => "overloaded",
        Reason::RateLimited => "rate_limited",
        Reason::WorkersBusy => "worker_queue_full",
        Reason::AuthTimeout => "auth_timeout",
        Reason::FlagException(_) | Reason::DecoderException => "unhandled_exception",
        Reason::TooLong => "prompt_too_long",
        Reason::ImageLimit => "image_limit",
        Reason::ImagesOff => "images_off",
        Reason::DecodersBusy => "decoder_queue_full",
        Reason::NoReplica => "no_healthy_upstream",
        Reason::Certificate => "upstream_tls_error",
        Reason::ReplicaGone => "upstream_reset",
        Reason::ReplicaError | Reason::LoadFailed => "upstream_error",
        Reason::ReplicaFull => "upstream_overloaded",
        Reason::UpstreamTimeout => "upstream_timeout",
    })
}

/// What became of the stream of tokens.
fn stream(row: &AttemptRow) -> &'static str {
    match (row.first_token, row.outcome, row.client_waited) {
        (_, Outcome::StreamCut, true) => "cut_by_server",
        (_, Outcome::Ok, true) => "complete",
        (None, ..) => "none",
        (Some(_), _, false) => "closed_by_client",
        (Some(_), _, true) => "cut_by_server",
    }
}

/// Milliseconds, to the microsecond.
pub(crate) fn ms(span: SimDuration) -> Cell {
    Cell::Real((span.0 / 1000) as f64 / 1000.0)
}

fn between(from: Option<SimTime>, to: Option<SimTime>) -> Cell {
    from.zip(to).map_or(Cell::Null, |(from, to)| ms(to.since(from)))
}

/// Milliseconds since 1970 as in `2026-03-03T14:05:31.042Z`, of the years from 0 to 9999.
pub fn iso(unix_ms: i64) -> String {
    let (day, ms) = (unix_ms.div_euclid(86_400_000), unix_ms.rem_euclid(86_400_000));
    let (year, month, date) = civil(day);
    let (h, m, s, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    // One is made for every row that is found by its moment: digits by hand take a tenth of `format!`.
    let mut text = String::with_capacity(24);
    let parts = [(year, 4, '-'), (month, 2, '-'), (date, 2, 'T'), (h, 2, ':'), (m, 2, ':'), (s, 2, '.'), (ms, 3, 'Z')];
    for (number, width, after) in parts {
        let mut unit = 10_i64.pow(width - 1);
        while 0 < unit {
            text.push(char::from(b'0' + (number / unit).rem_euclid(10) as u8));
            unit /= 10;
        }
        text.push(after);
    }
    text
}

/// Year, month and day of month of a day since 1970 (proleptic Gregorian; Hinnant, "chrono-compatible low-level date
/// algorithms").
pub(crate) fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    (year + era * 400 + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::calendar::Calendar;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let calendar = Calendar::new("2024-02-29", "23:59:59", SimTime::ZERO).expect("a date");
        for hours in [0u64, 1, 24, 24 * 366, 24 * 3000] {
            let at = SimTime(hours * 3_600_000_000_000 + 1_042_000_000);
            assert_eq!(iso(calendar.unix_ms(at)), calendar.iso(at));
        }
        assert_eq!(iso(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn names_of_columns_are_unique() {
        let mut names: Vec<&str> = REQUESTS.iter().map(|c| c.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REQUESTS.len());
    }
}
