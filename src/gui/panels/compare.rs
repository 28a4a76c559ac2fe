//! Compare: what the rows that are brushed have more of than the rest, and less. One look, at the price of a search.

use bevy_egui::egui::{self, Align2, FontId, Rect, Sense, Ui, pos2, vec2};

use crate::gui::answers::Differs;
use crate::gui::brush::{comparison, says};
use crate::gui::keys::{Panel, VERBS, Verb};
use crate::gui::kit::{Cx, key_cap, low, priced};
use crate::gui::theme::{Theme, heading};

/// Height of a dimension.
const ROW: f32 = 44.0;

/// What is brushed, with what can be done with it: in one line, from right to left.
pub fn brushed_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let (Some(look), Some(says)) = (comparison(cx.state), says(cx.state)) else { return };
    if ui.small_button("clear").on_hover_text("brush nothing (Esc)").clicked() {
        (cx.state.brush, cx.state.band) = (None, None);
    }
    if priced(ui, cx.theme, "Compare", &look) {
        compare(cx);
    }
    let key = VERBS.iter().find(|e| e.verb == Verb::Compare).map(|e| cx.state.settings.keys.of(e));
    key_cap(ui, cx.theme, &key.unwrap_or_default());
    ui.add(egui::Label::new(low(cx.theme, says)).truncate());
}

/// Asks what differs between what is brushed and the rest.
pub fn compare(cx: &mut Cx<'_>) {
    let Some(look) = comparison(cx.state) else { return };
    cx.state.shown.remove(&Panel::Explore);
    cx.state.error = None;
    cx.state.go_to(Panel::Explore);
    cx.look(look);
}

/// Dimensions, the most different first: of each the value that differs most, with its share on either side.
pub fn differences_ui(ui: &mut Ui, theme: &Theme, found: &Differs) {
    ui.horizontal(|ui| {
        for (colour, text) in [
            (theme.flow.c(), format!("{} rows inside", found.inside)),
            (theme.unknown.c(), format!("{} outside", found.outside)),
        ] {
            let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), Sense::hover());
            ui.painter().rect_filled(rect.shrink(1.0), 2, colour);
            ui.label(low(theme, text));
        }
        ui.label(low(theme, "the share that has this value; the most different dimension first"));
    });
    egui::ScrollArea::vertical().id_salt("differences").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        found.rows.iter().for_each(|row| row_ui(ui, theme, row));
    });
}

fn row_ui(ui: &mut Ui, theme: &Theme, row: &crate::gui::answers::Difference) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width() - 8.0, ROW), Sense::hover());
    response.widget_info(|| {
        let says = format!(
            "{} {}: {:.1} % inside, {:.1} % outside; differs {:.2}",
            row.dimension,
            row.value,
            row.inside * 100.0,
            row.outside * 100.0,
            row.distance
        );
        egui::WidgetInfo::labeled(egui::WidgetType::Label, true, says)
    });
    let names = (rect.width() * 0.34).clamp(150.0, 320.0);
    let left = Rect::from_min_size(rect.min, vec2(names - 12.0, ROW));
    let painter = ui.painter().with_clip_rect(left);
    let high = theme.text_high.c();
    painter.text(pos2(left.left() + 2.0, rect.top() + 13.0), Align2::LEFT_CENTER, &row.dimension, heading(13.0), high);
    let mid = theme.text_mid.c();
    let mut value = egui::text::LayoutJob::simple_singleline(row.value.clone(), FontId::monospace(12.5), mid);
    value.wrap = egui::text::TextWrapping::truncate_at_width(left.width() - 4.0);
    painter.galley(pos2(left.left() + 2.0, rect.top() + 22.0), painter.layout_job(value), mid);
    let bars = Rect::from_min_max(pos2(rect.left() + names, rect.top() + 6.0), rect.right_bottom() - vec2(118.0, 6.0));
    for (place, (share, colour)) in [(row.inside, theme.flow), (row.outside, theme.unknown)].into_iter().enumerate() {
        let top = bars.top() + 16.0 * place as f32 + 2.0;
        let lane = Rect::from_min_size(pos2(bars.left(), top), vec2(bars.width(), 11.0));
        ui.painter().rect_filled(lane, 2, theme.raised.c());
        let long = lane.with_max_x(lane.left() + lane.width() * (share as f32).clamp(0.0, 1.0));
        ui.painter().rect_filled(long, 2, colour.c());
        let says = format!("{:.1} %", share * 100.0);
        let font = FontId::monospace(12.0);
        ui.painter().text(
            pos2(lane.right() + 60.0, lane.center().y),
            Align2::RIGHT_CENTER,
            says,
            font,
            theme.text_mid.c(),
        );
    }
    let says = format!("{:.2}", row.distance);
    ui.painter().text(rect.right_center(), Align2::RIGHT_CENTER, says, FontId::monospace(13.5), high);
    ui.painter().hline(rect.x_range(), rect.bottom(), egui::Stroke::new(1.0, theme.tint(theme.hairline, 0.6)));
}
