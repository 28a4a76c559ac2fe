//! Sessions on disk: a folder each, with the log, and the seal that only its owner reads.
//!
//! `log.jsonl` is the session; `seal.json` what it is about; `lock` tells a second process that the first is there;
//! `snapshot` spares a replay from the beginning of the world, and may be missing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::scenario::catalogue::{Catalogue, FindError};
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::session::advice::Advisor;
use crate::session::clock::{ClockKind, Seat};
use crate::session::coach::verb_of;
use crate::session::command::Command;
use crate::session::log::{Event, Header, Log, LogError, LogWriter, hash_of};
use crate::session::play::{Notice, Refusal, Reply, Session};
use crate::session::seal::Seal;
use crate::session::snapshot;
use crate::sim::time::{SimDuration, SimTime};

/// The log's file in a session's folder.
pub const LOG: &str = "log.jsonl";
/// The seal's.
pub const SEAL: &str = "seal.json";
/// The lock's.
const LOCK: &str = "lock";
/// A snapshot is good enough for so long; what came after it is replayed.
const SNAPSHOT_EVERY: SimDuration = SimDuration::from_secs(60);

/// Why a session cannot be begun, opened or gone on with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refuses.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The log is not as it should be.
    #[error(transparent)]
    Log(#[from] LogError),
    /// There is no such session.
    #[error("no session is called \"{name}\"{hint}; `scartissue sessions` lists them")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name, as a clause.
        hint: String,
    },
    /// The seal is missing or damaged.
    #[error("{path}: {why}; without its seal a session can be read but not gone on with")]
    Seal {
        /// Where.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Another process has it.
    #[error("{path} is open in another process: end that one first, or `fork` the session")]
    Busy {
        /// Where.
        path: String,
    },
    /// The scenario is not the one that was begun.
    #[error(
        "the scenario of this session is another than the one that it was begun with ({was}, now {is}): use the build that began it, {build}, and the --scenarios or --pack that it was begun with, if there was one"
    )]
    Changed {
        /// The hash in the seal.
        was: String,
        /// The hash now.
        is: String,
        /// The version that began it.
        build: String,
    },
    /// The scenario is nowhere at hand.
    #[error(
        "{path}: {case} is in none of the scenarios at hand. It was begun with a sealed pack or a directory of scenarios: name the same again, with --pack FILE (and its key) or --scenarios DIR"
    )]
    Elsewhere {
        /// Where the session is.
        path: String,
        /// Its case.
        case: String,
    },
    /// No world can be built, or the scenario cannot be read.
    #[error("{0}")]
    World(String),
    /// A command of the log was refused when it was replayed.
    #[error("event {n} of the log cannot be replayed: {why}")]
    Replay {
        /// Its number.
        n: u64,
        /// Why not.
        why: String,
    },
    /// A session of that name is there already.
    #[error("{path} is there already: choose another name")]
    Exists {
        /// Where.
        path: String,
    },
}

/// The folder of all sessions.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// A session that is open for going on: every command is on the disk before it is acknowledged.
pub struct OpenSession {
    /// The session.
    pub session: Session,
    /// Its header.
    pub header: Header,
    writer: LogWriter,
    folder: PathBuf,
    lock: File,
    /// The moment of the snapshot beside the log, if there is one.
    snapshot_at: Option<SimTime>,
    /// The session is where a replay of its log would be.
    as_logged: bool,
    /// How many events of the log the snapshot stood for from which it was opened; none where all were replayed.
    pub from_snapshot: Option<usize>,
    /// Verbs that whoever plays had used before it was opened, in order.
    pub used: Vec<&'static str>,
    /// Who answers where advice is asked for; none: whoever drives the session decides.
    pub advisor: Option<Box<dyn Advisor>>,
}

/// What a replay came to.
pub struct Replayed {
    /// The session at its end, or at the moment that was asked for.
    pub session: Session,
    /// Its header.
    pub header: Header,
    /// Events with what was answered, in order, where answers were asked for.
    pub replies: Vec<(Event, Reply)>,
    /// Numbers of events whose answers were not those of the first time.
    pub differing: Vec<u64>,
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> StoreError + use<> {
    let path = path.display().to_string();
    move |error| StoreError::Io { path, error }
}

impl Store {
    /// The sessions below a data directory.
    pub fn new(data: &Path) -> Store {
        Store { root: data.join("sessions") }
    }

