//! The Bevy app: a window, a camera, egui over it, the map's mesh under it. Systems read the latest snapshot and push asks;
//! none of them waits.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;

use bevy::camera::visibility::NoFrustumCulling;
use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::render::view::screenshot::{Screenshot, save_to_disk};
use bevy::window::{PrimaryWindow, WindowResolution};
use bevy_egui::egui::{self, Align2, FontId, LayerId, Rect as EguiRect, Ui, UiBuilder};
use bevy_egui::{EguiContexts, EguiPlugin, EguiPrimaryContextPass};

use crate::gui::desk::Desk;
use crate::gui::kit::Cx;
use crate::gui::map::draw::{Hang, Mark, draw};
use crate::gui::map::mesh::Triangles;
use crate::gui::map::picture::{Dot, Picture, seen};
use crate::gui::map::svg::colour;
use crate::gui::panels::overlay;
use crate::gui::screens::{briefing, commit, console, debrief, postmortem, settings, title};
use crate::gui::settings::{Motion, Settings};
use crate::gui::snapshot::{News, Snapshot};
use crate::gui::state::{DebriefTab, Screen, State};
use crate::gui::theme::{Theme, fonts, heading, themes};
use crate::gui::tour::Tour;
use crate::gui::worker::{Ask, Worker};
use crate::gui::{act, keys::Panel};
use crate::score::debrief::Verdict;
use crate::session::command::{Command as Say, Look};
use crate::sim::time::SimTime;

/// The thread that owns the session.
#[derive(Resource)]
pub struct Link(pub Worker);

/// What the window asks for in this frame.
#[derive(Resource, Default)]
pub struct Asks(pub Vec<Ask>);

/// The latest snapshot.
#[derive(Resource, Default)]
pub struct Latest(pub Option<Arc<Snapshot>>);

/// The themes, and which was dressed last.
#[derive(Resource)]
struct Dress {
    themes: Vec<Theme>,
    worn: Option<(usize, u32, Motion)>,
}

/// Where settings are kept, and as they are there.
#[derive(Resource)]
struct Kept {
    file: Option<PathBuf>,
    written: Settings,
}

/// The map: where it is to be seen, and its marks.
#[derive(Resource, Default)]
struct MapView {
    rect: Option<EguiRect>,
    marks: Vec<Mark>,
    dots: Vec<(Dot, [f32; 2])>,
    triangles: Triangles,
    summary: String,
}

#[derive(Component)]
struct MapMesh;

/// Opens the window and plays until it is closed.
///
/// # Errors
/// There is no display, or nothing to draw with; in a sentence.
pub fn open(desk: Arc<dyn Desk>, tour: Option<Tour>) -> Result<(), String> {
    let file = desk.settings_file();
    let (kept, message) = file.as_deref().map_or((Settings::default(), None), Settings::read);
    let mut state = State::new(kept.clone());
    if let Some(message) = message {
        state.toast(message, true, 0.0);
    }
    let size = tour.as_ref().map_or(kept.window, |t| t.size);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {})); // what fails before the first frame is told in a sentence
    let built = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut app = App::new();
        let window = Window {
            title: "Scar Tissue".to_string(),
            name: Some("scartissue".to_string()),
            resolution: WindowResolution::new(size.0, size.1),
            ..Window::default()
        };
        let windows = WindowPlugin { primary_window: Some(window), ..WindowPlugin::default() };
        let log = LogPlugin {
            filter: "error,wgpu_hal=off,winit=off,bevy_app=off,bevy_render::slab_allocator=off".to_string(),
            ..LogPlugin::default()
        };
        app.add_plugins(DefaultPlugins.set(windows).set(log));
        app.add_plugins(EguiPlugin::default());
        fill(&mut app, desk, state, Kept { file, written: kept }, tour);
        app
    }));
    let ran = built.and_then(|mut app| std::panic::catch_unwind(AssertUnwindSafe(move || app.run())));
    std::panic::set_hook(usual);
    match ran {
        Ok(AppExit::Success) => Ok(()),
        Ok(AppExit::Error(code)) => Err(format!("the window ended with code {code}")),
        Err(panic) => {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default();
            let first = why.split(['!', '\n']).next().unwrap_or_default().to_string();
            Err(format!("no window can be opened here ({first})"))
        }
    }
}

