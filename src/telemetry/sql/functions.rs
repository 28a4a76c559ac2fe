//! Functions of ours in SQL: the simulated moment, dates in SQLite's manner on it, buckets of time, percentiles, regular
//! expressions.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use regex::{Regex, RegexBuilder};
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result};

use crate::telemetry::rows::{civil, iso};

/// Memory that a regular expression may take once it is compiled, in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// Functions of ours are known by these signs: same arguments, same answer, no effect.
pub(crate) fn flags() -> FunctionFlags {
    FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS
}

/// Puts our functions on a connection. `now_ms` is the simulated moment in milliseconds since 1970.
pub(crate) fn install(connection: &Connection, now_ms: &Arc<AtomicI64>) -> Result<()> {
    let add = |name: &str, args: i32, function: fn(&Context<'_>, i64) -> Result<Value>| {
        let now_ms = Arc::clone(now_ms);
        connection.create_scalar_function(name, args, flags(), move |context| {
            function(context, now_ms.load(Ordering::Relaxed))
        })
    };
    add("now", 0, |_, now| Ok(Value::Text(iso(now))))?;
    add("now_ms", 0, |_, now| Ok(Value::Integer(now)))?;
    add("ago", 1, |c, now| {
        let text = text(c, 0)?;
        let span = span_ms(&text).ok_or_else(|| wrong(format!("\"{text}\" is no span: write ago('5m')")))?;
        Ok(Value::Text(iso(now.saturating_sub(span))))
    })?;
    add("at", 1, |c, now| {
        let text = text(c, 0)?;
        let today = &iso(now)[..11];
        let moment = parse(&text).or_else(|| parse(&format!("{today}{text}")));
        let moment = moment.ok_or_else(|| wrong(format!("\"{text}\" is no time of day: write at('14:05')")))?;
        Ok(Value::Text(iso(moment)))
    })?;
    add("bucket", 2, |c, now| {
        let Some(moment) = moment(c, 0, now)? else { return Ok(Value::Null) };
        let width = match c.get_raw(1) {
            ValueRef::Integer(seconds) => seconds.checked_mul(1000),
            ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(span_ms),
            _ => None,
        };
        let width = width.filter(|w| 0 < *w).ok_or_else(|| wrong("write bucket(time, 60) or bucket(time, '1m')"))?;
        Ok(Value::Text(iso(moment.div_euclid(width).saturating_mul(width))))
    })?;
    add("date", -1, |c, now| dated(c, 0, now, |ms| Some(iso(ms)[..10].to_string())))?;
    add("time", -1, |c, now| dated(c, 0, now, |ms| Some(iso(ms)[11..19].to_string())))?;
    add("datetime", -1, |c, now| dated(c, 0, now, |ms| Some(iso(ms))))?;
    add("unixepoch", -1, |c, now| {
        Ok(modified(c, 0, now)?.map_or(Value::Null, |ms| Value::Integer(ms.div_euclid(1000))))
    })?;
    add("strftime", -1, |c, now| {
        if c.is_empty() {
            return Err(wrong("write strftime('%H:%M', time)"));
        }
        let format = text(c, 0)?;
        dated(c, 1, now, |ms| strftime(&format, ms))
    })?;
    add("floor", 1, |c, _| number(c, f64::floor))?;
    add("ceil", 1, |c, _| number(c, f64::ceil))?;
    connection.create_scalar_function("regexp", 2, flags(), |context| {
        let regex = context.get_or_create_aux(0, |pattern| -> std::result::Result<Regex, String> {
            regex(pattern.as_str().map_err(|_| "REGEXP wants text")?)
        })?;
        Ok(match context.get_raw(1) {
            ValueRef::Text(text) => Some(regex.is_match(&String::from_utf8_lossy(text))),
            _ => None,
        })
    })?;
    connection.create_aggregate_function("percentile", 2, flags(), Percentile(None))?;
    for (name, percent) in [("median", 50.0), ("p50", 50.0), ("p95", 95.0), ("p99", 99.0)] {
        connection.create_aggregate_function(name, 1, flags(), Percentile(Some(percent)))?;
    }
    Ok(())
}