    /// The folder of a session.
    pub fn folder(&self, name: &str) -> PathBuf {
        // A path is taken as it is, so that sessions can be handed around.
        if name.contains(['/', '\\']) { PathBuf::from(name) } else { self.root.join(name) }
    }

    /// Names of all sessions, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter(|e| e.path().join(LOG).is_file()).filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Begins a session on disk.
    ///
    /// # Errors
    /// One of that name is there, or the disk refuses; then nothing is left behind.
    pub fn create(&self, name: &str, seal: &Seal, header: Header, session: Session) -> Result<OpenSession, StoreError> {
        let folder = self.folder(name);
        if folder.join(LOG).exists() {
            return Err(StoreError::Exists { path: folder.display().to_string() });
        }
        fs::create_dir_all(&folder).map_err(io_at(&folder))?;
        let begin = || {
            let lock = lock(&folder)?;
            write_private(&folder.join(SEAL), &serde_json::to_string_pretty(seal).unwrap_or_default())?;
            let writer = LogWriter::create(&folder.join(LOG), &header)?;
            Ok((lock, writer))
        };
        match begin() {
            Ok((lock, writer)) => Ok(OpenSession {
                session,
                header,
                writer,
                folder,
                lock,
                snapshot_at: None,
                as_logged: true,
                from_snapshot: None,
                used: Vec::new(),
                advisor: None,
            }),
            Err(error) => {
                let left = [LOG, SEAL, LOCK].map(|file| folder.join(file));
                left.iter().for_each(|file| drop(fs::remove_file(file)));
                drop(fs::remove_dir(&folder));
                Err(error)
            }
        }
    }

    /// Opens a session to go on with it, at the moment at which it was left.
    ///
    /// # Errors
    /// There is none, it is damaged, or another process has it.
    pub fn open(&self, name: &str, catalogue: &Catalogue) -> Result<OpenSession, StoreError> {
        self.go_on(name, catalogue, false)
    }

    /// The same with every answer that was given, at the price of finding them again.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with_answers(&self, name: &str, catalogue: &Catalogue) -> Result<OpenSession, StoreError> {
        self.go_on(name, catalogue, true)
    }

    fn go_on(&self, name: &str, catalogue: &Catalogue, answers: bool) -> Result<OpenSession, StoreError> {
        let folder = self.known(name)?;
        let lock = lock(&folder)?;
        let path = folder.join(LOG);
        let log = Log::read(&path)?;
        let (scenario, seal) = sealed(&folder, &log, catalogue)?;
        // A snapshot has no answers.
        let snapshot = (!answers).then(|| snapshot::read(&folder, &scenario, &seal, &log)).flatten();
        let snapshot_at = snapshot.as_ref().map(|(session, _)| session.now());
        let from_snapshot = snapshot.as_ref().map(|(_, before)| *before);
        let replayed = run((scenario, seal), &log, None, answers, snapshot)?;
        let writer = LogWriter::resume(&path, &log)?;
        let played = log.events.iter().filter(|event| event.seat == Seat::Participant);
        let used = played.filter_map(|event| verb_of(&event.command)).collect();
        let mut session = replayed.session;
        session.without_answers(false);
        session.check_facts(false);
        Ok(OpenSession {
            session,
            header: log.header,
            writer,
            folder,
            lock,
            snapshot_at,
            as_logged: true,
            from_snapshot,
            used,
            advisor: None,
        })
    }

    /// Takes the snapshot of a session away, if there is one: it goes on being the same session.
    pub fn drop_snapshot(&self, name: &str) {
        snapshot::remove(&self.folder(name));
    }

    /// Plays a session again: to its end, or to a moment, given in nanoseconds of the world.
    ///
    /// # Errors
    /// There is none, it is damaged, or a command cannot be replayed.
    pub fn replay(
        &self,
        name: &str,
        catalogue: &Catalogue,
        until: Option<&dyn Fn(&Session) -> SimTime>,
    ) -> Result<Replayed, StoreError> {
        let folder = self.known(name)?;
        let log = Log::read(&folder.join(LOG))?;
        run(sealed(&folder, &log, catalogue)?, &log, until, true, None)
    }

    /// A session at its end with its events, without what its looks answered: for whoever holds it against others.
    ///
    /// # Errors
    /// As [`Store::replay`].
    pub fn recall(&self, name: &str, catalogue: &Catalogue) -> Result<(Replayed, Vec<Event>), StoreError> {
        let folder = self.known(name)?;
        let log = Log::read(&folder.join(LOG))?;
        let replayed = run(sealed(&folder, &log, catalogue)?, &log, None, false, None)?;
        Ok((replayed, log.events))
    }

