//! A debrief in words: the one-minute view without symbols first, measures further down. Of looks it first names the
//! one with which the truth was beyond asking, if there was one; then the one that would have been enough alone, and
//! the one that would have ruled out the rival.

use crate::scenario::lesson::Told;
use crate::scenario::mechanisms::{NO_FAULT, NOT_PROVABLE, OTHER, family, mechanism};
use crate::score::card::Measure;
use crate::score::debrief::{Cause, Debrief, Users, Verdict};
use crate::score::observer::judge::{Judgement, Looked, SETTLED, Settling};

/// What a family is called in a sentence.
fn plain(id: &str) -> &str {
    match family(id) {
        "demand" => "demand",
        "sdk" => "the clients",
        "network" => "the network",
        "api" => "the API layer",
        "serving" => "serving",
        "accelerator" => "the accelerators",
        "kv_cache" => "the KV cache",
        "control" => "a control loop",
        "telemetry" => "the measurement",
        NO_FAULT => "nothing at all",
        NOT_PROVABLE => "not provable",
        OTHER => "something else",
        other => other,
    }
}

/// What a mechanism is, in a line.
fn is(id: &str) -> &str {
    mechanism(id).map_or(id, |m| m.is)
}

/// What sealed and open mean for whoever compares.
fn sealed(sealed: bool) -> &'static str {
    match sealed {
        true => "Sealed: the scenario came from a pack that only the serving process could open.",
        false => "Open: who could read the program's files could have read the scenario beforehand.",
    }
}

/// The sentence that everybody should keep.
pub fn headline(debrief: &Debrief) -> String {
    let cause = &debrief.cause;
    let was: Vec<String> = cause.was.iter().map(|m| format!("{}: {}", plain(m), is(m))).collect();
    let was = was.join(", and ");
    let points = cause.percent.map_or(String::new(), |p| format!(", {p} %"));
    match (&cause.said, cause.verdict) {
        (Some(said), Verdict::Right) => {
            let place = if family(said) == said { String::new() } else { format!(" {}", plain(said)) };
            let others: Vec<String> = match cause.was.contains(said) && cause.was.len() == 1 {
                true => Vec::new(),
                false => cause.was.iter().filter(|m| *m != said).map(|m| format!("{}: {}", plain(m), is(m))).collect(),
            };
            match others.as_slice() {
                [] => format!("You said{place}: {}{points}. That was it.", is(said)),
                _ => format!(
                    "You said{place}: {}{points}. That was it, and no less {}.",
                    is(said),
                    others.join(", and ")
                ),
            }
        }
        (Some(said), Verdict::Half) if debrief.truth.causes.iter().any(|c| c.mechanism == *said) => {
            format!(
                "You said {}: {}{points}. That is true, and it is not what weighed most. It was {was}.",
                plain(said),
                is(said)
            )
        }
        (Some(said), Verdict::Half) => {
            format!(
                "You said {} ({}){points}. The right place, and not what happened there. It was {was}.",
                plain(said),
                is(said)
            )
        }
        (Some(said), Verdict::Wrong) if family(said) == said => {
            format!("You said: {}{points}. It was {was}.", is(said))
        }
        (Some(said), Verdict::Wrong) => format!("You said {}{points}. It was {was}.", plain(said)),
        (_, Verdict::LeftOpen) => format!("You left it open. It was {was}."),
        _ => format!("You committed to nothing. It was {was}."),
    }
}

/// The verdict on the cause in a few words.
pub fn verdict(debrief: &Debrief) -> &'static str {
    match debrief.cause.verdict {
        Verdict::Right => match debrief.cause.proved {
            Some(true) => "right and proved",
            Some(false) => "right, but not proved",
            None => "right",
        },
        Verdict::Half if debrief.truth.causes.iter().any(|c| Some(&c.mechanism) == debrief.cause.said.as_ref()) => {
            "half right: a cause, not the weightiest"
        }
        Verdict::Half => "half right: the family, not the mechanism",
        Verdict::Wrong => "wrong",
        Verdict::LeftOpen => match debrief.cause.rightly_open {
            Some(true) => "rightly left open",
            Some(false) => "left open without need",
            None => "left open; whether rightly is not judged",
        },
        Verdict::Silent => "nothing committed",
    }
}

