//! The facilitator of a game day: the lock on the host's seat, and what a host does. Whatever it is, it is a command of
//! the log like any other, so that a replay needs no host; a session in which one had a hand is kept apart from the
//! others.
//!
//! Who may give a host's commands is asked where somebody types (`console::host`), and never in a replay. What comes of
//! them is told with the next answer to who plays, or at once where host and team share a console; it is kept apart
//! from what `next` waits for, so that the moment of telling changes nothing. While screens are frozen the view is
//! emptied where it is made (`View::blank`), and every command but `say` is refused. What is drawn from the session
//! itself, as the map of the window is, has to ask [`Session::frozen`].

use std::collections::BTreeSet;

use pbkdf2::pbkdf2_hmac_array;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::session::clock::Seat;
use crate::session::command::{Command, Host, Sign};
use crate::session::comms::written;
use crate::session::play::{Notice, Session};
use crate::session::roles::{Duty, Role, seat_may};
use crate::sim::time::SimTime;

/// Rounds of the hash: a tenth of a second for one guess on a laptop.
const ROUNDS: u32 = 200_000;
/// A passphrase has so many characters at least.
const LEAST: usize = 8;
/// Texts of a host are cut off after so many characters.
const MOST_TEXT: usize = 1000;
/// A persona's name has so many characters at most.
const MOST_NAME: usize = 32;
/// Names that a persona cannot have: what these say is so, and nobody speaks for them.
const BOTS: [&str; 8] = ["pager", "alert-bot", "deploy-bot", "incident-bot", "host", "you", "assistant", "examiner"];

/// What opens the host's seat: a salted hash of a passphrase, by PBKDF2 with HMAC-SHA-256. It keeps people at a table from
/// speaking as the host. It keeps nothing from somebody who can write the session's files or change the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    salt: String,
    hash: String,
    rounds: u32,
}

impl Lock {
    /// The lock of a passphrase; spaces around it do not count.
    ///
    /// # Errors
    /// It is too short to be one.
    pub fn new(passphrase: &str, salt: u64) -> Result<Lock, String> {
        let passphrase = passphrase.trim();
        if passphrase.chars().count() < LEAST {
            return Err(format!("a host's passphrase has {LEAST} characters at least: a few words are easy to keep"));
        }
        let salt = format!("{salt:016x}");
        let hash = hashed(passphrase, &salt, ROUNDS);
        Ok(Lock { salt, hash, rounds: ROUNDS })
    }

    /// Whether a passphrase is the one.
    pub fn opens(&self, passphrase: &str) -> bool {
        // A log from elsewhere may ask for so many rounds that it would never end.
        self.rounds <= 10 * ROUNDS && hashed(passphrase.trim(), &self.salt, self.rounds) == self.hash
    }
}

fn hashed(passphrase: &str, salt: &str, rounds: u32) -> String {
    let bytes = pbkdf2_hmac_array::<Sha256, 16>(passphrase.as_bytes(), salt.as_bytes(), rounds.max(1));
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A note of the host's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: SimTime,
    /// What.
    pub text: String,
    /// What it thinks of it.
    pub sign: Sign,
}

/// A question that was asked while every screen was blank, with what was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// When.
    pub at: SimTime,
    /// The question; may be empty.
    pub question: String,
    /// Who answered what, in order.
    pub answers: Vec<(String, String)>,
}

/// What a host has done to a session so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Hosting {
    held: bool,
    frozen: bool,
    probes: Vec<Probe>,
    pages: Vec<(SimTime, String, bool)>,
    gone: BTreeSet<String>,
    notes: Vec<Note>,
    news: Vec<(SimTime, String)>,
    touched: bool,
}

impl Hosting {
    /// Whether it keeps the clock from running.
    pub fn stands(&self) -> bool {
        self.held || self.frozen
    }
}

impl Session {
    /// What a host noted, in order; its own, and not for who plays.
    pub fn notes(&self) -> &[Note] {
        &self.hosting.notes
    }

    /// What was asked while every screen was blank.
    pub fn probes(&self) -> &[Probe] {
        &self.hosting.probes
    }

    /// Whether a host had a hand in it; notes and marks move nothing and do not count.
    pub fn is_hosted(&self) -> bool {
        self.hosting.touched
    }

    /// What the host asks while every screen is blank; none where nothing is frozen.
    pub fn frozen(&self) -> Option<&str> {
        self.hosting.probes.last().filter(|_| self.hosting.frozen).map(|probe| probe.question.as_str())
    }

