//! Questions that change nothing and cost nothing: where one stands, what can be done, what words mean.

use crate::console::verbs;
use crate::console::words::observation;
use crate::scenario::apply::FORMS;
use crate::scenario::lesson::TRAPS;
use crate::scenario::mechanisms::{self, MECHANISMS};
use crate::session::case::{case, price_list};
use crate::session::clock::ClockKind;
use crate::session::look::title;
use crate::session::{Session, postmortem};
use crate::telemetry::panels::{BOARDS, Board};
use crate::telemetry::stack_map::StackMap;

/// Answers a question.
///
/// # Errors
/// It names something that is not there.
pub fn answer(session: &mut Session, question: &str, rest: &str) -> Result<String, String> {
    answer_to(session, "", question, rest)
}

/// Answers a question of somebody who may have a role.
///
/// # Errors
/// It names something that is not there, or not theirs to see.
pub fn answer_to(session: &mut Session, by: &str, question: &str, rest: &str) -> Result<String, String> {
    if let Some(blank) = session.blank().filter(|_| question != "help") {
        return Err(blank);
    }
    match question {
        "help" => verbs::help(Some(rest).filter(|r| !r.is_empty())),
        "status" => Ok(session.status_line()),
        "brief" => Ok(brief(session)),
        "looks" => Ok(looks(session, by)),
        "show" => show(session, by, rest),
        "map" => map(session, by),
        "glance" => glance(session, by, rest),
        "case" => Ok(board(session)),
        "mechanisms" => Ok(list(rest)),
        "explain" => explain(rest),
        "actions" => Ok(actions()),
        "preview" => preview(session, rest),
        "channel" => Ok(channel(session)),
        "boards" => Ok(boards()),
        "postmortem" => Ok(form(session)),
        "as" => Err("`as NAME` changes who speaks in `play` alone; here it is `--by NAME`".to_string()),
        "coach" => Err("the coach of a first shift speaks in `play` alone: `coach on`, `coach off`".to_string()),
        other => Err(verbs::unknown(other)),
    }
}

/// Page, briefing and prices.
pub fn brief(session: &Session) -> String {
    let case = case(session.scenario());
    let page = session.view().page;
    let page = if page.is_empty() { "nothing has paged yet".to_string() } else { page };
    let clock = match session.terms().clock {
        ClockKind::Metered => "metered: it moves by prices, orders and `wait` only",
        ClockKind::Live => "live: it runs by itself; a price is how long an answer takes",
    };
    let handover = if case.handover.is_empty() { String::new() } else { format!("\n\nHandover: {}", case.handover) };
    let terms = session.terms();
    let prices = match terms.unpriced {
        true => "Looks cost nothing: this is practice, leaves no scars and is compared with nothing.".to_string(),
        false => format!("Prices:\n{}", price_list(terms.mode).trim_end()),
    };
    let marks = match terms.marks().as_slice() {
        [] => String::new(),
        marks => format!("This session is marked: {}.\n", marks.join(", ")),
    };
    format!(
        "{}  {page}\n\n{}{handover}\n\n{marks}The clock is {clock}. The shift ends in {:.0} minutes. {prices}",
        case.id,
        case.briefing,
        session.view().left_s / 60.0,
    )
}

/// The layers at a glance; not for those who see some boards alone.
fn map(session: &Session, by: &str) -> Result<String, String> {
    match session.role_of(by).filter(|role| !role.boards.is_empty()) {
        Some(role) => Err(role.sees_not()),
        None => Ok(StackMap::of(session.watch(), session.watch().now_ms()).text()),
    }
}

fn looks(session: &Session, by: &str) -> String {
    let view = session.view_of(by);
    if view.looks.is_empty() {
        return "nothing was looked at yet".to_string();
    }
    let lines = view.looks.iter().map(|(number, at, what)| {
        let number = format!("E{number}");
        format!("{number:<5}{at}  {what}\n")
    });
    lines.collect::<String>().trim_end().to_string()
}

/// An open board, or the list of those that are open.
fn glance(session: &mut Session, by: &str, rest: &str) -> Result<String, String> {
    let open = session.view_of(by).open_boards;
    if !rest.is_empty() && (open.is_empty() || open.iter().any(|o| o.board == rest)) {
        return session.glance(rest).map(|(text, _)| text);
    }
    if open.is_empty() {
        return Ok("no board is open: `board NAME` opens one, at its price".to_string());
    }
    let state = |age_s: f64| if age_s == 0.0 { "live".to_string() } else { format!("grey, {age_s:.0} s old") };
    let lines = open.iter().map(|o| format!("{:<12} E{}, {}\n", o.board, o.observation, state(o.age_s)));
    let list = lines.collect::<String>().trim_end().to_string();
    if rest.is_empty() { Ok(list) } else { Err(format!("\"{rest}\" is not open; there are:\n{list}")) }
}

fn show(session: &Session, by: &str, rest: &str) -> Result<String, String> {
    let number = observation(rest)?;
    let found = number.checked_sub(1).and_then(|place| session.observations().get(place as usize));
    let observation = found.ok_or_else(|| format!("there is no E{number}; `looks` lists what was looked at"))?;
    if session.role_of(by).is_some_and(|role| !role.sees(&observation.look)) {
        return Err(format!("E{number} is not yours to see: ask who looked"));
    }
    match &observation.answer {
        Some(answer) => Ok(format!("E{number} {}\n{}", title(&observation.look), answer.text)),
        None => Err(format!(
            "E{number} has no answer here: it is under way, or was given before this console was opened; `scartissue do SESSION show E{number}` finds it again"
        )),
    }
}

