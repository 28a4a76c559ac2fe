//! Other assistants beside whoever plays: a model behind an API, what one said once, whoever has the seat. The same typed
//! advice, on record, and nothing that leads out of the session.

use std::sync::Arc;

use scartissue::assistant::beside::{Absent, Recording, Seated};
use scartissue::assistant::llm::{ModelAdvisor, Patient, Provider, Transcript};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::session::advice::Advisor;
use scartissue::session::clock::{Mode, Seat};
use scartissue::session::command::Command;
use scartissue::session::store::OpenSession;
use serde_json::{Value, json};

use crate::advisor::{SMALL, advice, begun, on_disk, say, store};
use crate::llm::{KEY, Paper, Scripted, Step, calls, model, status};

fn look(kind: &str, of: &str) -> Value {
    json!({ "kind": kind, "of": of })
}

fn says(mechanism: &str, percent: u8) -> Value {
    let cites = [
        json!({ "look": look("board", "api"), "shows": "Requests", "says": "stands" }),
        json!({ "look": look("sql", "select count(*) from requests"), "shows": "n", "says": "there are some" }),
    ];
    json!({ "claim": "it is so", "mechanism": mechanism, "percent": percent, "citations": cites, "refute": "if not" })
}

/// A model that replies so, beside a session.
fn advisor(
    provider: Provider,
    steps: Vec<Step>,
    paper: &Paper,
    before: &str,
) -> (Box<dyn Advisor>, Arc<std::sync::Mutex<Vec<Value>>>) {
    let line = Scripted { steps: steps.into(), ..Scripted::default() };
    let asked = Arc::clone(&line.asked);
    let speaker = Patient::new(model(provider), Some(KEY.to_string()), line);
    let transcript = Transcript::to(Box::new(paper.clone()));
    (Box::new(ModelAdvisor::new(model(provider), Box::new(speaker), Some(2000), transcript, before)), asked)
}

fn opened(name: &str, seed: u64) -> (OpenSession, scartissue::session::store::Store) {
    let store = store(name);
    let mut open = on_disk(&store, "one", begun(SMALL, None, seed, Mode::A2));
    for line in ["next", "board api", "commit api.flag 70 E1"] {
        say(&mut open, line).expect(line);
    }
    (open, store)
}

#[test]
fn a_model_looks_and_advises_and_what_it_said_plays_again_without_a_network() {
    for (provider, name) in [(Provider::Anthropic, "beside-a"), (Provider::OpenAiCompatible, "beside-o")] {
        let steps = vec![
            status(429, Some(7.0), "{\"error\": {\"message\": \"slow down\"}}"),
            calls(provider, &[("look", look("board", "api")), ("look", look("board", "apy")), ("shell", json!({}))]),
            calls(provider, &[("look", look("sql", "select status, count(*) from requests group by 1"))]),
            calls(provider, &[("advise", says("api.flga", 80))]),
            calls(provider, &[("advise", says("api.auth_shard", 80))]),
            calls(provider, &[("advise", says("api.auth_shard", 85))]),
        ];
        let paper = Paper::default();
        let (mut open, store) = opened(name, 3);
        let (model, asked) = advisor(provider, steps, &paper, "");
        open.advisor = Some(model);
        let (looks, before) = (open.session.observations().len(), open.session.now());
        let first = say(&mut open, "advise").expect("advice");
        assert!(first.text.starts_with("ASSISTANT  80 %  api.auth_shard"), "{}", first.text);
        assert_eq!(open.session.now().since(before).as_secs_f64(), 15.0, "its looks cost what advice costs");
        assert_eq!(open.session.observations().len(), looks, "and are not among the looks of whoever plays");
        say(&mut open, "advise sure?").expect("more");
        say(&mut open, "verify 2").expect("what it cites opens");
        assert!(say(&mut open, "advise sure?").expect_err("no more replies").contains("no answer"));
        let given = open.session.advising().given().to_vec();
        drop(open);

        let asked = asked.lock().expect("sound");
        let told = asked[2].to_string();
        assert!(told.contains("did you mean") && told.contains("no tool is called"), "{told}");
        assert!(asked[4].to_string().contains("api.flag"), "it is told of the nearest name");
        let first = asked[0].to_string();
        assert!(!first.contains("commit") && !first.contains("70"), "it is not told what whoever plays believes");
        assert!(asked[5].to_string().contains("You advised before"), "it knows what it said");
        let text = paper.text();
        assert!(!text.contains(KEY));
        let why = Transcript::read(&text).err().expect("this is no player's");
        assert!(why.contains("--assistant recorded"), "{why}");

        // A replay needs nobody, and knows who advised.
        let replayed = store.replay("one", &Catalogue::built_in(), None).expect("it replays");
        assert_eq!(replayed.differing, Vec::<u64>::new());
        assert!(replayed.replies.iter().any(|(e, _)| e.seat == Seat::Assistant && e.by == "model-a"));

        // The recording says the same to somebody else, as often as it was asked.
        let (mut other, _) = opened(&format!("{name}-again"), 3);
        other.advisor = Some(Box::new(Recording::read(&text).expect("it is read")));
        for (line, place) in [("advise", 0), ("advise sure?", 1), ("advise", 0)] {
            say(&mut other, line).expect(line);
            let again = &other.session.advising().given().last().expect("given").advice;
            assert_eq!(*again, given[place].advice, "{line}");
        }
        let paid = other.session.now();
        assert!(say(&mut other, "advise sure?").expect_err("not recorded").contains("recorded"));
        assert_eq!(other.session.now().since(paid).as_secs_f64(), 15.0);
        say(&mut other, "advise").expect("what it said first");
        assert_eq!(other.session.now().since(paid).as_secs_f64(), 15.0, "what was not answered is not paid for twice");

        // Another process goes on with what is left of the budget.
        let (mut third, _) = opened(&format!("{name}-budget"), 3);
        let spent =
            text.clone() + &json!({ "kind": "advised", "spent": { "tokens_in": 2000, "tokens_out": 1 } }).to_string();
        third.advisor = Some(advisor(provider, vec![], &Paper::default(), &spent).0);
        assert!(say(&mut third, "advise").expect_err("used up").contains("tokens"));
    }
}

