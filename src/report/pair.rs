//! The pair as a talk: one self-contained page of large panes for a projector, and the same in a terminal. Nothing of the
//! truth stands before the vote.

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use crate::report::quantity::{Unit, grouped, time_ticks};
use crate::report::sheet::{Sheet, Style};
use crate::report::terminal::Terminal;
use crate::study::pair::{Bar, Moved, Pair, Told};

const TEMPLATES: [(&str, &str); 3] = [
    ("pair.html", include_str!("pair/pair.html")),
    ("pair.css", include_str!("pair/pair.css")),
    ("pair.js", include_str!("pair/pair.js")),
];

/// What the room votes on.
pub const QUESTION: &str = "In which of the two is it really more demand?";
/// The answers, by their letters.
pub const ANSWERS: [(char, &str); 4] = [('a', "only in A"), ('b', "only in B"), ('2', "in both"), ('0', "in neither")];
/// When the assistant speaks.
const SAID: &str = "What the assistant says at the page, having read every board: its numbers are of that minute";
/// What everybody should take home.
pub const KEEP: &str =
    "Ask first whether the work of each request rose before the requests did. Let it look; keep judging.";

/// Draws a pair as a page.
pub fn html(pair: &Pair) -> String {
    let mut templates = Environment::new();
    for (name, text) in TEMPLATES {
        templates.add_template(name, text).expect("the templates are part of the program and tested");
    }
    let page = templates.get_template("pair.html").expect("it was added above");
    page.render(Serde(View::of(pair))).expect("the view has every name that the template uses, and is tested")
}

