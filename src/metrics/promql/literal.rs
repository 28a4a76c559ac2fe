//! What numbers, durations, texts and patterns mean, as Go reads them.

use regex::{Regex, RegexBuilder};

/// A number: decimal, hexadecimal with `0x`, octal with `0`; none if it is none or out of range.
pub(super) fn number(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    if let Some(digits) = lower.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().map(|n| n as f64);
    }
    if lower.len() > 1
        && lower.starts_with('0')
        && let Ok(octal) = i64::from_str_radix(&lower, 8)
    {
        return Some(octal as f64);
    }
    let plain = lower.bytes().all(|b| b.is_ascii_digit() || b"e+-.".contains(&b));
    lower.parse::<f64>().ok().filter(|n| plain && n.is_finite())
}

const UNITS: [(&str, i64); 7] = [
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];
/// Durations are nanoseconds in 64 bits in Prometheus, and no longer here.
const LONGEST_MS: i64 = i64::MAX / 1_000_000;

/// A duration in milliseconds: units descend, each once. Else why not.
pub(super) fn duration_ms(text: &str) -> Result<i64, String> {
    let mut rest = text;
    let mut total: i64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (count, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let Some((_, ms)) = units.find(|(name, _)| *name == unit) else {
            return Err(format!("`{text}` is no duration: it is written as 1h30m, with the units y w d h m s ms"));
        };
        let part = count.parse::<i64>().ok().and_then(|n| n.checked_mul(*ms));
        let sum = part.and_then(|ms| total.checked_add(ms)).filter(|ms| *ms <= LONGEST_MS);
        total = sum.ok_or_else(|| format!("the duration `{text}` is out of range"))?;
        rest = tail;
    }
    if total == 0 { Err(format!("the duration `{text}` must be longer than nothing")) } else { Ok(total) }
}

/// The text within quotes, escapes read; else why not.
pub(super) fn unquote(quoted: &str) -> Result<String, String> {
    let inner = &quoted[1..quoted.len() - 1];
    if quoted.starts_with('`') {
        return Ok(inner.to_string());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let mut put = |c: char| bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        if c != '\\' {
            put(c);
            continue;
        }
        let escape = chars.next().unwrap_or_default();
        let mut digits = |count: usize, radix: u32, first: Option<char>| {
            let text: String = first.into_iter().chain(chars.by_ref().take(count)).collect();
            let whole = text.len() == count + usize::from(first.is_some()) && text.chars().all(|c| c.is_digit(radix));
            u32::from_str_radix(&text, radix).ok().filter(|_| whole)
        };
        let unknown = || format!("`\\{escape}` is no escape");
        match escape {
            'a' => bytes.push(7),
            'b' => bytes.push(8),
            'f' => bytes.push(12),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(11),
            '\\' => bytes.push(b'\\'),
            c if quoted.starts_with(c) => put(c),
            '0'..='7' => bytes.push(digits(2, 8, Some(escape)).and_then(|n| u8::try_from(n).ok()).ok_or_else(unknown)?),
            'x' => bytes.push(digits(2, 16, None).and_then(|n| u8::try_from(n).ok()).ok_or_else(unknown)?),
            'u' => put(digits(4, 16, None).and_then(char::from_u32).ok_or_else(unknown)?),
            'U' => put(digits(8, 16, None).and_then(char::from_u32).ok_or_else(unknown)?),
            _ => return Err(unknown()),
        }
    }
    String::from_utf8(bytes).map_err(|_| "the text is not UTF-8".to_string())
}

/// A pattern that must fit the whole of a text; else why not.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    let whole = format!("^(?:{})$", as_go_reads(text));
    RegexBuilder::new(&whole).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_string(),
        error => {
            let shown = error.to_string();
            format!(
                "`{text}` is no pattern: {}",
                shown.lines().last().unwrap_or_default().trim_start_matches("error: ")
            )
        }
    })
}

/// Go's classes `\d`, `\w`, `\s` know ASCII only, and within brackets it has no operations on sets.
fn as_go_reads(text: &str) -> String {
    let mut read = String::with_capacity(text.len());
    let mut in_class = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => read.push_str("[0-9]"),
                Some('D') => read.push_str("[^0-9]"),
                Some('w') => read.push_str("[0-9A-Za-z_]"),
                Some('W') => read.push_str("[^0-9A-Za-z_]"),
                Some('s') => read.push_str("[\\t\\n\\f\\r ]"),
                Some('S') => read.push_str("[^\\t\\n\\f\\r ]"),
                Some(other) => read.extend(['\\', other]),
                None => read.push('\\'),
            },
            '[' if in_class && chars.peek() != Some(&':') => read.push_str("\\["),
            '[' if !in_class => {
                in_class = true;
                read.push('[');
                if let Some(caret) = chars.next_if_eq(&'^') {
                    read.push(caret);
                }
                if chars.next_if_eq(&']').is_some() {
                    read.push_str("\\]");
                }
            }
            '[' => {
                // A named class as in [[:alpha:]] ends with its own bracket.
                read.push('[');
                for inner in chars.by_ref() {
                    read.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            ']' => {
                in_class = false;
                read.push(']');
            }
            '&' | '~' if in_class => read.extend(['\\', c]),
            c => read.push(c),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go() {
        for (text, value) in [("0x1F", 31.0), ("010", 8.0), ("08", 8.0), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0)] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["1e309", "1e", "0x", "0xg", "nan"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(number("99999999999999999999"), Some(1e20));
    }

    #[test]
    fn durations_descend_and_never_wrap() {
        assert_eq!(duration_ms("1h30m"), Ok(5_400_000));
        assert_eq!(duration_ms("1d1ms"), Ok(86_400_001));
        assert_eq!(duration_ms("4294967296s"), Ok(4_294_967_296_000));
        for text in ["1m1h", "1m1m", "0s", "300y", "99999999999999999999s", "1sm", "5"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn escapes_are_those_of_go() {
        assert_eq!(unquote(r#""a\n\x41\u00e9\101\"'""#).as_deref(), Ok("a\nAéA\"'"));
        assert_eq!(unquote(r"`a\n`").as_deref(), Ok(r"a\n"));
        assert_eq!(unquote(r#""\xc3\xa9""#).as_deref(), Ok("é"));
        for text in [r#""\q""#, r#""\x4""#, r#""\xff""#, r#""\'""#, r#""\ud800""#, r#""\400""#] {
            assert!(unquote(text).is_err(), "{text}");
        }
    }

    #[test]
    fn patterns_fit_the_whole_and_know_ascii() {
        let fits = |text: &str, value: &str| pattern(text).expect(text).is_match(value);
        assert!(fits("a|b", "b") && !fits("a|b", "ab") && fits(r"\d+", "12") && !fits(r"\d", "٣"));
        assert!(fits(r"[\w.]+", "a.b") && fits("[[]", "[") && fits("[&&]", "&") && fits("[[:alpha:]]+", "ab"));
        assert!(pattern("(").is_err() && pattern("(a{1000}){1000}").is_err());
    }
}
