//! `observer`: builds the ideal observer's tables, holds them to seeds that they have never seen, and shows what tells
//! what.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::{Args, Subcommand};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::cli::place::{Place, WallClock};
use crate::cli::{Failure, catalogue, open, print};
use crate::console::shell::Clock;
use crate::scenario::catalogue::{Catalogue, is_path};
use crate::scenario::opened::Scenario;
use crate::score::check::first_screen;
use crate::score::observer::build::{HELD_OUT, Kept, LEARNT, Nowhere, build, sample};
use crate::score::observer::calibration::{Calibration, calibrate};
use crate::score::observer::differential::{Hypothesis, hypotheses};
use crate::score::observer::grid::BEFORE_S;
use crate::score::observer::hint::panels;
use crate::score::observer::mind::Mind;
use crate::score::observer::reading::Reading;
use crate::score::observer::registry::Source;
use crate::score::observer::table::{Known, Table};
use crate::score::observer::weigh::Scale;
use crate::score::observer::{EXTENSION, Freshness, NoObserver, Observer};

/// Where tables that come with the program are kept, seen from the root of the source.
const HOME: &str = "assets/observer";

/// Where readings are kept below the data directory.
const RUNS: &str = "observer-runs";

/// The file beside the tables that says which panels hints point at.
const HINTS: &str = "hints.json";

/// What is to be done.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run every hypothesis under many seeds, and write a table. Goes on where it was stopped
    Build(Build),
    /// Say whether tables are of this program's world, and hold them to seeds that they have never seen
    Check(Check),
    /// Show what tells a scenario's hypotheses apart; spoils
    Show(Show),
}

#[derive(Args)]
struct Build {
    /// Scenarios; all that there are if none is named
    #[arg(value_name = "SCENARIO")]
    names: Vec<String>,
    /// Seeds of each hypothesis
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(4..=1000))]
    seeds: u32,
    /// Directory for the tables [default: assets/observer of the source for what comes with the program, beside the file
    /// for others]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Build also those that are not stale
    #[arg(long)]
    anew: bool,
    /// Keep the runs, so that a table with more seeds goes on from these
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Check {
    /// Scenarios; all that there are if none is named
    #[arg(value_name = "SCENARIO")]
    names: Vec<String>,
    /// Held-out seeds of each hypothesis; 0: only say whether tables are stale
    #[arg(long, default_value_t = 6)]
    seeds: usize,
    /// Directory with the tables; those that come with the program if none is named
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Keep the runs, so that another check with more seeds goes on from these
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Show {
    /// Name of a scenario
    scenario: String,
    /// Seconds after the page
    #[arg(long, default_value_t = 180)]
    at: u32,
    /// Directory with the tables; those that come with the program if none is named
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
}

/// Does it.
pub fn observer(options: &Options) -> Result<(), Failure> {
    match &options.verb {
        Verb::Build(options) => build_all(options),
        Verb::Check(options) => check_all(options),
        Verb::Show(options) => show(options),
    }
}

/// Scenarios with what they were asked for by.
fn chosen(names: &[String], directory: Option<&Path>) -> Result<Vec<(String, Scenario)>, Failure> {
    let opened = |name: &String| open(name, directory).map(|scenario| (name.clone(), scenario));
    if !names.is_empty() {
        return names.iter().map(opened).collect();
    }
    let all: Vec<String> = catalogue(directory)?.names().map(str::to_string).collect();
    let opened: Result<Vec<(String, Scenario)>, Failure> = all.iter().map(opened).collect();
    // With one hypothesis there is nothing to tell apart.
    Ok(opened?.into_iter().filter(|(_, s)| 1 < hypotheses(&s.file).len()).collect())
}

/// The observer of a scenario, of a table in a directory, or else of those that come with the program.
///
/// # Errors
/// There is none, or its table is damaged.
pub fn observer_of(scenario: &Scenario, tables: Option<&Path>) -> Result<Observer, NoObserver> {
    let Some(tables) = tables else { return Observer::built_in(scenario) };
    let bytes = std::fs::read(tables.join(format!("{}.{EXTENSION}", scenario.name)));
    let bytes = bytes.map_err(|_| NoObserver::Missing(scenario.name.clone()))?;
    Ok(Observer::new(scenario, Table::decode(&bytes)?))
}

/// Where tables of a scenario go if no directory was named: into the source of this program, if it is one of its own, and
/// beside it otherwise.
fn home(named: &str) -> PathBuf {
    let own = Path::new(HOME);
    let beside = Path::new(named).parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let comes_with = |stem: &OsStr| Catalogue::built_in().names().any(|name| stem == name);
    let is_own = !is_path(named) || Path::new(named).file_stem().is_some_and(comes_with);
    if is_own && own.is_dir() { own.to_path_buf() } else { beside.to_path_buf() }
}

fn made(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|e| Failure::Surroundings(format!("{}: {e}", path.display())))
}

