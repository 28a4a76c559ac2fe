//! The case board: hypotheses with points that sum to 100, evidence, contradictions, and the way to a commit. Nothing here
//! answers to the truth.

use bevy_egui::egui::{self, Align, FontId, Layout, Rect, RichText, Sense, TextEdit, Ui, UiBuilder, vec2};

use crate::gui::kit::{Cx, chip, head, inset, low, mid, primary};
use crate::gui::state::Screen;
use crate::scenario::mechanisms::{MECHANISMS, Mechanism, search};
use crate::session::command::{Command, Speaks};

/// Why two pins contradict each other, where nobody says.
pub const NO_WHY: &str = "they cannot both be true of one story";
/// Points of one step.
const STEP: u8 = 5;

/// Draws it.
pub fn case_board_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let whole = ui.available_rect_before_wrap();
    let foot = Rect::from_min_max(egui::pos2(whole.left(), whole.bottom() - 36.0), whole.max);
    let rest = Rect::from_min_max(whole.min, egui::pos2(whole.right(), foot.top() - 4.0));
    ui.scope_builder(UiBuilder::new().max_rect(rest).id_salt("hypotheses"), |ui| {
        egui::ScrollArea::vertical().id_salt("board").auto_shrink([false, false]).show(ui, |ui| {
            hypotheses(ui, cx);
            add(ui, cx);
            evidence(ui, cx);
        });
    });
    ui.scope_builder(UiBuilder::new().max_rect(foot).id_salt("foot"), |ui| foot_ui(ui, cx));
}

/// What a mechanism is, in a line.
pub fn is(id: &str) -> &'static str {
    MECHANISMS.iter().find(|m| m.id == id).map_or("", |m| m.is)
}

fn hypotheses(ui: &mut Ui, cx: &mut Cx<'_>) {
    let mut order: Vec<(String, u8)> = cx.state.points.iter().map(|(m, p)| (m.clone(), *p)).collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    if order.is_empty() {
        ui.label(low(cx.theme, "Name what could have caused it, and give points."));
    }
    for (mechanism, points) in order {
        row(ui, cx, &mechanism, points);
    }
    let left = cx.state.unassigned();
    if left != 0 && !cx.state.points.is_empty() {
        ui.horizontal(|ui| {
            let says =
                if 0 < left { format!("{left} points not given yet") } else { format!("{} points too many", -left) };
            ui.label(RichText::new(says).size(12.5).color(cx.theme.degraded.c()));
            if ui.small_button("rebalance  =").clicked() {
                rebalance(cx);
            }
        });
    }
}

fn row(ui: &mut Ui, cx: &mut Cx<'_>, mechanism: &str, points: u8) {
    let theme = cx.theme;
    let width = ui.available_width() - 6.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, 40.0), Sense::click());
    let chosen = cx.state.chosen.as_deref() == Some(mechanism);
    if response.clicked() {
        cx.state.chosen = Some(mechanism.to_string());
    }
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, format!("{mechanism} {points}")));
    let response = response.on_hover_text(is(mechanism));
    if chosen || response.hovered() {
        ui.painter().rect_filled(rect, 5, theme.raised.c());
    }
    if chosen {
        let mark = Rect::from_min_size(rect.min + vec2(0.0, 6.0), vec2(3.0, rect.height() - 12.0));
        ui.painter().rect_filled(mark, 1, theme.you.c());
    }
    let at = rect.left_top() + vec2(10.0, 12.0);
    ui.painter().text(at, egui::Align2::LEFT_CENTER, mechanism, FontId::monospace(12.5), theme.text_high.c());
    let number = rect.right_top() + vec2(-62.0, 12.0);
    ui.painter().text(
        number,
        egui::Align2::RIGHT_CENTER,
        points.to_string(),
        crate::gui::theme::heading(15.0),
        theme.text_high.c(),
    );
    let lane = Rect::from_min_size(rect.left_top() + vec2(10.0, 25.0), vec2(width - 72.0, 6.0));
    ui.painter().rect_filled(lane, 3, theme.deep.c());
    let filled = Rect::from_min_size(lane.min, vec2(lane.width() * f32::from(points) / 100.0, lane.height()));
    ui.painter().rect_filled(filled, 3, theme.flow.c());
    for (place, (sign, by)) in [("-", -i32::from(STEP)), ("+", i32::from(STEP))].into_iter().enumerate() {
        let at = Rect::from_min_size(rect.right_top() + vec2(-54.0 + 27.0 * place as f32, 7.0), vec2(24.0, 26.0));
        let name = format!("{sign} {mechanism}");
        let response = ui.interact(at, egui::Id::new(("points", &name)), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &name));
        let fill = if response.hovered() { theme.hairline } else { theme.raised };
        ui.painter().rect_filled(at, 4, fill.c());
        ui.painter().rect_stroke(at, 4, egui::Stroke::new(1.0, theme.hairline.c()), egui::StrokeKind::Inside);
        ui.painter().text(at.center(), egui::Align2::CENTER_CENTER, sign, FontId::monospace(15.0), theme.text_high.c());
        if response.clicked() {
            cx.state.chosen = Some(mechanism.to_string());
            change(cx, by);
        }
    }
}

