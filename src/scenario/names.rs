//! What no schema can say of a scenario file: names that nothing bears, ids given twice, faults that fit no stack, moments
//! that never come.

use crate::scenario::apply::parse;
use crate::scenario::check::Report;
use crate::scenario::file::{CauseSpec, ScenarioFile, VariantSpec};
use crate::scenario::lesson::TRAPS;
use crate::scenario::tree::Path;
use crate::sim::spec::SpecError;
use crate::sim::spec::check::{fault_mistakes, stack_mistakes};
use crate::sim::time::SimDuration;

/// A variant has no more causes than this: to tell what each did, every subset of them is run.
pub const MOST_CAUSES: usize = 4;

/// Reports every name in the file that does not exist or exists twice, and every fault that does not fit the stack.
pub fn check(file: &ScenarioFile, report: &mut Report<'_>) {
    stack(file, report);
    workload(file, report);
    report.unique("cause or decoy", ids(&file.causes, "causes").chain(ids(&file.decoys, "decoys")));
    for (list, field) in [(&file.causes, "causes"), (&file.decoys, "decoys")] {
        for (index, one) in list.iter().enumerate() {
            cause(file, one, &|| Path::root().field(field).index(index), report);
        }
    }
    let history =
        |list: &'static str| move |index| Path::root().field("history").field(list).index(index).field("name");
    let changes = file.history.changes.iter().enumerate();
    report.unique("change", changes.map(|(i, c)| (c.name.as_str(), history("changes")(i))));
    let tickets = file.history.tickets.iter().enumerate();
    report.unique("ticket", tickets.map(|(i, t)| (t.name.as_str(), history("tickets")(i))));
    let lines = file.history.lines.iter().enumerate();
    report.unique("line of a log", lines.map(|(i, l)| (l.name.as_str(), history("lines")(i))));
    let chat = file.history.chat.iter().enumerate();
    report.unique("line of chat", chat.map(|(i, c)| (c.name.as_str(), history("chat")(i))));
    let path = |field: &'static str, index| Path::root().field(field).index(index);
    let listed = || {
        let variants = file.variants.iter().enumerate().map(move |(i, v)| (v, path("variants", i)));
        variants.chain(file.alternatives.iter().enumerate().map(move |(i, v)| (v, path("alternatives", i))))
    };
    report.unique("variant", listed().map(|(v, path)| (v.name.as_str(), path.field("name"))));
    for (one, path) in listed() {
        variant(file, one, &|| path.clone(), report);
    }
    times(file, report);
    lesson(file, report);
}

/// Dates and times of day that are none, and par times that lie beyond the end.
fn times(file: &ScenarioFile, report: &mut Report<'_>) {
    let history = |field| Path::root().field("history").field(field);
    if !file.history.date.is_empty() && file.history.date.parse::<jiff::civil::Date>().is_err() {
        report.at(&history("date"), "that is no date").expected("a day of the calendar, as in \"2026-03-02\"");
    }
    if !file.history.opens_at.is_empty() && file.history.opens_at.parse::<jiff::civil::Time>().is_err() {
        report
            .at(&history("opens_at"), "that is no time of day")
            .expected("hours, minutes, seconds, as in \"14:00:00\"");
    }
    let a_day = SimDuration::from_secs(86_400);
    for (field, lasts) in
        [("length_s", file.length_s), ("warm_up_s", file.warm_up_s), ("cache_history_s", file.cache_history_s)]
    {
        if a_day < lasts {
            report.at(&Path::root().field(field), "nobody waits so long").expected("at most a day, 86400 s");
        }
    }
    for (field, par) in [("commit_s", file.lesson.par.commit_s), ("better_s", file.lesson.par.better_s)] {
        if file.length_s < par {
            let path = Path::root().field("lesson").field("par").field(field);
            report.at(&path, "that is after the end").expected(within(file));
        }
    }
}

/// What a moment has to be.
fn within(file: &ScenarioFile) -> String {
    format!("no more than `length_s`, {} s", file.length_s.as_secs_f64())
}

/// The coach says at most so many words at once.
const MOST_COACH_WORDS: usize = 12;

fn lesson(file: &ScenarioFile, report: &mut Report<'_>) {
    for (index, trap) in file.lesson.traps.iter().enumerate() {
        let path = Path::root().field("lesson").field("traps").index(index);
        report.reference(&path, "trap", trap, TRAPS.iter().map(|(code, _)| *code));
    }
    for (index, line) in file.coach.iter().enumerate() {
        let words = line.says.split_whitespace().count();
        if MOST_COACH_WORDS < words {
            let path = Path::root().field("coach").index(index).field("says");
            report
                .at(&path, format!("{words} words are too many to read while being paged"))
                .expected(format!("at most {MOST_COACH_WORDS}"));
        }
    }
}

