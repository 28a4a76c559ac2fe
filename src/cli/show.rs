//! `show`: one scenario; what is true of it only for those who ask.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Failure, lines, open, print};
use crate::scenario::apply::FORMS;
use crate::scenario::file::{CauseSpec, ScenarioFile, VariantSpec};
use crate::scenario::lesson::{Difficulty, TRAPS};
use crate::sim::time::SimDuration;

/// Which scenario, and how much of it.
#[derive(Args)]
pub struct Options {
    /// Name of a scenario, or path of a .ron file
    scenario: String,
    /// Tell the truth as well: variants, causes, decoys, actions
    #[arg(long)]
    spoil: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Directory with scenarios of your own, beside those built in
    #[arg(long, value_name = "DIR")]
    scenarios: Option<std::path::PathBuf>,
}

/// Prints a scenario.
pub fn show(options: &Options) -> Result<(), Failure> {
    let scenario = open(&options.scenario, options.scenarios.as_deref())?;
    let file = &scenario.file;
    if options.json {
        let mut value = json!({
            "scenario": scenario.name, "page": file.page, "briefing": file.briefing,
            "difficulty": file.difficulty, "minutes": file.length_s.as_secs_f64() / 60.0,
        });
        if options.spoil {
            spoil_json(&mut value, file);
        }
        return print(&serde_json::to_string_pretty(&value).map_err(|e| Failure::Surroundings(e.to_string()))?);
    }
    let mut text = format!("{}\n{}", lines(0, &file.page), lines(0, &file.briefing));
    if options.spoil {
        text.push_str(&spoil_text(file));
    }
    print(text.trim_end())
}

fn spoil_json(value: &mut Value, file: &ScenarioFile) {
    let cause = |c: &CauseSpec| json!({ "id": c.id, "says": c.says, "mechanism": c.mechanism, "role": c.role });
    value["title"] = json!(file.title);
    value["story"] = json!(file.story);
    value["variants"] = json!(file.variants);
    let hard = |v: &VariantSpec| (v.name.clone(), json!(Difficulty::of(file, v)));
    value["lesson"] = json!(file.lesson);
    value["hard"] = file.variants.iter().map(hard).collect::<serde_json::Map<_, _>>().into();
    value["causes"] = file.causes.iter().map(cause).collect();
    value["decoys"] = file.decoys.iter().map(cause).collect();
    value["actions"] = FORMS.iter().map(|f| json!({ "name": f.name, "usage": f.usage(), "does": f.does })).collect();
}

fn spoil_text(file: &ScenarioFile) -> String {
    let mut text = format!("\n{}{}\nVariants\n", lines(0, &file.title), lines(0, &file.story));
    for variant in &file.variants {
        let foil = if variant.foil { " (foil)" } else { "" };
        let parts = [&variant.causes[..], &variant.decoys].concat().join(", ");
        text.push_str(&entry(&format!("{}{foil}", variant.name), &parts));
        if !variant.story.is_empty() {
            text.push_str(&lines(6, &variant.story));
        }
        text.push_str(&lines(6, &format!("How hard, each from 0 to 4: {}", Difficulty::of(file, variant).says())));
        for (what, orders) in [("Mends", &variant.mends), ("Tempts", &variant.tempts)] {
            if !orders.is_empty() {
                text.push_str(&lines(6, &format!("{what}: {}", orders.join(", "))));
            }
        }
    }
    text.push_str(&lesson_text(file));
    for (title, list) in [("Causes", &file.causes), ("Decoys", &file.decoys)] {
        text.push_str(&format!("\n{title}\n"));
        for cause in list {
            text.push_str(&entry(&cause.id, &cause.says));
        }
    }
    text.push_str("\nActions, for --apply NAME[:TARGET][=VALUE]@TIME\n");
    for form in FORMS {
        text.push_str(&entry(&form.usage(), form.does));
    }
    text
}

/// What it is for.
fn lesson_text(file: &ScenarioFile) -> String {
    let lesson = &file.lesson;
    if lesson.is_empty() {
        return String::new();
    }
    let mut text = format!("\nWhat it is for\n{}", lines(2, &lesson.goal));
    for code in &lesson.traps {
        let says = TRAPS.iter().find(|(of, _)| of == code).map_or("", |(_, says)| says);
        text.push_str(&entry(code, says));
    }
    let minutes = |time: SimDuration| format!("{:.0} min", time.as_secs_f64() / 60.0);
    let par = (minutes(lesson.par.commit_s), minutes(lesson.par.better_s));
    text.push_str(&entry("par", &format!("{} to the first commit, {} until users are better", par.0, par.1)));
    text.push_str(&entry("documents", &lesson.documents.join(", ")));
    lesson.notes.iter().for_each(|note| text.push_str(&entry("to talk about", note)));
    text
}

/// A name, and below it what it is.
fn entry(name: &str, is: &str) -> String {
    format!("{}{}", lines(2, name), if is.is_empty() { String::new() } else { lines(6, is) })
}
