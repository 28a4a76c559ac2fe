//! `mcp`: incidents for any client of the Model Context Protocol, over standard input and output or over HTTP.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::Failure;
use crate::cli::begin::{Beginning, Marks, find};
use crate::cli::place::{Place, WallClock, unguessable};
use crate::cli::served::guard;
use crate::scenario::catalogue::Catalogue;
use crate::scenario::opened::Scenario;
use crate::session::case::{Case, case, number};
use crate::session::store::{OpenSession, StoreError};
use crate::sim::rng::mix;
use crate::tools::desk::Room;
use crate::tools::{Cabinet, Caller, Desk, Tools, Wrong};
use crate::wire::WireError;
use crate::wire::mcp::{Handler, serve_http, serve_stdio};

/// Whose sessions and scars these are, where nobody says: an assistant's are not a person's.
const PROFILE: &str = "assistants";

/// What is served, and how.
#[derive(Args)]
pub struct Options {
    /// The only case that can be begun, as in INC-4127; without it, all of them
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
    /// One client, over standard input and output; so it is without --http
    #[arg(long, conflicts_with = "http")]
    stdio: bool,
    /// Any number of clients, over streamable HTTP at /mcp, as in 127.0.0.1:7070
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,
    /// Who may ask: lines `SEAT TOKEN [NAME]`; needed where ADDR is not on loopback
    #[arg(long, value_name = "FILE", requires = "http")]
    token_file: Option<PathBuf>,
    /// A name under which the server may be asked, beside addresses and localhost
    #[arg(long, value_name = "NAME", requires = "http")]
    allow_host: Vec<String>,
    /// Runs that may be begun before the server ends
    #[arg(long, value_name = "N", default_value_t = Room::default().begun)]
    runs: usize,
    /// The control arm of a comparison: tools that show the words of the page, and no telemetry
    #[arg(long)]
    alert_text: bool,
    /// Runs that are kept in memory at a time; others wait on disk
    #[arg(long, value_name = "N", default_value_t = Room::default().open)]
    in_memory: usize,
    #[command(flatten)]
    beginning: Beginning,
    #[command(flatten)]
    place: Place,
}

/// Serves until the client goes, or for ever.
pub fn mcp(options: &Options) -> Result<(), Failure> {
    let beginning = &options.beginning;
    if beginning.is_live() {
        return Err(Failure::Usage(
            "clients of this protocol play on a metered clock: leave out `--clock live`".to_string(),
        ));
    }
    if let Some(name) = &beginning.name {
        return Err(Failure::Usage(format!(
            "each run gets a name of its own that nobody can guess: leave out `--as {name}`"
        )));
    }
    let drawers = Drawers::new(options)?;
    let by = Caller::plays(&beginning.by);
    let limits = Room { open: options.in_memory, begun: options.runs };
    let desk = Desk::new(Box::new(drawers), limits);
    let desk = Arc::new(if options.alert_text { desk.with_tools(Tools::alert_text()) } else { desk });
    let Some(address) = &options.http else {
        return serve_stdio(Handler::new(desk, by)).map_err(Failure::No);
    };
    if !address.contains(':') {
        return Err(Failure::Usage(format!("\"{address}\" is no address: write it as in 127.0.0.1:7070")));
    }
    let guard = guard(options.token_file.as_deref(), &options.allow_host, &beginning.by)?;
    let listener = TcpListener::bind(address).map_err(|e| Failure::Surroundings(format!("{address}: {e}")))?;
    let served = serve_http(listener, Handler::new(desk, by), Arc::new(WallClock::new()), guard);
    let serving = served.map_err(|why| match why {
        WireError::Open(_) => Failure::Usage(why.to_string()),
        WireError::Io(_) => Failure::Surroundings(format!("{address}: {why}")),
    })?;
    eprintln!("serving the Model Context Protocol at http://{}/mcp", serving.address());
    loop {
        std::thread::park();
    }
}

/// The sessions of a profile, and what may be begun in it.
struct Drawers {
    place: Place,
    beginning: Beginning,
    /// The only case: as it was named, and its id.
    only: Option<(String, String)>,
}

