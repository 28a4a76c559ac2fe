//! On call: the bar, two rails, the map over a panel, and the strip of time. Narrow windows have one panel beside the map,
//! small ones one panel alone.

use bevy_egui::egui::{
    self, Align, CornerRadius, Layout, Rect, RichText, Sense, Stroke, StrokeKind, Ui, UiBuilder, pos2, vec2,
};

use crate::gui::keys::{Entry, Panel, VERBS, Verb};
use crate::gui::kit::{Cx, GAP, HEAD, card, key_cap, low, ring};
use crate::gui::panels::{
    actions, archive, assistant, case_board, changes, channel, compare, dashboards, explore, logs, pager, strip, top,
    traces,
};
use crate::gui::settings::Panes;
use crate::gui::snapshot::Coached;
use crate::gui::state::panel_of;
use crate::gui::worker::Ask;

/// Heights of the bar and of the strip.
const TOP: f32 = 44.0;
/// See [`TOP`].
const STRIP: f32 = 62.0;
/// Height of the coach's row.
const COACH: f32 = 34.0;
/// Below this width the rails become tabs.
const NARROW: f32 = 1366.0;
/// Below this size there is one panel alone.
const SMALL: (f32, f32) = (960.0, 560.0);
/// What is brushed is told beside the tabs, where so much room is left.
const BRUSHED: f32 = 260.0;
/// Panels in the middle.
pub const MIDDLE: [Panel; 6] =
    [Panel::Dashboards, Panel::Explore, Panel::Logs, Panel::Traces, Panel::Changes, Panel::Archive];
/// Panels of the rails.
const RAILS: [Panel; 5] = [Panel::Pager, Panel::Chat, Panel::CaseBoard, Panel::Actions, Panel::Assistant];

/// Draws it; returns where the map belongs, if it is to be seen.
pub fn console_ui(ui: &mut Ui, cx: &mut Cx<'_>) -> Option<Rect> {
    let whole = ui.available_rect_before_wrap();
    let bar = Rect::from_min_size(whole.min, vec2(whole.width(), TOP));
    ui.painter().rect_filled(bar, 0, cx.theme.ground.c());
    ui.painter().hline(bar.x_range(), bar.bottom(), Stroke::new(1.0, cx.theme.hairline.c()));
    ui.scope_builder(UiBuilder::new().max_rect(bar.shrink2(vec2(14.0, 6.0))).id_salt("bar"), |ui| top::top_ui(ui, cx));
    let foot = Rect::from_min_max(pos2(whole.left(), whole.bottom() - STRIP), whole.max);
    ui.painter().rect_filled(foot, 0, cx.theme.ground.c());
    ui.painter().hline(foot.x_range(), foot.top(), Stroke::new(1.0, cx.theme.hairline.c()));
    ui.scope_builder(UiBuilder::new().max_rect(foot).id_salt("strip"), |ui| strip::strip_ui(ui, cx));
    let mut rest = Rect::from_min_max(pos2(whole.left(), bar.bottom()), pos2(whole.right(), foot.top())).shrink(GAP);
    if let Some(coached) = cx.snap.coach.clone() {
        let row = rest.with_max_y(rest.top() + COACH);
        rest = rest.with_min_y(row.bottom() + GAP);
        coach_ui(ui, cx, row, &coached);
    }
    if cx.state.full {
        return alone(ui, cx, rest);
    }
    if whole.width() < SMALL.0 || whole.height() < SMALL.1 {
        return small(ui, cx, rest);
    }
    if whole.width() < NARROW {
        return narrow(ui, cx, rest);
    }
    let panes = divided(ui, cx, rest);
    let left = Rect::from_min_size(rest.min, vec2(panes.left, rest.height()));
    let right = Rect::from_min_max(pos2(rest.right() - panes.right, rest.top()), rest.max);
    let middle = Rect::from_min_max(pos2(left.right() + GAP, rest.top()), pos2(right.left() - GAP, rest.bottom()));
    let (upper, lower) = split(left, panes.pager);
    rail(ui, cx, upper, Panel::Pager);
    rail(ui, cx, lower, Panel::Chat);
    let (upper, lower) = split(right, panes.case_board);
    rail(ui, cx, upper, Panel::CaseBoard);
    // Of what one orders and who advises, one has the room and the other a line.
    let (open, line) = match cx.state.lower {
        Panel::Assistant => (Panel::Assistant, Panel::Actions),
        _ => (Panel::Actions, Panel::Assistant),
    };
    rail(ui, cx, lower.with_max_y(lower.bottom() - 44.0), open);
    in_a_line(ui, cx, lower.with_min_y(lower.bottom() - 36.0), line);
    let (map, lower) = split(middle, panes.map);
    tabbed(ui, cx, lower, &MIDDLE);
    Some(map)
}

