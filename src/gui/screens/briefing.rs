//! The briefing: what one knows on arrival, what looking costs, and the stack on a quiet day. The clock stands.

use bevy_egui::egui::{self, Rect, RichText, Ui, UiBuilder, pos2, vec2};

use crate::gui::kit::{Cx, frame, head, key_cap, low, mid, primary};
use crate::gui::state::Screen;
use crate::gui::theme::heading;
use crate::gui::worker::Ask;
use crate::session::prices;
use crate::telemetry::colleagues::colleagues;

/// Draws it; returns where the map belongs.
pub fn briefing_ui(ui: &mut Ui, cx: &mut Cx<'_>) -> Rect {
    let whole = ui.available_rect_before_wrap().shrink(24.0);
    let low_map = (whole.height() * 0.58).clamp(220.0, 700.0);
    let text = Rect::from_min_max(whole.min, pos2(whole.right(), whole.bottom() - low_map - 16.0));
    frame(ui, text, cx.theme, false, true);
    ui.scope_builder(UiBuilder::new().max_rect(text.shrink2(vec2(28.0, 20.0))).id_salt("briefing"), |ui| {
        let wide = 900.0 < text.width();
        let columns = if wide { 3 } else { 2 };
        ui.horizontal(|ui| {
            ui.label(RichText::new(&cx.snap.view.case).font(heading(26.0)).color(cx.theme.text_high.c()));
            ui.label(mid(cx.theme, "you take over now").size(16.0));
        });
        ui.add_space(10.0);
        ui.spacing_mut().item_spacing.x = 36.0;
        ui.columns(columns, |columns| {
            columns.iter_mut().for_each(|c| c.spacing_mut().item_spacing.x = 8.0);
            let ui = &mut columns[0];
            ui.label(head(cx.theme, "Handover"));
            if !cx.snap.handover.is_empty() {
                prose(ui, cx, cx.snap.handover.as_ref());
                ui.add_space(8.0);
                ui.label(head(cx.theme, "The service"));
            }
            prose(ui, cx, cx.snap.briefing.as_ref());
            ui.add_space(10.0);
            let minutes = cx.snap.view.left_s / 60.0;
            ui.label(mid(cx.theme, format!("It is {}. The shift ends in {minutes:.0} minutes.", cx.snap.clock)));
            ui.label(mid(cx.theme, format!("Help: {}", mode(cx))));
            ui.add_space(16.0);
            let run = std::mem::take(&mut cx.state.run);
            let mut go = false;
            ui.horizontal(|ui| {
                go = primary(ui, cx.theme, "Take the pager", true);
                key_cap(ui, cx.theme, "Enter");
            });
            if go || run {
                cx.asks.push(Ask::Hold(false));
                cx.state.go = Some(Screen::Console);
            }
            let ui = &mut columns[1];
            ui.label(head(cx.theme, "What looking costs, on the clock"));
            egui::Grid::new("prices").num_columns(2).spacing([14.0, 3.0]).show(ui, |ui| {
                for (what, seconds) in prices::LIST {
                    let price = if *seconds == 0 { "free".to_string() } else { format!("{seconds} s") };
                    ui.label(RichText::new(price).monospace().color(cx.theme.text_high.c()));
                    ui.label(mid(cx.theme, *what).size(13.5));
                    ui.end_row();
                }
            });
            if wide {
                let ui = &mut columns[2];
                ui.label(head(cx.theme, "Who is around"));
                egui::ScrollArea::vertical().id_salt("people").show(ui, |ui| {
                    for person in colleagues().iter().take(9) {
                        ui.horizontal(|ui| {
                            ui.label(RichText::new(&person.name).size(13.5).color(cx.theme.text_high.c()));
                            ui.add(egui::Label::new(low(cx.theme, &person.role)).truncate());
                        });
                    }
                });
            }
        });
    });
    Rect::from_min_max(pos2(whole.left(), text.bottom() + 16.0), whole.max)
}

/// Columns stretch their lines; prose keeps its spaces.
fn prose(ui: &mut Ui, cx: &Cx<'_>, text: &str) {
    ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| ui.label(mid(cx.theme, text).size(15.0)));
}

fn mode(cx: &Cx<'_>) -> &'static str {
    match cx.snap.view.mode {
        crate::session::clock::Mode::A0 => "none, you are alone",
        crate::session::clock::Mode::A1 => "hints",
        crate::session::clock::Mode::A2 => "advice after your first commit",
        crate::session::clock::Mode::A3 => "advice from the beginning",
    }
}
