//! What lies over everything: the palette, the keys, a primer, messages that go away.

use bevy_egui::egui::{
    self, Align2, Area, Frame, Id, Key, Margin, Order, RichText, ScrollArea, Stroke, TextEdit, vec2,
};

use crate::console::verbs::VERBS as WORDS;
use crate::gui::keys::{Entry, VERBS, Verb};
use crate::gui::kit::{head, key_cap, low, mid};
use crate::gui::state::{Screen, State};
use crate::gui::theme::Theme;
use crate::gui::worker::Ask;
use crate::scenario::mechanisms::mechanism;

/// Seconds for which a message stays.
const STAYS_S: f64 = 7.0;
/// Room in the bar that is wide enough for a message.
const IN_BAR: f32 = 330.0;
/// Else it stands so far above the lower edge, clear of the strip.
const ABOVE_STRIP: f32 = 74.0;
/// Entries that the palette shows.
const SHOWN: usize = 9;

fn sheet(theme: &Theme) -> Frame {
    Frame::NONE
        .fill(theme.raised.c())
        .stroke(Stroke::new(1.0, theme.hairline.c()))
        .corner_radius(8)
        .inner_margin(Margin::same(14))
        .shadow(egui::Shadow { offset: [0, 8], blur: 24, spread: 0, color: egui::Color32::from_black_alpha(110) })
}

/// What was chosen in the palette.
#[derive(Clone, Debug, PartialEq)]
pub enum Chosen {
    /// A verb of the window.
    Verb(Verb),
    /// A line of the console.
    Line(String),
    /// A case to begin.
    Case(String),
}

/// The palette. Returns what was chosen.
pub fn palette_ui(ctx: &egui::Context, theme: &Theme, state: &mut State, screen: Screen) -> Option<Chosen> {
    let mut palette = state.palette.take()?;
    let (down, up, enter, out) = ctx.input_mut(|i| {
        let none = egui::Modifiers::NONE;
        (
            i.consume_key(none, Key::ArrowDown),
            i.consume_key(none, Key::ArrowUp),
            i.consume_key(none, Key::Enter),
            i.consume_key(none, Key::Escape),
        )
    });
    let text = palette.text.trim_start_matches([':', '/']).to_lowercase();
    let fits = |label: &str, does: &str| {
        text.split_whitespace().all(|w| label.to_lowercase().contains(w) || does.to_lowercase().contains(w))
    };
    let verbs: Vec<&Entry> = VERBS.iter().filter(|e| fits(e.label, e.does)).collect();
    let words: Vec<_> = WORDS.iter().filter(|v| screen == Screen::Console && fits(v.name, v.does)).collect();
    let cases: Vec<_> = state.cases.iter().map(|(case, _)| case).filter(|c| fits(&c.id, &c.page)).collect();
    let cases = if screen == Screen::Title && !text.is_empty() { cases } else { Vec::new() };
    let is_line =
        text.split_whitespace().next().is_some_and(|w| WORDS.iter().any(|v| v.name == w)) && text.contains(' ');
    let count = if is_line { 1 } else { (cases.len() + verbs.len() + words.len()).min(SHOWN) };
    if down {
        palette.place = (palette.place + 1).min(count.saturating_sub(1));
    }
    palette.place = palette.place.saturating_sub(usize::from(up)).min(count.saturating_sub(1));
    let mut chosen = None;
    Area::new(Id::new("palette")).order(Order::Foreground).anchor(Align2::CENTER_TOP, vec2(0.0, 90.0)).show(
        ctx,
        |ui| {
            sheet(theme).show(ui, |ui| {
                ui.set_width(560.0);
                let edit = TextEdit::singleline(&mut palette.text)
                    .desired_width(f32::INFINITY)
                    .hint_text("a verb of the window, or a line as in the console: act shed=0.2")
                    .id(Id::new("palette text"));
                ui.add(edit).request_focus();
                ui.add_space(4.0);
                if is_line {
                    ui.label(mid(theme, format!("Enter says: {}", palette.text.trim())));
                    if enter {
                        chosen = Some(Chosen::Line(palette.text.trim().to_string()));
                    }
                    return;
                }
                let rows = cases.iter().map(|c| (c.id.as_str(), c.page.as_str(), None, None));
                let rows = rows.chain(verbs.iter().map(|e| (e.label, e.does, Some(*e), None)));
                let rows = rows.chain(words.iter().map(|w| (w.name, w.does, None, Some(*w)))).take(SHOWN);
                for (place, (label, does, entry, word)) in rows.enumerate() {
                    let picked = place == palette.place;
                    let fill = if picked { theme.hairline.c() } else { egui::Color32::TRANSPARENT };
                    let row =
                        Frame::NONE.fill(fill).corner_radius(4).inner_margin(Margin::symmetric(8, 3)).show(ui, |ui| {
                            ui.horizontal(|ui| {
                                ui.set_width(ui.available_width());
                                ui.label(RichText::new(label).color(theme.text_high.c()));
                                let short: String = does.chars().take(58).collect();
                                ui.label(low(theme, short));
                                if let Some(entry) = entry {
                                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                                        key_cap(ui, theme, &state.settings.keys.of(entry));
                                    });
                                }
                            });
                        });
                    let clicked =
                        ui.interact(row.response.rect, Id::new(("palette", place)), egui::Sense::click()).clicked();
                    if clicked || (enter && picked) {
                        chosen = match (entry, word) {
                            (Some(entry), _) => Some(Chosen::Verb(entry.verb)),
                            (_, Some(word)) if word.usage.is_empty() => Some(Chosen::Line(word.name.to_string())),
                            (_, Some(word)) => {
                                palette.text = format!("{} ", word.name);
                                None
                            }
                            _ => Some(Chosen::Case(label.to_string())),
                        };
                    }
                }
                if count == 0 {
                    ui.label(low(theme, "nothing is called so"));
                }
            });
        },
    );
    if !out && chosen.is_none() {
        state.palette = Some(palette);
    }
    chosen
}