/// The gaps between panes can be dragged; where they are is kept with the settings.
fn divided(ui: &Ui, cx: &mut Cx<'_>, rest: Rect) -> Panes {
    let mut panes = cx.state.settings.panes;
    let gap = |x: std::ops::RangeInclusive<f32>, y: std::ops::RangeInclusive<f32>| Rect::from_x_y_ranges(x, y);
    let across = |at: f32| at - GAP..=at;
    let beside = |at: f32| at..=at + GAP;
    let level = |share: f32| {
        let y = rest.top() + rest.height() * share;
        y - GAP / 2.0..=y + GAP / 2.0
    };
    let (left, right) = (rest.left() + panes.left, rest.right() - panes.right);
    panes.left += dragged(ui, cx, "left", gap(beside(left), rest.y_range().into()), true);
    panes.right -= dragged(ui, cx, "right", gap(across(right), rest.y_range().into()), true);
    let height = rest.height().max(1.0);
    panes.map += dragged(ui, cx, "map", gap(left + GAP..=right - GAP, level(panes.map)), false) / height;
    panes.pager += dragged(ui, cx, "pager", gap(rest.left()..=left, level(panes.pager)), false) / height;
    panes.case_board += dragged(ui, cx, "case", gap(right..=rest.right(), level(panes.case_board)), false) / height;
    cx.state.settings.panes = panes.sound();
    cx.state.settings.panes
}

/// By how much a gap was dragged in this frame, in logical pixels.
fn dragged(ui: &Ui, cx: &Cx<'_>, name: &str, gap: Rect, upright: bool) -> f32 {
    let response = ui.interact(gap, egui::Id::new(("gap", name)), Sense::drag());
    let icon = if upright { egui::CursorIcon::ResizeHorizontal } else { egui::CursorIcon::ResizeVertical };
    let response = response.on_hover_and_drag_cursor(icon);
    if response.hovered() || response.dragged() {
        ui.painter().rect_filled(gap.shrink(3.0), 1, cx.theme.focus.c());
    }
    if upright { response.drag_delta().x } else { response.drag_delta().y }
}

/// One verb at a time, in the coach's words, with the key that does it here.
fn coach_ui(ui: &mut Ui, cx: &mut Cx<'_>, row: Rect, coached: &Coached) {
    crate::gui::kit::frame(ui, row, cx.theme, false, true);
    ui.scope_builder(UiBuilder::new().max_rect(row.shrink2(vec2(12.0, 4.0))).id_salt("coach"), |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            crate::gui::kit::shape(ui, crate::gui::kit::Shape::Dot, cx.theme.text_mid.c());
            ui.label(low(cx.theme, "coach"));
            ui.label(RichText::new(&coached.says).size(15.0).color(cx.theme.text_high.c()));
            if let Some(entry) = key_for(&coached.verb) {
                key_cap(ui, cx.theme, &cx.state.settings.keys.of(entry));
                ui.label(low(cx.theme, entry.label));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(egui::Button::new(low(cx.theme, "send away")).frame(false)).clicked() {
                    cx.asks.push(Ask::Coach(false));
                }
            });
        });
    });
}

/// Which key of the window does what the console's word does.
fn key_for(word: &str) -> Option<&'static Entry> {
    let verb = match word {
        "ack" => Verb::Acknowledge,
        "board" => Verb::Go(Panel::Dashboards),
        "explore" | "sql" | "get" | "ring" | "compare" => Verb::Go(Panel::Explore),
        "logs" => Verb::Go(Panel::Logs),
        "traces" | "trace" => Verb::Go(Panel::Traces),
        "changes" => Verb::Go(Panel::Changes),
        "search" | "read" => Verb::Go(Panel::Archive),
        "channel" | "ask" | "update" | "say" => Verb::Go(Panel::Chat),
        "pin" => Verb::Pin,
        "link" => Verb::Link,
        "commit" | "believe" => Verb::Go(Panel::CaseBoard),
        "arm" => Verb::Arm,
        "act" => Verb::Go(Panel::Actions),
        "wait" | "next" => Verb::Next,
        "end" => Verb::Palette,
        _ => return None,
    };
    VERBS.iter().find(|e| e.verb == verb)
}

fn split(rect: Rect, share: f32) -> (Rect, Rect) {
    let y = rect.top() + rect.height() * share;
    (rect.with_max_y(y - GAP / 2.0), rect.with_min_y(y + GAP / 2.0))
}

fn narrow(ui: &mut Ui, cx: &mut Cx<'_>, rest: Rect) -> Option<Rect> {
    let all: Vec<Panel> = MIDDLE.into_iter().chain(RAILS).collect();
    let (map, lower) = split(rest, cx.state.settings.panes.map);
    tabbed(ui, cx, lower, &all);
    Some(map)
}