/// Of what users have at stake, what is lost below this share is hardly noticed.
const NOTICED: f64 = 0.002;

fn whole(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if 0 < i && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value <= -0.5 { format!("-{text}") } else { text }
}

/// What happened to users, in sentences.
pub fn users(users: &Users) -> String {
    let mut text = format!("{} user-minutes were lost", whole(users.lost));
    text.push_str(&format!("; doing nothing would have cost {}", whole(users.lost_if_nothing)));
    if users.was_best {
        text.push_str(&format!(". Nothing better was found in {} tries", users.tried));
    } else if users.best.is_empty() {
        text.push_str(&format!(", and nothing better was found in {} tries", users.tried));
    } else {
        let orders: Vec<String> = users.best.iter().map(|o| format!("{} at {}", o.action, o.time)).collect();
        text.push_str(&format!(", the best found {} ({})", whole(users.lost_at_best), orders.join(", then ")));
    }
    format!("{text}. {}", pain(users))
}

/// When users were in pain, in a sentence.
pub fn pain(users: &Users) -> String {
    match (&users.pain_from, &users.pain_until) {
        (None, _) if users.lost < NOTICED * users.at_stake => "Users hardly noticed.".to_string(),
        (None, _) => "In no minute were more than one in ten of them in pain.".to_string(),
        _ if !users.pain_spells.is_empty() => {
            let spell = |(from, until): &(String, Option<String>)| {
                format!("from {from} to {}", until.as_deref().unwrap_or("the end"))
            };
            let spells: Vec<String> = users.pain_spells.iter().map(spell).collect();
            format!("Users were in pain {}.", spells.join(", and again "))
        }
        (Some(from), None) => format!("Users were in pain from {from} to the end."),
        (Some(from), Some(until)) => format!("Users were in pain from {from} to {until}."),
    }
}

/// What user-minutes more or less are, in words.
fn done(effect: f64) -> String {
    match effect {
        effect if effect.abs() < 0.5 => "changed nothing for users".to_string(),
        effect if effect < 0.0 => format!("saved {} user-minutes", whole(-effect)),
        effect => format!("cost {} user-minutes", whole(effect)),
    }
}

fn order(order: &crate::score::debrief::Ordered, lost: f64) -> String {
    let what = match (&order.refused, &order.together) {
        (Some(why), _) => format!("was not carried out: {why}"),
        (None, Some(all)) => {
            format!(
                "was given {} times, which {} in all; this one alone {}",
                all.orders,
                done(all.effect),
                done(order.effect)
            )
        }
        (None, None) => done(order.effect),
    };
    let earlier = lost - order.lost_at_first_chance;
    let sooner = match (order.effect, earlier) {
        (effect, saved) if 0.5 <= saved && effect < 0.0 => {
            format!("; at the first chance it would have saved {} more", whole(saved))
        }
        (_, saved) if 0.5 <= saved => format!("; at the first chance {} fewer would have been lost", whole(saved)),
        _ => String::new(),
    };
    let back = if order.reversible { "" } else { "; it cannot be taken back" };
    let left = leaves(order).map_or(String::new(), |left| format!("; {left}"));
    format!("{} {} {what}{sooner}{back}{left}", order.time, order.action)
}

/// At most so many things that an order leaves behind are told one by one.
const LEFT: usize = 4;

/// What an order leaves behind, in words; none if nothing.
pub fn leaves(order: &crate::score::debrief::Ordered) -> Option<String> {
    let one = |left: &crate::score::debrief::Left| match (&left.now, &left.before) {
        (Some(now), Some(before)) => format!("{} {now}, usually {before}", left.what),
        (Some(now), None) => format!("{} {now}", left.what),
        (None, _) => format!("{} no longer set", left.what),
    };
    let told: Vec<String> = order.leaves.iter().take(LEFT).map(one).collect();
    let more = match order.leaves.len().saturating_sub(LEFT) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!told.is_empty()).then(|| format!("it leaves behind {}{more}", told.join("; ")))
}

