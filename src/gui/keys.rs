//! Everything that can be done in the window, once: its label, what it does, its key. Palette, help, tooltips and settings
//! are all made of this list.

use std::collections::BTreeMap;

use bevy_egui::egui::{self, Event, Key, Modifiers};

/// A panel of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "they are their names")]
pub enum Panel {
    Map,
    Dashboards,
    Explore,
    Logs,
    Traces,
    Changes,
    Archive,
    Chat,
    Pager,
    CaseBoard,
    Actions,
    Assistant,
}

/// Something that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the list below says what each does")]
pub enum Verb {
    Go(Panel),
    Pause,
    Slower,
    Faster,
    Next,
    Palette,
    Help,
    Filter,
    Full,
    LargerMap,
    SmallerMap,
    Pin,
    Link,
    Against,
    Contradict,
    Bookmark,
    Acknowledge,
    More,
    Less,
    Rebalance,
    Arm,
    Run,
    Bigger,
    Smaller,
    Primer,
    Onward,
    Backward,
    Outline,
    Compare,
    BrushLonger,
    BrushShorter,
    BrushEarlier,
    BrushLater,
    Still,
    Settings,
    Back,
    Flip,
    Today,
    Retest,
    GoOn,
    Scars,
    Stage,
    Reuse,
    Retries,
}

/// A verb with its words.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What it is.
    pub verb: Verb,
    /// As settings name it.
    pub id: &'static str,
    /// As the palette shows it.
    pub label: &'static str,
    /// What it does, in a line.
    pub does: &'static str,
    /// Its key, unless it was changed.
    pub key: &'static str,
}

const fn entry(verb: Verb, id: &'static str, key: &'static str, label: &'static str, does: &'static str) -> Entry {
    Entry { verb, id, label, does, key }
}