fn small(ui: &mut Ui, cx: &mut Cx<'_>, rest: Rect) -> Option<Rect> {
    let all: Vec<Panel> = [Panel::Map].into_iter().chain(MIDDLE).chain(RAILS).collect();
    let body = tabbed(ui, cx, rest, &all);
    (cx.state.tab == Panel::Map).then_some(body)
}

fn alone(ui: &mut Ui, cx: &mut Cx<'_>, rest: Rect) -> Option<Rect> {
    if cx.state.focus == Panel::Map {
        return Some(rest);
    }
    rail(ui, cx, rest, cx.state.focus);
    None
}

/// The title of a panel and its key.
pub fn name_of(cx: &Cx<'_>, panel: Panel) -> (String, &'static str) {
    let entry = VERBS.iter().find(|e| e.verb == Verb::Go(panel));
    entry.map_or((String::new(), ""), |e| (cx.state.settings.keys.of(e), e.label))
}

fn rail(ui: &mut Ui, cx: &mut Cx<'_>, rect: Rect, panel: Panel) {
    let (key, title) = name_of(cx, panel);
    let focused = cx.state.focus == panel;
    let right = extra(cx, panel);
    let theme = cx.theme;
    card(ui, rect, theme, &key, title, focused, |ui| drop(ui.label(low(theme, right))), |ui| body(ui, cx, panel));
    focus_by_pointer(ui, cx, rect, panel);
}

fn focus_by_pointer(ui: &Ui, cx: &mut Cx<'_>, rect: Rect, panel: Panel) {
    let pressed = ui.input(|i| i.pointer.primary_pressed().then(|| i.pointer.interact_pos()).flatten());
    if pressed.is_some_and(|at| rect.contains(at)) {
        cx.state.focus = panel;
    }
}

/// What stands at the right of a panel's head.
fn extra(cx: &Cx<'_>, panel: Panel) -> String {
    match panel {
        Panel::Pager => {
            let firing = cx.snap.alerts.iter().filter(|a| a.resolved.is_none()).count();
            match (cx.snap.view.page.is_empty(), cx.snap.view.acknowledged.is_some()) {
                (true, _) => "no page yet".to_string(),
                (false, false) => "not acknowledged".to_string(),
                (false, true) if firing == 0 => "acknowledged".to_string(),
                (false, true) => format!("{firing} firing"),
            }
        }
        Panel::Chat => format!("#{}", cx.snap.view.case.to_lowercase()),
        Panel::CaseBoard => format!("{} pinned", cx.snap.view.board.pins.len()),
        Panel::Actions if cx.snap.view.armed => "armed".to_string(),
        Panel::Actions => "safe mode".to_string(),
        _ => String::new(),
    }
}

/// A panel; keys that run or filter are for the one in focus alone.
fn body(ui: &mut Ui, cx: &mut Cx<'_>, panel: Panel) {
    let keys = (cx.state.run, cx.state.wants_filter, cx.state.step, cx.state.opens);
    if cx.state.focus == panel {
        draw(ui, cx, panel);
        return;
    }
    (cx.state.run, cx.state.wants_filter, cx.state.step, cx.state.opens) = (false, false, 0, false);
    draw(ui, cx, panel);
    (cx.state.run, cx.state.wants_filter, cx.state.step, cx.state.opens) = keys;
}

fn draw(ui: &mut Ui, cx: &mut Cx<'_>, panel: Panel) {
    match panel {
        Panel::Dashboards => dashboards::dashboards_ui(ui, cx),
        Panel::Explore => explore::explore_ui(ui, cx),
        Panel::Logs => logs::logs_ui(ui, cx),
        Panel::Traces => traces::traces_ui(ui, cx),
        Panel::Changes => changes::changes_ui(ui, cx),
        Panel::Archive => archive::archive_ui(ui, cx),
        Panel::Chat => channel::channel_ui(ui, cx),
        Panel::Pager => pager::pager_ui(ui, cx),
        Panel::CaseBoard => case_board::case_board_ui(ui, cx),
        Panel::Actions => actions::actions_ui(ui, cx),
        Panel::Assistant => assistant::assistant_ui(ui, cx),
        Panel::Map => {}
    }
}