fn build_all(options: &Build) -> Result<(), Failure> {
    let kept_in = options.place.data()?.join(RUNS);
    for (named, scenario) in chosen(&options.names, options.place.from.scenarios.as_deref())? {
        let out = options.out.clone().unwrap_or_else(|| home(&named));
        made(&out)?;
        let path = out.join(format!("{}.{EXTENSION}", scenario.name));
        let there = observer_of(&scenario, Some(&out)).ok().filter(|_| !options.anew);
        if let Some(there) = there.filter(|t| options.seeds <= t.table.seeds) {
            let fresh = there.verify(&scenario, None).map_err(|e| Failure::No(e.to_string()))?;
            if !fresh.is_stale() {
                eprintln!("{}: the table is of this world; --anew builds it all the same", scenario.name);
                continue;
            }
            eprintln!("{}: {}", scenario.name, fresh.says());
        }
        let files = Files { directory: kept_in.join(format!("{}-{}", scenario.name, scenario.fingerprint())) };
        made(&files.directory)?;
        files.drop_if_stale(&scenario, LEARNT)?;
        let talk = Talk::new(&scenario.name);
        let table = build(&scenario, options.seeds as usize, &files, &|done, of| talk.say(done, of))
            .map_err(|e| Failure::No(e.to_string()))?;
        let bytes = table.encode();
        std::fs::write(&path, &bytes).map_err(|e| Failure::Surroundings(format!("{}: {e}", path.display())))?;
        // Hints come with the program alone.
        if Catalogue::built_in().names().any(|name| name == scenario.name) {
            tell_hints(&out, &Observer::new(&scenario, table.clone()), &scenario.name)?;
        } else {
            eprintln!("to use it: scartissue check {named} --tables {}", out.display());
        }
        // The table has all that is needed of them.
        if !options.keep {
            drop(std::fs::remove_dir_all(&files.directory));
        }
        print(&format!(
            "{}: {} hypotheses, {} seeds each, {} features, {} cells, {:.0} kB, {:.0} s",
            scenario.name,
            table.hypotheses.len(),
            table.seeds,
            table.sources.len(),
            table.cells.len(),
            bytes.len() as f64 / 1000.0,
            talk.passed_s()
        ))?;
    }
    Ok(())
}

/// Writes down, beside the tables, which panels hints of a scenario point at.
fn tell_hints(out: &Path, observer: &Observer, scenario: &str) -> Result<(), Failure> {
    let path = out.join(HINTS);
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let mut all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&known).unwrap_or_default();
    all.insert(scenario.to_string(), panels(observer));
    let text = serde_json::to_string_pretty(&all).map_err(|e| Failure::Surroundings(e.to_string()))?;
    std::fs::write(&path, text + "\n").map_err(|e| Failure::Surroundings(format!("{}: {e}", path.display())))
}