/// The case board.
pub fn board(session: &Session) -> String {
    let board = session.board();
    let mut text = String::from("Hypotheses\n");
    if board.points.is_empty() {
        text.push_str("  none yet: `believe MECHANISM=60 other=40`\n");
    }
    let mut points: Vec<_> = board.points.iter().collect();
    points.sort_by_key(|(_, p)| std::cmp::Reverse(**p));
    for (mechanism, points) in points {
        let bar = "#".repeat(usize::from(*points) / 5);
        text.push_str(&format!("  {points:>3}  {mechanism:<26} {bar}\n"));
    }
    text.push_str("Evidence\n");
    for pin in &board.pins {
        let observation = &session.observations()[pin.observation as usize - 1];
        let links: Vec<String> = pin.links.iter().map(|(m, speaks)| format!("{} {m}", speaks.word())).collect();
        let links = if links.is_empty() { String::new() } else { format!("  [{}]", links.join(", ")) };
        text.push_str(&format!("  E{} {}: {}{links}\n", pin.observation, title(&observation.look), pin.note));
    }
    for (one, other, why) in &board.contradictions {
        text.push_str(&format!("  ! E{one} and E{other} cannot both be true: {why}\n"));
    }
    if !board.next_test.is_empty() {
        text.push_str(&format!("Would change my mind: {}\n", board.next_test));
    }
    text.push_str(&format!("Commits: {}", board.commits.len()));
    text
}

fn list(words: &str) -> String {
    let found = mechanisms::search(words);
    let found = if found.is_empty() { MECHANISMS.iter().collect() } else { found };
    found.iter().map(|m| format!("{:<28} {}\n", m.id, m.is)).collect::<String>().trim_end().to_string()
}

/// Words that are not mechanisms.
const WORDS: &[(&str, &str)] = &[
    ("request", "One try of a client at something a user wants. A user's wish may make many."),
    ("prefill", "Computing a prompt before the first token of its answer. Tokens found in a cache need none."),
    ("ttft", "Time to first token: from asking to the first token of the answer."),
    ("tpot", "Time per output token: the pace of an answer once it has begun."),
    ("goodput", "Answers that met their objective. Throughput counts the others too."),
    ("hit ratio", "Prompt tokens found in a cache over all prompt tokens."),
    ("duty cycle", "Share of time in which some work ran. It says nothing of how much."),
    ("idempotency key", "What a client sends with each try of the same wish: count these to count wishes."),
    ("burn rate", "How fast the error budget goes, in multiples of what would just use it up."),
];

fn explain(word: &str) -> Result<String, String> {
    if word == "mechanisms" {
        return Ok(list(""));
    }
    if let Some(mechanism) = mechanisms::mechanism(word) {
        return Ok(format!("{}: {}\n{}", mechanism.id, mechanism.is, mechanism.primer));
    }
    if let Some((word, says)) = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) {
        return Ok(format!("{word}: {says}"));
    }
    if let Some((code, says)) = TRAPS.iter().find(|(code, _)| code.eq_ignore_ascii_case(word)) {
        return Ok(format!("{code}, a trap: {says}"));
    }
    let names = MECHANISMS.iter().map(|m| m.id).chain(WORDS.iter().map(|(w, _)| *w));
    let hint = crate::scenario::check::did_you_mean(word, names);
    let words: Vec<&str> = WORDS.iter().map(|(w, _)| *w).collect();
    Err(format!("nothing is known of \"{word}\"{hint}; words: {}, and every mechanism", words.join(", ")))
}

fn actions() -> String {
    let line = |f: &crate::scenario::apply::Form| format!("  {:<36} {}\n", f.usage(), f.does);
    format!(
        "`arm`, then `act NAME[:TARGET][=VALUE]`. `preview` says what it would touch.\n{}",
        FORMS.iter().map(line).collect::<String>().trim_end()
    )
}

fn preview(session: &mut Session, action: &str) -> Result<String, String> {
    let preview = session.preview(action)?;
    let back = if preview.reversible { "it can be taken back" } else { "it cannot be taken back" };
    let confirm = preview.confirm.map_or(String::new(), |c| format!("; say it with `confirm {c}`"));
    Ok(format!("{action}: touches {}; first effect after {:.0} s; {back}{confirm}", preview.scope, preview.delay_s))
}

fn channel(session: &Session) -> String {
    let view = session.view();
    if view.channel.is_empty() {
        return format!("#{} is quiet", view.case.to_lowercase());
    }
    let lines = view.channel.iter().map(|(at, line)| format!("{at}  {}: {}\n", line.from, line.text));
    lines.collect::<String>().trim_end().to_string()
}

fn boards() -> String {
    let line = |b: &Board| format!("  {:<12} {} ({} panels)\n", b.id, b.title, b.panels.len());
    format!("`board NAME [30m]`:\n{}", BOARDS.iter().map(line).collect::<String>().trim_end())
}

fn form(session: &Session) -> String {
    postmortem::markdown(&session.view().case, &session.postmortem_draft())
}