fn fill(app: &mut App, desk: Arc<dyn Desk>, mut state: State, kept: Kept, tour: Option<Tour>) {
    state.sessions = desk.sessions();
    match desk.cases() {
        Ok(cases) => state.cases = cases,
        Err(why) => state.failed = Some(why),
    }
    let list = themes();
    app.insert_resource(ClearColor(background(&list[0])))
        .insert_resource(Link(Worker::start(desk)))
        .insert_resource(Dress { themes: list, worn: None })
        .insert_resource(kept)
        .insert_resource(state)
        .init_resource::<Asks>()
        .init_resource::<Latest>()
        .init_resource::<MapView>()
        .init_state::<Screen>()
        .add_systems(Startup, set_up)
        .add_systems(Update, (hear, dress, enter, map).chain())
        .add_systems(EguiPrimaryContextPass, show)
        .add_systems(Last, (send, keep).chain());
    if let Some(tour) = tour {
        app.insert_resource(tour).add_systems(First, crate::gui::tour::step);
    }
}

fn background(theme: &Theme) -> Color {
    Color::srgb_u8(theme.deep.0, theme.deep.1, theme.deep.2)
}

fn set_up(mut commands: Commands, mut meshes: ResMut<Assets<Mesh>>, mut paints: ResMut<Assets<ColorMaterial>>) {
    commands.spawn((Camera2d, Msaa::Sample4));
    let paint = ColorMaterial { alpha_mode: bevy::sprite_render::AlphaMode2d::Blend, ..ColorMaterial::default() };
    commands.spawn((
        MapMesh,
        Mesh2d(meshes.add(Triangles::default().mesh())),
        MeshMaterial2d(paints.add(paint)),
        Transform::default(),
        Visibility::Hidden,
        NoFrustumCulling,
    ));
}

/// Reads what the worker has said since the last frame.
fn hear(
    link: Res<Link>,
    time: Res<Time<Real>>,
    mut latest: ResMut<Latest>,
    mut state: ResMut<State>,
    screen: Res<State2>,
) {
    latest.0 = link.0.latest();
    let now = time.elapsed_secs_f64();
    state.wall_s = now;
    for news in link.0.news() {
        match news {
            News::Notice(at, text) => {
                let first = text.lines().next().unwrap_or_default();
                if !first.starts_with('E') && !first.starts_with("PAGE") {
                    state.toast(format!("{at}  {first}"), false, now);
                }
            }
            News::Said(text) => {
                if !text.starts_with("E") && text != "noted" && !text.is_empty() {
                    state.toast(text, false, now);
                }
            }
            News::Refused(why) => {
                let explore = matches!(state.focus, Panel::Explore) && *screen.get() == Screen::Console;
                if explore {
                    state.error = Some(why);
                } else {
                    state.toast(why, true, now);
                }
            }
            News::Preview(preview) => state.action.preview = Some(preview),
            News::Progress(done, total) => state.debrief.progress = (done, total),
            News::Told(told) => {
                for mechanism in &told.debrief.cause.was {
                    let right = told.debrief.cause.verdict == Verdict::Right;
                    let known = state.settings.met.entry(mechanism.clone()).or_insert(false);
                    *known |= right;
                }
                let worst = told.film.iter().position(|f| f.happening.retries.is_some_and(|r| 0.2 < r.share));
                state.debrief.frame = worst.unwrap_or(told.film.len() / 3);
                state.debrief.told = Some(told);
            }
            News::Failed(why) => {
                state.beginning = false;
                state.debrief.failed = Some(why.clone());
                state.failed = Some(why);
            }
        }
    }
}

type State2 = bevy::prelude::State<Screen>;

/// Theme, text and motion as they are chosen.
fn dress(
    mut contexts: EguiContexts,
    mut dress: ResMut<Dress>,
    mut clear: ResMut<ClearColor>,
    state: Res<State>,
) -> Result {
    let chosen = &state.settings;
    let wanted = (chosen.theme.min(dress.themes.len() - 1), chosen.text_percent, chosen.motion);
    if dress.worn == Some(wanted) {
        return Ok(());
    }
    let ctx = contexts.ctx_mut()?;
    if dress.worn.is_none() {
        ctx.set_fonts(fonts());
        ctx.options_mut(|o| {
            o.max_passes = 1.try_into().expect("one is not zero");
            o.zoom_with_keyboard = false;
        });
    }
    let theme = &dress.themes[wanted.0];
    theme.dress(ctx, wanted.2 == Motion::Full);
    clear.0 = background(theme);
    ctx.set_zoom_factor(wanted.1 as f32 / 100.0);
    dress.worn = Some(wanted);
    Ok(())
}

