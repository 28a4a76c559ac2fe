//! The debrief as one self-contained HTML page: two verdicts, turning points with the flip, what-if curves, the score with
//! its reasons, the timeline. It needs no network, and no script to be read.

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use crate::report::flip::{self, Drawing, Frame, happening, ribbon, seen};
use crate::report::quantity::{grouped, time_ticks};
use crate::scenario::lesson::Told;
use crate::scenario::mechanisms::{family, mechanism};
use crate::score::card::Measure;
use crate::score::check::first_onset;
use crate::score::debrief::{Debrief, Verdict};
use crate::score::shapley::NEGLIGIBLE;
use crate::score::story::{Kind, Line};
use crate::score::tell;
use crate::session::Session;
use crate::sim::time::{SimDuration, SimTime};

const TEMPLATES: [(&str, &str); 3] = [
    ("debrief.html", include_str!("debrief/debrief.html")),
    ("debrief.css", include_str!("debrief/debrief.css")),
    ("debrief.js", include_str!("debrief/debrief.js")),
];

/// At most so many turning points.
const TURNS: usize = 3;
/// A turning point can be scrubbed so many steps each way.
const STEPS: i64 = 16;
/// Length of a step.
const STEP_S: i64 = 15;
/// Marks nearer to each other than so many per cent of the width share a label.
const CLOSE: f64 = 4.0;
/// Usual is what was there so long after the opening, unless something begins before.
const USUAL_S: f64 = 180.0;

/// Draws the debrief of a session. `lessons` are sentences on what would have told: none if nobody can say.
pub fn html(session: &Session, debrief: &Debrief, lessons: &[String]) -> String {
    let mut templates = Environment::new();
    for (name, text) in TEMPLATES {
        templates.add_template(name, text).expect("the templates are part of the program and tested");
    }
    let page = templates.get_template("debrief.html").expect("it was added above");
    let view = View::of(session, debrief, lessons);
    page.render(Serde(view)).expect("the view has every name that the template uses, and is tested")
}

#[derive(Serialize)]
struct View {
    case: String,
    title: String,
    headline: String,
    verdict: &'static str,
    mark: &'static str,
    grounding: String,
    lessons: Vec<String>,
    story: String,
    firing: String,
    pain: String,
    lost: String,
    bands: Vec<Band>,
    best: String,
    orders: Vec<OrderView>,
    turns: Vec<Turn>,
    chart: Chart,
    causes: Vec<CauseView>,
    decoys: Vec<CauseView>,
    score: ScoreView,
    lesson: Option<LessonView>,
    assistant: Vec<String>,
    formula: &'static str,
    timeline: Vec<TimelineView>,
}

