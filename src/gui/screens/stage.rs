//! The stage: what a projector shows a room. Large type, the map and the users' pain, nothing to type into. What was seen
//! alone, until somebody flips a debrief to what was happening: then a double border says so.

use bevy_egui::egui::{
    self, Align, Align2, FontId, Layout, Rect, RichText, Sense, Stroke, StrokeKind, Ui, UiBuilder, pos2, vec2,
};

use crate::gui::kit::{Cx, frame, key_cap, low, mid, minutes};
use crate::gui::state::State;
use crate::gui::theme::{Theme, heading};
use crate::session::view::in_pain;

/// Height of the head.
const HEAD: f32 = 92.0;

/// An incident on the stage; returns where the map belongs.
pub fn incident_ui(ui: &mut Ui, cx: &mut Cx<'_>) -> Rect {
    let whole = ui.available_rect_before_wrap();
    let head = whole.with_max_y(whole.top() + HEAD);
    ui.painter().rect_filled(head, 0, cx.theme.ground.c());
    ui.scope_builder(UiBuilder::new().max_rect(head.shrink2(vec2(24.0, 10.0))).id_salt("stage head"), |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 22.0;
            // All digits at once: one that is drawn for the first time would be missing for a frame.
            let digits = "0123456789:".to_string();
            drop(ui.painter().layout_no_wrap(digits, FontId::monospace(34.0), cx.theme.text_high.c()));
            let clock = RichText::new(&cx.snap.clock).font(FontId::monospace(34.0));
            ui.add(egui::Label::new(clock.color(cx.theme.text_high.c())).extend());
            let severity = cx.snap.view.severity.map_or("SEV ?".to_string(), |s| format!("SEV{s}"));
            ui.label(RichText::new(severity).font(heading(24.0)).color(cx.theme.text_high.c()));
            pain(ui, cx);
            let page = if cx.snap.view.page.is_empty() { "no page yet" } else { cx.snap.view.page.as_str() };
            let left = ui.available_width() - 130.0;
            ui.allocate_ui(vec2(left.max(120.0), HEAD - 20.0), |ui| {
                ui.add(egui::Label::new(mid(cx.theme, page).size(19.0)).wrap());
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| way_out(ui, cx.theme));
        });
    });
    Rect::from_min_max(pos2(whole.left(), head.bottom()), whole.max).shrink(14.0)
}

fn pain(ui: &mut Ui, cx: &Cx<'_>) {
    let (rect, _) = ui.allocate_exact_size(vec2(250.0, HEAD - 26.0), Sense::hover());
    let painter = ui.painter();
    let percent = cx.snap.view.pain_percent;
    let text = percent.map_or("-".to_string(), in_pain);
    painter.text(rect.left_top(), Align2::LEFT_TOP, "users in pain", FontId::proportional(14.0), cx.theme.text_low.c());
    let at = rect.left_bottom() - vec2(0.0, 2.0);
    painter.text(at, Align2::LEFT_BOTTOM, text, heading(32.0), cx.theme.text_high.c());
    let plot = Rect::from_min_max(pos2(rect.left() + 104.0, rect.top()), rect.max);
    painter.rect_filled(plot, 4, cx.theme.deep.c());
    let to = cx.snap.view.elapsed_s.max(60.0);
    let from = (to - 900.0).max(0.0);
    let place = |[s, p]: &[f64; 2]| {
        let x = plot.left() + plot.width() * ((s - from) / (to - from)) as f32;
        pos2(x, plot.bottom() - 3.0 - (plot.height() - 6.0) * (p / 100.0).clamp(0.0, 1.0) as f32)
    };
    let line = cx.snap.pain.iter().filter(|p| from <= p[0]).map(place).collect();
    painter.add(egui::Shape::line(line, Stroke::new(2.5, cx.theme.flow.c())));
}

fn way_out(ui: &mut Ui, theme: &Theme) {
    ui.label(low(theme, "stage"));
    key_cap(ui, theme, "F8");
}

/// A debrief on the stage: the flip alone; returns where the map belongs.
pub fn debrief_ui(ui: &mut Ui, theme: &Theme, state: &mut State) -> Option<Rect> {
    let whole = ui.available_rect_before_wrap();
    let told = state.debrief.told.clone()?;
    state.debrief.frame = state.debrief.frame.min(told.film.len().saturating_sub(1));
    let moment = told.film.get(state.debrief.frame)?;
    let foot = whole.with_min_y(whole.bottom() - 70.0).shrink2(vec2(14.0, 8.0));
    frame(ui, foot, theme, false, true);
    ui.scope_builder(UiBuilder::new().max_rect(foot.shrink2(vec2(18.0, 8.0))).id_salt("stage foot"), |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.label(RichText::new(&moment.clock).font(FontId::monospace(22.0)).color(theme.text_high.c()));
            let says = if state.debrief.truth { "what was happening" } else { "what could be seen" };
            ui.label(RichText::new(says).font(heading(20.0)).color(theme.text_high.c()));
            key_cap(ui, theme, "f");
            ui.label(low(theme, "flips"));
            let (rect, _) = ui.allocate_exact_size(vec2((ui.available_width() - 90.0).max(60.0), 10.0), Sense::hover());
            ui.painter().rect_filled(rect, 4, theme.raised.c());
            let share = state.debrief.frame as f32 / told.film.len().saturating_sub(1).max(1) as f32;
            ui.painter().rect_filled(rect.with_max_x(rect.left() + rect.width() * share), 4, theme.flow.c());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| way_out(ui, theme));
        });
    });
    let says =
        format!("minute {}", minutes(told.length_s * state.debrief.frame as f64 / told.film.len().max(1) as f64));
    let map = Rect::from_min_max(whole.min, pos2(whole.right(), foot.top())).shrink(14.0);
    ui.interact(map, egui::Id::new("stage map"), Sense::hover())
        .widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Image, true, &says));
    if state.debrief.truth {
        border(ui, theme, whole);
    }
    Some(map)
}

/// Nobody takes it for what was seen.
fn border(ui: &Ui, theme: &Theme, whole: Rect) {
    let painter = ui.painter();
    for inset in [3.0, 9.0] {
        painter.rect_stroke(whole.shrink(inset), 2, Stroke::new(2.5, theme.failing.c()), StrokeKind::Middle);
    }
    let plate = Rect::from_center_size(pos2(whole.center().x, whole.top() + 16.0), vec2(130.0, 30.0));
    painter.rect_filled(plate, 4, theme.failing.c());
    painter.text(plate.center(), Align2::CENTER_CENTER, "TRUTH", heading(20.0), theme.deep.c());
}
