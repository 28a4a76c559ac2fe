//! The fleet as control planes tell it, over worlds that were really played: counts agree, words are understood or
//! refused with a way out, and nothing tells what only the author knows.

use std::sync::Arc;

use crate::logs::{cut, played, recorded};
use scartissue::scenario::history::ChangeKind;
use scartissue::sim::spec::action::Action;
use scartissue::sim::spec::fault::Fault;
use scartissue::sim::time::SimDuration;
use scartissue::sim::world::World;
use scartissue::telemetry::changes::Change;
use scartissue::telemetry::fleet::{Fleet, FleetVerb};
use scartissue::telemetry::scene::Scene;

fn changes() -> Vec<Change> {
    let change = |id: &str, at_s: f64, kind, service: &str, title: &str| Change {
        id: id.to_string(),
        at_s,
        kind,
        service: service.to_string(),
        title: title.to_string(),
        author: "mira".to_string(),
        rollout: 1.0,
        diff: String::new(),
    };
    vec![
        change("CHG-20401", -86_400.0, ChangeKind::Deploy, "gateway", "gateway 2026.2.3"),
        change("CHG-20417", 60.0, ChangeKind::Config, "gateway", "raise worker threads"),
        change("CHG-20402", -3600.0, ChangeKind::Config, "kv-cache", "shorter grace"),
    ]
}

/// Asks in words.
fn ask(scene: &Scene, world: &mut World, words: &str) -> Result<String, String> {
    let survey = world.survey();
    let changes = changes();
    let fleet = Fleet { scene, survey: &survey, facts: world.facts(), changes: &changes, now: world.now() };
    let words: Vec<&str> = words.split_whitespace().collect();
    let verb = FleetVerb::parse(&words).map_err(|e| e.to_string())?;
    match &verb {
        FleetVerb::Order(order) => fleet.to_action(order).map(|a| format!("{a:?}")).map_err(|e| e.to_string()),
        _ => fleet.answer(&verb).map_err(|e| e.to_string()),
    }
}

#[test]
fn a_healthy_cell_looks_healthy() {
    let (scene, mut world) = played(&cut("quiet-tuesday", 60, Some(30)), "quiet", 1);
    let pods = ask(&scene, &mut world, "get pods -n api").expect("pods");
    let golden = "\
NAME        READY   STATUS    RESTARTS   AGE
gateway-0   1/1     Running   0          5d
gateway-1   1/1     Running   0          7d
gateway-2   1/1     Running   0          4d
gateway-3   1/1     Running   0          11d
gateway-4   1/1     Running   0          7d
gateway-5   1/1     Running   0          4d
";
    assert_eq!(pods, golden, "now:\n{pods}");
    let deployments = ask(&scene, &mut world, "kubectl get deploy").expect("deployments");
    for ready in ["6/6", "8/8"] {
        assert!(deployments.contains(ready), "{deployments}");
    }
    let nodes = ask(&scene, &mut world, "get nodes").expect("nodes");
    assert_eq!(nodes.lines().count(), 1 + 6 + 16 + 1 + 2, "gateways, replicas, a spare, batch: {nodes}");
    assert!(!nodes.contains("Disabled"));
    let status = ask(&scene, &mut world, "rollout status").expect("status");
    assert!(status.lines().all(|line| line.contains("is complete")), "{status}");
    assert!(ask(&scene, &mut world, "ring").expect_err("there is none").contains("no shared cache tier"));
    let smi = ask(&scene, &mut world, "nvidia-smi general-70b-0").expect("accelerators");
    assert_eq!(smi.matches("NVIDIA H100").count(), 8);
    let drawn: Vec<usize> = smi.lines().filter(|l| l.starts_with(['|', '+'])).map(|l| l.chars().count()).collect();
    assert!(drawn.iter().all(|width| *width == drawn[0]), "{smi}");
    assert!(smi.contains("dmesg: no Xid"));
    let config = ask(&scene, &mut world, "config gateway").expect("settings");
    assert!(config.contains("worker_threads"), "{config}");
    assert!(ask(&scene, &mut world, "config general-70b").expect("settings").contains("max_num_seqs"));
    let hpa = ask(&scene, &mut world, "describe hpa general-70b").expect("autoscaler");
    assert!(hpa.contains("ScalingActive:    true"), "{hpa}");
    let history = ask(&scene, &mut world, "rollout history gateway").expect("history");
    assert_eq!(history.lines().count(), 3, "{history}");
}

