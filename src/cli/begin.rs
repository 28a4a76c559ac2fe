//! Beginning a session: which case, which seed, how it counts.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::place::{Place, unguessable};
use crate::cli::{Failure, open};
use crate::console::shell;
use crate::scar::occasion::{Drill, Occasion};
use crate::scenario::catalogue::{Catalogue, is_path};
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::session::case::{case, number};
use crate::session::clock::{ClockKind, Mode, Terms};
use crate::session::code::{self, CodeError};
use crate::session::host::Lock;
use crate::session::log::{Header, VERSION};
use crate::session::roles::Role;
use crate::session::seal::{Seal, dealt};
use crate::session::store::OpenSession;
use crate::session::{Session, seal};
use crate::sim::rng::mix;
use crate::sim::time::SimDuration;
use crate::telemetry::panels::BOARDS;
use crate::telemetry::watch::Watch;

/// How a new session is begun.
#[derive(Args, Clone)]
pub struct Beginning {
    /// Picks the variant and everything random; drawn if not given
    #[arg(long, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// The variant, for authors; marks the session as named
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
    /// How the clock moves
    #[arg(long, value_enum)]
    clock: Option<Clock>,
    /// What help there is: A0 alone, A1 hints, A2 advice after the first commit, A3 advice at once
    #[arg(long, value_enum, default_value_t = Help::A2)]
    mode: Help,
    /// Compared with others
    #[arg(long)]
    ranked: bool,
    /// Somebody of several who share the session, once for each: NAME=DUTY or NAME=DUTY:BOARD,BOARD, with duty commander,
    /// operator, communicator or scribe; of boards they see only those
    #[arg(long = "role", value_name = "NAME=DUTY")]
    roles: Vec<String>,
    /// Give it a host: asks for the passphrase that opens the host's seat
    #[arg(long)]
    host: bool,
    /// The same with the passphrase in a file
    #[arg(long, value_name = "FILE", conflicts_with = "host")]
    host_file: Option<PathBuf>,
    /// Who plays
    #[arg(long, value_name = "NAME", default_value = "you")]
    pub by: String,
    /// Name of the session's folder
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
}

impl Default for Beginning {
    fn default() -> Self {
        let by = "you".to_string();
        Beginning {
            seed: None,
            variant: None,
            clock: None,
            mode: Help::A2,
            ranked: false,
            roles: Vec::new(),
            host: false,
            host_file: None,
            by,
            name: None,
        }
    }
}

/// How the clock moves.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Clock {
    /// By prices, orders and waits only.
    Metered,
    /// With the wall clock.
    Live,
}

/// What help there is.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "verbatim")]
enum Help {
    A0,
    A1,
    A2,
    A3,
}

/// What marks a session beside how it is begun.
#[derive(Clone, Copy, Default)]
pub struct Marks {
    /// It is served to tools from elsewhere.
    pub external_tools: bool,
    /// Looks cost nothing.
    pub unpriced: bool,
}

/// A case by its number, or by an author's name.
///
/// # Errors
/// There is none.
pub fn find(place: &Place, catalogue: &Catalogue, text: &str) -> Result<(Scenario, bool), Failure> {
    if let Some(wanted) = number(text) {
        let mut ids = Vec::new();
        for name in catalogue.names().map(str::to_string).collect::<Vec<_>>() {
            let scenario = Scenario::open(catalogue, &name)?;
            if scenario.file.case == wanted {
                return Ok((scenario, false));
            }
            ids.push(case(&scenario).id);
        }
        ids.sort();
        return Err(Failure::Usage(format!("there is no case {wanted}; there are: {}", ids.join(", "))));
    }
    let known = is_path(text) || catalogue.names().any(|name| name == text);
    if !known {
        return Err(Failure::Usage(format!(
            "\"{text}\" is no case: they are called INC-4127 and the like; `scartissue cases` lists them"
        )));
    }
    if catalogue.is_sealed(text) {
        return Ok((Scenario::open(catalogue, text)?, true));
    }
    Ok((open(text, place.from.scenarios.as_deref())?, true))
}

