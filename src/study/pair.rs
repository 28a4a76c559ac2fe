//! The pair: two cases behind one page, read by the correlator, and what was true of each. Everything that is said of them
//! rests on runs of the same users: nothing done, servers added, the cause taken away.

use std::sync::Arc;

use serde::Serialize;

use crate::assistant::correlator::{SURE, read};
use crate::assistant::hand::Hand;
use crate::scenario::apply::parse;
use crate::scenario::file::VariantSpec;
use crate::scenario::mechanisms::{NO_FAULT, mechanism};
use crate::scenario::opened::{Scenario, ScenarioError};
use crate::score::check::first_onset;
use crate::score::runs::{Ask, Progress, Ran, Runs};
use crate::session::Session;
use crate::session::prices;
use crate::sim::rng::mix;
use crate::sim::series::Series;
use crate::sim::spec::TimedAction;
use crate::sim::spec::action::Action;
use crate::sim::time::SimTime;
use crate::study::outcome::{OutcomeError, sealed, terms};

/// Which of the two comes first is read off this stream, so that the order tells nothing.
const ORDER: u64 = 0x7061_6972;
/// What an incident is said to be like is the mean over so many seconds from the page on; usual is what was before the first
/// onset.
const LOOKED_AT_S: f64 = 240.0;

/// Two cases with one page.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// The scenario.
    pub scenario: String,
    /// The seed: the same users in both, up to the launch that only one of them has.
    pub seed: u64,
    /// What both were paged with.
    pub page: String,
    /// What both were told on arrival.
    pub briefing: String,
    /// The note of whoever was on call before.
    pub handover: String,
    /// The two.
    pub cases: Vec<Told>,
}

/// One of them.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// `A` or `B`.
    pub letter: char,
    /// Its variant.
    pub variant: String,
    /// What the correlator said.
    pub said: String,
    /// The mechanism that it blamed.
    pub blamed: String,
    /// How sure it was, in per cent.
    pub percent: u8,
    /// What it would order.
    pub orders: Vec<String>,
    /// Whether the mechanism that it blamed was a cause.
    pub right: bool,
    /// What was true, in the author's words.
    pub story: String,
    /// The mechanisms that were true.
    pub truth: Vec<String>,
    /// The same in plain words.
    pub is: Vec<String>,
    /// Seconds from the opening to the page.
    pub paged_s: f64,
    /// Seconds from the opening to the moment at which the correlator had spoken.
    pub spoke_s: f64,
    /// Before the first onset, and after the page.
    pub moved: Vec<Moved>,
    /// User-minutes in other worlds.
    pub bars: Vec<Bar>,
    /// What truly happened, nothing done.
    #[serde(skip)]
    pub series: Series,
}

/// A line before and after.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    /// What it is.
    pub name: &'static str,
    /// Its unit, for a number that stands before it.
    pub unit: &'static str,
    /// Mean up to the first onset.
    pub before: f64,
    /// Mean over the minutes after the page.
    pub after: f64,
    /// Whether everybody who opens the first board sees it.
    pub at_a_glance: bool,
}

/// User-minutes lost in a world.
#[derive(Clone, Debug, Serialize)]
pub struct Bar {
    /// What was done in it.
    pub name: String,
    /// What has to be said of it; empty if nothing has.
    pub note: String,
    /// User-minutes lost.
    pub lost: f64,
    /// Whether this is what the correlator asked for.
    pub servers: bool,
}

/// Reads the first variant of a scenario and its twin, and runs what there is to prove of them.
///
/// # Errors
/// The scenario has no twin, or a run does not fit it.
pub fn pair(scenario: &Scenario, seed: u64, progress: Progress<'_>) -> Result<Pair, OutcomeError> {
    let file = &scenario.file;
    let trap = file.variants.iter().find(|v| !v.foil);
    let foil = file.variants.iter().find(|v| v.foil);
    let (Some(trap), Some(foil)) = (trap, foil) else {
        let error = crate::sim::spec::SpecError::new("variants", "there is no pair: one variant has to be a foil");
        return Err(ScenarioError::Setup(vec![error]).into());
    };
    let mut variants = [trap, foil];
    if mix(seed, ORDER) % 2 == 1 {
        variants.reverse();
    }
    let told = variants.iter().zip(['A', 'B']).map(|(variant, letter)| told(scenario, variant, letter, seed, progress));
    Ok(Pair {
        scenario: scenario.name.clone(),
        seed,
        page: file.page.clone(),
        briefing: file.briefing.clone(),
        handover: file.handover.clone(),
        cases: told.collect::<Result<_, _>>()?,
    })
}

