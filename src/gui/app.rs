//! The Bevy app: a window, a camera, egui over it, the map's mesh under it. Systems read the latest snapshot and push asks;
//! none of them waits.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bevy::camera::visibility::NoFrustumCulling;
use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::settings::WgpuSettings;
use bevy::render::view::screenshot::{Screenshot, save_to_disk};
use bevy::window::{PrimaryWindow, WindowResolution};
use bevy::winit::WinitPlugin;
use bevy_egui::egui::{LayerId, Ui, UiBuilder};
use bevy_egui::{EguiContexts, EguiPlugin, EguiPrimaryContextPass};

use crate::gui::desk::Desk;
use crate::gui::fit::misfits;
use crate::gui::kit::Cx;
use crate::gui::map::mesh::Triangles;
use crate::gui::map_view::{MapMesh, MapView, labels, map};
use crate::gui::panels::overlay;
use crate::gui::screens::{briefing, commit, console, debrief, postmortem, scars, settings, stage, title};
use crate::gui::settings::{Motion, Settings};
use crate::gui::snapshot::{News, Snapshot};
use crate::gui::state::{DebriefState, Screen, State};
use crate::gui::theme::{Theme, fonts, themes};
use crate::gui::tour::Tour;
use crate::gui::worker::{Ask, Worker};
use crate::gui::{act, keys::Panel};
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
pub struct Dress {
    /// All of them.
    pub themes: Vec<Theme>,
    worn: Option<(usize, u32, Motion)>,
}

/// Where settings are kept, and as they are there.
#[derive(Resource)]
struct Kept {
    file: Option<PathBuf>,
    written: Settings,
}

/// Why the window is not open any more, though nobody closed it.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    /// None could be opened; why, in a sentence.
    #[error("{0}")]
    Never(String),
    /// It was open, and failed.
    #[error("the window failed ({0}); the session is kept up to the last command, and \"Go on\" opens it again")]
    Failed(String),
}

/// Whether a frame was drawn: what fails before is told in a sentence, what fails after is a mistake of ours.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// Opens the window and plays until it is closed.
///
/// # Errors
/// There is no display, or nothing to draw with; or what was open has failed.
pub fn open(desk: Arc<dyn Desk>, tour: Option<Tour>) -> Result<(), Closed> {
    let file = desk.settings_file();
    let (kept, message) = file.as_deref().map_or((Settings::default(), None), Settings::read);
    let mut state = State::new(kept.clone());
    if let Some(message) = message {
        state.toast(message, true, 0.0);
    }
    let size = tour.as_ref().map_or(kept.window, |t| t.size);
    let usual: Hook = Arc::from(std::panic::take_hook());
    let hook = Arc::clone(&usual);
    std::panic::set_hook(Box::new(move |why| {
        if DRAWN.load(Ordering::Relaxed) {
            hook(why);
        }
    }));
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut app = App::new();
        let window = Window {
            title: "Scar Tissue".to_string(),
            name: Some("scartissue".to_string()),
            resolution: WindowResolution::new(size.0, size.1),
            ..Window::default()
        };
        let windows = WindowPlugin { primary_window: Some(window), ..WindowPlugin::default() };
        let log = LogPlugin {
            filter: "error,wgpu_hal=off,winit=off,bevy_app=off,bevy_render=off".to_string(),
            ..LogPlugin::default()
        };
        app.add_plugins(DefaultPlugins.set(windows).set(log));
        app.add_plugins(EguiPlugin::default());
        fill(&mut app, desk, state, Kept { file, written: kept }, tour);
        app.run()
    }));
    std::panic::set_hook(Box::new(move |why| usual(why)));
    let why = match ran {
        Ok(AppExit::Success) => return Ok(()),
        Ok(AppExit::Error(code)) => format!("it ended with code {code}"),
        Err(panic) => {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default();
            in_words(&why)
        }
    };
    match DRAWN.load(Ordering::Relaxed) {
        true => Err(Closed::Failed(why)),
        false => Err(Closed::Never(format!("no window can be opened here ({why})"))),
    }
}