    /// Keeps a copy of what is sound of a damaged log beside it, and says where.
    ///
    /// # Errors
    /// There is no such session, or not even its first line is sound.
    pub fn recover(&self, name: &str) -> Result<(PathBuf, usize), StoreError> {
        let folder = self.folder(name);
        let path = folder.join(LOG);
        let bytes = fs::read(&path).map_err(io_at(&path))?;
        let log = Log::salvage(&bytes, &path.display().to_string())?;
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = folder.with_file_name(format!("{name}-recovered"));
        fs::create_dir_all(&beside).map_err(io_at(&beside))?;
        let sound = bytes.get(..log.sound_bytes as usize).unwrap_or_default();
        fs::write(beside.join(LOG), sound).map_err(io_at(&beside))?;
        let seal = folder.join(SEAL);
        if seal.is_file() {
            fs::copy(&seal, beside.join(SEAL)).map_err(io_at(&seal))?;
        }
        Ok((beside, log.events.len()))
    }

    /// Begins a new session with the events of another up to a moment, which `until` reads off the session.
    ///
    /// # Errors
    /// There is no such session or moment, or the new one cannot be written.
    pub fn fork(
        &self,
        name: &str,
        new_name: &str,
        catalogue: &Catalogue,
        until: &dyn Fn(&Session) -> Option<SimTime>,
    ) -> Result<usize, StoreError> {
        let folder = self.known(name)?;
        let log = Log::read(&folder.join(LOG))?;
        let (scenario, seal) = sealed(&folder, &log, catalogue)?;
        let session = Session::open(scenario, seal.clone(), log.header.terms.clone())
            .map_err(|e| StoreError::World(e.to_string()))?;
        let until = until(&session)
            .ok_or_else(|| StoreError::World("that is no time of day: write it as in 14:07:30".to_string()))?;
        // On a metered clock the next command says when one was over; what was under way at that moment is left out.
        let metered = log.header.terms.clock == ClockKind::Metered;
        let ends: Vec<u64> = log.events.iter().skip(usize::from(metered)).map(|event| event.at).collect();
        let over = |(place, event): &(usize, &Event)| SimTime(*ends.get(*place).unwrap_or(&event.at)) <= until;
        let kept: Vec<Event> = log.events.iter().enumerate().filter(over).map(|(_, event)| event.clone()).collect();
        let forked_from = Some((log.header.session.clone(), kept.len() as u64));
        let session_id = format!("{:016x}", crate::sim::rng::mix(seal.salt, 2 + kept.len() as u64));
        let header = Header { session: session_id, forked_from, ..log.header };
        let mut open = self.create(new_name, &seal, header, session)?;
        for event in &kept {
            open.writer.write(event)?;
        }
        Ok(kept.len())
    }

    /// The header of a session.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn header(&self, name: &str) -> Result<Header, StoreError> {
        Ok(Log::read(&self.known(name)?.join(LOG))?.header)
    }

    /// What a session is about: its owner's to know.
    ///
    /// # Errors
    /// There is no such session, or its seal is missing or damaged.
    pub fn seal(&self, name: &str) -> Result<Seal, StoreError> {
        read_seal(&self.known(name)?.join(SEAL))
    }

    fn known(&self, name: &str) -> Result<PathBuf, StoreError> {
        let folder = self.folder(name);
        if folder.join(LOG).is_file() {
            return Ok(folder);
        }
        let names = self.names();
        let hint = crate::scenario::check::did_you_mean(name, names.iter().map(String::as_str));
        Err(StoreError::Unknown { name: name.to_string(), hint })
    }
}

/// What a session is about, if the scenario is still the one that was begun.
fn sealed(folder: &Path, log: &Log, catalogue: &Catalogue) -> Result<(Scenario, Seal), StoreError> {
    let seal = read_seal(&folder.join(SEAL))?;
    let scenario = Scenario::open(catalogue, &seal.scenario).map_err(|e| match e {
        // Its author's name would tell whoever plays too much.
        ScenarioError::Find(FindError::Unknown { .. }) => {
            StoreError::Elsewhere { path: folder.display().to_string(), case: log.header.case.clone() }
        }
        other => StoreError::World(other.to_string()),
    })?;
    let is = scenario.fingerprint();
    if is != seal.scenario_hash {
        return Err(StoreError::Changed { was: seal.scenario_hash, is, build: seal.build });
    }
    Ok((scenario, seal))
}

