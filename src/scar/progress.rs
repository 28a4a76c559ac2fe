//! How somebody gets on: readiness, calibration, time to a diagnosis, whom one takes for whom, and what is lost without help.
//! Earlier and later halves stand beside each other; what cannot be told yet says what it would take.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::scar::graded::Graded;
use crate::scar::records::Row;
use crate::scar::standing::{Standing, weight};
use crate::score::measures::{Forecasts, Murphy, murphy};
use crate::score::rate::Rate;
use crate::score::reliance::{Counts, Facts};

/// A gap of so much is worth knowing; smaller ones take more sessions than anybody plays.
const WORTH_KNOWING: f64 = 0.20;
/// The 97.5 % and the 80 % point of the normal distribution.
const Z: (f64, f64) = (1.959_963_984_540_054, 0.841_621_233_572_914);
/// With fewer sessions in each half nothing is said of a change.
const FEW: usize = 5;

/// Everything about one's progress.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Sessions that were graded and count.
    pub sessions: usize,
    /// Weighted mean of the forecasts of items with enough reviews for these to be shown; none: there are none.
    pub readiness: Option<f64>,
    /// Items in it.
    pub known: usize,
    /// Items met alone.
    pub met: usize,
    /// The earlier and the later half of the sessions played alone.
    pub halves: [Half; 2],
    /// Whether there are enough for a change to mean anything.
    pub enough: bool,
    /// What help makes of it.
    pub gap: Gap,
    /// How advice was followed.
    pub reliance: Counts,
    /// Facts that assistants gave, and how they were relied on.
    pub facts: Facts,
}

/// One half of the sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Half {
    /// How many were right.
    pub right: Rate,
    /// Wilson's interval of that.
    pub right_interval: (f64, f64),
    /// How many were proved, of those that somebody judged.
    pub proved: Rate,
    /// Mean of what was stated of the lead, from 0 to 1; none: nothing was.
    pub stated: Option<f64>,
    /// The Brier score of that, split.
    #[serde(serialize_with = "split")]
    pub calibration: Murphy,
    /// Mean seconds to the diagnosis within the incident, those never found counted to its end; none without sessions.
    pub found_s: Option<f64>,
    /// How often it was this (first) and that (second) was named.
    pub confusion: Vec<(String, String, u32)>,
}

fn split<S: serde::Serializer>(m: &Murphy, serializer: S) -> Result<S::Ok, S::Error> {
    let parts = [
        ("brier", m.brier),
        ("reliability", m.reliability),
        ("resolution", m.resolution),
        ("uncertainty", m.uncertainty),
    ];
    serializer.collect_map(parts)
}

/// What is lost without help.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// Right with help, at difficulties met both ways.
    pub with_help: Rate,
    /// Right alone, at the same.
    pub alone: Rate,
    /// The difference, help less alone, evened out over difficulties, with its interval of 95 %; none: not both were met.
    pub difference: Option<(f64, f64, f64)>,
    /// Sessions of each kind that would tell a gap of 20 points; none: it can be told.
    pub need: Option<u32>,
}

impl Gap {
    /// In a sentence.
    pub fn says(&self) -> String {
        let points = |share: f64| format!("{:.0}", share * 100.0);
        let shown = self.difference.map(|(gap, low, high)| {
            let n = self.with_help.of + self.alone.of;
            format!("{} points with help over alone [{} to {}], n = {n}", points(gap), points(low), points(high))
        });
        match (shown, self.need) {
            (Some(shown), None) => shown,
            (Some(shown), Some(need)) => format!("cannot tell yet ({shown}); need about {need} sessions of each kind"),
            (None, need) => format!(
                "cannot tell yet: no difficulty was met both alone and with help; need about {} sessions of each kind",
                need.unwrap_or_default()
            ),
        }
    }
}

