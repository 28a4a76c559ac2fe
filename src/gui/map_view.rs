//! The map in the window: which picture it shows, its mesh, its words, and what the pointer opens on it.

use std::sync::Arc;

use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use bevy_egui::egui::{self, Align2, FontId, Rect as EguiRect, Ui};

use crate::gui::answers::{Shown, clock_of, seconds_of_day};
use crate::gui::app::{Dress, Latest, State2};
use crate::gui::keys::Panel;
use crate::gui::map::draw::{Hang, Ink, Layout, Mark, Paint, draw};
use crate::gui::map::layer::{CELL, Cell, cell_at, draw_layer, places, question};
use crate::gui::map::mesh::Triangles;
use crate::gui::map::picture::{Dot, Loop, Picture, built, layer_of, seen};
use crate::gui::map::svg::colour;
use crate::gui::map::unit::{self, Unit, draw_unit};
use crate::gui::settings::Motion;
use crate::gui::snapshot::{Looked, Snapshot};
use crate::gui::state::{DebriefTab, Screen, State};
use crate::gui::theme::{Theme, heading};
use crate::gui::worker::Ask;
use crate::session::command::{Command as Say, Look};
use crate::sim::time::SimTime;
use crate::telemetry::journeys::Place;

/// The map: where it is to be seen, and its marks.
#[derive(Resource, Default)]
pub struct MapView {
    /// Where the last frame left room for it.
    pub rect: Option<EguiRect>,
    marks: Vec<Mark>,
    dots: Vec<(Dot, [f32; 2])>,
    triangles: Triangles,
    summary: String,
    /// Units of the layer that is near, with the time of day of their look; empty: nobody has looked.
    cells: (Vec<Cell>, String),
}

impl MapView {
    /// Names of the units that are to be seen.
    pub fn units(&self) -> Vec<String> {
        self.cells.0.iter().map(|c| c.name.clone()).collect()
    }
}

/// What the last look at a replica found, with its time of day.
fn known_of(snap: Option<&Snapshot>, pod: &str) -> Option<(Unit, String)> {
    let asked = unit::look(pod);
    let looked = snap?.looked.iter().rev().find(|l| l.look == asked && l.answer.is_some())?;
    Some((unit::read(&looked.answer.as_ref()?.data), looked.at.clone()))
}

/// Goes near a unit: a replica is looked at, unless it was; of a gateway its description is asked for.
pub fn open_unit(state: &mut State, snap: Option<&Snapshot>, asks: &mut Vec<Ask>, pod: String) {
    if state.zoom == Some(2) {
        asks.push(Ask::Do(Say::Look(Look::Fleet { line: format!("describe pod {pod}") })));
        return;
    }
    if known_of(snap, &pod).is_none() {
        asks.push(Ask::Do(Say::Look(unit::look(&pod))));
    }
    state.unit = Some(pod);
}

/// The units of a layer as the last look at them found them, the most first.
fn cells(snap: Option<&Snapshot>, layer: usize) -> (Vec<Cell>, String) {
    let asked = question(layer).map(|(query, _)| query);
    let mine = |l: &&Arc<Looked>| matches!(&l.look, Look::Promql { query, .. } if Some(query.as_str()) == asked);
    let looked = snap.and_then(|s| s.looked.iter().rev().find(|l| mine(l) && l.answer.is_some()));
    let Some((looked, answer)) = looked.and_then(|l| Some((l, l.answer.as_ref()?))) else { return Default::default() };
    let rows = answer.data["vector"].as_array().map_or(&[][..], Vec::as_slice);
    let cell = |row: &serde_json::Value| {
        let name = row["labels"]["pod"].as_str().unwrap_or("?").to_string();
        Some(Cell { name, value: row["value"].as_f64()? })
    };
    let mut cells: Vec<Cell> = rows.iter().filter_map(cell).collect();
    cells.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
    (cells, looked.at.clone())
}

/// The mesh that the map is drawn with.
#[derive(Component)]
pub struct MapMesh;

/// The moment that the map shows, with motion as it is chosen.
fn moment(now: SimTime, motion: Motion) -> SimTime {
    const SECOND: u64 = 1_000_000_000;
    match motion {
        Motion::Full => now,
        Motion::Calm => SimTime(now.0 / SECOND * SECOND),
        Motion::None => SimTime(now.0 / (5 * SECOND) * 5 * SECOND),
    }
}

