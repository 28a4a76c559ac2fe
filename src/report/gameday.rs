//! Several teams on one page and one time axis: what each looked at, believed and did, what users went through, the host's
//! notes beside, one world in which something was otherwise, and the questions on which the teams parted.

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use crate::report::page::ticked;
use crate::report::quantity::{grouped, time_ticks};
use crate::score::room::{Kind, Lead, Moment, Room, Team};

const TEMPLATES: [(&str, &str); 3] = [
    ("gameday.html", include_str!("gameday/gameday.html")),
    ("gameday.css", include_str!("gameday/gameday.css")),
    ("debrief.css", include_str!("debrief/debrief.css")),
];

/// Strokes that tell so many teams apart; the next ones begin again.
const STROKES: usize = 6;
/// Marks of one kind nearer to each other than so many per cent of the width are one.
const CLOSE: f64 = 1.4;
/// Marks of several kinds stand so far from each other at least, in per cent of the width.
const APART: f64 = 2.0;

/// Draws a room full of teams.
pub fn html(room: &Room) -> String {
    let mut templates = Environment::new();
    templates.add_filter("ticked", ticked);
    for (name, text) in TEMPLATES {
        templates.add_template(name, text).expect("the templates are part of the program and tested");
    }
    let page = templates.get_template("gameday.html").expect("it was added above");
    page.render(Serde(View::of(room))).expect("the view has every name that the template uses, and is tested")
}

#[derive(Serialize)]
struct View {
    case: String,
    title: String,
    story: String,
    causes: Vec<(String, String)>,
    paged_at: f64,
    ticks: Vec<Tick>,
    teams: Vec<TeamView>,
    otherwise: CurveView,
    otherwise_says: String,
    sentence: String,
    compared: String,
    questions: Vec<String>,
    probes: Vec<ProbeView>,
    left_out: Vec<(String, String)>,
    numbers: Vec<(String, Vec<String>)>,
}

#[derive(Serialize)]
struct Tick {
    at: f64,
    text: String,
    class: &'static str,
}

#[derive(Serialize)]
struct CurveView {
    d: String,
    lost: String,
    width: f64,
}

#[derive(Serialize)]
struct TeamView {
    name: String,
    stroke: usize,
    curve: CurveView,
    area: String,
    verdict: &'static str,
    mark: &'static str,
    said: String,
    leads: Vec<LeadView>,
    looks: Vec<f64>,
    marks: Vec<MarkView>,
    hosts: Vec<MarkView>,
    notes: Vec<NoteView>,
    lines: Vec<LineView>,
    sentence: String,
}

#[derive(Serialize)]
struct LeadView {
    left: f64,
    width: f64,
    text: String,
    right: bool,
    none: bool,
}