#[test]
fn members_that_were_replaced_stand_on_spares() {
    let (scene, mut world) = played(&cut("empty-spares", 150, Some(30)), "membership", 3);
    let ring = ask(&scene, &mut world, "ring").expect("a ring");
    assert!(ring.starts_with("8 members, 8 of them on spares"), "{ring}");
    assert_eq!(ask(&scene, &mut world, "cache members").expect("the same"), ring);
    let member = ask(&scene, &mut world, "describe cache kv-cache-3").expect("a member");
    assert!(member.contains("MemberReplaced") && member.contains("Stopping container kv-agent"), "{member}");
    let events = ask(&scene, &mut world, "get events kv-cache-3").expect("events");
    assert_eq!(events.matches("pod/kv-cache-3").count(), events.lines().count() - 1);
    let json = ask(&scene, &mut world, "get pods -n kv-cache -o json").expect("JSON");
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["items"].as_array().map(Vec::len), Some(8));
    assert_eq!(value["items"][0]["name"], "kv-cache-0");
    // Two spares for an autoscaler that wants more: the rest waits.
    let pods = ask(&scene, &mut world, "get pods -n serving -o wide").expect("pods");
    assert_eq!(
        pods.lines().count() - 1,
        ask(&scene, &mut world, "get pods -n serving").expect("pods").lines().count() - 1
    );
}

#[test]
fn a_pod_without_a_machine_says_what_it_waits_for() {
    let (mut scene, mut world) = recorded(&cut("quiet-tuesday", 120, Some(60)), "quiet", 1);
    world.advance_to(scene.open_at);
    world.order(Action::Scale { pool: "small-8b".to_string(), replicas: 11 });
    world.advance_to(scene.open_at + SimDuration::from_secs(30));
    scene.refresh(&world);
    let pods = ask(&scene, &mut world, "get pods -n serving").expect("pods");
    assert_eq!(pods.matches("Pending").count(), 2, "{pods}");
    assert_eq!(pods.matches("ContainerCreating").count(), 1, "{pods}");
    let pod = ask(&scene, &mut world, "describe pod small-8b-10").expect("a pod");
    let golden = "\
Name:             small-8b-10
Namespace:        serving
Node:             <none>
Age:              28s
Status:           Pending
Ready:            false
Image:            registry.internal/serving/vllm-openai:v0.11.2
Model:            sonnet-8b
Limits:           nvidia.com/gpu: 1
Restarts:         0
Requests running: 0
Events:
     28s  Warning FailedScheduling  0 nodes are available: Insufficient nvidia.com/gpu.
";
    assert_eq!(pod, golden, "now:\n{pod}");
    let smi = ask(&scene, &mut world, "nvidia-smi small-8b-10").expect_err("no node");
    assert!(smi.contains("describe pod small-8b-10"), "{smi}");
}

#[test]
fn a_lost_accelerator_is_seen_by_its_driver() {
    let mut scenario = cut("record-day", 60, Some(10));
    let file = Arc::make_mut(&mut scenario.file);
    let cause = file.causes.iter_mut().find(|c| c.id == "cache-blocks").expect("the foil's cause");
    cause.faults[0].fault = Fault::GpuLost { pool: "general-70b".to_string(), replica: 2, gpu: 5 };
    let (scene, mut world) = played(&scenario, "blocks", 1);
    let smi = ask(&scene, &mut world, "nvidia-smi general-70b-2").expect("accelerators");
    assert!(smi.contains("NVRM: Xid (PCI:0000:bb:00): 79"), "{smi}");
    let drawn: Vec<usize> = smi.lines().filter(|l| l.starts_with(['|', '+'])).map(|l| l.chars().count()).collect();
    assert!(drawn.iter().all(|width| *width == drawn[0]), "{smi}");
    let mut book = scartissue::telemetry::logs::LogBook::new();
    book.advance(&scene, &world);
    assert!(book.lines().iter().any(|l| l.service == "kernel" && l.body.contains("Xid (PCI:0000:bb:00): 79")));
    let nodes = ask(&scene, &mut world, "get nodes").expect("nodes");
    assert!(nodes.contains("Ready,SchedulingDisabled"), "{nodes}");
    let action = ask(&scene, &mut world, "uncordon gpu-node-013").expect("an order");
    assert_eq!(action, "Uncordon { pool: \"general-70b\" }");
}

#[test]
fn a_gateway_that_ran_out_of_memory_says_so() {
    let (scene, mut world) = played(&cut("record-day", 660, None), "router", 1);
    let events = ask(&scene, &mut world, "get events").expect("events");
    let killed = events.lines().find(|l| l.contains("OOMKilling")).expect("a kill");
    let pod = killed.split("pod/").nth(1).and_then(|t| t.split_whitespace().next()).expect("a pod");
    let described = ask(&scene, &mut world, &format!("describe pod {pod}")).expect("a pod");
    assert!(described.contains("OOMKilled (exit code 137)"), "{described}");
    assert!(described.contains("Memory:"));
}