/// What others' panics mean to whoever wanted a window.
fn in_words(why: &str) -> String {
    match why {
        w if w.contains("event loop") => "the display does not answer".to_string(),
        w if w.contains("find a GPU") => "there is nothing here to draw with: no Vulkan and no GL".to_string(),
        w => w.split(['!', '\n']).next().unwrap_or_default().to_string(),
    }
}

type Hook = Arc<dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync>;

/// The same app with no window system and nothing to draw with: for tests and measurements. Keys come in as messages of
/// Bevy, as they do from a window system.
pub fn headless(desk: Arc<dyn Desk>, size: (u32, u32), settings: Settings) -> App {
    let window = Window { resolution: WindowResolution::new(size.0, size.1), ..Window::default() };
    let windows = WindowPlugin { primary_window: Some(window), ..WindowPlugin::default() };
    let nothing = WgpuSettings { backends: None, ..WgpuSettings::default() };
    let render = RenderPlugin { render_creation: nothing.into(), ..RenderPlugin::default() };
    let plugins = DefaultPlugins.set(windows).set(render).disable::<LogPlugin>().disable::<WinitPlugin>();
    let mut app = App::new();
    app.add_plugins(plugins).add_plugins(EguiPlugin::default());
    let kept = Kept { file: None, written: settings.clone() };
    fill(&mut app, desk, State::new(settings), kept, None);
    app.finish();
    app.cleanup();
    app
}

