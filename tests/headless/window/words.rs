//! Every panel says in words what it shows, on two scenarios: what a screen reader finds is kept as text, and nothing is
//! drawn beyond a panel's edge.

use std::path::PathBuf;

use scartissue::console::parse::{Said, parse};
use scartissue::gui::kit::Cx;
use scartissue::gui::map::picture::seen;
use scartissue::gui::panels::{
    actions, archive, assistant, case_board, changes, channel, dashboards, explore, logs, pager, strip, top, traces,
};
use scartissue::gui::screens::{briefing, commit, postmortem};
use scartissue::gui::snapshot::Maker;

use scartissue::session::Session;
use scartissue::session::clock::Seat;

use super::stand::{beyond, session, stand, words};

type Draw = fn(&mut bevy_egui::egui::Ui, &mut Cx<'_>);

const PANELS: [(&str, (f32, f32), Draw); 14] = [
    ("bar", (1600.0, 44.0), |ui, cx| top::top_ui(ui, cx)),
    ("pager", (290.0, 600.0), |ui, cx| pager::pager_ui(ui, cx)),
    ("channel", (290.0, 420.0), |ui, cx| channel::channel_ui(ui, cx)),
    ("boards", (1250.0, 480.0), |ui, cx| dashboards::dashboards_ui(ui, cx)),
    ("explore", (1250.0, 480.0), |ui, cx| explore::explore_ui(ui, cx)),
    ("logs", (1250.0, 480.0), |ui, cx| logs::logs_ui(ui, cx)),
    ("traces", (1250.0, 480.0), |ui, cx| traces::traces_ui(ui, cx)),
    ("changes", (1250.0, 480.0), |ui, cx| changes::changes_ui(ui, cx)),
    ("archive", (1250.0, 480.0), |ui, cx| archive::archive_ui(ui, cx)),
    ("case-board", (348.0, 640.0), |ui, cx| case_board::case_board_ui(ui, cx)),
    ("actions", (348.0, 420.0), |ui, cx| actions::actions_ui(ui, cx)),
    ("strip", (1600.0, 62.0), |ui, cx| strip::strip_ui(ui, cx)),
    ("commit", (1600.0, 900.0), |ui, cx| commit::commit_ui(ui, cx)),
    ("briefing", (1600.0, 900.0), |ui, cx| _ = briefing::briefing_ui(ui, cx)),
];

const LINES: [&str; 9] = [
    "wait 90s",
    "ack",
    "board overview 15m",
    "explore sum by (code) (rate(envoy_http_downstream_rq_xx[2m])) over 15m",
    "logs gateway since 2m grep error",
    "traces min_ms=2000",
    "changes 24h",
    "search runbook",
    "pin E1 first look",
];

fn kept(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/window").join(format!("{name}.txt"))
}

/// The words alone: numbers are the world's, and change with it.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        let number = c.is_ascii_digit() || (matches!(c, '.' | ',') && plain.ends_with('#'));
        match number {
            true if plain.ends_with('#') => {}
            true => plain.push('#'),
            false => plain.push(c),
        }
    }
    plain
}

/// Words that are held to those that were kept, or kept anew.
#[derive(Default)]
pub struct Kept {
    differ: Vec<String>,
}

impl Kept {
    /// Holds what a screen says to what it said.
    pub fn hold(&mut self, name: &str, now: &str) {
        let now = plain(now);
        assert!(20 < now.len(), "{name} says next to nothing: {now}");
        let file = kept(name);
        if std::env::var_os("SCARTISSUE_BLESS").is_some() {
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
            std::fs::write(&file, &now).expect("it can be written");
            return;
        }
        let then = std::fs::read_to_string(&file).unwrap_or_default();
        if then != now {
            let first = then.lines().zip(now.lines()).find(|(a, b)| a != b);
            self.differ.push(format!("{}: {first:?}", file.display()));
        }
    }

    /// Fails if something is said otherwise.
    pub fn done(self) {
        let differ = self.differ;
        assert!(
            differ.is_empty(),
            "{differ:#?}\nSCARTISSUE_BLESS=1 cargo test --release --test headless window:: writes them anew"
        );
    }
}

fn say(session: &mut Session, line: &str) {
    let Ok(Said::Command(command)) = parse(line) else { panic!("{line}: no command") };
    session.apply(Seat::Participant, &command).unwrap_or_else(|why| panic!("{line}: {why}"));
}

#[test]
fn panels_read_as_they_did_and_stay_inside_their_edges() {
    let mut kept = Kept::default();
    for (name, lead) in
        [("first-shift-3", "believe demand.growth=60 other=40"), ("quiet-tuesday", "believe no_fault=70 other=30")]
    {
        let mut lines = LINES.to_vec();
        lines.push(lead);
        let mut session = session(name, &lines);
        let mut all: Vec<(String, String)> = Vec::new();
        for (panel, size, draw) in PANELS {
            let shown = stand(&session, size, draw);
            let out = beyond(&shown, size);
            assert!(out.is_empty(), "{name}, {panel}: drawn beyond its edge: {out:?}");
            all.push((panel.to_string(), words(&shown)));
        }
        let snap = Maker::default().snapshot("a-session", &session);
        let stack = snap.seen.stack.clone().expect("the first scrape was");
        let picture = seen(&stack, snap.seen.reference_rate, &snap.seen.journeys, snap.now, snap.clock.clone());
        all.push(("map".to_string(), picture.text()));
        let locked = stand(&session, (348.0, 420.0), assistant::assistant_ui);
        all.push(("assistant-locked".to_string(), words(&locked)));
        let compare = "compare status >= 400";
        [compare, "commit other 50 E1", "advise"].iter().for_each(|line| say(&mut session, line));
        all.push(("compare".to_string(), words(&stand(&session, (1250.0, 480.0), explore::explore_ui))));
        all.push(("assistant".to_string(), words(&stand(&session, (348.0, 560.0), assistant::assistant_ui))));
        say(&mut session, "end");
        let written = stand(&session, (1600.0, 900.0), postmortem::postmortem_ui);
        all.push(("postmortem".to_string(), words(&written)));
        all.into_iter().for_each(|(panel, now)| kept.hold(&format!("{name}-{panel}"), &now));
    }
    kept.done();
}