/// What still fired when the session ended, in words.
pub fn still_firing(users: &Users) -> String {
    match users.still_firing.as_slice() {
        [] => "No alert fired any more when you left.".to_string(),
        firing => format!("Still firing when you left: {}.", firing.join(", ")),
    }
}

/// What a look that would have settled it showed, as in `unique requests per second, flat (49 /s; before 51 /s; had it
/// been demand, 101 /s)`.
pub fn settling(told: &Settling, rival: &str) -> String {
    let title = told.item.title.as_str();
    let name = title.chars().nth(1).is_some_and(char::is_uppercase); // as in KV
    let first = title.chars().take(1).flat_map(|c| if name { vec![c] } else { c.to_lowercase().collect() });
    let lower: String = first.chain(title.chars().skip(1)).collect();
    let part = if told.part.is_empty() { String::new() } else { format!(" ({})", told.part) };
    let mut numbers = Vec::new();
    if let Some(unit) = told.unit.filter(|_| told.behaved != "there") {
        numbers.extend(told.after.map(|v| unit.show(v)));
        numbers.extend(told.before.map(|v| format!("before {}", unit.show(v))));
        let would =
            told.if_rival.map(|v| unit.show(v)).filter(|text| told.behaved != "not there" || !text.starts_with("0"));
        numbers.extend(would.map(|text| format!("had it been {rival}, {text}")));
    }
    let numbers = if numbers.is_empty() { String::new() } else { format!(" ({})", numbers.join("; ")) };
    format!("{}, {}{numbers}", readable(&format!("{lower}{part}")), told.behaved)
}

/// What the truth is held against, in words that tell it from the truth.
fn against(rival: Option<&str>, was: &[String]) -> String {
    match rival {
        None => "that".to_string(),
        Some(rival) if was.iter().any(|m| family(m) == family(rival)) => is(rival).to_string(),
        Some(rival) => plain(rival).to_string(),
    }
}

/// A form of lines, in which numbers are `#`, as it is read: what is left out is told by three dots.
pub fn readable(form: &str) -> String {
    let mut text = String::new();
    let mut left_out = false;
    for c in form.chars() {
        match c {
            '#' | '%' if c == '#' || left_out => left_out = true,
            ' ' if left_out => {}
            _ => {
                if std::mem::take(&mut left_out) {
                    text.push_str(if c.is_alphanumeric() { "... " } else { "..." });
                }
                text.push(c);
            }
        }
    }
    text
}

/// What is to be said of looks: which one settled it, or would have, and which ones could not.
pub fn looks(observer: &Judgement, cause: &Cause) -> Vec<String> {
    let mut lines = Vec::new();
    let rival = observer.rival.as_deref();
    let held_against = against(rival, &cause.was);
    let decisive = observer.looks.iter().find(|look| SETTLED <= look.truth_after);
    if let Some(look) = decisive {
        let sure = look.truth_after * 100.0;
        lines
            .push(format!("E{} settled it: with it the truth is {sure:.0} % sure ({}).", look.observation, look.title));
    }
    match &observer.settled {
        Some(told) if told.looked_at => {
            lines.push(format!("One look settles it, and you had it: {}.", settling(told, &held_against)))
        }
        Some(told) if decisive.is_some() => {
            lines.push(format!("One look alone would have been enough: {}.", settling(told, &held_against)));
        }
        Some(told) => lines.push(format!("One look would have settled it: {}.", settling(told, &held_against))),
        None if decisive.is_some() => {}
        None if observer.discriminating.is_empty() => {
            lines.push("Nothing that there was to see by then settles it.".to_string());
        }
        None => {
            let titles: Vec<String> = observer.discriminating.iter().map(|i| i.title.to_lowercase()).collect();
            lines.push(format!("No single look settles it; together these do: {}.", titles.join("; ")));
        }
    }
    // What stood still where it would have moved is the boring look that everybody skips: it is named beside.
    let told_already = |told: &&Settling| observer.settled.as_ref().is_some_and(|s| s.item == told.item);
    if let Some(told) = observer.refuted.as_ref().filter(|told| !told_already(told)) {
        lines.push(match told.looked_at {
            true => format!("One look rules out {held_against}, and you had it: {}.", settling(told, &held_against)),
            false => format!("One look would have ruled out {held_against}: {}.", settling(told, &held_against)),
        });
    }
    let weighed: Vec<&Looked> = observer.looks.iter().filter(|look| !look.neutral).collect();
    let blind: Vec<String> = weighed.iter().filter(|l| !l.tells_apart).map(|l| format!("E{}", l.observation)).collect();
    if let (Some(rival), false) = (rival, weighed.is_empty()) {
        let from = match cause.said.as_deref() == Some(rival) {
            true => format!("what you said ({held_against})"),
            false => format!("its look-alike ({}: {})", plain(rival), is(rival)),
        };
        lines.push(match blind.len() {
            0 => format!("Each of your looks told something for or against {from}."),
            1 => format!("One of your {} looks could not tell the truth from {from}: {}.", weighed.len(), blind[0]),
            n => format!(
                "{n} of your {} looks could not tell the truth from {from}: {}.",
                weighed.len(),
                blind.join(", ")
            ),
        });
    }
    if observer.premature == Some(true) {
        lines.push(
            "The question was closed too early: at the first lead of 70 % or more, what would have told lay unopened."
                .to_string(),
        );
    }
    if observer.freshness.is_stale() {
        lines.push(format!("Not to be relied on: {}.", observer.freshness.says()));
    }
    lines
}

