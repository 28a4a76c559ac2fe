//! A chart: lines with gaps, a dashed mark, last values at its head. It says the same in words to those who do not see it.

use bevy_egui::egui::{self, Color32, FontId, Sense, Stroke, Ui, Vec2b, vec2};
use egui_plot::{HLine, HoverPosition, Line as PlotLine, LineStyle, Plot, PlotPoints, VLine};

use crate::gui::answers::{Chart, Line, clock_of};
use crate::gui::kit::{head, low};
use crate::gui::theme::Theme;
use crate::telemetry::panels::Unit;

/// Lines beyond so many are drawn alike, and only the outermost are named.
const NAMED: usize = 6;
/// Entries of a legend.
const LEGEND: usize = 4;

/// A mark on the axis of time.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Seconds of the day.
    pub at_s: f64,
    /// Its colour.
    pub colour: Color32,
}

/// Draws a chart into what is available; `high` is the height of the plot alone.
pub fn chart_ui(ui: &mut Ui, theme: &Theme, chart: &Chart, high: f32, moments: &[Moment], link: &str) {
    let width = ui.available_width();
    ui.vertical(|ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.style_mut().text_styles.insert(egui::TextStyle::Body, FontId::proportional(11.5));
        title(ui, theme, chart, width);
        if chart.lines.is_empty() {
            nothing(ui, theme, width, high);
            return;
        }
        plot(ui, theme, chart, vec2(width, high), moments, link);
        legend(ui, theme, chart, width);
    });
}

fn title(ui: &mut Ui, theme: &Theme, chart: &Chart, width: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 20.0), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, &chart.summary));
    let response = if chart.says.is_empty() { response } else { response.on_hover_text(&chart.says) };
    let unit = chart.unit.suffix().trim();
    let unit_w = if unit.is_empty() { 0.0 } else { 7.0 * unit.chars().count() as f32 + 10.0 };
    let font = crate::gui::theme::heading(13.0);
    let mut job = egui::text::LayoutJob::simple_singleline(chart.title.clone(), font, theme.text_high.c());
    job.wrap = egui::text::TextWrapping::truncate_at_width((width - unit_w).max(20.0));
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(rect.left_center() - vec2(0.0, galley.size().y / 2.0), galley, theme.text_high.c());
    ui.painter().text(
        rect.right_center(),
        egui::Align2::RIGHT_CENTER,
        unit,
        FontId::monospace(11.5),
        theme.text_low.c(),
    );
    drop(response);
}

fn nothing(ui: &mut Ui, theme: &Theme, width: f32, high: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(width, high + 20.0), Sense::hover());
    ui.painter().rect_filled(rect, 4, theme.deep.c());
    let painter = ui.painter().with_clip_rect(rect);
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        let line = [egui::pos2(x, rect.bottom()), egui::pos2(x + rect.height(), rect.top())];
        painter.line_segment(line, Stroke::new(1.0, theme.deep.toward(theme.unknown, 0.35).c()));
        x += 12.0;
    }
    let text = "nothing measured";
    ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, text, FontId::proportional(12.5), theme.text_mid.c());
}

/// The outermost lines by their last value, where there are too many to name.
fn named(chart: &Chart) -> Vec<usize> {
    if chart.lines.len() <= NAMED {
        return (0..chart.lines.len()).collect();
    }
    let mut order: Vec<usize> = (0..chart.lines.len()).collect();
    let last = |place: usize| chart.lines[place].last.unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|a, b| last(*b).total_cmp(&last(*a)));
    vec![order[0], order[order.len() - 1]]
}