fn fill(app: &mut App, desk: Arc<dyn Desk>, state: State, kept: Kept, tour: Option<Tour>) {
    let list = themes();
    let worker = Worker::start(desk);
    worker.ask(Ask::Home); // the first frame does not wait for scenarios and records
    app.insert_resource(ClearColor(background(&list[0])))
        .insert_resource(Link(worker))
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
    play(&mut state.debrief, now);
    for news in link.0.news() {
        match news {
            News::Notice(at, text) => {
                let first = text.lines().next().unwrap_or_default();
                if !first.starts_with('E') && !first.starts_with("PAGE") {
                    state.toast(format!("{at}  {first}"), false, now);
                }
            }
            News::Said(text) => {
                // Answers and advice have panels of their own, and the bar has the clock's speed.
                const SHOWN: [&str; 4] = ["E", "ASSISTANT", "noted;", "the incident is closed"];
                let shown = text == "noted" || SHOWN.iter().any(|begin| text.starts_with(begin));
                let speed = text.strip_suffix('x').is_some_and(|n| n.parse::<u8>().is_ok());
                if !shown && !speed && !text.is_empty() {
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
            News::Home(home) => {
                (state.cases, state.sessions) = (home.cases, home.sessions);
                state.career = Arc::new(home.career);
                if !home.failed.is_empty() {
                    state.failed = Some(home.failed);
                }
            }
            News::Preview(preview) => state.action.preview = Some(preview),
            News::Progress(done, total) => state.debrief.progress = (done, total),
            News::Told(told) => {
                state.rule = told.healing.as_ref().map(|h| h.rule.clone()).unwrap_or_default();
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

/// Seconds for which a frame of the film stays.
const FRAME_S: f64 = 0.25;

/// The film, from its first frame again once it has ended.
fn play(debrief: &mut DebriefState, now: f64) {
    let Some(told) = debrief.told.as_ref().filter(|_| debrief.playing) else { return };
    if debrief.frame_since + FRAME_S <= now {
        (debrief.frame, debrief.frame_since) = ((debrief.frame + 1) % told.film.len().max(1), now);
    }
}

/// Which screen is open.
pub type State2 = bevy::prelude::State<Screen>;

/// Theme, text and motion as they are chosen.
fn dress(
    mut contexts: EguiContexts,
    mut dress: ResMut<Dress>,
    mut clear: ResMut<ClearColor>,
    state: Res<State>,
) -> Result {
    let chosen = &state.settings;
    let wanted = (chosen.theme.min(dress.themes.len() - 1), state.zoom_percent(), chosen.motion);
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
    if state.beginning && latest.0.is_some() && matches!(screen.get(), Screen::Title | Screen::Scars) {
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
    replay(&mut state, latest.0.as_deref(), &mut asks.0);
    let ended = latest.0.as_ref().is_some_and(|s| s.view.ended);
    if *screen.get() == Screen::Debrief && !state.debrief.asked && ended {
        state.debrief.asked = true;
        asks.0.push(Ask::Debrief);
    }
    if *screen.get() == Screen::Console && ended && state.go.is_none() {
        state.go = Some(Screen::Postmortem);
    }
    if let Some(screen) = state.go.take() {
        state.toasts.retain(|t| t.refused);
        next.set(screen);
    }
}

/// What is brushed is what the map replays: the end of the stretch.
fn replay(state: &mut State, latest: Option<&Snapshot>, asks: &mut Vec<Ask>) {
    let Some(snap) = latest else { return };
    if state.replayed == state.brush {
        return;
    }
    state.replayed = state.brush;
    let now = crate::gui::answers::seconds_of_day(&snap.clock).unwrap_or(0.0);
    let ago = state.brush.map(|(_, to)| ((now - to).max(0.0) * 1e9) as u64);
    asks.push(Ask::Moment(ago.map(|ago| SimTime(snap.now.0.saturating_sub(ago)))));
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
    state.cursor = state.cursor_found.take(); // panels before and after the one under the pointer show the same
    act::keys(&ctx, screen, state, latest.0.as_deref(), asks);
    let whole = ctx.viewport_rect();
    state.toast_room = None;
    let mut ui = Ui::new(ctx.clone(), "root".into(), UiBuilder::new().layer_id(LayerId::background()).max_rect(whole));
    let ui = &mut ui;
    view.rect = match (screen, &latest.0) {
        _ if !state.settings.greeted => {
            title::greet_ui(ui, theme, state);
            None
        }
        (Screen::Scars, _) => {
            scars::scars_ui(ui, theme, state, asks);
            None
        }
        (Screen::Debrief, _) if state.stage && state.debrief.told.is_some() => stage::debrief_ui(ui, theme, state),
        (Screen::Debrief, _) => debrief::debrief_ui(ui, theme, state, asks),
        (Screen::Title, _) | (_, None) => {
            title::title_ui(ui, theme, state, asks);
            None
        }
        (screen, Some(snap)) => {
            let mut cx = Cx { snap, theme, state, asks };
            match screen {
                Screen::Briefing => Some(briefing::briefing_ui(ui, &mut cx)),
                Screen::Console if cx.state.stage => Some(stage::incident_ui(ui, &mut cx)),
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
        labels(ui, theme, &view, rect, state, latest.0.as_deref(), asks);
        state.units = view.units();
    }
    if let Some(chosen) = overlay::palette_ui(&ctx, theme, state, screen) {
        match chosen {
            overlay::Chosen::Verb(verb) => act::act(verb, &ctx, screen, state, latest.0.as_deref(), asks),
            overlay::Chosen::Line(line) => asks.push(Ask::Line(line)),
            overlay::Chosen::Case(case) => title::start(state, asks, Ask::Begin(Some(case))),
        }
    }
    overlay::help_ui(&ctx, theme, state);
    overlay::primer_ui(&ctx, theme, state);
    settings::settings_ui(&ctx, theme, state);
    overlay::toasts_ui(&ctx, theme, state, now);
    (state.run, state.wants_filter, state.step, state.opens) = (false, false, 0, false);
    if state.measures {
        state.misfits = misfits(&ctx);
    }
    ctx.request_repaint();
    Ok(())
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
    DRAWN.store(true, Ordering::Relaxed);
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