/// All of them, in the order of help.
pub const VERBS: &[Entry] = &[
    entry(Verb::Go(Panel::Map), "go_map", "M", "Map", "the six layers, live"),
    entry(Verb::Go(Panel::Dashboards), "go_dashboards", "D", "Dashboards", "all panels of a layer"),
    entry(Verb::Go(Panel::Explore), "go_explore", "E", "Explore", "ask in PromQL, SQL or kubectl's words"),
    entry(Verb::Go(Panel::Logs), "go_logs", "L", "Logs", "what processes said"),
    entry(Verb::Go(Panel::Traces), "go_traces", "T", "Traces", "what requests waited for"),
    entry(Verb::Go(Panel::Changes), "go_changes", "C", "Changes", "what was changed, when and by whom"),
    entry(Verb::Go(Panel::Archive), "go_archive", "R", "Archive", "runbooks and past incidents"),
    entry(Verb::Go(Panel::Chat), "go_chat", "I", "Channel", "colleagues, updates, other teams"),
    entry(Verb::Go(Panel::Pager), "go_pager", "G", "Pager", "pages and alerts"),
    entry(Verb::Go(Panel::CaseBoard), "go_case_board", "H", "Case board", "hypotheses, evidence, commit"),
    entry(Verb::Go(Panel::Actions), "go_actions", "X", "Actions", "what can be ordered"),
    entry(Verb::Go(Panel::Assistant), "go_assistant", "J", "Assistant", "locked until the first commit"),
    entry(Verb::Acknowledge, "acknowledge", "a", "Acknowledge", "say that the page was seen"),
    entry(Verb::Onward, "onward", "j", "Next row", "in a list, or requests on the map; Enter opens"),
    entry(Verb::Backward, "backward", "k", "Row before", "the one before"),
    entry(Verb::Outline, "outline", "o", "Outline", "the map and charts in words and numbers, and back"),
    entry(Verb::Pin, "pin", "p", "Pin", "keep what is open as evidence"),
    entry(Verb::Link, "link", "l", "Link", "say what the last pin speaks for"),
    entry(Verb::Against, "against", ";", "Link against", "say what the last pin speaks against"),
    entry(Verb::Contradict, "contradict", "!", "Contradiction", "the last two pins cannot both be true"),
    entry(Verb::Bookmark, "bookmark", "b", "Bookmark", "mark this moment"),
    entry(Verb::More, "more", "+", "More likely", "five points to the hypothesis that is chosen"),
    entry(Verb::Less, "less", "-", "Less likely", "five points from it"),
    entry(Verb::Rebalance, "rebalance", "=", "Rebalance", "make the points sum to 100"),
    entry(Verb::Arm, "arm", "Ctrl+Shift+A", "Arm", "leave or enter safe mode"),
    entry(Verb::Run, "run", "Ctrl+Enter", "Run, arm or commit", "what the panel in focus is for"),
    entry(Verb::Pause, "pause", "Space", "Pause", "stop or start the clock"),
    entry(Verb::Slower, "slower", ",", "Slower", "half as fast"),
    entry(Verb::Faster, "faster", ".", "Faster", "twice as fast, up to 8x"),
    entry(Verb::Next, "next", "n", "Next event", "go on until something is to be seen"),
    entry(Verb::Compare, "compare", "d", "Compare", "what is brushed, against the rest; 20 s"),
    entry(Verb::BrushLonger, "brush_longer", "Alt+Up", "Brush", "the last two minutes; again: twice as long"),
    entry(Verb::BrushShorter, "brush_shorter", "Alt+Down", "Shorter brush", "half as long, and nothing in the end"),
    entry(Verb::BrushEarlier, "brush_earlier", "Alt+Left", "Earlier brush", "half its length earlier"),
    entry(Verb::BrushLater, "brush_later", "Alt+Right", "Later brush", "half its length later, up to now"),
    entry(Verb::Filter, "filter", "/", "Filter", "type in the panel in focus"),
    entry(Verb::Full, "full", "z", "Full", "the panel in focus alone, or all again"),
    entry(Verb::LargerMap, "larger_map", "]", "Larger map", "more of the middle for the map"),
    entry(Verb::SmallerMap, "smaller_map", "[", "Smaller map", "more of the middle for the panel below it"),
    entry(Verb::Palette, "palette", "Ctrl+K", "Palette", "every verb and every word of the console"),
    entry(Verb::Help, "help", "?", "Keys", "the keys of this screen"),
    entry(Verb::Primer, "primer", "F1", "Primer", "what the chosen hypothesis is, in general"),
    entry(Verb::Bigger, "bigger", "Ctrl++", "Larger text", "ten per cent more"),
    entry(Verb::Smaller, "smaller", "Ctrl+-", "Smaller text", "ten per cent less"),
    entry(Verb::Still, "still", "Ctrl+Shift+S", "Still", "save a picture without spoilers"),
    entry(Verb::Settings, "settings", "Ctrl+,", "Settings", "theme, text, motion, keys"),
    entry(Verb::Flip, "flip", "f", "Flip", "in the debrief: what was seen, what was happening"),
    entry(Verb::Today, "today", "t", "Today's page", "on the title: a case drawn by the date"),
    entry(Verb::Retest, "retest", "r", "Retest", "on the title: what is most worth practising now"),
    entry(Verb::GoOn, "go_on", "c", "Go on", "on the title: the session that was left last"),
    entry(Verb::Scars, "scars", "s", "Scar tissue", "on the title: what burnt you, and what is fading"),
    entry(Verb::Reuse, "reuse", "u", "Uncover", "reuse on the map, or a layer's units (1 to 6); 10 s"),
    entry(Verb::Retries, "retries", "y", "Retries", "tries over wishes on the map, where clients tell; 20 s"),
    entry(Verb::Stage, "stage", "F8", "Stage", "large type for a projector; no truth until you flip"),
    entry(Verb::Back, "back", "Esc", "Back", "close what is on top"),
];

/// The entry of a verb.
pub fn find(verb: Verb) -> Option<&'static Entry> {
    VERBS.iter().find(|e| e.verb == verb)
}

/// Keys in force: those that were changed, by the verb's id.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Keys {
    /// Changed keys.
    pub changed: BTreeMap<String, String>,
}

