//! The assistant beside whoever plays: nothing of it before its mode allows it, right on a share of seeds, fluent on all,
//! everything it cites is there to be opened, and all of it is on record.

use std::path::PathBuf;

use proptest::prelude::*;
use rayon::prelude::*;
use scartissue::assistant::advisor::{Scripted, apply};
use scartissue::console::parse::{Said, parse};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::opened::Scenario;
use scartissue::score::debrief::debrief_with;
use scartissue::score::reliance::Followed;
use scartissue::score::tell;
use scartissue::session::advice::{Advice, Asking, Citation, VERSION};
use scartissue::session::clock::{Mode, Seat, Terms};
use scartissue::session::command::{Command, Look};
use scartissue::session::facts::Reads;
use scartissue::session::log::{Event, Header};
use scartissue::session::seal::{self, Seal};
use scartissue::session::store::{OpenSession, Store};
use scartissue::session::{Reply, Session};
use scartissue::telemetry::panels::BOARDS;
use scartissue::telemetry::watch::Watch;

pub(crate) const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");

pub(crate) fn begun(scenario: &str, variant: Option<&str>, seed: u64, mode: Mode) -> (Session, Seal) {
    let name = scenario.to_string();
    let scenario = Scenario::open(&Catalogue::built_in(), scenario).expect("it loads");
    let variant = variant.map_or(scenario.file.variants[0].name.clone(), str::to_string);
    let paged_at = Watch::new(&scenario.file, &variant, seed, 7).expect("a world").run_to_first_page();
    let seal = Seal {
        v: seal::VERSION,
        scenario: name,
        variant,
        seed,
        salt: 7,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    (Session::open(scenario, seal.clone(), Terms { mode, ..Terms::default() }).expect("a session"), seal)
}

pub(crate) fn command(line: &str) -> Command {
    match parse(line) {
        Ok(Said::Command(command)) => command,
        other => panic!("{line}: {other:?}"),
    }
}

pub(crate) fn store(name: &str) -> Store {
    let path: PathBuf = std::env::temp_dir().join(format!("scartissue-advisor-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    Store::new(&path)
}

pub(crate) fn on_disk(store: &Store, name: &str, (session, seal): (Session, Seal)) -> OpenSession {
    let header = Header {
        v: 1,
        session: "s".to_string(),
        case: "INC-1001".to_string(),
        terms: session.terms().clone(),
        by: "you".to_string(),
        build: "test".to_string(),
        forked_from: None,
    };
    store.create(name, &seal, header, session).expect("it can be written")
}

pub(crate) fn say(open: &mut OpenSession, line: &str) -> Result<Reply, String> {
    apply(open, Seat::Participant, "you", &command(line)).map_err(|e| e.to_string())
}

pub(crate) fn advice(mechanism: &str) -> Advice {
    let look = Look::Board { board: "api".to_string(), window_s: 900 };
    let citation = Citation { look, shows: "Requests".to_string(), says: "rose".to_string(), reads: None };
    Advice {
        v: VERSION,
        claim: "it rose".to_string(),
        mechanism: mechanism.to_string(),
        percent: 80,
        citations: vec![citation],
        refute: "if it fell".to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn before_its_mode_allows_it_nothing_of_it_is_there(
        mode in prop_oneof![Just(Mode::A0), Just(Mode::A1), Just(Mode::A2)],
        lines in prop::collection::vec(prop_oneof![
            Just("advise"), Just("advise sure?"), Just("advise against E1"), Just("verify 1"), Just("adopt"), Just("reject"),
            Just("ask-look who sends it?"), Just("ask-look errors"), Just("alerts"), Just("ack"), Just("next"),
            Just("wait 20s"), Just("believe api.flag=60 other=40"), Just("the assistant speaks"), Just("it advises"),
            Just("the assistant looks"),
        ], 1..10),
    ) {
        let (mut session, _) = begun(SMALL, None, 1, mode);
        for line in lines {
            let before = session.now();
            let said = match line {
                "the assistant speaks" => {
                    session.apply(Seat::Assistant, &Command::Say { text: "it is api.flag".to_string() })
                }
                "the assistant looks" => session.apply(Seat::Assistant, &Command::Look(Look::Alerts)),
                "it advises" => session.apply(Seat::Assistant, &Command::Advice(advice("api.flag"))),
                line => session.apply(Seat::Participant, &command(line)),
            };
            let helps = ["ad", "verify", "reject", "ask-look", "the assistant", "it advises"];
            if helps.iter().any(|start| line.starts_with(start)) {
                let why = said.expect_err(line).0;
                let is_over = why.contains("time is up");
                prop_assert!(is_over || why.contains("A2") || why.contains("first commit"), "{}: {}", line, why);
                prop_assert_eq!(before, session.now(), "{} cost time", line);
            }
            let view = session.view();
            prop_assert!(view.advice.is_none() && view.assistant != Some(true));
            prop_assert!(view.channel.iter().all(|(_, said)| !said.text.contains("api.flag")));
            prop_assert!(view.looks.iter().all(|(_, _, what)| !what.starts_with("ask-look")));
        }
        prop_assert!(session.advising().given().is_empty());
        // Lines may have used up the time that there is.
        if session.apply(Seat::Participant, &command("commit api.flag 70")).is_ok() {
            prop_assert_eq!(session.apply(Seat::Participant, &command("advise")).is_ok(), mode == Mode::A2);
        }
    }
}

#[test]
fn with_help_from_the_beginning_it_answers_before_any_commit() {
    let store = store("a3");
    let mut open = on_disk(&store, "one", begun(SMALL, None, 2, Mode::A3));
    assert!(say(&mut open, "advise").expect("advice").text.starts_with("ASSISTANT"));
}

#[test]
fn it_is_right_on_the_share_of_seeds_that_is_stated() {
    let scripted = Scripted::default();
    let lots: Vec<_> = (0..20_000).map(|seed| scripted.lot(seed)).collect();
    let share = |is: &dyn Fn(usize) -> bool| (0..lots.len()).filter(|i| is(*i)).count() as f64 / lots.len() as f64;
    let right = share(&|i| lots[i].right);
    assert!((right - scripted.right).abs() < 0.015, "right on {right} of seeds");
    assert!((share(&|i| lots[i].moves) - scripted.moves).abs() < 0.015);
    // Neither does the variant that a seed draws tell whether it is right, nor does how sure it says it is.
    let trap = share(&|i| lots[i].right && seal::drawn(i as u64, 2) == 0);
    assert!((trap - right / 2.0).abs() < 0.015, "{trap}");
    let sure = |is: bool| {
        let of: Vec<f64> = lots.iter().filter(|l| l.right == is).map(|l| f64::from(l.percent)).collect();
        of.iter().sum::<f64>() / of.len() as f64
    };
    assert!((sure(true) - sure(false)).abs() < 0.5);
}

#[test]
fn for_every_scenario_it_tells_a_story_of_either_kind_whose_citations_are_there() {
    let catalogue = Catalogue::built_in();
    let wrong: Vec<String> = (catalogue.names().collect::<Vec<_>>())
        .par_iter()
        .flat_map_iter(|name| {
            let (mut session, seal) = begun(name, None, 5, Mode::A3);
            drop(session.apply(Seat::Participant, &Command::Next).expect("time passes"));
            let file = &session.scenario().file;
            let spec = file.variants.iter().find(|v| v.name == seal.variant).expect("a variant");
            let causes = file.causes.iter().filter(|c| spec.causes.contains(&c.id));
            let mut was: Vec<String> = causes.map(|c| c.mechanism.clone()).collect();
            if was.is_empty() {
                was.push("no_fault".to_string());
            }
            let mut wrong = Vec::new();
            for right in [1.0, 0.0] {
                let advice = Scripted { right, moves: 0.5 }.says(&mut session, Asking::Plain).expect("a story");
                if was.contains(&advice.mechanism) != (right == 1.0) {
                    wrong.push(format!("{name}: {} where it was {was:?}", advice.mechanism));
                }
                if advice.citations.is_empty() || advice.claim.is_empty() || advice.refute.is_empty() {
                    wrong.push(format!("{name}: {advice:?}"));
                }
                for citation in &advice.citations {
                    let Look::Board { board, .. } = &citation.look else { panic!("{name}: {citation:?}") };
                    let known = BOARDS.iter().find(|b| b.id == *board).expect("a board");
                    let shown = session.peek(&citation.look).expect("it opens").text;
                    let goes = citation.reads.as_ref().expect("it reads a line");
                    let moved = libm::log(goes.to / goes.from);
                    let is_story = scartissue::assistant::correlator::rises(&advice.mechanism, {
                        let panel = known.panels.iter().find(|p| p.title == citation.shows);
                        panel.expect("a panel").id
                    });
                    if is_story.is_some_and(|rises| (0.0 < moved) != rises) {
                        wrong.push(format!("{name}: {} goes the wrong way for {}", citation.shows, advice.mechanism));
                    }
                    if advice.mechanism == "no_fault" && 0.5 < moved.abs() {
                        wrong.push(format!("{name}: nothing is said to be wrong, and {} moved", citation.shows));
                    }
                    if !known.panels.iter().any(|p| p.title == citation.shows) || !shown.contains(&citation.shows) {
                        wrong.push(format!("{name}: \"{}\" is not on {board}", citation.shows));
                    }
                }
            }
            wrong
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A seed of the small scenario on which it is right or not, and moves or not.
fn seed(right: bool, moves: bool) -> u64 {
    let lot = |seed: &u64| Scripted::default().lot(*seed);
    (1..).find(|s| lot(s).right == right && lot(s).moves == moves).expect("there is one")
}

#[test]
fn pressed_it_stays_and_brings_what_is_fresh_and_against_a_pin_it_moves_or_not() {
    for moves in [false, true] {
        let store = store(if moves { "moves" } else { "stays" });
        let mut open = on_disk(&store, "one", begun(SMALL, None, seed(false, moves), Mode::A2));
        for line in ["next", "ack", "board api", "commit api.flag 70 E1"] {
            say(&mut open, line).expect(line);
        }
        for (line, says) in [
            ("verify 1", "nothing has been advised"),
            ("adopt", "nothing has been advised"),
            ("advise sure?", "nothing has been advised"),
        ] {
            assert!(say(&mut open, line).expect_err(line).contains(says), "{line}");
        }
        say(&mut open, "advise").expect("advice");
        say(&mut open, "advise sure?").expect("more of it");
        let given = open.session.advising().given().to_vec();
        let mechanism = given[0].advice.mechanism.clone();
        assert_eq!(given[1].advice.mechanism, mechanism, "pressed, it stays");
        let shows = |i: usize| given[i].advice.citations.iter().map(|c| c.shows.as_str()).collect::<Vec<_>>();
        assert!(shows(1).iter().all(|s| !shows(0).contains(s)), "{:?} {:?}", shows(0), shows(1));
        assert!(given[0].advice.percent < given[1].advice.percent);
        assert!(say(&mut open, "verify 9").expect_err("no such").contains(&format!("1 to {}", shows(1).len())));
        let before = open.session.now();
        let opened = say(&mut open, "verify 1").expect("it opens");
        assert_eq!(opened.observation, Some(2));
        assert_eq!(open.session.now().since(before).as_secs_f64(), 5.0, "at the price of the look");
        assert!(say(&mut open, "advise against E1").expect_err("not pinned").contains("link E1 against"));
        say(&mut open, "pin E1 not so").expect("a pin");
        say(&mut open, &format!("link E1 against {mechanism}")).expect("a link");
        say(&mut open, "advise against E1").expect("an answer");
        let last = open.session.advising().given().last().expect("it was given").advice.mechanism.clone();
        assert_eq!(last != mechanism, moves, "{mechanism}, then {last}");
        say(&mut open, "reject").expect("noted");
        say(&mut open, "end").expect("it ends");
        let view = serde_json::to_string(&open.session.view()).expect("plain data");
        drop(open);

        // All of it is in the log: played again, forked and gone on with, it is the same session.
        let catalogue = Catalogue::built_in();
        let replayed = store.replay("one", &catalogue, None).expect("it replays");
        assert_eq!(replayed.differing, Vec::<u64>::new());
        assert_eq!(serde_json::to_string(&replayed.session.view()).expect("plain data"), view);
        let seats: Vec<Seat> = replayed.replies.iter().map(|(e, _)| e.seat).collect();
        assert_eq!(seats.iter().filter(|s| **s == Seat::Assistant).count(), 3);
        store.fork("one", "two", &catalogue, &|s| Some(s.horizon())).expect("it forks");
        let forked = store.open("two", &catalogue).expect("it opens");
        assert_eq!(forked.session.advising().given().len(), 3);
    }
}

#[test]
fn what_was_asked_and_never_answered_is_charged_once() {
    let store = store("cut-off");
    let mut open = on_disk(&store, "one", begun(SMALL, None, 3, Mode::A3));
    say(&mut open, "next").expect("time passes");
    // As if the program had been killed between the question and its answer.
    open.apply(Seat::Participant, "you", &command("advise")).expect("it is asked");
    drop(open);
    let mut open = store.open("one", &Catalogue::built_in()).expect("it opens");
    let asked = open.session.now();
    assert!(say(&mut open, "advise").expect("advice").text.starts_with("ASSISTANT"));
    assert_eq!(open.session.now(), asked, "it was paid for");
    say(&mut open, "advise").expect("advice");
    assert_eq!(open.session.now().since(asked).as_secs_f64(), 15.0, "and another is not");
}

#[test]
fn what_it_states_is_held_against_what_was_there_to_see() {
    let store = store("facts");
    let mut open = on_disk(&store, "one", begun(SMALL, None, seed(false, true), Mode::A3));
    for line in ["next", "wait 3m", "ask-look who gets errors?", "advise", "advise sure?", "verify 1"] {
        say(&mut open, line).expect(line);
    }
    // Somebody in its seat states what is not so.
    let mut lie = advice("api.flag");
    for (says, reads) in [("13371 of them", None), ("rose", Some(Reads { line: String::new(), from: 1e6, to: 2e6 }))] {
        lie.citations.push(Citation { says: says.to_string(), reads, ..lie.citations[0].clone() });
    }
    open.apply(Seat::Participant, "you", &command("advise")).expect("asked");
    open.apply(Seat::Assistant, "somebody", &Command::Advice(lie)).expect("it may");
    for line in ["commit api.flag 70 E1 E2", "end"] {
        say(&mut open, line).expect(line);
    }
    drop(open);
    let replayed = store.replay("one", &Catalogue::built_in(), None).expect("it replays");
    let events: Vec<Event> = replayed.replies.iter().map(|(event, _)| event.clone()).collect();
    let debrief = debrief_with(&replayed.session, &events, None, &|_, _| {}).expect("a debrief");
    let facts = debrief.reliance.expect("it was asked").facts;
    let stated = replayed.session.advising().stated();
    let told: Vec<String> = stated.iter().map(|s| format!("{:?} {}", s.holds, s.says)).collect();
    assert!(3 <= facts.looked_true.of && facts.looked_true.hits == facts.looked_true.of, "{}", told.join("\n"));
    assert_eq!(facts.cited_true.of - facts.cited_true.hits, 2, "the lies are found: {}", told.join("\n"));
    assert!(3 <= facts.cited_true.hits && facts.unchecked == 2, "{}", told.join("\n"));
    assert_eq!(facts.false_used.hits, 0);
    assert!(facts.looked_true.of < facts.true_used.hits, "its look and a citation of it: {facts:?}");
    assert!(facts.says().contains("of 2 that were not"), "{}", facts.says());
}

/// Whatever is asked, what was counted is so when it is asked again, and how the question was read is said first.
#[test]
fn whatever_is_asked_what_it_counts_is_so() {
    let questions = [
        "what is wrong?",
        "who sends it?",
        "who gives up?",
        "slowest requests",
        "who retries most?",
        "did request volume rise?",
        "when did it start?",
        "what changed?",
        "summarise the logs",
        "which devices?",
        "by gateway",
        "how many accounts send 22 images?",
        "?",
    ];
    for (name, seed) in [("midnight", 5), ("twenty-two-images", 2), ("first-shift-4", 3)] {
        let store = store(&format!("counted-{name}"));
        let mut open = on_disk(&store, "one", begun(name, None, seed, Mode::A3));
        for line in ["next", "wait 3m"] {
            say(&mut open, line).expect(line);
        }
        for question in questions {
            let reply = say(&mut open, &format!("ask-look {question}")).expect(question);
            let begins = if question == "?" { "I know no look" } else { "Read as: " };
            assert!(reply.text.contains(begins), "{name}: {question}: {}", reply.text);
        }
        say(&mut open, "end").expect("it ends");
        drop(open);
        let replayed = store.replay("one", &Catalogue::built_in(), None).expect("it replays");
        let stated = replayed.session.advising().stated().to_vec();
        let false_ones: Vec<&str> = stated.iter().filter(|s| s.holds == Some(false)).map(|s| s.says.as_str()).collect();
        assert!(false_ones.is_empty() && 30 < stated.len(), "{name} {seed}: {false_ones:#?}");
    }
}

#[test]
fn a_snapshot_keeps_what_was_advised() {
    let store = store("snapshot");
    let mut open = on_disk(&store, "one", begun(SMALL, None, 3, Mode::A2));
    for line in ["next", "commit api.flag 70", "advise", "verify 1", "adopt"] {
        say(&mut open, line).expect(line);
    }
    open.set_aside().expect("it can be written");
    let (given, view) = (open.session.advising().given().to_vec(), open.session.view());
    drop(open);
    let again = store.open("one", &Catalogue::built_in()).expect("it opens");
    assert!(again.from_snapshot.is_some());
    let stripped = |given: &[scartissue::session::advice::Given]| {
        given.iter().map(|g| (g.advice.clone(), g.opened.clone(), g.taken)).collect::<Vec<_>>()
    };
    assert_eq!(stripped(again.session.advising().given()), stripped(&given));
    assert_eq!(
        serde_json::to_string(&again.session.view()).expect("plain data"),
        serde_json::to_string(&view).expect("plain data")
    );
}

#[test]
fn advice_is_the_assistants_alone_and_has_to_be_asked_for() {
    let (mut session, _) = begun(SMALL, None, 1, Mode::A3);
    let given = Command::Advice(advice("api.flag"));
    assert!(session.apply(Seat::Participant, &given).expect_err("not yours").0.contains("the assistant's to give"));
    assert!(session.apply(Seat::Assistant, &given).expect_err("unasked").0.contains("nobody has asked"));
    session.apply(Seat::Participant, &command("advise")).expect("asked");
    for (bad, says) in [
        (Advice { mechanism: "api.flga".to_string(), ..advice("x") }, "api.flag"),
        (Advice { percent: 101, ..advice("api.flag") }, "0 to 100"),
        (Advice { citations: Vec::new(), ..advice("api.flag") }, "one look at least"),
        (Advice { v: VERSION + 1, ..advice("api.flag") }, "version"),
    ] {
        let why = session.apply(Seat::Assistant, &Command::Advice(bad)).expect_err("it is wrong").0;
        assert!(why.contains(says), "{why}");
    }
    session.apply(Seat::Assistant, &given).expect("whoever sits there may answer");
    assert_eq!(session.view().advice.expect("shown").advice.mechanism, "api.flag");
}

#[test]
fn sent_to_look_it_finds_the_exception_and_who_sends_it() {
    let (mut session, _) = begun("twenty-two-images", None, 2, Mode::A3);
    let ask = |session: &mut Session, line: &str| session.apply(Seat::Participant, &command(line)).expect(line);
    ask(&mut session, "next");
    let before = session.now();
    let what = ask(&mut session, "ask-look what is the error?");
    assert_eq!(session.now().since(before).as_secs_f64(), 10.0, "cheap, at a stated price");
    assert!(what.text.contains("IndexError: list index out of range"), "{}", what.text);
    assert!(what.text.contains("22 ("), "{}", what.text);
    ask(&mut session, "wait 9m");
    let who = ask(&mut session, "ask-look who sends it?");
    // Counted anew, without SQL.
    let watch = session.watch();
    let now = watch.world.now();
    let attempts = watch.world.recording().attempts();
    let failed = attempts.iter().filter(|a| a.status() == 500 && a.ended <= now);
    let accounts: std::collections::BTreeSet<_> = failed.map(|a| a.account).collect();
    let n = accounts.len();
    assert!((190..=200).contains(&n), "{n} accounts");
    let facts = who.data["facts"].as_array().unwrap_or_else(|| panic!("{}", who.text)).clone();
    let row = |says: &str, place: usize| {
        let fact = facts.iter().find(|f| f["says"].as_str().is_some_and(|text| text.contains(says)));
        fact.unwrap_or_else(|| panic!("{says}: {}", who.text))["rows"][0][place].as_u64().expect("a number") as usize
    };
    assert_eq!(row("such requests come from", 0), n, "accounts whose requests fail: {}", who.text);
    assert!((n * 98 / 100..=n).contains(&row("accounts were made within one hour", 1)), "{}", who.text);
    assert!((4000..4050).contains(&row("were made in that hour", 0)), "{}", who.text);
    assert!((196..=204).contains(&row("were made in that hour", 2)), "of them active: {}", who.text);
    // Its queries are anybody's to run, and give what it says.
    for fact in &facts {
        let query = fact["query"].as_str().expect("a query");
        assert!(who.text.contains(query));
        let again =
            ask(&mut session, &if query.starts_with("compare") { query.to_string() } else { format!("sql {query}") });
        assert!(again.observation.is_some());
    }
    // What it looked up is evidence like any other.
    let number = who.observation.expect("an observation");
    ask(&mut session, &format!("pin E{number} they were made together"));
    ask(&mut session, &format!("commit demand.abuse 90 E{number}"));
}

#[test]
fn reliance_is_told_with_its_inputs_and_help_from_the_beginning_is_marked() {
    for (mode, followed) in [(Mode::A2, Some(Followed { first: true, advice: false, last: false })), (Mode::A3, None)] {
        let store = store(if mode == Mode::A2 { "reliance" } else { "assisted" });
        let mut open = on_disk(&store, "one", begun(SMALL, None, seed(false, true), mode));
        let truth = open.session.scenario().file.causes[0].mechanism.clone();
        say(&mut open, "next").expect("time passes");
        if mode == Mode::A2 {
            say(&mut open, &format!("commit {truth} 70")).expect("a commit");
        }
        for line in ["advise", "verify 1", "ask-look errors", "adopt"] {
            say(&mut open, line).expect(line);
        }
        let advised = open.session.advising().given()[0].advice.mechanism.clone();
        say(&mut open, &format!("commit {advised} 70 E2 last")).expect("a commit");
        say(&mut open, "end").expect("it ends");
        drop(open);
        let replayed = store.replay("one", &Catalogue::built_in(), None).expect("it replays");
        let events: Vec<Event> = replayed.replies.iter().map(|(event, _)| event.clone()).collect();
        let debrief = debrief_with(&replayed.session, &events, None, &|_, _| {}).expect("a debrief");
        let reliance = debrief.reliance.as_ref().expect("it was asked");
        assert_eq!(reliance.causes, followed);
        let facts = reliance.facts;
        assert_eq!((facts.looked, facts.opened, facts.used), (1, 1, 1), "facts stand apart from causes");
        assert_eq!(reliance.advice[0].taken, Some(true));
        let text = tell::markdown(&debrief);
        assert!(text.contains("## The assistant") && text.contains("RAIR = "), "{text}");
        if mode == Mode::A2 {
            assert!(text.contains("over-reliance"), "{text}");
        }
        let page = scartissue::report::debrief::html(&replayed.session, &debrief, &[]);
        assert!(page.contains("id=\"assistant\""));
        let json = serde_json::to_value(&debrief).expect("plain data");
        assert_eq!(json["reliance"]["advice"][0]["right"], false);
        let assisted = debrief.card.composite.gates.iter().any(|g| g.says().contains("assist"));
        assert_eq!(assisted, mode == Mode::A3, "{:?}", debrief.card.composite.gates);
    }
}
