//! What a facilitator has in hand: the story and what was true, what to expect when (read off a run in which nobody does
//! anything), prepared injects with the commands that make them, questions, and a script for the debrief. It spoils, is for
//! the host alone, and says so on every page.

mod script; // injects, freezes, questions, phases

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use crate::report::hostkit::script::{freezes, injects, phases, questions, start};
use crate::report::page::ticked;
use crate::report::quantity::{grouped, time_ticks};
use crate::report::run::{Moment, MomentKind};
use crate::report::timeline::timeline;
use crate::scenario::lesson::TRAPS;
use crate::scenario::lower::Setup;
use crate::scenario::mechanisms::{NO_FAULT, mechanism};
use crate::scenario::opened::Scenario;
use crate::score::record::pain;
use crate::score::truth::tempting;
use crate::score::whatif::unserved;
use crate::session::code::{Code, CodeError};
use crate::session::seal::LEAD_NS;
use crate::sim::rng::mix;
use crate::sim::series::Series;
use crate::sim::spec::stack::Severity;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::watch::{Watch, WatchError};

const TEMPLATES: [(&str, &str); 4] = [
    ("hostkit.html", include_str!("hostkit/hostkit.html")),
    ("hostkit.css", include_str!("hostkit/hostkit.css")),
    ("hostkit.js", include_str!("hostkit/hostkit.js")),
    ("debrief.css", include_str!("debrief/debrief.css")),
];

/// Why there is no kit.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// No code can be made.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The world cannot be run.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

/// A facilitator's kit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kit {
    /// As in `INC-4127`.
    pub case: String,
    /// What teams begin with.
    pub code: String,
    /// The author's title.
    pub title: String,
    /// The scenario, variant and seed.
    pub scenario: String,
    /// Which variant.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// What the page says.
    pub page: String,
    /// What teams are told.
    pub briefing: String,
    /// What was true.
    pub story: String,
    /// Minutes from the opening to the end, and from the beginning of a session.
    pub minutes: u32,
    /// From 1 to 5.
    pub difficulty: u8,
    /// What whoever has played it can do.
    pub goal: String,
    /// Traps that it trains, in words.
    pub traps: Vec<String>,
    /// Causes, in plain words with their mechanism.
    pub causes: Vec<String>,
    /// What is true and harmless.
    pub decoys: Vec<String>,
    /// What is taken for the cause.
    pub tempting: Vec<String>,
    /// What happens when, if nobody acts.
    pub expect: Vec<Expect>,
    /// What users lose if nobody acts, in a sentence.
    pub harm: String,
    /// Prepared injects.
    pub injects: Vec<Inject>,
    /// Freezes: when, what to ask, what is true then if nobody has acted.
    pub freezes: Vec<Freeze>,
    /// Questions to ask.
    pub questions: Vec<String>,
    /// The debrief.
    pub phases: Vec<Phase>,
    /// Commands that begin teams.
    pub start: Vec<String>,
    #[serde(skip)]
    chart: Chart,
}

/// A moment to expect.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expect {
    /// Time of day.
    pub time: String,
    /// Minutes and seconds after the page.
    pub after: String,
    /// What kind of moment.
    pub kind: &'static str,
    /// Its mark.
    pub glyph: char,
    /// What.
    pub text: String,
    /// Whether those who play can see it.
    pub seen: bool,
}

/// A prepared inject.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inject {
    /// Minutes and seconds after the page at which it fits.
    pub after: String,
    /// Time of day.
    pub time: String,
    /// What it is.
    pub what: &'static str,
    /// What it is for.
    pub why: String,
    /// The commands, as they are typed at a console whose host's seat is open.
    pub commands: Vec<String>,
}

/// A moment to freeze at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Freeze {
    /// Minutes and seconds after the page.
    pub after: String,
    /// Time of day.
    pub time: String,
    /// The commands.
    pub commands: Vec<String>,
    /// What is true then, if nobody has acted.
    pub truth: Vec<String>,
}

/// A phase of the debrief.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phase {
    /// Its name.
    pub name: &'static str,
    /// How long it takes.
    pub minutes: u32,
    /// What it is for.
    pub aim: &'static str,
    /// What to say and ask.
    pub prompts: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Chart {
    unserved: String,
    hits: String,
    marks: Vec<Tick>,
    ticks: Vec<Tick>,
    sentence: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Tick {
    at: f64,
    text: String,
    class: &'static str,
}

/// Draws a kit.
pub fn html(kit: &Kit) -> String {
    #[derive(Serialize)]
    struct View<'a> {
        kit: &'a Kit,
        chart: &'a Chart,
    }
    let mut templates = Environment::new();
    templates.add_filter("ticked", ticked);
    for (name, text) in TEMPLATES {
        templates.add_template(name, text).expect("the templates are part of the program and tested");
    }
    let page = templates.get_template("hostkit.html").expect("it was added above");
    page.render(Serde(View { kit, chart: &kit.chart }))
        .expect("the view has every name that the template uses, and is tested")
}

