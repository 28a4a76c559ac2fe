//! Scar tissue: each failure a seam in the cloth, a stitch for each try alone, bright as it is remembered. No praise, no
//! streaks: what is known, what frays, and when it comes back.

use bevy_egui::egui::{self, Align2, FontId, Rect, RichText, ScrollArea, Sense, Stroke, Ui, UiBuilder, pos2, vec2};

use crate::gui::career::{LINES, Seam, name};
use crate::gui::keys::Verb;
use crate::gui::kit::{Shape, counted, frame, head, high, inset, key_cap, low, mid, primary, shape};
use crate::gui::screens::title::go_in;
use crate::gui::state::{Screen, State};
use crate::gui::theme::{Rgb, Theme, heading};
use crate::gui::worker::Ask;
use crate::scar::healing::date;
use crate::scar::item::Kind;
use crate::scar::standing::{FRAYED, Look};

/// Height of a seam.
const SEAM: f32 = 40.0;
/// Width of a stitch, and from one to the next.
const STITCH: (f32, f32) = (17.0, 26.0);

/// Draws it.
pub fn scars_ui(ui: &mut Ui, theme: &Theme, state: &mut State, asks: &mut Vec<Ask>) {
    let whole = ui.available_rect_before_wrap();
    ui.painter().rect_filled(whole, 0, theme.deep.c());
    let bar = Rect::from_min_size(whole.min, vec2(whole.width(), 48.0));
    ui.painter().rect_filled(bar, 0, theme.ground.c());
    ui.painter().hline(bar.x_range(), bar.bottom(), Stroke::new(1.0, theme.hairline.c()));
    ui.scope_builder(UiBuilder::new().max_rect(bar.shrink2(vec2(18.0, 8.0))).id_salt("scars bar"), |ui| {
        head_ui(ui, theme, state, asks);
    });
    let rest = Rect::from_min_max(pos2(whole.left(), bar.bottom()), whole.max).shrink(14.0);
    let card_w = (rest.width() * 0.32).clamp(280.0, 460.0);
    let cloth = rest.with_max_x(rest.right() - card_w - 12.0);
    let foot = cloth.with_min_y(cloth.bottom() - 66.0);
    let cloth = cloth.with_max_y(foot.top() - 10.0);
    weave(ui, theme, cloth);
    ui.scope_builder(UiBuilder::new().max_rect(cloth.shrink2(vec2(20.0, 14.0))).id_salt("cloth"), |ui| {
        ScrollArea::vertical().id_salt("seams").auto_shrink([false, false]).show(ui, |ui| seams(ui, theme, state));
    });
    frame(ui, foot, theme, false, true);
    ui.scope_builder(UiBuilder::new().max_rect(foot.shrink2(vec2(18.0, 10.0))).id_salt("scars foot"), |ui| {
        ui.label(mid(theme, format!("Help: {}.", state.career.gap)).size(13.5));
        ui.add(egui::Label::new(low(theme, &state.career.trial)).truncate());
    });
    let card = rest.with_min_x(rest.right() - card_w);
    frame(ui, card, theme, false, true);
    ui.scope_builder(UiBuilder::new().max_rect(card.shrink2(vec2(22.0, 18.0))).id_salt("scar card"), |ui| {
        ScrollArea::vertical().id_salt("card").auto_shrink([false, false]).show(ui, |ui| {
            card_ui(ui, theme, state, asks);
        });
    });
}

fn head_ui(ui: &mut Ui, theme: &Theme, state: &mut State, asks: &mut Vec<Ask>) {
    ui.horizontal_centered(|ui| {
        ui.label(RichText::new("Scar tissue").font(heading(18.0)).color(theme.text_high.c()));
        ui.add_space(10.0);
        let [patterns, pairs, traps] = state.career.counts();
        let says = [counted(patterns, "pattern"), counted(pairs, "pair"), counted(traps, "trap")].join("   ");
        ui.label(mid(theme, says));
        ui.add_space(10.0);
        let says = match state.career.due() {
            0 => "nothing is due".to_string(),
            n => format!("due today {n}, {} min", state.career.due_minutes),
        };
        ui.label(mid(theme, says));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ui.button("Back").clicked() {
                state.go = Some(Screen::Title);
            }
            let label = if state.seams_as_table { "As cloth" } else { "As a table" };
            if ui.button(label).clicked() {
                state.seams_as_table = !state.seams_as_table;
            }
            if primary(ui, theme, "Retest", true) {
                go_in(Verb::Retest, state, asks);
            }
            key_cap(ui, theme, "r");
        });
    });
}

