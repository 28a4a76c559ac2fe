//! Small parts that all panels are made of: cards, keys, chips, bars, prices. Colours come from the theme only.

use bevy_egui::egui::{
    self, Align, Color32, CornerRadius, FontId, Layout, Margin, Rect, Response, RichText, Sense, Stroke, StrokeKind,
    Ui, UiBuilder, pos2, vec2,
};

use crate::gui::keys::Panel;
use crate::gui::snapshot::Snapshot;
use crate::gui::state::State;
use crate::gui::theme::{Theme, heading};
use crate::gui::worker::Ask;
use crate::session::command::{Command, Look};
use crate::session::prices::price;

/// Space between cards.
pub const GAP: f32 = 8.0;
/// Height of a card's head.
pub const HEAD: f32 = 30.0;

/// What a panel gets: what is known, how it looks, what it remembers, and a list to ask on.
pub struct Cx<'a> {
    /// The session.
    pub snap: &'a Snapshot,
    /// The theme.
    pub theme: &'a Theme,
    /// What the window remembers.
    pub state: &'a mut State,
    /// What is asked of the worker.
    pub asks: &'a mut Vec<Ask>,
}

impl Cx<'_> {
    /// Says a command.
    pub fn command(&mut self, command: Command) {
        self.asks.push(Ask::Do(command));
    }

    /// What keys make of a panel's list in this frame: the row that is chosen, by steps from the first.
    pub fn pick(&mut self, panel: Panel, rows: usize) -> Pick {
        let (step, opens) = (std::mem::take(&mut self.state.step), std::mem::take(&mut self.state.opens));
        let at = self.state.picked.get(&panel).map(|at| (*at).min(rows.saturating_sub(1))).filter(|_| 0 < rows);
        let next = match (at, step) {
            (at, 0) => at,
            (None, _) => (0 < rows).then_some(0),
            (Some(at), step) => Some(at.saturating_add_signed(step as isize).min(rows - 1)),
        };
        next.map(|next| self.state.picked.insert(panel, next));
        Pick { at: next, moved: step != 0, opens: opens && next.is_some() }
    }

    /// Looks; the panel shows the answer when it is there.
    pub fn look(&mut self, look: Look) {
        self.command(Command::Look(look));
    }
}

impl Pick {
    /// Marks a row that is chosen, and brings it into sight when it has just been.
    pub fn mark(&self, ui: &Ui, theme: &Theme, row: usize, rect: Rect) {
        if self.at != Some(row) {
            return;
        }
        if self.moved {
            ui.scroll_to_rect(rect, None);
        }
        let line = rect.with_max_x(rect.left() + 2.5).translate(vec2(-5.0, 0.0));
        ui.painter().rect_filled(line, 1, theme.you.c());
    }
}

/// What keys make of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pick {
    /// The row that is chosen.
    pub at: Option<usize>,
    /// It was chosen in this frame, and is to be seen.
    pub moved: bool,
    /// It is opened.
    pub opens: bool,
}

/// Whether a time of day lies outside the stretch that is brushed.
pub fn outside(brush: Option<(f64, f64)>, clock: &str) -> bool {
    let second = crate::gui::answers::seconds_of_day(clock);
    brush.zip(second).is_some_and(|((from, to), at)| at < from.floor() || to.ceil() < at)
}

/// What a list says of a brush: how many of its rows lie in it.
pub fn brushed(brush: Option<(f64, f64)>, clocks: impl Iterator<Item = String>) -> String {
    let Some((from, to)) = brush else { return String::new() };
    let inside = clocks.filter(|c| !outside(brush, c)).count();
    let clock = crate::gui::answers::clock_of;
    format!("{inside} between {} and {}; Esc clears the brush", clock(from), clock(to))
}

/// A whole number, its thousands apart.
pub fn whole(value: f64) -> String {
    let mut text = format!("{:.0}", value.abs());
    let mut place = text.len();
    while 3 < place {
        place -= 3;
        text.insert(place, ',');
    }
    text
}

/// As in `1 pair` or `3 pairs`.
pub fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Text in quiet colour.
pub fn low(theme: &Theme, text: impl Into<String>) -> RichText {
    RichText::new(text).color(theme.text_low.c()).size(12.5)
}

/// Text in the colour of prose.
pub fn mid(theme: &Theme, text: impl Into<String>) -> RichText {
    RichText::new(text).color(theme.text_mid.c())
}

