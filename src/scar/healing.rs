//! The scar in a debrief: which items a session graded, how the fade looked before and looks after, what was made of it, and
//! when it comes back.

use serde::Serialize;

use crate::scar::graded::Graded;
use crate::scar::item::Plain;
use crate::scar::memory::{MODEL, Rating, days};
use crate::scar::occasion::Drill;
use crate::scar::records::Row;
use crate::scar::standing::{ENOUGH, WISH, standings};

/// Days for which a fade is given.
pub const FADE_DAYS: [u32; 8] = [0, 1, 2, 4, 7, 14, 30, 60];

/// What a session did to its player's scars.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Healing {
    /// Why it counts for nothing; empty: it counts.
    pub practice: String,
    /// Why it was drilled, if it was.
    pub drill: Option<Drill>,
    /// Whether it was graded before, and is shown as it was then.
    pub kept: bool,
    /// What fooled at first, if something did.
    pub fooled_by: Option<String>,
    /// The rule that was kept of it; empty: none yet.
    pub rule: String,
    /// Items that were graded.
    pub items: Vec<Healed>,
    /// What the forecasts are.
    pub model: &'static str,
    /// What is to be said of how far grades can be trusted; empty: nothing.
    pub caveat: &'static str,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Healed {
    /// The item.
    pub item: String,
    /// In words.
    pub is: String,
    /// How it went.
    pub rating: Rating,
    /// Why.
    pub why: String,
    /// Whether the session was about it.
    pub target: bool,
    /// Whether help was there: then the clock of what is known alone runs on.
    pub with_ai: bool,
    /// Forecasts for [`FADE_DAYS`] after the session as they would have been without it; none: it was new.
    pub before: Option<Vec<f64>>,
    /// The same after it.
    pub after: Vec<f64>,
    /// Reviews alone that these rest on.
    pub reviews: usize,
    /// Whether there are enough of them.
    pub known: bool,
    /// The date on which it comes back.
    pub due: Option<String>,
    /// After a failure, the date until which it should.
    pub due_until: Option<String>,
}

/// What a graded session did, from all rows of its profile, its own included.
pub fn healing(graded: &Graded, rows: &[Row], kept: bool) -> Healing {
    let own = rows.iter().find(|r| r.graded.session == graded.session);
    let until: Vec<Row> =
        rows.iter().filter(|r| r.graded.session != graded.session && r.graded.at_s <= graded.at_s).cloned().collect();
    let with: Vec<Row> = until.iter().cloned().chain(own.cloned()).collect();
    let (before, after) = (standings(&until, graded.at_s), standings(&with, graded.at_s));
    let healed = |grade: &crate::scar::rating::Grade| {
        let (was, is) = (before.get(&grade.item), after.get(&grade.item));
        let fade = |standing: Option<&crate::scar::standing::Standing>| {
            let standing = standing?;
            let (state, last) = if grade.with_ai {
                (standing.state_with_ai?, standing.with_ai.last()?)
            } else {
                (standing.state?, standing.last()?)
            };
            let since = days(last.at_s, graded.at_s);
            Some(FADE_DAYS.iter().map(|d| state.recall(since + f64::from(*d))).collect::<Vec<f64>>())
        };
        let due = is.filter(|_| !grade.with_ai).and_then(|s| s.due(WISH));
        Healed {
            item: grade.item.clone(),
            is: Plain(&grade.item).to_string(),
            rating: grade.rating,
            why: grade.why.clone(),
            target: grade.target,
            with_ai: grade.with_ai,
            before: fade(was),
            after: fade(is).unwrap_or_default(),
            reviews: is.map_or(0, |s| s.alone.len()),
            known: is.is_some_and(|s| ENOUGH <= s.alone.len()),
            due: due.map(|(from, _)| date(from)),
            due_until: due.and_then(|(_, until)| until).map(date),
        }
    };
    let unjudged = graded.grades.iter().any(|g| !g.with_ai) && graded.right && graded.proved.is_none();
    Healing {
        practice: graded.practice.clone(),
        drill: graded.drill.clone(),
        kept,
        fooled_by: graded.fooled_by.clone(),
        rule: own.map(|r| r.rule.clone()).unwrap_or_default(),
        items: graded.grades.iter().map(healed).collect(),
        model: MODEL,
        caveat: if unjudged {
            "Whether the diagnosis was proved was not judged, so being right counts as hard and not as good."
        } else {
            ""
        },
    }
}

/// The date of a moment, in UTC.
pub fn date(at_s: i64) -> String {
    jiff::Timestamp::from_second(at_s)
        .map(|t| t.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
        .unwrap_or_else(|_| "never".to_string())
}