fn picture(state: &State, latest: &Latest, screen: Screen) -> Option<Picture> {
    if screen == Screen::Debrief {
        let flips = state.debrief.tab == DebriefTab::Flip || state.stage;
        let told = state.debrief.told.as_ref().filter(|_| flips)?;
        let frame = told.film.get(state.debrief.frame)?;
        return Some(if state.debrief.truth { frame.happening.clone() } else { frame.seen.clone() });
    }
    let snap = latest.0.as_ref()?;
    let stack = snap.seen.stack.as_ref()?;
    if screen == Screen::Briefing {
        let (steady, journeys, at) = snap.seen.steady.as_deref()?;
        let seconds = snap.seen.quiet_loop_s;
        let now = SimTime(at.0 + (state.wall_s.rem_euclid(seconds) * 1e9) as u64);
        let title = format!("{}  ·  an ordinary minute", snap.seen.steady_clock);
        let mut picture = seen(steady, snap.seen.reference_rate, journeys, now, title);
        picture.legend[1] = "this is what normal looks like".to_string();
        return Some(picture);
    }
    if !snap.seen.live {
        let title = snap.clock.get(..5).unwrap_or(&snap.clock).to_string();
        let (says, veil) = match (&snap.view.frozen, snap.view.page.is_empty()) {
            (Some(asked), _) => (asked.as_str(), "the host has frozen every screen"),
            (None, true) => ("Nothing has paged yet", "live data come with the page"),
            (None, false) => ("A page stands unacknowledged", "acknowledge the page to see live data:  a"),
        };
        return Some(built(stack, title, says, veil));
    }
    let severity = snap.view.severity.map_or(String::new(), |s| format!("  ·  SEV{s}"));
    let replayed = snap.seen.replayed.as_ref();
    let title = match replayed {
        Some((clock, _)) => format!("{clock}  ·  as it was seen then; Esc goes back to now"),
        None => format!("{}{severity}", snap.clock.get(..5).unwrap_or(&snap.clock)),
    };
    let now = replayed.map_or_else(|| moment(snap.now, state.settings.motion), |(_, at)| *at);
    let mut picture = seen(stack, snap.seen.reference_rate, &snap.seen.journeys, now, title);
    picture.changes = changes(snap);
    if let Some(([requests, wishes], clock)) = &snap.seen.retries {
        picture.retries = Some(Loop { share: 1.0 - wishes / requests, times: requests / wishes });
        picture.legend[1] = format!("tries over wishes as of {clock}  ·  {}", picture.legend[1]);
    }
    if let Some((share, clock)) = &snap.seen.reuse {
        picture.reuse = Some(*share);
        picture.legend[1] = format!("prefix reuse as of {clock}  ·  {}", picture.legend[1]);
    }
    Some(picture)
}

/// Changes of the last two hours, as far as they were looked up.
fn changes(snap: &Snapshot) -> Vec<(usize, String)> {
    const AGO_S: f64 = 7200.0;
    let list = snap.looked.iter().rev().find(|l| matches!(&l.look, Look::Changes { id, .. } if id.is_empty()));
    let Some(Shown::Rows(table)) = list.map(|l| &l.shown) else { return Vec::new() };
    let now = seconds_of_day(&snap.clock).unwrap_or(0.0);
    let mut found: Vec<(usize, String)> = Vec::new();
    for row in &table.rows {
        let [_, time, _, service, ..] = &row[..] else { continue };
        let at = seconds_of_day(time).filter(|s| (0.0..=AGO_S).contains(&(now - s)));
        let mark = at.zip(layer_of(service)).map(|(s, layer)| (layer, clock_of(s)[..5].to_string()));
        found.extend(mark);
    }
    found.sort_by(|a, b| b.1.cmp(&a.1));
    found
}

