//! A chart: lines with gaps, a dashed mark, last values at its head. It says the same in words to those who do not see it.

use bevy_egui::egui::{self, Color32, FontId, Sense, Stroke, Ui, vec2};
use egui_plot::{HLine, HoverPosition, Line as PlotLine, LineStyle, Plot, PlotBounds, PlotPoints, VLine};

use crate::gui::answers::{Chart, Line, clock_of};
use crate::gui::buckets::Band;
use crate::gui::panels::heat::heat_ui;
use crate::gui::theme::Theme;
use crate::telemetry::panels::Unit;

/// Lines beyond so many are drawn alike, and only the outermost are named.
const NAMED: usize = 6;
/// Beyond so many lines, what was usual is not drawn.
const GHOSTS: usize = 3;
/// Length of a line's sample in the legend.
const SAMPLE: f32 = 13.0;
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

/// What all axes of time share.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// Marks.
    pub moments: Vec<Moment>,
    /// The moment under the pointer, in seconds of the day.
    pub cursor: Option<f64>,
    /// The same as this frame finds it.
    pub found: Option<f64>,
    /// The stretch that was brushed, in seconds of the day.
    pub brush: Option<(f64, f64)>,
    /// The band of a measured time that was brushed with it.
    pub band: Option<Band>,
    /// Charts are shown as tables.
    pub table: bool,
}

/// What is asked of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// How its values are spread.
    Spread,
    /// Its question, where it can be changed.
    Explore,
}

/// Draws a chart into what is available; `high` is the height of the plot alone. Returns what was asked of it.
pub fn chart_ui(ui: &mut Ui, theme: &Theme, chart: &Chart, high: f32, axis: &mut Axis, link: &str) -> Option<Wish> {
    let width = ui.available_width();
    let drawn = ui.vertical(|ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.style_mut().text_styles.insert(egui::TextStyle::Body, FontId::proportional(11.5));
        let spread = title(ui, theme, chart, width);
        if chart.lines.is_empty() {
            nothing(ui, theme, width, high);
        } else if axis.table {
            table_ui(ui, theme, chart, width, high);
        } else if let Some(heat) = &chart.heat {
            heat_ui(ui, theme, heat, chart, vec2(width, high + 18.0), axis);
        } else {
            plot(ui, theme, chart, vec2(width, high), axis, link);
            legend(ui, theme, chart, width);
        }
        spread
    });
    drawn.inner
}

/// The cursor and the brush over a plot, and what the pointer makes of them.
pub(super) fn share_time(
    ui: &Ui,
    theme: &Theme,
    response: &egui::Response,
    plot: egui::Rect,
    span: (f64, f64),
    axis: &mut Axis,
) {
    let second = |x: f32| span.0 + (span.1 - span.0) * f64::from(((x - plot.left()) / plot.width()).clamp(0.0, 1.0));
    let x = |s: f64| plot.left() + plot.width() * ((s - span.0) / (span.1 - span.0)) as f32;
    if let Some(at) = response.hover_pos() {
        axis.found = Some(second(at.x));
    }
    let begun = egui::Id::new("brush begins");
    if let Some(at) = response.interact_pointer_pos() {
        if response.drag_started() {
            let pressed = ui.input(|i| i.pointer.press_origin()).unwrap_or(at);
            ui.data_mut(|d| d.insert_temp(begun, second(pressed.x)));
        }
        if response.dragged()
            && let Some(from) = ui.data(|d| d.get_temp::<f64>(begun))
        {
            let to = second(at.x);
            axis.brush = Some((from.min(to), from.max(to))).filter(|(a, b)| 1.0 < b - a);
            axis.band = None;
        } else if response.clicked() {
            (axis.brush, axis.band) = (None, None);
        }
    }
    let painter = ui.painter().with_clip_rect(plot);
    if let Some((from, to)) = axis.brush.filter(|(a, b)| span.0 < *b && *a < span.1) {
        let rect = egui::Rect::from_x_y_ranges(x(from)..=x(to), plot.y_range());
        painter.rect_filled(rect, 0, theme.you.alpha(0.10));
        for edge in [rect.left(), rect.right()] {
            painter.vline(edge, plot.y_range(), Stroke::new(1.0, theme.text_mid.c()));
        }
    }
    if let Some(cursor) = axis.cursor.filter(|c| span.0 <= *c && *c <= span.1) {
        painter.vline(x(cursor), plot.y_range(), Stroke::new(1.0, theme.text_low.c()));
    }
}

