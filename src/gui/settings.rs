//! Settings: theme, text, motion, keys. Kept as RON; a file that cannot be read is set aside, with a word about it.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::gui::keys::{Keys, Panel};

/// How much moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Motion {
    /// Dots move as requests do.
    #[default]
    Full,
    /// Dots step once a second.
    Calm,
    /// Nothing moves.
    None,
}

/// How the console is divided. Shares are of a height, from 0 to 1; widths are in logical pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Panes {
    /// The map's share of the middle.
    pub map: f32,
    /// The pager's share of the left rail.
    pub pager: f32,
    /// The case board's share of the right rail.
    pub case_board: f32,
    /// Width of the left rail.
    pub left: f32,
    /// Width of the right rail.
    pub right: f32,
    /// The panel that is open in the middle.
    pub open: Panel,
}

impl Default for Panes {
    fn default() -> Self {
        Panes { map: 0.46, pager: 0.48, case_board: 0.56, left: 286.0, right: 348.0, open: Panel::Dashboards }
    }
}

impl Panes {
    /// Within what can still be read.
    pub fn sound(mut self) -> Panes {
        let usual = Panes::default();
        let within =
            |value: f32, from: f32, to: f32, usual: f32| if value.is_finite() { value.clamp(from, to) } else { usual };
        self.map = within(self.map, 0.2, 0.75, usual.map);
        self.pager = within(self.pager, 0.2, 0.8, usual.pager);
        self.case_board = within(self.case_board, 0.35, 0.75, usual.case_board);
        self.left = within(self.left, 220.0, 420.0, usual.left);
        self.right = within(self.right, 300.0, 520.0, usual.right);
        self
    }
}

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// A theme's place in the list.
    pub theme: usize,
    /// Size of text, in per cent: 80 to 200.
    pub text_percent: u32,
    /// How much moves.
    pub motion: Motion,
    /// Width and height of the window, in pixels.
    pub window: (u32, u32),
    /// How the console is divided.
    pub panes: Panes,
    /// Keys.
    pub keys: Keys,
    /// Whether the first start's questions were answered.
    pub greeted: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            theme: 0,
            text_percent: 100,
            motion: Motion::Full,
            window: (1600, 900),
            panes: Panes::default(),
            keys: Keys::default(),
            greeted: false,
        }
    }
}

/// Smallest and largest text, in per cent.
pub const TEXT: (u32, u32) = (80, 200);

impl Settings {
    /// Reads settings, with a message where the file was set aside.
    pub fn read(file: &Path) -> (Settings, Option<String>) {
        let Ok(text) = fs::read_to_string(file) else { return (Settings::default(), None) };
        match ron::from_str::<Settings>(&text) {
            Ok(settings) => (settings.sound(), None),
            Err(error) => {
                let aside = file.with_extension("ron.broken");
                let moved = fs::rename(file, &aside).is_ok();
                let kept = if moved { format!("; it is kept as {}", aside.display()) } else { String::new() };
                (Settings::default(), Some(format!("settings could not be read ({error}){kept}")))
            }
        }
    }

    /// Writes them.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let text =
            ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::default()).map_err(std::io::Error::other)?;
        fs::write(file, text)
    }

    fn sound(mut self) -> Settings {
        self.text_percent = self.text_percent.clamp(TEXT.0, TEXT.1);
        self.window = (self.window.0.clamp(640, 7680), self.window.1.clamp(400, 4320));
        self.panes = self.panes.sound();
        self
    }

    /// Another size of text, so many per cent more.
    pub fn resize_text(&mut self, by: i32) {
        self.text_percent = self.text_percent.saturating_add_signed(by).clamp(TEXT.0, TEXT.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_set_aside_and_said_so() {
        let folder = std::env::temp_dir().join(format!("scartissue-settings-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let file = folder.join("window.ron");
        let mut settings = Settings::default();
        settings.resize_text(70);
        (settings.panes.map, settings.panes.open) = (0.6, Panel::Logs);
        settings.write(&file).expect("writable");
        assert_eq!(Settings::read(&file), (settings, None));
        fs::write(&file, "(theme: \"moss\"").expect("writable");
        let (read, message) = Settings::read(&file);
        assert_eq!(read, Settings::default());
        assert!(message.is_some_and(|m| m.contains("window.ron.broken")));
        assert!(!file.exists() && folder.join("window.ron.broken").exists());
        drop(fs::remove_dir_all(&folder));
    }
}