/// Draws the map where the last frame left room for it.
#[allow(clippy::too_many_arguments, reason = "a system has as many parameters as it reads")]
pub fn map(
    mut view: ResMut<MapView>,
    state: Res<State>,
    latest: Res<Latest>,
    screen: Res<State2>,
    dress: Res<Dress>,
    window: Query<&Window, With<PrimaryWindow>>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut shown: Query<(&Mesh2d, &mut Visibility, &mut Transform), With<MapMesh>>,
) {
    let Ok((mesh, mut visible, mut place)) = shown.single_mut() else { return };
    let picture = view.rect.and_then(|_| picture(&state, &latest, *screen.get()));
    let (Some(rect), Some(picture), Ok(window)) = (view.rect, picture, window.single()) else {
        view.marks.clear();
        view.dots.clear();
        *visible = Visibility::Hidden;
        return;
    };
    let near = state.zoom.filter(|_| *screen.get() == Screen::Console && !state.stage);
    view.cells = near.map(|layer| cells(latest.0.as_deref(), layer)).unwrap_or_default();
    let of = near.and_then(|_| state.unit.as_deref());
    let marks = match near {
        Some(_) if of.is_some() => {
            view.cells = Default::default();
            let pod = of.unwrap_or_default();
            let known = known_of(latest.0.as_deref(), pod);
            draw_unit(pod, known.as_ref().map(|(unit, at)| (unit, at.as_str())), rect.width(), rect.height())
        }
        Some(layer) => {
            let known = (!view.cells.1.is_empty()).then_some((&view.cells.0[..], view.cells.1.as_str()));
            draw_layer(layer, &picture.tanks[layer], known, rect.width(), rect.height())
        }
        None => draw(&picture, rect.width(), rect.height()),
    };
    let theme = &dress.themes[state.settings.theme.min(dress.themes.len() - 1)];
    let view = &mut *view;
    view.triangles.clear();
    let ground = Mark::Box {
        at: [0.0, 0.0],
        size: [rect.width(), rect.height()],
        radius: 7.0,
        fill: Some(Paint(Ink::Ground, 1.0)),
        line: Some((1.0, Paint(Ink::Hairline, 1.0))),
    };
    let offset = [rect.left(), rect.top()];
    view.triangles.add(&[ground], theme, offset);
    view.triangles.add(&marks, theme, offset);
    if let Some(mut mesh) = meshes.get_mut(&mesh.0) {
        *mesh = view.triangles.mesh();
    }
    let scale = state.zoom_percent() as f32 / 100.0;
    let at = Vec3::new(-window.width() / 2.0, window.height() / 2.0, 0.0);
    *place = Transform::from_translation(at).with_scale(Vec3::new(scale, scale, 1.0));
    *visible = Visibility::Visible;
    let layout = Layout::new(rect.width(), rect.height(), &picture);
    let dots = picture.dots.iter().filter(|_| near.is_none());
    view.dots = dots.map(|d| (d.clone(), layout.dot(d, 20.0))).collect();
    view.summary = picture.text();
    view.marks = marks;
}

/// The request that a step goes to: those that fail come first, then along the stack. None: there is none.
fn next_dot(dots: &[(Dot, [f32; 2])], at: Option<&str>, step: i32) -> Option<String> {
    let mut order: Vec<&Dot> = dots.iter().map(|(dot, _)| dot).collect();
    let place = |dot: &Dot| match dot.place {
        Place::Layer(n) => 2 * u32::from(n),
        Place::Hop(n) => 2 * u32::from(n) + 1,
    };
    order.sort_by(|a, b| (!a.failed, place(a), &a.trace).cmp(&(!b.failed, place(b), &b.trace)));
    let last = order.len().checked_sub(1)?;
    let known = order.iter().position(|dot| Some(dot.trace.as_str()) == at);
    let next = known.map_or(0, |n| n.saturating_add_signed(step as isize).min(last));
    Some(order[next].trace.clone())
}

/// Requests by keys: `j` and `k` go from one to the next, Enter opens the trace of the one that is chosen.
fn dots_by_keys(ui: &Ui, theme: &Theme, view: &MapView, rect: EguiRect, state: &mut State, asks: &mut Vec<Ask>) {
    let (step, opens) = (std::mem::take(&mut state.step), std::mem::take(&mut state.opens));
    if step != 0 {
        state.dot = next_dot(&view.dots, state.dot.as_deref(), step);
    }
    let Some(trace) = state.dot.clone() else { return };
    let Some((_, at)) = view.dots.iter().find(|(dot, _)| dot.trace == trace) else {
        state.dot = None; // it has left the stack
        return;
    };
    let at = rect.min + egui::vec2(at[0], at[1]);
    for radius in [6.0, 9.0] {
        ui.painter().circle_stroke(at, radius, egui::Stroke::new(1.5, theme.you.c()));
    }
    let text = format!("trace {}   Enter opens it, 10 s", trace.chars().take(8).collect::<String>());
    let galley = ui.painter().layout_no_wrap(text, FontId::proportional(12.5), theme.text_high.c());
    let size = galley.size() + egui::vec2(14.0, 8.0);
    let left = (at.x + 14.0).min(rect.right() - size.x - 8.0);
    let plate = EguiRect::from_min_size(egui::pos2(left, (at.y - size.y - 10.0).max(rect.top() + 4.0)), size);
    ui.painter().rect_filled(plate, 5, theme.deep.c());
    ui.painter().rect_stroke(plate, 5, egui::Stroke::new(1.0, theme.hairline.c()), egui::StrokeKind::Inside);
    ui.painter().galley(plate.min + egui::vec2(7.0, 4.0), galley, theme.text_high.c());
    if opens {
        asks.push(Ask::Do(Say::Look(Look::Trace { id: trace })));
        state.go_to(Panel::Traces);
    }
}

