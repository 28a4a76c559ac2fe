//! A study as a page, as Markdown, as rows for statistics programs, and as JUnit XML. The words of a verdict follow from
//! the interval; nobody is ranked by a mean.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use crate::report::quantity::time_ticks;
use crate::score::rate::Rate;
use crate::study::compare::{Alone, Beside, Compared, Study, Unit, Verdict};
use crate::study::outcome::{Believed, Outcome, What};
use crate::study::plan::{Cell, Plan, Shard};
use crate::study::statistics::{clopper_pearson, none_seen};

const TEMPLATES: [(&str, &str); 4] = [
    ("comparison.html", include_str!("comparison/comparison.html")),
    ("comparison.css", include_str!("comparison/comparison.css")),
    ("comparison.md", include_str!("comparison/comparison.md")),
    ("comparison.xml", include_str!("comparison/comparison.xml")),
];
/// Points of a reliability diagram, each side.
const SIDE: f64 = 220.0;

fn render(name: &str, study: &Study, outcomes: &[&Outcome], incident: Option<&(String, u64)>) -> String {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|name| {
        let is_marked_up = name.ends_with(".html") || name.ends_with(".xml");
        if is_marked_up { AutoEscape::Html } else { AutoEscape::None }
    });
    for (name, text) in TEMPLATES {
        templates.add_template(name, text).expect("the templates are part of the program and tested");
    }
    let page = templates.get_template(name).expect("it was added above");
    page.render(Serde(View::of(study, outcomes, incident)))
        .expect("the view has every name that the template uses, and is tested")
}

/// One self-contained page. The moments of an incident are drawn side by side: of the first on which participants differ,
/// if none is named.
pub fn html(study: &Study, outcomes: &[&Outcome], incident: Option<&(String, u64)>) -> String {
    render("comparison.html", study, outcomes, incident)
}

/// Markdown.
pub fn markdown(study: &Study, outcomes: &[&Outcome]) -> String {
    render("comparison.md", study, outcomes, None)
}

/// JUnit XML: a suite for each participant, a case for each run, failed where the cause was not named.
pub fn junit(study: &Study, outcomes: &[&Outcome]) -> String {
    render("comparison.xml", study, outcomes, None)
}

