//! What a participant meets: a case. A neutral number, the page's text, the briefing; never a name that spoils.

use serde::Serialize;

use crate::scenario::opened::Scenario;
use crate::session::clock::Mode;
use crate::session::prices;

/// A case, as lists and briefings show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// As in `INC-4127`.
    pub id: String,
    /// The text of the page.
    pub page: String,
    /// What one knows on arrival.
    pub briefing: String,
    /// The note of whoever was on call before; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub handover: String,
    /// From 1 to 5.
    pub difficulty: u8,
    /// Length in minutes.
    pub minutes: u32,
}

/// The case of a scenario.
pub fn case(scenario: &Scenario) -> Case {
    let file = &scenario.file;
    Case {
        id: format!("INC-{}", file.case),
        page: file.page.clone(),
        briefing: file.briefing.clone(),
        handover: file.handover.clone(),
        difficulty: file.difficulty,
        minutes: (file.length_s.as_secs_f64() / 60.0) as u32,
    }
}

/// The number in a case's id, as in `INC-4127`, `inc-4127` or `4127`.
pub fn number(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("INC-").or_else(|| text.strip_prefix("inc-")).unwrap_or(text);
    (digits.len() == 4).then(|| digits.parse().ok()).flatten()
}

/// The prices of looks, as the briefing lists them; an assistant's only where there is one.
pub fn price_list(mode: Mode) -> String {
    let helped = matches!(mode, Mode::A2 | Mode::A3);
    let listed = prices::LIST.iter().filter(|(what, _)| helped || !prices::OF_HELP.contains(what));
    listed.map(|(what, s)| format!("  {s:>4} s  {what}\n")).collect()
}