/// The kit of a variant under a seed, from a run in which nobody does anything.
///
/// # Errors
/// No code can be made, or the world cannot be run.
pub fn kit(scenario: &Scenario, variant: &str, seed: u64) -> Result<Kit, KitError> {
    let code = Code::of(scenario, variant, seed)?.text();
    let file = &scenario.file;
    // As sessions that begin with the code: their ids are salted alike.
    let mut watch = Watch::new(file, variant, seed, mix(seed, 0x5a17))?;
    let paged_at = watch.run_to_first_page();
    let (open_at, horizon) = watch.world.window();
    watch.advance_to(horizon);
    let calendar = watch.scene.calendar;
    let alerts = watch.alerts.history().to_vec();
    let ended = watch.world.finish();
    let setup = Setup { variant: Some(variant.to_string()), ..Setup::default() };
    let moments = timeline(file, &setup, &ended);
    let teller = Teller { open_at, paged_at, horizon, clock: Box::new(move |at| calendar.clock(at)) };

    let mut expect: Vec<(SimTime, Expect)> = moments.iter().map(|m| teller.moment(m)).collect();
    for alert in alerts {
        let kind = if alert.severity == Severity::Page { "pages" } else { "ticket" };
        expect.push(teller.expect(
            alert.fired,
            "alert",
            '▲',
            format!("{kind}: {} ({})", alert.name, alert.summary),
            true,
        ));
        if let Some(at) = alert.resolved {
            expect.push(teller.expect(at, "alert", '▽', format!("over: {}", alert.name), true));
        }
    }
    for line in &file.history.chat {
        let at = paged_at + SimDuration::from_secs_f64(line.after_page_s);
        if at < horizon {
            expect.push(teller.expect(at, "chat", '“', format!("{}: {}", line.from, line.text), true));
        }
    }
    expect.push(teller.expect(paged_at, "page", '▲', format!("the page: {}", file.page), true));
    expect.sort_by_key(|(at, _)| *at);

    let own = file.variants.iter().find(|v| v.name == variant);
    let here = |ids: Option<&Vec<String>>, list: &[crate::scenario::file::CauseSpec]| -> Vec<String> {
        let ids = ids.cloned().unwrap_or_default();
        let told = |c: &crate::scenario::file::CauseSpec| match c.mechanism.as_str() {
            "" => c.says.clone(),
            mechanism => format!("{} ({mechanism})", c.says),
        };
        list.iter().filter(|c| ids.contains(&c.id)).map(told).collect()
    };
    let true_ones: Vec<String> = (file.causes.iter())
        .filter(|c| own.is_some_and(|v| v.causes.contains(&c.id)))
        .map(|c| c.mechanism.clone())
        .collect();
    let mut tempts = tempting(scenario, variant);
    tempts.retain(|m| !true_ones.contains(m) && m != NO_FAULT);
    let trap = |code: &String| TRAPS.iter().find(|(known, _)| known == code).map(|(_, says)| (*says).to_string());
    let traps: Vec<String> = file.lesson.traps.iter().filter_map(trap).collect();
    let lost = ended.harm.user_minutes_lost;
    let share = if ended.harm.user_minutes_at_stake <= 0.0 { 0.0 } else { lost / ended.harm.user_minutes_at_stake };
    let lasting = match pain(&ended.series) {
        None => "nobody is in pain for long".to_string(),
        Some(p) => {
            let clock = |s: f64| (teller.clock)(open_at + SimDuration::from_secs_f64(s));
            match p.until_s {
                Some(until) => format!("in pain from {} to {}", clock(p.from_s), clock(until)),
                None => format!("in pain from {} to the end", clock(p.from_s)),
            }
        }
    };
    let story = own.map(|v| v.story.clone()).filter(|s| !s.is_empty()).unwrap_or_else(|| file.story.clone());
    let minutes = (horizon.since(SimTime(paged_at.0.saturating_sub(LEAD_NS))).as_secs_f64() / 60.0).round() as u32;
    Ok(Kit {
        case: format!("INC-{}", file.case),
        title: file.title.clone(),
        scenario: scenario.name.clone(),
        variant: variant.to_string(),
        seed,
        page: file.page.clone(),
        briefing: file.briefing.clone(),
        story,
        minutes,
        difficulty: file.difficulty,
        goal: file.lesson.goal.clone(),
        causes: here(own.map(|v| &v.causes), &file.causes),
        decoys: here(own.map(|v| &v.decoys), &file.decoys),
        tempting: tempts.iter().map(|m| mechanism(m).map_or(m.clone(), |m| format!("{} ({})", m.is, m.id))).collect(),
        expect: folded(expect.into_iter().map(|(_, e)| e).collect()),
        harm: format!(
            "If nobody acts, users lose {} minutes, {:.0} % of what they wanted; {lasting}.",
            grouped(&format!("{lost:.0}")),
            share * 100.0
        ),
        injects: injects(scenario, variant, seed, &teller, &tempts, &true_ones),
        freezes: freezes(&ended.series, &teller),
        questions: questions(scenario, &traps, &true_ones, &tempts),
        phases: phases(),
        start: start(&code),
        chart: chart(&ended.series, &teller),
        traps,
        code,
    })
}