/// Text that stands out.
pub fn high(theme: &Theme, text: impl Into<String>) -> RichText {
    RichText::new(text).color(theme.text_high.c())
}

/// A small heading.
pub fn head(theme: &Theme, text: impl Into<String>) -> RichText {
    RichText::new(text).color(theme.text_high.c()).font(heading(13.5))
}

/// What machines say.
pub fn mono(theme: &Theme, text: impl Into<String>) -> RichText {
    RichText::new(text).color(theme.text_high.c()).monospace()
}

/// A card at a place: its key and title, something at the right of its head, and a body.
#[allow(clippy::too_many_arguments, reason = "a card has a place, a key, a title, a state, a head and a body")]
pub fn card<R>(
    ui: &mut Ui,
    rect: Rect,
    theme: &Theme,
    key: &str,
    title: &str,
    focused: bool,
    right: impl FnOnce(&mut Ui),
    body: impl FnOnce(&mut Ui) -> R,
) -> R {
    frame(ui, rect, theme, focused, true);
    let head_rect = Rect::from_min_size(rect.min, vec2(rect.width(), HEAD));
    ui.scope_builder(UiBuilder::new().max_rect(head_rect.shrink2(vec2(10.0, 4.0))).id_salt(("head", title)), |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            if !key.is_empty() {
                key_cap(ui, theme, key);
            }
            ui.label(head(theme, title));
            ui.with_layout(Layout::right_to_left(Align::Center), right);
        });
    });
    let body_rect = Rect::from_min_max(pos2(rect.left(), rect.top() + HEAD), rect.max).shrink2(vec2(10.0, 0.0));
    let body_rect = Rect::from_min_max(body_rect.min, pos2(body_rect.right(), body_rect.bottom() - 8.0));
    let built = ui.scope_builder(UiBuilder::new().max_rect(body_rect).id_salt(("body", title)), |ui| {
        ui.set_clip_rect(body_rect.expand2(vec2(6.0, 2.0)).intersect(ui.clip_rect()));
        body(ui)
    });
    built.inner
}

/// A card's ground and edge.
pub fn frame(ui: &Ui, rect: Rect, theme: &Theme, focused: bool, filled: bool) {
    let round = CornerRadius::same(7);
    if filled {
        ui.painter().rect_filled(rect, round, theme.ground.c());
    }
    let line = if focused { theme.text_low } else { theme.hairline };
    ui.painter().rect_stroke(rect, round, Stroke::new(1.0, line.c()), StrokeKind::Inside);
}

/// A key as it is on a keyboard.
pub fn key_cap(ui: &mut Ui, theme: &Theme, key: &str) -> Response {
    let font = FontId::monospace(11.5);
    let galley = ui.painter().layout_no_wrap(key.to_string(), font, theme.text_mid.c());
    let size = vec2((galley.size().x + 9.0).max(18.0), 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(rect, 4, theme.raised.c());
    ui.painter().rect_stroke(rect, 4, Stroke::new(1.0, theme.hairline.c()), StrokeKind::Inside);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, theme.text_mid.c());
    response
}

/// A chip of one line, with a mark before it.
pub fn chip(ui: &mut Ui, theme: &Theme, text: &str, colour: Color32) -> Response {
    let galley = ui.painter().layout_no_wrap(text.to_string(), FontId::proportional(12.5), colour);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(14.0, 6.0), Sense::click());
    let ground = if response.hovered() { theme.raised.toward(theme.text_low, 0.2) } else { theme.raised };
    ui.painter().rect_filled(rect, 9, ground.c());
    ui.painter().rect_stroke(rect, 9, Stroke::new(1.0, theme.hairline.c()), StrokeKind::Inside);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, colour);
    response
}

/// A button with its price and key.
pub fn priced(ui: &mut Ui, theme: &Theme, text: &str, look: &Look) -> bool {
    let seconds = price(look).as_secs_f64();
    let cost = if seconds == 0.0 { "free".to_string() } else { format!("{seconds:.0} s") };
    let mut job = egui::text::LayoutJob::default();
    job.append(text, 0.0, egui::TextFormat::simple(FontId::proportional(14.0), theme.text_high.c()));
    // A blank of their own, so that a screen reader keeps them apart.
    job.append(&format!(" {cost}"), 3.0, egui::TextFormat::simple(FontId::monospace(11.5), theme.text_low.c()));
    ui.add(egui::Button::new(job)).clicked()
}