    /// All that a blank screen says; none where nothing is frozen.
    pub fn blank(&self) -> Option<String> {
        let question = self.frozen()?;
        let asks = if question.is_empty() { String::new() } else { format!(" {question}") };
        Some(format!("{} | the host has frozen every screen.{asks} Answer with `say`, from memory", self.clock()))
    }

    /// The role of somebody as it is now.
    pub fn role_of(&self, by: &str) -> Option<&Role> {
        self.roles.get(by)
    }

    /// Names of those who have a role.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    /// Who is gone.
    pub fn gone(&self) -> impl Iterator<Item = &str> {
        self.hosting.gone.iter().map(String::as_str)
    }

    /// Whether somebody in a seat may say something now.
    ///
    /// # Errors
    /// Whose it is instead, or why nobody may.
    pub fn may(&self, seat: Seat, by: &str, command: &Command) -> Result<(), String> {
        seat_may(seat, command)?;
        if seat == Seat::Host {
            return Ok(());
        }
        if let Some(blank) = self.blank().filter(|_| !matches!(command, Command::Say { .. })) {
            return Err(blank);
        }
        if self.hosting.held && matches!(command, Command::Pause { stopped: false }) {
            return Err("the host holds the clock, and lets it go".to_string());
        }
        if seat != Seat::Participant {
            return Ok(());
        }
        if self.hosting.gone.contains(by) {
            return Err(format!("{by} has dropped out; others take over what {by} was there for"));
        }
        let Some(role) = self.roles.get(by) else { return Ok(()) };
        let present = self.roles.iter().filter(|(name, _)| !self.hosting.gone.contains(*name));
        let duties: Vec<Duty> = present.map(|(_, role)| role.duty).collect();
        role.may(command, &duties)
    }

    /// Does what a host says.
    pub(super) fn host(&mut self, host: &Host) -> Result<String, String> {
        let now = self.now();
        let cut = |text: &str| written(text.trim(), MOST_TEXT);
        match host {
            Host::Hold { held } => {
                self.hosting.held = *held;
                self.tell(if *held { "the host holds the clock" } else { "the host lets the clock go" });
                Ok(if *held { "the clock is held" } else { "the clock is let go" }.to_string())
            }
            Host::Freeze { question } => {
                if self.hosting.frozen {
                    return Err("every screen is blank already: `host release` first".to_string());
                }
                self.hosting.frozen = true;
                self.hosting.probes.push(Probe { at: now, question: cut(question), answers: Vec::new() });
                self.tell("the host has frozen every screen");
                Ok("frozen; `host release` gives the screens back".to_string())
            }
            Host::Release => {
                if !self.hosting.frozen {
                    return Err("nothing is frozen".to_string());
                }
                self.hosting.frozen = false;
                self.tell("the screens are back");
                Ok("released".to_string())
            }
            Host::Say { persona, text } => {
                let (persona, text) = (self.persona(persona)?, cut(text));
                self.comms.line(now, &persona, &text);
                self.tell(&format!("{persona}: {text}"));
                Ok(format!("said as {persona}"))
            }
            Host::Page { text } => {
                let text = cut(text);
                let says = format!("PAGE {}: {text}", self.case_id());
                self.comms.line(now, "pager", &says);
                self.tell(&says);
                self.hosting.pages.push((now, text, false));
                Ok("paged".to_string())
            }
            Host::Note { text, sign } => {
                self.hosting.notes.push(Note { at: now, text: cut(text), sign: *sign });
                Ok("noted".to_string())
            }
            Host::Leave { who } => {
                let who = self.present(who)?;
                if !self.hosting.gone.insert(who.clone()) {
                    return Err(format!("{who} has dropped out already"));
                }
                let says = format!("{who} has dropped out of the call");
                self.comms.line(now, "incident-bot", &says);
                self.tell(&says);
                Ok(format!("{who} is out; `host return {who}` brings them back"))
            }
            Host::Return { who } => {
                let who = self.present(who)?;
                if !self.hosting.gone.remove(&who) {
                    return Err(format!("{who} is there"));
                }
                let says = format!("{who} is back on the call");
                self.comms.line(now, "incident-bot", &says);
                self.tell(&says);
                Ok(says)
            }
            Host::Role { who, role } => {
                let who = name(who, "a role's name")?;
                let sees = if role.boards.is_empty() { "everything".to_string() } else { role.boards.join(", ") };
                let says = format!("{who} is the {} and sees {sees}", role.duty.name());
                self.roles.insert(who, role.clone());
                self.comms.line(now, "incident-bot", &says);
                self.tell(&says);
                Ok(says)
            }
        }
    }

