//! Pages: a long answer is given piece by piece, each of a size that a model can read. Reading on costs nothing: the
//! look was paid for. A page is bounded by rows and by bytes; a row larger than that is cut, and says so.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::attempt::Wrong;

/// Bytes of a page's rows as JSON, about.
pub(super) const PAGE_BYTES: usize = 16_000;
/// Rows of a page where nobody said.
pub(super) const USUAL_ROWS: usize = 50;
/// Rows of a page at most.
pub(super) const MOST_ROWS: usize = 200;
/// Characters to which a text is cut in a row that is larger than a page.
const MOST_TEXT: usize = 400;

/// What is wanted of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Want {
    /// Rows before it are left out.
    pub(super) from: usize,
    /// Rows at most.
    pub(super) limit: usize,
}

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) shown: usize,
    pub(super) total: usize,
    /// Where the next one begins.
    pub(super) next: Option<usize>,
    /// Rows were larger than a page and were cut themselves.
    pub(super) shortened: bool,
}

/// Keeps of rows what fits on a page: at least one, if there is any.
pub(super) fn cut<R: Serialize + DeserializeOwned>(rows: &mut Vec<R>, want: Want) -> Cut {
    let total = rows.len();
    let (mut kept, mut bytes, mut shortened) = (Vec::new(), 0, false);
    for row in rows.drain(..).skip(want.from).take(want.limit) {
        let (row, size, cut) = fitting(row);
        if !kept.is_empty() && PAGE_BYTES < bytes + size {
            break;
        }
        bytes += size;
        shortened |= cut;
        kept.push(row);
    }
    let (shown, next) = (kept.len(), want.from + kept.len());
    *rows = kept;
    Cut { shown, total, next: (next < total && 0 < shown).then_some(next), shortened }
}

/// A row that is no larger than a page, its size, and whether it had to be cut for that.
fn fitting<R: Serialize + DeserializeOwned>(row: R) -> (R, usize, bool) {
    let Ok(mut value) = serde_json::to_value(&row) else { return (row, 0, false) };
    let size = value.to_string().len();
    if size <= PAGE_BYTES {
        return (row, size, false);
    }
    for most in [100, 50, 25, 12, 6, 3] {
        shorten(&mut value, most);
        if value.to_string().len() <= PAGE_BYTES {
            break;
        }
    }
    let size = value.to_string().len();
    serde_json::from_value(value).map_or((row, size, false), |row| (row, size, true))
}

/// Cuts texts and lists: of numbers and words the latest are kept, of the rest the first.
fn shorten(value: &mut Value, most: usize) {
    match value {
        Value::String(text) => {
            let length = text.chars().count();
            if MOST_TEXT < length {
                let head: String = text.chars().take(MOST_TEXT).collect();
                *text = format!("{head}... ({} more characters)", length - MOST_TEXT);
            }
        }
        Value::Array(items) => {
            let surplus = items.len().saturating_sub(most);
            if items.first().is_some_and(Value::is_object) {
                items.truncate(most)
            } else {
                drop(items.drain(..surplus))
            }
            items.iter_mut().for_each(|item| shorten(item, most));
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| shorten(field, most)),
        _ => {}
    }
}

/// Where a cursor goes on: in which observation (0 if in none), from which row.
pub(super) fn read_cursor(cursor: &str) -> Result<(u32, usize), Wrong> {
    let read = || {
        let (of, from) = cursor.strip_prefix('E')?.split_once('+')?;
        Some((of.parse().ok()?, from.parse().ok()?))
    };
    read().ok_or_else(|| {
        let cursor: String = cursor.chars().take(40).collect();
        Wrong(format!("\"{cursor}\" is no cursor: take `page.next_cursor` of the answer before, as it is"))
    })
}

/// The cursor of a page of an observation.
pub(super) fn cursor(observation: u32, from: usize) -> String {
    format!("E{observation}+{from}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_every_row_once_and_fit() {
        let rows: Vec<String> = (0..500).map(|n| format!("{n} {}", "x".repeat(n % 700))).collect();
        let (mut seen, mut from) = (Vec::new(), 0);
        loop {
            let mut page = rows.clone();
            let cut = cut(&mut page, Want { from, limit: 60 });
            assert!(page.iter().map(String::len).sum::<usize>() <= PAGE_BYTES && !page.is_empty());
            assert_eq!((cut.total, cut.shown, cut.shortened), (500, page.len(), false));
            seen.extend(page);
            match cut.next {
                Some(next) => from = next,
                None => break,
            }
        }
        assert_eq!(seen, rows);
    }

    #[test]
    fn a_row_larger_than_a_page_is_cut_and_says_so() {
        let mut rows = vec![vec!["y".repeat(90_000)]];
        let cut = cut(&mut rows, Want { from: 0, limit: 10 });
        assert!(cut.shortened && rows[0][0].len() < 500 && rows[0][0].ends_with("(89600 more characters)"));
        let mut none: Vec<u8> = Vec::new();
        assert_eq!(super::cut(&mut none, Want { from: 7, limit: 10 }).next, None);
    }

    #[test]
    fn cursors_are_read_back() {
        assert_eq!(read_cursor(&cursor(7, 50)), Ok((7, 50)));
        for wrong in ["", "E", "E7", "7+5", "E7+x", "E-1+5", "E99999999999+5", "E7+5+5"] {
            assert!(read_cursor(wrong).is_err(), "{wrong}");
        }
    }
}
