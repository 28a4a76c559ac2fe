//! The scorecard: measures M1 to M14 of one session, each with its formula, its inputs and the lines of the log it rests
//! on, and the composite over them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::scenario::mechanisms::{ALERT_RULE, MECHANISMS, NO_FAULT, NOT_PROVABLE, OTHER, family};
use crate::score::composite::{Composite, Gate, Parts, composite};
use crate::score::measures::*;
use crate::score::observer::judge::Judgement;
use crate::score::rate::Rate;
use crate::score::record::{Record, pain};
use crate::score::reliance::{Followed, reliance};
use crate::score::runs::Ran;
use crate::score::shapley::NEGLIGIBLE;
use crate::score::truth::{HURT, TOLERANCE, Truth};
use crate::session::act::irreversible;
use crate::session::belief::lead;
use crate::session::command::{Command, Commit, DeclaredCause};
use crate::session::prices;

/// Why what needs an ideal observer is not judged.
pub const NO_OBSERVER: &str = "no ideal observer was built for this scenario";
/// Why there is no inertia.
const UNMOVED: &str = "no look spoke against what was believed";
/// Why there is no premature closure.
const OPEN: &str = "nothing ever had 70 points or more";
/// A cause is found, and pain ended, in good time if it takes no more seconds than this.
pub const PAR_S: f64 = 480.0;
/// An incident that cost so many minutes of people has no points for thrift left.
const MOST_COST: f64 = 120.0;
/// A lead with so many points on a decoy closes gate G1.
const HALF: u8 = 50;
/// Of a cause that is right in family alone, so much counts.
const FAMILY: f64 = 0.5;

/// What other runs of the same users came to.
pub struct Replays<'a> {
    /// What caused it.
    pub truth: &'a Truth,
    /// The run in which nobody did anything.
    pub nothing: &'a Ran,
    /// The participant's run, to the end.
    pub run: &'a Ran,
    /// The least harm that is known to be possible.
    pub best: f64,
    /// What each order added to the harm, all others kept.
    pub added: &'a [f64],
    /// Mechanisms that only seem to be the cause.
    pub tempting: &'a [String],
}

/// One measure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// As in `M2`.
    pub id: &'static str,
    /// What it measures.
    pub name: &'static str,
    /// Its value; none where it could not be judged.
    pub value: Option<f64>,
    /// Why it could not.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub why_none: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// From what.
    pub inputs: BTreeMap<&'static str, f64>,
    /// The events of the log that it rests on.
    pub log: Vec<u64>,
}

/// A scorecard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Card {
    /// Measures in order.
    pub measures: Vec<Measure>,
    /// Whether the lead of the last commit is what only seems to be the cause.
    pub blamed_decoy: bool,
    /// The composite. Shown last, and never ranked by.
    pub composite: Composite,
}

/// What was declared in the end, against the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Mechanisms, without repetition.
    pub mechanisms: Vec<String>,
    /// Recall.
    pub recall: f64,
    /// Precision.
    pub precision: f64,
}

/// Holds what was declared against the shares of the mechanisms; where nothing was, what leads and whatever has at least half
/// of its points counts as declared. A mechanism of the right family that is not the right one counts half, both ways, and
/// each true one is credited once.
pub fn declared(causes: &[DeclaredCause], points: &BTreeMap<String, u8>, shares: &BTreeMap<String, f64>) -> Declared {
    let mut mechanisms: Vec<String> = causes.iter().map(|c| c.mechanism.clone()).collect();
    if mechanisms.is_empty() {
        // What is left over goes to `other` by itself, and is nobody's claim.
        let named = || points.iter().filter(|(m, p)| 0 < **p && ![OTHER, NOT_PROVABLE].contains(&m.as_str()));
        let most = points.values().copied().max().unwrap_or(0);
        if named().any(|(_, p)| *p == most) {
            mechanisms.extend(named().filter(|(_, p)| most <= p.saturating_mul(2)).map(|(m, _)| m.clone()));
        }
    }
    let mut seen = Vec::new();
    mechanisms.retain(|m| {
        !seen.contains(m) && {
            seen.push(m.clone());
            true
        }
    });
    let share = |m: &String| shares.get(m).copied().unwrap_or(0.0);
    let mut taken: Vec<&str> = mechanisms.iter().filter(|m| NEGLIGIBLE <= share(m)).map(String::as_str).collect();
    let (mut recall, mut hits) = (0.0, 0.0);
    for mechanism in &mechanisms {
        if NEGLIGIBLE <= share(mechanism) {
            recall += share(mechanism);
            hits += 1.0;
            continue;
        }
        let kin = shares
            .iter()
            .filter(|(m, q)| NEGLIGIBLE <= **q && family(m) == family(mechanism) && !taken.contains(&m.as_str()));
        if let Some((true_one, q)) = kin.max_by(|a, b| a.1.total_cmp(b.1)) {
            recall += FAMILY * q;
            hits += FAMILY;
            taken.push(true_one.as_str());
        }
    }
    let precision = if mechanisms.is_empty() { 0.0 } else { hits / mechanisms.len() as f64 };
    Declared { mechanisms, recall, precision }
}

