//! What the window itself remembers: which screen and panels are open, what is half typed. Nothing of it changes a session.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bevy::prelude::{Resource, States};

use crate::gui::career::Career;
use crate::gui::desk::Told;
use crate::gui::fit::Misfits;
use crate::gui::keys::Panel;
use crate::gui::settings::Settings;
use crate::session::act::Preview;
use crate::session::case::Case;
use crate::session::command::{DeclaredCause, Look};

/// Where one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, States)]
#[allow(missing_docs, reason = "they are their names")]
pub enum Screen {
    #[default]
    Title,
    Briefing,
    Console,
    Commit,
    Postmortem,
    Debrief,
    Scars,
}

/// In which words one asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "they are their names")]
pub enum Language {
    #[default]
    Promql,
    Sql,
    Kubectl,
}

/// A message that goes away by itself.
#[derive(Clone, Debug)]
pub struct Toast {
    /// What.
    pub text: String,
    /// Whether something was refused.
    pub refused: bool,
    /// Seconds of the window at which it came.
    pub since: f64,
}

/// A half-written update.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields of an update as they are typed")]
pub struct UpdateForm {
    pub open: bool,
    pub impact: f64,
    pub hypothesis: String,
    pub percent: u8,
    pub action: String,
    pub minutes: f64,
}

/// An action that is being chosen.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the parts of an action as they are typed")]
pub struct ActionForm {
    pub chosen: Option<usize>,
    pub target: String,
    pub value: String,
    pub confirm: String,
    pub preview: Option<Preview>,
    pub filter: String,
}

/// The half-written last word.
#[derive(Clone, Debug, Default)]
pub struct CommitForm {
    /// Causes.
    pub causes: Vec<DeclaredCause>,
    /// Which led to which.
    pub links: Vec<(u8, u8)>,
    /// The cause from which an arrow is being drawn.
    pub from: Option<u8>,
    /// Observations that are cited.
    pub cites: Vec<u32>,
    /// Whether this is the last word.
    pub last: bool,
    /// It has been asked for once; the second time commits.
    pub sure: bool,
    /// What was not checked.
    pub unchecked: String,
}

/// The palette.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// What is typed.
    pub text: String,
    /// Which of the entries is chosen.
    pub place: usize,
}

/// Parts of the debrief.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are their names")]
pub enum DebriefTab {
    #[default]
    Minute,
    Turning,
    Flip,
    WhatIf,
    Score,
    Scar,
}

/// The debrief as far as it is there.
#[derive(Clone, Debug, Default)]
pub struct DebriefState {
    /// It.
    pub told: Option<Arc<Told>>,
    /// Runs done, of so many.
    pub progress: (usize, usize),
    /// Why there is none.
    pub failed: Option<String>,
    /// The open part.
    pub tab: DebriefTab,
    /// The frame of the film.
    pub frame: usize,
    /// Whether the film shows what was happening.
    pub truth: bool,
    /// It has been asked for.
    pub asked: bool,
    /// The look that was chosen at the turning points, by its place.
    pub guess: Option<usize>,
    /// The film plays.
    pub playing: bool,
    /// Seconds of the window at which its last frame came.
    pub frame_since: f64,
}

/// Everything that is typed or open.
#[derive(Resource)]
#[allow(missing_docs, reason = "one field for each thing that panels remember")]
pub struct State {
    pub settings: Settings,
    pub go: Option<Screen>,
    pub settings_open: bool,
    pub settings_filter: String,
    pub tab: Panel,
    pub middle: Panel,
    pub focus: Panel,
    pub full: bool,
    pub help: bool,
    pub palette: Option<Palette>,
    pub primer: Option<String>,
    pub toasts: VecDeque<Toast>,
    pub toast_room: Option<bevy_egui::egui::Rect>,
    pub wants_filter: bool,
    pub run: bool,
    pub cases: Vec<(Case, bool)>,
    pub sessions: Vec<(String, String)>,
    pub career: Arc<Career>,
    pub seam: usize,
    pub station: Option<(usize, usize)>,
    pub seams_as_table: bool,
    pub stage: bool,
    pub cursor: Option<f64>,
    pub cursor_found: Option<f64>,
    pub brush: Option<(f64, f64)>,
    pub band: Option<crate::gui::buckets::Band>,
    pub replayed: Option<(f64, f64)>,
    pub zoom: Option<usize>,
    pub units: Vec<String>,
    pub unit_at: usize,
    pub unit: Option<String>,
    /// A step in the list of the panel in focus, in this frame.
    pub step: i32,
    /// What is chosen there is opened, in this frame.
    pub opens: bool,
    /// The rows that are chosen.
    pub picked: BTreeMap<Panel, usize>,
    /// The trace of the request that is chosen on the map.
    pub dot: Option<String>,
    /// The map is shown in words.
    pub outline: bool,
    pub rule: String,
    pub beginning: bool,
    pub failed: Option<String>,
    pub shown: BTreeMap<Panel, u32>,
    pub boards: Vec<u32>,
    pub language: Language,
    pub questions: BTreeMap<Language, String>,
    pub window_min: u32,
    pub error: Option<String>,
    pub logs: (String, String, String),
    pub traces: (String, String, bool),
    pub trace: Option<u32>,
    pub change: Option<u32>,
    pub words: String,
    pub document: Option<u32>,
    pub chosen: Option<String>,
    pub points: BTreeMap<String, u8>,
    /// A pin that cannot be true together with the one that is chosen next, and why.
    pub contradicts: Option<(u32, String)>,
    pub mechanism_filter: String,
    pub chat: String,
    pub delegated: String,
    pub lower: Panel,
    pub update: UpdateForm,
    pub action: ActionForm,
    pub commit: CommitForm,
    pub sections: BTreeMap<String, String>,
    pub debrief: DebriefState,
    pub still: bool,
    pub wall_s: f64,
    pub tour_click: u8,
    pub measures: bool,
    pub misfits: Misfits,
}

