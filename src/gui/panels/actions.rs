//! Actions: what can be ordered, by layer; scope, delay and way back before it is; never what would come of it.

use bevy_egui::egui::{self, RichText, TextEdit, Ui};

use crate::gui::keys::Panel;
use crate::gui::kit::{Cx, Shape, head, high, inset, key_cap, low, mid, primary, shape};
use crate::gui::state::ActionForm;
use crate::gui::worker::Ask;
use crate::scenario::apply::FORMS;
use crate::session::command::Command;

/// Draws them.
pub fn actions_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    egui::ScrollArea::vertical().id_salt("actions").auto_shrink([false, false]).show(ui, |ui| {
        orders(ui, cx);
        match cx.state.action.chosen {
            Some(place) => form(ui, cx, place),
            None => list(ui, cx),
        }
    });
}

fn orders(ui: &mut Ui, cx: &mut Cx<'_>) {
    for order in cx.snap.view.orders.iter().rev().take(4) {
        ui.horizontal(|ui| {
            let refused = order.state.starts_with("refused");
            let (kind, ink) = match order.state.as_str() {
                "in effect" => (Shape::Dot, cx.theme.flow),
                _ if refused => (Shape::Square, cx.theme.failing),
                _ => (Shape::Hollow, cx.theme.text_mid),
            };
            shape(ui, kind, ink.c());
            ui.label(RichText::new(&order.action).monospace().size(12.5).color(cx.theme.text_high.c()));
            ui.add(egui::Label::new(low(cx.theme, &order.state)).truncate());
        });
    }
    if !cx.snap.view.orders.is_empty() {
        ui.separator();
    }
}

fn list(ui: &mut Ui, cx: &mut Cx<'_>) {
    let wants = std::mem::take(&mut cx.state.wants_filter);
    let edit = TextEdit::singleline(&mut cx.state.action.filter)
        .desired_width(f32::INFINITY)
        .hint_text("filter, as in cache")
        .id(egui::Id::new("action filter"));
    let response = ui.add(edit);
    if wants {
        response.request_focus();
    }
    let words = cx.state.action.filter.to_lowercase();
    ui.add_space(4.0);
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().interact_size.y = 18.0;
    ui.spacing_mut().button_padding = egui::vec2(0.0, 1.0);
    let fits = |f: &&(usize, &crate::scenario::apply::Form)| {
        words.split_whitespace().all(|w| f.1.name.contains(w) || f.1.does.to_lowercase().contains(w))
    };
    let shown: Vec<(usize, &crate::scenario::apply::Form)> = FORMS.iter().enumerate().filter(|f| fits(&f)).collect();
    let pick = cx.pick(Panel::Actions, shown.len());
    for (n, (place, form)) in shown.into_iter().enumerate() {
        let text = RichText::new(form.name).monospace().size(12.5).color(cx.theme.text_high.c());
        let response = ui.add(egui::Button::new(text).frame(false)).on_hover_text(form.does);
        pick.mark(ui, cx.theme, n, response.rect);
        if response.clicked() || (pick.opens && pick.at == Some(n)) {
            let filter = cx.state.action.filter.clone();
            cx.state.action = ActionForm { chosen: Some(place), filter, ..ActionForm::default() };
            if form.target.is_none() && form.value.is_none() {
                cx.asks.push(Ask::Preview(form.name.to_string()));
            }
        }
        ui.add(egui::Label::new(low(cx.theme, form.does)).truncate());
        ui.add_space(5.0);
    }
}

/// The action as it is written.
fn written(form: &crate::scenario::apply::Form, typed: &ActionForm) -> String {
    let target = if typed.target.trim().is_empty() { String::new() } else { format!(":{}", typed.target.trim()) };
    let value = if typed.value.trim().is_empty() { String::new() } else { format!("={}", typed.value.trim()) };
    format!("{}{target}{value}", form.name)
}

fn form(ui: &mut Ui, cx: &mut Cx<'_>, place: usize) {
    let form = &FORMS[place];
    ui.horizontal(|ui| {
        if ui.small_button("back").clicked() {
            let filter = cx.state.action.filter.clone();
            cx.state.action = ActionForm { filter, ..ActionForm::default() };
        }
        ui.label(head(cx.theme, form.name));
    });
    ui.label(mid(cx.theme, form.does).size(13.5));
    let before = written(form, &cx.state.action);
    for (name, is_target) in [(form.target, true), (form.value, false)] {
        let Some(name) = name else { continue };
        ui.horizontal(|ui| {
            ui.label(low(cx.theme, name.to_lowercase().replace('_', " ")));
            let text = if is_target { &mut cx.state.action.target } else { &mut cx.state.action.value };
            ui.add(
                TextEdit::singleline(text)
                    .font(egui::TextStyle::Monospace)
                    .desired_width(170.0)
                    .id(egui::Id::new(("action", name))),
            );
        });
    }
    let action = written(form, &cx.state.action);
    if action != before {
        cx.state.action.preview = None;
    }
    let previewed = cx.state.action.preview.clone().filter(|p| p.action == action);
    let Some(preview) = previewed else {
        if ui.button("Preview").clicked() || std::mem::take(&mut cx.state.run) {
            cx.asks.push(Ask::Preview(action));
        }
        return;
    };
    inset(cx.theme).show(ui, |ui| {
        ui.set_width(ui.available_width() - 6.0);
        ui.label(high(cx.theme, format!("touches {}", preview.scope)));
        ui.label(mid(cx.theme, format!("first effect after {:.0} s", preview.delay_s)).size(13.5));
        let back = if preview.reversible { "can be taken back" } else { "cannot be taken back" };
        ui.horizontal(|ui| {
            if !preview.reversible {
                shape(ui, Shape::Up, cx.theme.degraded.c());
            }
            ui.label(mid(cx.theme, back).size(13.5));
        });
    });
    if let Some(wanted) = &preview.confirm {
        ui.horizontal(|ui| {
            ui.label(low(cx.theme, format!("type {wanted} to mean it")));
            ui.add(
                TextEdit::singleline(&mut cx.state.action.confirm).desired_width(110.0).id(egui::Id::new("confirm")),
            );
        });
    }
    let run = std::mem::take(&mut cx.state.run);
    if !cx.snap.view.armed {
        ui.horizontal(|ui| {
            if ui.button("Arm").clicked() || run {
                cx.command(Command::Arm);
            }
            key_cap(ui, cx.theme, "Ctrl+Enter");
            ui.label(low(cx.theme, "safe mode: nothing is carried out"));
        });
        return;
    }
    let confirmed = preview.confirm.as_ref().is_none_or(|wanted| *wanted == cx.state.action.confirm);
    ui.horizontal(|ui| {
        if primary(ui, cx.theme, "Order, 10 s", confirmed) || (run && confirmed) {
            cx.command(Command::Act { action, confirm: preview.confirm.clone() });
            cx.state.action = ActionForm::default();
        }
        if ui.button("Safe mode").clicked() {
            cx.command(Command::Safe);
        }
    });
}