/// Linen: a fine weave, drawn once, that says nothing.
fn weave(ui: &Ui, theme: &Theme, rect: Rect) {
    let cloth = cloth(theme);
    ui.painter().rect_filled(rect, 8, cloth.c());
    let painter = ui.painter().with_clip_rect(rect.shrink(1.0));
    let thread = Stroke::new(1.0, cloth.toward(if theme.dark { theme.text_low } else { theme.text_mid }, 0.055).c());
    let mut x = rect.left() + 3.0;
    while x < rect.right() {
        painter.vline(x, rect.y_range(), thread);
        x += 6.0;
    }
    let mut y = rect.top() + 3.0;
    while y < rect.bottom() {
        painter.hline(rect.x_range(), y, thread);
        y += 6.0;
    }
    ui.painter().rect_stroke(rect, 8, Stroke::new(1.0, theme.hairline.c()), egui::StrokeKind::Inside);
}

/// The ground of the cloth: indigo by night, undyed by day.
fn cloth(theme: &Theme) -> Rgb {
    theme.ground.toward(theme.change, if theme.dark { 0.10 } else { 0.05 })
}

fn seams(ui: &mut Ui, theme: &Theme, state: &mut State) {
    if state.career.seams.is_empty() {
        ui.add_space(20.0);
        ui.label(high(theme, "No scars yet."));
        ui.label(mid(theme, "Play a case, end it, read its debrief: what it taught is sewn in here."));
        return;
    }
    let career = std::sync::Arc::clone(&state.career);
    if state.seams_as_table {
        table(ui, theme, &career.seams);
        return;
    }
    let mut under = String::new();
    for (place, seam) in career.seams.iter().enumerate() {
        let group = group(seam);
        if group != under {
            ui.add_space(if under.is_empty() { 2.0 } else { 12.0 });
            ui.label(RichText::new(group.to_uppercase()).font(heading(12.0)).color(theme.text_low.c()));
            under = group;
        }
        if seam_ui(ui, theme, seam, state.seam == place).clicked() {
            state.seam = place;
        }
    }
}

fn group(seam: &Seam) -> String {
    match seam.kind {
        Kind::Pattern => LINES.iter().find(|(id, _)| *id == seam.family).map_or("Other", |(_, name)| name).to_string(),
        kind => kind.heading().to_string(),
    }
}

fn seam_ui(ui: &mut Ui, theme: &Theme, seam: &Seam, chosen: bool) -> egui::Response {
    let width = ui.available_width() - 8.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, SEAM), Sense::click());
    let says = format!("{}: {}; {} tries alone; {}", seam.is, seam.look.word(), seam.standing.alone.len(), seam.due);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &says));
    if chosen || response.hovered() {
        let tint = cloth(theme).toward(theme.text_low, if chosen { 0.20 } else { 0.10 });
        ui.painter().rect_filled(rect, 5, tint.c());
    }
    let painter = ui.painter().with_clip_rect(rect);
    let y = rect.center().y;
    let title = name(&seam.standing.item);
    painter.text(pos2(rect.left() + 10.0, y), Align2::LEFT_CENTER, title, heading(13.5), theme.text_high.c());
    let from = rect.left() + (rect.width() * 0.34).max(200.0);
    let to = rect.right() - (rect.width() * 0.26).clamp(150.0, 230.0);
    thread(&painter, theme, seam, from, to, y);
    let note = match seam.look {
        Look::HelpedOnly => "with help only".to_string(),
        _ if seam.due.is_empty() => String::new(),
        _ => seam.due.split(',').next().unwrap_or_default().to_string(),
    };
    let ink = if seam.is_due { theme.text_high } else { theme.text_mid };
    let right =
        painter.text(pos2(rect.right() - 10.0, y), Align2::RIGHT_CENTER, note, FontId::proportional(12.5), ink.c());
    if seam.is_due {
        painter.circle_filled(pos2(right.left() - 10.0, y), 3.0, theme.you.c());
    }
    response
}

