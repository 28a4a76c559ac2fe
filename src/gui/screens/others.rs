//! How this run stands among one's others: a dot for each, no rank. Those of the same case are filled, the others hollow.

use bevy_egui::egui::{self, Align2, FontId, Sense, Stroke, Ui, pos2, vec2};

use crate::gui::desk::Other;
use crate::gui::kit::{counted, head, low};
use crate::gui::theme::Theme;

/// Columns into which values fall.
const COLUMNS: usize = 20;
/// Between one dot and the next.
const STEP: f32 = 9.0;

/// Draws them; none of them: nothing.
pub fn others_ui(ui: &mut Ui, theme: &Theme, mine: &Other, others: &[Other]) {
    if others.is_empty() {
        return;
    }
    ui.add_space(14.0);
    ui.label(head(theme, "Among your other runs").size(16.0));
    let same = others.iter().filter(|o| o.same_case).count();
    ui.label(low(
        theme,
        format!("{}, {same} of this case (filled); the ring is this one", counted(others.len(), "run")),
    ));
    let points = |o: &Other| o.points.map(f64::from);
    strip(ui, theme, ("points on the truth, when it counted", 100.0, ""), mine, others, &points);
    let minutes = |o: &Other| o.found_min;
    let longest = others.iter().chain([mine]).filter_map(minutes).fold(10.0, f64::max).ceil();
    strip(ui, theme, ("minutes from the page until the truth led", longest, " min"), mine, others, &minutes);
}

/// The column of a value.
fn column(value: f64, most: f64) -> usize {
    ((value / most.max(1e-9) * COLUMNS as f64) as usize).min(COLUMNS - 1)
}

/// One measure as dots over its axis, from 0 to `most`.
fn strip(
    ui: &mut Ui,
    theme: &Theme,
    (name, most, unit): (&str, f64, &str),
    mine: &Other,
    others: &[Other],
    value: &dyn Fn(&Other) -> Option<f64>,
) {
    let mut piles: Vec<Vec<bool>> = vec![Vec::new(); COLUMNS];
    let mut order: Vec<&Other> = others.iter().collect();
    order.sort_by_key(|o| !o.same_case);
    let mut none = 0;
    for other in order {
        match value(other) {
            Some(v) => piles[column(v, most)].push(other.same_case),
            None => none += 1,
        }
    }
    let tallest = piles.iter().map(Vec::len).max().unwrap_or(0) + 1;
    let high = STEP * tallest.min(12) as f32 + 8.0;
    let width = ui.available_width().min(470.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, high + 34.0), Sense::hover());
    let says = match value(mine) {
        Some(v) => format!("{name}: {v:.0}{unit} in this run"),
        None => format!("{name}: never in this run"),
    };
    let counted = if none == 0 { String::new() } else { format!(", never in {none} others") };
    let says = format!("{says}{counted}");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, &says));
    let painter = ui.painter();
    let ink = theme.text_mid.c();
    painter.text(rect.left_top() + vec2(0.0, 9.0), Align2::LEFT_CENTER, says, FontId::proportional(13.0), ink);
    let base = rect.bottom() - 15.0;
    painter.hline(rect.x_range(), base, Stroke::new(1.0, theme.hairline.c()));
    let x = |column: usize| rect.left() + 6.0 + (rect.width() - 12.0) * (column as f32 + 0.5) / COLUMNS as f32;
    for (n, pile) in piles.iter().enumerate() {
        for (row, same) in pile.iter().take(12).enumerate() {
            let at = pos2(x(n), base - 6.0 - STEP * row as f32);
            match same {
                true => drop(painter.circle_filled(at, 3.5, theme.flow.c())),
                false => drop(painter.circle_stroke(at, 3.0, Stroke::new(1.2, theme.text_low.c()))),
            }
        }
    }
    if let Some(v) = value(mine) {
        let n = column(v, most);
        let at = pos2(x(n), base - 6.0 - STEP * piles[n].len().min(12) as f32);
        painter.circle_stroke(at, 4.5, Stroke::new(2.0, theme.you.c()));
    }
    for (share, align) in [(0.0, Align2::LEFT_CENTER), (1.0, Align2::RIGHT_CENTER)] {
        let at = pos2(rect.left() + rect.width() * share, base + 8.0);
        let text = format!("{:.0}{unit}", most * f64::from(share));
        painter.text(at, align, text, FontId::monospace(11.0), theme.text_low.c());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_columns_from_nothing_to_the_most() {
        assert_eq!([0.0, 4.9, 5.0, 99.9, 100.0, 130.0].map(|v| column(v, 100.0)), [0, 0, 1, 19, 19, 19]);
    }
}