fn told(
    scenario: &Scenario,
    variant: &VariantSpec,
    letter: char,
    seed: u64,
    progress: Progress<'_>,
) -> Result<Told, OutcomeError> {
    let file = &scenario.file;
    let (seal, watch) = sealed(scenario, Some(&variant.name), seed)?;
    let paged_at = SimTime(seal.paged_at_ns);
    let mut session = match watch {
        Some(watch) => Session::watching(scenario.clone(), seal, terms(), watch),
        None => Session::open(scenario.clone(), seal, terms())?,
    };
    let mut hand = Hand::new(&mut session, "correlator", seed);
    let reading = read(&mut hand).ok();
    drop(hand);
    let (open_at, _) = session.watch().world.window();
    let spoke_at = session.now();
    let best = reading.as_ref().and_then(|r| r.findings.first());
    let orders = reading.as_ref().map(|r| r.orders.clone()).unwrap_or_default();
    // Whatever is done is done when it had spoken: to find the lever takes as long for everybody.
    let at = spoke_at + prices::ORDER;
    let order = |text: &String| Some(TimedAction { at, action: parse(text).ok()? });
    let servers: Vec<TimedAction> = orders.iter().filter_map(order).filter(|o| is_scale(&o.action)).collect();
    let mends: Vec<TimedAction> = variant.mends.iter().filter_map(order).collect();
    let ask = |without: Vec<String>, orders: &[TimedAction]| Ask {
        variant: variant.name.clone(),
        seed,
        without,
        orders: orders.to_vec(),
        ..Ask::default()
    };
    let mut asks = vec![ask(Vec::new(), &[]), ask(variant.causes.clone(), &[])];
    asks.extend([&servers, &mends].into_iter().filter(|o| !o.is_empty()).map(|orders| ask(Vec::new(), orders)));
    let ran = Runs::new(scenario).all(&asks, progress)?;
    let (nothing, healthy) = (&ran[0], &ran[1]);
    let mut others = ran[2..].iter();
    let mut bars = vec![bar("nothing done", "", nothing, false)];
    if !servers.is_empty() {
        let added = others.next().map_or(nothing, |ran| ran);
        let most_ready = |ran: &Ran| ran.series.ready_replicas.iter().copied().fold(0.0, f64::max);
        let note = match most_ready(nothing) < most_ready(added) + 0.5 && most_ready(added) < most_ready(nothing) + 0.5
        {
            true => format!(
                "no machine was free for them: {:.0} replicas were ready at most, as without",
                most_ready(added)
            ),
            false => String::new(),
        };
        bars.push(bar("had we added servers, as it asked", &note, added, true));
        let granted = granted(scenario, &servers, &ask(Vec::new(), &servers), progress)?;
        let note = "in a cell with as many free machines as the order asks for, which this one has not";
        bars.push(bar("had there been machines for them", note, &granted, true));
    }
    if !mends.is_empty() {
        let name = format!("had we done what helps: {}", variant.mends.join(", then "));
        bars.push(bar(&name, "", others.next().map_or(nothing, |ran| ran), false));
    }
    bars.push(bar("the same users, cause taken away", "", healthy, false));
    let truth: Vec<String> =
        file.causes.iter().filter(|c| variant.causes.contains(&c.id)).map(|c| c.mechanism.clone()).collect();
    let blamed = best.map_or(NO_FAULT, |b| b.mechanism);
    let paged_s = paged_at.since(open_at.min(paged_at)).as_secs_f64();
    let story = if variant.story.is_empty() { &file.story } else { &variant.story };
    Ok(Told {
        letter,
        variant: variant.name.clone(),
        said: best.map_or_else(|| "Nothing moved.".to_string(), |b| b.says.clone()),
        blamed: blamed.to_string(),
        percent: SURE,
        orders,
        right: truth.iter().any(|m| m == blamed),
        story: story.clone(),
        is: truth.iter().map(|m| mechanism(m).map_or(m.clone(), |m| m.is.to_string())).collect(),
        truth,
        paged_s,
        spoke_s: spoke_at.since(open_at.min(spoke_at)).as_secs_f64(),
        moved: moved(&nothing.series, first_onset(file).as_secs_f64(), paged_s),
        bars,
        series: nothing.series.clone(),
    })
}

fn is_scale(action: &Action) -> bool {
    matches!(action, Action::Scale { .. })
}

fn bar(name: &str, note: &str, ran: &Ran, servers: bool) -> Bar {
    Bar { name: name.to_string(), note: note.to_string(), lost: ran.lost(), servers }
}

/// The run in a cell that has a free machine for each replica of the orders.
fn granted(
    scenario: &Scenario,
    servers: &[TimedAction],
    ask: &Ask,
    progress: Progress<'_>,
) -> Result<Arc<Ran>, OutcomeError> {
    let mut file = (*scenario.file).clone();
    let wanted = servers.iter().map(|o| if let Action::Scale { replicas, .. } = &o.action { *replicas } else { 0 });
    let wanted = u16::try_from(wanted.map(u64::from).sum::<u64>()).unwrap_or(u16::MAX);
    file.stack.fleet.spare_nodes = file.stack.fleet.spare_nodes.saturating_add(wanted);
    let wider = Scenario { name: scenario.name.clone(), file: Arc::new(file) };
    let ran = Runs::new(&wider).all(std::slice::from_ref(ask), progress)?;
    Ok(Arc::clone(&ran[0]))
}

fn moved(series: &Series, onset_s: f64, paged_s: f64) -> Vec<Moved> {
    let counted = |column: &[f64]| column.iter().copied().map(Some).collect::<Vec<_>>();
    let lines = [
        ("requests incl. retries", "/s", counted(&series.attempts_per_s), true),
        ("unique requests", "/s", counted(&series.intents_per_s), false),
        ("prompt tokens found in caches", "%", series.hit_ratio.iter().map(|v| v.map(|v| v * 100.0)).collect(), false),
        ("prompt tokens computed for each request", "", series.prefill_tokens_per_request.clone(), false),
    ];
    let mean = |column: &[Option<f64>], from: f64, to: f64| {
        let inside = series.t_s.iter().zip(column).filter(|(t, _)| from < **t && **t <= to).filter_map(|(_, v)| *v);
        let (sum, n) = inside.fold((0.0, 0u32), |(sum, n), v| (sum + v, n + 1));
        if n == 0 { 0.0 } else { sum / f64::from(n) }
    };
    let line = |(name, unit, column, at_a_glance): (_, _, Vec<Option<f64>>, _)| Moved {
        name,
        unit,
        before: mean(&column, 0.0, onset_s),
        after: mean(&column, paged_s, paged_s + LOOKED_AT_S),
        at_a_glance,
    };
    lines.into_iter().map(line).collect()
}
