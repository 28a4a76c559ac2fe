//! A table: heads, rows that scroll, one of which can be chosen by pointer or by keys.

use bevy_egui::egui::{self, Color32, FontId, Sense, Ui, vec2};

use crate::gui::answers::Table;
use crate::gui::kit::Pick;
use crate::gui::theme::Theme;

/// Height of a row.
const ROW: f32 = 21.0;
/// Width of a character.
const CHARACTER: f32 = 7.5;

/// Draws a table; returns the row that was clicked, or opened by a key. `colour` may give a cell another colour than the usual.
pub fn grid_ui(
    ui: &mut Ui,
    theme: &Theme,
    salt: &str,
    table: &Table,
    pick: Pick,
    colour: impl Fn(usize, usize) -> Option<Color32>,
) -> Option<usize> {
    let font = FontId::monospace(12.5);
    let widths: Vec<f32> = table.widths.iter().map(|w| (*w).max(3) as f32 * CHARACTER + 18.0).collect();
    let whole: f32 = widths.iter().sum::<f32>().max(ui.available_width() - 12.0);
    let mut clicked = pick.at.filter(|_| pick.opens);
    egui::ScrollArea::both().id_salt(("grid", salt)).auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.set_min_width(whole);
        let (head, _) = ui.allocate_exact_size(vec2(whole, ROW), Sense::hover());
        let mut x = head.left();
        for (place, name) in table.columns.iter().enumerate() {
            let at = egui::pos2(x, head.center().y);
            ui.painter().text(at, egui::Align2::LEFT_CENTER, name, FontId::proportional(12.5), theme.text_low.c());
            x += widths[place];
        }
        ui.painter().hline(head.x_range(), head.bottom() - 0.5, egui::Stroke::new(1.0, theme.hairline.c()));
        for (n, row) in table.rows.iter().enumerate() {
            let (rect, _) = ui.allocate_exact_size(vec2(whole, ROW), Sense::hover());
            let chosen = pick.at == Some(n);
            if chosen && pick.moved {
                ui.scroll_to_rect(rect.with_max_x(rect.left() + 1.0), None);
            }
            if !ui.is_rect_visible(rect) {
                continue;
            }
            // What can be clicked is what is seen of it: a long line goes on far beyond the edge.
            let response = ui.interact(rect.intersect(ui.clip_rect()), ui.id().with(("row", n)), Sense::click());
            response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, row.join("  ")));
            if response.hovered() || chosen {
                ui.painter().rect_filled(rect, 3, theme.raised.c());
            }
            if chosen {
                let line = egui::Stroke::new(1.0, theme.text_low.c());
                ui.painter().rect_stroke(response.rect.shrink(0.5), 3, line, egui::StrokeKind::Inside);
            }
            if response.clicked() {
                clicked = Some(n);
            }
            let mut x = rect.left();
            for (place, cell) in row.iter().enumerate() {
                let cut = table.widths[place];
                let text: String = cell.chars().take(cut).collect();
                let ink = colour(n, place).unwrap_or(if place == 0 { theme.text_high.c() } else { theme.text_mid.c() });
                ui.painter().text(egui::pos2(x, rect.center().y), egui::Align2::LEFT_CENTER, text, font.clone(), ink);
                x += widths[place];
            }
        }
    });
    clicked
}