/// How somebody gets on. Rows are oldest first.
pub fn progress(
    rows: &[Row],
    standings: &BTreeMap<String, Standing>,
    weights: &BTreeMap<String, f64>,
    now_s: i64,
) -> Progress {
    let graded: Vec<&Graded> =
        rows.iter().map(|r| &r.graded).filter(|g| g.practice.is_empty() && g.at_s <= now_s).collect();
    let alone: Vec<&Graded> = graded.iter().copied().filter(|g| g.alone()).collect();
    let (earlier, later) = alone.split_at(alone.len() / 2);
    let known: Vec<(f64, f64)> = standings
        .values()
        .filter(|s| s.is_known())
        .filter_map(|s| Some((weight(&s.item, weights), s.forecast(now_s)?)))
        .collect();
    Progress {
        sessions: graded.len(),
        readiness: readiness(&known),
        known: known.len(),
        met: standings.values().filter(|s| s.last().is_some()).count(),
        enough: FEW <= earlier.len(),
        halves: [half(earlier), half(later)],
        gap: gap(&graded),
        reliance: Counts::of(graded.iter().filter_map(|g| g.followed)),
        facts: Facts::sum(graded.iter().filter_map(|g| g.facts)),
    }
}

/// The weighted mean of forecasts, given as weight and forecast.
pub fn readiness(met: &[(f64, f64)]) -> Option<f64> {
    let weights: f64 = met.iter().map(|(w, _)| w).sum();
    (0.0 < weights).then(|| met.iter().map(|(w, r)| w * r).sum::<f64>() / weights)
}

fn half(sessions: &[&Graded]) -> Half {
    let mut groups: BTreeMap<u8, Forecasts> = BTreeMap::new();
    let mut confusion: BTreeMap<(String, String), u32> = BTreeMap::new();
    for graded in sessions {
        if let Some(percent) = graded.percent {
            let stated = f64::from(percent) / 100.0;
            let group = groups.entry(percent).or_insert(Forecasts { stated, hits: 0, of: 0 });
            group.hits += u32::from(graded.right);
            group.of += 1;
        }
        let named = graded.said.clone().unwrap_or_else(|| "nothing".to_string());
        let was = if graded.right { named.clone() } else { graded.was.first().cloned().unwrap_or_default() };
        *confusion.entry((was, named)).or_default() += 1;
    }
    let groups: Vec<Forecasts> = groups.into_values().collect();
    let of: u32 = groups.iter().map(|g| g.of).sum();
    let stated = groups.iter().map(|g| g.stated * f64::from(g.of)).sum::<f64>();
    let right = Rate::count(sessions.iter().map(|g| g.right));
    let times: Vec<(f64, bool)> = sessions
        .iter()
        .map(|g| g.found_s.filter(|_| g.right).map_or((g.most_s, false), |found| (found.min(g.most_s), true)))
        .collect();
    let horizon = times.iter().map(|(t, _)| *t).fold(0.0, f64::max);
    Half {
        right,
        right_interval: right.wilson(),
        proved: Rate::count(sessions.iter().filter_map(|g| g.proved)),
        stated: (0 < of).then(|| stated / f64::from(of)),
        calibration: murphy(&groups),
        found_s: (!times.is_empty()).then(|| restricted_mean(&times, horizon)),
        confusion: confusion.into_iter().map(|((was, named), n)| (was, named, n)).collect(),
    }
}

/// The mean time until something happens, up to a horizon, where it did not always happen: the area under the
/// Kaplan-Meier curve. Times come with whether it happened then.
pub fn restricted_mean(times: &[(f64, bool)], horizon: f64) -> f64 {
    let mut times = times.to_vec();
    // At equal times what happened goes before what was only watched until then.
    times.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let (mut area, mut alive, mut before) = (0.0, 1.0, 0.0);
    for (i, (time, happened)) in times.iter().enumerate() {
        let at = time.min(horizon);
        area += alive * (at - before);
        before = at;
        if *happened && *time <= horizon {
            alive *= 1.0 - 1.0 / (times.len() - i) as f64;
        }
    }
    area + alive * (horizon - before).max(0.0)
}

