//! What a participant may see of a session at a moment. Made of what was seen and said, never of the truth.

use serde::Serialize;

use crate::session::advice::Given;
use crate::session::belief::Board;
use crate::session::boards::OpenBoard;
use crate::session::clock::{ClockKind, Mode};
use crate::session::comms::Line;
use crate::session::look::title;
use crate::session::play::{Ordered, Session};
use crate::session::prices::price;
use crate::session::roles::Role;
use crate::session::spend::Cost;
use crate::sim::time::SimTime;
use crate::telemetry::watch::NOISE;

/// Lines of the channel that a view shows.
const CHANNEL_SHOWN: usize = 20;

/// A session, as its participant may see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct View {
    /// As in `INC-4127`.
    pub case: String,
    /// The text of the page; empty until it came.
    pub page: String,
    /// Date and time of day.
    pub now: String,
    /// Seconds since the session's beginning.
    pub elapsed_s: f64,
    /// Seconds to the end of the shift.
    pub left_s: f64,
    /// How time moves.
    pub clock: ClockKind,
    /// What help there is.
    pub mode: Mode,
    /// Whether a live clock stands still.
    pub stopped: bool,
    /// How fast a live clock runs.
    pub speed: u8,
    /// When the page was acknowledged, as a time of day.
    pub acknowledged: Option<String>,
    /// 1 (worst) to 4, once somebody said.
    pub severity: Option<u8>,
    /// Share of users in pain as the indicator has it, in per cent: as it was two minutes ago, and 0 for what is under 5.
    pub pain_percent: Option<f64>,
    /// How much of the error budget of 28 days the session has burnt, in per cent, by the same indicator and as late.
    pub budget_burnt_percent: Option<f64>,
    /// What looks, teams and orders have cost.
    pub cost: Cost,
    /// Seconds until the promised update; negative: overdue.
    pub next_update_s: Option<f64>,
    /// Whether actions are carried out.
    pub armed: bool,
    /// The case board.
    pub board: Board,
    /// Orders.
    pub orders: Vec<Ordered>,
    /// Looks: number, moment of the answer, what was asked.
    pub looks: Vec<(u32, String, String)>,
    /// Boards that stand open, the oldest first.
    pub open_boards: Vec<OpenBoard>,
    /// Seconds spent on looks, orders, updates and waiting.
    pub spent_s: f64,
    /// The last lines of the channel.
    pub channel: Vec<(String, Line)>,
    /// The last advice, once there is one and the mode allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Given>,
    /// Whether the assistant may be asked; none: this mode has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assistant: Option<bool>,
    /// Whether the incident has ended.
    pub ended: bool,
    /// What whoever looks is there for, where several share the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What the host asks while every screen is blank; may be empty. None: nothing is frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<String>,
}

impl View {
    /// What is left of it on a blank screen: the case, the time, and what is asked.
    fn blank(self) -> View {
        View {
            page: String::new(),
            acknowledged: None,
            severity: None,
            pain_percent: None,
            budget_burnt_percent: None,
            cost: Cost::default(),
            next_update_s: None,
            board: Board::default(),
            orders: Vec::new(),
            looks: Vec::new(),
            open_boards: Vec::new(),
            channel: Vec::new(),
            advice: None,
            assistant: None,
            ..self
        }
    }
}

/// Per cent of users in pain, as a screen says it.
pub fn in_pain(percent: f64) -> String {
    let least = 100.0 * NOISE;
    if percent < least { format!("under {least:.0} %") } else { format!("{percent:.0} %") }
}

/// What an incident has taken of the error budget, as a screen says it.
pub fn burnt(percent: f64) -> String {
    if percent == 0.0 { "0 %".to_string() } else { format!("-{percent:.2} %") }
}

impl Session {
    /// What whoever plays alone may see now.
    pub fn view(&self) -> View {
        self.view_of("")
    }

