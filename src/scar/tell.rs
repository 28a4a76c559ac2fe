//! Scars in words. A forecast is called one, and is not shown while it rests on too little; nothing is counted that one
//! would want to keep up for its own sake.

use std::collections::BTreeMap;

use crate::scar::healing::{FADE_DAYS, Healed, Healing, date};
use crate::scar::item::{Kind, Plain, kind, sides};
use crate::scar::memory::MODEL;
use crate::scar::progress::{Half, Progress};
use crate::scar::standing::{ENOUGH, Review, Standing, weight, wish};
use crate::scar::team::{Cell, Team};
use crate::scar::trial::Trial;
use crate::score::rate::Rate;

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn of(rate: Rate) -> String {
    let (low, high) = rate.wilson();
    match rate.value() {
        None => "not yet tried again".to_string(),
        Some(_) => format!("{} of {} [{} to {}]", rate.hits, rate.of, percent(low), percent(high)),
    }
}

/// The scar of a debrief, as Markdown that reads as plain text too.
pub fn healing(healing: &Healing) -> String {
    let mut text = "\n## The scar\n\n".to_string();
    if !healing.practice.is_empty() {
        text.push_str(&format!("Practice: {}. Nothing was graded.\n", healing.practice));
        return text;
    }
    if healing.kept {
        text.push_str("Graded before, and shown as it was graded then.\n\n");
    }
    if let Some(drill) = &healing.drill {
        text.push_str(&format!("Why this case: {}.\n\n", drill.why));
    }
    for item in &healing.items {
        text.push_str(&healed(item));
    }
    if healing.items.is_empty() {
        text.push_str("No item was put to the test.\n");
    }
    if let Some(fooled) = &healing.fooled_by {
        text.push_str(&format!("- What fooled you at first: {fooled} ({}).\n", Plain(fooled)));
    }
    text.push_str(&match healing.rule.as_str() {
        "" => "- Your rule: none yet. Say in a sentence what you would ask first next time: `scartissue rule SESSION \"...\"`.\n"
            .to_string(),
        rule => format!("- Your rule: \"{rule}\"\n"),
    });
    if !healing.caveat.is_empty() {
        text.push_str(&format!("- {}\n", healing.caveat));
    }
    text.push_str(&format!("\nForecasts are {}; below {ENOUGH} reviews alone they say little.\n", healing.model));
    text
}

fn healed(item: &Healed) -> String {
    let about = if item.target { "" } else { ", met on the way" };
    let help = if item.with_ai { ", with help: what you know alone goes on fading" } else { "" };
    let mut text = format!("- {} ({}{about}{help}): **{}**, {}\n", item.is, item.item, item.rating.word(), item.why);
    let row = |fade: &[f64]| fade.iter().map(|p| format!("{:>4.0}", p * 100.0)).collect::<String>();
    let days: String = FADE_DAYS.iter().map(|d| format!("{d:>4}")).collect();
    text.push_str(&format!("  - forecast in % after days {days}\n"));
    if let Some(before) = &item.before {
        text.push_str(&format!("  - without this session      {}\n", row(before)));
    }
    let few = if item.known { String::new() } else { format!("  ({} of {ENOUGH} reviews alone)", item.reviews) };
    text.push_str(&format!("  - with it                   {}{few}\n", row(&item.after)));
    match (&item.due, &item.due_until) {
        (Some(from), Some(until)) => {
            text.push_str(&format!("  - retest between {from} and {until}, on another seed\n"))
        }
        (Some(from), None) => text.push_str(&format!("  - due from {from} on\n")),
        (None, _) => {}
    }
    text
}

/// What the list of scars rests on.
pub struct Scars<'a> {
    /// How each item stands.
    pub standings: &'a BTreeMap<String, Standing>,
    /// The forecast on trial.
    pub trial: &'a Trial,
    /// Weights by mechanism.
    pub weights: &'a BTreeMap<String, f64>,
    /// The moment.
    pub now_s: i64,
    /// Sessions that have ended and were never debriefed.
    pub ungraded: &'a [String],
}

