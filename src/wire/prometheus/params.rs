//! Parameters, from an address and a form, and what they mean: moments, durations, numbers.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};

use super::envelope::Refused;
use crate::metrics::promql::{Query, duration_ms};

/// A form comes within so long.
const FORM_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// Names and values, those of a form before those of the address.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a request's parameters.
    ///
    /// # Errors
    /// The form is too long, too slow, or none.
    pub(super) async fn read(ask: Request, most: usize) -> Result<Params, Refused> {
        let address = ask.uri().query().unwrap_or_default().to_string();
        let mut pairs = Vec::new();
        if ask.method() == Method::POST {
            let kind = ask.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let is_form = kind.split(';').next().unwrap_or_default().trim() == "application/x-www-form-urlencoded";
            let too_long = |_| {
                let message = format!("the form has more than {most} bytes, or broke off");
                Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "bad_data", message)
            };
            let too_slow = |_| Refused::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the form did not come in time");
            let body = tokio::time::timeout(FORM_WITHIN, to_bytes(ask.into_body(), most)).await;
            let body = body.map_err(too_slow)?.map_err(too_long)?;
            if is_form {
                pairs.extend(form_urlencoded::parse(&body).into_owned());
            }
        }
        pairs.extend(form_urlencoded::parse(address.as_bytes()).into_owned());
        Ok(Params(pairs))
    }

    /// The first value of a name; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Every value of a name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// A moment in milliseconds after 1970.
    pub(super) fn moment(&self, name: &str) -> Result<i64, Refused> {
        let text = self.get(name);
        moment_ms(text).ok_or_else(|| {
            let message = format!("cannot parse {text:?} to a valid timestamp; write seconds after 1970, or RFC 3339");
            Refused::parameter(name, message)
        })
    }

    /// A moment, or another where none is given.
    pub(super) fn moment_or(&self, name: &str, usual: i64) -> Result<i64, Refused> {
        if self.get(name).is_empty() { Ok(usual) } else { self.moment(name) }
    }

    /// A duration in milliseconds.
    pub(super) fn duration(&self, name: &str) -> Result<i64, Refused> {
        let text = self.get(name);
        let wrong = || {
            Refused::parameter(
                name,
                format!("cannot parse {text:?} to a valid duration; write seconds, or 15s or 1h30m"),
            )
        };
        match text.parse::<f64>() {
            Ok(seconds) if seconds.abs() < 9.2e9 => Ok((seconds * 1000.0) as i64),
            Ok(_) => Err(wrong()),
            Err(_) if text == "0" => Ok(0),
            Err(_) => duration_ms(text).ok_or_else(wrong),
        }
    }

    /// A query.
    pub(super) fn query(&self, name: &str) -> Result<Query, Refused> {
        read(self.get(name)).map_err(|why| Refused::parameter(name, why))
    }

    /// Selectors, as `match[]` has them.
    pub(super) fn selectors(&self) -> Result<Vec<String>, Refused> {
        let given = self.all("match[]");
        for selector in &given {
            let query = read(selector).map_err(|why| Refused::parameter("match[]", why))?;
            query.series(&Default::default()).map_err(|why| Refused::parameter("match[]", why))?;
        }
        Ok(given)
    }
}

/// Reads a query; else line, column and what is wrong.
fn read(text: &str) -> Result<Query, String> {
    Query::parse(text).map_err(|error| {
        let Some(place) = error.place() else { return error.to_string() };
        let before: String = text.chars().take(place.characters).collect();
        let (line, column) =
            (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        format!("{line}:{column}: parse error: {error}")
    })
}

/// Seconds after 1970, with a fraction, or a date as RFC 3339 has it.
fn moment_ms(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.abs() < 9.2e12).then(|| (seconds * 1000.0).round() as i64);
    }
    let is_date = text.len() >= 20 && text.as_bytes()[10].eq_ignore_ascii_case(&b'T');
    is_date.then(|| text.parse::<jiff::Timestamp>().ok()).flatten().map(|moment| moment.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_durations_are_those_of_prometheus() {
        for (text, ms) in [
            ("1700000000", Some(1_700_000_000_000)),
            ("1700000000.1234", Some(1_700_000_000_123)),
            ("-1", Some(-1000)),
            ("2026-03-03T14:00:00Z", Some(1_772_546_400_000)),
            ("2026-03-03T15:00:00.5+01:00", Some(1_772_546_400_500)),
            ("", None),
            ("now", None),
            ("NaN", None),
            ("1e300", None),
            ("2026-03-03", None),
        ] {
            assert_eq!(moment_ms(text), ms, "{text}");
        }
        let duration = |text: &str| Params(vec![("step".to_string(), text.to_string())]).duration("step").ok();
        assert_eq!(
            ["15", "0.5", "1m30s", "0", "x", "1e300", ""].map(duration),
            [Some(15_000), Some(500), Some(90_000), Some(0), None, None, None]
        );
    }

    #[test]
    fn a_slip_is_placed_by_line_and_column() {
        let error = read("sum(up) +\n rrate(up[5m])").expect_err("a slip");
        assert!(error.starts_with("2:2: parse error: no function is called `rrate`"), "{error}");
        assert!(error.contains("did you mean `rate`"), "{error}");
    }
}
