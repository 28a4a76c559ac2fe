//! What a participant is shown: no word of the author, nothing that tells a variant from its twins before the first onset,
//! and numbers that are those of the charts.

use rayon::prelude::*;

use crate::scenario::file::{CauseSpec, VariantSpec};
use crate::scenario::opened::Scenario;
use crate::score::check::{Clause, Finding, Scope, Verdict, first_onset};
use crate::session::clock::{Seat, Terms};
use crate::session::command::{Asked, Command, Look, Only, Question};
use crate::session::seal::{self, Seal};
use crate::session::{Session, case, look};
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::panels::{BOARDS, PanelData, Unit};
use crate::telemetry::watch::Watch;

/// The seed and the salt under which a variant is looked at.
const SEED: u64 = 2;
/// See [`SEED`].
const SALT: u64 = 3;
/// So far the numbers of a text may be from those they stand for: they are written to three digits.
const ROUNDING: f64 = 0.006;

/// Everything there is to look at, in every form.
pub fn looks() -> Vec<Look> {
    let board = |board: &str| Look::Board { board: board.to_string(), window_s: 1200 };
    let sql = |query: &str| Look::Sql { query: query.to_string() };
    let fleet = |line: &str| Look::Fleet { line: line.to_string() };
    let logs = |service: &str| Look::Logs { service: service.to_string(), since_s: 1200, grep: String::new() };
    let words = |words: &str| Look::Archive { words: words.to_string() };
    let ask = |who: &str, about: &str| Look::Ask { who: who.to_string(), about: about.to_string() };
    let mut all: Vec<Look> = BOARDS.iter().map(|b| board(b.id)).collect();
    all.extend([ask("kv-cache", "anything odd"), ask("gateway", "errors"), Look::Alerts, Look::Tickets]);
    all.extend([24, 400].map(|hours| Look::Changes { id: String::new(), hours }));
    all.extend(
        [
            "get pods",
            "get nodes -o wide",
            "get endpoints",
            "get hpa",
            "get events",
            "get deployments -o json",
            "get configmap -o json",
            "ring",
            "top pods",
            "top nodes",
            "rollout history gateway",
        ]
        .map(fleet),
    );
    all.extend(["", "gateway", "kv-cache"].map(logs));
    all.push(Look::Traces { filter: String::new() });
    all.extend(["cache", "launch"].map(words));
    all.extend(
        [
            "select * from requests order by time desc limit 200",
            "select * from accounts limit 50",
            "select * from logs order by time desc limit 300",
            "select * from spans limit 200",
            "select * from changes",
            "select * from alerts",
            "select * from tickets",
        ]
        .map(sql),
    );
    all.push(Look::Promql { query: "{__name__=~\".+\"}".to_string(), window_s: None, step_s: None });
    let (start_ms, end_ms) = (0, i64::MAX / 4);
    let query = "envoy_http_downstream_rq_time_bucket".to_string();
    let series = Question::Series { selectors: Vec::new(), start_ms, end_ms, only: Only::Whole };
    let over_the_wire = [Question::Targets, series, Question::Exemplars { query, start_ms, end_ms }];
    all.extend(over_the_wire.map(|what| Look::Prometheus(Asked { zero_ms: 0, what })));
    all
}

/// Words of the author that nobody may meet who plays: ids that are no ordinary words, names, sentences; in small letters.
pub fn authors_words(scenario: &Scenario) -> Vec<String> {
    let file = &scenario.file;
    let telling = |id: &String| id.contains('-'); // others are ordinary words
    let of = |c: &CauseSpec| [Some(c.id.clone()).filter(telling), Some(c.says.clone())];
    let causes = file.causes.iter().chain(&file.decoys).flat_map(of).flatten();
    let variants = file.variants.iter().flat_map(|v| [Some(v.name.clone()).filter(telling), Some(v.story.clone())]);
    let name = Some(scenario.name.clone()).filter(telling);
    let own = [file.title.clone(), file.story.clone()].into_iter().chain(name);
    causes.chain(variants.flatten()).chain(own).filter(|word| 3 < word.len()).map(|w| w.to_lowercase()).collect()
}