/// A panel that has no room at the moment: a line that opens it.
fn in_a_line(ui: &mut Ui, cx: &mut Cx<'_>, rect: Rect, panel: Panel) {
    let (key, title) = name_of(cx, panel);
    crate::gui::kit::frame(ui, rect, cx.theme, cx.state.focus == panel, true);
    ui.scope_builder(UiBuilder::new().max_rect(rect.shrink2(vec2(10.0, 6.0))).id_salt(("line", panel)), |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            key_cap(ui, cx.theme, &key);
            ui.label(crate::gui::kit::head(cx.theme, title));
            let says = match panel {
                Panel::Assistant => assistant::silent(cx).unwrap_or("it may be asked now").to_string(),
                _ => extra(cx, panel),
            };
            ui.label(low(cx.theme, says));
        });
    });
    let response = ui.interact(rect, egui::Id::new(("line", panel)), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, title));
    if response.clicked() {
        cx.state.go_to(panel);
    }
}

/// Panels behind tabs; returns the body.
fn tabbed(ui: &mut Ui, cx: &mut Cx<'_>, rect: Rect, panels: &[Panel]) -> Rect {
    if !panels.contains(&cx.state.tab) {
        cx.state.tab = if panels.contains(&cx.state.middle) { cx.state.middle } else { panels[0] };
    }
    let tab = cx.state.tab;
    let filled = tab != Panel::Map;
    if filled {
        crate::gui::kit::frame(ui, rect, cx.theme, panels.contains(&cx.state.focus), true);
    }
    let heads = Rect::from_min_size(rect.min + vec2(6.0, 4.0), vec2(rect.width() - 12.0, HEAD));
    ui.scope_builder(UiBuilder::new().max_rect(heads).id_salt("tabs"), |ui| tabs(ui, cx, panels));
    let inside = Rect::from_min_max(pos2(rect.left() + 10.0, heads.bottom() + 6.0), rect.max - vec2(10.0, 8.0));
    if filled {
        ui.painter().hline(rect.x_range().shrink(1.0), heads.bottom() + 1.0, Stroke::new(1.0, cx.theme.hairline.c()));
        ui.scope_builder(UiBuilder::new().max_rect(inside).id_salt(("tab", tab)), |ui| {
            ui.set_clip_rect(inside.expand(2.0).intersect(ui.clip_rect()));
            body(ui, cx, tab);
        });
        let below = Rect::from_min_max(pos2(rect.left(), heads.bottom()), rect.max);
        focus_by_pointer(ui, cx, below, tab);
    }
    Rect::from_min_max(pos2(rect.left(), heads.bottom() + 4.0), rect.max)
}

fn tabs(ui: &mut Ui, cx: &mut Cx<'_>, panels: &[Panel]) {
    let many = 700.0 < ui.available_width() || panels.len() < 8;
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        for panel in panels {
            let (key, title) = name_of(cx, *panel);
            let open = cx.state.tab == *panel;
            let under_way = cx
                .snap
                .looked
                .iter()
                .rev()
                .take(6)
                .find(|l| l.answer.is_none() && panel_of(&l.look) == *panel && cx.snap.view.elapsed_s < l.at_s);
            let text = if many && panels.len() < 9 { title } else { short(title) };
            let ink = if open { cx.theme.text_high } else { cx.theme.text_mid };
            let fill = if open { cx.theme.raised.c() } else { egui::Color32::TRANSPARENT };
            let inner = egui::Frame::NONE.fill(fill).corner_radius(CornerRadius { nw: 5, ne: 5, sw: 0, se: 0 });
            let response = inner.inner_margin(egui::Margin::symmetric(6, 3)).show(ui, |ui| {
                ui.spacing_mut().item_spacing.x = 5.0;
                if let Some(looked) = under_way {
                    let left = looked.at_s - cx.snap.view.elapsed_s;
                    ring(ui, cx.theme, (1.0 - left / looked.price_s.max(1.0)) as f32);
                } else {
                    key_cap(ui, cx.theme, &key);
                }
                ui.label(RichText::new(text).size(13.5).color(ink.c()));
            });
            let rect = response.response.rect;
            let response = ui.interact(rect, egui::Id::new(("tab", *panel)), Sense::click());
            response.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::Button, true, open, title));
            if open {
                let line =
                    Rect::from_min_max(pos2(rect.left(), rect.bottom() - 1.0), pos2(rect.right(), rect.bottom() + 1.0));
                ui.painter().rect_filled(line, 0, cx.theme.flow.c());
            } else if response.hovered() {
                ui.painter().rect_stroke(rect, 5, Stroke::new(1.0, cx.theme.hairline.c()), StrokeKind::Inside);
            }
            if response.clicked() {
                cx.state.go_to(*panel);
            }
        }
        if BRUSHED < ui.available_width() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| compare::brushed_ui(ui, cx));
        }
    });
}

fn short(title: &'static str) -> &'static str {
    match title {
        "Dashboards" => "Boards",
        "Case board" => "Case",
        "Assistant" => "Assist",
        other => other,
    }
}