/// What a commit says above all: the mechanism that leads its points, or else the first cause it declares; with its points.
pub fn said(commit: &Commit) -> Option<(&str, u8)> {
    lead(&commit.points).or_else(|| {
        let first = commit.causes.first()?.mechanism.as_str();
        Some((first, commit.points.get(first).copied().unwrap_or(0)))
    })
}

/// What a mechanism comes to in a case of such shares: where nothing is wrong, an alert that fires in health is just that.
pub(super) fn comes_to<'m>(mechanism: &'m str, shares: &BTreeMap<String, f64>) -> &'m str {
    if mechanism == ALERT_RULE && shares.contains_key(NO_FAULT) { NO_FAULT } else { mechanism }
}

/// Points as beliefs over all mechanisms, in the order of the list.
fn beliefs(points: &BTreeMap<String, u8>, shares: &BTreeMap<String, f64>) -> Vec<f64> {
    let of =
        |id: &str| points.iter().filter(|(m, _)| comes_to(m, shares) == id).map(|(_, p)| f64::from(*p)).sum::<f64>();
    MECHANISMS.iter().map(|m| (of(m.id) / 100.0).min(1.0)).collect()
}

/// The scorecard of a session.
pub fn card(record: &Record<'_>, replays: &Replays<'_>, observer: Option<&Judgement>) -> Card {
    let truth = replays.truth;
    let shares = truth.by_mechanism();
    let target: Vec<f64> = MECHANISMS.iter().map(|m| shares.get(m.id).copied().unwrap_or(0.0)).collect();
    let skill =
        |points: Option<&BTreeMap<String, u8>>| points.map_or(0.0, |p| brier_skill(&beliefs(p, &shares), &target));
    let commits = record.commits();
    let (first, last) = (commits.first(), commits.last());
    let (first_event, last_event) = (first.map(|c| c.event), last.map(|c| c.event));
    let final_commit = record.session.board().commits.last();
    let none = BTreeMap::new();
    let points = final_commit.map_or(&none, |c| &c.commit.points);
    let declared = declared(final_commit.map_or(&[][..], |c| c.commit.causes.as_slice()), points, &shares);
    let credit = cause_credit(declared.recall, declared.precision);

    let checkpoint = record.checkpoint();
    let skills = [
        skill(first.map(|c| &c.points)),
        skill(checkpoint.as_ref().map(|c| &c.points)),
        skill(last.map(|c| &c.points)),
    ];
    let calibrated = calibration(skills[0], skills[1], skills[2]);

    let is_true = |mechanism: &str| shares.get(comes_to(mechanism, &shares)).is_some_and(|q| is_top(&shares, *q));
    let most_s = record.most_s();
    let found = record.leads_since(is_true);
    let found_s = found.map(|(at, _)| record.after_page_s(at));
    let acknowledged = record.session.comms().acknowledged;
    let since = acknowledged.unwrap_or(record.paged_at());
    let (open_at, _) = record.session.watch().world.window();
    let since_s = since.as_secs_f64() - open_at.as_secs_f64();
    let mended_s = match pain(&replays.run.series) {
        None => Some(0.0),
        Some(pain) => pain.until_s.map(|until| (until - since_s).max(0.0)),
    };
    let timed = |took: Option<f64>| took.map_or(0.0, |s| time_score(s, PAR_S, most_s));
    let times = (timed(found_s) + timed(mended_s)) / 2.0;

    let (nothing, run) = (replays.nothing.lost(), replays.run.lost());
    let best = replays.best.min(run).min(nothing);
    let tolerance = TOLERANCE * truth.at_stake;
    // Where nothing is wrong, harm is measured by what users may lose without being hurt; where nothing could be saved, by
    // what nobody notices.
    let no_fault = truth.causes.is_empty();
    let saved = if no_fault { HURT * truth.at_stake } else { (nothing - best).max(tolerance) };
    let mitigated = if no_fault || nothing - best < tolerance {
        f64::from(u8::from(run - nothing < tolerance))
    } else {
        mitigation(nothing, run, best).unwrap_or(0.0)
    };
    let harm = harm_of_actions(replays.added, saved);

    let gpu = |ran: &Ran| ran.cost.gpu_hours + ran.cost.gpu_hours_elsewhere;
    let gpu_hours = (gpu(replays.run) - gpu(replays.nothing)).max(0.0);
    let teams = record.session.comms().teams.len() as f64;
    let cost = record.looks_s() / 60.0 + prices::PER_GPU_HOUR * gpu_hours + prices::PER_TEAM * teams;
    let thrift = (1.0 - cost / MOST_COST).clamp(0.0, 1.0);

    let misplaced: u32 = (points.iter())
        .filter(|(m, _)| ![OTHER, NOT_PROVABLE].contains(&m.as_str()))
        .filter(|(m, _)| shares.get(comes_to(m, &shares)).copied().unwrap_or(0.0) < NEGLIGIBLE)
        .map(|(_, p)| u32::from(*p))
        .sum();
    let was: Vec<String> = shares.keys().filter(|m| is_true(m)).cloned().collect();
    let relied = reliance(record, &was);
    let followed = relied.as_ref().and_then(|r| r.causes);
    let leading = final_commit.and_then(|c| said(&c.commit));
    let blamed_decoy = leading.is_some_and(|(m, _)| {
        let of_family = |other: &str| family(other) == family(m);
        let is_cause = shares.iter().any(|(true_one, q)| NEGLIGIBLE <= *q && of_family(true_one));
        !is_cause && replays.tempting.iter().any(|t| of_family(t))
    });

    let world = &record.session.watch().world;
    let unsafe_order = world
        .actions()
        .iter()
        .zip(replays.added)
        .any(|(order, added)| irreversible(&order.action).is_some() && tolerance < *added);
    let mut gates = Vec::new();
    gates.extend((blamed_decoy && leading.is_some_and(|(_, p)| HALF <= p)).then_some(Gate::BlamedDecoy));
    gates.extend(unsafe_order.then_some(Gate::Irreversible));
    gates.extend(record.is_assisted().then_some(Gate::Assisted));
    gates.extend(record.session.is_hosted().then_some(Gate::Hosted));

    // Who does harm where nothing is wrong has not understood that nothing is.
    let meddled = no_fault && replays.added.iter().any(|added| tolerance < *added);
    // Base rates are nobody's evidence: who cites nothing has none, however likely it was beforehand.
    let cites = final_commit.is_some_and(|c| !c.commit.cites.is_empty());
    let evident = |o: &Judgement| evidence(o.truth_given_cited, o.truth_given_first_screen, o.irrelevant.len() as u32);
    let ev = observer.map(|o| if cites { evident(o) } else { 0.0 });
    let leads = leading.is_some_and(|(m, _)| is_true(m));
    let sound = leads && !blamed_decoy && !meddled;
    let grounded = observer.map(|o| f64::from(u8::from(sound && o.proves)));
    let promises = record.promises();
    let told_true = observer.map(|o| {
        let impact = record.updates_true_of(&replays.run.series);
        Rate::count(impact.iter().zip(&o.updates_sound).map(|(impact, cause)| *impact && *cause))
    });
    // Who promised nothing kept no promise; who told nothing told no truth.
    let communicated = told_true.map(|told| promises.value().unwrap_or(0.0) / 2.0 + told.value().unwrap_or(0.0) / 2.0);
    let parts = Parts {
        causes: Some(credit),
        lead_given_viewed: observer.map(|o| o.lead_given_viewed),
        evidence: ev,
        calibration: Some(calibrated),
        mitigation: Some(mitigated),
        time: Some(times),
        cost: Some(thrift),
        communication: communicated,
        awareness: None,
        harm: Some(harm),
    };
    let belief_log = record.log(|c| matches!(c, Command::Believe { .. } | Command::Commit(_)));
    let order_log = record.log(|c| matches!(c, Command::Act { .. }));
    let m = |id, name, formula| Measure {
        id,
        name,
        value: None,
        why_none: "",
        formula,
        inputs: BTreeMap::new(),
        log: Vec::new(),
    };
    let measures = vec![
        m("M1", "right and proved", "1 if what leads the last commit is the weightiest cause, an ideal observer is 80 % sure of it from what was cited, and no decoy was blamed")
            .gives(grounded, NO_OBSERVER)
            .from([("lead_is_weightiest", f64::from(u8::from(leads)))])
            .maybe("observer_given_cited", observer.map(|o| o.truth_given_cited))
            .on(last_event),
        m("M2", "cause credit", "2 r p / (r + p); r sums the shares of what was declared (or else of what has at least half of the lead's points), p is the part of it with a share of 5 % or more; right family alone counts half")
            .gives(Some(credit), "")
            .from([("recall", declared.recall), ("precision", declared.precision)])
            .on(last_event),
        m("M3", "evidence", "(logit P(truth | cited) - logit P(truth | first screen)) / (logit 0.95 - logit P(truth | first screen)) - 0.05 per irrelevant citation")
            .gives(ev, NO_OBSERVER)
            .maybe("observer_given_cited", observer.map(|o| o.truth_given_cited))
            .maybe("observer_given_first_screen", observer.map(|o| o.truth_given_first_screen))
            .maybe("irrelevant", observer.map(|o| o.irrelevant.len() as f64))
            .on(last_event),
        m("M4", "premature closure", "1 if the first lead at 70 % or more had less than 80 % of an ideal observer's belief while discriminating evidence lay unopened")
            .gives(observer.and_then(|o| o.premature).map(|p| f64::from(u8::from(p))), if observer.is_some() { OPEN } else { NO_OBSERVER })
            .on(first_event),
        m("M5", "belief inertia", "1 - change of stated logit / change of an ideal observer's logit, over disconfirming looks")
            .gives(observer.and_then(|o| o.inertia), if observer.is_some() { UNMOVED } else { NO_OBSERVER })
            .maybe("disconfirming_looks", observer.map(|o| o.disconfirming.len() as f64))
            .on(belief_log.clone()),
        m("M6", "calibration", "1/4 first + 1/4 checkpoint + 1/2 last; each the Brier skill against equal beliefs over all mechanisms, not below 0")
            .gives(Some(calibrated), "")
            .from([("skill_first", skills[0]), ("skill_checkpoint", skills[1]), ("skill_last", skills[2]), ("share_of_lead", last.and_then(|c| lead(&c.points).map(|(m, _)| shares.get(comes_to(m, &shares)).copied().unwrap_or(0.0))).unwrap_or(f64::NAN)), ("log_score_last", last.map_or(f64::NAN, |c| log_score(&beliefs(&c.points, &shares), &target)))])
            .on(first_event.into_iter().chain(checkpoint.map(|c| c.event)).chain(last_event).collect::<Vec<u64>>()),
        m("M7", "situation awareness", "share of three questions at two frozen moments answered within tolerance")
            .gives(None, "a host freezes moments, and answers in words are judged by nobody"),
        m("M8", "times", "half for the time until the true mechanism led for good, half for the time from acknowledgement until users' pain ended; each 1 - ln(T / par) / ln(most / par)")
            .gives(Some(times), "")
            .from([("par_s", PAR_S), ("most_s", most_s)])
            .maybe("acknowledged_s", acknowledged.map(|at| record.after_page_s(at)))
            .maybe("cause_led_since_s", found_s)
            .maybe("pain_ended_s", mended_s)
            .on(found.map(|(_, event)| event).into_iter().chain(record.log(|c| *c == Command::Acknowledge)).collect::<Vec<u64>>()),
        m("M9", "mitigation", "(harm of doing nothing - harm of this run) / (harm of doing nothing - least harm found); where nothing can be saved, 1 if nothing was lost")
            .gives(Some(mitigated), "")
            .from([("nothing", nothing), ("run", run), ("best", best), ("tolerance", tolerance)])
            .on(order_log.clone()),
        m("M10", "harm of actions", "sum of what each order made worse, all others kept, over what could be saved")
            .gives(Some(harm), "")
            .from([("could_be_saved", saved), ("made_worse", replays.added.iter().map(|d| d.max(0.0)).sum())])
            .on(order_log.clone()),
        m("M11", "thrift", "1 - cost / 120; cost in minutes of people: looks, 2 for an accelerator-hour added, 15 for a team woken")
            .gives(Some(thrift), "")
            .from([("cost", cost), ("look_s", record.looks_s()), ("gpu_hours_added", gpu_hours), ("teams", teams)])
            .on(record.log(|c| matches!(c, Command::Look(_) | Command::Page { .. }))),
        m("M12", "false attribution", "points of the last commit on mechanisms with a share below 5 %, `other` and `not_provable` left out")
            .gives(Some(f64::from(misplaced)), "")
            .from([("blamed_decoy", f64::from(u8::from(blamed_decoy)))])
            .on(last_event),
        m("M13", "reliance on advice", "how often right advice was taken, and wrong advice was not")
            .gives(followed.and_then(Followed::value), match (&relied, followed) {
                (None, _) => "no advice was given in this session",
                (Some(_), None) => "it takes a commit before the advice and one after it",
                (Some(_), Some(_)) => "the advice was as right as what was said before it",
            })
            .on(relied.map(|r| r.log).unwrap_or_default()),
        m("M14", "communication", "half the share of promised updates that came in time, half the share that were true: impact within 20 points, and no surer of a cause than could be known")
            .gives(communicated, NO_OBSERVER)
            .maybe("true", told_true.and_then(|told| told.value()))
            .maybe("true_impact_percent_at_the_last", record.true_impact_percent(&replays.run.series))
            .from([("updates", record.session.comms().updates.len() as f64)])
            .maybe("on_time", promises.value())
            .on(record.log(|c| matches!(c, Command::Update(_)))),
    ];
    Card { measures, blamed_decoy, composite: composite(&parts, &gates) }
}