/// Every item with its forecast and what was observed.
pub fn scars(scars: &Scars<'_>) -> String {
    let mut text = String::new();
    if scars.standings.is_empty() {
        text.push_str("No scars yet: play a case, end it, and `scartissue debrief` it.\n");
    }
    for wanted in [Kind::Pair, Kind::Pattern, Kind::Trap] {
        let items: Vec<&Standing> = scars.standings.values().filter(|s| kind(&s.item) == wanted).collect();
        if items.is_empty() {
            continue;
        }
        text.push_str(&format!("{}\n", wanted.heading()));
        for standing in items {
            text.push_str(&line(scars, standing));
        }
        text.push('\n');
    }
    let due: Vec<&Standing> = scars.standings.values().filter(|s| is_due(scars, s)).collect();
    text.push_str(&match due.len() {
        0 => "Nothing is due.\n".to_string(),
        1 => "One item is due: `scartissue drill`.\n".to_string(),
        n => format!("{n} items are due: `scartissue drill`.\n"),
    });
    if !scars.ungraded.is_empty() {
        text.push_str(&format!(
            "Ended and not graded yet: {}. `scartissue debrief NAME` grades.\n",
            scars.ungraded.join(", ")
        ));
    }
    text.push_str(&match scars.trial.says() {
        Some(says) => format!("The forecast on trial: {says}.\n"),
        None => format!(
            "The forecast is {MODEL}, made for flash cards; {} of {} first tries that it takes to hold it against what came.\n",
            scars.trial.n,
            crate::scar::trial::SHOWN
        ),
    });
    text
}

/// Whether an item is due.
pub fn is_due(scars: &Scars<'_>, standing: &Standing) -> bool {
    let wish = wish(weight(&standing.item, scars.weights));
    standing.due(wish).is_some_and(|(from, _)| from <= scars.now_s)
}

/// What is forecast of an item, or why nothing is.
pub fn forecast(scars: &Scars<'_>, standing: &Standing) -> String {
    let Some(last) = standing.last() else { return "forecast: none, it was never met alone".to_string() };
    let since = crate::scar::memory::days(last.at_s, scars.now_s);
    let seen = format!("last tried alone {since:.0} days ago");
    match standing.forecast(scars.now_s) {
        Some(_) if !scars.trial.holds => seen,
        Some(_) if !standing.is_known() => {
            format!("forecast: too few reviews alone to say ({} of {ENOUGH}); {seen}", standing.alone.len())
        }
        Some(forecast) => {
            format!("forecast {} ({MODEL}, n = {} reviews); {seen}", percent(forecast), standing.alone.len())
        }
        None => seen,
    }
}

fn line(scars: &Scars<'_>, standing: &Standing) -> String {
    let mut text =
        format!("  {}\n    {}; {}\n", standing.item, standing.look(scars.now_s).word(), Plain(&standing.item));
    text.push_str(&format!(
        "    {}\n    observed at first tries: {}\n",
        forecast(scars, standing),
        of(standing.observed())
    ));
    let wish = wish(weight(&standing.item, scars.weights));
    if let Some((from, until)) = standing.due(wish) {
        let until = until.map_or(String::new(), |until| format!(", by {}", date(until)));
        let word = if from <= scars.now_s { "due since" } else { "due on" };
        text.push_str(&format!("    {word} {}{until}\n", date(from)));
    }
    match standing.helped_since() {
        0 => {}
        n => text.push_str(&format!("    {n} with help since; that keeps nothing fresh\n")),
    }
    if let Some(rule) = standing.rule() {
        text.push_str(&format!("    your rule: \"{rule}\"\n"));
    }
    text
}

/// One item with its history.
pub fn card(scars: &Scars<'_>, standing: &Standing) -> String {
    let mut text = line(scars, standing);
    if let Some(state) = standing.state {
        text.push_str(&format!(
            "    thickness {:.1} days, difficulty {:.1} of 10\n",
            state.stability, state.difficulty
        ));
    }
    text.push_str("    history:\n");
    let mut reviews: Vec<(&Review, &str)> = standing.alone.iter().map(|r| (r, "alone")).collect();
    reviews.extend(standing.with_ai.iter().map(|r| (r, "with help")));
    reviews.sort_by_key(|(r, _)| r.at_s);
    for (review, how) in reviews {
        let forecast = review.forecast.map_or(String::new(), |f| format!(", forecast before {}", percent(f)));
        let truth = review.truth_percent.map_or(String::new(), |p| format!(", {p} % on the truth"));
        let said = match (&review.said, review.percent) {
            (Some(said), Some(points)) => format!(", said {said} at {points} %"),
            _ => ", said nothing".to_string(),
        };
        let fooled = review.fooled_by.as_ref().map_or(String::new(), |f| format!(", fooled at first by {f}"));
        let moved = if 0.0 < review.moved_days { ", on a clock moved on for a demonstration" } else { "" };
        let rating = review.rating.word();
        text.push_str(&format!(
            "      {} {} {how}: {rating}{said}{truth}{fooled}{forecast}{moved}; {}\n",
            date(review.at_s),
            review.session,
            review.why
        ));
        if !review.rule.is_empty() {
            text.push_str(&format!("        rule: \"{}\"\n", review.rule));
        }
    }
    text
}