/// What hints were taken, in a sentence; none where none was.
pub fn hints(debrief: &Debrief) -> Option<String> {
    match debrief.hints {
        0 => None,
        1 => Some("A hint was taken.".to_string()),
        2 => Some("Two hints were taken: a question, and where to look.".to_string()),
        n => Some(format!("{n} hints were taken; the last one names the mechanism.")),
    }
}

/// The debrief as Markdown, which reads as plain text too.
pub fn markdown(debrief: &Debrief) -> String {
    let mut text = format!("# {} {}\n\n**{}**\n\n", debrief.case, debrief.title, headline(debrief));
    text.push_str(&format!("- Users: {}\n", users(&debrief.users)));
    text.push_str(&format!("- Cause: {}. {}\n", verdict(debrief), debrief.cause.grounding));
    debrief
        .observer
        .iter()
        .flat_map(|o| looks(o, &debrief.cause))
        .for_each(|line| text.push_str(&format!("- {line}\n")));
    hints(debrief).iter().for_each(|line| text.push_str(&format!("- {line}\n")));
    if debrief.cause.blamed_decoy {
        text.push_str("- What you blamed only seemed to be the cause.\n");
    }
    debrief.planted.iter().for_each(|planted| text.push_str(&format!("- {}\n", planted.says())));
    text.push_str(&format!("\n{}\n", debrief.story));
    text.push_str(&format!("\n{}\n", still_firing(&debrief.users)));
    if !debrief.users.orders.is_empty() {
        text.push_str("\n## What your orders did\n\n");
        for done in &debrief.users.orders {
            text.push_str(&format!("- {}\n", order(done, debrief.users.lost)));
        }
    }
    text.push_str("\n## What was true\n\n");
    for cause in &debrief.truth.causes {
        let share = cause.share * 100.0;
        text.push_str(&format!("- {share:.0} % ({}): {} ({})\n", cause.role.word(), cause.says, cause.mechanism));
    }
    if debrief.truth.causes.is_empty() {
        text.push_str("- Nothing was wrong.\n");
    }
    for decoy in &debrief.truth.decoys {
        let effect = match decoy.harmless {
            true => "true, and harmless".to_string(),
            false => format!("it moved {} user-minutes", whole(decoy.effect)),
        };
        text.push_str(&format!("- decoy: {}: {effect}\n", decoy.says));
    }
    if let Some(reliance) = &debrief.reliance {
        text.push_str("\n## The assistant\n\n");
        reliance.says().iter().for_each(|line| text.push_str(&format!("- {line}\n")));
        text.push_str(&format!("- {}\n", reliance.formula));
    }
    text.push_str("\n## What happened when\n\n");
    for line in &debrief.timeline {
        text.push_str(&format!("- {} {}: {}\n", line.time, line.kind.word(), line.text.replace('\n', " ")));
    }
    text.push_str(&debrief.lesson.as_ref().map(lesson).unwrap_or_default());
    text.push_str(&score(debrief));
    text
}

