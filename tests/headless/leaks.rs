//! Nothing that a participant can look at tells what is true: no author's word anywhere, and before the first onset the
//! variants of one seed are the same to the byte.

use rayon::prelude::*;
use scartissue::console::parse::{Said, parse};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::file::{CauseSpec, ScenarioFile};
use scartissue::scenario::opened::Scenario;
use scartissue::session::clock::{Seat, Terms};
use scartissue::session::look;
use scartissue::session::seal::{self, Seal};
use scartissue::session::{Command, Session, case};
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::telemetry::watch::Watch;

/// Everything there is to look at, in every form.
const LOOKS: &[&str] = &[
    "board overview 20m",
    "board api 20m",
    "board serving 20m",
    "board kv_cache 20m",
    "board accelerator 20m",
    "ask kv-cache anything odd",
    "ask gateway errors",
    "alerts",
    "tickets",
    "changes",
    "changes 400h",
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
    "logs",
    "logs gateway since 20m",
    "logs kv-cache since 20m",
    "traces",
    "search cache",
    "search launch",
    "sql select * from requests order by time desc limit 200",
    "sql select * from accounts limit 50",
    "sql select * from logs order by time desc limit 300",
    "sql select * from spans limit 200",
    "sql select * from changes",
    "sql select * from alerts",
    "sql select * from tickets",
    "explore {__name__=~\".+\"}",
];

fn scenarios() -> Vec<Scenario> {
    let catalogue = Catalogue::built_in();
    let small = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");
    let names = catalogue.names().map(str::to_string).chain([small.to_string()]);
    names.map(|name| Scenario::open(&catalogue, &name).expect("it loads")).collect()
}

/// Words of the author that nobody may meet who plays: ids that are no ordinary words, names, sentences.
fn forbidden(scenario: &Scenario) -> Vec<String> {
    let file = &scenario.file;
    let telling = |id: &String| id.contains('-'); // others are ordinary words
    let of = |c: &CauseSpec| [Some(c.id.clone()).filter(telling), Some(c.says.clone())];
    let causes = file.causes.iter().chain(&file.decoys).flat_map(of).flatten();
    let variants = file.variants.iter().flat_map(|v| [Some(v.name.clone()).filter(telling), Some(v.story.clone())]);
    let name = Some(scenario.name.clone()).filter(telling);
    let own = [file.title.clone(), file.story.clone()].into_iter().chain(name);
    causes.chain(variants.flatten()).chain(own).filter(|word| 3 < word.len()).map(|w| w.to_lowercase()).collect()
}

fn asked(watch: &mut Watch, line: &str) -> String {
    let Ok(Said::Command(Command::Look(look))) = parse(line) else { panic!("{line} is a look") };
    match look::answer(watch, &look) {
        Ok(answer) => format!("{}\n{}\n{}", answer.title, answer.text, answer.data),
        Err(why) => format!("refused: {why}"),
    }
}

/// When the first thing happens that a variant does not share with the others.
fn first_onset(file: &ScenarioFile) -> SimDuration {
    let causes = file.causes.iter().chain(&file.decoys);
    let faults = causes.flat_map(|c| &c.faults).filter_map(|f| f.at_s);
    let crowds = file.causes.iter().flat_map(|c| &c.sources).filter_map(|name| {
        let source = file.workload.sources.iter().find(|s| s.name == *name)?;
        match &source.arrivals {
            scartissue::sim::workload::spec::Arrivals::Open(open) => open.from_s,
            _ => None,
        }
    });
    faults.chain(crowds).min().unwrap_or(SimDuration::from_secs(60))
}

#[test]
fn before_the_first_onset_the_variants_of_a_seed_are_the_same_to_the_byte() {
    for scenario in scenarios() {
        let file = &scenario.file;
        let moment = file.open_at() + first_onset(file);
        let before = SimTime(moment.0.saturating_sub(1_000_000_000));
        let seen = |variant: &str| {
            let mut watch = Watch::new(file, variant, 5, 9).expect("it is a world");
            watch.advance_to(before);
            LOOKS.iter().map(|line| asked(&mut watch, line)).collect::<Vec<_>>()
        };
        let names: Vec<&str> = file.variants.iter().map(|v| v.name.as_str()).collect();
        let views: Vec<Vec<String>> = names.par_iter().map(|name| seen(name)).collect();
        for (name, view) in names.iter().zip(&views).skip(1) {
            for (place, line) in LOOKS.iter().enumerate() {
                let (one, other) = (&views[0][place], &view[place]);
                let differs = one.lines().zip(other.lines()).find(|(a, b)| a != b);
                assert!(one == other, "{}: `{line}` tells {} from {name}: {differs:?}", scenario.name, names[0]);
            }
        }
    }
}

#[test]
fn no_word_of_the_author_is_to_be_seen() {
    let found: Vec<String> = scenarios()
        .par_iter()
        .flat_map_iter(|scenario| {
            let words = forbidden(scenario);
            let variants: Vec<String> = scenario.file.variants.iter().map(|v| v.name.clone()).collect();
            variants.into_iter().flat_map(move |variant| leaks(scenario, &variant, &words)).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What a whole session of a variant shows of the author's words.
fn leaks(scenario: &Scenario, variant: &str, words: &[String]) -> Vec<String> {
    let paged_at = Watch::new(&scenario.file, variant, 2, 3).expect("a world").run_to_first_page();
    let seal = Seal {
        v: seal::VERSION,
        scenario: scenario.name.clone(),
        variant: variant.to_string(),
        seed: 2,
        salt: 3,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    let mut session = Session::open(scenario.clone(), seal, Terms::default()).expect("a session");
    let mut shown = vec![("case".to_string(), format!("{:?}", case::case(scenario)))];
    let lines =
        ["wait 4m", "ack", "arm", "act rollback:CHG-1", "act shed=0.1", "act scale nobody 3", "next", "wait 3m"];
    for line in lines.iter().chain(LOOKS).chain(&["end", "postmortem impact some"]) {
        let Ok(Said::Command(command)) = parse(line) else { panic!("{line} is a command") };
        let told = match session.apply(Seat::Participant, &command) {
            Ok(reply) => format!("{} {} {:?}", reply.text, reply.data, reply.notices),
            Err(refusal) => refusal.to_string(),
        };
        shown.push((line.to_string(), told));
    }
    shown.push(("view".to_string(), serde_json::to_string(&session.view()).expect("plain data")));
    shown.push(("postmortem".to_string(), format!("{:?}", session.postmortem_draft())));
    let mut found = Vec::new();
    for (line, text) in shown {
        let text = text.to_lowercase();
        for word in words.iter().filter(|word| text.contains(word.as_str())) {
            found.push(format!("{} ({variant}): `{line}` shows \"{word}\"", scenario.name));
        }
    }
    found
}
