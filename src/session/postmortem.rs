//! The form of a postmortem: filled in beforehand from the log, finished by whoever was there.

use std::collections::BTreeMap;

use crate::session::belief::lead;
use crate::session::look::title;
use crate::session::play::Session;
use crate::sim::time::SimTime;

/// The sections, in order: key, heading, and what belongs there.
pub const SECTIONS: &[(&str, &str, &str)] = &[
    ("impact", "Impact", "Who was hurt, how much, from when to when."),
    ("timeline", "Timeline", "What happened, with times."),
    ("causes", "Causes and conditions", "What had to come together."),
    ("helped", "What helped", "What made it shorter."),
    ("hindered", "What hindered", "What made it longer."),
    ("detection", "Detection", "What told us, and what could have told us earlier."),
    ("actions", "Actions", "Two things that we will do, each with an owner."),
];

/// Words that blame people instead of looking at what made sense to them, with what to ask instead.
const BLAME: &[(&str, &str)] = &[
    ("human error", "what made it the sensible thing to do?"),
    ("should have", "what was known at the time?"),
    ("careless", "what did they see?"),
    ("failed to", "what stood in the way?"),
    ("forgot", "what would have reminded them?"),
];

/// Phrases of blame in a text, each with a question that leads further.
pub fn blame(text: &str) -> Vec<(&'static str, &'static str)> {
    let lower = text.to_lowercase();
    BLAME.iter().copied().filter(|(phrase, _)| lower.contains(phrase)).collect()
}

/// The form as Markdown.
pub fn markdown(title: &str, sections: &BTreeMap<String, String>) -> String {
    let mut text = format!("# {title}\n");
    for (key, heading, belongs) in SECTIONS {
        let body = sections.get(*key).map(String::as_str).unwrap_or_default().trim();
        let body = if body.is_empty() { format!("_{belongs}_") } else { body.to_string() };
        text.push_str(&format!("\n## {heading}\n\n{body}\n"));
    }
    text
}

impl Session {
    /// The postmortem as it stands: what was handed in, over what the log can fill in by itself.
    pub fn postmortem_draft(&self) -> BTreeMap<String, String> {
        let calendar = self.watch.scene.calendar;
        let mut sections = BTreeMap::new();
        let line = |at: SimTime, text: &str| format!("- {} {text}", calendar.clock(at));
        let mut timeline: Vec<(SimTime, String)> = (self.comms.channel.iter())
            .filter(|l| ["pager", "incident-bot", "you"].contains(&l.from.as_str()))
            .map(|l| (l.at, format!("{}: {}", l.from, l.text)))
            .collect();
        timeline.extend(self.orders.iter().map(|o| (o.at, format!("ordered {} ({})", o.action, o.state))));
        timeline.extend(
            self.board
                .commits
                .iter()
                .filter_map(|c| lead(&c.commit.points).map(|(m, p)| (c.at, format!("committed to {m} at {p} %")))),
        );
        timeline.extend(self.bookmarks.iter().map(|(at, text)| (*at, format!("bookmark: {text}"))));
        timeline.sort_by_key(|(at, _)| *at);
        let timeline: Vec<String> = timeline.iter().map(|(at, text)| line(*at, text)).collect();
        sections.insert("timeline".to_string(), timeline.join("\n"));
        for (key, text) in [
            ("impact", self.impact()),
            ("causes", self.believed()),
            ("helped", self.ordered()),
            ("detection", self.detected()),
        ] {
            if !text.is_empty() {
                sections.insert(key.to_string(), text);
            }
        }
        sections.extend(self.postmortem.clone().unwrap_or_default());
        sections
    }

    /// What the indicator said of users, and what was told of them.
    fn impact(&self) -> String {
        let clock = |at: SimTime| self.watch.scene.calendar.clock(at);
        let mut lines = Vec::new();
        if let Some((first, last)) = self.burnt.span {
            let until = if self.burnt.goes_on() { "to the end".to_string() } else { format!("to {}", clock(last)) };
            let budget = self.burnt.percent().unwrap_or(0.0);
            lines.push(format!(
                "By the indicator, which is two minutes late: from {} {until}, {:.0} % of users at worst; {budget:.2} % of \
                 the error budget of 28 days.",
                clock(first),
                self.burnt.worst * 100.0
            ));
        }
        if let Some((at, update)) = self.comms.updates.last() {
            lines.push(format!("About {:.0} % of users, as last told at {}.", update.impact_percent, clock(*at)));
        }
        lines.join("\n")
    }

    /// What the last commit declared, and what was pinned.
    fn believed(&self) -> String {
        let mut lines = Vec::new();
        if let Some(committed) = self.board.commits.last() {
            let commit = &committed.commit;
            for cause in &commit.causes {
                let at = if cause.component.is_empty() { String::new() } else { format!(", in {}", cause.component) };
                lines.push(format!("- {}: {}{at}", cause.role.word(), cause.mechanism));
            }
            if let Some((mechanism, percent)) = lead(&commit.points) {
                lines.push(format!("Believed at the last commit: {mechanism} at {percent} %."));
            }
        }
        for pin in &self.board.pins {
            let look = self.observations.get((pin.observation as usize).wrapping_sub(1)).map(|o| title(&o.look));
            let note = if pin.note.is_empty() { String::new() } else { format!(": {}", pin.note) };
            lines.push(format!("- E{} {}{note}", pin.observation, look.unwrap_or_default()));
        }
        lines.join("\n")
    }

    /// What was ordered and took effect; whether it helped is for whoever writes.
    fn ordered(&self) -> String {
        let done = self.orders.iter().filter(|o| o.state == "in effect");
        done.map(|o| format!("- {}, in effect; did it help?", o.action)).collect::<Vec<_>>().join("\n")
    }

    /// When it paged, who took it, and what was looked at first.
    fn detected(&self) -> String {
        let clock = |at: SimTime| self.watch.scene.calendar.clock(at);
        let mut lines = Vec::new();
        if self.paged {
            let paged = clock(SimTime(self.seal.paged_at_ns));
            let taken = self
                .comms
                .acknowledged
                .map_or("never acknowledged".to_string(), |at| format!("acknowledged at {}", clock(at)));
            lines.push(format!("Paged at {paged}, {taken}: {}", self.scenario.file.page));
        }
        if let Some(first) = self.observations.first() {
            lines.push(format!("The first look, at {}: {}.", clock(first.at), title(&first.look)));
        }
        lines.join("\n")
    }
}