/// All keys.
pub fn help_ui(ctx: &egui::Context, theme: &Theme, state: &mut State) {
    if !state.help {
        return;
    }
    let high = ctx.viewport_rect().height() - 120.0;
    Area::new(Id::new("help")).order(Order::Foreground).anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(ctx, |ui| {
        sheet(theme).show(ui, |ui| {
            let columns = if 1240.0 < ctx.viewport_rect().width() { 3 } else { 2 };
            ui.set_width((470.0 * columns as f32).min(ctx.viewport_rect().width() - 60.0));
            ui.horizontal(|ui| {
                ui.label(RichText::new("Keys").font(crate::gui::theme::heading(18.0)).color(theme.text_high.c()));
                ui.label(low(theme, "capital: go to a panel  ·  lower case: do something here"));
            });
            ui.add_space(6.0);
            ScrollArea::vertical().max_height(high).min_scrolled_height(high).show(ui, |ui| {
                ui.columns(columns, |columns| {
                    let half = VERBS.len().div_ceil(columns.len());
                    for (place, entry) in VERBS.iter().enumerate() {
                        let ui = &mut columns[place / half];
                        ui.horizontal(|ui| {
                            ui.allocate_ui_with_layout(
                                vec2(104.0, 20.0),
                                egui::Layout::right_to_left(egui::Align::Center),
                                |ui| {
                                    ui.set_min_width(104.0);
                                    key_cap(ui, theme, &state.settings.keys.of(entry))
                                },
                            );
                            ui.label(RichText::new(entry.label).color(theme.text_high.c()).size(13.5));
                            ui.add(egui::Label::new(low(theme, entry.does)).truncate());
                        });
                    }
                });
            });
            ui.label(low(theme, "Esc closes this."));
        });
    });
}

/// What a hypothesis is, in general.
pub fn primer_ui(ctx: &egui::Context, theme: &Theme, state: &mut State) {
    let Some(id) = state.primer.clone() else { return };
    Area::new(Id::new("primer")).order(Order::Foreground).anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(
        ctx,
        |ui| {
            sheet(theme).show(ui, |ui| {
                ui.set_width(460.0);
                ui.label(head(theme, &id));
                if let Some(mechanism) = mechanism(&id) {
                    ui.label(mid(theme, mechanism.is));
                    ui.add_space(4.0);
                    ui.label(mid(theme, mechanism.primer));
                }
                ui.add_space(4.0);
                ui.label(low(theme, "In general, and not of this case. Esc closes this."));
            });
        },
    );
}

/// The latest message: in the bar, where that has room, or else above the lower edge. It covers nothing that is read, and what
/// a message says is in the channel or in its panel too.
pub fn toasts_ui(ctx: &egui::Context, theme: &Theme, state: &mut State, now: f64) {
    state.toasts.retain(|t| now - t.since < STAYS_S);
    // What is open lies over everything, and they wait for it.
    if state.toasts.is_empty() || state.palette.is_some() || state.help || state.settings_open {
        return;
    }
    let Some(toast) = state.toasts.back() else { return };
    let edge = if toast.refused { theme.failing } else { theme.hairline };
    let text: String = toast.text.chars().take(320).collect();
    let window = ctx.viewport_rect();
    let area = Area::new(Id::new("toasts")).order(Order::Foreground).interactable(false);
    let (area, width, size, margin) = match state.toast_room.filter(|room| IN_BAR < room.width()) {
        Some(room) => {
            let width = room.width().min(620.0);
            (area.pivot(Align2::CENTER_CENTER).fixed_pos(room.center()), width, 12.5, Margin::symmetric(10, 3))
        }
        None => {
            let up = vec2(0.0, -if state.toast_room.is_some() { ABOVE_STRIP } else { 20.0 });
            (
                area.anchor(Align2::CENTER_BOTTOM, up),
                560.0_f32.min(window.width() - 40.0),
                13.5,
                Margin::symmetric(12, 7),
            )
        }
    };
    area.show(ctx, |ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 0.0;
        let frame = sheet(theme).inner_margin(margin).stroke(Stroke::new(1.0, edge.c()));
        frame.shadow(egui::Shadow::NONE).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(RichText::new(text).size(size).color(theme.text_high.c()));
        });
    });
}

/// Says a line in the operator's language.
pub fn say(line: String) -> Ask {
    Ask::Line(line)
}