/// Goes where the state says.
fn enter(
    mut state: ResMut<State>,
    latest: Res<Latest>,
    screen: Res<State2>,
    mut next: ResMut<NextState<Screen>>,
    mut asks: ResMut<Asks>,
) {
    if state.beginning && latest.0.is_some() && *screen.get() == Screen::Title {
        state.beginning = false;
        let ended = latest.0.as_ref().is_some_and(|s| s.view.ended);
        state.go = Some(if ended { Screen::Postmortem } else { Screen::Briefing });
    }
    if let Some(snap) = &latest.0
        && state.points.is_empty()
        && !snap.view.board.points.is_empty()
    {
        state.points = snap.view.board.points.clone();
    }
    let ended = latest.0.as_ref().is_some_and(|s| s.view.ended);
    if *screen.get() == Screen::Debrief && !state.debrief.asked && ended {
        state.debrief.asked = true;
        asks.0.push(Ask::Debrief);
    }
    if *screen.get() == Screen::Console && ended && state.go.is_none() {
        state.go = Some(Screen::Postmortem);
    }
    if let Some(screen) = state.go.take() {
        next.set(screen);
    }
}

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
        let told = state.debrief.told.as_ref().filter(|_| state.debrief.tab == DebriefTab::Flip)?;
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
    let severity = snap.view.severity.map_or(String::new(), |s| format!("  ·  SEV{s}"));
    let title = format!("{}{severity}", snap.clock.get(..5).unwrap_or(&snap.clock));
    let now = moment(snap.now, state.settings.motion);
    Some(seen(stack, snap.seen.reference_rate, &snap.seen.journeys, now, title))
}

/// Draws the map where the last frame left room for it.
fn map(
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
    let marks = draw(&picture, rect.width(), rect.height());
    let theme = &dress.themes[state.settings.theme.min(dress.themes.len() - 1)];
    let view = &mut *view;
    view.triangles.clear();
    let ground = Mark::Box {
        at: [0.0, 0.0],
        size: [rect.width(), rect.height()],
        radius: 7.0,
        fill: Some(crate::gui::map::draw::Paint(crate::gui::map::draw::Ink::Ground, 1.0)),
        line: Some((1.0, crate::gui::map::draw::Paint(crate::gui::map::draw::Ink::Hairline, 1.0))),
    };
    let offset = [rect.left(), rect.top()];
    view.triangles.add(&[ground], theme, offset);
    view.triangles.add(&marks, theme, offset);
    if let Some(mut mesh) = meshes.get_mut(&mesh.0) {
        *mesh = view.triangles.mesh();
    }
    let scale = state.settings.text_percent as f32 / 100.0;
    let at = Vec3::new(-window.width() / 2.0, window.height() / 2.0, 0.0);
    *place = Transform::from_translation(at).with_scale(Vec3::new(scale, scale, 1.0));
    *visible = Visibility::Visible;
    let layout = crate::gui::map::draw::Layout::new(
        rect.width(),
        rect.height(),
        picture.retries.is_some() || picture.reuse.is_some(),
    );
    view.dots = picture.dots.iter().map(|d| (d.clone(), layout.dot(d, 20.0))).collect();
    view.summary = picture.text();
    view.marks = marks;
}