/// What was asked for at its head: a click on the title asks for its question, one on the word beside it for its spread.
fn title(ui: &mut Ui, theme: &Theme, chart: &Chart, width: f32) -> Option<Wish> {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 20.0), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, &chart.summary));
    // On a board a title has words, and in Explore it is the question itself.
    let response = match chart.says.is_empty() {
        true => response,
        false => response.on_hover_text(format!("{}\nclick: its question in Explore, 10 s", chart.says)),
    };
    let explores = !chart.says.is_empty() && response.clicked();
    let unit = chart.unit.suffix().trim();
    let unit_w = if unit.is_empty() { 0.0 } else { 7.0 * unit.chars().count() as f32 + 10.0 };
    let font = crate::gui::theme::heading(13.0);
    let mut job = egui::text::LayoutJob::simple_singleline(chart.title.clone(), font, theme.text_high.c());
    let spreads = chart.heat.is_none() && chart.queries.iter().any(|q| crate::gui::buckets::spread_of(q).is_some());
    let spread_w = if spreads && 190.0 < width { 52.0 } else { 0.0 };
    job.wrap = egui::text::TextWrapping::truncate_at_width((width - unit_w - spread_w).max(20.0));
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(rect.left_center() - vec2(0.0, galley.size().y / 2.0), galley, theme.text_high.c());
    ui.painter().text(
        rect.right_center(),
        egui::Align2::RIGHT_CENTER,
        unit,
        FontId::monospace(11.5),
        theme.text_low.c(),
    );
    if spread_w == 0.0 {
        return explores.then_some(Wish::Explore);
    }
    let at = egui::Rect::from_min_max(
        egui::pos2(rect.right() - unit_w - spread_w, rect.top()),
        egui::pos2(rect.right() - unit_w, rect.bottom()),
    );
    let response = ui.interact(at, egui::Id::new(("spread", &chart.title)), Sense::click());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::WidgetType::Button, true, format!("spread of {}, 10 s", chart.title))
    });
    let ink = if response.hovered() { theme.text_high } else { theme.text_low };
    ui.painter().text(at.center(), egui::Align2::CENTER_CENTER, "spread", FontId::proportional(11.5), ink.c());
    let spreads = response.on_hover_text("a map of heat instead of two lines: 10 s, in Explore").clicked();
    match (spreads, explores) {
        (true, _) => Some(Wish::Spread),
        (false, explores) => explores.then_some(Wish::Explore),
    }
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