/// What help makes of it, at difficulties that were met both ways.
pub fn gap(sessions: &[&Graded]) -> Gap {
    let rate = |with: bool, difficulty: u8| {
        let right = |g: &&&Graded| g.difficulty == difficulty && g.alone() != with;
        Rate::count(sessions.iter().filter(right).map(|g| g.right))
    };
    let strata: Vec<(Rate, Rate)> =
        (1..=5).map(|d| (rate(true, d), rate(false, d))).filter(|(a, b)| 0 < a.of && 0 < b.of).collect();
    let sum = |pick: &dyn Fn(&(Rate, Rate)) -> Rate| {
        strata.iter().map(pick).fold(Rate::default(), |a, r| Rate { hits: a.hits + r.hits, of: a.of + r.of })
    };
    let (with_help, alone) = (sum(&|s| s.0), sum(&|s| s.1));
    let difference = difference(&strata);
    let share = |r: Rate| r.value().map_or(0.5, |_| (f64::from(r.hits) + 1.0) / (f64::from(r.of) + 2.0));
    let (p, q) = (share(with_help), share(alone));
    let z = Z.0 + Z.1;
    let each = z * z * (p * (1.0 - p) + q * (1.0 - q)) / (WORTH_KNOWING * WORTH_KNOWING);
    let told = difference.is_some_and(|(_, low, high)| 0.0 < low || high < 0.0);
    Gap { with_help, alone, difference, need: (!told).then_some(each.ceil() as u32) }
}

/// The difference of two rates over strata, with weights of Mantel and Haenszel, and an interval from Wilson's of each rate
/// (Newcombe 1998, method 10, where there is one stratum; MOVER, Zou and Donner 2008, where there are more).
pub fn difference(strata: &[(Rate, Rate)]) -> Option<(f64, f64, f64)> {
    let weigh = |(a, b): &(Rate, Rate)| f64::from(a.of) * f64::from(b.of) / f64::from(a.of + b.of).max(1.0);
    let all: f64 = strata.iter().map(weigh).sum();
    if all <= 0.0 {
        return None;
    }
    let (mut middle, mut below, mut above) = (0.0, 0.0, 0.0);
    for stratum in strata {
        let w = weigh(stratum) / all;
        let (Some(p), Some(q)) = (stratum.0.value(), stratum.1.value()) else { continue };
        let ((p_low, p_high), (q_low, q_high)) = (stratum.0.wilson(), stratum.1.wilson());
        middle += w * (p - q);
        below += w * w * ((p - p_low) * (p - p_low) + (q_high - q) * (q_high - q));
        above += w * w * ((p_high - p) * (p_high - p) + (q - q_low) * (q - q_low));
    }
    Some((middle, middle - libm::sqrt(below), middle + libm::sqrt(above)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        let ready = readiness(&[(3.0, 0.7588), (2.0, 0.8947), (1.0, 0.6675)]).expect("there are items");
        assert!((ready - 0.7889).abs() < 5e-5, "{ready}");
        assert_eq!(readiness(&[]), None);
        let times = [(300.0, true), (480.0, true), (700.0, true), (900.0, false), (900.0, false)];
        assert!((restricted_mean(&times, 900.0) - 656.0).abs() < 1e-9);
        let early = [(300.0, true), (400.0, false), (900.0, true)];
        // After 400 s half as many are watched: 300 + 2/3 * 600.
        assert!((restricted_mean(&early, 900.0) - 700.0).abs() < 1e-9);
        let rate = |hits, of| Rate { hits, of };
        let (gap, low, high) = difference(&[(rate(56, 70), rate(48, 80))]).expect("both were met");
        assert!(
            (gap - 0.2).abs() < 1e-9 && (low - 0.0524).abs() < 5e-5 && (high - 0.3339).abs() < 5e-5,
            "{low} {high}"
        );
        assert_eq!(difference(&[]), None);
    }
}