#[test]
fn what_a_model_may_not_do_it_cannot() {
    let a = Provider::Anthropic;
    let waffle = || {
        let body =
            json!({"content": [{"type": "text", "text": "hm"}], "usage": {"input_tokens": 1, "output_tokens": 1}});
        status(200, None, &body.to_string())
    };
    let refusing = status(200, None, &json!({"content": [], "stop_reason": "refusal"}).to_string());
    for (name, steps, why) in [
        ("waffles", (0..20).map(|_| waffle()).collect(), "did not come to an answer"),
        ("refuses", vec![refusing], "refused"),
        ("denied", vec![status(401, None, &format!("{{\"error\": \"bad {KEY}\"}}"))], "[key]"),
    ] {
        let (mut open, store) = opened(&format!("cannot-{name}"), 3);
        open.advisor = Some(advisor(a, steps, &Paper::default(), "").0);
        let said = say(&mut open, "advise").expect_err(name);
        assert!(said.contains(why) && !said.contains(KEY), "{name}: {said}");
        assert!(open.session.advising().given().is_empty());
        drop(open);
        store.open("one", &Catalogue::built_in()).expect("the session goes on");
    }
    // Acting, ending, reading files: there are no such tools, and nothing of the session moves.
    let tries =
        ["take_action", "end_incident", "read_file"].map(|tool| calls(a, &[(tool, json!({"of": "seal.json"}))]));
    let steps = tries
        .into_iter()
        .chain([calls(a, &[("look", look("read", "../seal.json")), ("advise", says("api.flag", 60))])]);
    let (mut open, _) = opened("cannot-act", 3);
    let (model, asked) = advisor(a, steps.collect(), &Paper::default(), "");
    open.advisor = Some(model);
    say(&mut open, "advise").expect("advice in the end");
    assert!(open.session.orders().is_empty() && open.session.ended().is_none());
    let told = json!(*asked.lock().expect("sound")).to_string();
    assert!(!told.contains("paged_at_ns") && !told.contains("canary-flag"), "something sealed was shown");
}

#[test]
fn whoever_has_the_seat_answers_from_there() {
    let (mut open, _) = opened("seat", 3);
    open.advisor = Some(Box::new(Seated));
    assert_eq!(say(&mut open, "advise").expect("asked").text, "the assistant was asked");
    open.apply(Seat::Assistant, "ben", &Command::Advice(advice("api.flag"))).expect("from the seat");
    assert_eq!(open.session.view().advice.expect("given").advice.mechanism, "api.flag");
    open.advisor = Some(Box::new(Absent("no key".to_string())));
    assert!(say(&mut open, "advise").expect_err("absent").contains("no key"));
    for (text, says) in [
        ("", "no advice in it"),
        ("{", "line 1: no JSON"),
        ("{\"kind\": \"begin\", \"model\": \"m\"}", "no advice in it"),
        ("{\"kind\": \"advised\", \"asking\": \"plain\"}", "line 1"),
    ] {
        assert!(Recording::read(text).expect_err(text).contains(says), "{text}");
    }
}