fn plot(ui: &mut Ui, theme: &Theme, chart: &Chart, size: egui::Vec2, moments: &[Moment], link: &str) {
    let unit = chart.unit;
    let (from, to) = chart.span;
    let named = named(chart);
    let quiet = theme.unknown.toward(theme.text_low, 0.3).c();
    let number = move |v: f64| if unit == Unit::Share { Unit::Percent.number(v) } else { unit.number(v) };
    let label = move |at: &HoverPosition<'_>| match at {
        HoverPosition::NearDataPoint { plot_name, position, .. } => {
            Some(format!("{}  {}\n{plot_name}", clock_of(position.x), number(position.y)))
        }
        HoverPosition::Elsewhere { .. } => None,
    };
    let highest = chart.lines.iter().flat_map(|l| l.stretches.iter().flatten()).map(|p| p.y).fold(0.0, f64::max);
    let lowest = chart.lines.iter().flat_map(|l| l.stretches.iter().flatten()).map(|p| p.y).fold(0.0, f64::min);
    let top = if highest <= lowest { lowest + 1.0 } else { highest + (highest - lowest) * 0.12 };
    Plot::new((link, &chart.title))
        .width(size.x)
        .height(size.y)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_x(false)
        .show_y(false)
        .link_cursor(egui::Id::new(link), Vec2b::new(true, false))
        .grid_color(theme.hairline.c())
        .grid_spacing(egui::Rangef::new(18.0, 60.0))
        .show_grid([false, true])
        .cursor_color(theme.text_low.c())
        .set_margin_fraction(vec2(0.0, 0.0))
        .default_x_bounds(from, to)
        .default_y_bounds(lowest, top)
        .y_axis_min_width(34.0)
        .x_axis_formatter(|mark, _| clock_of(mark.value).chars().take(5).collect())
        .y_axis_formatter(move |mark, _| number(mark.value))
        .x_grid_spacer(move |_| ticks(from, to))
        .label_formatter(label)
        .show(ui, |plot| {
            for moment in moments.iter().filter(|m| from <= m.at_s && m.at_s <= to) {
                plot.vline(VLine::new("", moment.at_s).color(moment.colour).width(1.0).allow_hover(false));
            }
            if let Some(mark) = chart.threshold.filter(|t| *t <= top) {
                let style = LineStyle::Dashed { length: 5.0 };
                plot.hline(
                    HLine::new("mark", mark).color(theme.text_low.c()).width(1.0).style(style).allow_hover(false),
                );
            }
            for (place, line) in chart.lines.iter().enumerate() {
                let among = named.iter().position(|n| *n == place);
                let (colour, width) = match among {
                    Some(_) if chart.lines.len() <= NAMED => (theme.series(place), 1.8),
                    Some(which) => (theme.series(which), 1.8),
                    None => (quiet, 1.0),
                };
                for stretch in &line.stretches {
                    let points = PlotPoints::Borrowed(stretch);
                    plot.line(
                        PlotLine::new(line.legend.as_str(), points).color(colour).width(width).style(dash(place)),
                    );
                }
            }
        });
}

/// Lines differ in pattern as well as in colour.
fn dash(place: usize) -> LineStyle {
    match place % 3 {
        0 => LineStyle::Solid,
        1 => LineStyle::Dashed { length: 9.0 },
        _ => LineStyle::Dotted { spacing: 5.0 },
    }
}

/// Whole minutes on the axis of time, four or five of them.
fn ticks(from: f64, to: f64) -> Vec<egui_plot::GridMark> {
    let span = (to - from).max(60.0);
    let step = [60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0]
        .into_iter()
        .find(|s| span / s <= 5.0)
        .unwrap_or(43_200.0);
    let first = (from / step).ceil() as i64;
    let last = (to / step).floor() as i64;
    (first..=last).map(|n| egui_plot::GridMark { value: n as f64 * step, step_size: step }).collect()
}

fn legend(ui: &mut Ui, theme: &Theme, chart: &Chart, width: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(width, 18.0), Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    let shown = named(chart);
    let more = chart.lines.len() - shown.len().min(LEGEND).min(chart.lines.len());
    let mut x = rect.left() + 36.0;
    for (order, place) in shown.iter().take(LEGEND).enumerate() {
        let line: &Line = &chart.lines[*place];
        let colour = if chart.lines.len() <= NAMED { theme.series(*place) } else { theme.series(order) };
        let scale = if chart.unit == Unit::Share { 100.0 } else { 1.0 };
        let last = line.last.map_or("-".to_string(), |v| {
            let shown = if chart.unit == Unit::Share { Unit::Percent } else { chart.unit };
            shown.number(v * scale)
        });
        let y = rect.center().y;
        painter.line_segment([egui::pos2(x, y), egui::pos2(x + 10.0, y)], Stroke::new(2.0, colour));
        let name: String = line.legend.chars().take(18).collect();
        let at = painter.text(
            egui::pos2(x + 14.0, y),
            egui::Align2::LEFT_CENTER,
            name,
            FontId::proportional(12.0),
            theme.text_mid.c(),
        );
        let at = painter.text(
            egui::pos2(at.right() + 5.0, y),
            egui::Align2::LEFT_CENTER,
            last,
            FontId::monospace(11.5),
            theme.text_high.c(),
        );
        x = at.right() + 14.0;
    }
    if 0 < more {
        let text = format!("+{more}");
        painter.text(
            egui::pos2(x, rect.center().y),
            egui::Align2::LEFT_CENTER,
            text,
            FontId::proportional(12.0),
            theme.text_low.c(),
        );
    }
}

/// A chart's words as a table: for those who do not see it, and to copy.
pub fn words_ui(ui: &mut Ui, theme: &Theme, chart: &Chart) {
    ui.label(head(theme, &chart.title));
    ui.label(low(theme, &chart.summary));
}
