//! Settings: theme, text, motion, keys. Kept as RON; a file that cannot be read is set aside, with a word about it.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::gui::keys::Keys;

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
