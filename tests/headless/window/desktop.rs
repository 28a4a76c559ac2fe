//! A window without a display: the real app, keys as Bevy gets them, and a clock that is moved by hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bevy::app::App;
use bevy::ecs::entity::Entity;
use bevy::ecs::query::With;
use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyCode, KeyboardInput, NativeKeyCode};
use bevy::state::state::State as Current;
use bevy::window::PrimaryWindow;
use scartissue::cli::window::Here;
use scartissue::console::shell::Clock;
use scartissue::gui::app::{Latest, headless};
use scartissue::gui::career::Career;
use scartissue::gui::desk::{Desk, Told};
use scartissue::gui::settings::Settings;
use scartissue::gui::snapshot::Snapshot;
use scartissue::gui::state::{Screen, State};
use scartissue::session::case::Case;
use scartissue::session::store::OpenSession;

/// Nanoseconds that are passed between one frame and the next.
const STEP_NS: u64 = 400_000_000;

struct Hand(Arc<AtomicU64>);

impl Clock for Hand {
    fn now_ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn began_unix_ms(&self) -> i64 {
        0
    }
}

/// This machine, with a clock that is moved by hand.
struct Surroundings {
    here: Here,
    now: Arc<AtomicU64>,
}

impl Desk for Surroundings {
    fn cases(&self) -> Result<Vec<(Case, bool)>, String> {
        self.here.cases()
    }
    fn sessions(&self) -> Vec<(String, String)> {
        self.here.sessions()
    }
    fn begin(&self, case: Option<&str>) -> Result<OpenSession, String> {
        self.here.begin(case)
    }
    fn begin_today(&self) -> Result<OpenSession, String> {
        self.here.begin_today()
    }
    fn begin_drill(&self, more: bool) -> Result<OpenSession, String> {
        self.here.begin_drill(more)
    }
    fn career(&self) -> Result<Career, String> {
        self.here.career()
    }
    fn rule(&self, session: &str, words: &str) -> Result<(), String> {
        self.here.rule(session, words)
    }
    fn resume(&self, name: &str) -> Result<OpenSession, String> {
        self.here.resume(name)
    }
    fn debrief(&self, name: &str, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Told, String> {
        self.here.debrief(name, progress)
    }
    fn clock(&self) -> Box<dyn Clock + Send> {
        Box::new(Hand(Arc::clone(&self.now)))
    }
    fn settings_file(&self) -> Option<PathBuf> {
        None
    }
}

/// A window with somebody at its keyboard.
pub struct Desktop {
    /// The app.
    pub app: App,
    /// Where its sessions are.
    pub folder: PathBuf,
    now: Arc<AtomicU64>,
    window: Entity,
}

impl Drop for Desktop {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A folder of this test's own, empty.
pub fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("scartissue-window-{}-{name}", std::process::id()));
    drop(std::fs::remove_dir_all(&path));
    std::fs::create_dir_all(&path).expect("a temporary folder can be made");
    path
}

impl Desktop {
    /// Opens it; the questions of a first start are answered.
    pub fn open(name: &str, seed: u64, size: (u32, u32)) -> Desktop {
        Desktop::on(&folder(name), seed, size, Settings { greeted: true, ..Settings::default() })
    }

    /// Opens it over a folder.
    pub fn on(folder: &Path, seed: u64, size: (u32, u32), settings: Settings) -> Desktop {
        let now = Arc::new(AtomicU64::new(0));
        let desk = Surroundings { here: Here::at(folder, seed), now: Arc::clone(&now) };
        let mut app = headless(Arc::new(desk), size, settings);
        app.update();
        let mut windows = app.world_mut().query_filtered::<Entity, With<PrimaryWindow>>();
        let window = windows.single(app.world()).expect("one window");
        Desktop { app, folder: folder.to_path_buf(), now, window }
    }

    /// A frame, in which the clock stands.
    pub fn frame(&mut self) {
        self.app.update();
    }

    /// What the window remembers.
    pub fn state(&self) -> &State {
        self.app.world().resource::<State>()
    }

    /// What it knows of the session.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.app.world().resource::<Latest>().0.clone()
    }

    /// Which screen is open.
    pub fn screen(&self) -> Screen {
        *self.app.world().resource::<Current<Screen>>().get()
    }

    /// Lets frames and the clock go on until something holds.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Desktop) -> bool) {
        for _ in 0..40_000 {
            self.now.fetch_add(STEP_NS, Ordering::Relaxed);
            self.app.update();
            if holds(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(15));
        }
        panic!("never: {what}; on {:?}, {:?}", self.screen(), self.state().failed);
    }

    /// Lets frames go on, with the clock standing, until something holds.
    pub fn standing(&mut self, what: &str, holds: impl Fn(&Desktop) -> bool) {
        for _ in 0..2000 {
            self.app.update();
            if holds(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("never: {what}; on {:?}, {:?}", self.screen(), self.state().toasts);
    }

    fn key(&mut self, key: Key, state: ButtonState) {
        let text = match (&key, state) {
            (Key::Character(text), ButtonState::Pressed) => Some(text.clone()),
            _ => None,
        };
        let key_code = KeyCode::Unidentified(NativeKeyCode::Unidentified);
        let message = KeyboardInput { key_code, logical_key: key, state, text, repeat: false, window: self.window };
        self.app.world_mut().write_message(message);
    }

    /// Presses and lets go: `x`, `Enter`, `Ctrl+Enter`.
    pub fn press(&mut self, keys: &str) {
        let (held, key) = keys.rsplit_once('+').filter(|(held, _)| !held.is_empty()).unwrap_or(("", keys));
        let held: Vec<Key> = held
            .split('+')
            .filter(|k| !k.is_empty())
            .map(|k| match k {
                "Ctrl" => Key::Control,
                "Shift" => Key::Shift,
                "Alt" => Key::Alt,
                other => panic!("nobody holds {other}"),
            })
            .collect();
        let key = match key {
            "Enter" => Key::Enter,
            "Esc" => Key::Escape,
            "Space" => Key::Space,
            "Tab" => Key::Tab,
            "Up" => Key::ArrowUp,
            "Down" => Key::ArrowDown,
            "Left" => Key::ArrowLeft,
            "Right" => Key::ArrowRight,
            "F8" => Key::F8,
            other => Key::Character(other.into()),
        };
        held.iter().for_each(|k| self.key(k.clone(), ButtonState::Pressed));
        self.key(key.clone(), ButtonState::Pressed);
        self.frame();
        self.key(key, ButtonState::Released);
        held.iter().for_each(|k| self.key(k.clone(), ButtonState::Released));
        self.frame();
    }

    /// Types, a key after the other.
    pub fn type_in(&mut self, text: &str) {
        for c in text.chars() {
            self.press(&if c == ' ' { "Space".to_string() } else { c.to_string() });
        }
    }

    /// Says a line of the console through the palette.
    pub fn say(&mut self, line: &str) {
        self.press("Ctrl+k");
        self.frame();
        self.type_in(line);
        self.press("Enter");
    }

    /// Waits until everything that was asked has been answered.
    pub fn answers(&mut self, count: usize) {
        self.until(&format!("{count} answers"), |d| {
            d.snapshot().is_some_and(|s| s.looked.iter().filter(|l| l.answer.is_some()).count() == count)
        });
    }
}