/// Plays the events of a log: all of them, or those after a session that some of them came to already.
fn run(
    (scenario, seal): (Scenario, Seal),
    log: &Log,
    until: Option<&dyn Fn(&Session) -> SimTime>,
    answers: bool,
    from: Option<(Session, usize)>,
) -> Result<Replayed, StoreError> {
    let (mut session, before) = match from {
        Some(from) => from,
        None => {
            let session = Session::open(scenario, seal, log.header.terms.clone());
            (session.map_err(|e| StoreError::World(e.to_string()))?, 0)
        }
    };
    session.without_answers(!answers);
    session.check_facts(answers);
    let until = until.map_or(SimTime::NEVER, |f| f(&session));
    session.stop_at(until);
    let mut replayed = Replayed { header: log.header.clone(), replies: Vec::new(), differing: Vec::new(), session };
    for event in log.events.iter().skip(before) {
        if until < SimTime(event.at) {
            break;
        }
        replayed.session.advance_to(SimTime(event.at));
        let reply = replayed
            .session
            .apply_by(event.seat, &event.by, &event.command)
            .map_err(|e| StoreError::Replay { n: event.n, why: e.to_string() })?;
        if replayed.session.is_cut() {
            break; // it was not over by then, and its answer had not been seen
        }
        if answers {
            if hash_of(&reply.text) != event.saw {
                replayed.differing.push(event.n);
            }
            replayed.replies.push((event.clone(), reply));
        }
    }
    if until != SimTime::NEVER {
        replayed.session.advance_to(until);
    }
    Ok(replayed)
}

impl OpenSession {
    /// Takes a command; when this returns, it is on the disk.
    ///
    /// # Errors
    /// The command was refused (nothing has changed), or could not be written (then the session has to be opened again).
    pub fn apply(&mut self, seat: Seat, by: &str, command: &Command) -> Result<Reply, ApplyError> {
        let at = self.session.now();
        // Until it is known that the log says the same.
        let as_logged = std::mem::take(&mut self.as_logged);
        let reply = self.session.apply_by(seat, by, command)?;
        let event = Event {
            n: self.writer.next(),
            at: at.0,
            seat,
            by: by.to_string(),
            command: command.clone(),
            saw: hash_of(&reply.text),
        };
        self.writer.write(&event)?;
        self.as_logged = as_logged;
        Ok(reply)
    }

    /// Lets a live clock run to a moment.
    pub fn advance_to(&mut self, until: SimTime) -> Vec<Notice> {
        self.as_logged = false;
        self.session.advance_to(until)
    }

    /// Writes a snapshot beside the log, if enough time has passed since the last one, so that opening the session again
    /// replays little. A session that has gone on without its log (a live clock, a command that was refused) has none.
    ///
    /// # Errors
    /// The disk refuses. Nothing depends on it.
    pub fn set_aside(&mut self) -> io::Result<()> {
        let now = self.session.now();
        if !self.as_logged || self.snapshot_at.is_some_and(|at| now < at + SNAPSHOT_EVERY) {
            return Ok(());
        }
        let events = (self.writer.next() - 1) as usize;
        snapshot::write(&self.folder, &self.session, events, self.writer.hash())?;
        self.snapshot_at = Some(now);
        Ok(())
    }

    /// The session's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        drop(self.lock.unlock());
    }
}

/// Why a command did not go into the log.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// One process at a time: an advisory lock that the system lets go of when its process ends, however it ends.
fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io_at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StoreError::Busy { path: folder.display().to_string() }),
        Err(fs::TryLockError::Error(error)) => Err(StoreError::Io { path: path.display().to_string(), error }),
    }
}

fn read_seal(path: &Path) -> Result<Seal, StoreError> {
    let damaged = |why: String| StoreError::Seal { path: path.display().to_string(), why };
    let text = fs::read_to_string(path).map_err(|e| damaged(e.to_string()))?;
    let seal: Seal = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
    if crate::session::seal::VERSION < seal.v {
        return Err(damaged(format!(
            "it has version {}, and this program reads {}",
            seal.v,
            crate::session::seal::VERSION
        )));
    }
    Ok(seal)
}

/// Writes a file that others on the machine cannot read, where the system knows of others.
fn write_private(path: &Path, text: &str) -> Result<(), StoreError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(io_at(path))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io_at(path))
}