/// Changes the points of the hypothesis that is chosen.
pub fn change(cx: &mut Cx<'_>, by: i32) {
    let Some(chosen) = cx.state.chosen.clone() else { return };
    let points = cx.state.points.entry(chosen.clone()).or_insert(0);
    *points = (i32::from(*points) + by).clamp(0, 100) as u8;
    if *points == 0 && by < 0 {
        cx.state.points.remove(&chosen);
    }
    believe(cx);
}

/// Makes the points sum to 100, in proportion, in whole steps where that is possible.
pub fn rebalance(cx: &mut Cx<'_>) {
    let sum: u32 = cx.state.points.values().map(|p| u32::from(*p)).sum();
    if sum == 0 {
        return;
    }
    for points in cx.state.points.values_mut() {
        *points = (u32::from(*points) * 100 / sum) as u8;
    }
    let left = cx.state.unassigned();
    if let Some(most) = cx.state.points.iter().max_by_key(|(_, p)| **p).map(|(m, _)| m.clone()) {
        let points = cx.state.points.entry(most).or_insert(0);
        *points = (i32::from(*points) + left).clamp(0, 100) as u8;
    }
    believe(cx);
}

/// Puts it on record once the points sum to 100.
fn believe(cx: &mut Cx<'_>) {
    if cx.state.unassigned() == 0 && cx.state.points != cx.snap.view.board.points {
        cx.command(Command::Believe { points: cx.state.points.clone() });
    }
}

fn add(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.add_space(2.0);
    let wants = std::mem::take(&mut cx.state.wants_filter);
    let edit = TextEdit::singleline(&mut cx.state.mechanism_filter)
        .desired_width(f32::INFINITY)
        .hint_text("add a hypothesis: type a word, as in cache")
        .id(egui::Id::new("hypothesis"));
    let response = ui.add(edit);
    if wants {
        response.request_focus();
    }
    let words = cx.state.mechanism_filter.trim().to_string();
    if words.is_empty() {
        return;
    }
    let found: Vec<&'static Mechanism> = search(&words);
    let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    let mut taken = entered.then(|| found.first().map(|m| m.id)).flatten();
    for mechanism in found.iter().take(8) {
        let text = RichText::new(mechanism.id).monospace().size(12.5);
        if ui.add(egui::Button::new(text).frame(false).truncate()).on_hover_text(mechanism.primer).clicked() {
            taken = Some(mechanism.id);
        }
        ui.label(low(cx.theme, mechanism.is));
    }
    if found.is_empty() {
        ui.label(low(cx.theme, "No mechanism has that word; \"other\" and \"no_fault\" are there too."));
    }
    if let Some(id) = taken {
        let left = cx.state.unassigned().clamp(0, 100) as u8;
        let points = if cx.state.points.is_empty() { 50 } else { left.min(20) };
        cx.state.points.insert(id.to_string(), points);
        cx.state.chosen = Some(id.to_string());
        cx.state.mechanism_filter.clear();
        believe(cx);
    }
}

