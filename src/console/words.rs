//! Lines into words: quotes keep spaces, and spans of time are read as people write them.

use crate::sim::time::SimDuration;

/// The words of a line; a word in double or single quotes may have spaces in it.
///
/// # Errors
/// A quote that is not closed.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut begun = false;
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => word.push(c),
            None if c == '"' || c == '\'' => (quote, begun) = (Some(c), true),
            None if c.is_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            None => {
                word.push(c);
                begun = true;
            }
        }
    }
    if let Some(quote) = quote {
        return Err(format!("a {quote} is not closed"));
    }
    if begun {
        words.push(word);
    }
    Ok(words)
}

/// A span as in `90`, `90s`, `5m`, `2h`.
///
/// # Errors
/// It is none.
pub fn span(text: &str) -> Result<SimDuration, String> {
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit() && c != '.') {
        Some(place) => text.split_at(place),
        None => (text, "s"),
    };
    let times = match unit {
        "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(format!("\"{text}\" is no span of time: write 90s, 5m or 2h")),
    };
    let number: f64 = number.parse().map_err(|_| format!("\"{text}\" is no span of time: write 90s, 5m or 2h"))?;
    Ok(SimDuration::from_secs_f64(number * times))
}

/// Whole seconds of a span, as looks take them.
///
/// # Errors
/// It is none.
pub fn seconds(text: &str) -> Result<u32, String> {
    span(text).map(|span| (span.0 / 1_000_000_000).min(u64::from(u32::MAX)) as u32)
}

/// The number of an observation, as in `E7` or `7`.
///
/// # Errors
/// It is none.
pub fn observation(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix(['E', 'e']).unwrap_or(text);
    digits
        .parse()
        .map_err(|_| format!("\"{text}\" is no observation: they are called E1, E2 and so on; `looks` lists them"))
}

/// A share in per cent, as in `70` or `70%`.
///
/// # Errors
/// It is none.
pub fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .strip_suffix('%')
        .unwrap_or(text)
        .parse()
        .map_err(|_| format!("\"{text}\" is no share: write 70 or 70%"))?;
    if (0.0..=100.0).contains(&number) { Ok(number) } else { Err(format!("{text} is no share: 0 to 100")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_spaces_and_spans_have_units() {
        assert_eq!(split("say \"two words\" 'and more' x").expect("closed"), ["say", "two words", "and more", "x"]);
        assert!(split("say \"open").is_err());
        assert_eq!(split("  ").expect("nothing"), Vec::<String>::new());
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(seconds("90"), Ok(90));
        assert!(seconds("5 parsecs").is_err());
        assert_eq!(observation("E12"), Ok(12));
        assert!(percent("170").is_err());
    }
}