/// A button that is the point of its panel.
pub fn primary(ui: &mut Ui, theme: &Theme, text: &str, enabled: bool) -> bool {
    let ink = if enabled { theme.deep } else { theme.text_low };
    let fill = if enabled { theme.flow } else { theme.raised };
    let label =
        RichText::new(text).color(if theme.dark || !enabled { ink.c() } else { Color32::WHITE }).font(heading(14.5));
    let fill = if theme.dark || !enabled { fill } else { theme.focus };
    ui.add_enabled(enabled, egui::Button::new(label).fill(fill.c()).stroke(Stroke::NONE).min_size(vec2(0.0, 30.0)))
        .clicked()
}

/// A horizontal bar, 0 to 1.
pub fn bar(ui: &mut Ui, theme: &Theme, share: f32, width: f32, high: f32, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(width, high), Sense::hover());
    let round = CornerRadius::same((high / 2.0).min(3.0) as u8);
    ui.painter().rect_filled(rect, round, theme.raised.c());
    let filled = Rect::from_min_size(rect.min, vec2(rect.width() * share.clamp(0.0, 1.0), rect.height()));
    ui.painter().rect_filled(filled, round, colour);
}

/// A ring that closes while something is under way, 0 to 1.
pub fn ring(ui: &mut Ui, theme: &Theme, share: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(16.0, 16.0), Sense::hover());
    let points = |to: f32| -> Vec<egui::Pos2> {
        (0..=24)
            .map(|i| {
                let angle = std::f32::consts::TAU * (i as f32 / 24.0 * to) - std::f32::consts::FRAC_PI_2;
                rect.center() + vec2(angle.cos(), angle.sin()) * 6.0
            })
            .collect()
    };
    ui.painter().add(egui::Shape::line(points(1.0), Stroke::new(2.0, theme.hairline.c())));
    ui.painter().add(egui::Shape::line(points(share.clamp(0.02, 1.0)), Stroke::new(2.0, theme.flow.c())));
    response
}

/// The shape of a state, drawn: it says the same as its colour.
pub fn shape(ui: &mut Ui, kind: Shape, colour: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(14.0, 14.0), Sense::hover());
    let c = rect.center();
    let painter = ui.painter();
    match kind {
        Shape::Square => drop(painter.rect_filled(Rect::from_center_size(c, vec2(9.0, 9.0)), 1, colour)),
        Shape::Up => drop(painter.add(egui::Shape::convex_polygon(
            vec![c + vec2(0.0, -5.5), c + vec2(5.5, 4.5), c + vec2(-5.5, 4.5)],
            colour,
            Stroke::NONE,
        ))),
        Shape::Down => drop(painter.add(egui::Shape::convex_polygon(
            vec![c + vec2(0.0, 5.5), c + vec2(5.5, -4.5), c + vec2(-5.5, -4.5)],
            colour,
            Stroke::NONE,
        ))),
        Shape::Dot => drop(painter.circle_filled(c, 4.0, colour)),
        Shape::Hollow => drop(painter.circle_stroke(c, 4.0, Stroke::new(1.5, colour))),
    }
    response
}

/// Shapes of states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are their names")]
pub enum Shape {
    Square,
    Up,
    Down,
    Dot,
    Hollow,
}

/// A frame for something inside a card.
pub fn inset(theme: &Theme) -> egui::Frame {
    egui::Frame::NONE.fill(theme.deep.c()).corner_radius(5).inner_margin(Margin::symmetric(8, 6))
}

/// A span as in `2:05`.
pub fn minutes(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

/// What is said where nothing is to be seen yet: what it is for, and the way to begin.
pub fn empty(ui: &mut Ui, theme: &Theme, text: &str) {
    ui.add_space(10.0);
    ui.label(RichText::new(text).color(theme.text_low.c()));
}

/// Text that machines wrote, in a box that scrolls both ways.
pub fn printout(ui: &mut Ui, theme: &Theme, salt: impl std::hash::Hash + std::fmt::Debug, text: &str) {
    inset(theme).show(ui, |ui| {
        egui::ScrollArea::both().id_salt(egui::Id::new(salt)).auto_shrink([false, false]).show(ui, |ui| {
            let label = egui::Label::new(mono(theme, text)).wrap_mode(egui::TextWrapMode::Extend).selectable(true);
            ui.add(label);
        });
    });
}
