//! What tools take. A field's remark is what a model reads of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::attempt::Wrong;
use crate::session::command::{Command, DeclaredRole};

/// Nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// An observation by its number.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Cited {
    /// As in `E7`.
    Name(String),
    /// As in 7.
    Number(u32),
}

impl Cited {
    pub(super) fn number(&self) -> Result<u32, Wrong> {
        match self {
            Cited::Number(number) => Ok(*number),
            Cited::Name(name) => name.trim_start_matches(['E', 'e']).parse().map_err(|_| {
                let name: String = name.chars().take(40).collect();
                Wrong(format!(
                    "\"{name}\" is no observation: they are called E1, E2 and so on, as answers to looks say"
                ))
            }),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// Words to look for; left out: all of them.
    #[serde(default)]
    pub(super) words: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfBoard {
    /// The dashboard, as in `kv_cache`; search_dashboards lists them.
    pub(super) board: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BoardOver {
    /// The dashboard, as in `kv_cache`; search_dashboards lists them.
    pub(super) board: String,
    /// Seconds back from now that it shows, 60 to 86400; usually 900.
    #[serde(default)]
    pub(super) window_s: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Promql {
    /// The PromQL expression, as in `sum by (pod) (rate(envoy_http_downstream_rq_total[5m]))`.
    pub(super) expr: String,
    /// Seconds back from now for a range of values; left out: the value at this moment.
    #[serde(default)]
    pub(super) window_s: Option<u32>,
    /// Seconds from one value to the next in a range; chosen if left out.
    #[serde(default)]
    pub(super) step_s: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Contains {
    /// Only names that contain this; left out: all of them.
    #[serde(default)]
    pub(super) contains: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelNames {
    /// Only of series that fit this selector, as in `up{job="gateway"}`; left out: of all.
    #[serde(default)]
    pub(super) selector: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelValues {
    /// The label, as in `pod`.
    pub(super) label: String,
    /// Only of series that fit this selector, as in `up{job="gateway"}`; left out: of all.
    #[serde(default)]
    pub(super) selector: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Logs {
    /// Lines of this service or pod, as in `gateway` or `gateway-0`; left out: of all.
    #[serde(default)]
    pub(super) service: String,
    /// Lines that contain this text, or match a regular expression between slashes, as in `/time.?out/`; left out: all.
    #[serde(default)]
    pub(super) contains: String,
    /// Seconds back from now; usually 900.
    #[serde(default)]
    pub(super) since_s: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sql {
    /// One SELECT in SQLite's dialect, as in `select status, count(*) from requests group by status`; list_sql_tables has
    /// tables and columns.
    pub(super) sql: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Compared {
    /// Which rows of `requests` are inside, as after WHERE, as in `status >= 500`; they are held against all others.
    pub(super) condition: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Traces {
    /// Traces that touch this service; left out: all.
    #[serde(default)]
    pub(super) service: String,
    /// Traces that took at least so many milliseconds.
    #[serde(default)]
    pub(super) min_ms: u64,
    /// Only traces with an error.
    #[serde(default)]
    pub(super) errors_only: bool,
    /// Seconds back from now; left out: as far as they are kept.
    #[serde(default)]
    pub(super) since_s: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfTrace {
    /// A trace's id, or a request's.
    pub(super) id: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    /// Hours back from now; usually 24.
    #[serde(default)]
    pub(super) hours: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfChange {
    /// The change, as in `CHG-20417`; list_changes lists them.
    pub(super) id: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// Words that all have to be in a document.
    pub(super) words: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfDocument {
    /// The document, as in `rb-shed-load`; search_archive finds them.
    pub(super) id: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Kubectl {
    /// What stands after `kubectl`, as in `get pods`, `describe pod gateway-0`, `top nodes`, `rollout history gateway`, `get
    /// events`; also `ring`, `router` and `nvidia-smi`. Orders go through take_action.
    pub(super) command: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Whom, as in `kv-cache`.
    pub(super) who: String,
    /// What about.
    pub(super) about: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfObservation {
    /// The observation, as in `E7`.
    pub(super) observation: Cited,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SeverityLevel {
    /// 1 (worst) to 4.
    pub(super) level: u8,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Team {
    /// The team, as in `kv-cache`.
    pub(super) team: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateText {
    /// Share of users in pain, in per cent, as you believe.
    pub(super) impact_percent: f64,
    /// The mechanism that leads, as in list_mechanisms; left out: none yet.
    #[serde(default)]
    pub(super) hypothesis: String,
    /// How sure you are of it, in per cent.
    #[serde(default)]
    pub(super) sure_percent: u8,
    /// What is being done.
    #[serde(default)]
    pub(super) doing: String,
    /// Minutes to the next update, 0 (none is promised) to 240.
    pub(super) next_minutes: f64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    /// What.
    pub(super) text: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Armed {
    /// true: orders are carried out; false: they are only previewed.
    pub(super) armed: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfAction {
    /// A name as in list_actions, with `target` and `value` beside it; or all in one, NAME[:TARGET][=VALUE], for example
    /// `scale:POOL=6`, `rollback:CHG-20417`; or kubectl's words, as in `rollout undo gateway`.
    pub(super) action: String,
    /// What it is done to, as in `general-70b` or `CHG-20417`.
    #[serde(default)]
    pub(super) target: Option<String>,
    /// How much or to what, as in 6, 0.5 or `cache-aware`.
    #[serde(default)]
    pub(super) value: Option<Amount>,
}

impl OfAction {
    pub(super) fn text(self) -> String {
        in_one(self.action, self.target, self.value)
    }
}

/// A number or a word.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Amount {
    /// A number.
    Number(f64),
    /// A word.
    Word(String),
}

/// An action as it is written in one.
fn in_one(action: String, target: Option<String>, value: Option<Amount>) -> String {
    let target = target.map_or(String::new(), |target| format!(":{target}"));
    let value = match value {
        None => String::new(),
        Some(Amount::Number(number)) => format!("={number}"),
        Some(Amount::Word(word)) => format!("={word}"),
    };
    action + &target + &value
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// A name as in list_actions, with `target` and `value` beside it; or all in one, NAME[:TARGET][=VALUE], for example
    /// `scale:POOL=6`, `rollback:CHG-20417`; or kubectl's words, as in `rollout undo gateway`.
    pub(super) action: String,
    /// What it is done to, as in `general-70b` or `CHG-20417`.
    #[serde(default)]
    pub(super) target: Option<String>,
    /// How much or to what, as in 6, 0.5 or `cache-aware`.
    #[serde(default)]
    pub(super) value: Option<Amount>,
    /// The target once more, where an action cannot be taken back; preview_action says which word.
    #[serde(default)]
    pub(super) confirm: Option<String>,
}

impl Order {
    pub(super) fn command(self) -> Command {
        Command::Act { action: in_one(self.action, self.target, self.value), confirm: self.confirm }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfMechanism {
    /// The mechanism, as in `kv_cache.membership`.
    pub(super) mechanism: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Points {
    /// Points by mechanism, 100 in all, as in {"demand.growth": 60, "other": 40}.
    pub(super) points: BTreeMap<String, u8>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pinned {
    /// The observation, as in `E7`.
    pub(super) observation: Cited,
    /// Why it matters.
    #[serde(default)]
    pub(super) note: String,
    /// Mechanisms that it speaks for.
    #[serde(default)]
    pub(super) speaks_for: Vec<String>,
    /// Mechanisms that it speaks against.
    #[serde(default)]
    pub(super) speaks_against: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Contradiction {
    /// A pinned observation.
    pub(super) one: Cited,
    /// Another.
    pub(super) other: Cited,
    /// Why they cannot both be true of the same story.
    pub(super) why: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Diagnosis {
    /// Points by mechanism, 100 in all: how sure you are of each. What is left goes to `other`, `no_fault` or `not_provable`.
    pub(super) points: BTreeMap<String, u8>,
    /// The causes, most important first, at most six.
    #[serde(default)]
    pub(super) causes: Vec<Cause>,
    /// Which cause led to which.
    #[serde(default)]
    pub(super) links: Vec<CauseLink>,
    /// Observations that prove it, as in ["E3", "E7"]: a right cause without evidence that tells it from its look-alikes
    /// counts for little.
    #[serde(default)]
    pub(super) evidence: Vec<Cited>,
    /// Whether it is the last word.
    #[serde(default)]
    pub(super) last: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cause {
    /// The mechanism, as in `kv_cache.membership`.
    pub(super) mechanism: String,
    /// The component, as in `kv-cache` or `gateway`.
    #[serde(default)]
    pub(super) component: String,
    /// The part it played.
    #[serde(default)]
    pub(super) role: RoleOfCause,
}

/// The part that a cause played.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoleOfCause {
    Trigger,
    #[default]
    Root,
    Sustaining,
    Contributing,
}

impl RoleOfCause {
    pub(super) fn declared(self) -> DeclaredRole {
        match self {
            RoleOfCause::Trigger => DeclaredRole::Trigger,
            RoleOfCause::Root => DeclaredRole::Root,
            RoleOfCause::Sustaining => DeclaredRole::Sustaining,
            RoleOfCause::Contributing => DeclaredRole::Contributing,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CauseLink {
    /// The mechanism of the cause that came first.
    pub(super) cause: String,
    /// The mechanism of the cause that it led to.
    pub(super) effect: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Seconds {
    /// Simulated seconds, 0 to 3600.
    pub(super) seconds: f64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sections {
    /// Text by section: impact, timeline, causes, helped, hindered, detection, actions.
    pub(super) sections: BTreeMap<String, String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    /// The case, as in `INC-4127`; list_cases lists them. May be left out where the server has one case.
    #[serde(default)]
    pub(super) case: Option<String>,
    /// What picks everything random; drawn if left out. The same case and seed is the same incident again.
    #[serde(default)]
    pub(super) seed: Option<u64>,
}