/// A whole session of a variant that looks at everything and tries what may betray; and where one of these words shows,
/// what shows it. A session that cannot be had is told as such.
pub fn leaks(scenario: &Scenario, variant: &str, words: &[String]) -> Vec<String> {
    let mut session = match session(scenario, variant) {
        Ok(session) => session,
        Err(why) => return vec![why],
    };
    let mut shown = vec![("case".to_string(), format!("{:?}", case::case(scenario)))];
    let act = |action: &str| Command::Act { action: action.to_string(), confirm: None };
    let before = [
        Command::Wait { seconds: 240.0 },
        Command::Acknowledge,
        Command::Arm,
        act("rollback:CHG-1"),
        act("shed=0.1"),
        act("scale:nobody=3"),
        Command::Next,
        Command::Hint,
        Command::Wait { seconds: 180.0 },
    ];
    let sections = [("impact".to_string(), "some".to_string())].into();
    let after = [Command::End, Command::Postmortem { sections }];
    let looks = looks().into_iter().map(Command::Look);
    for command in before.into_iter().chain(looks).chain(after) {
        let told = match session.apply(Seat::Participant, &command) {
            Ok(reply) => format!("{} {} {:?}", reply.text, reply.data, reply.notices),
            Err(refusal) => refusal.to_string(),
        };
        shown.push((format!("{command:?}"), told));
    }
    shown.push(("view".to_string(), serde_json::to_string(&session.view()).unwrap_or_default()));
    shown.push(("postmortem".to_string(), format!("{:?}", session.postmortem_draft())));
    let mut found = Vec::new();
    for (line, text) in shown {
        let text = text.to_lowercase();
        for word in words.iter().filter(|word| text.contains(word.as_str())) {
            found.push(format!("`{line}` shows \"{word}\""));
        }
    }
    found
}

fn session(scenario: &Scenario, variant: &str) -> Result<Session, String> {
    let watch = Watch::new(&scenario.file, variant, SEED, SALT);
    let paged_at = watch.map_err(|e| e.to_string())?.run_to_first_page();
    let seal = Seal {
        v: seal::VERSION,
        scenario: scenario.name.clone(),
        variant: variant.to_string(),
        seed: SEED,
        salt: SALT,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: env!("CARGO_PKG_VERSION").to_string(),
    };
    Session::open(scenario.clone(), seal, Terms::default()).map_err(|e| e.to_string())
}

/// Looks that tell two variants of a seed apart before the first onset, as `LOOK tells ONE from OTHER: LINES`.
pub fn told_apart_before_onset(scenario: &Scenario) -> Vec<String> {
    let file = &scenario.file;
    let moment = file.open_at() + first_onset(file);
    let before = SimTime(moment.0.saturating_sub(1_000_000_000));
    let seen = |variant: &VariantSpec| -> Result<Vec<String>, String> {
        let mut watch = Watch::new(file, &variant.name, SEED, SALT).map_err(|e| e.to_string())?;
        watch.advance_to(before);
        let asked = |look: &Look| match look::answer(&mut watch, look) {
            Ok(answer) => format!("{}\n{}\n{}", answer.title, answer.text, answer.data),
            Err(why) => format!("refused: {why}"),
        };
        Ok(looks().iter().map(asked).collect())
    };
    let views: Result<Vec<Vec<String>>, String> = file.variants.par_iter().map(seen).collect();
    let views = match views {
        Ok(views) => views,
        Err(why) => return vec![why],
    };
    let mut found = Vec::new();
    for (variant, view) in file.variants.iter().zip(&views).skip(1) {
        for (place, look) in looks().iter().enumerate() {
            let (one, other) = (&views[0][place], &view[place]);
            if one != other {
                let lines = one.lines().zip(other.lines()).find(|(a, b)| a != b);
                let (a, b) = lines.unwrap_or(("(more lines)", "(more lines)"));
                let short = |line: &str| line.chars().take(160).collect::<String>();
                found.push(format!(
                    "`{}` tells {} from {}: {} / {}",
                    look::title(look),
                    file.variants[0].name,
                    variant.name,
                    short(a),
                    short(b)
                ));
            }
        }
    }
    found
}

/// Panels whose text does not say the numbers that are drawn, of a world as it stands.
pub fn text_unlike_panels(watch: &Watch, window: SimDuration) -> Vec<String> {
    let to = watch.world.now();
    let from = SimTime(to.0.saturating_sub(window.0));
    let mut found = Vec::new();
    for board in BOARDS {
        let panels = match board.read(watch.world.scraped(), from, to, SimDuration::from_secs(15)) {
            Ok(panels) => panels,
            Err(error) => {
                found.push(format!("board {}: {error}", board.id));
                continue;
            }
        };
        found.extend(panels.iter().filter_map(|panel| Some(format!("{}: {}", board.id, differs(panel, watch)?))));
    }
    found
}

