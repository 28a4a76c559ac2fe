//! What a frame of the window costs: our systems and egui up to its triangles, without the rasterizer, with the console open
//! at the peak of the flagship. And how long the first frame takes.
//!
//! `cargo bench --bench window`. Budget: 4 ms at the median.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bevy::app::App;
use divan::Bencher;
use scartissue::cli::window::Here;
use scartissue::gui::app::{Asks, Latest, headless};
use scartissue::gui::keys::Panel;
use scartissue::gui::settings::Settings;
use scartissue::gui::snapshot::Snapshot;
use scartissue::gui::state::{Screen, State};
use scartissue::gui::worker::Ask;
use scartissue::session::command::{Command, Look};

fn main() {
    divan::main();
}

const SIZE: (u32, u32) = (1920, 1080);

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("scartissue-bench-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a temporary folder can be made");
    path
}

fn window(name: &str) -> App {
    let settings = Settings { greeted: true, ..Settings::default() };
    headless(Arc::new(Here::at(&folder(name), 7)), SIZE, settings)
}

fn until(app: &mut App, holds: impl Fn(&Snapshot) -> bool) {
    for _ in 0..20_000 {
        app.update();
        if app.world().resource::<Latest>().0.as_deref().is_some_and(&holds) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the session does not get there");
}

fn ask(app: &mut App, asks: Vec<Ask>) {
    app.world_mut().resource_mut::<Asks>().0.extend(asks);
}

/// The console at the peak: two boards open, dots on the map, alerts firing.
fn at_the_peak(panel: Panel, name: &str) -> App {
    let mut app = window(name);
    ask(&mut app, vec![Ask::Begin(Some("INC-4127".to_string()))]);
    until(&mut app, |s| s.seen.stack.is_some());
    app.world_mut().resource_mut::<State>().go = Some(Screen::Console);
    ask(&mut app, vec![Ask::Hold(false), Ask::Do(Command::Speed { times: 8 })]);
    until(&mut app, |s| 240.0 < s.view.elapsed_s);
    let board = |name: &str| Ask::Do(Command::Look(Look::Board { board: name.to_string(), window_s: 900 }));
    let logs = Look::Logs { service: "gateway".to_string(), since_s: 300, grep: String::new() };
    ask(&mut app, vec![Ask::Do(Command::Acknowledge), board("overview"), board("serving")]);
    ask(&mut app, vec![Ask::Do(Command::Look(logs))]);
    app.update();
    until(&mut app, |s| s.looked.len() == 3 && s.looked.iter().all(|l| l.answer.is_some()));
    app.world_mut().resource_mut::<State>().go_to(panel);
    (0..20).for_each(|_| app.update());
    app
}

#[divan::bench(sample_count = 400, sample_size = 1)]
fn frame_with_boards(bencher: Bencher<'_, '_>) {
    let mut app = at_the_peak(Panel::Dashboards, "boards");
    bencher.bench_local(|| app.update());
}

#[divan::bench(sample_count = 400, sample_size = 1)]
fn frame_with_logs(bencher: Bencher<'_, '_>) {
    let mut app = at_the_peak(Panel::Logs, "logs");
    bencher.bench_local(|| app.update());
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn first_frame(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| {
        let mut app = window("first");
        app.update();
        app
    });
}