#[derive(Serialize)]
struct View {
    page: String,
    briefing: String,
    seed: u64,
    question: &'static str,
    answers: [(char, &'static str); 4],
    keep: &'static str,
    outcome: String,
    servers: Vec<String>,
    cases: Vec<CaseView>,
}

#[derive(Serialize)]
struct CaseView {
    letter: char,
    said: String,
    percent: u8,
    orders: String,
    right: bool,
    story: String,
    is: String,
    seen: Plot,
    happened: Plot,
    moved: Vec<[String; 4]>,
    bars: Vec<BarView>,
}

#[derive(Serialize)]
struct BarView {
    name: String,
    note: String,
    lost: String,
    percent: f64,
    servers: bool,
}

#[derive(Serialize)]
struct Plot {
    tries: String,
    unique: String,
    between: String,
    page_at: f64,
    x: Vec<(f64, String)>,
    y: Vec<(f64, String)>,
    says: String,
}

fn whole(value: f64) -> String {
    grouped(&format!("{:.0}", value.max(0.0)))
}

/// The outcome in a sentence.
pub fn outcome(pair: &Pair) -> String {
    let right: Vec<String> = pair.cases.iter().filter(|c| c.right).map(|c| c.letter.to_string()).collect();
    let alike = pair.cases.windows(2).all(|c| c[0].blamed == c[1].blamed);
    let same = if alike { "It said the same of both" } else { "It did not say the same of both" };
    match right.as_slice() {
        [] => format!("{same}, and was wrong about both."),
        [one] => format!("{same}, and was right about {one} alone."),
        _ => format!("{same}, and was right about both."),
    }
}

/// What servers do to a case, in a sentence; none where nobody asked for any.
pub fn servers(told: &Told) -> Option<String> {
    let share = |bar: &Bar| bar.lost / told.bars.first().map_or(1.0, |nothing| nothing.lost).max(1e-9);
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let mut added = told.bars.iter().filter(|bar| bar.servers);
    let (as_ordered, granted) = (added.next()?, added.next()?);
    let cured = told.bars.last()?;
    let ordered = match share(as_ordered) {
        same if (0.97..=1.03).contains(&same) => "As ordered they change nothing".to_string(),
        other => format!("As ordered they leave {} of what users lost", percent(other)),
    };
    let what = match (told.right, share(granted) < 0.97) {
        (true, true) => "They are what was missing.",
        (true, false) => "Even these would not have been enough.",
        (false, true) => {
            "More of everything carries a part of what the cause makes, for as long as it is paid for, and leaves the cause as it is."
        }
        (false, false) => "They have nothing to do with the cause.",
    };
    Some(format!(
        "Servers for {}: {ordered}; with machines for them users would have lost {} of it, and with the cause gone {}. {what}",
        told.letter,
        percent(share(granted)),
        percent(share(cured))
    ))
}

fn cells(of: &Moved) -> [String; 4] {
    let number = |value: f64| match value {
        v if v.abs() < 10.0 => format!("{v:.1}"),
        v => whole(v),
    };
    let unit = if of.unit.is_empty() { String::new() } else { format!(" {}", of.unit) };
    let times = match of.before {
        b if b.abs() < 1e-9 => String::new(),
        b => format!("x {:.1}", of.after / b),
    };
    [of.name.to_string(), number(of.before) + &unit, number(of.after) + &unit, times]
}

fn bars(told: &Told) -> Vec<BarView> {
    let most = told.bars.iter().map(|b| b.lost).fold(1e-9, f64::max);
    let view = |b: &Bar| BarView {
        name: b.name.clone(),
        note: b.note.clone(),
        lost: whole(b.lost),
        percent: b.lost / most * 100.0,
        servers: b.servers,
    };
    told.bars.iter().map(view).collect()
}

impl View {
    fn of(pair: &Pair) -> View {
        let most = |until: &dyn Fn(&Told) -> f64| {
            let of = |told: &Told| {
                let last = until(told);
                let inside = told.series.t_s.iter().zip(&told.series.attempts_per_s).filter(|(t, _)| **t <= last);
                inside.map(|(_, v)| *v).fold(1.0, f64::max)
            };
            pair.cases.iter().map(of).fold(1.0, f64::max)
        };
        let end = |told: &Told| told.series.t_s.last().copied().unwrap_or(1.0);
        let (most_seen, most_ever) = (most(&|t| t.spoke_s), most(&end));
        let case = |told: &Told| CaseView {
            letter: told.letter,
            said: told.said.clone(),
            percent: told.percent,
            orders: told.orders.join(", then "),
            right: told.right,
            story: told.story.clone(),
            is: told.is.join(", and "),
            seen: plot(told, told.spoke_s, most_seen),
            happened: plot(told, end(told), most_ever),
            moved: told.moved.iter().map(cells).collect(),
            bars: bars(told),
        };
        View {
            page: pair.page.clone(),
            briefing: pair.briefing.clone(),
            seed: pair.seed,
            question: QUESTION,
            answers: ANSWERS,
            keep: KEEP,
            outcome: outcome(pair),
            servers: pair.cases.iter().filter_map(servers).collect(),
            cases: pair.cases.iter().map(case).collect(),
        }
    }
}

/// Requests over time in a box of 1000 by 100.
fn plot(told: &Told, end_s: f64, most: f64) -> Plot {
    let ticks = Unit::PerSecond.ticks(most);
    let top = ticks.last().copied().unwrap_or(1.0);
    let (series, end_s) = (&told.series, end_s.max(1.0));
    let inside = series.t_s.iter().take_while(|t| **t <= end_s).count();
    let point = |i: usize, value: f64| (series.t_s[i] / end_s * 1000.0, 100.0 - (value / top).clamp(0.0, 1.0) * 100.0);
    let path = |column: &[f64]| -> String {
        (0..inside.min(column.len()))
            .map(|i| {
                let (x, y) = point(i, column[i]);
                format!("{}{x:.1} {y:.2}", if i == 0 { 'M' } else { 'L' })
            })
            .collect()
    };
    let back: String = (0..inside)
        .rev()
        .map(|i| {
            let (x, y) = point(i, series.intents_per_s[i]);
            format!("L{x:.1} {y:.2}")
        })
        .collect();
    let tries = path(&series.attempts_per_s);
    let mean = |column: &[f64], from: usize, to: usize| {
        let to = to.min(column.len()).max(from);
        column[from.min(to)..to].iter().sum::<f64>() / (to - from.min(to)).max(1) as f64
    };
    let fifth = (inside / 5).max(1);
    Plot {
        between: if tries.is_empty() { String::new() } else { format!("{tries}{back}Z") },
        tries,
        unique: path(&series.intents_per_s),
        page_at: told.paged_s / end_s * 100.0,
        x: time_ticks(end_s).iter().map(|t| (t.as_secs_f64() / end_s * 100.0, t.to_string())).collect(),
        y: ticks.iter().map(|v| (v / top * 100.0, Unit::PerSecond.number(*v))).collect(),
        says: format!(
            "Requests incl. retries: {:.0} a second at first, {:.0} at the end",
            mean(&series.attempts_per_s, 0, fifth),
            mean(&series.attempts_per_s, inside.saturating_sub(fifth), inside)
        ),
    }
}

/// The talk in a terminal, part by part: what comes before the vote, and what comes after it.
pub fn text(pair: &Pair, terminal: Terminal) -> Vec<String> {
    let width = usize::from(terminal.width).max(40);
    let part = |fill: &dyn Fn(&mut Sheet)| {
        let mut sheet = Sheet::new(width);
        fill(&mut sheet);
        sheet.print(terminal.colour)
    };
    let lines = |sheet: &mut Sheet, told: &Told, only_glance: bool| {
        for line in told.moved.iter().filter(|m| m.at_a_glance || !only_glance) {
            let [name, before, after, times] = cells(line);
            sheet.write_wrapped(sheet.height(), 2, &format!("{name}: {before}, then {after} ({times})"), Style::Plain);
        }
    };
    let page = part(&|sheet| {
        sheet.write(0, 0, "Two cases, one page", Style::Strong);
        sheet.write_wrapped(2, 0, &pair.page, Style::Strong);
        sheet.write_wrapped(sheet.height() + 1, 0, &pair.briefing, Style::Plain);
    });
    let seen = part(&|sheet| {
        sheet.write(
            0,
            0,
            "What everybody sees at a glance: before, and in the four minutes after the page",
            Style::Strong,
        );
        for told in &pair.cases {
            sheet.write(sheet.height() + 1, 0, &format!("Case {}", told.letter), Style::Strong);
            lines(sheet, told, true);
        }
    });
    let said = part(&|sheet| {
        sheet.write_wrapped(0, 0, SAID, Style::Strong);
        for told in &pair.cases {
            let row = sheet.height() + 1;
            sheet.write(row, 0, &format!("Case {}", told.letter), Style::Strong);
            sheet.write_wrapped(row + 1, 2, &format!("\"{}\" {} %", told.said, told.percent), Style::Plain);
            sheet.write_wrapped(
                sheet.height(),
                2,
                &format!("It would order: {}", told.orders.join(", then ")),
                Style::Quiet,
            );
        }
    });
    let mut parts = vec![page, seen, said];
    for told in &pair.cases {
        parts.push(part(&|sheet| {
            let mark = if told.right { "● right" } else { "✕ wrong" };
            sheet.write(0, 0, &format!("Case {}: {mark}", told.letter), Style::Strong);
            sheet.write_wrapped(1, 0, &format!("What was true: {}.", told.is.join(", and ")), Style::Plain);
            sheet.write_wrapped(sheet.height(), 0, &told.story, Style::Plain);
            sheet.write(sheet.height() + 1, 0, "Before, and in the four minutes after the page", Style::Strong);
            lines(sheet, told, false);
            sheet.write(sheet.height() + 1, 0, "User-minutes lost, the same users in other worlds", Style::Strong);
            for bar in bars(told) {
                let row = sheet.height();
                sheet.write_wrapped(row, 2, &bar.name, Style::Plain);
                let drawn = (bar.percent / 100.0 * (width as f64 - 16.0)).round().max(0.0) as usize;
                let block = if bar.servers { "▒" } else { "█" };
                sheet.write(sheet.height(), 2, &format!("{} {}", block.repeat(drawn), bar.lost), Style::Plain);
                if !bar.note.is_empty() {
                    sheet.write_wrapped(sheet.height(), 2, &bar.note, Style::Quiet);
                }
            }
        }));
    }
    parts.push(part(&|sheet| {
        sheet.write_wrapped(0, 0, &outcome(pair), Style::Strong);
        for line in pair.cases.iter().filter_map(servers) {
            sheet.write_wrapped(sheet.height(), 0, &line, Style::Plain);
        }
        sheet.write_wrapped(sheet.height(), 0, KEEP, Style::Plain);
    }));
    parts
}