fn evidence(ui: &mut Ui, cx: &mut Cx<'_>) {
    let board = cx.snap.view.board.clone();
    ui.add_space(6.0);
    ui.horizontal(|ui| {
        ui.label(head(cx.theme, "Evidence"));
        ui.label(low(cx.theme, "p pins what is open"));
    });
    for pin in &board.pins {
        let title = cx.snap.looked.iter().find(|l| l.number == pin.observation).map_or("", |l| l.title.as_str());
        inset(cx.theme).show(ui, |ui| {
            ui.set_width(ui.available_width() - 6.0);
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal(|ui| {
                chip(ui, cx.theme, &format!("E{}", pin.observation), cx.theme.text_high.c());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    contradict(ui, cx, pin.observation);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(egui::Label::new(low(cx.theme, title)).truncate());
                    });
                });
            });
            if !pin.note.is_empty() {
                ui.label(mid(cx.theme, &pin.note).size(13.0));
            }
            for (mechanism, speaks) in &pin.links {
                ui.label(low(cx.theme, format!("{} {mechanism}", speaks.word())));
            }
            link(ui, cx, pin.observation);
        });
    }
    if let Some((one, why)) = &mut cx.state.contradicts {
        ui.label(low(cx.theme, format!("E{one} cannot be true together with ... mark the other.")));
        ui.add(TextEdit::singleline(why).desired_width(f32::INFINITY).hint_text("why, in a line"));
    }
    for (one, other, why) in &board.contradictions {
        ui.horizontal_wrapped(|ui| {
            chip(ui, cx.theme, &format!("E{one} against E{other}"), cx.theme.you.c());
            ui.label(low(cx.theme, why));
        });
    }
}

/// Two pins that cannot both be true: the mark of one, and then that of the other.
fn contradict(ui: &mut Ui, cx: &mut Cx<'_>, observation: u32) {
    if cx.snap.view.board.pins.len() < 2 {
        return;
    }
    let first = cx.state.contradicts.as_ref().map(|(one, _)| *one);
    let name = format!("! E{observation}");
    let response = ui.selectable_label(first == Some(observation), "!");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &name));
    if !response.on_hover_text("cannot be true together with another: mark both").clicked() {
        return;
    }
    match cx.state.contradicts.take() {
        None => cx.state.contradicts = Some((observation, String::new())),
        Some((one, why)) if one != observation => {
            let why = if why.trim().is_empty() { NO_WHY.to_string() } else { why.trim().to_string() };
            cx.command(Command::Contradict { one, other: observation, why });
        }
        Some(_) => {}
    }
}

/// What a pin speaks for or against: the hypothesis that is chosen.
fn link(ui: &mut Ui, cx: &mut Cx<'_>, observation: u32) {
    let Some(chosen) = cx.state.chosen.clone() else { return };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (word, speaks) in [("for", Speaks::For), ("against", Speaks::Against)] {
            if ui.small_button(word).on_hover_text(format!("{word} {chosen}")).clicked() {
                cx.command(Command::Link { observation, mechanism: chosen.clone(), speaks });
            }
        }
        ui.add(egui::Label::new(low(cx.theme, &chosen).size(11.5)).truncate());
    });
}

fn foot_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        let ready = cx.state.unassigned() == 0;
        let run = std::mem::take(&mut cx.state.run);
        if primary(ui, cx.theme, "Commit", ready) || (run && ready) {
            cx.state.commit.sure = false;
            cx.state.go = Some(Screen::Commit);
        }
        let commits = cx.snap.view.board.commits.len();
        let says = match (ready, commits) {
            (false, _) => "points have to sum to 100".to_string(),
            (true, 0) => "nothing committed yet".to_string(),
            (true, n) => format!("{n} on record"),
        };
        ui.label(low(cx.theme, says));
    });
}