impl State {
    /// As it is when the program starts.
    pub fn new(settings: Settings) -> State {
        let open = settings.panes.open;
        State {
            settings,
            go: None,
            settings_open: false,
            settings_filter: String::new(),
            tab: open,
            middle: open,
            focus: Panel::Pager,
            full: false,
            help: false,
            palette: None,
            primer: None,
            toasts: VecDeque::new(),
            toast_room: None,
            wants_filter: false,
            run: false,
            cases: Vec::new(),
            sessions: Vec::new(),
            career: Arc::default(),
            seam: 0,
            station: None,
            seams_as_table: false,
            stage: false,
            cursor: None,
            cursor_found: None,
            brush: None,
            band: None,
            replayed: None,
            zoom: None,
            units: Vec::new(),
            unit_at: 0,
            unit: None,
            step: 0,
            opens: false,
            picked: BTreeMap::new(),
            dot: None,
            outline: false,
            rule: String::new(),
            beginning: false,
            failed: None,
            shown: BTreeMap::new(),
            boards: Vec::new(),
            language: Language::Promql,
            questions: BTreeMap::from([
                (Language::Promql, "sum(rate(envoy_http_downstream_rq_total[2m]))".to_string()),
                (
                    Language::Sql,
                    "SELECT status, count(*) AS n FROM requests GROUP BY status ORDER BY n DESC".to_string(),
                ),
                (Language::Kubectl, "get pods".to_string()),
            ]),
            window_min: 15,
            error: None,
            logs: (String::new(), "5m".to_string(), String::new()),
            traces: (String::new(), String::new(), false),
            trace: None,
            change: None,
            words: String::new(),
            document: None,
            chosen: None,
            points: BTreeMap::new(),
            contradicts: None,
            mechanism_filter: String::new(),
            chat: String::new(),
            delegated: String::new(),
            lower: Panel::Actions,
            update: UpdateForm { minutes: 10.0, ..UpdateForm::default() },
            action: ActionForm::default(),
            commit: CommitForm::default(),
            sections: BTreeMap::new(),
            debrief: DebriefState::default(),
            still: false,
            wall_s: 0.0,
            tour_click: 0,
            measures: false,
            misfits: Misfits::default(),
        }
    }

    /// Forgets what belongs to a session that is left.
    pub fn forget_session(&mut self) {
        let settings = std::mem::take(&mut self.settings);
        let (cases, sessions) = (std::mem::take(&mut self.cases), std::mem::take(&mut self.sessions));
        let (toasts, career) = (std::mem::take(&mut self.toasts), std::mem::take(&mut self.career));
        let (stage, measures) = (self.stage, self.measures);
        *self = State { cases, sessions, toasts, career, stage, measures, ..State::new(settings) };
    }

    /// Points of text for each of those that it would have, in per cent.
    pub fn zoom_percent(&self) -> u32 {
        if self.stage { self.settings.text_percent * 13 / 10 } else { self.settings.text_percent }
    }

    /// Says something that goes away by itself.
    pub fn toast(&mut self, text: impl Into<String>, refused: bool, now: f64) {
        self.toasts.push_back(Toast { text: text.into(), refused, since: now });
        while 4 < self.toasts.len() {
            self.toasts.pop_front();
        }
    }

    /// Goes to a panel.
    pub fn go_to(&mut self, panel: Panel) {
        self.focus = panel;
        self.tab = panel;
        if matches!(panel, Panel::Actions | Panel::Assistant) {
            self.lower = panel;
        }
        if crate::gui::screens::console::MIDDLE.contains(&panel) {
            self.middle = panel;
            self.settings.panes.open = panel;
        }
    }

    /// The points that are not given to any hypothesis yet.
    pub fn unassigned(&self) -> i32 {
        100 - self.points.values().map(|p| i32::from(*p)).sum::<i32>()
    }
}

/// The panel that shows the answers to a look.
pub fn panel_of(look: &Look) -> Panel {
    match look {
        look if crate::gui::panels::context::of(look).is_some() => Panel::Logs,
        Look::Board { .. } => Panel::Dashboards,
        Look::Promql { .. }
        | Look::Sql { .. }
        | Look::Fleet { .. }
        | Look::Compare { .. }
        | Look::Prometheus(_)
        | Look::Delegated { .. } => Panel::Explore,
        Look::Logs { .. } => Panel::Logs,
        Look::Trace { .. } | Look::Traces { .. } => Panel::Traces,
        Look::Changes { .. } => Panel::Changes,
        Look::Archive { .. } | Look::Document { .. } => Panel::Archive,
        Look::Alerts | Look::Tickets => Panel::Pager,
        Look::Ask { .. } => Panel::Chat,
    }
}