/// The thread: a stitch for each try alone, brighter the surer it is remembered; gaps where it frays; a cut where somebody
/// was sure and wrong.
fn thread(painter: &egui::Painter, theme: &Theme, seam: &Seam, from: f32, to: f32, y: f32) {
    let quiet = cloth(theme).toward(theme.text_low, 0.35).c();
    painter.add(egui::Shape::dashed_line(&[pos2(from, y), pos2(to, y)], Stroke::new(1.0, quiet), 1.5, 6.0));
    let most = (((to - from) / STITCH.1) as usize).max(1);
    if seam.look == Look::HelpedOnly {
        for n in 0..seam.standing.with_ai.len().min(most) {
            painter.circle_filled(pos2(from + 8.0 + STITCH.1 * n as f32, y), 2.6, theme.text_low.c());
        }
        return;
    }
    let bright = seam.forecast.unwrap_or(0.85) as f32;
    let tries = &seam.standing.alone;
    let skipped = tries.len().saturating_sub(most);
    for (n, review) in tries.iter().skip(skipped).enumerate() {
        let x = from + STITCH.1 * n as f32;
        let last = n + 1 + skipped == tries.len();
        if !review.rating.passed() {
            cut(painter, theme, x, y, last && seam.look == Look::Raw);
            continue;
        }
        let ink = cloth(theme).toward(theme.text_high, (0.25 + 0.75 * bright).clamp(0.3, 1.0)).c();
        let frayed = seam.look == Look::Frayed;
        let line = Stroke::new(3.4, ink);
        if frayed {
            painter.line_segment([pos2(x, y), pos2(x + STITCH.0 * 0.36, y)], line);
            painter.line_segment([pos2(x + STITCH.0 * 0.62, y), pos2(x + STITCH.0, y)], line);
            for (dx, dy) in [(0.40, -4.0), (0.48, 4.5), (0.58, -3.0)] {
                let at = pos2(x + STITCH.0 * dx, y);
                painter.line_segment([at, at + vec2(1.5, dy)], Stroke::new(1.0, ink));
            }
        } else {
            painter.line_segment([pos2(x, y), pos2(x + STITCH.0, y)], line);
            let cross = Stroke::new(2.2, ink);
            painter.line_segment(
                [pos2(x + STITCH.0 * 0.5 - 3.0, y + 5.0), pos2(x + STITCH.0 * 0.5 + 3.0, y - 5.0)],
                cross,
            );
        }
    }
}

/// A cut: open where it was a firm error that was not tried again.
fn cut(painter: &egui::Painter, theme: &Theme, x: f32, y: f32, raw: bool) {
    let ink = theme.text_mid.c();
    let high = if raw { 8.0 } else { 5.0 };
    for n in 0..3 {
        let at = x + 3.0 + 5.0 * n as f32;
        painter.line_segment([pos2(at - 2.5, y + high), pos2(at + 2.5, y - high)], Stroke::new(1.8, ink));
    }
}

fn table(ui: &mut Ui, theme: &Theme, seams: &[Seam]) {
    egui::Grid::new("scars").num_columns(5).striped(true).spacing([18.0, 6.0]).show(ui, |ui| {
        for title in ["item", "state", "tries alone", "came, at first tries", "when"] {
            ui.label(head(theme, title));
        }
        ui.end_row();
        for seam in seams {
            ui.label(RichText::new(&seam.standing.item).monospace().size(12.0).color(theme.text_high.c()));
            ui.label(mid(theme, seam.look.word()).size(13.0));
            ui.label(mid(theme, seam.standing.alone.len().to_string()).size(13.0));
            ui.label(mid(theme, observed(seam)).size(13.0));
            ui.label(mid(theme, &seam.due).size(13.0));
            ui.end_row();
        }
    });
}

fn observed(seam: &Seam) -> String {
    match seam.observed {
        (_, 0) => "not yet tried again".to_string(),
        (hits, of) => {
            format!("{hits} of {of} [{:.0} to {:.0} %]", seam.interval.0 * 100.0, seam.interval.1 * 100.0)
        }
    }
}