    /// What somebody may see now: of looks those that are their role's to see.
    pub fn view_of(&self, by: &str) -> View {
        let role = self.roles.get(by);
        let (now, calendar) = (self.now(), self.watch.scene.calendar);
        let paged = SimTime(self.seal.paged_at_ns) <= now;
        let channel = &self.comms.channel;
        let shown = channel.iter().skip(channel.len().saturating_sub(CHANNEL_SHOWN));
        let view = View {
            case: self.case_id(),
            page: if paged { self.scenario.file.page.clone() } else { String::new() },
            now: calendar.date_time(now),
            elapsed_s: now.since(self.seal.begins_at()).as_secs_f64(),
            left_s: self.horizon.since(now).as_secs_f64(),
            clock: self.terms.clock,
            mode: self.terms.mode,
            stopped: self.stopped || self.hosting.stands(),
            speed: self.speed,
            acknowledged: self.comms.acknowledged.map(|at| calendar.clock(at)),
            severity: self.comms.severity,
            pain_percent: self.watch.pain().map(|share| (share * 1000.0).round() / 10.0),
            budget_burnt_percent: self.burnt.percent(),
            cost: self.cost(),
            next_update_s: self.comms.next_due.map(|due| due.as_secs_f64() - now.as_secs_f64()),
            armed: self.armed,
            board: self.board.clone(),
            orders: self.orders.clone(),
            looks: (self.observations.iter())
                .filter(|o| role.is_none_or(|role| role.sees(&o.look)))
                .map(|o| (o.number, calendar.clock(o.at), title(&o.look)))
                .collect(),
            open_boards: self.open_boards().into_iter().filter(|open| sees_board(role, &open.board)).collect(),
            spent_s: self.spent.as_secs_f64(),
            channel: shown.map(|line| (calendar.clock(line.at), line.clone())).collect(),
            advice: self.advising.given().last().cloned(),
            assistant: match self.terms.mode {
                Mode::A0 | Mode::A1 => None,
                Mode::A2 | Mode::A3 => Some(self.may_help().is_ok()),
            },
            ended: self.ended.is_some(),
            role: role.cloned(),
            frozen: self.frozen().map(str::to_string),
        };
        if view.frozen.is_some() { view.blank() } else { view }
    }

    /// What looks, teams and orders have cost.
    fn cost(&self) -> Cost {
        let hours = |order: &Ordered| order.gpus_added as f64 * self.now().since(order.effect).as_secs_f64() / 3600.0;
        let stands = |o: &&Ordered| o.effect <= self.now() && !o.state.starts_with("refused");
        let looks = self.observations.iter().filter(|_| !self.is_free());
        Cost {
            looks_s: looks.map(|o| price(&o.look).as_secs_f64()).fold(0.0, |a, b| a + b),
            teams: self.comms.teams.len() as u32,
            gpu_hours: self.orders.iter().filter(stands).map(hours).fold(0.0, |a, b| a + b),
        }
    }

    /// One line: time, severity, users in pain, error budget, cost, next update.
    pub fn status_line(&self) -> String {
        if let Some(blank) = self.blank() {
            return blank;
        }
        let view = self.view();
        let time = self.clock();
        let severity = view.severity.map_or("SEV?".to_string(), |s| format!("SEV{s}"));
        let pain = match view.pain_percent {
            None => "users in pain: not measured".to_string(),
            Some(p) => format!("users in pain {}", in_pain(p)),
        };
        let update = match view.next_update_s {
            None => "no update promised".to_string(),
            Some(s) if s < 0.0 => format!("update overdue by {}", minutes(-s)),
            Some(s) => format!("next update in {}", minutes(s)),
        };
        let armed = if view.armed { " | armed" } else { "" };
        let budget = view.budget_burnt_percent.map_or(String::new(), |p| format!(" | budget {}", burnt(p)));
        format!("{time} | {severity} | {pain}{budget} | cost {:.0} min | {update}{armed}", view.cost.minutes())
    }
}

fn sees_board(role: Option<&Role>, board: &str) -> bool {
    role.is_none_or(|role| role.boards.is_empty() || role.boards.iter().any(|seen| seen == board))
}

fn minutes(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}