    /// Something was answered to a question on a blank screen.
    pub(super) fn answers(&mut self, by: &str, text: &str) {
        if let Some(probe) = self.hosting.probes.last_mut().filter(|_| self.hosting.frozen) {
            probe.answers.push((by.to_string(), text.to_string()));
        }
    }

    /// A host's page that nobody has acknowledged is, if there is one.
    pub(super) fn acknowledge_hosts_page(&mut self) -> Option<String> {
        let (_, text, acknowledged) = self.hosting.pages.iter_mut().find(|(.., acknowledged)| !acknowledged)?;
        *acknowledged = true;
        let says = format!("acknowledged: {text}");
        let now = self.now();
        self.comms.line(now, "pager", "the page was acknowledged");
        Some(says)
    }

    /// A host's command was carried out: what came of it is for those who play, and waits for them.
    pub(super) fn hosted(&mut self, command: &Command, came: Vec<Notice>) -> Vec<Notice> {
        self.hosting.touched |= !matches!(command, Command::Host(Host::Note { .. }) | Command::Bookmark { .. });
        self.hosting.news.extend(came.into_iter().map(|notice| (notice.at, notice.text)));
        Vec::new()
    }

    /// What came, with what the host did before.
    pub(super) fn with_hosts_news(&mut self, came: Vec<Notice>) -> Vec<Notice> {
        let mut news = self.take_hosts_news();
        news.extend(came);
        news
    }

    /// What came of a host's commands and was told to nobody yet. Telling it sooner or later changes nothing else.
    pub fn take_hosts_news(&mut self) -> Vec<Notice> {
        let calendar = self.watch.scene.calendar;
        let told = |(at, text): (SimTime, String)| Notice { at, time: calendar.clock(at), text };
        std::mem::take(&mut self.hosting.news).into_iter().map(told).collect()
    }

    fn tell(&mut self, text: &str) {
        let now = self.now();
        self.notice(now, text.to_string());
    }

    /// Somebody who has a role.
    fn present(&self, who: &str) -> Result<String, String> {
        if self.roles.contains_key(who) {
            return Ok(who.to_string());
        }
        let names: Vec<&str> = self.roles.keys().map(String::as_str).collect();
        if names.is_empty() {
            return Err(
                "nobody has a role in this session: `host role ana=operator`, or begin it with --role".to_string()
            );
        }
        let hint = crate::scenario::check::did_you_mean(who, names.iter().copied());
        Err(format!("nobody here is called \"{who}\"{hint}; there are: {}", names.join(", ")))
    }

    /// The name of somebody who is not there, and for whom the host may speak.
    fn persona(&self, text: &str) -> Result<String, String> {
        let persona = name(text, "somebody's name")?;
        if BOTS.contains(&persona.as_str()) {
            return Err(format!("nobody speaks as {persona}: what it says is so. Speak as a person, or `host page`"));
        }
        if self.roles.contains_key(&persona) {
            return Err(format!("{persona} sits at the table and speaks for themselves"));
        }
        Ok(persona)
    }
}

/// A name as it may stand in the channel.
fn name(text: &str, what: &str) -> Result<String, String> {
    let name = text.trim_start_matches('@');
    let fits = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || MOST_NAME < name.chars().count() || !name.chars().all(fits) {
        return Err(format!("\"{text}\" is not {what}: 1 to {MOST_NAME} letters, digits, - _ and ."));
    }
    Ok(name.to_string())
}

#[cfg(test)]
mod tests {
    use super::Lock;

    #[test]
    fn a_lock_knows_its_passphrase_and_keeps_it_to_itself() {
        let lock = Lock::new("three old boots", 7).expect("long enough");
        assert!(lock.opens(" three old boots\n") && !lock.opens("three old boot"));
        let kept = serde_json::to_string(&lock).expect("plain data");
        assert!(!kept.contains("boots"), "{kept}");
        assert_ne!(lock, Lock::new("three old boots", 8).expect("another salt"));
        assert!(Lock::new("short", 7).is_err());
    }
}