impl Keys {
    /// The key of a verb.
    pub fn of(&self, entry: &Entry) -> String {
        self.changed.get(entry.id).cloned().unwrap_or_else(|| entry.key.to_string())
    }

    /// Gives a verb another key.
    ///
    /// # Errors
    /// It is no key, or another verb has it.
    pub fn change(&mut self, entry: &Entry, key: &str) -> Result<(), String> {
        if read(key).is_none() {
            return Err(format!("\"{key}\" is no key: write x, X, Space, F5 or Ctrl+Shift+P"));
        }
        if let Some(holder) = VERBS.iter().find(|e| e.id != entry.id && self.of(e) == key) {
            return Err(format!("{key} is held by \"{}\": give that another key first", holder.label));
        }
        if key == entry.key {
            self.changed.remove(entry.id);
        } else {
            self.changed.insert(entry.id.to_string(), key.to_string());
        }
        Ok(())
    }

    /// Verbs whose keys were pressed in this frame. Plain letters count only while nothing is typed into.
    pub fn pressed(&self, ctx: &egui::Context) -> Vec<Verb> {
        let typing = ctx.egui_wants_keyboard_input();
        let mut pressed = Vec::new();
        ctx.input_mut(|input| {
            for entry in VERBS {
                let hit = match read(&self.of(entry)) {
                    Some(Stroke::Text(text)) => {
                        let before = input.events.len();
                        if !typing {
                            input.events.retain(|e| !matches!(e, Event::Text(t) if *t == text));
                        }
                        input.events.len() < before
                    }
                    Some(Stroke::Key(modifiers, key)) => {
                        let plain = modifiers.is_none() && key != Key::Escape && !is_function(key);
                        !(typing && plain) && input.consume_key(modifiers, key)
                    }
                    None => false,
                };
                if hit {
                    pressed.push(entry.verb);
                }
            }
            if !typing && input.events.iter().any(|e| matches!(e, Event::Text(t) if t == ":")) {
                pressed.push(Verb::Palette);
            }
        });
        pressed
    }
}

fn is_function(key: Key) -> bool {
    key.name().len() > 1 && key.name().starts_with('F') && key.name()[1..].parse::<u8>().is_ok()
}

enum Stroke {
    Text(String),
    Key(Modifiers, Key),
}

/// Reads a key: one character as it is typed, or a name with what is held.
fn read(text: &str) -> Option<Stroke> {
    if text.chars().count() == 1 {
        return Some(Stroke::Text(text.to_string()));
    }
    let mut modifiers = Modifiers::NONE;
    let mut rest = text;
    while let Some((held, tail)) = rest.split_once('+').filter(|(h, t)| !h.is_empty() && !t.is_empty()) {
        modifiers = match held {
            "Ctrl" => modifiers | Modifiers::COMMAND,
            "Shift" => modifiers | Modifiers::SHIFT,
            "Alt" => modifiers | Modifiers::ALT,
            _ => return None,
        };
        rest = tail;
    }
    let key = match rest {
        "Esc" => Key::Escape,
        "+" => Key::Plus,
        "-" => Key::Minus,
        "," => Key::Comma,
        other => Key::from_name(other)?,
    };
    Some(Stroke::Key(modifiers, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_key_that_can_be_read_and_that_no_other_has() {
        for entry in VERBS {
            assert!(read(entry.key).is_some(), "{} has {}", entry.id, entry.key);
            let same: Vec<_> = VERBS.iter().filter(|e| e.key == entry.key || e.id == entry.id).collect();
            assert_eq!(same.len(), 1, "{} shares its key or its id", entry.id);
        }
    }

    #[test]
    fn a_conflict_names_the_verb_that_holds_the_key() {
        let mut keys = Keys::default();
        let pin = find(Verb::Pin).expect("a verb");
        assert_eq!(keys.change(pin, "M"), Err("M is held by \"Map\": give that another key first".to_string()));
        assert_eq!(keys.change(pin, "w"), Ok(()));
        assert_eq!(keys.of(pin), "w");
        assert!(keys.change(pin, "Ctrl+Nonsense").is_err());
    }
}