/// How somebody gets on.
pub fn progress(progress: &Progress, trial: &Trial) -> String {
    let mut text = match progress.sessions {
        1 => "One session was graded.\n\n".to_string(),
        n => format!("{n} sessions were graded.\n\n"),
    };
    text.push_str(&match progress.readiness {
        Some(_) if !trial.holds => {
            "Readiness: not shown, since the forecast did no better than a constant.\n".to_string()
        }
        Some(ready) => format!(
            "Readiness: forecast {} over {} of {} items met alone, those with {ENOUGH} reviews or more ({MODEL}).\n",
            percent(ready),
            progress.known,
            progress.met
        ),
        None if 0 < progress.met => {
            format!("Readiness: too few reviews to say; none of {} items has {ENOUGH} reviews alone.\n", progress.met)
        }
        None => "Readiness: nothing was met alone yet.\n".to_string(),
    });
    text.push_str(&format!("Help: {}.\n", progress.gap.says()));
    let reliance = progress.reliance.says();
    if !reliance.is_empty() {
        text.push_str(&format!("Reliance on advice: {reliance}.\n"));
    }
    let facts = progress.facts.says();
    if !facts.is_empty() {
        text.push_str(&format!("Facts that assistants gave, asked again: {facts}.\n"));
    }
    if progress.sessions == 0 {
        return text;
    }
    if !progress.enough {
        text.push_str("What moved between the halves cannot be told yet: fewer than 5 sessions alone in each.\n");
    }
    for (name, half) in ["Earlier half", "Later half"].into_iter().zip(&progress.halves) {
        text.push_str(&format!("\n{name}, alone\n{}", of_half(half)));
    }
    text
}

fn of_half(half: &Half) -> String {
    let mut text = format!("  right: {}\n", of(half.right));
    if half.right.of == 0 {
        return "  no sessions\n".to_string();
    }
    text.push_str(&match half.proved.of {
        0 => "  proved: nobody judged that\n".to_string(),
        _ => format!("  right and proved: {}\n", of(half.proved)),
    });
    if let (Some(stated), Some(right)) = (half.stated, half.right.value()) {
        let murphy = &half.calibration;
        text.push_str(&format!(
            "  calibration: {} sure on average, right in {}; Brier {:.3} = {:.3} miscalibrated - {:.3} told apart + {:.3} left open by the world\n",
            percent(stated), percent(right), murphy.brier, murphy.reliability, murphy.resolution, murphy.uncertainty
        ));
    }
    if let Some(found) = half.found_s {
        text.push_str(&format!(
            "  time to the diagnosis: {:.1} minutes from the page on average, those never found counted to the end\n",
            found / 60.0
        ));
    }
    text.push_str("  it was / you named / times\n");
    for (was, named, n) in &half.confusion {
        let mark = if was == named { " " } else { "*" };
        text.push_str(&format!("  {mark} {was:<28} {named:<28} {n:>3}\n"));
    }
    text
}

/// A team.
pub fn team(team: &Team) -> String {
    let mut text = String::new();
    for (place, name) in team.people.iter().enumerate() {
        let off = if team.on_call.get(place) == Some(&true) { "" } else { " (not on call)" };
        text.push_str(&format!("{:>3}  {name}{off}\n", place + 1));
    }
    let heads: String = (1..=team.people.len()).map(|n| format!("{n:>6}")).collect();
    text.push_str(&format!("\n{:<26}{heads}   least of those on call, in a month\n", "mechanism"));
    for row in &team.coverage {
        let cells: String = row.cells.iter().map(|cell| format!("{:>6}", self::cell(cell))).collect();
        let least = match (row.least, row.least_in_a_month, row.without) {
            (Some(now), Some(then), _) => format!("{}, {}", percent(now), percent(then)),
            (.., 0) => "nobody on call".to_string(),
            (.., 1) => "no evidence of 1 on call".to_string(),
            (.., n) => format!("no evidence of {n} on call"),
        };
        text.push_str(&format!("{:<26}{cells}   {least}\n", row.mechanism));
    }
    text.push_str(
        "\n. never met   h with help only   x last try failed   ? too few tries to say   number: forecast in %\n",
    );
    text.push_str(&format!(
        "Forecasts are {MODEL}. The page reaches one person, so the least counts and not the mean.\n"
    ));
    if !team.would_miss.is_empty() {
        text.push_str(&format!("May be missed within a month: {}.\n", team.would_miss.join(", ")));
    }
    text
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Unseen => ".".to_string(),
        Cell::HelpedOnly => "h".to_string(),
        Cell::Failed => "x".to_string(),
        Cell::Few => "?".to_string(),
        Cell::Forecast(p) => format!("{:.0}", p * 100.0),
    }
}

/// A pair in the words of a title: "tells A from B, 4 of 5"; none of anything else, or before it was tried again.
pub fn title(standing: &Standing) -> Option<String> {
    let (a, b) = sides(&standing.item)?;
    let rate = standing.observed();
    (0 < rate.of).then(|| format!("tells {a} from {b}, {} of {}", rate.hits, rate.of))
}