fn check_all(options: &Check) -> Result<(), Failure> {
    let mut stale = Vec::new();
    let mut told = Vec::new();
    for (_, scenario) in chosen(&options.names, options.place.from.scenarios.as_deref())? {
        let mut observer = match observer_of(&scenario, options.tables.as_deref()) {
            Ok(observer) => observer,
            Err(why) => {
                stale.push(format!("{}: {why}", scenario.name));
                continue;
            }
        };
        observer.freshness = observer.verify(&scenario, None).map_err(|e| Failure::No(e.to_string()))?;
        if observer.freshness.is_stale() {
            stale.push(format!("{}: {}", scenario.name, observer.freshness.says()));
        }
        let talk = Talk::new(&scenario.name);
        let name = format!("{}-{}-held-out", scenario.name, scenario.fingerprint());
        let files = Files { directory: options.place.data()?.join(RUNS).join(name) };
        if options.keep && 0 < options.seeds {
            made(&files.directory)?;
            files.drop_if_stale(&scenario, HELD_OUT)?;
        }
        let kept: &dyn Kept = if options.keep { &files } else { &Nowhere };
        let calibration = match options.seeds {
            0 => None,
            seeds => Some(
                calibrate(&observer, &scenario, seeds, kept, &|done, of| talk.say(done, of))
                    .map_err(|e| Failure::No(e.to_string()))?,
            ),
        };
        if !options.json {
            print(&text(&scenario, &observer, calibration.as_ref()))?;
        }
        told.push(serde_json::json!({ "scenario": scenario.name, "seeds": observer.table.seeds,
            "key": observer.table.key, "freshness": observer.freshness, "calibration": calibration }));
    }
    if options.json {
        print(&serde_json::to_string_pretty(&told).map_err(|e| Failure::Surroundings(e.to_string()))?)?;
    }
    match stale.is_empty() {
        true => Ok(()),
        false => Err(Failure::No(format!("{}\nbuild anew: scartissue observer build", stale.join("\n")))),
    }
}

fn text(scenario: &Scenario, observer: &Observer, calibration: Option<&Calibration>) -> String {
    let fresh = match observer.freshness {
        Freshness::Fresh => "of this world",
        other => other.says(),
    };
    let names: Vec<String> = (observer.hypotheses.iter().zip(&observer.prior))
        .map(|(h, p)| format!("{} {:.0} %", h.name, p * 100.0))
        .collect();
    let mut text = format!(
        "{}: {} seeds a hypothesis, {} cells, {fresh}\n  base rates: {}",
        scenario.name,
        observer.table.seeds,
        observer.table.cells.len(),
        names.join(", ")
    );
    if let Some(c) = calibration {
        text.push_str(&format!(
            "\n  on {} held-out seeds each, {} sets of evidence: Brier {:.4} (base rates alone {:.4}), mean error of stated probabilities {:.3}, settled by everything {:.0} %\n  stated  happened  statements",
            c.seeds, c.weighed, c.brier, c.brier_of_prior, c.error, c.settled * 100.0
        ));
        for bin in c.bins.iter().filter(|b| 0 < b.count) {
            text.push_str(&format!("\n  {:>6.3}  {:>8.3}  {:>10}", bin.stated, bin.happened, bin.count));
        }
    }
    text
}

fn show(options: &Show) -> Result<(), Failure> {
    let scenario = open(&options.scenario, None)?;
    let observer = observer_of(&scenario, options.tables.as_deref()).map_err(|e| Failure::No(e.to_string()))?;
    let mind = Mind::new(&observer, &Reading::default());
    let mut rows: Vec<(f64, f64, String)> = (mind.pieces(-f64::from(BEFORE_S), f64::from(options.at)).into_iter())
        .map(|piece| {
            let bits = Scale::new(&observer.table, piece.cells.iter().copied(), &observer.prior).information();
            (bits, crate::session::prices::price(&piece.item.look).as_secs_f64(), piece.item.title)
        })
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.2.cmp(&b.2)));
    let mut text = format!("{}\n  first screen: {}", text(&scenario, &observer, None), first_screen::told(&observer).1);
    for cell in mind.first_screen() {
        text.push_str(&format!("\n    {}", ranges(&observer, cell)));
    }
    text.push_str(&format!("\n  {} s after the page\n  bits  price  evidence", options.at));
    rows.iter().for_each(|(bits, price, title)| text.push_str(&format!("\n{bits:>6.3}  {price:>3.0} s  {title}")));
    print(&text)
}