#[derive(Serialize)]
struct MarkView {
    at: f64,
    glyph: char,
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct NoteView {
    time: String,
    sign: &'static str,
    class: &'static str,
    text: String,
}

#[derive(Serialize)]
struct LineView {
    time: String,
    glyph: char,
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct ProbeView {
    question: String,
    answers: Vec<(String, String)>,
}

/// A kind's mark and word.
fn shown(kind: Kind) -> (char, &'static str) {
    match kind {
        Kind::Look => ('·', "look"),
        Kind::Belief => ('◇', "belief"),
        Kind::Commit => ('◆', "commit"),
        Kind::Order => ('▸', "order"),
        Kind::Update => ('“', "update"),
        Kind::Page => ('▲', "page"),
        Kind::Host => ('⚑', "host"),
        Kind::Plus => ('+', "plus"),
        Kind::Delta => ('Δ', "delta"),
        Kind::Note => ('✎', "note"),
        Kind::End => ('■', "end"),
    }
}

fn whole(value: f64) -> String {
    let text = grouped(&format!("{value:.0}"));
    if text == "-0" { "0".to_string() } else { text }
}

/// Minutes and seconds after the page.
fn after(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let whole = seconds.abs().round() as u64;
    format!("{sign}{}:{:02}", whole / 60, whole % 60)
}

impl View {
    fn of(room: &Room) -> View {
        let end_s = room.end_s.max(1.0);
        let along = |s: f64| (s / end_s * 100.0).clamp(0.0, 100.0);
        let most = room.teams.iter().map(|t| t.lost).chain([room.otherwise.lost, room.lost_if_nothing]);
        let most = most.fold(1e-9, f64::max);
        let path = |values: &[f64]| -> String {
            let point = |(i, (t, v)): (usize, (&f64, &f64))| {
                let (x, y) = (along(*t) * 10.0, 100.0 - v.clamp(0.0, 1.0) * 100.0);
                format!("{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' })
            };
            room.t_s.iter().zip(values).enumerate().map(point).collect()
        };
        let curve =
            |lost: f64, values: &[f64]| CurveView { d: path(values), lost: whole(lost), width: lost / most * 100.0 };
        let team = |(place, team): (usize, &Team)| TeamView {
            name: team.name.clone(),
            stroke: place % STROKES,
            curve: curve(team.lost, &team.unserved),
            area: format!("{}L{:.1} 100L0 100Z", path(&team.unserved), along(end_s) * 10.0),
            verdict: match team.right {
                Some(true) => "right in the end",
                Some(false) => "wrong in the end",
                None => "committed to nothing",
            },
            mark: match team.right {
                Some(true) => "●",
                Some(false) => "✕",
                None => "○",
            },
            said: match team.first_commit_s {
                Some(s) => format!("first commit {} after the page", after(s)),
                None => String::new(),
            },
            leads: leads(&team.leads, end_s, &along),
            looks: team.moments.iter().filter(|m| m.kind == Kind::Look).map(|m| along(m.at_s)).collect(),
            marks: marks(&team.moments, false, &along),
            hosts: marks(&team.moments, true, &along),
            notes: team.moments.iter().filter_map(note).collect(),
            lines: team.moments.iter().map(|m| line(m, room.paged_s)).collect(),
            sentence: sentence(team, room.paged_s),
        };
        let mut ticks: Vec<Tick> = Vec::new();
        for tick in time_ticks(end_s - room.paged_s) {
            let at = along(tick.as_secs_f64() + room.paged_s);
            let class = match at {
                a if a < 6.0 => "first",
                a if 94.0 < a => "last",
                _ => "",
            };
            let text = if tick.0 == 0 { format!("page {}", room.paged) } else { format!("+{tick}") };
            ticks.push(Tick { at, text, class });
        }
        let questions_asked: Vec<&str> = {
            let mut seen = Vec::new();
            let all = room.teams.iter().flat_map(|t| t.probes.iter().map(|p| p.question.as_str()));
            all.for_each(|q| {
                if !seen.contains(&q) {
                    seen.push(q);
                }
            });
            seen
        };
        let probe = |question: &str| ProbeView {
            question: if question.is_empty() { "(asked aloud)".to_string() } else { question.to_string() },
            answers: (room.teams.iter())
                .flat_map(|t| {
                    let of = t.probes.iter().filter(|p| p.question == question);
                    of.map(|p| {
                        let said = if p.answers.is_empty() { "no answer".to_string() } else { p.answers.join("; ") };
                        (t.name.clone(), said)
                    })
                })
                .collect(),
        };
        let saved = room.teams.iter().map(|t| t.lost).fold(f64::INFINITY, f64::min) - room.otherwise.lost;
        View {
            case: room.case.clone(),
            title: room.title.clone(),
            story: room.story.clone(),
            causes: room.causes.iter().map(|(says, share)| (format!("{:.0} %", share * 100.0), says.clone())).collect(),
            paged_at: along(room.paged_s),
            ticks,
            sentence: format!(
                "Share of what users wanted that was not served in time, over the last minute. {}",
                room.teams
                    .iter()
                    .map(|t| format!("{}: {} user-minutes lost.", t.name, whole(t.lost)))
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
            teams: room.teams.iter().enumerate().map(team).collect(),
            otherwise: curve(room.otherwise.lost, &room.otherwise.unserved),
            otherwise_says: room.otherwise.says.clone(),
            compared: format!(
                "With {} users lose {} minutes{}; had nobody done anything, {}.",
                room.otherwise.says,
                whole(room.otherwise.lost),
                if saved < 0.5 {
                    String::new()
                } else {
                    format!(", {} fewer than with the team that did best", whole(saved))
                },
                whole(room.lost_if_nothing)
            ),
            questions: room.questions.clone(),
            probes: questions_asked.into_iter().map(probe).collect(),
            left_out: room.left_out.clone(),
            numbers: numbers(room),
        }
    }
}

/// Spans in which something led.
fn leads(leads: &[Lead], end_s: f64, along: &dyn Fn(f64) -> f64) -> Vec<LeadView> {
    let until = |i: usize| leads.get(i + 1).map_or(end_s, |next| next.from_s);
    let view = |(i, lead): (usize, &Lead)| LeadView {
        left: along(lead.from_s),
        width: along(until(i)) - along(lead.from_s),
        text: lead.mechanism.as_ref().map_or("nothing above all".to_string(), |m| format!("{m} {}", lead.points)),
        right: lead.right,
        none: lead.mechanism.is_none(),
    };
    leads.iter().enumerate().map(view).collect()
}

/// A team's marks, or those of its host; looks are strokes of their own, and beliefs are spans.
fn marks(moments: &[Moment], of_host: bool, along: &dyn Fn(f64) -> f64) -> Vec<MarkView> {
    let is_host = |kind: Kind| matches!(kind, Kind::Host | Kind::Plus | Kind::Delta | Kind::Note);
    let shown_here = |m: &&Moment| ![Kind::Look, Kind::Belief].contains(&m.kind) && is_host(m.kind) == of_host;
    let mut found: Vec<MarkView> = Vec::new();
    for moment in moments.iter().filter(shown_here) {
        let (at, (glyph, kind)) = (along(moment.at_s), shown(moment.kind));
        let text = format!("{} {kind}: {}", moment.time, moment.text);
        match found.iter_mut().rev().find(|m| m.kind == kind && at - m.at < CLOSE) {
            Some(last) => last.text = format!("{}; {text}", last.text),
            None => {
                // What came at one moment stands side by side, in its order.
                let free = found.last().map_or(0.0, |last| last.at + APART);
                found.push(MarkView { at: at.max(free).min(100.0), glyph, kind, text });
            }
        }
    }
    found
}

fn note(moment: &Moment) -> Option<NoteView> {
    let (sign, class) = match moment.kind {
        Kind::Plus => ("+", "plus"),
        Kind::Delta => ("Δ", "delta"),
        Kind::Note => ("✎", "note"),
        _ => return None,
    };
    Some(NoteView { time: moment.time.clone(), sign, class, text: moment.text.clone() })
}

fn line(moment: &Moment, paged_s: f64) -> LineView {
    let (glyph, kind) = shown(moment.kind);
    LineView { time: after(moment.at_s - paged_s), glyph, kind, text: moment.text.clone() }
}

/// A team's lane in words, for those who do not see it.
fn sentence(team: &Team, paged_s: f64) -> String {
    let count = |kind: Kind| team.moments.iter().filter(|m| m.kind == kind).count();
    let led: Vec<String> = team
        .leads
        .iter()
        .map(|l| format!("{} from {} on", l.mechanism.as_deref().unwrap_or("nothing"), after(l.from_s - paged_s)))
        .collect();
    format!(
        "{}: {} looks, {} commits, {} orders, {} updates. Led: {}.",
        team.name,
        count(Kind::Look),
        count(Kind::Commit),
        count(Kind::Order),
        count(Kind::Update),
        if led.is_empty() { "nothing was stated".to_string() } else { led.join(", ") }
    )
}

/// The curves as numbers, once a minute.
fn numbers(room: &Room) -> Vec<(String, Vec<String>)> {
    let mut rows = Vec::new();
    let mut next = 60.0;
    for (i, t) in room.t_s.iter().enumerate() {
        if *t < next {
            continue;
        }
        next = *t + 60.0;
        let of = |values: &[f64]| values.get(i).map_or("-".to_string(), |v| format!("{:.0} %", v * 100.0));
        let cells = room.teams.iter().map(|team| of(&team.unserved)).chain([of(&room.otherwise.unserved)]);
        rows.push((after(t - room.paged_s), cells.collect()));
    }
    rows
}