/// Everything that egui draws.
fn show(
    mut contexts: EguiContexts,
    mut state: ResMut<State>,
    latest: Res<Latest>,
    mut asks: ResMut<Asks>,
    mut view: ResMut<MapView>,
    screen: Res<State2>,
    dress: Res<Dress>,
) -> Result {
    let ctx = contexts.ctx_mut()?.clone();
    let theme = &dress.themes[state.settings.theme.min(dress.themes.len() - 1)];
    let state = &mut *state;
    let asks = &mut asks.0;
    let now = ctx.input(|i| i.time);
    let screen = *screen.get();
    act::keys(&ctx, screen, state, latest.0.as_deref(), asks);
    let whole = ctx.viewport_rect();
    let mut ui = Ui::new(ctx.clone(), "root".into(), UiBuilder::new().layer_id(LayerId::background()).max_rect(whole));
    let ui = &mut ui;
    view.rect = match (screen, &latest.0) {
        _ if !state.settings.greeted => {
            title::greet_ui(ui, theme, state);
            None
        }
        (Screen::Debrief, _) => debrief::debrief_ui(ui, theme, state, asks),
        (Screen::Title, _) | (_, None) => {
            title::title_ui(ui, theme, state, asks);
            None
        }
        (screen, Some(snap)) => {
            let mut cx = Cx { snap, theme, state, asks };
            match screen {
                Screen::Briefing => Some(briefing::briefing_ui(ui, &mut cx)),
                Screen::Console => console::console_ui(ui, &mut cx),
                Screen::Commit => {
                    commit::commit_ui(ui, &mut cx);
                    None
                }
                _ => {
                    postmortem::postmortem_ui(ui, &mut cx);
                    None
                }
            }
        }
    };
    if let Some(rect) = view.rect {
        labels(ui, theme, &view, rect, asks);
    }
    if let Some(chosen) = overlay::palette_ui(&ctx, theme, state) {
        match chosen {
            overlay::Chosen::Verb(verb) => act::act(verb, &ctx, screen, state, latest.0.as_deref(), asks),
            overlay::Chosen::Line(line) => asks.push(Ask::Line(line)),
        }
    }
    overlay::help_ui(&ctx, theme, state);
    overlay::primer_ui(&ctx, theme, state);
    settings::settings_ui(&ctx, theme, state);
    overlay::toasts_ui(&ctx, theme, state, now);
    state.run = false;
    state.wants_filter = false;
    ctx.request_repaint();
    Ok(())
}

/// The map's words, and its dots as things that can be opened.
fn labels(ui: &mut Ui, theme: &Theme, view: &MapView, rect: EguiRect, asks: &mut Vec<Ask>) {
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
    let Some(pointer) = response.hover_pos() else { return };
    let near = view.dots.iter().map(|(dot, at)| (dot, rect.min + egui::vec2(at[0], at[1])));
    let near = near.min_by(|a, b| a.1.distance(pointer).total_cmp(&b.1.distance(pointer)));
    let Some((dot, at)) = near.filter(|(_, at)| at.distance(pointer) < 12.0) else { return };
    ui.painter().circle_stroke(at, 7.0, egui::Stroke::new(1.5, theme.you.c()));
    let clicked = response.clicked();
    response.on_hover_text(format!("trace {}\nopen it, 10 s", dot.trace));
    if clicked {
        asks.push(Ask::Do(Say::Look(Look::Trace { id: dot.trace.clone() })));
    }
}

/// Sends what was asked for, and takes a still where one was wanted.
fn send(
    link: Res<Link>,
    mut asks: ResMut<Asks>,
    mut state: ResMut<State>,
    latest: Res<Latest>,
    kept: Res<Kept>,
    mut commands: Commands,
    time: Res<Time<Real>>,
) {
    for ask in asks.0.drain(..) {
        link.0.ask(ask);
    }
    if std::mem::take(&mut state.still) {
        let (case, clock) = latest
            .0
            .as_ref()
            .map_or(("title".to_string(), String::new()), |s| (s.view.case.clone(), s.clock.replace(':', "")));
        let folder = kept.file.as_deref().and_then(|f| f.parent()).map_or(PathBuf::from("."), |f| f.join("stills"));
        let file = folder.join(format!("{case}-{clock}.png"));
        let made = std::fs::create_dir_all(&folder).is_ok();
        if made {
            commands.spawn(Screenshot::primary_window()).observe(save_to_disk(file.clone()));
        }
        let says =
            if made { format!("saved as {}", file.display()) } else { format!("{} cannot be made", folder.display()) };
        state.toast(says, !made, time.elapsed_secs_f64());
    }
}

/// Writes settings when they changed and nothing is held.
fn keep(
    mut kept: ResMut<Kept>,
    mut state: ResMut<State>,
    held: Res<ButtonInput<MouseButton>>,
    window: Query<&Window, With<PrimaryWindow>>,
    tour: Option<Res<Tour>>,
) {
    if tour.is_some() {
        return;
    }
    if let Ok(window) = window.single() {
        let size = (window.physical_width(), window.physical_height());
        if 640 <= size.0 && 400 <= size.1 && state.settings.window != size {
            state.settings.window = size;
        }
    }
    if kept.written == state.settings || held.pressed(MouseButton::Left) {
        return;
    }
    kept.written = state.settings.clone();
    if let Some(file) = kept.file.clone()
        && let Err(error) = kept.written.write(&file)
    {
        state.toast(format!("settings are not kept: {}: {error}", file.display()), true, 0.0);
    }
}