/// A regular expression as a participant writes it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn regex(pattern: &str) -> std::result::Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(REGEX_SIZE).build().map_err(|e| {
        let last = e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
        format!("\"{pattern}\" is no regular expression: {last}")
    })
}

fn wrong(message: impl Into<String>) -> Error {
    Error::UserFunctionError(message.into().into())
}

fn text(context: &Context<'_>, place: usize) -> Result<String> {
    match context.get_raw(place) {
        ValueRef::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Integer(number) => Ok(number.to_string()),
        _ => Ok(String::new()),
    }
}

fn number(context: &Context<'_>, function: fn(f64) -> f64) -> Result<Value> {
    Ok(match context.get_raw(0) {
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(function(number)),
        _ => Value::Null,
    })
}

/// The moment in an argument, in milliseconds since 1970: text as SQLite takes it, or a number of seconds or
/// milliseconds since 1970. None for NULL and for what is no moment.
fn moment(context: &Context<'_>, place: usize, now_ms: i64) -> Result<Option<i64>> {
    const LARGEST: i64 = 253_402_300_799_999; // the end of the year 9999
    let moment = match context.get_raw(place) {
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) if text.eq_ignore_ascii_case("now") => Some(now_ms),
            Ok(text) => parse(text),
            Err(_) => None,
        },
        ValueRef::Integer(n) if 100_000_000_000 < n => Some(n),
        ValueRef::Integer(n) => n.checked_mul(1000),
        ValueRef::Real(n) if n.is_finite() => Some((n * 1000.0) as i64),
        _ => None,
    };
    Ok(moment.filter(|ms| (-LARGEST..=LARGEST).contains(ms)))
}

/// The moment in an argument, moved by the modifiers after it.
fn modified(context: &Context<'_>, place: usize, now_ms: i64) -> Result<Option<i64>> {
    if context.len() <= place {
        return Ok(Some(now_ms));
    }
    let Some(mut ms) = moment(context, place, now_ms)? else { return Ok(None) };
    for place in place + 1..context.len() {
        let text = text(context, place)?.to_ascii_lowercase();
        ms = match text.as_str() {
            "unixepoch" | "auto" | "utc" | "subsec" | "subsecond" => ms,
            "start of day" => ms.div_euclid(86_400_000) * 86_400_000,
            _ => {
                let (sign, rest) = match text.strip_prefix('-') {
                    Some(rest) => (-1, rest),
                    None => (1, text.strip_prefix('+').unwrap_or(&text)),
                };
                let span = span_ms(rest).ok_or_else(|| {
                    wrong(format!("\"{text}\" is no modifier here: write '-5 minutes' or 'start of day'"))
                })?;
                ms.saturating_add(sign * span)
            }
        };
    }
    Ok(Some(ms).filter(|ms| (-62_135_596_800_000..253_402_300_800_000).contains(ms)))
}

fn dated(context: &Context<'_>, place: usize, now_ms: i64, show: impl FnOnce(i64) -> Option<String>) -> Result<Value> {
    Ok(modified(context, place, now_ms)?.and_then(show).map_or(Value::Null, Value::Text))
}

/// Milliseconds of a span as in `5m`, `90 seconds`, `2 hours`; a bare number is seconds.
pub(crate) fn span_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim() {
        "ms" | "millisecond" | "milliseconds" => 1.0,
        "" | "s" | "sec" | "second" | "seconds" => 1e3,
        "m" | "min" | "minute" | "minutes" => 60e3,
        "h" | "hour" | "hours" => 3600e3,
        "d" | "day" | "days" => 86_400e3,
        _ => return None,
    };
    let ms = number.parse::<f64>().ok()? * unit;
    (ms < 1e14).then_some(ms as i64)
}