fn plot(ui: &mut Ui, theme: &Theme, chart: &Chart, size: egui::Vec2, axis: &mut Axis, link: &str) {
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
    let moments = &axis.moments;
    let shown = Plot::new((link, &chart.title))
        .sense(Sense::click_and_drag())
        .width(size.x)
        .height(size.y)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_x(false)
        .show_y(false)
        .grid_color(theme.hairline.c())
        .grid_spacing(egui::Rangef::new(8.0, 24.0))
        .show_grid([false, true])
        .cursor_color(theme.text_low.c())
        .set_margin_fraction(vec2(0.0, 0.0))
        .y_axis_min_width(34.0)
        .x_axis_formatter(|mark, _| clock_of(mark.value).chars().take(5).collect())
        .y_axis_formatter(move |mark, _| number(mark.value))
        .x_grid_spacer(move |_| ticks(from, to))
        .y_grid_spacer(move |_| levels(lowest, top))
        .label_formatter(label)
        .show(ui, |plot| {
            // A plot remembers the bounds that it had first; those of the answer count.
            plot.set_plot_bounds(PlotBounds::from_min_max([from, lowest], [to.max(from + 1.0), top]));
            for moment in moments.iter().filter(|m| from <= m.at_s && m.at_s <= to) {
                plot.vline(VLine::new("", moment.at_s).color(moment.colour).width(1.0).allow_hover(false));
            }
            if let Some(mark) = chart.threshold.filter(|t| *t <= top) {
                let style = LineStyle::Dashed { length: 5.0 };
                plot.hline(
                    HLine::new("mark", mark).color(theme.text_low.c()).width(1.0).style(style).allow_hover(false),
                );
            }
            // What was usual: the mean of the window before, faint, where lines are few enough to tell apart.
            for (place, line) in chart.lines.iter().enumerate().filter(|_| chart.lines.len() <= GHOSTS) {
                let scale = if unit == Unit::Share { 100.0 } else { 1.0 };
                let Some(before) = line.before.map(|b| b * scale).filter(|b| *b <= top) else { continue };
                let ink = theme.series(place).gamma_multiply(0.55);
                let style = LineStyle::Dotted { spacing: 7.0 };
                plot.hline(
                    HLine::new("the window before", before).color(ink).width(1.4).style(style).allow_hover(false),
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
    let left = shown.transform.position_from_point_x(from);
    let right = shown.transform.position_from_point_x(to);
    let plot = egui::Rect::from_x_y_ranges(left..=right, shown.response.rect.y_range());
    share_time(ui, theme, &shown.response, plot, (from, to), axis);
}

/// Lines that are named differ in pattern as well as in colour.
fn dash(place: usize) -> LineStyle {
    match place % NAMED {
        0 => LineStyle::Solid,
        1 => LineStyle::Dashed { length: 9.0 },
        2 => LineStyle::Dotted { spacing: 5.0 },
        3 => LineStyle::Dashed { length: 18.0 },
        4 => LineStyle::Dashed { length: 4.0 },
        _ => LineStyle::Dotted { spacing: 10.0 },
    }
}

/// A piece of such a line, for a legend.
fn sample(painter: &egui::Painter, from: egui::Pos2, width: f32, place: usize, colour: Color32) {
    let ends = [from, from + vec2(width, 0.0)];
    let stroke = Stroke::new(2.0, colour);
    match dash(place) {
        LineStyle::Solid => drop(painter.line_segment(ends, stroke)),
        LineStyle::Dashed { length } => {
            painter.extend(egui::Shape::dashed_line(&ends, stroke, length * 0.45, length * 0.25));
        }
        LineStyle::Dotted { spacing } => {
            painter.extend(egui::Shape::dotted_line(&ends, colour, spacing * 0.6, 1.2));
        }
    }
}

/// Whole minutes on the axis of time, four or five of them.
pub(super) fn ticks(from: f64, to: f64) -> Vec<egui_plot::GridMark> {
    let span = (to - from).max(60.0);
    let step = [60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0]
        .into_iter()
        .find(|s| span / s <= 5.0)
        .unwrap_or(43_200.0);
    let first = (from / step).ceil() as i64;
    let last = (to / step).floor() as i64;
    // A time at the very left would stand in the zero of the other axis, one at the very right beyond the edge.
    let clear = |n: &i64| (from + span * 0.05..=to - span * 0.05).contains(&(*n as f64 * step));
    (first..=last).filter(clear).map(|n| egui_plot::GridMark { value: n as f64 * step, step_size: step }).collect()
}

/// Two or three round values on the other axis, each as strong as the next.
fn levels(from: f64, to: f64) -> Vec<egui_plot::GridMark> {
    let span = (to - from).max(1e-12);
    let ten = libm::pow(10.0, libm::floor(libm::log10(span / 2.0)));
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * ten).find(|s| span / s <= 3.2).unwrap_or(ten * 10.0);
    let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
    // A number at the very top would stand in the title.
    let clear = |n: &i64| *n as f64 * step <= from + span * 0.87;
    (first..=last).filter(clear).map(|n| egui_plot::GridMark { value: n as f64 * step, step_size: span }).collect()
}

fn legend(ui: &mut Ui, theme: &Theme, chart: &Chart, width: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(width, 18.0), Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    let shown = named(chart);
    let mut x = rect.left() + 36.0;
    let mut told = 0;
    for (order, place) in shown.iter().take(LEGEND).enumerate() {
        let line: &Line = &chart.lines[*place];
        let colour = if chart.lines.len() <= NAMED { theme.series(*place) } else { theme.series(order) };
        let scale = if chart.unit == Unit::Share { 100.0 } else { 1.0 };
        let last = line.last.map_or("-".to_string(), |v| {
            let shown = if chart.unit == Unit::Share { Unit::Percent } else { chart.unit };
            shown.number(v * scale)
        });
        let y = rect.center().y;
        let name: String = line.legend.chars().take(18).collect();
        let name = painter.layout_no_wrap(name, FontId::proportional(12.0), theme.text_mid.c());
        let last = painter.layout_no_wrap(last, FontId::monospace(11.5), theme.text_high.c());
        let (name_w, last_w) = (name.size().x, last.size().x);
        // Beside it there has to be room for how many more there are.
        let more = chart.lines.len() - order - 1;
        let room = if more == 0 { 0.0 } else { 16.0 + 7.0 * format!("+{more}").len() as f32 };
        if 0 < told && rect.right() - room < x + SAMPLE + 9.0 + name_w + last_w {
            break;
        }
        sample(&painter, egui::pos2(x, y), SAMPLE, *place, colour);
        painter.galley(egui::pos2(x + SAMPLE + 4.0, y - name.size().y / 2.0), name, theme.text_mid.c());
        painter.galley(egui::pos2(x + SAMPLE + 9.0 + name_w, y - last.size().y / 2.0), last, theme.text_high.c());
        x += SAMPLE + 22.0 + name_w + last_w;
        told += 1;
    }
    if told < chart.lines.len() {
        let text = format!("+{}", chart.lines.len() - told);
        let at = egui::pos2(x, rect.center().y);
        painter.text(at, egui::Align2::LEFT_CENTER, text, FontId::proportional(12.0), theme.text_low.c());
    }
}

/// The same as a table: for those who do not see the lines, and to read numbers off.
fn table_ui(ui: &mut Ui, theme: &Theme, chart: &Chart, width: f32, high: f32) {
    const ROW: f32 = 17.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, high + 18.0), Sense::hover());
    let scale = if chart.unit == Unit::Share { 100.0 } else { 1.0 };
    let unit = if chart.unit == Unit::Share { Unit::Percent } else { chart.unit };
    let number = |v: Option<f64>| v.map_or("-".to_string(), |v| unit.number(v));
    let rows: Vec<[String; 5]> = (chart.lines.iter())
        .map(|line| {
            let values = || line.stretches.iter().flatten().map(|p| p.y);
            let (low, high) = (values().reduce(f64::min), values().reduce(f64::max));
            let (last, before) = (line.last.map(|v| v * scale), line.before.map(|v| v * scale));
            let name: String = line.legend.chars().take(22).collect();
            [name, number(last), number(low), number(high), number(before)]
        })
        .collect();
    let told: Vec<String> = rows.iter().map(|[n, last, low, high, _]| format!("{n} {last}, {low} to {high}")).collect();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, told.join("; ")));
    let painter = ui.painter().with_clip_rect(rect);
    let heads = ["", "last", "lowest", "highest", "before"].map(str::to_string);
    let room = ((rect.height() / ROW) as usize).saturating_sub(1);
    for (n, row) in [heads].iter().chain(&rows).take(room + 1).enumerate() {
        let y = rect.top() + ROW * (n as f32 + 0.5);
        for (column, cell) in row.iter().enumerate() {
            let ink = if n == 0 || column == 4 { theme.text_low } else { theme.text_high };
            let (at, align, font) = match column {
                0 => (rect.left(), egui::Align2::LEFT_CENTER, FontId::proportional(12.0)),
                c => {
                    (rect.right() - (4 - c) as f32 * width * 0.17, egui::Align2::RIGHT_CENTER, FontId::monospace(11.5))
                }
            };
            painter.text(egui::pos2(at, y), align, cell, font, ink.c());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::theme::themes;

    /// A chart that is printed in grey: lines that are named differ in their pattern, whatever their colours come to.
    #[test]
    fn lines_in_grey_are_told_apart_by_their_pattern() {
        for theme in themes() {
            let greys: Vec<String> = theme.series.iter().map(|c| format!("{:.2}", c.luminance())).collect();
            println!("{}: luminance of the series {}", theme.name, greys.join(" "));
        }
        let patterns: Vec<String> = (0..NAMED).map(|place| format!("{:?}", dash(place))).collect();
        for (n, pattern) in patterns.iter().enumerate() {
            assert!(!patterns[n + 1..].contains(pattern), "two of {NAMED} lines look alike: {pattern}");
        }
    }
}