fn lesson(told: &Told) -> String {
    let mut text = format!("\n## What it is for\n\n{}\n\n", told.goal);
    told.traps.iter().for_each(|(code, says)| text.push_str(&format!("- {code}: {says}\n")));
    text.push_str(&format!("- How hard, each from 0 to 4: {}\n", told.difficulty.says()));
    if !told.notes.is_empty() {
        text.push_str("\nTo talk about:\n\n");
        told.notes.iter().for_each(|note| text.push_str(&format!("- {note}\n")));
    }
    if !told.documents.is_empty() {
        text.push_str(&format!("\nThe archive had it in {}.\n", told.documents.join(", ")));
    }
    text
}

fn score(debrief: &Debrief) -> String {
    let composite = &debrief.card.composite;
    let mut text = format!("\n## Score ({})\n\n", composite.model);
    text.push_str(&match composite.total {
        Some(total) => {
            let judged: f64 = composite.parts.iter().filter_map(|p| p.points).sum();
            let scaled = match composite.out_of < 100.0 {
                true => {
                    format!("{judged:.1} of the {:.0} points that could be judged, scaled to 100", composite.out_of)
                }
                false => format!("{judged:.1} for its parts"),
            };
            let lost = match 0.05 <= composite.lost {
                true => format!(", less {:.1} for harm that orders did", composite.lost),
                false => String::new(),
            };
            format!("{total:.1} of 100: {scaled}{lost}.\n")
        }
        None => format!(
            "{:.1} of {:.0} points that this build can judge, {:.1} taken off for harm. No total: parts are missing.\n",
            composite.points, composite.out_of, composite.lost
        ),
    });
    for gate in &composite.gates {
        text.push_str(&format!("\n{}.\n", gate.says()));
    }
    text.push_str(&format!("\n{}\n", sealed(debrief.sealed)));
    text.push('\n');
    for part in &composite.parts {
        let points = part.points.map_or("not judged".to_string(), |p| format!("{p:.1}"));
        text.push_str(&format!("- {}: {points} of {:.0}\n", part.name, part.weight));
    }
    text.push_str("\n## Measures\n\n");
    debrief.card.measures.iter().for_each(|m| text.push_str(&measure(m)));
    if let Some(observer) = debrief.observer.as_ref().filter(|o| !o.looks.is_empty()) {
        text.push_str("\n## What each look could tell\n\n");
        for look in &observer.looks {
            text.push_str(&format!(
                "- E{} {}: {:.2} bits by itself; the truth {:.0} % sure after it\n",
                look.observation,
                look.title,
                look.bits,
                look.truth_after * 100.0
            ));
        }
        let set: Vec<&str> = observer.discriminating.iter().map(|i| i.title.as_str()).collect();
        if !set.is_empty() {
            text.push_str(&format!("- A smallest set that settles it: {}\n", set.join("; ")));
        }
    }
    text
}

/// A number with three decimals; nothing is not less than nothing.
fn three(value: f64) -> String {
    let text = format!("{value:.3}");
    if text == "-0.000" { text[1..].to_string() } else { text }
}

fn measure(measure: &Measure) -> String {
    let value = measure.value.map_or(format!("not judged ({})", measure.why_none), three);
    let mut text = format!("- {} {}: {value}\n  - {}\n", measure.id, measure.name, measure.formula);
    if !measure.inputs.is_empty() {
        let inputs: Vec<String> = measure.inputs.iter().map(|(name, v)| format!("{name} {}", three(*v))).collect();
        text.push_str(&format!("  - from {}\n", inputs.join(", ")));
    }
    if !measure.log.is_empty() {
        let log: Vec<String> = measure.log.iter().map(u64::to_string).collect();
        text.push_str(&format!("  - events {} of the log\n", log.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_dots_for_what_it_leaves_out() {
        assert_eq!(readable("get cache (\"# # first heard # of # #%\")"), "get cache (\"... first heard ... of ...\")");
        assert_eq!(readable("found in a cache, 52 %"), "found in a cache, 52 %");
    }
}