fn card_ui(ui: &mut Ui, theme: &Theme, state: &mut State, asks: &mut Vec<Ask>) {
    let Some(seam) = state.career.seams.get(state.seam).cloned() else {
        ui.label(low(theme, "A seam that is chosen shows its history here."));
        return;
    };
    ui.label(RichText::new(name(&seam.standing.item)).font(heading(19.0)).color(theme.text_high.c()));
    ui.label(mid(theme, &seam.is));
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let kind = match seam.look {
            Look::Raw => Shape::Square,
            Look::Open => Shape::Up,
            Look::Frayed => Shape::Hollow,
            Look::Firm => Shape::Dot,
            Look::HelpedOnly => Shape::Hollow,
        };
        shape(ui, kind, theme.text_high.c());
        ui.label(high(theme, seam.look.word()));
    });
    ui.label(mid(theme, &seam.says).size(13.5));
    ui.label(mid(theme, format!("observed at first tries: {}", observed(&seam))).size(13.5));
    if !seam.due.is_empty() {
        ui.label(mid(theme, &seam.due).size(13.5));
    }
    if let Some(state) = seam.standing.state {
        ui.add_space(8.0);
        fade(ui, theme, &seam, state);
    }
    ui.add_space(8.0);
    ui.label(head(theme, "Your rule"));
    match seam.standing.rule() {
        Some(rule) => drop(ui.label(high(theme, format!("\"{rule}\"")))),
        None => drop(ui.label(low(theme, "None yet: a debrief asks for one."))),
    }
    ui.add_space(8.0);
    ui.label(head(theme, "History"));
    let alone = seam.standing.alone.iter().map(|r| (r, "alone"));
    let mut all: Vec<_> = alone.chain(seam.standing.with_ai.iter().map(|r| (r, "with help"))).collect();
    all.sort_by_key(|(r, _)| std::cmp::Reverse(r.at_s));
    for (review, how) in all {
        inset(theme).show(ui, |ui| {
            ui.set_width(ui.available_width() - 6.0);
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal(|ui| {
                ui.label(RichText::new(date(review.at_s)).monospace().size(12.5).color(theme.text_high.c()));
                ui.label(high(theme, review.rating.word()).size(13.0));
                ui.label(low(theme, format!("{how}, {}", review.session)));
            });
            ui.label(mid(theme, &review.why).size(13.0));
            if let Some(points) = review.truth_percent {
                ui.label(low(theme, format!("{points} points on the truth")));
            }
            if let Some(fooled) = &review.fooled_by {
                ui.label(low(theme, format!("fooled at first by {fooled}")));
            }
        });
    }
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        if primary(ui, theme, "Retest what is due", true) {
            go_in(Verb::Retest, state, asks);
        }
        ui.label(low(theme, "which it is, the run does not say"));
    });
}

/// How it fades from its last try on, with what is wished for.
fn fade(ui: &mut Ui, theme: &Theme, seam: &Seam, state: crate::scar::memory::State) {
    const DAYS: f64 = 60.0;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 108.0), Sense::hover());
    response.widget_info(|| {
        let says = format!(
            "{:.0} % after a week, {:.0} % after a month",
            state.recall(7.0) * 100.0,
            state.recall(30.0) * 100.0
        );
        egui::WidgetInfo::labeled(egui::WidgetType::Image, true, says)
    });
    let plot = Rect::from_min_max(rect.min + vec2(30.0, 6.0), rect.max - vec2(6.0, 18.0));
    fade_axes(ui, theme, plot, DAYS);
    let points = fade_line(plot, DAYS, |days| state.recall(days));
    let known = seam.standing.is_known();
    let ink = if known { theme.flow } else { theme.text_low };
    ui.painter().add(egui::Shape::line(points, Stroke::new(2.0, ink.c())));
    if !known {
        let says = "too few tries to say";
        ui.painter().text(plot.right_top(), Align2::RIGHT_TOP, says, FontId::proportional(12.0), theme.text_low.c());
    }
}

/// Points of a fade over so many days.
pub fn fade_line(plot: Rect, days: f64, recall: impl Fn(f64) -> f64) -> Vec<egui::Pos2> {
    let at = |n: usize| days * (n as f64 / 60.0);
    let x = |d: f64| plot.left() + plot.width() * (d / days) as f32;
    (0..=60).map(|n| pos2(x(at(n)), plot.bottom() - plot.height() * recall(at(n)) as f32)).collect()
}

/// Axes of a fade: per cent, days, and the mark below which a scar frays.
pub fn fade_axes(ui: &Ui, theme: &Theme, plot: Rect, days: f64) {
    let painter = ui.painter();
    for percent in [0.0_f32, 50.0, 100.0] {
        let y = plot.bottom() - plot.height() * percent / 100.0;
        painter.hline(plot.x_range(), y, Stroke::new(1.0, theme.hairline.c()));
        let text = format!("{percent:.0}");
        painter.text(
            pos2(plot.left() - 6.0, y),
            Align2::RIGHT_CENTER,
            text,
            FontId::monospace(11.0),
            theme.text_low.c(),
        );
    }
    let y = plot.bottom() - plot.height() * FRAYED as f32;
    let mark = [pos2(plot.left(), y), pos2(plot.right(), y)];
    painter.add(egui::Shape::dashed_line(&mark, Stroke::new(1.0, theme.text_low.c()), 4.0, 4.0));
    for day in [0.0, 7.0, 14.0, 30.0, 60.0].into_iter().filter(|d| *d <= days) {
        let x = plot.left() + plot.width() * (day / days) as f32;
        let (text, hang) = if day == 0.0 {
            ("0 d".to_string(), Align2::LEFT_TOP)
        } else {
            (format!("{day:.0} d"), Align2::CENTER_TOP)
        };
        let hang = if day == days { Align2::RIGHT_TOP } else { hang };
        painter.text(pos2(x, plot.bottom() + 4.0), hang, text, FontId::monospace(11.0), theme.text_low.c());
    }
}
