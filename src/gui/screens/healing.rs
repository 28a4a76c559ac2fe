//! The debrief's scar: what was graded, how it would have faded and how it fades now, the rule in one's own words, and when
//! it comes back.

use bevy_egui::egui::{self, Align2, FontId, Rect, RichText, Sense, Stroke, TextEdit, Ui, pos2, vec2};

use crate::gui::career::name;
use crate::gui::kit::{Shape, head, high, inset, low, mid, primary, shape};
use crate::gui::screens::scars::fade_axes;
use crate::gui::state::State;
use crate::gui::theme::{Theme, heading};
use crate::gui::worker::Ask;
use crate::scar::healing::{FADE_DAYS, Healed, Healing};
use crate::scar::item::Plain;
use crate::scar::standing::ENOUGH;

/// Draws it.
pub fn healing_ui(ui: &mut Ui, theme: &Theme, state: &mut State, healing: Option<&Healing>, asks: &mut Vec<Ask>) {
    let Some(healing) = healing else {
        ui.label(mid(theme, "This session leaves no scar: it lies elsewhere than in your profile."));
        return;
    };
    if !healing.practice.is_empty() {
        ui.label(high(theme, format!("Practice: {}. Nothing was graded.", healing.practice)));
        return;
    }
    ui.label(head(theme, "What this run did to your memory").size(16.0));
    if healing.kept {
        ui.label(low(theme, "Graded before, and shown as it was graded then."));
    }
    if let Some(drill) = &healing.drill {
        ui.label(mid(theme, format!("Why this case: {}.", drill.why)));
    }
    ui.add_space(6.0);
    if healing.items.is_empty() {
        ui.label(mid(theme, "No item was put to the test."));
    }
    let (alone, helped): (Vec<&Healed>, Vec<&Healed>) = healing.items.iter().partition(|item| !item.with_ai);
    for (title, items) in [("What you said alone", alone), ("What you said once help was there", helped)] {
        items_ui(ui, theme, title, &items);
    }
    ui.add_space(8.0);
    ui.set_max_width(ui.available_width().min(900.0));
    if let Some(fooled) = &healing.fooled_by {
        ui.label(mid(theme, format!("What fooled you at first: {}.", Plain(fooled))));
    }
    ui.label(head(theme, "Your rule, in your own words"));
    ui.label(low(theme, "One sentence: what would you ask first next time? It is shown before the retest."));
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 110.0).max(160.0);
        let edit = TextEdit::singleline(&mut state.rule).desired_width(width).id(egui::Id::new("rule"));
        let response = ui.add(edit.hint_text("did demand rise? ask that first"));
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let words = state.rule.trim().to_string();
        if (primary(ui, theme, "Keep", !words.is_empty()) || entered) && !words.is_empty() {
            asks.push(Ask::Rule(words));
        }
    });
    if !healing.caveat.is_empty() {
        ui.add_space(4.0);
        ui.label(low(theme, healing.caveat));
    }
    ui.label(low(theme, format!("Forecasts are {}; below {ENOUGH} reviews alone they say little.", healing.model)));
}

fn items_ui(ui: &mut Ui, theme: &Theme, title: &str, items: &[&Healed]) {
    if items.is_empty() {
        return;
    }
    ui.label(head(theme, title));
    let columns = if 900.0 < ui.available_width() { 2 } else { 1 };
    for pair in items.chunks(columns) {
        ui.columns(columns, |columns| {
            pair.iter().zip(columns).for_each(|(item, ui)| item_ui(ui, theme, item));
        });
    }
    ui.add_space(8.0);
}

fn item_ui(ui: &mut Ui, theme: &Theme, item: &Healed) {
    inset(theme).inner_margin(egui::Margin::symmetric(16, 12)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let kind = if item.rating.passed() { Shape::Dot } else { Shape::Square };
            shape(ui, kind, theme.text_high.c());
            ui.label(RichText::new(name(&item.item)).font(heading(15.5)).color(theme.text_high.c()));
            ui.label(low(theme, if item.target { "what the run was about" } else { "met on the way" }));
        });
        ui.label(mid(theme, &item.is).size(13.5));
        ui.label(high(theme, format!("{}: {}", item.rating.word(), item.why)).size(13.5));
        fades(ui, theme, item);
        let due = match (&item.due, &item.due_until) {
            (Some(from), Some(until)) => format!("retest between {from} and {until}, on another seed"),
            (Some(from), None) => format!("comes back on {from}"),
            (None, _) if item.with_ai => "with help: what you know alone goes on fading".to_string(),
            (None, _) => String::new(),
        };
        ui.label(mid(theme, due).size(13.5));
    });
}

/// Days that a fade is drawn for.
const DAYS: f64 = 60.0;

fn fades(ui: &mut Ui, theme: &Theme, item: &Healed) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 150.0), Sense::hover());
    let at = |fade: &[f64], day: u32| FADE_DAYS.iter().position(|d| *d == day).and_then(|i| fade.get(i)).copied();
    response.widget_info(|| {
        let after = at(&item.after, 30).unwrap_or(0.0) * 100.0;
        let before = item
            .before
            .as_ref()
            .and_then(|b| at(b, 30))
            .map_or("nothing".to_string(), |p| format!("{:.0} %", p * 100.0));
        egui::WidgetInfo::labeled(
            egui::WidgetType::Image,
            true,
            format!("after 30 days {after:.0} %, without this run {before}"),
        )
    });
    let plot = Rect::from_min_max(rect.min + vec2(32.0, 16.0), rect.max - vec2(120.0, 20.0));
    fade_axes(ui, theme, plot, DAYS);
    let line = |fade: &[f64]| -> Vec<egui::Pos2> {
        let x = |d: u32| plot.left() + plot.width() * (f64::from(d) / DAYS) as f32;
        FADE_DAYS.iter().zip(fade).map(|(d, p)| pos2(x(*d), plot.bottom() - plot.height() * *p as f32)).collect()
    };
    let mut taken: Option<f32> = None;
    let mut draw = |fade: &[f64], text: &str, ink: egui::Color32, dashed: bool| {
        let points = line(fade);
        let stroke = Stroke::new(if dashed { 1.6 } else { 2.4 }, ink);
        match dashed {
            true => drop(ui.painter().add(egui::Shape::dashed_line(&points, stroke, 6.0, 5.0))),
            false => drop(ui.painter().add(egui::Shape::line(points.clone(), stroke))),
        }
        let Some(end) = points.last() else { return };
        let y = match taken {
            Some(other) if (other - end.y).abs() < 15.0 => other + if end.y < other { -15.0 } else { 15.0 },
            _ => end.y,
        };
        taken = Some(y);
        ui.painter().text(pos2(end.x + 8.0, y), Align2::LEFT_CENTER, text, FontId::proportional(12.5), ink);
    };
    draw(&item.after, "with this run", theme.flow.c(), false);
    if let Some(before) = &item.before {
        draw(before, "without it", theme.text_low.c(), true);
    }
    if !item.known {
        let says = format!("{} of {ENOUGH} tries alone", item.reviews);
        let at = pos2(plot.left() + 8.0, plot.bottom() - 10.0);
        ui.painter().text(at, Align2::LEFT_CENTER, says, FontId::proportional(12.0), theme.text_low.c());
    }
}