/// Where a panel's text is not its chart.
fn differs(panel: &PanelData, watch: &Watch) -> Option<String> {
    let drawn = panel.draw(96, 6, false, &watch.scene.calendar);
    if !drawn.starts_with(panel.title) || !panel.summary().starts_with(panel.title) {
        return Some(format!("\"{}\" is not named", panel.title));
    }
    let mut said = 0;
    for text in [panel.summary(), drawn] {
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(": last ")).collect();
        if lines.is_empty() != panel.series.is_empty() {
            return Some(format!("\"{}\" says nothing of what it draws", panel.title));
        }
        for line in lines {
            let (legend, rest) = line.split_once(": last ")?;
            let legend = legend.trim();
            // In a chart the mark of the line stands before its legend.
            let bare = legend.split_once(' ').map_or(legend, |(_, bare)| bare.trim());
            let of = |legend: &str| panel.series.iter().find(|s| s.legend == legend);
            let series = of(legend).or_else(|| of(bare));
            let Some(series) = series else {
                return Some(format!("\"{}\": \"{legend}\" is drawn nowhere", panel.title));
            };
            let (last, extent) = (series.last()?, series.extent()?);
            let mut numbers = rest.split([',', ';']).take(2).flat_map(|part| part.split(" to ")).map(number);
            let expected = [last, extent.0, extent.1];
            // Two lines of one legend cannot be told apart; then only that they are numbers is held.
            let unique = panel.series.iter().filter(|s| s.legend == series.legend).count() == 1;
            for value in expected {
                let value = if panel.unit == Unit::Share { value * 100.0 } else { value };
                let near = |n: f64| (n - value).abs() <= ROUNDING * value.abs() + 5e-4;
                match numbers.next().flatten() {
                    Some(n) if !unique || near(n) => said += 1,
                    other => return Some(format!("\"{}\", {legend}: {other:?} stands for {value}", panel.title)),
                }
            }
        }
    }
    (said == 0 && !panel.series.is_empty()).then(|| format!("\"{}\" says no number", panel.title))
}

/// A number as panels write it: `12.3`, `1.25k`, with a unit after it; or `397 MB`.
fn number(text: &str) -> Option<f64> {
    let mut words = text.trim().split(' ');
    let text = words.next()?;
    let bytes = words.next().and_then(|unit| unit.strip_suffix('B')).filter(|prefix| prefix.len() == 1);
    let text = &format!("{text}{}", bytes.unwrap_or_default());
    let (digits, scale) = match text.chars().last()? {
        'k' => (&text[..text.len() - 1], 1e3),
        'M' => (&text[..text.len() - 1], 1e6),
        'G' => (&text[..text.len() - 1], 1e9),
        _ => (text.as_str(), 1.0),
    };
    Some(digits.parse::<f64>().ok()? * scale)
}

/// Holds what a variant shows to its clauses.
pub fn check(scenario: &Scenario, scope: &Scope, variant: &VariantSpec) -> Vec<Finding> {
    let name = variant.name.as_str();
    let shown = leaks(scenario, name, &authors_words(scenario));
    let says = match shown.first() {
        None => "a whole session, every look, and none of its words".to_string(),
        Some(first) => format!("{first}{}", more(shown.len())),
    };
    let bad = if shown.is_empty() { Vec::new() } else { vec![SEED] };
    let new = |seed: u64| format!("scartissue new {} --variant {name} --seed {seed}", scope.named);
    let leak = Finding::holds_if(Clause::NoLeak, Some(name), shown.is_empty(), says).on(bad, new);

    let twin = match Watch::new(&scenario.file, name, SEED, SALT) {
        Err(error) => Finding::new(Clause::TextTwin, Some(name), Verdict::Fails, error.to_string()),
        Ok(mut watch) => {
            let file = &scenario.file;
            let middle = SimDuration(file.length_s.0 / 2);
            watch.advance_to(file.open_at() + middle);
            let odd = text_unlike_panels(&watch, SimDuration::from_secs(900).min(middle));
            let says = match odd.first() {
                None => "every panel of every board, in the middle of the incident".to_string(),
                Some(first) => format!("{first}{}", more(odd.len())),
            };
            let bad = if odd.is_empty() { Vec::new() } else { vec![SEED] };
            Finding::holds_if(Clause::TextTwin, Some(name), odd.is_empty(), says).on(bad, new)
        }
    };
    vec![leak, twin]
}

/// Holds a scenario's variants to being alike until the first onset.
pub fn same_before_onset(scenario: &Scenario, scope: &Scope) -> Finding {
    let apart = told_apart_before_onset(scenario);
    let says = match apart.first() {
        None => format!("{} looks, byte by byte, {} variants", looks().len(), scenario.file.variants.len()),
        Some(first) => format!("{first}{}", more(apart.len())),
    };
    let bad = if apart.is_empty() { Vec::new() } else { vec![SEED] };
    let variants: Vec<&str> = scenario.file.variants.iter().map(|v| v.name.as_str()).collect();
    let show =
        |seed: u64| format!("scartissue new {} --variant {} --seed {seed}  # and the others", scope.named, variants[0]);
    Finding::holds_if(Clause::SameBefore, None, apart.is_empty(), says).on(bad, show)
}

fn more(found: usize) -> String {
    if found < 2 { String::new() } else { format!(" (and {} more)", found - 1) }
}