/// What a cell of the first screen is under each hypothesis: lowest, median and highest of the runs that have it.
fn ranges(observer: &Observer, cell: usize) -> String {
    let table = &observer.table;
    let source = &table.sources[usize::from(table.cells[cell].source)];
    let of = |(place, known): (usize, &Known)| {
        let runs = || (0..table.runs.len()).filter(|run| usize::from(table.runs[*run].0) == place);
        let mut values: Vec<f64> = runs().filter_map(|run| table.value(run, cell)).collect();
        values.sort_by(f64::total_cmp);
        let (count, all) = (values.len(), runs().count());
        let numbers = match (values.first(), values.get(count / 2), values.last()) {
            (Some(low), Some(middle), Some(high)) => format!(" ({low:.2}, {middle:.2}, {high:.2})"),
            _ => String::new(),
        };
        format!("{} {count} of {all}{numbers}", known.name)
    };
    let each: Vec<String> = table.hypotheses.iter().enumerate().map(of).collect();
    let title = match source {
        Source::Alert(name) => format!("seconds since {name} fired"),
        other => other.item().title.to_lowercase(),
    };
    format!("{title}: {}", each.join("; "))
}

/// Says how far it is, and how long it will be.
struct Talk {
    name: String,
    clock: WallClock,
    said: Mutex<f64>,
}

impl Talk {
    fn new(name: &str) -> Talk {
        Talk { name: name.to_string(), clock: WallClock::new(), said: Mutex::new(0.0) }
    }

    fn passed_s(&self) -> f64 {
        self.clock.now_ns() as f64 / 1e9
    }

    fn say(&self, done: usize, of: usize) {
        const EVERY_S: f64 = 10.0;
        let passed = self.passed_s();
        let Ok(mut said) = self.said.lock() else { return };
        if done < of && passed - *said < EVERY_S {
            return;
        }
        *said = passed;
        let left = passed / done.max(1) as f64 * (of - done) as f64;
        eprintln!("{}: {done} of {of} runs, {:.0} s left", self.name, left);
    }
}

/// Readings on disk, so that a build that was stopped goes on.
struct Files {
    directory: PathBuf,
}

/// A reading as it is written: features with their values.
type Written = (Option<f64>, Vec<(Source, Vec<Option<f32>>)>);

impl Files {
    fn path(&self, hypothesis: &Hypothesis, place: usize) -> PathBuf {
        let name: String = hypothesis.name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        self.directory.join(format!("{name}-{place}.gz"))
    }

    /// Forgets what was kept from these seeds on if the world is not as it was then.
    fn drop_if_stale(&self, scenario: &Scenario, first_seed: u64) -> Result<(), Failure> {
        let all = hypotheses(&scenario.file);
        let Some(first) = all.first() else { return Ok(()) };
        let Some(kept) = self.get(first, 0) else { return Ok(()) };
        let now = sample(scenario, first, first_seed, 0).map_err(|e| Failure::No(e.to_string()))?;
        if now.digest() != kept.digest() {
            eprintln!("{}: the simulator has changed since these runs were kept; they are made anew", scenario.name);
            drop(std::fs::remove_dir_all(&self.directory));
            std::fs::create_dir_all(&self.directory).map_err(|e| Failure::Surroundings(e.to_string()))?;
        }
        Ok(())
    }
}

impl Kept for Files {
    fn get(&self, hypothesis: &Hypothesis, place: usize) -> Option<Reading> {
        let file = std::fs::File::open(self.path(hypothesis, place)).ok()?;
        let (paged_s, values): Written = serde_json::from_reader(std::io::BufReader::new(GzDecoder::new(file))).ok()?;
        let number = |v: Option<f32>| v.unwrap_or(f32::NAN);
        let values = values.into_iter().map(|(s, v)| (s, v.into_iter().map(number).collect())).collect();
        Some(Reading { values, paged_s })
    }

    fn put(&self, hypothesis: &Hypothesis, place: usize, reading: &Reading) {
        let some = |v: &f32| v.is_finite().then_some(*v);
        let values = reading.values.iter().map(|(s, v)| (s.clone(), v.iter().map(some).collect())).collect();
        let written: Written = (reading.paged_s, values);
        let path = self.path(hypothesis, place);
        let beside = path.with_extension("part");
        // What cannot be kept is run again another time.
        let write = || -> std::io::Result<()> {
            let mut packed = GzEncoder::new(std::fs::File::create(&beside)?, Compression::fast());
            serde_json::to_writer(&mut packed, &written)?;
            packed.finish()?;
            std::fs::rename(&beside, &path)
        };
        drop(write());
    }
}