/// What a session is begun of.
#[derive(Clone, Copy)]
enum What<'a> {
    /// A case, or an author's name.
    Case(&'a str),
    /// A code.
    Code(&'a str),
}

/// What `drill` chose.
pub struct Chosen {
    /// The seed, which draws the variant.
    pub seed: u64,
    /// Why.
    pub drill: Drill,
}

/// What only programs that play ask for.
#[cfg(feature = "wire")]
impl Beginning {
    /// A session of a variant and seed for somebody, with the usual terms.
    pub fn of(seed: u64, variant: &str, by: &str) -> Beginning {
        let (variant, by) = (Some(variant.to_string()), by.to_string());
        Beginning { seed: Some(seed), variant, by, ..Beginning::default() }
    }

    /// A session as every participant of a comparison plays: metered, alone, ranked; the seed draws the variant.
    pub fn compared(seed: u64, by: &str) -> Beginning {
        let (clock, mode) = (Some(Clock::Metered), Help::A0);
        Beginning { seed: Some(seed), clock, mode, ranked: true, by: by.to_string(), ..Beginning::default() }
    }

    /// The same under a name, with a seed where none was set.
    pub fn named(&self, name: &str, seed: Option<u64>) -> Beginning {
        Beginning { name: Some(name.to_string()), seed: self.seed.or(seed), ..self.clone() }
    }

    /// The same for somebody else.
    pub fn begun_by(self, by: &str) -> Beginning {
        Beginning { by: by.to_string(), ..self }
    }

    /// Whether a live clock was asked for.
    pub fn is_live(&self) -> bool {
        matches!(self.clock, Some(Clock::Live))
    }

    /// Whether it is compared with others.
    pub fn is_ranked(&self) -> bool {
        self.ranked
    }
}

impl Beginning {
    /// Begins a session that `drill` chose.
    ///
    /// # Errors
    /// As [`Beginning::begin`].
    pub fn begin_chosen(&self, place: &Place, text: &str, live: bool, chosen: &Chosen) -> Result<OpenSession, Failure> {
        self.begin_on(place, What::Case(text), live, Marks::default(), Some(chosen))
    }

    /// Begins a session of what a code stands for.
    ///
    /// # Errors
    /// As [`Beginning::begin`], or the code is none here.
    pub fn begin_coded(&self, place: &Place, code: &str, live: bool, marks: Marks) -> Result<OpenSession, Failure> {
        self.begin_on(place, What::Code(code), live, marks, None)
    }

    /// Begins a session of a case on disk. `live` says how the clock moves where nobody said.
    ///
    /// # Errors
    /// The case is none, the seed draws nothing that can be built, or the disk refuses.
    pub fn begin(&self, place: &Place, text: &str, live: bool, marks: Marks) -> Result<OpenSession, Failure> {
        self.begin_on(place, What::Case(text), live, marks, None)
    }

    fn begin_on(
        &self,
        place: &Place,
        what: What<'_>,
        live: bool,
        marks: Marks,
        chosen: Option<&Chosen>,
    ) -> Result<OpenSession, Failure> {
        let catalogue = place.catalogue()?;
        let (scenario, named, coded) = match what {
            What::Case(text) => {
                let (scenario, named) = find(place, &catalogue, text)?;
                (scenario, named, None)
            }
            What::Code(text) => {
                let opened = code::open(&catalogue, text)?;
                (opened.scenario.clone(), false, Some(opened))
            }
        };
        let told = coded.as_ref().map(|c| c.seed).or(self.seed);
        let seed = chosen.map(|c| c.seed).or(told).unwrap_or_else(unguessable);
        let salt = if told.is_some() { mix(seed, 0x5a17) } else { unguessable() };
        let variant = match (&coded, &self.variant) {
            (Some(coded), _) => coded.variant.clone(),
            (None, Some(name)) => {
                scenario.file.variant(Some(name)).map_err(|e| ScenarioError::Setup(vec![e]))?.name.clone()
            }
            (None, None) => {
                scenario.file.variants[dealt(seed, scenario.file.variants.iter().map(|v| v.lots))].name.clone()
            }
        };
        if marks.external_tools && matches!(self.clock, Some(Clock::Metered)) {
            return Err(Failure::Usage(
                "tools from elsewhere go by the wall clock: leave out `--clock metered`".to_string(),
            ));
        }
        if marks.unpriced && self.ranked {
            return Err(Failure::Usage(
                "a session without prices is practice and is compared with nothing: leave out `--ranked`".to_string(),
            ));
        }
        let host = self.lock()?;
        if host.is_some() && self.ranked {
            return Err(Failure::Usage(
                "a session with a host is compared with nothing: leave out `--ranked`".to_string(),
            ));
        }
        let terms = Terms {
            clock: match self.clock {
                Some(Clock::Live) => ClockKind::Live,
                Some(Clock::Metered) => ClockKind::Metered,
                None if live => ClockKind::Live,
                None => ClockKind::Metered,
            },
            mode: match self.mode {
                Help::A0 => Mode::A0,
                Help::A1 => Mode::A1,
                Help::A2 => Mode::A2,
                Help::A3 => Mode::A3,
            },
            ranked: self.ranked,
            named: named || self.variant.is_some(),
            roles: self.roles()?,
            external_tools: marks.external_tools,
            unpriced: marks.unpriced,
            host,
            sealed: catalogue.is_sealed(&scenario.name),
        };
        let world = |e: crate::telemetry::watch::WatchError| Failure::No(e.to_string());
        let watch = Watch::new(&scenario.file, &variant, seed, salt).map_err(world)?;
        let (paged_at, watch) = watch.before_first_page(SimDuration(seal::LEAD_NS));
        let build = env!("CARGO_PKG_VERSION").to_string();
        let seal = Seal {
            v: seal::VERSION,
            scenario: match what {
                // A replay finds the scenario again by its name, or by the path that was given.
                What::Case(text) if named && is_path(text) => text.to_string(),
                _ => scenario.name.clone(),
            },
            variant,
            seed,
            salt,
            scenario_hash: scenario.fingerprint(),
            paged_at_ns: paged_at.0,
            build: build.clone(),
        };
        let store = place.store()?;
        let id = case(&scenario).id;
        let name = self.name.clone().unwrap_or_else(|| free_name(&store.names(), &id.to_lowercase()));
        if name.is_empty()
            || name.starts_with('.')
            || name.contains(['/', '\\', '%'])
            || name.chars().any(char::is_control)
        {
            return Err(Failure::Usage(format!(
                "\"{}\" is no name of a session: it names a folder below the data directory, which --data-dir moves",
                name.escape_debug()
            )));
        }
        let header = Header {
            v: VERSION,
            session: format!("{:016x}", mix(salt, 1)),
            case: id,
            terms: terms.clone(),
            by: self.by.clone(),
            build,
            forked_from: None,
        };
        let session = match watch {
            Some(watch) => Session::watching(scenario, seal.clone(), terms, watch),
            None => Session::open(scenario, seal.clone(), terms).map_err(world)?,
        };
        let open = store.create(&name, &seal, header, session)?;
        let occasion = Occasion {
            v: 1,
            began_s: place.now_s(),
            moved_days: place.moved_days(),
            drill: chosen.map(|c| c.drill.clone()),
        };
        let written = occasion.write(open.folder());
        written.map_err(|e| Failure::Surroundings(format!("{}: {e}", open.folder().display())))?;
        Ok(open)
    }
}

impl Beginning {
    /// What opens the host's seat, if there is to be one.
    fn lock(&self) -> Result<Option<Lock>, Failure> {
        let passphrase = match &self.host_file {
            Some(file) => passphrase(file)?,
            None if self.host => shell::hidden("the host's passphrase: ").map_err(Failure::Usage)?,
            None => return Ok(None),
        };
        Lock::new(&passphrase, unguessable()).map(Some).map_err(Failure::Usage)
    }

    fn roles(&self) -> Result<std::collections::BTreeMap<String, Role>, Failure> {
        let boards: Vec<&str> = BOARDS.iter().map(|board| board.id).collect();
        self.roles.iter().map(|text| Role::read(text, &boards).map_err(Failure::Usage)).collect()
    }
}

fn free_name(taken: &[String], case: &str) -> String {
    (1..).map(|n| format!("{case}-{n}")).find(|name| !taken.contains(name)).unwrap_or_else(|| case.to_string())
}

/// The first line of a file: a passphrase.
///
/// # Errors
/// It cannot be read.
pub fn passphrase(file: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| Failure::Surroundings(format!("{}: {e}", file.display())))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_string())
}

impl From<CodeError> for Failure {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Scenario(error) => error.into(),
            other => Failure::Usage(other.to_string()),
        }
    }
}
