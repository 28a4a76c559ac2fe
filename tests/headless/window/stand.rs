//! A panel on its own, with a session behind it: what it asks for is written down instead of carried out.

use std::sync::Arc;

use bevy_egui::egui::{self, Ui, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::NodeT;
use scartissue::console::parse::{Said, parse};
use scartissue::gui::kit::Cx;
use scartissue::gui::settings::Settings;
use scartissue::gui::snapshot::{Maker, Snapshot};
use scartissue::gui::state::State;
use scartissue::gui::theme::{Theme, fonts, themes};
use scartissue::gui::worker::Ask;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::session::Session;
use scartissue::session::clock::{Seat, Terms};
use scartissue::session::seal::{self, Seal};
use scartissue::telemetry::watch::Watch;

/// What a panel is drawn from, and what it asked for.
pub struct Stand {
    /// What is known.
    pub snap: Arc<Snapshot>,
    /// What the window remembers.
    pub state: State,
    /// What was asked for.
    pub asks: Vec<Ask>,
    theme: Theme,
    dressed: bool,
}

/// A session of a scenario's first variant, some time after its page, in which these lines were said.
pub fn session(name: &str, lines: &[&str]) -> Session {
    let scenario = Scenario::open(&Catalogue::built_in(), name).expect("a built-in scenario");
    let variant = scenario.file.variants[0].name.clone();
    let paged_at = Watch::new(&scenario.file, &variant, 7, 3).expect("a world").run_to_first_page();
    let seal = Seal {
        v: seal::VERSION,
        scenario: name.to_string(),
        variant,
        seed: 7,
        salt: 3,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    let mut session = Session::open(scenario, seal, Terms::default()).expect("a session");
    for line in lines {
        let Ok(Said::Command(command)) = parse(line) else { panic!("{line}: no command") };
        session.apply(Seat::Participant, &command).unwrap_or_else(|why| panic!("{line}: {why}"));
    }
    session
}

/// A panel of a session, so large.
pub fn stand(
    session: &Session,
    size: (f32, f32),
    panel: impl Fn(&mut Ui, &mut Cx<'_>) + 'static,
) -> Harness<'static, Stand> {
    let snap = Arc::new(Maker::default().snapshot("a-session", session));
    let mut state = State::new(Settings { greeted: true, ..Settings::default() });
    state.points = snap.view.board.points.clone();
    let stand = Stand { snap, state, asks: Vec::new(), theme: themes().swap_remove(0), dressed: false };
    let draw = move |ui: &mut Ui, stand: &mut Stand| {
        if !stand.dressed {
            ui.ctx().set_fonts(fonts());
            stand.theme.dress(ui.ctx(), false);
            stand.dressed = true;
            ui.ctx().request_repaint();
            return; // fonts are there from the next frame on
        }
        let Stand { snap, state, asks, theme, .. } = stand;
        panel(ui, &mut Cx { snap: snap.as_ref(), theme, state, asks });
    };
    let mut harness = Harness::builder().with_size(vec2(size.0, size.1)).with_max_steps(8).build_ui_state(draw, stand);
    harness.run_steps(3);
    harness
}

/// Everything that a screen reader finds in a panel, line by line from its upper left corner on.
pub fn words(harness: &Harness<'_, Stand>) -> String {
    let mut found: Vec<(i64, i64, String)> = Vec::new();
    for node in harness.root().children_recursive() {
        let node = node.accesskit_node();
        let Some(text) = node.label().filter(|l| !l.trim().is_empty()).or_else(|| node.value()) else { continue };
        let value = node.value().filter(|v| *v != text).map_or(String::new(), |v| format!(" = {v}"));
        let at = node.raw_bounds().unwrap_or_default();
        let role = format!("{:?}", node.role());
        let role = if matches!(role.as_str(), "Label" | "TextRun") { String::new() } else { format!("[{role}] ") };
        let line = format!("{role}{text}{value}").replace('\n', " / ");
        found.push(((at.y0 / 4.0).round() as i64, at.x0.round() as i64, line));
    }
    found.sort();
    found.dedup_by(|a, b| a.2 == b.2 && a.0 == b.0);
    found.into_iter().map(|(_, _, line)| format!("{line}\n")).collect()
}

/// A frame that is drawn by nobody has no size to be wrong about: texts that do not fit into the panel.
pub fn beyond(harness: &Harness<'_, Stand>, size: (f32, f32)) -> Vec<String> {
    let whole = egui::Rect::from_min_size(egui::Pos2::ZERO, vec2(size.0, size.1)).expand(2.0);
    let mut out = Vec::new();
    for clipped in &harness.output().shapes {
        if let egui::Shape::Text(text) = &clipped.shape {
            let rect = text.visual_bounding_rect();
            let shown = clipped.clip_rect.intersects(rect);
            if shown && !rect.is_negative() && (rect.right() > whole.right() || rect.left() < whole.left()) {
                out.push(text.galley.text().to_string());
            }
        }
    }
    out
}