fn stack(file: &ScenarioFile, report: &mut Report<'_>) {
    for error in stack_mistakes(&file.stack, "stack") {
        let path = path_of(&error.path);
        tell(report, &path, error);
    }
}

fn workload(file: &ScenarioFile, report: &mut Report<'_>) {
    let sources = || Path::root().field("workload").field("sources");
    let named = file.workload.sources.iter().enumerate();
    report.unique("workload source", named.map(|(i, s)| (s.name.as_str(), sources().index(i).field("name"))));
    for (index, source) in file.workload.sources.iter().enumerate() {
        let here = || sources().index(index);
        let clients = file.stack.clients.iter().map(|c| c.name.as_str());
        report.reference(&here().field("client"), "client", &source.client, clients);
        let models = file.stack.pools.iter().map(|p| p.model.as_str());
        report.reference(&here().field("model"), "model", &source.model, models);
        let cohorts = file.workload.cohorts.iter().map(|c| c.name.as_str());
        report.reference(&here().field("cohort"), "cohort", &source.cohort, cohorts);
        if let Some(name) = &source.prompt.templates_of {
            let path = here().field("prompt").field("templates_of");
            report.reference(&path, "workload source", name, source_names(file));
        }
    }
}

fn cause(file: &ScenarioFile, cause: &CauseSpec, here: &dyn Fn() -> Path, report: &mut Report<'_>) {
    for (kind, faults) in [("faults", &cause.faults), ("instead", &cause.instead)] {
        for (number, fault) in faults.iter().enumerate() {
            let place = || here().field(kind).index(number);
            for error in fault_mistakes(&file.stack, &fault.fault, "") {
                tell(report, &place().field("fault"), error);
            }
            if fault.until_s.is_some_and(|until| fault.at_s.is_some_and(|at| until <= at)) {
                report.at(&place().field("until_s"), "it ends before it begins").expected("a time after `at_s`");
            }
            if fault.at_s.is_some_and(|at| file.length_s < at) {
                report.at(&place().field("at_s"), "that is after the end: it never happens").expected(within(file));
            }
        }
    }
    if !cause.mechanism.is_empty() {
        let known = crate::scenario::mechanisms::MECHANISMS.iter().map(|m| m.id);
        report.reference(&here().field("mechanism"), "mechanism", &cause.mechanism, known);
    }
    for (number, source) in cause.sources.iter().enumerate() {
        report.reference(&here().field("sources").index(number), "workload source", source, source_names(file));
    }
}

fn variant(file: &ScenarioFile, variant: &VariantSpec, here: &dyn Fn() -> Path, report: &mut Report<'_>) {
    for (field, noun, wanted, list) in
        [("causes", "cause", &variant.causes, &file.causes), ("decoys", "decoy", &variant.decoys, &file.decoys)]
    {
        for (number, id) in wanted.iter().enumerate() {
            report.reference(&here().field(field).index(number), noun, id, list.iter().map(|c| c.id.as_str()));
        }
    }
    for (field, orders) in [("mends", &variant.mends), ("tempts", &variant.tempts)] {
        for (number, text) in orders.iter().enumerate() {
            let place = here().field(field).index(number);
            let mistakes = match parse(text) {
                Ok(action) => file.order_mistakes(SimDuration::ZERO, &action, text),
                Err(error) => vec![error],
            };
            mistakes.into_iter().for_each(|error| tell(report, &place, error));
        }
    }
    if MOST_CAUSES < variant.causes.len() {
        let message = format!("{} causes are too many for one variant", variant.causes.len());
        report
            .at(&here().field("causes").index(MOST_CAUSES), message)
            .expected(format!("at most {MOST_CAUSES}"))
            .help("merge causes that always come together, or make two variants of it");
    }
}

fn source_names(file: &ScenarioFile) -> impl Iterator<Item = &str> {
    file.workload.sources.iter().map(|s| s.name.as_str())
}

fn ids<'a>(list: &'a [CauseSpec], field: &'static str) -> impl Iterator<Item = (&'a str, Path)> {
    let path = move |index| Path::root().field(field).index(index).field("id");
    list.iter().enumerate().map(move |(index, cause)| (cause.id.as_str(), path(index)))
}

fn tell(report: &mut Report<'_>, path: &Path, error: SpecError) {
    let mistake = report.at(path, error.message);
    if let Some(near) = error.suggestion {
        mistake.help(format!("did you mean `{near}`?"));
    }
}

/// A path as a spec error writes it: names and indices joined by dots.
fn path_of(dotted: &str) -> Path {
    dotted.split('.').fold(Path::root(), |path, part| match part.parse() {
        Ok(index) => path.index(index),
        Err(_) => path.field(part),
    })
}