/// The map in words, over it.
fn outline(ui: &mut Ui, theme: &Theme, view: &MapView, rect: EguiRect) {
    ui.painter().rect_filled(rect, 7, theme.ground.c());
    ui.painter().rect_stroke(rect, 7, egui::Stroke::new(1.0, theme.hairline.c()), egui::StrokeKind::Inside);
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect.shrink2(egui::vec2(20.0, 14.0))).id_salt("outline"), |ui| {
        egui::ScrollArea::vertical().id_salt("outline lines").auto_shrink([false, false]).show(ui, |ui| {
            for (n, line) in view.summary.lines().enumerate() {
                match (n, line.split_once(": ")) {
                    (0, _) | (_, None) => drop(ui.label(crate::gui::kit::mid(theme, line))),
                    (_, Some((layer, says))) => {
                        ui.add_space(3.0);
                        ui.horizontal(|ui| {
                            let (name, _) = ui.allocate_exact_size(egui::vec2(140.0, 20.0), egui::Sense::hover());
                            let (at, ink) = (name.left_center(), theme.text_high.c());
                            ui.painter().text(at, Align2::LEFT_CENTER, layer, heading(13.5), ink);
                            ui.label(crate::gui::kit::mid(theme, says));
                        });
                    }
                }
            }
            ui.add_space(6.0);
            ui.label(crate::gui::kit::low(theme, "o draws it again"));
        });
    });
}

/// The map's words, and its dots as things that can be opened.
pub fn labels(
    ui: &mut Ui,
    theme: &Theme,
    view: &MapView,
    rect: EguiRect,
    state: &mut State,
    snap: Option<&Snapshot>,
    asks: &mut Vec<Ask>,
) {
    if let Some([x, y]) = places(view.cells.0.len(), rect.width(), rect.height()).get(state.unit_at) {
        let cell = EguiRect::from_min_size(rect.min + egui::vec2(*x, *y), egui::vec2(CELL.0[0], CELL.0[1]));
        let stroke = egui::Stroke::new(1.5, theme.you.c());
        ui.painter().rect_stroke(cell, 6, stroke, egui::StrokeKind::Outside);
    }
    if state.outline {
        outline(ui, theme, view, rect);
        return;
    }
    for mark in &view.marks {
        let Mark::Text { at, hang, size, mono, strong, paint, text } = mark else { continue };
        let align = match hang {
            Hang::Left => Align2::LEFT_CENTER,
            Hang::Middle => Align2::CENTER_CENTER,
            Hang::Right => Align2::RIGHT_CENTER,
        };
        let font = match (mono, strong) {
            (true, _) => FontId::monospace(*size),
            (false, true) => heading(*size),
            (false, false) => FontId::proportional(*size),
        };
        let at = rect.min + egui::vec2(at[0], at[1]);
        ui.painter().text(at, align, text, font, colour(theme, paint.0).alpha(paint.1));
    }
    let response = ui.interact(rect, egui::Id::new("map"), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Image, true, &view.summary));
    if state.focus == Panel::Map && state.zoom.is_none() {
        dots_by_keys(ui, theme, view, rect, state, asks);
    }
    let Some(pointer) = response.hover_pos() else { return };
    let at = pointer - rect.min;
    if let Some(cell) = cell_at(view.cells.0.len(), rect.width(), rect.height(), [at.x, at.y]) {
        if response.clicked() {
            state.unit_at = cell;
            open_unit(state, snap, asks, view.cells.0[cell].name.clone());
        }
        return;
    }
    let near = view.dots.iter().map(|(dot, at)| (dot, rect.min + egui::vec2(at[0], at[1])));
    let near = near.min_by(|a, b| a.1.distance(pointer).total_cmp(&b.1.distance(pointer)));
    let Some((dot, at)) = near.filter(|(_, at)| at.distance(pointer) < 12.0) else { return };
    ui.painter().circle_stroke(at, 7.0, egui::Stroke::new(1.5, theme.you.c()));
    let clicked = response.clicked();
    response.on_hover_text(format!("trace {}\nopen it, 10 s", dot.trace));
    if clicked {
        asks.push(Ask::Do(Say::Look(Look::Trace { id: dot.trace.clone() })));
        state.go_to(Panel::Traces);
    }
}
