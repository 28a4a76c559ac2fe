//! The composite of scorecard `st-1`: weights, gates, and what is left out where a part could not be judged.

use serde::Serialize;

/// The version of weights and gates. Scores of different versions are not compared.
pub const MODEL: &str = "st-1";

/// At most so many points are lost by harmful actions.
const MOST_LOST: f64 = 40.0;
/// Points lost for each share of what could be saved that actions destroyed.
const LOST_PER_HARM: f64 = 40.0;
/// A lead that an ideal observer with the same views would believe less than this was a lucky guess.
const LUCKY: f64 = 0.5;

/// The part that only counts where it was asked for.
const AWARENESS: &str = "awareness";

/// The parts of a score, each from 0 to 1; none where it could not be judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Parts {
    /// Credit for the causes declared.
    pub causes: Option<f64>,
    /// What an ideal observer would believe of the declared lead, given what was viewed.
    pub lead_given_viewed: Option<f64>,
    /// Evidence.
    pub evidence: Option<f64>,
    /// Calibration.
    pub calibration: Option<f64>,
    /// Mitigation.
    pub mitigation: Option<f64>,
    /// Times.
    pub time: Option<f64>,
    /// Thrift.
    pub cost: Option<f64>,
    /// Communication.
    pub communication: Option<f64>,
    /// Situation awareness.
    pub awareness: Option<f64>,
    /// Harm of actions, as a share of what could be saved.
    pub harm: Option<f64>,
}

/// What holds a score down, whatever its parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// G1: the last commit puts half or more on something that only seemed to be the cause.
    BlamedDecoy,
    /// G2: an action that cannot be taken back hurt users.
    Irreversible,
    /// G3: nothing was committed before advice was seen. It caps nothing: the run is assisted, and kept apart.
    Assisted,
    /// A host had a hand in it. It caps nothing: the run is kept apart.
    Hosted,
}

impl Gate {
    /// The most points that a run behind this gate gets.
    pub fn cap(self) -> Option<f64> {
        match self {
            Gate::BlamedDecoy => Some(49.0),
            Gate::Irreversible => Some(39.0),
            Gate::Assisted | Gate::Hosted => None,
        }
    }

    /// Its name and what it means.
    pub fn says(self) -> &'static str {
        match self {
            Gate::BlamedDecoy => {
                "G1: half or more of the last commit went to what only seemed to be the cause; 49 at most"
            }
            Gate::Irreversible => "G2: an action that cannot be taken back hurt users; 39 at most",
            Gate::Assisted => "G3: no commit before advice was seen; assisted, never in the unassisted record",
            Gate::Hosted => "A host had a hand in it; never ranked, never in the unassisted record",
        }
    }
}

/// A part with its weight and points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Weighed {
    /// What it is.
    pub name: &'static str,
    /// The most points that it gives.
    pub weight: f64,
    /// The points; none where it could not be judged.
    pub points: Option<f64>,
}

/// A composite score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Composite {
    /// The version of weights and gates.
    pub model: &'static str,
    /// Points of each part.
    pub parts: Vec<Weighed>,
    /// Points taken off for harmful actions.
    pub lost: f64,
    /// From 0 to 100; none while a part could not be judged. Awareness may be missing: then the others are scaled up.
    pub total: Option<f64>,
    /// Points of the parts that could be judged, less what was lost; never below zero, and no higher than the gates let.
    pub points: f64,
    /// The weights of the parts that could be judged.
    pub out_of: f64,
    /// Gates that hold.
    pub gates: Vec<Gate>,
}

/// Weighs the parts and applies the gates.
pub fn composite(parts: &Parts, gates: &[Gate]) -> Composite {
    let lucky = parts.lead_given_viewed.is_some_and(|p| p < LUCKY);
    let causes = parts.causes.map(|credit| if lucky { credit / 2.0 } else { credit });
    let part = |name, weight: f64, value: Option<f64>| Weighed { name, weight, points: value.map(|v| weight * v) };
    let parts_weighed = vec![
        part("causes", 30.0, causes),
        part("evidence", 15.0, parts.evidence),
        part("calibration", 10.0, parts.calibration),
        part("mitigation", 20.0, parts.mitigation),
        part("time", 10.0, parts.time),
        part("cost", 5.0, parts.cost),
        part("communication", 5.0, parts.communication),
        part(AWARENESS, 5.0, parts.awareness),
    ];
    let lost = (LOST_PER_HARM * parts.harm.unwrap_or(0.0).abs()).min(MOST_LOST);
    let sum: f64 = parts_weighed.iter().filter_map(|p| p.points).sum();
    let out_of = parts_weighed.iter().filter(|p| p.points.is_some()).map(|p| p.weight).sum();
    let cap = gates.iter().filter_map(|g| g.cap()).fold(100.0, f64::min);
    let points = (sum - lost).clamp(0.0, 100.0).min(cap);
    // Where no moment was frozen nobody was asked: the other parts then stand for the whole.
    let needed = |p: &&Weighed| p.points.is_none() && p.name != AWARENESS;
    let judged = !parts_weighed.iter().any(|p| needed(&p)) && parts.harm.is_some();
    let whole = (sum * 100.0 / f64::max(out_of, 1.0) - lost).clamp(0.0, 100.0).min(cap);
    Composite {
        model: MODEL,
        parts: parts_weighed,
        lost,
        total: judged.then_some(whole),
        points,
        out_of,
        gates: gates.to_vec(),
    }
}
