//! The archive: runbooks, notes and past incidents. Searching costs five seconds, reading nothing.

use bevy_egui::egui::{self, Rect, RichText, Sense, TextEdit, Ui, UiBuilder, vec2};

use crate::gui::keys::Panel;
use crate::gui::kit::{Cx, empty, head, inset, low, mid, priced};
use crate::gui::panels::logs::under_way;
use crate::session::command::{Command, Look};

/// Draws it.
pub fn archive_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let run = std::mem::take(&mut cx.state.run);
    let wants = std::mem::take(&mut cx.state.wants_filter);
    ui.horizontal(|ui| {
        let edit = TextEdit::singleline(&mut cx.state.words)
            .desired_width(320.0)
            .hint_text("words")
            .id(egui::Id::new("archive words"));
        let response = ui.add(edit);
        if wants {
            response.request_focus();
        }
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let look = Look::Archive { words: cx.state.words.trim().to_string() };
        let asked = priced(ui, cx.theme, "Search", &look) || entered || run;
        if asked && !cx.state.words.trim().is_empty() {
            cx.look(look);
        }
    });
    ui.add_space(2.0);
    let list = cx.snap.looked.iter().rev().find(|l| matches!(l.look, Look::Archive { .. })).cloned();
    let one = cx.snap.looked.iter().rev().find(|l| matches!(l.look, Look::Document { .. })).cloned();
    if list.is_none() && one.is_none() {
        empty(
            ui,
            cx.theme,
            "Runbooks, architecture notes, past incidents. Some are stale: each says when it was last verified.",
        );
        return;
    }
    let whole = ui.available_rect_before_wrap();
    let list_w = if one.is_some() { (whole.width() * 0.42).min(520.0) } else { whole.width() };
    if let Some(list) = &list {
        let rect = Rect::from_min_size(whole.min, vec2(list_w, whole.height()));
        ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt("found"), |ui| match &list.answer {
            None => under_way(ui, cx, list),
            Some(answer) => found(ui, cx, &answer.data["found"]),
        });
    }
    let Some(one) = one else { return };
    let left = if list.is_some() { whole.left() + list_w + 12.0 } else { whole.left() };
    let rect = Rect::from_min_max(egui::pos2(left, whole.top()), whole.max);
    ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt("document"), |ui| {
        let Some(answer) = &one.answer else {
            under_way(ui, cx, &one);
            return;
        };
        let document = &answer.data["document"];
        let field = |name: &str| document[name].as_str().unwrap_or_default().to_string();
        ui.horizontal_wrapped(|ui| {
            ui.label(head(cx.theme, format!("E{}  {}", one.number, field("title"))));
            if ui.small_button("pin").clicked() {
                cx.command(Command::Pin { observation: one.number, note: String::new() });
            }
        });
        let verified = match field("verified").as_str() {
            "" | "never" => "never verified".to_string(),
            date => format!("last verified {date}"),
        };
        ui.label(low(cx.theme, format!("{}, {}, {verified}", field("author"), field("date"))));
        inset(cx.theme).show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            egui::ScrollArea::vertical().id_salt(("doc", one.number)).auto_shrink([false, false]).show(ui, |ui| {
                prose(ui, cx, &field("body"));
            });
        });
    });
}

/// A document's text: headings, items and paragraphs, no wider than is good to read.
fn prose(ui: &mut Ui, cx: &mut Cx<'_>, body: &str) {
    ui.set_max_width(ui.available_width().min(640.0));
    for block in blocks(body) {
        match block {
            Block::Title(text) => {
                ui.add_space(4.0);
                ui.label(head(cx.theme, text));
            }
            Block::Exact(text) => {
                drop(ui.label(RichText::new(text).monospace().size(12.5).color(cx.theme.text_high.c())))
            }
            Block::Item(text) => {
                ui.horizontal_top(|ui| {
                    ui.add_space(6.0);
                    ui.label(mid(cx.theme, "-"));
                    ui.add(egui::Label::new(mid(cx.theme, text)).wrap());
                });
            }
            Block::Prose(text) => {
                ui.label(mid(cx.theme, text));
                ui.add_space(3.0);
            }
        }
    }
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
enum Block {
    Title(String),
    Exact(String),
    Item(String),
    Prose(String),
}

/// A document's parts: lines that were broken for a terminal belong together.
fn blocks(body: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in body.lines() {
        let plain = line.trim().replace("**", "");
        let item = ["- ", "* "].into_iter().find_map(|m| plain.strip_prefix(m)).map(str::to_string);
        let numbered =
            plain.split_once(". ").is_some_and(|(n, _)| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()));
        let next = match &plain[..] {
            "" => {
                open = false;
                continue;
            }
            title if title.starts_with('#') => Block::Title(title.trim_start_matches('#').trim().to_string()),
            table if line.starts_with("    ") && item.is_none() && !open || table.starts_with('|') => {
                Block::Exact(line.to_string())
            }
            _ if item.is_some() => Block::Item(item.unwrap_or_default()),
            _ if numbered => Block::Prose(plain.clone()),
            more => match blocks.last_mut() {
                Some(Block::Prose(text) | Block::Item(text)) if open => {
                    text.push(' ');
                    text.push_str(more);
                    continue;
                }
                _ => Block::Prose(more.to_string()),
            },
        };
        open = matches!(next, Block::Prose(_) | Block::Item(_));
        blocks.push(next);
    }
    blocks
}

fn found(ui: &mut Ui, cx: &mut Cx<'_>, found: &serde_json::Value) {
    let all = found.as_array().map_or(&[][..], Vec::as_slice);
    if all.is_empty() {
        empty(ui, cx.theme, "No document has all of these words.");
        return;
    }
    let pick = cx.pick(Panel::Archive, all.len());
    egui::ScrollArea::vertical().id_salt("found list").auto_shrink([false, false]).show(ui, |ui| {
        for (n, item) in all.iter().enumerate() {
            let document = if item["document"].is_object() { &item["document"] } else { item };
            let field = |name: &str| document[name].as_str().unwrap_or_default();
            let id = field("id").to_string();
            let inner = inset(cx.theme).show(ui, |ui| {
                ui.set_width(ui.available_width() - 8.0);
                ui.label(head(cx.theme, field("title")));
                ui.label(low(cx.theme, format!("{}  {}  {}", field("kind"), field("date"), id)));
                let excerpt = item["excerpt"].as_str().unwrap_or_default();
                if !excerpt.is_empty() {
                    ui.label(mid(cx.theme, excerpt.replace("**", "")).size(13.0));
                }
            });
            let response = ui.interact(inner.response.rect, egui::Id::new(("document", &id)), Sense::click());
            let says = format!("read {}", field("title"));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &says));
            pick.mark(ui, cx.theme, n, inner.response.rect.translate(vec2(5.0, 0.0)));
            if response.clicked() || (pick.opens && pick.at == Some(n)) {
                cx.state.picked.insert(Panel::Archive, n);
                cx.look(Look::Document { id });
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_were_broken_for_a_terminal_belong_together() {
        let body = "# What to do\nFirst look at the\nboard.\n\n1. **Restore** it\n   at once.\n2. Wait.\n- one\n  more\n\n    act x=1\n";
        let prose = |t: &str| Block::Prose(t.to_string());
        assert_eq!(
            blocks(body),
            [
                Block::Title("What to do".to_string()),
                prose("First look at the board."),
                prose("1. Restore it at once."),
                prose("2. Wait."),
                Block::Item("one more".to_string()),
                Block::Exact("    act x=1".to_string()),
            ]
        );
    }
}
