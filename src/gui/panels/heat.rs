//! A map of heat: how measured times are spread over time, with a box that can be drawn around a part of it.

use bevy_egui::egui::{self, FontId, Sense, Stroke, Ui, vec2};

use crate::gui::answers::{Chart, Heat, clock_of};
use crate::gui::buckets::{Band, column_of};
use crate::gui::panels::chart::{Axis, share_time, ticks};
use crate::gui::theme::Theme;
use crate::telemetry::panels::Unit;

/// A map of heat: how values are spread, where a mean would touch nobody.
pub fn heat_ui(ui: &mut Ui, theme: &Theme, heat: &Heat, chart: &Chart, size: egui::Vec2, axis: &mut Axis) {
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Image, true, spread_says(heat)));
    let plot = egui::Rect::from_min_max(rect.min + vec2(44.0, 4.0), rect.max - vec2(6.0, 18.0));
    let painter = ui.painter();
    painter.rect_filled(plot, 2, theme.heat(0.0));
    let (rows, columns) = (heat.ends.len(), heat.moments.len());
    let (wide, high) = (plot.width() / columns.max(1) as f32, plot.height() / rows as f32);
    let mut mesh = egui::Mesh::default();
    for (column, cells) in heat.cells.chunks(rows).enumerate() {
        for (row, share) in cells.iter().enumerate().filter(|(_, s)| 0.0 < **s) {
            let at = egui::pos2(plot.left() + wide * column as f32, plot.bottom() - high * (row + 1) as f32);
            let cell = egui::Rect::from_min_size(at, vec2(wide + 0.5, high + 0.5)).intersect(plot);
            mesh.add_colored_rect(cell, theme.heat(share.sqrt()));
        }
    }
    painter.add(egui::Shape::mesh(mesh));
    // Where half of all requests are below, and where all but one in a hundred.
    for (share, name, at_end) in [(0.5, "p50", false), (0.99, "p99", true)] {
        let line: Vec<Option<egui::Pos2>> = (heat.cells.chunks(rows).enumerate())
            .map(|(column, cells)| {
                let row = quantile_row(cells, share)?;
                Some(egui::pos2(plot.left() + wide * (column as f32 + 0.5), plot.bottom() - high * (row as f32 + 0.5)))
            })
            .collect();
        let known: Vec<egui::Pos2> = line.iter().copied().flatten().collect();
        for stretch in line.split(Option::is_none).filter(|s| 1 < s.len()) {
            let points: Vec<egui::Pos2> = stretch.iter().copied().flatten().collect();
            painter.add(egui::Shape::line(points.clone(), Stroke::new(3.5, theme.deep.alpha(0.55))));
            painter.extend(egui::Shape::dashed_line(&points, Stroke::new(1.4, theme.you.c()), 6.0, 4.0));
        }
        // One is named where it begins and the other where it ends: they may lie on each other.
        if let Some(last) = if at_end { known.last() } else { known.first() } {
            let text = painter.layout_no_wrap(name.to_string(), FontId::monospace(11.5), theme.you.c());
            let at = egui::pos2((last.x + 4.0).min(plot.right() - text.size().x - 4.0), last.y - 15.0);
            let plate = egui::Rect::from_min_size(at, text.size()).expand2(vec2(3.0, 0.0));
            painter.rect_filled(plate, 2, theme.deep.alpha(0.75));
            painter.galley(at, text, theme.you.c());
        }
    }
    let every = (rows as f32 / (plot.height() / 17.0)).ceil().max(1.0) as usize;
    for (row, end) in heat.ends.iter().enumerate().filter(|(row, _)| row % every == 0) {
        let at = egui::pos2(plot.left() - 6.0, plot.bottom() - high * (row + 1) as f32 + high / 2.0);
        let text = if end.is_finite() { Unit::Seconds.number(*end) } else { "more".to_string() };
        painter.text(at, egui::Align2::RIGHT_CENTER, text, FontId::monospace(11.0), theme.text_low.c());
    }
    let (from, to) = chart.span;
    for tick in ticks(from, to) {
        let x = plot.left() + plot.width() * ((tick.value - from) / (to - from).max(1.0)) as f32;
        let text: String = clock_of(tick.value).chars().take(5).collect();
        let at = egui::pos2(x, plot.bottom() + 9.0);
        painter.text(at, egui::Align2::CENTER_CENTER, text, FontId::monospace(11.0), theme.text_low.c());
    }
    for moment in axis.moments.iter().filter(|m| from <= m.at_s && m.at_s <= to) {
        let x = plot.left() + plot.width() * ((moment.at_s - from) / (to - from).max(1.0)) as f32;
        painter.vline(x, plot.y_range(), Stroke::new(1.0, moment.colour));
    }
    share_time(ui, theme, &response, plot, chart.span, axis);
    let column = chart.queries.first().and_then(|q| column_of(q));
    if let Some(column) = column {
        band_ui(ui, theme, heat, column, &response, plot, chart.span, axis);
    }
}

