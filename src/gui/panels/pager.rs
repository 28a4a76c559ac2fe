//! The pager: the page, severity, and alerts as they fired.

use bevy_egui::egui::{self, RichText, Ui};

use crate::gui::keys::Panel;
use crate::gui::kit::{Cx, Pick, Shape, empty, head, high, inset, low, mid, priced, primary, shape};
use crate::gui::snapshot::AlertCard;
use crate::session::command::{Command, Look};

/// Draws it.
pub fn pager_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    egui::ScrollArea::vertical().id_salt("pager").auto_shrink([false, false]).show(ui, |ui| {
        page(ui, cx);
        let alerts = cx.snap.alerts.clone();
        if cx.snap.view.acknowledged.is_some() || !alerts.is_empty() {
            ui.add_space(2.0);
            ui.horizontal(|ui| {
                let looked = cx.snap.looked.iter().any(|l| l.look == Look::Alerts);
                let says = match (looked, alerts.is_empty()) {
                    (true, _) => "Alerts, the latest first",
                    (false, true) => "No alert since the page",
                    (false, false) => "Alerts since the page",
                };
                ui.label(low(cx.theme, says));
                if !looked && priced(ui, cx.theme, "all alerts", &Look::Alerts) {
                    cx.look(Look::Alerts);
                }
            });
        }
        let pick = cx.pick(Panel::Pager, alerts.len());
        alerts.iter().enumerate().for_each(|(n, alert)| card(ui, cx, alert, pick, n));
    });
}

fn page(ui: &mut Ui, cx: &mut Cx<'_>) {
    let view = &cx.snap.view;
    if view.page.is_empty() {
        empty(ui, cx.theme, "Nothing has paged yet. Live data come with the page.");
        return;
    }
    let acknowledged = view.acknowledged.clone();
    inset(cx.theme)
        .stroke(egui::Stroke::new(
            1.0,
            if acknowledged.is_none() { cx.theme.failing.c() } else { cx.theme.hairline.c() },
        ))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                shape(ui, Shape::Square, cx.theme.failing.c());
                ui.label(head(cx.theme, format!("PAGE {}", view.case)));
            });
            ui.label(high(cx.theme, &view.page));
            ui.add_space(2.0);
            match &acknowledged {
                Some(at) => drop(ui.label(low(cx.theme, format!("acknowledged at {at}")))),
                None => {
                    if primary(ui, cx.theme, "Acknowledge  (a)", true) {
                        cx.command(Command::Acknowledge);
                    }
                }
            }
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                ui.label(low(cx.theme, "severity"));
                for level in 1..=4u8 {
                    if ui.selectable_label(cx.snap.view.severity == Some(level), format!("{level}")).clicked() {
                        cx.command(Command::Severity { level });
                    }
                }
            });
        });
}

fn card(ui: &mut Ui, cx: &mut Cx<'_>, alert: &AlertCard, pick: Pick, n: usize) {
    let fires = alert.resolved.is_none();
    let mut opens = pick.opens && pick.at == Some(n) && !alert.runbook.is_empty();
    let drawn = inset(cx.theme).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            let (kind, colour) = match (fires, alert.pages) {
                (true, true) => (Shape::Square, cx.theme.failing),
                (true, false) => (Shape::Up, cx.theme.degraded),
                (false, _) => (Shape::Hollow, cx.theme.text_low),
            };
            shape(ui, kind, colour.c());
            let name: String = alert.name.chars().take(26).collect();
            ui.label(head(cx.theme, name)).on_hover_text(RichText::new(&alert.expr).monospace());
        });
        let when = match &alert.resolved {
            Some(at) => format!("{} to {at}", alert.fired),
            None => format!("since {}", alert.fired),
        };
        ui.label(low(cx.theme, when));
        ui.label(mid(cx.theme, &alert.summary).size(13.5));
        let link = || RichText::new(format!("runbook {}", alert.runbook)).size(12.5);
        opens |= !alert.runbook.is_empty() && ui.link(link()).clicked();
    });
    pick.mark(ui, cx.theme, n, drawn.response.rect.translate(egui::vec2(5.0, 0.0)));
    if opens {
        cx.look(Look::Document { id: alert.runbook.clone() });
        cx.state.go_to(Panel::Archive);
    }
}