/// What the incident is for.
#[derive(Serialize)]
struct LessonView {
    told: Told,
    axes: Vec<(&'static str, u8)>,
}

/// User-minutes as a bar.
#[derive(Serialize)]
struct Band {
    name: &'static str,
    lost: String,
    percent: f64,
    line: usize,
}

#[derive(Serialize)]
struct OrderView {
    time: String,
    action: String,
    effect: String,
    sooner: String,
    /// From -1 (it saved all there was to save) to 1.
    percent: f64,
    saved: bool,
    lasting: bool,
    leaves: Option<String>,
}

/// A turning point: a moment, and the stack around it in both ways.
#[derive(Serialize)]
struct Turn {
    number: usize,
    time: String,
    says: String,
    seen: String,
    happening: String,
    left: Drawing,
    right: Drawing,
    left_text: String,
    right_text: String,
    at: usize,
    last: usize,
    /// Frames as JSON for the script.
    frames: String,
}

#[derive(Serialize)]
struct FrameView {
    time: String,
    sides: [Side; 2],
}

#[derive(Serialize)]
struct Side {
    rows: Vec<(String, String, f64, flip::State)>,
    new_width: f64,
    again_width: f64,
    again: String,
    text: String,
}

#[derive(Serialize)]
struct Chart {
    curves: Vec<CurveView>,
    x_ticks: Vec<Tick>,
    marks: Vec<Tick>,
    sentence: String,
    rows: Vec<(String, Vec<String>)>,
}

#[derive(Serialize)]
struct CurveView {
    name: &'static str,
    d: String,
    lost: String,
}

#[derive(Serialize)]
struct Tick {
    at: f64,
    text: String,
    class: &'static str,
}

#[derive(Serialize)]
struct CauseView {
    says: String,
    more: String,
    percent: f64,
}

#[derive(Serialize)]
struct ScoreView {
    model: &'static str,
    total: String,
    gates: Vec<&'static str>,
    parts: Vec<PartView>,
    lost: String,
    measures: Vec<MeasureView>,
}

#[derive(Serialize)]
struct PartView {
    name: &'static str,
    weight: String,
    points: String,
    percent: f64,
    judged: bool,
}

#[derive(Serialize)]
struct MeasureView {
    id: &'static str,
    name: &'static str,
    value: String,
    formula: &'static str,
    inputs: Vec<(String, String)>,
    log: String,
}

#[derive(Serialize)]
struct TimelineView {
    time: String,
    kind: &'static str,
    glyph: char,
    text: String,
    event: Option<u64>,
    turn: Option<usize>,
}

fn whole(value: f64) -> String {
    let text = grouped(&format!("{value:.0}"));
    if text == "-0" { "0".to_string() } else { text }
}

impl View {
    fn of(session: &Session, debrief: &Debrief, lessons: &[String]) -> View {
        let users = &debrief.users;
        let turning = turning_points(debrief);
        let most = users.lost.max(users.lost_if_nothing).max(users.lost_at_best).max(1e-9);
        let band = |name, lost: f64, line| Band { name, lost: whole(lost), percent: lost / most * 100.0, line };
        let pain = tell::pain(users);
        let best: Vec<String> = users.best.iter().map(|o| format!("{} at {}", o.action, o.time)).collect();
        View {
            case: debrief.case.clone(),
            title: debrief.title.clone(),
            headline: tell::headline(debrief),
            verdict: tell::verdict(debrief),
            mark: match debrief.cause.verdict {
                Verdict::Right => "●",
                Verdict::Half => "◐",
                Verdict::Wrong => "✕",
                Verdict::LeftOpen | Verdict::Silent => "○",
            },
            grounding: debrief.cause.grounding.to_string(),
            lessons: lessons.to_vec(),
            story: debrief.story.clone(),
            firing: tell::still_firing(&debrief.users),
            pain,
            lost: whole(users.lost),
            bands: vec![
                band("you", users.lost, 0),
                band("nothing done", users.lost_if_nothing, 1),
                band("best found", users.lost_at_best, 2),
            ],
            best: match (users.was_best, best.is_empty()) {
                (true, _) => format!("Nothing better was found in {} tries.", users.tried),
                (false, true) => format!("Nothing that was tried helps, in {} tries.", users.tried),
                _ => format!("The best found in {} tries: {}.", users.tried, best.join(", then ")),
            },
            orders: orders(debrief),
            turns: turns(session, debrief, &turning),
            chart: chart(session, debrief, &turning),
            causes: debrief.truth.causes.iter().map(cause).collect(),
            decoys: debrief
                .truth
                .decoys
                .iter()
                .map(|d| CauseView {
                    says: d.says.clone(),
                    more: match d.harmless {
                        true => "true, and harmless".to_string(),
                        false => format!("moved {} user-minutes", whole(d.effect)),
                    },
                    percent: 0.0,
                })
                .collect(),
            score: score(debrief),
            lesson: debrief.lesson.clone().map(|told| LessonView { axes: told.difficulty.axes().to_vec(), told }),
            assistant: debrief.reliance.as_ref().map(|r| r.says()).unwrap_or_default(),
            formula: debrief.reliance.as_ref().map_or("", |r| r.formula),
            timeline: debrief.timeline.iter().map(|line| timeline_line(line, &turning)).collect(),
        }
    }
}

fn cause(cause: &crate::score::truth::TrueCause) -> CauseView {
    CauseView {
        says: cause.says.clone(),
        more: format!("{}; {}", cause.role.word(), cause.mechanism),
        percent: cause.share * 100.0,
    }
}

fn orders(debrief: &Debrief) -> Vec<OrderView> {
    let orders = &debrief.users.orders;
    let most = orders.iter().map(|o| o.effect.abs()).fold(debrief.users.lost_if_nothing / 4.0, f64::max).max(1.0);
    let view = |order: &crate::score::debrief::Ordered| {
        let sooner = debrief.users.lost - order.lost_at_first_chance;
        OrderView {
            time: order.time.clone(),
            action: order.action.clone(),
            effect: match (&order.refused, order.effect) {
                (Some(why), _) => format!("not carried out: {why}"),
                (None, e) if e.abs() < 0.5 => "changed nothing for users".to_string(),
                (None, e) if e < 0.0 => format!("saved {} user-minutes", whole(-e)),
                (None, e) => format!("cost {} user-minutes", whole(e)),
            },
            sooner: if sooner < 0.5 { String::new() } else { format!("at the first chance {} more", whole(sooner)) },
            percent: (order.effect.abs() / most * 100.0).min(100.0),
            saved: order.effect < 0.0,
            lasting: !order.reversible,
            leaves: tell::leaves(order),
        }
    };
    orders.iter().map(view).collect()
}

/// The moments that decided most, in order of time: when the mind was first made up, the order that moved users most, and
/// the last word; the page, where nothing else is left.
pub fn turning_points(debrief: &Debrief) -> Vec<Line> {
    let timeline = &debrief.timeline;
    let beliefs: Vec<&Line> = timeline.iter().filter(|l| l.kind == Kind::Belief).collect();
    let mut found: Vec<Line> = beliefs.first().into_iter().chain(beliefs.last()).map(|l| (*l).clone()).collect();
    // Orders stand in the log in the order in which they were given.
    let given = timeline.iter().filter(|l| l.kind == Kind::Order && l.event.is_some());
    let orders = debrief.users.orders.iter().zip(given).filter(|(order, _)| order.refused.is_none());
    found.extend(orders.max_by(|(a, _), (b, _)| a.effect.abs().total_cmp(&b.effect.abs())).map(|(_, l)| l.clone()));
    found.sort_by_key(|l| (l.at, l.event));
    found.dedup_by_key(|l| l.event);
    if found.is_empty() {
        found.extend(timeline.iter().find(|l| l.kind == Kind::Page).cloned());
    }
    found.truncate(TURNS);
    found
}

/// The layer of a mechanism, from users down.
fn layer(mechanism: &str) -> Option<usize> {
    Some(match family(mechanism) {
        "demand" | "sdk" => 0,
        "network" => 1,
        "api" => 2,
        "serving" | "control" => 3,
        "accelerator" => 4,
        "kv_cache" => 5,
        _ => return None,
    })
}

fn turns(session: &Session, debrief: &Debrief, turning: &[Line]) -> Vec<Turn> {
    let watch = session.watch();
    let file = &session.scenario().file;
    let (open_at, _) = watch.world.window();
    let calendar = watch.scene.calendar;
    let store = watch.world.scraped();
    let series = &debrief.whatif.series;
    let last_s = watch.world.now().as_secs_f64() - open_at.as_secs_f64();
    let moment = |at_s: f64| open_at + SimDuration::from_secs_f64(at_s.max(0.0));
    let seen_at = |at_s: f64| seen::ask(store, (moment(at_s).0 / 1_000_000) as i64);
    let usual_s = USUAL_S.min((first_onset(file).as_secs_f64() - 5.0).max(15.0));
    let (usually_seen, usually) = (seen_at(usual_s), happening::at(series, usual_s));
    let usual_per_s = usually.unique_per_s();
    let named = |c: &&crate::score::truth::TrueCause| NEGLIGIBLE <= c.share;
    let causes: Vec<(usize, String)> = (debrief.truth.causes.iter().filter(named))
        .filter_map(|c| Some((layer(&c.mechanism)?, mechanism(&c.mechanism)?.is.to_string())))
        .collect();
    let frames_at = |at_s: f64| -> (Frame, Frame) {
        let time = calendar.clock(moment(at_s));
        let left = seen::frame(time.clone(), &seen_at(at_s), &usually_seen);
        (left, happening::frame(time, &happening::at(series, at_s), &usually))
    };
    let side = |frame: &Frame| Side {
        rows: frame.rows.iter().map(|r| (r.main.clone(), r.beside.clone(), flip::filled(r), r.state)).collect(),
        new_width: ribbon(frame.new_per_s, usual_per_s),
        again_width: ribbon(frame.again_per_s, usual_per_s),
        again: flip::again(frame.again_per_s),
        text: frame.text(),
    };
    let turn = |(place, line): (usize, &Line)| {
        let at_s = (line.at.as_secs_f64() - open_at.as_secs_f64()).min(last_s);
        let moments: Vec<f64> = (-STEPS..=STEPS)
            .map(|step| at_s + (step * STEP_S) as f64)
            .filter(|s| *s == at_s || (0.0 <= *s && *s <= last_s))
            .collect();
        let at = moments.iter().position(|s| *s == at_s).unwrap_or(0);
        let frames: Vec<FrameView> = (moments.iter())
            .map(|s| {
                let (left, right) = frames_at(*s);
                FrameView { time: left.time.clone(), sides: [side(&left), side(&right)] }
            })
            .collect();
        let (left, right) = frames_at(at_s);
        let requests = &left.rows[1];
        Turn {
            number: place + 1,
            time: line.time.clone(),
            says: line.text.clone(),
            seen: format!("{}, {}; {}", requests.main, requests.beside, left.rows[3].beside),
            happening: happening::at(series, at_s).sentence(&usually),
            left_text: left.text(),
            right_text: right.text(),
            left: flip::draw(&left, usual_per_s, &[]),
            right: flip::draw(&right, usual_per_s, &causes),
            at,
            last: moments.len().saturating_sub(1),
            // Inside a script element nothing may close it.
            frames: serde_json::to_string(&frames).unwrap_or_default().replace('<', "\\u003c"),
        }
    };
    turning.iter().enumerate().map(turn).collect()
}

fn chart(session: &Session, debrief: &Debrief, turning: &[Line]) -> Chart {
    let whatif = &debrief.whatif;
    let end_s = whatif.t_s.last().copied().unwrap_or(1.0).max(1e-9);
    let (open_at, _) = session.watch().world.window();
    let calendar = session.watch().scene.calendar;
    let along = |s: f64| (s / end_s * 100.0).clamp(0.0, 100.0);
    let path = |values: &[f64]| {
        let points = whatif.t_s.iter().zip(values).enumerate().map(|(i, (t, v))| {
            format!(
                "{}{:.1} {:.1}",
                if i == 0 { 'M' } else { 'L' },
                along(*t) * 10.0,
                100.0 - v.clamp(0.0, 1.0) * 100.0
            )
        });
        points.collect::<String>()
    };
    let at = |moment: SimTime| along(moment.as_secs_f64() - open_at.as_secs_f64());
    let paged = SimTime(session.seal().paged_at_ns);
    let mut marks = vec![Tick { at: at(paged), text: "page".to_string(), class: "" }];
    for (i, line) in turning.iter().enumerate() {
        let (at, text) = (at(line.at), (i + 1).to_string());
        // Labels that would lie on each other become one.
        match marks.last_mut().filter(|last| at - last.at < CLOSE) {
            Some(last) if last.text == "page" => last.text = format!("page, {text}"),
            Some(last) => last.text = format!("{}, {text}", last.text),
            None => marks.push(Tick { at, text, class: "" }),
        }
    }
    let tick = |t: &SimTime| Tick {
        at: along(t.as_secs_f64()),
        text: calendar.clock(open_at + SimDuration::from_secs_f64(t.as_secs_f64())),
        class: match along(t.as_secs_f64()) {
            at if at < 5.0 => "first",
            at if 95.0 < at => "last",
            _ => "",
        },
    };
    let table = (0..whatif.t_s.len()).step_by(12.max(whatif.t_s.len() / 40));
    let minutes = |(i, c): (usize, &crate::score::whatif::Curve)| {
        format!("{}{}: {} user-minutes", if i == 0 { "" } else { "; " }, c.name, whole(c.lost))
    };
    Chart {
        curves: whatif
            .curves
            .iter()
            .map(|c| CurveView { name: c.name, d: path(&c.unserved), lost: whole(c.lost) })
            .collect(),
        x_ticks: time_ticks(end_s).iter().map(tick).collect(),
        marks,
        sentence: whatif.curves.iter().enumerate().map(minutes).collect(),
        rows: table
            .map(|i| {
                let time = calendar.clock(open_at + SimDuration::from_secs_f64(whatif.t_s[i]));
                (time, whatif.curves.iter().map(|c| format!("{:.0} %", c.unserved[i] * 100.0)).collect())
            })
            .collect(),
    }
}

fn score(debrief: &Debrief) -> ScoreView {
    let composite = &debrief.card.composite;
    let part = |part: &crate::score::composite::Weighed| PartView {
        name: part.name,
        weight: format!("{:.0}", part.weight),
        points: part.points.map_or("not judged".to_string(), |p| format!("{p:.1}")),
        percent: part.points.map_or(0.0, |p| p / part.weight * 100.0),
        judged: part.points.is_some(),
    };
    let measure = |measure: &Measure| MeasureView {
        id: measure.id,
        name: measure.name,
        value: measure.value.map_or(format!("not judged: {}", measure.why_none), |v| format!("{v:.3}")),
        formula: measure.formula,
        inputs: measure.inputs.iter().map(|(name, v)| (name.replace('_', " "), format!("{v:.3}"))).collect(),
        log: measure.log.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    };
    ScoreView {
        model: composite.model,
        total: match composite.total {
            Some(total) => format!("{total:.1} of 100"),
            None => format!(
                "{:.1} of the {:.0} points that can be judged; no total while parts are missing",
                composite.points, composite.out_of
            ),
        },
        gates: composite.gates.iter().map(|g| g.says()).collect(),
        parts: composite.parts.iter().map(part).collect(),
        lost: format!("{:.1}", composite.lost),
        measures: debrief.card.measures.iter().map(measure).collect(),
    }
}

fn timeline_line(line: &Line, turning: &[Line]) -> TimelineView {
    let same = |turn: &&Line| turn.event == line.event && turn.at == line.at && turn.kind == line.kind;
    TimelineView {
        time: line.time.clone(),
        kind: line.kind.word(),
        glyph: match line.kind {
            Kind::Cause => '■',
            Kind::Decoy => '□',
            Kind::Page => '▲',
            Kind::Look => '·',
            Kind::Order => '▸',
            Kind::Belief => '◆',
            Kind::Said => '“',
        },
        text: line.text.clone(),
        event: line.event,
        turn: turning.iter().find(same).and_then(|t| turning.iter().position(|u| u == t)).map(|i| i + 1),
    }
}