/// What controllers do at one moment stands in one line.
fn folded(lines: Vec<Expect>) -> Vec<Expect> {
    let mut told: Vec<Expect> = Vec::new();
    for line in lines {
        match told.last_mut().filter(|last| line.kind == "action" && last.kind == line.kind && last.time == line.time) {
            Some(last) => last.text = format!("{}; {}", last.text, line.text),
            None => told.push(line),
        }
    }
    told
}

/// What a moment is called.
struct Teller {
    open_at: SimTime,
    paged_at: SimTime,
    horizon: SimTime,
    clock: Box<dyn Fn(SimTime) -> String>,
}

impl Teller {
    fn after(&self, at: SimTime) -> String {
        let (sign, span) =
            if at < self.paged_at { ("-", self.paged_at.since(at)) } else { ("+", at.since(self.paged_at)) };
        let whole = span.as_secs_f64().round() as u64;
        format!("{sign}{}:{:02}", whole / 60, whole % 60)
    }

    fn expect(&self, at: SimTime, kind: &'static str, glyph: char, text: String, seen: bool) -> (SimTime, Expect) {
        (at, Expect { time: (self.clock)(at), after: self.after(at), kind, glyph, text, seen })
    }

    fn moment(&self, moment: &Moment) -> (SimTime, Expect) {
        let at = self.open_at + SimDuration(moment.at.0);
        let seen = matches!(moment.kind, MomentKind::Action | MomentKind::Page);
        self.expect(at, moment.kind.word(), moment.kind.glyph(), moment.text.clone(), seen)
    }

    /// So long after the page, or that share of the time that is left where there is less.
    fn moment_at(&self, after_s: f64) -> SimTime {
        let left_s = self.horizon.since(self.paged_at.min(self.horizon)).as_secs_f64();
        // The shift may be short: what was meant for twenty minutes is squeezed into it.
        self.paged_at + SimDuration::from_secs_f64(after_s * (left_s / 1200.0).min(1.0))
    }
}

fn chart(series: &Series, teller: &Teller) -> Chart {
    let end_s = (teller.horizon.as_secs_f64() - teller.open_at.as_secs_f64()).max(1.0);
    let along = |s: f64| (s / end_s * 100.0).clamp(0.0, 100.0);
    let path = |values: &[Option<f64>]| {
        let mut d = String::new();
        let mut drawing = false;
        for (t, value) in series.t_s.iter().zip(values) {
            if let Some(v) = value {
                let (x, y) = (along(*t) * 10.0, 100.0 - v.clamp(0.0, 1.0) * 100.0);
                d.push_str(&format!("{}{x:.1} {y:.1}", if drawing { 'L' } else { 'M' }));
            }
            drawing = value.is_some();
        }
        d
    };
    let hurt = unserved(series);
    let worst = hurt.iter().copied().fold(0.0, f64::max);
    let paged_s = teller.paged_at.as_secs_f64() - teller.open_at.as_secs_f64();
    let tick = |t: &SimTime| {
        let at = along(t.as_secs_f64());
        let class = match at {
            a if a < 5.0 => "first",
            a if 95.0 < a => "last",
            _ => "",
        };
        Tick { at, text: (teller.clock)(teller.open_at + SimDuration(t.0)), class }
    };
    Chart {
        unserved: path(&hurt.into_iter().map(Some).collect::<Vec<_>>()),
        hits: path(&series.hit_ratio),
        marks: vec![Tick { at: along(paged_s), text: "page".to_string(), class: "" }],
        ticks: time_ticks(end_s).iter().map(tick).collect(),
        sentence: format!(
            "Share of what users wanted that is not served in time if nobody acts: at worst {:.0} %.",
            worst * 100.0
        ),
    }
}