/// Milliseconds since 1970 of `2026-03-03`, `2026-03-03T14:05`, with seconds, with a fraction, with a blank for the T.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches(['Z', 'z']);
    let (date, time) = text.split_at_checked(10).unwrap_or((text, ""));
    let mut parts = date.split('-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_since_1970(year, month, day);
    if civil(days) != (year, month, day) {
        return None;
    }
    if time.is_empty() {
        return Some(days * 86_400_000);
    }
    let mut parts = time.strip_prefix(['T', 't', ' '])?.splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (second, fraction) = parts.next().map_or(("00", ""), |s| s.split_once('.').unwrap_or((s, "")));
    let second = digits(second, 2)?;
    if 23 < hour || 59 < minute || 59 < second || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let ms = fraction.bytes().chain(*b"000").take(3).fold(0, |ms, b| ms * 10 + i64::from(b - b'0'));
    Some(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + ms)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// The inverse of [`civil`].
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if 2 < month { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The fields that SQLite knows and that are used; none where one is not known.
fn strftime(format: &str, ms: i64) -> Option<String> {
    let iso = iso(ms);
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match rest.next()? {
            'Y' => text.push_str(&iso[..4]),
            'm' => text.push_str(&iso[5..7]),
            'd' => text.push_str(&iso[8..10]),
            'H' => text.push_str(&iso[11..13]),
            'M' => text.push_str(&iso[14..16]),
            'S' => text.push_str(&iso[17..19]),
            'f' => text.push_str(&iso[17..23]),
            'F' => text.push_str(&iso[..10]),
            'T' => text.push_str(&iso[11..19]),
            'R' => text.push_str(&iso[11..16]),
            's' => text.push_str(&ms.div_euclid(1000).to_string()),
            'w' => text.push_str(&(ms.div_euclid(86_400_000) + 4).rem_euclid(7).to_string()),
            '%' => text.push('%'),
            _ => return None,
        }
    }
    Some(text)
}

/// A percentile between the two nearest values, as in SQLite's and Excel's `percentile`.
struct Percentile(Option<f64>);

impl Aggregate<(Vec<f64>, f64), Option<f64>> for Percentile {
    fn init(&self, _: &mut Context<'_>) -> Result<(Vec<f64>, f64)> {
        Ok((Vec::new(), self.0.unwrap_or(50.0)))
    }

    fn step(&self, context: &mut Context<'_>, (values, percent): &mut (Vec<f64>, f64)) -> Result<()> {
        let value = |place| match context.get_raw(place) {
            ValueRef::Integer(n) => Some(n as f64),
            ValueRef::Real(n) => Some(n),
            _ => None,
        };
        if self.0.is_none() {
            *percent = value(1)
                .filter(|p| (0.0..=100.0).contains(p))
                .ok_or_else(|| wrong("write percentile(ttft_ms, 95): from 0 to 100"))?;
        }
        values.extend(value(0).filter(|v| !v.is_nan()));
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, state: Option<(Vec<f64>, f64)>) -> Result<Option<f64>> {
        let Some((mut values, percent)) = state.filter(|(values, _)| !values.is_empty()) else { return Ok(None) };
        values.sort_unstable_by(f64::total_cmp);
        let place = percent / 100.0 * (values.len() - 1) as f64;
        let (low, high) = (values[place.floor() as usize], values[(place.ceil() as usize).min(values.len() - 1)]);
        Ok(Some(low + (high - low) * place.fract()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        for ms in [0, 1_772_546_731_042, 951_782_399_999, -1] {
            assert_eq!(parse(&iso(ms)), Some(ms));
        }
        assert_eq!(parse("2026-03-03 14:05"), parse("2026-03-03T14:05:00.000Z"));
        assert_eq!(parse("2026-03-03T14:05:31.5"), parse("2026-03-03T14:05:31.500Z"));
        assert_eq!(parse("2026-02-30"), None);
        assert_eq!(parse("2026-03-03T14:05:3"), None);
        assert_eq!(parse("14:05"), None);
        assert_eq!(
            strftime("%Y-%m-%d %H:%M:%f %w %%", 1_772_546_731_042).as_deref(),
            Some("2026-03-03 14:05:31.042 2 %")
        );
    }

    #[test]
    fn spans_have_units() {
        assert_eq!(span_ms("5m"), Some(300_000));
        assert_eq!(span_ms("90 seconds"), Some(90_000));
        assert_eq!(span_ms("1.5h"), Some(5_400_000));
        assert_eq!(span_ms("soon"), None);
    }
}
