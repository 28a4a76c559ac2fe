//! `gameday`: codes, the wheel, and the report of several teams.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::begin::find;
use crate::cli::hostkit::variant_of;
use crate::cli::place::{Place, unguessable};
use crate::cli::{Failure, lines, print, progress, write_file};
use crate::console::wheel;
use crate::report::gameday::html;
use crate::scenario::opened::Scenario;
use crate::score::room::{Played, Room, RoomError, room};
use crate::session::case::case;
use crate::session::code::{self, Code, MOST_SEED};
use crate::session::store::StoreError;
use crate::sim::rng::mix;

/// What is wanted of a game day.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a code that stands for case, variant and seed; or read one, which spoils
    Code(CodeOptions),
    /// Spin a wheel: who begins, and with which case
    Wheel(WheelOptions),
    /// Hold several teams' sessions against each other; spoils
    Report(ReportOptions),
}

/// Does it.
pub fn gameday(options: &Options) -> Result<(), Failure> {
    match &options.what {
        What::Code(options) => code_of(options),
        What::Wheel(options) => spin(options),
        What::Report(options) => report(options),
    }
}

#[derive(Args)]
struct CodeOptions {
    /// A case, as in INC-4127
    #[arg(required_unless_present = "read")]
    case: Option<String>,
    /// Picks the variant and everything random
    #[arg(long, required_unless_present = "read")]
    seed: Option<u64>,
    /// The variant; that which the seed draws if none is named
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Say what a code stands for instead
    #[arg(long, value_name = "CODE", conflicts_with_all = ["case", "seed", "variant"])]
    read: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

fn code_of(options: &CodeOptions) -> Result<(), Failure> {
    let catalogue = options.place.catalogue()?;
    if let Some(text) = &options.read {
        let (made, opened) = (Code::read(text), code::open(&catalogue, text)?);
        let build = made.map(|code| code.build()).unwrap_or_default();
        let case = case(&opened.scenario).id;
        if options.json {
            let told = json!({ "case": case, "scenario": opened.scenario.name, "variant": opened.variant, "seed": opened.seed, "build": build });
            return print(&told.to_string());
        }
        return print(&format!(
            "{case}: {}, variant {}, seed {}; made by build {build}",
            opened.scenario.name, opened.variant, opened.seed
        ));
    }
    let (Some(text), Some(seed)) = (&options.case, options.seed) else {
        return Err(Failure::Usage("a code stands for a case and a seed: give both".to_string()));
    };
    let (scenario, _) = find(&options.place, &catalogue, text)?;
    let variant = variant_of(&scenario, options.variant.as_deref(), seed)?;
    let code = Code::of(&scenario, &variant, seed)?.text();
    if options.json {
        return print(&json!({ "code": code, "case": case(&scenario).id }).to_string());
    }
    print(&code)
}

#[derive(Args)]
struct WheelOptions {
    /// Who is there
    #[arg(required = true)]
    names: Vec<String>,
    /// A case that may come out, as in INC-4127, once for each; all that are not for the first shift if none is named
    #[arg(long = "case", value_name = "CASE")]
    cases: Vec<String>,
    /// Spins it; drawn, and told, if not given
    #[arg(long)]
    seed: Option<u64>,
    /// Do not draw the spin
    #[arg(long)]
    still: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

fn spin(options: &WheelOptions) -> Result<(), Failure> {
    let names = &options.names;
    if let Some(twice) = names.iter().enumerate().find_map(|(i, name)| names[..i].contains(name).then_some(name)) {
        return Err(Failure::Usage(format!("{twice} is there twice: tell them apart")));
    }
    let place = &options.place;
    let catalogue = place.catalogue()?;
    let mut cases: Vec<Scenario> = Vec::new();
    for text in &options.cases {
        cases.push(find(place, &catalogue, text)?.0);
    }
    if options.cases.is_empty() {
        for name in catalogue.names() {
            cases.push(Scenario::open(&catalogue, name)?);
        }
        cases.retain(|s| s.file.shift.is_none());
    }
    cases.sort_by_key(|s| s.file.case);
    // Short enough to be read out.
    let seed = options.seed.unwrap_or_else(|| unguessable() % 100_000);
    let who = wheel::drawn(seed, 1, names.len());
    let which = wheel::drawn(seed, 2, cases.len());
    let scenario = cases.get(which).ok_or_else(|| Failure::Usage("there are no cases".to_string()))?;
    let world = mix(seed, 3) % (MOST_SEED + 1);
    let code = Code::of(scenario, &variant_of(scenario, None, world)?, world)?.text();
    let (name, id) = (&names[who], case(scenario).id);
    let says = wheel::says(seed, name);
    if std::io::stderr().is_terminal() && !options.still {
        turn(names, who);
        turn(&cases.iter().map(|s| case(s).id).collect::<Vec<_>>(), which);
    }
    if options.json {
        let told = json!({ "seed": seed, "who": name, "says": says, "case": id, "code": code });
        return print(&told.to_string());
    }
    print(&format!(
        "{says}\n{name} plays {id}: scartissue play --code {code}\n(spun with --seed {seed}: the same names and cases give the same again)"
    ))
}

/// How long a spin takes.
const SPIN: Duration = Duration::from_millis(3200);
/// Between one drawing and the next.
const FRAME: Duration = Duration::from_millis(50);

/// Draws the spin on standard error, over itself.
fn turn(names: &[String], chosen: usize) {
    let frames = SPIN.as_millis() / FRAME.as_millis();
    let mut talk = std::io::stderr().lock();
    for frame in 0..=frames {
        let drawn = wheel::frame(names, chosen, frame as f64 / frames as f64);
        let rows = drawn.lines().count();
        let text: String = drawn.lines().map(|line| format!("\x1b[2K{line}\n")).collect();
        let back = if frame == frames { String::new() } else { format!("\x1b[{rows}A") };
        // Nobody is helped if the talk cannot be written.
        if write!(talk, "{text}{back}").and_then(|()| talk.flush()).is_err() {
            return;
        }
        if frame < frames {
            std::thread::sleep(FRAME);
        }
    }
}

#[derive(Args)]
struct ReportOptions {
    /// The sessions, by name or by folder
    #[arg(required = true)]
    sessions: Vec<String>,
    /// Write it as one page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Show which team is which, and people's names
    #[arg(long)]
    named: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

fn report(options: &ReportOptions) -> Result<(), Failure> {
    let place = &options.place;
    let (store, catalogue) = (place.store()?, place.catalogue()?);
    let (mut played, mut left_out) = (Vec::new(), Vec::new());
    for text in &options.sessions {
        let name = text.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(text).to_string();
        match store.recall(text, &catalogue) {
            Ok((replayed, events)) => {
                played.push(Played { name, by: replayed.header.by.clone(), session: replayed.session, events });
            }
            Err(error @ StoreError::Unknown { .. }) => return Err(error.into()),
            Err(error) => {
                eprintln!("{text} is left out: {error}");
                // Where it lies is for the host, and not for the page.
                let folder = store.folder(text).display().to_string();
                let why = error.to_string().replace(&format!("{folder}/"), "").replace(&folder, "it");
                left_out.push((name, why));
            }
        }
    }
    let room = room(played, left_out, options.named, &progress::runs)?;
    if let Some(file) = &options.html {
        write_file(file, &html(&room))?;
    }
    if options.json {
        return print(&serde_json::to_string_pretty(&room).map_err(|e| Failure::Surroundings(e.to_string()))?);
    }
    print(text(&room).trim_end())
}

/// The report as text.
fn text(room: &Room) -> String {
    let mut text = format!("{}: {}\n", room.case, room.title);
    text.push_str(&lines(0, &room.story));
    text.push_str(&format!("\n{:>17}  {:<22} first commit  team\n", "user-minutes lost", "in the end"));
    for team in &room.teams {
        let verdict = match team.right {
            Some(true) => "right",
            Some(false) => "wrong",
            None => "committed to nothing",
        };
        let first = team.first_commit_s.map_or("-".to_string(), |s| format!("+{}:{:02}", s as u64 / 60, s as u64 % 60));
        text.push_str(&format!("{:>17.0}  {verdict:<22} {first:<12}  {}\n", team.lost, team.name));
    }
    text.push_str(&format!("{:>17.0}  {}\n", room.otherwise.lost, room.otherwise.says));
    text.push_str(&format!("{:>17.0}  nothing done\n\nWhere the teams parted\n", room.lost_if_nothing));
    room.questions.iter().for_each(|question| text.push_str(&lines(2, question)));
    if !room.left_out.is_empty() {
        text.push_str("\nNot here\n");
        room.left_out.iter().for_each(|(name, why)| text.push_str(&lines(2, &format!("{name}: {why}"))));
    }
    text
}

impl From<RoomError> for Failure {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::Truth(error) => error.into(),
            RoomError::Apart { .. } | RoomError::Empty(_) => Failure::No(error.to_string()),
        }
    }
}