impl Drawers {
    fn new(options: &Options) -> Result<Drawers, Failure> {
        let place = &options.place;
        let place = Place {
            data_dir: place.data_dir.clone(),
            from: place.from.clone(),
            profile: place.profile.clone().or_else(|| Some(PROFILE.to_string())),
            days_later: place.days_later,
        };
        place.store()?;
        let only = match &options.case {
            None => None,
            Some(text) => Some((text.clone(), case(&find(&place, &place.catalogue()?, text)?.0).id)),
        };
        Ok(Drawers { place, beginning: options.beginning.clone(), only })
    }

    fn catalogue(&self) -> Result<Catalogue, Wrong> {
        self.place.catalogue().map_err(|why| hidden("the cases cannot be read", &why))
    }
}

/// Why something failed is for whoever runs the server: it may name files, and what is in them.
fn hidden(what: &str, why: &dyn std::fmt::Display) -> Wrong {
    eprintln!("scartissue: {what}: {why}");
    Wrong(format!("{what}; whoever runs the server sees why"))
}

impl Cabinet for Drawers {
    fn cases(&self) -> Result<Vec<Case>, Wrong> {
        let catalogue = self.catalogue()?;
        let open = |name: &str| Scenario::open(&catalogue, name).map(|scenario| case(&scenario));
        let mut cases = Vec::new();
        match &self.only {
            Some((text, _)) => {
                let (scenario, _) =
                    find(&self.place, &catalogue, text).map_err(|e| hidden("the case cannot be read", &e))?;
                cases.push(case(&scenario));
            }
            None => {
                for name in catalogue.names() {
                    cases.push(open(name).map_err(|why| hidden("a case cannot be read", &why))?);
                }
            }
        }
        cases.sort_by(|a, b| (a.difficulty, &a.id).cmp(&(b.difficulty, &b.id)));
        Ok(cases)
    }

    fn begin(&self, who: &Caller, case: Option<&str>, seed: Option<u64>, name: &str) -> Result<OpenSession, Wrong> {
        let shown = |text: &str| text.chars().take(40).collect::<String>();
        let text = match (case, &self.only) {
            (None, Some((text, _))) => text.clone(),
            (Some(given), Some((text, id))) => {
                if number(given) != number(id) {
                    return Err(Wrong(format!("\"{}\" is not played here, but {id}: leave `case` out", shown(given))));
                }
                text.clone()
            }
            // By its number alone: names tell what is true, and paths lead to files.
            (Some(given), None) => match number(given) {
                Some(number) => format!("INC-{number:04}"),
                None => {
                    return Err(Wrong(format!(
                        "\"{}\" is no case: they are called INC-4127 and the like, and list_cases lists them",
                        shown(given)
                    )));
                }
            },
            (None, None) => return Err(Wrong::from("start_incident needs \"case\": list_cases lists them")),
        };
        if seed.is_some() && (self.beginning.seed.is_some() || self.beginning.is_ranked()) {
            return Err(Wrong::from("the seed is not yours to choose here: leave `seed` out"));
        }
        // A number that is chosen here draws another day in each case: what any day has would else be the same in two cases of
        // a seed, and what is left when one is taken from the other is what an author wrote.
        let of_case = number(self.only.as_ref().map_or(text.as_str(), |(_, id)| id.as_str())).unwrap_or(0);
        let seed = seed.map(|seed| mix(seed, u64::from(of_case)));
        let beginning = self.beginning.named(name, seed).begun_by(&who.by);
        let begun = beginning.begin(&self.place, &text, false, Marks::default());
        begun.map_err(|why| match why {
            Failure::Usage(why) if why.starts_with("there is no case") => Wrong(why),
            other => hidden("this incident cannot be begun", &other),
        })
    }

    fn open(&self, name: &str) -> Result<OpenSession, Wrong> {
        let store = self.place.store().map_err(|why| hidden("this run cannot be opened", &why))?;
        store.open_with_answers(name, &self.catalogue()?).map_err(|why| match why {
            StoreError::Unknown { .. } => Wrong(format!("no run is called \"{name}\": start_incident begins one")),
            StoreError::Busy { .. } => {
                Wrong("this run is open in another process beside the server: end that one first".to_string())
            }
            other => hidden("this run cannot be opened again", &other),
        })
    }

    fn unguessable(&self) -> u64 {
        unguessable()
    }
}
