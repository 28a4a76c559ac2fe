//! How the player stands: stations of the map, seams of the scars, what is due. Made of records alone, so that
//! stations, pairs and seams name nothing that no debrief has told.

use std::collections::{BTreeMap, BTreeSet};

use crate::scar::case::Offer;
use crate::scar::item::{Kind, Plain, kind, mechanisms, sides};
use crate::scar::progress::gap;
use crate::scar::records::Row;
use crate::scar::standing::{FRAYED, Look, Standing, standings};
use crate::scar::tell::{Scars, forecast, is_due};
use crate::scar::trial::{told, trial};

/// Lines of the map: a family of mechanisms and its name.
pub const LINES: [(&str, &str); 9] = [
    ("demand", "Demand"),
    ("sdk", "SDK"),
    ("network", "Network"),
    ("api", "API"),
    ("serving", "Serving"),
    ("accelerator", "Accelerator"),
    ("kv_cache", "KV cache"),
    ("control", "Control loops"),
    ("telemetry", "Telemetry"),
];
/// The place of a family among the lines; what has none comes last.
pub fn place_of(family: &str) -> usize {
    LINES.iter().position(|(id, _)| *id == family).unwrap_or(LINES.len())
}

/// A station of the map, once a debrief has told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Station {
    /// Met, and not yet told rightly alone.
    Half,
    /// Told rightly alone, and proved wherever somebody judged that.
    Solid,
    /// The same, and fading.
    Cracked,
}

/// An item with all that its card shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Seam {
    /// How it stands.
    pub standing: Standing,
    /// In words.
    pub is: String,
    /// What kind.
    pub kind: Kind,
    /// The layer that it belongs to; empty: none.
    pub family: String,
    /// What it looks like.
    pub look: Look,
    /// The forecast, from 0 to 1, where there is enough for one to be shown.
    pub forecast: Option<f64>,
    /// The same in words, or why there is none.
    pub says: String,
    /// First tries after a gap that came, and how many there were.
    pub observed: (u32, u32),
    /// Wilson's interval of that, from 0 to 1.
    pub interval: (f64, f64),
    /// When it comes back, in words; empty: it was never met alone.
    pub due: String,
    /// Whether it has come back.
    pub is_due: bool,
}

/// Today's page: the same for everybody, and only the first attempt counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Today {
    /// The date.
    pub date: String,
    /// The case.
    pub case: String,
    /// Its length.
    pub minutes: u32,
    /// The session of it that there is already, and whether it was debriefed.
    pub met: Option<(String, bool)>,
}

/// How the player stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Career {
    /// Stations by mechanism; what is not here was never met.
    pub stations: BTreeMap<String, Station>,
    /// Items, pairs first, those of one layer together.
    pub seams: Vec<Seam>,
    /// Sessions that were graded, by name.
    pub graded: BTreeSet<String>,
    /// Minutes that practising what is due takes.
    pub due_minutes: u32,
    /// What help makes of it, in a sentence.
    pub gap: String,
    /// What the forecasts are worth, in a sentence.
    pub trial: String,
    /// Today's page.
    pub today: Today,
}

impl Career {
    /// Items that are due.
    pub fn due(&self) -> usize {
        self.seams.iter().filter(|s| s.is_due).count()
    }

    /// So many items of each kind: patterns, pairs, traps.
    pub fn counts(&self) -> [usize; 3] {
        [Kind::Pattern, Kind::Pair, Kind::Trap].map(|kind| self.seams.iter().filter(|s| s.kind == kind).count())
    }
}

/// Minutes of an item that no case on offer trains.
const USUAL_MINUTES: u32 = 10;

/// How a player of these records stands at a moment.
pub fn career(rows: &[Row], weights: &BTreeMap<String, f64>, offers: &[Offer], now_s: i64) -> Career {
    let standings = standings(rows, now_s);
    let trial = trial(&told(rows, &standings));
    let scars = Scars { standings: &standings, trial: &trial, weights, now_s, ungraded: &[] };
    let mut seams: Vec<Seam> = standings.values().map(|s| seam(&scars, s)).collect();
    seams.sort_by_key(|s| (s.kind, place_of(&s.family), s.standing.item.clone()));
    let minutes = |seam: &&Seam| {
        let trains = offers.iter().filter(|o| o.items.contains(&seam.standing.item));
        trains.map(|o| o.minutes).min().unwrap_or(USUAL_MINUTES)
    };
    let counting: Vec<_> = rows.iter().map(|r| &r.graded).filter(|g| g.practice.is_empty()).collect();
    Career {
        stations: stations(rows, &standings, now_s),
        due_minutes: seams.iter().filter(|s| s.is_due).map(|s| minutes(&s)).sum(),
        seams,
        graded: rows.iter().map(|r| r.name.clone()).collect(),
        gap: gap(&counting).says(),
        trial: trial.says().unwrap_or_else(|| {
            format!(
                "Forecasts are {}; {} of {} first tries that it takes to hold them against what came.",
                crate::scar::memory::MODEL,
                trial.n,
                crate::scar::trial::SHOWN
            )
        }),
        today: Today::default(),
    }
}

fn stations(rows: &[Row], standings: &BTreeMap<String, Standing>, now_s: i64) -> BTreeMap<String, Station> {
    let mut stations = BTreeMap::new();
    for graded in rows.iter().map(|r| &r.graded) {
        let solid = graded.practice.is_empty() && graded.alone() && graded.right && graded.proved != Some(false);
        for mechanism in &graded.was {
            let station = stations.entry(mechanism.clone()).or_insert(Station::Half);
            *station = (*station).max(if solid { Station::Solid } else { Station::Half });
        }
    }
    for (mechanism, station) in stations.iter_mut().filter(|(_, s)| **s == Station::Solid) {
        let of = |s: &&Standing| mechanisms(&s.item).contains(&mechanism.as_str());
        let least = standings.values().filter(of).filter_map(|s| s.forecast(now_s)).fold(1.0, f64::min);
        if least < FRAYED {
            *station = Station::Cracked;
        }
    }
    stations
}

fn seam(scars: &Scars<'_>, standing: &Standing) -> Seam {
    use crate::scar::healing::date;
    use crate::scar::standing::{weight, wish};
    let observed = standing.observed();
    let first = mechanisms(&standing.item).first().map_or("", |m| m.split('.').next().unwrap_or_default()).to_string();
    let due = standing.due(wish(weight(&standing.item, scars.weights)));
    Seam {
        is: Plain(&standing.item).to_string(),
        kind: kind(&standing.item),
        family: first,
        look: standing.look(scars.now_s),
        forecast: standing.forecast(scars.now_s).filter(|_| standing.is_known() && scars.trial.holds),
        says: forecast(scars, standing),
        observed: (observed.hits, observed.of),
        interval: observed.wilson(),
        due: due.map_or(String::new(), |(from, until)| {
            let word = if from <= scars.now_s { "due since" } else { "due on" };
            until.map_or(format!("{word} {}", date(from)), |until| format!("{word} {}, by {}", date(from), date(until)))
        }),
        is_due: is_due(scars, standing),
        standing: standing.clone(),
    }
}

/// An item as it is written on a seam: a pair with a bar between its sides.
pub fn name(item: &str) -> String {
    let short = |id: &str| id.split_once('.').map_or(id, |(_, name)| name).replace('_', " ");
    match (kind(item), sides(item)) {
        (Kind::Pair, Some((a, b))) => format!("{}  |  {}", short(a), short(b)),
        (Kind::Trap, _) => item.trim_start_matches("trap:").replace('_', " "),
        _ => short(item),
    }
}