#[test]
fn orders_become_actions() {
    let (scene, mut world) = played(&cut("empty-spares", 31, Some(30)), "membership", 1);
    for (words, action) in [
        ("scale agents-70b 12", "Scale { pool: \"agents-70b\", replicas: 12 }"),
        ("kubectl scale deployment/agents-70b --replicas=12", "Scale { pool: \"agents-70b\", replicas: 12 }"),
        ("drain agents-70b-3", "Drain { pool: \"agents-70b\", replica: 3 }"),
        ("drain node gpu-node-014", "Drain { pool: \"agents-70b\", replica: 3 }"),
        ("cordon gpu-node-014", "Cordon { pool: \"agents-70b\", replica: 3 }"),
        ("delete pod agents-70b-0", "Restart { pool: \"agents-70b\", replica: Some(0) }"),
        ("rollout restart deployment/chat-8b", "Restart { pool: \"chat-8b\", replica: None }"),
        ("rollout restart gateway", "RestartGateways"),
        ("rollout pause", "FreezeRollouts"),
        ("uncordon agents-70b", "Uncordon { pool: \"agents-70b\" }"),
        ("rollout undo gateway", "Rollback { change: \"CHG-20417\" }"),
        ("rollout undo chg-20402", "Rollback { change: \"CHG-20402\" }"),
    ] {
        assert_eq!(ask(&scene, &mut world, words).as_deref(), Ok(action), "{words}");
    }
}

#[test]
fn what_is_not_understood_is_refused_with_the_way_out() {
    let (scene, mut world) = played(&cut("empty-spares", 31, Some(30)), "membership", 1);
    for (words, says) in [
        ("gte pods", "did you mean \"get\""),
        ("get pdos", "did you mean \"pods\""),
        ("describe pod agents-70b3", "did you mean \"agents-70b-3\""),
        ("get pods -n servin", "did you mean \"serving\""),
        ("get pods -o yaml", "there are: wide, json"),
        ("get pods -n", "needs a value"),
        ("get", "it is written: get"),
        ("scale agents-70b", "it is written: scale POOL N"),
        ("scale agents-70b -1", "no option"),
        ("scale agents-70b many", "not a number of replicas"),
        ("rollout hist gateway", "no rollout is called"),
        ("rollout undo gatewy", "did you mean \"gateway\""),
        ("config gatewya", "did you mean \"gateway\""),
        ("router agents", "there are: agents-70b, chat-8b"),
        ("delete pod gateway-1", "rollout restart gateway"),
        ("describe node gpu-node-999", "not found"),
        ("describe cache kv-cache-99", "not found"),
        ("nvidia-smi kv-cache-1", "not found"),
        ("top secrets", "resource \"secrets\" not found"),
    ] {
        let error = ask(&scene, &mut world, words).expect_err(words);
        assert!(error.contains(says), "{words}: {error}");
    }
    assert!(ask(&scene, &mut world, "help").expect("help").contains("rollout history"));
}

#[test]
fn no_answer_tells_what_only_the_author_knows() {
    let scenario = cut("empty-spares", 150, Some(30));
    let (scene, mut world) = played(&scenario, "membership", 2);
    let mut texts = String::new();
    for words in [
        "get pods -o wide",
        "get nodes",
        "get endpoints",
        "get hpa",
        "get deployments",
        "get events",
        "get configmap",
        "describe pod agents-70b-1",
        "describe pod gateway-1",
        "describe node gpu-node-012",
        "describe hpa agents-70b",
        "describe cache kv-cache-1",
        "top pods",
        "top nodes",
        "rollout status",
        "config gateway",
        "config serving",
        "config kv-cache",
        "ring",
        "router agents-70b",
        "nvidia-smi agents-70b-1",
        "help",
    ] {
        texts.push_str(&ask(&scene, &mut world, words).expect(words));
    }
    let words: Vec<String> = texts.split(|c: char| !c.is_alphanumeric() && c != '-').map(str::to_lowercase).collect();
    let ids = scenario.file.causes.iter().chain(&scenario.file.decoys).map(|c| c.id.clone());
    let banned = ["fault", "injected", "scenario", "decoy", "cause", "variant"].map(str::to_string);
    for word in ids.chain(banned).filter(|w| w != "launch") {
        assert!(!words.contains(&word), "\"{word}\"");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 512, failure_persistence: None, ..Default::default() })]
    #[test]
    fn no_words_make_it_panic(words in proptest::collection::vec("(get|describe|pod|pods|-o|-n|--replicas=|scale|rollout|undo|\\PC{0,8})", 0..6)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let _ = FleetVerb::parse(&words).map_err(|e| e.to_string());
    }
}