/// A box has a band of values too, by whole buckets; one that is as high as the map has none.
#[allow(
    clippy::too_many_arguments,
    reason = "a box lies on a map of heat, at a place, in a span, and changes what is brushed"
)]
fn band_ui(
    ui: &Ui,
    theme: &Theme,
    heat: &Heat,
    (column, scale): (&'static str, f64),
    response: &egui::Response,
    plot: egui::Rect,
    span: (f64, f64),
    axis: &mut Axis,
) {
    let rows = heat.ends.len();
    let row = |y: f32| ((((plot.bottom() - y) / plot.height()) * rows as f32).floor().max(0.0) as usize).min(rows - 1);
    let begun = egui::Id::new("band begins");
    if let Some(at) = response.interact_pointer_pos() {
        if response.drag_started() {
            let pressed = ui.input(|i| i.pointer.press_origin()).unwrap_or(at);
            ui.data_mut(|d| d.insert_temp(begun, row(pressed.y)));
        }
        if response.dragged()
            && let Some(from) = ui.data(|d| d.get_temp::<usize>(begun))
        {
            let (low, top) = (from.min(row(at.y)), from.max(row(at.y)));
            let lower = if low == 0 { 0.0 } else { heat.ends[low - 1] * scale };
            let band = Band { column, from_ms: lower, to_ms: heat.ends[top] * scale };
            axis.band = (top - low + 1 < rows && axis.brush.is_some()).then_some(band);
        }
    }
    let Some((band, (from, to))) = axis.band.as_ref().filter(|b| b.column == column).zip(axis.brush) else { return };
    let inside = |end: &f64| band.from_ms < end * scale && end * scale <= band.to_ms;
    let (Some(low), Some(top)) = (heat.ends.iter().position(inside), heat.ends.iter().rposition(inside)) else {
        return;
    };
    let x = |s: f64| plot.left() + plot.width() * ((s - span.0) / (span.1 - span.0)).clamp(0.0, 1.0) as f32;
    let y = |row: usize| plot.bottom() - plot.height() * row as f32 / rows as f32;
    let shown = egui::Rect::from_x_y_ranges(x(from)..=x(to), y(top + 1)..=y(low));
    ui.painter().rect_stroke(shown, 1, Stroke::new(2.0, theme.you.c()), egui::StrokeKind::Inside);
}

/// The row below and in which such a share of a column is; none: the column is empty.
fn quantile_row(cells: &[f32], share: f32) -> Option<usize> {
    let all: f32 = cells.iter().sum();
    let mut sum = 0.0;
    (0.0 < all).then(|| {
        cells.iter().position(|c| {
            sum += c;
            all * share <= sum
        })
    })?
}

/// Where most is at the end, in words.
fn spread_says(heat: &Heat) -> String {
    let rows = heat.ends.len();
    let Some(last) = heat.cells.chunks(rows).next_back() else { return "nothing measured".to_string() };
    let all: f32 = last.iter().sum();
    let mut order: Vec<usize> = (0..rows).filter(|r| 0.0 < last[*r]).collect();
    order.sort_by(|a, b| last[*b].total_cmp(&last[*a]));
    let band = |row: usize| {
        let end = heat.ends[row];
        let text = if end.is_finite() { format!("up to {}", Unit::Seconds.number(end)) } else { "more".to_string() };
        format!("{:.0} % {text}", last[row] / all.max(1e-9) * 100.0)
    };
    let p99 = quantile_row(last, 0.99).map_or(String::new(), |row| match heat.ends[row].is_finite() {
        true => format!("; p99 up to {}", Unit::Seconds.number(heat.ends[row])),
        false => "; p99 beyond the last bucket".to_string(),
    });
    format!("spread at the end: {}{p99}", order.into_iter().take(3).map(band).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_of_a_column_lies_in_its_bucket() {
        let cells = [0.5, 0.25, 0.0, 0.25];
        assert_eq!(
            [0.5, 0.6, 0.75, 0.99].map(|share| quantile_row(&cells, share)),
            [Some(0), Some(1), Some(1), Some(3)]
        );
        assert_eq!(quantile_row(&[0.0, 0.0], 0.5), None);
    }
}