/// One row a run, as comma-separated values with a head, tidy for programs like R.
///
/// # Errors
/// The rows cannot be written.
pub fn rows(outcomes: &[&Outcome]) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [
        "scenario",
        "variant",
        "foil",
        "seed",
        "participant",
        "repeat",
        "correct",
        "grounded_correct",
        "blamed",
        "percent",
        "blamed_decoy",
        "truth",
        "score",
        "points",
        "out_of",
        "looks",
        "orders",
        "lost",
        "lost_if_nothing",
        "lost_at_best",
        "cost_min",
        "commit_s",
        "well_s",
        "sim_s",
        "wall_s",
        "scored_by",
        "model",
        "prompt",
        "tokens_in",
        "tokens_out",
        "dollars",
    ];
    writer.write_record(head)?;
    let maybe = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    for o in outcomes {
        let (model, prompt) = o.joined.as_ref().and_then(|joined| joined.model.clone()).unwrap_or_default();
        let spent = o.joined.as_ref().and_then(|joined| joined.spent);
        writer.write_record([
            o.scenario.clone(),
            o.variant.clone(),
            u8::from(o.foil).to_string(),
            o.seed.to_string(),
            o.participant.clone(),
            o.repeat.to_string(),
            u8::from(o.correct).to_string(),
            o.grounded_correct.map(|g| u8::from(g).to_string()).unwrap_or_default(),
            o.blamed.clone().unwrap_or_default(),
            o.percent.map(|p| p.to_string()).unwrap_or_default(),
            u8::from(o.blamed_decoy).to_string(),
            o.truth.join("+"),
            maybe(o.score),
            o.points.to_string(),
            o.out_of.to_string(),
            o.looks.to_string(),
            o.orders.join(" "),
            o.lost.to_string(),
            o.lost_if_nothing.to_string(),
            o.lost_at_best.to_string(),
            maybe(o.cost_min),
            maybe(o.commit_s),
            maybe(o.well_s),
            o.sim_s.to_string(),
            maybe(o.wall_s),
            o.scored_by.clone(),
            model,
            prompt,
            spent.map(|s| s.tokens_in.to_string()).unwrap_or_default(),
            spent.map(|s| s.tokens_out.to_string()).unwrap_or_default(),
            maybe(spent.map(|s| s.dollars)),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Below so many pairs no choice of signs is rarer than one in twenty.
const FEWEST: usize = 6;

#[derive(Serialize)]
struct View {
    title: String,
    sentences: Vec<String>,
    parity: Vec<Held>,
    alone: Vec<AloneView>,
    compared: Vec<ComparedView>,
    confusion: Vec<Matrix>,
    runs: Vec<RunView>,
    left_out: Vec<String>,
    side: f64,
    lanes: Option<LanesView>,
}

/// What participants did on one incident, on one axis of time.
#[derive(Serialize)]
struct LanesView {
    incident: String,
    truth: String,
    ticks: Vec<(f64, String)>,
    lanes: Vec<LaneView>,
    legend: Vec<(&'static str, &'static str)>,
    /// Lines of belief by their names in the page, with words.
    lines: Vec<(&'static str, &'static str)>,
}

#[derive(Serialize)]
struct LaneView {
    name: String,
    right: bool,
    said: String,
    /// Place along the axis in per cent, height, shape, and words.
    marks: Vec<(f64, f64, &'static str, String)>,
    words: String,
    /// Steps of belief in what was true, and of the ideal observer's, as points in a box of 1000 by 40; empty without any.
    believed: String,
    ideal: String,
    /// The same in words.
    curve: String,
    /// Where along the axis in per cent, and in words, what was believed was first far from what could be known.
    parted: Option<(f64, String)>,
}

#[derive(Serialize)]
struct Held {
    says: String,
    held: bool,
}

#[derive(Serialize)]
struct AloneView {
    name: String,
    /// Incidents that it met, of how many where some are missing.
    incidents: String,
    runs: u32,
    failures: u32,
    /// Incidents that it was to play and has not, as the page of a build server has them.
    missing: Vec<String>,
    correct: String,
    proved: String,
    exact: String,
    error: String,
    decoy_on_trap: String,
    decoy_on_foil: String,
    score: String,
    lost: String,
    harmful: String,
    looks: String,
    cost: String,
    spent: String,
    commit: String,
    well: String,
    wall: String,
    pass_k: String,
    /// Places of the share and its interval in the drawing.
    bar: [f64; 3],
    /// Points of the reliability diagram: x, y, radius, words.
    reliability: Vec<(f64, f64, f64, String)>,
}

#[derive(Serialize)]
struct ComparedView {
    first: String,
    second: String,
    verdict: String,
    glyph: &'static str,
    difference: String,
    pairs: String,
    tests: String,
    /// What was compared, in words.
    endpoint: &'static str,
    /// What else differs: what, on how many, second less first with interval, p and what it is among so many questions.
    beside: Vec<[String; 5]>,
    /// Places of the difference and its interval in the drawing, zero in the middle.
    bar: [f64; 3],
}

#[derive(Serialize)]
struct Matrix {
    name: String,
    /// Each up to its point, and what is after it.
    columns: Vec<(String, String)>,
    rows: Vec<(String, Vec<(u32, bool)>)>,
}

#[derive(Serialize)]
struct RunView {
    participant: String,
    incident: String,
    right: bool,
    words: String,
}

fn percent(share: f64) -> String {
    if share.is_nan() { "none".to_string() } else { format!("{:.1} %", share * 100.0) }
}

fn number(value: f64, digits: usize) -> String {
    if value.is_nan() { "none".to_string() } else { format!("{value:.digits$}") }
}

fn rate(rate: Rate) -> String {
    let Some(share) = rate.value() else { return "none to judge".to_string() };
    let (low, high) = rate.wilson();
    format!("{} ({} of {}; {} to {})", percent(share), rate.hits, rate.of, percent(low), percent(high))
}

/// A mean with its interval, where there are enough to have one.
fn within(mean: f64, interval: Option<(f64, f64)>, n: u32, show: impl Fn(f64) -> String) -> String {
    match interval.filter(|_| FEWEST <= n as usize) {
        Some((low, high)) if !mean.is_nan() => format!("{} ({} to {})", show(mean), show(low.max(0.0)), show(high)),
        _ => show(mean),
    }
}

/// A difference in its unit.
fn shown(value: f64, unit: Unit) -> String {
    // No difference has no sign.
    let value = if value == 0.0 { 0.0 } else { value };
    match unit {
        Unit::Share => format!("{:+.1}", value * 100.0),
        Unit::Points | Unit::Count | Unit::Minutes => format!("{value:+.1}"),
        Unit::Seconds => format!("{value:+.0}"),
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => " points of per cent",
        Unit::Points => " points",
        Unit::Seconds => " s",
        Unit::Minutes => " min",
        Unit::Count => "",
    }
}

fn beside(of: &Beside) -> [String; 5] {
    let enough = FEWEST <= of.n;
    let range = match enough {
        true => format!(" ({} to {})", shown(of.interval.0, of.unit), shown(of.interval.1, of.unit)),
        false => String::new(),
    };
    let p = |p: f64| if enough { format!("{p:.4}") } else { "too few".to_string() };
    let difference = format!("{}{}{range}", shown(of.mean, of.unit), unit(of.unit));
    [of.what.to_string(), of.n.to_string(), difference, p(of.p), p(of.holm_p)]
}

fn seconds(value: f64) -> String {
    if value.is_nan() { "none".to_string() } else { format!("{}:{:02} min", value as u64 / 60, value as u64 % 60) }
}

fn verdict(of: &Compared) -> (String, &'static str) {
    if of.pairs.of() == 0 {
        let both = format!("cannot tell {} and {} apart: no incident can be judged of both", of.first, of.second);
        return (both, "≈");
    }
    let need = match of.needed {
        Some(n) => format!("a difference as large as was seen would need about {n} incidents"),
        None => "no difference was seen".to_string(),
    };
    match of.verdict {
        Verdict::Better => (format!("{} is better than {}", of.second, of.first), "▲"),
        Verdict::Worse => (format!("{} is worse than {}", of.second, of.first), "▼"),
        Verdict::CannotTell => {
            let leaves_out_zero = 0.0 < of.interval.0 || of.interval.1 < 0.0;
            // Both have to say so: with few pairs the interval is the rasher of the two.
            let why = match leaves_out_zero {
                true => format!("the interval leaves out zero and the exact test does not (p {:.2}); ", of.exact_p),
                false => String::new(),
            };
            (
                format!("cannot tell {} and {} apart at {} incidents; {why}{need}", of.first, of.second, of.pairs.of()),
                "≈",
            )
        }
    }
}

/// The shape of a moment, by its name in the page.
fn shape(what: What) -> &'static str {
    match what {
        What::Look => "look",
        What::RightLead => "lead",
        What::Commit => "commit",
        What::Order => "order",
        What::Well => "well",
        What::End => "end",
    }
}

const MOMENTS: [What; 6] = [What::Look, What::RightLead, What::Commit, What::Order, What::Well, What::End];
const BELIEFS: [(&str, &str); 3] = [
    ("believed", "belief in what was true"),
    ("ideal", "its looks, for the ideal observer"),
    ("other", "what the others believed"),
];
/// Marks nearer than so many per cent stand above one another.
const NEAR: f64 = 2.4;

fn lanes(outcomes: &[&Outcome], incident: Option<&(String, u64)>) -> Option<LanesView> {
    let of = |scenario: &str, seed: u64| -> Vec<&Outcome> {
        outcomes.iter().filter(|o| o.scenario == scenario && o.seed == seed && o.repeat == 0).copied().collect()
    };
    let differ = |o: &&&Outcome| of(&o.scenario, o.seed).iter().any(|other| other.correct != o.correct);
    let chosen = || outcomes.iter().find(differ).or(outcomes.first()).map(|o| (o.scenario.clone(), o.seed));
    let (scenario, seed) = incident.cloned().or_else(chosen)?;
    let met: Vec<&Outcome> = of(&scenario, seed).into_iter().filter(|o| !o.moments.is_empty()).collect();
    let first = met.first()?;
    let end = met.iter().flat_map(|o| &o.moments).map(|m| m.at_s).fold(60.0, f64::max);
    let minutes = |s: f64| format!("{}:{:02}", s as u64 / 60, s as u64 % 60);
    let lane = |o: &&Outcome| {
        let mut marks: Vec<(f64, f64, &'static str, String)> = Vec::new();
        for moment in &o.moments {
            let at = moment.at_s / end * 100.0;
            let below = marks.iter().filter(|(x, ..)| (at - x).abs() < NEAR).count();
            let words = format!("{} at {}", moment.what.words(), minutes(moment.at_s));
            marks.push((at, 44.0 - 15.0 * below as f64, shape(moment.what), words));
        }
        let parted = parted(&o.beliefs, &o.ideal, end);
        LaneView {
            believed: steps(&o.beliefs, end),
            ideal: steps(&o.ideal, end),
            curve: curve(&o.beliefs, &o.ideal),
            parted: parted
                .map(|at_s| (at_s / end * 100.0, format!("parts from what could be known at {}", minutes(at_s)))),
            name: o.participant.clone(),
            right: o.correct,
            said: o.blamed.clone().unwrap_or_else(|| "nothing".to_string()),
            words: marks.iter().map(|(.., words)| words.clone()).collect::<Vec<_>>().join(", "),
            marks,
        }
    };
    Some(LanesView {
        incident: format!("{scenario}, {}, seed {seed}", first.variant),
        truth: first.truth.join(" + "),
        ticks: time_ticks(end).iter().map(|t| (t.as_secs_f64() / end * 100.0, t.to_string())).collect(),
        lanes: met.iter().map(lane).collect(),
        lines: if met.iter().any(|o| !o.beliefs.is_empty()) { BELIEFS.to_vec() } else { Vec::new() },
        legend: MOMENTS.iter().map(|what| (shape(*what), what.words())).collect(),
    })
}

/// The box in which beliefs are drawn.
const BOX: (f64, f64) = (1000.0, 40.0);
/// Beliefs that differ by more have parted.
const PARTED: f64 = 0.4;

/// A belief holds until the next one.
fn steps(beliefs: &[Believed], end: f64) -> String {
    let Some(first) = beliefs.first() else { return String::new() };
    let place = |at_s: f64, truth: f64| format!("{:.1},{:.1}", at_s / end * BOX.0, (1.0 - truth) * BOX.1);
    let mut points = vec![place(first.at_s, first.truth)];
    for (before, now) in beliefs.iter().zip(&beliefs[1..]) {
        points.extend([place(now.at_s, before.truth), place(now.at_s, now.truth)]);
    }
    points.push(place(end, beliefs[beliefs.len() - 1].truth));
    points.join(" ")
}

fn at(beliefs: &[Believed], at_s: f64) -> Option<f64> {
    beliefs.iter().take_while(|b| b.at_s <= at_s).last().map(|b| b.truth)
}

/// The first moment at which somebody believed far less in what was true than could be known from the same looks.
fn parted(beliefs: &[Believed], ideal: &[Believed], end: f64) -> Option<f64> {
    let mut moments: Vec<f64> = beliefs.iter().chain(ideal).map(|b| b.at_s).filter(|at_s| *at_s <= end).collect();
    moments.sort_by(f64::total_cmp);
    moments.into_iter().find(|at_s| at(ideal, *at_s).zip(at(beliefs, *at_s)).is_some_and(|(i, b)| PARTED < i - b))
}

fn curve(beliefs: &[Believed], ideal: &[Believed]) -> String {
    let minutes = |s: f64| format!("{}:{:02}", s as u64 / 60, s as u64 % 60);
    let list: Vec<String> =
        beliefs.iter().map(|b| format!("{:.0} % at {}", b.truth * 100.0, minutes(b.at_s))).collect();
    let believed = if list.is_empty() { "said nothing".to_string() } else { list.join(", ") };
    match ideal.last() {
        None => format!("in what was true: {believed}; nobody built an ideal observer here"),
        Some(last) => format!(
            "in what was true: {believed}; its looks came to {:.0} % for the ideal observer",
            last.truth * 100.0
        ),
    }
}

impl View {
    fn of(study: &Study, outcomes: &[&Outcome], incident: Option<&(String, u64)>) -> View {
        let plan = &study.plan;
        let mut sentences = vec![format!(
            "{} of {} runs: {} incidents ({} scenarios, {} seeds each), {} participants, {} tries at each.",
            study.done,
            study.planned,
            study.incidents,
            plan.scenarios.len(),
            plan.seeds.count,
            plan.players().count(),
            plan.repeats
        )];
        sentences.push(format!("On {}.", plan.scenarios.join(", ")));
        if !study.beside.is_empty() {
            let names: Vec<&str> = study.beside.iter().map(|a| a.participant.as_str()).collect();
            sentences.push(format!(
                "Beside the others, unpaired, on another clock or with other prices: {}.",
                names.join(", ")
            ));
        }
        let everybody = || study.alone.iter().chain(&study.joined).chain(&study.beside);
        let models: Vec<&str> = study.models.iter().map(String::as_str).collect();
        sentences.push(format!("Scored by {}.", models.join(", ")));
        sentences.push(
            "Intervals are of 95 %. Of several tries at an incident, the first is paired. A verdict follows from the \
             exact p and the interval, and from nothing else."
                .to_string(),
        );
        sentences.push(format!(
            "What decides is who {}, as the plan said before anything was run; what stands beside it decides nothing.",
            plan.endpoint.words()
        ));
        View {
            title: plan
                .players()
                .chain(study.joined.iter().map(|a| a.participant.as_str()))
                .collect::<Vec<_>>()
                .join(", "),
            sentences,
            parity: study.parity.iter().map(|(says, held)| Held { says: says.clone(), held: *held }).collect(),
            alone: everybody().map(|one| missing(alone(one, study.incidents), plan, outcomes)).collect(),
            compared: study.compared.iter().map(compared).collect(),
            confusion: everybody().map(matrix).collect(),
            runs: outcomes.iter().map(|o| run(o)).collect(),
            left_out: study.left_out.clone(),
            side: SIDE,
            lanes: lanes(outcomes, incident),
        }
    }
}

fn alone(of: &Alone, planned: u32) -> AloneView {
    let (low, high) = of.correct_interval;
    let exact = clopper_pearson(of.first);
    let share = of.correct.value().unwrap_or(0.0);
    let point = |(class, rate): &(u8, Rate)| {
        let (x, y) = (f64::from(*class) + 5.0, rate.value().unwrap_or(0.0) * 100.0);
        let words = format!("said {class} to {} %, right {} of {}", class + 10, rate.hits, rate.of);
        (x / 100.0 * SIDE, SIDE - y / 100.0 * SIDE, 5.0 + libm::sqrt(f64::from(rate.of)), words)
    };
    let passes = of.pass_k.iter().enumerate().map(|(k, p)| format!("{}: {}", k + 1, percent(*p)));
    AloneView {
        name: of.participant.clone(),
        incidents: match of.incidents < planned {
            true => format!("{} of {planned}", of.incidents),
            false => of.incidents.to_string(),
        },
        runs: of.runs,
        missing: Vec::new(),
        failures: of.correct.of - of.correct.hits,
        correct: match of.first == of.correct {
            true => rate(of.correct),
            false => format!(
                "{} ({} of {}); of first tries {}",
                percent(share),
                of.correct.hits,
                of.correct.of,
                rate(of.first)
            ),
        },
        proved: rate(of.grounded),
        exact: format!("{} to {}", percent(exact.0), percent(exact.1)),
        error: match of.scenarios {
            0 | 1 => "of one scenario: none".to_string(),
            n => format!("{}, of {n} scenarios", percent(of.correct_error)),
        },
        decoy_on_trap: rate(of.decoy_on_trap),
        decoy_on_foil: rate(of.decoy_on_foil),
        score: of.score.map_or("no run has one".to_string(), |s| {
            let within = of.score_interval.filter(|_| FEWEST <= of.scored as usize);
            let within = within.map_or(String::new(), |(low, high)| format!(" ({low:.1} to {high:.1})"));
            format!("{s:.1}{within}, of {} of {} runs", of.scored, of.runs)
        }),
        lost: match of.lost_interval.filter(|_| FEWEST <= of.runs as usize) {
            Some((low, high)) => format!("{} ({} to {})", percent(of.lost_share), percent(low.max(0.0)), percent(high)),
            None => percent(of.lost_share),
        },
        harmful: match of.harmful {
            0 => format!("0 of {} (likely below {})", of.runs, percent(none_seen(of.runs))),
            n => format!("{n} of {}", of.runs),
        },
        looks: within(of.looks, of.looks_interval, of.incidents, |n| number(n, 1)),
        cost: within(of.cost_min, of.cost_interval, of.incidents, |n| number(n, 1)),
        spent: of.spent.map_or("no model".to_string(), |(tokens_in, tokens_out, dollars)| {
            format!("{tokens_in} in, {tokens_out} out, {dollars:.2} dollars")
        }),
        commit: within(of.commit_s, of.commit_interval, of.incidents, seconds),
        well: format!(
            "{}; {} of {} runs",
            within(of.well_s, of.well_interval, of.incidents, seconds),
            of.well,
            of.runs
        ),
        wall: of.wall_s.map_or("not measured".to_string(), |s| format!("{s:.1} s")),
        pass_k: passes.collect::<Vec<_>>().join(", "),
        bar: [share, low, high].map(|p| p * 100.0),
        reliability: of.reliability.iter().map(point).collect(),
    }
}

/// With the runs of the plan that it has not played yet.
fn missing(mut of: AloneView, plan: &Plan, outcomes: &[&Outcome]) -> AloneView {
    let there = |cell: &Cell| {
        outcomes.iter().any(|o| {
            (&o.participant, &o.scenario, o.seed, o.repeat)
                == (&cell.participant, &cell.scenario, cell.seed, cell.repeat)
        })
    };
    let cells = plan.incidents(Shard { i: 1, n: 1 }).into_iter().flat_map(|(name, seed)| plan.cells(&name, seed));
    let left = cells.filter(|cell| cell.participant == of.name && !there(cell));
    of.missing = left.map(|cell| format!("{} {} try {}", cell.scenario, cell.seed, cell.repeat + 1)).collect();
    of
}

fn compared(of: &Compared) -> ComparedView {
    let (verdict, glyph) = verdict(of);
    let place = |d: f64| (d + 1.0) / 2.0 * 100.0;
    let points = |d: f64| format!("{:+.1} points of per cent", d * 100.0 + 0.0);
    ComparedView {
        first: of.first.clone(),
        second: of.second.clone(),
        verdict,
        glyph,
        difference: format!(
            "{} ({:+.1} to {:+.1})",
            points(of.difference),
            of.interval.0 * 100.0,
            of.interval.1 * 100.0
        ),
        pairs: format!(
            "both {}, only {} {}, only {} {}, neither {}{}",
            of.pairs.both,
            of.first,
            of.pairs.first,
            of.second,
            of.pairs.second,
            of.pairs.neither,
            match of.unjudged {
                0 => String::new(),
                n => format!("; on {n} proof cannot be judged, since nobody built an ideal observer"),
            }
        ),
        tests: format!(
            "exact p {:.4} (McNemar), mid-p {:.4}, chance that {} is better {:.3} (Jeffreys' prior)",
            of.exact_p, of.mid_p, of.second, of.second_is_better
        ),
        endpoint: of.endpoint.words(),
        beside: of.beside.iter().map(beside).collect(),
        bar: [of.difference, of.interval.0, of.interval.1].map(place),
    }
}

fn matrix(of: &Alone) -> Matrix {
    let mut columns: Vec<String> = of.confusion.values().flat_map(|named| named.keys().cloned()).collect();
    columns.sort();
    columns.dedup();
    let row = |(truth, named): (&String, &std::collections::BTreeMap<String, u32>)| {
        let right = |column: &String| truth.split(" + ").any(|true_one| true_one == column);
        let cells = columns.iter().map(|c| (named.get(c).copied().unwrap_or(0), right(c))).collect();
        (truth.clone(), cells)
    };
    let rows = of.confusion.iter().map(row).collect();
    let parted = |name: String| match name.split_once('.') {
        Some((family, rest)) => (format!("{family}."), rest.to_string()),
        None => (name, String::new()),
    };
    Matrix { name: of.participant.clone(), columns: columns.into_iter().map(parted).collect(), rows }
}

fn run(of: &Outcome) -> RunView {
    let said = match (&of.blamed, of.percent) {
        (Some(blamed), Some(percent)) => format!("{blamed} at {percent} %"),
        (Some(blamed), None) => blamed.clone(),
        (None, _) => "nothing".to_string(),
    };
    let proved = match of.grounded_correct {
        Some(true) => ", proved",
        Some(false) if of.correct => ", not proved",
        _ => "",
    };
    RunView {
        participant: of.participant.clone(),
        incident: format!("{} {} {}", of.scenario, of.variant, of.seed),
        right: of.correct,
        words: format!(
            "said {said}{proved}; it was {}; {:.0} user-minutes lost, {:.0} if nothing had been done",
            of.truth.join(" + "),
            of.lost,
            of.lost_if_nothing
        ),
    }
}