/// Whether a share is the greatest, or as good as that.
pub(super) fn is_top(shares: &BTreeMap<String, f64>, share: f64) -> bool {
    let most = shares.values().copied().fold(0.0, f64::max);
    NEGLIGIBLE <= share && most - share < crate::score::shapley::TIE
}

impl Card {
    /// M1: right and proved; none where no ideal observer judged.
    pub fn grounded(&self) -> Option<bool> {
        self.measures.iter().find(|m| m.id == "M1")?.value.map(|v| 0.5 < v)
    }
}

impl Measure {
    fn gives(mut self, value: Option<f64>, why_none: &'static str) -> Measure {
        self.value = value;
        self.why_none = if value.is_some() { "" } else { why_none };
        self
    }

    fn from<const N: usize>(mut self, inputs: [(&'static str, f64); N]) -> Measure {
        self.inputs.extend(inputs.into_iter().filter(|(_, value)| value.is_finite()));
        self
    }

    fn maybe(self, name: &'static str, value: Option<f64>) -> Measure {
        self.from([(name, value.unwrap_or(f64::NAN))])
    }

    fn on(mut self, log: impl IntoIterator<Item = u64>) -> Measure {
        self.log = log.into_iter().collect();
        self.log.sort_unstable();
        self.log.dedup();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_half_of_the_leads_points_is_declared_with_it() {
        let shares = BTreeMap::from([("serving.capacity".to_string(), 0.5), ("demand.synchronised".to_string(), 0.5)]);
        let of = |points: &[(&str, u8)]| {
            let points = points.iter().map(|(m, p)| ((*m).to_string(), *p)).collect();
            let found = declared(&[], &points, &shares);
            (found.recall, found.precision)
        };
        assert_eq!(of(&[("serving.capacity", 55), ("demand.synchronised", 45)]), (1.0, 1.0));
        assert_eq!(of(&[("serving.capacity", 90), ("demand.synchronised", 10)]), (0.5, 1.0));
        assert_eq!(of(&[("serving.capacity", 40), ("sdk.retries", 30), ("network.loss", 30)]), (0.5, 1.0 / 3.0));
        assert_eq!(of(&[("serving.capacity", 50), ("demand.synchronised", 50)]), (1.0, 1.0), "neither leads");
        assert_eq!(of(&[("serving.capacity", 60), ("other", 40)]), (0.5, 1.0), "the rest of a short commit");
        assert_eq!(of(&[("serving.capacity", 40), ("not_provable", 60)]), (0.0, 0.0), "it was left open");
        assert_eq!(of(&[]), (0.0, 0.0));
    }
}
