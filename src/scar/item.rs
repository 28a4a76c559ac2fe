//! What a scar is about: a pattern, a pair of look-alikes, or a trap of one's own reasoning.

use std::fmt;

use crate::scenario::mechanisms::{MECHANISMS, mechanism};

/// Traps, with what they are.
pub const TRAPS: &[(&str, &str)] = &[
    ("trap:premature_closure", "being sure before the evidence that decides has been opened"),
    ("trap:last_change", "blaming the change that came last because it came last"),
    ("trap:wrong_advice", "giving up what was right for advice that was wrong"),
];
/// Being sure too early.
pub const PREMATURE_CLOSURE: &str = TRAPS[0].0;
/// Blaming the last change.
pub const LAST_CHANGE: &str = TRAPS[1].0;
/// Following wrong advice.
pub const WRONG_ADVICE: &str = TRAPS[2].0;

/// What kind of item it is, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Telling two mechanisms apart.
    Pair,
    /// Knowing one when it is met.
    Pattern,
    /// A way in which one fools oneself.
    Trap,
}

impl Kind {
    /// As a heading.
    pub fn heading(self) -> &'static str {
        match self {
            Kind::Pair => "Pairs",
            Kind::Pattern => "Patterns",
            Kind::Trap => "Traps",
        }
    }
}

/// The id of a pair, the same whichever of the two is true.
pub fn pair(one: &str, other: &str) -> String {
    if one <= other { format!("{one}|{other}") } else { format!("{other}|{one}") }
}

/// The two of a pair.
pub fn sides(item: &str) -> Option<(&str, &str)> {
    item.split_once('|')
}

/// What kind an item is of.
pub fn kind(item: &str) -> Kind {
    match item {
        _ if item.contains('|') => Kind::Pair,
        _ if item.starts_with("trap:") => Kind::Trap,
        _ => Kind::Pattern,
    }
}

/// Whether there can be such an item.
pub fn is_item(item: &str) -> bool {
    match kind(item) {
        Kind::Pair => sides(item)
            .is_some_and(|(a, b)| a < b && [a, b].iter().all(|side| MECHANISMS.iter().any(|m| m.id == *side))),
        Kind::Pattern => mechanism(item).is_some(),
        Kind::Trap => TRAPS.iter().any(|(id, _)| *id == item),
    }
}

/// The mechanisms that an item is about; none of a trap.
pub fn mechanisms(item: &str) -> Vec<&str> {
    match kind(item) {
        Kind::Pair => sides(item).map_or(Vec::new(), |(a, b)| vec![a, b]),
        Kind::Pattern => vec![item],
        Kind::Trap => Vec::new(),
    }
}

/// An item in words.
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = |id: &str| mechanism(id).map_or(id.to_string(), |m| m.is.to_string());
        match (kind(self.0), sides(self.0)) {
            (Kind::Pair, Some((a, b))) => write!(f, "telling \"{}\" from \"{}\"", is(a), is(b)),
            (Kind::Trap, _) => {
                let what = TRAPS.iter().find(|(id, _)| *id == self.0).map_or(self.0, |(_, what)| what);
                write!(f, "{what}")
            }
            _ => write!(f, "{}", is(self.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_the_same_from_both_sides_and_nothing_else_is_an_item() {
        assert_eq!(pair("kv_cache.flush", "demand.growth"), pair("demand.growth", "kv_cache.flush"));
        assert!(is_item("demand.growth|kv_cache.flush") && is_item("sdk.retries") && is_item(WRONG_ADVICE));
        for wrong in
            ["", "|", "demand.growth|", "kv_cache.flush|demand.growth", "demand.growth|demand.growth", "trap:x", "x.y"]
        {
            assert!(!is_item(wrong), "{wrong}");
        }
    }
}
